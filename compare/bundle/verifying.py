"""A bundle checked without network, key or judge: checksums, every score again from what is inside, the statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from lmms_eval_ja.compare.bundle.archive import Archive, BundleError
from lmms_eval_ja.compare.bundle.compared_again import COMPARED, LEADERBOARDS, check_statistics
from lmms_eval_ja.compare.bundle.mismatch import Mismatch
from lmms_eval_ja.compare.bundle.replies import LINKS, REPLIES, read_links, read_replies
from lmms_eval_ja.compare.bundle.rescoring import Rescoring
from lmms_eval_ja.compare.bundle.scored import Documents, Scored, samples_names, scored_tasks
from lmms_eval_ja.compare.bundle.stored import StoredReplies
from lmms_eval_ja.compare.bundle.tables import rows_of
from lmms_eval_ja.compare.documents import FOLDER, IMAGES, TABLE, DocumentsError, read_documents

DOCUMENTS, IMAGES_FOLDER = f"{FOLDER}/{TABLE}", f"{FOLDER}/{IMAGES}/"


@dataclass
class Verified:
    """What came of it: what differs, what was checked, and what could not be."""

    mismatches: list[Mismatch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    tasks: int = 0
    answers: int = 0
    verdicts: int = 0
    replies: int = 0
    replies_there: int = 0
    statistics: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether all that was checked is as recorded."""
        return not self.mismatches

    @property
    def summary(self) -> str:
        """What was checked, in a sentence."""
        statistics = "; statistics made again" if self.statistics else ""
        return (
            f"{self.files:,} files by checksum; {self.answers:,} answers and {self.verdicts:,} verdicts of "
            f"{self.tasks:,} model-task pairs scored again; {self.replies_there:,} of {self.replies:,} judge's replies "
            f"compared with what was stored{statistics}"
        )


def verify(path: Path, *, report: Callable[[str], None] = lambda _: None) -> Verified:
    """Check a bundle. Needs no network; text, JSON and Parquet of it are read, nothing of it is run.

    A forger who changes answers, replies, stored replies, scores and statistics alike is not found out by this: that
    takes the store of whoever judged, or asking again.

    Args:
        path: of the bundle.
        report: is told which model and task is scored.

    Raises:
        BundleError: it is no bundle, is damaged, or holds something that cannot be read; names the member.
    """
    with Archive(path) as archive, TemporaryDirectory(prefix="lmms-eval-ja-verify-") as folder:
        out = Verified()
        out.mismatches += _checksums(archive, out)
        documents = _documents(archive, Path(folder))
        links = read_links(path, archive.read(LINKS)) if LINKS in archive.names else {}
        replies = read_replies(path, archive.read(REPLIES)) if REPLIES in archive.names else {}
        stored = StoredReplies(links, replies)
        for scored in _scored(archive):
            report(f"{scored.model}, {scored.task}")
            out.tasks += 1
            with _told(path, scored.file):
                again = Rescoring(scored, documents.get(scored.task, {}))
                out.mismatches += again.mismatches()
                out.mismatches += stored.mismatches(scored)
                total, there = stored.count(scored)
            out.notes += again.notes
            out.answers, out.verdicts = out.answers + again.answers, out.verdicts + again.verdicts
            out.replies, out.replies_there = out.replies + total, out.replies_there + there
        if out.tasks == 0:
            raise BundleError(f"{path} holds no scored samples")
        if COMPARED in archive.names:
            archive.extract(Path(folder), [name for name in archive.names if not name.startswith(IMAGES_FOLDER)])
            with _told(path, COMPARED):
                out.mismatches += check_statistics(Path(folder), out.notes)
            out.statistics = True
        elif boards := [name for name in archive.names if name in LEADERBOARDS]:
            out.notes.append(f"{', '.join(boards)}: {COMPARED}, which they are made of, is not in the bundle")
        return out


@contextmanager
def _told(path: Path, name: str) -> Iterator[None]:
    """What is not as this version writes it is said of the file, not of the line of ours that tripped over it."""
    try:
        yield
    except BundleError as error:
        raise (error if str(path) in str(error) else BundleError(f"{path}: {error}")) from None
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
        raise BundleError(f"{path}: {name}: not as lmms-eval-ja writes it ({type(error).__name__}: {error})") from error


def _checksums(archive: Archive, out: Verified) -> Iterator[Mismatch]:
    """Files whose hash is not the manifest's, which are missing, or of which the manifest knows nothing."""
    listed = archive.manifest["files"]
    for name in sorted({*listed, *archive.names}):
        if name not in listed:
            yield Mismatch(name, "file", "not in the manifest", "in the bundle")
        elif name not in archive.names:
            yield Mismatch(name, "file", "in the manifest", "not in the bundle")
        elif (found := archive.sha256(name)) != listed[name].get("sha256"):
            yield Mismatch(name, "sha256", listed[name].get("sha256"), found)
        out.files += 1


def _documents(archive: Archive, folder: Path) -> Documents:
    if DOCUMENTS not in archive.names:
        return {}
    archive.extract(folder, [DOCUMENTS])
    try:
        rows_of(folder / DOCUMENTS)
        return read_documents(folder)
    except (BundleError, DocumentsError, TypeError) as error:
        raise BundleError(f"{archive.path}: {str(error).replace(str(folder), '')}") from None


def _scored(archive: Archive) -> Iterator[Scored]:
    names = archive.names
    for results in samples_names(names).values():
        if results not in names:
            raise BundleError(f"{archive.path}: {results} is missing")
    found = scored_tasks(names, archive.read)
    while True:
        with _told(archive.path, "results"):
            scored = next(found, None)
        if scored is None:
            return
        yield scored
