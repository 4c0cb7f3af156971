#include "ccsds122/words.hpp"

#include <cstddef>

namespace ccsds122 {
namespace {

constexpr std::uint8_t kNone = 0xFF;

// Indexed by the word as a number.
constexpr std::uint8_t kSymbols2[4] = {0, 2, 1, 3};
constexpr std::uint8_t kSymbols3[8] = {1, 4, 0, 5, 2, 6, 3, 7};
constexpr std::uint8_t kSymbols3TranD[8] = {kNone, 3, 0, 4, 1, 5, 2, 6};
constexpr std::uint8_t kSymbols4[16] = {10, 1, 3, 6, 2, 5, 9, 12, 0, 8, 7, 13, 4, 14, 11, 15};
constexpr std::uint8_t kSymbols4NotZero[16] = {kNone, 1, 3, 6,  2, 5,  9,  11,
                                               0,     8, 7, 12, 4, 13, 10, 14};

const std::uint8_t* symbols(Word word, unsigned length) {
  switch (length) {
    case 2: return kSymbols2;
    case 3: return word == Word::kTranD ? kSymbols3TranD : kSymbols3;
    default: return word == Word::kTypesChildren ? kSymbols4 : kSymbols4NotZero;
  }
}

// Codes of each option, indexed by symbol.
constexpr Code kCodes2[2][4] = {
    {{0b1, 1}, {0b01, 2}, {0b001, 3}, {0b000, 3}},
    {{0b00, 2}, {0b01, 2}, {0b10, 2}, {0b11, 2}},
};
constexpr Code kCodes3[3][8] = {
    {{0b1, 1},
     {0b01, 2},
     {0b001, 3},
     {0b00000, 5},
     {0b00001, 5},
     {0b00010, 5},
     {0b000110, 6},
     {0b000111, 6}},
    {{0b10, 2},
     {0b11, 2},
     {0b010, 3},
     {0b011, 3},
     {0b0010, 4},
     {0b0011, 4},
     {0b0000, 4},
     {0b0001, 4}},
    {{0, 3}, {1, 3}, {2, 3}, {3, 3}, {4, 3}, {5, 3}, {6, 3}, {7, 3}},
};
constexpr Code kCodes4[4][16] = {
    {{0b1, 1},
     {0b01, 2},
     {0b001, 3},
     {0b0001, 4},
     {0b0000000, 7},
     {0b0000001, 7},
     {0b0000010, 7},
     {0b0000011, 7},
     {0b00001000, 8},
     {0b00001001, 8},
     {0b00001010, 8},
     {0b00001011, 8},
     {0b00001100, 8},
     {0b00001101, 8},
     {0b00001110, 8},
     {0b00001111, 8}},
    {{0b10, 2},
     {0b11, 2},
     {0b010, 3},
     {0b011, 3},
     {0b0010, 4},
     {0b0011, 4},
     {0b000000, 6},
     {0b000001, 6},
     {0b000010, 6},
     {0b000011, 6},
     {0b000100, 6},
     {0b000101, 6},
     {0b0001100, 7},
     {0b0001101, 7},
     {0b0001110, 7},
     {0b0001111, 7}},
    {{0b100, 3},
     {0b101, 3},
     {0b110, 3},
     {0b111, 3},
     {0b0100, 4},
     {0b0101, 4},
     {0b0110, 4},
     {0b0111, 4},
     {0b00100, 5},
     {0b00101, 5},
     {0b00110, 5},
     {0b00111, 5},
     {0b00000, 5},
     {0b00001, 5},
     {0b00010, 5},
     {0b00011, 5}},
    {{0, 4},
     {1, 4},
     {2, 4},
     {3, 4},
     {4, 4},
     {5, 4},
     {6, 4},
     {7, 4},
     {8, 4},
     {9, 4},
     {10, 4},
     {11, 4},
     {12, 4},
     {13, 4},
     {14, 4},
     {15, 4}},
};

const Code* codes(unsigned length, unsigned option) {
  switch (length) {
    case 2: return kCodes2[option];
    case 3: return kCodes3[option];
    default: return kCodes4[option];
  }
}

constexpr std::size_t kLengths = kMaxWordBits + 1;
constexpr unsigned kLookupBits = 8;  // no code is longer

// For each length, option and next 8 bits: what they begin with.
using Lookup = std::array<std::array<std::array<Decoded, 1u << kLookupBits>, 4>, kLengths>;

Lookup make_lookup() {
  Lookup lookup{};
  for (unsigned length = 2; length <= kMaxWordBits; ++length) {
    for (unsigned option = 0; option < option_count(length); ++option) {
      for (unsigned symbol = 0; symbol < 1u << length; ++symbol) {
        const Code code = codes(length, option)[symbol];
        const unsigned free_bits = kLookupBits - code.length;
        for (unsigned rest = 0; rest < 1u << free_bits; ++rest) {
          lookup[length][option][unsigned{code.bits} << free_bits | rest] = {
              static_cast<std::uint8_t>(symbol), code.length};
        }
      }
    }
  }
  return lookup;
}

// For each kind of word, length and symbol: the word.
using Inverses = std::array<std::array<std::array<std::uint8_t, 16>, kLengths>, 6>;

Inverses make_inverses() {
  Inverses inverses;
  for (std::size_t word = 0; word < inverses.size(); ++word) {
    for (unsigned length = 2; length <= kMaxWordBits; ++length) {
      inverses[word][length].fill(kNoWord);
      const std::uint8_t* const table = symbols(static_cast<Word>(word), length);
      for (unsigned bits = 0; bits < 1u << length; ++bits) {
        if (table[bits] != kNone) {
          inverses[word][length][table[bits]] = static_cast<std::uint8_t>(bits);
        }
      }
    }
  }
  return inverses;
}

}  // namespace

std::uint8_t symbol_of(Word word, unsigned length, unsigned bits) {
  return symbols(word, length)[bits];
}

std::uint8_t word_of(Word word, unsigned length, unsigned symbol) {
  static const Inverses inverses = make_inverses();
  return inverses[static_cast<std::size_t>(word)][length][symbol];
}

Code code_of(unsigned length, unsigned option, unsigned symbol) {
  return codes(length, option)[symbol];
}

Decoded decode_symbol(unsigned length, unsigned option, std::uint32_t window) {
  static const Lookup lookup = make_lookup();
  return lookup[length][option][window >> (32 - kLookupBits)];
}

unsigned best_option(unsigned length, const Histogram& histogram) {
  const unsigned uncoded = option_count(length) - 1;
  unsigned best = uncoded;
  std::uint64_t best_size = 0;
  for (const std::uint32_t count : histogram) best_size += std::uint64_t{length} * count;
  for (unsigned option = 0; option < uncoded; ++option) {
    std::uint64_t size = 0;
    for (unsigned symbol = 0; symbol < 1u << length; ++symbol) {
      size += std::uint64_t{histogram[symbol]} * codes(length, option)[symbol].length;
    }
    if (size < best_size) {
      best = option;
      best_size = size;
    }
  }
  return best;
}

}  // namespace ccsds122
