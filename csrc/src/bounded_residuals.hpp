// Codes residuals with contexts of how large they are expected to be (docs/bounded_profile.md,
// section 5).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bounded_planes.hpp"
#include "floor_log2.hpp"
#include "hyspec/adaptive_bit.hpp"
#include "nibble_model.hpp"

namespace hyspec::bounded {

// Magnitudes of residuals, in 1/16 of the step, are not told apart from here on.
constexpr std::int64_t kMaxMagnitude = (std::int64_t{1} << 28) - 1;

// Twice the base-2 logarithm, rounded down at the half octave: 2, 3 for 2, 3; 4, 4, 5, 5 for 4
// to 7.
inline int half_octaves(std::uint64_t v) {
  const auto k = static_cast<int>(floor_log2(v));
  return 2 * k + static_cast<int>(v >> (k - 1) & 1);
}

// What is known of a sample before its residual.
struct Surroundings {
  std::uint64_t near;      // eight times the mean magnitude of neighbours in the band
  std::uint64_t before;    // and in the bands before
  std::uint64_t expected;  // 64 times the mean of both
  std::uint32_t west, north;
  std::int64_t correction;  // of the second prediction, in 1/16
  int fraction;             // prediction less the nearest whole number, in 1/16
};

// Where a residual stands: its models.
struct ResidualPlace {
  int low_bits;  // that are not modelled, of residuals with signs; 0: of magnitudes
  std::size_t size, fraction;
  NibbleSet models;
};

class ResidualModels {
 public:
  static constexpr std::size_t kSizes = 40, kFractions = 4, kHalves = kSizes / 2;
  static constexpr std::size_t kRatios = 9, kTextures = 6, kCorrections = 10, kSigned = 4;

  // lossless: the step is 1.
  ResidualPlace place(const Surroundings& s, bool lossless) {
    const std::uint64_t expected = s.expected + 32;
    const auto octave = static_cast<int>(floor_log2(expected));
    const int phase = static_cast<int>(expected >> (octave - 2) & 3);
    const int low_bits = octave > 11 ? octave - 10 : 0;
    const std::size_t size = index(low_bits == 0 ? 4 * (octave - 5) + phase
                                                 : 28 + phase + 4 * std::min(low_bits - 2, 2));
    const std::size_t half = size / 2;
    const bool fine = lossless && low_bits == 0;
    const std::size_t fraction =
        fine ? std::min(index((s.fraction < 0 ? -s.fraction : s.fraction) / 2), kFractions - 1) : 0;
    const int near = half_octaves(s.near + 8);
    const std::size_t ratio = between(near - half_octaves(s.before + 8), -4, 4);
    const auto texture = [&](std::uint32_t magnitude) {
      return between(half_octaves(8 * std::uint64_t{magnitude} + 8) - near, -4, 1);
    };
    const std::int64_t moved = s.correction < 0 ? -s.correction : s.correction;
    const std::size_t correction =
        lossless ? between(half_octaves(64 * static_cast<std::uint64_t>(moved) + 32) -
                               half_octaves(expected),
                           -8, 1)
                 : 0;
    return {low_bits,
            size,
            fraction,
            {&by_size_[size * kFractions + fraction],
             &by_ratio_[(half * kRatios + ratio) * kFractions + fraction],
             &by_texture_[(half * kTextures + texture(s.west)) * kTextures + texture(s.north)],
             &by_correction_[half * kCorrections + correction]}};
  }

  // A number of 0 or more, less than 2^33; a writer gives it.
  template <class Bits>
  std::uint64_t number(Bits& bits, const ResidualPlace& place, std::uint64_t value) {
    constexpr std::uint64_t kEscape = kNibbles - 1;
    const auto k = static_cast<unsigned>(place.low_bits);
    const std::size_t symbol =
        bits.nibble(place.models, static_cast<std::size_t>(std::min(value >> k, kEscape)));
    for (NibbleModel* const model : place.models) update(*model, symbol);
    std::uint64_t high = symbol;
    if (symbol == kEscape) high += excess(bits, Bits::kWrites ? (value >> k) - kEscape : 0);
    return high << k | bits.raw(value & ((std::uint64_t{1} << k) - 1), k);
  }

  // Sign of a small residual that may have either.
  template <class Bits>
  bool negative(Bits& bits, const ResidualPlace& place, std::uint64_t magnitude, bool toward_minus,
                bool value) {
    Slot& slot = signs_[(place.size * kFractions + place.fraction) * kSigned +
                        static_cast<std::size_t>(std::min<std::uint64_t>(magnitude, kSigned)) - 1];
    return lone_bit(bits, slot, value == toward_minus) == toward_minus;
  }

 private:
  static constexpr std::uint32_t kLeast = 64;

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  static std::size_t between(int value, int low, int high) {
    return index(std::clamp(value, low, high) - low);
  }

  template <class Bits>
  static bool lone_bit(Bits& bits, Slot& slot, bool value) {
    const bool bit =
        bits.bit(std::clamp<std::uint32_t>(slot.probability, kLeast, 65536 - kLeast), value);
    update(slot, bit, kLoneLimit);
    return bit;
  }

  // By the number of binary digits of one more, then these.
  template <class Bits>
  std::uint64_t excess(Bits& bits, std::uint64_t value) {
    const unsigned digits = floor_log2(value + 1);
    unsigned k = 0;
    while (k < lengths_.size() && lone_bit(bits, lengths_[k], k < digits)) ++k;
    const std::uint64_t one = std::uint64_t{1} << k;
    return (one | bits.raw((value + 1) & (one - 1), k)) - 1;
  }

  std::vector<NibbleModel> by_size_ = std::vector<NibbleModel>(kSizes * kFractions);
  std::vector<NibbleModel> by_ratio_ = std::vector<NibbleModel>(kHalves * kRatios * kFractions);
  std::vector<NibbleModel> by_texture_ = std::vector<NibbleModel>(kHalves * kTextures * kTextures);
  std::vector<NibbleModel> by_correction_ = std::vector<NibbleModel>(kHalves * kCorrections);
  std::vector<Slot> signs_ = std::vector<Slot>(kSizes * kFractions * kSigned);
  std::array<Slot, 32> lengths_{};
};

}  // namespace hyspec::bounded
