// Section 4: samples to mapped quantiser indices and back.
#pragma once

#include <cstdint>
#include <vector>

#include "ccsds123/parameters.hpp"

namespace ccsds123 {

// Both functions work in place on values in the order of `plane_index`. A sample is held as the low
// 32 bits of its two's complement representation. `p` is valid.

// Where the value of band z in row y and column x is: line by line, within a row band by band.
inline std::size_t plane_index(const Parameters& p, std::uint32_t y, std::uint32_t x,
                               std::uint32_t z) noexcept {
  return (std::size_t{y} * p.bands + z) * p.columns + x;
}

// Replaces every sample by its mapped quantiser index. The samples are within their range.
void predict(const Parameters& p, std::vector<std::uint32_t>& values);

// Replaces every mapped quantiser index, each below 2^D, by the clipped quantiser bin centre of eq.
// (48), which is the sample itself where the error limit is 0. Returns false where an index is one
// that no sample has: the image is damaged.
[[nodiscard]] bool reconstruct(const Parameters& p, std::vector<std::uint32_t>& values);

}  // namespace ccsds123
