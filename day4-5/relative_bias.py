"""Positions as T5 has them: no vectors, but a learned number for each distance and each head.

Near distances have a bucket each; far ones share, the farther the more. Raffel et al. 2020,
section 2.1. Letters: T queries, S keys, H heads.

    python day4-5/relative_bias.py     the bucket of every distance
"""

import math

import torch
import torch.nn as nn

BUCKETS, FAR = 32, 128  # from FAR on, all distances are one


def buckets(distance, both_ways):
    """The bucket of each distance, key minus query: whole numbers of any shape -> 0..BUCKETS - 1.

    both_ways: one half of the buckets is for keys that come later. Else all of those have bucket 0.
    The first half of the buckets (of each side) is exact, the rest grows by a constant factor.
    """
    count = BUCKETS // 2 if both_ways else BUCKETS
    later = count * (distance > 0) if both_ways else 0
    back = distance.abs() if both_ways else (-distance).clamp(min=0)
    exact = count // 2
    grown = (back.clamp(min=1) / exact).log() / math.log(FAR / exact) * (count - exact)
    far = (exact + grown.long()).clamp(max=count - 1)
    return later + torch.where(back < exact, back, far)


class RelativeBias(nn.Module):
    """(T, S) -> (H, T, S), to be added to the scores; the first query and key are both at place 0."""

    def __init__(self, H, both_ways):
        super().__init__()
        self.both_ways, self.table = both_ways, nn.Embedding(BUCKETS, H)
        nn.init.normal_(self.table.weight, std=0.1)

    def forward(self, T, S):
        at = self.table.weight.device
        distance = torch.arange(S, device=at) - torch.arange(T, device=at)[:, None]  # (T, S)
        return self.table(buckets(distance, self.both_ways)).permute(2, 0, 1)


def main():
    back = torch.tensor([0, 1, 2, 7, 8, 9, 11, 12, 16, 32, 64, 90, 127, 128, 1000])
    for both_ways in (True, False):
        print(f"\nboth ways: {both_ways}\n{'distance':>10} {'before':>7} {'after':>6}")
        for d, b, a in zip(back, buckets(-back, both_ways), buckets(back, both_ways), strict=True):
            print(f"{d:10} {b:7} {a:6}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("relative_bias.py", main))
