"""What is lost without a part: every head and every feed-forward is switched off in turn.

A head is switched off where the heads meet: its channels are set to zero before they are projected.
What a part is worth to the model as it is need not be what it was worth while it learned: other
parts do the same, or rely on it.
Letters: L layers, H heads, D channels of a head.

    python day3/ablation.py     a head that adds nothing can be lost, one that does cannot
"""

import contextlib

import torch
import torch.nn.functional as F


@contextlib.contextmanager
def without_head(model, layer, head):
    """Within it, one head of one layer (both counted from 0) adds nothing."""
    attention = model.blocks[layer].attention
    D = attention.project.in_features // model.config.n_head

    def silence(module, inputs):
        out = inputs[0].clone()
        out[..., head * D : (head + 1) * D] = 0
        return (out,)

    hook = attention.project.register_forward_pre_hook(silence)
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def without_feed_forward(model, layer):
    """Within it, the feed-forward of one layer adds nothing."""
    hook = model.blocks[layer].feed_forward.register_forward_hook(
        lambda module, inputs, out: torch.zeros_like(out)
    )
    try:
        yield
    finally:
        hook.remove()


def heads_missed(model, loss):
    """What a loss rises by without each head: loss(model) -> nats; -> (L, H)."""
    L, H = model.config.n_layer, model.config.n_head
    whole, rises = loss(model), torch.zeros(L, H)
    for layer in range(L):
        for head in range(H):
            with without_head(model, layer, head):
                rises[layer, head] = loss(model) - whole
    return rises


def feed_forwards_missed(model, loss):
    """What a loss rises by without each feed-forward: loss(model) -> nats; -> (L,)."""
    whole, rises = loss(model), torch.zeros(model.config.n_layer)
    for layer in range(len(rises)):
        with without_feed_forward(model, layer):
            rises[layer] = loss(model) - whole
    return rises


@torch.no_grad()
def mean_loss(model, x, y):
    """Loss in nats: inputs x (B, T), targets y (B, T), -100 where a place does not count."""
    logits, _ = model(x)
    return F.cross_entropy(logits.flatten(0, 1).float(), y.flatten()).item()


def second_half(y):
    """The targets of a repeated text, y (B, T), with those that cannot be foretold left out."""
    half = (y.shape[1] + 1) // 2
    kept = y.clone()
    kept[:, :half] = -100
    return kept


def main():
    """A model with one head that was planted, and three that add nothing."""
    from model import GPT, Config

    torch.manual_seed(0)
    model = GPT(Config(vocab_size=10, context=16, n_layer=2, n_head=2, n_embd=16)).eval()
    torch.nn.init.normal_(model.blocks[1].attention.project.weight[:, 8:])  # layer 2, head 2
    torch.nn.init.normal_(model.embedding.weight)
    x = torch.randint(10, (4, 16))
    heads = heads_missed(model, lambda model: mean_loss(model, x, x.roll(-1, 1)))
    for layer, row in enumerate(heads.tolist(), start=1):
        print(f"layer {layer}: " + "  ".join(f"without it {rise:+.3f} nats" for rise in row))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
