// Contract: any bytes are read as a stream or end in hyspec::Error, never in anything else, and
// what is read as a preamble is written back as the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "hyspec/container.hpp"

namespace {

using hyspec::Bytes;
using hyspec::Span;

void require(bool holds) {
  if (!holds) std::abort();
}

void read_chunks(Span<const std::uint8_t> file, const hyspec::Index& index) {
  for (const hyspec::ChunkEntry& entry : index.chunks) {
    try {
      const hyspec::ChunkInfo info = hyspec::check_chunk(file, entry);
      require(info.payload_offset + info.payload_length <= file.size());
    } catch (const hyspec::Error&) {
    }
  }
}

void read_stream(Span<const std::uint8_t> file) {
  try {
    const auto [header, size] = hyspec::parse_preamble(file);
    const Bytes again = hyspec::serialize_preamble(header);
    require(again.size() == size && std::equal(again.begin(), again.end(), file.begin()));
    read_chunks(file, hyspec::rebuild_index(file, header, size));
    read_chunks(file, hyspec::read_index(file, header, size));
  } catch (const hyspec::Error&) {
  }
}

// The input with checksums that match, so that what lies behind them is reached: its beginning is a
// preamble, and the rest, if any, the payload of an index.
Bytes repaired(Span<const std::uint8_t> input) {
  Bytes file(input.begin(), input.end());
  if (file.size() < hyspec::kPreamblePrefix) return file;
  const std::size_t left = file.size() - hyspec::kPreamblePrefix;
  const std::size_t body = std::min<std::size_t>(left, file[10] | (file[11] << 8));
  const Bytes payload(file.end() - static_cast<std::ptrdiff_t>(left - body), file.end());
  file.resize(hyspec::kPreamblePrefix + body);

  const auto set_u32 = [&file](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  set_u32(10, static_cast<std::uint32_t>(body));
  const std::uint32_t start = hyspec::crc32c({file.data() + 8, 6});
  set_u32(14, hyspec::crc32c({file.data() + hyspec::kPreamblePrefix, body}, start));

  hyspec::ChunkInfo info;
  info.kind = hyspec::kIndexChunk;
  info.payload_length = payload.size();
  info.payload_crc = hyspec::crc32c(payload);
  const Bytes chunk = hyspec::serialize_chunk_header(info, hyspec::stored_preamble_crc(file));
  hyspec::put_bytes(file, chunk);
  hyspec::put_bytes(file, payload);
  hyspec::put_u32(file, static_cast<std::uint32_t>(chunk.size() + payload.size()));
  hyspec::put_bytes(file, {hyspec::kEndMark.data(), hyspec::kEndMark.size()});
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Span<const std::uint8_t> input(data, size);
  read_stream(input);
  read_stream(repaired(input));
  return 0;
}
