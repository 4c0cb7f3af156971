// Channels of a band or plane that are zero throughout (docs/band_profile.md, section 4.2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "hyspec/adaptive_bit.hpp"
#include "latent_classes.hpp"

namespace hyspec::latent {

class SilentChannels {
 public:
  explicit SilentChannels(std::uint32_t channels) : silent_(channels, 0) {}

  // Codes whether channel c, the next one, is silent; spread is that of the channel, in 1/64.
  template <class Bits>
  bool code(Bits& bits, std::vector<Slot>& slots, std::uint32_t c, std::int32_t spread,
            bool silent) {
    constexpr std::uint32_t kLeast = 64;
    const int before = first_ ? 2 : silent_[c];
    const int left = c >= 1 ? silent_[c - 1] : 1, left2 = c >= 2 ? silent_[c - 2] : 1;
    Slot& slot = slots[index(((before * 2 + left) * 2 + left2) * 16 + class_of(spread >> 1, 15))];
    const std::uint32_t one = std::clamp<std::uint32_t>(slot.probability, kLeast, 65536 - kLeast);
    silent = bits.bit(one, silent);
    update(slot, silent, kMixedLimit);
    silent_[c] = silent ? 1 : 0;
    first_ = first_ && c + 1 < silent_.size();
    return silent;
  }

 private:
  std::vector<std::uint8_t> silent_;  // of this band as far as it is known, then of the one before
  bool first_ = true;
};

}  // namespace hyspec::latent
