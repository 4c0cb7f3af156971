// Chunks: one tile and interval each, with checksums of their own. docs/container_format.md,
// section 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "hyspec/bytes.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Section 5.
inline constexpr std::array<std::uint8_t, 4> kChunkMarker = {0xC7, 0x48, 0x59, 0x4B};
inline constexpr std::uint8_t kSamplesChunk = 1;
inline constexpr std::uint8_t kIndexChunk = 2;
inline constexpr std::uint8_t kLayerChunk = 3;
inline constexpr std::uint8_t kFirstAncillaryChunk = 0x80;

struct ChunkInfo {
  std::uint8_t kind = 0;
  std::uint32_t tile = 0;
  std::uint32_t interval = 0;
  std::uint32_t rows = 0;
  std::uint64_t offset = 0;  // of the marker in the stream
  std::uint64_t length = 0;  // from the marker to the end of the payload
  std::uint64_t payload_offset = 0;
  std::uint64_t payload_length = 0;
  std::uint32_t payload_crc = 0;
  std::uint32_t symbols_crc = 0;
};

// Marker and header fields of a chunk, before its payload. The offsets of `info` do not matter.
// `preamble_crc` is the checksum in the stream's preamble, which that of the chunk continues.
Bytes serialize_chunk_header(const ChunkInfo& info, std::uint32_t preamble_crc);

// The checksum stored in the preamble of `file`.
std::uint32_t stored_preamble_crc(Span<const std::uint8_t> file);

// Header of the chunk at `offset`. The payload need not be intact, nor be in `file` as a whole.
// Throws kCorrupt where there is no chunk, kChecksumMismatch, kTruncated.
ChunkInfo parse_chunk_header(Span<const std::uint8_t> file, std::uint64_t offset);

// The same for scanning: nothing instead of an error. offset <= file.size().
std::optional<ChunkInfo> find_chunk_header(Span<const std::uint8_t> file, std::uint64_t offset,
                                           std::uint32_t preamble_crc) noexcept;

// The payload. Throws kTruncated if `file` does not hold it all, kChecksumMismatch if it is
// damaged.
Span<const std::uint8_t> check_payload(Span<const std::uint8_t> file, const ChunkInfo& info);

}  // namespace hyspec
