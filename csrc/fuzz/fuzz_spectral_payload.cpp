// Payloads of the spectral profile: see fuzz_payload.hpp.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "fuzz_payload.hpp"
#include "hyspec/spectral_payload.hpp"

namespace {

using hyspec::BandTile;
using hyspec_fuzz::Numbers;
using hyspec_fuzz::Payload;

// Every channel looks at its neighbours, at other channels and at the planes before.
std::vector<hyspec::Term> make_terms(std::int16_t channels) {
  constexpr std::int16_t kMost = hyspec::kMaxTermWeight;
  std::vector<hyspec::Term> terms;
  for (std::int16_t c = 0; c < channels; ++c) {
    const auto last = static_cast<std::int16_t>(channels - 1);
    terms.push_back({c, 0, 0, c, 0, -1, 40});
    terms.push_back({c, 0, 0, c, -1, 1, kMost});
    for (std::int16_t k = 0; k < c; ++k) terms.push_back({c, 1, 0, k, 1, 1, 60});
    terms.push_back({c, 2, 1, c, 0, 0, 20});
    terms.push_back({c, 2, 2, last, -1, -1, kMost});
  }
  return terms;
}

hyspec::PlaneModel make_model(std::uint32_t levels, std::uint32_t channels,
                              std::vector<hyspec::Term> terms) {
  return {hyspec_fuzz::make_gains(levels, channels), hyspec::PlaneState(channels),
          std::move(terms)};
}

// The turn after each turn: after an even level and after an odd one.
constexpr std::uint32_t kTurns[8][2] = {{0, 2}, {5, 7}, {1, 3}, {6, 4},
                                        {2, 0}, {4, 6}, {3, 1}, {7, 5}};

struct Spectral {
  using Network = hyspec::SpectralNetwork;
  using Networks = hyspec::Span<const Network>;
  using Symbols = hyspec::SpectralSymbols;

  // A coarse network, a fine one, and one without terms.
  static std::vector<Network> networks() {
    static const hyspec::PlaneModel coarse = make_model(40, 3, make_terms(3)),
                                    fine = make_model(90, 2, make_terms(2)),
                                    alone = make_model(60, 3, {});
    return {{16, &coarse}, {4, &fine}, {8, &alone}};
  }
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
    return a.varies == b.varies && a.mean == b.mean && a.scale == b.scale && a.basis == b.basis &&
           a.dependent == b.dependent;
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
    s.dependent = numbers.below(2) != 0;
    return planes;
  }
  // Of the next smaller magnitude that the quantiser at hand has.
  static void fit(std::vector<std::int32_t>& latents, const Symbols& s, std::uint32_t channels,
                  std::size_t positions) {
    std::uint32_t turn = 0;
    for (std::size_t begin = 0; begin < latents.size(); begin += positions) {
      const std::uint32_t before = turn;
      const bool turns = s.dependent && begin / positions % channels != 0;
      bool silent = true;
      for (std::size_t i = begin; i < begin + positions; ++i) {
        const std::int32_t quantiser = turns ? static_cast<std::int32_t>(turn & 1) : 0;
        std::int32_t& z = latents[i];
        if (z != 0 && (z & 1) != quantiser) z += z < 0 ? 1 : -1;
        silent = silent && z == 0;
        const bool odd = z != 0 && (((z < 0 ? -(z + 1) : z - 1) / 2 & 1) == 0);
        if (turns) turn = kTurns[turn][odd ? 1 : 0];
      }
      if (silent) turn = before;
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hyspec_fuzz::check_payload<Spectral>({data, size});
  return 0;
}
