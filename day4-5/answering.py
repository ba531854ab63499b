"""What a trained model answers: whole answers, counted and written. NumPy only.

Letters: B items, T symbols of a line less one, H heads.

    python day4-5/answering.py     a model that was never trained, asked three questions
"""

import math

import numpy as np

from attention_numpy import causal_mask, softmax
from backward_model import logits
from backward_numpy import relu
from digit_tasks import END, IGNORED, TASKS, encode


def right(params, task, items, H):
    """Which lines are answered in full, the dot with them: -> (B,) bool.

    All symbols of an answer are the likeliest after the right ones before them: then a model that
    reads what it has written itself writes the same.
    """
    found = []
    for start in range(0, len(items), 500):
        ids, targets = encode(task, items[start : start + 500])
        likeliest = logits(params, ids, H, causal_mask(ids.shape[1]), bend=relu).argmax(axis=-1)
        found.append(((likeliest == targets) | (targets == IGNORED)).all(axis=1))
    return np.concatenate(found)


def write(params, task, question, H, most=10):
    """The model's own answer, symbol by symbol, up to its dot or `most` symbols, if there is room."""
    line = question + "="
    longest = len(params.get("positions", [])) or math.inf
    while len(line) < min(longest, len(question) + 1 + most):
        ids = np.array([[task.symbols.index(symbol) for symbol in line]])
        last = logits(params, ids, H, causal_mask(len(line)), bend=relu)[0, -1]
        line += task.symbols[last.argmax()]
        if line.endswith(END):
            break
    return line.removeprefix(question + "=")


def certainty(params, task, item, H):
    """The share that the model gives to the whole right answer: the product over its symbols."""
    ids, targets = encode(task, [item])
    asked = targets[0] != IGNORED
    shares = softmax(logits(params, ids, H, causal_mask(ids.shape[1]), bend=relu)[0, asked])
    return float(shares[np.arange(asked.sum()), targets[0, asked]].prod())


def main():
    """Before any training: what is written, and how near it is to chance."""
    from train_numpy import SIZES, prepared

    size, task = SIZES["small"], TASKS["digits"]
    parts, params, *_ = prepared(task, size, seed=1)
    for item in parts["test"][::317]:
        written, share = write(params, task, item[1], size.H), certainty(params, task, item, size.H)
        print(f"{item[1]}={item[2]}{END}  written {written!r}, the right one had {share:.2%}")
    print(f"right by chance: {right(params, task, parts['test'], size.H).mean():.2%}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
