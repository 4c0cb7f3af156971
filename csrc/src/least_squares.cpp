#include "least_squares.hpp"

#include "wide_registers.hpp"

namespace hyspec::bounded {

namespace {
constexpr double kLeastPivot = 0.5, kInsteadOfSmall = 0x1p100;
constexpr std::size_t kTogether = 4;
}  // namespace

void LeastSquares::eliminate(std::size_t j, std::size_t n) {
  const double pivot = matrix_[j][j];
  inverse_[j] = 1.0 / (pivot > kLeastPivot ? pivot : kInsteadOfSmall);
  // Rows are worked on in whole groups: factors of zero change nothing left of them, and nobody
  // looks at what is right of the diagonal.
  const std::size_t from = (j + 1) / kTogether * kTogether;
  for (std::size_t i = from; i <= j; ++i) column_[i] = 0.0;
  for (std::size_t i = j + 1; i < n; ++i) column_[i] = matrix_[i][j];
  for (std::size_t i = j + 1; i < n; ++i) {
    const double factor = column_[i] * inverse_[j];
    double* const row = matrix_[i];
    for (std::size_t k = from; k <= i; k += kTogether)
      for (std::size_t part = 0; part < kTogether; ++part)
        row[k + part] -= factor * column_[k + part];
    row[j] = factor;
    side_[i] -= factor * side_[j];
  }
}

void LeastSquares::solve_all(std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) eliminate(j, n);
  for (std::size_t i = 0; i < n; ++i) side_[i] *= inverse_[i];
  for (std::size_t i = n; i-- > 1;) {
    const double x = side_[i];
    for (std::size_t k = 0; k < i; ++k) side_[k] -= matrix_[i][k] * x;
  }
}

[[gnu::flatten, HYSPEC_WIDE]] void LeastSquares::wide_solve_all(std::size_t n) { solve_all(n); }

void LeastSquares::solve(std::size_t n) { has_wide_registers() ? wide_solve_all(n) : solve_all(n); }

}  // namespace hyspec::bounded
