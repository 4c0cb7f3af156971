// Codes pseudo-random symbols, masks and latents of bands and of component planes, checks that they
// come back, and prints hashes of the words. Every machine must print the same, whatever its byte
// order and word size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "hyspec/cdf_tables.hpp"
#include "hyspec/error.hpp"
#include "hyspec/latent_coder.hpp"
#include "hyspec/latent_model.hpp"
#include "hyspec/mask_coder.hpp"
#include "hyspec/plane_coder.hpp"
#include "hyspec/plane_model.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/symbol_coder.hpp"

namespace {

// xorshift64 (G. Marsaglia, Xorshift RNGs, J. Stat. Softw. 8, 2003).
class Random {
 public:
  std::uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  std::uint32_t below(std::uint32_t limit) { return next() % limit; }

 private:
  std::uint64_t state_ = 88172645463325252u;
};

// FNV-1a over the values of the elements, not over their bytes in memory.
template <typename T>
std::uint64_t hash(const std::vector<T>& values) {
  std::uint64_t h = 14695981039346656037u;
  for (const T v : values) {
    for (unsigned i = 0; i < sizeof(T); ++i) {
      h = (h ^ ((v >> (8 * i)) & 0xFF)) * 1099511628211u;
    }
  }
  return h;
}

template <typename T>
void print(const char* name, const std::vector<T>& values) {
  std::printf("%s %lu %016llx\n", name, static_cast<unsigned long>(values.size()),
              static_cast<unsigned long long>(hash(values)));
}

bool check_symbols(Random& random) {
  std::vector<std::uint16_t> freq;
  std::vector<std::uint32_t> start = {0};
  std::vector<std::int32_t> first;
  constexpr std::uint32_t kTables = 50;
  for (std::uint32_t i = 0; i < kTables; ++i) {
    const std::uint32_t size = 2 + random.below(60);
    std::uint32_t rest = 65536 - size;
    for (std::uint32_t k = 0; k + 1 < size; ++k) {
      const std::uint32_t part = random.below(rest / 2 + 1);
      freq.push_back(static_cast<std::uint16_t>(1 + part));
      rest -= part;
    }
    freq.push_back(static_cast<std::uint16_t>(1 + rest));
    start.push_back(static_cast<std::uint32_t>(freq.size()));
    first.push_back(static_cast<std::int32_t>(random.below(100)) - 50);
  }
  const hyspec::CdfTables tables(freq, start, first);

  std::vector<std::int32_t> symbols;
  std::vector<std::uint16_t> index;
  for (int i = 0; i < 100000; ++i) {
    index.push_back(static_cast<std::uint16_t>(random.below(kTables)));
    // One in a hundred anywhere, the others in or near the table.
    symbols.push_back(random.below(100) == 0 ? static_cast<std::int32_t>(random.next())
                                             : static_cast<std::int32_t>(random.below(80)) - 50);
  }
  hyspec::RangeEncoder encoder;
  hyspec::encode_symbols(encoder, tables, symbols, index);
  const std::vector<std::uint32_t> words = encoder.finish();
  std::vector<std::int32_t> decoded(symbols.size());
  hyspec::RangeDecoder decoder(words);
  hyspec::decode_symbols(decoder, tables, index, decoded);
  decoder.finish();
  print("symbols", words);
  return decoded == symbols;
}

bool check_masks(Random& random) {
  constexpr std::uint32_t kCount = 6, kRows = 70, kCols = 90;
  std::vector<std::uint8_t> planes;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    for (std::uint32_t y = 0; y < kRows; ++y) {
      for (std::uint32_t x = 0; x < kCols; ++x) {
        const bool inside = 3 * x + y > 60 && i % 4 != 3;
        planes.push_back(inside && random.below(50) >= i ? 1 : 0);
      }
    }
  }
  const std::vector<std::uint8_t> bytes = hyspec::encode_masks(planes, kCount, kRows, kCols);
  std::vector<std::uint8_t> decoded(planes.size());
  hyspec::decode_masks(bytes, kCount, kRows, kCols, decoded);
  print("masks", bytes);
  return decoded == planes;
}

constexpr std::uint32_t kChannels = 3;

hyspec::LatentGains make_gains(Random& random) {
  constexpr std::uint32_t kLevels = 4;
  std::vector<std::int16_t> codes;
  for (std::uint32_t k = 0; k < kChannels * kLevels; ++k)
    codes.push_back(
        static_cast<std::int16_t>(static_cast<std::int32_t>(random.below(2000)) - 1000));
  return hyspec::LatentGains(kChannels, codes);
}

// Of all groups and ages.
std::vector<hyspec::Term> make_terms() {
  std::vector<hyspec::Term> terms;
  for (std::int16_t c = 0; c < static_cast<std::int16_t>(kChannels); ++c) {
    for (std::int16_t k = 0; k < c; ++k) terms.push_back({c, 1, 0, k, 0, 1, 70});
    terms.push_back({c, 0, 0, c, 0, -1, 90});
    terms.push_back({c, 0, 0, c, -1, 1, 50});
    terms.push_back({c, 2, 1, c, 0, 0, 60});
    terms.push_back({c, 2, 2, 2, 1, -1, 20});
  }
  return terms;
}

// Latents of component planes that these levels stand for: docs/spectral_profile.md, section 4.3.
std::vector<std::int32_t> half_steps(std::vector<std::int32_t> levels, std::size_t positions,
                                     bool dependent) {
  constexpr std::uint32_t kTurns[8][2] = {{0, 2}, {5, 7}, {1, 3}, {6, 4},
                                          {2, 0}, {4, 6}, {3, 1}, {7, 5}};
  std::uint32_t turn = 0;
  for (std::size_t channel = 0; channel < levels.size() / positions; ++channel) {
    std::int32_t* const first = levels.data() + channel * positions;
    std::int32_t* const last = first + positions;
    const bool turns = dependent && channel % kChannels != 0 &&
                       std::any_of(first, last, [](std::int32_t level) { return level != 0; });
    for (std::int32_t* z = first; z != last; ++z) {
      const std::int32_t level = *z / 4;  // whose half steps are an int32
      const std::int32_t sign = level < 0 ? -1 : level > 0;
      *z = 2 * level - (turns && turn % 2 != 0 ? sign : 0);
      if (turns) turn = kTurns[turn][level % 2 != 0];
    }
  }
  return levels;
}

// The coders of bands and of component planes have the same members; dependent is for those of
// planes.
template <class Coder, class... Dependent>
bool check_latents(Random& random, const char* name, const typename Coder::Model& model,
                   Dependent... dependent) {
  constexpr std::uint32_t kBands = 6;
  const hyspec::LatentGrid grid{9, 11};
  const std::size_t size = model.channels() * grid.positions();
  std::vector<std::int32_t> latents;
  std::vector<std::uint32_t> levels;
  for (std::uint32_t band = 0; band < kBands; ++band) {
    levels.push_back(random.below(model.levels()));
    for (std::size_t i = 0; i < size; ++i) {
      // Similar in all bands, with some noise, and one in a hundred anywhere.
      const auto smooth = static_cast<std::int32_t>(i / grid.positions() * 8 * (i % 7));
      const auto noise = static_cast<std::int32_t>(random.below(5)) - 2;
      latents.push_back(random.below(100) == 0 ? static_cast<std::int32_t>(random.next())
                                               : smooth + noise);
    }
  }
  if constexpr (sizeof...(dependent) != 0)
    latents = half_steps(std::move(latents), grid.positions(), dependent...);
  hyspec::RangeEncoder encoder;
  Coder writer(model, grid, dependent...);
  for (std::size_t band = 0; band < kBands; ++band)
    writer.encode(encoder, levels[band],
                  hyspec::Span<const std::int32_t>(latents.data() + band * size, size));
  const std::vector<std::uint32_t> words = encoder.finish();
  std::vector<std::int32_t> decoded(latents.size());
  hyspec::RangeDecoder decoder(words);
  Coder reader(model, grid, dependent...);
  for (std::size_t band = 0; band < kBands; ++band)
    reader.decode(decoder, levels[band],
                  hyspec::Span<std::int32_t>(decoded.data() + band * size, size));
  decoder.finish();
  print(name, words);
  return decoded == latents;
}

}  // namespace

int main() {
  try {
    Random random;
    const bool symbols = check_symbols(random);
    const bool masks = check_masks(random);
    const hyspec::LatentGains gains = make_gains(random);
    const hyspec::LatentModel bands(gains, hyspec::LatentState(kChannels));
    const hyspec::PlaneModel planes(gains, hyspec::PlaneState(kChannels), make_terms());
    const bool latents = check_latents<hyspec::LatentCoder>(random, "latents", bands);
    const bool plain = check_latents<hyspec::PlaneCoder>(random, "plain", planes, false);
    const bool turning = check_latents<hyspec::PlaneCoder>(random, "turning", planes, true);
    return symbols && masks && latents && plain && turning ? 0 : 1;
  } catch (const hyspec::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
