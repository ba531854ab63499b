"""Right answers to the exercises of day3/model.py, each written in another way."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def mean(x):
    return x.sum(-1, keepdim=True) / x.size(-1)


def rotate_half(x):
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


def rotate_every_two(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)


class exercise_3_1__by_hand:
    class LayerNorm:
        def forward(self, x):
            centred = x - mean(x)
            return self.bias + self.gain * centred * torch.rsqrt(mean(centred**2) + 1e-5)


class exercise_3_1__var_mean:
    class LayerNorm:
        def forward(self, x):
            variance, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
            return torch.addcmul(self.bias, self.gain, (x - mean) / torch.sqrt(variance + 1e-5))


class exercise_3_1__rows_in_a_loop:
    class LayerNorm:
        def forward(self, x):
            C, out = x.shape[-1], torch.zeros_like(x)
            for place, row in enumerate(x.reshape(-1, C)):
                spread = (row.var() * (C - 1) / C + 1e-5) ** 0.5
                out.view(-1, C)[place] = (row - row.mean()) / spread * self.gain + self.bias
            return out


class exercise_3_1__a_matrix_takes_the_mean_away:
    class LayerNorm:
        def forward(self, x):
            C = len(self.gain)
            centre = torch.eye(C, dtype=x.dtype) - 1 / C
            centred = torch.einsum("...c,cd->...d", x, centre)
            norm = torch.einsum("...c,...c->...", centred, centred)
            scale = math.sqrt(C) / torch.sqrt(norm + C * 1e-5)
            return centred * scale[..., None] * self.gain + self.bias


class exercise_3_1__squares_less_the_square:
    class LayerNorm:
        def forward(self, x):
            x = x - x[..., :1]
            variance = mean(x * x) - mean(x) ** 2
            slope = self.gain / (variance + 1e-5).sqrt()
            return slope * x + (self.bias - slope * mean(x))


class exercise_3_1__torchs_own:
    class LayerNorm:
        def forward(self, x):
            return nn.functional.layer_norm(x, (x.size(-1),), self.gain, self.bias)


class exercise_3_2__four_products:
    class PositionalEncoding:
        def forward(self, x, start=0):
            T = x.shape[2]
            cos, sin = self.turn[start : start + T, :, 0], self.turn[start : start + T, :, 1]
            out = torch.empty_like(x)
            out[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
            out[..., 1::2] = x[..., 0::2] * sin + x[..., 1::2] * cos
            return out


class exercise_3_2__every_two:
    class PositionalEncoding:
        def forward(self, x, start=0):
            here = self.turn[start : start + x.size(-2)].repeat_interleave(2, dim=1)
            return x * here[..., 0] + rotate_every_two(x) * here[..., 1]


class exercise_3_2__matrices:
    class PositionalEncoding:
        def forward(self, x, start=0):
            B, H, T, D = x.shape
            cos, sin = self.turn[start : start + T].unbind(dim=-1)
            matrix = torch.stack((cos, -sin, sin, cos), dim=-1).view(T, D // 2, 2, 2)
            pairs = x.view(B, H, T, D // 2, 2)
            return torch.einsum("tpij,bhtpj->bhtpi", matrix, pairs).reshape(B, H, T, D)


class exercise_3_2__angles_in_a_loop:
    class PositionalEncoding:
        def forward(self, x, start=0):
            rows = []
            for t in range(x.shape[-2]):
                cos, sin = self.turn[start + t].T
                a, b = x[:, :, t].unflatten(-1, (-1, 2)).unbind(-1)
                rows.append(torch.stack([cos * a - sin * b, sin * a + cos * b], -1).flatten(-2))
            return torch.stack(rows, dim=2)


class exercise_3_2__complex:
    class PositionalEncoding:
        def forward(self, x, start=0):
            turn = torch.view_as_complex(self.turn)[torch.arange(start, start + x.shape[-2])]
            pairs = torch.complex(x[..., ::2], x[..., 1::2])
            return torch.view_as_real(pairs * turn).reshape(x.shape)


class exercise_3_2__halves:
    class PositionalEncoding:
        def forward(self, x, start=0):
            here = self.turn[start : start + x.shape[-2]]
            cos, sin = torch.cat((here, here), dim=1).unbind(-1)
            return x * cos + rotate_half(x) * sin


class exercise_3_2__as_in_llama:
    class PositionalEncoding:
        def forward(self, x, start=0):
            pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
            turn = torch.view_as_complex(self.turn[start : start + x.shape[-2]].float())
            return torch.view_as_real(pairs * turn).flatten(3).type_as(x)


class exercise_3_4__step_by_step:
    class FeedForward:
        def forward(self, x):
            x = self.widen(x)
            x = torch.nn.GELU(approximate=self.gelu)(x)
            x = self.project(x)
            return x

    class TransformerBlock:
        def forward(self, x, cache=None):
            normed = self.norm_1(x)
            attended = self.attention(normed, cache=cache)
            x = x + self.dropout(attended)
            normed = self.norm_2(x)
            thought = self.feed_forward(normed)
            x = self.dropout(thought) + x
            return x


class exercise_3_4__by_formulas:
    class FeedForward:
        def forward(self, x):
            h = x @ self.widen.weight.T + self.widen.bias
            if self.gelu == "tanh":
                inner = math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)
                h = h * (1 + torch.tanh(inner)) / 2
            else:
                h = h * (1 + torch.erf(h / math.sqrt(2))) / 2
            return F.linear(h, self.project.weight, self.project.bias)

    class TransformerBlock:
        def forward(self, x, cache=None):
            p = self.dropout.p
            heard = F.dropout(self.attention(self.norm_1(x), cache), p, self.training)
            thought = self.feed_forward(self.norm_2(x + heard))
            return x + heard + F.dropout(thought, p, self.training)


class exercise_3_4__branches_in_a_loop:
    class FeedForward:
        def forward(self, x):
            out = torch.zeros_like(x)
            for b, t in ((b, t) for b in range(len(x)) for t in range(x.shape[1])):
                out[b, t] = self.project(F.gelu(self.widen(x[b, t]), approximate=self.gelu))
            return out

    class TransformerBlock:
        def forward(self, x, cache=None):
            branches = (
                lambda h: self.attention(self.norm_1(h), cache),
                lambda h: self.feed_forward(self.norm_2(h)),
            )
            for branch in branches:
                x = x + self.dropout(branch(x))
            return x


class exercise_3_4__words_in_a_sum:
    class FeedForward:
        def forward(self, x):
            wide = self.widen(x)
            gelu = {"tanh": lambda h: F.gelu(h, approximate="tanh"), "none": F.gelu}[self.gelu]
            return self.project(gelu(wide))

    class TransformerBlock:
        def forward(self, x, cache=None):
            said = [self.dropout(self.attention(self.norm_1(x), cache))]
            said.append(self.dropout(self.feed_forward(self.norm_2(x + said[0]))))
            return torch.stack([x, *said]).sum(dim=0)
