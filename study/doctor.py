"""Is everything here that the book needs? A line for each thing, and how to mend it."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import sys

LATER = {"torch": "from Day 2 on", "pytest": "to test", "hypothesis": "to test"}
FIGURE = """
import io, matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot
file = io.BytesIO()
pyplot.plot([1, 2]); pyplot.savefig(file)
print(f"a PNG of {file.tell():,} bytes")
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
    rows = [*packages(book), machine(), text(book), step(book), run(book, "figures", FIGURE)]
    rows.append(files(book))
    for good, what, found, mend in rows:
        print(f"{'ok ' if good else '-- '} {what:12} {found}")
        if not good:
            print(f"    {'':12} {mend}")
    wrong = sum(not row[0] for row in rows)
    print(f"\n{wrong} to mend." if wrong else "\nAll is well.")
    return 1 if wrong else 0


def packages(book):
    """What requirements.txt pins, beside what is installed."""
    pins = (book.root / "requirements.txt").read_text("utf-8")
    for name, wanted in re.findall(r"^([\w-]+)==([\w.]+)", pins, re.MULTILINE):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = f"missing, needed {LATER[name]}" if name in LATER else "missing"
            yield name in LATER, name, found, "pip install -r requirements.txt"
        else:
            tested = "" if version.split("+")[0] == wanted else f" (tested with {wanted})"
            yield True, name, version + tested, ""


def machine():
    found = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return True, "machine", found, ""
    return memory > 2, "machine", f"{found}, {memory:.0f} GiB", "training needs 2 GiB"


def text(book):
    if given := os.environ.get("TINY_SHAKESPEARE"):
        mend = "TINY_SHAKESPEARE names a file that is not there: correct or unset it"
        return os.path.isfile(given), "text", given, mend
    here = (book.root / "day3" / "data" / "tinyshakespeare.txt").exists()
    later = "not here yet: train.py downloads it, or writes grammar plays"
    return True, "text", "in day3/data/" if here else later, ""


def step(book):
    if importlib.util.find_spec("torch") is None:
        return True, "training", "needs torch, from Day 2 on", ""
    return run(book, "training", STEP)


def run(book, what, code):
    """The row of a few lines that run in a process of their own: what they print last."""
    mend = "pip install -r requirements.txt; then see the line above"
    folders = os.pathsep.join(str(book.root / day) for day in ("day3", "day1"))
    environment = os.environ | {"PYTHONPATH": folders}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, what, "no answer within 120 s", mend
    lines = (done.stdout + done.stderr).strip().splitlines()
    return done.returncode == 0, what, lines[-1] if lines else "", mend


def files(book):
    """Whether the learner's folder and the README can be written."""
    shut = [name for name in ("README.md", ".") if not os.access(book.root / name, os.W_OK)]
    found = f"{shut[0]} cannot be written" if shut else "the book can be written"
    return not shut, "files", found, "give yourself write permission"
