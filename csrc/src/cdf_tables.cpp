#include "hyspec/cdf_tables.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "hyspec/error.hpp"

namespace hyspec {
namespace {

constexpr std::size_t kMaxTables = std::size_t{1} << 16;  // tables are named by 16-bit numbers

[[noreturn]] void bad(const std::string& what) { throw Error(ErrorCode::kBadArgument, what); }

[[noreturn]] void bad_table(std::size_t i, const std::string& what) {
  bad("table " + std::to_string(i) + ": " + what);
}

}  // namespace

CdfTables::CdfTables(Span<const std::uint16_t> freq, Span<const std::uint32_t> start,
                     Span<const std::int32_t> first) {
  const std::size_t count = first.size();
  if (count == 0 || count > kMaxTables) {
    bad(std::to_string(count) + " tables, expected 1 to 65536");
  }
  if (start.size() != count + 1) {
    bad(std::to_string(start.size()) + " offsets, expected " + std::to_string(count + 1) + " for " +
        std::to_string(count) + " tables");
  }
  if (start[0] != 0 || start[count] != freq.size()) {
    bad("offsets run from " + std::to_string(start[0]) + " to " + std::to_string(start[count]) +
        ", expected 0 to " + std::to_string(freq.size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (start[i + 1] > freq.size() || start[i] > start[i + 1]) {
      bad_table(i, "its offsets are not increasing or lie beyond the frequencies");
    }
    const std::uint32_t size = start[i + 1] - start[i];
    if (size < 2) {
      bad_table(i, std::to_string(size) + " symbols, expected at least one and the escape symbol");
    }
    if (size > kTableTotal) bad_table(i, "more than 65536 symbols");
    if (std::int64_t{first[i]} + (size - 2) > std::numeric_limits<std::int32_t>::max()) {
      bad_table(i, "its last symbol is beyond the largest 32-bit integer");
    }
  }

  entries_.reserve(freq.size());
  bits_.reserve(freq.size());
  tables_.reserve(count);
  buckets_.resize(count << kBucketBits);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t size = start[i + 1] - start[i];
    const Span<const std::uint16_t> f = freq.subspan(start[i], size);
    std::uint16_t* const buckets = buckets_.data() + (i << kBucketBits);
    std::uint32_t sum = 0;
    for (std::uint32_t k = 0; k < size; ++k) {
      const std::uint32_t end = sum + f[k];
      if (f[k] == 0) bad_table(i, "symbol " + std::to_string(k) + " has frequency 0");
      if (end > kTableTotal) bad_table(i, "its frequencies sum to more than 65536");
      entries_.push_back({static_cast<std::uint16_t>(sum), f[k]});
      bits_.push_back(static_cast<float>(kTableBits - std::log2(static_cast<double>(f[k]))));
      // The buckets whose first number is in [sum, end).
      constexpr unsigned shift = kTableBits - kBucketBits;
      constexpr std::uint32_t width = 1u << shift;
      for (std::uint32_t b = (sum + width - 1) >> shift; (b << shift) < end; ++b) {
        buckets[b] = static_cast<std::uint16_t>(k);
      }
      sum = end;
    }
    if (sum != kTableTotal) {
      bad_table(i, "its frequencies sum to " + std::to_string(sum) + ", expected 65536");
    }
    tables_.push_back({start[i], size - 1, first[i]});
  }
}

}  // namespace hyspec
