"""Environments of families: made whole or not at all, by a stand-in for uv; slowly, by the real one."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lmms_eval_ja.models import environments, uv
from lmms_eval_ja.models.environments import State, check, create, environment, names, own_package, remove
from lmms_eval_ja.models.uv import EnvironmentFault
from support.fake_uv import FakeUv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
#: uv's cache of the user, read before the tests' own HOME is set: without it every test would download PyTorch.
CACHE = os.environ.get("UV_CACHE_DIR") or str(
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "uv"
)
MAKES_LOCKS = ("--no-emit-index-url", "--no-header", "--no-annotate", "--python-version", "3.11")
each = pytest.mark.parametrize("name", names())


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    return FakeUv(tmp_path / "bin", monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "envs"


# The locks


def test_the_families_that_need_another_transformers() -> None:
    pinned = {name: environment(name).pinned("transformers") for name in names()}
    assert pinned == {
        "evovlm": "4.42.4",
        "heron_nvila": "4.46.3",
        "internvl2": "4.49.0",
        "llm_jp_4_vl": "4.57.6",
        "sarashina2": "4.47.1",
        "sarashina22": "4.57.6",
        "stabilityai": "4.45.2",
    }


@each
def test_a_lock_is_pins_and_nothing_else(name: str) -> None:
    lines = environment(name).lock.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[0-9][a-zA-Z0-9.!+]*", line)] == []
    assert len(environment(name).pins()) == len(lines)


@each
def test_no_host_stands_in_the_files(name: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in environment(name).lock.parent.iterdir()]
    assert [text for text in texts if "://" in text or "index-url" in text or "find-links" in text] == []


@each
def test_a_lock_fits_its_inputs_and_this_package(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = environment(name).lock.parent
    inputs = [line for line in (folder / "requirements.in").read_text().splitlines() if line and line[0] != "#"]
    overrides = folder / "overrides.txt"
    inputs += [line for line in overrides.read_text().splitlines() if line[0] != "#"] if overrides.exists() else []
    pins = environment(name).pins()
    wanted = [Requirement(line) for line in [*project["dependencies"], *inputs]]
    wanted = [needed for needed in wanted if not needed.marker or needed.marker.evaluate({"python_version": "3.11"})]
    assert {needed.name for needed in wanted} <= pins.keys()
    assert [str(n) for n in wanted if not n.specifier.contains(pins[n.name], prereleases=True)] == []
    assert pins["lmms-eval"] == "0.7.3"


# Making them


def test_an_environment_is_made_once(fake: FakeUv, folder: Path) -> None:
    said: list[str] = []
    made = create("sarashina2", folder, report=said.append)
    assert made.path == folder / "sarashina2"
    assert made.python.exists()
    assert made.state() is State.READY
    (venv, _), (sync, _), (install, _) = fake.calls()
    partial = str(folder / ".sarashina2.partial")
    assert venv == ["venv", "--relocatable", "--python", "3.11", partial]
    assert sync == ["pip", "sync", "--python", f"{partial}/bin/python", str(made.lock)]
    assert install[:5] == ["pip", "install", "--python", f"{partial}/bin/python", "--no-deps"]
    assert install[5:] == list(own_package())
    assert said[0].startswith("sarashina2: ")
    assert "packages, among them transformers 4.47.1" in said[0]
    assert said[-2:] == ["sarashina2: lmms-eval 0.7.3, transformers 4.47.1", f"sarashina2: made at {made.path}"]

    assert create("sarashina2", folder, report=said.append) == made
    assert said[-1] == f"sarashina2: ready at {made.path}"
    assert len(fake.calls()) == 3


def test_the_callers_active_environment_is_not_uvs_business(
    fake: FakeUv, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere/else")
    create("sarashina2", folder)
    assert {active for _, active in fake.calls()} == {None}


@pytest.mark.parametrize("at", ["venv", "pip sync", "pip install"])
def test_what_fails_on_the_way_leaves_nothing_that_looks_complete(fake: FakeUv, folder: Path, at: str) -> None:
    fake.fails(at, "error: something odd")
    with pytest.raises(EnvironmentFault, match="sarashina2: uv failed:\n  error: something odd"):
        create("sarashina2", folder)
    assert environment("sarashina2", folder).state() is State.ABSENT
    assert not (folder / "sarashina2").exists()
    fake.works()
    assert create("sarashina2", folder).state() is State.READY
    assert not (folder / ".sarashina2.partial").exists()


def test_what_an_interrupted_call_left_is_thrown_away(fake: FakeUv, folder: Path) -> None:
    (folder / ".sarashina2.partial" / "lib").mkdir(parents=True)
    made = create("sarashina2", folder)
    assert not (made.path / "lib").exists()


@pytest.mark.parametrize("field", ["lock", "version", "package"])
def test_an_outdated_environment_is_made_anew(fake: FakeUv, folder: Path, field: str) -> None:
    made = create("sarashina2", folder)
    record = made.path / "lmms-eval-ja.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {field: "another"}))
    (made.path / "old").touch()
    assert made.state() is State.OUTDATED
    with pytest.raises(EnvironmentFault, match="made from another lock or another lmms-eval-ja: lmms-eval-ja env crea"):
        check("sarashina2", folder)
    assert create("sarashina2", folder).state() is State.READY
    assert not (made.path / "old").exists()
    assert fake.commands() == ["venv", "pip sync", "pip install"] * 2


def test_an_environment_that_cannot_import_is_not_taken(fake: FakeUv, folder: Path) -> None:
    fake.python_prints("ImportError: no libGL", status=1)
    with pytest.raises(EnvironmentFault, match="sarashina2 does not work: ImportError: no libGL\nMake it again: "):
        create("sarashina2", folder)
    fake.python_prints("0.7.3 5.23.0")
    with pytest.raises(EnvironmentFault, match=r"sarashina2 does not work: it has 0\.7\.3 and 5\.23\.0"):
        create("sarashina2", folder)
    assert environment("sarashina2", folder).state() is State.ABSENT


def test_check_looks_again(fake: FakeUv, folder: Path) -> None:
    with pytest.raises(EnvironmentFault, match="sarashina2 is not made: lmms-eval-ja env create sarashina2"):
        check("sarashina2", folder)
    create("sarashina2", folder)
    assert check("sarashina2", folder) == "lmms-eval 0.7.3, transformers 4.47.1"
    fake.python_prints("Segmentation fault", status=139)
    with pytest.raises(EnvironmentFault, match="does not work: Segmentation fault"):
        check("sarashina2", folder)


def test_remove_deletes_also_what_is_incomplete(fake: FakeUv, folder: Path) -> None:
    assert not remove("sarashina2", folder)
    create("sarashina2", folder)
    create_other = environment("evovlm", folder)
    (folder / ".evovlm.partial").mkdir()
    assert remove("sarashina2", folder)
    assert remove("evovlm", folder)
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []
    assert create_other.state() is State.ABSENT


def test_two_at_once_make_one(fake: FakeUv, folder: Path) -> None:
    made = []
    threads = [threading.Thread(target=lambda: made.append(create("sarashina2", folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert fake.commands() == ["venv", "pip sync", "pip install"]


def test_a_folder_that_cannot_be_written_is_named(fake: FakeUv, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"file/sarashina2: .*; choose another folder with --folder"):
        create("sarashina2", tmp_path / "file")
    assert fake.calls() == []


def test_an_unknown_name_lists_those_that_exist(folder: Path) -> None:
    for act in (create, check, remove):
        with pytest.raises(EnvironmentFault, match="unknown environment 'sarashina'; expected one of evovlm, heron_nv"):
            act("sarashina", folder)


# uv


def test_uv_is_found_on_the_path_or_as_a_module_or_asked_for(fake: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
    assert uv.uv_command() == [str(fake.folder / "uv")]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert uv.uv_command() == [sys.executable, "-m", "uv"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentFault, match="pip install uv"):
        uv.uv_command()


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("error: failed to copy: No space left on device (os error 28)", "Free some disk space"),
        ("error: No interpreter found for Python 3.11 in managed installations", "uv python install 3.11"),
        ("  Caused by: dns error: failed to lookup address information", "Check the connection to the package index"),
        ("hint: torch has no wheels with a matching platform tag", "The locks are for Linux on x86-64"),
        ("error: whatever", ""),
    ],
)
def test_what_uv_says_is_repeated_with_what_to_do(fake: FakeUv, folder: Path, said: str, advice: str) -> None:
    fake.fails("pip sync", said)
    with pytest.raises(EnvironmentFault) as caught:
        create("sarashina2", folder)
    assert said in str(caught.value)
    *_, last = str(caught.value).splitlines()
    assert advice in last
    assert last.endswith("." if advice else "whatever")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({"url": "file:///a/my%20tree", "dir_info": {"editable": True}}, ("--editable", "/a/my tree")),
        ({"url": "file:///a/tree", "dir_info": {}}, ("/a/tree",)),
        ({"url": "file:///a/x-1-py3-none-any.whl", "archive_info": {}}, ("/a/x-1-py3-none-any.whl",)),
        (
            {"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            ("git+https://h/r.git@abc",),
        ),
        ({"url": "https://h/x.whl", "archive_info": {}}, ("https://h/x.whl",)),
        (None, ("lmms-eval-ja==0.1.0",)),
    ],
)
def test_this_very_package_is_installed(
    origin: dict | None, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        version = "0.1.0"

        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if origin is None else json.dumps(origin)

    monkeypatch.setattr(environments.metadata, "distribution", lambda _: Installed())
    assert own_package() == expected


# The real uv


@pytest.fixture
def real_uv(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("UV_CACHE_DIR", CACHE)
    return uv.uv_command()


@pytest.mark.slow
@each
def test_a_lock_resolves_and_stays_as_it_is(name: str, real_uv: list[str], tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    source = environment(name).lock.parent
    shutil.copy(source / "requirements.lock", lock)
    overrides = [word for path in source.glob("overrides.txt") for word in ("--override", str(path))]
    inputs = [str(source / "requirements.in"), str(ROOT / "pyproject.toml")]
    words = [*real_uv, "pip", "compile", "--quiet", *MAKES_LOCKS, *overrides, *inputs, "--output-file", str(lock)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert lock.read_text() == (source / "requirements.lock").read_text(), "make locks"


#: Makes a tiny checkpoint with code of its own, inside the environment: its folder, template and special tokens.
_STAND_IN = """
import sys
from pathlib import Path
from support.remote_checkpoints import make_seeing
folder, template, tokens, reply = sys.argv[1:]
make_seeing(Path(folder), template, reply=reply, tokens=tuple(tokens.split()))
"""
_SARASHINA = (
    "<s><|prefix|><|file|><|suffix|>{% for m in messages %}### Human: {{ m['content'] }}\n{% endfor %}### Assistant:"
)
_LLM_JP_4 = (
    "{% for m in messages %}<|start|>{{ m['role'] }}<|message|>{{ m['content'] | replace('<image>', '<|file|>') }}"
    "<|end|>{% endfor %}<|start|>assistant"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "plugin", "template", "tokens", "reply"),
    [
        ("sarashina2", "sarashina2_vision", _SARASHINA, "<|prefix|> <|file|> <|suffix|>", ""),
        (
            "llm_jp_4_vl",
            "llm_jp_4_vl",
            _LLM_JP_4,
            "<|file|> <|start|> <|channel|> <|message|> <|end|> <|return|>",
            "<|channel|>final<|message|>赤です。<|return|>",
        ),
    ],
)
def test_a_real_environment_evaluates(
    name: str, plugin: str, template: str, tokens: str, reply: str, real_uv: list[str], tmp_path: Path
) -> None:
    """Made by the real uv from the real index; in it lmms-eval runs `ja_sample` with the family's plugin.

    The checkpoint is a stand-in with the family's interface, of random weights or with one reply; no real weights were
    run.
    """
    made = create(name, tmp_path / "envs")
    assert check(name, tmp_path / "envs").endswith(f"transformers {made.pinned('transformers')}")
    python, checkpoint = str(made.python), tmp_path / "stand-in"
    env = os.environ | {"LMMS_EVAL_JA_JUDGE": "overlap", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT / "tests")}
    subprocess.run(
        [python, "-c", _STAND_IN, str(checkpoint), template, tokens, reply], cwd=tmp_path, env=env, check=True
    )
    arguments = f"pretrained={checkpoint},trust_remote_code=True,dtype=float32,answer_log=off"
    words = ["-m", "lmms_eval", "--model", plugin, "--model_args", arguments, "--tasks", "ja_sample"]
    more = ["--batch_size", "4", "--limit", "8"]
    done = subprocess.run([python, *words, *more], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "|ja_sample|" in done.stdout
    assert remove(name, tmp_path / "envs")  # pytest would keep its gigabytes
