// Small integer arithmetic of the coder of latents: ranges and classes of counts.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "floor_log2.hpp"

namespace hyspec::latent {

// Predictions count in sixteenths of a step, and stay within this.
constexpr std::int32_t kUnit = 16;
constexpr std::int64_t kMaxValue = std::int64_t{1} << 24;

inline std::int32_t held(std::int64_t value) {
  return static_cast<std::int32_t>(std::clamp(value, -kMaxValue, kMaxValue));
}

// Half-octave classes of a count: 0, 1, 3, 4, 5, 6, ... for 0, 1, 2, 3, 4, 6, ... (section 4.1).
inline std::int32_t magnitude_class(std::int64_t value) {
  if (value <= 0) return 0;
  const unsigned octave = floor_log2(static_cast<std::uint64_t>(value));
  const auto half = octave > 0 ? static_cast<std::int32_t>(value >> (octave - 1) & 1) : 0;
  return 2 * static_cast<std::int32_t>(octave) + half + 1;
}

constexpr std::size_t kClasses = 64;
inline const std::array<std::uint8_t, kClasses> kSmallClasses = [] {
  std::array<std::uint8_t, kClasses> classes{};
  for (std::size_t v = 0; v < kClasses; ++v)
    classes[v] = static_cast<std::uint8_t>(magnitude_class(static_cast<std::int64_t>(v)));
  return classes;
}();

inline std::int32_t class_of(std::int64_t value, std::int32_t most) {
  const std::int32_t k = value < static_cast<std::int64_t>(kClasses)
                             ? kSmallClasses[static_cast<std::size_t>(value)]
                             : magnitude_class(value);
  return std::min(k, most);
}

// Quarter-octave classes of a count: 0 for less than 5, then 1, 2, 3, 4, 4, 5, ... for 5, 6, 7, 8,
// 9, 10, ... (docs/spectral_profile.md, section 4).
inline std::int32_t quarter_class(std::int32_t value, std::int32_t most) {
  if (value < 4) return 0;
  const unsigned octave = floor_log2(static_cast<std::uint64_t>(value));
  const std::int32_t quarter = value >> (octave - 2) & 3;
  return std::min(4 * (static_cast<std::int32_t>(octave) - 2) + quarter, most);
}

inline std::int64_t magnitude(std::int64_t value) { return value < 0 ? -value : value; }
inline std::size_t index(std::int64_t value) { return static_cast<std::size_t>(value); }

}  // namespace hyspec::latent
