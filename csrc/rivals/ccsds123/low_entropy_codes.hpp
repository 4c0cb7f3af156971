// The 16 variable-to-variable length codes of the hybrid entropy coder (5.4.3.3.3.3, annex B).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ccsds123 {

inline constexpr unsigned kLowEntropyCodes = 16;

// Input symbol limits L and thresholds T of table 5-16.
inline constexpr std::array<std::uint32_t, kLowEntropyCodes> kSymbolLimits = {
    12, 10, 8, 6, 6, 4, 4, 4, 2, 2, 2, 2, 2, 2, 2, 0};
inline constexpr std::array<std::uint32_t, kLowEntropyCodes> kThresholds = {
    303336, 225404, 166979, 128672, 95597, 69670, 50678, 34898,
    23331,  14935,  9282,   5510,   3195,  1928,  1112,  408};

// A sequence of input symbols: a complete input codeword, which is a leaf of the tree of all
// sequences, or an active prefix, which is an inner node.
struct LowEntropyNode {
  std::uint32_t word = 0;     // output codeword of a leaf, flush word of an inner node
  std::uint8_t length = 0;    // of the word, in bits
  std::uint8_t symbol = 0;    // the last of the sequence
  std::int16_t parent = 0;    // the sequence without it; the root's is the root
  std::int16_t children = 0;  // where a row of `next` begins; -1 for a leaf
};

// A set of suffix-free words, shared out to nodes.
class WordSet {
 public:
  // Gives words to the nodes that `members` lists with lengths set and in the order of preference.
  void assign(std::vector<LowEntropyNode>& nodes, const std::vector<std::int16_t>& members);

  // The node whose word is the low bits of `window`. There is always one.
  std::int16_t match(std::uint64_t window) const {
    const std::int16_t node = short_[window % short_.size()];
    return node != kNone ? node : match_long(window);
  }

 private:
  static constexpr unsigned kShortBits = 9;
  static constexpr unsigned kMostBits = 21;
  static constexpr std::int16_t kNone = -1;

  std::int16_t match_long(std::uint64_t window) const;

  std::vector<std::int16_t> members_;
  std::array<std::int16_t, 1u << kShortBits> short_{};  // by the last bits, where these suffice
  // By length: the first word, backwards, and the member that has it.
  std::array<std::uint32_t, kMostBits + 2> first_word_{};
  std::array<std::size_t, kMostBits + 2> first_member_{};
};

struct LowEntropyCode {
  std::uint32_t symbol_limit = 0;     // L; symbol L + 1 is the escape symbol
  std::vector<LowEntropyNode> nodes;  // the root first
  std::vector<std::int16_t> next;     // rows of L + 2 children
  WordSet codewords;
  WordSet flush_words;
};

// All 16, in the order of the code index.
const std::array<LowEntropyCode, kLowEntropyCodes>& low_entropy_codes();

}  // namespace ccsds123
