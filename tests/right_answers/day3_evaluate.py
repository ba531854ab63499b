"""Right answers to the exercise of day3/evaluate.py, each written in another way."""

import contextlib

import torch
import torch.nn.functional as F


@contextlib.contextmanager
def evaluating(model):
    was = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was)


class exercise_3_13__a_loop_over_windows:
    def loss(model, ids, context, batch=64):
        if len(ids) < 2:
            raise ValueError("too short")
        was, total = model.training, 0.0
        model.eval()
        for start in range(0, len(ids) - 1, context):
            window = ids[start : start + context + 1]
            logits = model(window[None, :-1])[0]
            total += F.cross_entropy(logits[0], window[1:], reduction="sum").item()
        model.train(was)
        return total / (len(ids) - 1)


class exercise_3_13__split:
    def loss(model, ids, context, batch=64):
        if ids.numel() <= 1:
            raise ValueError("too short")
        with evaluating(model):
            nats = []
            xs, ys = list(ids[:-1].split(context)), list(ids[1:].split(context))
            while xs:
                n = min(batch, sum(len(x) == len(xs[0]) for x in xs))
                logits = model(torch.stack(xs[:n]))[0]
                nats.append(-logits.log_softmax(-1).gather(-1, torch.stack(ys[:n])[..., None]))
                xs, ys = xs[n:], ys[n:]
            return torch.cat([part.flatten() for part in nats]).mean()


class exercise_3_13__weighed_means:
    def loss(model, ids, context, batch=64):
        N = len(ids) - 1
        if N < 1:
            raise ValueError("too short")
        with evaluating(model):
            mean, first = 0.0, 0
            while first < N:
                rows = min(batch, (N - first) // context)
                T = context if rows else N - first
                end = first + max(1, rows) * T
                x, y = ids[first:end].view(-1, T), ids[first + 1 : end + 1].view(-1, T)
                mean += model(x, y)[1].item() * (end - first) / N
                first = end
            return mean


class exercise_3_13__padded:
    def loss(model, ids, context, batch=64):
        if len(ids) < 2:
            raise ValueError("too short")
        missing = -(len(ids) - 1) % context
        x = F.pad(ids[:-1], (0, missing), value=0).view(-1, context)
        y = F.pad(ids[1:], (0, missing), value=-100).view(-1, context)
        with evaluating(model):
            logits = torch.cat([model(part)[0] for part in x.split(batch)])
        V = logits.shape[-1]
        return F.cross_entropy(logits.view(-1, V), y.view(-1), ignore_index=-100).item()


class exercise_3_13__perplexity_first:
    def loss(model, ids, context, batch=64):
        if len(ids) < 2:
            raise ValueError("too short")
        training = model.training
        model.train(False)
        shares = []
        for start in range(0, len(ids) - 1, context):
            end = min(start + context, len(ids) - 1)
            logits, _ = model(ids[start:end].unsqueeze(0))
            p = logits.squeeze(0).softmax(dim=-1)
            shares += [p[t, ids[start + t + 1]].log().item() for t in range(end - start)]
        if training:
            model.train()
        return -sum(shares) / len(shares)
