// The inner loop of the predictor: part of one line of one band, along which the weight update
// scaling exponent is constant.
//
// The central local differences of the preceding bands are kept in a ring of lanes per pixel: that
// of band z is in lane z mod P, so that nothing moves when the next band begins. The weights of
// each band are ordered in the same way; lanes that are not in use hold zeros and stay zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ccsds123/quantiser.hpp"

namespace ccsds123 {

// Constants of eq. (30) and (37).
struct PredictionScale {
  explicit PredictionScale(const Parameters& p)
      : is_signed(p.is_signed),
        weight_bits(p.weight_bits),
        register_shift(64 - p.register_bits),
        weight_max((std::int64_t{1} << (p.weight_bits + 2)) - 1),
        four_mid(4 * p.sample_mid()),
        offset((2 * p.sample_mid() + 1) * (std::int64_t{1} << (p.weight_bits + 1))),
        low(p.sample_min() * (std::int64_t{1} << (p.weight_bits + 2))),
        high((2 * p.sample_max() + 1) * (std::int64_t{1} << (p.weight_bits + 1))) {}

  bool is_signed;
  unsigned weight_bits;
  unsigned register_shift;
  std::int64_t weight_max;
  std::int64_t four_mid;
  std::int64_t offset;
  std::int64_t low;
  std::int64_t high;
};

// A sample from its low 32 bits.
template <typename Int>
Int sample_of(std::uint32_t bits, bool is_signed) {
  if (is_signed || sizeof(Int) == sizeof(bits)) return static_cast<std::int32_t>(bits);
  return static_cast<Int>(bits);
}

// Increments of eq. (51) to (54) without their sign, with one exponent for all weights. Exact where
// differences and increments fit in Int, that is for D <= 16.
template <typename Int>
struct CommonStep {
  explicit CommonStep(int exponent) : left(std::max(0, -exponent)), right(std::max(0, exponent)) {}
  Int spectral(Int difference, int /*lane*/) const {
    return (((difference * (Int{1} << left)) >> right) + 1) >> 1;
  }
  Int directional(Int difference) const { return spectral(difference, 0); }

  int left;
  int right;
};

// The same with exponents that differ from weight to weight, for any D.
template <typename Int, int kLanes>
struct OffsetStep {
  Int spectral(Int difference, int lane) const { return step(difference, lanes[lane]); }
  Int directional(Int difference) const { return step(difference, intra); }

  Int step(Int difference, int exponent) const {
    if (exponent >= 0) return ((difference >> exponent) + 1) >> 1;
    // Beyond the bound the new weight is clipped anyhow.
    return std::clamp<Int>(difference, -bound, bound) * (Int{1} << (-exponent - 1));
  }

  int lanes[kLanes];
  int intra;
  Int bound;  // 2^(Omega + 3)
};

// One line of one band.
template <typename Int>
struct Line {
  std::uint32_t* values;  // samples or mapped indices, in place
  const Int* base;        // local sums without the share of the sample to the west
  Int west_share;         // how often that sample enters the local sum, except at x = 0
  const Int* north;       // representatives of the row above; not read in the first row
  Int* here;              // representatives of this row
  const Int* ring;        // lanes of every pixel
  Int* differences;       // where this band's central differences go: a lane of the ring
  std::size_t difference_stride;
};

template <typename Int, int kLanes>
struct Weights {
  Int spectral[kLanes];
  Int directional[3];  // N, W, NW
};

// Columns [begin, end) of a line. With kDirectional the three directional differences take part,
// else they are absent or, in the first row, zero. Returns false where a mapped index is
// impossible.
template <bool kDecode, bool kDirectional, int kLanes, typename Int, typename Quantiser,
          typename Step>
bool run_line(const PredictionScale& scale, const Quantiser& quantiser, const Step& step,
              std::size_t begin, std::size_t end, Line<Int> line, Weights<Int, kLanes>& stored) {
  Weights<Int, kLanes> weights = stored;
  const Int weight_max = static_cast<Int>(scale.weight_max);
  const Int weight_min = -weight_max - 1;
  const auto adapt = [&](Int& weight, Int increment) {
    weight = std::clamp<Int>(weight + increment, weight_min, weight_max);
  };
  bool possible = true;
  // At x = 0 the sample to the north stands in for those to the west in the differences.
  Int west = begin > 0 ? line.here[begin - 1] : Int{0};
  Int north_west = kDirectional ? line.north[begin > 0 ? begin - 1 : 0] : Int{0};
  for (std::size_t x = begin; x < end; ++x) {
    const Int* const lanes = line.ring + x * kLanes;
    const Int sum = line.base[x] + (x > 0 ? line.west_share * west : 0);
    Int directional[3] = {};
    if (kDirectional) {
      const Int north = line.north[x];
      directional[0] = 4 * north - sum;
      directional[1] = 4 * (x > 0 ? west : north) - sum;
      directional[2] = 4 * north_west - sum;
      north_west = north;
    }

    // Eq. (36) and (37).
    std::int64_t inner = (sum - scale.four_mid) * (std::int64_t{1} << scale.weight_bits);
    for (int i = 0; i < kLanes; ++i) inner += std::int64_t{weights.spectral[i]} * lanes[i];
    if (kDirectional) {
      for (int i = 0; i < 3; ++i) inner += std::int64_t{weights.directional[i]} * directional[i];
    }
    inner = static_cast<std::int64_t>(static_cast<std::uint64_t>(inner) << scale.register_shift) >>
            scale.register_shift;
    Prediction<Int> predicted;
    predicted.high_resolution = std::clamp(inner + scale.offset, scale.low, scale.high);
    predicted.doubled = static_cast<Int>(predicted.high_resolution >> (scale.weight_bits + 1));
    predicted.value = predicted.doubled >> 1;

    Outcome<Int> outcome;
    if (kDecode) {
      outcome = quantiser.decode(line.values[x], predicted);
      line.values[x] = static_cast<std::uint32_t>(outcome.centre);
      possible = possible && outcome.possible;
    } else {
      outcome = quantiser.encode(sample_of<Int>(line.values[x], scale.is_signed), predicted);
      line.values[x] = outcome.mapped;
    }

    // Eq. (49) and (51) to (54).
    const Int sign = 2 * outcome.centre < predicted.doubled ? -1 : 1;
    for (int i = 0; i < kLanes; ++i) {
      adapt(weights.spectral[i], step.spectral(sign * lanes[i], i));
    }
    if (kDirectional) {
      for (int i = 0; i < 3; ++i) {
        adapt(weights.directional[i], step.directional(sign * directional[i]));
      }
    }
    line.here[x] = outcome.representative;
    west = outcome.representative;
    line.differences[x * line.difference_stride] = 4 * outcome.representative - sum;
  }
  stored = weights;
  return possible;
}

}  // namespace ccsds123
