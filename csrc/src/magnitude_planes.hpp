// Magnitudes, in half steps, of the errors of a plane and of the two before it, and what they let
// expect of the latents of a channel (docs/spectral_profile.md, section 4.5).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/latent_grid.hpp"
#include "hyspec/plane_model.hpp"

namespace hyspec::latent {

// Magnitude that is expected of a latent, in 1/256 of a step, by groups of terms.
struct Expected {
  std::array<std::int32_t, kTermGroups> groups;
  std::int32_t sum() const noexcept { return groups[0] + groups[1] + groups[2]; }
};

// Weights of the errors of the channel itself: west, north-west, north, north-east, by group.
struct OwnWeights {
  std::array<std::array<std::int32_t, 4>, kTermGroups> groups{};
};

class MagnitudePlanes {
 public:
  MagnitudePlanes(const PlaneModel& model, LatentGrid grid)
      : model_(model),
        grid_(grid),
        width_(grid.columns + 2),
        size_((grid.rows + 2) * width_),
        expected_{std::vector<std::int32_t>(grid.positions()),
                  std::vector<std::int32_t>(grid.positions()),
                  std::vector<std::int32_t>(grid.positions())} {}

  void next_plane() {
    // Grown with the planes that have been seen: a message that ends early costs little memory.
    if (planes_.size() <= kMaxTermAge) planes_.emplace_back(model_.channels(), size_);
    std::rotate(planes_.rbegin(), planes_.rbegin() + 1, planes_.rend());
  }

  // The channel is zero throughout.
  void skip(std::uint32_t c) {
    Plane& plane = planes_[0];
    plane.silent[c] = 1;
    std::fill_n(plane.values.begin() + static_cast<std::ptrdiff_t>(c * size_), size_,
                std::int16_t{0});
  }

  // Magnitudes of one row of a channel, to be filled in from left to right. There is a zero at
  // either end, and a row of zeros above the first one.
  std::int16_t* row(std::uint32_t c, std::size_t y) { return cell(0, c) + y * width_; }

  // What the other channels and planes let expect of a channel, which is coded next.
  OwnWeights expect(std::uint32_t c) {
    OwnWeights own;
    planes_[0].silent[c] = 0;
    for (auto& group : expected_) std::fill(group.begin(), group.end(), 0);
    for (const Term& term : model_.terms(c)) {
      const auto group = static_cast<std::size_t>(term.group);
      const auto age = static_cast<std::size_t>(term.age),
                 from = static_cast<std::size_t>(term.from);
      if (term.age == 0 && from == c)
        own.groups[group][term.down == 0 ? 0 : static_cast<std::size_t>(term.across + 2)] +=
            term.weight;
      else if (age < planes_.size() && planes_[age].silent[from] == 0)
        add(cell(age, from) + term.down * static_cast<std::ptrdiff_t>(width_) + term.across,
            term.weight, expected_[group].data());
    }
    return own;
  }

  // Of position i, whose own magnitude will be written to `here`.
  Expected expected(std::size_t i, const OwnWeights& own, const std::int16_t* here) const {
    const std::int16_t* const north = here - width_;
    const std::array<std::int32_t, 4> around = {here[-1], north[-1], north[0], north[1]};
    Expected result;
    for (std::size_t g = 0; g < kTermGroups; ++g) {
      result.groups[g] = expected_[g][i];
      for (std::size_t k = 0; k < around.size(); ++k)
        result.groups[g] += own.groups[g][k] * around[k];
      result.groups[g] >>= 1;  // of half steps
    }
    return result;
  }

 private:
  struct Plane {
    Plane(std::size_t channels, std::size_t size) : values(channels * size), silent(channels, 1) {}
    std::vector<std::int16_t> values;  // channels x (rows + 2) x (columns + 2)
    std::vector<std::uint8_t> silent;  // per channel
  };

  // The first position of a channel.
  std::int16_t* cell(std::size_t age, std::size_t c) {
    return planes_[age].values.data() + c * size_ + width_ + 1;
  }

  void add(const std::int16_t* from, std::int16_t weight, std::int32_t* to) const {
    for (std::size_t y = 0; y < grid_.rows; ++y, from += width_, to += grid_.columns)
      for (std::size_t x = 0; x < grid_.columns; ++x) to[x] += std::int32_t{weight} * from[x];
  }

  const PlaneModel& model_;
  LatentGrid grid_;
  std::size_t width_, size_;
  std::vector<Plane> planes_;  // that at hand, and those before it
  std::array<std::vector<std::int32_t>, kTermGroups> expected_;  // of the channel at hand
};

}  // namespace hyspec::latent
