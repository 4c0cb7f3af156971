// Gains of the latents of a network: by what they are multiplied before they are rounded.
#pragma once

#include <cstdint>
#include <vector>

#include "hyspec/span.hpp"

namespace hyspec {

// Units of gain codes: this many to a factor of two.
constexpr std::int32_t kGainsPerOctave = 256;
constexpr std::uint32_t kMaxChannels = 512;

// Factor 2^(code / 256) in units of 2^-16, for codes within +-3072.
std::int64_t gain_ratio(std::int32_t code) noexcept;

class LatentGains {
 public:
  // codes: levels x channels. Error(kBadArgument) if there is no level or channel, more than 512
  // channels, or a code beyond +-4096.
  LatentGains(std::uint32_t channels, Span<const std::int16_t> codes);

  std::uint32_t channels() const noexcept { return channels_; }
  std::uint32_t levels() const noexcept {
    return static_cast<std::uint32_t>(codes_.size() / channels_);
  }
  std::int32_t code(std::uint32_t level, std::uint32_t channel) const noexcept {
    return codes_[std::size_t{level} * channels_ + channel];
  }

 private:
  std::uint32_t channels_;
  std::vector<std::int16_t> codes_;
};

}  // namespace hyspec
