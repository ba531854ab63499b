"""Pairs of sentences to learn from and to judge by: number words, drawn without end, or a file.

A sentence is a list of words; a hyphen or a comma is a word of its own. No source sentence stands
on both sides: a checksum of its text decides, one in ten is for tests.

    python day4-5/pairs.py     a few pairs of both sides
"""

import re
import unicodedata
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import torch

from number_words import END as LIMIT
from number_words import english, french
from sequences import END

UNKNOWN = "<?>"  # stands for rare words, where a vocabulary leaves them out
LONGEST = 20  # words on a side of a pair from a file
SMALL = 100  # the numbers below are the dictionary: always to learn from


def tokens(text):
    """ "Quatre-vingts!" -> ["quatre", "-", "vingts", "!"]: lower case, no spaces.

    An accent may be part of its letter, or a character of its own behind it: here they are one.
    """
    return re.findall(r"\w+|[^\w\s]", unicodedata.normalize("NFC", text).lower())


def joined(words):
    """Words as one text again, as far as punctuation tells: the number words come back exactly."""
    text = re.sub(r" ?(['’-]) ?", r"\1", " ".join(words))
    text = re.sub(r'" (.*?) "', r'"\1"', text)
    return re.sub(r" ([.,!?;:])", r"\1", text)


class Vocabulary:
    """Words and their ids, PAD, START and END first; with least > 1, rarer words are UNKNOWN."""

    def __init__(self, sentences, least=1):
        counts = Counter(word for words in sentences for word in words)
        known = sorted(word for word, count in counts.items() if count >= least)
        self.words = ["", "", "", *([UNKNOWN] if least > 1 else []), *known]
        self.ids = {word: n for n, word in enumerate(self.words) if word}

    def __len__(self):
        return len(self.words)

    def encode(self, words):
        """A list of words -> a list of ids, END last. ValueError for no words, or unknown ones."""
        if not words:
            raise ValueError("the source is empty: give it at least one word")
        unknown = [word for word in words if word not in self.ids]
        if unknown and UNKNOWN not in self.ids:
            some = ", ".join(list(self.ids)[:8])
            raise ValueError(f"{unknown[0]!r} is no word of this vocabulary, which has {some}, ...")
        return [*(self.ids.get(word, self.ids.get(UNKNOWN)) for word in words), END]

    def decode(self, ids):
        """Ids -> the list of words before END."""
        ids = list(map(int, ids))
        return [self.words[n] for n in (ids[: ids.index(END)] if END in ids else ids)]


class Data(NamedTuple):
    """What a model learns from. draw(generator, n) -> n pairs of lists of ids; test: of words."""

    name: str
    source: Vocabulary
    target: Vocabulary
    draw: object
    test: list
    left_out: int = 0  # pairs of a file with too many words


def for_test(text):
    """On which side a source sentence stands: one in ten is True."""
    return zlib.crc32(text.encode("utf-8")) % 10 == 0


def number_pair(n, back=False):
    """A number in the words of both languages: (source, target) texts; back is from French."""
    return (french(n), english(n)) if back else (english(n), french(n))


def number_data(back=False, tests=2000):
    """English to French number words. The tests are different numbers, evenly drawn from 0 to
    999,999: most have 6 digits.

    To learn from, numbers below 10, below 100, ... below a million are drawn, each bound as often
    as another.
    """
    small = [[tokens(side) for side in number_pair(n, back)] for n in (*range(102), 200, 1000)]
    source, target = (Vocabulary(side) for side in zip(*small, strict=True))

    def draw(generator, n):
        found = []
        while len(found) < n:
            digits = torch.randint(1, 7, (n,), generator=generator)
            numbers = (torch.rand(n, generator=generator) * 10**digits).long().tolist()
            some = (number_pair(number, back) for number in numbers if not in_test(number, back))
            found += [(source.encode(tokens(s)), target.encode(tokens(t))) for s, t in some]
        return found[:n]

    order, judged = torch.Generator().manual_seed(0), {}  # a dictionary has no number twice
    while len(judged) < tests:
        number = int(torch.randint(LIMIT, (1,), generator=order))
        if in_test(number, back):
            judged[number] = tuple(tokens(side) for side in number_pair(number, back))
    name = "French to English number words" if back else "English to French number words"
    return Data(name, source, target, draw, [*judged.values()])


def in_test(number, back=False):
    return number >= SMALL and for_test(number_pair(number, back)[0])


def read(path):
    """A file of tab-separated pairs -> a list of (source, target) texts. More columns are left out.

    Tatoeba's exports (manythings.org/anki) and Multi30k's two files pasted side by side are such
    files. ValueError, with the number of the line, for one that is not a pair; for a file that is
    missing, not UTF-8 or has fewer than 20 pairs.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}: give --data a file of pairs") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        sides = [side.strip() for side in line.rstrip("\r").split("\t")]
        if len(sides) < 2 or not tokens(sides[0]) or not tokens(sides[1]):
            raise ValueError(
                f"{path}, line {number}: {line[:40]!r} is no pair: "
                "a sentence, a tab, its translation"
            )
        found.append(tuple(sides[:2]))
    if len(found) < 20:
        raise ValueError(f"{path} has {len(found)} pairs: give at least 20, thousands if you can")
    return found


def file_data(path, back=False, longest=LONGEST, tests=1000):
    """The pairs of a file, at most `longest` words a side; words seen once are UNKNOWN.

    Of those for tests the first `tests` are judged; nothing is learned from the others.
    """
    texts = [pair[::-1] if back else pair for pair in read(path)]
    every = [(tokens(s), tokens(t)) for s, t in texts]
    pairs = [pair for pair in every if max(map(len, pair)) <= longest]
    learn = [pair for pair in pairs if not for_test(" ".join(pair[0]))]
    test = [pair for pair in pairs if for_test(" ".join(pair[0]))][:tests]
    if not learn or not test:
        raise ValueError(
            f"{path} has {len(learn)} pairs to learn from and {len(test)} to judge by, of at most "
            f"{longest} words: both are needed"
        )
    source, target = (Vocabulary(side, least=2) for side in zip(*learn, strict=True))
    ids = [(source.encode(s), target.encode(t)) for s, t in learn]

    def draw(generator, n):
        return [ids[i] for i in torch.randint(len(ids), (n,), generator=generator).tolist()]

    name = Path(path).name + (", back" if back else "")
    return Data(name, source, target, draw, test, len(every) - len(pairs))


def main():
    data = number_data(tests=4)
    print(f"{data.name}: {len(data.source)} and {len(data.target)} symbols\nto learn from")
    for s, t in data.draw(torch.Generator().manual_seed(0), 4):
        print(f"  {joined(data.source.decode(s)):60} {joined(data.target.decode(t))}")
    print("to judge by")
    for s, t in data.test:
        print(f"  {joined(s)}\n{'':63}{joined(t)}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("pairs.py", main))
