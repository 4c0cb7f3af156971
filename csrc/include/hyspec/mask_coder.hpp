// Lossless coding of binary masks, such as the validity masks of a cube's bands.
//
// A plane that equals the one before it, or is all valid or all nodata, costs two bits; any other
// plane is coded pixel by pixel with adaptive binary models that see the causal neighbourhood and
// the plane before (docs/entropy_coder.md, section 4). Integer arithmetic throughout.
#pragma once

#include <cstdint>
#include <vector>

#include "hyspec/span.hpp"

namespace hyspec {

// Codes `count` planes of rows x cols pixels, one byte per pixel, 1 valid and 0 nodata. The result
// is a whole message in bytes, a multiple of four of them. Error(kBadArgument) if the number of
// pixels is not count * rows * cols or a pixel is neither 0 nor 1.
std::vector<std::uint8_t> encode_masks(Span<const std::uint8_t> planes, std::uint32_t count,
                                       std::uint32_t rows, std::uint32_t cols);

// Decodes what encode_masks wrote with the same count, rows and cols; out has count * rows * cols
// pixels. Error(kBadArgument) if it has not; Error(kTruncated) or Error(kCorrupt) if the bytes do
// not hold these planes.
void decode_masks(Span<const std::uint8_t> bytes, std::uint32_t count, std::uint32_t rows,
                  std::uint32_t cols, Span<std::uint8_t> out);

}  // namespace hyspec
