"""Checks of day3/model.py. What each part is for stands in study/naming.py."""

import runpy

import numpy as np
import torch
import torch.nn.functional as F

from attention_numpy import attention
from decoding import choose
from model import (  # noqa: F401  methods are called on these
    GPT,
    Config,
    FeedForward,
    LayerNorm,
    MultiHeadAttention,
    PositionalEncoding,
    TransformerBlock,
    check_ids,
)


def differ(a, b):
    return np.shape(a) != np.shape(b) or not np.allclose(a, b, 1e-9, 1e-9, equal_nan=True)


def slope(module, x):
    """Where a pull on each number that a module gives would move x."""
    x = x.detach().clone().requires_grad_()
    out = module(x * 1)  # what is not a leaf may be written to
    if not out.requires_grad:
        return torch.zeros_like(x)
    pull = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
    (moved,) = torch.autograd.grad(out, x, pull, allow_unused=True)
    return torch.zeros_like(x) if moved is None else moved


def slip(sentence, **steps):
    """A slip that stands in for several steps, where each is an expression."""
    return type("slip", (), {"__doc__": sentence} | steps)


def over(dims, sentence):
    """The slip of taking mean and variance over other axes."""
    return slip(
        sentence,
        mean=lambda x: x.mean(dim=dims(x), keepdim=True),
        variance=lambda x: x.var(dim=dims(x), keepdim=True, unbiased=False),
    )


def with_eps(eps):
    return slip(
        """Right but for eps, which shows in a row that hardly varies. Each family of models has its
        own; ours is that of GPT-2 and of torch, 1e-5.""",
        root=lambda variance: (variance + eps).sqrt(),
    )


class exercise_3_1:
    title = "layer norm, as a module"
    minutes = 15
    returns = ("slope", "bare result", "result")
    advice = (
        (r"Dimension out of range", "x may have any number of axes; the channels are on the last."),
        (r"normalized_shape", "F.layer_norm asks what is normed together: the channels alone."),
    )
    hints = (
        (
            "Set every gain to 1 and every bias to 0, and look at one row of the result: what is its "
            "mean, and what its variance? Then change another row. May this one move?"
        ),
        (
            "It is layer norm of day 1: each position alone, over its channels. Here eps is 1e-5, x may "
            "have any number of axes, and torch's variance is not NumPy's: what does it divide by?"
        ),
        (
            "x.mean and x.var, both with dim=-1 and keepdim=True; x.var wants unbiased=False besides. "
            "1e-5 joins the variance under the root. self.gain multiplies, then self.bias is added."
        ),
        (
            "mean = x.mean(dim=-1, keepdim=True); variance = x.var(dim=-1, keepdim=True, "
            "unbiased=False); (x - mean) / (variance + 1e-5).sqrt() * self.gain + self.bias."
        ),
    )

    def calls(rng):
        yield "LayerNorm.forward", (4,), np.array([[0.0, 0, 2, 2], [1, 1, 1, 5]])
        yield "LayerNorm.forward", (4,), np.array([[0.0, 0, 0.002, 0.002]])  # eps shows
        yield "LayerNorm.forward", (4,), np.array([3.0, 1, 2, 6])
        B, H, T, C = 2, 3, 5, 4
        x = rng.normal(size=(B, T, C)) * 3 + 1
        yield "LayerNorm.forward", (C,), x
        yield "LayerNorm.forward", (6,), rng.normal(size=(B, H, T, 6))
        yield "LayerNorm.forward", (3,), rng.normal(size=(3, 3, 3))
        # rows that hardly vary, and one that does not at all: eps is what is left
        yield "LayerNorm.forward", (C,), x / 1000
        yield "LayerNorm.forward", (C,), np.concatenate([x[0] / 1000, np.full((1, C), 7.0)])

    def random_call(rng):
        *shape, C = rng.integers(2, 6, size=rng.integers(1, 5))
        x = rng.normal(size=(*shape, C)) * rng.choice([0.01, 1, 10]) + rng.normal()
        return "LayerNorm.forward", (int(C),), x

    def reading(f, result, self, x):
        """The result, what comes without gain and bias, and how both would move x."""
        if not torch.is_tensor(result) or result.shape != x.shape:
            return None if result is None else (x, x, result)
        moved = slope(self, x)
        with torch.no_grad():
            self.gain.fill_(1)
            self.bias.zero_()
        return moved, self(x), result

    class steps:
        def mean(x):
            return x.mean(dim=-1, keepdim=True)

        def variance(x):
            return x.var(dim=-1, keepdim=True, unbiased=False)

        def centre(x, mean):
            return x - mean

        def root(variance):
            return (variance + 1e-5).sqrt()

        def divide(centred, root):
            return centred / root

        def scale(self, normal):
            return normal * self.gain

        def shift(self, scaled):
            return scaled + self.bias

        def finish(out):
            return out

    def whole(steps):
        def forward(self, x):
            centred = steps.centre(x, steps.mean(x))
            normal = steps.divide(centred, steps.root(steps.variance(x)))
            return steps.finish(steps.shift(self, steps.scale(self, normal)))

        return {"LayerNorm.forward": forward}

    class properties:
        def near_is_not_equal(f, result, made, x):
            own = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1) + 1e-5)[..., None]
            if 1e-9 < np.abs(result[1] - own).max() < 1e-4:
                return (
                    "Right to four digits or more, but not to the last: is eps 1e-5, and does x "
                    "stay a float of 64 bits?"
                )

        def mean_of_a_row_is_0(f, result, made, x):
            mean = result[1].mean(axis=-1)
            if np.abs(mean).max() > 1e-9:
                worst = mean.flat[np.abs(mean).argmax()]
                return f"With gain 1 and bias 0 a row has the mean {worst:.3g}. It should have 0."

        def variance_of_a_row_is_1(f, result, made, x):
            variance, own = result[1].var(axis=-1), x.var(axis=-1)
            off = np.abs(variance - own / (own + 1e-5))
            if off.max() > 1e-9:
                seen, wanted = (v.flat[off.argmax()] for v in (variance, own / (own + 1e-5)))
                return (
                    f"With gain 1 and bias 0 a row has the variance {seen:.6g}. With an eps of 1e-5 "
                    f"it should have {wanted:.6g}."
                )

        def a_row_stands_alone(f, result, made, x):
            if x.ndim > 1 and differ(
                getattr(f, "LayerNorm.forward")(made, x[:1])[1], result[1][:1]
            ):
                return "The first row of x comes out otherwise when the other rows are taken away."

    class slips:
        over_the_batch = over(
            lambda x: 0,
            """Mean and variance run over the first axis: one sample changes because another does.
            Each position norms its own channels, on the last axis.""",
        )
        over_all_positions = over(
            lambda x: (*range(x.ndim - 1),) or 0,
            """Every channel is normed over all positions and sequences, as batch norm does: one word
            changes because another does. Norm each position over its channels.""",
        )
        over_everything = over(
            lambda x: None,
            """There is a single mean and variance for all of x: early positions know of later ones.
            Each position norms its own channels, on the last axis.""",
        )
        over_time = over(
            lambda x: -2,
            """With x (B, T, C), mean and variance run over T: a position changes because another one
            does. The channels are on the last axis, however many axes there are.""",
        )
        over_axis_1 = over(lambda x: 1, over_time.__doc__)
        over_axis_2 = over(
            lambda x: 2,
            """Right where x has three axes. x may have any number of them, and the channels are always
            on the last. How does one count axes from the end?""",
        )

        axes_lost = slip(
            """A mean or a variance has lost its axis, and no longer fits x. Which argument keeps the
            axis, with the length 1?""",
            mean=lambda x: x.mean(dim=-1),
            variance=lambda x: x.var(dim=-1, unbiased=False),
        )
        axis_of_mean_lost = slip(axes_lost.__doc__, mean=axes_lost.mean)
        axis_of_variance_lost = slip(axes_lost.__doc__, variance=axes_lost.variance)

        def variance__unbiased(x):
            """The squares were divided by C - 1: torch's var and std do that, unless told not to.
            Layer norm wants the variance of these very numbers: divide by C."""
            return x.var(dim=-1, keepdim=True)

        def variance__of_the_squares(x):
            """Under the root stands the mean of x squared. The variance measures distances from the
            mean: take it away before you square."""
            return (x**2).mean(dim=-1, keepdim=True)

        rms = slip(
            """The mean is never taken away: this is RMSNorm, of newer models. Layer norm moves a row to
            mean 0 first, and measures its spread from there.""",
            centre=lambda x, mean: x,
            variance=lambda x: (x**2).mean(dim=-1, keepdim=True),
        )

        def centre__none(x, mean):
            """The variance knows the mean, but above the line stands x itself: the rows do not have
            mean 0. The distance from the mean is what is divided."""
            return x

        def root__no_eps(variance):
            """Right until a row hardly varies: eps is missing. With 1e-5 beside the variance, a row of
            equal numbers does not become 0 / 0."""
            return variance.sqrt()

        def root__eps_outside(variance):
            """Here eps is added after the root. Nearly the same where a row varies, not where it hardly
            does: it joins the variance, under the root."""
            return variance.sqrt() + 1e-5

        eps_beside_std = slip(  # where it is 0, std has the slope 0
            root__eps_outside.__doc__,
            root=lambda variance: variance.clamp(min=1e-300).sqrt() + 1e-5,
        )
        eps_3, eps_6, eps_7, eps_8, eps_12 = map(with_eps, (1e-3, 1e-6, 1e-7, 1e-8, 1e-12))

        def root__none(variance):
            """This divides by the variance. The deviation is its root: without it, rows of ten times
            the size come out at a tenth."""
            return variance + 1e-5

        def scale__none(self, normal):
            """Changing the gain changes nothing. Multiply each channel by its own gain before the bias
            is added."""
            return normal

        def scale__one_more(self, normal):
            """This multiplies by 1 + gain, as Gemma does with gains that are stored that way. Ours is
            the gain itself: it begins at 1."""
            return normal * (1 + self.gain)

        def shift__none(self, scaled):
            """Changing the bias changes nothing. Add each channel's own bias at the end."""
            return scaled

        neither = slip(
            """Each row has mean 0 and variance 1, and that is all: gain and bias change nothing. What
            did __init__ make them for?""",
            scale=scale__none,
            shift=shift__none,
        )
        exchanged = slip(
            """Gain and bias have changed places: the bias multiplies here, and the gain is added. Which
            of them begins at 1, which at 0?""",
            scale=lambda self, normal: normal * self.bias,
            shift=lambda self, scaled: scaled + self.gain,
        )
        bias_first = slip(
            """The bias was added before the gain, and so multiplied by it. First the gain, then the
            bias.""",
            scale=lambda self, normal: (normal + self.bias) * self.gain,
            shift=shift__none,
        )
        detached = slip(
            """The values are right, the slopes are not: mean and variance depend on x as well, and the
            gradient has to pass through them. Is something detached?""",
            mean=lambda x: x.mean(dim=-1, keepdim=True).detach(),
            variance=lambda x: x.var(dim=-1, keepdim=True, unbiased=False).detach(),
        )
        detached_mean = slip(detached.__doc__, mean=detached.mean)
        detached_variance = slip(detached.__doc__, variance=detached.variance)

        def finish__without_slope(out):
            """The values are right, but no gradient comes back through them: nothing below could learn.
            Is it no_grad, .data, .item or another way out of torch?"""
            return out.detach()


ROUNDED = 1e-5  # the table of angles is made in 32 bits


def complex_pairs(x):
    """(..., D) -> (..., D / 2)."""
    return x[..., 0::2] + 1j * x[..., 1::2]


class exercise_3_2:
    title = "rotary positions"
    minutes = 35
    advice = (
        (
            r"last dimension of size 2|stride of 1",
            "A complex number is made of an axis of length 2, the last one: unflatten the channels.",
        ),
    )
    hints = (
        (
            "Compare lengths: a turn changes none. Then position 0, whose angle is 0: it must come out as "
            "it went in. Then turn a part of the sequence alone, with its own start."
        ),
        (
            "The table holds a cosine and a sine for each position and each pair. Which of its rows does "
            "x need? A pair (a, b) is a point in a plane: what are its coordinates after a turn?"
        ),
        (
            "self.turn[start : start + T] has the shape (T, D / 2, 2), and its last axis is cos, sin. "
            "x[..., 0::2] and x[..., 1::2] are the numbers of the pairs. torch.stack joins them again."
        ),
        (
            "cos, sin = rows.unbind(-1); a and b turn into a * cos - b * sin and a * sin + b * cos. "
            "torch.stack((new_a, new_b), dim=-1).flatten(-2) puts the pairs side by side again."
        ),
    )

    def calls(rng):
        turn = "PositionalEncoding.forward"
        yield turn, (3, 2), np.array([[[[1.0, 0], [1, 0], [0, 2]]]])
        yield turn, (4, 4), np.array([[[[1.0, 0, 2, 1], [3, 1, 0, 2]]]]), 1
        B, H, T, D, context = 2, 3, 5, 6, 9
        yield turn, (context, D), rng.normal(size=(B, H, T, D))
        yield turn, (context, D), rng.normal(size=(B, H, T, D)), 2
        yield turn, (context, D), rng.normal(size=(B, H, T, D)), context - T
        yield turn, (context, D), rng.normal(size=(B, H, 1, D)), 4  # the next symbol
        # all sizes equal: what fits nowhere else runs here
        yield turn, (4, 4), rng.normal(size=(4, 4, 4, 4))

    def random_call(rng):
        B, H, T = rng.integers(1, 5, size=3).tolist()
        D, start = 2 * int(rng.integers(1, 4)), int(rng.integers(4))
        made, x = (start + T + int(rng.integers(3)), D), rng.normal(size=(B, H, T, D))
        given = () if start == 0 and rng.random() < 0.5 else (start,)
        return "PositionalEncoding.forward", made, x, *given

    class steps:
        def rows(self, x, start):
            return self.turn[start : start + x.shape[-2]]  # (T, D / 2, 2)

        def parts(rows):
            return rows.unbind(-1)

        def split(x):
            return x[..., 0::2], x[..., 1::2]

        def cross(a, b, cos, sin):
            return a * cos - b * sin, a * sin + b * cos

        def join(a, b):
            return torch.stack((a, b), dim=-1).flatten(-2)

        def finish(out, x, rows):
            return out

    def whole(steps):
        def forward(self, x, start=0):
            rows = steps.rows(self, x, start)
            cos, sin = steps.parts(rows)
            out = steps.join(*steps.cross(*steps.split(x), cos, sin))
            return steps.finish(out, x, rows)

        return {"PositionalEncoding.forward": forward}

    class properties:
        def position_0_stays(f, result, made, x, start=0):
            if start == 0 and differ(result[:, :, 0], x[:, :, 0]):
                return "At position 0 every angle is 0, but x comes out changed there."

        def a_turn_keeps_lengths(f, result, made, x, start=0):
            before, after = (np.linalg.norm(y, axis=-1) for y in (x, result))
            off = np.abs(after - before)
            if off.max() > ROUNDED:
                a, b = (y.flat[off.argmax()] for y in (before, after))
                return f"A row of length {a:.3g} comes out {b:.3g} long. A turn keeps lengths."

        def the_distance_alone_counts(f, result, made, x, start=0):
            there = getattr(f, "PositionalEncoding.forward")(made, x, 0) if start else result
            products, others = (y @ y.swapaxes(-1, -2) for y in (result, there))
            if np.abs(products - others).max() > ROUNDED:
                return (
                    f"The products of turned rows are others from position {start} on than from 0."
                )

        def a_part_goes_on(f, result, made, x, start=0):
            if x.shape[2] > 1:
                rest = getattr(f, "PositionalEncoding.forward")(made, x[:, :, 1:], start + 1)
                if differ(rest, result[:, :, 1:]):
                    return (
                        f"Without its first position and with start {start + 1}, the rest of x comes "
                        "out otherwise than in the whole."
                    )

        def heads_turn_alike(f, result, made, x, start=0):
            turn = getattr(f, "PositionalEncoding.forward")
            if differ(turn(made, x[-1:, -1:], start), result[-1:, -1:]):
                return "The last head of the last sequence comes out otherwise when it is alone."

        def pairs_turn_by_their_angle(f, result, made, x, start=0):
            before, after = (complex_pairs(y) for y in (x, result))
            places = start + np.arange(x.shape[2])[:, None]
            wanted = places * 10000.0 ** (-np.arange(0, made[1], 2) / made[1])
            off = np.abs(after - before * np.exp(1j * wanted))
            if off.max() > ROUNDED and np.abs(np.abs(after) - np.abs(before)).max() < ROUNDED:
                *n, t, i = np.unravel_index(off.argmax(), off.shape)
                turned = np.angle(after[*n, t, i] / before[*n, t, i] / np.exp(1j * wanted[t, i]))
                return (
                    f"At position {start + t} the pair ({2 * i}, {2 * i + 1}) is turned by an angle that "
                    f"differs by {turned:.3g} from {wanted[t, i]:.3g}, which is the table's."
                )

    class accepts:
        halves = slip(
            """Right, in another convention: channel i makes a pair with channel i + D / 2, as in
            GPT-NeoX and Hugging Face's Llama. Ours, the paper's, pairs neighbours. Trained weights fit
            one of the two.""",
            split=lambda x: x.chunk(2, dim=-1),
            join=lambda a, b: torch.cat((a, b), dim=-1),
        )

        def cross__back(a, b, cos, sin):
            """Right, in another convention: the pairs turn the other way round. Scores see only how far
            apart two positions are turned, and that stays. Trained weights fit one of the two."""
            return a * cos + b * sin, b * cos - a * sin

        halves_back = slip(
            """Right, in another convention: channel i makes a pair with channel i + D / 2, and the pairs
            turn the other way round. Scores still see the distance alone. Trained weights fit one of
            these ways.""",
            split=halves.split,
            cross=cross__back,
            join=halves.join,
        )

        def join__side_by_side(a, b):
            """Right for the scores, in another order: all first numbers of the pairs come out, then all
            second ones. Queries and keys are sorted alike, so their products stay. Ours stay in
            place."""
            return torch.cat((a, b), dim=-1)

        def split__halves(x):
            """Right for the scores, in another order: channel i is paired with channel i + D / 2, and
            comes out beside it. Queries and keys are sorted alike, so their products stay."""
            return x.chunk(2, dim=-1)

        def finish__in_32_bits(out, x, rows):
            """Right to seven digits, as after floats of 32 bits: x passes through them, as in Meta's
            Llama, or the angles are your own. That is enough for training; here x had 64."""
            return out.float().to(x.dtype)

    class slips:
        def rows__start_ignored(self, x, start):
            """Every call begins at position 0 here. When a text is written, one symbol comes at a time,
            and `start` says where it stands."""
            return self.turn[: x.shape[-2]]

        def rows__from_one(self, x, start):
            """Every position is turned by one step too many, and the last finds no row in the table.
            Positions count from 0: position 0 has the angle 0."""
            return self.turn[start + 1 : start + 1 + x.shape[-2]]

        def rows__end_too_early(self, x, start):
            """The rows end at T. That is right while `start` is 0; T rows from `start` on end
            later."""
            return self.turn[start : x.shape[-2]]

        def rows__whole_table(self, x, start):
            """More rows of the table meet x than x has positions: the table has a row for every position
            of the context. x needs T of them, the first at `start`."""
            return self.turn

        rest_of_table = slip(
            rows__whole_table.__doc__, rows=lambda self, x, start: self.turn[start:]
        )

        def rows__start_alone(self, x, start):
            """All positions are turned by one angle, that of the first: swap two words, and no score
            changes. Position t of x has the row start + t."""
            return self.turn[start]

        def rows__as_many_as_heads(self, x, start):
            """The number of heads was taken for that of positions. x is (B, H, T, D): which axis has
            the positions, counted from the end?"""
            return self.turn[start : start + x.shape[1]]

        def rows__along_heads(self, x, start):
            """The angle grows from head to head, and all positions of a head share it. x is
            (B, H, T, D): along which axis should it grow?"""
            return self.turn[start : start + x.shape[1]][:, None]

        def parts__exchanged(rows):
            """Cosine and sine have changed places: position 0 is turned by a quarter. In the table the
            cosine comes first."""
            return rows[..., 1], rows[..., 0]

        def parts__one_speed(rows):
            """All pairs turn at the speed of the first: one column of the table serves for all. Later
            pairs should turn more slowly, each by its own column."""
            return rows[:, :1, 0], rows[:, :1, 1]

        def cross__no_sine(a, b, cos, sin):
            """Numbers are only multiplied by the cosine, so they shrink, and a quarter turn leaves 0. A
            turn also carries a part of each number over to its neighbour."""
            return a * cos, b * cos

        def cross__one_by_one(a, b, cos, sin):
            """The cosine meets only the first number of a pair, the sine only the second. A turn mixes
            them: each new number is made of both old ones."""
            return a * cos, b * sin

        def cross__no_minus(a, b, cos, sin):
            """Both sums have a plus, so lengths change. One product is taken away in a turn: a quarter
            turn sends (1, 0) to (0, 1), and (0, 1) to (-1, 0)."""
            return a * cos + b * sin, a * sin + b * cos

        def cross__overwritten(a, b, cos, sin):
            """The second number of a pair was made from the new value of the first. Both new numbers are
            made of both old ones: was one overwritten too early?"""
            a = a * cos - b * sin
            return a, a * sin + b * cos

        def finish__half(out, x, rows):
            """Only the first half of the channels is turned, and the rest left alone. Some models do
            that on purpose (GPT-J, GPT-NeoX); here all D / 2 pairs turn."""
            return torch.where(torch.arange(x.shape[-1]) < x.shape[-1] // 2, out, x)

        class mixed:
            """Two conventions are mixed: each angle stands at the two channels of a pair of neighbours,
            but the numbers that meet are D / 2 apart, or the other way round. So lengths change."""

            def split(x):
                return x.chunk(2, dim=-1)

            def cross(a, b, cos, sin):
                (c, d), (s, t) = (y.repeat_interleave(2, -1).chunk(2, -1) for y in (cos, sin))
                return a * c - b * s, b * d + a * t

            def join(a, b):
                return torch.cat((a, b), dim=-1)

        class mixed_otherwise(mixed):
            split, join = None, None

            def cross(a, b, cos, sin):
                c, s = (torch.cat((y, y), dim=-1) for y in (cos, sin))
                return a * c[..., 0::2] - b * s[..., 0::2], b * c[..., 1::2] + a * s[..., 1::2]

        def finish__complex(out, x, rows):
            """These are still complex numbers, half as many as x has. torch.view_as_real makes two
            numbers of each; then the last two axes have to become one."""
            return torch.view_as_complex(out.unflatten(-1, (-1, 2)))

        def finish__not_flat(out, x, rows):
            """Each pair still has an axis of its own: (B, H, T, D / 2, 2). The last two axes have to
            become one, as they are in x."""
            return out.unflatten(-1, (-1, 2))

        def finish__table_not_complex(out, x, rows):
            """Complex numbers meet the table as it is, with cosine and sine on an axis of their own.
            torch.view_as_complex makes one number of the two."""
            pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
            return torch.view_as_real(pairs * rows).flatten(-2)

        def finish__table_added(out, x, rows):
            """The table was added to x, as sinusoids were in 2017. Rotary positions turn: each pair is
            multiplied, as a complex number, by cos + i sin."""
            return x + rows.flatten(-2)

        def finish__unturned(out, x, rows):
            """Nothing is turned: x comes out as it went in. Without positions you can swap two words,
            and no score changes."""
            return x * 1


class Shown(Config):
    """A Config that shows what is not as usual."""

    def __repr__(self):
        own = {n: value for n, value in vars(self).items() if value != getattr(Config, n, None)}
        words = sorted(own.items(), key=lambda pair: not isinstance(pair[1], str))  # seen first
        return f"Config({', '.join(f'{n}={value!r}' for n, value in words)})"


def unlike_the_books(f, name, part, result, made, given):
    """Whether an answer is wrong at once already: then what is wrong in pieces would mislead."""
    return differ(getattr(f.books, name)(made, *given)[part], result[part])


def in_pieces(sequence):
    """Cut (B, T, ...) along T, so that some pieces hold one position and some hold more."""
    T = sequence.shape[1]
    pieces = sequence.tensor_split((T // 2, T - 1), dim=1)
    return [piece for piece in pieces if piece.shape[1]]


def lengths(sequence):
    """How long its pieces are, in words."""
    *most, last = (str(piece.shape[1]) for piece in in_pieces(torch.from_numpy(sequence)))
    return f"{', '.join(most)}{' and ' if most else ''}{last}"


def heads(y, H):
    """(B, T, C) -> (B, H, T, D)"""
    B, T, C = y.shape
    return y.view(B, T, H, C // H).transpose(1, 2)


def in_order(order):
    """A way to unpack queries, keys and values that are packed in another order."""

    def unpack(qkv, H):
        found = dict(zip(order, qkv.chunk(3, dim=-1), strict=True))
        return tuple(heads(found[name], H) for name in "qkv")

    unpack.__doc__ = f"""Right, in another packing: your layer holds {", ".join(order)}, and the
    book's q, k, v. With fresh weights the two are as good; weights of the book's model, or of
    GPT-2, would have to be sorted first."""
    return unpack


def lively(model):
    """The model with weights under which its likeliest text goes on changing."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.zero_()
            elif "query_key_value" in name:
                weight.mul_(3)
        model.norm.gain.fill_(-1)
    return model


def shares(logits, temperature, top_k, top_p):
    """The shares of the symbols by which `choose` draws. logits (B, V) -> (B, V)"""
    order = logits.argsort(dim=-1, descending=True)
    p = (logits.gather(-1, order) / temperature).softmax(dim=-1)
    p[:, top_k or p.shape[-1] :] = 0
    p /= p.sum(dim=-1, keepdim=True)
    p[p.cumsum(dim=-1) - p >= (top_p or 2)] = 0
    return torch.zeros_like(p).scatter(-1, order, p / p.sum(dim=-1, keepdim=True))


class exercise_3_3:
    title = "multi-head attention, with a cache"
    minutes = 60
    returns = ("number of keys in the cache", "output in pieces", "output", "weights")
    advice = (
        (
            r"view size is not compatible",
            "A view wants numbers that lie side by side: cut the channels first, transpose after.",
        ),
        (
            r"Sizes of tensors must match",
            "The cache grows along the positions, the last axis but one; all others must fit.",
        ),
        (
            r"The size of tensor a .* dimension 3",
            "With a cache there are more keys than queries: scores and mask are (T, S).",
        ),
        (
            r"KeyError: 'k'",
            "At the first call the cache is an empty dict: there are no keys in it yet.",
        ),
    )
    hints = (
        (
            "Watch the weights of three positions. Does each row add up to 1, with nothing in the "
            "future? Then feed the same positions one by one: do the outputs stay as they were?"
        ),
        (
            "One layer gives queries, keys and values side by side. Every head takes its own "
            "channels of each. Turn queries and keys by their place in the text, then remember, "
            "then mix."
        ),
        (
            "split or chunk the 3 C channels, view as (B, T, H, D), transpose. The start is the "
            "length of the cache. torch.cat keys and values along axis -2; tril(S - T) is the mask."
        ),
        (
            "attend: scores = q @ k.transpose(-2, -1) / math.sqrt(D), masked_fill(~causal(T, S, "
            "q.device), -torch.inf), softmax(dim=-1), @ v. The end: "
            "self.project(out.transpose(1, 2).reshape(B, T, C))."
        ),
    )

    def calls(rng):
        both = "learned", "rotary"
        for positions in both:
            config = (Shown(7, n_head=2, n_embd=4, positions=positions),)
            yield "MultiHeadAttention.forward", config, np.array([[[1.0, 0, 2, 0], [0, 3, 1, 1]]])
        B, H, T, D, S = 2, 3, 5, 4, 7
        for positions in both:
            config = (Shown(7, n_head=H, n_embd=H * D, positions=positions),)
            yield "MultiHeadAttention.forward", config, rng.normal(size=(B, T, H * D))
        q, k, v = (rng.normal(size=(B, H, n, D)) for n in (T, S, S))
        yield "MultiHeadAttention.attend", config, q, k, v
        yield "MultiHeadAttention.attend", config, q, q - 1, q + 1
        yield "MultiHeadAttention.attend", config, q[:, :, -1:], k, v
        yield "MultiHeadAttention.attend", config, 100 * q, 100 * k, v  # scores of thousands
        yield "MultiHeadAttention.forward", config, rng.normal(size=(B, 1, H * D))
        one_head = (Shown(7, n_head=1, n_embd=6),)
        yield "MultiHeadAttention.forward", one_head, rng.normal(size=(3, 7, 6))
        # as many positions as heads and channels: what fits nowhere else runs here
        square = (Shown(7, n_head=2, n_embd=4),)
        yield "MultiHeadAttention.forward", square, rng.normal(size=(2, 2, 4))
        yield "MultiHeadAttention.attend", square, *rng.normal(size=(3, 2, 2, 2, 2))

    def random_call(rng):
        B, T, H, half = rng.integers(1, [4, 7, 4, 4]).tolist()
        D = 2 * half
        positions = str(rng.choice(["rotary", "learned"]))
        config = (Shown(7, n_head=H, n_embd=H * D, positions=positions),)
        if rng.random() < 0.7:
            return "MultiHeadAttention.forward", config, rng.normal(size=(B, T, H * D))
        S = T + int(rng.integers(3))
        q, k, v = (rng.normal(size=(B, H, n, D)) for n in (T, S, S))
        return "MultiHeadAttention.attend", config, q, k, v

    def reading(f, result, self, *given):
        """The output at once and in pieces: of forward with a cache, of attend query by query; the
        weights, watched; and how long GPT.forward finds the cache after each piece.
        """
        if result is None:
            return None
        attends = len(given) == 3
        if not torch.is_tensor(result):
            kind = type(result).__name__
            raise TypeError(f"one tensor should be returned, and here it is a {kind}")
        self.watch = True
        watched, self.watch = (self.attend if attends else self.forward)(*given), False
        if watched.shape != result.shape or not torch.allclose(watched, result, equal_nan=True):
            result = watched
        weights, cache, lengths, pieces = self.weights, {}, [], []
        if attends:
            q, k, v = given
            T, S = q.shape[-2], k.shape[-2]
            for t, end in enumerate(range(S - T + 1, S + 1)):
                one = self.attend(q[..., t : t + 1, :], k[..., :end, :], v[..., :end, :])
                pieces.append(one)
        else:
            for piece in in_pieces(given[0]):
                pieces.append(self.forward(piece, cache))
                lengths.append(cache["k"].shape[-2] if "k" in cache else 0)
        return torch.tensor(lengths), torch.cat(pieces, dim=-2), result, weights

    def second(f, mine):
        """Whether attend gives what the learner's own attention of Day 1 gives, where that is right."""
        earlier = mine.parent.parent / "day1" / "attention_numpy.py"
        own = runpy.run_path(str(earlier))["attention"]
        config = (Shown(7, n_head=3, n_embd=12, positions="learned"),)
        B, H, T, D, S = 2, 3, 5, 4, 7
        rng = np.random.default_rng(0)
        q, k, v = (rng.normal(size=(B, H, n, D)) for n in (T, S, S))
        mask = np.tri(T, S, S - T, dtype=bool)
        if differ(own(q, k, v, mask)[0], attention(q, k, v, mask)[0]):
            return None
        if differ(
            getattr(f, "MultiHeadAttention.attend")(config, q, k, v)[2], own(q, k, v, mask)[0]
        ):
            return "Your own attention of Day 1 gives something else than your attend: begin there."
        return "Your own attention of Day 1 gives what your attend gives: look in forward."

    class steps:
        def unpack(qkv, H):
            return tuple(heads(part, H) for part in qkv.chunk(3, dim=-1))

        def start(cache):
            return cache["k"].shape[-2] if cache else 0

        def rotate(turn, q, k, v, start):
            return turn(q, start), turn(k, start), v

        def remember(cache, k, v, unturned, turn):
            if cache:
                k, v = torch.cat((cache["k"], k), dim=-2), torch.cat((cache["v"], v), dim=-2)
            if cache is not None:
                cache["k"], cache["v"] = k, v
            return k, v

        def merge(out):
            B, H, T, D = out.shape
            return out.transpose(1, 2).reshape(B, T, H * D)

        def project(self, out):
            return self.project(out)

        def scale(scores, self, q):
            return scores / q.shape[-1] ** 0.5

        def seen(T, S):
            return torch.ones(T, S, dtype=torch.bool).tril(S - T)

        def hide(scores, seen):
            return scores.masked_fill(~seen, -torch.inf)

        def share(scores):
            return scores.softmax(dim=-1)

        def watch(self, weights):
            if self.watch:
                self.weights = weights.detach()

    def whole(steps):
        def forward(self, x, cache=None):
            q, k, v = steps.unpack(self.query_key_value(x), self.H)
            start, unturned, turn = steps.start(cache), k, self.rotate
            if turn:
                q, k, v = steps.rotate(turn, q, k, v, start)
            k, v = steps.remember(cache, k, v, unturned, turn or (lambda k, start: k))
            return steps.project(self, steps.merge(self.attend(q, k, v)))

        def attend(self, q, k, v):
            scores = steps.scale(q @ k.transpose(-2, -1), self, q)
            scores = steps.hide(scores, steps.seen(q.shape[-2], k.shape[-2]))
            weights = steps.share(scores)
            steps.watch(self, weights)
            return weights @ v

        return {"MultiHeadAttention.forward": forward, "MultiHeadAttention.attend": attend}

    class properties:
        def rows_add_up_to_one(f, result, made, *given):
            total = result[3].sum(axis=-1)
            if np.abs(total - 1).max() > 1e-9:
                worst = np.unravel_index(np.abs(total - 1).argmax(), total.shape)
                return f"Row {worst[-1]} of the weights adds up to {total[worst]:.10g}, not to 1."

        def no_weight_in_the_future(f, result, made, *given):
            T, S = result[3].shape[-2:]
            ahead = np.argwhere(np.abs(np.triu(result[3], 1 + S - T)) > 1e-9)
            if len(ahead):
                t, s = ahead[0][-2:]
                return f"The query at position {t + S - T} gives weight to position {s}, later."

        def the_past_is_blind_to_the_future(f, result, made, x, *more):
            if more:
                return None
            changed = np.concatenate([x[:, :-1], x[:, -1:] + 1], axis=1)
            again = getattr(f, "MultiHeadAttention.forward")(made, changed)[2]
            if differ(again[:, :-1], result[2][:, :-1]):
                return "Adding 1 to the last position changes the output of one before it."

        def the_scale_is_the_root_of_D(f, result, made, q, k=None, v=None):
            if k is None or k.shape[-2] < 3:
                return None
            products, D = (q @ k.swapaxes(-1, -2))[..., -1, :], q.shape[-1]
            if np.abs(products).max() > 100:
                return None
            a, b = (
                y - y.mean(axis=-1, keepdims=True)
                for y in (products, np.log(result[3][..., -1, :]))
            )
            slope = (a * b).sum() / (a * a).sum()
            if np.abs(b - slope * a).max() < 1e-9 and abs(slope - D**-0.5) > 1e-9:
                return (
                    f"The weights are those of q times k multiplied by {slope:.3g}. With {D} "
                    f"channels in a head it should be 1 over the root of {D}: {D**-0.5:.3g}."
                )

        def the_cache_is_as_long_as_the_text(f, result, made, x, *more):
            ends = np.cumsum([piece.shape[1] for piece in in_pieces(torch.from_numpy(x))])
            if not more and differ(result[0], ends):
                n = np.flatnonzero(result[0] != ends)[0]
                return (
                    f"After {ends[n]} of {ends[-1]} positions, the number of keys in cache['k'] is "
                    f"{result[0][n]} (axis -2): all so far should be there, under that name."
                )

        def pieces_are_as_good_as_the_whole(f, result, made, *given):
            name = "MultiHeadAttention." + ("attend" if len(given) == 3 else "forward")
            if not differ(result[1], result[2]) or unlike_the_books(
                f, name, 2, result, made, given
            ):
                return None
            T = result[1].shape[-2]
            far = np.abs(result[1] - result[2]).max(axis=-1).reshape(-1, T).max(axis=0)
            place = np.flatnonzero(~(far < 1e-9))[0]
            if len(given) == 3:
                return (
                    f"Query by query, the output is another than at once, first at query {place}."
                )
            return (
                f"Fed in pieces of {lengths(given[0])} positions that share a cache, the text gets "
                f"another output than at once, first at position {place}."
            )

    class variants:
        def hide__large_number(scores, seen):
            return scores.masked_fill(~seen, -1e9)

    class slips:
        def unpack__by_view_alone(qkv, H):
            """A view alone never moves a number: head 0 got whole positions from the beginning of
            the text. Cut the channels first, as the last two axes, and then turn."""
            B, T, _ = qkv.shape
            return tuple(y.reshape(B, H, T, -1) for y in qkv.chunk(3, dim=-1))

        class never_turned:
            """The heads of a position look at each other here, and positions never meet: heads
            and positions stand on each other's axes. Which two axes should change places?"""

            def unpack(qkv, H):
                return tuple(heads(y, H).transpose(1, 2) for y in qkv.chunk(3, dim=-1))

            def merge(out):
                return out.flatten(2)

        def merge__by_view_alone(out):
            """The heads were glued without turning back: an output position is made of several
            positions of one head. Whose numbers should stand side by side?"""
            B, H, T, D = out.shape
            return out.reshape(B, T, H * D)

        def project__none(self, out):
            """The heads stand side by side and never talk to each other: the last layer is
            missing. What is `project` for?"""
            return out

        def rotate__none(turn, q, k, v, start):
            """Nothing was turned, so nobody knows how far away a key stands. Where positions are
            rotary, queries and keys have to be turned by their places."""
            return q, k, v

        def rotate__values_too(turn, q, k, v, start):
            """The values were turned too. Turning is for the question of distance, which queries
            and keys settle; what a position gives stays as it is."""
            return turn(q, start), turn(k, start), turn(v, start)

        def rotate__queries_only(turn, q, k, v, start):
            """Only the queries were turned. A distance shows where both are turned: two angles
            are subtracted in the product of a query and a key."""
            return turn(q, start), k, v

        def rotate__by_heads(turn, q, k, v, start):
            """All positions of a head were turned by the same angle, and every head by another. The
            axis that counts the places must stand last but one when it is turned."""
            q, k = (turn(y.transpose(1, 2), start).transpose(1, 2) for y in (q, k))
            return q, k, v

        def start__zero(cache):
            """Each piece believes that it stands at position 0. At once all is right; with a cache
            the new positions come after those that it holds. How many are they?"""
            return 0

        def remember__nothing(cache, k, v, unturned, turn):
            """The cache stays empty, so every piece knows itself alone. Keys and values should be
            there at the next call. Is an empty dict filled, too? It counts as False."""
            return k, v

        def remember__unturned(cache, k, v, unturned, turn):
            """The keys are turned while they are new, and kept as they were before: at the next
            call the old ones stand there unturned."""
            k, v = exercise_3_3.steps.remember(cache, k, v, None, None)
            if cache is not None:
                cache["k"] = torch.cat((k[..., : -unturned.shape[-2], :], unturned), dim=-2)
            return k, v

        def remember__turned_from_start(cache, k, v, unturned, turn):
            """With a cache, distances are wrong: the new queries and the keys that were kept do not
            count their places from the same beginning. Where should the oldest key stand, and where
            the first new query?"""
            start = cache["k"].shape[-2] if cache else 0
            k, v = exercise_3_3.steps.remember(cache, unturned, v, None, None)
            return turn(k, start), v

        def remember__new_alone(cache, k, v, unturned, turn):
            """The cache holds the last piece alone: what it held before was overwritten. It must
            grow, or the text is forgotten at every call."""
            if cache is not None:
                cache["k"], cache["v"] = k, v
            return k, v

        def remember__new_first(cache, k, v, unturned, turn):
            """The new keys and values were put in front of the old. The mask takes the queries for
            the last positions: at which end is now?"""
            if cache:
                k, v = torch.cat((k, cache["k"]), dim=-2), torch.cat((v, cache["v"]), dim=-2)
            if cache is not None:
                cache["k"], cache["v"] = k, v
            return k, v

        def remember__exchanged(cache, k, v, unturned, turn):
            """In the cache, keys and values have changed drawers: the next call compares with values,
            and mixes keys. What belongs under "k", what under "v"?"""
            k, v = exercise_3_3.steps.remember(cache, k, v, None, None)
            if cache is not None:
                cache["k"], cache["v"] = v, k
            return k, v

        def remember__as_heads(cache, k, v, unturned, turn):
            """The cache grows along the heads, axis 1. It is the positions that become more: which
            axis of (B, H, S, D) counts them?"""
            if cache:
                k, v = torch.cat((cache["k"], k), dim=1), torch.cat((cache["v"], v), dim=1)
            if cache is not None:
                cache["k"], cache["v"] = k, v
            return k, v

        def scale__none(scores, self, q):
            """These are the weights without a scale. Products of D channels grow with the root of
            D: divide the scores by it before the softmax."""
            return scores

        def scale__by_D(scores, self, q):
            """These are the weights with the scores divided by D itself. It is the deviation of the
            product that grows, and a deviation is a root."""
            return scores / q.shape[-1]

        def scale__by_keys(scores, self, q):
            """The scores are divided by the root of the number of keys, so they shrink as the text
            grows. A product of a query and a key sums over channels: how many?"""
            return scores / scores.shape[-1] ** 0.5

        def scale__by_queries(scores, self, q):
            """The scores are divided by the root of the number of queries: a symbol that comes alone
            gets other weights. A product of a query and a key sums over channels: how many?"""
            return scores / scores.shape[-2] ** 0.5

        def scale__by_C(scores, self, q):
            """Your scale is the root of C, of all channels. One product of a query and a key sums
            over the channels of a single head."""
            return scores / (q.shape[-1] * self.H) ** 0.5

        def seen__everything(T, S):
            """Every position sees all the others, the later ones too: it reads what it will have
            to guess. Is there a mask, and is its result used?"""
            return torch.ones(T, S, dtype=torch.bool)

        def seen__turned(T, S):
            """Every position sees itself and what comes after it. Rows ask, columns answer: on
            which side of the diagonal does the past lie?"""
            return torch.ones(T, S, dtype=torch.bool).triu(S - T)

        def seen__not_itself(T, S):
            """No position sees itself here, and the first one sees nothing at all. May a position
            look at itself?"""
            return torch.ones(T, S, dtype=torch.bool).tril(S - T - 1)

        def seen__from_the_corner(T, S):
            """The triangle is glued to the wrong corner: the first query sees key 0 alone. With
            older keys in front, the queries are the last T of S positions."""
            return torch.ones(T, S, dtype=torch.bool).tril()

        seen__from_the_corner_but_alone = slip(
            seen__from_the_corner.__doc__,
            seen=lambda T, S: torch.ones(T, S, dtype=torch.bool).tril(0 if T > 1 else S),
        )

        def seen__without_a_cache(T, S):
            """As soon as there are older keys, nothing is hidden. A piece of two positions comes
            after them: does its first one see its second?"""
            return torch.ones(T, S, dtype=torch.bool).tril(0 if S == T else S)

        def hide__zero(scores, seen):
            """A hidden key has the score 0 here, and exp(0) is 1: it still gets weight. 0 is
            neutral, not never. Which score means never?"""
            return scores.masked_fill(~seen, 0)

        class hidden_after:
            """The mask came after the softmax: the weights of hidden keys were set to 0, and a row no
            longer adds up to 1. What they took is lost. Mask scores, not weights."""

            def hide(scores, seen):
                return scores

            def share(scores):
                return scores.softmax(dim=-1).tril(scores.shape[-1] - scores.shape[-2])

        def share__over_queries(scores):
            """The softmax runs over the queries (axis -2). Each query must share out 1 among the
            keys: add up one row."""
            return scores.softmax(dim=-2)

        def watch__never(self, weights):
            """The output is right, but nobody can watch: where `watch` is set, the weights of the
            last call should stay in `weights`."""

    class accepts:
        def unpack__head_by_head(qkv, H):
            """Right, in another packing: each head has its q, k and v side by side, as in GPT-NeoX.
            The book packs all queries first. With fresh weights the two are as good; given weights
            would have to be sorted."""
            B, T, _ = qkv.shape
            return qkv.view(B, T, H, -1).transpose(1, 2).chunk(3, dim=-1)

        def unpack__heads_take_turns(qkv, H):
            """Right, in another packing: the heads take turns in the channels, where in the book
            each has a run of its own. With fresh weights the two are as good; given weights would
            have to be sorted."""
            B, T, _ = qkv.shape
            return qkv.view(B, T, 3, -1, H).permute(2, 0, 4, 1, 3).unbind()

        class heads_take_turns:
            """Right, in another packing: the heads take turns in the channels, where in the book
            each has a run of its own. With fresh weights the two are as good; given weights would
            have to be sorted."""

            def unpack(qkv, H):
                return exercise_3_3.accepts.unpack__heads_take_turns(qkv, H)

            def merge(out):
                return out.permute(0, 2, 3, 1).flatten(2)

        unpack__qvk, unpack__kqv, unpack__kvq, unpack__vqk, unpack__vkq = map(
            in_order, ("qvk", "kqv", "kvq", "vqk", "vkq")
        )


def sizes(C, H=1, **more):
    return Shown(vocab_size=2, n_head=H, n_embd=C, **more)


class exercise_3_4:
    title = "feed-forward, and the block"
    minutes = 25
    returns = (
        "result in training",
        "result in pieces, with a cache",
        "result of silent branches",
        "result",
    )
    advice = (
        (r"NoneType", "Something gave None: is a `return` missing in one of the two?"),
        (
            r"gelu\(\) takes|'str' object",
            "F.gelu takes the word in self.gelu by name: approximate.",
        ),
    )
    hints = (
        (
            "Silence both branches, by weights of 0: the block must give x back. Then wake one of them "
            "at a time. What does it read, and to what is its word added?"
        ),
        (
            "The feed-forward bends what is wide: between its two layers, and as its setting says. In the "
            "block each branch reads a normed copy of the stream, and adds its word to the stream."
        ),
        (
            "F.gelu takes approximate=self.gelu. In the block each norm and each branch is called once; "
            "the cache goes to attention; self.dropout is for a branch's word, before it is added."
        ),
        (
            "FeedForward: self.project(F.gelu(self.widen(x), approximate=self.gelu)). Block: x = x + "
            "self.dropout(self.attention(self.norm_1(x), cache)), and alike with self.feed_forward."
        ),
    )

    def calls(rng):
        feed_forward, block = "FeedForward.forward", "TransformerBlock.forward"
        yield feed_forward, (sizes(2),), np.array([[[1.0, -1], [2, 0]]])
        yield feed_forward, (sizes(2, gelu="none"),), np.array([[[1.0, -1], [2, 0]]])
        yield block, (sizes(4),), np.array([[[1.0, -1, 0, 2], [2, 0, 1, 1], [0, 1, 3, 0]]])
        B, T, C, H = 2, 5, 6, 3
        for gelu in ("tanh", "none"):
            yield feed_forward, (sizes(C, H, gelu=gelu),), rng.normal(size=(B, T, C)) * 2
        yield block, (sizes(C, H, dropout=0.5),), rng.normal(size=(B, T, C))
        learned = {"gelu": "none", "positions": "learned"}
        yield block, (sizes(C, 2, dropout=0.25, **learned),), rng.normal(size=(B, T, C))

    def random_call(rng):
        H, D, B, T = rng.integers(1, 4, size=4).tolist()
        gelu, dropout = str(rng.choice(["tanh", "none"])), float(rng.choice([0, 0.2, 0.5]))
        made = (sizes(2 * D * H, H, gelu=gelu, dropout=dropout),)
        name = str(rng.choice(["FeedForward.forward", "TransformerBlock.forward"]))
        return name, made, rng.normal(size=(B, T, 2 * D * H))

    def reading(f, result, self, x):
        """Of a block also what it gives in training, with the same throws; what it gives when x
        comes in pieces, with a cache; and what is left when both branches say 0.
        """
        if type(self).__name__ == "FeedForward" or result is None:
            return result
        if not torch.is_tensor(result) or result.shape != x.shape:
            return x, x, x, result
        x, cache = x.detach(), {}
        pieces = torch.cat([self(piece.clone(), cache) for piece in x.split(2, dim=1)], dim=1)
        torch.default_generator.manual_seed(1)
        training = self.train()(x)
        with torch.no_grad():
            for last in (self.attention.project, self.feed_forward.project):
                last.weight.zero_()
                last.bias.zero_()
        return training, pieces, self.eval()(x), result

    class steps:
        def widened(self, x):
            return self.widen(x)

        def bend(self, wide):
            return F.gelu(wide, approximate=self.gelu)

        def narrow(self, bent):
            return self.project(bent)

        def say(said, x):
            return said

        def read_1(self, x):
            return self.norm_1(x)

        def gather(self, read, cache):
            return self.attention(read, cache)

        def drop_1(self, said):
            return self.dropout(said)

        def add_1(self, x, said, read):
            return x + said

        def read_2(self, x, before):
            return self.norm_2(x)

        def think(self, read, cache):
            return self.feed_forward(read)

        def drop_2(self, said):
            return self.dropout(said)

        def add_2(self, x, said, read, before):
            return x + said

    def whole(steps):
        def feed_forward(self, x):
            return steps.say(steps.narrow(self, steps.bend(self, steps.widened(self, x))), x)

        def block(self, x, cache=None):
            read, before = steps.read_1(self, x), x
            x = steps.add_1(self, x, steps.drop_1(self, steps.gather(self, read, cache)), read)
            read = steps.read_2(self, x, before)
            said = steps.drop_2(self, steps.think(self, read, cache))
            return steps.add_2(self, x, said, read, before)

        return {"FeedForward.forward": feed_forward, "TransformerBlock.forward": block}

    class properties:
        def silent_branches_leave_x(f, result, made, x):
            """result of silent branches"""
            if isinstance(result, tuple) and differ(result[2], x):
                return "With branches that say 0, the block must give x back, and here it does not."

        def pieces_make_the_whole(f, result, made, x):
            name = "TransformerBlock.forward"
            if not isinstance(result, tuple) or unlike_the_books(f, name, 3, result, made, (x,)):
                return None
            if differ(result[1], result[3]):
                return (
                    "When x comes in pieces of two positions, with a cache, another result comes."
                )

        def training_drops(f, result, made, x):
            """result in training"""
            if isinstance(result, tuple) and made[0].dropout and not differ(result[0], result[3]):
                return f"With a dropout of {made[0].dropout}, training drops nothing."

        def feed_forward_bends(f, result, made, x):
            run = getattr(f, "FeedForward.forward", None)
            if run is None or isinstance(result, tuple):
                return None
            if not differ(run(made, x) + run(made, -x), 2 * run(made, 0 * x)):
                return "FeedForward is a straight line: x and -x go equally far to both sides of 0."

    class slips:
        def bend__none(self, wide):
            """The feed-forward does not bend: two linear layers in a row are no more than one. What
            stands between them?"""
            return wide

        def bend__relu(self, wide):
            """The feed-forward bends by ReLU: what is below 0 becomes 0. GELU lets a little of a small
            negative number through."""
            return wide.relu()

        def bend__silu(self, wide):
            """The feed-forward bends by SiLU, x times its sigmoid, as Llama does. GPT-2 takes GELU."""
            return F.silu(wide)

        def bend__tanh(self, wide):
            """The feed-forward bends by tanh itself. The setting "tanh" names one way to compute GELU,
            the approximate one."""
            return wide.tanh()

        def bend__exact(self, wide):
            """This is the exact GELU, whatever self.gelu says. With "tanh", GPT-2's approximation is
            asked for; the two differ in the fourth digit. F.gelu can do both."""
            return F.gelu(wide)

        def bend__approximate(self, wide):
            """This is GELU by tanh, whatever self.gelu says. With "none", the exact one is asked for;
            the two differ in the fourth digit. F.gelu can do both."""
            return F.gelu(wide, approximate="tanh")

        bent_last = slip(
            """GELU comes last here, so the feed-forward can never say -1: GELU goes no lower than -0.17.
            It stands between the two layers.""",
            bend=bend__none,
            narrow=lambda self, bent: F.gelu(self.project(bent), approximate=self.gelu),
        )

        def widened__by_project(self, x):
            """The layers of the feed-forward do not fit. widen takes C channels and gives 4 C; project
            takes 4 C and gives C. Each is asked once, in this order."""
            return self.project(x)

        def narrow__none(self, bent):
            """The feed-forward gives 4 C channels. They do not fit the stream, which has C: the second
            layer, project, is missing."""
            return bent

        def say__residual(said, x):
            """x was added in the feed-forward already. The residual belongs to the block around it, or
            x is counted twice."""
            return said + x

        post_norm = slip(
            """This is post-norm, as in the paper of 2017: each norm comes after the sum. GPT-2 norms
            what a branch reads, and leaves the stream alone.""",
            read_1=lambda self, x: x,
            add_1=lambda self, x, said, read: self.norm_1(x + said),
            read_2=lambda self, x, before: x,
            add_2=lambda self, x, said, read, before: self.norm_2(x + said),
        )

        def read_1__bare(self, x):
            """Attention reads the stream as it is. It should read a copy that went through norm_1."""
            return x

        def read_2__bare(self, x, before):
            """The feed-forward reads the stream as it is. It should read a copy that went through
            norm_2."""
            return x

        no_norms = slip(
            """Neither branch has a norm here: both read the stream as it is, and it grows from block to
            block. Each should read a normed copy.""",
            read_1=read_1__bare,
            read_2=read_2__bare,
        )

        def read_2__norm_1(self, x, before):
            """norm_1 serves both branches, and norm_2 learns nothing. Each branch has a norm of its
            own."""
            return self.norm_1(x)

        def read_1__norm_2(self, x):
            """norm_2 serves both branches, and norm_1 learns nothing. Each branch has a norm of its
            own."""
            return self.norm_2(x)

        norms_exchanged = slip(
            """The norms have changed places: norm_2 stands before attention. Learning from scratch
            would not mind, but trained weights would.""",
            read_1=read_1__norm_2,
            read_2=read_2__norm_1,
        )

        def add_1__nothing(self, x, said, read):
            """Attention's word takes the place of the stream: with attention silent, x is lost. To what
            should it be added?"""
            return said

        def add_2__nothing(self, x, said, read, before):
            """The feed-forward's word takes the place of the stream: with both branches silent, x is
            lost. To what should it be added?"""
            return said

        no_residuals = slip(
            """Each branch's word takes the place of the stream: with both silent, x is lost. Both words
            should be added to it.""",
            add_1=add_1__nothing,
            add_2=add_2__nothing,
        )
        added_to_the_normed = slip(
            """A word was added to the normed copy, and the stream itself got lost. The norm is for the
            branch's ears alone: was x given another value?""",
            add_1=lambda self, x, said, read: read + said,
            add_2=lambda self, x, said, read, before: read + said,
        )
        attention_added_to_it = slip(added_to_the_normed.__doc__, add_1=added_to_the_normed.add_1)
        thought_added_to_it = slip(added_to_the_normed.__doc__, add_2=added_to_the_normed.add_2)

        def add_2__to_the_first(self, x, said, read, before):
            """What attention said is lost at the end: the feed-forward's word was added to the x of the
            beginning, not to the sum."""
            return before + said

        def add_2__twice(self, x, said, read, before):
            """The stream is in here twice: with silent branches, 2 x comes out. What attention's word
            was added to holds x already."""
            return before + x + said

        def gather__no_cache(self, read, cache):
            """The cache is not handed on: a text that is written symbol by symbol forgets what came
            before. Attention takes it as its second argument."""
            return self.attention(read)

        def read_2__parallel(self, x, before):
            """The feed-forward reads the x of the beginning, and does not hear what attention said.
            Some models run both side by side (GPT-J); GPT-2 gathers first and thinks then."""
            return self.norm_2(before)

        parallel_one_norm = slip(
            read_2__parallel.__doc__, read_2=lambda self, x, before: self.norm_1(before)
        )
        thinks_first = slip(
            """The feed-forward comes before attention. Gather, then think: what attention brings is
            what there is to think about.""",
            read_1=lambda self, x: self.norm_2(x),
            gather=lambda self, read, cache: self.feed_forward(read),
            read_2=lambda self, x, before: self.norm_1(x),
            think=lambda self, read, cache: self.attention(read, cache),
        )

        def drop_1__none(self, said):
            """In training, attention's word is added whole. self.dropout is for what each branch says,
            before it is added."""
            return said

        def drop_2__none(self, said):
            """In training, the feed-forward's word is added whole. self.dropout is for what each branch
            says, before it is added."""
            return said

        no_dropout = slip(
            """All is right until training begins: nothing is dropped there. self.dropout is for what
            each branch says, before it is added.""",
            drop_1=drop_1__none,
            drop_2=drop_2__none,
        )

        class dropped_sums(no_dropout):
            """In training, dropout falls on the stream itself, and what is lost there stays lost. It
            is for what a branch says, before it is added."""

            def add_1(self, x, said, read):
                return self.dropout(x + said)

            def add_2(self, x, said, read, before):
                return self.dropout(x + said)

        class dropped_at_the_end(dropped_sums):
            add_1 = None

        class dropped_reads(no_dropout):
            """In training, dropout falls on what the branches read. It is for what they say, before
            that is added to the stream."""

            def read_1(self, x):
                return self.dropout(self.norm_1(x))

            def read_2(self, x, before):
                return self.dropout(self.norm_2(x))

        dropped_always = slip(
            """Dropout never ends here: it also falls when the model is in use. F.dropout has to be told
            self.training; self.dropout knows it by itself.""",
            drop_1=lambda self, said: F.dropout(said, self.dropout.p),
            drop_2=lambda self, said: F.dropout(said, self.dropout.p),
        )


class exercise_3_5:
    title = "the whole GPT, and its loss"
    minutes = 45
    returns = (
        "logits in training, all dropped",
        "logits in pieces, with a cache",
        "slope of the embedding",
        "loss",
        "logits",
    )
    advice = (
        (
            r"Expected target size|multi-target|Expected floating point",
            "cross_entropy wants the logits as (symbols, V) and the targets as (symbols,).",
        ),
        (
            r"Expected input batch_size",
            "There should be a row of logits for each target, that is for every place.",
        ),
        (
            r"'NoneType' object has no attribute '(flatten|view|reshape|shape|T)'",
            "Without targets there is nothing to compare: then the loss is None.",
        ),
        (
            r"view size is not compatible",
            "These numbers lie in another order in memory: flatten or reshape copies them.",
        ),
    )
    hints = (
        (
            "Print the shape after every step: which axis appears, which one goes? Then feed a text "
            "in two pieces with one cache: are the logits the same as at once?"
        ),
        (
            "Symbols become vectors, places are added where they are learned, all blocks follow one "
            "after the other, then one last norm and the head. The targets come already moved by "
            "one."
        ),
        (
            "The places begin at the length of the cache. Every block has a dict of its own in the "
            "list. F.cross_entropy takes (B T, V) and (B T,): flatten both in the same way."
        ),
        (
            "x = self.embedding(ids), plus self.position(torch.arange(start, start + T)) where there "
            "is one; dropout, blocks; self.head(self.norm(x)). The loss, where there are targets: "
            "F.cross_entropy(logits.flatten(0, 1), targets.flatten())."
        ),
    )

    def calls(rng):
        small = Shown(4, context=6, n_layer=1, n_head=2, n_embd=6, positions="learned")
        yield "GPT.forward", (small,), np.array([[2, 0, 3]]), None
        yield "GPT.forward", (small,), np.array([[2, 0, 3]]), np.array([[0, 3, 1]])
        B, T, V = 2, 5, 7
        for positions in ("learned", "rotary"):
            config = (Shown(V, context=8, n_layer=2, n_head=3, n_embd=12, positions=positions),)
            ids, targets = rng.integers(V, size=(2, B, T))
            yield "GPT.forward", config, ids, targets
            yield "GPT.forward", config, ids[:, ::-1].copy(), None
        yield "GPT.forward", config, rng.integers(V, size=(1, 8)), rng.integers(V, size=(1, 8))
        yield "GPT.forward", config, rng.integers(V, size=(3, 1)), rng.integers(V, size=(3, 1))
        all_dropped = Shown(V, context=8, n_layer=1, n_head=1, n_embd=8, dropout=1.0)
        yield "GPT.forward", (all_dropped,), ids, targets
        all_dropped = Shown(
            V, context=8, n_layer=3, n_head=2, n_embd=8, dropout=1.0, positions="learned"
        )
        yield "GPT.forward", (all_dropped,), ids, targets
        # as many sequences as positions: what fits nowhere else runs here
        yield "GPT.forward", config, *rng.integers(V, size=(2, 3, 3))

    def random_call(rng):
        B, T, L, H, half = rng.integers(1, [4, 7, 4, 3, 3]).tolist()
        V = int(rng.integers(2, 7))
        positions, dropout = str(rng.choice(["rotary", "learned"])), float(rng.integers(2))
        config = Shown(V, T + int(rng.integers(3)), L, H, 2 * H * half, dropout, positions)
        ids, targets = rng.integers(V, size=(2, B, T))
        return "GPT.forward", (config,), ids, None if rng.random() < 0.3 else targets

    def refusals(rng):
        config = (Shown(5, context=3, n_layer=1, n_head=1, n_embd=2),)
        for ids in ([[1, 5]], [[-1, 2]], [[0, 1, 2, 3]]):
            yield "GPT.forward", config, np.array(ids)

    def reading(f, result, self, ids, targets=None, cache=None):
        """Logits and loss; the slope of the loss, 0 where there is no way back; the logits of
        pieces that share a cache; and those in training, where a dropout of 1 leaves nothing.
        """
        if result is None:
            return None
        if not isinstance(result, tuple) or len(result) != 2:
            kind, shape = type(result).__name__, tuple(getattr(result, "shape", ()))
            raise TypeError(f"two things should be returned, logits and loss, not a {kind} {shape}")
        logits, loss = result
        if targets is None and loss is None:
            loss = torch.tensor(0.0, dtype=torch.float64)
        slope = torch.zeros_like(self.embedding.weight)
        if torch.is_tensor(loss) and loss.requires_grad:
            (slope,) = torch.autograd.grad(loss.sum(), self.embedding.weight)
        cache = []
        pieces = [self.forward(piece, None, cache)[0] for piece in in_pieces(ids)]
        trained = torch.zeros(0, dtype=torch.float64)
        if self.config.dropout:
            trained = self.train().forward(ids)[0]
        return trained, torch.cat(pieces, dim=1), slope, loss, logits

    class steps:
        def fill(cache, blocks):
            if cache is not None and not cache:
                cache.extend({} for _ in blocks)
            return cache

        def embed(self, ids):
            return self.embedding(ids)

        def place(self, x, ids, start):
            return x + self.position(torch.arange(start, start + ids.shape[1]))

        def drop(self, x):
            return self.dropout(x)

        def through(self, x, caches):
            for block, cache in zip(self.blocks, caches, strict=True):
                x = block(x, cache)
            return x

        def norm(self, x):
            return self.norm(x)

        def head(self, x):
            return self.head(x)

        def loss(logits, targets, ids):
            return F.cross_entropy(logits.flatten(0, 1), targets.flatten())

        def give(logits, loss):
            return logits, loss

    def whole(steps):
        def forward(self, ids, targets=None, cache=None):
            caches = steps.fill(cache, self.blocks) or [None] * len(self.blocks)
            start = caches[0]["k"].shape[-2] if caches[0] else 0
            check_ids(ids, start, self.config)
            x = steps.embed(self, ids)
            if self.position:
                x = steps.place(self, x, ids, start)
            x = steps.through(self, steps.drop(self, x), caches)
            logits = steps.head(self, steps.norm(self, x))
            loss = None if targets is None else steps.loss(logits, targets, ids)
            return steps.give(logits, loss)

        return {"GPT.forward": forward}

    class properties:
        def the_loss_is_the_cross_entropy(f, result, made, ids, targets=None, cache=None):
            if targets is None:
                return None
            logits = result[4].reshape(-1, result[4].shape[-1])
            at = logits[np.arange(targets.size), targets.ravel()]
            right = (np.log(np.exp(logits).sum(axis=-1)) - at).mean()
            if differ(result[3], right):
                return (
                    f"The loss is {float(result[3]):.6g}. The mean cross entropy of the logits "
                    f"that come with it is {right:.6g}."
                )

        def the_loss_has_a_way_back(f, result, made, ids, targets=None, cache=None):
            if targets is not None and not result[2].any():
                return "The loss is a number without a way back: nothing could be learned from it."

        def places_differ(f, result, made, ids, targets=None, cache=None):
            if made[0].positions == "learned" and ids.shape[1] > 1 and made[0].n_embd > 4:
                logits = getattr(f, "GPT.forward")(made, np.zeros_like(ids))[4]
                if not differ(logits, logits[:, :1].repeat(ids.shape[1], 1)):
                    return "Where one symbol fills the text, all places have the same logits."

        def pieces_are_as_good_as_the_whole(f, result, made, ids, targets=None, cache=None):
            if unlike_the_books(f, "GPT.forward", 4, result, made, (ids, targets)):
                return None
            if differ(result[1], result[4]):
                far = np.abs(result[1] - result[4]).max(axis=(0, 2))
                return (
                    f"Fed in pieces of {lengths(ids)} symbols that share a cache, the text gets other "
                    f"logits than at once, first at position {np.flatnonzero(~(far < 1e-9))[0]}."
                )

        def dropout_reaches_the_symbols(f, result, made, ids, targets=None, cache=None):
            if result[0].size and differ(result[0], result[0][:, :1].repeat(ids.shape[1], 1)):
                return (
                    "With a dropout of 1, training should see neither symbols nor places, yet its "
                    "logits vary. Does dropout fall on their sum?"
                )

    class slips:
        def fill__never(cache, blocks):
            """At once all is right; with a cache, every piece stands alone. Is the empty list that was
            given filled with a dict for each block (a new list is lost at the return), and is each
            block handed its own?"""
            return cache if cache is None else [{} for _ in blocks]

        def fill__one_for_all(cache, blocks):
            """All blocks share one dict, so that each continues the keys of another. [{}] * n
            repeats one dict n times: every block needs its own."""
            if cache is not None and not cache:
                cache.extend([{}] * len(blocks))
            return cache

        def embed__times_the_root(self, ids):
            """The symbols are multiplied by the root of C, as in the paper of 2017. GPT-2 takes the rows
            of the table as they are."""
            return self.embedding(ids) * self.config.n_embd**0.5

        def place__none(self, x, ids, start):
            """This behaves as if the places were never added. Where there is a table `position`,
            each place adds its row to the symbol that stands there."""
            return x

        def place__from_zero(self, x, ids, start):
            """The learned positions begin at 0 in each piece. With a cache the text goes on: at
            which place does the first new symbol stand?"""
            return x + self.position(torch.arange(ids.shape[1]))

        def place__by_symbol(self, x, ids, start):
            """The table of positions was asked by the symbols, so that equal symbols get equal
            places. Ask it by 0, 1, 2, ..., whatever stands there."""
            return x + self.position(ids)

        def drop__none(self, x):
            """Evaluating, all is right. In training the sum of symbol and place should go through
            `dropout` before the first block."""
            return x

        def through__first_alone(self, x, caches):
            """Only the first block works here. Does the return stand inside the loop, or is one
            block called instead of all?"""
            for block, cache in list(zip(self.blocks, caches, strict=True))[1:]:
                block(x, cache)
            return self.blocks[0](x, caches[0])

        def through__none(self, x, caches):
            """No block has changed the stream: symbols go from the embedding straight to the head.
            A block returns its result; is it kept?"""
            for block, cache in zip(self.blocks, caches, strict=True):
                block(x, cache)
            return x

        def through__whole_cache(self, x, caches):
            """The cache of a GPT is a list, with a dict for each block; here the list itself was
            taken for one of the dicts. Which of them belongs to which block?"""
            for block in self.blocks:
                x = block(x, None if caches[0] is None else caches)
            return x

        def through__turned_round(self, x, caches):
            """The blocks stand in the opposite order, the last one first."""
            for block, cache in reversed(list(zip(self.blocks, caches, strict=True))):
                x = block(x, cache)
            return x

        def through__each_from_the_start(self, x, caches):
            """Each block gets the embeddings, and only the last one's result is kept. What one
            block returns, the next should take."""
            for block, cache in zip(self.blocks, caches, strict=True):
                out = block(x, cache)
            return out

        def through__added_again(self, x, caches):
            """What goes into a block was added to what comes out. A block adds to the stream by
            itself: here everything is there twice."""
            for block, cache in zip(self.blocks, caches, strict=True):
                x = x + block(x, cache)
            return x

        def through__normed(self, x, caches):
            """The last norm stands inside the loop too, so that the stream itself is levelled
            before each block. A block levels what it reads by itself, and leaves the stream be."""
            for block, cache in zip(self.blocks, caches, strict=True):
                x = block(self.norm(x), cache)
            return x

        def norm__none(self, x):
            """The last norm is missing: nobody levels the stream, to which all blocks have added,
            before the head reads it."""
            return x

        class normed_too_early:
            """The last norm stands before the blocks. It should level what they have added to the
            stream, just before the head reads it."""

            def drop(self, x):
                return self.norm(self.dropout(x))

            def norm(self, x):
                return x

        def head__none(self, x):
            """The stream came back instead of logits, with C channels. The head turns it into one
            number for each symbol of the vocabulary."""
            return x

        def head__shares(self, x):
            """These are shares that add up to 1. Return the logits: cross_entropy and the choice of
            a symbol take the softmax by themselves."""
            return self.head(x).softmax(dim=-1)

        def loss__of_shares(logits, targets, ids):
            """The softmax was taken twice: cross_entropy wants the logits, and got shares. Such a
            loss can hardly fall."""
            return F.cross_entropy(logits.softmax(dim=-1).flatten(0, 1), targets.flatten())

        def loss__shifted_again(logits, targets, ids):
            """The targets were moved by one more place. They come ready: the target at a place is
            the symbol that follows it."""
            return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())

        def loss__of_ids(logits, targets, ids):
            """This loss asks for the symbols that were just read. The targets are those that
            follow."""
            return F.cross_entropy(logits.flatten(0, 1), ids.flatten())

        def loss__sum(logits, targets, ids):
            """This is the sum of all losses: with twice the text it doubles. The mean is asked
            for."""
            return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")

        def loss__mixed_up(logits, targets, ids):
            """The logits were reshaped after a transpose, so a row mixes several places. flatten
            joins B and T; the symbols stay the last axis."""
            V = logits.shape[-1]
            return F.cross_entropy(logits.transpose(1, 2).reshape(-1, V), targets.flatten())

        def loss__targets_by_columns(logits, targets, ids):
            """Logits and targets were flattened in different orders: a place meets the target of
            another sequence. Both should go row by row."""
            return F.cross_entropy(logits.flatten(0, 1), targets.T.flatten())

        def loss__not_flat(logits, targets, ids):
            """cross_entropy looks for the symbols on axis 1, where the places stand. Join B and T
            first, or let the last two axes change places."""
            return F.cross_entropy(logits, targets)

        def loss__number(logits, targets, ids):
            """The value is right, but no gradient flows: the loss was made a plain number, by
            .item() or .detach(). Return the tensor."""
            return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()

        def give__logits_alone(logits, loss):
            """Only the logits are returned. Return both, the logits and then the loss, or None
            where there are no targets."""
            return logits

        def give__last_place(logits, loss):
            """Without targets, only the logits of the last place come back. That saves work when
            one generates, as nanoGPT does; here all places are asked for."""
            return (logits[:, -1:] if loss is None else logits), loss

    class accepts:
        def head__log_shares(self, x):
            """Right, with logits of another kind: these are logarithms of shares, less by one
            number in each row. Loss and shares stay the same, and every call pays for one softmax
            more."""
            return self.head(x).log_softmax(dim=-1)


def afresh(keep, spare=0):
    """A way to start afresh: with what `keep` leaves, as soon as so many places are left."""

    def grow(window, chosen, cache, context):
        window = torch.cat((window, chosen[:, None]), dim=1)
        if window.shape[1] > context - spare:
            window = keep(window, context)
            return window, window, []
        return window, chosen[:, None], cache

    return grow


class exercise_3_6:
    title = "generate, symbol by symbol"
    minutes = 45
    returns = ("marks", "shares of the first symbol", "text")
    advice = (
        (
            r"the logits are not finite",
            "Does `choose` divide by the temperature, and somebody before it, too? By 0 nobody may.",
        ),
        (
            r"do not fit the context",
            "The window outgrew the context, or the cache was fed again what it still holds.",
        ),
        (
            r"probability tensor",
            "A temperature of 0 means the likeliest symbol: choose, of decoding.py, knows that.",
        ),
        (
            r"must have same number of dimensions|Tensors must have same number",
            "To join the text, the ids of one step need an axis of length 1: chosen[:, None].",
        ),
        (
            r"Boolean value of Tensor",
            "Each row ends in its own time: whether all have ended is a question to a whole tensor.",
        ),
    )
    hints = (
        (
            "Choose the likeliest symbol each time and read the text. Does it depend on the last "
            "symbol of the prompt? Does adding the first new symbol to the prompt change the rest?"
        ),
        (
            "Only the logits of the last place tell what follows. With a cache, only what is new is "
            "fed. When no place is left, an empty cache starts with the newer half of the window."
        ),
        (
            "Loop: logits of what is fresh, choose at the last place, yield, join. torch.where keeps "
            "`stop` in rows that are done. Too long? Cut the window, empty the cache, feed the "
            "window."
        ),
        (
            "logits, _ = self(fresh, cache=cache); chosen = choose(logits[:, -1], temperature, "
            "top_k, top_p, generator). Yield it; fresh = chosen[:, None]; when the window is longer "
            "than context: window = window[:, -max(1, context // 2) :]; cache, fresh = [], window."
        ),
    )

    def calls(rng):
        def model(V=7, context=6, L=1, **more):
            return (Shown(V, context, L, n_head=3, n_embd=12, **more),)

        ids = np.array([[3, 0], [1, 5]])
        yield "GPT.generate", model(), ids[:, :1], 2, 0.0
        yield "GPT.generate", model(), ids, 3, 0.0
        yield "GPT.generate", model(), rng.integers(7, size=(4, 3)), 9, 0.0
        learned = model(L=2, positions="learned")
        yield "GPT.generate", learned, rng.integers(7, size=(3, 9)), 8, 1.0, 1
        yield "GPT.generate", model(context=1), ids, 4, 0.0
        yield "GPT.generate", model(context=4), rng.integers(7, size=(5, 4)), 8, 0.0
        yield "GPT.generate", model(context=2), ids[:, :1], 6, 0.0
        yield "GPT.generate", model(context=5), np.array([[3, 0, 2], [1, 5, 4], [6, 1, 1]]), 9, 0.0
        for stop in (0, 1, 2, 2):
            five, ids = model(V=5, positions="learned"), rng.integers(5, size=(3, 2))
            yield "GPT.generate", five, ids, 9, 0.0, None, None, None, stop
        for settings in ((0.5,), (4.0,), (9.0, 2), (6.0, None, 0.5)):
            yield "GPT.generate", model(), rng.integers(7, size=(2, 5)), 3, *settings
        yield "GPT.generate", model(), rng.integers(7, size=(2, 3)), 2

    def random_call(rng):
        V, B, T = rng.integers([3, 1, 1], [8, 4, 8]).tolist()
        positions, context = str(rng.choice(["rotary", "learned"])), int(rng.choice([1, 2, 5, 6]))
        config = (Shown(V, context, 1, n_head=2, n_embd=8, positions=positions),)
        ids, length = rng.integers(V, size=(B, T)), int(rng.integers(1, 9))
        if rng.random() < 0.3:
            k, p = rng.choice([None, 2]), rng.choice([None, 0.5])
            return "GPT.generate", config, ids, length, float(rng.choice([0.5, 2, 6])), k, p
        stop = int(rng.integers(V)) if rng.random() < 0.5 else None
        return "GPT.generate", config, ids, length, 0.0, None, None, None, stop

    drawn = True

    def reading(f, result, self, ids, length, temperature=1.0, top_k=None, top_p=None, *more):
        """Where chance plays no part: the text (-1 where nothing certain comes), and whether it
        comes without gradients and leaves the mode as it was. Where chance decides: the shares of
        the first symbol, as the book has them if they are that within chance; and whether calls,
        rows and steps differ, by the generator alone.
        """
        if result is None or torch.is_tensor(result):
            what = "None" if result is None else f"one tensor, {tuple(result.shape)}"
            raise TypeError(f"generate returns {what}: yield the ids of each step, (B,), instead")

        def text(ids, n, *settings):
            symbols = list(self.generate(ids, n, *settings))
            if not all(map(torch.is_tensor, symbols)):
                raise TypeError("generate must yield tensors: the ids of one step, (B,)")
            if wrong := {tuple(chosen.shape) for chosen in symbols} - {(len(ids),)}:
                raise ValueError(
                    f"generate yields the shape {min(wrong)}, not (B,) = ({len(ids)},)"
                )
            none = [torch.full((len(ids),), -1)] * (n - len(symbols))
            return torch.stack([*symbols, *none], dim=1)

        lively(self)
        if temperature == 0 or top_k == 1:
            traced = []
            hook = self.head.register_forward_hook(lambda *a: traced.append(a[2].requires_grad))
            first, second = (
                text(ids, n, temperature, top_k, top_p, *more) for n in (length, min(length, 3))
            )
            hook.remove()
            if not torch.equal(first[:, : second.shape[1]], second[:, : first.shape[1]]):
                first = torch.full_like(first, -1)
            marks = torch.tensor([not any(traced), not self.training])
            return marks, torch.zeros(0), first
        (B, _), N = ids.shape, 300
        many = text(ids.repeat_interleave(N, dim=0), 1, temperature, top_k, top_p)
        logits = self.forward(ids[:, -self.config.context :])[0].detach()
        last, V = logits[:, -1], logits.shape[-1]
        seen = (many.view(B, N, 1) == torch.arange(V)).double().mean(dim=1)  # (B, V)

        def likely(die):
            # within eight standard deviations, and a few draws more where one is rare
            bound = 8 * (N * die * (1 - die)).sqrt() + 5 * (die > 1e-12)
            return ((seen - die).abs() * N <= bound).all()

        dice = (
            shares(*settings)
            for settings in (
                (last, temperature, top_k, top_p),
                (last, 1, top_k, top_p),
                (last, 1 / temperature, top_k, top_p),
                (last, temperature, None, top_p),
                (last, temperature, top_k, None),
                (last, 1, 1, None),
                (logits[:, 0], temperature, top_k, top_p),
            )
        )
        known = next(filter(likely, dice), (seen * 4).round() / 4)
        rows = ids[:1].expand(60, -1)  # all symbols are as likely at a temperature of a million
        even = text(rows, 2, 1e6)
        a, b, c = (
            text(rows, 1, 1e6, None, None, torch.Generator().manual_seed(n)) for n in (7, 7, 8)
        )
        marks = (
            not torch.equal(even[:, :1], a),
            torch.equal(a, b),
            not torch.equal(a, c),
            bool((even != even[0]).any()),
            bool((even[:, 0] != even[:, 1]).any()),
        )
        return torch.tensor(marks), known, ids[:, :0]

    class steps:
        def quiet(generate):
            return torch.no_grad()(generate)

        def prompt(ids, context):
            return ids[:, -context:]

        def count(length):
            return length

        def last(logits):
            return logits[:, -1]

        def choose(logits, temperature, top_k, top_p, generator):
            return choose(logits, temperature, top_k, top_p, generator)

        def stopped(chosen, done, stop):
            if stop is None:
                return chosen, done
            chosen = torch.where(done, stop, chosen)
            return chosen, done | (chosen == stop)

        def over(done):
            return done.all()

        def give(chosen):
            return chosen

        def grow(window, chosen, cache, context):
            fresh = chosen[:, None]
            window = torch.cat((window, fresh), dim=1)
            if window.shape[1] > context:
                window = window[:, -max(1, context // 2) :]
                return window, window, []
            return window, fresh, cache

        def finish(self):
            pass

    def whole(steps):
        def generate(
            self, ids, length, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None
        ):
            window = fresh = steps.prompt(ids, self.config.context)
            cache, done = [], torch.zeros(len(ids), dtype=torch.bool)
            for _ in range(steps.count(length)):
                logits = steps.last(self(fresh, cache=cache)[0])
                chosen = steps.choose(logits, temperature, top_k, top_p, generator)
                chosen, done = steps.stopped(chosen, done, stop)
                yield steps.give(chosen)
                if steps.over(done):
                    break
                window, fresh, cache = steps.grow(window, chosen, cache, self.config.context)
            steps.finish(self)

        return {"GPT.generate": steps.quiet(generate)}

    class properties:
        def as_many_as_asked(f, result, made, ids, length, *settings):
            came = (result[2] >= 0).all(axis=0).sum()
            if result[2].size and len(settings) < 5 and came not in (0, length):
                return f"{length} symbols were asked for, and {came} came."

        def only_the_context_counts(f, result, made, ids, length, *settings):
            newest = ids[:, -made[0].context :]
            if differ(getattr(f, "GPT.generate")(made, newest, length, *settings)[2], result[2]):
                return (
                    f"The text depends on more than the last {made[0].context} symbols of the "
                    "prompt, or on fewer."
                )

        def a_row_stands_alone(f, result, made, ids, length, *settings):
            alone = getattr(f, "GPT.generate")(made, ids[-1:], length, *settings)[2]
            if len(settings) < 5 and differ(alone, result[2][-1:]):
                return "The last row gets another text when the other rows are left out."

        def what_was_drawn_is_read(f, result, made, ids, length, *settings):
            if result[2].shape[1] < 2 or ids.shape[1] >= made[0].context or len(settings) > 4:
                return None
            longer = np.concatenate([ids, result[2][:, :1]], axis=1)
            again = getattr(f, "GPT.generate")(made, longer, length - 1, *settings)[2]
            if differ(again, result[2][:, 1:]):
                return (
                    "Put the first new symbol at the end of the prompt, and the text should go on "
                    "as it did. It does not."
                )

        def after_stop_comes_stop(f, result, made, ids, length, *settings):
            if len(settings) > 4 and settings[4] is not None and result[2].size:
                done = (result[2] == settings[4]).cumsum(axis=1) > 0
                if (done & (result[2] != settings[4]) & (result[2] >= 0)).any():
                    return f"A row goes on with other symbols after it has drawn {settings[4]}."
                if (done[:, :-1].all(axis=0) & (result[2][:, 1:] >= 0).any(axis=0)).any():
                    return "All rows have drawn the symbol that ends them, and still more come."

        def the_settings_are_kept(f, result, made, ids, length, temperature=1.0, k=None, *more):
            if k and ((result[1] > 0).sum(axis=-1) > k).any():
                return f"More than the {k} likeliest symbols come, where top_k is {k}."

        def chance_obeys_the_generator(f, result, made, ids, length, *settings):
            if len(result[0]) > 2 and not result[0][1:3].all():
                return "Equal generators do not give equal texts, or different ones give the same."

        def rows_and_steps_are_drawn_apart(f, result, made, ids, length, *settings):
            if len(result[0]) > 2 and not result[0][3:].all():
                return (
                    "Where all symbols are equally likely, all rows or all steps still get the "
                    "same one."
                )

        def it_leaves_things_as_they_were(f, result, made, ids, length, *settings):
            if len(result[0]) == 2 and not result[0].all():
                return "It keeps gradients, or leaves the model in training mode."

    class slips:
        def quiet__never(generate):
            """The text is right, but every step keeps what its gradients would need. Generating
            learns nothing: torch.no_grad belongs around it."""
            return generate

        def prompt__whole(ids, context):
            """A prompt longer than the context was fed as it is. Only its last symbols count: as
            many as the context holds."""
            return ids

        def prompt__beginning(ids, context):
            """A long prompt was cut at the wrong end: its beginning was kept. What follows hangs
            on what stands last."""
            return ids[:, :context]

        def prompt__without_its_last(ids, context):
            """The last symbol of the prompt was left out. It is the newest: what comes next hangs
            on it most."""
            return ids[:, :-1][:, -context:]

        def count__one_less(length):
            """One symbol too few comes."""
            return length - 1

        def count__one_more(length):
            """One symbol too many comes."""
            return length + 1

        def last__first(logits):
            """The symbol is chosen by the logits of the first place. Which place of what was fed
            knows all of it, and guesses what comes next?"""
            return logits[:, 0]

        def choose__likeliest(logits, temperature, top_k, top_p, generator):
            """The likeliest symbol comes every time, whatever the settings. With a temperature
            above 0 it should come most often, and others too."""
            return logits.argmax(dim=-1)

        def choose__no_temperature(logits, temperature, top_k, top_p, generator):
            """This behaves as if the temperature were always 1. Is it handed on?"""
            return choose(logits, 1.0, top_k, top_p, generator)

        def choose__multiplied(logits, temperature, top_k, top_p, generator):
            """Hotter makes tamer here: the logits are multiplied by the temperature. A high one
            should bring them nearer to each other."""
            return choose(logits, 1 / temperature if temperature else 0.0, top_k, top_p, generator)

        def choose__no_top_k(logits, temperature, top_k, top_p, generator):
            """This behaves as if there were no top_k. Is it handed on?"""
            return choose(logits, temperature, None, top_p, generator)

        def choose__no_top_p(logits, temperature, top_k, top_p, generator):
            """This behaves as if there were no top_p. Is it handed on?"""
            return choose(logits, temperature, top_k, None, generator)

        def choose__no_generator(logits, temperature, top_k, top_p, generator):
            """The generator that is given changes nothing: with the same seed, another text comes.
            Is it handed on?"""
            return choose(logits, temperature, top_k, top_p)

        def choose__seeded(logits, temperature, top_k, top_p, generator):
            """The same numbers are drawn at every step. Is a seed set inside the loop? The text
            would go round in a circle."""
            seeded = torch.Generator().manual_seed(1337)
            return choose(logits, temperature, top_k, top_p, seeded)

        def choose__one_for_all(logits, temperature, top_k, top_p, generator):
            """The symbol of the first row goes to all rows. Every row goes on with a symbol of its
            own."""
            return choose(logits[:1], temperature, top_k, top_p, generator).expand(len(logits))

        def stopped__never(chosen, done, stop):
            """Nothing ends: `stop` is a symbol like any other here. A row that has drawn it should
            repeat it, until all have."""
            return chosen, done

        def stopped__not_by_zero(chosen, done, stop):
            """The symbol 0 ends nothing, and others do. In Python 0 counts as False: ask whether
            `stop` is None."""
            return exercise_3_6.steps.stopped(chosen, done, stop or None)

        def stopped__goes_on(chosen, done, stop):
            """A row that has drawn `stop` goes on with other symbols. It should repeat `stop` while
            the others are not done."""
            return chosen, done if stop is None else done | (chosen == stop)

        def over__any(done):
            """All rows end as soon as one of them has drawn `stop`. The others are not done yet."""
            return done.any()

        def over__never(done):
            """All rows have drawn `stop`, and it is repeated up to the full length. When all are
            done, nothing more should come."""
            return False

        def give__column(chosen):
            """The ids of a step come as a column, (B, 1). One id a row is asked for: (B,)."""
            return chosen[:, None]

        def grow__never(window, chosen, cache, context):
            """The model reads the prompt again at every step: what was chosen never joins the
            text."""
            return window, window, []

        def grow__forgets(window, chosen, cache, context):
            """Each symbol is chosen by the one before it alone: what was fed earlier is lost. Does
            the same cache go in at every step?"""
            return window, chosen[:, None], []

        def grow__fed_twice(window, chosen, cache, context):
            """The whole window is fed with a cache that knows it already: its symbols are read
            twice. Either the new one alone and the cache, or all and no cache."""
            window = torch.cat((window, chosen[:, None]), dim=1)[:, -context:]
            return window, window, cache

        def grow__all_fed_twice(window, chosen, cache, context):
            window = torch.cat((window, chosen[:, None]), dim=1)
            return window, window, cache

        def grow__fed_twice_until_full(window, chosen, cache, context):
            window, _, cache = exercise_3_6.steps.grow(window, chosen, cache, context)
            return window, window, cache

        grow__all_fed_twice.__doc__ = grow__fed_twice.__doc__
        grow__fed_twice_until_full.__doc__ = grow__fed_twice.__doc__

        half_of_one = slip(
            """Right until the context is 1. Half of it, rounded down, is 0, and a slice from -0 on is the
            whole window. How many symbols must stay at least?""",
            grow=afresh(lambda window, context: window[:, -(context // 2) :]),
        )
        half_of_one_when_full = slip(
            half_of_one.__doc__,
            grow=afresh(lambda window, context: window[:, -(context // 2) :], spare=1),
        )
        half_rounded_up = slip(
            """When the window starts afresh, half of an odd context is rounded up here. Of 7 symbols 3
            should stay; mind that -7 // 2 is -4.""",
            grow=afresh(lambda window, context: window[:, -context // 2 :]),
        )
        half_and_the_newest = slip(
            """When the window starts afresh, it keeps half of the context and the newest symbol beside
            them. Is the newest one of those that the half counts?""",
            grow=afresh(lambda window, context: window[:, -(context // 2) - 1 :]),
        )
        half_and_the_newest_at_least_two = slip(
            half_and_the_newest.__doc__,
            grow=afresh(lambda window, context: window[:, -max(1, context // 2) - 1 :]),
        )

        def grow__no_turn(window, chosen, cache, context):
            """At some step no place is left: the window is full, and so is its cache. Then the newer
            half of the window should start afresh, with an empty cache."""
            return torch.cat((window, chosen[:, None]), dim=1), chosen[:, None], cache

        def grow__old_cache(window, chosen, cache, context):
            """At some step no place is left: the window is full, and so is its cache. Then the newer
            half of the window should start afresh, with an empty cache."""
            return *exercise_3_6.steps.grow(window, chosen, cache, context)[:2], cache

        def grow__turned_to_one(window, chosen, cache, context):
            """When the window is full, all of it is forgotten but the newest symbol. Its newer half
            should be fed again."""
            window, fresh, after = exercise_3_6.steps.grow(window, chosen, cache, context)
            return (
                (window, fresh, after) if after is cache else (window[:, -1:], window[:, -1:], [])
            )

        def finish__training(self):
            """The text is right, but the model is left in training mode, though it was not before:
            the next text would be dropped out."""
            self.train()

    class accepts:
        def grow__sliding(window, chosen, cache, context):
            """Right, with another window: yours slides by one symbol and is read anew each time.
            The book's starts afresh with its newer half: a little less context, and far less
            work."""
            window = torch.cat((window, chosen[:, None]), dim=1)[:, -context:]
            return window, window, []

        def grow__when_full(window, chosen, cache, context):
            """Right, with another turn: yours starts afresh as soon as the window is full. The
            book waits until one symbol more than it holds is there."""
            window = torch.cat((window, chosen[:, None]), dim=1)
            if window.shape[1] >= context:
                window = window[:, -max(1, context // 2) :]
                return window, window, []
            return window, chosen[:, None], cache
