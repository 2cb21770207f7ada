"""Hub repositories of several configurations, written with pyarrow alone as `datasets` writes them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from support.benchmarks import placeholder_image

#: "string", "int64", "float64", "bool", "image", "strings" (a list of texts) or "images"; for data without features in
#: its card, also a list with the kind of its elements, or the kinds of an object's fields by name.
Kind = str | list[Any] | Mapping[str, Any]
#: By column.
Features = Mapping[str, Kind]
Rows = Sequence[Mapping[str, Any]]

_IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_ARROW = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "image": _IMAGE,
    "strings": pa.list_(pa.string()),
    "images": pa.list_(_IMAGE),
}


def repository(
    configs: Mapping[str, tuple[Features, Mapping[str, Rows]]], *, infos_in_card: bool = True
) -> dict[str, bytes]:
    """The files of a repository: for each configuration its features and splits.

    An image is the name of a placeholder, the bytes of a picture, or None. The card says nothing of the features where
    it would be so long that reading it takes longer than the test: `datasets` reads it anew for each configuration.
    """
    files: dict[str, bytes] = {}
    infos, entries = [], []
    for config, (features, splits) in configs.items():
        folder = "data" if config == "default" else config
        sizes = []
        for split, rows in splits.items():
            files[f"{folder}/{split}-00000-of-00001.parquet"] = content = parquet(features, rows)
            sizes.append({"name": split, "num_bytes": len(content), "num_examples": len(rows)})
        total = sum(size["num_bytes"] for size in sizes)
        infos.append(
            ({} if config == "default" else {"config_name": config})
            | {
                "features": [_card_feature(name, kind) for name, kind in features.items()] if infos_in_card else [],
                "splits": sizes,
                "download_size": total,
                "dataset_size": total,
            }
        )
        paths = [{"split": split, "path": f"{folder}/{split}-*"} for split in splits]
        entries.append({"config_name": config, "data_files": paths})
    head = {"dataset_info": infos if len(infos) > 1 else infos[0]} if infos_in_card else {}
    head |= {"configs": entries}
    # JSON is YAML: no writer is needed.
    files["README.md"] = f"---\n{json.dumps(head, ensure_ascii=False)}\n---\n\nA stand-in for tests.\n".encode()
    return files


def parquet(features: Features, rows: Rows) -> bytes:
    """A Parquet file with the metadata by which `datasets` knows images."""
    info = json.dumps({"info": {"features": {name: _feature(kind) for name, kind in features.items()}}})
    schema = pa.schema([(name, _arrow(kind)) for name, kind in features.items()], metadata={"huggingface": info})
    cells = [{name: _cell(kind, row.get(name)) for name, kind in features.items()} for row in rows]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(cells, schema=schema), out)
    return out.getvalue()


def _arrow(kind: Kind) -> pa.DataType:
    if isinstance(kind, str):
        return _ARROW[kind]
    if isinstance(kind, list):
        return pa.list_(_arrow(kind[0]))
    return pa.struct([(name, _arrow(own)) for name, own in kind.items()])


def _feature(kind: Kind) -> Any:
    if isinstance(kind, list):
        return [_feature(kind[0])]
    if not isinstance(kind, str):
        return {name: _feature(own) for name, own in kind.items()}
    if kind in {"strings", "images"}:
        return {"feature": _feature(kind[:-1]), "_type": "Sequence"}
    return {"_type": "Image"} if kind == "image" else {"dtype": kind, "_type": "Value"}


def _card_feature(name: str, kind: Kind) -> dict[str, str]:
    assert isinstance(kind, str)
    if kind in {"strings", "images"}:
        return {"name": name, "sequence": kind[:-1]}
    return {"name": name, "dtype": kind}


def _cell(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "images":
        return [_cell("image", one) for one in value]
    if kind != "image":
        return value
    if isinstance(value, bytes):
        return {"bytes": value, "path": None}
    return {"bytes": placeholder_image(value), "path": value}
