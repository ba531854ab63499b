"""Right answers to day2/bigram.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import torch
import torch.nn.functional as F


class exercise_2_3__stacked_slices:
    def batch(ids, B, T, generator=None):
        if B < 1 or T < 1 or len(ids) <= T:
            raise ValueError("the text is too short")
        starts = torch.randint(0, len(ids) - T, (B,), generator=generator)
        x = torch.stack([ids[i : i + T] for i in starts])
        y = torch.stack([ids[i + 1 : i + T + 1] for i in starts])
        return x, y


class exercise_2_3__unfold:
    def batch(ids, B, T, generator=None):
        windows = ids.unfold(0, T + 1, 1)
        chosen = windows[torch.randint(len(windows), size=(B,), generator=generator)]
        return chosen[:, :T], chosen[:, -T:]


class exercise_2_3__by_shares_of_one:
    def batch(ids, B, T, generator=None):
        starts = (torch.rand(B, 1, generator=generator) * (ids.numel() - T)).long()
        places = starts + torch.arange(T)
        return ids[places], ids[places + 1]


class exercise_2_3__row_by_row:
    def batch(ids, B, T, generator=None):
        x = torch.zeros(B, T, dtype=ids.dtype)
        y = torch.empty_like(x)
        for b in range(B):
            start = torch.randint(len(ids) - T, (1,), generator=generator).item()
            for t in range(T):
                x[b, t] = ids[start + t]
                y[b, t] = ids[start + t + 1]
        return x, y


class exercise_2_3__multinomial:
    def batch(ids, B, T, generator=None):
        even = torch.ones(len(ids) - T)
        starts = torch.multinomial(even, B, replacement=True, generator=generator)
        before, after = ids[:-1].unfold(0, T, 1), ids[1:].unfold(0, T, 1)
        return before.index_select(0, starts), after.index_select(0, starts)


class exercise_2_3__shuffled_starts:
    def batch(ids, B, T, generator=None):
        n, starts = len(ids) - T, []
        if n < 1 or T < 1:
            raise ValueError("there is no start")
        while len(starts) < B:  # each start once before any comes again
            starts += torch.randperm(n, generator=generator).tolist()
        rows = [ids[s : s + T + 1].tolist() for s in starts[:B]]
        return torch.tensor([row[:-1] for row in rows]), torch.tensor([row[1:] for row in rows])


class exercise_2_3__the_last_of_many:
    def batch(ids, B, T, generator=None):
        starts = torch.randint(2**40, (B,), generator=generator) % (len(ids) - T)
        windows = torch.gather(ids.expand(B, -1), 1, starts[:, None] + torch.arange(T + 1))
        return windows.narrow(1, 0, T), windows.narrow(1, 1, T)


class exercise_2_5__the_librarys:
    def cross_entropy(logits, targets, ignore_index=-100):
        return F.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=ignore_index
        )


class exercise_2_5__axes_for_the_library:
    def cross_entropy(logits, targets, ignore_index=-100):
        log_p = F.log_softmax(logits, dim=-1).movedim(-1, 1).contiguous()
        return F.nll_loss(log_p, targets, ignore_index=ignore_index)


class exercise_2_5__by_index:
    def cross_entropy(logits, targets, ignore_index=-100):
        V = logits.shape[-1]
        logits, targets = logits.view(-1, V), targets.view(-1)
        keep = (targets != ignore_index).nonzero()[:, 0]
        own = logits[keep, targets[keep]]
        return (torch.logsumexp(logits[keep], dim=1) - own).sum() / len(keep)


class exercise_2_5__one_hot:
    def cross_entropy(logits, targets, ignore_index=-100):
        counted = targets != ignore_index
        hot = F.one_hot(torch.where(counted, targets, 0), logits.shape[-1])
        losses = -(hot * logits.log_softmax(-1)).sum(-1)
        return (losses * counted).sum() / counted.sum()


class exercise_2_5__loops:
    def cross_entropy(logits, targets, ignore_index=-100):
        rows, losses = logits.flatten(0, -2), []
        for row, target in zip(rows, targets.flatten().tolist(), strict=True):
            if target == ignore_index:
                continue
            shifted = row - row.max()
            losses.append(shifted.exp().sum().log() - shifted[target])
        return sum(losses) / len(losses)


class exercise_2_5__shift_without_gradient:
    def cross_entropy(logits, targets, ignore_index=-100):
        mask = (targets != ignore_index).to(logits.dtype)
        index = targets.clone()
        index[targets == ignore_index] = 0
        m = logits.detach().max(dim=-1, keepdim=True).values
        total = torch.exp(logits - m).sum(dim=-1).log() + m.squeeze(-1)
        own = torch.take_along_dim(logits, index.unsqueeze(-1), dim=-1).squeeze(-1)
        return torch.sum((total - own) * mask) / mask.sum()


class exercise_2_5__logaddexp:
    def cross_entropy(logits, targets, ignore_index=-100):
        total = logits[..., 0]
        for v in range(1, logits.shape[-1]):
            total = torch.logaddexp(total, logits[..., v])
        counted = targets.ne(ignore_index)
        own = logits.gather(-1, targets.masked_fill(~counted, 0)[..., None])[..., 0]
        return (total - own).masked_select(counted).mean()


class exercise_2_5__differences_to_the_target:
    def cross_entropy(logits, targets, ignore_index=-100):
        counted = targets != ignore_index
        rows, targets = logits[counted], targets[counted]
        return torch.logsumexp(rows - rows.gather(1, targets[:, None]), 1).mean()


class exercise_2_7__straight:
    def draw(logits, temperature=1.0, generator=None):
        if temperature <= 0 or torch.isnan(logits).any():
            raise ValueError("no such temperature")
        p = F.softmax(logits / temperature, dim=-1)
        return torch.multinomial(p, num_samples=1, generator=generator).squeeze(1)


class exercise_2_7__running_sums:
    def draw(logits, temperature=1.0, generator=None):
        sums = torch.softmax(logits / temperature, dim=1).cumsum(dim=1)
        u = torch.rand(len(logits), 1, dtype=logits.dtype, generator=generator) * sums[:, -1:]
        return torch.searchsorted(sums, u, right=True)[:, 0]


class exercise_2_7__counted_sums:
    def draw(logits, temperature=1.0, generator=None):
        u = torch.rand(logits.shape[0], generator=generator)
        below = (logits / temperature).softmax(-1).cumsum(-1) < u[:, None]
        return below[:, :-1].sum(dim=-1)


class exercise_2_7__gumbel:
    def draw(logits, temperature=1.0, generator=None):
        noise = -torch.rand(logits.shape, dtype=logits.dtype, generator=generator).log()
        return (logits / temperature - noise.log()).argmax(dim=-1)


class exercise_2_7__exponential_race:
    def draw(logits, temperature=1.0, generator=None):
        times = torch.zeros_like(logits).exponential_(generator=generator)
        return (times.log() - logits / temperature).argmin(dim=-1)


class exercise_2_7__power_of_the_shares:
    def draw(logits, temperature=1.0, generator=None):
        scores = logits.log_softmax(dim=-1).div(temperature)
        return torch.multinomial(scores.exp(), 1, True, generator=generator).flatten()


class exercise_2_7__row_by_row:
    def draw(logits, temperature=1.0, generator=None):
        ids = []
        for row in logits:
            p = torch.softmax((row - row.max()) / temperature, dim=0)
            ids.append(torch.multinomial(p, 1, generator=generator).item())
        return torch.tensor(ids)


class exercise_2_7__stacked_rows:
    def draw(logits, temperature=1.0, generator=None):
        shares = (logits / temperature).softmax(dim=1)
        return torch.stack([torch.multinomial(p, 1, generator=generator)[0] for p in shares])


class exercise_2_7__one_row_at_the_search:
    def draw(logits, temperature=1.0, generator=None):
        throws = torch.rand(len(logits), generator=generator).tolist()
        ids = torch.zeros(len(logits), dtype=torch.long)
        for b, shares in enumerate((logits / temperature).softmax(dim=-1).tolist()):
            left = throws[b]
            for v, share in enumerate(shares):
                ids[b] = v
                left -= share
                if left < 0:
                    break
        return ids
