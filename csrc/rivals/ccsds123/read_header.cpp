#include <algorithm>
#include <stdexcept>
#include <string>

#include "ccsds123/bit_reader.hpp"
#include "ccsds123/header.hpp"

namespace ccsds123 {
namespace {

void take_reserved(BitReader& in, unsigned bits) {
  if (in.take(bits) != 0) throw StreamError(in.byte_offset(), "a reserved field is not zero");
}

bool take_flag(BitReader& in) { return in.take(1) != 0; }

// A value from 1 to 2^bits that was encoded mod 2^bits.
std::uint32_t take_positive(BitReader& in, unsigned bits) {
  const std::uint32_t value = in.take(bits);
  return value == 0 ? std::uint32_t{1} << bits : value;
}

std::int32_t take_signed(BitReader& in, unsigned bits) {
  const std::uint32_t half = std::uint32_t{1} << (bits - 1);
  return static_cast<std::int32_t>(in.take(bits) ^ half) - static_cast<std::int32_t>(half);
}

// `count` elements, then fill bits. The count is checked against the bits at hand before any
// memory is taken.
template <typename T, typename Take>
std::vector<T> take_table(BitReader& in, std::uint64_t count, unsigned bits, Take&& take) {
  if (count * bits > in.bits_left()) {
    throw StreamError(in.byte_offset(), "a table of the header ends too early");
  }
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& value : values) value = take(in, bits);
  in.take_fill();
  return values;
}

std::vector<std::uint32_t> take_unsigned_table(BitReader& in, std::uint64_t count, unsigned bits) {
  return take_table<std::uint32_t>(in, count, bits,
                                   [](BitReader& r, unsigned n) { return r.take(n); });
}

// A table that was agreed upon and not sent.
[[noreturn]] void throw_absent(const BitReader& in, const char* name) {
  throw StreamError(in.byte_offset(), std::string("the header does not include the ") + name +
                                          ", which decompression needs");
}

// Table 5-3; returns the number of supplementary information tables.
unsigned read_image_metadata(BitReader& in, Parameters& p) {
  p.user_data = static_cast<std::uint8_t>(in.take(8));
  p.columns = take_positive(in, 16);
  p.rows = take_positive(in, 16);
  p.bands = take_positive(in, 16);
  p.is_signed = take_flag(in);
  take_reserved(in, 1);
  const bool large = take_flag(in);
  p.bit_depth = take_positive(in, 4) + (large ? 16 : 0);
  p.band_sequential = take_flag(in);
  p.interleaving_depth = p.band_sequential ? in.take(16) : take_positive(in, 16);
  take_reserved(in, 2);
  p.word_bytes = take_positive(in, 3);
  const std::uint32_t coder = in.take(2);
  if (coder > 2)
    throw StreamError(in.byte_offset(), "the entropy coder type is 3, expected 0 to 2");
  p.entropy_coder = static_cast<EntropyCoder>(coder);
  take_reserved(in, 1);
  p.relative.used = take_flag(in);
  p.absolute.used = take_flag(in);
  take_reserved(in, 2);
  return in.take(4);
}

// Table 5-4 and 5.3.2.3.2.
void skip_supplementary_table(BitReader& in, const Parameters& p) {
  const std::uint32_t type = in.take(2);
  if (type == 3) throw StreamError(in.byte_offset(), "a supplementary table has type 3");
  take_reserved(in, 2);
  in.skip(4);
  take_reserved(in, 1);
  const std::uint32_t structure = in.take(2);
  take_reserved(in, 1);
  in.skip(4);
  const std::uint64_t elements[] = {1, p.bands, std::uint64_t{p.bands} * p.columns,
                                    std::uint64_t{p.rows} * p.columns};
  std::uint64_t bits = take_positive(in, 5);
  if (type == 2) {
    if (bits > 23)
      throw StreamError(in.byte_offset(), "a supplementary table's significands are too long");
    const std::uint32_t exponent_bits = take_positive(in, 3);
    in.skip(exponent_bits);  // the exponent bias
    bits += exponent_bits + 1;
  }
  in.skip(elements[structure] * bits);
  in.take_fill();
}

// Which of the predictor's further parts follow table 5-6.
struct PredictorParts {
  bool representatives = false;
  bool weight_init = false;
  bool weight_offsets = false;
};

PredictorParts read_primary(BitReader& in, Parameters& p) {
  PredictorParts parts;
  take_reserved(in, 1);
  parts.representatives = take_flag(in);
  p.prediction_bands = in.take(4);
  p.full_prediction = !take_flag(in);
  const bool has_offsets = take_flag(in);
  p.local_sum = static_cast<LocalSum>(in.take(2));
  p.register_bits = take_positive(in, 6);
  p.weight_bits = in.take(4) + 4;
  p.weight_interval_log2 = in.take(4) + 4;
  p.weight_exponent_min = static_cast<int>(in.take(4)) - 6;
  p.weight_exponent_max = static_cast<int>(in.take(4)) - 6;
  parts.weight_offsets = take_flag(in);
  const bool custom = take_flag(in);
  parts.weight_init = take_flag(in);
  p.weight_init_bits = in.take(5);
  if (has_offsets && !parts.weight_offsets) throw_absent(in, "weight exponent offset table");
  if (custom && !parts.weight_init) throw_absent(in, "weight initialisation table");
  if (parts.weight_offsets && !has_offsets) {
    throw StreamError(in.byte_offset(), "a weight exponent offset table without its flag");
  }
  if (custom != (p.weight_init_bits != 0) || custom != parts.weight_init) {
    throw StreamError(in.byte_offset(), "the weight initialisation fields contradict each other");
  }
  return parts;
}

void read_weight_tables(BitReader& in, const PredictorParts& parts, Parameters& p) {
  if (parts.weight_init) {
    p.weight_init =
        take_table<std::int32_t>(in, p.weight_init_count(), p.weight_init_bits, take_signed);
  }
  if (parts.weight_offsets) {
    p.weight_offsets = take_table<std::int32_t>(in, p.weight_offset_count(), 4, take_signed);
  }
}

// Tables 5-10 and 5-11.
void read_limits(BitReader& in, const Parameters& p, ErrorLimits& limits) {
  if (!limits.used) return;
  take_reserved(in, 1);
  limits.per_band = take_flag(in);
  take_reserved(in, 2);
  limits.bits = take_positive(in, 4);
  const std::size_t count = p.limit_periods() * p.values_per_set(limits);
  if (p.periodic_limits) {
    limits.values.assign(count, 0);
  } else {
    limits.values = take_unsigned_table(in, count, limits.bits);
  }
}

void read_quantisation(BitReader& in, Parameters& p) {
  if (p.lossless()) return;
  if (!p.band_sequential) {
    take_reserved(in, 1);
    p.periodic_limits = take_flag(in);
    take_reserved(in, 2);
    p.limit_period_log2 = in.take(4);
  }
  read_limits(in, p, p.absolute);
  read_limits(in, p, p.relative);
}

// Half of table 5-12: whether a table follows, else the value for all bands.
bool read_band_value(BitReader& in, const char* name, std::vector<std::uint32_t>& values) {
  take_reserved(in, 1);
  const bool varies = take_flag(in);
  const bool included = take_flag(in);
  take_reserved(in, 1);
  values.assign(1, in.take(4));
  if (varies && !included) throw_absent(in, name);
  if (included && !varies) throw StreamError(in.byte_offset(), std::string("unexpected ") + name);
  return varies;
}

void read_representatives(BitReader& in, Parameters& p) {
  take_reserved(in, 5);
  p.representative_bits = in.take(3);
  const bool damping = read_band_value(in, "damping table", p.damping);
  const bool offset = read_band_value(in, "offset table", p.offset);
  if (damping) p.damping = take_unsigned_table(in, p.bands, p.representative_bits);
  if (offset) p.offset = take_unsigned_table(in, p.bands, p.representative_bits);
}

// Tables 5-13, 5-14 and 5-15.
void read_entropy_coder(BitReader& in, Parameters& p) {
  if (p.entropy_coder == EntropyCoder::kBlockAdaptive) {
    take_reserved(in, 1);
    p.block_size = 8u << in.take(2);
    p.restricted_options = take_flag(in);
    p.reference_interval = take_positive(in, 12);
    return;
  }
  p.unary_limit = take_positive(in, 5);
  p.rescaling_bits = in.take(3) + 4;
  p.initial_count_log2 = take_positive(in, 3);
  if (p.entropy_coder == EntropyCoder::kHybrid) {
    take_reserved(in, 5);
    return;
  }
  p.accumulator_init.assign(1, in.take(4));
  const bool included = take_flag(in);
  if (included) {
    p.accumulator_init = take_unsigned_table(in, p.bands, 4);
  } else if (p.accumulator_init[0] == 15) {
    throw_absent(in, "accumulator initialisation table");
  }
}

// More samples than any body of so many bits can hold: a hybrid codeword of 1 bit stands for 256
// samples, a zero-block codeword of at least 7 bits for 64 blocks of up to 64 samples.
void check_size(const BitReader& in, const Parameters& p, std::uint64_t max_samples) {
  const std::uint64_t bits = in.bits_left();
  std::uint64_t most = bits;
  if (p.entropy_coder == EntropyCoder::kHybrid) most = 256 * bits;
  if (p.entropy_coder == EntropyCoder::kBlockAdaptive) most = 4096 * (bits / 7 + 1);
  if (p.samples() > most) {
    throw StreamError(in.byte_offset(), "an image of " + std::to_string(p.samples()) +
                                            " samples does not fit in " + std::to_string(bits) +
                                            " bits");
  }
  if (p.samples() > max_samples) {
    throw StreamError(in.byte_offset(), "an image of " + std::to_string(p.samples()) +
                                            " samples, more than the " +
                                            std::to_string(max_samples) + " allowed");
  }
}

}  // namespace

Header read_header(const std::uint8_t* data, std::size_t size, std::uint64_t max_samples) {
  BitReader in(data, size);
  Header header;
  Parameters& p = header.parameters;
  const unsigned tables = read_image_metadata(in, p);
  check_size(in, p, max_samples);
  for (unsigned i = 0; i < tables; ++i) skip_supplementary_table(in, p);
  const PredictorParts parts = read_primary(in, p);
  read_weight_tables(in, parts, p);
  read_quantisation(in, p);
  if (parts.representatives) read_representatives(in, p);
  read_entropy_coder(in, p);
  try {
    validate(p);
  } catch (const std::invalid_argument& e) {
    throw StreamError(in.byte_offset(), e.what());
  }
  header.size = in.byte_offset();
  return header;
}

}  // namespace ccsds123
