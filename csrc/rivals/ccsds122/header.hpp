// Segment headers (CCSDS 122.0-B-2, 4.2).
#pragma once

#include <cstdint>
#include <vector>

#include "ccsds122/bits.hpp"
#include "ccsds122/parameters.hpp"

namespace ccsds122 {

// Part 1.
struct SegmentHeader {
  bool first = false;
  bool last = false;
  std::uint8_t number = 0;  // SegmentCount, modulo 256
  unsigned depth_dc = 1;    // BitDepthDC, 1 to 32
  unsigned depth_ac = 0;    // BitDepthAC, 0 to 31
  bool has_part2 = false;
  bool has_part3 = false;
  bool has_part4 = false;
  unsigned pad_rows = 0;  // part 1B, of the last segment alone
};

constexpr std::size_t kPartBytes = 16;  // parts 2, 3 and 4 together

void write_header(BitWriter& writer, const SegmentHeader& header, const Parameters& parameters);

// Reads a header; parts that are present replace what `parameters` says. Throws StreamError for
// values that the standard does not allow and where the bytes end within the header.
SegmentHeader read_header(BitReader& reader, Parameters& parameters);

// Parts 2, 3 and 4 alone, for use where the segments themselves leave them out (4.2.1.3).
std::vector<std::uint8_t> write_parts(const Parameters& parameters);
Parameters read_parts(const std::uint8_t* data, std::size_t size);

}  // namespace ccsds122
