"""What does each part buy? One change at a time, three seeds, on the development split.

    python day3/extras.py

Two choices of the book are undone, three popular additions are tried. Each is a few lines replaced
in model.py, or a setting. The losses go to results/extras.json.
"""

import statistics
import tempfile
from pathlib import Path

import bench
import checkpoint
import corpus
import machine
from run import Run
from settings import Settings, with_size
from text import split

HERE = Path(__file__).parent
STEPS = 500
SEEDS = (1, 2, 3)

QUERIES_AND_KEYS = "        q, k = (self.rotate(qk, start) if self.rotate else qk).chunk(2, dim=1)"
PROJECT = "        self.project = nn.Linear(C, C)\n"
UNPACK = "        H, D = self.H, C // self.H\n"
VARIANTS = {
    "the book's model and recipe": ({}, {}),
    "GPT-2's learned positions": ({}, {"positions": "learned"}),
    "AdamW with cosine decay": (
        {},
        {"optimizer": "adamw", "schedule": "cosine", "matrix_lr": 0.003, "weight_decay": 0.1},
    ),
    "query-key norm": (
        {QUERIES_AND_KEYS: "{}\n        q, k = (F.rms_norm(t, (D,)) for t in (q, k))"},
        {},
    ),
    "squared ReLU": (
        {"F.gelu(self.widen(x), approximate=self.gelu)": "F.relu(self.widen(x)).square()"},
        {},
    ),
    "a learned shift by one character": (
        {
            PROJECT: "{}        self.shift = nn.Parameter(torch.zeros(C))\n",
            UNPACK: "{}        x = x + self.shift * F.pad(x, (0, 0, 1, -1))\n",
        },
        {},
    ),
}


def variant(replacements):
    """model.py with some lines replaced ("{}" stands for what was there), as a module."""
    source = (HERE / "model.py").read_text("utf-8")
    for old, new in replacements.items():
        if source.count(old) != 1:
            raise ValueError(f"model.py has this {source.count(old)} times, not once: {old}")
        source = source.replace(old, new.replace("{}", old))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "variant.py"
        path.write_text(source, encoding="utf-8")
        return checkpoint.load_module(path)


def development_loss(module, text, settings):
    """Train on nine tenths of the training part, judge on its last tenth."""
    run = Run(settings, module, text, "cpu")
    while run.step < settings.steps:
        run.take_step()
    return round(run.loss(run.validation), 4)


def main():
    text = split(corpus.find()[1])[0]  # the validation split stays unread
    precision = machine.precision()
    losses = {}
    for name, (replacements, words) in VARIANTS.items():
        module = variant(replacements)
        losses[name] = []
        for seed in SEEDS:
            chosen = Settings(steps=STEPS, seed=seed, precision=precision, **words)
            losses[name].append(development_loss(module, text, with_size(chosen, "small")))
        print(f"{name:34} {statistics.mean(losses[name]):.4f}  {losses[name]}", flush=True)
    figures = {"size": "small", "steps": STEPS, "seeds": list(SEEDS), "losses": losses}
    bench.record("all", figures, HERE / "results" / "extras.json")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
