"""day4-5's training by hand: against its PyTorch twin, and by what it learns in seconds."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import answering
import step_by_step
import train_twin
from attention_numpy import causal_mask
from backward_model import logits, loss_and_gradients
from backward_numpy import relu
from digit_tasks import END, IGNORED, TASKS, encode
from train_numpy import SIZES, Size, batches, fresh, prepared, training

TINY = Size(2, 2, 8, 40)
PROGRAM = Path(__file__).parent.parent / "day4-5" / "train_numpy.py"


@pytest.fixture(scope="module")
def learned():
    """A small model after half a minute's worth of less: three digits, 500 steps of one layer."""
    size, task = SIZES["small"], TASKS["digits"]
    parts, params, ids, targets, rng = prepared(task, size, seed=1)
    run = list(training(params, ids, targets, size.H, 500, rng))
    return task, parts, params, size.H, run


# ---- the twin


@pytest.mark.parametrize("learned_positions", [True, False])
@pytest.mark.parametrize("size", [TINY, Size(3, 6, 24, 0)])
def test_the_twin_gives_the_same_logits(size, learned_positions):
    task = TASKS["reverse"]
    parts, params, *_ = prepared(task, size, 3, learned_positions)
    rng = np.random.default_rng(0)  # gains and biases of their own, too
    params = {n: p + rng.normal(size=p.shape) / 5 for n, p in params.items()}
    ids, _ = encode(task, parts["test"][:50])
    mine = logits(params, ids, size.H, causal_mask(ids.shape[1]), bend=relu)
    theirs = train_twin.Twin(params, size.H)(torch.from_numpy(ids)).detach().numpy()
    np.testing.assert_allclose(mine, theirs, atol=1e-10, rtol=0)


@pytest.mark.parametrize("name", TASKS)
def test_the_twin_goes_the_same_way_for_fifty_steps(name):
    pairs = list(train_twin.side_by_side(name, Size(2, 4, 16, 0), seed=2, steps=50))
    mine, theirs = np.transpose(pairs)
    assert len(mine) == 50 and mine[-1] < 0.8 * mine[0]
    np.testing.assert_allclose(mine, theirs, atol=1e-6, rtol=0)


# ---- the run


def test_three_digits_are_learned(learned):
    task, parts, params, H, run = learned
    assert run[0].loss > 2.5 and run[-1].loss < 0.1
    assert answering.right(params, task, parts["test"], H).mean() > 0.95


def test_a_run_can_be_repeated():
    def losses(seed):
        _, params, ids, targets, rng = prepared(TASKS["sums"], TINY, seed)
        return [step.loss for step in training(params, ids, targets, TINY.H, 5, rng)]

    assert losses(1) == losses(1) != losses(2)


def test_batches_deal_everything_out_before_anything_comes_again():
    dealt = np.concatenate(list(batches(np.random.default_rng(0), 10, 4, 5)))
    assert sorted(dealt[:10]) == sorted(dealt[10:]) == list(range(10))


def test_only_answers_and_what_stands_before_them_count():
    """Neither padding nor the question's own symbols are asked for."""
    task = TASKS["reverse"]
    params = fresh(np.random.default_rng(0), len(task.symbols), TINY, 20)
    items = [("3 letters", "abc", "cba"), ("2 letters", "ja", "aj")]
    ids, targets = encode(task, items)
    losses = []
    for padded in (ids, np.where(ids == 0, 5, ids)):
        mask = causal_mask(ids.shape[1])
        losses.append(loss_and_gradients(params, padded, targets, TINY.H, mask, bend=relu)[0])
    assert losses[0] == losses[1]
    alone = []
    for item in items:
        one, asked = encode(task, [item])
        mask = causal_mask(one.shape[1])
        loss, _ = loss_and_gradients(params, one, asked, TINY.H, mask, bend=relu)
        alone.append((loss, (asked != IGNORED).sum()))
    mean = sum(loss * n for loss, n in alone) / sum(n for _, n in alone)
    assert losses[0] == pytest.approx(mean, rel=1e-12)


# ---- answers


def test_right_is_what_the_model_writes_itself(learned):
    task, parts, params, H, _ = learned
    half = {n: p + 0.08 * np.random.default_rng(0).normal(size=p.shape) for n, p in params.items()}
    items = parts["test"][::7]
    counted = answering.right(half, task, items, H)
    written = [answering.write(half, task, q, H) == a + END for _, q, a in items]
    assert counted.tolist() == written and 0 < counted.mean() < 1


def test_certainty_is_a_share_of_all_answers():
    """Over all answers of three symbols or fewer that end in a dot, shares add up to at most 1."""
    task = TASKS["digits"]
    params = fresh(np.random.default_rng(0), len(task.symbols), TINY, 20)
    shares = [
        answering.certainty(params, task, ("first", "F123", answer), TINY.H)
        for answer in ["", *task.symbols.replace(END, "")]
    ]
    ids = np.array([[task.symbols.index(s) for s in "F123="]])
    scores = logits(params, ids, TINY.H, causal_mask(5), bend=relu)[0, -1]
    at_once = (
        np.exp(scores - scores.max())[task.symbols.index(END)] / np.exp(scores - scores.max()).sum()
    )
    assert shares[0] == pytest.approx(at_once)
    assert 0 < sum(shares) < 1


def test_writing_stops_where_positions_do():
    task = TASKS["digits"]
    params = fresh(np.random.default_rng(0), len(task.symbols), TINY, 7)
    assert len(answering.write(params, task, "F123", TINY.H)) <= 2


# ---- step by step


def test_norms_of_layers_make_the_norm_of_all(learned):
    *_, run = learned
    norms = step_by_step.norms_by_layer(run[0].grads)
    assert list(norms) == ["embedding", "positions", "block 0", "norm", "head"]
    assert sum(n**2 for n in norms.values()) ** 0.5 == pytest.approx(run[0].norm)
    many = {f"blocks.{n}.w": np.ones(n + 1) for n in (0, 10, 2)} | {"head.b": np.ones(1)}
    assert list(step_by_step.norms_by_layer(many)) == ["block 0", "block 2", "block 10", "head"]


def test_weights_shown_are_those_of_the_model(learned):
    """Hooks on torch's own attention see the same weights."""
    task, parts, params, H, _ = learned
    ids, _ = encode(task, parts["test"][:1])
    twin, seen = train_twin.Twin(params, H), []
    for block in twin.blocks:
        whole = block.self_attn.forward

        def watched(*given, whole=whole, **more):
            more |= {"need_weights": True, "average_attn_weights": False}
            out, weights = whole(*given, **more)
            seen.append(weights[0].detach().numpy())
            return out, weights

        block.self_attn.forward = watched
    twin(torch.from_numpy(ids))
    mine = step_by_step.weights(params, ids, H)
    assert len(mine) == len(seen) == 1
    np.testing.assert_allclose(mine[0], seen[0], atol=1e-10)


def watching(keys, steps=6):
    parts, params, ids, targets, rng = prepared(TASKS["digits"], TINY, 1)
    run = training(params, ids, targets, TINY.H, steps, rng)
    typed = iter(keys)
    watched = step_by_step.watched(
        run, params, TASKS["digits"], parts["test"], TINY.H, ask=lambda _: next(typed)
    )
    return [step.number for step in watched], params


@pytest.mark.parametrize(
    ("keys", "taken", "shown"),
    [
        (["", "", "c"], 6, [1, 2, 3]),
        (["3", "c"], 6, [1, 4]),
        (["q"], 1, [1]),
        (["x", "0", "²", "2", "q"], 3, [1, 3]),
        (["c"], 6, [1]),
    ],
)
def test_keys_lead_through_a_run(keys, taken, shown, capsys):
    assert watching(keys)[0] == list(range(1, taken + 1))
    out = capsys.readouterr().out
    assert [int(n) for n in re.findall(r"^step (\d+):", out, re.MULTILINE)] == shown
    assert out.count("gradient by layer: embedding") == len(shown)
    before = re.findall(r"F008=0\.  said (.*), now (.*)", out)
    assert all(was[1] == now[0] for was, now in itertools.pairwise(before))


def test_looking_changes_nothing():
    _, watched_params = watching([""] * 5 + ["c"])
    _, params, ids, targets, rng = prepared(TASKS["digits"], TINY, 1)
    for _ in training(params, ids, targets, TINY.H, 6, rng):
        pass
    for name, p in params.items():
        np.testing.assert_array_equal(p, watched_params[name])


def test_the_end_of_the_keyboard_goes_on():
    def closed(_):
        raise EOFError

    assert step_by_step.asked(closed) == step_by_step.asked(None) == "c"


# ---- the command


def run(*words, **more):
    words, given = [sys.executable, str(PROGRAM), *words], {"capture_output": True, "text": True}
    return subprocess.run(words, timeout=120, check=False, **given, **more)


def test_the_command_without_a_terminal_waits_for_nobody(tmp_path):
    done = run(
        *("--task", "sums", "--size", "small", "--steps", "20", "--step-by-step"),
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("step 1:") == 1 and "step 2:" not in done.stdout
    assert "20 steps of 64" in done.stdout
    assert re.search(r"no carry +\d+ of +\d+ .*%", done.stdout)
    assert "layer 0, head" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("--steps", "0"), ("--task", "dance"), ("--size", "huge")])
def test_a_wrong_call(words):
    done = run(*words)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_ids_and_targets_that_do_not_fit_are_refused():
    _, params, ids, targets, rng = prepared(TASKS["digits"], TINY, 1)
    with pytest.raises(ValueError, match="must have one shape"):
        next(training(params, ids, targets[:, 1:], TINY.H, 5, rng))


def test_a_run_that_leaves_the_numbers_says_so():
    _, params, ids, targets, rng = prepared(TASKS["digits"], TINY, 1)
    params["head.w"][0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        next(training(params, ids, targets, TINY.H, 5, rng))


def test_torch_is_not_needed_to_train():
    code = (
        "import sys; sys.modules['torch'] = None; import train_numpy as t; "
        "t.train(t.Settings(size='small', steps=2))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROGRAM.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
