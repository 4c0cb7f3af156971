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

using hyspec::BandNetwork;
using hyspec::BandSymbols;
using hyspec::BandTile;
using hyspec::LatentModel;
using hyspec::Span;

void require(bool holds) {
  if (!holds) std::abort();
}

// A level is an eighth of an octave; channels differ by less.
LatentModel make_model(std::uint32_t levels, std::uint32_t channels) {
  std::vector<std::int16_t> gains;
  for (std::uint32_t i = 0; i < levels * channels; ++i)
    gains.push_back(static_cast<std::int16_t>(32 * (i / channels) + 11 * (i % channels)));
  return LatentModel(channels, gains, hyspec::LatentState(channels));
}

// A coarse network and a fine one.
std::vector<BandNetwork> make_networks() {
  static const LatentModel coarse = make_model(40, 3), fine = make_model(90, 2);
  return {{16, &coarse}, {4, &fine}};
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

void check_read(Span<const BandNetwork> networks, const BandTile& tile, const BandSymbols& symbols,
                Span<const std::uint8_t> payload, std::uint32_t written) {
  std::uint32_t read = ~written;
  const BandSymbols again = hyspec::decode_band_payload(networks, tile, payload, &read);
  require(written == read && again.step == symbols.step && again.network == symbols.network &&
          again.valid == symbols.valid && again.scale == symbols.scale &&
          again.mean == symbols.mean && again.latents == symbols.latents);
}

void check_round_trip(Span<const BandNetwork> networks, const BandTile& tile,
                      const BandSymbols& symbols) {
  std::uint32_t written = 0;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_band_payload(networks, tile, symbols, &written);
  check_read(networks, tile, symbols, payload, written);
}

void read_payload(Span<const BandNetwork> networks, const BandTile& tile,
                  Span<const std::uint8_t> bytes) {
  BandSymbols symbols;
  try {
    symbols = hyspec::decode_band_payload(networks, tile, bytes, nullptr);
  } catch (const hyspec::Error& error) {
    require(error.code() == hyspec::ErrorCode::kCorrupt ||
            error.code() == hyspec::ErrorCode::kTruncated);
    return;
  }
  check_round_trip(networks, tile, symbols);
}

void write_symbols(Span<const BandNetwork> networks, const BandTile& tile, Numbers numbers) {
  BandSymbols s;
  s.step = static_cast<std::int32_t>(numbers.below(hyspec::kMaxStep - hyspec::kMinStep + 1)) +
           hyspec::kMinStep;
  s.network = numbers.below(2);
  const LatentModel& model = *networks[s.network].model;
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
  const std::size_t positions = hyspec::latent_grid(tile, networks[s.network].stride).positions();
  for (std::size_t i = 0; i < active * model.channels() * positions; ++i)
    s.latents.push_back(numbers.number());
  check_round_trip(networks, tile, s);

  // The same as real numbers, which the gains take to any size and rounding changes.
  std::vector<float> real;
  for (const std::int32_t latent : s.latents)
    real.push_back(static_cast<float>(latent) + static_cast<float>(numbers.byte()) / 256.0f);
  const hyspec::LatentRounding rounding{static_cast<float>(numbers.below(129)) / 256.0f};
  std::uint32_t written = 0;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_band_payload(networks, tile, s, real, rounding, &written);
  check_read(networks, tile, s, payload, written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<BandNetwork> networks = make_networks();
  Numbers numbers(Span<const std::uint8_t>(data, size));
  const std::uint32_t bands = numbers.below(6) + 1;
  const std::uint32_t rows = numbers.below(24) + 1;
  const std::uint32_t columns = numbers.below(24) + 1;
  const BandTile tile{bands, rows, columns};
  read_payload(networks, tile, numbers.rest());
  write_symbols(networks, tile, numbers);
  return 0;
}
