"""Right answers to the exercises of day2/averaging.py, each written in another way."""

import math

import numpy as np
import torch
import torch.nn.functional as F


class exercise_2_4__running_sum:
    def average_by_matrix(x):
        counts = torch.arange(1, x.shape[1] + 1, dtype=x.dtype)
        return x.cumsum(dim=1) / counts[:, None]


class exercise_2_4__einsum:
    def average_by_matrix(x):
        T = x.shape[1]
        positions = torch.arange(T)
        seen = (positions <= positions[:, None]).to(x)
        weights = torch.einsum("ts,t->ts", seen, 1 / (positions.to(x) + 1))
        return torch.einsum("ts,bsc->btc", weights, x)


class exercise_2_4__softmax:
    def average_by_matrix(x):
        B, T, _ = x.shape
        scores = torch.full((T, T), -math.inf, dtype=x.dtype).triu(diagonal=1)
        weights = F.softmax(scores, dim=1)
        return torch.bmm(weights.expand(B, T, T), x)


class exercise_2_4__loops:
    def average_by_matrix(x):
        B, T, _ = x.shape
        out = torch.empty_like(x)
        for b in range(B):
            total = 0
            for t in range(T):
                total = total + x[b, t]
                out[b, t] = total / (t + 1)
        return out


class exercise_2_4__mean_carried_on:
    def average_by_matrix(x):
        means = [x[:, 0]]
        for t in range(1, x.shape[1]):
            means.append(means[-1] + (x[:, t] - means[-1]) / (t + 1))
        return torch.stack(means, dim=1)


class exercise_2_4__turned_twice:
    def average_by_matrix(x):
        T = x.shape[1]
        table = x.new_ones(T, T).triu()
        return (x.transpose(1, 2) @ (table / table.sum(0))).transpose(1, 2)


class exercise_2_6__torchs_own:
    def head(x, w_q, w_k, w_v):
        B, T, _ = x.shape
        q, k, v = x @ w_q, x @ w_k, x @ w_v
        one_hot = torch.eye(T, dtype=x.dtype).expand(B, T, T)  # such values show the weights
        weights = F.scaled_dot_product_attention(q, k, one_hot, is_causal=True)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True), weights


class exercise_2_6__positions_one_by_one:
    def head(x, w_q, w_k, w_v):
        B, T, _ = x.shape
        out = x.new_zeros(B, T, w_v.shape[1])
        weights = x.new_zeros(B, T, T)
        for b in range(B):
            for t in range(T):
                past = x[b, : t + 1]
                scores = (past @ w_k) @ (x[b, t] @ w_q) / math.sqrt(w_q.shape[1])
                weights[b, t, : t + 1] = torch.softmax(scores, dim=0)
                out[b, t] = weights[b, t, : t + 1] @ (past @ w_v)
        return out, weights


class exercise_2_6__einsum:
    def head(x, w_q, w_k, w_v):
        T, D = x.shape[1], w_k.shape[1]
        q, k, v = (torch.einsum("btc,cd->btd", x, w) for w in (w_q, w_k, w_v))
        scores = torch.einsum("btd,bsd->bts", q / D**0.5, k)
        scores = torch.where(torch.ones(T, T).tril() == 0, float("-inf"), scores)
        grown = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
        weights = grown / grown.sum(dim=-1, keepdim=True)
        return torch.einsum("bts,bse->bte", weights, v), weights


class exercise_2_6__added_and_by_logarithms:
    def head(x, w_q, w_k, w_v):
        B, T, _ = x.shape
        q, k, v = (x @ torch.cat([w_q, w_k, w_v], dim=1)).split(
            [w_q.shape[1], w_k.shape[1], w_v.shape[1]], dim=-1
        )
        hidden = torch.full((T, T), -torch.inf).triu(1).to(x.dtype).expand(B, T, T)
        scores = torch.baddbmm(hidden, q, k.mT, alpha=1 / np.sqrt(q.shape[-1]))
        weights = (scores - scores.logsumexp(dim=-1, keepdim=True)).exp()
        return torch.bmm(weights, v), weights


class exercise_2_6__one_matrix_for_the_meeting:
    def head(x, w_q, w_k, w_v):
        """Two matrices meet in one, (C, C); and x is mixed before the values are made."""
        meeting = w_q @ w_k.T * w_q.shape[-1] ** -0.5
        scores = x @ meeting @ x.transpose(1, 2)
        future = torch.tril(torch.ones_like(scores)) == 0
        weights = F.softmax(scores.masked_fill(future, -1e9), dim=-1)
        return (weights @ x) @ w_v, weights
