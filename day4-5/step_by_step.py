"""Stand beside a training run: what the model answers before a step and after it, and why.

Nothing waits where there is no terminal.

    python day4-5/step_by_step.py     the first steps of a small model, without a pause
"""

import math
import sys

import numpy as np

from answering import certainty, write
from ascii_map import ascii_map
from attention_numpy import causal_mask, multi_head
from backward_model import forward, weights_of
from backward_numpy import relu
from block_numpy import layer_norm
from digit_tasks import END, IGNORED, TASKS, encode

KEYS = "Enter: one step   a number: so many   c: to the end   q: stop "


def norms_by_layer(grads):
    """The length of the gradient in each layer: {"embedding": ..., "block 0": ..., "head": ...}."""
    squares = {}
    for name, d in grads.items():
        parts = name.split(".")
        layer = f"block {parts[1]}" if parts[0] == "blocks" else parts[0]
        squares[layer] = squares.get(layer, 0.0) + float((d**2).sum())
    places = {"embedding": (0, 0), "positions": (0, 1), "norm": (2, 0), "head": (2, 1)}
    order = sorted(squares, key=lambda name: places.get(name) or (1, int(name.split()[1])))
    return {name: math.sqrt(squares[name]) for name in order}


def watched(run, params, task, items, H, ask=None):
    """The steps of a run, with a look at some of them and a pause: yields them as they come.

    `ask` gives what is typed at the prompt; without one it is the keyboard, where there is one, and
    else nobody waits: the first step is shown, and the run goes on to its end.
    """
    if ask is None and sys.stdin is not None and sys.stdin.isatty():
        ask = input
    chosen = one_of_each(items)
    stop, before = 1, answers(params, task, chosen, H)
    for step in run:
        if step.number != stop:
            yield step
            continue
        after = answers(params, task, chosen, H)
        print(f"\nstep {step.number}: loss {step.loss:.4f} before it")
        for (_, question, answer), was, now in zip(chosen, before, after):
            print(f"  {question}={answer}{END}  said {told(was)}, now {told(now)}")
        print("  gradient by layer: " + ", ".join(
            f"{name} {norm:.3f}" for name, norm in norms_by_layer(step.grads).items()
        ))  # fmt: skip
        typed = asked(ask)
        yield step
        if typed == "q":
            return
        stop = step.number + int(typed) if typed.isdecimal() else 0 if typed == "c" else stop + 1
        before = after


def asked(ask):
    """What is typed: "", a number, "c" or "q"; "c" where nobody can type."""
    if ask is None:
        return "c"
    while True:
        try:
            typed = ask(KEYS).strip().lower()
        except EOFError:
            return "c"
        if typed in ("", "c", "q") or (typed.isdecimal() and int(typed) > 0):
            return typed
        print(f"{typed!r} is none of these")


def one_of_each(items, most=5):
    """The first item of every kind, up to so many."""
    first = {}
    for item in items:
        first.setdefault(item[0], item)
    return list(first.values())[:most]


def answers(params, task, items, H):
    """For each item what the model writes, and the share that it gives to the right answer."""
    return [(write(params, task, item[1], H), certainty(params, task, item, H)) for item in items]


def told(answer):
    return f"{answer[0]!r} (the right one: {answer[1]:.1%})"


def weights(params, ids, H):
    """The attention weights of every layer, as the model has them: ids (1, T) -> L of (H, T, T)."""
    mask, found = causal_mask(ids.shape[1]), []
    for layer, x in enumerate(forward(params, ids, H, mask, "pre", relu)[1][:-1]):
        own = weights_of(params, layer)
        x = layer_norm(x, own["norm_1.gain"], own["norm_1.bias"])
        matrices = [own[f"attention.w_{name}"] for name in "qkvo"]
        found.append(multi_head(x, x, *matrices, H, mask)[1][0])
    return found


def attention_map(params, task, item, H):
    """Where each layer looks while it answers, as text: its sharpest head, a row an answer."""
    ids, targets = encode(task, [item])
    rows = np.flatnonzero(targets[0] != IGNORED)
    read = [task.symbols[i] for i in ids[0]]
    wanted = [f"{read[t]} -> {task.symbols[targets[0, t]]}" for t in rows]
    maps = []
    for layer, found in enumerate(weights(params, ids, H)):
        sharpest = (found[:, rows] ** 2).sum(axis=(1, 2)).argmax()
        shown = ascii_map(found[sharpest][rows], wanted, read)
        maps.append(f"layer {layer}, head {sharpest}: read -> asked for, darker is more\n{shown}")
    return "\n".join(maps)


def main():
    """Three steps, then fifty, of the smallest model on three digits."""
    from train_numpy import SIZES, prepared, training

    size, task = SIZES["small"], TASKS["digits"]
    parts, params, ids, targets, rng = prepared(task, size, seed=1)
    run = training(params, ids, targets, size.H, 200, rng)
    keys = iter(["", "", "197", "c"])
    for _ in watched(run, params, task, parts["test"], size.H, ask=lambda _: next(keys)):
        pass
    print("\n" + attention_map(params, task, parts["test"][len(parts["test"]) // 2], size.H))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
