// Where the latents of a channel come from. silent(): whether all of them are zero. choose(): the
// integer of latent i, whose prediction is `centre` with probability 1 - one / 65536.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "hyspec/latent_gains.hpp"
#include "hyspec/logistic.hpp"

namespace hyspec::latent {

// Whole numbers that are given.
struct Given {
  const std::int32_t* values;
  bool silent(std::size_t count) const {
    return std::all_of(values, values + count, [](std::int32_t v) { return v == 0; });
  }
  std::int64_t choose(std::size_t i, std::int32_t, std::uint32_t) const { return values[i]; }
};

// What the code of a gain stands for.
inline float gain_factor(std::int32_t code) {
  return std::exp2(static_cast<float>(code) / static_cast<float>(kGainsPerOctave));
}

// Real numbers that are rounded with an eye on what they cost: a value becomes the next one towards
// its prediction if that saves more bits, at `bit_value` each, than it adds to the squared error.
struct Rounded {
  const LogisticTables& tables;
  const float* values;
  float gain;
  float bit_value;                 // squared steps
  const float* weights = nullptr;  // of squared errors; all are 1 without any
  bool silent(std::size_t count) const {
    return std::all_of(values, values + count,
                       [&](float v) { return !(std::fabs(v * gain) >= 0.5f); });
  }
  // one: probability that the latent is not its prediction.
  std::int64_t choose(std::size_t i, std::int32_t centre, std::uint32_t one) const {
    constexpr float kBitsPerLogit = 1.0f / (256.0f * 0.6931472f);
    constexpr float kMostWorth = 0.5f;         // of a bit: a step in all
    constexpr float kFurtherBits = 1.5f;       // sign and magnitude of a small value, about
    constexpr float kLargest = 2147483520.0f;  // the largest float below 2^31
    const float value = values[i] * gain;
    if (!(value == value)) return centre;
    const float distance = std::clamp(value, -kLargest, kLargest) - static_cast<float>(centre);
    const float size = std::fabs(distance);
    if (size < 0.5f) return centre;
    const float worth =
        weights == nullptr ? bit_value : std::fmin(bit_value / weights[i], kMostWorth);
    const float saved = kFurtherBits - static_cast<float>(stretch(tables, one)) * kBitsPerLogit;
    if (size < 0.5f + std::clamp(0.5f * worth * saved, 0.0f, 0.5f)) return centre;
    const auto steps = static_cast<std::int64_t>(
        std::max(1.0f, std::floor(size + 0.5f - 0.5f * worth * kFurtherBits)));
    const std::int64_t chosen = centre + (distance < 0.0f ? -steps : steps);
    constexpr std::int64_t kLow = std::numeric_limits<std::int32_t>::min();
    constexpr std::int64_t kHigh = std::numeric_limits<std::int32_t>::max();
    return std::clamp(chosen, kLow, kHigh);
  }
};

// What a decoder finds.
struct Unknown {
  bool silent(std::size_t) const { return false; }
  std::int64_t choose(std::size_t, std::int32_t, std::uint32_t) const { return 0; }
};

}  // namespace hyspec::latent
