"""Measure: how fast, how good. Every figure goes to results/bench.json with what made it.

    python day3/bench.py baselines                    what counting scores
    python day3/bench.py minutes --minutes 1 2 8      losses after so many minutes, three seeds
    python day3/bench.py sizes --seeds 1              the four sizes, two minutes each
    python day3/bench.py readings                     what 2.5, 2.0, 1.7, 1.5 nats read like
    python day3/bench.py machine                      start, speed, memory, cost of checkpoints
    python day3/bench.py cache                        characters per second, with it and without
    python day3/bench.py sampling --nanogpt DIR       characters per second, beside nanoGPT's
    python day3/bench.py training --nanogpt DIR       its CPU recipe and ours, in turn

DIR is a copy of github.com/karpathy/nanoGPT at commit 3adf61e. Times are wall time from the start
of the process. Run it on a machine that does nothing else.
"""

import dataclasses
import datetime
import importlib.util
import json
import os
import pickle
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro

import checkpoint
import corpus
import evaluate
import machine
import ngram
from run import Run
from settings import SIZES, flops_per_symbol, with_size
from settings import Settings as RunSettings
from text import Alphabet, split

HERE = Path(__file__).parent
RECORD = HERE / "results" / "bench.json"


@dataclasses.dataclass
class Settings:
    """What to measure."""

    row: tyro.conf.Positional[
        Literal[
            "baselines", "minutes", "sizes", "readings", "machine", "cache", "sampling", "training"
        ]
    ]
    minutes: tuple[float, ...] = (2,)
    """Lengths of the runs to record."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """One run for each."""
    nanogpt: Path | None = None
    """A copy of nanoGPT to run beside ours."""
    repeats: int = 3
    """Of everything that is timed; the median is what counts."""


def main(arguments=None):
    """Measure what was asked for and add it to the record."""
    s = tyro.cli(Settings, args=arguments, description=__doc__)
    if s.row == "minutes":
        for minutes in s.minutes:
            record(f"minutes {minutes:g}", after_minutes(minutes, s.seeds))
    elif s.row == "sizes":
        for size in SIZES:
            record(f"size {size}", after_minutes(s.minutes[0], s.seeds, "--size", size))
    elif s.row == "baselines":
        record("baselines", baselines())
    elif s.row == "readings":
        record("readings", readings())
    elif s.row == "machine":
        record("machine", this_machine(s.repeats))
    elif s.row == "cache":
        for sizes in SAMPLED:
            record(f"cache {sizes['n_layer']} x {sizes['n_embd']}", cached(s.repeats, **sizes))
    elif s.nanogpt is None or not (s.nanogpt / "model.py").exists():
        print("bench.py: --nanogpt needs the folder of a copy of nanoGPT", file=sys.stderr)
        return 2
    elif s.row == "sampling":
        for sizes in SAMPLED:
            figures = sampling(s.nanogpt, s.repeats, **sizes)
            record(f"sampling {sizes['n_layer']} x {sizes['n_embd']}", figures)
    else:
        record("training", beside_nanogpt(s.nanogpt, s.repeats))
    return 0


def record(name, figures, path=RECORD):
    """Add one row to the record, with the machine and the versions that made it."""
    rows = json.loads(path.read_text("utf-8")) if path.exists() else {}
    cpu = Path("/proc/cpuinfo")  # Linux
    model = re.search(r"model name\s*: (.*)", cpu.read_text()) if cpu.exists() else None
    rows[name] = figures | {
        "command": " ".join([f"python day3/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(name, json.dumps(figures, indent=1), flush=True)


# on Linux a process's peak begins with that of the one that starts it, here a large one with torch:
# so a small one starts it
STARTER = """
import os, resource, sys
status = os.spawnvp(os.P_WAIT, sys.argv[1], sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def timed(command, **more):
    """Run a command: its seconds, peak memory in MiB, and its lines with when they came."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-ISc", STARTER, *command],
        stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1, **more,
    )  # fmt: skip
    lines = [(time.perf_counter() - start, line.rstrip("\n")) for line in process.stdout]
    status, seconds = process.wait(), time.perf_counter() - start
    *lines, (_, most) = lines
    if status:
        raise RuntimeError(f"{command} ended with {status}:\n" + "\n".join(t for _, t in lines))
    return seconds, machine.mebibytes(int(most)), lines


def trained(*words):
    """One run of train.py: seconds, MiB, validation loss, the size and the steps it took."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-u", str(HERE / "train.py"), *map(str, words), "--out", out]
        seconds, memory, lines = timed(command)
        records = [json.loads(x) for x in (Path(out) / "metrics.jsonl").read_text().splitlines()]
    text = "\n".join(line for _, line in lines)
    return {
        "seconds": round(seconds, 1),
        "loss": round(records[-1]["final"], 4),
        "MiB": round(memory),
        "repeat": repeat(text),
        "characters_per_second": records[-2]["characters_per_second"],
        "lines": lines,
    }


def repeat(text):
    """The command that a run prints to repeat it, without the folder, which is a passing one here."""
    return re.sub(r" --out \S+", "", re.search(r"to repeat it: (.*)", text)[1])


def after_minutes(minutes, seeds, *more):
    runs = [trained("--minutes", minutes, "--seed", seed, *more) for seed in seeds]
    for run in runs:
        del run["lines"]
        size = SIZES[run["repeat"].split("--size ")[1].split()[0]]
        flops = flops_per_symbol(size.n_layer, size.n_embd, size.context, 65)
        run["model GFLOP/s"] = round(run["characters_per_second"] * flops / 1e9)
    return {"loss": spread([run["loss"] for run in runs]), "seeds": list(seeds), "runs": runs}


def baselines():
    """What counting alone scores, and its seconds on one core."""
    _, text = corpus.find()
    training, validation = (ids.numpy() for ids in split(Alphabet(text).encode(text)))
    before = time.process_time()
    losses = ngram.baselines(training, validation, len(set(text)))
    seconds = time.process_time() - before
    return {"losses": {n: round(x, 4) for n, x in losses.items()}, "seconds": round(seconds, 2)}


def readings(steps=2000, levels=(2.5, 2.0, 1.7, 1.5)):
    """What a model writes when its loss on a part of the validation split first reaches a level."""
    settings = with_size(RunSettings(steps=steps, precision="float32"), "small")
    _, text = corpus.find()
    run = Run(settings, checkpoint.load_module(HERE / "model.py"), text, "cpu")
    found = []
    for level in levels:
        while (loss := run.loss(run.validation[:8193])) > level and run.step < steps:
            for _ in range(10):
                run.take_step()
        found.append({"loss": round(loss, 3), "step": run.step, "text": run.write(150).strip()})
    return {"seed": settings.seed, "readings": found}


def spread(values):
    """Median and range."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def this_machine(repeats):
    """When the first line and sample come; matrix products; what a checkpoint costs; memory."""
    imports = [timed([sys.executable, "-c", "import torch"])[0] for _ in range(repeats)]
    firsts, samples, runs = [], [], []
    for _ in range(repeats):
        runs.append(trained("--minutes", 0.5))
        lines = runs[-1]["lines"]
        firsts.append(lines[0][0])
        samples.append(next(when for when, line in lines if line.startswith("    ")))
    state = {"weights": torch.randn(3 * 800_000)}  # weights and the optimisers' memory of "small"
    with tempfile.TemporaryDirectory() as folder:
        saves = []
        for _ in range(5):
            before = time.perf_counter()
            checkpoint.save(Path(folder) / "gpt.pt", state)
            saves.append(time.perf_counter() - before)
    products = {
        str(dtype): round(2 * 2048**3 / machine.product_seconds(dtype, 2048, 2048, 2048) / 1e9)
        for dtype in (torch.float32, torch.bfloat16)
    }
    return {
        "import torch, s": spread([round(t, 2) for t in imports]),
        "first line, s": spread([round(t, 2) for t in firsts]),
        "first sample, s": spread([round(t, 2) for t in samples]),
        "torch.mm, GFLOP/s": products,
        "13 checkpoints, s": round(13 * statistics.median(saves), 3),
        "MiB": max(run["MiB"] for run in runs),
    }


def nanogpt_data(folder):
    """The files that nanoGPT's own prepare.py would have written after its download."""
    _, text = corpus.find()
    alphabet = Alphabet(text)
    into = folder / "data" / "shakespeare_char"
    for name, ids in zip(("train.bin", "val.bin"), split(alphabet.encode(text))):
        ids.numpy().astype(np.uint16).tofile(into / name)
    with open(into / "meta.pkl", "wb") as file:  # without it, nanoGPT takes GPT-2's 50,304 symbols
        pickle.dump({"vocab_size": len(alphabet)}, file)
    return split(alphabet.encode(text))[1]


def nanogpt_module(folder):
    spec = importlib.util.spec_from_file_location("nanogpt_model", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["nanogpt_model"] = module
    spec.loader.exec_module(module)
    return module


CPU_RECIPE = (
    "train.py config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=20 "
    "--log_interval=1 --block_size=64 --batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 "
    "--max_iters=2000 --lr_decay_iters=2000 --dropout=0.0"
)
SAME_MODEL = (
    "--n-layer 4 --n-head 4 --n-embd 128 --context 64 --batch 12 --steps 2000 --dropout 0 "
    "--positions learned --optimizer adamw --schedule cosine --matrix-lr 1e-3 --table-lr 1e-3 "
    "--weight-decay 0.1 --size small"
)
SAME_LOSS = "--size tiny --steps 240 --batch 24"  # ends a little below nanoGPT's loss


def beside_nanogpt(folder, repeats):
    """Its CPU recipe, our run to the same loss, and its architecture trained by our loop."""
    validation = nanogpt_data(folder)
    module = nanogpt_module(folder)
    rows = {"nanoGPT": [], "ours to its loss": [], "ours, its model": []}
    for _ in range(repeats):
        out = folder / "out-bench"
        command = [sys.executable, *CPU_RECIPE.split(), f"--out_dir={out}"]
        seconds, memory, _ = timed(command, cwd=folder)
        saved = torch.load(out / "ckpt.pt", weights_only=True)
        model = module.GPT(module.GPTConfig(**saved["model_args"]))
        model.load_state_dict(saved["model"])
        loss = evaluate.loss(Answers(model), validation, 64)
        rows["nanoGPT"].append(
            {"seconds": round(seconds, 1), "loss": round(loss, 4), "MiB": round(memory)}
        )
        for name, words in (("ours to its loss", SAME_LOSS), ("ours, its model", SAME_MODEL)):
            run = trained(*words.split())
            del run["lines"]
            rows[name].append(run)
    seconds = {
        name: statistics.median(run["seconds"] for run in runs) for name, runs in rows.items()
    }
    return {
        "times faster to its loss": round(seconds["nanoGPT"] / seconds["ours to its loss"], 1),
        "times faster, its model": round(seconds["nanoGPT"] / seconds["ours, its model"], 2),
        "seconds": {n: spread([run["seconds"] for run in runs]) for n, runs in rows.items()},
        "loss": {n: spread([run["loss"] for run in runs]) for n, runs in rows.items()},
        "runs": rows,
    }


class Answers(torch.nn.Module):
    """nanoGPT's model with our contract: it gives all the logits only where it has targets."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids):
        return self.model(ids, ids)


SAMPLED = (
    {"n_layer": 4, "n_head": 4, "n_embd": 128},
    {"n_layer": 6, "n_head": 6, "n_embd": 384},
)


def in_turn(writers, repeats, length):
    """Two functions that write `length` characters -> what they wrote, how fast, and their ratio."""
    speeds: dict[str, list[float]] = {name: [] for name in writers}
    for _ in range(repeats):
        texts = []
        for name, write in writers.items():
            before = time.perf_counter()
            texts.append(write())
            speeds[name].append(length / (time.perf_counter() - before))
    ratios = [a / b for a, b in zip(*speeds.values())]
    return texts, {
        "characters_per_second": {n: spread([round(x) for x in v]) for n, v in speeds.items()},
        "times faster": spread([round(r, 1) for r in ratios]),
    }


def untrained(context, sizes):
    """Our GPT with weights by chance."""
    import model

    torch.manual_seed(0)
    ours = model.GPT(model.Config(65, context, **sizes)).eval()
    for p in ours.parameters():  # zero projections would make every text equal
        p.data += 0.05 * torch.randn_like(p)
    return ours


def generated(model, ids, length):
    generator = torch.Generator().manual_seed(1)
    return torch.stack(list(model.generate(ids, length, generator=generator)))


START = torch.zeros(1, 1, dtype=torch.long)


def cached(repeats, length=512, context=256, **sizes):
    """Characters per second of `generate`, batch 1, with its cache and without, in turn."""
    model = untrained(context, sizes)
    writers = {
        "with": lambda: generated(model, START, length),
        "without": lambda: uncached(model, START, length),
    }
    texts, figures = in_turn(writers, repeats, length)
    same, threads = torch.equal(*texts), torch.get_num_threads()
    return figures | {"equal": same, "length": length, "context": context, "threads": threads}


def sampling(folder, repeats, length=512, context=256, **sizes):
    """Characters per second of `generate`, batch 1, equal sizes, in turn; ours equal to uncached."""
    model, theirs = untrained(context, sizes), nanogpt_module(folder)
    config = theirs.GPTConfig(vocab_size=65, block_size=context, dropout=0.0, **sizes)
    nano = theirs.GPT(config).eval()
    writers = {
        "ours": lambda: generated(model, START, length),
        "nanoGPT": lambda: nano.generate(START, length),
    }
    (drawn, _), figures = in_turn(writers, repeats, length)
    same = torch.equal(drawn, uncached(model, START, length))
    return figures | {"equal to ours without a cache": same, "length": length, "context": context}


@torch.no_grad()
def uncached(model, ids, length):
    """What generate must give: every symbol from the whole window, no cache."""
    from decoding import choose

    generator = torch.Generator().manual_seed(1)
    window, drawn = ids, []
    for _ in range(length):
        chosen = choose(model(window)[0][:, -1], generator=generator)
        drawn.append(chosen)
        window = torch.cat((window, chosen[:, None]), dim=1)
        if window.shape[1] > model.config.context:
            window = window[:, -(model.config.context // 2) :]
    return torch.stack(drawn)


if __name__ == "__main__":
    sys.exit(main())
