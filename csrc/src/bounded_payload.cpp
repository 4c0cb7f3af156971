#include "hyspec/bounded_payload.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "bounded_bits.hpp"
#include "bounded_coder.hpp"
#include "bounded_header.hpp"
#include "hyspec/bytes.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "hyspec/mask_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "payload_parts.hpp"

namespace hyspec {

static_assert(kMaxPredictionBands == bounded::kMaxOrder);

namespace {

constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kManyBands = 40;
constexpr std::uint32_t kBandsWithErrors = 24;

// Lowest sample and what the highest one exceeds it by (section 2).
struct Range {
  std::int32_t lowest = 0;
  std::uint32_t span = 0;
};

Range range_of(Span<const std::int32_t> samples, Span<const std::uint8_t> valid) {
  std::int32_t low = std::numeric_limits<std::int32_t>::max();
  std::int32_t high = std::numeric_limits<std::int32_t>::min();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!valid.empty() && valid[i] == 0) continue;
    low = std::min(low, samples[i]);
    high = std::max(high, samples[i]);
  }
  if (low > high) return {};
  return {low, static_cast<std::uint32_t>(std::int64_t{high} - low)};
}

// The samples of a band from their distance to the lowest one; 0 where not valid.
void from_levels(Span<const std::uint32_t> levels, Span<const std::uint8_t> valid,
                 std::int32_t lowest, std::int32_t* samples) {
  for (std::size_t i = 0; i < levels.size(); ++i)
    samples[i] = valid.empty() || valid[i] != 0
                     ? static_cast<std::int32_t>(std::int64_t{levels[i]} + lowest)
                     : 0;
}

void check(const BandTile& tile, Span<const std::int32_t> samples, Span<const std::uint8_t> valid,
           Span<const std::uint32_t> max_errors, RelativeError relative, BoundedSettings settings) {
  check_band_tile(tile);
  const std::uint64_t count = tile.bands * tile.pixels();
  if (samples.size() != count || (!valid.empty() && valid.size() != count))
    throw Error(ErrorCode::kBadArgument, "samples and valid need one entry per sample");
  if (max_errors.size() != tile.bands)
    throw Error(ErrorCode::kBadArgument, "max_errors needs one entry per band");
  if (relative.numerator >= relative.denominator || relative.denominator > kMaxDenominator)
    throw Error(ErrorCode::kBadArgument,
                "a relative error is less than 1, with a denominator of at most 2^24");
  if (settings.bands > kMaxPredictionBands)
    throw Error(ErrorCode::kBadArgument, "a prediction uses at most 32 bands");
}

struct Header {
  Range range;
  BoundedSettings settings;
  RelativeError relative;
  std::vector<std::uint32_t> max_errors;
  std::vector<std::uint8_t> valid;
};

// What the header says of neighbourhood and errors, as a sum.
constexpr std::uint64_t kWide = 1, kRelative = 2;

void put_header(Bytes& payload, const BandTile& tile, const Header& h) {
  bounded::put_way(payload, bounded::Way::kPrediction);
  put_varint(payload, zigzag_encode(h.range.lowest));
  put_varint(payload, h.range.span);
  put_varint(payload, h.settings.bands);
  put_varint(payload, (h.settings.wide ? kWide : 0) + (h.relative.numerator > 0 ? kRelative : 0));
  bounded::put_limits(payload, h.max_errors);
  if (h.relative.numerator > 0) {
    put_varint(payload, h.relative.numerator);
    put_varint(payload, h.relative.denominator);
    put_varint(payload, zigzag_encode(h.relative.zero));
  }
  const std::vector<std::uint8_t> mask =
      h.valid.empty() ? std::vector<std::uint8_t>()
                      : encode_masks(h.valid, tile.bands, tile.rows, tile.columns);
  put_varint(payload, mask.size());
  put_bytes(payload, mask);
}

// All but the mask.
Header read_limits(ByteReader& reader, const BandTile& tile) {
  bounded::read_way(reader, bounded::Way::kPrediction);
  Header h;
  const std::int64_t lowest = zigzag_decode(reader.varint());
  if (lowest != static_cast<std::int32_t>(lowest)) corrupt(0, "the lowest sample is no int32");
  h.range.lowest = static_cast<std::int32_t>(lowest);
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max() - lowest);
  h.range.span = static_cast<std::uint32_t>(reader.varint_between(0, most, "the span of samples"));
  h.settings.bands = static_cast<std::uint32_t>(
      reader.varint_between(0, kMaxPredictionBands, "the number of prediction bands"));
  const std::uint64_t options =
      reader.varint_between(0, kWide + kRelative, "neighbourhood and kind of errors");
  h.settings.wide = (options & kWide) != 0;
  h.max_errors = bounded::read_limits(reader, tile.bands, kMost32);
  if ((options & kRelative) != 0) {
    h.relative.numerator = static_cast<std::uint32_t>(
        reader.varint_between(1, kMaxDenominator - 1, "the relative error"));
    h.relative.denominator = static_cast<std::uint32_t>(reader.varint_between(
        h.relative.numerator + 1, kMaxDenominator, "the denominator of the relative error"));
    const std::int64_t zero = zigzag_decode(reader.varint());
    if (zero != static_cast<std::int32_t>(zero)) corrupt(reader.offset(), "zero is no int32");
    h.relative.zero = static_cast<std::int32_t>(zero);
  }
  return h;
}

Header read_header(ByteReader& reader, const BandTile& tile) {
  Header h = read_limits(reader, tile);
  const std::uint64_t mask_bytes = reader.varint();
  if (mask_bytes > 0) {
    const Span<const std::uint8_t> mask = reader.bytes(mask_bytes);
    h.valid.resize(tile.bands * static_cast<std::size_t>(tile.pixels()));
    decode_masks(mask, tile.bands, tile.rows, tile.columns, h.valid);
  }
  return h;
}

// Codes the bands that have valid samples: fill(band, levels) gives an encoder what they are,
// take(band, levels) gets what a decoder will find. Nothing is coded where all samples are equal.
template <class Bits, class Arithmetic, class Fill, class Take>
void code_bands(typename Bits::Coder& coder, const BandTile& tile, const Header& h,
                const std::vector<std::uint32_t>& bands, const Fill& fill, const Take& take) {
  const auto size = static_cast<std::size_t>(tile.pixels());
  const std::size_t order = std::min<std::size_t>(h.settings.bands, bands.size() - 1);
  bounded::BandCoder<Arithmetic> band_coder(tile.rows, tile.columns, h.range.span, order,
                                            h.settings.wide);
  std::vector<std::uint32_t> levels(size);
  for (const std::uint32_t band : bands) {
    fill(band, Span<std::uint32_t>(levels));
    const Span<const std::uint8_t> valid = bounded::band_of(h.valid, band, size);
    const bounded::Steps steps({h.max_errors[band], h.relative.numerator, h.relative.denominator,
                                std::int64_t{h.relative.zero} - h.range.lowest},
                               h.range.span);
    band_coder.template code<Bits>(coder, Span<std::uint32_t>(levels), valid, steps);
    take(band, Span<const std::uint32_t>(levels));
  }
}

// Calls the above with the arithmetic that the samples need.
template <class Bits, class Fill, class Take>
void code_chunk(typename Bits::Coder& coder, const BandTile& tile, const Header& h,
                const Fill& fill, const Take& take) {
  const std::vector<std::uint32_t> bands = bands_with_samples(tile, h.valid);
  if (h.range.span == 0) {
    const std::vector<std::uint32_t> levels(static_cast<std::size_t>(tile.pixels()));
    for (const std::uint32_t band : bands) take(band, Span<const std::uint32_t>(levels));
  } else if (h.range.span < bounded::Narrow::kSpanEnd) {
    code_bands<Bits, bounded::Narrow>(coder, tile, h, bands, fill, take);
  } else {
    code_bands<Bits, bounded::Wide>(coder, tile, h, bands, fill, take);
  }
}

}  // namespace

BoundedSettings default_bounded_settings(std::uint32_t bands, bool lossless) noexcept {
  BoundedSettings settings;
  if (!lossless) settings.bands = kBandsWithErrors;
  settings.wide = bands <= kManyBands;
  return settings;
}

std::vector<std::uint8_t> encode_bounded_payload(const BandTile& tile,
                                                 Span<const std::int32_t> samples,
                                                 Span<const std::uint8_t> valid,
                                                 Span<const std::uint32_t> max_errors,
                                                 RelativeError relative, BoundedSettings settings,
                                                 std::uint32_t* checksum) {
  check(tile, samples, valid, max_errors, relative, settings);
  const auto size = static_cast<std::size_t>(tile.pixels());
  const Header h{range_of(samples, valid),
                 settings,
                 relative,
                 {max_errors.begin(), max_errors.end()},
                 {valid.begin(), valid.end()}};
  Bytes payload;
  put_header(payload, tile, h);
  RangeEncoder encoder;
  std::vector<std::int32_t> decoded(size);
  std::uint32_t crc = 0;
  code_chunk<bounded::Writer>(
      encoder, tile, h,
      [&](std::size_t band, Span<std::uint32_t> levels) {
        for (std::size_t i = 0; i < size; ++i)
          levels[i] = static_cast<std::uint32_t>(samples[band * size + i]) -
                      static_cast<std::uint32_t>(h.range.lowest);
      },
      [&](std::size_t band, Span<const std::uint32_t> levels) {
        from_levels(levels, bounded::band_of(h.valid, band, size), h.range.lowest, decoded.data());
        crc = crc32c_symbols(decoded, crc);
      });
  put_words(payload, encoder.finish());
  if (checksum != nullptr) *checksum = crc;
  return payload;
}

BoundedSamples decode_bounded_payload(const BandTile& tile, Span<const std::uint8_t> payload,
                                      std::uint32_t* checksum) {
  check_band_tile(tile);
  ByteReader reader(payload, 0, ErrorCode::kCorrupt);
  Header h = read_header(reader, tile);
  const std::vector<std::uint32_t> words = read_payload_words(reader);
  RangeDecoder decoder(words);
  const auto size = static_cast<std::size_t>(tile.pixels());
  BoundedSamples result;
  std::uint32_t crc = 0;
  code_chunk<bounded::Reader>(
      decoder, tile, h, [](std::size_t, Span<std::uint32_t>) {},
      [&](std::size_t band, Span<const std::uint32_t> levels) {
        result.samples.resize((band + 1) * size);
        std::int32_t* const out = result.samples.data() + band * size;
        from_levels(levels, bounded::band_of(h.valid, band, size), h.range.lowest, out);
        crc = crc32c_symbols({out, size}, crc);
      });
  decoder.finish();
  result.samples.resize(tile.bands * size);
  result.valid = std::move(h.valid);
  result.max_errors = std::move(h.max_errors);
  result.relative = h.relative;
  if (checksum != nullptr) *checksum = crc;
  return result;
}

BoundedLimits read_bounded_limits(const BandTile& tile, Span<const std::uint8_t> payload) {
  check_band_tile(tile);
  ByteReader reader(payload, 0, ErrorCode::kCorrupt);
  Header h = read_limits(reader, tile);
  return {std::move(h.max_errors), h.relative};
}

}  // namespace hyspec
