// Bits out of bytes, forwards from the start or backwards from the end.
//
// The hybrid coder's codewords are suffix-free and are read from the last bit of the image to the
// first; everything else is read forwards. Reading past either end is a StreamError.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ccsds123/error.hpp"

namespace ccsds123 {

namespace detail {

inline constexpr std::size_t kWindowBytes = 8;

// Big-endian word of the 8 bytes at `bytes`.
inline std::uint64_t load_word(const std::uint8_t* bytes) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kWindowBytes; ++i) word = word << 8 | bytes[i];
  return word;
}

}  // namespace detail

class BitReader {
 public:
  // Reads a copy of `size` bytes.
  BitReader(const std::uint8_t* data, std::size_t size)
      : bytes_(data, data + size), end_(std::uint64_t{8} * size) {
    bytes_.resize(size + detail::kWindowBytes);
  }

  // At least 57 of the next bits, left-aligned; zeros stand for what lies past the end.
  std::uint64_t window() const noexcept {
    return detail::load_word(bytes_.data() + position_ / 8) << position_ % 8;
  }

  void skip(std::uint64_t bits) {
    if (bits > end_ - position_) throw StreamError(byte_offset(), "the image ends too early");
    position_ += bits;
  }

  // The next bits as an unsigned number; bits <= 32.
  std::uint32_t take(unsigned bits) {
    const std::uint64_t next = window();
    skip(bits);
    return bits == 0 ? 0 : static_cast<std::uint32_t>(next >> (64 - bits));
  }

  // The number of zeros before the next one, all of which are consumed.
  std::uint64_t take_zeros_and_one() {
    const std::uint64_t start = position_;
    for (;;) {
      const std::uint64_t next = window();
      if (next != 0) {
        skip(static_cast<unsigned>(__builtin_clzll(next)) + 1);
        return position_ - start - 1;
      }
      skip(57);
    }
  }

  // Consumes fill bits up to the next byte boundary.
  void take_fill() {
    if (take(static_cast<unsigned>((8 - position_ % 8) % 8)) != 0) {
      throw StreamError(byte_offset(), "fill bits are not zero");
    }
  }

  std::uint64_t bits_left() const noexcept { return end_ - position_; }
  std::size_t byte_offset() const noexcept { return static_cast<std::size_t>(position_ / 8); }

 private:
  std::vector<std::uint8_t> bytes_;  // followed by zeros for the last window
  std::uint64_t end_;
  std::uint64_t position_ = 0;
};

class BackwardBitReader {
 public:
  // Reads a copy of the bytes [begin, end) of `data`, starting from the last bit.
  BackwardBitReader(const std::uint8_t* data, std::size_t begin, std::size_t end)
      : begin_(begin),
        bytes_(detail::kWindowBytes + end - begin),
        position_(std::uint64_t{8} * (end - begin)) {
    std::copy(data + begin, data + end, bytes_.begin() + detail::kWindowBytes);
  }

  // At least 57 of the bits before the position, right-aligned: its low n bits are the number that
  // take(n) returns. Zeros stand for what lies before the start.
  std::uint64_t window() const noexcept {
    return detail::load_word(bytes_.data() + (position_ + 7) / 8) >> (8 - position_ % 8) % 8;
  }

  void skip(std::uint64_t bits) {
    if (bits > position_) throw StreamError(byte_offset(), "the image has too few bits");
    position_ -= bits;
  }

  std::uint32_t take(unsigned bits) {
    const std::uint64_t before = window();
    skip(bits);
    return static_cast<std::uint32_t>(before & ((std::uint64_t{1} << bits) - 1));
  }

  std::uint64_t take_wide(unsigned bits) {
    const unsigned low = bits > 32 ? 32 : bits;
    const std::uint64_t tail = take(low);
    return bits > 32 ? std::uint64_t{take(bits - 32)} << 32 | tail : tail;
  }

  std::uint64_t bits_left() const noexcept { return position_; }
  std::size_t byte_offset() const noexcept {
    return begin_ + static_cast<std::size_t>(position_ / 8);
  }

 private:
  std::size_t begin_;
  std::vector<std::uint8_t> bytes_;  // behind zeros for the last window
  std::uint64_t position_;
};

}  // namespace ccsds123
