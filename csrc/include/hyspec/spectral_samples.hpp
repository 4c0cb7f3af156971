// Samples of few bits from decoded component planes (docs/spectral_profile.md, section 6.3): the
// sums over the planes, rounding, and clipping in one pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace hyspec {

// What samples are summed from, in single precision. A sample is mean + the sum of basis * plane
// over the planes, in their order: that of one band and pixel does not depend on what else is asked
// for.
struct SpectralSums {
  std::size_t planes, bands, pixels;
  const float* plane;  // planes x pixels
  const float* basis;  // planes x bands
  const float* mean;   // bands
};

// Where samples go: addresses of pixels grow by `pixel` elements, and by `row` from row to row.
template <class Sample>
struct SampleRows {
  Sample* first;
  std::size_t columns;
  std::ptrdiff_t row, pixel, band;
};

// Writes all samples, rounded to the nearest, ties to even, clipped to the type, and moved by one
// where they equal `avoid`. For std::uint8_t, std::int8_t, std::uint16_t and std::int16_t.
template <class Sample>
void put_samples(const SpectralSums& sums, std::optional<Sample> avoid, SampleRows<Sample> out);

}  // namespace hyspec
