"""The same model in PyTorch, from the same weights: what NumPy and PyTorch call the same thing.

Its layers are torch's own, and so are its gradients, its optimiser and its clipping: where the two
agree for fifty steps, the gradients by hand are right, and the way to PyTorch is a list of names.

    python day4-5/train_twin.py     fifty steps of both, side by side
"""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from digit_tasks import IGNORED
from optim_numpy import matrices, warmup_cosine
from positions_numpy import sinusoidal

NAMES = {  # ours -> torch.nn.TransformerEncoderLayer's; its linear maps are x @ weight.T + bias
    "attention.w_o": "self_attn.out_proj.weight",
    "feed_forward.w1": "linear1.weight",
    "feed_forward.b1": "linear1.bias",
    "feed_forward.w2": "linear2.weight",
    "feed_forward.b2": "linear2.bias",
    "norm_1.gain": "norm1.weight",
    "norm_1.bias": "norm1.bias",
    "norm_2.gain": "norm2.weight",
    "norm_2.bias": "norm2.bias",
}


class Twin(nn.Module):
    """The model of backward_model.py, pre-norm with ReLU, of torch's layers and float64."""

    def __init__(self, params, H):
        super().__init__()
        V, C = params["embedding"].shape
        L = len({name.split(".")[1] for name in params if name.startswith("blocks.")})
        M = params["blocks.0.feed_forward.w1"].shape[1]
        self.embedding = nn.Embedding(V, C)
        self.positions = "positions" in params and nn.Embedding(len(params["positions"]), C)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(C, H, M, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(L)
        )
        self.norm, self.head = nn.LayerNorm(C), nn.Linear(C, params["head.w"].shape[1])
        self.double()
        self.load_state_dict(state(params, self.state_dict()))
        for name, p in self.named_parameters():  # attention of Day 1 adds no biases
            p.requires_grad_("self_attn" not in name or "bias" not in name)

    def forward(self, ids):
        """ids (B, T) -> logits (B, T, V)."""
        T = ids.shape[1]
        x = self.embedding(ids)
        if self.positions:
            x = x + self.positions.weight[:T]
        else:
            x = x + torch.from_numpy(sinusoidal(T, x.shape[-1]))
        # the one mask of this book that is True where nothing may be seen: so torch wants it here
        hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
        for block in self.blocks:
            x = block(x, src_mask=hidden)
        return self.head(self.norm(x))


def state(params, start):
    """NumPy's dictionary under torch's names and in torch's shapes; biases that we lack are 0."""
    found = {name: torch.zeros_like(p) for name, p in start.items()}
    given = {"embedding.weight": params["embedding"], "head.weight": params["head.w"].T}
    given |= {"norm.weight": params["norm.gain"], "norm.bias": params["norm.bias"]}
    given["head.bias"] = params["head.b"]
    if "positions" in params:
        given["positions.weight"] = params["positions"]
    for prefix in {name.rsplit(".", 2)[0] for name in params if name.startswith("blocks.")}:
        packed = [params[f"{prefix}.attention.w_{name}"].T for name in "qkv"]
        given[f"{prefix}.self_attn.in_proj_weight"] = np.concatenate(packed)  # (3 C, C)
        for ours, theirs in NAMES.items():
            p = params[f"{prefix}.{ours}"]
            given[f"{prefix}.{theirs}"] = p.T if p.ndim == 2 else p
    return found | {name: torch.from_numpy(p.copy()) for name, p in given.items()}


def training(twin, ids, targets, chosen, steps, rate, betas, decay, ceiling):
    """train_numpy.training, as PyTorch writes it: yields the loss before each step."""
    held = {n: p for n, p in twin.named_parameters() if p.requires_grad}
    decayed = matrices(held)
    rest = [p for n, p in held.items() if n not in decayed]
    groups = [
        {"params": [held[n] for n in decayed], "weight_decay": decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=betas)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: warmup_cosine(step + 1, steps, steps // 20)
    )
    for own in chosen:
        logits = twin(torch.from_numpy(ids[own]))
        asked = torch.from_numpy(targets[own])
        loss = F.cross_entropy(logits.flatten(0, 1), asked.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(held.values(), ceiling)
        optimizer.step()
        scheduler.step()
        yield loss.item()


def side_by_side(name, size, seed, steps):
    """Both from the same weights and on the same batches: yields (our loss, torch's loss)."""
    import train_numpy as ours

    task = ours.TASKS[name]
    _, params, ids, targets, rng = ours.prepared(task, size, seed)
    twin, state_of_chance = Twin(params, size.H), rng.bit_generator.state
    mine = [s.loss for s in ours.training(params, ids, targets, size.H, steps, rng)]
    rng.bit_generator.state = state_of_chance
    chosen = ours.batches(rng, len(ids), ours.B, steps)
    given = ids, targets, chosen, steps, ours.RATE, ours.BETAS, ours.DECAY, ours.CEILING
    yield from zip(mine, training(twin, *given))


def main():
    """Fifty steps: the two losses, and how far they are apart at most."""
    from train_numpy import SIZES

    apart = 0.0
    for number, (mine, torchs) in enumerate(side_by_side("sums", SIZES["small"], 1, 50), start=1):
        apart = max(apart, abs(mine - torchs))
        if number % 10 == 0 or number == 1:
            print(f"step {number:3}   by hand {mine:.12f}   torch {torchs:.12f}")
    print(f"never farther apart than {apart:.1e}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
