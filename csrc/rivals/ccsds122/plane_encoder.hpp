// Encodes the AC coefficients of a segment bit plane by bit plane (CCSDS 122.0-B-2, 4.5).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ccsds122/bits.hpp"
#include "ccsds122/blocks.hpp"
#include "ccsds122/segment.hpp"
#include "ccsds122/words.hpp"

namespace ccsds122 {

class PlaneEncoder {
 public:
  PlaneEncoder(const std::vector<Block>& blocks, const Shifts& shifts);

  // Largest magnitude of each block's AC coefficients in bits: BitDepthAC_Block.
  const std::vector<std::uint8_t>& depths() const noexcept { return depths_; }

  // Codes stages 1 to last_stage of one plane; planes come in descending order. Stops early once
  // the writer holds `limit` bits, which makes whatever follows immaterial.
  void encode(BitWriter& writer, unsigned plane, unsigned last_stage, std::uint64_t limit);

 private:
  // The symbol of a word of 2 to 4 bits, or, where length is 0, `count` bits as they are.
  struct Token {
    std::uint8_t length, count, value;
  };

  // Code options of one gaggle in one plane.
  struct GaggleCodes {
    std::array<std::uint8_t, kMaxWordBits + 1> option{};
    std::array<bool, kMaxWordBits + 1> announced{};
    std::array<std::size_t, 3> end{};  // of its tokens in each stage
  };

  Mask plane_bits(std::size_t block, unsigned plane) const {
    return plane < depths_[block] ? planes_[first_plane_[block] + plane] : 0;
  }
  void collect(std::size_t block, unsigned plane, Mask available);
  void add_word(unsigned stage, Word word, unsigned length, unsigned bits);
  void add_signs(unsigned stage, Mask selected, Mask negative, unsigned shift);
  void write_tokens(BitWriter& writer, unsigned stage, std::size_t begin, GaggleCodes& codes) const;
  void refine(BitWriter& writer, std::size_t block, unsigned plane, Mask available) const;

  std::vector<std::uint8_t> depths_;
  std::vector<std::size_t> first_plane_;  // of each block in planes_
  std::vector<Mask> planes_;              // bit planes 0 to depth - 1 of each block
  std::vector<Mask> negative_;
  std::vector<Mask> selected_;  // coefficients with a bit in a plane above the current one
  Shifts shifts_;

  std::array<std::vector<Token>, 3> tokens_;
  std::array<Histogram, kMaxWordBits + 1> histograms_;
};

}  // namespace ccsds122
