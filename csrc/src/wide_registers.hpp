// Functions that are compiled twice, for the plainest processors and for those with registers of
// 256 bits, of which a program chooses when it runs. Both do the same operations, and those on
// floating-point numbers in the same order, so that they give the same results.
#pragma once

#if defined(__GNUC__) && defined(__x86_64__)
#define HYSPEC_HAS_WIDE 1
#define HYSPEC_WIDE gnu::target("avx2,bmi,bmi2")
#else
#define HYSPEC_HAS_WIDE 0
#define HYSPEC_WIDE
#endif

namespace hyspec {

// Whether this processor runs what is marked HYSPEC_WIDE.
inline bool has_wide_registers() {
#if HYSPEC_HAS_WIDE
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                          __builtin_cpu_supports("bmi2");
  return has;
#else
  return false;
#endif
}

}  // namespace hyspec
