// What the payloads of several profiles have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/bytes.hpp"
#include "hyspec/error.hpp"
#include "hyspec/latent_coder.hpp"
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

// A network with the size of its latents in a tile.
struct NetworkPart {
  const LatentModel& model;
  LatentGrid grid;
  std::size_t plane_size;  // latents of a band, or plane
};
// Error(kBadArgument) if the network is none, or has more latents than memory can hold.
NetworkPart network_part(const BandNetwork& network, const BandTile& tile);

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

// Codes the planes of a chunk, one per level. The caller guarantees the size of the source.
void encode_planes(RangeEncoder& encoder, const NetworkPart& part, Span<const std::uint32_t> levels,
                   const LatentSource& source);
// Memory grows plane by plane, for the sake of payloads that end early.
std::vector<std::int32_t> decode_planes(RangeDecoder& decoder, const NetworkPart& part,
                                        Span<const std::uint32_t> levels);

}  // namespace hyspec
