// Bytes that are no CCSDS 122.0-B stream. The caller's mistakes are std::invalid_argument.
#pragma once

#include <stdexcept>

namespace ccsds122 {

class StreamError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace ccsds122
