// The logistic function and its inverse in integer arithmetic, for mixing probabilities.
//
// docs/entropy_coder.md, section 5, is the normative description.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hyspec {

// Probabilities are counted out of 2^16; logits in units of 1/256.
constexpr std::int32_t kMaxLogit = 3071;

struct LogisticTables {
  std::array<std::uint16_t, 2 * kMaxLogit + 1> squash;
  std::array<std::int16_t, 4096> stretch;
};
// Made once, from integers alone.
const LogisticTables& logistic_tables();

// Probability of a logit within +-kMaxLogit.
inline std::uint32_t squash(const LogisticTables& tables, std::int32_t logit) {
  return tables.squash[static_cast<std::size_t>(logit + kMaxLogit)];
}
// Logit of a probability: the inverse of squash, to 12 bits.
inline std::int32_t stretch(const LogisticTables& tables, std::uint32_t probability) {
  return tables.stretch[probability >> 4];
}

}  // namespace hyspec
