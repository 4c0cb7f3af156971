#include "hyspec/stream_index.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "hyspec/tile_grid.hpp"

namespace hyspec {
namespace {

// A code and a length of one byte each.
constexpr std::uint64_t kMinEntry = 2;

[[noreturn]] void corrupt(std::uint64_t offset, const std::string& text) {
  throw Error(ErrorCode::kCorrupt, offset, "the index is wrong: " + text);
}

// Refuses critical chunks that this version does not know (section 5).
void check_kind(std::uint8_t kind, std::uint64_t offset) {
  if (kind < kFirstAncillaryChunk) {
    throw Error(ErrorCode::kUnsupportedVersion, offset,
                "the stream has critical chunks of the unknown kind " + std::to_string(kind) +
                    ", made by a newer writer");
  }
}

// The index chunk, as the trailer tells it.
ChunkInfo find_index(Span<const std::uint8_t> file, std::size_t preamble_size) {
  if (preamble_size > file.size() || file.size() - preamble_size < kTrailerLength) {
    throw Error(ErrorCode::kTruncated, file.size(), "the stream ends before its index");
  }
  const std::size_t trailer = file.size() - kTrailerLength;
  ByteReader in(file.subspan(trailer, kTrailerLength), trailer, ErrorCode::kTruncated);
  const std::uint64_t length = in.u32();
  const Span<const std::uint8_t> mark = in.rest();
  if (!std::equal(mark.begin(), mark.end(), kEndMark.begin())) {
    throw Error(ErrorCode::kTruncated, trailer,
                "the stream is cut off or damaged: it does not end with the end mark");
  }
  if (length > trailer - preamble_size) corrupt(trailer, "it is longer than the stream");
  const ChunkInfo info = parse_chunk_header(file, trailer - length);
  if (info.kind != kIndexChunk || info.length != length || info.tile != 0 || info.interval != 0 ||
      info.rows != 0 || info.symbols_crc != 0) {
    corrupt(info.offset, "the trailer points to something else");
  }
  return info;
}

}  // namespace

Index read_index(Span<const std::uint8_t> file, const Header& header, std::size_t preamble_size) {
  const ChunkInfo chunk = find_index(file, preamble_size);
  ByteReader in(check_payload(file, chunk), chunk.payload_offset, ErrorCode::kCorrupt);
  const TileGrid grid(header);

  Index index;
  index.rows = in.varint_between(1, kMaxRows, "number of rows in the index");
  if (!grid.can_have_rows(index.rows)) corrupt(in.offset(), "its rows are not those of the header");
  const std::uint64_t count = in.varint();
  if (count > in.remaining() / kMinEntry) corrupt(in.offset(), "it has too many entries");
  // The header's limits keep this below 2^47.
  const std::uint64_t positions = grid.tiles(index.rows) * grid.intervals();
  if (positions > count) corrupt(in.offset(), "tiles or intervals are missing");

  index.chunks.reserve(static_cast<std::size_t>(positions));
  // Of chunks with samples, and of layers.
  PositionSet seen, seen_layers;
  std::uint64_t expected = 0, expected_layer = 0;
  std::uint64_t offset = preamble_size;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = in.offset();
    const std::uint64_t code = in.varint();
    const std::uint8_t kind = code == 0 ? in.u8() : kSamplesChunk;
    if (code == 0 && (kind == kSamplesChunk || kind == kIndexChunk))
      corrupt(at, "a kind is out of place");
    if (kind == kSamplesChunk || kind == kLayerChunk) {
      const bool samples = kind == kSamplesChunk;
      std::uint64_t& next = samples ? expected : expected_layer;
      // Unsigned wrap-around is harmless: whatever is outside the grid is refused.
      const std::uint64_t position =
          next + static_cast<std::uint64_t>(zigzag_decode(samples ? code - 1 : in.varint()));
      if (position >= positions) corrupt(at, "a tile or interval does not exist");
      if (!(samples ? seen : seen_layers).insert(position))
        corrupt(at, "a tile and interval occurs twice");
      next = position + 1;
      ChunkEntry entry;
      entry.kind = kind;
      entry.tile = static_cast<std::uint32_t>(position / grid.intervals());
      entry.interval = static_cast<std::uint32_t>(position % grid.intervals());
      entry.rows = grid.rows_of_tile(entry.tile, index.rows);
      entry.offset = offset;
      (samples ? index.chunks : index.layers).push_back(entry);
    } else {
      check_kind(kind, offset);
    }
    const std::uint64_t length = in.varint();
    if (length > chunk.offset - offset) corrupt(at, "a chunk overlaps the index");
    if (kind == kSamplesChunk) index.chunks.back().length = length;
    if (kind == kLayerChunk) index.layers.back().length = length;
    offset += length;
  }
  if (in.remaining() != 0) corrupt(in.offset(), "it is longer than its entries");
  if (index.chunks.size() != positions) corrupt(in.offset(), "tiles or intervals are missing");
  if (!index.layers.empty() && index.layers.size() != positions)
    corrupt(in.offset(), "layers are missing");
  if (offset != chunk.offset) corrupt(in.offset(), "the lengths do not add up");
  return index;
}

namespace {

using Mark = std::array<std::uint8_t, 4>;

bool has_mark(Span<const std::uint8_t> file, std::uint64_t offset, const Mark& mark) {
  return file.size() - offset >= mark.size() &&
         std::equal(mark.begin(), mark.end(), file.begin() + offset);
}

// Whether something that can follow a chunk is at `offset`.
bool is_chunk_end(Span<const std::uint8_t> file, std::uint64_t offset) {
  return offset == file.size() || has_mark(file, offset, kChunkMarker) ||
         (file.size() - offset == kTrailerLength && has_mark(file, offset + 4, kEndMark));
}

// Offset of the next byte that can begin a marker; the file's size if there is none.
std::uint64_t next_marker(Span<const std::uint8_t> file, std::uint64_t offset) {
  if (offset == file.size()) return offset;
  const auto left = static_cast<std::size_t>(file.size() - offset);
  const void* found = std::memchr(file.begin() + offset, kChunkMarker[0], left);
  if (found == nullptr) return file.size();
  return static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(found) - file.begin());
}

bool is_intact(Span<const std::uint8_t> file, const ChunkInfo& chunk) {
  try {
    check_payload(file, chunk);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// The rows that an intact index chunk states, or 0.
std::uint64_t stated_rows(Span<const std::uint8_t> file, const ChunkInfo& chunk) {
  try {
    return ByteReader(check_payload(file, chunk), chunk.payload_offset, ErrorCode::kCorrupt)
        .varint();
  } catch (const Error&) {
    return 0;  // damaged, too
  }
}

}  // namespace

Index rebuild_index(Span<const std::uint8_t> file, const Header& header,
                    std::size_t preamble_size) {
  const std::uint32_t preamble_crc = stored_preamble_crc(file);
  TileGrid grid(header);
  PositionSet seen, seen_layers;
  Index index;
  index.rebuilt = true;
  std::optional<ChunkInfo> index_chunk;
  std::uint64_t offset = next_marker(file, std::min<std::uint64_t>(preamble_size, file.size()));
  while (offset < file.size()) {
    const std::optional<ChunkInfo> chunk = find_chunk_header(file, offset, preamble_crc);
    if (!chunk) {
      offset = next_marker(file, offset + 1);
      continue;
    }
    const bool whole = chunk->length <= file.size() - offset;
    if (chunk->kind == kIndexChunk) {
      if (whole) index_chunk = chunk;
    } else if (chunk->kind != kSamplesChunk && chunk->kind != kLayerChunk) {
      check_kind(chunk->kind, offset);
    } else if (whole && grid.misfit(chunk->tile, chunk->interval, chunk->rows) == nullptr) {
      const bool samples = chunk->kind == kSamplesChunk;
      if ((samples ? seen : seen_layers).insert(grid.position(chunk->tile, chunk->interval))) {
        if (samples) grid.add(chunk->tile, chunk->rows);
        (samples ? index.chunks : index.layers)
            .push_back({chunk->kind, chunk->tile, chunk->interval, chunk->rows, chunk->offset,
                        chunk->length});
      }
    }
    // A payload that has lost bytes may end where a later chunk does: others may lie in it.
    const bool jump =
        whole && is_chunk_end(file, offset + chunk->length) && is_intact(file, *chunk);
    offset = next_marker(file, jump ? offset + chunk->length : chunk->payload_offset);
  }
  index.rows = grid.rows();
  if (index_chunk && !grid.rows_known()) {
    const std::uint64_t rows = stated_rows(file, *index_chunk);
    if (grid.can_have_rows(rows)) index.rows = rows;
  }
  return index;
}

ChunkInfo check_chunk(Span<const std::uint8_t> file, const ChunkEntry& entry) {
  const ChunkInfo info = parse_chunk_header(file, entry.offset);
  if (info.kind != entry.kind || info.tile != entry.tile || info.interval != entry.interval ||
      info.rows != entry.rows || info.length != entry.length) {
    throw Error(ErrorCode::kCorrupt, entry.offset,
                "the chunk at offset " + std::to_string(entry.offset) +
                    " is not the one that the index names");
  }
  check_payload(file, info);
  return info;
}

}  // namespace hyspec
