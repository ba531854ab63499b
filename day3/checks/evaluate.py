"""Checks of day3/evaluate.py. What each part is for stands in study/naming.py."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


@dataclass(frozen=True)
class Model:
    """What a little model is made of; it stands for one in a call."""

    V: int
    context: int
    dropout: float = 0.0
    training: bool = False
    knows: bool = True

    def __repr__(self):
        state = "training" if self.training else "evaluating"
        what = f"a model of {self.V} symbols, {state}"
        return what + (f", dropout {self.dropout}" if self.dropout else "")


class Little(nn.Module):
    """A model that reads its window up to each position, as a GPT does, and keeps note of how."""

    def __init__(self, made):
        super().__init__()
        self.made, C = made, 6
        self.dropout, self.start = nn.Dropout(made.dropout), nn.Dropout(made.dropout)
        generator = torch.Generator().manual_seed(made.V)
        for name, rows in (("table", made.V), ("places", made.context), ("head", made.V)):
            weight = torch.randn(rows, C, generator=generator, dtype=torch.float64)
            setattr(self, name, nn.Parameter(weight * made.knows))
        self.train(made.training)
        self.noisy, self.rows = 0, 0

    def forward(self, ids, targets=None):
        B, T = ids.shape
        if T > self.made.context:
            raise ValueError(f"{T} positions do not fit the context of {self.made.context}")
        self.noisy = max(self.noisy, sum(module.training for module in self.modules()))
        self.rows = max(self.rows, B)
        x = self.start(self.table[ids] + self.places[:T])
        past = x.cumsum(dim=1) / torch.arange(1, T + 1)[:, None]
        logits = (self.dropout(past.tanh() + x) @ self.head.T) / 2
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@functools.cache
@torch.no_grad()
def right_loss(made, ids, context):
    """The loss of such a model, symbol by symbol."""
    model, nats = Little(made).eval(), 0.0
    for i in range(1, len(ids)):
        logits = model(torch.tensor([ids[(i - 1) // context * context : i]]))[0][0, -1]
        nats -= logits.log_softmax(dim=-1)[ids[i]].item()
    return nats / (len(ids) - 1)


class exercise_3_13:
    title = "the loss over a whole text"
    minutes = 35
    returns = (
        "parts in training meanwhile",
        "training afterwards",
        "more rows than batch",
        "loss",
    )
    advice = (
        (
            r"do not fit the context",
            "A model reads `context` symbols at most: cut the text into windows.",
        ),
        (
            r"invalid for input of size|not divisible",
            "The text seldom divides by the context: the last window is shorter.",
        ),
        (
            r"'tuple' object|Tensor, not tuple",
            "model(x) gives two things: the logits, and something that you may leave.",
        ),
        (
            r"Expected target size",
            "F.cross_entropy wants rows: logits (B T, V), targets (B T,). flatten both.",
        ),
        (
            r"Expected input batch_size",
            "Inputs and targets have to fit: near the end of the text a window is shorter.",
        ),
        (
            r"ZeroDivisionError",
            "No window was found: a short text, or the short end of a long one, is a window as well.",
        ),
    )
    hints = (
        (
            "Take a model that knows nothing, so that every symbol costs ln V, and a text of six symbols. How "
            "many predictions are there? Ask twice, in training and out of it: is it the same?"
        ),
        (
            "Shift the whole text first, then cut: that way the last symbol of a window has its target, too. "
            "Sum over all symbols and divide at the end: windows and batches are not equally long."
        ),
        (
            "inputs, targets = ids[:-1], ids[1:]. model.training says how it was, model.eval() switches "
            "dropout off, model.train(was) back. F.cross_entropy can sum: reduction. Then the shorter window."
        ),
        (
            "For start in range(0, len(inputs), context): x = inputs[None, start : start + context], y alike; "
            "total += F.cross_entropy(model(x)[0].flatten(0, 1), y.flatten(), reduction='sum').item()."
        ),
    )

    def calls(rng):
        yield "loss", Model(2, 2), np.array([0, 1, 1, 0, 1, 0]), 2
        yield "loss", Model(3, 4, training=True), np.array([0, 2, 1, 2, 2, 0, 1]), 4
        yield "loss", Model(2, 3), np.array([1, 0]), 3
        yield "loss", Model(4, 3, 0.5, True), rng.integers(4, size=8), 3
        yield "loss", Model(5, 4, 0.5), rng.integers(5, size=13), 4, 2
        yield "loss", Model(7, 5, training=True), rng.integers(7, size=59), 5, 3
        yield "loss", Model(3, 6), rng.integers(3, size=20), 4, 1
        yield "loss", Model(6, 1), rng.integers(6, size=9), 1, 3
        yield "loss", Model(5, 2, knows=False), rng.integers(5, size=6), 2
        yield "loss", Model(5, 3), rng.integers(5, size=206), 3  # more than 64 windows

    def random_call(rng):
        V, context, N = rng.integers(2, (9, 7, 40)).tolist()
        dropout, training = float(rng.choice([0, 0.3])), bool(rng.integers(2))
        batch = () if rng.random() < 0.3 else (int(rng.integers(1, 6)),)
        ids = rng.integers(V, size=N)
        return "loss", Model(V, context, dropout, training), ids, context, *batch

    def refusals(rng):
        yield "loss", Model(3, 2), np.array([1]), 2
        yield "loss", Model(3, 2), np.array([], dtype=int), 2

    def making(model, ids, context, batch=64):
        return Little(model), ids, context, batch

    def reading(f, result, model, ids, context, batch=64):
        """The loss, as the book says it where it is so in 32 bits; and how the model was treated."""
        if result is None:
            return None
        if torch.is_tensor(result) and result.ndim:
            raise ValueError(f"one number is asked for, and a tensor {tuple(result.shape)} came")
        noisy, crowded = model.noisy, model.rows > batch
        after = {module.training for module in model.modules()}
        left = {True: 1, False: 0}[after.pop()] if len(after) == 1 else 2
        value = float(result.detach() if torch.is_tensor(result) else result)
        exact = right_loss(model.made, tuple(ids.tolist()), context)
        if abs(value - exact) < 1e-6 * (1 + abs(exact)):
            value = exact
        if noisy and model.made.dropout:
            value = 0.0  # chance is in it
        return torch.tensor(noisy), torch.tensor(left), torch.tensor(crowded), value

    class steps:
        def hush(model):
            model.eval()

        def shift(ids):
            return ids[:-1], ids[1:]

        def windows(inputs, targets, context, ids):
            return [
                (inputs[s : s + context], targets[s : s + context])
                for s in range(0, len(inputs), context)
            ]

        def groups(windows, batch):
            whole = [w for w in windows if len(w[0]) == len(windows[0][0])]
            rest = [w for w in windows if len(w[0]) != len(windows[0][0])]
            cut = [whole[s : s + batch] for s in range(0, len(whole), batch)]
            return [
                tuple(map(torch.stack, zip(*g, strict=True))) for g in (*cut, *([w] for w in rest))
            ]

        def logits(model, x):
            return model(x)[0]

        def add(total, logits, y):
            return total + F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum")

        def divide(total, ids, groups, windows):
            return total / (len(ids) - 1)

        def wake(model, was):
            model.train(was)

        def give(nats):
            return nats

    def whole(steps):
        @torch.no_grad()
        def loss(model, ids, context, batch=64):
            was, total = model.training, torch.zeros((), dtype=torch.float64)
            steps.hush(model)
            windows = steps.windows(*steps.shift(ids), context, ids)
            groups = steps.groups(windows, batch)
            for x, y in groups:
                total = steps.add(total, steps.logits(model, x), y)
            steps.wake(model, was)
            return steps.give(steps.divide(total, ids, groups, windows))

        return {"loss": loss}

    class properties:
        def dropout_is_off(f, result, model, *given):
            if result[0]:
                return "While the loss was computed, the model was training: dropout made noise."

        def the_model_is_left_as_it_was(f, result, model, *given):
            if result[1] != model.training:
                was, now = (
                    ("evaluating", "training", "half of both")[n]
                    for n in (model.training, result[1])
                )
                return f"The model was {was} before the call, and is {now} after it."

        def no_more_rows_than_batch(f, result, model, ids, context, batch=64):
            if result[2]:
                return f"More than {batch} windows went into the model at a time."

        def who_knows_nothing_costs_ln_V(f, result, model, ids, context, batch=64):
            V = model.V
            nats = f.loss(Model(V, model.context, knows=False), ids, context, batch)[3]
            if abs(nats - math.log(V)) > 1e-5:
                return f"A model that knows nothing costs {nats:.4g} here, not ln {V} = {math.log(V):.4g}."

        def windows_and_batches_weigh_by_their_symbols(f, result, model, ids, context, batch=64):
            for other in (1, 2, 3):
                if abs(f.loss(model, ids, context, other)[3] - result[3]) > 1e-5:
                    return f"With a batch of {other} the loss is another than with {batch}."

        def each_symbol_counts(f, result, model, ids, context, batch=64):
            for i in range(1, len(ids)):
                other = ids.copy()
                other[i] = (ids[i] + 1) % model.V
                if abs(f.loss(model, other, context, batch)[3] - result[3]) < 1e-12 and model.knows:
                    return (
                        f"The symbol at place {i} (the first has 0) can be changed, and the loss stays as "
                        "it is."
                    )

    class variants:
        def groups__one_by_one(windows, batch):
            return [(x[None], y[None]) for x, y in windows]

        def divide__by_counted(total, ids, groups, windows):
            return total / sum(len(inputs) for inputs, _ in windows)

    class slips:
        def hush__no_eval(model):
            """Dropout stays on while the loss is computed: no_grad stops slopes, not dropout. The same
            weights get another loss each time. What switches a model to evaluating?"""

        def hush__top_alone(model):
            """The model says that it evaluates, and its parts are still training: dropout stays on. Which
            method tells all parts?"""
            model.training = False

        def wake__forgotten(model, was):
            """The model is left evaluating: after the first look at the curve, training would go on
            without dropout. How was it found?"""

        def wake__always(model, was):
            """The model is left training, however it was found. Whoever evaluates twice, or samples
            afterwards, gets dropout."""
            model.train()

        def wake__top_alone(model, was):
            """The model says again what it was, but its parts do not. Which method tells all parts?"""
            model.training = was

        def shift__not(ids):
            """The targets are the inputs: the model is asked for what it has just read. Each symbol's
            target is the one after it."""
            return ids[:-1], ids[:-1]

        def shift__backwards(ids):
            """Each symbol's target is the one before it. The model foretells what comes after."""
            return ids[1:], ids[:-1]

        def windows__last_dropped(inputs, targets, context, ids):
            """The last, shorter window is left out, so the end of the text counts for nothing. Every
            symbol but the first is predicted."""
            whole = max(len(inputs) // context * context, min(len(inputs), context))
            return exercise_3_13.steps.windows(inputs[:whole], targets[:whole], context, ids)

        def windows__shifted_inside(inputs, targets, context, ids):
            """The text was cut first, and each window shifted on its own: the first symbol of every window
            is never predicted. Shift the whole text, then cut."""
            cut = [ids[s : s + context + 1] for s in range(0, len(ids), context + 1)]
            return [(w[:-1], w[1:]) for w in cut if len(w) > 1]

        @like(windows__shifted_inside)
        def windows__shifted_inside_short(inputs, targets, context, ids):
            cut = [ids[s : s + context] for s in range(0, len(ids), context)]
            found = [(w[:-1], w[1:]) for w in cut if len(w) > 1]
            return found or [(ids[:-1], ids[1:])]

        def windows__one_apart(inputs, targets, context, ids):
            """The windows overlap, one place apart: most symbols are predicted `context` times. Each is to
            be predicted once."""
            starts = range(max(1, len(inputs) - context + 1))
            return [(inputs[s : s + context], targets[s : s + context]) for s in starts]

        def windows__half_apart(inputs, targets, context, ids):
            """The windows overlap by a half, so many symbols are predicted twice. Each is to be predicted
            once."""
            starts = range(0, len(inputs), max(1, context // 2))
            found = [(inputs[s : s + context], targets[s : s + context]) for s in starts]
            return found

        def windows__last_moved_back(inputs, targets, context, ids):
            """The last window was moved back until it was whole: what it shares with the one before counts
            twice. It may be shorter."""
            starts = [min(s, max(0, len(inputs) - context)) for s in range(0, len(inputs), context)]
            return [(inputs[s : s + context], targets[s : s + context]) for s in starts]

        def windows__whole_text(inputs, targets, context, ids):
            """The whole text went into the model at once. It reads `context` symbols at most: cut the text
            into windows."""
            return [(inputs, targets)]

        def windows__sliding(inputs, targets, context, ids):
            """Each symbol is predicted from the `context` symbols right before it, a window for each. That
            is better informed, and so many times as dear; here the windows follow one another."""
            ends = range(1, len(inputs) + 1)
            alone = torch.full_like(targets, -100)  # does not count
            return [
                (inputs[s:e], torch.cat((alone[s : e - 1], targets[e - 1 : e])))
                for s, e in ((max(0, e - context), e) for e in ends)
            ]

        def windows__first_alone(inputs, targets, context, ids):
            """Only the first window counts. Does the `return` stand inside of the loop?"""
            return [(inputs[:context], targets[:context])]

        def groups__all_at_once(windows, batch):
            """All windows went into the model at once, whatever `batch` says. A validation split has
            thousands: the memory would not hold them."""
            return exercise_3_13.steps.groups(windows, len(windows))

        def groups__first_alone(windows, batch):
            """Only the first batch of windows counts. All of them have to be gone through."""
            return exercise_3_13.steps.groups(windows, batch)[:1]

        def logits__softmax(model, x):
            """Cross-entropy takes a softmax itself, and these went through one before. It wants the
            logits as they are."""
            return model(x)[0].softmax(dim=-1)

        def add__mean_of_means(total, logits, y):
            """The means of batches were added up and divided by the number of symbols, not of batches.
            Add sums, then divide by all symbols once."""
            return total + F.cross_entropy(logits.flatten(0, 1), y.flatten())

        class mean_of_batches:
            """This is the mean of the means of the batches: the short one at the end weighs as much as a
            full one. Whose mean is asked for?"""

            def add(total, logits, y):
                return total + F.cross_entropy(logits.flatten(0, 1), y.flatten())

            def divide(total, ids, groups, windows):
                return total / len(groups)

        class mean_of_windows:
            """This is the mean of the means of the windows: the short one at the end weighs as much as a
            full one. Whose mean is asked for?"""

            def add(total, logits, y):
                losses = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
                return total + losses.view(y.shape).mean(dim=1).sum()

            def divide(total, ids, groups, windows):
                return total / len(windows)

        def divide__by_N(total, ids, groups, windows):
            """The sum was divided by N, but the first symbol is never predicted: how many predictions
            are there?"""
            return total / len(ids)

        def divide__not(total, ids, groups, windows):
            """This is the sum over all symbols, and grows with the text. Nats per symbol are asked
            for."""
            return total

        def divide__by_windows(total, ids, groups, windows):
            """The sum was divided by the number of windows: nats per window. Nats per symbol are asked
            for."""
            return total / len(windows)

        def divide__by_batches(total, ids, groups, windows):
            """The sum was divided by the number of batches. Nats per symbol are asked for."""
            return total / len(groups)

        def give__perplexity(nats):
            """This is exp of the loss, the perplexity. The loss itself is asked for, in nats."""
            return nats.exp()

        def give__bits(nats):
            """These are bits per symbol. Nats are asked for: the natural logarithm, as it comes."""
            return nats / math.log(2)

        def give__negative(nats):
            """The sign is turned round: a better model would score lower. The loss is minus the mean
            logarithm."""
            return -nats
