// decode_stream PACK STREAM...: decodes every chunk of band-profile streams with model 0 of a pack
// directory, and prints "file tile interval checksum" with the checksum of the decoded symbols.
// Exits with 1 if one differs from what the stream says.
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/container.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// Elements of a little-endian .npy file (format 1.0) of this element size, in order.
std::vector<std::uint32_t> read_npy(const std::string& path, std::size_t size) {
  const Bytes bytes = read_file(path);
  const std::size_t begin = 10 + bytes.at(8) + 256u * bytes.at(9);
  std::vector<std::uint32_t> values;
  for (std::size_t at = begin; at + size <= bytes.size(); at += size) {
    std::uint32_t value = 0;
    for (std::size_t k = size; k-- > 0;) value = value << 8 | bytes[at + k];
    values.push_back(value);
  }
  return values;
}

template <typename T>
std::vector<T> narrow(const std::vector<std::uint32_t>& values) {
  return std::vector<T>(values.begin(), values.end());
}

hyspec::BandTables read_tables(const std::string& model, std::uint32_t channels) {
  const auto freq = narrow<std::uint16_t>(read_npy(model + "/freq.npy", 2));
  const auto start = read_npy(model + "/start.npy", 4);
  const auto first = narrow<std::int32_t>(read_npy(model + "/first.npy", 4));
  const auto ladder = narrow<std::uint8_t>(read_npy(model + "/ladder.npy", 1));
  const auto rungs = static_cast<std::uint32_t>(first.size() / channels);
  return hyspec::BandTables(hyspec::CdfTables(freq, start, first), ladder, channels, rungs);
}

bool decode(const hyspec::BandTables& tables, const std::string& path) {
  constexpr std::uint32_t kStride = 16;
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
                                left < header.tile_columns ? left : header.tile_columns, kStride};
    std::uint32_t crc = 0;
    hyspec::decode_band_payload(
        tables, tile,
        hyspec::Span<const std::uint8_t>(file).subspan(info.payload_offset, info.payload_length),
        &crc);
    std::printf("%s %u %u %08x\n", path.substr(path.rfind('/') + 1).c_str(), entry.tile,
                entry.interval, crc);
    sound = sound && crc == info.symbols_crc;
  }
  return sound;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::uint32_t channels = 4;  // of the pack that the golden streams were made with
    const hyspec::BandTables tables = read_tables(std::string(argv[1]) + "/model-0", channels);
    bool sound = true;
    for (int k = 2; k < argc; ++k) sound = decode(tables, argv[k]) && sound;
    return sound ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
