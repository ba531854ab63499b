"""Baselines that are counted, not trained: how well does a table predict the next symbol?

An n-gram model of order n guesses the next symbol from the n - 1 symbols before it, the context.
Interpolated Kneser-Ney takes a little, the discount, off every count that it has seen, and hands
what it took to the next shorter context:

    p(s | context) = (count(context s) - discount) / count(context)
                   + (discounts taken / count(context)) * p(s | context without its first symbol)

The highest order counts how often a gram stands in the text. Each order below it is asked only
when a longer context does not know, so it counts how many *different* symbols precede its gram:
in words, "Francisco" may be frequent, yet after an unknown word it is a poor guess, because it
only ever follows "San". Below order 1 stands the uniform guess 1 / V. A context that was never
seen passes on everything.

    python day3/ngram.py input.txt

The variant is modified Kneser-Ney: three discounts an order, for counts of 1, 2, and 3 or more.
Chen & Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling", TR-10-98.
"""

import math
import os
import sys
import time

import numpy as np


class KneserNey:
    """Modified Kneser-Ney of one order, counted from ids (T,), whole numbers from 0 to V - 1.

    ValueError for ids out of range, order < 1, and a text below 2 symbols or shorter than order.
    """

    def __init__(self, ids, V: int, order: int):
        ids = checked(ids, V, at_least=2)
        if not 1 <= order <= len(ids):
            raise ValueError(f"order {order} does not fit {len(ids)} symbols: give 1 to {len(ids)}")
        self.V, self.order = V, order
        # Lists with one entry an order. The rank of a gram is its place among the sorted codes.
        self.codes: list[np.ndarray] = []
        # A table has two versions: where the order stands on top, it comes from how often a gram
        # was seen; below another order, from how many different symbols precede the gram.
        self.highest: list[tuple] = []
        self.lower: list[tuple] = []

        context = np.zeros(len(ids) + 1, np.int64)  # order 1 has one context, the empty one
        sizes = [1]  # how many contexts each order has
        for k in range(order):
            # The context enters the code by its rank, so no code exceeds T * V at any order.
            codes, first, gram, counts = np.unique(
                context[:-1] * V + ids[k:],
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            if k > 0:
                # Each different longer gram is one more symbol that precedes its tail.
                kinds = np.bincount(context[1:][first], minlength=sizes[k])
                self.lower.append(discounted(self.codes[-1] // V, kinds, sizes[k - 1]))
            self.codes.append(codes)
            self.highest.append(discounted(codes // V, counts, sizes[k]))
            context = gram
            sizes.append(len(codes))

    def ranks(self, ids):
        """Yield, for each order, the ranks of every symbol's context and of context plus symbol.

        ids (T,) -> context (T,), gram (T,), both -1 where the training text has no such thing
        """
        context = np.zeros_like(ids)
        for codes in self.codes:
            # A context of -1 gives a code below 0, which no table holds: its gram is -1 too.
            wanted = context * self.V + ids
            place = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
            gram = np.where(codes[place] == wanted, place, -1)
            yield context, gram
            context = np.append(-1, gram[:-1])

    def every_order(self, ids):
        """Yield ln p of each symbol but the first, by the model of order 1, 2, ... up to this one.

        ids (T,) -> (T - 1,) nats, `order` times: the lower orders cost nothing extra
        """
        ids = checked(ids, self.V, at_least=2)
        p = np.full(len(ids), 1 / self.V)
        for k, (context, gram) in enumerate(self.ranks(ids)):
            share, rest = self.highest[k]
            yield np.log(share[gram] + rest[context] * p)[1:]
            if k < self.order - 1:
                share, rest = self.lower[k]
                p = share[gram] + rest[context] * p

    def log_probabilities(self, ids):
        """ln p of each symbol but the first, given the symbols before it: ids (T,) -> (T - 1,)."""
        *_, highest = self.every_order(ids)
        return highest

    def distribution(self, context):
        """Probability of every symbol after the context, of any length: (T,) -> (V,)."""
        # The 0 only holds the place of the symbol to come; its context is the one asked for.
        ids = np.append(checked(context, self.V, at_least=0), 0)[-self.order :]
        p = np.full(self.V, 1 / self.V)
        tables = self.lower + self.highest[-1:]
        for codes, (share, rest), (ranks, _) in zip(self.codes, tables, self.ranks(ids)):
            p = rest[ranks[-1]] * p
            if ranks[-1] >= 0:
                # Codes are sorted, so the grams of one context lie side by side.
                start, end = np.searchsorted(codes, [ranks[-1] * self.V, (ranks[-1] + 1) * self.V])
                p[codes[start:end] % self.V] += share[start:end]
        return p

    def sample(self, length, rng):
        """Write a text of its own: ids (length,), drawn one by one with rng."""
        ids = np.zeros(length, np.int64)
        for i in range(length):
            ids[i] = rng.choice(self.V, p=self.distribution(ids[max(0, i - self.order + 1) : i]))
        return ids


def discounted(contexts, counts, n_contexts):
    """Split each context's probability among the grams that were seen and a rest for all others.

    contexts (grams,), counts (grams,) -> share (grams + 1,), rest (n_contexts + 1,)
    The shares of a context and its rest add up to 1. The last entry is for what was never seen:
    index -1 finds a share of 0 and a rest of 1.
    """
    taken = discounts(counts)[np.minimum(counts, 3)]
    total = np.bincount(contexts, counts, n_contexts)
    followed = total > 0  # the last context of the text may have no follower
    total[~followed] = 1
    share = (counts - taken) / total[contexts]
    rest = np.where(followed, np.bincount(contexts, taken, n_contexts) / total, 1.0)
    return np.append(share, 0.0), np.append(rest, 1.0)


def discounts(counts):
    """What to take off a count of 0, 1, 2, and 3 or more: counts (grams,) -> (4,).

    In as much new text, a gram seen c times is expected a little less often than c times. How many
    grams were seen once, twice, ... tells how much less. Chen & Goodman 1998, equation 26.
    """
    n1, n2, n3, n4 = (int(np.sum(counts == c)) for c in (1, 2, 3, 4))
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        estimate = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
        # A discount of 0 would leave nothing for symbols never seen, and their loss infinite.
        if estimate[1:].min() > 0:
            return estimate
    # Too little text, or too regular, to estimate from: the defaults of KenLM's lmplz.
    return np.array([0, 0.5, 1, 1.5])


def checked(ids, V, at_least):
    """ids as int64, so that no later product overflows; ValueError where they cannot be used."""
    ids = np.asarray(ids)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise ValueError(
            f"ids are {ids.dtype} of shape {ids.shape}: give a 1-D array of whole numbers"
        )
    if len(ids) < at_least:
        raise ValueError(f"the text is too short ({len(ids)}): give {at_least} symbols or more")
    if ids.size and not 0 <= ids.min() <= ids.max() < V:
        raise ValueError(f"ids run from {ids.min()} to {ids.max()}: give 0 to {V - 1} (V is {V})")
    return ids.astype(np.int64)


def loss(model, ids):
    """Mean of -ln p over every symbol but the first, in nats per symbol."""
    return float(-np.mean(model.log_probabilities(ids)))


def baselines(train, validation, V, orders=(1, 2, 4, 7)):
    """Validation loss of each baseline in nats per symbol, as {name: loss}, all from one count."""
    model = KneserNey(train, V, max(orders))
    losses = {"uniform guess": math.log(V)}
    for k, log_p in enumerate(model.every_order(validation), start=1):
        if k in orders:
            name = {1: "unigram", 2: "bigram"}.get(k, f"Kneser-Ney {k}-gram")
            losses[name] = float(-np.mean(log_p))
    return losses


def main(arguments):
    """Print the baselines of a text, counted on its first 90 %, and what the best one writes."""
    names = arguments or [os.environ.get("TINY_SHAKESPEARE", "")]
    if len(names) != 1 or not names[0]:
        raise ValueError("give one text: python day3/ngram.py FILE, or set TINY_SHAKESPEARE")
    try:
        with open(names[0], "rb") as file:
            text = file.read().decode("utf-8")
    except OSError as error:
        raise ValueError(f"cannot read {names[0]}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{names[0]} is not UTF-8 at byte {error.start}: save it so") from None
    if len(text) < 20:
        raise ValueError(f"{names[0]} has {len(text)} symbols: give a text of 20 or more")

    alphabet = sorted(set(text))
    index = {symbol: i for i, symbol in enumerate(alphabet)}
    ids = np.array([index[symbol] for symbol in text], np.int64)
    V, split = len(alphabet), int(0.9 * len(ids))

    start = time.perf_counter()
    losses = baselines(ids[:split], ids[split:], V)
    seconds = time.perf_counter() - start
    print(f"{split:,} symbols counted, {len(ids) - split - 1:,} predicted: {seconds:.1f} s\n")
    for name, nats in losses.items():
        print(f"{name:20}{nats:8.4f} nats per symbol")
    sample = KneserNey(ids[:split], V, order=7).sample(300, np.random.default_rng(0))
    print("\nThe 7-gram writes:\n\n" + "".join(alphabet[i] for i in sample))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ValueError as error:
        print(f"ngram.py: {error}", file=sys.stderr)
        sys.exit(2)
