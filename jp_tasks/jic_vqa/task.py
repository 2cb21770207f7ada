"""JIC-VQA: which flower, dish, landmark or facility a picture shows. The data names pictures by their addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from datasets import Dataset

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.jp_tasks.dataset import DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import GREY, shown, with_others
from lmms_eval_ja.jp_tasks.jic_vqa.names import domain_of, given_in, named_in
from lmms_eval_ja.jp_tasks.prompts import OPTIONS
from lmms_eval_ja.jp_tasks.scoring import PICTURE_FAILURE, Mark, marked_by
from lmms_eval_ja.jp_tasks.web_pictures import WebPictures
from lmms_eval_ja.judges.verdict import NO_PICTURE, Failure
from lmms_eval_ja.metrics import parse_choice, strip_reasoning

PICTURES = WebPictures("jic_vqa")
#: Whether `choices` are the options that the question lists; else they are all names of its domain.
LISTED = "listed"


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data, see to its pictures, and name domain, options and picture by the conventional columns."""
    dataset = load_checked(dataset, SPEC)
    addresses, categories = list(dataset["url"]), list(dataset["category"])
    fetch(dataset)
    domains = [domain_of(question) for question in dataset["question"]]
    names: dict[str, list[str]] = {}
    for domain, category in sorted(set(zip(domains, categories, strict=True))):
        names.setdefault(domain, []).append(category)
    options = [named_in(text, names[domain]) for text, domain in zip(dataset["question"], domains, strict=True)]
    listed = [category in own and len(own) > 1 for category, own in zip(categories, options, strict=True)]
    triples = zip(options, listed, domains, strict=True)
    dataset = with_columns(
        dataset,
        {
            "question_id": [str(id_) for id_ in dataset["id"]],
            OPTIONS: [own if is_listed else names[domain] for own, is_listed, domain in triples],
            LISTED: listed,
            "reference": categories,
            "image_id": addresses,
            # The column of this name in the data is the name of what the picture shows.
            "category": domains,
            "parts": [[domain] for domain in domains],
            PICTURE_FAILURE: [_picture_failure(address) for address in addresses],
        },
    )
    return with_others(dataset)


def fetch(dataset: Dataset) -> str:
    """Get the pictures that are not in the cache yet; gives a line on what there is."""
    return str(PICTURES.fetch(list(dataset["url"])))


def _picture_failure(address: str) -> Failure | None:
    """Why a picture is not there; one that was not reached counts as gone only where changed data is allowed."""
    if PICTURES.find(address) is not None:
        return None
    is_gone = PICTURES.why_gone(address) is not None or load_settings().allow_changed_data
    return NO_PICTURE if is_gone else "transport"


def doc_to_visual(doc: Mapping[str, Any]) -> list[Any]:
    """The picture; a grey one where it is not there, as the model is asked all the same."""
    if not doc[PICTURE_FAILURE] or load_settings().image == "none":
        return shown(doc, pictures)
    from PIL import Image

    return [Image.new("RGB", (224, 224), GREY)]


def pictures(doc: Mapping[str, Any]) -> Sequence[Any]:
    """The picture from the cache, if it is there."""
    return [PICTURES.open(doc["url"])] if not doc[PICTURE_FAILURE] else []


def mark(doc: Mapping[str, Any], answer: str) -> Mark:
    """By the option that is named, by letter or text; where the question lists none, by the one name of its domain."""
    options = list(doc[OPTIONS])
    if doc[LISTED]:
        choice = parse_choice(answer, options)
        if choice.letter is None:
            return Mark(None, reason=choice.reason)
        named = [options[ascii_uppercase.index(choice.letter)]]
    elif not (answer := strip_reasoning(answer)):
        return Mark(None, reason="unfinished")
    else:
        named = given_in(answer, options)
    if len(named) != 1:
        return Mark(None, reason="ambiguous" if named else "none")
    return Mark(named[0], right=named[0] == doc["reference"])


#: The hub shows 7.65k rows.
SPEC = DatasetSpec(
    name="line-corporation/JIC-VQA",
    rows=range(7645, 7655),
    columns=("id", "url", "category", "question"),
    fetch=fetch,
)
process_results = marked_by(mark)
