// What a pass over the latents does with each bit: writes it, reads it, or measures what it costs.
#pragma once

#include <cmath>
#include <cstdint>

#include "hyspec/range_coder.hpp"

namespace hyspec::latent {

// bit(): a bit whose probability of being one is `one` out of 65536; a reader ignores the value
// that it is given. raw(): a number of equally likely bits, at most 32. A loop that must be fast
// takes a copy, which the compiler can keep in registers, and hands it back.

struct Writer {
  RangeEncoder::Run run;
  bool bit(std::uint32_t one, bool value) {
    if (value)
      run.encode(0, one, 16);
    else
      run.encode(one, 65536 - one, 16);
    return value;
  }
  std::uint32_t raw(std::uint32_t value, unsigned bits) {
    for (; bits > 16; bits -= 16) {
      run.encode(value >> (bits - 16) & 0xffff, 1, 16);
    }
    if (bits > 0) run.encode(value & ((1u << bits) - 1), 1, bits);
    return value;
  }
};

struct Reader {
  RangeDecoder decoder;
  bool bit(std::uint32_t one, bool) { return decoder.decode_bit(one << 8); }
  std::uint32_t raw(std::uint32_t, unsigned bits) {
    if (bits == 1) return decoder.decode_even_bit() ? 1 : 0;
    std::uint32_t value = 0;
    for (; bits > 16; bits -= 16) value = value << 16 | decoder.decode_uniform(16);
    return bits > 0 ? value << bits | decoder.decode_uniform(bits) : value;
  }
};

struct Meter {
  double bits = 0.0;
  bool bit(std::uint32_t one, bool value) {
    bits += 16.0 - std::log2(static_cast<double>(value ? one : 65536 - one));
    return value;
  }
  std::uint32_t raw(std::uint32_t value, unsigned count) {
    bits += count;
    return value;
  }
};

}  // namespace hyspec::latent
