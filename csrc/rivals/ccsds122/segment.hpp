// Coded segments (CCSDS 122.0-B-2, section 4): blocks of wavelet coefficients to bytes and back.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ccsds122/header.hpp"
#include "ccsds122/parameters.hpp"

namespace ccsds122 {

// Weighted coefficients of one block: DC, then AC in the order of blocks.hpp.
using Block = std::array<std::int32_t, 64>;

// Estimates of the same.
using BlockEstimate = std::array<double, 64>;

// Codes one segment. `header` says which segment it is and which header parts it has; the bit
// depths are filled in here.
std::vector<std::uint8_t> encode_segment(const std::vector<Block>& blocks, SegmentHeader header,
                                         const Parameters& parameters);

struct DecodedSegment {
  SegmentHeader header;
  std::vector<BlockEstimate> blocks;
  std::size_t bytes = 0;  // that the segment takes, fill included
};

// Decodes the segment at the beginning of the data, which may end before the segment does.
// `parameters` hold what earlier segments said and are brought up to date. Throws StreamError for a
// segment of more than max_blocks blocks and for bytes that no encoder writes.
DecodedSegment decode_segment(const std::uint8_t* data, std::size_t size, Parameters& parameters,
                              std::size_t max_blocks);

// How the DC coefficients of a segment are cut into parts (4.3.1).
struct DcPlanes {
  unsigned quantisation;  // q: planes q and above are coded first
  unsigned bits;          // N of equation 17
  unsigned direct_end;    // planes q - 1 to direct_end follow as they are (4.3.3)
};

inline DcPlanes dc_planes(unsigned depth_dc, unsigned depth_ac, unsigned shift) {
  const int above_half = static_cast<int>(depth_dc) - static_cast<int>(1 + depth_ac / 2);
  unsigned q = 1 + depth_ac / 2;  // table 4-8
  if (depth_dc <= 3) {
    q = 0;
  } else if (above_half <= 1) {
    q = depth_dc - 3;
  } else if (above_half > 10) {
    q = depth_dc - 10;
  }
  q = std::max(q, shift);
  return {q, depth_dc > q ? depth_dc - q : 1, std::max(depth_ac, shift)};
}

// N of equation 21: bits of the number depth_ac, which is at least 2.
inline unsigned depth_bits(unsigned depth_ac) {
  unsigned bits = 0;
  for (; depth_ac != 0; depth_ac >>= 1) ++bits;
  return bits;
}

}  // namespace ccsds122
