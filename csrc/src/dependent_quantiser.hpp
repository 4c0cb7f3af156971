// Two quantisers that take turns (docs/spectral_profile.md, section 4.3): which one a latent has
// follows from the parities of the levels before it, so that together they are as fine as a
// quantiser of half their step.
//
// H. Schwarz, T. Nguyen, D. Marpe, T. Wiegand, "Hybrid video coding with trellis-coded
// quantization", Data Compression Conference 2019.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hyspec::latent {

constexpr std::size_t kTrellisStates = 8;

// State after a level, by state and parity of the level.
constexpr std::array<std::array<std::uint8_t, 2>, kTrellisStates> kNextState = {
    {{0, 2}, {5, 7}, {1, 3}, {6, 4}, {2, 0}, {4, 6}, {3, 1}, {7, 5}}};

// Number of the quantiser of a state: 0 has the even numbers of half steps, 1 the odd ones and 0.
constexpr std::uint32_t quantiser_of(std::uint32_t state) { return state & 1; }

// Half steps of a level.
constexpr std::int64_t half_steps(std::int64_t level, std::uint32_t quantiser) {
  const int sign = level > 0 ? 1 : level < 0 ? -1 : 0;
  return 2 * level - sign * static_cast<std::int64_t>(quantiser);
}

}  // namespace hyspec::latent
