// What the fuzz targets of payloads share: numbers made of the input, and gains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "hyspec/latent_gains.hpp"
#include "hyspec/span.hpp"

namespace hyspec_fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

// A level is an eighth of an octave; channels differ by less.
inline hyspec::LatentGains make_gains(std::uint32_t levels, std::uint32_t channels) {
  std::vector<std::int16_t> codes;
  for (std::uint32_t i = 0; i < levels * channels; ++i)
    codes.push_back(static_cast<std::int16_t>(32 * (i / channels) + 11 * (i % channels)));
  return hyspec::LatentGains(channels, codes);
}

// Numbers made of the input; zeros after its end.
class Numbers {
 public:
  explicit Numbers(hyspec::Span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t byte() { return next_ < bytes_.size() ? bytes_[next_++] : 0; }
  std::uint32_t below(std::uint32_t limit) { return (byte() << 8 | byte()) % limit; }
  // Small ones mostly, any int32 now and then.
  std::int32_t number() {
    const std::uint8_t b = byte();
    if (b < 240) return static_cast<std::int32_t>(b % 16) - 8;
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return static_cast<std::int32_t>(value);
  }
  // Appends the mask of a band; false if none of its samples is valid.
  bool mask(std::vector<std::uint8_t>& valid, std::uint64_t pixels) {
    const std::uint32_t density = below(4);  // 0: none is valid
    bool some = false;
    for (std::uint64_t i = 0; i < pixels; ++i) {
      valid.push_back(density != 0 && below(4) < density ? 1 : 0);
      some = some || valid.back() != 0;
    }
    return some;
  }
  // Real numbers less than one above whole ones.
  std::vector<float> near(const std::vector<std::int32_t>& whole) {
    std::vector<float> real;
    for (const std::int32_t value : whole)
      real.push_back(static_cast<float>(value) + static_cast<float>(byte()) / 256.0f);
    return real;
  }
  hyspec::Span<const std::uint8_t> rest() const {
    return bytes_.subspan(next_, bytes_.size() - next_);
  }

 private:
  hyspec::Span<const std::uint8_t> bytes_;
  std::size_t next_ = 0;
};

}  // namespace hyspec_fuzz
