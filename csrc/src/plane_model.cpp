#include "hyspec/plane_model.hpp"

#include <algorithm>
#include <string>

#include "hyspec/error.hpp"
#include "state_parts.hpp"

namespace hyspec {

// Found by state_parts.hpp.
template <class State, class Function>
static void for_each_weight(State& state, Function function) {
  for (auto* sets : {&state.by_magnitude, &state.by_channel})
    for (auto& set : *sets)
      for (auto& weight : set) function(weight);
}

namespace {

constexpr std::int32_t kFirstMixerWeight = 19661;

void check_term(const Term& t, std::uint32_t channels) {
  const auto within = [](std::int32_t value, std::int32_t low, std::int32_t high) {
    return value >= low && value <= high;
  };
  const auto last = static_cast<std::int32_t>(channels) - 1;
  if (!within(t.channel, 0, last) || !within(t.from, 0, last) ||
      !within(t.group, 0, kTermGroups - 1) || !within(t.age, 0, kMaxTermAge) ||
      !within(t.down, -1, 1) || !within(t.across, -1, 1) || !within(t.weight, 1, kMaxTermWeight))
    throw Error(ErrorCode::kBadArgument, "a term of the surroundings is out of range");
  const bool decoded = t.age > 0 || t.from < t.channel ||
                       (t.from == t.channel && (t.down < 0 || (t.down == 0 && t.across < 0)));
  if (!decoded)
    throw Error(ErrorCode::kBadArgument,
                "a term of the surroundings takes what is not decoded yet");
}

}  // namespace

std::array<std::size_t, kPairSlots> PlaneState::context_sizes(std::uint32_t channels) {
  return {std::size_t{channels} * kMagnitudes, 16 * 16 * 16, 16 * kMagnitudes, 24 * 24};
}

PlaneState::PlaneState(std::uint32_t channels)
    : quiet(std::size_t{channels} * 16 * 8 * 2),
      silent(kSilentSlots),
      by_magnitude(kDecisions * kMagnitudes),
      by_channel(kDecisions * channels) {
  const auto sizes = context_sizes(channels);
  for (std::size_t i = 0; i < kPairSlots; ++i) contexts[i].resize(kDecisions * sizes[i]);
  for_each_weight(*this, [](std::int32_t& weight) { weight = kFirstMixerWeight; });
}

PlaneModel::PlaneModel(LatentGains gains, PlaneState state, std::vector<Term> terms)
    : gains_(std::move(gains)),
      state_(std::move(state)),
      terms_(std::move(terms)),
      first_(channels() + 1) {
  if (state_.by_channel.size() != PlaneState::kDecisions * channels())
    throw Error(ErrorCode::kBadArgument, "the state is of another number of channels");
  for (const Term& term : terms_) check_term(term, channels());
  std::stable_sort(terms_.begin(), terms_.end(),
                   [](const Term& a, const Term& b) { return a.channel < b.channel; });
  for (const Term& term : terms_) ++first_[static_cast<std::size_t>(term.channel) + 1];
  for (std::size_t c = 0; c < channels(); ++c) {
    if (first_[c + 1] > kMostTerms)
      throw Error(ErrorCode::kBadArgument, "a channel has more than " + std::to_string(kMostTerms) +
                                               " terms of its surroundings");
    first_[c + 1] += first_[c];
  }
}

StateArrays to_arrays(const PlaneState& state) {
  StateArrays arrays;
  store_models(state, arrays);
  arrays.intra.assign(state.intra.begin(), state.intra.end());
  return arrays;
}

PlaneState plane_state(std::uint32_t channels, const StateArrays& arrays) {
  PlaneState state(channels);
  load_models(arrays, kIntraTaps, state);
  std::copy(arrays.intra.begin(), arrays.intra.end(), state.intra.begin());
  return state;
}

}  // namespace hyspec
