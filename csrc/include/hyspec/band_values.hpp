// One number per band, such as wavelengths, as short exact decimals: docs/container_format.md,
// section 3.9.
#pragma once

#include <cstddef>
#include <vector>

#include "hyspec/bytes.hpp"

namespace hyspec {

// Appends the field's content: the smallest exact number of decimals, or the doubles themselves.
void put_band_values(Bytes& out, const std::vector<double>& values);

// Reads the content of a field that holds `bands` values; kCorrupt where it breaks a rule.
std::vector<double> read_band_values(ByteReader& in, std::size_t bands);

}  // namespace hyspec
