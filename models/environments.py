"""One locked environment for each model family that needs another transformers; uv makes them.

An environment is a folder with a Python of its own, the packages of `envs/<family>/requirements.lock` and this package.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

import platformdirs
from filelock import FileLock

from lmms_eval_ja.models.uv import EnvironmentFault, run_uv

PYTHON_VERSION = "3.11"
#: Holds `requirements.in` and `requirements.lock` of each family.
LOCKS = Path(__file__).parent / "envs"
_RECORD = "lmms-eval-ja.json"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
#: Runs in the new environment; what it prints is checked.
_IMPORTS = (
    "import importlib.metadata as m, transformers; from lmms_eval_ja.plugin import register; "
    "assert register(); print(m.version('lmms-eval'), transformers.__version__)"
)


class State(Enum):
    """What is on disk of an environment."""

    ABSENT = "absent"
    OUTDATED = "outdated"
    READY = "ready"


@dataclass(frozen=True)
class Environment:
    """A family's environment, whether it is there or not.

    Attributes:
        name: of the family, a folder of `envs/`.
        path: where it is, or would be.
    """

    name: str
    path: Path

    @property
    def python(self) -> Path:
        """Its interpreter: `<python> -m lmms_eval …` evaluates in it."""
        return self.path / "bin" / "python"

    @property
    def lock(self) -> Path:
        """The file with all versions."""
        return LOCKS / self.name / "requirements.lock"

    def pinned(self, package: str) -> str:
        """The version of a package in the lock, such as "4.47.1" of transformers."""
        return self.pins()[package]

    def pins(self) -> dict[str, str]:
        """All packages of the lock with their versions."""
        return dict(_PIN.findall(self.lock.read_text(encoding="utf-8")))

    def state(self) -> State:
        """Compare what is on disk with the lock and with this package."""
        try:
            record = json.loads((self.path / _RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return State.ABSENT
        return State.READY if record == self.record() and self.python.exists() else State.OUTDATED

    def record(self) -> dict[str, str]:
        """What an environment is made of: the lock's SHA-256, this package and where it is taken from."""
        return {
            "lock": hashlib.sha256(self.lock.read_bytes()).hexdigest(),
            "version": metadata.version("lmms-eval-ja"),
            "package": " ".join(own_package()),
        }


def names() -> list[str]:
    """The families that have an environment."""
    return sorted(path.parent.name for path in LOCKS.glob("*/requirements.lock"))


def default_folder() -> Path:
    """Where environments are kept unless told otherwise: in the user's data folder."""
    return platformdirs.user_data_path("lmms-eval-ja") / "envs"


def environment(name: str, folder: Path | None = None) -> Environment:
    """The environment of a family.

    Raises:
        EnvironmentFault: no family has this name; the message lists those that have one.
    """
    if name not in names():
        raise EnvironmentFault(f"unknown environment {name!r}; expected one of {', '.join(names())}")
    return Environment(name, (folder or default_folder()).expanduser().absolute() / name)


def create(name: str, folder: Path | None = None, *, report: Callable[[str], None] = lambda _: None) -> Environment:
    """Make the environment of a family, or find it made; one that is outdated is made anew.

    It is made beside its place and renamed when it is complete and was seen to work, so that an interrupted call leaves
    nothing that looks complete. Several processes may call this at once: one makes it, the others wait.

    Args:
        name: of the family.
        folder: holds the environments; `default_folder()` if None.
        report: is told each step.

    Raises:
        EnvironmentFault: unknown family, uv is missing or fails, or the environment does not work.
    """
    wanted = environment(name, folder)
    try:
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(wanted.path.parent / f".{name}.lock"):
            if wanted.state() is State.READY:
                report(f"{name}: ready at {wanted.path}")
                return wanted
            partial = wanted.path.with_name(f".{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _build(Environment(name, partial), report)
            shutil.rmtree(wanted.path, ignore_errors=True)
            partial.rename(wanted.path)
    except OSError as error:
        raise EnvironmentFault(
            f"{wanted.path}: {error.strerror or error}; choose another folder with --folder"
        ) from None
    report(f"{name}: made at {wanted.path}")
    return wanted


def check(name: str, folder: Path | None = None) -> str:
    """Import lmms-eval, transformers and this package in an environment.

    Returns:
        What was found, such as "lmms-eval 0.7.3, transformers 4.47.1".

    Raises:
        EnvironmentFault: it is not there, not up to date, or broken.
    """
    wanted = environment(name, folder)
    state = wanted.state()
    if state is not State.READY:
        why = "is not made" if state is State.ABSENT else "was made from another lock or another lmms-eval-ja"
        raise EnvironmentFault(f"environment {name} {why}: lmms-eval-ja env create {name}")
    return _tried(wanted)


def remove(name: str, folder: Path | None = None) -> bool:
    """Delete an environment, also one that was left incomplete; whether there was one.

    Raises:
        EnvironmentFault: unknown family, or a file that cannot be deleted.
    """
    wanted = environment(name, folder)
    parts = (wanted.path, wanted.path.with_name(f".{name}.partial"))
    if not any(path.exists() for path in parts):
        return False
    try:
        with FileLock(wanted.path.parent / f".{name}.lock"):
            # First what says that it is complete, in case this is interrupted.
            (wanted.path / _RECORD).unlink(missing_ok=True)
            for path in parts:
                if path.exists():
                    shutil.rmtree(path)
    except OSError as error:
        raise EnvironmentFault(f"{wanted.path} cannot be deleted: {error}") from None
    return True


def own_package() -> tuple[str, ...]:
    """What to give `uv pip install` to get this very package: a checkout, a wheel, or its version from the index."""
    found = metadata.distribution("lmms-eval-ja")
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    url = urlparse(origin.get("url", ""))
    if url.scheme == "file":
        path = unquote(url.path)
        return ("--editable", path) if origin.get("dir_info", {}).get("editable") else (path,)
    if "vcs_info" in origin:
        return (f"{origin['vcs_info']['vcs']}+{origin['url']}@{origin['vcs_info']['commit_id']}",)
    return (origin.get("url") or f"lmms-eval-ja=={found.version}",)


def _build(new: Environment, report: Callable[[str], None]) -> None:
    pins = new.pins()
    report(f"{new.name}: {len(pins)} packages, among them transformers {pins['transformers']}")
    # Relocatable: it is renamed afterwards.
    run_uv(
        ["venv", "--relocatable", "--python", PYTHON_VERSION, str(new.path)], doing=f"making the environment {new.name}"
    )
    python = ("--python", str(new.python))
    run_uv(["pip", "sync", *python, str(new.lock)], doing=f"installing the packages of {new.name}")
    report(f"{new.name}: lmms-eval-ja from {own_package()[-1]}")
    run_uv(
        ["pip", "install", *python, "--no-deps", *own_package()],
        doing=f"installing lmms-eval-ja from {own_package()[-1]} into {new.name}",
    )
    report(f"{new.name}: {_tried(new)}")
    (new.path / _RECORD).write_text(json.dumps(new.record(), indent=1) + "\n", encoding="utf-8")


def _tried(made: Environment) -> str:
    """Import what matters, in the environment and outside of the current folder."""
    done = subprocess.run(  # noqa: S603 (an interpreter that we made)
        [str(made.python), "-I", "-c", _IMPORTS], capture_output=True, text=True, check=False, cwd=made.path
    )
    expected = tuple(made.pinned(package) for package in ("lmms-eval", "transformers"))
    found = tuple(done.stdout.split()[-2:])
    if done.returncode != 0 or found != expected:
        last = (done.stderr.strip().splitlines() or [f"it has {' and '.join(found)}"])[-1]
        raise EnvironmentFault(
            f"environment {made.name} does not work: {last}\n"
            f"Make it again: lmms-eval-ja env remove {made.name}, then lmms-eval-ja env create {made.name}"
        )
    return f"lmms-eval {found[0]}, transformers {found[1]}"
