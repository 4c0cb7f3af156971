// The basis of an adaptive spectral transform, as whole numbers.
//
// docs/spectral_profile.md, section 3.4, is the normative description.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/range_coder.hpp"

namespace hyspec {

// Directions, each to a scale of its own. With groups it has two levels: bands that vary are
// transformed group by group first, and rows combine the leading components of all groups.
struct SpectralBasis {
  std::vector<std::int32_t> sizes;    // bands of each group; empty: one level
  std::vector<std::int32_t> counts;   // leading components of each group
  std::vector<std::int32_t> leading;  // of group after group: counts x sizes
  std::uint32_t rows = 0;
  std::vector<std::int32_t> entries;  // rows x width

  // Numbers of a row, where so many bands vary.
  std::size_t width(std::size_t varying) const noexcept;
};

bool operator==(const SpectralBasis& a, const SpectralBasis& b) noexcept;

// Sizes that a tile sets to a basis.
struct BasisLimits {
  std::size_t varying;   // bands that vary
  std::uint64_t pixels;  // of the tile
};

void encode_basis(RangeEncoder& encoder, const SpectralBasis& basis, BasisLimits limits);
// Error(kCorrupt) if the basis does not fit the limits.
SpectralBasis decode_basis(RangeDecoder& decoder, BasisLimits limits);
// Error(kBadArgument) if sizes disagree or do not fit the limits.
void check_basis(const SpectralBasis& basis, BasisLimits limits);

// Checksum of its numbers, continued from `crc`.
std::uint32_t basis_checksum(const SpectralBasis& basis, std::uint32_t crc) noexcept;

}  // namespace hyspec
