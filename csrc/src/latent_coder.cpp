#include "hyspec/latent_coder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "hyspec/error.hpp"
#include "latent_bits.hpp"
#include "latent_classes.hpp"
#include "latent_filter.hpp"
#include "latent_sources.hpp"

namespace hyspec {

using namespace latent;

namespace {

// Gains of two bands count as no further apart than twelve octaves.
constexpr std::int32_t kMaxGainApart = 12 * kGainsPerOctave;
// Magnitudes count up to this much in what is expected of planes (section 4.7).
constexpr std::int32_t kMostCounted = 4095;
// Classes of what is left around a latent where all is quiet; what is expected is less than that.
constexpr std::int32_t kCalm = 8;
// Magnitudes (section 4.6).
constexpr std::int32_t kUnary = 14;
constexpr std::uint32_t kSilentLeast = 64;

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
        expected_(model.kind() == LatentKind::kPlanes ? grid.positions() : 0),
        references_{std::vector<std::int32_t>(grid.positions()),
                    std::vector<std::int32_t>(grid.positions()),
                    std::vector<std::int32_t>(grid.positions())},
        rows_{std::vector<std::int32_t>(grid.columns + 2),
              std::vector<std::int32_t>(grid.columns + 2)},
        spread_(model.channels(), 64),
        silent_(model.channels(), 0),
        weights_(model.channels()) {
    for (std::uint32_t c = 0; c < model.channels(); ++c)
      for (std::size_t k = 0; k < kTaps; ++k) weights_[c][k] = kFirstWeights[k];
  }

  // Codes one band; latents are written to `out`, which may be what `source` reads.
  template <class Bits, class MakeSource>
  void band(Bits& bits, std::uint32_t level, MakeSource make_source, std::int32_t* out) {
    const std::size_t positions = grid_.positions();
    const std::size_t kept = model_.kind() == LatentKind::kPlanes ? 3 : 2;
    while (past_errors_.size() < std::min<std::size_t>(kept, bands_ + 2))
      past_errors_.emplace_back(model_.channels() * positions);
    std::rotate(past_errors_.rbegin(), past_errors_.rbegin() + 1, past_errors_.rend());
    // Grown with the bands that have been seen: a message that ends early costs little memory.
    if (past_.size() < kPast) past_.emplace_back(model_.channels() * positions);
    std::rotate(past_.rbegin(), past_.rbegin() + 1, past_.rend());
    levels_ = {level, levels_[0], levels_[1], levels_[2]};
    std::fill(activity_.begin(), activity_.end(), 0);
    bool left = true, left2 = true;
    for (std::uint32_t c = 0; c < model_.channels(); ++c) {
      std::int32_t* const plane = out + c * positions;
      const auto source = make_source(c);
      const bool silent = code_silent(bits, c, left, left2, source.silent(positions));
      left2 = std::exchange(left, silent);
      silent_[c] = silent ? 1 : 0;
      if (silent)
        skip(c, plane);
      else if (model_.kind() == LatentKind::kPlanes)
        channel<LatentKind::kPlanes>(bits, c, source, plane);
      else
        channel<LatentKind::kBands>(bits, c, source, plane);
      std::copy_n(plane, positions, past_[0].data() + c * positions);
    }
    ++bands_;
  }

  const LatentState& state() const noexcept { return state_; }

 private:
  static constexpr std::size_t kPast = 4;  // the band itself and three before it

  // Section 4.2.
  template <class Bits>
  bool code_silent(Bits& bits, std::uint32_t c, bool left, bool left2, bool silent) {
    const int before = bands_ == 0 ? 2 : silent_[c];
    Slot& slot =
        state_
            .silent[index(((before * 2 + left) * 2 + left2) * 16 + class_of(spread_[c] >> 1, 15))];
    const std::uint32_t one =
        std::clamp<std::uint32_t>(slot.probability, kSilentLeast, 65536 - kSilentLeast);
    silent = bits.bit(one, silent);
    update(slot, silent, kMixedLimit);
    return silent;
  }

  void skip(std::uint32_t c, std::int32_t* plane) {
    const std::size_t positions = grid_.positions();
    std::fill_n(plane, positions, 0);
    std::fill_n(errors(0, c), positions, 0);
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

  // Errors of a channel in the band at hand, or `age` bands before it.
  std::int32_t* errors(std::size_t age, std::uint32_t c) {
    return past_errors_[age].data() + c * grid_.positions();
  }

  // Expected magnitudes of the errors of a channel, as far as they do not depend on the channel
  // itself (section 4.7).
  void expect(std::uint32_t c) {
    const Surroundings& around = model_.surroundings(c);
    std::fill(expected_.begin(), expected_.end(), 0);
    const auto add = [&](const std::int32_t* e, std::int32_t weight) {
      if (weight == 0) return;
      for (std::size_t i = 0; i < expected_.size(); ++i)
        expected_[i] += weight * std::min(std::abs(e[i]), kMostCounted);
    };
    for (std::size_t k = 0; k < Surroundings::kNeighbours; ++k)
      if (around.channel[k] >= 0)
        add(errors(0, static_cast<std::uint32_t>(around.channel[k])), around.in_channel[k]);
    add(errors(1, c), around.before);
    if (past_errors_.size() > 2) add(errors(2, c), around.long_before);
  }

  // Errors of the band before around each position, those that come later in this band among them.
  void look_behind(const std::int32_t* e1) {
    const std::size_t columns = grid_.columns, positions = grid_.positions();
    for (std::size_t i = 0; i < positions; ++i) behind_[i] = 2 * std::abs(e1[i]);
    for (std::size_t i = 0; i + columns < positions; ++i) behind_[i] += std::abs(e1[i + columns]);
    for (std::size_t y = 0, i = 0; y < grid_.rows; ++y, ++i)
      for (std::size_t x = 0; x + 1 < columns; ++x, ++i) behind_[i] += std::abs(e1[i + 1]);
  }

  // What surrounds one latent (sections 4.5 and 4.7).
  struct Around {
    std::int32_t near, behind;      // magnitudes of errors in this band, and in the one before
    std::int32_t mean;              // error of the channel, in 1/64
    std::int32_t spread, activity;  // classes of it, and of the position's over the channels
    std::int32_t expected;          // magnitude of the error, in 1/256; of planes
  };

  // Errors with their signs.
  struct Errors {
    std::int32_t west, north, same;  // beside it, and of the same place in the band before
    std::int64_t apart;              // of the second band before, as a prediction, from the centre
  };

  template <LatentKind kind>
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
    const std::size_t of_channel = index(std::int64_t{c} * 16 + a.spread);
    const std::size_t of_opinion = index(((size * 8 + opinion) * 8 + behind) * 2 + half);
    const std::size_t of_sides =
        index((small(errors.west) * 5 + small(errors.north)) * 8 + a.spread / 2);
    if (kind == LatentKind::kPlanes) {
      const std::int32_t expected = class_of(a.expected >> 4, 31);
      return {index(split.lean * 32 + expected),
              of_channel,
              index(expected * 8 + near),
              of_opinion,
              of_sides,
              index(expected * 16 + a.activity),
              index(a.spread * 32 + expected)};
    }
    return {index(split.lean * 16 + near + (first ? 8 : 0)),
            of_channel,
            index((small(errors.same) * 8 + behind) * 8 + near),
            of_opinion,
            of_sides,
            index((a.activity * 8 + behind) * 4 + size),
            index(a.spread * 16 + behind + 8 * half)};
  }

  template <LatentKind kind, class Bits, class Source>
  void channel(Bits& bits, std::uint32_t c, const Source& source, std::int32_t* q) {
    if (bands_ == 0)
      channel<kind, true>(bits, c, source, q);
    else
      channel<kind, false>(bits, c, source, q);
  }

  // Flattened: the state of the range coder lives in registers only if all is inlined.
  template <LatentKind kind, bool first, class Bits, class Source>
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
    std::int32_t* const e = errors(0, c);
    const std::int32_t* const e1 = errors(1, c);
    look_behind(e1);
    Surroundings surroundings;
    if (kind == LatentKind::kPlanes) {
      surroundings = model_.surroundings(c);
      expect(c);
    }
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
        Around around = {
            2 * (beside + above) + askew, behind_[i], spread, class_of(spread >> 2, 15),
            class_of(activity_[i], 15),   0};
        if (kind == LatentKind::kPlanes)
          around.expected = expected_[i] + surroundings.west * beside + surroundings.north * above +
                            surroundings.diagonal * askew;
        const auto errors = [&] {
          return Errors{has_west ? e[i - 1] : 0, has_north ? e[i - columns] : 0, e1[i],
                        r2 - std::int64_t{split.centre} * kUnit};
        };
        const std::int64_t left =
            code<kind, first>(bits, c, around, split, errors, [&](std::uint32_t one) {
              return split.sign * (source.choose(i, split.centre, one) - split.centre);
            });
        const std::int64_t found = split.centre + split.sign * left;
        if (found < std::numeric_limits<std::int32_t>::min() ||
            found > std::numeric_limits<std::int32_t>::max())
          throw Error(ErrorCode::kCorrupt, 0, "a latent is no 32-bit integer");
        q[i] = static_cast<std::int32_t>(found);
        e[i] = held(split.sign * left);
        row[x + 1] = std::abs(e[i]);
        if (kind == LatentKind::kPlanes) row[x + 1] = std::min(row[x + 1], kMostCounted);

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
  template <LatentKind kind, bool first, class Bits, class Near, class Choose>
  std::int64_t code(Bits& bits, std::uint32_t c, const Around& around, const Split& split,
                    const Near& errors, const Choose& choose) {
    std::int64_t value = 0;
    const auto significant = [&](std::uint32_t one) {
      value = choose(one);
      return value != 0;
    };
    constexpr bool planes = kind == LatentKind::kPlanes;
    const bool alone = planes ? around.expected < kCalm : around.near == 0 && around.behind == 0;
    const bool calm = alone && split.centre == 0 && split.lean <= 3;
    if (calm) {
      const std::int32_t rest = planes ? around.expected : std::min(around.activity, 7);
      Slot& quiet = state_.quiet[index(
          ((std::int64_t{c} * 16 + around.spread) * 4 + split.lean) * kCalm + rest)];
      const std::uint32_t one = std::clamp<std::uint32_t>(quiet.probability, 16, 65520);
      const bool bit = bits.bit(one, significant(one));
      update(quiet, bit, kLoneLimit);
      if (!bit) return 0;
    }
    const std::array<std::size_t, kMixedSlots> base =
        contexts<kind>(around, errors(), split, c, first);
    const std::size_t set = index(planes ? class_of(around.expected >> 4, 31) / 2
                                         : around.spread / 2 * 2 + (first ? 1 : 0));
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
    // Wide distributions leave their lowest bits to chance.
    const std::int32_t octaves =
        planes ? whole_octaves(around.expected, 8) : std::max(0, whole_octaves(around.mean, 6) - 2);
    return code_value(bits, decide, static_cast<unsigned>(octaves), value);
  }

  // floor(log2(value / 2^unit)), 0 for values below 2^unit.
  static std::int32_t whole_octaves(std::int32_t value, unsigned unit) {
    const auto whole = static_cast<std::uint64_t>(std::max(value, 1 << unit)) >> unit;
    return static_cast<std::int32_t>(floor_log2(whole));
  }

  // Section 4.6: sign and magnitude of a value that is not zero.
  template <class Bits, class Decide>
  std::int64_t code_value(Bits& bits, const Decide& decide, unsigned low_bits, std::int64_t value) {
    const bool negative = decide(1, [&](std::uint32_t) { return value < 0; });
    const std::int64_t wanted = magnitude(value) - 1;  // -1 in a decoder, where it says nothing
    const std::int64_t wanted_high = wanted >> low_bits;
    std::int64_t high = 0;
    while (high < kUnary && decide(
                                index(std::min<std::int64_t>(7, 2 + high)),
                                [&](std::uint32_t) { return wanted_high > high; }))
      ++high;
    if (high == kUnary) {
      const auto rest = static_cast<std::uint64_t>(std::max<std::int64_t>(0, wanted_high - kUnary));
      unsigned length = floor_log2(rest + 1);
      length = bits.raw(length, 6);
      if (length > 32) throw Error(ErrorCode::kCorrupt, 0, "a latent is no 32-bit integer");
      const std::uint64_t top = std::uint64_t{1} << length;
      const auto tail = static_cast<std::uint32_t>(rest + 1 - std::min(rest + 1, top));
      high += static_cast<std::int64_t>(top + bits.raw(tail, length) - 1);
    }
    const auto low = static_cast<std::uint32_t>(wanted & ((std::int64_t{1} << low_bits) - 1));
    const std::int64_t size = (high << low_bits) + bits.raw(low, low_bits) + 1;
    return negative ? -size : size;
  }

  const LatentModel& model_;
  const LogisticTables& tables_;
  LatentState state_;
  LatentGrid grid_;
  const std::array<std::size_t, kMixedSlots> sizes_ =
      LatentState::context_sizes(model_.channels(), model_.kind());
  std::size_t bands_ = 0;
  std::array<std::uint32_t, kPast> levels_{};
  std::vector<std::vector<std::int32_t>> past_;          // latents of this band and those before
  std::vector<std::vector<std::int32_t>> past_errors_;   // value - centre, likewise
  std::vector<std::int32_t> activity_;                   // per position, over the channels so far
  std::vector<std::int32_t> behind_;                     // per position: errors of the last band
  std::vector<std::int32_t> expected_;                   // per position, of the channel in hand
  std::array<std::vector<std::int32_t>, 3> references_;  // of the channel in hand
  std::array<std::vector<std::int32_t>, 2> rows_;        // magnitudes of errors, as said there
  std::vector<std::int32_t> spread_;                     // per channel: mean error, in 1/64
  std::vector<std::uint8_t> silent_;                     // per channel, of the last band
  std::vector<Taps> weights_;                            // per channel
};

LatentCoder::LatentCoder(const LatentModel& model, LatentGrid grid)
    : model_(model), positions_(grid.positions()), walk_(std::make_unique<Walk>(model, grid)) {}
LatentCoder::~LatentCoder() = default;

const LatentState& LatentCoder::state() const noexcept { return walk_->state(); }

void LatentCoder::encode(RangeEncoder& encoder, std::uint32_t level,
                         Span<const std::int32_t> latents) {
  std::vector<std::int32_t> copy(latents.size());
  RangeEncoder::Run run(encoder);
  Writer bits{run};
  walk_->band(
      bits, level, [&](std::uint32_t c) { return Given{latents.data() + c * positions_}; },
      copy.data());
  run.end();
}

void LatentCoder::encode(RangeEncoder& encoder, std::uint32_t level, Span<const float> latents,
                         LatentRounding rounding, Span<std::int32_t> rounded) {
  RangeEncoder::Run run(encoder);
  Writer bits{run};
  const auto source = [&](std::uint32_t c) {
    const auto code = static_cast<float>(model_.gain(level, c));
    const float gain = std::exp2(code / static_cast<float>(kGainsPerOctave));
    return Rounded{logistic_tables(), latents.data() + c * positions_, gain, rounding.bit_value};
  };
  walk_->band(bits, level, source, rounded.data());
  run.end();
}

void LatentCoder::decode(RangeDecoder& decoder, std::uint32_t level, Span<std::int32_t> latents) {
  RangeDecoder local = decoder;
  Reader bits{local};
  walk_->band(bits, level, [](std::uint32_t) { return Unknown{}; }, latents.data());
  decoder = local;
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
