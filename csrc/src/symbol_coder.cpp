#include "hyspec/symbol_coder.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include "hyspec/error.hpp"

namespace hyspec {
namespace {

constexpr unsigned kLengthBits = 5;

void check_lengths(std::size_t symbols, std::size_t tables) {
  if (symbols != tables) {
    throw Error(ErrorCode::kBadArgument, std::to_string(symbols) + " symbols, but " +
                                             std::to_string(tables) + " table numbers");
  }
}

[[noreturn]] void throw_no_table(std::uint16_t index, std::size_t count) {
  throw Error(ErrorCode::kBadArgument, "table number " + std::to_string(index) +
                                           ", expected less than " + std::to_string(count));
}

// Position of a value in its table; any position from `regular` on means escape. The subtraction
// wraps, but the table's values are int32 without wrapping, so no value outside is taken for one
// inside.
std::uint32_t position(std::int32_t value, const CdfTables::Table& t) {
  return static_cast<std::uint32_t>(value) - static_cast<std::uint32_t>(t.first);
}

// Where an escaped value lies: `distance` >= 1 steps below the first or above the last value of the
// table. A table holds at least one of the 2^32 values, so the distance fits 32 bits.
struct Escape {
  bool above;
  std::uint32_t distance;
};

std::int64_t last_value(const CdfTables::Table& t) { return t.first + std::int64_t{t.regular} - 1; }

Escape escape_of(std::int32_t value, const CdfTables::Table& t) {
  if (value < t.first) {
    return {false, static_cast<std::uint32_t>(std::int64_t{t.first} - value)};
  }
  return {true, static_cast<std::uint32_t>(value - last_value(t))};
}

// floor(log2(x)) for x >= 1.
unsigned floor_log2(std::uint32_t x) {
  unsigned k = 0;
  while (x >>= 1) ++k;
  return k;
}

void encode_escape(RangeEncoder& encoder, Escape e) {
  const unsigned k = floor_log2(e.distance);
  const std::uint32_t low = e.distance - (std::uint32_t{1} << k);
  encoder.encode_uniform(e.above ? 1 : 0, 1);
  encoder.encode_uniform(k, kLengthBits);
  if (k > kMaxUniformBits) {
    encoder.encode_uniform(low >> kMaxUniformBits, k - kMaxUniformBits);
    encoder.encode_uniform(low & 0xFFFF, kMaxUniformBits);
  } else {
    encoder.encode_uniform(low, k);
  }
}

std::int32_t decode_escape(RangeDecoder& decoder, const CdfTables::Table& t) {
  const bool above = decoder.decode_uniform(1) != 0;
  const unsigned k = decoder.decode_uniform(kLengthBits);
  std::uint32_t low = 0;
  if (k > kMaxUniformBits) {
    low = decoder.decode_uniform(k - kMaxUniformBits) << kMaxUniformBits;
    low |= decoder.decode_uniform(kMaxUniformBits);
  } else {
    low = decoder.decode_uniform(k);
  }
  const std::int64_t distance = (std::int64_t{1} << k) + low;
  const std::int64_t value = above ? last_value(t) + distance : t.first - distance;
  if (value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorCode::kCorrupt, decoder.byte_offset(),
                "escaped symbol " + std::to_string(value) + ", expected a 32-bit integer");
  }
  return static_cast<std::int32_t>(value);
}

// Ideal code length of a value; `bits` are those of the table's symbols, escape last.
double symbol_bits(std::int32_t value, const CdfTables::Table& t, const float* bits) {
  const std::uint32_t p = position(value, t);
  if (p < t.regular) return bits[p];
  return bits[t.regular] + 1.0 + kLengthBits + floor_log2(escape_of(value, t).distance);
}

}  // namespace

void encode_symbols(RangeEncoder& encoder, const CdfTables& cdf, Span<const std::int32_t> symbols,
                    Span<const std::uint16_t> tables) {
  check_lengths(symbols.size(), tables.size());
  const CdfTables::View view = cdf.view();
  RangeEncoder::Run run(encoder);
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    if (tables[i] >= view.count) throw_no_table(tables[i], view.count);
    const CdfTables::Table t = view.tables[tables[i]];
    const std::uint32_t p = position(symbols[i], t);
    const CdfTables::Entry e = view.entries[t.begin + std::min(p, t.regular)];
    run.encode(e.start, e.freq, kTableBits);
    if (p >= t.regular) {
      run.end();
      encode_escape(encoder, escape_of(symbols[i], t));
      run.resume();
    }
  }
  run.end();
}

void decode_symbols(RangeDecoder& decoder, const CdfTables& cdf, Span<const std::uint16_t> tables,
                    Span<std::int32_t> out) {
  check_lengths(out.size(), tables.size());
  const CdfTables::View view = cdf.view();
  RangeDecoder d = decoder;  // a copy that stays in registers
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (tables[i] >= view.count) throw_no_table(tables[i], view.count);
    const CdfTables::Table t = view.tables[tables[i]];
    const std::uint32_t p = view.find(tables[i], d.quantile(kTableBits));
    const CdfTables::Entry e = view.entries[t.begin + p];
    d.consume(e.start, e.freq, kTableBits);
    if (p < t.regular) {
      out[i] = static_cast<std::int32_t>(t.first + std::int64_t{p});
    } else {
      decoder = d;
      out[i] = decode_escape(decoder, t);
      d = decoder;
    }
  }
  decoder = d;
}

double code_length(const CdfTables& cdf, Span<const std::int32_t> symbols,
                   Span<const std::uint16_t> tables) {
  check_lengths(symbols.size(), tables.size());
  const CdfTables::View view = cdf.view();
  double bits = 0.0;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    if (tables[i] >= view.count) throw_no_table(tables[i], view.count);
    const CdfTables::Table t = view.tables[tables[i]];
    bits += symbol_bits(symbols[i], t, view.bits + t.begin);
  }
  return bits;
}

double code_length(const CdfTables& cdf, Span<const std::int32_t> symbols, std::uint16_t table) {
  if (table >= cdf.count()) throw_no_table(table, cdf.count());
  const CdfTables::Table& t = cdf.table(table);
  const float* const bits = cdf.bits(t);
  double sum = 0.0;
  for (const std::int32_t value : symbols) sum += symbol_bits(value, t, bits);
  return sum;
}

}  // namespace hyspec
