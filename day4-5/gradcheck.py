"""Is a gradient right? Move every entry a little, both ways, and look at what the loss does.

python day4-5/gradcheck.py     a right gradient, and the same one with a term left out
"""

import numpy as np


def gradcheck(f, x, h=1e-5, tolerance=1e-7):
    """Compare the gradient that f claims with central differences, entry by entry.

    f(x) -> (a number, its gradient for x, of the form of x); x a float64 array, or a dictionary of
    them -> the largest error found, relative to the largest entry of the same array, or to
    a thousandth of max(1, |f|) where that is more
    AssertionError, naming the worst entry, where that is above the tolerance or not a number.
    ValueError for an x that is not float64, and for an f that gives another number the second time.
    """
    arrays = x if isinstance(x, dict) else {"x": x}
    for name, array in arrays.items():
        if getattr(array, "dtype", None) != np.float64:
            kind = getattr(array, "dtype", type(array).__name__)
            raise ValueError(f"{name} is {kind}: differences this small need an array of float64")
    value, claimed = f(x)
    if f(x)[0] != value:
        raise ValueError("f gives two numbers for the same x: draw its random numbers beforehand")
    claimed = claimed if isinstance(x, dict) else {"x": claimed}
    if claimed.keys() != arrays.keys():
        odd = ", ".join(sorted(claimed.keys() ^ arrays.keys()))
        raise AssertionError(f"what x holds and what the gradient holds differ in: {odd}")
    # where a gradient is 0, rounding alone makes differences of about 1e-11
    floor, worst = 1e-3 * max(1, abs(value)), 0.0
    for name, array in arrays.items():
        gradient = np.asarray(claimed[name])
        if gradient.shape != array.shape:
            raise AssertionError(f"the gradient for {name} is {gradient.shape}, not {array.shape}")
        numeric = differences(
            lambda a, n=name: f(x | {n: a} if isinstance(x, dict) else a)[0], array, h
        )
        off = np.abs(gradient - numeric) / np.abs(numeric).max(initial=floor)
        wrong = ~(off <= tolerance)  # NaN is wrong, too
        if wrong.any():
            place = np.unravel_index(np.where(np.isnan(off), np.inf, off).argmax(), off.shape)
            raise AssertionError(
                f"{name}[{', '.join(map(str, place))}]: the gradient says {gradient[place]:.9g}, "
                f"central differences say {numeric[place]:.9g}; "
                f"{wrong.sum()} of {wrong.size} entries are off by more than {tolerance:g}"
            )
        worst = max(worst, off.max(initial=0))
    return float(worst)


def differences(f, x, h=1e-5):
    """The slope of the number f(x) for every entry of x, by central differences, in the shape of x."""
    slopes = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        slopes[place] = (f(up) - f(down)) / (2 * h)
    return slopes


def main():
    """Layer norm's gradient, with and without what comes through the variance."""
    from backward_numpy import layer_norm_backward
    from block_numpy import layer_norm

    rng = np.random.default_rng(0)
    # a random gradient from above: that of a plain sum hides mistakes
    x, gain, bias, above = rng.normal(size=(2, 4)), *rng.normal(size=(3, 4))

    def right(x):
        y = layer_norm(x, gain, bias)
        return (y * above).sum(), layer_norm_backward(above * np.ones_like(y), x, gain)[0]

    def wrong(x):
        slope = above * gain
        slope = (slope - slope.mean()) / x.std(axis=-1, keepdims=True)
        return (layer_norm(x, gain, bias) * above).sum(), slope

    print(f"layer norm: right, the largest relative error is {gradcheck(right, x):.0e}")
    print("without the term through the variance:")
    try:
        gradcheck(wrong, x)
    except AssertionError as error:
        print(f"  {error}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
