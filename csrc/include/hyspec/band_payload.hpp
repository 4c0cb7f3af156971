// Payload of one chunk of the `band` profile: all symbols of one tile and band interval.
//
// docs/band_profile.md is the normative description; section numbers below refer to it.
#pragma once

#include <cstdint>
#include <vector>

#include "hyspec/band_side.hpp"
#include "hyspec/latent_coder.hpp"
#include "hyspec/latent_model.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// One network of an interval model, as far as the entropy coder knows it.
struct BandNetwork {
  std::uint32_t stride;  // samples per latent position along each axis
  const LatentModel* model;
};

struct BandTile {
  std::uint32_t bands;
  std::uint32_t rows;
  std::uint32_t columns;

  std::uint64_t pixels() const noexcept { return std::uint64_t{rows} * columns; }
};

// Error(kBadArgument) if a size is 0, or the samples are more than an array can hold.
void check_band_tile(const BandTile& tile);
// Positions of latents of a tile along both axes.
LatentGrid latent_grid(const BandTile& tile, std::uint32_t stride) noexcept;

// Everything that a payload says (section 2).
struct BandSymbols {
  std::int32_t step = 0;              // quality of the tile, section 3.3
  std::uint32_t network = 0;          // which network of the interval's model
  std::vector<std::uint8_t> valid;    // bands x rows x columns, 0 or 1; empty: all valid
  std::vector<std::int32_t> scale;    // per band; 0 if constant or without valid samples
  std::vector<std::int32_t> mean;     // per band, in units of 2^mean_exponent(scale)
  std::vector<std::int32_t> latents;  // active bands x channels x positions
};

// Writes a payload; *symbols_crc receives the checksum of its symbols (section 5).
// Error(kBadArgument) if the tile is none, sizes disagree or a value is out of range.
std::vector<std::uint8_t> encode_band_payload(Span<const BandNetwork> networks,
                                              const BandTile& tile, const BandSymbols& symbols,
                                              std::uint32_t* symbols_crc);
// The same from latents before rounding, active bands x channels x positions, which are multiplied
// by the gains of their levels; symbols.latents receives what they were rounded to.
std::vector<std::uint8_t> encode_band_payload(Span<const BandNetwork> networks,
                                              const BandTile& tile, BandSymbols& symbols,
                                              Span<const float> latents, LatentRounding rounding,
                                              std::uint32_t* symbols_crc);

// Reads a payload. Error(kTruncated), Error(kCorrupt) if the bytes do not hold one,
// Error(kBadArgument) if the tile is none.
//
// The size of the tile bounds the result. Other memory in use meanwhile: the words of the payload,
// as large as itself; some 30 bytes per band; some 40 bytes per latent of one band; and up to twice
// the size of the latents, which grow band by band and are copied when they do. The first band
// costs what the size of the tile says, whatever the payload holds; room for each further one is
// made when the one before has been read, so that from the second band on a payload that ends early
// has cost no more than a multiple of the bands that it has shown.
BandSymbols decode_band_payload(Span<const BandNetwork> networks, const BandTile& tile,
                                Span<const std::uint8_t> payload, std::uint32_t* symbols_crc);

}  // namespace hyspec
