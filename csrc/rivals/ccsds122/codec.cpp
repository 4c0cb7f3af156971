#include "ccsds122/codec.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "ccsds122/blocks.hpp"
#include "ccsds122/error.hpp"
#include "ccsds122/segment.hpp"
#include "ccsds122/wavelet.hpp"

namespace ccsds122 {
namespace {

struct PixelRange {
  std::int64_t low, high;
};

PixelRange pixel_range(const Parameters& p) {
  const std::int64_t values = std::int64_t{1} << p.bit_depth;
  return p.signed_pixels ? PixelRange{-values / 2, values / 2 - 1} : PixelRange{0, values - 1};
}

Image transposed(const Image& image) {
  Image result{image.cols, image.rows, std::vector<std::int32_t>(image.samples.size())};
  for (std::size_t r = 0; r < image.rows; ++r) {
    for (std::size_t c = 0; c < image.cols; ++c) {
      result.samples[c * image.rows + r] = image.samples[r * image.cols + c];
    }
  }
  return result;
}

// A transformed image: rows and cols are multiples of 8.
template <typename T>
struct Plane {
  std::size_t rows, cols;
  std::vector<T> values;

  // Where the AC coefficient of a place lies in the block of LL3 coefficient (r, c).
  T& ac(const Place& place, std::size_t r, std::size_t c) {
    const std::size_t row = (place.down ? rows >> place.level : 0) + place.scale * r + place.row;
    const std::size_t col = (place.right ? cols >> place.level : 0) + place.scale * c + place.col;
    return values[row * cols + col];
  }
};

std::size_t round_up(std::size_t side) { return (side + 7) / 8 * 8; }

// The image, extended to multiples of 8 by copies of its last row and column (3.2.5).
template <typename T>
Plane<T> padded(const Image& image) {
  Plane<T> plane{round_up(image.rows), round_up(image.cols), {}};
  plane.values.reserve(plane.rows * plane.cols);
  for (std::size_t r = 0; r < plane.rows; ++r) {
    const std::int32_t* const row = image.samples.data() + std::min(r, image.rows - 1) * image.cols;
    plane.values.insert(plane.values.end(), row, row + image.cols);
    plane.values.insert(plane.values.end(), plane.cols - image.cols,
                        static_cast<T>(row[image.cols - 1]));
  }
  return plane;
}

void transform(Plane<double>& p) { forward_float(p.values.data(), p.rows, p.cols); }
void transform(Plane<std::int64_t>& p) { forward_integer(p.values.data(), p.rows, p.cols); }
void inverse(Plane<double>& p) { inverse_float(p.values.data(), p.rows, p.cols); }
void inverse(Plane<std::int64_t>& p) { inverse_integer(p.values.data(), p.rows, p.cols); }

// What is coded of a transformed value (4.1): rounded, or weighted.
std::int64_t weighted(double value, unsigned) {
  return static_cast<std::int64_t>(value + (value < 0 ? -0.5 : 0.5));
}
std::int64_t weighted(std::int64_t value, unsigned shift) {
  return value * (std::int64_t{1} << shift);
}

std::int32_t coefficient(std::int64_t value) {
  if (std::abs(value) > std::numeric_limits<std::int32_t>::max()) {
    throw std::invalid_argument(
        "a wavelet coefficient exceeds 32 bits; expected fewer bits a pixel");
  }
  return static_cast<std::int32_t>(value);
}

// ---- encoding ----

template <typename T>
Block gather(Plane<T>& plane, const Shifts& shifts, std::size_t r, std::size_t c) {
  Block block;
  block[0] = coefficient(weighted(plane.values[r * plane.cols + c], shifts[kLL3]));
  for (unsigned i = 0; i < kAc; ++i) {
    const Place& place = places()[i];
    block[i + 1] = coefficient(weighted(plane.ac(place, r, c), shifts[place.subband]));
  }
  return block;
}

template <typename T>
std::vector<std::uint8_t> encode_plane(const Image& image, const Parameters& given,
                                       bool optional_parts) {
  Plane<T> plane = padded<T>(image);
  transform(plane);
  const std::size_t across = plane.cols / 8;
  const std::size_t total = across * (plane.rows / 8);
  Parameters parameters = given;
  const Shifts shifts = parameters.shifts();
  std::vector<std::uint8_t> bytes;
  for (std::size_t first = 0; first < total;) {
    const std::size_t count = std::min<std::size_t>(given.segment_blocks, total - first);
    std::vector<Block> blocks;
    blocks.reserve(count);
    for (std::size_t m = first; m < first + count; ++m) {
      blocks.push_back(gather(plane, shifts, m / across, m % across));
    }
    SegmentHeader header;
    header.first = first == 0;
    header.last = first + count == total;
    header.number = static_cast<std::uint8_t>(first / given.segment_blocks);
    header.has_part2 = header.has_part4 = optional_parts && header.first;
    header.has_part3 = header.has_part2 || count != parameters.segment_blocks;
    header.pad_rows = static_cast<unsigned>(plane.rows - image.rows);
    parameters.segment_blocks = static_cast<std::uint32_t>(count);
    const std::vector<std::uint8_t> segment = encode_segment(blocks, header, parameters);
    bytes.insert(bytes.end(), segment.begin(), segment.end());
    first += count;
  }
  return bytes;
}

void check_image(const Image& image, const Parameters& p) {
  if (image.rows < kMinSide || image.cols < kMinSide) {
    throw std::invalid_argument("the image has " + std::to_string(image.rows) + " x " +
                                std::to_string(image.cols) + " pixels, expected at least 17 x 17");
  }
  const std::size_t total = round_up(image.rows) / 8 * (round_up(image.cols) / 8);
  if (p.segment_blocks < 16 && p.segment_blocks < total) {
    throw std::invalid_argument("segment_blocks is " + std::to_string(p.segment_blocks) +
                                ", expected at least 16");
  }
  const PixelRange range = pixel_range(p);
  for (const std::int32_t sample : image.samples) {
    if (sample < range.low || sample > range.high) {
      throw std::invalid_argument("a pixel is " + std::to_string(sample) + ", expected " +
                                  std::to_string(range.low) + " to " + std::to_string(range.high));
    }
  }
}

// ---- decoding ----

// Inverse of `weighted`.
void put(double& value, double estimate, unsigned) { value = estimate; }
void put(std::int64_t& value, double estimate, unsigned shift) {
  value = std::llround(estimate / static_cast<double>(1u << shift));
}

template <typename T>
void scatter(Plane<T>& plane, const Shifts& shifts, std::size_t r, std::size_t c,
             const BlockEstimate& block) {
  put(plane.values[r * plane.cols + c], block[0], shifts[kLL3]);
  for (unsigned i = 0; i < kAc; ++i) {
    const Place& place = places()[i];
    put(plane.ac(place, r, c), block[i + 1], shifts[place.subband]);
  }
}

std::int32_t pixel(double value, const PixelRange& range) {
  return static_cast<std::int32_t>(std::floor(
      std::clamp(value, static_cast<double>(range.low), static_cast<double>(range.high)) + 0.5));
}
std::int32_t pixel(std::int64_t value, const PixelRange& range) {
  return static_cast<std::int32_t>(std::clamp(value, range.low, range.high));
}

template <typename T>
Image decode_plane(const std::vector<BlockEstimate>& blocks, const Parameters& p,
                   unsigned pad_rows) {
  const std::size_t across = p.blocks_across();
  Plane<T> plane{8 * (blocks.size() / across), 8 * across, std::vector<T>(64 * blocks.size())};
  const Shifts shifts = p.shifts();
  for (std::size_t m = 0; m < blocks.size(); ++m) {
    scatter(plane, shifts, m / across, m % across, blocks[m]);
  }
  inverse(plane);
  const PixelRange range = pixel_range(p);
  Image image{plane.rows - pad_rows, p.width, {}};
  image.samples.reserve(image.rows * image.cols);
  for (std::size_t r = 0; r < image.rows; ++r) {
    for (std::size_t c = 0; c < image.cols; ++c) {
      image.samples.push_back(pixel(plane.values[r * plane.cols + c], range));
    }
  }
  return image;
}

// Part 4 must not change within an image (4.2.5.1).
std::vector<std::uint8_t> part4(const Parameters& parameters) {
  std::vector<std::uint8_t> parts = write_parts(parameters);
  parts.erase(parts.begin(), parts.end() - 8);
  return parts;
}

std::string describe(bool first, std::size_t number) {
  return std::string(first ? "a first segment" : "a further segment") + " with number " +
         std::to_string(number % 256);
}

void check_order(const SegmentHeader& header, std::size_t number) {
  if (header.first != (number == 0) || header.number != number % 256) {
    throw StreamError("found " + describe(header.first, header.number) + ", expected " +
                      describe(number == 0, number));
  }
}

}  // namespace

std::vector<std::uint8_t> encode(const Image& image, Parameters parameters, bool optional_parts) {
  const Image turned = parameters.transpose ? transposed(image) : Image{};
  const Image& coded = parameters.transpose ? turned : image;
  parameters.width = static_cast<std::uint32_t>(std::min<std::size_t>(coded.cols, kMaxWidth + 1));
  check_image(coded, parameters);
  check(parameters);
  return parameters.integer_transform
             ? encode_plane<std::int64_t>(coded, parameters, optional_parts)
             : encode_plane<double>(coded, parameters, optional_parts);
}

Decoded decode(const std::uint8_t* data, std::size_t size, const Parameters* given,
               std::size_t max_samples) {
  Parameters parameters;
  if (given) {
    parameters = *given;
  } else {
    parameters.segment_blocks = 0;  // unknown, as is the width
  }
  Decoded result;
  std::vector<BlockEstimate> blocks;
  std::vector<std::uint8_t> first_part4;
  unsigned pad_rows = 0;
  for (std::size_t number = 0;; ++number) {
    const std::size_t max_blocks = max_samples / 64 - blocks.size();
    DecodedSegment segment =
        decode_segment(data + result.bytes, size - result.bytes, parameters, max_blocks);
    check_order(segment.header, number);
    if (number == 0) {
      first_part4 = part4(parameters);
      blocks = std::move(segment.blocks);
    } else {
      if (part4(parameters) != first_part4) {
        throw StreamError("segment " + std::to_string(number) + " changes part 4 of the header");
      }
      blocks.insert(blocks.end(), segment.blocks.begin(), segment.blocks.end());
    }
    result.bytes += segment.bytes;
    if (segment.header.last) {
      pad_rows = segment.header.pad_rows;
      break;
    }
  }
  const std::size_t across = parameters.blocks_across();
  if (blocks.size() % across != 0 || blocks.size() / across < 3) {
    throw StreamError("found " + std::to_string(blocks.size()) +
                      " blocks, expected at least 3 full rows of " + std::to_string(across));
  }
  result.image = parameters.integer_transform
                     ? decode_plane<std::int64_t>(blocks, parameters, pad_rows)
                     : decode_plane<double>(blocks, parameters, pad_rows);
  if (parameters.transpose) result.image = transposed(result.image);
  return result;
}

}  // namespace ccsds122
