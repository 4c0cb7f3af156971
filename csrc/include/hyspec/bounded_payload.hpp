// Payload of one chunk of the `bounded` profile, coded by prediction in exact arithmetic: lossless,
// or with a largest error for each band that no sample exceeds.
//
// docs/bounded_profile.md is the normative description; section numbers below refer to it.
#pragma once

#include <cstdint>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Bands before that a prediction may use.
constexpr std::uint32_t kMaxPredictionBands = 32;

// What the predictor looks at (section 4.2): more takes longer, and mostly fewer bits.
struct BoundedSettings {
  std::uint32_t bands = 16;  // before the one at hand, up to kMaxPredictionBands
  bool wide = false;         // more neighbours of few bands
};
// Settings that serve a tile with this many bands well. Where errors are allowed, a mean over more
// bands makes up for those of each.
BoundedSettings default_bounded_settings(std::uint32_t bands, bool lossless) noexcept;

// Largest denominator of a relative error.
constexpr std::uint32_t kMaxDenominator = 1u << 24;

// Largest error in proportion to the sample itself (section 5.6), as well as the absolute one.
struct RelativeError {
  std::uint32_t numerator = 0;    // less than the denominator; 0: none
  std::uint32_t denominator = 1;  // at most kMaxDenominator
  std::int32_t zero = 0;          // what a sample of 0 is among the samples
};

// Everything that a payload says.
struct BoundedSamples {
  std::vector<std::int32_t> samples;      // bands x rows x columns; 0 where not valid
  std::vector<std::uint8_t> valid;        // bands x rows x columns, 0 or 1; empty: all valid
  std::vector<std::uint32_t> max_errors;  // per band; 0: lossless
  RelativeError relative;
};

// Writes a payload from samples, bands x rows x columns, of which those that are not valid do not
// matter. *checksum receives that of the samples as they will be decoded (section 6).
// Error(kBadArgument) if the tile is none, sizes disagree or a setting is out of range.
//
// Memory: some 12 bytes (20 where samples span 2^24 or more) per pixel and band that is predicted
// from, at least nine of them; and the payload.
std::vector<std::uint8_t> encode_bounded_payload(const BandTile& tile,
                                                 Span<const std::int32_t> samples,
                                                 Span<const std::uint8_t> valid,
                                                 Span<const std::uint32_t> max_errors,
                                                 RelativeError relative, BoundedSettings settings,
                                                 std::uint32_t* checksum);

// Reads a payload. Error(kTruncated), Error(kCorrupt) if the bytes do not hold one,
// Error(kBadArgument) if the tile is none. Time is bounded by the samples of the tile. Memory as
// above, and that of the result, which grows band by band.
BoundedSamples decode_bounded_payload(const BandTile& tile, Span<const std::uint8_t> payload,
                                      std::uint32_t* checksum);

// Error limits that a payload states; errors as above.
struct BoundedLimits {
  std::vector<std::uint32_t> max_errors;
  RelativeError relative;
};
BoundedLimits read_bounded_limits(const BandTile& tile, Span<const std::uint8_t> payload);

}  // namespace hyspec
