#include "hyspec/logistic.hpp"

#include <algorithm>

namespace hyspec {

namespace {

// 65536 / (1 + exp(-k / 4)), rounded, for k = 0 to 48. Between them the function is linear.
constexpr std::array<std::int32_t, 49> kKnots = {
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428,
    63090, 63615, 64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410,
    65438, 65459, 65476, 65489, 65500, 65508, 65514, 65519, 65523, 65526, 65528, 65530, 65531,
    65532, 65533, 65534, 65534, 65535, 65535, 65535, 65535, 65535, 65536,
};
constexpr std::int32_t kKnotSpacing = 64;  // in units of a logit
constexpr std::int32_t kLeast = 16;        // probability, of 65536, of the less likely outcome

std::int32_t rising_half(std::int32_t logit) {
  const auto knot = static_cast<std::size_t>(logit / kKnotSpacing);
  const std::int32_t part = logit % kKnotSpacing;
  if (part == 0) return kKnots[knot];
  return kKnots[knot] + (kKnots[knot + 1] - kKnots[knot]) * part / kKnotSpacing;
}

LogisticTables make_tables() {
  LogisticTables t{};
  for (std::int32_t x = 0; x <= kMaxLogit; ++x) {
    const std::int32_t p = std::min(rising_half(x), 65536 - kLeast);
    t.squash[static_cast<std::size_t>(kMaxLogit + x)] = static_cast<std::uint16_t>(p);
    t.squash[static_cast<std::size_t>(kMaxLogit - x)] = static_cast<std::uint16_t>(65536 - p);
  }
  // The smallest logit that reaches the middle of each of 4096 steps of probability.
  std::int32_t x = -kMaxLogit;
  for (std::size_t i = 0; i < t.stretch.size(); ++i) {
    const auto middle = static_cast<std::uint32_t>(16 * i + 8);
    while (x < kMaxLogit && squash(t, x) < middle) ++x;
    t.stretch[i] = static_cast<std::int16_t>(x);
  }
  return t;
}

}  // namespace

const LogisticTables& logistic_tables() {
  static const LogisticTables tables = make_tables();
  return tables;
}

}  // namespace hyspec
