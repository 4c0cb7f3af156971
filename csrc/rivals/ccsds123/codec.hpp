// CCSDS 123.0-B-2: low-complexity lossless and near-lossless compression of multispectral and
// hyperspectral images. Encoder and decoder, written from the standard (issue 2, with its technical
// corrigenda 1 to 3); numbers of sections, equations and tables are the standard's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ccsds123/parameters.hpp"

namespace ccsds123 {

struct Image {
  Parameters parameters;
  std::vector<std::uint32_t> values;  // samples in the order of plane_index, low 32 bits of each
};

// The compressed image. std::invalid_argument where the standard does not allow the parameters, or
// where a sample is out of the range of D bits.
std::vector<std::uint8_t> encode(Image image);

// The image that the bytes hold, with all the parameters they were made with: encoding it again
// gives the same bytes, but for supplementary information tables. StreamError where the bytes hold
// no image, or one of more than `max_samples` samples.
Image decode(const std::uint8_t* data, std::size_t size, std::uint64_t max_samples);

}  // namespace ccsds123
