#include "hyspec/latent_model.hpp"

#include <utility>

#include "hyspec/error.hpp"
#include "state_parts.hpp"

namespace hyspec {

// Found by state_parts.hpp.
template <class State, class Function>
static void for_each_weight(State& state, Function function) {
  for (auto& set : state.mixers)
    for (auto& weight : set) function(weight);
}

namespace {

constexpr std::size_t kMixers = LatentState::kDecisions * 16;
constexpr std::int32_t kFirstMixerWeight = 16384;

}  // namespace

std::array<std::size_t, kMixedSlots> LatentState::context_sizes(std::uint32_t channels) {
  return {16 * 16, std::size_t{channels} * 16, 5 * 8 * 8, 4 * 8 * 8 * 2, 5 * 5 * 8, 16 * 8 * 4,
          16 * 16};
}

LatentState::LatentState(std::uint32_t channels)
    : quiet(std::size_t{channels} * 16 * 4 * 8),
      silent(kSilentSlots),
      mixers(kMixers),
      intra(channels, IntraWeights{}) {
  const auto sizes = context_sizes(channels);
  for (std::size_t i = 0; i < kMixedSlots; ++i) contexts[i].resize(kDecisions * sizes[i]);
  for (MixerWeights& weights : mixers) weights.fill(kFirstMixerWeight);
}

LatentModel::LatentModel(LatentGains gains, LatentState state)
    : gains_(std::move(gains)), state_(std::move(state)) {
  if (state_.intra.size() != gains_.channels())
    throw Error(ErrorCode::kBadArgument, "the state is of another number of channels");
}

StateArrays to_arrays(const LatentState& state) {
  StateArrays arrays;
  store_models(state, arrays);
  for (const IntraWeights& weights : state.intra)
    arrays.intra.insert(arrays.intra.end(), weights.begin(), weights.end());
  return arrays;
}

LatentState latent_state(std::uint32_t channels, const StateArrays& arrays) {
  LatentState state(channels);
  load_models(arrays, channels * kIntraTaps, state);
  for (std::size_t i = 0; i < arrays.intra.size(); ++i)
    state.intra[i / kIntraTaps][i % kIntraTaps] = arrays.intra[i];
  return state;
}

}  // namespace hyspec
