"""What is looked at where a bug of the lab is planted: one function each, its figures as a dictionary.

    python tests/bug_looks.py bug8       what the book's own files show; the last line is JSON

measure_bugs.py calls this with a copy of the days on PYTHONPATH in which the bug is planted, so every
lesson module is imported inside the function that looks at it.
"""

import json
import sys
from pathlib import Path

import numpy as np


def bug4(out=None):
    """What is said when the causal mask meets the padding, and when it is used alone."""
    import attention_numpy as book

    said = []
    for name, use in (
        ("joined", lambda mask: mask & book.padding_mask([2, 3], 3)),
        ("alone", lambda mask: book.attention(*np.ones((3, 3, 2)), mask)),
    ):
        try:
            use(book.causal_mask(3))
            said.append((name, "no error"))
        except (TypeError, ValueError) as error:
            said.append((name, f"{type(error).__name__}: {error}"))
    return dict(said)


def bug8(out=None):
    """A head on four words, asked twice: the sums of its rows."""
    import torch

    from averaging import head

    torch.manual_seed(0)
    x, matrices = torch.randn(1, 4, 6), [torch.randn(6, 3) for _ in range(3)]
    asked = [head(x, *matrices)[1].sum(dim=-1)[0].tolist() for _ in range(2)]
    return {"sums of rows": asked[0], "asked again": asked[1]}


def bug11(out=None):
    """The stream before the last norm of an encoder, gains 1 and biases 0, and what the norm moves."""
    import block_numpy as book

    seen, norm = [], book.layer_norm

    def watched(x, *more):
        seen.append((x, norm(x, *more)))
        return seen[-1][1]

    figures: dict = {"variance": {}, "moved": {}}
    book.layer_norm = watched
    try:
        for L in (1, 16):
            rng = np.random.default_rng(0)
            params = book.random_params(rng, 9, 16, 64, L, 3)
            for name, p in params.items():
                p[:] = 1 if name.endswith("gain") else 0 if name.endswith("bias") else p
            book.encoder(rng.integers(9, size=(4, 7)), params, 4, [7, 7, 5, 3])
            x, y = seen[-1]
            figures["variance"][str(L)] = float(x.var(axis=-1).mean())
            figures["moved"][str(L)] = float(np.abs(x - y).max())
    finally:
        book.layer_norm = norm
    return figures


def bug12(out=None):
    """The whole text and a prompt, made numbers and made text again."""
    import corpus
    from text import Alphabet

    name, text = corpus.find()
    alphabet = Alphabet(text)
    back = alphabet.decode(alphabet.encode(text)) == text
    return {
        "text": name,
        "comes back": back,
        "ROMEO:": alphabet.decode(alphabet.encode("ROMEO:")),
    }


def bug9(out):
    """What the model of a run writes after four prompts, at temperature 0; and after a new line."""
    import torch

    import checkpoint
    import model
    from text import Alphabet

    state = checkpoint.load(Path(out) / "gpt.pt")
    gpt, alphabet = checkpoint.restore(state, model).eval(), Alphabet(state["alphabet"])
    figures: dict = {"written": {}}
    for prompt in ("ROMEO", "ROMEO:", "JULIE", "JULI"):
        ids = alphabet.encode(prompt)[None]
        symbols = torch.cat(list(gpt.generate(ids, 12, temperature=0)), dim=-1)
        figures["written"][prompt] = prompt + alphabet.decode(symbols.flatten())
    try:  # with this prompt train.py writes its samples
        list(gpt.generate(alphabet.encode("\n")[None], 1, temperature=0))
    except ValueError as error:
        figures["one letter"] = str(error)
    return figures


def bug5(out=None):
    """Reversed sums, learned by gradients by hand: losses, and unseen sums that are right."""
    from answering import right
    from digit_tasks import TASKS
    from train_numpy import SIZES, prepared, training

    task, size = TASKS["sums-reversed"], SIZES["small"]
    parts, params, ids, targets, rng = prepared(task, size, seed=1)
    losses = [step.loss for step in training(params, ids, targets, size.H, size.steps, rng)]
    unseen = parts["development"]
    return {
        "loss": {str(step): losses[step - 1] for step in (1, 300, size.steps)},
        "right": int(right(params, task, unseen, size.H).sum()),
        "unseen": len(unseen),
    }


def bug10(out=None):
    """Three digits, four micro-batches of 16 a step: the loss, and unseen items right."""
    import train_numpy as run
    from answering import right
    from attention_numpy import causal_mask
    from optim_numpy import warmup_cosine_of

    task, size, steps, parts = run.TASKS["digits"], run.SIZES["small"], 600, 4
    marks, figures = (1, 50, 100, 150, 300, 600), {"loss": {}, "right": []}
    for seed in (1, 2, 3):
        sides, params, ids, targets, rng = run.prepared(task, size, seed)
        optimizer = run.AdamW(params, run.RATE, run.BETAS, weight_decay=run.DECAY,
                              decayed=run.matrices(params))  # fmt: skip
        mask, losses, added = causal_mask(ids.shape[1]), [], {}
        dealt = run.batches(rng, len(ids), run.B // parts, steps * parts)
        for micro_batch, own in enumerate(dealt, start=1):
            loss, grads = run.loss_and_gradients(
                params, ids[own], targets[own], size.H, mask, bend=run.relu
            )
            losses.append(loss)
            added = {name: added.get(name, 0) + d / parts for name, d in grads.items()}
            if micro_batch % parts:
                continue
            step = micro_batch // parts
            optimizer.step(params, added, warmup_cosine_of(micro_batch, parts, steps, 30))
            added = {}
            if seed == 1 and step in marks:  # one batch is noisy: the mean of the last ten steps
                figures["loss"][str(step)] = float(np.mean(losses[-10 * parts :]))
        unseen = sides["development"]
        figures["right"].append(int(right(params, task, unseen, size.H).sum()))
    return figures | {"unseen": len(unseen)}


def rounded(figures):
    """The figures with six digits behind the point."""
    if isinstance(figures, dict):
        return {name: rounded(figure) for name, figure in figures.items()}
    if isinstance(figures, list):
        return [rounded(figure) for figure in figures]
    return round(figures, 6) if isinstance(figures, float) else figures


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent.parent / "day4-5"))  # behind a planted one
    print(json.dumps(rounded(globals()[sys.argv[1]](*sys.argv[2:]))))
