// Logarithms of whole numbers.
#pragma once

#include <cstdint>

namespace hyspec {

// floor(log2(value)); of 0: 0.
inline unsigned floor_log2(std::uint64_t value) {
#if defined(__GNUC__)
  return 63u - static_cast<unsigned>(__builtin_clzll(value | 1));
#else
  unsigned result = 0;
  for (unsigned half = 32; half > 0; half /= 2)
    if (value >> half != 0) {
      value >>= half;
      result += half;
    }
  return result;
#endif
}

}  // namespace hyspec
