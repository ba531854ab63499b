"""The parts of the model at work on numbers so small that you can follow them by hand.

python day3/by_numbers.py
"""

import math

import torch
import torch.nn.functional as F

import optim
from decoding import choose
from diagram import small
from model import LayerNorm, MultiHeadAttention, PositionalEncoding
from text import Alphabet, Batches


def normed():
    """Layer norm of three numbers, at birth."""
    x = torch.tensor([1.0, 2, 3])
    print(f"x {shown(x)}, mean {x.mean():.3f}, variance {x.var(correction=0):.3f}")
    print(f"normed {shown(LayerNorm(3)(x))}")


def turned():
    """One pair turned by place 2; and the product of a query and a key, wherever the two stand."""
    turn = PositionalEncoding(16, 4)
    pair = torch.tensor([1.0, 0, 1, 0]).view(1, 1, 1, 4)
    print(f"(1, 0) and (1, 0) at place 2: {shown(turn(pair, 2).flatten())}")
    q, k = torch.tensor([[1.0, 2, 3, 4], [2, 0, -1, 1]]).view(2, 1, 1, 1, 4)
    for i, j in ((2, 0), (5, 3), (3, 0)):
        product = (turn(q, i) * turn(k, j)).sum()
        print(f"query at {i}, key at {j}: {product:.3f}")


def gathered(model):
    """One head's axes from start to end, and the cache of a text of 128 characters."""
    layer: MultiHeadAttention = model.blocks[0].attention
    C, H = model.config.n_embd, layer.H
    x, cache = torch.zeros(1, 128, C), {}
    packed = layer.query_key_value(x)
    out = layer(x, cache)
    print(f"x {tuple(x.shape)}, packed {tuple(packed.shape)}, each head {C // H} channels")
    print(f"keys in the cache {tuple(cache['k'].shape)}, out {tuple(out.shape)}")
    numbers = 2 * cache["k"].numel() * len(model.blocks)
    print(f"keys and values of {len(model.blocks)} blocks: {numbers} numbers, {4 * numbers} bytes")


def born(model, ids):
    """What a model says before its first step."""
    V = model.config.vocab_size
    with torch.no_grad():
        logits, loss = model(ids[:, :-1], ids[:, 1:])
    print(f"{sum(p.numel() for p in model.parameters())} parameters")
    print(f"logits between {logits.min():.3f} and {logits.max():.3f}")
    print(f"loss at birth {loss:.3f}, ln {V} = {math.log(V):.3f}")


def drawn():
    """Three logits at three temperatures: the shares, and 1000 draws."""
    logits = torch.tensor([[2.0, 1, 0]])
    for temperature in (0.5, 1.0, 2.0):
        shares = (logits[0] / temperature).softmax(dim=-1)
        rows, generator = logits.expand(1000, -1), torch.Generator().manual_seed(0)
        counts = choose(rows, temperature, generator=generator).bincount(minlength=3)
        print(f"temperature {temperature}: shares {shown(shares)}, drawn {counts.tolist()}")


def dealt():
    """A text as ids, and one batch of two windows."""
    text = "to be or not to be"
    alphabet = Alphabet(text)
    print(f"alphabet {alphabet.symbols!r}, 'to be' is {alphabet.encode('to be').tolist()}")
    x, y = Batches(alphabet.encode(text), B=2, T=4, seed=1)[0]
    for row_x, row_y in zip(x, y, strict=True):
        print(f"inputs {alphabet.decode(row_x)!r}, targets {alphabet.decode(row_y)!r}")


def moved():
    """A schedule of 1000 steps, a gradient under a ceiling, two steps of AdamW."""
    steps = (0, 19, 20, 509, 999)
    shares = torch.tensor([optim.warmup_cosine(step, 1000) for step in steps])
    print(f"share of the rate at the steps {', '.join(map(str, steps))}: {shown(shares)}")
    weight = torch.nn.Parameter(torch.tensor([0.5, 0.5]))
    weight.grad = torch.tensor([3.0, 4.0])
    norm = optim.clip_gradients([weight], 1.0)
    print(f"gradient 3, 4: norm {norm:.3f}, clipped to 1: {shown(weight.grad)}")
    adamw = optim.AdamW([weight], lr=0.1)
    for gradient in ((3.0, 0.004), (-1.0, 0.004)):
        before, weight.grad = weight.detach().clone(), torch.tensor(gradient)
        adamw.step()
        print(f"gradient {shown(weight.grad)}: AdamW moves by {shown(weight.detach() - before)}")


def judged():
    """The loss over eight symbols in windows of three: three, three, and the one that is left."""
    table = torch.tensor([[0.0, 2], [1, 0]])  # logits after a 0, after a 1
    text = torch.tensor([0, 1, 0, 0, 1, 1, 0, 1])
    each = F.cross_entropy(table[text[:-1]], text[1:], reduction="none")
    means = torch.stack([part.mean() for part in each.split(3)])
    print(f"each {shown(each)}")
    print(f"their mean {each.mean():.3f}; the mean of the windows' means {means.mean():.3f}")


def shown(numbers):
    """1.000, 2.000"""
    return ", ".join(f"{x:.3f}" for x in numbers.tolist())


def main():
    torch.manual_seed(0)
    model, _ = small()
    ids = torch.randint(model.config.vocab_size, (16, 129))
    for title, part in (
        ("layer norm", normed),
        ("positions that turn", turned),
        ("heads and their cache", lambda: gathered(model)),
        ("the model before its first step", lambda: born(model, ids)),
        ("one draw", drawn),
        ("a text, and a batch of it", dealt),
        ("how a weight moves", moved),
        ("a loss over windows", judged),
    ):
        print(f"{title}\n")
        part()
        print()


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
