# ruff: noqa: INP001 (a script)
"""The patches that hand our work to lmms-eval, made from this repository's code and the installed lmms-eval.

    python docs/upstream/make_patches.py          # writes docs/upstream/NN-name.patch
    python docs/upstream/make_patches.py --check  # writes nothing; 1 if a patch is not what would be written

A patch is for the release that is installed and needs no other patch. It consists of edits of lmms-eval's files
(`contributions/NN-name/edits.toml`), new files (`contributions/NN-name/files/`, Python with `.txt` behind its name, so
that our own checks leave it alone) and what is exported from our code.
Needs black and isort, of the versions that lmms-eval's pre-commit has.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
RELEASE = "0.7.3"
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Contribution:
    """What is sent in one pull request.

    Attributes:
        name: number and name, as of its folder in `contributions` and of its patch.
        exported: files from our code, by path, for a checkout of lmms-eval.
    """

    name: str
    exported: Callable[[Path], Files] = lambda _: {}

    @property
    def folder(self) -> Path:
        """Where its edits, its own files and the text of its pull request are."""
        return HERE / "contributions" / self.name

    @property
    def patch(self) -> Path:
        """The written patch."""
        return HERE / f"{self.name}.patch"


def task(name: str) -> Callable[[Path], Files]:
    """A task of ours as one of lmms-eval's own."""

    def exported(_: Path) -> Files:
        from lmms_eval_ja.exporting.tasks import exported_task

        return exported_task(name)

    return exported


def model(name: str) -> Callable[[Path], Files]:
    """A model of ours as one of lmms-eval's own."""

    def exported(checkout: Path) -> Files:
        from lmms_eval_ja.exporting.models import exported_model

        return exported_model(name, checkout)

    return exported


def choice_parser(_: Path) -> Files:
    """How an option is read from a Japanese answer, as one module."""
    from lmms_eval_ja.exporting.closure import definitions
    from lmms_eval_ja.exporting.writing import module_text

    failure = "lmms_eval_ja.metrics._answer.generation_failure"
    text = module_text(
        definitions(
            ["lmms_eval_ja.metrics.parse_choice"],
            instead={failure: "lmms_eval_ja.exporting.upstream_answer.generation_failure"},
        ),
        "Which option of a multiple-choice question an answer in Japanese or English chooses.",
        texts={"Why none could be read, a key of `CHOICE_FAILURES`;": "Why none could be read;"},
    )
    return {"lmms_eval/tasks/_task_utils/japanese_choice.py": text.encode()}


#: In the order in which they are sent.
CONTRIBUTIONS = (
    Contribution("01-task-entry-points"),
    Contribution("02-plugins-order"),
    Contribution("03-llava-judge-failures"),
    Contribution("04-jmmmu-parser", choice_parser),
    Contribution("05-heron-bench-ja", task("heron_bench_ja")),
    Contribution("06-ja-vlm-bench-in-the-wild", task("ja_vlm_bench_in_the_wild")),
    Contribution("07-ja-vg-vqa-500", task("ja_vg_vqa_500")),
    Contribution("08-llm-jp-vila", model("llm_jp_vila")),
)


def installed() -> Path:
    """The folder in which the installed lmms-eval lies, as in a checkout of it.

    Raises:
        SystemExit: it is not the release that the patches are for.
    """
    if (found := version("lmms-eval")) != RELEASE:
        raise SystemExit(f"the patches are for lmms-eval {RELEASE}, installed is {found}")
    spec = find_spec("lmms_eval")
    if spec is None or spec.origin is None:
        raise SystemExit("lmms-eval is not installed")
    return Path(spec.origin).parents[1]


def changed(contribution: Contribution, checkout: Path) -> dict[str, bytes]:
    """The files that a contribution adds or changes, as they are then, by path.

    Raises:
        SystemExit: a text that is to be replaced is not in lmms-eval's file exactly once.
        ExportError: something of ours cannot be exported.
    """
    from lmms_eval_ja.exporting.writing import formatted

    files = edited(contribution.folder / "edits.toml", checkout) | dict(contribution.exported(checkout))
    own = contribution.folder / "files"
    for path in sorted(each for each in own.rglob("*") if each.is_file()):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(own).as_posix().removesuffix(".txt")
        files[name] = (formatted(text) if name.endswith(".py") else text).encode()
    return files


def edited(edits: Path, checkout: Path) -> dict[str, bytes]:
    """Files of lmms-eval with the edits of an `edits.toml`; none where there is no such file.

    Raises:
        SystemExit: a text that is to be replaced is not in lmms-eval's file exactly once.
    """
    texts: dict[str, str] = {}
    for edit in tomllib.loads(edits.read_text(encoding="utf-8"))["edit"] if edits.exists() else []:
        path, old = edit["path"], edit["old"]
        text = texts[path] if path in texts else (checkout / path).read_bytes().decode()
        if (count := text.count(old)) != 1:
            raise SystemExit(f"{edits}: this is {count} times in {path} of lmms-eval {RELEASE}, not once:\n{old}")
        texts[path] = text.replace(old, edit["new"])
    return {path: text.encode() for path, text in texts.items()}


def patch_of(contribution: Contribution, checkout: Path) -> str:
    """A contribution as `git diff` writes it."""
    files = changed(contribution, checkout)
    return "".join(line for path in sorted(files) for line in _diff(checkout / path, path, files[path].decode()))


def _diff(old: Path, path: str, new: str) -> Iterator[str]:
    """The lines for one file."""
    before = old.read_bytes().decode() if old.exists() else ""
    if before == new:
        return
    yield f"diff --git a/{path} b/{path}\n"
    if not old.exists():
        yield "new file mode 100644\n"
    first = f"a/{path}" if old.exists() else "/dev/null"
    for line in difflib.unified_diff(_lines(before), _lines(new), first, f"b/{path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Lines with their ends, and no other separators than a line feed, as git sees them."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])


def main() -> int:
    """Write the patches, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a patch is out of date")
    check = parser.parse_args().check
    checkout, stale = installed(), 0
    for contribution in CONTRIBUTIONS:
        made = patch_of(contribution, checkout).encode()
        if contribution.patch.exists() and contribution.patch.read_bytes() == made:
            continue
        stale += 1
        if not check:
            contribution.patch.write_bytes(made)
        sys.stdout.write(f"{'out of date' if check else 'written'}: {contribution.patch.name}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
