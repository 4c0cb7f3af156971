// Decodes the AC coefficients of a segment bit plane by bit plane (CCSDS 122.0-B-2, 4.5).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ccsds122/bits.hpp"
#include "ccsds122/blocks.hpp"
#include "ccsds122/segment.hpp"
#include "ccsds122/words.hpp"

namespace ccsds122 {

class PlaneDecoder {
 public:
  // depths: BitDepthAC_Block of each block.
  PlaneDecoder(std::vector<std::uint8_t> depths, const Shifts& shifts);

  // Decodes stages 1 to last_stage of one plane; planes come in descending order. Throws EndOfData
  // where the data end early: whatever was read up to there counts. StreamError for bytes that no
  // encoder writes.
  void decode(BitReader& reader, unsigned plane, unsigned last_stage);

  // Fills in the AC coefficients of a block as far as they are known.
  void estimate(std::size_t block, BlockEstimate& estimate) const;

 private:
  // Code options of one gaggle in one plane, as far as they have been announced.
  struct GaggleCodes {
    std::array<std::int8_t, kMaxWordBits + 1> option;
  };
  using Stage = void (PlaneDecoder::*)(BitReader&, std::size_t, GaggleCodes&);

  void read_stage(BitReader& reader, Stage stage);
  void read_parents(BitReader& reader, std::size_t block, GaggleCodes& codes);
  void read_children(BitReader& reader, std::size_t block, GaggleCodes& codes);
  void read_grandchildren(BitReader& reader, std::size_t block, GaggleCodes& codes);
  void refine(BitReader& reader, std::size_t block);

  static unsigned read_word(BitReader& reader, GaggleCodes& codes, Word word, unsigned length);
  void read_types(BitReader& reader, std::size_t block, GaggleCodes& codes, Word word,
                  unsigned shift);
  void set_bits(std::size_t block, unsigned shift, unsigned group);

  std::vector<std::uint8_t> depths_;
  Shifts shifts_;
  std::vector<std::array<std::uint32_t, 64>> magnitudes_;  // laid out as Block, DC unused
  std::vector<Mask> negative_;
  std::vector<Mask> selected_;        // in planes above plane_
  std::vector<Mask> fresh_;           // selected in plane_
  std::vector<Mask> refined_;         // whose bit of plane_ came in stage 4
  std::vector<std::uint8_t> active_;  // bit i: Di has been selected; bit 3: B has been
  std::vector<GaggleCodes> codes_;
  unsigned plane_ = 32;  // current one; above all planes at first
  Mask available_ = 0;   // in plane_
};

}  // namespace ccsds122
