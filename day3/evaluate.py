# exercise 3.13, further: loss
"""How good is it? The loss over a whole text, counted the same way every time."""

import math

import torch
import torch.nn.functional as F


# exercise 3.13, further
@torch.no_grad()
def loss(model, ids, context, batch=64):
    """Mean loss in nats per symbol over ids (N,): every symbol but the first is predicted once.

    The inputs are all symbols but the last, cut into consecutive windows of the context length, the
    last one shorter; `batch` windows at a time at most. The target of each is the symbol after it,
    also at the end of a window. model(x (B, T)) gives logits (B, T, V) and something else.
    Dropout is off meanwhile, and training or evaluating, the model is left as it was found.
    Deterministic, a float. ValueError for fewer than two symbols. exp(loss) is the perplexity: a
    model that knows nothing scores V.
    """
    if len(ids) < 2:
        raise ValueError("a loss needs a text of at least two symbols")
    was_training = model.training
    model.eval()
    inputs, targets = ids[:-1], ids[1:]
    whole = len(inputs) // context * context
    total = 0.0
    windows = list(
        zip(
            inputs[:whole].view(-1, context).split(batch),
            targets[:whole].view(-1, context).split(batch),
        )
    )
    windows = [window for window in windows if window[0].numel()]
    if whole < len(inputs):
        windows.append((inputs[None, whole:], targets[None, whole:]))
    for x, y in windows:
        logits, _ = model(x)
        total += F.cross_entropy(logits.flatten(0, 1).float(), y.flatten(), reduction="sum").item()
    model.train(was_training)
    return total / len(inputs)


def bits(nats):
    """Nats per symbol -> bits per symbol."""
    return nats / math.log(2)


def overfits(records, patience=2, rise=0.03):
    """Whether validation has left its best by `rise` nats for `patience` evaluations, train falling.

    `records` are dictionaries with train and validation, in order. Noise makes a healthy curve
    rise for a moment; a model that learns its text by heart rises and stays.
    """
    if len(records) <= patience:
        return False
    best = min(record["validation"] for record in records[:-patience])
    recent = records[-patience:]
    risen = all(record["validation"] > best + rise for record in recent)
    return risen and recent[-1]["train"] < records[-patience - 1]["train"]


class Table(torch.nn.Module):
    """A model that looks up, for each symbol, the logits (V, V) of what follows it."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, ids):
        return self.logits[ids], None


def main():
    """What three tables score on a text in which four symbols take turns."""
    V, text = 4, torch.arange(1001) % 4
    follows = torch.eye(V).roll(1, dims=1)  # a symbol, and the one after it
    for name, logits in {
        "knows nothing": torch.zeros(V, V),
        "nearly sure of the truth": (0.97 * follows + 0.01).log(),
        "nearly sure of the wrong": (0.97 * torch.eye(V) + 0.01).log(),
    }.items():
        nats = loss(Table(logits), text, context=64)
        told = f"{nats:.3f} nats, {bits(nats):.3f} bits a symbol, perplexity {math.exp(nats):.2f}"
        print(f"{name:24} {told}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("evaluate.py", main))
