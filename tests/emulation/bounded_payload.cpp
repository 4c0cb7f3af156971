// Codes pseudo-random cubes as bounded payloads, checks that samples come back within their limits,
// and prints hashes of the bytes. Every machine must print the same.
#include "hyspec/bounded_payload.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "hyspec/checksum.hpp"
#include "hyspec/error.hpp"

namespace {

// xorshift64 (G. Marsaglia, Xorshift RNGs, J. Stat. Softw. 8, 2003).
class Random {
 public:
  std::uint32_t below(std::uint32_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>(state_ >> 32) % limit;
  }

 private:
  std::uint64_t state_ = 88172645463325252u;
};

// Bands that resemble each other, with noise, edges, saturation and far samples.
std::vector<std::int32_t> make_cube(const hyspec::BandTile& tile, std::int64_t most,
                                    Random& random) {
  std::vector<std::int32_t> samples;
  for (std::uint32_t b = 0; b < tile.bands; ++b)
    for (std::uint32_t y = 0; y < tile.rows; ++y)
      for (std::uint32_t x = 0; x < tile.columns; ++x) {
        const std::int64_t scene = (x / 7 + y / 5) % 4 * 11 + x + 2 * y + (x * y) % 13;
        std::int64_t value = scene * (b % 17 + 20) * (most / 8192) + 100 * b;
        value += static_cast<std::int64_t>(random.below(32)) * (most / 8192 + 1);
        if (random.below(500) == 0) value = random.below(2) * most;
        samples.push_back(static_cast<std::int32_t>(value > most ? most : value));
      }
  return samples;
}

bool check(const hyspec::BandTile& tile, std::int64_t most, std::uint32_t limit,
           hyspec::RelativeError relative, hyspec::BoundedSettings settings, bool masked,
           Random& random) {
  const std::vector<std::int32_t> samples = make_cube(tile, most, random);
  std::vector<std::uint8_t> valid;
  if (masked)
    for (std::size_t i = 0; i < samples.size(); ++i) valid.push_back(random.below(9) != 0);
  const std::vector<std::uint32_t> limits(tile.bands, limit);
  std::uint32_t written = 0, read = 0;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_bounded_payload(tile, samples, valid, limits, relative, settings, &written);
  const hyspec::BoundedSamples again = hyspec::decode_bounded_payload(tile, payload, &read);
  if (written != read) return false;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::int64_t allowed = limit;
    if (relative.numerator > 0) {
      const std::int64_t distance = std::llabs(std::int64_t{samples[i]} - relative.zero);
      allowed = std::min(allowed, distance * relative.numerator / relative.denominator);
    }
    if ((!masked || valid[i] != 0) &&
        std::llabs(std::int64_t{again.samples[i]} - samples[i]) > allowed)
      return false;
  }
  std::printf("%lu bytes %08lx samples %08lx\n", static_cast<unsigned long>(payload.size()),
              static_cast<unsigned long>(hyspec::crc32c(payload)),
              static_cast<unsigned long>(read));
  return true;
}

}  // namespace

int main() {
  try {
    Random random;
    constexpr std::uint32_t kMost = 4294967295u;
    const bool good =
        check({40, 20, 37}, 8191, 0, {}, {16, false}, false, random) &&
        check({20, 24, 64}, 65535, 1, {}, {32, true}, true, random) &&
        check({12, 9, 300}, 100000000, 0, {}, {8, false}, false, random) &&
        check({9, 30, 11}, 2147483647, 5, {}, {16, true}, true, random) &&
        check({60, 7, 5}, 20000, 3, {}, {12, false}, false, random) &&
        check({20, 24, 37}, 8191, kMost, {1, 100, 0}, {16, false}, false, random) &&
        check({9, 30, 11}, 2147483647, 100000, {5, 101, 99}, {16, true}, true, random);
    return good ? 0 : 1;
  } catch (const hyspec::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
