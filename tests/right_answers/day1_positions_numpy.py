"""Right answers to day1/positions_numpy.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import math

import numpy as np

from positions_numpy import one_hot


class exercise_1_6__loops:
    def sinusoidal(T, C):
        table = np.zeros((T, C))
        for t in range(T):
            for c in range(C):
                angle = t / 10000 ** (2 * (c // 2) / C)
                table[t, c] = math.sin(angle) if c % 2 == 0 else math.cos(angle)
        return table


class exercise_1_6__slices:
    def sinusoidal(T, C):
        speeds = np.exp(np.arange(0, C, 2) * (-np.log(10000.0) / C))
        angles = np.outer(np.arange(T), speeds)
        table = np.empty((T, C))
        table[:, 0::2] = np.sin(angles)
        table[:, 1::2] = np.cos(angles[:, : C // 2])
        return table


class exercise_1_6__stack:
    def sinusoidal(T, C):
        angles = np.arange(T).reshape(-1, 1) / np.power(10000, np.arange(0, C, 2) / C)
        return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(T, -1)[:, :C]


class exercise_1_6__complex:
    def sinusoidal(T, C):
        pairs = (C + 1) // 2
        hands = np.exp(1j * np.arange(T)[:, None] * 10000.0 ** (-2 * np.arange(pairs) / C))
        both = np.repeat(hands, 2, axis=1)[:, :C]
        return np.where(np.arange(C) % 2, both.real, both.imag)


class exercise_1_6__a_cosine_is_a_late_sine:
    def sinusoidal(T, C):
        t, c = np.meshgrid(np.arange(T), np.arange(C), indexing="ij")
        odd = c & 1
        return np.sin(t * 1e4 ** ((odd - c) / C) + odd * np.pi / 2)


class exercise_1_6__by_columns:
    def sinusoidal(T, C):
        columns, t = [], np.arange(T)
        for c in range(C):
            i, odd = divmod(c, 2)
            wave = np.cos if odd else np.sin
            columns.append(wave(t / 10000 ** (2 * i / C)))
        return np.column_stack(columns)


class exercise_1_6__from_step_to_step:
    def sinusoidal(T, C):
        # a turn by the same angle takes each position to the next
        speeds = 100.0 ** (-np.arange(0, C, 2) * 2 / C)
        height, width = np.zeros(len(speeds)), np.ones(len(speeds))
        rows = []
        for _ in range(T):
            rows.append(np.array([height, width]).T.ravel()[:C])
            s, c = np.sin(speeds), np.cos(speeds)
            height, width = height * c + width * s, width * c - height * s
        return np.array(rows)


class exercise_1_6__halves_another_convention:
    def sinusoidal(T, C):
        angles = np.arange(T)[:, None] / 10000 ** (np.arange(0, C, 2) / C)
        return np.concatenate([np.sin(angles), np.cos(angles[:, : C // 2])], axis=1)


class exercise_1_8__eye:
    def one_hot(ids, V):
        if np.any(ids < 0) or np.any(ids >= V):
            raise ValueError("an id is outside")
        return np.eye(V)[ids]

    def embed(ids, table):
        if np.any((ids < 0) | (ids >= table.shape[0])):
            raise ValueError("an id is outside")
        return np.take(table, ids, axis=0)


class exercise_1_8__without_refusing:
    def one_hot(ids, V):
        return np.identity(V)[ids]

    def embed(ids, table):
        return table[ids, :]


class exercise_1_8__loops:
    def one_hot(ids, V):
        rows = np.zeros((*np.shape(ids), V))
        for place in np.ndindex(ids.shape):
            if not 0 <= ids[place] < V:
                raise ValueError(f"{ids[place]} is no symbol")
            rows[place][ids[place]] = 1
        return rows

    def embed(ids, table):
        out = np.empty((*ids.shape, table.shape[1]))
        for place, number in np.ndenumerate(ids):
            if number not in range(len(table)):
                raise ValueError(f"{number} is no symbol")
            out[place] = table[number]
        return out


class exercise_1_8__flat_and_back:
    def one_hot(ids, V):
        flat = np.reshape(ids, -1)
        rows = np.zeros((flat.size, V))
        rows[np.arange(flat.size), flat] = 1.0
        return rows.reshape(ids.shape + (V,))

    def embed(ids, table):
        return np.array([table[i] for i in ids.ravel()]).reshape(*ids.shape, -1)


class exercise_1_8__put_along_an_axis:
    def one_hot(ids, V):
        rows = np.zeros(ids.shape + (V,))
        np.put_along_axis(rows, ids[..., np.newaxis], 1, axis=-1)
        return rows

    def embed(ids, table):
        return one_hot(ids, len(table)) @ table


class exercise_1_8__integers:
    def one_hot(ids, V):
        return np.equal.outer(ids, np.arange(V)).astype(int)

    def embed(ids, table):
        rows = (np.expand_dims(ids, -1) == np.arange(table.shape[0])).astype(table.dtype)
        return np.einsum("...v,vc->...c", rows, table)


class exercise_1_8__where:
    def one_hot(ids, V):
        symbols = np.arange(V).reshape((1,) * ids.ndim + (V,))
        return np.where(symbols == ids[..., None], 1.0, 0.0)

    def embed(ids, table):
        return np.stack([column[ids] for column in table.T], axis=-1)
