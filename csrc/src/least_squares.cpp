#include "least_squares.hpp"

#include "avx2.hpp"

namespace hyspec::bounded {

struct LeastSquaresLoops {
  static constexpr double kLeastPivot = 0.5, kInsteadOfSmall = 0x1p100;
  static constexpr std::size_t kTogether = 4;

  static HYSPEC_INLINE void eliminate(LeastSquares& s, std::size_t j, std::size_t n) {
    const double pivot = s.matrix_[j][j];
    s.inverse_[j] = 1.0 / (pivot > kLeastPivot ? pivot : kInsteadOfSmall);
    // Rows are worked on in whole groups: factors of zero change nothing left of them, and nobody
    // looks at what is right of the diagonal.
    const std::size_t from = (j + 1) / kTogether * kTogether;
    for (std::size_t i = from; i <= j; ++i) s.column_[i] = 0.0;
    for (std::size_t i = j + 1; i < n; ++i) s.column_[i] = s.matrix_[i][j];
    for (std::size_t i = j + 1; i < n; ++i) {
      const double factor = s.column_[i] * s.inverse_[j];
      double* const row = s.matrix_[i];
      for (std::size_t k = from; k <= i; k += kTogether)
        for (std::size_t part = 0; part < kTogether; ++part)
          row[k + part] -= factor * s.column_[k + part];
      row[j] = factor;
      s.side_[i] -= factor * s.side_[j];
    }
  }

  static HYSPEC_INLINE void solve(LeastSquares& s, std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) eliminate(s, j, n);
    for (std::size_t i = 0; i < n; ++i) s.side_[i] *= s.inverse_[i];
    for (std::size_t i = n; i-- > 1;) {
      const double x = s.side_[i];
      for (std::size_t k = 0; k < i; ++k) s.side_[k] -= s.matrix_[i][k] * x;
    }
  }
};

namespace {

void solve_anywhere(LeastSquares& s, std::size_t n) { LeastSquaresLoops::solve(s, n); }
#if defined(HYSPEC_HAS_AVX2)
HYSPEC_AVX2 void solve_avx2(LeastSquares& s, std::size_t n) { LeastSquaresLoops::solve(s, n); }
auto fastest() { return has_avx2() ? solve_avx2 : solve_anywhere; }
#else
auto fastest() { return solve_anywhere; }
#endif

}  // namespace

void LeastSquares::solve(std::size_t n) {
  static const auto fast = fastest();
  fast(*this, n);
}

}  // namespace hyspec::bounded
