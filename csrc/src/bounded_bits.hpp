// What a pass over the samples of a bounded chunk does with each symbol: writes it or reads it.
// A reader ignores the value that it is given.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hyspec/error.hpp"
#include "hyspec/range_coder.hpp"
#include "nibble_model.hpp"

namespace hyspec::bounded {

class Writer {
 public:
  using Coder = RangeEncoder;
  static constexpr bool kWrites = true;

  explicit Writer(RangeEncoder& encoder) : run_(encoder) {}
  void end() { run_.end(); }

  std::size_t nibble(const NibbleSet& set, std::size_t symbol) {
    const std::uint32_t start = below(set, symbol);
    run_.encode(start, below(set, symbol + 1) - start, kMixedNibbleBits);
    return symbol;
  }
  // `one`: probability of a one out of 65536.
  bool bit(std::uint32_t one, bool value) {
    if (value)
      run_.encode(0, one, 16);
    else
      run_.encode(one, 65536 - one, 16);
    return value;
  }
  // At most 32 equally likely bits.
  std::uint64_t raw(std::uint64_t value, unsigned bits) {
    if (bits > 16) {
      run_.encode(static_cast<std::uint32_t>(value >> 16), 1, bits - 16);
      run_.encode(static_cast<std::uint32_t>(value & 0xffff), 1, 16);
    } else if (bits > 0) {
      run_.encode(static_cast<std::uint32_t>(value), 1, bits);
    }
    return value;
  }
  // What an encoder writes is not corrupt.
  void corrupt() const {}

 private:
  RangeEncoder::Run run_;
};

class Reader {
 public:
  using Coder = RangeDecoder;
  static constexpr bool kWrites = false;

  explicit Reader(RangeDecoder& decoder) : decoder_(decoder), local_(decoder) {}
  void end() { decoder_ = local_; }

  std::size_t nibble(const NibbleSet& set, std::size_t) {
    const std::size_t symbol = find_nibble(set, local_.quantile(kMixedNibbleBits));
    const std::uint32_t start = below(set, symbol);
    local_.consume(start, below(set, symbol + 1) - start, kMixedNibbleBits);
    return symbol;
  }
  bool bit(std::uint32_t one, bool) { return local_.decode_bit(one << 8); }
  std::uint64_t raw(std::uint64_t, unsigned bits) {
    if (bits <= 16) return uniform(bits);
    const std::uint64_t high = uniform(bits - 16);
    return high << 16 | uniform(16);
  }
  [[noreturn]] void corrupt() const {
    throw Error(ErrorCode::kCorrupt, local_.byte_offset(),
                "a residual leaves the range of the samples");
  }

 private:
  std::uint32_t uniform(unsigned bits) {
    if (bits == 0) return 0;
    const std::uint32_t value = local_.quantile(bits);
    local_.consume(value, 1, bits);
    return value;
  }

  RangeDecoder& decoder_;
  RangeDecoder local_;  // a copy that stays in registers
};

}  // namespace hyspec::bounded
