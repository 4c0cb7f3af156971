// Reading and writing of the container's numbers, byte by byte, so that the host's byte order does
// not matter: docs/container_format.md, section 1.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hyspec/error.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

using Bytes = std::vector<std::uint8_t>;

// svarint: small magnitudes of either sign become small unsigned numbers.
constexpr std::uint64_t zigzag_encode(std::int64_t n) noexcept {
  const std::uint64_t doubled = static_cast<std::uint64_t>(n) << 1;
  return n < 0 ? ~doubled : doubled;
}
constexpr std::int64_t zigzag_decode(std::uint64_t n) noexcept {
  const auto half = static_cast<std::int64_t>(n >> 1);
  return (n & 1) != 0 ? -half - 1 : half;
}

// The 64 bits of a double as the container stores them: every NaN is the same one.
std::uint64_t canonical_bits(double value) noexcept;
double double_from_bits(std::uint64_t bits) noexcept;

// Text of section 1.2: UTF-8 of at most 255 bytes without control characters.
bool is_plain_text(Span<const std::uint8_t> text) noexcept;

void put_u8(Bytes& out, std::uint8_t value);
void put_u32(Bytes& out, std::uint32_t value);
void put_f64(Bytes& out, double value);
void put_varint(Bytes& out, std::uint64_t value);
void put_bytes(Bytes& out, Span<const std::uint8_t> bytes);
void put_words(Bytes& out, Span<const std::uint32_t> words);

// The 32-bit words that bytes hold; their number is a multiple of 4, which the caller has checked.
std::vector<std::uint32_t> to_words(Span<const std::uint8_t> bytes);

// Takes numbers from the front of a span. Running out of bytes throws `overrun`: kTruncated where
// the span is the end of a file, kCorrupt where a checksum has already vouched for it.
class ByteReader {
 public:
  // `base` is the offset of data[0] in the stream, for error messages.
  ByteReader(Span<const std::uint8_t> data, std::uint64_t base, ErrorCode overrun) noexcept
      : data_(data), base_(base), overrun_(overrun) {}

  std::uint64_t offset() const noexcept { return base_ + position_; }
  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return data_.size() - position_; }

  std::uint8_t u8();
  std::uint32_t u32();
  double f64();            // kCorrupt for a NaN that is not the canonical one
  std::uint64_t varint();  // kCorrupt for a non-canonical one
  Span<const std::uint8_t> bytes(std::uint64_t count);
  Span<const std::uint8_t> rest() { return bytes(remaining()); }

  // The varint, or kCorrupt with "<what> is <value>; expected <low> to <high>".
  std::uint64_t varint_between(std::uint64_t low, std::uint64_t high, const char* what);

 private:
  Span<const std::uint8_t> data_;
  std::uint64_t base_;
  ErrorCode overrun_;
  std::size_t position_ = 0;
};

}  // namespace hyspec
