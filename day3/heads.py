"""What each head looks at: scores for seven kinds of head, how far it spreads, how heads differ.

A kind of head is a pattern: for every query, the keys that such a head would read. A head's score
is the weight that it puts there, mean of all queries that have such a key: 1 for a head that does
nothing else. What a head that shares its weight out equally would get is the number to compare with.
Letters: L layers, B sequences, H heads, T positions.
Induction: Olsson et al. 2022, "In-context Learning and Induction Heads".

    python day3/heads.py     a head built by hand for each kind, and what the others see in it
"""

import contextlib

import torch

from emergence import after_earlier

INDUCTION = "induction"  # on repeated random text, the others on natural text
KINDS = (
    "previous character", "first position", "same character", "present word", "word start",
    "line start", INDUCTION,
)  # fmt: skip


@contextlib.contextmanager
def watched(model):
    """Within it, the attention of every block keeps the weights of its last call."""
    layers = [block.attention for block in model.blocks]
    for attention in layers:
        attention.watch = True
    try:
        yield layers
    finally:
        for attention in layers:
            attention.watch, attention.weights = False, None


@torch.no_grad()
def attention_weights(model, ids):
    """The weights of one forward pass: ids (B, T) -> weights (L, B, H, T, T), logits (B, T, V)."""
    with watched(model) as layers:
        logits, _ = model(ids)
        return torch.stack([attention.weights for attention in layers]).float(), logits


def patterns(ids, symbols):
    """Where the heads of natural text look: kind -> (B, T, T), True at the keys of such a head.

    A start is the break (a line break; whatever is no letter) and the character after it. Of words
    and lines that began before the window, and of their first two characters, it is not asked.
    """
    B, T = ids.shape
    t = torch.arange(T)
    back = t[:, None] - t  # how far a key lies behind a query
    past = (back > 0).expand(B, T, T)
    letter = torch.tensor([s.isalpha() for s in symbols])[ids]
    line_break = torch.tensor([s == "\n" for s in symbols])[ids]
    word, line = (started(breaks)[:, :, None] for breaks in (~letter, line_break))  # (B, T, 1)
    in_word = (word > 0) & letter[:, :, None]

    def start(first):
        return (first > 0) & (t[:, None] >= first + 2) & ((t == first) | (t == first - 1))

    return {
        "previous character": (back == 1).expand(B, T, T),
        "first position": past & (t == 0),
        "same character": past & (ids[:, :, None] == ids[:, None, :]),
        "present word": past & in_word & (t >= word),
        "word start": start(word) & in_word,
        "line start": start(line),
    }


def started(breaks):
    """After the latest break before t: breaks (B, T) bool -> positions (B, T), -1 if none."""
    here = torch.where(breaks, torch.arange(breaks.shape[1]), -2)
    before = torch.cat((torch.full_like(here[:, :1], -2), here[:, :-1]), dim=1)
    return before.cummax(dim=1).values + 1


def repeated_text(V, half, B=32, seed=0):
    """Symbols drawn at random, then the same again: what repeats is all that can be foretold.

    -> inputs (B, 2 half - 1) and the symbols that follow them
    """
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(V, (B, half), generator=generator)
    ids = torch.cat((first, first), dim=1)
    return ids[:, :-1], ids[:, 1:]


def induction_pattern(x):
    """What came right after an earlier occurrence of the present symbol, asked in the second half."""
    half = (x.shape[1] + 1) // 2
    found = after_earlier(x)
    found[:, :half] = False
    return found


def score(weights, pattern):
    """The weight on the pattern: weights (..., B, H, T, T), pattern (B, T, T) -> (..., H).

    Not a number where no query has such a key.
    """
    asked = pattern.any(dim=-1)  # (B, T)
    found = (weights * pattern[:, None]).sum(dim=-1).transpose(-3, -2)  # (..., H, B, T)
    return found[..., asked].mean(dim=-1)


def uniform(B, T):
    """The weights of a head that shares out its weight equally: (B, 1, T, T)."""
    seen = torch.ones(T, T).tril()
    return (seen / seen.sum(dim=-1, keepdim=True)).expand(B, 1, T, T)


def scores(model, ids, symbols):
    """What every head does: kind -> (L, H); and what a head that spreads evenly would get.

    All but induction on natural text, ids (B, T); induction on repeated random text as long.
    """
    natural = patterns(ids, symbols)
    weights, _ = attention_weights(model, ids)
    found = {kind: score(weights, pattern) for kind, pattern in natural.items()}
    even = {kind: score(uniform(*ids.shape), p).item() for kind, p in natural.items()}
    x, _ = repeated_text(len(symbols), max(2, ids.shape[1] // 2), len(ids))
    weights, _ = attention_weights(model, x)
    found[INDUCTION] = score(weights, induction_pattern(x))
    even[INDUCTION] = score(uniform(*x.shape), induction_pattern(x)).item()
    return found, even


def entropy(weights):
    """How far each head spreads, as a share of the most that it could.

    weights (..., B, H, T, T) -> entropy in nats and as a share of ln n, both (..., H), mean of the
    positions that see n > 1 keys. 0: all on one key; 1: equal on all.
    """
    nats = torch.special.entr(weights).sum(dim=-1)[..., 1:]  # (..., B, H, T - 1)
    most = torch.arange(2, weights.shape[-1] + 1).log()
    return nats.mean(dim=(-3, -1)), (nats / most).mean(dim=(-3, -1))


def most_entropy(T):
    """The largest mean entropy of T positions, in nats: ln n, mean of n = 2 .. T."""
    return torch.arange(2, T + 1).log().mean().item()


def difference(weights):
    """How much the heads of a layer differ: weights (L, B, H, T, T) -> (L,), 0 if all are equal.

    The share of a query's weight that lies elsewhere in another head, mean of all pairs of heads.
    """
    H = weights.shape[2]
    pairs = [(a, b) for a in range(H) for b in range(a)]
    if not pairs:
        return torch.zeros(len(weights))
    apart = [(weights[:, :, a] - weights[:, :, b]).abs().sum(dim=-1) / 2 for a, b in pairs]
    return torch.stack(apart).mean(dim=(0, 2, 3))


def main():
    """Each line a head that only does one thing, each column a score of it."""
    text = "To be, or not to be:\nthat is the question,\nwhether it is nobler to be\nor not to be"
    symbols = "".join(sorted(set(text)))
    ids = torch.tensor([[symbols.index(c) for c in text]])
    natural = patterns(ids, symbols)
    print(f"{'':20}" + "".join(f"{kind:>20}" for kind in natural))
    even = uniform(*ids.shape)
    rows = {
        kind: torch.where(p.any(-1, keepdim=True), p, even[:, 0]) for kind, p in natural.items()
    }
    for name, row in (rows | {"all keys equally": even[:, 0]}).items():
        weights = (row / row.sum(dim=-1, keepdim=True))[:, None]
        print(f"{name:20}" + "".join(f"{score(weights, p).item():20.2f}" for p in natural.values()))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
