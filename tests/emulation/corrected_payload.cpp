// Codes pseudo-random corrections, checks that they come back, by whatever code the processor has,
// and prints hashes of the bytes. Every machine must print the same.
#include "hyspec/corrected_payload.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
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

// One of `share` samples, more of them in one corner, by up to `most` steps; few by any number.
std::vector<std::int32_t> make(const hyspec::BandTile& tile, std::uint32_t share,
                               std::uint32_t most, Random& random) {
  std::vector<std::int32_t> corrections;
  for (std::uint32_t b = 0; b < tile.bands; ++b)
    for (std::uint32_t y = 0; y < tile.rows; ++y)
      for (std::uint32_t x = 0; x < tile.columns; ++x) {
        std::int32_t c = 0;
        const bool corner = 3 * y < tile.rows && 3 * x < tile.columns;
        if (b % 5 != 3 && random.below(corner ? 2 : share) == 0)
          c = static_cast<std::int32_t>(random.below(random.below(most) + 1)) + 1;
        if (c != 0 && random.below(200) == 0) c = (1 << 30) - 1;
        corrections.push_back(random.below(2) != 0 ? -c : c);
      }
  return corrections;
}

bool check(const hyspec::BandTile& tile, std::uint32_t share, std::uint32_t most, bool masked,
           Random& random) {
  const std::vector<std::int32_t> corrections = make(tile, share, most, random);
  std::vector<std::uint8_t> valid;
  if (masked)
    for (std::size_t i = 0; i < corrections.size(); ++i) valid.push_back(random.below(9) != 0);
  const std::vector<std::uint8_t> base = {1, 2, 3};
  const std::vector<std::uint32_t> limits(tile.bands, 7);
  std::uint32_t written = 12345, read = 12345;
  const std::vector<std::uint8_t> payload =
      hyspec::encode_corrected_payload(tile, base, corrections, valid, limits, 3, &written);
  const std::vector<std::int32_t> again = hyspec::decode_corrections(tile, payload, valid, &read);
  if (written != read) return false;
  for (std::size_t i = 0; i < corrections.size(); ++i)
    if (again[i] != (masked && valid[i] == 0 ? 0 : corrections[i])) return false;
  std::printf("%lu bytes %08lx corrections %08lx\n", static_cast<unsigned long>(payload.size()),
              static_cast<unsigned long>(hyspec::crc32c(payload)),
              static_cast<unsigned long>(read));
  return true;
}

}  // namespace

int main() {
  try {
    Random random;
    const bool good =
        check({20, 30, 37}, 200, 3, false, random) && check({7, 24, 64}, 9, 40, true, random) &&
        check({3, 1, 300}, 2, 100000, false, random) && check({12, 30, 1}, 20, 2, true, random);
    return good ? 0 : 1;
  } catch (const hyspec::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
