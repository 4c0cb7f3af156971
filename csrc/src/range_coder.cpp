#include "hyspec/range_coder.hpp"

#include <string>
#include <utility>

#include "hyspec/error.hpp"

namespace hyspec {
namespace {

// Section 1.3: the word that identifies the final interval whatever follows it, if need be with a
// zero word after it.
struct Seal {
  std::uint64_t point;
  bool zero_word;
};

Seal seal(std::uint64_t lower, std::uint64_t range) {
  const std::uint64_t point = lower + (detail::kMinRange - 1);
  return {point, detail::top_word(lower + range) == detail::top_word(point)};
}

void check_bits(unsigned bits) {
  if (bits > kMaxUniformBits) {
    throw Error(ErrorCode::kBadArgument,
                "uniform symbol of " + std::to_string(bits) + " bits, expected at most 16");
  }
}

}  // namespace

void RangeEncoder::carry(std::vector<std::uint32_t>& words) noexcept {
  for (std::size_t i = words.size(); i > 0; --i) {
    if (++words[i - 1] != 0) return;
  }
}

void RangeEncoder::encode_uniform(std::uint32_t value, unsigned bits) {
  check_bits(bits);
  if (value >> bits != 0) {
    throw Error(ErrorCode::kBadArgument, "value " + std::to_string(value) + " does not fit in " +
                                             std::to_string(bits) + " bits");
  }
  if (bits > 0) encode(value, 1, bits);
}

std::vector<std::uint32_t> RangeEncoder::finish() {
  // Any symbol takes the range away from its initial value, which no multiple of a scale equals.
  if (interval_.range != detail::kInitialRange) {
    const Seal s = seal(interval_.lower, interval_.range);
    if (s.point < interval_.lower) carry(words_);
    words_.push_back(detail::top_word(s.point));
    if (s.zero_word) words_.push_back(0);
  }
  interval_ = {};
  return std::exchange(words_, {});
}

RangeDecoder::RangeDecoder(Span<const std::uint32_t> words) noexcept
    : words_(words),
      offset_((words.size() > 0 ? std::uint64_t{words[0]} << detail::kWordBits : 0) |
              (words.size() > 1 ? words[1] : 0)) {}

std::uint32_t RangeDecoder::decode_uniform(unsigned bits) {
  check_bits(bits);
  if (bits == 0) return 0;
  const std::uint32_t value = quantile(bits);
  consume(value, 1, bits);
  return value;
}

void RangeDecoder::finish() const {
  const std::size_t count = words_.size();
  if (range_ == detail::kInitialRange) {
    if (count == 0) return;
    throw Error(ErrorCode::kCorrupt,
                std::to_string(count) + " words, expected none for no symbols");
  }
  // next_ = r + 2 words have been asked for, and the encoder wrote r + 1 or r + 2.
  if (count + 1 < next_) {
    throw Error(ErrorCode::kTruncated, byte_offset(),
                std::to_string(count) + " words, expected at least " + std::to_string(next_ - 1));
  }
  // The last word read fills the low half of point, where a seal has zero; so the encoder's lower
  // can be told from the distance to it.
  const std::uint64_t point = std::uint64_t{words_[next_ - 2]} << detail::kWordBits;
  const Seal s = seal(point - offset_, range_);
  const std::size_t expected = next_ - (s.zero_word ? 0 : 1);
  if (count == next_ && words_[next_ - 1] != 0) {
    throw Error(ErrorCode::kCorrupt, byte_offset(), "the message goes on after the last symbol");
  }
  if (detail::top_word(s.point) != detail::top_word(point) || count != expected) {
    throw Error(count < expected ? ErrorCode::kTruncated : ErrorCode::kCorrupt, byte_offset(),
                std::to_string(count) + " words, expected " + std::to_string(expected) +
                    " with the last symbol sealed");
  }
}

std::uint32_t RangeDecoder::word_past_end(std::size_t next, std::size_t count) {
  if (next == count) return 0;
  throw Error(ErrorCode::kTruncated, std::uint64_t{4} * count,
              "the message ends after " + std::to_string(count) + " words, before its last symbol");
}

void RangeDecoder::throw_unowned(std::uint64_t offset) {
  throw Error(ErrorCode::kCorrupt, offset, "the message points to no symbol");
}

}  // namespace hyspec
