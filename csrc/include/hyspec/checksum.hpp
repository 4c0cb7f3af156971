// CRC-32C (Castagnoli), the container's checksum: docs/container_format.md, section 1.3.
#pragma once

#include <cstdint>

#include "hyspec/span.hpp"

namespace hyspec {

// Checksum of data, continuing that of the bytes before it: crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(Span<const std::uint8_t> data, std::uint32_t previous = 0) noexcept;

// Checksum of decoded symbols, each taken as 4 little-endian bytes on any host (section 5).
std::uint32_t crc32c_symbols(Span<const std::int32_t> symbols, std::uint32_t previous = 0) noexcept;

}  // namespace hyspec
