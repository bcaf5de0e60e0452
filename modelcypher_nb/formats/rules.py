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
    "torch-zip": Rule("A torch archive isn't what torch writes", f"Other readers may take another member. {FETCH}"),
    "torch-legacy": Rule("A legacy torch file isn't what torch writes", FETCH),
    "torch-export": Rule("An exported program", f"Running the model runs its graph. {CONVERT}"),
    "torchscript-code": Rule("TorchScript code can't be read", FETCH),
    "torchscript-program": Rule("A TorchScript program", f"Running the model runs it. {CONVERT}"),
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


def rule_of(finding: Finding) -> tuple[str, Rule]:
    """The name and meaning of a finding's rule; its level's where it has none that is known."""
    name = finding.rule if finding.rule in RULES else finding.level
    return name, RULES[name]
