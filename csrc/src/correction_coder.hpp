// Codes how often the grid of an error limit separates samples from their reconstruction: zero
// nearly everywhere, and where it is not, other corrections are near (docs/bounded_profile.md,
// section 12).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "hyspec/adaptive_bit.hpp"
#include "hyspec/logistic.hpp"
#include "hyspec/span.hpp"
#include "latent_classes.hpp"
#include "latent_magnitude.hpp"
#include "wide_mixed_bit.hpp"

namespace hyspec::bounded {

// Largest magnitude of a correction, so that its product with a step of 32 bits has 63.
constexpr std::int64_t kMostCorrection = (std::int64_t{1} << 30) - 1;

class CorrectionCoder {
 public:
  CorrectionCoder(std::size_t rows, std::size_t columns)
      : rows_(rows),
        columns_(columns),
        stride_(columns + 2 * kMargin),
        magnitudes_(kBands, std::vector<std::uint8_t>((rows + 2 * kMargin) * stride_)),
        signs_(2, std::vector<std::int8_t>((rows + 2 * kMargin) * stride_)),
        history_((rows + 2 * kMargin) * stride_) {}

  // One band, row after row; those that are not valid (empty: all are) come back as 0.
  template <class MixedBit, class Bits>
  void code(Bits& bits, Span<std::int32_t> corrections, Span<const std::uint8_t> valid) {
    const bool some =
        std::any_of(corrections.begin(), corrections.end(), [](std::int32_t c) { return c != 0; });
    if (!lone(bits, any_, some)) {
      std::fill(corrections.begin(), corrections.end(), 0);
      return;
    }
    std::rotate(magnitudes_.rbegin(), magnitudes_.rbegin() + 1, magnitudes_.rend());
    std::rotate(signs_.rbegin(), signs_.rbegin() + 1, signs_.rend());
    std::fill(magnitudes_[0].begin(), magnitudes_[0].end(), std::uint8_t{0});
    std::fill(signs_[0].begin(), signs_[0].end(), std::int8_t{0});
    Bits local = bits;
    for (std::size_t y = 0; y < rows_; ++y)
      for (std::size_t x = 0; x < columns_; ++x) {
        const std::size_t i = y * columns_ + x;
        if (!valid.empty() && valid[i] == 0)
          corrections[i] = 0;
        else
          corrections[i] =
              sample<MixedBit>(local, (y + kMargin) * stride_ + x + kMargin, corrections[i]);
      }
    bits = local;
  }

 private:
  static constexpr std::size_t kMargin = 2, kBands = 3;
  static constexpr std::size_t kClasses = 24, kPatterns = 1024, kMagnitudes = 15;
  static constexpr std::uint8_t kLargest = 100;
  static constexpr std::uint32_t kLeast = 16;

  // Contexts of a bit and the weights that mix them.
  struct Model {
    std::array<std::vector<Slot>, kPairSlots> slots;
    std::vector<PairWeights> first, second;

    explicit Model(const std::array<std::size_t, kPairSlots>& sizes) {
      constexpr std::int32_t kStart = 65536 * 3 / 10;
      for (std::size_t k = 0; k < kPairSlots; ++k) slots[k].assign(sizes[k], Slot{2048, 0});
      PairWeights start;
      std::fill(start.begin(), start.end() - 1, kStart);
      first.assign(kClasses, start);
      second.assign(kClasses, start);
    }
  };

  static std::size_t class_of(std::int64_t value) {
    return latent::index(latent::class_of(value, static_cast<std::int32_t>(kClasses) - 1));
  }

  template <class Bits>
  static bool lone(Bits& bits, Slot& slot, bool value) {
    const bool bit =
        bits.bit(std::clamp<std::uint32_t>(slot.probability, kLeast, 65536 - kLeast), value);
    update(slot, bit, kLoneLimit);
    return bit;
  }

  template <class MixedBit, class Bits>
  bool mixed(Bits& bits, Model& model, const std::array<std::size_t, kPairSlots>& at,
             std::size_t first, std::size_t second, bool value) {
    const std::array<Slot*, kPairSlots> slots{&model.slots[0][at[0]], &model.slots[1][at[1]],
                                              &model.slots[2][at[2]], &model.slots[3][at[3]]};
    MixedBit bit(tables_, slots, model.first[first], model.second[second]);
    const bool found = bits.bit(bit.probability(), value);
    bit.learn(found);
    return found;
  }

  template <class MixedBit, class Bits>
  std::int32_t sample(Bits& bits, std::size_t i, std::int32_t value) {
    std::uint8_t* const a = magnitudes_[0].data() + i;
    const std::uint8_t *const b = magnitudes_[1].data() + i, *const c = magnitudes_[2].data() + i;
    const auto s = static_cast<std::ptrdiff_t>(stride_);
    const int near = 3 * (a[-1] + a[-s]) + 2 * (a[-s - 1] + a[-s + 1]) + a[-2] + a[-2 * s];
    const int side = b[-1] + b[1] + b[-s] + b[s];
    const int before = 4 * b[0] + 2 * c[0] + side;
    std::int32_t* const h = history_.data() + i;
    const std::int32_t around = h[-1] + h[1] + h[-s] + h[s];
    const std::size_t rate = class_of(rate_ >> 4), in_band = class_of(near);
    bool some;
    if (near + before == 0 && *h + around < kQuiet) {
      some = lone(bits, quiet_[rate], value != 0);
    } else {
      const std::size_t pattern = flag(a[-1]) | flag(a[-s]) << 1 | flag(a[-s - 1]) << 2 |
                                  flag(a[-s + 1]) << 3 | flag(a[-2]) << 4 | flag(a[-2 * s]) << 5 |
                                  flag(b[0]) << 6 | flag(c[0]) << 7 |
                                  static_cast<std::size_t>(std::min(3, side)) << 8;
      some = mixed<MixedBit>(
          bits, zero_,
          {in_band * kClasses + class_of(before), class_of(*h >> 3) * kClasses + rate, pattern,
           class_of(around >> 4) * kClasses + class_of(near + before)},
          rate, in_band, value != 0);
    }
    std::int32_t result = 0;
    if (some) {
      std::int8_t* const sign = signs_[0].data() + i;
      const std::size_t signs =
          latent::index(9 * (sign[-1] + 1) + 3 * (sign[-s] + 1) + signs_[1][i] + 1);
      const bool minus = lone(bits, signs_models_[signs], value < 0);
      *sign = minus ? -1 : 1;
      const std::size_t of_history = class_of(*h >> 3), of_before = class_of(before);
      const std::int64_t more = latent::code_magnitude(
          bits, 0, latent::magnitude(value) - 1, [&](std::int64_t n, bool larger) {
            const std::size_t k = latent::index(n);
            return mixed<MixedBit>(bits, more_,
                                   {in_band * kMagnitudes + k, of_history * kMagnitudes + k,
                                    of_before * kMagnitudes + k, k},
                                   in_band, std::min<std::size_t>(k, kClasses - 1), larger);
          });
      if (more >= kMostCorrection) throw Error(ErrorCode::kCorrupt, 0, "a correction is too large");
      const auto size = static_cast<std::int32_t>(more + 1);
      result = minus ? -size : size;
      *a = static_cast<std::uint8_t>(std::min<std::int32_t>(size, kLargest));
    }
    *h += ((std::min<std::int32_t>(*a, 8) << 11) - *h) >> 4;
    rate_ += ((std::min<std::int32_t>(*a, 4) << 13) - rate_) >> 8;
    return result;
  }
  static std::size_t flag(std::uint8_t magnitude) { return magnitude > 0 ? 1 : 0; }

  static constexpr std::int32_t kQuiet = 16;

  std::size_t rows_, columns_, stride_;
  // Of the band at hand and those before, with a margin around them.
  std::vector<std::vector<std::uint8_t>> magnitudes_;
  std::vector<std::vector<std::int8_t>> signs_;
  std::vector<std::int32_t> history_;  // mean magnitude at a pixel, over bands, in 1/2048
  std::int32_t rate_ = 0;              // mean magnitude over samples, in 1/8192
  const LogisticTables& tables_ = logistic_tables();
  Model zero_{{kClasses * kClasses, kClasses * kClasses, kPatterns, kClasses * kClasses}};
  Model more_{
      {kClasses * kMagnitudes, kClasses * kMagnitudes, kClasses * kMagnitudes, kMagnitudes}};
  std::array<Slot, kClasses> quiet_ = filled();
  std::array<Slot, 27> signs_models_{};
  Slot any_;

  static std::array<Slot, kClasses> filled() {
    std::array<Slot, kClasses> slots;
    slots.fill(Slot{2048, 0});
    return slots;
  }
};

}  // namespace hyspec::bounded
