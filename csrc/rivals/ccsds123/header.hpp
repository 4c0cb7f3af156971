// The header of a compressed image (5.3): image, predictor and entropy coder metadata.
//
// Every table that decompression needs is written into the header; a header that leaves one out, as
// the standard allows by prior agreement, is refused. Supplementary information tables (3.5) are
// read over and never written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ccsds123/bit_writer.hpp"
#include "ccsds123/parameters.hpp"

namespace ccsds123 {

struct Header {
  Parameters parameters;  // periodic error limits, which the body holds, are all zero
  std::size_t size = 0;   // in bytes
};

// `p` is valid.
void write_header(const Parameters& p, BitWriter& out);

// StreamError where the bytes begin with no header, or with one of a larger image than
// `max_samples` samples.
Header read_header(const std::uint8_t* data, std::size_t size, std::uint64_t max_samples);

}  // namespace ccsds123
