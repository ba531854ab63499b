"""Right answers to day4-5/encoder_decoder.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import torch
import torch.nn.functional as F

from encoder_decoder import check_attention


class exercise_5_3__einsum:
    class Attention:
        def forward(self, x, memory, mask):
            check_attention(x, memory, mask, self.H)
            (B, T, C), S, D = x.shape, memory.shape[1], x.shape[2] // self.H
            q = self.query(x).view(B, T, self.H, D)
            k = self.key(memory).view(B, S, self.H, D)
            v = self.value(memory).view(B, S, self.H, D)
            scores = torch.einsum("bthd,bshd->bhts", q * D**-0.5, k)
            if self.bias:
                scores += self.bias(T, S)
            weights = torch.where(mask, scores, -torch.inf).softmax(dim=-1)
            if self.watch:
                self.weights = weights.clone().detach()
            return self.project(torch.einsum("bhts,bshd->bthd", weights, v).reshape(B, T, C))


class exercise_5_3__head_by_head:
    class Attention:
        def forward(self, x, memory, mask):
            check_attention(x, memory, mask, self.H)
            B, T, C = x.shape
            S, D = memory.shape[1], C // self.H
            q, k, v = self.query(x), self.key(memory), self.value(memory)
            seen = mask.expand(B, self.H, T, S)
            bias = torch.zeros(self.H, T, S) if self.bias is None else self.bias(T, S)
            outs, shares = [], []
            for h in range(self.H):
                own = slice(h * D, (h + 1) * D)
                scores = q[..., own] @ k[..., own].transpose(1, 2) / D**0.5 + bias[h]
                shares.append(F.softmax(scores.masked_fill(seen[:, h].logical_not(), -1e9), dim=2))
                outs.append(shares[-1] @ v[..., own])
            if self.watch:
                self.weights = torch.stack(shares, dim=1).detach()
            return self.project(torch.cat(outs, dim=-1))


class exercise_5_3__torchs_own:
    class Attention:
        def forward(self, x, memory, mask):
            check_attention(x, memory, mask, self.H)
            q = self.query(x).unflatten(2, (self.H, -1)).movedim(2, 1)
            k = self.key(memory).unflatten(2, (self.H, -1)).movedim(2, 1)
            v = self.value(memory).unflatten(2, (self.H, -1)).movedim(2, 1)
            to_add = torch.zeros(mask.shape, dtype=x.dtype).masked_fill(~mask, -torch.inf)
            if self.bias is not None:
                to_add = to_add + self.bias(q.shape[2], k.shape[2])
            if self.watch:
                with torch.no_grad():
                    self.weights = (q @ k.mT * q.shape[-1] ** -0.5 + to_add).softmax(-1)
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=to_add)
            return self.project(out.movedim(1, 2).reshape(x.shape))


class exercise_5_3__shares_by_hand:
    class Attention:
        def forward(self, x, memory, mask):
            check_attention(x, memory, mask, self.H)
            B, T, C = x.shape
            cut = (B, -1, self.H, C // self.H)
            q, k, v = (
                layer(source).reshape(cut).permute(0, 2, 1, 3)
                for layer, source in ((self.query, x), (self.key, memory), (self.value, memory))
            )
            scores = torch.matmul(q, k.transpose(-1, -2)).div((C / self.H) ** 0.5)
            scores = scores if self.bias is None else scores + self.bias(*scores.shape[2:])
            lifted = scores.masked_fill(mask == 0, float("-inf"))
            grown = (lifted - lifted.amax(dim=-1, keepdim=True)).exp() * mask
            weights = grown / grown.sum(dim=-1, keepdim=True)
            self.weights = weights.data if self.watch else self.weights
            out = torch.matmul(weights, v).permute(0, 2, 1, 3).contiguous().view(B, T, C)
            return self.project(out)


class exercise_5_4__functions:
    class DecoderLayer:
        def forward(self, x, mask, memory=None, memory_mask=None):
            def look_back(h):
                return self.attention(h, h, mask)

            def look_at_memory(h):
                return self.cross(h, memory, memory_mask)

            x = self.gathered(x, look_back)
            if self.cross:
                x = self.looked(x, look_at_memory)
            return self.thought(x, lambda h: self.feed_forward(h))


class exercise_5_4__nested:
    class DecoderLayer:
        def forward(self, x, mask, memory=None, memory_mask=None):
            past = self.gathered(x, lambda h: self.attention(x=h, memory=h, mask=mask))
            if self.cross is None:
                return self.thought(past, self.feed_forward)
            asks = self.looked(past, lambda h: self.cross(h, memory=memory, mask=memory_mask))
            return self.thought(asks, self.feed_forward)


class exercise_5_4__a_list_of_steps:
    class DecoderLayer:
        def forward(self, x, mask, memory=None, memory_mask=None):
            steps = [(self.gathered, lambda h: self.attention(h, h, mask))]
            if self.looked is not None:
                steps.append((self.looked, lambda h: self.cross(h, memory, memory_mask)))
            steps.append((self.thought, self.feed_forward.forward))
            for residual, branch in steps:
                x = residual(x, branch)
            return x


class exercise_5_4__by_hand:
    class DecoderLayer:
        def forward(self, x, mask, memory=None, memory_mask=None):
            """What the residuals do, written out: norm before or after, dropout on what is said."""

            def around(residual, x, branch):
                if residual.order == "pre":
                    return x + residual.dropout(branch(residual.norm(x)))
                return residual.norm(x + residual.dropout(branch(x)))

            x = around(self.gathered, x, lambda h: self.attention(h, h, mask))
            if self.cross is not None:
                x = around(self.looked, x, lambda h: self.cross(h, memory, memory_mask))
            return around(self.thought, x, self.feed_forward)
