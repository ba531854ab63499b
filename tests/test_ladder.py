"""day2/ladder.py against outside authorities: its exercises against torch's own layers."""

import math

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

import ladder

B, T, C, H, M = 2, 5, 12, 3, 20


# ---- residual


@pytest.mark.parametrize("order", ["pre", "post"])
def test_two_residuals_are_torchs_encoder_layer(order):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        C, H, M, dropout=0, batch_first=True, norm_first=order == "pre", dtype=torch.float64
    )
    for p in layer.parameters():  # no gain is 1 and no bias is 0
        nn.init.normal_(p)
    x = torch.randn(B, T, C, dtype=torch.float64)
    future = nn.Transformer.generate_square_subsequent_mask(T, dtype=x.dtype)

    def attend(x):
        return layer.self_attn(x, x, x, attn_mask=future)[0]

    def feed_forward(x):
        return layer.linear2(layer.linear1(x).relu())

    ours = ladder.residual(x, attend, layer.norm1, order)
    ours = ladder.residual(ours, feed_forward, layer.norm2, order)
    torch.testing.assert_close(ours, layer(x, src_mask=future), rtol=0, atol=1e-11)


def test_a_silent_branch_passes_the_stream_untouched_or_normed():
    x, norm = torch.randn(B, T, C), nn.LayerNorm(C)
    assert torch.equal(ladder.residual(x, torch.zeros_like, norm), x)
    assert torch.equal(ladder.residual(x, torch.zeros_like, norm, "post"), norm(x))


def test_another_order_is_refused():
    for order in ("Pre", "", None):
        with pytest.raises(ValueError, match='order is "pre" or "post", not'):
            ladder.residual(torch.ones(B, T, C), torch.tanh, torch.tanh, order)


# ---- dropout


@pytest.mark.parametrize("p", [0, 0.1, 0.25, 0.9])
def test_dropout_draws_from_the_numbers_that_torchs_draws_from(p):
    """Everywhere 0 or one other number, in the same share, within six standard errors."""
    x, N = torch.tensor([3.0, -2, 0.7], dtype=torch.float64), 20_000
    torch.manual_seed(1)
    ours, theirs = (f(x.expand(N, 3), p) for f in (ladder.dropout, F.dropout))
    for i in range(3):
        a, b = ours[:, i].unique(), theirs[:, i].unique()
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)
        assert len(a) == (2 if p else 1)
    for out in (ours, theirs):
        share = (out == 0).double().mean().item()
        assert abs(share - p) <= 6 * math.sqrt(p * (1 - p) / out.numel())


def test_dropout_keeps_the_mean_and_every_number_falls_alone():
    torch.manual_seed(2)
    x, p = torch.ones(300, 40, 30), 0.1
    out = ladder.dropout(x, p)
    assert abs((out != 0).float().mean() - 0.9) < 0.02 * 0.9
    assert abs(out.mean() - 1) < 0.02
    # the spread of the means along an axis is that of numbers that know nothing of each other
    for axis in range(3):
        lost = (out == 0).double().transpose(0, axis).flatten(1).sum(dim=1)
        n = out.numel() / len(lost)
        spread = lost.var().item() / (n * p * (1 - p))
        assert abs(spread - 1) < 6 * math.sqrt(2 / len(lost)), (axis, spread)


def test_a_generator_decides_alone_and_goes_on():
    x = torch.ones(64)
    first, second, again = (torch.Generator().manual_seed(seed) for seed in (3, 4, 3))
    a, other, b = (ladder.dropout(x, 0.5, g) for g in (first, second, again))
    assert torch.equal(a, b) and not torch.equal(a, other)
    assert not torch.equal(a, ladder.dropout(x, 0.5, first))


def test_dropout_keeps_type_and_input():
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        x = torch.ones(B, T, C, dtype=dtype)
        assert ladder.dropout(x, 0.5).dtype == dtype
        assert (x == 1).all()


def test_a_share_that_leaves_nothing_is_refused():
    for p in (-0.1, 1, 1.5):
        with pytest.raises(ValueError, match="at least 0 and below 1"):
            ladder.dropout(torch.ones(3), p)


def test_dropout_works_in_training_alone():
    torch.manual_seed(5)
    x, part = torch.randn(B, T, C), ladder.Residual(nn.Linear(C, C), nn.LayerNorm(C), p=0.5)
    calm = part.eval()(x)
    assert torch.equal(part(x), calm)
    assert torch.equal(calm, x + part.branch(part.norm(x)))
    noisy = part.train()(x)
    assert not torch.equal(part(x), noisy)
    # what is lost is the branch's: there the stream is alone
    lost = (noisy == x).float().mean()
    assert 0.3 < lost < 0.7
    mean = torch.stack([part(x) for _ in range(4000)]).mean(dim=0)
    torch.testing.assert_close(mean, calm, rtol=0, atol=0.15)
