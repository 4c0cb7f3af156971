// The rules that a header keeps whether it is written or read: docs/container_format.md, section 3.
#pragma once

#include <cstdint>
#include <string>

#include "hyspec/stream_header.hpp"

namespace hyspec {

// Fields that this version defines; those between them do not exist.
constexpr bool is_known_field(std::uint64_t tag) noexcept { return tag >= 1 && tag <= 13; }

// What breaks a rule in a header, or an empty string.
std::string header_problem(const Header& header);

}  // namespace hyspec
