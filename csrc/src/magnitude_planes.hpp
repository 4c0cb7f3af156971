// Magnitudes, in half steps, of the errors of a plane and of the two before it, and what they let
// expect of the latents of a channel (docs/spectral_profile.md, section 4.5).
//
// Only what the latents of a row say of each other has to wait for them. All other terms are summed
// over whole channels and rows at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/latent_grid.hpp"
#include "hyspec/plane_model.hpp"
#include "latent_classes.hpp"

namespace hyspec::latent {

// What is known of a latent before its neighbour on the left is: sums in 1/256.
struct Surroundings {
  std::int32_t near;           // group 0, of half steps
  std::int32_t others;         // groups 1 and 2
  std::uint16_t coarse, fine;  // classes of groups 1 and 2: at most 15, and at most 23
};

// Classes of the sum of a group, at most 15 and at most 23, by its sixteenth (section 4.6).
constexpr std::int32_t kCoarse = 16, kFine = 24;
constexpr std::size_t kClassedSums = 1 << 11;  // from here on, both classes are the largest
struct GroupClasses {
  std::uint8_t coarse, fine;
};
inline const std::array<GroupClasses, kClassedSums + 1> kGroupClasses = [] {
  std::array<GroupClasses, kClassedSums + 1> classes{};
  for (std::size_t v = 0; v < classes.size(); ++v) {
    const auto sum = static_cast<std::int64_t>(v);
    classes[v] = {static_cast<std::uint8_t>(class_of(sum >> 1, kCoarse - 1)),
                  static_cast<std::uint8_t>(class_of(sum, kFine - 1))};
  }
  return classes;
}();
inline GroupClasses classes_of(std::int32_t sum) {
  return kGroupClasses[std::min(static_cast<std::size_t>(sum) >> 4, kClassedSums)];
}

class MagnitudePlanes {
 public:
  MagnitudePlanes(const PlaneModel& model, LatentGrid grid)
      : model_(model),
        grid_(grid),
        width_(grid.columns + 2),
        size_((grid.rows + 2) * width_),
        row_(grid.columns) {
    for (auto& group : sums_) group.resize(grid.rows * width_);
  }

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
  void expect(std::uint32_t c) {
    planes_[0].silent[c] = 0;
    own_ = {};
    for (auto& group : sums_) std::fill(group.begin(), group.end(), 0);
    for (const Term& term : model_.terms(c)) {
      const auto group = static_cast<std::size_t>(term.group);
      const auto age = static_cast<std::size_t>(term.age),
                 from = static_cast<std::size_t>(term.from);
      if (term.age == 0 && from == c)
        own_[group][term.down == 0 ? 0 : static_cast<std::size_t>(term.across + 2)] += term.weight;
      else if (age < planes_.size() && planes_[age].silent[from] == 0)
        add(cell(age, from) + term.down * static_cast<std::ptrdiff_t>(width_) + term.across,
            term.weight, sums_[group].data(), sums_[group].size());
    }
    // As a rule, neighbours in the channel are of the same frequency.
    west_elsewhere_ = own_[1][0] != 0 || own_[2][0] != 0;
  }

  // Begins a row of the channel, when those above are filled in.
  void start_row(std::uint32_t c, std::size_t y) {
    const std::int16_t* const north = row(c, y) - width_;
    for (std::size_t g = 0; g < kTermGroups; ++g) {
      const auto& [west, north_west, due_north, north_east] = own_[g];
      if ((north_west | due_north | north_east) == 0) continue;
      std::int32_t* const to = sums_[g].data() + y * width_;
      for (std::size_t x = 0; x < grid_.columns; ++x)
        to[x] += north_west * north[x - 1] + due_north * north[x] + north_east * north[x + 1];
    }
    row_sums_ = y * width_;
    for (std::size_t x = 0; x < grid_.columns; ++x) row_[x] = surroundings(x, 0);
  }

  // Of position x of the row, whose neighbour on the left has this magnitude: with its part in
  // group 0 left to near().
  Surroundings at(std::size_t x, std::int32_t west) const {
    return west_elsewhere_ ? surroundings(x, west) : row_[x];
  }
  // The sum of group 0.
  std::int32_t near(const Surroundings& here, std::int32_t west) const {
    return (here.near + own_[0][0] * west) >> 1;
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

  Surroundings surroundings(std::size_t x, std::int32_t west) const {
    const std::size_t i = row_sums_ + x;
    const std::int32_t frequency = (sums_[1][i] + own_[1][0] * west) >> 1;
    const std::int32_t before = (sums_[2][i] + own_[2][0] * west) >> 1;
    const GroupClasses f = classes_of(frequency), b = classes_of(before);
    return {sums_[0][i], frequency + before,
            static_cast<std::uint16_t>(f.coarse * kCoarse + b.coarse),
            static_cast<std::uint16_t>(f.fine * kFine + b.fine)};
  }

  // Rows of sums are as wide as those of magnitudes, with two places at the end that nobody asks
  // for, so that a channel is one row: long loops are fast.
  static void add(const std::int16_t* from, std::int16_t weight, std::int32_t* to,
                  std::size_t count) {
    for (std::size_t i = 0; i + 2 < count; ++i) to[i] += std::int32_t{weight} * from[i];
  }

  const PlaneModel& model_;
  LatentGrid grid_;
  std::size_t width_, size_;
  std::vector<Plane> planes_;  // that at hand, and those before it
  // Of the channel at hand: sums of half steps by group, and the weights of its own errors: west,
  // north-west, north, north-east.
  std::array<std::vector<std::int32_t>, kTermGroups> sums_;
  std::array<std::array<std::int32_t, 4>, kTermGroups> own_{};
  bool west_elsewhere_ = false;
  std::size_t row_sums_ = 0;       // where those of the row at hand begin
  std::vector<Surroundings> row_;  // of the row at hand
};

}  // namespace hyspec::latent
