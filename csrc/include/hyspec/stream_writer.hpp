// Writing of a stream piece by piece, without seeking back. docs/container_format.md, section 2.
#pragma once

#include <cstdint>

#include "hyspec/chunk.hpp"
#include "hyspec/stream_header.hpp"
#include "hyspec/tile_grid.hpp"

namespace hyspec {

// Makes the bytes of a stream: the caller appends what begin, chunk and finish return. Remembers
// nothing of the chunks but their index entries (about four bytes each).
class StreamWriter {
 public:
  // Throws kBadArgument if the header breaks a rule.
  explicit StreamWriter(const Header& header);

  // The preamble; to be called once, first.
  Bytes begin();
  // One chunk; tiles and intervals in any order. Throws kBadArgument if it does not fit the header
  // or the chunks before it, kLimitExceeded if the index would grow too long.
  Bytes chunk(std::uint32_t tile, std::uint32_t interval, std::uint32_t rows,
              std::uint32_t symbols_crc, Span<const std::uint8_t> payload);
  // A further layer of a tile and interval whose chunk has been written, in any order. Throws as
  // chunk() does.
  Bytes layer(std::uint32_t tile, std::uint32_t interval, std::uint32_t rows,
              std::uint32_t symbols_crc, Span<const std::uint8_t> payload);
  // Index and trailer. Throws kBadArgument if a tile or interval is missing, or layers of some.
  Bytes finish();

  // Rows of the cube, as far as they are known from the header or from the chunks so far.
  std::uint64_t rows() const noexcept { return grid_.rows(); }
  // Bytes of the stream so far.
  std::uint64_t size() const noexcept { return size_; }

 private:
  enum class State { kNew, kOpen, kFinished };

  void check_open(std::uint32_t tile, std::uint32_t interval, std::uint32_t rows) const;
  // Chunk and its bytes; index entries are the caller's.
  Bytes make(ChunkInfo info, Span<const std::uint8_t> payload);

  Bytes preamble_;
  std::uint32_t preamble_crc_;
  TileGrid grid_;
  PositionSet written_, written_layers_;
  Bytes entries_;  // of the index (section 6.1)
  std::uint64_t count_ = 0, layers_ = 0;
  std::uint64_t expected_position_ = 0, expected_layer_ = 0;
  std::uint64_t size_ = 0;
  State state_ = State::kNew;
};

}  // namespace hyspec
