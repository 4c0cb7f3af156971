// The three-level two-dimensional 9/7 transforms of CCSDS 122.0-B-2, section 3.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ccsds122 {

// Replaces a plane of rows x cols samples, both multiples of 8 and at least 24, by its subbands in
// the arrangement of figure 3-2: LL3 in the top left corner, HL to the right, LH below.
void forward_float(double* plane, std::size_t rows, std::size_t cols);
void forward_integer(std::int64_t* plane, std::size_t rows, std::size_t cols);

void inverse_float(double* plane, std::size_t rows, std::size_t cols);
void inverse_integer(std::int64_t* plane, std::size_t rows, std::size_t cols);

}  // namespace ccsds122
