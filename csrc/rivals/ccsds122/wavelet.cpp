#include "ccsds122/wavelet.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace ccsds122 {
namespace {

constexpr int kLevels = 3;
constexpr std::size_t kMargin = 4;  // samples that the longest filter reaches beyond a line
constexpr std::size_t kLanes = 8;   // lines that are transformed side by side

template <typename T>
using Lanes = std::array<T, kLanes>;

// Mirror-symmetric extension of x[0] .. x[length - 1] to both sides (equation 4). Interleaved
// coefficients C0 D0 C1 D1 ... extend the same way (equation 9).
template <typename T>
void extend(Lanes<T>* x, std::size_t length) {
  for (std::size_t m = 1; m <= kMargin; ++m) {
    x[-static_cast<std::ptrdiff_t>(m)] = x[m];
    x[length - 1 + m] = x[length - 1 - m];
  }
}

// ---- float transform ----

// Table 3-2. The synthesis filters of table 3-3 are these with every second sign changed.
constexpr double h0 = 0.852698679009, h1 = 0.377402855613, h2 = -0.110624404418,
                 h3 = -0.023849465020, h4 = 0.037828455507;
constexpr double g0 = -0.788485616406, g1 = 0.418092273222, g2 = 0.040689417609,
                 g3 = -0.064538882629;

// Equation 3: x becomes C0 D0 C1 D1 ... in y.
void analyse(const Lanes<double>* x, Lanes<double>* y, std::size_t length) {
  for (std::size_t j = 0; j < length; j += 2) {
    const Lanes<double>* const e = x + j;
    const Lanes<double>* const o = x + j + 1;
    for (std::size_t l = 0; l < kLanes; ++l) {
      y[j][l] = h0 * e[0][l] + h1 * (e[-1][l] + e[1][l]) + h2 * (e[-2][l] + e[2][l]) +
                h3 * (e[-3][l] + e[3][l]) + h4 * (e[-4][l] + e[4][l]);
      y[j + 1][l] = g0 * o[0][l] + g1 * (o[-1][l] + o[1][l]) + g2 * (o[-2][l] + o[2][l]) +
                    g3 * (o[-3][l] + o[3][l]);
    }
  }
}

// Equation 8, with q0 = -g0, q1 = g1, q2 = -g2, q3 = g3 and p0 = -h0, p1 = h1, p2 = -h2, p3 = h3,
// p4 = -h4: x holds C0 D0 C1 D1 ..., y receives the samples.
void synthesise(const Lanes<double>* x, Lanes<double>* y, std::size_t length) {
  for (std::size_t j = 0; j < length; j += 2) {
    const Lanes<double>* const e = x + j;
    const Lanes<double>* const o = x + j + 1;
    for (std::size_t l = 0; l < kLanes; ++l) {
      y[j][l] = -g0 * e[0][l] + h1 * (e[-1][l] + e[1][l]) - g2 * (e[-2][l] + e[2][l]) +
                h3 * (e[-3][l] + e[3][l]);
      y[j + 1][l] = -h0 * o[0][l] + g1 * (o[-1][l] + o[1][l]) - h2 * (o[-2][l] + o[2][l]) +
                    g3 * (o[-3][l] + o[3][l]) - h4 * (o[-4][l] + o[4][l]);
    }
  }
}

// ---- integer transform ----

// The rounded predictions of equations 5 and 6. A shift to the right rounds down.
std::int64_t predict(std::int64_t inner, std::int64_t outer) {
  return (9 * inner - outer + 8) >> 4;
}
std::int64_t update(std::int64_t sum) { return (2 - sum) >> 2; }

// Equations 5 and 6; their special cases at the ends follow from the extension.
void analyse(const Lanes<std::int64_t>* x, Lanes<std::int64_t>* y, std::size_t length) {
  for (std::size_t j = 1; j < length; j += 2) {
    const Lanes<std::int64_t>* const o = x + j;
    for (std::size_t l = 0; l < kLanes; ++l) {
      y[j][l] = o[0][l] - predict(o[-1][l] + o[1][l], o[-3][l] + o[3][l]);
    }
  }
  y[-1] = y[1];
  for (std::size_t j = 0; j < length; j += 2) {
    Lanes<std::int64_t>* const e = y + j;
    for (std::size_t l = 0; l < kLanes; ++l) e[0][l] = x[j][l] - update(e[-1][l] + e[1][l]);
  }
}

// Equations 10 and 11.
void synthesise(const Lanes<std::int64_t>* x, Lanes<std::int64_t>* y, std::size_t length) {
  for (std::size_t j = 0; j < length; j += 2) {
    const Lanes<std::int64_t>* const e = x + j;
    for (std::size_t l = 0; l < kLanes; ++l) {
      y[j][l] = e[0][l] + update(e[-1][l] + e[1][l]);
    }
  }
  extend(y, length);
  for (std::size_t j = 1; j < length; j += 2) {
    Lanes<std::int64_t>* const o = y + j;
    for (std::size_t l = 0; l < kLanes; ++l) {
      o[0][l] = x[j][l] + predict(o[-1][l] + o[1][l], o[-3][l] + o[3][l]);
    }
  }
}

// ---- two dimensions ----

enum class Direction { kForward, kInverse };

// A set of parallel lines: sample n of line i is data[i * line_step + n * sample_step].
struct LineSet {
  std::size_t lines, line_step, length, sample_step;
};

// Offset within its line of sample n where C0 D0 C1 D1 ... is stored as all C, then all D.
std::size_t deinterleaved(std::size_t n, std::size_t length) {
  return n / 2 + (n % 2 == 0 ? 0 : length / 2);
}

template <typename T>
void transform_lines(T* data, const LineSet& set, Direction direction,
                     std::vector<Lanes<T>>& buffer) {
  buffer.resize(2 * (set.length + 2 * kMargin));
  Lanes<T>* const x = buffer.data() + kMargin;
  Lanes<T>* const y = x + set.length + 2 * kMargin;
  const bool forward = direction == Direction::kForward;
  for (std::size_t first = 0; first < set.lines; first += kLanes) {
    T* const base = data + first * set.line_step;
    const std::size_t lanes = std::min(kLanes, set.lines - first);
    for (std::size_t n = 0; n < set.length; ++n) {
      const T* const from = base + (forward ? n : deinterleaved(n, set.length)) * set.sample_step;
      for (std::size_t l = 0; l < lanes; ++l) x[n][l] = from[l * set.line_step];
    }
    extend(x, set.length);
    forward ? analyse(x, y, set.length) : synthesise(x, y, set.length);
    for (std::size_t n = 0; n < set.length; ++n) {
      T* const to = base + (forward ? deinterleaved(n, set.length) : n) * set.sample_step;
      for (std::size_t l = 0; l < lanes; ++l) to[l * set.line_step] = y[n][l];
    }
  }
}

// Sections 3.5 and 3.7: at each level the rows, then the columns, of what the level before left.
template <typename T>
void forward(T* plane, std::size_t rows, std::size_t cols) {
  std::vector<Lanes<T>> buffer;
  for (int level = 0; level < kLevels; ++level) {
    const std::size_t r = rows >> level, c = cols >> level;
    transform_lines(plane, {r, cols, c, 1}, Direction::kForward, buffer);
    transform_lines(plane, {c, 1, r, cols}, Direction::kForward, buffer);
  }
}

// Sections 3.6 and 3.8.
template <typename T>
void inverse(T* plane, std::size_t rows, std::size_t cols) {
  std::vector<Lanes<T>> buffer;
  for (int level = kLevels - 1; level >= 0; --level) {
    const std::size_t r = rows >> level, c = cols >> level;
    transform_lines(plane, {c, 1, r, cols}, Direction::kInverse, buffer);
    transform_lines(plane, {r, cols, c, 1}, Direction::kInverse, buffer);
  }
}

}  // namespace

void forward_float(double* plane, std::size_t rows, std::size_t cols) {
  forward(plane, rows, cols);
}
void forward_integer(std::int64_t* plane, std::size_t rows, std::size_t cols) {
  forward(plane, rows, cols);
}
void inverse_float(double* plane, std::size_t rows, std::size_t cols) {
  inverse(plane, rows, cols);
}
void inverse_integer(std::int64_t* plane, std::size_t rows, std::size_t cols) {
  inverse(plane, rows, cols);
}

}  // namespace ccsds122
