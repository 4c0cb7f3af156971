// Chooses the levels of a channel for two quantisers that take turns: the path through their states
// that costs least (A. Viterbi's algorithm; M. W. Marcellin, T. R. Fischer, "Trellis coded
// quantization of memoryless and Gauss-Markov sources", IEEE Trans. Communications 38(1), 1990).
//
// Encoders alone do this, in floating point: whatever they choose can be decoded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dependent_quantiser.hpp"

namespace hyspec::latent {

// Bits of the levels of one latent, by quantiser: of 0, of +-1, of +-2, and of each further one.
struct LevelBits {
  std::array<float, 2> zero, one, two;
  float further;
};

class Trellis {
 public:
  // For as many latents as a channel has.
  explicit Trellis(std::size_t latents) : steps_(latents), levels_(latents) {}

  // Begins in a state; bit_value: what a bit is worth in squared steps.
  void start(std::uint32_t state, float bit_value);
  // The next latent, in steps; weight: of its squared error.
  void add(float value, const LevelBits& bits, float weight);
  // The levels of all latents that were added.
  const std::vector<std::int32_t>& finish();

 private:
  // What was decided at one latent: the level of each quantiser and parity, and the state before
  // each state.
  struct Step {
    std::array<std::array<std::int32_t, 2>, 2> levels;
    std::array<std::uint8_t, kTrellisStates> before;
  };

  float bit_value_ = 0.0f;
  std::array<float, kTrellisStates> costs_{};
  std::size_t count_ = 0;
  std::vector<Step> steps_;
  std::vector<std::int32_t> levels_;
};

}  // namespace hyspec::latent
