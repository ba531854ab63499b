"""day3/model.py against outside authorities: torch, Hugging Face's GPT-2, and NumPy formulas."""

import math
from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from decoding import choose
from model import GPT, Config, LayerNorm, MultiHeadAttention, PositionalEncoding, TransformerBlock
from settings import SIZES

B, H, D, T, V, CONTEXT, L = 2, 3, 4, 5, 11, 7, 2
C = H * D
POSITIONS = pytest.mark.parametrize("positions", ["rotary", "learned"])


@pytest.fixture
def float64():
    """Modules made in here are of float64, their tables too."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def sizes(**more):
    usual = {"vocab_size": V, "context": CONTEXT, "n_layer": L, "n_head": H, "n_embd": C}
    return Config(**usual | more)


def moved(module, std=0.3, seed=0):
    """The module in eval mode with every weight moved, so that no zero hides a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(std * torch.randn(p.shape, generator=generator))
    return module.eval()


def random_ids(*shape, seed=0):
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(seed))


def random_x(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---- a second GPT, written from the papers' equations, in NumPy, one head and position at a time


def normalized(x, gain, bias):
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = x[place]
        variance = sum((row - row.mean()) ** 2) / len(row)
        out[place] = (row - row.mean()) / math.sqrt(variance + 1e-5) * gain + bias
    return out


def bent(x, gelu):
    if gelu == "tanh":  # Hendrycks & Gimpel 2016
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def turned(row, position):
    """One query or key (D,) at its position: each pair of channels turned by its own angle."""
    out = np.empty_like(row)
    for i in range(0, len(row), 2):
        angle = position * 10000 ** (-i / len(row))
        out[i] = row[i] * math.cos(angle) - row[i + 1] * math.sin(angle)
        out[i + 1] = row[i] * math.sin(angle) + row[i + 1] * math.cos(angle)
    return out


def numpy_block(x, w, n_head, gelu, rotary):
    """x (B, T, C) -> (B, T, C), with the weights under nanoGPT's names."""
    B, T, C = x.shape
    D = C // n_head
    h = normalized(x, w["ln_1.weight"], w["ln_1.bias"])
    qkv = h @ w["attn.c_attn.weight"].T + w["attn.c_attn.bias"]
    mixed = np.zeros_like(x)
    for b in range(B):
        for head in range(n_head):
            q, k, v = (qkv[b, :, n * C + head * D : n * C + (head + 1) * D] for n in range(3))
            if rotary:
                q = np.array([turned(row, t) for t, row in enumerate(q)])
                k = np.array([turned(row, t) for t, row in enumerate(k)])
            for t in range(T):
                scores = [math.exp(q[t] @ k[s] / math.sqrt(D)) for s in range(t + 1)]
                for s in range(t + 1):
                    mixed[b, t, head * D : (head + 1) * D] += scores[s] / sum(scores) * v[s]
    x = x + mixed @ w["attn.c_proj.weight"].T + w["attn.c_proj.bias"]
    h = normalized(x, w["ln_2.weight"], w["ln_2.bias"])
    h = bent(h @ w["mlp.c_fc.weight"].T + w["mlp.c_fc.bias"], gelu)
    return x + h @ w["mlp.c_proj.weight"].T + w["mlp.c_proj.bias"]


def numpy_gpt(ids, w, n_head, gelu):
    """ids (B, T) -> logits (B, T, V): GPT-2 with the weights under nanoGPT's names."""
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][: ids.shape[1]]
    layers = 1 + max(int(name.split(".")[2]) for name in w if ".h." in name)
    for layer in range(layers):
        prefix = f"transformer.h.{layer}."
        own = {k.removeprefix(prefix): v for k, v in w.items() if k.startswith(prefix)}
        x = numpy_block(x, own, n_head, gelu, rotary=False)
    x = normalized(x, w["transformer.ln_f.weight"], w["transformer.ln_f.bias"])
    return x @ w["lm_head.weight"].T


BLOCK_NAMES = {
    "norm_1.gain": "ln_1.weight",
    "norm_1.bias": "ln_1.bias",
    "attention.query_key_value.weight": "attn.c_attn.weight",
    "attention.query_key_value.bias": "attn.c_attn.bias",
    "attention.project.weight": "attn.c_proj.weight",
    "attention.project.bias": "attn.c_proj.bias",
    "norm_2.gain": "ln_2.weight",
    "norm_2.bias": "ln_2.bias",
    "feed_forward.widen.weight": "mlp.c_fc.weight",
    "feed_forward.widen.bias": "mlp.c_fc.bias",
    "feed_forward.project.weight": "mlp.c_proj.weight",
    "feed_forward.project.bias": "mlp.c_proj.bias",
}


def gpt2_names(n_layer):
    """Our name -> the name in nanoGPT and in Hugging Face's GPT-2."""
    names = {
        "embedding.weight": "transformer.wte.weight",
        "position.weight": "transformer.wpe.weight",
        "norm.gain": "transformer.ln_f.weight",
        "norm.bias": "transformer.ln_f.bias",
        "head.weight": "lm_head.weight",
    }
    for layer in range(n_layer):
        for ours, theirs in BLOCK_NAMES.items():
            names[f"blocks.{layer}.{ours}"] = f"transformer.h.{layer}.{theirs}"
    return names


# ---- causality


@POSITIONS
def test_a_later_symbol_changes_no_earlier_logit(positions):
    model = moved(GPT(sizes(positions=positions)))
    ids = random_ids(B, CONTEXT)
    before, _ = model(ids)
    for t in range(CONTEXT):
        other = ids.clone()
        other[:, t] = (other[:, t] + 1) % V
        after, _ = model(other)
        assert torch.equal(after[:, :t], before[:, :t])
        assert (after[:, t:] != before[:, t:]).any(dim=-1).all(), "and every later one notices"


@POSITIONS
def test_no_gradient_comes_from_the_future(positions):
    model = moved(GPT(sizes(positions=positions)))
    seen = []
    model.embedding.register_forward_hook(lambda module, args, out: seen.append(out))
    logits, _ = model(random_ids(B, T))
    for i in range(T):
        (gradient,) = torch.autograd.grad(logits[:, i].sum(), seen[0], retain_graph=True)
        assert not gradient[:, i + 1 :].any()
        assert gradient[:, : i + 1].any(dim=-1).all()


# ---- the parts


def packed(attention, x):
    """Queries, keys and values (B, H, T, D) of an attention layer, by its weights alone."""
    w, b = attention.query_key_value.weight, attention.query_key_value.bias
    for weight, bias in zip(w.chunk(3), b.chunk(3)):
        part = x @ weight.T + bias
        yield torch.stack(part.split(part.shape[-1] // attention.H, dim=-1), dim=1)


def joined(attention, out):
    """Heads (B, H, T, D) side by side, through the last projection -> (B, T, C)."""
    side_by_side = torch.cat(out.unbind(1), dim=-1)
    return side_by_side @ attention.project.weight.T + attention.project.bias


@pytest.mark.usefixtures("float64")
def test_attention_equals_torch():
    attention = moved(MultiHeadAttention(sizes(positions="learned")))
    x = random_x(B, T, C)
    theirs = F.scaled_dot_product_attention(*packed(attention, x), is_causal=True)
    torch.testing.assert_close(attention(x), joined(attention, theirs), atol=1e-10, rtol=0)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("training", [False, True])
def test_watched_weights_are_those_that_mix_the_values(training):
    config = sizes(positions="rotary", dropout=0.5)
    attention = moved(MultiHeadAttention(config)).train(training)
    x = random_x(B, T, C)
    unwatched = attention(x)
    assert attention.weights is None
    attention.watch = True
    out = attention(x)
    weights = attention.weights
    assert weights.shape == (B, H, T, T) and not weights.requires_grad
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(B, H, T), atol=1e-12, rtol=0)
    assert not weights.triu(1).any()
    assert (weights.tril() > 0).sum() == B * H * T * (T + 1) / 2
    *_, v = packed(attention, x)
    torch.testing.assert_close(out, joined(attention, weights @ v), atol=1e-10, rtol=0)
    assert torch.equal(out, unwatched)


def test_watched_weights_with_a_cache_span_the_past():
    attention = moved(MultiHeadAttention(sizes()))
    attention.watch = True
    x, cache = random_x(B, T, C), {}
    attention(x)
    whole = attention.weights
    attention(x[:, :-2], cache)
    attention(x[:, -2:], cache)
    assert attention.weights.shape == (B, H, 2, T)
    torch.testing.assert_close(attention.weights, whole[:, :, -2:])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@POSITIONS
def test_the_fused_kernel_of_a_gpu_gives_the_same_logits(positions):
    model = moved(GPT(sizes(positions=positions)))
    ids = random_ids(B, T)
    there, cache = deepcopy(model).cuda(), []
    steps = [there(ids[:, :2].cuda(), cache=cache)[0], there(ids[:, 2:].cuda(), cache=cache)[0]]
    torch.testing.assert_close(there(ids.cuda())[0].cpu(), model(ids)[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.cat(steps, 1).cpu(), model(ids)[0], atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("float64")
def test_layer_norm_equals_torch():
    ours, theirs = moved(LayerNorm(C)), nn.LayerNorm(C)
    theirs.load_state_dict({"weight": ours.gain.detach(), "bias": ours.bias.detach()})
    for scale, mean in [(1, 0), (1e-3, 0), (10, 100)]:
        x = scale * random_x(B, T, C) + mean
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-12, rtol=0)


@pytest.mark.usefixtures("float64")
def test_layer_norm_looks_at_one_position_alone():
    norm = moved(LayerNorm(C))
    x = random_x(B, T, C)
    for b, t in np.ndindex(B, T):
        torch.testing.assert_close(norm(x)[b, t], norm(x[b, t]), atol=1e-12, rtol=0)


@pytest.mark.usefixtures("float64")
@POSITIONS
@pytest.mark.parametrize("gelu", ["tanh", "none"])
def test_block_equals_numpy(positions, gelu):
    block = moved(TransformerBlock(sizes(positions=positions, gelu=gelu)))
    w = {BLOCK_NAMES[k]: p.detach().numpy() for k, p in block.named_parameters()}
    x = random_x(B, T, C)
    expected = numpy_block(x.numpy(), w, H, gelu, rotary=positions == "rotary")
    np.testing.assert_allclose(block(x).detach().numpy(), expected, atol=1e-10, rtol=0)


@pytest.mark.usefixtures("float64")
def test_rotation_equals_cosines_and_sines():
    rotate = PositionalEncoding(CONTEXT, D)
    x = random_x(B, H, T, D)
    expected = x.numpy().copy()
    for b, h, t in np.ndindex(B, H, T):
        expected[b, h, t] = turned(expected[b, h, t], 2 + t)
    np.testing.assert_allclose(rotate(x, start=2).numpy(), expected, atol=1e-12, rtol=0)


def test_rotation_keeps_lengths_and_leaves_the_first_position():
    x = random_x(B, H, T, D)
    out = PositionalEncoding(CONTEXT, D)(x)
    torch.testing.assert_close(out.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(out[:, :, 0], x[:, :, 0])
    assert not torch.isclose(out[:, :, 1:], x[:, :, 1:]).all(dim=-1).any()


def test_products_of_turned_vectors_depend_on_their_distance_alone():
    rotate = PositionalEncoding(32, D)
    q, k = random_x(1, 1, 1, D), random_x(1, 1, 1, D, seed=1)

    def product(i, j):
        return (rotate(q, i) * rotate(k, j)).sum().item()

    at_distance = [product(0, d) for d in range(8)]
    assert len({round(p, 3) for p in at_distance}) == 8
    for shift in (1, 5, 24):
        shifted = [product(shift, shift + d) for d in range(8)]
        assert shifted == pytest.approx(at_distance, abs=1e-5)


def test_rotation_in_half_precision_keeps_the_type():
    out = PositionalEncoding(CONTEXT, D)(random_x(B, H, T, D).bfloat16())
    assert out.dtype == torch.bfloat16


# ---- the whole


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("ours", "theirs"), [("tanh", "gelu_new"), ("none", "gelu")])
def test_logits_equal_those_of_hugging_face(ours, theirs):
    transformers = pytest.importorskip(
        "transformers",
        reason="the authority is Hugging Face: pip install -r requirements-maintain.txt",
    )
    config = transformers.GPT2Config(
        vocab_size=V, n_positions=CONTEXT, n_embd=C, n_layer=L, n_head=H, activation_function=theirs
    )
    gpt2 = moved(transformers.GPT2LMHeadModel(config))
    saved, state = gpt2.state_dict(), {}
    for our_name, name in gpt2_names(L).items():
        matrix_of_conv1d = ".h." in name and saved[name].ndim == 2  # stored as (in, out)
        state[our_name] = saved[name].T if matrix_of_conv1d else saved[name]
    model = GPT(sizes(positions="learned", gelu=ours)).eval()
    model.load_state_dict(state)
    ids = random_ids(B, CONTEXT)
    torch.testing.assert_close(
        model(ids)[0], gpt2(ids).logits, atol=1e-5, rtol=0, check_dtype=False
    )


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("gelu", ["none", "tanh"])  # nanoGPT bends by erf, GPT-2 by tanh
def test_logits_equal_nanogpts_equations(gelu):
    model = moved(GPT(sizes(positions="learned", gelu=gelu)))
    state, names = model.state_dict(), gpt2_names(L)
    assert state.keys() == names.keys()
    w = {theirs: state[ours].numpy() for ours, theirs in names.items()}
    ids = random_ids(B, T)
    expected = numpy_gpt(ids.numpy(), w, H, gelu)
    np.testing.assert_allclose(model(ids)[0].detach().numpy(), expected, atol=1e-10, rtol=0)


@POSITIONS
@pytest.mark.parametrize(
    ("size", "symbols"),
    [("tiny", 65), ("small", 65), ("medium", 65), ("large", 65), ("tiny", 4), ("tiny", 20)],
)
def test_loss_at_birth_is_that_of_a_shrug(positions, size, symbols):
    s = SIZES[size]
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        model = GPT(Config(symbols, 32, s.n_layer, s.n_head, s.n_embd, positions=positions)).eval()
        ids = torch.randint(symbols, (4, 33))
        with torch.no_grad():
            _, loss = model(ids[:, :-1], ids[:, 1:])
        assert loss.item() == pytest.approx(math.log(symbols), rel=0.05)


@POSITIONS
def test_a_batch_is_learned_by_heart(positions):
    torch.manual_seed(0)
    model = GPT(sizes(positions=positions))
    ids = random_ids(B, CONTEXT + 1)
    ids[:, 0] = torch.arange(B)  # what follows an equal start could not be known
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(80):
        _, loss = model(ids[:, :-1], ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


@pytest.mark.usefixtures("float64")
def test_loss_is_the_cross_entropy_of_raw_logits():
    model = moved(GPT(sizes()))
    ids, targets = random_ids(B, T), random_ids(B, T, seed=1)
    with torch.no_grad():
        logits, loss = model(ids, targets)
        assert torch.equal(model(ids)[0], logits) and model(ids)[1] is None
    assert logits.shape == (B, T, V)
    assert (logits < 0).any(), "no softmax in the model"
    assert ((logits.exp().sum(dim=-1) - 1).abs() > 0.1).any(), "no logarithm of a softmax either"
    nats = [
        math.log(sum(math.exp(logit) for logit in logits[b, t])) - logits[b, t, targets[b, t]]
        for b, t in np.ndindex(B, T)
    ]
    assert loss.item() == pytest.approx(sum(nats).item() / (B * T), abs=1e-6)
    plain = F.cross_entropy(logits.reshape(-1, V), targets.reshape(-1))
    torch.testing.assert_close(loss, plain)


# ---- weights


def test_embedding_and_head_are_one_tensor_and_stay_so():
    model = moved(GPT(sizes()))
    assert model.head.weight is model.embedding.weight
    names = [n for n, p in model.named_parameters() if p.shape == (V, C)]
    assert names == ["embedding.weight"]
    other = GPT(sizes())
    other.load_state_dict(model.state_dict())
    for copied in (other, deepcopy(model)):
        assert copied.head.weight is copied.embedding.weight
        assert torch.equal(copied.head.weight, model.head.weight)
        with torch.no_grad():
            copied.embedding.weight.add_(1)
        assert torch.equal(copied.head.weight, model.head.weight + 1)


@pytest.mark.usefixtures("float64")
def test_the_tied_gradient_is_the_sum_of_both_uses():
    model = moved(GPT(sizes()))
    ids, targets = random_ids(B, T), random_ids(B, T, seed=1)
    model(ids, targets)[1].backward()
    reads = model.embedding.weight.detach().clone().requires_grad_()
    writes = reads.detach().clone().requires_grad_()
    apart = {"embedding.weight": reads, "head.weight": writes}
    _, loss = torch.func.functional_call(model, apart, (ids, targets), tie_weights=False)
    loss.backward()
    assert reads.grad.any() and writes.grad.any()
    together = reads.grad + writes.grad
    torch.testing.assert_close(model.embedding.weight.grad, together, atol=1e-7, rtol=0)


@POSITIONS
@pytest.mark.parametrize(("layers", "heads", "channels"), [(1, 1, 2), (2, 3, 12), (3, 5, 20)])
def test_the_number_of_parameters_has_a_formula(positions, layers, heads, channels):
    model = GPT(sizes(n_layer=layers, n_head=heads, n_embd=channels, positions=positions))
    gather = channels * 3 * channels + 3 * channels + channels * channels + channels
    think = channels * 4 * channels + 4 * channels + 4 * channels * channels + channels
    norms = 2 * 2 * channels
    expected = V * channels + layers * (gather + think + norms) + 2 * channels
    expected += CONTEXT * channels if positions == "learned" else 0
    assert sum(p.numel() for p in model.parameters()) == expected
    buffers = [name for name in model.state_dict() if name not in dict(model.named_parameters())]
    assert buffers == ["head.weight"], "no table of angles in the checkpoint"


def test_at_birth_a_block_adds_nothing():
    torch.manual_seed(0)
    x = random_x(B, T, C)
    for block in GPT(sizes()).eval().blocks:
        assert torch.equal(block(x), x)


# ---- dropout


def test_dropout_is_nothing_in_eval_mode():
    ids = random_ids(B, T)
    plain, dropping = moved(GPT(sizes())), GPT(sizes(dropout=0.5)).eval()
    dropping.load_state_dict(plain.state_dict())
    assert torch.equal(dropping(ids)[0], plain(ids)[0])
    dropping.train()
    assert not torch.equal(dropping(ids)[0], dropping(ids)[0])


def test_dropout_keeps_its_share_and_scales_what_it_keeps():
    model = moved(GPT(sizes(dropout=0.3, n_embd=60, context=64))).train()
    calls = []
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.register_forward_hook(lambda module, args, out: calls.append((args[0], out)))
    torch.manual_seed(0)
    model(random_ids(8, 64))
    assert len(calls) == 1 + 2 * L, "once after the embedding, twice a block"
    for before, after in calls:
        kept = after != 0
        torch.testing.assert_close(after[kept], before[kept] / 0.7)
        sigma = math.sqrt(0.3 * 0.7 / after.numel())
        assert kept.double().mean().item() == pytest.approx(0.7, abs=4 * sigma)


# ---- the cache, and generation


def in_chunks(model, ids, chunks):
    """Logits of ids (B, T), fed piece by piece with one cache."""
    cache = []
    return torch.cat([model(chunk, cache=cache)[0] for chunk in ids.split(chunks, dim=1)], dim=1)


CHUNKS = pytest.mark.parametrize("chunks", [[1] * CONTEXT, [3, 1, 2, 1], [CONTEXT - 1, 1], [2, 5]])


@POSITIONS
@CHUNKS
def test_a_cache_changes_no_logit(positions, chunks):
    model, ids = moved(GPT(sizes(positions=positions))), random_ids(B, CONTEXT)
    torch.testing.assert_close(in_chunks(model, ids, chunks), model(ids)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.usefixtures("float64")
@POSITIONS
@CHUNKS
def test_a_cache_changes_no_logit_in_float64(positions, chunks):
    model, ids = moved(GPT(sizes(positions=positions))), random_ids(B, CONTEXT)
    logits = model(ids)[0]
    assert logits.dtype == torch.float64, "float64 in, float64 out"
    torch.testing.assert_close(in_chunks(model, ids, chunks), logits, atol=1e-10, rtol=0)


def slow_generate(model, ids, length, generator):
    """Without a cache: the last `context` symbols; a full window starts afresh with its half."""
    context = model.config.context
    window = ids[:, max(0, ids.shape[1] - context) :]
    for _ in range(length):
        with torch.no_grad():
            chosen = choose(model(window)[0][:, -1], generator=generator)
        yield chosen
        window = torch.cat([window, chosen[:, None]], dim=1)
        if window.shape[1] == context + 1:
            window = window[:, context + 1 - max(1, context // 2) :]


@pytest.mark.usefixtures("float64")
@POSITIONS
@pytest.mark.parametrize("context", [1, 2, 7, 8])
@pytest.mark.parametrize("prompt", [1, 4, 8, 11])
def test_generation_equals_a_loop_without_a_cache(positions, context, prompt):
    model = moved(GPT(sizes(positions=positions, context=context)))
    ids, length = random_ids(B, prompt), 4 * context + 3
    ours = model.generate(ids, length, generator=torch.Generator().manual_seed(3))
    plain = slow_generate(model, ids, length, torch.Generator().manual_seed(3))
    ours, plain = torch.stack(list(ours)), torch.stack(list(plain))
    assert ours.shape == (length, B)
    assert torch.equal(ours, plain)
    assert len(ours.unique()) > 1


def test_generation_never_asks_for_more_than_the_context():
    model, lengths = moved(GPT(sizes())), []
    model.register_forward_hook(lambda module, args, out: lengths.append(args[0].shape[1]))
    list(model.generate(random_ids(1, 3), 20))
    # a full window of 7 starts afresh with 3; between, one symbol a step
    assert lengths == [3, 1, 1, 1, 1, 3, 1, 1, 1, 1, 3, 1, 1, 1, 1, 3, 1, 1, 1, 1]


def test_generation_passes_its_settings_on():
    model, ids = moved(GPT(sizes())), random_ids(B, T)
    with torch.no_grad():
        likeliest = model(ids)[0][:, -1].argmax(dim=-1)
    for setting in ({"temperature": 0}, {"top_k": 1}, {"top_p": 1e-6}):
        assert torch.equal(next(model.generate(ids, 1, **setting)), likeliest)
    assert list(model.generate(ids, 0)) == []


def test_generation_repeats_the_stop_and_ends_when_all_rows_have_it():
    model, ids, stop = moved(GPT(sizes())), random_ids(3, 2), 6

    def drawn(**more):
        generator = torch.Generator().manual_seed(0)
        return torch.stack(list(model.generate(ids, 60, generator=generator, **more)), dim=1)

    plain, stopped = drawn(), drawn(stop=stop)
    firsts = [row.tolist().index(stop) for row in plain]
    assert len(set(firsts)) == 3, "the rows end at different moments"
    assert stopped.shape == (3, max(firsts) + 1)
    for row, same, first in zip(stopped, plain, firsts):
        assert torch.equal(row[: first + 1], same[: first + 1])
        assert (row[first:] == stop).all()


def test_generation_builds_no_graph_and_leaves_gradients_on():
    model = moved(GPT(sizes()))
    for chosen in model.generate(random_ids(1, 1), 3):
        assert torch.is_grad_enabled() and not chosen.requires_grad
    assert model(random_ids(1, 1))[0].requires_grad


# ---- refusals


def assert_one_sentence(error):
    text = str(error.value)
    assert 10 < len(text) < 160 and "\n" not in text and ". " not in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_embd": 10},
        {"n_embd": 0},
        {"n_embd": -3},
        {"n_head": 0},
        {"n_head": 13},
        {"vocab_size": 0},
        {"context": 0},
        {"n_layer": 0},
        {"positions": "sinus"},
        {"n_embd": 9},  # three channels a head cannot be paired
    ],
    ids=str,
)
def test_sizes_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError) as error:
        GPT(sizes(**wrong))
    assert_one_sentence(error)


def test_an_odd_head_is_fine_without_rotation():
    assert GPT(sizes(n_embd=9, positions="learned"))(random_ids(B, T))[0].shape == (B, T, V)


@POSITIONS
@pytest.mark.parametrize(
    "ids",
    [
        torch.zeros(B, CONTEXT + 1, dtype=torch.long),
        torch.zeros(B, 0, dtype=torch.long),
        torch.tensor([[0, V]]),
        torch.tensor([[0, -1]]),
    ],
    ids=["too long", "empty", "too large", "negative"],
)
def test_ids_that_do_not_fit_are_refused(ids, positions):
    with pytest.raises(ValueError) as error:
        GPT(sizes(positions=positions))(ids)
    assert_one_sentence(error)


@POSITIONS
def test_a_full_cache_is_refused(positions):
    model, cache = GPT(sizes(positions=positions)), []
    model(random_ids(B, CONTEXT), cache=cache)
    with pytest.raises(ValueError) as error:
        model(random_ids(B, 1), cache=cache)
    assert_one_sentence(error)
    assert str(CONTEXT + 1) in str(error.value)
