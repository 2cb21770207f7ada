"""Vega, which draws the charts: its JavaScript comes inside the wheel of vl-convert-python."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

#: The page's charts call it `ReportVega.embed(element, spec, {ast: true, …})`.
_SNIPPET = "window.ReportVega={embed:vegaEmbed};"


class VegaError(Exception):
    """The charts' library is not there; the message says what to install."""


def vega_script() -> str:
    """Vega, Vega-Lite and vega-embed as one classic script of 0.9 MB, with nothing global but `ReportVega`.

    Vega usually compiles expressions by `Function(…)`, which a strict content security policy forbids. vega-embed
    brings Vega's interpreter with it and uses it with the option `ast`, so the page needs no `unsafe-eval`.

    Raises:
        VegaError: vl-convert-python is not installed, or cannot make the bundle.
    """
    try:
        import vl_convert  # noqa: F401
    except ImportError:
        raise VegaError(
            'the report\'s charts need vl-convert-python, which brings Vega: pip install "lmms-eval-ja[compare]"'
        ) from None
    try:
        return _bundle()
    except ValueError as error:
        raise VegaError(
            f"vl-convert-python {version('vl-convert-python')} cannot bundle Vega ({error}): "
            'pip install --upgrade "lmms-eval-ja[compare]"'
        ) from None


@cache
def _bundle() -> str:
    """Made once in a process: it takes two seconds."""
    import vl_convert

    return f'(function(){{"use strict";{vl_convert.javascript_bundle(_SNIPPET)}}})();\n'
