// Where the chunks of a finished stream are. docs/container_format.md, sections 6 and 7.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/chunk.hpp"
#include "hyspec/stream_header.hpp"

namespace hyspec {

inline constexpr std::size_t kTrailerLength = 8;
inline constexpr std::array<std::uint8_t, 4> kEndMark = {0x48, 0x59, 0x45, 0x0A};  // "HYE\n"

// A chunk of a tile and interval, as the index or a scan tells it. Its own header has not been
// compared yet.
struct ChunkEntry {
  std::uint8_t kind = kSamplesChunk;  // or kLayerChunk
  std::uint32_t tile = 0;
  std::uint32_t interval = 0;
  std::uint32_t rows = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct Index {
  std::uint64_t rows = 0;
  std::vector<ChunkEntry> chunks;  // with samples, in file order
  std::vector<ChunkEntry> layers;  // further layers, in file order: none, or one for each chunk
  bool rebuilt = false;            // found by scanning: chunks may be missing
};

// The index that the trailer points to, completely checked; reads no other chunk.
// Throws kTruncated, kCorrupt, kChecksumMismatch, kUnsupportedVersion.
Index read_index(Span<const std::uint8_t> file, const Header& header, std::size_t preamble_size);

// The index of a damaged stream, by scanning for chunks (section 7), in linear time.
// Throws kUnsupportedVersion for a critical chunk of a kind that this version does not know.
Index rebuild_index(Span<const std::uint8_t> file, const Header& header, std::size_t preamble_size);

// The chunk that an entry tells of, with its header compared and its payload's checksum verified.
// Throws kCorrupt, kTruncated, kChecksumMismatch: this chunk is lost, the others are not.
ChunkInfo check_chunk(Span<const std::uint8_t> file, const ChunkEntry& entry);

}  // namespace hyspec
