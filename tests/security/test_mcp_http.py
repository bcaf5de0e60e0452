"""Attacks on the HTTP door: the codes in the names are those of the threat list (A: token, H: host, D: denial)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp_served import ACCEPT, Served, initialize, serve, standing

__all__ = ["standing"]

ROUTES = ("/mcp", "/", "/mcp/", "/.well-known/oauth-protected-resource", "/sse", "/nothing")


@pytest.fixture
def served(standing: Served) -> Served:
    """One server for all attacks: each must leave it as it was."""
    return standing


def raw(served: Served, request: bytes) -> bytes:
    """Send bytes as they are; gives what comes back before the connection ends or falls silent."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        answer = b""
        try:
            connection.sendall(request)
            while b"\r\n\r\n" not in answer:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            return answer  # it hung up on us, which is an answer too
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


# ── A1, A17: the token ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", [path for path in ROUTES if not path.startswith("/.well-known")])
@pytest.mark.promise("MCP-2")
def test_a1_every_route_wants_a_token(served: Served, method: str, path: str) -> None:
    status, headers, body = served.request(method, path)
    assert status == 401
    assert headers["www-authenticate"] == "Bearer"  # bare: there is no login to be led to
    assert "set-cookie" not in headers
    assert served.token not in body


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer null",
        "Basic {token}",
        "{token}",
        "Bearer {half}",
        "Bearer {token}x",
        "Bearer {token} {token}",
        "Bearer {upper}",
        "Bearer  \t{half}",
        "Bearer {token},Bearer {token}",
        "Bearer \xff\xfe",
    ],
)
def test_a1_garbage_is_no_token(served: Served, authorization: str) -> None:
    token = served.token
    text = authorization.format(token=token, half=token[:20], upper=token.swapcase())
    assert served.post(initialize(), Authorization=text)[0] == 401


def test_a1_a_huge_token_is_refused_and_the_server_lives(served: Served) -> None:
    answer = raw(
        served,
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer ".encode()
        + b"x" * 100_000
        + b"\r\n\r\n",
    )
    assert status_of(answer) in {0, 400, 401, 431}
    assert served.post(initialize())[0] == 200


def test_a1_the_scheme_is_read_in_any_case(served: Served) -> None:
    assert served.post(initialize(), Authorization=f"bearer {served.token}")[0] == 200


def test_a17_a_token_elsewhere_is_no_token(served: Served) -> None:
    token, body = served.token, json.dumps(initialize()).encode()
    headers = {"Content_Type": "application/json", "Accept": ACCEPT}
    for path in (f"/mcp?access_token={token}", f"/mcp?token={token}", f"/mcp/{token}", f"/mcp#{token}"):
        assert served.request("POST", path, body, **headers)[0] == 401
    assert served.request("POST", "/mcp", body, **headers, Cookie=f"access_token={token}")[0] == 401
    assert served.request("POST", "/mcp", f"access_token={token}".encode(), **headers)[0] == 401
    assert served.request("POST", "/mcp", body, **headers, X_Api_Key=token)[0] == 401
    assert served.request("POST", "/mcp", body, **headers, Proxy_Authorization=f"Bearer {token}")[0] == 401


@pytest.mark.parametrize("second", ["Bearer x", "Bearer {token}", "Basic x"])
def test_a17_two_authorization_headers_are_none(served: Served, second: str) -> None:
    body = json.dumps(initialize())
    request = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.token}\r\n"
        f"Authorization: {second.format(token=served.token)}\r\nContent-Type: application/json\r\n"
        f"Accept: {ACCEPT}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    assert status_of(raw(served, request.encode())) == 401


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/.well-known/",
    ],
)
def test_there_is_no_authorization_server_to_find(served: Served, path: str) -> None:
    assert served.request("GET", path)[0] == 404


# ── H1 to H5: host and origin ───────────────────────────────────────────────────


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.evil.example",
        "evil.127.0.0.1:{port}",
        "[::1]:{port}",
        "localhost:{port}",
        "0.0.0.0:{port}",
        "127.0.0.1:{port}@evil.example",
        "127.0.0.1:0{port}",
        "127.1:{port}",
        "2130706433:{port}",
    ],
)
@pytest.mark.promise("MCP-2")
def test_h1_another_host_is_misdirected_on_every_route(served: Served, host: str, path: str) -> None:
    status, _, body = served.request(
        "POST", path, b"{}", Host=host.format(port=served.port), Authorization=f"Bearer {served.token}"
    )
    assert status == 421
    assert str(served.port) not in body


@pytest.mark.parametrize(
    "lines",
    ["", "Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n", "Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"],
)
def test_h1_a_missing_or_double_host_is_a_bad_request(served: Served, lines: str) -> None:
    request = f"POST /mcp HTTP/1.1\r\n{lines.format(port=served.port)}Content-Length: 0\r\n\r\n"
    assert status_of(raw(served, request.encode())) == 400


def test_h1_the_old_protocol_without_a_host_is_misdirected(served: Served) -> None:
    assert status_of(raw(served, b"GET /mcp HTTP/1.0\r\n\r\n")) == 421


def test_h1_an_absolute_address_doesnt_stand_in_for_the_host(served: Served) -> None:
    request = f"GET http://127.0.0.1:{served.port}/mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    assert status_of(raw(served, request.encode())) == 421


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "https://127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}/",
        "vscode-webview://x",
        "",
    ],
)
@pytest.mark.promise("MCP-2")
def test_h2_another_origin_is_forbidden_on_every_route(served: Served, origin: str, path: str) -> None:
    headers = {"Origin": origin.format(port=served.port), "Authorization": f"Bearer {served.token}"}
    status, answered, _ = served.request("POST", path, b"{}", **headers)
    assert status == 403
    assert not [name for name in answered if name.startswith("access-control")]


def test_h2_our_own_origin_is_let_in(served: Served) -> None:
    assert served.post(initialize(), Origin=f"http://127.0.0.1:{served.port}")[0] == 200


def test_h3_the_place_is_checked_before_the_token_and_the_size(served: Served) -> None:
    assert served.request("POST", "/mcp", b"", Host="evil.example")[0] == 421
    assert served.request("POST", "/mcp", b"", Origin="null")[0] == 403
    assert served.request("POST", "/mcp", b"x", Host="evil.example", Content_Length="1")[0] == 421


def test_h4_a_preflight_is_refused_and_grants_nothing(served: Served) -> None:
    headers = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
    status, answered, _ = served.request("OPTIONS", "/mcp", **headers)
    assert status == 403
    assert not [name for name in answered if name.startswith("access-control")]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_h4_a_form_cant_call(served: Served, kind: str) -> None:
    status, _, body = served.post(initialize(), Content_Type=kind)
    assert status in {400, 415}
    assert "serverInfo" not in body


@pytest.mark.promise("MCP-2")
def test_h5_it_listens_on_the_loopback_address_alone(served: Served) -> None:
    port = f"{served.port:04X}"
    tables = [Path("/proc/net/tcp").read_text(), Path("/proc/net/tcp6").read_text()]
    listening = [row.split()[1] for table in tables for row in table.splitlines() if row.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port}")] == [f"0100007F:{port}"]


# ── D1, D6, D7: denial ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("length", [(1 << 20) + 1, 1 << 40, 10**30])
def test_d1_a_body_that_says_it_is_too_large_isnt_read(served: Served, length: int) -> None:
    request = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    assert status_of(raw(served, request.encode())) in {400, 413}


@pytest.mark.promise("MCP-4")
def test_d1_a_body_in_pieces_without_a_length_is_counted(served: Served) -> None:
    def pieces() -> Iterator[bytes]:
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {served.token}\r\n"
            f"Content-Type: application/json\r\nAccept: {ACCEPT}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        yield head.encode()
        for _ in range(20):
            yield b"10000\r\n" + b" " * 0x10000 + b"\r\n"

    assert status_of(raw(served, b"".join(pieces()))) in {0, 413}
    assert served.post(initialize())[0] == 200


def test_d1_a_body_just_within_the_limit_is_read(served: Served) -> None:
    body = json.dumps(initialize()).encode()
    assert served.post(body + b" " * ((1 << 20) - len(body)))[0] == 200


def test_d4_a_valid_call_is_served_beside_sixty_half_open_connections(served: Served) -> None:
    half = [socket.create_connection(("127.0.0.1", served.port), timeout=20) for _ in range(60)]
    try:
        for connection in half:
            connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: ")
        assert served.post(initialize())[0] == 200
    finally:
        for connection in half:
            connection.close()


def call_with(arguments: str) -> bytes:
    return (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mc_job_show","arguments":'
        + arguments.encode()
        + b"}}"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"jobId":' * 5_000 + "1" + "}" * 5_000,
        '{"jobId":' + "9" * 10_000 + "}",
        '{"jobId":NaN}',
        '{"jobId":-Infinity}',
        '{"jobId":"a","jobId":"b"}',
        '{"jobId":"\\ud800"}',
        '{"jobId":1}{',
        "",
    ],
    ids=["deep", "nested", "digits", "nan", "infinity", "twice", "surrogate", "trailing", "nothing"],
)
def test_d7_json_that_reads_in_two_ways_or_not_at_all_is_refused(served: Served, arguments: str) -> None:
    status, _, body = served.post(call_with(arguments))
    assert status == 400
    assert len(body) < 500
    assert served.post(initialize())[0] == 200


@pytest.mark.parametrize(
    "arguments",
    [
        {"jobId": "x", "points": 10**30},
        {"jobId": "x", "points": 1e308},
        {"jobId": 5},
        {"jobId": ["x"]},
        {"jobId": {"a": 1}},
        {"jobId": True},
        {"jobId": "x", "names": 5},
        {"jobId": "x", "names": {"a": 1}},
        {"jobId": "x", "names": [["loss"]]},
    ],
)
def test_d7_a_value_of_the_wrong_kind_is_the_callers_mistake(served: Served, arguments: dict[str, object]) -> None:
    result = served.call("mc_job_metrics", **arguments)
    assert result.is_error
    text = "".join(block.text for block in result.content if block.type == "text")
    assert "fault of modelcypher_nb" not in text
    assert "Traceback" not in text


def test_d7_a_hundred_thousand_keys_are_a_short_refusal(served: Served) -> None:
    result = served.call("mc_job_show", **{f"k{number}": 0 for number in range(60_000)})
    assert result.is_error
    assert len(result.model_dump_json()) < 2_000
    assert served.session.catalog.audit(1)[0].outcome.startswith("UsageError")


@pytest.mark.promise("MCP-4")
def test_d6_calls_beyond_the_burst_are_delayed_and_not_refused(tmp_path: Path) -> None:
    with serve(tmp_path, MC_MCP_RATE="20", MC_MCP_BURST="2") as running:
        assert {running.post(initialize())[0] for _ in range(6)} == {200}
