#include "side_tables.hpp"

#include <utility>

#include "hyspec/latent_coder.hpp"

namespace hyspec {

namespace {

constexpr std::int32_t kWest = 65536;

// What tables start from: one channel, each number like its left neighbour.
const LatentModel& table_model() {
  static const LatentModel model = [] {
    LatentState state(1);
    state.intra[0] = {kWest, 0, 0};
    const std::int16_t gain = 0;
    return LatentModel(LatentGains(1, Span<const std::int16_t>(&gain, 1)), std::move(state));
  }();
  return model;
}

}  // namespace

void encode_table(RangeEncoder& encoder, Span<const std::int32_t> table, std::size_t columns) {
  if (table.empty()) return;
  LatentCoder(table_model(), {table.size() / columns, columns}).encode(encoder, 0, table);
}

std::vector<std::int32_t> decode_table(RangeDecoder& decoder, std::size_t rows,
                                       std::size_t columns) {
  std::vector<std::int32_t> table(rows * columns);
  if (!table.empty()) LatentCoder(table_model(), {rows, columns}).decode(decoder, 0, table);
  return table;
}

}  // namespace hyspec
