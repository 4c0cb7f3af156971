#include "weighted_rows.hpp"

#include "wide_registers.hpp"

namespace hyspec::bounded {
namespace {

template <typename Stored, typename Sum>
void add_rows(Span<const Stored* const> rows, const Sum* weights, std::size_t count, Sum* out) {
  std::size_t k = 0;
  for (; k + 4 <= rows.size(); k += 4) {
    const Stored *const a = rows[k], *const b = rows[k + 1], *const c = rows[k + 2],
                        *const d = rows[k + 3];
    const Sum p = weights[k], q = weights[k + 1], r = weights[k + 2], s = weights[k + 3];
    for (std::size_t x = 0; x < count; ++x)
      out[x] += (p * static_cast<Sum>(a[x]) + q * static_cast<Sum>(b[x])) +
                (r * static_cast<Sum>(c[x]) + s * static_cast<Sum>(d[x]));
  }
  for (; k < rows.size(); ++k) {
    const Stored* const a = rows[k];
    const Sum p = weights[k];
    for (std::size_t x = 0; x < count; ++x) out[x] += p * static_cast<Sum>(a[x]);
  }
}

[[gnu::flatten, HYSPEC_WIDE]] void wide_add_rows(Span<const std::int32_t* const> rows,
                                                 const double* weights, std::size_t count,
                                                 double* out) {
  add_rows(rows, weights, count, out);
}

}  // namespace

void add_weighted(Span<const std::int32_t* const> rows, const double* weights, std::size_t count,
                  double* out) {
  has_wide_registers() ? wide_add_rows(rows, weights, count, out)
                       : add_rows(rows, weights, count, out);
}

void add_weighted(Span<const std::int64_t* const> rows, const std::int64_t* weights,
                  std::size_t count, std::int64_t* out) {
  add_rows(rows, weights, count, out);
}

}  // namespace hyspec::bounded
