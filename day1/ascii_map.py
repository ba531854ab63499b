"""Look at attention where there is no window: a map of plain characters, darker where more is.

Letters: T rows (queries), S columns (keys).

    python day1/ascii_map.py     the lesson's sentence
"""

import numpy as np

SHADES = " .:-=+*#%@"


def ascii_map(weights, rows, columns):
    """Draw weights as text, a line for each query under a line with the keys.

    weights (T, S) in 0..1, rows: T labels, columns: S labels -> str
    ValueError where labels are missing or a weight lies outside 0..1.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(rows), len(columns)):
        raise ValueError(
            f"weights {weights.shape}, but {len(rows)} rows and {len(columns)} columns"
        )
    if weights.min() < 0 or weights.max() > 1 + 1e-9:
        raise ValueError(f"weights must be in 0..1, not {weights.min()}..{weights.max()}")
    margin = max(map(len, rows))
    lines = [" ".join([" " * margin, *columns])]
    for label, row in zip(rows, weights, strict=True):
        # round, so that only a weight below 1/18 is left blank
        shades = [SHADES[round(min(w, 1) * (len(SHADES) - 1))] for w in row]
        cells = [shade * len(column) for shade, column in zip(shades, columns, strict=True)]
        lines.append(" ".join([label.rjust(margin), *cells]).rstrip())
    return "\n".join(lines)


def main():
    """The worked example of the lesson, each query a line."""
    from attention_numpy import attention

    words = ["small", "dogs", "bark"]
    q = np.array([[0.0, 2, 0, 0], [2, 0, 0, 2], [0, 2, 2, 0]])
    k = np.array([[2.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 1]])
    _, weights = attention(q, k, k)
    print(ascii_map(weights, words, words))
    print(f"\nfrom 0 to 1: {SHADES!r}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
