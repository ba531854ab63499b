# exercises 2.1, 2.2, 2.8: bigram_probabilities, table_loss, kneser_ney
"""The simplest language model is a table: after this symbol, how often comes that one? NumPy only.

A bigram is a pair of neighbours. Letters: N symbols in a text, V symbols in the vocabulary.

    python day2/counting.py [FILE or "grammar"]     the worked example, then a table of a real text
"""

import math
import sys
from itertools import pairwise

import numpy as np

import corpus
from ngram import baselines, checked


# exercise 2.1
def bigram_probabilities(ids, V, smoothing=1.0):
    """Count which symbol follows which, and turn every row of counts into shares of 1.

    ids (N,) whole numbers from 0 to V - 1 -> (V, V): row i holds p(next symbol | symbol i)
    `smoothing` is added to every count, so no probability is 0; 1 is Laplace's rule, add one.
    ValueError for ids out of range, fewer than two symbols, smoothing that is not above 0.
    """
    ids = checked(ids, V, at_least=2)
    if not 0 < smoothing < math.inf:
        raise ValueError(f"smoothing must be above 0 and finite, not {smoothing}: give 1")
    # a pair is one number, as two digits in base V are, so one count does for all rows
    counts = np.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)
    smoothed = counts + smoothing
    return smoothed / smoothed.sum(axis=1, keepdims=True)


# exercise 2.2
def table_loss(probabilities, ids):
    """How surprised is the table by a text? The mean of -ln p over every symbol but the first.

    probabilities (V, V), ids (N,) -> nats per symbol; inf where the table rules out what comes
    ValueError for a table whose rows are not shares of 1, ids out of range, fewer than two symbols.
    """
    check(probabilities)
    ids = checked(ids, len(probabilities), at_least=2)
    with np.errstate(divide="ignore"):  # ln 0 is -inf, as it should be
        return float(-np.log(probabilities[ids[:-1], ids[1:]]).mean())


# exercise 2.8, further
def kneser_ney(ids, V, discount=0.75):
    """Take a discount off every count, and hand out what was taken by a guess that looks at less.

        p(j | i) = max(count(i, j) - discount, 0) / count(i)
                   + discount * kinds(i) / count(i) * continuation(j)

    count(i) is how often a symbol follows i, kinds(i) how many different ones do. That guess does
    not see i. It counts kinds, not symbols, and is discounted in its turn, for a uniform guess:

        continuation(j) = max(before(j) - discount, 0) / pairs + discount * seconds / pairs / V

    before(j) is how many different symbols were seen before j, pairs their sum over all j, seconds
    the number of symbols that have any. So no probability is 0, even where j never came second. A
    symbol that nothing has followed has the continuation as its row.

    ids (N,) whole numbers from 0 to V - 1 -> (V, V): row i holds p(next symbol | symbol i)
    ValueError for ids out of range, fewer than two symbols, a discount not above 0 or above 1.
    Kneser & Ney 1995; Chen & Goodman 1999, section 2.7. day3/ngram.py has three discounts an order.
    """
    ids = checked(ids, V, at_least=2)
    if not 0 < discount <= 1:
        raise ValueError(f"discount must be above 0 and at most 1, not {discount}: give 0.75")
    counts = np.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)
    before, kinds = (np.count_nonzero(counts, axis=axis) for axis in (0, 1))
    given = discount * np.count_nonzero(before) / V
    continuation = (np.maximum(before - discount, 0) + given) / before.sum()
    total = counts.sum(axis=1, keepdims=True)
    mixed = np.maximum(counts - discount, 0) + discount * kinds[:, None] * continuation
    return np.where(total > 0, mixed / np.maximum(total, 1), continuation)


def check(table):
    """ValueError, in one sentence, for what is not a table of probabilities."""
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"the table is {table.shape}: give a row and a column for each symbol")
    if table.min() < 0 or not np.allclose(table.sum(axis=1), 1):
        raise ValueError("a row of the table does not add up to 1: give probabilities, not counts")


def numbered(text):
    """The symbols of a text, sorted, and the place of each of its characters among them."""
    symbols, ids = np.unique(list(text), return_inverse=True)
    return symbols, ids


def show(symbols, table, form):
    """Print a table with a symbol before every row and above every column."""
    print("    " + "".join(f"{symbol:>7}" for symbol in symbols))
    for symbol, row in zip(symbols, table, strict=True):
        print(f"{symbol:>4}" + "".join(f"{number:7{form}}" for number in row))


def worked_example(text="abracadabra"):
    """Every step on a text short enough to count by hand."""
    symbols, ids = numbered(text)
    V = len(symbols)
    counts = np.zeros((V, V), int)
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    table = bigram_probabilities(ids, V)
    print(f"text: {text}, V = {V}\n\ncounts: the row is followed by the column")
    show(symbols, counts, "d")
    print("\nprobabilities, one added to every count; every row adds up to 1")
    show(symbols, table, ".3f")
    print("\nfirst three pairs")
    for first, second in pairwise(ids[:4]):
        p = table[first, second]
        print(f"p({symbols[second]} | {symbols[first]}) = {p:.3f}, -ln p = {-math.log(p):.3f} nats")
    print(f"mean over all {len(ids) - 1} pairs: {table_loss(table, ids):.3f} nats per symbol")
    print(f"a table that knows nothing: ln {V} = {math.log(V):.3f}")


def main(arguments):
    """The worked example, then the table of a text, judged on its last tenth."""
    name, text = corpus.find(*arguments[:1])
    worked_example()
    symbols, ids = numbered(text)
    V, cut = len(symbols), len(ids) * 9 // 10
    train, validation = ids[:cut], ids[cut:]
    table = bigram_probabilities(train, V)
    print(f"\n{name}: {len(ids):,} characters, V = {V}; {cut:,} counted, the rest predicted")
    for symbol in "qT.":
        if symbol in symbols:
            row = table[list(symbols).index(symbol)]
            likely = [f"{str(symbols[i])!r} {row[i]:.3f}" for i in np.argsort(-row)[:4]]
            print(f"after {symbol!r}: " + ", ".join(likely))
    losses = baselines(train, validation, V, orders=(1, 2))
    print("\nvalidation loss, nats per symbol")
    print(f"  uniform guess, ln V        {losses['uniform guess']:.4f}")
    print(f"  unigram                    {losses['unigram']:.4f}")
    print(f"  bigram, one added          {table_loss(table, validation):.4f}")
    print(f"  bigram, Kneser-Ney         {losses['bigram']:.4f}")
    print(f"the table on its own text    {table_loss(table, train):.4f}")
    smoothed = kneser_ney(train, V)
    print(
        f"\nbigram, Kneser-Ney with one discount, validation: {table_loss(smoothed, validation):.4f}"
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NotImplementedError as error:
        print(f"counting.py: {error} is still blank", file=sys.stderr)
        sys.exit(1)
    except (ValueError, OSError) as error:
        print(f"counting.py: {error}", file=sys.stderr)
        sys.exit(2)
