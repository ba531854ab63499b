"""The end of a run: a table beside the baselines, and the curve as a picture."""

import math

from evaluate import bits


def table(results):
    """Losses by name, in nats per symbol -> the lines of a table, the worst first."""
    lines = [f"{'':36} nats   bits  perplexity"]
    for name, loss in sorted(results.items(), key=lambda item: -item[1]):
        lines.append(f"{name:34} {loss:6.4f} {bits(loss):6.3f} {math.exp(loss):8.2f}")
    return lines


def draw(records, baselines, path):
    """The loss against seconds, each baseline a dashed line; below it the learning rate and the
    gradient's norm before clipping: writes a PNG at `path`.

    `records` are the evaluations of a run, as metrics.jsonl has them.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (axes, below) = plt.subplots(
        2, figsize=(8, 6.5), height_ratios=(4, 1), sharex=True, layout="constrained"
    )
    seconds = [record["seconds"] for record in records]
    axes.plot(seconds, [r["validation"] for r in records], "o-", label="validation (a part)")
    axes.plot(seconds, [r["train"] for r in records], ".-", alpha=0.6, label="training (batches)")
    lowest = min(r["train"] for r in records)
    for name, loss in baselines.items():
        axes.axhline(loss, color="gray", linestyle="--", linewidth=0.8)
        axes.annotate(
            f"{name} {loss:.3f}", (1, loss), xycoords=("axes fraction", "data"),
            xytext=(-4, 2), textcoords="offset points", ha="right", fontsize=8, color="dimgray",
        )  # fmt: skip
    axes.set(ylabel="loss, nats per symbol")
    below.plot(seconds, [r["learning_rate"] for r in records], ".-", label="learning rate, share")
    below.plot(seconds, [r["gradient_norm"] for r in records], ".-", label="gradient norm")
    below.set(xlabel="seconds of training", ylim=(0, None))
    below.legend(loc="lower left", fontsize=8)
    axes.set_ylim(min([lowest, *baselines.values()]) - 0.15, None)
    axes.legend(loc="upper center")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def grammar_report(written, text):
    """What no Shakespeare run can say, because a grammar can parse: lines for the terminal."""
    import critic

    found = critic.report(written, text)
    shares = {skill: found[skill] for skill in critic.SKILLS if found[skill] is not None}
    right = ", ".join(f"{skill} {100 * share:.0f}" for skill, share in shares.items())
    return [
        (
            "No model can be expected to lose less than the grammar itself; windows that start "
            "cold, without the scene before them, cost a little more."
        ),
        (
            f"Of {found['lines']} lines of verse that it wrote, {found['grammatical']} are "
            f"grammatical; {found['new']} of these stand nowhere in the text."
        ),
        f"Right, in percent: {right}.",
    ]


def draw_skills(records, path):
    """The share of right cases of every skill against steps: writes a PNG at `path`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for skill in records[-1]["skills"]:
        points = [(r["step"], r["skills"][skill]) for r in records]
        judged = [(step, share) for step, share in points if share is not None]
        if judged:
            axes.plot(*zip(*judged), ".-", label=skill)
    axes.set(xlabel="steps", ylabel="share that is right", ylim=(-0.02, 1.02))
    figure.legend(loc="outside right upper")
    figure.savefig(path, dpi=120)
    plt.close(figure)
