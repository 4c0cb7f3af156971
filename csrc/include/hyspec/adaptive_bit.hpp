// Adaptive binary models: probabilities that follow what they have seen, alone or mixed.
//
// A slot is the share of ones seen in one context. Several slots, each of another context, are
// mixed in the logistic domain by weights that learn which of them to trust: M. Mahoney, "Adaptive
// weighing of context models for lossless data compression", Florida Tech. CS-2005-16, 2005.
//
// Integers throughout; docs/entropy_coder.md, section 5, is the normative description.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "hyspec/logistic.hpp"

namespace hyspec {

// Estimate of the probability of a one, out of 65536, and how many bits stand behind it.
struct Slot {
  std::uint16_t probability = 32768;
  std::uint16_t count = 0;
};

// Bits that a slot remembers at most: of a mixed slot, and of one that is used alone.
constexpr unsigned kMixedLimit = 127;
constexpr unsigned kLoneLimit = 255;

namespace detail {
// 65536 / (n + 1.6): how far the n + 1st bit moves a slot.
constexpr std::array<std::int32_t, kLoneLimit + 1> make_rates() {
  std::array<std::int32_t, kLoneLimit + 1> rates{};
  for (std::size_t n = 0; n < rates.size(); ++n)
    rates[n] = static_cast<std::int32_t>(655360 / (10 * n + 16));
  return rates;
}
inline constexpr std::array<std::int32_t, kLoneLimit + 1> kRates = make_rates();
static_assert((-1 >> 1) == -1, "shifts of negative numbers round down");
}  // namespace detail

inline void update(Slot& slot, bool bit, unsigned limit) {
  const std::int32_t target = bit ? 65535 : 0;
  const std::int64_t move =
      std::int64_t{target - slot.probability} * detail::kRates[slot.count] >> 16;
  slot.probability = static_cast<std::uint16_t>(slot.probability + move);
  if (slot.count < limit) slot.count = static_cast<std::uint16_t>(slot.count + 1);
}

// Inputs of a mixer: slots, and a constant one.
constexpr std::size_t kMixedSlots = 7;
using MixerWeights = std::array<std::int32_t, kMixedSlots + 1>;  // 65536 is one
constexpr std::int32_t kMaxMixerWeight = 1 << 24;
constexpr std::int32_t kConstantInput = 64;

// One mixed bit: prepare() gives the probability of a one, learn() takes the bit.
class MixedBit {
 public:
  MixedBit(const LogisticTables& tables, const std::array<Slot*, kMixedSlots>& slots,
           MixerWeights& weights)
      : slots_(slots), weights_(weights) {
    std::int64_t sum = std::int64_t{weights[kMixedSlots]} * kConstantInput;
    for (std::size_t i = 0; i < kMixedSlots; ++i) {
      logits_[i] = stretch(tables, slots[i]->probability);
      sum += std::int64_t{weights[i]} * logits_[i];
    }
    sum >>= 16;
    const auto logit = static_cast<std::int32_t>(sum < -kMaxLogit  ? -kMaxLogit
                                                 : sum > kMaxLogit ? kMaxLogit
                                                                   : sum);
    probability_ = squash(tables, logit);
  }

  std::uint32_t probability() const { return probability_; }

  void learn(bool bit) {
    const std::int32_t error = (bit ? 65536 : 0) - static_cast<std::int32_t>(probability_);
    for (std::size_t i = 0; i <= kMixedSlots; ++i) {
      const std::int32_t input = i < kMixedSlots ? logits_[i] : kConstantInput;
      const std::int32_t moved = weights_[i] + ((input * error + (1 << 13)) >> 14);
      weights_[i] = std::clamp(moved, -kMaxMixerWeight, kMaxMixerWeight);
    }
    for (Slot* const slot : slots_) update(*slot, bit, kMixedLimit);
  }

 private:
  const std::array<Slot*, kMixedSlots>& slots_;
  MixerWeights& weights_;
  std::array<std::int32_t, kMixedSlots> logits_{};
  std::uint32_t probability_ = 0;
};

// Inputs of a bit that is mixed twice, with two sets of weights whose logits are averaged: slots,
// and a constant one.
constexpr std::size_t kPairSlots = 4;
// Their weights, 65536 is one, and zeros, so that a set is one wide register.
struct alignas(32) PairWeights {
  std::array<std::int32_t, 8> lanes{};

  std::int32_t* begin() noexcept { return lanes.data(); }
  std::int32_t* end() noexcept { return lanes.data() + kPairSlots + 1; }
  const std::int32_t* begin() const noexcept { return lanes.data(); }
  const std::int32_t* end() const noexcept { return lanes.data() + kPairSlots + 1; }
};

// One bit that is mixed twice (section 5.4): probability() is that of a one, learn() takes the bit.
class TwiceMixedBit {
 public:
  TwiceMixedBit(const LogisticTables& tables, const std::array<Slot*, kPairSlots>& slots,
                PairWeights& first, PairWeights& second)
      : tables_(tables), slots_(slots), first_(first), second_(second) {
    for (std::size_t i = 0; i < kPairSlots; ++i)
      logits_[i] = stretch(tables, slots[i]->probability);
    logits_[kPairSlots] = kConstantInput;
    of_first_ = mixed(first);
    of_second_ = mixed(second);
    probability_ = squash(tables, (of_first_ + of_second_) >> 1);
  }

  std::uint32_t probability() const { return probability_; }

  void learn(bool bit) {
    const std::int32_t target = bit ? 65536 : 0;
    adapt(first_, target - static_cast<std::int32_t>(squash(tables_, of_first_)));
    adapt(second_, target - static_cast<std::int32_t>(squash(tables_, of_second_)));
    for (Slot* const slot : slots_) update(*slot, bit, kMixedLimit);
  }

 private:
  std::int32_t mixed(const PairWeights& weights) const {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i <= kPairSlots; ++i)
      sum += std::int64_t{weights.lanes[i]} * logits_[i];
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(sum >> 16, -kMaxLogit, kMaxLogit));
  }

  void adapt(PairWeights& weights, std::int32_t error) const {
    for (std::size_t i = 0; i <= kPairSlots; ++i) {
      const std::int32_t moved = weights.lanes[i] + ((logits_[i] * error + (1 << 15)) >> 16);
      weights.lanes[i] = std::clamp(moved, -kMaxMixerWeight, kMaxMixerWeight);
    }
  }

  const LogisticTables& tables_;
  const std::array<Slot*, kPairSlots>& slots_;
  PairWeights& first_;
  PairWeights& second_;
  std::array<std::int32_t, kPairSlots + 1> logits_{};
  std::int32_t of_first_, of_second_;
  std::uint32_t probability_;
};

}  // namespace hyspec
