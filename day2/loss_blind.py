"""Faults that a loss curve does not show, and the test that does.

Each of these models learns: its loss falls smoothly, and some end below the healthy one. Each has a
fault of a kind that is found in real code. What tells them apart is no curve, but a question with a
known answer, asked before the training: `answers` asks six.
Letters: B sequences, T positions, C channels, H heads, D = C / H, V symbols, L blocks.

    python day2/loss_blind.py     the six answers for each of the models
"""

import math
from dataclasses import replace
from functools import partial

import torch
import torch.nn as nn

import classic
from classic import Attention, Design, parts
from ladder import Positions

V, T = 65, 64
DESIGN = Design()
QUESTIONS = {
    "rows": "largest distance of a row of weights from a sum of 1",
    "future": "largest change of an earlier logit when the last symbol is another",
    "batch": "largest change of a sequence's logits when its neighbours are others",
    "torch": "largest distance of a layer of attention from torch's, with the same weights",
    "places": "largest change between the logits of the places in a text of one letter",
    "parameters": "parameters that the closed formula counts and the optimiser does not get",
}
LIMIT = 1e-4  # a sound model stays below it in the first four, above it in "places"


class SoftmaxOverQueries(Attention):
    def weights(self, q, k):
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(*scores.shape[-2:], dtype=torch.bool).triu(1)
        return scores.masked_fill(future, -torch.inf).softmax(dim=-2)


class HeadsScrambled(Attention):
    """The heads are laid side by side by a reshape alone, without turning H and T back."""

    def forward(self, x):
        B, T, C = x.shape
        qkv = self.query_key_value(x).view(B, T, 3, self.H, C // self.H)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        return self.project((self.weights(q, k) @ v).reshape(B, T, C))


class ScaledByC(Attention):
    """The scores are divided by the root of C: the slip of the video's own first version."""

    def weights(self, q, k):
        return super().weights(q / math.sqrt(self.H), k)


class NormOverPositions(nn.LayerNorm):
    """Mean and deviation are taken over the positions of a sequence, the future's with them."""

    def forward(self, x):
        x = (x - x.mean(dim=1, keepdim=True)) / (x.var(dim=1, keepdim=True) + self.eps).sqrt()
        return x * self.weight + self.bias


class NormOverBatch(nn.LayerNorm):
    """Mean and deviation are taken over the sequences of the batch."""

    def forward(self, x):
        if len(x) > 1:
            x = (x - x.mean(dim=0)) / (x.var(dim=0) + self.eps).sqrt()
        return x * self.weight + self.bias


def one_block_for_all(T, design):
    """`[block] * L` makes a list of L times the same block."""
    first, listen, think, last = parts(T, replace(design, L=1))
    return [first, *[listen, think] * design.L, last]


def one_place_for_all(T, design):
    """Every position is given the vector of place 0."""

    class FirstPlace(Positions):
        def forward(self, x):
            return x + self.table[:1]

    _, *rest = parts(T, design)
    return [FirstPlace(T, design.C), *rest]


def blocks_in_a_plain_list(T, design):
    """The blocks stand in a list of Python's, where the optimiser does not find them."""

    class Stack(nn.Module):
        def __init__(self, blocks):
            super().__init__()
            self.blocks = blocks

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    first, *blocks, last = parts(T, design)
    return [first, Stack(blocks), last]


FAULTS = {
    "healthy": parts,
    "softmax over the queries": partial(parts, attention=SoftmaxOverQueries),
    "heads scrambled": partial(parts, attention=HeadsScrambled),
    "scaled by the root of C": partial(parts, attention=ScaledByC),
    "norm over positions": partial(parts, norm=NormOverPositions),
    "norm over the batch": partial(parts, norm=NormOverBatch),
    "one block for all": one_block_for_all,
    "one place for all": one_place_for_all,
    "blocks in a plain list": blocks_in_a_plain_list,
}


@torch.no_grad()
def answers(model):
    """The six questions, asked of a model with V symbols and T places: question -> a number.

    They need no training. The weights of the last layer, 0 at birth, are drawn first, so that its
    logits say something; they are put back.
    """
    head = model.parts[-1].weight
    before = head.clone()
    nn.init.normal_(head, generator=torch.Generator().manual_seed(0))
    ids = torch.randint(V, (4, T), generator=torch.Generator().manual_seed(1))
    logits = model(ids)[0]
    other, neighbours = ids.clone(), ids.flip(0)
    other[:, -1] = (other[:, -1] + 1) % V
    neighbours[0] = ids[0]
    letter = model(torch.full((1, T), 7))[0][0]
    C, M, L, H = DESIGN.C, DESIGN.widen * DESIGN.C, DESIGN.L, DESIGN.H
    block = 4 * C * C + C + 2 * C * M + M + C + 4 * C
    learned = (V + T) * C + L * block + 2 * C + C * V + V
    found = {
        "future": distance(model(other)[0][:, :-1], logits[:, :-1]),
        "batch": distance(model(neighbours)[0][0], logits[0]),
        "places": distance(letter, letter[:1]),
        "parameters": learned - sum(p.numel() for p in model.parameters()),
    }
    head.copy_(before)
    attention = attention_of(model)
    q, k = torch.randn(2, 2, H, 8, C // H, generator=torch.Generator().manual_seed(2))
    found["rows"] = distance(attention.weights(q, k).sum(dim=-1), torch.ones(2, H, 8))
    x = torch.randn(2, 8, C, generator=torch.Generator().manual_seed(3))
    found["torch"] = distance(attention(x), torchs(attention, x))
    return {question: found[question] for question in QUESTIONS}


def attention_of(model):
    """The first layer of attention, also where the blocks stand in a plain list."""
    lists = (held for m in model.modules() for held in vars(m).values() if isinstance(held, list))
    blocks = (block for held in lists for block in held)
    modules = (module for part in (model, *blocks) for module in part.modules())
    return next(module for module in modules if isinstance(module, Attention))


def distance(a, b):
    return (a - b).abs().max().item()


def torchs(attention, x):
    """What torch's own attention makes of x (B, T, C) with these weights."""
    C, T = x.shape[-1], x.shape[1]
    twin = nn.MultiheadAttention(C, attention.H, bias=False, batch_first=True)
    twin.in_proj_weight.copy_(attention.query_key_value.weight)
    twin.out_proj.weight.copy_(attention.project.weight)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    return twin(x, x, x, attn_mask=future)[0] + attention.project.bias


def answers_by_fault():
    """What every model answers at birth: fault -> question -> a number."""
    found = {}
    for name, fault in FAULTS.items():
        torch.manual_seed(1)
        found[name] = answers(classic.built(V, T, DESIGN, fault))
    return found


def sound(question, answer):
    """Whether an answer is that of a model without a fault."""
    return answer > LIMIT if question == "places" else abs(answer) < LIMIT


def main():
    for question, meaning in QUESTIONS.items():
        print(f"{question:10} {meaning}")
    print(f"\n{'':26}" + "".join(f"{question:>12}" for question in QUESTIONS))
    for name, found in answers_by_fault().items():
        marked = (f"{a:.1e}"[:8] + ("  " if sound(q, a) else " !") for q, a in found.items())
        print(f"{name:26}" + "".join(f"{text:>12}" for text in marked))
    print("\n! is not what a sound model answers.")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
