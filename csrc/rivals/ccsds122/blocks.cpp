#include "ccsds122/blocks.hpp"

namespace ccsds122 {
namespace {

constexpr Subband kSubbandOf[kFamilies][3] = {
    // parents, children, grandchildren
    {kHL3, kHL2, kHL1},
    {kLH3, kLH2, kLH1},
    {kHH3, kHH2, kHH1},
};

Place place(unsigned family, unsigned generation, unsigned row, unsigned col) {
  const auto byte = [](unsigned value) { return static_cast<std::uint8_t>(value); };
  return {kSubbandOf[family][generation],
          byte(3 - generation),
          byte(1u << generation),
          byte(row),
          byte(col),
          byte(family == 0 ? 0 : 1),
          byte(family == 1 ? 0 : 1)};
}

Places make_places() {
  Places result{};
  std::size_t i = 0;
  for (unsigned family = 0; family < kFamilies; ++family) result[i++] = place(family, 0, 0, 0);
  for (unsigned family = 0; family < kFamilies; ++family) {
    for (unsigned k = 0; k < 4; ++k) result[i++] = place(family, 1, k / 2, k % 2);
  }
  for (unsigned family = 0; family < kFamilies; ++family) {
    for (unsigned j = 0; j < 4; ++j) {
      for (unsigned k = 0; k < 4; ++k) {
        result[i++] = place(family, 2, 2 * (j / 2) + k / 2, 2 * (j % 2) + k % 2);
      }
    }
  }
  return result;
}

}  // namespace

const Places& places() {
  static const Places result = make_places();
  return result;
}

Mask available(const Shifts& shifts, unsigned plane) {
  Mask result = 0;
  for (unsigned i = 0; i < kAc; ++i) {
    if (plane >= shifts[places()[i].subband]) result |= bit_of(i);
  }
  return result;
}

}  // namespace ccsds122
