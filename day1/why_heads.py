"""Why several heads: to fetch two things at once and keep them apart takes two softmaxes.

One head gives both answers the same mixture, w1 v1 + w2 v2. A linear read-out can name the digit of
the larger weight. To name the other, a digit's score would have to be higher for the small weight
than for the large one, and than for none: a straight line has no such hill.

    python day1/why_heads.py     twenty seconds
"""

import numpy as np

import pictures
from learning import Model, evaluate, looks
from recording import rounded, spread
from toy_tasks import RecallTwo, sample

HEADS = (1, 2, 4, 8)
TASK, C = RecallTwo(), 32
STEPS, EVERY = 1000, 50


def learn(seed, H):
    """-> the model, the unseen items, and while it learns the share of queries answered in full."""
    rng = np.random.default_rng(seed)
    model = Model(rng, len(TASK.symbols), C, H, TASK.A, len(TASK.answers))
    unseen = sample(TASK, np.random.default_rng(0), 1000, test=True)
    looked = looks(model, TASK, rng, STEPS, EVERY)
    curve = [evaluate(model, unseen)["all right"] for _ in looked]
    return model, unseen, curve


def record(seeds):
    """Models with the same parameters in number, dealt out to 1, 2, 4 or 8 heads."""
    heads, examples = {}, {}
    for H in HEADS:
        found = []
        for seed in seeds:
            model, unseen, curve = learn(seed, H)
            logits, kept = model.forward(unseen.queries, unseen.memory)
            right = logits.argmax(axis=-1) == unseen.targets  # (B, T, 2)
            # which of the two a single head prefers is chance, so count the better one first
            other, better = sorted(right.mean(axis=(0, 1)))
            found.append((curve, better, other, right.all(axis=-1).mean()))
            if seed == seeds[0] and H <= 2:
                examples[str(H)] = rounded(kept.weights[0])
        curves, better, other, both = zip(*found)
        heads[str(H)] = {
            "parameters": sum(p.size for p in model.params.values()),
            "both right": spread(both),
            "better digit right": spread(better),
            "other digit right": spread(other),
            "curve": spread(curves),
        }
    return {
        "seeds": list(seeds),
        "C": C,
        "steps": list(range(0, STEPS + 1, EVERY)),
        "heads": heads,
        "item": {
            "memory": [TASK.symbols[i] for i in unseen.memory[0]],
            "queries": [TASK.symbols[i] for i in unseen.queries[0]],
            "weights": examples,
        },
    }


def line(row):
    return "both digits right: " + ", ".join(
        f"H {H} {found['both right']['median']:.1%}" for H, found in row["heads"].items()
    )


def draw(row):
    title = "Two look-ups a query: one head cannot keep them apart, two can"
    figure, (left, right) = pictures.panels(title, columns=2)
    for n, (H, found) in enumerate(row["heads"].items()):
        name = f"{H} head of {row['C']}" if H == "1" else f"{H} heads of {row['C'] // int(H)}"
        pictures.line(left, row["steps"], found["curve"], n, f"{name} channels")
    left.set(xlabel="steps", ylabel="both digits right, unseen items", ylim=(0, 1.03))
    left.legend(loc="center right", fontsize=9)
    places = np.arange(len(row["heads"]))
    for n, name in enumerate(("better digit right", "other digit right", "both right")):
        shares = [found[name] for found in row["heads"].values()]
        right.bar(
            places + 0.27 * (n - 1),
            [share["median"] for share in shares],
            width=0.25,
            label=name.removesuffix(" right"),
            color=pictures.COLOURS[n],
        )
    right.set_xticks(places, list(row["heads"]))
    right.set(xlabel="heads", ylabel="right at the end, share of queries", ylim=(0, 1.18))
    right.legend(loc="upper center", ncols=3, fontsize=8, columnspacing=1, handlelength=1)
    pictures.save(figure, "heads")

    item = row["item"]
    title = "One head splits its weight on two places; two heads take a place each"
    figure, axes = pictures.panels(title, columns=3, height=3.2, sharey=True)
    one, (first, second) = item["weights"]["1"][0], item["weights"]["2"]
    names = ("the only head", "head 1 of 2", "head 2 of 2")
    for panel, weights, name in zip(axes, (one, first, second), names):
        pictures.heatmap(panel, weights, item["queries"], item["memory"])
        panel.set_title(name, fontsize=11)
        panel.set_xlabel("pairs in the memory")
    axes[0].set_ylabel("queries: two letters")
    pictures.save(figure, "heads_weights")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
