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

// Error(kBadArgument) if the value of a bit is out of range.
void check_rounding(LatentRounding rounding);

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

}  // namespace hyspec
