// The sample-adaptive entropy coder (5.4.3.2).
#include <algorithm>

#include "ccsds123/entropy_coder.hpp"

namespace ccsds123 {
namespace {

// Accumulator and choice of the code for the samples of each band.
class Statistics {
 public:
  explicit Statistics(const Parameters& p) : counter_(p, 1), most_(p.bit_depth - 2) {
    // Eq. (58) and (59).
    for (std::uint32_t z = 0; z < p.bands; ++z) {
      const std::uint32_t init = of_band(p.accumulator_init, z);
      const std::uint32_t k = init + p.bit_depth <= 30 ? init : 2 * init + p.bit_depth - 30;
      accumulators_.push_back(((std::uint64_t{3} << (k + 6)) - 49) * counter_.initial() >> 7);
    }
  }

  // k_z(t) of eq. (62).
  unsigned code(std::uint32_t z, std::uint64_t t) const {
    const std::uint32_t count = counter_.at(t);
    const std::uint64_t sum = accumulators_[z] + (49 * count >> 7);
    return sum < 2 * count ? 0 : std::min(most_, floor_log2_ratio(sum, count));
  }

  // Eq. (60): from t to t + 1.
  void update(std::uint32_t z, std::uint64_t t, std::uint32_t index) {
    std::uint64_t& sum = accumulators_[z];
    sum += index;
    if (counter_.rescales_after(counter_.at(t))) sum = (sum + 1) >> 1;
  }

 private:
  Counter counter_;
  unsigned most_;
  std::vector<std::uint64_t> accumulators_;
};

}  // namespace

void write_sample_adaptive(const Parameters& p, const Indices& indices, BitWriter& out) {
  Statistics statistics(p);
  visit_input(
      p, [&](const ErrorLimits& limits, std::size_t i) { out.put(limits.values[i], limits.bits); },
      [&](std::uint32_t z, std::uint64_t t, std::size_t i) {
        const std::uint32_t index = indices[i];
        if (t == 0) {
          out.put(index, p.bit_depth);
          return;
        }
        const unsigned k = statistics.code(z, t);
        const std::uint32_t zeros = index >> k;
        if (zeros < p.unary_limit) {
          out.put(1, zeros + 1);
          out.put(index & ((1u << k) - 1), k);
        } else {
          out.put(0, p.unary_limit);
          out.put(index, p.bit_depth);
        }
        statistics.update(z, t, index);
      });
}

Indices read_sample_adaptive(Parameters& p, BitReader& in) {
  Indices indices(static_cast<std::size_t>(p.samples()));
  Statistics statistics(p);
  const std::uint64_t escape = std::uint64_t{1} << (64 - p.unary_limit);
  visit_input(
      p, [&](ErrorLimits& limits, std::size_t i) { limits.values[i] = in.take(limits.bits); },
      [&](std::uint32_t z, std::uint64_t t, std::size_t i) {
        if (t == 0) {
          indices[i] = in.take(p.bit_depth);
          return;
        }
        const unsigned k = statistics.code(z, t);
        const std::uint64_t next = in.window();
        std::uint64_t index;
        if (next < escape) {
          in.skip(p.unary_limit);
          index = in.take(p.bit_depth);
        } else {
          const unsigned zeros = static_cast<unsigned>(__builtin_clzll(next));
          in.skip(zeros + 1);
          index = std::uint64_t{zeros} << k | in.take(k);
          if (index >> p.bit_depth != 0) {
            throw StreamError(in.byte_offset(), "a mapped quantiser index is out of range");
          }
        }
        indices[i] = static_cast<std::uint32_t>(index);
        statistics.update(z, t, indices[i]);
      });
  return indices;
}

}  // namespace ccsds123
