# exercises 5.1 and 5.2: masks, the shift and the loss
"""Sequences of unequal length in one batch: padding, what may be seen, what is read, what counts.

Letters: B sequences, S source positions, T target positions, V symbols. `mask` is True where a
position may be seen. Padding stands on the right; a sequence of length 0 is a ValueError.

    python day4-5/sequences.py     what is wasted on padding, with and without buckets
"""

import torch
import torch.nn.functional as F

PAD, START, END = 0, 1, 2  # in every vocabulary, before its words


# exercise 5.1
def padding_mask(lengths, S):
    """Hide the padding, which stands on the right, as keys: lengths (B,) -> (B, 1, 1, S) bool.

    True where a key is real. The axes of length 1 are of heads and queries: all of them see alike.
    ValueError for a length below 1 or above S.
    """
    if lengths.min() < 1 or lengths.max() > S:
        shown = f"{int(lengths.min())}..{int(lengths.max())}"
        raise ValueError(f"lengths must be in 1..{S}, not {shown}")
    return (torch.arange(S, device=lengths.device) < lengths[:, None])[:, None, None, :]


# exercise 5.1
def decoder_mask(lengths, T):
    """What the decoder may see of its own: no future, and no padding. lengths (B,) -> (B, 1, T, T).

    bool, True where the query (row) may see the key (column). A query that is padding itself sees
    the real keys before it, so no row is empty. ValueError as padding_mask.
    """
    past = torch.ones(T, T, dtype=torch.bool, device=lengths.device).tril()
    return padding_mask(lengths, T) & past


# exercise 5.2
def shift_right(target):
    """What the decoder reads while it writes target: START first, the last symbol left out.

    target (B, T) ids -> (B, T) ids, of the same type. Position t reads what stands before
    target[:, t], never target[:, t] itself. Vaswani et al. 2017, section 3.1: "offset by one
    position".
    """
    start = torch.full_like(target[:, :1], START)
    return torch.cat((start, target[:, :-1]), dim=1)


# exercise 5.2
def sequence_loss(logits, target):
    """Mean of -ln p over the symbols of target that are not PAD: in nats per symbol.

    logits (B, T, V) before the softmax, target (B, T) ids -> a tensor of one number, with its slope.
    The logits at place t are for target[:, t]; a model that never predicts PAD has -inf there.
    Every real symbol of the batch counts alike, END too: a long sequence counts more than a short
    one.
    """
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)


def real_lengths(ids):
    """How many symbols of each row are not PAD: (B, T) -> (B,). ValueError: none, or PAD between."""
    real = ids != PAD
    if not real[:, 0].all():
        raise ValueError("a sequence is empty, or begins with PAD: padding belongs on the right")
    if (real[:, 1:] & ~real[:, :-1]).any():
        raise ValueError("PAD stands before a symbol: padding belongs on the right")
    return real.sum(dim=1)


def padded(rows):
    """Lists of ids, as long as they are -> (B, T), PAD to the right of the shorter ones."""
    if not rows or not all(rows):
        raise ValueError("no sequence, or an empty one: each needs at least one symbol")
    T = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (T - len(row))] for row in rows])


def batches(pairs, B, generator, bucket=True):
    """Deal pairs of lists of ids out to batches of B, in random order: yields (source, target).

    With bucket, neighbours in length share a batch: sorted by length, cut, and the batches
    shuffled. Every pair comes once; the last ones, fewer than B, are a batch too.
    """
    order = torch.randperm(len(pairs), generator=generator).tolist()
    if bucket:  # Python's sort keeps the random order among equals
        order.sort(key=lambda n: (len(pairs[n][1]), len(pairs[n][0])))
    cut = [order[n : n + B] for n in range(0, len(order), B)]
    for n in torch.randperm(len(cut), generator=generator).tolist():
        yield tuple(padded([pairs[i][side] for i in cut[n]]) for side in (0, 1))


def wasted(some):
    """The share of PAD among all symbols of some batches, of both sides."""
    sides = [ids for batch in some for ids in batch]
    return sum((ids == PAD).sum().item() for ids in sides) / sum(ids.numel() for ids in sides)


def main():
    print("lengths 3 and 2 of 4 positions: what each of the 4 queries may see")
    for rows in zip(*decoder_mask(torch.tensor([3, 2]), 4)[:, 0].int().tolist()):
        print("     ".join(" ".join(map(str, row)) for row in rows))
    target = torch.tensor([[3, 4, END, PAD]])
    print(f"\nwritten {target[0].tolist()}, read {shift_right(target)[0].tolist()}")
    shares = torch.tensor([0.9, 0.5, 0.8, 0.3])  # of the right symbol, at each place
    each = ", ".join(f"{-p.log():.3f}" for p in shares)
    logits = torch.zeros(1, 4, 5) + ((1 - shares) / 4).log()[:, None]
    logits = logits.scatter(2, target[..., None], shares.log()[None, :, None])
    print(f"-ln of 0.9, 0.5, 0.8, 0.3: {each}; the last one is padding")
    print(f"mean of the real ones: {sequence_loss(logits, target):.3f}")
    from pairs import number_pair, tokens

    both = map(number_pair, range(0, 1_000_000, 97))
    # the lengths are all that counts here: every word has the id 3
    pairs = [[[END + 1] * len(tokens(text)) + [END] for text in texts] for texts in both]
    print(f"\n{len(pairs):,} numbers in words, batches of 128: share of padding")
    for bucket in (False, True):
        share = wasted(batches(pairs, 128, torch.Generator().manual_seed(0), bucket))
        print(f"{'by length' if bucket else 'at random':10} {share:6.1%}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("sequences.py", main))
