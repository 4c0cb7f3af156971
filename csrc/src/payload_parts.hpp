// What the payloads of several profiles have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/bytes.hpp"
#include "hyspec/error.hpp"
#include "hyspec/latent_grid.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Elements that an array of int32 can have.
constexpr std::uint64_t kMostElements =
    static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(std::int32_t);

[[noreturn]] inline void corrupt(std::uint64_t offset, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, offset, what);
}

// What a payload begins with: quality step, number of the network, and mask; empty: all valid.
struct PayloadStart {
  std::int32_t step = 0;
  std::uint32_t network = 0;
  std::vector<std::uint8_t> valid;
};
// Error(kBadArgument) if the tile is none or a value is out of range.
void put_payload_start(Bytes& payload, std::size_t networks, const BandTile& tile,
                       std::int32_t step, std::uint32_t network, Span<const std::uint8_t> valid);
// Error(kTruncated), Error(kCorrupt).
PayloadStart read_payload_start(ByteReader& reader, std::size_t networks, const BandTile& tile);
// The words that are left.
std::vector<std::uint32_t> read_payload_words(ByteReader& reader);

// Bands that have at least one valid sample.
std::vector<std::uint32_t> bands_with_samples(const BandTile& tile, Span<const std::uint8_t> valid);

// The model of a network with the size of its latents in a tile.
template <class Model>
struct NetworkPart {
  const Model& model;
  LatentGrid grid;
  std::size_t plane_size;  // latents of a band, or plane
};
// Error(kBadArgument) if there are more latents than memory can hold.
LatentGrid checked_grid(const BandTile& tile, std::uint32_t stride, std::uint32_t channels);
// Error(kBadArgument) if the network is none, or has more latents than memory can hold.
template <class Network>
auto network_part(const Network& network, const BandTile& tile) {
  if (network.stride == 0 || network.model == nullptr)
    throw Error(ErrorCode::kBadArgument, "a network has no stride or no model");
  const auto& model = *network.model;
  const LatentGrid grid = checked_grid(tile, network.stride, model.channels());
  return NetworkPart<std::decay_t<decltype(model)>>{model, grid,
                                                    model.channels() * grid.positions()};
}

// Where the latents of a payload come from, plane after plane: whole numbers as they are, or real
// ones that are rounded, into `rounded`.
struct LatentSource {
  Span<const std::int32_t> whole;
  Span<const float> real;
  LatentRounding rounding;
  Span<std::int32_t> rounded;

  std::size_t size() const noexcept { return real.empty() ? whole.size() : real.size(); }
};
LatentSource whole_latents(Span<const std::int32_t> latents) noexcept;
// `rounded` is given the size of the latents. Error(kBadArgument) if the value of a bit is out of
// range.
LatentSource rounded_latents(Span<const float> latents, LatentRounding rounding,
                             std::vector<std::int32_t>& rounded);

// Codes the bands or planes of a chunk, of `size` latents each, one per level. The caller
// guarantees the size of the source.
template <class Coder>
void encode_latents(RangeEncoder& encoder, Coder&& coder, std::size_t size,
                    Span<const std::uint32_t> levels, const LatentSource& source) {
  const std::size_t weights = levels.empty() ? 0 : source.rounding.weights.size() / levels.size();
  for (std::size_t k = 0; k < levels.size(); ++k) {
    if (source.real.empty())
      coder.encode(encoder, levels[k], source.whole.subspan(k * size, size));
    else
      coder.encode(
          encoder, levels[k], source.real.subspan(k * size, size),
          {source.rounding.bit_value, source.rounding.weights.subspan(k * weights, weights)},
          source.rounded.subspan(k * size, size));
  }
}

// Memory grows plane by plane, for the sake of payloads that end early; that for some latents per
// word of the message is reserved at once.
template <class Coder>
std::vector<std::int32_t> decode_latents(RangeDecoder& decoder, Coder&& coder, std::size_t size,
                                         Span<const std::uint32_t> levels, std::size_t words) {
  constexpr std::size_t kLatentsPerWord = 128;
  std::vector<std::int32_t> latents;
  latents.reserve(std::min(levels.size() * size, words * kLatentsPerWord));
  for (const std::uint32_t level : levels) {
    latents.resize(latents.size() + size);
    coder.decode(decoder, level, Span<std::int32_t>(latents.data() + latents.size() - size, size));
  }
  return latents;
}

}  // namespace hyspec
