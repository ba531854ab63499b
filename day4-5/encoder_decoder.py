# exercises 5.3 and 5.4: cross-attention, the decoder layer
"""The Transformer of Vaswani et al. 2017: an encoder reads, a decoder writes and looks at what was read.

Letters: B sequences, S source positions, T target positions, C channels, H heads, D = C / H, M hidden
channels, V symbols, L layers. `mask` is True where a position may be seen.

    python day4-5/encoder_decoder.py     a small one, shape by shape; then the models of the paper
"""

import math
from dataclasses import dataclass

import torch
import torch.nn as nn

from positions_numpy import sinusoidal
from relative_bias import RelativeBias
from sequences import PAD, decoder_mask, padding_mask, real_lengths


@dataclass(frozen=True)
class Config:
    """The sizes of an encoder-decoder. ValueError from EncoderDecoder(config) where they do not fit."""

    source_size: int  # V of the source, with PAD, START and END
    target_size: int
    context: int = 64  # the longest sequence, of both sides
    n_layer: int = 2  # of the encoder, and of the decoder
    n_head: int = 4
    n_embd: int = 64
    hidden: int = 256
    dropout: float = 0.0
    order: str = "post"  # norm(x + f(x)), as in the paper; "pre": x + f(norm(x)), as in GPT-2
    tied: str = "output"  # the target's table makes the logits, too; "all": one table; "none"
    positions: str = "sinusoidal"  # or "relative": T5's bias, Raffel et al. 2020


class Attention(nn.Module):
    """The positions of x gather from those of memory, H times side by side.

    With `watch` set, the weights (B, H, T, S) of the last call stay in `weights`. `bias`, if there
    is one, gives each head a number for each distance: (T, S) -> (H, T, S), added to its scores.
    """

    def __init__(self, C, H, bias=None):
        super().__init__()
        if C % H:
            raise ValueError(f"{C} channels cannot be dealt out to {H} heads")
        self.H, self.bias = H, bias
        self.query, self.key, self.value, self.project = (nn.Linear(C, C) for _ in range(4))
        self.watch, self.weights = False, None

    # exercise 5.3
    def forward(self, x, memory, mask):
        """x (B, T, C) asks, memory (B, S, C) answers, mask broadcasts to (B, H, T, S) -> (B, T, C).

        self.query, self.key, self.value and self.project are linear maps C -> C; head h has the
        channels from h D to (h + 1) D - 1. Scores are divided by the root of D, then self.bias(T, S)
        (H, T, S) is added, unless it is None. Where self.watch is set, the weights (B, H, T, S) stay
        in self.weights, detached. Self-attention is the call with memory = x. ValueError (by
        check_attention) for what does not fit. Vaswani et al. 2017, section 3.2.
        """
        check_attention(x, memory, mask, self.H)
        T, S, H = x.shape[1], memory.shape[1], self.H
        q = self.query(x).unflatten(-1, (H, -1)).transpose(1, 2)  # (B, H, T, D)
        k = self.key(memory).unflatten(-1, (H, -1)).transpose(1, 2)  # (B, H, S, D)
        v = self.value(memory).unflatten(-1, (H, -1)).transpose(1, 2)
        scores = q @ k.mT / math.sqrt(q.shape[-1])  # (B, H, T, S)
        if self.bias is not None:
            scores = scores + self.bias(T, S)
        # -inf, not -1e9: float16 ends at 65504
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        if self.watch:
            self.weights = weights.detach()
        return self.project((weights @ v).transpose(1, 2).flatten(2))


class Residual(nn.Module):
    """Add what a branch says to the stream. "post" norms the sum, "pre" what the branch reads."""

    def __init__(self, config):
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(config.n_embd), nn.Dropout(config.dropout)
        self.order = config.order

    def forward(self, x, branch):
        if self.order == "pre":
            return x + self.dropout(branch(self.norm(x)))
        return self.norm(x + self.dropout(branch(x)))


def feed_forward(config):
    """Each position alone: widen, bend, narrow. (B, T, C) -> (B, T, C), equation 2."""
    C, M = config.n_embd, config.hidden
    return nn.Sequential(nn.Linear(C, M), nn.ReLU(), nn.Linear(M, C))


class EncoderLayer(nn.Module):
    """Two sub-layers: look at every real position, then think. x (B, S, C) -> (B, S, C)."""

    def __init__(self, config, bias=None):
        super().__init__()
        self.attention = Attention(config.n_embd, config.n_head, bias)
        self.feed_forward = feed_forward(config)
        self.gathered, self.thought = Residual(config), Residual(config)

    def forward(self, x, mask):
        x = self.gathered(x, lambda h: self.attention(h, h, mask))
        return self.thought(x, self.feed_forward)


class DecoderLayer(nn.Module):
    """Three sub-layers; without cross, two: then it is a layer of a decoder-only model."""

    def __init__(self, config, bias=None, cross=True):
        super().__init__()
        C, H = config.n_embd, config.n_head
        self.attention = Attention(C, H, bias)
        self.cross = Attention(C, H) if cross else None
        self.feed_forward = feed_forward(config)
        self.gathered, self.thought = Residual(config), Residual(config)
        self.looked = Residual(config) if cross else None

    # exercise 5.4
    def forward(self, x, mask, memory=None, memory_mask=None):
        """Gather from the own past, look at the memory, think: x (B, T, C) -> (B, T, C).

        self.gathered, self.looked and self.thought are residuals, called with the stream and a
        function: self.gathered(x, branch) norms, calls branch(h) and adds, in the order of the
        config. mask (B, 1, T, T) is of self.attention; memory (B, S, C) and memory_mask (B, 1, 1, S)
        are of self.cross. In a layer without cross-attention self.cross and self.looked are None,
        and a memory, if there is one, is not looked at. Vaswani et al. 2017, figure 1, on the right.
        """
        x = self.gathered(x, lambda h: self.attention(h, h, mask))
        if self.cross is not None:
            x = self.looked(x, lambda h: self.cross(h, memory, memory_mask))
        return self.thought(x, self.feed_forward)


class EncoderDecoder(nn.Module):
    """Source ids (B, S) and what the decoder reads (B, T) -> logits (B, T, V) of what it writes.

    Lengths (B,) say how much of each row is real; where none are given, PAD is what is not.
    PAD is never predicted: its logit is -inf, so that its row of the table stays zero.
    """

    def __init__(self, config):
        super().__init__()
        check_config(config)
        self.config, C, L = config, config.n_embd, config.n_layer
        self.source = nn.Embedding(config.source_size, C, padding_idx=PAD)
        self.target = nn.Embedding(config.target_size, C, padding_idx=PAD)
        if config.tied == "all":
            self.target = self.source
        self.head = nn.Linear(C, config.target_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        table, both = torch.from_numpy(sinusoidal(config.context, C)), (None, None)
        if config.positions == "relative":  # one table of distances for all layers of a stack
            both = (RelativeBias(config.n_head, both_ways) for both_ways in (True, False))
            table = torch.zeros_like(table)
        reads, writes = both
        self.register_buffer("table", table.to(torch.get_default_dtype()), persistent=False)
        self.encoder = nn.ModuleList(EncoderLayer(config, reads) for _ in range(L))
        self.decoder = nn.ModuleList(DecoderLayer(config, writes) for _ in range(L))
        # post-norm ends with a norm already
        end = nn.LayerNorm if config.order == "pre" else nn.Identity
        self.read, self.written = end(C), end(C)
        self.apply(initialize)
        if config.tied != "none":
            self.head.weight = self.target.weight

    def forward(self, source, reads, source_lengths=None, lengths=None):
        memory, mask = self.encode(source, source_lengths)
        return self.decode(reads, memory, mask, lengths)

    def encode(self, source, lengths=None):
        """source (B, S) ids -> memory (B, S, C), and its mask (B, 1, 1, S)."""
        check_ids(source, "source", self.config.source_size, self.config.context)
        mask = padding_mask(lengths_of(source, "source", lengths), source.shape[1])
        x = self.embed(self.source, source)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.read(x), mask

    def decode(self, reads, memory, memory_mask, lengths=None):
        """reads (B, T) ids, START first; memory and its mask as from encode -> logits (B, T, V)."""
        check_ids(reads, "target", self.config.target_size, self.config.context)
        mask = decoder_mask(lengths_of(reads, "target", lengths), reads.shape[1])
        x = self.embed(self.target, reads)
        for layer in self.decoder:
            x = layer(x, mask, memory, memory_mask)
        logits = self.head(self.written(x))
        never = torch.arange(logits.shape[-1], device=logits.device) == PAD
        return logits.masked_fill(never, -torch.inf)

    def embed(self, embedding, ids):
        """Symbols and their places as vectors: ids (B, T) -> (B, T, C). Section 3.4."""
        x = embedding(ids) * math.sqrt(self.config.n_embd)
        return self.dropout(x + self.table[: ids.shape[1]])


def initialize(module):
    """Glorot's uniform weights, zero biases; symbols as large as their places, once scaled."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding) and module.padding_idx is not None:
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
        nn.init.zeros_(module.weight[PAD])


def check_config(config):
    sizes = (config.context, config.n_layer, config.n_embd, config.n_head, config.hidden)
    if min(sizes) < 1:
        raise ValueError(f"context, layers, channels, heads and hidden are at least 1, not {sizes}")
    if min(config.source_size, config.target_size) < 4:
        raise ValueError("a vocabulary needs PAD, START, END and a word: at least 4 symbols")
    if config.tied == "all" and config.source_size != config.target_size:
        raise ValueError(
            f'tied="all" needs one vocabulary, not {config.source_size} and {config.target_size}'
        )
    for name, known in {
        "order": ("post", "pre"),
        "tied": ("output", "all", "none"),
        "positions": ("sinusoidal", "relative"),
    }.items():
        if getattr(config, name) not in known:
            raise ValueError(f"{name} is one of {known}, not {getattr(config, name)!r}")


def check_ids(ids, name, V, context):
    if ids.dim() != 2 or not ids.numel():
        raise ValueError(f"{name} has the shape (B, T), at least 1 of each, not {tuple(ids.shape)}")
    if ids.shape[1] > context:
        raise ValueError(
            f"{name} has {ids.shape[1]} symbols, but this model reads {context}: shorten it, or "
            "make one with a longer context"
        )
    if ids.min() < 0 or ids.max() >= V:
        raise ValueError(f"{name} ids are in 0..{V - 1}, not {int(ids.min())}..{int(ids.max())}")


def lengths_of(ids, name, lengths):
    """How much of each row of ids (B, T) is real: (B,), counted where no lengths are given."""
    if lengths is None:
        return real_lengths(ids)
    B = len(ids)
    if not torch.is_tensor(lengths) or lengths.shape != (B,) or lengths.is_floating_point():
        raise ValueError(
            f"lengths of {name}: a tensor of {B} whole numbers, one for each row, not {lengths}"
        )
    return lengths


def check_attention(x, memory, mask, H):
    if x.dim() != 3:
        raise ValueError(f"x has the shape (B, T, C), not {tuple(x.shape)}")
    if memory is None or mask is None:
        raise ValueError("attention needs a memory and a mask, True for each key that may be seen")
    B, T, C = x.shape
    if memory.dim() != 3 or (memory.shape[0], memory.shape[2]) != (B, C):
        raise ValueError(f"x {tuple(x.shape)} and memory {tuple(memory.shape)} differ in B or C")
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool, True where a position may be seen, not {mask.dtype}")
    full = (B, H, T, memory.shape[1])
    if mask.dim() > 4 or any(a not in (1, b) for a, b in zip(mask.shape[::-1], full[::-1])):
        raise ValueError(f"a mask {tuple(mask.shape)} does not broadcast to (B, H, T, S) = {full}")
    seen = torch.atleast_1d(mask)
    # the masks of a model let all see the first key: a quick look, and a slow one only without it
    if not seen[..., :1].all() and not seen.any(dim=-1).all():
        raise ValueError("a query may see nothing: a row of the mask is False everywhere")


def main():
    """A small model, shape by shape; then the models of the paper."""
    torch.manual_seed(0)
    model = EncoderDecoder(Config(source_size=9, target_size=11)).eval()
    source, reads = torch.tensor([[3, 4, 5, 2], [6, 2, 0, 0]]), torch.tensor([[1, 3, 4], [1, 5, 0]])
    memory, mask = model.encode(source)
    logits = model.decode(reads, memory, mask)
    named = {"source": source, "memory": memory, "its mask": mask, "reads": reads, "logits": logits}
    for name, array in named.items():
        print(f"{name:9} {tuple(array.shape)}")
    longer = torch.cat((source, torch.zeros(2, 5, dtype=torch.long)), dim=1)
    change = (model(longer, reads) - logits)[..., 1:].abs().max()
    print(f"five more PAD to the right of the source change the logits by {change:.0e}\n")
    import paper_sizes

    paper_sizes.main()


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("encoder_decoder.py", main))
