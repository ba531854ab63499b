"""Translate word by word: the baseline, and where the idea of alignment comes from.

Nobody says which word became which. Begin with every target word as likely for every source word;
share each target word of a pair out among the source words by what is believed so far, count the
shares, believe the counts, and repeat. Brown et al. 1993, Model 1. An empty source word stands in
every sentence, for what has no origin.

    python day4-5/word_by_word.py     what it learns from number words, and what it makes of them
"""

from collections import defaultdict

import torch

import bleu
from pairs import joined, number_data

NOTHING = ""


def learn(pairs, rounds=8):
    """Pairs of lists of words -> {source word: {target word: probability}}."""
    belief = defaultdict(lambda: defaultdict(lambda: 1.0))
    for _ in range(rounds):
        counts = defaultdict(lambda: defaultdict(float))
        for source, target in pairs:
            source = [NOTHING, *source]
            for t in target:
                total = sum(belief[s][t] for s in source)
                for s in source:
                    counts[s][t] += belief[s][t] / total
        belief = defaultdict(dict)
        for s, row in counts.items():
            total = sum(row.values())
            belief[s] = {t: count / total for t, count in row.items()}
    return belief


def lexicon(belief):
    """The likeliest target word of every source word; none where chance explains it better.

    A source word that no target word has more need of than the empty word has is left out.
    """
    best = {s: max(row, key=row.get) for s, row in belief.items() if s}
    return {s: t for s, t in best.items() if belief[s][t] > belief[NOTHING].get(t, 0.0)}


def translate(words, known):
    """Each word by its own, in the order of the source."""
    return [known[word] for word in words if word in known]


def lexicon_of(data, n=2000):
    """What `n` pairs of a model's data teach."""
    ids = data.draw(torch.Generator().manual_seed(0), n)
    pairs = [(data.source.decode(s), data.target.decode(t)) for s, t in ids]
    return lexicon(learn(pairs))


def main():
    data = number_data()
    known = lexicon_of(data)
    print(", ".join(f"{s} {t}" for s, t in sorted(known.items())))
    for source, target in data.test[:3]:
        print(f"\n{joined(source)}\n  {joined(translate(source, known))}\n  {joined(target)}")
    sources, references = zip(*data.test, strict=True)
    found = [translate(words, known) for words in sources]
    exact, likeness = bleu.exact_match(found, references), bleu.bleu(found, references)
    print(f"\nexact {exact:.2%}, BLEU {likeness:.2f}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("word_by_word.py", main))
