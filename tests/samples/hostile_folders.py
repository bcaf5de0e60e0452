"""Model folders in which a file beside the weights brings the danger."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcypher_nb.formats.report import Level

from .assembler import Built, Call, Name, New, assembled
from .containers import tensor, torch_zip
from .sample import CODE, REFUSED, Sample, marker_in

__all__ = ["SAMPLES", "gguf", "safetensors_bytes"]

UNCLEAN: frozenset[Level] = frozenset({"unsupported", "malformed", "code"})


def safetensors_bytes(*names: str) -> bytes:
    """A safetensors file of four bytes for each name."""
    header = {
        name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * number, 4 * number + 4]}
        for number, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(4 * len(names))


def _bad(marker: str) -> bytes:
    return torch_zip(assembled({"weight": tensor(), "x": Call(Name("posix", "system"), (f"touch {marker}",))}))


def _model(folder: Path) -> Path:
    """A sound model to which the danger is added."""
    model = folder / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(safetensors_bytes("weight"))
    (model / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    return model


def _with(**files: Any) -> Callable[[Path], Path]:
    """A model with more files; `/` in a name is written `__of__`, a dot `_dot_`; bytes, texts and JSON values."""

    def make(folder: Path) -> Path:
        model = _model(folder)
        for name, content in files.items():
            path = model / name.replace("__of__", "/").replace("_dot_", ".")
            path.parent.mkdir(exist_ok=True, parents=True)
            value = content(marker_in(folder)) if callable(content) else content
            if isinstance(value, bytes):
                path.write_bytes(value)
            else:
                path.write_text(value if isinstance(value, str) else json.dumps(value))
        return model

    return make


def _template(text: str) -> Callable[[Path], Path]:
    return _with(tokenizer_config_dot_json={"chat_template": text})


_PARTS = {"metadata": {"total_size": 4}, "weight_map": {"weight": "model-00001-of-00001.safetensors"}}
_NET = assembled(Built(New(Name("evil", "Net")), {"a": 1}))


def _beside(name: str) -> Callable[[Path], Path]:
    """An object whose class lies in a module beside the file: a loader started there imports it."""

    def make(folder: Path) -> Path:
        model = folder / "model"
        module = model / name
        module.parent.mkdir(parents=True)
        module.write_text(f"open({marker_in(folder)!r}, 'w').close()\n")
        (model / "model.pkl").write_bytes(_NET)
        return model

    return make


def _beside_one_file(folder: Path) -> Path:
    return _beside("evil.py")(folder) / "model.pkl"


def _index(**weight_map: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        model = folder / "model"
        model.mkdir()
        (model / "model-00001-of-00001.safetensors").write_bytes(safetensors_bytes("weight"))
        (folder / "outside.safetensors").write_bytes(safetensors_bytes("weight"))
        (model / "model.safetensors.index.json").write_text(json.dumps(_PARTS | {"weight_map": weight_map}))
        return model

    return make


def _link(name: str, target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        model = _model(folder)
        (model / name).symlink_to(target)
        return model

    return make


_CLASS = "''.__class__.__mro__[1].__subclasses__()"
TEMPLATES = {
    "attributes of a text": "{{ " + _CLASS + " }}",
    "the globals of a cycler": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "the globals of a function": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "the namespace's class": "{{ namespace.__init__.__globals__ }}",
    "the attr filter": "{{ ''|attr('__class__') }}",
    "the attr filter with a computed name": "{{ ''|attr('__cl' ~ 'ass__') }}",
    "an item that is an attribute": "{{ messages['__class__'] }}",
    "an item that is computed": "{% set a = '__cla' + 'ss__' %}{{ messages[a] }}",
    "an item of a joined list": "{{ messages[['__class', '__']|join] }}",
    "a map of an attribute": "{{ messages|map(attribute='__class__')|list }}",
    "a group by an attribute": "{{ messages|groupby('__class__') }}",
    "a format that reaches for attributes": "{{ '{0.__class__}'.format(messages) }}",
    "a format filter": "{{ '%s'|format(messages.__class__) }}",
    "an include": "{% include '/etc/passwd' %}",
    "an import": "{% import 'os' as os %}{{ os.popen('id') }}",
    "an extension of another template": "{% extends '/etc/passwd' %}",
    "self": "{{ self.__init__.__globals__ }}",
    "a request": "{{ request.application.__globals__ }}",
    "a macro's caller": "{% macro a() %}{{ caller.__globals__ }}{% endmacro %}{% call a() %}{% endcall %}",
    "a code object": "{{ raise_exception.__code__ }}",
    "an attribute with one underscore": "{{ messages._private }}",
    "a generator's frame": "{{ (messages|select).gi_frame.f_globals }}",
}

FOLDERS: dict[str, tuple[Callable[[Path], Path], frozenset[Level]]] = {
    "auto_map to a file in it": (
        _with(config_dot_json={"auto_map": {"AutoModel": "evil.Net"}}, evil_dot_py="import os"),
        CODE,
    ),
    "auto_map to another repository": (
        _with(config_dot_json={"auto_map": {"AutoModel": "somebody/repository--evil.Net"}}),
        CODE,
    ),
    "auto_map of a tokenizer": (
        _with(tokenizer_config_dot_json={"auto_map": {"AutoTokenizer": ["evil.Slow", None]}}),
        CODE,
    ),
    "auto_map of a processor": (
        _with(processor_config_dot_json={"auto_map": {"AutoProcessor": "evil.Processor"}}),
        CODE,
    ),
    "auto_map of an image processor": (
        _with(preprocessor_config_dot_json={"auto_map": {"AutoImageProcessor": "evil.Processor"}}),
        CODE,
    ),
    "auto_map in a folder below": (
        _with(text_encoder__of__config_dot_json={"auto_map": {"AutoModel": "evil.Net"}}),
        CODE,
    ),
    "auto_map nested in a configuration": (
        _with(config_dot_json={"model_type": "x", "text_config": {"auto_map": {"AutoModel": "evil.Net"}}}),
        CODE,
    ),
    "auto_map of a name with escapes": (
        _with(config_dot_json='{"auto\\u005fmap": {"AutoModel": "evil.Net"}}'),
        CODE,
    ),
    "auto_map twice": (
        _with(config_dot_json='{"auto_map": {"AutoModel": "evil.Net"}, "auto_map": {}}'),
        REFUSED,
    ),
    "a configuration behind a byte-order mark": (
        _with(config_dot_json=b'\xef\xbb\xbf{"auto_map": {"AutoModel": "evil.Net"}}'),
        REFUSED,
    ),
    "a custom pipeline": (
        _with(config_dot_json={"custom_pipelines": {"x": {"impl": "evil.Pipeline", "pt": ["AutoModel"]}}}),
        CODE,
    ),
    "a pipeline class of nobody's": (
        _with(model_index_dot_json={"_class_name": "X", "unet": ["evil", "Net"]}, evil_dot_py="import os"),
        CODE,
    ),
    "custom_generate": (_with(custom_generate__of__generate_dot_py="import os"), CODE),
    "modules.json of nobody's": (
        _with(modules_dot_json=[{"idx": 0, "name": "0", "path": "", "type": "evil.Transformer"}]),
        CODE,
    ),
    "an adapter's auto_mapping": (
        _with(adapter_config_dot_json={"auto_mapping": {"base_model_class": "Net", "parent_library": "evil"}}),
        CODE,
    ),
    "a pickle beside the safetensors": (_with(pytorch_model_dot_bin=_bad), CODE),
    "a pickle of training arguments": (_with(training_args_dot_bin=_bad), CODE),
    "an optimizer's pickle": (_with(optimizer_dot_pt=_bad), CODE),
    "a random state's pickle": (_with(rng_state_dot_pth=_bad), CODE),
    "a pickle under a text's name": (_with(notes_dot_txt=_bad), CODE),
    "what a distributed checkpoint's loader unpickles": (_with(_dot_metadata=_bad), CODE),
    "a pickle under a name that isn't listed": (_with(_dot_pytorch_model_dot_bin=_bad), CODE),
    "a pickle without a name's ending": (_with(weights=_bad), CODE),
    "a pickle in a folder below": (_with(a__of__b__of__c_dot_pt=_bad), CODE),
    "a pickle among many shards": (
        _with(**{f"model-{n:05}_dot_bin": (_bad if n == 17 else torch_zip(assembled({"a": n}))) for n in range(30)}),
        CODE,
    ),
    "a vocabulary that is a pickle": (_with(vocab_dot_pkl=_bad), CODE),
    "a module beside the file": (_beside("evil.py"), CODE),
    "a package beside the file": (_beside("evil/__init__.py"), CODE),
    "a module beside one file": (_beside_one_file, CODE),
    "an index that leaves the folder": (_index(weight="../outside.safetensors"), UNCLEAN),
    "an index with an absolute path": (_index(weight="/etc/passwd"), UNCLEAN),
    "an index with backslashes": (_index(weight="..\\outside.safetensors"), UNCLEAN),
    "an index with a drive": (_index(weight="C:\\model.safetensors"), UNCLEAN),
    "an index that doesn't cover the keys": (_index(other="model-00001-of-00001.safetensors"), UNCLEAN),
    "an index of a file that is missing": (_index(weight="model-00009-of-00009.safetensors"), UNCLEAN),
    "a link out of the folder": (_link("extra.bin", "/etc/passwd"), UNCLEAN),
    "a link to a device": (_link("extra.bin", "/dev/zero"), UNCLEAN),
    "a link that circles": (_link("extra.bin", "extra.bin"), UNCLEAN),
    "a chat template of its own": (_with(chat_template_dot_jinja="{{ " + _CLASS + " }}"), CODE),
    "a chat template in JSON": (_with(chat_template_dot_json={"chat_template": "{{ " + _CLASS + " }}"}), CODE),
    "another chat template": (_with(additional_chat_templates__of__tools_dot_jinja="{{ " + _CLASS + " }}"), CODE),
    "a list of chat templates": (
        _with(
            tokenizer_config_dot_json={
                "chat_template": [
                    {"name": "default", "template": "hello"},
                    {"name": "tools", "template": "{{ " + _CLASS + " }}"},
                ]
            }
        ),
        CODE,
    ),
    "a processor's chat template": (_with(processor_config_dot_json={"chat_template": "{{ " + _CLASS + " }}"}), CODE),
    "a template that isn't one": (_template("{% if %}"), UNCLEAN),
}


def gguf(template: str) -> Callable[[Path], Path]:
    """A GGUF file without tensors whose chat template is that."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def make(folder: Path) -> Path:
        pairs = (("general.architecture", "llama"), ("tokenizer.chat_template", template))
        body = b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in pairs)
        path = folder / "model.gguf"
        data = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + body
        path.write_bytes(data + bytes(-len(data) % 32))
        return path

    return make


SAMPLES: tuple[Sample, ...] = (
    *(
        Sample(f"folder: {name}", make, expected, f"A folder with {name}.")
        for name, (make, expected) in FOLDERS.items()
    ),
    *(
        Sample(f"template: {name}", _template(text), CODE, f"A chat template that uses {name}.")
        for name, text in TEMPLATES.items()
    ),
    *(
        Sample(f"GGUF template: {name}", gguf(text), CODE, f"A GGUF chat template that uses {name}.")
        for name, text in list(TEMPLATES.items())[:6]
    ),
)
