// The first prediction: least squares over the same pixel in the bands before and over neighbours,
// learnt block after block (docs/bounded_profile.md, sections 4.2 to 4.6).
//
// Everything that a row needs of other rows and bands is added up for the whole row at once; only
// the sample to the left has to wait. Sums of products of bands that are complete are kept, so that
// a band adds only its own products with those before it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bounded_planes.hpp"
#include "bounded_taps.hpp"
#include "hyspec/span.hpp"
#include "least_squares.hpp"
#include "product_sums.hpp"
#include "weighted_rows.hpp"

namespace hyspec::bounded {

constexpr std::uint32_t kMaxOrder = 32;
constexpr int kWeightBits = 14;   // weights are multiples of 2^-14
constexpr int kFractionBits = 4;  // predictions are multiples of 2^-4
constexpr std::int32_t kConstant = 256;

// Arithmetic of chunks whose samples span less than 2^24: in double, where every product and sum
// of a prediction is a whole number below 2^53, hence exact. And that of all others.
struct Narrow {
  using Stored = std::int32_t;
  using Sum = double;
  static constexpr std::int64_t kSpanEnd = std::int64_t{1} << 24;
};
struct Wide {
  using Stored = std::int64_t;
  using Sum = std::int64_t;
};

template <class Arithmetic>
class Predictor {
 public:
  using Band = BandPlanes<typename Arithmetic::Stored>;
  using Sum = typename Arithmetic::Sum;

  Predictor(std::size_t order, bool wide, std::size_t rows, std::size_t columns)
      : order_(order),
        wide_(wide),
        blocks_(blocks_of(rows, columns)),
        history_(order + 1, std::vector<std::int64_t>(blocks_.size() * (order + 1))),
        constant_(padded(columns), static_cast<std::int16_t>(kConstant)),
        cut_(kMostTaps + 2, std::vector<std::int16_t>(padded(columns))) {}

  const std::vector<Block>& blocks() const noexcept { return blocks_; }

  // A band: bands[0], of which nothing is known but centre and shift; bands[k] is that k before.
  void begin(Span<Band* const> bands, std::size_t before) {
    bands_ = bands;
    before_ = std::min(before, order_);
    const std::vector<Tap> old_taps = std::exchange(taps_, taps_of(before_, wide_));
    const std::vector<std::int64_t> old = std::exchange(weights_, {});
    prior_.clear();
    for (const Tap& tap : taps_) {
      const auto found = std::find(old_taps.begin(), old_taps.end(), tap);
      prior_.push_back(before < 2                ? tap.start()
                       : found == old_taps.end() ? 0.0
                                                 : real(old[index(found - old_taps.begin())]));
      weights_.push_back(whole(prior_.back()));
    }
    constant_weight_ = 0;
    sums_.assign(size() * size(), 0);
    block_ = 0;
    error_sum_ = error_count_ = 0;
  }

  // Weight of the sample to the left.
  Sum west_weight(std::size_t y) const {
    std::int64_t weight = 0;
    for (std::size_t i = 0; i < taps_.size(); ++i)
      if (taps_[i].is_west(y)) weight += weights_[i];
    return static_cast<Sum>(weight);
  }

  // Sum of all but that, in units of 2^-kWeightBits, for the columns of a block.
  void add_up(std::size_t y, const Block& block, Sum* out) const {
    const std::size_t n = block.columns();
    const std::int64_t unit = std::int64_t{kConstant} << bands_[0]->shift;
    std::fill_n(out, n, static_cast<Sum>(constant_weight_ * unit));
    const typename Arithmetic::Stored* rows[kMostTaps];
    Sum weights[kMostTaps];
    std::size_t count = 0;
    for (std::size_t i = 0; i < taps_.size(); ++i) {
      const Tap& t = taps_[i];
      if (t.is_west(y)) continue;
      rows[count] = bands_[index(t.back)]->samples.row(line(y) + t.down) + t.across + block.column;
      weights[count++] = static_cast<Sum>(weights_[i]);
    }
    add_weighted({rows, count}, weights, n, out);
  }

  // Takes in a block that is complete; error_sum: magnitudes of its errors, in 2^-kFractionBits.
  void learn(std::int64_t error_sum) {
    const Block& block = blocks_[block_];
    if (block.row > 0)
      for (std::size_t i = 0; i < size(); ++i)
        for (std::size_t j = 0; j <= i; ++j) sums_[i * size() + j] -= sums_[i * size() + j] >> 4;
    for (std::size_t y = block.row; y < block.row_end; ++y) add_row(y, block);
    for (std::size_t j = 0; j < before_; ++j) {
      const std::int64_t* const products = &history(j + 1)[block_ * (order_ + 1)];
      for (std::size_t i = j; i < before_; ++i) sums_[i * size() + j] += products[i - j];
    }
    error_sum_ += error_sum;
    error_count_ += static_cast<std::int64_t>(block.samples());
    if (++block_ < blocks_.size()) solve();
    error_sum_ -= error_sum_ >> 1;
    error_count_ -= error_count_ >> 1;
  }

  // The band is complete, with factors that stay.
  void end() {
    std::vector<std::int64_t>& sums = history(0);
    std::fill(sums.begin(), sums.end(), 0);
    for (std::size_t k = 0; k < blocks_.size(); ++k)
      for (std::size_t y = blocks_[k].row; y < blocks_[k].row_end; ++y) {
        const std::int16_t* rows[kMaxOrder + 1];
        for (std::size_t d = 0; d <= before_; ++d)
          rows[d] = bands_[d]->factors.row(line(y)) + blocks_[k].column;
        rows[0] = cut(0, rows[0], blocks_[k].columns());
        add_products(rows[0], {rows, before_ + 1}, blocks_[k].columns(), &sums[k * (order_ + 1)]);
      }
    ++done_;
  }

 private:
  static constexpr std::size_t kMostTaps = kMaxOrder + 12;
  static constexpr double kWeightOne = 1 << kWeightBits, kMaxWeight = 1 << 20;
  static_assert(kMostTaps + 1 <= LeastSquares::kMost);
  // How far noise pulls the weights of bands and neighbours to what they were.
  static constexpr double kBandPull = 8.0, kNeighbourPull = 128.0;

  static std::size_t index(std::ptrdiff_t i) { return static_cast<std::size_t>(i); }
  static std::ptrdiff_t line(std::size_t y) { return static_cast<std::ptrdiff_t>(y); }
  static std::int64_t whole(double weight) {
    if (std::isnan(weight)) return 0;
    const double scaled = std::clamp(weight * kWeightOne, -kMaxWeight, kMaxWeight);
    return static_cast<std::int64_t>(std::floor(scaled + 0.5));
  }
  static double real(std::int64_t weight) { return static_cast<double>(weight) / kWeightOne; }

  // Taps, the constant and the sample itself.
  std::size_t size() const noexcept { return taps_.size() + 2; }
  std::vector<std::int64_t>& history(std::size_t back) {
    return history_[(done_ + history_.size() - back) % history_.size()];
  }

  // The first n of a row, then zeros.
  const std::int16_t* cut(std::size_t i, const std::int16_t* row, std::size_t n) {
    std::int16_t* const out = cut_[i].data();
    std::copy_n(row, n, out);
    std::fill(out + n, out + padded(n), std::int16_t{0});
    return out;
  }

  void add_row(std::size_t y, const Block& block) {
    const std::size_t taps = taps_.size();
    const std::int16_t* rows[kMostTaps + 2];
    for (std::size_t i = 0; i < taps; ++i) {
      const Tap t = taps_[i].is_west(y) ? Tap{0, 0, -1} : taps_[i];
      rows[i] = bands_[index(t.back)]->factors.row(line(y) + t.down) + t.across + block.column;
    }
    rows[taps] = constant_.data();
    rows[taps + 1] = bands_[0]->factors.row(line(y)) + block.column;
    for (std::size_t i = before_; i < size(); ++i) {
      rows[i] = cut(i, rows[i], block.columns());
      add_products(rows[i], {rows, i + 1}, block.columns(), &sums_[i * size()]);
    }
  }

  void solve() {
    const std::size_t taps = taps_.size();
    const int shift = bands_[0]->shift;
    const double mean = static_cast<double>(error_sum_) / static_cast<double>(error_count_);
    const double noise = std::ldexp(1.5 * (mean * mean), -2 * (shift + kFractionBits));
    double unit[kMostTaps + 1];
    for (std::size_t i = 0; i <= taps; ++i) {
      const bool tap = i < taps;
      unit[i] = tap ? std::ldexp(1.0, bands_[index(taps_[i].back)]->shift - shift) : 1.0;
      const double pull =
          !tap ? 1.0 : 1.0 + noise * (taps_[i].is_band() ? kBandPull : kNeighbourPull);
      for (std::size_t j = 0; j <= i; ++j)
        system_.matrix(i, j) = static_cast<double>(sums_[i * size() + j]);
      system_.matrix(i, i) += pull;
      const double expected = tap ? prior_[i] * unit[i] : 0.0;
      system_.side(i) = static_cast<double>(sums_[(taps + 1) * size() + i]) + pull * expected;
    }
    system_.solve(taps + 1);
    for (std::size_t i = 0; i < taps; ++i) weights_[i] = whole(system_.side(i) / unit[i]);
    constant_weight_ = whole(system_.side(taps));
  }

  std::size_t order_;
  bool wide_;
  std::vector<Block> blocks_;
  std::vector<std::vector<std::int64_t>>
      history_;  // of bands: by block, products with those before
  std::vector<std::int16_t> constant_;
  std::vector<std::vector<std::int16_t>> cut_;
  Span<Band* const> bands_;
  std::size_t before_ = 0, block_ = 0, done_ = 0;
  std::vector<Tap> taps_;
  std::vector<double> prior_;
  std::vector<std::int64_t> weights_;
  std::int64_t constant_weight_ = 0;
  std::vector<std::int64_t> sums_;
  std::int64_t error_sum_ = 0, error_count_ = 0;
  LeastSquares system_;
};

}  // namespace hyspec::bounded
