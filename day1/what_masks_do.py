"""What a mask does to the weights: what it hides gets none, and the others share out the whole.

Letters: T positions.

    python day1/what_masks_do.py
"""

import numpy as np

import pictures
from ascii_map import ascii_map
from attention_numpy import attention, causal_mask, padding_mask
from recording import rounded

T, LENGTH = 6, 4  # a sentence of 4 words, padded to 6
WORDS = ["the", "cat", "sat", "down", "pad", "pad"]


def masks():
    """The four masks of one sentence, each (T, T) bool, True where a position may be seen."""
    padding = np.broadcast_to(padding_mask([LENGTH], T)[0, 0], (T, T))
    causal = causal_mask(T)
    everything = np.ones((T, T), dtype=bool)
    return {"none": everything, "causal": causal, "padding": padding, "both": causal & padding}


def weights(seed=1):
    """The weights of the same queries and keys under every mask: name -> (T, T)."""
    rng = np.random.default_rng(seed)
    q, k, v = (rng.normal(size=(T, 8)) for _ in range(3))
    return {name: attention(q, k, v, mask)[1] for name, mask in masks().items()}


def record(seeds):
    """Row sums, the weight on what is hidden, and whether the rest kept its proportions."""
    found = {}
    for name, mask in masks().items():
        runs = [(weights(seed)[name], weights(seed)["none"]) for seed in seeds]
        # before, without what is hidden, and shared out again
        kept = [before * mask / (before * mask).sum(axis=-1, keepdims=True) for _, before in runs]
        found[name] = {
            "may be seen": int(mask.sum()),
            "row sums off 1": max(float(abs(w.sum(axis=-1) - 1).max()) for w, _ in runs),
            "weight on the hidden": max(float((w * ~mask).max()) for w, _ in runs),
            "off the old proportions": max(
                float(abs(w - again).max()) for (w, _), again in zip(runs, kept)
            ),
            "row sums before": rounded((runs[0][1] * mask).sum(axis=-1)),
        }
    return {"seeds": list(seeds), "words": WORDS, "masks": found}


def line(row):
    seen = ", ".join(f"{name} {found['may be seen']}" for name, found in row["masks"].items())
    off = max(found["row sums off 1"] for found in row["masks"].values())
    return f"pairs that may be seen: {seen}; row sums off 1 by {off:.0e}"


def draw(row):
    title = "A mask takes weight from what it hides, and each row still adds up to 1"
    figure, axes = pictures.panels(title, columns=4, rows=2, height=5.2, sharex=True, sharey=True)
    names = {"none": "no mask", "causal": "causal", "padding": "padding", "both": "both"}
    found = weights(row["seeds"][0])
    for (name, mask), above, below in zip(masks().items(), *axes):
        pictures.heatmap(above, mask, WORDS, WORDS, numbers=False, limit=1.6)
        shown = pictures.heatmap(below, found[name], WORDS, WORDS, numbers=False)
        above.set_title(names[name], fontsize=11)
        below.tick_params(axis="x", rotation=90)
        below.set_xlabel("keys")
        for t, total in enumerate(found[name].sum(axis=-1)):
            below.text(T - 0.4, t, f"{total:.2f}", va="center", fontsize=8, color="dimgray")
    axes[0, 0].set_ylabel("mask: blue may be seen\nqueries")
    axes[1, 0].set_ylabel("weights, and their sum\nqueries")
    figure.colorbar(shown, ax=axes[1], label="weight")
    pictures.save(figure, "masks")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
    for name, shares in weights().items():
        print(f"\n{name}\n{ascii_map(shares, WORDS, WORDS)}")
