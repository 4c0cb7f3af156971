#include "ccsds123/predictor.hpp"

#include <algorithm>
#include <limits>

#include "ccsds123/prediction_kernel.hpp"
#include "ccsds123/quantiser.hpp"

namespace ccsds123 {
namespace {

// Columns of a row that share one weight update scaling exponent rho(t), eq. (50).
struct Run {
  std::size_t begin;
  std::size_t end;
  int exponent;
};

std::vector<Run> runs_of_row(const Parameters& p, std::uint32_t y) {
  const int shift = static_cast<int>(p.bit_depth) - static_cast<int>(p.weight_bits);
  if (y == 0) return {{1, p.columns, p.weight_exponent_min + shift}};
  const std::uint64_t row_start = std::uint64_t{y - 1} * p.columns;  // t - N_X at x = 0
  const std::uint64_t most =
      static_cast<std::uint64_t>(p.weight_exponent_max - p.weight_exponent_min);
  std::vector<Run> runs;
  for (std::size_t begin = 0; begin < p.columns;) {
    const std::uint64_t steps = (row_start + begin) >> p.weight_interval_log2;
    const std::uint64_t next = ((steps + 1) << p.weight_interval_log2) - row_start;
    const std::size_t end =
        steps >= most ? p.columns
                      : static_cast<std::size_t>(std::min<std::uint64_t>(next, p.columns));
    const int grown = static_cast<int>(std::min(steps, most));
    runs.push_back({begin, end, p.weight_exponent_min + grown + shift});
    begin = end;
  }
  return runs;
}

// Prediction over a whole image with Int arithmetic and kLanes >= P lanes.
template <bool kDecode, typename Int, int kLanes>
class ImagePredictor {
 public:
  explicit ImagePredictor(const Parameters& p)
      : p_(p),
        scale_(p),
        range_{static_cast<Int>(p.sample_min()), static_cast<Int>(p.sample_max())},
        weights_(p.bands),
        ring_(std::size_t{p.columns} * kLanes),
        unused_(p.columns),
        base_(p.columns),
        here_(std::size_t{p.columns} * p.bands),
        above_(here_.size()) {
    initialise_weights();
    if (kLanes == kMostLanes) read_offsets();
  }

  bool run(std::vector<std::uint32_t>& values) {
    bool possible = true;
    for (std::uint32_t y = 0; y < p_.rows; ++y) {
      std::fill(ring_.begin(), ring_.end(), Int{0});
      const std::vector<Run> runs = runs_of_row(p_, y);
      for (std::uint32_t z = 0; z < p_.bands; ++z) {
        std::uint32_t* const line = values.data() + plane_index(p_, y, 0, z);
        if (y == 0) possible = first_sample(z, *line) && possible;
        possible = run_line_of(y, z, runs, line) && possible;
      }
      std::swap(here_, above_);
    }
    return possible;
  }

  static constexpr int kMostLanes = 16;

 private:
  Int* here(std::uint32_t z) { return here_.data() + std::size_t{z} * p_.columns; }
  const Int* above(std::uint32_t z) const { return above_.data() + std::size_t{z} * p_.columns; }

  // The lane of the i-th band before band z.
  int lane_of(std::uint32_t z, unsigned i) const {
    return static_cast<int>((z - i) % p_.prediction_bands);
  }

  // 4.6.3
  void initialise_weights() {
    std::size_t next = 0;
    for (std::uint32_t z = 0; z < p_.bands; ++z) {
      Weights<Int, kLanes>& w = weights_[z];
      w = {};
      const auto custom = [&] {
        const std::int64_t scaled = std::int64_t{p_.weight_init[next++]} *
                                    (std::int64_t{1} << (p_.weight_bits + 3 - p_.weight_init_bits));
        const unsigned rest = p_.weight_bits + 3 - p_.weight_init_bits;
        return static_cast<Int>(scaled + (rest == 0 ? 0 : (std::int64_t{1} << (rest - 1)) - 1));
      };
      const bool is_custom = p_.weight_init_bits != 0;
      for (Int& weight : w.directional) {
        if (is_custom && p_.full_prediction) weight = custom();
      }
      Int weight = static_cast<Int>((Int{7} << p_.weight_bits) / 8);
      for (unsigned i = 1; i <= p_.bands_before(z); ++i) {
        w.spectral[lane_of(z, i)] = is_custom ? custom() : weight;
        weight /= 8;
      }
    }
  }

  // Weight exponent offsets by lane, those of the directional weights in `intra`.
  void read_offsets() {
    offsets_.resize(p_.bands);
    std::size_t next = 0;
    for (std::uint32_t z = 0; z < p_.bands && !p_.weight_offsets.empty(); ++z) {
      if (p_.full_prediction) offsets_[z].intra = p_.weight_offsets[next++];
      for (unsigned i = 1; i <= p_.bands_before(z); ++i) {
        offsets_[z].lanes[lane_of(z, i)] = p_.weight_offsets[next++];
      }
    }
  }

  // The sample at x = y = 0 is never quantised; its representative is the sample itself.
  bool first_sample(std::uint32_t z, std::uint32_t& value) {
    const Int mid = static_cast<Int>(p_.sample_mid());
    const Int guess = z > 0 && p_.prediction_bands > 0 ? here(z - 1)[0] : mid;
    const Prediction<Int> predicted{0, 2 * guess, guess};
    const LosslessQuantiser<Int> quantiser{range_};
    Outcome<Int> outcome;
    if (kDecode) {
      outcome = quantiser.decode(value, predicted);
      value = static_cast<std::uint32_t>(outcome.centre);
    } else {
      outcome = quantiser.encode(sample_of<Int>(value, p_.is_signed), predicted);
      value = outcome.mapped;
    }
    here(z)[0] = outcome.representative;
    return outcome.possible;
  }

  // Fills base_ with the local sums of eq. (20) to (23), less the share of the sample to the west,
  // and returns how often that sample enters them.
  Int local_sums(std::uint32_t y, std::uint32_t z) {
    const std::size_t last = p_.columns - 1;
    const bool wide =
        p_.local_sum == LocalSum::kWideNeighbour || p_.local_sum == LocalSum::kWideColumn;
    const Int* const n = above(z);
    if (y == 0 && wide) {
      std::fill(base_.begin(), base_.end(), Int{0});
      return 4;
    }
    if (y == 0) {
      const Int four_mid = static_cast<Int>(4 * p_.sample_mid());
      for (std::size_t x = 1; x <= last; ++x) base_[x] = z > 0 ? 4 * here(z - 1)[x - 1] : four_mid;
      return 0;
    }
    if (p_.local_sum == LocalSum::kWideColumn || p_.local_sum == LocalSum::kNarrowColumn) {
      for (std::size_t x = 0; x <= last; ++x) base_[x] = 4 * n[x];
      return 0;
    }
    base_[0] = 2 * (n[0] + n[1]);
    if (wide) {
      for (std::size_t x = 1; x < last; ++x) base_[x] = n[x - 1] + n[x] + n[x + 1];
      base_[last] = n[last - 1] + 2 * n[last];
      return 1;
    }
    for (std::size_t x = 1; x < last; ++x) base_[x] = n[x - 1] + 2 * n[x] + n[x + 1];
    base_[last] = 2 * (n[last - 1] + n[last]);
    return 0;
  }

  bool run_line_of(std::uint32_t y, std::uint32_t z, const std::vector<Run>& runs,
                   std::uint32_t* values) {
    Line<Int> line{};
    line.west_share = local_sums(y, z);
    line.values = values;
    line.base = base_.data();
    line.north = above(z);
    line.here = here(z);
    line.ring = ring_.data();
    // With P = 0 nobody asks for the differences.
    line.differences =
        p_.prediction_bands > 0 ? ring_.data() + z % p_.prediction_bands : unused_.data();
    line.difference_stride = p_.prediction_bands > 0 ? kLanes : 1;
    return run_with_quantiser(y, z, runs, line);
  }

  bool run_with_quantiser(std::uint32_t y, std::uint32_t z, const std::vector<Run>& runs,
                          const Line<Int>& line) {
    const RepresentativeRule rule(p_, z);
    const std::int64_t absolute = p_.absolute.used ? p_.limit(p_.absolute, y, z) : 0;
    if constexpr (kLanes == kMostLanes && sizeof(Int) == 8) {
      if (p_.relative.used) {
        const std::int64_t bound =
            p_.absolute.used ? absolute : std::numeric_limits<std::int64_t>::max();
        const RelativeQuantiser<Int> quantiser{range_, bound, p_.limit(p_.relative, y, z),
                                               p_.bit_depth, rule};
        return run_all(quantiser, y, z, runs, line);
      }
      return run_all(UniformQuantiser<Int, PlainDivider>(range_, absolute, rule), y, z, runs, line);
    } else {
      if (absolute == 0 && rule.damping == 0) {
        return run_all(LosslessQuantiser<Int>{range_}, y, z, runs, line);
      }
      return run_all(UniformQuantiser<Int, Divider>(range_, absolute, rule), y, z, runs, line);
    }
  }

  template <typename Quantiser>
  bool run_all(const Quantiser& quantiser, std::uint32_t y, std::uint32_t z,
               const std::vector<Run>& runs, const Line<Int>& line) {
    bool possible = true;
    for (const Run& run : runs) {
      const auto step = step_of(z, run.exponent);
      const bool directional = p_.full_prediction && y > 0;
      possible = (directional ? run_line<kDecode, true, kLanes>(scale_, quantiser, step, run.begin,
                                                                run.end, line, weights_[z])
                              : run_line<kDecode, false, kLanes>(scale_, quantiser, step, run.begin,
                                                                 run.end, line, weights_[z])) &&
                 possible;
    }
    return possible;
  }

  auto step_of(std::uint32_t z, int exponent) const {
    if constexpr (sizeof(Int) == 4) {
      return CommonStep<Int>(exponent);
    } else {
      OffsetStep<Int, kLanes> step = offsets_[z];
      for (int& lane : step.lanes) lane += exponent;
      step.intra += exponent;
      step.bound = Int{1} << (p_.weight_bits + 3);
      return step;
    }
  }

  const Parameters& p_;
  PredictionScale scale_;
  SampleRange<Int> range_;
  std::vector<Weights<Int, kLanes>> weights_;
  std::vector<OffsetStep<Int, kLanes>> offsets_;
  std::vector<Int> ring_;
  std::vector<Int> unused_;
  std::vector<Int> base_;
  std::vector<Int> here_;   // representatives of this row, band by band
  std::vector<Int> above_;  // and of the row above
};

template <bool kDecode>
bool run_image(const Parameters& p, std::vector<std::uint32_t>& values) {
  if (p.bit_depth > 16 || p.relative.used || !p.weight_offsets.empty()) {
    return ImagePredictor<kDecode, std::int64_t, 16>(p).run(values);
  }
  if (p.prediction_bands <= 4) return ImagePredictor<kDecode, std::int32_t, 4>(p).run(values);
  if (p.prediction_bands <= 8) return ImagePredictor<kDecode, std::int32_t, 8>(p).run(values);
  return ImagePredictor<kDecode, std::int32_t, 16>(p).run(values);
}

}  // namespace

void predict(const Parameters& p, std::vector<std::uint32_t>& values) {
  (void)run_image<false>(p, values);
}

bool reconstruct(const Parameters& p, std::vector<std::uint32_t>& values) {
  return run_image<true>(p, values);
}

}  // namespace ccsds123
