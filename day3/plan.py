"""What fits the minutes: measure a few real steps here and a look, then count in steps."""

import dataclasses
import statistics
import time

import machine
from run import Run
from settings import EVALUATIONS, PART, flops_per_symbol, size_for, with_size

WRITTEN = 1100  # characters of all samples of a run


def plan(settings, module, text, device, until, world):
    """Settle what was left open: precision, size, and the steps that end at the time `until`.

    Measures a throw-away model -> settings, and the seconds that training will take.
    """
    if settings.precision == "auto":
        settings = dataclasses.replace(settings, precision=machine.precision(device))

    def left():
        return until - time.perf_counter()

    if settings.size is None:
        trial = with_size(settings, "small")
        step = seconds_per_step(throw_away(trial, module, text, device), seconds=0.7)
        symbol = flops_per_symbol(trial.n_layer, trial.n_embd, trial.context, len(set(text)))
        rate = trial.batch * trial.context * symbol / step * world
        settings = dataclasses.replace(settings, size=size_for(left(), rate))
    settings = with_size(settings, settings.size)
    run = throw_away(settings, module, text, device)
    step = seconds_per_step(run, seconds=2 if settings.steps is None else 0.2) / world
    looks = seconds_of_looks(run)
    if settings.steps is None:
        steps = max(EVALUATIONS, int((left() - looks) / step))
        settings = dataclasses.replace(settings, steps=steps)
    return settings, settings.steps * step + looks


def throw_away(settings, module, text, device):
    """A run to measure with: at a learning rate of 0 it takes as long, and cannot diverge."""
    trial = {"steps": 10**6, "compile": False, "matrix_lr": 0.0, "table_lr": 0.0}
    return Run(dataclasses.replace(settings, **trial), module, text, device)


def seconds_per_step(run, seconds):
    """Median time of real steps, taken for about so many seconds."""
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 6 or time.perf_counter() < end:
        times.append(seconds_for(run.take_step))
    return statistics.median(times[3:])


def seconds_of_looks(run):
    """What the evaluations and samples of a whole run take, by one batch and one short text."""
    V = len(run.validation)
    judged = (EVALUATIONS + 2) * min(PART, V) + V
    batch = run.validation[: 64 * run.settings.context + 1]
    judging = seconds_for(lambda: run.loss(batch)) / len(batch)
    writing = seconds_for(lambda: run.write(30)) / 30
    return judged * judging + WRITTEN * writing


def seconds_for(work):
    before = time.perf_counter()
    work()
    return time.perf_counter() - before
