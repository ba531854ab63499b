"""The project of Day 3: change one thing in your model, and measure it as the book measures itself.

    python day3/project.py my/day3/model.py --expect better
    python day3/project.py my/day3/model.py --expect worse --steps 100 --seeds 1 2

1. Copy the book's model or yours, and change one thing: a norm, the bend, the positions, the heads.
2. Write down what you expect. It is asked before anything runs.
3. The preflight questions the model; then it and the book's are trained on the same batches from
   the same seeds, and judged on the development split, which is not what the front page is about.

The score, of 10: sound 3; as large as the book's, within a tenth 1; a step at most a tenth slower 1;
an effect that the seeds show, or show to be below 0.01 nats 3; what you expected 2. A change that
makes the model worse and was expected to is worth 10, too.
"""

import math
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

import checkpoint
import corpus
import machine
from preflight import preflight
from run import Run
from settings import Settings as RunSettings
from settings import with_size
from text import split

BOOKS = Path(__file__).resolve().with_name("model.py")
SMALL = 0.01  # nats: an interval within so much of 0 says "the same"
# two-sided 95 % points of Student's distribution, by the number of pairs less one
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306}


@dataclass
class Settings:
    """What to measure."""

    model: tyro.conf.Positional[Path]
    """Your model: a file with Config and GPT."""
    expect: Literal["better", "worse", "same"]
    """What you think will come out, against the book's model."""
    steps: int = 200
    """Steps of each run."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """A pair of runs for each: two to nine."""
    size: Literal["tiny", "small", "medium", "large"] = "small"
    """Of both models."""


def trained(module, text, settings):
    """One run -> development loss in nats, seconds a step, parameters."""
    run = Run(settings, module, text, "cpu")
    run.take_step()  # the first step starts what later ones use
    start = time.perf_counter()
    while run.step < settings.steps:
        run.take_step()
    seconds = (time.perf_counter() - start) / max(1, settings.steps - 1)
    return run.loss(run.validation), seconds, sum(p.numel() for p in run.model.parameters())


def interval(differences):
    """Mean and half width of its 95 % interval, of differences in pairs (Student 1908)."""
    n = len(differences)
    half = STUDENT[n - 1] * statistics.stdev(differences) / math.sqrt(n)
    return statistics.mean(differences), half


def found(differences):
    """ "better", "worse", or "same" where the interval holds 0."""
    mean, half = interval(differences)
    if abs(mean) <= half:
        return "same"
    return "better" if mean < 0 else "worse"


def points(findings, expected, differences, size, pace):
    """The rubric: line -> (points, of how many). size and pace are yours over the book's."""
    outcome, (mean, half) = found(differences), interval(differences)
    shown = outcome != "same" or abs(mean) + half < SMALL
    return {
        "sound: the preflight finds nothing": (3 * (not findings), 3),
        f"as large as the book's, within a tenth ({size:.2f} times)": (int(0.9 <= size <= 1.1), 1),
        f"a step at most a tenth slower ({pace:.2f} times)": (int(pace <= 1.1), 1),
        f"the seeds show an effect, or that it is below {SMALL} nats": (3 * shown, 3),
        f"found {outcome}, expected {expected}": (2 * (outcome == expected), 2),
    }


def compare(module, text, settings, seeds):
    """Both models on the same seeds: two lists of what `trained` gives, yours first."""
    rows = ([], [])
    for seed in seeds:
        chosen = RunSettings(steps=settings.steps, seed=seed, precision=settings.precision)
        chosen = with_size(chosen, settings.size)
        for row, m in zip(rows, (module, checkpoint.load_module(BOOKS)), strict=True):
            row.append(trained(m, text, chosen))
        print(f"seed {seed}: yours {rows[0][-1][0]:.4f}, the book's {rows[1][-1][0]:.4f}")
    return rows


def main():
    settings = tyro.cli(Settings, description=__doc__.splitlines()[0])
    try:
        if not 2 <= len(set(settings.seeds)) == len(settings.seeds) <= 9 or settings.steps < 2:
            raise ValueError("give two to nine different --seeds, and at least 2 --steps")
        module = checkpoint.load_module(settings.model)
        text = split(corpus.find()[1])[0]  # the validation split stays unread
        asked = RunSettings(steps=settings.steps, precision=machine.precision())
        asked = with_size(asked, settings.size)
        run = Run(asked, module, text, "cpu")
        findings = preflight(run.model, len(run.alphabet), asked.context)
        for finding in findings:
            print(f"preflight: {finding}")
        mine, books = compare(module, text, asked, settings.seeds)
    except FloatingPointError:
        sys.exit(f"project: {settings.model} diverged, and what is no number cannot be compared")
    except NotImplementedError as error:
        sys.exit(f"project: {settings.model} is not written to its end: {error} is still blank")
    except (ValueError, OSError) as error:
        sys.exit(f"project: {error}")
    differences = [a[0] - b[0] for a, b in zip(mine, books, strict=True)]
    mean, half = interval(differences)
    ends = f"{mean - half:+.4f} to {mean + half:+.4f}"
    print(f"yours less the book's: {mean:+.4f} nats, 95 % interval {ends}")
    size = mine[0][2] / books[0][2]
    pace = statistics.median(m[1] / b[1] for m, b in zip(mine, books, strict=True))
    rubric = points(findings, settings.expect, differences, size, pace)
    for line, (got, most) in rubric.items():
        print(f"{got} of {most}  {line}")
    print(f"{sum(got for got, _ in rubric.values())} of 10")


if __name__ == "__main__":
    main()
