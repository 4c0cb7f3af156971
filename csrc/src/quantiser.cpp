#include "hyspec/quantiser.hpp"

#include <cmath>

#include "hyspec/error.hpp"

namespace hyspec {

namespace {

void check(std::size_t values, std::size_t planes, std::size_t plane_size, std::size_t out) {
  if (values != out || plane_size == 0 || values % plane_size != 0 || values / plane_size != planes)
    throw Error(ErrorCode::kBadArgument, "sizes of latents, gains and symbols disagree");
}

}  // namespace

void quantise(Span<const float> latents, Span<const float> gain, std::size_t plane_size,
              float rounding, Span<std::int32_t> symbols) {
  check(latents.size(), gain.size(), plane_size, symbols.size());
  if (!(rounding >= 0.0f && rounding <= 0.5f))
    throw Error(ErrorCode::kBadArgument, "rounding must lie in [0, 0.5]");
  constexpr float kLargest = 2147483520.0f;  // the largest float below 2^31
  for (std::size_t p = 0; p < gain.size(); ++p) {
    const float g = gain[p];
    const float* const in = latents.data() + p * plane_size;
    std::int32_t* const out = symbols.data() + p * plane_size;
    for (std::size_t i = 0; i < plane_size; ++i) {
      const float scaled = in[i] * g;
      float magnitude = std::floor(std::fabs(scaled) + rounding);
      magnitude = magnitude < kLargest ? magnitude : kLargest;
      const auto level = static_cast<std::int32_t>(scaled == scaled ? magnitude : 0.0f);
      out[i] = scaled < 0.0f ? -level : level;
    }
  }
}

void dequantise(Span<const std::int32_t> symbols, Span<const float> inverse_gain,
                std::size_t plane_size, Span<float> latents) {
  check(symbols.size(), inverse_gain.size(), plane_size, latents.size());
  for (std::size_t p = 0; p < inverse_gain.size(); ++p) {
    const float g = inverse_gain[p];
    const std::int32_t* const in = symbols.data() + p * plane_size;
    float* const out = latents.data() + p * plane_size;
    for (std::size_t i = 0; i < plane_size; ++i) out[i] = static_cast<float>(in[i]) * g;
  }
}

}  // namespace hyspec
