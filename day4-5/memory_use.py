"""What does a translator use its source for? Take its memory away in parts, watch where it looks.

Letters: B sentences, S source positions, T target positions, H heads, L layers.

    python day4-5/memory_use.py     of the model that day4-5/translate.py has trained last
"""

import sys
from contextlib import contextmanager

import torch
import torch.nn as nn

from beam import greedy
from pairs import joined, number_data
from sequences import END, PAD, START, padded, sequence_loss, shift_right
from translate import last, load

SENTENCE = "seventy-one thousand two hundred and eighty"


class Silent(nn.Module):
    """A cross-attention that says nothing: the stream goes past it."""

    def forward(self, x, memory, mask):
        return torch.zeros_like(x)


@contextmanager
def without_cross(model, layers):
    """The model with the cross-attention of some decoder layers silent, as long as it lasts."""
    removed = {n: model.decoder[n].cross for n in layers}
    try:
        for n in layers:
            model.decoder[n].cross = Silent()
        yield model
    finally:
        for n, cross in removed.items():
            model.decoder[n].cross = cross


@contextmanager
def other_memory(model, change):
    """The model with change(source, memory, mask) for its memory and mask, as long as it lasts."""
    encode = model.encode
    try:
        model.encode = lambda source, lengths=None: change(source, *encode(source, lengths))
        yield model
    finally:
        del model.encode


def ablations(model):
    """What to take away: name -> the context in which it is gone."""
    L = len(model.decoder)
    every = {"nothing": without_cross(model, [])}
    for n in range(L):
        every[f"cross-attention of layer {n + 1}"] = without_cross(model, [n])
    every["all cross-attention"] = without_cross(model, range(L))
    every["the source: the memory of another sentence"] = other_memory(
        model, lambda source, memory, mask: (memory.roll(1, 0), mask.roll(1, 0))
    )
    every["the encoder's layers: the memory is the embeddings"] = other_memory(
        model, lambda source, memory, mask: (model.read(model.embed(model.source, source)), mask)
    )
    return every


@torch.no_grad()
def forced(model, source, target):
    """Teacher forcing: the loss, and the share of the symbols of target (B, T) that are right."""
    logits = model(source, shift_right(target))
    real = target != PAD
    right = (logits.argmax(dim=-1) == target)[real].double().mean().item()
    return sequence_loss(logits, target).item(), right


def free(model, source, target):
    """Running free: the shares of symbols in their place, and of sentences, that are right."""
    written = greedy(model, source, model.config.context)
    T = max(written.shape[1], target.shape[1])
    written, target = (nn.functional.pad(ids, (0, T - ids.shape[1])) for ids in (written, target))
    same, real = written == target, target != PAD
    return same[real].double().mean().item(), same.all(dim=1).double().mean().item()


def ids_of(data, some):
    """Pairs of words -> source (B, S) and target (B, T)."""
    sides = zip(*some, strict=True)
    return [
        padded([vocabulary.encode(words) for words in side])
        for vocabulary, side in zip((data.source, data.target), sides, strict=True)
    ]


def measure(model, data, some):
    """Loss and rights of every ablation, forced and free: name -> figures."""
    model.eval()
    source, target = ids_of(data, some)
    rows = {}
    for name, gone in ablations(model).items():
        with gone:
            loss, right = forced(model, source, target)
            symbols, exact = free(model, source, target)
        rows[name] = {"loss": loss, "forced": right, "free": symbols, "exact": exact}
    return rows


@torch.no_grad()
def use_by_layer(model, data, some):
    """How much each decoder layer takes from the memory: a list of figures.

    "share": length of what cross-attention adds over the length of the stream it is added to (of a
    pre-norm layer: over that of the stream's norm).
    "entropy": how widely its weights are spread, in nats, mean over heads and real symbols;
    "uniform": the most it could be, the mean of ln S.
    """
    model.eval()
    source, target = ids_of(data, some)
    real, rows, hooks = target != PAD, [], []
    for layer in model.decoder:
        row, layer.cross.watch = {}, True

        def note(module, given, out, row=row):
            weights = module.weights.clamp(min=1e-12)
            spread = -(weights * weights.log()).sum(dim=-1).mean(dim=1)  # (B, T)
            row["share"] = (out.norm(dim=-1) / given[0].norm(dim=-1))[real].mean().item()
            row["entropy"] = spread[real].mean().item()

        hooks.append(layer.cross.register_forward_hook(note))
        rows.append(row)
    model(source, shift_right(target))
    uniform = (source != PAD).sum(dim=1).double().log()[:, None].expand(real.shape)[real].mean()
    for layer, hook, row in zip(model.decoder, hooks, rows, strict=True):
        layer.cross.watch = False
        row["uniform"] = uniform.item()
        hook.remove()
    return rows


@torch.no_grad()
def cross_maps(model, data, words):
    """Where the decoder looks while it writes its own translation of a list of words.

    -> weights (L, H, T, S), the words of the rows, the words of the columns.
    """
    model.eval()
    source = torch.tensor([data.source.encode(words)])
    written = greedy(model, source, model.config.context)
    for layer in model.decoder:
        layer.cross.watch = True
    model(source, shift_right(written))
    for layer in model.decoder:
        layer.cross.watch = False
    weights = torch.stack([layer.cross.weights[0] for layer in model.decoder])
    marks = {START: "START", END: "END"}
    rows = [marks.get(i, data.target.words[i]) for i in written[0].tolist()]
    return weights, rows, [*words, "END"]


def main():
    from ascii_map import ascii_map
    from pairs import tokens

    model, data = load(last())
    if not data.name.startswith("English to French"):
        raise ValueError(
            f"the last model was trained on {data.name}: train one on number words first, with "
            "python day4-5/translate.py"
        )
    some = number_data().test[:300]
    print(f"{data.name}: {len(some)} unseen numbers")
    for name, row in measure(model, data, some).items():
        print(f"without {name:52} loss {row['loss']:7.4f}   exact {row['exact']:7.2%}")
    for n, row in enumerate(use_by_layer(model, data, some), start=1):
        print(
            f"layer {n}: added over the stream {row['share']:.1%}, spread of the weights "
            f"{row['entropy']:.2f} nats, {row['uniform']:.2f} if all were alike"
        )
    weights, rows, columns = cross_maps(model, data, tokens(SENTENCE))
    print(f"\n{SENTENCE}: {joined(rows).removesuffix(' END')}")
    for n, layer in enumerate(weights, start=1):
        print(
            f"\nlayer {n}, mean of its heads\n{ascii_map(layer.mean(dim=0).numpy(), rows, columns)}"
        )


if __name__ == "__main__":
    import tyro

    from terminal import exit_code

    sys.exit(exit_code("memory_use.py", lambda: tyro.cli(main, description=__doc__)))
