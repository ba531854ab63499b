"""Day 2's small GPT, what is taken out of it, the faults that a curve hides, and their records."""

import json
import math
import statistics
from itertools import pairwise

import pytest
import torch
import torch.nn as nn

import classic
import evaluate
import grids
import loss_blind
import runs
from averaging import head
from classic import Attention, Design, Recipe, built
from day2_tables import record
from ladder import Heads, Positions, Residual, blocks, rungs
from loss_blind import FAULTS, QUESTIONS, answers_by_fault, sound
from model import GPT, Config

V, T = 11, 8


def ids(*shape, seed=0):
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(seed))


def drawn(module, seed=0):
    """Every parameter of a module drawn anew, so that none is 0 and hides what stands behind."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return module.eval()


def test_heads_side_by_side_are_heads():
    B, C, H = 2, 12, 3
    heads, D = drawn(Heads(C, H)), 4
    x = torch.randn(B, T, C, generator=torch.Generator().manual_seed(1))
    q, k, v = heads.query_key_value.weight.chunk(3)
    each = [head(x, *(part[h * D : (h + 1) * D].T for part in (q, k, v)))[0] for h in range(H)]
    torch.testing.assert_close(heads(x), heads.project(torch.cat(each, dim=-1)))


def test_the_last_rung_of_parts_is_day_3s_model():
    """With its weights, learned positions, biases of 0 and the exact GELU, our GPT gives its logits."""
    from ladder import C, H, Language

    L = 2
    ours = drawn(Language(V, C, Positions(T, C), *blocks(L)))
    theirs = GPT(Config(V, T, L, H, C, positions="learned", gelu="none")).eval()
    theirs.head.weight = nn.Parameter(torch.empty(V, C))  # not tied here
    weights = iter(ours.state_dict().values())
    names = [n for n, _ in theirs.named_parameters()]
    order = ["embedding.weight", "position.weight"]
    for b in range(L):
        order += [f"blocks.{b}.attention.query_key_value.weight"]
        order += [f"blocks.{b}.attention.project.{n}" for n in ("weight", "bias")]
        order += [f"blocks.{b}.norm_1.{n}" for n in ("gain", "bias")]
        order += [f"blocks.{b}.feed_forward.widen.{n}" for n in ("weight", "bias")]
        order += [f"blocks.{b}.feed_forward.project.{n}" for n in ("weight", "bias")]
        order += [f"blocks.{b}.norm_2.{n}" for n in ("gain", "bias")]
    order += ["norm.gain", "norm.bias", "head.weight"]
    assert set(names) - set(order) == {f"blocks.{b}.attention.query_key_value.bias" for b in (0, 1)}
    state = theirs.state_dict()
    state |= {name: torch.zeros_like(state[name]) for name in set(names) - set(order)}
    state |= {name: next(weights) for name in order}
    theirs.load_state_dict(state)
    x = ids(3, T)
    torch.testing.assert_close(ours(x)[0] - ours.parts[-1].bias, theirs(x)[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", [name for name in rungs(V) if name != "Day 3's model"])
def test_a_rung_knows_nothing_at_birth_and_never_sees_the_future(name):
    torch.manual_seed(0)
    model = rungs(V)[name]()
    x = ids(2, T)
    assert model(x, x)[1].item() == pytest.approx(math.log(V), abs=1e-5)
    drawn(model)
    other = x.clone()
    other[:, -1] = (other[:, -1] + 1) % V
    torch.testing.assert_close(model(other)[0][:, :-1], model(x)[0][:, :-1])


def test_every_part_can_be_left_out():
    x = torch.randn(1, T, 16, generator=torch.Generator().manual_seed(0))
    small = {"C": 16, "H": 2, "L": 1}

    def middle(**changed):
        torch.manual_seed(3)
        model = built(V, T, Design(**small, **changed))
        return nn.Sequential(*list(model.parts)[1:-1])

    whole = middle()(x)
    for change in ("residual", "norm", "mask", "scale", "positions"):
        assert not torch.allclose(middle(**{change: False})(x), whole), change
    assert not torch.allclose(middle(order="post")(x), whole)
    assert len(middle(order="post")) == len(middle()) - 1  # no norm after the last one
    attention = drawn(Attention(Design(**small)))
    q, k = torch.randn(2, 1, 2, T, 8, generator=torch.Generator().manual_seed(1))
    twice = drawn(Attention(Design(**small, scale=False))).weights(q / math.sqrt(8), k)
    torch.testing.assert_close(attention.weights(q, k), twice)
    seen = Attention(Design(**small, mask=False)).weights(q, k)
    assert (seen > 0).all() and torch.allclose(seen.sum(dim=-1), torch.ones(1, 2, T))


def test_the_rate_rises_and_falls_in_straight_lines():
    recipe = Recipe(rate=0.5, warm_up=5, steps=25)
    rates = [classic.rate(recipe, step) for step in range(25)]
    assert rates[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert rates[5:] == pytest.approx([0.5 * (25 - step) / 20 for step in range(5, 25)])


def test_the_last_place_is_the_last_loss_of_a_window():
    model, text = drawn(built(V, T, Design(C=16, L=1))), ids(60)
    total = 0.0
    for start in torch.linspace(0, 60 - T - 1, 20).long().tolist():
        window = text[start : start + T + 1]
        total += evaluate.F.cross_entropy(model(window[None, :-1])[0][0, -1], window[-1]).item()
    assert classic.last_place(model, text, T, windows=20) == pytest.approx(total / 20, abs=1e-5)


def test_a_run_repeats_itself_and_a_broken_one_ends():
    text = "to be or not to be, that is the question. " * 60
    design, recipe = Design(C=16, L=1, H=2), Recipe(steps=12, warm_up=2, B=4, T=16)
    first, again = (classic.run(design, recipe, 1, text)[1] for _ in range(2))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert first["curve"][0][1] == pytest.approx(math.log(len(set(text))), abs=1e-3)
    assert first["curve"][-1][1] < first["curve"][0][1] - 0.3
    broken = classic.run(design, Recipe(rate=1e30, warm_up=0, steps=12, B=4, T=16), 1, text)[1]
    assert broken["validation"] is None
    json.dumps(broken, allow_nan=False)


def test_the_sound_model_answers_every_question_and_each_fault_fails_one():
    found = answers_by_fault()
    for fault, given in found.items():
        wrong = {q for q, answer in given.items() if not sound(q, answer)}
        assert given.keys() == QUESTIONS.keys()
        assert bool(wrong) == (fault != "healthy"), (fault, given)
    caught = {q for given in found.values() for q, a in given.items() if not sound(q, a)}
    assert caught == set(QUESTIONS), "a question that finds nothing"


def test_the_scaled_scores_are_those_of_the_size_of_c():
    q, k = torch.randn(2, 1, 4, T, 16, generator=torch.Generator().manual_seed(1))
    weights = loss_blind.ScaledByC(Design()).weights(q, k)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    wanted = (q @ k.mT / math.sqrt(64)).masked_fill(future, -torch.inf).softmax(dim=-1)
    torch.testing.assert_close(weights, wanted)


def test_a_residual_thins_its_branch_in_training_alone():
    torch.manual_seed(0)
    part = Residual(nn.Identity(), p=0.5)
    x = torch.ones(1000)
    assert set(part(x).tolist()) == {1.0, 3.0}
    assert set(part.eval()(x).tolist()) == {2.0}


# what the records say


def test_every_run_of_the_grids_is_recorded_and_no_other():
    rows = grids.recorded()
    assert rows.keys() == set(grids.jobs())
    assert len(grids.RUNS.read_text("utf-8").splitlines()) == len(rows)
    for row in rows.values():
        assert {"machine", "versions", "seconds"} <= row.keys()
        fault = row["run"][2]
        design = Design(**row["run"][0])
        torch.manual_seed(0)
        model = built(65, row["run"][1]["T"], design, FAULTS[fault])
        assert row["parameters"] == sum(p.numel() for p in model.parameters())


@pytest.fixture(scope="module")
def mean():
    """(experiment, variant) -> mean loss of its seeds."""

    def of(experiment, variant, what="validation"):
        return statistics.mean(runs.losses(runs.variants(experiment)[variant], what))

    return of


def test_what_the_pages_say_of_the_parts_is_what_the_records_say(mean):
    whole = mean("remove one", "nothing")
    assert mean("remove one", "the residuals") > 3.3
    assert mean("remove one", "the positions") - whole == pytest.approx(0.2, abs=0.05)
    assert mean("remove one", "the scale") - whole == pytest.approx(0.1, abs=0.03)
    assert mean("remove one", "the mask", "last place") > mean("remove one", "the mask") + 0.5
    assert mean("remove one", "the layer norm") < whole - 0.1
    for little in ("the warm-up", "three of four heads", "the widening, 4 to 1"):
        assert whole - 0.05 < mean("remove one", little) < whole + 0.02, little
    for rate in ("0.003", "0.01"):
        pre, post = (mean("norm order", f"{o}-norm, warm-up, {rate}") for o in ("pre", "post"))
        assert post < pre - 0.05
    assert mean("norm order", "post-norm, warm-up, 0.03") > 2.3
    assert mean("norm order", "post-norm, no warm-up, 0.03") > 3.3
    rates = {rate: mean("rate", rate) for rate in grids.GRIDS["rate"]}
    assert min(rates, key=rates.get) == "0.03"
    assert rates["0.3"] > 3
    for experiment in ("widening", "depth", "heads"):
        ordered = [mean(experiment, variant) for variant in grids.GRIDS[experiment]]
        assert ordered == sorted(ordered), experiment
    ordered = [mean("batch", f"{B}, root") for B in (8, 16, 32, 64, 128)]
    assert ordered == sorted(ordered)


def test_the_ladder_is_climbed_as_the_lesson_says():
    rungs = {row["name"]: row for row in record("ladder")["rungs"]}
    loss = {name: row["loss"]["median"] for name, row in rungs.items()}
    names = list(loss)
    falls = {b: loss[a] - loss[b] for a, b in pairwise(names[5:])}
    assert max(falls, key=falls.get) == "positions"
    assert falls["positions"] == pytest.approx(0.4, abs=0.01)
    for name in names[5:]:
        assert loss[name] > loss["4-gram, counted"]
    for later in ("3 blocks", "dropout", "Day 3's model"):
        assert abs(falls[later]) < 0.05
    assert sum(row["seconds"]["median"] for row in rungs.values()) < 240


def test_the_gallery_shows_what_its_titles_say():
    found = runs.variants("gallery")
    for name, rows in found.items():
        for row in rows:
            _, training, validation = row["curve"][-1]
            lowest = min(point[2] for point in row["curve"])
            assert (validation - training > 1) == (name == "overfitting")
            assert (validation > lowest + 0.5) == (name == "overfitting")
            assert (validation > 3.2) == (name in ("diverging", "overfitting"))
            if name == "underfitting":
                assert 2.45 < validation < 2.6
