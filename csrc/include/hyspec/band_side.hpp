// Side information of the `band` profile: scales and means of bands.
//
// docs/band_profile.md is the normative description; section numbers below refer to it.
#pragma once

#include <cstdint>

#include "hyspec/range_coder.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

constexpr std::int32_t kMaxScale = 577;   // section 3.1
constexpr std::int32_t kMinStep = -1024;  // section 2
constexpr std::int32_t kMaxStep = 1536;

// Exponent of the unit that a band's mean is counted in (section 3.2).
std::int32_t mean_exponent(std::int32_t scale) noexcept;
// Quality level of a band, or -1 if the band is inactive: it has no latents (section 3.3).
std::int32_t band_level(std::int32_t scale, std::int32_t step, std::uint32_t levels) noexcept;

// Codes scales and means of bands that follow each other (section 3.5). Spans have one length.
// Error(kBadArgument) if a scale is out of range.
void encode_band_side(RangeEncoder& encoder, Span<const std::int32_t> scale,
                      Span<const std::int32_t> mean);
// Error(kCorrupt), Error(kTruncated) if the message does not hold them.
void decode_band_side(RangeDecoder& decoder, Span<std::int32_t> scale, Span<std::int32_t> mean);

}  // namespace hyspec
