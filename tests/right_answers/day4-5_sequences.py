"""Right answers to day4-5/sequences.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import torch
import torch.nn.functional as F

from sequences import PAD, START, padding_mask


class exercise_5_1__loops:
    def padding_mask(lengths, S):
        mask = torch.zeros(len(lengths), 1, 1, S, dtype=torch.bool)
        for b, length in enumerate(lengths.tolist()):
            if not 1 <= length <= S:
                raise ValueError(f"a length of {length}")
            mask[b, :, :, :length] = True
        return mask

    def decoder_mask(lengths, T):
        padding = padding_mask(lengths, T)
        mask = torch.zeros(len(lengths), 1, T, T, dtype=torch.bool)
        for b in range(len(lengths)):
            for t in range(T):
                for s in range(t + 1):
                    mask[b, 0, t, s] = padding[b, 0, 0, s]
        return mask


class exercise_5_1__comparisons:
    def padding_mask(lengths, S):
        if torch.any(lengths <= 0) or torch.any(lengths > S):
            raise ValueError("no such length")
        return lengths.view(-1, 1, 1, 1) > torch.arange(S).view(1, 1, 1, S)

    def decoder_mask(lengths, T):
        if torch.any(lengths <= 0) or torch.any(lengths > T):
            raise ValueError("no such length")
        places = torch.arange(T)
        last = torch.minimum(places[None, :] + 1, lengths[:, None])  # (B, T), of each query
        return (places < last[..., None]).unsqueeze(1)


class exercise_5_1__from_what_is_hidden:
    def padding_mask(lengths, S):
        if lengths.min() < 1 or S < lengths.max():
            raise ValueError("lengths")
        hidden = torch.stack([torch.arange(S) >= n for n in lengths])
        return hidden.logical_not()[:, None, None]

    def decoder_mask(lengths, T):
        future = torch.ones(T, T).triu(diagonal=1).bool()
        return ~(~padding_mask(lengths, T) | future)


class exercise_5_1__products:
    def padding_mask(lengths, S):
        if not ((lengths > 0) & (lengths <= S)).all():
            raise ValueError("lengths")
        places = torch.arange(1, S + 1).expand(len(lengths), S)
        return torch.le(places, lengths.unsqueeze(-1)).unsqueeze(1).unsqueeze(1)

    def decoder_mask(lengths, T):
        return padding_mask(lengths, T) * torch.tril(torch.ones(T, T)).bool()


class exercise_5_2__roll_and_overwrite:
    def shift_right(target):
        reads = target.roll(1, dims=1)
        reads[:, 0] = START
        return reads

    def sequence_loss(logits, target):
        log_p = logits.log_softmax(dim=-1)
        real = target != PAD
        return -log_p[real].gather(1, target[real].unsqueeze(1)).mean()


class exercise_5_2__loops:
    def shift_right(target):
        reads = torch.zeros_like(target)
        for b in range(target.shape[0]):
            reads[b, 0] = START
            for t in range(1, target.shape[1]):
                reads[b, t] = target[b, t - 1]
        return reads

    def sequence_loss(logits, target):
        costs = []
        for row, symbols in zip(logits, target):
            for scores, symbol in zip(row, symbols.tolist()):
                if symbol != PAD:
                    costs.append(scores.logsumexp(dim=0) - scores[symbol])
        return sum(costs) / len(costs)


class exercise_5_2__channels_second:
    def shift_right(target):
        return F.pad(target[:, :-1], (1, 0), value=START)

    def sequence_loss(logits, target):
        return F.cross_entropy(logits.transpose(1, 2), target, ignore_index=PAD)


class exercise_5_2__sum_over_count:
    def shift_right(target):
        start = torch.tensor([[START]] * len(target))
        return torch.hstack((start, target))[:, :-1]

    def sequence_loss(logits, target):
        B, T, V = logits.shape
        rows = logits.reshape(B * T, V)
        cost = F.cross_entropy(rows, target.reshape(-1), reduction="none", ignore_index=PAD)
        return cost.sum() / (target != PAD).sum()


class exercise_5_2__left_out_by_where:
    def shift_right(target):
        reads = torch.ones_like(target) * START
        reads[:, 1:] = target[:, :-1]
        return reads

    def sequence_loss(logits, target):
        picked = logits.log_softmax(-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
        cost = torch.where(target == PAD, torch.zeros_like(picked), -picked)
        return cost.sum() / target.ne(PAD).sum()
