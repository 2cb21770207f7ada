"""comparison.parquet: the table of answers as a file that pandas, DuckDB and Polars read (docs/comparison.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lmms_eval_ja.clients.whole_file import whole_file
from lmms_eval_ja.compare.results import Results, ResultsError

NAME = "comparison.parquet"
#: Key of the file's metadata, and the schema's version in it.
METADATA, VERSION = b"lmms_eval_ja.comparison", b"1"
_ROWS_AT_ONCE = 50_000


def write_parquet(results: Results, path: Path) -> Path:
    """Write the table of answers, texts as plain strings; the file is whole or not there.

    Args:
        results: what `load_results` read.
        path: of the file.

    Returns:
        The same path.

    Raises:
        OSError: it cannot be written.
    """
    from pyarrow import parquet

    schema = _plain(results.answers.schema).with_metadata({METADATA: VERSION})
    with whole_file(path) as partial, parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
        for start in range(0, len(results.answers), _ROWS_AT_ONCE):
            writer.write_table(results.answers.slice(start, _ROWS_AT_ONCE).cast(schema))
    return path


def read_parquet(path: Path) -> Any:
    """The table that `write_parquet` wrote, as a pyarrow.Table.

    Raises:
        ResultsError: not there, no parquet, or of another version.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from None
    if (table.schema.metadata or {}).get(METADATA) != VERSION:
        raise ResultsError(
            f"{path}: not a comparison of this version: write it again (lmms-eval-ja compare … --collect)"
        )
    return table


def _plain(schema: Any) -> Any:
    import pyarrow as pa

    return pa.schema([pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in schema])
