#include "ccsds122/plane_decoder.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "ccsds122/error.hpp"
#include "ccsds122/nibbles.hpp"

namespace ccsds122 {
namespace {

constexpr std::uint8_t kActiveB = 8;

// Where a coefficient whose lower planes are missing is put in the interval of its possible
// magnitudes: 0 is the lower end, 1 the upper one. The standard leaves this to the decoder. Small
// magnitudes are more frequent, the more so where only the leading bit is known: on AVIRIS, Landsat
// and laboratory scenes these places gain 0.02 to 0.07 dB over the middle.
constexpr double kPlaceOfLeadingBit = 0.42;
constexpr double kPlace = 0.45;

bool any(Mask mask) { return mask != 0; }

unsigned read_option(BitReader& reader, unsigned length) {
  const unsigned id = reader.get(id_bits(length));
  for (unsigned option = 0; option < option_count(length); ++option) {
    if (option_id(length, option) == id) return option;
  }
  throw StreamError("code option identifier " + std::to_string(id) +
                    " does not exist for words of " + std::to_string(length) + " bits");
}

}  // namespace

PlaneDecoder::PlaneDecoder(std::vector<std::uint8_t> depths, const Shifts& shifts)
    : depths_(std::move(depths)),
      shifts_(shifts),
      magnitudes_(depths_.size()),
      negative_(depths_.size()),
      selected_(depths_.size()),
      fresh_(depths_.size()),
      refined_(depths_.size()),
      active_(depths_.size()),
      codes_((depths_.size() + kGaggle - 1) / kGaggle) {}

unsigned PlaneDecoder::read_word(BitReader& reader, GaggleCodes& codes, Word word,
                                 unsigned length) {
  if (length <= 1) return reader.get(length);
  std::int8_t& option = codes.option[length];
  if (option < 0) option = static_cast<std::int8_t>(read_option(reader, length));
  const Decoded decoded = decode_symbol(length, static_cast<unsigned>(option), reader.peek());
  reader.skip(decoded.length);
  const std::uint8_t bits = word_of(word, length, decoded.symbol);
  if (bits == kNoWord) throw StreamError("a word has a value that it cannot have (table 4-11)");
  return bits;
}

// Sets the bit of plane_ of the coefficients of one group.
void PlaneDecoder::set_bits(std::size_t block, unsigned shift, unsigned group) {
  std::uint32_t* const last = magnitudes_[block].data() + 63 - shift;
  for (unsigned k = 0; k < 4; ++k) *(last - k) |= (group >> k & 1) << plane_;
}

// types[...] and signs[...] of a group of coefficients.
void PlaneDecoder::read_types(BitReader& reader, std::size_t block, GaggleCodes& codes, Word word,
                              unsigned shift) {
  const Mask open = available_ & ~selected_[block];
  const unsigned mask = (open >> shift) & 15;
  const unsigned types = expand4(read_word(reader, codes, word, kBitCounts[mask]), mask);
  const unsigned count = kBitCounts[types];
  // Coefficients whose sign is missing stay unselected.
  const unsigned present =
      static_cast<unsigned>(std::min<std::uint64_t>(count, reader.remaining()));
  const unsigned missing = count - present;
  const unsigned signs = reader.get(present) << missing;
  const unsigned known = ((1u << present) - 1) << missing;
  const unsigned fresh = expand4(known, types);
  negative_[block] |= Mask{expand4(signs, types)} << shift;
  fresh_[block] |= Mask{fresh} << shift;
  set_bits(block, shift, fresh);
  if (missing != 0) throw EndOfData{};
}

void PlaneDecoder::read_parents(BitReader& reader, std::size_t block, GaggleCodes& codes) {
  read_types(reader, block, codes, Word::kTypesParents, kParentShift);
}

void PlaneDecoder::read_children(BitReader& reader, std::size_t block, GaggleCodes& codes) {
  if (!any(available_ & kDescendants)) return;
  std::uint8_t& active = active_[block];
  if (!(active & kActiveB)) {
    if (reader.get(1) == 0) return;
    active |= kActiveB;
  }
  std::array<unsigned, kFamilies> listed;
  unsigned length = 0;
  for (unsigned i = 0; i < kFamilies; ++i) {
    if (!(active >> i & 1) && any(available_ & descendants(i))) listed[length++] = i;
  }
  const unsigned tran_d = read_word(reader, codes, Word::kTranD, length);
  for (unsigned k = 0; k < length; ++k) {
    if (tran_d >> (length - 1 - k) & 1) active |= static_cast<std::uint8_t>(1u << listed[k]);
  }
  for (unsigned i = 0; i < kFamilies; ++i) {
    if (active >> i & 1) {
      read_types(reader, block, codes, Word::kTypesChildren, group_shift(i));
    }
  }
}

void PlaneDecoder::read_grandchildren(BitReader& reader, std::size_t block, GaggleCodes& codes) {
  if (!(active_[block] & kActiveB)) return;
  const Mask old = selected_[block] & available_;
  std::array<bool, kFamilies> active_g;  // Gi has been selected by now
  std::array<unsigned, 4> listed;
  unsigned length = 0;
  for (unsigned i = 0; i < kFamilies; ++i) {
    active_g[i] = any(old & grandchildren(i));
    if ((active_[block] >> i & 1) && !active_g[i] && any(available_ & grandchildren(i))) {
      listed[length++] = i;
    }
  }
  const unsigned tran_g = read_word(reader, codes, Word::kTranG, length);
  for (unsigned k = 0; k < length; ++k) {
    if (tran_g >> (length - 1 - k) & 1) active_g[listed[k]] = true;
  }

  std::array<unsigned, kFamilies> active_h{};  // bit j: Hij has been selected by now
  for (unsigned i = 0; i < kFamilies; ++i) {
    if (!active_g[i]) continue;
    length = 0;
    for (unsigned j = 0; j < 4; ++j) {
      if ((old >> group_shift(grandchild_group(i, j))) & 15) {
        active_h[i] |= 1u << j;
      } else {
        listed[length++] = j;
      }
    }
    const unsigned tran_h = read_word(reader, codes, Word::kTranH, length);
    for (unsigned k = 0; k < length; ++k) {
      if (tran_h >> (length - 1 - k) & 1) active_h[i] |= 1u << listed[k];
    }
  }
  for (unsigned i = 0; i < kFamilies; ++i) {
    for (unsigned j = 0; j < 4; ++j) {
      if (active_h[i] >> j & 1) {
        read_types(reader, block, codes, Word::kTypesGrandchildren,
                   group_shift(grandchild_group(i, j)));
      }
    }
  }
}

void PlaneDecoder::refine(BitReader& reader, std::size_t block) {
  const Mask old = selected_[block] & available_;
  if (old == 0) return;
  unsigned missing = 0;
  for (unsigned shift = kParentShift; shift <= kParentShift && missing == 0; shift -= 4) {
    const unsigned mask = (old >> shift) & 15;
    if (mask == 0) continue;
    const unsigned count = kBitCounts[mask];
    const unsigned present =
        static_cast<unsigned>(std::min<std::uint64_t>(count, reader.remaining()));
    missing = count - present;
    set_bits(block, shift, expand4(reader.get(present) << missing, mask));
    refined_[block] |= Mask{expand4(((1u << present) - 1) << missing, mask)} << shift;
  }
  if (missing != 0) throw EndOfData{};
}

void PlaneDecoder::read_stage(BitReader& reader, Stage stage) {
  for (std::size_t m = 0; m < depths_.size(); ++m) {
    if (plane_ < depths_[m]) (this->*stage)(reader, m, codes_[m / kGaggle]);
  }
}

void PlaneDecoder::decode(BitReader& reader, unsigned plane, unsigned last_stage) {
  plane_ = plane;
  available_ = available(shifts_, plane);
  for (std::size_t m = 0; m < depths_.size(); ++m) {
    selected_[m] |= fresh_[m];
    fresh_[m] = refined_[m] = 0;
  }
  for (GaggleCodes& codes : codes_) codes.option.fill(-1);
  constexpr Stage kStages[3] = {&PlaneDecoder::read_parents, &PlaneDecoder::read_children,
                                &PlaneDecoder::read_grandchildren};
  for (unsigned stage = 0; stage < std::min(last_stage, 3u); ++stage) {
    read_stage(reader, kStages[stage]);
  }
  if (last_stage < 4) return;
  for (std::size_t m = 0; m < depths_.size(); ++m) {
    if (plane_ < depths_[m]) refine(reader, m);
  }
}

void PlaneDecoder::estimate(std::size_t block, BlockEstimate& estimate) const {
  const Mask here = fresh_[block] | refined_[block];
  const Mask selected = selected_[block] | fresh_[block];
  for (unsigned i = 0; i < kAc; ++i) {
    if (!(selected & bit_of(i))) {
      estimate[i + 1] = 0;
      continue;
    }
    const unsigned known = here & bit_of(i) ? plane_ : plane_ + 1;  // lowest known plane
    const unsigned shift = shifts_[places()[i].subband];
    double magnitude = magnitudes_[block][i + 1];
    if (known > shift) {
      const double place = magnitudes_[block][i + 1] >> known == 1 ? kPlaceOfLeadingBit : kPlace;
      magnitude += place * static_cast<double>((Mask{1} << known) - (Mask{1} << shift));
    }
    estimate[i + 1] = negative_[block] & bit_of(i) ? -magnitude : magnitude;
  }
}

}  // namespace ccsds122
