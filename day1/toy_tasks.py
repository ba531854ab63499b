"""Four small worlds that attention can learn, drawn from generators. NumPy only.

Letters: B items, S places of the memory, T queries, A answers to each query.
Every item has a memory to look into and queries to answer; `places` says where the answers stand.
What an id means is its name in the task's `symbols`.

    python day1/toy_tasks.py     one test item of each
"""

import zlib
from itertools import product
from typing import NamedTuple

import numpy as np

ANIMALS = ("cat", "cow", "dog", "fox", "hen", "pig")
COLOURS = ("black", "blue", "green", "pink", "red", "white")
FRUITS = ("apple", "fig", "lemon", "peach", "pear", "plum")


class Items(NamedTuple):
    """memory (B, S) and queries (B, T) are ids; targets and places are (B, T, A)."""

    memory: np.ndarray
    queries: np.ndarray
    targets: np.ndarray
    places: np.ndarray


def sample(task, rng, B, test=False):
    """B items to learn from, or to test with: no memory ever stands on both sides.

    The checksum of its ids says on which side a memory stands, one in five is for tests.
    """
    parts, missing = [], B
    while missing > 0:
        items = task.draw(rng, B)
        checksums = np.array([zlib.crc32(row) for row in items.memory.astype("<i4")])
        mine = np.flatnonzero((checksums % 5 == 0) == test)[:missing]
        parts.append(Items(*(array[mine] for array in items)))
        missing -= len(mine)
    return Items(*(np.concatenate(arrays) for arrays in zip(*parts)))


def shuffled(rng, B, n):
    """B random orders of 0..n-1: -> (B, n)."""
    return rng.random((B, n)).argsort(axis=1)


class Recall:
    """Find the digit that belongs to a letter: memory c5 a1 f7 b0 d2 e7, query b? -> 0.

    A pair is one symbol: that c5 has to do with c and with 5 must be learned.
    """

    letters, answers = "abcdefgh", "0123456789"
    symbols = (*map("".join, product(letters, answers)), *(f"{a}?" for a in letters))
    S, T, A = 6, 4, 1

    def draw(self, rng, B):
        K, N = len(self.letters), len(self.answers)
        letters = shuffled(rng, B, K)[:, : self.S]
        digits = rng.integers(N, size=(B, self.S))
        places = shuffled(rng, B, self.S)[:, : self.T]
        asked, targets = (np.take_along_axis(x, places, axis=1) for x in (letters, digits))
        queries = K * N + asked
        return Items(letters * N + digits, queries, targets[..., None], places[..., None])


class RecallTwo:
    """Find two digits at once, and keep them in order: c5 a1 f7 b0 d2 e7, query bd -> 0 and 2."""

    letters, answers = "abcdef", "0123456789"
    symbols = (*map("".join, product(letters, answers)), *map("".join, product(letters, letters)))
    S, T, A = 6, 4, 2

    def draw(self, rng, B):
        K, N, T = len(self.letters), len(self.answers), self.T
        letters = shuffled(rng, B, K)
        digits = rng.integers(N, size=(B, self.S))
        places = shuffled(rng, B * T, self.S)[:, :2].reshape(B, T, 2)
        flat = places.reshape(B, 2 * T)
        asked, targets = (
            np.take_along_axis(x, flat, axis=1).reshape(B, T, 2) for x in (letters, digits)
        )
        queries = K * N + asked[..., 0] * K + asked[..., 1]
        return Items(letters * N + digits, queries, targets, places)


class Before:
    """Name the symbol that stands before each one; before the first stands the last.

    The memory asks itself: self-attention. All symbols of an item differ, so who does not know the
    order has one chance in S - 1.
    """

    symbols = answers = "abcdefghijklmnop"
    S, T, A = 8, 8, 1

    def draw(self, rng, B):
        memory = shuffled(rng, B, len(self.symbols))[:, : self.S]
        places = np.broadcast_to(np.roll(np.arange(self.S), 1), memory.shape)
        return Items(memory, memory, np.roll(memory, 1, axis=1)[..., None], places[..., None])


class Kinds:
    """Find the word of a kind: memory fig red cow, query animal? -> cow.

    Which word is of which kind is told nowhere; only the answers show it.
    """

    kinds = ("animal?", "colour?", "fruit?")
    answers = ANIMALS + COLOURS + FRUITS
    symbols = answers + kinds
    S, T, A = 3, 2, 1

    def draw(self, rng, B):
        K, n = len(self.kinds), len(ANIMALS)
        kinds = shuffled(rng, B, K)
        memory = kinds * n + rng.integers(n, size=(B, K))
        places = shuffled(rng, B, K)[:, : self.T]
        asked, targets = (np.take_along_axis(x, places, axis=1) for x in (kinds, memory))
        return Items(memory, K * n + asked, targets[..., None], places[..., None])


def main():
    """One test item of each task, in its symbols."""
    for task in (Recall(), RecallTwo(), Before(), Kinds()):
        items = sample(task, np.random.default_rng(0), 1, test=True)
        memory, queries = (" ".join(task.symbols[i] for i in ids[0]) for ids in items[:2])
        answers = ["".join(task.answers[i] for i in ids) for ids in items.targets[0]]
        print(f"{type(task).__name__:10} memory  {memory}")
        print(f"{'':10} queries {queries}\n{'':10} answers {' '.join(answers)}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
