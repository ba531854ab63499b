"""Right answers to day1/attention_numpy.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import math

import numpy as np

from attention_numpy import attention, merge_heads, softmax, split_heads


class exercise_1_1__in_place_on_a_copy:
    def softmax(x, axis=-1):
        shares = (x - np.amax(x, axis, keepdims=True)).astype(float)
        np.exp(shares, out=shares)
        shares /= np.sum(shares, axis, keepdims=True)
        return shares


class exercise_1_1__logarithm:
    def softmax(x, axis=-1):
        largest = x.max(axis=axis, keepdims=True)
        total = np.log(np.exp(x - largest).sum(axis=axis, keepdims=True))
        return np.exp(x - largest - total)


class exercise_1_1__logaddexp:
    def softmax(x, axis=-1):
        return np.exp(x - np.expand_dims(np.logaddexp.reduce(x, axis=axis), axis))


class exercise_1_1__loops:
    def softmax(x, axis=-1):
        x = np.swapaxes(x, axis, -1)
        shares = np.empty(x.shape)
        for place in np.ndindex(x.shape[:-1]):
            row = x[place].tolist()
            exponentials = [math.exp(score - max(row)) for score in row]
            shares[place] = [number / sum(exponentials) for number in exponentials]
        return shares.swapaxes(axis, -1)


class exercise_1_1__along_axis:
    def softmax(x, axis=-1):
        def share(row):
            exponentials = np.exp(row - row.max())
            return exponentials / exponentials.sum()

        return np.apply_along_axis(share, axis, x)


class exercise_1_1__a_margin_and_a_tiny_number:
    def softmax(x, axis=-1):
        exponentials = np.exp(x - x.max(axis=axis, keepdims=True) - 3)
        return exponentials / (exponentials.sum(axis=axis, keepdims=True) + 1e-15)


class exercise_1_1__axis_to_the_front:
    def softmax(x, axis=-1):
        x = np.moveaxis(x, axis, 0)
        exponentials = np.exp(x - x.max(0))
        return np.moveaxis(exponentials / exponentials.sum(0), 0, axis)


class exercise_1_2__einsum:
    def attention(q, k, v, mask=None):
        scores = np.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores + np.where(mask, 0, -np.inf)
        weights = softmax(scores)
        return np.einsum("...ts,...se->...te", weights, v), weights


class exercise_1_2__query_scaled_first:
    def attention(q, k, v, mask=None):
        D = k.shape[-1]
        scores = np.matmul(q * D**-0.5, np.moveaxis(k, -1, -2))
        if mask is not None:
            scores = np.where(~mask, -1e9, scores)
        weights = np.exp(scores - scores.max(-1)[..., None])
        weights = weights / weights.sum(-1)[..., None]
        return np.matmul(weights, v), weights


class exercise_1_2__both_scaled:
    def attention(q, k, v, mask=None):
        root = q.shape[-1] ** 0.25
        scores = ((k / root) @ (q / root).swapaxes(-1, -2)).swapaxes(-1, -2)
        if mask is not None:
            scores[np.broadcast_to(~mask, scores.shape)] = float("-inf")
        weights = softmax(scores, -1)
        out = (v.swapaxes(-1, -2) @ weights.swapaxes(-1, -2)).swapaxes(-1, -2)
        return out, weights


class exercise_1_2__divided_at_the_end:
    def attention(q, k, v, mask=None):
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
        seen = np.ones(scores.shape, dtype=bool) if mask is None else mask
        largest = np.where(seen, scores, -np.inf).max(axis=-1, keepdims=True)
        exponentials = np.exp(np.minimum(scores - largest, 0)) * seen
        total = exponentials.sum(axis=-1, keepdims=True)
        return exponentials @ v / total, exponentials / total


class exercise_1_2__loops:
    def attention(q, k, v, mask=None):
        lead, T, S = q.shape[:-2], q.shape[-2], k.shape[-2]
        if mask is not None:
            mask = np.broadcast_to(mask, (*lead, T, S))
        weights = np.zeros((*lead, T, S))
        out = np.zeros((*lead, T, v.shape[-1]))
        for place in np.ndindex(*lead):
            for t in range(T):
                seen = [s for s in range(S) if mask is None or mask[place][t, s]]
                scores = [sum(q[place][t] * k[place][s]) / q.shape[-1] ** 0.5 for s in seen]
                for s, share in zip(seen, softmax(np.array(scores)), strict=True):
                    weights[place][t, s] = share
                    out[place][t] += share * v[place][s]
        return out, weights


class exercise_1_2__by_products_of_all:
    def attention(q, k, v, mask=None):
        scores = (q[..., :, None, :] * k[..., None, :, :]).sum(-1) / np.sqrt(q.shape[-1])
        if mask is not None:
            scores = np.where(mask, scores, np.finfo(float).min)
        weights = softmax(scores)
        return (weights[..., None] * v[..., None, :, :]).sum(-2), weights


class exercise_1_3__tri:
    def causal_mask(T):
        return np.tri(T, dtype=bool)


class exercise_1_3__compared:
    def causal_mask(T):
        return np.arange(T) <= np.arange(T)[:, None]


class exercise_1_3__complement_of_the_upper:
    def causal_mask(T):
        return ~np.triu(np.ones((T, T), dtype=bool), k=1)


class exercise_1_3__upper_is_zero:
    def causal_mask(T):
        return np.triu(np.ones((T, T)), 1) == 0


class exercise_1_3__loops:
    def causal_mask(T):
        return np.array([[s <= t for s in range(T)] for t in range(T)])


class exercise_1_3__row_by_row:
    def causal_mask(T):
        mask = np.zeros((T, T), dtype=bool)
        for t in range(T):
            mask[t, : t + 1] = True
        return mask


class exercise_1_3__running_sum:
    def causal_mask(T):
        return np.eye(T).cumsum(axis=0) > 0


class exercise_1_3__outer:
    def causal_mask(T):
        return np.greater_equal.outer(np.arange(T), np.arange(T))


class exercise_1_3__upper_turned:
    def causal_mask(T):
        return np.triu(np.ones((T, T))).T > 0.5


class exercise_1_4__transpose:
    def split_heads(x, H):
        B, T, C = x.shape
        if C % H != 0:
            raise ValueError("H must divide C")
        return np.transpose(np.reshape(x, (B, T, H, -1)), (0, 2, 1, 3))

    def merge_heads(x):
        B, _, T, _ = x.shape
        return np.transpose(x, (0, 2, 1, 3)).reshape(B, T, -1)


class exercise_1_4__list_of_heads:
    def split_heads(x, H):
        return np.stack(np.split(x, H, axis=-1), axis=1)

    def merge_heads(x):
        return np.concatenate([x[:, h] for h in range(x.shape[1])], axis=-1)


class exercise_1_4__channels_first:
    def split_heads(x, H):
        B, T, C = x.shape
        D, rest = divmod(C, H)
        if rest:
            raise ValueError(f"{C} is not a multiple of {H}")
        return x.swapaxes(1, 2).reshape(B, H, D, T).swapaxes(2, 3)

    def merge_heads(x):
        B, H, T, D = x.shape
        return x.swapaxes(2, 3).reshape(B, H * D, T).swapaxes(1, 2)


class exercise_1_4__loops:
    def split_heads(x, H):
        B, T, C = x.shape
        D = C // H
        heads = np.zeros((B, H, T, D))
        for h in range(H):
            heads[:, h] = x[:, :, h * D : (h + 1) * D]
        return heads

    def merge_heads(x):
        B, H, T, D = x.shape
        merged = np.zeros((B, T, H * D))
        for b, h, t, d in np.ndindex(*x.shape):
            merged[b, t, h * D + d] = x[b, h, t, d]
        return merged


class exercise_1_4__moveaxis:
    def split_heads(x, H):
        if x.shape[-1] % H:
            raise ValueError("does not fit")
        return np.moveaxis(x.reshape(*x.shape[:-1], H, x.shape[-1] // H), -2, -3)

    def merge_heads(x):
        x = np.moveaxis(x, -3, -2)
        return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


class exercise_1_4__einsum:
    def split_heads(x, H):
        B, T, C = x.shape
        assert C % H == 0
        return np.einsum("bthd->bhtd", x.reshape(B, T, H, C // H))

    def merge_heads(x):
        B, H, T, D = x.shape
        return np.einsum("bhtd->bthd", x).reshape((B, T, H * D))


class exercise_1_5__a_head_at_a_time:
    def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        B, T, C = x.shape
        D, S = C // H, memory.shape[1]
        if mask is not None:
            mask = np.broadcast_to(mask, (B, H, T, S))
        out, weights = 0, []
        for h in range(H):
            own = slice(h * D, (h + 1) * D)
            found, shares = attention(
                x @ w_q[:, own],
                memory @ w_k[:, own],
                memory @ w_v[:, own],
                None if mask is None else mask[:, h],
            )
            out = out + found @ w_o[own]
            weights.append(shares)
        return out, np.stack(weights, axis=1)


class exercise_1_5__heads_concatenated:
    def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        q, k, v = (split_heads(y, H) for y in (x @ w_q, memory @ w_k, memory @ w_v))
        heads, weights = attention(q, k, v, mask)
        return np.concatenate([heads[:, h] for h in range(H)], axis=-1) @ w_o, weights


class exercise_1_5__einsum:
    def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        C = x.shape[-1]
        w_q, w_k, w_v = (w.reshape(C, H, C // H) for w in (w_q, w_k, w_v))
        q = np.einsum("btc,chd->bhtd", x, w_q)
        k = np.einsum("bsc,chd->bhsd", memory, w_k)
        v = np.einsum("bsc,chd->bhsd", memory, w_v)
        scores = np.einsum("bhtd,bhsd->bhts", q, k) / (C // H) ** 0.5
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        weights = softmax(scores)
        out = np.einsum("bhts,bhsd,hdc->btc", weights, v, w_o.reshape(H, C // H, C))
        return out, weights


class exercise_1_5__inline:
    def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        (B, T, C), S = x.shape, memory.shape[1]
        q = (x @ w_q).reshape(B, T, H, C // H).transpose(0, 2, 1, 3)
        k = (memory @ w_k).reshape(B, S, H, C // H).transpose(0, 2, 3, 1)
        v = (memory @ w_v).reshape(B, S, H, C // H).transpose(0, 2, 1, 3)
        scores = q @ k * (C / H) ** -0.5
        if mask is not None:
            scores = scores + np.where(mask, 0, -1e9)
        weights = softmax(scores, axis=-1)
        return (weights @ v).transpose(0, 2, 1, 3).reshape(B, T, C) @ w_o, weights


class exercise_1_5__one_packed_matrix:
    def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        q = split_heads(np.dot(x, w_q), H)
        both = np.dot(memory, np.concatenate([w_k, w_v], axis=1))
        k, v = (split_heads(half, H) for half in np.split(both, 2, axis=-1))
        out, weights = attention(q, k, v, mask=mask)
        return np.dot(merge_heads(out), w_o), weights


class exercise_1_5__values_mixed_last:
    def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        C = x.shape[-1]
        q, k = split_heads(x @ w_q, H), split_heads(memory @ w_k, H)
        # what a position of memory would add to the output through each head
        gifts = split_heads(memory @ w_v, H) @ w_o.reshape(H, C // H, C)
        mixed, weights = attention(q, k, gifts, mask)
        return mixed.sum(axis=1), weights


class exercise_1_7__loops:
    def padding_mask(lengths, S):
        mask = np.zeros((len(lengths), 1, 1, S), dtype=bool)
        for b, length in enumerate(lengths):
            if not 1 <= length <= S:
                raise ValueError(f"a length of {length}")
            mask[b, :, :, :length] = True
        return mask


class exercise_1_7__lists:
    def padding_mask(lengths, S):
        if min(lengths) < 1 or max(lengths) > S:
            raise ValueError("a length that does not fit")
        return np.array([[[[s < length for s in range(S)]]] for length in lengths])


class exercise_1_7__axes_first:
    def padding_mask(lengths, S):
        if ((lengths < 1) | (lengths > S)).any():
            raise ValueError("a length that does not fit")
        return np.arange(S) < lengths.reshape(-1, 1, 1, 1)


class exercise_1_7__hidden_turned_round:
    def padding_mask(lengths, S):
        hidden = np.arange(S)[None, :] >= np.asarray(lengths)[:, None]
        return np.logical_not(hidden)[:, np.newaxis, np.newaxis]


class exercise_1_7__counted_from_one:
    def padding_mask(lengths, S):
        positions = np.broadcast_to(np.arange(1, S + 1), (len(lengths), S))
        return np.expand_dims(positions <= lengths[:, None], (1, 2))


class exercise_1_7__rows_of_a_triangle:
    def padding_mask(lengths, S):
        return np.tri(S, dtype=bool)[lengths - 1][:, None, None]


class exercise_1_14__two_triangles:
    def window_mask(T, W):
        ones = np.ones((T, T), dtype=bool)
        return np.tril(ones) & ~np.tril(ones, -W)


class exercise_1_14__loops:
    def window_mask(T, W):
        mask = np.zeros((T, T), dtype=bool)
        for t in range(T):
            for s in range(max(0, t - W + 1), t + 1):
                mask[t, s] = True
        return mask


class exercise_1_14__diagonals:
    def window_mask(T, W):
        return sum(np.eye(T, k=-n) for n in range(min(W, T))).astype(bool)
