"""day3/bench.py: a command's seconds and memory are its own; texts told as equal are equal."""

import os
import sys
import time
from functools import partial
from types import SimpleNamespace

import pytest
import torch

import bench
import machine

posix = pytest.mark.skipif(os.name == "nt", reason="asks for the memory of a process")


@posix
def test_a_command_has_its_own_seconds_memory_and_lines(tmp_path):
    """It holds 100 MiB and Python; the tests' own process, which starts it, 300 and more."""
    held = b"x" * (300 * 2**20)
    code = "import os, time; held = b'x' * (100 * 2**20); print(os.getcwd(), flush=True); "
    code += "time.sleep(0.5); print('  done')"
    before = time.perf_counter()
    seconds, memory, lines = bench.timed([sys.executable, "-c", code], cwd=tmp_path)
    assert 100 < memory < 200 < len(held) / 2**20
    (first, place), (last, done) = lines
    assert (place, done) == (os.path.realpath(tmp_path), "  done")
    assert last - first > 0.4
    assert 0.5 < last < seconds < time.perf_counter() - before


@posix
@pytest.mark.parametrize("end", ["sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_command_that_fails_is_told_with_its_lines(end):
    code = f"import os, sys; print('so far', flush=True); {end}"
    with pytest.raises(RuntimeError, match=r"ended with \d+:\nso far$"):
        bench.timed([sys.executable, "-c", code])


@pytest.mark.parametrize(("system", "most"), [("darwin", 3 * 2**20), ("linux", 3 * 2**10)])
def test_memory_is_told_in_the_units_of_the_system(system, most, monkeypatch):
    monkeypatch.setattr(machine.sys, "platform", system)
    assert machine.mebibytes(most) == 3


SMALL = {"length": 12, "context": 8, "n_layer": 1, "n_head": 1, "n_embd": 8}  # the window moves on
NANOGPT = """
import torch
from types import SimpleNamespace as GPTConfig
class GPT(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        assert (config.vocab_size, config.block_size, config.n_layer) == (65, 8, 1)
    def generate(self, ids, length):
        return ids.expand(1, length)
"""


def test_a_text_is_compared_with_that_without_a_cache(tmp_path):
    assert bench.cached(1, **SMALL)["equal"] is True
    (tmp_path / "model.py").write_text(NANOGPT, encoding="utf-8")
    figures = bench.sampling(tmp_path, 1, **SMALL)
    assert figures["equal to ours without a cache"] is True
    assert figures["characters_per_second"].keys() == {"ours", "nanoGPT"}


def test_a_text_that_differs_is_told(monkeypatch):
    def other(*_):
        return torch.full((12, 1), 65)

    monkeypatch.setattr(bench, "uncached", other)
    assert bench.cached(1, **SMALL)["equal"] is False


def test_two_writers_take_turns_and_the_first_is_so_many_times_faster(monkeypatch):
    clock = iter([0, 1, 1, 5, 5, 7, 7, 17])  # seconds: 1 and 4, then 2 and 10
    monkeypatch.setattr(bench, "time", SimpleNamespace(perf_counter=partial(next, clock)))
    said = iter("abcd")
    writers = {"quick": partial(next, said), "slow": partial(next, said)}
    texts, figures = bench.in_turn(writers, 2, 100)
    assert texts == ["c", "d"]
    assert figures["characters_per_second"] == {
        "quick": {"median": 75, "low": 50, "high": 100},
        "slow": {"median": 17.5, "low": 10, "high": 25},
    }
    assert figures["times faster"] == {"median": 4.5, "low": 4, "high": 5}
