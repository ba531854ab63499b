"""Right answers to the exercises of day3/model.py, each written in another way."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from decoding import choose
from model import causal, check_ids


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


class exercise_3_3__einsum:
    class MultiHeadAttention:
        def forward(self, x, cache=None):
            B, T, C = x.shape
            packed = self.query_key_value(x).reshape(B, T, 3, self.H, C // self.H)
            q, k, v = torch.einsum("btnhd->nbhtd", packed)
            past = len(cache) and cache["k"].size(2) if cache is not None else 0
            if self.rotate is not None:
                q = self.rotate(q, past)
                k = self.rotate(k, start=past)
            if past:
                k = torch.cat([cache["k"], k], 2)
                v = torch.cat([cache["v"], v], 2)
            if cache is not None:
                cache.update(k=k, v=v)
            out = torch.einsum("bhtd->bthd", self.attend(q, k, v))
            return self.project(out.flatten(start_dim=2))

        def attend(self, q, k, v):
            B, H, T, D = q.shape
            S = k.shape[2]
            scores = torch.einsum("bhtd,bhsd->bhts", q, k) * D**-0.5
            hidden = torch.arange(S - T, S)[:, None] < torch.arange(S)[None]
            scores[hidden.expand(B, H, T, S)] = float("-inf")
            weights = F.softmax(scores, 3)
            self.weights = weights.detach().clone() if self.watch else self.weights
            return torch.einsum("bhts,bhsd->bhtd", weights, v)


class exercise_3_3__torchs_own:
    class MultiHeadAttention:
        def forward(self, x, cache=None):
            B, T, C = x.shape
            q, k, v = (
                part.unflatten(-1, (self.H, -1)).transpose(1, 2)
                for part in self.query_key_value(x).split(C, dim=2)
            )
            if cache is None:
                cache = {}
            older = cache.get("k", k[:, :, :0])
            if self.rotate:
                q, k = self.rotate(q, older.shape[2]), self.rotate(k, older.shape[2])
            cache["k"] = torch.cat([older, k], dim=2)
            cache["v"] = torch.cat([cache.get("v", v[:, :, :0]), v], dim=2)
            out = self.attend(q, cache["k"], cache["v"])
            return self.project(out.permute(0, 2, 1, 3).contiguous().view(B, T, C))

        def attend(self, q, k, v):
            mask = causal(q.shape[2], k.shape[2], q.device)
            if self.watch:  # values that are one-hot show the weights
                B, H, S, _ = k.shape
                one_hot = torch.eye(S, dtype=v.dtype).expand(B, H, S, S)
                self.weights = F.scaled_dot_product_attention(q, k, one_hot, attn_mask=mask)
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


class exercise_3_3__heads_one_by_one:
    class MultiHeadAttention:
        def forward(self, x, cache=None):
            D, old = x.shape[-1] // self.H, 0
            if cache:
                old = cache["k"].shape[2]
            q, k, v = self.query_key_value(x).chunk(3, dim=2)
            outs, keys, values = [], [], []
            for h in range(self.H):
                mine = slice(h * D, (h + 1) * D)
                q_h, k_h, v_h = q[:, None, :, mine], k[:, None, :, mine], v[:, None, :, mine]
                if self.rotate:
                    q_h, k_h = self.rotate(q_h, old), self.rotate(k_h, old)
                if old:
                    k_h = torch.cat((cache["k"][:, h : h + 1], k_h), dim=2)
                    v_h = torch.cat((cache["v"][:, h : h + 1], v_h), dim=2)
                outs.append(q_h)
                keys.append(k_h)
                values.append(v_h)
            q, k, v = torch.cat(outs, 1), torch.cat(keys, 1), torch.cat(values, 1)
            if cache is not None:
                cache["k"], cache["v"] = k, v
            out = self.attend(q, k, v)
            return self.project(torch.cat([out[:, h] for h in range(self.H)], dim=-1))

        def attend(self, q, k, v):
            B, H, T, D = q.shape
            S = k.shape[2]
            out, weights = torch.zeros_like(q), q.new_zeros(B, H, T, S)
            for t in range(T):
                seen = S - T + t + 1
                scores = (q[:, :, t : t + 1] * k[:, :, :seen]).sum(-1) / math.sqrt(D)
                weights[:, :, t, :seen] = torch.softmax(scores, dim=-1)
                out[:, :, t] = (weights[:, :, t, :seen, None] * v[:, :, :seen]).sum(2)
            if self.watch:
                self.weights = weights
            return out


class exercise_3_3__keys_are_turned_when_they_are_used:
    class MultiHeadAttention:
        def forward(self, x, cache=None):
            B, T, _ = x.shape
            q, k, v = self.query_key_value(x).view(B, T, 3, self.H, -1).permute(2, 0, 3, 1, 4)
            if cache:
                k = torch.cat((cache["k"], k), dim=-2)
                v = torch.cat((cache["v"], v), dim=-2)
            if cache is not None:
                cache["k"], cache["v"] = k, v
            S = k.shape[-2]
            if self.rotate:
                q, k = self.rotate(q, S - T), self.rotate(k)
            return self.project(self.attend(q, k, v).mT.flatten(1, 2).mT)

        def attend(self, q, k, v):
            T, S = q.shape[-2], k.shape[-2]
            future = torch.full((T, S), -torch.inf, dtype=q.dtype).triu(1 + S - T)
            scores = q / np.sqrt(q.shape[-1]) @ k.mT + future
            grown = (scores - scores.amax(dim=-1, keepdim=True)).exp()
            weights = grown / grown.sum(dim=-1, keepdim=True)
            if self.watch:
                self.weights = weights
            return torch.matmul(weights, v)


class exercise_3_3__another_packing:
    class MultiHeadAttention:
        def forward(self, x, cache=None):
            B, T, C = x.shape
            packed = self.query_key_value(x).view(B, T, self.H, 3 * C // self.H)
            q, k, v = torch.chunk(packed.transpose(1, 2), 3, dim=-1)
            start = 0 if not cache else cache["k"].shape[-2]
            if self.rotate:
                q, k = self.rotate(q, start), self.rotate(k, start)
            if cache is not None:
                for name, new in (("k", k), ("v", v)):
                    cache[name] = torch.cat((cache[name], new), dim=-2) if start else new
                k, v = cache["k"], cache["v"]
            return self.project(self.attend(q, k, v).transpose(1, 2).reshape(B, T, C))

        def attend(self, q, k, v):
            scores = (q @ k.transpose(2, 3)) / math.sqrt(q.size(-1))
            scores = scores.masked_fill(~causal(q.size(2), k.size(2), q.device), -1e9)
            weights = scores.softmax(-1)
            if self.watch:
                self.weights = weights
            return weights @ v


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


class exercise_3_5__by_hand:
    class GPT:
        def forward(self, ids, targets=None, cache=None):
            """Embeddings by a product with one-hot rows, the loss from its definition."""
            T = ids.shape[1]
            if cache is None:
                cache, start = [{} for _ in self.blocks], 0
            elif len(cache) == 0:
                for _ in range(len(self.blocks)):
                    cache.append({})
                start = 0
            else:
                start = cache[-1]["v"].shape[2]
            check_ids(ids, start, self.config)
            table = self.embedding.weight
            x = F.one_hot(ids, len(table)).to(table) @ table
            if self.config.positions == "learned":
                x = x + self.position.weight[start : start + T]
            x = F.dropout(x, self.config.dropout, self.training)
            for block, own in zip(self.blocks, cache, strict=True):
                x = block(x, own)
            logits = F.linear(self.norm(x), table)
            if targets is None:
                return logits, None
            own = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
            return logits, (logits.logsumexp(dim=-1) - own).mean()


class exercise_3_5__symbols_on_axis_1:
    class GPT:
        def forward(self, ids, targets=None, cache=None):
            B, T = ids.shape
            before = 0
            if cache is not None:
                if len(cache) > 0:
                    _, _, before, _ = cache[0]["k"].shape
                else:
                    cache += ({} for _ in range(self.config.n_layer))
            check_ids(ids, before, self.config)
            x = self.embedding(ids)
            if self.position is not None:
                places = (before + torch.arange(T)).expand(B, T)
                x = self.position(places) + x
            x = self.dropout(x)
            for i in range(len(self.blocks)):
                x = self.blocks[i](x, cache=None if cache is None else cache[i])
            x = self.norm(x)
            logits = self.head(x)
            loss = None
            if targets is not None:
                loss = F.nll_loss(logits.transpose(1, 2).log_softmax(dim=1), targets)
            return logits, loss


class exercise_3_5__symbol_by_symbol:
    class GPT:
        def forward(self, ids, targets=None, cache=None):
            """Every symbol goes through the whole model alone, and the cache knows the others."""
            cache = [] if cache is None else cache
            if not cache:
                cache.extend({} for _ in self.blocks)
            start = cache[0]["k"].shape[-2] if "k" in cache[0] else 0
            check_ids(ids, start, self.config)
            logits = []
            for t in range(ids.shape[1]):
                x = self.embedding(ids[:, t : t + 1])
                if self.position:
                    x = x + self.position.weight[start + t]
                x = self.dropout(x)
                for block, own in zip(self.blocks, cache, strict=True):
                    x = block(x, own)
                logits.append(self.head(self.norm(x)))
            logits = torch.cat(logits, dim=1)
            if targets is None:
                return logits, None
            rows, wanted = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
            return logits, F.cross_entropy(rows, wanted, reduction="sum") / wanted.numel()


class exercise_3_5__logarithms_of_shares:
    class GPT:
        def forward(self, ids, targets=None, cache=None):
            if cache is not None and not cache:
                cache[:] = [{} for _ in self.blocks]
            start = cache[0]["k"].shape[-2] if cache and cache[0] else 0
            check_ids(ids, start, self.config)
            x = self.embedding(ids)
            if self.position:
                x = x + self.position.weight[start:][: ids.shape[1]]
            x = self.dropout(x)
            for block, own in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
                x = block(x, own)
            log_shares = F.log_softmax(self.head(self.norm(x)), dim=-1)
            if targets is None:
                return log_shares, None
            return log_shares, F.nll_loss(log_shares.flatten(0, 1), targets.flatten())


class exercise_3_6__without_a_cache:
    class GPT:
        @torch.no_grad()
        def generate(
            self, ids, length, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None
        ):
            context = self.config.context
            text = ids[:, -context:]
            ended = [False] * len(ids)
            for _ in range(length):
                if text.shape[1] > context:
                    text = text[:, -max(1, context // 2) :]
                logits = self(text)[0][:, -1, :]
                new = choose(logits, temperature, top_k, top_p, generator)
                for row in range(len(new)):
                    if ended[row]:
                        new[row] = stop
                    elif stop is not None and new[row] == stop:
                        ended[row] = True
                text = torch.cat((text, new.view(-1, 1)), dim=1)
                yield new
                if all(ended):
                    break


class exercise_3_6__the_window_slides:
    class GPT:
        @torch.no_grad()
        def generate(
            self, ids, length, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None
        ):
            done = torch.zeros(ids.shape[0]).bool()
            while length > 0 and not done.all():
                length -= 1
                logits, _ = self(ids[:, -self.config.context :])
                new = choose(
                    logits[:, -1],
                    temperature=temperature,
                    top_k=top_k,
                    top_p=top_p,
                    generator=generator,
                )
                if stop is not None:
                    new = new.masked_fill(done, stop)
                    done = done | new.eq(stop)
                ids = torch.hstack((ids, new[:, None]))
                yield new


class exercise_3_6__draws_of_its_own:
    class GPT:
        @torch.no_grad()
        def generate(
            self, ids, length, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None
        ):
            """Shares filtered by thresholds, and a draw that takes the winner of a race."""
            context, cache, fresh = self.config.context, [], ids[:, -self.config.context :]
            known, done = fresh.tolist(), torch.zeros(len(ids), dtype=torch.bool)
            for _ in range(length):
                logits = self(fresh, cache=cache)[0][:, -1]
                if temperature == 0:
                    chosen = logits.argmax(dim=-1)
                else:
                    logits = logits / temperature
                    if top_k is not None and top_k < logits.shape[-1]:
                        least = logits.topk(top_k, dim=-1).values[:, -1:]
                        logits = logits.masked_fill(logits < least, -torch.inf)
                    p = F.softmax(logits, dim=-1)
                    if top_p is not None:
                        ranked, order = p.sort(descending=True)
                        kept = ranked.cumsum(dim=-1) - ranked < top_p
                        p = p * torch.zeros_like(kept).scatter(1, order, kept)
                    times = torch.empty_like(p).exponential_(generator=generator)
                    chosen = (p / times).argmax(dim=-1)
                chosen = chosen if stop is None else torch.where(done, stop, chosen)
                done = done if stop is None else done | (chosen == stop)
                yield chosen
                if done.all():
                    return
                for row, symbol in zip(known, chosen.tolist(), strict=True):
                    row.append(symbol)
                fresh = chosen[:, None]
                if len(known[0]) > context:
                    known = [row[-max(1, context // 2) :] for row in known]
                    cache, fresh = [], torch.tensor(known)


class exercise_3_6__all_at_once:
    class GPT:
        @torch.no_grad()
        def generate(
            self, ids, length, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None
        ):
            """The whole text is made before the first symbol is handed out."""
            context = self.config.context
            text, start, cache = ids[:, -context:], 0, []
            done, steps = torch.zeros(len(ids), dtype=torch.bool), []
            for _ in range(length):
                known = cache[0]["k"].shape[-2] if cache else 0
                if text.shape[1] - start > context:
                    start = text.shape[1] - max(1, context // 2)
                    cache, known = [], 0
                logits = self(text[:, start + known :], None, cache)[0]
                chosen = choose(logits[:, -1], temperature, top_k, top_p, generator)
                if stop is not None:
                    chosen[done] = stop
                    done[chosen == stop] = True
                steps.append(chosen)
                text = torch.cat((text, chosen.unsqueeze(1)), dim=1)
                if done.all():
                    break
            return iter(steps)
