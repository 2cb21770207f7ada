"""Data as `datasets.load_dataset` gives it, prepared without holding a whole Parquet file in memory.

The first load on a machine converts Parquet files to Arrow. `datasets` reads them by pyarrow's scanner, which buffers
all row groups of a file ahead: for a file of 1.4 GB of pictures the peak was 2.0 GB, and 0.9 GB with that switched off
(datasets 5.2, pyarrow 26). The result lies where `load_dataset` looks for it: a later load of anybody's finds it.
"""

from __future__ import annotations

from typing import Any

#: Arguments of `load_dataset` that are not, or not only, its builder's.
_OF_LOADING = {
    "download_config",
    "download_mode",
    "keep_in_memory",
    "num_proc",
    "save_infos",
    "storage_options",
    "streaming",
    "verification_mode",
}


def load_prepared(path: str, name: str | None, split: str, **more: Any) -> Any:
    """A split of a dataset.

    Args:
        path: a repository of the hub, or a format such as parquet.
        name: of the configuration.
        split: its name.
        more: as `load_dataset` takes it.

    Raises:
        Exception: as `load_dataset`.
    """
    import datasets

    if _OF_LOADING & more.keys():
        return datasets.load_dataset(path, name, split=split, **more)
    builder = datasets.load_dataset_builder(path, name, **more)
    if getattr(builder.config, "fragment_scan_options", "unknown") is None:  # of Parquet, from datasets 4.2 on
        from pyarrow.dataset import ParquetFragmentScanOptions

        # Set after the builder has named its folder, which depends on what it was made with.
        builder.config.fragment_scan_options = ParquetFragmentScanOptions(pre_buffer=False)
    builder.download_and_prepare()
    return builder.as_dataset(split=split)
