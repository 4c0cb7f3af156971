#include "hyspec/band_values.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace hyspec {
namespace {

// k / 10^d has to be rounded once: no wider intermediate results.
static_assert(FLT_EVAL_METHOD == 0, "build for a target that evaluates double as double");

constexpr std::uint8_t kMaxDecimals = 9;
constexpr std::uint8_t kRawDoubles = 255;
constexpr double kPowers[kMaxDecimals + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr std::int64_t kMaxInteger = std::int64_t{1} << 50;  // |k| is below it

// The k of one value, or false. Below 2^50 the product is off by less than a half, so that the
// nearest integer is the only candidate.
bool to_integer(double value, double power, std::int64_t& k) noexcept {
  const double product = value * power;
  if (!(std::fabs(product) < static_cast<double>(kMaxInteger))) return false;  // NaN, too
  k = std::llround(product);
  return std::llabs(k) < kMaxInteger &&
         canonical_bits(static_cast<double>(k) / power) == canonical_bits(value);
}

bool to_integers(const std::vector<double>& values, double power, std::vector<std::int64_t>& out) {
  out.clear();
  for (const double value : values) {
    std::int64_t k = 0;
    if (!to_integer(value, power, k)) return false;
    out.push_back(k);
  }
  return true;
}

// A number whose magnitude is below `limit`, so that sums of a few of them cannot overflow.
std::int64_t read_svarint(ByteReader& in, std::int64_t limit) {
  const std::uint64_t at = in.offset();
  const std::int64_t n = zigzag_decode(in.varint());
  if (n <= -limit || n >= limit) {
    throw Error(ErrorCode::kCorrupt, at, "a value per band is too large for its encoding");
  }
  return n;
}

}  // namespace

void put_band_values(Bytes& out, const std::vector<double>& values) {
  std::vector<std::int64_t> k;
  for (std::uint8_t d = 0; d <= kMaxDecimals; ++d) {
    if (!to_integers(values, kPowers[d], k)) continue;
    put_u8(out, d);
    std::int64_t previous = 0;
    std::int64_t difference = 0;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const std::int64_t next = k[i] - previous;
      put_varint(out, zigzag_encode(next - difference));
      // The first value is not a difference: the one after it is predicted as equal.
      difference = i == 0 ? 0 : next;
      previous = k[i];
    }
    return;
  }
  put_u8(out, kRawDoubles);
  for (const double value : values) put_f64(out, value);
}

std::vector<double> read_band_values(ByteReader& in, std::size_t bands) {
  const std::uint64_t at = in.offset();
  const Span<const std::uint8_t> content = in.rest();
  ByteReader field(content, at, ErrorCode::kCorrupt);
  const std::uint8_t d = field.u8();
  std::vector<double> values;
  if (d == kRawDoubles) {
    if (field.remaining() / 8 != bands || field.remaining() % 8 != 0) {
      throw Error(ErrorCode::kCorrupt, at, "values per band: wrong length");
    }
    values.reserve(bands);
    while (field.remaining() > 0) values.push_back(field.f64());
  } else if (d <= kMaxDecimals) {
    if (field.remaining() < bands) {  // at least one byte each
      throw Error(ErrorCode::kCorrupt, at, "values per band: wrong length");
    }
    values.reserve(bands);
    std::int64_t k = 0;
    std::int64_t difference = 0;
    for (std::size_t i = 0; i < bands; ++i) {
      const std::int64_t next = difference + read_svarint(field, 4 * kMaxInteger);
      difference = i == 0 ? 0 : next;
      k += next;
      if (k <= -kMaxInteger || k >= kMaxInteger) {
        throw Error(ErrorCode::kCorrupt, at, "a value per band is too large for its encoding");
      }
      values.push_back(static_cast<double>(k) / kPowers[d]);
    }
  } else {
    throw Error(ErrorCode::kCorrupt, at, "values per band: unknown encoding " + std::to_string(d));
  }
  // Only the shortest encoding is valid; comparing is simpler than looking for a shorter one.
  Bytes canonical;
  put_band_values(canonical, values);
  if (field.remaining() != 0 || canonical.size() != content.size() ||
      !std::equal(canonical.begin(), canonical.end(), content.begin())) {
    throw Error(ErrorCode::kCorrupt, at, "values per band are not encoded canonically");
  }
  return values;
}

}  // namespace hyspec
