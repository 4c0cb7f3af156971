#include "hyspec/tile_grid.hpp"

namespace hyspec {
namespace {

constexpr std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) noexcept {
  return a / b + (a % b != 0 ? 1 : 0);
}

}  // namespace

TileGrid::TileGrid(const Header& header) noexcept
    : rows_(header.rows),
      tile_rows_(header.tile_rows),
      across_(divide_up(header.columns, header.tile_columns)),
      intervals_(static_cast<std::uint32_t>(header.intervals.size())) {}

std::uint64_t TileGrid::rows() const noexcept {
  if (rows_ != 0) return rows_;
  if (short_rows_ != 0) return short_tile_row_ * tile_rows_ + short_rows_;
  return full_tile_rows_ * tile_rows_;
}

std::uint64_t TileGrid::tiles(std::uint64_t rows) const noexcept {
  return divide_up(rows, tile_rows_) * across_;
}

std::uint32_t TileGrid::rows_of_tile(std::uint64_t tile, std::uint64_t rows) const noexcept {
  const std::uint64_t left = rows - tile / across_ * tile_rows_;
  return static_cast<std::uint32_t>(left < tile_rows_ ? left : tile_rows_);
}

const char* TileGrid::misfit(std::uint64_t tile, std::uint64_t interval,
                             std::uint64_t tile_rows) const noexcept {
  if (interval >= intervals_) return "its interval does not exist";
  const std::uint64_t tile_row = tile / across_;
  if (tile >= kMaxTiles || tile_row * tile_rows_ >= (rows_ != 0 ? rows_ : kMaxRows)) {
    return "its tile does not exist";
  }
  if (tile_rows == 0 || tile_rows > tile_rows_) return "its number of rows is not that of a tile";
  if (rows_ != 0) {
    return tile_rows == rows_of_tile(tile, rows_) ? nullptr : "its number of rows is wrong";
  }
  if (tile_row * tile_rows_ + tile_rows > kMaxRows) return "the cube would have too many rows";
  if (short_rows_ != 0 && tile_row > short_tile_row_) return "it comes after the last tile row";
  if (tile_rows < tile_rows_) {
    if (tile_row < full_tile_rows_) return "a tile row before the last one is short";
    if (short_rows_ != 0 && (tile_row != short_tile_row_ || tile_rows != short_rows_)) {
      return "it contradicts the rows of another tile";
    }
  } else if (short_rows_ != 0 && tile_row == short_tile_row_) {
    return "it contradicts the rows of another tile";
  }
  return nullptr;
}

void TileGrid::add(std::uint64_t tile, std::uint64_t tile_rows) noexcept {
  const std::uint64_t tile_row = tile / across_;
  if (tile_rows < tile_rows_) {
    short_tile_row_ = tile_row;
    short_rows_ = tile_rows;
  } else if (tile_row + 1 > full_tile_rows_) {
    full_tile_rows_ = tile_row + 1;
  }
}

bool TileGrid::can_have_rows(std::uint64_t rows) const noexcept {
  if (rows_ != 0) return rows == rows_;
  if (rows == 0 || rows > kMaxRows || tiles(rows) > kMaxTiles) return false;
  return short_rows_ != 0 ? rows == this->rows() : rows >= this->rows();
}

bool PositionSet::insert(std::uint64_t position) {
  if (position < next_) return false;
  if (position > next_) return later_.insert(position).second;
  ++next_;
  while (!later_.empty() && later_.erase(next_) != 0) ++next_;
  return true;
}

bool PositionSet::contains(std::uint64_t position) const {
  return position < next_ || later_.count(position) != 0;
}

}  // namespace hyspec
