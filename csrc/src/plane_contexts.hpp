// Contexts of the bits of a latent of a component plane, and the models that they choose
// (docs/spectral_profile.md, sections 4.5 to 4.7).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "hyspec/adaptive_bit.hpp"
#include "hyspec/plane_model.hpp"
#include "latent_classes.hpp"
#include "magnitude_planes.hpp"
#include "trellis.hpp"

namespace hyspec::latent {

// Decisions: whether a level is not zero, and whether its magnitude is larger than 1, 2, ...; the
// first two differ between quantisers.
inline std::size_t zero_decision(std::uint32_t quantiser) { return quantiser == 0 ? 0 : 8; }
inline std::size_t more_decision(std::int64_t n, std::uint32_t quantiser) {
  return n == 0 && quantiser == 1 ? 9 : index(std::min<std::int64_t>(7, 1 + n));
}

// Where a latent stands.
struct Place {
  std::uint32_t channel;
  std::int32_t expected;  // magnitude, in 1/256
  std::size_t size;       // its class
  std::size_t quiet;      // slot of quantiser 0, if the place is quiet
  std::array<std::size_t, kPairSlots> base;

  static constexpr std::int32_t kCalm = 8;

  // near: the sum of group 0.
  Place(std::uint32_t c, const Surroundings& here, std::int32_t near, std::int32_t spread)
      : channel(c), expected(near + here.others) {
    constexpr auto kMagnitudes = static_cast<std::int32_t>(PlaneState::kMagnitudes);
    const std::int32_t of_spread = class_of(spread >> 2, 15);
    size = index(quarter_class(expected, kMagnitudes - 1));
    quiet = index(((std::int64_t{c} * 16 + of_spread) * kCalm + std::min(expected, kCalm - 1)) * 2);
    base = {index(std::int64_t{c} * kMagnitudes) + size,
            std::size_t{classes_of(near).coarse} * 256 + here.coarse,
            index(of_spread * kMagnitudes) + size, here.fine};
  }

  bool is_quiet() const noexcept { return expected < kCalm; }
  // How many of the lowest bits of a magnitude are left to chance.
  unsigned low_bits() const { return floor_log2(index(std::max(expected, 256) >> 8)); }
};

class PlaneContexts {
 public:
  PlaneContexts(const LogisticTables& tables, std::uint32_t channels, PlaneState& state)
      : tables_(tables),
        channels_(channels),
        sizes_(PlaneState::context_sizes(channels)),
        state_(state) {}

  // Begins a channel.
  void start(std::uint32_t channel) {
    first_place_ = std::size_t{channel} * PlaneState::kMagnitudes;
    for (std::size_t j = 0; j < PlaneState::kDecisions; ++j) {
      Decision& d = decisions_[j];
      for (std::size_t k = 0; k < kPairSlots; ++k) d.slots[k] = &state_.contexts[k][j * sizes_[k]];
      d.by_magnitude = &state_.by_magnitude[j * PlaneState::kMagnitudes];
      d.by_channel = &state_.by_channel[j * channels_ + channel];
    }
  }

  Slot& quiet(const Place& place, std::uint32_t quantiser) {
    return state_.quiet[place.quiet + quantiser];
  }
  static std::uint32_t probability(const Slot& slot) {
    return std::clamp<std::uint32_t>(slot.probability, 16, 65520);
  }

  // use(model): with the mixed bit of a decision, as TwiceMixedBit or WideMixedBit.
  template <class MixedBit, class Use>
  auto mixed(const Place& place, std::size_t decision, const Use& use) {
    const Decision& d = decisions_[decision];
    std::array<Slot*, kPairSlots> slots;
    for (std::size_t k = 0; k < kPairSlots; ++k) slots[k] = d.slots[k] + place.base[k];
    MixedBit model(tables_, slots, d.by_magnitude[place.size], *d.by_channel);
    return use(model);
  }

  // Begins a channel whose levels are searched for.
  void start_search(std::uint32_t channel) {
    start(channel);
    const CostTables& costs = cost_tables();
    for (std::size_t k = 0; k < PlaneState::kMagnitudes; ++k)
      for (std::uint32_t q = 0; q < 2; ++q) {
        const Slot& slot = decisions_[more_decision(0, q)].slots[0][first_place_ + k];
        const std::int32_t more = k < kNotQuiet ? kRarelyMore : stretch(tables_, slot.probability);
        LevelBits& bits = searched_[k];
        bits.one[q] = 1.0f + (k < kWide ? costs.of_zero(more) : costs.middle[k]);
        bits.two[q] = bits.one[q] + (k < kWide ? costs.of_one(more) : costs.further[k]);
        bits.further = costs.further[k];
      }
  }

  // What levels cost as things stand, about; encoders alone ask. large: whether the latent is that
  // large that it matters how levels other than zero differ.
  template <class MixedBit>
  LevelBits bits(const Place& place, bool large) {
    const CostTables& costs = cost_tables();
    LevelBits result = searched_[place.size];
    for (std::uint32_t q = 0; q < 2; ++q) {
      const std::int32_t some = place.is_quiet()
                                    ? stretch(tables_, state_.quiet[place.quiet + q].probability)
                                    : logit<MixedBit>(place, zero_decision(q));
      if (large && place.size >= kNotQuiet && place.size < kWide) {
        const std::int32_t more = logit<MixedBit>(place, more_decision(0, q));
        result.one[q] = 1.0f + costs.of_zero(more);
        result.two[q] = result.one[q] + costs.of_one(more);
      }
      const float other = costs.of_one(some);
      result.zero[q] = costs.of_zero(some);
      result.one[q] += other;
      result.two[q] += other;
    }
    return result;
  }

 private:
  // Where the slots and weights of a decision begin.
  struct Decision {
    std::array<Slot*, kPairSlots> slots;
    PairWeights *by_magnitude, *by_channel;
  };

  // Bits by logits, and by classes of the expected magnitude.
  struct CostTables {
    static constexpr std::int32_t kLogitsTogether = 16;
    static constexpr std::int32_t kEntries = 2 * (kMaxLogit + 1) / kLogitsTogether;
    std::array<float, kEntries> one;
    std::array<float, PlaneState::kMagnitudes> middle;   // of a magnitude that is about the mean
    std::array<float, PlaneState::kMagnitudes> further;  // of each further magnitude

    CostTables() {
      for (std::int32_t i = 0; i < kEntries; ++i) {
        const double logit = (i + 0.5) * kLogitsTogether - (kMaxLogit + 1);
        one[index(i)] = static_cast<float>(std::log2(1.0 + std::exp(-logit / 256.0)));
      }
      for (std::size_t k = 0; k < PlaneState::kMagnitudes; ++k) {
        const double octave = (static_cast<double>(k) + 0.5) / 4.0 + 2.0;
        const double mean = std::exp2(octave) / 256.0;
        middle[k] = static_cast<float>(std::log2(1.0 + mean));
        further[k] = static_cast<float>(std::log2(1.0 + 1.0 / std::max(mean, 0.25)));
      }
    }

    float of_one(std::int32_t logit) const {
      return one[index((logit + kMaxLogit + 1) / kLogitsTogether)];
    }
    float of_zero(std::int32_t logit) const { return of_one(-logit); }
  };
  static const CostTables& cost_tables() {
    static const CostTables tables;
    return tables;
  }

  static constexpr std::int32_t kRarelyMore = -498;  // a probability of an eighth
  // Classes from which on places are not quiet, and from which on lowest bits are left to chance.
  static constexpr std::size_t kNotQuiet = 4, kWide = 28;

  template <class MixedBit>
  std::int32_t logit(const Place& place, std::size_t decision) {
    return mixed<MixedBit>(place, decision,
                           [&](const MixedBit& m) { return stretch(tables_, m.probability()); });
  }

  const LogisticTables& tables_;
  std::uint32_t channels_;
  std::array<std::size_t, kPairSlots> sizes_;
  PlaneState& state_;
  std::array<Decision, PlaneState::kDecisions> decisions_{};
  std::size_t first_place_ = 0;                                // of the channel, in table 0
  std::array<LevelBits, PlaneState::kMagnitudes> searched_{};  // but for whether they are zero
};

}  // namespace hyspec::latent
