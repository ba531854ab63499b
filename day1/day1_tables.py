"""Tables for the pages, made from the records of results/: see study/pages.py."""

import json
from pathlib import Path

from recording import span, table

RESULTS = Path(__file__).parent / "results"


def experiment(name):
    """One row of Day 1's experiments."""
    return json.loads((RESULTS / "experiments.json").read_text("utf-8"))[name]


def at(place, values):
    """The spread at one place of lists."""
    return {name: numbers[place] for name, numbers in values.items()}


def lookup():
    row = experiment("lookup")
    chosen = [row["betas"].index(beta) for beta in (0, 4, 8, 16, 32)]
    return table(
        ["β", "distance from the value asked for", "distance from the mean of all"],
        [
            [row["betas"][i]]
            + [f"{row[f'distance from the {of}']['median'][i]:.1g}" for of in ("value", "mean")]
            for i in chosen
        ],
    )


def scale():
    row = experiment("scale")
    found, last = row["measures"], len(row["sizes"]) - 1
    rows = [
        [row["sizes"][i], span(at(i, found["variance"]), "{:.3f}")]
        + [
            f"{found[f'entropy {which}']['median'][i]:.2f}"
            for which in ("with the scale", "without")
        ]
        for i in (0, 2, 4, last)
    ]
    head = ["D", "variance of q · k, over D", "entropy with the scale, nats", "without"]
    runs = row["trained"]["runs"]
    accuracy = [
        [name.replace(", learning rate ", " | "), span(run["accuracy"], "{:.1%}")]
        for name, run in runs.items()
    ]
    told = (
        f"Trained on a look-up with D = {row['trained']['D']}, {row['trained']['steps'][-1]} steps:"
    )
    trained = table(["scores", "learning rate", "right on unseen items"], accuracy)
    return f"{table(head, rows)}\n\n{told}\n\n{trained}"


def masks():
    rows = [
        [
            name,
            row["may be seen"],
            f"{row['weight on the hidden']:g}",
            f"{min(row['row sums before']):.2f}",
        ]
        for name, row in experiment("masks")["masks"].items()
    ]
    head = [
        "mask",
        "pairs seen of 36",
        "weight on the hidden",
        "smallest row sum, if masked after softmax",
    ]
    return table(head, rows)


def heads():
    row = experiment("heads")
    rows = [
        [H, found["parameters"]]
        + [
            span(found[which], "{:.1%}")
            for which in ("better digit right", "other digit right", "both right")
        ]
        for H, found in row["heads"].items()
    ]
    head = ["heads", "parameters", "one digit right", "the other right", "both right"]
    return table(head, rows)


def order():
    row = experiment("order")
    rows = [[name, span(found["accuracy"], "{:.1%}")] for name, found in row["trained"].items()]
    return table(
        ["positions", "right on unseen items"], [["(chance)", f"{row['chance']:.1%}"], *rows]
    )


def positions():
    row = experiment("positions")
    shifts = row["shift by k, largest error"]
    return table(
        ["fact", "measured"],
        [
            ["shortest wavelength", "2π"],
            [
                f"longest, {row['wavelengths over 2 pi']['channels']} channels",
                f"{row['wavelengths over 2 pi']['last']:.0f} · 2π",
            ],
            [
                f"one matrix shifts all by k, k in {', '.join(shifts)}",
                f"error ≤ {max(shifts.values()):.0e}",
            ],
            [
                "cosine of two positions, off a function of their distance",
                f"≤ {row['cosines off Toeplitz']:.0e}",
            ],
        ],
    )


def recall():
    row = experiment("recall")
    rows = [
        [
            "right on unseen items",
            f"{row['chance']:.0%} (chance)",
            span(row["final"]["accuracy"], "{:.1%}"),
        ],
        [
            "largest weight on the matching pair",
            f"{row['curves']['pointing']['median'][0]:.0%}",
            span(row["final"]["pointing"], "{:.1%}"),
        ],
        ["entropy of the weights, nats", span(row["entropy before"]), span(row["entropy after"])],
    ]
    return table(["", "untrained", f"after {row['steps'][-1]} steps"], rows)


def similarity():
    row = experiment("similarity")
    rows = [
        [
            name,
            span(found["accuracy"], "{:.1%}"),
            span(found["loss"], "{:.1g}"),
            span(found["training, s"], "{:.1f}"),
        ]
        for name, found in row["similarities"].items()
    ]
    return table(["score of a query and a key", "right", "loss, nats", "seconds"], rows)


def rnn():
    row = experiment("rnn")
    chosen = [row["distances"].index(n) for n in (1, 16, 64, 256)]
    rows = [
        [name, *(f"{found['median'][i]:.1e}" for i in chosen)]
        for name, found in row["gradient norm"].items()
    ]
    slopes = table(
        ["cost against T", "RNN", "attention"],
        [
            [
                what,
                *(
                    f"T to the power {row['slopes'][f'{which}, {unit}']:.1f}"
                    for which in ("RNN", "attention")
                ),
            ]
            for what, unit in (("memory", "MiB"), ("seconds", "s"))
        ]
        + [["steps one after the other", "T", "1"]],
    )
    head = [
        "gradient of the last output for the word n back",
        *(f"n = {row['distances'][i]}" for i in chosen),
    ]
    return f"{table(head, rows)}\n\n{slopes}"


def embedding():
    row = experiment("embedding")
    rows = [
        [
            "nearest neighbour is of the same kind",
            *(span(row[when]["same-kind neighbours"], "{:.0%}") for when in ("before", "after")),
        ],
        [
            "first two components explain",
            *(span(row[when]["first two explain"], "{:.0%}") for when in ("before", "after")),
        ],
    ]
    cost = row["one-hot"]
    told = (
        f"One-hot times a table of {cost['V']} rows gives the same numbers as the look-up and took "
        f"{cost['times slower']:.0f} times as long."
    )
    return f"{told}\n\n{table(['trained on which words are of a kind', 'before', 'after'], rows)}"


def norms():
    row = experiment("norms")
    shift, pad = row["shifts"].index(3), row["padding"].index(16)
    rows = [
        [
            name,
            span(row["measures"]["alone"][name], "{:.2f}"),
            span(at(shift, row["measures"]["others shifted"][name]), "{:.2f}"),
            span(at(pad, row["measures"]["padding added"][name]), "{:.2f}"),
        ]
        for name in ("batch norm", "layer norm")
    ]
    head = [
        "",
        "size of its output, batch of one",
        "change when the others move by 3 deviations",
        "change when 16 positions of padding are added",
    ]
    return table(head, rows)


def residuals():
    row = experiment("residuals")
    rows = [
        [name, *(f"{norm:.1e}" for norm in found["median"])]
        for name, found in row["gradient norm at layer 1"].items()
    ]
    return table(["gradient at layer 1", *(f"{L} layers" for L in row["depths"])], rows)


def judged():
    """What is recorded of the checks of all days, added up."""
    days = sorted(RESULTS.parent.parent.glob("day*/results/slips.json"))
    rows = [json.loads(path.read_text("utf-8")) for path in days]
    exercises = {k: found for row in rows for k, found in row["exercises"].items()}
    bank = {k: known for row in rows for k, known in row["bank"].items()}
    return rows, exercises, bank


def caught():
    """What the checks caught and named of wrong answers by writers who had not seen the bank."""
    _, exercises, bank = judged()
    kinds = ("answers", "caught", "caught now", "named", "true", "wrong")
    lines = [
        [k, known["title"], known["slips"], *(exercises.get(k, {}).get(kind, 0) for kind in kinds)]
        for k, known in bank.items()
    ]
    sums = [sum(line[column] for line in lines) for column in range(2, len(kinds) + 3)]
    head = ["exercise", "", "slips known", "wrong answers", "caught", "caught now"]
    head += ["mistake named", "a true property", "named wrongly"]
    return table(head, [*lines, ["all", "", *sums]])


def repaired():
    """How often a wrong answer was mended, with our message and with expected / got alone."""
    arms: dict[str, list] = {}
    for row in judged()[0]:
        for arm, found in row["repairs"].items():
            counts = [found["answers"], found["within one"], found["within two"]]
            arms[arm] = [a + b for a, b in zip(arms.get(arm, [0, 0, 0]), counts, strict=True)]
    head = ["the reader saw", "wrong answers", "mended in one try", "in two"]
    return table(head, [[arm, *counts] for arm, counts in arms.items()])


def waiting():
    """Seconds that a learner waits, as multiples of `import numpy`."""
    row = json.loads((RESULTS / "waiting.json").read_text("utf-8"))["waiting"]
    rows = [
        [name, span(found, "{:.2f}"), row["times import numpy"].get(name, "")]
        for name, found in row["seconds"].items()
    ]
    return table(["", "seconds", "times `import numpy`"], rows)


MADE = (caught, embedding, heads, lookup, masks, norms, order, positions, recall, repaired)
MADE += (residuals, rnn, scale, similarity, waiting)
TABLES = {function.__name__: function for function in MADE}
