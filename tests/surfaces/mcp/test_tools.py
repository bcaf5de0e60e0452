from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelcypher_nb.errors import SettingError
from modelcypher_nb.operations import names
from modelcypher_nb.operations.operation import find
from modelcypher_nb.store.records import JobRecord
from modelcypher_nb.surfaces.mcp.tools import Toolbox, offered
from tests.mcp_served import Served, serve, text_of

READ = (True, False, True, False)
SAFE_WRITE = (False, False, True, False)

# Every tool that any assistant can get, with its hints: read only, destructive, idempotent, open world.
TOOLS = {
    "mc_system_inventory": READ,
    "mc_system_status": READ,
    "mc_kernel_show": READ,
    "mc_settings_show": READ,
    "mc_model_list": READ,
    "mc_model_show": READ,
    "mc_model_scan": READ,
    "mc_model_convert": (False, False, False, False),
    "mc_model_verify": SAFE_WRITE,
    "mc_model_register": SAFE_WRITE,
    "mc_model_tag": SAFE_WRITE,
    "mc_job_list": READ,
    "mc_job_show": READ,
    "mc_job_metrics": READ,
    "mc_job_logs": READ,
    "mc_job_pause": SAFE_WRITE,
    "mc_job_resume": SAFE_WRITE,
    "mc_job_cancel": SAFE_WRITE,
    "mc_job_checkpoint": SAFE_WRITE,
    "mc_job_set": SAFE_WRITE,
    "mc_checkpoint_list": READ,
    "mc_checkpoint_show": READ,
    "mc_checkpoint_verify": SAFE_WRITE,
    "mc_storage_usage": READ,
}
# What only people do, on every surface but this one.
PEOPLE = {
    "system_doctor",
    "settings_set",
    "settings_allow",
    "model_alias",
    "model_trust",
    "train_script",
    "mcp_start",
    "mcp_stop",
    "mcp_status",
    "mcp_config",
    "mcp_audit",
}
ASSISTANT = {
    "mc_system_status",
    "mc_kernel_show",
    "mc_model_list",
    "mc_model_show",
    "mc_model_scan",
    "mc_model_convert",
    "mc_job_list",
    "mc_job_show",
    "mc_job_metrics",
    "mc_job_pause",
    "mc_job_resume",
    "mc_job_cancel",
    "mc_checkpoint_list",
    "mc_storage_usage",
}
PROFILES = {
    "assistant": ASSISTANT,
    "full": set(TOOLS),
    "training": set(TOOLS) - {"mc_system_inventory", "mc_settings_show"},
    "inference": {"mc_system_status", "mc_kernel_show", "mc_model_list", "mc_model_show", "mc_model_scan"},
    "monitoring": {name for name, hints in TOOLS.items() if hints == READ},
}
RESOURCES = {"mc://models", "mc://jobs", "mc://checkpoints", "mc://system", "mc://audit"}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_offers_exactly_its_tools(profile: str) -> None:
    assert set(Toolbox(profile).names) == PROFILES[profile]


def test_every_operation_is_a_tool_or_a_persons() -> None:
    assert {find(name).tool for name in names()} == set(TOOLS) | {find(name).tool for name in PEOPLE}
    assert {name for name in names() if find(name).people_only} == PEOPLE


@pytest.mark.promise("ANNOTATE-1")
def test_all_four_hints_are_said_for_every_tool() -> None:
    said = {}
    for tool in Toolbox("full").listed:
        hints = tool.annotations
        assert hints is not None
        said[tool.name] = (
            hints.read_only_hint,
            hints.destructive_hint,
            hints.idempotent_hint,
            hints.open_world_hint,
        )
    assert said == TOOLS


def test_monitoring_only_reads() -> None:
    assert {operation.effect for operation in offered("monitoring")} == {"read"}


@pytest.mark.promise("CONFIRM-1")
def test_nothing_that_destroys_is_offered() -> None:
    assert not [operation for operation in offered("full") if operation.effect == "destroy"]


def test_the_default_profile_is_small(served: Served) -> None:
    listed = served.use(lambda client: client.list_tools(), mode="legacy")
    assert len(listed.tools) <= 15
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True)) < 24_000


def test_the_full_profile_fits_as_well() -> None:
    assert sum(len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in Toolbox("full").listed) < 24_000


def test_parameters_are_described_once_in_camel_case_with_bounds_and_choices() -> None:
    tools = {tool.name: tool.input_schema for tool in Toolbox("full").listed}
    for schema in tools.values():
        assert schema["additionalProperties"] is False
        assert all(item["description"] for item in schema["properties"].values())
        assert all("_" not in name for name in schema["properties"])
    assert tools["mc_job_list"]["properties"]["status"]["enum"][0] == "queued"
    assert tools["mc_job_metrics"]["properties"]["points"]["maximum"] == 2000
    assert tools["mc_job_set"]["required"] == ["jobId", "learningRate"]
    assert tools["mc_model_scan"]["properties"]["path"]["type"] == "array"


def test_an_answer_is_structured_and_the_same_as_its_text(served: Served) -> None:
    served.session.catalog.add_job(JobRecord("digits-abc123", "digits", "completed", 1.0))
    result = served.call("mc_job_list", limit=5)
    assert result.structured_content is not None
    assert result.structured_content["_schema"] == "mc.job.list.v1"
    assert result.structured_content["items"][0]["id"] == "digits-abc123"
    assert json.loads(text_of(result)) == result.structured_content


def test_a_number_that_json_lacks_still_fits_the_declared_shape(served: Served) -> None:
    served.session.catalog.add_job(JobRecord("digits-abc123", "digits", "failed", 1.0, loss=float("nan")))
    result = served.call("mc_job_show", jobId="digits")  # the SDK's client checks answers against the schema
    assert result.structured_content is not None
    assert result.structured_content["job"].get("loss") is None


@pytest.mark.parametrize(
    ("tool", "arguments", "problem", "remedy"),
    [
        ("mc_job_show", {"jobId": "nothing"}, "nothing", "mc job list"),
        ("mc_job_show", {}, "needs jobId", "Id of the job"),
        ("mc_job_show", {"job": "x"}, "mc_job_show has no parameter 'job'.", "It takes: jobId."),
        ("mc_job_list", {"status": "dead"}, "'dead'", "Give one of: queued"),
        ("mc_job_metrics", {"jobId": "x", "points": 1}, "points is 1", "8 or more"),
        ("mc_model_list", {"cursor": "x"}, "'x' is no cursor.", "Give the cursor of the page before"),
        ("mc_settings_allow", {"path": "/"}, "There is no tool 'mc_settings_allow'", "The tools are: mc_system_status"),
        ("mc_job_logs", {"jobId": "x"}, "There is no tool 'mc_job_logs' in the profile assistant.", "The tools are:"),
    ],
)
def test_a_mistake_is_answered_with_both_sentences(
    served: Served, tool: str, arguments: dict[str, object], problem: str, remedy: str
) -> None:
    result = served.call(tool, **arguments)
    assert result.is_error
    assert problem in text_of(result)
    assert remedy in text_of(result)


@pytest.mark.promise("MCP-5")
def test_every_call_is_audited_once_under_the_clients_name(served: Served) -> None:
    served.call("mc_job_list", as_client="claude")
    served.call("mc_job_show", as_client="claude", jobId="nothing")
    served.call("mc_model_list", as_client="other")
    rows = [(row.principal, row.operation, row.outcome.split(":")[0]) for row in served.session.catalog.audit(10)]
    assert rows == [
        ("assistant:other", "model_list", "done"),
        ("assistant:claude", "job_show", "UnknownIdError"),
        ("assistant:claude", "job_list", "done"),
    ]


def test_a_client_reads_its_own_calls_only(served: Served) -> None:
    served.call("mc_job_list", as_client="claude")
    served.call("mc_model_list", as_client="other")
    assert [row["operation"] for row in served.read("mc://audit", as_client="claude")["items"]] == ["job_list"]


def test_the_resources_are_these(served: Served) -> None:
    listed = served.use(lambda client: client.list_resources())
    templates = served.use(lambda client: client.list_resource_templates())
    assert {str(item.uri) for item in listed.resources} == RESOURCES
    assert [item.uri_template for item in templates.resource_templates] == ["mc://jobs/{id}/metrics"]


def test_a_resource_holds_what_its_operation_gives(served: Served) -> None:
    served.session.catalog.add_job(JobRecord("digits-abc123", "digits", "completed", 1.0))
    assert served.read("mc://jobs") == served.call("mc_job_list").structured_content
    assert served.read("mc://jobs/digits-abc123/metrics")["job"] == "digits-abc123"
    assert served.read("mc://system")["_schema"] == "mc.system.status.v1"


def test_a_profile_hides_the_resources_of_what_it_doesnt_offer(tmp_path: Path) -> None:
    with serve(tmp_path, MC_MCP_PROFILE="inference") as running:
        listed = running.use(lambda client: client.list_resources())
        assert {str(item.uri) for item in listed.resources} == {"mc://models", "mc://system", "mc://audit"}
        assert running.refusal("mc://jobs").startswith("There is no resource 'mc://jobs'. The resources are:")


def test_an_unknown_profile_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="MC_MCP_PROFILE"), serve(tmp_path, MC_MCP_PROFILE="everything"):
        pytest.fail("it started")
