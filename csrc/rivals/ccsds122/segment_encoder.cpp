#include <stdexcept>
#include <string>

#include "ccsds122/bits.hpp"
#include "ccsds122/differences.hpp"
#include "ccsds122/plane_encoder.hpp"
#include "ccsds122/segment.hpp"

namespace ccsds122 {
namespace {

// Bits of the value in two's complement (equation 12).
unsigned twos_complement_bits(std::int32_t value) {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(value < 0 ? ~value : value);
  unsigned bits = 1;
  while (bits < 32 && magnitude >> (bits - 1) != 0) ++bits;
  return bits;
}

class SegmentEncoder {
 public:
  SegmentEncoder(const std::vector<Block>& blocks, const SegmentHeader& header,
                 const Parameters& parameters)
      : blocks_(blocks),
        header_(header),
        parameters_(parameters),
        planes_(blocks, parameters.shifts()),
        limit_(8 * std::uint64_t{parameters.segment_bytes}) {
    header_.depth_dc = 1;
    header_.depth_ac = 0;
    for (const Block& block : blocks_) {
      header_.depth_dc = std::max(header_.depth_dc, twos_complement_bits(block[0]));
    }
    for (const unsigned depth : planes_.depths()) {
      header_.depth_ac = std::max(header_.depth_ac, depth);
    }
    shift_dc_ = parameters_.shifts()[kLL3];
    dc_ = dc_planes(header_.depth_dc, header_.depth_ac, shift_dc_);
  }

  std::vector<std::uint8_t> encode() {
    write_header(writer_, header_, parameters_);
    if (writer_.bits() > limit_) {
      throw std::invalid_argument("segment_bytes is " + std::to_string(parameters_.segment_bytes) +
                                  ", less than the segment's header");
    }
    write_quantised_dc();
    for (unsigned plane = dc_.quantisation; plane-- > dc_.direct_end;) write_dc_plane(plane);
    if (!parameters_.dc_stop && parameters_.bit_plane_stop < header_.depth_ac) write_ac();

    std::vector<std::uint8_t> bytes = writer_.take();
    if (bytes.size() > parameters_.segment_bytes || parameters_.use_fill) {
      bytes.resize(parameters_.segment_bytes);
    }
    while (bytes.size() % parameters_.word_bytes != 0) bytes.push_back(0);
    return bytes;
  }

 private:
  void write_quantised_dc() {
    std::vector<std::int32_t> quantised;
    quantised.reserve(blocks_.size());
    for (const Block& block : blocks_) quantised.push_back(block[0] >> dc_.quantisation);
    if (dc_.bits == 1) {
      for (const std::int32_t value : quantised) writer_.put(value != 0, 1);
    } else {
      write_values(writer_, quantised, signed_range(dc_.bits), parameters_.optimal_dc);
    }
  }

  void write_dc_plane(unsigned plane) {
    for (const Block& block : blocks_) {
      writer_.put(static_cast<std::uint32_t>(block[0]) >> plane & 1, 1);
    }
  }

  void write_ac() {
    const std::vector<std::uint8_t>& depths = planes_.depths();
    if (header_.depth_ac == 1) {
      for (const std::uint8_t depth : depths) writer_.put(depth, 1);
    } else {
      write_values(writer_, std::vector<std::int32_t>(depths.begin(), depths.end()),
                   unsigned_range(depth_bits(header_.depth_ac)), parameters_.optimal_ac);
    }
    for (unsigned plane = header_.depth_ac; plane-- > parameters_.bit_plane_stop;) {
      if (writer_.bits() >= limit_) return;
      if (plane < dc_.quantisation && plane >= shift_dc_) write_dc_plane(plane);  // stage 0
      const bool last = plane == parameters_.bit_plane_stop;
      planes_.encode(writer_, plane, last ? parameters_.stage_stop : 4, limit_);
    }
  }

  const std::vector<Block>& blocks_;
  SegmentHeader header_;
  const Parameters& parameters_;
  PlaneEncoder planes_;
  std::uint64_t limit_;
  unsigned shift_dc_;
  DcPlanes dc_;
  BitWriter writer_;
};

}  // namespace

std::vector<std::uint8_t> encode_segment(const std::vector<Block>& blocks, SegmentHeader header,
                                         const Parameters& parameters) {
  return SegmentEncoder(blocks, header, parameters).encode();
}

}  // namespace ccsds122
