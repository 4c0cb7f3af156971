// From real-valued latents to integer symbols and back: the border between networks and entropy
// coder. Only the encoder quantises; what the decoder computes here ends in pixels, never in a
// choice of table.
#pragma once

#include <cstdint>

#include "hyspec/span.hpp"

namespace hyspec {

// symbols[p][i] = sign * floor(|latents[p][i] * gain[p]| + rounding) for planes p of `plane_size`
// values. rounding = 0.5 is plain rounding with ties away from zero; less widens the dead zone.
// Results saturate at the ends of int32, a NaN becomes 0.
// Error(kBadArgument) if the sizes disagree or rounding is outside [0, 0.5].
void quantise(Span<const float> latents, Span<const float> gain, std::size_t plane_size,
              float rounding, Span<std::int32_t> symbols);

// latents[p][i] = symbols[p][i] * inverse_gain[p]. Error(kBadArgument) if the sizes disagree.
void dequantise(Span<const std::int32_t> symbols, Span<const float> inverse_gain,
                std::size_t plane_size, Span<float> latents);

}  // namespace hyspec
