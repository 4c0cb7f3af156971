// Payloads of the spectral profile: see fuzz_payload.hpp. And of any bytes, the basis that others
// may use is read alone; what is read can be used.
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

// What a tile before lends: not all bands vary in it; of few bands it has groups.
hyspec::SharedBasis lent(const BandTile& tile) {
  hyspec::SharedBasis shared;
  for (std::uint32_t b = 0; b < tile.bands; ++b) shared.varies.push_back(b % 3 != 1 ? 1 : 0);
  const auto varying =
      static_cast<std::int32_t>(std::count(shared.varies.begin(), shared.varies.end(), 1));
  if (tile.bands < 4) {
    shared.basis.sizes = {varying};
    shared.basis.counts = {1};
    shared.basis.leading.assign(static_cast<std::size_t>(varying), 5);
  }
  shared.basis.rows = 1;
  shared.basis.entries.assign(shared.basis.width(static_cast<std::size_t>(varying)), -7);
  return shared;
}

// The lent basis if a payload says that it needs one.
class Lent {
 public:
  Lent(const BandTile& tile, std::uint32_t back) : shared_(lent(tile)), back_(back) {}
  const hyspec::SharedBasis* get() const { return back_ != 0 ? &shared_ : nullptr; }

 private:
  hyspec::SharedBasis shared_;
  std::uint32_t back_;
};

// A basis of one or two levels that fits.
hyspec::SpectralBasis make_basis(Numbers& numbers, std::uint32_t varying, std::uint64_t pixels) {
  hyspec::SpectralBasis basis;
  const auto at_most = [pixels](std::uint32_t n) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, pixels));
  };
  if (numbers.below(2) != 0) {
    for (std::uint32_t left = varying; left > 0;
         left -= static_cast<std::uint32_t>(basis.sizes.back())) {
      const std::uint32_t size = numbers.below(left) + 1;
      const std::uint32_t count = numbers.below(at_most(size) + 1);
      basis.sizes.push_back(static_cast<std::int32_t>(size));
      basis.counts.push_back(static_cast<std::int32_t>(count));
      for (std::uint32_t k = 0; k < size * count; ++k) basis.leading.push_back(numbers.number());
    }
  }
  const std::size_t width = basis.width(varying);
  basis.rows = numbers.below(at_most(static_cast<std::uint32_t>(width)) + 1);
  for (std::size_t k = 0; k < basis.rows * width; ++k) basis.entries.push_back(numbers.number());
  return basis;
}

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
    const Lent shared(tile, hyspec::spectral_payload_back(bytes));
    return hyspec::decode_spectral_payload(networks, tile, shared.get(), bytes, crc);
  }
  static auto encode(Networks networks, const BandTile& tile, const Symbols& s,
                     std::uint32_t* crc) {
    return hyspec::encode_spectral_payload(networks, tile, Lent(tile, s.back).get(), s, crc);
  }
  static auto encode_real(Networks networks, const BandTile& tile, Symbols& s,
                          hyspec::Span<const float> latents, hyspec::LatentRounding rounding,
                          std::uint32_t* crc) {
    const Lent shared(tile, s.back);
    return hyspec::encode_spectral_payload(networks, tile, shared.get(), s, latents, rounding, crc);
  }
  static bool same(const Symbols& a, const Symbols& b) {
    return a.back == b.back && a.varies == b.varies && a.fineness == b.fineness &&
           a.mean == b.mean && a.basis == b.basis && a.scale == b.scale &&
           a.dependent == b.dependent;
  }
  static std::size_t make(Networks, const BandTile& tile, Numbers& numbers, Symbols& s) {
    const bool masked = numbers.below(2) != 0;
    s.fineness = numbers.below(hyspec::kMaxFineness + 1);
    std::uint32_t varying = 0;
    for (std::uint32_t b = 0; b < tile.bands; ++b) {
      const bool present = !masked || numbers.mask(s.valid, tile.pixels());
      const std::uint32_t varies = numbers.below(2);
      const std::int32_t mean = numbers.number();
      s.varies.push_back(static_cast<std::uint8_t>(present ? varies : 0));
      s.mean.push_back(present ? mean : 0);
      varying += s.varies.back();
    }
    s.back = numbers.below(3) != 0 ? 0 : static_cast<std::uint32_t>(numbers.number());
    if (s.back == 0) s.basis = make_basis(numbers, varying, tile.pixels());
    const std::uint32_t rows = s.back == 0 ? s.basis.rows : lent(tile).basis.rows;
    const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(rows, tile.pixels()));
    const std::size_t planes = numbers.below(most + 1);
    for (std::size_t k = 0; k < planes; ++k)
      s.scale.push_back(static_cast<std::int32_t>(numbers.below(hyspec::kMaxScale)) + 1);
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

// Any bytes have a basis or end in hyspec::Error; with what is read, a tile without planes can be
// written and read again.
void check_shared(Payload data) {
  static const std::vector<hyspec::SpectralNetwork> networks = Spectral::networks();
  Numbers numbers(data);
  const BandTile tile{numbers.below(300) + 1, numbers.below(24) + 1, numbers.below(24) + 1};
  hyspec::SharedBasis shared;
  try {
    shared = hyspec::decode_spectral_basis(networks.size(), tile, numbers.rest());
  } catch (const hyspec::Error& error) {
    hyspec_fuzz::require(error.code() == hyspec::ErrorCode::kCorrupt ||
                         error.code() == hyspec::ErrorCode::kTruncated);
    return;
  }
  hyspec::SpectralSymbols symbols;
  symbols.back = 1;
  symbols.varies = shared.varies;
  symbols.mean.assign(tile.bands, 3);
  std::uint32_t written = 0, read = 1;
  const auto payload = hyspec::encode_spectral_payload(networks, tile, &shared, symbols, &written);
  hyspec::decode_spectral_payload(networks, tile, &shared, payload, &read);
  hyspec_fuzz::require(written == read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hyspec_fuzz::check_payload<Spectral>({data, size});
  check_shared({data, size});
  return 0;
}
