# exercises 3.1-3.6: LayerNorm, PositionalEncoding, MultiHeadAttention, FeedForward and
# TransformerBlock, GPT.forward, GPT.generate
"""GPT-2 with one change: rotary positions. With positions="learned" it is GPT-2 exactly.

Letters: B sequences, T query positions, S key positions, C channels, H heads, D = C / H channels
of a head, V symbols, L layers. Radford et al. 2019 (GPT-2); Su et al. 2021 (rotary positions).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from decoding import choose


@dataclass
class Config:
    """The sizes of a GPT. ValueError from GPT(config) where they do not fit together."""

    vocab_size: int
    context: int = 64
    n_layer: int = 4
    n_head: int = 3
    n_embd: int = 96
    dropout: float = 0.0
    positions: str = "rotary"  # or "learned": GPT-2's table of positions
    gelu: str = "tanh"  # GPT-2's approximation; "none" is the exact one, by erf


class LayerNorm(nn.Module):
    """Give every position mean 0 and variance 1 over its channels, then a learned scale and shift.

    1e-5 is added to the variance, under the root. Ba et al. 2016.
    """

    def __init__(self, C):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(C))
        self.bias = nn.Parameter(torch.zeros(C))

    # exercise 3.1
    def forward(self, x):
        """x (..., C) -> (..., C)."""
        # one fused kernel for (x - mean) / sqrt(variance + 1e-5) * gain + bias
        return F.layer_norm(x, self.gain.shape, self.gain, self.bias, eps=1e-5)


class PositionalEncoding(nn.Module):
    """Turn each pair of neighbouring channels by an angle that grows with the position.

    The product of a turned query and a turned key depends on their distance alone. Su et al. 2021,
    equation 34.
    """

    def __init__(self, context, D):
        super().__init__()
        speeds = 10000.0 ** (-torch.arange(0, D, 2) / D)
        angles = torch.arange(context)[:, None] * speeds  # (context, D / 2)
        turn = torch.stack((angles.cos(), angles.sin()), dim=-1)  # (context, D / 2, 2)
        self.register_buffer("turn", turn, persistent=False)

    # exercise 3.2
    def forward(self, x, start=0):
        """x (B, H, T, D), the first of them at position `start` -> (B, H, T, D)."""
        # a pair is a complex number, and turning it is a product with cos + i sin
        here, exact = slice(start, start + x.shape[-2]), torch.promote_types(x.dtype, torch.float32)
        turn = torch.view_as_complex(self.turn[here].to(exact))  # (T, D / 2)
        pairs = torch.view_as_complex(x.to(exact).unflatten(-1, (-1, 2)))  # (B, H, T, D / 2)
        return torch.view_as_real(pairs * turn).flatten(-2).to(x.dtype)


class MultiHeadAttention(nn.Module):
    """Every position gathers from itself and its past, H times side by side.

    `cache` is a dictionary, empty at first: under "k" (turned) and "v" it keeps the keys and values
    (B, H, S, D) of all positions so far, and grows with every call.
    With `watch` set, the weights (B, H, T, S) of the last call stay in `weights`.
    """

    def __init__(self, config):
        super().__init__()
        C, self.H = config.n_embd, config.n_head
        self.query_key_value = nn.Linear(C, 3 * C)
        self.project = nn.Linear(C, C)
        rotary = config.positions == "rotary"
        self.rotate = PositionalEncoding(config.context, C // self.H) if rotary else None
        self.watch, self.weights = False, None

    # exercise 3.3
    def forward(self, x, cache=None):
        """x (B, T, C), cache or None -> (B, T, C)."""
        B, T, C = x.shape
        H, D = self.H, C // self.H
        qkv = self.query_key_value(x).view(B, T, 3 * H, D).transpose(1, 2)  # (B, 3 H, T, D)
        qk, v = qkv[:, : 2 * H], qkv[:, 2 * H :]
        start = cache["k"].shape[-2] if cache else 0
        q, k = (self.rotate(qk, start) if self.rotate else qk).chunk(2, dim=1)  # (B, H, T, D)
        if cache is not None:
            if cache:
                k, v = torch.cat((cache["k"], k), dim=-2), torch.cat((cache["v"], v), dim=-2)
            cache["k"], cache["v"] = k, v
        out = self.attend(q, k, v)  # (B, H, T, D)
        return self.project(out.transpose(1, 2).reshape(B, T, C))

    # exercise 3.3
    def attend(self, q, k, v):
        """q (B, H, T, D), k and v (B, H, S, D): the queries are the last T of the S positions."""
        T, S, D = q.shape[-2], k.shape[-2], q.shape[-1]
        if (T == 1 or q.device.type != "cpu") and not self.watch:
            mask = None if T == 1 else causal(T, S, q.device)
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        # on a CPU the fused kernel is no faster in float32, and slower in bfloat16
        scores = q @ k.transpose(-2, -1) / math.sqrt(D)  # (B, H, T, S)
        weights = scores.masked_fill(~causal(T, S, q.device), -torch.inf).softmax(dim=-1)
        if self.watch:
            self.weights = weights.detach()
        return weights @ v


class FeedForward(nn.Module):
    """Each position alone: widen four times, bend, narrow."""

    def __init__(self, config):
        super().__init__()
        self.widen = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.project = nn.Linear(4 * config.n_embd, config.n_embd)
        self.gelu = config.gelu

    # exercise 3.4
    def forward(self, x):
        """x (B, T, C) -> (B, T, C)."""
        return self.project(F.gelu(self.widen(x), approximate=self.gelu))


class TransformerBlock(nn.Module):
    """Gather, then think; each adds to the residual stream.

    Dropout falls on what a branch says, before it is added.
    """

    def __init__(self, config):
        super().__init__()
        self.norm_1 = LayerNorm(config.n_embd)
        self.attention = MultiHeadAttention(config)
        self.norm_2 = LayerNorm(config.n_embd)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    # exercise 3.4
    def forward(self, x, cache=None):
        """x (B, T, C), cache or None -> (B, T, C)."""
        x = x + self.dropout(self.attention(self.norm_1(x), cache))
        return x + self.dropout(self.feed_forward(self.norm_2(x)))


class GPT(nn.Module):
    """A language model: ids (B, T) in, logits (B, T, V) for the symbol that follows each of them.

    ValueError, in one sentence, for sizes that do not fit, ids outside the vocabulary, and more
    positions than the context holds.
    """

    def __init__(self, config):
        super().__init__()
        check_sizes(config)
        self.config = config
        V, C = config.vocab_size, config.n_embd
        learned = config.positions == "learned"
        self.embedding = nn.Embedding(V, C)
        self.position = nn.Embedding(config.context, C) if learned else None
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(TransformerBlock(config) for _ in range(config.n_layer))
        self.norm = LayerNorm(C)
        self.head = nn.Linear(C, V, bias=False)
        self.head.weight = self.embedding.weight  # tied: one tensor reads and writes the symbols
        self.apply(initialize)
        # tied and with nothing added yet, a symbol's own logit is C times the deviation: keep it
        # so small that the loss at birth is within 3.5 % of ln V
        own_logit = math.log(1 + 0.035 * V * math.log(V))
        nn.init.normal_(self.embedding.weight, std=min(0.02, own_logit / C))
        for block in self.blocks:  # at birth a block adds nothing: the stream passes untouched
            nn.init.zeros_(block.attention.project.weight)
            nn.init.zeros_(block.feed_forward.project.weight)

    # exercise 3.5
    def forward(self, ids, targets=None, cache=None):
        """ids (B, T), targets (B, T) or None -> logits (B, T, V), mean loss in nats or None.

        `cache` is an empty list, which gets a dictionary for each block, or what an earlier call left
        in it: then ids go on from there.
        """
        T = ids.shape[1]
        if cache is not None and not cache:
            cache.extend({} for _ in self.blocks)
        start = cache[0]["k"].shape[-2] if cache and cache[0] else 0
        check_ids(ids, start, self.config)
        x = self.embedding(ids)  # (B, T, C)
        if self.position:
            x = x + self.position(torch.arange(start, start + T, device=ids.device))
        x = self.dropout(x)
        for layer, block in enumerate(self.blocks):
            x = block(x, cache[layer] if cache else None)
        logits = self.head(self.norm(x)).to(x.dtype)  # (B, T, V), float32 under autocast too
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    # exercise 3.6
    @torch.no_grad()
    def generate(
        self, ids, length, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None
    ) -> Iterator[torch.Tensor]:
        """Go on from ids (B, T), one symbol a step: yields (B,) ids, `length` times.

        Only the last `context` symbols count. When the next symbol no longer fits, the newest
        max(1, context // 2) symbols, that one included, start afresh with an empty cache: a cached
        key has seen what a sliding window would have lost. A row that has drawn the id `stop`
        repeats it, and when all rows have, the generation ends.
        """
        context = self.config.context
        window = ids[:, -context:]
        cache: list[dict] = []
        fresh = window
        done = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
        for _ in range(length):
            logits, _ = self(fresh, cache=cache)
            chosen = choose(logits[:, -1], temperature, top_k, top_p, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done |= chosen == stop
            yield chosen
            if done.all():
                return
            fresh = chosen[:, None]
            window = torch.cat((window, fresh), dim=1)
            if window.shape[1] > context:
                window = window[:, -max(1, context // 2) :]
                cache, fresh = [], window


def causal(T, S, device):
    """True where a position may be seen: the queries are the last T of S positions -> (T, S)."""
    return torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)


def initialize(module):
    """Small normal weights, zero biases, as in GPT-2: the logits at birth are near zero."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def check_sizes(config):
    sizes = {k: v for k, v in vars(config).items() if k in ("vocab_size", "context", "n_layer")}
    if min(sizes.values()) < 1 or config.n_head < 1:
        raise ValueError(f"every size must be at least 1: {sizes | {'n_head': config.n_head}}")
    D, rest = divmod(config.n_embd, config.n_head)
    if rest or D < 1:
        raise ValueError(f"n_embd {config.n_embd} does not divide by n_head {config.n_head}")
    if config.gelu not in ("tanh", "none"):
        raise ValueError(f'gelu is "tanh" or "none", not {config.gelu!r}')
    if config.positions not in ("rotary", "learned"):
        raise ValueError(f'positions is "rotary" or "learned", not {config.positions!r}')
    if config.positions == "rotary" and D % 2:
        raise ValueError(f"rotary positions need an even n_embd / n_head, not {D}")


def check_ids(ids, start, config):
    V, T = config.vocab_size, ids.shape[1]
    if not len(ids):
        raise ValueError("the batch has no rows")
    if not 1 <= T <= config.context - start:
        raise ValueError(f"{start + T} positions do not fit the context of {config.context}")
    if ids.min() < 0 or ids.max() >= V:
        raise ValueError(f"ids must be in 0..{V - 1}, not {int(ids.min())}..{int(ids.max())}")


def main():
    """A small GPT learns two rows of random symbols by heart."""
    torch.manual_seed(0)
    model, ids = GPT(Config(vocab_size=65)), torch.randint(65, (2, 17))
    x, y = ids[:, :-1], ids[:, 1:]
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, ln 65 = {math.log(65):.3f}")
    print(f"ids {tuple(x.shape)} -> logits {tuple(model(x)[0].shape)}")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for step in range(31):
        logits, loss = model(x, y)
        if step % 10 == 0:
            right = (logits.argmax(dim=-1) == y).sum()
            print(f"step {step:2}  loss {loss:.3f}  {right:2} of {y.numel()} right")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("model.py", main))
