// Adaptive models of one symbol out of sixteen, four of which are averaged.
//
// A model holds how much of the whole lies below each symbol; each symbol seen moves all of it a
// part of the way towards the distribution that has this symbol alone. Integers throughout;
// docs/bounded_profile.md, section 5.2, is the normative description.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "int16_lanes.hpp"

namespace hyspec {

constexpr std::size_t kNibbles = 16;
constexpr std::size_t kNibbleModels = 4;
constexpr unsigned kNibbleBits = 15;       // of one model
constexpr unsigned kMixedNibbleBits = 16;  // of four, averaged

struct NibbleModel {
  std::array<std::int16_t, kNibbles> below{};
  std::uint8_t seen = 0;  // symbols, up to 255

  constexpr NibbleModel() {
    for (std::size_t i = 0; i < kNibbles; ++i)
      below[i] = static_cast<std::int16_t>(i << kNibbleBits >> 4);
  }
};

namespace detail {
using NibbleTargets = std::array<std::array<std::int16_t, kNibbles>, kNibbles>;
constexpr NibbleTargets make_nibble_targets() {
  NibbleTargets targets{};
  for (std::size_t s = 0; s < kNibbles; ++s)
    for (std::size_t i = 0; i < kNibbles; ++i)
      targets[s][i] =
          static_cast<std::int16_t>(i <= s ? 2 * i : (1 << kNibbleBits) - 2 * (kNibbles - i));
  return targets;
}
inline constexpr NibbleTargets kNibbleTargets = make_nibble_targets();

constexpr std::array<std::uint8_t, 256> make_nibble_rates() {
  std::array<std::uint8_t, 256> rates{};
  for (std::size_t n = 0; n < rates.size(); ++n)
    rates[n] = n < 2 ? 2 : n < 6 ? 3 : n < 16 ? 4 : n < 40 ? 5 : n < 120 ? 6 : 7;
  return rates;
}
inline constexpr std::array<std::uint8_t, 256> kNibbleRates = make_nibble_rates();
}  // namespace detail

// Every symbol keeps a share of at least 2 of 2^15: with a step t - b of one edge and t' - b' of
// the next, the gap g = b' - b becomes at least g + floor((t' - t - g) / 2^rate), and t' - t >= 2.
inline void update(NibbleModel& model, std::size_t symbol) {
  approach(model.below.data(), detail::kNibbleTargets[symbol].data(),
           detail::kNibbleRates[model.seen]);
  if (model.seen < 255) ++model.seen;
}

using NibbleSet = std::array<NibbleModel*, kNibbleModels>;

// What lies below a symbol out of 2^kMixedNibbleBits; symbol kNibbles is the end.
inline std::uint32_t below(const NibbleSet& set, std::size_t symbol) {
  if (symbol == kNibbles) return std::uint32_t{1} << kMixedNibbleBits;
  std::int32_t sum = 1;
  for (const NibbleModel* const model : set) sum += model->below[symbol];
  return static_cast<std::uint32_t>(sum) >> 1;
}

// The symbol that owns a number below 2^kMixedNibbleBits.
inline std::size_t find_nibble(const NibbleSet& set, std::uint32_t quantile) {
  return count_averages_up_to(set[0]->below.data(), set[1]->below.data(), set[2]->below.data(),
                              set[3]->below.data(), quantile) -
         1;
}

}  // namespace hyspec
