"""The classic GPT, with everything in it that can be taken out, and one way to train it.

Small enough that a run takes less than a minute on one core: what each part is for shows in the loss
after 500 steps of tiny Shakespeare. The parts are ladder.py's.
Letters: B sequences, T positions, C channels, H heads, D = C / H, M hidden channels, V symbols,
L blocks, N symbols of a text.

    python day2/classic.py     one run, its loss as it falls
"""

import math
import time
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

import corpus
import evaluate
from bigram import batch
from ladder import FeedForward, Heads, Language, Positions, Residual
from text import Alphabet, split


@dataclass(frozen=True)
class Design:
    """The parts of a model. The values here are the classic GPT's; M = widen times C."""

    C: int = 64
    H: int = 4
    L: int = 3
    widen: int = 4
    scale: bool = True
    mask: bool = True
    positions: bool = True
    residual: bool = True
    norm: bool = True
    order: str = "pre"


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: Adam, its rate rising for `warm_up` steps, then falling to 0."""

    rate: float = 1e-2
    warm_up: int = 50
    steps: int = 500
    B: int = 32
    T: int = 64
    symbols: int | None = None  # of the training text, from its beginning; None for all of it


class Attention(Heads):
    """ladder.py's heads, with scale and mask to be left out."""

    def __init__(self, design):
        super().__init__(design.C, design.H)
        self.scale, self.mask = design.scale, design.mask

    def weights(self, q, k):
        T, D = q.shape[-2:]
        scores = q @ k.mT / (math.sqrt(D) if self.scale else 1)
        if self.mask:
            future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
            scores = scores.masked_fill(future, -torch.inf)
        return scores.softmax(dim=-1)


def parts(T, design, attention=Attention, norm=nn.LayerNorm):
    """What stands between the table of symbols and the last layer, in order: yields modules."""
    C, M = design.C, design.widen * design.C

    def normed():
        return norm(C) if design.norm else nn.Identity()

    def part(branch):
        if design.residual:
            return Residual(branch, normed(), design.order)
        return nn.Sequential(normed(), branch)

    if design.positions:
        yield Positions(T, C)
    for _ in range(design.L):
        yield part(attention(design))
        yield part(FeedForward(C, M))
    if design.order == "pre":  # post-norm ends with one already
        yield normed()


def built(V, T, design, parts=parts):
    """The model of a design for V symbols and at most T positions, its weights drawn anew."""
    return Language(V, design.C, *parts(T, design))


def rate(recipe, step):
    """The learning rate of a step: up in a straight line, and down in one."""
    if step < recipe.warm_up:
        return recipe.rate * (step + 1) / recipe.warm_up
    return recipe.rate * (recipe.steps - step) / (recipe.steps - recipe.warm_up)


def train(model, ids, recipe, seed):
    """Take the steps of a recipe. Yields (step, loss of the batch) before each of them."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
    for step in range(recipe.steps):
        optimizer.param_groups[0]["lr"] = rate(recipe, step)
        _, loss = model(*batch(ids, recipe.B, recipe.T, generator))
        yield step, loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def run(design, recipe, seed, text, parts=parts):
    """One model, trained and judged. `parts` gives its middle, as the function above does.

    -> the model, and a row: "validation" (the whole last tenth, nats), "last place" (below),
    "curve" ([step, mean training loss since the row before, loss on the first 8192 symbols of
    validation]), "parameters", "seconds". A loss that is not finite ends a run, and is None.
    """
    start = time.perf_counter()
    alphabet = Alphabet(text)
    learn, judge = split(alphabet.encode(text))
    learn, sample = learn[: recipe.symbols], judge[:8192]
    torch.manual_seed(seed)
    model = built(len(alphabet), recipe.T, design, parts)
    curve, recent, every = [], [], max(1, recipe.steps // 20)
    for step, loss in train(model, learn, recipe, seed):
        recent.append(loss)
        if not math.isfinite(loss):
            break
        if step % every == 0 or step == recipe.steps - 1:
            seen = evaluate.loss(model, sample, recipe.T)
            curve.append([step, round(sum(recent) / len(recent), 4), round(seen, 4)])
            recent.clear()
    return model, {
        "parameters": sum(p.numel() for p in model.parameters()),
        "validation": finite(evaluate.loss(model, judge, recipe.T)),
        "last place": finite(last_place(model, judge, recipe.T)),
        "curve": curve,
        "seconds": round(time.perf_counter() - start, 1),
    }


@torch.no_grad()
def last_place(model, ids, T, windows=1024):
    """The loss of the last place alone, where no future is there to be read: nats, a mean.

    Windows of T symbols from evenly spaced places of ids (N,). A model that is blind to the future
    is a little better here than everywhere, since it has the whole context; one that reads its
    targets is much worse.
    """
    starts = torch.linspace(0, len(ids) - T - 1, windows).long()
    total = 0.0
    for some in starts.split(64):
        logits, _ = model(ids[some[:, None] + torch.arange(T)])
        total += F.cross_entropy(logits[:, -1], ids[some + T], reduction="sum").item()
    return total / windows


def finite(loss):
    return loss if math.isfinite(loss) else None


def main():
    _, found = run(Design(), Recipe(), seed=1, text=corpus.find()[1])
    for step, training, validation in found["curve"]:
        print(f"step {step:4}   training {training:.4f}   validation {validation:.4f}")
    told = f"{found['parameters']:,} parameters, {found['seconds']} s"
    print(f"validation loss, all of it: {found['validation']:.4f} ({told})")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
