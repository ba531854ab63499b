"""Does the gradient reach the first layer? Norms by layer, what they do to training, and alarms.

Day 1's why_residuals.py asks how much of a gradient comes through; here are the gradients that the
weights of each layer get, in a model that is trained. Its block with its sum and its norm taken out
in turn. NumPy only. Letters: B sequences, T positions, C channels, H heads, L layers.

    python day4-5/gradient_flow.py     a few seconds: depth 2 to 32, and who raises an alarm
"""

import math
import statistics

import numpy as np

from attention_numpy import causal_mask
from backward_model import both, depth, last_norm, read, weights_of
from backward_numpy import (
    cross_entropy,
    cross_entropy_backward,
    embedding_backward,
    layer_norm_backward,
    linear_backward,
    relu,
)
from digit_tasks import TASKS, encode, split
from optim_numpy import AdamW, clip_factor, matrices
from step_by_step import norms_by_layer
from train_numpy import Size, batches, fresh

STACKS = {  # residual, norm
    "residual and norm": (1, True),
    "residual only": (1, False),
    "norm only": (0, True),
    "neither": (0, False),
}
DEPTHS, H, C = (2, 4, 8, 16, 32), 4, 32
SEEDS = 1, 2, 3
FAINT, LOUD = 1e-3, 1e3  # beside another layer's gradient
GROWN = 100  # beside the gradient at birth


def loss_and_gradients(params, ids, targets, residual=1, norm=True):
    """backward_model's, of a stack whose sums and norms may be missing: -> loss, grads.

    `residual` is how much of the stream runs past a sub-layer: all of it, 1, or nothing, 0.
    """
    mask, kept, grads = causal_mask(ids.shape[1]), [], {}
    x = read(params, ids)
    for layer in range(depth(params)):
        sublayers, found = both(weights_of(params, layer), H, mask, relu)
        for f, f_backward, normal, normal_backward in sublayers:
            y = normal(x) if norm else x
            kept.append((x, y, f_backward, normal_backward, layer, found))
            x = residual * x + f(y)
    top = last_norm(x, params, "pre")
    logits = top @ params["head.w"] + params["head.b"]
    loss, d_logits = cross_entropy(logits, targets), cross_entropy_backward(logits, targets)
    d_top, grads["head.w"], grads["head.b"] = linear_backward(d_logits, top, params["head.w"])
    given = d_top, x, params["norm.gain"]
    d_x, grads["norm.gain"], grads["norm.bias"] = layer_norm_backward(*given)
    for x, y, f_backward, normal_backward, layer, found in reversed(kept):
        d_y = f_backward(d_x, y)
        d_y = normal_backward(d_y, x) if norm else d_y
        d_x = d_y + residual * d_x
        grads |= {f"blocks.{layer}.{name}": d for name, d in found.items()}
    grads["embedding"] = embedding_backward(d_x, ids, len(params["embedding"]))
    return loss, grads


def alarms(norms, born=None):
    """What is wrong with gradient norms by layer, in sentences; [] where nothing is.

    norms {layer: norm}, as norms_by_layer gives them; born, the same of the first step, if known.
    Blocks are compared with each other and with their birth: no length is right for every model.
    """
    broken = [name for name, n in norms.items() if not math.isfinite(n)]
    if broken:
        return [
            f"the gradient of {broken[-1]} is no number: the weights were lost a step or two ago"
        ]
    blocks = {name: n for name, n in norms.items() if name.startswith("block ")}
    dead = [name for name, n in blocks.items() if n == 0]
    if dead:
        return [
            f"no gradient at all reaches {dead[-1]}: something there or above lets nothing through"
        ]
    lengths, found = list(blocks.values()), []
    if lengths and not FAINT < lengths[0] / lengths[-1] < LOUD:
        what = "vanishing" if lengths[0] < lengths[-1] else "exploding"
        ratio = lengths[0] / lengths[-1]
        found.append(f"{what}: block 0 gets {ratio:.0e} times the gradient of the last block")
    if born:
        grown = math.hypot(*norms.values()) / math.hypot(*born.values())
        if grown > GROWN:
            found.append(f"exploding: the gradient is {grown:.0e} times as long as at birth")
    return found


def model(rng, L, V=18):
    """Weights of a stack of L blocks as train_numpy.py starts them, with sinusoidal positions."""
    return fresh(rng, V, Size(L, H, C, 0))


def at_birth(seed, L, residual, norm):
    """Gradient norms by layer of a model that has learned nothing, on 32 lines of three digits."""
    rng, task = np.random.default_rng(seed), TASKS["digits"]
    params = model(rng, L, len(task.symbols))
    ids, targets = encode(task, split(task)["train"])
    chosen = rng.permutation(len(ids))[:32]
    _, grads = loss_and_gradients(params, ids[chosen], targets[chosen], residual, norm)
    return norms_by_layer(grads)


def curve(seed, L, residual, norm, steps, rate=1e-3):
    """The loss while such a model learns three digits, before each step; inf once it has no number."""
    rng, task = np.random.default_rng(seed), TASKS["digits"]
    params = model(rng, L, len(task.symbols))
    ids, targets = encode(task, split(task)["train"])
    optimizer, losses = AdamW(params, rate, (0.9, 0.99), decayed=matrices(params)), []
    for own in batches(rng, len(ids), 32, steps):
        try:
            loss, grads = loss_and_gradients(params, ids[own], targets[own], residual, norm)
            factor, _ = clip_factor(grads, 1.0)
            optimizer.step(params, {name: factor * d for name, d in grads.items()})
        except ValueError:  # NaN or infinity
            return losses + [math.inf] * (steps - len(losses))
        losses.append(float(loss))
    return losses


def main():
    """The first block's gradient, alone and beside the last one's, and what the alarms say."""
    born = {
        name: [[at_birth(seed, L, *parts) for seed in SEEDS] for L in DEPTHS]
        for name, parts in STACKS.items()
    }
    print(f"at birth, medians of {len(SEEDS)} seeds: how long is the gradient of the first block?")
    table(born, lambda row, L: row["block 0"])
    print("\nand beside that of the last block?")
    table(born, lambda row, L: row["block 0"] / row[f"block {L - 1}"])
    print(f"\nalarms at {DEPTHS[-1]} layers, seed {SEEDS[0]}")
    for name, rows in born.items():
        print(f"{name:18}{'; '.join(alarms(rows[-1][0])) or 'none'}")


def table(born, what):
    """A line for each stack, a median for each depth."""
    print(f"{'layers':17}" + "".join(f"{L:11}" for L in DEPTHS))
    for name, rows in born.items():
        medians = (statistics.median(what(row, L) for row in own) for own, L in zip(rows, DEPTHS))
        print(f"{name:17}" + "".join(f"{number:11.2g}" for number in medians))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
