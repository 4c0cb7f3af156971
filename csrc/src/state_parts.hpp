// Conversion of the state of adaptive models to arrays and back, whatever its parts are.
//
// A state has slots, in tables of contexts and apart, and weights of mixers, which a function of
// its own, for_each_weight(state, function), visits in the order of the file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "hyspec/adaptive_bit.hpp"
#include "hyspec/error.hpp"
#include "hyspec/state_arrays.hpp"

namespace hyspec {

constexpr std::int32_t kMaxIntraWeight = 1 << 20;

// Slots in the order of the file.
template <class State, class Function>
void for_each_slot(State& state, Function function) {
  for (auto& table : state.contexts)
    for (auto& slot : table) function(slot);
  for (auto& slot : state.quiet) function(slot);
  for (auto& slot : state.silent) function(slot);
}

template <class State>
void store_models(const State& state, StateArrays& arrays) {
  for_each_slot(state, [&](const Slot& slot) {
    arrays.probability.push_back(slot.probability);
    // Slots with long memory may have seen more than files hold.
    arrays.count.push_back(static_cast<std::uint8_t>(std::min<unsigned>(slot.count, kMixedLimit)));
  });
  for_each_weight(state, [&](std::int32_t weight) { arrays.mixers.push_back(weight); });
}

// Error(kBadArgument) if sizes are not those of the state, or a weight or count is out of range.
template <class State>
void load_models(const StateArrays& arrays, std::size_t intra, State& state) {
  std::size_t slots = 0, weights = 0;
  for_each_slot(state, [&](const Slot&) { ++slots; });
  for_each_weight(state, [&](std::int32_t) { ++weights; });
  const auto check = [](std::size_t found, std::size_t expected, const char* what) {
    if (found != expected)
      throw Error(ErrorCode::kBadArgument, "the state has " + std::to_string(found) + " " + what +
                                               "; expected " + std::to_string(expected));
  };
  check(arrays.probability.size(), slots, "slots");
  check(arrays.count.size(), slots, "counts of slots");
  check(arrays.mixers.size(), weights, "weights of mixers");
  check(arrays.intra.size(), intra, "weights of the prediction");
  const auto beyond = [](std::int32_t limit) {
    return [limit](std::int32_t w) { return w < -limit || w > limit; };
  };
  if (std::any_of(arrays.mixers.begin(), arrays.mixers.end(), beyond(kMaxMixerWeight)) ||
      std::any_of(arrays.intra.begin(), arrays.intra.end(), beyond(kMaxIntraWeight)) ||
      std::any_of(arrays.count.begin(), arrays.count.end(),
                  [](std::uint8_t n) { return n > kMixedLimit; }))
    throw Error(ErrorCode::kBadArgument, "a weight or count of the state is out of range");
  std::size_t next = 0, weight = 0;
  for_each_slot(state, [&](Slot& slot) {
    slot.probability = arrays.probability[next];
    slot.count = arrays.count[next];
    ++next;
  });
  for_each_weight(state, [&](std::int32_t& w) { w = arrays.mixers[weight++]; });
}

}  // namespace hyspec
