// Payload of one chunk of the `bounded` profile that corrects a reconstruction: that of a payload
// of the `spectral` profile, which is part of it or lies in a chunk of its own.
//
// docs/bounded_profile.md is the normative description; section numbers below refer to it.
#pragma once

#include <cstdint>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Error limits end below this where samples are corrected, so that steps have 32 bits.
constexpr std::uint64_t kCorrectedLimitEnd = std::uint64_t{1} << 31;

// What a payload says before its corrections (section 11).
struct CorrectedHeader {
  // How far apart reconstructions of two decoders may be, in whole numbers, after rounding.
  std::uint32_t tolerance = 0;
  std::vector<std::uint32_t> max_errors;  // per band
  std::uint64_t base_offset = 0;          // the base, in bytes of the payload
  std::uint64_t base_length = 0;          // 0: in a chunk of its own
};

// Writes a payload. corrections: bands x rows x columns, of which those that are not valid do not
// matter; base: a payload, or empty. *checksum, that of the symbols of the base, becomes that of
// the payload (section 12). Error(kBadArgument) if the tile is none, sizes disagree, a limit is too
// large or no step is left, or a correction has a magnitude of 2^30 or more.
std::vector<std::uint8_t> encode_corrected_payload(
    const BandTile& tile, Span<const std::uint8_t> base, Span<const std::int32_t> corrections,
    Span<const std::uint8_t> valid, Span<const std::uint32_t> max_errors, std::uint32_t tolerance,
    std::uint32_t* checksum);

// Reads what a payload begins with. Error(kTruncated), Error(kCorrupt); Error(kBadArgument) if the
// tile is none.
CorrectedHeader read_corrected_header(const BandTile& tile, Span<const std::uint8_t> payload);

// Reads the corrections of a payload, with the mask that its base says; *checksum as above. Errors
// as for the header. Time and memory are bounded by the samples of the tile; memory grows band by
// band.
std::vector<std::int32_t> decode_corrections(const BandTile& tile, Span<const std::uint8_t> payload,
                                             Span<const std::uint8_t> valid,
                                             std::uint32_t* checksum);

}  // namespace hyspec
