#include "hyspec/spectral_payload.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "hyspec/bytes.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "hyspec/latent_coder.hpp"
#include "hyspec/plane_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "payload_parts.hpp"

namespace hyspec {

namespace {

constexpr unsigned kPlaneCountBits = 16;
constexpr std::uint64_t kMaxPlanes = (std::uint64_t{1} << kPlaneCountBits) - 1;
constexpr std::int32_t kSideWest = 65536;
// Means count in units this many octaves below 2^(step / 32) (section 3.2).
constexpr std::int32_t kMeanOctaves = 2;

// What tables of side information start from: one channel, each number like its left neighbour
// (section 3.1).
const LatentModel& side_model() {
  static const LatentModel model = [] {
    LatentState state(1);
    state.intra[0] = {kSideWest, 0, 0};
    const std::int16_t gain = 0;
    return LatentModel(LatentGains(1, Span<const std::int16_t>(&gain, 1)), std::move(state));
  }();
  return model;
}

// A table of whole numbers, each in a coder of its own.
void encode_table(RangeEncoder& encoder, Span<const std::int32_t> table, std::size_t columns) {
  if (table.empty()) return;
  LatentCoder(side_model(), {table.size() / columns, columns}).encode(encoder, 0, table);
}

std::vector<std::int32_t> decode_table(RangeDecoder& decoder, std::size_t rows,
                                       std::size_t columns) {
  std::vector<std::int32_t> table(rows * columns);
  if (!table.empty()) LatentCoder(side_model(), {rows, columns}).decode(decoder, 0, table);
  return table;
}

// The symbols as they are coded: those of bands that are there.
struct Side {
  std::vector<std::int32_t> varies, mean;
  std::size_t varying = 0;  // bands
};

Side pick_side(const SpectralSymbols& s, const std::vector<std::uint32_t>& present) {
  Side side;
  for (const std::uint32_t band : present) {
    side.varies.push_back(s.varies[band]);
    side.mean.push_back(s.mean[band]);
    side.varying += s.varies[band];
  }
  return side;
}

std::uint32_t checksum(const Side& side, const SpectralSymbols& s) {
  std::uint32_t crc = 0;
  for (const auto* part : {&side.varies, &side.mean, &s.scale, &s.basis, &s.latents})
    crc = crc32c_symbols(*part, crc);
  return crc;
}

void check_sizes(const BandTile& tile, const SpectralSymbols& s) {
  const auto is_flag = [](std::uint8_t v) { return v <= 1; };
  if (s.varies.size() != tile.bands || s.mean.size() != tile.bands ||
      !std::all_of(s.varies.begin(), s.varies.end(), is_flag))
    throw Error(ErrorCode::kBadArgument, "varies and mean need one entry per band");
}

void check_planes(const BandTile& tile, const SpectralSymbols& s, std::size_t varying) {
  if (s.scale.size() > std::min({std::uint64_t{varying}, tile.pixels(), kMaxPlanes}) ||
      s.basis.size() != s.scale.size() * varying)
    throw Error(ErrorCode::kBadArgument, "planes do not fit the bands that vary");
  for (const std::int32_t scale : s.scale)
    if (scale < 1 || scale > kMaxScale)
      throw Error(ErrorCode::kBadArgument, "a scale is out of range");
}

// No plane is inactive (section 3.3).
std::vector<std::uint32_t> plane_levels(const std::vector<std::int32_t>& scales, std::int32_t step,
                                        std::uint32_t levels) {
  std::vector<std::uint32_t> found;
  for (const std::int32_t scale : scales)
    found.push_back(static_cast<std::uint32_t>(std::max(0, band_level(scale, step, levels))));
  return found;
}

std::vector<std::uint8_t> encode(Span<const SpectralNetwork> networks, const BandTile& tile,
                                 const SpectralSymbols& s, const LatentSource& latents,
                                 std::uint32_t* symbols_crc) {
  Bytes payload;
  put_payload_start(payload, networks.size(), tile, s.step, s.network, s.valid);
  const auto part = network_part(networks[s.network], tile);
  check_sizes(tile, s);
  const Side side = pick_side(s, bands_with_samples(tile, s.valid));
  check_planes(tile, s, side.varying);
  if (latents.size() != s.scale.size() * part.plane_size)
    throw Error(ErrorCode::kBadArgument, "latents do not fit the planes");
  RangeEncoder encoder;
  encode_table(encoder, side.varies, side.varies.size());
  encode_table(encoder, side.mean, side.mean.size());
  encoder.encode_uniform(static_cast<std::uint32_t>(s.scale.size()), kPlaneCountBits);
  encode_table(encoder, s.scale, s.scale.size());
  encode_table(encoder, s.basis, side.varying);
  encoder.encode_uniform(s.dependent ? 1 : 0, 1);
  encode_latents(encoder, PlaneCoder(part.model, part.grid, s.dependent), part.plane_size,
                 plane_levels(s.scale, s.step, part.model.levels()), latents);
  put_words(payload, encoder.finish());
  if (symbols_crc != nullptr) *symbols_crc = checksum(side, s);
  return payload;
}

}  // namespace

std::int32_t spectral_mean_exponent(bool varies, std::int32_t step) noexcept {
  return varies ? std::max(0, (step >> 5) - kMeanOctaves) : 0;
}

std::vector<std::uint8_t> encode_spectral_payload(Span<const SpectralNetwork> networks,
                                                  const BandTile& tile, SpectralSymbols& symbols,
                                                  Span<const float> latents,
                                                  LatentRounding rounding,
                                                  std::uint32_t* symbols_crc) {
  const LatentSource source = rounded_latents(latents, rounding, symbols.latents);
  return encode(networks, tile, symbols, source, symbols_crc);
}

std::vector<std::uint8_t> encode_spectral_payload(Span<const SpectralNetwork> networks,
                                                  const BandTile& tile,
                                                  const SpectralSymbols& symbols,
                                                  std::uint32_t* symbols_crc) {
  return encode(networks, tile, symbols, whole_latents(symbols.latents), symbols_crc);
}

SpectralSymbols decode_spectral_payload(Span<const SpectralNetwork> networks, const BandTile& tile,
                                        Span<const std::uint8_t> payload,
                                        std::uint32_t* symbols_crc) {
  ByteReader reader(payload, 0, ErrorCode::kTruncated);
  PayloadStart start = read_payload_start(reader, networks.size(), tile);
  const auto part = network_part(networks[start.network], tile);
  const std::vector<std::uint32_t> words = read_payload_words(reader);
  SpectralSymbols s;
  s.step = start.step;
  s.network = start.network;
  s.valid = std::move(start.valid);
  const std::vector<std::uint32_t> present = bands_with_samples(tile, s.valid);
  RangeDecoder decoder(words);
  Side side;
  side.varies = decode_table(decoder, 1, present.size());
  side.mean = decode_table(decoder, 1, present.size());
  s.varies.resize(tile.bands);
  s.mean.resize(tile.bands);
  for (std::size_t k = 0; k < present.size(); ++k) {
    if (side.varies[k] != 0 && side.varies[k] != 1)
      corrupt(0, "a band neither varies nor is constant");
    s.varies[present[k]] = static_cast<std::uint8_t>(side.varies[k]);
    s.mean[present[k]] = side.mean[k];
    side.varying += s.varies[present[k]];
  }
  const std::size_t planes = decoder.decode_uniform(kPlaneCountBits);
  if (planes > side.varying || planes > tile.pixels())
    corrupt(0, "there are more planes than the bands that vary, or pixels");
  s.scale = decode_table(decoder, 1, planes);
  for (const std::int32_t scale : s.scale)
    if (scale < 1 || scale > kMaxScale) corrupt(0, "the scale of a plane is out of range");
  s.basis = decode_table(decoder, planes, side.varying);
  s.dependent = decoder.decode_uniform(1) != 0;
  s.latents =
      decode_latents(decoder, PlaneCoder(part.model, part.grid, s.dependent), part.plane_size,
                     plane_levels(s.scale, s.step, part.model.levels()), words.size());
  decoder.finish();
  if (symbols_crc != nullptr) *symbols_crc = checksum(side, s);
  return s;
}

}  // namespace hyspec
