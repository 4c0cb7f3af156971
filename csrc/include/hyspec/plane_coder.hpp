// Codes the latents of the component planes of one chunk with contexts of how large they are
// expected to be.
//
// Components are not correlated; what they have in common is where they are large. So the magnitude
// of each latent is expected from those around it: in space, at other frequencies, and in the
// planes before. All integer arithmetic: docs/spectral_profile.md, section 4, is the normative
// description.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "hyspec/latent_grid.hpp"
#include "hyspec/plane_model.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Step of a plane that is coded with two quantisers that take turns, relative to that of its level:
// with the finer choice of places that they offer, errors are about the same (section 6.2).
constexpr float kDependentStep = 1.25f;

// The model must outlive the coder. Latents are whole numbers of half steps (section 4.3). Levels
// matter for latents that are rounded alone.
class PlaneCoder {
 public:
  using Model = PlaneModel;

  // dependent: whether two quantisers take turns.
  PlaneCoder(const PlaneModel& model, LatentGrid grid, bool dependent);
  ~PlaneCoder();
  PlaneCoder(const PlaneCoder&) = delete;
  PlaneCoder& operator=(const PlaneCoder&) = delete;

  // One plane, the next in the chunk, at a level below model.levels(). Latents are channels x
  // positions. The sizes are the caller's to guarantee. Error(kBadArgument) if a latent is none
  // that its quantiser has.
  void encode(RangeEncoder& encoder, std::uint32_t level, Span<const std::int32_t> latents);
  // The same from latents before rounding, which are multiplied by the level's gains; `rounded`
  // receives what was coded.
  void encode(RangeEncoder& encoder, std::uint32_t level, Span<const float> latents,
              LatentRounding rounding, Span<std::int32_t> rounded);
  // Error(kCorrupt), Error(kTruncated) if the message does not hold the plane.
  void decode(RangeDecoder& decoder, std::uint32_t level, Span<std::int32_t> latents);
  // Adapts the models as encode() does, and returns the code length in bits.
  double learn(std::uint32_t level, Span<const std::int32_t> latents);

  PlaneState state() const;

 private:
  class Walk;
  const PlaneModel& model_;
  std::size_t positions_;
  std::unique_ptr<Walk> walk_;
};

}  // namespace hyspec
