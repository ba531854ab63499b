"""Reverse a string: the smallest task for which a decoder has to look at the other end.

    python day4-5/reverse.py     two models, with two kinds of positions: two minutes on two cores

The map of its cross-attention is an anti-diagonal: to write symbol t of n, look at n - 1 - t. It is
drawn to out/reverse_sinusoidal.png and out/reverse_relative.png. Lengths that training never showed
are another matter.
"""

import sys
import zlib
from pathlib import Path

import torch

from beam import greedy
from encoder_decoder import Config, EncoderDecoder
from sequences import END, PAD, padded, shift_right
from translate import train

LETTERS = "abcdefghij"
SHORTEST, LONGEST = 2, 12  # of what is learned from
V = END + 1 + len(LETTERS)


def for_test(letters):
    """On which side a list of letters (ids) stands: one in five is True, whatever was drawn."""
    return zlib.crc32(bytes(letters)) % 5 == 0


def pair(letters):
    return [*letters, END], [*letters[::-1], END]


def draw(generator, n, test=False, lengths=(SHORTEST, LONGEST)):
    """n pairs of a string and its reverse, as lists of ids with END, from one side of the split."""
    found = []
    while len(found) < n:
        length = int(torch.randint(lengths[0], lengths[1] + 1, (1,), generator=generator))
        letters = torch.randint(END + 1, V, (length,), generator=generator).tolist()
        if for_test(letters) == test:
            found.append(pair(letters))
    return found


def new_model(seed, positions="sinusoidal"):
    """One layer each side, one head of 64 channels: the smallest that learns it surely."""
    torch.manual_seed(seed)
    return EncoderDecoder(Config(V, V, 40, 1, 1, 64, 128, positions=positions))


def learn(seed, steps=1500, positions="sinusoidal"):
    """-> a trained model."""
    model = new_model(seed, positions)
    for _ in train(model, draw, steps, B=64, rate=5e-3, seed=seed):
        pass
    return model.eval()


def exact(model, pairs):
    """The share of strings that are reversed without a mistake."""
    source, target = (padded(list(side)) for side in zip(*pairs, strict=True))
    written = greedy(model, source, target.shape[1])
    written = torch.nn.functional.pad(written, (0, target.shape[1] - written.shape[1]), value=PAD)
    return (written == target).all(dim=1).double().mean().item()


def unseen(n=1000):
    return draw(torch.Generator().manual_seed(0), n, test=True)


def by_length(model, lengths, n=200):
    """The share of right strings for each length, short or long; of one letter all are asked."""
    generator, letters = torch.Generator().manual_seed(1), range(END + 1, V)
    return [
        exact(model, draw(generator, n, True, (T, T)) if T > 1 else [pair([i]) for i in letters])
        for T in lengths
    ]


@torch.no_grad()
def cross_map(model, letters):
    """Where the decoder looks while it writes the reverse of `letters` (ids): weights (T, S)."""
    source, target = (torch.tensor([ids]) for ids in pair(letters))
    cross = model.decoder[-1].cross
    cross.watch = True
    model(source, shift_right(target))
    cross.watch = False
    return cross.weights[0].mean(dim=0)


def on_anti_diagonal(model, pairs):
    """The share of letters for which the largest weight lies on the letter that is written."""
    right = total = 0
    for source, _ in pairs:
        n = len(source) - 1
        looked = cross_map(model, source[:n])[:n].argmax(dim=-1)
        right += (looked == torch.arange(n).flip(0)).sum().item()
        total += n
    return right / total


def draw_map(weights, letters, path):
    import pictures

    rows = [*(LETTERS[i - END - 1] for i in reversed(letters)), "END"]
    columns = [*(LETTERS[i - END - 1] for i in letters), "END"]
    figure, axes = pictures.panels("Cross-attention of a model that reverses strings", height=4.6)
    pictures.heatmap(axes, weights, rows, columns)
    axes.set(xlabel="source", ylabel="written")
    pictures.save(figure, path.stem, path.parent)


def main():
    for positions in ("sinusoidal", "relative"):
        model = learn(seed=1, positions=positions)
        print(f"{positions}: unseen strings right {exact(model, unseen()):.2%}")
        lengths = range(1, 21)
        shares = by_length(model, lengths)
        print("  length " + " ".join(f"{T:4}" for T in lengths))
        print("  right  " + " ".join(f"{share:4.0%}" for share in shares))
        print(f"  looks at the letter it writes: {on_anti_diagonal(model, unseen(100)):.2%}")
        letters = [END + 1 + LETTERS.index(c) for c in "abcdefgh"]
        path = Path(__file__).parent / "out" / f"reverse_{positions}.png"
        draw_map(cross_map(model, letters), letters, path)
        print(f"  where it looks: {path}", flush=True)


if __name__ == "__main__":
    import tyro

    from terminal import exit_code

    sys.exit(exit_code("reverse.py", lambda: tyro.cli(main, description=__doc__)))
