"""How to cite a comparison: a methods paragraph in English and Japanese made from its fingerprints, and BibTeX."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from typing import Any

from lmms_eval_ja.compare.bundle.scored import Scored
from lmms_eval_ja.judges import OVERLAP_LABEL
from lmms_eval_ja.judges.validity import shows_no_agreement

_EVERY = "*"


@dataclass(frozen=True)
class _Words:
    """A language's way to say it."""

    opening: str
    generation: str
    data: str
    revision: str
    no_revision: str
    judge: str
    reported: str
    once: str
    repeats: str
    overlap: str
    rouge: str
    doubt: str
    no_agreement: str
    several: str
    closing: str
    joint: str


_ENGLISH = _Words(
    opening="We evaluated {count} models ({models}) with lmms-eval-ja {ours} on lmms-eval {theirs}.",
    generation="Answers to {task} were generated with {settings}.",
    data="{task}: {documents:,} documents of {name} ({revision}; task version {version}).",
    revision="revision {}",
    no_revision="shipped with the package",
    judge="Protocol {protocol}, version {version}, was judged by {judge}{reported}, {sampling}, {repeats}.",
    reported=", which the server reported as {}",
    once="once per answer",
    repeats="{} times per answer, of which the mean is taken",
    overlap="Protocol {protocol} was scored by overlap with the reference, which is no LLM judge: these scores only "
    "show that the pipeline works.",
    rouge="ROUGE-L is the F-measure of the longest common subsequence of MeCab tokens ({dictionary}) after NFKC.",
    doubt="How far {judge} agrees with people on Japanese answers is not known.",
    no_agreement="{judge} was measured against people on Japanese answers, and shows no agreement with them.",
    several="Scores of {task} have {count} fingerprints, so not all of them are comparable.",
    closing="Intervals are 95 % and take documents on one picture as one cluster (bootstrap with a fixed seed); "
    "models are compared on the same documents, with correction for the number of pairs.",
    joint=" ",
)
_JAPANESE = _Words(
    opening="lmms-eval-ja {ours}（lmms-eval {theirs}）を用いて{count}個のモデル（{models}）を評価した。",
    generation="{task}の回答の生成条件は{settings}である。",
    data="{task}は{name}（{revision}、タスクの版{version}）の{documents:,}件からなる。",
    revision="リビジョン{}",
    no_revision="パッケージ同梱",
    judge="プロトコル{protocol}（版{version}）の評価者は{judge}{reported}、設定は{sampling}で、{repeats}評価した。",
    reported="（サーバの申告は{}）",
    once="各回答を1回",
    repeats="各回答を{}回ずつ（平均を採用）",
    overlap="プロトコル{protocol}の点数は参照回答との重なりによるもので、LLMによる評価ではなく、動作確認のためのものである。",
    rouge="ROUGE-LはNFKC正規化後のMeCabトークン（{dictionary}）の最長共通部分列のF値である。",
    doubt="{judge}の日本語の回答に対する評価が人の評価とどの程度一致するかは分かっていない。",
    no_agreement="{judge}の日本語の回答に対する評価は、人の評価と比べた結果、一致を示していない。",
    several="{task}には{count}種類のフィンガープリントがあり、すべての点数を比べられるわけではない。",
    closing="信頼区間は95%で、同じ画像の設問を1つのクラスタとして扱うブートストラップ（シード固定）による。モデル間の差は同じ設問の上で比べ、"
    "組の数について多重比較の補正を行った。",
    joint="",
)


def citing_members(scored: Sequence[Scored]) -> dict[str, bytes]:
    """The members of a bundle that say how to cite it."""
    return {
        "citing/methods.en.md": (methods(scored) + "\n").encode(),
        "citing/methods.ja.md": (methods(scored, japanese=True) + "\n").encode(),
        "citing/references.bib": (bibtex([one.task for one in scored]) + "\n").encode(),
    }


def methods(scored: Sequence[Scored], *, japanese: bool = False) -> str:
    """A paragraph on how the scores were made, from the fingerprints of the results."""
    words = _JAPANESE if japanese else _ENGLISH
    models = list(dict.fromkeys(one.model for one in scored))
    packages = scored[0].packages
    parts = [
        words.opening.format(
            count=len(models),
            models=", ".join(models),
            ours=packages.get("lmms-eval-ja") or metadata.version("lmms-eval-ja"),
            theirs=packages.get("lmms-eval") or "?",
        )
    ]
    for task in dict.fromkeys(one.task for one in scored):
        parts += _task(words, [one for one in scored if one.task == task])
    if any("rouge_l_ja" in one.facts["scores"] for one in scored):
        print_ = scored[0].facts["fingerprint"]
        parts.append(words.rouge.format(dictionary=print_["metric_packages"].get("dictionary")))
    return words.joint.join([*parts, words.closing])


def bibtex(tasks: Sequence[str]) -> str:
    """Entries for this software, for lmms-eval and for the papers of these tasks."""
    known = json.loads((files("lmms_eval_ja.compare.bundle") / "references.json").read_text(encoding="utf-8"))
    entries = [one["bibtex"] for one in known.values() if {_EVERY, *tasks} & set(one["tasks"])]
    return "\n\n".join(entries).replace("VERSION", metadata.version("lmms-eval-ja"))


def _task(words: _Words, own: Sequence[Scored]) -> list[str]:
    task, print_ = own[0].task, own[0].facts["fingerprint"]
    data: Mapping[str, Any] = print_.get("dataset") or {}
    revision = data.get("revision")
    parts = [
        words.data.format(
            task=task,
            documents=len(own[0].rows),
            name=data.get("name") or task,
            revision=words.revision.format(revision) if revision else words.no_revision,
            version=print_.get("task_version"),
        )
    ]
    if own[0].generation:
        parts.append(words.generation.format(task=task, settings=_settings(own[0].generation)))
    parts += [_judged(words, entry, print_) for entry in print_["judging"]]
    for judge, disagrees in _doubted(own).items():
        parts.append((words.no_agreement if disagrees else words.doubt).format(judge=judge))
    if (count := len({one.facts["fingerprint"]["id"] for one in own})) > 1:
        parts.append(words.several.format(task=task, count=count))
    return parts


def _doubted(own: Sequence[Scored]) -> dict[str, bool]:
    """The judges that any model's results warn of; whether one of them says that they do not agree with people."""
    found: dict[str, bool] = {}
    for one in own:
        for protocol, entry in one.judging.items():
            said = (one.facts.get("judging") or {}).get(protocol) or {}
            for warning in said.get("warnings") or ():
                found[entry["judge"]] = found.get(entry["judge"], False) or shows_no_agreement(warning)
    return found


def _judged(words: _Words, entry: Mapping[str, Any], print_: Mapping[str, Any]) -> str:
    if entry["judge"] == OVERLAP_LABEL:
        return words.overlap.format(protocol=entry["protocol"])
    reported = [model for model in print_.get("judge_models") or () if model != entry["judge"]]
    members = (entry.get("members") or {"": entry}).values()
    return words.judge.format(
        protocol=entry["protocol"],
        version=entry["version"],
        judge=entry["judge"],
        reported=words.reported.format(", ".join(reported)) if reported else "",
        sampling="; ".join(dict.fromkeys(_settings(member["sampling"]) for member in members)),
        repeats=words.once if entry["repeats"] == 1 else words.repeats.format(entry["repeats"]),
    )


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in ([], None)) or "-"
