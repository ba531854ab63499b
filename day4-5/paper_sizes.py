"""The models of the paper: their sizes, their parameters by formula and as the paper counts them.

python day4-5/paper_sizes.py     Table 3 of Vaswani et al. 2017, counted; its base model, run once
"""

import sys
import time
from dataclasses import replace

import torch

from encoder_decoder import Config, EncoderDecoder
from machine import mebibytes
from sequences import END

# section 5.1: "about 37000 tokens", one vocabulary for both languages
BASE = Config(37_000, 37_000, 512, 6, 8, 512, 2048, 0.1, tied="all")
# name -> the sizes, and the paper's own count in millions ("unlisted values are identical to those
# of the base model"). Its rows (B) change the channels of a head alone, which this model cannot
TABLE_3 = {
    "base": (BASE, 65),
    **{f"(A) {H} head{'s' * (H > 1)}": (replace(BASE, n_head=H), 65) for H in (1, 4, 16, 32)},
    "(C) 2 layers": (replace(BASE, n_layer=2), 36),
    "(C) 4 layers": (replace(BASE, n_layer=4), 50),
    "(C) 8 layers": (replace(BASE, n_layer=8), 80),
    "(C) 256 channels": (replace(BASE, n_embd=256), 28),
    "(C) 1024 channels": (replace(BASE, n_embd=1024), 168),
    "(C) 1024 hidden": (replace(BASE, hidden=1024), 53),
    "(C) 4096 hidden": (replace(BASE, hidden=4096), 90),
    "big": (replace(BASE, n_head=16, n_embd=1024, hidden=4096, dropout=0.3), 213),
}


def parameters(config):
    """The number of parameters, by formula, with positions="sinusoidal", which have none.

    An attention has 4 matrices C x C, a feed-forward 2 of C x M, all with a bias; a norm has 2 C.
    An encoder layer has one attention and two norms, a decoder layer two and three.
    """
    C, M, L = config.n_embd, config.hidden, config.n_layer
    attention, think, norm = 4 * (C * C + C), 2 * C * M + M + C, 2 * C
    layers = L * (3 * attention + 2 * think + 5 * norm) + 2 * norm * (config.order == "pre")
    V, W = config.source_size, config.target_size
    return layers + C * {"all": V, "output": V + W, "none": V + 2 * W}[config.tied]


@torch.no_grad()
def one_pass(config, B=1, S=32):
    """A forward pass of B sentences of S symbols -> seconds, MiB of the weights, MiB at the most.

    The last is that of the whole process, torch included; None where the system does not say.
    """
    model = EncoderDecoder(config).eval()
    ids = torch.randint(END + 1, config.source_size, (B, S))
    model(ids, ids)  # the first one is slower
    start = time.perf_counter()
    model(ids, ids)
    seconds = time.perf_counter() - start
    weights = sum(p.numel() * p.element_size() for p in model.parameters()) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return seconds, weights, None
    return seconds, weights, mebibytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main():
    head = f"{'layers':>8}{'channels':>10}{'hidden':>8}{'heads':>7}{'dropout':>9}"
    print(f"{'':19}{head}{'one table':>13}{'the paper':>11}{'three tables':>14}")
    for name, (c, paper) in TABLE_3.items():
        sizes = f"{c.n_layer:8}{c.n_embd:10}{c.hidden:8}{c.n_head:7}{c.dropout:9}"
        untied = parameters(replace(c, tied="none"))
        print(f"{name:19}{sizes}{parameters(c):13,}{paper:9} M{untied:14,}")
    torch.manual_seed(0)
    seconds, weights, most = one_pass(BASE)
    told = f", {most:.0f} MiB at the most" if most else ""
    print(f"\nbase, 32 symbols to 32: {seconds:.2f} s, weights {weights:.0f} MiB{told}")


if __name__ == "__main__":
    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("paper_sizes.py", main))
