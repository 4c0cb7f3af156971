// Contract: any bytes are a payload of a tile or end in hyspec::Error, never in anything else. What
// is read can be written and read again; so can any symbols that fit their tile.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz_numbers.hpp"
#include "hyspec/error.hpp"
#include "hyspec/spectral_payload.hpp"

namespace {

using hyspec::BandNetwork;
using hyspec::BandTile;
using hyspec::LatentModel;
using hyspec::Span;
using hyspec::SpectralSymbols;
using hyspec_fuzz::Numbers;
using hyspec_fuzz::require;

void check_read(Span<const BandNetwork> networks, const BandTile& tile,
                const SpectralSymbols& symbols, Span<const std::uint8_t> payload,
                std::uint32_t written) {
  std::uint32_t read = ~written;
  const SpectralSymbols again = hyspec::decode_spectral_payload(networks, tile, payload, &read);
  require(written == read && again.step == symbols.step && again.network == symbols.network &&
          again.valid == symbols.valid && again.varies == symbols.varies &&
          again.mean == symbols.mean && again.scale == symbols.scale &&
          again.basis == symbols.basis && again.latents == symbols.latents);
}

void check_round_trip(Span<const BandNetwork> networks, const BandTile& tile,
                      const SpectralSymbols& symbols) {
  std::uint32_t written = 0;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_spectral_payload(networks, tile, symbols, &written);
  check_read(networks, tile, symbols, payload, written);
}

void read_payload(Span<const BandNetwork> networks, const BandTile& tile,
                  Span<const std::uint8_t> bytes) {
  SpectralSymbols symbols;
  try {
    symbols = hyspec::decode_spectral_payload(networks, tile, bytes, nullptr);
  } catch (const hyspec::Error& error) {
    require(error.code() == hyspec::ErrorCode::kCorrupt ||
            error.code() == hyspec::ErrorCode::kTruncated);
    return;
  }
  check_round_trip(networks, tile, symbols);
}

// Bands with their masks, flags and means; returns how many vary.
std::uint32_t make_bands(const BandTile& tile, Numbers& numbers, SpectralSymbols& s) {
  const bool masked = numbers.below(2) != 0;
  std::uint32_t varying = 0;
  for (std::uint32_t b = 0; b < tile.bands; ++b) {
    const bool present = !masked || numbers.mask(s.valid, tile.pixels());
    const std::uint32_t varies = numbers.below(2);
    const std::int32_t mean = numbers.number();
    s.varies.push_back(static_cast<std::uint8_t>(present ? varies : 0));
    s.mean.push_back(present ? mean : 0);
    varying += s.varies.back();
  }
  return varying;
}

void write_symbols(Span<const BandNetwork> networks, const BandTile& tile, Numbers numbers) {
  SpectralSymbols s;
  s.step = static_cast<std::int32_t>(numbers.below(hyspec::kMaxStep - hyspec::kMinStep + 1)) +
           hyspec::kMinStep;
  s.network = numbers.below(2);
  const LatentModel& model = *networks[s.network].model;
  const std::uint32_t varying = make_bands(tile, numbers, s);
  const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(varying, tile.pixels()));
  const std::size_t planes = numbers.below(most + 1);
  for (std::size_t k = 0; k < planes; ++k)
    s.scale.push_back(static_cast<std::int32_t>(numbers.below(hyspec::kMaxScale)) + 1);
  for (std::size_t k = 0; k < planes * varying; ++k) s.basis.push_back(numbers.number());
  const std::size_t positions = hyspec::latent_grid(tile, networks[s.network].stride).positions();
  for (std::size_t k = 0; k < planes * model.channels() * positions; ++k)
    s.latents.push_back(numbers.number());
  check_round_trip(networks, tile, s);

  // The same as real numbers, which the gains take to any size and rounding changes.
  const std::vector<float> real = numbers.near(s.latents);
  const hyspec::LatentRounding rounding{static_cast<float>(numbers.below(129)) / 256.0f};
  std::uint32_t written = 0;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_spectral_payload(networks, tile, s, real, rounding, &written);
  check_read(networks, tile, s, payload, written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<BandNetwork> networks = hyspec_fuzz::make_networks();
  Numbers numbers(Span<const std::uint8_t>(data, size));
  const std::uint32_t bands = numbers.below(6) + 1;
  const std::uint32_t rows = numbers.below(24) + 1;
  const std::uint32_t columns = numbers.below(24) + 1;
  const BandTile tile{bands, rows, columns};
  read_payload(networks, tile, numbers.rest());
  write_symbols(networks, tile, numbers);
  return 0;
}
