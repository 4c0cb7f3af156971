#include "payload_parts.hpp"

#include <algorithm>

#include "hyspec/mask_coder.hpp"

namespace hyspec {

void put_payload_start(Bytes& payload, std::size_t networks, const BandTile& tile,
                       std::int32_t step, std::uint32_t network, Span<const std::uint8_t> valid) {
  check_band_tile(tile);
  if (network >= networks) throw Error(ErrorCode::kBadArgument, "the model has no such network");
  if (step < kMinStep || step > kMaxStep)
    throw Error(ErrorCode::kBadArgument, "the quality step is out of range");
  if (!valid.empty() && valid.size() != tile.bands * tile.pixels())
    throw Error(ErrorCode::kBadArgument, "valid needs one entry per sample");
  put_varint(payload, zigzag_encode(step));
  put_varint(payload, network);
  const std::vector<std::uint8_t> mask =
      valid.empty() ? std::vector<std::uint8_t>()
                    : encode_masks(valid, tile.bands, tile.rows, tile.columns);
  put_varint(payload, mask.size());
  put_bytes(payload, mask);
}

PayloadStart read_payload_start(ByteReader& reader, std::size_t networks, const BandTile& tile) {
  check_band_tile(tile);
  PayloadStart start;
  const std::int64_t step = zigzag_decode(reader.varint());
  if (step < kMinStep || step > kMaxStep) corrupt(0, "the quality step is out of range");
  start.step = static_cast<std::int32_t>(step);
  const std::uint64_t network = reader.varint();
  if (network >= networks) corrupt(reader.offset(), "the model has no such network");
  start.network = static_cast<std::uint32_t>(network);
  const std::uint64_t mask_bytes = reader.varint();
  if (mask_bytes > 0) {
    const Span<const std::uint8_t> mask = reader.bytes(mask_bytes);
    start.valid.resize(tile.bands * static_cast<std::size_t>(tile.pixels()));
    decode_masks(mask, tile.bands, tile.rows, tile.columns, start.valid);
  }
  return start;
}

std::vector<std::uint32_t> read_payload_words(ByteReader& reader) {
  if (reader.remaining() % 4 != 0) corrupt(reader.offset(), "the symbols are not whole words");
  return to_words(reader.rest());
}

std::vector<std::uint32_t> bands_with_samples(const BandTile& tile,
                                              Span<const std::uint8_t> valid) {
  std::vector<std::uint32_t> bands;
  const std::size_t size = valid.empty() ? 0 : static_cast<std::size_t>(tile.pixels());
  for (std::uint32_t b = 0; b < tile.bands; ++b) {
    const Span<const std::uint8_t> mask = valid.subspan(b * size, size);
    if (valid.empty() || std::find(mask.begin(), mask.end(), std::uint8_t{1}) != mask.end())
      bands.push_back(b);
  }
  return bands;
}

LatentGrid checked_grid(const BandTile& tile, std::uint32_t stride, std::uint32_t channels) {
  const LatentGrid grid = latent_grid(tile, stride);
  if (grid.positions() > kMostElements / tile.bands / channels)
    throw Error(ErrorCode::kBadArgument, "a tile has more latents than memory can hold");
  return grid;
}

LatentSource whole_latents(Span<const std::int32_t> latents) noexcept {
  return {latents, {}, {}, {}};
}

LatentSource rounded_latents(Span<const float> latents, LatentRounding rounding,
                             std::vector<std::int32_t>& rounded) {
  if (!(rounding.bit_value >= 0.0f && rounding.bit_value <= 0.5f))
    throw Error(ErrorCode::kBadArgument, "the value of a bit must lie in [0, 0.5]");
  rounded.assign(latents.size(), 0);
  return {{}, latents, rounding, rounded};
}

}  // namespace hyspec
