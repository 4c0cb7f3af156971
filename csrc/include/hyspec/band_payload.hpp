// Payload of one chunk of the `band` profile: all symbols of one tile and band interval.
//
// docs/band_profile.md is the normative description; section numbers below refer to it.
#pragma once

#include <cstdint>
#include <vector>

#include "hyspec/cdf_tables.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Entropy model of one interval model: frozen tables, `rungs` of them per channel from narrow to
// wide, and the ladder that says which rung fits a channel at a quality level (section 4.3).
class BandTables {
 public:
  // ladder: levels x channels, row by row. Error(kBadArgument) if there are not channels * rungs
  // tables, a rung is out of range or anything is empty.
  BandTables(CdfTables tables, Span<const std::uint8_t> ladder, std::uint32_t channels,
             std::uint32_t rungs);

  std::uint32_t channels() const noexcept { return channels_; }
  std::uint32_t rungs() const noexcept { return rungs_; }
  std::uint32_t levels() const noexcept {
    return static_cast<std::uint32_t>(ladder_.size() / channels_);
  }
  const CdfTables& tables() const noexcept { return tables_; }

  // Table of a channel at a level, moved by `offset` rungs and held among its rungs (section 4.3).
  std::uint16_t table(std::uint32_t level, std::uint32_t channel,
                      std::int32_t offset) const noexcept;

 private:
  CdfTables tables_;
  std::vector<std::uint8_t> ladder_;
  std::uint32_t channels_;
  std::uint32_t rungs_;
};

struct BandTile {
  std::uint32_t bands;
  std::uint32_t rows;
  std::uint32_t columns;
  std::uint32_t stride;  // samples per latent position along each axis

  std::uint64_t pixels() const noexcept { return std::uint64_t{rows} * columns; }
  // Latent positions per channel.
  std::uint64_t positions() const noexcept {
    return ((std::uint64_t{rows} + stride - 1) / stride) *
           ((std::uint64_t{columns} + stride - 1) / stride);
  }
};

// Error(kBadArgument) if a size is 0, or the samples are more than an array can hold: positions()
// of a tile that passes is defined, and its products do not wrap.
void check_band_tile(const BandTile& tile);

// Everything that a payload says (section 2).
struct BandSymbols {
  std::int32_t step = 0;                     // quality of the tile, section 3.3
  std::vector<std::uint8_t> valid;           // bands x rows x columns, 0 or 1; empty: all valid
  std::vector<std::int32_t> scale;           // per band; 0 if constant or without valid samples
  std::vector<std::int32_t> mean;            // per band, in units of 2^mean_exponent(scale)
  std::vector<std::int32_t> channel_offset;  // per channel; empty if no band is active
  std::vector<std::int32_t> latents;         // active bands x channels x positions
};

constexpr std::int32_t kMaxScale = 577;   // section 3.1
constexpr std::int32_t kMinStep = -1024;  // section 2
constexpr std::int32_t kMaxStep = 1536;
// Exponent of the unit that a band's mean is counted in (section 3.2).
std::int32_t mean_exponent(std::int32_t scale) noexcept;
// Quality level of a band, or -1 if the band is inactive: it has no latents (section 3.3).
std::int32_t band_level(std::int32_t scale, std::int32_t step, std::uint32_t levels) noexcept;

// Range of channel offsets that choose_channel_offsets tries.
constexpr std::int32_t kMaxChannelOffset = 8;
// Offsets, one per channel, with which the latents of the bands at `levels` cost least.
std::vector<std::int32_t> choose_channel_offsets(const BandTables& model,
                                                 Span<const std::int32_t> levels,
                                                 Span<const std::int32_t> latents);

// Writes a payload; *symbols_crc receives the checksum of its symbols (section 5).
// Error(kBadArgument) if the tile is none, sizes disagree or a value is out of range.
std::vector<std::uint8_t> encode_band_payload(const BandTables& model, const BandTile& tile,
                                              const BandSymbols& symbols,
                                              std::uint32_t* symbols_crc);

// Reads a payload. Error(kTruncated), Error(kCorrupt) if the bytes do not hold one,
// Error(kBadArgument) if the tile is none.
//
// The size of the tile bounds the result. Other memory in use meanwhile: the words of the payload,
// as large as itself; some 30 bytes per band; two bytes per latent of one band; and up to twice the
// size of the latents, which grow band by band and are copied when they do, so that a payload that
// ends early has never cost more than a multiple of what it has shown.
BandSymbols decode_band_payload(const BandTables& model, const BandTile& tile,
                                Span<const std::uint8_t> payload, std::uint32_t* symbols_crc);

}  // namespace hyspec
