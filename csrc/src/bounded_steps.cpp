#include "bounded_steps.hpp"

namespace hyspec::bounded {

// How far beyond what is decoded samples lie that it may stand for: away from zero with `one` less
// the relative error, and towards zero with `one` plus it.
std::int64_t Steps::reach(std::int64_t magnitude, std::int64_t one) const {
  return std::min(limits_.max_error, magnitude * limits_.relative / one);
}

// The farthest sample that stands for the nearest one beyond these, away from zero.
std::int64_t Steps::outward(std::int64_t magnitude) const {
  constexpr std::int64_t kOne = std::int64_t{1} << kRelativeBits;
  const std::int64_t next = magnitude + reach(magnitude, kOne - limits_.relative) + 1;
  return next + limit(next);
}

// And towards zero.
std::int64_t Steps::inward(std::int64_t magnitude) const {
  constexpr std::int64_t kOne = std::int64_t{1} << kRelativeBits;
  const std::int64_t next = magnitude - reach(magnitude, kOne + limits_.relative) - 1;
  return next - limit(next);
}

std::int64_t Steps::above(std::int64_t decoded) const {
  return std::min(highest_, decoded >= 0 ? outward(decoded) : -inward(-decoded));
}
std::int64_t Steps::below(std::int64_t decoded) const {
  return std::max(lowest_, decoded > 0 ? inward(decoded) : -outward(-decoded));
}

std::int64_t Steps::moved(std::int64_t prediction, std::int64_t residual) const {
  const std::int64_t steps = std::clamp(residual, -kLongSteps, kLongSteps);
  std::int64_t decoded = prediction;
  for (std::int64_t k = 0; k < steps; ++k) decoded = above(decoded);
  for (std::int64_t k = 0; k > steps; --k) decoded = below(decoded);
  return std::clamp(decoded + residual - steps, lowest_, highest_);
}

std::int64_t Steps::residual(std::int64_t prediction, std::int64_t sample) const {
  const std::int64_t allowed = limit(sample);
  const bool up = sample > prediction;
  std::int64_t steps = 0, decoded = prediction;
  const auto missed = [&] { return up ? sample - decoded : decoded - sample; };
  for (; steps < kLongSteps && missed() > allowed; ++steps)
    decoded = up ? above(decoded) : below(decoded);
  if (missed() > allowed) steps += missed();
  return up ? steps : -steps;
}

}  // namespace hyspec::bounded
