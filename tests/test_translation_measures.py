"""What is measured of a translator, of reversed strings and of three designs, by hand."""

import math

import pytest
import torch

import memory_use
import reverse
import three_designs
from bleu import bleu
from pairs import number_data
from sequences import decoder_mask, real_lengths, shift_right
from translators import small_model


@torch.no_grad()
def test_what_each_layer_takes_is_what_a_loop_over_real_places_finds():
    model, data = small_model()
    source, target = memory_use.ids_of(data, data.test)
    sizes, reads = real_lengths(source).tolist(), shift_right(target)
    places = [(b, t) for b, n in enumerate(real_lengths(target).tolist()) for t in range(n)]
    assert len(set(sizes)) > 1 and len(places) < target.numel()  # both sides have padding

    def mean(values):
        return pytest.approx(sum(values) / len(values), rel=1e-4)

    memory, mask = model.encode(source)
    past = decoder_mask(real_lengths(reads), reads.shape[1])
    x = model.embed(model.target, reads)
    for layer, row in zip(model.decoder, memory_use.use_by_layer(model, data, data.test)):
        x = layer.gathered(x, lambda h, layer=layer: layer.attention(h, h, past))
        layer.cross.watch = True
        added = layer.cross(x, memory, mask)
        layer.cross.watch = False
        assert row["share"] == mean([(added[at].norm() / x[at].norm()).item() for at in places])
        spreads = []
        for b, t in places:
            for weights in layer.cross.weights[b, :, t, : sizes[b]].tolist():
                spreads.append(-sum(w * math.log(w) for w in weights))
        assert row["entropy"] == mean(spreads)
        assert row["uniform"] == mean([math.log(sizes[b]) for b, _ in places])
        x = layer.thought(layer.looked(x, lambda _, added=added: added), layer.feed_forward)


@torch.no_grad()
def test_without_the_layers_of_the_encoder_the_memory_is_the_embeddings():
    model, data = small_model()
    source, target = memory_use.ids_of(data, data.test)
    _, mask = model.encode(source)
    wanted = model.decode(target, model.embed(model.source, source), mask)
    with memory_use.ablations(model)["the encoder's layers: the memory is the embeddings"]:
        torch.testing.assert_close(model(source, target), wanted)


def test_a_letter_counts_where_its_largest_weight_lies_on_the_anti_diagonal(monkeypatch):
    def cross_map(model, letters):
        """Straight for two letters; turned round for more, END apart."""
        n = len(letters)
        straight = torch.eye(n + 1)
        turned = torch.block_diag(torch.eye(n).flip(0), torch.eye(1))
        return straight if n == 2 else turned

    monkeypatch.setattr(reverse, "cross_map", cross_map)
    two, six = reverse.pair([3, 4]), reverse.pair([3, 4, 5, 6, 7, 8])
    assert reverse.on_anti_diagonal(None, [two]) == 0
    assert reverse.on_anti_diagonal(None, [six]) == 1
    assert reverse.on_anti_diagonal(None, [two, six]) == 6 / 8


def test_a_run_is_told_by_its_last_losses_and_by_what_was_written(monkeypatch):
    data, models = number_data(tests=2), []
    (one, right), (other, _) = data.test

    def train(model, draw, steps, B, rate, seed):
        assert (draw, B, rate, seed) == (data.draw, 64, 2e-3, 7)
        for step in range(1, steps + 1):
            yield step, float(steps - step), step / 2

    def written(model, given, sources):
        assert given is data and list(sources) == [one, other] and not model.training
        models.append(model)
        return [right, right]

    monkeypatch.setattr(three_designs, "train", train)
    monkeypatch.setattr(three_designs, "written", written)
    for name in three_designs.designs(4, 4):
        found = three_designs.run(name, 7, 50, data)
        assert found == three_designs.run(name, 7, 50, data)
        assert found == {
            "parameters": sum(p.numel() for p in models[-1].parameters()),
            "loss": 9.5,  # the mean of 0..19
            "exact": 0.5,
            "BLEU": bleu([right, right], [target for _, target in data.test]),
            "seconds": 25,
        }
        once, again = (list(model.parameters()) for model in models[-2:])
        assert all(map(torch.equal, once, again))
