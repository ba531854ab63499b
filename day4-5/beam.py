# exercises 5.5 and 5.6: greedy decoding, length penalty and beam search
"""From a model to a translation: take the likeliest symbol each time, or keep several beginnings.

Letters: B sources, S source positions, T symbols written, V symbols, K beams.

    python day4-5/beam.py     a model for which the likeliest first word is the wrong one
"""

import math

import torch
import torch.nn as nn

from sequences import END, PAD, START


# exercise 5.5
@torch.no_grad()
def greedy(model, source, longest):
    """Write the likeliest symbol, again and again: source (B, S) ids -> (B, T) ids, T <= longest.

    The source is encoded once: memory, mask = model.encode(source). The decoder reads START and what
    was written so far: model.decode(reads, memory, mask) gives logits (B, T, V), of which the last
    place counts. A row that has written END goes on with PAD; when all rows have, it stops.
    START is not part of the result, END is. ValueError for longest below 1.
    """
    check_longest(longest)
    memory, mask = model.encode(source)
    reads = torch.full_like(source[:, :1], START)
    done = torch.zeros_like(reads[:, 0], dtype=torch.bool)
    for _ in range(longest):
        chosen = model.decode(reads, memory, mask)[:, -1].argmax(dim=-1)
        reads = torch.cat((reads, chosen.masked_fill(done, PAD)[:, None]), dim=1)
        done |= chosen == END
        if done.all():
            break
    return reads[:, 1:]


# exercise 5.6
def length_penalty(T, alpha):
    """What the ln p of T symbols, END counted, is divided by: ((5 + T) / 6) to the power alpha.

    With alpha = 0 it is 1: every symbol more makes a translation less likely, so that short ones
    win. Wu et al. 2016, equation 14.
    """
    return ((5 + T) / 6) ** alpha


# exercise 5.6
@torch.no_grad()
def beam_search(model, source, K, longest, alpha=0.0):
    """Keep the K best beginnings: source (S,) ids -> at most K pairs (score, list of ids), best first.

    score: the sum of ln p of the ids, END too, divided by length_penalty of their number. Ids are
    ints, without START and with END, unless `longest` symbols were written before it came. It
    begins with one empty beam. Every step makes each beam longer by every symbol that can follow
    (p above 0), a beam that has written END stays as it is, and of all these together the K with the
    best score are kept; it stops when all have END. No two are alike. K = 1 is greedy.
    The model's methods are those of `greedy`: the source is encoded once, as a batch of one row, and
    decode wants a row of memory for each row that it reads. ValueError for K or longest below 1.
    """
    if K < 1:
        raise ValueError(f"a beam search keeps at least 1 beam, not {K}")
    check_longest(longest)
    memory, mask = model.encode(source[None])
    beams = [(0.0, [])]  # ln p, ids
    for _ in range(longest):
        kept = [beam for beam in beams if END in beam[1]]
        alive = [beam for beam in beams if END not in beam[1]]
        if not alive:
            break
        reads = torch.tensor([[START, *ids] for _, ids in alive], device=source.device)
        n = len(alive)
        logits = model.decode(reads, memory.expand(n, -1, -1), mask.expand(n, -1, -1, -1))[:, -1]
        # of one beam no more than its K best can be among the K best
        best = logits.double().log_softmax(dim=-1).topk(min(K, logits.shape[-1] - 1))  # not PAD
        for (ln_p, ids), more, symbols in zip(alive, *map(torch.Tensor.tolist, best), strict=True):
            kept += [(ln_p + m, [*ids, i]) for m, i in zip(more, symbols) if m > -math.inf]
        beams = sorted(kept, key=lambda beam: -score(*beam, alpha))[:K]
    return [(score(*beam, alpha), beam[1]) for beam in beams]


def score(ln_p, ids, alpha):
    return ln_p / length_penalty(len(ids), alpha)


def check_longest(longest):
    if longest < 1:
        raise ValueError(f"a translation may have at least 1 symbol, not {longest}")


class Told(nn.Module):
    """A model that is a table: what was written -> the probability of each next symbol.

    It stands for a trained one, to see a search at work: any source, `rows` {ids: {id: p}}.
    """

    def __init__(self, rows, V):
        super().__init__()
        self.rows, self.V = rows, V

    def encode(self, source):
        B, S = source.shape
        return torch.zeros(B, S, 1), torch.ones(B, 1, 1, S, dtype=torch.bool)

    def decode(self, reads, memory, memory_mask):
        logits = torch.full((*reads.shape, self.V), -torch.inf)
        for b, ids in enumerate(reads.tolist()):
            for symbol, p in self.rows.get(tuple(ids[1:]), {END: 1.0}).items():
                logits[b, -1, symbol] = torch.tensor(p).log()
        return logits


WORDS = ("", "", "END", "le", "un", "chat", "chien")
LE, UN, CHAT, CHIEN = range(3, 7)
# "un" is the likelier first word; but after "le", the model is sure
EXAMPLE = Told(
    {
        (): {LE: 0.4, UN: 0.6},
        (LE,): {CHAT: 0.9, CHIEN: 0.1},
        (UN,): {CHAT: 0.5, CHIEN: 0.4, END: 0.1},
    },
    V=7,
)


def main():
    source = torch.tensor([3, 4])
    ids = greedy(EXAMPLE, source[None], longest=4)[0].tolist()
    print("greedy:  ", " ".join(WORDS[i] for i in ids))
    for K in (1, 2, 3):
        print(f"\n{K} beam{'s' if K > 1 else ''}")
        for value, ids in beam_search(EXAMPLE, source, K, longest=4):
            p = torch.tensor(value).exp()
            print(f"  ln p {value:7.3f}   p {p:.3f}   {' '.join(WORDS[i] for i in ids)}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("beam.py", main))
