# exercises 2.3, 2.5, 2.7: batch, cross_entropy, draw
"""The bigram table again, learned: gradient descent ends where counting begins.

Row i of an embedding table holds a logit for every symbol that may follow symbol i. No layer
stands above it, so the best table is known: the counted one, and training must arrive there.
Letters: B sequences, T positions, N symbols in a text, V symbols in the vocabulary.

    python day2/bigram.py [FILE or "grammar"]     ten seconds
"""

import math
import sys

import torch
import torch.nn as nn

import corpus
import evaluate
from counting import bigram_probabilities, table_loss
from text import Alphabet, split

STEPS, B, T, RATE = 2000, 64, 32, 0.1


# exercise 2.3
def batch(ids, B, T, generator=None):
    """Cut B windows out of a text, each from a random start; the targets stand one place later.

    ids (N,) -> inputs (B, T), targets (B, T) with targets[b, t] the symbol after inputs[b, t]
    ValueError for sizes below 1 and for a text without T + 1 symbols.
    """
    if B < 1 or T < 1:
        raise ValueError(f"B and T must be at least 1, not {B} and {T}")
    if ids.ndim != 1 or len(ids) < T + 1:
        raise ValueError(f"T = {T} needs {T + 1} symbols or more, not ids {tuple(ids.shape)}")
    # the last start leaves room for the last target; randint excludes its upper end
    starts = torch.randint(len(ids) - T, (B,), generator=generator)
    windows = ids[starts[:, None] + torch.arange(T + 1)]  # (B, T + 1)
    return windows[:, :-1], windows[:, 1:]


# exercise 2.5
def cross_entropy(logits, targets, ignore_index=-100):
    """The mean of -ln p of the targets, where the softmax of the logits is p.

    logits (..., V) of any size, targets (...) whole numbers from 0 to V - 1 -> nats, a scalar
    A target that is ignore_index does not count: padding, for instance.
    ValueError for shapes that do not fit, no target that counts, targets out of range.
    """
    check(logits, targets, ignore_index)
    counted = targets != ignore_index
    logits, targets = logits[counted], targets[counted].long()  # (N, V), (N,)
    # ln p = logit - ln(sum of exp); the largest logit cancels, and without it exp would overflow
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    log_p = shifted - shifted.exp().sum(dim=-1, keepdim=True).log()  # (N, V)
    return -log_p.gather(-1, targets[:, None]).mean()


# exercise 2.7, further
def draw(logits, temperature=1.0, generator=None):
    """Throw a die with V sides a row, loaded by the softmax of the logits over the temperature.

    logits (B, V) -> ids (B,). ValueError for a temperature of 0 or less, and for nan in the logits,
    inf, or a row of -inf alone.
    """
    if not 0 < temperature < math.inf or not logits.amax(dim=-1).isfinite().all():
        raise ValueError(
            f"draw needs a finite largest logit in every row and temperature > 0, not {temperature}"
        )
    # shifted first: a low temperature would send the logits out of range
    shifted = (logits - logits.amax(dim=-1, keepdim=True)) / temperature
    return torch.multinomial(shifted.softmax(dim=-1), 1, generator=generator)[:, 0]


def check(logits, targets, ignore_index):
    """ValueError, in one sentence, for what cross_entropy cannot work with."""
    if logits.ndim < 1 or logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"logits {tuple(logits.shape)} do not fit targets {tuple(targets.shape)}: "
            "give a row of V logits for every target"
        )
    if targets.is_floating_point():
        raise ValueError(f"targets are {targets.dtype}: give whole numbers")
    V, targets = logits.shape[-1], targets[targets != ignore_index]
    if targets.numel() == 0:
        raise ValueError(f"there is no target, or all are {ignore_index}: give one that counts")
    if targets.min() < 0 or targets.max() >= V:
        low, high = int(targets.min()), int(targets.max())
        raise ValueError(f"targets must be in 0..{V - 1}, not {low}..{high}")


class Bigram(nn.Module):
    """A table of logits. ids (B, T) -> logits (B, T, V), loss in nats per symbol or None.

    At birth every logit is 0, every symbol gets 1 / V, and the loss is ln V.
    """

    def __init__(self, V):
        super().__init__()
        self.table = nn.Embedding(V, V)
        nn.init.zeros_(self.table.weight)

    def forward(self, ids, targets=None):
        logits = self.table(ids)  # (B, T, V)
        return logits, None if targets is None else cross_entropy(logits, targets)


def train(model, ids, steps, B, T, rate, generator=None):
    """Adam over random batches, its rate falling to 0. Yields (step, loss of the batch)."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for step in range(steps):
        # a rate that stays large would leave the table trembling around the counted one
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        _, loss = model(*batch(ids, B, T, generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield step, loss.item()


@torch.no_grad()
def generate(model, ids, length, generator=None):
    """Go on from ids (B, T), one symbol a step, each drawn by `draw`: -> (B, T + length)."""
    for _ in range(length):
        logits, _ = model(ids)
        ids = torch.cat((ids, draw(logits[:, -1], generator=generator)[:, None]), dim=1)
    return ids


def main(arguments):
    """Train the table on a text, lay it beside the counted one, and let it write."""
    name, text = corpus.find(*arguments[:1])
    alphabet, generator = Alphabet(text), torch.Generator().manual_seed(0)
    V, (learn, judge) = len(alphabet), split(alphabet.encode(text))
    print(f"{name}: V = {V}, ln V = {math.log(V):.4f}")
    x, y = batch(learn, 1, 8, generator)
    print(f"inputs  {alphabet.decode(x[0])!r}\ntargets {alphabet.decode(y[0])!r}\n")
    model = Bigram(V)
    for step, loss in train(model, learn, STEPS, B, T, RATE, generator):
        if step in (0, 10, 30, 100, 300, 1000, STEPS - 1):
            print(f"step {step:5}   loss of the batch {loss:.4f}")
    counted = bigram_probabilities(learn, V)
    print("\nnats per symbol     learned   counted, one added")
    for part, ids in (("its own text", learn), ("validation", judge)):
        print(f"{part:20}{evaluate.loss(model, ids, T):.4f}    {table_loss(counted, ids):.4f}")
    least = table_loss(bigram_probabilities(learn, V, smoothing=1e-9), learn)
    print(f"the least that any table can reach on its own text: {least:.4f}")
    start = torch.zeros(1, 1, dtype=torch.long)
    print("\nThe table writes:\n" + alphabet.decode(generate(model, start, 300, generator)[0]))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NotImplementedError as error:
        print(f"bigram.py: {error} is still blank", file=sys.stderr)
        sys.exit(1)
    except (ValueError, OSError) as error:
        print(f"bigram.py: {error}", file=sys.stderr)
        sys.exit(2)
