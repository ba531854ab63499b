"""How long a learner waits: day1/results/waiting.json.

    python tests/measure_study.py

Times whole commands from the shell, alternating with the import that sets the scale, and the
seconds from a save to the verdict of `study watch`. Medians of REPEATS; run it on a machine that
does nothing else.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import recording
from learner import ROOT, copied

REPEATS = 9
RIGHT = ROOT / "day1" / "attention_numpy.py"
RECORD = ROOT / "day1" / "results" / "waiting.json"


def seconds(command, folder):
    """Wall time of one command, whatever it prints and however it ends."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - start


def answered(folder):
    """A fresh copy of the book with every answer of attention_numpy.py right."""
    book = copied(folder, "day1")
    mine = book.root / "my" / "day1" / RIGHT.name
    mine.parent.mkdir(parents=True)
    shutil.copy(RIGHT, mine)
    return book, mine


def commands(book):
    """What is timed, by name; the wrong answer is one that has to be named."""
    study = [sys.executable, "-m", "study"]
    return {
        "import numpy": [sys.executable, "-c", "import numpy"],
        "study check 1.2": [*study, "check", "1.2"],
        "study": study,
        "study hint 1.2": [*study, "hint", "1.2"],
    }


def watched(book, mine):
    """Seconds from a save to the verdict, for REPEATS saves."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "study", "watch", "1.2"],
        cwd=book.root,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    wrong = RIGHT.read_text("utf-8").replace("softmax(scores)", "softmax(scores, -2)")
    told = []

    def verdict():
        while not (line := process.stdout.readline()).startswith("1.2 "):
            if not line:
                raise RuntimeError("study watch ended")

    try:
        mine.write_text(wrong, encoding="utf-8")
        verdict()
        for number in range(REPEATS):
            time.sleep(1)
            mine.write_text(f"{wrong}\n# {number}\n", encoding="utf-8")
            start = time.perf_counter()
            verdict()
            told.append(time.perf_counter() - start)
    finally:
        process.kill()
    return told


def main():
    with tempfile.TemporaryDirectory() as folder:
        book, mine = answered(folder)
        taken = {name: [] for name in (*commands(book), "study check 1.2, wrong")}
        for _ in range(REPEATS):
            mine.write_bytes(RIGHT.read_bytes())
            for name, command in commands(book).items():
                taken[name].append(seconds(command, folder))
            text = RIGHT.read_text("utf-8").replace("softmax(scores)", "softmax(scores, -2)")
            mine.write_text(text, encoding="utf-8")
            command = commands(book)["study check 1.2"]
            taken["study check 1.2, wrong"].append(seconds(command, folder))
        taken["watch, after a save"] = watched(book, mine)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    ratios = {
        name: round(median / medians["import numpy"], 2)
        for name, median in medians.items()
        if name.startswith("study")
    }
    row = {
        "repeats": REPEATS,
        "seconds": {name: recording.spread(times) for name, times in taken.items()},
        "times import numpy": ratios,
    }
    recording.write("waiting", row, RECORD)
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
