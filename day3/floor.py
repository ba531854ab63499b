"""Why the loss cannot reach zero: a GPT learns plays whose entropy is known exactly.

A play is drawn at random, so its next character stays open even to one who knows every rule. What
is left open, in nats per character, is the entropy of grammar.py: the floor of every model. The
critic tells meanwhile which rules the model already keeps. Of Shakespeare nobody knows the floor.

    python day3/floor.py        a tiny model, half a minute
"""

import math
from pathlib import Path

import torch
import torch.nn.functional as F

import checkpoint
import critic
import grammar
import ngram
import pictures
from run import Run
from settings import Settings, with_size
from text import split

HERE = Path(__file__).parent
SCENE = "Exeunt.\n\n"  # what follows it begins a scene
STOPS = (0, 10, 20, 40, 60, 90, 130, 180, 250, 350, 500)  # steps
LONGER = (*STOPS, 800, 1200)
PART = 8192  # characters of the validation split for the curve
ENOUGH = 10  # verdicts, below which a share says nothing


def start(text, size, steps, seed, precision="float32"):
    """A run that has not taken a step."""
    settings = with_size(Settings(steps=steps, seed=seed, precision=precision), size)
    return Run(settings, checkpoint.load_module(HERE / "model.py"), text, "cpu")


def scenes(run, length, rows=8):
    """Beginnings of scenes as the model draws them, temperature 1: its own probabilities."""
    ids = run.alphabet.encode(SCENE).expand(rows, -1)
    generator = torch.Generator().manual_seed(run.settings.seed)
    run.model.eval()
    drawn = torch.stack(list(run.model.generate(ids, length, generator=generator)), dim=1)
    return [run.alphabet.decode(row) for row in drawn]


def judged(texts):
    """Skill -> [right, cases], over all the texts."""
    verdicts = [critic.judge(text)[0] for text in texts]
    return {
        skill: [sum(sum(v[skill]) for v in verdicts), sum(len(v[skill]) for v in verdicts)]
        for skill in critic.SKILLS
    }


def watch(run, stops, length=500, rows=8):
    """Train, and at every stop yield the step, the loss and what the critic says of a sample."""
    for stop in stops:
        while run.step < stop:
            run.take_step()
        loss = round(run.loss(run.validation[: PART + 1]), 4)
        yield {"step": stop, "loss": loss, "skills": judged(scenes(run, length, rows))}


@torch.no_grad()
def loss_by_place(run):
    """Mean loss at each place of the window (T,): at place t the model has read t + 1 characters."""
    run.model.eval()
    T = run.settings.context
    windows = run.validation[: len(run.validation) // T * T].view(-1, T)
    total = torch.zeros(T - 1)
    for part in windows.split(64):
        logits = run.model(part[:, :-1])[0]
        total += F.cross_entropy(logits.mT, part[:, 1:], reduction="none").sum(dim=0)
    return total / len(windows)


def surprise(text):
    """-ln P per character of the validation split by the grammar, which knows all that came before."""
    cut = len(split(text)[0]) + 1  # the first character of the split is not predicted
    return -grammar.log_probability(text, cut) / (len(text) - cut)


def longer(seed, precision):
    """A longer run with four times the samples: the rare rules need them."""
    return record(seed, precision, LONGER, rows=32)


def record(seed, precision, stops=STOPS, rows=8):
    """One run of the default model, all that the page needs of it."""
    text = grammar.plays(1_100_000, seed=0)
    run = start(text, "small", stops[-1], seed, precision)
    curve = list(watch(run, stops, rows=rows))
    places = loss_by_place(run)
    training, validation = (ids.numpy() for ids in (run.training, run.validation))
    counted = ngram.baselines(training, validation, len(run.alphabet))
    return {
        "entropy": round(grammar.entropy(), 5),
        "surprise of the split": round(surprise(text), 5),
        "ln V": round(math.log(len(run.alphabet)), 4),
        "counted": {name: round(loss, 4) for name, loss in counted.items()},
        "curve": curve,
        "final": round(run.loss(run.validation), 4),
        "places 1 to 16": round(places[:16].mean().item(), 4),
        "places 65 to 127": round(places[64:].mean().item(), 4),
        "sample": scenes(run, 300, rows=1)[0],
    }


def pooled(runs):
    """Step -> skill -> (share, cases), over several runs; a share of None is one of too few cases."""
    found = {}
    for same in zip(*(run["curve"] for run in runs), strict=True):
        row = found.setdefault(same[0]["step"], {})
        for skill in critic.SKILLS:
            right, cases = (sum(r["skills"][skill][i] for r in same) for i in (0, 1))
            row[skill] = (right / cases if cases >= ENOUGH else None, cases)
    return found


def first_step(found, skill, share):
    """The first stop from which on the skill stays at a share or above, None where it does not."""
    first = None
    for step, row in found.items():
        value = row[skill][0]
        if value is None or value < share:
            first = None
        elif first is None:
            first = step
    return first


def draw(runs, long, folder=None):
    """floor.png: loss against step, and the floor. skills.png: what the long run keeps of the rules."""
    figure, panel = pictures.panels("The loss ends at a floor, and the floor is known", height=4.2)
    for n, run in enumerate(runs):
        steps, losses = zip(*((r["step"], r["loss"]) for r in run["curve"]), strict=True)
        pictures.line(panel, steps, losses, n, f"{steps[-1]} steps, seed {n + 1}")
    steps, losses = zip(*((r["step"], r["loss"]) for r in long["curve"]), strict=True)
    pictures.line(panel, steps, losses, 5, f"{steps[-1]} steps")
    counted = runs[0]["counted"]
    lines = {name: counted[name] for name in ("unigram", "bigram", "Kneser-Ney 7-gram")}
    for name, loss in (lines | {"entropy of the grammar": runs[0]["entropy"]}).items():
        panel.axhline(loss, color="gray", linestyle="--", linewidth=1)
        x, side = (0, "left") if loss < 3 else (1, "right")
        panel.annotate(f"{name} {loss:.3f}", (x, loss), (4 - 8 * x, 3), ha=side, fontsize=9,
                       xycoords=("axes fraction", "data"), textcoords="offset points",
                       color="dimgray")  # fmt: skip
    on_steps(panel)
    panel.set(ylim=(0, None), ylabel="loss, nats per character")
    panel.legend(fontsize=9, loc="center right")
    pictures.save(figure, "floor", folder or HERE / "figures")

    found = pooled([long])
    figure, panels = pictures.panels("Which rules it keeps", columns=2, height=4.2, sharey=True)
    for panel, skills in zip(panels, (critic.SKILLS[:4], critic.SKILLS[4:]), strict=True):
        for n, skill in enumerate(skills):
            judged_at = [step for step, row in found.items() if row[skill][0] is not None]
            shares = [found[step][skill][0] for step in judged_at]
            pictures.line(panel, judged_at, shares, n, skill)
        on_steps(panel)
        panel.set(ylim=(-0.03, 1.03))
        panel.legend(fontsize=9)
    panels[0].set_ylabel("share that is right")
    pictures.save(figure, "skills", folder or HERE / "figures")


def on_steps(panel):
    """Steps on a scale that is even up to 20 and logarithmic above."""
    panel.set_xscale("symlog", linthresh=20, linscale=0.6)
    panel.set_xticks(shown := (0, 20, 60, 180, 500, 1200), shown)
    panel.minorticks_off()
    panel.set(xlabel="steps", xlim=(-1, 1.1 * LONGER[-1]))


def main():
    text = grammar.plays(300_000, seed=0)
    run = start(text, "tiny", 240, seed=1)
    print("   step   loss  share of its words, lines ... that are right")
    for row in watch(run, (0, 40, 120, 240), length=200):
        right = [f"{s} {r / n:.2f}" for s, (r, n) in row["skills"].items() if n >= ENOUGH]
        print(f"{row['step']:7} {row['loss']:6.3f}  {', '.join(right)}", flush=True)
    print(f"  floor {grammar.entropy():6.3f}  for a model that knows every rule")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
