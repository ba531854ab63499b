"""Run every experiment of Day 2, write down what was found, and draw it.

    python day2/experiments.py            record what is missing, then draw
    python day2/experiments.py figures    draw again from the records

A run that stands in results/runs.jsonl is not repeated, so an interrupted recording goes on; delete
the file to begin anew. One run a core at a time: under an hour on two cores that do nothing else.
"""

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import corpus
import descent
import emergence
import grids
import ladder
import recording
import runs
from text import Alphabet, split

RECORD = Path(__file__).parent / "results" / "experiments.json"


def record_runs():
    """Take the runs that are missing, as many at a time as there are cores."""
    missing = [job for job in grids.jobs() if job not in grids.recorded()]
    start = time.perf_counter()
    grids.RUNS.parent.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool, open(grids.RUNS, "a", encoding="utf-8") as file:
        for number, row in enumerate(pool.map(grids.run, missing), start=1):
            file.write(json.dumps(row) + "\n")
            file.flush()
            seconds = time.perf_counter() - start
            print(
                f"{number} of {len(missing)} runs, {seconds:.0f} s: {row['validation']}", flush=True
            )


def record_ladder(seeds):
    """Every rung with every seed: name, parameters, seconds, loss."""
    alphabet = Alphabet(text := corpus.find()[1])
    learn, judge = split(alphabet.encode(text))
    climbs = [list(ladder.climb(learn, judge, len(alphabet), seed)) for seed in seeds]
    rungs = [
        {"name": same[0]["name"], "parameters": same[0]["parameters"]}
        | {what: recording.spread([row[what] for row in same]) for what in ("seconds", "loss")}
        for same in zip(*climbs, strict=True)
    ]
    return {"seeds": list(seeds), "steps": ladder.STEPS, "rungs": rungs}


EXPERIMENTS = {
    "ladder": record_ladder,
    "descent": descent.record,
    "emergence": emergence.record,
}


def main(arguments):
    """Record unless told only to draw; 2 for a call that is neither."""
    if arguments not in ([], ["figures"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        rows = recording.read(RECORD) if RECORD.exists() else {}
        for name in EXPERIMENTS.keys() - rows.keys():
            start = time.perf_counter()
            found = EXPERIMENTS[name](grids.SEEDS)
            seconds = round(time.perf_counter() - start, 1)
            recording.write(name, found | {"seconds": seconds}, RECORD)
            print(f"{name}: {seconds} s", flush=True)
        record_runs()
    rows = recording.read(RECORD)
    runs.draw(rows["ladder"])
    descent.draw(rows["descent"])
    emergence.draw(rows["emergence"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
