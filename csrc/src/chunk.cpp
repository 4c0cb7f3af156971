#include "hyspec/chunk.hpp"

#include <string>

#include "hyspec/checksum.hpp"
#include "hyspec/stream_header.hpp"

namespace hyspec {
namespace {

constexpr std::size_t kMaxHeader = kChunkMarker.size() + 1 + 5 + 3 + 5 + 10 + 3 * 4;

enum class Outcome { kChunk, kNoMarker, kTruncated, kBadNumber, kBadChecksum };

// Without exceptions, because a scan of hostile bytes may fail millions of times.
class HeaderParser {
 public:
  explicit HeaderParser(Span<const std::uint8_t> data) noexcept : data_(data) {}

  Outcome parse(std::uint32_t preamble_crc, ChunkInfo& info) noexcept {
    for (const std::uint8_t byte : kChunkMarker) {
      if (position_ == data_.size()) return Outcome::kTruncated;
      if (data_[position_++] != byte) return Outcome::kNoMarker;
    }
    if (position_ == data_.size()) return Outcome::kTruncated;
    info.kind = data_[position_++];
    std::uint64_t tile = 0;
    std::uint64_t interval = 0;
    std::uint64_t rows = 0;
    const bool numbers = varint(tile) && varint(interval) && varint(rows) &&
                         varint(info.payload_length) && tile < kMaxTiles && interval < kMaxBands &&
                         rows <= kMaxRows;
    if (!numbers) return position_ == data_.size() ? Outcome::kTruncated : Outcome::kBadNumber;
    info.tile = static_cast<std::uint32_t>(tile);
    info.interval = static_cast<std::uint32_t>(interval);
    info.rows = static_cast<std::uint32_t>(rows);
    if (data_.size() - position_ < 12) return Outcome::kTruncated;
    info.payload_crc = u32();
    info.symbols_crc = u32();
    const std::uint32_t computed = crc32c(data_.subspan(0, position_), preamble_crc);
    return u32() == computed ? Outcome::kChunk : Outcome::kBadChecksum;
  }

  std::size_t position() const noexcept { return position_; }

 private:
  bool varint(std::uint64_t& value) noexcept {
    value = 0;
    for (unsigned shift = 0; shift < 64 && position_ < data_.size(); shift += 7) {
      const std::uint64_t byte = data_[position_++];
      if (shift == 63 && byte > 1) return false;
      value |= (byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return byte != 0 || shift == 0;
    }
    return false;
  }

  std::uint32_t u32() noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) {
      value |= std::uint32_t{data_[position_++]} << shift;
    }
    return value;
  }

  Span<const std::uint8_t> data_;
  std::size_t position_ = 0;
};

Outcome parse(Span<const std::uint8_t> file, std::uint64_t offset, std::uint32_t preamble_crc,
              ChunkInfo& info) noexcept {
  const auto start = static_cast<std::size_t>(offset);
  const std::size_t left = file.size() - start;
  HeaderParser parser(file.subspan(start, left < kMaxHeader ? left : kMaxHeader));
  const Outcome outcome = parser.parse(preamble_crc, info);
  if (outcome != Outcome::kChunk) return outcome;
  info.offset = offset;
  info.payload_offset = offset + parser.position();
  // Far beyond any file, and an overflow when it is added to an offset.
  if (info.payload_length >= std::uint64_t{1} << 62) return Outcome::kBadNumber;
  info.length = parser.position() + info.payload_length;
  return outcome;
}

std::string at(std::uint64_t offset) { return " at offset " + std::to_string(offset); }

}  // namespace

Bytes serialize_chunk_header(const ChunkInfo& info, std::uint32_t preamble_crc) {
  Bytes out(kChunkMarker.begin(), kChunkMarker.end());
  put_u8(out, info.kind);
  put_varint(out, info.tile);
  put_varint(out, info.interval);
  put_varint(out, info.rows);
  put_varint(out, info.payload_length);
  put_u32(out, info.payload_crc);
  put_u32(out, info.symbols_crc);
  put_u32(out, crc32c(out, preamble_crc));
  return out;
}

std::uint32_t stored_preamble_crc(Span<const std::uint8_t> file) {
  ByteReader in(file, 0, ErrorCode::kTruncated);
  in.bytes(kPreamblePrefix - 4);
  return in.u32();
}

ChunkInfo parse_chunk_header(Span<const std::uint8_t> file, std::uint64_t offset) {
  const std::uint32_t preamble_crc = stored_preamble_crc(file);
  if (offset > file.size()) {
    throw Error(ErrorCode::kTruncated, offset, "the stream ends before the chunk" + at(offset));
  }
  ChunkInfo info;
  switch (parse(file, offset, preamble_crc, info)) {
    case Outcome::kChunk: break;
    case Outcome::kNoMarker:
      throw Error(ErrorCode::kCorrupt, offset, "there is no chunk" + at(offset));
    case Outcome::kTruncated:
      throw Error(ErrorCode::kTruncated, offset, "the stream ends inside the chunk" + at(offset));
    case Outcome::kBadNumber:
      throw Error(ErrorCode::kCorrupt, offset,
                  "a number is out of range in the chunk" + at(offset));
    case Outcome::kBadChecksum:
      throw Error(ErrorCode::kChecksumMismatch, offset,
                  "the header of the chunk" + at(offset) +
                      " is damaged, or belongs to another stream: its checksum does not match");
  }
  return info;
}

std::optional<ChunkInfo> find_chunk_header(Span<const std::uint8_t> file, std::uint64_t offset,
                                           std::uint32_t preamble_crc) noexcept {
  ChunkInfo info;
  if (parse(file, offset, preamble_crc, info) != Outcome::kChunk) return std::nullopt;
  return info;
}

Span<const std::uint8_t> check_payload(Span<const std::uint8_t> file, const ChunkInfo& info) {
  if (info.payload_offset > file.size() ||
      info.payload_length > file.size() - info.payload_offset) {
    throw Error(ErrorCode::kTruncated, info.offset,
                "the stream ends inside the chunk" + at(info.offset));
  }
  const Span<const std::uint8_t> payload = file.subspan(
      static_cast<std::size_t>(info.payload_offset), static_cast<std::size_t>(info.payload_length));
  if (crc32c(payload) != info.payload_crc) {
    throw Error(ErrorCode::kChecksumMismatch, info.payload_offset,
                "the chunk" + at(info.offset) + " (tile " + std::to_string(info.tile) +
                    ", interval " + std::to_string(info.interval) +
                    ") is damaged: the checksum of its payload does not match");
  }
  return payload;
}

}  // namespace hyspec
