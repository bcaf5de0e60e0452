"""Benign model folders: what the Hub's models carry beside their weights, chat templates foremost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcypher_nb.formats.report import Level

from .assembler import assembled
from .containers import tensor, torch_zip
from .hostile_folders import gguf, safetensors_bytes
from .sample import Sample

__all__ = ["SAMPLES"]

CLEAN: frozenset[Level] = frozenset({"weights"})
HARMLESS: frozenset[Level] = frozenset({"weights", "data"})

# In the manner of the templates that models are published with.
TEMPLATES = {
    "a loop": "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}",
    "ChatML": (
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'}}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    ),
    "exceptions": (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Roles must alternate') }}{% endif %}{{ message.content | trim }}{% endfor %}"
    ),
    "a namespace": (
        "{%- set ns = namespace(found=false, index=messages|length - 1) -%}{%- for message in messages[::-1] -%}"
        "{%- if message.role == 'user' and not ns.found -%}{%- set ns.found = true -%}{%- endif -%}{%- endfor -%}"
        "{{ ns.index }}"
    ),
    "tools": (
        "{%- if tools %}{%- for tool in tools %}{{ tool | tojson(indent=4) }}"
        "{%- if not loop.last %}{{ ', ' }}{%- endif %}"
        "{%- endfor %}{%- endif %}{{ strftime_now('%d %b %Y') }}"
    ),
    "macros": (
        "{%- macro render(items, depth=0) -%}{%- for key, value in items.items() -%}{{ '  ' * depth ~ key }}: "
        "{%- if value is mapping -%}{{ render(value, depth + 1) }}{%- else -%}{{ value|string }}"
        "{%- endif -%}{%- endfor -%}"
        "{%- endmacro -%}{{ render({'a': {'b': 1}}) }}"
    ),
    "methods of texts": (
        "{% for m in messages %}{% set parts = m.content.split('</think>') %}"
        "{{ parts[-1].lstrip('\\n').strip().upper() }}"
        "{% if m.content.startswith('x') and m.content.endswith('y') %}{{ m.content.replace('a', 'b') }}{% endif %}"
        "{% endfor %}"
    ),
    "filters": (
        "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | join(', ') }}"
        "{{ messages | rejectattr('role', 'equalto', 'tool') | list | length }}{{ bos_token | default('') | upper }}"
    ),
    "frightening texts": "{{ 'Never run os.system or __import__ or eval()' }}{# __class__ #}",
    "generation blocks": "{% for m in messages %}{% generation %}{{ m['content'] }}{% endgeneration %}{% endfor %}",
    "loop controls": (
        "{% for m in messages %}{% if m.role == 'x' %}{% continue %}{% endif %}{{ m.content }}{% break %}{% endfor %}"
    ),
    "a filter block": (
        "{% filter trim %} hello {% endfilter %}{{ loop_messages is defined and loop_messages is not none }}"
    ),
}


def _folder(files: dict[str, Any]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        model = folder / "model"
        model.mkdir()
        (model / "model.safetensors").write_bytes(safetensors_bytes("weight"))
        for name, content in files.items():
            path = model / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
        return model

    return make


_CONFIG = {"config.json": {"model_type": "bert", "architectures": ["BertModel"], "torch_dtype": "float32"}}
_SENTENCES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
_ADAPTER = {"peft_type": "LORA", "r": 8, "auto_mapping": None, "base_model_name_or_path": "org/base"}
_INDEX = {"metadata": {"total_size": 4}, "weight_map": {"weight": "model.safetensors"}}
_PIPELINE = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
FOLDERS: dict[str, tuple[dict[str, Any], frozenset[Level]]] = {
    "a bare model": (_CONFIG, CLEAN),
    "a model with its card and words": (
        _CONFIG
        | {
            "README.md": "---\nlicense: mit\n---\nRun `python train.py`, then os.system isn't needed.\n",
            "tokenizer.json": {"version": "1.0", "model": {"vocab": {"eval": 1, "__import__": 2}}},
            "vocab.txt": "can\nit\nbe\n",
            "merges.txt": "#version: 0.2\ne v\n",
            "special_tokens_map.json": {"cls_token": "[CLS]"},
            "generation_config.json": {"do_sample": True},
            ".gitattributes": "*.bin filter=lfs\n",
        },
        CLEAN,
    ),
    "sentence transformers": (
        _CONFIG | {"modules.json": _SENTENCES, "1_Pooling/config.json": {"pooling_mode_mean_tokens": True}},
        HARMLESS,
    ),
    "an adapter": ({"adapter_config.json": _ADAPTER}, CLEAN),
    "an index": (_CONFIG | {"model.safetensors.index.json": _INDEX}, CLEAN),
    "a pipeline": (
        {"model_index.json": _PIPELINE, "unet/config.json": {"_class_name": "UNet2DConditionModel"}},
        HARMLESS,
    ),
    "a checkpoint beside": (_CONFIG | {"pytorch_model.bin": torch_zip(assembled({"weight": tensor()}))}, HARMLESS),
    "an auto_map of nothing": ({"config.json": {"model_type": "bert", "auto_map": {}}}, HARMLESS),
}


SAMPLES: tuple[Sample, ...] = (
    *(Sample(f"folder: {name}", _folder(files), level, f"{name}.") for name, (files, level) in FOLDERS.items()),
    *(
        Sample(
            f"template: {name}",
            _folder(_CONFIG | {"tokenizer_config.json": {"chat_template": text}}),
            CLEAN,
            f"A chat template with {name}.",
        )
        for name, text in TEMPLATES.items()
    ),
    *(Sample(f"GGUF template: {name}", gguf(text), CLEAN, f"A GGUF with {name}.") for name, text in TEMPLATES.items()),
)
