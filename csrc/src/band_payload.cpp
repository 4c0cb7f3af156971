#include "hyspec/band_payload.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "hyspec/bytes.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "hyspec/mask_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/symbol_coder.hpp"

namespace hyspec {

namespace {

// Tables of the side information (section 4.1): two-sided geometric distributions of sixteen
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

// A run of side information: the number of its table, then its symbols (section 4.1).
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

// Prediction of a band's mean from the one before, in its own unit (section 4.2).
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

// Bands that have at least one valid sample.
std::vector<std::uint32_t> bands_with_samples(const BandTile& tile,
                                              const std::vector<std::uint8_t>& valid) {
  std::vector<std::uint32_t> bands;
  for (std::uint32_t b = 0; b < tile.bands; ++b) {
    const auto begin =
        valid.begin() + static_cast<std::ptrdiff_t>(valid.empty() ? 0 : b * tile.pixels());
    const auto end = begin + static_cast<std::ptrdiff_t>(valid.empty() ? 0 : tile.pixels());
    if (valid.empty() || std::find(begin, end, std::uint8_t{1}) != end) bands.push_back(b);
  }
  return bands;
}

std::uint32_t checksum(const BandSymbols& s, const std::vector<std::uint32_t>& present) {
  std::uint32_t crc = 0;
  for (const std::uint32_t b : present)
    crc = crc32c_symbols(Span<const std::int32_t>(&s.scale[b], 1), crc);
  for (const std::uint32_t b : present)
    crc = crc32c_symbols(Span<const std::int32_t>(&s.mean[b], 1), crc);
  crc = crc32c_symbols(s.channel_offset, crc);
  return crc32c_symbols(s.latents, crc);
}

// Tables of all latents of one band, in their order: channel by channel (section 4.4).
void band_table_index(const BandTables& model, std::int32_t level,
                      const std::vector<std::int32_t>& offsets, std::size_t positions,
                      std::vector<std::uint16_t>& index) {
  index.resize(model.channels() * positions);
  for (std::uint32_t c = 0; c < model.channels(); ++c)
    std::fill_n(index.begin() + static_cast<std::ptrdiff_t>(c * positions), positions,
                model.table(static_cast<std::uint32_t>(level), c, offsets[c]));
}

// Elements that an array of int32 can have.
constexpr std::uint64_t kMostElements =
    static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(std::int32_t);

void check_tile(const BandTables& model, const BandTile& tile) {
  check_band_tile(tile);
  if (tile.positions() > kMostElements / tile.bands / model.channels())
    throw Error(ErrorCode::kBadArgument, "a tile has more latents than memory can hold");
}

[[noreturn]] void corrupt(std::uint64_t offset, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, offset, what);
}

}  // namespace

void check_band_tile(const BandTile& tile) {
  if (tile.bands == 0 || tile.rows == 0 || tile.columns == 0 || tile.stride == 0)
    throw Error(ErrorCode::kBadArgument,
                "a tile has at least one band, row and column, and a stride of at least one");
  if (tile.pixels() > kMostElements / tile.bands)
    throw Error(ErrorCode::kBadArgument, "a tile has more samples than memory can hold");
}

BandTables::BandTables(CdfTables tables, Span<const std::uint8_t> ladder, std::uint32_t channels,
                       std::uint32_t rungs)
    : tables_(std::move(tables)),
      ladder_(ladder.begin(), ladder.end()),
      channels_(channels),
      rungs_(rungs) {
  if (channels == 0 || rungs == 0 || ladder.empty() || ladder.size() % channels != 0)
    throw Error(ErrorCode::kBadArgument, "the ladder has no whole number of levels");
  if (tables_.count() != std::uint64_t{channels} * rungs || tables_.count() > 65536)
    throw Error(ErrorCode::kBadArgument,
                "found " + std::to_string(tables_.count()) +
                    " tables; expected channels times rungs, at most 65536");
  for (const std::uint8_t rung : ladder)
    if (rung >= rungs)
      throw Error(ErrorCode::kBadArgument, "the ladder names a rung beyond the last");
}

std::uint16_t BandTables::table(std::uint32_t level, std::uint32_t channel,
                                std::int32_t offset) const noexcept {
  const std::int64_t rung =
      std::int64_t{ladder_[std::size_t{level} * channels_ + channel]} + offset;
  const std::int64_t held = std::clamp<std::int64_t>(rung, 0, std::int64_t{rungs_} - 1);
  return static_cast<std::uint16_t>(std::int64_t{channel} * rungs_ + held);
}

std::int32_t mean_exponent(std::int32_t scale) noexcept {
  return scale < 1 ? 0 : std::max(0, ((scale - 65) >> 4) - 3);
}

std::int32_t band_level(std::int32_t scale, std::int32_t step, std::uint32_t levels) noexcept {
  if (scale < 1) return -1;
  const std::int64_t level = 2 * (std::int64_t{scale} - 65) - step;
  if (level < 0) return -1;
  return static_cast<std::int32_t>(std::min<std::int64_t>(level, std::int64_t{levels} - 1));
}

std::vector<std::int32_t> choose_channel_offsets(const BandTables& model,
                                                 Span<const std::int32_t> levels,
                                                 Span<const std::int32_t> latents) {
  const std::size_t channels = model.channels();
  if (levels.empty() || latents.size() % (levels.size() * channels) != 0)
    throw Error(ErrorCode::kBadArgument, "sizes of levels and latents disagree");
  for (const std::int32_t level : levels)
    if (level < 0 || level >= static_cast<std::int32_t>(model.levels()))
      throw Error(ErrorCode::kBadArgument, "a level is out of range");
  const std::size_t positions = latents.size() / (levels.size() * channels);
  std::vector<std::int32_t> offsets(channels, 0);
  for (std::uint32_t c = 0; c < channels; ++c) {
    const auto cost = [&](std::int32_t offset) {
      double bits = 1.5 * (offset < 0 ? -offset : offset);  // of the offset itself, roughly
      for (std::size_t b = 0; b < levels.size(); ++b)
        bits +=
            code_length(model.tables(), latents.subspan((b * channels + c) * positions, positions),
                        model.table(static_cast<std::uint32_t>(levels[b]), c, offset));
      return bits;
    };
    // The cost has one valley: walk down it from zero.
    double least = cost(0);
    for (const std::int32_t direction : {1, -1}) {
      while (std::abs(offsets[c] + direction) <= kMaxChannelOffset) {
        const double bits = cost(offsets[c] + direction);
        if (bits >= least) break;
        least = bits;
        offsets[c] += direction;
      }
      if (offsets[c] != 0) break;
    }
  }
  return offsets;
}

std::vector<std::uint8_t> encode_band_payload(const BandTables& model, const BandTile& tile,
                                              const BandSymbols& s, std::uint32_t* symbols_crc) {
  check_tile(model, tile);
  if (s.scale.size() != tile.bands || s.mean.size() != tile.bands ||
      (!s.valid.empty() && s.valid.size() != tile.bands * tile.pixels()))
    throw Error(ErrorCode::kBadArgument, "scale, mean and valid need one entry per band");
  if (s.step < kMinStep || s.step > kMaxStep)
    throw Error(ErrorCode::kBadArgument, "the quality step is out of range");
  const std::vector<std::uint32_t> present = bands_with_samples(tile, s.valid);
  std::vector<std::int32_t> levels, scale_delta, mean_delta;
  std::int32_t scale = 0, mean = 0;
  for (const std::uint32_t b : present) {
    if (s.scale[b] < 0 || s.scale[b] > kMaxScale)
      throw Error(ErrorCode::kBadArgument, "a scale is out of range");
    scale_delta.push_back(s.scale[b] - scale);
    mean_delta.push_back(wrapping_sub(s.mean[b], predict_mean(mean, scale, s.scale[b])));
    scale = s.scale[b];
    mean = s.mean[b];
    const std::int32_t level = band_level(scale, s.step, model.levels());
    if (level >= 0) levels.push_back(level);
  }
  const std::size_t per_band = model.channels() * static_cast<std::size_t>(tile.positions());
  if (s.latents.size() != levels.size() * per_band ||
      s.channel_offset.size() != (levels.empty() ? 0 : model.channels()))
    throw Error(ErrorCode::kBadArgument, "latents and offsets do not fit the active bands");

  RangeEncoder encoder;
  encode_side(encoder, scale_delta);
  encode_side(encoder, mean_delta);
  if (!levels.empty()) encode_side(encoder, s.channel_offset);
  std::vector<std::uint16_t> index;
  for (std::size_t a = 0; a < levels.size(); ++a) {
    band_table_index(model, levels[a], s.channel_offset, static_cast<std::size_t>(tile.positions()),
                     index);
    encode_symbols(encoder, model.tables(),
                   Span<const std::int32_t>(s.latents.data() + a * per_band, per_band), index);
  }

  Bytes payload;
  put_varint(payload, zigzag_encode(s.step));
  const std::vector<std::uint8_t> mask =
      s.valid.empty() ? std::vector<std::uint8_t>()
                      : encode_masks(s.valid, tile.bands, tile.rows, tile.columns);
  put_varint(payload, mask.size());
  put_bytes(payload, mask);
  put_words(payload, encoder.finish());
  if (symbols_crc != nullptr) *symbols_crc = checksum(s, present);
  return payload;
}

BandSymbols decode_band_payload(const BandTables& model, const BandTile& tile,
                                Span<const std::uint8_t> payload, std::uint32_t* symbols_crc) {
  check_tile(model, tile);
  ByteReader reader(payload, 0, ErrorCode::kTruncated);
  BandSymbols s;
  const std::int64_t step = zigzag_decode(reader.varint());
  if (step < kMinStep || step > kMaxStep) corrupt(0, "the quality step is out of range");
  s.step = static_cast<std::int32_t>(step);
  const std::uint64_t mask_bytes = reader.varint();
  if (mask_bytes > 0) {
    const Span<const std::uint8_t> mask = reader.bytes(mask_bytes);
    s.valid.resize(tile.bands * static_cast<std::size_t>(tile.pixels()));
    decode_masks(mask, tile.bands, tile.rows, tile.columns, s.valid);
  }
  if (reader.remaining() % 4 != 0) corrupt(reader.offset(), "the symbols are not whole words");
  const std::vector<std::uint32_t> words = to_words(reader.rest());

  const std::vector<std::uint32_t> present = bands_with_samples(tile, s.valid);
  s.scale.resize(tile.bands);
  s.mean.resize(tile.bands);
  RangeDecoder decoder(words);
  std::vector<std::int32_t> scale_delta(present.size()), mean_delta(present.size());
  decode_side(decoder, scale_delta);
  decode_side(decoder, mean_delta);
  std::vector<std::int32_t> levels;
  std::int32_t scale = 0, mean = 0;
  for (std::size_t k = 0; k < present.size(); ++k) {
    const std::int64_t next = std::int64_t{scale} + scale_delta[k];
    if (next < 0 || next > kMaxScale) corrupt(0, "a band's scale is out of range");
    mean = wrapping_add(predict_mean(mean, scale, static_cast<std::int32_t>(next)), mean_delta[k]);
    scale = static_cast<std::int32_t>(next);
    s.scale[present[k]] = scale;
    s.mean[present[k]] = mean;
    const std::int32_t level = band_level(scale, s.step, model.levels());
    if (level >= 0) levels.push_back(level);
  }
  if (!levels.empty()) {
    s.channel_offset.resize(model.channels());
    decode_side(decoder, s.channel_offset);
  }
  const auto positions = static_cast<std::size_t>(tile.positions());
  const std::size_t per_band = model.channels() * positions;
  std::vector<std::uint16_t> index;
  for (const std::int32_t level : levels) {
    // Grown band by band: a payload that ends early never costs more than it has shown.
    s.latents.resize(s.latents.size() + per_band);
    band_table_index(model, level, s.channel_offset, positions, index);
    decode_symbols(decoder, model.tables(), index,
                   Span<std::int32_t>(s.latents.data() + s.latents.size() - per_band, per_band));
  }
  decoder.finish();
  if (symbols_crc != nullptr) *symbols_crc = checksum(s, present);
  return s;
}

}  // namespace hyspec
