// What the coder of latents starts from: gains per level, and the trained state of its adaptive
// models (docs/band_profile.md, section 4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "hyspec/adaptive_bit.hpp"
#include "hyspec/latent_gains.hpp"
#include "hyspec/state_arrays.hpp"

namespace hyspec {

// Mutable state of the adaptive models while one chunk is coded.
struct LatentState {
  static constexpr std::size_t kDecisions = 8;  // that are told apart: zero, sign, six of magnitude

  // Slots of the mixed contexts; sizes per decision are those of context_sizes().
  std::array<std::vector<Slot>, kMixedSlots> contexts;
  std::vector<Slot> quiet;   // significance where all around is zero
  std::vector<Slot> silent;  // channels that are zero throughout
  std::vector<MixerWeights> mixers;
  std::vector<IntraWeights> intra;  // per channel

  explicit LatentState(std::uint32_t channels);
  static std::array<std::size_t, kMixedSlots> context_sizes(std::uint32_t channels);
};

class LatentModel {
 public:
  // Error(kBadArgument) if the state is of another number of channels.
  LatentModel(LatentGains gains, LatentState state);

  // The same with another state.
  LatentModel(const LatentModel& other, LatentState state)
      : LatentModel(other.gains_, std::move(state)) {}

  std::uint32_t channels() const noexcept { return gains_.channels(); }
  std::uint32_t levels() const noexcept { return gains_.levels(); }
  std::int32_t gain(std::uint32_t level, std::uint32_t channel) const noexcept {
    return gains_.code(level, channel);
  }
  const LatentState& state() const noexcept { return state_; }

 private:
  LatentGains gains_;
  LatentState state_;
};

// Slots in the order of the members of LatentState.
StateArrays to_arrays(const LatentState& state);
// Error(kBadArgument) if sizes are not those of the channels, or a weight or count is out of range.
LatentState latent_state(std::uint32_t channels, const StateArrays& arrays);

}  // namespace hyspec
