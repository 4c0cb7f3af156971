#include "hyspec/spectral_basis.hpp"

#include <numeric>

#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "payload_parts.hpp"
#include "side_tables.hpp"

namespace hyspec {

namespace {

constexpr unsigned kRowBits = 16;
constexpr unsigned kGroupBits = 8;
constexpr std::size_t kMaxGroups = std::size_t{1} << kGroupBits;

// What is wrong with groups, or null. Sums stay far below 2^63: there are at most 256 groups.
const char* wrong_groups(const SpectralBasis& basis, BasisLimits limits) noexcept {
  std::int64_t bands = 0;
  for (std::size_t g = 0; g < basis.sizes.size(); ++g) {
    const std::int32_t size = basis.sizes[g], count = basis.counts[g];
    if (size < 1) return "a group has no bands";
    if (count < 0 || count > size || static_cast<std::uint64_t>(count) > limits.pixels)
      return "a group has more components than bands, or pixels";
    bands += size;
  }
  if (!basis.sizes.empty() && bands != static_cast<std::int64_t>(limits.varying))
    return "groups do not hold the bands that vary";
  return nullptr;
}

bool too_many_rows(std::uint64_t rows, std::size_t width, BasisLimits limits) noexcept {
  return rows > width || rows > limits.pixels;
}

}  // namespace

std::size_t SpectralBasis::width(std::size_t varying) const noexcept {
  if (sizes.empty()) return varying;
  return static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
}

bool operator==(const SpectralBasis& a, const SpectralBasis& b) noexcept {
  return a.sizes == b.sizes && a.counts == b.counts && a.leading == b.leading && a.rows == b.rows &&
         a.entries == b.entries;
}

void encode_basis(RangeEncoder& encoder, const SpectralBasis& basis, BasisLimits limits) {
  const std::size_t groups = basis.sizes.size();
  encoder.encode_uniform(groups > 0 ? 1 : 0, 1);
  if (groups > 0) {
    encoder.encode_uniform(static_cast<std::uint32_t>(groups - 1), kGroupBits);
    encode_table(encoder, basis.sizes, groups);
    encode_table(encoder, basis.counts, groups);
    Span<const std::int32_t> rest = basis.leading;
    for (std::size_t g = 0; g < groups; ++g) {
      const auto size = static_cast<std::size_t>(basis.sizes[g]);
      const std::size_t numbers = size * static_cast<std::size_t>(basis.counts[g]);
      encode_table(encoder, rest.subspan(0, numbers), size);
      rest = rest.subspan(numbers, rest.size() - numbers);
    }
  }
  encoder.encode_uniform(basis.rows, kRowBits);
  encode_table(encoder, basis.entries, basis.width(limits.varying));
}

SpectralBasis decode_basis(RangeDecoder& decoder, BasisLimits limits) {
  SpectralBasis basis;
  if (decoder.decode_uniform(1) != 0) {
    const std::size_t groups = decoder.decode_uniform(kGroupBits) + 1;
    basis.sizes = decode_table(decoder, 1, groups);
    basis.counts = decode_table(decoder, 1, groups);
    if (const char* wrong = wrong_groups(basis, limits)) corrupt(0, wrong);
    for (std::size_t g = 0; g < groups; ++g) {
      const std::vector<std::int32_t> part =
          decode_table(decoder, static_cast<std::size_t>(basis.counts[g]),
                       static_cast<std::size_t>(basis.sizes[g]));
      basis.leading.insert(basis.leading.end(), part.begin(), part.end());
    }
  }
  basis.rows = decoder.decode_uniform(kRowBits);
  const std::size_t width = basis.width(limits.varying);
  if (too_many_rows(basis.rows, width, limits))
    corrupt(0, "a basis has more rows than bands that vary, or pixels");
  basis.entries = decode_table(decoder, basis.rows, width);
  return basis;
}

void check_basis(const SpectralBasis& basis, BasisLimits limits) {
  const std::size_t groups = basis.sizes.size();
  if (groups > kMaxGroups || basis.counts.size() != groups)
    throw Error(ErrorCode::kBadArgument, "a basis has at most 256 groups, each with a count");
  if (const char* wrong = wrong_groups(basis, limits)) throw Error(ErrorCode::kBadArgument, wrong);
  std::size_t numbers = 0;
  for (std::size_t g = 0; g < groups; ++g)
    numbers += static_cast<std::size_t>(basis.sizes[g]) * static_cast<std::size_t>(basis.counts[g]);
  const std::size_t width = basis.width(limits.varying);
  if (basis.leading.size() != numbers || basis.rows >> kRowBits != 0 ||
      too_many_rows(basis.rows, width, limits) || basis.entries.size() != basis.rows * width)
    throw Error(ErrorCode::kBadArgument, "the basis does not fit the bands that vary");
}

std::uint32_t basis_checksum(const SpectralBasis& basis, std::uint32_t crc) noexcept {
  for (const auto* part : {&basis.sizes, &basis.counts, &basis.leading, &basis.entries})
    crc = crc32c_symbols(*part, crc);
  return crc;
}

}  // namespace hyspec
