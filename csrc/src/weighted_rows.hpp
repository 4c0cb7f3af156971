// Sums of weighted rows: the part of a prediction that a whole row does at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hyspec/span.hpp"

namespace hyspec::bounded {

// out[x] += sum over k of weights[k] * rows[k][x] for x < count, of whole numbers whose sums are
// exact.
void add_weighted(Span<const std::int32_t* const> rows, const double* weights, std::size_t count,
                  double* out);
void add_weighted(Span<const std::int64_t* const> rows, const std::int64_t* weights,
                  std::size_t count, std::int64_t* out);

}  // namespace hyspec::bounded
