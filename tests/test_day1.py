"""Day 1's references against PyTorch's own layers, in float64, all sizes different."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import attention_numpy
import block_numpy
import positions_numpy
from attention_numpy import (
    attention,
    causal_mask,
    merge_heads,
    multi_head,
    padding_mask,
    softmax,
    split_heads,
    window_mask,
)
from block_numpy import attention_pool, block, encoder, random_params
from positions_numpy import embed, one_hot, sinusoidal

B, T, C, H, S, D, E = 2, 5, 12, 3, 7, 4, 6
EXACT = {"atol": 1e-10, "rtol": 0}
DAY1 = Path(attention_numpy.__file__).parent


def rng(seed=0):
    return np.random.default_rng(seed)


def tensor(x):
    return torch.from_numpy(np.asarray(x))


@given(st.integers(0, 1000), st.integers(-2, 1), st.floats(-50, 50))
def test_softmax_is_torchs_and_blind_to_a_shift(seed, axis, shift):
    x = rng(seed).normal(size=(3, 4)) * 10
    np.testing.assert_allclose(softmax(x, axis), tensor(x).softmax(axis), **EXACT)
    np.testing.assert_allclose(softmax(x + shift, axis), softmax(x, axis), atol=1e-12)


def test_softmax_of_huge_scores_is_finite():
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(softmax(np.array([1e4, -1e4, 1e4])), [0.5, 0, 0.5])


@pytest.mark.parametrize("lead", [(), (B,), (B, H)])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_torchs(lead, masked):
    r = rng()
    q, k, v = (r.normal(size=(*lead, *size)) for size in ((T, D), (S, D), (S, E)))
    mask = None
    if masked:
        mask = r.random((*lead, T, S)) < 0.5
        mask[..., 0] = True
    out, weights = attention(q, k, v, mask)
    theirs = F.scaled_dot_product_attention(
        tensor(q), tensor(k), tensor(v), attn_mask=None if mask is None else tensor(mask)
    )
    np.testing.assert_allclose(out, theirs, **EXACT)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, **EXACT)
    if masked:
        assert not weights[~mask].any()


def test_a_query_far_from_the_others_looks_one_value_up():
    """A one-hot query and orthonormal keys. Sharp: that value; flat: the mean of all."""
    v = rng().normal(size=(S, E))
    keys, j = np.eye(S), 3
    sharp, _ = attention(keys[[j]] * 1000, keys, v)
    flat, _ = attention(keys[[j]] * 0, keys, v)
    np.testing.assert_allclose(sharp[0], v[j], atol=1e-3)
    np.testing.assert_allclose(flat[0], v.mean(axis=0), **EXACT)


@pytest.mark.parametrize("t", range(T))
def test_with_the_causal_mask_the_past_is_blind_to_the_future(t):
    r = rng(1)
    x = r.normal(size=(1, T, C))
    matrices = [r.normal(size=(C, C)) for _ in range(4)]
    before, _ = multi_head(x, x, *matrices, H, causal_mask(T))
    x[:, t] += 1
    after, _ = multi_head(x, x, *matrices, H, causal_mask(T))
    np.testing.assert_array_equal(before[:, :t], after[:, :t])
    assert (before[:, t:] != after[:, t:]).all()


def test_splitting_and_merging_heads():
    x = rng().normal(size=(B, T, C))
    heads = split_heads(x, H)
    np.testing.assert_array_equal(heads[1, 2, 3], x[1, 3, 8:12])
    np.testing.assert_array_equal(merge_heads(heads), x)
    with pytest.raises(ValueError, match="12 channels"):
        split_heads(x, 5)


@pytest.mark.parametrize(
    ("cross", "mask"),
    [(False, mask) for mask in ("none", "causal", "padding", "both")]
    + [(True, "none"), (True, "padding")],  # a causal mask needs queries and keys of one sentence
)
def test_multi_head_is_torchs(cross, mask):
    r = rng(2)
    x = r.normal(size=(B, T, C))
    memory = r.normal(size=(B, S, C)) if cross else x
    w_q, w_k, w_v, w_o = (r.normal(size=(C, C)) for _ in range(4))
    length = memory.shape[1]
    seen = np.ones((B, 1, T, length), bool)
    if mask in ("causal", "both"):
        seen = seen & causal_mask(T)
    if mask in ("padding", "both"):
        seen = seen & padding_mask([length, 2], length)
    out, weights = multi_head(x, memory, w_q, w_k, w_v, w_o, H, None if mask == "none" else seen)

    theirs = torch.nn.MultiheadAttention(C, H, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(tensor(np.concatenate([w_q.T, w_k.T, w_v.T])))
        theirs.out_proj.weight.copy_(tensor(w_o.T))
        hidden = tensor(~np.repeat(seen, H, axis=1).reshape(B * H, T, length))
        expected, shares = theirs(
            tensor(x), tensor(memory), tensor(memory), attn_mask=hidden, average_attn_weights=False
        )
    np.testing.assert_allclose(out, expected, **EXACT)
    np.testing.assert_allclose(weights, shares, **EXACT)


def test_attention_without_positions_cannot_tell_order():
    """Shuffled words give the same outputs, shuffled; with positions they do not."""
    r = rng(3)
    x = r.normal(size=(1, T, C))
    matrices = [r.normal(size=(C, C)) for _ in range(4)]
    order = r.permutation(T)
    out, shuffled = (multi_head(y, y, *matrices, H)[0] for y in (x, x[:, order]))
    np.testing.assert_allclose(out[:, order], shuffled, atol=1e-12)
    placed = sinusoidal(T, C)
    out, shuffled = (multi_head(y, y, *matrices, H)[0] for y in (x + placed, x[:, order] + placed))
    assert abs(out[:, order] - shuffled).max() > 0.01


WRONG = {
    "channels": ((T, D), (S, D + 1), (S, E), None, "do not fit"),
    "positions": ((T, D), (S, D), (S + 1, E), None, "do not fit"),
    "a float mask": ((T, D), (S, D), (S, E), np.ones((T, S)), "must be bool"),
    "a hidden row": ((T, D), (S, D), (S, E), np.arange(T)[:, None] > np.zeros(S), "see nothing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_attention_refuses_with_a_sentence(case):
    *shapes, mask, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        attention(*(np.ones(shape) for shape in shapes), mask)


@pytest.mark.parametrize("lengths", [[0, 2], [1, S + 1]])
def test_padding_mask_refuses_empty_and_long_sentences(lengths):
    with pytest.raises(ValueError, match="lengths"):
        padding_mask(lengths, S)


@pytest.mark.parametrize("channels", [1, 2, 7, 8])
def test_sinusoidal_is_the_papers_formula(channels):
    table = sinusoidal(T, channels)
    for t in range(T):
        for c in range(channels):
            angle = t / 10000 ** (2 * (c // 2) / channels)
            expected = math.sin(angle) if c % 2 == 0 else math.cos(angle)
            assert table[t, c] == pytest.approx(expected, abs=1e-12)


def test_a_matrix_moves_every_position_by_the_same_step():
    """One matrix takes the vector of p to that of p + 3, whatever p."""
    table, k = sinusoidal(50, 8), 3
    speeds = 10000.0 ** (-np.arange(0, 8, 2) / 8)
    move = np.zeros((8, 8))
    for i, w in enumerate(speeds):
        c, s = math.cos(w * k), math.sin(w * k)
        move[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[c, s], [-s, c]]
    np.testing.assert_allclose(table[:-k] @ move.T, table[k:], **EXACT)


def test_embedding_is_a_one_hot_product():
    table, ids = rng().normal(size=(S, C)), np.array([[0, 6, 3], [3, 3, 1]])
    np.testing.assert_array_equal(embed(ids, table), one_hot(ids, S) @ table)
    np.testing.assert_array_equal(embed(ids, table), F.embedding(tensor(ids), tensor(table)))
    for function in (lambda ids: one_hot(ids, S), lambda ids: embed(ids, table)):
        for wrong in ([-1], [S]):
            with pytest.raises(ValueError, match=r"0\.\.6"):
                function(wrong)


def test_layer_norm_and_gelu_are_torchs():
    r = rng(4)
    x, gain, bias = r.normal(size=(B, T, C)) * 3 + 1, r.normal(size=C), r.normal(size=C)
    expected = F.layer_norm(tensor(x), (C,), tensor(gain), tensor(bias))
    np.testing.assert_allclose(block_numpy.layer_norm(x, gain, bias), expected, **EXACT)
    np.testing.assert_allclose(block_numpy.gelu(x), F.gelu(tensor(x)), **EXACT)
    np.testing.assert_allclose(
        block_numpy.gelu_tanh(x), F.gelu(tensor(x), approximate="tanh"), **EXACT
    )


def test_feed_forward_works_on_each_position_alone():
    r = rng(5)
    x = r.normal(size=(T, C))
    weights = [r.normal(size=size) for size in ((C, S), (S,), (S, C), (C,))]
    order = r.permutation(T)
    out = block_numpy.feed_forward(x, *weights)
    np.testing.assert_allclose(block_numpy.feed_forward(x[order], *weights), out[order], **EXACT)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_block_is_torchs_encoder_layer(norm):
    r, M = rng(6), 20
    everything = random_params(r, V=9, C=C, M=M, L=1, classes=2)
    params = {k.removeprefix("blocks.0."): v for k, v in everything.items() if "blocks.0" in k}
    x, seen = r.normal(size=(B, T, C)), padding_mask([T, 3], T) & causal_mask(T)
    theirs = torch.nn.TransformerEncoderLayer(
        C, H, M, dropout=0.0, activation="gelu", batch_first=True, norm_first=norm == "pre",
        dtype=torch.float64,
    )  # fmt: skip
    names = {
        "self_attn.out_proj.weight": params["attention.w_o"].T,
        "self_attn.in_proj_weight": np.concatenate([params[f"attention.w_{n}"].T for n in "qkv"]),
        "linear1.weight": params["feed_forward.w1"].T,
        "linear1.bias": params["feed_forward.b1"],
        "linear2.weight": params["feed_forward.w2"].T,
        "linear2.bias": params["feed_forward.b2"],
        "norm1.weight": params["norm_1.gain"],
        "norm1.bias": params["norm_1.bias"],
        "norm2.weight": params["norm_2.gain"],
        "norm2.bias": params["norm_2.bias"],
        "self_attn.in_proj_bias": np.zeros(3 * C),
        "self_attn.out_proj.bias": np.zeros(C),
    }
    theirs.load_state_dict({name: tensor(value) for name, value in names.items()})
    hidden = tensor(~np.repeat(seen, H, axis=1).reshape(B * H, T, T))
    expected = theirs(tensor(x), src_mask=hidden).detach()
    np.testing.assert_allclose(block(x, params, H, seen, norm), expected, **EXACT)
    with pytest.raises(ValueError, match="pre"):
        block(x, params, H, norm="none")


@pytest.mark.parametrize("pool", ["first", "mean", "max"])
def test_the_encoder_does_not_notice_padding(pool):
    """Neither what is in the padding nor how much of it there is."""
    params = random_params(rng(7), V=9, C=C, M=20, L=2, classes=4)
    short = encoder(np.array([[1, 2, 3], [4, 5, 8]]), params, H, [3, 2], pool)
    for filler in (0, 6):
        longer = np.array([[1, 2, 3, filler, filler], [4, 5, filler, filler, filler]])
        np.testing.assert_allclose(encoder(longer, params, H, [3, 2], pool), short, **EXACT)
    other = encoder(np.array([[1, 2, 7], [4, 6, 8]]), params, H, [3, 2], pool)
    assert (abs(other - short).max(axis=-1) > 1e-6).all()


def test_a_learned_query_pools_each_sentence_as_torch_does_without_padding():
    x, query, lengths = rng(8).normal(size=(3, 5, C)), rng(9).normal(size=C), [5, 2, 1]
    pooled = attention_pool(x, query, lengths)
    for b, length in enumerate(lengths):
        alone = tensor(x[b, :length])
        expected = F.scaled_dot_product_attention(tensor(query)[None], alone, alone)[0]
        np.testing.assert_allclose(pooled[b], expected, **EXACT)
        mean = attention_pool(x, 0 * query, lengths)[b]
        np.testing.assert_allclose(mean, x[b, :length].mean(axis=0), **EXACT)


def test_the_encoder_refuses_another_pool():
    params = random_params(rng(7), V=9, C=C, M=20, L=1, classes=4)
    with pytest.raises(ValueError, match="pool"):
        encoder(np.array([[1, 2]]), params, H, [2], "median")


@pytest.mark.parametrize("name", ["attention_numpy", "positions_numpy", "block_numpy"])
def test_each_module_runs_as_a_program_without_torch(name):
    code = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_path({str(DAY1 / name)!r} + '.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) > 1


def test_the_trace_sees_every_step_and_refuses_a_broken_shape(monkeypatch):
    """What it notes is what the steps return; a transposed step breaks its contract."""
    import trace_encoder

    params = block_numpy.random_params(np.random.default_rng(0), V=5, C=6, M=24, L=2, classes=3)
    ids = np.array([[0, 1, 2, 3], [4, 1, 0, 0]])
    logits, steps = trace_encoder.trace(ids, params, H=2, lengths=[4, 2])
    np.testing.assert_array_equal(logits, block_numpy.encoder(ids, params, 2, [4, 2]))
    names = [name for _, name, _, _ in steps]
    assert [names.count(n) for n in ("block", "softmax", "split_heads", "layer_norm")] == [
        2,
        2,
        6,
        5,
    ]
    weights = [array for _, name, letters, array in steps if name == "softmax"]
    np.testing.assert_allclose([w.sum(axis=-1) for w in weights], 1)
    assert np.all(weights[0][1, :, :, 2:] == 0)
    monkeypatch.setattr(block_numpy, "gelu", lambda x: x.swapaxes(0, 1))
    with pytest.raises(ValueError, match=r"gelu gives \(4, 2, 24\), not \(B T M\)"):
        trace_encoder.trace(ids, params, H=2, lengths=[4, 2])


def test_a_window_is_dense_attention_on_what_is_near():
    """The mask gives what a loop gives that never looks further; W = T is the causal mask."""
    rng = np.random.default_rng(0)
    T, W = 7, 3
    q, k, v = rng.normal(size=(3, T, 4))
    out, _ = attention(q, k, v, window_mask(T, W))
    for t in range(T):
        near = slice(max(0, t - W + 1), t + 1)
        np.testing.assert_allclose(
            out[t], attention(q[t : t + 1], k[near], v[near])[0][0], atol=1e-12
        )
    np.testing.assert_array_equal(window_mask(T, T), causal_mask(T))
    with pytest.raises(ValueError, match="at least 1 position"):
        window_mask(T, 0)


def test_the_examples_in_docstrings_are_true():
    import doctest

    for module, examples in ((attention_numpy, 2), (positions_numpy, 1)):
        found = doctest.testmod(module)
        assert found.failed == 0
        assert found.attempted == examples
