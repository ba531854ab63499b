"""The flags of a run, and four sizes with settings that suit them.

The settings of a size were chosen on the development split (the last tenth of the training part);
the validation split is read once a recipe.
"""

import dataclasses
import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent
EVALUATIONS = 12  # of a run, after the one at its start
PART = 16_384  # characters of the validation split that they are made on


@dataclass(frozen=True)
class Size:
    """A model and how it is trained. Learning rates before warm-up and decay scale them."""

    n_layer: int
    n_head: int
    n_embd: int
    context: int
    batch: int
    dropout: float
    weight_decay: float
    work: float  # TFLOP of training from which on this size is the one to take
    matrix_lr: float = 0.02
    table_lr: float = 0.003


SIZES = {
    "tiny": Size(3, 3, 96, 64, 32, dropout=0.0, weight_decay=0.1, work=0),
    "small": Size(4, 4, 128, 128, 16, dropout=0.0, weight_decay=0.1, work=5),
    "medium": Size(6, 3, 192, 256, 8, dropout=0.1, weight_decay=0.1, work=60),
    "large": Size(6, 4, 256, 256, 16, dropout=0.2, weight_decay=0.1, work=280),
}


@dataclass
class Settings:
    """Flags of a run. From n-layer to table-lr, the size's own value holds where none is given."""

    minutes: float = 2.0
    """Wall time of the whole command, where --steps is not given."""
    size: Literal["tiny", "small", "medium", "large"] | None = None
    """Model and recipe; without it, the one that suits the minutes on this machine."""
    steps: int | None = None
    """Steps of the optimiser."""
    seed: int = 1
    """Same seed, same machine, same run."""
    data: str | None = None
    """A UTF-8 text of yours, or: grammar."""
    out: Path = HERE / "out"
    """Folder for everything that the run writes."""
    model: Path = HERE / "model.py"
    """A file with Config and GPT, such as my/day3/model.py."""
    resume: bool = False
    """Go on with the run in --out."""
    preflight: bool = True
    """Question the model first, and stop where something is wrong."""
    compile: bool = False
    """torch.compile: no gain on a CPU; adds its half minute to --minutes."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of matrix products; auto measures which is faster here."""
    accumulate: int = 1
    """Work through a batch in so many parts, to save memory."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    n_layer: int | None = None
    """Blocks."""
    n_head: int | None = None
    """Heads, which share out the channels."""
    n_embd: int | None = None
    """Channels."""
    context: int | None = None
    """Characters that a prediction may look back on."""
    batch: int | None = None
    """Windows of text a step."""
    dropout: float | None = None
    """Share of each sub-layer's output that is dropped in training."""
    weight_decay: float | None = None
    """Pull of matrices to zero, in learning rates."""
    matrix_lr: float | None = None
    """Learning rate of the matrices."""
    table_lr: float | None = None
    """Learning rate of embeddings, gains and biases."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """Of the matrices."""
    schedule: Literal["linear", "cosine"] = "linear"
    """How the learning rate falls."""
    positions: Literal["rotary", "learned"] = "rotary"
    """Or GPT-2's table."""


def with_size(settings, name):
    """The settings with every field that is still open taken from the size of that name."""
    own = {k: v for k, v in vars(SIZES[name]).items() if k != "work"}
    still_open = {k: v for k, v in own.items() if getattr(settings, k) is None}
    return dataclasses.replace(settings, size=name, **still_open)


def check(settings):
    """ValueError, in one sentence, for numbers that no run can use."""
    for name in ("minutes", "steps", "batch", "context", "accumulate", "matrix_lr", "table_lr"):
        value = getattr(settings, name)
        if value is not None and not 0 < value < math.inf:
            flag = name.replace("_", "-")
            raise ValueError(f"--{flag} must be a number above 0, not {value}")
    if not 0 <= settings.seed < 2**40:
        raise ValueError(f"--seed must be from 0 to {2**40 - 1}, not {settings.seed}")
    if settings.weight_decay is not None and not 0 <= settings.weight_decay < math.inf:
        raise ValueError(f"--weight-decay must be 0 or more, not {settings.weight_decay}")
    if settings.dropout is not None and not 0 <= settings.dropout < 1:
        raise ValueError(f"--dropout must be at least 0 and below 1, not {settings.dropout}")


def program(world):
    """What starts so many processes."""
    return "python" if world == 1 else f"torchrun --nproc-per-node {world}"


def command(settings, world=1):
    """The command that repeats a run to the step, whatever the clock says."""
    words = [f"{program(world)} day3/train.py --size {settings.size} --steps {settings.steps}"]
    own = vars(SIZES[settings.size])
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        usual = own.get(field.name, field.default)
        if field.name in ("seed", "precision") or (
            value != usual and field.name not in ("minutes", "size", "steps", "resume")
        ):
            flag = field.name.replace("_", "-")
            on = {True: f"--{flag}", False: f"--no-{flag}"}
            words.append(
                on[value] if isinstance(value, bool) else f"--{flag} {shlex.quote(str(value))}"
            )
    return " ".join(words)


def flops_per_symbol(n_layer, n_embd, context, V):
    """Floating-point operations to train on one symbol: six a weight, and those of attention.

    A weight: two forward, four backward, a multiply-add counts as two (Kaplan et al. 2020, section
    2.1). Attention as if all read all: Chowdhery et al. 2022 (PaLM), appendix B.
    """
    weights = 12 * n_layer * n_embd**2 + V * n_embd
    return 6 * weights + 12 * n_layer * n_embd * context


def bytes_to_train(parameters, optimizer="muon"):
    """Bytes for weights, gradients and the optimiser's averages, all float32.

    AdamW keeps two averages a weight, Muon one: 16 and 12 bytes a weight. A model of a billion
    weights needs 12 to 16 GB before it has stored a single activation.
    """
    return parameters * (16 if optimizer == "adamw" else 12)


def size_for(seconds, flops_per_second):
    """The name of the largest size that this much work is enough for."""
    work = max(0.0, seconds * flops_per_second / 1e12)
    return [name for name, size in SIZES.items() if size.work <= work][-1]
