#include <algorithm>

#include "ccsds123/header.hpp"

namespace ccsds123 {
namespace {

// The low `bits` bits, as in "encoded mod 2^n" and in two's complement.
void put_low(BitWriter& out, std::int64_t value, unsigned bits) {
  out.put(static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) &
                                     ((std::uint64_t{1} << bits) - 1)),
          bits);
}

void put_flag(BitWriter& out, bool flag) { out.put(flag ? 1 : 0, 1); }

template <typename T>
void put_table(BitWriter& out, const std::vector<T>& values, unsigned bits) {
  for (const T value : values) put_low(out, value, bits);
  out.fill_to(1);
}

// Table 5-3.
void write_image_metadata(const Parameters& p, BitWriter& out) {
  put_low(out, p.user_data, 8);
  put_low(out, p.columns, 16);
  put_low(out, p.rows, 16);
  put_low(out, p.bands, 16);
  put_flag(out, p.is_signed);
  out.put(0, 1);
  put_flag(out, p.bit_depth > 16);
  put_low(out, p.bit_depth, 4);
  put_flag(out, p.band_sequential);
  put_low(out, p.band_sequential ? 0 : p.interleaving_depth, 16);
  out.put(0, 2);
  put_low(out, p.word_bytes, 3);
  put_low(out, static_cast<int>(p.entropy_coder), 2);
  out.put(0, 1);
  put_flag(out, p.relative.used);
  put_flag(out, p.absolute.used);
  out.put(0, 2);
  out.put(0, 4);  // supplementary information tables
}

// Table 5-6.
void write_primary(const Parameters& p, BitWriter& out) {
  out.put(0, 1);
  put_flag(out, p.representative_bits > 0);
  put_low(out, p.prediction_bands, 4);
  put_flag(out, !p.full_prediction);
  put_flag(out, !p.weight_offsets.empty());
  put_low(out, static_cast<int>(p.local_sum), 2);
  put_low(out, p.register_bits, 6);
  put_low(out, p.weight_bits - 4, 4);
  put_low(out, p.weight_interval_log2 - 4, 4);
  put_low(out, p.weight_exponent_min + 6, 4);
  put_low(out, p.weight_exponent_max + 6, 4);
  put_flag(out, !p.weight_offsets.empty());
  put_flag(out, p.weight_init_bits != 0);
  put_flag(out, p.weight_init_bits != 0);
  put_low(out, p.weight_init_bits, 5);
}

// Tables 5-10 and 5-11.
void write_limits(const ErrorLimits& limits, bool periodic, BitWriter& out) {
  if (!limits.used) return;
  out.put(0, 1);
  put_flag(out, limits.per_band);
  out.put(0, 2);
  put_low(out, limits.bits, 4);
  if (!periodic) put_table(out, limits.values, limits.bits);
}

// Tables 5-8 and 5-9.
void write_quantisation(const Parameters& p, BitWriter& out) {
  if (p.lossless()) return;
  if (!p.band_sequential) {
    out.put(0, 1);
    put_flag(out, p.periodic_limits);
    out.put(0, 2);
    put_low(out, p.periodic_limits ? p.limit_period_log2 : 0, 4);
  }
  write_limits(p.absolute, p.periodic_limits, out);
  write_limits(p.relative, p.periodic_limits, out);
}

void write_band_value(const std::vector<std::uint32_t>& values, BitWriter& out) {
  const bool varies = values.size() > 1;
  out.put(0, 1);
  put_flag(out, varies);
  put_flag(out, varies);
  out.put(0, 1);
  put_low(out, varies ? 0 : values[0], 4);
}

// Table 5-12.
void write_representatives(const Parameters& p, BitWriter& out) {
  if (p.representative_bits == 0) return;
  out.put(0, 5);
  put_low(out, p.representative_bits, 3);
  write_band_value(p.damping, out);
  write_band_value(p.offset, out);
  if (p.damping.size() > 1) put_table(out, p.damping, p.representative_bits);
  if (p.offset.size() > 1) put_table(out, p.offset, p.representative_bits);
}

// Tables 5-13, 5-14 and 5-15.
void write_entropy_coder(const Parameters& p, BitWriter& out) {
  if (p.entropy_coder == EntropyCoder::kBlockAdaptive) {
    out.put(0, 1);
    put_low(out, p.block_size == 8 ? 0 : p.block_size == 16 ? 1 : p.block_size == 32 ? 2 : 3, 2);
    put_flag(out, p.restricted_options);
    put_low(out, p.reference_interval, 12);
    return;
  }
  put_low(out, p.unary_limit, 5);
  put_low(out, p.rescaling_bits - 4, 3);
  put_low(out, p.initial_count_log2, 3);
  if (p.entropy_coder == EntropyCoder::kHybrid) {
    out.put(0, 5);
    return;
  }
  const bool varies = p.accumulator_init.size() > 1;
  put_low(out, varies ? 15 : p.accumulator_init[0], 4);
  put_flag(out, varies);
  if (varies) put_table(out, p.accumulator_init, 4);
}

}  // namespace

void write_header(const Parameters& p, BitWriter& out) {
  write_image_metadata(p, out);
  write_primary(p, out);
  if (p.weight_init_bits != 0) put_table(out, p.weight_init, p.weight_init_bits);
  if (!p.weight_offsets.empty()) put_table(out, p.weight_offsets, 4);
  write_quantisation(p, out);
  write_representatives(p, out);
  write_entropy_coder(p, out);
}

}  // namespace ccsds123
