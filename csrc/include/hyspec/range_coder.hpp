// Range coder: turns (start, frequency) pairs out of a total of 2^24 or less into 32-bit words and
// back.
//
// A message is a number. The encoder keeps the interval [lower, lower + range) of all numbers that
// still stand for the symbols seen so far; every symbol shrinks it to the part that the symbol's
// frequency grants it. Whenever range falls below 2^32, the top word of lower is settled but for a
// carry, goes out, and the rest moves up by one word. The words are those of the range coder of the
// `constriction` library with 32-bit words, 64-bit state and 24-bit precision.
//
// docs/entropy_coder.md is the normative description; section numbers below refer to it.
//
// References: R. C. Pasco, Source coding algorithms for fast data compression, dissertation,
// Stanford University, 1976; G. N. N. Martin, Range encoding: an algorithm for removing redundancy
// from a digitised message, Video & Data Recording Conference, 1979.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/span.hpp"

namespace hyspec {

// Frequencies are counted out of 2^24, or out of a smaller power of two that divides it up
// (section 1.1).
constexpr unsigned kPrecisionBits = 24;
constexpr std::uint32_t kTotalFrequency = std::uint32_t{1} << kPrecisionBits;
// Uniform models of more bits than this are split into several symbols (section 1.5).
constexpr unsigned kMaxUniformBits = 16;

namespace detail {
constexpr unsigned kWordBits = 32;
constexpr std::uint64_t kMinRange = std::uint64_t{1} << kWordBits;
constexpr std::uint64_t kInitialRange = ~std::uint64_t{0};
constexpr std::uint32_t top_word(std::uint64_t x) {
  return static_cast<std::uint32_t>(x >> kWordBits);
}
// What one out of 2^bits is worth: that of 24 bits, many times over.
constexpr std::uint64_t scale(std::uint64_t range, unsigned bits) {
  return (range >> kPrecisionBits) << (kPrecisionBits - bits);
}
}  // namespace detail

// Invariant between calls: range >= 2^32, hence scale = range >> 24 is at least 256.
//
// Carries. words_ followed by the two words of lower is, read as one number in base 2^32, the
// exact lower end of the interval: a wrap of lower adds one to words_ at once. `constriction`
// instead holds words back while lower + range >= 2^64 (its "inverted situation") and emits them
// when it is known whether the carry comes. Both give the same words, because they are the digits
// of the same number:
//  - lower can wrap only if lower + range > 2^64, which is when words are held back there;
//  - every further word emitted in that situation is 2^32 - 1, since range < 2^32 and
//    lower + range >= 2^64 leave lower >= 2^64 - 2^32; so what is held back is one word w followed
//    by words 2^32 - 1, which a carry turns into w + 1 followed by zeros: what adding one does;
//  - w + 1 does not overflow: when w was emitted, lower + range < 2^64 held, and the interval
//    reached beyond (w + 1) * 2^32.
// The carry never runs over the front of words_: the interval lies inside the initial [0, 2^64).
class RangeEncoder {
 public:
  // Codes a symbol that owns [start, start + freq) out of [0, 2^bits).
  // The caller guarantees bits <= 24, freq >= 1 and start + freq <= 2^bits.
  void encode(std::uint32_t start, std::uint32_t freq, unsigned bits = kPrecisionBits) {
    narrow(interval_, words_, start, freq, bits);
  }

  // Codes a number of `bits` equally likely bits. Error(kBadArgument) if bits > 16 or the value
  // does not fit; nothing is written for bits == 0.
  void encode_uniform(std::uint32_t value, unsigned bits);

  // Seals the message, returns its words and leaves a fresh encoder. No symbol, no words.
  std::vector<std::uint32_t> finish();

 private:
  struct Interval {
    std::uint64_t lower = 0;
    std::uint64_t range = detail::kInitialRange;
  };

 public:
  // A run of symbols whose interval lives in the caller's registers, for loops that must be fast.
  // The encoder itself may be used again after end(), and the run goes on after resume().
  class Run {
   public:
    explicit Run(RangeEncoder& encoder) : encoder_(&encoder), interval_(encoder.interval_) {}
    void encode(std::uint32_t start, std::uint32_t freq, unsigned bits = kPrecisionBits) {
      narrow(interval_, encoder_->words_, start, freq, bits);
    }
    void end() { encoder_->interval_ = interval_; }
    void resume() { interval_ = encoder_->interval_; }

   private:
    RangeEncoder* encoder_;
    Interval interval_;
  };

 private:
  static void narrow(Interval& i, std::vector<std::uint32_t>& words, std::uint32_t start,
                     std::uint32_t freq, unsigned bits) {
    const std::uint64_t scale = detail::scale(i.range, bits);
    const std::uint64_t step = scale * start;
    i.lower += step;
    if (i.lower < step) carry(words);
    i.range = scale * freq;
    if (i.range < detail::kMinRange) {
      // freq >= 1, so range >= old range >> 24 >= 2^8 here: one shift restores the invariant.
      words.push_back(detail::top_word(i.lower));
      i.lower <<= detail::kWordBits;
      i.range <<= detail::kWordBits;
    }
  }
  static void carry(std::vector<std::uint32_t>& words) noexcept;

  Interval interval_;
  std::vector<std::uint32_t> words_;
};

// Decodes what RangeEncoder wrote. The words must outlive the decoder.
//
// Only the distance offset_ = point - lower is kept, where point is the 64-bit window of the
// message that the encoder's lower refers to: offset_ < range_ always, and no carry ever occurs.
//
// Bounds. An encoder that shifted r times and saw at least one symbol wrote r words and then one or
// two more to seal the message; the decoder reads two words at first and one per shift, r + 2 in
// all. So a whole message is read at most one word past its end, where zero is taken; needing more
// is Error(kTruncated). The empty message has no words and no symbols.
class RangeDecoder {
 public:
  explicit RangeDecoder(Span<const std::uint32_t> words) noexcept;

  // Where in [0, 2^bits) the message points: the next symbol is the one that owns this number.
  // Error(kCorrupt) if it points into the remainder that no symbol owns.
  std::uint32_t quantile(unsigned bits = kPrecisionBits) const {
    const std::uint64_t q = offset_ / detail::scale(range_, bits);
    if (q >> bits != 0) throw_unowned(byte_offset());
    return static_cast<std::uint32_t>(q);
  }

  // Steps over the symbol that owns [start, start + freq), which must contain quantile(bits).
  void consume(std::uint32_t start, std::uint32_t freq, unsigned bits = kPrecisionBits) {
    const std::uint64_t scale = detail::scale(range_, bits);
    offset_ -= scale * start;
    range_ = scale * freq;
    refill();
  }

  // Decodes a binary symbol: true owns [0, freq_true), false the rest; 1 <= freq_true < 2^24.
  // The same as quantile() and consume(), without a division.
  bool decode_bit(std::uint32_t freq_true) {
    const std::uint64_t scale = range_ >> kPrecisionBits;
    const std::uint64_t split = scale * freq_true;
    const bool bit = offset_ < split;
    if (bit) {
      range_ = split;
    } else {
      if (offset_ >= scale << kPrecisionBits) throw_unowned(byte_offset());
      offset_ -= split;
      range_ = scale * (kTotalFrequency - freq_true);
    }
    refill();
    return bit;
  }

  // Decodes a number of `bits` equally likely bits. Error(kBadArgument) if bits > 16.
  std::uint32_t decode_uniform(unsigned bits);
  // One of them, without a division.
  bool decode_even_bit() {
    const std::uint64_t half = detail::scale(range_, 1);
    const std::uint64_t bit = offset_ >= half ? 1 : 0;
    offset_ -= half & (std::uint64_t{0} - bit);  // no branch: nobody could foretell it
    if (offset_ >= half) throw_unowned(byte_offset());
    range_ = half;
    refill();
    return bit != 0;
  }

  // Checks, after the last symbol, that the words end here and are sealed as the encoder seals
  // them: Error(kTruncated) if words are missing, Error(kCorrupt) if any are left or differ.
  void finish() const;

  // Offset in bytes of the next word to be read, for error messages.
  std::uint64_t byte_offset() const noexcept {
    return std::uint64_t{4} * (next_ < words_.size() ? next_ : words_.size());
  }

 private:
  void refill() {
    if (range_ < detail::kMinRange) {
      const std::uint32_t word =
          next_ < words_.size() ? words_[next_] : word_past_end(next_, words_.size());
      ++next_;
      offset_ = (offset_ << detail::kWordBits) | word;
      range_ <<= detail::kWordBits;
    }
  }
  // Static, so that a loop can keep a copy of the decoder in registers.
  static std::uint32_t word_past_end(std::size_t next, std::size_t count);
  [[noreturn]] static void throw_unowned(std::uint64_t offset);

  Span<const std::uint32_t> words_;
  std::size_t next_ = 2;
  std::uint64_t offset_;
  std::uint64_t range_ = detail::kInitialRange;
};

}  // namespace hyspec
