"""Right answers to day4-5/optim_numpy.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import math

import numpy as np

from optim_numpy import adam, sgd, warmup_cosine


class exercise_4_9__added:
    def sgd(weight, gradient, lr):
        return np.add(weight, np.multiply(-lr, gradient))

    def momentum(weight, gradient, velocity, lr, beta):
        new = gradient + velocity * beta
        step = -lr * new
        return step + weight, new


class exercise_4_9__in_place_on_a_copy:
    def sgd(weight, gradient, lr):
        weight = weight.copy()
        weight -= lr * gradient
        return weight

    def momentum(weight, gradient, velocity, lr, beta):
        velocity = np.array(velocity)
        velocity *= beta
        velocity += gradient
        return weight - velocity * lr, velocity


class exercise_4_9__loops:
    def sgd(weight, gradient, lr):
        out = np.zeros(weight.shape)
        for place in np.ndindex(weight.shape):
            out[place] = weight[place] - lr * gradient[place]
        return out

    def momentum(weight, gradient, velocity, lr, beta):
        kept, moved = np.zeros(weight.shape), np.zeros(weight.shape)
        for place in np.ndindex(weight.shape):
            kept[place] = beta * velocity[place] + gradient[place]
            moved[place] = weight[place] - lr * kept[place]
        return moved, kept


class exercise_4_9__one_through_the_other:
    def sgd(weight, gradient, lr):
        return np.subtract(weight, gradient * lr)

    def momentum(weight, gradient, velocity, lr, beta):
        rolled = sgd(weight, velocity, lr * beta)
        return sgd(rolled, gradient, lr), gradient + beta * velocity


class exercise_4_10__towards:
    """The averages as a step towards what came in; the correction as one number for both."""

    def adam(weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8):
        if t < 1:
            raise ValueError("t begins at 1")
        mean = mean + (1 - beta_1) * (gradient - mean)
        square = square + (1 - beta_2) * (gradient * gradient - square)
        bent = math.sqrt(1 - beta_2**t)
        rate = lr * bent / (1 - beta_1**t)
        return weight - rate * mean / (np.sqrt(square) + eps * bent), mean, square

    def adamw(
        weight, gradient, mean, square, t, lr, weight_decay, beta_1=0.9, beta_2=0.999, eps=1e-8
    ):
        moved, mean, square = adam(weight, gradient, mean, square, t, lr, beta_1, beta_2, eps)
        return moved - lr * weight_decay * weight, mean, square


class exercise_4_10__loops:
    def adam(weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8):
        if t < 1:
            raise ValueError("t begins at 1")
        out = [np.zeros(weight.shape) for _ in range(3)]
        for place in np.ndindex(weight.shape):
            m = beta_1 * mean[place] + (1 - beta_1) * gradient[place]
            v = beta_2 * square[place] + (1 - beta_2) * gradient[place] ** 2
            step = m / (1 - beta_1**t) / ((v / (1 - beta_2**t)) ** 0.5 + eps)
            out[0][place], out[1][place], out[2][place] = weight[place] - lr * step, m, v
        return tuple(out)

    def adamw(
        weight, gradient, mean, square, t, lr, weight_decay, beta_1=0.9, beta_2=0.999, eps=1e-8
    ):
        weight = weight - weight * lr * weight_decay
        return adam(weight, gradient, mean, square, t, lr, beta_1, beta_2, eps)


class exercise_4_10__sums:
    """1 - beta**t is the sum of the shares that have come in: (1 - beta) (1 + beta + ...)."""

    def adam(weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8):
        if t < 1:
            raise ValueError("t begins at 1")
        found = []
        for average, new, beta in ((mean, gradient, beta_1), (square, gradient**2, beta_2)):
            come = (1 - beta) * sum(beta**k for k in range(t))
            average = np.average([average, new], axis=0, weights=[beta, 1 - beta])
            found.append((average, average / come))
        (mean, ahead), (square, large) = found
        return weight - lr * ahead / (large**0.5 + eps), mean, square

    def adamw(
        weight, gradient, mean, square, t, lr, weight_decay, beta_1=0.9, beta_2=0.999, eps=1e-8
    ):
        given = gradient, mean, square, t, lr, beta_1, beta_2, eps
        step, mean, square = adam(np.zeros_like(weight), *given)
        return (1 - lr * weight_decay) * weight + step, mean, square


class exercise_4_11__by_cases:
    def warmup_cosine(step, steps, warmup, floor=0.0):
        if step < 1:
            raise ValueError("the first step is 1")
        if step <= warmup:
            return step / warmup
        if step >= steps:
            return floor
        angle = math.pi * (step - warmup) / (steps - warmup)
        return (1 + floor) / 2 + (1 - floor) / 2 * math.cos(angle)

    def warmup_cosine_of(micro_batch, parts, steps, warmup, floor=0.0):
        return warmup_cosine((micro_batch - 1) // parts + 1, steps, warmup, floor)

    def inverse_square_root(step, C, warmup):
        if step < 1 or warmup < 1:
            raise ValueError("the first step is 1")
        if step < warmup:
            return step / (warmup * math.sqrt(C * warmup))
        return 1 / math.sqrt(C * step)

    def clip_factor(gradients, ceiling):
        total = 0.0
        for d in gradients.values():
            for number in d.flat:
                total += number * number
        norm = total**0.5
        return (ceiling / (norm + 1e-6) if norm + 1e-6 > ceiling else 1.0), norm


class exercise_4_11__numpy:
    def warmup_cosine(step, steps, warmup, floor=0.0):
        if step < 1:
            raise ValueError("the first step is 1")
        left = np.clip((steps - step) / max(1, steps - warmup), 0, 1)
        down = floor + (1 - floor) * np.sin(np.pi * left / 2) ** 2
        return float(down) if step > warmup else step / warmup

    def warmup_cosine_of(micro_batch, parts, steps, warmup, floor=0.0):
        step = int(np.ceil(micro_batch / parts))
        return warmup_cosine(step, floor=floor, warmup=warmup, steps=steps)

    def inverse_square_root(step, C, warmup):
        if step < 1 or warmup < 1:
            raise ValueError("the first step is 1")
        return float(np.minimum(np.sqrt(1 / step), step / np.sqrt(warmup) ** 3) / np.sqrt(C))

    def clip_factor(gradients, ceiling):
        norm = np.linalg.norm([np.linalg.norm(d) for d in gradients.values()])
        return np.minimum(1, ceiling / (norm + 1e-6)), norm


class exercise_4_11__one_vector:
    def warmup_cosine(step, steps, warmup, floor=0.0):
        if step < 1:
            raise ValueError("the first step is 1")
        if step <= warmup:
            return step / warmup
        share = (step - warmup) / (steps - warmup) if step < steps else 1
        turn = math.e ** (1j * math.pi * share)
        return floor + (1 - floor) * (turn.real + 1) / 2

    def warmup_cosine_of(micro_batch, parts, steps, warmup, floor=0.0):
        full, rest = divmod(micro_batch, parts)
        return warmup_cosine(full + bool(rest), steps, warmup, floor)

    def inverse_square_root(step, C, warmup):
        if step < 1 or warmup < 1:
            raise ValueError("the first step is 1")
        return (C * max(step, warmup**3 / step**2)) ** -0.5

    def clip_factor(gradients, ceiling):
        numbers = np.concatenate([np.ravel(d) for d in gradients.values()])
        norm = np.sqrt(numbers @ numbers)
        return min(ceiling / (norm + 1e-6), 1), norm
