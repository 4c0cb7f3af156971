// Frozen probability tables: what share of 65536 each symbol has, for a list of tables.
//
// Integers only, so that every machine agrees on them. The last entry of a table is its escape
// symbol, which introduces values outside the table (docs/entropy_coder.md, section 2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hyspec/span.hpp"

namespace hyspec {

// Table frequencies are counted out of 2^16; the range coder takes them times 2^8.
constexpr unsigned kTableBits = 16;
constexpr std::uint32_t kTableTotal = std::uint32_t{1} << kTableBits;

class CdfTables {
 public:
  // One symbol of a table: it owns [start, start + freq) out of [0, 65536). At least two symbols
  // share a table, so both fit 16 bits.
  struct Entry {
    std::uint16_t start;
    std::uint16_t freq;
  };

  struct Table {
    std::uint32_t begin;    // of its entries
    std::uint32_t regular;  // number of symbols before the escape symbol
    std::int32_t first;     // value of the first symbol
  };

  // Plain pointers into the tables, valid as long as they are: what a coding loop needs.
  struct View {
    const Table* tables;
    std::size_t count;
    const Entry* entries;  // of all tables; the escape symbol of t is at t.begin + t.regular
    const float* bits;     // code lengths of the entries, for estimates: no decoder uses them
    const std::uint16_t* buckets;  // [table][q >> 8]: position of the entry that owns q & ~255

    // Position of the entry of table i that owns q; i < count and q < 65536.
    std::uint32_t find(std::size_t i, std::uint32_t q) const noexcept {
      // A bucket spans 256 of 65536, so the walk takes at most 255 steps, and mostly none or one.
      const Entry* const e = entries + tables[i].begin;
      std::uint32_t k = buckets[(i << kBucketBits) + (q >> (kTableBits - kBucketBits))];
      while (q - e[k].start >= e[k].freq) ++k;
      return k;
    }
  };

  // freq: the frequencies of all tables, one table after the other, each summing to 65536 with all
  // entries at least 1 and the escape symbol last; start: number of tables + 1 offsets into freq;
  // first: the value of each table's first symbol. Error(kBadArgument) if that does not hold, if a
  // table has no regular symbol, or if its last regular value is not an int32.
  CdfTables(Span<const std::uint16_t> freq, Span<const std::uint32_t> start,
            Span<const std::int32_t> first);

  std::size_t count() const noexcept { return tables_.size(); }
  const Table& table(std::size_t i) const noexcept { return tables_[i]; }
  // The entries of a table; entries(t)[t.regular] is the escape symbol.
  const Entry* entries(const Table& t) const noexcept { return entries_.data() + t.begin; }
  // Code lengths of the entries of a table in bits, for estimates: no decoder depends on them.
  const float* bits(const Table& t) const noexcept { return bits_.data() + t.begin; }
  View view() const noexcept {
    return {tables_.data(), tables_.size(), entries_.data(), bits_.data(), buckets_.data()};
  }

 private:
  static constexpr unsigned kBucketBits = 8;

  std::vector<Entry> entries_;
  std::vector<float> bits_;
  std::vector<Table> tables_;
  std::vector<std::uint16_t> buckets_;
};

}  // namespace hyspec
