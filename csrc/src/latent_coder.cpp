#include "hyspec/latent_coder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "latent_bits.hpp"
#include "latent_classes.hpp"
#include "latent_filter.hpp"
#include "latent_magnitude.hpp"
#include "latent_sources.hpp"
#include "silent_channels.hpp"

namespace hyspec {

using namespace latent;

namespace {

// Gains of two bands count as no further apart than twelve octaves.
constexpr std::int32_t kMaxGainApart = 12 * kGainsPerOctave;
// Classes of the activity where all around is quiet.
constexpr std::int32_t kCalm = 8;

}  // namespace

// One chunk in progress: bands before, adaptive state.
class LatentCoder::Walk {
 public:
  Walk(const LatentModel& model, LatentGrid grid)
      : model_(model),
        tables_(logistic_tables()),
        state_(model.state()),
        grid_(grid),
        activity_(grid.positions()),
        behind_(grid.positions()),
        references_{std::vector<std::int32_t>(grid.positions()),
                    std::vector<std::int32_t>(grid.positions()),
                    std::vector<std::int32_t>(grid.positions())},
        rows_{std::vector<std::int32_t>(grid.columns + 2),
              std::vector<std::int32_t>(grid.columns + 2)},
        spread_(model.channels(), 64),
        silent_(model.channels()),
        weights_(model.channels()) {
    for (std::uint32_t c = 0; c < model.channels(); ++c)
      for (std::size_t k = 0; k < kTaps; ++k) weights_[c][k] = kFirstWeights[k];
  }

  // Codes one band; latents are written to `out`, which may be what `source` reads.
  template <class Bits, class MakeSource>
  void band(Bits& bits, std::uint32_t level, MakeSource make_source, std::int32_t* out) {
    const std::size_t positions = grid_.positions();
    std::swap(errors_[0], errors_[1]);
    for (auto& errors : errors_) errors.resize(model_.channels() * positions);
    // Grown with the bands that have been seen: a message that ends early costs little memory.
    if (past_.size() < kPast) past_.emplace_back(model_.channels() * positions);
    std::rotate(past_.rbegin(), past_.rbegin() + 1, past_.rend());
    levels_ = {level, levels_[0], levels_[1], levels_[2]};
    std::fill(activity_.begin(), activity_.end(), 0);
    for (std::uint32_t c = 0; c < model_.channels(); ++c) {
      std::int32_t* const plane = out + c * positions;
      const auto source = make_source(c);
      if (silent_.code(bits, state_.silent, c, spread_[c], source.silent(positions)))
        skip(c, plane);
      else if (bands_ == 0)
        channel<true>(bits, c, source, plane);
      else
        channel<false>(bits, c, source, plane);
      std::copy_n(plane, positions, past_[0].data() + c * positions);
    }
    ++bands_;
  }

  const LatentState& state() const noexcept { return state_; }

 private:
  static constexpr std::size_t kPast = 4;  // the band itself and three before it

  void skip(std::uint32_t c, std::int32_t* plane) {
    const std::size_t positions = grid_.positions();
    std::fill_n(plane, positions, 0);
    std::fill_n(errors_[0].data() + c * positions, positions, 0);
    for (std::int32_t& a : activity_) a -= a >> 3;
    spread_[c] -= spread_[c] >> 2;
  }

  // Ratio of the gain of this band to that of the one `age` bands before.
  std::int64_t ratio(std::uint32_t c, std::size_t age) const {
    const std::int32_t apart = model_.gain(levels_[0], c) - model_.gain(levels_[age], c);
    return gain_ratio(std::clamp(apart, -kMaxGainApart, kMaxGainApart));
  }

  // Latents of a band before, in sixteenths of this band's steps.
  void refer(std::uint32_t c, std::size_t age, std::vector<std::int32_t>& out) const {
    const std::size_t positions = grid_.positions();
    const std::int32_t* const plane = past_[age].data() + c * positions;
    const std::int64_t scale = ratio(c, age);
    for (std::size_t i = 0; i < positions; ++i) out[i] = held(plane[i] * scale >> 12);
  }

  // Errors of the band before around each position, those that come later in this band among them.
  void look_behind(const std::int32_t* e1) {
    const std::size_t columns = grid_.columns, positions = grid_.positions();
    for (std::size_t i = 0; i < positions; ++i) behind_[i] = 2 * std::abs(e1[i]);
    for (std::size_t i = 0; i + columns < positions; ++i) behind_[i] += std::abs(e1[i + columns]);
    for (std::size_t y = 0, i = 0; y < grid_.rows; ++y, ++i)
      for (std::size_t x = 0; x + 1 < columns; ++x, ++i) behind_[i] += std::abs(e1[i + 1]);
  }

  // What surrounds one latent (section 4.5).
  struct Around {
    std::int32_t near,
        behind;         // magnitudes of errors in this band, and in the one before
    std::int32_t mean;  // error of the channel, in 1/64
    std::int32_t spread,
        activity;  // classes of it, and of the position's over the channels
  };

  // Errors with their signs.
  struct Errors {
    std::int32_t west, north,
        same;            // beside it, and of the same place in the band before
    std::int64_t apart;  // of the second band before, as a prediction, from the centre
  };

  static std::array<std::size_t, kMixedSlots> contexts(const Around& a, const Errors& errors,
                                                       const Split& split, std::uint32_t c,
                                                       bool first) {
    const std::int32_t near = class_of(a.near, 7), behind = class_of(a.behind, 7);
    const std::int64_t apart = std::int64_t{split.sign} * errors.apart;
    const std::int32_t opinion = apart < -24   ? 0
                                 : apart < -12 ? 1
                                 : apart < -4  ? 2
                                 : apart <= 4  ? 3
                                 : apart <= 12 ? 4
                                 : apart <= 24 ? 5
                                               : 6;
    const auto small = [&](std::int32_t error) {
      return std::clamp(error * split.sign, -2, 2) + 2;
    };
    const auto size =
        static_cast<std::int32_t>(std::min<std::int64_t>(3, magnitude(std::int64_t{split.centre})));
    const std::int32_t half = split.lean > 3 ? 1 : 0;
    return {index(split.lean * 16 + near + (first ? 8 : 0)),
            index(std::int64_t{c} * 16 + a.spread),
            index((small(errors.same) * 8 + behind) * 8 + near),
            index(((size * 8 + opinion) * 8 + behind) * 2 + half),
            index((small(errors.west) * 5 + small(errors.north)) * 8 + a.spread / 2),
            index((a.activity * 8 + behind) * 4 + size),
            index(a.spread * 16 + behind + 8 * half)};
  }

  // Flattened: the state of the range coder lives in registers only if all is inlined.
  template <bool first, class Bits, class Source>
  [[gnu::flatten]] void channel(Bits& bits, std::uint32_t c, const Source& source,
                                std::int32_t* q) {
    const std::size_t columns = grid_.columns;
    if (!first) {
      // A band that is missing is stood in for by the one after it.
      const std::size_t age2 = bands_ >= 2 ? 2 : 1, age3 = bands_ >= 3 ? 3 : age2;
      refer(c, 1, references_[0]);
      refer(c, age2, references_[1]);
      refer(c, age3, references_[2]);
    }
    const std::int32_t* const ref1 = references_[0].data();
    const std::int32_t* const ref2 = references_[1].data();
    const std::int32_t* const ref3 = references_[2].data();
    std::int32_t* const e = errors_[0].data() + c * grid_.positions();
    const std::int32_t* const e1 = errors_[1].data() + c * grid_.positions();
    look_behind(e1);
    // Magnitudes of the errors of this row and the one before, with a zero at both ends.
    std::int32_t* north_row = rows_[0].data();
    std::int32_t* row = rows_[1].data();
    std::fill_n(row, columns + 2, 0);
    std::int32_t spread = spread_[c];
    Filter filter(first ? first_weights(c) : weights_[c]);
    for (std::size_t y = 0, i = 0; y < grid_.rows; ++y) {
      std::swap(north_row, row);
      row[0] = row[columns + 1] = 0;
      for (std::size_t x = 0; x < columns; ++x, ++i) {
        const bool has_west = x > 0, has_north = y > 0;
        const std::int32_t west = has_west ? q[i - 1] : 0;
        const std::int32_t north = has_north ? q[i - columns] : 0;
        const std::int32_t r1 = first ? 0 : ref1[i], r2 = first ? 0 : ref2[i];
        Taps taps{};
        if (first) {
          taps[0] = held(std::int64_t{kUnit} * west);
          taps[1] = held(std::int64_t{kUnit} * north);
          taps[2] = has_west && has_north ? held(std::int64_t{kUnit} * q[i - columns - 1]) : 0;
        } else {
          taps[0] = r1;
          taps[1] = r2;
          taps[2] = ref3[i];
          taps[3] = has_west ? held(std::int64_t{kUnit} * west - ref1[i - 1]) : 0;
          taps[4] = has_north ? held(std::int64_t{kUnit} * north - ref1[i - columns]) : 0;
        }
        const bool flat = all_zero(taps);
        const std::int32_t prediction = flat ? 0 : filter.predict(taps);
        const Split split(prediction, r2 < r1);

        const std::int32_t beside = row[x], above = north_row[x + 1];
        const std::int32_t askew = north_row[x] + north_row[x + 2];
        const Around around = {2 * (beside + above) + askew, behind_[i], spread,
                               class_of(spread >> 2, 15), class_of(activity_[i], 15)};
        const auto errors = [&] {
          return Errors{has_west ? e[i - 1] : 0, has_north ? e[i - columns] : 0, e1[i],
                        r2 - std::int64_t{split.centre} * kUnit};
        };
        const std::int64_t left =
            code<first>(bits, c, around, split, errors, [&](std::uint32_t one) {
              return split.sign * (source.choose(i, split.centre, one) - split.centre);
            });
        q[i] = whole_latent(split.centre + split.sign * left);
        e[i] = held(split.sign * left);
        row[x + 1] = std::abs(e[i]);

        // Section 4.4: adaptation.
        const auto much = static_cast<std::int32_t>(std::min<std::int64_t>(magnitude(left), 100));
        activity_[i] += 4 * std::min(much, 20);
        activity_[i] -= activity_[i] >> 3;
        spread += (much * 64 - spread) >> 4;
        if (flat) continue;
        const std::int64_t miss = held(std::int64_t{kUnit} * q[i] - prediction);
        if (miss != 0) filter.adapt(taps, miss);
      }
    }
    spread_[c] = spread;
    if (first)
      for (std::size_t k = 0; k < kIntraTaps; ++k)
        state_.intra[c][k] = static_cast<std::int32_t>(filter.weights()[k]);
    else
      weights_[c] = filter.weights();
  }

  Taps first_weights(std::uint32_t c) const {
    Taps weights{};
    std::copy(state_.intra[c].begin(), state_.intra[c].end(), weights.begin());
    return weights;
  }

  // What a prediction leaves, mirrored (section 4.5). choose(one) says what it is, of an encoder,
  // when it is known what it costs: `one` is the probability that it is not zero.
  template <bool first, class Bits, class Near, class Choose>
  std::int64_t code(Bits& bits, std::uint32_t c, const Around& around, const Split& split,
                    const Near& errors, const Choose& choose) {
    std::int64_t value = 0;
    const auto significant = [&](std::uint32_t one) {
      value = choose(one);
      return value != 0;
    };
    const bool calm =
        around.near == 0 && around.behind == 0 && split.centre == 0 && split.lean <= 3;
    if (calm) {
      Slot& quiet =
          state_.quiet[index(((std::int64_t{c} * 16 + around.spread) * 4 + split.lean) * kCalm +
                             std::min(around.activity, kCalm - 1))];
      const std::uint32_t one = std::clamp<std::uint32_t>(quiet.probability, 16, 65520);
      const bool bit = bits.bit(one, significant(one));
      update(quiet, bit, kLoneLimit);
      if (!bit) return 0;
    }
    const std::array<std::size_t, kMixedSlots> base = contexts(around, errors(), split, c, first);
    const std::size_t set = index(around.spread / 2 * 2 + (first ? 1 : 0));
    const auto decide = [&](std::size_t decision, auto wanted) {
      std::array<Slot*, kMixedSlots> slots;
      for (std::size_t k = 0; k < kMixedSlots; ++k)
        slots[k] = &state_.contexts[k][decision * sizes_[k] + base[k]];
      MixedBit model(tables_, slots, state_.mixers[decision * 16 + set]);
      const bool bit = bits.bit(model.probability(), wanted(model.probability()));
      model.learn(bit);
      return bit;
    };
    if (!calm && !decide(0, significant)) return 0;
    const bool negative = decide(1, [&](std::uint32_t) { return value < 0; });
    const auto more = [&](std::int64_t n, bool bit) {
      return decide(index(std::min<std::int64_t>(7, 2 + n)), [&](std::uint32_t) { return bit; });
    };
    // Wide distributions leave their lowest bits to chance.
    const unsigned octaves = floor_log2(index(std::max(around.mean, 64) >> 6));
    const unsigned low_bits = octaves > 2 ? octaves - 2 : 0;
    const std::int64_t size = code_magnitude(bits, low_bits, magnitude(value) - 1, more) + 1;
    return negative ? -size : size;
  }

  const LatentModel& model_;
  const LogisticTables& tables_;
  LatentState state_;
  LatentGrid grid_;
  const std::array<std::size_t, kMixedSlots> sizes_ = LatentState::context_sizes(model_.channels());
  std::size_t bands_ = 0;
  std::array<std::uint32_t, kPast> levels_{};
  std::vector<std::vector<std::int32_t>> past_;          // latents of this band and those before
  std::array<std::vector<std::int32_t>, 2> errors_;      // value - centre, now and in the last band
  std::vector<std::int32_t> activity_;                   // per position, over the channels so far
  std::vector<std::int32_t> behind_;                     // per position: errors of the last band
  std::array<std::vector<std::int32_t>, 3> references_;  // of the channel in hand
  std::array<std::vector<std::int32_t>, 2> rows_;        // magnitudes of errors, as said there
  std::vector<std::int32_t> spread_;                     // per channel: mean error, in 1/64
  SilentChannels silent_;
  std::vector<Taps> weights_;  // per channel
};

LatentCoder::LatentCoder(const LatentModel& model, LatentGrid grid)
    : model_(model), positions_(grid.positions()), walk_(std::make_unique<Walk>(model, grid)) {}
LatentCoder::~LatentCoder() = default;

const LatentState& LatentCoder::state() const noexcept { return walk_->state(); }

void LatentCoder::encode(RangeEncoder& encoder, std::uint32_t level,
                         Span<const std::int32_t> latents) {
  std::vector<std::int32_t> copy(latents.size());
  Writer bits{RangeEncoder::Run(encoder)};
  walk_->band(
      bits, level, [&](std::uint32_t c) { return Given{latents.data() + c * positions_}; },
      copy.data());
  bits.run.end();
}

void LatentCoder::encode(RangeEncoder& encoder, std::uint32_t level, Span<const float> latents,
                         LatentRounding rounding, Span<std::int32_t> rounded) {
  Writer bits{RangeEncoder::Run(encoder)};
  const auto source = [&](std::uint32_t c) {
    const float gain = gain_factor(model_.gain(level, c));
    return Rounded{logistic_tables(), latents.data() + c * positions_, gain, rounding.bit_value};
  };
  walk_->band(bits, level, source, rounded.data());
  bits.run.end();
}

void LatentCoder::decode(RangeDecoder& decoder, std::uint32_t level, Span<std::int32_t> latents) {
  Reader bits{decoder};
  walk_->band(bits, level, [](std::uint32_t) { return Unknown{}; }, latents.data());
  decoder = bits.decoder;
}

double LatentCoder::learn(std::uint32_t level, Span<const std::int32_t> latents) {
  std::vector<std::int32_t> copy(latents.size());
  Meter bits;
  walk_->band(
      bits, level, [&](std::uint32_t c) { return Given{latents.data() + c * positions_}; },
      copy.data());
  return bits.bits;
}

}  // namespace hyspec
