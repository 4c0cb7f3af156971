#include "hyspec/checksum.hpp"

#include <array>
#include <cstddef>

#include "wide_registers.hpp"

namespace hyspec {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // 1EDC6F41, reflected

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

// table[k][b]: effect of byte b on the register when k more bytes follow it.
constexpr Table make_table() noexcept {
  Table table{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[0][b] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t shorter = table[k - 1][b];
      table[k][b] = (shorter >> 8) ^ table[0][shorter & 0xFF];
    }
  }
  return table;
}

constexpr Table kTable = make_table();

constexpr std::uint32_t step(std::uint32_t crc, std::uint32_t byte) noexcept {
  return (crc >> 8) ^ kTable[0][(crc ^ byte) & 0xFF];
}

// Four bytes at once: the first one is followed by `after` + 3 others.
constexpr std::uint32_t word(std::uint32_t w, std::size_t after) noexcept {
  return kTable[after + 3][w & 0xFF] ^ kTable[after + 2][(w >> 8) & 0xFF] ^
         kTable[after + 1][(w >> 16) & 0xFF] ^ kTable[after][w >> 24];
}

std::uint32_t load_u32(const std::uint8_t* p) noexcept {
  return p[0] | (std::uint32_t{p[1]} << 8) | (std::uint32_t{p[2]} << 16) |
         (std::uint32_t{p[3]} << 24);
}

#if HYSPEC_HAS_WIDE
// The processor's own instruction for this checksum.
[[gnu::target("sse4.2")]] std::uint32_t quick_symbols(Span<const std::int32_t> symbols,
                                                      std::uint32_t crc) noexcept {
  std::uint64_t wide = crc;
  std::size_t i = 0;
  for (; i + 2 <= symbols.size(); i += 2) {
    const std::uint64_t pair = static_cast<std::uint32_t>(symbols[i]) |
                               std::uint64_t{static_cast<std::uint32_t>(symbols[i + 1])} << 32;
    wide = __builtin_ia32_crc32di(wide, pair);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  if (i < symbols.size())
    narrow = __builtin_ia32_crc32si(narrow, static_cast<std::uint32_t>(symbols[i]));
  return narrow;
}
#endif

}  // namespace

std::uint32_t crc32c(Span<const std::uint8_t> data, std::uint32_t previous) noexcept {
  std::uint32_t crc = ~previous;
  const std::uint8_t* p = data.begin();
  std::size_t left = data.size();
  for (; left >= 8; left -= 8, p += 8) {
    crc = word(crc ^ load_u32(p), 4) ^ word(load_u32(p + 4), 0);
  }
  for (; left > 0; --left, ++p) crc = step(crc, *p);
  return ~crc;
}

std::uint32_t crc32c_symbols(Span<const std::int32_t> symbols, std::uint32_t previous) noexcept {
  std::uint32_t crc = ~previous;
#if HYSPEC_HAS_WIDE
  if (has_wide_registers()) return ~quick_symbols(symbols, crc);
#endif
  std::size_t i = 0;
  for (; i + 2 <= symbols.size(); i += 2) {
    crc = word(crc ^ static_cast<std::uint32_t>(symbols[i]), 4) ^
          word(static_cast<std::uint32_t>(symbols[i + 1]), 0);
  }
  if (i < symbols.size()) crc = word(crc ^ static_cast<std::uint32_t>(symbols[i]), 0);
  return ~crc;
}

}  // namespace hyspec
