// The hybrid entropy coder (5.4.3.3). Its body is written forwards and read backwards.
#include <algorithm>
#include <utility>

#include "ccsds123/entropy_coder.hpp"
#include "ccsds123/low_entropy_codes.hpp"

namespace ccsds123 {
namespace {

// Which code the statistics after an index select for that index.
class CodeChoice {
 public:
  explicit CodeChoice(const Parameters& p)
      : most_(std::max(p.bit_depth, 4u) - 2), bounds_(std::size_t{1} << p.rescaling_bits) {
    // Smallest accumulators that do not satisfy sum * 2^14 < count * T.
    for (std::size_t count = 0; count < bounds_.size(); ++count) {
      for (unsigned i = 0; i < kLowEntropyCodes; ++i) {
        bounds_[count][i] = static_cast<std::uint32_t>((count * kThresholds[i] + 16383) >> 14);
      }
    }
  }

  bool high_entropy(std::uint64_t sum, std::uint32_t count) const {
    return sum >= bounds_[count][0];
  }

  // k_z(t) of eq. (66).
  unsigned golomb(std::uint64_t sum, std::uint32_t count) const {
    return std::min(most_, floor_log2_ratio(sum + (49 * count >> 5), count) - 2);
  }

  // Index of the low-entropy code; thresholds fall from code to code.
  unsigned low_entropy(std::uint64_t sum, std::uint32_t count) const {
    const std::uint32_t small_sum = static_cast<std::uint32_t>(sum);
    unsigned code = 0;
    for (unsigned i = 1; i < kLowEntropyCodes; ++i) code += small_sum < bounds_[count][i];
    return code;
  }

 private:
  unsigned most_;
  std::vector<std::array<std::uint32_t, kLowEntropyCodes>> bounds_;
};

unsigned accumulator_bits(const Parameters& p) { return 2 + p.bit_depth + p.rescaling_bits; }

// Initial accumulators, which decompression does without: the rule of thumb of 5.4.3.3.4.3, with
// the mean index of the first row standing for an estimate from an earlier image.
std::vector<std::uint64_t> initial_accumulators(const Parameters& p, const Indices& indices) {
  std::vector<std::uint64_t> sums(p.bands);
  const std::uint64_t most = (std::uint64_t{1} << (p.bit_depth + p.initial_count_log2)) - 1;
  for (std::uint32_t z = 0; z < p.bands; ++z) {
    if (!p.hybrid_accumulators.empty()) {
      sums[z] = of_band(p.hybrid_accumulators, z);
      continue;
    }
    std::uint64_t total = 0;
    for (std::uint32_t x = 1; x < p.columns; ++x) total += indices[plane_index(p, 0, x, z)];
    const std::uint64_t count = std::max<std::uint64_t>(p.columns - 1, 1);
    sums[z] = std::min(most, ((total << (p.initial_count_log2 + 2)) + count / 2) / count);
  }
  return sums;
}

// R'_k(j) of 5.4.3.3.3.2.
void put_reversed_golomb(const Parameters& p, std::uint32_t value, unsigned k, BitWriter& out) {
  const std::uint32_t zeros = value >> k;
  if (zeros < p.unary_limit) {
    out.put(value & ((1u << k) - 1), k);
    out.put(1u << zeros, zeros + 1);
  } else {
    out.put(value, p.bit_depth);
    out.put(0, p.unary_limit);
  }
}

std::uint64_t take_reversed_golomb(const Parameters& p, unsigned k, BackwardBitReader& in) {
  const std::uint64_t before = in.window();
  if (before << (64 - p.unary_limit) == 0) {
    in.skip(p.unary_limit);
    return in.take(p.bit_depth);
  }
  const unsigned zeros = static_cast<unsigned>(__builtin_ctzll(before));
  in.skip(zeros + 1);
  return std::uint64_t{zeros} << k | in.take(k);
}

class HybridWriter {
 public:
  HybridWriter(const Parameters& p, const Indices& indices, BitWriter& out)
      : p_(p),
        indices_(indices),
        out_(out),
        counter_(p, 0),
        choice_(p),
        sums_(initial_accumulators(p, indices)) {}

  void write() {
    visit_input(
        p_,
        [&](const ErrorLimits& limits, std::size_t i) { out_.put(limits.values[i], limits.bits); },
        [&](std::uint32_t z, std::uint64_t t, std::size_t i) { write_index(z, t, indices_[i]); });
    write_tail();
  }

 private:
  void write_index(std::uint32_t z, std::uint64_t t, std::uint32_t index) {
    if (t == 0) {
      out_.put(index, p_.bit_depth);
      return;
    }
    std::uint64_t& sum = sums_[z];
    const std::uint64_t added = sum + std::uint64_t{4} * index;
    if (counter_.rescales_after(counter_.at(t - 1))) {
      out_.put(sum & 1, 1);
      sum = (added + 1) >> 1;
    } else {
      sum = added;
    }
    const std::uint32_t count = counter_.at(t);
    if (choice_.high_entropy(sum, count)) {
      put_reversed_golomb(p_, index, choice_.golomb(sum, count), out_);
    } else {
      write_low_entropy(choice_.low_entropy(sum, count), index);
    }
  }

  void write_low_entropy(unsigned i, std::uint32_t index) {
    const LowEntropyCode& code = codes_[i];
    const std::uint32_t symbol = std::min(index, code.symbol_limit + 1);
    if (symbol > code.symbol_limit) put_reversed_golomb(p_, index - symbol, 0, out_);
    const std::size_t row = static_cast<std::size_t>(code.nodes[prefixes_[i]].children);
    const std::size_t child = static_cast<std::size_t>(code.next[row + symbol]);
    const LowEntropyNode& node = code.nodes[child];
    if (node.children >= 0) {
      prefixes_[i] = child;
    } else {
      out_.put(node.word, node.length);
      prefixes_[i] = 0;
    }
  }

  // 5.4.3.3.5.4, without fill bits.
  void write_tail() {
    for (unsigned i = 0; i < kLowEntropyCodes; ++i) {
      const LowEntropyNode& node = codes_[i].nodes[prefixes_[i]];
      out_.put(node.word, node.length);
    }
    for (const std::uint64_t sum : sums_) out_.put_wide(sum, accumulator_bits(p_));
    out_.put(1, 1);
  }

  const Parameters& p_;
  const Indices& indices_;
  BitWriter& out_;
  Counter counter_;
  CodeChoice choice_;
  std::vector<std::uint64_t> sums_;  // high-resolution accumulators
  const std::array<LowEntropyCode, kLowEntropyCodes>& codes_ = low_entropy_codes();
  std::array<std::size_t, kLowEntropyCodes> prefixes_{};  // node of each active prefix
};

class HybridReader {
 public:
  HybridReader(Parameters& p, BackwardBitReader& in)
      : p_(p), in_(in), counter_(p, 0), choice_(p), sums_(p.bands) {}

  Indices read() {
    Indices indices(static_cast<std::size_t>(p_.samples()));
    read_tail();
    visit_input_backwards(
        p_, [&](ErrorLimits& limits, std::size_t i) { limits.values[i] = in_.take(limits.bits); },
        [&](std::uint32_t z, std::uint64_t t, std::size_t i) { indices[i] = read_index(z, t); });
    for (const std::size_t prefix : prefixes_) require(prefix == 0);
    for (const std::uint64_t sum : sums_) {
      require(sum >> (p_.bit_depth + p_.initial_count_log2) == 0);
    }
    require(in_.bits_left() == 0);
    p_.hybrid_accumulators = std::move(sums_);
    return indices;
  }

 private:
  void require(bool consistent) const {
    if (!consistent)
      throw StreamError(in_.byte_offset(), "the body is no output of a hybrid coder");
  }

  void read_tail() {
    // Fill bits are fewer than those of an output word.
    for (unsigned zeros = 0; in_.take(1) == 0;) require(++zeros < 8 * p_.word_bytes);
    for (std::uint32_t z = p_.bands; z-- > 0;) sums_[z] = in_.take_wide(accumulator_bits(p_));
    for (unsigned i = kLowEntropyCodes; i-- > 0;) {
      prefixes_[i] = static_cast<std::size_t>(codes_[i].flush_words.match(in_.window()));
      in_.skip(codes_[i].nodes[prefixes_[i]].length);
    }
  }

  std::uint32_t read_index(std::uint32_t z, std::uint64_t t) {
    if (t == 0) return in_.take(p_.bit_depth);
    std::uint64_t& sum = sums_[z];
    const std::uint32_t count = counter_.at(t);
    const std::uint64_t index = choice_.high_entropy(sum, count)
                                    ? take_reversed_golomb(p_, choice_.golomb(sum, count), in_)
                                    : read_low_entropy(choice_.low_entropy(sum, count));
    require(index >> p_.bit_depth == 0);
    // Eq. (64) backwards.
    std::uint64_t total = sum;
    if (counter_.rescales_after(counter_.at(t - 1))) {
      const std::uint32_t lost_bit = in_.take(1);
      require(lost_bit <= 2 * sum);
      total = 2 * sum - lost_bit;
    }
    require(4 * index <= total);
    sum = total - 4 * index;
    return static_cast<std::uint32_t>(index);
  }

  std::uint64_t read_low_entropy(unsigned i) {
    const LowEntropyCode& code = codes_[i];
    if (prefixes_[i] == 0) {
      prefixes_[i] = static_cast<std::size_t>(code.codewords.match(in_.window()));
      in_.skip(code.nodes[prefixes_[i]].length);
    }
    const LowEntropyNode& node = code.nodes[prefixes_[i]];
    prefixes_[i] = static_cast<std::size_t>(node.parent);
    if (node.symbol <= code.symbol_limit) return node.symbol;
    return code.symbol_limit + 1 + take_reversed_golomb(p_, 0, in_);
  }

  Parameters& p_;
  BackwardBitReader& in_;
  Counter counter_;
  CodeChoice choice_;
  std::vector<std::uint64_t> sums_;
  const std::array<LowEntropyCode, kLowEntropyCodes>& codes_ = low_entropy_codes();
  std::array<std::size_t, kLowEntropyCodes> prefixes_{};
};

}  // namespace

void write_hybrid(const Parameters& p, const Indices& indices, BitWriter& out) {
  HybridWriter(p, indices, out).write();
}

Indices read_hybrid(Parameters& p, BackwardBitReader& in) { return HybridReader(p, in).read(); }

}  // namespace ccsds123
