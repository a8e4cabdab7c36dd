"""The dashboard's server without a browser: security headers, refused requests, malformed requests, downloads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeModel, wait_for_jobs

from dashboard.app import create_app, is_loopback, serve, service
from dashboard.choice import checked, default_choice
from dashboard.model import Settings
from dashboard.pages.control_callbacks import PARTS, STATUS

if TYPE_CHECKING:
    from dash import Dash


@pytest.fixture(scope="module")
def app() -> Iterator[Dash]:
    """An application with the fake model, without a server."""
    app = create_app(Settings(seeds=5), FakeModel())
    yield app
    service(app).store.close()


def test_every_answer_has_the_headers(app: Dash) -> None:
    """Pages, data and refusals have a strict content policy, and allow no content sniffing and no frames."""
    client = app.server.test_client()
    answers = [
        client.get("/"),
        client.get("/_dash-layout"),
        client.get("/nothing"),
        client.get("/", headers={"Host": "x"}),
    ]

    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe" not in scripts
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost", "LOCALHOST:80", "[::1]:8050"])
def test_names_of_this_computer_are_accepted(app: Dash, host: str) -> None:
    """This computer's names are accepted, with or without a port."""
    assert app.server.test_client().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8050", "10.0.0.1", ""]
)
def test_strange_host_names_are_refused(app: Dash, host: str) -> None:
    """A request with another host name is refused on every path."""
    client = app.server.test_client()
    for path in ("/", "/_dash-layout", "/download/comparison.csv", "/assets/style.css"):
        assert client.get(path, headers={"Host": host}).status_code in (400, 403)


def test_requests_of_other_sites_are_refused(app: Dash) -> None:
    """A request from another site's page, or not in JSON, or too large, is refused."""
    client = app.server.test_client()
    update = "/_dash-update-component"

    assert client.post(update, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post(update, json={}, headers={"Origin": "null"}).status_code == 403
    assert client.post(update, json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(update, data="x", content_type="text/plain").status_code == 415
    assert client.post(update, data={"a": "b"}).status_code == 415
    assert client.post(update, data=b"x" * 3_000_000, content_type="application/json").status_code == 413


def test_errors_show_no_traceback(app: Dash) -> None:
    """A wrong request is answered without a traceback or names of the server; there is no debugger."""
    client = app.server.test_client()
    answer = client.post("/_dash-update-component", json={"output": "no.such", "inputs": []})

    assert answer.status_code >= 400
    for text in (answer.get_data(as_text=True), client.get("/?__debugger__=yes").get_data(as_text=True)):
        assert "Traceback" not in text
        assert "werkzeug" not in text.lower()
    assert not app.server.debug


def request_of_poll(data: Any = None) -> dict[str, Any]:
    """The request that the page makes while runs continue, with the choice in the browser's store."""
    outputs = [{"id": name, "property": prop} for name, prop in STATUS]
    names = ("choice", "session", "shown", *(f"drawn-{part}" for part in PARTS))
    state = [{"id": f"compare-{name}", "property": "data"} for name in names]
    state[0]["value"] = data
    return {
        "outputs": outputs,
        "inputs": [{"id": "compare-poll", "property": "n_intervals", "value": 1}],
        "changedPropIds": ["compare-poll.n_intervals"],
        "state": state,
    }


def poll(app: Dash, request: Any) -> tuple[int, str]:
    """The status and the text of the answer to a request for the progress, or to another body."""
    client = app.server.test_client()
    client.get("/_dash-dependencies")  # Dash registers callbacks with the first request
    if isinstance(request, dict) and "output" not in request:
        request = {
            "output": next(name for name in app.callback_map if "compare-ended" in name and "compare-link" not in name)
        } | request
    answer = client.post("/_dash-update-component", json=request)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_request_of_the_page_is_answered(app: Dash) -> None:
    """The checks of a request let those of the page pass."""
    assert poll(app, request_of_poll())[0] == 200
    assert poll(app, request_of_poll({"levers": {"prevention_share": 0.05}}))[0] == 200


def test_a_request_with_lists_of_components_is_answered(app: Dash) -> None:
    """The first request of the page, which has the value of every slider, passes the checks too."""
    sliders = [
        {"id": {"name": name, "type": "compare-lever-slider"}, "property": "value", "value": lever.baseline}
        for name, lever in service(app).index.levers.items()
    ]
    app.server.test_client().get("/_dash-dependencies")
    output = next(name for name in app.callback_map if name.startswith("..compare-place.value"))
    texts = [each.rsplit(".", 1) for each in output.strip(".").split("...")]
    outputs = [sliders if "ALL" in component else {"id": component, "property": prop} for component, prop in texts]
    request = {
        "output": output,
        "outputs": outputs,
        "inputs": [
            {"id": "compare-url", "property": "search", "value": "?place=wigan"},
            {"id": "compare-back", "property": "data"},
        ],
        "changedPropIds": ["compare-url.search"],
        "state": [sliders],
    }
    status, text = poll(app, request)
    assert status == 200, text
    assert json.loads(text)["response"]["compare-place"]["value"] == "wigan"
    assert poll(app, request | {"outputs": [*outputs[:-3], [], *outputs[-2:]]})[0] == 400
    assert poll(app, request | {"state": sliders})[0] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"output": None},
        {"output": "no.such"},
        {"output": ["..compare-status.children.."]},
        {"output": "compare-nothing.data"},  # a callback that runs in the browser
        {"inputs": None},
        {"inputs": []},
        {"inputs": {"id": "compare-poll"}},
        {"inputs": ["compare-poll"]},
        {"inputs": [{"id": "compare-poll", "property": 3}]},
        {"inputs": [{"id": "compare-other", "property": "n_intervals"}]},
        {"inputs": [[{"id": "compare-poll", "property": "n_intervals"}]]},
        {"inputs": [{"id": {"type": ["x"]}, "property": "n_intervals"}]},
        {"state": None},
        {"state": [1, 2, 3, 4, 5, 6]},
        {"outputs": None},
        {"outputs": {}},
        {"outputs": [1, 2, 3, 4, 5, 6]},
        {"outputs": []},
        {"outputs": [[{"id": "compare-status", "property": "children"}]] * 6},
        {"outputs": [{"id": "compare-status", "property": "children"}] * 6},
        {"changedPropIds": 3},
        {"changedPropIds": [3]},
        {"changedPropIds": ["no-point"]},
        {"changedPropIds": ["{.value"]},
    ],
    ids=str,
)
def test_a_malformed_request_is_a_wrong_request(app: Dash, change: dict[str, Any]) -> None:
    """A request of another shape than the page's gets status 400 and a sentence, not an error of the server."""
    status, text = poll(app, request_of_poll() | change)
    assert status == 400, text
    assert text.startswith("The ")


@pytest.mark.parametrize("body", [[], "", 3, [1], {"output": "x"}], ids=repr)
def test_a_body_that_is_no_request_is_a_wrong_request(app: Dash, body: Any) -> None:
    """JSON that is not an object of a request gets status 400."""
    assert poll(app, body)[0] == 400


def test_json_that_cannot_be_read_is_a_wrong_request(app: Dash) -> None:
    """Truncated JSON, brackets without end and a number of 5,000 digits get status 400."""
    client = app.server.test_client()
    for body in (
        "{",
        "null",
        "[" * 100_000,
        '{"output": ' + "9" * 5_000 + "}",
        "\udcff".encode("utf-8", "surrogatepass"),
    ):
        answer = client.post("/_dash-update-component", data=body, content_type="application/json")
        assert answer.status_code == 400, body[:20]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (3, ""),
        ([], ""),
        ("text", ""),
        ({"levers": 3}, "levers"),
        ({"levers": ["threshold"]}, "levers"),
        ({"levers": {"threshold": [0.4]}}, "levers.threshold"),
        ({"levers": {"threshold": True}}, "levers.threshold"),
        ({"targets": [1]}, "targets"),
        ({"targets": {"threshold": "gp"}}, "targets.threshold"),
        ({"targets": {"threshold": {"service": "gp"}}}, "targets.threshold.service"),
        ({"targets": {"threshold": {"ages": [[1]]}}}, "targets.threshold.ages"),
        ({"compare": "salami-slice"}, "compare"),
        ({"show": [{}]}, "show"),
        ({"seeds": [5]}, "seeds"),
        ({"over": True}, "over"),
        ({"place": {}}, "place"),
        ({"start": 3}, "start"),
    ],
)
def test_wrong_types_in_the_pages_data_are_an_input_error(app: Dash, data: Any, key: str) -> None:
    """Data of other types than the page's are refused with the key, what was wanted and what came, and status 400."""
    status, text = poll(app, request_of_poll(data))
    assert status == 400
    assert text.startswith(f"page data: {key}: wanted " if key else "page data: wanted ")


def test_numbers_beyond_a_float_are_out_of_range(app: Dash) -> None:
    """JSON has whole numbers of any size; one that no lever can have is left out, like any other."""
    levers = {"threshold": 10**400, "caseload": float("inf"), "no-lever": 10**4000}
    assert poll(app, request_of_poll({"levers": levers, "seeds": 10**400}))[0] == 200
    choice, said = checked({"levers": levers, "seeds": 10**400}, service(app).index)
    assert choice == default_choice(service(app).index)
    assert len(said) == 4


def test_the_page_is_accessible_without_scripts(app: Dash) -> None:
    """Before any script runs the page has a language, a title and a link to the results."""
    text = app.server.test_client().get("/").get_data(as_text=True)

    assert '<html lang="en">' in text
    assert "<title>Upstream: compare policies</title>" in text
    assert 'href="#results">Skip to the results' in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_only_this_computer_by_default() -> None:
    """An address that other computers can reach is refused with a reason."""
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        assert not is_loopback(host)
        with pytest.raises(ValueError, match="no login"):
            serve(host, 0)


def test_downloads_have_the_shown_results(app: Dash) -> None:
    """Before the runs are complete a download is refused; afterwards it has the document's numbers."""
    client = app.server.test_client()
    early = client.get("/download/comparison.csv?compare=austerity")
    assert early.status_code == 409
    assert "not finished" in early.get_data(as_text=True)

    stand = service(app)
    wanted = replace(default_choice(stand.index), scenarios=("austerity",)).jobs(stand.index)
    stand.store.submit("test", wanted)
    wait_for_jobs(stand.store, *wanted)

    table = client.get("/download/comparison.csv?compare=austerity")
    assert table.status_code == 200
    assert "attachment" in table.headers["Content-Disposition"]
    assert "£ per person per year" in table.get_data(as_text=True)
    document = json.loads(client.get("/download/comparison.json?compare=austerity").get_data(as_text=True))
    assert document == stand.store.document(wanted[0].digest)
    assert client.get("/download/comparison.csv?compare=nothing").status_code == 409
    amounts = client.get("/download/money.csv?compare=austerity").get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert "austerity,Austerity,20,spending.nhs,NHS,£ a person,-135,-141.75,-128.25,-162,-108" in amounts
    assert "nan" not in " ".join(amounts)
    assert client.get("/download/money.csv?compare=nothing").status_code == 409

    assert client.get("/download/your-policy.toml").status_code == 409
    download = client.get("/download/your-policy.toml?policies.threshold=0.6")
    assert "attachment" in download.headers["Content-Disposition"]
    assert 'lever = "threshold"\nvalue = 0.6' in download.get_data(as_text=True)
