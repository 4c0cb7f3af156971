#include "hyspec/corrected_payload.hpp"

#include <algorithm>
#include <cstddef>

#include "bounded_header.hpp"
#include "correction_coder.hpp"
#include "hyspec/bytes.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"
#include "hyspec/range_coder.hpp"
#include "latent_bits.hpp"
#include "payload_parts.hpp"
#include "wide_registers.hpp"

namespace hyspec {

namespace {

using bounded::CorrectionCoder;

// A band through a coder, by whatever the processor has.
template <class Bits>
void code_plainly(CorrectionCoder& coder, Bits& bits, Span<std::int32_t> corrections,
                  Span<const std::uint8_t> valid) {
  coder.code<TwiceMixedBit>(bits, corrections, valid);
}
template <class Bits>
[[gnu::flatten, HYSPEC_WIDE]] void code_widely(CorrectionCoder& coder, Bits& bits,
                                               Span<std::int32_t> corrections,
                                               Span<const std::uint8_t> valid) {
  coder.code<WideMixedBit>(bits, corrections, valid);
}
template <class Bits>
void code(CorrectionCoder& coder, Bits& bits, Span<std::int32_t> corrections,
          Span<const std::uint8_t> valid) {
  has_wide_registers() ? code_widely(coder, bits, corrections, valid)
                       : code_plainly(coder, bits, corrections, valid);
}

bool has_step(std::uint64_t limit, std::uint64_t tolerance) { return 2 * limit >= tolerance; }

void check(const BandTile& tile, Span<const std::int32_t> corrections,
           Span<const std::uint8_t> valid, Span<const std::uint32_t> max_errors,
           std::uint32_t tolerance) {
  check_band_tile(tile);
  const std::uint64_t count = tile.bands * tile.pixels();
  if (corrections.size() != count || (!valid.empty() && valid.size() != count))
    throw Error(ErrorCode::kBadArgument, "corrections and valid need one entry per sample");
  if (max_errors.size() != tile.bands)
    throw Error(ErrorCode::kBadArgument, "max_errors needs one entry per band");
  for (const std::uint32_t m : max_errors)
    if (m >= kCorrectedLimitEnd || !has_step(m, tolerance))
      throw Error(ErrorCode::kBadArgument,
                  "an error limit is too large, or less than what two "
                  "decoders may differ by");
  for (const std::int32_t c : corrections)
    if (c > bounded::kMostCorrection || c < -bounded::kMostCorrection)
      throw Error(ErrorCode::kBadArgument, "a correction is too large");
}

// The header, and where its reader ends.
CorrectedHeader read_header(ByteReader& reader, const BandTile& tile) {
  check_band_tile(tile);
  bounded::read_way(reader, bounded::Way::kCorrections);
  CorrectedHeader h;
  h.tolerance =
      static_cast<std::uint32_t>(reader.varint_between(0, kCorrectedLimitEnd - 1, "the tolerance"));
  h.max_errors = bounded::read_limits(reader, tile.bands, kCorrectedLimitEnd - 1);
  for (const std::uint32_t m : h.max_errors)
    if (!has_step(m, h.tolerance)) corrupt(reader.offset(), "an error limit leaves no step");
  h.base_length = reader.varint();
  h.base_offset = reader.offset();
  reader.bytes(h.base_length);
  return h;
}

}  // namespace

std::vector<std::uint8_t> encode_corrected_payload(
    const BandTile& tile, Span<const std::uint8_t> base, Span<const std::int32_t> corrections,
    Span<const std::uint8_t> valid, Span<const std::uint32_t> max_errors, std::uint32_t tolerance,
    std::uint32_t* checksum) {
  check(tile, corrections, valid, max_errors, tolerance);
  Bytes payload;
  bounded::put_way(payload, bounded::Way::kCorrections);
  put_varint(payload, tolerance);
  bounded::put_limits(payload, {max_errors.begin(), max_errors.end()});
  put_varint(payload, base.size());
  put_bytes(payload, base);
  RangeEncoder encoder;
  latent::Writer bits{RangeEncoder::Run(encoder)};
  CorrectionCoder coder(tile.rows, tile.columns);
  const auto size = static_cast<std::size_t>(tile.pixels());
  std::vector<std::int32_t> band(size);
  std::uint32_t crc = *checksum;
  for (const std::uint32_t b : bands_with_samples(tile, valid)) {
    const Span<const std::uint8_t> mask = bounded::band_of(valid, b, size);
    for (std::size_t i = 0; i < size; ++i)
      band[i] = mask.empty() || mask[i] != 0 ? corrections[b * size + i] : 0;
    code(coder, bits, Span<std::int32_t>(band), mask);
    crc = crc32c_symbols(band, crc);
  }
  bits.run.end();
  put_words(payload, encoder.finish());
  *checksum = crc;
  return payload;
}

CorrectedHeader read_corrected_header(const BandTile& tile, Span<const std::uint8_t> payload) {
  ByteReader reader(payload, 0, ErrorCode::kCorrupt);
  return read_header(reader, tile);
}

std::vector<std::int32_t> decode_corrections(const BandTile& tile, Span<const std::uint8_t> payload,
                                             Span<const std::uint8_t> valid,
                                             std::uint32_t* checksum) {
  ByteReader reader(payload, 0, ErrorCode::kCorrupt);
  read_header(reader, tile);
  const auto size = static_cast<std::size_t>(tile.pixels());
  if (!valid.empty() && valid.size() != tile.bands * size)
    throw Error(ErrorCode::kBadArgument, "valid needs one entry per sample");
  const std::vector<std::uint32_t> words = read_payload_words(reader);
  latent::Reader bits{RangeDecoder(words)};
  CorrectionCoder coder(tile.rows, tile.columns);
  std::vector<std::int32_t> corrections;
  std::uint32_t crc = *checksum;
  for (const std::uint32_t b : bands_with_samples(tile, valid)) {
    corrections.resize((std::size_t{b} + 1) * size);
    const Span<std::int32_t> band(corrections.data() + b * size, size);
    code(coder, bits, band, bounded::band_of(valid, b, size));
    crc = crc32c_symbols({band.data(), band.size()}, crc);
  }
  bits.decoder.finish();
  corrections.resize(tile.bands * size);
  *checksum = crc;
  return corrections;
}

}  // namespace hyspec
