// Adaptive linear prediction of latents: a normalised LMS filter in integers
// (docs/band_profile.md, sections 4.3 and 4.4).
//
// B. Widrow and M. E. Hoff, "Adaptive switching circuits", IRE WESCON Convention Record, 1960; the
// normalised form: J. Nagumo and A. Noda, IEEE Trans. Automatic Control 12(3), 1967.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "latent_classes.hpp"

namespace hyspec::latent {

constexpr std::size_t kTaps = 5;
using Taps = std::array<std::int64_t, kTaps>;

// Weights of a channel before any band has been seen; 65536 is one.
constexpr Taps kFirstWeights = {45875, 13107, 6554, 0, 0};

inline bool all_zero(const Taps& taps) {
  return (taps[0] | taps[1] | taps[2] | taps[3] | taps[4]) == 0;
}

class Filter {
 public:
  explicit Filter(const Taps& weights) : weights_(weights) {}

  // In sixteenths of a step.
  std::int32_t predict(const Taps& taps) const {
    std::int64_t sum = 0;
    for (std::size_t k = 0; k < kTaps; ++k) sum += weights_[k] * taps[k];
    return held((sum + 32768) >> 16);
  }

  // miss: what the prediction fell short of the value, in sixteenths.
  void adapt(const Taps& taps, std::int64_t miss) {
    std::int64_t energy = 64;
    for (std::size_t k = 0; k < kTaps; ++k) energy += taps[k] * taps[k];
    unsigned shift = floor_log2(static_cast<std::uint64_t>(energy));
    if (shift >= 7 && energy >> (shift - 7) > 181) ++shift;  // nearer to the next power
    for (std::size_t k = 0; k < kTaps; ++k)
      weights_[k] = std::clamp(weights_[k] + (kLearningRate * miss * taps[k] >> shift), -kMaxWeight,
                               kMaxWeight);
  }

  const Taps& weights() const { return weights_; }

 private:
  static constexpr std::int64_t kMaxWeight = std::int64_t{1} << 20;
  static constexpr std::int64_t kLearningRate = 1966;

  Taps weights_;
};

// A prediction split into a whole number of steps and what is left of it, mirrored so that the rest
// is not negative: the value minus `centre`, times `sign`, leans towards positive numbers.
struct Split {
  std::int32_t centre;
  std::int32_t sign;
  std::int32_t lean;  // 0 to 8

  // down: which way to mirror if nothing is left.
  Split(std::int32_t prediction, bool down) {
    centre = (prediction + kUnit / 2) >> 4;
    const std::int32_t fraction = prediction - centre * kUnit;  // -8 to 7
    const bool flip = fraction < 0 || (fraction == 0 && down);
    sign = flip ? -1 : 1;
    lean = flip ? -fraction : fraction;
  }
};

}  // namespace hyspec::latent
