// Codes the latents of the bands of one chunk with contexts from decoded neighbours.
//
// A latent is predicted from the same place in the three bands before it and from its neighbours in
// its own band, by a linear filter that adapts as it goes. What the prediction leaves is coded bit
// by bit with adaptive models whose contexts are integers of decoded latents. All integer
// arithmetic: docs/band_profile.md, section 4, is the normative description.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "hyspec/latent_grid.hpp"
#include "hyspec/latent_model.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// The model must outlive the coder.
class LatentCoder {
 public:
  using Model = LatentModel;

  LatentCoder(const LatentModel& model, LatentGrid grid);
  ~LatentCoder();
  LatentCoder(const LatentCoder&) = delete;
  LatentCoder& operator=(const LatentCoder&) = delete;

  // One band, the next in the chunk, at a level below model.levels(). Latents are channels x
  // positions. The sizes are the caller's to guarantee.
  void encode(RangeEncoder& encoder, std::uint32_t level, Span<const std::int32_t> latents);
  // The same from latents before rounding, which are multiplied by the level's gains; `rounded`
  // receives what was coded.
  void encode(RangeEncoder& encoder, std::uint32_t level, Span<const float> latents,
              LatentRounding rounding, Span<std::int32_t> rounded);
  // Error(kCorrupt), Error(kTruncated) if the message does not hold the band.
  void decode(RangeDecoder& decoder, std::uint32_t level, Span<std::int32_t> latents);
  // Adapts the models as encode() does, and returns the code length in bits.
  double learn(std::uint32_t level, Span<const std::int32_t> latents);

  const LatentState& state() const noexcept;

 private:
  class Walk;
  const LatentModel& model_;
  std::size_t positions_;
  std::unique_ptr<Walk> walk_;
};

}  // namespace hyspec
