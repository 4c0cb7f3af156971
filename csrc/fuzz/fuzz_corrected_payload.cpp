// The contract of payloads of corrections: any bytes are a payload of a tile or end in
// hyspec::Error, never in anything else; any corrections come back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz_numbers.hpp"
#include "hyspec/corrected_payload.hpp"
#include "hyspec/error.hpp"

namespace {

using hyspec::BandTile;
using hyspec_fuzz::Numbers;
using hyspec_fuzz::require;
using Valid = std::vector<std::uint8_t>;

constexpr std::int32_t kMost = (1 << 30) - 1;

void require_damage(const hyspec::Error& error) {
  require(error.code() == hyspec::ErrorCode::kCorrupt ||
          error.code() == hyspec::ErrorCode::kTruncated);
}

void read_payload(const BandTile& tile, hyspec::Span<const std::uint8_t> bytes,
                  const Valid& valid) {
  try {
    const hyspec::CorrectedHeader header = hyspec::read_corrected_header(tile, bytes);
    require(header.max_errors.size() == tile.bands &&
            header.base_length <= bytes.size() - header.base_offset);
    for (const std::uint32_t m : header.max_errors)
      require(m < hyspec::kCorrectedLimitEnd && 2 * std::uint64_t{m} >= header.tolerance);
  } catch (const hyspec::Error& error) {
    require_damage(error);
  }
  try {
    std::uint32_t crc = 0;
    const std::vector<std::int32_t> found = hyspec::decode_corrections(tile, bytes, valid, &crc);
    require(found.size() == tile.bands * tile.pixels());
    for (std::size_t i = 0; i < found.size(); ++i)
      require(found[i] <= kMost && found[i] >= -kMost &&
              (valid.empty() || valid[i] != 0 || found[i] == 0));
  } catch (const hyspec::Error& error) {
    require_damage(error);
  }
}

// Most corrections are 0, and the others of any size.
void write_corrections(const BandTile& tile, Numbers numbers, const Valid& valid) {
  const std::uint32_t share = numbers.below(64) + 1, bits = numbers.below(31);
  const std::uint32_t tolerance = numbers.below(9);
  std::vector<std::uint32_t> limits;
  for (std::uint32_t b = 0; b < tile.bands; ++b) limits.push_back(numbers.below(90) + 4);
  std::vector<std::int32_t> corrections(static_cast<std::size_t>(tile.bands * tile.pixels()));
  for (std::int32_t& c : corrections)
    if (numbers.below(share) == 0) c = std::clamp(numbers.number() >> (31 - bits), -kMost, kMost);
  const std::vector<std::uint8_t> base(numbers.below(9), 0x5A);
  std::uint32_t written = 77, read = 77;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_corrected_payload(tile, base, corrections, valid, limits, tolerance, &written);
  const hyspec::CorrectedHeader header = hyspec::read_corrected_header(tile, payload);
  require(header.tolerance == tolerance && header.max_errors == limits &&
          header.base_length == base.size());
  const std::vector<std::int32_t> again = hyspec::decode_corrections(tile, payload, valid, &read);
  require(written == read);
  for (std::size_t i = 0; i < again.size(); ++i)
    require(again[i] == (valid.empty() || valid[i] != 0 ? corrections[i] : 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Numbers numbers({data, size});
  const std::uint32_t bands = numbers.below(6) + 1;
  const std::uint32_t rows = numbers.below(12) + 1;
  const std::uint32_t columns = numbers.below(24) + 1;
  const BandTile tile{bands, rows, columns};
  Valid valid;
  if (numbers.below(2) != 0)
    for (std::uint32_t b = 0; b < bands; ++b)
      numbers.mask(valid, static_cast<std::size_t>(tile.pixels()));
  read_payload(tile, numbers.rest(), valid);
  write_corrections(tile, numbers, valid);
  return 0;
}
