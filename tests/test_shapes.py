"""day2/shapes.py: its formulas against numel() and torch's counter, its contract against faults."""

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn as nn
from torch.utils.flop_counter import FlopCounterMode

import shapes
from model import GPT, Config
from settings import flops_per_symbol

PROGRAM = Path(shapes.__file__)
B, H, D, T, V, L = 2, 3, 4, 5, 11, 2
C, M = H * D, 4 * H * D
POSITIONS = pytest.mark.parametrize("positions", ["rotary", "learned"])
SIZES = pytest.mark.parametrize(
    ("n_layer", "n_head", "n_embd", "context"),
    [(L, H, C, T), (1, 1, 2, 1), (3, 5, 20, 9), (4, 2, 16, 33)],
)


def model_of(positions="rotary", context=T, n_layer=L, n_head=H, n_embd=C):
    torch.manual_seed(0)
    return GPT(Config(V, context, n_layer, n_head, n_embd, positions=positions)).eval()


def untied(model):
    model.head.weight = nn.Parameter(model.head.weight.detach().clone())
    return model


def ids_of(B=B, T=T):
    return torch.arange(B * T).view(B, T) % V


def traced(model, ids=None):
    ids = ids_of(T=model.config.context) if ids is None else ids
    return shapes.trace(model, ids, shapes.sizes_of(model.config, ids))


# ---- closed formulas


@POSITIONS
@SIZES
def test_the_formula_of_parameters_is_numel(positions, n_layer, n_head, n_embd, context):
    model = model_of(positions, context, n_layer, n_head, n_embd)
    assert shapes.parameters(model.config) == sum(p.numel() for p in model.parameters())
    untied(model)
    counted = sum(p.numel() for p in model.parameters())
    assert shapes.parameters(model.config, tied=False) == counted


@POSITIONS
@SIZES
@pytest.mark.parametrize("shorter", [0, 3])
def test_the_formula_of_flop_is_torchs_count(positions, n_layer, n_head, n_embd, context, shorter):
    model = model_of(positions, context, n_layer, n_head, n_embd)
    # a lone position takes the fused kernel, which the counter does not know on a CPU
    for block in model.blocks:
        block.attention.watch = True
    T = max(1, context - shorter)
    ids = ids_of(3, T)
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        model(ids)
    a_symbol = shapes.flop_per_symbol(model.config, T)
    assert forward.get_total_flops() == ids.numel() * a_symbol
    with FlopCounterMode(display=False) as training:
        model(ids, ids)[1].backward()
    assert training.get_total_flops() == 3 * ids.numel() * a_symbol
    assert flops_per_symbol(n_layer, n_embd, T, V) == 3 * a_symbol


# ---- the trace


@POSITIONS
def test_every_module_has_its_own_parameters_and_flop(positions):
    model = model_of(positions)
    with FlopCounterMode(display=False) as counter:
        steps = traced(model)
    counted = counter.get_flop_counts()
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList):  # it calls nothing itself
            continue
        name = name or "GPT"
        within = [s for s in steps if name == "GPT" or f"{s.name}.".startswith(f"{name}.")]
        path = name if name == "GPT" else f"GPT.{name}"
        assert sum(s.flop for s in within) == sum(counted.get(path, {}).values()), name
        if name not in ("head", "GPT"):  # its weight is the embedding's
            learned = sum(p.numel() for p in module.parameters())
            assert sum(s.parameters for s in within) == learned, name
    assert sum(s.parameters for s in steps) == sum(p.numel() for p in model.parameters())


def test_every_tensor_of_a_block_is_seen_in_order():
    steps = [s for s in traced(model_of()) if s.name.startswith("blocks.1")]
    assert [(s.name.removeprefix("blocks.1").lstrip("."), s.depth, s.shape) for s in steps] == [
        ("", 1, (B, T, C)),
        ("norm_1", 2, (B, T, C)),
        ("attention", 2, (B, T, C)),
        ("attention.query_key_value", 3, (B, T, 3 * C)),
        ("attention.rotate", 3, (B, 2 * H, T, D)),
        ("attention.q", 3, (B, H, T, D)),
        ("attention.k", 3, (B, H, T, D)),
        ("attention.v", 3, (B, H, T, D)),
        ("attention.weights", 3, (B, H, T, T)),
        ("attention.attend", 3, (B, H, T, D)),
        ("attention.project", 3, (B, T, C)),
        ("dropout", 2, (B, T, C)),
        ("norm_2", 2, (B, T, C)),
        ("feed_forward", 2, (B, T, C)),
        ("feed_forward.widen", 3, (B, T, M)),
        ("feed_forward.project", 3, (B, T, C)),
        ("dropout", 2, (B, T, C)),
    ]


def test_a_trace_leaves_no_trace():
    model, ids = model_of(), ids_of()
    before = model(ids)[0]
    traced(model)
    with pytest.raises(ValueError, match="gives"):
        shapes.trace(model, ids, shapes.sizes_of(model.config, ids) | {"M": M + 1})
    for module in model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
    for block in model.blocks:
        assert not block.attention.watch and block.attention.weights is None
        assert "attend" not in vars(block.attention)
    assert torch.equal(model(ids)[0], before)


def test_another_model_brings_its_own_contract():
    model = nn.Sequential(nn.Embedding(V, C), nn.Linear(C, V))
    contract = {
        "Sequential": ("B T V", ""), "ids": ("B T", ""), "0": ("B T C", ""),
        "1": ("B T V", "2 B T C V"),
    }  # fmt: skip
    steps = shapes.trace(model, ids_of(), {"B": B, "T": T, "C": C, "V": V}, contract)
    assert [s.name for s in steps] == ["ids", "Sequential", "0", "1"]
    assert sum(s.parameters for s in steps) == V * C + C * V + V
    assert len(list(shapes.table(steps, contract))) == 1 + 4 + 1


# ---- the contract


class Turned(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x).transpose(1, 2)


def turned_norm(model):
    model.blocks[1].norm_2 = Turned(C)


def wide_enough_by_half(model):
    feed_forward = model.blocks[0].feed_forward
    feed_forward.widen, feed_forward.project = nn.Linear(C, M // 2), nn.Linear(M // 2, C)


def no_values(model):
    model.blocks[1].attention.query_key_value = nn.Linear(C, 2 * C)


def heads_and_positions_swapped(model):
    attention = model.blocks[0].attention
    attend = attention.attend
    attention.attend = lambda q, k, v: attend(q, k, v).transpose(1, 2)


def one_set_of_weights(model):
    attention = model.blocks[0].attention
    attend = attention.attend

    def run(q, k, v):
        out = attend(q, k, v)
        attention.weights = attention.weights.mean(dim=1)
        return out

    attention.attend = run


def weights_kept_to_itself(model):
    attention = model.blocks[0].attention
    attention.attend = lambda q, k, v: v


def a_symbol_too_many(model):
    model.head = nn.Linear(C, V + 1, bias=False)


def turned_logits(model):
    model.register_forward_hook(lambda module, args, out: (out[0].mT, None))


def half_a_head(model):
    model.blocks[0].attention.rotate.forward = lambda x, start=0: x[..., ::2]


FAULTS = {
    turned_norm: ("blocks.1.norm_2", (B, C, T), "B, T, C", (B, T, C)),
    wide_enough_by_half: ("blocks.0.feed_forward.widen", (B, T, M // 2), "B, T, M", (B, T, M)),
    no_values: ("blocks.1.attention.query_key_value", (B, T, 2 * C), "B, T, 3C", (B, T, 3 * C)),
    heads_and_positions_swapped: (
        "blocks.0.attention.attend", (B, T, H, D), "B, H, T, D", (B, H, T, D)
    ),
    one_set_of_weights: ("blocks.0.attention.weights", (B, T, T), "B, H, T, S", (B, H, T, T)),
    weights_kept_to_itself: ("blocks.0.attention.weights", None, "B, H, T, S", (B, H, T, T)),
    a_symbol_too_many: ("head", (B, T, V + 1), "B, T, V", (B, T, V)),
    turned_logits: ("GPT", (B, V, T), "B, T, V", (B, T, V)),
    half_a_head: ("blocks.0.attention.rotate", (B, 2 * H, T, D // 2), "B, 2H, T, D", (B, 6, T, D)),
}  # fmt: skip


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_the_contract_names_the_fault(plant):
    model = model_of()
    plant(model)
    with pytest.raises(ValueError) as error:
        traced(model)
    name, given, letters, wanted = FAULTS[plant]
    assert str(error.value) == f"{name} gives {given}, not ({letters}) = {wanted}"


def test_a_part_that_is_never_called_is_named():
    model = model_of()
    model.position = nn.Embedding(T, C)
    model.forward = lambda ids: (model.head(model.embedding(ids)), None)
    with pytest.raises(ValueError, match="blocks.0 is a part of the model and is never called"):
        traced(model)


def test_a_part_without_letters_is_named():
    model = model_of()
    model.blocks[1].feed_forward.widen = nn.Sequential(model.blocks[1].feed_forward.widen)
    with pytest.raises(ValueError, match=r"blocks\.1\.feed_forward\.widen\.0 has no line"):
        traced(model)


# ---- the table


def number(text):
    return int(text.replace(",", "") or 0)


@POSITIONS
@pytest.mark.parametrize("tie", [True, False], ids=["tied", "untied"])
def test_the_tables_sums_agree(positions, tie):
    model = model_of(positions) if tie else untied(model_of(positions))
    heading, *rows, last = shapes.table(traced(model))
    ends = [heading.index(word) + len(word) for word in ("times", "numbers", "parameters", "FLOP")]
    sums, sizes = [0, 0], shapes.sizes_of(model.config, ids_of())
    for row in rows:
        letters, times = row[: ends[0]].split()[1:-1], int(row[: ends[0]].split()[-1])
        columns = [number(row[a:b].strip()) for a, b in pairwise(ends)]
        assert columns[0] == times * math.prod(shapes.numbers(" ".join(letters), sizes)), row
        product = row[ends[3] :].split()
        assert columns[2] == (
            times * math.prod(shapes.numbers(" ".join(product), sizes)) if product else 0
        )
        sums = [a + b for a, b in zip(sums, columns[1:])]
    assert sums == [number(text) for text in last.split()[1:]]
    assert sums[0] == sum(p.numel() for p in model.parameters())
    assert sums[0] == shapes.parameters(model.config, tie)
    assert sums[1] == B * T * shapes.flop_per_symbol(model.config, T)
    formula = "\nparameters = V C + " if tie else "\nparameters = 2 V C + "
    assert formula in "\n".join(shapes.report(model, ids_of()))


@pytest.mark.parametrize("name", ["parameters", "flop_per_symbol"])
def test_a_formula_that_is_off_by_one_is_refused(monkeypatch, capsys, name):
    right = getattr(shapes, name)
    monkeypatch.setattr(shapes, name, lambda *given: right(*given) + 1)
    with pytest.raises(ValueError, match="but the table's sum"):
        list(shapes.report(model_of(), ids_of()))
    assert shapes.main([]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_sizes_that_are_equal_are_said_so():
    said = "could not be seen"
    assert said not in "".join(shapes.report(model_of(), ids_of()))
    equal = [line for line in shapes.report(model_of(), ids_of(B=H)) if said in line]
    assert equal == ["B = H here: a swap of these two could not be seen"]


# ---- the program


@POSITIONS
def test_the_program_runs_anywhere_within_100_columns(tmp_path, positions):
    words = ["--positions", positions, "--n-layer", "12", "--context", "300", "--n-embd", "192"]
    command = [sys.executable, str(PROGRAM), *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert done.stdout.isascii() and "\x1b" not in done.stdout
    assert "(B, 2H, T, D) = (2, 6, 300, 64)" in done.stdout or positions == "learned"
    config = Config(shapes.SYMBOLS, 300, 12, 3, 192, positions=positions)
    assert f"= {shapes.parameters(config):,}\n    the same: " in done.stdout
    assert f"= {600 * shapes.flop_per_symbol(config, 300):,}\n    the same: " in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--n-embd", "97"], "97"),
        (["--n-head", "0"], "at least 1"),
        (["--n-layer", "0"], "at least 1"),
        (["--context", "-1"], "at least 1"),
        (["--batch", "0"], "--batch"),
        (["--n-embd", "9"], "even"),
    ],
    ids=str,
)
def test_bad_sizes_get_one_sentence(capsys, words, expected):
    assert shapes.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and expected in printed.err
    assert len(printed.err.splitlines()) == 1 and "Error" not in printed.err


@pytest.mark.parametrize("flag", ["--n-layer", "--n-embd", "--context", "--batch"])
def test_sizes_beyond_the_memory_are_refused_before_they_are_made(monkeypatch, capsys, flag):
    monkeypatch.setattr(shapes, "GPT", None)
    assert shapes.main([flag, "300000"]) == 2
    printed = capsys.readouterr()
    assert "choose some below 4 GiB" in printed.err and len(printed.err.splitlines()) == 1


def test_a_flag_that_is_none_is_refused():
    for words in (["--positions", "sinus"], ["--n-embd", "many"]):
        with pytest.raises(SystemExit) as stopped:
            shapes.main(words)
        assert stopped.value.code == 2


def test_a_broken_model_ends_with_exit_code_1(monkeypatch, capsys):
    class Broken(GPT):
        def forward(self, ids):
            return super().forward(ids)[0].mT, None

    Broken.__name__ = "GPT"
    monkeypatch.setattr(shapes, "GPT", Broken)
    assert shapes.main([]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "shapes.py: GPT gives" in printed.err
