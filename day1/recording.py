"""What several runs come to, in the few numbers that a record keeps. NumPy only.

The rows of results/experiments.json are written by experiments.py; every experiment gives its own.
"""

import datetime
import json
import os
import platform
import re
import statistics
import sys
from pathlib import Path

import numpy as np

RECORD = Path(__file__).parent / "results" / "experiments.json"


def spread(values):
    """Median and range over the first axis: one number, or one list, for each seed."""
    values = np.asarray(values, dtype=float)
    return {
        "median": rounded(np.median(values, axis=0)),
        "low": rounded(values.min(axis=0)),
        "high": rounded(values.max(axis=0)),
    }


def rounded(values):
    """Four significant digits, as plain numbers or lists of them."""
    values = np.asarray(values, dtype=float)
    if values.ndim:
        return [rounded(v) for v in values]
    return float(f"{values:.4g}")


def span(values, form="{:.3g}"):
    """Median of some numbers, or of what `spread` kept of them, and the range; or one number."""
    if np.isscalar(values):
        return form.format(values)
    if isinstance(values, dict):
        numbers = (values[name] for name in ("median", "low", "high"))
    else:
        numbers = statistics.median(values), min(values), max(values)
    median, low, high = map(form.format, numbers)
    return median if low == high else f"{median} ({low} to {high})"


def table(head, rows):
    """Rows of cells under their heads, as a page shows them."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def slope(x, y):
    """The power of x with which y grows: the slope of the line through log x, log y."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def read(path=RECORD):
    """The rows by name. FileNotFoundError says how to make them."""
    if not path.exists():
        day = path.parent.parent.name
        raise FileNotFoundError(f"{path} is missing: run python {day}/experiments.py")
    return json.loads(path.read_text("utf-8"))


def threads():
    """How many threads compute: those of torch where it is loaded, else what NumPy's products obey."""
    if "torch" in sys.modules:
        return str(sys.modules["torch"].get_num_threads())
    asked = (os.environ.get(f"{library}_NUM_THREADS") for library in ("OPENBLAS", "GOTO", "OMP"))
    return next(filter(None, asked), "as many as NumPy likes")


def write(name, figures, path=RECORD):
    """Add one row to the record, with the machine and the versions that made it."""
    rows = read(path) if path.exists() else {}
    program, cpu = Path(sys.argv[0]).resolve(), Path("/proc/cpuinfo")  # Linux
    model = re.search(r"model name\s*: (.*)", cpu.read_text()) if cpu.exists() else None
    loaded = [name for name in ("numpy", "torch") if name in sys.modules]
    versions = [f"{name} {sys.modules[name].__version__}" for name in loaded]
    rows[name] = figures | {
        "command": " ".join([f"python {program.parent.name}/{program.name}", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores",
        "threads": threads(),
        "versions": ", ".join([f"Python {platform.python_version()}", *versions]),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
