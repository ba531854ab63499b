"""Checks of day3/model.py. What each part is for stands in study/naming.py."""

import numpy as np
import torch
import torch.nn.functional as F

from model import (  # noqa: F401  methods are called on these
    Config,
    FeedForward,
    LayerNorm,
    PositionalEncoding,
    TransformerBlock,
)


def differ(a, b):
    return not np.allclose(a, b, 1e-9, 1e-9, equal_nan=True)


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
            """More rows of the table meet x than x has positions: it has one for the whole context.
            x needs T of them, the first at `start`."""
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


class Sizes(Config):
    """A Config that shows what matters to a block, where it is not what it usually is."""

    def __repr__(self):
        usual = {"n_embd": 0, "n_head": 1, "dropout": 0.0, "positions": "rotary", "gelu": "tanh"}
        shown = {name: value for name, value in vars(self).items() if name in usual}
        told = (f"{name}={value!r}" for name, value in shown.items() if value != usual[name])
        return f"Config({', '.join(told)})"


def sizes(C, H=1, **more):
    return Sizes(vocab_size=2, context=8, n_layer=1, n_head=H, n_embd=C, **more)


class exercise_3_4:
    title = "feed-forward, and the block"
    minutes = 25
    returns = ("result in training", "result in pieces", "result of silent branches", "result")
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
            if isinstance(result, tuple) and differ(result[2], x):
                return "With branches that say 0, the block must give x back, and here it does not."

        def pieces_make_the_whole(f, result, made, x):
            if isinstance(result, tuple) and differ(result[1], result[3]):
                return (
                    "When x comes in pieces of two positions, with a cache, another result comes."
                )

        def training_drops(f, result, made, x):
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
