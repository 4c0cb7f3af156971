#include "hyspec/plane_coder.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "dependent_quantiser.hpp"
#include "hyspec/error.hpp"
#include "latent_bits.hpp"
#include "latent_classes.hpp"
#include "latent_filter.hpp"
#include "latent_magnitude.hpp"
#include "latent_sources.hpp"
#include "magnitude_planes.hpp"
#include "plane_contexts.hpp"
#include "silent_channels.hpp"
#include "trellis.hpp"
#include "wide_mixed_bit.hpp"
#include "wide_registers.hpp"

namespace hyspec {

using namespace latent;

namespace {

// Levels whose half steps are 32-bit integers.
constexpr std::int64_t kLargestLevel = (std::int64_t{1} << 30) - 1;
// Values below this many steps are likely to become zero.
constexpr float kLikelyZero = 0.6f;

// Where the levels of a channel come from. silent(): whether all of them are zero. level(): that of
// latent i, less the centre, when its quantiser is known and the probability `one`, out of 65536,
// that this is not zero.

struct GivenHalfSteps {
  const std::int32_t* values;
  bool silent(std::size_t count) const { return Given{values}.silent(count); }
  std::int64_t level(std::size_t i, std::int32_t centre, std::uint32_t quantiser,
                     std::uint32_t) const {
    const std::int64_t size = magnitude(values[i]) + (values[i] != 0 ? quantiser : 0);
    if (size % 2 != 0)
      throw Error(ErrorCode::kBadArgument, "a latent is " + std::to_string(values[i]) +
                                               " half steps; its quantiser has " +
                                               (quantiser == 0 ? "even ones" : "odd ones and 0"));
    return (values[i] < 0 ? -size : size) / 2 - centre;
  }
};

struct RoundedLevels {
  Rounded rounded;
  bool silent(std::size_t count) const { return rounded.silent(count); }
  std::int64_t level(std::size_t i, std::int32_t centre, std::uint32_t, std::uint32_t one) const {
    return std::clamp(rounded.choose(i, centre, one), -kLargestLevel, kLargestLevel) - centre;
  }
};

struct ChosenLevels {
  const std::int32_t* levels;
  bool silent(std::size_t count) const { return Given{levels}.silent(count); }
  std::int64_t level(std::size_t i, std::int32_t, std::uint32_t, std::uint32_t) const {
    return levels[i];
  }
};

struct UnknownLevels {
  bool silent(std::size_t) const { return false; }
  std::int64_t level(std::size_t, std::int32_t, std::uint32_t, std::uint32_t) const { return 0; }
};

}  // namespace

// One chunk in progress: planes before, adaptive state.
class PlaneCoder::Walk {
 public:
  Walk(const PlaneModel& model, LatentGrid grid, bool dependent)
      : dependent_(dependent),
        state_(model.state()),
        contexts_(logistic_tables(), model.channels(), state_),
        grid_(grid),
        magnitudes_(model, grid),
        spread_(model.channels(), 64),
        silent_(model.channels()),
        filter_(Taps{state_.intra[0], state_.intra[1], state_.intra[2]}) {}

  bool dependent() const noexcept { return dependent_; }

  void next_plane() { magnitudes_.next_plane(); }

  // The next channel of the plane; its latents are written to `out`, which may be what `source`
  // reads.
  template <class Bits, class Source>
  void channel(Bits& bits, std::uint32_t c, const Source& source, std::int32_t* out) {
    const std::size_t positions = grid_.positions();
    if (silent_.code(bits, state_.silent, c, spread_[c], source.silent(positions))) {
      std::fill_n(out, positions, 0);
      magnitudes_.skip(c);
      spread_[c] -= spread_[c] >> 2;
    } else if (wide_) {
      wide_levels(bits, c, source, out);
    } else {
      plain_levels(bits, c, source, out);
    }
  }

  // Levels of the next channel, of latents in steps: those that cost least by what is known before.
  ChosenLevels choose(std::uint32_t c, const float* latents, float gain, float bit_value,
                      const float* weights) {
    if (wide_) return wide_chosen(c, latents, gain, bit_value, weights);
    return chosen<TwiceMixedBit>(c, latents, gain, bit_value, weights);
  }

  PlaneState state() const {
    PlaneState result = state_;
    for (std::size_t k = 0; k < kIntraTaps; ++k)
      result.intra[k] = static_cast<std::int32_t>(filter_.weights()[k]);
    return result;
  }

 private:
  [[gnu::flatten, HYSPEC_WIDE]] ChosenLevels wide_chosen(std::uint32_t c, const float* latents,
                                                         float gain, float bit_value,
                                                         const float* weights) {
    return chosen<WideMixedBit>(c, latents, gain, bit_value, weights);
  }

  template <class MixedBit>
  ChosenLevels chosen(std::uint32_t c, const float* latents, float gain, float bit_value,
                      const float* weights) {
    magnitudes_.expect(c);
    contexts_.start_search(c);
    std::int32_t spread = spread_[c];
    if (!trellis_) trellis_.emplace(grid_.positions());
    trellis_->start(turn_, bit_value);
    for (std::size_t y = 0, i = 0; y < grid_.rows; ++y) {
      std::int16_t* const row = magnitudes_.row(c, y);
      magnitudes_.start_row(c, y);
      for (std::size_t x = 0; x < grid_.columns; ++x, ++i) {
        const float value = latents[i] * gain;
        const Surroundings here = magnitudes_.at(x, row[x - 1]);
        const std::int32_t near = magnitudes_.near(here, row[x - 1]);
        trellis_->add(value,
                      contexts_.template bits<MixedBit>(Place(c, here, near, spread),
                                                        std::fabs(value) >= kLikelyZero),
                      weights == nullptr ? 1.0f : weights[i]);
        const float size = std::min(std::fabs(value), static_cast<float>(kMostCounted));
        const std::int32_t likely =
            size >= kLikelyZero ? static_cast<std::int32_t>(2.0f * size + 0.5f) : 0;
        row[x] = static_cast<std::int16_t>(std::min(likely, kMostCounted));
        adapt_spread(spread, (likely + 1) / 2);
      }
    }
    return {trellis_->finish().data()};
  }

  // Flattened: the state of the range coder lives in registers only if all is inlined.
  template <class Bits, class Source>
  [[gnu::flatten, HYSPEC_WIDE]] void wide_levels(Bits& bits, std::uint32_t c, const Source& source,
                                                 std::int32_t* out) {
    if (c == 0)
      levels<true, WideMixedBit>(bits, c, source, out);
    else
      levels<false, WideMixedBit>(bits, c, source, out);
  }
  template <class Bits, class Source>
  [[gnu::flatten]] void plain_levels(Bits& bits, std::uint32_t c, const Source& source,
                                     std::int32_t* out) {
    if (c == 0)
      levels<true, TwiceMixedBit>(bits, c, source, out);
    else
      levels<false, TwiceMixedBit>(bits, c, source, out);
  }

  template <bool predicted, class MixedBit, class Bits, class Source>
  void levels(Bits& shared, std::uint32_t c, const Source& source, std::int32_t* out) {
    Bits bits = shared;
    magnitudes_.expect(c);
    contexts_.start(c);
    std::int32_t spread = spread_[c];
    std::uint32_t turn = turn_;
    for (std::size_t y = 0, i = 0; y < grid_.rows; ++y) {
      std::int16_t* const row = magnitudes_.row(c, y);
      magnitudes_.start_row(c, y);
      std::int32_t west = 0;  // magnitude of the neighbour on the left
      for (std::size_t x = 0; x < grid_.columns; ++x, ++i) {
        Taps taps{};
        std::int32_t prediction = 0;
        if (predicted) {
          taps = neighbours(out, x, y, i);
          prediction = filter_.predict(taps);
        }
        const std::int32_t centre = (prediction + kUnit / 2) >> 4;
        const std::uint32_t quantiser = predicted ? 0 : quantiser_of(turn);
        const Surroundings here = magnitudes_.at(x, west);
        const std::int64_t level = code<MixedBit>(
            bits, Place(c, here, magnitudes_.near(here, west), spread), quantiser,
            [&](std::uint32_t one) { return source.level(i, centre, quantiser, one); });
        out[i] = whole_latent(half_steps(centre + level, quantiser));
        const std::int64_t error = magnitude(half_steps(level, quantiser));
        west = static_cast<std::int32_t>(std::min<std::int64_t>(error, kMostCounted));
        row[x] = static_cast<std::int16_t>(west);
        adapt_spread(spread, magnitude(level));
        if (!predicted && dependent_) turn = kNextState[turn][index(magnitude(level) & 1)];
        if (predicted && !all_zero(taps)) {
          const std::int64_t miss = held(std::int64_t{kUnit} / 2 * out[i] - prediction);
          if (miss != 0) filter_.adapt(taps, miss);
        }
      }
    }
    spread_[c] = spread;
    turn_ = turn;
    shared = bits;
  }

  static void adapt_spread(std::int32_t& spread, std::int64_t size) {
    spread += (static_cast<std::int32_t>(std::min<std::int64_t>(size, 100)) * 64 - spread) >> 4;
  }

  // Latents of channel 0 are whole steps (section 4.4).
  Taps neighbours(const std::int32_t* z, std::size_t x, std::size_t y, std::size_t i) const {
    const std::size_t columns = grid_.columns;
    const auto tap = [&](std::size_t at) { return held(std::int64_t{kUnit} / 2 * z[at]); };
    Taps taps{};
    if (x > 0) taps[0] = tap(i - 1);
    if (y > 0) taps[1] = tap(i - columns);
    if (x > 0 && y > 0) taps[2] = tap(i - columns - 1);
    return taps;
  }

  // A level (sections 4.6 and 4.7). choose(one) says what it is, of an encoder, when it is known
  // what it costs: `one` is the probability that it is not zero.
  template <class MixedBit, class Bits, class Choose>
  std::int64_t code(Bits& bits, const Place& place, std::uint32_t quantiser, const Choose& choose) {
    std::int64_t value = 0;
    const auto significant = [&](std::uint32_t one) {
      value = choose(one);
      return value != 0;
    };
    const auto decide = [&](std::size_t decision, const auto& wanted) {
      return contexts_.template mixed<MixedBit>(place, decision, [&](MixedBit& model) {
        const bool bit = bits.bit(model.probability(), wanted(model.probability()));
        model.learn(bit);
        return bit;
      });
    };
    if (place.is_quiet()) {
      Slot& quiet = contexts_.quiet(place, quantiser);
      const std::uint32_t one = PlaneContexts::probability(quiet);
      const bool bit = bits.bit(one, significant(one));
      update(quiet, bit, kLoneLimit);
      if (!bit) return 0;
    } else if (!decide(zero_decision(quantiser), significant)) {
      return 0;
    }
    const bool negative = bits.raw(value < 0 ? 1 : 0, 1) != 0;
    const auto more = [&](std::int64_t n, bool bit) {
      return decide(more_decision(n, quantiser), [&](std::uint32_t) { return bit; });
    };
    const std::int64_t size =
        code_magnitude(bits, place.low_bits(), magnitude(value) - 1, more) + 1;
    return negative ? -size : size;
  }

  bool dependent_;
  bool wide_ = has_wide_registers();
  PlaneState state_;
  PlaneContexts contexts_;
  LatentGrid grid_;
  MagnitudePlanes magnitudes_;
  std::vector<std::int32_t> spread_;  // per channel: mean level, in 1/64
  SilentChannels silent_;
  Filter filter_;                   // of channel 0
  std::uint32_t turn_ = 0;          // state of the quantisers
  std::optional<Trellis> trellis_;  // of encoders alone
};

PlaneCoder::PlaneCoder(const PlaneModel& model, LatentGrid grid, bool dependent)
    : model_(model),
      positions_(grid.positions()),
      walk_(std::make_unique<Walk>(model, grid, dependent)) {}
PlaneCoder::~PlaneCoder() = default;

PlaneState PlaneCoder::state() const { return walk_->state(); }

void PlaneCoder::encode(RangeEncoder& encoder, std::uint32_t, Span<const std::int32_t> latents) {
  std::vector<std::int32_t> copy(positions_);
  Writer bits{RangeEncoder::Run(encoder)};
  walk_->next_plane();
  for (std::uint32_t c = 0; c < model_.channels(); ++c)
    walk_->channel(bits, c, GivenHalfSteps{latents.data() + c * positions_}, copy.data());
  bits.run.end();
}

void PlaneCoder::encode(RangeEncoder& encoder, std::uint32_t level, Span<const float> latents,
                        LatentRounding rounding, Span<std::int32_t> rounded) {
  Writer bits{RangeEncoder::Run(encoder)};
  walk_->next_plane();
  const float* const weights = rounding.weights.empty() ? nullptr : rounding.weights.data();
  for (std::uint32_t c = 0; c < model_.channels(); ++c) {
    const float* const values = latents.data() + c * positions_;
    std::int32_t* const out = rounded.data() + c * positions_;
    float gain = gain_factor(model_.gain(level, c));
    float bit_value = rounding.bit_value;
    if (walk_->dependent()) {
      gain /= kDependentStep;
      bit_value /= kDependentStep * kDependentStep;
    }
    if (walk_->dependent() && c > 0)
      walk_->channel(bits, c, walk_->choose(c, values, gain, bit_value, weights), out);
    else
      walk_->channel(bits, c, RoundedLevels{{logistic_tables(), values, gain, bit_value, weights}},
                     out);
  }
  bits.run.end();
}

void PlaneCoder::decode(RangeDecoder& decoder, std::uint32_t, Span<std::int32_t> latents) {
  Reader bits{decoder};
  walk_->next_plane();
  for (std::uint32_t c = 0; c < model_.channels(); ++c)
    walk_->channel(bits, c, UnknownLevels{}, latents.data() + c * positions_);
  decoder = bits.decoder;
}

double PlaneCoder::learn(std::uint32_t, Span<const std::int32_t> latents) {
  std::vector<std::int32_t> copy(positions_);
  Meter bits;
  walk_->next_plane();
  for (std::uint32_t c = 0; c < model_.channels(); ++c)
    walk_->channel(bits, c, GivenHalfSteps{latents.data() + c * positions_}, copy.data());
  return bits.bits;
}

}  // namespace hyspec
