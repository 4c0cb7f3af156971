// Payloads of the band profile: see fuzz_payload.hpp.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz_payload.hpp"
#include "hyspec/band_payload.hpp"

namespace {

using hyspec::BandTile;
using hyspec_fuzz::Numbers;
using hyspec_fuzz::Payload;

hyspec::LatentModel make_model(std::uint32_t levels, std::uint32_t channels) {
  return {hyspec_fuzz::make_gains(levels, channels), hyspec::LatentState(channels)};
}

struct Band {
  using Network = hyspec::BandNetwork;
  using Networks = hyspec::Span<const Network>;
  using Symbols = hyspec::BandSymbols;

  // A coarse network and a fine one.
  static std::vector<Network> networks() {
    static const hyspec::LatentModel coarse = make_model(40, 3), fine = make_model(90, 2);
    return {{16, &coarse}, {4, &fine}};
  }
  static Symbols decode(Networks networks, const BandTile& tile, Payload bytes,
                        std::uint32_t* crc) {
    return hyspec::decode_band_payload(networks, tile, bytes, crc);
  }
  static auto encode(Networks networks, const BandTile& tile, const Symbols& s,
                     std::uint32_t* crc) {
    return hyspec::encode_band_payload(networks, tile, s, crc);
  }
  static auto encode_real(Networks networks, const BandTile& tile, Symbols& s,
                          hyspec::Span<const float> latents, hyspec::LatentRounding rounding,
                          std::uint32_t* crc) {
    return hyspec::encode_band_payload(networks, tile, s, latents, rounding, crc);
  }
  static bool same(const Symbols& a, const Symbols& b) {
    return a.scale == b.scale && a.mean == b.mean;
  }
  static std::size_t make(Networks networks, const BandTile& tile, Numbers& numbers, Symbols& s) {
    const bool masked = numbers.below(2) != 0;
    std::size_t active = 0;
    for (std::uint32_t b = 0; b < tile.bands; ++b) {
      const bool present = !masked || numbers.mask(s.valid, tile.pixels());
      const std::uint32_t scale = numbers.below(hyspec::kMaxScale + 1);
      const std::int32_t mean = numbers.number();
      s.scale.push_back(present ? static_cast<std::int32_t>(scale) : 0);
      s.mean.push_back(present ? mean : 0);
      const std::uint32_t levels = networks[s.network].model->levels();
      if (hyspec::band_level(s.scale.back(), s.step, levels) >= 0) ++active;
    }
    return active;
  }
  static void fit(std::vector<std::int32_t>&, const Symbols&, std::uint32_t, std::size_t) {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hyspec_fuzz::check_payload<Band>({data, size});
  return 0;
}
