"""One sentence through the encoder: every step with its shape, letter by letter, and its size.

A step whose shape is not the one of its letters ends the program with a ValueError.

    python day1/trace_encoder.py
"""

from contextlib import ExitStack
from unittest.mock import patch

import numpy as np

import attention_numpy
import block_numpy
from block_numpy import encoder, random_params

# what a step returns, in letters; T stands for S too, since this is self-attention
STEPS = {
    block_numpy: {
        "padding_mask": ["B 1 1 T"],
        "embed": ["B T C"],
        "sinusoidal": ["T C"],
        "block": ["B T C"],
        "layer_norm": ["B T C"],
        "multi_head": ["B T C", "B H T T"],
        "feed_forward": ["B T C"],
        "gelu": ["B T M"],
    },
    attention_numpy: {
        "split_heads": ["B H T D"],
        "attention": ["B H T D", "B H T T"],
        "softmax": ["B H T T"],
        "merge_heads": ["B T C"],
    },
}


def traced(name, function, contracts, sizes, steps, depth):
    """The function, writing down what it returns: (depth, name, letters, array).

    depth, a list of one number, is how many traced functions are under way.
    """

    def run(*given, **named):
        steps.append(None)  # its place, above what it calls
        place, depth[0] = len(steps) - 1, depth[0] + 1
        result = function(*given, **named)
        depth[0] -= 1
        parts = result if isinstance(result, tuple) else (result,)
        steps[place] = [
            (depth[0], name, letters, checked(name, letters, part, sizes))
            for letters, part in zip(contracts, parts, strict=True)
        ]
        return result

    return run


def checked(name, letters, array, sizes):
    """The array, if its shape is that of its letters; else a ValueError."""
    wanted = tuple(int(letter) if letter.isdigit() else sizes[letter] for letter in letters.split())
    if array.shape != wanted:
        raise ValueError(f"{name} gives {array.shape}, not ({letters}) = {wanted}")
    return array


def trace(ids, params, H, lengths):
    """Every step of the encoder on some sentences: (logits, list of (depth, name, letters, array)).

    ValueError where a shape breaks its contract.
    """
    B, T = ids.shape
    C, M = params["blocks.0.feed_forward.w1"].shape
    sizes, steps = {"B": B, "T": T, "C": C, "H": H, "D": C // H, "M": M}, []
    depth = [0]
    with ExitStack() as patched:
        for module, contracts in STEPS.items():
            for name, letters in contracts.items():
                wrapped = traced(name, vars(module)[name], letters, sizes, steps, depth)
                patched.enter_context(patch.object(module, name, wrapped))
        logits = encoder(ids, params, H, lengths)
    return logits, [step for parts in steps for step in parts]


def main():
    """Print the way of "small dogs bark" through one block, padded by one."""
    words = ["small", "dogs", "bark", "(padding)"]
    params = random_params(np.random.default_rng(0), V=len(words), C=6, M=24, L=1, classes=2)
    logits, steps = trace(np.arange(4)[None], params, H=2, lengths=[3])
    print("sentence:", " ".join(words), "\n")
    print(f"{'step':24} {'letters':10} {'shape':14} norm")
    for depth, name, letters, array in steps:
        norm = "" if array.dtype == bool else f"{np.linalg.norm(array):.3f}"
        print(f"{'  ' * depth + name:24} {letters:10} {array.shape!s:14} {norm}".rstrip())
    print(f"\nlogits (B, classes): {np.round(logits, 3)}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
