// Bit strings, most significant bit first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ccsds122 {

class BitWriter {
 public:
  // Appends the `count` low bits of value; count is at most 32 and value has no other bits.
  void put(std::uint64_t value, unsigned count) {
    pending_ = pending_ << count | value;
    pending_bits_ += count;
    if (pending_bits_ >= 32) {
      pending_bits_ -= 32;
      const std::uint64_t word = pending_ >> pending_bits_;
      for (int shift = 24; shift >= 0; shift -= 8) {
        bytes_.push_back(static_cast<std::uint8_t>(word >> shift));
      }
    }
  }

  std::uint64_t bits() const noexcept { return 8 * std::uint64_t{bytes_.size()} + pending_bits_; }

  // The bytes so far, the last one completed with zeros. The writer is empty afterwards.
  std::vector<std::uint8_t> take() {
    while (pending_bits_ > 0) {
      const unsigned count = pending_bits_ < 8 ? pending_bits_ : 8;
      pending_bits_ -= count;
      bytes_.push_back(static_cast<std::uint8_t>(pending_ >> pending_bits_ << (8 - count)));
    }
    return std::move(bytes_);
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::uint64_t pending_ = 0;  // the low pending_bits_ bits are not yet in bytes_
  unsigned pending_bits_ = 0;
};

// Thrown by BitReader where a bit string ends. A truncated segment is legal (4.1): its decoder
// stops here and keeps what it has.
struct EndOfData {};

class BitReader {
 public:
  BitReader(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t remaining() const noexcept { return 8 * std::uint64_t{size_} - position_; }

  // Leaves out what lies beyond `size` bytes; no less than what has been read.
  void truncate(std::size_t size) noexcept { size_ = size; }

  // The next 32 bits, zeros beyond the end.
  std::uint32_t peek() const noexcept {
    const std::size_t first = static_cast<std::size_t>(position_ >> 3);
    std::uint64_t window = 0;
    if (first + 5 <= size_) {
      for (std::size_t i = first; i < first + 5; ++i) window = window << 8 | data_[i];
    } else {
      for (std::size_t i = first; i < first + 5; ++i) {
        window = window << 8 | (i < size_ ? data_[i] : 0u);
      }
    }
    return static_cast<std::uint32_t>(window >> (8 - (position_ & 7)));
  }

  void skip(unsigned count) {
    if (count > remaining()) throw EndOfData{};
    position_ += count;
  }

  // The next `count` bits, at most 32.
  std::uint32_t get(unsigned count) {
    const std::uint32_t window = peek();
    skip(count);
    return count == 0 ? 0 : window >> (32 - count);
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::uint64_t position_ = 0;
};

}  // namespace ccsds122
