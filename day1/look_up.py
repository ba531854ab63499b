"""Attention is a soft look-up: how sharp must the keys be for it to become an exact one?

Letters: S keys and values, E channels of a value.

    python day1/look_up.py
"""

import numpy as np

import pictures
from attention_numpy import attention
from recording import spread

S, E = 8, 4
BETAS = [0, 1, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48]


def errors(beta, j, v):
    """How far what query j finds is from v[j], and from the mean of all values. v (S, E)."""
    q, keys = np.eye(S)[[j]], beta * np.eye(S)
    out, _ = attention(q, keys, v)
    return abs(out[0] - v[j]).max(), abs(out[0] - v.mean(axis=0)).max()


def record(seeds):
    """The largest error of a channel, for every beta."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        v, j = rng.normal(size=(S, E)), rng.integers(S)
        found.append([errors(beta, j, v) for beta in BETAS])
    exact, mean = np.moveaxis(np.array(found), -1, 0)  # (seeds, betas) each
    return {
        "seeds": list(seeds),
        "keys": S,
        "betas": BETAS,
        "distance from the value": spread(exact),
        "distance from the mean": spread(mean),
    }


def line(row):
    exact, mean = row["distance from the value"]["high"], row["distance from the mean"]["high"]
    return (
        f"beta 0: {mean[0]:.0e} from the mean of all values; "
        f"beta {row['betas'][-1]}: {exact[-1]:.0e} from the one that was asked for"
    )


def draw(row):
    title = "Sharper keys: from the mean of all values to the one that was asked for"
    figure, axes = pictures.panels(title)
    betas = row["betas"]
    pictures.line(axes, betas, row["distance from the value"], 0, "from the value asked for")
    # a logarithm has no room for 0, which is what the mean's distance is at beta 0
    mean = {name: values[1:] for name, values in row["distance from the mean"].items()}
    pictures.line(axes, betas[1:], mean, 1, "from the mean of all values")
    axes.axhline(1e-3, color="gray", linestyle="--", linewidth=1)
    axes.annotate("0.001", (0, 1e-3), xytext=(0, 3), textcoords="offset points", color="dimgray")
    axes.set(xlabel="beta, the length of the keys", ylabel="largest error of a channel")
    axes.set_yscale("log")
    axes.legend(title="distance of the output")
    pictures.save(figure, "lookup")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
