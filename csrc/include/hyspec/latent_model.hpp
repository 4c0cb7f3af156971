// What the coder of latents starts from: gains per level, and the trained state of its adaptive
// models (docs/band_profile.md, section 4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "hyspec/adaptive_bit.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Units of gain codes: this many to a factor of two.
constexpr std::int32_t kGainsPerOctave = 256;

// Factor 2^(code / 256) in units of 2^-16, for codes within +-3072.
std::int64_t gain_ratio(std::int32_t code) noexcept;

// Weights of the linear prediction within a band, trained per channel (section 4.3).
constexpr std::size_t kIntraTaps = 3;
using IntraWeights = std::array<std::int32_t, kIntraTaps>;  // 65536 is one

// How large the error of a latent of a component plane is expected to be: weights, in 1/256, of the
// magnitudes of errors around it (section 4.7).
struct Surroundings {
  static constexpr std::size_t kNeighbours = 5;

  // Channels of the same plane before this one, or -1, and their weights.
  std::array<std::int16_t, kNeighbours> channel = {-1, -1, -1, -1, -1};
  std::array<std::int16_t, kNeighbours> in_channel = {0, 0, 0, 0, 0};
  std::int16_t west = 0, north = 0, diagonal = 0;  // in the same channel and plane
  std::int16_t before = 0, long_before = 0;        // same place, one and two planes before
};
constexpr std::int16_t kMaxSurroundingWeight = 1024;

// What latents are of: neighbouring bands, which resemble each other, or component planes, which
// have no more in common than where they are large. Contexts differ (sections 4.5 and 4.7).
enum class LatentKind { kBands, kPlanes };

// Mutable state of the adaptive models while one chunk is coded.
struct LatentState {
  static constexpr std::size_t kDecisions = 8;  // that are told apart: zero, sign, six of magnitude

  // Slots of the mixed contexts; sizes per decision are those of context_sizes().
  std::array<std::vector<Slot>, kMixedSlots> contexts;
  std::vector<Slot> quiet;   // significance where all around is zero
  std::vector<Slot> silent;  // planes that are zero throughout
  std::vector<MixerWeights> mixers;
  std::vector<IntraWeights> intra;  // per channel

  LatentState(std::uint32_t channels, LatentKind kind);
  static std::array<std::size_t, kMixedSlots> context_sizes(std::uint32_t channels,
                                                            LatentKind kind);
};

class LatentModel {
 public:
  // gains: levels x channels, codes of the gain of each channel at each level. surroundings: one
  // per channel for a model of planes, none for one of bands. Error(kBadArgument) if there is no
  // level or channel, more than 512 channels, a code beyond
  // +-4096, surroundings that are out of range, or surroundings or a state of another number of
  // channels or kind.
  LatentModel(std::uint32_t channels, Span<const std::int16_t> gains, LatentState state,
              std::vector<Surroundings> surroundings = {});

  // The same with another state.
  LatentModel(const LatentModel& other, LatentState state)
      : LatentModel(other.channels_, other.gains_, std::move(state), other.surroundings_) {}

  std::uint32_t channels() const noexcept { return channels_; }
  std::uint32_t levels() const noexcept {
    return static_cast<std::uint32_t>(gains_.size() / channels_);
  }
  std::int32_t gain(std::uint32_t level, std::uint32_t channel) const noexcept {
    return gains_[std::size_t{level} * channels_ + channel];
  }
  LatentKind kind() const noexcept {
    return surroundings_.empty() ? LatentKind::kBands : LatentKind::kPlanes;
  }
  // Of a model of planes.
  const Surroundings& surroundings(std::uint32_t channel) const noexcept {
    return surroundings_[channel];
  }
  const LatentState& state() const noexcept { return state_; }

 private:
  std::uint32_t channels_;
  std::vector<std::int16_t> gains_;
  LatentState state_;
  std::vector<Surroundings> surroundings_;
};

// The state as arrays, for files: slots in the order of the members of LatentState.
struct LatentStateArrays {
  std::vector<std::uint16_t> probability;
  std::vector<std::uint8_t> count;
  std::vector<std::int32_t> mixers;  // sets x 8
  std::vector<std::int32_t> intra;   // channels x 3
};
LatentStateArrays to_arrays(const LatentState& state);
// Error(kBadArgument) if sizes are not those of the channels and kind, or a weight or count is out
// of range.
LatentState from_arrays(std::uint32_t channels, LatentKind kind, const LatentStateArrays& arrays);

}  // namespace hyspec
