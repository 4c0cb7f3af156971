// The one exception type of the core library: a stable code, a byte offset, a text.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace hyspec {

// Values are part of the interface: they never change, new ones are appended.
enum class ErrorCode : int {
  kBadArgument = 1,         // the caller's mistake, not the data's
  kNotAStream = 2,          // the signature is missing
  kUnsupportedVersion = 3,  // a major version or a critical field that this library does not know
  kTruncated = 4,           // the bytes end too early
  kCorrupt = 5,             // bytes that no encoder writes
  kChecksumMismatch = 6,    // stored and computed checksums differ
  kLimitExceeded = 7,       // well formed, but larger than the caller allows
};

// Short stable name of a code, such as "truncated".
const char* error_name(ErrorCode code) noexcept;

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::uint64_t offset, const std::string& message)
      : std::runtime_error(message), code_(code), offset_(offset) {}
  Error(ErrorCode code, const std::string& message) : Error(code, 0, message) {}

  ErrorCode code() const noexcept { return code_; }
  // Offset in bytes into the buffer that was being read; 0 where it has no meaning.
  std::uint64_t offset() const noexcept { return offset_; }

 private:
  ErrorCode code_;
  std::uint64_t offset_;
};

}  // namespace hyspec
