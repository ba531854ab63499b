"""Checks of day2/counting.py. What each part is for stands in study/naming.py."""

from itertools import pairwise

import numpy as np


class exercise_2_1:
    title = "bigram, by counting"
    minutes = 20
    hints = (
        (
            "Write the table of a text of three symbols by hand: which two cells change, in which "
            "rows? And what does the row of a symbol say that nothing has followed?"
        ),
        (
            "A pair is a symbol and its neighbour on the right: ten symbols make nine. Count the "
            "pairs in a square table, raise all of its cells, and then make every row a whole."
        ),
        (
            "The text without its last symbol, beside the text without its first, gives all pairs. "
            "np.add.at counts a place as often as it is named. A row's total keeps its axis."
        ),
        (
            "counts = np.zeros((V, V)), then np.add.at(counts, (ids[:-1], ids[1:]), 1). Add "
            "smoothing, and divide by the sum over axis 1, with keepdims=True."
        ),
    )

    advice = (
        (
            r"index (\d+) is out of bounds for axis 0 with size \1\b",
            "The last symbol has no neighbour on its right: N symbols make N - 1 pairs.",
        ),
        (
            r"Cannot cast ufunc",
            "An array of whole numbers cannot hold fractions: make a new one, or begin with floats.",
        ),
    )

    def calls(rng):
        yield "bigram_probabilities", np.array([0, 1, 0, 1, 1, 2, 0]), 3
        # after 2 comes nothing, 3 is never seen; a smoothing of its own
        yield "bigram_probabilities", np.array([1, 0, 1, 0, 0, 1, 0, 2]), 4, 0.5
        yield "bigram_probabilities", np.array([2, 1]), 3
        yield "bigram_probabilities", np.array([0, 0, 0, 0, 1]), 2, 2.0
        yield "bigram_probabilities", rng.integers(0, 5, size=40), 7, 0.1
        yield "bigram_probabilities", rng.choice(6, p=np.arange(1, 7) / 21, size=90), 6

    def random_call(rng):
        V, N = int(rng.integers(1, 7)), int(rng.integers(2, 25))
        smoothing = () if rng.random() < 0.3 else (float(rng.choice([0.01, 0.5, 1, 3])),)
        return "bigram_probabilities", rng.integers(0, V, size=N), V, *smoothing

    def refusals(rng):
        for ids in ([0, 3], [0, -1], [0]):
            yield "bigram_probabilities", np.array(ids), 3
        yield "bigram_probabilities", np.array([0, 1]), 3, 0.0

    class steps:
        def pairs(ids):
            return ids[:-1], ids[1:]

        def count(first, second, V):
            counts = np.zeros((V, V))
            np.add.at(counts, (first, second), 1)
            return counts

        def smooth(counts, smoothing):
            return counts + smoothing

        def total(smoothed, counts, ids, smoothing):
            return smoothed.sum(axis=1, keepdims=True)

        def share(smoothed, total, counts):
            return smoothed / total

        def after(table, smoothing):
            return table

    def whole(steps):
        def bigram_probabilities(ids, V, smoothing=1.0):
            counts = steps.count(*steps.pairs(ids), V)
            smoothed = steps.smooth(counts, smoothing)
            total = steps.total(smoothed, counts, ids, smoothing)
            return steps.after(steps.share(smoothed, total, counts), smoothing)

        return {"bigram_probabilities": bigram_probabilities}

    class properties:
        def rows_add_up_to_one(f, result, ids, V, smoothing=1.0):
            for i, total in enumerate(result.sum(axis=1)):
                if abs(total - 1) > 1e-9:
                    return f"Row {i} adds up to {total:.10g}, not to 1."

        def nothing_is_impossible(f, result, ids, V, smoothing=1.0):
            if result.min() <= 0:
                i, j = np.unravel_index(result.argmin(), result.shape)
                return f"p({j} | {i}) is {result[i, j]:.3g}. With smoothing it must be above 0."

        def what_came_more_often_is_likelier(f, result, ids, V, smoothing=1.0):
            for i, row in enumerate(exercise_2_1.steps.count(ids[:-1], ids[1:], V)):
                order = row.argsort()
                for a, b in pairwise(order):
                    if row[a] < row[b] and result[i, a] >= result[i, b]:
                        return f"After {i}, {b} came more often than {a}, but is not likelier."

    class slips:
        def pairs__wrapped(ids):
            """One pair too many is counted: the last symbol, followed by the first. Does anything
            come after the end of a text?"""
            return ids, np.roll(ids, -1)

        def pairs__last_missing(ids):
            """The last pair of the text is left out. N symbols make N - 1 pairs."""
            return ids[:-2], ids[1:-1]

        def pairs__two_apart(ids):
            """A symbol is paired with the one after the next here. Who is its neighbour?"""
            return ids[:-2], ids[2:]

        def pairs__turned(ids):
            """Row i holds what came before i here. It is to hold what comes after: which symbol of
            a pair chooses the row?"""
            return ids[1:], ids[:-1]

        class transposed:
            """This is the right table, transposed: its columns add up to 1. A row is for the symbol
            that was read, a column for the one to come."""

            def after(table, smoothing):
                return table.T

        def count__once(first, second, V):
            """A pair counts once here, however often it was seen. An index that names a place twice
            still adds to it only once."""
            counts = np.zeros((V, V))
            counts[first, second] += 1
            return counts

        def smooth__none(counts, smoothing):
            """These are shares of the bare counts: what was not seen gets 0, and the row of a symbol
            that nothing followed is 0 / 0. What is `smoothing` for?"""
            return counts

        def smooth__one(counts, smoothing):
            """This adds 1 to every count, whatever `smoothing` says."""
            return counts + 1

        class smoothed_after:
            """`smoothing` was added to the shares, after the division. It is meant for the counts:
            a row now adds up to more than 1."""

            def smooth(counts, smoothing):
                return counts

            def after(table, smoothing):
                return table + smoothing

        def total__of_counts(smoothed, counts, ids, smoothing):
            """The counts were raised, the totals below them not: a row adds up to more than 1, and
            one that nobody filled is infinite."""
            return counts.sum(axis=1, keepdims=True)

        def total__raised_once(smoothed, counts, ids, smoothing):
            """The total of a row grew by one `smoothing`. How many counts of the row were raised?"""
            return counts.sum(axis=1, keepdims=True) + smoothing

        def total__plus_V(smoothed, counts, ids, smoothing):
            """The totals grew by V, which is right where `smoothing` is 1. All V counts of a row were
            raised by `smoothing`: by how much does their total grow?"""
            return counts.sum(axis=1, keepdims=True) + len(counts)

        def total__of_symbols(smoothed, counts, ids, smoothing):
            """The total of a row is how often its symbol stands in the text. The last one of the
            text has no follower, so its row adds up to less than 1."""
            often = np.bincount(ids, minlength=len(counts))[:, None]
            return often + len(counts) * smoothing

        def total__columns(smoothed, counts, ids, smoothing):
            """Here a column adds up to 1: given what comes, who was before? The other way round is
            asked for, so each row must add up to 1."""
            return smoothed.sum(axis=0, keepdims=True)

        def total__lost_axis(smoothed, counts, ids, smoothing):
            """A number was divided by the total of another row: the totals lost their axis, and lie
            along the columns now."""
            return smoothed.sum(axis=1)

        def total__everything(smoothed, counts, ids, smoothing):
            """The whole table adds up to 1: this is how often a pair is seen among all pairs. Asked
            for is what comes, once the first symbol is known."""
            return smoothed.sum()

        def total__none(smoothed, counts, ids, smoothing):
            """These are counts, not probabilities: every row has yet to be made a whole."""
            return 1

        def share__not_raised(smoothed, total, counts):
            """The totals were raised, the counts above them not: a row adds up to less than 1, and
            what was not seen gets 0."""
            return counts / total


class exercise_2_2:
    title = "loss of a table"
    minutes = 15
    hints = (
        (
            "A text of three symbols holds two surprises. Work them out by hand: your number must "
            "lie between them. And what should a table cost that knows nothing?"
        ),
        (
            "The table is asked once for every symbol but the first. Each probability becomes a "
            "surprise, by a logarithm and a sign. The average is taken last, not first."
        ),
        (
            "Two arrays as indices pick one number for each pair: the row by the symbol that was "
            "read, the column by the one that came. np.log is the natural logarithm."
        ),
        "p = probabilities[ids[:-1], ids[1:]] holds one number a pair. The mean of -np.log(p) is it.",
    )

    advice = (
        (
            r"math domain error|expected a positive input",
            "Something comes that the table gives 0: it costs math.inf, and math.log(0) will not say.",
        ),
    )

    def calls(rng):
        yield "table_loss", np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1, 1, 0])
        table = np.array([[0.5, 0, 0.5], [0.25, 0.25, 0.5], [0.5, 0.5, 0]])
        yield "table_loss", table, np.array([0, 2, 1, 1, 0, 0])
        yield "table_loss", table, np.array([1, 0, 1, 2, 0])  # 1 after 0 is ruled out
        yield "table_loss", np.eye(2), np.array([1, 1, 1])
        yield "table_loss", rng.dirichlet(np.ones(4), size=4), np.array([3, 1])
        yield "table_loss", rng.dirichlet(np.ones(7), size=7), rng.integers(0, 7, size=12)
        # the product of so many probabilities is below the smallest float
        yield "table_loss", rng.dirichlet(np.ones(3), size=3), rng.integers(0, 3, size=1500)

    def random_call(rng):
        V, N = int(rng.integers(1, 7)), int(rng.integers(2, 20))
        return "table_loss", rng.dirichlet(np.ones(V), size=V), rng.integers(0, V, size=N)

    def refusals(rng):
        yield "table_loss", np.array([[1.0, 2], [3, 0]]), np.array([0, 1])
        for ids in ([0, 2], [-1, 0], [1]):
            yield "table_loss", np.eye(2), np.array(ids)

    class steps:
        def pairs(ids):
            return ids[:-1], ids[1:]

        def look_up(probabilities, first, second):
            return probabilities[first, second]

        def surprise(p):
            return -np.log(p)

        def mean(surprises, ids):
            return surprises.sum() / surprises.size  # of nothing, NaN without a warning

    def whole(steps):
        def table_loss(probabilities, ids):
            p = steps.look_up(probabilities, *steps.pairs(ids))
            return steps.mean(steps.surprise(p), ids)

        return {"table_loss": table_loss}

    class properties:
        def never_below_zero(f, result, probabilities, ids):
            if result < -1e-9:
                return f"The loss is {result:.4g}. No surprise is below 0."

        def what_is_ruled_out_costs_infinitely_much(f, result, probabilities, ids):
            for i, j in pairwise(ids):
                if probabilities[i, j] == 0 and not np.isinf(result):
                    return f"p({j} | {i}) is 0, but {j} came: that costs inf, not {result:.4g}."

        def to_know_nothing_costs_ln_V(f, result, probabilities, ids):
            V = len(probabilities)
            nats, wanted = f.table_loss(np.full((V, V), 1 / V), ids), np.log(V)
            if abs(nats - wanted) > 1e-7:
                return f"A table that knows nothing costs {nats:.8g}, not ln {V} = {wanted:.8g}."

        def a_mean_is_among_the_surprises(f, result, probabilities, ids):
            if not probabilities.min() - 1e-9 < np.exp(-result) < probabilities.max() + 1e-9:
                return f"A mean of {result:.4g} lies outside of the surprises of this table."

    class slips:
        pairs__wrapped = exercise_2_1.slips.pairs__wrapped
        pairs__last_missing = exercise_2_1.slips.pairs__last_missing
        pairs__two_apart = exercise_2_1.slips.pairs__two_apart

        def pairs__themselves(ids):
            """Each symbol is asked to predict itself. What comes next stands one place further."""
            return ids, ids

        def look_up__turned(probabilities, first, second):
            """The table was asked for the symbol before, given the one after. The row is for the
            symbol that was read."""
            return probabilities[second, first]

        def look_up__crossed(probabilities, first, second):
            """Every row met every column, so each symbol was judged by all that come anywhere. Pair
            the two arrays of indices, place by place."""
            return probabilities[first][:, second]

        def look_up__chained(probabilities, first, second):
            """Two pairs of brackets choose rows, and then rows among those. Put both arrays into one
            pair of brackets, with a comma."""
            return probabilities[first][second]

        def surprise__none(p):
            """This is the mean probability. A surprise is 0 where p is 1, and grows as p falls:
            which function does that?"""
            return p

        def surprise__negative(p):
            """The sign is turned round: a better table would have a larger loss."""
            return np.log(p)

        def surprise__bits(p):
            """This is the loss in bits, by powers of 2. Nats are asked for, by powers of e."""
            return -np.log2(p)

        def surprise__tens(p):
            """This is the loss by powers of 10. Nats are asked for, by powers of e."""
            return -np.log10(p)

        def surprise__capped(p):
            """No surprise can exceed 20.7 here, for 1e-9 was added to every p. A symbol that the
            table ruled out is an infinite surprise."""
            return -np.log(p + 1e-9)

        def surprise__zeros_left_out(p):
            """What the table ruled out was left out of the mean. Its surprise is infinite: a table
            may not skip what it got most wrong."""
            return -np.log(p[p > 0])

        def surprise__weighted(p):
            """Each surprise was weighted by its p. That is for the mean over what might come; here
            the text says what did, and each symbol counts once."""
            return -p * np.log(np.where(p > 0, p, 1))

        def mean__sum(surprises, ids):
            """This is the sum of the surprises: twice the text, twice the loss. Asked for is the
            loss per symbol."""
            return surprises.sum()

        def mean__of_N(surprises, ids):
            """The sum was divided by N. The first symbol is predicted by nobody: how many surprises
            are there?"""
            return surprises.sum() / len(ids)

        def mean__perplexity(surprises, ids):
            """This is e to the power of the loss, the perplexity: among how many symbols the table
            wavers. The loss itself is asked for."""
            return np.exp(surprises.sum() / surprises.size)

        class averaged_first:
            """The probabilities were averaged first, and the logarithm taken of their mean. Every
            probability has a surprise of its own: average those."""

            def surprise(p):
                return p

            def mean(surprises, ids):
                return -np.log(surprises.sum() / surprises.size)

        class multiplied:
            """Right on paper, but the product of 1,500 probabilities is too small for a float, and
            becomes 0. A sum of logarithms stays in range."""

            def surprise(p):
                return p

            def mean(surprises, ids):
                return -np.log(np.prod(surprises)) / surprises.size


class exercise_2_8:
    title = "Kneser-Ney"
    minutes = 40
    hints = (
        (
            "Add up a row: all that the discount takes must be given back. Then look at a symbol "
            "that is frequent, but always after the same one. It should be rare elsewhere."
        ),
        (
            "One discount leaves a row for each different symbol in it, and is handed out again. To "
            "whom? That is the same task once more, smaller: a single row, of kinds."
        ),
        (
            "Where counts are above 0, a sum along one axis says how many different symbols came "
            "before each, along the other how many after. A count of 0 has nothing to lose."
        ),
        (
            "(np.maximum(counts - discount, 0) + discount * kinds * continuation) / total, kinds and "
            "total upright; continuation likewise from before = (counts > 0).sum(axis=0) and 1 / V. "
            "Where total is 0 the row is the continuation."
        ),
    )

    def calls(rng):
        yield "kneser_ney", np.array([0, 1, 0, 1, 0, 1, 2, 0, 2]), 3
        # nothing follows 4, and nothing is known of 5; 1 comes often, and only after 0
        yield "kneser_ney", np.array([0, 1, 0, 1, 0, 1, 3, 2, 3, 1, 0, 0, 2, 4]), 6, 0.5
        yield "kneser_ney", np.array([2, 1]), 3
        yield "kneser_ney", np.array([0, 0, 1, 0, 0, 1, 1, 1, 0]), 2, 1.0
        yield "kneser_ney", rng.choice(6, p=np.arange(1, 7) / 21, size=40), 7, 0.3
        yield "kneser_ney", rng.integers(0, 6, size=25), 8

    def random_call(rng):
        V, N = int(rng.integers(1, 7)), int(rng.integers(2, 25))
        discount = () if rng.random() < 0.3 else (float(rng.choice([0.1, 0.5, 0.9, 1])),)
        return "kneser_ney", rng.integers(0, V, size=N), V, *discount

    def refusals(rng):
        for ids in ([0, 3], [0, -1], [0]):
            yield "kneser_ney", np.array(ids), 3
        yield "kneser_ney", np.array([0, 1]), 3, 0.0
        yield "kneser_ney", np.array([0, 1]), 3, 1.5

    class steps:
        pairs = exercise_2_1.steps.pairs
        count = exercise_2_1.steps.count

        def discount(discount):
            return discount

        def before(counts):
            return (counts > 0).sum(axis=0)

        def lower(before, counts, discount, ids):
            given = discount * (before > 0).sum() / len(before)
            return (np.maximum(before - discount, 0) + given) / before.sum()

        def keep(counts, discount, total):
            return np.maximum(counts - discount, 0)

        def mass(counts, discount, total):
            return discount * (counts > 0).sum(axis=1, keepdims=True)

        def mix(kept, mass, lower, counts):
            return kept + mass * lower

        def unseen(lower):
            return lower

    def whole(steps):
        def kneser_ney(ids, V, discount=0.75):
            discount, counts = steps.discount(discount), steps.count(*steps.pairs(ids), V)
            total = counts.sum(axis=1, keepdims=True)
            some = np.maximum(total, 1)
            lower = steps.lower(steps.before(counts), counts, discount, ids)
            kept, mass = (step(counts, discount, some) for step in (steps.keep, steps.mass))
            table = steps.mix(kept, mass, lower, counts) / some
            return np.where(total > 0, table, steps.unseen(lower))

        return {"kneser_ney": kneser_ney}

    class properties:
        rows_add_up_to_one = exercise_2_1.properties.rows_add_up_to_one

        def no_probability_is_negative(f, result, ids, V, discount=0.75):
            if result.min() < 0:
                i, j = np.unravel_index(result.argmin(), result.shape)
                return f"p({j} | {i}) is {result[i, j]:.3g}. No probability is below 0."

        def what_was_never_seen_depends_on_kinds(f, result, ids, V, discount=0.75):
            counts = exercise_2_1.steps.count(ids[:-1], ids[1:], V)
            kinds = (counts > 0).sum(axis=0)
            for i, j, k in np.ndindex(V, V, V):
                alike = counts[i, j] == counts[i, k] == 0 and kinds[j] == kinds[k]
                if alike and abs(result[i, j] - result[i, k]) > 1e-9:
                    told = f"Neither {j} nor {k} has come after {i}, and both came after {kinds[j]}"
                    return f"{told} different symbols, but after {i} they are not equally likely."

    class accepts:
        def lower__plain(before, counts, discount, ids):
            """Right, with the continuation of the textbooks: kinds before a symbol over all pairs.
            The book discounts it too, so that a symbol which never came second is not impossible."""
            return before / before.sum()

    class slips:
        pairs__wrapped = exercise_2_1.slips.pairs__wrapped
        pairs__turned = exercise_2_1.slips.pairs__turned
        count__once = exercise_2_1.slips.count__once

        def discount__fixed(discount):
            """This behaves as if the discount were always 0.75. It is an argument."""
            return 0.75

        def before__tokens(counts):
            """The continuation counts how often a symbol came. It is to count after how many
            different ones: a frequent pair says nothing about other places."""
            return counts.sum(axis=0)

        def before__after(counts):
            """The continuation counts how many different symbols come after each. It predicts a
            symbol, so look at what came before it: the other axis."""
            return (counts > 0).sum(axis=1)

        def lower__frequencies(before, counts, discount, ids):
            """The continuation counts how often a symbol came. It is to count after how many
            different ones: a frequent pair says nothing about other places."""
            return counts.sum(axis=0) / counts.sum()

        def lower__frequencies_of_all(before, counts, discount, ids):
            """The continuation counts how often a symbol came. It is to count after how many
            different ones: a frequent pair says nothing about other places."""
            return np.bincount(ids, minlength=len(before)) / len(ids)

        def lower__uniform(before, counts, discount, ids):
            """What the discount took was handed out in equal parts. A symbol that came after many
            different ones is to get more of it."""
            return np.full(len(before), 1 / len(before))

        def lower__lost(before, counts, discount, ids):
            """The continuation is discounted, but what was taken from it is given to nobody. It
            goes to all symbols in equal parts."""
            return np.maximum(before - discount, 0) / before.sum()

        def keep__negative(counts, discount, total):
            """The discount was taken off every cell, those with a count of 0 too. There was nothing
            to take: some numbers lie too low."""
            return counts - discount

        def keep__whole(counts, discount, total):
            """Something is handed out that was not taken: the counts are whole, so a row adds up to
            more than 1."""
            return counts

        def keep__shares(counts, discount, total):
            """The discount was taken off the shares, after the division. It is a part of one count,
            and a count may be one of many in its row."""
            return np.maximum(counts / total - discount, 0) * total

        def mass__of_tokens(counts, discount, total):
            """A row hands out one discount for each count in it, the repeated ones too. Only one was
            taken from each different symbol."""
            return discount * total

        def mass__one(counts, discount, total):
            """A row hands out one discount. How many were taken from it?"""
            return np.full_like(total, discount)

        def mass__before(counts, discount, total):
            """A row hands out a discount for each different symbol before its own. It took them from
            those that come after: the other axis."""
            return discount * (counts > 0).sum(axis=0)[:, None]

        def mass__none(counts, discount, total):
            """What was taken from a row is given to nobody: it adds up to less than 1, and what was
            not seen in it is impossible."""
            return 0 * total

        def mix__backing_off(kept, mass, lower, counts):
            """Only what was never seen in a row gets something of the continuation. Interpolated
            means: every symbol does, on top of what it kept."""
            return np.where(counts > 0, kept, mass * lower)

        def unseen__zeros(lower):
            """The row of a symbol that nothing followed holds zeros. Who is left to predict, where
            nothing was counted?"""
            return 0

        def unseen__nan(lower):
            """The row of a symbol that nothing followed is 0 / 0. Who is left to predict, where
            nothing was counted?"""
            return np.nan

        def unseen__uniform(lower):
            """The row of a symbol that nothing followed is uniform. More is known than that: which
            symbols come after many different ones?"""
            return np.full(len(lower), 1 / len(lower))
