#include "ccsds122/differences.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "ccsds122/blocks.hpp"
#include "ccsds122/error.hpp"

namespace ccsds122 {
namespace {

// Code option identifiers (table 4-9): k, or all ones for "uncoded".
struct Options {
  unsigned id_bits;
  unsigned max_k;
};

Options options(unsigned bits) {
  if (bits == 2) return {1, 0};
  if (bits <= 4) return {2, 2};
  if (bits <= 8) return {3, 6};
  return {4, 8};
}

constexpr unsigned kUncoded = ~0u;

// Equation 19.
std::uint32_t map_difference(std::int32_t value, std::int32_t previous, const ValueRange& range) {
  const std::int32_t theta = std::min(previous - range.low, range.high - previous);
  const std::int32_t difference = value - previous;
  const std::int32_t size = std::abs(difference);
  if (size > theta) return static_cast<std::uint32_t>(theta + size);
  return static_cast<std::uint32_t>(difference >= 0 ? 2 * size : 2 * size - 1);
}

// Inverse of map_difference for delta in [0, 2^N): the result is in the range.
std::int32_t unmap_difference(std::uint32_t delta, std::int32_t previous, const ValueRange& range) {
  const std::int32_t theta = std::min(previous - range.low, range.high - previous);
  const std::int32_t code = static_cast<std::int32_t>(delta);
  if (code > 2 * theta) {
    const std::int32_t size = code - theta;
    return theta == previous - range.low ? previous + size : previous - size;
  }
  return code % 2 == 0 ? previous + code / 2 : previous - (code + 1) / 2;
}

struct Gaggle {
  std::array<std::uint32_t, kGaggle> delta;
  unsigned count = 0;
};

// 4.3.2.11 a) with the ties of 4.3.2.13.
unsigned best_parameter(const Gaggle& gaggle, unsigned bits) {
  unsigned best = kUncoded;
  std::uint64_t best_size = std::uint64_t{bits} * gaggle.count;
  for (unsigned k = 0; k <= options(bits).max_k; ++k) {
    std::uint64_t size = std::uint64_t{k + 1} * gaggle.count;
    for (unsigned i = 0; i < gaggle.count; ++i) size += gaggle.delta[i] >> k;
    if (size < best_size) {
      best = k;
      best_size = size;
    }
  }
  return best;
}

// Table 4-10.
unsigned heuristic_parameter(const Gaggle& gaggle, unsigned bits) {
  const std::uint64_t count = gaggle.count;
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < gaggle.count; ++i) sum += gaggle.delta[i];
  if (64 * sum >= (23 * count << bits)) return kUncoded;
  if (207 * count > 128 * sum) return 0;
  unsigned k = bits - 2;
  while (k > 0 && (count << (k + 7)) > 128 * sum + 49 * count) --k;
  return k;
}

void check_delta(std::uint32_t delta, unsigned bits) {
  if (delta >> bits != 0) {
    throw StreamError("a coded difference exceeds " + std::to_string(bits) + " bits");
  }
}

}  // namespace

void write_values(BitWriter& writer, const std::vector<std::int32_t>& values,
                  const ValueRange& range, bool optimal) {
  const std::uint32_t value_mask = (1u << range.bits) - 1;
  for (std::size_t first = 0; first < values.size(); first += kGaggle) {
    Gaggle gaggle;
    const std::size_t end = std::min(first + kGaggle, values.size());
    for (std::size_t m = std::max<std::size_t>(first, 1); m < end; ++m) {
      gaggle.delta[gaggle.count++] = map_difference(values[m], values[m - 1], range);
    }
    const unsigned k =
        optimal ? best_parameter(gaggle, range.bits) : heuristic_parameter(gaggle, range.bits);
    const unsigned id_bits = options(range.bits).id_bits;
    writer.put(k & ((1u << id_bits) - 1), id_bits);
    if (first == 0) writer.put(static_cast<std::uint32_t>(values[0]) & value_mask, range.bits);
    if (k == kUncoded) {
      for (unsigned i = 0; i < gaggle.count; ++i) writer.put(gaggle.delta[i], range.bits);
      continue;
    }
    for (unsigned i = 0; i < gaggle.count; ++i) {
      unsigned zeros = gaggle.delta[i] >> k;
      for (; zeros >= 31; zeros -= 31) writer.put(0, 31);
      writer.put(1, zeros + 1);
    }
    for (unsigned i = 0; i < gaggle.count; ++i) {
      writer.put(gaggle.delta[i] & ((1u << k) - 1), k);
    }
  }
}

void read_values(BitReader& reader, std::size_t count, const ValueRange& range,
                 std::vector<std::int32_t>& values) {
  const Options option = options(range.bits);
  for (std::size_t first = 0; first < count; first += kGaggle) {
    const unsigned k = reader.get(option.id_bits);
    const bool uncoded = k == (1u << option.id_bits) - 1;
    if (!uncoded && k > option.max_k) {
      throw StreamError("code option " + std::to_string(k) + " does not exist for values of " +
                        std::to_string(range.bits) + " bits");
    }
    if (first == 0) {
      const std::int32_t raw = static_cast<std::int32_t>(reader.get(range.bits));
      values.push_back(raw > range.high ? raw - (1 << range.bits) : raw);
    }
    const std::size_t end = std::min(first + kGaggle, count);
    const std::size_t coded = end - std::max<std::size_t>(first, 1);
    std::array<std::uint32_t, kGaggle> high{};
    for (std::size_t i = 0; i < coded && !uncoded; ++i) {
      while (reader.get(1) == 0) check_delta(++high[i] << k, range.bits);
    }
    for (std::size_t i = 0; i < coded; ++i) {
      const std::uint32_t delta = uncoded ? reader.get(range.bits) : high[i] << k | reader.get(k);
      check_delta(delta, range.bits);
      values.push_back(unmap_difference(delta, values.back(), range));
    }
  }
}

}  // namespace ccsds122
