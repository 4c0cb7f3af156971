// Sixteen int16 that are worked on together, with the vector instructions of x86-64 where there are
// any. Both forms compute the same integers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace hyspec {

constexpr std::size_t kLanes = 16;

#if defined(__SSE2__)

namespace detail {
inline __m128i load(const std::int16_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline void store(std::int16_t* p, __m128i v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
}
// Sum of four int32 that fits one.
inline std::int32_t sum(__m128i s) {
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}
// (x * factor + 2^15) >> 16
inline __m128i scaled(__m128i x, __m128i factor) {
  return _mm_add_epi16(_mm_mulhi_epi16(x, factor), _mm_srli_epi16(_mm_mullo_epi16(x, factor), 15));
}
inline __m128i approached(__m128i c, __m128i target, __m128i rate) {
  return _mm_add_epi16(c, _mm_sra_epi16(_mm_sub_epi16(target, c), rate));
}
}  // namespace detail

struct Int16Lanes {
  __m128i low, high;

  static Int16Lanes load(const std::int16_t* p) { return {detail::load(p), detail::load(p + 8)}; }
  void store(std::int16_t* p) const {
    detail::store(p, low);
    detail::store(p + 8, high);
  }
};

inline std::int32_t dot(const Int16Lanes& x, const Int16Lanes& y) {
  return detail::sum(_mm_add_epi32(_mm_madd_epi16(x.low, y.low), _mm_madd_epi16(x.high, y.high)));
}

inline Int16Lanes moved(const Int16Lanes& w, const Int16Lanes& x, std::int16_t factor) {
  const __m128i f = _mm_set1_epi16(factor);
  return {_mm_adds_epi16(w.low, detail::scaled(x.low, f)),
          _mm_adds_epi16(w.high, detail::scaled(x.high, f))};
}

inline void approach(std::int16_t* c, const std::int16_t* target, int rate) {
  const Int16Lanes x = Int16Lanes::load(c), t = Int16Lanes::load(target);
  const __m128i r = _mm_cvtsi32_si128(rate);
  Int16Lanes{detail::approached(x.low, t.low, r), detail::approached(x.high, t.high, r)}.store(c);
}

inline std::size_t count_averages_up_to(const std::int16_t* a, const std::int16_t* b,
                                        const std::int16_t* c, const std::int16_t* d,
                                        std::uint32_t limit) {
  const __m128i most = _mm_set1_epi16(static_cast<std::int16_t>(limit));
  const auto up_to = [&](std::size_t i) {
    const __m128i first = _mm_add_epi16(detail::load(a + i), detail::load(b + i));
    const __m128i second = _mm_add_epi16(detail::load(c + i), detail::load(d + i));
    const __m128i excess = _mm_subs_epu16(_mm_avg_epu16(first, second), most);
    return _mm_cmpeq_epi16(excess, _mm_setzero_si128());
  };
  // Averages rise, so the ones come first.
  const auto found =
      static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(up_to(0), up_to(8)))) + 1;
  std::size_t count = 0;
  for (unsigned part = 16; part > 0; part /= 2)
    if (found >> (count + part) != 0) count += part;
  return count;
}

#else

struct Int16Lanes {
  std::int16_t lane[kLanes];

  static Int16Lanes load(const std::int16_t* p) {
    Int16Lanes r;
    std::copy_n(p, kLanes, r.lane);
    return r;
  }
  void store(std::int16_t* p) const { std::copy_n(lane, kLanes, p); }
};

// Sum of products; the caller guarantees that it fits.
inline std::int32_t dot(const Int16Lanes& x, const Int16Lanes& y) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < kLanes; ++i) sum += x.lane[i] * y.lane[i];
  return sum;
}

// w + ((x * factor + 2^15) >> 16), held within int16.
inline Int16Lanes moved(const Int16Lanes& w, const Int16Lanes& x, std::int16_t factor) {
  Int16Lanes r;
  for (std::size_t i = 0; i < kLanes; ++i)
    r.lane[i] = static_cast<std::int16_t>(
        std::clamp(w.lane[i] + ((x.lane[i] * factor + (1 << 15)) >> 16), -32768, 32767));
  return r;
}

// c + ((target - c) >> rate); the caller guarantees that differences fit int16.
inline void approach(std::int16_t* c, const std::int16_t* target, int rate) {
  for (std::size_t i = 0; i < kLanes; ++i)
    c[i] = static_cast<std::int16_t>(c[i] + ((target[i] - c[i]) >> rate));
}

// How many of sixteen averages, (a + b + c + d + 1) >> 1, are at most `limit`, which is less than
// 2^16. Averages do not fall, and are less than 2^16, too.
inline std::size_t count_averages_up_to(const std::int16_t* a, const std::int16_t* b,
                                        const std::int16_t* c, const std::int16_t* d,
                                        std::uint32_t limit) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kLanes; ++i)
    count += (a[i] + b[i] + c[i] + d[i] + 1) >> 1 <= static_cast<std::int32_t>(limit) ? 1 : 0;
  return count;
}

#endif

// out[16 k + i] = rows[i][k] for i < 16, k < n.
inline void interleave(const std::int16_t* const* rows, std::size_t n, std::int16_t* out) {
  std::size_t k = 0;
#if defined(__SSE2__)
  // Eight rows by eight columns: pairs, then fours, then eights of neighbouring rows.
  for (; k + 8 <= n; k += 8)
    for (std::size_t half = 0; half < kLanes; half += 8) {
      __m128i a[8], b[8];
      for (std::size_t i = 0; i < 8; ++i) a[i] = detail::load(rows[half + i] + k);
      for (std::size_t i = 0; i < 4; ++i) {
        b[i] = _mm_unpacklo_epi16(a[2 * i], a[2 * i + 1]);
        b[i + 4] = _mm_unpackhi_epi16(a[2 * i], a[2 * i + 1]);
      }
      for (std::size_t i = 0; i < 4; ++i) {
        a[2 * i] = _mm_unpacklo_epi32(b[2 * i], b[2 * i + 1]);
        a[2 * i + 1] = _mm_unpackhi_epi32(b[2 * i], b[2 * i + 1]);
      }
      // a[0..3]: columns 0 and 1, 2 and 3, of rows 0 to 3, then of rows 4 to 7; a[4..7]: the rest.
      for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t part = 0; part < 2; ++part) {
          const __m128i upper = a[4 * i + part], lower = a[4 * i + 2 + part];
          std::int16_t* const at = out + (k + 4 * i + 2 * part) * kLanes + half;
          detail::store(at, _mm_unpacklo_epi64(upper, lower));
          detail::store(at + kLanes, _mm_unpackhi_epi64(upper, lower));
        }
    }
#endif
  for (; k < n; ++k)
    for (std::size_t i = 0; i < kLanes; ++i) out[kLanes * k + i] = rows[i][k];
}

}  // namespace hyspec
