// decode_stream PACK STREAM...: decodes every chunk of streams of any profile with the networks of
// a tiny pack, or with none where PACK is -, and prints "file tile interval checksum" with the
// checksum of the decoded symbols. Exits with 1 if one differs from what the stream says.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/bounded_payload.hpp"
#include "hyspec/container.hpp"
#include "hyspec/corrected_payload.hpp"
#include "hyspec/spectral_payload.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// Elements of a little-endian .npy file (format 1.0) of integers of this type, in order.
template <typename T>
std::vector<T> read_npy(const std::string& path) {
  const Bytes bytes = read_file(path);
  const std::size_t begin = 10 + bytes.at(8) + 256u * bytes.at(9);
  std::vector<T> values;
  for (std::size_t at = begin; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    std::uint32_t value = 0;
    for (std::size_t k = sizeof(T); k-- > 0;) value = value << 8 | bytes[at + k];
    values.push_back(static_cast<T>(value));
  }
  return values;
}

hyspec::StateArrays read_state(const std::string& folder) {
  return {read_npy<std::uint16_t>(folder + "/probability.npy"),
          read_npy<std::uint8_t>(folder + "/count.npy"),
          read_npy<std::int32_t>(folder + "/mixers.npy"),
          read_npy<std::int32_t>(folder + "/intra.npy")};
}

hyspec::LatentGains read_gains(const std::string& folder, std::uint32_t channels) {
  return {channels, read_npy<std::int16_t>(folder + "/gain.npy")};
}

// Models of bands and of component planes, of a network of so many channels.
hyspec::LatentModel read_band_model(const std::string& folder, std::uint32_t channels) {
  return {read_gains(folder, channels), hyspec::latent_state(channels, read_state(folder))};
}

hyspec::PlaneModel read_plane_model(const std::string& folder, std::uint32_t channels) {
  const auto numbers = read_npy<std::int16_t>(folder + "/surroundings.npy");
  std::vector<hyspec::Term> terms;
  for (std::size_t k = 0; k + 7 <= numbers.size(); k += 7)
    terms.push_back({numbers[k], numbers[k + 1], numbers[k + 2], numbers[k + 3], numbers[k + 4],
                     numbers[k + 5], numbers[k + 6]});
  return {read_gains(folder, channels), hyspec::plane_state(channels, read_state(folder)),
          std::move(terms)};
}

// The networks of a tiny pack of either profile.
struct Pack {
  Pack() = default;
  explicit Pack(const std::string& path) {
    const std::string low = path + "/low", high = path + "/high";
    if (std::ifstream(low + "/surroundings.npy")) {
      planes = {read_plane_model(low, 4), read_plane_model(high, 8)};
      spectral = {{16, &planes[0]}, {8, &planes[1]}};
    } else {
      bands = {read_band_model(low, 4), read_band_model(high, 8)};
      band = {{16, &bands[0]}, {8, &bands[1]}};
    }
  }

  std::vector<hyspec::LatentModel> bands;
  std::vector<hyspec::PlaneModel> planes;
  std::vector<hyspec::BandNetwork> band;
  std::vector<hyspec::SpectralNetwork> spectral;
};

// A stream and where its chunks are.
struct Stream {
  explicit Stream(const std::string& path) : name(path.substr(path.rfind('/') + 1)) {
    file = read_file(path);
    auto [parsed, size] = hyspec::parse_preamble(file);
    header = std::move(parsed);
    chunks = hyspec::read_index(file, header, size).chunks;
    across = (header.columns + header.tile_columns - 1) / header.tile_columns;
  }

  const hyspec::ChunkEntry& chunk(std::uint32_t tile, std::uint32_t interval) const {
    for (const hyspec::ChunkEntry& entry : chunks)
      if (entry.tile == tile && entry.interval == interval) return entry;
    throw std::runtime_error(name + ": a chunk is missing");
  }
  hyspec::Span<const std::uint8_t> payload(const hyspec::ChunkInfo& info) const {
    return hyspec::Span<const std::uint8_t>(file).subspan(info.payload_offset, info.payload_length);
  }
  hyspec::BandTile size(const hyspec::ChunkEntry& entry, const hyspec::ChunkInfo& info) const {
    const std::uint32_t left = header.columns - entry.tile % across * header.tile_columns;
    return {header.intervals[entry.interval].bands, info.rows,
            left < header.tile_columns ? left : header.tile_columns};
  }

  std::string name;
  Bytes file;
  hyspec::Header header;
  std::vector<hyspec::ChunkEntry> chunks;
  std::uint32_t across = 0;
};

// Checksum of the symbols of a chunk of the spectral profile, whose basis may be that of another.
std::uint32_t decode_spectral(const Pack& pack, const Stream& stream,
                              const hyspec::ChunkEntry& entry, const hyspec::ChunkInfo& info) {
  const auto payload = stream.payload(info);
  const std::uint32_t back = hyspec::spectral_payload_back(payload);
  if (back > entry.tile % stream.across) throw std::runtime_error(stream.name + ": no such tile");
  hyspec::SharedBasis shared;
  if (back != 0) {
    const hyspec::ChunkEntry& carrier = stream.chunk(entry.tile - back, entry.interval);
    const hyspec::ChunkInfo at = hyspec::check_chunk(stream.file, carrier);
    shared = hyspec::decode_spectral_basis(pack.spectral.size(), stream.size(carrier, at),
                                           stream.payload(at));
  }
  std::uint32_t crc = 0;
  hyspec::decode_spectral_payload(pack.spectral, stream.size(entry, info),
                                  back != 0 ? &shared : nullptr, payload, &crc);
  return crc;
}

// Checksum of the symbols of a chunk of the bounded profile, by either way.
std::uint32_t decode_bounded(const Pack& pack, const hyspec::BandTile& tile,
                             hyspec::Span<const std::uint8_t> payload) {
  std::uint32_t crc = 0;
  if (payload[0] == 0) {
    hyspec::decode_bounded_payload(tile, payload, &crc);
    return crc;
  }
  const hyspec::CorrectedHeader header = hyspec::read_corrected_header(tile, payload);
  const auto base = payload.subspan(static_cast<std::size_t>(header.base_offset),
                                    static_cast<std::size_t>(header.base_length));
  const hyspec::SpectralSymbols symbols =
      hyspec::decode_spectral_payload(pack.spectral, tile, nullptr, base, &crc);
  hyspec::decode_corrections(tile, payload, symbols.valid, &crc);
  return crc;
}

bool decode(const Pack& pack, const std::string& path) {
  const Stream stream(path);
  bool sound = true;
  for (const hyspec::ChunkEntry& entry : stream.chunks) {
    const hyspec::ChunkInfo info = hyspec::check_chunk(stream.file, entry);
    std::uint32_t crc = 0;
    if (stream.header.profile == 1)
      hyspec::decode_band_payload(pack.band, stream.size(entry, info), stream.payload(info), &crc);
    else if (stream.header.profile == 2)
      crc = decode_spectral(pack, stream, entry, info);
    else if (stream.header.profile == 3)
      crc = decode_bounded(pack, stream.size(entry, info), stream.payload(info));
    else
      throw std::runtime_error(path + ": unknown profile");
    std::printf("%s %u %u %08x\n", stream.name.c_str(), entry.tile, entry.interval, crc);
    sound = sound && crc == info.symbols_crc;
  }
  return sound;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Pack pack = std::string(argv[1]) == "-" ? Pack() : Pack(argv[1]);
    bool sound = true;
    for (int k = 2; k < argc; ++k) sound = decode(pack, argv[k]) && sound;
    return sound ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
