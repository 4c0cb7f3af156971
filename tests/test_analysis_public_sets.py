"""Downloads of public scenes, from a server on this machine."""

import gc
import hashlib
import http.server
import io
import threading
import warnings

import numpy as np
import pytest
from scipy.io import savemat

from hyspec.analysis import public_sets
from hyspec.errors import DataError, MissingDependencyError, UsageError

NAME = "indian-pines"
CUBE = np.random.default_rng(0).integers(0, 9000, (145, 145, 200)).astype(np.uint16)
LABELS = np.random.default_rng(1).integers(0, 17, (145, 145)).astype(np.uint8)


def mat(**variables):
    file = io.BytesIO()
    savemat(file, variables)
    return file.getvalue()


class Site:
    """What the server has, what it was asked for, and how often it refuses before it answers."""

    def __init__(self):
        self.files = {}
        self.requests = []
        self.refusals = 0
        self.url = ""

    def sha256(self, name):
        content = next(c for path, c in self.files.items() if path.endswith(name))
        return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def contents():
    known = public_sets.SETS[NAME]
    return {
        f"/{known.cube_path}": mat(indian_pines_corrected=CUBE),
        f"/{known.labels_path}": mat(indian_pines_gt=LABELS),
    }


@pytest.fixture
def site(contents):
    site = Site()
    site.files = dict(contents)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            site.requests.append(self.path)
            content = site.files.get(self.path)
            if site.refusals > 0:
                site.refusals -= 1
                content = None
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        site.url = f"http://127.0.0.1:{server.server_port}/"
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)


@pytest.fixture(autouse=True)
def sockets_are_collected():
    """Pooch leaves the connection of a refused request to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_first_download_is_kept_with_its_checksum(site, tmp_path):
    with pytest.warns(public_sets.UnverifiedDownloadWarning) as caught:
        scene = public_sets.load(NAME, folder=tmp_path, base_url=site.url)
    assert np.array_equal(scene.cube.array, CUBE)
    assert np.array_equal(scene.labels, LABELS)
    assert scene.class_names[0] == "Alfalfa"
    assert len(scene.class_names) == 16
    assert site.sha256("Indian_pines_gt.mat") in "".join(str(w.message) for w in caught)
    assert len(site.requests) == 2
    # Later, nothing is downloaded and nothing is said.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = public_sets.load(NAME, folder=tmp_path, base_url=site.url)
    assert np.array_equal(again.labels, LABELS)
    assert len(site.requests) == 2


@pytest.mark.filterwarnings("ignore::hyspec.analysis.public_sets.UnverifiedDownloadWarning")
def test_a_file_that_changed_is_refused(site, tmp_path):
    _, labels = public_sets.fetch(NAME, folder=tmp_path, base_url=site.url)
    labels.write_bytes(labels.read_bytes() + b"x")
    with pytest.raises(DataError, match="SHA-256"):
        public_sets.fetch(NAME, folder=tmp_path, base_url=site.url)
    labels.unlink()
    public_sets.fetch(NAME, folder=tmp_path, base_url=site.url)
    labels.unlink()
    path = next(p for p in site.files if p.endswith("_gt.mat"))
    site.files[path] = mat(indian_pines_gt=LABELS[::-1])
    with pytest.raises(DataError, match="cannot download"):
        public_sets.fetch(NAME, folder=tmp_path, base_url=site.url)
    assert not labels.exists()


def test_known_checksums(site, tmp_path):
    names = ("Indian_pines_corrected.mat", "Indian_pines_gt.mat")
    good = {name: site.sha256(name).upper() for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        public_sets.fetch(NAME, folder=tmp_path / "a", base_url=site.url, checksums=good)
    with pytest.raises(DataError, match="hash"):
        public_sets.fetch(
            NAME,
            folder=tmp_path / "b",
            base_url=site.url,
            checksums={**good, "Indian_pines_gt.mat": "0" * 64},
        )
    assert not (tmp_path / "b" / "Indian_pines_gt.mat").exists()


@pytest.mark.filterwarnings("ignore::hyspec.analysis.public_sets.UnverifiedDownloadWarning")
def test_retries(site, tmp_path):
    site.refusals = 2
    public_sets.fetch(NAME, folder=tmp_path / "a", base_url=site.url, retries=2)
    assert len(site.requests) == 4
    site.refusals = 2
    with pytest.raises(DataError, match=r"cannot download .*404") as found:
        public_sets.fetch(NAME, folder=tmp_path / "b", base_url=site.url, retries=1)
    assert "by hand" in found.value.hint


@pytest.mark.filterwarnings("ignore::hyspec.analysis.public_sets.UnverifiedDownloadWarning")
def test_progress(site, tmp_path, capsys):
    public_sets.fetch(NAME, folder=tmp_path / "a", base_url=site.url)
    assert capsys.readouterr() == ("", "")
    public_sets.fetch(NAME, folder=tmp_path / "b", base_url=site.url, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err


def test_no_server(tmp_path):
    with pytest.raises(DataError, match="cannot download"):
        public_sets.fetch(NAME, folder=tmp_path, base_url="http://127.0.0.1:9/", retries=0)


@pytest.mark.filterwarnings("ignore::hyspec.analysis.public_sets.UnverifiedDownloadWarning")
def test_shape_is_checked(site, tmp_path):
    cube, labels = site.files
    site.files = {
        cube: mat(indian_pines_corrected=CUBE[:9, :9]),
        labels: mat(indian_pines_gt=LABELS[:9, :9]),
    }
    with pytest.raises(DataError, match=r"\(145, 145, 200\)"):
        public_sets.load(NAME, folder=tmp_path, base_url=site.url)


def test_files_put_by_hand(site, tmp_path):
    for path, content in site.files.items():
        (tmp_path / path.rsplit("/", 1)[1]).write_bytes(content)
    with pytest.warns(public_sets.UnverifiedDownloadWarning):
        public_sets.fetch(NAME, folder=tmp_path, base_url=site.url)
    assert site.requests == []


def test_unusable(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="pavia-centre"):
        public_sets.fetch("houston", folder=tmp_path)
    (tmp_path / "checksums.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        public_sets.fetch(NAME, folder=tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(MissingDependencyError, match="pooch") as found:
        public_sets.fetch(NAME, folder=tmp_path)
    assert "hyspec[analysis]" in found.value.hint


def test_registry():
    classes = {name: len(known.class_names) for name, known in public_sets.SETS.items()}
    assert classes == {
        "pavia-centre": 9,
        "pavia-university": 9,
        "indian-pines": 16,
        "salinas": 16,
        "ksc": 13,
        "botswana": 14,
    }
    paths = [p for s in public_sets.SETS.values() for p in (s.cube_path, s.labels_path)]
    assert len(set(paths)) == 12
    # MediaWiki keeps an upload below the first digits of the MD5 of its name.
    for path in paths:
        digits = hashlib.md5(path.rsplit("/", 1)[1].encode()).hexdigest()
        assert path.startswith(f"{digits[0]}/{digits[:2]}/"), path
