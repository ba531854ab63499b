"""Right answers to day2/counting.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import math
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np


class exercise_2_1__loops:
    def bigram_probabilities(ids, V, smoothing=1.0):
        table = [[smoothing] * V for _ in range(V)]
        for i in range(len(ids) - 1):
            table[ids[i]][ids[i + 1]] += 1
        return np.array([[count / sum(row) for count in row] for row in table])


class exercise_2_1__add_at:
    def bigram_probabilities(ids, V, smoothing=1.0):
        if len(ids) < 2 or ids.min() < 0 or ids.max() >= V or smoothing <= 0:
            raise ValueError("this cannot be counted")
        table = np.full((V, V), float(smoothing))
        np.add.at(table, (ids[:-1], ids[1:]), 1)
        table /= table.sum(axis=-1, keepdims=True)
        return table


class exercise_2_1__one_hot_product:
    def bigram_probabilities(ids, V, smoothing=1.0):
        one_hot = np.eye(V)[ids]
        counts = one_hot[:-1].T @ one_hot[1:]
        return (counts + smoothing) / (counts.sum(1) + V * smoothing)[:, None]


class exercise_2_1__dictionary:
    def bigram_probabilities(ids, V, smoothing=1.0):
        pairs, firsts = Counter(pairwise(ids.tolist())), Counter(ids[:-1].tolist())
        table = np.empty((V, V))
        for i in range(V):
            for j in range(V):
                table[i, j] = (pairs[i, j] + smoothing) / (firsts[i] + smoothing * V)
        return table


class exercise_2_1__row_by_row:
    def bigram_probabilities(ids, V, smoothing=1.0):
        followers = (ids[1:][ids[:-1] == i] for i in range(V))
        counts = np.stack([np.bincount(own, minlength=V) for own in followers])
        return np.divide(counts + smoothing, (counts + smoothing).sum(axis=1).reshape(V, 1))


class exercise_2_1__histogram:
    def bigram_probabilities(ids, V, smoothing=1.0):
        edges = np.arange(V + 1) - 0.5
        counts, _, _ = np.histogram2d(ids[:-1], ids[1:], bins=(edges, edges))
        columns = (counts + smoothing).T  # a column for the symbol that was read
        return (columns / columns.sum(axis=0)).T


class exercise_2_1__mixed_with_uniform:
    def bigram_probabilities(ids, V, smoothing=1.0):
        pairs, counts = np.unique(np.stack([ids[:-1], ids[1:]]), axis=1, return_counts=True)
        table = np.zeros((V, V))
        table[pairs[0], pairs[1]] = counts
        total = table.sum(axis=1, keepdims=True)
        trust = total / (total + V * smoothing)
        return trust * table / np.maximum(total, 1) + (1 - trust) / V


class exercise_2_2__loop:
    def table_loss(probabilities, ids):
        total = 0
        for i, j in pairwise(ids):
            p = probabilities[i][j]
            total += math.inf if p == 0 else -math.log(p)
        return total / (len(ids) - 1)


class exercise_2_2__logarithm_of_the_table:
    def table_loss(probabilities, ids):
        with np.errstate(divide="ignore"):
            surprises = np.log(1 / probabilities)
        return np.mean(surprises[ids[:-1], ids[1:]])


class exercise_2_2__counted_first:
    def table_loss(probabilities, ids):
        V, total = len(probabilities), 0.0
        counts = np.bincount(V * ids[:-1] + ids[1:], minlength=V * V).reshape(V, V)
        for place in np.argwhere(counts):
            total -= counts[tuple(place)] * np.log(probabilities[tuple(place)])
        return total / counts.sum()


class exercise_2_2__flat_index:
    def table_loss(probabilities, ids):
        p = np.ravel(probabilities).take(ids[:-1] * probabilities.shape[1] + ids[1:])
        return -np.add.reduce(np.log(p)) / p.size


class exercise_2_2__one_hot_rows:
    def table_loss(probabilities, ids):
        one_hot = np.eye(len(probabilities))[ids]
        p = np.einsum("ni,ij,nj->n", one_hot[:-1], probabilities, one_hot[1:])
        return np.asarray(-np.average(np.log(p)))


class exercise_2_2__by_base_two:
    def table_loss(probabilities, ids):
        rows = probabilities[ids[:-1]]
        p = np.take_along_axis(rows, ids[1:, None], axis=1)[:, 0]
        return float(np.mean(np.log2(p)) * -math.log(2))


class exercise_2_8__dictionaries:
    def kneser_ney(ids, V, discount=0.75):
        pairs = Counter(pairwise(ids.tolist()))
        before, after = defaultdict(set), defaultdict(set)
        for first, second in pairs:
            before[second].add(first)
            after[first].add(second)
        guess = [max(len(before[j]) - discount, 0) for j in range(V)]
        spread = discount * sum(len(own) > 0 for own in before.values()) / V
        guess = [(own + spread) / len(pairs) for own in guess]
        table = np.zeros((V, V))
        for i in range(V):
            total = sum(pairs[i, j] for j in after[i])
            for j in range(V):
                if total == 0:
                    table[i, j] = guess[j]
                    continue
                own = max(pairs[i, j] - discount, 0)
                table[i, j] = (own + discount * len(after[i]) * guess[j]) / total
        return table


class exercise_2_8__one_rule_twice:
    def kneser_ney(ids, V, discount=0.75):
        def interpolated(counts, shorter):
            taken = np.minimum(counts, discount)
            total = counts.sum(axis=-1, keepdims=True)
            with np.errstate(invalid="ignore"):
                shares = (counts - taken + taken.sum(axis=-1, keepdims=True) * shorter) / total
            return np.where(total == 0, shorter, shares)

        counts = np.zeros((V, V))
        np.add.at(counts, (ids[:-1], ids[1:]), 1)
        return interpolated(counts, interpolated(np.sign(counts).sum(axis=0), 1 / V))


class exercise_2_8__what_is_left:
    def kneser_ney(ids, V, discount=0.75):
        one_hot = np.eye(V)[ids]
        counts = one_hot[:-1].T @ one_hot[1:]
        seen = counts > 0
        before = seen.sum(axis=0)
        guess = np.where(before > 0, before - discount, 0) / seen.sum()
        guess = guess + (1 - guess.sum()) / V
        # a row without a count keeps nothing, so all of it is left
        kept = np.where(seen, counts - discount, 0) / np.maximum(counts.sum(axis=1), 1)[:, None]
        return kept + np.outer(1 - kept.sum(axis=1), guess)


class exercise_2_8__row_by_row:
    def kneser_ney(ids, V, discount=0.75):
        if not 0 < discount <= 1 or len(ids) < 2 or min(ids) < 0 or max(ids) >= V:
            raise ValueError("this cannot be counted")
        rows = [np.bincount(ids[1:][ids[:-1] == i], minlength=V) for i in range(V)]
        before = sum((row > 0).astype(int) for row in rows)
        came = np.flatnonzero(before)
        guess = np.full(V, discount * len(came) / V)
        guess[came] += before[came] - discount
        guess /= before.sum()
        table = []
        for row in rows:
            if not row.any():
                table.append(guess)
                continue
            seen = row > 0
            table.append(((row - discount) * seen + discount * seen.sum() * guess) / row.sum())
        return np.array(table)


class exercise_2_8__of_the_textbooks:
    def kneser_ney(ids, V, discount=0.75):
        counts = np.bincount(ids[:-1] * V + ids[1:], minlength=V * V).reshape(V, V)
        continuation = (counts > 0).sum(axis=0) / (counts > 0).sum()
        total = counts.sum(axis=1, keepdims=True)
        weight = discount * (counts > 0).sum(axis=1, keepdims=True) / np.maximum(total, 1)
        shares = np.maximum(counts - discount, 0) / np.maximum(total, 1)
        return np.where(total, shares + weight * continuation, continuation)
