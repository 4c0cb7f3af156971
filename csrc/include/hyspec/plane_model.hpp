// What the coder of component planes starts from: gains, what tells how large a latent is expected
// to be, and the trained state of its adaptive models (docs/spectral_profile.md, section 4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "hyspec/adaptive_bit.hpp"
#include "hyspec/latent_gains.hpp"
#include "hyspec/span.hpp"
#include "hyspec/state_arrays.hpp"

namespace hyspec {

// A latent that tells of the one at hand (section 4.1).
struct Term {
  std::int16_t channel;  // that it is for
  std::int16_t group;    // 0: same frequency, 1: other frequencies, 2: planes before
  std::int16_t age;      // planes before
  std::int16_t from;     // channel that it takes
  std::int16_t down, across;
  std::int16_t weight;  // in 1/256
};
constexpr std::size_t kTermGroups = 3;
constexpr std::int16_t kMaxTermAge = 2;
constexpr std::int16_t kMaxTermWeight = 1024;
// Magnitudes, in half steps, count up to this much in sums of terms (section 4.5).
constexpr std::int32_t kMostCounted = 4095;
constexpr std::size_t kMostTerms = 32;  // of a channel

// Mutable state of the adaptive models while one chunk is coded.
struct PlaneState {
  static constexpr std::size_t kDecisions = 10;   // that are told apart (section 4.7)
  static constexpr std::size_t kMagnitudes = 48;  // classes of what is expected

  // Slots of the mixed contexts; sizes per decision are those of context_sizes().
  std::array<std::vector<Slot>, kPairSlots> contexts;
  std::vector<Slot> quiet;   // significance where next to nothing is expected
  std::vector<Slot> silent;  // channels of a plane that are zero throughout
  std::vector<PairWeights> by_magnitude, by_channel;
  IntraWeights intra{};  // of channel 0

  explicit PlaneState(std::uint32_t channels);
  static std::array<std::size_t, kPairSlots> context_sizes(std::uint32_t channels);
};

class PlaneModel {
 public:
  // Terms in any order. Error(kBadArgument) if the state is of another number of channels, or a
  // term is out of range or takes what is not decoded yet.
  PlaneModel(LatentGains gains, PlaneState state, std::vector<Term> terms);

  // The same with another state.
  PlaneModel(const PlaneModel& other, PlaneState state)
      : PlaneModel(other.gains_, std::move(state), other.terms_) {}

  std::uint32_t channels() const noexcept { return gains_.channels(); }
  std::uint32_t levels() const noexcept { return gains_.levels(); }
  std::int32_t gain(std::uint32_t level, std::uint32_t channel) const noexcept {
    return gains_.code(level, channel);
  }
  // Those for a channel.
  Span<const Term> terms(std::uint32_t channel) const noexcept {
    return {terms_.data() + first_[channel], first_[channel + 1] - first_[channel]};
  }
  const PlaneState& state() const noexcept { return state_; }

 private:
  LatentGains gains_;
  PlaneState state_;
  std::vector<Term> terms_;         // by channel
  std::vector<std::size_t> first_;  // of each channel, and their number
};

// Slots in the order of the members of PlaneState.
StateArrays to_arrays(const PlaneState& state);
// Error(kBadArgument) if sizes are not those of the channels, or a weight or count is out of range.
PlaneState plane_state(std::uint32_t channels, const StateArrays& arrays);

}  // namespace hyspec
