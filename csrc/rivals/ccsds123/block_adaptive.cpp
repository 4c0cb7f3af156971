// The block-adaptive entropy coder (5.4.3.4): the adaptive entropy coder of CCSDS 121.0-B without
// its preprocessor. Names of options are those of that standard.
#include <algorithm>

#include "ccsds123/entropy_coder.hpp"

namespace ccsds123 {
namespace {

constexpr unsigned kSegmentBlocks = 64;
// The zero-block codewords have this many bits for 1, 2, 3, 4 blocks, the remainder of a segment,
// 5, 6, ... blocks: 1, 2, 3, 4, 5, 6, 7, ...
constexpr unsigned kRemainderOfSegment = 5;

// Option identifiers: all zeros and one more bit for the low-entropy
// options, all ones for no compression, k + 1 for k split bits.
struct Options {
  explicit Options(const Parameters& p) {
    if (p.restricted_options) {
      id_bits = p.bit_depth <= 2 ? 1 : 2;
    } else {
      id_bits = p.bit_depth <= 8 ? 3 : p.bit_depth <= 16 ? 4 : 5;
    }
    uncompressed_id = (1u << id_bits) - 1;
    split_options = uncompressed_id - 1;
  }

  unsigned id_bits;
  unsigned uncompressed_id;
  unsigned split_options;  // k = 0 to split_options - 1
};

// Blocks until the next end of a segment or of a reference sample interval.
std::uint64_t blocks_to_segment_end(const Parameters& p, std::uint64_t block) {
  const std::uint64_t in_interval = block % p.reference_interval;
  return std::min<std::uint64_t>(kSegmentBlocks - in_interval % kSegmentBlocks,
                                 p.reference_interval - in_interval);
}

// The entropy coder input sequence as one array, filled up with zeros to whole blocks.
std::uint64_t sequence_length(const Parameters& p) {
  std::uint64_t length = p.samples();
  for (const ErrorLimits* limits : {&p.absolute, &p.relative}) {
    if (p.periodic_limits && limits->used) length += limits->values.size();
  }
  return (length + p.block_size - 1) / p.block_size * p.block_size;
}

class BlockWriter {
 public:
  BlockWriter(const Parameters& p, BitWriter& out)
      : size_(p.block_size), bit_depth_(p.bit_depth), options_(p), out_(out) {}

  // The zero-block option: a run that ends within its segment, or with it.
  void write_zero_blocks(std::uint64_t count, bool ends_segment) {
    out_.put(0, options_.id_bits + 1);
    const bool to_the_end = ends_segment && count >= kRemainderOfSegment;
    put_unary(to_the_end                    ? kRemainderOfSegment - 1
              : count < kRemainderOfSegment ? count - 1
                                            : count);
  }

  // The shortest option; of equally short ones no compression, then the second extension.
  void write(const std::uint32_t* block) {
    std::uint64_t shortest = std::uint64_t{size_} * bit_depth_;
    const std::uint64_t extension = extension_bits(block, shortest) + 1;
    const bool extended = extension < shortest;
    if (extended) shortest = extension;
    unsigned split = options_.split_options;
    for (unsigned k = 0; k < options_.split_options; ++k) {
      std::uint64_t bits = std::uint64_t{size_} * (k + 1);
      if (bits >= shortest) break;
      for (unsigned i = 0; i < size_; ++i) bits += block[i] >> k;
      if (bits < shortest) {
        shortest = bits;
        split = k;
      }
    }
    if (split < options_.split_options) {
      write_split(block, split);
    } else if (extended) {
      write_extension(block);
    } else {
      out_.put(options_.uncompressed_id, options_.id_bits);
      for (unsigned i = 0; i < size_; ++i) out_.put(block[i], bit_depth_);
    }
  }

 private:
  void put_unary(std::uint64_t zeros) {
    out_.put_zeros(zeros);
    out_.put(1, 1);
  }

  // The second extension option: a pair of samples as one number.
  static std::uint64_t pair(std::uint64_t a, std::uint64_t b) {
    return (a + b) * (a + b + 1) / 2 + b;
  }

  // Bits of the second extension's codewords, or a number that is at least `most`.
  std::uint64_t extension_bits(const std::uint32_t* block, std::uint64_t most) const {
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < size_; i += 2) {
      if (std::uint64_t{block[i]} + block[i + 1] > most) return most;
      bits += pair(block[i], block[i + 1]) + 1;
    }
    return bits;
  }

  void write_extension(const std::uint32_t* block) {
    out_.put(1, options_.id_bits + 1);
    for (unsigned i = 0; i < size_; i += 2) put_unary(pair(block[i], block[i + 1]));
  }

  void write_split(const std::uint32_t* block, unsigned k) {
    out_.put(k + 1, options_.id_bits);
    for (unsigned i = 0; i < size_; ++i) put_unary(block[i] >> k);
    for (unsigned i = 0; i < size_ && k > 0; ++i) out_.put(block[i] & ((1u << k) - 1), k);
  }

  unsigned size_;
  unsigned bit_depth_;
  Options options_;
  BitWriter& out_;
};

class BlockReader {
 public:
  BlockReader(const Parameters& p, BitReader& in)
      : size_(p.block_size), bit_depth_(p.bit_depth), options_(p), in_(in) {}

  // Reads one coded data set into zeros: one block, or several that are all zero, at most
  // `segment` of them. Returns the number of blocks.
  std::uint64_t read(std::uint32_t* block, std::uint64_t segment) {
    const std::uint32_t id = in_.take(options_.id_bits);
    if (id == options_.uncompressed_id) {
      for (unsigned i = 0; i < size_; ++i) block[i] = in_.take(bit_depth_);
    } else if (id > 0) {
      read_split(block, id - 1);
    } else if (in_.take(1) == 1) {
      read_extension(block);
    } else {
      return read_zero_blocks(segment);
    }
    return 1;
  }

 private:
  std::uint32_t checked(std::uint64_t value) const {
    if (value >> bit_depth_ != 0) {
      throw StreamError(in_.byte_offset(), "a mapped quantiser index is out of range");
    }
    return static_cast<std::uint32_t>(value);
  }

  void read_split(std::uint32_t* block, unsigned k) {
    for (unsigned i = 0; i < size_; ++i) {
      block[i] = checked(std::uint64_t{checked(in_.take_zeros_and_one())} << k);
    }
    for (unsigned i = 0; i < size_; ++i) block[i] |= in_.take(k);
  }

  void read_extension(std::uint32_t* block) {
    for (unsigned i = 0; i < size_; i += 2) {
      const std::uint64_t number = in_.take_zeros_and_one();
      // The sum of the two is the largest s with s (s + 1) / 2 <= number.
      std::uint64_t sum = 0;
      for (std::uint64_t step = std::uint64_t{1} << 31; step > 0; step /= 2) {
        if ((sum + step) * (sum + step + 1) / 2 <= number) sum += step;
      }
      const std::uint64_t second = number - sum * (sum + 1) / 2;
      block[i] = checked(sum - second);
      block[i + 1] = checked(second);
    }
  }

  std::uint64_t read_zero_blocks(std::uint64_t segment) {
    const std::uint64_t place = in_.take_zeros_and_one() + 1;
    if (place == kRemainderOfSegment) return segment;
    const std::uint64_t count = place < kRemainderOfSegment ? place : place - 1;
    if (count > segment) {
      throw StreamError(in_.byte_offset(), "a run of zero blocks crosses its segment");
    }
    return count;
  }

  unsigned size_;
  unsigned bit_depth_;
  Options options_;
  BitReader& in_;
};

bool is_zero(const std::uint32_t* block, unsigned size) {
  return std::all_of(block, block + size, [](std::uint32_t value) { return value == 0; });
}

}  // namespace

void write_block_adaptive(const Parameters& p, const Indices& indices, BitWriter& out) {
  Indices sequence;
  sequence.reserve(static_cast<std::size_t>(sequence_length(p)));
  visit_input(
      p, [&](const ErrorLimits& limits, std::size_t i) { sequence.push_back(limits.values[i]); },
      [&](std::uint32_t, std::uint64_t, std::size_t i) { sequence.push_back(indices[i]); });
  sequence.resize(static_cast<std::size_t>(sequence_length(p)));

  BlockWriter writer(p, out);
  const std::uint64_t blocks = sequence.size() / p.block_size;
  for (std::uint64_t block = 0; block < blocks;) {
    const std::uint32_t* const data = sequence.data() + block * p.block_size;
    const std::uint64_t segment = std::min(blocks_to_segment_end(p, block), blocks - block);
    std::uint64_t zeros = 0;
    while (zeros < segment && is_zero(data + zeros * p.block_size, p.block_size)) ++zeros;
    if (zeros > 0) {
      writer.write_zero_blocks(zeros, zeros == segment);
    } else {
      writer.write(data);
    }
    block += std::max<std::uint64_t>(zeros, 1);
  }
}

Indices read_block_adaptive(Parameters& p, BitReader& in) {
  Indices sequence(static_cast<std::size_t>(sequence_length(p)));
  BlockReader reader(p, in);
  const std::uint64_t blocks = sequence.size() / p.block_size;
  for (std::uint64_t block = 0; block < blocks;) {
    const std::uint64_t segment = std::min(blocks_to_segment_end(p, block), blocks - block);
    block += reader.read(sequence.data() + block * p.block_size, segment);
  }

  Indices indices(static_cast<std::size_t>(p.samples()));
  const std::uint32_t* next = sequence.data();
  visit_input(
      p,
      [&](ErrorLimits& limits, std::size_t i) {
        if (*next >> limits.bits != 0)
          throw StreamError(in.byte_offset(), "an error limit is out of range");
        limits.values[i] = *next++;
      },
      [&](std::uint32_t, std::uint64_t, std::size_t i) { indices[i] = *next++; });
  return indices;
}

}  // namespace ccsds123
