"""Layer norm asks one position about itself; batch norm asks the rest of the batch.

Letters: B sequences, T positions, C channels.

    python day1/why_layer_norm.py
"""

import numpy as np

import pictures
from block_numpy import layer_norm
from recording import spread

B, T, C = 8, 5, 16
SHIFTS = [0, 0.5, 1, 2, 3, 4, 5]
PADDING = [0, 1, 2, 4, 8, 16]


def batch_norm(x, gain, bias, eps=1e-5):
    """Give every channel mean 0 and variance 1 over all that stands in the batch: x (..., C).

    As in training; at work it uses averages kept from training. Ioffe & Szegedy 2015.
    """
    axes = tuple(range(x.ndim - 1))
    return (x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + eps) * gain + bias


NORMS = {"batch norm": batch_norm, "layer norm": layer_norm}


def changes(rng):
    """What happens to the first sample, which itself stays as it is: {measure: {norm: value}}."""
    x, rest = rng.normal(size=(B, C)), np.arange(B)[:, None] > 0
    sentences = rng.normal(size=(B, T, C))
    found = {"alone": {}, "others shifted": {}, "padding added": {}}
    for name, norm in NORMS.items():
        whole = norm(x, 1.0, 0.0)[0]
        found["alone"][name] = abs(norm(x[:1], 1.0, 0.0)[0]).max()
        found["others shifted"][name] = [
            distance(norm(x + shift * rest, 1.0, 0.0)[0], whole) for shift in SHIFTS
        ]
        short = norm(sentences, 1.0, 0.0)[0]
        found["padding added"][name] = [
            distance(norm(padded(sentences, n), 1.0, 0.0)[0, :T], short) for n in PADDING
        ]
    return found


def distance(a, b):
    """Root mean square difference of two arrays."""
    return np.sqrt(((a - b) ** 2).mean())


def padded(x, n):
    """n positions of zeros to the right of every sentence."""
    return np.pad(x, ((0, 0), (0, n), (0, 0)))


def record(seeds):
    """How far the output of one sample moves, though the sample does not."""
    found = [changes(np.random.default_rng(seed)) for seed in seeds]
    measures = {
        measure: {name: spread([run[measure][name] for run in found]) for name in NORMS}
        for measure in found[0]
    }
    return {"seeds": list(seeds), "shifts": SHIFTS, "padding": PADDING, "measures": measures}


def line(row):
    measures = row["measures"]
    alone = [f"{name} {found['median']}" for name, found in measures["alone"].items()]
    moved = [f"{name} {found['median'][-1]}" for name, found in measures["others shifted"].items()]
    return (
        f"largest output of a batch of 1: {', '.join(alone)}; the others shifted by "
        f"{row['shifts'][-1]}, the first sample's output moves by: {', '.join(moved)}"
    )


def draw(row):
    title = "Batch norm moves a sample when its neighbours change; layer norm does not"
    figure, (left, right) = pictures.panels(title, columns=2, sharey=True)
    measures = row["measures"]
    for n, name in enumerate(NORMS):
        pictures.line(left, row["shifts"], measures["others shifted"][name], n, name)
        pictures.line(right, row["padding"], measures["padding added"][name], n, name)
    left.set(xlabel="added to all other samples, standard deviations")
    left.set(ylabel="change of the sample's output, rms", ylim=(-0.05, None))
    right.set(xlabel="positions of padding added to sentences of 5")
    left.legend()
    pictures.save(figure, "norms")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
