#include "ccsds122/plane_encoder.hpp"

#include <algorithm>
#include <cstdlib>

#include "ccsds122/nibbles.hpp"

namespace ccsds122 {
namespace {

bool any(Mask mask) { return mask != 0; }

}  // namespace

PlaneEncoder::PlaneEncoder(const std::vector<Block>& blocks, const Shifts& shifts)
    : negative_(blocks.size()), selected_(blocks.size()), shifts_(shifts) {
  depths_.reserve(blocks.size());
  first_plane_.reserve(blocks.size());
  for (std::size_t m = 0; m < blocks.size(); ++m) {
    std::array<std::uint32_t, kAc> magnitudes;
    std::uint32_t all = 0;
    for (unsigned i = 0; i < kAc; ++i) {
      const std::int32_t value = blocks[m][i + 1];
      negative_[m] = negative_[m] << 1 | (value < 0);
      magnitudes[i] = static_cast<std::uint32_t>(std::abs(value));
      all |= magnitudes[i];
    }
    first_plane_.push_back(planes_.size());
    unsigned depth = 0;
    for (; all >> depth != 0; ++depth) {
      Mask plane = 0;
      for (const std::uint32_t magnitude : magnitudes) {
        plane = plane << 1 | (magnitude >> depth & 1);
      }
      planes_.push_back(plane);
    }
    depths_.push_back(static_cast<std::uint8_t>(depth));
  }
}

void PlaneEncoder::add_word(unsigned stage, Word word, unsigned length, unsigned bits) {
  if (length == 0) return;
  if (length == 1) {  // not coded (4.5.3.2.1)
    tokens_[stage].push_back({0, 1, static_cast<std::uint8_t>(bits)});
    return;
  }
  const std::uint8_t symbol = symbol_of(word, length, bits);
  ++histograms_[length][symbol];
  tokens_[stage].push_back({static_cast<std::uint8_t>(length), 0, symbol});
}

void PlaneEncoder::add_signs(unsigned stage, Mask selected, Mask negative, unsigned shift) {
  const unsigned which = (selected >> shift) & 15;
  if (which == 0) return;
  const unsigned signs = compress4((negative >> shift) & 15, which);
  tokens_[stage].push_back(
      {0, static_cast<std::uint8_t>(kBitCounts[which]), static_cast<std::uint8_t>(signs)});
}

// Words of stages 1 to 3 of one block (4.5.3.1.8). A set's type is the maximum of its members'
// types (4.5.2): above 0 where one is in `old` or `fresh`, 2 where one is in `old`.
void PlaneEncoder::collect(std::size_t block, unsigned plane, Mask available) {
  const Mask old = selected_[block] & available;
  const Mask open = available & ~selected_[block];  // type 0 or 1
  const Mask fresh = plane_bits(block, plane) & open;
  const Mask negative = negative_[block];
  const auto add_types = [&](unsigned stage, Word word, unsigned shift) {
    const unsigned mask = (open >> shift) & 15;
    add_word(stage, word, kBitCounts[mask], compress4((fresh >> shift) & 15, mask));
    add_signs(stage, fresh, negative, shift);
  };

  add_types(0, Word::kTypesParents, kParentShift);

  if (!any(available & kDescendants)) return;
  if (!any(selected_[block] & kDescendants)) {
    const bool tran_b = any(fresh & kDescendants);
    tokens_[1].push_back({0, 1, static_cast<std::uint8_t>(tran_b)});
    if (!tran_b) return;
  }
  unsigned length = 0, bits = 0;
  bool active[kFamilies];  // Di has been selected by now
  for (unsigned i = 0; i < kFamilies; ++i) {
    active[i] = any((selected_[block] | fresh) & descendants(i));
    if (any(selected_[block] & descendants(i)) || !any(available & descendants(i))) continue;
    ++length;
    bits = bits << 1 | active[i];
  }
  add_word(1, Word::kTranD, length, bits);
  for (unsigned i = 0; i < kFamilies; ++i) {
    if (active[i]) add_types(1, Word::kTypesChildren, group_shift(i));
  }

  length = bits = 0;
  for (unsigned i = 0; i < kFamilies; ++i) {
    if (!active[i] || any(old & grandchildren(i)) || !any(available & grandchildren(i))) continue;
    ++length;
    bits = bits << 1 | any(fresh & grandchildren(i));
  }
  add_word(2, Word::kTranG, length, bits);
  for (unsigned i = 0; i < kFamilies; ++i) {
    if (!any((old | fresh) & grandchildren(i))) continue;
    length = bits = 0;
    for (unsigned j = 0; j < 4; ++j) {
      const unsigned shift = group_shift(grandchild_group(i, j));
      if ((old >> shift) & 15) continue;
      ++length;
      bits = bits << 1 | (((fresh >> shift) & 15) != 0);
    }
    add_word(2, Word::kTranH, length, bits);
  }
  for (unsigned i = 0; i < kFamilies; ++i) {
    for (unsigned j = 0; j < 4; ++j) {
      const unsigned shift = group_shift(grandchild_group(i, j));
      if (((old | fresh) >> shift) & 15) add_types(2, Word::kTypesGrandchildren, shift);
    }
  }
}

void PlaneEncoder::write_tokens(BitWriter& writer, unsigned stage, std::size_t begin,
                                GaggleCodes& codes) const {
  for (std::size_t t = begin; t < codes.end[stage]; ++t) {
    const Token token = tokens_[stage][t];
    if (token.length == 0) {
      writer.put(token.value, token.count);
      continue;
    }
    const unsigned length = token.length;
    const unsigned option = codes.option[length];
    if (!codes.announced[length]) {
      writer.put(option_id(length, option), id_bits(length));
      codes.announced[length] = true;
    }
    const Code code = code_of(length, option, token.value);
    writer.put(code.bits, code.length);
  }
}

// Stage 4.
void PlaneEncoder::refine(BitWriter& writer, std::size_t block, unsigned plane,
                          Mask available) const {
  const Mask old = selected_[block] & available;
  if (old == 0) return;
  const Mask bits = plane_bits(block, plane);
  for (unsigned shift = kParentShift; shift <= kParentShift; shift -= 4) {
    const unsigned mask = (old >> shift) & 15;
    if (mask != 0) writer.put(compress4((bits >> shift) & 15, mask), kBitCounts[mask]);
  }
}

void PlaneEncoder::encode(BitWriter& writer, unsigned plane, unsigned last_stage,
                          std::uint64_t limit) {
  const Mask available = ccsds122::available(shifts_, plane);
  const std::size_t blocks = depths_.size();
  std::vector<GaggleCodes> gaggles((blocks + kGaggle - 1) / kGaggle);
  for (auto& tokens : tokens_) tokens.clear();
  for (std::size_t g = 0; g < gaggles.size(); ++g) {
    histograms_ = {};
    const std::size_t end = std::min((g + 1) * kGaggle, blocks);
    for (std::size_t m = g * kGaggle; m < end; ++m) {
      if (plane < depths_[m]) collect(m, plane, available);
    }
    for (unsigned length = 2; length <= kMaxWordBits; ++length) {
      gaggles[g].option[length] =
          static_cast<std::uint8_t>(best_option(length, histograms_[length]));
    }
    for (unsigned stage = 0; stage < 3; ++stage) gaggles[g].end[stage] = tokens_[stage].size();
  }

  for (unsigned stage = 0; stage < std::min(last_stage, 3u); ++stage) {
    std::size_t begin = 0;
    for (GaggleCodes& codes : gaggles) {
      write_tokens(writer, stage, begin, codes);
      begin = codes.end[stage];
      if (writer.bits() >= limit) return;
    }
  }
  if (last_stage < 4) return;
  for (std::size_t m = 0; m < blocks; ++m) {
    if (plane >= depths_[m]) continue;
    refine(writer, m, plane, available);
    selected_[m] |= plane_bits(m, plane);
    if (writer.bits() >= limit) return;
  }
}

}  // namespace ccsds122
