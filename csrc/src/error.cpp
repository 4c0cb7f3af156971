#include "hyspec/error.hpp"

namespace hyspec {

const char* error_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kBadArgument: return "bad-argument";
    case ErrorCode::kNotAStream: return "not-a-stream";
    case ErrorCode::kUnsupportedVersion: return "unsupported-version";
    case ErrorCode::kTruncated: return "truncated";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kChecksumMismatch: return "checksum-mismatch";
    case ErrorCode::kLimitExceeded: return "limit-exceeded";
  }
  return "unknown";
}

}  // namespace hyspec
