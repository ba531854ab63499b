"""Right answers to day4-5/backward_numpy.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import math

import numpy as np

from attention_numpy import softmax
from backward_numpy import counted


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
