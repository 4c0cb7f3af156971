// What parts 2, 3 and 4 of a segment header say (CCSDS 122.0-B-2, 4.2.3 to 4.2.5).
#pragma once

#include <array>
#include <cstdint>

namespace ccsds122 {

// Order of the weights in part 4.
enum Subband { kHH1, kHL1, kLH1, kHH2, kHL2, kLH2, kHH3, kHL3, kLH3, kLL3, kSubbands };

using Shifts = std::array<std::uint8_t, kSubbands>;

// Weight 2^shift of each subband of the integer transform (table 3-4).
constexpr Shifts kStandardShifts{0, 1, 1, 1, 2, 2, 2, 3, 3, 3};

constexpr std::uint32_t kMaxSegmentBytes = 1u << 27;
constexpr std::uint32_t kMaxSegmentBlocks = 1u << 20;
constexpr std::uint32_t kMaxWidth = 1u << 20;
constexpr std::uint32_t kMinSide = 17;

struct Parameters {
  // Part 2: where a coded segment ends.
  std::uint32_t segment_bytes = kMaxSegmentBytes;  // SegByteLimit, header included
  bool dc_stop = false;
  unsigned bit_plane_stop = 0;
  unsigned stage_stop = 4;  // 1 to 4
  bool use_fill = false;
  // Part 3.
  std::uint32_t segment_blocks = kMaxSegmentBlocks;  // S; 0: not known
  bool optimal_dc = true;
  bool optimal_ac = true;
  // Part 4.
  bool integer_transform = false;
  bool signed_pixels = false;
  unsigned bit_depth = 16;
  std::uint32_t width = 0;  // of the image as coded, before any transposition; 0: not known
  bool transpose = false;
  unsigned word_bytes = 1;
  bool custom_weights = false;
  Shifts custom_shifts{};

  // BitShift of each subband: zero throughout for the float transform (4.1).
  Shifts shifts() const {
    if (!integer_transform) return Shifts{};
    return custom_weights ? custom_shifts : kStandardShifts;
  }
  std::uint32_t blocks_across() const { return (width + 7) / 8; }
};

// Throws std::invalid_argument where the standard does not allow these parameters.
void check(const Parameters& parameters);

}  // namespace ccsds122
