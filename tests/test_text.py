"""day3/text.py and day3/evaluate.py: what goes in, what is asked for, how it is counted."""

import math

import pytest
import torch
import torch.nn as nn
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate import bits, loss
from model import GPT, Config
from text import Alphabet, Batches, split

# ---- the alphabet


@given(st.text(min_size=1))
def test_decoding_undoes_encoding(text):
    alphabet = Alphabet(text)
    ids = alphabet.encode(text)
    assert ids.dtype == torch.long and len(ids) == len(text)
    assert set(ids.tolist()) == set(range(len(alphabet))) == set(range(len(set(text))))
    assert alphabet.decode(ids) == text
    assert alphabet.symbols == "".join(sorted(set(text)))


def test_symbols_are_numbered_in_their_order():
    assert Alphabet("banana!").encode("ab!n").tolist() == [1, 2, 0, 3]
    assert Alphabet("banana!").encode("").shape == (0,)


def test_a_saved_alphabet_reads_the_same():
    alphabet = Alphabet("to be or not to be\n")
    assert Alphabet(alphabet.symbols).ids == alphabet.ids


def test_unknown_characters_are_named():
    with pytest.raises(ValueError) as error:
        Alphabet("abc\n").encode("a\tcZabZ\n")
    assert repr("\tZ") in str(error.value), "each once, readable"
    assert repr("\nabc") in str(error.value), "and what is known"


# ---- the split


@given(st.integers(0, 2000))
def test_the_last_tenth_is_kept_apart(length):
    training, validation = split(torch.arange(length))
    assert torch.equal(torch.cat([training, validation]), torch.arange(length))
    assert len(validation) == math.ceil(length / 10)


# ---- batches


@settings(deadline=None)
@given(st.data())
def test_a_batch_is_the_text_and_its_targets_are_the_text_one_further(data):
    T, B = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    N = data.draw(st.integers(2 * T, 60))
    step, seed = data.draw(st.integers(0, 500)), data.draw(st.integers(0, 10**6))
    text = torch.randint(11, (N,), generator=torch.Generator().manual_seed(seed))
    x, y = Batches(text, B, T, seed)[step]
    places, targets = Batches(torch.arange(N), B, T, seed)[step]
    assert x.shape == y.shape == (B, T)
    assert torch.equal(targets, places + 1), "no index is outside, or this would not hold"
    assert torch.equal(places, places[:, :1] + torch.arange(T))
    assert torch.equal(x, text[places]) and torch.equal(y, text[places + 1])
    assert torch.equal(y[:, :-1], x[:, 1:])


def starts(batches, first, last):
    """Where the windows number first to last - 1 begin, for a text that is 0, 1, 2, ..."""
    B = batches.B
    x = torch.cat([batches[step][0] for step in range(first // B, -(-last // B))])
    return x[:, 0].tolist()[: last - first]


@pytest.mark.parametrize(("N", "T", "B"), [(10, 5, 2), (100, 7, 3), (41, 4, 5), (12, 1, 2)])
def test_an_epoch_deals_every_window_once(N, T, B):
    batches = Batches(torch.arange(N), B, T, seed=3)
    n = (N - T) // T
    dealt = starts(batches, 0, 6 * n * B)
    orders, offsets = set(), set()
    for epoch in range(6):
        own = dealt[epoch * n : (epoch + 1) * n]
        offset = min(own)
        assert sorted(own) == [offset + T * i for i in range(n)]
        assert 0 <= offset < T
        orders.add(tuple((start - offset) // T for start in own))
        offsets.add(offset)
    assert len(orders) > 1 or n == 1, "another order each time"
    assert len(offsets) > 1 or T == 1, "and another start"


def test_every_symbol_away_from_the_ends_is_a_target_once_an_epoch():
    N, T = 50, 6
    batches = Batches(torch.arange(N), 1, T, seed=0)
    n = (N - T) // T
    for epoch in range(5):
        targets = torch.cat([batches[n * epoch + i][1][0] for i in range(n)])
        counts = torch.bincount(targets, minlength=N)
        assert counts.max() == 1 and (counts[T : n * T + 1] == 1).all()


def test_a_batch_is_a_function_of_seed_and_step():
    ids = torch.arange(100)
    forwards = Batches(ids, 3, 7, seed=1)
    in_order = [forwards[step][0] for step in range(20)]
    backwards = Batches(ids, 3, 7, seed=1)
    for step in reversed(range(20)):
        assert torch.equal(backwards[step][0], in_order[step])
    assert torch.equal(Batches(ids, 3, 7, seed=1)[13][0], in_order[13])
    other = Batches(ids, 3, 7, seed=2)
    assert not all(torch.equal(other[step][0], in_order[step]) for step in range(20))


def test_batches_leave_the_global_state_alone():
    before = torch.get_rng_state()
    for step in range(9):
        Batches(torch.arange(40), 2, 5, seed=1)[step]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("N", "T"), [(0, 4), (4, 4), (13, 7), (1, 1)])
def test_a_text_that_is_too_short_is_refused(N, T):
    with pytest.raises(ValueError, match="more text") as error:
        Batches(torch.arange(N), 2, T, seed=0)
    assert f"context {T} " in str(error.value) and f" {N} characters" in str(error.value)


# ---- the loss over a text

V, CONTEXT = 11, 5


def gpt():
    torch.manual_seed(0)
    model = GPT(Config(V, CONTEXT, n_layer=1, n_head=3, n_embd=12, dropout=0.5))
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return model


def random_ids(N):
    return torch.randint(V, (N,), generator=torch.Generator().manual_seed(1))


def symbol_by_symbol(model, ids):
    """Each symbol but the first, by what stands before it in its own window."""
    model.eval()
    nats = []
    for i in range(1, len(ids)):
        begin = (i - 1) // CONTEXT * CONTEXT
        with torch.no_grad():
            logits = model(ids[None, begin:i])[0][0, -1].double()
        nats.append((logits.logsumexp(dim=0) - logits[ids[i]]).item())
    return sum(nats) / len(nats)


# 21 symbols are four whole windows; 23 leave two symbols over; 2 to 5 fill no window at all
@pytest.mark.parametrize("N", [2, 4, 5, 6, 7, 21, 22, 23, 57])
def test_loss_equals_a_loop_over_symbols(N):
    model, ids = gpt(), random_ids(N)
    expected = symbol_by_symbol(model, ids)
    assert loss(model.train(), ids, CONTEXT) == pytest.approx(expected, abs=1e-5)


def test_loss_is_deterministic_and_the_batch_does_not_matter():
    model, ids = gpt().train(), random_ids(57)
    first = loss(model, ids, CONTEXT)
    assert loss(model, ids, CONTEXT) == first
    for batch in (1, 2, 3, 11, 1000):
        assert loss(model, ids, CONTEXT, batch) == pytest.approx(first, abs=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_loss_leaves_the_model_as_it_was(training):
    model = gpt().train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    loss(model, random_ids(23), CONTEXT)
    assert all(module.training == training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


class Shrug(nn.Module):
    """All symbols alike, whatever was asked; remembers which symbols it saw."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, ids):
        self.seen.append(ids.flatten())
        return torch.zeros(*ids.shape, V), None


@pytest.mark.parametrize("N", [21, 24, 500])
def test_a_model_that_knows_nothing_has_the_perplexity_V(N):
    model, ids = Shrug(), random_ids(N)
    nats = loss(model, ids, CONTEXT, batch=3)
    assert math.exp(nats) == pytest.approx(V, rel=1e-6)
    assert bits(nats) == pytest.approx(math.log2(V), rel=1e-6)
    assert torch.equal(torch.cat(model.seen), ids[:-1]), "each symbol but the last is read once"
