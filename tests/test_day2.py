"""Day 2's rungs against slow loops, day3/ngram.py and PyTorch, in float64, all sizes different."""

import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import averaging
import bigram
import counting
import evaluate
import grammar
import ngram
from averaging import average_by_head, average_by_loop, average_by_matrix, average_by_softmax, head
from bigram import Bigram, batch, cross_entropy, draw, generate, train
from counting import bigram_probabilities, kneser_ney, table_loss
from ngram import KneserNey, baselines, loss
from text import Alphabet, split

B, T, C, D, E, V = 2, 5, 6, 4, 3, 7
ROOT = Path(__file__).parent.parent
EXACT = {"atol": 1e-12, "rtol": 0}
TEXT = os.environ.get("TINY_SHAKESPEARE")
IDS = st.lists(st.integers(0, V - 1), min_size=2, max_size=40)


def random_numbers(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*size, seed=0):
    return torch.randn(*size, dtype=torch.float64, generator=random_numbers(seed))


# ---- counting.py


@given(IDS, st.sampled_from([1, 0.5, 3]))
def test_a_counted_table_is_that_of_a_slow_loop(ids, smoothing):
    counts = [[smoothing] * V for _ in range(V)]
    for first, second in pairwise(ids):
        counts[first][second] += 1
    slow = [[count / sum(row) for count in row] for row in counts]
    table = bigram_probabilities(np.array(ids), V, smoothing)
    np.testing.assert_allclose(table, slow, **EXACT)
    np.testing.assert_allclose(table.sum(axis=1), 1, **EXACT)
    assert table.min() > 0


@given(IDS, st.integers(0, 100))
def test_the_loss_of_a_table_is_that_of_a_slow_loop(ids, seed):
    table = np.random.default_rng(seed).dirichlet(np.ones(V), size=V)
    slow = [-math.log(table[a][b]) for a, b in pairwise(ids)]
    assert table_loss(table, np.array(ids)) == pytest.approx(sum(slow) / len(slow), abs=1e-9)


@pytest.mark.parametrize("V", [2, 7, 65])
def test_a_uniform_table_loses_ln_v(V):
    ids = np.arange(1000) * 7 % V
    nats = table_loss(np.full((V, V), 1 / V), ids)
    assert nats == pytest.approx(baselines(ids, ids, V, orders=(1,))["uniform guess"], abs=1e-12)
    assert nats == pytest.approx(math.log(V), abs=1e-12)


def test_what_the_table_rules_out_is_an_infinite_surprise():
    assert table_loss(np.eye(2), [0, 1]) == math.inf
    assert table_loss(np.eye(2), [1, 1]) == 0


def test_where_every_pair_is_common_kneser_ney_is_plain_counting():
    """One discount for all, taken and given back in equal shares: nothing is left of it."""
    ids = np.random.default_rng(0).choice(V, p=np.arange(1, V + 1) / 28, size=20_000)
    assert np.bincount(ids[:-1] * V + ids[1:], minlength=V * V).min() >= 3
    table, model = bigram_probabilities(ids, V, smoothing=1e-12), KneserNey(ids, V, order=2)
    theirs = [model.distribution([i]) for i in range(V)]
    np.testing.assert_allclose(table, theirs, **EXACT)
    assert table_loss(table, ids[:500]) == pytest.approx(loss(model, ids[:500]), abs=1e-12)


@pytest.mark.skipif(not TEXT, reason="TINY_SHAKESPEARE does not name the file")
def test_on_tiny_shakespeare_one_added_is_as_good_as_kneser_neys_bigram():
    _, ids = counting.numbered(Path(TEXT).read_bytes().decode())
    learn, judge = ids[: len(ids) * 9 // 10], ids[len(ids) * 9 // 10 :]
    theirs = baselines(learn, judge, 65, orders=(2,))["bigram"]
    assert abs(table_loss(bigram_probabilities(learn, 65), judge) - theirs) < 0.005


@given(IDS, st.sampled_from([Fraction(3, 4), Fraction(1, 8), Fraction(1)]))
def test_a_kneser_ney_table_is_that_of_a_slow_loop(ids, discount):
    """Symbols, dictionaries and fractions: the shares of a row add up to 1 without a rounding."""
    pairs, followers, before = Counter(pairwise(ids)), {}, {}
    for first, second in pairs:
        followers.setdefault(first, []).append(second)
        before.setdefault(second, []).append(first)
    shorter, table = {}, kneser_ney(np.array(ids), V, float(discount))
    for j in range(V):
        own = len(before.get(j, ())) - discount if j in before else 0
        shorter[j] = (own + len(before) * discount * Fraction(1, V)) / len(pairs)
    for i in range(V):
        row = shorter
        if i in followers:
            seen = sum(pairs[i, j] for j in followers[i])
            left = sum((pairs[i, j] - discount) / seen for j in followers[i])
            own = {j: (pairs[i, j] - discount) / seen for j in followers[i]}
            row = {j: own.get(j, 0) + (1 - left) * shorter[j] for j in range(V)}
        assert sum(row.values()) == 1
        np.testing.assert_allclose(table[i], [float(row[j]) for j in range(V)], **EXACT)
    np.testing.assert_allclose(table.sum(axis=1), 1, **EXACT)
    assert table.min() > 0


@given(IDS, st.sampled_from([0.75, 0.1, 1]))
def test_with_one_discount_for_all_counts_kneser_ney_is_that_of_day_3(ids, discount):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram, "discounts", lambda counts: np.array([0, *[discount] * 3]))
        model = KneserNey(ids, V, order=2)
    theirs = [model.distribution([i]) for i in range(V)]
    np.testing.assert_allclose(kneser_ney(ids, V, discount), theirs, **EXACT)


def test_kneser_ney_trusts_a_symbol_that_comes_after_many():
    """Francisco is frequent and comes only after San: elsewhere it is a poor guess."""
    san, francisco, the, of, bay = range(5)
    ids = [san, francisco] * 9 + [the, san, of, the, bay, of, san, bay, the, of, bay]
    counts = np.bincount(ids[1:])
    assert counts[francisco] > 2 * counts[the]
    table = kneser_ney(np.array(ids), 6)
    assert (table[5, [the, of]] > 2 * table[5, francisco]).all()
    assert table[5, 5] > 0


@pytest.mark.skipif(not TEXT, reason="TINY_SHAKESPEARE does not name the file")
def test_on_tiny_shakespeare_one_discount_is_as_good_as_three():
    _, ids = counting.numbered(Path(TEXT).read_bytes().decode())
    learn, judge = ids[: len(ids) * 9 // 10], ids[len(ids) * 9 // 10 :]
    theirs = baselines(learn, judge, 65, orders=(2,))["bigram"]
    assert abs(table_loss(kneser_ney(learn, 65), judge) - theirs) < 0.001


# ---- bigram.py


@pytest.mark.parametrize(("text", "size"), [(random(20), 3), (torch.arange(20), T)])
def test_a_batch_cuts_windows_whose_targets_stand_one_later(text, size):
    x, y = batch(text, 500, size, random_numbers())
    windows = text.unfold(0, size + 1, 1)
    assert x.shape == y.shape == (500, size)
    cut = {tuple(row) for row in torch.cat((x, y[:, -1:]), dim=1).tolist()}
    assert cut == {tuple(row) for row in windows.tolist()}  # every start, the first and the last
    assert (x[:, 1:] == y[:, :-1]).all()
    again, _ = batch(text, 500, size, random_numbers())
    assert (again == x).all()


def test_a_batch_of_the_shortest_text_is_the_text():
    x, y = batch(torch.arange(T + 1), 3, T)
    assert x.tolist() == [list(range(T))] * 3
    assert y.tolist() == [list(range(1, T + 1))] * 3


@pytest.mark.parametrize("lead", [(), (T,), (B, T)])
@pytest.mark.parametrize("scale", [1, 1e4])
def test_cross_entropy_is_torchs_and_so_is_its_gradient(lead, scale):
    ours, targets = random(*lead, V) * scale, torch.arange(math.prod(lead)).reshape(lead) % V
    theirs = ours.clone().requires_grad_()
    value = cross_entropy(ours.requires_grad_(), targets)
    wanted = F.cross_entropy(theirs.view(-1, V), targets.flatten())
    value.backward()
    wanted.backward()
    torch.testing.assert_close(value, wanted, atol=1e-12, rtol=1e-14)
    torch.testing.assert_close(ours.grad, theirs.grad, **EXACT)


@pytest.mark.parametrize("ignored", [-100, -1, 3])
def test_cross_entropy_leaves_out_what_is_to_be_ignored(ignored):
    ours, theirs = (random(B, T, V).requires_grad_() for _ in range(2))
    targets = torch.arange(B * T).view(B, T) % V
    targets[0, 1:3] = ignored
    value = cross_entropy(ours, targets, ignore_index=ignored)
    wanted = F.cross_entropy(theirs.view(-1, V), targets.flatten(), ignore_index=ignored)
    value.backward()
    wanted.backward()
    assert torch.allclose(value, wanted, **EXACT)
    assert torch.allclose(ours.grad, theirs.grad, **EXACT)
    assert not ours.grad[0, 1:3].any()


def test_cross_entropy_of_huge_logits_is_finite_and_right():
    logits = torch.tensor([[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]])  # float32
    assert cross_entropy(logits[:1], torch.tensor([0])).item() == pytest.approx(math.log(2))
    assert cross_entropy(logits[:1], torch.tensor([1])).item() == pytest.approx(2e4 + math.log(2))
    assert cross_entropy(logits[1:], torch.tensor([2])).item() == pytest.approx(math.log(3))


def counted_and_pairs(text):
    """The table with one added, and the pairs of the text and one more of every pair there is."""
    alphabet = Alphabet(text)
    ids, V = alphabet.encode(text), len(alphabet)
    every = torch.cartesian_prod(torch.arange(V), torch.arange(V))
    x, y = torch.cat((torch.stack((ids[:-1], ids[1:]), dim=1), every)).T
    return torch.from_numpy(bigram_probabilities(ids, V)), x, y


def test_descent_has_nothing_left_to_do_at_the_counted_table():
    table, x, y = counted_and_pairs("what is counted is learned, and what is learned is counted")
    model = Bigram(len(table)).double()
    model.table.weight.data = table.log()
    model(x, y)[1].backward()
    torch.testing.assert_close(model.table.weight.grad, torch.zeros_like(table), **EXACT)


def test_descent_on_all_pairs_at_once_ends_at_the_counted_table():
    table, x, y = counted_and_pairs("what is counted is learned, and what is learned is counted")
    model = Bigram(len(table)).double()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=200, tolerance_grad=1e-10)

    def closure():
        optimizer.zero_grad()
        value = model(x, y)[1]
        value.backward()
        return value

    optimizer.step(closure)
    torch.testing.assert_close(
        model.table.weight.detach().softmax(dim=-1), table, atol=1e-5, rtol=0
    )
    least = -table[x, y].log().mean()
    torch.testing.assert_close(model(x, y)[1].detach(), least, atol=1e-9, rtol=0)


def test_descent_on_batches_ends_near_the_counted_loss():
    text = grammar.plays(100_000, seed=5)
    alphabet = Alphabet(text)
    (learn, judge), V = split(alphabet.encode(text)), len(alphabet)
    model, counted = Bigram(V), bigram_probabilities(learn, V, smoothing=0.1)
    assert evaluate.loss(model, judge, T) == pytest.approx(math.log(V), abs=1e-5)
    losses = [nats for _, nats in train(model, learn, 500, 32, 32, 0.1, random_numbers())]
    assert losses[0] == pytest.approx(math.log(V), abs=1e-5)
    least = table_loss(bigram_probabilities(learn, V, smoothing=1e-9), learn)
    # on its own text no table beats the bare counts
    assert least < evaluate.loss(model, learn, T) < least + 0.01
    assert abs(evaluate.loss(model, judge, T) - table_loss(counted, judge)) < 0.01


@pytest.mark.parametrize("temperature", [0.5, 1, 3])
def test_draws_come_as_often_as_the_softmax_says(temperature):
    logits, N = random(1, V), 40_000
    ids = draw(logits.expand(N, V), temperature, random_numbers())
    assert ids.shape == (N,)
    shares, p = ids.bincount(minlength=V) / N, (logits[0] / temperature).softmax(dim=-1)
    assert ((shares - p).abs() < 5 * (p * (1 - p) / N).sqrt()).all()


def test_each_row_draws_from_its_own_logits_and_huge_ones_are_no_harm():
    logits = torch.eye(V)[[3, 0, 6]] * 1e4
    for temperature in (1e-3, 1, 1e-36):
        assert draw(logits, temperature).tolist() == [3, 0, 6]


def test_generate_goes_on_from_the_last_symbol():
    model = Bigram(V)
    model.table.weight.data = torch.eye(V).roll(1, dims=1) * 1e4  # i is followed by i + 1
    out = generate(model, torch.tensor([[0, 5], [6, 2]]), 3)
    assert out.tolist() == [[0, 5, 6, 0, 1], [6, 2, 3, 4, 5]]


# ---- averaging.py


@pytest.mark.parametrize(
    "way", [average_by_loop, average_by_matrix, average_by_softmax, average_by_head]
)
def test_every_way_averages_the_past(way):
    x = random(B, T, C)
    wanted = x.cumsum(dim=1) / torch.arange(1, T + 1, dtype=x.dtype)[:, None]
    torch.testing.assert_close(way(x), wanted, **EXACT)
    torch.testing.assert_close(way(x[:, :1]), x[:, :1], **EXACT)


@pytest.mark.parametrize("T", [1, 5, 9])
def test_a_head_is_torchs(T):
    x, w_q, w_k, w_v = random(B, T, C), random(C, D, seed=1), random(C, D, seed=2), random(C, E)
    out, weights = head(x, w_q, w_k, w_v)
    theirs = F.scaled_dot_product_attention(x @ w_q, x @ w_k, x @ w_v, is_causal=True)
    torch.testing.assert_close(out, theirs, **EXACT)
    torch.testing.assert_close(weights @ (x @ w_v), theirs, **EXACT)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(B, T, dtype=x.dtype), **EXACT)
    assert (weights.triu(1) == 0).all() and (weights.tril() >= 0).all()


@pytest.mark.parametrize("t", range(T))
def test_the_past_of_a_head_is_blind_to_the_future(t):
    x, matrices = random(B, T, C), [random(C, D, seed=seed) for seed in (1, 2, 3)]
    before, _ = head(x, *matrices)
    x[:, t] += 1
    after, _ = head(x, *matrices)
    assert (before[:, :t] == after[:, :t]).all()
    assert (before[:, t:] != after[:, t:]).all()


# ---- what they refuse, and the programs


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bigram_probabilities([0, 7], V), "0 to 6"),
        (lambda: bigram_probabilities([0], V), "too short"),
        (lambda: bigram_probabilities([0.5, 1], V), "whole numbers"),
        (lambda: bigram_probabilities([0, 1], V, smoothing=0), "above 0"),
        (lambda: bigram_probabilities([0, 1], V, smoothing=math.nan), "above 0"),
        (lambda: table_loss(np.ones((2, 2)), [0, 1]), "add up to 1"),
        (lambda: table_loss(np.ones((2, 1)), [0, 1]), "row and a column"),
        (lambda: table_loss(np.eye(2), [0, 2]), "0 to 1"),
        (lambda: table_loss(np.eye(2), [0]), "too short"),
        (lambda: kneser_ney([0, -1], V), "0 to 6"),
        (lambda: kneser_ney([0], V), "too short"),
        (lambda: kneser_ney([0, 1], V, discount=0), "at most 1"),
        (lambda: kneser_ney([0, 1], V, discount=1.5), "at most 1"),
        (lambda: kneser_ney([0, 1], V, discount=math.nan), "at most 1"),
        (lambda: batch(torch.arange(T), 2, T), "6 symbols"),
        (lambda: batch(torch.arange(9).view(3, 3), 2, 1), "(3, 3)"),
        (lambda: batch(torch.arange(9), 0, 1), "at least 1"),
        (lambda: batch(torch.arange(9), 1, 0), "at least 1"),
        (lambda: cross_entropy(random(B, V), torch.zeros(T).long()), "do not fit"),
        (lambda: cross_entropy(random(B, V), torch.zeros(B)), "whole numbers"),
        (lambda: cross_entropy(random(0, V), torch.zeros(0).long()), "no target"),
        (lambda: cross_entropy(random(B, V), torch.full((B,), -100)), "all are -100"),
        (lambda: cross_entropy(random(B, V), torch.tensor([0, V])), "0..6"),
        (lambda: cross_entropy(random(B, V), torch.tensor([0, -1])), "0..6"),
        (lambda: draw(random(B, V), temperature=0), "temperature > 0"),
        (lambda: draw(random(B, V) * math.nan), "finite largest logit"),
        (lambda: draw(torch.full((B, V), -math.inf)), "finite largest logit"),
        (lambda: average_by_loop(random(T, C)), "(B, T, C)"),
        (lambda: average_by_matrix(random(B, 0, C)), "at least one position"),
        (lambda: average_by_softmax(torch.ones(B, T, C).long()), "floats"),
        (lambda: average_by_head(random(T, C)), "(B, T, C)"),
        (lambda: head(random(B, T, C), *[random(D, C)] * 3), "6 rows"),
        (lambda: head(random(B, T, C), random(C, D), random(C, E), random(C, D)), "columns"),
    ],
)
def test_bad_input_gets_one_sentence(call, says):
    with pytest.raises(ValueError) as error:
        call()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def run(module, *arguments, folder):
    return subprocess.run(
        [sys.executable, module.__file__, *map(str, arguments)],
        cwd=folder, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (counting, "mean over all 10 pairs: 1.079 nats per symbol"),
        (averaging, "average_by_head"),
        pytest.param(bigram, "The table writes:", marks=pytest.mark.slow),
    ],
    ids=lambda p: getattr(p, "__name__", None),
)
def test_the_programs_run_from_any_folder(module, says, small_text, tmp_path):
    done = run(module, small_text, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
    assert "nan" not in done.stdout.split("writes")[0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", [counting, averaging, bigram], ids=lambda m: m.__name__)
def test_the_programs_refuse_with_one_sentence(module, tmp_path):
    done = run(module, "nowhere.txt", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{module.__name__}.py: there is no file")
    assert done.stderr.count("\n") == 1


def test_the_numbers_in_the_text_are_those_of_the_record():
    row = json.loads((ROOT / "day2" / "results" / "experiments.json").read_text("utf-8"))["pairs"]
    bench = json.loads((ROOT / "day3" / "results" / "bench.json").read_text("utf-8"))
    counted, losses = row["counted"][1], bench["baselines"]["losses"]
    told = f"{losses['unigram']:.4f} and {counted:.4f} ({losses['bigram']:.4f} with Kneser"
    page = " ".join((ROOT / "day2" / "README.md").read_text("utf-8").split())
    assert f"After q comes u with {row['u after q']:.3f}." in page
    assert told in page
    assert f"exp({counted}) = {math.exp(counted):.1f}." in page
    assert f"every count it is {counted})." in (ROOT / "day2" / "notes.md").read_text("utf-8")
    own, other = row["learned"]
    assert own["high"] < row["counted"][0]  # prediction c
    assert other["low"] > counted


def seconds(time):
    hours, minutes, rest = map(int, time.split(":"))
    return 3600 * hours + 60 * minutes + rest


def test_every_chapter_of_the_notes_opens_the_video_at_its_time():
    """The times rise to the end of the video, and each is the one that its link opens."""
    notes = (ROOT / "day2" / "notes.md").read_text("utf-8")
    link = r"\[(\d:\d\d:\d\d)\]\(https://youtu\.be/kCc8FmEb1nY\?t=(\d+)\)"
    assert all(seconds(time) == int(at) for time, at in re.findall(link, notes))
    head = r"^(?:## (\d+)\. .+\n\n|\*\*Note (\d), .+\*\* )Video: "
    found = re.findall(head + link, notes, re.MULTILINE)
    assert [int(n) if n else 14 + int(note) for n, note, *_ in found] == [*range(1, 31)]
    begins = [seconds(time) for *_, time, _ in found]
    assert begins[0] == 0 and begins[-1] < seconds("1:56:20")
    assert all(early < late for early, late in pairwise(begins))
    for at, chapter in (("0:57:00", 11), ("1:20:05", 21)):  # where the corrections stand
        assert begins[chapter - 1] < seconds(at) < begins[chapter]
        own = notes.split(f"\n## {chapter}. ")[1].split("\n## ")[0]
        assert f"- **Correction.** At {at} he" in own
        assert f"[{at}](" in notes.split("\n## 1. ")[0]
