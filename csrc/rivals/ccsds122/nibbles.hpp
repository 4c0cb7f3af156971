// Picks bits out of groups of four and puts them back.
#pragma once

#include <array>
#include <cstdint>

namespace ccsds122 {

constexpr unsigned kBitCounts[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

using NibbleTable = std::array<std::array<std::uint8_t, 16>, 16>;  // [mask][bits]

constexpr NibbleTable make_compressed() {
  NibbleTable table{};
  for (unsigned mask = 0; mask < 16; ++mask) {
    for (unsigned value = 0; value < 16; ++value) {
      unsigned result = 0;
      for (unsigned bit = 8; bit != 0; bit >>= 1) {
        if (mask & bit) result = result << 1 | ((value & bit) != 0 ? 1u : 0u);
      }
      table[mask][value] = static_cast<std::uint8_t>(result);
    }
  }
  return table;
}

constexpr NibbleTable make_expanded() {
  constexpr NibbleTable compressed = make_compressed();
  NibbleTable table{};
  for (unsigned mask = 0; mask < 16; ++mask) {
    for (unsigned value = 0; value < 16; ++value) {
      table[mask][compressed[mask][value]] = static_cast<std::uint8_t>(value & mask);
    }
  }
  return table;
}

// The bits of `value` that `mask` selects, moved together.
inline unsigned compress4(unsigned value, unsigned mask) {
  static constexpr NibbleTable table = make_compressed();
  return table[mask][value];
}

// Inverse: the low bits of `bits` moved to where `mask` has bits.
inline unsigned expand4(unsigned bits, unsigned mask) {
  static constexpr NibbleTable table = make_expanded();
  return table[mask][bits];
}

}  // namespace ccsds122
