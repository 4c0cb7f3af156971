// Payloads of the spectral profile: see fuzz_payload.hpp.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "fuzz_payload.hpp"
#include "hyspec/spectral_payload.hpp"

namespace {

using hyspec::BandTile;
using hyspec_fuzz::Networks;
using hyspec_fuzz::Numbers;
using hyspec_fuzz::Payload;

struct Spectral {
  using Symbols = hyspec::SpectralSymbols;

  static Symbols decode(Networks networks, const BandTile& tile, Payload bytes,
                        std::uint32_t* crc) {
    return hyspec::decode_spectral_payload(networks, tile, bytes, crc);
  }
  static auto encode(Networks networks, const BandTile& tile, const Symbols& s,
                     std::uint32_t* crc) {
    return hyspec::encode_spectral_payload(networks, tile, s, crc);
  }
  static auto encode_real(Networks networks, const BandTile& tile, Symbols& s,
                          hyspec::Span<const float> latents, hyspec::LatentRounding rounding,
                          std::uint32_t* crc) {
    return hyspec::encode_spectral_payload(networks, tile, s, latents, rounding, crc);
  }
  static bool same(const Symbols& a, const Symbols& b) {
    return a.varies == b.varies && a.mean == b.mean && a.scale == b.scale && a.basis == b.basis;
  }
  static std::size_t make(Networks, const BandTile& tile, Numbers& numbers, Symbols& s) {
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
    const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(varying, tile.pixels()));
    const std::size_t planes = numbers.below(most + 1);
    for (std::size_t k = 0; k < planes; ++k)
      s.scale.push_back(static_cast<std::int32_t>(numbers.below(hyspec::kMaxScale)) + 1);
    for (std::size_t k = 0; k < planes * varying; ++k) s.basis.push_back(numbers.number());
    return planes;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hyspec_fuzz::check_payload<Spectral>({data, size});
  return 0;
}
