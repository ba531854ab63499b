"""Is a model of yours on the book's way? Both take their first steps beside each other."""

import dataclasses
from pathlib import Path

import checkpoint
from run import Run

BOOKS = Path(__file__).resolve().with_name("model.py")
STEPS, NEAR = 50, 0.02  # nats; two orders of the same sums, in bfloat16, stay below it


def first_losses(settings, module, text, device, steps):
    """The losses of a model's first steps, each before its step: a list of nats."""
    run = Run(settings, module, text, device)
    return [run.take_step()[0] for _ in range(min(steps, settings.steps))]


def beside(settings, module, text, device, steps=STEPS):
    """A sentence on a model's first losses, with the same seed and batches as the book's model.

    Where both have the same `__init__`, they start with the same weights, and a right model has
    the book's losses.
    """
    settings = dataclasses.replace(settings, compile=False)
    books = checkpoint.load_module(BOOKS)
    pairs = [first_losses(settings, m, text, device, steps) for m in (module, books)]
    apart = [abs(mine - theirs) for mine, theirs in zip(*pairs, strict=True)]
    mine, theirs = (losses[-1] for losses in pairs)
    ends = f"after {len(apart)} steps yours has {mine:.3f}, the book's {theirs:.3f}"
    if max(apart) < NEAR:
        return f"beside the book's model: the same losses to {max(apart):.1g}; {ends}"
    first = next(step for step, distance in enumerate(apart) if distance >= NEAR)
    where = f"{pairs[0][first]:.3f} and {pairs[1][first]:.3f} at step {first}"
    return f"beside the book's model: the losses part, {where}; {ends}"
