// The preamble of a stream: what every chunk has in common. docs/container_format.md, section 3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hyspec/bytes.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Section 8.
inline constexpr std::size_t kMaxBodyLength = std::size_t{1} << 24;
inline constexpr std::uint64_t kMaxRows = (std::uint64_t{1} << 31) - 1;
inline constexpr std::uint64_t kMaxBands = 65535;
inline constexpr std::uint64_t kMaxModel = 65535;
inline constexpr std::uint64_t kMaxTilePixels = std::uint64_t{1} << 26;
inline constexpr std::uint64_t kMaxTiles = std::uint64_t{1} << 31;

// Signature, version, body length, checksum: bytes before the body.
inline constexpr std::size_t kPreamblePrefix = 18;

// Codes of section 3.2.
enum class SampleType : std::uint8_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kFloat64 = 7,
};

constexpr bool is_floating_point(SampleType type) noexcept {
  return type == SampleType::kFloat32 || type == SampleType::kFloat64;
}

// Contiguous bands that are coded together (section 3.4).
struct Interval {
  std::uint32_t bands = 0;
  std::uint32_t model = 0;
};

// The model pack that made the stream (section 3.6).
struct PackRef {
  std::array<std::uint8_t, 32> id{};
  std::string name;
};

struct Header {
  std::uint8_t minor_version = 0;
  std::uint32_t rows = 0;  // 0: not known when the header was written
  std::uint32_t columns = 0;
  std::uint32_t bands = 0;
  SampleType type = SampleType::kUint16;
  double step = 0;  // of floating-point samples; 0 for integer ones
  std::uint32_t tile_rows = 0;
  std::uint32_t tile_columns = 0;
  std::uint8_t profile = 0;
  std::uint8_t profile_version = 0;
  std::vector<Interval> intervals;
  std::optional<PackRef> pack;
  std::optional<double> nodata;
  // Empty: absent. Otherwise one entry per band.
  std::vector<double> wavelengths;
  std::vector<double> fwhm;
  std::vector<std::uint8_t> bad_bands;  // 0 or 1
  // Empty: absent.
  std::string wavelength_unit;
  Bytes metadata;
  std::string software;
  // Ancillary fields that this version does not know: (tag, content), by ascending tag.
  std::vector<std::pair<std::uint64_t, Bytes>> unknown;
};

// The preamble of `header`. Throws kBadArgument if a value breaks a rule of section 3.
Bytes serialize_preamble(const Header& header);

// Length of the preamble that `prefix` begins with; kPreamblePrefix bytes are enough.
// Throws kNotAStream, kUnsupportedVersion, kTruncated, kCorrupt.
std::size_t preamble_size(Span<const std::uint8_t> prefix);

// Header and length of the preamble that `data` begins with.
// Throws as preamble_size, and kChecksumMismatch.
std::pair<Header, std::size_t> parse_preamble(Span<const std::uint8_t> data);

}  // namespace hyspec
