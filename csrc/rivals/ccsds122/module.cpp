// Python bindings of the CCSDS 122.0-B codec: the only file here that sees pybind11.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ccsds122/codec.hpp"
#include "ccsds122/error.hpp"
#include "ccsds122/header.hpp"
#include "ccsds122/parameters.hpp"

namespace py = pybind11;
using ccsds122::Parameters;

namespace {

using Samples = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

std::string_view view(const py::buffer_info& info) {
  return {static_cast<const char*>(info.ptr), static_cast<std::size_t>(info.size * info.itemsize)};
}

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

py::bytes to_bytes(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

py::bytes encode(const Samples& samples, const Parameters& parameters, bool optional_parts) {
  if (samples.ndim() != 2) {
    throw py::value_error("the image has " + std::to_string(samples.ndim()) +
                          " dimensions, expected 2");
  }
  const ccsds122::Image image{static_cast<std::size_t>(samples.shape(0)),
                              static_cast<std::size_t>(samples.shape(1)),
                              {samples.data(), samples.data() + samples.size()}};
  std::vector<std::uint8_t> bytes;
  {
    const py::gil_scoped_release release;
    bytes = ccsds122::encode(image, parameters, optional_parts);
  }
  return to_bytes(bytes);
}

py::tuple decode(const py::buffer& data, const Parameters* parameters, std::size_t offset,
                 std::size_t max_samples) {
  const py::buffer_info info = data.request();
  std::string_view text = view(info);
  text.remove_prefix(std::min(offset, text.size()));
  ccsds122::Decoded decoded;
  {
    const py::gil_scoped_release release;
    decoded = ccsds122::decode(bytes_of(text), text.size(), parameters, max_samples);
  }
  py::array_t<std::int32_t> image({decoded.image.rows, decoded.image.cols});
  std::copy(decoded.image.samples.begin(), decoded.image.samples.end(), image.mutable_data());
  return py::make_tuple(image, decoded.bytes);
}

Parameters make_parameters(std::uint32_t segment_bytes, bool dc_stop, unsigned bit_plane_stop,
                           unsigned stage_stop, bool use_fill, std::uint32_t segment_blocks,
                           bool optimal_dc, bool optimal_ac, bool integer_transform,
                           bool signed_pixels, unsigned bit_depth, std::uint32_t width,
                           bool transpose, unsigned word_bytes,
                           const std::optional<ccsds122::Shifts>& custom_shifts) {
  Parameters p;
  p.segment_bytes = segment_bytes == 0 ? ccsds122::kMaxSegmentBytes : segment_bytes;
  p.dc_stop = dc_stop;
  p.bit_plane_stop = bit_plane_stop;
  p.stage_stop = stage_stop;
  p.use_fill = use_fill;
  p.segment_blocks = segment_blocks == 0 ? ccsds122::kMaxSegmentBlocks : segment_blocks;
  p.optimal_dc = optimal_dc;
  p.optimal_ac = optimal_ac;
  p.integer_transform = integer_transform;
  p.signed_pixels = signed_pixels;
  p.bit_depth = bit_depth;
  p.width = width;
  p.transpose = transpose;
  p.word_bytes = word_bytes;
  p.custom_weights = custom_shifts.has_value();
  p.custom_shifts = custom_shifts.value_or(ccsds122::Shifts{});
  return p;
}

Parameters parameters_from_bytes(const py::buffer& data) {
  const py::buffer_info info = data.request();
  const std::string_view text = view(info);
  return ccsds122::read_parts(bytes_of(text), text.size());
}

}  // namespace

PYBIND11_MODULE(_ccsds122, m) {
  m.doc() = "CCSDS 122.0-B-2 image data compression.";
  py::register_exception<ccsds122::StreamError>(m, "StreamError", PyExc_ValueError);

  py::class_<Parameters>(m, "Parameters")
      .def(py::init(&make_parameters), py::kw_only(), py::arg("segment_bytes") = 0,
           py::arg("dc_stop") = false, py::arg("bit_plane_stop") = 0, py::arg("stage_stop") = 4,
           py::arg("use_fill") = false, py::arg("segment_blocks") = 0, py::arg("optimal_dc") = true,
           py::arg("optimal_ac") = true, py::arg("integer_transform") = false,
           py::arg("signed_pixels") = false, py::arg("bit_depth") = 16, py::arg("width") = 0,
           py::arg("transpose") = false, py::arg("word_bytes") = 1,
           py::arg("custom_shifts") = py::none())
      .def_static("from_bytes", &parameters_from_bytes, py::arg("data"))
      .def("to_bytes", [](const Parameters& p) { return to_bytes(ccsds122::write_parts(p)); })
      .def_readwrite("segment_bytes", &Parameters::segment_bytes)
      .def_readonly("integer_transform", &Parameters::integer_transform)
      .def_readonly("signed_pixels", &Parameters::signed_pixels)
      .def_readonly("bit_depth", &Parameters::bit_depth)
      .def_readonly("width", &Parameters::width);

  m.def("encode", &encode, py::arg("image"), py::arg("parameters"), py::kw_only(),
        py::arg("optional_parts") = true);
  m.def("decode", &decode, py::arg("data"), py::arg("parameters") = py::none(), py::kw_only(),
        py::arg("offset") = 0, py::arg("max_samples") = std::size_t{1} << 26);
}
