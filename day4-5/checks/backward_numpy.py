"""Checks of day4-5/backward_numpy.py. What each part is for stands in study/naming.py."""

import math

import numpy as np

from attention_numpy import attention, merge_heads, softmax, split_heads
from backward_numpy import (
    attention_backward,
    counted,
    cross_entropy,
    cross_entropy_backward,
    embedding_backward,
    gelu_backward,
    gelu_tanh_backward,
    layer_norm_backward,
    linear_backward,
    multi_head_backward,
    positions_backward,
    softmax_backward,
)
from block_numpy import gelu, gelu_tanh

HIDDEN = -100


def times(n):
    """A factor with three digits; with more, where these say that it is 1."""
    return f"{n:.3g} times" if f"{n:.3g}" != "1" else f"{n:.7g} times"


def by_terms(what, result, terms):
    """A sentence on which terms of the closed form a gradient holds, by regression on them.

    terms: {name: (array, how often it stands in the right answer)}; None where the gradient is
    right, or is not made of these terms at all.
    """
    table = np.stack([array.ravel() for array, _ in terms.values()], axis=1)
    found, _, rank, _ = np.linalg.lstsq(table, result.ravel(), rcond=None)
    off = np.abs(table @ found - result.ravel()).max()
    if rank < len(terms) or off > 1e-8 * (1 + np.abs(result).max()):
        return None
    told, own = [], found[[wanted != 0 for _, wanted in terms.values()]]
    alike = abs(own[0] - 1) > 1e-6 < abs(own[0]) and np.allclose(own, own[0], 1e-6)
    if alike:
        told.append(f"everything counts {times(own[0])}, not once")
    for (name, (_, wanted)), count in zip(terms.items(), found, strict=True):
        if abs(count - wanted) < 1e-6 or (wanted and alike):
            continue
        if wanted == 0:
            told.append(f"{name} comes in {times(count)}, and should not")
        elif abs(count) < 1e-6:
            told.append(f"{name} is missing")
        elif abs(count + wanted) < 1e-6:
            told.append(f"{name} has the wrong sign")
        else:
            told.append(f"{name} counts {times(count)}, not once")
    return f"In {what} {'; '.join(told)}." if told else None


def by_parts(names, result, right):
    """A sentence on which parts of a result are right, and what the others are off by."""
    fine, wrong = [], []
    for name, got, wanted in zip(names, result, right, strict=True):
        if np.allclose(got, wanted, 1e-7, 1e-9):
            fine.append(name)
            continue
        factor = (got * wanted).sum() / (wanted**2).sum() if wanted.any() else 0
        if np.allclose(got, 0):
            wrong.append(f"{name} is 0 everywhere")
        elif np.count_nonzero(wanted) > 3 and np.allclose(got, factor * wanted, 1e-6, 1e-9):
            wrong.append(f"{name} is {times(factor)} what it should be")
        else:
            wrong.append(f"{name} is wrong")
    if wrong:
        start = f"{listed(fine)} {'is' if len(fine) == 1 else 'are'} right. " if fine else ""
        return f"{start}{listed(wrong)}."


def listed(words):
    *most, last = words
    return f"{', '.join(most)}{' and ' if most else ''}{last}"


def turn(a):
    """Swap the last two axes."""
    return a.swapaxes(-1, -2)


def one_hot(targets, counts, V):
    return (np.where(counts, targets, HIDDEN)[..., None] == np.arange(V)).astype(float)


class exercise_4_1:
    title = "cross-entropy backward"
    minutes = 25
    hints = (
        (
            "Add up one row of the result. Raising all scores of a row by the same number changes no "
            "loss: what must a row add up to, then? And what may a target that does not count push?"
        ),
        (
            "The slope has two parts: the shares that the model gives, and a 1 for the symbol that "
            "was right. The loss was a mean: over how many?"
        ),
        (
            "softmax(logits), less 1 in the place of the target; rows without a target become 0; all "
            "of it divided by the number of targets that count. counted gives you those."
        ),
        (
            "counts = counted(logits, targets); d = softmax(logits) * counts[..., None]; "
            "d[counts, targets[counts]] -= 1; return d / counts.sum()."
        ),
    )

    advice = (
        (
            r"index -100 is out of bounds|ids must be in",
            "A target of -100 counts for nothing: it is no place in a row.",
        ),
    )

    def calls(rng):
        yield "cross_entropy_backward", np.array([[2.0, 0, 1]]), np.array([0])
        table = np.array([[1.0, 2, 0], [0, 0, 3]])
        yield "cross_entropy_backward", table, np.array([2, 1])
        yield "cross_entropy_backward", table, np.array([0, -100])
        B, T, V = 2, 5, 4
        logits, targets = rng.normal(size=(B, T, V)), np.array([[0, 3, 1, 1, 2], [1, 0, 3, 3, 0]])
        yield "cross_entropy_backward", logits, targets
        some = np.where(rng.random((B, T)) < 0.4, HIDDEN, targets)
        some[0, 0], some[1, 1] = 0, HIDDEN
        yield "cross_entropy_backward", logits, some
        yield "cross_entropy_backward", rng.normal(size=(3, 3)), np.array([1, 1, 0])
        yield "cross_entropy_backward", rng.normal(size=(1, 1, 6)), np.array([[5]])
        yield "cross_entropy_backward", np.array([[1000.0, 0, -1000]]), np.array([1])

    def random_call(rng):
        *lead, V = rng.integers(1, 6, size=rng.integers(2, 5))
        targets = rng.integers(V, size=lead)
        if rng.random() < 0.5:
            hidden = rng.random(lead) < 0.4
            hidden.flat[0] = False
            targets[hidden] = HIDDEN
        return "cross_entropy_backward", rng.normal(size=(*lead, V)) * rng.choice([1, 5]), targets

    def refusals(rng):
        yield "cross_entropy_backward", rng.normal(size=(2, 3)), np.array([-100, -100])
        yield "cross_entropy_backward", rng.normal(size=(2, 3)), np.array([0, 3])

    class steps:
        def counts(logits, targets):
            return counted(logits, targets)

        def shares(logits):
            return softmax(logits)

        def minus(shares, targets, counts):
            return shares - one_hot(targets, counts, shares.shape[-1])

        def hide(d, counts):
            return d * counts[..., None]

        def number(logits, targets, counts):
            return counts.sum()

    def whole(steps):
        def cross_entropy_backward(logits, targets):
            counts = steps.counts(logits, targets)
            d = steps.minus(steps.shares(logits), targets, counts)
            return steps.hide(d, counts) / steps.number(logits, targets, counts)

        return {"cross_entropy_backward": cross_entropy_backward}

    class properties:
        def terms(f, result, logits, targets):
            rng = np.random.default_rng(0)
            logits, targets = rng.normal(size=(6, 4)), np.array([0, 3, 1, HIDDEN, 2, 2])
            counts = targets != HIDDEN
            hits, shares = one_hot(targets, counts, 4), softmax(logits) * counts[:, None]
            return by_terms(
                "the slope",
                f.cross_entropy_backward(logits, targets),
                {
                    "the share of a symbol": (shares / 5, 1),
                    "the 1 of the right symbol": (-hits / 5, 1),
                    "the row of a target that does not count": (
                        softmax(logits) * ~counts[:, None] / 5,
                        0,
                    ),
                },
            )

        def what_does_not_count(f, result, logits, targets):
            if np.abs(result[targets == HIDDEN]).max(initial=0) > 1e-9:
                return "A row whose target is -100 has a slope. It must have 0: nothing is asked there."

        def rows_add_up_to_0(f, result, logits, targets):
            total = result.sum(axis=-1)
            worst = total.flat[np.abs(total).argmax()]
            if abs(worst) > 1e-9:
                return (
                    f"A row of the slope adds up to {worst:.3g}, not to 0. Adding the same number to "
                    "all scores of a row does not change the loss."
                )

        def sign(f, result, logits, targets):
            counts = targets != HIDDEN
            if (result[counts, targets[counts]] > 1e-9).any():
                return "The slope for a right symbol is above 0: a step down would make it rarer."

        def differences(f, result, logits, targets):
            place, h = np.unravel_index(np.abs(result).argmax(), result.shape), 1e-5
            step = np.zeros(logits.shape)
            step[place] = h
            losses = [cross_entropy(logits + s, targets) for s in (step, -step)]
            slope = (losses[0] - losses[1]) / (2 * h)
            if abs(slope - result[place]) > 1e-6:
                return (
                    f"Moving the score [{', '.join(map(str, place))}] a little changes the loss by "
                    f"{slope:.4g} times that. The slope given is {result[place]:.4g}."
                )

    class slips:
        def number__one(logits, targets, counts):
            """The loss is a mean over the targets that count. Where is their number? Without it the
            slope is that of their sum: twice the batch, twice the step."""
            return 1

        def number__all(logits, targets, counts):
            """Right until a target does not count: this divides by all targets. Over how many was
            the mean taken?"""
            return targets.size

        def number__everything(logits, targets, counts):
            """This divides by every number there is, symbols too. A row of V scores has one target,
            and one loss."""
            return logits.size

        def number__of_scores(logits, targets, counts):
            """This divides by every score of the rows that count. A row of V scores has one target,
            and one loss."""
            return counts.sum() * logits.shape[-1]

        def number__first_axis(logits, targets, counts):
            """This divides by the length of the first axis of the targets alone. How many targets
            count in all?"""
            return len(targets)

        def number__last_axis(logits, targets, counts):
            """This divides by the length of the last axis of the targets alone. How many targets
            count in all?"""
            return targets.shape[-1]

        def number__of_symbols(logits, targets, counts):
            """This divides by the number of symbols, V. The mean was taken over targets."""
            return logits.shape[-1]

        def number__of_the_row(logits, targets, counts):
            """Each sequence was divided by its own number of targets. The mean ran over those of the
            whole batch at once."""
            return counts.sum(axis=-1, keepdims=True)[..., None]

        def minus__none(shares, targets, counts):
            """These are the shares alone. The slope must say which symbol was right: every score goes
            down here, the right one as well."""
            return shares

        def minus__turned(shares, targets, counts):
            """Every sign is turned round: a step against this slope would make the right symbol
            rarer. Which comes first, the share or the 1?"""
            return one_hot(targets, counts, shares.shape[-1]) - shares

        def minus__crossed(shares, targets, counts):
            """Every row loses a 1 at every target of the batch. Each row has one target: pair them
            up, row 0 with target 0."""
            d = shares.copy()
            d[..., targets[counts]] -= 1
            return d

        def minus__everything(shares, targets, counts):
            """1 was taken from every share of a row. Only the right symbol has a 1 to lose."""
            return shares - 1

        def minus__right_alone(shares, targets, counts):
            """Only the right symbol gets a slope here. The others share its row: when one of them
            rises, what becomes of the right one's share?"""
            hits = one_hot(targets, counts, shares.shape[-1])
            return (shares - 1) * hits

        def minus__ones_alone(shares, targets, counts):
            """The shares are missing: only the 1 of the right symbol is left. What do the symbols
            that were wrong do to the loss?"""
            return -one_hot(targets, counts, shares.shape[-1])

        def minus__for_the_shares(shares, targets, counts):
            """This is the slope for the shares, minus 1 over p. One step is left: back through the
            softmax, to the logits."""
            return -one_hot(targets, counts, shares.shape[-1]) / shares

        def minus__softmax_again(shares, targets, counts):
            """Share less 1 is already the slope for the logits. It was taken back through the softmax
            once more."""
            d = shares - one_hot(targets, counts, shares.shape[-1])
            return softmax_backward(d, shares)

        def minus__doubled(shares, targets, counts):
            """Twice too large: that factor belongs to a squared error. Does the slope of a logarithm
            have a 2?"""
            return 2 * (shares - one_hot(targets, counts, shares.shape[-1]))

        def minus__size(shares, targets, counts):
            """No slope is below 0 here. The right symbol's must be: raising its score lowers the
            loss."""
            return np.abs(shares - one_hot(targets, counts, shares.shape[-1]))

        def minus__next(shares, targets, counts):
            """The 1 was taken one place too far to the right: symbols are counted from 0."""
            hits = one_hot(targets, counts, shares.shape[-1])
            return shares - np.roll(hits, 1, axis=-1)

        def hide__none(d, counts):
            """A row whose target is -100 gets a slope here. It was left out of the loss: what can its
            scores change?"""
            return d

        class ignores_nothing:
            """Targets of -100 count as if they were asked for: their rows get a slope, and the mean
            is taken over them too. They stand for: nothing is asked here."""

            def hide(d, counts):
                return d

            def number(logits, targets, counts):
                return targets.size

        def counts__not_0(logits, targets):
            """Symbol 0 does not count here. It is a symbol like any other: only -100 says that
            nothing is asked."""
            return targets > 0

        def shares__of_rows(logits):
            """The softmax runs along axis 0. Add up the shares of one position: each position has 1
            to share out among its symbols."""
            return softmax(logits, 0)

        def shares__of_positions(logits):
            """The softmax runs along axis -2, over the positions. Each position has 1 to share out
            among its symbols."""
            return softmax(logits, -2)

        def shares__of_axis_1(logits):
            """The softmax runs along axis 1, which is that of the symbols only where there are two
            axes. How does one count from the end?"""
            return softmax(logits, 1)

        def shares__of_everything(logits):
            """All scores together share out 1. Each position has a 1 of its own."""
            e = np.exp(logits - logits.max())
            return e / e.sum()

        def shares__none(logits):
            """The scores themselves stand where their shares should: softmax is missing."""
            return logits

        def shares__sigmoid(logits):
            """Each score was judged alone, by a sigmoid. The loss was made with a softmax, in which
            the symbols share out 1."""
            return 1 / (1 + np.exp(-logits))

        def shares__overflow(logits):
            """Right on paper, but exp(1000) is infinite here. softmax takes the largest score away
            first."""
            return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)

        def shares__logarithm(logits):
            """These are logarithms of the shares, less the 1. The loss has the logarithm; its slope
            has the shares themselves."""
            return np.log(softmax(logits))

        def shares__exponentials(logits):
            """The exponentials were not divided by their sum: a row does not share out 1."""
            return np.exp(logits - logits.max(axis=-1, keepdims=True))

        def shares__twice(logits):
            """The shares went through the softmax twice. What does it do to numbers that all lie
            between 0 and 1?"""
            return softmax(softmax(logits))

        def cross_entropy_backward__loss(logits, targets):
            """This is the loss, one number. Its slope is asked for: a number for every score."""
            return cross_entropy(logits, targets)

        def cross_entropy_backward__rows_that_count(logits, targets):
            """The rows that do not count were left out of the result. They need their place in it,
            filled with 0: its shape is that of the logits."""
            counts = counted(logits, targets)
            rows, right = logits[counts], targets[counts]
            return cross_entropy_backward(rows, right)


class exercise_4_2:
    title = "linear, embedding, positions backward"
    minutes = 30
    returns = ("d_x", "d_w", "d_b")
    hints = (
        (
            "Write down the shape of each gradient: it is that of the thing itself. Then ask how often "
            "each thing was used: a bias, a symbol that comes twice, a position in three sentences."
        ),
        (
            "A product of matrices goes back as a product with one side turned. Whatever was used many "
            "times on the way forward collects on the way back: it adds up."
        ),
        (
            "d_y with w turned; x turned with d_y, both as long tables of rows; sums over all axes but "
            "the last. np.add.at for the table of symbols; a sum over the batch for the positions."
        ),
        (
            "rows = d_y.reshape(-1, E); d_w = x.reshape(-1, C).T @ rows; d_b = rows.sum(axis=0). "
            "np.add.at(d_table, ids, d_x). d_x.sum(axis=0), then longest - T rows of 0."
        ),
    )

    advice = (
        (
            r"`.*\b(x|d_y)\.T\b",
            "`.T` reverses all axes; make a long table of rows first, and turn that.",
        ),
        (
            r"0-d array",
            "ids may have any number of axes, none as well: reshape makes a row of them.",
        ),
        (
            r"non-broadcastable|could not broadcast input",
            (
                "An axis is left that the result does not have. What was used once for each of its places "
                "collects from all of them."
            ),
        ),
    )

    def calls(rng):
        x, w = np.array([[1.0, 2], [3, 0]]), np.array([[1.0, 0, 2], [0, 3, 1]])
        yield "linear_backward", np.array([[1.0, 0, -1], [2, 1, 0]]), x, w
        B, H, T, C, E = 2, 3, 5, 4, 6
        for lead in ((T,), (B, T), (B, H, T), (), (1,)):
            d_y, x = rng.normal(size=(*lead, E)), rng.normal(size=(*lead, C))
            yield "linear_backward", d_y, x, rng.normal(size=(C, E))
        # all sizes equal: what fits nowhere else runs here
        yield "linear_backward", *rng.normal(size=(3, 3, 3))
        yield "linear_backward", *rng.normal(size=(2, 3, 3, 3)), rng.normal(size=(3, 3))
        yield "linear_backward", rng.normal(size=(3, 2, 1)), np.ones((3, 2, 2)), np.ones((2, 1))
        yield "embedding_backward", np.array([[1.0, 2], [10, 20], [5, 5]]), np.array([1, 1, 0]), 3
        ids = np.array([[0, 3, 3, 1, 3], [1, 0, 3, 4, 0]])
        yield "embedding_backward", rng.normal(size=(B, T, C)), ids, 6
        yield "embedding_backward", rng.normal(size=(3, 3)), np.array([0, 1, 1]), 3
        yield "embedding_backward", rng.normal(size=C), np.array(1), 3
        yield "positions_backward", np.array([[[1.0, 2], [3, 4]], [[10, 10], [20, 0]]]), 3
        yield "positions_backward", rng.normal(size=(B, T, C)), 7
        yield "positions_backward", rng.normal(size=(3, 3, 3)), 3
        yield "positions_backward", rng.normal(size=(3, 1, 2)), 2
        yield "positions_backward", rng.normal(size=(1, 2, 3)), 2

    def random_call(rng):
        B, T, C, E = rng.integers(1, 6, size=4)
        kind = rng.integers(3)
        if kind == 0:
            lead = [(), (T,), (B, T)][rng.integers(3)]
            return (
                "linear_backward",
                *(rng.normal(size=(*lead, n)) for n in (E, C)),
                rng.normal(size=(C, E)),
            )
        if kind == 1:
            return "embedding_backward", rng.normal(size=(B, T, C)), rng.integers(E, size=(B, T)), E
        return "positions_backward", rng.normal(size=(B, T, C)), int(T + rng.integers(3))

    class steps:
        def to_x(d_y, x, w):
            return d_y @ w.T

        def to_w(d_y, x):
            return x.reshape(-1, x.shape[-1]).T @ d_y.reshape(-1, d_y.shape[-1])

        def to_b(d_y):
            return d_y.reshape(-1, d_y.shape[-1]).sum(axis=0)

        def empty(V, d_x):
            return np.zeros((V, d_x.shape[-1]))

        def add(table, ids, d_x):
            np.add.at(table, ids, d_x)
            return table

        def over_batch(d_x):
            return d_x.sum(axis=0)

        def fill(d, longest):
            return np.concatenate([d, np.zeros((longest - len(d), d.shape[-1]))])

    def whole(steps):
        def linear_backward(d_y, x, w):
            return steps.to_x(d_y, x, w), steps.to_w(d_y, x), steps.to_b(d_y)

        def embedding_backward(d_x, ids, V):
            return steps.add(steps.empty(V, d_x), ids, d_x)

        def positions_backward(d_x, longest):
            return steps.fill(steps.over_batch(d_x), longest)

        return {
            "linear_backward": linear_backward,
            "embedding_backward": embedding_backward,
            "positions_backward": positions_backward,
        }

    class properties:
        def linear_backward__parts(f, result, d_y, x, w):
            return by_parts(("d_x", "d_w", "d_b"), result, linear_backward(d_y, x, w))

        def embedding_backward__nothing_is_lost(f, result, d_x, ids, V):
            total, wanted = result.sum(), d_x.sum()
            if abs(total - wanted) > 1e-9:
                return (
                    f"The numbers of d_x add up to {wanted:.4g}, those of d_table to {total:.4g}. Each "
                    "belongs to one symbol; none may be lost or counted twice."
                )

        def embedding_backward__strangers(f, result, d_x, ids, V):
            others = np.setdiff1d(np.arange(V), ids)
            if np.abs(result[others]).max(initial=0) > 1e-9:
                return "A symbol that does not come in ids has a gradient. It changed nothing."

        def embedding_backward__rows(f, result, d_x, ids, V):
            wrong = np.abs(result - embedding_backward(d_x, ids, V)).max(axis=1)
            if wrong.max() > 1e-9:
                row = wrong.argmax()
                return (
                    f"Row {row} is wrong. Symbol {row} comes {(ids == row).sum()} times: its row is "
                    "what those places of d_x add up to."
                )

        def positions_backward__rows(f, result, d_x, longest):
            wrong = np.abs(result - positions_backward(d_x, longest)).max(axis=1)
            if wrong.max() > 1e-9:
                row, (B, T, _) = wrong.argmax(), d_x.shape
                used = f"was added to {B} words" if row < T else "was used by no word"
                return f"Row {row} is wrong. Position {row} {used}."

    class slips:
        def to_x__not_turned(d_y, x, w):
            """w was not turned for d_x. On the way forward it took C channels to E; which way must it
            lead now?"""
            return d_y @ w

        def to_x__of_x(d_y, x, w):
            """The way back starts from what comes from above, d_y. d_x was made from x here."""
            return x @ w @ w.T

        def to_x__weights_alone(d_y, x, w):
            """Each number of d_x is a row of w added up, as if every d_y were 1. The gradient from
            above says how much each output counts."""
            return np.ones(d_y.shape) @ w.T

        def to_x__times_x(d_y, x, w):
            """d_x was multiplied by x. y is linear in x, so its slope does not depend on where x
            is."""
            return d_y @ w.T * x

        def to_w__not_turned(d_y, x):
            """x was not turned for d_w. Write the shapes: (n, C) and (n, E) have to become
            (C, E)."""
            return x.reshape(-1, x.shape[-1]) @ d_y.reshape(-1, d_y.shape[-1])

        def to_w__turned_the_other(d_y, x):
            """For d_w the wrong side was turned. Write the shapes: (n, C) and (n, E) have to become
            (C, E). Which axis has to vanish?"""
            return x.reshape(-1, x.shape[-1]) @ d_y.reshape(-1, d_y.shape[-1]).T

        def to_w__torchs(d_y, x):
            """d_w has its axes exchanged, as a layer of PyTorch keeps its weight. Ours is (C, E), as
            w itself."""
            return d_y.reshape(-1, d_y.shape[-1]).T @ x.reshape(-1, x.shape[-1])

        def to_w__each_sequence(d_y, x):
            """There is a d_w for each sequence. All of them used the same w: lay all axes but the last
            out as one table of rows. What does w collect from them then?"""
            return x.swapaxes(-1, -2) @ d_y

        def to_w__mean_of_sequences(d_y, x):
            """d_w is the mean over the sequences. All of them used the same w, and what is used many
            times adds up."""
            return (x.swapaxes(-1, -2) @ d_y).mean(axis=0)

        def to_w__all_turned(d_y, x):
            """Right for two axes. With more, `.T` reverses all of them. Make a long table of rows of
            x first, then turn that."""
            return x.T @ d_y

        def to_w__mean(d_y, x):
            """d_w is a mean over the rows. w was used once for each of them, and what is used many
            times adds up."""
            rows = x.reshape(-1, x.shape[-1])
            return rows.T @ d_y.reshape(-1, d_y.shape[-1]) / len(rows)

        def to_w__inputs_alone(d_y, x):
            """d_w ignores what comes from above, as if every d_y were 1."""
            rows = x.reshape(-1, x.shape[-1])
            return rows.T @ np.ones((len(rows), d_y.shape[-1]))

        def to_b__first_axis(d_y):
            """Right for two axes: d_b was summed over the first alone. The bias was added at every
            position of every sequence."""
            return d_y.sum(axis=0)

        def to_b__positions(d_y):
            """d_b was summed over axis -2 alone. The bias was added at every position of every
            sequence."""
            return d_y.sum(axis=-2)

        def to_b__channels(d_y):
            """d_b was summed over the last axis, and that is the one that the bias has. Which axes
            does a bias not have?"""
            return d_y.sum(axis=-1)

        def to_b__everything(d_y):
            """d_b is a single number: every axis was summed. The bias has E numbers of its own."""
            return d_y.sum()

        def to_b__none(d_y):
            """d_b has the shape of y. The bias has one number a channel, and was added to every row:
            what does it collect from them?"""
            return d_y

        def to_b__ones(d_y):
            """d_b is 1 everywhere: what comes from above is missing."""
            return np.ones(d_y.shape[-1])

        def to_b__mean(d_y):
            """d_b is a mean over the rows. The bias was added to each of them, and what is used many
            times adds up."""
            return d_y.reshape(-1, d_y.shape[-1]).mean(axis=0)

        def to_b__kept(d_y):
            """d_b has kept an axis of length 1. The bias is (E,), and so is its gradient."""
            return d_y.reshape(-1, d_y.shape[-1]).sum(axis=0, keepdims=True)

        def add__last(table, ids, d_x):
            """A symbol that comes twice keeps only its last gradient. Both = and += on table[ids]
            write each row once. Which function of NumPy adds as often as a row comes?"""
            table[ids] = d_x
            return table

        def add__first(table, ids, d_x):
            """A symbol that comes twice keeps only its first gradient. What should the two do
            together?"""
            C = d_x.shape[-1]
            symbols, first = np.unique(ids.ravel(), return_index=True)
            table[symbols] = d_x.reshape(-1, C)[first]
            return table

        def add__mean(table, ids, d_x):
            """A symbol that comes twice gets the mean of its gradients. It was used twice, and what
            is used many times adds up."""
            np.add.at(table, ids, d_x)
            count = np.bincount(ids.ravel(), minlength=len(table))
            return table / np.maximum(count, 1)[:, None]

        def add__counts(table, ids, d_x):
            """Every row holds how often its symbol comes. The gradient from above says how much each
            of these times counts."""
            np.add.at(table, ids, 1)
            return table

        def add__not_0(table, ids, d_x):
            """Symbol 0 gets no gradient, as if it were padding. Here it is a symbol like any
            other."""
            np.add.at(table, ids, d_x)
            table[0] = 0
            return table

        def add__looked_up(table, ids, d_x):
            """This looks rows up once more. On the way back each row of d_x has to be put where its
            symbol stands in the table."""
            return d_x.reshape(-1, d_x.shape[-1])[ids]

        def add__rows(table, ids, d_x):
            """This gives d_x back, a row for each word. The table has a row for each symbol: words
            with the same symbol meet in one row."""
            return d_x

        def add__no_rows(table, ids, d_x):
            """Nothing arrived in the table. np.add.at changes the array that it is given, and gives
            nothing back."""
            return np.zeros(table.shape)

        def add__nothing_back(table, ids, d_x):
            """This gives None: np.add.at changes the array that it is given, and returns nothing.
            Return the array."""
            return np.add.at(table, ids, d_x)

        def empty__ones(V, d_x):
            """Every row has 1 too much: the table of gradients begins with 0, not with 1."""
            return np.ones((V, d_x.shape[-1]))

        def over_batch__mean(d_x):
            """This is the mean over the sequences. Each of them added the same position, and what is
            used many times adds up."""
            return d_x.mean(axis=0)

        def over_batch__first(d_x):
            """Only the first sequence counts. All of them added the same table of positions."""
            return d_x[0]

        def over_batch__last(d_x):
            """Only the last sequence counts. All of them added the same table of positions: was = used
            where += is needed?"""
            return d_x[-1]

        def over_batch__positions(d_x):
            """The sum ran over the positions, and left one row a sequence. Which axis does the table
            not have?"""
            return d_x.sum(axis=1)

        def over_batch__channels(d_x):
            """The sum ran over the channels. The table has those; which axis of d_x does it not
            have?"""
            return d_x.sum(axis=-1)

        def over_batch__all(d_x):
            """The sum ran over the sequences and the positions: every position gets the same. Each
            position has a row of its own."""
            return np.tile(d_x.sum(axis=(0, 1)), (d_x.shape[1], 1))

        def fill__none(d, longest):
            """Only the positions that were used have a row. The table is longer: what is the slope
            for a row that nobody used?"""
            return d

        def fill__front(d, longest):
            """The rows of 0 stand in front. The first T rows were used; which are left over?"""
            return np.concatenate([np.zeros((longest - len(d), d.shape[-1])), d])

        def fill__last_row(d, longest):
            """The rows that nobody used repeat the last gradient. What does the loss do when one of
            them moves?"""
            return d[np.minimum(np.arange(longest), len(d) - 1)]

        def positions_backward__all(d_x, longest):
            """This still has the axis of the sequences. They all added the same table: what does it
            collect from them?"""
            return d_x


class exercise_4_3:
    title = "softmax backward"
    minutes = 20
    hints = (
        (
            "Add up one row of the result. The shares of a row always make 1 together: when one of "
            "them rises, what do the others do, and what must the row of slopes add up to?"
        ),
        (
            "A score moves its own share up and all others of its row down. What counts is how far "
            "the slope of a place lies above the average of its row, weighted by the shares."
        ),
        (
            "The average of a row is the sum of weights times d_weights along axis -1, with "
            "keepdims=True. It is taken from d_weights; then multiply by the weights."
        ),
        (
            "average = (weights * d_weights).sum(axis=-1, keepdims=True); "
            "return weights * (d_weights - average)."
        ),
    )

    advice = (
        (
            r"np\.(diag|outer)",
            "np.diag and np.outer know one row alone. There may be many, and no matrix is needed.",
        ),
    )

    def calls(rng):
        yield "softmax_backward", np.array([1.0, 0, 0]), np.array([0.5, 0.25, 0.25])
        yield (
            "softmax_backward",
            np.array([[1.0, 0, 0], [0, 2, 4]]),
            np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]),
        )
        B, H, T, S = 2, 3, 5, 7
        for shape in ((T, S), (3, 3), (B, H, T, S)):
            yield "softmax_backward", rng.normal(size=shape), softmax(2 * rng.normal(size=shape))
        hidden = np.where(np.tril(np.ones((4, 4))) > 0, rng.normal(size=(4, 4)), -np.inf)
        yield "softmax_backward", rng.normal(size=(4, 4)), softmax(hidden)
        # one share takes everything: nothing moves it
        yield "softmax_backward", rng.normal(size=(2, 3)), np.array([[0.0, 1, 0], [1, 0, 0]])
        yield "softmax_backward", rng.normal(size=(2, 1)), np.ones((2, 1))

    def random_call(rng):
        shape = rng.integers(1, 6, size=rng.integers(1, 5))
        scores = rng.normal(size=shape) * rng.choice([1, 4])
        return "softmax_backward", rng.normal(size=shape), softmax(scores)

    class steps:
        def shares(weights):
            return weights

        def products(weights, d_weights):
            return weights * d_weights

        def average(products, weights):
            return products.sum(axis=-1, keepdims=True)

        def join(d_weights, average, weights):
            return weights * (d_weights - average)

    def whole(steps):
        def softmax_backward(d_weights, weights):
            weights = steps.shares(weights)
            average = steps.average(steps.products(weights, d_weights), weights)
            return steps.join(d_weights, average, weights)

        return {"softmax_backward": softmax_backward}

    class properties:
        def terms(f, result, d_weights, weights):
            rng = np.random.default_rng(0)
            d, w = rng.normal(size=(5, 4)), softmax(rng.normal(size=(5, 4)))
            average = (w * d).sum(axis=-1, keepdims=True)
            return by_terms(
                "d_scores",
                f.softmax_backward(d, w),
                {
                    "a share's own slope": (w * d, 1),
                    "the average that is taken away": (-w * average, 1),
                    "a share's square": (w**2 * d, 0),
                    "the mean of the row without the shares": (
                        w * d.mean(axis=-1, keepdims=True),
                        0,
                    ),
                },
            )

        def rows_add_up_to_0(f, result, d_weights, weights):
            total = np.atleast_1d(result.sum(axis=-1))
            worst = total.flat[np.abs(total).argmax()]
            if abs(worst) > 1e-9:
                return (
                    f"A row of d_scores adds up to {worst:.3g}, not to 0. Adding the same number to "
                    "all scores of a row changes no share."
                )

        def what_has_no_share(f, result, d_weights, weights):
            most = np.abs(result[weights == 0]).max(initial=0)
            if most > 1e-9:
                return f"A place with the share 0 has a slope of {most:.3g}. It must have 0."

        def a_constant_cancels(f, result, d_weights, weights):
            off = np.abs(f.softmax_backward(d_weights + 1, weights) - result).max()
            if off > 1e-9:
                return (
                    f"Adding 1 to all of d_weights changes d_scores by {off:.3g}. A row of shares makes "
                    "1 in any case: a loss that grows with all of them alike stays as it is."
                )

        def differences(f, result, d_weights, weights):
            w, d = (
                weights.reshape(-1, weights.shape[-1])[0],
                d_weights.reshape(-1, weights.shape[-1])[0],
            )
            scores, h = np.log(np.maximum(w, 1e-300)), 1e-5
            row = f.softmax_backward(d, w)
            for place in range(len(w)):
                step = h * (np.arange(len(w)) == place)
                slope = ((softmax(scores + step) - softmax(scores - step)) @ d) / (2 * h)
                if abs(slope - row[place]) > 1e-6:
                    return (
                        f"For the first row alone: moving score {place} a little changes the loss by "
                        f"{slope:.4g} times that. The slope given is {row[place]:.4g}."
                    )

    class slips:
        def average__none(products, weights):
            """Each share stands alone here: the slope is weights times d_weights. But a row of
            d_scores must add up to 0: what one share gains, the others lose."""
            return 0 * products

        def softmax_backward__own_share(d_weights, weights):
            """These are the slopes of each share for its own score, s (1 - s), alone. A score moves
            the other shares of its row as well."""
            return weights * (1 - weights) * d_weights

        def softmax_backward__without_above(d_weights, weights):
            """d_weights changes nothing here: this is s (1 - s). A backward function passes on what
            comes from above."""
            return weights * (1 - weights)

        def products__plain(weights, d_weights):
            """The sum of the row runs over d_weights without the shares. It is an average: every
            place counts as much as its share."""
            return d_weights

        def average__plain_mean(products, weights):
            """The average was divided by the length of the row. The shares add up to 1 already, so
            their sum of products is the average."""
            return products.mean(axis=-1, keepdims=True)

        class plain_mean:
            """The plain mean of the row was taken away. It is an average: every place counts as much
            as its share."""

            def products(weights, d_weights):
                return d_weights

            def average(products, weights):
                return products.mean(axis=-1, keepdims=True)

        def average__everything(products, weights):
            """The sum runs over the whole table: the axis is missing. Each row has an average of its
            own."""
            return products.sum()

        def average__columns(products, weights):
            """The sum runs along axis -2. The shares of a row were made together: along which axis
            did the softmax run?"""
            return products.sum(axis=-2, keepdims=True)

        def average__first_axis(products, weights):
            """The sum runs along the first axis. The shares of a row were made together: along which
            axis did the softmax run?"""
            return products.sum(axis=0, keepdims=True)

        def average__axis_1(products, weights):
            """The sum runs along axis 1. That is the last one only where there are two. How does one
            count from the end?"""
            return products.sum(axis=1, keepdims=True)

        def average__axis_lost(products, weights):
            """The sum has lost its axis, and meets the wrong rows, or none that fit. keepdims=True
            leaves an axis of length 1 in its place."""
            return products.sum(axis=-1)

        def average__largest(products, weights):
            """The largest product of the row was taken away. It is the sum of them all."""
            return products.max(axis=-1, keepdims=True)

        def join__plus(d_weights, average, weights):
            """The average was added. It is taken away: what counts is how far a place lies above the
            average of its row."""
            return weights * (d_weights + average)

        def join__turned(d_weights, average, weights):
            """Every sign is turned round: the average less d_weights. Where a place brings more loss
            than the average, does the loss grow with its score, or fall?"""
            return weights * (average - d_weights)

        def join__no_shares(d_weights, average, weights):
            """The average was taken away, but the result was not multiplied by the shares: a place
            without any share still moves."""
            return d_weights - average

        def join__half(d_weights, average, weights):
            """Only d_weights was multiplied by the shares, the average was not: are brackets
            missing?"""
            return weights * d_weights - average

        def join__shares_twice(d_weights, average, weights):
            """The shares were multiplied in twice. They come in once in the average, and once
            outside the brackets."""
            return weights**2 * (d_weights - average)

        def join__average_alone(d_weights, average, weights):
            """Only the average is left, times the shares. What about the place's own d_weights?"""
            return -weights * average * np.ones(d_weights.shape)

        def join__square_in_the_average(d_weights, average, weights):
            """The part that is taken away has the share squared. The average goes to every place
            with its share, once."""
            return weights * d_weights - weights**2 * average

        def softmax_backward__exchanged(d_weights, weights):
            """The two arguments are exchanged: d_weights stands where the shares should. In which
            order do they come?"""
            return softmax_backward(weights, d_weights)

        def shares__again(weights):
            """The weights went through the softmax once more. They are its result already, as the
            docstring says."""
            return softmax(weights)

        def join__softmax(d_weights, average, weights):
            """This is the softmax of d_weights. The way back is another function: the slope of the
            shares for the scores."""
            return softmax(d_weights)

        def join__passed_on(d_weights, average, weights):
            """d_weights comes out as it went in. A softmax bends: how far does a share move when its
            score does?"""
            return d_weights

        def average__shared_out(products, weights):
            """The average was divided by the sum of the squared shares. The shares add up to 1; no
            more is needed."""
            return products.sum(axis=-1, keepdims=True) / (weights**2).sum(axis=-1, keepdims=True)

        def join__two(d_weights, average, weights):
            """The average was taken away twice. Once is enough for a row to add up to 0."""
            return weights * (d_weights - 2 * average)


def norm_terms(d_y, x, gain, eps=1e-5):
    """The three terms of which layer norm's d_x is the sum: straight, by the mean, by the variance."""
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    d, normal = d_y * gain / deviation, centred / deviation
    by_mean = d.mean(axis=-1, keepdims=True) * np.ones(x.shape)
    return d, -by_mean, -normal * (d * normal).mean(axis=-1, keepdims=True)


class exercise_4_4:
    title = "layer norm backward"
    minutes = 45
    returns = ("d_x", "d_gain", "d_bias")
    hints = (
        (
            "Is the gradient of the gain right, and that of the shift? Then look at one row of the "
            "gradient for x: add it up. Stretching a row does not change what comes out, either."
        ),
        (
            "Three roads lead from a channel to the result: itself, the average of its row, and the "
            "spread of its row. Each of the last two takes something away from the first."
        ),
        (
            "normal = (x - mean) / deviation, the root of variance + eps, both of a row. d_normal = d_y "
            "* gain. d_x is d_normal, less its mean over axis -1, less normal times the mean of "
            "d_normal * normal; all of it divided by deviation."
        ),
        (
            "d_x = (d_normal - d_normal.mean(-1, keepdims=True) - normal * (d_normal * "
            "normal).mean(-1, keepdims=True)) / deviation. d_gain sums d_y * normal, d_bias d_y."
        ),
    )

    def calls(rng):
        gain = np.array([1.0, 2, 3, -1])
        yield "layer_norm_backward", np.array([1.0, 0, 0, 0]), np.array([0.0, 0, 2, 2]), np.ones(4)
        x = np.array([[0.0, 0, 4, 4], [1, 1, 1, 5]])  # neither has the deviation 1
        yield "layer_norm_backward", np.array([[1.0, 0, 0, 0], [0, 2, 0, 1]]), x, gain
        B, H, T, C = 2, 3, 5, 4
        for lead in ((T,), (B, T), (B, H, T)):
            d_y, x = rng.normal(size=(2, *lead, C))
            yield "layer_norm_backward", d_y, 3 * x + 1, rng.normal(size=C)
        yield "layer_norm_backward", *rng.normal(size=(2, 4, 4)), rng.normal(size=4), 0.5
        # rows that hardly vary, and one that does not at all: eps is what is left
        d_y, x = rng.normal(size=(2, B, T, C))
        yield "layer_norm_backward", d_y, x / 1000, rng.normal(size=C), 1e-4
        constant = x.copy()
        constant[0, 2] = 7
        yield "layer_norm_backward", d_y, constant, rng.normal(size=C)
        yield (
            "layer_norm_backward",
            rng.normal(size=(2, 1)),
            rng.normal(size=(2, 1)),
            np.array([2.0]),
        )

    def random_call(rng):
        *lead, C = rng.integers(1, 6, size=rng.integers(1, 5))
        d_y, x = rng.normal(size=(2, *lead, C + 1))
        x = x * rng.choice([0.1, 1, 10]) + rng.normal()
        call = "layer_norm_backward", d_y, x, rng.normal(size=C + 1)
        return call if rng.random() < 0.5 else (*call, float(rng.choice([1e-6, 0.1])))

    class steps:
        def centred(x):
            return x - x.mean(axis=-1, keepdims=True)

        def deviation(centred, eps):
            return np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)

        def stretched(d_y, gain):
            return d_y * gain

        def by_mean(d_normal, d_y):
            return d_normal.mean(axis=-1, keepdims=True)

        def product(d_normal, normal, centred, d_y):
            return (d_normal * normal).mean(axis=-1, keepdims=True)

        def by_variance(product, normal, centred):
            return product * normal

        def join(d_normal, by_mean, by_variance):
            return d_normal - by_mean - by_variance

        def shrink(d, deviation):
            return d / deviation

        def last(d_x, gain):
            return d_x

        def to_gain(d_y, normal, x, centred, gain):
            return (d_y * normal).reshape(-1, len(gain))

        def to_bias(d_y, gain):
            return d_y.reshape(-1, len(gain))

        def collect_gain(d, x):
            return d.sum(axis=0)

        def collect_bias(d, x):
            return d.sum(axis=0)

    def whole(steps):
        def layer_norm_backward(d_y, x, gain, eps=1e-5):
            centred = steps.centred(x)
            deviation = steps.deviation(centred, eps)
            normal = centred / deviation
            d = steps.stretched(d_y, gain)
            product = steps.product(d, normal, centred, d_y)
            d_x = steps.join(d, steps.by_mean(d, d_y), steps.by_variance(product, normal, centred))
            d_gain = steps.collect_gain(steps.to_gain(d_y, normal, x, centred, gain), x)
            d_bias = steps.collect_bias(steps.to_bias(d_y, gain), x)
            return steps.last(steps.shrink(d_x, deviation), gain), d_gain, d_bias

        return {"layer_norm_backward": layer_norm_backward}

    class properties:
        def terms(f, result, d_y, x, gain, eps=1e-5):
            rng = np.random.default_rng(0)
            (d_y, x), gain = rng.normal(size=(2, 6, 5)), rng.normal(size=5)
            own, by_mean, by_variance = norm_terms(d_y, x, gain)
            return by_terms(
                "d_x",
                f.layer_norm_backward(d_y, x, gain)[0],
                {
                    "the road straight through": (own, 1),
                    "the term through the mean": (by_mean, 1),
                    "the term through the variance": (by_variance, 1),
                },
            )

        def terms_without_gain(f, result, d_y, x, gain, eps=1e-5):
            rng = np.random.default_rng(0)
            (d_y, x), gain = rng.normal(size=(2, 6, 5)), rng.normal(size=5)
            d_x = f.layer_norm_backward(d_y, x, gain)[0]
            plain = norm_terms(d_y, x, np.ones(5))
            if by_terms("", d_x, {str(n): (term, 2) for n, term in enumerate(plain)}):
                return "The gain changes nothing in d_x. On the way forward it multiplied each channel."

        def adds_up_to_0(f, result, d_y, x, gain, eps=1e-5):
            total = np.atleast_1d(result[0].sum(axis=-1))
            worst = total.flat[np.abs(total).argmax()]
            if abs(worst) > 1e-8 * (1 + np.abs(result[0]).max()):
                return (
                    f"A row of d_x adds up to {worst:.3g}, not to 0. Adding the same number to all "
                    "channels of x changes nothing: the mean is taken away again."
                )

        def no_stretch(f, result, d_y, x, gain, eps=1e-5):
            rng = np.random.default_rng(0)
            (d_y, x), gain = rng.normal(size=(2, 6, 5)), rng.normal(size=5)
            d_x = f.layer_norm_backward(d_y, x, gain, 0.0)[0]
            along = (d_x * (x - x.mean(axis=-1, keepdims=True))).sum(axis=-1)
            if np.abs(along).max() > 1e-8 * (1 + np.abs(d_x).max()):
                return (
                    "With eps = 0, stretching a row about its mean changes no result, so its slope "
                    f"along that must be 0. Yours is {along[np.abs(along).argmax()]:.3g}."
                )

        def parts(f, result, d_y, x, gain, eps=1e-5):
            right = layer_norm_backward(d_y, x, gain, eps)
            return by_parts(("d_x", "d_gain", "d_bias"), result, right)

    class slips:
        def by_mean__none(d_normal, d_y):
            """The term through the mean is missing from d_x: its rows do not add up to 0. Every
            channel moves the mean, and the mean moves every channel."""
            return 0

        def by_variance__none(product, normal, centred):
            """The term through the variance is missing from d_x. Every channel moves the spread of
            its row, and by that all the others."""
            return 0

        class detached:
            """Mean and variance count as constants in d_x: only the road straight through is left.
            Both depend on x; what do they add?"""

            def by_mean(d_normal, d_y):
                return 0

            def by_variance(product, normal, centred):
                return 0

        def by_mean__sum(d_normal, d_y):
            """The term through the mean is a sum here, C times too large. One channel moves the mean
            by 1/C of itself."""
            return d_normal.sum(axis=-1, keepdims=True)

        def by_mean__everything(d_normal, d_y):
            """The term through the mean runs over all rows at once. Each row has a mean of its
            own."""
            return d_normal.mean()

        def by_mean__rows(d_normal, d_y):
            """The term through the mean runs along axis 0. The mean was that of a row, along the
            channels."""
            return d_normal.mean(axis=0, keepdims=True)

        def by_mean__axis_lost(d_normal, d_y):
            """A mean has lost its axis, and meets the wrong rows, or none that fit. keepdims=True
            leaves an axis of length 1 in its place."""
            return d_normal.mean(axis=-1)

        def by_mean__without_gain(d_normal, d_y):
            """The term through the mean was made without the gain. What reaches the mean has already
            come back through the gain."""
            return d_y.mean(axis=-1, keepdims=True)

        def product__sum(d_normal, normal, centred, d_y):
            """The term through the variance is a sum here, C times too large. The variance is a mean
            over the channels."""
            return (d_normal * normal).sum(axis=-1, keepdims=True)

        def product__unbiased(d_normal, normal, centred, d_y):
            """The term through the variance was divided by C - 1. The variance of the way forward
            divides by C."""
            return (d_normal * normal).sum(axis=-1, keepdims=True) / (normal.shape[-1] - 1)

        def product__everything(d_normal, normal, centred, d_y):
            """The term through the variance runs over all rows at once. Each row has a spread of its
            own."""
            return (d_normal * normal).mean()

        def product__rows(d_normal, normal, centred, d_y):
            """The term through the variance runs along axis 0. The variance was that of a row, along
            the channels."""
            return (d_normal * normal).mean(axis=0, keepdims=True)

        def product__without_gain(d_normal, normal, centred, d_y):
            """The term through the variance was made without the gain. What reaches the variance has
            already come back through the gain."""
            return (d_y * normal).mean(axis=-1, keepdims=True)

        def product__not_divided(d_normal, normal, centred, d_y):
            """The term through the variance has the normal row in one place, and in the other x less
            its mean, not yet divided. Both need the division by the deviation."""
            return (d_normal * centred).mean(axis=-1, keepdims=True)

        def product__alone(d_normal, normal, centred, d_y):
            """The term through the variance has the mean of d_normal alone. How far the spread moves
            depends on where each channel stands: a factor is missing in that mean."""
            return d_normal.mean(axis=-1, keepdims=True)

        def by_variance__not_multiplied(product, normal, centred):
            """The term through the variance is the same for every channel. A channel far from the
            mean is moved more by the spread: by how much?"""
            return product

        class variance_not_divided:
            """The term through the variance is made with x less its mean, without the division by the
            deviation, in both places. Multiply by the normal row."""

            def product(d_normal, normal, centred, d_y):
                return (d_normal * centred).mean(axis=-1, keepdims=True)

            def by_variance(product, normal, centred):
                return product * centred

        def by_variance__twice(product, normal, centred):
            """The term through the variance counts twice. A square has a 2 in its slope, and a root
            has a half: do both come in?"""
            return 2 * product * normal

        def by_variance__half(product, normal, centred):
            """The term through the variance counts half. A root has a half in its slope, and a square
            has a 2: do both come in?"""
            return product * normal / 2

        def by_variance__plus(product, normal, centred):
            """The term through the variance has the wrong sign. A wider spread shrinks every
            channel: is something added then, or taken away?"""
            return -product * normal

        def join__mean_plus(d_normal, by_mean, by_variance):
            """The term through the mean has the wrong sign. The mean is taken away on the way
            forward; on the way back too."""
            return d_normal + by_mean - by_variance

        def shrink__none(d, deviation):
            """d_x was not divided by the deviation. On the way forward a loud row was made quieter,
            and so is its slope."""
            return d

        def shrink__variance(d, deviation):
            """d_x was divided by the variance. Its root, the deviation, is what the row was divided
            by."""
            return d / deviation**2

        def shrink__multiplied(d, deviation):
            """d_x was multiplied by the deviation. On the way forward the row was divided by it; the
            slope of a division is a division."""
            return d * deviation

        def deviation__no_eps(centred, eps):
            """Right until a row hardly varies: eps is missing. The deviation of the way forward has
            it, under the root."""
            return np.sqrt((centred**2).mean(axis=-1, keepdims=True))

        def deviation__eps_outside(centred, eps):
            """eps was added after the root. On the way forward it stands under it."""
            return np.sqrt((centred**2).mean(axis=-1, keepdims=True)) + eps

        def deviation__fixed_eps(centred, eps):
            """This takes 1e-5 whatever eps is given. The one that is given decides."""
            return np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)

        def deviation__unbiased(centred, eps):
            """The deviation was made with C - 1. That of the way forward divides by C."""
            C = centred.shape[-1]
            return np.sqrt((centred**2).sum(axis=-1, keepdims=True) / (C - 1) + eps)

        def deviation__no_root(centred, eps):
            """The root is missing: the variance stands where the deviation should."""
            return (centred**2).mean(axis=-1, keepdims=True) + eps

        def centred__rows(x):
            """Mean and spread were taken along axis 0. Every position normalises its own channels, on
            the last axis."""
            return x - x.mean(axis=0, keepdims=True)

        def centred__none(x):
            """The mean was never taken away from x: normal rows have mean 0."""
            return x

        def stretched__none(d_y, gain):
            """The gain is missing in d_x. On the way forward it multiplied each channel last; on the
            way back it comes first."""
            return d_y

        class gain_last:
            """The gain came last in d_x. On the way forward it was last; on the way back it comes
            first, before the means are taken."""

            def stretched(d_y, gain):
                return d_y

            def last(d_x, gain):
                return d_x * gain

        def stretched__divided(d_y, gain):
            """d_y was divided by the gain. On the way forward the gain multiplies, and the slope of a
            product is the other factor."""
            return d_y / gain

        def stretched__twice(d_y, gain):
            """The gain was multiplied in twice on the way to d_x. Once is right."""
            return d_y * gain**2

        def to_gain__of_x(d_y, normal, x, centred, gain):
            """For d_gain d_y was multiplied by x. The gain multiplied the normal row, not x."""
            return (d_y * x).reshape(-1, len(gain))

        def to_gain__of_centred(d_y, normal, x, centred, gain):
            """For d_gain d_y was multiplied by x less its mean. The gain multiplied the normal row,
            which is divided by the deviation as well."""
            return (d_y * centred).reshape(-1, len(gain))

        def to_gain__d_y(d_y, normal, x, centred, gain):
            """d_gain is that of a bias here: d_y alone. What did the gain multiply?"""
            return d_y.reshape(-1, len(gain))

        def to_gain__of_y(d_y, normal, x, centred, gain):
            """For d_gain the result itself was multiplied in, gain and all. What did the gain
            multiply?"""
            return (d_y * normal * gain).reshape(-1, len(gain))

        def collect_gain__mean(d, x):
            """d_gain is a mean over the rows. All of them used the same gain, and what is used many
            times adds up."""
            return d.mean(axis=0)

        def collect_gain__none(d, x):
            """d_gain has the shape of x. The gain has one number a channel, which all rows used: what
            does it collect from them?"""
            return d.reshape(x.shape)

        def collect_gain__first_axis(d, x):
            """Right for two axes: d_gain was summed over the first alone. The gain was used at every
            position of every sequence."""
            return d.reshape(x.shape).sum(axis=0)

        def collect_gain__channels(d, x):
            """d_gain was summed over the channels, and those are what the gain has. Which axes does
            it not have?"""
            return d.reshape(x.shape).sum(axis=-1)

        def collect_bias__mean(d, x):
            """d_bias is a mean over the rows. All of them used the same bias, and what is used many
            times adds up."""
            return d.mean(axis=0)

        def collect_bias__none(d, x):
            """d_bias has the shape of x. The bias has one number a channel, which all rows used: what
            does it collect from them?"""
            return d.reshape(x.shape)

        def collect_bias__first_axis(d, x):
            """Right for two axes: d_bias was summed over the first alone. The bias was used at every
            position of every sequence."""
            return d.reshape(x.shape).sum(axis=0)

        def collect_bias__channels(d, x):
            """d_bias was summed over the channels, and those are what the bias has. Which axes does
            it not have?"""
            return d.reshape(x.shape).sum(axis=-1)

        class collect_first_axis:
            """Right for two axes: d_gain and d_bias were summed over the first alone. Both were used
            at every position of every sequence."""

            def collect_gain(d, x):
                return d.reshape(x.shape).sum(axis=0)

            def collect_bias(d, x):
                return d.reshape(x.shape).sum(axis=0)

        class collect_nothing:
            """d_gain and d_bias have the shape of x. They have one number a channel, which all rows
            used: what do they collect from them?"""

            def collect_gain(d, x):
                return d.reshape(x.shape)

            def collect_bias(d, x):
                return d.reshape(x.shape)

        def to_bias__with_gain(d_y, gain):
            """d_bias was multiplied by the gain. The bias is added after it: what does the gain have
            to do with its slope?"""
            return (d_y * gain).reshape(-1, len(gain))

        def layer_norm_backward__exchanged(d_y, x, gain, eps=1e-5):
            """d_gain and d_bias have changed places. In which order are they asked for?"""
            d_x, d_gain, d_bias = layer_norm_backward(d_y, x, gain, eps)
            return d_x, d_bias, d_gain


class exercise_4_5:
    title = "attention backward"
    minutes = 40
    returns = ("d_q", "d_k", "d_v")
    hints = (
        (
            "Take the three gradients one at a time: which of them is right already? The one for the "
            "values needs no softmax. A key that nobody may see must get exactly nothing."
        ),
        (
            "Walk the way forward from its end: mixing the values, the softmax, the scale, the product "
            "of queries and keys. Each step has a way back, and each uses what stood there."
        ),
        (
            "With weights = attention(q, k, v, mask)[1]: d_v is weights, turned, times d_out. d_weights "
            "is d_out times v, turned. Then softmax_backward, the root of D, and two products: with k "
            "for d_q, turned with q for d_k."
        ),
        (
            "d_scores = softmax_backward(d_out @ v.swapaxes(-1, -2), weights) / np.sqrt(D); "
            "d_q = d_scores @ k; d_k = d_scores.swapaxes(-1, -2) @ q."
        ),
    )

    advice = (
        (
            r"`.*\.(T\b|transpose\(\))",
            "`.T` reverses all axes; with sequences and heads in front only the last two should swap.",
        ),
        (
            r"boolean index",
            "A mask may have fewer axes than the scores; np.where fits it to them.",
        ),
    )

    def calls(rng):
        root = np.log(3)
        yield (
            "attention_backward",
            np.array([[1.0]]),
            np.array([[1.0]]),
            np.array([[0.0], [root]]),
            np.array([[-2.0], [2]]),
        )
        d, q, k, v = (rng.normal(size=s) for s in ((2, 2), (2, 4), (3, 4), (3, 2)))
        yield "attention_backward", d, q, k, v
        yield (
            "attention_backward",
            d,
            q,
            k,
            v,
            np.array([[True, False, False], [True, True, False]]),
        )
        B, H, T, S, D, E = 2, 3, 5, 7, 4, 6
        sizes = (T, E), (T, D), (S, D), (S, E)
        d, q, k, v = (rng.normal(size=(B, H, *size)) for size in sizes)
        yield "attention_backward", d, q, k, v
        yield "attention_backward", d, q, k, v, np.arange(S) <= np.arange(T)[:, None] + 1
        padding = (np.arange(S) < np.array([3, 7])[:, None])[:, None, None, :]
        yield "attention_backward", d, q, k, v, padding
        # all sizes equal: what fits nowhere else runs here
        yield "attention_backward", *rng.normal(size=(4, 3, 3))
        yield "attention_backward", *rng.normal(size=(4, 3, 3)), np.tril(np.ones((3, 3))) > 0
        yield "attention_backward", *rng.normal(size=(4, 2, 2, 2, 2))
        # what is hidden scores far above what is seen
        far = np.array([[10.0]]), np.array([[-50.0], [0]]), np.array([[1.0], [2]])
        yield "attention_backward", np.array([[2.0]]), *far, np.array([[True, False]])

    def random_call(rng):
        B, T, S, D, E = rng.integers(1, 6, size=5)
        sizes = (T, E), (T, D), (S, D), (S, E)
        given = [rng.normal(size=(B, *size)) for size in sizes]
        mask = rng.random((T, S)) < 0.6
        mask[:, rng.integers(S)] = True
        return (
            ("attention_backward", *given)
            if rng.random() < 0.3
            else (
                "attention_backward",
                *given,
                mask,
            )
        )

    class steps:
        def forward(q, k, v, mask):
            return attention(q, k, v, mask)[1]

        def to_v(weights, d_out, q, k):
            return turn(weights) @ d_out

        def to_weights(d_out, v):
            return d_out @ turn(v)

        def to_scores(d_weights, weights, mask):
            return softmax_backward(d_weights, weights)

        def scale(d_scores, D, E):
            return d_scores / np.sqrt(D)

        def to_q(d_scores, q, k):
            return d_scores @ k

        def to_k(d_scores, q, k):
            return turn(d_scores) @ q

        def give(d_q, d_k, d_v):
            return d_q, d_k, d_v

    def whole(steps):
        def attention_backward(d_out, q, k, v, mask=None):
            weights = steps.forward(q, k, v, mask)
            d_weights = steps.to_weights(d_out, v)
            d_scores = steps.to_scores(d_weights, weights, mask)
            d_scores = steps.scale(d_scores, q.shape[-1], v.shape[-1])
            d_q, d_k = steps.to_q(d_scores, q, k), steps.to_k(d_scores, q, k)
            return steps.give(d_q, d_k, steps.to_v(weights, d_out, q, k))

        return {"attention_backward": attention_backward}

    class properties:
        def terms(f, result, d_out, q, k, v, mask=None):
            rng = np.random.default_rng(0)
            d, q, k, v = (rng.normal(size=s) for s in ((5, 6), (5, 4), (7, 4), (7, 6)))
            d_q = f.attention_backward(d, q, k, v)[0]
            weights, d_weights = attention(q, k, v)[1], d @ v.T
            average = (weights * d_weights).sum(axis=-1, keepdims=True)
            own, mean = ((weights * x) @ k / 2 for x in (d_weights, -average))
            told = by_terms(
                "d_q",
                d_q,
                {
                    "each share's own slope": (own, 1),
                    "the average that is taken away": (mean, 1),
                    "the slope of the weights, not yet through the softmax,": (
                        d_weights @ k / 2,
                        0,
                    ),
                },
            )
            # one factor for all of it may be in d_k as well: the parts say so
            return None if told and "everything" in told else told

        def what_nobody_sees(f, result, d_out, q, k, v, mask=None):
            if mask is None:
                return None
            seen = np.broadcast_to(mask, attention(q, k, v, mask)[1].shape).any(axis=-2)
            for name, d in zip(("d_k", "d_v"), result[1:], strict=True):
                if np.abs(d[~seen]).max(initial=0) > 1e-9:
                    return (
                        f"A key that no query may see has a gradient in {name}. It changes nothing."
                    )

        def a_score_for_all(f, result, d_out, q, k, v, mask=None):
            moved = np.abs(result[1].sum(axis=-2)).max()
            if moved > 1e-8 * (1 + np.abs(result[1]).max()) and q.shape[-2] == 1:
                return (
                    "The rows of d_k add up to something. Adding one vector to all keys adds the same "
                    "number to all scores of the query, and changes no weight."
                )

        def parts(f, result, d_out, q, k, v, mask=None):
            right = attention_backward(d_out, q, k, v, mask)
            return by_parts(("d_q", "d_k", "d_v"), result, right)

    class slips:
        def scale__none(d_scores, D, E):
            """d_v is perfect; d_q and d_k are too large by one factor. What did the scores meet
            between the product and the softmax?"""
            return d_scores

        def scale__by_D(d_scores, D, E):
            """The scores were divided by the root of D on the way forward. On the way back it is the
            same root here, not D itself: d_q and d_k are too small."""
            return d_scores / D

        def scale__multiplied(d_scores, D, E):
            """d_q and d_k were multiplied by the root of D. The slope of a division is a
            division."""
            return d_scores * np.sqrt(D)

        def scale__of_values(d_scores, D, E):
            """This divides by the root of the channels of a value. The scores were divided by that of
            the channels of queries and keys."""
            return d_scores / np.sqrt(E)

        def to_v__scores(weights, d_out, q, k):
            """d_v was made with the scores. On the way forward the values were multiplied by
            something that came after the softmax: by what?"""
            return turn(q @ turn(k) / np.sqrt(q.shape[-1])) @ d_out

        def to_v__not_turned(weights, d_out, q, k):
            """For d_v the weights were not turned. Forward, a row of them gathers from the keys for
            one query; what does a value gather on the way back?"""
            return weights @ d_out

        def to_v__scaled(weights, d_out, q, k):
            """d_v was divided by the root of D. The scale acts on scores, and no score lies between
            the values and the result."""
            return turn(weights) @ d_out / np.sqrt(q.shape[-1])

        def to_v__passed_on(weights, d_out, q, k):
            """d_v is d_out itself. Each value went into every query's mixture, with a weight."""
            return d_out

        def to_v__all_turned(weights, d_out, q, k):
            """`.T` was used on the weights for d_v, and reverses all axes. With sequences and heads
            in front only the last two should swap."""
            return weights.T @ d_out

        def to_weights__not_turned(d_out, v):
            """For the slope of the weights v was not turned. Every query meets every value: (T, E)
            and (S, E) have to become (T, S)."""
            return d_out @ v

        def to_weights__all_turned(d_out, v):
            """`.T` was used on v, and reverses all axes. With sequences and heads in front only the
            last two should swap."""
            return d_out @ v.T

        def to_weights__of_d_out(d_out, v):
            """d_q and d_k are 0 everywhere. Are they still to be made, or did each weight of a row get
            the same slope? How much a weight matters depends on the value that it brings."""
            return d_out.sum(axis=-1, keepdims=True) * np.ones(v.shape[-2])

        def to_scores__no_softmax(d_weights, weights, mask):
            """The way back through the softmax is missing: the slope of the weights was used as that
            of the scores."""
            return d_weights

        def to_scores__share_alone(d_weights, weights, mask):
            """The softmax was taken back as if each share stood alone. Each row of d_scores must add
            up to 0: what one key gains, the others lose."""
            return weights * d_weights

        def to_scores__own_share(d_weights, weights, mask):
            """Back through the softmax with s (1 - s) alone: a score moves the other shares of its
            row as well."""
            return weights * (1 - weights) * d_weights

        def to_scores__exchanged(d_weights, weights, mask):
            """The two arguments of softmax_backward are exchanged: first what comes from above, then
            the weights."""
            return softmax_backward(weights, d_weights)

        def to_scores__columns(d_weights, weights, mask):
            """The way back through the softmax ran over the queries, along axis -2. Forward, each
            query shared out 1 among the keys."""
            return turn(softmax_backward(turn(d_weights), turn(weights)))

        def to_scores__softmax(d_weights, weights, mask):
            """The slope of the weights was put through a softmax. The way back through a softmax is
            another function; exercise 4.3 is about it."""
            return softmax(d_weights)

        def to_scores__infinite(d_weights, weights, mask):
            """A hidden score gets a slope of minus infinity. On the way forward it was -inf; what
            does a small step change there?"""
            d = softmax_backward(d_weights, weights)
            return d if mask is None else np.where(mask, d, -np.inf)

        def to_scores__hidden_first(d_weights, weights, mask):
            """Hidden places got -inf before the way back through the softmax, which is a sum: NaN
            comes out. What weight do they have, and what does that make of their slope?"""
            d = d_weights if mask is None else np.where(mask, d_weights, -np.inf)
            return softmax_backward(d, weights)

        def to_scores__softmax_of_weights(d_weights, weights, mask):
            """The weights went through the softmax once more before its way back. softmax_backward
            takes the weights as they are."""
            return softmax_backward(d_weights, softmax(weights))

        def to_q__queries(d_scores, q, k):
            """d_q was made with the queries. A score is a product of a query and a key: what does it
            grow by when the query takes a step?"""
            return d_scores @ q

        def to_q__turned(d_scores, q, k):
            """For d_q the slopes of the scores were turned. A row of them belongs to one query
            already."""
            return turn(d_scores) @ k

        def to_k__not_turned(d_scores, q, k):
            """For d_k the slopes of the scores were not turned. A row of them belongs to a query, and
            d_k needs a row for each key."""
            return d_scores @ q

        def to_k__keys(d_scores, q, k):
            """d_k was made with the keys. A score is a product of a query and a key: what does it
            grow by when the key takes a step?"""
            return turn(d_scores) @ k

        def to_k__all_turned(d_scores, q, k):
            """`.T` was used on the slopes of the scores, and reverses all axes. With sequences and
            heads in front only the last two should swap."""
            return d_scores.T @ q

        class both_exchanged:
            """d_q was made from the queries and d_k from the keys. Each of them moves with the other
            one: a product's slope is the other factor."""

            def to_q(d_scores, q, k):
                return d_scores @ q

            def to_k(d_scores, q, k):
                return turn(d_scores) @ k

        def give__as_v(d_q, d_k, d_v):
            """d_q and d_k are copies of d_v. Each of the three was used in another way: queries and
            keys go through the softmax."""
            return d_v, d_v, d_v

        def give__k_as_v(d_q, d_k, d_v):
            """d_k is a copy of d_v. Keys go through the scores and the softmax; values do not."""
            return d_q, d_v, d_v

        def give__exchanged(d_q, d_k, d_v):
            """d_q and d_k have changed places. In which order are they asked for?"""
            return d_k, d_q, d_v

        def give__values_first(d_q, d_k, d_v):
            """d_v comes first here. In which order are they asked for?"""
            return d_v, d_q, d_k

        def give__values_and_keys(d_q, d_k, d_v):
            """d_k and d_v have changed places. In which order are they asked for?"""
            return d_q, d_v, d_k

        def forward__no_mask(q, k, v, mask):
            """The mask is not used: keys that may not be seen get a gradient. The weights have to be
            those of the way forward."""
            return attention(q, k, v)[1]

        def forward__turned_round(q, k, v, mask):
            """The mask is turned round: what may be seen gets no gradient. True means: may be
            seen."""
            scores = q @ turn(k) / np.sqrt(q.shape[-1])
            return softmax(scores if mask is None else np.where(mask, -np.inf, scores))

        def forward__mask_after(q, k, v, mask):
            """The mask came after the softmax, so the rows of the weights do not make 1. The weights
            have to be those of the way forward."""
            weights = attention(q, k, v)[1]
            return weights if mask is None else weights * mask

        def forward__zero(q, k, v, mask):
            """Hidden scores were set to 0, and exp(0) is 1: they get a weight, and a gradient. The
            weights have to be those of the way forward."""
            scores = q @ turn(k) / np.sqrt(q.shape[-1])
            return softmax(scores if mask is None else np.where(mask, scores, 0))

        def forward__unscaled(q, k, v, mask):
            """The weights were made again without the scale. They have to be those of the way
            forward."""
            scores = q @ turn(k)
            return softmax(scores if mask is None else np.where(mask, scores, -np.inf))

        def forward__twice(q, k, v, mask):
            """The weights went through the softmax twice. attention returns them ready for use."""
            return softmax(attention(q, k, v, mask)[1])

        def forward__queries(q, k, v, mask):
            """The weights were made by a softmax over the queries, along axis -2. Each query shares
            out 1 among the keys."""
            scores = q @ turn(k) / np.sqrt(q.shape[-1])
            return softmax(scores if mask is None else np.where(mask, scores, -np.inf), -2)

        def forward__out(q, k, v, mask):
            """The mixture was taken for the weights: attention returns both, out first."""
            return attention(q, k, v, mask)[0]


def square(z):
    return z**2


def square_backward(d, z):
    return 2 * z * d


def mixed(z):
    """Every channel hears the one before it: a slope that has to be turned."""
    return z + np.roll(z, 1, axis=-1) * z


def mixed_backward(d, z):
    return d * (1 + np.roll(z, 1, axis=-1)) + np.roll(d * z, -1, axis=-1)


def waves(z):
    return np.sin(z)


def waves_backward(d, z):
    return np.cos(z) * d


def steep(z):
    return 3 * z + z**3


def steep_backward(d, z):
    return (3 + 3 * z**2) * d


class exercise_4_6:
    title = "heads and residual backward"
    minutes = 45
    returns = ("d_x", "d_memory", "d_w_q", "d_w_k", "d_w_v", "d_w_o")
    hints = (
        (
            "Count the roads. In how many places was the memory used? And in how many the stream that "
            "runs past a sub-layer? What is used in two places collects from both."
        ),
        (
            "Every step of the way forward is one that you can take back already: a linear map, the "
            "heads, attention. Take them in the other order, and give each what it was given forward."
        ),
        (
            "linear_backward for w_o (x there is what the heads gave, merged); split_heads; "
            "attention_backward; merge_heads; linear_backward three times. Keys and values add up."
        ),
        (
            "pre: d_y + normal_backward(f_backward(d_y, normal(x)), x). post: d = normal_backward(d_y, "
            "x + f(x)), then d + f_backward(d, x)."
        ),
    )

    def calls(rng):
        x = np.array([[1.0, 2, -1]])
        pair = square, square_backward, waves, waves_backward
        yield "residual_backward", np.array([[1.0, 0, 2]]), x, *pair
        yield "residual_backward", np.array([[1.0, 0, 2]]), x, *pair, "post"
        for norm in ("pre", "post"):
            d_y, x = rng.normal(size=(2, 2, 3, 4))
            yield "residual_backward", d_y, x, *pair, norm
            other = mixed, mixed_backward, steep, steep_backward
            yield "residual_backward", d_y, x, *other, norm
        B, T, S, C, H = 2, 5, 7, 6, 3

        def given(B, T, S, C):
            shapes = (B, T, C), (B, T, C), (B, S, C), *[(C, C)] * 4
            return [rng.normal(size=shape) for shape in shapes]

        yield "multi_head_backward", *given(1, 2, 3, 2), 1
        for sizes, heads in (((B, T, S, C), H), ((1, 3, 2, 4), 2), ((2, 3, 3, 4), 2)):
            yield "multi_head_backward", *given(*sizes), heads
        for mask in (
            np.arange(S) <= np.arange(T)[:, None] + 1,
            (np.arange(S) < np.array([3, 7])[:, None])[:, None, None, :],
        ):
            yield "multi_head_backward", *given(B, T, S, C), H, mask
        # the same numbers ask and answer
        d, x, _, *matrices = given(2, 4, 4, 4)
        yield "multi_head_backward", d, x, x.copy(), *matrices, 2, np.tril(np.ones((4, 4))) > 0
        # all sizes equal: what fits nowhere else runs here
        yield "multi_head_backward", *given(2, 2, 2, 2), 2
        yield "multi_head_backward", *given(3, 3, 3, 3), 1

    def random_call(rng):
        B, T, S, D, H = rng.integers(1, 4, size=5)
        if rng.random() < 0.5:
            pairs = [(square, square_backward), (mixed, mixed_backward)]
            pairs += [(waves, waves_backward), (steep, steep_backward)]
            f, n = rng.integers(4, size=2)
            d_y, x = rng.normal(size=(2, B, T, D))
            call = "residual_backward", d_y, x, *pairs[f], *pairs[n]
            return call if rng.random() < 0.3 else (*call, ["pre", "post"][rng.integers(2)])
        C = int(D * H)
        shapes = (B, T, C), (B, T, C), (B, S, C), *[(C, C)] * 4
        mask = rng.random((T, S)) < 0.6
        mask[:, rng.integers(S)] = True
        call = "multi_head_backward", *(rng.normal(size=shape) for shape in shapes), int(H)
        return call if rng.random() < 0.3 else (*call, mask)

    class steps:
        def split(x, H):
            return split_heads(x, H)

        def merge(x):
            return merge_heads(x)

        def merge_back(x):
            return merge_heads(x)

        def before_w_o(out, d_out):
            return merge_heads(out)

        def through_w_o(d_out, w_o):
            return d_out @ w_o.T

        def hidden(mask):
            return mask

        def heads(H):
            return H

        def attend(d, q, k, v, mask):
            return attention_backward(d, q, k, v, mask)

        def outer(x, d):
            return linear_backward(d, x, np.zeros((x.shape[-1], d.shape[-1])))[1]

        def read(x, memory, made):
            return x, memory, memory

        def back(d, w):
            return d @ w.T

        def roads(by_query, by_key, by_value):
            return by_query, by_key + by_value

        def pre(d_y, x, f, f_backward, normal, normal_backward):
            return d_y + normal_backward(f_backward(d_y, normal(x)), x)

        def post(d_y, x, f, f_backward, normal, normal_backward):
            d_sum = normal_backward(d_y, x + f(x))
            return d_sum + f_backward(d_sum, x)

        def which(norm):
            return norm

    def whole(steps):
        def multi_head_backward(d_out, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            H, mask = steps.heads(H), steps.hidden(mask)
            q, k, v = (split_heads(a @ w, H) for a, w in ((x, w_q), (memory, w_k), (memory, w_v)))
            before = steps.before_w_o(attention(q, k, v, mask)[0], d_out)
            d_mixed = steps.through_w_o(d_out, w_o)
            d_heads = steps.attend(steps.split(d_mixed, H), q, k, v, mask)
            d_q, d_k, d_v = (steps.merge_back(d) for d in d_heads)
            for_q, for_k, for_v = steps.read(x, memory, (x @ w_q, memory @ w_k, memory @ w_v))
            d_x, d_memory = steps.roads(
                steps.back(d_q, w_q), steps.back(d_k, w_k), steps.back(d_v, w_v)
            )
            d_w = steps.outer(for_q, d_q), steps.outer(for_k, d_k), steps.outer(for_v, d_v)
            return d_x, d_memory, *d_w, steps.outer(before, d_out)

        def residual_backward(d_y, x, f, f_backward, normal, normal_backward, norm="pre"):
            way = steps.pre if steps.which(norm) == "pre" else steps.post
            return way(d_y, x, f, f_backward, normal, normal_backward)

        return {"multi_head_backward": multi_head_backward, "residual_backward": residual_backward}

    class properties:
        def residual_backward__roads(f, result, d_y, x, *given):
            sub, sub_backward, normal, normal_backward, *norm = given
            rng = np.random.default_rng(0)
            d_y, x = rng.normal(size=(2, 6, 5))
            post = norm == ["post"]
            if post:
                around = normal_backward(d_y, x + sub(x))
                through = sub_backward(around, x)
            else:
                around = d_y
                through = normal_backward(sub_backward(d_y, normal(x)), x)
            return by_terms(
                f'd_x, with norm="{"post" if post else "pre"}",',
                f.residual_backward(d_y, x, *given),
                {
                    "the road around the sub-layer": (around, 1),
                    "the road through the sub-layer": (through, 1),
                },
            )

        def residual_backward__differences(f, result, d_y, x, *given):
            sub, _, normal, _, *norm = given

            def loss(x):
                y = normal(x + sub(x)) if norm == ["post"] else x + sub(normal(x))
                return (y * d_y).sum()

            place, h = np.unravel_index(np.abs(result).argmax(), x.shape), 1e-5
            step = np.zeros(x.shape)
            step[place] = h
            slope = (loss(x + step) - loss(x - step)) / (2 * h)
            if abs(slope - result[place]) > 1e-5 * (1 + abs(slope)):
                return (
                    f"Moving x[{', '.join(map(str, place))}] a little changes the loss by {slope:.4g} "
                    f"times that. d_x says {result[place]:.4g}."
                )

        def multi_head_backward__roads(
            f, result, d_out, x, memory, w_q, w_k, w_v, w_o, H, mask=None
        ):
            rng = np.random.default_rng(0)
            shapes = (2, 3, 4), (2, 3, 4), (2, 5, 4), *[(4, 4)] * 4
            d, x, memory, *w = (rng.normal(size=shape) for shape in shapes)
            q, k, v = (
                split_heads(x @ w[0], 2),
                split_heads(memory @ w[1], 2),
                split_heads(memory @ w[2], 2),
            )
            heads = attention_backward(split_heads(d @ w[3].T, 2), q, k, v)
            _, by_key, by_value = (merge_heads(g) @ m.T for g, m in zip(heads, w, strict=False))
            return by_terms(
                "d_memory",
                f.multi_head_backward(d, x, memory, *w, 2)[1],
                {
                    "the road through the keys": (by_key, 1),
                    "the road through the values": (by_value, 1),
                },
            )

        def multi_head_backward__parts(f, result, *given):
            return by_parts(exercise_4_6.returns, result, multi_head_backward(*given))

    class slips:
        def roads__values_alone(by_query, by_key, by_value):
            """d_memory is what comes through the values alone. The memory made the keys as well: how
            many roads lead back to it?"""
            return by_query, by_value

        def roads__keys_alone(by_query, by_key, by_value):
            """d_memory is what comes through the keys alone. The memory made the values as well: how
            many roads lead back to it?"""
            return by_query, by_key

        def roads__mean(by_query, by_key, by_value):
            """d_memory is the mean of two roads. What is used in two places adds up."""
            return by_query, (by_key + by_value) / 2

        def roads__minus(by_query, by_key, by_value):
            """One of the two roads to the memory was taken away. Both add up."""
            return by_query, by_key - by_value

        def roads__all_in_x(by_query, by_key, by_value):
            """All three roads were added up in d_x. That is right where x is its own memory; here the
            two count as two arrays, and each has its own roads."""
            return by_query + by_key + by_value, by_key + by_value

        def roads__all_in_both(by_query, by_key, by_value):
            """All three roads were added up, for x and for the memory. Which of the three start at x,
            and which at the memory?"""
            both = by_query + by_key + by_value
            return both, both

        def roads__exchanged(by_query, by_key, by_value):
            """d_x and d_memory have changed places. Which of the two asked?"""
            return by_key + by_value, by_query

        def roads__key_in_x(by_query, by_key, by_value):
            """The road through the keys leads to x here. The keys were made from the memory."""
            return by_query + by_key, by_value

        def through_w_o__not_turned(d_out, w_o):
            """w_o was not turned on the way back. On the way forward x met w_o; backwards it meets it
            turned."""
            return d_out @ w_o

        def through_w_o__none(d_out, w_o):
            """The gradient went past w_o: it is the last step forward, so it is the first one
            back."""
            return d_out

        def before_w_o__d_out(out, d_out):
            """d_w_o was made from d_out on both sides. Forward, w_o was given what the heads had
            gathered: that belongs on one side."""
            return d_out

        def before_w_o__not_merged(out, d_out):
            """For d_w_o the heads were not merged rightly: a reshape alone mixes positions with
            heads. merge_heads puts them side by side."""
            B, H, T, D = out.shape
            return out.reshape(B, T, H * D)

        def split__none(x, H):
            """The gradient that came back through w_o is still merged, and attention_backward takes
            heads. What undoes merge_heads?"""
            return x

        def split__reshaped(x, H):
            """On the way back the heads were made by a reshape alone, which deals positions out
            instead of channels. split_heads does it as on the way forward."""
            B, T, C = x.shape
            return x.reshape(B, H, T, C // H)

        def merge_back__reshaped(x):
            """The gradients of the heads were put together by a reshape alone, which mixes positions
            with heads. merge_heads puts them side by side."""
            B, H, T, D = x.shape
            return x.reshape(B, T, H * D)

        def heads__one(H):
            """These are the gradients of a single head with all channels. Is H used?"""
            return 1

        def hidden__none(mask):
            """The mask is not used: what was hidden forward gets a gradient. Attention needs it on
            both ways."""

        def attend__no_mask(d, q, k, v, mask):
            """The mask was used forward, but not on the way back through attention. Both need it: the
            weights must be the same."""
            return attention_backward(d, q, k, v)

        def attend__exchanged(d, q, k, v, mask):
            """The gradients of queries and keys have changed places. In which order does
            attention_backward give them?"""
            d_q, d_k, d_v = attention_backward(d, q, k, v, mask)
            return d_k, d_q, d_v

        def attend__keys_and_values(d, q, k, v, mask):
            """The gradients of keys and values have changed places. In which order does
            attention_backward give them?"""
            d_q, d_k, d_v = attention_backward(d, q, k, v, mask)
            return d_q, d_v, d_k

        def attend__passed_on(d, q, k, v, mask):
            """The gradient went past attention: queries, keys and values all get what came from
            above. Each of the three has a gradient of its own."""
            return d, d, d

        def attend__values_alone(d, q, k, v, mask):
            """The gradients of queries and keys are copies of that of the values. They go through the
            softmax, and are others."""
            _, _, d_v = attention_backward(d, q, k, v, mask)
            return d_v, d_v, d_v

        def outer__turned(x, d):
            """The gradients of the matrices have their axes exchanged. x stands on the left, turned;
            then the slope."""
            return linear_backward(d, x, np.zeros((x.shape[-1], d.shape[-1])))[1].T

        def outer__mean(x, d):
            """The gradients of the matrices are means over the positions. Every position used the
            same matrix, and what is used many times adds up."""
            rows = x.reshape(-1, x.shape[-1])
            return rows.T @ d.reshape(-1, d.shape[-1]) / len(rows)

        def outer__each_sequence(x, d):
            """There is a gradient of each matrix for each sequence. All used the same matrix: what
            does it collect from them?"""
            return x.swapaxes(-1, -2) @ d

        def read__x(x, memory, made):
            """The gradients of w_k and w_v were made from x. Those two were given the memory."""
            return x, x, x

        def read__values_from_x(x, memory, made):
            """The gradient of w_v was made from x. That matrix was given the memory."""
            return x, memory, x

        def read__memory(x, memory, made):
            """The gradient of w_q was made from the memory. That matrix was given x."""
            return memory, memory, memory

        def read__what_they_made(x, memory, made):
            """The gradients of the matrices were made from queries, keys and values. Those came out of
            the matrices; what went in?"""
            return made

        def back__not_turned(d, w):
            """On the way back to x and the memory the matrices were not turned. Forward they were
            multiplied from the right as they are; backwards, turned."""
            return d @ w

        def back__none(d, w):
            """d_x and d_memory are the gradients of queries, keys and values. One step is left: back
            through the three matrices."""
            return d

        def pre__no_around(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" the road around the sub-layer is missing: x ran past it, and was added
            again. What does that road bring back?"""
            return normal_backward(f_backward(d_y, normal(x)), x)

        def pre__no_through(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" only the road around is left. What comes back through the sub-layer and
            its norm?"""
            return d_y

        def pre__no_norm(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" the way back goes past the norm. It stands between x and the
            sub-layer, so it comes after the sub-layer on the way back."""
            return d_y + f_backward(d_y, normal(x))

        def pre__at_x(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" the sub-layer is taken back at x. Forward it was given something else:
            what stood before it?"""
            return d_y + normal_backward(f_backward(d_y, x), x)

        def pre__norm_at_normal(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" the norm is taken back at its own result. Each way back needs what its
            step was given forward."""
            return d_y + normal_backward(f_backward(d_y, normal(x)), normal(x))

        def pre__order(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" the norm comes first on the way back. Forward it came first; backwards,
            everything runs the other way."""
            return d_y + f_backward(normal_backward(d_y, x), normal(x))

        def pre__twice(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" the road around counts twice. x was added once."""
            return 2 * d_y + normal_backward(f_backward(d_y, normal(x)), x)

        def pre__all_through_norm(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" both roads go through the norm. The one around never met it: x was
            added as it is."""
            return normal_backward(d_y + f_backward(d_y, normal(x)), x)

        def pre__product(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="pre" the two roads were multiplied. What comes together by an addition
            parts by an addition."""
            return d_y * normal_backward(f_backward(d_y, normal(x)), x)

        def post__no_around(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the road around the sub-layer is missing: x ran past it, and was added
            again. What does that road bring back?"""
            return f_backward(normal_backward(d_y, x + f(x)), x)

        def post__no_through(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" only the road around is left. What comes back through the
            sub-layer?"""
            return normal_backward(d_y, x + f(x))

        def post__norm_past(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the way back goes past the norm. Forward it was the last step: when
            does it come backwards?"""
            return d_y + f_backward(d_y, x)

        def post__around_past_norm(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the road around goes past the norm. The norm came after the sum: both
            roads lead through it."""
            return d_y + f_backward(normal_backward(d_y, x + f(x)), x)

        def post__through_past_norm(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the road through the sub-layer goes past the norm. The norm came after
            the sum: both roads lead through it."""
            return normal_backward(d_y, x + f(x)) + f_backward(d_y, x)

        def post__norm_at_x(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the norm is taken back at x. Forward it was given the sum of x and
            what the sub-layer gave."""
            d_sum = normal_backward(d_y, x)
            return d_sum + f_backward(d_sum, x)

        def post__norm_at_f(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the norm is taken back at what the sub-layer gave. Forward it was
            given the sum of that and x."""
            d_sum = normal_backward(d_y, f(x))
            return d_sum + f_backward(d_sum, x)

        def post__sub_layer_at_normal(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the sub-layer is taken back at normal(x). That is what it is given in
            a pre-norm block; what was it given here?"""
            d_sum = normal_backward(d_y, x + f(x))
            return d_sum + f_backward(d_sum, normal(x))

        def post__twice(d_y, x, f, f_backward, normal, normal_backward):
            """With norm="post" the road around counts twice. x was added once."""
            d_sum = normal_backward(d_y, x + f(x))
            return 2 * d_sum + f_backward(d_sum, x)

        class no_around:
            """The road around the sub-layer is missing, in both kinds of block: x ran past it, and
            was added again. What does that road bring back?"""

            def pre(d_y, x, f, f_backward, normal, normal_backward):
                return normal_backward(f_backward(d_y, normal(x)), x)

            def post(d_y, x, f, f_backward, normal, normal_backward):
                return f_backward(normal_backward(d_y, x + f(x)), x)

        def which__pre(norm):
            """norm="post" is treated as "pre". Where does the norm stand there, and what is it
            given?"""
            return "pre"

        def which__post(norm):
            """norm="pre" is treated as "post". Where does the norm stand there, and what is it
            given?"""
            return "post"

        def which__exchanged(norm):
            """The two kinds are exchanged: "pre" is treated as "post" and the other way round."""
            return "post" if norm == "pre" else "pre"


def density(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def below(x):
    return np.vectorize(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2, otypes=[float])(x)


class exercise_4_7:
    title = "GELU backward, exact and with tanh"
    minutes = 30
    hints = (
        (
            "Look far to the right and far to the left: what must the slope be there? And at 0? Then "
            "ask whether what comes from above is in it."
        ),
        (
            "Both are a product of two factors that both move with x. The slope of a product has two "
            "terms. The second needs the slope of what is inside, too."
        ),
        (
            "Exact: the share below x, half of 1 + erf(x / root of 2), plus x times the bell curve "
            "exp(-x²/2) / root of 2 pi. With tanh: its slope is 1 less its square, times the slope of "
            "what stands in its brackets."
        ),
        (
            "d_y * (share + x * bell), the two of the third hint. With t = tanh(u), u what stands in "
            "the brackets: d_y * (1 + t + x * (1 - t**2) * du) / 2, "
            "du = sqrt(2 / pi) * (1 + 3 * 0.044715 * x**2)."
        ),
    )

    def calls(rng):
        for name in ("gelu_backward", "gelu_tanh_backward"):
            yield name, np.array([1.0, 1, 1]), np.array([0.0, 1, -1])
            yield name, np.array([2.0, -1]), np.array([0.5, -2.0])
            yield name, rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 5)) * 2
            yield name, np.array([3.0, 3, 1]), np.array([30.0, -30, 0])
            yield name, rng.normal(size=(4, 4)), rng.normal(size=(4, 4))

    def random_call(rng):
        name = ["gelu_backward", "gelu_tanh_backward"][rng.integers(2)]
        d, x = rng.normal(size=(2, *rng.integers(1, 5, size=rng.integers(1, 4))))
        return name, d, x * rng.choice([0.5, 1, 4])

    class steps:
        def share(x):
            return below(x)

        def bell(x):
            return density(x)

        def second(x, bell):
            return x * bell

        def join(share, second):
            return share + second

        def bent(x):
            return np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))

        def slope(bent):
            return 1 - bent**2

        def inner(x):
            return math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)

        def product(x, slope, inner):
            return x * slope * inner

        def half(bent, product):
            return (1 + bent + product) / 2

        def above(d_y, slope):
            return d_y * slope

        def above_tanh(d_y, slope):
            return d_y * slope

    def whole(steps):
        def gelu_backward(d_y, x):
            return steps.above(d_y, steps.join(steps.share(x), steps.second(x, steps.bell(x))))

        def gelu_tanh_backward(d_y, x):
            bent = steps.bent(x)
            product = steps.product(x, steps.slope(bent), steps.inner(x))
            return steps.above_tanh(d_y, steps.half(bent, product))

        return {"gelu_backward": gelu_backward, "gelu_tanh_backward": gelu_tanh_backward}

    class properties:
        def gelu_backward__terms(f, result, d_y, x):
            d, x = np.random.default_rng(0).normal(size=(2, 30))
            return by_terms(
                "the slope",
                f.gelu_backward(d, x),
                {
                    "the share below x": (d * below(x), 1),
                    "x times the bell curve": (d * x * density(x), 1),
                    "the bell curve alone": (d * density(x), 0),
                },
            )

        def gelu_tanh_backward__terms(f, result, d_y, x):
            d, x = np.random.default_rng(0).normal(size=(2, 30))
            root = math.sqrt(2 / math.pi)
            bent = np.tanh(root * (x + 0.044715 * x**3))
            rest = d * x * (1 - bent**2) * root / 2
            return by_terms(
                "the slope",
                f.gelu_tanh_backward(d, x),
                {
                    "the half": (d / 2, 1),
                    "the half of the tanh": (d * bent / 2, 1),
                    "x times the slope of the tanh": (rest, 1),
                    "the slope of the cube": (rest * 3 * 0.044715 * x**2, 1),
                },
            )

        def far_away(f, result, d_y, x):
            right, left = x > 20, x < -20
            off = np.abs(np.append(result[right] - d_y[right], result[left])).max(initial=0)
            if off > 1e-9:
                return (
                    "Far to the right GELU is x, and its slope 1; far to the left both are 0. Yours is "
                    f"off by {off:.3g} there."
                )

        def differences(f, result, d_y, x):
            for function, forward in (("gelu_backward", gelu), ("gelu_tanh_backward", gelu_tanh)):
                z, h = np.array([0.7]), 1e-5
                slope = ((forward(z + h) - forward(z - h)) / (2 * h))[0]
                given = getattr(f, function)(np.ones(1), z)[0]
                if abs(slope - given) > 1e-6:
                    return f"At x = 0.7 the slope is {slope:.7f}. {function} says {given:.7f}."

    class slips:
        def second__none(x, bell):
            """The exact slope is the share below x alone. That share moves with x as well: a product
            has two terms in its slope."""
            return 0 * x

        def second__no_x(x, bell):
            """The second term of the exact slope lacks a factor: in a product, the slope of one factor
            meets the other one."""
            return bell

        def second__minus(x, bell):
            """The second term of the exact slope has the wrong sign. Does the share below x grow with
            x, or shrink?"""
            return -x * bell

        def second__squared(x, bell):
            """The second term of the exact slope has x twice. The bell curve is the slope of the share
            itself; x comes in once."""
            return x**2 * bell

        def bell__not_normal(x):
            """The bell curve is not divided by the root of 2 pi. Its area must be 1, for it is the
            slope of a share that goes from 0 to 1."""
            return np.exp(-(x**2) / 2)

        def bell__no_half(x):
            """The bell curve lacks the half in its exponent. The share is made of erf of x over root 2:
            what becomes of that root when it is squared?"""
            return np.exp(-(x**2)) / np.sqrt(2 * np.pi)

        def bell__erf(x):
            """This is the slope of erf itself, 2 / root of pi times exp(-x²). The share below x is
            half of erf of x over root 2."""
            return 2 / np.sqrt(np.pi) * np.exp(-(x**2))

        def bell__two_over_pi(x):
            """The bell curve is twice too high: it has root of 2 / pi in front. The share is half of
            erf plus a half."""
            return np.sqrt(2 / np.pi) * np.exp(-(x**2) / 2)

        def bell__sign_of_the_square(x):
            """exp grows here instead of falling: the exponent of the bell curve is below 0, and a
            power binds more tightly than a minus before it."""
            return np.exp((-x) ** 2 / 2) / np.sqrt(2 * np.pi)

        def share__no_root(x):
            """The share below x was made with erf(x). It is erf of x over root 2."""
            return np.vectorize(lambda z: (1 + math.erf(z)) / 2, otypes=[float])(x)

        def share__not_halved(x):
            """The share below x lies between 0 and 2 here: a half is missing."""
            return 2 * below(x)

        def share__relu(x):
            """The first term is that of a ReLU, 1 right of 0 and 0 left of it. GELU has the share
            below x in its place."""
            return (x > 0).astype(float)

        def share__value(x):
            """The first term is GELU itself, x times the share. When x is one factor, its slope is 1:
            what is left of that term?"""
            return x * below(x)

        def gelu_backward__tanh(d_y, x):
            """The exact slope is that of the approximation here. Close, but the exact one has erf
            and the bell curve."""
            return gelu_tanh_backward(d_y, x)

        def gelu_backward__sigmoid(d_y, x):
            """This is the slope of x times a sigmoid of 1.702 x, an older approximation. The exact
            one has erf and the bell curve."""
            s = 1 / (1 + np.exp(-1.702 * x))
            return d_y * (s + 1.702 * x * s * (1 - s))

        def gelu_tanh_backward__exact(d_y, x):
            """The slope of the approximation is the exact one here. Close, but it should be the slope
            of gelu_tanh as it is computed."""
            return gelu_backward(d_y, x)

        def above__none(d_y, slope):
            """gelu_backward ignores d_y. A backward function passes on what comes from above, times
            its own slope."""
            return slope

        def above__added(d_y, slope):
            """gelu_backward adds d_y to the slope. The chain rule multiplies."""
            return d_y + slope

        def above_tanh__none(d_y, slope):
            """gelu_tanh_backward ignores d_y. A backward function passes on what comes from above,
            times its own slope."""
            return slope

        class above_nowhere:
            """Both functions ignore d_y. A backward function passes on what comes from above, times
            its own slope."""

            def above(d_y, slope):
                return slope

            def above_tanh(d_y, slope):
                return slope

        def slope__none(bent):
            """The slope of tanh is missing: it bends, so its slope is not 1 everywhere."""
            return np.ones(bent.shape)

        def slope__no_square(bent):
            """The slope of tanh is 1 less its square. The square is missing."""
            return 1 - bent

        def slope__sigmoid(bent):
            """This is the slope of a sigmoid, s (1 - s), with tanh in it. Tanh has another: it goes
            from -1 to 1."""
            return bent * (1 - bent)

        def slope__plus(bent):
            """The slope of tanh is 1 less its square, and was made 1 plus its square. Far out it has
            to become 0."""
            return 1 + bent**2

        def inner__none(x):
            """The slope of what stands in the brackets of tanh is missing: the chain has one link
            more."""
            return np.ones(x.shape)

        def inner__no_cube(x):
            """The cube in the brackets of tanh was forgotten on the way back: it has a slope too."""
            return math.sqrt(2 / math.pi) * np.ones(x.shape)

        def inner__no_three(x):
            """The slope of x cubed lacks its factor. What comes down when a power goes down by
            one?"""
            return math.sqrt(2 / math.pi) * (1 + 0.044715 * x**2)

        def inner__cube(x):
            """The slope of x cubed still has the third power. A slope brings the power down by
            one."""
            return math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**3)

        def inner__no_root(x):
            """The factor in front of the brackets, root of 2 / pi, was forgotten on the way back."""
            return 1 + 3 * 0.044715 * x**2

        def product__no_x(x, slope, inner):
            """In the second term of the slope with tanh x is missing: in a product, the slope of one
            factor meets the other one."""
            return slope * inner

        def product__none(x, slope, inner):
            """The slope with tanh has its first term alone. The tanh moves with x as well: a product
            has two terms in its slope."""
            return 0 * x

        def half__none(bent, product):
            """The slope with tanh is twice too large: what became of the half in front?"""
            return 1 + bent + product

        def half__first_alone(bent, product):
            """Only the first term of the slope with tanh was halved. The half stands in front of
            all of it."""
            return (1 + bent) / 2 + product

        def half__no_one(bent, product):
            """The 1 in front of the tanh is missing in the slope: far to the left it must come out as
            0, and far to the right as 1."""
            return (bent + product) / 2

        def bent__no_cube(x):
            """The tanh was made without the cube. On the way back it must be the very one of the way
            forward."""
            return np.tanh(math.sqrt(2 / math.pi) * x)

        def bent__no_root(x):
            """The tanh was made without root of 2 / pi. On the way back it must be the very one of the
            way forward."""
            return np.tanh(x + 0.044715 * x**3)
