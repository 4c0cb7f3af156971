#include "hyspec/mask_coder.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include "hyspec/bytes.hpp"
#include "hyspec/error.hpp"
#include "hyspec/range_coder.hpp"

namespace hyspec {
namespace {

// Section 4.2. The values are part of the format.
enum Mode : std::uint32_t { kSame = 0, kAllValid = 1, kAllNodata = 2, kOwn = 3 };
constexpr unsigned kModeBits = 2;

constexpr std::uint8_t kValid = 1;
constexpr std::size_t kContexts = std::size_t{1} << 13;

// Adaptive probability that a pixel is valid, out of 2^24 (section 4.4). The step starts at 1/2 and
// falls to 1/128 as the model sees pixels. A step takes at most half of the way to 0 or 2^24,
// rounded down, so freq_valid stays within [1, 2^24 - 1].
class PixelModel {
 public:
  std::uint32_t freq_valid() const noexcept { return freq_valid_; }

  void update(bool valid) noexcept {
    if (valid) {
      freq_valid_ += (kTotalFrequency - freq_valid_) >> shift_;
    } else {
      freq_valid_ -= freq_valid_ >> shift_;
    }
    if (shift_ < kSlowestShift && std::uint32_t{++seen_} + 2 == 2u << shift_) ++shift_;
  }

 private:
  static constexpr std::uint32_t kSlowestShift = 7;

  std::uint32_t freq_valid_ = kTotalFrequency / 2;
  std::uint16_t seen_ = 0;
  std::uint16_t shift_ = 1;  // floor(log2(seen + 2))
};

// One row with two pixels to its left and right. What lies outside the plane counts as valid.
class PaddedRow {
 public:
  explicit PaddedRow(std::size_t cols) : pixels_(cols + 2 * kMargin, kValid) {}

  void assign(const std::uint8_t* row, std::size_t cols) {
    if (row) {
      std::copy(row, row + cols, pixels_.begin() + kMargin);
    } else {
      std::fill(pixels_.begin(), pixels_.end(), kValid);
    }
  }
  void swap(PaddedRow& other) noexcept { pixels_.swap(other.pixels_); }
  // Column 0; columns -2 to cols + 1 may be read.
  std::uint8_t* begin() noexcept { return pixels_.data() + kMargin; }

 private:
  static constexpr std::ptrdiff_t kMargin = 2;
  std::vector<std::uint8_t> pixels_;
};

// Codes one plane pixel by pixel; encoder and decoder share it so that their contexts cannot part.
// code(model, pixel) codes *pixel or sets it. prev is the plane before, or null for all valid.
template <typename Code>
void code_plane(std::vector<PixelModel>& models, std::uint8_t* plane, const std::uint8_t* prev,
                std::size_t rows, std::size_t cols, Code&& code) {
  PaddedRow above2(cols), above1(cols), prev_here(cols), prev_below(cols);
  prev_below.assign(prev, cols);
  for (std::size_t y = 0; y < rows; ++y) {
    prev_here.swap(prev_below);
    prev_below.assign(prev && y + 1 < rows ? prev + (y + 1) * cols : nullptr, cols);
    const std::uint8_t* const a2 = above2.begin();
    const std::uint8_t* const a1 = above1.begin();
    const std::uint8_t* const ph = prev_here.begin();
    const std::uint8_t* const pb = prev_below.begin();
    std::uint8_t* const row = plane + y * cols;
    // Section 4.3: the context's five groups of neighbours, each a window that slides to the right.
    std::uint32_t w2 = (a2[-1] << 1) | a2[0];
    std::uint32_t w1 = (a1[-2] << 3) | (a1[-1] << 2) | (a1[0] << 1) | a1[1];
    std::uint32_t w0 = (kValid << 1) | kValid;
    std::uint32_t wp = ph[0];
    for (std::size_t x = 0; x < cols; ++x) {
      w2 = ((w2 << 1) | a2[x + 1]) & 7;
      w1 = ((w1 << 1) | a1[x + 2]) & 31;
      wp = ((wp << 1) | ph[x + 1]) & 3;
      code(models[(w2 << 10) | (w1 << 5) | (w0 << 3) | (wp << 1) | pb[x]], row + x);
      w0 = ((w0 << 1) | row[x]) & 3;
    }
    above2.swap(above1);
    above1.assign(row, cols);
  }
}

// Number of pixels of a plane, after checking the number of pixels of all planes.
std::size_t plane_size(std::size_t pixels, std::uint32_t count, std::uint32_t rows,
                       std::uint32_t cols) {
  const std::uint64_t size = std::uint64_t{rows} * cols;
  // size * count may exceed 64 bits, so divide.
  const bool fits =
      size == 0 || count == 0 ? pixels == 0 : pixels / count == size && pixels % count == 0;
  if (!fits) {
    throw Error(ErrorCode::kBadArgument, std::to_string(pixels) + " pixels for " +
                                             std::to_string(count) + " planes of " +
                                             std::to_string(rows) + " x " + std::to_string(cols));
  }
  return static_cast<std::size_t>(size);
}

bool all_equal(Span<const std::uint8_t> plane, std::uint8_t value) {
  return std::all_of(plane.begin(), plane.end(), [=](std::uint8_t p) { return p == value; });
}

Mode mode_of(Span<const std::uint8_t> plane, const std::uint8_t* prev) {
  if (prev ? std::equal(plane.begin(), plane.end(), prev) : all_equal(plane, kValid)) return kSame;
  if (all_equal(plane, kValid)) return kAllValid;
  if (all_equal(plane, 0)) return kAllNodata;
  return kOwn;
}

}  // namespace

std::vector<std::uint8_t> encode_masks(Span<const std::uint8_t> planes, std::uint32_t count,
                                       std::uint32_t rows, std::uint32_t cols) {
  const std::size_t size = plane_size(planes.size(), count, rows, cols);
  if (std::any_of(planes.begin(), planes.end(), [](std::uint8_t p) { return p > 1; })) {
    throw Error(ErrorCode::kBadArgument, "mask pixels other than 0 and 1");
  }
  RangeEncoder encoder;
  std::vector<PixelModel> models(kContexts);
  std::vector<std::uint8_t> copy;  // code_plane wants a plane that it may write to
  const std::uint8_t* prev = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const Span<const std::uint8_t> plane = planes.subspan(i * size, size);
    const Mode mode = mode_of(plane, prev);
    encoder.encode_uniform(mode, kModeBits);
    if (mode == kOwn) {
      copy.assign(plane.begin(), plane.end());
      code_plane(models, copy.data(), prev, rows, cols,
                 [&encoder](PixelModel& model, const std::uint8_t* pixel) {
                   const std::uint32_t split = model.freq_valid();
                   if (*pixel == kValid) {
                     encoder.encode(0, split);
                   } else {
                     encoder.encode(split, kTotalFrequency - split);
                   }
                   model.update(*pixel == kValid);
                 });
    }
    prev = plane.data();
  }
  Bytes bytes;
  put_words(bytes, encoder.finish());
  return bytes;
}

void decode_masks(Span<const std::uint8_t> bytes, std::uint32_t count, std::uint32_t rows,
                  std::uint32_t cols, Span<std::uint8_t> out) {
  const std::size_t size = plane_size(out.size(), count, rows, cols);
  if (bytes.size() % 4 != 0) {
    throw Error(ErrorCode::kTruncated, bytes.size(),
                std::to_string(bytes.size()) + " bytes of masks, expected a multiple of 4");
  }
  const std::vector<std::uint32_t> words = to_words(bytes);
  RangeDecoder decoder(words);
  std::vector<PixelModel> models(kContexts);
  const std::uint8_t* prev = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const Span<std::uint8_t> plane = out.subspan(i * size, size);
    switch (decoder.decode_uniform(kModeBits)) {
      case kSame:
        if (prev) {
          std::copy(prev, prev + size, plane.begin());
        } else {
          std::fill(plane.begin(), plane.end(), kValid);
        }
        break;
      case kAllValid: std::fill(plane.begin(), plane.end(), kValid); break;
      case kAllNodata: std::fill(plane.begin(), plane.end(), std::uint8_t{0}); break;
      default:
        if (size == 0) break;
        code_plane(models, plane.data(), prev, rows, cols,
                   [&decoder](PixelModel& model, std::uint8_t* pixel) {
                     const bool valid = decoder.decode_bit(model.freq_valid());
                     *pixel = valid ? kValid : 0;
                     model.update(valid);
                   });
    }
    prev = plane.data();
  }
  decoder.finish();
}

}  // namespace hyspec
