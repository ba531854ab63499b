"""day4-5/encoder_decoder.py against torch's own Transformer, closed formulas and what must not move."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

import relative_bias
from encoder_decoder import Attention, Config, DecoderLayer, EncoderDecoder, EncoderLayer
from paper_sizes import BASE, TABLE_3, one_pass, parameters
from sequences import (
    END,
    PAD,
    START,
    batches,
    decoder_mask,
    padded,
    padding_mask,
    real_lengths,
    sequence_loss,
    shift_right,
    wasted,
)
from translate import Settings, new_model

B, S, T, H, D, M, L = 2, 7, 5, 3, 4, 10, 3
C, V, W = H * D, 11, 13
SIZES = Config(V, W, context=16, n_layer=L, n_head=H, n_embd=C, hidden=M)
LENGTHS, WRITTEN = torch.tensor([S, 4]), torch.tensor([3, T])
ORDERS = pytest.mark.parametrize("order", ["post", "pre"])
DAY = Path(__file__).parent.parent / "day4-5"


@pytest.fixture(autouse=True)
def float64():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def moved(module, std=0.3):
    """Every parameter moved, so that no zero hides a mistake behind it; PAD's rows stay zero."""
    with torch.no_grad():
        for p in module.parameters():
            p.add_(std * torch.randn(p.shape))
        for m in module.modules():
            if isinstance(m, nn.Embedding) and m.padding_idx is not None:
                m.weight[PAD] = 0
    return module.eval()


def words(*shape, V=V):
    return torch.randint(END + 1, V, shape)


def sentences(lengths, V):
    """Random ids, PAD behind each row's length."""
    ids = words(len(lengths), int(lengths.max()), V=V)
    return torch.where(padding_mask(lengths, ids.shape[1])[:, 0, 0], ids, PAD)


# ---- our weights, in torch's modules


def attention_state(ours, prefix):
    parts = [ours.query, ours.key, ours.value]
    return {
        f"{prefix}.in_proj_weight": torch.cat([part.weight for part in parts]),
        f"{prefix}.in_proj_bias": torch.cat([part.bias for part in parts]),
        f"{prefix}.out_proj.weight": ours.project.weight,
        f"{prefix}.out_proj.bias": ours.project.bias,
    }


def layer_state(ours):
    state = attention_state(ours.attention, "self_attn")
    parts = {"linear1": ours.feed_forward[0], "linear2": ours.feed_forward[2]}
    norms = [ours.gathered, ours.thought]
    if getattr(ours, "cross", None) is not None:
        state |= attention_state(ours.cross, "multihead_attn")
        norms.insert(1, ours.looked)
    parts |= {f"norm{n}": residual.norm for n, residual in enumerate(norms, start=1)}
    for name, part in parts.items():
        state |= {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
    return state


def torchs(kind, order, ours):
    theirs = kind(C, H, M, dropout=0.0, batch_first=True, norm_first=order == "pre")
    theirs.load_state_dict(layer_state(ours))
    return theirs.eval()


def future(T):
    return ~torch.ones(T, T, dtype=torch.bool).tril()


def hidden(lengths, S):
    return ~padding_mask(lengths, S)[:, 0, 0]


@pytest.mark.parametrize("kind", ["everything", "padding", "future", "both", "cross"])
def test_attention_is_torchs(kind):
    ours = moved(Attention(C, H))
    theirs = nn.MultiheadAttention(C, H, batch_first=True).eval()
    theirs.load_state_dict({k.removeprefix("a."): v for k, v in attention_state(ours, "a").items()})
    x = torch.randn(B, T, C)
    memory = torch.randn(B, S, C) if kind == "cross" else x
    mask, hide = torch.ones(1, 1, T, memory.shape[1], dtype=torch.bool), {}
    if kind in ("padding", "both"):
        mask, hide = mask & padding_mask(WRITTEN, T), {"key_padding_mask": hidden(WRITTEN, T)}
    if kind in ("future", "both"):
        mask, hide = mask & ~future(T), hide | {"attn_mask": future(T)}
    if kind == "cross":
        mask, hide = padding_mask(LENGTHS, S), {"key_padding_mask": hidden(LENGTHS, S)}
    ours.watch = True
    wanted, weights = theirs(x, memory, memory, average_attn_weights=False, **hide)
    torch.testing.assert_close(ours(x, memory, mask), wanted)
    torch.testing.assert_close(ours.weights, weights)


def test_all_four_matrices_have_the_slope_of_central_differences():
    ours = moved(Attention(C, H))
    x, memory, mask = torch.randn(B, T, C), torch.randn(B, S, C), padding_mask(LENGTHS, S)
    names = [f"{part}.weight" for part in ("query", "key", "value", "project")]
    matrices = [ours.get_parameter(name) for name in names]

    def out(*weights):
        given = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(ours, given, (x, memory, mask))

    assert torch.autograd.gradcheck(out, matrices)
    out(*matrices).square().sum().backward()
    assert all((matrix.grad != 0).any() for matrix in matrices)


@ORDERS
def test_an_encoder_layer_is_torchs(order):
    ours = moved(EncoderLayer(replace(SIZES, order=order)))
    x = torch.randn(B, S, C)
    wanted = torchs(nn.TransformerEncoderLayer, order, ours)(
        x, src_key_padding_mask=hidden(LENGTHS, S)
    )
    real = ~hidden(LENGTHS, S)  # torch's fast path writes zeros to what is padding
    torch.testing.assert_close(ours(x, padding_mask(LENGTHS, S))[real], wanted[real])


@ORDERS
def test_a_decoder_layer_is_torchs(order):
    ours = moved(DecoderLayer(replace(SIZES, order=order)))
    x, memory = torch.randn(B, T, C), torch.randn(B, S, C)
    wanted = torchs(nn.TransformerDecoderLayer, order, ours)(
        x,
        memory,
        tgt_mask=future(T),
        tgt_key_padding_mask=hidden(WRITTEN, T),
        memory_key_padding_mask=hidden(LENGTHS, S),
    )
    found = ours(x, decoder_mask(WRITTEN, T), memory, padding_mask(LENGTHS, S))
    torch.testing.assert_close(found, wanted)


@ORDERS
@pytest.mark.filterwarnings("ignore:enable_nested")
def test_the_whole_model_is_torchs(order):
    ours = moved(EncoderDecoder(replace(SIZES, order=order)))
    theirs = nn.Transformer(
        C, H, L, L, M, dropout=0.0, batch_first=True, norm_first=order == "pre"
    ).eval()
    for stack, layers, norm in (
        (theirs.encoder, ours.encoder, ours.read),
        (theirs.decoder, ours.decoder, ours.written),
    ):
        for their_layer, layer in zip(stack.layers, layers, strict=True):
            their_layer.load_state_dict(layer_state(layer))
        if order == "post":
            stack.norm = None  # torch adds a norm that the paper has not
        else:
            stack.norm.load_state_dict(norm.state_dict())
    source, target = sentences(LENGTHS, V), sentences(WRITTEN, W)
    wanted = theirs(
        ours.embed(ours.source, source),
        ours.embed(ours.target, target),
        tgt_mask=future(T),
        src_key_padding_mask=hidden(LENGTHS, S),
        tgt_key_padding_mask=hidden(WRITTEN, T),
        memory_key_padding_mask=hidden(LENGTHS, S),
    )
    logits = ours(source, target)
    torch.testing.assert_close(logits[..., 1:], (wanted @ ours.target.weight.T)[..., 1:])
    assert (logits[..., PAD] == -torch.inf).all()


def test_symbols_are_scaled_and_told_their_places():
    model = moved(EncoderDecoder(SIZES))
    ids = words(B, S)
    x = model.embed(model.source, ids)
    for t in range(S):
        for i in range(0, C, 2):
            angle = torch.tensor(t / 10000 ** (i / C))
            place = torch.stack((angle.sin(), angle.cos()))
            wanted = model.source.weight[ids[:, t], i : i + 2] * C**0.5 + place
            torch.testing.assert_close(x[:, t, i : i + 2], wanted)


@ORDERS
def test_dropout_takes_from_branches_and_embeddings_in_training_alone(order):
    """Of a half: what is not gone is twice as large. Section 5.4."""
    model = EncoderDecoder(replace(SIZES, order=order, dropout=0.5))
    residual, x, ids = model.encoder[0].gathered, torch.randn(B, T, C), words(B, T)
    residual.norm = nn.Identity()
    for module, call in (
        (residual, lambda: residual(x, torch.tanh) - x),
        (model, lambda: model.embed(model.source, ids)),
    ):
        some = call()
        module.eval()
        whole, gone = call(), some == 0
        torch.testing.assert_close(some, torch.where(gone, 0, 2 * whole))
        assert 0.2 < gone.double().mean() < 0.8
        assert (whole != 0).all()


def test_the_dropout_that_is_asked_for_is_that_of_every_part():
    data = SimpleNamespace(source=range(V), target=range(W))
    model = new_model(data, Settings(dropout=0.3), 16)
    parts = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    assert parts == [0.3] * (1 + 2 * 2 + 2 * 3)  # embed, and each residual of two layers a side


def test_the_first_weights_are_glorots_and_symbols_as_large_as_places():
    config = Config(100, 100, tied="none")
    model = EncoderDecoder(config)
    for m in model.modules():
        if isinstance(m, nn.Linear):
            bound = (6 / (m.in_features + m.out_features)) ** 0.5
            assert 0.98 * bound < m.weight.abs().max() <= bound
            assert m.bias is None or not m.bias.any()
    for table in (model.source, model.target):
        assert table.weight[1:].std().item() == pytest.approx(config.n_embd**-0.5, rel=0.1)


# ---- counts


@ORDERS
@pytest.mark.parametrize("tied", ["all", "output", "none"])
def test_the_formula_counts_the_parameters(order, tied):
    size = V if tied == "all" else W
    config = replace(SIZES, order=order, tied=tied, target_size=size)
    counted = sum(p.numel() for p in EncoderDecoder(config).parameters())
    assert counted == parameters(config)


@pytest.mark.filterwarnings("ignore:enable_nested")
def test_the_base_model_of_the_paper_has_63_million_parameters():
    with torch.device("meta"):
        theirs = nn.Transformer()  # its defaults are the base model, with two norms more
        ours = [EncoderDecoder(replace(BASE, tied=tied)) for tied in ("all", "none")]
    layers = sum(p.numel() for p in theirs.parameters()) - 2 * 2 * BASE.n_embd
    for model, tables in zip(ours, (1, 3), strict=True):
        counted = sum(p.numel() for p in model.parameters())
        assert counted == layers + tables * 37_000 * 512 == parameters(model.config)


def test_the_papers_counts_are_ours_to_five_millions():
    assert BASE == Config(37_000, 37_000, 512, 6, 8, 512, 2048, 0.1, tied="all")
    big = TABLE_3["big"][0]
    assert (big.n_layer, big.n_embd, big.hidden, big.n_head, big.dropout) == (
        6,
        1024,
        4096,
        16,
        0.3,
    )
    for name, (config, millions) in TABLE_3.items():
        assert abs(parameters(config) / 1e6 - millions) < 5, name


def test_the_mebibytes_of_a_pass_are_those_of_its_numbers():
    torch.set_default_dtype(torch.float32)
    config = replace(SIZES, n_embd=96, target_size=V, context=32, tied="all")
    seconds, weights, most = one_pass(config)
    assert weights == pytest.approx(4 * parameters(config) / 2**20)
    assert 0 < seconds < 10
    assert most is None or weights < most < 100_000


def test_no_two_layers_share_a_number():
    model = EncoderDecoder(SIZES)
    assert len(model.encoder) == len(model.decoder) == L
    places = [
        p.data_ptr() for layers in (model.encoder, model.decoder) for p in layers.parameters()
    ]
    assert len(set(places)) == len(places)


# ---- what is seen


def test_the_masks_are_those_of_a_slow_loop():
    mask = decoder_mask(WRITTEN, T)
    assert mask.shape == (B, 1, T, T)
    assert mask.dtype == torch.bool
    for b in range(B):
        for t in range(T):
            for s in range(T):
                assert mask[b, 0, t, s] == (s <= t and s < WRITTEN[b])
    assert mask.any(dim=-1).all()
    assert padding_mask(LENGTHS, S)[1, 0, 0].tolist() == [True] * 4 + [False] * 3


@ORDERS
@pytest.mark.parametrize("positions", ["sinusoidal", "relative"])
def test_padding_changes_nothing_by_what_it_is_or_how_much(order, positions):
    model = moved(EncoderDecoder(replace(SIZES, order=order, positions=positions)))
    source, target = sentences(LENGTHS, V), sentences(WRITTEN, W)
    logits = model(source, target)
    real = padding_mask(WRITTEN, T)[:, 0, 0]
    filled = [torch.where(ids == PAD, 5, ids) for ids in (source, target)]
    longer = [F.pad(ids, (0, 4), value=6) for ids in filled]
    for other in (filled, longer):
        found = model(*other, LENGTHS, WRITTEN)[:, :T]
        torch.testing.assert_close(found[real], logits[real], rtol=0, atol=1e-12)
    alone = model(source[1:, :4], target[1:])
    torch.testing.assert_close(alone[0], logits[1], rtol=0, atol=1e-12)


def test_the_decoder_never_sees_its_future_through_all_layers():
    model = moved(EncoderDecoder(SIZES))
    memory, mask = model.encode(words(1, S))
    x = torch.randn(1, T, C, requires_grad=True)
    out = x
    for layer in model.decoder:
        out = layer(out, decoder_mask(torch.tensor([T]), T), memory, mask)
    for t in range(T):
        (slope,) = torch.autograd.grad(out[0, t].sum() ** 2, x, retain_graph=True)
        assert (slope[0, t + 1 :] == 0).all()
        assert (slope[0, : t + 1] != 0).all()
    ids = words(1, T)
    for t in range(1, T):
        other = ids.clone()
        other[0, t] = (other[0, t] - 2) % (V - 3) + 3
        change = (model.decode(ids, memory, mask) - model.decode(other, memory, mask))[..., 1:]
        assert (change[0, :t] == 0).all()
        assert (change[0, t] != 0).any()


def test_the_encoder_sees_all_of_its_source():
    model = moved(EncoderDecoder(SIZES))
    source = words(1, S)
    memory, _ = model.encode(source)
    other = source.clone()
    other[0, -1] = (other[0, -1] - 2) % (V - 3) + 3
    assert (model.encode(other)[0][0, 0] != memory[0, 0]).any()


def test_real_memory_matters_and_padded_memory_does_not():
    model = moved(EncoderDecoder(SIZES))
    memory, mask = model.encode(sentences(LENGTHS, V))
    reads = words(B, T)
    logits = model.decode(reads, memory, mask)
    for s in range(S):
        other = memory.clone()
        other[1, s] += 1
        same = torch.equal(model.decode(reads, other, mask)[1], logits[1])
        assert same == (s >= LENGTHS[1]), s


def test_one_layer_with_two_masks_is_of_an_encoder_and_of_a_decoder():
    encoder, decoder = moved(EncoderLayer(SIZES)), DecoderLayer(SIZES, cross=False).eval()
    decoder.load_state_dict(encoder.state_dict())  # no parameter of cross-attention is there
    x, everything = torch.randn(B, T, C), torch.ones(1, 1, T, T, dtype=torch.bool)
    for layer in (encoder, decoder):
        layer.attention.watch = True
    assert torch.equal(encoder(x, everything), decoder(x, everything))
    decoder(x, decoder_mask(torch.full((B,), T), T))
    later = future(T)
    assert (encoder.attention.weights > 0).all()
    assert (decoder.attention.weights[..., later] == 0).all()
    assert (decoder.attention.weights[..., ~later] > 0).all()


@pytest.mark.parametrize("cross", [True, False])
def test_every_parameter_of_a_decoder_layer_learns(cross):
    layer = moved(DecoderLayer(SIZES, cross=cross))
    told = (torch.randn(B, S, C), padding_mask(LENGTHS, S)) if cross else ()
    layer(torch.randn(B, T, C), decoder_mask(WRITTEN, T), *told).square().sum().backward()
    unused = [n for n, p in layer.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(name.endswith("key.bias") for name in unused)  # the softmax cancels it
    assert any("cross" in name for name, _ in layer.named_parameters()) is cross


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_works(dtype):
    model = moved(EncoderDecoder(SIZES), std=0.1)
    source, target = sentences(LENGTHS, V), sentences(WRITTEN, W)
    exact = model(source, target)[..., 1:]
    found = model.to(dtype)(source, target)[..., 1:]
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), exact, atol=0.15, rtol=0)


# ---- padding, shift and loss


@pytest.mark.parametrize("tied", ["all", "output", "none"])
def test_the_row_of_padding_stays_zero(tied):
    size = V if tied == "all" else W
    model = EncoderDecoder(replace(SIZES, tied=tied, target_size=size))
    rows = [model.source.weight[PAD], model.target.weight[PAD]]
    assert not any(row.any() for row in rows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    source, target = sentences(LENGTHS, V), sentences(WRITTEN, V)
    before = model.target.weight.detach().clone()
    for _ in range(100):
        loss = sequence_loss(model(source, shift_right(target)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1
    assert not torch.equal(model.target.weight[END + 1], before[END + 1])
    assert not any(table.weight[PAD].any() for table in (model.source, model.target))


def test_the_decoder_reads_what_stands_before():
    target = torch.tensor([[5, 6, 7, END], [8, END, PAD, PAD]])
    assert shift_right(target).tolist() == [[START, 5, 6, 7], [START, 8, END, PAD]]
    assert target[0, 0] == 5  # left as it was


def test_the_loss_is_the_mean_over_real_symbols():
    logits = torch.randn(2, 3, W)
    target = torch.tensor([[5, 6, END], [7, PAD, PAD]])
    real = [(0, 0), (0, 1), (0, 2), (1, 0)]
    wanted = sum(-logits[b, t].softmax(dim=-1)[target[b, t]].log() for b, t in real) / 4
    torch.testing.assert_close(sequence_loss(logits, target), wanted)


def test_buckets_deal_out_every_pair_once_and_waste_less():
    lengths = torch.randint(1, 20, (200, 2)).tolist()
    pairs = [([3] * a, [n + 3] * b) for n, (a, b) in enumerate(lengths)]
    share = {}
    for bucket in (False, True):
        dealt = list(batches(pairs, 16, torch.Generator().manual_seed(1), bucket))
        seen = [row[0] - 3 for _, target in dealt for row in target.tolist()]
        assert sorted(seen) == list(range(200))
        assert seen != sorted(seen)
        for source, target in dealt:
            for x, y in zip(source, target, strict=True):
                a, b = lengths[y[0] - 3]
                assert (x != PAD).sum() == a
                assert (y != PAD).sum() == b
        total = sum(ids.numel() for batch in dealt for ids in batch)
        share[bucket] = wasted(dealt)
        assert share[bucket] == pytest.approx(1 - sum(map(sum, lengths)) / total)
    assert share[True] < 0.75 * share[False]


# ---- T5's positions


def test_the_buckets_are_t5s():
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5")
    distance = torch.arange(-300, 301)
    for both_ways in (True, False):
        wanted = t5.T5Attention._relative_position_bucket(
            distance, bidirectional=both_ways, num_buckets=32, max_distance=128
        )
        assert torch.equal(relative_bias.buckets(distance, both_ways), wanted)


def test_relative_positions_know_distances_and_no_places():
    model = moved(EncoderDecoder(replace(SIZES, positions="relative")))
    one, past = model.encoder[0].attention.bias, model.decoder[0].attention.bias
    assert (one.both_ways, past.both_ways) == (True, False)
    assert all(layer.attention.bias is one for layer in model.encoder)
    assert all(layer.attention.bias is past for layer in model.decoder)
    assert all(layer.cross.bias is None for layer in model.decoder)
    assert not model.table.any()
    row = past.table.weight  # of each distance that is near
    assert torch.equal(past(3, 3)[:, 2], row[[2, 1, 0]].T)
    assert torch.equal(past(3, 3)[:, 0], row[[0, 0, 0]].T)  # all that is later
    scores = one(T, S)
    assert scores.shape == (H, T, S)
    assert torch.equal(scores[:, 1:, 1:], scores[:, :-1, :-1])
    layer = model.encoder[0]
    mask = torch.ones(1, 1, T, T, dtype=torch.bool)
    layer.attention.watch = True
    x = torch.randn(1, T, C)
    layer.attention(x, x, mask)
    with_bias = layer.attention.weights.log()
    layer.attention.bias = None
    layer.attention(x, x, mask)
    change = with_bias - layer.attention.weights.log() - one(T, T)
    torch.testing.assert_close(change, change[..., :1].expand_as(change))


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_attention_with_relative_positions_is_t5s(stack):
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5")
    T, writes = 40, stack == "decoder"  # some keys share a bucket
    model = moved(EncoderDecoder(replace(SIZES, positions="relative")))
    ours = getattr(model, stack)[-1].attention
    parts = {"q": ours.query, "k": ours.key, "v": ours.value, "o": ours.project}
    for part in parts.values():
        nn.init.zeros_(part.bias)  # T5 has none
    config = t5.T5Config(
        d_model=C, d_kv=D, num_heads=H, is_decoder=writes, attn_implementation="eager"
    )
    theirs = t5.T5Attention(config, has_relative_attention_bias=True, layer_idx=0).eval()
    state = {f"{name}.weight": part.weight for name, part in parts.items()}
    state["q.weight"] = ours.query.weight / D**0.5  # T5 does not scale its scores
    theirs.load_state_dict(state | {"relative_attention_bias.weight": ours.bias.table.weight})
    x, mask = torch.randn(1, T, C), torch.ones(1, 1, T, T, dtype=torch.bool)
    if writes:
        mask = mask & ~future(T)
    hide = torch.zeros(1, 1, T, T).masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(ours(x, x, mask), theirs(x, hide)[0])


# ---- what is refused

MODEL = {"source": words(1, 3), "reads": words(1, 3)}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"source": torch.full((1, 17), 3)}, "source has 17 symbols, but this model reads 16"),
        ({"reads": torch.full((1, 17), 3)}, "target has 17 symbols"),
        ({"source": torch.full((1, 3), V)}, "source ids are in 0..10, not 11..11"),
        ({"reads": torch.full((1, 3), -1)}, "target ids are in 0..12"),
        ({"source": torch.full((3,), 3)}, r"source has the shape \(B, T\)"),
        ({"source": torch.zeros(1, 0, dtype=torch.long)}, r"not \(1, 0\)"),
        ({"source": torch.zeros(1, 3, dtype=torch.long)}, "empty"),
        ({"reads": torch.tensor([[1, 0, 4]])}, "PAD stands before a symbol"),
        ({"source_lengths": torch.tensor([0])}, "lengths must be in 1..3, not 0..0"),
        ({"lengths": torch.tensor([4])}, "lengths must be in 1..3, not 4..4"),
        ({"source_lengths": torch.tensor([3, 3])}, "source: a tensor of 1 .* one for each row"),
        ({"lengths": torch.tensor(3)}, r"lengths of target: .* not 3$"),
        ({"lengths": torch.tensor([2.5])}, r"1 whole numbers, one for each row, not .*2\.5"),
        ({"lengths": [3]}, r"a tensor of 1 whole numbers, one for each row, not \[3\]"),
    ],
)
def test_a_wrong_call_is_told(changed, told):
    model = EncoderDecoder(SIZES)
    with pytest.raises(ValueError, match=told):
        model(**MODEL | changed)


def test_lengths_are_for_each_row_and_the_whole_context_is_read():
    model, two = EncoderDecoder(SIZES), words(2, SIZES.context)
    with pytest.raises(ValueError, match="lengths of source: a tensor of 2 whole numbers"):
        model(two, two, torch.tensor([4]))
    assert model(two, two).shape == (2, SIZES.context, W)


def test_heads_that_do_not_fit_are_told_by_the_layers_too():
    for make in (lambda: Attention(C, 5), lambda: EncoderLayer(replace(SIZES, n_head=5))):
        with pytest.raises(ValueError, match="12 channels cannot be dealt out to 5 heads"):
            make()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"n_head": 5}, "12 channels cannot be dealt out to 5 heads"),
        ({"n_layer": 0}, "at least 1"),
        ({"source_size": 3}, "at least 4 symbols"),
        ({"tied": "all"}, 'tied="all" needs one vocabulary, not 11 and 13'),
        ({"order": "both"}, "order is one of"),
        ({"tied": True}, "tied is one of"),
        ({"positions": "none"}, "positions is one of"),
    ],
)
def test_sizes_that_do_not_fit_are_told(changed, told):
    with pytest.raises(ValueError, match=told):
        EncoderDecoder(replace(SIZES, **changed))


@pytest.mark.parametrize(
    ("memory", "mask", "told"),
    [
        ((B, S, C), torch.zeros(1, 1, T, S), "mask must be bool, True where"),
        ((B, S, C), torch.ones(B, 1, S, T, dtype=torch.bool), "does not broadcast"),
        ((B, S, C + 1), torch.ones(1, 1, 1, S, dtype=torch.bool), "differ in B or C"),
        ((B + 1, S, C), torch.ones(1, 1, 1, S, dtype=torch.bool), "differ in B or C"),
        ((B, S, C), torch.zeros(1, 1, 1, S, dtype=torch.bool), "a query may see nothing"),
        ((B, S, C), torch.ones(T, S, dtype=torch.bool).tril(-1), "a query may see nothing"),
        ((B, S, C), torch.tensor(False), "a query may see nothing"),
        ((B, S, C), None, "needs a memory and a mask"),
    ],
)
def test_a_mask_or_a_memory_of_the_wrong_kind_is_told(memory, mask, told):
    with pytest.raises(ValueError, match=told):
        Attention(C, H)(torch.randn(B, T, C), torch.randn(memory), mask)


def test_what_a_layer_lacks_is_told():
    x, mask = torch.randn(B, T, C), decoder_mask(WRITTEN, T)
    layer = DecoderLayer(SIZES)
    for told, given in {
        "needs a memory and a mask": (
            (x, mask),
            (x, mask, x),
            (x, None, x, mask),
            (x, mask, None, mask),
        ),
        r"x has the shape \(B, T, C\), not \(5, 12\)": ((x[0], mask, x, mask),),
    }.items():
        for arguments in given:
            with pytest.raises(ValueError, match=told):
                layer(*arguments)


def test_lengths_and_padding_of_rows():
    assert padded([[3, 4], [5]]).tolist() == [[3, 4], [5, PAD]]
    assert real_lengths(padded([[3, 4], [5]])).tolist() == [2, 1]
    for rows in ([[3], []], []):
        with pytest.raises(ValueError, match="no sequence, or an empty one"):
            padded(rows)


@pytest.mark.parametrize("name", ["encoder_decoder", "relative_bias"])
def test_the_program_runs_from_anywhere(name, tmp_path):
    words = [sys.executable, DAY / f"{name}.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert name != "encoder_decoder" or "63,082,496" in done.stdout
