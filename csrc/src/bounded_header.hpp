// What payloads of the `bounded` profile begin with, whichever way they go
// (docs/bounded_profile.md, sections 2 and 11).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/bytes.hpp"
#include "payload_parts.hpp"

namespace hyspec::bounded {

// The first byte of a payload.
enum class Way : std::uint8_t { kPrediction = 0, kCorrections = 1 };

inline void put_way(Bytes& payload, Way way) {
  put_varint(payload, static_cast<std::uint64_t>(way));
}
inline void read_way(ByteReader& reader, Way way) {
  if (reader.varint() != static_cast<std::uint64_t>(way))
    corrupt(0, "the payload goes another way to its samples");
}

// Error limits of the bands: one if all are equal.
inline void put_limits(Bytes& payload, const std::vector<std::uint32_t>& limits) {
  const bool equal =
      std::all_of(limits.begin(), limits.end(), [&](std::uint32_t m) { return m == limits[0]; });
  const std::size_t count = equal ? 1 : limits.size();
  put_varint(payload, count);
  for (std::size_t i = 0; i < count; ++i) put_varint(payload, limits[i]);
}
inline std::vector<std::uint32_t> read_limits(ByteReader& reader, std::size_t bands,
                                              std::uint64_t most) {
  const std::uint64_t count = reader.varint();
  if (count != 1 && count != bands)
    corrupt(reader.offset(), "error limits are neither one nor as many as bands");
  std::vector<std::uint32_t> limits;
  for (std::uint64_t i = 0; i < count; ++i)
    limits.push_back(static_cast<std::uint32_t>(reader.varint_between(0, most, "an error limit")));
  limits.resize(bands, limits[0]);
  return limits;
}

// The part of one band; empty: all.
inline Span<const std::uint8_t> band_of(Span<const std::uint8_t> valid, std::size_t band,
                                        std::size_t size) {
  return valid.empty() ? valid : valid.subspan(band * size, size);
}

}  // namespace hyspec::bounded
