# exercises 1.6 and 1.8: sinusoidal positions, embeddings
"""Where a word stands, and which word it is, as vectors. NumPy only.

Letters: T positions, C channels, V symbols.

    python day1/positions_numpy.py
"""

import numpy as np


# exercise 1.6
def sinusoidal(T, C):
    """A fixed vector for every position: sines in the even channels, cosines in the odd ones.

    -> (T, C). The pair of channels 2 i and 2 i + 1 turns with the wavelength 2 pi 10000^(2 i / C).
    An odd C ends on a sine. Vaswani et al. 2017, section 3.5.
    """
    channels = np.arange(C)
    angles = np.arange(T)[:, None] / 10000.0 ** (channels // 2 * 2 / C)  # (T, C)
    return np.where(channels % 2 == 0, np.sin(angles), np.cos(angles))


# exercise 1.8, further
def one_hot(ids, V):
    """A 1 in the place of the symbol, 0 elsewhere: an array of ids, of any shape -> (..., V).

    ValueError for an id outside 0..V-1.

    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    ids = np.asarray(ids)
    if ((ids < 0) | (ids >= V)).any():
        raise ValueError(f"ids must be in 0..{V - 1}, not {ids.min()}..{ids.max()}")
    return (ids[..., None] == np.arange(V)).astype(float)


# exercise 1.8, further
def embed(ids, table):
    """Look up the vector of every symbol: an array ids (...), table (V, C) -> (..., C).

    The same as one_hot(ids, V) @ table, without the multiplications by 0.
    ValueError for an id outside the table.
    """
    ids, V = np.asarray(ids), len(table)
    if ((ids < 0) | (ids >= V)).any():
        raise ValueError(f"ids must be in 0..{V - 1}, not {ids.min()}..{ids.max()}")
    return table[ids]


def main():
    """Positions of the lesson's sentence, and how near they are to each other."""
    np.set_printoptions(precision=3, suppress=True, floatmode="fixed")
    positions = sinusoidal(3, 4)
    print(f"sinusoidal(3, 4)\n{positions}")
    print(f"\nproducts: they depend on the distance alone\n{positions @ positions.T}")
    table = np.array([[1.0, 0], [0, 1], [1, 1]])
    print(
        f"\none-hot rows of ids 2, 0\n{one_hot([2, 0], 3)}\ntimes the table\n{embed([2, 0], table)}"
    )


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
