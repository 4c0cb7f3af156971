#include "ccsds123/low_entropy_codes.hpp"

#include <algorithm>
#include <string>

namespace ccsds123 {
namespace {

// The trees of tables B-1 to B-32 in preorder, children in the order 0, 1, ... L, escape: a
// lower-case letter is a complete input codeword, an upper-case letter an active prefix, and its
// place in the alphabet the length of its output codeword or flush word.
//
// This is all there is to know. The words themselves follow: read backwards, the words of each
// table are those of the canonical prefix code with these lengths, given out in the order of word
// length, then number of input symbols, then input symbols.
const std::array<std::string, kLowEntropyCodes>& trees() {
  static const std::array<std::string, kLowEntropyCodes> kTrees = {
      "ABeEhhhiiiijjkkllkFhhhiiiijjkkllkffffgghhiihcccCffffFiiijjjjkkllmmlgghhiiiihddEggghhhhiijj"
      "kkjEggghhhhiijjkkjeeffe",
      "ACEggghhiijjkkkeeFhhhiiiijkllkFhhhiiijkkllkffggiihCeeeFhhhiijjkklllfGiiijjjkllmmlGiiijjkkl"
      "lmmmhhiiiCeeeFhhhiijjkklllfGiiijjkkllmmmghhiiiccddeefGiiijjjjklmmlf",
      "AbCdEggghhiikkkEggghhiikkkFghhiijjlllFhhhiijjlllgghiiCEfgghhiikkkEggghhiikkkeFhhhiijjlllFh"
      "hhiijjlllgghiiccEfgghhiikkkEggghhiikkkfff",
      "ACDeGghhiikklGghhiikklggiiiddeegghbCdFfHhiijjllmghhjjkFfHhiijjllmghhjjkGghhiikklfhhhDeGghh"
      "iikklGghhiikklggiiiEeGghhiikklfggiijeGghhiikklf",
      "ABDdFfggiillleggijjDFfggiilllFghhjjlmmGghhjjlmmhhjjkEeGghhjjlmmGghhjjmmmhhjkkFghhijllmGghh"
      "jjlmmhhibbddggh",
      "AabCCEeGHijjmmniillnGhiillnijkFGHijjmmoiillnhhkkmFGhiillnhhkkmhijEFFHijjmmoiillnhhkkmGhiil"
      "lnGhiillnjjkEFGhiillnhhkkmGhiillngjjlgHijjmmnieeg",
      "BBCDcFGfhhllnggkkmFGfhhllnggklmiikFFeggkkmffjkmdhhjcEdGfhhllnfjjlggiDcFGfhhllnggklmeiikDEd"
      "GHgiimmohhllnfjjleeiikHgiimmogi",
      "ABaEEdHgiiooqHgijooqllnffllnEdfHgiioopllniikDEEdHgiioopHgijooqllnffllnGfhIikkpqrnnpfkkmcIi"
      "kkpqrij",
      "BCCCDDEEEEcfIIgjjojjolffkHHfiioiinHfiiokeHHfiiniinkeekGehhmHehhnjdGGehhnJhkkphmjddjFdggmdi"
      "FFdgglIgjjoglFGdggmJgjjpgli",
      "CCCCDDDDDEEbIfjjqflHIfjjqjjpflHHHfjjqijpijpHfjjqleHHfjjpijpleHHHfjjpijpijpleelGeiioekGGeii"
      "ohioHeiipkGGGeiiohiohhoGHeiiphiokdGGHeiiohiohiokddj",
      "CCCCCCDDDaIIIfjkrjkrjjrIfjkrmIIIIfjkrjkrjjrjjrIIfjkrjkrmeIIfjkrjkrmeIIIfjkrjkrjjrmeHIIIfjk"
      "rjkrjjrjjqmeemHejjqemHHejjqijqelHHHejjqijqijqel",
      "DDDDDDDDDDDDDDDEafgofgofJglltofJglltofJJJglltlltlltoffoffoffoffoJfkktfnJJfkktkktfnJJfkktkk"
      "tfnIJJfkktkktkksfnIIJJfkktkktkkskksfnIIIJJJfkltkktkktkkskkskksJfkktneJJfkktkktn",
      "DDDDDEEEEEEEEEEEEEEEEEEEEEFaghqggpggpggpggpggpggpggpggpggpggpggpggpggpggoggoIglmtgoIIglmtl"
      "mtgofgofgofgofgofgofJglmtofIJglmulmtofIIIglmulmtlmtoffo",
      "EEEEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFFFFFFFFFFFFGahiqhhphhphhphhphhphhphhphhphhphhphhphhphhph"
      "hphhphhphhphhpghpghpghpghpghpghpghpghpghpghoghoghoghoghoghoghoghoghoggoggoggoggoggoggoggog"
      "goHHgllrllrgo",
      "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGaijqi"
      "iqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqiiqhiqhiqhiqhiqhiqhiqhiqhiqhiqhiqhiqh"
      "iqhiqhiqhiqhiqhiqhiqhiqhiqhiqhiqhiphiphiphiphiphiphiphiphiphiphiphiphiphiphiphiphiphiphiph"
      "iphiphiphhphhphhphhphhphhphhphhphhphhphhphhphhphhphhphhphhphhphhphhphhp",
      std::string(256, 'H') + "a" + std::string(256, 'i'),
  };
  return kTrees;
}

std::uint32_t reversed(std::uint64_t word, unsigned bits) {
  std::uint32_t result = 0;
  for (unsigned i = 0; i < bits; ++i) result = result << 1 | (word >> i & 1);
  return result;
}

// Appends the subtree that `letter` begins, and moves `letter` behind it.
void grow(LowEntropyCode& code, const char*& letter, std::size_t parent, std::uint32_t symbol,
          std::vector<std::uint16_t>& depths) {
  const std::size_t node = code.nodes.size();
  const bool leaf = *letter >= 'a';
  LowEntropyNode added;
  added.length = static_cast<std::uint8_t>(*letter++ - (leaf ? 'a' : 'A') + 1);
  added.symbol = static_cast<std::uint8_t>(symbol);
  added.parent = static_cast<std::int16_t>(parent);
  const std::size_t row = code.next.size();
  added.children = leaf ? std::int16_t{-1} : static_cast<std::int16_t>(row);
  code.nodes.push_back(added);
  depths.push_back(static_cast<std::uint16_t>(node == 0 ? 0 : depths[parent] + 1));
  if (leaf) return;
  code.next.resize(row + code.symbol_limit + 2);
  for (std::uint32_t child = 0; child < code.symbol_limit + 2; ++child) {
    code.next[row + child] = static_cast<std::int16_t>(code.nodes.size());
    grow(code, letter, node, child, depths);
  }
}

LowEntropyCode make_code(const std::string& tree, std::uint32_t symbol_limit) {
  LowEntropyCode code;
  code.symbol_limit = symbol_limit;
  std::vector<std::uint16_t> depths;
  const char* letter = tree.c_str();
  grow(code, letter, 0, 0, depths);
  std::vector<std::int16_t> members[2];  // inner nodes, leaves
  for (std::size_t i = 0; i < code.nodes.size(); ++i) {
    members[code.nodes[i].children < 0].push_back(static_cast<std::int16_t>(i));
  }
  for (std::vector<std::int16_t>& list : members) {
    // Nodes of equal depth are in the order of their symbols, as preorder has it.
    std::stable_sort(list.begin(), list.end(), [&](std::int16_t a, std::int16_t b) {
      const auto rank = [&](std::int16_t i) {
        const std::size_t node = static_cast<std::size_t>(i);
        return std::pair<unsigned, unsigned>(code.nodes[node].length, depths[node]);
      };
      return rank(a) < rank(b);
    });
  }
  code.flush_words.assign(code.nodes, members[0]);
  code.codewords.assign(code.nodes, members[1]);
  return code;
}

}  // namespace

void WordSet::assign(std::vector<LowEntropyNode>& nodes, const std::vector<std::int16_t>& members) {
  members_ = members;
  short_.fill(kNone);
  std::uint32_t word = 0;  // backwards
  std::size_t member = 0;
  for (unsigned length = 1; length <= kMostBits; ++length) {
    first_word_[length] = word;
    first_member_[length] = member;
    for (; member < members.size(); ++member, ++word) {
      LowEntropyNode& node = nodes[static_cast<std::size_t>(members[member])];
      if (node.length != length) break;
      node.word = reversed(word, length);
      for (std::size_t i = node.word; length <= kShortBits && i < short_.size();
           i += 1u << length) {
        short_[i] = members[member];
      }
    }
    word *= 2;
  }
  first_member_[kMostBits + 1] = members.size();
}

std::int16_t WordSet::match_long(std::uint64_t window) const {
  for (unsigned length = kShortBits + 1; length < kMostBits; ++length) {
    const std::uint32_t rank = reversed(window, length) - first_word_[length];
    if (rank < first_member_[length + 1] - first_member_[length]) {
      return members_[first_member_[length] + rank];
    }
  }
  return members_[first_member_[kMostBits] + reversed(window, kMostBits) - first_word_[kMostBits]];
}

const std::array<LowEntropyCode, kLowEntropyCodes>& low_entropy_codes() {
  static const std::array<LowEntropyCode, kLowEntropyCodes> kCodes = [] {
    std::array<LowEntropyCode, kLowEntropyCodes> codes;
    for (unsigned i = 0; i < kLowEntropyCodes; ++i)
      codes[i] = make_code(trees()[i], kSymbolLimits[i]);
    return codes;
  }();
  return kCodes;
}

}  // namespace ccsds123
