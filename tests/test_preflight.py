"""day3/preflight.py: a healthy model passes, and each fault is found and named, one a model."""

import copy
import math
import random

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from model import GPT, Config, TransformerBlock
from preflight import preflight
from settings import SIZES

V, CONTEXT, H, C = 11, 9, 3, 12


def config(**more):
    usual = {"vocab_size": V, "context": CONTEXT, "n_layer": 2, "n_head": H, "n_embd": C}
    return Config(**usual | more)


def healthy(**more):
    torch.manual_seed(1)
    return GPT(config(**more))


def findings_of(model):
    return preflight(model, V, CONTEXT)


def assert_found(model, *words):
    """One finding, which says what is wrong, and none that leads elsewhere."""
    findings = findings_of(model)
    assert len(findings) == 1, findings
    assert "\n" not in findings[0]
    for word in words:
        assert word in findings[0]


# ---- healthy models


@pytest.mark.parametrize("positions", ["rotary", "learned"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_healthy_gpt_passes(positions, dropout):
    assert findings_of(healthy(positions=positions, dropout=dropout)) == []


@pytest.mark.parametrize("positions", ["rotary", "learned"])
@pytest.mark.parametrize("size", ["tiny", "small", "medium"])
def test_the_models_that_train_py_makes_pass(size, positions):
    s = SIZES[size]
    torch.manual_seed(1)
    sizes = Config(65, s.context, s.n_layer, s.n_head, s.n_embd, s.dropout, positions)
    assert preflight(GPT(sizes), 65, s.context) == []


@pytest.mark.parametrize("symbols", [4, 10, 200])
def test_any_alphabet_passes(symbols):
    torch.manual_seed(1)
    assert preflight(GPT(Config(symbols, 64, 3, 3, 96)), symbols, 64) == []


@pytest.mark.parametrize("context", [1, 2])
def test_a_short_context_passes(context):
    assert preflight(healthy(context=context), V, context) == []


class Recurrent(nn.Module):
    """Another kind of model: ids to logits, no loss, no attention."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, C)
        self.lstm = nn.LSTM(C, 31, batch_first=True)
        self.head = nn.Linear(31, V)

    def forward(self, ids):
        return self.head(self.lstm(self.embedding(ids))[0])


def test_a_foreign_model_passes():
    torch.manual_seed(1)
    assert findings_of(Recurrent()) == []


def test_weights_in_one_buffer_are_not_called_shared():
    """As cuDNN packs those of an LSTM: views of one storage, no two of them the same."""
    torch.manual_seed(1)
    model = Recurrent()
    parameters = list(model.lstm.parameters())
    flat = torch.cat([p.detach().flatten() for p in parameters])
    for p, part in zip(parameters, flat.split([p.numel() for p in parameters])):
        p.data = part.view_as(p)
    assert findings_of(model) == []


# ---- preflight leaves no trace


def random_states():
    return (
        torch.get_rng_state().tolist(),
        random.getstate(),
        np.random.get_state()[1].tolist(),
    )


def test_nothing_random_is_touched():
    model = healthy(dropout=0.2)
    before = random_states()
    findings_of(model)
    assert random_states() == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_nothing_random_is_touched_on_a_gpu():
    model = healthy(dropout=0.2).cuda()
    before = torch.cuda.get_rng_state()
    findings_of(model)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was(training):
    model = healthy(dropout=0.2).train(training)
    before = copy.deepcopy(model.state_dict())
    findings_of(model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert all(module.training == training for module in model.modules())


def test_the_same_model_gets_the_same_findings():
    model = Wrapped(lambda logits: 0.1 * logits.tanh())
    assert findings_of(model) == findings_of(model) != []


# ---- one fault each


def with_mask(make_mask, fill=-torch.inf):
    """A GPT whose attention sees where make_mask(T) is True."""

    def attend(q, k, v):
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        hidden = ~make_mask(torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool))
        return scores.masked_fill(hidden, fill).softmax(dim=-1) @ v

    model = healthy()
    for block in model.blocks:
        block.attention.attend = attend
    return model


def test_the_right_mask_passes():
    assert findings_of(with_mask(torch.tril)) == []


def test_no_mask_is_found():
    assert_found(with_mask(lambda ones: ones), "causal mask missing")


def test_a_mask_that_is_off_by_one_is_found():
    assert_found(with_mask(lambda ones: ~ones.triu(2)), "off by one", "later symbol")


def test_a_mask_of_one_position_too_many_is_found():
    """A single leak, at the end of the window."""

    def tril_and_one(ones):
        mask = ones.tril()
        mask[-2, -1] = True
        return mask

    assert_found(with_mask(tril_and_one), "later symbol")


def test_a_masked_diagonal_is_found():
    # the first row sees nothing, its softmax is 0 / 0
    assert_found(with_mask(lambda ones: ones.tril(-1)), "not a number", "mask")


def test_a_masked_diagonal_with_a_finite_filling_is_found():
    # the first row sees everything alike, the future too
    assert_found(with_mask(lambda ones: ones.tril(-1), fill=-1e9), "mask")


class Strict(nn.Module):
    """Each position from the mean of all before it, without itself and without a residual path."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, C)
        self.head = nn.Linear(C, V)

    def forward(self, ids):
        x = self.embedding(ids)
        past = x.cumsum(dim=1) - x
        return self.head(past / torch.arange(1, ids.shape[1] + 1)[:, None])


def test_a_position_that_does_not_see_itself_is_found():
    torch.manual_seed(1)
    model = Strict()
    with torch.no_grad():
        model.embedding.weight.mul_(0.1)
        model.head.weight.mul_(0.1)
    assert_found(model, "diagonal")


class Wrapped(nn.Module):
    """A healthy GPT whose logits go through one thing more."""

    def __init__(self, change):
        super().__init__()
        self.gpt, self.change = healthy(), change

    def forward(self, ids):
        return self.change(self.gpt(ids)[0])


def test_a_softmax_before_the_cross_entropy_is_found():
    assert_found(Wrapped(lambda logits: logits.softmax(dim=-1)), "softmax")


def test_large_first_embeddings_are_found():
    model = healthy()
    nn.init.normal_(model.embedding.weight)  # PyTorch's own default
    assert_found(model, "loss at birth", "embedding")


def test_dropout_that_is_always_on_is_found():
    assert_found(Wrapped(lambda logits: F.dropout(logits, 0.1)), "dropout", "self.training")


class Remembering(Recurrent):
    """Starts where the last call ended."""

    def __init__(self):
        super().__init__()
        self.state = None

    def forward(self, ids):
        out, state = self.lstm(self.embedding(ids), self.state)
        self.state = tuple(part.detach() for part in state)
        return self.head(out)


def test_a_model_that_remembers_the_last_call_is_found():
    torch.manual_seed(1)
    assert_found(Remembering(), "remember")


def test_an_average_over_all_calls_is_found():
    model = healthy()
    model.calls = 0

    def count(module, args):
        module.calls += 1
        return (args[0] + 0.01 * module.calls,)

    model.norm.calls = 0
    model.norm.register_forward_pre_hook(count)
    assert_found(model, "remember")


def test_a_parameter_without_use_is_found():
    model = healthy()
    model.forgotten = nn.Linear(C, C)
    assert_found(model, "No gradient reaches forgotten.weight, forgotten.bias", "not used")


def test_a_gradient_that_is_cut_is_found():
    model = healthy()
    model.blocks[1].register_forward_pre_hook(lambda module, args: (args[0].detach(), args[1]))
    assert_found(model, "blocks.0.", "detach")


@pytest.mark.parametrize("cut", [torch.detach, lambda logits: torch.tensor(logits.tolist())])
def test_a_gradient_that_is_cut_at_the_very_end_is_found(cut):
    assert_found(Wrapped(cut), "No gradient", "detach")


def test_one_block_under_many_names_is_found():
    model = healthy()
    model.blocks = nn.ModuleList([TransformerBlock(config())] * 3)
    assert_found(model, "one tensor", "[layer] * n", "blocks.0", "blocks.1")


def test_one_block_under_many_names_is_found_where_channels_and_symbols_agree():
    model = healthy()
    model.blocks = nn.ModuleList([TransformerBlock(config())] * 3)
    square = GPT(config(vocab_size=C))
    square.blocks = model.blocks
    findings = preflight(square, C, CONTEXT)
    assert len(findings) == 1 and "[layer] * n" in findings[0]


class Plain(nn.Module):
    """Keeps its layers where no optimiser looks."""

    def __init__(self, keep):
        super().__init__()
        self.gpt = healthy()
        self.layers = keep([nn.Linear(V, V, bias=False), nn.Linear(V, V, bias=False)])

    def forward(self, ids):
        logits = self.gpt(ids)[0]
        layers = self.layers.values() if isinstance(self.layers, dict) else self.layers
        for layer in layers:
            logits = logits + 0.01 * layer(logits)
        return logits


@pytest.mark.parametrize("keep", [list, tuple, lambda layers: dict(enumerate(layers))])
def test_layers_in_a_plain_container_are_found(keep):
    assert_found(Plain(keep), "layers", "nn.ModuleList")


def test_layers_in_a_module_list_pass():
    assert findings_of(Plain(nn.ModuleList)) == []


def test_a_model_that_cannot_learn_is_found():
    assert_found(Wrapped(lambda logits: 0.1 * logits.tanh()), "not learned", "nats became")


def test_a_statistic_over_the_whole_sequence_is_found():
    model = healthy()
    model.norm.register_forward_pre_hook(
        lambda module, args: ((args[0] - args[0].mean(1, keepdim=True)) / args[0].std(1).max(),)
    )
    assert_found(model, "statistic", "whole sequence")


class NormOverTime(nn.Module):
    def forward(self, x):
        return F.layer_norm(x.mT, x.mT.shape[-1:]).mT


def test_a_norm_over_the_wrong_axis_is_found():
    model = healthy()
    for block in model.blocks:
        block.norm_1 = NormOverTime()
    assert_found(model, "statistic")
