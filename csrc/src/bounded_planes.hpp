// What is kept of the bands of a bounded chunk that predictions look at (docs/bounded_profile.md,
// section 4.1).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "floor_log2.hpp"
#include "product_sums.hpp"

namespace hyspec::bounded {

// Octaves of a magnitude, at least 0, above so many bits.
inline int shift_for(std::int64_t magnitude, int bits) {
  return std::max(0, static_cast<int>(floor_log2(static_cast<std::uint64_t>(magnitude))) - bits);
}

// Rows with a margin around them, and room for loops that run over the end of a row.
template <typename T>
class Plane {
 public:
  static constexpr std::size_t kMargin = 2;

  Plane(std::size_t rows, std::size_t columns)
      : rows_(rows),
        columns_(columns),
        stride_(columns + 2 * kMargin),
        values_((rows + 2) * stride_ + kGroup) {}

  // Row -1 to `rows`; columns -kMargin to columns + kMargin - 1.
  T* row(std::ptrdiff_t y) noexcept {
    return values_.data() + static_cast<std::size_t>(y + 1) * stride_ + kMargin;
  }

  void clear() { std::fill(values_.begin(), values_.end(), T{}); }

  // Of a row that has begun: left of it lies the first sample of the row before, or 0.
  void open_row(std::ptrdiff_t y) noexcept {
    row(y)[-1] = row(y)[-2] = y > 0 ? row(y - 1)[0] : T{};
  }
  // Of a row that is complete: right of it lies its last sample.
  void close_row(std::ptrdiff_t y) noexcept { row(y)[columns_] = row(y)[columns_ - 1]; }
  // Of a plane that is complete: outside of it lies the nearest sample.
  void close() noexcept {
    const auto end = static_cast<std::ptrdiff_t>(rows_);
    for (std::ptrdiff_t y = 0; y < end; ++y) {
      row(y)[-1] = row(y)[0];
      close_row(y);
    }
    std::copy_n(row(0) - kMargin, stride_, row(-1) - kMargin);
    std::copy_n(row(end - 1) - kMargin, stride_, row(end) - kMargin);
  }

 private:
  std::size_t rows_, columns_, stride_;
  std::vector<T> values_;
};

// One band. Stored is an integer that holds any sample less the centre.
template <typename Stored>
struct BandPlanes {
  BandPlanes(std::size_t rows, std::size_t columns)
      : samples(rows, columns),
        factors(rows, columns),
        errors(rows, columns),
        magnitudes(rows, columns) {}

  void clear() {
    samples.clear();
    factors.clear();
    errors.clear();
    magnitudes.clear();
  }
  // Factors of the columns [begin, end) of a row.
  void set_factors(std::ptrdiff_t y, std::ptrdiff_t begin, std::ptrdiff_t end) {
    const Stored* const s = samples.row(y);
    std::int16_t* const f = factors.row(y);
    const Stored half = shift > 0 ? Stored{1} << (shift - 1) : Stored{0};
    for (std::ptrdiff_t x = begin; x < end; ++x)
      f[x] = static_cast<std::int16_t>(
          std::clamp<Stored>((s[x] + half) >> shift, -kMaxFactor, kMaxFactor));
  }

  Plane<Stored> samples;            // less the centre
  Plane<std::int16_t> factors;      // samples in units of 2^shift, for sums of products
  Plane<std::int16_t> errors;       // of the first prediction, as the filter takes them
  Plane<std::uint32_t> magnitudes;  // of residuals, in 1/16
  std::int64_t centre = 0;
  int shift = 0;
};

// A part of a band, after which the predictor learns (section 4.4): whole rows, or a piece of the
// first one. Ends are one past the last.
struct Block {
  std::size_t row, row_end, column, column_end;

  std::size_t columns() const noexcept { return column_end - column; }
  std::size_t samples() const noexcept { return (row_end - row) * columns(); }
};

inline std::vector<Block> blocks_of(std::size_t rows, std::size_t columns) {
  constexpr std::size_t kFirst = 8, kMost = 96;
  std::vector<Block> blocks;
  for (std::size_t x = 0; x < columns;) {
    const std::size_t end = x + std::min(columns - x, std::max(kFirst, x));
    blocks.push_back({0, 1, x, end});
    x = end;
  }
  for (std::size_t y = 1; y < rows;) {
    const std::size_t wanted = std::min(kMost, y * columns / 8);
    const std::size_t count = std::max<std::size_t>(1, (wanted + columns - 1) / columns);
    const std::size_t end = y + std::min(rows - y, count);
    blocks.push_back({y, end, 0, columns});
    y = end;
  }
  return blocks;
}

}  // namespace hyspec::bounded
