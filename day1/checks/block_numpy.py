"""Checks of day1/block_numpy.py. What each part is for stands in study/naming.py."""

import math

import numpy as np

from attention_numpy import causal_mask, multi_head, padding_mask
from block_numpy import block, feed_forward, gelu, gelu_tanh, layer_norm, random_params
from positions_numpy import embed, sinusoidal


def whole_numbers(rng, *shape):
    """Small whole numbers, none of them 0."""
    return rng.choice([-2.0, -1, 1, 2], size=shape)


def block_params(rng, C, M, draw=None):
    """What `block` takes as params, drawn from a normal distribution, or by `draw`."""
    everything = random_params(rng, V=1, C=C, M=M, L=1, classes=1)
    own = {k.removeprefix("blocks.0."): v for k, v in everything.items() if "blocks.0." in k}
    return {name: draw(rng, *v.shape) for name, v in own.items()} if draw else own


ATTENTION, FEED_FORWARD = ("attention.w_o",), ("feed_forward.w2", "feed_forward.b2")


def silent(params, last=ATTENTION + FEED_FORWARD, prefix=""):
    """The same params with 0 in what sublayers of a block end on, which switches them off."""
    return params | {prefix + name: 0 * params[prefix + name] for name in last}


class exercise_1_9:
    title = "layer norm"
    minutes = 25
    hints = (
        (
            "Take one row of the result, and undo the shift and the stretch at its end. What is its "
            "average, and how far does it spread? Then change another row: may this one move?"
        ),
        (
            "Each position looks at its own numbers alone: take away their average, then divide by how "
            "far they spread. A stretch and a shift, one number a channel, come last."
        ),
        (
            "Averages over axis -1, with keepdims=True, so that they fit x again. The variance is the "
            "average of the squared distances. eps joins the variance, and the root comes after that."
        ),
        (
            "mean = x.mean(axis=-1, keepdims=True); variance = ((x - mean) ** 2).mean(axis=-1, "
            "keepdims=True); return (x - mean) / np.sqrt(variance + eps) * gain + bias."
        ),
    )

    def calls(rng):
        gain, bias = np.array([1.0, 2, 3, -1]), np.array([1.0, -1, 2, 3])
        yield "layer_norm", np.array([[0.0, 0, 2, 2], [1, 1, 1, 5]]), gain, bias
        yield "layer_norm", np.array([3.0, 1, 2, 6]), gain, bias
        B, H, T, C = 2, 3, 5, 4
        gain, bias = rng.normal(size=(2, C))
        x = rng.normal(size=(B, T, C)) * 3 + 1
        yield "layer_norm", x, gain, bias
        yield "layer_norm", x[1], gain, bias, 0.5
        yield "layer_norm", rng.normal(size=(B, H, T, C)), gain, bias
        # rows that hardly vary, and one that does not at all: eps is what is left
        yield "layer_norm", x[:, :3] / 1000, gain, bias
        yield "layer_norm", x[0] / 1000, gain, bias, 1e-9
        constant = x[0].copy()
        constant[2] = 7
        yield "layer_norm", constant, gain, bias
        yield "layer_norm", np.full((1, 6), 3.0), rng.normal(size=6), rng.normal(size=6)

    def random_call(rng):
        *shape, C = rng.integers(2, 6, size=rng.integers(1, 5))
        x = rng.normal(size=(*shape, C)) * rng.choice([0.01, 1, 10]) + rng.normal()
        call = "layer_norm", x, rng.normal(size=C), rng.normal(size=C)
        return call if rng.random() < 0.5 else (*call, float(rng.choice([1e-6, 0.1])))

    class steps:
        def mean(x):
            return x.mean(axis=-1, keepdims=True)

        def variance(x):
            return x.var(axis=-1, keepdims=True)

        def centre(x, mean):
            return x - mean

        def root(variance, eps):
            return np.sqrt(variance + eps)

        def divide(centred, root):
            return centred / root

        def scale(normal, gain, bias):
            return normal * gain

        def shift(scaled, gain, bias):
            return scaled + bias

    def whole(steps):
        def layer_norm(x, gain, bias, eps=1e-5):
            centred = steps.centre(x, steps.mean(x))
            normal = steps.divide(centred, steps.root(steps.variance(x), eps))
            return steps.shift(steps.scale(normal, gain, bias), gain, bias)

        return {"layer_norm": layer_norm}

    class properties:
        def mean_of_a_row_is_0(f, result, x, gain, bias, eps=1e-5):
            mean = ((result - bias) / gain).mean(axis=-1)
            if np.abs(mean).max() > 1e-9:
                worst = mean.flat[np.abs(mean).argmax()]
                return f"Without gain and bias a row has the mean {worst:.3g}. It should have 0."

        def variance_of_a_row_is_1(f, result, x, gain, bias, eps=1e-5):
            variance = ((result - bias) / gain).var(axis=-1)
            own = x.var(axis=-1)
            off = np.abs(variance - own / (own + eps))
            if off.max() > 1e-9:
                worst = off.argmax()
                return (
                    f"Without gain and bias a row has the variance {variance.flat[worst]:.6g}. With "
                    f"this eps it should have {(own / (own + eps)).flat[worst]:.6g}."
                )

        def a_row_stands_alone(f, result, x, gain, bias, eps=1e-5):
            if x.ndim > 1:
                alone = f.layer_norm(x[:1], gain, bias, eps)
                if np.abs(alone - result[:1]).max() > 1e-9:
                    return (
                        "The first row of x comes out otherwise when the other rows are taken away."
                    )

        def bias_is_added(f, result, x, gain, bias, eps=1e-5):
            more = f.layer_norm(x, gain, bias + 1, eps) - result
            if np.abs(more - 1).max() > 1e-9:
                worst = more.flat[np.abs(more - 1).argmax()]
                return f"Adding 1 to the bias adds {worst:.3g} to the result, not 1."

        def gain_stretches(f, result, x, gain, bias, eps=1e-5):
            off = np.abs(f.layer_norm(x, 2 * gain, bias, eps) - (2 * result - bias))
            if off.max() > 1e-9:
                return "Doubling the gain should double what stands before the bias. It does not."

        def no_nan(f, result, x, gain, bias, eps=1e-5):
            if not np.isfinite(result).all():
                return "A row of equal numbers has the variance 0, and comes out as 0 / 0: NaN."

    class slips:
        class over_all_positions:
            """Every channel is normalised over all positions and sequences, as batch norm does: one
            word changes because another does. Normalise each position over its channels."""

            def mean(x):
                return x.mean(axis=tuple(range(x.ndim - 1)), keepdims=True)

            def variance(x):
                return x.var(axis=tuple(range(x.ndim - 1)), keepdims=True)

        class over_the_batch:
            """Mean and variance run over the first axis: one sample changes because another does.
            Every position normalises its own channels, on the last axis."""

            def mean(x):
                return x.mean(axis=0, keepdims=True)

            def variance(x):
                return x.var(axis=0, keepdims=True)

        class over_everything:
            """There is a single mean and variance for all of x: early positions know of later ones.
            Every position normalises its own channels, on the last axis."""

            def mean(x):
                return x.mean()

            def variance(x):
                return x.var()

        class over_the_positions:
            """Mean and variance run over the positions (axis -2): a position changes because another
            one does. Every position normalises its own channels, on the last axis."""

            def mean(x):
                return x.mean(axis=-2, keepdims=True)

            def variance(x):
                return x.var(axis=-2, keepdims=True)

        class over_the_sample:
            """Each sample has one mean and variance for all its positions (axes -2 and -1): early
            positions know of later ones. Every position normalises its own channels alone."""

            def mean(x):
                return x.mean(axis=(-2, -1), keepdims=True)

            def variance(x):
                return x.var(axis=(-2, -1), keepdims=True)

        class axis_1:
            """Right where x has two axes. x may have any number of them; the channels are always on
            the last. How does one count axes from the end?"""

            def mean(x):
                return x.mean(axis=1, keepdims=True)

            def variance(x):
                return x.var(axis=1, keepdims=True)

        class axis_2:
            """Right where x has three axes. x may have any number of them; the channels are always on
            the last. How does one count axes from the end?"""

            def mean(x):
                return x.mean(axis=2, keepdims=True)

            def variance(x):
                return x.var(axis=2, keepdims=True)

        class rms:
            """The mean is never taken away: this is RMSNorm, of newer models. Layer norm moves a row
            to mean 0 first, and measures its spread from there."""

            def centre(x, mean):
                return x

            def variance(x):
                return (x**2).mean(axis=-1, keepdims=True)

        def mean__no_keepdims(x):
            """A mean lost its axis, and no longer fits x. Which argument of mean and var keeps the
            axis that was averaged, with the length 1?"""
            return x.mean(axis=-1)

        def mean__over_the_batch(x):
            """The variance is right, but the mean runs over the first axis. Both belong to one
            position: its channels, on the last axis."""
            return x.mean(axis=0, keepdims=True)

        def mean__over_the_positions(x):
            """The variance is right, but the mean runs over the positions (axis -2). Both belong to
            one position: its channels, on the last axis."""
            return x.mean(axis=-2, keepdims=True)

        def mean__over_everything(x):
            """The variance is right, but there is a single mean for all of x: the axis is missing.
            Both belong to one position."""
            return x.mean()

        class mean_over_everything_in_the_squares:
            """The variance is right, but there is a single mean for all of x: the axis is missing.
            Both belong to one position."""

            def mean(x):
                return x.mean()

            def variance(x):
                return ((x - x.mean()) ** 2).mean(axis=-1, keepdims=True)

        def variance__no_keepdims(x):
            """A mean lost its axis, and no longer fits x. Which argument of mean and var keeps the
            axis that was averaged, with the length 1?"""
            return x.var(axis=-1)

        def variance__over_the_batch(x):
            """The mean is right, but the variance runs over the first axis. Both belong to one
            position: its channels, on the last axis."""
            return x.var(axis=0, keepdims=True)

        def variance__over_the_positions(x):
            """The mean is right, but the variance runs over the positions (axis -2). Both belong to
            one position: its channels, on the last axis."""
            return x.var(axis=-2, keepdims=True)

        def variance__over_everything(x):
            """The mean is right, but there is a single variance for all of x: the axis is missing.
            Both belong to one position."""
            return x.var()

        def variance__of_all_the_squares(x):
            """The mean is right, but there is a single variance for all of x: the axis is missing.
            Both belong to one position."""
            return ((x - x.mean(axis=-1, keepdims=True)) ** 2).mean()

        def variance__unbiased(x):
            """The squares were divided by C - 1: ddof=1 estimates the variance behind a sample.
            Layer norm wants that of these very numbers: divide by C."""
            return x.var(axis=-1, ddof=1, keepdims=True)

        def variance__sum(x):
            """The squares were added up, not averaged: more channels make everything smaller here.
            The variance is their mean."""
            return ((x - x.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1, keepdims=True)

        def variance__absolute(x):
            """This divides by a root of mean distances without squares. The variance is the mean of
            the squared distances."""
            return np.abs(x - x.mean(axis=-1, keepdims=True)).mean(axis=-1, keepdims=True)

        def variance__of_the_squares(x):
            """The mean is missing under the root: this is the mean of x squared. The variance
            measures distances from the mean: take it away before you square."""
            return (x**2).mean(axis=-1, keepdims=True)

        def centre__none(x, mean):
            """The variance knows the mean, but above the line stands x itself: the rows do not have
            mean 0. The distance from the mean is what is divided."""
            return x

        def centre__turned(x, mean):
            """Every sign is turned round: this is the mean minus x. Take the mean from x."""
            return mean - x

        def root__no_eps(variance, eps):
            """Right until a row hardly varies: eps is missing. It keeps a row of equal numbers from
            becoming 0 / 0."""
            return np.sqrt(variance)

        def root__eps_outside(variance, eps):
            """Here eps is added after the root. Nearly the same where a row varies, not where it
            hardly does: it joins the variance, under the root."""
            return np.sqrt(variance) + eps

        def root__none(variance, eps):
            """This divides by the variance. The deviation is its root: without it, rows of ten times
            the size come out at a tenth."""
            return variance + eps

        def root__twice(variance, eps):
            """This takes the root twice: of the deviation, which is already a root. Take it of the
            variance, once."""
            return np.sqrt(np.sqrt(variance) + eps)

        def root__eps_squared(variance, eps):
            """eps was squared together with the deviation. It is added to the variance as it is."""
            return np.sqrt(variance + eps**2)

        def root__fixed_eps(variance, eps):
            """This takes an eps of its own. The one that is given decides; 1e-5 is only what it is
            when nobody says."""
            return np.sqrt(variance + 1e-5)

        def root__fixed_eps_6(variance, eps):
            """This takes an eps of its own. The one that is given decides; 1e-5 is only what it is
            when nobody says."""
            return np.sqrt(variance + 1e-6)

        def root__fixed_eps_8(variance, eps):
            """This takes an eps of its own. The one that is given decides; 1e-5 is only what it is
            when nobody says."""
            return np.sqrt(variance + 1e-8)

        class eps_at_the_end:
            """eps was added to the quotient: / binds more tightly than +. It belongs under the root,
            so that nothing is divided by 0."""

            def root(variance, eps):
                return np.sqrt(variance), eps

            def divide(centred, root):
                return centred / root[0] + root[1]

        class eps_at_the_end_times_gain(eps_at_the_end):
            def divide(centred, root):
                return centred / root[0], root[1]

            def scale(normal, gain, bias):
                return normal[0] + normal[1] * gain

        def divide__none(centred, root):
            """The rows have mean 0, but were not divided by their deviation: a loud row stays loud."""
            return centred

        def divide__multiplied(centred, root):
            """This multiplies by the deviation: loud rows become louder. Divide, so that all come
            out equally loud."""
            return centred * root

        def scale__none(normal, gain, bias):
            """Changing the gain changes nothing. Multiply each channel by its own gain before the
            bias is added."""
            return normal

        def scale__one_more(normal, gain, bias):
            """This multiplies by 1 + gain, as Gemma does with gains that are stored that way. Ours
            is the gain itself."""
            return normal * (1 + gain)

        def scale__divided(normal, gain, bias):
            """This divides by the gain. A larger gain makes a channel larger: multiply."""
            return normal / gain

        def shift__none(scaled, gain, bias):
            """Changing the bias changes nothing. Add each channel's own bias at the end."""
            return scaled

        def shift__minus(scaled, gain, bias):
            """The bias was taken away. It is added."""
            return scaled - bias

        class brackets:
            """Only the mean was divided: / binds more tightly than -. Brackets around x - mean are
            missing."""

            def centre(x, mean):
                return x, mean

            def divide(centred, root):
                return centred[0] - centred[1] / root

        class brackets_and_gain(brackets):
            def divide(centred, root):
                return centred[0], centred[1] / root

            def scale(normal, gain, bias):
                return normal[0] - normal[1] * gain

        class exchanged:
            """Gain and bias have changed places: the bias multiplies here, and the gain is added. In
            which order do they come?"""

            def scale(normal, gain, bias):
                return normal * bias

            def shift(scaled, gain, bias):
                return scaled + gain

        class bias_first:
            """The bias was added before the gain, and so multiplied by it. First the gain, then the
            bias."""

            def scale(normal, gain, bias):
                return (normal + bias) * gain

            def shift(scaled, gain, bias):
                return scaled

        class bias_in_brackets:
            """Gain and bias were added to each other, and multiplied together. First the gain
            multiplies; then the bias is added."""

            def scale(normal, gain, bias):
                return normal * (gain + bias)

            def shift(scaled, gain, bias):
                return scaled

        class gain_of_the_positions:
            """Gain and bias have one number for each channel. Turned into a column they would belong
            to the positions: as they are, they fit the last axis."""

            def scale(normal, gain, bias):
                return normal * gain[:, None]

            def shift(scaled, gain, bias):
                return scaled + bias[:, None]


class exercise_1_10:
    title = "GELU, exact and with tanh"
    minutes = 20
    hints = (
        (
            "Try 0, then 30, then -30. What should become of a far positive number, and of a far "
            "negative one? And how much do the results of 1 and of -1 differ?"
        ),
        (
            "A number is multiplied by the chance that a draw from a bell curve is smaller: a soft "
            "switch between 0 and 1. The second function draws nearly the same switch with a "
            "cheaper curve."
        ),
        (
            "The chance is half of 1 + erf of (x over the root of 2). math.erf takes one number; "
            "np.vectorize spreads it. The cheaper curve is tanh of x and a little of x cubed, times the "
            "root of 2 / pi."
        ),
        (
            "gelu: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2. gelu_tanh: x * (1 + "
            "np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2."
        ),
    )

    def calls(rng):
        B, T, C = 2, 5, 4
        hand = np.array([-2.0, -1, 0, 1, 2])
        large = np.array([[-1000.0, -30, -9, 9], [30, 1000, -4, 4]])
        for x in (hand, rng.normal(size=(B, T, C)), large, rng.normal(size=(3, 2)) * 3):
            yield "gelu", x
            yield "gelu_tanh", x
        yield "gelu", np.array([[0.5]])
        yield "gelu_tanh", np.array([[0.5]])

    def random_call(rng):
        shape = rng.integers(1, 5, size=rng.integers(1, 4))
        return str(rng.choice(["gelu", "gelu_tanh"])), rng.normal(size=shape) * rng.choice([1, 4])

    class steps:
        def below(x):
            return np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2))

        def half(below):
            return (1 + below) / 2

        def times(x, share):
            return x * share

        def cubic(x):
            return x + 0.044715 * x**3

        def factor():
            return math.sqrt(2 / math.pi)

        def curve(x, cubic, factor):
            return np.tanh(factor * cubic)

        def half_of_tanh(curve):
            return (1 + curve) / 2

        def times_tanh(x, share):
            return x * share

    def whole(steps):
        def gelu(x):
            return steps.times(x, steps.half(steps.below(x)))

        def gelu_tanh(x):
            curve = steps.curve(x, steps.cubic(x), steps.factor())
            return steps.times_tanh(x, steps.half_of_tanh(curve))

        return {"gelu": gelu, "gelu_tanh": gelu_tanh}

    class properties:
        def gelu__1_and_minus_1_differ_by_1(f, result, x):
            return differ(f.gelu, x, "gelu")

        def gelu__far_numbers(f, result, x):
            return far(result, x, "gelu")

        def gelu__a_little_negative(f, result, x):
            return negative(result, x, "gelu")

        def gelu__half_way_at_0(f, result, x):
            return slope(f.gelu, "gelu")

        def gelu_tanh__1_and_minus_1_differ_by_1(f, result, x):
            return differ(f.gelu_tanh, x, "gelu_tanh")

        def gelu_tanh__far_numbers(f, result, x):
            return far(result, x, "gelu_tanh")

        def gelu_tanh__a_little_negative(f, result, x):
            return negative(result, x, "gelu_tanh")

        def gelu_tanh__half_way_at_0(f, result, x):
            return slope(f.gelu_tanh, "gelu_tanh")

        def gelu_tanh__near_gelu(f, result, x):
            off = np.abs(result - gelu(x))
            if off.max() > 0.0005:
                return (
                    f"At x = {x.flat[off.argmax()]:.3g} gelu_tanh is off by {off.max():.3g}. It stays "
                    "within 0.0005 of gelu."
                )

    class slips:
        def gelu__relu(x):
            """gelu is ReLU here: exactly 0 below 0. GELU lets a little of a small negative number
            through."""
            return np.maximum(x, 0)

        def gelu__sigmoid_1_702(x):
            """gelu is x times the sigmoid of 1.702 x here: a rough approximation, off by up to 0.02.
            The exact one has erf in it."""
            return x / (1 + np.exp(-1.702 * x))

        def gelu__silu(x):
            """gelu is x times its sigmoid here: that is SiLU, its cousin. The share is the chance
            that a normal number is below x: math.erf has it."""
            return x / (1 + np.exp(-x))

        def gelu__density(x):
            """gelu has the height of the bell curve at x in it. The chance to be below x is the area
            to the left of it: math.erf has it."""
            return x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)

        def gelu__an_array_at_once(x):
            """gelu fails because a function of math, such as math.erf, takes one number at a time.
            What spreads it over an array, number by number?"""
            return x * (1 + math.erf(x / math.sqrt(2))) / 2

        def gelu__one_axis(x):
            """gelu works where x has one axis. The elements of a table are rows: how does a function
            reach every number, whatever the shape?"""
            return x * (1 + np.array([math.erf(z / math.sqrt(2)) for z in x])) / 2

        def gelu__numpys_erf(x):
            """NumPy has no erf. math.erf is there, for one number at a time: what spreads it over an
            array?"""
            return x * (1 + np.erf(x / math.sqrt(2))) / 2

        def below__no_root(x):
            """gelu has erf(x) in it: its switch is too steep at 0. erf belongs to a bell curve that
            is narrower by the root of 2: of what do you have to take it?"""
            return np.vectorize(math.erf, otypes=[float])(x)

        def below__by_2(x):
            """gelu has erf(x / 2) in it: its switch is too flat at 0. The number to divide by is the
            root of 2."""
            return np.vectorize(math.erf, otypes=[float])(x / 2)

        def below__multiplied(x):
            """gelu has x times the root of 2 in erf: its switch is too steep at 0. Divide by that
            root."""
            return np.vectorize(math.erf, otypes=[float])(x * math.sqrt(2))

        def below__other_side(x):
            """gelu weighs with the chance to be above x: large numbers vanish. It is the chance to
            be below x: look at the sign in erf."""
            return np.vectorize(math.erf, otypes=[float])(-x / math.sqrt(2))

        def half__no_2(below):
            """gelu is twice as large as it should be: 1 + erf runs from 0 to 2. A chance ends at 1:
            which division is missing?"""
            return 1 + below

        def half__no_1(below):
            """gelu lacks the 1 before erf: the share runs from -0.5 to 0.5. A chance begins at 0:
            what has to be added before you halve?"""
            return below / 2

        def half__brackets(below):
            """In gelu only erf was halved: the share is 1 + erf / 2, from 0.5 to 1.5. Halve the whole
            sum."""
            return 1 + below / 2

        def half__erf_alone(below):
            """gelu takes erf itself as the share: it runs from -1 to 1. A chance runs from 0 to 1:
            add 1, then halve."""
            return below

        def times__none(x, share):
            """gelu is the chance alone, between 0 and 1. It still has to be multiplied by x."""
            return share

        def gelu_tanh__relu(x):
            """gelu_tanh is ReLU here: exactly 0 below 0. The approximation lets a little through,
            like gelu itself."""
            return np.maximum(x, 0)

        def gelu_tanh__exact(x):
            """gelu_tanh is the exact gelu here. Asked for is GPT-2's approximation, with a tanh in
            the place of erf: other digits from the fourth on."""
            return gelu(x)

        def gelu_tanh__sigmoid_1_702(x):
            """gelu_tanh is x times the sigmoid of 1.702 x here: another approximation, off by up to
            0.02. GPT-2's has a tanh with x cubed in it."""
            return x / (1 + np.exp(-1.702 * x))

        def gelu_tanh__an_array_at_once(x):
            """gelu_tanh fails because a function of math, such as math.tanh, takes one number at a
            time. NumPy has its own, for whole arrays."""
            return x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2

        def cubic__none(x):
            """gelu_tanh lacks the cubic term: off by 0.03 around 2. Beside x stands a little of x
            cubed."""
            return x

        def cubic__square(x):
            """gelu_tanh has x squared in it, the same for 2 and -2. The correction has to change its
            sign with x: which power does?"""
            return x + 0.044715 * x**2

        def cubic__alone(x):
            """In gelu_tanh the tanh sees the cubic term alone. It corrects x a little, and x itself
            stands beside it."""
            return 0.044715 * x**3

        def cubic__no_number(x):
            """gelu_tanh has x cubed in it without its small factor. How much of it is added to x?"""
            return x + x**3

        def cubic__minus(x):
            """gelu_tanh takes the cubic term away. It is added: tanh has to close faster than a plain
            one."""
            return x - 0.044715 * x**3

        def cubic__inside(x):
            """In gelu_tanh the small factor was cubed together with x: brackets around too much.
            Cube x first, then multiply."""
            return x + (0.044715 * x) ** 3

        def cubic__zero_lost(x):
            """gelu_tanh has 0.44715 in it. A zero got lost: it is 0.044715."""
            return x + 0.44715 * x**3

        def cubic__zero_too_many(x):
            """gelu_tanh has 0.0044715 in it. That is a zero too many: it is 0.044715."""
            return x + 0.0044715 * x**3

        def cubic__digit_lost(x):
            """gelu_tanh has 0.04715 in it. A 4 got lost: it is 0.044715."""
            return x + 0.04715 * x**3

        def factor__none():
            """gelu_tanh lacks the root of 2 / pi before the bracket: its switch is too steep at 0."""
            return 1

        def factor__no_root():
            """gelu_tanh has 2 / pi in it, without a root: its switch is too flat at 0."""
            return 2 / math.pi

        def factor__root_of_2():
            """gelu_tanh has the root of 2 over pi itself. The root goes over the whole fraction
            2 / pi."""
            return math.sqrt(2) / math.pi

        def factor__upside_down():
            """gelu_tanh has the root of pi / 2 in it: the fraction is upside down."""
            return math.sqrt(math.pi / 2)

        def factor__two_pi():
            """gelu_tanh has the root of 2 pi in it. It is the root of the fraction 2 / pi."""
            return math.sqrt(2 * math.pi)

        def factor__of_the_bell():
            """gelu_tanh has 1 over the root of 2 pi in it, the height of the bell curve. tanh needs
            twice that: the root of 2 / pi."""
            return 1 / math.sqrt(2 * math.pi)

        def curve__brackets(x, cubic, factor):
            """In gelu_tanh the root multiplies x alone, not the cubic term. Brackets go around
            both."""
            return np.tanh(factor * x + (cubic - x))

        def curve__outside(x, cubic, factor):
            """In gelu_tanh the root of 2 / pi multiplies tanh from outside. It belongs inside, before
            the bracket: then tanh still ends at 1."""
            return factor * np.tanh(cubic)

        def curve__sigmoid(x, cubic, factor):
            """gelu_tanh has a sigmoid where tanh should be. tanh runs from -1 to 1: add 1, halve, and
            it runs from 0 to 1."""
            return 1 / (1 + np.exp(-factor * cubic))

        def curve__none(x, cubic, factor):
            """gelu_tanh lacks its tanh: nothing holds the share between 0 and 1."""
            return factor * cubic

        def curve__other_side(x, cubic, factor):
            """gelu_tanh has 1 - tanh in it: large numbers vanish. Look at the sign."""
            return np.tanh(-factor * cubic)

        def half_of_tanh__no_2(curve):
            """gelu_tanh is twice as large as it should be: 1 + tanh runs from 0 to 2. A share ends at
            1: which division is missing?"""
            return 1 + curve

        def half_of_tanh__no_1(curve):
            """gelu_tanh lacks the 1 before tanh: the share runs from -0.5 to 0.5. What has to be
            added before you halve?"""
            return curve / 2

        def half_of_tanh__brackets(curve):
            """In gelu_tanh only tanh was halved: the share is 1 + tanh / 2, from 0.5 to 1.5. Halve
            the whole sum."""
            return 1 + curve / 2

        def half_of_tanh__tanh_alone(curve):
            """gelu_tanh takes tanh itself as the share: it runs from -1 to 1. A share runs from 0 to
            1: add 1, then halve."""
            return curve

        def times_tanh__none(x, share):
            """gelu_tanh is the share alone, between 0 and 1. It still has to be multiplied by x."""
            return share

        class exchanged:
            """The two have changed places: gelu has the tanh here, and gelu_tanh the erf. The one
            with tanh is the approximation."""

            def gelu(x):
                return gelu_tanh(x)

            def gelu_tanh(x):
                return gelu(x)

    class accepts:
        def gelu__by_tanh(x):
            """Right, in another convention: gelu by the tanh approximation, as in GPT-2, off by less
            than 0.0005. The exact one, as in BERT, has math.erf in it."""
            return gelu_tanh(x)

        def gelu__rough_erf(x):
            """Right to six digits: this erf is a rational approximation, Abramowitz and Stegun 7.1.26.
            math.erf has all of them."""
            z = np.abs(x) / math.sqrt(2)
            t = 1 / (1 + 0.3275911 * z)
            powers = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
            area = 1 - sum(a * t ** (n + 1) for n, a in enumerate(powers)) * np.exp(-(z**2))
            return x * (1 + np.sign(x) * area) / 2


def differ(function, x, name):
    """gelu(x) - gelu(-x) is x, for the exact one and the approximation."""
    off = np.abs(function(x) - function(-x) - x)
    if off.max() > 1e-9:
        z = x.flat[off.argmax()]
        gap = (function(x) - function(-x)).flat[off.argmax()]
        return (
            f"{name} of {z:.3g} and of {-z:.3g} differ by {gap:.3g}. They should differ by {z:.3g}."
        )
    return None


def far(result, x, name):
    """Far from 0 nothing is bent: a number stays, or vanishes."""
    wanted = np.where(x > 0, x, 0)
    off = np.where(np.abs(x) > 8.5, np.abs(result - wanted), 0)
    if off.max() > 0.01:
        z = off.argmax()
        return f"{name}({x.flat[z]:.3g}) is {result.flat[z]:.3g}. So far out it is {wanted.flat[z]:.3g}."
    return None


def negative(result, x, name):
    """Small negative numbers come out negative, but never below -0.17."""
    inside = (x < -0.01) & (x > -4)
    wrong = inside & ~((result < 0) & (result > -0.171))
    if wrong.any():
        z = wrong.argmax()
        return (
            f"{name}({x.flat[z]:.3g}) is {result.flat[z]:.3g}. Small negative numbers come out "
            "between -0.17 and 0, and not as 0."
        )
    return None


def slope(function, name):
    """A very small number is halved."""
    result = function(np.array([1e-3]))[0]
    if abs(result - 0.0005) > 1e-6:
        return f"{name}(0.001) is {result:.3g}. Close to 0 half of a number is let through: 0.0005."
    return None


class exercise_1_11:
    title = "feed-forward"
    minutes = 15
    hints = (
        (
            "Change the five weights and shifts one after the other: does the result move each time? "
            "And what should be left of it when the middle is silenced by a first shift of -100?"
        ),
        (
            "Three moves: spread each position over more numbers, bend every one of them, gather them "
            "again. Only the move in the middle bends; both others end with a shift of their own."
        ),
        (
            "x @ w1 has the shape (..., M), and b1 fits it. gelu stands between the two products, after "
            "b1. The second product ends on C, where b2 fits; nothing comes after it."
        ),
        "Two lines: hidden = gelu(x @ w1 + b1), then return hidden @ w2 + b2.",
    )

    def calls(rng):
        x, w1 = np.array([[1.0, 2], [-1, 1], [2, -2]]), np.array([[1.0, -1, 2, 1], [1, 2, -1, -2]])
        b1, w2 = np.array([-1.0, 1, -2, 2]), np.array([[1.0, 2], [-1, 1], [2, -2], [1, -1]])
        yield "feed_forward", x, w1, b1, w2, np.array([3.0, -4])
        B, H, T, C, M = 2, 3, 5, 4, 8
        weights = [rng.normal(size=size) for size in ((C, M), (M,), (M, C), (C,))]
        for shape in ((T, C), (B, T, C), (B, H, T, C), (C,), (1, 1, C)):
            yield "feed_forward", rng.normal(size=shape), *weights
        yield "feed_forward", rng.normal(size=(T, C)) * 100, *weights
        weights = [rng.normal(size=size) for size in ((C, 1), (1,), (1, C), (C,))]
        yield "feed_forward", rng.normal(size=(B, C)), *weights

    def random_call(rng):
        C, M, *shape = rng.integers(1, 7, size=rng.integers(2, 5))
        sizes = ((*shape, C), (C, M), (M,), (M, C), (C,))
        return "feed_forward", *(rng.normal(size=size) for size in sizes)

    class steps:
        def widen(x, w1, w2):
            return x @ w1

        def first(h, b1, b2):
            return h + b1

        def bend(h):
            return gelu(h)

        def narrow(h, w1, w2):
            return h @ w2

        def second(out, b1, b2):
            return out + b2

        def last(out, x):
            return out

    def whole(steps):
        def feed_forward(x, w1, b1, w2, b2):
            h = steps.bend(steps.first(steps.widen(x, w1, w2), b1, b2))
            return steps.last(steps.second(steps.narrow(h, w1, w2), b1, b2), x)

        return {"feed_forward": feed_forward}

    class properties:
        def a_silent_middle_leaves_b2(f, result, x, w1, b1, w2, b2):
            out = f.feed_forward(x, w1, 0 * b1 - 1e5, w2, b2)
            off = np.abs(out - b2)
            if off.max() > 1e-9:
                return (
                    "With -100000 in b1 the middle is silent, and b2 alone is left. Here a channel is "
                    f"{out.flat[off.argmax()]:.3g}, not {(b2 + 0 * out).flat[off.argmax()]:.3g}."
                )

        def b2_is_added_last(f, result, x, w1, b1, w2, b2):
            more = f.feed_forward(x, w1, b1, w2, b2 + 1) - result
            if np.abs(more - 1).max() > 1e-9:
                worst = more.flat[np.abs(more - 1).argmax()]
                return f"Adding 1 to b2 adds {worst:.3g} to the result, not 1."

        def b1_counts(f, result, x, w1, b1, w2, b2):
            if np.abs(f.feed_forward(x, w1, b1 + 1, w2, b2) - result).max() < 1e-9:
                return "Adding 1 to b1 changes nothing."

        def the_middle_bends(f, result, x, w1, b1, w2, b2):
            zero = 0 * b1, w2, 0 * b2
            once, twice = (f.feed_forward(n * x, w1, *zero) for n in (1, 2))
            if np.abs(twice - 2 * once).max() < 1e-9:
                return (
                    "With both biases at 0, twice the input gives exactly twice the output. With GELU "
                    "in the middle it does not."
                )

    class slips:
        def bend__none(h):
            """Nothing bends between the two products: together they are one matrix, however wide the
            middle. Which function stands between them?"""
            return h

        def bend__relu(h):
            """These are the numbers with ReLU in the middle, as in Vaswani et al. 2017. Ours has
            GELU there."""
            return np.maximum(h, 0)

        def bend__sigmoid(h):
            """These are the numbers with a sigmoid in the middle. Ours has GELU there."""
            return 1 / (1 + np.exp(-h))

        def bend__tanh(h):
            """These are the numbers with a tanh in the middle. Ours has GELU there."""
            return np.tanh(h)

        def bend__silu(h):
            """These are the numbers with SiLU in the middle, x times its sigmoid. Ours has GELU
            there."""
            return h / (1 + np.exp(-h))

        def bend__twice(h):
            """The middle went through GELU twice. Once is enough."""
            return gelu(gelu(h))

        def bend__softmax(h):
            """The middle went through a softmax, as in attention. Here every number bends for itself:
            GELU."""
            shares = np.exp(h - h.max(axis=-1, keepdims=True))
            return shares / shares.sum(axis=-1, keepdims=True)

        class bend_at_the_end:
            """GELU comes after the second product here, and nothing can be below -0.17. It belongs
            in the middle, between the two."""

            def bend(h):
                return h

            def last(out, x):
                return gelu(out)

        class bend_before_the_last_bias:
            """GELU comes after the second product here, just before b2. It belongs in the middle,
            between the two products."""

            def bend(h):
                return h

            def narrow(h, w1, w2):
                return gelu(h @ w2)

        def last__bent_too(out, x):
            """GELU comes twice: in the middle, and again at the end, where nothing can be below
            -0.17 now. The second product has the last word."""
            return gelu(out)

        class bend_first:
            """GELU comes before the first product here. First widen, then bend: the wide middle is
            where it belongs."""

            def widen(x, w1, w2):
                return gelu(x) @ w1

            def bend(h):
                return h

        class bend_before_b1:
            """b1 is added after GELU here. The first bias decides where each number starts to bend:
            add it before."""

            def first(h, b1, b2):
                return gelu(h) + b1

            def bend(h):
                return h

        def first__none(h, b1, b2):
            """b1 changes nothing here. Both products have a bias: add the first before GELU."""
            return h

        def first__minus(h, b1, b2):
            """b1 was taken away. It is added."""
            return h - b1

        def second__none(out, b1, b2):
            """b2 changes nothing here. Both products have a bias: add the second at the end."""
            return out

        def second__minus(out, b1, b2):
            """b2 was taken away. It is added."""
            return out - b2

        def narrow__turned(h, w1, w2):
            """The way back goes through w1 turned round here. It has a matrix of its own, w2."""
            return h @ w1.T

        def widen__turned(x, w1, w2):
            """The way up goes through w2 turned round here. It has a matrix of its own, w1."""
            return x @ w2.T

        def widen__misfit(x, w1, w2):
            """Two shapes do not meet. x ends on C: which matrix begins with C, as it is, and which
            bias fits what comes out? Print the shapes step by step."""
            return x @ w2

        class middle_returned:
            """What came out is the wide middle. The second product, which brings it back to C
            channels, is missing."""

            def narrow(h, w1, w2):
                return h

            def second(out, b1, b2):
                return out

        def last__residual(out, x):
            """x was added at the end. That is the block's part: here only the three moves are asked
            for."""
            return out + x

    class accepts:
        def bend__gelu_tanh(h):
            """Right, in another convention: GELU by its tanh approximation, as in GPT-2. The book
            takes the exact one; they differ by less than 0.0005."""
            return gelu_tanh(h)


class exercise_1_12:
    title = "a Transformer block"
    minutes = 45
    hints = (
        (
            "Switch both halves off, with zeros in what each of them ends on. In the modern order the "
            "input must come out untouched: does it? Then switch one half on at a time."
        ),
        (
            "A stream runs straight through, and each half only adds to it. The second half hears what "
            "the first has said. The two orders differ in one place: what is levelled, the copy that a "
            "half hears, or the sum."
        ),
        (
            "Two sublayers: multi_head(x, x, ...)[0] with its four matrices, H and mask, and "
            "feed_forward. norm_1 belongs to the first, norm_2 to the second. A loop over the two, with "
            "one `if` in it."
        ),
        (
            "pre: x = x + sublayer(layer_norm(x, gain, bias)). post: x = layer_norm(x + sublayer(x), "
            "gain, bias). Both: first attention with norm_1, then feed_forward with norm_2."
        ),
    )

    def calls(rng):
        C, M, H, T = 4, 5, 2, 3
        x, params = whole_numbers(rng, 1, T, C), block_params(rng, C, M, whole_numbers)
        yield "block", x, params, H, causal_mask(T)
        yield "block", x, params, H, causal_mask(T), "post"
        x, params = rng.normal(size=(1, T, C)), block_params(rng, C, M)
        yield "block", x, params, H
        yield "block", x, params, H, padding_mask(np.array([2]), T), "pre"
        yield "block", x, params, H, padding_mask(np.array([2]), T), "post"
        yield "block", x, params, 1, None, "post"
        B, H, T, C, M = 2, 3, 5, 12, 8
        x, params = rng.normal(size=(B, T, C)) + 0.5, block_params(rng, C, M)
        both = causal_mask(T) & padding_mask(np.array([3, 5]), T)
        for norm in ("pre", "post"):
            yield "block", x, params, H, None, norm
            yield "block", x, params, H, both, norm
            yield "block", x[:1, :1], params, H, None, norm

    def random_call(rng):
        B, H, T, D, M = (int(n) for n in rng.integers(1, 5, size=5))
        C = max(H * D, 3 * H)
        masks = (None, causal_mask(T), padding_mask(rng.integers(1, T + 1, size=B), T))
        norm = str(rng.choice(["pre", "post"]))
        mask = masks[rng.integers(3)]
        return "block", rng.normal(size=(B, T, C)), block_params(rng, C, M), H, mask, norm

    def refusals(rng):
        yield "block", rng.normal(size=(2, 3, 4)), block_params(rng, 4, 5), 2, None, "middle"

    class steps:
        def order():
            return 1, 2

        def hear(x, start, norm):
            return x

        def own(number):
            return number

        def normal(x, params, number):
            return layer_norm(x, params[f"norm_{number}.gain"], params[f"norm_{number}.bias"])

        def seen(mask, T):
            return mask

        def matrices(params):
            return [params[f"attention.w_{name}"] for name in "qkvo"]

        def gather(read, x, matrices, H, mask):
            return multi_head(read, read, *matrices, H, mask)[0]

        def think(read, params):
            names = "w1", "b1", "w2", "b2"
            return feed_forward(read, *(params[f"feed_forward.{name}"] for name in names))

        def add(x, update, read, number):
            return x + update

        def wire(x, heard, sublayer, normal, add, norm, number):
            if norm == "pre":
                read = normal(heard)
                return add(x, sublayer(read), read)
            return normal(add(x, sublayer(heard), x))

        def leave(x, normal, norm):
            return x

    def whole(steps):
        def block(x, params, H, mask=None, norm="pre"):
            start, mask = x, steps.seen(mask, x.shape[1])
            for number in steps.order():

                def sublayer(read, x=x, number=number):
                    if number == 2:
                        return steps.think(read, params)
                    return steps.gather(read, x, steps.matrices(params), H, mask)

                def normal(x, number=number):
                    return steps.normal(x, params, steps.own(number))

                def add(x, update, read, number=number):
                    return steps.add(x, update, read, number)

                heard = steps.hear(x, start, norm)
                x = steps.wire(x, heard, sublayer, normal, add, norm, number)
            return steps.leave(x, lambda x: steps.normal(x, params, 2), norm)

        return {"block": block}

    class properties:
        def switched_off_it_is_a_pipe(f, result, x, params, H, mask=None, norm="pre"):
            if norm == "pre":
                off = np.abs(f.block(x, silent(params), H, mask, norm) - x)
                if off.max() > 1e-9:
                    return (
                        "With both sublayers switched off (0 in w_o, w2 and b2), x should pass "
                        f"untouched. A number of it changes by {off.max():.3g}."
                    )

        def post_norm_is_last(f, result, x, params, H, mask=None, norm="pre"):
            if norm == "post":
                gain, bias = params["norm_2.gain"], params["norm_2.bias"]
                mean = ((result - bias) / gain).mean(axis=-1)
                if np.abs(mean).max() > 1e-9:
                    worst = mean.flat[np.abs(mean).argmax()]
                    return (
                        'With norm="post" the second norm comes last. Undo its gain and bias, and a '
                        f"row has the mean {worst:.3g}, not 0."
                    )

        def the_hidden_is_not_heard(f, result, x, params, H, mask=None, norm="pre"):
            if mask is None or not (~mask.any(axis=-2)).any():
                return None
            hidden = ~np.broadcast_to(mask.any(axis=-2), (len(x), 1, x.shape[1]))[:, 0]
            changed = np.where(hidden[..., None], x[..., ::-1] + 1, x)
            off = np.abs(f.block(changed, params, H, mask, norm) - result)[~hidden]
            if off.max() > 1e-9:
                return (
                    "Changing a position that the mask hides from all changes another one by "
                    f"{off.max():.3g}."
                )

        def the_past_is_blind(f, result, x, params, H, mask=None, norm="pre"):
            if mask is None or x.shape[1] < 2 or mask[..., 0, 1:].any():
                return None
            changed = np.concatenate([x[:, :1], x[:, 1:, ::-1] + 1], axis=1)
            off = np.abs(f.block(changed, params, H, mask, norm) - result)[:, 0].max()
            if off > 1e-9:
                return (
                    "Position 0 may see itself alone under this mask, yet changing later positions "
                    f"changes it by {off:.3g}."
                )

        def both_norms_are_there(f, result, x, params, H, mask=None, norm="pre"):
            for number in (1, 2):
                gain = f"norm_{number}.gain"
                other = f.block(x, params | {gain: params[gain] + 1}, H, mask, norm)
                if np.abs(other - result).max() < 1e-9:
                    return f"Adding 1 to {gain} changes nothing: norm_{number} is not in use."

        def pre_is_not_post(f, result, x, params, H, mask=None, norm="pre"):
            other = f.block(x, params, H, mask, "post" if norm == "pre" else "pre")
            if np.abs(other - result).max() < 1e-9:
                return 'norm="pre" and norm="post" give the same numbers.'

        def attention_alone(f, result, x, params, H, mask=None, norm="pre"):
            alone = silent(params, FEED_FORWARD)
            off = np.abs(f.block(x, alone, H, mask, norm) - block(x, alone, H, mask, norm))
            if off.max() > 1e-9:
                return (
                    "With the feed-forward switched off (0 in w2 and b2), the block is off by "
                    f"{off.max():.3g}: look at attention, and at both sums."
                )

        def feed_forward_alone(f, result, x, params, H, mask=None, norm="pre"):
            alone = silent(params, ATTENTION)
            off = np.abs(f.block(x, alone, H, mask, norm) - block(x, alone, H, mask, norm))
            if off.max() > 1e-9:
                return (
                    "With attention switched off (0 in w_o), the block is off by "
                    f"{off.max():.3g}: look at the feed-forward, and at both sums."
                )

    class slips:
        def wire__post(x, heard, sublayer, normal, add, norm, number):
            """This behaves like post-norm whatever is asked: the sum is normalised. With norm="pre"
            the stream is left alone, and each sublayer hears a normalised copy."""
            return normal(add(x, sublayer(heard), x))

        def wire__pre(x, heard, sublayer, normal, add, norm, number):
            """This behaves like pre-norm whatever is asked. With norm="post" the sublayer hears the
            stream as it is, and the sum is normalised."""
            read = normal(heard)
            return add(x, sublayer(read), read)

        def wire__exchanged(x, heard, sublayer, normal, add, norm, number):
            """ "pre" and "post" are exchanged. Pre means: normalise before the sublayer. Post: after
            the sum."""
            if norm == "pre":
                return normal(add(x, sublayer(heard), x))
            read = normal(heard)
            return add(x, sublayer(read), read)

        def wire__no_norm(x, heard, sublayer, normal, add, norm, number):
            """Nothing is normalised here: changing the gains changes nothing. Where does the norm
            stand in each of the two orders?"""
            return add(x, sublayer(heard), heard)

        def wire__no_norm_in_pre(x, heard, sublayer, normal, add, norm, number):
            """Right for "post". With norm="pre" nothing is normalised: the copy that a sublayer hears
            should be."""
            total = add(x, sublayer(heard), heard)
            return total if norm == "pre" else normal(total)

        def wire__no_norm_in_post(x, heard, sublayer, normal, add, norm, number):
            """Right for "pre". With norm="post" nothing is normalised: the sum should be, after each
            of the two sublayers."""
            read = normal(heard) if norm == "pre" else heard
            return add(x, sublayer(read), read)

        def wire__both_in_pre(x, heard, sublayer, normal, add, norm, number):
            """Right for "post". With norm="pre" the sums are normalised as well: there the stream
            itself is never touched."""
            read = normal(heard) if norm == "pre" else heard
            return normal(add(x, sublayer(read), read))

        def wire__both_in_post(x, heard, sublayer, normal, add, norm, number):
            """Right for "pre". With norm="post" the sublayer hears a normalised copy as well: there
            it hears the stream as it is."""
            read = normal(heard)
            total = add(x, sublayer(read), read if norm == "pre" else x)
            return total if norm == "pre" else normal(total)

        def wire__update_in_post(x, heard, sublayer, normal, add, norm, number):
            """Right for "pre". With norm="post" only the update is normalised, and then added. Post
            means: after the sum."""
            if norm == "pre":
                read = normal(heard)
                return add(x, sublayer(read), read)
            return add(x, normal(sublayer(heard)), x)

        def wire__update_in_pre(x, heard, sublayer, normal, add, norm, number):
            """Right for "post". With norm="pre" the norm comes after the sublayer, on its update. Pre
            means: before the sublayer."""
            if norm == "pre":
                return add(x, normal(sublayer(heard)), heard)
            return normal(add(x, sublayer(heard), x))

        def wire__last_alone_in_post(x, heard, sublayer, normal, add, norm, number):
            """Right for "pre". With norm="post" only the last sum is normalised. Each of the two
            sums is, with a norm of its own."""
            read = normal(heard) if norm == "pre" else heard
            total = add(x, sublayer(read), read)
            return normal(total) if norm == "post" and number == 2 else total

        def wire__first_alone_in_pre(x, heard, sublayer, normal, add, norm, number):
            """Right for "post". With norm="pre" only attention hears a normalised copy. The
            feed-forward hears one too, made by norm_2."""
            read = normal(heard) if norm == "pre" and number == 1 else heard
            total = add(x, sublayer(read), read)
            return normal(total) if norm == "post" else total

        def wire__replaced_in_pre(x, heard, sublayer, normal, add, norm, number):
            """Right for "post". With norm="pre" the stream is lost: each sublayer replaces it. It
            only adds."""
            return sublayer(normal(heard)) if norm == "pre" else normal(add(x, sublayer(heard), x))

        def wire__replaced_in_post(x, heard, sublayer, normal, add, norm, number):
            """Right for "pre". With norm="post" the stream is lost: each sublayer replaces it. The
            sum of both is what is normalised."""
            read = normal(heard)
            return add(x, sublayer(read), read) if norm == "pre" else normal(sublayer(heard))

        def add__none(x, update, read, number):
            """The stream is lost: each sublayer replaces it. Switch both off, and nothing is left; x
            should pass untouched. Each sublayer only adds."""
            return update

        def add__first_alone(x, update, read, number):
            """Attention is added to the stream, but the feed-forward replaces it. Both only add."""
            return x + update if number == 1 else update

        def add__second_alone(x, update, read, number):
            """The feed-forward is added to the stream, but attention replaces it. Both only add."""
            return x + update if number == 2 else update

        def add__to_the_copy(x, update, read, number):
            """The update is added to the normalised copy: the stream itself is lost. Keep x, let the
            sublayer hear the copy, add to x."""
            return read + update

        def add__twice(x, update, read, number):
            """The stream is added twice: with both sublayers off, x comes out four times as large.
            Does an update already hold x?"""
            return 2 * x + update

        def add__and_the_copy(x, update, read, number):
            """The stream, the copy that the sublayer hears and the update are all added up. The copy
            is only for hearing: x + update."""
            return x + read + update

        def add__minus(x, update, read, number):
            """The update is taken from the stream. It is added."""
            return x - update

        def hear__start(x, start, norm):
            """The feed-forward hears the block's input: it never heard what attention said. First one
            sum, then the next sublayer hears that sum."""
            return start

        def hear__start_in_pre(x, start, norm):
            """Right for "post". With norm="pre" the feed-forward hears the block's input: it never
            heard what attention said."""
            return start if norm == "pre" else x

        def own__first(number):
            """norm_1 is used twice, and norm_2 is never heard of. Each sublayer has a norm of its
            own."""
            return 1

        def own__second(number):
            """norm_2 is used twice, and norm_1 is never heard of. Each sublayer has a norm of its
            own."""
            return 2

        def own__exchanged(number):
            """The norms are exchanged: norm_2 serves attention, and norm_1 the feed-forward."""
            return 3 - number

        def normal__exchanged(x, params, number):
            """Gain and bias of the norms are exchanged. In which order does layer_norm take them?"""
            gain, bias = params[f"norm_{number}.gain"], params[f"norm_{number}.bias"]
            return layer_norm(x, bias, gain)

        def normal__no_gain(x, params, number):
            """Gain and bias of the norms change nothing here. layer_norm takes both: which of the
            params are they?"""
            return layer_norm(x, 1, 0)

        def order__think_first():
            """The feed-forward comes before attention here. First gather from the others, then think
            about it."""
            return 2, 1

        def order__gather_alone():
            """Attention is there, but the feed-forward is missing: changing w1 changes nothing. A
            block has two sublayers."""
            return (1,)

        def order__think_alone():
            """The feed-forward is there, but attention is missing: no position hears another. A block
            has two sublayers."""
            return (2,)

        def seen__none(mask, T):
            """This behaves as if there were no mask. Is it handed on to multi_head?"""

        def seen__inverted(mask, T):
            """Your mask keeps exactly what it should hide. True means: may be seen; it can be handed
            on as it is."""
            return mask if mask is None else ~mask

        def seen__turned(mask, T):
            """The mask is turned round: it hides queries, not keys. Rows ask, columns answer; it can
            be handed on as it is."""
            return mask if mask is None else np.swapaxes(mask, -1, -2)

        def seen__causal_too(mask, T):
            """The future is always hidden here. Which positions may be seen is for the caller to say,
            by mask; without one, all of them."""
            return causal_mask(T) if mask is None else mask & causal_mask(T)

        def matrices__sorted(params):
            """The four matrices came in alphabetical order: k, o, q, v. multi_head takes them as
            w_q, w_k, w_v, w_o."""
            return [params[f"attention.w_{name}"] for name in "koqv"]

        def matrices__k_q(params):
            """w_q and w_k are exchanged: the keys ask the queries. multi_head takes them as w_q, w_k,
            w_v, w_o."""
            return [params[f"attention.w_{name}"] for name in "kqvo"]

        def matrices__v_k(params):
            """w_k and w_v are exchanged: the values are compared, and the keys are mixed. multi_head
            takes them as w_q, w_k, w_v, w_o."""
            return [params[f"attention.w_{name}"] for name in "qvko"]

        def matrices__turned(params):
            """The four matrices are turned round, as torch stores them. Here they are used as they
            are: x @ w."""
            return [params[f"attention.w_{name}"].T for name in "qkvo"]

        def matrices__no_output(params):
            """The heads are never mixed: changing w_o changes nothing. It is the last of the four
            matrices."""
            C = len(params["attention.w_o"])
            return [params[f"attention.w_{name}"] for name in "qkv"] + [np.eye(C)]

        def gather__raw_memory(read, x, matrices, H, mask):
            """The queries come from the normalised copy, keys and values from the stream itself. In
            self-attention all three come from the same."""
            return multi_head(read, x, *matrices, H, mask)[0]

        def gather__raw_queries(read, x, matrices, H, mask):
            """Keys and values come from the normalised copy, the queries from the stream itself. In
            self-attention all three come from the same."""
            return multi_head(x, read, *matrices, H, mask)[0]

        def gather__one_head(read, x, matrices, H, mask):
            """These are the numbers with a single head. Is H handed on to multi_head?"""
            return multi_head(read, read, *matrices, 1, mask)[0]

        def gather__both(read, x, matrices, H, mask):
            """multi_head returns two things, the output and the weights. The sum needs the first
            alone: which [ ] takes it?"""
            return multi_head(read, read, *matrices, H, mask)

        def gather__weights(read, x, matrices, H, mask):
            """multi_head returns two things, the output and then the weights. The sum got the
            weights, and they do not fit."""
            return multi_head(read, read, *matrices, H, mask)[1]

        def think__misfit(read, params):
            """Two shapes do not meet. feed_forward takes w1, b1, w2, b2 in this order, and multi_head
            w_q, w_k, w_v, w_o; all as they are, none turned round."""
            names = "w1", "w2", "b1", "b2"
            return feed_forward(read, *(params[f"feed_forward.{name}"] for name in names))

        def think__relu(read, params):
            """These are the numbers with ReLU in the feed-forward. Ours has GELU there; feed_forward
            is yours to call."""
            own = {
                name[13:]: value for name, value in params.items() if name[:13] == "feed_forward."
            }
            return np.maximum(read @ own["w1"] + own["b1"], 0) @ own["w2"] + own["b2"]

        def leave__normed(x, normal, norm):
            """The stream is normalised once more at the end. In a model that comes after the last
            block, with a norm of its own; here nothing follows the second sum."""
            return normal(x) if norm == "pre" else x

    class accepts:
        def think__tanh(read, params):
            """Right, in another convention: GELU by its tanh approximation, as in GPT-2. The book
            takes the exact one; they differ by less than 0.0005."""
            own = {
                name[13:]: value for name, value in params.items() if name[:13] == "feed_forward."
            }
            return gelu_tanh(read @ own["w1"] + own["b1"]) @ own["w2"] + own["b2"]


class exercise_1_13:
    title = "an encoder that classifies"
    minutes = 60
    hints = (
        (
            "Give it one sentence alone, and then with padding behind it: do the scores stay? Turn its "
            "words round: may they stay now? Try all three ways to make one vector of a sentence."
        ),
        (
            "Which word it is and its place in the sentence become one vector. Then each storey works "
            "on what the one under it made. Padding must be hidden twice: from every word, and when "
            "one vector is made of all words."
        ),
        (
            "padding_mask(lengths, T) goes into every block; its [:, 0, 0, :, None] fits x when you "
            'pool. Sort the numbers of the blocks as int: as text "10" comes before "2". The last norm '
            "comes before pooling."
        ),
        (
            "mean: (x * seen).sum(axis=1) / seen.sum(axis=1). max: np.where(seen, x, -np.inf).max(axis="
            "1). first: x[:, 0]. A block gets the params that begin with its prefix, without it."
        ),
    )
    advice = (
        (
            r"KeyError: '(norm_[12]|attention|feed_forward)\.",
            'A block knows its params without "blocks.0." in front. And how many blocks are there?',
        ),
    )

    def calls(rng):
        params = random_params(rng, V=4, C=3, M=2, L=2, classes=2)
        params = {name: whole_numbers(rng, *value.shape) for name, value in params.items()}
        ids, lengths = np.array([[1, 2, 0, 3], [3, 0, 2, 1]]), np.array([3, 4])
        for pool in ("mean", "first", "max"):
            yield "encoder", ids, params, 1, lengths, pool
        H, C, V = 3, 12, 7  # B is 2, and T 5
        params = random_params(rng, V, C, M=8, L=3, classes=4)
        ids, lengths = np.array([[3, 0, 4, 0, 5], [6, 1, 0, 2, 1]]), np.array([2, 5])
        for pool in ("mean", "first", "max"):
            yield "encoder", ids, params, H, lengths, pool
        yield "encoder", ids, params, H, lengths
        yield "encoder", ids[:1, :1], params, H, np.array([1]), "mean"
        yield "encoder", ids[:, ::-1], params, H, np.array([1, 4]), "max"
        # a bias so low that no number below it can be guessed
        low = params | {"norm.bias": params["norm.bias"] - 5000}
        yield "encoder", ids, low, H, lengths, "max"
        # as many sentences as positions: a mask (B, T) fits then, and is wrong
        yield "encoder", ids[:, [3, 0]], params, H, np.array([1, 2])
        # eleven blocks: "10" comes before "2" as text, and begins with "1"
        params = random_params(rng, V, C=4, M=3, L=11, classes=3)
        yield "encoder", ids, params, 2, lengths

    def random_call(rng):
        B, H, T, V = (int(n) for n in rng.integers(1, 5, size=4))
        params = random_params(rng, V, 3 * H, M=4, L=int(rng.integers(2, 4)), classes=2)
        ids, lengths = rng.integers(V, size=(B, T)), rng.integers(1, T + 1, size=B)
        return "encoder", ids, params, H, lengths, str(rng.choice(["mean", "first", "max"]))

    def refusals(rng):
        params = random_params(rng, V=3, C=3, M=2, L=1, classes=2)
        yield "encoder", np.array([[1, 2]]), params, 1, np.array([2]), "median"

    class steps:
        def look(ids, params):
            return embed(ids, params["embedding"])

        def places(x):
            return sinusoidal(*x.shape[1:])

        def place(x, places, params):
            return x + places

        def real(ids, lengths):
            return padding_mask(lengths, ids.shape[1])

        def numbers(params):
            return sorted({n.split(".")[1] for n in params if n.startswith("blocks.")}, key=int)

        def own(params, number):
            start = f"blocks.{number}."
            return {n.removeprefix(start): v for n, v in params.items() if n.startswith(start)}

        def read(x, own, H, real, places, number):
            return block(x, own, H, real)

        def normal(x, params, places):
            return layer_norm(x, params["norm.gain"], params["norm.bias"])

        def which(pool):
            return pool

        def seen(ids, lengths):
            return np.arange(ids.shape[1])[:, None] < lengths[:, None, None]  # (B, T, 1)

        def first(x, seen):
            return x[:, 0]

        def mean(x, seen):
            return (x * seen).sum(axis=1) / seen.sum(axis=1)

        def most(x, seen):
            return np.where(seen, x, -np.inf).max(axis=1)

        def give(pooled, params):
            return pooled @ params["head.w"] + params["head.b"]

    def whole(steps):
        def encoder(ids, params, H, lengths, pool="mean"):
            x = steps.look(ids, params)
            places, real = steps.places(x), steps.real(ids, lengths)
            x = steps.place(x, places, params)
            for number in steps.numbers(params):
                x = steps.read(x, steps.own(params, number), H, real, places, number)
            x = steps.normal(x, params, places)
            ways = {"first": steps.first, "mean": steps.mean, "max": steps.most}
            pooled = ways[steps.which(pool)](x, steps.seen(ids, lengths))
            return steps.give(pooled, params)

        return {"encoder": encoder}

    class properties:
        def what_is_in_the_padding(f, result, ids, params, H, lengths, pool="mean"):
            padding = np.arange(ids.shape[1]) >= lengths[:, None]
            other = np.where(padding, (ids + 1) % len(params["embedding"]), ids)
            off = np.abs(f.encoder(other, params, H, lengths, pool) - result).max()
            if off > 1e-9:
                return f"Other symbols in the padding change the logits by {off:.3g}."

        def how_much_padding(f, result, ids, params, H, lengths, pool="mean"):
            longer = np.pad(ids, ((0, 0), (0, 3)))
            off = np.abs(f.encoder(longer, params, H, lengths, pool) - result).max()
            if off > 1e-9:
                return (
                    "The same sentences, padded by three more, have other logits: off by "
                    f"{off:.3g} with pool={pool!r}."
                )

        def a_sentence_alone(f, result, ids, params, H, lengths, pool="mean"):
            alone = f.encoder(ids[:1, : lengths[0]], params, H, lengths[:1], pool)[0]
            off = np.abs(alone - result[0]).max()
            if off > 1e-9:
                return (
                    f"The first sentence has other logits when it is alone, without padding: off by "
                    f"{off:.3g} with pool={pool!r}."
                )

        def order_of_words_counts(f, result, ids, params, H, lengths, pool="mean"):
            words = ids[:1, : lengths[0]]
            turned = f.encoder(words[:, ::-1], params, H, lengths[:1], pool)
            if (words != words[:, ::-1]).any() and np.abs(turned - result[0]).max() < 1e-9:
                return "A sentence read backwards has the same logits. Its order is lost."

        def every_block_is_heard(f, result, ids, params, H, lengths, pool="mean"):
            for number in exercise_1_13.steps.numbers(params):
                without = silent(params, prefix=f"blocks.{number}.")
                without = f.encoder(ids, without, H, lengths, pool)
                if np.abs(without - result).max() < 1e-12:
                    return f"Switching off block {number} changes nothing."

        def order_of_the_blocks(f, result, ids, params, H, lengths, pool="mean"):
            *others, a, b = exercise_1_13.steps.numbers(params)
            own = {n: v for n, v in params.items() if not n.startswith("blocks.")}
            for number, name in ((a, "0"), (b, "1")):
                block = exercise_1_13.steps.own(params, number)
                own |= {f"blocks.{name}.{n}": v for n, v in block.items()}
            for number in others:
                params = silent(params, prefix=f"blocks.{number}.")
            many, two = (f.encoder(ids, p, H, lengths, pool) for p in (params, own))
            if np.abs(many - two).max() > 1e-9:
                return (
                    f"With all blocks but {a} and {b} switched off, the logits are not those of an "
                    f"encoder that has only these two, as its blocks 0 and 1."
                )

        def the_last_norm(f, result, ids, params, H, lengths, pool="mean"):
            flat = params | {"norm.gain": 0 * params["norm.gain"]}
            wanted = params["norm.bias"] @ params["head.w"] + params["head.b"]
            off = np.abs(f.encoder(ids, flat, H, lengths, pool) - wanted).max()
            if off > 1e-9:
                return (
                    "With 0 in norm.gain only norm.bias is left before the head, for every sentence. "
                    f"The logits are off by {off:.3g} then."
                )

        def the_bias_of_the_head(f, result, ids, params, H, lengths, pool="mean"):
            other = f.encoder(ids, params | {"head.b": params["head.b"] + 1}, H, lengths, pool)
            more = (other - result).flat[np.abs(other - result - 1).argmax()]
            if abs(more - 1) > 1e-9:
                return f"Adding 1 to head.b adds {more:.3g} to a logit, not 1."

        def three_ways_to_pool(f, result, ids, params, H, lengths, pool="mean"):
            other = "first" if pool == "mean" else "mean"
            same = f.encoder(ids, params, H, lengths, other)
            if lengths.max() > 1 and np.abs(same - result).max() < 1e-9:
                return f'pool="{pool}" and pool="{other}" give the same logits.'

    class slips:
        def look__scaled(ids, params):
            """The embeddings are larger by the root of C. Vaswani et al. do that in section 3.4, but
            it is not asked for here."""
            x = embed(ids, params["embedding"])
            return x * np.sqrt(x.shape[-1])

        def place__none(x, places, params):
            """There are no positions: shuffle the words of a sentence, and its mean stays the same.
            Where does a word stand?"""
            return x

        def place__alone(x, places, params):
            """Only the positions go into the blocks: which word stands there is lost. Add the two."""
            return x * 0 + places

        def place__multiplied(x, places, params):
            """The positions are multiplied with the embeddings. They are added."""
            return x * places

        def places__from_one(x):
            """The first word stands at position 1 here. Positions are counted from 0."""
            return sinusoidal(x.shape[1] + 1, x.shape[2])[1:]

        def places__of_the_batch(x):
            """All words of a sentence have the same position: the number of the sentence. Positions
            run along T, the second axis."""
            return sinusoidal(x.shape[0], x.shape[2])[:, None]

        def places__exchanged(x):
            """The table of positions does not fit. sinusoidal takes the number of positions first,
            then the number of channels."""
            return sinusoidal(x.shape[2], x.shape[1])

        class places_in_each_block:
            """The positions are added anew before each block. Once is enough, right after the
            embeddings: the stream carries them on."""

            def place(x, places, params):
                return x

            def read(x, own, H, real, places, number):
                return block(x + places, own, H, real)

        class places_at_the_end:
            """The positions are added after the blocks: no word knew in time where it stands. Add
            them right after the embeddings."""

            def place(x, places, params):
                return x

            def normal(x, params, places):
                return layer_norm(x + places, params["norm.gain"], params["norm.bias"])

        def real__none(ids, lengths):
            """Padding is heard as if it were words: the same sentence, padded by three, gives another
            answer. Pooling is right; what do the blocks need?"""

        def real__inverted(ids, lengths):
            """The mask of the blocks keeps exactly what it should hide. True means: may be seen."""
            return ~padding_mask(lengths, ids.shape[1])

        def real__queries(ids, lengths):
            """The mask silences the questions of the padding, but everyone still listens to its
            answers. Write the names of the four axes beside it: which one is the keys'?"""
            return np.swapaxes(padding_mask(lengths, ids.shape[1]), -1, -2)

        def real__two_axes(ids, lengths):
            """The mask of the blocks does not fit (B, H, T, T). Between the sentences and the keys it
            needs two axes of length 1: (B, 1, 1, T)."""
            return padding_mask(lengths, ids.shape[1])[:, 0, 0]

        def real__three_axes(ids, lengths):
            """The mask of the blocks does not fit (B, H, T, T). Between the sentences and the keys it
            needs two axes of length 1: (B, 1, 1, T)."""
            return padding_mask(lengths, ids.shape[1])[:, 0]

        def real__causal(ids, lengths):
            """No word hears those that follow. An encoder has the whole sentence before it: only
            padding is hidden."""
            T = ids.shape[1]
            return padding_mask(lengths, T) & causal_mask(T)

        class one_more:
            """One place of padding is taken for a word. Positions count from 0: with a length of 3
            they are 0, 1 and 2."""

            def real(ids, lengths):
                return np.arange(ids.shape[1]) <= lengths[:, None, None, None]

            def seen(ids, lengths):
                return np.arange(ids.shape[1])[:, None] <= lengths[:, None, None]

        def seen__one_more(ids, lengths):
            """The blocks are right, but pooling takes one place of padding for a word. Positions
            count from 0: with a length of 3 they are 0, 1 and 2."""
            return np.arange(ids.shape[1])[:, None] <= lengths[:, None, None]

        class padding_on_the_left:
            """This hides the first places and reads the last: padding stands on the right here."""

            def real(ids, lengths):
                T = ids.shape[1]
                return np.arange(T) >= T - lengths[:, None, None, None]

            def seen(ids, lengths):
                T = ids.shape[1]
                return np.arange(T)[:, None] >= T - lengths[:, None, None]

        class symbol_0_is_padding:
            """Symbol 0 is taken for padding, wherever it stands. What is padding, the lengths alone
            say."""

            def real(ids, lengths):
                return (ids != 0)[:, None, None]

            def seen(ids, lengths):
                return (ids != 0)[..., None]

        class no_lengths:
            """The lengths change nothing: padding is heard by the blocks and counted by pooling. It
            has to be hidden in both places."""

            def real(ids, lengths):
                return None

            def seen(ids, lengths):
                return np.ones((*ids.shape, 1), dtype=bool)

        def numbers__as_text(params):
            """The blocks come in the order of text: "10" before "2". Sort them as numbers."""
            return sorted({n.split(".")[1] for n in params if n.startswith("blocks.")})

        def numbers__backwards(params):
            """The blocks come in the wrong direction: the last one reads first."""
            return exercise_1_13.steps.numbers(params)[::-1]

        def numbers__first_alone(params):
            """Only block 0 is heard. One block works on the result of the other, until the last."""
            return exercise_1_13.steps.numbers(params)[:1]

        def numbers__all_but_the_last(params):
            """The last block is missing. How far does range count, and is the largest number the
            number of blocks?"""
            return exercise_1_13.steps.numbers(params)[:-1]

        def numbers__from_one(params):
            """Block 0 is missing: the blocks are counted from 0."""
            return exercise_1_13.steps.numbers(params)[1:]

        def numbers__last_alone(params):
            """Only the last block is heard: every block got the embeddings, it seems. Each works on
            the result of the one before it."""
            return exercise_1_13.steps.numbers(params)[-1:]

        def numbers__two(params):
            """Only blocks 0 and 1 are heard. How many there are, the names of the params say."""
            return exercise_1_13.steps.numbers(params)[:2]

        def numbers__one_digit(params):
            """Right for up to ten blocks: of "10" only the first digit is read. What stands between
            the first dot and the second?"""
            return sorted({n[7] for n in params if n.startswith("blocks.")})

        def numbers__none(params):
            """No block is heard: the embeddings go straight to the end. Is what a block returns kept,
            and given to the next?"""
            return []

        def own__first(params, number):
            """All blocks share the params of block 0. Each has its own, under its number."""
            return exercise_1_13.steps.own(params, "0")

        def own__prefix(params, number):
            """Right for up to ten blocks: "blocks.10." also begins with "blocks.1", and block 1 gets
            its params. Let the dot be part of the prefix."""
            start = f"blocks.{number}"
            return {n.split(".", 2)[2]: v for n, v in params.items() if n.startswith(start)}

        def read__post(x, own, H, real, places, number):
            """The blocks are post-norm here. They are pre-norm, with a norm of its own at the end."""
            return block(x, own, H, real, "post")

        def read__one_head(x, own, H, real, places, number):
            """These are the numbers with a single head. Is H handed on to the blocks?"""
            return block(x, own, 1, real)

        def read__mask_once(x, own, H, real, places, number):
            """Only block 0 gets the mask: in the next, words hear the padding again. Every block
            needs it."""
            return block(x, own, H, real if int(number) == 0 else None)

        def read__residual(x, own, H, real, places, number):
            """The stream is added once more around each block. A block already adds to it by
            itself."""
            return x + block(x, own, H, real)

        def normal__none(x, params, places):
            """The last norm is missing: nobody has normalised the stream since the blocks added to
            it. It comes before pooling."""
            return x

        def normal__exchanged(x, params, places):
            """Gain and bias of the last norm are exchanged. In which order does layer_norm take
            them?"""
            return layer_norm(x, params["norm.bias"], params["norm.gain"])

        class norm_after_pooling:
            """The last norm comes after pooling here. Every position is normalised first, then one
            vector is made of them."""

            def normal(x, params, places):
                return x

            def give(pooled, params):
                pooled = layer_norm(pooled, params["norm.gain"], params["norm.bias"])
                return pooled @ params["head.w"] + params["head.b"]

        class norm_before_the_blocks:
            """The norm of the end stands before the first block. It levels what all the blocks have
            added: it comes after the last."""

            def place(x, places, params):
                return layer_norm(x + places, params["norm.gain"], params["norm.bias"])

            def normal(x, params, places):
                return x

        def which__mean(pool):
            """This always takes the mean. Which of the three ways is asked for, pool says."""
            return "mean"

        def which__first(pool):
            """This always takes the first position. Which of the three ways is asked for, pool
            says."""
            return "first"

        def which__max(pool):
            """This always takes the largest. Which of the three ways is asked for, pool says."""
            return "max"

        def first__last(x, seen):
            """pool="first" takes the last column, which may be padding. The first position is
            number 0."""
            return x[:, -1]

        def first__last_word(x, seen):
            """pool="first" takes the last word of each sentence. The first position is number 0."""
            return x[np.arange(len(x)), seen.sum(axis=(1, 2)) - 1]

        def first__sentence(x, seen):
            """pool="first" takes the first sentence with all its positions. It should be the first
            position of every sentence: sentences are on axis 0, positions on axis 1."""
            return x[0]

        def mean__all(x, seen):
            """The mean counts the padding. It runs over the words alone: more padding, same mean."""
            return x.mean(axis=1)

        def mean__by_T(x, seen):
            """The sum is of words alone, but it was divided by T: more padding, smaller mean. Divide
            by the number of words."""
            return (x * seen).mean(axis=1)

        def mean__sum_of_all(x, seen):
            """The divisor is right, the number of words, but the sum runs over the padding as well."""
            return x.sum(axis=1) / seen.sum(axis=1)

        def mean__sum(x, seen):
            """The words are added up but not divided by their number: longer sentences become
            louder."""
            return (x * seen).sum(axis=1)

        def mean__of_all_words(x, seen):
            """Every sentence was divided by the number of words of the whole batch. Each has its own
            number."""
            return (x * seen).sum(axis=1) / seen.sum()

        def mean__misfit(x, seen):
            """The lengths (B,) do not fit the sums (B, C). Each sentence is divided by its own
            length: which axis is missing?"""
            return (x * seen).sum(axis=1) / seen.sum(axis=(1, 2))

        def mean__over_channels(x, seen):
            """With pool="mean" what comes out does not fit the head: it needs a vector of C channels
            for each sentence. The sum runs over the positions, axis 1, and over nothing else."""
            return x.mean(axis=-1)

        def most__all(x, seen):
            """The largest of a channel may come from the padding here. It is sought among the words
            alone."""
            return x.max(axis=1)

        def most__zeros(x, seen):
            """Padding takes part in the max as 0, and wins where all words are negative. Which number
            can never win?"""
            return (x * seen).max(axis=1)

        def most__absolute(x, seen):
            """This takes the number that is farthest from 0, whatever its sign. The max is the
            largest one."""
            x = np.where(seen, x, 0)
            return np.take_along_axis(x, np.abs(x).argmax(axis=1)[:, None], axis=1)[:, 0]

        def most__least(x, seen):
            """This takes the smallest of each channel. The max is the largest."""
            return np.where(seen, x, np.inf).min(axis=1)

        def give__no_bias(pooled, params):
            """head.b changes nothing here. The linear map at the end has a bias: add it."""
            return pooled @ params["head.w"]

        def give__softmax(pooled, params):
            """These are probabilities: they add up to 1. Logits are asked for, before any softmax."""
            logits = pooled @ params["head.w"] + params["head.b"]
            shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
            return shares / shares.sum(axis=-1, keepdims=True)

        def give__best(pooled, params):
            """This is the number of the best class. Return the scores of all classes; which is the
            best, the caller can see."""
            return (pooled @ params["head.w"] + params["head.b"]).argmax(axis=-1)

        def give__pooled(pooled, params):
            """This is the vector of a sentence, with C channels. The linear map at the end is
            missing, which makes a score for each class of it."""
            return pooled

        class head_before_pooling:
            """The head comes before pooling here: the same for mean and first, not for max. First one
            vector for each sentence, then the head."""

            def normal(x, params, places):
                x = layer_norm(x, params["norm.gain"], params["norm.bias"])
                return x @ params["head.w"] + params["head.b"]

            def give(pooled, params):
                return pooled
