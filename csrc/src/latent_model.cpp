#include "hyspec/latent_model.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "hyspec/error.hpp"

namespace hyspec {

namespace {

constexpr std::uint32_t kMaxChannels = 512;
constexpr std::int32_t kMaxGain = 4096;
constexpr std::size_t kMixers = LatentState::kDecisions * 16;
constexpr std::int32_t kFirstMixerWeight = 16384;
constexpr std::int32_t kMaxIntraWeight = 1 << 20;

// 65536 * 2^(k / 256), rounded.
constexpr std::array<std::int64_t, 256> kPowers = {
    65536,  65714,  65892,  66071,  66250,  66429,  66609,  66790,  66971,  67153,  67335,  67517,
    67700,  67884,  68068,  68252,  68438,  68623,  68809,  68996,  69183,  69370,  69558,  69747,
    69936,  70126,  70316,  70507,  70698,  70889,  71082,  71274,  71468,  71661,  71856,  72050,
    72246,  72442,  72638,  72835,  73032,  73230,  73429,  73628,  73828,  74028,  74229,  74430,
    74632,  74834,  75037,  75240,  75444,  75649,  75854,  76060,  76266,  76473,  76680,  76888,
    77096,  77305,  77515,  77725,  77936,  78147,  78359,  78572,  78785,  78998,  79212,  79427,
    79642,  79858,  80075,  80292,  80510,  80728,  80947,  81166,  81386,  81607,  81828,  82050,
    82273,  82496,  82719,  82944,  83169,  83394,  83620,  83847,  84074,  84302,  84531,  84760,
    84990,  85220,  85451,  85683,  85915,  86148,  86382,  86616,  86851,  87086,  87322,  87559,
    87796,  88034,  88273,  88513,  88752,  88993,  89234,  89476,  89719,  89962,  90206,  90451,
    90696,  90942,  91188,  91436,  91684,  91932,  92181,  92431,  92682,  92933,  93185,  93438,
    93691,  93945,  94200,  94455,  94711,  94968,  95226,  95484,  95743,  96002,  96263,  96524,
    96785,  97048,  97311,  97575,  97839,  98104,  98370,  98637,  98905,  99173,  99442,  99711,
    99982,  100253, 100524, 100797, 101070, 101344, 101619, 101895, 102171, 102448, 102726, 103004,
    103283, 103564, 103844, 104126, 104408, 104691, 104975, 105260, 105545, 105831, 106118, 106406,
    106694, 106984, 107274, 107565, 107856, 108149, 108442, 108736, 109031, 109326, 109623, 109920,
    110218, 110517, 110816, 111117, 111418, 111720, 112023, 112327, 112631, 112937, 113243, 113550,
    113858, 114167, 114476, 114787, 115098, 115410, 115723, 116036, 116351, 116667, 116983, 117300,
    117618, 117937, 118257, 118577, 118899, 119221, 119544, 119869, 120194, 120519, 120846, 121174,
    121502, 121832, 122162, 122493, 122825, 123158, 123492, 123827, 124163, 124500, 124837, 125176,
    125515, 125855, 126197, 126539, 126882, 127226, 127571, 127917, 128263, 128611, 128960, 129310,
    129660, 130012, 130364, 130718,
};

template <class State, class Function>
void for_each_slot(State& state, Function function) {
  for (auto& table : state.contexts)
    for (auto& slot : table) function(slot);
  for (auto& slot : state.quiet) function(slot);
  for (auto& slot : state.silent) function(slot);
}

void check_surroundings(const Surroundings& s, std::uint32_t channel) {
  const auto in_range = [](std::int16_t w) { return w >= 0 && w <= kMaxSurroundingWeight; };
  for (const std::int16_t weight : {s.west, s.north, s.diagonal, s.before, s.long_before})
    if (!in_range(weight))
      throw Error(ErrorCode::kBadArgument, "a weight of surroundings is out of range");
  for (std::size_t k = 0; k < Surroundings::kNeighbours; ++k)
    if (!in_range(s.in_channel[k]) || s.channel[k] < -1 ||
        s.channel[k] >= static_cast<std::int32_t>(channel))
      throw Error(ErrorCode::kBadArgument, "a channel of surroundings is out of range");
}

}  // namespace

std::int64_t gain_ratio(std::int32_t code) noexcept {
  const std::int32_t octaves = code >> 8;
  const std::int64_t power = kPowers[static_cast<std::size_t>(code & 255)];
  return octaves >= 0 ? power << octaves : power >> -octaves;
}

std::array<std::size_t, kMixedSlots> LatentState::context_sizes(std::uint32_t channels,
                                                                LatentKind kind) {
  if (kind == LatentKind::kPlanes)
    return {16 * 32, std::size_t{channels} * 16, 32 * 8, 4 * 8 * 8 * 2, 5 * 5 * 8, 32 * 16,
            16 * 32};
  return {16 * 16, std::size_t{channels} * 16, 5 * 8 * 8, 4 * 8 * 8 * 2, 5 * 5 * 8, 16 * 8 * 4,
          16 * 16};
}

LatentState::LatentState(std::uint32_t channels, LatentKind kind)
    : quiet(std::size_t{channels} * 16 * 4 * 8),
      silent(3 * 2 * 2 * 16),
      mixers(kMixers),
      intra(channels, IntraWeights{}) {
  const auto sizes = context_sizes(channels, kind);
  for (std::size_t i = 0; i < kMixedSlots; ++i) contexts[i].resize(kDecisions * sizes[i]);
  for (MixerWeights& weights : mixers) weights.fill(kFirstMixerWeight);
}

LatentModel::LatentModel(std::uint32_t channels, Span<const std::int16_t> gains, LatentState state,
                         std::vector<Surroundings> surroundings)
    : channels_(channels),
      gains_(gains.begin(), gains.end()),
      state_(std::move(state)),
      surroundings_(std::move(surroundings)) {
  if (channels == 0 || channels > kMaxChannels)
    throw Error(ErrorCode::kBadArgument, "found " + std::to_string(channels) +
                                             " channels; expected 1 to " +
                                             std::to_string(kMaxChannels));
  if (gains.empty() || gains.size() % channels != 0)
    throw Error(ErrorCode::kBadArgument, "the gains have no whole number of levels");
  for (const std::int16_t gain : gains)
    if (gain < -kMaxGain || gain > kMaxGain)
      throw Error(ErrorCode::kBadArgument, "a gain is out of range");
  if (!surroundings_.empty() && surroundings_.size() != channels)
    throw Error(ErrorCode::kBadArgument, "the surroundings are of another number of channels");
  for (std::uint32_t c = 0; c < surroundings_.size(); ++c) check_surroundings(surroundings_[c], c);
  const auto sizes = LatentState::context_sizes(channels, kind());
  if (state_.intra.size() != channels ||
      state_.contexts[0].size() != LatentState::kDecisions * sizes[0])
    throw Error(ErrorCode::kBadArgument, "the state is of another number of channels or kind");
}

LatentStateArrays to_arrays(const LatentState& state) {
  LatentStateArrays arrays;
  for_each_slot(state, [&](const Slot& slot) {
    arrays.probability.push_back(slot.probability);
    arrays.count.push_back(static_cast<std::uint8_t>(slot.count));
  });
  for (const MixerWeights& weights : state.mixers)
    arrays.mixers.insert(arrays.mixers.end(), weights.begin(), weights.end());
  for (const IntraWeights& weights : state.intra)
    arrays.intra.insert(arrays.intra.end(), weights.begin(), weights.end());
  return arrays;
}

LatentState from_arrays(std::uint32_t channels, LatentKind kind, const LatentStateArrays& arrays) {
  if (channels == 0 || channels > kMaxChannels)
    throw Error(ErrorCode::kBadArgument, "the number of channels is out of range");
  LatentState state(channels, kind);
  std::size_t slots = 0;
  for_each_slot(state, [&](const Slot&) { ++slots; });
  if (arrays.probability.size() != slots || arrays.count.size() != slots ||
      arrays.mixers.size() != kMixers * (kMixedSlots + 1) ||
      arrays.intra.size() != channels * kIntraTaps)
    throw Error(ErrorCode::kBadArgument, "the state has " +
                                             std::to_string(arrays.probability.size()) +
                                             " slots; expected " + std::to_string(slots));
  const auto beyond = [](std::int32_t limit) {
    return [limit](std::int32_t w) { return w < -limit || w > limit; };
  };
  if (std::any_of(arrays.mixers.begin(), arrays.mixers.end(), beyond(kMaxMixerWeight)) ||
      std::any_of(arrays.intra.begin(), arrays.intra.end(), beyond(kMaxIntraWeight)) ||
      std::any_of(arrays.count.begin(), arrays.count.end(),
                  [](std::uint8_t n) { return n > kMixedLimit; }))
    throw Error(ErrorCode::kBadArgument, "a weight or count of the state is out of range");
  std::size_t next = 0;
  for_each_slot(state, [&](Slot& slot) {
    slot.probability = arrays.probability[next];
    slot.count = arrays.count[next];
    ++next;
  });
  for (std::size_t i = 0; i < arrays.mixers.size(); ++i)
    state.mixers[i / (kMixedSlots + 1)][i % (kMixedSlots + 1)] = arrays.mixers[i];
  for (std::size_t i = 0; i < arrays.intra.size(); ++i)
    state.intra[i / kIntraTaps][i % kIntraTaps] = arrays.intra[i];
  return state;
}

}  // namespace hyspec
