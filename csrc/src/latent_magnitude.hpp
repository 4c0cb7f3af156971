// Magnitudes bit by bit (docs/band_profile.md, section 4.6).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "hyspec/error.hpp"
#include "latent_classes.hpp"

namespace hyspec::latent {

constexpr std::int64_t kUnary = 14;

// |value| - 1 of a value that is not zero: `wanted` of an encoder, anything of a decoder. The
// lowest bits are left to chance; more(n, bit) codes whether the rest is larger than n.
template <class Bits, class More>
std::int64_t code_magnitude(Bits& bits, unsigned low_bits, std::int64_t wanted, const More& more) {
  const std::int64_t wanted_high = wanted >> low_bits;
  std::int64_t high = 0;
  while (high < kUnary && more(high, wanted_high > high)) ++high;
  if (high == kUnary) {
    const auto rest = static_cast<std::uint64_t>(std::max<std::int64_t>(0, wanted_high - kUnary));
    unsigned length = floor_log2(rest + 1);
    length = bits.raw(length, 6);
    if (length > 32) throw Error(ErrorCode::kCorrupt, 0, "a latent is no 32-bit integer");
    const std::uint64_t top = std::uint64_t{1} << length;
    const auto tail = static_cast<std::uint32_t>(rest + 1 - std::min(rest + 1, top));
    high += static_cast<std::int64_t>(top + bits.raw(tail, length) - 1);
  }
  const auto low = static_cast<std::uint32_t>(wanted & ((std::int64_t{1} << low_bits) - 1));
  return (high << low_bits) + bits.raw(low, low_bits);
}

// A latent, which must be a 32-bit integer.
inline std::int32_t whole_latent(std::int64_t found) {
  if (found < std::numeric_limits<std::int32_t>::min() ||
      found > std::numeric_limits<std::int32_t>::max())
    throw Error(ErrorCode::kCorrupt, 0, "a latent is no 32-bit integer");
  return static_cast<std::int32_t>(found);
}

}  // namespace hyspec::latent
