"""Right answers to day4-5/backward_numpy.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import math

import numpy as np

from attention_numpy import attention, merge_heads, softmax, split_heads
from backward_numpy import attention_backward, counted


class exercise_4_1__loops:
    def cross_entropy_backward(logits, targets):
        n = counted(logits, targets).sum()
        d = np.zeros(logits.shape)
        for place in np.ndindex(targets.shape):
            if targets[place] == -100:
                continue
            e = [math.exp(z - max(logits[place])) for z in logits[place]]
            for v in range(len(e)):
                d[place][v] = (e[v] / sum(e) - (v == targets[place])) / n
        return d


class exercise_4_1__one_hot:
    def cross_entropy_backward(logits, targets):
        V = logits.shape[-1]
        flat = targets.reshape(-1)
        hits = np.eye(V)[np.where(flat == -100, 0, flat)]
        d = (softmax(logits.reshape(-1, V)) - hits) * (flat != -100)[:, np.newaxis]
        return (d / np.count_nonzero(flat != -100)).reshape(logits.shape)


class exercise_4_1__rows_that_count:
    def cross_entropy_backward(logits, targets):
        counts = targets >= 0
        rows = logits[counts]
        d = softmax(rows)
        d[range(len(rows)), targets[counts]] -= 1.0
        out = np.zeros_like(logits)
        out[counts] = d / len(rows)
        return out


class exercise_4_1__along_axis:
    def cross_entropy_backward(logits, targets):
        counts = counted(logits, targets)[..., None]
        d = np.array(softmax(logits))
        place = np.where(counts, targets[..., None], 0)
        less = np.take_along_axis(d, place, -1) - 1
        np.put_along_axis(d, place, less, -1)
        return np.where(counts, d / counts.sum(), 0)


class exercise_4_2__einsum:
    def linear_backward(d_y, x, w):
        (C, E), d_x = w.shape, np.einsum("...e,ce->...c", d_y, w)
        x, d_y = x.reshape(-1, C), d_y.reshape(-1, E)
        return d_x, np.einsum("nc,ne->ce", x, d_y), np.einsum("ne->e", d_y)

    def embedding_backward(d_x, ids, V):
        hits = np.eye(V)[np.ravel(ids)]
        return np.einsum("nv,nc->vc", hits, d_x.reshape(len(hits), -1))

    def positions_backward(d_x, longest):
        return np.einsum("btc,tp->pc", d_x, np.eye(d_x.shape[1], longest))


class exercise_4_2__loops:
    def linear_backward(d_y, x, w):
        d_x, d_w, d_b = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[1])
        for place in np.ndindex(x.shape[:-1]):
            d_w += np.outer(x[place], d_y[place])
            d_b += d_y[place]
            d_x[place] = w @ d_y[place]
        return d_x, d_w, d_b

    def embedding_backward(d_x, ids, V):
        table = np.zeros((V, d_x.shape[-1]))
        for place, v in np.ndenumerate(ids):
            table[v] += d_x[place]
        return table

    def positions_backward(d_x, longest):
        table = np.zeros((longest, d_x.shape[-1]))
        for sentence in d_x:
            for t, row in enumerate(sentence):
                table[t] += row
        return table


class exercise_4_2__tensordot:
    def linear_backward(d_y, x, w):
        axes = tuple(range(x.ndim - 1))
        return np.dot(d_y, w.T), np.tensordot(x, d_y, (axes, axes)), d_y.sum(axis=axes)

    def embedding_backward(d_x, ids, V):
        rows, flat = d_x.reshape(-1, d_x.shape[-1]), np.ravel(ids)
        return np.stack([rows[flat == v].sum(axis=0) for v in range(V)])

    def positions_backward(d_x, longest):
        table = np.zeros((longest, d_x.shape[2]))
        table[: d_x.shape[1]] = sum(d_x)
        return table


class exercise_4_3__jacobian:
    def softmax_backward(d_weights, weights):
        S = weights.shape[-1]
        jacobian = np.eye(S) * weights[..., None] - weights[..., None] * weights[..., None, :]
        return np.einsum("...ij,...j->...i", jacobian, d_weights)


class exercise_4_3__loops:
    def softmax_backward(d_weights, weights):
        out = np.zeros(weights.shape)
        for place in np.ndindex(weights.shape[:-1]):
            w, d = weights[place], d_weights[place]
            for i in range(len(w)):
                for j in range(len(w)):
                    out[place][i] += w[j] * ((i == j) - w[i]) * d[j]
        return out


class exercise_4_3__products:
    def softmax_backward(d_weights, weights):
        out = weights * d_weights
        return out - weights * np.einsum("...s->...", out)[..., None]


class exercise_4_4__three_roads:
    def layer_norm_backward(d_y, x, gain, eps=1e-5):
        C, mean = x.shape[-1], x.mean(axis=-1, keepdims=True)
        variance = x.var(axis=-1, keepdims=True)
        d_normal = d_y * gain
        d_variance = (
            (d_normal * (x - mean)).sum(-1, keepdims=True) * -0.5 * (variance + eps) ** -1.5
        )
        d_mean = -(d_normal / np.sqrt(variance + eps)).sum(-1, keepdims=True)
        d_x = d_normal / np.sqrt(variance + eps) + d_variance * 2 * (x - mean) / C + d_mean / C
        normal = (x - mean) / np.sqrt(variance + eps)
        d_gain, d_bias = ((d_y * a).reshape(-1, C).sum(axis=0) for a in (normal, 1))
        return d_x, d_gain, d_bias


class exercise_4_4__loops:
    def layer_norm_backward(d_y, x, gain, eps=1e-5):
        C = len(gain)
        d_x, d_gain, d_bias = np.zeros(x.shape), np.zeros(C), np.zeros(C)
        for place in np.ndindex(x.shape[:-1]):
            row, d = x[place], d_y[place]
            root = math.sqrt(np.var(row) + eps)
            n = (row - np.mean(row)) / root
            d_gain += d * n
            d_bias += d
            for i in range(C):
                for j in range(C):
                    slope = ((i == j) - 1 / C - n[i] * n[j] / C) / root
                    d_x[place][i] += d[j] * gain[j] * slope
        return d_x, d_gain, d_bias


class exercise_4_4__matrices:
    def layer_norm_backward(d_y, x, gain, eps=1e-5):
        shape, C = x.shape, len(gain)
        d_y, x = d_y.reshape(-1, C), x.reshape(-1, C)
        away = np.eye(C) - 1 / C  # takes the mean of a row away
        n = x @ away
        rate = (np.square(n).sum(1) / C + eps) ** -0.5
        n = n * rate[:, None]
        d = (d_y * gain) @ away
        d = rate[:, None] * (d - n * np.einsum("nc,nc->n", d, n)[:, None] / C)
        return d.reshape(shape), (d_y * n).sum(0), np.ones(len(d_y)) @ d_y


class exercise_4_5__einsum:
    def attention_backward(d_out, q, k, v, mask=None):
        weights = attention(q, k, v, mask)[1]
        d_weights = np.einsum("...te,...se->...ts", d_out, v)
        jacobian = np.einsum("...ts,su->...tsu", weights, np.eye(k.shape[-2]))
        jacobian = jacobian - np.einsum("...ts,...tu->...tsu", weights, weights)
        d_scores = np.einsum("...tsu,...tu->...ts", jacobian, d_weights) * q.shape[-1] ** -0.5
        d_q = np.einsum("...ts,...sd->...td", d_scores, k)
        d_k = np.einsum("...ts,...td->...sd", d_scores, q)
        return d_q, d_k, np.einsum("...ts,...te->...se", weights, d_out)


class exercise_4_5__by_the_result:
    def attention_backward(d_out, q, k, v, mask=None):
        # the average of a row of d_weights is d_out times out: Dao et al. 2022, appendix B.2
        out, p = attention(q, k, v, mask)
        average = (d_out * out).sum(axis=-1)[..., None]
        d_s = p * (d_out @ np.swapaxes(v, -1, -2) - average)
        d_s = d_s if mask is None else np.where(mask, d_s, 0)
        root = math.sqrt(k.shape[-1])
        p, d_t = np.swapaxes(p, -1, -2), np.swapaxes(d_s, -1, -2)
        return d_s @ (k / root), d_t @ (q / root), p @ d_out


class exercise_4_5__loops:
    def attention_backward(d_out, q, k, v, mask=None):
        weights = attention(q, k, v, mask)[1]
        d_q, d_k, d_v = np.zeros(q.shape), np.zeros(k.shape), np.zeros(v.shape)
        for lead in np.ndindex(q.shape[:-2]):
            for t in range(q.shape[-2]):
                w = weights[lead][t]
                d_w = np.array([d_out[lead][t] @ row for row in v[lead]])
                for s in range(k.shape[-2]):
                    d_v[lead][s] += w[s] * d_out[lead][t]
                    slope = w[s] * (d_w[s] - w @ d_w) / math.sqrt(q.shape[-1])
                    d_q[lead][t] += slope * k[lead][s]
                    d_k[lead][s] += slope * q[lead][t]
        return d_q, d_k, d_v


class exercise_4_6__einsum:
    def multi_head_backward(d_out, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        (C, _), D = w_q.shape, w_q.shape[1] // H
        q, k, v = (
            np.einsum("bnc,chd->bhnd", a, w.reshape(C, H, D))
            for a, w in ((x, w_q), (memory, w_k), (memory, w_v))
        )
        out, _ = attention(q, k, v, mask)
        wide = w_o.reshape(H, D, C)
        d_w_o = np.einsum("bhtd,btc->hdc", out, d_out).reshape(C, C)
        d_heads = attention_backward(np.einsum("btc,hdc->bhtd", d_out, wide), q, k, v, mask)
        roads, found = [], []
        for d, a, w in zip(d_heads, (x, memory, memory), (w_q, w_k, w_v), strict=True):
            roads.append(np.einsum("bhnd,chd->bnc", d, w.reshape(C, H, D)))
            found.append(np.einsum("bnc,bhnd->chd", a, d).reshape(C, C))
        return roads[0], roads[1] + roads[2], *found, d_w_o

    def residual_backward(d_y, x, f, f_backward, normal, normal_backward, norm="pre"):
        given = x if norm == "post" else normal(x)
        d_sum = d_y if norm == "pre" else normal_backward(d_y, f(x) + x)
        through = f_backward(d_sum, given)
        return (through if norm == "post" else normal_backward(through, x)) + d_sum


class exercise_4_6__loops_over_heads:
    def multi_head_backward(d_out, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        B, _, C = x.shape
        d = [np.zeros(a.shape) for a in (x, memory, w_q, w_k, w_v, w_o)]
        D = C // H
        full = True if mask is None else mask
        seen = np.broadcast_to(full, (B, H, x.shape[1], memory.shape[1]))
        for b in range(B):
            for h in range(H):
                own = slice(h * D, (h + 1) * D)
                q, k, v = x[b] @ w_q[:, own], memory[b] @ w_k[:, own], memory[b] @ w_v[:, own]
                out, _ = attention(q, k, v, seen[b, h])
                d[5][own] += out.T @ d_out[b]
                d_q, d_k, d_v = attention_backward(d_out[b] @ w_o[own].T, q, k, v, seen[b, h])
                d[0][b] += d_q @ w_q[:, own].T
                d[1][b] += d_k @ w_k[:, own].T
                d[1][b] += d_v @ w_v[:, own].T
                d[2][:, own] += x[b].T @ d_q
                d[3][:, own] += memory[b].T @ d_k
                d[4][:, own] += memory[b].T @ d_v
        return tuple(d)

    def residual_backward(d_y, x, f, f_backward, normal, normal_backward, norm="pre"):
        if norm != "pre":
            d_y = normal_backward(d_y, x + f(x))
            return np.add(d_y, f_backward(d_y, x))
        inside = normal(x)
        back = f_backward(d_y, inside)
        back = normal_backward(back, x)
        return np.add(back, d_y)


class exercise_4_6__one_matrix_for_keys_and_values:
    def multi_head_backward(d_out, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
        C = w_o.shape[0]
        both = np.concatenate([w_k, w_v], axis=1)
        q = split_heads(np.matmul(x, w_q), H)
        k, v = (split_heads(part, H) for part in np.split(memory @ both, 2, axis=-1))
        out = merge_heads(attention(q, k, v, mask)[0])
        d_q, *d_kv = attention_backward(split_heads(d_out @ w_o.T, H), q, k, v, mask)
        d_q, d_kv = merge_heads(d_q), np.concatenate([merge_heads(d) for d in d_kv], axis=-1)

        def outer(a, d):
            return np.tensordot(a, d, ((0, 1), (0, 1)))

        d_both = outer(memory, d_kv)
        return (d_q @ w_q.T, d_kv @ both.T, outer(x, d_q), d_both[:, :C], d_both[:, C:],
                outer(out, d_out))  # fmt: skip

    def residual_backward(d_y, x, f, f_backward, normal, normal_backward, norm="pre"):
        match norm:
            case "pre":
                return normal_backward(f_backward(d_y, normal(x)), x) + d_y
            case _:
                d_y = normal_backward(d_y, x + f(x))
                return f_backward(d_y, x) + d_y


class exercise_4_7__loops:
    def gelu_backward(d_y, x):
        out = np.zeros(x.shape)
        for place, z in np.ndenumerate(x):
            share = 1 - math.erfc(z / math.sqrt(2)) / 2
            out[place] = d_y[place] * (share + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi))
        return out

    def gelu_tanh_backward(d_y, x):
        out = np.zeros(x.shape)
        for place, z in np.ndenumerate(x):
            t = math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))
            inner = math.sqrt(2 / math.pi) * (1 + 0.134145 * z * z)
            out[place] = d_y[place] * ((1 + t) / 2 + z / 2 * (1 - t) * (1 + t) * inner)
        return out


class exercise_4_7__sigmoid:
    def gelu_backward(d_y, x):
        share = (1 + np.frompyfunc(math.erf, 1, 1)(x * 0.5**0.5).astype(float)) / 2
        return d_y * share + d_y * x * np.exp(-x * x / 2) * (2 * np.pi) ** -0.5

    def gelu_tanh_backward(d_y, x):
        # (1 + tanh u) / 2 is the sigmoid of 2 u, and the slope of a sigmoid is s (1 - s)
        c = 2 * math.sqrt(2 / math.pi)
        s = (1 + np.tanh(c * (x + 0.044715 * x**3) / 2)) / 2
        return d_y * (s + x * s * (1 - s) * c * (1 + 3 * 0.044715 * x**2))


class exercise_4_7__cosh:
    def gelu_backward(d_y, x):
        shares = [0.5 + 0.5 * math.erf(z / 2**0.5) for z in x.ravel()]
        bells = [math.exp(-(z**2) / 2) / (2 * math.pi) ** 0.5 for z in x.ravel()]
        slope = np.array(shares) + x.ravel() * np.array(bells)
        return d_y * slope.reshape(x.shape)

    def gelu_tanh_backward(d_y, x):
        u = np.polyval([0.044715, 0, 1, 0], x) * np.sqrt(2 / np.pi)
        du = np.polyval([3 * 0.044715, 0, 1], x) * np.sqrt(2 / np.pi)
        u = np.clip(u, -300, 300)
        return d_y * 0.5 * (1 + np.tanh(u) + x * du / np.cosh(u) ** 2)
