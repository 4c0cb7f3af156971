// Everything a user of CCSDS 123.0-B-2 can choose, under the standard's own symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ccsds123 {

// Values as in the header, tables 5-3 and 5-6.
enum class EntropyCoder : std::uint8_t { kSampleAdaptive = 0, kHybrid = 1, kBlockAdaptive = 2 };
enum class LocalSum : std::uint8_t {
  kWideNeighbour = 0,
  kNarrowNeighbour = 1,
  kWideColumn = 2,
  kNarrowColumn = 3,
};

// Absolute or relative error limits (4.8.2). Without periodic updating one set of values holds for
// the image, else one set per period, one after the other. A set is one value, or one per band.
struct ErrorLimits {
  bool used = false;
  bool per_band = false;
  unsigned bits = 1;  // D_A or D_R
  std::vector<std::uint32_t> values;
};

struct Parameters {
  // Image (3)
  std::uint32_t rows = 0;     // N_Y
  std::uint32_t columns = 0;  // N_X
  std::uint32_t bands = 0;    // N_Z
  bool is_signed = false;
  unsigned bit_depth = 16;  // D
  std::uint8_t user_data = 0;

  // Prediction (4.2 to 4.7)
  unsigned prediction_bands = 3;  // P
  bool full_prediction = true;
  LocalSum local_sum = LocalSum::kWideNeighbour;
  unsigned register_bits = 64;               // R
  unsigned weight_bits = 19;                 // Omega
  unsigned weight_init_bits = 0;             // Q; 0 stands for default initialisation
  std::vector<std::int32_t> weight_init;     // every component of every Lambda_z, band by band
  unsigned weight_interval_log2 = 6;         // log2 t_inc
  int weight_exponent_min = -1;              // v_min
  int weight_exponent_max = 3;               // v_max
  std::vector<std::int32_t> weight_offsets;  // as in 5.3.3.3.3.2; none where all are zero

  // Quantisation (4.8) and sample representatives (4.9)
  ErrorLimits absolute;
  ErrorLimits relative;
  bool periodic_limits = false;
  unsigned limit_period_log2 = 0;         // u
  unsigned representative_bits = 0;       // Theta
  std::vector<std::uint32_t> damping{0};  // phi, for all bands or for each
  std::vector<std::uint32_t> offset{0};   // psi, for all bands or for each

  // Encoding (5)
  bool band_sequential = false;
  std::uint32_t interleaving_depth = 1;  // M
  unsigned word_bytes = 1;               // B
  EntropyCoder entropy_coder = EntropyCoder::kHybrid;
  unsigned unary_limit = 18;                       // U_max
  unsigned initial_count_log2 = 1;                 // gamma_0
  unsigned rescaling_bits = 6;                     // gamma*
  std::vector<std::uint32_t> accumulator_init{0};  // k'', for all bands (K) or for each
  std::vector<std::uint64_t> hybrid_accumulators;  // initial values; none: estimated by the encoder
  unsigned block_size = 64;                        // J
  unsigned reference_interval = 4096;              // r
  bool restricted_options = false;

  std::uint64_t samples() const noexcept { return std::uint64_t{rows} * columns * bands; }
  bool lossless() const noexcept { return !absolute.used && !relative.used; }
  // Eq. (9) and (10).
  std::int64_t sample_min() const noexcept {
    return is_signed ? -(std::int64_t{1} << (bit_depth - 1)) : 0;
  }
  std::int64_t sample_max() const noexcept {
    return (std::int64_t{1} << (is_signed ? bit_depth - 1 : bit_depth)) - 1;
  }
  std::int64_t sample_mid() const noexcept {
    return is_signed ? 0 : std::int64_t{1} << (bit_depth - 1);
  }
  // P*_z of eq. (18) and C_z of eq. (19).
  unsigned bands_before(std::uint32_t z) const noexcept {
    return z < prediction_bands ? z : prediction_bands;
  }
  unsigned weights_of(std::uint32_t z) const noexcept {
    return bands_before(z) + (full_prediction ? 3 : 0);
  }
  // How many sets of error limits there are.
  std::uint32_t limit_periods() const noexcept {
    return periodic_limits ? ((rows - 1) >> limit_period_log2) + 1 : 1;
  }
  std::size_t values_per_set(const ErrorLimits& limits) const noexcept {
    return limits.per_band ? bands : 1;
  }
  // The limit of band z in row y.
  std::uint32_t limit(const ErrorLimits& limits, std::uint32_t y, std::uint32_t z) const {
    const std::size_t set = periodic_limits ? y >> limit_period_log2 : 0;
    return limits.values[set * values_per_set(limits) + (limits.per_band ? z : 0)];
  }
  std::size_t weight_init_count() const noexcept;
  std::size_t weight_offset_count() const noexcept;
};

// The value for band z of a list that holds one for all bands, or one for each.
template <typename T>
T of_band(const std::vector<T>& values, std::uint32_t z) {
  return values.size() == 1 ? values[0] : values[z];
}

// std::invalid_argument where the standard does not allow these settings together. Says nothing of
// error limits that are still to be read from the body.
void validate(const Parameters& p);

}  // namespace ccsds123
