"""Right answers to the exercise of day3/decoding.py, each written in another way."""

import math

import torch
import torch.nn.functional as F


def refuse(logits, temperature, top_k, top_p):
    if not temperature >= 0 or (top_k is not None and top_k < 1):
        raise ValueError("temperature and top_k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("top_p")
    if not (logits < math.inf).all():
        raise ValueError("logits")


class exercise_3_9__masked_logits:
    def choose(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        refuse(logits, temperature, top_k, top_p)
        if temperature == 0:
            return logits.argmax(dim=-1)
        scores = logits / temperature
        if top_k is not None:
            places = scores.topk(min(top_k, scores.size(-1)), dim=-1).indices
            hidden = torch.ones_like(scores, dtype=torch.bool).scatter(-1, places, False)
            scores = scores.masked_fill(hidden, -torch.inf)
        if top_p is not None and top_p < 1:
            ranked, order = scores.sort(dim=-1, descending=True)
            drop = ranked.softmax(dim=-1).cumsum(dim=-1) >= top_p
            drop = torch.cat((torch.zeros_like(drop[:, :1]), drop[:, :-1]), dim=-1)
            scores = scores.masked_fill(torch.zeros_like(drop).scatter(-1, order, drop), -torch.inf)
        return torch.multinomial(scores.softmax(dim=-1), 1, generator=generator).squeeze(-1)


class exercise_3_9__from_the_unlikeliest:
    """As Hugging Face does: sorted upwards, what sums to 1 - p or less goes."""

    def choose(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        refuse(logits, temperature, top_k, top_p)
        if temperature == 0:
            return torch.max(logits, dim=-1).indices
        ranked, order = torch.sort(logits / temperature, dim=-1)
        if top_k is not None:
            ranked[:, : max(0, ranked.shape[-1] - top_k)] = -math.inf
        if top_p is not None:
            drop = ranked.softmax(dim=-1).cumsum(dim=-1) <= 1 - top_p
            drop[:, -1] = False
            ranked = ranked.masked_fill(drop, -math.inf)
        rank = torch.multinomial(F.softmax(ranked, dim=-1), 1, True, generator=generator)
        return order.gather(1, rank).flatten()


class exercise_3_9__gumbel:
    def choose(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        refuse(logits, temperature, top_k, top_p)
        B, V = logits.shape
        ranked, order = logits.sort(dim=-1, descending=True)
        if temperature == 0 or top_k == 1:
            return order[:, 0]
        ranked = ranked / temperature
        keep = torch.arange(V).expand(B, V) < (V if top_k is None else top_k)
        p = ranked.masked_fill(~keep, -math.inf).softmax(dim=-1)
        if top_p is not None and top_p < 1:
            before = F.pad(p.cumsum(dim=-1), (1, -1))
            keep = keep & (before < top_p)
        noise = -torch.rand(B, V, dtype=logits.dtype, generator=generator).log().neg().log()
        best = (ranked + noise).masked_fill(~keep, -math.inf).argmax(dim=-1)
        return order[torch.arange(B), best]


class exercise_3_9__running_sums:
    def choose(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        refuse(logits, temperature, top_k, top_p)
        order = logits.argsort(dim=-1, descending=True)
        if not temperature:
            return order[..., 0]
        p = (torch.take_along_dim(logits, order, -1) / temperature).softmax(-1)[:, :top_k]
        sums = p.cumsum(-1)
        whole = sums[:, -1:]
        if top_p is not None:
            enough = (sums / whole >= min(top_p, 1 - 1e-12)).int().argmax(-1, keepdim=True)
            whole = sums.gather(-1, enough)
        u = torch.rand(len(p), 1, dtype=p.dtype, generator=generator) * whole
        return order.gather(-1, torch.searchsorted(sums, u, right=True)).squeeze(1)


class exercise_3_9__row_by_row:
    def choose(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        refuse(logits, temperature, top_k, top_p)
        chosen = torch.zeros(len(logits), dtype=torch.long)
        for b, row in enumerate(logits.tolist()):
            ids = sorted(range(len(row)), key=lambda i, row=row: -row[i])
            if temperature == 0:
                chosen[b] = ids[0]
                continue
            ids = ids[:top_k]
            powers = [math.exp((row[i] - row[ids[0]]) / temperature) for i in ids]
            total, stay, summed = sum(powers), 0, 0.0
            while stay < len(ids) and (stay == 0 or summed / total < (top_p or 1) - 1e-12):
                summed += powers[stay]
                stay += 1
            u = torch.rand(1, generator=generator).item() * summed
            for i, power in zip(ids[:stay], powers, strict=False):
                chosen[b] = i
                u -= power
                if u < 0:
                    break
        return chosen
