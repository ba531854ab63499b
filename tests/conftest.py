"""`python -m pytest` is quick; `--all` adds the slow ones: real runs, killed runs, two processes."""

import os
import signal

import pytest
from hypothesis import settings
from study import work

from learner import copied


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also the tests that take longer")


def pytest_configure(config):
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes of the tests share the cores
    settings.load_profile("ci")  # hypothesis draws the same examples in every run, with no deadline
    config.addinivalue_line("markers", "slow: runs with --all")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--all"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: run with --all"))


@pytest.fixture(autouse=True)
def one_seed():
    """The same weights in every run: torch begins each process with a seed of its own choice."""
    import torch  # after the threads are set

    torch.manual_seed(0)


@pytest.fixture
def shakespeare():
    """The path of the real text, or a skip that says why."""
    path = os.environ.get("TINY_SHAKESPEARE")
    if not path:
        pytest.skip("needs the real text: set TINY_SHAKESPEARE to a copy of tiny Shakespeare")
    return path


@pytest.fixture(scope="session")
def small_text(tmp_path_factory):
    """A file of 30,000 characters of the grammar plays."""
    import grammar

    path = tmp_path_factory.mktemp("text") / "plays.txt"
    path.write_text(grammar.plays(30_000, seed=5), encoding="utf-8")
    return path


@pytest.fixture
def ctrl_c():
    """Programs that a test starts hear Ctrl-C, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def book(tmp_path):
    """A copy of Day 1, as if just cloned, with my/ made."""
    book = copied(tmp_path, "day1")
    work.make(book, "1")
    return book
