"""What an accuracy is worth: has the test been seen before, and how much of the number is chance?

NumPy only.

    python day4-5/honest_data.py     a split that leaks, and one that does not; what 99 of 100 says
"""

import math
from collections import Counter
from fractions import Fraction

import numpy as np

Z = 1.959963984540054  # 95 in 100 standard normal numbers lie between -Z and Z


def leakage(train, test):
    """Which of the test's items stand in the training part, too? -> share, the first five of them.

    What makes two items the same is for the caller to say: of sums, where 12+34 and 34+12 are,
    give the two numbers in order. ValueError for a test of nothing.
    """
    if len(test) == 0:
        raise ValueError("there is nothing to test with: the test part is empty")
    known = set(train)
    seen = [item for item in test if item in known]
    return len(seen) / len(test), seen[:5]


def text_leakage(train, test, n=50):
    """The share of the test's symbols that lie in a stretch of n which the training text has, too.

    A verse that is sung twice is found, and so is a part of the text that stands on both sides.
    """
    if min(len(train), len(test)) < n:
        raise ValueError(f"texts of {len(train)} and {len(test)} symbols have no stretch of {n}")
    known = {train[i : i + n] for i in range(len(train) - n + 1)}
    covered = np.zeros(len(test), bool)
    for i in range(len(test) - n + 1):
        if test[i : i + n] in known:
            covered[i : i + n] = True
    return float(covered.mean())


def alarm(share, allowed=0.01):
    """A sentence where more of the test than allowed has been seen in training, else None."""
    if share > allowed:
        return (
            f"{share:.0%} of the test stands in the training part, too: this measures memory. "
            "Split by what makes two items the same, before anything else is done with them."
        )
    return None


def wilson(right, n, z=Z):
    """Between which shares does the true accuracy lie, where `right` of n unseen items were right?

    -> low, high, both included: all shares p from which right / n is no farther than z standard
    deviations of that p. Never outside 0 to 1, and honest at n of n. Wilson 1927; Brown, Cai &
    DasGupta 2001 compare. ValueError for counts that are none.
    """
    if not (n > 0 and 0 <= right <= n):
        raise ValueError(f"{right} of {n} cannot be right: counts are 0 <= right <= n, and n > 0")
    share, less = right / n, z * z / n
    middle = (share + less / 2) / (1 + less)
    half = z * math.sqrt(share * (1 - share) / n + less / (4 * n)) / (1 + less)
    return max(0.0, middle - half) if right else 0.0, min(1.0, middle + half) if right < n else 1.0


def plus_or_minus(right, n, z=Z):
    """The interval of the textbook, share +- z deviations of the share that was seen: for contrast.

    At n of n it has no width, and calls a model of 20 right answers perfect.
    """
    share = right / n
    half = z * math.sqrt(share * (1 - share) / n)
    return share - half, share + half


def coverage(interval, p, n):
    """How often an interval holds the true accuracy p: exact, over all outcomes of n items."""
    exact = Fraction(p)
    held = (k for k in range(n + 1) if (b := interval(k, n))[0] <= p <= b[1])
    return float(sum(math.comb(n, k) * exact**k * (1 - exact) ** (n - k) for k in held))


def breakdown(kinds, right):
    """Accuracy by kind of task: -> {kind: (right, n, low, high)}, in the order they come in."""
    right = np.asarray(right)
    if right.dtype != bool or len(kinds) != len(right):
        raise ValueError(
            f"{len(kinds)} kinds need as many True or False, not {right.shape} {right.dtype}"
        )
    counts, hits = Counter(kinds), Counter(kind for kind, ok in zip(kinds, right) if ok)
    return {kind: (hits[kind], n, *wilson(hits[kind], n)) for kind, n in counts.items()}


def confusion(answers, guesses):
    """Which answer was taken for which? -> labels (N), counts (N, N): a row for each right answer.

    A row adds up to how often its answer was asked for, the diagonal to how often all was right.
    ValueError where the two differ in number, or hold NaN, which is no answer and equals nothing.
    """
    if len(answers) != len(guesses):
        raise ValueError(f"{len(answers)} answers, but {len(guesses)} guesses")
    if any(isinstance(a, float) and math.isnan(a) for a in (*answers, *guesses)):
        raise ValueError(
            "there is NaN among the answers: find where it was made, and do not count it"
        )
    labels = sorted({*answers, *guesses})
    places = {label: n for n, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), int)
    for answer, guess in zip(answers, guesses):
        counts[places[answer], places[guess]] += 1
    return labels, counts


def main():
    """Our split beside one that was dealt out at random; two intervals."""
    from digit_tasks import TASKS, split

    for name, task in TASKS.items():
        parts = {
            part: [task.same(question) for _, question, _ in items]
            for part, items in split(task).items()
        }
        share, _ = leakage(parts["train"], parts["test"])
        print(f"{name}: {share:.0%} of {len(parts['test'])} test items seen in training")
    items = [tuple(sorted((a, b))) for a in range(100) for b in range(100)]
    order = np.random.default_rng(0).permutation(len(items))
    train, test = [items[n] for n in order[:8000]], [items[n] for n in order[8000:]]
    print(
        f"sums dealt out at random, as if 12+34 were not 34+12:\n{alarm(leakage(train, test)[0])}"
    )
    for right, n in ((99, 100), (990, 1000), (20, 20)):
        low, high = wilson(right, n)
        bad = plus_or_minus(right, n)
        print(f"{right} of {n}: {low:.1%} to {high:.1%}   (textbook: {bad[0]:.1%} to {bad[1]:.1%})")
    held = [coverage(interval, 0.98, 50) for interval in (wilson, plus_or_minus)]
    print("how often 95 % are 95 %, at 50 items of a true 98 %: ", end="")
    print(f"{held[0]:.1%}, textbook {held[1]:.1%}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
