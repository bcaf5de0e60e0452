from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.formats.folder import CONFIGURATIONS, FolderFacts, describe_folder, hub_source
from modelcypher_nb.guard.paths import Guard


def facts(guard: Guard) -> FolderFacts:
    with guard.open(".") as folder:
        present = [entry.name for entry in folder.list() if entry.name in CONFIGURATIONS]
        return describe_folder(folder, configurations=present)


@pytest.mark.parametrize(
    ("config", "architecture"),
    [
        ({"architectures": ["BertModel"], "model_type": "bert"}, "BertModel"),
        ({"architectures": [], "model_type": "bert"}, "bert"),
        ({"architectures": "BertModel", "model_type": "bert"}, "bert"),
        ({"architectures": [1], "model_type": 2}, None),
        ({}, None),
        ([], None),
        ({"architectures": ["Mamba2ForCausalLM"], "time_step_limit": [0.0, float("inf")]}, "Mamba2ForCausalLM"),
    ],
)
def test_the_architecture_is_what_the_configuration_names(
    guard: Guard, tmp_path: Path, config: Any, architecture: str | None
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert facts(guard) == FolderFacts(architecture)


@pytest.mark.parametrize(
    ("name", "config", "says"),
    [
        ("config.json", {"auto_map": {"AutoModel": "modeling_x.XModel"}}, "modeling_x.XModel"),
        ("config.json", {"auto_map": {"AutoModel": "other/repo--modeling_x.XModel"}}, "other/repo--modeling_x.XModel"),
        ("config.json", {"text_config": {"auto_map": {"AutoConfig": "inner.C"}}}, "inner.C"),
        ("config.json", {"layers": [{"auto_map": "listed.C"}]}, "listed.C"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["slow.T", None]}}, "slow.T"),
        ("preprocessor_config.json", {"auto_map": {"AutoProcessor": "p.P"}}, "p.P"),
        ("config.json", {"auto_map": {"AutoModel": "a\u202e.B"}}, "a\\u202e.B"),
    ],
)
def test_a_configuration_that_names_code_is_a_finding_with_the_name(
    guard: Guard, tmp_path: Path, name: str, config: Any, says: str
) -> None:
    (tmp_path / name).write_text(json.dumps(config))
    (finding,) = facts(guard).findings
    assert finding.level == "code"
    assert says in finding.what
    assert finding.where.endswith(f"/{name}")


@pytest.mark.parametrize("config", [{"auto_map": {}}, {"auto_map": None}, {"note": "auto_map"}])
def test_a_configuration_that_only_mentions_auto_map_is_no_finding(guard: Guard, tmp_path: Path, config: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert facts(guard).findings == ()


@pytest.mark.parametrize("text", ["{", '{"auto_map":{"AutoModel":"a.B"},"auto_map":{}}', "\x00", "[" * 100_000])
def test_a_broken_configuration_is_a_finding_and_hides_nothing(guard: Guard, tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    (finding,) = facts(guard).findings
    assert finding.level == "malformed"


def test_an_oversized_configuration_is_not_read(guard: Guard, tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(1 << 40)
    (finding,) = facts(guard).findings
    assert finding.level == "malformed"
    assert "at most" in finding.what


@pytest.mark.parametrize(
    ("card", "found"),
    [
        ("---\nlicense: apache-2.0\n---\n# Title\n", ("apache-2.0", None, None)),
        ("---\r\nlicense: 'mit'  # ours\r\npipeline_tag: text-generation\r\n---\r\n", ("mit", None, "text-generation")),
        ("\ufeff---\nlicense:\n- mit\n- cc\nbase_model: org/base\n---\n", ("mit", "org/base", None)),
        ("---\nlicense: [bsd, mit]\nbase_model:\n  - a/b\n---\n", ("bsd", "a/b", None)),
        ("---\nlicense: other\nlicense_name: llama3\n---\n", ("llama3", None, None)),
        ("---\nlicense: mit\nlicense: gpl\n---\n", ("mit", None, None)),
        ("---\nx:\n  license: nested\n---\nlicense: prose\n", (None, None, None)),
        ("license: mit\n", (None, None, None)),
        ("---\nlicense: |\n  long\n---\n", (None, None, None)),
        ("---\nlicense: &anchor x\n---\n", (None, None, None)),
        ("---\nlicense:\n---\n", (None, None, None)),
        ("", (None, None, None)),
        ("---", (None, None, None)),
    ],
)
def test_the_model_card_tells_license_base_and_task(
    guard: Guard, tmp_path: Path, card: str, found: tuple[str | None, ...]
) -> None:
    (tmp_path / "README.md").write_text(card, newline="")
    told = facts(guard)
    assert (told.license, told.base_model, told.pipeline) == found
    assert told.findings == ()


def test_only_the_first_64_kib_of_a_card_are_read(guard: Guard, tmp_path: Path) -> None:
    with (tmp_path / "README.md").open("wb") as file:
        file.write(b"---\nlicense: mit\n---\n")
        file.truncate(1 << 40)
    assert facts(guard).license == "mit"


COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize(
    ("location", "source"),
    [
        (f"/c/hub/models--org--my-name/snapshots/{COMMIT}", ("org/my-name", COMMIT)),
        (f"/c/hub/models--org--a--b/snapshots/{COMMIT}/model.safetensors", ("org/a--b", COMMIT)),
        (f"/c/hub/models--gpt2/snapshots/{COMMIT}", ("gpt2", COMMIT)),
        ("/c/hub/models--org--name/blobs/abc", ("org/name", None)),
        ("/c/hub/models--org--name/snapshots/main", (None, None)),
        ("/c/models/bert", (None, None)),
    ],
)
def test_a_place_in_the_hubs_cache_tells_repository_and_commit(location: str, source: tuple[str | None, ...]) -> None:
    assert hub_source(location) == source
