"""Checks of day1/attention_numpy.py. What each part is for stands in study/naming.py."""

from types import SimpleNamespace

import numpy as np

from attention_numpy import attention, check, merge_heads, softmax, split_heads


class exercise_1_1:
    title = "softmax"
    minutes = 20
    hints = (
        (
            "Add up what comes out along the axis: it must make 1. Then try a score of 1000, and "
            "one of minus infinity: is everything that comes out still a number?"
        ),
        (
            "A share is one part of a total, so every score must first become something positive. "
            "And which number may be taken from all scores without changing the shares?"
        ),
        (
            "Three things: the largest score along the axis is subtracted, np.exp is taken, and a "
            "division by the sum along the same axis. max and sum keep their axis."
        ),
        (
            "exponentials = np.exp(x - x.max(axis=axis, keepdims=True)). Divide them by their sum, "
            "and give the sum the same axis and keepdims=True as well."
        ),
    )

    def calls(rng):
        yield "softmax", np.array([0.0, 1, 3])
        table = np.array([[1.0, 2, 0], [4, 0, 3]])
        yield "softmax", table
        yield "softmax", table, 0
        yield "softmax", rng.normal(size=(4, 4))
        yield "softmax", np.array([[1, 2, 0], [4, 0, 3]])  # whole numbers are scores, too
        B, H, T, S = 2, 3, 5, 7
        for axis in (-1, 0, 1, -2):
            yield "softmax", rng.normal(size=(B, H, T, S)), axis
        # exp(1000) overflows, and so does a difference taken from the wrong end
        yield "softmax", np.array([1000.0, 0, -1000, 999])
        extreme = np.array([[1000.0, 998, 0], [-1000, -1001, -1002], [2, 2, 2], [3, -1, 1]])
        yield "softmax", extreme
        yield "softmax", extreme, 0
        # hidden scores; the first row and the last column have one that is seen
        hidden = np.where(rng.random((4, 6)) < 0.4, -np.inf, rng.normal(size=(4, 6)))
        hidden[0], hidden[:, -1] = -np.inf, -np.inf
        hidden[0, 2], hidden[2, -1], hidden[3] = 2, 1, rng.normal(size=6)
        hidden[1, :2] = 0.5, -0.3
        yield "softmax", hidden
        yield "softmax", hidden, 0

    def random_call(rng):
        x = rng.normal(size=rng.integers(1, 7, size=rng.integers(1, 5))) * rng.choice([1, 5])
        axis = int(rng.integers(-x.ndim, x.ndim))
        if rng.random() < 0.3:
            seen = rng.random(x.shape) < 0.7
            np.moveaxis(seen, axis, 0)[0] = True
            x = np.where(seen, x, -np.inf)
        return ("softmax", x) if rng.random() < 0.3 else ("softmax", x, axis)

    class steps:
        def along(axis):
            return axis

        def shift(x, axis):
            return x - x.max(axis=axis, keepdims=True)

        def grow(x):
            return np.exp(x)

        def total(exponentials, x, axis):
            return exponentials.sum(axis=axis, keepdims=True)

        def share(exponentials, total):
            return exponentials / total

        def after(shares, axis):
            return shares

    def whole(steps):
        def softmax(x, axis=-1):
            axis = steps.along(axis)
            exponentials = steps.grow(steps.shift(x, axis))
            total = steps.total(exponentials, x, axis)
            return steps.after(steps.share(exponentials, total), axis)

        return {"softmax": softmax}

    class properties:
        def adds_up_to_one(f, result, x, axis=-1):
            total = np.atleast_1d(result.sum(axis=axis)).ravel()
            worst = total[np.abs(total - 1).argmax()]
            if abs(worst - 1) > 1e-9:
                return f"Along axis {axis} the shares add up to {worst:.10g}, not to 1."

        def no_share_is_negative(f, result, x, axis=-1):
            if result.min() < 0:
                return f"A share is {result.min():.3g}. No share may be negative."

        def hidden_scores_get_nothing(f, result, x, axis=-1):
            most = np.abs(result[x == -np.inf]).max(initial=0)
            if most > 1e-9:
                return f"A score of -inf gets a share of {most:.3g}. It must get exactly 0."

        def larger_scores_get_more(f, result, x, axis=-1):
            x, result = (np.moveaxis(a, axis, -1).reshape(-1, x.shape[axis]) for a in (x, result))
            for row, shares in zip(x, result, strict=True):
                if (np.diff(shares[row.argsort()]) < -1e-9).any():
                    return "Of two scores along the axis, the larger one has the smaller share."

        def a_constant_cancels(f, result, x, axis=-1):
            if np.abs(f.softmax(x + 1, axis) - result).max() > 1e-9:
                return "Adding 1 to every score changes the shares. Softmax sees differences only."

    class slips:
        def softmax__type_of_the_input(x, axis=-1):
            """Scores that are whole numbers give shares cut to 0 and 1: the result was put into an
            array of the type of x. Shares need an array of floats."""
            return softmax(x, axis).astype(x.dtype)

        def shift__infinity_as_zero(x, axis):
            """A score of -inf was turned into 0 first, and exp(0) is 1: it gets a share. exp(-inf)
            is 0 already, so there is nothing to clean."""
            x = np.where(np.isinf(x), 0, x)
            return x - x.max(axis=axis, keepdims=True)

        def total__not_shifted(exponentials, x, axis):
            """The largest score is subtracted above the line and not below it. A ratio stays the
            same only if both of its parts change alike."""
            return np.exp(x).sum(axis=axis, keepdims=True)

        def along__last(axis):
            """This behaves as if the axis were always the last one. Which axis was asked for? The
            maximum and the sum both need it."""
            return -1

        def along__first(axis):
            """These are the shares you get along axis 0, whichever axis was asked for. Add up one
            row of the result: does it make 1?"""
            return 0

        def along__queries(axis):
            """These are the shares you get along axis -2, whichever axis was asked for. Add up one
            row of the result: does it make 1?"""
            return -2

        def along__second(axis):
            """These are the shares you get along axis 1, whichever axis was asked for. Does that
            work for a single row of scores?"""
            return 1

        def shift__none(x, axis):
            """Right on paper, but exp(1000) is infinite here. What may you subtract from every
            score of a row without changing the ratio?"""
            return x

        def shift__everything(x, axis):
            """The largest score of the whole table was subtracted. A row that lies 1000 below it
            becomes 0 / 0. Each row has a largest score of its own."""
            return x - x.max()

        def shift__smallest(x, axis):
            """The smallest score was subtracted. It cancels in the ratio as well, but a large one
            still overflows. Which score leaves nothing above 0?"""
            return x - x.min(axis=axis, keepdims=True)

        def shift__mean(x, axis):
            """The mean was subtracted. It cancels in the ratio as well, but a large score still
            overflows, and one of -inf spoils the mean. Which score leaves nothing above 0?"""
            return x - x.mean(axis=axis, keepdims=True)

        def shift__size(x, axis):
            """The largest size was subtracted, the sign left out. Where all scores are far below
            0, that leads further down, to 0 / 0. The largest score itself is what you need."""
            return x - np.abs(x).max(axis=axis, keepdims=True)

        def shift__quotient(x, axis):
            """The scores were divided by the largest one. That changes how far they lie apart; a
            subtraction does not."""
            return x / x.max(axis=axis, keepdims=True)

        def shift__of_last(x, axis):
            """The maximum runs along another axis than the sum. It cancels only if all the scores
            of one sum lose the same number."""
            return x - x.max(axis=-1, keepdims=True)

        def shift__of_first(x, axis):
            """The maximum runs along another axis than the sum. It cancels only if all the scores
            of one sum lose the same number."""
            return x - x.max(axis=0, keepdims=True)

        def shift__axis_lost(x, axis):
            """A maximum or a sum has lost its axis, and now meets the wrong scores, or none that
            fit. keepdims=True leaves an axis of length 1 in its place."""
            return x - x.max(axis=axis)

        def total__axis_lost(exponentials, x, axis):
            """A maximum or a sum has lost its axis, and now meets the wrong scores, or none that
            fit. keepdims=True leaves an axis of length 1 in its place."""
            return exponentials.sum(axis=axis)

        class axes_lost:
            """A maximum or a sum has lost its axis, and now meets the wrong scores, or none that
            fit. keepdims=True leaves an axis of length 1 in its place."""

            def shift(x, axis):
                return x - x.max(axis=axis)

            def total(exponentials, x, axis):
                return exponentials.sum(axis=axis)

        def shift__axis_at_the_end(x, axis):
            """An axis was put back at the end, and that fits only where the last axis was asked
            for. keepdims=True leaves an axis of length 1 in its own place."""
            return x - x.max(axis=axis)[..., None]

        def total__axis_at_the_end(exponentials, x, axis):
            """An axis was put back at the end, and that fits only where the last axis was asked
            for. keepdims=True leaves an axis of length 1 in its own place."""
            return exponentials.sum(axis=axis)[..., None]

        class axes_at_the_end:
            """An axis was put back at the end, and that fits only where the last axis was asked
            for. keepdims=True leaves an axis of length 1 in its own place."""

            def shift(x, axis):
                return x - x.max(axis=axis)[..., None]

            def total(exponentials, x, axis):
                return exponentials.sum(axis=axis)[..., None]

        def grow__none(x):
            """The scores were divided by their sum, without exp. A negative score then becomes a
            negative share."""
            return x

        class no_exp:
            """The scores were divided by their sum, without exp. A negative score then becomes a
            negative share."""

            def shift(x, axis):
                return x

            def grow(x):
                return x

        def grow__of_two(x):
            """These are the shares you get with powers of 2. Softmax takes powers of e."""
            return 2**x

        def grow__short_e(x):
            """Almost right: these are the shares you get with 2.718 in place of e. np.exp knows
            more of its digits."""
            return 2.718**x

        def grow__negated(x):
            """Here a larger score gets a smaller share: the sign of the exponent is turned
            round."""
            return np.exp(-x)

        class negated:
            """Here a larger score gets a smaller share: the sign of the exponent is turned
            round."""

            def shift(x, axis):
                return x - x.min(axis=axis, keepdims=True)

            def grow(x):
                return np.exp(-x)

        def total__everything(exponentials, x, axis):
            """The whole table was made to add up to 1. Each row has its own 1 to share out: give
            the sum an axis."""
            return exponentials.sum()

        class everything:
            """The whole table was made to add up to 1. Each row has its own 1 to share out: give
            the sum an axis."""

            def shift(x, axis):
                return x - x.max()

            def total(exponentials, x, axis):
                return exponentials.sum()

        def total__of_first(exponentials, x, axis):
            """The sum runs along axis 0 and the maximum along the axis that was asked for. Both
            need the same one."""
            return exponentials.sum(axis=0, keepdims=True)

        def total__of_last(exponentials, x, axis):
            """The sum runs along the last axis and the maximum along the one that was asked for.
            Both need the same one."""
            return exponentials.sum(axis=-1, keepdims=True)

        def total__mean(exponentials, x, axis):
            """The exponentials were divided by their mean: a row adds up to its length. Divide by
            what makes it add up to 1."""
            return exponentials.mean(axis=axis, keepdims=True)

        def total__largest(exponentials, x, axis):
            """The largest score gets exactly 1 here, and the others come on top of it. What must
            all the shares together make?"""
            return exponentials.max(axis=axis, keepdims=True)

        def total__of_scores(exponentials, x, axis):
            """The exponentials were divided by the sum of the scores. A share is a part of the
            total of its own kind: sum the exponentials."""
            return x.sum(axis=axis, keepdims=True)

        def total__length(exponentials, x, axis):
            """The exponentials were divided by the root of the sum of their squares: the squares
            of the shares add up to 1. The shares themselves must."""
            return np.sqrt((exponentials**2).sum(axis=axis, keepdims=True))

        def share__undivided(exponentials, total):
            """The largest score gets exactly 1 here, and the others come on top of it. What must
            all the shares together make?"""
            return exponentials

        def after__twice(shares, axis):
            """These shares went through the softmax twice. What does softmax do to numbers that
            all lie between 0 and 1? It makes them almost equal."""
            return softmax(shares, axis)

        def after__logarithm(shares, axis):
            """These are the logarithms of the shares. A loss wants those; here the shares
            themselves are asked for."""
            return np.log(shares)

        def softmax__hard(x, axis=-1):
            """The best score takes everything. Softmax gives each score a share, if only a tiny
            one."""
            return (x == x.max(axis=axis, keepdims=True)).astype(float)

        def softmax__sigmoid(x, axis=-1):
            """This behaves like a sigmoid: every score is judged alone. Shares come from a total:
            when one grows, the others shrink."""
            return 1 / (1 + np.exp(-x))

        def softmax__row_by_row(x, axis=-1):
            """This behaves like a loop over axis 0 in which each part adds up to 1 on its own. A
            single row then has parts of one number. Which axis was asked for?"""
            parts = [np.exp(part - part.max()) for part in x]
            return np.array([part / part.sum() for part in parts])


class exercise_1_2:
    title = "attention"
    minutes = 45
    returns = ("out", "weights")
    hints = (
        (
            "Look at the weights alone. A row belongs to one query. What must it add up to, and "
            "what must stand where the mask is False?"
        ),
        (
            "A query meets every key, one number a meeting. The numbers become shares of 1, and "
            "the shares mix the values. The mask speaks before the shares are made, not after."
        ),
        (
            "Three lines: a product of q with k turned on its last two axes; a division by the "
            "root of the number of channels that the product summed; np.where with the mask. Then "
            "softmax."
        ),
        (
            "scores = q @ k.swapaxes(-1, -2) / np.sqrt(D), D being q.shape[-1]. Where the mask is "
            "False put -np.inf. weights = softmax(scores); return weights @ v, weights."
        ),
    )

    advice = (
        (
            r"`.*\.T\b",
            "`.T` reverses all axes; with sequences and heads in front only the last two should swap.",
        ),
        (
            r"boolean index",
            "A mask as an index needs the very shape of the scores; np.where takes it with fewer axes.",
        ),
        (
            r"truth value of an array",
            "An array is neither true nor false: ask `if mask is not None`.",
        ),
    )

    def calls(rng):
        yield "attention", np.array([[2.0, 0, 0, 0]]), np.eye(4)[:2] * 2, np.array([[4.0], [0]])
        q, k, v = rng.normal(size=(2, 4)), rng.normal(size=(3, 4)), rng.normal(size=(3, 2))
        yield "attention", q, k, v
        yield "attention", q, k, v, np.array([[True, False, False], [True, True, False]])
        q, k, v = (rng.normal(size=(4, D)) for D in (4, 4, 3))  # as many queries as keys
        yield "attention", q, k, v, np.tril(np.ones((4, 4), dtype=bool))
        # one score of 1000: nothing may overflow, hidden or seen
        extreme = np.zeros((3, 4)), np.zeros((2, 4)), rng.normal(size=(2, 6))
        extreme[0][1], extreme[1][1] = 50, 20
        yield "attention", *extreme
        yield "attention", *extreme, np.array([[True, False], [True, True], [True, False]])
        # what is seen scores far below what is hidden: no number stands for never
        low = np.array([[1000.0]]), np.array([[-500.0], [0]]), np.array([[1.0], [2]])
        yield "attention", *low, np.array([[True, False]])
        B, H, T, D, S, E = 2, 3, 5, 4, 7, 6
        q, k, v = (rng.normal(size=(B, H, *size)) for size in ((T, D), (S, D), (S, E)))
        yield "attention", q, k, v
        yield "attention", q, k, v, np.arange(S) <= np.arange(T)[:, None] + 1
        padding = (np.arange(S) < np.array([3, 7])[:, None])[:, None, None, :]
        yield "attention", q, k, v, padding
        # all sizes equal: what fits nowhere else runs here, so that one mistake of shape can be
        # told from another
        yield "attention", *rng.normal(size=(3, 2, 2, 2, 2))

    def random_call(rng):
        B, T, S, D, E = rng.integers(1, 6, size=5)
        q, k, v = (rng.normal(size=(B, *size)) for size in ((T, D), (S, D), (S, E)))
        mask = rng.random((T, S)) < 0.6
        mask[:, rng.integers(S)] = True
        return ("attention", q, k, v) if rng.random() < 0.3 else ("attention", q, k, v, mask)

    def refusals(rng):
        q, k, v = rng.normal(size=(2, 4)), rng.normal(size=(3, 4)), rng.normal(size=(3, 2))
        yield "attention", q, k, v, np.array([[1, 0, 1], [1, 1, 0]])
        yield "attention", q, k, v, np.array([[True, True, True], [False, False, False]])

    class steps:
        def scores(q, k):
            return q @ k.swapaxes(-1, -2)

        def scale(scores, q, k, v):
            return scores / np.sqrt(q.shape[-1])

        def hide(scores, mask):
            return np.where(mask, scores, -np.inf)

        def share(scores):
            return softmax(scores)

        def after(weights, q, mask):
            return weights

        def mix(weights, v):
            return weights @ v

        def give(out, weights, scores):
            return out, weights

    def whole(steps):
        def attention(q, k, v, mask=None):
            scores = steps.scale(steps.scores(q, k), q, k, v)
            if mask is not None:
                scores = steps.hide(scores, mask)
            weights = steps.after(steps.share(scores), q, mask)
            return steps.give(steps.mix(weights, v), weights, scores)

        return {"attention": attention}

    class properties:
        def rows_add_up_to_one(f, result, q, k, v, mask=None):
            total = result[1].sum(axis=-1)
            if np.abs(total - 1).max() > 1e-9:
                worst = np.unravel_index(np.abs(total - 1).argmax(), total.shape)
                return f"Row {worst[-1]} of the weights adds up to {total[worst]:.10g}, not to 1."

        def nothing_hidden_has_weight(f, result, q, k, v, mask=None):
            if mask is not None and np.abs(np.where(mask, 0, result[1])).max() > 1e-9:
                return "A key gets weight where the mask is False. It must get exactly 0."

        def a_hidden_value_changes_nothing(f, result, q, k, v, mask=None):
            if mask is None:
                return None
            hidden = ~mask.any(axis=tuple(range(mask.ndim - 1)))
            changed = np.where(hidden[:, None], v + 1, v)
            if np.abs(f.attention(q, k, changed, mask)[0] - result[0]).max() > 1e-9:
                return "Changing a value that no query may see changes the output."

        def the_scale_is_the_root_of_D(f, result, q, k, v, mask=None):
            products, D = q @ k.swapaxes(-1, -2), q.shape[-1]
            T, S = products.shape[-2:]
            if mask is not None or min(T, S) < 2 or S < 3 or products.max() > 100:
                return None  # too few scores to tell a factor from something else
            logs = np.log(result[1])
            x = products - products.mean(axis=-1, keepdims=True)
            y = logs - logs.mean(axis=-1, keepdims=True)
            slope = (x * y).sum() / (x * x).sum()
            if np.abs(y - slope * x).max() < 1e-9 and abs(slope - D**-0.5) > 1e-9:
                return (
                    f"The weights are those of q times k multiplied by {slope:.3g}. With {D} "
                    f"channels it should be 1 over the root of {D}: {D**-0.5:.3g}."
                )

        def out_is_weights_times_values(f, result, q, k, v, mask=None):
            if np.abs(result[1] @ v - result[0]).max() > 1e-9:
                return "The output is not weights @ v, with the weights that you return."

        def order_of_keys_is_free(f, result, q, k, v, mask=None):
            if mask is None:
                turned = f.attention(q, k[..., ::-1, :], v[..., ::-1, :])
                if np.abs(turned[0] - result[0]).max() > 1e-9:
                    return "Reversing keys and values together changes the output. It must not."

    class variants:
        def hide__large_number(scores, mask):
            return np.where(mask, scores, -1e9)

    class slips:
        def scores__diagonal(q, k):
            """Token i met only key i: a product of q and k entry by entry, then a sum, has one
            number a token. Where are the meetings with all the other keys?"""
            return (q * k).sum(axis=-1)

        def scores__turned_wholly(q, k):
            """This behaves like k.T, which reverses all axes. With sequences and heads in front,
            only the last two should swap."""
            return q @ k.T

        def scores__turned_wholly_by_dot(q, k):
            """This behaves like k.T, which reverses all axes. With sequences and heads in front,
            only the last two should swap."""
            return np.dot(q, k.T)

        def scores__dot(q, k):
            """This behaves like np.dot: with axes in front it meets every sequence with every
            other. `@` keeps them apart, one product for each."""
            return np.dot(q, k.swapaxes(-1, -2))

        def scores__swapped(q, k):
            """These are the scores of the keys asking the queries. Rows ask, columns answer: who is
            asking in your matrix?"""
            return k @ q.swapaxes(-1, -2)

        def scale__none(scores, q, k, v):
            """These are the weights without a scale. Products of D channels grow with the root of
            D: divide the scores by it before the softmax."""
            return scores

        def scale__multiplied(scores, q, k, v):
            """These are the weights with the scores multiplied by the root of D. More channels
            should make the scores calmer, not louder: divide."""
            return scores * np.sqrt(q.shape[-1])

        def scale__by_D(scores, q, k, v):
            """These are the weights with the scores divided by D itself. It is the deviation of the
            product that grows, and a deviation is a root: divide by the root of D."""
            return scores / q.shape[-1]

        def scale__by_half_of_D(scores, q, k, v):
            """These are the weights with the scores divided by D / 2. In Python D ** 1/2 is half of
            D: the power comes first. np.sqrt(D) says what you mean."""
            return scores / (q.shape[-1] / 2)

        def scale__by_two_D(scores, q, k, v):
            """The scores were divided by D, and then by 2: in Python / D ** 1/2 does that, from left
            to right. Brackets around 1/2, or np.sqrt(D), say what you mean."""
            return scores / q.shape[-1] / 2

        class cosine:
            """These are cosines: the lengths of query and key are divided out. The product keeps
            them, and only the root of D is divided out."""

            def scores(q, k):
                q, k = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (q, k))
                return q @ k.swapaxes(-1, -2)

            def scale(scores, q, k, v):
                return scores

        def attention__scale_without_a_mask_only(q, k, v, mask=None):
            """Without a mask all is right. With one the scores are not divided by the root of D: is
            the scale in one branch only?"""
            scores = q @ k.swapaxes(-1, -2)
            if mask is None:
                scores = scores / np.sqrt(q.shape[-1])
            else:
                scores = np.where(mask, scores, -np.inf)
            weights = softmax(scores)
            return weights @ v, weights

        def scale__by_queries(scores, q, k, v):
            """Your scale is the root of the number of queries: it changes with the length of the
            text. Which length is summed inside one product of q and k?"""
            return scores / np.sqrt(q.shape[-2])

        def scale__by_keys(scores, q, k, v):
            """Your scale is the root of the number of keys: it changes with the length of the text.
            Which length is summed inside one product of q and k?"""
            return scores / np.sqrt(k.shape[-2])

        def scale__by_values(scores, q, k, v):
            """Your scale is the root of the channels of the values. The product sums over the
            channels of q and k."""
            return scores / np.sqrt(v.shape[-1])

        def hide__ignored(scores, mask):
            """This behaves as if there were no mask. np.where returns a new array: is the result
            kept, and used by the softmax?"""
            return scores

        def hide__inverted(scores, mask):
            """Your mask keeps exactly what it should hide. True means: may be seen."""
            return np.where(mask, -np.inf, scores)

        def hide__inverted_by_a_number(scores, mask):
            """Your mask keeps exactly what it should hide. True means: may be seen."""
            return np.where(mask, -1e9, scores)

        def hide__inverted_by_adding(scores, mask):
            """Your mask keeps exactly what it should hide. True means: may be seen."""
            return scores + np.where(mask, -1e9, 0)

        def hide__times_infinity(scores, mask):
            """0 times -inf is not a number, so a mask turned into 0 and 1 cannot be multiplied by
            it. Choose between two scores instead of computing the one that hides."""
            return scores + (1 - mask) * -np.inf

        def hide__zero(scores, mask):
            """A hidden key has the score 0 here, and exp(0) is 1: it still gets weight. 0 is
            neutral, not never. Which score means never?"""
            return np.where(mask, scores, 0)

        def hide__minus_ten(scores, mask):
            """Hidden keys still get a little weight, as with a score of -10. A model can learn
            scores below that; only -inf means never."""
            return np.where(mask, scores, -10)

        def hide__finite(scores, mask):
            """Nearly: hidden keys have a finite score here, and one that is seen may lie below it.
            A model can learn any score; only -inf means never."""
            return np.where(mask, scores, -1e5)

        def hide__added(scores, mask):
            """The mask was added to the scores: True became 1. Adding 1 to a score is not
            permission."""
            return scores + mask

        def share__over_queries(scores):
            """These are the weights you get when the softmax runs over the queries (axis -2). Each
            query must share out 1 among the keys: add up one row."""
            return softmax(scores, axis=-2)

        def share__over_everything(scores):
            """The whole table of weights adds up to 1. Every row has its own 1 to share out: give
            the sums an axis."""
            exponentials = np.exp(scores - scores.max())
            return exponentials / exponentials.sum()

        def share__twice(scores):
            """These weights went through the softmax twice. What does softmax do to numbers that
            all lie between 0 and 1? It makes them almost equal."""
            return softmax(softmax(scores))

        def share__overflow(scores):
            """Right on paper, but exp(1000) is infinite here. What may you subtract from every
            score of a row without changing the ratio?"""
            exponentials = np.exp(scores)
            return exponentials / exponentials.sum(axis=-1, keepdims=True)

        def share__not_at_all(scores):
            """The scores themselves were used as weights. Softmax turns them into shares of 1."""
            return scores

        def share__no_exp(scores):
            """The scores were divided by their sum, without exp. A negative score becomes a
            negative share."""
            return scores / scores.sum(axis=-1, keepdims=True)

        def share__hard(scores):
            """Each query takes its best key and nothing else. Softmax gives every key a share."""
            return (scores == scores.max(axis=-1, keepdims=True)).astype(float)

        class scaled_after:
            """The scale acts on the weights: a row adds up to 1 over the root of D. It must act on
            the scores, before they become shares of 1."""

            def scale(scores, q, k, v):
                return scores

            def after(weights, q, mask):
                return weights / np.sqrt(q.shape[-1])

        class masked_after:
            """The weights were multiplied by the mask after the softmax: a row now adds up to less
            than 1. Its rest was spent on keys that it may not see. Hide before you share."""

            def hide(scores, mask):
                return scores

            def after(weights, q, mask):
                return weights if mask is None else weights * mask

        class masked_after_and_divided_again(masked_after):
            """The mask came after the softmax, and the rest was stretched to 1. Right on paper, but
            where hidden keys had taken everything, 0 / 0 remains. Hide before you share."""

            def after(weights, q, mask):
                left = weights if mask is None else weights * mask
                return left / left.sum(axis=-1, keepdims=True)

        def mix__turned(weights, v):
            """The values were mixed by the columns of the weights. A row of weights belongs to a
            query, and mixes its output."""
            return weights.swapaxes(-1, -2) @ v

        def give__out_alone(out, weights, scores):
            """Only the output is returned. Return both, the output and then the weights."""
            return out

        def give__turned_round(out, weights, scores):
            """The weights come first here. Return the output, then the weights."""
            return weights, out

        def give__scores(out, weights, scores):
            """The second thing returned is the scores, before the softmax. Return the weights."""
            return out, scores


class exercise_1_3:
    title = "causal mask"
    minutes = 10
    hints = (
        (
            "Print your table for three positions. Rows ask, columns answer. Row 0 stands at the "
            "beginning of the text: how many positions may it see? And the last row?"
        ),
        (
            "The table is a triangle. The diagonal belongs to it, because every position may see "
            "itself. On which side of the diagonal does the past lie?"
        ),
        (
            "np.tril keeps the lower triangle of a table, the diagonal included. Give it a square "
            "table of True."
        ),
        "np.ones((T, T), dtype=bool) is a square of True. Return np.tril of it.",
    )

    def calls(rng):
        for T in (3, 1, 2, 5, 7):
            yield "causal_mask", T

    def random_call(rng):
        return "causal_mask", int(rng.integers(1, 7))

    class steps:
        def table(T):
            return np.ones((T, T), dtype=bool)

        def cut(table):
            return np.tril(table)

        def polarity(mask):
            return mask

        def kind(mask):
            return mask

        def give(mask):
            return mask

    def whole(steps):
        def causal_mask(T):
            return steps.give(steps.kind(steps.polarity(steps.cut(steps.table(T)))))

        return {"causal_mask": causal_mask}

    class properties:
        def nobody_sees_the_future(f, result, T):
            ahead = np.argwhere(np.triu(result, 1))
            if len(ahead):
                return f"Position {ahead[0][0]} may see position {ahead[0][1]}, which comes later."

        def everybody_sees_itself(f, result, T):
            if not np.diagonal(result).all():
                return f"Position {np.diagonal(result).argmin()} may not see itself."

        def everybody_sees_the_past(f, result, T):
            missing = np.argwhere(np.tril(~result, -1))
            if len(missing):
                i, j = missing[0]
                return f"Position {i} may not see position {j}, which stands before it."

    class slips:
        def table__smaller(T):
            """The table is one row and one column too small. Every one of the T positions asks,
            and every one answers."""
            return np.ones((T - 1, T - 1), dtype=bool)

        def table__larger(T):
            """The table is one row and one column too large. The T positions ask and answer, and
            nobody else."""
            return np.ones((T + 1, T + 1), dtype=bool)

        def cut__one_more(table):
            """Every position also sees the next one: the very letter that it will have to guess.
            Look at row 0: how many may it see?"""
            return np.tril(table, 1)

        def cut__one_less(table):
            """No position sees itself here, and row 0 sees nothing at all. May a token look at
            itself?"""
            return np.tril(table, -1)

        def cut__upper(table):
            """Every position sees itself and what comes after it. Row 0 stands at the beginning:
            how many may it see?"""
            return np.triu(table)

        def cut__nothing(table):
            """Everybody sees everybody here. A model with this mask reads the answer before it
            guesses."""
            return table

        def cut__diagonal(table):
            """Each position sees itself and nobody else. What stands before it may be seen as
            well."""
            return table & np.eye(len(table), dtype=bool)

        def polarity__inverted(mask):
            """This mask is True exactly where something should be hidden. In this book True means:
            may be seen."""
            return ~mask

        def kind__numbers(mask):
            """The places are right, but the table holds 0 and 1. Make it bool, False and True:
            only then can a mask be told from scores, and joined by &."""
            return mask.astype(float)

        def kind__to_be_added(mask):
            """This is a mask to be added to scores, 0 where something is seen and far below 0
            where it is hidden. Here True and False are asked for, and attention does the rest."""
            return np.where(mask, 0, -np.inf)

        def kind__to_be_added_finite(mask):
            """This is a mask to be added to scores, 0 where something is seen and far below 0
            where it is hidden. Here True and False are asked for, and attention does the rest."""
            return np.where(mask, 0, -1e9)

        def give__one_axis_more(mask):
            """The table has axes in front of its rows and columns. NumPy adds those by itself
            where scores have them: return two axes."""
            return mask[None]

        def give__two_axes_more(mask):
            """The table has axes in front of its rows and columns. NumPy adds those by itself
            where scores have them: return two axes."""
            return mask[None, None]

        def causal_mask__empty(T):
            """Every place is False here: nobody may see anything. The triangle has to be cut out of
            a table of True."""
            return np.zeros((T, T), dtype=bool)

        def causal_mask__one_row(T):
            """One row came back: each position was compared with itself alone. Rows ask, columns
            answer: which of the two must stand upright?"""
            return np.arange(T) <= np.arange(T)


class exercise_1_4:
    title = "heads: split and merge"
    minutes = 30
    hints = (
        (
            "Fill a small input with 0, 1, 2, ... and print what comes out. Which numbers belong "
            "to one position? Which of them should the first head have?"
        ),
        (
            "The channels of a position stand in a row. Cut that row into equal pieces, one a "
            "head. Only then may the axes of heads and positions change places."
        ),
        (
            "reshape cuts the last axis in two, swapaxes lets two axes change places. To merge, "
            "take the same two steps back, the last one first."
        ),
        (
            "split: x.reshape(B, T, H, C // H), then .swapaxes(1, 2). merge: x.swapaxes(1, 2), "
            "then .reshape(B, T, H * D). Unpack the sizes from x.shape first."
        ),
    )

    def calls(rng):
        yield "split_heads", np.arange(12.0).reshape(1, 2, 6), 3
        yield "merge_heads", np.arange(12.0).reshape(1, 3, 2, 2)
        B, T, H, D = 2, 5, 3, 4
        yield "split_heads", rng.normal(size=(B, T, H * D)), H
        yield "merge_heads", rng.normal(size=(B, H, T, D))
        yield "split_heads", rng.normal(size=(B, T, H * D)), 1
        yield "split_heads", rng.normal(size=(B, T, D)), D
        yield "merge_heads", rng.normal(size=(B, 1, T, D))
        yield "merge_heads", rng.normal(size=(B, H, T, 1))

    def random_call(rng):
        B, T, H, D = rng.integers(1, 7, size=4).tolist()
        if rng.random() < 0.5:
            return "split_heads", rng.normal(size=(B, T, H * D)), H
        return "merge_heads", rng.normal(size=(B, H, T, D))

    def refusals(rng):
        yield "split_heads", rng.normal(size=(2, 5, 7)), 3

    class steps:
        def cut(x, H):
            return x.reshape(*x.shape[:2], H, -1)

        def turn(x):
            return x.swapaxes(1, 2)

        def back(x):
            return x.swapaxes(1, 2)

        def join(x):
            return x.reshape(*x.shape[:2], -1)

    def whole(steps):
        def split_heads(x, H):
            if x.shape[-1] % H:
                raise ValueError(f"{x.shape[-1]} channels cannot be dealt out to {H} heads")
            return steps.turn(steps.cut(x, H))

        def merge_heads(x):
            return steps.join(steps.back(x))

        return {"split_heads": split_heads, "merge_heads": merge_heads}

    class properties:
        def split_heads__a_position_keeps_its_numbers(f, result, x, H):
            for b, t in np.ndindex(x.shape[:2]):
                if strangers(result[b, :, t], x[b, t], x):
                    return f"Position {t} comes out with numbers of another position."

        def split_heads__channels_stay_in_order(f, result, x, H):
            for b, t in np.ndindex(x.shape[:2]):
                D = x.shape[-1] // H
                wrong = np.argwhere(result[b, :, t] != x[b, t].reshape(H, D))
                if (
                    len(wrong)
                    and (found := np.flatnonzero(x[b, t] == result[b, :, t][*wrong[0]])).size
                ):
                    h, d = wrong[0]
                    return f"Channel {d} of head {h} is channel {found[0]} of x, not {h * D + d}."

        def merge_heads__a_position_keeps_its_numbers(f, result, x):
            B, _, T, _ = x.shape
            for b, t in np.ndindex(B, T):
                if strangers(result[b, t], x[b, :, t], x):
                    return f"Position {t} comes out with numbers of another position."

        def merge_heads__heads_stand_side_by_side(f, result, x):
            B, _, T, D = x.shape
            for b, t in np.ndindex(B, T):
                wrong = np.flatnonzero(result[b, t] != x[b, :, t].ravel())
                if len(wrong) and (found := np.argwhere(x[b, :, t] == result[b, t, wrong[0]])).size:
                    c, (h, d) = wrong[0], found[0]
                    return f"Channel {c} is channel {d} of head {h}, not {c % D} of head {c // D}."

    class slips:
        class heads_first:
            """The heads stand in front of the sequences. The order is (B, H, T, D): the batch stays
            first."""

            def turn(x):
                return np.moveaxis(x, 2, 0)

            def back(x):
                return np.moveaxis(x, 0, 2)

        class heads_after_positions:
            """This is the order (B, T, H, D), as some libraries have it. Attention works on the
            last two axes, so they must be positions and channels: (B, H, T, D)."""

            def turn(x):
                return x

            def back(x):
                return x

        def turn__last_channel_lost(x):
            """Every head loses its last channel. A slice ends before its second number: from h D to
            (h + 1) D, not to (h + 1) D - 1."""
            return x.swapaxes(1, 2)[..., :-1]

        def cut__sizes_exchanged(x, H):
            """H channels for each of D heads: the two sizes have changed places. How many heads
            were asked for?"""
            return x.reshape(*x.shape[:2], -1, H)

        def turn__none(x):
            """The channels are cut as they should be, but positions still stand before heads. Which
            two axes must change places?"""
            return x

        def turn__heads_first(x):
            """The heads stand before the sequences. The order asked for is (B, H, T, D)."""
            return x.transpose(2, 0, 1, 3)

        def turn__heads_last(x):
            """The heads stand last: the axes of positions and heads should have changed places, and
            positions stayed where they were."""
            return x.swapaxes(2, 3)

        def turn__positions_last(x):
            """The positions stand last here, which is how the keys are wanted inside attention. The
            order asked for is (B, H, T, D)."""
            return x.transpose(0, 2, 3, 1)

        def turn__far_axes(x):
            """The second axis changed places with the last. Which one holds the heads after the
            cut?"""
            return x.swapaxes(1, 3)

        def turn__all(x):
            """This behaves like .T, which reverses all four axes. Only two of them should change
            places."""
            return x.T

        def turn__folded(x):
            """Sequences and heads share one axis here. Keep them apart: the order asked for is
            (B, H, T, D)."""
            return x.swapaxes(1, 2).reshape(-1, x.shape[1], x.shape[3])

        def split_heads__by_reshape_alone(x, H):
            """The shape is right, but a reshape never moves a number: head 0 got whole positions
            from the beginning of the text. Cut the channels first, then turn."""
            B, T, C = x.shape
            return x.reshape(B, H, T, C // H)

        def split_heads__turned_first(x, H):
            """The axes were turned before the channels were cut: a head now mixes positions. Cut
            the channels first, while they still stand last."""
            B, T, C = x.shape
            return x.swapaxes(1, 2).reshape(B, H, T, C // H)

        def split_heads__interleaved(x, H):
            """Your heads take turns: head 0 gets every H-th channel. A model can learn with that,
            but the book's matrices keep the channels of a head side by side."""
            B, T, C = x.shape
            return x.reshape(B, T, C // H, H).transpose(0, 3, 1, 2)

        def back__none(x):
            """The heads were glued without turning back: an output position is made of several
            positions of one head. Whose numbers stand side by side in memory?"""
            return x.reshape(x.shape[0], x.shape[2], -1, x.shape[3])

        def back__channels_before_heads(x):
            """The heads take turns in the merged channels. They should stand side by side: all of
            head 0, then all of head 1."""
            return x.transpose(0, 2, 3, 1)

        def back__far_axes(x):
            """The heads changed places with the channels. Positions have to come to the front, so
            which two axes must change places?"""
            return x.swapaxes(1, 3)

        def back__last_axes(x):
            """Positions changed places with the channels, and the heads stayed in front. Which axis
            has to move behind the positions?"""
            return x.swapaxes(2, 3).reshape(x.shape[0], x.shape[2], -1, x.shape[3])

        def join__none(x):
            """The axes are turned as they should be, but heads and channels are still two axes.
            Make one of them."""
            return x

        def merge_heads__one_below_another(x):
            """The heads were put one below another: the text becomes H times as long. Side by side,
            they make the channels longer."""
            return x.reshape(x.shape[0], -1, x.shape[3])

        def merge_heads__along_the_sequences(x):
            """The heads were put behind each other along the sequences. Side by side, they make the
            channels longer."""
            return np.concatenate(list(x.swapaxes(0, 1)))

        def merge_heads__averaged(x):
            """The heads were averaged. Each has something of its own to say: put them side by side,
            and the output matrix will mix them."""
            return x.mean(axis=1)

        def merge_heads__summed(x):
            """The heads were added up. Each has something of its own to say: put them side by side,
            and the output matrix will mix them."""
            return x.sum(axis=1)

        def merge_heads__positions_last(x):
            """The positions stand last. The order asked for is (B, T, C): turn the axes once
            more."""
            return x.swapaxes(2, 3).reshape(x.shape[0], -1, x.shape[2])


def strangers(out, own, x):
    """The numbers of x in a position's output that are not its own; 0 may be a place left empty."""
    return (set(out.flat) - set(own.flat) - {0}) & set(x.flat)


class exercise_1_5:
    title = "multi-head attention"
    minutes = 40
    returns = ("out", "weights")
    hints = (
        (
            "Look at the shapes first. As many rows come out as went in with x, and each head has "
            "a table of weights of its own. Then ask of each matrix: whom does it read?"
        ),
        (
            "x asks, memory answers. Each head works on its own part of the channels and knows "
            "nothing of the others, until the last matrix mixes what they found."
        ),
        (
            "Queries from x, keys and values from memory, each by its own matrix; split_heads on "
            "all three; attention with the mask; merge_heads on its output; the output matrix "
            "last."
        ),
        (
            "q = split_heads(x @ w_q, H), and likewise k and v from memory. out, weights = "
            "attention(q, k, v, mask). Return merge_heads(out) @ w_o, weights."
        ),
    )

    advice = exercise_1_2.advice

    def calls(rng):
        x, memory = np.eye(4)[None, :3], np.eye(4)[None, [2, 0, 3, 2]]
        weights = rng.choice([-1.0, 1, 2], size=(4, 4, 4))
        yield "multi_head", x, memory, *weights, 2
        yield "multi_head", x, memory, *weights, 2, np.tri(3, 4, 1, dtype=bool)
        yield "multi_head", x * 1000, memory, *weights, 2
        # each sees one key alone, and its score is a million, or minus a million
        both, alone = np.concatenate((x, -x)) * 1e6, np.tile(np.eye(3, 4, dtype=bool), (2, 1, 1, 1))
        yield "multi_head", both, np.tile(memory, (2, 1, 1)), *weights, 2, alone
        B, T, S, H, D = 2, 5, 7, 3, 4
        weights = [rng.normal(size=(H * D, H * D)) / 3 for _ in range(4)]
        x, memory = rng.normal(size=(B, T, H * D)), rng.normal(size=(B, S, H * D))
        yield "multi_head", x, memory, *weights, H
        yield "multi_head", x, memory, *weights, 1
        padding = (np.arange(S) < np.array([3, 7])[:, None])[:, None, None, :]
        yield "multi_head", x, memory, *weights, H, padding
        yield "multi_head", x, memory, *weights, H, np.arange(S) <= np.arange(T)[:, None] + 1
        # one mask a head, one row that sees a single key, scores of thousands
        each = rng.random((B, H, T, S)) < 0.6
        each[..., 2, :] = False
        each[..., 4] = True
        yield "multi_head", x * 100, memory * 10, *weights, H, each
        causal = np.tril(np.ones((T, T), dtype=bool))
        yield "multi_head", x, x, *weights, H, causal
        yield "multi_head", x, x[::-1], *weights, H
        yield "multi_head", x, x[::-1], *weights, 1, causal
        # all sizes equal, and as many positions as channels: what fits nowhere else runs here, so
        # that one mistake of shape can be told from another
        x, memory, weights = *rng.normal(size=(2, 2, 2, 4)), rng.normal(size=(4, 4, 4))
        yield "multi_head", x, memory, *weights, 2
        x, memory, *weights = rng.normal(size=(6, 1, 6, 6))
        yield "multi_head", x, memory, *(w[0] for w in weights), 3, np.tri(6, dtype=bool)

    def random_call(rng):
        B, T, S, H, D = rng.integers(1, 5, size=5).tolist()
        x, memory = rng.normal(size=(B, T, H * D)), rng.normal(size=(B, S, H * D))
        weights = [rng.normal(size=(H * D, H * D)) for _ in range(4)]
        mask = rng.random([(T, S), (B, 1, 1, S), (B, H, T, S)][rng.integers(3)]) < 0.6
        mask[..., rng.integers(S)] = True
        call = "multi_head", x, memory, *weights, H
        return call if rng.random() < 0.3 else (*call, mask)

    class steps(exercise_1_2.steps):
        def queries(x, memory, w_q, w_k, w_v):
            return x @ w_q

        def keys(x, memory, w_q, w_k, w_v):
            return memory @ w_k

        def values(x, memory, w_q, w_k, w_v):
            return memory @ w_v

        def deal(y, H):
            return split_heads(y, H)

        def gather(out):
            return merge_heads(out)

        def project(out, w_o):
            return out @ w_o

        def finish(out, x):
            return out

    def whole(steps):
        inner = SimpleNamespace(**vars(steps) | {"give": lambda *everything: everything})
        attention = exercise_1_2.whole(inner)["attention"]

        def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            made = (
                step(x, memory, w_q, w_k, w_v) for step in (steps.queries, steps.keys, steps.values)
            )
            q, k, v = (steps.deal(y, H) for y in made)
            check(q, k, v, mask)
            out, weights, scores = attention(q, k, v, mask)
            out = steps.finish(steps.project(steps.gather(out), w_o), x)
            return steps.give(out, weights, scores)

        return {"multi_head": multi_head}

    class properties:
        def rows_add_up_to_one(f, result, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            total = result[1].sum(axis=-1)
            if np.abs(total - 1).max() > 1e-9:
                worst = np.unravel_index(np.abs(total - 1).argmax(), total.shape)
                return f"Row {worst[-1]} of the weights adds up to {total[worst]:.10g}, not to 1."

        def nothing_hidden_has_weight(f, result, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            if mask is not None and np.abs(np.where(mask, 0, result[1])).max() > 1e-9:
                return "A position of memory gets weight where the mask is False. It must get 0."

        def heads_have_their_own_channels(f, result, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            if H == 1:
                return None
            D = x.shape[-1] // H
            changed = np.concatenate([w_q[:, :-D], w_q[:, -D:] + 1], axis=1)
            again = f.multi_head(x, memory, changed, w_k, w_v, w_o, H, mask)[1]
            if np.abs(again - result[1])[:, 0].max() > 1e-9:
                return (
                    f"The last {D} columns of w_q belong to the last head, yet head 0 feels them."
                )

        def the_last_matrix_scales_the_output(
            f, result, x, memory, w_q, w_k, w_v, w_o, H, mask=None
        ):
            again = f.multi_head(x, memory, w_q, w_k, w_v, 2 * w_o, H, mask)[0]
            if np.abs(again - 2 * result[0]).max() > 1e-9 * max(1, np.abs(again).max()):
                return (
                    "Doubling w_o does not double the output. The merged heads meet w_o, and nothing "
                    "comes after that."
                )

        def order_of_memory_is_free(f, result, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            if mask is None:
                turned = f.multi_head(x, memory[:, ::-1], w_q, w_k, w_v, w_o, H)[0]
                if np.abs(turned - result[0]).max() > 1e-9:
                    return "Reversing the memory changes the output. It must not, without a mask."

    class variants(exercise_1_2.variants):
        pass

    class slips(exercise_1_2.slips):
        attention__scale_without_a_mask_only = None

        def scale__by_D(scores, q, k, v):
            """The scores are divided by D. Either the root is missing, or the scale stands there
            twice: `attention` already divides by the root of D."""
            return scores / q.shape[-1]

        def multi_head__diagonal_blocks(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            """The channels were dealt out before the projection, so a head reads only its own ones.
            Every head reads all channels of x; the columns of w_q belong to the heads."""
            D = x.shape[-1] // H
            q, k, v = (
                split_heads(y, H) @ np.stack([w[h : h + D, h : h + D] for h in range(0, H * D, D)])
                for y, w in ((x, w_q), (memory, w_k), (memory, w_v))
            )
            out, weights = attention(q, k, v, mask)
            return merge_heads(out) @ w_o, weights

        def multi_head__matrices_reshaped(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
            """The matrices were cut into heads by a reshape to (H, C, D), which deals out their
            rows. D columns of w_q belong to a head: split the product instead."""
            C = x.shape[-1]
            q, k, v = (
                y[:, None] @ w.reshape(H, C, C // H)
                for y, w in ((x, w_q), (memory, w_k), (memory, w_v))
            )
            out, weights = attention(q, k, v, mask)
            return merge_heads(out) @ w_o, weights

        # a value has as many channels here as a key
        scale__by_values = None

        def queries__from_memory(x, memory, w_q, w_k, w_v):
            """The queries come from memory, so the answer is as long as memory. How many rows
            should it have, and who asks?"""
            return memory @ w_q

        def keys__from_x(x, memory, w_q, w_k, w_v):
            """The keys come from x and the values from memory. Both belong to the one who answers:
            whoever holds a value is found by its own key."""
            return x @ w_k

        def values__from_x(x, memory, w_q, w_k, w_v):
            """The values come from x and the keys from memory. Both belong to the one who answers:
            whoever is found by a key gives its own value."""
            return x @ w_v

        class memory_unheard:
            """This is always self-attention: keys and values come from x too. Where memory comes
            from elsewhere, it has to answer."""

            def keys(x, memory, w_q, w_k, w_v):
                return x @ w_k

            def values(x, memory, w_q, w_k, w_v):
                return x @ w_v

        class roles_exchanged:
            """Here memory asks and x answers. It should be the other way round: as many rows come
            out as x has."""

            def queries(x, memory, w_q, w_k, w_v):
                return memory @ w_q

            def keys(x, memory, w_q, w_k, w_v):
                return x @ w_k

            def values(x, memory, w_q, w_k, w_v):
                return x @ w_v

        def queries__turned(x, memory, w_q, w_k, w_v):
            """This behaves like x @ w_q.T. A position is a row of x, and meets the columns of w_q:
            no turn is needed."""
            return x @ w_q.T

        def keys__turned(x, memory, w_q, w_k, w_v):
            """This behaves like memory @ w_k.T. A position is a row of memory, and meets the
            columns of w_k: no turn is needed."""
            return memory @ w_k.T

        def values__turned(x, memory, w_q, w_k, w_v):
            """This behaves like memory @ w_v.T. A position is a row of memory, and meets the
            columns of w_v: no turn is needed."""
            return memory @ w_v.T

        def project__turned(out, w_o):
            """This behaves like a product with w_o.T. A position is a row of the merged heads, and
            meets the columns of w_o: no turn is needed."""
            return out @ w_o.T

        class three_turned:
            """The matrices were turned (w.T), which is how torch's Linear keeps them. Here a row of
            x meets the columns of w: no turn is needed."""

            def queries(x, memory, w_q, w_k, w_v):
                return x @ w_q.T

            def keys(x, memory, w_q, w_k, w_v):
                return memory @ w_k.T

            def values(x, memory, w_q, w_k, w_v):
                return memory @ w_v.T

        class all_turned(three_turned):
            def project(out, w_o):
                return out @ w_o.T

        def queries__matrix_first(x, memory, w_q, w_k, w_v):
            """The matrix w_q stands on the left of x. A position is a row here, and its channels
            stand last: they must meet the rows of the matrix, on the right."""
            return w_q @ x

        def project__matrix_first(out, w_o):
            """The matrix w_o stands on the left. A position is a row here, and its channels stand
            last: they must meet the rows of the matrix, on the right."""
            return w_o @ out

        class three_matrices_first:
            """The matrices stand on the left. A position is a row here, and its channels stand
            last: they must meet the rows of a matrix, on the right."""

            def queries(x, memory, w_q, w_k, w_v):
                return w_q @ x

            def keys(x, memory, w_q, w_k, w_v):
                return w_k @ memory

            def values(x, memory, w_q, w_k, w_v):
                return w_v @ memory

        class all_matrices_first:
            """The matrices stand on the left. A position is a row here, and its channels stand
            last: they must meet the rows of a matrix, on the right."""

            def queries(x, memory, w_q, w_k, w_v):
                return w_q @ x

            def keys(x, memory, w_q, w_k, w_v):
                return w_k @ memory

            def values(x, memory, w_q, w_k, w_v):
                return w_v @ memory

            def project(out, w_o):
                return w_o @ out

        def queries__as_they_are(x, memory, w_q, w_k, w_v):
            """The queries are x itself. Each position should first say what it is looking for: that
            is what w_q is for."""
            return x

        def keys__as_they_are(x, memory, w_q, w_k, w_v):
            """The keys are memory itself. Each position should first say by what it can be found:
            that is what w_k is for."""
            return memory

        def values__as_they_are(x, memory, w_q, w_k, w_v):
            """The values are memory itself. Each position should first say what it will give: that
            is what w_v is for."""
            return memory

        class all_as_they_are:
            """x and memory were dealt out to the heads as they are. Queries, keys and values need
            their matrices first."""

            def queries(x, memory, w_q, w_k, w_v):
                return x

            def keys(x, memory, w_q, w_k, w_v):
                return memory

            def values(x, memory, w_q, w_k, w_v):
                return memory

        def queries__by_w_k(x, memory, w_q, w_k, w_v):
            """The queries went through w_k. To ask and to be found are two things: each has its own
            matrix."""
            return x @ w_k

        def keys__by_w_q(x, memory, w_q, w_k, w_v):
            """The keys went through w_q. To ask and to be found are two things: each has its own
            matrix."""
            return memory @ w_q

        def keys__by_w_v(x, memory, w_q, w_k, w_v):
            """The keys went through w_v. To be found and to give are two things: each has its own
            matrix."""
            return memory @ w_v

        def values__by_w_k(x, memory, w_q, w_k, w_v):
            """The values went through w_k. To be found and to give are two things: each has its own
            matrix."""
            return memory @ w_k

        def values__by_w_q(x, memory, w_q, w_k, w_v):
            """The values went through w_q. To ask and to give are two things: each has its own
            matrix."""
            return memory @ w_q

        class w_q_for_all:
            """Queries, keys and values all went through w_q. To ask, to be found and to give are
            three things: each has its own matrix."""

            def keys(x, memory, w_q, w_k, w_v):
                return memory @ w_q

            def values(x, memory, w_q, w_k, w_v):
                return memory @ w_q

        class queries_and_keys_exchanged:
            """w_q and w_k have changed places. Which of the two belongs to the one who asks?"""

            def queries(x, memory, w_q, w_k, w_v):
                return x @ w_k

            def keys(x, memory, w_q, w_k, w_v):
                return memory @ w_q

        class keys_and_values_exchanged:
            """Keys and values have changed places. A query is compared with keys, and takes the
            values home: in which order does attention want the three?"""

            def keys(x, memory, w_q, w_k, w_v):
                return memory @ w_v

            def values(x, memory, w_q, w_k, w_v):
                return memory @ w_k

        class queries_and_values_exchanged:
            """Queries and values have changed places. In which order does attention want the
            three?"""

            def queries(x, memory, w_q, w_k, w_v):
                return memory @ w_v

            def values(x, memory, w_q, w_k, w_v):
                return x @ w_q

        def deal__by_reshape_alone(y, H):
            """A reshape alone never moves a number: head 0 got whole positions from the beginning
            of the text. split_heads cuts the channels and then turns."""
            B, T, C = y.shape
            return y.reshape(B, H, T, C // H)

        class by_reshape_alone:
            """A reshape alone never moves a number: head 0 got whole positions from the beginning
            of the text. split_heads cuts the channels and then turns."""

            def deal(y, H):
                B, T, C = y.shape
                return y.reshape(B, H, T, C // H)

            def gather(out):
                B, H, T, D = out.shape
                return out.reshape(B, T, H * D)

        def deal__interleaved(y, H):
            """Your heads take turns: head 0 gets every H-th channel. A model can learn with that,
            but these matrices keep the channels of a head side by side."""
            B, T, C = y.shape
            return y.reshape(B, T, C // H, H).transpose(0, 3, 1, 2)

        class interleaved:
            """Your heads take turns: head 0 gets every H-th channel. A model can learn with that,
            but these matrices keep the channels of a head side by side."""

            def deal(y, H):
                B, T, C = y.shape
                return y.reshape(B, T, C // H, H).transpose(0, 3, 1, 2)

            def gather(out):
                B, H, T, D = out.shape
                return out.transpose(0, 2, 3, 1).reshape(B, T, H * D)

        def deal__sizes_exchanged(y, H):
            """D heads of H channels each: the two sizes have changed places. How many heads were
            asked for?"""
            return split_heads(y, y.shape[-1] // H)

        class unturned:
            """The channels were cut, but positions still stand before heads: inside one position,
            head met head. Which two axes must change places?"""

            def deal(y, H):
                B, T, C = y.shape
                return y.reshape(B, T, H, C // H)

            def gather(out):
                return out.reshape(*out.shape[:2], -1)

        def deal__unturned(y, H):
            """The channels were cut, but positions still stand before heads: inside one position,
            head met head. Which two axes must change places?"""
            B, T, C = y.shape
            return y.reshape(B, T, H, C // H)

        class one_head:
            """This is attention with a single head: the channels were never dealt out. Each of the
            H heads works on its own part of them."""

            def deal(y, H):
                return y

            def gather(out):
                return out

        def deal__one_head(y, H):
            """This is attention with a single head: the channels were never dealt out. Each of the
            H heads works on its own part of them."""
            return y[:, None]

        def scale__by_C(scores, q, k, v):
            """Your scale is the root of all channels. One product of q and k sums over the channels
            of a single head."""
            return scores / np.sqrt(q.shape[-3] * q.shape[-1])

        def scale__by_heads(scores, q, k, v):
            """Your scale is the root of the number of heads. One product of q and k sums over the
            channels of a single head."""
            return scores / np.sqrt(q.shape[-3])

        def hide__ignored(scores, mask):
            """This behaves as if there were no mask. Is it handed on to attention?"""
            return scores

        def hide__with_an_axis_more(scores, mask):
            """The mask got one more axis for the heads. It comes ready to broadcast to
            (B, H, T, S): hand it on as it is."""
            return np.where(mask[:, None], scores, -np.inf)

        def share__over_heads(scores):
            """These weights add up to 1 over the heads: the heads compete for a key. Inside each
            head, the keys should compete for a query."""
            return softmax(scores, axis=-3)

        def gather__by_reshape_alone(out):
            """The heads were glued without turning back: an output position is made of several
            positions of one head. Whose numbers stand side by side in memory?"""
            B, H, T, D = out.shape
            return out.reshape(B, T, H * D)

        def gather__interleaved(out):
            """The heads take turns in the merged channels. They should stand side by side: all of
            head 0, then all of head 1."""
            B, H, T, D = out.shape
            return out.transpose(0, 2, 3, 1).reshape(B, T, H * D)

        def gather__averaged(out):
            """w_o meets D channels here: those of one head, or of a mean of the heads. Put all
            heads side by side first, and then multiply by w_o."""
            return out.mean(axis=1)

        def gather__none(out):
            """w_o meets D channels here: those of one head, or of a mean of the heads. Put all
            heads side by side first, and then multiply by w_o."""
            return out

        class projected_before_the_merge:
            """w_o meets D channels here: those of one head, or of a mean of the heads. Put all
            heads side by side first, and then multiply by w_o."""

            def gather(out):
                return out

            def project(out, w_o):
                return merge_heads(out @ w_o)

        def project__none(out, w_o):
            """The output matrix is missing: the heads stand side by side and never talk to each
            other. What is w_o for?"""
            return out

        def finish__residual(out, x):
            """x was added to the output. That is the residual, and it belongs to the block around
            attention, not in here."""
            return out + x

        def give__averaged(out, weights, scores):
            """The weights were averaged over the heads, as torch does unless told otherwise. Return
            one table a head."""
            return out, weights.mean(axis=1)


class exercise_1_7:
    title = "padding mask"
    minutes = 15
    hints = (
        (
            "Take two sequences of lengths 1 and 3 in a table of four. Write down by hand which "
            "positions are text. Is that what your table says?"
        ),
        (
            "A position is text if its number, counted from 0, is below the length. Compare all "
            "positions with all lengths at once: one of the two must stand upright."
        ),
        (
            "np.arange gives the positions, and an axis of None turns the lengths into a column. "
            "Two more axes of length 1 leave room for heads and for queries."
        ),
        "np.arange(S) < lengths[:, None] is (B, S). Index it by [:, None, None, :].",
    )

    def calls(rng):
        yield "padding_mask", np.array([1, 3]), 4
        yield "padding_mask", np.array([2]), 3
        yield "padding_mask", np.array([3, 7]), 7
        yield "padding_mask", np.array([5, 1, 2, 4, 2, 3]), 5
        yield "padding_mask", np.array([2, 3, 2]), 6

    def random_call(rng):
        B, S = rng.integers(1, 7, size=2).tolist()
        return "padding_mask", rng.integers(1, S + 1, size=B), S

    def refusals(rng):
        yield "padding_mask", np.array([2, 0]), 5
        yield "padding_mask", np.array([2, 6]), 5

    class steps:
        def compare(lengths, S):
            return np.arange(S) < lengths[:, None]

        def polarity(mask):
            return mask

        def kind(mask):
            return mask

        def give(mask):
            return mask[:, None, None, :]

    def whole(steps):
        def padding_mask(lengths, S):
            if lengths.min() < 1 or lengths.max() > S:
                raise ValueError(f"lengths must be in 1..{S}")
            return steps.give(steps.kind(steps.polarity(steps.compare(lengths, S))))

        return {"padding_mask": padding_mask}

    class properties:
        def as_many_are_seen_as_are_there(f, result, lengths, S):
            seen = result[:, 0, 0].sum(axis=-1)
            for b, (got, length) in enumerate(zip(seen, lengths, strict=True)):
                if got != length:
                    return f"Sequence {b} has the length {length}, but {got} positions are seen."

        def the_first_position_is_text(f, result, lengths, S):
            if not result[..., 0].all():
                b = result[:, 0, 0, 0].argmin()
                return f"Position 0 of sequence {b} is hidden. It is text: padding is on the right."

        def padding_stands_on_the_right(f, result, lengths, S):
            wrong = np.argwhere(~result[:, 0, 0, :-1] & result[:, 0, 0, 1:])
            if len(wrong):
                b, s = wrong[0]
                return f"In sequence {b}, position {s} is hidden and position {s + 1} is seen."

    class slips:
        polarity__inverted = exercise_1_3.slips.polarity__inverted
        kind__numbers = exercise_1_3.slips.kind__numbers
        kind__to_be_added = exercise_1_3.slips.kind__to_be_added
        kind__to_be_added_finite = exercise_1_3.slips.kind__to_be_added_finite

        def compare__one_more(lengths, S):
            """One position too many is seen. Positions are counted from 0: with a length of 3, what
            is the number of the last one that is text?"""
            return np.arange(S) <= lengths[:, None]

        def compare__one_less(lengths, S):
            """One position too few is seen: the last one of every text is hidden. Positions are
            counted from 0."""
            return np.arange(S) < lengths[:, None] - 1

        def compare__left(lengths, S):
            """This hides the beginning of the shorter sequences, as if their padding stood on the
            left. Here it stands on the right."""
            return np.arange(S) >= S - lengths[:, None]

        def compare__the_last(lengths, S):
            """Only the last position of each text is seen. All those before it are text as well."""
            return np.arange(S) == lengths[:, None] - 1

        def compare__nothing(lengths, S):
            """Nothing is hidden here. The same sentence then gives another answer once it is
            padded."""
            return np.ones((len(lengths), S), dtype=bool)

        def compare__longest(lengths, S):
            """All sequences got the same mask, that of the longest. Each has a length of its
            own."""
            return np.arange(S) < np.full((len(lengths), 1), lengths.max())

        def compare__shortest(lengths, S):
            """All sequences got the same mask, that of the shortest. Each has a length of its
            own."""
            return np.arange(S) < np.full((len(lengths), 1), lengths.min())

        def padding_mask__flat(lengths, S):
            """Positions and lengths were compared one by one. Every position should meet every
            length: one of the two must stand upright."""
            return (np.arange(S) < lengths)[:, None, None, :]

        def padding_mask__flat_in_front(lengths, S):
            """Positions and lengths were compared one by one. Every position should meet every
            length: one of the two must stand upright."""
            return (np.arange(S) < lengths)[None, None, None, :]

        def padding_mask__upright_positions(lengths, S):
            """The positions stand upright and the sequences lie along the last axis. It should be
            the other way round: a row for each sequence."""
            return (np.arange(S)[:, None] < lengths)[:, None, None, :]

        def give__as_queries(mask):
            """The padding's questions are hidden here, but everyone still listens to its answers.
            Name the four axes: which one is for the keys?"""
            return mask[:, None, :, None]

        def give__both(mask):
            """Padding is hidden as a key and as a query too. A query that sees nothing has no
            shares to give: hide the keys only."""
            return mask[:, None, None, :] & mask[:, None, :, None]

        def give__repeated(mask):
            """Every query got a row of its own, and all of them are equal. One row is enough: an
            axis of length 1 is repeated by itself."""
            return np.repeat(mask[:, None, None, :], mask.shape[-1], axis=2)

        def give__flat(mask):
            """The table is (B, S). Scores are (B, H, T, S): which two axes of length 1 are missing,
            and where?"""
            return mask

        def give__three_axes(mask):
            """There are three axes, (B, 1, S). Scores are (B, H, T, S): one axis of length 1 is
            missing."""
            return mask[:, None, :]

        def give__sequences_as_heads(mask):
            """The sequences stand on the axis of the heads. Scores are (B, H, T, S): B comes
            first."""
            return mask[None, :, None, :]

        def give__sequences_as_queries(mask):
            """The sequences stand on the axis of the queries. Scores are (B, H, T, S): B comes
            first."""
            return mask[None, None]

        def give__axes_last(mask):
            """The two axes of length 1 stand last. Scores are (B, H, T, S): the keys come last."""
            return mask[:, :, None, None]


class exercise_1_14:
    title = "sliding window"
    minutes = 15
    hints = (
        (
            "Read one row aloud: which positions may this one see? Count them, in the middle and at "
            "the start."
        ),
        (
            "How far back does a key stand, seen from its query? That number alone decides, and it "
            "has two limits."
        ),
        (
            "Make a table of query position minus key position by broadcasting. Where is it 0, where "
            "negative?"
        ),
        "back = np.arange(T)[:, None] - np.arange(T); return (back >= 0) & (back < W).",
    )
    advice = (
        (
            r"truth value of an array",
            "`and` and a < b < c cannot compare tables: bracket each comparison, and join them by &.",
        ),
    )

    def calls(rng):
        for T, W in ((3, 2), (1, 1), (5, 3), (6, 1), (4, 9), (7, 4), (8, 2)):
            yield "window_mask", T, W

    def random_call(rng):
        return "window_mask", int(rng.integers(1, 9)), int(rng.integers(1, 9))

    def refusals(rng):
        yield "window_mask", 4, 0

    class steps:
        def back(T):
            return np.arange(T)[:, None] - np.arange(T)

        def near(back, W):
            return back < W

        def past(back):
            return back >= 0

        def join(past, near):
            return past & near

    def whole(steps):
        def window_mask(T, W):
            back = steps.back(T)
            return steps.join(steps.past(back), steps.near(back, W))

        return {"window_mask": window_mask}

    class properties:
        def everybody_sees_itself(f, result, T, W):
            alone = [t for t in range(T) if not result[t, t]]
            if alone:
                return f"Position {alone[0]} may not see itself."

        def nobody_sees_the_future(f, result, T, W):
            for t, s in np.argwhere(result):
                if s > t:
                    return f"Position {t} may see position {s}, which comes later."

        def a_row_sees_W_positions(f, result, T, W):
            for t in range(T):
                if result[t].sum() != min(W, t + 1):
                    return (
                        f"Position {t} sees {result[t].sum():.0f} positions. With W = {W} it should "
                        f"be {min(W, t + 1)}."
                    )

    class slips:
        def near__one_more(back, W):
            """Everybody sees W positions before itself, W + 1 with itself. The window counts
            itself."""
            return back <= W

        def near__one_less(back, W):
            """The window is one position too short: it counts itself, and W - 1 before it."""
            return back < W - 1

        def near__everything(back, W):
            """This is the causal mask: nothing is ever too far back. Which key is W steps away?"""
            return back < back.size + 1

        def past__ignored(back):
            """The future may be seen: all that is less than W ahead, and everything beyond. A
            position that comes later has a negative distance."""
            return back > -back.size - 1

        def past__not_itself(back):
            """Nobody may see itself here. The distance to itself is 0, and 0 is within the
            window."""
            return back > 0

        class both_sides:
            """The window reaches to both sides. It should end at the position itself: nothing that
            comes later."""

            def past(back):
                return np.ones(back.shape, dtype=bool)

            def near(back, W):
                return np.abs(back) < W

        class turned:
            """The window looks ahead: it is the right one, transposed. Rows are queries, and see
            what stands before them."""

            def back(T):
                return np.arange(T) - np.arange(T)[:, None]

        def join__or(past, near):
            """Everything may be seen here. A key must stand in the past and also be near: if you
            join two conditions, is it by &?"""
            return past | near

        def join__hidden(past, near):
            """The mask is turned round: True where a position is hidden. True means: may be
            seen."""
            return ~(past & near)

        def join__numbers(past, near):
            """The mask holds 0 and 1. It should be bool: True where a position may be seen."""
            return (past & near) * 1.0
