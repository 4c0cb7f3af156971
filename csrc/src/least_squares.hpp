// Normal equations, solved in double precision in an order that is part of the format
// (docs/bounded_profile.md, section 4.6).
#pragma once

#include <cfloat>
#include <cstddef>
#include <limits>

namespace hyspec::bounded {

static_assert(std::numeric_limits<double>::is_iec559 && FLT_RADIX == 2,
              "double has to be IEEE 754 binary64");
static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1,
              "operations on double have to round to double");

class LeastSquares {
 public:
  static constexpr std::size_t kMost = 48;

  // Of the matrix, the lower triangle: column <= row.
  double& matrix(std::size_t row, std::size_t column) { return matrix_[row][column]; }
  // The right side, which solve() replaces by the solution.
  double& side(std::size_t row) { return side_[row]; }

  // By a decomposition L D L^T without pivoting (G. H. Golub, C. F. Van Loan, Matrix Computations,
  // section 4.1).
  void solve(std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) eliminate(j, n);
    for (std::size_t i = 0; i < n; ++i) side_[i] *= inverse_[i];
    for (std::size_t i = n; i-- > 1;)
      for (std::size_t k = 0; k < i; ++k) side_[k] -= matrix_[i][k] * side_[i];
  }

 private:
  static constexpr double kLeastPivot = 0.5, kInsteadOfSmall = 0x1p100;
  static constexpr std::size_t kTogether = 4;

  void eliminate(std::size_t j, std::size_t n) {
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

  alignas(32) double matrix_[kMost][kMost] = {};
  alignas(32) double side_[kMost] = {}, inverse_[kMost] = {}, column_[kMost] = {};
};

}  // namespace hyspec::bounded
