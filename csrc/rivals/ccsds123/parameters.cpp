#include "ccsds123/parameters.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace ccsds123 {
namespace {

void check(bool allowed, const char* name, std::int64_t found, const std::string& expected) {
  if (!allowed) {
    throw std::invalid_argument(std::string(name) + " is " + std::to_string(found) + ", expected " +
                                expected);
  }
}

void check_range(const char* name, std::int64_t found, std::int64_t low, std::int64_t high) {
  check(low <= found && found <= high, name, found,
        std::to_string(low) + " to " + std::to_string(high));
}

// One value for all bands or one for each, all in a range.
template <typename T>
void check_band_values(const char* name, const std::vector<T>& values, const Parameters& p,
                       std::int64_t high) {
  check(values.size() == 1 || values.size() == p.bands, name,
        static_cast<std::int64_t>(values.size()), "one value, or one per band");
  for (const T value : values) check_range(name, static_cast<std::int64_t>(value), 0, high);
}

template <typename T>
void check_list(const char* name, const std::vector<T>& values, std::size_t count, std::int64_t low,
                std::int64_t high) {
  check(values.size() == count, name, static_cast<std::int64_t>(values.size()),
        std::to_string(count) + " values");
  for (const T value : values) check_range(name, value, low, high);
}

void check_image(const Parameters& p) {
  check_range("number of rows", p.rows, 1, 65536);
  check_range("number of columns", p.columns, 1, 65536);
  check_range("number of bands", p.bands, 1, 65536);
  check_range("bit depth", p.bit_depth, 2, 32);
}

void check_prediction(const Parameters& p) {
  const bool neighbour =
      p.local_sum == LocalSum::kWideNeighbour || p.local_sum == LocalSum::kNarrowNeighbour;
  check_range("number of prediction bands", p.prediction_bands, 0, 15);
  check(p.columns > 1 || (!p.full_prediction && !neighbour), "number of columns", p.columns,
        "at least 2 for full prediction or neighbour-oriented local sums");
  check_range("weight resolution", p.weight_bits, 4, 19);
  check_range("register size", p.register_bits,
              std::max<std::int64_t>(32, p.bit_depth + p.weight_bits + 2), 64);
  check_range("log2 of the weight change interval", p.weight_interval_log2, 4, 11);
  check_range("final weight exponent", p.weight_exponent_max, -6, 9);
  check_range("initial weight exponent", p.weight_exponent_min, -6, p.weight_exponent_max);
  if (p.weight_init_bits != 0) {
    check_range("weight initialisation resolution", p.weight_init_bits, 3, p.weight_bits + 3);
    const std::int64_t half = std::int64_t{1} << (p.weight_init_bits - 1);
    check_list("initial weight", p.weight_init, p.weight_init_count(), -half, half - 1);
  }
  if (!p.weight_offsets.empty()) {
    check_list("weight exponent offset", p.weight_offsets, p.weight_offset_count(), -6, 5);
  }
}

void check_limits(const char* name, const ErrorLimits& limits, const Parameters& p) {
  if (!limits.used) return;
  check_range(name, limits.bits, 1, std::min(p.bit_depth - 1, 16u));
  check_list(name, limits.values, p.limit_periods() * p.values_per_set(limits), 0,
             (std::int64_t{1} << limits.bits) - 1);
}

void check_quantisation(const Parameters& p) {
  check_limits("absolute error limit", p.absolute, p);
  check_limits("relative error limit", p.relative, p);
  if (p.periodic_limits) {
    check(!p.lossless(), "error limit update", 1, "none for lossless compression");
    check(!p.band_sequential, "error limit update", 1, "none in band-sequential order");
    check_range("log2 of the error limit update period", p.limit_period_log2, 0, 9);
  }
  check_range("sample representative resolution", p.representative_bits, 0, 4);
  const std::int64_t most = (std::int64_t{1} << p.representative_bits) - 1;
  check_band_values("damping", p.damping, p, most);
  check_band_values("offset", p.offset, p, p.lossless() ? 0 : most);
}

void check_encoding(const Parameters& p) {
  if (!p.band_sequential) {
    check_range("sub-frame interleaving depth", p.interleaving_depth, 1, p.bands);
  }
  check_range("output word size", p.word_bytes, 1, 8);
  if (p.entropy_coder == EntropyCoder::kBlockAdaptive) {
    check(p.block_size == 8 || p.block_size == 16 || p.block_size == 32 || p.block_size == 64,
          "block size", p.block_size, "8, 16, 32 or 64");
    check_range("reference sample interval", p.reference_interval, 1, 4096);
    check(!p.restricted_options || p.bit_depth <= 4, "bit depth", p.bit_depth,
          "at most 4 for the restricted set of code options");
    return;
  }
  check_range("unary length limit", p.unary_limit, 8, 32);
  check_range("initial count exponent", p.initial_count_log2, 1, 8);
  check_range("rescaling counter size", p.rescaling_bits,
              std::max<std::int64_t>(4, p.initial_count_log2 + 1), 11);
  if (p.entropy_coder == EntropyCoder::kSampleAdaptive) {
    check_band_values("accumulator initialisation", p.accumulator_init, p,
                      std::min(p.bit_depth - 2, 14u));
  } else if (!p.hybrid_accumulators.empty()) {
    check_band_values("initial high-resolution accumulator", p.hybrid_accumulators, p,
                      (std::int64_t{1} << (p.bit_depth + p.initial_count_log2)) - 1);
  }
}

}  // namespace

std::size_t Parameters::weight_init_count() const noexcept {
  std::size_t count = 0;
  for (std::uint32_t z = 0; z < bands; ++z) count += weights_of(z);
  return count;
}

std::size_t Parameters::weight_offset_count() const noexcept {
  std::size_t count = 0;
  for (std::uint32_t z = 0; z < bands; ++z) count += bands_before(z) + (full_prediction ? 1 : 0);
  return count;
}

void validate(const Parameters& p) {
  check_image(p);
  check_prediction(p);
  check_quantisation(p);
  check_encoding(p);
}

}  // namespace ccsds123
