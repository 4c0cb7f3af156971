// The state of adaptive models as arrays, for files (docs/pack_format.md, section 6).
#pragma once

#include <cstdint>
#include <vector>

namespace hyspec {

struct StateArrays {
  std::vector<std::uint16_t> probability;  // of each slot
  std::vector<std::uint8_t> count;         // of each slot
  std::vector<std::int32_t> mixers;        // weights, set after set
  std::vector<std::int32_t> intra;         // weights of the prediction within a band or plane
};

}  // namespace hyspec
