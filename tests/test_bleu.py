"""day4-5/bleu.py against sacrebleu, live where it is installed, and its numbers where it is not."""

import math
import random

import pytest

from bleu import bleu, exact_match, f1, precisions

# BLEU by sacrebleu 2.6.0: tokenize="none", smooth_method="none"
FIXTURES = {
    (1, 0.1): 86.55294499263685,
    (2, 0.2): 70.89921354595995,
    (3, 0.4): 43.50817396646587,
    (4, 0.0): 100.0,
    (5, 0.9): 11.820483221883592,
}


def corpus(seed, words="abcdefg", sentences=12, mistakes=0.2):
    """Random references, and candidates that lose, change and repeat some of their words."""
    draw = random.Random(seed)
    references, candidates = [], []
    for _ in range(sentences):
        reference = [draw.choice(words) for _ in range(draw.randint(1, 15))]
        candidate = []
        for word in reference:
            if draw.random() < mistakes:
                candidate += draw.choice([[], [draw.choice(words)], [word, word], [word] * 4])
            else:
                candidate.append(word)
        references.append(reference)
        candidates.append(candidate or ["a"])
    return candidates, references


@pytest.mark.parametrize(("made", "wanted"), FIXTURES.items())
def test_the_numbers_are_those_of_sacrebleu(made, wanted):
    seed, mistakes = made
    assert bleu(*corpus(seed, mistakes=mistakes)) == pytest.approx(wanted, abs=1e-9)


def test_the_numbers_are_those_of_the_sacrebleu_that_is_here():
    sacrebleu = pytest.importorskip("sacrebleu")
    zeros = 0
    for seed in range(60):
        candidates, references = corpus(seed, sentences=seed % 5 + 1, mistakes=seed % 11 / 10)
        texts = [" ".join(words) for words in candidates], [[" ".join(r) for r in references]]
        theirs = sacrebleu.corpus_bleu(
            *texts, tokenize="none", smooth_method="none", force=True
        ).score
        assert bleu(candidates, references) == pytest.approx(theirs, abs=1e-9)
        zeros += theirs == 0
    assert 0 < zeros < 30


def test_counts_are_clipped_and_short_ones_punished():
    the = ["the", "the", "the", "the", "the", "the", "the"]
    reference = ["the", "cat", "is", "on", "the", "mat"]
    assert precisions([the], [reference])[0] == (
        2,
        7,
    )  # the example of Papineni et al., section 2.1
    whole = ["a", "b", "c", "d", "e", "f"]
    assert bleu([whole[:5]], [whole]) == pytest.approx(100 * math.exp(1 - 6 / 5))
    assert bleu([[*whole, "g"]], [whole]) == pytest.approx(
        100 * (6 / 7 * 5 / 6 * 4 / 5 * 3 / 4) ** 0.25
    )
    two = bleu([whole, ["x"] * 4], [whole, whole])  # counted over the corpus, not averaged
    assert two == pytest.approx(
        100 * (6 / 10 * 5 / 8 * 4 / 6 * 3 / 4) ** 0.25 * math.exp(1 - 12 / 10)
    )


def test_exact_match_and_f1():
    candidates = [["a", "b"], ["b", "a"], [], [], ["a"], ["a", "a", "b"]]
    references = [["a", "b"], ["a", "b"], [], ["a"], [], ["a", "b", "c", "d"]]
    assert exact_match(candidates, references) == 2 / 6
    each = [1, 1, 1, 0, 0, 2 * 2 / 7]
    for candidate, reference, wanted in zip(candidates, references, each, strict=True):
        assert f1([candidate], [reference]) == pytest.approx(wanted)
    assert f1(candidates, references) == pytest.approx(sum(each) / 6)


def test_bleu_of_nothing_is_zero():
    for candidate in ([], ["a"], ["a", "b", "c"]):
        assert bleu([candidate], [["a", "b", "c", "d"]]) == 0


@pytest.mark.parametrize("measure", [bleu, exact_match, f1])
def test_a_wrong_call_is_told(measure):
    with pytest.raises(ValueError, match="1 candidates and 2 references"):
        measure([["a"]], [["a"], ["b"]])
    with pytest.raises(ValueError, match="at least one"):
        measure([], [])
    with pytest.raises(ValueError, match="list of words: split it"):
        measure(["a b"], [["a", "b"]])
