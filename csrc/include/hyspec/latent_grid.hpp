// Positions of latents, and how an encoder rounds them.
#pragma once

#include <cstddef>

#include "hyspec/span.hpp"

namespace hyspec {

struct LatentGrid {
  std::size_t rows;
  std::size_t columns;
  std::size_t positions() const noexcept { return rows * columns; }
};

// How an encoder rounds: what a bit is worth in squared steps. A latent becomes an integer further
// from it, by at most one step in all, where that saves bits; with 0 it becomes the nearest one. Of
// quantisers that take turns, it becomes one of the path that costs least; with 0, of least error.
struct LatentRounding {
  float bit_value = 0.0f;
  // What the squared errors at each position count, planes x positions; empty: 1. Planes of the
  // `spectral` profile alone.
  Span<const float> weights = {};
};

}  // namespace hyspec
