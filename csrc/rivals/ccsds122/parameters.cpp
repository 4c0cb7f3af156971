#include "ccsds122/parameters.hpp"

#include <stdexcept>
#include <string>

namespace ccsds122 {
namespace {

void require(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument(message);
}

void within(const char* name, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  require(low <= value && value <= high, std::string(name) + " is " + std::to_string(value) +
                                             ", expected " + std::to_string(low) + " to " +
                                             std::to_string(high));
}

// Table 3-1.
unsigned max_bit_depth(const Parameters& p) {
  if (p.integer_transform) return 25;
  return p.signed_pixels ? 28 : 27;
}

}  // namespace

void check(const Parameters& p) {
  within("word_bytes", p.word_bytes, 1, 8);
  // Parts 1 and 2 of the last segment's header take 9 bytes (4.2.3.2.1); part 1 alone takes 4.
  within("segment_bytes", p.segment_bytes, 4, kMaxSegmentBytes);
  require(p.segment_bytes % p.word_bytes == 0 || p.segment_bytes == kMaxSegmentBytes,
          "segment_bytes is " + std::to_string(p.segment_bytes) + ", expected a multiple of the " +
              std::to_string(p.word_bytes) + "-byte words");
  within("bit_plane_stop", p.bit_plane_stop, 0, 31);
  within("stage_stop", p.stage_stop, 1, 4);
  within("segment_blocks", p.segment_blocks, 1, kMaxSegmentBlocks);
  within("bit_depth", p.bit_depth, 1, max_bit_depth(p));
  within("width", p.width, kMinSide, kMaxWidth);
  for (const std::uint8_t shift : p.custom_shifts) within("a custom shift", shift, 0, 3);
}

}  // namespace ccsds122
