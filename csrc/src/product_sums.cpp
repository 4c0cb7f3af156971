#include "product_sums.hpp"

#include <algorithm>

#include "wide_registers.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#if HYSPEC_HAS_WIDE
#include <immintrin.h>
#endif

namespace hyspec::bounded {
namespace {

// So many products can be summed in eight or four int32 before they are added up.
constexpr std::size_t kRun = 128;
constexpr std::size_t kTogether = 4;

#if defined(__SSE2__)

inline std::int64_t sum(__m128i s) {
  alignas(16) std::int32_t v[4];
  _mm_store_si128(reinterpret_cast<__m128i*>(v), s);
  return std::int64_t{v[0]} + v[1] + v[2] + v[3];
}

void add_four(const std::int16_t* a, const std::int16_t* const* b, std::size_t n,
              std::int64_t* sums) {
  const auto load = [](const std::int16_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  };
  for (std::size_t begin = 0; begin < n; begin += kRun) {
    const std::size_t end = std::min(n, begin + kRun);
    __m128i s0 = _mm_setzero_si128(), s1 = s0, s2 = s0, s3 = s0;
    for (std::size_t i = begin; i < end; i += 8) {
      const __m128i v = load(a + i);
      s0 = _mm_add_epi32(s0, _mm_madd_epi16(v, load(b[0] + i)));
      s1 = _mm_add_epi32(s1, _mm_madd_epi16(v, load(b[1] + i)));
      s2 = _mm_add_epi32(s2, _mm_madd_epi16(v, load(b[2] + i)));
      s3 = _mm_add_epi32(s3, _mm_madd_epi16(v, load(b[3] + i)));
    }
    sums[0] += sum(s0);
    sums[1] += sum(s1);
    sums[2] += sum(s2);
    sums[3] += sum(s3);
  }
}

#else

void add_four(const std::int16_t* a, const std::int16_t* const* b, std::size_t n,
              std::int64_t* sums) {
  for (std::size_t k = 0; k < kTogether; ++k)
    for (std::size_t begin = 0; begin < n; begin += kGroup) {
      std::int32_t s = 0;
      for (std::size_t i = begin; i < begin + kGroup; ++i) s += a[i] * b[k][i];
      sums[k] += s;
    }
}

#endif

#if HYSPEC_HAS_WIDE

[[HYSPEC_WIDE]] void add_four_wide(const std::int16_t* a, const std::int16_t* const* b,
                                   std::size_t n, std::int64_t* sums) {
  for (std::size_t begin = 0; begin < n; begin += 2 * kRun) {
    const std::size_t end = std::min(n, begin + 2 * kRun);
    __m256i s[kTogether] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                            _mm256_setzero_si256()};
    for (std::size_t i = begin; i < end; i += 16) {
      const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
      for (std::size_t k = 0; k < kTogether; ++k)
        s[k] = _mm256_add_epi32(
            s[k],
            _mm256_madd_epi16(v, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b[k] + i))));
    }
    for (std::size_t k = 0; k < kTogether; ++k) {
      alignas(32) std::int32_t v[8];
      _mm256_store_si256(reinterpret_cast<__m256i*>(v), s[k]);
      for (const std::int32_t part : v) sums[k] += part;
    }
  }
}

auto fastest() { return has_wide_registers() ? add_four_wide : add_four; }

#else

auto fastest() { return add_four; }

#endif

}  // namespace

void add_products(const std::int16_t* a, Span<const std::int16_t* const> rows, std::size_t count,
                  std::int64_t* sums) {
  static const auto add = fastest();
  const std::size_t n = padded(count);
  std::size_t k = 0;
  for (; k + kTogether <= rows.size(); k += kTogether) add(a, rows.data() + k, n, sums + k);
  if (k == rows.size()) return;
  const std::int16_t* last[kTogether];
  std::int64_t parts[kTogether] = {};
  for (std::size_t j = 0; j < kTogether; ++j) last[j] = rows[std::min(k + j, rows.size() - 1)];
  add(a, last, n, parts);
  for (std::size_t j = k; j < rows.size(); ++j) sums[j] += parts[j - k];
}

}  // namespace hyspec::bounded
