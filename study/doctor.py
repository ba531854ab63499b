"""Is everything here that the book needs? A line for each thing, and how to mend it."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FIGURE = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.savefig({path!r})
"""
STEP = """
import torch
from model import GPT, Config
torch.manual_seed(0)
gpt = GPT(Config(vocab_size=5, context=8, n_layer=1, n_head=2, n_embd=16, dropout=0.0))
ids = torch.arange(9)[None] % 5
optimizer = torch.optim.AdamW(gpt.parameters(), 0.01)
before = gpt(ids[:, :-1], ids[:, 1:])[1]
before.backward(); optimizer.step()
after = gpt(ids[:, :-1], ids[:, 1:])[1]
print(f"loss {before.item():.3f}, after one step {after.item():.3f}")
assert after < before
"""


def examine(book):
    """Print what was found: exit code 0, or 1 where something is wrong."""
    rows = [python(), *packages(book), machine(), text(book), step(book), figure(), files(book)]
    for good, what, found, mend in rows:
        print(f"{'ok ' if good else '-- '} {what:12} {found}")
        if not good:
            print(f"    {'':12} {mend}")
    wrong = sum(not row[0] for row in rows)
    print(f"\n{wrong} to mend." if wrong else "\nAll is well.")
    return 1 if wrong else 0


def python():
    version = ".".join(map(str, sys.version_info[:3]))
    return sys.version_info >= (3, 11), "python", version, "install Python 3.11 or later"


def packages(book):
    """What requirements.txt pins, beside what is installed."""
    for line in (book.root / "requirements.txt").read_text("utf-8").splitlines():
        pinned = re.match(r"([\w-]+)==([\w.]+)", line)
        if not pinned:
            continue
        name, wanted = pinned.groups()
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            later = {"torch": "from Day 2 on", "pytest": "to test", "hypothesis": "to test"}.get(
                name
            )
            found = f"missing, needed {later}" if later else "missing"
            yield bool(later), name, found, "pip install -r requirements.txt"
            continue
        tested = "" if version.split("+")[0] == wanted else f" (tested with {wanted})"
        yield True, name, version + tested, ""


def machine():
    cores = os.cpu_count()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return True, "machine", f"{cores} cores", ""
    return memory > 2, "machine", f"{cores} cores, {memory:.0f} GiB", "training needs 2 GiB"


def text(book):
    given = os.environ.get("TINY_SHAKESPEARE")
    if given:
        mend = "TINY_SHAKESPEARE names a file that is not there: correct or unset it"
        return Path(given).is_file(), "text", given, mend
    if (book.root / "day3" / "data").is_dir():
        return True, "text", "in day3/data/", ""
    return True, "text", "not here yet: train.py downloads it, or writes grammar plays", ""


def run(book, code):
    """Run a few lines in a process of their own: (whether it went well, its last line)."""
    folders = os.pathsep.join(str(book.root / day) for day in ("day3", "day1"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": folders},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = (done.stdout + done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else ""


def step(book):
    if importlib.util.find_spec("torch") is None:
        return True, "training", "needs torch, from Day 2 on", ""
    good, found = run(book, STEP)
    return good, "training", found, "pip install -r requirements.txt; then see the line above"


def figure():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.png"
        good, found = run_figure(path)
    return good, "figures", found, "pip install -r requirements.txt; then see the line above"


def run_figure(path):
    done = subprocess.run(
        [sys.executable, "-c", FIGURE.format(path=str(path))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode or not path.exists():
        return False, (done.stderr.strip().splitlines() or ["no file was written"])[-1]
    return True, f"a PNG of {path.stat().st_size:,} bytes"


def files(book):
    """Whether the learner's folder and the README can be written."""
    for name in ("README.md", "."):
        if not os.access(book.root / name, os.W_OK):
            return False, "files", f"{name} cannot be written", "give yourself write permission"
    return True, "files", "the book can be written", ""
