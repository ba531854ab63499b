"""How good is a translation? BLEU, exact match and F1, counted on lists of words.

BLEU asks how many n-grams of the candidates stand in their references, for n = 1 to 4, each at most
as often as it stands there, and punishes what is too short. Papineni et al. 2002.

    python day4-5/bleu.py     one sentence, counted step by step
"""

import math
from collections import Counter

N = 4


def n_grams(words, n):
    """How often each n-gram stands in a list of words."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def precisions(candidates, references):
    """For n = 1 to 4 over all sentences: (n-grams found, each clipped; n-grams in all)."""
    counts = []
    for n in range(1, N + 1):
        pairs = [(n_grams(c, n), n_grams(r, n)) for c, r in zip(candidates, references)]
        found = sum((c & r).total() for c, r in pairs)  # & takes the smaller of two counts
        counts.append((found, sum(c.total() for c, _ in pairs)))
    return counts


def brevity_penalty(candidates, references):
    """1 where the candidates are as long as the references, all together; else exp(1 - r / c)."""
    c, r = sum(map(len, candidates)), sum(map(len, references))
    return 1.0 if c >= r else math.exp(1 - r / c) if c else 0.0


def bleu(candidates, references):
    """BLEU of a corpus, 0 to 100: geometric mean of the four precisions, times the penalty.

    Both are lists of lists of words, one reference a candidate. 0 where one of the precisions is: no
    smoothing, as in the paper. ValueError where the lists differ in length or are empty.
    """
    check(candidates, references)
    counts = precisions(candidates, references)
    if not all(found for found, _ in counts):
        return 0.0
    mean = sum(math.log(found / total) for found, total in counts) / N
    return 100 * brevity_penalty(candidates, references) * math.exp(mean)


def exact_match(candidates, references):
    """The share of candidates that are their reference, word for word. ValueError as bleu."""
    check(candidates, references)
    return sum(c == r for c, r in zip(candidates, references)) / len(candidates)


def f1(candidates, references):
    """The mean over the sentences of the F1 of their words, whatever the order. ValueError as bleu.

    A sentence: 2 common words / (words of both), 1 where both are empty, 0 where one is.
    Rajpurkar et al. 2016, section 6.1.
    """
    check(candidates, references)
    return sum(map(f1_of_one, candidates, references)) / len(candidates)


def f1_of_one(candidate, reference):
    if not candidate and not reference:
        return 1.0
    common = (Counter(candidate) & Counter(reference)).total()
    return 2 * common / (len(candidate) + len(reference))


def check(candidates, references):
    if len(candidates) != len(references) or not candidates:
        raise ValueError(
            f"{len(candidates)} candidates and {len(references)} references: each candidate needs "
            "one, and there is at least one of them"
        )
    if any(isinstance(words, str) for words in [*candidates, *references]):
        raise ValueError("a sentence is a list of words: split it first")


def main():
    candidate, reference = (
        ["deux", "cent", "deux", "cent", "vingt", "et", "un"],
        ["deux", "cent", "vingt", "et", "un"],
    )
    print(f"candidate: {' '.join(candidate)}\nreference: {' '.join(reference)}")
    for n, (found, total) in enumerate(precisions([candidate], [reference]), start=1):
        print(f"{n}-grams: {found} of {total} found, {found / total:.3f}")
    print(f"brevity penalty {brevity_penalty([candidate], [reference]):.3f}")
    print(f"BLEU {bleu([candidate], [reference]):.2f}, F1 {f1([candidate], [reference]):.3f}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("bleu.py", main))
