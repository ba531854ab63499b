"""Right answers to the exercises of day2/ladder.py, each written in another way."""

import random

import torch
import torch.nn.functional as F


class exercise_2_9__one_line:
    def residual(x, branch, norm, order="pre"):
        return {"pre": lambda: x + branch(norm(x)), "post": lambda: norm(x + branch(x))}[order]()


class exercise_2_9__a_norm_that_does_nothing:
    def residual(x, branch, norm, order="pre"):
        if order not in ("pre", "post"):
            raise ValueError(order)
        before, after = (norm, torch.clone) if order == "pre" else (torch.clone, norm)
        return after(branch(before(x)).add(x))


class exercise_2_9__written_over:
    def residual(x, branch, norm, order="pre"):
        shortcut = x
        if order == "pre":
            x = norm(x)
        x = branch(x)
        x = torch.stack((shortcut, x)).sum(dim=0)
        if order == "post":
            x = norm(x)
        return x


class exercise_2_9__in_place_on_a_copy:
    def residual(x, branch, norm, order="pre"):
        total = x.clone()
        total += branch(norm(x) if order == "pre" else x)
        return norm(total) if order == "post" else total


class exercise_2_9__a_position_at_a_time:
    def residual(x, branch, norm, order="pre"):
        said = branch(norm(x)) if order == "pre" else branch(x)
        rows = [x[:, t] + said[:, t] for t in range(x.shape[1])]
        total = torch.stack(rows, dim=1)
        return total if order == "pre" else norm(total)


class exercise_2_10__bernoulli:
    def dropout(x, p, generator=None):
        kept = torch.empty_like(x).bernoulli_(1 - p, generator=generator)
        return x * kept / (1 - p)


class exercise_2_10__the_rest_filled:
    def dropout(x, p, generator=None):
        if p < 0 or p >= 1:
            raise ValueError(p)
        lost = torch.rand(x.size(), generator=generator, dtype=x.dtype) < p
        return (x / (1 - p)).masked_fill(lost, 0)


class exercise_2_10__where:
    def dropout(x, p, generator=None):
        scale = 1 / (1 - p)
        thrown = torch.empty(x.shape).uniform_(generator=generator)
        return torch.where(thrown > p, scale * x, 0.0)


class exercise_2_10__torch_itself:
    def dropout(x, p, generator=None):
        if generator is None:
            return F.dropout(x, p)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.set_state(generator.get_state())
            out = F.dropout(x, p, training=True)
            generator.set_state(torch.default_generator.get_state())
        return out


class exercise_2_10__a_number_at_a_time:
    def dropout(x, p, generator=None):
        out = x.clone().flatten()
        for i in range(len(out)):
            throw = torch.rand((), generator=generator).item() if generator else random.random()
            out[i] = 0 if throw < p else out[i] / (1 - p)
        return out.view(x.shape)


class exercise_2_10__by_index:
    def dropout(x, p, generator=None):
        out, seed = torch.zeros_like(x), torch.randint(2**31, (), generator=generator)
        stays = [
            i
            for i, r in enumerate(random.Random(int(seed)).choices([0, 1], [p, 1 - p], k=x.numel()))
            if r
        ]
        out.view(-1)[stays] = x.reshape(-1)[stays] / (1 - p)
        return out


class exercise_2_10__whole_numbers:
    def dropout(x, p, generator=None):
        throws = torch.randint(1_000_000, x.shape, generator=generator)
        return torch.mul(x, (throws >= round(1_000_000 * p)).to(x.dtype)).div(1 - p)
