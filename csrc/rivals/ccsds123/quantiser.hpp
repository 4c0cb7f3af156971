// Quantisation, sample representatives and mapping (4.8, 4.9, 4.11) of one sample.
//
// A quantiser turns a sample into an Outcome given its prediction, or a mapped index into one. Int
// is std::int32_t where D <= 16, else std::int64_t.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ccsds123/parameters.hpp"

namespace ccsds123 {

template <typename Int>
struct SampleRange {
  Int low;   // s_min
  Int high;  // s_max
};

template <typename Int>
struct Prediction {
  std::int64_t high_resolution;  // eq. (37)
  Int doubled;                   // eq. (38)
  Int value;                     // eq. (39)
};

template <typename Int>
struct Outcome {
  Int centre;            // s' of eq. (48)
  Int representative;    // s'' of eq. (46)
  std::uint32_t mapped;  // delta of eq. (55)
  bool possible = true;  // false where no sample has this mapped index
};

template <typename Int>
Int room(const SampleRange<Int>& range, Int value) {
  return std::min<Int>(value - range.low, range.high - value);
}

// Eq. (55) for quantiser index q.
template <typename Int>
std::uint32_t map_index(Int q, Int theta, Int doubled) {
  const Int magnitude = q < 0 ? -q : q;
  if (magnitude > theta) return static_cast<std::uint32_t>(magnitude + theta);
  const Int oriented = (doubled & 1) != 0 ? -q : q;
  return static_cast<std::uint32_t>(2 * magnitude - (oriented < 0 ? 1 : 0));
}

// The inverse; beyond theta, indices have the sign of the side with more room.
template <typename Int>
Int unmap_index(std::uint32_t mapped, Int theta, const Prediction<Int>& predicted,
                const SampleRange<Int>& range) {
  const Int index = static_cast<Int>(mapped);
  if (index - theta > theta) {
    const bool upwards = predicted.value - range.low < range.high - predicted.value;
    return upwards ? index - theta : theta - index;
  }
  const Int magnitude = (index + 1) / 2;
  return ((index ^ predicted.doubled) & 1) != 0 ? -magnitude : magnitude;
}

// m_z(t) = 0 and phi = 0: sample, bin centre and representative are one.
template <typename Int>
struct LosslessQuantiser {
  SampleRange<Int> range;

  Outcome<Int> encode(Int sample, const Prediction<Int>& predicted) const {
    const Int theta = room(range, predicted.value);
    return {sample, sample, map_index<Int>(sample - predicted.value, theta, predicted.doubled)};
  }

  Outcome<Int> decode(std::uint32_t mapped, const Prediction<Int>& predicted) const {
    const Int theta = room(range, predicted.value);
    const Int sample = predicted.value + unmap_index(mapped, theta, predicted, range);
    const Int clipped = std::clamp(sample, range.low, range.high);
    return {clipped, clipped, mapped, clipped == sample};
  }
};

// Eq. (46) and (47) for one band.
struct RepresentativeRule {
  RepresentativeRule(const Parameters& p, std::uint32_t z)
      : damping(of_band(p.damping, z)),
        half(std::int64_t{1} << (p.weight_bits + 1)),
        shift(p.weight_bits + p.representative_bits + 1) {
    const std::int64_t rest = 4 * ((std::int64_t{1} << p.representative_bits) - damping);
    centre_factor = rest << p.weight_bits;
    error_factor = (rest * of_band(p.offset, z)) << (p.weight_bits - p.representative_bits);
  }

  std::int64_t operator()(std::int64_t centre, int sign, std::int64_t max_error,
                          std::int64_t high_resolution) const {
    const std::int64_t sum = centre_factor * centre - sign * max_error * error_factor +
                             damping * (high_resolution - half);
    return ((sum >> shift) + 1) >> 1;
  }

  std::int64_t damping;
  std::int64_t half;
  unsigned shift;
  std::int64_t centre_factor = 0;
  std::int64_t error_factor = 0;
};

// Floor of n / d by multiplication, exact for n < 2^18 and d < 2^17.
class Divider {
 public:
  explicit Divider(std::int64_t divisor) : factor_((std::int64_t{1} << 40) / divisor + 1) {}
  template <typename Int>
  Int operator()(Int n) const {
    return static_cast<Int>((n * factor_) >> 40);
  }

 private:
  std::int64_t factor_;
};

// The same by division, for any operands.
class PlainDivider {
 public:
  explicit PlainDivider(std::int64_t divisor) : divisor_(divisor) {}
  template <typename Int>
  Int operator()(Int n) const {
    return static_cast<Int>(n / divisor_);
  }

 private:
  std::int64_t divisor_;
};

// The steps that depend on the maximum error m alone.
template <typename Int, typename Division>
struct UniformQuantiser {
  UniformQuantiser(const SampleRange<Int>& sample_range, std::int64_t m,
                   const RepresentativeRule& rule)
      : range(sample_range), max_error(m), divide(2 * m + 1), represent(rule) {}

  Outcome<Int> encode(Int sample, const Prediction<Int>& predicted) const {
    const Int residual = sample - predicted.value;
    const Int m = static_cast<Int>(max_error);
    const Int magnitude = divide(static_cast<Int>((residual < 0 ? -residual : residual) + m));
    Outcome<Int> outcome = place(residual < 0 ? -magnitude : magnitude, predicted);
    outcome.mapped = map_index<Int>(residual < 0 ? -magnitude : magnitude,
                                    divide(static_cast<Int>(room(range, predicted.value) + m)),
                                    predicted.doubled);
    return outcome;
  }

  Outcome<Int> decode(std::uint32_t mapped, const Prediction<Int>& predicted) const {
    const Int theta = divide(static_cast<Int>(room(range, predicted.value) + max_error));
    Outcome<Int> outcome = place(unmap_index(mapped, theta, predicted, range), predicted);
    outcome.mapped = mapped;
    return outcome;
  }

  // Eq. (46) to (48) for quantiser index q.
  Outcome<Int> place(Int q, const Prediction<Int>& predicted) const {
    const std::int64_t target = predicted.value + q * (2 * max_error + 1);
    const std::int64_t centre = std::clamp<std::int64_t>(target, range.low, range.high);
    const int sign = (q > 0) - (q < 0);
    return {static_cast<Int>(centre),
            static_cast<Int>(represent(centre, sign, max_error, predicted.high_resolution)), 0,
            target - centre <= max_error && centre - target <= max_error};
  }

  SampleRange<Int> range;
  std::int64_t max_error;
  Division divide;
  RepresentativeRule represent;
};

// The maximum error follows the predicted value: eq. (44) and (45).
template <typename Int>
struct RelativeQuantiser {
  Outcome<Int> encode(Int sample, const Prediction<Int>& predicted) const {
    return at(predicted).encode(sample, predicted);
  }
  Outcome<Int> decode(std::uint32_t mapped, const Prediction<Int>& predicted) const {
    return at(predicted).decode(mapped, predicted);
  }

  UniformQuantiser<Int, PlainDivider> at(const Prediction<Int>& predicted) const {
    const std::int64_t value = predicted.value < 0 ? -predicted.value : predicted.value;
    const std::int64_t m = std::min(absolute_limit, (relative_limit * value) >> bit_depth);
    return {range, m, represent};
  }

  SampleRange<Int> range;
  std::int64_t absolute_limit;  // or, where there is none, more than any error
  std::int64_t relative_limit;
  unsigned bit_depth;
  RepresentativeRule represent;
};

}  // namespace ccsds123
