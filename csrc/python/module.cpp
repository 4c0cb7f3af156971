// Python bindings of the core library: the only file that sees pybind11.
//
// Arrays come in as C-contiguous NumPy arrays, go out as new NumPy arrays, and the interpreter lock
// is released around work. hyspec::Error becomes hyspec._core.CoreError with (code, offset, text).
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "hyspec/error.hpp"

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

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "Exact core of hyspec: entropy coder, container, integer transforms.";
  bind_errors(m);
}
