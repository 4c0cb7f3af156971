// Blocks of 64 coefficients (CCSDS 122.0-B-2, 4.1) and the order of their AC coefficients.
//
// AC coefficient 0 to 62 of a block are, in the order of 4.5.4.2: parents p0 p1 p2, children C0 C1
// C2 of four each, grandchildren H00 H01 H02 H03 H10 ... H23 of four each. Sets of them are masks
// in which coefficient i has bit 62 - i, so that a group read as a number has its first
// coefficient as most significant bit, as words are written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ccsds122/parameters.hpp"

namespace ccsds122 {

constexpr unsigned kAc = 63;
constexpr unsigned kFamilies = 3;
constexpr std::size_t kGaggle = 16;

using Mask = std::uint64_t;

constexpr Mask bit_of(unsigned coefficient) { return Mask{1} << (62 - coefficient); }

// Parents, as a number of three bits: mask >> kParentShift.
constexpr unsigned kParentShift = 60;
// Group 0 to 2 are C0 to C2, group 3 + 4 i + j is Hij: (mask >> group_shift(group)) & 15.
constexpr unsigned group_shift(unsigned group) { return 56 - 4 * group; }
constexpr unsigned grandchild_group(unsigned family, unsigned j) { return 3 + 4 * family + j; }

constexpr Mask kAllAc = (Mask{1} << kAc) - 1;
constexpr Mask kParents = Mask{7} << kParentShift;
constexpr Mask kDescendants = kAllAc & ~kParents;                                             // B
constexpr Mask children(unsigned family) { return Mask{15} << group_shift(family); }          // Ci
constexpr Mask grandchildren(unsigned family) { return Mask{0xFFFF} << (32 - 16 * family); }  // Gi
constexpr Mask descendants(unsigned family) {                                                 // Di
  return children(family) | grandchildren(family);
}

// Where an AC coefficient of the block of LL3 coefficient (r, c) lies in a transformed plane
// (tables 4-1 and 4-2, figure 4-1): at row scale * r + row and column scale * c + col of the
// subband, which begins at row `down * (rows >> level)` and column `right * (cols >> level)`.
struct Place {
  Subband subband;
  std::uint8_t level, scale, row, col, down, right;
};

using Places = std::array<Place, kAc>;
const Places& places();

// The coefficients whose bit in plane b is not zero by weighting alone: type 0, 1 or 2, not -1.
Mask available(const Shifts& shifts, unsigned plane);

}  // namespace ccsds122
