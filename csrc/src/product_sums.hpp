// Sums of products of rows of int16: what least squares spend their time on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hyspec/span.hpp"

namespace hyspec::bounded {

// Largest magnitude of the factors: sums of 32 products fit int32.
constexpr std::int32_t kMaxFactor = 8191;
// Rows are read in groups of so many.
constexpr std::size_t kGroup = 16;

constexpr std::size_t padded(std::size_t count) { return (count + kGroup - 1) / kGroup * kGroup; }

// sums[k] += sum over i < padded(count) of a[i] * rows[k][i]. `a` is zero from count on.
void add_products(const std::int16_t* a, Span<const std::int16_t* const> rows, std::size_t count,
                  std::int64_t* sums);

}  // namespace hyspec::bounded
