#include "hyspec/band_payload.hpp"

#include <cstddef>
#include <utility>

#include "hyspec/bytes.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "hyspec/latent_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "payload_parts.hpp"

namespace hyspec {

namespace {

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

std::vector<std::uint8_t> encode(Span<const BandNetwork> networks, const BandTile& tile,
                                 const BandSymbols& s, const LatentSource& latents,
                                 std::uint32_t* symbols_crc) {
  Bytes payload;
  put_payload_start(payload, networks.size(), tile, s.step, s.network, s.valid);
  const auto part = network_part(networks[s.network], tile);
  if (s.scale.size() != tile.bands || s.mean.size() != tile.bands)
    throw Error(ErrorCode::kBadArgument, "scale and mean need one entry per band");
  const std::vector<std::uint32_t> present = bands_with_samples(tile, s.valid);
  const std::vector<std::int32_t> scales = pick(s.scale, present), means = pick(s.mean, present);
  RangeEncoder encoder;
  encode_band_side(encoder, scales, means);
  const std::vector<std::uint32_t> levels = active_levels(scales, s.step, part.model.levels());
  if (latents.size() != levels.size() * part.plane_size)
    throw Error(ErrorCode::kBadArgument, "latents do not fit the active bands");
  encode_latents(encoder, LatentCoder(part.model, part.grid), part.plane_size, levels, latents);
  put_words(payload, encoder.finish());
  if (symbols_crc != nullptr) *symbols_crc = checksum(scales, means, s.latents);
  return payload;
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
  return encode(networks, tile, symbols, whole_latents(symbols.latents), symbols_crc);
}

std::vector<std::uint8_t> encode_band_payload(Span<const BandNetwork> networks,
                                              const BandTile& tile, BandSymbols& symbols,
                                              Span<const float> latents, LatentRounding rounding,
                                              std::uint32_t* symbols_crc) {
  const LatentSource source = rounded_latents(latents, rounding, symbols.latents);
  return encode(networks, tile, symbols, source, symbols_crc);
}

BandSymbols decode_band_payload(Span<const BandNetwork> networks, const BandTile& tile,
                                Span<const std::uint8_t> payload, std::uint32_t* symbols_crc) {
  ByteReader reader(payload, 0, ErrorCode::kTruncated);
  PayloadStart start = read_payload_start(reader, networks.size(), tile);
  const auto part = network_part(networks[start.network], tile);
  const std::vector<std::uint32_t> words = read_payload_words(reader);
  BandSymbols s;
  s.step = start.step;
  s.network = start.network;
  s.valid = std::move(start.valid);
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
  s.latents = decode_latents(decoder, LatentCoder(part.model, part.grid), part.plane_size,
                             active_levels(scales, s.step, part.model.levels()), words.size());
  decoder.finish();
  if (symbols_crc != nullptr) *symbols_crc = checksum(scales, means, s.latents);
  return s;
}

}  // namespace hyspec
