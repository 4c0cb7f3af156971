// Loops that are compiled twice where compiler and processor family allow it: for any machine, and
// for those with 256-bit vectors. Operations and their order are the same in both.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define HYSPEC_HAS_AVX2 1
#define HYSPEC_AVX2 __attribute__((target("avx2")))
#define HYSPEC_INLINE inline __attribute__((always_inline))
#else
#define HYSPEC_INLINE inline
#endif

namespace hyspec {

#if defined(HYSPEC_HAS_AVX2)
inline bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}
#endif

}  // namespace hyspec
