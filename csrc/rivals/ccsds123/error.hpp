// What goes wrong while reading: bytes that no CCSDS 123.0-B-2 compressor writes, or too few of
// them.
//
// A setting that the standard forbids is the caller's mistake: std::invalid_argument.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace ccsds123 {

class StreamError : public std::runtime_error {
 public:
  StreamError(std::size_t offset, const std::string& message)
      : std::runtime_error(message), offset_(offset) {}

  // Byte of the compressed image at which the problem was noticed.
  std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
};

}  // namespace ccsds123
