// Codes int32 symbols, each with the table that an integer index names; any int32 survives.
//
// A value outside its table is the escape symbol followed by the side and the distance from the
// table's edge in an Elias gamma code (docs/entropy_coder.md, section 3).
#pragma once

#include <cstdint>

#include "hyspec/cdf_tables.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Codes symbols[i] with table tables[i]. Error(kBadArgument) if the lengths differ or a table does
// not exist; symbols before the bad one have been coded by then.
void encode_symbols(RangeEncoder& encoder, const CdfTables& cdf, Span<const std::int32_t> symbols,
                    Span<const std::uint16_t> tables);

// Decodes out.size() symbols. Error(kBadArgument) as above; Error(kTruncated) or Error(kCorrupt) if
// the words do not hold these symbols. Call decoder.finish() after the last symbol of a message.
void decode_symbols(RangeDecoder& decoder, const CdfTables& cdf, Span<const std::uint16_t> tables,
                    Span<std::int32_t> out);

// Ideal code length of the symbols in bits, escapes included. Error(kBadArgument) as above.
double code_length(const CdfTables& cdf, Span<const std::int32_t> symbols,
                   Span<const std::uint16_t> tables);

// The same for symbols that share a table.
double code_length(const CdfTables& cdf, Span<const std::int32_t> symbols, std::uint16_t table);

}  // namespace hyspec
