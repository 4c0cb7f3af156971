#include "trellis.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hyspec::latent {

namespace {

constexpr float kFar = 1e30f;
constexpr double kLargestLevel = 1e9;

// The states before each state, and the parities of the levels that lead from them.
struct Origin {
  std::uint8_t state, parity;
};
constexpr std::array<std::array<Origin, 2>, kTrellisStates> make_origins() {
  std::array<std::array<Origin, 2>, kTrellisStates> origins{};
  std::array<std::size_t, kTrellisStates> found{};
  for (std::size_t s = 0; s < kTrellisStates; ++s)
    for (std::size_t p = 0; p < 2; ++p) {
      const std::size_t next = kNextState[s][p];
      origins[next][found[next]++] = {static_cast<std::uint8_t>(s), static_cast<std::uint8_t>(p)};
    }
  return origins;
}
constexpr auto kOrigins = make_origins();

float bits_of(const LevelBits& bits, std::size_t quantiser, double level) {
  return level < 1.5 ? bits.one[quantiser]
                     : bits.two[quantiser] + bits.further * static_cast<float>(level - 2.0);
}

}  // namespace

void Trellis::start(std::uint32_t state, float bit_value) {
  bit_value_ = bit_value;
  costs_.fill(kFar);
  costs_[state] = 0.0f;
  count_ = 0;
}

void Trellis::add(float value, const LevelBits& bits, float weight) {
  Step& step = steps_[count_++];
  // Single precision does not tell the parities of large levels apart.
  const double size = std::min(value == value ? std::fabs(double{value}) : 0.0, kLargestLevel);
  const std::int32_t sign = value < 0.0f ? -1 : 1;
  // The best level of each quantiser and parity: the nearest one, or zero.
  std::array<std::array<float, 2>, 2> cost;
  for (std::size_t q = 0; q < 2; ++q) {
    const double place = size + 0.5 * static_cast<double>(q);  // of the level
    const double odd = 2.0 * std::floor(0.5 * place) + 1.0;
    const double even = std::max(2.0, 2.0 * std::floor(0.5 * place + 0.5));
    const auto price = [&](double level) {
      const auto apart = static_cast<float>(place - level);
      return weight * apart * apart + bit_value_ * bits_of(bits, q, level);
    };
    cost[q][1] = price(odd);
    step.levels[q][1] = sign * static_cast<std::int32_t>(odd);
    const auto whole = static_cast<float>(size);
    const float none = weight * whole * whole + bit_value_ * bits.zero[q], some = price(even);
    cost[q][0] = std::min(none, some);
    step.levels[q][0] = none <= some ? 0 : sign * static_cast<std::int32_t>(even);
  }
  std::array<float, kTrellisStates> next;
  float least = kFar;
  for (std::size_t s = 0; s < kTrellisStates; ++s) {
    const auto [a, b] = kOrigins[s];
    const float by_a = costs_[a.state] + cost[quantiser_of(a.state)][a.parity];
    const float by_b = costs_[b.state] + cost[quantiser_of(b.state)][b.parity];
    next[s] = std::min(by_a, by_b);
    step.before[s] = by_a <= by_b ? a.state : b.state;
    least = std::min(least, next[s]);
  }
  for (std::size_t s = 0; s < kTrellisStates; ++s) costs_[s] = next[s] - least;
}

const std::vector<std::int32_t>& Trellis::finish() {
  auto state =
      static_cast<std::size_t>(std::min_element(costs_.begin(), costs_.end()) - costs_.begin());
  for (std::size_t i = count_; i-- > 0;) {
    const Step& step = steps_[i];
    const std::size_t before = step.before[state];
    const std::size_t parity = kNextState[before][1] == state ? 1 : 0;
    levels_[i] = step.levels[quantiser_of(static_cast<std::uint32_t>(before))][parity];
    state = before;
  }
  return levels_;
}

}  // namespace hyspec::latent
