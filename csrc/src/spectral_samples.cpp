#include "hyspec/spectral_samples.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <vector>

#include "wide_registers.hpp"

namespace hyspec {

namespace {

// Pixels and bands whose sums are held in registers, and pixels that are brought together for them.
constexpr std::size_t kPixels = 4, kBands = 16, kTogether = 64;
static_assert(kTogether % kPixels == 0);

// Sums of one pixel: two registers of 256 bits, or four of 128.
#if defined(__GNUC__)
typedef float Half __attribute__((vector_size(32), aligned(4)));
struct Row {
  Half low{}, high{};
  void add(float factor, const float* strip) {
    Half a, b;
    std::memcpy(&a, strip, sizeof a);
    std::memcpy(&b, strip + kBands / 2, sizeof b);
    low += factor * a;
    high += factor * b;
  }
  std::array<float, kBands> plus(const float* mean) const {
    std::array<float, kBands> values;
    std::memcpy(values.data(), &low, sizeof low);
    std::memcpy(values.data() + kBands / 2, &high, sizeof high);
    for (std::size_t b = 0; b < kBands; ++b) values[b] += mean[b];
    return values;
  }
};
#else
struct Row {
  std::array<float, kBands> values{};
  void add(float factor, const float* strip) {
    for (std::size_t b = 0; b < kBands; ++b) values[b] += factor * strip[b];
  }
  std::array<float, kBands> plus(const float* mean) const {
    std::array<float, kBands> result = values;
    for (std::size_t b = 0; b < kBands; ++b) result[b] += mean[b];
    return result;
  }
};
#endif

template <class Sample>
std::array<Sample, kBands> rounded(const std::array<float, kBands>& values,
                                   std::optional<Sample> avoid) {
  constexpr auto kLow = static_cast<float>(std::numeric_limits<Sample>::min());
  constexpr auto kHigh = static_cast<float>(std::numeric_limits<Sample>::max());
  constexpr float kWhole = 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded
  std::array<std::int32_t, kBands> whole;
  for (std::size_t b = 0; b < kBands; ++b) {
    const float number = values[b] == values[b] ? values[b] : 0.0f;  // of malicious streams alone
    const float high = number < kHigh ? number : kHigh;
    const float shifted = (high > kLow ? high : kLow) + kWhole;
    std::int32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    whole[b] = bits - 0x4B400000;
  }
  if (avoid) {
    const std::int32_t from = *avoid;
    const std::int32_t to = *avoid == std::numeric_limits<Sample>::max() ? from - 1 : from + 1;
    for (auto& w : whole) w = w == from ? to : w;
  }
  std::array<Sample, kBands> samples;
  for (std::size_t b = 0; b < kBands; ++b) samples[b] = static_cast<Sample>(whole[b]);
  return samples;
}

// The basis in strips of so many bands as are summed at once, zeros behind the last one.
std::vector<float> strips(const float* table, std::size_t rows, std::size_t bands) {
  const std::size_t count = (bands + kBands - 1) / kBands;
  std::vector<float> result(count * rows * kBands);
  for (std::size_t s = 0; s < count; ++s)
    for (std::size_t k = 0; k < rows; ++k)
      std::copy_n(table + k * bands + s * kBands, std::min(kBands, bands - s * kBands),
                  result.begin() + static_cast<std::ptrdiff_t>((s * rows + k) * kBands));
  return result;
}

template <class Sample>
void put(const SpectralSums& sums, std::optional<Sample> avoid, const SampleRows<Sample>& out) {
  const std::vector<float> basis = strips(sums.basis, sums.planes, sums.bands);
  const std::vector<float> mean = strips(sums.mean, 1, sums.bands);
  std::vector<float> block(sums.planes * kTogether);
  for (std::size_t first = 0; first < sums.pixels; first += kTogether) {
    const std::size_t count = std::min(kTogether, sums.pixels - first);
    for (std::size_t k = 0; k < sums.planes; ++k)
      std::copy_n(sums.plane + k * sums.pixels + first, count, block.data() + k * kTogether);
    for (std::size_t s = 0; s * kBands < sums.bands; ++s) {
      const float* const strip = basis.data() + s * sums.planes * kBands;
      const std::size_t width = std::min(kBands, sums.bands - s * kBands);
      for (std::size_t p = 0; p < count; p += kPixels) {
        Row r0, r1, r2, r3;
        for (std::size_t k = 0; k < sums.planes; ++k) {
          const float* const factors = block.data() + k * kTogether + p;
          r0.add(factors[0], strip + k * kBands);
          r1.add(factors[1], strip + k * kBands);
          r2.add(factors[2], strip + k * kBands);
          r3.add(factors[3], strip + k * kBands);
        }
        const std::array<Row, kPixels> found = {r0, r1, r2, r3};
        for (std::size_t i = 0; i < std::min(kPixels, count - p); ++i) {
          const auto samples = rounded(found[i].plus(mean.data() + s * kBands), avoid);
          const std::size_t pixel = first + p + i;
          Sample* const to = out.first +
                             static_cast<std::ptrdiff_t>(pixel / out.columns) * out.row +
                             static_cast<std::ptrdiff_t>(pixel % out.columns) * out.pixel +
                             static_cast<std::ptrdiff_t>(s * kBands) * out.band;
          if (width == kBands && out.band == 1)
            std::memcpy(to, samples.data(), sizeof samples);
          else
            for (std::size_t b = 0; b < width; ++b)
              to[static_cast<std::ptrdiff_t>(b) * out.band] = samples[b];
        }
      }
    }
  }
}

template <class Sample>
[[gnu::flatten, HYSPEC_WIDE]] void wide_put(const SpectralSums& sums, std::optional<Sample> avoid,
                                            const SampleRows<Sample>& out) {
  put(sums, avoid, out);
}

}  // namespace

template <class Sample>
void put_samples(const SpectralSums& sums, std::optional<Sample> avoid, SampleRows<Sample> out) {
  has_wide_registers() ? wide_put(sums, avoid, out) : put(sums, avoid, out);
}

template void put_samples(const SpectralSums&, std::optional<std::uint8_t>,
                          SampleRows<std::uint8_t>);
template void put_samples(const SpectralSums&, std::optional<std::int8_t>, SampleRows<std::int8_t>);
template void put_samples(const SpectralSums&, std::optional<std::uint16_t>,
                          SampleRows<std::uint16_t>);
template void put_samples(const SpectralSums&, std::optional<std::int16_t>,
                          SampleRows<std::int16_t>);

}  // namespace hyspec
