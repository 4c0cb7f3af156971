// Payload of one chunk of the `spectral` profile: an adaptive spectral transform of one tile and
// band interval, and the planes that it makes.
//
// docs/spectral_profile.md is the normative description; section numbers below refer to it.
#pragma once

#include <cstdint>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/latent_grid.hpp"
#include "hyspec/plane_model.hpp"
#include "hyspec/span.hpp"
#include "hyspec/spectral_basis.hpp"

namespace hyspec {

// One network of a model, as far as the entropy coder knows it.
struct SpectralNetwork {
  std::uint32_t stride;  // samples per latent position along each axis
  const PlaneModel* model;
};

// Everything that a payload says (section 2).
struct SpectralSymbols {
  std::uint32_t back = 0;             // tiles back to the one whose basis is used; 0: its own
  std::int32_t step = 0;              // quality of the tile, section 3.3
  std::uint32_t network = 0;          // which network of the interval's model
  std::vector<std::uint8_t> valid;    // bands x rows x columns, 0 or 1; empty: all valid
  std::vector<std::uint8_t> varies;   // per band, 0 or 1; 0 if constant or without valid samples
  std::uint32_t fineness = 0;         // of the means, section 3.2
  std::vector<std::int32_t> mean;     // per band, in units of section 3.2
  SpectralBasis basis;                // its own, section 3.4; empty if it uses another one
  std::vector<std::int32_t> scale;    // per plane, 1 or more: code of its standard deviation
  bool dependent = false;             // whether two quantisers take turns, section 4.3
  std::vector<std::int32_t> latents;  // planes x channels x positions, in half steps
};

// The basis of a tile as others see it that use it, too.
struct SharedBasis {
  std::vector<std::uint8_t> varies;  // per band, 0 or 1: bands that it has numbers for
  SpectralBasis basis;
};

// Largest fineness of means: 2^-fineness is their least unit.
constexpr std::uint32_t kMaxFineness = 3;
// Exponent of the unit that the mean of a band is counted in (section 3.2).
std::int32_t spectral_mean_exponent(bool varies, std::int32_t step,
                                    std::uint32_t fineness) noexcept;

// Writes a payload from latents before rounding, planes x channels x positions, which are
// multiplied by the gains of their levels; symbols.latents receives what they were rounded to.
// `shared` is the basis that symbols.back leads to, null if it leads nowhere. *symbols_crc receives
// the checksum of the symbols (section 5). Error(kBadArgument) if the tile is none, sizes disagree
// or a value is out of range.
std::vector<std::uint8_t> encode_spectral_payload(Span<const SpectralNetwork> networks,
                                                  const BandTile& tile, const SharedBasis* shared,
                                                  SpectralSymbols& symbols,
                                                  Span<const float> latents,
                                                  LatentRounding rounding,
                                                  std::uint32_t* symbols_crc);
// The same from symbols.latents as they are.
std::vector<std::uint8_t> encode_spectral_payload(Span<const SpectralNetwork> networks,
                                                  const BandTile& tile, const SharedBasis* shared,
                                                  const SpectralSymbols& symbols,
                                                  std::uint32_t* symbols_crc);

// How many tiles before lies the one whose basis a payload uses; 0 if it has its own.
// Error(kTruncated), Error(kCorrupt).
std::uint32_t spectral_payload_back(Span<const std::uint8_t> payload);

// Reads the basis of a payload that has its own, and nothing after it. Errors as for
// decode_spectral_payload(), and Error(kCorrupt) if it has none.
SharedBasis decode_spectral_basis(std::size_t networks, const BandTile& tile,
                                  Span<const std::uint8_t> payload);

// Reads a payload; `shared` is the basis that it uses, null if it has its own. Error(kTruncated),
// Error(kCorrupt) if the bytes do not hold one, Error(kBadArgument) if the tile is none, or
// `shared` is not what the payload needs. Memory as for decode_band_payload(), and some 50 bytes
// per entry of the basis, of which there are no more than samples in the tile.
SpectralSymbols decode_spectral_payload(Span<const SpectralNetwork> networks, const BandTile& tile,
                                        const SharedBasis* shared, Span<const std::uint8_t> payload,
                                        std::uint32_t* symbols_crc);

}  // namespace hyspec
