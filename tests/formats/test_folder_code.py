from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcypher_nb.formats import detect
from modelcypher_nb.formats.folder import CONFIGURATIONS
from modelcypher_nb.formats.folder_code import FILES, KEYS, TEMPLATES, TOP_KEYS, judge_configuration
from modelcypher_nb.formats.report import Finding
from modelcypher_nb.guard.paths import Guard
from tests.conftest import safetensors_bytes

REACHES = "{{ ''.__class__ }}"


def judged(name: str, content: Any, *present: str) -> list[Finding]:
    return judge_configuration(name, content, f"/model/{name}", frozenset(present))


CODE: dict[str, tuple[str, Any, str]] = {
    "a class of the folder": ("config.json", {"auto_map": {"AutoModel": "modeling.Net"}}, "modeling.Net"),
    "a class of another repository": ("config.json", {"auto_map": {"AutoModel": "org/repo--m.Net"}}, "org/repo--m.Net"),
    "a tokenizer's class": ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["t.Slow", None]}}, "t.Slow"),
    "a class far below": ("config.json", {"a": [{"b": {"auto_map": "c.D"}}]}, "c.D"),
    "a pipeline": ("config.json", {"custom_pipelines": {"x": {"impl": "pipe.P", "pt": ["AutoModel"]}}}, "pipe.P"),
    "a generate function": ("generation_config.json", {"custom_generate": "org/repo"}, "org/repo"),
    "a model's file for MLX": ("config.json", {"model_file": "net.py"}, "net.py"),
    "a parent library": (
        "adapter_config.json",
        {"auto_mapping": {"base_model_class": "Net", "parent_library": "transformers_modules.x"}},
        "transformers_modules.x.Net",
    ),
    "a module of a known library that holds no models": (
        "adapter_config.json",
        {"auto_mapping": {"base_model_class": "Net", "parent_library": "transformers.dynamic_module_utils"}},
        "transformers.dynamic_module_utils.Net",
    ),
    "a function of a known library": (
        "adapter_config.json",
        {"auto_mapping": {"base_model_class": "get_class", "parent_library": "transformers"}},
        "transformers.get_class",
    ),
    "a core that PEFT imports": ("adapter_config.json", {"megatron_core": "evil", "megatron_config": {}}, "evil"),
    "a kernel": ("config.json", {"attn_implementation": "org/kernel"}, "org/kernel"),
    "a kernel for a part": (
        "config.json",
        {"_attn_implementation": {"text": "org/kernel@main:f"}},
        "org/kernel@main:f",
    ),
    "an activation": ("config.json", {"activation_function": "evil.module.run"}, "evil.module.run"),
    "a function of torch": ("config.json", {"activation_fn": "torch.hub.load"}, "torch.hub.load"),
    "a reranker's activation": ("config.json", {"sbert_ce_default_activation_function": "evil.f"}, "evil.f"),
    "a module's class": ("modules.json", [{"type": "evil.Transformer", "path": ""}], "evil.Transformer"),
    "a function of the library": (
        "modules.json",
        [{"type": "sentence_transformers.util.import_from_string"}],
        "sentence_transformers.util.import_from_string",
    ),
    "a way through a module's imports": (
        "modules.json",
        [{"type": "sentence_transformers.models.os.Transformer"}],
        "sentence_transformers.models.os.Transformer",
    ),
    "a class that is no text": ("modules.json", [{"type": ["evil.X"]}], "['evil.X']"),
    "a route's class": ("router_config.json", {"types": {"query_0": "evil.X"}, "structure": {}}, "evil.X"),
    "a component": ("model_index.json", {"unet": ["evil", "Net"]}, "evil.Net"),
    "a component that is a function": (
        "model_index.json",
        {"unet": ["transformers", "pipeline"]},
        "transformers.pipeline",
    ),
    "a component without a class": ("model_index.json", {"unet": ["transformers"]}, "transformers"),
    "a component of a modular pipeline": (
        "modular_model_index.json",
        {"unet": [None, None, {"type_hint": ["evil", "Run"], "repo": "org/repo"}]},
        "evil.Run",
    ),
    "a pipeline of one's own": ("model_index.json", {"_class_name": ["pipeline", "Mine"]}, "pipeline"),
    "packages to be installed": ("configuration.json", {"plugins": ["evil"]}, "evil"),
}


@pytest.mark.parametrize(("name", "content", "says"), CODE.values(), ids=CODE.keys())
def test_a_configuration_that_names_code_says_which(name: str, content: Any, says: str) -> None:
    (finding,) = judged(name, content)
    assert finding.level == "code"
    assert says in finding.what
    assert (finding.name or "").startswith(says)
    assert finding.where == f"/model/{name}"
    assert finding.remedy


HARMLESS: dict[str, tuple[str, Any]] = {
    "nothing": ("config.json", {}),
    "a list": ("config.json", []),
    "a text": ("config.json", "auto_map"),
    "no map": ("config.json", {"auto_map": {}, "custom_pipelines": None, "custom_generate": ""}),
    "a mention": ("config.json", {"note": "auto_map", "tags": ["custom_generate", "chat_template"]}),
    "an activation by its word": ("config.json", {"activation_function": "gelu_new", "hidden_act": "silu"}),
    "a layer of torch": ("config.json", {"activation_function": "torch.nn.modules.activation.Tanh"}),
    "an attention": ("config.json", {"_attn_implementation": "flash_attention_2", "attn_implementation": None}),
    "PEFT's own defaults": (
        "adapter_config.json",
        {"auto_mapping": None, "megatron_core": "megatron.core", "base_model_name_or_path": "org/base"},
    ),
    "a class of transformers": (
        "adapter_config.json",
        {"auto_mapping": {"base_model_class": "BertModel", "parent_library": "transformers.models.bert.modeling_bert"}},
    ),
    "a pipeline of Diffusers": (
        "model_index.json",
        {
            "_class_name": "StableDiffusionPipeline",
            "_diffusers_version": "0.30.0",
            "feature_extractor": ["transformers", "CLIPImageProcessor"],
            "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
            "image_encoder": [None, None],
            "force_zeros": True,
            "unet": ["diffusers", "UNet2DConditionModel"],
        },
    ),
    "a modular pipeline": (
        "modular_model_index.json",
        {"unet": [None, None, {"type_hint": ["diffusers", "UNet2DConditionModel"]}], "scale": 1.0, "sizes": [1, 2, {}]},
    ),
    "a template": ("tokenizer_config.json", {"chat_template": "{{ messages }}"}),
    "templates": ("tokenizer_config.json", {"chat_template": [{"name": "a", "template": "{{ b }}"}]}),
    "ModelScope's own": ("configuration.json", {"framework": "pytorch", "plugins": [], "allow_remote": False}),
    "a file of that name elsewhere": ("unet/config.json", {"text": {"model_file": "x"}}),
    "types that are no routes": ("config.json", {"types": {"a": "b"}}),
}


@pytest.mark.parametrize(("name", "content"), HARMLESS.values(), ids=HARMLESS.keys())
def test_a_configuration_that_names_no_code_has_no_finding(name: str, content: Any) -> None:
    assert judged(name, content) == []


@pytest.mark.parametrize(
    "name",
    [
        "sentence_transformers.models.Transformer",
        "sentence_transformers.models.Pooling",
        "sentence_transformers.models.Dense.Dense",
        "sentence_transformers.multi_vector_encoder.modules.token_pooling.HierarchicalTokenPooling",
        "sentence_transformers.sparse_encoder.models.SpladePooling",
        "sentence_transformers.base.modules.transformer.Transformer",
        "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    ],
)
def test_a_class_of_sentence_transformers_is_a_remark(name: str) -> None:
    (finding,) = judged("modules.json", [{"type": name, "path": "1_Pooling"}])
    assert (finding.level, finding.name) == ("weights", name)


@pytest.mark.parametrize("path", ["../x", "/etc", "a/../../b", "C:\\x", "a\\b", 7, ["x"]])
def test_a_modules_path_that_leaves_the_folder_is_malformed(path: Any) -> None:
    findings = judged("modules.json", [{"type": "sentence_transformers.models.Pooling", "path": path}])
    assert [finding.level for finding in findings] == ["weights", "malformed"]


@pytest.mark.parametrize(
    "path", ["/home/me/base", "../base", "~/base", "C:\\base", "a/../../b", "file:///x", "\\\\host\\x"]
)
def test_a_base_model_out_of_the_folder_is_a_remark(path: str) -> None:
    (finding,) = judged("adapter_config.json", {"base_model_name_or_path": path})
    assert finding.level == "weights"
    assert "out of this folder" in finding.what


def test_code_that_is_switched_on_in_the_configuration_is_a_remark() -> None:
    (finding,) = judged("sentence_bert_config.json", {"model_args": {"trust_remote_code": True}})
    assert finding.level == "weights"
    assert judged("config.json", {"trust_remote_code": False}) == []


def test_a_components_own_file_outranks_the_librarys_name() -> None:
    content = {"unet": ["diffusers", "UNet2DConditionModel"]}
    assert judged("model_index.json", content, "vae/diffusers.py") == []
    (finding,) = judged("model_index.json", content, "unet/diffusers.py")
    assert (finding.level, finding.name) == ("code", "diffusers.UNet2DConditionModel")
    (finding,) = judged("pipe/model_index.json", content, "pipe/unet/diffusers.py")
    assert finding.level == "code"


def test_modelscopes_leave_to_run_the_folders_code_is_code() -> None:
    (finding,) = judged("configuration.json", {"allow_remote": True})
    assert finding.level == "code"


@pytest.mark.parametrize(
    ("content", "member"),
    [
        ({"chat_template": REACHES}, "chat_template"),
        ({"chat_template": [{"name": "a", "template": "x"}, {"name": "b", "template": REACHES}]}, "chat_template[b]"),
        ({"chat_template": [REACHES]}, "chat_template[0]"),
        ({"chat_template": {"tools": REACHES}}, "chat_template[tools]"),
        ({"chat_template": {"tools": [{"deep": REACHES}]}}, "chat_template[tools]"),
        ({"processor": {"chat_template": REACHES}}, "chat_template"),
    ],
)
@pytest.mark.parametrize("name", ["tokenizer_config.json", "processor_config.json", "chat_template.json"])
def test_every_template_of_a_configuration_is_judged(name: str, content: Any, member: str) -> None:
    (finding,) = judged(name, content)
    assert (finding.level, finding.member) == ("code", member)


def test_the_templates_of_a_configuration_are_bounded_together() -> None:
    findings = judged("tokenizer_config.json", {"chat_template": ["{{ a }}".ljust(60_000)] * 5})
    assert [(finding.level, finding.rule) for finding in findings] == [("malformed", "template-limit")]


def test_many_findings_are_counted_and_stay_code() -> None:
    findings = judged("config.json", [{"auto_map": f"a.B{number}"} for number in range(200)])
    assert len(findings) == 51
    assert findings[-1].level == "code"
    remarks = judged("config.json", [{"trust_remote_code": True}] * 200 + [{"auto_map": "a.B"}])
    assert "code" in {finding.level for finding in remarks}


NAMES = sorted({*CONFIGURATIONS, *FILES})
WORDS = sorted(
    {
        *KEYS,
        *TEMPLATES,
        *(key for keys in TOP_KEYS.values() for key in keys),
        "types",
        "structure",
        "type",
        "path",
        "name",
    }
)
TEXTS = [REACHES, "a.B", "../x"]
KEY = st.sampled_from(WORDS) | st.text(max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(NAMES), VALUES)
@settings(max_examples=500, deadline=None)
def test_any_json_is_judged(name: str, content: Any) -> None:
    assert {finding.level for finding in judged(name, content, "unet/diffusers.py")} <= {"code", "malformed", "weights"}


@pytest.mark.parametrize("key", ["auto_map", "chat_template", "_attn_implementation", "custom_pipelines"])
def test_a_value_that_nests_as_deep_as_json_allows_is_judged(key: str) -> None:
    deep: Any = REACHES + "/"
    for _ in range(20_000):
        deep = [deep]
    assert {finding.level for finding in judged("config.json", {key: deep})} == {"code"}


def model(folder: Path, files: dict[str, str]) -> None:
    (folder / "model.safetensors").write_bytes(safetensors_bytes({"a": (2,)}))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def examined(guard: Guard) -> list[Finding]:
    with guard.open(".") as folder:
        return list(detect.examine(folder).verdict.findings)


@pytest.mark.parametrize(
    "name",
    [
        "chat_template.jinja",
        "additional_chat_templates/tools.jinja",
        "a/b/c.jinja2",
        "x.j2",
        "chat_template.jinja".upper(),
    ],
)
def test_a_template_in_a_file_of_its_own_is_judged(guard: Guard, tmp_path: Path, name: str) -> None:
    model(tmp_path, {name: REACHES})
    (finding,) = examined(guard)
    assert (finding.level, finding.name) == ("code", "__class__")
    assert finding.where.endswith(name)


def test_a_template_file_beyond_any_real_one_is_malformed(guard: Guard, tmp_path: Path) -> None:
    model(tmp_path, {})
    with (tmp_path / "chat_template.jinja").open("wb") as file:
        file.truncate(1 << 40)
    assert [finding.level for finding in examined(guard)] == ["malformed"]


def test_python_code_beside_the_weights_is_a_remark(guard: Guard, tmp_path: Path) -> None:
    model(tmp_path, {"modeling.py": "import os", "lib/net.so": "", "config.json": "{}"})
    (finding,) = examined(guard)
    assert finding.level == "weights"
    assert "lib/net.so, modeling.py" in finding.what
    assert "nothing here runs it" in finding.what


@pytest.mark.parametrize("name", ["custom_generate/generate.py", "a/custom_generate/generate.py"])
def test_a_generate_function_of_the_folder_is_code(guard: Guard, tmp_path: Path, name: str) -> None:
    model(tmp_path, {name: "import os"})
    assert [finding.level for finding in examined(guard)] == ["code", "weights"]


@pytest.mark.parametrize("name", [*sorted(CONFIGURATIONS), "CONFIG.JSON"])
def test_every_configuration_is_found_at_any_depth(guard: Guard, tmp_path: Path, name: str) -> None:
    model(tmp_path, {f"below/{name}": json.dumps({"auto_map": {"AutoModel": "a.B"}})})
    (finding,) = examined(guard)
    assert (finding.level, finding.name) == ("code", "a.B")
    assert finding.where.endswith(f"below/{name}")


@pytest.mark.parametrize("name", ["config.json", "chat_template.jinja", "modeling.bin"])
def test_a_link_out_of_the_folder_is_a_finding(guard: Guard, tmp_path: Path, name: str) -> None:
    model(tmp_path, {})
    (tmp_path / name).symlink_to("/etc/passwd")
    findings = examined(guard)
    assert findings
    assert {finding.level for finding in findings} <= {"unsupported", "malformed"}


def test_a_component_of_the_folders_own_code_is_found_through_the_door(guard: Guard, tmp_path: Path) -> None:
    index = {"_class_name": "X", "unet": ["diffusers", "UNet2DConditionModel"]}
    model(tmp_path, {"model_index.json": json.dumps(index), "unet/diffusers.py": "import os"})
    assert [finding.level for finding in examined(guard)] == ["code", "weights"]
