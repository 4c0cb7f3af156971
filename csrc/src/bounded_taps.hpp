// What the first prediction of a sample looks at (docs/bounded_profile.md, section 4.2).
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace hyspec::bounded {

// A sample `back` bands before, `down` rows below and `across` columns to the right.
struct Tap {
  int back, down, across;

  bool is_band() const noexcept { return back > 0 && down == 0 && across == 0; }
  // Whether it is the sample to the left, or takes its place in the first row.
  bool is_west(std::size_t row) const noexcept { return back == 0 && (down == 0 || row == 0); }
  // Weight in the first two bands, before anything is learnt: half of each neighbour, and what the
  // band before changed there.
  double start() const noexcept {
    const bool beside = (down == 0 && across == -1) || (down == -1 && across == 0);
    if (back == 0) return beside ? 0.5 : 0.0;
    if (back > 1) return 0.0;
    return is_band() ? 1.0 : beside ? -0.5 : 0.0;
  }
};

inline bool operator==(const Tap& a, const Tap& b) noexcept {
  return a.back == b.back && a.down == b.down && a.across == b.across;
}

// Bands before that the neighbours are taken of, too, with many or few of them.
constexpr std::size_t kFewBands = 6;

// Of a band with `bands` usable ones before it.
inline std::vector<Tap> taps_of(std::size_t bands, bool wide) {
  std::vector<Tap> taps;
  const int n = static_cast<int>(bands);
  for (int back = 1; back <= n; ++back) taps.push_back({back, 0, 0});
  const bool many = wide || bands < kFewBands;
  taps.insert(taps.end(), {{0, 0, -1}, {0, -1, 0}});
  if (many) taps.insert(taps.end(), {{0, -1, -1}, {0, -1, 1}});
  for (int back = 1; back <= std::min(n, many ? 2 : 1); ++back)
    taps.insert(taps.end(), {{back, 0, -1}, {back, -1, 0}, {back, 0, 1}, {back, 1, 0}});
  return taps;
}

}  // namespace hyspec::bounded
