"""The two minutes of `python day3/train.py`, as they pass on the screen; predict before you look.

python day3/minute.py        what can be known before the first step, without training
"""

import json
import math
import re
import sys
import tempfile
from pathlib import Path

import torch

import bench
import checkpoint
import pictures
from settings import SIZES, flops_per_symbol

HERE = Path(__file__).parent
V = 65  # symbols of tiny Shakespeare


def parameters(size, symbols=V):
    """Weights of the book's GPT: the embedding (which is the head, too), the blocks, a last norm.

    A block: 4 C^2 + 4 C for attention, 8 C^2 + 5 C for the feed-forward, 4 C for two norms.
    """
    C = size.n_embd
    return symbols * C + size.n_layer * (12 * C**2 + 13 * C) + 2 * C


def cache_bytes(size):
    """Bytes of keys and values for one full window in float32: 2 x L x T x C x 4."""
    return 2 * size.n_layer * size.context * size.n_embd * 4


def step_flops(size, symbols=V):
    """Floating-point operations of a step."""
    each = flops_per_symbol(size.n_layer, size.n_embd, size.context, symbols)
    return each * size.batch * size.context


def record(seed, precision):
    """One run of the command: every line of its screen with the second at which it came."""
    with tempfile.TemporaryDirectory() as out:
        words = ["--minutes", "2", "--seed", str(seed), "--out", out]
        command = [sys.executable, "-u", str(HERE / "train.py"), *words]
        seconds, memory, lines = bench.timed(command)
        records = (Path(out) / "metrics.jsonl").read_text("utf-8").splitlines()
        state = checkpoint.load(Path(out) / "gpt.pt")
    model = checkpoint.restore(state, checkpoint.load_module(HERE / "model.py"))
    steps = [json.loads(line) for line in records]
    return {
        "wall": round(seconds, 1),
        "MiB": round(memory),
        "repeat": bench.repeat("\n".join(line for _, line in lines)),
        "parameters": sum(p.numel() for p in model.parameters()),
        "cache MiB": cached(model) / 2**20,
        "first line": round(lines[0][0], 2),
        "evaluations": evaluations(lines),
        "at birth": steps[0]["validation"],
        "seconds a step": round(steps[-2]["seconds"] / steps[-2]["step"], 4),
        "final": round(steps[-1]["final"], 4),
    }


@torch.no_grad()
def cached(model):
    """The bytes that a full window leaves in the cache, asked of its tensors."""
    cache: list[dict] = []
    model.eval()(torch.zeros(1, model.config.context, dtype=torch.long), cache=cache)
    return sum(t.numel() * t.element_size() for kept in cache for t in kept.values())


def evaluations(lines):
    """The screen's (second, line) -> step, losses and the longest line of the sample that follows."""
    found, samples = [], []
    for when, line in lines:
        match = re.match(r"step +(\d+)/\d+ +train ([\d.]+) +validation ([\d.]+)", line)
        if match:
            step, train, validation = int(match[1]), float(match[2]), float(match[3])
            row = {"second": round(when, 1), "step": step, "train": train, "loss": validation}
            found.append(row)
            samples.append([""])
        elif line.endswith("perplexity"):  # the table of baselines ends the last sample
            break
        elif found:
            samples[-1].append(line.strip())
    return [row | {"sample": max(s, key=len)} for row, s in zip(found, samples, strict=True)]


def draw(row, folder=None):
    """minute.png: the loss against the seconds since the command was typed."""
    figure, panel = pictures.panels("Two minutes", height=3.9)
    seconds = [r["second"] for r in row["evaluations"]]
    pictures.line(panel, seconds, [r["loss"] for r in row["evaluations"]], 0, "validation (a part)")
    pictures.line(panel, seconds, [r["train"] for r in row["evaluations"]], 1, "training")
    counted = json.loads((HERE / "results" / "bench.json").read_text("utf-8"))["baselines"]
    for name in ("uniform guess", "unigram", "bigram", "Kneser-Ney 7-gram"):
        loss = counted["losses"][name]
        panel.axhline(loss, color="gray", linestyle="--", linewidth=1)
        panel.annotate(f"{name} {loss:.2f}", (0.3, loss), (0, 3), textcoords="offset points",
                       xycoords=("axes fraction", "data"), fontsize=9,
                       color="dimgray")  # fmt: skip
    panel.set(xlabel="seconds since Enter", ylabel="loss, nats per character", xlim=(0, None))
    panel.set(ylim=(1.2, 4.4))
    panel.legend(fontsize=9, loc=(0.7, 0.68))
    pictures.save(figure, "minute", folder or HERE / "figures")


def main():
    for name, size in SIZES.items():
        print(
            f"{name:7} {parameters(size):9,} parameters  {cache_bytes(size) / 1024:5,.0f} KiB of "
            f"keys and values  {step_flops(size) / 1e9:6.1f} GFLOP a step"
        )
    print(f"loss at birth, whatever the size: ln {V} = {math.log(V):.4f}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
