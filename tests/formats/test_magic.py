from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import torch

from modelcypher_nb.formats.magic import recognise
from modelcypher_nb.guard.source import BytesSource


def made(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def tar(file: io.BytesIO) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("pickle"), io.BytesIO())


def zipped(name: str) -> bytes:
    def write(file: io.BytesIO) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, b"")

    return made(write)


def torch_saved(legacy: bool) -> bytes:
    return made(lambda file: torch.save({"a": torch.ones(2)}, file, _use_new_zipfile_serialization=not legacy))


STATE = {"a": [1, 2.5, "x"]}
SAMPLES = [
    ("torch checkpoint (zip with a pickle)", lambda: torch_saved(legacy=False)),
    ("legacy torch checkpoint (pickle)", lambda: torch_saved(legacy=True)),
    *(("pickle", lambda protocol=protocol: pickle.dumps(STATE, protocol)) for protocol in (2, 3, 4, 5)),
    ("pickle (protocol 0 or 1)", lambda: pickle.dumps(STATE, 0)),
    ("pickle (protocol 0 or 1)", lambda: pickle.dumps(STATE, 1)),
    ("pickle (protocol 0 or 1)", lambda: b"cos\nsystem\n(S'id'\ntR."),
    ("pickle (protocol 0 or 1)", lambda: b"(ios\nsystem\n."),
    ("NumPy array (npy)", lambda: made(lambda file: np.save(file, np.ones(3)))),
    ("NumPy archive (npz)", lambda: made(lambda file: np.savez(file, a=np.ones(3)))),
    ("Keras model", lambda: zipped("model.weights.h5")),
    ("skops file", lambda: zipped("schema.json")),
    ("TorchServe archive (mar)", lambda: zipped("MAR-INF/MANIFEST.json")),
    ("zip archive", lambda: zipped("readme.txt")),
    ("empty zip archive", lambda: made(lambda file: zipfile.ZipFile(file, "w").close())),
    ("tar archive", lambda: made(tar)),
    ("gzip stream", lambda: gzip.compress(b"x")),
    ("bzip2 stream", lambda: bz2.compress(b"x")),
    ("xz stream", lambda: lzma.compress(b"x")),
    ("lzma stream", lambda: lzma.compress(b"x", lzma.FORMAT_ALONE)),
    ("zlib stream", lambda: zlib.compress(b"x")),
    ("zlib stream", lambda: zlib.compress(b"x", 1)),
    ("7z archive", lambda: b"7z\xbc\xaf\x27\x1c\x00\x04"),
    ("GGUF model", lambda: b"GGUF\x03\x00\x00\x00"),
    ("HDF5 file", lambda: b"\x89HDF\r\n\x1a\n"),
    ("TensorFlow Lite model", lambda: b"\x1c\x00\x00\x00TFL3"),
    ("ONNX model", lambda: b"\x08\x08\x12\x07pytorch\x1a\x052.3.0"),
    ("safetensors", lambda: b"\x02\0\0\0\0\0\0\0{}"),
    ("safetensors", lambda: b"\xff\0\0\0\0\0\0\0{"),  # cut off, but plainly meant as one
    ("empty file", lambda: b""),
    ("pointer of Git LFS", lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"),
    ("web page", lambda: b"\n <!DOCTYPE html><title>404</title>"),
    ("web page", lambda: b'<HTML lang="en">'),
    ("unknown", lambda: b"<htm"),
    ("unknown", lambda: b"\0"),
    ("unknown", lambda: b"# A readme\n"),
    ("unknown", lambda: b'{"a": 1, "b": {"c": 2}}'),
    ("unknown", lambda: b"abcdefg {{"),
    ("unknown", lambda: bytes(range(256))),
]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(SAMPLES)])
def test_content_is_recognised_whatever_the_name(kind: str, sample: Callable[[], bytes]) -> None:
    assert recognise(BytesSource(sample(), "file")).name == kind


def test_no_prefix_of_any_sample_crashes_the_recognition() -> None:
    for _, sample in SAMPLES:
        data = sample()
        for size in range(min(len(data), 600)):
            recognise(BytesSource(data[:size], "file"))
