"""Tables of a bundle: how large they say they are, before anything of them is read."""

from __future__ import annotations

from pathlib import Path

from lmms_eval_ja.compare.bundle.archive import LARGEST_MEMBER, BundleError

#: Rows that a table of a bundle may have.
MOST_ROWS = 20_000_000


def rows_of(path: Path) -> int:
    """How many rows a Parquet file says it has.

    Raises:
        BundleError: it is none, or says that it has more rows, or more bytes unpacked, than a bundle's table may.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        about = parquet.read_metadata(path)
        rows = int(about.num_rows)
        size = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}") from None
    if rows > MOST_ROWS:
        raise BundleError(f"{path} has {rows:,} rows; a table of a bundle has up to {MOST_ROWS:,}")
    if size > LARGEST_MEMBER:
        raise BundleError(f"{path} would take {size:,} bytes; a table of a bundle takes up to {LARGEST_MEMBER:,}")
    return rows
