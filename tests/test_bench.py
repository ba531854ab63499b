"""day3/bench.py: the seconds and the memory of a command are its own."""

import os
import sys
import time

import pytest

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
