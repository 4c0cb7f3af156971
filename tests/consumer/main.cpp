// Encodes and decodes a few symbols and payloads of both profiles with the installed library, and
// prints the words of the symbols.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/cdf_tables.hpp"
#include "hyspec/error.hpp"
#include "hyspec/mask_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/spectral_payload.hpp"
#include "hyspec/symbol_coder.hpp"

namespace {

// Two bands of 8 x 12 samples, one latent channel of stride 4: do the symbols come back?
bool band_payload_comes_back() {
  const std::vector<std::int16_t> gains(40, 0);
  const hyspec::LatentModel model(hyspec::LatentGains(1, gains), hyspec::LatentState(1));
  const std::vector<hyspec::BandNetwork> networks = {{4, &model}};
  const hyspec::BandTile tile{2, 8, 12};
  hyspec::BandSymbols symbols;
  symbols.scale = {70, 80};
  symbols.mean = {-5, 1000};
  symbols.latents = {0, 1, -1, 0, 5, 0, 0, 1, -2, 0, 70000, 0};
  std::uint32_t written = 0, read = 1;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_band_payload(networks, tile, symbols, &written);
  const hyspec::BandSymbols again = hyspec::decode_band_payload(networks, tile, payload, &read);
  return written == read && again.scale == symbols.scale && again.mean == symbols.mean &&
         again.latents == symbols.latents;
}

// Two tiles without planes, of which the second one borrows its basis: do the symbols come back?
bool spectral_payloads_come_back() {
  const std::vector<std::int16_t> gains(40, 0);
  const hyspec::PlaneModel model(hyspec::LatentGains(1, gains), hyspec::PlaneState(1), {});
  const std::vector<hyspec::SpectralNetwork> networks = {{4, &model}};
  const hyspec::BandTile tile{2, 8, 12};
  hyspec::SpectralSymbols symbols;
  symbols.varies = {1, 1};
  symbols.mean = {-5, 1000};
  symbols.basis.rows = 1;
  symbols.basis.entries = {3, -4};
  std::uint32_t written = 0, read = 1;
  const std::vector<std::uint8_t> first =
      hyspec::encode_spectral_payload(networks, tile, nullptr, symbols, &written);
  const hyspec::SharedBasis shared = hyspec::decode_spectral_basis(1, tile, first);
  if (!(shared.basis == symbols.basis)) return false;
  symbols.back = 1;
  symbols.basis = {};
  const std::vector<std::uint8_t> second =
      hyspec::encode_spectral_payload(networks, tile, &shared, symbols, &written);
  if (hyspec::spectral_payload_back(second) != 1) return false;
  hyspec::decode_spectral_payload(networks, tile, &shared, second, &read);
  return written == read;
}

}  // namespace

int main() {
  const std::vector<std::uint16_t> freq = {60000, 5000, 535, 1};
  const std::vector<std::uint32_t> start = {0, 4};
  const std::vector<std::int32_t> first = {-1};
  const std::vector<std::int32_t> symbols = {-1, 0, 1, -1, 2147483647, -1, 0, -7};
  const std::vector<std::uint16_t> index(symbols.size(), 0);
  try {
    const hyspec::CdfTables tables(freq, start, first);
    hyspec::RangeEncoder encoder;
    hyspec::encode_symbols(encoder, tables, symbols, index);
    const std::vector<std::uint32_t> words = encoder.finish();

    std::vector<std::int32_t> decoded(symbols.size());
    hyspec::RangeDecoder decoder(words);
    hyspec::decode_symbols(decoder, tables, index, decoded);
    decoder.finish();
    if (decoded != symbols || !band_payload_comes_back() || !spectral_payloads_come_back())
      return 1;
    for (const std::uint32_t w : words) std::printf("%lu\n", static_cast<unsigned long>(w));
  } catch (const hyspec::Error& e) {
    std::fprintf(stderr, "error: %s: %s\n", hyspec::error_name(e.code()), e.what());
    return 1;
  }
  try {
    std::vector<std::uint8_t> planes(4);
    hyspec::decode_masks(std::vector<std::uint8_t>{1, 2, 3}, 1, 2, 2, planes);
    return 1;  // three bytes are no mask
  } catch (const hyspec::Error& e) {
    return e.code() == hyspec::ErrorCode::kTruncated ? 0 : 1;
  }
}
