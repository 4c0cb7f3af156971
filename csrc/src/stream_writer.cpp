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

std::string name_of(std::uint32_t tile, std::uint32_t interval, std::uint32_t rows) {
  return "chunk of tile " + std::to_string(tile) + ", interval " + std::to_string(interval) + ", " +
         std::to_string(rows) + " rows: ";
}

ChunkInfo info_of(std::uint8_t kind, std::uint32_t tile, std::uint32_t interval, std::uint32_t rows,
                  std::uint32_t symbols_crc) {
  ChunkInfo info;
  info.kind = kind;
  info.tile = tile;
  info.interval = interval;
  info.rows = rows;
  info.symbols_crc = symbols_crc;
  return info;
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
  check_open(tile, interval, rows);
  const std::uint64_t position = grid_.position(tile, interval);
  if (written_.contains(position)) misuse(name_of(tile, interval, rows) + "it is written already");
  const auto step = static_cast<std::int64_t>(position - expected_position_);
  put_varint(entries_, zigzag_encode(step) + 1);
  Bytes out = make(info_of(kSamplesChunk, tile, interval, rows, symbols_crc), payload);
  written_.insert(position);
  grid_.add(tile, rows);
  expected_position_ = position + 1;
  ++count_;
  return out;
}

Bytes StreamWriter::layer(std::uint32_t tile, std::uint32_t interval, std::uint32_t rows,
                          std::uint32_t symbols_crc, Span<const std::uint8_t> payload) {
  check_open(tile, interval, rows);
  const std::uint64_t position = grid_.position(tile, interval);
  if (!written_.contains(position) || written_layers_.contains(position))
    misuse(name_of(tile, interval, rows) + "its layer comes once, after its samples");
  put_varint(entries_, 0);
  put_u8(entries_, kLayerChunk);
  put_varint(entries_, zigzag_encode(static_cast<std::int64_t>(position - expected_layer_)));
  Bytes out = make(info_of(kLayerChunk, tile, interval, rows, symbols_crc), payload);
  written_layers_.insert(position);
  expected_layer_ = position + 1;
  ++layers_;
  return out;
}

void StreamWriter::check_open(std::uint32_t tile, std::uint32_t interval,
                              std::uint32_t rows) const {
  if (state_ != State::kOpen) misuse("chunks come between begin and finish");
  const char* const misfit = grid_.misfit(tile, interval, rows);
  if (misfit != nullptr) misuse(name_of(tile, interval, rows) + misfit);
  if (entries_.size() > kMaxEntriesLength - 32)
    throw Error(ErrorCode::kLimitExceeded, size_, "the stream has too many chunks for its index");
}

Bytes StreamWriter::make(ChunkInfo info, Span<const std::uint8_t> payload) {
  Bytes out = make_chunk(info, payload, preamble_crc_);
  put_varint(entries_, out.size());
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
  if (layers_ != 0 && layers_ != count_) {
    misuse("the stream has " + std::to_string(layers_) + " layers; expected one for each of its " +
           std::to_string(count_) + " chunks");
  }
  Bytes payload;
  put_varint(payload, grid_.rows());
  put_varint(payload, count_ + layers_);
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
