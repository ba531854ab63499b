"""Record what Day 3 says of limits: the floor, learning by heart, the two minutes, a task of one's own.

    python day3/limits.py            record what is missing, then draw
    python day3/limits.py figures    draw again from the record

A row of results/limits.json is one experiment with one seed; what stands there is not repeated, so
an interrupted recording goes on. Delete the file to begin anew: about 23 minutes on two cores.
"""

import json
import sys
import time
from pathlib import Path

import torch

import bench
import floor
import machine
import minute
import overfitting
import own_task

RECORD = Path(__file__).parent / "results" / "limits.json"
SEEDS = (1, 2, 3)
EXPERIMENTS = {
    "overfitting": (overfitting.record, SEEDS),
    "floor": (floor.record, SEEDS),
    "own task": (own_task.record, (1,)),
    "minute": (minute.record, (1,)),
    "longer": (floor.longer, (1,)),
}


def read(path=RECORD):
    """The rows by name, such as "floor, seed 1"."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def rows(name, path=RECORD):
    """The rows of one experiment, a row for each seed. KeyError where one is missing."""
    return [read(path)[f"{name}, seed {seed}"] for seed in EXPERIMENTS[name][1]]


def record():
    """Take what is missing, a seed at a time."""
    precision = machine.precision()
    for name, (experiment, seeds) in EXPERIMENTS.items():
        for seed in seeds:
            if f"{name}, seed {seed}" in read():
                continue
            start = time.perf_counter()
            figures = experiment(seed, precision) | {
                "seed": seed,
                "precision": precision,
                "threads": torch.get_num_threads(),
                "seconds": round(time.perf_counter() - start, 1),
            }
            bench.record(f"{name}, seed {seed}", figures, RECORD)


def main(arguments):
    """Record unless told only to draw; 2 for a call that is neither."""
    if arguments not in ([], ["figures"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        record()
    floor.draw(rows("floor"), rows("longer")[0])
    overfitting.draw(rows("overfitting"))
    minute.draw(rows("minute")[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
