"""Curves of the report: no two codecs look the same."""

import itertools

from hyspec_bench import registry, styles
from hyspec_bench.codecs.codec import Kind


def test_all_differ():
    drawn = [n for n in registry.available() if registry.create(n).kinds != {Kind.LOSSLESS}]
    codecs = ["hyspec_band@aviris-band-5", *drawn]
    looks = [tuple(styles.of(codec, codecs).items()) for codec in codecs]
    assert all(a != b for a, b in itertools.combinations(looks, 2))


def test_form_without_search_has_the_colour():
    one, other = (styles.of(name, []) for name in ("klt_j2k", "klt_j2k_ns"))
    assert one["color"] == other["color"]
    assert one["linestyle"] != other["linestyle"]
