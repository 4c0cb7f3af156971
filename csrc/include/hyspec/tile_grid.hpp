// Which tiles and intervals a cube has, and which of them have been seen: docs/container_format.md,
// section 4.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "hyspec/stream_header.hpp"

namespace hyspec {

// Tiles and intervals of a cube. While the number of rows is unknown it grows with the tiles added.
class TileGrid {
 public:
  explicit TileGrid(const Header& header) noexcept;

  std::uint64_t tiles_across() const noexcept { return across_; }
  std::uint32_t intervals() const noexcept { return intervals_; }
  bool rows_known() const noexcept { return rows_ != 0; }

  // Rows of the cube: those of the header, or those that the tiles added so far make up.
  std::uint64_t rows() const noexcept;
  // Number of tiles of a cube with that many rows.
  std::uint64_t tiles(std::uint64_t rows) const noexcept;
  // Rows of a tile in a cube with `rows` rows; the tile lies in the grid.
  std::uint32_t rows_of_tile(std::uint64_t tile, std::uint64_t rows) const noexcept;
  std::uint64_t position(std::uint64_t tile, std::uint64_t interval) const noexcept {
    return tile * intervals_ + interval;
  }

  // Whether a chunk fits the shape and the chunks added before; null, or why it does not.
  const char* misfit(std::uint64_t tile, std::uint64_t interval,
                     std::uint64_t tile_rows) const noexcept;
  // Takes note of a chunk that fits.
  void add(std::uint64_t tile, std::uint64_t tile_rows) noexcept;
  // Whether the tiles added so far can be part of a cube with that many rows.
  bool can_have_rows(std::uint64_t rows) const noexcept;

 private:
  std::uint64_t rows_, tile_rows_, across_;
  std::uint32_t intervals_;
  // With unknown rows: full tile rows end here, and a last tile row that is shorter.
  std::uint64_t full_tile_rows_ = 0;
  std::uint64_t short_tile_row_ = 0;
  std::uint64_t short_rows_ = 0;  // 0: none yet
};

// A set of positions whose memory is small when they come about in ascending order.
class PositionSet {
 public:
  // False if the position was there already.
  bool insert(std::uint64_t position);
  bool contains(std::uint64_t position) const;
  // Whether it holds exactly the positions 0 to count - 1.
  bool is_range(std::uint64_t count) const noexcept { return next_ == count && later_.empty(); }

 private:
  std::uint64_t next_ = 0;  // all positions below are in the set
  std::unordered_set<std::uint64_t> later_;
};

}  // namespace hyspec
