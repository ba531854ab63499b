"""Checks of day3/decoding.py. What each part is for stands in study/naming.py."""

import functools
import random
from types import SimpleNamespace

import numpy as np
import torch


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


def fresh(seed):
    return torch.Generator().manual_seed(seed)


def after_seed(seed, throw):
    """What is thrown when the numbers that all of PyTorch shares start here."""
    torch.default_generator.manual_seed(seed)  # torch.manual_seed looks for other devices, too
    return throw()


def either(flag):
    return torch.tensor(bool(flag))


def die(steps, logits, s):
    """The probability of each symbol, (B, V): none where these steps give no probabilities."""
    if steps.greedy(s):
        return torch.nn.functional.one_hot(steps.likeliest(logits), logits.shape[-1]).double()
    scores = steps.keep_k(steps.scale(logits, s), s)
    p = steps.back(steps.keep_p(steps.share(scores), scores, s))
    return p / p.sum(dim=-1, keepdim=True)


@functools.cache
def dice(rows, temperature, top_k, top_p):
    """The right die for these logits, then those of all slips: (., B, V), alike in ties."""
    logits = torch.tensor(rows, dtype=torch.float64)
    s = SimpleNamespace(temperature=temperature, top_k=top_k, top_p=top_p)
    check = exercise_3_9
    right = {n: f for n, f in vars(check.steps).items() if not n.startswith("_")}
    found = []
    for name, slip in [("none", None), *vars(check.slips).items()]:
        step = name.split("__")[0]
        if name.startswith("_"):
            continue
        own = vars(slip) if isinstance(slip, type) else {step: slip} if step in right else {}
        try:
            p = die(SimpleNamespace(**right | own), logits.clone(), s)
        except (RuntimeError, IndexError):
            continue
        if p.shape == logits.shape and p.isfinite().all() and (p >= 0).all():
            found.append(even(p, logits))
    return torch.stack(found)


def even(p, logits):
    """Which of equal logits is kept is nobody's business: their shares, the largest first."""
    p = p.clone()
    for row, scores in zip(p, logits, strict=True):
        values = scores.tolist()
        for score in {score for score in values if values.count(score) > 1}:
            tied = scores == score
            row[tied] = row[tied].sort(descending=True).values
    return p


def ranked(p):
    """Probabilities from the largest to the smallest, and where each belongs."""
    return p.sort(dim=-1, descending=True, stable=True)


def kept(p, keep):
    """p where `keep` says so, 0 elsewhere; keep is sorted from the likeliest on."""
    order = ranked(p).indices
    return p * torch.zeros_like(p).scatter(-1, order, keep.to(p.dtype))


class exercise_3_9:
    title = "one draw: temperature, top-k, top-p"
    minutes = 40
    returns = ("shares of the symbols", "ids below V", "rows apart", "draws differ", "seed obeyed")
    advice = (
        (
            r"probability tensor|probability distribution|multinomial distribution",
            "torch.multinomial wants shares: none below 0 or infinite, in every row one above 0.",
        ),
        (
            r"selected index k out of range|out of range",
            "top_k may be larger than V: then all symbols stay.",
        ),
    )
    hints = (
        (
            "Take four symbols, draw a thousand times, and count: with each setting alone, then two "
            "together. Which symbols come at all, and how often? At least one has to, always."
        ),
        (
            "Four things in a row: the temperature on the logits, the k likeliest, the smallest set that "
            "reaches p among these, then one throw. What is ruled out gets no share; the rest share 1."
        ),
        (
            "torch.sort gives ranked values, and where each came from. Ranked, top-k is a slice. For top-p, "
            "cumsum minus p itself is what stands before a symbol. multinomial, then gather the ids."
        ),
        (
            "Temperature 0: argmax. Else ranked, order = logits.sort(descending=True); p = (ranked / "
            "temperature).softmax(-1); if top_k: p[:, top_k:] = 0; p /= p.sum(-1, keepdim=True); if top_p: "
            "p[p.cumsum(-1) - p >= top_p] = 0; multinomial, gather."
        ),
    )

    def calls(rng):
        row = np.array([[0.0, 2, -1, 1]])
        yield "choose", np.array([[0.0, 2, 1]])
        yield "choose", row, 2.0, 3, 0.8
        yield "choose", row, 2.0
        yield "choose", row, 1.0, 2
        yield "choose", row, 1.0, None, 0.8
        yield "choose", row, 1.0, 2, 0.7  # the likeliest has 0.64 of all, and 0.73 of the two
        yield "choose", row, 2.0, None, 0.6
        yield "choose", np.array([[1.0, 0, 1, 1]]), 1.0, 2
        yield "choose", np.array([[1.0, 0, 1, 0]]), 1.0, None, 0.7
        yield "choose", row, 1.0, None, 0.5  # the likeliest alone has more
        yield "choose", np.array([[0.0, 2, 1], [3, -1, 0]]), 0.0
        yield "choose", row, 3.0, 1
        yield "choose", np.array([[3.0, 0, 2, 1], [0, 1, 0, 1.5]]), 1.0, 2
        yield "choose", np.array([[1000.0, 0, 999]]), 1.0, None, 0.9
        yield "choose", np.array([[1.0, -np.inf, 0]])
        yield "choose", np.array([[0.0, 1]]), 0.5, 5
        yield "choose", np.array([[-3.0, -1, -2, -4]]), 0.5, 3, 0.9
        yield "choose", np.array([[0.0, 1, -1, 0.5]]), 1.0, None, 0.5
        yield "choose", np.array([[0.0, 90], [90, 0]]), 2.0, None, 1.0
        yield "choose", np.array([[0.5, 0, 1, 0.2], [2, 2, 0, 0]]), 1.0, None, 0.65

    def random_call(rng):
        """Steps of at least 1 between the logits, and no sum near top_p: chance hides nothing."""
        V = int(rng.integers(5, 8))
        row = np.cumsum(rng.uniform(1, 1.5, size=V)) - 3
        temperature = float(rng.choice([0.0, 0.5, 1, 1, 2, 4]))
        top_k = [None, 1, 2, 3, 4, 9][rng.integers(6)]
        top_p = None
        p = np.sort(np.exp((row - row[-1]) / max(temperature, 0.1)))[::-1][:top_k]
        sums = np.append(np.cumsum(p / p.sum()), 0)
        if rng.random() < 0.6:
            top_p = next(q for q in rng.uniform(0.1, 0.95, 99) if np.abs(sums - q).min() > 0.01)
        return "choose", rng.permutation(row)[None], temperature, top_k, top_p

    def refusals(rng):
        row = np.array([[0.0, 2, 1]])
        yield "choose", row, -1.0
        yield "choose", row, 1.0, 0
        yield "choose", row, 1.0, None, 0.0
        yield "choose", row, 1.0, None, 1.5
        yield "choose", np.array([[0.0, np.nan]])
        yield "choose", np.array([[0.0, np.inf]])

    drawn = True

    def reading(f, result, logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        """What is certain of draws: how often each symbol comes, as the book says it where that is
        within chance, or as a known slip does; and whether chance came in where it should.
        """
        if result is None:
            return None

        def drawn(logits, *settings):
            return formed(f.choose(logits, *settings), len(logits))

        def formed(ids, B):
            if not torch.is_tensor(ids):
                raise TypeError(f"choose must return a tensor of ids, not a {type(ids).__name__}")
            if ids.is_floating_point():
                raise TypeError("the ids of choose must be whole numbers, not floats")
            if ids.shape != (B,):
                raise ValueError(f"choose gives the shape {tuple(ids.shape)}, not (B,) = ({B},)")
            return ids

        (B, V), many = logits.shape, torch.linspace(0, 1, 50, dtype=logits.dtype).repeat(8, 1)
        formed(result, B)
        random.seed(0)  # some throw with these
        np.random.seed(0)
        draws = torch.stack([drawn(many.clone()) for _ in range(3)])
        differ, apart = (draws != draws[0]).any(), (draws != draws[:, :1]).any()
        obeyed = True
        if V == 3 or (V == 4 and top_k and top_p):  # with settings, without: that is enough
            more = (top_k and 40, top_p and 0.9)
            a, b, c = (
                after_seed(n, lambda s=s: drawn(many.clone(), 1.0, *more, fresh(s)))
                for n, s in ((1, 7), (2, 7), (3, 8))
            )
            obeyed = torch.equal(a, b) and not (differ and torch.equal(a, c))
        p = dice(tuple(map(tuple, logits.tolist())), temperature, top_k, top_p)
        N = 600 if V < 5 else 200
        ids = drawn(logits.repeat_interleave(N, dim=0), temperature, top_k, top_p).view(B, N, 1)
        seen = even((ids == torch.arange(V)).to(logits.dtype).mean(dim=1), logits)  # (B, V)
        # five standard deviations, and a few draws more where a symbol is rare
        near = (seen - p).abs() * N <= 5 * (N * p * (1 - p)).sqrt() + 3 * (p > 0)
        near = near.all(dim=-1).all(dim=-1)  # (number of dice,)
        if near[0] or not near.any():
            known = p[0] if near[0] else (20 * seen).round() / 20
        else:
            known = p[(seen - p).abs().sum(dim=(-1, -2)).where(near, 9).argmin()]
        if differ != apart:  # one throw for all, or the same at every call
            known = known.where(p[0].amax(dim=-1, keepdim=True) > 1 - 1e-12, 0)
        fit = 0 <= ids.min() and ids.max() < V
        return known, either(fit), either(apart), either(differ), either(obeyed)

    class steps:
        def greedy(s):
            return s.temperature == 0

        def likeliest(logits):
            return logits.argmax(dim=-1)

        def scale(logits, s):
            return logits / s.temperature

        def keep_k(scores, s):
            order = ranked(scores).indices[:, s.top_k or scores.shape[-1] :]
            return scores.scatter(-1, order, -torch.inf)

        def share(scores):
            return scores.softmax(dim=-1)

        def keep_p(p, scores, s):
            before = ranked(p).values.cumsum(dim=-1) - ranked(p).values
            return p if s.top_p in (None, 1) else kept(p, before < s.top_p)

        def back(p):
            return p

        def throw(p, generator):
            return torch.multinomial(p, 1, generator=generator)

        def give(ids):
            return ids[:, 0]

    def whole(steps):
        def choose(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
            s = SimpleNamespace(temperature=temperature, top_k=top_k, top_p=top_p)
            if steps.greedy(s):
                return steps.give(steps.likeliest(logits)[:, None])
            scores = steps.keep_k(steps.scale(logits, s), s)
            p = steps.back(steps.keep_p(steps.share(scores), scores, s))
            return steps.give(steps.throw(p, generator))

        return {"choose": choose}

    class properties:
        def the_generator_is_obeyed(f, result, logits, *settings):
            if not result[4]:
                return (
                    "Equal generators do not give equal draws, or different ones give the same: something "
                    "else than the generator that is given throws the dice."
                )

        def draws_differ(f, result, logits, *settings):
            if not result[3]:
                return "Of fifty symbols with logits from 0 to 1, the same come up at every call."

        def rows_are_drawn_apart(f, result, logits, *settings):
            if not result[2]:
                return "Rows with equal logits always show the same symbol. Each is drawn anew."

        def ids_are_symbols(f, result, logits, *settings):
            if not result[1]:
                V = logits.shape[-1]
                return f"Some ids are no symbol: with {V} symbols the last is {V - 1}."

        def temperature_0_takes_the_likeliest(f, result, logits, temperature=1.0, *settings):
            if temperature == 0 and (result[0].argmax(axis=-1) != logits.argmax(axis=-1)).any():
                return "At temperature 0 the symbol with the largest logit should come, every time."

        def as_many_as_top_k(f, result, logits, temperature=1.0, top_k=None, top_p=None):
            alive = int((result[0] > 0).sum(axis=-1).max())
            if top_k is not None and alive > top_k:
                return f"top_k is {top_k}, and {alive} symbols come."

        def what_stays_are_the_likeliest(f, result, logits, *settings):
            for row, p in zip(logits, result[0], strict=True):
                if p.sum() and row[p > 0].min() < row[p == 0].max(initial=-np.inf):
                    return (
                        f"A symbol with the logit {row[p > 0].min():.3g} comes, and one with "
                        f"{row[p == 0].max():.3g} never does."
                    )

        def the_smallest_set_that_reaches_p(
            f, result, logits, temperature=1.0, top_k=None, top_p=None
        ):
            if top_p in (None, 1) or temperature == 0:
                return None
            for row, p in zip(logits, result[0], strict=True):
                whole = np.sort(np.exp((row - row.max()) / temperature))[::-1][:top_k]
                sums = np.cumsum(whole / whole.sum())
                most, alive = int((sums < top_p - 1e-9).sum()) + 1, int((p > 0).sum())
                if alive != most and (alive > most or p[p > 0].min(initial=1) > 0.02):
                    return (
                        f"The {most} likeliest are the smallest set that reaches {top_p:.3g}; here "
                        f"{alive} {'symbols come' if alive != 1 else 'symbol comes'}."
                    )

        def shares_are_those_of_the_softmax(f, result, logits, temperature=1.0, *settings):
            if temperature == 0:
                return None
            for row, p in zip(logits, result[0], strict=True):
                right = np.exp((row - row.max()) / temperature) * (p > 0)
                if p.sum() and (far := np.abs(right / right.sum() - p)).max() > 0.01:
                    v = far.argmax()
                    return (
                        f"Of those that come, symbol {v} has a share of about {p[v]:.2g}; by the softmax "
                        f"of the logits over the temperature it would be {right[v] / right.sum():.2g}."
                    )

    class variants:
        def throw__exponential_race(p, generator):
            times = torch.empty_like(p).exponential_(generator=generator) / p
            return times.argmin(dim=-1, keepdim=True)

    class slips:
        def greedy__never(s):
            """Right, but for temperature 0: the logits are divided by it. Its meaning is a limit: the
            colder, the surer the likeliest symbol. What is left at 0?"""
            return False

        class warm_at_zero:
            """Temperature 0 behaves like 1 here, as when `if temperature` skips it. It should take the
            likeliest symbol, every time."""

            def greedy(s):
                return False

            def scale(logits, s):
                return logits / (s.temperature or 1)

        def greedy__always(s):
            """The likeliest symbol comes every time. It should come most often, and the others as often
            as their shares say."""
            return True

        def likeliest__least(logits):
            """At temperature 0 the unlikeliest symbol comes. Which end of the ranking is asked for?"""
            return logits.argmin(dim=-1)

        def scale__none(logits, s):
            """The temperature changes nothing but at 0. Shares that are divided after the softmax keep
            their ratios, and only those count: it acts on the logits."""
            return logits

        def scale__multiplied(logits, s):
            """Hotter makes tamer here: the logits are multiplied by the temperature. A high one should
            bring them nearer to each other."""
            return logits * s.temperature

        def scale__negated(logits, s):
            """The unlikeliest symbols come most: the sign of the logits is turned round."""
            return -logits / s.temperature

        class temperature_last:
            """The temperature comes after top_p here, so the set that reaches p is that of temperature 1.
            First the temperature, then who may stay."""

            def scale(logits, s):
                return logits

            def keep_p(p, scores, s):
                return exercise_3_9.steps.keep_p(p, scores, s) ** (1 / s.temperature)

        def keep_k__ignored(scores, s):
            """top_k changes nothing: symbols beyond the k likeliest still come."""
            return scores

        def keep_k__one_more(scores, s):
            """One symbol too many stays: k + 1 are alive. Where does a slice end, and is the first rank
            0 or 1?"""
            return scores.scatter(
                -1, ranked(scores).indices[:, (s.top_k or len(scores[0])) + 1 :], -torch.inf
            )

        def keep_k__one_less(scores, s):
            """One symbol too few stays. Where does a slice end, and is the first rank 0 or 1?"""
            k = max(1, (s.top_k or len(scores[0]) + 1) - 1)
            return scores.scatter(-1, ranked(scores).indices[:, k:], -torch.inf)

        def keep_k__ties(scores, s):
            """Right until logits tie: all that equal the k-th stay, and more than k are alive. By rank,
            exactly k can stay."""
            least = ranked(scores).values[:, min(s.top_k or 99, scores.shape[-1]) - 1, None]
            return scores.masked_fill(scores < least, -torch.inf)

        def keep_k__strictly(scores, s):
            """The k-th symbol itself is gone: only those above it stay, and k - 1 are alive. With k = 1
            nothing is left."""
            if s.top_k is None:
                return scores
            least = ranked(scores).values[:, min(s.top_k, scores.shape[-1]) - 1, None]
            return scores.masked_fill(scores <= least, -torch.inf)

        def keep_k__unlikeliest(scores, s):
            """The k unlikeliest stay: the ranking runs the other way."""
            order = ranked(-scores).indices[:, s.top_k or scores.shape[-1] :]
            return scores.scatter(-1, order, -torch.inf)

        def keep_k__first_ids(scores, s):
            """The first k symbols of the alphabet stay, not the k likeliest: cut after ranking, and
            remember whose each place is."""
            scores = scores.clone()
            scores[:, s.top_k or scores.shape[-1] :] = -torch.inf
            return scores

        def keep_k__zeros(scores, s):
            """What top_k rules out gets the logit 0, and exp(0) is 1: it still comes. Which logit means
            never?"""
            order = ranked(scores).indices[:, s.top_k or scores.shape[-1] :]
            return scores.scatter(-1, order, 0.0)

        def keep_k__by_the_first_row(scores, s):
            """The first row says who stays in all rows. Each row has its own k likeliest."""
            if s.top_k is None:
                return scores
            least = ranked(scores).values[0, min(s.top_k, scores.shape[-1]) - 1]
            return scores.masked_fill(scores < least, -torch.inf)

        def keep_k__beyond_V(scores, s):
            """Right until k is larger than V: torch.topk cannot give more than there are. Then all
            symbols stay."""
            k = s.top_k or scores.shape[-1]
            places = scores.topk(k, dim=-1).indices
            return torch.full_like(scores, -torch.inf).scatter(
                -1, places, scores.gather(-1, places)
            )

        def share__over_rows(scores):
            """The softmax runs over the rows of the batch (axis 0). Each row is a die of its own."""
            return scores.softmax(dim=0)

        def share__overflow(scores):
            """Right on paper, but exp(1000) is infinite here. softmax takes the largest logit of each row
            away first."""
            return scores.exp() / scores.exp().sum(dim=-1, keepdim=True)

        def keep_p__ignored(p, scores, s):
            """top_p changes nothing: symbols beyond the smallest set still come."""
            return p

        def keep_p__crossing_lost(p, scores, s):
            """The symbol that crosses p is dropped, so the set stays below p. The smallest set *reaching*
            p: did it reach it?"""
            if s.top_p in (None, 1):
                return p
            return kept(p, ranked(p).values.cumsum(dim=-1) <= s.top_p)

        @like(keep_p__crossing_lost)
        def keep_p__crossing_lost_but_one(p, scores, s):
            if s.top_p in (None, 1):
                return p
            keep = ranked(p).values.cumsum(dim=-1) <= s.top_p
            keep[:, 0] = True
            return kept(p, keep)

        def keep_p__one_more(p, scores, s):
            """One symbol too many stays: the set had reached p without it. Shifted once already, a mask
            is not shifted again."""
            if s.top_p in (None, 1):
                return p
            keep = ranked(p).values.cumsum(dim=-1) - ranked(p).values < s.top_p
            return kept(p, torch.cat((keep[:, :1], keep[:, :-1]), dim=-1))

        def keep_p__in_the_order_of_ids(p, scores, s):
            """The running sum goes through the alphabet, not from the likeliest down: rank the symbols
            first, and remember whose each place is."""
            return p if s.top_p in (None, 1) else p * (p.cumsum(dim=-1) - p < s.top_p)

        def keep_p__unlikeliest_first(p, scores, s):
            """The running sum begins with the unlikeliest symbols, and they stay. The smallest set begins
            with the likeliest."""
            if s.top_p in (None, 1):
                return p
            values, order = p.sort(dim=-1)
            keep = values.cumsum(dim=-1) - values < s.top_p
            return p * torch.zeros_like(p).scatter(-1, order, keep.to(p.dtype))

        def keep_p__mask_not_sorted_back(p, scores, s):
            """Who may stay was found among ranked symbols, and then read as if they stood in the order of
            the alphabet. The mask has to go back to the places it came from."""
            if s.top_p in (None, 1):
                return p
            return p * (ranked(p).values.cumsum(dim=-1) - ranked(p).values < s.top_p)

        def keep_p__each_alone(p, scores, s):
            """Each symbol is asked for a probability of p by itself. It is the set that should reach p:
            add up from the likeliest on."""
            return p if s.top_p in (None, 1) else p * (p >= s.top_p)

        def keep_p__min_p(p, scores, s):
            """Who has at least p times the probability of the likeliest stays: that is min-p, another
            way. Here the sum of those that stay should reach p."""
            return p * (p >= (s.top_p or 0) * p.amax(dim=-1, keepdim=True)) if s.top_p != 1 else p

        def keep_p__of_the_logits(p, scores, s):
            """The running sum adds up logits, so it changes when 5 is added to all of them, and the
            softmax does not. Add up probabilities."""
            if s.top_p in (None, 1):
                return p
            order = ranked(p).values.log()
            scored = order + scores.logsumexp(dim=-1, keepdim=True)
            keep = scored.cumsum(dim=-1) - scored < s.top_p
            return kept(p, keep)

        class top_p_of_all:
            """top_p counts the probabilities of all symbols, also of those that top_k has ruled out. Of
            what top_k leaves, the probabilities should sum to 1 again before top_p looks."""

            def keep_k(scores, s):
                return scores

            def keep_p(p, scores, s):
                steps = exercise_3_9.steps
                few = kept(p, torch.arange(p.shape[-1]).expand_as(p) < (s.top_k or p.shape[-1]))
                return steps.keep_p(p, scores, s) * (few > 0)

        def back__ranks(p):
            """These are ranks, not symbols: 0 stands for the likeliest. After sorting, somebody has to
            remember which symbol stood at each rank."""
            return ranked(p).values

        def throw__evenly(p, generator):
            """Those that stay come equally often, whatever their probabilities. They should load the
            dice."""
            return torch.multinomial((p > 0).to(p.dtype), 1, generator=generator)

        def throw__once(p, generator):
            """Rows with equal logits show the same symbol: one number was thrown for the whole batch.
            Every row needs a throw of its own."""
            u = torch.rand(1, generator=generator) * p.sum(dim=-1, keepdim=True)
            return (p.cumsum(dim=-1) < u)[:, :-1].sum(dim=-1, keepdim=True)

        def throw__first_row_only(p, generator):
            """One symbol was drawn, from the first row, and stands for all rows. Every row of logits is a
            die of its own, with its own throw."""
            return torch.multinomial(p[:1], 1, generator=generator).expand(len(p), 1)

        def throw__seeded(p, generator):
            """Every call draws the same symbols. Is a seed set inside the function? A generated text
            would go round in a circle."""
            torch.default_generator.manual_seed(1337)
            return torch.multinomial(p, 1, generator=generator)

        def throw__without_generator(p, generator):
            """The generator that is given changes nothing: two calls with the same seed give other
            symbols. Whoever throws needs it, or a text cannot be had twice."""
            return torch.multinomial(p, 1)

        def give__from_one(ids):
            """The ids count from 1 here, so the last one is no symbol. As everywhere, the first symbol
            has the id 0."""
            return ids[:, 0] + 1

        def give__column(ids):
            """The symbols stand in a column, (B, 1). One id a row is asked for: the shape is (B,)."""
            return ids

        def give__first_row(ids):
            """Only the draw of the first row is returned. One id a row is asked for: (B,)."""
            return ids[0]

        def give__number(ids):
            """A plain number came, or none where there are two rows. The answer is a tensor with an id
            for each row."""
            return ids.item()

        def give__floats(ids):
            """These are floats, and an id is a whole number: that of the symbol which came up."""
            return ids[:, 0].double()
