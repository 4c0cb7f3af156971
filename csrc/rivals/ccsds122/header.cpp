#include "ccsds122/header.hpp"

#include <stdexcept>
#include <string>

#include "ccsds122/error.hpp"

namespace ccsds122 {
namespace {

// CodeWordLength of table 4-7 as (bytes - 1): its third bit tells the lengths above 4.
constexpr unsigned kWordCodes[8] = {0b000, 0b010, 0b100, 0b110, 0b001, 0b011, 0b101, 0b111};

void reserved(BitReader& reader, unsigned count) {
  if (reader.get(count) != 0) {
    throw StreamError("a reserved header bit is set; expected zeros (CCSDS 122.0-B-2, 4.2.1.2)");
  }
}

void write_part2(BitWriter& writer, const Parameters& p) {
  writer.put(p.segment_bytes % kMaxSegmentBytes, 27);
  writer.put(p.dc_stop, 1);
  writer.put(p.bit_plane_stop, 5);
  writer.put(p.stage_stop - 1, 2);
  writer.put(p.use_fill, 1);
  writer.put(0, 4);
}

void read_part2(BitReader& reader, Parameters& p) {
  const std::uint32_t limit = reader.get(27);
  p.segment_bytes = limit == 0 ? kMaxSegmentBytes : limit;
  p.dc_stop = reader.get(1) != 0;
  p.bit_plane_stop = reader.get(5);
  p.stage_stop = reader.get(2) + 1;
  p.use_fill = reader.get(1) != 0;
  reserved(reader, 4);
}

void write_part3(BitWriter& writer, const Parameters& p) {
  writer.put(p.segment_blocks % kMaxSegmentBlocks, 20);
  writer.put(p.optimal_dc, 1);
  writer.put(p.optimal_ac, 1);
  writer.put(0, 2);
}

void read_part3(BitReader& reader, Parameters& p) {
  const std::uint32_t blocks = reader.get(20);
  p.segment_blocks = blocks == 0 ? kMaxSegmentBlocks : blocks;
  p.optimal_dc = reader.get(1) != 0;
  p.optimal_ac = reader.get(1) != 0;
  reserved(reader, 2);
}

void write_part4(BitWriter& writer, const Parameters& p) {
  writer.put(p.integer_transform, 1);
  writer.put(0, 1);
  writer.put(p.bit_depth > 16, 1);  // ExtendedPixelBitDepthFlag
  writer.put(p.signed_pixels, 1);
  writer.put(p.bit_depth % 16, 4);
  writer.put(p.width % kMaxWidth, 20);
  writer.put(p.transpose, 1);
  writer.put(kWordCodes[p.word_bytes - 1], 3);
  writer.put(p.custom_weights, 1);
  for (const std::uint8_t shift : p.custom_shifts) writer.put(p.custom_weights ? shift : 0u, 2);
  writer.put(0, 11);
}

void read_part4(BitReader& reader, Parameters& p) {
  p.integer_transform = reader.get(1) != 0;
  reserved(reader, 1);
  const bool extended = reader.get(1) != 0;
  p.signed_pixels = reader.get(1) != 0;
  const unsigned depth = reader.get(4);
  p.bit_depth = extended ? 16 + depth : depth == 0 ? 16 : depth;
  const std::uint32_t width = reader.get(20);
  p.width = width == 0 ? kMaxWidth : width;
  p.transpose = reader.get(1) != 0;
  const unsigned word_code = reader.get(3);
  for (unsigned i = 0; i < 8; ++i) {
    if (kWordCodes[i] == word_code) p.word_bytes = i + 1;
  }
  p.custom_weights = reader.get(1) != 0;
  for (std::uint8_t& shift : p.custom_shifts) shift = static_cast<std::uint8_t>(reader.get(2));
  reserved(reader, 11);
}

// Parameters that come from a stream.
void check_read(const Parameters& p) {
  try {
    check(p);
  } catch (const std::invalid_argument& e) {
    throw StreamError(std::string("the segment header is not valid: ") + e.what());
  }
}

}  // namespace

void write_header(BitWriter& writer, const SegmentHeader& header, const Parameters& parameters) {
  writer.put(header.first, 1);
  writer.put(header.last, 1);
  writer.put(header.number, 8);
  writer.put(header.depth_dc % 32, 5);
  writer.put(header.depth_ac, 5);
  writer.put(0, 1);
  writer.put(header.has_part2, 1);
  writer.put(header.has_part3, 1);
  writer.put(header.has_part4, 1);
  if (header.last) {
    writer.put(header.pad_rows, 3);
    writer.put(0, 5);
  }
  if (header.has_part2) write_part2(writer, parameters);
  if (header.has_part3) write_part3(writer, parameters);
  if (header.has_part4) write_part4(writer, parameters);
}

SegmentHeader read_header(BitReader& reader, Parameters& parameters) {
  SegmentHeader header;
  try {
    header.first = reader.get(1) != 0;
    header.last = reader.get(1) != 0;
    header.number = static_cast<std::uint8_t>(reader.get(8));
    const unsigned depth_dc = reader.get(5);
    header.depth_dc = depth_dc == 0 ? 32 : depth_dc;
    header.depth_ac = reader.get(5);
    reserved(reader, 1);
    header.has_part2 = reader.get(1) != 0;
    header.has_part3 = reader.get(1) != 0;
    header.has_part4 = reader.get(1) != 0;
    if (header.last) {
      header.pad_rows = reader.get(3);
      reserved(reader, 5);
    }
    if (header.has_part2) read_part2(reader, parameters);
    if (header.has_part3) read_part3(reader, parameters);
    if (header.has_part4) read_part4(reader, parameters);
  } catch (const EndOfData&) {
    throw StreamError("the bytes end within a segment header");
  }
  if (parameters.width == 0 || parameters.segment_blocks == 0) {
    throw StreamError("part 3 or 4 of the segment header is missing; give the parameters instead");
  }
  check_read(parameters);
  return header;
}

std::vector<std::uint8_t> write_parts(const Parameters& parameters) {
  BitWriter writer;
  write_part2(writer, parameters);
  write_part3(writer, parameters);
  write_part4(writer, parameters);
  return writer.take();
}

Parameters read_parts(const std::uint8_t* data, std::size_t size) {
  BitReader reader(data, size);
  Parameters parameters;
  try {
    read_part2(reader, parameters);
    read_part3(reader, parameters);
    read_part4(reader, parameters);
  } catch (const EndOfData&) {
    throw StreamError("found " + std::to_string(size) + " bytes of header parts 2 to 4, expected " +
                      std::to_string(kPartBytes));
  }
  check_read(parameters);
  return parameters;
}

}  // namespace ccsds122
