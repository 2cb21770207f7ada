from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from support.benchmarks import (
    HERON_ANSWERS,
    HERON_ID,
    JA_VG_ID,
    JA_VLM_ID,
    heron_bench,
    ja_vg_rows,
    ja_vg_vqa_500,
    ja_vlm_bench,
    ja_vlm_rows,
    synthetic_heron_rows,
)
from support.hub import Hub

MODEL_ID = "Tests/tiny-llama"
MODEL_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "vocab_size": 64,
}
WRONG = "0123456789abcdef0123456789abcdef01234567"

LOAD_ALL = """
from datasets import load_dataset
for name, revision in json.loads(sys.argv[1]).items():
    splits = load_dataset(name, revision=revision)
    out[name] = {}
    for split, ds in splits.items():
        row = ds[0]
        image = row.pop("image")
        out[name][split] = {
            "rows": len(ds),
            "features": {column: str(feature) for column, feature in ds.features.items()},
            "cache": ds.cache_files[0]["filename"],
            "first": row,
            "image": [image.size, image.mode],
            "texts": ds["text"][:] if "text" in ds.features else [],
        }
"""


def run(script: str, env: dict[str, str], cwd: Path, *args: str) -> dict:
    """Run ``script`` in a fresh process; it fills the dict ``out``, which comes back."""
    wrapped = f"import json, sys\nout = {{}}\n{script}\nprint('OUT:' + json.dumps(out))\n"
    done = subprocess.run(
        [sys.executable, "-c", wrapped, *args],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("OUT:")[2])


@dataclass
class Loaded:
    hub: Hub
    home: Path
    old: str
    commits: dict[str, str]
    seen: dict
    asked: list[tuple[str, str]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A hub with the benchmarks and a model; the three benchmarks loaded once into a fresh HF_HOME."""
    home = tmp_path_factory.mktemp("home")
    with Hub() as hub:
        old = hub.add_dataset(HERON_ID, heron_bench([row | {"text": "前の版"} for row in synthetic_heron_rows()]))
        commits = {
            HERON_ID: hub.add_dataset(HERON_ID, heron_bench()),
            JA_VLM_ID: hub.add_dataset(JA_VLM_ID, ja_vlm_bench()),
            JA_VG_ID: hub.add_dataset(JA_VG_ID, ja_vg_vqa_500()),
        }
        hub.add_model(MODEL_ID, {"config.json": json.dumps(MODEL_CONFIG).encode(), "model.safetensors": bytes(300)})
        seen = run(LOAD_ALL, hub.environ(home), home, json.dumps(dict.fromkeys(commits)))
        yield Loaded(hub, home, old, commits, seen, list(hub.requests))


def test_heron_bench_loads(loaded):
    assert list(loaded.seen[HERON_ID]) == ["train"]
    train, row = loaded.seen[HERON_ID]["train"], synthetic_heron_rows()[0]
    assert train["rows"] == 103
    columns = ["question_id", "image", "category", "image_category", "context", "text", "answer"]
    assert list(train["features"]) == columns
    assert train["features"]["image"].startswith("Image(")
    assert train["features"]["question_id"] == "Value('int64')"
    assert train["image"] == [[32, 24], "RGB"]
    assert train["first"] == {key: row[key] for key in columns if key != "image"}
    assert list(train["first"]["answer"]) == list(HERON_ANSWERS)
    assert train["texts"] == [row["text"] for row in synthetic_heron_rows()]


def test_ja_vlm_bench_loads(loaded):
    assert list(loaded.seen[JA_VLM_ID]) == ["test"]
    test, row = loaded.seen[JA_VLM_ID]["test"], ja_vlm_rows()[0]
    assert test["rows"] == 50
    assert list(test["features"]) == ["page_url", "image_url", "image", "question", "answer"]
    assert test["first"] == {key: value for key, value in row.items() if key != "image"}


def test_ja_vg_vqa_500_loads(loaded):
    assert sorted(loaded.seen[JA_VG_ID]) == ["test", "train"]
    test, row = loaded.seen[JA_VG_ID]["test"], ja_vg_rows()[0]
    assert test["rows"] == 500
    columns = ["image_id", "url", "width", "height", "coco_id", "flickr_id", "qas", "image"]
    assert list(test["features"]) == columns
    assert test["features"]["coco_id"] == "Value('float64')"
    assert test["first"] == {key: value for key, value in row.items() if key != "image"}
    assert list(test["first"]["qas"][0]) == ["a_objects", "answer", "q_objects", "qa_id", "question"]


def test_the_commit_can_be_read_back_from_the_cache_file(loaded):
    for name, commit in loaded.commits.items():
        for split in loaded.seen[name].values():
            assert Path(split["cache"]).parent.name == commit


def test_every_request_is_recorded_and_none_was_of_an_unknown_kind(loaded):
    prefixes = ("/api/datasets/", "/datasets/")
    assert loaded.asked
    assert all(method in {"GET", "HEAD"} and path.startswith(prefixes) for method, path in loaded.asked)


def test_an_older_revision_by_its_commit(loaded, tmp_path):
    seen = run(LOAD_ALL, loaded.hub.environ(tmp_path / "home"), tmp_path, json.dumps({HERON_ID: loaded.old}))
    assert set(seen[HERON_ID]["train"]["texts"]) == {"前の版"}
    assert Path(seen[HERON_ID]["train"]["cache"]).parent.name == loaded.old


def test_a_wrong_revision_or_name_raises_and_does_not_load_the_cache(loaded):
    script = """
from datasets import load_dataset
for name, revision in json.loads(sys.argv[1]):
    try:
        load_dataset(name, revision=revision)
        out[name + "@" + revision] = "loaded"
    except Exception as error:
        out[name + "@" + revision] = type(error).__name__ + ": " + str(error)
"""
    wanted = [[HERON_ID, WRONG], ["Silviase/No-Such-Bench", "main"]]
    seen = run(script, loaded.hub.environ(loaded.home), loaded.home, json.dumps(wanted))
    assert "Revision" in seen[f"{HERON_ID}@{WRONG}"]
    assert "DatasetNotFoundError" in seen["Silviase/No-Such-Bench@main"]


def test_a_second_load_works_offline_from_the_cache(loaded):
    before = len(loaded.hub.requests)
    env = loaded.hub.environ(loaded.home) | {"HF_HUB_OFFLINE": "1"}
    seen = run(LOAD_ALL, env, loaded.home, json.dumps(dict.fromkeys(loaded.commits)))
    assert seen == loaded.seen
    assert len(loaded.hub.requests) == before


def test_snapshot_file_download_and_transformers(loaded, tmp_path):
    script = f"""
from pathlib import Path
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
out["info"] = HfApi().dataset_info({JA_VLM_ID!r}).sha
out["refs"] = HfApi().list_repo_refs({JA_VLM_ID!r}, repo_type="dataset").branches[0].target_commit
out["size"] = HfApi().get_paths_info({MODEL_ID!r}, ["model.safetensors"])[0].size
folder = Path(snapshot_download({JA_VLM_ID!r}, repo_type="dataset"))
out["folder"] = folder.name
out["files"] = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
out["old"] = Path(hf_hub_download({HERON_ID!r}, "README.md", repo_type="dataset", revision={loaded.old!r})).parent.name
out["model"] = Path(hf_hub_download({MODEL_ID!r}, "model.safetensors")).stat().st_size
from transformers import AutoConfig
out["hidden_size"] = AutoConfig.from_pretrained({MODEL_ID!r}).hidden_size
"""
    seen = run(script, loaded.hub.environ(tmp_path / "home"), tmp_path)
    commit = loaded.commits[JA_VLM_ID]
    assert seen == {
        "info": commit,
        "refs": commit,
        "size": 300,
        "folder": commit,
        "files": ["README.md", "data/test-00000-of-00001.parquet"],
        "old": loaded.old,
        "model": 300,
        "hidden_size": 16,
    }


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urlopen(Request(url, headers=headers)) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_errors_carry_the_hubs_codes_and_ranges_work():
    with Hub() as hub:
        first = hub.add_dataset("Org/Name", {"a/b/c.txt": b"0123456789", "d.txt": b""})
        url = f"{hub.endpoint}/datasets/Org/Name/resolve"
        assert get(f"{url}/main/none.txt")[1]["X-Error-Code"] == "EntryNotFound"
        assert get(f"{url}/{WRONG}/d.txt")[1]["X-Error-Code"] == "RevisionNotFound"
        assert get(f"{hub.endpoint}/Org/Name/resolve/main/d.txt")[1]["X-Error-Code"] == "RepoNotFound"
        status, headers, body = get(f"{url}/main/a/b/c.txt")
        assert (status, body, headers["X-Repo-Commit"]) == (200, b"0123456789", first)
        status, headers, body = get(f"{url}/{first}/a/b/c.txt", Range="bytes=7-")
        assert (status, body, headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")
        assert get(f"{url}/{first}/a/b/c.txt", Range="bytes=10-")[0] == 416
        tree = f"{hub.endpoint}/api/datasets/Org/Name/tree/main"
        assert [(e["type"], e["path"]) for e in json.loads(get(tree)[2])] == [("directory", "a"), ("file", "d.txt")]
        assert [e["path"] for e in json.loads(get(f"{tree}?recursive=true")[2])] == ["a", "a/b", "a/b/c.txt", "d.txt"]
        assert [e["path"] for e in json.loads(get(f"{tree}/a?recursive=false")[2])] == ["a/b"]
        assert get(f"{tree}/none")[1]["X-Error-Code"] == "EntryNotFound"
        assert hub.requests[0] == ("GET", "/datasets/Org/Name/resolve/main/none.txt")
        # `printf 0123456789 | git hash-object --stdin`
        assert json.loads(get(f"{tree}/a/b")[2])[0]["oid"] == "ad471007bd7f5983d273b9584e5629230150fd54"


def test_commits_follow_the_content(tmp_path):
    files = {"README.md": b"one", "data/x.bin": b"\x00"}
    with Hub() as hub:
        first = hub.add_dataset("Org/Name", files)
        second = hub.add_dataset("Org/Name", files | {"README.md": b"two"})
        assert first != second
        assert hub.repository("datasets", "Org/Name").main == second
        for path, data in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(data)
        assert hub.add_dataset("Org/Name", tmp_path) == first, "a folder gives the same commit as its bytes"
        assert hub.repository("datasets", "Org/Name").main == first
        assert hub.add_dataset("Org/Name", {"README.md": b"three"}, commit=WRONG) == WRONG
        with pytest.raises(ValueError, match="other files"):
            hub.add_dataset("Org/Name", {"README.md": b"four"}, commit=WRONG)
        with pytest.raises(ValueError, match="40 hexadecimal"):
            hub.add_dataset("Org/Name", files, commit="main")


def test_environ_points_home_and_drops_what_leads_elsewhere(tmp_path, monkeypatch):
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_CACHE", "HF_TOKEN"):
        monkeypatch.setenv(name, "1")
    with Hub() as hub:
        env = hub.environ(tmp_path / "new")
    assert env["HF_ENDPOINT"] == hub.endpoint
    assert env["HF_HOME"] == str(tmp_path / "new")
    assert (tmp_path / "new" / "hub").is_dir()
    assert not {"HF_HUB_OFFLINE", "HF_DATASETS_CACHE", "HF_TOKEN"} & set(env)
    assert os.environ["HF_TOKEN"] == "1", "this process's own environment is left alone"


def test_a_closed_hub_cannot_be_reached_and_its_port_is_free():
    hub = Hub()
    hub.close()
    hub.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", hub.port), timeout=5)
    with Hub(hub.port) as again:
        assert again.endpoint == hub.endpoint


def test_hub_and_datasets_cache_can_be_copied_to_an_offline_node(loaded, tmp_path):
    """ENGINEERING.md, "Offline nodes": the Arrow cache is enough for ``load_dataset``."""
    home = tmp_path / "node"
    shutil.copytree(loaded.home, home, symlinks=True)
    env = loaded.hub.environ(home) | {"HF_HUB_OFFLINE": "1"}
    seen = run(LOAD_ALL, env, tmp_path, json.dumps({JA_VLM_ID: WRONG}))
    # The pinned revision is ignored offline: what was loaded stands in the cache file's path only.
    assert Path(seen[JA_VLM_ID]["test"]["cache"]).parent.name == loaded.commits[JA_VLM_ID]
    assert seen[JA_VLM_ID]["test"]["rows"] == 50
