#include "hyspec/header_rules.hpp"

#include <cmath>
#include <cstddef>

#include "hyspec/tile_grid.hpp"

namespace hyspec {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

bool is_plain(const std::string& text) noexcept {
  return is_plain_text({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string intervals_problem(const Header& h) {
  if (h.intervals.empty() || h.intervals.size() > h.bands) {
    return number(h.intervals.size()) + " intervals; expected 1 to the number of bands";
  }
  std::uint64_t sum = 0;
  for (const Interval& interval : h.intervals) {
    if (interval.bands == 0) return "an interval without bands";
    if (interval.model > kMaxModel) return "model index " + number(interval.model) + " above 65535";
    sum += interval.bands;
  }
  if (sum != h.bands) {
    return "the intervals have " + number(sum) + " bands; expected " + number(h.bands);
  }
  return {};
}

std::string ancillary_problem(const Header& h) {
  for (const std::size_t size : {h.wavelengths.size(), h.fwhm.size(), h.bad_bands.size()}) {
    if (size != 0 && size != h.bands) {
      return number(size) + " values per band; expected " + number(h.bands);
    }
  }
  for (const std::uint8_t bad : h.bad_bands) {
    if (bad > 1) return "a bad-band entry is neither 0 nor 1";
  }
  for (const std::string* text : {&h.wavelength_unit, &h.software}) {
    if (!is_plain(*text)) {
      return "a text is not UTF-8, has control characters, or is longer than 255 bytes";
    }
  }
  if (h.pack && !is_plain(h.pack->name)) {
    return "the pack's name is not UTF-8, has control characters, or is longer than 255 bytes";
  }
  for (std::size_t i = 0; i < h.unknown.size(); ++i) {
    const std::uint64_t tag = h.unknown[i].first;
    if (is_known_field(tag) || tag % 2 != 0 || h.unknown[i].second.empty() ||
        (i > 0 && tag <= h.unknown[i - 1].first)) {
      return "unknown fields need unused even tags in ascending order and some content";
    }
  }
  return {};
}

}  // namespace

std::string header_problem(const Header& h) {
  if (h.rows > kMaxRows || h.columns < 1 || h.columns > kMaxRows || h.bands < 1 ||
      h.bands > kMaxBands) {
    return "shape (" + number(h.rows) + ", " + number(h.columns) + ", " + number(h.bands) +
           ") is empty or too large";
  }
  if (h.type > SampleType::kFloat64) return "unknown sample type";
  if (is_floating_point(h.type) ? !(std::isfinite(h.step) && h.step > 0) : h.step != 0) {
    return "floating-point samples need a finite step above zero, integers none";
  }
  const std::uint64_t pixels = std::uint64_t{h.tile_rows} * h.tile_columns;
  if (pixels == 0 || pixels > kMaxTilePixels) {
    return "tiles of " + number(h.tile_rows) + " x " + number(h.tile_columns) +
           " pixels are empty or larger than 2^26";
  }
  const std::string intervals = intervals_problem(h);
  if (!intervals.empty()) return intervals;
  const TileGrid grid(h);
  if (grid.tiles(h.rows) > kMaxTiles) return "more than 2^31 tiles";
  return ancillary_problem(h);
}

}  // namespace hyspec
