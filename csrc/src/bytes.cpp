#include "hyspec/bytes.hpp"

#include <cmath>
#include <cstring>

namespace hyspec {
namespace {

constexpr std::uint64_t kCanonicalNan = 0x7FF8000000000000;
constexpr std::size_t kMaxText = 255;

bool is_control(std::uint32_t c) noexcept { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

// Length of the UTF-8 sequence that a byte begins, and the smallest value it may stand for.
struct Utf8Lead {
  std::size_t length;
  std::uint32_t bits, smallest;
};

Utf8Lead utf8_lead(std::uint8_t byte) noexcept {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xC0 && byte < 0xE0) return {2, byte & 0x1Fu, 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {3, byte & 0x0Fu, 0x800};
  if (byte >= 0xF0 && byte < 0xF8) return {4, byte & 0x07u, 0x10000};
  return {0, 0, 0};
}

}  // namespace

std::uint64_t canonical_bits(double value) noexcept {
  if (std::isnan(value)) return kCanonicalNan;
  std::uint64_t bits = 0;
  static_assert(sizeof(bits) == sizeof(value));
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

double double_from_bits(std::uint64_t bits) noexcept {
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

bool is_plain_text(Span<const std::uint8_t> text) noexcept {
  if (text.size() > kMaxText) return false;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Lead lead = utf8_lead(text[i]);
    if (lead.length == 0 || lead.length > text.size() - i) return false;
    std::uint32_t c = lead.bits;
    for (std::size_t k = 1; k < lead.length; ++k) {
      if ((text[i + k] & 0xC0) != 0x80) return false;
      c = (c << 6) | (text[i + k] & 0x3Fu);
    }
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    if (c < lead.smallest || c > 0x10FFFF || surrogate || is_control(c)) return false;
    i += lead.length;
  }
  return true;
}

void put_u8(Bytes& out, std::uint8_t value) { out.push_back(value); }

void put_u32(Bytes& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void put_f64(Bytes& out, double value) {
  const std::uint64_t bits = canonical_bits(value);
  put_u32(out, static_cast<std::uint32_t>(bits));
  put_u32(out, static_cast<std::uint32_t>(bits >> 32));
}

void put_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_bytes(Bytes& out, Span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_words(Bytes& out, Span<const std::uint32_t> words) {
  out.reserve(out.size() + 4 * words.size());
  for (const std::uint32_t word : words) put_u32(out, word);
}

std::vector<std::uint32_t> to_words(Span<const std::uint8_t> bytes) {
  std::vector<std::uint32_t> words(bytes.size() / 4, 0);
  for (std::size_t i = 0; i < 4 * words.size(); ++i) {
    words[i / 4] |= std::uint32_t{bytes[i]} << (8 * (i % 4));
  }
  return words;
}

Span<const std::uint8_t> ByteReader::bytes(std::uint64_t count) {
  if (count > remaining()) {
    throw Error(overrun_, offset(),
                "the bytes end too early: " + std::to_string(count) + " expected, " +
                    std::to_string(remaining()) + " found");
  }
  const auto size = static_cast<std::size_t>(count);
  const Span<const std::uint8_t> result = data_.subspan(position_, size);
  position_ += size;
  return result;
}

std::uint8_t ByteReader::u8() { return bytes(1)[0]; }

std::uint32_t ByteReader::u32() {
  const Span<const std::uint8_t> b = bytes(4);
  return b[0] | (std::uint32_t{b[1]} << 8) | (std::uint32_t{b[2]} << 16) |
         (std::uint32_t{b[3]} << 24);
}

double ByteReader::f64() {
  const std::uint64_t at = offset();
  const std::uint64_t low = u32();
  const std::uint64_t bits = low | (std::uint64_t{u32()} << 32);
  const double value = double_from_bits(bits);
  if (canonical_bits(value) != bits) throw Error(ErrorCode::kCorrupt, at, "a NaN is not canonical");
  return value;
}

std::uint64_t ByteReader::varint() {
  const std::uint64_t at = offset();
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = u8();
    const std::uint64_t group = byte & 0x7F;
    if (shift == 63 && group > 1) break;  // 2^64 or more
    value |= group << shift;
    if ((byte & 0x80) == 0) {
      if (byte == 0 && shift > 0) break;  // the byte before could have been the last
      return value;
    }
  }
  throw Error(ErrorCode::kCorrupt, at, "a variable-length integer is too long or not canonical");
}

std::uint64_t ByteReader::varint_between(std::uint64_t low, std::uint64_t high, const char* what) {
  const std::uint64_t at = offset();
  const std::uint64_t value = varint();
  if (value < low || value > high) {
    throw Error(ErrorCode::kCorrupt, at,
                std::string(what) + " is " + std::to_string(value) + "; expected " +
                    std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

}  // namespace hyspec
