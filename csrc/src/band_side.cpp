#include "hyspec/band_side.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "hyspec/cdf_tables.hpp"
#include "hyspec/error.hpp"
#include "hyspec/symbol_coder.hpp"

namespace hyspec {

namespace {

// Tables of the side information (section 3.4): two-sided geometric distributions of sixteen
// widths, made by integer arithmetic so that every machine makes the same ones.
constexpr std::int32_t kSideReach = 24;
constexpr unsigned kSideTableBits = 4;
constexpr std::array<std::uint32_t, 1u << kSideTableBits> kSideRatio = {
    8, 24, 48, 72, 96, 120, 140, 160, 176, 192, 204, 214, 222, 230, 238, 246};

CdfTables make_side_tables() {
  std::vector<std::uint16_t> freq;
  std::vector<std::uint32_t> start = {0};
  std::vector<std::int32_t> first;
  for (const std::uint32_t ratio : kSideRatio) {
    std::array<std::uint64_t, kSideReach + 1> weight{};
    weight[0] = std::uint64_t{1} << 24;
    for (std::size_t k = 1; k < weight.size(); ++k) weight[k] = weight[k - 1] * ratio >> 8;
    const std::uint64_t tails = 2 * weight.back() * ratio / (256 - ratio);
    std::uint64_t sum = weight[0] + tails;
    for (std::size_t k = 1; k < weight.size(); ++k) sum += 2 * weight[k];
    // One count for every entry, the rest by weight; what rounding leaves goes to zero.
    constexpr std::uint64_t kEntries = 2 * kSideReach + 2;
    constexpr std::uint64_t kShared = kTableTotal - kEntries;
    const std::size_t begin = freq.size();
    std::uint64_t used = 0;
    for (std::int32_t k = -kSideReach; k <= kSideReach; ++k) {
      const std::uint64_t f = 1 + weight[static_cast<std::size_t>(k < 0 ? -k : k)] * kShared / sum;
      freq.push_back(static_cast<std::uint16_t>(f));
      used += f;
    }
    const std::uint64_t escape = 1 + tails * kShared / sum;
    freq.push_back(static_cast<std::uint16_t>(escape));
    freq[begin + kSideReach] =
        static_cast<std::uint16_t>(freq[begin + kSideReach] + kTableTotal - used - escape);
    start.push_back(static_cast<std::uint32_t>(freq.size()));
    first.push_back(-kSideReach);
  }
  return CdfTables(freq, start, first);
}

const CdfTables& side_tables() {
  static const CdfTables tables = make_side_tables();
  return tables;
}

// A run of side information: the number of its table, then its symbols (section 3.4).
void encode_side(RangeEncoder& encoder, Span<const std::int32_t> symbols) {
  std::uint16_t best = 0;
  double least = 0.0;
  for (std::uint16_t t = 0; t < kSideRatio.size(); ++t) {
    const double bits = code_length(side_tables(), symbols, t);
    if (t == 0 || bits < least) {
      least = bits;
      best = t;
    }
  }
  encoder.encode_uniform(best, kSideTableBits);
  const std::vector<std::uint16_t> index(symbols.size(), best);
  encode_symbols(encoder, side_tables(), symbols, index);
}

void decode_side(RangeDecoder& decoder, Span<std::int32_t> symbols) {
  const std::vector<std::uint16_t> index(
      symbols.size(), static_cast<std::uint16_t>(decoder.decode_uniform(kSideTableBits)));
  decode_symbols(decoder, side_tables(), index, symbols);
}

// floor(value / 2^shift) for either sign.
std::int64_t floor_shift(std::int64_t value, std::int32_t shift) {
  return value >= 0 ? value >> shift : ~(~value >> shift);
}

// Prediction of a band's mean from the one before, in its own unit (section 3.5).
std::int32_t predict_mean(std::int32_t mean, std::int32_t scale, std::int32_t next_scale) {
  const std::int64_t value = std::int64_t{mean} * (std::int64_t{1} << mean_exponent(scale));
  const std::int32_t e = mean_exponent(next_scale);
  const std::int64_t half = e > 0 ? std::int64_t{1} << (e - 1) : 0;
  return static_cast<std::int32_t>(
      static_cast<std::uint32_t>(static_cast<std::uint64_t>(floor_shift(value + half, e))));
}

// Sums and differences modulo 2^32: every pair of means has a difference that is an int32.
std::int32_t wrapping_add(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
std::int32_t wrapping_sub(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
}

}  // namespace

std::int32_t mean_exponent(std::int32_t scale) noexcept {
  return scale < 1 ? 0 : std::max(0, ((scale - 65) >> 4) - 3);
}

std::int32_t band_level(std::int32_t scale, std::int32_t step, std::uint32_t levels) noexcept {
  if (scale < 1) return -1;
  const std::int64_t level = 2 * (std::int64_t{scale} - 65) - step;
  if (level < 0) return -1;
  return static_cast<std::int32_t>(std::min<std::int64_t>(level, std::int64_t{levels} - 1));
}

void encode_band_side(RangeEncoder& encoder, Span<const std::int32_t> scales,
                      Span<const std::int32_t> means) {
  std::vector<std::int32_t> scale_delta, mean_delta;
  std::int32_t scale = 0, mean = 0;
  for (std::size_t k = 0; k < scales.size(); ++k) {
    if (scales[k] < 0 || scales[k] > kMaxScale)
      throw Error(ErrorCode::kBadArgument, "a scale is out of range");
    scale_delta.push_back(scales[k] - scale);
    mean_delta.push_back(wrapping_sub(means[k], predict_mean(mean, scale, scales[k])));
    scale = scales[k];
    mean = means[k];
  }
  encode_side(encoder, scale_delta);
  encode_side(encoder, mean_delta);
}

void decode_band_side(RangeDecoder& decoder, Span<std::int32_t> scales, Span<std::int32_t> means) {
  std::vector<std::int32_t> scale_delta(scales.size()), mean_delta(scales.size());
  decode_side(decoder, scale_delta);
  decode_side(decoder, mean_delta);
  std::int32_t scale = 0, mean = 0;
  for (std::size_t k = 0; k < scales.size(); ++k) {
    const std::int64_t next = std::int64_t{scale} + scale_delta[k];
    if (next < 0 || next > kMaxScale)
      throw Error(ErrorCode::kCorrupt, 0, "a band's scale is out of range");
    mean = wrapping_add(predict_mean(mean, scale, static_cast<std::int32_t>(next)), mean_delta[k]);
    scale = static_cast<std::int32_t>(next);
    scales[k] = scale;
    means[k] = mean;
  }
}

}  // namespace hyspec
