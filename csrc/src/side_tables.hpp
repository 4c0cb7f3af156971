// Tables of whole numbers beside the latents: docs/spectral_profile.md, section 3.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/range_coder.hpp"
#include "hyspec/span.hpp"

namespace hyspec {

// Codes a table of rows of `columns` numbers, in a coder of its own; nothing if it has none.
void encode_table(RangeEncoder& encoder, Span<const std::int32_t> table, std::size_t columns);
std::vector<std::int32_t> decode_table(RangeDecoder& decoder, std::size_t rows,
                                       std::size_t columns);

}  // namespace hyspec
