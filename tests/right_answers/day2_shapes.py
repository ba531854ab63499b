"""Right answers to the exercise of day2/shapes.py, each written in another way."""

import math

import torch
from torch import nn

from model import GPT


class exercise_2_11__short:
    def parameters(config, tied=True):
        C = config.n_embd
        rows = config.vocab_size + 2
        rows += config.vocab_size if not tied else 0
        rows += config.context if config.positions == "learned" else 0
        return C * (rows + config.n_layer * (12 * C + 13))


class exercise_2_11__shapes:
    def parameters(config, tied=True):
        V, C, L = config.vocab_size, config.n_embd, config.n_layer
        norm = [(C,), (C,)]
        block = [(C, 3 * C), (3 * C,), (C, C), (C,), (C, 4 * C), (4 * C,), (4 * C, C), (C,)]
        shapes = [(V, C), *L * (norm + norm + block), *norm]
        if not tied:
            shapes.append((C, V))
        if config.positions == "learned":
            shapes.append((config.context, C))
        return sum(math.prod(shape) for shape in shapes)


class exercise_2_11__built_of_torchs_parts:
    def parameters(config, tied=True):
        C = config.n_embd
        parts = [nn.Embedding(config.vocab_size, C), nn.LayerNorm(C)]
        if config.positions == "learned":
            parts += [nn.Embedding(config.context, C)]
        if not tied:
            parts += [nn.Linear(C, config.vocab_size, bias=False)]
        for _ in range(config.n_layer):
            parts += [nn.TransformerEncoderLayer(C, config.n_head, dim_feedforward=4 * C)]
        return sum(p.numel() for part in parts for p in part.parameters())


class exercise_2_11__the_model_itself:
    def parameters(config, tied=True):
        model = GPT(config)
        if not tied:
            model.head.weight = nn.Parameter(torch.empty_like(model.head.weight))
        return sum(p.numel() for p in model.parameters())


class exercise_2_11__by_parts:
    def parameters(config, tied=True):
        C, total = config.n_embd, 0.0

        def matrix(a, b, bias=True):
            return (a + bias) * b

        for _ in range(config.n_layer):
            for a, b in ((1, 3), (1, 1), (1, 4), (4, 1)):
                total += matrix(a * C, b * C)
            total += 4 * C
        total += matrix(config.vocab_size, C, bias=False) * (2 - bool(tied))
        return total + 2 * C + (config.positions != "rotary") * matrix(config.context, C, False)
