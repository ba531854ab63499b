"""Encoder-only, decoder-only, encoder-decoder: the same task, the same number of parameters.

What an encoder-only model is asked for is all words at once, in blanks behind the source; a
decoder-only model goes on from the source, word by word; an encoder-decoder has a stack for each.
Letters: B sentences, S source positions, T target positions, C channels, M hidden channels.

    python day4-5/three_designs.py     one run of each; two minutes on two cores
"""

import math
import sys
from dataclasses import replace

import torch
import torch.nn as nn

import bleu
from beam import greedy
from encoder_decoder import Config, DecoderLayer, EncoderDecoder, EncoderLayer, initialize
from pairs import number_data
from positions_numpy import sinusoidal
from sequences import END, PAD, START, decoder_mask, padded, padding_mask, real_lengths
from translate import train

LONGEST = 20  # symbols of a target, END among them
STEPS = 600
SIZES = Config(0, 0, context=2 * LONGEST, n_layer=2, n_head=4, n_embd=64, hidden=256)


class OneStack(nn.Module):
    """Both designs with a single stack: source and target stand in one row, as one vocabulary.

    Target ids come after those of the source; the shared ones, PAD, START and END, are the same.
    """

    def __init__(self, V_source, V_target, config, layer):
        super().__init__()
        C, self.moved, self.V = config.n_embd, V_source - END - 1, V_target
        self.config = config
        self.embedding = nn.Embedding(V_source + V_target - END - 1, C, padding_idx=PAD)
        table = torch.from_numpy(sinusoidal(config.context, C)).to(torch.get_default_dtype())
        self.register_buffer("table", table, persistent=False)
        self.layers = nn.ModuleList(layer(config) for _ in range(config.n_layer))
        self.apply(initialize)

    def joined(self, source, target):
        """source (B, S) and target (B, T) in one row, without a gap -> ids (B, S + T), places (B, T)."""
        T = target.shape[1]
        places = real_lengths(source)[:, None] + torch.arange(T)
        ids = nn.functional.pad(source, (0, T))
        target = torch.where(target > END, target + self.moved, target)
        return ids.scatter(1, places, target), places

    def stack(self, ids, mask, places):
        """Through all layers; the logits (B, T, V) of some places (B, T)."""
        x = self.embedding(ids) * math.sqrt(self.config.n_embd) + self.table[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, mask)
        x = x.gather(1, places[..., None].expand(-1, -1, x.shape[-1]))
        symbols = torch.arange(self.V)
        own = self.embedding.weight[torch.where(symbols > END, symbols + self.moved, symbols)]
        return (x @ own.T).masked_fill(symbols == PAD, -torch.inf)


class DecoderOnly(OneStack):
    """Goes on from the source, as a GPT: every position sees itself and what stands before it."""

    def __init__(self, V_source, V_target, config):
        super().__init__(V_source, V_target, config, lambda c: DecoderLayer(c, cross=False))

    def forward(self, source, reads):
        ids, places = self.joined(source, reads)
        return self.stack(ids, decoder_mask(real_lengths(ids), ids.shape[1]), places)

    def encode(self, source):
        return source, None

    def decode(self, reads, source, _):
        return self(source, reads)


class EncoderOnly(OneStack):
    """Fills LONGEST blanks behind the source in one pass; every position sees every other one."""

    def __init__(self, V_source, V_target, config):
        super().__init__(V_source, V_target, config, EncoderLayer)

    def forward(self, source, reads):
        """What `reads` holds is not looked at: only how many logits are wanted -> (B, T, V)."""
        ids, places = self.joined(source, torch.full((len(source), LONGEST), START))
        mask = padding_mask(real_lengths(ids), ids.shape[1])
        return self.stack(ids, mask, places)[:, : reads.shape[1]]

    def write(self, source):
        return self(source, source.new_zeros(len(source), LONGEST)).argmax(dim=-1)


def designs(V_source, V_target):
    """Name -> a function that makes the model. Wider feed-forwards make up for what is missing."""
    two, one = SIZES, replace(SIZES, n_layer=4)
    # a decoder layer has an attention and a norm more: 4 (C C + C) + 2 C
    more = (4 * (two.n_embd**2 + two.n_embd) + 2 * two.n_embd) / (2 * two.n_embd + 1)
    one = replace(one, hidden=round(one.hidden + more / 2))
    return {
        "encoder-only": lambda: EncoderOnly(V_source, V_target, one),
        "decoder-only": lambda: DecoderOnly(V_source, V_target, one),
        "encoder-decoder": lambda: EncoderDecoder(
            replace(two, source_size=V_source, target_size=V_target)
        ),
    }


@torch.no_grad()
def written(model, data, sentences):
    """Lists of words -> lists of words, by each design's own way of writing."""
    source = padded([data.source.encode(words) for words in sentences])
    if isinstance(model, EncoderOnly):
        ids = model.write(source)
    else:
        ids = greedy(model, source, LONGEST)
    return [data.target.decode(row) for row in ids.tolist()]


def run(name, seed, steps, data):
    """One design, trained and judged -> parameters, the last losses, exact match, BLEU, seconds."""
    torch.manual_seed(seed)
    model = designs(len(data.source), len(data.target))[name]()
    losses = []
    for _, loss, seconds in train(model, data.draw, steps, 64, 2e-3, seed):
        losses.append(loss)
    sources, references = zip(*data.test, strict=True)
    found = written(model.eval(), data, sources)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss": sum(losses[-20:]) / 20,
        "exact": bleu.exact_match(found, references),
        "BLEU": bleu.bleu(found, references),
        "seconds": seconds,
    }


def main():
    data = number_data(tests=1000)
    print(f"seed 1, {STEPS} steps, {len(data.test)} unseen numbers", flush=True)
    print(f"{'':16} parameters  last loss  exact   BLEU  seconds")
    for name in designs(4, 4):
        row = run(name, 1, STEPS, data)
        print(
            f"{name:16} {row['parameters']:10,}  {row['loss']:9.4f}  {row['exact']:5.1%}  "
            f"{row['BLEU']:5.1f}  {row['seconds']:7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    import tyro

    from terminal import exit_code

    sys.exit(exit_code("three_designs.py", lambda: tyro.cli(main, description=__doc__)))
