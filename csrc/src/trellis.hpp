// Chooses the levels of a channel for two quantisers that take turns: the path through their states
// that costs least (A. Viterbi's algorithm; M. W. Marcellin, T. R. Fischer, "Trellis coded
// quantization of memoryless and Gauss-Markov sources", IEEE Trans. Communications 38(1), 1990).
//
// Encoders alone do this, in floating point: whatever they choose can be decoded.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyspec::latent {

// Bits of the levels of one latent, by quantiser: of 0, of +-1, of +-2, and of each further one.
struct LevelBits {
  std::array<float, 2> zero, one, two;
  float further;
};

// The states as four butterflies: states `from` lead to states `to`, each of them to both. Numbers
// of the columns are those of the lanes of a vector.
struct Butterflies {
  std::array<std::array<std::uint8_t, 4>, 2> from, to;
};
constexpr Butterflies kButterflies = {{{{{0, 1, 2, 3}}, {{4, 7, 6, 5}}}},
                                      {{{{0, 5, 1, 6}}, {{2, 7, 3, 4}}}}};

class Trellis {
 public:
  // For as many latents as a channel has.
  explicit Trellis(std::size_t latents) : steps_(latents), levels_(latents) {}

  // Begins in a state; bit_value: what a bit is worth in squared steps.
  void start(std::uint32_t state, float bit_value);

  // The next latent, in steps; weight: of its squared error.
  void add(float value, const LevelBits& bits, float weight) {
    Step& step = steps_[count_++];
    const float size = value == value ? std::min(std::fabs(value), kLargest) : 0.0f;
    const std::int32_t sign = value < 0.0f ? -1 : 1;
    // The best level of each quantiser and parity: the nearest one, or zero.
    std::array<std::array<float, 2>, 2> cost;
    for (std::size_t q = 0; q < 2; ++q) {
      // Of the level; single precision does not tell the parities of large ones apart.
      const std::int32_t below = size < kLargestExact
                                     ? static_cast<std::int32_t>(size + (q == 0 ? 0.0f : 0.5f))
                                     : static_cast<std::int32_t>(size);
      const float part = (size - static_cast<float>(below)) + (q == 0 ? 0.0f : 0.5f);
      const std::int32_t odd = below | 1, even = std::max(2, (below + 1) & ~1);
      const float to_odd = part - static_cast<float>(odd - below);
      const float to_even = part - static_cast<float>(even - below);
      const float some_odd = odd < 2 ? bits.one[q] : further(bits, q, odd);
      cost[q][1] = weight * to_odd * to_odd + bit_value_ * some_odd;
      step.levels[q][1] = sign * odd;
      const float none = weight * size * size + bit_value_ * bits.zero[q];
      const float some = weight * to_even * to_even + bit_value_ * further(bits, q, even);
      cost[q][0] = std::min(none, some);
      step.levels[q][0] = none <= some ? 0 : sign * even;
    }
    advance(cost, step.first);
    if (count_ % kTogether == 0) rebase();
  }

  // The levels of all latents that were added.
  const std::vector<std::int32_t>& finish();

 private:
  static constexpr float kLargest = 1e9f;             // level
  static constexpr float kLargestExact = 4194304.0f;  // with halves

  // Bits of a level of 2 or more.
  static float further(const LevelBits& bits, std::size_t q, std::int32_t level) {
    return bits.two[q] + bits.further * static_cast<float>(level - 2);
  }

  // So many latents are added before costs are brought back to near zero.
  static constexpr std::size_t kTogether = 16;

  // What was decided at one latent: the level of each quantiser and parity, and by butterfly
  // whether its states are reached from the first one of `from`: bits 0 and 1.
  struct Step {
    std::array<std::array<std::int32_t, 2>, 2> levels;
    std::array<std::int32_t, 4> first;
  };

#if defined(__GNUC__)
  typedef float Costs __attribute__((vector_size(16)));
  typedef std::int32_t Flags __attribute__((vector_size(16)));

  static Costs shuffled(const Costs& a, const Costs& b, const Flags& order) {
#if defined(__clang__)
    Costs result;
    for (int k = 0; k < 4; ++k) result[k] = order[k] < 4 ? a[order[k]] : b[order[k] - 4];
    return result;
#else
    return __builtin_shuffle(a, b, order);
#endif
  }
#else
  using Costs = std::array<float, 4>;
#endif

  void advance(const std::array<std::array<float, 2>, 2>& cost,
               std::array<std::int32_t, 4>& first) {
#if defined(__GNUC__)
    // Butterflies 0 and 2 have quantiser 0.
    const Costs even = {cost[0][0], cost[1][0], cost[0][0], cost[1][0]};
    const Costs odd = {cost[0][1], cost[1][1], cost[0][1], cost[1][1]};
    const Costs a0 = costs_[0] + even, b0 = costs_[1] + odd;
    const Costs a1 = costs_[0] + odd, b1 = costs_[1] + even;
    const Flags by_a0 = a0 <= b0, by_a1 = a1 <= b1;
    const Costs to0 = by_a0 ? a0 : b0, to1 = by_a1 ? a1 : b1;
    const Flags found = (by_a0 & 1) | (by_a1 & 2);
    for (std::size_t k = 0; k < 4; ++k) first[k] = found[k];
    costs_[0] = shuffled(to0, to1, Flags{0, 2, 4, 6});
    costs_[1] = shuffled(to1, to0, Flags{3, 1, 7, 5});
#else
    Costs to0, to1;
    for (std::size_t k = 0; k < 4; ++k) {
      const float even = cost[k % 2][0], odd = cost[k % 2][1];
      const float a0 = costs_[0][k] + even, b0 = costs_[1][k] + odd;
      const float a1 = costs_[0][k] + odd, b1 = costs_[1][k] + even;
      to0[k] = std::min(a0, b0);
      to1[k] = std::min(a1, b1);
      first[k] = (a0 <= b0 ? 1 : 0) | (a1 <= b1 ? 2 : 0);
    }
    costs_[0] = {to0[0], to0[2], to1[0], to1[2]};
    costs_[1] = {to1[3], to1[1], to0[3], to0[1]};
#endif
  }

  void rebase() {
    float least = costs_[0][0];
    for (std::size_t k = 0; k < 8; ++k) least = std::min(least, costs_[k / 4][k % 4]);
    for (std::size_t k = 0; k < 8; ++k) costs_[k / 4][k % 4] -= least;
  }

  float bit_value_ = 0.0f;
  std::array<Costs, 2> costs_{};  // of the states before a step, in the order of `from`
  std::size_t count_ = 0;
  std::vector<Step> steps_;
  std::vector<std::int32_t> levels_;
};

}  // namespace hyspec::latent
