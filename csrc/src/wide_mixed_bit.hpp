// TwiceMixedBit for processors with wide registers: the same numbers, several at a time.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "hyspec/adaptive_bit.hpp"
#include "wide_registers.hpp"

#if HYSPEC_HAS_WIDE
#include <immintrin.h>

namespace hyspec {

class WideMixedBit {
 public:
  [[HYSPEC_WIDE]] WideMixedBit(const LogisticTables& tables,
                               const std::array<Slot*, kPairSlots>& slots, PairWeights& first,
                               PairWeights& second)
      : tables_(tables), slots_(slots), first_(first), second_(second) {
    const auto logit = [&](std::size_t i) {
      return static_cast<std::int16_t>(stretch(tables, slots[i]->probability));
    };
    __m128i logits = _mm_insert_epi16(_mm_setzero_si128(), logit(3), 3);
    logits = _mm_insert_epi16(logits, logit(0), 0);
    logits = _mm_insert_epi16(logits, logit(2), 2);
    logits = _mm_insert_epi16(logits, logit(1), 1);
    inputs_ = _mm_cvtepi16_epi32(logits);
    // Products have up to 36 bits.
    const __m256i inputs = _mm256_cvtepi16_epi64(logits);
    const __m256i a = _mm256_mul_epi32(inputs, four(first)),
                  b = _mm256_mul_epi32(inputs, four(second));
    const __m256i pairs =
        _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    const __m128i constant =
        _mm_mul_epi32(_mm_insert_epi32(_mm_cvtsi32_si128(first.lanes[4]), second.lanes[4], 2),
                      _mm_set1_epi64x(kConstantInput));
    const __m128i sums = _mm_add_epi64(_mm_add_epi64(_mm256_castsi256_si128(pairs), constant),
                                       _mm256_extracti128_si256(pairs, 1));
    // Their 65536th has 32 bits.
    const __m128i mixed =
        _mm_min_epi32(_mm_max_epi32(_mm_srli_epi64(sums, 16), _mm_set1_epi32(-kMaxLogit)),
                      _mm_set1_epi32(kMaxLogit));
    of_first_ = _mm_cvtsi128_si32(mixed);
    of_second_ = _mm_extract_epi32(mixed, 2);
    probability_ = squash(tables, (of_first_ + of_second_) >> 1);
  }

  std::uint32_t probability() const { return probability_; }

  [[HYSPEC_WIDE]] void learn(bool bit) {
    const std::int32_t target = bit ? 65536 : 0;
    const __m256i inputs = _mm256_inserti128_si256(_mm256_castsi128_si256(inputs_),
                                                   _mm_setr_epi32(kConstantInput, 0, 0, 0), 1);
    adapt(first_, inputs, target - static_cast<std::int32_t>(squash(tables_, of_first_)));
    adapt(second_, inputs, target - static_cast<std::int32_t>(squash(tables_, of_second_)));
    update_slots(bit);
  }

 private:
  [[HYSPEC_WIDE]] static __m256i four(const PairWeights& weights) {
    return _mm256_cvtepi32_epi64(
        _mm_load_si128(reinterpret_cast<const __m128i*>(weights.lanes.data())));
  }

  [[HYSPEC_WIDE]] static void adapt(PairWeights& weights, __m256i inputs, std::int32_t error) {
    auto* const lanes = reinterpret_cast<__m256i*>(weights.lanes.data());
    const __m256i product = _mm256_mullo_epi32(inputs, _mm256_set1_epi32(error));
    const __m256i move =
        _mm256_srai_epi32(_mm256_add_epi32(product, _mm256_set1_epi32(1 << 15)), 16);
    const __m256i moved = _mm256_add_epi32(_mm256_load_si256(lanes), move);
    _mm256_store_si256(
        lanes, _mm256_min_epi32(_mm256_max_epi32(moved, _mm256_set1_epi32(-kMaxMixerWeight)),
                                _mm256_set1_epi32(kMaxMixerWeight)));
  }

  // update() of the four slots, in the distance of each from the bit, which shrinks.
  [[HYSPEC_WIDE]] void update_slots(bool bit) const {
    const __m128i slots = _mm_setr_epi32(load(0), load(1), load(2), load(3));
    const __m128i count = _mm_srli_epi32(slots, 16);
    const __m128i side = _mm_set1_epi32(bit ? 0xffff : 0);
    const __m128i apart = _mm_xor_si128(_mm_blend_epi16(slots, _mm_setzero_si128(), 0xaa), side);
    const __m128i rates = _mm_i32gather_epi32(detail::kRates.data(), count, 4);
    // Moves round down, away from a one and towards a zero.
    const __m128i product =
        _mm_add_epi32(_mm_mullo_epi32(apart, rates), _mm_set1_epi32(bit ? 0 : 0xffff));
    const __m128i left = _mm_xor_si128(_mm_sub_epi32(apart, _mm_srli_epi32(product, 16)), side);
    const __m128i counted =
        _mm_sub_epi32(count, _mm_cmplt_epi32(count, _mm_set1_epi32(kMixedLimit)));
    const __m128i found = _mm_or_si128(left, _mm_slli_epi32(counted, 16));
    store(0, _mm_cvtsi128_si32(found));
    store(1, _mm_extract_epi32(found, 1));
    store(2, _mm_extract_epi32(found, 2));
    store(3, _mm_extract_epi32(found, 3));
  }
  std::int32_t load(std::size_t i) const {
    std::int32_t both;
    std::memcpy(&both, static_cast<const void*>(slots_[i]), sizeof both);
    return both;
  }
  void store(std::size_t i, std::int32_t both) const {
    std::memcpy(static_cast<void*>(slots_[i]), &both, sizeof both);
  }

  static_assert(sizeof(Slot) == 4 && kPairSlots == 4);

  const LogisticTables& tables_;
  const std::array<Slot*, kPairSlots>& slots_;
  PairWeights& first_;
  PairWeights& second_;
  __m128i inputs_;
  std::int32_t of_first_, of_second_;
  std::uint32_t probability_;
};

}  // namespace hyspec
#else
namespace hyspec {
using WideMixedBit = TwiceMixedBit;
}
#endif
