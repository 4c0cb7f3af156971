// The second prediction: what is left of the first one, from errors at other bands and neighbours,
// by least mean squares in integers (docs/bounded_profile.md, section 4.7).
//
// All inputs of a row but the error to the left are known before the row, so they are brought
// together first, sixteen for each sample.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bounded_planes.hpp"
#include "hyspec/span.hpp"
#include "int16_lanes.hpp"

namespace hyspec::bounded {

// Bands before whose errors at the same pixel are inputs.
constexpr std::size_t kErrorBands = 8;
// Errors are kept in units that make them about 32 to 64, and never larger than this.
constexpr std::int64_t kMaxError = 2047;
constexpr int kErrorBits = 5;
constexpr int kFilterBits = 14;

class ErrorFilter {
 public:
  ErrorFilter(std::size_t columns) : inputs_(columns * kLanes) {}

  void begin_band() {
    std::fill(std::begin(weights_), std::end(weights_), std::int16_t{0});
    west_weight_ = 0;
  }

  // Inputs of the n samples from column x on in row y.
  template <class Band>
  void gather(Span<Band* const> bands, std::size_t before, std::size_t y, std::size_t x,
              std::size_t n) {
    const auto row = [&](std::size_t back, std::ptrdiff_t down, std::ptrdiff_t across) {
      return bands[back]->errors.row(static_cast<std::ptrdiff_t>(y) + down) + x + across;
    };
    const std::int16_t* const none = row(0, 1, 0);  // nothing is there yet
    const std::int16_t* rows[kLanes];
    std::size_t count = 0;
    for (std::size_t back = 1; back <= kErrorBands; ++back)
      rows[count++] = back <= before ? row(back, 0, 0) : none;
    for (const std::ptrdiff_t across : {-1, 0, 1}) rows[count++] = row(0, -1, across);
    constexpr std::ptrdiff_t kAround[4][2] = {{0, -1}, {0, 1}, {-1, 0}, {1, 0}};
    for (const auto& [down, across] : kAround)
      rows[count++] = before > 0 ? row(1, down, across) : none;
    rows[count] = none;  // in place of the error to the left
    interleave(rows, n, inputs_.data());
    set_gain(n);
  }

  // A run of samples, with the state in registers.
  class Run {
   public:
    explicit Run(ErrorFilter& filter)
        : filter_(filter),
          gain_(filter.gain_),
          next_(filter.inputs_.data()),
          weights_(Int16Lanes::load(filter.weights_)),
          west_weight_(filter.west_weight_),
          inputs_{} {}

    // Of the next sample, whose left neighbour had this error.
    std::int64_t predict(std::int32_t west) {
      inputs_ = Int16Lanes::load(next_);
      next_ += kLanes;
      west_ = west;
      predicted_ = (std::int64_t{dot(weights_, inputs_)} + std::int64_t{west_weight_} * west +
                    (1 << (kFilterBits - 1))) >>
                   kFilterBits;
      return predicted_;
    }
    void learn(std::int64_t error) {
      const std::int64_t miss = error - std::clamp<std::int64_t>(predicted_, -4096, 4095);
      const std::int64_t factor = std::clamp<std::int64_t>((miss * gain_) >> 8, -32767, 32767);
      weights_ = moved(weights_, inputs_, static_cast<std::int16_t>(factor));
      west_weight_ =
          std::clamp(west_weight_ + ((west_ * static_cast<std::int32_t>(factor) + (1 << 15)) >> 16),
                     -32768, 32767);
    }
    void end() {
      weights_.store(filter_.weights_);
      filter_.west_weight_ = west_weight_;
    }

   private:
    ErrorFilter& filter_;
    std::int64_t gain_;
    const std::int16_t* next_;
    Int16Lanes weights_;
    std::int32_t west_weight_;
    Int16Lanes inputs_;
    std::int32_t west_ = 0;
    std::int64_t predicted_ = 0;
  };

 private:
  static constexpr std::int64_t kStep = std::int64_t{1} << 33, kMaxGain = 1 << 19;

  // One over the mean energy of the inputs.
  void set_gain(std::size_t n) {
    std::int64_t energy = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const Int16Lanes lanes = Int16Lanes::load(&inputs_[k * kLanes]);
      energy += dot(lanes, lanes);  // below 2^26
    }
    gain_ = std::min(kMaxGain, kStep / (energy / static_cast<std::int64_t>(n) + 16));
  }

  std::vector<std::int16_t> inputs_;  // kLanes per sample
  std::int16_t weights_[kLanes] = {};
  std::int32_t west_weight_ = 0;
  std::int64_t gain_ = 0;
};

}  // namespace hyspec::bounded
