// Contract: any bytes are a payload of a tile or end in hyspec::Error, never in anything else. What
// is read can be written and read again; so can any symbols that fit their tile.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/error.hpp"

namespace {

using hyspec::BandSymbols;
using hyspec::BandTables;
using hyspec::BandTile;
using hyspec::Span;

constexpr std::uint32_t kChannels = 3, kRungs = 4, kLevels = 40;

void require(bool holds) {
  if (!holds) std::abort();
}

// Tables of 2, 4, 6 and 8 regular symbols, most of their share in the middle.
BandTables make_model() {
  std::vector<std::uint16_t> freq;
  std::vector<std::uint32_t> start = {0};
  std::vector<std::int32_t> first;
  for (std::uint32_t t = 0; t < kChannels * kRungs; ++t) {
    const std::uint32_t half = t % kRungs + 1;
    freq.insert(freq.end(), 2 * half, static_cast<std::uint16_t>(8192 / half));
    freq.push_back(1);
    std::uint32_t sum = 0;
    for (std::size_t i = start.back(); i < freq.size(); ++i) sum += freq[i];
    freq[start.back() + half] = static_cast<std::uint16_t>(freq[start.back() + half] + 65536 - sum);
    start.push_back(static_cast<std::uint32_t>(freq.size()));
    first.push_back(-static_cast<std::int32_t>(half));
  }
  std::vector<std::uint8_t> ladder;
  for (std::uint32_t i = 0; i < kLevels * kChannels; ++i)
    ladder.push_back(static_cast<std::uint8_t>(i / kChannels * kRungs / kLevels));
  return BandTables(hyspec::CdfTables(freq, start, first), ladder, kChannels, kRungs);
}

// Numbers made of the input; zeros after its end.
class Numbers {
 public:
  explicit Numbers(Span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t byte() { return next_ < bytes_.size() ? bytes_[next_++] : 0; }
  std::uint32_t below(std::uint32_t limit) { return (byte() << 8 | byte()) % limit; }
  // Small ones mostly, any int32 now and then.
  std::int32_t number() {
    const std::uint8_t b = byte();
    if (b < 240) return static_cast<std::int32_t>(b % 16) - 8;
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return static_cast<std::int32_t>(value);
  }
  Span<const std::uint8_t> rest() const { return bytes_.subspan(next_, bytes_.size() - next_); }

 private:
  Span<const std::uint8_t> bytes_;
  std::size_t next_ = 0;
};

void check_round_trip(const BandTables& model, const BandTile& tile, const BandSymbols& symbols) {
  std::uint32_t written = 0;
  std::uint32_t read = 1;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_band_payload(model, tile, symbols, &written);
  const BandSymbols again = hyspec::decode_band_payload(model, tile, payload, &read);
  require(written == read && again.step == symbols.step && again.valid == symbols.valid &&
          again.scale == symbols.scale && again.mean == symbols.mean &&
          again.channel_offset == symbols.channel_offset && again.latents == symbols.latents);
}

void read_payload(const BandTables& model, const BandTile& tile, Span<const std::uint8_t> bytes) {
  BandSymbols symbols;
  try {
    symbols = hyspec::decode_band_payload(model, tile, bytes, nullptr);
  } catch (const hyspec::Error& error) {
    require(error.code() == hyspec::ErrorCode::kCorrupt ||
            error.code() == hyspec::ErrorCode::kTruncated);
    return;
  }
  check_round_trip(model, tile, symbols);
}

void write_symbols(const BandTables& model, const BandTile& tile, Numbers numbers) {
  BandSymbols s;
  s.step = static_cast<std::int32_t>(numbers.below(hyspec::kMaxStep - hyspec::kMinStep + 1)) +
           hyspec::kMinStep;
  const bool masked = numbers.below(2) != 0;
  std::size_t active = 0;
  for (std::uint32_t b = 0; b < tile.bands; ++b) {
    bool present = true;
    if (masked) {
      const std::uint32_t density = numbers.below(4);  // 0: none is valid
      for (std::uint64_t i = 0; i < tile.pixels(); ++i)
        s.valid.push_back(density != 0 && numbers.below(4) < density ? 1 : 0);
      present = std::find(s.valid.end() - static_cast<std::ptrdiff_t>(tile.pixels()), s.valid.end(),
                          std::uint8_t{1}) != s.valid.end();
    }
    const std::uint32_t scale = numbers.below(hyspec::kMaxScale + 1);
    const std::int32_t mean = numbers.number();
    s.scale.push_back(present ? static_cast<std::int32_t>(scale) : 0);
    s.mean.push_back(present ? mean : 0);
    if (hyspec::band_level(s.scale.back(), s.step, model.levels()) >= 0) ++active;
  }
  for (std::size_t c = 0; active > 0 && c < kChannels; ++c)
    s.channel_offset.push_back(numbers.number());
  for (std::size_t i = 0; i < active * kChannels * tile.positions(); ++i)
    s.latents.push_back(numbers.number());
  check_round_trip(model, tile, s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const BandTables model = make_model();
  Numbers numbers(Span<const std::uint8_t>(data, size));
  const std::uint32_t bands = numbers.below(4) + 1;
  const std::uint32_t rows = numbers.below(24) + 1;
  const std::uint32_t columns = numbers.below(24) + 1;
  const BandTile tile{bands, rows, columns, numbers.below(2) != 0 ? 4u : 16u};
  read_payload(model, tile, numbers.rest());
  write_symbols(model, tile, numbers);
  return 0;
}
