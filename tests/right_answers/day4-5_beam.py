"""Right answers to the exercises of day4-5/beam.py, each written in another way."""

import heapq
import math

import torch
import torch.nn.functional as F

from sequences import END, PAD, START


class exercise_5_5__tidied_afterwards:
    @torch.no_grad()
    def greedy(model, source, longest):
        """All rows write to the full length; what stands after END goes at the end."""
        if longest < 1:
            raise ValueError("longest")
        memory, mask = model.encode(source)
        reads = torch.ones_like(source[:, :1])
        while reads.shape[1] <= longest:
            best = model.decode(reads, memory, mask)[:, -1, :].topk(1).indices
            reads = torch.cat([reads, best], dim=-1)
        ids = reads[:, 1:]
        ended = (ids == END).cumsum(dim=1)
        ids[(ended > 1) | ((ended == 1) & (ids != END))] = PAD
        return ids[:, : int((ids != PAD).sum(dim=1).max())]


class exercise_5_5__row_by_row:
    def greedy(model, source, longest):
        """Plain lists, one source after the other; one memory for all."""
        if longest <= 0:
            raise ValueError("longest")
        rows = []
        with torch.no_grad():
            memory, mask = model.encode(source)
            for b in range(len(source)):
                ids = [START]
                while len(ids) <= longest and ids[-1] != END:
                    logits = model.decode(torch.tensor([ids]), memory[b : b + 1], mask[b : b + 1])
                    ids.append(max(range(logits.shape[-1]), key=logits[0, -1].tolist().__getitem__))
                rows.append(torch.tensor(ids[1:]))
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


class exercise_5_5__all_places_anew:
    def greedy(model, source, longest):
        """A sheet of PAD is filled in; each round guesses all places, and one more of them is kept."""
        if longest < 1:
            raise ValueError("longest")
        with torch.inference_mode():
            memory, mask = model.encode(source)
            sheet = torch.full((len(source), longest + 1), PAD)
            sheet[:, 0] = START
            going = torch.full((len(source),), True)
            for t in range(longest):
                guess = torch.argmax(F.softmax(model.decode(sheet[:, :-1], memory, mask), -1), 2)
                sheet[:, t + 1] = torch.where(going, guess[:, t], PAD)
                going = going & (guess[:, t] != END)
                if not going.any():
                    return sheet[:, 1 : t + 2].clone()
            return sheet[:, 1:].clone()


class exercise_5_6__tensors:
    def length_penalty(T, alpha):
        return math.exp(alpha * (math.log(5 + T) - math.log(6)))

    @torch.no_grad()
    def beam_search(model, source, K, longest, alpha=0.0):
        """Every beam is a row; one that has ended may only add PAD, for nothing."""
        if K < 1 or longest < 1:
            raise ValueError("K or longest")
        memory, mask = model.encode(source.unsqueeze(0))
        texts, sums = torch.tensor([[START]]), torch.zeros(1)
        for _ in range(longest):
            n, T = len(texts), texts.shape[1]
            ended = (texts == END).any(dim=1)
            if ended.all():
                break
            ln_p = model.decode(texts, memory.repeat(n, 1, 1), mask.repeat(n, 1, 1, 1))[:, -1]
            ln_p = ln_p.log_softmax(dim=-1)
            V = ln_p.shape[-1]
            ln_p[ended] = -torch.inf
            ln_p[ended, PAD] = 0.0
            length = torch.where(ended, (texts != PAD).sum(dim=1) - 1, T)
            total = sums[:, None] + ln_p
            compared = (total / ((5 + length[:, None]) / 6) ** alpha).flatten()
            best = compared.argsort(descending=True)[:K]
            best = best[compared[best].isfinite()]
            texts = torch.cat((texts[best // V], best[:, None] % V), dim=1)
            sums = total.flatten()[best]
        found = []
        for total, row in zip(sums, texts):
            ids = [i for i in row[1:].tolist() if i != PAD]
            found.append((total / ((5 + len(ids)) / 6) ** alpha, ids))
        return found


class exercise_5_6__a_heap:
    def length_penalty(T, alpha):
        return (5 + T) ** alpha / 6**alpha

    @torch.no_grad()
    def beam_search(model, source, K, longest, alpha=0.0):
        """A dictionary of texts, one decoder call for each; numbers rounded as float32 does."""
        if min(K, longest) < 1:
            raise ValueError("K or longest")
        memory, mask = model.encode(source[None])
        texts = {(): 0.0}

        def score(ids):
            return texts[ids] / length_penalty(len(ids), alpha)  # noqa: F821  the learner's own

        for _ in range(longest):
            longer = {}
            for ids, total in texts.items():
                if ids and ids[-1] == END:
                    longer[ids] = total
                    continue
                logits = model.decode(torch.tensor([[START, *ids]]), memory, mask)
                shares = torch.softmax(logits[0, -1].float(), dim=0)
                for symbol, p in enumerate(shares.tolist()):
                    if p > 0:
                        longer[(*ids, symbol)] = total + math.log(p)
            texts = longer
            texts = {ids: texts[ids] for ids in heapq.nlargest(K, texts, key=score)}
        return [(score(ids), list(ids)) for ids in texts]


class exercise_5_6__products:
    def length_penalty(T, alpha):
        return pow(5 / 6 + T / 6, alpha)

    @torch.no_grad()
    def beam_search(model, source, K, longest, alpha=0.0):
        """Chances are multiplied, and their logarithm is taken to compare; all rows side by side."""
        if K < 1:
            raise ValueError("K")
        if longest < 1:
            raise ValueError("longest")
        memory, mask = model.encode(source.expand(1, -1))
        done, going = [], [(1.0, [START])]
        while going and len(going[0][1]) <= longest:
            reads = torch.tensor([ids for _, ids in going])
            n = [len(going), *[-1] * 3]
            p = model.decode(reads, memory.expand(n[:3]), mask.expand(n))[:, -1].softmax(dim=-1)
            every = [
                (chance * share, [*ids, symbol])
                for (chance, ids), shares in zip(going, p.tolist())
                for symbol, share in enumerate(shares)
                if share
            ]
            every = [(math.log(c) / ((4 + len(i)) / 6) ** alpha, c, i) for c, i in every] + done
            every = sorted(every, reverse=True)[:K]
            done = [beam for beam in every if beam[2][-1] == END]
            going = [(c, ids) for _, c, ids in every if ids[-1] != END]
        return [(score, ids[1:]) for score, _, ids in every]
