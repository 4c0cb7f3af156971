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
  void solve(std::size_t n);

 private:
  void eliminate(std::size_t j, std::size_t n);
  void solve_all(std::size_t n);
  void wide_solve_all(std::size_t n);

  alignas(32) double matrix_[kMost][kMost] = {};
  alignas(32) double side_[kMost] = {}, inverse_[kMost] = {}, column_[kMost] = {};
};

}  // namespace hyspec::bounded
