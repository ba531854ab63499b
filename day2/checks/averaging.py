"""Checks of day2/averaging.py. What each part is for stands in study/naming.py."""

import numpy as np
import torch


def differ(a, b):
    return not np.allclose(a, b, 1e-9, 1e-9, equal_nan=True)


class exercise_2_4:
    title = "average by a matrix"
    minutes = 15
    advice = (
        (
            r"scalar type|same dtype",
            "Floats of 32 bits met floats of 64. torch.ones and torch.zeros make 32, unless told.",
        ),
        (
            r"boolean masks",
            "masked_fill wants True and False: compare the table with 0, or make it of torch.bool.",
        ),
        (r"`.*\.T\b", "`.T` turns all axes round; only the last two should change places."),
    )
    hints = (
        (
            "Average a sequence of ones: every mean must be 1. Then look at position 0. Nothing "
            "stands before it, so what must come out there?"
        ),
        (
            "A mean is a sum of shares. Each position shares out 1 in equal parts among itself and "
            "what stands before it; the others get nothing. Write that table for three positions."
        ),
        (
            "Three lines: a square of ones, cut to its lower triangle; each row divided by its own "
            "sum, the axis kept; the product with x. The square needs the dtype of x."
        ),
        (
            "seen = torch.ones(T, T, dtype=x.dtype).tril(). Divide it by seen.sum(dim=-1, "
            "keepdim=True): these are the weights. Return weights @ x."
        ),
    )

    def calls(rng):
        yield "average_by_matrix", np.array([[[2.0, 4], [4, 0], [0, 5]]])
        # 32 bits, and all means are whole: a table of another type shows, rounding does not
        x = np.array([[1, 1, -2, 4], [2, -4, 2, 8], [-8, 4, 4, 4]], np.float32).T
        yield "average_by_matrix", np.stack([x, 2 * x])
        yield "average_by_matrix", rng.normal(size=(2, 5, 3))
        yield "average_by_matrix", rng.normal(size=(2, 1, 3))
        # all sizes equal: what fits nowhere else runs here
        yield "average_by_matrix", rng.normal(size=(3, 3, 3))
        # more than 32 bits can hold
        yield "average_by_matrix", np.array([[[1.0, 1e40], [3, 1], [2, 2], [4, 3]]])

    def random_call(rng):
        return "average_by_matrix", rng.normal(size=rng.integers(1, 7, size=3))

    def refusals(rng):
        yield "average_by_matrix", rng.normal(size=(2, 3))
        yield "average_by_matrix", rng.integers(9, size=(2, 3, 4))

    class steps:
        def table(x, T):
            return torch.ones(T, T, dtype=x.dtype)

        def cut(table):
            return table.tril()

        def divide(seen):
            return seen / seen.sum(dim=-1, keepdim=True)

        def mix(weights, x):
            return weights @ x

        def finish(out, weights, x):
            return out

    def whole(steps):
        def average_by_matrix(x):
            weights = steps.divide(steps.cut(steps.table(x, x.shape[1])))
            return steps.finish(steps.mix(weights, x), weights, x)

        return {"average_by_matrix": average_by_matrix}

    class properties:
        def shares_have_all_their_digits(f, result, x):
            T = x.shape[1]
            shares = f.average_by_matrix(np.eye(T)[None])[0]
            near = np.allclose(shares, np.tri(T) / np.arange(1, T + 1)[:, None], 1e-6, 1e-6)
            if T > 2 and near and (shares == np.float32(shares)).all():
                return (
                    "Right to seven digits only: the shares were worked out in 32 bits, and turned "
                    "into 64 afterwards. Make the table in the type of x from the start."
                )

        def the_past_is_blind_to_the_future(f, result, x):
            changed = x.copy()
            changed[:, -1] += 1
            if differ(f.average_by_matrix(changed)[:, :-1], result[:, :-1]):
                return "Adding 1 to the last position changes a mean before it."

        def a_sequence_is_alone(f, result, x):
            if differ(f.average_by_matrix(x[:1]), result[:1]):
                return "The first sequence has other means when the others are left out."

        def a_constant_stays(f, result, x):
            means = f.average_by_matrix(np.ones_like(x))[0, :, 0]
            if np.abs(means - 1).max() > 1e-6:
                t = np.abs(means - 1).argmax()
                return (
                    f"Where x is 1 everywhere, the mean at position {t} is {means[t]:.10g}, not 1."
                )

        def the_first_is_its_own_mean(f, result, x):
            if differ(result[:, 0], x[:, 0]):
                return "At position 0 stands something else than x there: it has itself alone."

        def the_last_is_the_mean_of_all(f, result, x):
            if differ(result[:, -1], x.mean(axis=1)):
                return "At the last position stands something else than the mean of the sequence."

    class variants:
        def divide__counted(seen):
            return seen / torch.arange(1, len(seen) + 1, dtype=seen.dtype)[:, None]

    class slips:
        def table__of_32_bits(x, T):
            """torch.ones and torch.zeros make a table of 32-bit floats, and x here has 64 bits:
            the two do not meet in a product. Which argument gives a table the type of x?"""
            return torch.ones(T, T)

        def finish__in_32_bits(out, weights, x):
            """The means are right to seven digits only: they went through a table of 32-bit
            floats, which is what torch.zeros makes. Which argument gives it the type of x?"""
            return out.float()

        def cut__upper(table):
            """Each position mixes itself with what comes after it: that is the upper triangle. On
            which side of the diagonal does the past lie?"""
            return table.triu()

        def cut__future_alone(table):
            """The triangle keeps exactly what it should hide: each position mixes what comes after
            it, and the last one has nothing left to mix."""
            return table.triu(1)

        def cut__nothing(table):
            """Every position mixes all positions, the later ones too. Was the table ever cut to a
            triangle?"""
            return table

        def cut__without_itself(table):
            """Each position mixes what stands before it and leaves itself out. For position 0
            nothing remains. May a position look at itself?"""
            return table.tril(-1)

        class empty_mean_is_zero:
            """Each position mixes what stands before it and leaves itself out. For position 0
            nothing remains. May a position look at itself?"""

            def cut(table):
                return table.tril(-1)

            def divide(seen):
                return seen / seen.sum(dim=-1, keepdim=True).clamp(min=1)

        def cut__one_more(table):
            """Each position also mixes the next one, which it cannot know yet. Look at row 0: how
            many positions take part?"""
            return table.tril(1)

        def divide__none(seen):
            """These are running sums: they grow with every position. Among how many positions
            does row t share out its 1?"""
            return seen

        def divide__by_T(seen):
            """These are running sums divided by T in every row. Row 0 has a single position to
            share with: does its row of weights make 1?"""
            return seen / len(seen)

        def divide__from_zero(seen):
            """Row t is divided by t, and row 0 by 0. How many positions are there up to t, when
            t itself counts?"""
            return seen / torch.arange(len(seen), dtype=seen.dtype)[:, None]

        def divide__columns(seen):
            """The columns of the weights make 1 here, and the rows do not. A row belongs to the
            position that averages: along which axis does it add up?"""
            return seen / seen.sum(dim=0)

        def divide__axis_lost(seen):
            """The sums of the rows have lost their axis, so that each divides a column. keepdim
            leaves an axis of length 1 in its place."""
            return seen / seen.sum(dim=-1)

        def divide__softmax_of_zero(seen):
            """The future has the score 0 here, and exp(0) is 1: it still takes part. 0 is neutral,
            not never. Which score means never?"""
            return seen.softmax(dim=-1)

        def mix__turned(weights, x):
            """These are the means of a table of weights that is turned. A row belongs to the
            position that averages: how many shares does row 0 hold?"""
            return weights.T @ x

        def mix__x_first(weights, x):
            """x stands on the left, so the weights meet its channels. They should meet its
            positions, which are the rows of x."""
            return x @ weights

        def finish__over_sequences(out, weights, x):
            """The sequences were averaged with each other. Each has a past of its own: as many
            come out as go in."""
            return out.mean(dim=0)

        def average_by_matrix__one_a_sequence(x):
            """Every sequence got a single mean, that of all its positions. Each position has a
            mean of its own, of the positions up to it."""
            return x.mean(dim=1)

        def average_by_matrix__wrong_axis(x):
            """This averages along the channels: each number with those on its left. The past of a
            number stands above it, at the positions before."""
            return x.cumsum(dim=-1) / torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)

        def finish__backwards(out, weights, x):
            """The means are right and stand in the opposite order: the last position comes
            first."""
            return out.flip(1)


class exercise_2_6:
    title = "an attention head"
    minutes = 30
    returns = ("out", "weights")
    advice = exercise_2_4.advice
    hints = (
        (
            "Look at the weights alone. A row belongs to one position. What must it add up to, and "
            "what must stand on the right of the diagonal?"
        ),
        (
            "A position asks by its query, is found by its key and gives its value. Every query "
            "meets every key; the future is hidden before the scores become shares of 1."
        ),
        (
            "x meets each matrix. The product of q with k, turned on its last two axes, is divided "
            "by the root of D. masked_fill puts -inf above the diagonal. Softmax over keys; mix."
        ),
        (
            "scores = q @ k.transpose(-2, -1) / D**0.5, then masked_fill(torch.ones(T, T).triu(1) "
            "== 1, -torch.inf), then softmax(dim=-1): the weights. Return weights @ v, weights."
        ),
    )

    def calls(rng):
        x = np.array([[[1.0, 0], [0, 1], [1, 1]]])
        w_q = np.array([[1.0, 2, 0, 1], [0, 1, 1, -1]])
        w_k = np.array([[1.0, 0, 2, 1], [2, 1, 0, 1]])
        yield "head", x, w_q, w_k, np.array([[1.0, 2, 0, 1, 3], [4, 0, 1, 2, 1]])
        B, T, C, D, E = 2, 5, 6, 4, 3
        matrices = [rng.normal(size=(C, n)) / 2 for n in (D, D, E)]
        yield "head", rng.normal(size=(B, T, C)), *matrices
        # one position, of 32 bits: nothing is rounded
        signs = np.array([-1, 1], np.float32)
        small = [rng.choice(signs, size=n) for n in ((2, 1, 3), (3, 2), (3, 2), (3, 4))]
        yield "head", *small
        # scores of 250000, and one of -250000 that is all that a position sees
        x = np.zeros((2, 3, 2))
        x[0, :, 0] = x[1, :, 1] = 500, 0, 2
        w_v = np.array([[1.0, 2, 3, 4], [5, 6, 7, 9]])
        yield "head", x, np.ones((2, 1)), np.array([[1.0], [-1]]), w_v
        # values that are more than 32 bits can hold
        x, w_q, w_k, w_v = (rng.normal(size=n) for n in ((1, 2, 3), (3, 5), (3, 5), (3, 4)))
        w_v[0, 1] = 1e40
        yield "head", x, w_q, w_k, w_v
        # all sizes equal: what fits nowhere else runs here
        yield "head", rng.normal(size=(3, 3, 3)), *rng.normal(size=(3, 3, 3))

    def random_call(rng):
        B, T, C, D, E = rng.integers(1, 6, size=5)
        return "head", *(rng.normal(size=n) for n in ((B, T, C), (C, D), (C, D), (C, E)))

    def refusals(rng):
        x, w = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5))
        yield "head", x, w, w, rng.normal(size=(3, 5))
        yield "head", x, w, rng.normal(size=(4, 1)), w
        yield "head", x[0], w, w, w

    class steps:
        def project(x, w_q, w_k, w_v):
            return x @ w_q, x @ w_k, x @ w_v

        def scores(q, k):
            return q @ k.transpose(-2, -1)

        def scale(scores, x, q):
            return scores / q.shape[-1] ** 0.5

        def future(T):
            return torch.ones(T, T, dtype=torch.bool).triu(1)

        def hide(scores, future):
            return scores.masked_fill(future, -torch.inf)

        def share(scores):
            return scores.softmax(dim=-1)

        def mix(weights, x, k, v):
            return weights @ v

        def give(out, weights, scores):
            return out, weights

    def whole(steps):
        def head(x, w_q, w_k, w_v):
            q, k, v = steps.project(x, w_q, w_k, w_v)
            scores = steps.scale(steps.scores(q, k), x, q)
            scores = steps.hide(scores, steps.future(x.shape[1]))
            weights = steps.share(scores)
            return steps.give(steps.mix(weights, x, k, v), weights, scores)

        return {"head": head}

    class properties:
        def rows_add_up_to_one(f, result, x, *matrices):
            total = result[1].sum(axis=-1)
            if np.abs(total - 1).max() > 1e-6:
                worst = np.unravel_index(np.abs(total - 1).argmax(), total.shape)
                return f"Row {worst[-1]} of the weights adds up to {total[worst]:.10g}, not to 1."

        def no_weight_in_the_future(f, result, x, *matrices):
            ahead = np.argwhere(np.abs(np.triu(result[1], 1)) > 1e-9)
            if len(ahead):
                _, t, s = ahead[0]
                return f"Position {t} gives weight to position {s}, which comes later."

        def the_past_is_blind_to_the_future(f, result, x, *matrices):
            changed = x.copy()
            changed[:, -1] += 1
            if differ(f.head(changed, *matrices)[0][:, :-1], result[0][:, :-1]):
                return "Adding 1 to the last position changes the output of one before it."

        def a_sequence_is_alone(f, result, x, *matrices):
            if differ(f.head(x[:1], *matrices)[1], result[1][:1]):
                return "The first sequence has other weights when the others are left out."

        def the_scale_is_the_root_of_D(f, result, x, w_q, w_k, w_v):
            products, D = ((x @ w_q) @ (x @ w_k).swapaxes(-1, -2))[:, -1], w_q.shape[-1]
            if products.shape[-1] < 3 or products.max() > 100:
                return None  # too few scores to tell a factor from something else
            a, b = (
                y - y.mean(axis=-1, keepdims=True) for y in (products, np.log(result[1][:, -1]))
            )
            slope = (a * b).sum() / (a * a).sum()
            if np.abs(b - slope * a).max() < 1e-9 and abs(slope - D**-0.5) > 1e-9:
                return (
                    f"The weights are those of q times k multiplied by {slope:.3g}. With {D} "
                    f"channels it should be 1 over the root of {D}: {D**-0.5:.3g}."
                )

        def out_is_weights_times_values(f, result, x, w_q, w_k, w_v):
            if differ(result[1] @ (x @ w_v), result[0]):
                return "The output is not weights @ v, with the weights that you return."

    class variants:
        def hide__large_number(scores, future):
            return scores.masked_fill(future, -1e9)

    class slips:
        def project__turned(x, w_q, w_k, w_v):
            """The matrices were turned (w.T), which is how torch's Linear keeps them. Here a row
            of x meets the columns of w: no turn is needed."""
            return x @ w_q.T, x @ w_k.T, x @ w_v.T

        def project__matrices_first(x, w_q, w_k, w_v):
            """The matrices stand on the left. A position is a row here, and its channels stand
            last: they must meet the rows of a matrix, on the right."""
            return w_q @ x, w_k @ x, w_v @ x

        def project__keys_by_w_q(x, w_q, w_k, w_v):
            """The keys went through w_q. To ask and to be found are two things: each has its own
            matrix."""
            return x @ w_q, x @ w_q, x @ w_v

        def project__queries_by_w_k(x, w_q, w_k, w_v):
            """The queries went through w_k. To ask and to be found are two things: each has its
            own matrix."""
            return x @ w_k, x @ w_k, x @ w_v

        def scores__not_turned(q, k):
            """This behaves like q @ k. A row of q must meet each row of k, not its columns: which
            two axes of k have to change places?"""
            return q @ k

        def scores__turned_wholly(q, k):
            """This behaves like k.T, which turns all axes round, the sequences too. Only the last
            two should change places."""
            return q @ k.permute(2, 1, 0)

        def scores__turned_in_front(q, k):
            """This swaps sequences and positions. Only the last two axes of k should change
            places."""
            return q @ k.transpose(0, 1)

        def scores__swapped(q, k):
            """These are the scores of the keys asking the queries. Rows ask, columns answer: who
            is asking in your matrix?"""
            return k @ q.transpose(-2, -1)

        def scale__none(scores, x, q):
            """These are the weights without a scale. Products of D channels grow with the root of
            D: divide the scores by it before the softmax."""
            return scores

        def scale__by_D(scores, x, q):
            """These are the weights with the scores divided by D itself. It is the deviation of
            the product that grows, and a deviation is a root."""
            return scores / q.shape[-1]

        def scale__by_two_D(scores, x, q):
            """The scores were divided by D, and then by 2: in Python / D ** 1/2 does that, from left
            to right. Brackets around 1/2, or D ** 0.5, say what you mean."""
            return scores / q.shape[-1] / 2

        def scale__by_half_D(scores, x, q):
            """The scores were divided by D / 2. In Python D ** 1/2 is half of D, since powers come
            before division: brackets around 1/2, or D ** 0.5, say what you mean."""
            return scores / (q.shape[-1] / 2)

        def scale__by_C(scores, x, q):
            """Your scale is the root of C, the channels of x. A product of q and k sums over
            the channels of the head: how many numbers does a query have?"""
            return scores / x.shape[-1] ** 0.5

        def scale__by_T(scores, x, q):
            """Your scale is the root of T: it changes with the length of the text. Which length is
            summed inside one product of q and k?"""
            return scores / x.shape[-2] ** 0.5

        def future__none(T):
            """Nothing is hidden here: every position reads what it will have to guess. masked_fill
            returns a new tensor: is that one kept?"""
            return torch.zeros(T, T, dtype=torch.bool)

        def future__and_itself(T):
            """The diagonal is hidden too: no position sees itself, and row 0 sees nothing at all.
            May a position look at itself?"""
            return torch.ones(T, T, dtype=torch.bool).triu()

        def future__past(T):
            """The mask is turned round: it hides the past and lets the future be seen. On which
            side of the diagonal do later positions stand?"""
            return torch.ones(T, T, dtype=torch.bool).tril()

        def future__past_without_itself(T):
            """The mask is turned round: it hides the past and lets the future be seen. On which
            side of the diagonal do later positions stand?"""
            return torch.ones(T, T, dtype=torch.bool).tril(-1)

        def hide__zero(scores, future):
            """The future has the score 0 here, and exp(0) is 1: it still gets weight. 0 is
            neutral, not never. Which score means never?"""
            return scores.masked_fill(future, 0)

        def hide__finite(scores, future):
            """Nearly: the future has a finite score here, and one of the past may lie below it. A
            model can learn any score; only -inf means never."""
            return scores.masked_fill(future, -1e5)

        def share__over_queries(scores):
            """These are the weights you get when the softmax runs over the queries (dim 1, or -2).
            Each query must share out 1 among the keys: add up one row."""
            return scores.softmax(dim=-2)

        def share__over_sequences(scores):
            """The softmax runs along axis 0, over the sequences: so does F.softmax when it is
            not told a dim. Each query must share out 1 among the keys."""
            return scores.softmax(dim=0)

        def share__twice(scores):
            """These weights went through the softmax twice. What does softmax do to numbers that
            all lie between 0 and 1? It makes them almost equal."""
            return scores.softmax(dim=-1).softmax(dim=-1)

        def share__overflow(scores):
            """Right on paper, but exp(250000) is infinite here. What may you subtract from every
            score of a row without changing the ratio? Torch's softmax does."""
            return scores.exp() / scores.exp().sum(dim=-1, keepdim=True)

        class hidden_after:
            """The future was cut off after the softmax: a row now adds up to less than 1. Its rest
            was spent on keys that it may not see. Hide before you share."""

            def hide(scores, future):
                return scores

            def share(scores):
                return scores.softmax(dim=-1).tril()

        class hidden_after_and_divided_again:
            """The future was cut off after the softmax, and the rest stretched to 1. Right on
            paper, but where the future had taken everything, 0 / 0 remains. Hide before you
            share."""

            def hide(scores, future):
                return scores

            def share(scores):
                weights = scores.softmax(dim=-1).tril()
                return weights / weights.sum(dim=-1, keepdim=True)

        def share__in_32_bits(scores):
            """The weights are a table of 32-bit floats, as torch.zeros makes it, and do not meet
            the values, of 64 bits. Which argument gives a table the type of x?"""
            return scores.softmax(dim=-1).float()

        def give__in_32_bits(out, weights, scores):
            """The output is right to seven digits only: it went through a table of 32-bit floats,
            which is what torch.zeros makes. Which argument gives it the type of x?"""
            return out.float(), weights

        def mix__x(weights, x, k, v):
            """The weights mix x itself. Each position should first say what it will give: that is
            what w_v is for."""
            return weights @ x

        def mix__keys(weights, x, k, v):
            """The weights mix the keys. To be found and to give are two things: what a position
            gives is its value."""
            return weights @ k

        def give__out_alone(out, weights, scores):
            """Only the output is returned. Return both, the output and then the weights."""
            return out

        def give__turned_round(out, weights, scores):
            """The weights come first here. Return the output, then the weights."""
            return weights, out

        def give__out_turned(out, weights, scores):
            """The output is turned: it has a row for each channel. It should have a row for each
            position, as x has."""
            return out.transpose(-2, -1), weights
