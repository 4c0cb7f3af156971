// What the states of adaptive models of bands and planes have in common, and either as arrays, for
// files (docs/pack_format.md, section 6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyspec {

// Weights of the linear prediction within a band or plane (docs/band_profile.md, section 4.3).
constexpr std::size_t kIntraTaps = 3;
using IntraWeights = std::array<std::int32_t, kIntraTaps>;  // 65536 is one

// Contexts of channels of a band or plane that are zero throughout (section 4.2 there).
constexpr std::size_t kSilentSlots = 3 * 2 * 2 * 16;

struct StateArrays {
  std::vector<std::uint16_t> probability;  // of each slot
  std::vector<std::uint8_t> count;         // of each slot
  std::vector<std::int32_t> mixers;        // weights, set after set
  std::vector<std::int32_t> intra;         // weights of the prediction within a band or plane
};

}  // namespace hyspec
