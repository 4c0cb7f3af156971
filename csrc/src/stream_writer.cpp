#include "hyspec/stream_writer.hpp"

#include <string>
#include <utility>

#include "hyspec/checksum.hpp"
#include "hyspec/stream_index.hpp"

namespace hyspec {
namespace {

// The index chunk's length is stored in 32 bits (section 6.2); room is left for its own header and
// the two numbers that precede the entries.
constexpr std::size_t kMaxEntriesLength = 0xFFFFFFFF - 128;

[[noreturn]] void misuse(const std::string& text) { throw Error(ErrorCode::kBadArgument, text); }

Bytes make_chunk(ChunkInfo info, Span<const std::uint8_t> payload, std::uint32_t preamble_crc) {
  info.payload_length = payload.size();
  info.payload_crc = crc32c(payload);
  Bytes out = serialize_chunk_header(info, preamble_crc);
  put_bytes(out, payload);
  return out;
}

}  // namespace

StreamWriter::StreamWriter(const Header& header)
    : preamble_(serialize_preamble(header)),
      preamble_crc_(stored_preamble_crc(preamble_)),
      grid_(header) {}

Bytes StreamWriter::begin() {
  if (state_ != State::kNew) misuse("the stream has been begun already");
  state_ = State::kOpen;
  size_ = preamble_.size();
  return std::move(preamble_);
}

Bytes StreamWriter::chunk(std::uint32_t tile, std::uint32_t interval, std::uint32_t rows,
                          std::uint32_t symbols_crc, Span<const std::uint8_t> payload) {
  if (state_ != State::kOpen) misuse("chunks come between begin and finish");
  const std::string name = "chunk of tile " + std::to_string(tile) + ", interval " +
                           std::to_string(interval) + ", " + std::to_string(rows) + " rows: ";
  const char* const misfit = grid_.misfit(tile, interval, rows);
  if (misfit != nullptr) misuse(name + misfit);
  const std::uint64_t position = grid_.position(tile, interval);
  if (written_.contains(position)) misuse(name + "it has been written already");
  if (entries_.size() > kMaxEntriesLength - 32) {
    throw Error(ErrorCode::kLimitExceeded, size_, "the stream has too many chunks for its index");
  }

  ChunkInfo info;
  info.kind = kSamplesChunk;
  info.tile = tile;
  info.interval = interval;
  info.rows = rows;
  info.symbols_crc = symbols_crc;
  Bytes out = make_chunk(info, payload, preamble_crc_);

  const auto step = static_cast<std::int64_t>(position - expected_position_);
  put_varint(entries_, zigzag_encode(step) + 1);
  put_varint(entries_, out.size());
  written_.insert(position);
  grid_.add(tile, rows);
  expected_position_ = position + 1;
  ++count_;
  size_ += out.size();
  return out;
}

Bytes StreamWriter::finish() {
  if (state_ != State::kOpen) misuse("the stream has not been begun, or is finished already");
  const std::uint64_t positions = grid_.tiles(grid_.rows()) * grid_.intervals();
  if (positions == 0 || !written_.is_range(positions)) {
    misuse("the stream has " + std::to_string(count_) + " chunks; expected " +
           std::to_string(positions) + ", one per tile and interval");
  }
  Bytes payload;
  put_varint(payload, grid_.rows());
  put_varint(payload, count_);
  put_bytes(payload, entries_);
  ChunkInfo info;
  info.kind = kIndexChunk;
  Bytes out = make_chunk(info, payload, preamble_crc_);
  put_u32(out, static_cast<std::uint32_t>(out.size()));
  put_bytes(out, {kEndMark.data(), kEndMark.size()});
  state_ = State::kFinished;
  size_ += out.size();
  return out;
}

}  // namespace hyspec
