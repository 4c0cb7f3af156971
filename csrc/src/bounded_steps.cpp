#include "bounded_steps.hpp"

#include "floor_log2.hpp"

namespace hyspec::bounded {

// With a factor that is rounded up by less than 2^-shift, the product with a magnitude is too large
// by less than 1 / denominator, by which a quotient stays below the next whole number.
void Steps::set_factor() {
  if (limits_.numerator == 0) return;
  const auto bits = [](std::int64_t v) {
    return static_cast<int>(floor_log2(static_cast<std::uint64_t>(v))) + 1;
  };
  const std::int64_t farthest = 2 * std::max({-lowest_, highest_, span_});
  const int shift = bits(farthest) + bits(limits_.denominator);
  if (shift + bits(limits_.numerator) > 62) return;
  const std::int64_t factor =
      ((limits_.numerator << shift) + limits_.denominator - 1) / limits_.denominator;
  if (bits(factor) + bits(farthest) > 62) return;
  factor_ = factor;
  shift_ = shift;
}

// How far beyond what is decoded samples lie that it may stand for: away from zero with the
// denominator less the numerator, and towards zero with their sum.
std::int64_t Steps::reach(std::int64_t magnitude, std::int64_t one) const {
  return std::min(limits_.max_error, magnitude * limits_.numerator / one);
}

// The farthest sample that stands for the nearest one beyond these, away from zero.
std::int64_t Steps::outward(std::int64_t magnitude) const {
  const std::int64_t one = limits_.denominator - limits_.numerator;
  const std::int64_t next = magnitude + reach(magnitude, one) + 1;
  return next + limit(next);
}

// And towards zero.
std::int64_t Steps::inward(std::int64_t magnitude) const {
  const std::int64_t one = limits_.denominator + limits_.numerator;
  const std::int64_t next = magnitude - reach(magnitude, one) - 1;
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
