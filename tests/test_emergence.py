"""The measures of emergence.py at their extremes, and what its record says, once there is one."""

import json
import math
from pathlib import Path

import pytest
import torch

import emergence
import recording
from emergence import (
    JUDGED,
    LONGEST,
    TRAINED,
    V,
    Watched,
    after_earlier,
    induction_score,
    look_up_loss,
    previous_score,
    probe,
    reached,
    repeated,
    snapshots,
    steepest,
)
from ladder import Heads

RECORD = Path(emergence.__file__).parent / "results" / "experiments.json"


def random_numbers(seed=0):
    return torch.Generator().manual_seed(seed)


def shared_out(allowed):
    """Weights (B, 1, T, T) that share out 1 among the keys that are allowed, or look at place 0."""
    allowed = allowed.double()
    allowed[..., 0] += allowed.sum(dim=-1) == 0
    return (allowed / allowed.sum(dim=-1, keepdim=True))[:, None]


def different(B, half):
    """Sequences in which no symbol occurs twice before it is repeated."""
    first = torch.rand(B, V, generator=random_numbers()).argsort(dim=-1)[:, :half]
    return torch.cat((first, first), dim=1)


# the sequences


def test_the_second_half_repeats_the_first_and_nothing_else_does():
    B, half = 4000, 6
    ids = repeated(B, half, random_numbers())
    assert ids.shape == (B, 2 * half)
    assert torch.equal(ids[:, :half], ids[:, half:])
    assert set(ids.flatten().tolist()) == set(range(V))
    alike = (ids[:, :half, None] == ids[:, None, :half]).double().mean(dim=0)
    chance = 5 * math.sqrt((1 - 1 / V) / V / B)  # five standard deviations
    assert (alike[~torch.eye(half, dtype=torch.bool)] - 1 / V).abs().max() < chance
    counts = ids[:, :half].flatten().bincount(minlength=V) / (B * half)
    assert (counts - 1 / V).abs().max() < chance


def test_no_training_batch_has_the_length_that_is_judged(monkeypatch):
    seen = []

    def watched(B, half, generator=None):
        seen.append(half)
        return repeated(B, half, generator)

    monkeypatch.setattr(emergence, "repeated", watched)
    list(snapshots(1, steps=5, every=10))
    assert seen[:2] == [JUDGED, JUDGED]  # for the probe, and to judge by
    assert set(seen[2:]) <= set(TRAINED)
    assert len(set(seen[2:])) > 1
    assert JUDGED not in TRAINED
    assert min(TRAINED) < JUDGED < max(TRAINED) == LONGEST


# the scores


def test_where_an_earlier_occurrence_was_followed():
    x = repeated(3, 5, random_numbers())[:, :-1]
    slow = torch.zeros(3, 9, 9, dtype=torch.bool)
    for b in range(3):
        for t in range(9):
            for s in range(1, t + 1):
                slow[b, t, s] = x[b, s - 1] == x[b, t]
    assert torch.equal(after_earlier(x), slow)


def test_a_head_that_looks_one_back_scores_1_and_others_0():
    T = 7
    one_back, itself = torch.eye(T).roll(-1, dims=1), torch.eye(T)
    one_back[0] = itself[0]
    before = torch.eye(T).roll(-2, dims=1)
    weights = torch.stack((itself, one_back, before))[None]  # (B, H, T, T)
    assert previous_score(weights) == 1
    assert previous_score(weights[:, [0, 2]]) == 0
    half = (itself + one_back) / 2
    assert previous_score(half[None, None]) == pytest.approx(0.5)


def test_a_head_that_looks_behind_the_earlier_occurrence_scores_1_and_others_0():
    for ids in (different(3, 8), repeated(3, 8, random_numbers())):
        x = ids[:, :-1]
        exact = shared_out(after_earlier(x))
        assert induction_score(exact, x) == pytest.approx(1)
    ids = different(3, 8)
    x = ids[:, :-1]
    exact, others = shared_out(after_earlier(x)), shared_out(~after_earlier(x).tril())
    assert induction_score(others, x) == 0
    assert induction_score(torch.cat((others, exact), dim=1), x) == 1  # the best head
    # the occurrence itself, one place too early
    assert induction_score(shared_out(after_earlier(x).roll(-1, dims=2)), x) == 0


def test_the_loss_of_a_look_up_by_hand():
    assert look_up_loss(different(3, 8)) == pytest.approx(0, abs=1e-12)
    # 0 was followed by 1 and 2, and 1 comes; 1 by 0, and 0 comes; 0 by 1, 2 and 1, and 2 comes
    ids = torch.tensor([[0, 1, 0, 2, 0, 1, 0, 2]])
    assert look_up_loss(ids) == pytest.approx((math.log(2) + 0 + math.log(3)) / 3)


def test_a_probe_finds_what_is_there_and_nothing_else():
    answers = torch.randint(V, (2, 3000), generator=random_numbers())
    codes = torch.randn(V, 64, generator=random_numbers(1))
    x = codes[answers] + 0.1 * torch.randn(2, 3000, 64, generator=random_numbers(2))
    assert probe(*x, *answers) > 0.99
    nothing = torch.randn(2, 3000, 64, generator=random_numbers(3))
    assert abs(probe(*nothing, *answers) - 1 / V) < 0.02
    # of two halves that look alike, half is right
    assert probe(*codes[answers // 2], *answers) == pytest.approx(0.5, abs=0.05)


def test_a_probe_takes_as_many_answers_as_a_text_has_symbols():
    answers = torch.randint(65, (2, 3000), generator=random_numbers())
    codes = torch.randn(65, 128, generator=random_numbers(1))
    assert probe(*codes[answers], *answers) > 0.99


def test_the_watched_heads_are_the_heads():
    torch.manual_seed(0)
    watched, heads = Watched(8, 2), Heads(8, 2)
    heads.load_state_dict(watched.state_dict())
    x = torch.randn(3, 5, 8, generator=random_numbers())
    assert torch.equal(watched(x), heads(x))
    assert watched.seen.shape == (3, 2, 5, 5)
    assert torch.allclose(watched.seen.sum(dim=-1), torch.ones(3, 2, 5))


def test_the_steepest_fall_and_a_share_of_the_way():
    steps = [0, 10, 20, 30, 40]
    assert steepest(steps, [3.0, 2.9, 2.0, 1.5, 1.4]) == [10, 20]
    rising, falling = [0.0, 0.1, 0.3, 0.9, 1.0], [1.0, 0.9, 0.7, 0.1, 0.0]
    for values in (rising, falling):
        assert reached(steps, values, 0.25) == 20
        assert reached(steps, values, 0.5) == 30
        assert reached(steps, values, 1) == 40


# training


@pytest.mark.parametrize("layers", [1, 2])
def test_a_few_steps_of_training(layers):
    run = list(snapshots(1, layers, steps=20, every=10))
    assert [step for step, _ in run] == [0, 10, 20]
    first, last = run[0][1], run[-1][1]
    for half in ("first half", "second half"):
        assert first[half] == pytest.approx(math.log(V), abs=1e-5)
    assert last["first half"] > math.log(V) - 0.01
    assert last["second half"] != first["second half"]
    # attention that is spread out evenly: 1 / (t + 1) for the place before t
    even = sum(1 / (t + 1) for t in range(1, 2 * JUDGED - 1)) / (2 * JUDGED - 2)
    assert first["previous symbol"] == pytest.approx(even, abs=0.02)
    assert first["probe"] < 2 / V
    assert run == list(snapshots(1, layers, steps=20, every=10))


@pytest.mark.slow
def test_two_layers_learn_to_repeat():
    *_, (_, end) = snapshots(2, steps=450, every=450)
    assert end["second half"] < 0.5 * math.log(V) < math.log(V) < end["first half"]
    assert end["induction"] > 0.7


def pretended(seed, layers=2):
    """A run that was never trained: everything rises or falls in the tenth snapshot."""
    for n in range(20):
        low, high = (0.1, 0.9) if n < 9 + seed else (0.9, 0.1)
        yield (
            15 * n,
            {
                "first half": 3.5,
                "second half": high * 3 if layers == 2 else 3.3,
                "previous symbol": low,
                "induction": low,
                "probe": low,
                "probe, two back": 0.05,
            },
        )


def test_a_record_finds_the_transition_and_can_be_drawn(monkeypatch, tmp_path):
    monkeypatch.setattr(emergence, "snapshots", pretended)
    monkeypatch.setattr(emergence, "FIGURES", tmp_path)
    row = json.loads(json.dumps(emergence.record((1, 2, 3))))
    assert row["steepest"] == [[135, 150], [150, 165], [165, 180]]
    assert row["half of the way"]["induction"] == [150, 165, 180]
    assert row["measures"]["second half"]["median"][-1] == pytest.approx(0.3)
    assert set(row["one layer"]["median"]) == {3.3}
    assert 30 < len(emergence.line(row)) < 400
    emergence.draw(row)
    assert [path.name for path in tmp_path.iterdir()] == ["emergence.png"]


# the record


@pytest.fixture(scope="module")
def row():
    if not RECORD.exists() or "emergence" not in recording.read(RECORD):
        pytest.skip("not recorded yet: run python day2/experiments.py")
    return recording.read(RECORD)["emergence"]


def test_two_layers_learn_to_repeat_and_one_does_not(row):
    losses = row["measures"]["second half"]
    assert losses["median"][0] == pytest.approx(math.log(V), abs=1e-3)
    assert losses["high"][-1] < 0.3 * math.log(V)
    assert row["one layer"]["low"][-1] > 0.85 * math.log(V)
    assert min(row["measures"]["first half"]["low"]) > math.log(V) - 0.01
    assert row["look-up"] == pytest.approx(look_up_loss(emergence.judged()[1]), rel=1e-3)


def test_the_probe_reads_the_symbol_before_only_after_training(row):
    probe, control = row["measures"]["probe"], row["measures"]["probe, two back"]
    assert probe["high"][0] < 2 / V
    assert probe["low"][-1] > 10 / V
    # on the way layer 1 passes on a mean of the past, and in the end one neighbour
    assert max(control["median"]) > 2 / V > 1.5 / V > control["high"][-1]


def test_the_scores_rise_together_where_the_loss_falls(row):
    tenth, half = row["a tenth of the way"], row["half of the way"]
    for seed, (first, last) in enumerate(row["steepest"]):
        assert last - first == emergence.EVERY
        early = [tenth[name][seed] for name in ("probe", "previous symbol", "induction")]
        assert early == sorted(early)
        assert early[-1] < last
        assert all(abs(half[name][seed] - first) <= 4 * emergence.EVERY for name in half)
    assert row["measures"]["induction"]["low"][-1] > 0.8
    assert row["measures"]["previous symbol"]["low"][-1] > 0.35
