// Codes the bands of a bounded chunk, one after the other: two predictions of each sample, the
// residual between it and its quantised value, and what the next ones learn of it
// (docs/bounded_profile.md, section 4).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bounded_filter.hpp"
#include "bounded_planes.hpp"
#include "bounded_predictor.hpp"
#include "bounded_residuals.hpp"
#include "bounded_steps.hpp"
#include "hyspec/span.hpp"

namespace hyspec::bounded {

// Samples are whole numbers from 0 to `span`, their distance from the lowest one.
template <class Arithmetic>
class BandCoder {
 public:
  BandCoder(std::size_t rows, std::size_t columns, std::uint32_t span, std::size_t order, bool wide)
      : rows_(rows),
        columns_(columns),
        span_(span),
        predictor_(order, wide, rows, columns),
        filter_(columns),
        mean_error_(span_ / 4),
        sums_(columns),
        of_rows_(columns),
        of_bands_(columns) {
    ring_.resize(std::max(order, kErrorBands) + 1);
    bands_.resize(ring_.size());
  }

  // One band, the next of the chunk. valid: 0 or 1 per sample, empty if all are 1. Samples that are
  // not valid are neither read nor written; all others are replaced by what a decoder finds.
  // Error(kCorrupt), Error(kTruncated) if a message does not hold the band.
  template <class Bits>
  void code(typename Bits::Coder& coder, Span<std::uint32_t> samples,
            Span<const std::uint8_t> valid, const Steps& steps) {
    begin_band();
    for (const Block& block : predictor_.blocks()) {
      std::int64_t errors = 0;
      for (std::size_t y = block.row; y < block.row_end; ++y)
        errors += row<Bits>(coder, y, block, samples.data() + y * columns_,
                            valid.empty() ? nullptr : valid.data() + y * columns_, steps);
      predictor_.learn(errors);
      errors_ += errors;
    }
    end_band();
  }

 private:
  using Band = BandPlanes<typename Arithmetic::Stored>;
  using Sum = typename Arithmetic::Sum;
  // Errors count no more than this where they are summed.
  static constexpr std::int64_t kMaxCounted = std::int64_t{1} << 31;
  static constexpr std::int64_t kOne = 1 << kFractionBits;

  static std::ptrdiff_t line(std::size_t i) { return static_cast<std::ptrdiff_t>(i); }
  static std::int64_t distance(std::int64_t v) { return v < 0 ? -v : v; }

  void begin_band() {
    const std::size_t count = ring_.size();
    std::unique_ptr<Band>& place = ring_[before_ % count];
    if (place == nullptr) place = std::make_unique<Band>(rows_, columns_);
    for (std::size_t k = 0; k < count; ++k) bands_[k] = ring_[(before_ + count - k) % count].get();
    Band& band = *bands_[0];
    band.clear();
    band.centre = before_ > 0 ? bands_[1]->centre : (span_ + 1) / 2;
    band.shift = before_ > 0 ? bands_[1]->shift : shift_for(span_, 12);
    error_shift_ = shift_for(mean_error_, kErrorBits);
    errors_ = 0;
    predictor_.begin(bands_, before_);
    filter_.begin_band();
  }

  // Centre and units that fit the band.
  void end_band() {
    Band& band = *bands_[0];
    const auto count = static_cast<std::int64_t>(rows_ * columns_);
    std::int64_t sum = 0, spread = 0;
    for (std::size_t y = 0; y < rows_; ++y)
      for (std::size_t x = 0; x < columns_; ++x) sum += band.samples.row(line(y))[x];
    const std::int64_t mean = sum >= 0 ? sum / count : -((count - 1 - sum) / count);
    for (std::size_t y = 0; y < rows_; ++y) {
      auto* const s = band.samples.row(line(y));
      for (std::size_t x = 0; x < columns_; ++x) {
        s[x] = static_cast<typename Arithmetic::Stored>(s[x] - mean);
        spread += distance(s[x]);
      }
    }
    band.centre += mean;
    band.shift = shift_for(spread / count, 9);
    band.samples.close();
    band.magnitudes.close();
    for (std::ptrdiff_t y = -1; y <= line(rows_); ++y) band.set_factors(y, -1, line(columns_) + 1);
    predictor_.end();
    mean_error_ = errors_ / count;
    ++before_;
  }

  // What is around the samples of a row in rows and bands that are complete: parts of
  // Surroundings::near and before.
  void gather_magnitudes(std::size_t y, const Block& block) {
    const std::size_t n = block.columns(), column = block.column;
    const auto row = [&](std::size_t back, std::ptrdiff_t at) {
      return bands_[back]->magnitudes.row(at) + column;
    };
    if (y > 0) {
      const std::uint32_t *const a = row(0, line(y) - 1), *const b =
                                                              row(0, line(y) - (y > 1 ? 2 : 1));
      for (std::size_t i = 0; i < n; ++i) of_rows_[i] = 2 * a[i] + a[line(i) - 1] + a[i + 1] + b[i];
    } else {
      std::fill_n(of_rows_.begin(), n, 0u);
    }
    if (before_ > 0) {
      const std::uint32_t *const a = row(1, line(y)), *const north = row(1, line(y) - 1),
                                 *const south = row(1, line(y) + 1),
                                 *const b = row(before_ > 1 ? 2 : 1, line(y));
      for (std::size_t i = 0; i < n; ++i)
        of_bands_[i] = 2 * a[i] + a[line(i) - 1] + a[i + 1] + north[i] + south[i] + 2 * b[i];
    }
  }

  // The columns of a block in one row; returns the sum of the errors of the first prediction.
  template <class Bits>
  std::int64_t row(typename Bits::Coder& coder, std::size_t y, const Block& block,
                   std::uint32_t* samples, const std::uint8_t* valid, const Steps& steps) {
    Band& band = *bands_[0];
    band.samples.open_row(line(y));
    band.magnitudes.open_row(line(y));
    predictor_.add_up(y, block, sums_.data());
    filter_.gather(Span<Band* const>(bands_), before_, y, block.column, block.columns());
    gather_magnitudes(y, block);
    const std::int64_t errors = samples_of<Bits>(coder, y, block, samples, valid, steps);
    band.samples.close_row(line(y));
    band.magnitudes.close_row(line(y));
    band.set_factors(line(y), block.column > 0 ? line(block.column) : -1,
                     line(block.column_end) + (block.column_end == columns_ ? 1 : 0));
    return errors;
  }

  template <class Bits>
  std::int64_t samples_of(typename Bits::Coder& coder, std::size_t y, const Block& block,
                          std::uint32_t* samples, const std::uint8_t* valid, const Steps& steps) {
    Band& band = *bands_[0];
    const std::int64_t span = span_, centre = band.centre;
    const std::int64_t unit = std::int64_t{1} << error_shift_;
    const Sum west_weight = predictor_.west_weight(y);
    const bool first_row = y == 0, first_band = before_ == 0;
    auto* const stored = band.samples.row(line(y));
    std::int16_t* const errors = band.errors.row(line(y));
    std::uint32_t* const magnitudes = band.magnitudes.row(line(y));
    const std::uint32_t* const north = band.magnitudes.row(line(y) - 1);
    const Steps local = steps;  // which nothing else can change
    Bits bits(coder);
    ErrorFilter::Run filter(filter_);
    std::int64_t counted = 0;
    for (std::size_t i = 0; i < block.columns(); ++i) {
      const std::size_t x = block.column + i;
      const std::ptrdiff_t west = line(x) - 1;
      const auto sum =
          static_cast<std::int64_t>(sums_[i] + west_weight * static_cast<Sum>(stored[west]));
      constexpr int kDrop = kWeightBits - kFractionBits;
      const std::int64_t first = ((sum + (1 << (kDrop - 1))) >> kDrop) + centre * kOne;
      const std::int64_t correction = filter.predict(errors[west]) * unit;
      const std::int64_t predicted = std::clamp<std::int64_t>(first + correction, 0, span * kOne);
      const std::int64_t whole = (predicted + kOne / 2) >> kFractionBits;

      Surroundings around;
      around.west = magnitudes[west];
      around.north = first_row ? around.west : north[x];
      around.near =
          first_row
              ? 5 * std::uint64_t{around.west} + 3 * std::uint64_t{magnitudes[west - 1]}
              : std::uint64_t{of_rows_[i]} + 2 * std::uint64_t{around.west} + magnitudes[west - 1];
      around.before = first_band ? 0 : of_bands_[i];
      around.expected = first_band            ? 8 * around.near
                        : first_row && x == 0 ? 8 * around.before
                                              : 5 * around.near + 3 * around.before;
      around.correction = correction;
      around.fraction = static_cast<int>(predicted - whole * kOne);

      std::int64_t value = whole;
      if (valid != nullptr && valid[x] == 0) {
        magnitudes[x] = static_cast<std::uint32_t>(around.near >> 3);
      } else {
        const Steps::Here here = local.at(whole);
        std::int64_t residual = 0;
        if constexpr (Bits::kWrites) residual = here.residual(samples[x]);
        residual = code_residual(bits, around, residual, here);
        // An encoder knows the sample at once, and need not wait for the sum.
        value = Bits::kWrites && here.exact() ? samples[x] : here.level(residual);
        samples[x] = static_cast<std::uint32_t>(value);
        const std::int64_t size = distance(kOne * residual - here.fraction(around.fraction));
        magnitudes[x] = static_cast<std::uint32_t>(std::min(size, kMaxMagnitude));
      }
      stored[x] = static_cast<typename Arithmetic::Stored>(value - centre);
      const std::int64_t error = value * kOne - first;
      counted += std::min(distance(error), kMaxCounted);
      const std::int64_t coarse =
          std::clamp((error + unit / 2) >> error_shift_, -kMaxError, kMaxError);
      errors[x] = static_cast<std::int16_t>(coarse);
      filter.learn(coarse);
    }
    filter.end();
    bits.end();
    return counted;
  }

  // Steps from the prediction. Those that lead out of the range of the samples have no code.
  template <class Bits>
  std::int64_t code_residual(Bits& bits, const Surroundings& around, std::int64_t residual,
                             const Steps::Here& here) {
    const std::int64_t down = here.down(), up = here.up();  // steps that stay inside
    const std::int64_t both = std::min(down, up);           // as far as either sign is possible
    const ResidualPlace place = models_.place(around, here.lossless());
    const bool folds = place.low_bits > 0;
    const std::int64_t size = distance(residual);
    const std::int64_t folded = size > both ? size + both : 2 * size - (residual < 0 ? 1 : 0);
    const auto number = static_cast<std::int64_t>(
        models_.number(bits, place, static_cast<std::uint64_t>(folds ? folded : size)));
    const bool one_sided = number > (folds ? 2 * both : both);
    const std::int64_t magnitude = !folds ? number : one_sided ? number - both : (number + 1) >> 1;
    if (magnitude == 0) return 0;
    if (!Bits::kWrites && magnitude > std::max(down, up)) bits.corrupt();
    const bool negative = one_sided ? down > up
                          : folds
                              ? (number & 1) != 0
                              : models_.negative(bits, place, static_cast<std::uint64_t>(magnitude),
                                                 around.fraction < 0, residual < 0);
    return negative ? -magnitude : magnitude;
  }

  std::size_t rows_, columns_;
  std::int64_t span_;
  Predictor<Arithmetic> predictor_;
  ErrorFilter filter_;
  ResidualModels models_;
  std::vector<std::unique_ptr<Band>> ring_;
  std::vector<Band*> bands_;              // the one that is coded and those before it
  std::size_t before_ = 0;                // bands that are complete
  std::int64_t mean_error_, errors_ = 0;  // of the first prediction, in 1/16
  int error_shift_ = 0;
  std::vector<Sum> sums_;
  std::vector<std::uint32_t> of_rows_, of_bands_;
};

}  // namespace hyspec::bounded
