from __future__ import annotations

import subprocess
import sys

import lmms_eval_ja.compare as room


def test_the_front_offers_what_is_documented():
    from lmms_eval_ja.compare.results import load_results
    from lmms_eval_ja.compare.statistics import compare

    assert room.load_results is load_results
    assert room.compare is compare
    assert {*room.__all__} <= {*dir(room)}
    assert not hasattr(room, "nothing")


def test_nothing_slow_is_imported_before_it_is_needed():
    code = "import sys, lmms_eval_ja.compare.results; print(sorted({'pyarrow', 'scipy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
