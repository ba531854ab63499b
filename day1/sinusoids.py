"""Sinusoidal positions: clocks of many speeds, and a step forward is a turn of all of them.

Letters: T positions, C channels.

    python day1/sinusoids.py
"""

import numpy as np

import pictures
from positions_numpy import sinusoidal

T, C, WIDE = 128, 64, 512
STEPS = (1, 3, 10, 50)


def wavelengths(channels, positions=64):
    """After how many positions each pair of channels starts again, read off the table: (C / 2,)."""
    table = sinusoidal(positions, channels)
    angles = np.unwrap(np.arctan2(table[:, 0::2], table[:, 1::2]), axis=0)
    return 2 * np.pi * (positions - 1) / (angles[-1] - angles[0])


def shift_matrix(k, channels):
    """The matrix that makes sinusoidal(p + k) of sinusoidal(p), the same for every p: (C, C).

    Each pair of channels (sin, cos) turns by its own angle: two by two blocks on the diagonal.
    Vaswani et al. 2017, section 3.5, states that there is one.
    """
    move = np.zeros((channels, channels))
    for i, angle in enumerate(2 * np.pi * k / wavelengths(channels)):
        c, s = np.cos(angle), np.sin(angle)
        move[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[c, s], [-s, c]]
    return move


def cosines(table):
    """How alike the vectors of every two positions are: (T, C) -> (T, T)."""
    long = table / np.linalg.norm(table, axis=1, keepdims=True)
    return long @ long.T


def off_toeplitz(matrix):
    """The largest difference within a diagonal: 0 where entries depend on i - j alone."""
    diagonals = [np.diagonal(matrix, k) for k in range(-len(matrix) + 1, len(matrix))]
    return max(float(np.ptp(d)) for d in diagonals)


def record(seeds):
    """Everything that can be said of the table; nothing is random."""
    table, waves = sinusoidal(T, C), wavelengths(WIDE)
    errors = {
        str(k): float(abs(table[:-k] @ shift_matrix(k, C).T - table[k:]).max()) for k in STEPS
    }
    return {
        "seeds": [],
        "positions": T,
        "channels": C,
        "wavelengths over 2 pi": {
            "channels": WIDE,
            "first": float(waves[0] / (2 * np.pi)),
            "last": float(waves[-1] / (2 * np.pi)),
            "ratio of neighbours, off constant": float(np.ptp(waves[1:] / waves[:-1])),
        },
        "shift by k, largest error": errors,
        "cosines off Toeplitz": off_toeplitz(cosines(table)),
    }


def line(row):
    waves, worst = row["wavelengths over 2 pi"], max(row["shift by k, largest error"].values())
    return (
        f"wavelengths {waves['first']:.4f} to {waves['last']:.0f} times 2 pi; shift off by "
        f"{worst:.0e}; cosines off Toeplitz by {row['cosines off Toeplitz']:.0e}"
    )


def draw(row):
    table = sinusoidal(T, C)
    title = "Every position has its own pattern: fast waves on the left, slow ones on the right"
    figure, (left, right) = pictures.panels(title, columns=2, height=4.2)
    shown = left.imshow(table, cmap="PuOr", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    left.set(xlabel="channel", ylabel="position")
    figure.colorbar(shown, ax=left)
    for n, channel in enumerate((0, 12, 24, 36)):
        wave = wavelengths(C)[channel // 2]
        right.plot(
            table[:, channel] - 2.5 * n, color=pictures.COLOURS[n], label=f"{channel}: {wave:.0f}"
        )
    right.set(xlabel="position", yticks=[], ylim=(-9.2, 4.2))
    right.legend(title="channel: wavelength, positions", ncols=2, loc="upper center", fontsize=9)
    pictures.save(figure, "positions")

    title = "How alike two positions are depends on their distance alone"
    figure, (left, right) = pictures.panels(title, columns=2, height=4.2)
    alike = cosines(table)
    shown = left.imshow(alike, cmap=pictures.MAP, vmin=0, vmax=1, interpolation="nearest")
    left.set(xlabel="position", ylabel="position")
    figure.colorbar(shown, ax=left, shrink=0.8)
    for n, p in enumerate((10, 64, 100)):
        right.plot(
            np.arange(T) - p, alike[p], color=pictures.COLOURS[n], label=f"from {p}", lw=4 - n
        )
    right.set(
        xlabel="distance, positions", ylabel="cosine of the angle between them", ylim=(0, 1.03)
    )
    right.legend()
    pictures.save(figure, "positions_alike")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record(())))
