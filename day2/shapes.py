# exercise 2.11: parameters
"""Every tensor of a GPT: its shape letter by letter, its numbers, its parameters and its FLOP.

    python day2/shapes.py
    python day2/shapes.py --n-layer 12 --n-head 12 --n-embd 768 --context 256 --positions learned

A shape that is not the one of its letters ends the program with exit code 1.
"""

import math
import re
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Literal
from unittest.mock import patch

import torch
import tyro
from torch.utils.flop_counter import FlopCounterMode

from model import GPT, Config

SYMBOLS = 65  # of tiny Shakespeare
MOST_GIB = 4

# what a module or a tensor within it gives, in letters, and the FLOP of its matrix product
CONTRACT = {
    "ids": ("B T", ""),
    "GPT": ("B T V", ""),
    "embedding": ("B T C", ""),
    "position": ("T C", ""),
    "dropout": ("B T C", ""),
    "blocks.*": ("B T C", ""),
    "blocks.*.norm_1": ("B T C", ""),
    "blocks.*.attention": ("B T C", ""),
    "blocks.*.attention.query_key_value": ("B T 3C", "2 B T C 3C"),
    "blocks.*.attention.rotate": ("B 2H T D", ""),
    "blocks.*.attention.q": ("B H T D", ""),
    "blocks.*.attention.k": ("B H S D", ""),
    "blocks.*.attention.v": ("B H S D", ""),
    "blocks.*.attention.weights": ("B H T S", "2 B H T D S"),
    "blocks.*.attention.attend": ("B H T D", "2 B H T S D"),
    "blocks.*.attention.project": ("B T C", "2 B T C C"),
    "blocks.*.norm_2": ("B T C", ""),
    "blocks.*.feed_forward": ("B T C", ""),
    "blocks.*.feed_forward.widen": ("B T M", "2 B T C M"),
    "blocks.*.feed_forward.project": ("B T C", "2 B T M C"),
    "blocks.*.dropout": ("B T C", ""),
    "norm": ("B T C", ""),
    "head": ("B T V", "2 B T C V"),
}
LETTERS = """\
B = {B} sequences, T = S = {T} positions, C = {C} channels, H = {H} heads of D = {D},
M = {M} hidden channels, V = {V} symbols, L = {L} blocks"""
COUNTED = """\
FLOP: matrix products, a multiply-add as two; the masked half of the weights is computed, so it
counts. Not counted: look-ups, biases, sums, norms, GELU, softmax and the turning of positions.
Numbers: elements of what is given. A tied weight is a parameter where it is used first."""


@dataclass
class Settings:
    """Flags of shapes.py."""

    n_layer: int = 3
    """Blocks, L."""
    n_head: int = 3
    """Heads, H, which share out the channels."""
    n_embd: int = 96
    """Channels, C."""
    context: int = 64
    """Positions, T: the whole context is filled."""
    positions: Literal["rotary", "learned"] = "rotary"
    """Or GPT-2's table."""
    batch: int = 2
    """Sequences, B."""


@dataclass
class Step:
    """A tensor on its way through the model; numbers, parameters and FLOP are of this one call."""

    name: str
    depth: int
    letters: str = ""
    shape: tuple | None = None
    parameters: int = 0
    flop: int = 0


# exercise 2.11, further
def parameters(config, tied=True):
    """How many numbers a GPT learns, in closed form, from its sizes (model.py, Config).

    It holds a table with n_embd numbers for each symbol (vocab_size); where positions are "learned"
    a second one for each place (context), and nothing for "rotary" ones; n_layer blocks; a last
    norm; and a head without biases, which gives a logit for each symbol. Tied, the head is the table
    of symbols, and counts once. A norm has a gain and a bias for each channel. A block has two
    norms and four matrices, all with biases: attention's query_key_value, for q, k and v of all
    heads together, and its project; feed-forward's widen, to four times n_embd, and its project.
    """
    V, C, L = config.vocab_size, config.n_embd, config.n_layer
    rows = V * (1 if tied else 2) + (config.context if config.positions == "learned" else 0)
    return rows * C + L * (12 * C * C + 13 * C) + 2 * C


def flop_per_symbol(config, T):
    """FLOP of one forward pass over T positions, for each of them, in closed form.

    Matrix products alone, a multiply-add as two. Training costs three times as much.
    Kaplan et al. 2020, section 2.1.
    """
    V, C, L = config.vocab_size, config.n_embd, config.n_layer
    return 2 * (12 * L * C * C + V * C) + 4 * L * C * T


def sizes_of(config, ids):
    """The letters of a GPT that reads ids (B, T): letter -> size."""
    (B, T), C, H = ids.shape, config.n_embd, config.n_head
    own = {"C": C, "H": H, "D": C // H, "M": 4 * C, "V": config.vocab_size, "L": config.n_layer}
    return {"B": B, "T": T, "S": T} | own


def numbers(letters, sizes):
    """The sizes behind some letters: "B 2H" -> [B, 2 H]."""
    parts = [re.fullmatch(r"(\d*)([A-Z]?)", word).groups() for word in letters.split()]
    return [int(times or 1) * sizes.get(letter, 1) for times, letter in parts]


def starred(name):
    """A name with every number in it as "*": blocks.0.norm_1 -> blocks.*.norm_1."""
    return re.sub(r"\.\d+", ".*", name)


def check(step, tensor, sizes, contract):
    """Fill in a step from its tensor and its line of the contract.

    ValueError where it has no line, or the tensor is none or has another shape.
    """
    if starred(step.name) not in contract:
        raise ValueError(f"{step.name} has no line in the contract: add its letters there")
    step.letters, product = contract[starred(step.name)]
    wanted = tuple(numbers(step.letters, sizes))
    step.shape = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else None
    if step.shape != wanted:
        letters = ", ".join(step.letters.split())
        raise ValueError(f"{step.name} gives {step.shape or tensor}, not ({letters}) = {wanted}")
    step.flop = math.prod(numbers(product, sizes)) if product else 0


def trace(model, ids, sizes, contract=CONTRACT):
    """Every tensor that the modules of a model give while it reads ids (B, T), as a list of steps.

    A module stands above what it calls. A model other than the GPT needs a contract of its own.
    ValueError where a shape is not that of its letters, and for a module that is never called.
    """
    steps, inside, seen = [], [], set()

    def enter(name):
        steps.append(Step(name, depth=len(inside)))
        inside.append(steps[-1])

    def leave(given, learned=()):
        tensor, step = given[0] if isinstance(given, tuple) else given, inside.pop()
        check(step, tensor, sizes, contract)
        # a tied weight counts where it is used first
        step.parameters = sum(p.numel() for p in learned if p not in seen)
        seen.update(learned)

    def note(name, tensor):
        enter(name)
        leave(tensor)

    def look_into(name, attention, attend, q, k, v):
        for letter, tensor in zip("qkv", (q, k, v)):
            note(f"{name}.{letter}", tensor)
        out = attend(q, k, v)
        note(f"{name}.weights", attention.weights)
        note(f"{name}.attend", out)
        return out

    modules = {name or type(model).__name__: module for name, module in model.named_modules()}
    with ExitStack() as watched, torch.no_grad():
        for name, module in modules.items():
            own = list(module.parameters(recurse=False))
            before = module.register_forward_pre_hook(lambda *_, name=name: enter(name))
            after = module.register_forward_hook(lambda *call, own=own: leave(call[-1], own))
            watched.callback(before.remove)
            watched.callback(after.remove)
            if hasattr(module, "attend"):
                attend = partial(look_into, name, module, module.attend)
                for attribute, value in (("watch", True), ("weights", None), ("attend", attend)):
                    watched.enter_context(patch.object(module, attribute, value))
        note("ids", ids)
        model(ids)
    called = {step.name for step in steps}
    lists = {name for name, module in modules.items() if isinstance(module, torch.nn.ModuleList)}
    if idle := sorted(modules.keys() - called - lists):
        raise ValueError(f"{idle[0]} is a part of the model and is never called")
    return steps


def short(step):
    """The last word of a step's name, or "blocks.0", indented by what it stands in."""
    return "  " * step.depth + re.sub(r".*\.(?!\d+$)", "", step.name)


def listing(steps):
    """Lines with every tensor's shape; later blocks, checked all the same, in one line."""
    for step in steps:
        if step.name == "blocks.1":
            yield f"{short(step)} and on: as blocks.0, shape by shape"
        if not re.match(r"blocks\.[1-9]", step.name):
            yield f"{short(step):24} ({', '.join(step.letters.split())}) = {step.shape}"


def table(steps, contract=CONTRACT):
    """Lines of the table: equal parts of all blocks are one row; the last row adds them up."""
    layout = "{:24}{:8}{:>5}{:>15}{:>15}{:>18}  {}"
    yield layout.format("name", "shape", "times", "numbers", "parameters", "FLOP", "FLOP a call")
    rows = {}
    for step in steps:
        rows.setdefault(starred(step.name), []).append(step)
    for name, same in rows.items():
        columns = zip(*((math.prod(s.shape), s.parameters, s.flop) for s in same), strict=True)
        shown = [f"{total:,}" if total else "" for total in map(sum, columns)]
        name_of = short(same[0]).replace("blocks.0", "blocks")
        yield layout.format(name_of, same[0].letters, len(same), *shown, contract[name][1]).rstrip()
    sums = [f"{sum(column):,}" for column in zip(*((s.parameters, s.flop) for s in steps))]
    yield layout.format("all", "", "", "", *sums, "").rstrip()


def built(settings):
    """The model of some flags, and ids (B, T) that fill its context. ValueError for bad sizes."""
    B, T, L = settings.batch, settings.context, settings.n_layer
    if B < 1:
        raise ValueError(f"--batch must be at least 1, not {B}")
    config = Config(SYMBOLS, T, L, settings.n_head, settings.n_embd, positions=settings.positions)
    # float32: what is learned, the weights of all blocks and those at work, the widest streams
    squares, streams = (L + 3) * settings.n_head * T * T, T * (SYMBOLS + 8 * settings.n_embd)
    gib = 4 * (parameters(config) + B * (squares + streams)) / 2**30
    if gib > MOST_GIB:
        raise ValueError(f"these sizes take about {gib:,.0f} GiB: choose some below {MOST_GIB} GiB")
    return GPT(config).eval(), torch.arange(B * T).view(B, T) % SYMBOLS


def report(model, ids):
    """All lines of the program. ValueError where a shape, a sum or a formula is wrong."""
    config, sizes = model.config, sizes_of(model.config, ids)
    pass_flop = ids.numel() * flop_per_symbol(config, sizes["T"])
    with FlopCounterMode(display=False) as counter:
        steps = trace(model, ids, sizes)
    yield LETTERS.format(**sizes)
    for one, other in combinations("BTCHDMV", 2):
        if sizes[one] == sizes[other]:
            yield f"{one} = {other} here: a swap of these two could not be seen"
    yield from ("", *listing(steps), "", *table(steps), "", COUNTED)
    tied = model.head.weight is model.embedding.weight
    terms = ["V C" if tied else "2 V C", *["T C"] * (config.positions == "learned")]
    learned = {
        f"parameters = {' + '.join(terms)} + L (12 C C + 13 C) + 2 C": parameters(config, tied),
        "the table's sum": sum(step.parameters for step in steps),
        "numel() of all": sum(p.numel() for p in model.parameters()),
    }
    flop = {
        "FLOP = B T (24 L C C + 2 V C + 4 L C T)": pass_flop,
        "the table's sum": sum(step.flop for step in steps),
        "torch's counter": counter.get_total_flops(),
    }
    for counts in (learned, flop):
        (formula, value), *others = counts.items()
        if len(set(counts.values())) > 1:
            raise ValueError(" but ".join(f"{name}: {count:,}" for name, count in counts.items()))
        yield f"\n{formula} = {value:,}\n    the same: {', '.join(name for name, _ in others)}"


def main(arguments=None):
    """The command: exit code 0, 1 for a shape or a sum that is wrong, 2 for a wrong call."""
    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    code = 2
    try:
        model, ids = built(settings)
        code = 1
        print("\n".join(report(model, ids)))
    except ValueError as error:
        print(f"shapes.py: {error}", file=sys.stderr)
        return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
