// decode_stream PACK STREAM...: decodes every chunk of streams of any profile with the networks of
// a tiny pack, and prints "file tile interval checksum" with the checksum of the decoded symbols.
// Exits with 1 if one differs from what the stream says.
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/container.hpp"
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

// Surroundings of component planes, if the network has them.
std::vector<hyspec::Surroundings> read_surroundings(const std::string& path) {
  std::vector<hyspec::Surroundings> result;
  if (!std::ifstream(path)) return result;
  const std::vector<std::int16_t> numbers = read_npy<std::int16_t>(path);
  for (std::size_t next = 0; next < numbers.size();) {
    hyspec::Surroundings s;
    for (std::int16_t& channel : s.channel) channel = numbers[next++];
    for (std::int16_t& weight : s.in_channel) weight = numbers[next++];
    for (std::int16_t* weight : {&s.west, &s.north, &s.diagonal, &s.before, &s.long_before})
      *weight = numbers[next++];
    result.push_back(s);
  }
  return result;
}

hyspec::LatentModel read_model(const std::string& folder) {
  hyspec::LatentStateArrays arrays;
  arrays.probability = read_npy<std::uint16_t>(folder + "/probability.npy");
  arrays.count = read_npy<std::uint8_t>(folder + "/count.npy");
  arrays.mixers = read_npy<std::int32_t>(folder + "/mixers.npy");
  arrays.intra = read_npy<std::int32_t>(folder + "/intra.npy");
  const auto channels = static_cast<std::uint32_t>(arrays.intra.size() / hyspec::kIntraTaps);
  std::vector<hyspec::Surroundings> around = read_surroundings(folder + "/surroundings.npy");
  const auto kind = around.empty() ? hyspec::LatentKind::kBands : hyspec::LatentKind::kPlanes;
  return hyspec::LatentModel(channels, read_npy<std::int16_t>(folder + "/gain.npy"),
                             hyspec::from_arrays(channels, kind, arrays), std::move(around));
}

bool decode(const std::vector<hyspec::BandNetwork>& networks, const std::string& path) {
  const Bytes file = read_file(path);
  const auto [header, size] = hyspec::parse_preamble(file);
  const hyspec::Index index = hyspec::read_index(file, header, size);
  bool sound = true;
  for (const hyspec::ChunkEntry& entry : index.chunks) {
    const hyspec::ChunkInfo info = hyspec::check_chunk(file, entry);
    const std::uint32_t across = (header.columns + header.tile_columns - 1) / header.tile_columns;
    const std::uint32_t column = entry.tile % across * header.tile_columns;
    const std::uint32_t left = header.columns - column;
    const hyspec::BandTile tile{header.intervals[entry.interval].bands, info.rows,
                                left < header.tile_columns ? left : header.tile_columns};
    const auto payload =
        hyspec::Span<const std::uint8_t>(file).subspan(info.payload_offset, info.payload_length);
    std::uint32_t crc = 0;
    if (header.profile == 1)
      hyspec::decode_band_payload(networks, tile, payload, &crc);
    else if (header.profile == 2)
      hyspec::decode_spectral_payload(networks, tile, payload, &crc);
    else
      throw std::runtime_error(path + ": unknown profile");
    std::printf("%s %u %u %08x\n", path.substr(path.rfind('/') + 1).c_str(), entry.tile,
                entry.interval, crc);
    sound = sound && crc == info.symbols_crc;
  }
  return sound;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string pack = argv[1];
    const hyspec::LatentModel low = read_model(pack + "/low"), high = read_model(pack + "/high");
    const std::vector<hyspec::BandNetwork> networks = {{16, &low}, {8, &high}};
    bool sound = true;
    for (int k = 2; k < argc; ++k) sound = decode(networks, argv[k]) && sound;
    return sound ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
