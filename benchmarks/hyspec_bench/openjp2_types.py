"""Structures and functions of libopenjp2 2 for ``ctypes``, as openjpeg.h declares them.

Field names are those of that header. Fields that the encoder or decoder never reads, such as the
names of files, keep their place in memory.
"""

from __future__ import annotations

import ctypes as c

_PATH_LENGTH = 4096
_MAX_RESOLUTIONS = 33
_JPWL_SPECS = 16

#: Callbacks: messages; reading and writing; skipping; seeking.
MESSAGE = c.CFUNCTYPE(None, c.c_char_p, c.c_void_p)
TRANSFER = c.CFUNCTYPE(c.c_size_t, c.c_void_p, c.c_size_t, c.c_void_p)
SKIP = c.CFUNCTYPE(c.c_int64, c.c_int64, c.c_void_p)
SEEK = c.CFUNCTYPE(c.c_int, c.c_int64, c.c_void_p)

CODEC_J2K = 0
COLOUR_UNSPECIFIED = 0


class ProgressionChange(c.Structure):
    """opj_poc_t."""

    _fields_ = (
        ("resno0_to_precno1", c.c_uint32 * 8),
        ("prg1", c.c_int),
        ("prg", c.c_int),
        ("progorder", c.c_char * 5),
        ("tile", c.c_uint32),
        ("tx0_to_ty1", c.c_int32 * 4),
        ("layS_to_ty0_t", c.c_uint32 * 20),
    )


class CompressParameters(c.Structure):
    """opj_cparameters_t."""

    _fields_ = (
        ("tile_size_on", c.c_int),
        ("cp_tx0", c.c_int),
        ("cp_ty0", c.c_int),
        ("cp_tdx", c.c_int),
        ("cp_tdy", c.c_int),
        ("cp_disto_alloc", c.c_int),
        ("cp_fixed_alloc", c.c_int),
        ("cp_fixed_quality", c.c_int),
        ("cp_matrice", c.POINTER(c.c_int)),
        ("cp_comment", c.c_char_p),
        ("csty", c.c_int),
        ("prog_order", c.c_int),
        ("POC", ProgressionChange * 32),
        ("numpocs", c.c_uint32),
        ("tcp_numlayers", c.c_int),
        ("tcp_rates", c.c_float * 100),
        ("tcp_distoratio", c.c_float * 100),
        ("numresolution", c.c_int),
        ("cblockw_init", c.c_int),
        ("cblockh_init", c.c_int),
        ("mode", c.c_int),
        ("irreversible", c.c_int),
        ("roi_compno", c.c_int),
        ("roi_shift", c.c_int),
        ("res_spec", c.c_int),
        ("prcw_init", c.c_int * _MAX_RESOLUTIONS),
        ("prch_init", c.c_int * _MAX_RESOLUTIONS),
        ("infile", c.c_char * _PATH_LENGTH),
        ("outfile", c.c_char * _PATH_LENGTH),
        ("index_on", c.c_int),
        ("index", c.c_char * _PATH_LENGTH),
        ("image_offset_x0", c.c_int),
        ("image_offset_y0", c.c_int),
        ("subsampling_dx", c.c_int),
        ("subsampling_dy", c.c_int),
        ("decod_format", c.c_int),
        ("cod_format", c.c_int),
        ("jpwl_epc_on", c.c_int),
        ("jpwl_hprot_MH", c.c_int),
        ("jpwl_hprot_TPH_tileno", c.c_int * _JPWL_SPECS),
        ("jpwl_hprot_TPH", c.c_int * _JPWL_SPECS),
        ("jpwl_pprot_tileno", c.c_int * _JPWL_SPECS),
        ("jpwl_pprot_packno", c.c_int * _JPWL_SPECS),
        ("jpwl_pprot", c.c_int * _JPWL_SPECS),
        ("jpwl_sens_size", c.c_int),
        ("jpwl_sens_addr", c.c_int),
        ("jpwl_sens_range", c.c_int),
        ("jpwl_sens_MH", c.c_int),
        ("jpwl_sens_TPH_tileno", c.c_int * _JPWL_SPECS),
        ("jpwl_sens_TPH", c.c_int * _JPWL_SPECS),
        ("cp_cinema", c.c_int),
        ("max_comp_size", c.c_int),
        ("cp_rsiz", c.c_int),
        ("tp_on", c.c_char),
        ("tp_flag", c.c_char),
        ("tcp_mct", c.c_char),
        ("jpip_on", c.c_int),
        ("mct_data", c.c_void_p),
        ("max_cs_size", c.c_int),
        ("rsiz", c.c_uint16),
    )


class DecompressParameters(c.Structure):
    """opj_dparameters_t."""

    _fields_ = (
        ("cp_reduce", c.c_uint32),
        ("cp_layer", c.c_uint32),
        ("infile", c.c_char * _PATH_LENGTH),
        ("outfile", c.c_char * _PATH_LENGTH),
        ("decod_format", c.c_int),
        ("cod_format", c.c_int),
        ("DA_x0_to_y1", c.c_uint32 * 4),
        ("m_verbose", c.c_int),
        ("tile_index", c.c_uint32),
        ("nb_tile_to_decode", c.c_uint32),
        ("jpwl_correct", c.c_int),
        ("jpwl_exp_comps", c.c_int),
        ("jpwl_max_tiles", c.c_int),
        ("flags", c.c_uint),
    )


class ComponentParameters(c.Structure):
    """opj_image_cmptparm_t."""

    _fields_ = (
        ("dx", c.c_uint32),
        ("dy", c.c_uint32),
        ("w", c.c_uint32),
        ("h", c.c_uint32),
        ("x0", c.c_uint32),
        ("y0", c.c_uint32),
        ("prec", c.c_uint32),
        ("bpp", c.c_uint32),
        ("sgnd", c.c_uint32),
    )


class Component(c.Structure):
    """opj_image_comp_t."""

    _fields_ = (
        *ComponentParameters._fields_,
        ("resno_decoded", c.c_uint32),
        ("factor", c.c_uint32),
        ("data", c.POINTER(c.c_int32)),
        ("alpha", c.c_uint16),
    )


class Image(c.Structure):
    """opj_image_t."""

    _fields_ = (
        ("x0", c.c_uint32),
        ("y0", c.c_uint32),
        ("x1", c.c_uint32),
        ("y1", c.c_uint32),
        ("numcomps", c.c_uint32),
        ("color_space", c.c_int),
        ("comps", c.POINTER(Component)),
        ("icc_profile_buf", c.POINTER(c.c_uint8)),
        ("icc_profile_len", c.c_uint32),
    )


_HANDLE = c.c_void_p
_IMAGE = c.POINTER(Image)
_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "opj_version": (c.c_char_p, ()),
    "opj_set_default_encoder_parameters": (None, (c.POINTER(CompressParameters),)),
    "opj_set_default_decoder_parameters": (None, (c.POINTER(DecompressParameters),)),
    "opj_create_compress": (_HANDLE, (c.c_int,)),
    "opj_create_decompress": (_HANDLE, (c.c_int,)),
    "opj_destroy_codec": (None, (_HANDLE,)),
    "opj_codec_set_threads": (c.c_int, (_HANDLE, c.c_int)),
    "opj_set_error_handler": (c.c_int, (_HANDLE, MESSAGE, c.c_void_p)),
    "opj_setup_encoder": (c.c_int, (_HANDLE, c.POINTER(CompressParameters), _IMAGE)),
    "opj_setup_decoder": (c.c_int, (_HANDLE, c.POINTER(DecompressParameters))),
    "opj_start_compress": (c.c_int, (_HANDLE, _IMAGE, _HANDLE)),
    "opj_encode": (c.c_int, (_HANDLE, _HANDLE)),
    "opj_end_compress": (c.c_int, (_HANDLE, _HANDLE)),
    "opj_read_header": (c.c_int, (_HANDLE, _HANDLE, c.POINTER(_IMAGE))),
    "opj_decode": (c.c_int, (_HANDLE, _HANDLE, _IMAGE)),
    "opj_end_decompress": (c.c_int, (_HANDLE, _HANDLE)),
    "opj_image_create": (_IMAGE, (c.c_uint32, c.POINTER(ComponentParameters), c.c_int)),
    "opj_image_destroy": (None, (_IMAGE,)),
    "opj_stream_create": (_HANDLE, (c.c_size_t, c.c_int)),
    "opj_stream_destroy": (None, (_HANDLE,)),
    "opj_stream_set_read_function": (None, (_HANDLE, TRANSFER)),
    "opj_stream_set_write_function": (None, (_HANDLE, TRANSFER)),
    "opj_stream_set_skip_function": (None, (_HANDLE, SKIP)),
    "opj_stream_set_seek_function": (None, (_HANDLE, SEEK)),
    "opj_stream_set_user_data": (None, (_HANDLE, c.c_void_p, c.c_void_p)),
    "opj_stream_set_user_data_length": (None, (_HANDLE, c.c_uint64)),
}


def declare(library: c.CDLL) -> None:
    """Give the functions of the library their types.

    Raises
    ------
    AttributeError
        The library lacks one of them.
    """
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
