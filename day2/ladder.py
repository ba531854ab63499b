# exercises 2.9, 2.10: residual, dropout
"""From counting to a GPT, a rung at a time: what does each part buy?

Every network here is the one before it with one part more, in one line of `rungs`; the last is Day
3's model. All are trained in the same way on the same windows and judged on the same last tenth, by
one definition of loss.
Letters: B sequences, T positions, C channels, H heads, D = C / H channels of a head, M hidden
channels, V symbols, L blocks, N symbols of a text.

    python day2/ladder.py [FILE or "grammar"]     three minutes; draws out/ladder.png
"""

import math
import sys
import time
from pathlib import Path

import torch
import torch.nn as nn

import bigram
import corpus
import evaluate
from bigram import Bigram, cross_entropy
from model import GPT, Config
from ngram import KneserNey
from text import Alphabet, split

B, T, C, H, L, DROPOUT = 32, 64, 64, 4, 3, 0.1
STEPS = 600
RATES = {"bigram, learned": bigram.RATE, "Day 3's model": 3e-3}  # 1e-2 for all the others
ORDERS = {1: "unigram, counted", 2: "bigram, counted", 4: "4-gram, counted", 7: "7-gram, counted"}


# exercise 2.9, further
def residual(x, branch, norm, order="pre"):
    """Add what a branch says to the stream x, with the norm where `order` says.

    "pre" norms what the branch reads, "post" norms the sum: x (B, T, C) -> (B, T, C)
    branch and norm are functions (B, T, C) -> (B, T, C). ValueError for another order.
    "post" is Vaswani et al. 2017, section 3.1; "pre" is Radford et al. 2019, section 2.3.
    """
    if order == "pre":
        return x + branch(norm(x))
    if order == "post":
        return norm(x + branch(x))
    raise ValueError(f'order is "pre" or "post", not {order!r}')


# exercise 2.10, further
def dropout(x, p, generator=None):
    """Set each number to 0 with probability p, and scale the others so that the mean stays.

    x of any size -> the same size and type. With a generator, it alone decides what is lost.
    ValueError for p below 0, or 1 and above.
    Srivastava et al. 2014, section 4; scaled in training, so that nothing is to be done after it.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p must be at least 0 and below 1, not {p}")
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= p
    return x * kept / (1 - p)


class Heads(nn.Module):
    """H attention heads side by side, each as averaging.py's. x (B, T, C) -> (B, T, C)."""

    def __init__(self, C, H):
        super().__init__()
        if C % H:
            raise ValueError(f"{C} channels do not divide by {H} heads")
        self.H = H
        self.query_key_value = nn.Linear(C, 3 * C, bias=False)
        self.project = nn.Linear(C, C)

    def forward(self, x):
        B, T, C = x.shape
        qkv = self.query_key_value(x).view(B, T, 3, self.H, C // self.H)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        out = self.weights(q, k) @ v
        return self.project(out.transpose(1, 2).reshape(B, T, C))

    def weights(self, q, k):
        """q and k (B, H, T, D) -> (B, H, T, T), 0 in the future, rows that add up to 1."""
        T, D = q.shape[-2:]
        future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
        return (q @ k.mT / math.sqrt(D)).masked_fill(future, -torch.inf).softmax(dim=-1)


class FeedForward(nn.Sequential):
    """Each position alone: widen to M channels, bend, narrow. x (B, T, C) -> (B, T, C)."""

    def __init__(self, C, M):
        super().__init__(nn.Linear(C, M), nn.GELU(), nn.Linear(M, C))


class Residual(nn.Module):
    """`residual` around a branch, whose output `dropout` thins in training."""

    def __init__(self, branch, norm=None, order="pre", p=0.0):
        super().__init__()
        self.branch, self.norm, self.order, self.p = branch, norm or nn.Identity(), order, p

    def forward(self, x):
        return residual(x, self.thinned, self.norm, self.order)

    def thinned(self, x):
        out = self.branch(x)
        return dropout(out, self.p) if self.training and self.p else out


class Positions(nn.Module):
    """Add a learned vector for each place: x (B, T, C) -> (B, T, C), T at most the context."""

    def __init__(self, context, C):
        super().__init__()
        self.table = nn.Parameter(0.02 * torch.randn(context, C))

    def forward(self, x):
        return x + self.table[: x.shape[1]]


class Language(nn.Module):
    """A language model made of parts: ids (B, T) -> logits (B, T, V), loss in nats or None."""

    def __init__(self, V, C, *parts):
        super().__init__()
        self.parts = nn.Sequential(nn.Embedding(V, C), *parts, nn.Linear(C, V))
        # at birth every symbol is as likely as any other, and the loss is ln V
        nn.init.zeros_(self.parts[-1].weight)
        nn.init.zeros_(self.parts[-1].bias)

    def forward(self, ids, targets=None):
        logits = self.parts(ids)
        return logits, None if targets is None else cross_entropy(logits, targets)


def blocks(L, p=0.0):
    """L blocks, pre-norm, and the norm after the last one."""
    for _ in range(L):
        yield Residual(Heads(C, H), nn.LayerNorm(C), p=p)
        yield Residual(FeedForward(C, 4 * C), nn.LayerNorm(C), p=p)
    yield nn.LayerNorm(C)


def rungs(V):
    """The networks: name -> a function that makes one, its weights drawn anew."""
    listen, think, norm = lambda: Heads(C, H), lambda: FeedForward(C, 4 * C), nn.LayerNorm
    return {
        "bigram, learned": lambda: Bigram(V),
        "one head": lambda: Language(V, C, Heads(C, 1)),
        f"{H} heads": lambda: Language(V, C, listen()),
        "feed-forward": lambda: Language(V, C, listen(), think()),
        "residual": lambda: Language(V, C, Residual(listen()), Residual(think())),
        "layer norm": lambda: Language(
            V, C, Residual(listen(), norm(C)), Residual(think(), norm(C)), norm(C)
        ),
        "positions": lambda: Language(V, C, Positions(T, C), *blocks(1)),
        f"{L} blocks": lambda: Language(V, C, Positions(T, C), *blocks(L)),
        "dropout": lambda: Language(V, C, Positions(T, C), *blocks(L, DROPOUT)),
        "Day 3's model": lambda: GPT(Config(V, T, L, H, C)),
    }


def climb(learn, judge, V, seed, steps=STEPS):
    """Every rung, from guessing on: yields {"name", "parameters", "seconds", "loss"}.

    learn, judge (N,) ids. The parameters of a counted table are the different n-grams it has seen.
    """
    yield row("uniform guess", 0, time.perf_counter(), math.log(V))
    for order, name in ORDERS.items():
        start = time.perf_counter()
        table = KneserNey(learn.numpy(), V, order)
        grams = sum(map(len, table.codes))
        yield row(name, grams, start, -table.log_probabilities(judge.numpy()).mean())
    for name, make in rungs(V).items():
        start = time.perf_counter()
        torch.manual_seed(seed)
        model, generator = make(), torch.Generator().manual_seed(seed)
        for _ in bigram.train(model, learn, steps, B, T, RATES.get(name, 1e-2), generator):
            pass
        parameters = sum(p.numel() for p in model.parameters())
        yield row(name, parameters, start, evaluate.loss(model, judge, T))


def row(name, parameters, start, loss):
    seconds = time.perf_counter() - start
    return {"name": name, "parameters": parameters, "seconds": seconds, "loss": float(loss)}


def draw(rows, path):
    """Loss against parameters, and against seconds: the tables in one colour, networks in another."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(11, 5), layout="constrained", sharey=True)
    for panel, measure in zip(panels, ("parameters", "seconds"), strict=True):
        for n, row in enumerate(rows[1:], start=1):
            counted = "counted" in row["name"]
            colour, marker = ("#D55E00", "s") if counted else ("#0072B2", "o")
            panel.plot(row[measure], row["loss"], marker, color=colour)
            beside = [(5, 5), (5, -12), (-12, 5)][n % 3]  # neighbours' numbers stand apart
            place = row[measure], row["loss"]
            panel.annotate(str(n), place, xytext=beside, textcoords="offset points")
        panel.axhline(rows[0]["loss"], color="gray", linestyle="--", linewidth=1)
        panel.set(xscale="log", xlabel=measure)
    panels[0].set_ylabel("validation loss, nats per character")
    names = "\n".join(f"{n}  {row['name']}" for n, row in enumerate(rows[1:], start=1))
    figure.text(1.01, 0.5, names, va="center", fontsize=9)
    figure.suptitle("squares are counted, circles are trained; the dashed line guesses")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)


def main(arguments):
    """Climb, and print every rung as it is reached."""
    name, text = corpus.find(*arguments[:1])
    alphabet = Alphabet(text)
    V, (learn, judge) = len(alphabet), split(alphabet.encode(text))
    print(f"{name}: V = {V}; {len(learn):,} characters to learn from, {len(judge):,} to judge by")
    print(f"networks: {STEPS} steps of {B} windows of {T}, C = {C}, H = {H}, L = {L}\n")
    print(f"{'':19}{'parameters':>11}{'seconds':>9}{'loss':>8}{'change':>9}")
    rows = []
    for found in climb(learn, judge, V, seed=1):
        change = f"{found['loss'] - rows[-1]['loss']:+9.4f}" if rows else ""
        rows.append(found)
        shown = f"{found['parameters']:11,}{found['seconds']:9.1f}{found['loss']:8.4f}"
        print(f"{found['name']:19}{shown}{change}", flush=True)
    path = Path(__file__).parent / "out" / "ladder.png"
    draw(rows, path)
    print(f"\n{sum(found['seconds'] for found in rows):.0f} s; drawn in {path}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NotImplementedError as error:
        print(f"ladder.py: {error} is still blank", file=sys.stderr)
        sys.exit(1)
    except (ValueError, OSError) as error:
        print(f"ladder.py: {error}", file=sys.stderr)
        sys.exit(2)
