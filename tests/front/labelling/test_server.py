"""The server over HTTP: who is let in, what is refused, and that no model's name leaves it."""

from __future__ import annotations

import csv
import http.client
import json
import socket

import pytest

from lmms_eval_ja.labelling.gathering import Wish
from lmms_eval_ja.labelling.server import LabelServer
from support.labelled import MODELS, WILD, write_results

#: Every address of this machine.
ANYWHERE = "0.0.0.0"  # noqa: S104 (a server for others is what the test is about)


@pytest.fixture
def server(served, results, tmp_path):
    with served(Wish(results, tasks=(WILD,), seed=5), tmp_path / "labels.csv") as running:
        yield running


def ask(server, path, method="GET", body=None, *, token=None, **headers):
    """Status, headers and body of a request; a body that is no text is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
        named.setdefault("Content-Type", "application/json")
    connection.request(method, f"/{server.token if token is None else token}/{path}", body, named)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


def overview(server, rater="A"):
    return json.loads(ask(server, f"api/overview?rater={rater}")[2])


def rate(server, **said):
    return ask(server, "api/rate", "POST", {"rater": "A"} | said)


def test_page_files_have_a_strict_policy_and_nothing_from_elsewhere(server):
    for path, kind in (
        ("", "text/html"),
        ("label.css", "text/css"),
        ("base.css", "text/css"),
        ("strings.js", "text/javascript"),
        ("label.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        status, headers, body = ask(server, path)
        assert (status, headers.get_content_type()) == (200, kind)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert b"http://" not in body.replace(b"http://www.w3.org/", b"")
        assert b"https://" not in body


def test_only_those_who_know_the_token_are_let_in(server):
    for token in ("", "x" * len(server.token), server.token[:-1], server.token + "%20"):
        status, _, body = ask(server, "api/overview?rater=A", token=token)
        assert status == 403
        assert b"items" not in body
    assert ask(server, "api/overview?rater=A")[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.0.2.1", "", "[::"])
def test_a_name_that_is_not_this_machines_is_refused(server, host):
    assert ask(server, "", Host=host)[0] == 421


def test_names_of_this_machine_are_known(server):
    for host in ("127.0.0.1:80", "localhost", "LOCALHOST:8571", "[::1]:80"):
        assert ask(server, "", Host=host)[0] == 200


def test_a_server_for_others_knows_addresses_and_its_own_names(server):
    open_to_all = LabelServer(server.session, ANYWHERE)
    try:
        assert (server.is_local, open_to_all.is_local) == (True, False)
        for host in ("192.0.2.1:8571", "localhost", f"{socket.gethostname()}:8571"):
            assert open_to_all.knows_host(host)
        assert not open_to_all.knows_host("evil.example:8571")
        assert open_to_all.token != server.token
        assert ANYWHERE not in open_to_all.address
    finally:
        open_to_all.server_close()


def test_another_pages_request_writes_nothing(server):
    id_ = overview(server)["items"][0]["id"]
    said = {"rater": "A", "id": id_, "value": 3}
    assert ask(server, "api/rate", "POST", said, Origin="http://evil.example")[0] == 403
    assert ask(server, "api/rate", "POST", said, Origin="null")[0] == 403
    assert ask(server, "api/rate", "POST", json.dumps(said), Content_Type="text/plain")[0] == 415
    own = f"127.0.0.1:{server.server_address[1]}"
    assert overview(server)["items"][0]["state"] == "open"
    assert ask(server, "api/rate", "POST", said, Origin=f"http://{own}")[0] == 200
    assert overview(server)["items"][0]["state"] == "done"


def test_bodies_that_are_too_large_or_no_ratings_are_refused(server):
    id_ = overview(server)["items"][0]["id"]
    assert rate(server, id=id_, value=3, comment="x" * 70_000)[0] == 413
    for body in ("", "{", "[1]", "\xff", "[" * 5000):
        status, _, content = ask(server, "api/rate", "POST", body.encode("latin-1"), Content_Type="application/json")
        assert status == 400, content
    for said in (
        {"id": "0" * 20, "value": 3},
        {"id": None, "value": 3},
        {"id": id_, "value": 6},
        {"id": id_, "value": 0},
        {"id": id_, "value": True},
        {"id": id_, "value": "3"},
        {"id": id_, "value": [3]},
        {"id": id_, "value": 2.5},
        {"id": id_, "value": 3, "rater": " "},
        {"id": id_, "value": 3, "rater": "x" * 61},
    ):
        assert rate(server, **said)[0] == 400, said
    assert ask(server, "api/rate", "PUT", {})[0] == 501
    assert ask(server, "api/else", "POST", {})[0] == 404
    assert all(one["state"] == "open" for one in overview(server)["items"])
    assert rate(server, id=id_, value=3, comment="x" * 5000, seconds=float("nan"))[0] == 200
    with server.session.store.path.open(encoding="utf-8", newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert (len(row["comment"]), row["seconds"]) == (4000, "0.0")


def test_pictures_come_by_the_names_of_the_items_only(server):
    name = min(server.session.pictures)
    status, headers, body = ask(server, f"images/{name}")
    assert (status, headers.get_content_type(), body[:4]) == (200, "image/png", b"\x89PNG")
    for path in (
        "images/../documents.parquet",
        "images/..%2fdocuments.parquet",
        "images/%2e%2e/documents.parquet",
        "images/../../comparison.yaml",
        "images//etc/passwd",
        "images/%2fetc%2fpasswd",
        "images/",
        "../labels.csv",
        "static/strings.json",
        "strings.json",
        "__init__.py",
    ):
        assert ask(server, path)[0] == 404, path


def test_no_request_tells_a_models_name(server):
    found = overview(server)
    answers = [ask(server, "api/overview?rater=A")[2].decode()]
    answers += [ask(server, f"api/item?rater=A&id={one['id']}")[2].decode() for one in found["items"]]
    answers.append(rate(server, id=found["items"][0]["id"], value=1)[2].decode())
    answers.append(ask(server, "api/undo", "POST", {"rater": "A"})[2].decode())
    assert len(answers) == 15
    assert not any(model in answer for answer in answers for model in MODELS)
    assert [one["id"] for one in overview(server, "B")["items"]] != [one["id"] for one in found["items"]]


def test_undo_gives_the_item_back(server):
    first, second = (one["id"] for one in overview(server)["items"][:2])
    for id_ in (first, second):
        assert rate(server, id=id_, value=2)[0] == 200
    assert json.loads(ask(server, "api/undo", "POST", {"rater": "A"})[2]) == {
        "id": second,
        "state": "open",
        "flag": False,
    }
    assert json.loads(ask(server, "api/undo", "POST", {"rater": "B"})[2]) == {"id": None}
    assert json.loads(ask(server, f"api/item?rater=A&id={first}")[2])["value"] == 2


def test_a_mark_alone_leaves_an_item_open_and_nothing_said_passes_it_over(server):
    marked, passed = (one["id"] for one in overview(server)["items"][:2])
    assert rate(server, id=marked, comment="読めない", flag=True)[0] == 200
    assert rate(server, id=passed)[0] == 200
    states = {one["id"]: (one["state"], one["flag"]) for one in overview(server)["items"]}
    assert (states[marked], states[passed]) == (("open", True), ("passed", False))


def test_text_of_models_stays_text(served, tmp_path):
    results = write_results(tmp_path / "c")
    hostile = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\u202e\u0000\ud800'

    def spoil(rows):
        for row in rows:
            row["filtered_resps"] = hostile

    path = next((results / "runs" / MODELS[0]).rglob("*_samples_*.jsonl"))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    spoil(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with served(Wish(results, models=(MODELS[0],)), tmp_path / "l.csv") as server:
        found = overview(server)
        _, headers, body = ask(server, f"api/item?rater=A&id={found['items'][0]['id']}")
        assert headers.get_content_type() == "application/json"
        assert "<script>alert(1)</script>" in json.loads(body)["texts"][0]
        said = rate(server, id=found["items"][0]["id"], value=3, comment='"=1+1\n<b>\u0000\ud800')
        assert said[0] == 200
    with (tmp_path / "l.csv").open(encoding="utf-8", newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert row["comment"] == '"=1+1\n<b>?'
