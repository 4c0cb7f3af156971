"""The source's own metadata as JSON inside a stream."""

import json
import zlib

import pytest

from hyspec import source_metadata
from hyspec.errors import DataError, StreamError

LOOP: dict = {}
LOOP["a"] = LOOP
DEEP: dict = {}
for _ in range(100_000):
    DEEP = {"a": DEEP}


def strict(text):
    def refuse(name):
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    "metadata", [{}, {"a": None}, {"ä": [1, 2.5, True, "x", {"b": []}]}, {"n": 10**400}]
)
def test_round_trip(metadata):
    packed = source_metadata.pack(metadata)
    assert source_metadata.unpack(packed) == metadata
    if metadata:
        assert strict(zlib.decompress(packed)) == metadata


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"gain": float("nan")}, "metadata['gain'] is nan"),
        ({"envi": {"list": [1.0, float("inf")]}}, "metadata['envi']['list'][1] is inf"),
        ({"a": ({"b": float("-inf")},)}, "metadata['a'][0]['b'] is -inf"),
        ({1: "a"}, "the key 1 of metadata is of type int"),
        ({"a": {None: 1}}, "the key None of metadata['a'] is of type NoneType"),
        ({"a": [{True: 1}]}, "the key True of metadata['a'][0] is of type bool"),
        ({"a": {(1, 2): 1}}, "keys must be str"),
        ({"a": {1, 2}}, "set"),
        ({"a": "\ud800"}, "surrogates"),
        (LOOP, "Circular"),
        (DEEP, "recursion"),
    ],
)
def test_what_json_does_not_have(metadata, name):
    with pytest.raises(DataError) as caught:
        source_metadata.pack(metadata)
    assert name in str(caught.value)


def test_constants_of_other_writers_become_texts():
    found = source_metadata.unpack(zlib.compress(b'{"a": NaN, "b": [-Infinity]}'))
    assert found == {"a": "NaN", "b": ["-Infinity"]}
    assert source_metadata.pack(found)


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff"])
def test_what_is_no_json_object(text):
    with pytest.raises(StreamError):
        source_metadata.unpack(zlib.compress(text))
