#include "hyspec/band_payload.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include "hyspec/bytes.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "hyspec/mask_coder.hpp"
#include "hyspec/range_coder.hpp"

namespace hyspec {

namespace {

// Elements that an array of int32 can have.
constexpr std::uint64_t kMostElements =
    static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(std::int32_t);

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

std::vector<std::int32_t> pick(const std::vector<std::int32_t>& values,
                               const std::vector<std::uint32_t>& places) {
  std::vector<std::int32_t> picked;
  for (const std::uint32_t place : places) picked.push_back(values[place]);
  return picked;
}

// Levels of the bands that have latents.
std::vector<std::uint32_t> active_levels(const std::vector<std::int32_t>& scales, std::int32_t step,
                                         std::uint32_t levels) {
  std::vector<std::uint32_t> active;
  for (const std::int32_t scale : scales) {
    const std::int32_t level = band_level(scale, step, levels);
    if (level >= 0) active.push_back(static_cast<std::uint32_t>(level));
  }
  return active;
}

std::uint32_t checksum(const std::vector<std::int32_t>& scales,
                       const std::vector<std::int32_t>& means,
                       const std::vector<std::int32_t>& latents) {
  return crc32c_symbols(latents, crc32c_symbols(means, crc32c_symbols(scales, 0)));
}

// A network with the size of its latents in a tile.
struct Part {
  const LatentModel& model;
  LatentGrid grid;
  std::size_t band_size;  // latents of a band
};

Part find_part(Span<const BandNetwork> networks, const BandTile& tile, std::uint32_t network) {
  const BandNetwork& n = networks[network];
  if (n.stride == 0 || n.model == nullptr)
    throw Error(ErrorCode::kBadArgument, "a network has no stride or no model");
  const LatentGrid grid = latent_grid(tile, n.stride);
  if (grid.positions() > kMostElements / tile.bands / n.model->channels())
    throw Error(ErrorCode::kBadArgument, "a tile has more latents than memory can hold");
  return {*n.model, grid, n.model->channels() * grid.positions()};
}

// Writes all of a payload; code_band(coder, encoder, band, level) writes one active band.
template <class CodeBand>
std::vector<std::uint8_t> encode(Span<const BandNetwork> networks, const BandTile& tile,
                                 const BandSymbols& s, std::size_t latents, CodeBand code_band,
                                 std::uint32_t* symbols_crc) {
  check_band_tile(tile);
  if (s.network >= networks.size())
    throw Error(ErrorCode::kBadArgument, "the model has no such network");
  const Part part = find_part(networks, tile, s.network);
  if (s.scale.size() != tile.bands || s.mean.size() != tile.bands ||
      (!s.valid.empty() && s.valid.size() != tile.bands * tile.pixels()))
    throw Error(ErrorCode::kBadArgument, "scale, mean and valid need one entry per band");
  if (s.step < kMinStep || s.step > kMaxStep)
    throw Error(ErrorCode::kBadArgument, "the quality step is out of range");
  const std::vector<std::uint32_t> present = bands_with_samples(tile, s.valid);
  const std::vector<std::int32_t> scales = pick(s.scale, present), means = pick(s.mean, present);
  RangeEncoder encoder;
  encode_band_side(encoder, scales, means);
  const std::vector<std::uint32_t> levels = active_levels(scales, s.step, part.model.levels());
  if (latents != levels.size() * part.band_size)
    throw Error(ErrorCode::kBadArgument, "latents do not fit the active bands");
  LatentCoder coder(part.model, part.grid);
  for (std::size_t a = 0; a < levels.size(); ++a)
    code_band(coder, encoder, a * part.band_size, part.band_size, levels[a]);

  Bytes payload;
  put_varint(payload, zigzag_encode(s.step));
  put_varint(payload, s.network);
  const std::vector<std::uint8_t> mask =
      s.valid.empty() ? std::vector<std::uint8_t>()
                      : encode_masks(s.valid, tile.bands, tile.rows, tile.columns);
  put_varint(payload, mask.size());
  put_bytes(payload, mask);
  put_words(payload, encoder.finish());
  if (symbols_crc != nullptr) *symbols_crc = checksum(scales, means, s.latents);
  return payload;
}

[[noreturn]] void corrupt(std::uint64_t offset, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, offset, what);
}

}  // namespace

void check_band_tile(const BandTile& tile) {
  if (tile.bands == 0 || tile.rows == 0 || tile.columns == 0)
    throw Error(ErrorCode::kBadArgument, "a tile has at least one band, row and column");
  if (tile.pixels() > kMostElements / tile.bands)
    throw Error(ErrorCode::kBadArgument, "a tile has more samples than memory can hold");
}

LatentGrid latent_grid(const BandTile& tile, std::uint32_t stride) noexcept {
  return {(std::size_t{tile.rows} + stride - 1) / stride,
          (std::size_t{tile.columns} + stride - 1) / stride};
}

std::vector<std::uint8_t> encode_band_payload(Span<const BandNetwork> networks,
                                              const BandTile& tile, const BandSymbols& symbols,
                                              std::uint32_t* symbols_crc) {
  return encode(
      networks, tile, symbols, symbols.latents.size(),
      [&](LatentCoder& coder, RangeEncoder& encoder, std::size_t begin, std::size_t count,
          std::uint32_t level) {
        coder.encode(encoder, level,
                     Span<const std::int32_t>(symbols.latents.data() + begin, count));
      },
      symbols_crc);
}

std::vector<std::uint8_t> encode_band_payload(Span<const BandNetwork> networks,
                                              const BandTile& tile, BandSymbols& symbols,
                                              Span<const float> latents, LatentRounding rounding,
                                              std::uint32_t* symbols_crc) {
  if (!(rounding.bit_value >= 0.0f && rounding.bit_value <= 0.5f))
    throw Error(ErrorCode::kBadArgument, "the value of a bit must lie in [0, 0.5]");
  symbols.latents.assign(latents.size(), 0);
  return encode(
      networks, tile, symbols, latents.size(),
      [&](LatentCoder& coder, RangeEncoder& encoder, std::size_t begin, std::size_t count,
          std::uint32_t level) {
        coder.encode(encoder, level, latents.subspan(begin, count), rounding,
                     Span<std::int32_t>(symbols.latents.data() + begin, count));
      },
      symbols_crc);
}

BandSymbols decode_band_payload(Span<const BandNetwork> networks, const BandTile& tile,
                                Span<const std::uint8_t> payload, std::uint32_t* symbols_crc) {
  check_band_tile(tile);
  ByteReader reader(payload, 0, ErrorCode::kTruncated);
  BandSymbols s;
  const std::int64_t step = zigzag_decode(reader.varint());
  if (step < kMinStep || step > kMaxStep) corrupt(0, "the quality step is out of range");
  s.step = static_cast<std::int32_t>(step);
  const std::uint64_t network = reader.varint();
  if (network >= networks.size()) corrupt(reader.offset(), "the model has no such network");
  s.network = static_cast<std::uint32_t>(network);
  const Part part = find_part(networks, tile, s.network);
  const std::uint64_t mask_bytes = reader.varint();
  if (mask_bytes > 0) {
    const Span<const std::uint8_t> mask = reader.bytes(mask_bytes);
    s.valid.resize(tile.bands * static_cast<std::size_t>(tile.pixels()));
    decode_masks(mask, tile.bands, tile.rows, tile.columns, s.valid);
  }
  if (reader.remaining() % 4 != 0) corrupt(reader.offset(), "the symbols are not whole words");
  const std::vector<std::uint32_t> words = to_words(reader.rest());

  const std::vector<std::uint32_t> present = bands_with_samples(tile, s.valid);
  std::vector<std::int32_t> scales(present.size()), means(present.size());
  RangeDecoder decoder(words);
  decode_band_side(decoder, scales, means);
  s.scale.resize(tile.bands);
  s.mean.resize(tile.bands);
  for (std::size_t k = 0; k < present.size(); ++k) {
    s.scale[present[k]] = scales[k];
    s.mean[present[k]] = means[k];
  }
  LatentCoder coder(part.model, part.grid);
  for (const std::uint32_t level : active_levels(scales, s.step, part.model.levels())) {
    // Grown band by band: a payload that ends early has cost one band more than it has shown.
    s.latents.resize(s.latents.size() + part.band_size);
    coder.decode(
        decoder, level,
        Span<std::int32_t>(s.latents.data() + s.latents.size() - part.band_size, part.band_size));
  }
  decoder.finish();
  if (symbols_crc != nullptr) *symbols_crc = checksum(scales, means, s.latents);
  return s;
}

}  // namespace hyspec
