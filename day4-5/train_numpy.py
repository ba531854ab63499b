"""Train a Transformer with the gradients that were written by hand, and with nothing else: NumPy.

    python day4-5/train_numpy.py                               three digits, half a minute
    python day4-5/train_numpy.py --task sums-reversed --size small
    python day4-5/train_numpy.py --step-by-step                look at every step, Enter by Enter

Letters: B items in a batch, T symbols, C channels, H heads, M = 4 C hidden, L layers, V symbols of a
task. The model reads a line and predicts each next symbol; only those of the answer are asked for.
"""

import math
import sys
import time
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

import step_by_step
from answering import right
from attention_numpy import causal_mask
from backward_model import loss_and_gradients
from backward_numpy import relu
from block_numpy import random_params
from digit_tasks import TASKS, encode, split
from honest_data import breakdown
from optim_numpy import AdamW, clip_factor, matrices, warmup_cosine

B, RATE, BETAS, DECAY, CEILING = 64, 3e-3, (0.9, 0.99), 0.1, 1.0
ROOM = 8  # positions beyond the longest line of a task


class Size(NamedTuple):
    L: int
    H: int
    C: int
    steps: int


SIZES = {
    "small": Size(1, 4, 32, 1500),
    "medium": Size(2, 4, 64, 600),
    "large": Size(3, 6, 96, 500),
}


class Step(NamedTuple):
    """What one step tells: `loss` and `grads` are those before it, `norm` that before clipping."""

    number: int
    loss: float
    norm: float
    grads: dict


def fresh(rng, V, size, longest=None):
    """Weights to start from: variance 1 / inputs, gains 1, biases 0, small tables.

    `longest` is how many learned positions there are; without it they are sinusoidal.
    """
    params = random_params(rng, V, size.C, 4 * size.C, size.L, classes=V)
    for name, p in params.items():
        if p.ndim == 1:
            params[name] = np.ones_like(p) if name.endswith("gain") else np.zeros_like(p)
    params["embedding"] = rng.normal(size=(V, size.C)) / 2
    if longest is not None:
        params["positions"] = rng.normal(size=(longest, size.C)) / 2
    return params


def batches(rng, N, B, steps):
    """So many times the numbers of B items; all N are dealt out before one comes again."""
    left = np.array([], dtype=int)
    for _ in range(steps):
        if len(left) < B:
            left = np.concatenate([left, rng.permutation(N)])
        yield left[:B]
        left = left[B:]


def training(params, ids, targets, H, steps, rng, optimizer=None):
    """Change `params` in so many steps on B items each: yields a Step after each of them.

    Without another optimiser it is AdamW, at the rate above. ValueError where ids and targets do
    not fit, and where a gradient is no longer a number.
    """
    if ids.shape != targets.shape:
        raise ValueError(f"ids {ids.shape} and targets {targets.shape} must have one shape")
    if optimizer is None:
        optimizer = AdamW(params, RATE, BETAS, weight_decay=DECAY, decayed=matrices(params))
    mask = causal_mask(ids.shape[1])
    for number, own in enumerate(batches(rng, len(ids), min(B, len(ids)), steps), start=1):
        loss, grads = loss_and_gradients(params, ids[own], targets[own], H, mask, bend=relu)
        factor, norm = clip_factor(grads, CEILING)
        clipped = {name: factor * d for name, d in grads.items()}
        optimizer.step(params, clipped, warmup_cosine(number, steps, steps // 20))
        yield Step(number, float(loss), norm, grads)


def prepared(task, size, seed, learned=True):
    """-> the parts of the task, weights, what to train on, the chance that goes on from there."""
    rng, parts = np.random.default_rng(seed), split(task)
    ids, targets = encode(task, parts["train"])
    params = fresh(rng, len(task.symbols), size, ids.shape[1] + ROOM if learned else None)
    return parts, params, ids, targets, rng


@dataclass
class Settings:
    """Flags of a run."""

    task: Literal["digits", "reverse", "sums", "sums-reversed"] = "digits"
    """What is learned: see digit_tasks.py."""
    size: Literal["small", "medium", "large"] = "medium"
    """1, 2 or 3 layers of 32, 64 or 96 channels."""
    steps: int | None = None
    """Steps of the optimiser; without it, those of the size."""
    seed: int = 1
    """Same seed, same run."""
    step_by_step: bool = False
    """Pause after a step, and look: answers before and after, gradients by layer."""


def train(settings):
    """One run, told as it goes."""
    task, size = TASKS[settings.task], SIZES[settings.size]
    steps = size.steps if settings.steps is None else settings.steps
    if steps < 1:
        raise ValueError(f"--steps must be 1 or more, not {steps}")
    parts, params, ids, targets, rng = prepared(task, size, settings.seed)
    count = sum(p.size for p in params.values())
    sizes = ", ".join(f"{len(items)} {part}" for part, items in parts.items())
    print(f"{settings.task}: {sizes} items; {count:,} parameters, {steps} steps of {B}")
    run, start = training(params, ids, targets, size.H, steps, rng), time.perf_counter()
    if settings.step_by_step:
        run = step_by_step.watched(run, params, task, parts["test"], size.H)
    for step in run:
        if step.number % math.ceil(steps / 10) == 0 or step.number == steps:
            share = right(params, task, parts["development"], size.H).mean()
            seconds = time.perf_counter() - start
            print(
                f"step {step.number:5}  {seconds:4.0f} s  loss {step.loss:.4f}  "
                f"gradient {step.norm:.3f}  right on the development part {share:.1%}"
            )
    test = parts["test"]
    told = breakdown([kind for kind, _, _ in test], right(params, task, test, size.H))
    print("on unseen items, with the interval that holds the true share 95 times of 100:")
    for kind, (hits, n, low, high) in sorted(told.items()):
        print(f"  {kind:12} {hits:4} of {n:4}  {hits / n:6.1%}  ({low:.1%} to {high:.1%})")
    print(f"\n{step_by_step.attention_map(params, task, test[len(test) // 2], size.H)}")


def main(arguments=None):
    import tyro

    train(tyro.cli(Settings, args=arguments, description=__doc__))


if __name__ == "__main__":
    from terminal import exit_code

    sys.exit(exit_code("train_numpy.py", main))
