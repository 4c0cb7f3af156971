// Differential coding of quantised DC coefficients and AC bit depths (CCSDS 122.0-B-2, 4.3.2, 4.4).
#pragma once

#include <cstdint>
#include <vector>

#include "ccsds122/bits.hpp"

namespace ccsds122 {

// Values that are coded with N bits each where no code option is better.
struct ValueRange {
  unsigned bits;  // N, 2 to 10
  std::int32_t low, high;
};

// N-bit two's complement, for DC coefficients (equation 19).
constexpr ValueRange signed_range(unsigned bits) {
  return {bits, -(1 << (bits - 1)), (1 << (bits - 1)) - 1};
}
// N-bit unsigned, for AC bit depths (equation 22).
constexpr ValueRange unsigned_range(unsigned bits) { return {bits, 0, (1 << bits) - 1}; }

// Codes the values in gaggles, each with the best code parameter, or with the heuristic one of
// table 4-10.
void write_values(BitWriter& writer, const std::vector<std::int32_t>& values,
                  const ValueRange& range, bool optimal);

// Appends up to `count` values. Where the data end early, EndOfData is thrown and the values that
// were complete are kept. StreamError for codes that no encoder writes.
void read_values(BitReader& reader, std::size_t count, const ValueRange& range,
                 std::vector<std::int32_t>& values);

}  // namespace ccsds122
