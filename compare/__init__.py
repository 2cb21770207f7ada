"""Many models: plan, run, read, compare, report.

`load_results(folder)` reads the results of many models, `compare(results)` says what they tell; both are loaded at
their first use, PEP 562.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmms_eval_ja.compare.compared import Compared
    from lmms_eval_ja.compare.results import Results, ResultsError, load_results
    from lmms_eval_ja.compare.statistics import compare

__all__ = ["Compared", "Results", "ResultsError", "compare", "load_results"]

_LAZY = {
    "Compared": "compared",
    "Results": "results",
    "ResultsError": "results",
    "compare": "statistics",
    "load_results": "results",
}


def __getattr__(name: str) -> object:
    """Import a name of `_LAZY` when it is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return every public name, loaded or not."""
    return sorted({*globals(), *__all__})
