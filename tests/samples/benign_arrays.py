"""Benign files of numpy, joblib, scikit-learn and plain pickle."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import gzip
import io
import pathlib
import pickle
import types
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn import (
    cluster,
    decomposition,
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    pipeline,
    preprocessing,
    svm,
    tree,
)

from modelcypher_nb.formats.report import Level

from .containers import wrapped
from .sample import OBJECTS, WEIGHTS, Opener, Sample

__all__ = ["SAMPLES"]

EITHER: frozenset[Level] = frozenset({"weights", "data"})
HARMLESS: frozenset[Level] = frozenset({"weights", "data", "objects"})

ARRAYS: dict[str, Callable[[], np.ndarray]] = {
    **{
        f"of {name}": lambda name=name: np.arange(12).reshape(3, 4).astype(name)
        for name in (
            "?",
            "i1",
            "i2",
            "i4",
            "i8",
            "u1",
            "u2",
            "u4",
            "u8",
            "f2",
            "f4",
            "f8",
            "c8",
            "c16",
            ">f4",
            ">i8",
            ">u2",
            ">c8",
        )
    },
    "of long doubles": lambda: np.arange(4).astype(np.longdouble),
    "of texts": lambda: np.array(["a", "bcd", "é"]),
    "of byte strings": lambda: np.array([b"a", b"bcd"]),
    "of dates": lambda: np.array(["2024-01-02", "NaT"], dtype="datetime64[D]"),
    "of durations": lambda: np.array([1, 2], dtype="timedelta64[ms]"),
    "of records": lambda: np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")]),
    "of nested records": lambda: np.zeros(2, dtype=[("a", [("x", "f4"), ("y", "f4", (2, 2))]), ("b", "S3")]),
    "of aligned records": lambda: np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "of raw bytes": lambda: np.zeros(3, dtype="V5"),
    "in Fortran's order": lambda: np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "sliced": lambda: np.arange(20)[3:17:2],
    "transposed": lambda: np.arange(12).reshape(3, 4).T,
    "of no dimension": lambda: np.array(3.5),
    "empty": lambda: np.zeros((0, 3), "f4"),
    "of one": lambda: np.ones((1, 1, 1)),
    "of many dimensions": lambda: np.ones((1, 2, 1, 2, 1, 2), "f4"),
}
OBJECT_ARRAYS: dict[str, Callable[[], np.ndarray]] = {
    "of mixed objects": lambda: np.array([1, "two", None, 3.0, [4]], dtype=object),
    "of dicts": lambda: np.array([{"a": 1}, {"b": [2]}], dtype=object),
    "of arrays": lambda: np.array([np.arange(2), np.arange(3)], dtype=object),
    "of records with objects": lambda: np.array([(1, "x")], dtype=[("a", "i4"), ("b", object)]),
    "of no dimension with a dict": lambda: np.array({"a": np.arange(3)}, dtype=object),
}


def _circle() -> list[Any]:
    around: list[Any] = [1]
    around.append(around)
    return around


def _deep() -> list[Any]:
    inner: list[Any] = []
    for _ in range(90):
        inner = [inner]
    return inner


PLAIN: dict[str, Callable[[], Any]] = {
    "a dict": lambda: {"a": [1, 2.5, None, True], "b": ("x", {"y": -1})},
    "long numbers": lambda: [1 << 2040, -(1 << 2041), 1 << 5000, 255, 256, 65536, -1, 2**31, 2**63],
    "texts": lambda: ["", "é", "\u2603", "\U0001f600", "a\nb\\c'd\"e", "x" * 300, "y" * 70000],
    "fractions of floats": lambda: [0.1, float("inf"), float("-inf"), 1e-308, -0.0],
    "shared lists": lambda: [shared := [1], shared, (shared, {"a": shared})],
    "a circle": _circle,
    "nothing": lambda: None,
    "frightening texts": lambda: {"os.system": "eval(__import__('os'))", "c": "cos\nsystem\n(S'x'\ntR."},
    "many keys": lambda: {f"key{n}": n for n in range(3000)},
    "a deep list": _deep,
}
SHELLS: dict[str, Callable[[], Any]] = {
    "dates": lambda: [
        dt.date(2024, 1, 2),
        dt.time(3, 4),
        dt.timedelta(5),
        dt.datetime(2024, 1, 2),  # noqa: DTZ001 - most that are saved have no zone
    ],
    "zones": lambda: [
        dt.timezone(dt.timedelta(hours=2)),
        dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
    ],
    "decimals": lambda: [decimal.Decimal("1.5"), decimal.Decimal("NaN")],
    "identifiers": lambda: uuid.UUID(int=7),
    "paths": lambda: [pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("C:/a"), pathlib.PosixPath("x/y")],
    "containers": lambda: [
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        collections.defaultdict(int),
        collections.deque([1], 3),
        collections.Counter("aab"),
    ],
    "sets": lambda: [{1, 2}, frozenset({3}), set()],
    "bytes": lambda: [b"", b"x" * 300, bytearray(b"abc"), bytes(range(256))],
    "complex numbers": lambda: [1 + 2j, complex(0)],
    "simple namespaces": lambda: types.SimpleNamespace(a=1, b=[2]),
    "numpy scalars": lambda: [
        np.float32(1),
        np.int8(2),
        np.bool_(1),
        np.str_("x"),
        np.float64(3),
        np.datetime64("2024-01-02"),
    ],
    "arrays": lambda: {"a": np.arange(6.0), "b": np.arange(4).astype("i2").reshape(2, 2)},
    "array types": lambda: [np.dtype("f4"), np.dtype(">i8"), np.dtype([("a", "i4"), ("b", "f8")])],
}


def _fitted(estimator: Any) -> Any:
    features = np.arange(40.0).reshape(10, 4) % 7
    return estimator.fit(features, np.arange(10) % 2)


ESTIMATORS: dict[str, Callable[[], Any]] = {
    "LogisticRegression": lambda: _fitted(linear_model.LogisticRegression()),
    "LinearRegression": lambda: _fitted(linear_model.LinearRegression()),
    "Ridge": lambda: _fitted(linear_model.Ridge()),
    "SGDClassifier": lambda: _fitted(linear_model.SGDClassifier()),
    "SVC": lambda: _fitted(svm.SVC(probability=False)),
    "LinearSVC": lambda: _fitted(svm.LinearSVC()),
    "DecisionTreeClassifier": lambda: _fitted(tree.DecisionTreeClassifier()),
    "RandomForestClassifier": lambda: _fitted(ensemble.RandomForestClassifier(3)),
    "GradientBoostingClassifier": lambda: _fitted(ensemble.GradientBoostingClassifier(n_estimators=3)),
    "HistGradientBoostingClassifier": lambda: _fitted(ensemble.HistGradientBoostingClassifier(max_iter=3)),
    "IsolationForest": lambda: _fitted(ensemble.IsolationForest(n_estimators=3)),
    "KNeighborsClassifier": lambda: _fitted(neighbors.KNeighborsClassifier(3)),
    "GaussianNB": lambda: _fitted(naive_bayes.GaussianNB()),
    "KMeans": lambda: _fitted(cluster.KMeans(2, n_init=1)),
    "PCA": lambda: _fitted(decomposition.PCA(2)),
    "StandardScaler": lambda: _fitted(preprocessing.StandardScaler()),
    "MinMaxScaler": lambda: _fitted(preprocessing.MinMaxScaler()),
    "OneHotEncoder": lambda: _fitted(preprocessing.OneHotEncoder()),
    "LabelEncoder": lambda: preprocessing.LabelEncoder().fit(["a", "b"]),
    "a pipeline": lambda: _fitted(
        pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
    ),
    "one that isn't fitted": ensemble.RandomForestRegressor,
}

Write = Callable[[Path], None]


def _file(name: str, file: str, write: Write, expected: frozenset[Level], opens: Opener) -> Sample:
    def make(folder: Path) -> Path:
        path = folder / file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(path)
        return path

    return Sample(name, make, expected, f"A file with {name}.", opens=opens)


def _bytes(name: str, file: str, content: Callable[[], bytes], expected: frozenset[Level], opens: Opener) -> Sample:
    return _file(name, file, lambda path: _written(path, content()), expected, opens)


def _written(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _numpy() -> Iterator[Sample]:
    for name, build in (ARRAYS | OBJECT_ARRAYS).items():
        level = EITHER
        yield _file(f"npy {name}", "a.npy", lambda path, build=build: np.save(path, build()), level, "numpy")
        yield _file(
            f"npz {name}", "a.npz", lambda path, build=build: np.savez(path, a=build(), b=np.ones(2)), level, "numpy"
        )
        yield _file(
            f"npz compressed {name}",
            "a.npz",
            lambda path, build=build: np.savez_compressed(path, a=build()),
            level,
            "numpy",
        )
        for protocol in (2, 4, 5):
            content = lambda build=build, protocol=protocol: pickle.dumps({"a": build()}, protocol)  # noqa: E731
            yield _bytes(f"pickle of an array {name}, protocol {protocol}", "a.pkl", content, level, "pickle")
        yield _file(f"joblib {name}", "a.joblib", lambda path, build=build: joblib.dump(build(), path), level, "joblib")


def _pickles() -> Iterator[Sample]:
    for protocol in range(6):
        for name, build in PLAIN.items():
            content = lambda build=build, protocol=protocol: pickle.dumps(build(), protocol)  # noqa: E731
            yield _bytes(f"pickle of {name}, protocol {protocol}", "a.pkl", content, WEIGHTS, "pickle")
        for name, build in SHELLS.items():
            content = lambda build=build, protocol=protocol: pickle.dumps(build(), protocol)  # noqa: E731
            yield _bytes(f"pickle of {name}, protocol {protocol}", "a.pkl", content, EITHER, "pickle")
    for protocol in (2, 3, 4, 5):
        for name, build in TENSORS.items():
            content = lambda build=build, protocol=protocol: pickle.dumps(build(), protocol)  # noqa: E731
            yield _bytes(f"pickle of {name}, protocol {protocol}", "a.pkl", content, WEIGHTS, "pickle")
    for protocol in (2, 4):
        for name, build in ESTIMATORS.items():
            content = lambda build=build, protocol=protocol: pickle.dumps(build(), protocol)  # noqa: E731
            yield _bytes(f"pickle of {name}, protocol {protocol}", "m.pkl", content, OBJECTS, "pickle")


TENSORS: dict[str, Callable[[], Any]] = {
    "a tensor": lambda: torch.arange(6.0).view(2, 3),
    "tensors": lambda: {"a": torch.ones(2).half(), "b": [torch.zeros(3, dtype=torch.int64)]},
    "a parameter": lambda: torch.nn.Parameter(torch.ones(3)),
    "a state dict": lambda: torch.nn.Linear(3, 2).state_dict(),
    "tied tensors": lambda: [shared := torch.arange(4.0), shared[1:3]],
}


def _joblib() -> Iterator[Sample]:
    values: dict[str, tuple[Callable[[], Any], frozenset[Level]]] = {
        "plain data": (lambda: {"a": [1, 2, "x"]}, WEIGHTS),
        "arrays": (lambda: {"a": np.arange(12.0).reshape(3, 4), "b": [np.ones(3, "f4"), np.arange(3)]}, EITHER),
        "objects": (lambda: {"a": np.array([1, "x", None], dtype=object), "b": np.arange(3)}, EITHER),
        "a big array": (lambda: np.arange(40_000).astype("f4"), EITHER),
        "a model": (ESTIMATORS["a pipeline"], OBJECTS),
        "a forest": (ESTIMATORS["RandomForestClassifier"], OBJECTS),
    }
    for name, (build, expected) in values.items():
        for how in (0, 3, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)):
            for protocol in (3, 5):
                write = lambda path, build=build, how=how, protocol=protocol: joblib.dump(build(), path, how, protocol)  # noqa: E731
                yield _file(f"joblib of {name}, {how}, protocol {protocol}", "m.joblib", write, expected, "joblib")
    for name, build in ESTIMATORS.items():
        yield _file(
            f"joblib of {name}", "m.joblib", lambda path, build=build: joblib.dump(build(), path), OBJECTS, "joblib"
        )


def _wrapped() -> Iterator[Sample]:
    for how in ("gz", "bz2", "xz", "lzma", "zlib"):
        yield _bytes(
            f"{how} of a pickle", f"a.{how}", lambda how=how: wrapped(pickle.dumps({"a": [1]}), how), WEIGHTS, ""
        )
        yield _bytes(f"{how} of a checkpoint", f"a.{how}", lambda how=how: wrapped(_checkpoint(), how), WEIGHTS, "")
        yield _bytes(f"{how} of an array", f"a.{how}", lambda how=how: wrapped(_array(), how), EITHER, "")
    yield _bytes("gz with a name", "a.gz", _named_gz, WEIGHTS, "")


def _checkpoint() -> bytes:
    whole = io.BytesIO()
    torch.save({"w": torch.arange(6.0)}, whole)
    return whole.getvalue()


def _array() -> bytes:
    whole = io.BytesIO()
    np.save(whole, np.arange(6.0))
    return whole.getvalue()


def _named_gz() -> bytes:
    whole = io.BytesIO()
    with gzip.GzipFile("some name.pkl", "wb", fileobj=whole) as stream:
        stream.write(pickle.dumps({"a": 1}))
    return whole.getvalue()


SAMPLES: tuple[Sample, ...] = (*_numpy(), *_pickles(), *_joblib(), *_wrapped())
