// Images to coded segments and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ccsds122/parameters.hpp"

namespace ccsds122 {

struct Image {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<std::int32_t> samples;  // row by row
};

// Codes an image of at least 17 x 17 pixels as one or more segments of up to
// parameters.segment_blocks blocks. The width is taken from the image. Header parts 2 to 4 stand in
// the first segment; without `optional_parts` nowhere, and the decoder needs the parameters.
// Throws std::invalid_argument for what the standard does not allow.
std::vector<std::uint8_t> encode(const Image& image, Parameters parameters, bool optional_parts);

struct Decoded {
  Image image;
  std::size_t bytes = 0;  // that the image takes
};

// Decodes the image at the beginning of the data. `parameters`, or null, stand for the header parts
// that the segments leave out. The last segment may be cut off anywhere after its header. Throws
// StreamError for other bytes and for an image of more than max_samples padded samples.
Decoded decode(const std::uint8_t* data, std::size_t size, const Parameters* parameters,
               std::size_t max_samples);

}  // namespace ccsds122
