// What the entropy coders share: the order of their input (5.4.2), their interface, the counter of
// the adaptive statistics and the length-limited Golomb-power-of-2 codewords (5.4.3.2.2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ccsds123/bit_reader.hpp"
#include "ccsds123/bit_writer.hpp"
#include "ccsds123/parameters.hpp"
#include "ccsds123/predictor.hpp"

namespace ccsds123 {

// Mapped quantiser indices in the order of plane_index, each below 2^D, to the image's body and
// back, with periodic error limits where there are any. The writer appends all but the fill bits;
// it estimates what the parameters leave open. The readers read a body that ends with the image and
// fill in error limits and initial hybrid accumulators; StreamError where the bits are no such
// body.
using Indices = std::vector<std::uint32_t>;
void write_sample_adaptive(const Parameters& p, const Indices& indices, BitWriter& out);
Indices read_sample_adaptive(Parameters& p, BitReader& in);
void write_hybrid(const Parameters& p, const Indices& indices, BitWriter& out);
Indices read_hybrid(Parameters& p, BackwardBitReader& in);
void write_block_adaptive(const Parameters& p, const Indices& indices, BitWriter& out);
Indices read_block_adaptive(Parameters& p, BitReader& in);

// Visits the entropy coder input sequence. on_limit(limits, i) is called for the i-th value of an
// ErrorLimits, on_index(z, t, i) for the index of band z that lies at i among the indices.
template <typename P, typename OnLimit, typename OnIndex>
void visit_input(P& p, OnLimit&& on_limit, OnIndex&& on_index) {
  const auto visit_limits = [&](auto& limits, std::size_t set) {
    const std::size_t count = limits.used ? p.values_per_set(limits) : 0;
    for (std::size_t i = 0; i < count; ++i) on_limit(limits, set * count + i);
  };
  if (p.band_sequential) {
    for (std::uint32_t z = 0; z < p.bands; ++z) {
      for (std::uint32_t y = 0; y < p.rows; ++y) {
        const std::size_t line = plane_index(p, y, 0, z);
        const std::uint64_t t = std::uint64_t{y} * p.columns;
        for (std::uint32_t x = 0; x < p.columns; ++x) on_index(z, t + x, line + x);
      }
    }
    return;
  }
  for (std::uint32_t y = 0; y < p.rows; ++y) {
    if (p.periodic_limits && y % (1u << p.limit_period_log2) == 0) {
      visit_limits(p.absolute, y >> p.limit_period_log2);
      visit_limits(p.relative, y >> p.limit_period_log2);
    }
    const std::uint64_t t = std::uint64_t{y} * p.columns;
    for (std::uint32_t first = 0; first < p.bands; first += p.interleaving_depth) {
      const std::uint32_t last = std::min(first + p.interleaving_depth, p.bands);
      for (std::uint32_t x = 0; x < p.columns; ++x) {
        for (std::uint32_t z = first; z < last; ++z) on_index(z, t + x, plane_index(p, y, x, z));
      }
    }
  }
}

// The same from the last value to the first.
template <typename P, typename OnLimit, typename OnIndex>
void visit_input_backwards(P& p, OnLimit&& on_limit, OnIndex&& on_index) {
  const auto visit_limits = [&](auto& limits, std::size_t set) {
    const std::size_t count = limits.used ? p.values_per_set(limits) : 0;
    for (std::size_t i = count; i-- > 0;) on_limit(limits, set * count + i);
  };
  if (p.band_sequential) {
    for (std::uint32_t z = p.bands; z-- > 0;) {
      for (std::uint32_t y = p.rows; y-- > 0;) {
        const std::size_t line = plane_index(p, y, 0, z);
        const std::uint64_t t = std::uint64_t{y} * p.columns;
        for (std::uint32_t x = p.columns; x-- > 0;) on_index(z, t + x, line + x);
      }
    }
    return;
  }
  const std::uint32_t groups = (p.bands - 1) / p.interleaving_depth + 1;
  for (std::uint32_t y = p.rows; y-- > 0;) {
    const std::uint64_t t = std::uint64_t{y} * p.columns;
    for (std::uint32_t group = groups; group-- > 0;) {
      const std::uint32_t first = group * p.interleaving_depth;
      const std::uint32_t last = std::min(first + p.interleaving_depth, p.bands);
      for (std::uint32_t x = p.columns; x-- > 0;) {
        for (std::uint32_t z = last; z-- > first;) on_index(z, t + x, plane_index(p, y, x, z));
      }
    }
    if (p.periodic_limits && y % (1u << p.limit_period_log2) == 0) {
      visit_limits(p.relative, y >> p.limit_period_log2);
      visit_limits(p.absolute, y >> p.limit_period_log2);
    }
  }
}

// Gamma(t) of eq. (61) and (65) in closed form; `first` is the t at which it has its initial value.
class Counter {
 public:
  Counter(const Parameters& p, std::uint64_t first)
      : first_(first),
        initial_(1u << p.initial_count_log2),
        half_(1u << (p.rescaling_bits - 1)),
        rise_(2 * half_ - 1 - initial_) {}

  std::uint32_t at(std::uint64_t t) const {
    const std::uint64_t age = t - first_;
    if (age <= rise_) return initial_ + static_cast<std::uint32_t>(age);
    return half_ + (static_cast<std::uint32_t>(age - rise_ - 1) & (half_ - 1));
  }

  // Whether the statistics are halved after a step at which the counter has this value.
  bool rescales_after(std::uint32_t count) const { return count == 2 * half_ - 1; }

  std::uint32_t initial() const { return initial_; }

 private:
  std::uint64_t first_;
  std::uint32_t initial_;
  std::uint32_t half_;
  std::uint64_t rise_;
};

inline unsigned bit_length(std::uint64_t value) {
  return value == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(value));
}

// The largest k with count * 2^k <= sum, which is at least count.
inline unsigned floor_log2_ratio(std::uint64_t sum, std::uint32_t count) {
  const unsigned k = bit_length(sum) - bit_length(count);
  return (std::uint64_t{count} << k) > sum ? k - 1 : k;
}

}  // namespace ccsds123
