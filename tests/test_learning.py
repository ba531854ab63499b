"""Day 1's layer that learns: its gradients against central differences and torch's autograd."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import learning
import toy_tasks
from attention_numpy import multi_head
from learning import Adam, Dot, Model, cross_entropy, evaluate, gather, looks, training
from recall import pointing
from similarities import Cosine, Distance
from toy_tasks import Before, Kinds, Recall, RecallTwo, sample
from why_scale import Unscaled

B, T, S, C, H, V, A, N = 2, 5, 7, 12, 3, 9, 2, 4
SIMILARITIES = {
    "dot": Dot(),
    "unscaled": Unscaled(),
    "cosine": Cosine(3.0),
    "distance": Distance(),
}
KINDS = [("dot", kind) for kind in (None, "sinusoidal", "learned")]
KINDS += [(name, "learned") for name in list(SIMILARITIES)[1:]]
TASKS = [Recall(), RecallTwo(), Before(), Kinds()]


def case(similarity, positions, seed=0):
    """A model of sizes that all differ and a batch in which symbols repeat, within and across."""
    rng = np.random.default_rng(seed)
    model = Model(rng, V, C, H, A, N, positions, S, SIMILARITIES[similarity])
    model.params["bias"] = rng.normal(size=A * N)
    queries, memory = rng.integers(V, size=(B, T)), rng.integers(V, size=(B, S))
    return model, queries, memory, rng.integers(N, size=(B, T, A))


@pytest.mark.parametrize(("similarity", "positions"), KINDS)
def test_every_gradient_is_that_of_central_differences(similarity, positions):
    model, *batch = case(similarity, positions)
    _, grads = model.gradients(*batch)
    assert grads.keys() == model.params.keys()
    for name, p in model.params.items():
        measured = np.empty_like(p)
        for i in np.ndindex(p.shape):
            kept, losses = p[i], []
            for step in (1e-5, -1e-5):
                p[i] = kept + step
                logits, _ = model.forward(*batch[:2])
                losses.append(cross_entropy(logits, batch[2])[0])
            p[i] = kept
            measured[i] = (losses[0] - losses[1]) / 2e-5
        size = np.linalg.norm(measured)
        assert size > 1e-3, name
        assert np.linalg.norm(grads[name] - measured) / size < 1e-7, name


def torch_scores(similarity, q, k):
    D = q.shape[-1]
    if similarity == "cosine":
        return 3 * F.cosine_similarity(q[..., :, None, :], k[..., None, :, :], dim=-1)
    if similarity == "distance":
        return -((q[..., :, None, :] - k[..., None, :, :]) ** 2).sum(dim=-1) / (2 * D**0.5)
    return q @ k.mT / (D**0.5 if similarity == "dot" else 1)


@pytest.mark.parametrize(("similarity", "positions"), KINDS)
def test_loss_and_gradients_are_torchs(similarity, positions):
    model, queries, memory, targets = case(similarity, positions)
    loss, grads = model.gradients(queries, memory, targets)
    p = {name: torch.tensor(x, requires_grad=True) for name, x in model.params.items()}
    places = p.get("positions", torch.zeros(S, C, dtype=torch.float64))
    if positions == "sinusoidal":
        places = torch.tensor(model.fixed)

    def heads(x):
        return x.unflatten(-1, (H, C // H)).transpose(1, 2)

    x, m = (
        F.embedding(torch.tensor(i), p["embedding"]) + places[: i.shape[1]]
        for i in (queries, memory)
    )
    q, k, v = (heads(a @ p[w]) for a, w in ((x, "w_q"), (m, "w_k"), (m, "w_v")))
    mixed = torch_scores(similarity, q, k).softmax(dim=-1) @ v
    logits = mixed.transpose(1, 2).flatten(2) @ p["w_o"] @ p["readout"] + p["bias"]
    expected = F.cross_entropy(logits.view(-1, N), torch.tensor(targets).flatten())
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-10)
    for name, tensor in p.items():
        np.testing.assert_allclose(grads[name], tensor.grad, atol=1e-8, rtol=0, err_msg=name)


def test_it_refuses_other_positions_and_longer_sentences():
    with pytest.raises(ValueError, match="not 'rotary'"):
        case("dot", "rotary")
    for positions in ("sinusoidal", "learned"):
        with pytest.raises(ValueError, match="8 symbols, but positions were made for 7"):
            case("dot", positions)[0].read(np.zeros((1, S + 1), dtype=int))


def test_gather_is_multi_head():
    model, queries, memory, _ = case("dot", "learned")
    x, m = model.read(queries), model.read(memory)
    kept = gather(x, m, model.params, H, Dot())
    matrices = [model.params[f"w_{name}"] for name in "qkvo"]
    out, weights = multi_head(x, m, *matrices, H)
    np.testing.assert_array_equal(kept.out, out)
    np.testing.assert_array_equal(kept.weights, weights)


def test_a_symbol_that_stands_twice_collects_twice():
    model, queries, memory, targets = case("dot", None)
    _, grads = model.gradients(queries, memory, targets)
    unused = np.setdiff1d(np.arange(V), [*queries.flat, *memory.flat])
    assert not grads["embedding"][unused].any()
    # a table in which every use has a row of its own, added up by hand
    table = model.params["embedding"]
    uses = np.concatenate([queries.flat, memory.flat])
    model.params["embedding"] = table[uses]
    rows = np.arange(len(uses))
    apart = model.gradients(rows[: B * T].reshape(B, T), rows[B * T :].reshape(B, S), targets)[1][
        "embedding"
    ]
    added = np.stack([apart[uses == symbol].sum(axis=0) for symbol in range(V)])
    np.testing.assert_allclose(grads["embedding"], added, atol=1e-14)


def test_cross_entropy_is_torchs_and_survives_large_logits():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(B, T, A, N)), rng.integers(N, size=(B, T, A))
    theirs = torch.tensor(logits, requires_grad=True)
    expected = F.cross_entropy(theirs.view(-1, N), torch.tensor(targets).flatten())
    expected.backward()
    loss, d_logits = cross_entropy(logits, targets)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    np.testing.assert_allclose(d_logits, theirs.grad, atol=1e-12)
    with np.errstate(all="raise", under="ignore"):
        loss, _ = cross_entropy(np.array([[1e4, -1e4], [1e4, -1e4]]), np.array([0, 1]))
    assert loss == pytest.approx(1e4)


def test_adam_is_torchs():
    rng = np.random.default_rng(0)
    params = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=5)}
    theirs = {name: torch.tensor(p.copy(), requires_grad=True) for name, p in params.items()}
    mine, other = Adam(params, 0.01), torch.optim.Adam(theirs.values(), lr=0.01)
    for _ in range(100):
        grads = {name: rng.normal(size=p.shape) for name, p in params.items()}
        for name, tensor in theirs.items():
            tensor.grad = torch.tensor(grads[name])
        mine.step(params, grads)
        other.step()
    for name, tensor in theirs.items():
        np.testing.assert_allclose(params[name], tensor.detach(), atol=1e-12)


def test_it_learns_where_to_look():
    """Without a gradient for the scores it stays at 0.35, with a wrong one it stays below 0.6."""
    task, rng = Recall(), np.random.default_rng(1)
    model = Model(rng, len(task.symbols), 32, 1, task.A, len(task.answers))
    unseen = sample(task, np.random.default_rng(0), 500, test=True)
    assert evaluate(model, unseen)["accuracy"] < 0.2
    steps = training(model, task, rng)
    for _ in range(400):
        next(steps)
    found = evaluate(model, unseen)
    assert found["accuracy"] > 0.97
    assert found["loss"] < 0.12
    weights = model.forward(unseen.queries, unseen.memory)[1].weights
    assert pointing(weights, unseen.places) > 0.95


def test_a_look_at_step_n_is_after_n_steps_and_the_last_is_at_the_end():
    def new():
        task, rng = Recall(), np.random.default_rng(2)
        return Model(rng, len(task.symbols), 32, 1, task.A, len(task.answers)), task, rng

    looked, by_hand = new(), new()
    steps = training(*by_hand)
    seen = []
    for step in looks(*looked, steps=6, every=3):
        while len(seen) < step:
            seen.append(next(steps))
        for name, value in by_hand[0].params.items():
            np.testing.assert_array_equal(looked[0].params[name], value)
    assert len(seen) == 6
    for name, value in by_hand[0].params.items():  # none is taken after the last look
        np.testing.assert_array_equal(looked[0].params[name], value)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_no_memory_is_both_learned_from_and_tested_with(task):
    rng = np.random.default_rng(0)
    training_items, test_items = sample(task, rng, 2000), sample(task, rng, 1000, test=True)
    seen, unseen = (
        {row.tobytes() for row in items.memory} for items in (training_items, test_items)
    )
    assert len(unseen) > 100
    assert not seen & unseen
    # and both are as common as they should be
    checked = task.draw(rng, 4000).memory
    share = np.mean([toy_tasks.zlib.crc32(row.astype("<i4")) % 5 == 0 for row in checked])
    assert share == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_the_answers_are_right_and_stand_where_it_says(task):
    """Read off the symbols, as a person would."""
    items = sample(task, np.random.default_rng(0), 50)
    assert items.targets.shape == items.places.shape == (50, task.T, task.A)
    for memory, queries, targets, places in zip(*items):
        words = [task.symbols[i] for i in memory]
        assert len(set(words)) == len(words) == task.S
        for t, query in enumerate(task.symbols[i] for i in queries):
            found = [words[place] for place in places[t]]
            answers = [task.answers[i] for i in targets[t]]
            if isinstance(task, Before):
                assert answers == found == [words[t - 1]]
            elif isinstance(task, Kinds):
                assert answers == found
                kind = {
                    "animal?": toy_tasks.ANIMALS,
                    "colour?": toy_tasks.COLOURS,
                    "fruit?": toy_tasks.FRUITS,
                }[query]
                assert found[0] in kind
            else:
                letters = query.strip("?")
                assert found == [a + b for a, b in zip(letters, answers, strict=True)]


@pytest.mark.parametrize("module", [learning, toy_tasks])
def test_it_runs_as_a_program_without_torch_from_anywhere(module, tmp_path):
    path = str(Path(module.__file__))
    code = "import runpy, sys; sys.modules['torch'] = None; "
    code += f"sys.path.insert(0, {str(Path(path).parent)!r}); "
    code += f"runpy.run_path({path!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert len(done.stdout.splitlines()) > 5
