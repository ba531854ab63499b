# exercises 3.10-3.12, further: warmup_linear and warmup_cosine, clip_gradients, AdamW.step
"""How weights move: AdamW for vectors and tables, Muon for matrices, a schedule, a ceiling.

torch.optim has both optimisers. These are here to be read, to start without a second of imports,
and because Muon pays on a CPU only when matrices of one shape are worked on together.
"""

import math

import torch


class AdamW:
    """Each number moves by its mean gradient over its root mean square: about lr a step.

    Decay pulls weights to zero beside the gradient, not through it. Loshchilov & Hutter 2019.
    """

    def __init__(self, parameters, lr, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0):
        self.parameters = list(parameters)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = 0

    # exercise 3.12, further
    @torch.no_grad()
    def step(self, scale=1.0):
        """One step at `scale` times the learning rate: every weight that has a gradient moves.

        self.means and self.squares hold, for each parameter, the running means of its gradient and
        of the gradient's square, with the shares betas[0] and betas[1] of the old. A parameter
        without a gradient is left alone, its means too. eps is added to the root.
        """
        self.steps += 1
        lr, (beta1, beta2) = self.lr * scale, self.betas
        # both averages start at zero: early on they are too small by 1 - beta to the step
        correction1, correction2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        for p, mean, square in zip(self.parameters, self.means, self.squares):
            if p.grad is None:
                continue
            p.mul_(1 - lr * self.weight_decay)
            mean.lerp_(p.grad, 1 - beta1)
            square.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
            root = (square / correction2).sqrt_().add_(self.eps)
            p.addcdiv_(mean, root, value=-lr / correction1)

    def state(self):
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def load(self, state):
        self.steps = state["steps"]
        copy_all(self.means, state["means"])
        copy_all(self.squares, state["squares"])


class Muon:
    """A matrix moves by its momentum with all singular values made about 1: no direction starves.

    Jordan et al. 2024, kellerjordan.github.io/posts/muon. A packed (3 C, C) matrix of queries, keys
    and values counts as three. lr is the step of a square matrix in the spectral norm.
    """

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.0, dtype=None):
        self.parameters = list(parameters)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.dtype = dtype  # of the products that make singular values equal; bfloat16 is enough
        self.means = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, scale=1.0):
        """One step at `scale` times the learning rate."""
        lr = self.lr * scale
        by_shape: dict[tuple, list] = {}
        for p, mean in zip(self.parameters, self.means):
            if p.grad is None:
                continue
            mean.lerp_(p.grad, 1 - self.momentum)
            ahead = p.grad.lerp(mean, self.momentum)  # Nesterov: where the momentum will be
            p.mul_(1 - lr * self.weight_decay)
            for weight, update in zip(pieces(p), pieces(ahead)):
                by_shape.setdefault(tuple(weight.shape), []).append((weight, update))
        for (rows, columns), pairs in by_shape.items():
            weights, updates = zip(*pairs)
            steps = orthogonal(torch.stack(updates), self.dtype) * math.sqrt(max(1, rows / columns))
            for weight, step in zip(weights, steps):
                weight.sub_(step, alpha=lr)

    def state(self):
        return {"means": self.means}

    def load(self, state):
        copy_all(self.means, state["means"])


def pieces(matrix):
    """A packed (3 C, C) matrix as its three (C, C) parts, any other as itself; views."""
    rows, columns = matrix.shape
    return matrix.chunk(3) if rows == 3 * columns else (matrix,)


def orthogonal(matrices, dtype=None, steps=5):
    """Push all singular values towards 1 and keep the singular vectors: (N, R, C) -> (N, R, C).

    Five Newton-Schulz steps of an odd polynomial, matrix products only; the values end between
    0.7 and 1.2, near enough (those below a thousandth of the norm stay smaller).
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(dtype or matrices.dtype)
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (2.0315 * gram @ gram - 4.7750 * gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


def copy_all(mine, theirs):
    for a, b in zip(mine, theirs, strict=True):
        a.copy_(b)


# exercise 3.10, further
def warmup_linear(step, steps, warmup=0.02, decay=0.8):
    """Share of the learning rate at `step` of 0 ... steps - 1: up over the first 2 %, flat, down.

    `warmup` and `decay` are shares of the run. Up in equal parts over round(warmup * steps) steps, at
    least one: the first of them has one part, the last has 1. Down in a straight line over the last
    decay * steps steps, towards 0 at `steps` itself. The smaller of the two counts, and at most 1.
    """
    up = (step + 1) / max(1, round(warmup * steps))
    down = (steps - step) / (decay * steps)
    return min(1.0, up, down)


# exercise 3.10, further
def warmup_cosine(step, steps, warmup=0.02, floor=0.1):
    """GPT-3's (Brown et al. 2020, appendix B) and nanoGPT's: up, then half a cosine down to a tenth.

    Up over the first 2 %, as in warmup_linear. The step after it has 1 again, the last, steps - 1, has
    the floor, and between them (1 + cos) / 2 falls from 1 to 0. Where only one step is left, it has 1.
    """
    ahead = max(1, round(warmup * steps))
    if step < ahead:
        return (step + 1) / ahead
    done = (step - ahead) / max(1, steps - 1 - ahead)
    return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2


# exercise 3.11, further
@torch.no_grad()
def clip_gradients(parameters, ceiling):
    """Shrink all gradients together where their norm is above the ceiling; returns the norm before.

    The norm is that of all gradients as one long vector, a float. Above the ceiling every .grad is
    multiplied by ceiling / (norm + 1e-6). A ceiling, not a target: smaller gradients stay as they are.
    `parameters` can be gone through once, as model.parameters() is; some may have no gradient.
    Pascanu et al. 2013.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    if norm > ceiling:
        torch._foreach_mul_(gradients, ceiling / (norm + 1e-6))
    return norm.item()


def optimizers(model, kind, matrix_lr, table_lr, weight_decay, dtype=None):
    """The optimisers of a model: matrices apart from tables, gains and biases, which do not decay.

    `kind` is "muon" (Muon for the matrices, AdamW for the rest) or "adamw" (AdamW for both);
    `dtype` is that of Muon's products.
    """
    tables = {
        id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)
    }
    parameters = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim == 2 and id(p) not in tables]
    chosen = {id(p) for p in matrices}
    rest = [p for p in parameters if id(p) not in chosen]
    if kind == "muon":
        first = Muon(matrices, matrix_lr, weight_decay=weight_decay, dtype=dtype)
    else:
        first = AdamW(matrices, matrix_lr, weight_decay=weight_decay)
    return [first, AdamW(rest, table_lr)]


def main():
    """The two schedules; and what each optimiser makes of a gradient that favours one direction."""
    steps = (0, 10, 20, 250, 500, 750, 999)
    print(f"share of the rate at the steps {', '.join(map(str, steps))}")
    for schedule in (warmup_linear, warmup_cosine):
        print(f"  {schedule.__name__:13}", *(f"{schedule(step, 1000):6.3f}" for step in steps))
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(4, 4))
    weight.grad = torch.randn(4, 4) @ torch.diag(torch.tensor([8.0, 2, 0.5, 0.1]))
    print(f"a gradient of norm {clip_gradients([weight], 1.0):.3f}, clipped to 1")
    moved = {"the gradient": weight.grad}
    for kind in (AdamW, Muon):
        weight.data.zero_()
        kind([weight], lr=1.0).step()
        moved[f"{kind.__name__}'s step"] = weight.detach().clone()
    print("singular values: how far each of four directions is moved")
    for name, matrix in moved.items():
        print(f"  {name:13}", *(f"{value:6.3f}" for value in torch.linalg.svdvals(matrix)))


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("optim.py", main))
