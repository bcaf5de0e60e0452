"""What each kind of finding means, for reports that explain a rule once and name it many times."""

from __future__ import annotations

from typing import NamedTuple

from .report import Finding

__all__ = ["RULES", "Rule", "rule_of"]


class Rule(NamedTuple):
    """A kind of finding.

    Attributes:
        title: what it is, in a few words.
        help: why it matters, and what to do.
    """

    title: str
    help: str


DONT_OPEN = "Don't open the file with another loader. `mc model show PATH` says what it holds, and runs nothing."
FETCH = "Fetch the file again from where it came, and compare its digest with what the source states."
CONVERT = "`mc model convert PATH` writes its tensors as safetensors, which holds nothing that runs."

# A finding without a rule of its own bears its level's.
RULES: dict[str, Rule] = {
    "code": Rule("It would run code", f"Whatever opens it as usual runs code that it names. {DONT_OPEN}"),
    "malformed": Rule("It contradicts itself", f"Two readers may see two different files in it. {FETCH}"),
    "unsupported": Rule("It isn't read", "Nothing is known of what it holds: it is not judged clean, but not judged."),
    "objects": Rule("It holds objects", f"Another loader needs their library and makes live objects. {CONVERT}"),
    "data": Rule("It holds harmless containers", f"They are read as plain data. {CONVERT}"),
    "weights": Rule("A remark", "Nothing dangerous, but worth knowing."),
    "pickle-call": Rule("A pickle calls a function", f"Opening it makes that call, with those arguments. {DONT_OPEN}"),
    "pickle-unusual-call": Rule(
        "A pickle calls a known function in an unknown way",
        f"The function is one that checkpoints use, but its own library never calls it so. {DONT_OPEN}",
    ),
    "pickle-computed-call": Rule(
        "A pickle calls what it computed",
        f"What is called isn't written down anywhere, so nothing vouches for it. {DONT_OPEN}",
    ),
    "pickle-name": Rule(
        "A pickle imports a name", f"Importing alone can run code, and the name isn't known. {DONT_OPEN}"
    ),
    "pickle-beside": Rule(
        "A pickle imports a file that lies beside it", f"Python may import that file instead of a library. {DONT_OPEN}"
    ),
    "pickle-extension": Rule(
        "A pickle imports a name by a number", f"Only the program that opens it knows which name that is. {DONT_OPEN}"
    ),
    "pickle-build": Rule(
        "A pickle rewires an object", f"The state that it sets runs the class's own code. {DONT_OPEN}"
    ),
    "pickle-item": Rule("A pickle assigns into an object", f"The assignment runs the class's own code. {DONT_OPEN}"),
    "pickle-hash": Rule("A pickle hashes an object", f"The hash runs the class's own code. {DONT_OPEN}"),
    "pickle-persistent-id": Rule(
        "A pickle refers to what isn't there", f"A reference that its format never writes. {FETCH}"
    ),
    "pickle-malformed": Rule("A pickle breaks its own rules", f"Readers disagree on such a stream. {FETCH}"),
    "pickle-object": Rule(
        "A pickle holds an object", f"Another loader imports its class and fills it; here it stays closed. {CONVERT}"
    ),
    "pickle-value": Rule("A pickle holds a name as a value", f"It is shown and not imported. {CONVERT}"),
    "pickle-shell": Rule("A pickle holds a harmless container", f"It is read as plain data. {CONVERT}"),
    "pickle-allowed": Rule(
        "A class that a person allowed",
        "It was allowed for this very content. Take it back: `mc model trust PATH CLASS --remove`.",
    ),
    "tensor-bounds": Rule("A tensor reaches beyond its bytes", f"Its shape and strides don't fit its storage. {FETCH}"),
    "torch-two-formats": Rule(
        "An archive is two formats at once", f"One reader takes one of them, the next the other. {FETCH}"
    ),
    "torch-zip": Rule("A torch archive isn't what torch writes", f"Other readers may take another member. {FETCH}"),
    "torch-package": Rule("A torch archive holds Python code", f"torch.package runs it. {DONT_OPEN}"),
    "torch-legacy": Rule("A legacy torch file isn't what torch writes", FETCH),
    "torch-export": Rule("An exported program", f"Running the model runs its graph. {CONVERT}"),
    "torch-export-native": Rule(
        "An exported program holds compiled code", f"Loading it runs native code that nobody can read. {DONT_OPEN}"
    ),
    "torch-export-program": Rule(
        "An exported program runs more than operators",
        f"A part of its description is evaluated as Python, imported or called when it is loaded. {DONT_OPEN}",
    ),
    "torchscript-code": Rule("TorchScript code can't be read", FETCH),
    "torchscript": Rule("A TorchScript program", f"Running the model runs it. {CONVERT}"),
    "torchscript-operator": Rule(
        "A TorchScript program reaches out", f"It uses files, processes or operators of its own. {DONT_OPEN}"
    ),
    "zip-nested": Rule("An archive within the archive can't be read", FETCH),
    "zip-nesting": Rule("Archives nest too deep", FETCH),
    "npy-array": Rule("An array that no tensor can be", "It is shown as its bytes."),
    "npy-objects": Rule("An array lies about its content", FETCH),
    "npz-member": Rule("A member that is no array", "It isn't read, so it isn't judged clean."),
    "npz-malformed": Rule("An archive of arrays contradicts itself", FETCH),
    "gguf-malformed": Rule("A GGUF file contradicts itself", FETCH),
    "gguf-unsupported": Rule("A GGUF file isn't read", "Nothing is known of what it holds."),
    "odd-name": Rule("A name with deceiving characters", "What a terminal prints for it isn't what it is."),
    "config-auto-mapping": Rule("An adapter names Python code", f"The library imports it by itself. {DONT_OPEN}"),
    "config-megatron-core": Rule("An adapter names Python code", f"The library imports it by itself. {DONT_OPEN}"),
    "config-kernel": Rule(
        "A configuration names a compiled kernel", "It is downloaded and run. Read where it comes from."
    ),
    "config-activation": Rule("A configuration names Python code", f"The library imports and calls it. {DONT_OPEN}"),
    "config-component": Rule("A pipeline's component is Python code", f"The library imports it by itself. {DONT_OPEN}"),
    "config-allow-remote": Rule(
        "A configuration runs the folder's code", f"The library imports it without being asked to. {DONT_OPEN}"
    ),
    "config-modules": Rule(
        "A list of modules names a class",
        "Classes of other packages than the library's own are imported. Read them first.",
    ),
    "config-trust": Rule(
        "A configuration trusts code", "Whether to trust a folder is for you to say, not for the folder."
    ),
    "config-base-model": Rule(
        "A base model outside of the folder", "Name the base model yourself when you load this one."
    ),
    "custom-generate": Rule(
        "A folder brings its own generate function",
        "A library runs it where it is told to trust the folder. Read it first.",
    ),
    "python-code": Rule("A folder holds Python code", "Nothing here runs it. Read it before anything imports it."),
    "template-attribute": Rule(
        "A template reaches into Python", f"It uses attributes that no chat template needs. {DONT_OPEN}"
    ),
    "template-call": Rule("A template calls what it shouldn't", f"No chat template needs that call. {DONT_OPEN}"),
    "template-filter": Rule("A template uses an odd filter", f"No chat template needs that filter. {DONT_OPEN}"),
    "template-include": Rule("A template includes a file", f"No chat template needs that. {DONT_OPEN}"),
    "template-computed-name": Rule(
        "A template computes a name", f"What it reaches is hidden until it runs. {DONT_OPEN}"
    ),
    "template-syntax": Rule("A template can't be parsed", FETCH),
    "template-limit": Rule("A template is too large to judge", "It isn't judged clean."),
}


# Rules that bear the name of the key that they are about.
FAMILIES = {
    "config-": Rule(
        "A configuration names Python code",
        "A library runs it where it is told to trust the folder. Read that code before.",
    ),
}


def rule_of(finding: Finding) -> tuple[str, Rule]:
    """The name and meaning of a finding's rule; those of its level where it has none that is known."""
    name = finding.rule or finding.level
    family = next((rule for lead, rule in FAMILIES.items() if name.startswith(lead)), None)
    known = RULES.get(name, family)
    return (name, known) if known is not None else (finding.level, RULES[finding.level])
