// How far from its prediction a residual of a bounded chunk leads, and what it leaves of a sample
// (docs/bounded_profile.md, sections 5.4 to 5.6).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hyspec::bounded {

// Steps of a relative residual that are as long as the error allows; further ones are 1.
constexpr std::int64_t kLongSteps = 128;

// Errors that no sample exceeds: max_error everywhere or, if `numerator` is not 0, also `numerator`
// / `denominator` of the distance between the sample and the level `zero`, which may lie outside of
// the span.
struct ErrorLimits {
  std::int64_t max_error = 0, numerator = 0, denominator = 1, zero = 0;
};

// Fractions of a prediction in sixteenths, -8 to 8, in sixteenths of a step, by the largest error.
constexpr int kMaxFraction = 8;
using Fractions = std::array<std::array<int, 2 * kMaxFraction + 1>, kMaxFraction>;
constexpr Fractions fractions_of_steps() {
  Fractions found{};
  for (int m = 0; m < kMaxFraction; ++m) {
    const int step = 2 * m + 1;
    for (int f = 0; f <= kMaxFraction; ++f) {
      const int steps = (2 * f + step) / (2 * step);
      found[static_cast<std::size_t>(m)][static_cast<std::size_t>(kMaxFraction + f)] = steps;
      found[static_cast<std::size_t>(m)][static_cast<std::size_t>(kMaxFraction - f)] = -steps;
    }
  }
  return found;
}
constexpr Fractions kFractions = fractions_of_steps();

// Steps of a band whose levels are 0 to `span`: all of the same length, twice the largest error and
// one; or longer and longer away from zero.
class Steps {
 public:
  Steps(const ErrorLimits& limits, std::int64_t span)
      : limits_(limits), lowest_(-limits.zero), highest_(span - limits.zero), span_(span) {
    limits_.max_error = std::min(limits.max_error, span);
    set_factor();
  }

  // Those that begin at the prediction `whole` of a level.
  class Here {
   public:
    Here(const Steps& steps, std::int64_t whole)
        : steps_(steps),
          whole_(whole),
          max_error_(steps.limits_.numerator == 0 ? steps.limits_.max_error
                                                  : steps.limit(whole + steps.lowest_)) {}

    // Whether the first one is 1.
    bool lossless() const noexcept { return max_error_ == 0; }
    // Whether a decoder finds all levels as they are.
    bool exact() const noexcept { return steps_.limits_.max_error == 0; }
    // That an encoder takes for a level.
    std::int64_t residual(std::int64_t level) const {
      const std::int64_t difference = level - whole_;
      if (steps_.limits_.numerator != 0) {
        const std::int64_t allowed = steps_.limit(level + steps_.lowest_);
        const bool covered = difference <= allowed && -difference <= allowed;
        return covered ? 0 : steps_.residual(whole_ + steps_.lowest_, level + steps_.lowest_);
      }
      if (lossless()) return difference;
      return difference >= 0 ? (difference + max_error_) / step()
                             : -((max_error_ - difference) / step());
    }
    // What a decoder finds, among the levels of the band.
    std::int64_t level(std::int64_t residual) const {
      if (steps_.limits_.numerator != 0)
        return residual == 0 ? whole_
                             : steps_.moved(whole_ + steps_.lowest_, residual) - steps_.lowest_;
      return std::clamp<std::int64_t>(whole_ + residual * step(), 0, steps_.span_);
    }
    // The largest residuals of either sign.
    std::int64_t down() const { return most(whole_); }
    std::int64_t up() const { return most(steps_.span_ - whole_); }
    // What a prediction exceeds `whole` by in sixteenths of the first step.
    int fraction(int sixteenths) const {
      if (max_error_ >= kMaxFraction) return 0;  // less than half of one
      return kFractions[static_cast<std::size_t>(max_error_)]
                       [static_cast<std::size_t>(sixteenths + kMaxFraction)];
    }

   private:
    std::int64_t step() const { return 2 * max_error_ + 1; }
    std::int64_t most(std::int64_t levels) const {
      return lossless() || steps_.limits_.numerator != 0 ? levels : (levels + max_error_) / step();
    }

    const Steps& steps_;
    std::int64_t whole_, max_error_;
  };

  Here at(std::int64_t whole) const { return {*this, whole}; }

 private:
  // Largest error of a sample; here and below, samples are counted from zero.
  std::int64_t limit(std::int64_t sample) const {
    const std::int64_t magnitude = sample < 0 ? -sample : sample;
    const std::int64_t share = factor_ != 0 ? magnitude * factor_ >> shift_
                                            : magnitude * limits_.numerator / limits_.denominator;
    return std::min(limits_.max_error, share);
  }
  // Finds a factor that gives the same as division for all samples of the band, if there is one.
  void set_factor();
  // With a relative error, the sample that a residual leads to from a prediction, and the residual
  // that an encoder takes for a sample.
  std::int64_t moved(std::int64_t prediction, std::int64_t residual) const;
  std::int64_t residual(std::int64_t prediction, std::int64_t sample) const;

  std::int64_t reach(std::int64_t magnitude, std::int64_t one) const;
  std::int64_t outward(std::int64_t magnitude) const;
  std::int64_t inward(std::int64_t magnitude) const;
  std::int64_t above(std::int64_t decoded) const;
  std::int64_t below(std::int64_t decoded) const;

  ErrorLimits limits_;
  std::int64_t lowest_, highest_;  // from zero
  std::int64_t span_;
  std::int64_t factor_ = 0;  // in 2^-shift_; 0: none
  int shift_ = 0;
};

}  // namespace hyspec::bounded
