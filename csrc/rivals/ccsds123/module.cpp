// Python bindings of the CCSDS 123.0-B-2 codec: the only file of this folder that sees pybind11.
//
// Cubes are C-contiguous arrays of shape (rows, columns, bands); the interpreter lock is released
// around work. std::invalid_argument becomes ValueError, StreamError becomes StreamError with
// (offset, text).
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ccsds123/codec.hpp"
#include "ccsds123/error.hpp"
#include "ccsds123/header.hpp"
#include "ccsds123/low_entropy_codes.hpp"
#include "ccsds123/predictor.hpp"

namespace py = pybind11;

namespace {

using ccsds123::EntropyCoder;
using ccsds123::ErrorLimits;
using ccsds123::Image;
using ccsds123::LocalSum;
using ccsds123::Parameters;

template <typename T>
using Cube = py::array_t<T, py::array::c_style>;

void bind_errors(py::module_& m) {
  static py::exception<ccsds123::StreamError> stream_error(m, "StreamError", PyExc_ValueError);
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const ccsds123::StreamError& e) {
      PyErr_SetObject(stream_error.ptr(), py::make_tuple(e.offset(), e.what()).ptr());
    }
  });
}

// Calls copy(cube index, plane index) for every sample.
template <typename Copy>
void for_each_sample(const Parameters& p, Copy&& copy) {
  for (std::uint32_t y = 0; y < p.rows; ++y) {
    const std::size_t cube_line = std::size_t{y} * p.columns * p.bands;
    for (std::uint32_t z = 0; z < p.bands; ++z) {
      const std::size_t line = ccsds123::plane_index(p, y, 0, z);
      for (std::uint32_t x = 0; x < p.columns; ++x) {
        copy(cube_line + std::size_t{x} * p.bands + z, line + x);
      }
    }
  }
}

template <typename T>
py::bytes encode_as(const py::array& array, Parameters p) {
  const Cube<T> cube = Cube<T>::ensure(array);
  if (!cube || cube.ndim() != 3) throw std::invalid_argument("a cube has three dimensions");
  for (const py::ssize_t size : {cube.shape(0), cube.shape(1), cube.shape(2)}) {
    if (size < 1 || size > 65536) {
      throw std::invalid_argument("a dimension of the cube is " + std::to_string(size) +
                                  ", expected 1 to 65536");
    }
  }
  p.rows = static_cast<std::uint32_t>(cube.shape(0));
  p.columns = static_cast<std::uint32_t>(cube.shape(1));
  p.bands = static_cast<std::uint32_t>(cube.shape(2));
  const T* const data = cube.data();
  std::vector<std::uint8_t> bytes;
  {
    const py::gil_scoped_release release;
    Image image{std::move(p), std::vector<std::uint32_t>(static_cast<std::size_t>(cube.size()))};
    for_each_sample(image.parameters, [&](std::size_t from, std::size_t to) {
      image.values[to] = static_cast<std::uint32_t>(data[from]);
    });
    bytes = ccsds123::encode(std::move(image));
  }
  return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

py::bytes encode(const py::array& cube, const Parameters& p) {
  const py::dtype type = cube.dtype();
  const bool is_signed = type.kind() == 'i';
  if ((is_signed || type.kind() == 'u') && is_signed == p.is_signed) {
    switch (type.itemsize()) {
      case 1: return is_signed ? encode_as<std::int8_t>(cube, p) : encode_as<std::uint8_t>(cube, p);
      case 2:
        return is_signed ? encode_as<std::int16_t>(cube, p) : encode_as<std::uint16_t>(cube, p);
      case 4:
        return is_signed ? encode_as<std::int32_t>(cube, p) : encode_as<std::uint32_t>(cube, p);
      default: break;
    }
  }
  throw std::invalid_argument("the cube has dtype " + py::str(type).cast<std::string>() +
                              ", expected " + (p.is_signed ? "" : "u") + "int8, 16 or 32");
}

template <typename T>
py::array make_cube(const Image& image) {
  const Parameters& p = image.parameters;
  py::array_t<T> cube({p.rows, p.columns, p.bands});
  T* const data = cube.mutable_data();
  for_each_sample(
      p, [&](std::size_t to, std::size_t from) { data[to] = static_cast<T>(image.values[from]); });
  return cube;
}

py::array decode(const py::bytes& stream, std::uint64_t max_samples) {
  const std::string_view bytes(stream);
  const Image image = [&] {
    const py::gil_scoped_release release;
    return ccsds123::decode(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                            max_samples);
  }();
  const Parameters& p = image.parameters;
  if (p.bit_depth <= 8) {
    return p.is_signed ? make_cube<std::int8_t>(image) : make_cube<std::uint8_t>(image);
  }
  if (p.bit_depth <= 16) {
    return p.is_signed ? make_cube<std::int16_t>(image) : make_cube<std::uint16_t>(image);
  }
  return p.is_signed ? make_cube<std::int32_t>(image) : make_cube<std::uint32_t>(image);
}

std::pair<Parameters, std::size_t> read_header(const py::bytes& stream, std::uint64_t max_samples) {
  const std::string_view bytes(stream);
  ccsds123::Header header = ccsds123::read_header(
      reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), max_samples);
  return {std::move(header.parameters), header.size};
}

// (input symbols, word as text of 0 and 1, whether complete) of all entries of a code and its flush
// table; the escape symbol is L + 1.
std::vector<std::tuple<std::vector<int>, std::string, bool>> low_entropy_words(unsigned index) {
  const ccsds123::LowEntropyCode& code = ccsds123::low_entropy_codes().at(index);
  std::vector<std::tuple<std::vector<int>, std::string, bool>> words;
  for (std::size_t i = 0; i < code.nodes.size(); ++i) {
    const ccsds123::LowEntropyNode& node = code.nodes[i];
    std::vector<int> symbols;
    for (std::size_t at = i; at != 0; at = static_cast<std::size_t>(code.nodes[at].parent)) {
      symbols.insert(symbols.begin(), code.nodes[at].symbol);
    }
    std::string word;
    for (unsigned bit = node.length; bit-- > 0;) word += (node.word >> bit & 1) != 0 ? '1' : '0';
    words.emplace_back(std::move(symbols), std::move(word), node.children < 0);
  }
  return words;
}

unsigned checked_choice(const char* name, unsigned value, unsigned count) {
  if (value < count) return value;
  throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) +
                              ", expected less than " + std::to_string(count));
}

void bind_parameters(py::module_& m) {
  py::class_<ErrorLimits>(m, "ErrorLimits")
      .def(py::init<>())
      .def_readwrite("used", &ErrorLimits::used)
      .def_readwrite("per_band", &ErrorLimits::per_band)
      .def_readwrite("bits", &ErrorLimits::bits)
      .def_readwrite("values", &ErrorLimits::values);
  py::class_<Parameters>(m, "Parameters")
      .def(py::init<>())
      .def_readonly("rows", &Parameters::rows)
      .def_readonly("columns", &Parameters::columns)
      .def_readonly("bands", &Parameters::bands)
      .def_readwrite("is_signed", &Parameters::is_signed)
      .def_readwrite("bit_depth", &Parameters::bit_depth)
      .def_readwrite("user_data", &Parameters::user_data)
      .def_readwrite("prediction_bands", &Parameters::prediction_bands)
      .def_readwrite("full_prediction", &Parameters::full_prediction)
      .def_property(
          "local_sum", [](const Parameters& p) { return static_cast<unsigned>(p.local_sum); },
          [](Parameters& p, unsigned value) {
            p.local_sum = static_cast<LocalSum>(checked_choice("local sum", value, 4));
          })
      .def_readwrite("register_bits", &Parameters::register_bits)
      .def_readwrite("weight_bits", &Parameters::weight_bits)
      .def_readwrite("weight_init_bits", &Parameters::weight_init_bits)
      .def_readwrite("weight_init", &Parameters::weight_init)
      .def_readwrite("weight_interval_log2", &Parameters::weight_interval_log2)
      .def_readwrite("weight_exponent_min", &Parameters::weight_exponent_min)
      .def_readwrite("weight_exponent_max", &Parameters::weight_exponent_max)
      .def_readwrite("weight_offsets", &Parameters::weight_offsets)
      .def_readwrite("absolute", &Parameters::absolute)
      .def_readwrite("relative", &Parameters::relative)
      .def_readwrite("periodic_limits", &Parameters::periodic_limits)
      .def_readwrite("limit_period_log2", &Parameters::limit_period_log2)
      .def_readwrite("representative_bits", &Parameters::representative_bits)
      .def_readwrite("damping", &Parameters::damping)
      .def_readwrite("offset", &Parameters::offset)
      .def_readwrite("band_sequential", &Parameters::band_sequential)
      .def_readwrite("interleaving_depth", &Parameters::interleaving_depth)
      .def_readwrite("word_bytes", &Parameters::word_bytes)
      .def_property(
          "entropy_coder",
          [](const Parameters& p) { return static_cast<unsigned>(p.entropy_coder); },
          [](Parameters& p, unsigned value) {
            p.entropy_coder = static_cast<EntropyCoder>(checked_choice("entropy coder", value, 3));
          })
      .def_readwrite("unary_limit", &Parameters::unary_limit)
      .def_readwrite("initial_count_log2", &Parameters::initial_count_log2)
      .def_readwrite("rescaling_bits", &Parameters::rescaling_bits)
      .def_readwrite("accumulator_init", &Parameters::accumulator_init)
      .def_readwrite("hybrid_accumulators", &Parameters::hybrid_accumulators)
      .def_readwrite("block_size", &Parameters::block_size)
      .def_readwrite("reference_interval", &Parameters::reference_interval)
      .def_readwrite("restricted_options", &Parameters::restricted_options);
}

}  // namespace

PYBIND11_MODULE(_ccsds123, m) {
  m.doc() = "CCSDS 123.0-B-2: lossless and near-lossless compression of hyperspectral images.";
  bind_errors(m);
  bind_parameters(m);
  m.def("encode", &encode, py::arg("cube"), py::arg("parameters"));
  m.def("decode", &decode, py::arg("stream"), py::arg("max_samples"));
  m.def("read_header", &read_header, py::arg("stream"), py::arg("max_samples"));
  m.def("low_entropy_words", &low_entropy_words, py::arg("index"));
}
