"""Files of packs, changed for tests."""

import hashlib
import io
import json
import zipfile

import numpy as np

MANIFEST = "manifest.json"


def edit(folder, **changes):
    """Change the manifest; a value of ``None`` removes the key."""
    manifest = json.loads((folder / MANIFEST).read_text()) | changes
    manifest = {key: value for key, value in manifest.items() if value is not None}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def replace(folder, name, data):
    """Replace a file and state its new hash."""
    (folder / name).write_bytes(data)
    files = json.loads((folder / MANIFEST).read_text())["files"]
    edit(folder, files=files | {name: hashlib.sha256(data).hexdigest()})


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path
