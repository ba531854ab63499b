"""Small tasks written as text, question=answer and a dot, whose items never stand on both sides.

    M371=7.        one of five questions about three digits: the largest
    dbace=ecabd.   a string, reversed
    12+34=046.     a sum of two numbers up to 99; or with its digits reversed, 12+34=640.

A model reads such a line and predicts each next symbol; only those of the answer count, and the dot,
for a model must also know when it has finished. NumPy only.
Letters: B items, T symbols of a line less one.

    python day4-5/digit_tasks.py     two test items of each, and how many there are
"""

import zlib
from itertools import product

import numpy as np

IGNORED = -100  # a target that does not count, as in backward_numpy.py
END, PAD = ".", " "
PARTS = {"test": "01", "development": "2", "train": "3456789"}  # of ten, by checksum


class Digits:
    """Which is the first, second, last, largest or smallest of three digits?"""

    kinds = (
        ("first", "F", lambda t: t[0]),
        ("second", "S", lambda t: t[1]),
        ("last", "L", lambda t: t[2]),
        ("max", "M", max),
        ("min", "m", min),
    )
    symbols = PAD + END + "=0123456789FSLMm"

    def items(self):
        """All 5000: (kind, question, answer)."""
        for triple in map("".join, product("0123456789", repeat=3)):
            for kind, sign, answer in self.kinds:
                yield kind, sign + triple, answer(triple)

    def same(self, question):
        """The triple, whatever is asked of it."""
        return question[1:]


class Reverse:
    """A string of letters, backwards: `count` different ones, drawn, of the lengths given."""

    symbols = PAD + END + "=" + "abcdefghij"

    def __init__(self, shortest=2, longest=7, count=8000, seed=0):
        self.shortest, self.longest, self.count, self.seed = shortest, longest, count, seed

    def items(self):
        """(length, the string, its reverse)."""
        rng, drawn = np.random.default_rng(self.seed), set()
        while len(drawn) < self.count:
            length = rng.integers(self.shortest, self.longest + 1)
            word = "".join(rng.choice(list("abcdefghij"), size=length))
            if word not in drawn:
                drawn.add(word)
                yield f"{length} letters", word, word[::-1]

    def same(self, question):
        """The string."""
        return question


class Sums:
    """a + b for two numbers from 0 to 99, each with two digits, the sum with three."""

    symbols = PAD + END + "=+0123456789"

    def __init__(self, reverse=False):
        self.reverse = reverse

    def items(self):
        """All 10,000: (how many carries, question, answer)."""
        for a, b in product(range(100), repeat=2):
            kind = ("no carry", "one carry", "two carries")[(a % 10 + b % 10 > 9) + (a + b > 99)]
            answer = f"{a + b:03}"
            yield kind, f"{a:02}+{b:02}", answer[::-1] if self.reverse else answer

    def same(self, question):
        """The two numbers in order: who knows 12+34 knows 34+12."""
        return "+".join(sorted(question.split("+")))


TASKS = {"digits": Digits(), "reverse": Reverse(), "sums": Sums(), "sums-reversed": Sums(True)}


def split(task):
    """Every item on the side that a checksum says: {part: [(kind, question, answer)]}.

    What counts as the same item stays together. Seven of ten are to train on, one is to choose
    settings by, two are to test with, once.
    """
    sides = {digit: part for part, digits in PARTS.items() for digit in digits}
    parts = {part: [] for part in PARTS}
    for item in task.items():
        checksum = zlib.crc32(task.same(item[1]).encode())
        parts[sides[str(checksum % 10)]].append(item)
    return parts


def encode(task, items):
    """Lines as numbers: -> ids (B, T), targets (B, T), -100 wherever the next symbol is no answer's.

    Shorter lines end in padding, which nothing before it can see. ValueError for a strange symbol.
    """
    places = {symbol: n for n, symbol in enumerate(task.symbols)}
    lines = [f"{question}={answer}{END}" for _, question, answer in items]
    if strange := sorted(set("".join(lines)) - set(places)):
        raise ValueError(f"{strange} are no symbols of this task: it knows {task.symbols!r}")
    ids = np.full((len(lines), max(map(len, lines))), places[PAD])  # (B, T + 1)
    targets = np.full_like(ids[:, 1:], IGNORED)
    for n, (line, (_, question, _)) in enumerate(zip(lines, items)):
        ids[n, : len(line)] = [places[symbol] for symbol in line]
        start = len(question)  # where = stands: what follows it is the answer
        targets[n, start : len(line) - 1] = ids[n, start + 1 : len(line)]
    return ids[:, :-1], targets


def main():
    """What a model is asked, and with how much of it it is tested."""
    for name, task in TASKS.items():
        parts = split(task)
        counts = ", ".join(f"{len(items)} {part}" for part, items in parts.items())
        shown = "   ".join(f"{q}={a}{END}" for _, q, a in parts["test"][1::211][:3])
        print(f"{name:14} {shown:36} {counts}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
