#include "hyspec/stream_header.hpp"

#include <algorithm>
#include <cstring>

#include "hyspec/band_values.hpp"
#include "hyspec/checksum.hpp"
#include "hyspec/header_rules.hpp"

namespace hyspec {
namespace {

// Section 3.
constexpr std::array<std::uint8_t, 8> kSignature = {0x89, 0x48, 0x59, 0x43, 0x0D, 0x0A, 0x1A, 0x0A};
constexpr std::uint8_t kMajorVersion = 1;
constexpr std::size_t kVersionOffset = 8;
constexpr std::size_t kLengthOffset = 10;
constexpr std::size_t kChecksumOffset = 14;

enum Tag : std::uint64_t {
  kShape = 1,
  kWavelengths = 2,
  kSampleType = 3,
  kFwhm = 4,
  kTiling = 5,
  kWavelengthUnit = 6,
  kProfile = 7,
  kBadBands = 8,
  kPack = 9,
  kMetadata = 10,
  kIntervals = 11,
  kSoftware = 12,
  kNodata = 13,
};

constexpr Tag kRequired[] = {kShape, kSampleType, kTiling, kProfile, kIntervals};

Span<const std::uint8_t> as_bytes(const std::string& text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string number(std::uint64_t value) { return std::to_string(value); }

using Field = std::pair<std::uint64_t, Bytes>;

void add_text(std::vector<Field>& fields, Tag tag, const std::string& text) {
  if (!text.empty()) fields.emplace_back(tag, Bytes(text.begin(), text.end()));
}

void add_band_values(std::vector<Field>& fields, Tag tag, const std::vector<double>& values) {
  if (!values.empty()) put_band_values(fields.emplace_back(tag, Bytes()).second, values);
}

void add_required(std::vector<Field>& fields, const Header& h) {
  Bytes shape;
  put_varint(shape, h.rows);
  put_varint(shape, h.columns);
  put_varint(shape, h.bands);
  fields.emplace_back(kShape, std::move(shape));
  Bytes type;
  put_u8(type, static_cast<std::uint8_t>(h.type));
  if (is_floating_point(h.type)) put_f64(type, h.step);
  fields.emplace_back(kSampleType, std::move(type));
  Bytes tiling;
  put_varint(tiling, h.tile_rows);
  put_varint(tiling, h.tile_columns);
  fields.emplace_back(kTiling, std::move(tiling));
  fields.emplace_back(kProfile, Bytes{h.profile, h.profile_version});
  Bytes intervals;
  put_varint(intervals, h.intervals.size());
  for (const Interval& interval : h.intervals) {
    put_varint(intervals, interval.bands);
    put_varint(intervals, interval.model);
  }
  fields.emplace_back(kIntervals, std::move(intervals));
}

Bytes serialize_body(const Header& h) {
  std::vector<Field> fields = h.unknown;
  add_required(fields, h);
  add_band_values(fields, kWavelengths, h.wavelengths);
  add_band_values(fields, kFwhm, h.fwhm);
  add_text(fields, kWavelengthUnit, h.wavelength_unit);
  add_text(fields, kSoftware, h.software);
  if (!h.bad_bands.empty()) {
    Bytes bitmap((h.bands + 7) / 8);
    for (std::size_t b = 0; b < h.bands; ++b) {
      bitmap[b / 8] = static_cast<std::uint8_t>(bitmap[b / 8] | (h.bad_bands[b] << (b % 8)));
    }
    fields.emplace_back(kBadBands, std::move(bitmap));
  }
  if (h.pack) {
    Bytes pack(h.pack->id.begin(), h.pack->id.end());
    put_bytes(pack, as_bytes(h.pack->name));
    fields.emplace_back(kPack, std::move(pack));
  }
  if (!h.metadata.empty()) fields.emplace_back(kMetadata, h.metadata);
  if (h.nodata) put_f64(fields.emplace_back(kNodata, Bytes()).second, *h.nodata);

  std::sort(fields.begin(), fields.end(),
            [](const Field& a, const Field& b) { return a.first < b.first; });
  Bytes body;
  for (const auto& [tag, content] : fields) {
    put_varint(body, tag);
    put_varint(body, content.size());
    put_bytes(body, content);
  }
  return body;
}

std::string read_text(ByteReader& in) {
  const std::uint64_t at = in.offset();
  const Span<const std::uint8_t> text = in.rest();
  if (!is_plain_text(text)) {
    throw Error(ErrorCode::kCorrupt, at, "a text is not UTF-8 without control characters");
  }
  return std::string(text.begin(), text.end());
}

void read_intervals(ByteReader& in, Header& h) {
  const std::uint64_t count = in.varint_between(1, in.remaining() / 2, "number of intervals");
  h.intervals.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    Interval interval;
    interval.bands = static_cast<std::uint32_t>(in.varint_between(1, kMaxBands, "interval bands"));
    interval.model = static_cast<std::uint32_t>(in.varint_between(0, kMaxModel, "model index"));
    h.intervals.push_back(interval);
  }
}

void read_bad_bands(ByteReader& in, Header& h) {
  const std::uint64_t at = in.offset();
  const Span<const std::uint8_t> bitmap = in.bytes((std::uint64_t{h.bands} + 7) / 8);
  if (h.bands % 8 != 0 && (bitmap[bitmap.size() - 1] >> (h.bands % 8)) != 0) {
    throw Error(ErrorCode::kCorrupt, at, "reserved bits of the bad-band bitmap are set");
  }
  h.bad_bands.resize(h.bands);
  for (std::size_t b = 0; b < h.bands; ++b) h.bad_bands[b] = (bitmap[b / 8] >> (b % 8)) & 1;
}

void read_sample_type(ByteReader& in, Header& h) {
  const std::uint64_t at = in.offset();
  const std::uint8_t code = in.u8();
  if (code > static_cast<std::uint8_t>(SampleType::kFloat64)) {
    throw Error(ErrorCode::kUnsupportedVersion, at, "unknown sample type " + number(code));
  }
  h.type = static_cast<SampleType>(code);
  if (is_floating_point(h.type)) h.step = in.f64();
}

// The shape comes before every field whose length depends on it.
void read_field(std::uint64_t tag, ByteReader& in, Header& h) {
  switch (tag) {
    case kShape:
      h.rows = static_cast<std::uint32_t>(in.varint_between(0, kMaxRows, "rows"));
      h.columns = static_cast<std::uint32_t>(in.varint_between(1, kMaxRows, "columns"));
      h.bands = static_cast<std::uint32_t>(in.varint_between(1, kMaxBands, "bands"));
      break;
    case kWavelengths: h.wavelengths = read_band_values(in, h.bands); break;
    case kSampleType: read_sample_type(in, h); break;
    case kFwhm: h.fwhm = read_band_values(in, h.bands); break;
    case kTiling:
      h.tile_rows = static_cast<std::uint32_t>(in.varint_between(1, kMaxTilePixels, "tile rows"));
      h.tile_columns =
          static_cast<std::uint32_t>(in.varint_between(1, kMaxTilePixels, "tile columns"));
      break;
    case kWavelengthUnit: h.wavelength_unit = read_text(in); break;
    case kProfile:
      h.profile = in.u8();
      h.profile_version = in.u8();
      break;
    case kBadBands: read_bad_bands(in, h); break;
    case kPack: {
      PackRef pack;
      const Span<const std::uint8_t> id = in.bytes(pack.id.size());
      std::copy(id.begin(), id.end(), pack.id.begin());
      pack.name = read_text(in);
      h.pack = std::move(pack);
      break;
    }
    case kMetadata: {
      const Span<const std::uint8_t> metadata = in.rest();
      h.metadata.assign(metadata.begin(), metadata.end());
      break;
    }
    case kIntervals: read_intervals(in, h); break;
    case kSoftware: h.software = read_text(in); break;
    case kNodata: h.nodata = in.f64(); break;
    default: {
      if (tag % 2 != 0) {
        throw Error(ErrorCode::kUnsupportedVersion, in.offset(),
                    "the header has the unknown critical field " + number(tag) +
                        ", made by a newer writer");
      }
      const Span<const std::uint8_t> content = in.rest();
      h.unknown.emplace_back(tag, Bytes(content.begin(), content.end()));
    }
  }
}

Header parse_body(Span<const std::uint8_t> body) {
  Header h;
  ByteReader in(body, kPreamblePrefix, ErrorCode::kCorrupt);
  std::uint64_t smallest_tag = 0;
  std::uint64_t seen = 0;  // bit per known tag
  while (in.remaining() > 0) {
    const std::uint64_t at = in.offset();
    const std::uint64_t tag = in.varint();
    if (tag < smallest_tag || (seen == 0 && tag > kShape)) {
      throw Error(ErrorCode::kCorrupt, at,
                  "header field " + number(tag) + " is out of order, twice there, or before 1");
    }
    const std::uint64_t length = in.varint();
    if (length == 0) {
      throw Error(ErrorCode::kCorrupt, at, "header field " + number(tag) + " is empty");
    }
    ByteReader field(in.bytes(length), in.offset() - length, ErrorCode::kCorrupt);
    read_field(tag, field, h);
    if (field.remaining() != 0) {
      throw Error(ErrorCode::kCorrupt, field.offset(),
                  "header field " + number(tag) + " is longer than its content");
    }
    if (is_known_field(tag)) seen |= std::uint64_t{1} << tag;
    smallest_tag = tag + 1;  // no overflow: 2^64 - 1 is odd, and was refused
  }
  for (const Tag tag : kRequired) {
    if ((seen >> tag & 1) == 0) {
      throw Error(ErrorCode::kCorrupt, kPreamblePrefix,
                  "the header lacks the required field " + number(tag));
    }
  }
  return h;
}

void check_signature(Span<const std::uint8_t> data) {
  const std::size_t size = std::min(data.size(), kSignature.size());
  if (size > 0 &&
      std::memcmp(data.data(), kSignature.data(), std::min<std::size_t>(size, 4)) != 0) {
    throw Error(ErrorCode::kNotAStream, "this is not a hyspec stream: its signature is missing");
  }
  if (size > 0 && std::memcmp(data.data(), kSignature.data(), size) != 0) {
    throw Error(ErrorCode::kNotAStream,
                "the signature is damaged as by a transfer that converts line ends");
  }
}

}  // namespace

Bytes serialize_preamble(const Header& header) {
  const std::string found = header_problem(header);
  if (!found.empty()) throw Error(ErrorCode::kBadArgument, found);
  const Bytes body = serialize_body(header);
  if (body.size() > kMaxBodyLength) {
    throw Error(ErrorCode::kBadArgument,
                "the header has " + number(body.size()) + " bytes; at most 2^24 are possible");
  }
  Bytes out(kSignature.begin(), kSignature.end());
  put_u8(out, kMajorVersion);
  put_u8(out, header.minor_version);
  put_u32(out, static_cast<std::uint32_t>(body.size()));
  const std::uint32_t start =
      crc32c({out.data() + kVersionOffset, kChecksumOffset - kVersionOffset});
  put_u32(out, crc32c(body, start));
  put_bytes(out, body);
  return out;
}

std::size_t preamble_size(Span<const std::uint8_t> prefix) {
  check_signature(prefix);
  if (prefix.size() > kVersionOffset && prefix[kVersionOffset] != kMajorVersion) {
    throw Error(ErrorCode::kUnsupportedVersion, kVersionOffset,
                "the stream has format version " + number(prefix[kVersionOffset]) +
                    "; this library reads version " + number(kMajorVersion));
  }
  ByteReader in(prefix, 0, ErrorCode::kTruncated);
  in.bytes(kLengthOffset);
  const std::uint32_t length = in.u32();
  if (length > kMaxBodyLength) {
    throw Error(
        ErrorCode::kCorrupt, kLengthOffset,
        "the header states a length of " + number(length) + " bytes; at most 2^24 are possible");
  }
  return kPreamblePrefix + length;
}

std::pair<Header, std::size_t> parse_preamble(Span<const std::uint8_t> data) {
  const std::size_t size = preamble_size(data);
  ByteReader in(data, 0, ErrorCode::kTruncated);
  in.bytes(kVersionOffset);
  const Span<const std::uint8_t> start = in.bytes(kChecksumOffset - kVersionOffset);
  const std::uint32_t stored = in.u32();
  const Span<const std::uint8_t> body = in.bytes(size - kPreamblePrefix);
  if (crc32c(body, crc32c(start)) != stored) {
    throw Error(ErrorCode::kChecksumMismatch, kChecksumOffset,
                "the header is damaged: its checksum does not match");
  }
  Header header = parse_body(body);
  header.minor_version = start[1];
  const std::string found = header_problem(header);
  if (!found.empty()) throw Error(ErrorCode::kCorrupt, kPreamblePrefix, found);
  return {std::move(header), size};
}

}  // namespace hyspec
