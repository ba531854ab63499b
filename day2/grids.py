"""Every variant of the classic GPT that Day 2 trains, and the rows that are written down of them.

Each run is a line of results/runs.jsonl, written when it ends: see experiments.py.
"""

import json
import os
import platform
from dataclasses import asdict, replace
from pathlib import Path

import torch

import classic
import corpus
from classic import Design, Recipe
from loss_blind import FAULTS

RUNS = Path(__file__).parent / "results" / "runs.jsonl"
SEEDS = (1, 2, 3)
DESIGN, RECIPE = Design(), Recipe()
RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)


def batches(B, by):
    """As many symbols in batches of B; "as it is": the same rate, "root": times the root of B."""
    steps = RECIPE.steps * RECIPE.B // B
    rate = RECIPE.rate * ((B / RECIPE.B) ** 0.5 if by == "root" else 1)
    return DESIGN, replace(RECIPE, B=B, steps=steps, warm_up=steps // 10, rate=rate)


# experiment -> variant -> (design, recipe) or (design, recipe, name of a fault)
GRIDS: dict[str, dict[str, tuple]] = {
    "remove one": {
        "nothing": (DESIGN, RECIPE),
        "the scale": (replace(DESIGN, scale=False), RECIPE),
        "the residuals": (replace(DESIGN, residual=False), RECIPE),
        "the layer norm": (replace(DESIGN, norm=False), RECIPE),
        "the positions": (replace(DESIGN, positions=False), RECIPE),
        "the mask": (replace(DESIGN, mask=False), RECIPE),
        "the warm-up": (DESIGN, replace(RECIPE, warm_up=0)),
        "three of four heads": (replace(DESIGN, H=1), RECIPE),
        "the widening, 4 to 1": (replace(DESIGN, widen=1), RECIPE),
    },
    "rate": {f"{rate:g}": (DESIGN, replace(RECIPE, rate=rate)) for rate in RATES},
    "norm order": {
        f"{order}-norm, {'no ' if not warm_up else ''}warm-up, {rate:g}": (
            replace(DESIGN, order=order),
            replace(RECIPE, rate=rate, warm_up=warm_up),
        )
        for order in ("pre", "post")
        for warm_up in (RECIPE.warm_up, 0)
        for rate in RATES[1:4]
    },
    "heads": {f"{H}": (replace(DESIGN, H=H), RECIPE) for H in (1, 2, 4, 8)},
    "widening": {
        f"{widen}": (replace(DESIGN, widen=widen, C=C), RECIPE)
        for widen, C in ((1, 92), (2, 80), (4, 64), (8, 48))
    },
    "depth": {
        f"{L} x {C}": (replace(DESIGN, L=L, C=C), RECIPE)
        for L, C in ((1, 112), (2, 80), (3, 64), (12, 32))
    },
    "batch": {
        f"{B}, {by}": batches(B, by)
        for by, sizes in (("as it is", (8, 32, 128)), ("root", (8, 16, 32, 64, 128)))
        for B in sizes
    },
    "gallery": {
        "healthy": (DESIGN, RECIPE),
        "underfitting": (replace(DESIGN, C=8, L=1, H=1), RECIPE),
        "overfitting": (DESIGN, replace(RECIPE, symbols=20_000, steps=1000)),
        "diverging": (replace(DESIGN, order="post"), replace(RECIPE, rate=1e-1, warm_up=0)),
    },
    "faults": {fault: (DESIGN, RECIPE, fault) for fault in FAULTS},
}


def jobs():
    """Every different run of the grids, once: their keys, as JSON."""
    variants = [variant for grid in GRIDS.values() for variant in grid.values()]
    return list(dict.fromkeys(key(*variant, seed=s) for s in SEEDS for variant in variants))


def key(design, recipe, fault="healthy", *, seed):
    """What decides a run, as text."""
    return json.dumps([asdict(design), asdict(recipe), fault, seed])


def recorded():
    """The runs that are written down: key -> row."""
    lines = RUNS.read_text("utf-8").splitlines() if RUNS.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return {json.dumps(row["run"]): row for row in rows}


def run(job):
    """One run in a process of its own; its row, with what made it."""
    torch.set_num_threads(1)
    design, recipe, fault, seed = json.loads(job)
    text = corpus.find()[1]
    _, row = classic.run(Design(**design), Recipe(**recipe), seed, text, FAULTS[fault])
    cpu = f"{platform.machine()}, {os.cpu_count()} cores"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return {"run": json.loads(job)} | row | {"machine": cpu, "versions": versions}
