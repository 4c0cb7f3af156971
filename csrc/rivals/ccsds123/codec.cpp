#include "ccsds123/codec.hpp"

#include <stdexcept>
#include <string>

#include "ccsds123/bit_reader.hpp"
#include "ccsds123/bit_writer.hpp"
#include "ccsds123/entropy_coder.hpp"
#include "ccsds123/header.hpp"
#include "ccsds123/predictor.hpp"

namespace ccsds123 {
namespace {

void check_samples(const Image& image) {
  const Parameters& p = image.parameters;
  if (image.values.size() != p.samples()) {
    throw std::invalid_argument("found " + std::to_string(image.values.size()) +
                                " samples, expected " + std::to_string(p.samples()));
  }
  // Moves the range to [0, 2^D).
  const std::uint32_t shift = p.is_signed ? 1u << (p.bit_depth - 1) : 0;
  std::uint64_t all = 0;
  for (const std::uint32_t value : image.values) all |= value + shift;
  if (all >> p.bit_depth != 0) {
    throw std::invalid_argument("a sample does not fit in " + std::to_string(p.bit_depth) +
                                (p.is_signed ? " bits with sign" : " bits"));
  }
}

// The bits after the last codeword are the fill bits of one output word.
void check_fill(const Parameters& p, BitReader& in) {
  if (in.bits_left() >= std::uint64_t{8} * p.word_bytes) {
    throw StreamError(in.byte_offset(), "bytes follow the end of the image");
  }
  while (in.bits_left() > 0) {
    if (in.take(1) != 0) throw StreamError(in.byte_offset(), "fill bits are not zero");
  }
}

Indices read_body(Parameters& p, const std::uint8_t* data, std::size_t begin, std::size_t end) {
  if (p.entropy_coder == EntropyCoder::kHybrid) {
    BackwardBitReader in(data, begin, end);
    return read_hybrid(p, in);
  }
  BitReader in(data, end);
  in.skip(std::uint64_t{8} * begin);
  Indices indices = p.entropy_coder == EntropyCoder::kSampleAdaptive ? read_sample_adaptive(p, in)
                                                                     : read_block_adaptive(p, in);
  check_fill(p, in);
  return indices;
}

}  // namespace

std::vector<std::uint8_t> encode(Image image) {
  const Parameters& p = image.parameters;
  validate(p);
  check_samples(image);
  predict(p, image.values);
  BitWriter out;
  write_header(p, out);
  switch (p.entropy_coder) {
    case EntropyCoder::kSampleAdaptive: write_sample_adaptive(p, image.values, out); break;
    case EntropyCoder::kHybrid: write_hybrid(p, image.values, out); break;
    case EntropyCoder::kBlockAdaptive: write_block_adaptive(p, image.values, out); break;
  }
  out.fill_to(p.word_bytes);
  return out.finish();
}

Image decode(const std::uint8_t* data, std::size_t size, std::uint64_t max_samples) {
  Header header = read_header(data, size, max_samples);
  Image image{std::move(header.parameters), {}};
  image.values = read_body(image.parameters, data, header.size, size);
  if (!reconstruct(image.parameters, image.values)) {
    throw StreamError(size, "decoded samples are out of range");
  }
  return image;
}

}  // namespace ccsds123
