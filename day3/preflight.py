"""A second of questions to a model before hours are spent on it: what a falling loss would hide.

Works on any module that takes ids (B, T) and gives logits (B, T, V), alone or with a loss. Every
finding is one sentence with its likely cause.
"""

import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def preflight(model, V, context):
    """The findings on a model, a list of sentences: empty where all is well."""
    T = min(context, 16)
    device = next(model.parameters()).device
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(gpus):  # the run after it draws what it would have drawn
        torch.manual_seed(0)
        ids = torch.randint(V, (4, T), device=device)
        moved = copy.deepcopy(model)
        # zero projections at birth would hide a leak behind them and stop every gradient
        with torch.no_grad():
            for p in moved.parameters():
                p.add_(0.1 * torch.randn_like(p))
        findings = [*unusable_answers(copy.deepcopy(moved), ids)]
        if findings:  # then every other answer would mislead
            return findings
        findings = [
            *loss_at_birth(copy.deepcopy(model), ids, V),
            *leaks(moved, ids, V),
            *gradients(moved, ids),
            *sharing(model, V),
            *hidden_layers(model),
        ]
        return findings or one_batch(copy.deepcopy(model), ids)


def logits_of(model, ids):
    out = model(ids)
    return (out[0] if isinstance(out, tuple) else out).float()


def loss_of(model, ids):
    """Mean loss in nats of the symbols that follow, the last predicting the next row."""
    return F.cross_entropy(logits_of(model, ids).flatten(0, 1), ids.flatten().roll(-1))


@torch.no_grad()
def loss_at_birth(model, ids, V):
    model.eval()
    loss, shrug = loss_of(model, ids).item(), math.log(V)
    if not abs(loss - shrug) < 0.05 * shrug:
        yield (
            f"The loss at birth is {loss:.2f} and not near ln {V} = {shrug:.2f}: the first logits "
            "are too large (an embedding with standard deviation 1?) or pass through a softmax."
        )


@torch.no_grad()
def leaks(model, ids, V):
    """Row t of a batch has another symbol at t: its logits before t must not notice."""
    model.eval()
    T = ids.shape[1]
    rows = ids[:1].repeat(T, 1)
    rows[range(T), range(T)] = (rows[range(T), range(T)] + 1) % V
    change = (logits_of(model, rows) - logits_of(model, ids[:1].repeat(T, 1))).abs()
    largest = change.amax(dim=-1)  # (changed at, seen at)
    if largest.tril(-1).max() > 1e-4 * largest.max():
        yield (
            "The model reads the answer: a later symbol changes an earlier prediction. Is the "
            "causal mask missing, off by one, or a statistic taken over the whole sequence?"
        )
    if largest.diagonal().min() == 0:
        yield "The symbol at a position changes nothing there: is the diagonal masked too?"


@torch.no_grad()
def unusable_answers(model, ids):
    model.eval()
    logits = logits_of(model, ids)
    if not logits.isfinite().all():
        yield (
            "A logit is not a number: does a row of the mask hide every position (the diagonal "
            "masked too), or is something divided by zero?"
        )
    elif (logits >= 0).all() and (logits.sum(dim=-1) - 1).abs().max() < 1e-3:
        yield (
            "The logits of a position sum to one: a softmax in the model, and cross-entropy takes "
            "another; return the numbers before the softmax."
        )
    elif not torch.equal(logits, logits_of(model, ids)):
        yield (
            "The same question got two answers in eval mode: is dropout called without "
            "self.training, or does the model remember the last call?"
        )


def gradients(model, ids):
    model.train()
    loss = loss_of(model, ids)
    if loss.requires_grad:
        loss.backward()
    idle = [
        name
        for name, p in model.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    if idle:
        more = f" and {len(idle) - 3} more" if len(idle) > 3 else ""
        yield (
            f"No gradient reaches {', '.join(idle[:3])}{more}: made in __init__ but not used in "
            "forward, or cut off by detach, no_grad or item?"
        )


def sharing(model, V):
    """Two names for one tensor: meant for the embedding and the head, an accident elsewhere."""
    first: dict[int, str] = {}
    for name, p in model.named_parameters(remove_duplicate=False):
        other = first.setdefault(id(p), name)
        if other != name and p.shape[0] != V:
            yield (
                f"{other} and {name} are one tensor: was a list of layers made with [layer] * n, "
                "which repeats one layer instead of making n?"
            )
            return


def hidden_layers(model):
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            items = value.values() if isinstance(value, dict) else value
            if name.startswith("_") or not isinstance(value, (list, tuple, dict)):
                continue
            if any(isinstance(item, nn.Module) for item in items):
                yield (
                    f"{path + '.' if path else ''}{name} keeps layers in a plain "
                    f"{type(value).__name__}: the optimiser never meets them; use nn.ModuleList."
                )


def one_batch(model, ids, steps=200):
    """A model that cannot learn one small batch by heart will not learn a book."""
    from optim import AdamW

    model.train()
    optimizer = AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    first = loss_of(model, ids).item()
    for _ in range(steps):
        loss = loss_of(model, ids)
        if loss < first / 2:
            return []
        model.zero_grad()
        loss.backward()
        optimizer.step()
    last = loss_of(model, ids).item()
    why = "Is the residual path broken, or the loss computed from something else than the logits?"
    numbers = f"{first:.2f} nats became {last:.2f} in {steps} steps"
    return [f"A batch of {ids.numel()} symbols is not learned: {numbers}. {why}"]
