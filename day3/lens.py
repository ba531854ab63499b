"""The loss, taken apart: by layer (the logit lens), and by position in the context.

The logit lens reads the residual stream after each block as if it were the last one: the final norm
and the head, which were trained for the end, turn it into logits. It says when a decision can be
read off, not when it was made: an early layer may hold it in a form that the head cannot read.
nostalgebraist 2020, "interpreting GPT: the logit lens". Letters: L layers, V symbols.

    python day3/lens.py     at birth, when blocks add nothing, all layers say the same
"""

import itertools

import torch
import torch.nn.functional as F


@torch.no_grad()
def stream(model, ids):
    """The residual stream before the first block and after each: ids (B, T) -> (L + 1, B, T, C)."""
    kept = []
    hooks = [
        model.blocks[0].register_forward_pre_hook(lambda block, inputs: kept.append(inputs[0])),
        *(
            block.register_forward_hook(lambda block, inputs, out: kept.append(out))
            for block in model.blocks
        ),
    ]
    try:
        model(ids)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(kept)


@torch.no_grad()
def lens(model, ids):
    """The logits that each layer would give: ids (B, T) -> (L + 1, B, T, V); 0 is the embedding."""
    return model.head(model.norm(stream(model, ids))).float()


def by_layer(model, x, y):
    """Loss of each layer's logits, and how often its answer is the model's own in the end.

    x, y (B, T) -> losses (L + 1,) in nats, shares (L + 1,), of which the last is 1
    """
    logits = lens(model, x)
    losses = torch.stack([F.cross_entropy(each.flatten(0, 1), y.flatten()) for each in logits])
    answers = logits.argmax(dim=-1)
    return losses, (answers == answers[-1]).float().mean(dim=(1, 2))


@torch.no_grad()
def by_position(model, x, y):
    """Mean loss at each position: x, y (B, T) -> (T,). At t the model has seen t + 1 symbols."""
    logits, _ = model(x)
    losses = F.cross_entropy(logits.transpose(1, 2).float(), y, reduction="none")
    return losses.mean(dim=0)


def binned(losses):
    """Means of positions 1, 2, 3-4, 5-8, ...: losses (T,) -> [(first, last, mean)], from 1."""
    T, edges = len(losses), [0, 1]
    while edges[-1] < T:
        edges.append(min(2 * edges[-1], T))
    return [(a + 1, b, losses[a:b].mean().item()) for a, b in itertools.pairwise(edges)]


def table(model, text, alphabet):
    """What each layer says comes next, a line for each character, as text.

    A star marks the layer from which on the answer is the final one.
    """
    answers = lens(model, alphabet.encode(text)[None])[:, 0].argmax(dim=-1).T.tolist()  # (T, L + 1)
    names = ["embedding", *(f"layer {n}" for n in range(1, len(answers[0])))]
    lines = ["after   in the text   " + "".join(f"{name:11}" for name in names).rstrip()]
    for t, row in enumerate(answers):
        settled = max((n + 1 for n, answer in enumerate(row) if answer != row[-1]), default=0)
        said = (visible(alphabet.symbols[a]) + "*" * (n == settled) for n, a in enumerate(row))
        following = visible(text[t + 1]) if t + 1 < len(text) else ""
        cells = "".join(f"{cell:11}" for cell in said)
        lines.append(f"{visible(text[t]):8}{following:14}{cells}".rstrip())
    return "\n".join(lines)


def visible(symbol):
    """A space and a line break so that they can be seen."""
    return {" ": "␣", "\n": "↵"}.get(symbol, symbol)


def main():
    """A model at birth: no layer has an opinion of its own."""
    from model import GPT, Config
    from terminal import utf8_output
    from text import Alphabet

    utf8_output()
    torch.manual_seed(0)
    text = "all say the same"
    alphabet = Alphabet(text)
    model = GPT(Config(vocab_size=len(alphabet), context=16, n_layer=2, n_head=2, n_embd=16))
    print(table(model.eval(), text, alphabet))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
