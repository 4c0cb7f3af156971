#include <optional>
#include <string>
#include <utility>

#include "ccsds122/bits.hpp"
#include "ccsds122/blocks.hpp"
#include "ccsds122/differences.hpp"
#include "ccsds122/error.hpp"
#include "ccsds122/plane_decoder.hpp"
#include "ccsds122/segment.hpp"

namespace ccsds122 {
namespace {

class SegmentDecoder {
 public:
  SegmentDecoder(BitReader& reader, const SegmentHeader& header, const Parameters& parameters)
      : reader_(reader),
        header_(header),
        parameters_(parameters),
        blocks_(parameters.segment_blocks),
        shift_dc_(parameters.shifts()[kLL3]),
        dc_(dc_planes(header.depth_dc, header.depth_ac, shift_dc_)) {}

  // Reads as much as there is; returns whether the segment is complete.
  bool read() {
    try {
      read_quantised_dc();
      for (unsigned plane = dc_.quantisation; plane-- > dc_.direct_end;) read_dc_plane(plane);
      if (!parameters_.dc_stop && parameters_.bit_plane_stop < header_.depth_ac) read_ac();
      return true;
    } catch (const EndOfData&) {
      return false;
    }
  }

  std::vector<BlockEstimate> estimate() const {
    const std::vector<double> dc = estimate_dc();
    std::vector<BlockEstimate> result(blocks_);
    for (std::size_t m = 0; m < blocks_; ++m) {
      result[m][0] = dc[m];
      if (planes_) planes_->estimate(m, result[m]);
    }
    return result;
  }

 private:
  struct Dc {
    std::int64_t value;
    unsigned known;  // lowest known plane
  };

  void keep_quantised_dc(const std::vector<std::int32_t>& values) {
    for (const std::int32_t value : values) {
      dc_values_.push_back({value * (std::int64_t{1} << dc_.quantisation), dc_.quantisation});
    }
  }

  void read_quantised_dc() {
    std::vector<std::int32_t> values;
    try {
      if (dc_.bits == 1) {
        while (values.size() < blocks_) {
          values.push_back(-static_cast<std::int32_t>(reader_.get(1)));
        }
      } else {
        read_values(reader_, blocks_, signed_range(dc_.bits), values);
      }
    } catch (const EndOfData&) {
      keep_quantised_dc(values);
      throw;
    }
    keep_quantised_dc(values);
  }

  void read_dc_plane(unsigned plane) {
    for (Dc& dc : dc_values_) {
      dc.value += std::int64_t{reader_.get(1)} << plane;
      dc.known = plane;
    }
  }

  void read_ac() {
    std::vector<std::uint8_t> depths;
    if (header_.depth_ac == 1) {
      while (depths.size() < blocks_) depths.push_back(static_cast<std::uint8_t>(reader_.get(1)));
    } else {
      std::vector<std::int32_t> values;
      read_values(reader_, blocks_, unsigned_range(depth_bits(header_.depth_ac)), values);
      for (const std::int32_t value : values) {
        if (value > static_cast<std::int32_t>(header_.depth_ac)) {
          throw StreamError("a block of " + std::to_string(value) + " bit planes in a segment of " +
                            std::to_string(header_.depth_ac));
        }
        depths.push_back(static_cast<std::uint8_t>(value));
      }
    }
    planes_.emplace(std::move(depths), parameters_.shifts());
    for (unsigned plane = header_.depth_ac; plane-- > parameters_.bit_plane_stop;) {
      if (plane < dc_.quantisation && plane >= shift_dc_) read_dc_plane(plane);  // stage 0
      const bool last = plane == parameters_.bit_plane_stop;
      planes_->decode(reader_, plane, last ? parameters_.stage_stop : 4);
    }
  }

  // Known DC coefficients in the middle of the values that they can have, then the others: halfway
  // between the block above, or the one before, and the mean of those known.
  std::vector<double> estimate_dc() const {
    std::vector<double> result;
    double sum = 0;
    for (const Dc& dc : dc_values_) {
      const unsigned known = std::max(dc.known, shift_dc_);
      const Mask width = (Mask{1} << known) - (Mask{1} << shift_dc_);
      result.push_back(static_cast<double>(dc.value) + 0.5 * static_cast<double>(width));
      sum += result.back();
    }
    if (result.empty()) return std::vector<double>(blocks_, 0.0);
    const double mean = sum / static_cast<double>(result.size());
    const std::size_t across = parameters_.blocks_across();
    while (result.size() < blocks_) {
      const std::size_t back = across <= result.size() ? across : 1;
      result.push_back(0.5 * (result[result.size() - back] + mean));
    }
    return result;
  }

  BitReader& reader_;
  const SegmentHeader& header_;
  const Parameters& parameters_;
  std::size_t blocks_;
  unsigned shift_dc_;
  DcPlanes dc_;
  std::vector<Dc> dc_values_;  // of the first blocks, as many as are known
  std::optional<PlaneDecoder> planes_;
};

}  // namespace

DecodedSegment decode_segment(const std::uint8_t* data, std::size_t size, Parameters& parameters,
                              std::size_t max_blocks) {
  BitReader reader(data, size);
  DecodedSegment result;
  result.header = read_header(reader, parameters);
  if (parameters.segment_blocks > max_blocks) {
    throw StreamError("a segment of " + std::to_string(parameters.segment_blocks) +
                      " blocks, expected at most " + std::to_string(max_blocks));
  }
  const std::size_t end = std::min<std::size_t>(size, parameters.segment_bytes);
  if (8 * std::uint64_t{end} < reader.position()) {
    throw StreamError("a segment limit of " + std::to_string(parameters.segment_bytes) +
                      " bytes, less than the segment's header");
  }
  reader.truncate(end);
  SegmentDecoder decoder(reader, result.header, parameters);
  const bool complete = decoder.read();
  result.blocks = decoder.estimate();
  result.bytes = end;
  if (complete && !parameters.use_fill) {
    const std::size_t word = parameters.word_bytes;
    const std::size_t used = static_cast<std::size_t>((reader.position() + 7) / 8);
    result.bytes = std::min(end, (used + word - 1) / word * word);
  }
  return result;
}

}  // namespace ccsds122
