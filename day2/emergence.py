"""How a skill emerges: two layers of attention learn to repeat, late and then fast.

The symbols of the first half are drawn at random: nothing can foretell them, and no model has a
mean loss below ln V there. The second half repeats the first, so it can be foretold: look where the
present symbol stood before, and say what came after it. One look does not do it, since a symbol
does not hold its neighbour. Layer 1 has to copy to each symbol the one before it, and layer 2 to
look for the symbol whose copy is the present one: an induction circuit. Nothing asks for it but the
loss. Olsson et al. 2022, "In-context Learning and Induction Heads".
Letters: B sequences, T = 2 `half` - 1 positions, C channels, H heads, V symbols, L layers.

    python day2/emergence.py     one run, a line for every snapshot; ten seconds
"""

import math
import statistics
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

import pictures
from bigram import cross_entropy
from classic import Recipe, rate
from ladder import Heads, Language, Positions, Residual
from recording import rounded, spread

FIGURES = Path(__file__).parent / "figures"
V, C, H, B, L = 32, 64, 4, 32, 2
LONGEST, JUDGED = 32, 24  # symbols of a half
TRAINED = [half for half in range(8, LONGEST + 1) if half != JUDGED]
STEPS, EVERY, RIDGE = 600, 15, 1e-2
RECIPE = Recipe(rate=6e-3, steps=STEPS)
RISES = ("previous symbol", "induction", "probe")


class Watched(Heads):
    """ladder.py's heads, which keep the weights of the last call, (B, H, T, T)."""

    def weights(self, q, k):
        self.seen = super().weights(q, k)
        return self.seen


def built(layers=L):
    """Layers of attention, with nothing between them."""
    positions = Positions(2 * LONGEST, C)
    nn.init.normal_(positions.table)  # as large as the symbols, so that layer 1 can tell neighbours
    attention = (Residual(Watched(C, H), nn.LayerNorm(C)) for _ in range(layers))
    return Language(V, C, positions, *attention, nn.LayerNorm(C))


def repeated(B, half, generator=None):
    """Sequences whose second half repeats their first, each symbol of which is drawn alone.

    -> ids (B, 2 half)
    """
    first = torch.randint(V, (B, half), generator=generator)
    return torch.cat((first, first), dim=1)


def after_earlier(x):
    """True where key s comes right after an earlier occurrence of the symbol at t: (B, T, T)."""
    before = F.pad(x[:, :-1], (1, 0), value=-1)  # of place 0 there is none
    return (x[:, :, None] == before[:, None, :]).tril()


def previous_score(weights):
    """The weight on the position before one's own, mean of all but the first, in the best head."""
    return weights.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(0, 2)).max().item()


def induction_score(weights, x):
    """The weight on what came after the present symbol, mean of the second half, in the best head.

    weights (B, H, T, T), x (B, T). Where it occurred more than once before, the weights are added.
    """
    found = (weights * after_earlier(x)[:, None]).sum(dim=-1)  # (B, H, T)
    return found[:, :, x.shape[1] // 2 + 1 :].mean(dim=(0, 2)).max().item()


def look_up_loss(ids):
    """The loss of the second half when all that followed the present symbol so far shares out 1."""
    x, y = ids[:, :-1], ids[:, 1:]
    after = after_earlier(x).double()
    right = (after * (x[:, None, :] == y[:, :, None])).sum(dim=-1) / after.sum(dim=-1)
    return -right[:, ids.shape[1] // 2 :].log().mean().item()


def probe(x, unseen, answers, right):
    """How often a linear map, fitted to x (N, C) and its answers (N,), is right on the unseen.

    Ridge regression on one number for each answer, 0 to the largest that was given, in closed
    form; the largest number counts.
    """
    x, unseen = (F.pad(each.double(), (0, 1), value=1) for each in (x, unseen))
    squares = x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1], dtype=torch.float64)
    hot = F.one_hot(answers).double()
    fitted = torch.linalg.solve(squares, x.T @ (hot - 1 / hot.shape[1]))
    return ((unseen @ fitted).argmax(dim=-1) == right).double().mean().item()


@torch.no_grad()
def look(model, fit, judge):
    """What a model does with the sequences `judge` (B, 2 half): measure -> a number."""
    half = judge.shape[1] // 2
    x, y = judge[:, :-1], judge[:, 1:]
    logits = model(x)[0]
    weights = [m.seen for m in model.modules() if isinstance(m, Watched)]
    found = {
        "first half": cross_entropy(logits[:, :half], y[:, :half]).item(),
        "second half": cross_entropy(logits[:, half:], y[:, half:]).item(),
        "previous symbol": previous_score(weights[0]),
        "induction": induction_score(weights[-1], x),
    }
    layer_1 = model.parts[:3]
    for name, back in (("probe", 1), ("probe, two back", 2)):
        states = (layer_1(ids[:, :-1])[:, back:].flatten(0, 1) for ids in (fit, judge))
        found[name] = probe(*states, *(ids[:, : -1 - back].flatten() for ids in (fit, judge)))
    return found


def judged():
    """Sequences to fit the probe to, and others to judge by."""
    generator = torch.Generator().manual_seed(0)
    return repeated(64, JUDGED, generator), repeated(64, JUDGED, generator)


def snapshots(seed, layers=L, steps=STEPS, every=EVERY):
    """Train a model, and look at it every so often: yields (step, measures)."""
    torch.manual_seed(seed)
    model, sequences = built(layers), judged()
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
    for step in range(steps + 1):
        if step % every == 0:
            yield step, look(model, *sequences)
        # were the length always the same, one layer could look that many places back
        ids = repeated(B, TRAINED[torch.randint(len(TRAINED), ())])
        optimizer.param_groups[0]["lr"] = rate(RECIPE, step)
        _, loss = model(ids[:, :-1], ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def steepest(steps, losses):
    """The two neighbouring snapshots between which the loss falls most."""
    falls = [losses[i] - losses[i + 1] for i in range(len(losses) - 1)]
    at = falls.index(max(falls))
    return [steps[at], steps[at + 1]]


def reached(steps, values, share):
    """The first snapshot at which a measure has made this share of its way, from first to last."""
    start, end = values[0], values[-1]
    return next(s for s, v in zip(steps, values) if (v - start) / (end - start) >= share)


def record(seeds):
    """Two layers, measured at every snapshot, and the loss of one; where each seed has its fall."""
    runs = [list(snapshots(seed)) for seed in seeds]
    steps, names = [step for step, _ in runs[0]], runs[0][0][1]
    curves = {name: [[found[name] for _, found in run] for run in runs] for name in names}
    alone = [[found["second half"] for _, found in snapshots(seed, layers=1)] for seed in seeds]
    rises = {
        share: {name: [reached(steps, c, share) for c in curves[name]] for name in RISES}
        for share in (0.1, 0.5)
    }
    return {
        "seeds": list(seeds),
        "ln V": rounded(math.log(V)),
        "chance": rounded(1 / V),
        "look-up": rounded(look_up_loss(judged()[1])),
        "steps": steps,
        "measures": {name: spread(curve) for name, curve in curves.items()},
        "one layer": spread(alone),
        "steepest": [steepest(steps, curve) for curve in curves["second half"]],
        "a tenth of the way": rises[0.1],
        "half of the way": rises[0.5],
    }


def line(row):
    loss, alone = row["measures"]["second half"]["median"], row["one layer"]["median"]
    places = ", ".join(f"{first}-{last}" for first, last in row["steepest"])
    parts = [f"second half {loss[0]} to {loss[-1]}, one layer {alone[-1]}; steepest in {places}"]
    for share in ("a tenth of the way", "half of the way"):
        middle = (f"{name} {statistics.median(row[share][name])}" for name in RISES)
        parts.append(f"{share} at step: {', '.join(middle)}")
    return "; ".join(parts)


def draw(row):
    title = "Layer 1 starts to copy, layer 2 starts to find, and the loss falls"
    figure, (left, right) = pictures.panels(title, columns=2, height=4.4)
    steps, measures = row["steps"], row["measures"]
    pictures.line(left, steps, measures["first half"], 5, "first half")
    pictures.line(left, steps, row["one layer"], 4, "second half, one layer")
    pictures.line(left, steps, measures["second half"], 0, "second half, two layers")
    for height, text in ((row["ln V"], "ln V"), (row["look-up"], "an exact look-up of one symbol")):
        left.axhline(height, color="gray", linestyle="--", linewidth=1)
        left.annotate(text, (0, height - 0.32), color="dimgray", fontsize=9)
    left.set(ylabel="loss, nats per symbol", ylim=(0, 5.9))
    labels = ("layer 1: weight on the symbol before", "layer 2: weight on what came after")
    for n, (name, label) in enumerate(zip(RISES, (*labels, "probe: symbol before")), start=1):
        pictures.line(right, steps, measures[name], n, label)
    pictures.line(right, steps, measures["probe, two back"], 4, "probe: two before")
    right.set(ylabel="weight, or share right", ylim=(0, 1.4))
    first, last = (of(step for pair in row["steepest"] for step in pair) for of in (min, max))
    for panel in (left, right):
        panel.axvspan(first, last, color="gray", alpha=0.2, linewidth=0)
        panel.set_xlabel("steps")
        panel.legend(fontsize=9, loc="upper left")
    pictures.save(figure, "emergence", FIGURES)


def main():
    """One run, a line for every snapshot."""
    run = []
    for step, found in snapshots(1):
        if not run:
            print(f"{'step':>5}" + "".join(f"{name:>17}" for name in found))
        print(f"{step:5}" + "".join(f"{number:17.3f}" for number in found.values()), flush=True)
        run.append((step, found["second half"]))
    print(f"ln V = {math.log(V):.3f}; an exact look-up {look_up_loss(judged()[1]):.3f}")
    print("the loss of the second half falls most in steps {} to {}".format(*steepest(*zip(*run))))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
