"""What fits the minutes: measure a few real steps here, then count in steps."""

import dataclasses
import statistics
import time

import machine
from run import Run
from settings import EVALUATIONS, flops_per_symbol, size_for, with_size


def plan(settings, module, text, device, until, world):
    """Settle what was left open: precision, size, and the steps that end at the time `until`.

    Measures a few steps of a throw-away model -> settings, and the seconds they will take.
    """
    if settings.precision == "auto":
        fast = machine.bfloat16_pays(device)
        settings = dataclasses.replace(settings, precision="bfloat16" if fast else "float32")

    def left():  # evaluations on the way take about a fiftieth
        return 0.98 * (until - time.perf_counter())

    if settings.size is None:
        trial = with_size(settings, "small")
        step = seconds_per_step(trial, module, text, device, seconds=0.7)
        symbol = flops_per_symbol(trial.n_layer, trial.n_embd, trial.context, len(set(text)))
        rate = trial.batch * trial.context * symbol / step * world
        settings = dataclasses.replace(settings, size=size_for(left(), rate))
    settings = with_size(settings, settings.size)
    measured = 2 if settings.steps is None else 0.2
    step = seconds_per_step(settings, module, text, device, seconds=measured) / world
    if settings.steps is None:
        steps = max(EVALUATIONS, int(left() / step))
        settings = dataclasses.replace(settings, steps=steps)
    return settings, settings.steps * step


def seconds_per_step(settings, module, text, device, seconds):
    """Median time of real steps of a throw-away model that works for about so many seconds."""
    # it takes as long at a learning rate of 0, and cannot diverge
    trial = {"steps": 10**6, "compile": False, "matrix_lr": 0.0, "table_lr": 0.0}
    run = Run(dataclasses.replace(settings, **trial), module, text, device)
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 6 or time.perf_counter() < end:
        before = time.perf_counter()
        run.take_step()
        times.append(time.perf_counter() - before)
    return statistics.median(times[3:])
