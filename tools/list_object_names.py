#!/usr/bin/env python3
"""List the classes and functions of torch, scikit-learn and scipy that may stand in a file judged `objects`.

    python tools/list_object_names.py --check              the lists say what is installed, and every hook was read
    python tools/list_object_names.py --write              write modelcypher_nb/formats/pickles/object_tables.py
    python tools/list_object_names.py --write --wheels DIR  with the names of earlier releases, from their wheels

A class may stand there only if Python code of its own that pickle runs was read: each `HOOKS` method of each of its
bases is named in reviewed_hooks.py, with a digest of the source that was read. Needs torch and scikit-learn.
"""

from __future__ import annotations

import argparse
import ast
import enum
import hashlib
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

sys.path.insert(0, str(Path(__file__).parent))
from reviewed_hooks import REVIEWED

TABLES = Path(__file__).parents[1] / "modelcypher_nb/formats/pickles/object_tables.py"
# What loading a pickle runs of a class: on making it, on filling it, on hashing it, on dropping it; and what answers
# when pickle asks for one of these.
HOOKS = ("__new__", "__setstate__", "__setattr__", "__del__", "__hash__", "__getattr__", "__getattribute__",
         "__class__", "__dict__")  # fmt: skip
# Made by Python itself; an instance is a number, a text or a container, which has a shape of its own in a pickle.
NO_INSTANCES = (BaseException, dict, list, tuple, set, frozenset, int, str, bytes, enum.Enum, type)
Names = dict[str, set[str]]

# Where to look for classes, and which of those that are found to leave out (pattern: why).
CLASS_PLACES = (
    "torch.nn.modules", "torch.nn.utils", "torch.nn.parallel.data_parallel", "torch.nn.cpp", "torch.optim",
    "torch.amp.grad_scaler", "torch.cuda.amp.grad_scaler", "torch.utils.data.dataset", "torch.utils.data.sampler",
    "torch.utils.data.dataloader", "torch.distributions", "sklearn",
)  # fmt: skip
# Of these only the classes all of whose hooks were read; the others fill themselves through torch's own operators.
PARTLY_PLACES = ("torch.ao.nn", "torch.ao.quantization.observer", "torch.ao.quantization.fake_quantize",
                 "torch.ao.quantization.stubs", "torch.ao.quantization.qconfig")  # fmt: skip
LEFT_OUT = {
    r"torch\.nn\.modules\._functions\.": "autograd's functions are never instances",
    r"torch\.nn\.utils\._expanded_weights\.": "tensor subclasses and functions of vmap",
    r"torch\.nn\.utils\._named_member_accessor\.": "helpers that are never saved",
    r"torch\.nn\.utils\.stateless\.": "helpers that are never saved",
    r"torch\.nn\.modules\.linear_cross_entropy_options\.": "its state is a list, filled by setattr",
    r"torch\.utils\.data\.dataloader\._": "iterators hold processes",
    r"torch\.distributions\.(kl|utils|constraint_registry)\.": "never saved",
    r"torch\.nn\.cpp\.OrderedDictWrapper": "calls what it holds by name",
    r"torch\.nn\.modules\.(module\._WrappedHook|linear_cross_entropy\._Chunk)": "has a shape of its own; never saved",
    r"torch\.amp\.grad_scaler\._": "helpers of a running step",
    r".*\.predictor\.TreePredictor": "has a shape of its own",
    r"sklearn\.tree\.(_export|export|_reingold_tilford)\b": "a running export",
    r"sklearn\.linear_model\.(_ridge\._XT?_CenterStackOp|_glm\._newton_solver\b)": "parts of a running fit",
    r"sklearn\.(metrics\._pairwise_distances_reduction|tests|.*\.tests)\b": "never saved",
    r"sklearn\.linear_model\._logistic\._LbfgsCallbackBridge": "a part of a running fit",
    r"sklearn\.(externals|datasets|callback|_build_utils|conftest|experimental|__check_build)\b": "no estimators",
    r"sklearn\.utils\.(?!_metadata_requests\.|_tags\.|_bunch\.)": "helpers of a running fit",
    r"sklearn\.(metrics|inspection|calibration|model_selection)\b.*Display\b": "figures hold matplotlib's objects",
    r"sklearn\.utils\._metadata_requests\.(RequestMethod|_?MetadataRequester\b)": "descriptors",
    r".*\.Bunch$": "is a dict, and read as one",
    r".*(_IffHasDescr|Mixin|Descriptor)$": "never an instance by itself",
}
# Compiled or foreign classes whose instances are made with no arguments and filled with a dict all the same.
MORE_CLASSES = {
    "scipy.interpolate": "BSpline PPoly BPoly NdPPoly interp1d",
    "scipy.sparse": (
        "csr_matrix csc_matrix coo_matrix bsr_matrix dia_matrix lil_matrix csr_array csc_array coo_array bsr_array "
        "dia_array lil_array"
    ),
}
# Where earlier releases had them; nothing installed today tells.
EARLIER_MORE = {
    "torch.nn.modules.linear": "_LinearWithBias",
    "torch.nn.modules.loss": "_WeightedLoss BCELoss2d",
    "scipy.sparse.csr": "csr_matrix", "scipy.sparse.csc": "csc_matrix", "scipy.sparse.coo": "coo_matrix",
    "scipy.sparse.bsr": "bsr_matrix", "scipy.sparse.dia": "dia_matrix", "scipy.sparse.lil": "lil_matrix",
    "scipy.interpolate.interpolate": "interp1d PPoly BPoly", "scipy.interpolate._bsplines": "BSpline",
}  # fmt: skip
# Modules whose own functions may stand as values. None of them opens, runs, imports or sends anything by itself,
# whatever it is called with; some call what they are given. Private ones are kept where estimators hold them.
FUNCTION_PLACES = (
    "torch.nn.functional", "torch.nn.init", "sklearn.metrics._classification", "sklearn.metrics._ranking",
    "sklearn.metrics._regression", "sklearn.metrics.pairwise", "sklearn.metrics.cluster._supervised",
    "sklearn.metrics.cluster._unsupervised", "sklearn.metrics.cluster._bicluster",
    "sklearn.feature_selection._univariate_selection", "sklearn.feature_selection._mutual_info",
    "sklearn.preprocessing._data", "sklearn.preprocessing._label", "sklearn.cluster._kmeans",
    "sklearn.feature_extraction.text", "sklearn.decomposition._fastica", "sklearn.neural_network._base",
)  # fmt: skip
PRIVATE_FUNCTIONS = re.compile(r"_kmeans_single_\w+|_(logcosh|exp|cube)|inplace_\w+")
MORE_VALUES = {
    "numpy": (
        "abs absolute add amax amin any all arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin around "
        "average bool_ cbrt ceil clip concatenate conjugate copysign cos cosh cumprod cumsum deg2rad degrees diff "
        "divide dot exp exp2 expm1 fabs fix float_power floor fmax fmin fmod heaviside hypot identity isfinite isinf "
        "isnan log log10 log1p log2 logaddexp logical_and logical_not logical_or max maximum mean median min minimum "
        "mod multiply nan_to_num nanmax nanmean nanmedian nanmin nanstd nansum nanvar negative percentile positive "
        "power prod quantile rad2deg radians ravel reciprocal remainder rint round sign sin sinh sqrt square squeeze "
        "std subtract sum tan tanh transpose true_divide trunc unique var"
    ),
    "numpy._core._methods": "_mean _std _var _sum _prod _amax _amin",
    "numpy.core._methods": "_mean _std _var _sum _prod _amax _amin",
    "numpy.core.fromnumeric": "mean sum prod amax amin std var ravel clip",
    "numpy._core.fromnumeric": "mean sum prod amax amin std var ravel clip max min",
    "numpy.lib.function_base": "median average percentile quantile",
    "numpy.lib._function_base_impl": "median average percentile quantile",
    "scipy.special._ufuncs": "boxcox boxcox1p entr erf erfc erfinv exp10 exp2 expit expm1 gamma gammaln inv_boxcox "
                             "inv_boxcox1p kl_div log1p log_expit logit ndtr ndtri rel_entr xlog1py xlogy",
    "scipy.special": "expit logit",
    "scipy._lib.array_api_compat.numpy._aliases": "asarray",
    "sklearn.metrics._scorer": "_passthrough_scorer",
    "sklearn.metrics.scorer": "_passthrough_scorer",
    "builtins": "FutureWarning DeprecationWarning UserWarning",
    "torch._C._nn": "gelu elu_ hardtanh leaky_relu log_sigmoid softplus softshrink silu mish",
    # Static methods, which a pickle of protocol 4 names with a dot.
    "torch.optim.lr_scheduler": "CyclicLR._triangular_scale_fn CyclicLR._triangular2_scale_fn",
    "torch.optim.swa_utils": "SWALR._cosine_anneal SWALR._linear_anneal",
    "torch.utils.data._utils.collate": "default_collate default_convert",
    "torch.amp.grad_scaler": "_refresh_per_optimizer_state",
    "torch.cuda.amp.grad_scaler": "_refresh_per_optimizer_state",
}  # fmt: skip


def main() -> int:
    """Check or write, as asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true")
    choice.add_argument("--write", action="store_true")
    parser.add_argument("--wheels", type=Path, help="a folder with wheels of earlier releases of scikit-learn")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.check:
        faults = check()
        sys.stdout.write("".join(f"{fault}\n" for fault in faults) or "Every name is listed and every hook was read.\n")
        return 1 if faults else 0
    classes, values = installed_names()
    unread = [fault for kind in classes_of(classes) for fault in unread_hooks(kind)]
    if unread:
        sys.stdout.write("".join(f"{fault}\n" for fault in sorted(set(unread))))
        return 1
    earlier_classes, earlier_values = earlier_names(given.wheels) if given.wheels else kept_earlier_names()
    for module, names in classes.items():
        if module.startswith(("torch.ao.nn.", "torch.ao.quantization.")):  # where torch had them before 1.13
            earlier_classes[module.replace("torch.ao.", "torch.", 1)] = names
    write(classes, values, earlier_classes, earlier_values)
    return 0


# What is installed


def installed_names() -> tuple[Names, Names]:
    """The classes and the values to list, each module with its names."""
    classes: Names = {}
    for kind in found_classes():
        classes.setdefault(kind.__module__, set()).add(kind.__qualname__)
    values: Names = {module: set(names.split()) for module, names in MORE_VALUES.items()}
    for place in FUNCTION_PLACES:
        module = importlib.import_module(place)
        own = {name for name, value in vars(module).items() if is_value(module, name, value)}
        values[place] = values.get(place, set()) | own
    return classes, values


def is_value(module: ModuleType, name: str, value: object) -> bool:
    """Whether a module's own function is one that objects hold."""
    if not isinstance(value, FunctionType) or value.__module__ != module.__name__ or value.__qualname__ != name:
        return False
    return not name.startswith("_") or PRIVATE_FUNCTIONS.fullmatch(name) is not None


def found_classes() -> Iterator[type]:
    """The classes at all places, without what is left out."""
    seen: set[type] = set()
    for place in CLASS_PLACES + PARTLY_PLACES:
        for module in modules_of(place):
            for name, kind in vars(module).items():
                if not is_listed(module, name, kind) or kind in seen:
                    continue
                seen.add(kind)
                if place in CLASS_PLACES or not any(unread_hooks(kind)):
                    yield kind
    for package, names in MORE_CLASSES.items():
        for name in names.split():
            yield getattr(importlib.import_module(package), name)


def is_listed(module: ModuleType, name: str, kind: object) -> bool:
    """Whether what a module holds is a class of its own that has instances."""
    if not isinstance(kind, type) or kind.__module__ != module.__name__ or kind.__qualname__ != name:
        return False
    if issubclass(kind, NO_INSTANCES) or is_compiled(kind) or getattr(kind, "_is_protocol", False):
        return False
    return not is_left_out(f"{kind.__module__}.{name}")


def is_left_out(full_name: str) -> bool:
    """Whether a pattern leaves it out."""
    return any(re.match(pattern, full_name) for pattern in LEFT_OUT)


def is_compiled(kind: type) -> bool:
    """Whether a class, or one of its bases, was written in C: such a one has a reading of its own."""
    return any(base is not object and not base.__flags__ & (1 << 9) for base in kind.__mro__)


def modules_of(place: str) -> Iterator[ModuleType]:
    """A module and, of a package, all within but tests."""
    top = importlib.import_module(place)
    yield top
    for found in pkgutil.walk_packages(getattr(top, "__path__", ()), f"{place}."):
        if re.search(r"\.(tests|conftest|__main__)\b", found.name) or is_left_out(f"{found.name}."):
            continue
        yield importlib.import_module(found.name)


def classes_of(names: Names) -> Iterator[type]:
    """The classes themselves."""
    for module, kinds in names.items():
        for name in sorted(kinds):
            yield getattr(importlib.import_module(module), name)


# What was read


def unread_hooks(kind: type) -> Iterator[str]:
    """The hooks of a class that nobody read, or that changed since."""
    for base in kind.__mro__:
        if base is object:
            continue
        for hook in HOOKS:
            method = vars(base).get(hook)
            if method is None or (hook == "__dict__" and inspect.isgetsetdescriptor(method)):
                continue
            origin = f"{base.__module__}.{base.__qualname__}.{hook}"
            digest = digest_of(method)
            if origin not in REVIEWED:
                yield f'Nobody read "{origin}": ("{digest}", "..."), which {kind.__name__} runs.'


def changed_reviews() -> Iterator[str]:
    """What was read and has changed since, helpers that hooks call among them."""
    for origin, (digest, _) in REVIEWED.items():
        module, kind, method = origin.rsplit(".", 2)
        found = vars(getattr(importlib.import_module(module), kind)).get(method)
        now = "none" if found is None else digest_of(found)
        if now != digest:
            yield f"{origin} changed since it was read: its digest is {now} now."


def digest_of(method: object) -> str:
    """A short digest of a method's source; of a compiled or generated one, that it is, and nobody reads that."""
    code = getattr(getattr(method, "__func__", method), "__code__", None)
    if code is None:
        return "compiled"
    try:
        source = inspect.getsource(code)  # of the function itself, not of what it wraps
    except OSError:
        return "generated"
    return hashlib.sha256(textwrap.dedent(source).encode()).hexdigest()[:16]


def check() -> list[str]:
    """What is wrong with the tables: a class or function that lacks, or a hook that nobody read."""
    from modelcypher_nb.formats.pickles import object_tables

    classes, values = installed_names()
    faults = [fault for kind in classes_of(classes) for fault in unread_hooks(kind)] + list(changed_reviews())
    for found, kept in ((classes, object_tables.CLASSES), (values, object_tables.VALUES)):
        for module, names in found.items():
            faults += [f"{module}.{name} isn't listed." for name in names - set(kept.get(module, "").split())]
    faults += [
        f"The class {module}.{name} is listed, and no longer found."
        for module, names in object_tables.CLASSES.items()
        for name in set(names.split()) - classes.get(module, set())
    ]
    return sorted(set(faults))


# Earlier releases, read as text from their wheels


def earlier_names(wheels: Path) -> tuple[Names, Names]:
    """The classes and functions of earlier releases, by the same rules as far as their text shows it."""
    classes: Names = {module: set(names.split()) for module, names in EARLIER_MORE.items()}
    values: Names = {}
    for wheel in sorted(wheels.glob("scikit_learn-*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            trees = {
                name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): ast.parse(archive.read(name))
                for name in archive.namelist()
                if re.fullmatch(r"sklearn/(?!externals/|datasets/)(?!.*/tests/)(?!.*conftest)[\w/]+\.py", name)
            }
        for module, tree in trees.items():
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and has_plain_instances(module, node):
                    classes.setdefault(module, set()).add(node.name)
                elif isinstance(node, ast.FunctionDef) and is_earlier_value(module, node.name):
                    values.setdefault(module, set()).add(node.name)
    return classes, values


NO_PLAIN_BASE = re.compile(
    r"Error|Warning|Exception|namedtuple|NamedTuple|\bdict\b|\btuple\b|\blist\b|Enum|Protocol|six\.Iterator"
    r"|LinearOperator|_gb|Cy[A-Z]|Descr"
)


def has_plain_instances(module: str, node: ast.ClassDef) -> bool:
    """Whether a class's text shows instances that are only filled, and no hook but those that were read."""
    if is_left_out(f"{module}.{node.name}"):
        return False
    if any(NO_PLAIN_BASE.search(ast.unparse(base)) for base in node.bases):
        return False
    hooks = {method.name for method in node.body if isinstance(method, ast.FunctionDef)} & set(HOOKS)
    return all(any(read.endswith(f".{node.name}.{hook}") for read in REVIEWED) for hook in hooks)


EARLIER_FUNCTIONS = re.compile(
    r"sklearn\.(metrics\.(cluster\.)?_?(classification|ranking|regression|pairwise|supervised|unsupervised|bicluster)"
    r"|feature_selection\._?(univariate_selection|mutual_info_?)|preprocessing\._?(data|label)|cluster\._?(kmeans|k_means_)"
    r"|feature_extraction\.text|decomposition\._?fastica_?|neural_network\._base"
    r"|gaussian_process\.(correlation|regression)_models)"
)


def is_earlier_value(module: str, name: str) -> bool:
    """Whether a function of an earlier release is one that objects hold."""
    kept = not name.startswith("_") or PRIVATE_FUNCTIONS.fullmatch(name) is not None
    return kept and EARLIER_FUNCTIONS.fullmatch(module) is not None


def kept_earlier_names() -> tuple[Names, Names]:
    """What the tables hold of earlier releases already."""
    from modelcypher_nb.formats.pickles import object_tables

    def split(table: dict[str, str]) -> Names:
        return {module: set(names.split()) for module, names in table.items()}

    return split(object_tables.EARLIER_CLASSES), split(object_tables.EARLIER_VALUES)


# The tables


def write(classes: Names, values: Names, earlier_classes: Names, earlier_values: Names) -> None:
    """Write the tables; of earlier names those that the later ones lack."""
    sections: list[tuple[str, str, Names]] = [
        ("CLASSES", "Classes whose instances are only made and filled.", classes),
        ("EARLIER_CLASSES", "The same, of earlier releases.", without(earlier_classes, classes)),
        ("VALUES", "Functions and classes that such instances hold, and that nothing calls.", values),
        ("EARLIER_VALUES", "The same, of earlier releases.", without(earlier_values, values)),
    ]
    text = HEAD + "".join(f"\n# {title}\n{name}: dict[str, str] = {table(names)}\n" for name, title, names in sections)
    TABLES.write_text(text)


def without(names: Names, others: Names) -> Names:
    """The names that the others lack."""
    left = {module: names[module] - others.get(module, set()) for module in names}
    return {module: kept for module, kept in left.items() if kept}


def table(names: Names) -> str:
    """A dict as the formatter writes it: a module, and its names in one text or in several lines."""
    rows = []
    for module in sorted(names):
        row = f'    "{module}": "{" ".join(sorted(names[module]))}",'
        if len(row) > 120:
            text = " ".join(sorted(names[module]))
            lines = [text] if len(text) <= 110 else textwrap.wrap(text, 109)
            lines = [f'        "{line} "' for line in lines[:-1]] + [f'        "{lines[-1]}"']
            row = f'    "{module}": (\n' + "\n".join(lines) + "\n    ),"
        rows.append(row)
    return "{\n" + "\n".join(rows) + "\n}"


HEAD = '''\
"""The names of torch, scikit-learn and scipy that may stand in a file judged `objects`: modules with their names.

Written by tools/list_object_names.py, which says how a class gets in; object_names.py makes the lists of it.
"""

from __future__ import annotations

__all__ = ["CLASSES", "EARLIER_CLASSES", "EARLIER_VALUES", "VALUES"]
'''

if __name__ == "__main__":
    sys.exit(main())
