"""A folder to label, and a server that runs beside the test."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from lmms_eval_ja.labelling.gathering import Wish, gather
from lmms_eval_ja.labelling.server import LabelServer
from lmms_eval_ja.labelling.session import Session
from lmms_eval_ja.labelling.store import LabelStore
from support.labelled import write_results


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("labelling") / "comparison", tasks=2)


@contextmanager
def serving(wish: Wish, file):
    """A server with its own thread; what it wrote is let go at the end."""
    labelling, _ = gather(wish)
    store = LabelStore(file, labelling.target, labelling.scales)
    server = LabelServer(Session(labelling, store))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        store.close()


@pytest.fixture
def served():
    """`serving`, which conftest alone can offer to tests."""
    return serving
