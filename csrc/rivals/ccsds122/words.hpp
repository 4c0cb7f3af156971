// The words of bit plane coding, their symbols and variable-length codes (CCSDS 122.0-B-2, 4.5.3).
#pragma once

#include <array>
#include <cstdint>

namespace ccsds122 {

// Words of the same length and different kind can have different symbols.
enum class Word { kTypesParents, kTypesChildren, kTypesGrandchildren, kTranD, kTranG, kTranH };

constexpr unsigned kMaxWordBits = 4;

// Symbol of a word of 2 to 4 bits (tables 4-12 to 4-14).
std::uint8_t symbol_of(Word word, unsigned length, unsigned bits);

// Word of a symbol; kNoWord where the word cannot have a value with that symbol.
constexpr std::uint8_t kNoWord = 0xFF;
std::uint8_t word_of(Word word, unsigned length, unsigned symbol);

struct Code {
  std::uint8_t bits;
  std::uint8_t length;
};

// Code options of words of one length (tables 4-15 to 4-18). The last one is "uncoded" and has an
// identifier of all ones.
constexpr unsigned id_bits(unsigned length) { return length == 2 ? 1 : 2; }
constexpr unsigned option_count(unsigned length) { return length; }
constexpr unsigned option_id(unsigned length, unsigned option) {
  return option + 1 == option_count(length) ? (1u << id_bits(length)) - 1 : option;
}

Code code_of(unsigned length, unsigned option, unsigned symbol);

// The symbol whose code begins `window`, of which the 8 most significant bits are looked at, and
// the length of that code.
struct Decoded {
  std::uint8_t symbol;
  std::uint8_t length;
};
Decoded decode_symbol(unsigned length, unsigned option, std::uint32_t window);

// How often each symbol occurs among the words of one length of a gaggle in a bit plane.
using Histogram = std::array<std::uint32_t, 16>;

// The option that codes them in the fewest bits (4.5.3.3.4, ties by 4.5.3.3.5).
unsigned best_option(unsigned length, const Histogram& histogram);

}  // namespace ccsds122
