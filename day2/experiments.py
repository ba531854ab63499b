"""Run every experiment of Day 2, write down what was found, and draw it.

    python day2/experiments.py            record what is missing, then draw
    python day2/experiments.py figures    draw again from the records

What stands in results/runs.jsonl and results/experiments.json is not repeated, so an interrupted
recording goes on; delete them to begin anew. One run a core at a time: over an hour on two cores.
"""

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

import bigram
import corpus
import descent
import emergence
import evaluate
import grids
import ladder
import recording
import runs
from counting import bigram_probabilities, table_loss
from text import Alphabet, split

RECORD = Path(__file__).parent / "results" / "experiments.json"


def record_runs():
    """Take the runs that are missing, as many at a time as there are cores."""
    done = grids.recorded()
    missing = [job for job in grids.jobs() if job not in done]
    start = time.perf_counter()
    grids.RUNS.parent.mkdir(exist_ok=True)
    whole = [json.dumps(row) + "\n" for row in done.values()]  # less a line that was broken off
    grids.RUNS.write_text("".join(whole), encoding="utf-8")
    with ProcessPoolExecutor() as pool, open(grids.RUNS, "a", encoding="utf-8") as file:
        for number, row in enumerate(pool.map(grids.run, missing), start=1):
            file.write(json.dumps(row) + "\n")
            file.flush()
            seconds = time.perf_counter() - start
            print(
                f"{number} of {len(missing)} runs, {seconds:.0f} s: {row['validation']}", flush=True
            )


def record_pairs(seeds):
    """The table of pairs, learned with every seed, and counted: what each loses on both splits."""
    alphabet = Alphabet(text := corpus.find()[1])
    learn, judge = split(alphabet.encode(text))
    counted, learned = bigram_probabilities(learn, len(alphabet)), []
    for seed in seeds:
        model, generator = bigram.Bigram(len(alphabet)), torch.Generator().manual_seed(seed)
        for _ in bigram.train(
            model, learn, bigram.STEPS, bigram.B, bigram.T, bigram.RATE, generator
        ):
            pass
        learned.append([evaluate.loss(model, ids, bigram.T) for ids in (learn, judge)])
    q, u = alphabet.encode("qu")
    return {
        "seeds": list(seeds),
        "steps": bigram.STEPS,
        "u after q": round(counted[q, u], 4),
        "counted": [round(table_loss(counted, ids), 4) for ids in (learn, judge)],
        "learned": [recording.spread(losses) for losses in zip(*learned, strict=True)],
    }


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
    "pairs": record_pairs,
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
