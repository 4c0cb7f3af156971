// Python bindings of the core library: the only file that sees pybind11.
//
// Arrays come in as C-contiguous NumPy arrays, go out as new NumPy arrays, and the interpreter lock
// is released around work. hyspec::Error becomes hyspec._core.CoreError with (code, offset, text).
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "hyspec/band_payload.hpp"
#include "hyspec/bounded_payload.hpp"
#include "hyspec/cdf_tables.hpp"
#include "hyspec/container.hpp"
#include "hyspec/corrected_payload.hpp"
#include "hyspec/error.hpp"
#include "hyspec/latent_coder.hpp"
#include "hyspec/mask_coder.hpp"
#include "hyspec/plane_coder.hpp"
#include "hyspec/range_coder.hpp"
#include "hyspec/spectral_payload.hpp"
#include "hyspec/spectral_samples.hpp"
#include "hyspec/symbol_coder.hpp"

namespace py = pybind11;

namespace {

void bind_errors(py::module_& m) {
  static py::exception<hyspec::Error> core_error(m, "CoreError", PyExc_RuntimeError);
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const hyspec::Error& e) {
      const py::tuple args = py::make_tuple(static_cast<int>(e.code()), e.offset(),
                                            hyspec::error_name(e.code()), e.what());
      PyErr_SetObject(core_error.ptr(), args.ptr());
    }
  });
}

// ---- entropy coder ----

// The argument as a C-contiguous array of T with `ndim` dimensions, converted only where every
// value survives. TypeError or ValueError otherwise.
template <typename T>
py::array_t<T, py::array::c_style> checked_array(const py::array& a, py::ssize_t ndim,
                                                 const char* name) {
  const py::object wanted = py::dtype::of<T>();
  if (!py::module_::import("numpy").attr("can_cast")(a.dtype(), wanted, "safe").cast<bool>()) {
    throw py::type_error(std::string(name) + " has dtype " +
                         py::str(a.dtype()).cast<std::string>() + ", expected " +
                         py::str(wanted).cast<std::string>());
  }
  if (a.ndim() != ndim) {
    throw py::value_error(std::string(name) + " has " + std::to_string(a.ndim()) +
                          " dimensions, expected " + std::to_string(ndim));
  }
  return py::array_t<T, py::array::c_style | py::array::forcecast>::ensure(a);
}

template <typename T>
hyspec::Span<const T> view(const py::array_t<T, py::array::c_style>& a) {
  return {a.data(), static_cast<std::size_t>(a.size())};
}

template <typename T>
hyspec::Span<T> mutable_view(py::array_t<T>& a) {
  return {a.mutable_data(), static_cast<std::size_t>(a.size())};
}

hyspec::CdfTables make_tables(const py::array& freq, const py::array& start,
                              const py::array& first) {
  const auto f = checked_array<std::uint16_t>(freq, 1, "freq");
  const auto s = checked_array<std::uint32_t>(start, 1, "start");
  const auto v = checked_array<std::int32_t>(first, 1, "first");
  const py::gil_scoped_release release;
  return hyspec::CdfTables(view(f), view(s), view(v));
}

py::array_t<std::uint32_t> encode_symbols(const hyspec::CdfTables& tables, const py::array& symbols,
                                          const py::array& index) {
  const auto s = checked_array<std::int32_t>(symbols, 1, "symbols");
  const auto i = checked_array<std::uint16_t>(index, 1, "index");
  std::vector<std::uint32_t> words;
  {
    const py::gil_scoped_release release;
    hyspec::RangeEncoder encoder;
    hyspec::encode_symbols(encoder, tables, view(s), view(i));
    words = encoder.finish();
  }
  return py::array_t<std::uint32_t>(static_cast<py::ssize_t>(words.size()), words.data());
}

py::array_t<std::int32_t> decode_symbols(const hyspec::CdfTables& tables, const py::array& words,
                                         const py::array& index) {
  const auto w = checked_array<std::uint32_t>(words, 1, "words");
  const auto i = checked_array<std::uint16_t>(index, 1, "index");
  py::array_t<std::int32_t> out(i.size());
  const hyspec::Span<std::int32_t> symbols = mutable_view(out);
  const py::gil_scoped_release release;
  hyspec::RangeDecoder decoder(view(w));
  hyspec::decode_symbols(decoder, tables, view(i), symbols);
  decoder.finish();
  return out;
}

double code_length(const hyspec::CdfTables& tables, const py::array& symbols,
                   const py::array& index) {
  const auto s = checked_array<std::int32_t>(symbols, 1, "symbols");
  const auto i = checked_array<std::uint16_t>(index, 1, "index");
  const py::gil_scoped_release release;
  return hyspec::code_length(tables, view(s), view(i));
}

py::bytes encode_masks(const py::array& planes) {
  const auto p = checked_array<std::uint8_t>(planes, 3, "planes");
  std::uint32_t shape[3];
  for (py::ssize_t axis = 0; axis < 3; ++axis) {
    if (p.shape(axis) > std::numeric_limits<std::uint32_t>::max()) {
      throw py::value_error("planes has more than 2^32 - 1 planes, rows or columns");
    }
    shape[axis] = static_cast<std::uint32_t>(p.shape(axis));
  }
  std::vector<std::uint8_t> bytes;
  {
    const py::gil_scoped_release release;
    bytes = hyspec::encode_masks(view(p), shape[0], shape[1], shape[2]);
  }
  return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

py::array_t<std::uint8_t> decode_masks(const py::bytes& data, std::uint32_t count,
                                       std::uint32_t rows, std::uint32_t cols) {
  const auto bytes = data.cast<std::string_view>();
  py::array_t<std::uint8_t> out(std::vector<py::ssize_t>{count, rows, cols});
  const hyspec::Span<std::uint8_t> planes = mutable_view(out);
  const py::gil_scoped_release release;
  hyspec::decode_masks({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, count,
                       rows, cols, planes);
  return out;
}

void bind_entropy_coder(py::module_& m) {
  py::class_<hyspec::CdfTables>(m, "CdfTables",
                                "Frozen probability tables, each out of 65536, escape symbol last.")
      .def(py::init(&make_tables), py::arg("freq"), py::arg("start"), py::arg("first"))
      .def_property_readonly("count", &hyspec::CdfTables::count, "Number of tables.");
  m.def("encode_symbols", &encode_symbols, py::arg("tables"), py::arg("symbols"), py::arg("index"),
        "Code symbols[i] with table index[i]; return the words of the message.");
  m.def("decode_symbols", &decode_symbols, py::arg("tables"), py::arg("words"), py::arg("index"),
        "Decode one symbol per table number; the words must end with the last "
        "symbol.");
  m.def("code_length", &code_length, py::arg("tables"), py::arg("symbols"), py::arg("index"),
        "Ideal code length of the symbols in bits, escapes included.");
  m.def("encode_masks", &encode_masks, py::arg("planes"),
        "Code binary planes (count, rows, columns), 1 valid and 0 nodata.");
  m.def("decode_masks", &decode_masks, py::arg("data"), py::arg("count"), py::arg("rows"),
        py::arg("cols"), "Decode what encode_masks wrote for planes of this shape.");
}

// ---- end of entropy coder ----

// ---- band profile ----

template <typename T>
py::array_t<T> to_array(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

// Without a copy: the array owns what was the vector's.
template <typename T>
py::array_t<T> to_array(std::vector<T>&& values) {
  auto* const kept = new std::vector<T>(std::move(values));
  const py::capsule owner(kept, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return py::array_t<T>(static_cast<py::ssize_t>(kept->size()), kept->data(), owner);
}

template <typename T>
std::vector<T> to_vector(const py::array_t<T, py::array::c_style>& a) {
  return std::vector<T>(a.data(), a.data() + a.size());
}

template <typename T>
std::vector<T> to_checked_vector(const py::array& a, py::ssize_t ndim, const char* name) {
  return to_vector(checked_array<T>(a, ndim, name));
}

hyspec::StateArrays to_state_arrays(const py::array& probability, const py::array& count,
                                    const py::array& mixers, const py::array& intra) {
  hyspec::StateArrays arrays;
  arrays.probability = to_checked_vector<std::uint16_t>(probability, 1, "probability");
  arrays.count = to_checked_vector<std::uint8_t>(count, 1, "count");
  arrays.mixers = to_checked_vector<std::int32_t>(mixers, 1, "mixers");
  arrays.intra = to_checked_vector<std::int32_t>(intra, 1, "intra");
  return arrays;
}

hyspec::LatentGains to_gains(const py::array& gains) {
  const auto g = checked_array<std::int16_t>(gains, 2, "gains");
  return {static_cast<std::uint32_t>(std::min<py::ssize_t>(g.shape(1), 1 << 16)), view(g)};
}

// Rows of seven numbers.
std::vector<hyspec::Term> to_terms(const py::array& surroundings) {
  const auto rows = checked_array<std::int16_t>(surroundings, 2, "surroundings");
  if (rows.shape(1) != 7) throw py::value_error("surroundings must have seven columns");
  std::vector<hyspec::Term> terms(static_cast<std::size_t>(rows.shape(0)));
  const std::int16_t* next = rows.data();
  for (hyspec::Term& t : terms)
    for (std::int16_t* value :
         {&t.channel, &t.group, &t.age, &t.from, &t.down, &t.across, &t.weight})
      *value = *next++;
  return terms;
}

hyspec::LatentModel make_latent_model(const py::array& gains, const py::array& probability,
                                      const py::array& count, const py::array& mixers,
                                      const py::array& intra) {
  hyspec::LatentGains g = to_gains(gains);
  hyspec::LatentState state =
      hyspec::latent_state(g.channels(), to_state_arrays(probability, count, mixers, intra));
  return {std::move(g), std::move(state)};
}

hyspec::LatentModel untrained_latent_model(const py::array& gains) {
  hyspec::LatentGains g = to_gains(gains);
  hyspec::LatentState state(g.channels());
  return {std::move(g), std::move(state)};
}

hyspec::PlaneModel make_plane_model(const py::array& gains, const py::array& probability,
                                    const py::array& count, const py::array& mixers,
                                    const py::array& intra, const py::array& surroundings) {
  hyspec::LatentGains g = to_gains(gains);
  hyspec::PlaneState state =
      hyspec::plane_state(g.channels(), to_state_arrays(probability, count, mixers, intra));
  return {std::move(g), std::move(state), to_terms(surroundings)};
}

hyspec::PlaneModel untrained_plane_model(const py::array& gains, const py::array& surroundings) {
  hyspec::LatentGains g = to_gains(gains);
  hyspec::PlaneState state(g.channels());
  return {std::move(g), std::move(state), to_terms(surroundings)};
}

template <class State>
py::tuple state_tuple(const State& state) {
  const hyspec::StateArrays arrays = hyspec::to_arrays(state);
  return py::make_tuple(to_array(arrays.probability), to_array(arrays.count),
                        to_array(arrays.mixers), to_array(arrays.intra));
}

// Adapts the models of a state to chunk after chunk.
template <class Coder, class... Options>
class Trainer {
 public:
  using Model = typename Coder::Model;

  explicit Trainer(const Model& model, Options... options) : model_(model), options_(options...) {}

  // Latents (planes, channels, rows, columns) of one chunk at one level per plane; code length.
  double learn(const py::array& levels, const py::array& latents) {
    const auto l = checked_array<std::uint32_t>(levels, 1, "levels");
    const auto z = checked_array<std::int32_t>(latents, 4, "latents");
    if (z.shape(0) != l.size() || z.shape(1) != static_cast<py::ssize_t>(model_.channels()))
      throw py::value_error("latents must have the shape (levels, channels, rows, columns)");
    for (py::ssize_t b = 0; b < l.size(); ++b)
      if (l.at(b) >= model_.levels()) throw py::value_error("a level is out of range");
    const py::gil_scoped_release release;
    const hyspec::LatentGrid grid{static_cast<std::size_t>(z.shape(2)),
                                  static_cast<std::size_t>(z.shape(3))};
    const std::size_t size = model_.channels() * grid.positions();
    auto coder = std::apply([&](auto... o) { return Coder(model_, grid, o...); }, options_);
    double bits = 0;
    for (std::size_t b = 0; b < static_cast<std::size_t>(l.size()); ++b)
      bits += coder.learn(l.data()[b], view(z).subspan(b * size, size));
    model_ = Model(model_, coder.state());
    return bits;
  }
  py::tuple state() const { return state_tuple(model_.state()); }

 private:
  Model model_;
  std::tuple<Options...> options_;
};

template <class Model>
void bind_sizes(py::class_<Model>& model) {
  model.def_property_readonly("channels", &Model::channels, "Latent channels.")
      .def_property_readonly("levels", &Model::levels, "Quality levels.")
      .def_property_readonly(
          "state", [](const Model& self) { return state_tuple(self.state()); },
          "Probability, count, mixers, intra.");
}

// Adds what all trainers have.
template <class Trainer>
void bind_learning(py::class_<Trainer>& trainer) {
  trainer
      .def("learn", &Trainer::learn, py::arg("levels"), py::arg("latents"),
           "Adapt to one chunk, latents (planes, channels, rows, columns); "
           "return its bits.")
      .def_property_readonly("state", &Trainer::state, "Probability, count, mixers, intra.");
}

// The networks of a model; keeps their entropy models alive.
template <class Model>
using PyNetworks = std::vector<std::pair<std::uint32_t, const Model*>>;

template <class Network, class Model>
std::vector<Network> to_networks(const PyNetworks<Model>& networks) {
  std::vector<Network> result;
  for (const auto& [stride, model] : networks) result.push_back({stride, model});
  return result;
}

py::bytes to_py_bytes(hyspec::Span<const std::uint8_t> bytes) {
  return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

hyspec::Span<const std::uint8_t> view(std::string_view bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::vector<py::ssize_t> shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

py::object to_mask(const std::vector<std::uint8_t>& valid, const hyspec::BandTile& tile) {
  if (valid.empty()) return py::none();
  return to_array(valid).reshape(std::vector<py::ssize_t>{tile.bands, tile.rows, tile.columns});
}

// Latents of shape (planes, channels, positions).
template <class Network>
py::array to_planes(std::vector<std::int32_t>&& latents, const hyspec::BandTile& tile,
                    const Network& network) {
  const std::size_t positions = hyspec::latent_grid(tile, network.stride).positions();
  const std::size_t plane = network.model->channels() * positions;
  const auto planes = static_cast<py::ssize_t>(latents.size() / plane);
  return to_array(std::move(latents))
      .reshape(std::vector<py::ssize_t>{planes, static_cast<py::ssize_t>(network.model->channels()),
                                        static_cast<py::ssize_t>(positions)});
}

// Codes symbols with latents that are whole numbers, by whole(crc), or real ones before rounding,
// by real(latents, crc), which leaves in the symbols what they were rounded to.
template <class Symbols, class Whole, class Real>
py::tuple encode_payload(Symbols& symbols, const py::array& latents, Whole whole, Real real) {
  std::vector<std::uint8_t> payload;
  std::uint32_t crc = 0;
  if (latents.dtype().kind() == 'f') {
    const auto given = checked_array<float>(latents, 3, "latents");
    const py::gil_scoped_release release;
    payload = real(view(given), &crc);
  } else {
    symbols.latents = to_checked_vector<std::int32_t>(latents, 3, "latents");
    const py::gil_scoped_release release;
    payload = whole(&crc);
  }
  return py::make_tuple(to_py_bytes(payload), crc,
                        to_array(std::move(symbols.latents)).reshape(shape_of(latents)));
}

py::tuple encode_band_payload(const PyNetworks<hyspec::LatentModel>& networks,
                              const hyspec::BandTile& tile, std::int32_t step,
                              std::uint32_t network, const std::optional<py::array>& valid,
                              const py::array& scale, const py::array& mean,
                              const py::array& latents, float bit_value) {
  hyspec::BandSymbols s;
  s.step = step;
  s.network = network;
  if (valid) s.valid = to_checked_vector<std::uint8_t>(*valid, 3, "valid");
  s.scale = to_checked_vector<std::int32_t>(scale, 1, "scale");
  s.mean = to_checked_vector<std::int32_t>(mean, 1, "mean");
  const auto parts = to_networks<hyspec::BandNetwork>(networks);
  const hyspec::BandSymbols& whole = s;
  return encode_payload(
      s, latents, [&](auto* crc) { return hyspec::encode_band_payload(parts, tile, whole, crc); },
      [&](auto real, auto* crc) {
        return hyspec::encode_band_payload(parts, tile, s, real, {bit_value}, crc);
      });
}

py::tuple decode_band_payload(const PyNetworks<hyspec::LatentModel>& networks,
                              const hyspec::BandTile& tile, const py::bytes& payload) {
  const auto parts = to_networks<hyspec::BandNetwork>(networks);
  hyspec::BandSymbols s;
  std::uint32_t crc = 0;
  {
    const auto bytes = payload.cast<std::string_view>();
    const py::gil_scoped_release release;
    s = hyspec::decode_band_payload(parts, tile, view(bytes), &crc);
  }
  return py::make_tuple(s.step, s.network, to_mask(s.valid, tile), to_array(s.scale),
                        to_array(s.mean), to_planes(std::move(s.latents), tile, parts[s.network]),
                        crc);
}

hyspec::SpectralBasis make_basis(const py::array& entries, const py::array& sizes,
                                 const py::array& counts, const py::array& leading) {
  hyspec::SpectralBasis basis;
  basis.sizes = to_checked_vector<std::int32_t>(sizes, 1, "sizes");
  basis.counts = to_checked_vector<std::int32_t>(counts, 1, "counts");
  basis.leading = to_checked_vector<std::int32_t>(leading, 1, "leading");
  basis.entries = to_checked_vector<std::int32_t>(entries, 2, "entries");
  basis.rows = static_cast<std::uint32_t>(entries.shape(0));
  return basis;
}

py::array basis_entries(const hyspec::SpectralBasis& basis) {
  const auto rows = static_cast<py::ssize_t>(basis.rows);
  const auto numbers = static_cast<py::ssize_t>(basis.entries.size());
  const py::ssize_t width = rows > 0 ? numbers / rows : 0;
  return to_array(basis.entries).reshape(std::vector<py::ssize_t>{rows, width});
}

py::tuple encode_spectral_payload(const PyNetworks<hyspec::PlaneModel>& networks,
                                  const hyspec::BandTile& tile, std::uint32_t back,
                                  const hyspec::SharedBasis* shared, std::int32_t step,
                                  std::uint32_t network, const std::optional<py::array>& valid,
                                  const py::array& varies, const py::array& mean,
                                  const hyspec::SpectralBasis* basis, const py::array& scale,
                                  const py::array& latents, float bit_value, bool dependent,
                                  const std::optional<py::array>& weights, std::uint32_t fineness) {
  hyspec::SpectralSymbols s;
  s.back = back;
  s.step = step;
  s.network = network;
  s.dependent = dependent;
  s.fineness = fineness;
  if (valid) s.valid = to_checked_vector<std::uint8_t>(*valid, 3, "valid");
  s.varies = to_checked_vector<std::uint8_t>(varies, 1, "varies");
  s.mean = to_checked_vector<std::int32_t>(mean, 1, "mean");
  s.scale = to_checked_vector<std::int32_t>(scale, 1, "scale");
  if (basis != nullptr) s.basis = *basis;
  std::vector<float> counted;
  if (weights) counted = to_checked_vector<float>(*weights, 2, "weights");
  const auto parts = to_networks<hyspec::SpectralNetwork>(networks);
  const hyspec::SpectralSymbols& whole = s;
  return encode_payload(
      s, latents,
      [&](auto* crc) { return hyspec::encode_spectral_payload(parts, tile, shared, whole, crc); },
      [&](auto real, auto* crc) {
        return hyspec::encode_spectral_payload(parts, tile, shared, s, real, {bit_value, counted},
                                               crc);
      });
}

hyspec::SharedBasis decode_spectral_basis(std::size_t networks, const hyspec::BandTile& tile,
                                          const py::bytes& payload) {
  const auto bytes = payload.cast<std::string_view>();
  const py::gil_scoped_release release;
  return hyspec::decode_spectral_basis(networks, tile, view(bytes));
}

py::tuple decode_spectral_payload(const PyNetworks<hyspec::PlaneModel>& networks,
                                  const hyspec::BandTile& tile, const py::bytes& payload,
                                  const hyspec::SharedBasis* shared) {
  const auto parts = to_networks<hyspec::SpectralNetwork>(networks);
  hyspec::SpectralSymbols s;
  std::uint32_t crc = 0;
  {
    const auto bytes = payload.cast<std::string_view>();
    const py::gil_scoped_release release;
    s = hyspec::decode_spectral_payload(parts, tile, shared, view(bytes), &crc);
  }
  return py::make_tuple(s.back, s.step, s.network, to_mask(s.valid, tile), to_array(s.varies),
                        s.fineness, to_array(s.mean), s.basis, to_array(s.scale), s.dependent,
                        to_planes(std::move(s.latents), tile, parts[s.network]), crc);
}

template <class Sample>
void put_samples_of(const py::array& planes, const py::array& basis, const py::array& mean,
                    std::optional<std::int32_t> avoid, py::array& out) {
  const auto p = checked_array<float>(planes, 3, "planes");
  const auto b = checked_array<float>(basis, 2, "basis");
  const auto m = checked_array<float>(mean, 1, "mean");
  const auto size = [](py::ssize_t n) { return static_cast<std::size_t>(n); };
  if (b.shape(0) != p.shape(0) || m.size() != b.shape(1) || out.shape(0) != p.shape(1) ||
      out.shape(1) != p.shape(2) || out.shape(2) != b.shape(1))
    throw py::value_error("planes, basis, mean and out do not fit each other");
  if (!out.writeable()) throw py::value_error("out cannot be written to");
  const auto stride = [&](py::ssize_t axis) {
    return out.strides(axis) / static_cast<py::ssize_t>(sizeof(Sample));
  };
  std::optional<Sample> kept_apart;
  if (avoid) kept_apart = static_cast<Sample>(*avoid);
  const hyspec::SpectralSums sums{size(p.shape(0)), size(b.shape(1)), size(p.shape(1) * p.shape(2)),
                                  p.data(),         b.data(),         m.data()};
  const hyspec::SampleRows<Sample> rows{static_cast<Sample*>(out.mutable_data()),
                                        size(out.shape(1)), stride(0), stride(1), stride(2)};
  const py::gil_scoped_release release;
  hyspec::put_samples(sums, kept_apart, rows);
}

void put_samples(const py::array& planes, const py::array& basis, const py::array& mean,
                 std::optional<std::int32_t> avoid, py::array out) {
  if (out.ndim() != 3) throw py::value_error("out has no three dimensions");
  if (py::isinstance<py::array_t<std::uint16_t>>(out))
    put_samples_of<std::uint16_t>(planes, basis, mean, avoid, out);
  else if (py::isinstance<py::array_t<std::int16_t>>(out))
    put_samples_of<std::int16_t>(planes, basis, mean, avoid, out);
  else if (py::isinstance<py::array_t<std::uint8_t>>(out))
    put_samples_of<std::uint8_t>(planes, basis, mean, avoid, out);
  else if (py::isinstance<py::array_t<std::int8_t>>(out))
    put_samples_of<std::int8_t>(planes, basis, mean, avoid, out);
  else
    throw py::type_error("out has another type than integers of 8 or 16 bits");
}

py::array_t<std::int32_t> band_levels(const py::array& scale, std::int32_t step,
                                      std::uint32_t levels) {
  const auto s = checked_array<std::int32_t>(scale, 1, "scale");
  py::array_t<std::int32_t> out(s.size());
  for (py::ssize_t b = 0; b < s.size(); ++b)
    out.mutable_at(b) = hyspec::band_level(s.at(b), step, levels);
  return out;
}

py::array_t<std::int32_t> mean_exponents(const py::array& scale) {
  const auto s = checked_array<std::int32_t>(scale, 1, "scale");
  py::array_t<std::int32_t> out(s.size());
  for (py::ssize_t b = 0; b < s.size(); ++b) out.mutable_at(b) = hyspec::mean_exponent(s.at(b));
  return out;
}

void bind_band_profile(py::module_& m) {
  m.attr("MIN_STEP") = hyspec::kMinStep;
  m.attr("MAX_STEP") = hyspec::kMaxStep;
  m.attr("MAX_SCALE") = hyspec::kMaxScale;
  m.attr("DEPENDENT_STEP") = hyspec::kDependentStep;
  m.attr("MAX_TERM_WEIGHT") = hyspec::kMaxTermWeight;
  m.attr("MOST_COUNTED") = hyspec::kMostCounted;
  py::class_<hyspec::LatentModel> latent_model(m, "LatentModel",
                                               "Gains and adaptive models of one network.");
  latent_model
      .def(py::init(&make_latent_model), py::arg("gains"), py::arg("probability"), py::arg("count"),
           py::arg("mixers"), py::arg("intra"))
      .def_static("untrained", &untrained_latent_model, py::arg("gains"),
                  "Model that has seen nothing yet.");
  bind_sizes(latent_model);
  py::class_<hyspec::PlaneModel> plane_model(
      m, "PlaneModel", "Gains, surroundings and adaptive models of one network of planes.");
  plane_model
      .def(py::init(&make_plane_model), py::arg("gains"), py::arg("probability"), py::arg("count"),
           py::arg("mixers"), py::arg("intra"), py::arg("surroundings"))
      .def_static("untrained", &untrained_plane_model, py::arg("gains"), py::arg("surroundings"),
                  "Model that has seen nothing yet.");
  bind_sizes(plane_model);
  constexpr const char* kTrainer = "Trains the adaptive models of a network.";
  py::class_<Trainer<hyspec::LatentCoder>> latent_trainer(m, "LatentTrainer", kTrainer);
  latent_trainer.def(py::init<const hyspec::LatentModel&>(), py::arg("model"));
  bind_learning(latent_trainer);
  py::class_<Trainer<hyspec::PlaneCoder, bool>> plane_trainer(m, "PlaneTrainer", kTrainer);
  plane_trainer.def(py::init<const hyspec::PlaneModel&, bool>(), py::arg("model"),
                    py::arg("dependent"));
  bind_learning(plane_trainer);
  py::class_<hyspec::BandTile>(m, "BandTile", "Size of one chunk of the band profile.")
      .def(py::init([](std::uint32_t bands, std::uint32_t rows, std::uint32_t columns) {
             const hyspec::BandTile tile{bands, rows, columns};
             hyspec::check_band_tile(tile);
             return tile;
           }),
           py::arg("bands"), py::arg("rows"), py::arg("columns"))
      .def_readonly("bands", &hyspec::BandTile::bands, "Bands of the interval.")
      .def_readonly("rows", &hyspec::BandTile::rows, "Rows of the tile.")
      .def_readonly("columns", &hyspec::BandTile::columns, "Columns of the tile.");
  m.def("encode_band_payload", &encode_band_payload, py::arg("networks"), py::arg("tile"),
        py::arg("step"), py::arg("network"), py::arg("valid").none(true), py::arg("scale"),
        py::arg("mean"), py::arg("latents"), py::arg("bit_value") = 0.0f,
        "Write a payload; return it, the checksum of its symbols, and the "
        "latents as coded.");
  m.def("decode_band_payload", &decode_band_payload, py::arg("networks"), py::arg("tile"),
        py::arg("payload"),
        "Read a payload: step, network, valid, scale, mean, latents, symbols "
        "checksum.");
  m.def("band_levels", &band_levels, py::arg("scale"), py::arg("step"), py::arg("levels"),
        "Quality level of each band, -1 where it has no latents.");
  m.def("mean_exponents", &mean_exponents, py::arg("scale"),
        "Exponent of the unit that each band's mean is counted in.");
  py::class_<hyspec::SpectralBasis>(m, "SpectralBasis",
                                    "Directions of the planes of a tile, as whole numbers.")
      .def(py::init(&make_basis), py::arg("entries"), py::arg("sizes"), py::arg("counts"),
           py::arg("leading"))
      .def_property_readonly("entries", &basis_entries)
      .def_property_readonly("sizes",
                             [](const hyspec::SpectralBasis& b) { return to_array(b.sizes); })
      .def_property_readonly("counts",
                             [](const hyspec::SpectralBasis& b) { return to_array(b.counts); })
      .def_property_readonly("leading",
                             [](const hyspec::SpectralBasis& b) { return to_array(b.leading); });
  py::class_<hyspec::SharedBasis>(m, "SharedBasis", "The basis of a tile that others use, too.")
      .def(py::init([](const py::array& varies, const hyspec::SpectralBasis& basis) {
             return hyspec::SharedBasis{to_checked_vector<std::uint8_t>(varies, 1, "varies"),
                                        basis};
           }),
           py::arg("varies"), py::arg("basis"))
      .def_property_readonly("varies",
                             [](const hyspec::SharedBasis& s) { return to_array(s.varies); })
      .def_readonly("basis", &hyspec::SharedBasis::basis);
  m.def("encode_spectral_payload", &encode_spectral_payload, py::arg("networks"), py::arg("tile"),
        py::arg("back"), py::arg("shared").none(true), py::arg("step"), py::arg("network"),
        py::arg("valid").none(true), py::arg("varies"), py::arg("mean"),
        py::arg("basis").none(true), py::arg("scale"), py::arg("latents"),
        py::arg("bit_value") = 0.0f, py::arg("dependent") = false,
        py::arg("weights").none(true) = py::none(), py::arg("fineness") = 0,
        "Write a payload; return it, the checksum of its symbols, and the "
        "latents as coded.");
  m.def(
      "spectral_payload_back",
      [](const py::bytes& payload) {
        return hyspec::spectral_payload_back(view(payload.cast<std::string_view>()));
      },
      py::arg("payload"), "Tiles back to the one whose basis a payload uses; 0: its own.");
  m.def("decode_spectral_basis", &decode_spectral_basis, py::arg("networks"), py::arg("tile"),
        py::arg("payload"), "Read the basis of a payload that has its own.");
  m.def("decode_spectral_payload", &decode_spectral_payload, py::arg("networks"), py::arg("tile"),
        py::arg("payload"), py::arg("shared").none(true) = py::none(),
        "Read a payload: back, step, network, valid, varies, fineness, mean, basis, scale, "
        "dependent, "
        "latents, checksum.");
  m.def("put_samples", &put_samples, py::arg("planes"), py::arg("basis"), py::arg("mean"),
        py::arg("avoid").none(true), py::arg("out"),
        "Write rounded sums of planes as samples of at most 16 bits.");
  m.def("spectral_mean_exponent", &hyspec::spectral_mean_exponent, py::arg("varies"),
        py::arg("step"), py::arg("fineness"),
        "Exponent of the unit that the mean of a band is counted in.");
}

// ---- end of band and spectral profiles ----

// ---- bounded profile ----

// The tile of an array of bands, rows and columns.
hyspec::BandTile tile_of(const py::array& array, const std::string& name) {
  hyspec::BandTile tile{};
  py::ssize_t axis = 0;
  for (std::uint32_t* const size : {&tile.bands, &tile.rows, &tile.columns}) {
    if (array.shape(axis) > std::numeric_limits<std::uint32_t>::max())
      throw py::value_error(name + " has more than 2^32 - 1 bands, rows or columns");
    *size = static_cast<std::uint32_t>(array.shape(axis++));
  }
  return tile;
}

py::tuple encode_bounded_payload(const py::array& samples, const std::optional<py::array>& valid,
                                 const py::array& max_errors, std::uint32_t bands, bool wide,
                                 std::uint32_t numerator, std::uint32_t denominator,
                                 std::int32_t zero) {
  const auto s = checked_array<std::int32_t>(samples, 3, "samples");
  const auto m = checked_array<std::uint32_t>(max_errors, 1, "max_errors");
  const hyspec::BandTile tile = tile_of(s, "samples");
  std::vector<std::uint8_t> v;
  if (valid) v = to_checked_vector<std::uint8_t>(*valid, 3, "valid");
  std::vector<std::uint8_t> payload;
  std::uint32_t crc = 0;
  {
    const py::gil_scoped_release release;
    payload = hyspec::encode_bounded_payload(tile, view(s), v, view(m),
                                             {numerator, denominator, zero}, {bands, wide}, &crc);
  }
  return py::make_tuple(py::bytes(reinterpret_cast<const char*>(payload.data()), payload.size()),
                        crc);
}

py::tuple decode_bounded_payload(const hyspec::BandTile& tile, const py::bytes& payload) {
  hyspec::BoundedSamples s;
  std::uint32_t crc = 0;
  {
    const auto bytes = payload.cast<std::string_view>();
    const py::gil_scoped_release release;
    s = hyspec::decode_bounded_payload(tile, view(bytes), &crc);
  }
  const std::vector<py::ssize_t> shape{tile.bands, tile.rows, tile.columns};
  return py::make_tuple(to_array(s.samples).reshape(shape), to_mask(s.valid, tile),
                        to_array(s.max_errors), crc);
}

py::tuple encode_corrected_payload(const py::bytes& base, const py::array& corrections,
                                   const std::optional<py::array>& valid,
                                   const py::array& max_errors, std::uint32_t tolerance,
                                   std::uint32_t checksum) {
  const auto c = checked_array<std::int32_t>(corrections, 3, "corrections");
  const auto m = checked_array<std::uint32_t>(max_errors, 1, "max_errors");
  const hyspec::BandTile tile = tile_of(c, "corrections");
  std::vector<std::uint8_t> v;
  if (valid) v = to_checked_vector<std::uint8_t>(*valid, 3, "valid");
  const auto base_bytes = base.cast<std::string_view>();
  std::vector<std::uint8_t> payload;
  {
    const py::gil_scoped_release release;
    payload = hyspec::encode_corrected_payload(tile, view(base_bytes), view(c), v, view(m),
                                               tolerance, &checksum);
  }
  return py::make_tuple(py::bytes(reinterpret_cast<const char*>(payload.data()), payload.size()),
                        checksum);
}

py::tuple read_corrected_header(const hyspec::BandTile& tile, const py::bytes& payload) {
  const auto bytes = payload.cast<std::string_view>();
  const hyspec::CorrectedHeader h = hyspec::read_corrected_header(tile, view(bytes));
  const auto base = bytes.substr(h.base_offset, h.base_length);
  return py::make_tuple(h.tolerance, to_array(h.max_errors), py::bytes(base.data(), base.size()));
}

py::tuple decode_corrections(const hyspec::BandTile& tile, const py::bytes& payload,
                             const std::optional<py::array>& valid, std::uint32_t checksum) {
  std::vector<std::uint8_t> v;
  if (valid) v = to_checked_vector<std::uint8_t>(*valid, 3, "valid");
  std::vector<std::int32_t> corrections;
  {
    const auto bytes = payload.cast<std::string_view>();
    const py::gil_scoped_release release;
    corrections = hyspec::decode_corrections(tile, view(bytes), v, &checksum);
  }
  const std::vector<py::ssize_t> shape{tile.bands, tile.rows, tile.columns};
  return py::make_tuple(to_array(corrections).reshape(shape), checksum);
}

py::tuple read_bounded_limits(const hyspec::BandTile& tile, const py::bytes& payload) {
  const auto bytes = payload.cast<std::string_view>();
  const hyspec::BoundedLimits limits = hyspec::read_bounded_limits(tile, view(bytes));
  return py::make_tuple(to_array(limits.max_errors), limits.relative.numerator,
                        limits.relative.denominator, limits.relative.zero);
}

void bind_bounded_profile(py::module_& m) {
  m.def("encode_corrected_payload", &encode_corrected_payload, py::arg("base"),
        py::arg("corrections"), py::arg("valid"), py::arg("max_errors"), py::arg("tolerance"),
        py::arg("checksum"), "Write a payload that corrects a base; return it and its checksum.");
  m.def("read_corrected_header", &read_corrected_header, py::arg("tile"), py::arg("payload"),
        "Return tolerance, max_errors and the base of a payload.");
  m.def("decode_corrections", &decode_corrections, py::arg("tile"), py::arg("payload"),
        py::arg("valid"), py::arg("checksum"), "Return corrections and the checksum.");
  m.attr("MAX_PREDICTION_BANDS") = hyspec::kMaxPredictionBands;
  m.attr("MAX_DENOMINATOR") = hyspec::kMaxDenominator;
  m.def("encode_bounded_payload", &encode_bounded_payload, py::arg("samples"), py::arg("valid"),
        py::arg("max_errors"), py::arg("bands") = hyspec::BoundedSettings{}.bands,
        py::arg("wide") = hyspec::BoundedSettings{}.wide,
        py::arg("numerator") = hyspec::RelativeError{}.numerator,
        py::arg("denominator") = hyspec::RelativeError{}.denominator,
        py::arg("zero") = hyspec::RelativeError{}.zero,
        "Write a payload; return it and the checksum of the samples that it decodes to.");
  m.def("read_bounded_limits", &read_bounded_limits, py::arg("tile"), py::arg("payload"),
        "Error limits that a payload states: max_errors, numerator, denominator and zero.");
  m.def("decode_bounded_payload", &decode_bounded_payload, py::arg("tile"), py::arg("payload"),
        "Read a payload; return samples, valid or None, max_errors and the checksum.");
  m.def(
      "default_bounded_settings",
      [](std::uint32_t bands, bool lossless) {
        const hyspec::BoundedSettings s = hyspec::default_bounded_settings(bands, lossless);
        return py::make_tuple(s.bands, s.wide);
      },
      py::arg("bands"), py::arg("lossless"),
      "Settings (bands, wide) that serve a tile with this many bands well.");
}

// ---- end of bounded profile ----

// ---- container ----

// Any C-contiguous buffer (bytes, mmap, NumPy array) as bytes; keeps it alive and in place.
class ContiguousBytes {
 public:
  explicit ContiguousBytes(const py::buffer& buffer) {
    if (PyObject_GetBuffer(buffer.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
  }
  ~ContiguousBytes() { PyBuffer_Release(&view_); }
  ContiguousBytes(const ContiguousBytes&) = delete;
  ContiguousBytes& operator=(const ContiguousBytes&) = delete;

  hyspec::Span<const std::uint8_t> span() const {
    return {static_cast<const std::uint8_t*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_;
};

// Sample types under their NumPy names, by code.
constexpr const char* kSampleTypes[] = {"uint8",  "int8",  "uint16",  "int16",
                                        "uint32", "int32", "float32", "float64"};

std::string get_sample_type(const hyspec::Header& h) {
  return kSampleTypes[static_cast<std::size_t>(h.type)];
}

void set_sample_type(hyspec::Header& h, const std::string& name) {
  for (std::size_t code = 0; code < std::size(kSampleTypes); ++code) {
    if (name == kSampleTypes[code]) {
      h.type = static_cast<hyspec::SampleType>(code);
      return;
    }
  }
  throw hyspec::Error(hyspec::ErrorCode::kBadArgument, "unknown sample type " + name);
}

using PyIntervals = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
using PyPack = std::optional<std::pair<py::bytes, std::string>>;
using PyFields = std::vector<std::pair<std::uint64_t, py::bytes>>;
template <typename T>
using PerBand = std::optional<std::vector<T>>;

PyIntervals get_intervals(const hyspec::Header& h) {
  PyIntervals result;
  for (const hyspec::Interval& i : h.intervals) result.emplace_back(i.bands, i.model);
  return result;
}

void set_intervals(hyspec::Header& h, const PyIntervals& intervals) {
  h.intervals.clear();
  for (const auto& [bands, model] : intervals) h.intervals.push_back({bands, model});
}

PyPack get_pack(const hyspec::Header& h) {
  if (!h.pack) return std::nullopt;
  return std::make_pair(to_py_bytes({h.pack->id.data(), h.pack->id.size()}), h.pack->name);
}

void set_pack(hyspec::Header& h, const PyPack& pack) {
  if (!pack) {
    h.pack.reset();
    return;
  }
  const auto id = static_cast<std::string_view>(pack->first);
  hyspec::PackRef ref;
  if (id.size() != ref.id.size()) {
    throw hyspec::Error(
        hyspec::ErrorCode::kBadArgument,
        "a pack identifier has " + std::to_string(id.size()) + " bytes; expected 32, a SHA-256");
  }
  std::copy(id.begin(), id.end(), ref.id.begin());
  ref.name = pack->second;
  h.pack = std::move(ref);
}

PerBand<double> get_doubles(const std::vector<double>& values) {
  return values.empty() ? PerBand<double>() : PerBand<double>(values);
}

PerBand<bool> get_bad_bands(const hyspec::Header& h) {
  if (h.bad_bands.empty()) return std::nullopt;
  return std::vector<bool>(h.bad_bands.begin(), h.bad_bands.end());
}

void set_bad_bands(hyspec::Header& h, const PerBand<bool>& bad) {
  h.bad_bands.clear();
  if (bad) h.bad_bands.assign(bad->begin(), bad->end());
}

void set_metadata(hyspec::Header& h, const py::bytes& metadata) {
  const auto bytes = static_cast<std::string_view>(metadata);
  h.metadata.assign(bytes.begin(), bytes.end());
}

PyFields get_unknown(const hyspec::Header& h) {
  PyFields result;
  for (const auto& [tag, content] : h.unknown) result.emplace_back(tag, to_py_bytes(content));
  return result;
}

void set_unknown(hyspec::Header& h, const PyFields& fields) {
  h.unknown.clear();
  for (const auto& [tag, content] : fields) {
    const auto bytes = static_cast<std::string_view>(content);
    h.unknown.emplace_back(tag, hyspec::Bytes(bytes.begin(), bytes.end()));
  }
}

hyspec::Header make_header(std::uint32_t rows, std::uint32_t columns, std::uint32_t bands,
                           const std::string& sample_type, std::optional<double> step,
                           std::uint32_t tile_rows, std::uint32_t tile_columns,
                           std::uint8_t profile, std::uint8_t profile_version,
                           const PyIntervals& intervals, const PyPack& pack,
                           std::optional<double> nodata, const PerBand<double>& wavelengths,
                           const PerBand<double>& fwhm, const std::string& wavelength_unit,
                           const PerBand<bool>& bad_bands, const py::bytes& metadata,
                           const std::string& software, const PyFields& unknown,
                           std::uint8_t minor_version) {
  hyspec::Header h;
  h.rows = rows;
  h.columns = columns;
  h.bands = bands;
  set_sample_type(h, sample_type);
  h.step = step.value_or(0);
  h.tile_rows = tile_rows;
  h.tile_columns = tile_columns;
  h.profile = profile;
  h.profile_version = profile_version;
  set_intervals(h, intervals);
  set_pack(h, pack);
  h.nodata = nodata;
  h.wavelengths = wavelengths.value_or(std::vector<double>());
  h.fwhm = fwhm.value_or(std::vector<double>());
  h.wavelength_unit = wavelength_unit;
  set_bad_bands(h, bad_bands);
  set_metadata(h, metadata);
  h.software = software;
  set_unknown(h, unknown);
  h.minor_version = minor_version;
  return h;
}

void bind_header(py::module_& m) {
  using hyspec::Header;
  py::class_<Header>(m, "Header", "What every chunk of a stream has in common.")
      .def(py::init(&make_header), py::kw_only(), py::arg("rows"), py::arg("columns"),
           py::arg("bands"), py::arg("sample_type"), py::arg("step") = py::none(),
           py::arg("tile_rows"), py::arg("tile_columns"), py::arg("profile"),
           py::arg("profile_version"), py::arg("intervals"), py::arg("pack") = py::none(),
           py::arg("nodata") = py::none(), py::arg("wavelengths") = py::none(),
           py::arg("fwhm") = py::none(), py::arg("wavelength_unit") = "",
           py::arg("bad_bands") = py::none(), py::arg("metadata") = py::bytes(),
           py::arg("software") = "", py::arg("unknown") = py::tuple(), py::arg("minor_version") = 0)
      .def_readwrite("rows", &Header::rows)
      .def_readwrite("columns", &Header::columns)
      .def_readwrite("bands", &Header::bands)
      .def_property("sample_type", &get_sample_type, &set_sample_type)
      .def_property(
          "step",
          [](const Header& h) {
            return h.step == 0 ? std::nullopt : std::optional<double>(h.step);
          },
          [](Header& h, std::optional<double> step) { h.step = step.value_or(0); })
      .def_readwrite("tile_rows", &Header::tile_rows)
      .def_readwrite("tile_columns", &Header::tile_columns)
      .def_readwrite("profile", &Header::profile)
      .def_readwrite("profile_version", &Header::profile_version)
      .def_property("intervals", &get_intervals, &set_intervals)
      .def_property("pack", &get_pack, &set_pack)
      .def_readwrite("nodata", &Header::nodata)
      .def_property(
          "wavelengths", [](const Header& h) { return get_doubles(h.wavelengths); },
          [](Header& h, PerBand<double> v) { h.wavelengths = v.value_or(std::vector<double>()); })
      .def_property(
          "fwhm", [](const Header& h) { return get_doubles(h.fwhm); },
          [](Header& h, PerBand<double> v) { h.fwhm = v.value_or(std::vector<double>()); })
      .def_readwrite("wavelength_unit", &Header::wavelength_unit)
      .def_property("bad_bands", &get_bad_bands, &set_bad_bands)
      .def_property(
          "metadata", [](const Header& h) { return to_py_bytes(h.metadata); }, &set_metadata)
      .def_readwrite("software", &Header::software)
      .def_property("unknown", &get_unknown, &set_unknown)
      .def_readwrite("minor_version", &Header::minor_version);

  m.attr("PREAMBLE_PREFIX") = hyspec::kPreamblePrefix;
  m.def(
      "serialize_preamble",
      [](const Header& header) { return to_py_bytes(hyspec::serialize_preamble(header)); },
      py::arg("header"), "The bytes that a stream with this header begins with.");
  m.def(
      "preamble_size",
      [](const py::buffer& data) { return hyspec::preamble_size(ContiguousBytes(data).span()); },
      py::arg("data"), "Length of the preamble, from its first PREAMBLE_PREFIX bytes.");
  m.def(
      "parse_preamble",
      [](const py::buffer& data) { return hyspec::parse_preamble(ContiguousBytes(data).span()); },
      py::arg("data"), "Header and length of the preamble that data begins with.");
}

void bind_chunks(py::module_& m) {
  using hyspec::ChunkEntry;
  using hyspec::ChunkInfo;
  using hyspec::Header;
  using hyspec::Index;
  py::class_<ChunkInfo>(m, "ChunkInfo", "Header of one chunk.")
      .def_readonly("kind", &ChunkInfo::kind)
      .def_readonly("tile", &ChunkInfo::tile)
      .def_readonly("interval", &ChunkInfo::interval)
      .def_readonly("rows", &ChunkInfo::rows)
      .def_readonly("offset", &ChunkInfo::offset)
      .def_readonly("length", &ChunkInfo::length)
      .def_readonly("payload_offset", &ChunkInfo::payload_offset)
      .def_readonly("payload_length", &ChunkInfo::payload_length)
      .def_readonly("payload_crc", &ChunkInfo::payload_crc)
      .def_readonly("symbols_crc", &ChunkInfo::symbols_crc);
  py::class_<ChunkEntry>(m, "ChunkEntry", "Where the index finds one chunk of a tile and interval.")
      .def_readonly("kind", &ChunkEntry::kind)
      .def_readonly("tile", &ChunkEntry::tile)
      .def_readonly("interval", &ChunkEntry::interval)
      .def_readonly("rows", &ChunkEntry::rows)
      .def_readonly("offset", &ChunkEntry::offset)
      .def_readonly("length", &ChunkEntry::length);
  py::class_<Index>(m, "Index", "Where the chunks of a stream are.")
      .def_readonly("rows", &Index::rows)
      .def_readonly("chunks", &Index::chunks)
      .def_readonly("layers", &Index::layers)
      .def_readonly("rebuilt", &Index::rebuilt);

  m.def(
      "read_index",
      [](const py::buffer& data, const Header& header, std::size_t size) {
        const ContiguousBytes bytes(data);
        const py::gil_scoped_release release;
        return hyspec::read_index(bytes.span(), header, size);
      },
      py::arg("data"), py::arg("header"), py::arg("size"),
      "The stream's own index, completely checked.");
  m.def(
      "rebuild_index",
      [](const py::buffer& data, const Header& header, std::size_t size) {
        const ContiguousBytes bytes(data);
        const py::gil_scoped_release release;
        return hyspec::rebuild_index(bytes.span(), header, size);
      },
      py::arg("data"), py::arg("header"), py::arg("size"),
      "The index of a damaged stream, by scanning for chunks.");
  m.def(
      "check_chunk",
      [](const py::buffer& data, const ChunkEntry& entry) {
        const ContiguousBytes bytes(data);
        const py::gil_scoped_release release;
        return hyspec::check_chunk(bytes.span(), entry);
      },
      py::arg("data"), py::arg("entry"), "The chunk of an entry, header and payload verified.");
  m.def(
      "parse_chunk_header",
      [](const py::buffer& data, std::uint64_t offset) {
        return hyspec::parse_chunk_header(ContiguousBytes(data).span(), offset);
      },
      py::arg("data"), py::arg("offset"), "The header of the chunk at an offset of the stream.");
}

void bind_container(py::module_& m) {
  bind_header(m);
  bind_chunks(m);
  using hyspec::StreamWriter;
  py::class_<StreamWriter>(m, "StreamWriter", "Makes the bytes of a stream, piece by piece.")
      .def(py::init<const hyspec::Header&>(), py::arg("header"))
      .def(
          "begin", [](StreamWriter& w) { return to_py_bytes(w.begin()); }, "The preamble.")
      .def(
          "chunk",
          [](StreamWriter& w, std::uint32_t tile, std::uint32_t interval, std::uint32_t rows,
             std::uint32_t symbols_crc, const py::buffer& payload) {
            return to_py_bytes(
                w.chunk(tile, interval, rows, symbols_crc, ContiguousBytes(payload).span()));
          },
          py::arg("tile"), py::arg("interval"), py::arg("rows"), py::arg("symbols_crc"),
          py::arg("payload"), "One chunk.")
      .def(
          "layer",
          [](StreamWriter& w, std::uint32_t tile, std::uint32_t interval, std::uint32_t rows,
             std::uint32_t symbols_crc, const py::buffer& payload) {
            return to_py_bytes(
                w.layer(tile, interval, rows, symbols_crc, ContiguousBytes(payload).span()));
          },
          py::arg("tile"), py::arg("interval"), py::arg("rows"), py::arg("symbols_crc"),
          py::arg("payload"), "A further layer of a chunk.")
      .def(
          "finish", [](StreamWriter& w) { return to_py_bytes(w.finish()); }, "Index and trailer.")
      .def_property_readonly("rows", &StreamWriter::rows, "Rows of the cube as far as known.")
      .def_property_readonly("size", &StreamWriter::size, "Bytes of the stream so far.");
  m.def(
      "crc32c",
      [](const py::buffer& data, std::uint32_t previous) {
        const ContiguousBytes bytes(data);
        const py::gil_scoped_release release;
        return hyspec::crc32c(bytes.span(), previous);
      },
      py::arg("data"), py::arg("previous") = 0, "CRC-32C, continuing that of previous bytes.");
  m.def(
      "crc32c_symbols",
      [](const py::array& symbols) {
        const auto s = py::array_t<std::int32_t, py::array::c_style>::ensure(symbols);
        if (!s || !py::isinstance<py::array_t<std::int32_t>>(symbols)) {
          PyErr_Clear();
          throw py::type_error("symbols must be an array of int32");
        }
        const hyspec::Span<const std::int32_t> span(s.data(), static_cast<std::size_t>(s.size()));
        const py::gil_scoped_release release;
        return hyspec::crc32c_symbols(span);
      },
      py::arg("symbols"), "CRC-32C of int32 symbols as little-endian bytes.");
}

// ---- end of container ----

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "Exact core of hyspec: entropy coder, container, integer transforms.";
  bind_errors(m);
  bind_container(m);
  bind_entropy_coder(m);
  bind_band_profile(m);
  bind_bounded_profile(m);
}
