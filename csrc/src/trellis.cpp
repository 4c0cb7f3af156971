#include "trellis.hpp"

#include "dependent_quantiser.hpp"

namespace hyspec::latent {

namespace {

constexpr float kFar = 1e30f;

// How a state is reached: as which of the states of a butterfly.
struct Reached {
  std::uint8_t butterfly, as;
};
constexpr std::array<Reached, kTrellisStates> make_reached() {
  std::array<Reached, kTrellisStates> reached{};
  for (std::uint8_t as = 0; as < 2; ++as)
    for (std::uint8_t k = 0; k < 4; ++k) reached[kButterflies.to[as][k]] = {k, as};
  return reached;
}
constexpr auto kReached = make_reached();

// From the first state of a butterfly, an even level leads to its first state, from the second one
// an odd level; and costs of butterflies 0 and 2 are those of quantiser 0.
constexpr bool agrees_with_turns() {
  for (std::size_t k = 0; k < 4; ++k)
    for (std::size_t f = 0; f < 2; ++f) {
      const std::uint8_t state = kButterflies.from[f][k];
      if (quantiser_of(state) != k % 2) return false;
      for (std::size_t parity = 0; parity < 2; ++parity)
        if (kNextState[state][parity] != kButterflies.to[f ^ parity][k]) return false;
    }
  return true;
}
static_assert(agrees_with_turns());

}  // namespace

void Trellis::start(std::uint32_t state, float bit_value) {
  bit_value_ = bit_value;
  for (std::size_t f = 0; f < 2; ++f)
    for (std::size_t k = 0; k < 4; ++k)
      costs_[f][k] = kButterflies.from[f][k] == state ? 0.0f : kFar;
  count_ = 0;
}

const std::vector<std::int32_t>& Trellis::finish() {
  std::size_t state = 0;
  float least = 2 * kFar;
  for (std::size_t f = 0; f < 2; ++f)
    for (std::size_t k = 0; k < 4; ++k)
      if (costs_[f][k] < least) {
        least = costs_[f][k];
        state = kButterflies.from[f][k];
      }
  for (std::size_t i = count_; i-- > 0;) {
    const Step& step = steps_[i];
    const auto [k, as] = kReached[state];
    const std::size_t from = step.first[k] >> as & 1 ? 0 : 1;
    levels_[i] = step.levels[k % 2][from ^ as];
    state = kButterflies.from[from][k];
  }
  return levels_;
}

}  // namespace hyspec::latent
