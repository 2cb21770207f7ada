"""Ray, as far as a comparison needs it: started here or joined, its machines, and one function that runs there."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.attempt import Outcome, WhyIncomplete, attempt
from lmms_eval_ja.compare.causes import clean
from lmms_eval_ja.compare.devices import gpus_here
from lmms_eval_ja.compare.guard import GuardLostError
from lmms_eval_ja.compare.schedule import Machine
from lmms_eval_ja.compare.step import Step

INSTALL = 'pip install "lmms-eval-ja[compare]"'
_GB = 1e9
#: The least that Ray takes; nothing large goes through its store here.
_STORE_BYTES = 80 * 1024 * 1024
_SESSIONS = "lmms-eval-ja-ray-"
#: A socket's path has at most 107 characters, and Ray appends about 70 to its folder.
_LONGEST_FOLDER = 36
#: A step that is stopped is waited for no longer than this.
_LONGEST_STOP_S = 15.0
#: What Ray sets in its workers, which is no business of a command.
_RAYS_OWN = ("OMP_NUM_THREADS", "PYTHONBREAKPOINT")
#: Settings of this package are those of whoever starts the comparison; the others where the machine has none.
_SETTINGS, _WHERE_ABSENT = ("LMMS_EVAL",), ("HF_", "OMP_NUM_THREADS")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")


class PlacingError(Exception):
    """Steps that cannot be placed as asked; the message says what to do."""


class MachineLostError(Exception):
    """A step ended with the machine or the worker that carried it out, not by itself."""


class Cluster:
    """Ray, started on this machine or joined; used as a context manager, it leaves nothing behind.

    Args:
        address: of a cluster (`host:port`, or `auto` for the one that this machine belongs to); None starts one here,
            unless this process has one, which is then used and left as it is.
        gpus: of this machine that may be used where it is started here; None for all.

    Raises:
        PlacingError: Ray is not installed, or the cluster cannot be joined.
    """

    def __init__(self, address: str | None = None, gpus: int | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise PlacingError(f"Ray is not installed, which places the runs: {INSTALL}")
        import ray

        self._ray: Any = ray
        self._references: dict[Future[Outcome], Any] = {}
        self._folder: Path | None = None
        self._own = not ray.is_initialized()
        if not self._own:
            return
        try:
            with _quiet():
                if address is None:
                    self._start(gpus)
                else:
                    ray.init(address=address, **_SAY_LITTLE)
        except BaseException as error:
            self.close()
            if not isinstance(error, Exception):
                raise
            raise PlacingError(_not_joined(address, error)) from error

    def machines(self) -> dict[str, Machine]:
        """Those that are alive, by Ray's ids."""
        return {
            node["NodeID"]: Machine(
                name=clean(str(node["NodeManagerHostname"])),
                gpus=node["Resources"].get("GPU", 0),
                cpus=node["Resources"].get("CPU", 0),
                memory_gb=node["Resources"].get("memory", 0) / _GB,
            )
            for node in self._ray.nodes()
            if node["Alive"]
        }

    def submit(self, step: Step, machine: str, why_incomplete: WhyIncomplete, folder: Path) -> Future[Outcome]:
        """Start a step on a machine.

        Returns:
            What will come of it; `MachineLostError` when the machine or the worker is lost.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Whether a lost step is tried again is decided by who called. Workers are kept: they never touch a GPU.
        remote = self._ray.remote(max_calls=0, max_retries=0)(_attempt_there).options(
            num_gpus=step.gpus,
            num_cpus=step.cpus,
            memory=int((step.memory_gb or 0) * _GB) or None,
            name=step.name,
            scheduling_strategy=NodeAffinitySchedulingStrategy(machine, soft=False),
        )
        reference = remote.remote(step, why_incomplete, _handed_on(os.environ), folder)
        told: Future[Outcome] = Future()
        self._references[told] = reference
        reference.future().add_done_callback(lambda done: self._tell(step, done, told))
        return told

    def close(self) -> None:
        """End what is still running, and Ray itself where it was started or joined here."""
        running = dict(self._references)
        for reference in running.values():
            self._ray.cancel(reference, force=True)
        wait(running, timeout=_LONGEST_STOP_S)
        if self._own:
            self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Cluster:  # noqa: PYI034 (Self is of Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, gpus: int | None) -> None:
        gpus = gpus_here() if gpus is None else gpus
        self._folder = _session_folder()
        for more_tries in (2, 1, 0):
            try:
                self._ray.init(
                    "local",  # also where RAY_ADDRESS names a cluster
                    num_gpus=gpus,
                    # A step of a GPU takes a processor too, also where there are more GPUs than processors.
                    num_cpus=max(os.cpu_count() or 1, gpus),
                    object_store_memory=_STORE_BYTES,
                    _temp_dir=str(self._folder),
                    **_SAY_LITTLE,
                )
            except Exception as error:  # Ray raises plain ones
                # It waits for its own processes no longer than 30 s: too short on a machine that is busy.
                if not more_tries or "timed out" not in str(error):
                    raise
            else:
                return

    def _tell(self, step: Step, done: Future[Any], told: Future[Outcome]) -> None:
        self._references.pop(told, None)
        error = done.exception()
        if error is None:
            told.set_result(done.result())
        elif isinstance(outcome := _what_became(step, error), Outcome):
            told.set_result(outcome)
        else:
            told.set_exception(outcome)


_SAY_LITTLE: Mapping[str, Any] = {
    "include_dashboard": False,
    "log_to_driver": False,
    "configure_logging": False,
    "logging_level": logging.ERROR,
}


def _attempt_there(step: Step, why_incomplete: WhyIncomplete, handed_on: Mapping[str, str], folder: Path) -> Outcome:
    """An attempt, in a worker of Ray."""
    return attempt(step, why_incomplete, environ=_merged(os.environ, handed_on), folder=folder)


def _what_became(step: Step, error: BaseException) -> Outcome | MachineLostError:
    from ray import exceptions

    if isinstance(error, exceptions.OutOfMemoryError):
        why = "out of main memory: Ray ended it before the machine ran out; run fewer at once (gpus), or elsewhere"
        return Outcome(step, complete=False, cause=why)
    if isinstance(error, exceptions.RayTaskError) and not isinstance(error.cause, GuardLostError):
        return Outcome(step, complete=False, cause=_not_run(error.cause))
    return MachineLostError(clean(str(error).strip().partition("\n")[0]))


def _not_run(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    if "No module named" in str(error):
        said = next(line for line in reversed(lines) if "No module named" in line)
        return f"{clean(said)}: start Ray there from an environment that has lmms-eval-ja, of the same version as here"
    return f"it could not be run: {type(error).__name__}: {clean(lines[-1])}"


def _handed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that go along with a step; keys do not: they would travel in the clear."""
    names = [name for name in environ if name.startswith(_SETTINGS + _WHERE_ABSENT) and not _SECRET.search(name)]
    return {name: environ[name] for name in names}


def _merged(there: Mapping[str, str], handed_on: Mapping[str, str]) -> dict[str, str]:
    """A command's variables: those of the machine, without Ray's own, and what was handed on."""
    kept = {name: value for name, value in there.items() if not name.startswith("RAY_") and name not in _RAYS_OWN}
    new = {name: value for name, value in handed_on.items() if name.startswith(_SETTINGS) or name not in kept}
    return kept | new | {"PYTHONUNBUFFERED": "1"}


def _session_folder() -> Path:
    """A new folder for Ray's sockets and logs, after those that killed processes left are deleted."""
    parent = Path(tempfile.gettempdir())
    if len(str(parent)) + len(_SESSIONS) > _LONGEST_FOLDER:
        parent = Path("/tmp")  # noqa: S108 (mkdtemp makes a folder of our own in it)
    for left in parent.glob(f"{_SESSIONS}*"):
        owner = left.name.removeprefix(_SESSIONS).partition("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists() and Path("/proc").is_dir():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_SESSIONS}{os.getpid()}-", dir=parent))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """While Ray starts: no word of it but errors, no usage statistics, and no workers beyond those that are needed."""
    ours = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_prestart_worker_first_driver": "0"}
    before = {name: os.environ.get(name) for name in ours}
    logger = logging.getLogger("ray")
    level = logger.level
    os.environ.update(ours)
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _not_joined(address: str | None, error: Exception) -> str:
    said = clean(f"{type(error).__name__}: {error}")
    if address is None:
        return f"Ray could not be started on this machine: {said}"
    return (
        f"the Ray cluster at {address} cannot be joined ({said}): is it started, is this machine one of its nodes, and "
        "is RAY_AUTH_MODE=token set with the same token as there? See docs/clusters.md"
    )
