"""Right answers to the exercises of day3/optim.py, each written in another way."""

import math

import numpy as np
import torch


class exercise_3_10__branches:
    def warmup_linear(step, steps, warmup=0.02, decay=0.8):
        ahead = max(round(warmup * steps), 1)
        share = 1.0
        if step < ahead:
            share = (step + 1) / ahead
        if steps - step < decay * steps:
            share = min(share, (steps - step) / steps / decay)
        return share

    def warmup_cosine(step, steps, warmup=0.02, floor=0.1):
        ahead = max(round(warmup * steps), 1)
        if step + 1 <= ahead:
            return (1 + step) / ahead
        left = steps - ahead - 1
        if left < 1:
            return 1.0
        angle = math.pi * (step - ahead) / left
        return floor + 0.5 * (1 - floor) * (1 + math.cos(angle))


class exercise_3_10__interpolated:
    def warmup_linear(step, steps, warmup=0.02, decay=0.8):
        ahead = max(1, int(warmup * steps + 0.5))
        up = np.interp(step, [-1, ahead - 1], [0.0, 1.0])
        down = np.interp(step, [steps - decay * steps, steps], [1.0, 0.0])
        return float(min(up, down))

    def warmup_cosine(step, steps, warmup=0.02, floor=0.1):
        ahead = max(1, int(warmup * steps + 0.5))
        up = min(1.0, (step + 1) / ahead)
        gone = np.clip((step - ahead) / max(1, steps - 1 - ahead), 0.0, 1.0)
        return up if up < 1 else 1 - (1 - floor) * math.sin(math.pi * gone / 2) ** 2


class exercise_3_10__lists:
    def warmup_linear(step, steps, warmup=0.02, decay=0.8):
        ahead = max(1, round(warmup * steps))
        up = [(n + 1) / ahead for n in range(ahead)] + [1.0] * steps
        down = [(steps - n) / (decay * steps) for n in range(steps)]
        return min(up[step], down[step], 1)

    def warmup_cosine(step, steps, warmup=0.02, floor=0.1):
        ahead = max(1, round(warmup * steps))
        shares = [(n + 1) / ahead for n in range(ahead)]
        n = steps - ahead
        angles = torch.linspace(0, math.pi, n, dtype=torch.float64) if n > 0 else torch.zeros(0)
        shares += (floor + (1 - floor) * (angles.cos() + 1) / 2).tolist()
        return shares[step]


class exercise_3_11__one_vector:
    def clip_gradients(parameters, ceiling):
        held = [p for p in parameters if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.cat([p.grad.reshape(-1) for p in held]))
        if norm > ceiling:
            for p in held:
                p.grad *= ceiling / (norm + 1e-6)
        return float(norm)


class exercise_3_11__torchs:
    def clip_gradients(parameters, ceiling):
        return torch.nn.utils.clip_grad_norm_(list(parameters), ceiling).item()


class exercise_3_11__without_the_small_number:
    def clip_gradients(parameters, ceiling):
        squares, held = 0.0, []
        for p in parameters:
            if p.grad is None:
                continue
            held.append(p)
            squares += p.grad.square().sum().item()
        norm = math.sqrt(squares)
        if norm > ceiling:
            for p in held:
                p.grad = p.grad * ceiling / norm
        return norm


class exercise_3_11__factor_at_most_one:
    def clip_gradients(parameters, ceiling):
        gradients = [p.grad for p in list(parameters) if p.grad is not None]
        norm = math.hypot(*(g.norm().item() for g in gradients))
        factor = min(1.0, ceiling / (norm + 1e-6)) if norm > ceiling else 1.0
        torch._foreach_mul_(gradients, factor)
        return torch.tensor(norm, dtype=torch.float64)


class exercise_3_12__by_the_paper:
    class AdamW:
        @torch.no_grad()
        def step(self, scale=1.0):
            self.steps += 1
            t, (b1, b2) = self.steps, self.betas
            for n, p in enumerate(self.parameters):
                g = p.grad
                if g is None:
                    continue
                m = self.means[n] = b1 * self.means[n] + (1 - b1) * g
                v = self.squares[n] = b2 * self.squares[n] + (1 - b2) * g**2
                m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
                lr = scale * self.lr
                update = m_hat / (v_hat.sqrt() + self.eps) + self.weight_decay * p
                p.copy_(p - lr * update)


class exercise_3_12__corrections_in_the_rate:
    class AdamW:
        @torch.no_grad()
        def step(self, scale=1.0):
            self.steps = self.steps + 1
            beta1, beta2 = self.betas
            root2 = math.sqrt(1 - beta2**self.steps)
            rate = self.lr * scale * root2 / (1 - beta1**self.steps)
            for p, m, v in zip(self.parameters, self.means, self.squares, strict=True):
                if p.grad is not None:
                    m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                    v.mul_(beta2).add_(p.grad.square(), alpha=1 - beta2)
                    p.data = p.data * (1 - self.lr * scale * self.weight_decay)
                    p.data.sub_(rate * m / (v.sqrt() + self.eps * root2))


class exercise_3_12__differences:
    class AdamW:
        @torch.no_grad()
        def step(self, scale=1.0):
            lr = self.lr * scale
            self.steps += 1
            moving = [n for n, p in enumerate(self.parameters) if p.grad is not None]
            for n in moving:
                g = self.parameters[n].grad
                self.means[n] += (1 - self.betas[0]) * (g - self.means[n])
                self.squares[n] += (1 - self.betas[1]) * (g * g - self.squares[n])
            for n in moving:
                p = self.parameters[n]
                c1, c2 = (1 - math.pow(beta, self.steps) for beta in self.betas)
                p -= lr * self.weight_decay * p
                p -= lr * (self.means[n] / c1) / (self.eps + torch.sqrt(self.squares[n] / c2))


class exercise_3_12__torchs_functions:
    class AdamW:
        @torch.no_grad()
        def step(self, scale=1.0):
            self.steps += 1
            held = [n for n, p in enumerate(self.parameters) if p.grad is not None]
            torch.optim._functional.adamw(
                [self.parameters[n] for n in held],
                [self.parameters[n].grad for n in held],
                [self.means[n] for n in held],
                [self.squares[n] for n in held],
                [],
                [torch.tensor(float(self.steps - 1)) for _ in held],
                foreach=False,
                amsgrad=False,
                beta1=self.betas[0],
                beta2=self.betas[1],
                lr=self.lr * scale,
                weight_decay=self.weight_decay,
                eps=self.eps,
                maximize=False,
            )
