"""What the table of embeddings knows of the symbols: vowels, capitals, punctuation; nobody told it.

There are few symbols and many channels, and in so many channels almost anything can be told apart.
So a linear probe is judged on symbols that it has not seen: one is left out at a time, a letter in
both cases. And it stands beside controls that it has to beat: the table before training, the same
probe on shuffled answers, and a probe that is told nothing but how often each symbol occurs.
Letters: V symbols, C channels. NumPy only.

    python day3/symbols.py     planted clusters are found, and nothing is found in noise
"""

import numpy as np

KINDS = ("vowel", "consonant", "capital", "punctuation")
RIDGE = 1e-2
# question: which symbols are asked about, and which of them are to be told from the rest
QUESTIONS = {
    "capital or lower case": (str.isalpha, str.isupper),
    "vowel or consonant": (str.isalpha, lambda s: s.lower() in "aeiou"),
    "letter or punctuation": (lambda s: True, str.isalpha),
}


def kinds(symbols):
    """The kind of each symbol, as a number; whatever is no letter counts as punctuation."""
    names = [
        "punctuation" if not s.isalpha()
        else "capital" if s.isupper()
        else "vowel" if s in "aeiou" else "consonant"
        for s in symbols
    ]  # fmt: skip
    return np.array([KINDS.index(name) for name in names])


def left_out(x, answers, names):
    """Whether a linear probe is right on each symbol, fitted to all that are called otherwise.

    x (N, C), answers (N,) bool, names (N,): "a" for both a and A -> right (N,) bool
    Ridge regression on +1 and -1, in which both answers weigh the same however many they are. A
    constant channel is added, and x is scaled so that its rows have a mean squared length of 1.
    """
    if min(len(set(names[answers])), len(set(names[~answers]))) < 2:
        raise ValueError("a probe needs at least two symbols of each answer")
    x = x - x.mean(axis=0)
    x = x / max(np.sqrt((x**2).sum(axis=1).mean()), 1e-12)
    kernel = x @ x.T + 1
    N = len(x)
    right = np.zeros(N, dtype=bool)
    for i in range(N):
        rest = names != names[i]
        y = answers[rest]
        counts = np.where(y, y.sum(), (~y).sum())  # a symbol weighs 1 / count of its answer
        fitted = np.linalg.solve(kernel[np.ix_(rest, rest)] + RIDGE * np.diag(counts), 2.0 * y - 1)
        right[i] = (kernel[i, rest] @ fitted > 0) == answers[i]
    return right


def balanced(right, answers):
    """Share that is right, mean of the two answers, with its 95 % interval: (share, low, high).

    0.5 is chance however many of each there are. Interval: Wilson's for each answer, combined as
    Newcombe 1998, method 10.
    """
    share, below, above = 0.0, 0.0, 0.0
    for asked in (answers, ~answers):
        p, low, high = wilson(right[asked].mean(), asked.sum())
        share, below, above = share + p / 2, below + (p - low) ** 2, above + (high - p) ** 2
    return share, share - below**0.5 / 2, share + above**0.5 / 2


def wilson(p, n, z=1.96):
    """The 95 % interval of a share p of n cases: (p, low, high). Wilson 1927."""
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p, middle - half, middle + half


def asked(symbols, question):
    """The symbols that a question is about, as places; their answers; what each is called."""
    about, answer = QUESTIONS[question]
    which = [i for i, s in enumerate(symbols) if about(s)]
    answers = np.array([bool(answer(symbols[i])) for i in which], dtype=bool)
    return which, answers, np.array([symbols[i].lower() for i in which])


def probed(table, symbols, question):
    """A probe on a table of embeddings (V, C) -> its balanced share with the interval."""
    which, answers, names = asked(symbols, question)
    return balanced(left_out(table[which], answers, names), answers)


def shuffled(table, symbols, question, rng, times=20):
    """The same probe on answers dealt out at random: shares, one for each deal."""
    which, answers, names = asked(symbols, question)
    deals = (rng.permutation(answers) for _ in range(times))
    return [balanced(left_out(table[which], deal, names), deal)[0] for deal in deals]


def possible(symbols):
    """The questions for which an alphabet has enough symbols of each answer."""
    found = []
    for question in QUESTIONS:
        _, answers, names = asked(symbols, question)
        if min(len(set(names[answers])), len(set(names[~answers]))) > 1:
            found.append(question)
    return found


def cosines(table):
    """Of every two symbols, with -1 between a symbol and itself: (V, V)."""
    long = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    found = np.clip(long @ long.T, -1, 1)
    np.fill_diagonal(found, -1)  # a symbol is not its own neighbour
    return found


def same_kind(table, symbols):
    """Share of symbols whose nearest other one is of their kind, and what chance would give."""
    kind, V = kinds(symbols), len(symbols)
    counts = np.bincount(kind)
    chance = (counts * (counts - 1)).sum() / (V * (V - 1))
    return float((kind[cosines(table).argmax(axis=1)] == kind).mean()), float(chance)


def own_case(table, symbols):
    """Share of letters whose nearest one in the other case is the same letter; and chance."""
    place = {s: i for i, s in enumerate(symbols)}
    pairs = [(i, place[s.upper()]) for s, i in place.items() if s.islower() and s.upper() in place]
    if len(pairs) < 2:
        return float("nan"), float("nan")
    lower, upper = np.array(pairs).T
    near = cosines(table)[np.ix_(lower, upper)]
    n = np.arange(len(pairs))
    found = np.concatenate([near.argmax(axis=1) == n, near.argmax(axis=0) == n])
    return float(found.mean()), 1 / len(pairs)


def main():
    """Capitals planted apart from lower case, and nothing else."""
    rng = np.random.default_rng(0)
    symbols = "\n !,.:;?" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz"
    noise = rng.normal(size=(len(symbols), 128))
    planted = noise + 10 * np.array([s.isupper() for s in symbols])[:, None] * rng.normal(size=128)
    for name, table in (("noise", noise), ("capitals planted", planted)):
        for question in QUESTIONS:
            share, low, high = probed(table, symbols, question)
            print(f"{name:18} {question:24} {share:4.0%} ({low:.0%} to {high:.0%})")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
