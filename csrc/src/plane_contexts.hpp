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

  Place(std::uint32_t c, const Expected& e, std::int32_t spread) : channel(c), expected(e.sum()) {
    constexpr auto kMagnitudes = static_cast<std::int32_t>(PlaneState::kMagnitudes);
    const std::int32_t of_spread = class_of(spread >> 2, 15);
    const auto [near, frequency, before] = e.groups;
    size = index(quarter_class(expected, kMagnitudes - 1));
    quiet = index(((std::int64_t{c} * 16 + of_spread) * kCalm + std::min(expected, kCalm - 1)) * 2);
    base = {index(std::int64_t{c} * kMagnitudes) + size,
            index((class_of(near >> 5, 15) * 16 + class_of(frequency >> 5, 15)) * 16 +
                  class_of(before >> 5, 15)),
            index(of_spread * kMagnitudes) + size,
            index(class_of(frequency >> 4, 23) * 24 + class_of(before >> 4, 23))};
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

  Slot& quiet(const Place& place, std::uint32_t quantiser) {
    return state_.quiet[place.quiet + quantiser];
  }
  static std::uint32_t probability(const Slot& slot) {
    return std::clamp<std::uint32_t>(slot.probability, 16, 65520);
  }

  // use(model): with the mixed bit of a decision.
  template <class Use>
  auto mixed(const Place& place, std::size_t decision, const Use& use) {
    std::array<Slot*, kPairSlots> slots;
    for (std::size_t k = 0; k < kPairSlots; ++k)
      slots[k] = &state_.contexts[k][decision * sizes_[k] + place.base[k]];
    TwiceMixedBit model(tables_, slots,
                        state_.by_magnitude[decision * PlaneState::kMagnitudes + place.size],
                        state_.by_channel[decision * channels_ + place.channel]);
    return use(model);
  }

  // What levels cost as things stand, about; encoders alone ask.
  LevelBits bits(const Place& place) {
    LevelBits result{};
    const auto ask = [&](std::size_t decision) {
      return mixed(place, decision, [](const TwiceMixedBit& m) { return m.probability(); });
    };
    const bool wide = place.low_bits() > 0;
    const float mean = static_cast<float>(place.expected) / 256.0f;
    result.further = std::log2(1.0f + 1.0f / std::max(mean, 0.25f));
    for (std::uint32_t q = 0; q < 2; ++q) {
      const std::uint32_t some =
          place.is_quiet() ? probability(quiet(place, q)) : ask(zero_decision(q));
      result.zero[q] = cost(65536 - some);
      const float sign = cost(some) + 1.0f;
      if (wide) {
        result.one[q] = sign + std::log2(1.0f + mean);
        result.two[q] = result.one[q] + result.further;
      } else {
        const std::uint32_t more = place.is_quiet() ? kRarelyMore : ask(more_decision(0, q));
        result.one[q] = sign + cost(65536 - more);
        result.two[q] = sign + cost(more) + cost(65536 - more);
      }
    }
    return result;
  }

 private:
  static constexpr std::uint32_t kRarelyMore = 8192;

  static float cost(std::uint32_t probability) {
    static const std::array<float, 4096> table = [] {
      std::array<float, 4096> bits{};
      for (std::size_t i = 0; i < bits.size(); ++i)
        bits[i] = 12.0f - std::log2(static_cast<float>(i) + 0.5f);
      return bits;
    }();
    return table[probability >> 4];
  }

  const LogisticTables& tables_;
  std::uint32_t channels_;
  std::array<std::size_t, kPairSlots> sizes_;
  PlaneState& state_;
};

}  // namespace hyspec::latent
