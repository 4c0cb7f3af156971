// Bits into bytes, the most significant bit first, as every field and codeword is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ccsds123 {

class BitWriter {
 public:
  // Appends the `bits` low bits of `value`, whose other bits are zero; bits <= 32.
  void put(std::uint32_t value, unsigned bits) {
    pending_ = (pending_ << bits) | value;
    count_ += bits;
    if (count_ >= 32) {
      count_ -= 32;
      store(static_cast<std::uint32_t>(pending_ >> count_));
    }
  }

  // The same for up to 64 bits.
  void put_wide(std::uint64_t value, unsigned bits) {
    if (bits > 32) put(static_cast<std::uint32_t>(value >> 32), bits - 32);
    put(static_cast<std::uint32_t>(value), bits > 32 ? 32 : bits);
  }

  void put_zeros(std::uint64_t bits) {
    for (; bits > 32; bits -= 32) put(0, 32);
    put(0, static_cast<unsigned>(bits));
  }

  std::uint64_t size_in_bits() const noexcept { return std::uint64_t{8} * size_ + count_; }

  // Zeros up to the next multiple of `bytes` bytes.
  void fill_to(unsigned bytes) {
    const std::uint64_t word = std::uint64_t{8} * bytes;
    put_zeros((word - size_in_bits() % word) % word);
  }

  // Everything written, a whole number of bytes.
  std::vector<std::uint8_t> finish() {
    fill_to(1);
    bytes_.resize(size_ + count_ / 8);
    for (; count_ > 0; count_ -= 8) {
      bytes_[size_++] = static_cast<std::uint8_t>(pending_ >> (count_ - 8));
    }
    size_ = 0;
    return std::exchange(bytes_, {});
  }

 private:
  void store(std::uint32_t word) {
    if (bytes_.size() < size_ + 4) bytes_.resize(2 * bytes_.size() + 1024);
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes_[size_++] = static_cast<std::uint8_t>(word >> shift);
    }
  }

  std::vector<std::uint8_t> bytes_;  // the first size_ are written
  std::size_t size_ = 0;
  std::uint64_t pending_ = 0;  // its count_ low bits are not yet in bytes_
  unsigned count_ = 0;         // < 32
};

}  // namespace ccsds123
