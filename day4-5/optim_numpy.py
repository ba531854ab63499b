# exercises 4.9-4.11, all further: momentum, Adam and AdamW, schedules and clipping
"""How weights move, over dictionaries of arrays: each step is torch.optim's. NumPy only.

`params` and `grads` are flat dictionaries, "blocks.0.attention.w_q" -> array. A step counts from 1,
for Adam's averages and for the schedules: one clock.

    python day4-5/optim_numpy.py     a second: three ways down a ravine
"""

import math

import numpy as np


# exercise 4.9, further
def sgd(weight, gradient, lr):
    """One step downhill, as long as the gradient times the learning rate.

    weight (...), gradient (...) -> weight (...), a new array
    """
    return weight - lr * gradient


# exercise 4.9, further
def momentum(weight, gradient, velocity, lr, beta):
    """One step of a ball that keeps the share beta of its velocity, and gains the whole gradient.

    weight, gradient, velocity (...) -> weight, velocity (...), both new: the weight moves against
    the new velocity, times lr. Polyak 1964, in the form of torch.optim.SGD.
    """
    velocity = beta * velocity + gradient
    return weight - lr * velocity, velocity


# exercise 4.10, further
def adam(weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8):
    """One step of about lr, whatever the gradient's size: its running mean over its running size.

    weight, gradient, mean, square (...) -> weight, mean, square (...), all new. mean keeps the share
    beta_1 of itself, square (of the squares) beta_2. Both began at 0: to move the weight, and for
    that alone, each is divided by 1 - beta**t. eps is added to the root.
    t is 1 at the first step; ValueError below. Kingma & Ba 2015, algorithm 1.
    """
    if t < 1:
        raise ValueError(f"t counts steps from 1, and is {t}: add 1 before the step")
    mean = beta_1 * mean + (1 - beta_1) * gradient
    square = beta_2 * square + (1 - beta_2) * gradient**2
    size = np.sqrt(square / (1 - beta_2**t))
    return weight - lr * mean / (1 - beta_1**t) / (size + eps), mean, square


# exercise 4.10, further
def adamw(weight, gradient, mean, square, t, lr, weight_decay, beta_1=0.9, beta_2=0.999, eps=1e-8):
    """adam, on a weight that was pulled to zero just before by the share lr times weight_decay.

    -> weight, mean, square. The averages know nothing of the pull: it is decoupled.
    Loshchilov & Hutter 2019, algorithm 2, in the form of torch.optim.AdamW.
    """
    pulled = weight * (1 - lr * weight_decay)
    return adam(pulled, gradient, mean, square, t, lr, beta_1, beta_2, eps)


# exercise 4.11, further
def warmup_cosine(step, steps, warmup, floor=0.0):
    """Share of the learning rate at `step`: up to 1 along a line, down along half a cosine.

    Step 1 has 1 / warmup, step `warmup` 1, even as the last. Step `steps` and all later have the floor.
    ValueError for a step below 1. Loshchilov & Hutter 2017, equation 5, behind a warm-up.
    """
    if step < 1:
        raise ValueError(f"steps count from 1, and this is {step}")
    if step <= warmup:
        return step / warmup
    done = min(1, (step - warmup) / max(1, steps - warmup))
    return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2


# exercise 4.11, further
def warmup_cosine_of(micro_batch, parts, steps, warmup, floor=0.0):
    """warmup_cosine where a step adds up the gradients of `parts` micro-batches, to save memory.

    micro_batch counts from 1; steps and warmup count steps, as before. The micro-batches of one step
    have the share of that step.
    """
    return warmup_cosine(math.ceil(micro_batch / parts), steps, warmup, floor)


# exercise 4.11, further
def inverse_square_root(step, C, warmup):
    """The learning rate itself, for a model of C channels: up along a line, down as 1 / sqrt(step).

    Both meet at step `warmup`. ValueError for a step or a warmup below 1. Vaswani et al. 2017,
    equation 3.
    """
    if step < 1 or warmup < 1:
        raise ValueError(f"steps count from 1, and this is step {step} with a warm-up of {warmup}")
    return C**-0.5 * min(step**-0.5, step * warmup**-1.5)


# exercise 4.11, further
def clip_factor(gradients, ceiling):
    """What all gradients are multiplied by, so that they are together no longer than the ceiling.

    gradients {name: array} -> factor, norm: the norm is the length of all numbers as one vector. Where
    it is below the ceiling the factor is 1. 1e-6 is added to the norm before it divides, as in
    torch.nn.utils.clip_grad_norm_. Pascanu et al. 2013, algorithm 1.
    """
    norm = math.sqrt(sum(float((d**2).sum()) for d in gradients.values()))
    return min(1.0, ceiling / (norm + 1e-6)), norm


class SGD:
    """momentum for every array of a dictionary; plain sgd at beta 0."""

    def __init__(self, params, lr, beta=0.0):
        self.lr, self.beta = lr, beta
        self.velocity = {name: np.zeros_like(p) for name, p in params.items()}

    def step(self, params, grads, scale=1.0):
        """Put the arrays after one step at `scale` times the learning rate into `params`."""
        fitting(params, grads)
        for name, d in grads.items():
            params[name], self.velocity[name] = momentum(
                params[name], d, self.velocity[name], scale * self.lr, self.beta
            )


class AdamW:
    """adamw for every array of a dictionary; adam at weight_decay 0.

    `decayed` holds the names that are pulled to zero; without it, all are, as in torch.optim.AdamW.
    """

    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decayed=None):
        self.lr, self.betas, self.eps, self.weight_decay, self.t = lr, betas, eps, weight_decay, 0
        self.decayed = set(params if decayed is None else decayed)
        self.mean = {name: np.zeros_like(p) for name, p in params.items()}
        self.square = {name: np.zeros_like(p) for name, p in params.items()}

    def step(self, params, grads, scale=1.0):
        """Put the arrays after one step at `scale` times the learning rate into `params`."""
        fitting(params, grads)
        self.t += 1  # once a step, not once an array
        for name, d in grads.items():
            decay = self.weight_decay if name in self.decayed else 0.0
            kept = params[name], d, self.mean[name], self.square[name]
            params[name], self.mean[name], self.square[name] = adamw(
                *kept, self.t, scale * self.lr, decay, *self.betas, self.eps
            )


def matrices(params):
    """The names that weight decay is for: a gain, a bias or a table has no reason to be small."""
    return [n for n, p in params.items() if p.ndim == 2 and not n.startswith(("embed", "position"))]


def fitting(params, grads):
    """ValueError where a gradient has no parameter, another shape, or a number that is none."""
    for name, d in grads.items():
        if name not in params:
            raise ValueError(f"there is a gradient for {name!r}, but no such parameter")
        if d.shape != params[name].shape:
            raise ValueError(f"{name} is {params[name].shape}, but its gradient {d.shape}")
        if not np.isfinite(d).all():
            raise ValueError(
                f"the gradient of {name} holds NaN or infinity: lower the rate, or clip"
            )


def ravine(params):
    """The loss (x^2 + 100 y^2) / 2, a hundred times steeper along y than along x, and its slope."""
    curvature = np.array([1.0, 100.0])
    x = params["x"]
    return float((curvature * x**2).sum() / 2), {"x": curvature * x}


def main():
    """The same ravine for all: how much of the loss is left."""
    print("steps                   1         10        100")
    for name, make in (
        ("sgd, 0.019", lambda p: SGD(p, 0.019)),
        ("momentum 0.9, 0.019", lambda p: SGD(p, 0.019, 0.9)),
        ("adam, 0.3", lambda p: AdamW(p, 0.3)),
    ):
        params = {"x": np.array([10.0, 1.0])}
        optimizer, losses = make(params), []
        for _ in range(100):
            optimizer.step(params, ravine(params)[1])
            losses.append(ravine(params)[0])
        print(f"{name:20}", *(f"{losses[n - 1]:10.2e}" for n in (1, 10, 100)))
    print("it was 1e+02; past 0.02, plain descent leaves the steep side and never comes back")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
