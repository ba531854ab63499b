"""What Day 1's record says holds, and what is cheap is computed again; the measures are right."""

import json
import math
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import embedding_space
import experiments
import look_up
import pictures
import recall
import recording
import rnn_or_attention
import similarities
import sinusoids
import what_masks_do
import why_heads
import why_layer_norm
import why_positions
import why_residuals
import why_scale
from ascii_map import ascii_map
from attention_numpy import attention, causal_mask, multi_head, softmax
from block_numpy import block, layer_norm
from learning import evaluate
from positions_numpy import sinusoidal
from toy_tasks import sample

DAY1 = Path(experiments.__file__).parent
SEEDS = list(experiments.SEEDS)
FIGURES = {
    "lookup", "scale", "scale_trained", "similarity", "recall", "recall_learning", "order",
    "equal_words", "heads", "heads_weights", "residuals", "norms", "masks", "positions",
    "positions_alike", "rnn", "length", "embedding",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    return recording.read()


def rng(seed=0):
    return np.random.default_rng(seed)


def tensor(x):
    return torch.tensor(np.asarray(x))


def assert_close(recorded, again, tolerance=2e-3):
    """The same numbers, to the four digits that a record keeps."""
    assert recorded.keys() == again.keys()
    for name, value in again.items():
        if isinstance(value, dict):
            assert_close(recorded[name], value, tolerance)
        else:
            np.testing.assert_allclose(recorded[name], value, rtol=tolerance, atol=1e-12)


def test_every_row_says_what_made_it(rows):
    assert rows.keys() == experiments.EXPERIMENTS.keys()
    for name, row in rows.items():
        assert {"command", "date", "machine", "threads", "versions", "seconds"} <= row.keys(), name
        assert row["command"] == "python day1/experiments.py"
        assert row["seeds"] == ([] if name == "positions" else SEEDS)
    assert sum(row["seconds"] for row in rows.values()) < 600


# lookup


def test_sharp_keys_look_up_and_flat_ones_average(rows):
    row = rows["lookup"]
    assert row["betas"][0] == 0
    assert row["distance from the mean"]["high"][0] < 1e-12
    assert row["distance from the value"]["high"][-1] < 1e-3
    assert row["distance from the value"]["low"][0] > 0.1
    assert (np.diff(row["distance from the value"]["median"]) < 0).all()
    assert_close({k: row[k] for k in look_up.record(SEEDS)}, look_up.record(SEEDS))


# scale


def test_the_scale_keeps_softmax_soft_whatever_the_width(rows):
    measures = rows["scale"]["measures"]
    assert rows["scale"]["sizes"] == [16, 32, 64, 128, 256, 512, 1024]
    assert 0.95 <= min(measures["variance"]["low"]) <= max(measures["variance"]["high"]) <= 1.05
    for name in ("entropy", "gradient"):
        scaled = measures[f"{name} with the scale"]["median"]
        unscaled = measures[f"{name} without"]["median"]
        assert max(scaled) / min(scaled) < 1.05
        assert (np.diff(unscaled) < 0).all()
        assert unscaled[-1] < scaled[-1] / 2
    again = why_scale.untrained(rng(SEEDS[0]), 16)
    for name, value in again.items():
        assert measures[name]["low"][0] * 0.999 <= value <= measures[name]["high"][0] * 1.001


def test_with_the_scale_it_learns_better_at_every_learning_rate(rows):
    trained = rows["scale"]["trained"]
    assert trained["D"] >= 128
    for rate in why_scale.RATES:
        scaled, unscaled = (
            trained["runs"][f"{name}, learning rate {rate}"] for name in why_scale.SIMILARITIES
        )
        assert scaled["accuracy"]["low"] > unscaled["accuracy"]["high"] + 0.05
        assert scaled["losses"]["high"][-1] < unscaled["losses"]["low"][-1]


def test_the_norm_of_a_softmaxs_gradient():
    scores = rng().normal(size=7)
    jacobian = torch.func.jacrev(lambda s: s.softmax(dim=-1))(tensor(scores))
    assert why_scale.jacobian_norm(softmax(scores)) == pytest.approx(jacobian.norm().item())


# similarity


def test_three_similarities_learn_and_a_blunt_cosine_stops_short(rows):
    found = dict(rows["similarity"]["similarities"])
    assert found.keys() == similarities.SIMILARITIES.keys()
    blunt = found.pop("1 x cosine")
    for row in found.values():
        assert row["accuracy"]["low"] > 0.95
        assert row["accuracy"]["median"] > 0.99 > blunt["accuracy"]["high"]
        assert row["training, s"]["low"] > 0
    # cosines of -1 and 1: no weight can be larger
    ceiling = math.e / (math.e + 5 / math.e)
    assert blunt["weight on the match"]["high"] < ceiling


def test_distance_is_a_distance_and_cosine_an_angle():
    q, k = rng().normal(size=(2, 5, 4)), rng(1).normal(size=(2, 7, 4))
    squares = torch.cdist(tensor(q), tensor(k)) ** 2
    np.testing.assert_allclose(similarities.Distance().scores(q, k), -squares / 4, atol=1e-12)
    cosines = similarities.Cosine(10).scores(q, k)
    np.testing.assert_allclose(similarities.Cosine(10).scores(3 * q, k / 7), cosines, atol=1e-12)
    assert abs(cosines).max() <= 10


# recall, and the entropy of attention


def test_it_recalls_and_points_at_the_matching_key(rows):
    final = rows["recall"]["final"]
    assert final["accuracy"]["low"] > 0.99
    assert final["pointing"]["low"] > 0.95


def test_the_saved_weights_recall_unseen_items(rows):
    assert recall.WEIGHTS.stat().st_size < 100_000
    model = recall.new_model(rng())
    with np.load(recall.WEIGHTS) as saved:
        model.params = dict(saved)
    unseen = sample(recall.TASK, rng(7), 500, test=True)
    assert evaluate(model, unseen)["accuracy"] > 0.99
    weights = model.forward(unseen.queries, unseen.memory)[1].weights
    assert recall.pointing(weights, unseen.places) > 0.95


def test_the_picture_of_recall_shows_the_weights_of_the_forward_pass(rows):
    row = rows["recall"]
    weights, queries, memory = recall.item_weights(row)
    for t, place in enumerate(row["item"]["places"]):
        assert memory[place][0] == queries[t][0]
        assert weights[t].argmax() == place
    changed = json.loads(json.dumps(row))
    changed["item"]["weights"][0][0] += 1e-6
    with pytest.raises(ValueError, match="not of this record"):
        recall.item_weights(changed)


def test_entropy_has_bounds_and_falls_by_training(rows):
    S = 8
    assert recall.entropy(np.full(S, 1 / S)) == pytest.approx(math.log(S))
    assert recall.entropy(np.eye(S)).tolist() == [0] * S
    weights = softmax(rng().normal(size=(100, S)) * 5)
    found = recall.entropy(weights)
    assert 0 <= found.min() <= found.max() <= math.log(S)
    np.testing.assert_allclose(found, torch.distributions.Categorical(tensor(weights)).entropy())
    row = rows["recall"]
    assert row["bounds of entropy"] == [0, pytest.approx(math.log(6))]
    assert row["entropy after"]["high"] < 0.3
    assert 1 < row["entropy before"]["low"] < row["entropy before"]["high"] < math.log(6)


# order


def test_without_positions_order_stays_at_chance(rows):
    row = rows["order"]
    assert row["chance"] == pytest.approx(1 / 7)
    without = row["trained"]["without positions"]["accuracy"]
    assert row["chance"] - 0.03 < without["low"] <= without["high"] < row["chance"] + 0.03
    for name in ("sinusoidal", "learned"):
        assert row["trained"][name]["accuracy"]["low"] > 0.95


def test_attention_without_positions_is_blind_to_a_shuffle(rows):
    row = rows["order"]
    for seed in SEEDS:
        without, placed = why_positions.shuffling_error(rng(seed))
        assert without <= 1e-12
        assert placed > 0.1
    assert row["shuffling error"]["without"]["high"] <= 1e-12
    assert row["shuffling error"]["with"]["low"] > 0.1


def test_equal_words_get_equal_weights_without_positions_only(rows):
    for seed in SEEDS:
        without, placed = why_positions.equal_words(rng(seed))
        np.testing.assert_allclose(without, 1 / 8, atol=1e-12)
        assert abs(placed - 1 / 8).max() > 0.05
    assert rows["order"]["equal words, off uniform"]["without"]["high"] < 1e-12
    assert rows["order"]["equal words, off uniform"]["with"]["low"] > 0.05


# heads


def test_two_look_ups_need_two_heads(rows):
    heads = rows["heads"]["heads"]
    assert len({found["parameters"] for found in heads.values()}) == 1
    assert heads["1"]["both right"]["high"] < 0.3
    assert heads["1"]["better digit right"]["low"] > 0.8
    assert heads["1"]["other digit right"]["high"] < 0.4
    for H in ("2", "4", "8"):
        assert heads[H]["both right"]["median"] > 0.95


def test_two_heads_look_at_two_places(rows):
    item = rows["heads"]["item"]
    (one,), two = (np.array(item["weights"][H]) for H in "12")
    np.testing.assert_allclose([one.sum(axis=-1), *two.sum(axis=-1)], 1, atol=1e-3)
    for t, query in enumerate(item["queries"]):
        places = {i for i, pair in enumerate(item["memory"]) if pair[0] in query}
        assert {head[t].argmax() for head in two} == places
        assert set(one[t].argsort()[-2:]) == places
        assert one[t].max() < 0.7


# residuals


@pytest.mark.parametrize("stack", why_residuals.STACKS)
def test_the_gradient_through_a_block_is_that_of_central_differences(stack):
    parts = why_residuals.STACKS[stack]
    params, r = why_residuals.parameters(rng(1)), rng(2)
    x, d_out = (r.normal(size=(2, 3, why_residuals.C)) for _ in range(2))
    d_x = why_residuals.backward(d_out, params, why_residuals.forward(x, params, *parts)[1], *parts)
    for _ in range(5):
        way = r.normal(size=x.shape)
        up, down = (why_residuals.forward(x + e * way, params, *parts)[0] for e in (1e-6, -1e-6))
        measured = ((up - down) * d_out).sum() / 2e-6
        assert (d_x * way).sum() == pytest.approx(measured, rel=1e-6)


def test_the_whole_block_is_block_numpys():
    params, x = why_residuals.parameters(rng(1)), rng(2).normal(size=(2, 3, why_residuals.C))
    ours, _ = why_residuals.forward(x, params, True, True)
    np.testing.assert_allclose(ours, block(x, params, why_residuals.H), atol=1e-12)


def test_only_sum_and_norm_keep_gradient_and_words(rows):
    row = rows["residuals"]
    norms, words = row["gradient norm at layer 1"], row["differs between words"]
    assert row["depths"] == [2, 4, 8, 16, 32]
    assert (
        0.1 < norms["residual and norm"]["low"][-1] < norms["residual and norm"]["high"][-1] < 100
    )
    assert norms["neither"]["high"][-1] < 1e-8
    assert norms["residual only"]["low"][-1] > 1e6
    assert words["residual and norm"]["low"][-1] > 0.1
    for name in ("norm only", "neither"):
        assert words[name]["high"][-1] < 1e-12
    again = [why_residuals.through(seed, 8, True, True) for seed in SEEDS]
    for found, recorded in zip(np.median(again, axis=0), (norms, words)):
        assert recorded["residual and norm"]["median"][2] == pytest.approx(found, rel=1e-3)


# norms


def test_batch_norm_is_torchs():
    x = rng().normal(size=(6, 5, 4)) * 3 + 1
    gain, bias = rng(1).normal(size=(2, 4))
    layer = torch.nn.BatchNorm1d(4, dtype=torch.float64)
    layer.load_state_dict({"weight": tensor(gain), "bias": tensor(bias)}, strict=False)
    expected = layer(tensor(x).mT).mT.detach()
    np.testing.assert_allclose(why_layer_norm.batch_norm(x, gain, bias), expected, atol=1e-12)


def test_batch_norm_asks_the_neighbours_and_layer_norm_does_not(rows):
    measures = rows["norms"]["measures"]
    assert measures["alone"]["batch norm"]["high"] == 0
    assert measures["alone"]["layer norm"]["low"] > 1
    for measure in ("others shifted", "padding added"):
        moved = measures[measure]
        assert moved["batch norm"]["low"][-1] > 0.5
        assert max(moved["layer norm"]["high"]) == 0
        assert (np.diff(moved["batch norm"]["median"]) > 0).all()
    again = why_layer_norm.record(SEEDS)
    assert_close({k: rows["norms"][k] for k in again}, again)
    x = rng().normal(size=(3, 4))
    np.testing.assert_array_equal(layer_norm(x, 1.0, 0.0)[0], layer_norm(x[:1], 1.0, 0.0)[0])


# masks


def test_masks_hide_and_rows_still_add_up(rows):
    found = rows["masks"]["masks"]
    seen = {name: row["may be seen"] for name, row in found.items()}
    assert seen == {"none": 36, "causal": 6 * 7 // 2, "padding": 6 * 4, "both": 1 + 2 + 3 + 3 * 4}
    for name, mask in what_masks_do.masks().items():
        weights = what_masks_do.weights()[name]
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-12)
        assert not weights[~mask].any()
        assert (weights[mask] > 0).all()
        row = found[name]
        assert row["row sums off 1"] < 1e-12
        assert row["weight on the hidden"] == 0
        assert row["off the old proportions"] < 1e-12
        assert (min(row["row sums before"]) < 0.9) == (name != "none")
    np.testing.assert_array_equal(what_masks_do.masks()["causal"], causal_mask(6))
    again = what_masks_do.record(SEEDS)["masks"]
    for name, row in again.items():
        np.testing.assert_allclose(found[name]["row sums before"], row["row sums before"])


# positions


def test_wavelengths_run_from_2_pi_towards_10000_times_2_pi(rows):
    row = rows["positions"]["wavelengths over 2 pi"]
    assert row["first"] == pytest.approx(1, abs=1e-9)
    # the last is one step short of 10,000: the exponent ends at (C - 2) / C
    assert row["last"] == pytest.approx(10000 ** (1 - 2 / row["channels"]), rel=1e-6)
    assert 0.95 * 10000 < row["last"] < 10000
    assert row["ratio of neighbours, off constant"] < 1e-6
    expected = 2 * np.pi * 10000 ** (np.arange(0, 64, 2) / 64)
    np.testing.assert_allclose(sinusoids.wavelengths(64), expected, rtol=1e-6)


def test_one_matrix_moves_every_position_by_k(rows):
    for k, error in rows["positions"]["shift by k, largest error"].items():
        assert error <= 1e-5
        table, move = sinusoidal(200, 64), sinusoids.shift_matrix(int(k), 64)
        np.testing.assert_allclose(table[: -int(k)] @ move.T, table[int(k) :], atol=1e-5)


def test_the_cosines_of_positions_depend_on_distance_alone(rows):
    assert rows["positions"]["cosines off Toeplitz"] < 1e-12
    cosines = sinusoids.cosines(sinusoidal(50, 16))
    assert sinusoids.off_toeplitz(cosines) < 1e-12
    np.testing.assert_allclose(np.diagonal(cosines), 1, atol=1e-12)
    cosines[3, 5] += 0.01
    assert sinusoids.off_toeplitz(cosines) == pytest.approx(0.01)


# rnn


def test_the_rnn_is_torchs():
    C = 4
    x, w_x, w_h = (rng(i).normal(size=shape) for i, shape in enumerate([(6, C), (C, C), (C, C)]))
    layer = torch.nn.RNN(C, C, bias=False, dtype=torch.float64)
    layer.load_state_dict({"weight_ih_l0": tensor(w_x.T), "weight_hh_l0": tensor(w_h.T)})
    expected, _ = layer(tensor(x))
    np.testing.assert_allclose(rnn_or_attention.rnn(x, w_x, w_h), expected.detach(), atol=1e-12)
    turn = rnn_or_attention.orthogonal(rng(), C)
    np.testing.assert_allclose(turn @ turn.T, np.eye(C), atol=1e-12)


def test_reaches_are_norms_of_autograds_jacobians(monkeypatch):
    C = rnn_or_attention.C
    r = rng(5)
    x, w_x = r.normal(size=(rnn_or_attention.FAR + 1, C)), rnn_or_attention.uniform(r, C)
    w_h = rnn_or_attention.orthogonal(r, C)

    def last(first, steps):
        h = torch.tanh(first @ tensor(w_x))
        for t in range(1, steps + 1):
            h = torch.tanh(tensor(x[t]) @ tensor(w_x) + h @ tensor(w_h))
        return h

    found = rnn_or_attention.rnn_reach(rng(5), rnn_or_attention.orthogonal)
    for n in (1, 4, 16):
        jacobian = torch.func.jacrev(lambda first, n=n: last(first, n))(tensor(x[0]))
        position = rnn_or_attention.DISTANCES.index(n)
        assert found[position] == pytest.approx(jacobian.norm().item(), rel=1e-9)

    T, r = 6, rng(6)
    matrices = [r.normal(size=(C, C)) / np.sqrt(C) for _ in range(4)]
    words = r.normal(size=(1, T, C))

    def output(x):
        q, k, v = (x @ tensor(m) for m in matrices[:3])
        return F.scaled_dot_product_attention(q[-1:], k, v) @ tensor(matrices[3])

    jacobian = torch.func.jacrev(output)(tensor(words[0]))[0]  # (C, T, C)
    norms = rnn_or_attention.attention_jacobians(rng(6), T)
    np.testing.assert_allclose(norms, jacobian.norm(dim=(0, 2))[:-1], rtol=1e-9)
    np.testing.assert_allclose(
        output(tensor(words[0]))[0], multi_head(words, words, *matrices, 1)[0][0, -1], atol=1e-12
    )


def test_attention_reaches_far_and_the_rnn_does_not(rows):
    reach = rows["rnn"]["gradient norm"]
    assert rows["rnn"]["distances"][-1] == 256
    for name in rnn_or_attention.STARTS:
        assert reach[name]["high"][-1] < 1e-20
        assert reach[name]["low"][0] > 0.1
    flat = reach["attention, 257 words"]["median"]
    assert max(flat) / min(flat) < 5
    assert reach["attention, first of n + 1 words"]["low"][-1] > 1e-3


def test_what_length_costs(rows):
    row = rows["rnn"]
    slopes, steps = row["slopes"], row["steps one after the other"]
    assert slopes["RNN, MiB"] == pytest.approx(1, abs=0.1)
    assert slopes["attention, MiB"] == pytest.approx(2, abs=0.1)
    assert 0.7 < slopes["RNN, s"] < 1.4
    assert 1.6 < slopes["attention, s"] < 2.6
    assert steps["RNN"] == row["lengths"]
    assert set(steps["attention"]) == {1}
    for name, values in row["costs"].items():
        again = recording.slope(row["lengths"][-3:], values[-3:])
        assert slopes[name] == pytest.approx(again, abs=0.01)
    # memory is counted, not timed: it is the same on every machine
    x = rng().normal(size=(512, 8))
    short = rnn_or_attention.peak(lambda: attention(x[:256], x[:256], x[:256]))
    long = rnn_or_attention.peak(lambda: attention(x, x, x))
    assert long / short == pytest.approx(4, abs=0.2)


def test_a_slope_is_a_power():
    x = np.array([2, 4, 8, 16])
    assert recording.slope(x, 5 * x**1.7) == pytest.approx(1.7)


# embedding


def test_words_of_a_kind_come_together(rows):
    row = rows["embedding"]
    assert row["accuracy"]["low"] > 0.99
    before, after = row["before"], row["after"]
    assert after["between kinds"]["low"] > before["between kinds"]["high"] + 0.1
    chance = row["chance of a same-kind neighbour"]
    assert chance == pytest.approx(5 / 17)
    assert after["same-kind neighbours"]["low"] > 0.8
    assert before["same-kind neighbours"]["high"] < 0.5
    assert sum(after["explained"]["median"][:2]) > sum(before["explained"]["median"][:2])


def test_a_one_hot_product_is_the_look_up_and_costs_more(rows):
    row = rows["embedding"]["one-hot"]
    assert row["equal"]
    assert row["times slower"] > 20
    again = embedding_space.look_up_or_product(V=300, channels=8, n=20, repeats=1)
    assert again["equal"]


def test_principal_components_are_those_of_the_covariance():
    x = rng().normal(size=(18, 5)) * [1, 2, 3, 4, 5]
    points, explained = embedding_space.principal_components(x)
    values, vectors = np.linalg.eigh(np.cov(x.T))
    np.testing.assert_allclose(explained, values[::-1] / values.sum(), atol=1e-12)
    expected = (x - x.mean(axis=0)) @ vectors[:, :-3:-1]
    np.testing.assert_allclose(abs(points), abs(expected), atol=1e-10)


def test_measures_of_kinds_at_their_extremes():
    centres = np.eye(3)[embedding_space.KIND]
    assert embedding_space.between_kinds(centres) == pytest.approx(1)
    near = centres + 1e-3 * rng().normal(size=centres.shape)
    assert embedding_space.same_kind_neighbours(near) == 1
    # every word has its twins in the other kinds, and itself does not count
    apart = rng().normal(size=(6, 30))[np.tile(np.arange(6), 3)]
    assert embedding_space.same_kind_neighbours(apart + 1e-6 * rng(2).normal(size=(18, 30))) == 0
    assert embedding_space.between_kinds(apart) < 1e-12


# maps of characters


GOLDEN = """\
      small dogs bark
small ..... #### ....
 dogs ***** .... ::::
 bark ..... **** ::::"""


def test_a_map_of_characters():
    words = ["small", "dogs", "bark"]
    q = np.array([[0.0, 2, 0, 0], [2, 0, 0, 2], [0, 2, 2, 0]])
    k = np.array([[2.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 1]])
    assert ascii_map(attention(q, k, k)[1], words, words) == GOLDEN
    shades = ascii_map(np.linspace(0, 1, 10)[None], ["q"], list("0123456789"))
    assert shades == "  0 1 2 3 4 5 6 7 8 9\nq   . : - = + * # % @"
    with pytest.raises(ValueError, match="2 rows"):
        ascii_map(np.eye(3), words[:2], words)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        ascii_map(2 * np.eye(3), words, words)


# programs and pictures


def run(path, *words, cwd):
    code = "import runpy, sys; sys.modules['torch'] = None; "
    code += f"sys.argv = {[str(path), *words]!r}; sys.path.insert(0, {str(DAY1)!r}); "
    code += f"runpy.run_path({str(path)!r}, run_name='__main__')"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize(
    "name", ["ascii_map", "look_up", "sinusoids", "what_masks_do", "why_layer_norm"]
)
def test_an_experiment_runs_as_a_program_without_torch_from_anywhere(name, tmp_path):
    done = run(DAY1 / f"{name}.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_a_wrong_word_is_told_how_to_call(tmp_path):
    done = run(DAY1 / "experiments.py", "figure", cwd=tmp_path)
    assert done.returncode == 2
    assert "experiments.py figures" in done.stderr


def test_a_missing_record_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run python day2/experiments\.py"):
        recording.read(tmp_path / "day2" / "results" / "experiments.json")


def test_a_row_is_added_to_the_others(tmp_path):
    path = tmp_path / "results" / "experiments.json"
    recording.write("a", {"x": 1}, path)
    recording.write("b", {"x": 2}, path)
    assert {name: row["x"] for name, row in recording.read(path).items()} == {"a": 1, "b": 2}
    assert recording.threads() == str(torch.get_num_threads())
    assert recording.spread([[1, 5], [3, 4], [2, 9]]) == {
        "median": [2, 5],
        "low": [1, 4],
        "high": [3, 9],
    }


def test_the_lesson_has_its_figures():
    for name in FIGURES:
        assert_is_a_picture(DAY1 / "figures" / f"{name}.png")


def assert_is_a_picture(path):
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG"), path
    width, height = struct.unpack(">II", head[16:])
    assert 700 <= width <= 900, path
    assert 300 <= height <= 700, path
    assert path.stat().st_size < 150_000, path


@pytest.mark.slow
def test_every_figure_can_be_drawn_from_the_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "FIGURES", tmp_path)
    assert experiments.main(["figures"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(experiments.EXPERIMENTS)
    assert {path.stem for path in tmp_path.glob("*.png")} == FIGURES
    for path in tmp_path.glob("*.png"):
        assert_is_a_picture(path)


@pytest.mark.parametrize("name", experiments.EXPERIMENTS)
def test_a_line_of_the_record_can_be_said(rows, name):
    text = experiments.EXPERIMENTS[name].line(rows[name])
    assert 30 < len(text) < 400
    assert "\n" not in text


def test_heads_of_one_model_are_those_that_were_compared(rows):
    assert list(map(int, rows["heads"]["heads"])) == list(why_heads.HEADS)
