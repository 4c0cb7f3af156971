// The contract of bounded payloads: any bytes are a payload of a tile or end in hyspec::Error,
// never in anything else; any samples come back within their error limits, absolute and relative.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fuzz_numbers.hpp"
#include "hyspec/bounded_payload.hpp"
#include "hyspec/error.hpp"

namespace {

using hyspec::BandTile;
using hyspec_fuzz::Numbers;
using hyspec_fuzz::require;

void read_payload(const BandTile& tile, hyspec::Span<const std::uint8_t> bytes) {
  try {
    const hyspec::BoundedSamples s = hyspec::decode_bounded_payload(tile, bytes, nullptr);
    require(s.samples.size() == tile.bands * tile.pixels() && s.max_errors.size() == tile.bands);
  } catch (const hyspec::Error& error) {
    require(error.code() == hyspec::ErrorCode::kCorrupt ||
            error.code() == hyspec::ErrorCode::kTruncated);
  }
}

void write_samples(const BandTile& tile, Numbers numbers) {
  const auto size = static_cast<std::size_t>(tile.pixels());
  const hyspec::BoundedSettings settings{numbers.below(hyspec::kMaxPredictionBands + 1),
                                         numbers.below(2) != 0};
  hyspec::RelativeError relative;
  if (numbers.below(2) != 0) {
    relative.denominator = ((numbers.below(1u << 16) << 8) >> numbers.below(24)) + 1;
    relative.numerator =
        static_cast<std::uint32_t>(numbers.number()) % relative.denominator >> numbers.below(4);
    relative.zero = static_cast<std::int32_t>(numbers.number() >> numbers.below(32));
  }
  const bool masked = numbers.below(2) != 0;
  const std::uint32_t bits = numbers.below(33);
  std::vector<std::uint8_t> valid;
  std::vector<std::uint32_t> limits;
  std::vector<std::int32_t> samples;
  for (std::uint32_t b = 0; b < tile.bands; ++b) {
    if (masked) numbers.mask(valid, size);
    limits.push_back(numbers.below(4) != 0 ? numbers.below(20)
                                           : static_cast<std::uint32_t>(numbers.number()));
    for (std::size_t i = 0; i < size; ++i) {
      const std::int64_t value = numbers.number();
      samples.push_back(static_cast<std::int32_t>(bits == 0 ? 0 : value >> (32 - bits)));
    }
  }
  std::uint32_t written = 0, read = 0;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_bounded_payload(tile, samples, valid, limits, relative, settings, &written);
  const hyspec::BoundedSamples again = hyspec::decode_bounded_payload(tile, payload, &read);
  require(written == read && again.valid == valid && again.max_errors == limits &&
          again.relative.numerator == relative.numerator);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::int64_t error = std::llabs(std::int64_t{again.samples[i]} - samples[i]);
    std::int64_t allowed = limits[i / size];
    if (relative.numerator > 0) {
      const std::int64_t distance = std::llabs(std::int64_t{samples[i]} - relative.zero);
      allowed = std::min(allowed, distance * relative.numerator / relative.denominator);
    }
    require((masked && valid[i] == 0) || error <= allowed);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Numbers numbers({data, size});
  const std::uint32_t bands = numbers.below(12) + 1;
  const std::uint32_t rows = numbers.below(12) + 1;
  const std::uint32_t columns = numbers.below(24) + 1;
  const BandTile tile{bands, rows, columns};
  read_payload(tile, numbers.rest());
  write_samples(tile, numbers);
  return 0;
}
