// The contract of the payloads of all profiles: any bytes are a payload of a tile or end in
// hyspec::Error, never in anything else. What is read can be written and read again; so can any
// symbols that fit their tile, whole or before rounding.
//
// A profile is a type with the members
//   Network, networks()  what its payloads name by number
//   Symbols              what a payload says
//   decode(networks, tile, bytes, crc), encode(networks, tile, symbols, crc)
//   encode_real(networks, tile, symbols, latents, rounding, crc)
//   same(symbols, symbols)
//   make(networks, tile, numbers, symbols): all but step, network and latents; returns the planes
//                        that have latents
//   fit(latents, symbols, channels, positions): makes latents of any numbers
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz_numbers.hpp"
#include "hyspec/band_payload.hpp"
#include "hyspec/error.hpp"
#include "hyspec/span.hpp"

namespace hyspec_fuzz {

template <class Profile>
using Networks = hyspec::Span<const typename Profile::Network>;
using Payload = hyspec::Span<const std::uint8_t>;

template <class Profile>
void check_read(Networks<Profile> networks, const hyspec::BandTile& tile,
                const typename Profile::Symbols& symbols, Payload payload, std::uint32_t written) {
  std::uint32_t read = ~written;
  const auto again = Profile::decode(networks, tile, payload, &read);
  require(written == read && again.step == symbols.step && again.network == symbols.network &&
          again.valid == symbols.valid && again.latents == symbols.latents &&
          Profile::same(again, symbols));
}

template <class Profile>
void check_round_trip(Networks<Profile> networks, const hyspec::BandTile& tile,
                      const typename Profile::Symbols& symbols) {
  std::uint32_t written = 0;
  const std::vector<std::uint8_t> payload = Profile::encode(networks, tile, symbols, &written);
  check_read<Profile>(networks, tile, symbols, payload, written);
}

template <class Profile>
void read_payload(Networks<Profile> networks, const hyspec::BandTile& tile, Payload bytes) {
  typename Profile::Symbols symbols;
  try {
    symbols = Profile::decode(networks, tile, bytes, nullptr);
  } catch (const hyspec::Error& error) {
    require(error.code() == hyspec::ErrorCode::kCorrupt ||
            error.code() == hyspec::ErrorCode::kTruncated);
    return;
  }
  check_round_trip<Profile>(networks, tile, symbols);
}

template <class Profile>
void write_symbols(Networks<Profile> networks, const hyspec::BandTile& tile, Numbers numbers) {
  typename Profile::Symbols s;
  s.step = static_cast<std::int32_t>(numbers.below(hyspec::kMaxStep - hyspec::kMinStep + 1)) +
           hyspec::kMinStep;
  s.network = numbers.below(static_cast<std::uint32_t>(networks.size()));
  const typename Profile::Network& network = networks[s.network];
  const std::size_t planes = Profile::make(networks, tile, numbers, s);
  const std::size_t positions = hyspec::latent_grid(tile, network.stride).positions();
  for (std::size_t k = 0; k < planes * network.model->channels() * positions; ++k)
    s.latents.push_back(numbers.number());
  Profile::fit(s.latents, s, network.model->channels(), positions);
  check_round_trip<Profile>(networks, tile, s);

  // The same as real numbers, which the gains take to any size and rounding changes.
  const std::vector<float> real = numbers.near(s.latents);
  const hyspec::LatentRounding rounding{static_cast<float>(numbers.below(129)) / 256.0f};
  std::uint32_t written = 0;
  const std::vector<std::uint8_t> payload =
      Profile::encode_real(networks, tile, s, real, rounding, &written);
  check_read<Profile>(networks, tile, s, payload, written);
}

template <class Profile>
void check_payload(Payload data) {
  static const std::vector<typename Profile::Network> networks = Profile::networks();
  Numbers numbers(data);
  const std::uint32_t bands = numbers.below(6) + 1;
  const std::uint32_t rows = numbers.below(24) + 1;
  const std::uint32_t columns = numbers.below(24) + 1;
  const hyspec::BandTile tile{bands, rows, columns};
  read_payload<Profile>(networks, tile, numbers.rest());
  write_symbols<Profile>(networks, tile, numbers);
}

}  // namespace hyspec_fuzz
