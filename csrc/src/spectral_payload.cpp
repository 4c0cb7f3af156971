#include "hyspec/spectral_payload.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "hyspec/bytes.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "hyspec/plane_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "payload_parts.hpp"
#include "side_tables.hpp"

namespace hyspec {

namespace {

constexpr unsigned kPlaneCountBits = 16;
constexpr unsigned kFinenessBits = 2;
// Means count in units this many octaves below 2^(step / 32) (section 3.2).
constexpr std::int32_t kMeanOctaves = 2;
constexpr float kLargestWeight = 1 << 20;

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

std::uint32_t checksum(const Side& side, const SpectralSymbols& s, const SharedBasis* shared) {
  std::uint32_t crc = 0;
  for (const auto* part : {&side.varies, &side.mean}) crc = crc32c_symbols(*part, crc);
  if (shared != nullptr) {
    const std::vector<std::int32_t> varies(shared->varies.begin(), shared->varies.end());
    crc = crc32c_symbols(varies, crc);
  }
  crc = basis_checksum(shared != nullptr ? shared->basis : s.basis, crc);
  for (const auto* part : {&s.scale, &s.latents}) crc = crc32c_symbols(*part, crc);
  return crc;
}

void check_shared(const BandTile& tile, std::uint32_t back, const SharedBasis* shared) {
  if ((back > 0) != (shared != nullptr))
    throw Error(ErrorCode::kBadArgument, "a payload has its own basis, or that of a tile before");
  if (shared != nullptr && shared->varies.size() != tile.bands)
    throw Error(ErrorCode::kBadArgument, "the basis of a tile before has other bands");
}

void check_sizes(const BandTile& tile, const SpectralSymbols& s) {
  const auto is_flag = [](std::uint8_t v) { return v <= 1; };
  if (s.varies.size() != tile.bands || s.mean.size() != tile.bands ||
      !std::all_of(s.varies.begin(), s.varies.end(), is_flag))
    throw Error(ErrorCode::kBadArgument, "varies and mean need one entry per band");
  if (s.fineness > kMaxFineness)
    throw Error(ErrorCode::kBadArgument, "the fineness of means is out of range");
}

void check_planes(const SpectralSymbols& s, std::uint64_t most) {
  if (s.scale.size() > most) throw Error(ErrorCode::kBadArgument, "the basis has fewer rows");
  for (const std::int32_t scale : s.scale)
    if (scale < 1 || scale > kMaxScale)
      throw Error(ErrorCode::kBadArgument, "a scale is out of range");
}

// Planes that a tile may have: one per row of the basis, but no more than pixels.
std::uint64_t most_planes(const BandTile& tile, const SpectralSymbols& s,
                          const SharedBasis* shared) {
  const std::uint64_t rows = shared != nullptr ? shared->basis.rows : s.basis.rows;
  return std::min(rows, tile.pixels());
}

// No plane is inactive (section 3.3).
std::vector<std::uint32_t> plane_levels(const std::vector<std::int32_t>& scales, std::int32_t step,
                                        std::uint32_t levels) {
  std::vector<std::uint32_t> found;
  for (const std::int32_t scale : scales)
    found.push_back(static_cast<std::uint32_t>(std::max(0, band_level(scale, step, levels))));
  return found;
}

// One weight for all channels of a position.
void check_weights(Span<const float> weights, std::size_t latents,
                   Span<const SpectralNetwork> networks, std::uint32_t network) {
  if (weights.empty() || network >= networks.size()) return;  // the latter is refused later
  if (weights.size() * networks[network].model->channels() != latents)
    throw Error(ErrorCode::kBadArgument, "weights do not fit the latents");
  if (!std::all_of(weights.begin(), weights.end(),
                   [](float w) { return w >= 0.0f && w <= kLargestWeight; }))
    throw Error(ErrorCode::kBadArgument, "a weight is not within 0 and 2^20");
}

std::vector<std::uint8_t> encode(Span<const SpectralNetwork> networks, const BandTile& tile,
                                 const SharedBasis* shared, const SpectralSymbols& s,
                                 const LatentSource& latents, std::uint32_t* symbols_crc) {
  Bytes payload;
  put_varint(payload, s.back);
  put_payload_start(payload, networks.size(), tile, s.step, s.network, s.valid);
  const auto part = network_part(networks[s.network], tile);
  check_sizes(tile, s);
  check_shared(tile, s.back, shared);
  const Side side = pick_side(s, bands_with_samples(tile, s.valid));
  const BasisLimits limits{side.varying, tile.pixels()};
  if (shared == nullptr) check_basis(s.basis, limits);
  check_planes(s, most_planes(tile, s, shared));
  if (latents.size() != s.scale.size() * part.plane_size)
    throw Error(ErrorCode::kBadArgument, "latents do not fit the planes");
  RangeEncoder encoder;
  encode_table(encoder, side.varies, side.varies.size());
  encoder.encode_uniform(s.fineness, kFinenessBits);
  encode_table(encoder, side.mean, side.mean.size());
  if (shared == nullptr) encode_basis(encoder, s.basis, limits);
  encoder.encode_uniform(static_cast<std::uint32_t>(s.scale.size()), kPlaneCountBits);
  encode_table(encoder, s.scale, s.scale.size());
  encoder.encode_uniform(s.dependent ? 1 : 0, 1);
  encode_latents(encoder, PlaneCoder(part.model, part.grid, s.dependent), part.plane_size,
                 plane_levels(s.scale, s.step, part.model.levels()), latents);
  put_words(payload, encoder.finish());
  if (symbols_crc != nullptr) *symbols_crc = checksum(side, s, shared);
  return payload;
}

std::uint32_t read_back(ByteReader& reader) {
  const std::uint64_t back = reader.varint();
  if (back > std::numeric_limits<std::uint32_t>::max())
    corrupt(0, "the basis is that of a tile too far away");
  return static_cast<std::uint32_t>(back);
}

// Reads the tables that come before the basis.
Side read_side(RangeDecoder& decoder, const BandTile& tile, SpectralSymbols& s) {
  const std::vector<std::uint32_t> present = bands_with_samples(tile, s.valid);
  Side side;
  side.varies = decode_table(decoder, 1, present.size());
  s.fineness = decoder.decode_uniform(kFinenessBits);
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
  return side;
}

}  // namespace

std::int32_t spectral_mean_exponent(bool varies, std::int32_t step,
                                    std::uint32_t fineness) noexcept {
  const auto finer = static_cast<std::int32_t>(fineness);
  return varies ? std::max(0, (step >> 5) - kMeanOctaves) - finer : 0;
}

std::vector<std::uint8_t> encode_spectral_payload(Span<const SpectralNetwork> networks,
                                                  const BandTile& tile, const SharedBasis* shared,
                                                  SpectralSymbols& symbols,
                                                  Span<const float> latents,
                                                  LatentRounding rounding,
                                                  std::uint32_t* symbols_crc) {
  check_weights(rounding.weights, latents.size(), networks, symbols.network);
  const LatentSource source = rounded_latents(latents, rounding, symbols.latents);
  return encode(networks, tile, shared, symbols, source, symbols_crc);
}

std::vector<std::uint8_t> encode_spectral_payload(Span<const SpectralNetwork> networks,
                                                  const BandTile& tile, const SharedBasis* shared,
                                                  const SpectralSymbols& symbols,
                                                  std::uint32_t* symbols_crc) {
  return encode(networks, tile, shared, symbols, whole_latents(symbols.latents), symbols_crc);
}

std::uint32_t spectral_payload_back(Span<const std::uint8_t> payload) {
  ByteReader reader(payload, 0, ErrorCode::kTruncated);
  return read_back(reader);
}

SharedBasis decode_spectral_basis(std::size_t networks, const BandTile& tile,
                                  Span<const std::uint8_t> payload) {
  ByteReader reader(payload, 0, ErrorCode::kTruncated);
  if (read_back(reader) != 0) corrupt(0, "the basis of a tile before is that of another tile");
  SpectralSymbols s;
  s.valid = read_payload_start(reader, networks, tile).valid;
  const std::vector<std::uint32_t> words = read_payload_words(reader);
  RangeDecoder decoder(words);
  const Side side = read_side(decoder, tile, s);
  return {std::move(s.varies), decode_basis(decoder, {side.varying, tile.pixels()})};
}

SpectralSymbols decode_spectral_payload(Span<const SpectralNetwork> networks, const BandTile& tile,
                                        const SharedBasis* shared, Span<const std::uint8_t> payload,
                                        std::uint32_t* symbols_crc) {
  ByteReader reader(payload, 0, ErrorCode::kTruncated);
  SpectralSymbols s;
  s.back = read_back(reader);
  PayloadStart start = read_payload_start(reader, networks.size(), tile);
  check_shared(tile, s.back, shared);
  const auto part = network_part(networks[start.network], tile);
  const std::vector<std::uint32_t> words = read_payload_words(reader);
  s.step = start.step;
  s.network = start.network;
  s.valid = std::move(start.valid);
  RangeDecoder decoder(words);
  const Side side = read_side(decoder, tile, s);
  if (shared == nullptr) s.basis = decode_basis(decoder, {side.varying, tile.pixels()});
  const std::size_t planes = decoder.decode_uniform(kPlaneCountBits);
  if (planes > most_planes(tile, s, shared))
    corrupt(0, "there are more planes than rows of the basis, or pixels");
  s.scale = decode_table(decoder, 1, planes);
  for (const std::int32_t scale : s.scale)
    if (scale < 1 || scale > kMaxScale) corrupt(0, "the scale of a plane is out of range");
  s.dependent = decoder.decode_uniform(1) != 0;
  s.latents =
      decode_latents(decoder, PlaneCoder(part.model, part.grid, s.dependent), part.plane_size,
                     plane_levels(s.scale, s.step, part.model.levels()), words.size());
  decoder.finish();
  if (symbols_crc != nullptr) *symbols_crc = checksum(side, s, shared);
  return s;
}

}  // namespace hyspec
