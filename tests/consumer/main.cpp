// Encodes and decodes a few symbols with the installed library and prints the words.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "hyspec/cdf_tables.hpp"
#include "hyspec/error.hpp"
#include "hyspec/mask_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/symbol_coder.hpp"

int main() {
  const std::vector<std::uint16_t> freq = {60000, 5000, 535, 1};
  const std::vector<std::uint32_t> start = {0, 4};
  const std::vector<std::int32_t> first = {-1};
  const std::vector<std::int32_t> symbols = {-1, 0, 1, -1, 2147483647, -1, 0, -7};
  const std::vector<std::uint16_t> index(symbols.size(), 0);
  try {
    const hyspec::CdfTables tables(freq, start, first);
    hyspec::RangeEncoder encoder;
    hyspec::encode_symbols(encoder, tables, symbols, index);
    const std::vector<std::uint32_t> words = encoder.finish();

    std::vector<std::int32_t> decoded(symbols.size());
    hyspec::RangeDecoder decoder(words);
    hyspec::decode_symbols(decoder, tables, index, decoded);
    decoder.finish();
    if (decoded != symbols) return 1;
    for (const std::uint32_t w : words) std::printf("%lu\n", static_cast<unsigned long>(w));
  } catch (const hyspec::Error& e) {
    std::fprintf(stderr, "error: %s: %s\n", hyspec::error_name(e.code()), e.what());
    return 1;
  }
  try {
    std::vector<std::uint8_t> planes(4);
    hyspec::decode_masks(std::vector<std::uint8_t>{1, 2, 3}, 1, 2, 2, planes);
    return 1;  // three bytes are no mask
  } catch (const hyspec::Error& e) {
    return e.code() == hyspec::ErrorCode::kTruncated ? 0 : 1;
  }
}
