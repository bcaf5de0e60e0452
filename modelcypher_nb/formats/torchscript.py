"""TorchScript: a torch zip with the code of a program beside its pickles; weights are read, the code is judged."""

from __future__ import annotations

import re

from ..errors import MalformedError
from ..guard.secrets import shown
from . import torch_zip
from .content import Content
from .pickles.context import Context
from .pickles.machine import Machine
from .remedies import FETCH_AGAIN
from .zip_archive import ZipArchive

__all__ = ["read_archive"]

FORMAT = "TorchScript program"
LONGEST_CODE = 16 << 20
# As torch's lexer ends them: three quotes go before one, and only three span lines.
TEXT_LITERAL = re.compile(
    r"(\"\"\"|\'\'\')(?:\\.|[^\\])*?\1"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'(?:[^'\\\n]|\\.)*'"
    r"|#[^\n]*",
    re.DOTALL,
)
# The roots of all operators and classes, where anything but a plain name follows: given another name, or spelled apart.
BARE = re.compile(r"(?<![\w.])(?:ops|torch|__torch__)(?!\w)(?!\.[A-Za-z_])")
FIELD = re.compile(r"^  (?:ops|torch) : ", re.MULTILINE)  # of a class: no name that its methods could use
# A class of a loaded library is spelled `__torch__.torch.classes.NAMESPACE.NAME`.
NAME = re.compile(r"(?<![\w.])(?:__torch__\.(?=torch\.classes\.))?(ops|torch)\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
# Namespaces of operators that compute on tensors and reach nothing else (torch 2.13's own, and torchvision's).
NAMESPACES = frozenset(
    {"_quantized", "aten", "mkldnn", "mkldnn_prepacked", "onednn", "prepacked", "prim", "prims", "quantization",
     "quantized", "sparse", "torchvision"}
)  # fmt: skip
# Of those, what reads or writes files or calls other processes.
REACHING = frozenset({"from_file", "save", "load", "rpc_async", "rpc_sync", "rpc_remote"})
CLASSES = frozenset({"quantized", "sparse", "xnnpack", "mkldnn"})  # torch.classes.NAMESPACE: state of packed weights


def read_archive(archive: ZipArchive, context: Context) -> Content:
    """Describe a TorchScript archive, its findings going to the context."""
    context.is_program = True
    what = "It is a TorchScript program: another loader compiles its code, and running the model runs that."
    context.tell("objects", "torchscript", what, 0)
    content = torch_zip.read_archive(archive, context)
    content.format = FORMAT
    folder = next(iter(archive.members)).partition("/")[0] + "/"
    try:
        _judge_constants(archive, folder, context)
        _judge_code(archive, folder, context)
    except MalformedError as error:
        content.error = content.error or error
        context.tell("malformed", "torchscript-code", error.problem, 0, remedy=error.remedy)
    return content


def _judge_constants(archive: ZipArchive, folder: str, context: Context) -> None:
    name = f"{folder}constants.pkl"
    within = context.inner(name)
    within.persistent = torch_zip.StorageReader(archive, f"{folder}constants/", within).resolve
    Machine(archive.open(name), within).run()


def _judge_code(archive: ZipArchive, folder: str, context: Context) -> None:
    for name in archive.members:
        if not name.startswith(f"{folder}code/") or not name.endswith(".py"):
            continue
        source = archive.open(name)
        if source.size > LONGEST_CODE:
            raise MalformedError(f"'{shown(name, 80)}' has {source.size} bytes of code.", FETCH_AGAIN)
        _judge_text(source.read_at(0, source.size).decode("utf-8", "replace"), name, context)


def _judge_text(code: str, name: str, context: Context) -> None:
    within = context.inner(name)
    bare = FIELD.sub(_blank, TEXT_LITERAL.sub(_blank, code))
    for match in BARE.finditer(bare):
        what = f"The program hides which operators it calls: it uses {match[0]} in a way that torch never writes."
        within.tell("code", "torchscript-operator", what, match.start(), name=match[0], excerpt=_line(code, match))
    for match in NAME.finditer(bare):
        dotted = match[2].split(".")
        reason = _reach(match[1], dotted)
        if reason is not None:
            what = f"The program {reason}: {shown(match[0], 120)}."
            within.tell("code", "torchscript-operator", what, match.start(), name=match[0], excerpt=_line(code, match))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _line(code: str, match: re.Match[str]) -> str:
    return shown(code[code.rfind("\n", 0, match.start()) + 1 :].split("\n", 1)[0].strip(), 200)


def _reach(root: str, dotted: list[str]) -> str | None:
    """What an operator does beyond computing; None where it only computes."""
    if root == "torch" and dotted[0] in {"ops", "classes"}:
        root, dotted = dotted[0], dotted[1:]
    if root == "classes":
        return None if dotted[:1] and dotted[0] in CLASSES else "uses a class of somebody's own library"
    if root == "ops" and (len(dotted) < 2 or dotted[0] not in NAMESPACES):
        return "calls an operator of somebody's own library"
    if dotted[-1] in REACHING:
        return "reaches files or other processes"
    return None
