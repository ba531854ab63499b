"""Checks of day2/ladder.py. What each part is for stands in study/naming.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F

ALMOST = 1e-9


def squared(x):
    return x * x


def running_sum(x):
    return x.cumsum(dim=1)


def mean_removed(x):
    return x - x.mean(dim=-1, keepdim=True)


def halved(x):
    return x / 2


def layer_norm(x):
    return F.layer_norm(x, x.shape[-1:])


def unchanged(x):
    return x


def one_more(x):
    return x + 1


def apart(a, b):
    return np.abs(a - b).max() > ALMOST


def raw(x, norm):
    return x


def normed(x, norm):
    return norm(x)


class exercise_2_9:
    title = "a residual, pre-norm and post-norm"
    minutes = 10
    hints = (
        (
            "Let the branch say nothing but zeros. In one of the two orders the stream must come out "
            "as it went in; in the other it comes out normed. Which is which?"
        ),
        (
            "In both orders something is added to the stream as it came. Pre and post say where the "
            "norm stands: before the branch, in front of its ears alone, or after the sum."
        ),
        (
            "branch and norm are called like any function: branch(norm(x)) norms first. Give x itself "
            "no other value, for the sum needs it once more. What is neither order is refused."
        ),
        (
            "Pre-norm is x plus branch(norm(x)). Post-norm is the norm of x plus branch(x). Two times "
            "`if order == ...: return ...`, and then raise ValueError."
        ),
    )

    def calls(rng):
        x = np.array([[[1.0, 3], [2, 0]]])
        yield "residual", x, squared, mean_removed
        yield "residual", x, squared, mean_removed, "post"
        yield "residual", x + 1, running_sum, halved, "pre"
        yield "residual", x + 1, running_sum, halved, "post"
        for order in ("pre", "post"):
            yield "residual", rng.normal(size=(2, 3, 4)), squared, layer_norm, order
            yield "residual", rng.normal(size=(2, 3, 4)), torch.tanh, unchanged, order

    def random_call(rng):
        branch = (squared, running_sum, torch.tanh)[rng.integers(3)]
        norm = (mean_removed, halved, layer_norm)[rng.integers(3)]
        order = ((), ("pre",), ("post",), ("post",))[rng.integers(4)]
        return "residual", rng.normal(size=rng.integers(1, 6, size=3)), branch, norm, *order

    def refusals(rng):
        for order in ("sandwich", None):
            yield "residual", rng.normal(size=(2, 3, 4)), squared, halved, order

    class steps:
        def chosen(order):
            return order

        pre_read = normed
        post_read = raw

        def ask(branch, read):
            return branch(read)

        pre_said = raw
        post_said = raw
        pre_carried = raw
        post_carried = raw

        def add(carried, said):
            return carried + said

        pre_finish = raw
        post_finish = normed

    def whole(steps):
        def residual(x, branch, norm, order="pre"):
            order = steps.chosen(order)
            read, say, carry, finish = (
                getattr(steps, f"{order}_{part}") for part in ("read", "said", "carried", "finish")
            )
            said = say(steps.ask(branch, read(x, norm)), norm)
            return finish(steps.add(carry(x, norm), said), norm)

        return {"residual": residual}

    class properties:
        def a_silent_branch_changes_nothing(f, result, x, branch, norm, order="pre"):
            if order == "pre" and apart(f.residual(x, torch.zeros_like, norm, order), x):
                return "Where the branch says 0, pre-norm must give x back, and here it does not."

        def pre_norms_what_the_branch_reads(f, result, x, branch, norm, order="pre"):
            if order == "pre" and apart(f.residual(x, one_more, torch.zeros_like, order), x + 1):
                return "With a norm that gives 0, pre-norm must add what the branch says of 0 to x."

        def post_norms_last(f, result, x, branch, norm, order="pre"):
            if order == "post" and apart(f.residual(x, branch, torch.zeros_like, order), 0):
                return "A norm that gives 0 must leave 0 in post-norm, for it comes last."

        def without_a_norm_both_are_a_sum(f, result, x, branch, norm, order="pre"):
            if apart(f.residual(x, squared, unchanged, order), x + x * x):
                return (
                    "With a norm that changes nothing, the result is not x plus the branch's word."
                )

    class slips:
        def chosen__turned(order):
            """The two orders are swapped here. Pre says that the norm comes before the branch, post
            that it comes after the sum."""
            return {"pre": "post", "post": "pre"}[order]

        def chosen__always_pre(order):
            """This is pre-norm, whatever `order` says. In which place does post-norm have its
            norm?"""
            return "pre"

        def chosen__always_post(order):
            """This is post-norm, whatever `order` says. In which place does pre-norm have its
            norm?"""
            return "post"

        class never_normed:
            """This is the bare sum in both orders: the norm is not called at all."""

            pre_read = raw
            post_finish = raw

        class always_the_word_normed:
            """In both orders the norm stands on what the branch says here. In pre-norm it belongs
            before the branch, in post-norm after the sum."""

            pre_read = raw
            pre_said = normed
            post_said = normed
            post_finish = raw

        def pre_read__bare(x, norm):
            """Nothing is normed in pre-norm here: the branch reads x as it is. What should it read
            instead?"""
            return x

        def pre_carried__normed(x, norm):
            """In pre-norm the branch's word is added to norm(x) here, so x itself is lost. The norm
            is for the branch's ears alone. Was x given another value on the way?"""
            return norm(x)

        class normed_on_the_wrong_path:
            """In pre-norm the stream is normed here, and the branch reads it raw. It should be the
            other way round: the stream stays as it came."""

            pre_read = raw
            pre_carried = normed

        class normed_behind_the_branch:
            """In pre-norm the norm stands behind the branch here, on what it says. Pre means before:
            what should be normed is what it reads."""

            pre_read = raw
            pre_said = normed

        def pre_finish__normed(total, norm):
            """There are two norms in pre-norm here, one before the branch and one after the sum. The
            second belongs to post-norm; in pre-norm the stream flows on as it is."""
            return norm(total)

        def post_read__normed(x, norm):
            """There are two norms in post-norm here, one before the branch and one after the sum.
            The first belongs to pre-norm."""
            return norm(x)

        def post_finish__bare(total, norm):
            """Nothing is normed in post-norm here: this is the bare sum."""
            return total

        class only_the_word_normed:
            """In post-norm only what the branch says is normed here, and x is added afterwards. Post
            means after the sum."""

            post_said = normed
            post_finish = raw

        class only_the_stream_normed:
            """In post-norm only x is normed here, before the branch's word is added to it. Post
            means after the sum."""

            post_carried = normed
            post_finish = raw

        def ask__twice(branch, read):
            """The branch was asked twice here, the second time about its own answer."""
            return branch(branch(read))

        def add__nothing(carried, said):
            """This is the branch's word alone: a branch that says 0 would wipe out the stream. To
            what should it be added?"""
            return said

        def add__doubled(carried, said):
            """The stream is in here twice: with a branch that says 0, twice x would come out."""
            return carried + carried + said

        def add__product(carried, said):
            """The stream was multiplied by what the branch says: a branch that says 0 would wipe it
            out. A branch adds its word."""
            return carried * said


def of_generators(f):
    """Whether an equal generator repeats the zeros, another one differs, a further call differs."""
    runs, x = [], torch.ones(8)
    for shared, seed in ((1, 7), (2, 7), (3, 8)):
        torch.default_generator.manual_seed(shared)  # manual_seed looks for other devices, too
        own = torch.Generator().manual_seed(seed)
        runs.append(torch.stack([f.dropout(x, 0.5, own) for _ in range(12)]))
    first, again, other = runs
    differ = torch.equal(first, again), not torch.equal(first, other), (first != first[0]).any()
    return torch.tensor(differ)


class InputChanged(ValueError):
    """There is a 0 in x, and what becomes of a 0 cannot be seen."""


class exercise_2_10:
    title = "dropout"
    minutes = 15
    returns = (
        "kept numbers",
        "share of zeros",
        "zeros differ over calls, copies, axes",
        "their number varies",
        "generator repeats, differs, goes on",
        "type of x",
        "0 or kept",
    )
    hints = (
        (
            "Take a thousand ones and one half: how many zeros come out, how large is the rest, and "
            "what is the average of them all? It should still be 1. Then take a quarter."
        ),
        (
            "Each number has a throw of its own, and is lost if the throw falls below p. If a fifth of "
            "all is lost, the rest must make up for it: by how much do four fifths have to grow?"
        ),
        (
            "torch.rand gives a throw between 0 and 1 for every place of x; pass the generator on. A "
            "comparison with p is a mask of True and False, and x times a mask keeps its type."
        ),
        (
            "kept = torch.rand(x.shape, generator=generator) >= p. Return x * kept / (1 - p), after "
            "raise ValueError for a p that is not in 0 <= p < 1."
        ),
    )
    advice = (
        (
            r"same dtype|destination dtypes|scalar type",
            "Floats of 32 bits met floats of 64: torch.zeros and torch.rand make 32, unless told.",
        ),
        (r"with a bool tensor", "A mask of True and False is turned round by ~mask."),
    )

    def calls(rng):
        yield "dropout", np.array([[1.0, 2, 3], [4, 5, -6]]), 0.5
        yield "dropout", np.array([[1.0, 2, 3], [4, 5, -6]]), 0.2
        yield "dropout", np.array([[1.0, 2], [3, 4], [-5, 8]]), 0.6
        yield "dropout", np.array([1.0, 2, 3, 4]), 0.0
        yield "dropout", np.array([[1, 2, 4], [8, -1, -2]], np.float32), 0.5
        yield "dropout", rng.normal(size=(2, 3, 4)), 0.2
        yield "dropout", rng.normal(size=(2, 2, 3, 2)), 0.5
        yield "dropout", rng.normal(size=(8, 5, 10)), 0.5  # so many that the share is exact

    def random_call(rng):
        shape = rng.integers(2, 5, size=rng.integers(3))
        return "dropout", rng.normal(size=(*shape, 3)), float(rng.choice([0.3, 0.5, 0.6]))

    def refusals(rng):
        for p in (1.0, -0.1, 1.5):
            yield "dropout", rng.normal(size=(2, 3)), p

    drawn = True

    def reading(f, result, x, p, generator=None):
        """What is certain of zeros that fall by chance, in twenty calls with copies of x: what
        becomes of a number that is kept, how many are lost, and whether each falls alone.
        """
        if result is None:
            return None
        if not x.all():
            raise InputChanged  # or an example that was made smaller: nobody looks at that
        copies = x.expand(2 + 120 // x.numel(), *x.shape)
        outs = [f.dropout(copies.clone(), p) for _ in range(20)]
        if not all(map(torch.is_tensor, (result, *outs))):
            raise TypeError("dropout must return a tensor")
        if all(out.ndim == 1 and out.numel() < copies.numel() for out in outs):
            raise ValueError("dropout returns a row of fewer numbers than x has")
        if result.shape != x.shape or any(out.shape != copies.shape for out in outs):
            raise ValueError("dropout must return a number for each of x, in the shape of x")
        times, own = torch.stack(outs) / x, result / x  # (calls, copies, *x.shape)
        lost, grown = times == 0, times.flatten()[times.abs().argmax()]
        clean = (lost | torch.isclose(times, grown)).all()
        clean &= ((own == 0) | torch.isclose(own, grown)).all()
        differ = [(lost != lost.narrow(axis, 0, 1)).any() for axis in range(lost.ndim)]
        throws = math.prod(n for n, d in zip(lost.shape, differ, strict=True) if d)
        share = lost.double().mean().item()
        for known in (p, 1 - p, torch.special.ndtr(torch.tensor(p)).item()):
            if abs(share - known) < 6 * math.sqrt(known * (1 - known) / throws) + 1e-6:
                share = known
                break
        counts = lost.flatten(1).sum(dim=1)
        return (
            x * torch.where(clean, grown, torch.where(grown.isfinite(), 0, grown.abs())),
            torch.tensor(share, dtype=torch.float64),
            torch.stack(differ) & (p > 0),
            (counts != counts[0]).any() & (p > 0),
            of_generators(f),
            torch.tensor(result.dtype == x.dtype),
            clean,
        )

    class steps:
        def draw(x, generator):
            return torch.rand(x.shape, generator=generator)

        def keep(thrown, p):
            return thrown >= p

        def grow(x, p):
            return x / (1 - p)

        def give(grown, kept):
            return grown * kept

    def whole(steps):
        def dropout(x, p, generator=None):
            return steps.give(steps.grow(x, p), steps.keep(steps.draw(x, generator), p))

        return {"dropout": dropout}

    class properties:
        def a_number_is_lost_or_kept(f, result, x, p, generator=None):
            if not result[6]:
                return "A number comes out that is neither 0 nor x times the factor of the others."

        def the_mean_stays(f, result, x, p, generator=None):
            grown = result[0].flat[0] / x.flat[0]
            if abs(grown - 1 / (1 - p)) > 1e-6:
                return f"With p = {p}, what is kept is multiplied by {grown:.3g}: the mean moves."

        def the_share_is_p(f, result, x, p, generator=None):
            if result[1] != p:
                return f"Of all numbers {result[1]:.0%} are lost, where p is {p}."

        def chance_comes_in(f, result, x, p, generator=None):
            if p and not result[2][0]:
                return "One call after the other loses the same numbers."

        def each_has_its_own_throw(f, result, x, p, generator=None):
            names = [*(f"axis {axis}" for axis in range(x.ndim)), "the axis of the sequences"]
            differ = np.roll(result[2][1:], -1)
            for where, size, one in zip(names, (*x.shape, 2), differ, strict=True):
                if p and size > 1 and not one:
                    return f"Along {where} all numbers are lost together, or none."

        def their_number_is_chance_too(f, result, x, p, generator=None):
            if p and not result[3]:
                return "Every call loses equally many. If each has its own throw, that varies."

        def the_generator_is_obeyed(f, result, x, p, generator=None):
            repeats, differs, goes_on = result[4]
            if not repeats:
                return "Generators with equal seeds give different zeros."
            if not (differs and goes_on):
                return "Another generator, or a second call with the same, gives the same zeros."

        def the_type_stays(f, result, x, p, generator=None):
            if not result[5]:
                return "The result has another type than x."

    class slips:
        def draw__once(x, generator):
            """All numbers are lost together, or none: there was one throw for the whole of x. Each
            number needs its own."""
            return torch.rand(1, generator=generator)

        def draw__for_a_row(x, generator):
            """All channels of a position are lost together, or none: there was one throw for the
            last axis. Each number needs its own."""
            return torch.rand(*x.shape[:-1], 1, generator=generator)

        def draw__for_a_channel(x, generator):
            """A channel is lost at every position at once, or at none: there was one throw for each
            place on the last axis. Each number needs its own."""
            return torch.rand(x.shape[-1], generator=generator)

        def draw__for_all_sequences(x, generator):
            """What is lost is the same all along the first axis: every sequence got the same throws.
            Each number needs its own."""
            return torch.rand(x.shape[1:], generator=generator)

        def draw__normal(x, generator):
            """The share of zeros is not p: it is what a bell curve has below p. For a throw that lies
            below p with the chance p, all values from 0 to 1 must be equally likely."""
            return torch.randn(x.shape, generator=generator)

        def draw__seeded(x, generator):
            """Without a generator, every call loses the same numbers. Is a seed set inside the
            function? The rest of the network would see the same gaps for ever."""
            torch.default_generator.manual_seed(1337)
            return torch.rand(x.shape, generator=generator)

        def draw__from_a_generator_of_its_own(x, generator):
            """Every call loses the same numbers, and the generator that is given changes nothing. Is
            another one made inside the function?"""
            return torch.rand(x.shape, generator=torch.Generator().manual_seed(1337))

        def draw__without_generator(x, generator):
            """The generator that is given changes nothing: equal seeds give different zeros. Whoever
            makes the throws needs it, or a run cannot be repeated."""
            return torch.rand(x.shape)

        def draw__from_the_start(x, generator):
            """A generator gives the same zeros at every call, as if it began anew. It must go on from
            where it stands: is its seed set again?"""
            again = generator and torch.Generator().manual_seed(generator.initial_seed())
            return torch.rand(x.shape, generator=again)

        def keep__turned(thrown, p):
            """The share of zeros is 1 - p: what should be lost is kept, and the other way round. How
            likely is a throw below p?"""
            return thrown < p

        def keep__equally_many_cut(thrown, p):
            """Every call loses equally many numbers. Where each has a throw of its own, it is
            sometimes one more and sometimes one less; only the mean is sure."""
            return thrown.flatten().argsort().argsort().view(thrown.shape) >= int(
                p * thrown.numel()
            )

        def keep__equally_many(thrown, p):
            """Every call loses equally many numbers. Where each has a throw of its own, it is
            sometimes one more and sometimes one less; only the mean is sure."""
            lost = round(p * thrown.numel())
            return thrown.flatten().argsort().argsort().view(thrown.shape) >= lost

        def keep__not_decided(thrown, p):
            """Every number is changed by chance here, and none becomes 0. A throw should only decide
            whether a number stays: a comparison makes True or False of it."""
            return thrown

        def grow__none(x, p):
            """What is kept comes out as it went in. With a share of p lost, the mean shrinks, and
            without dropout the next layer would meet larger numbers than it has learned from."""
            return x

        def grow__shrunk(x, p):
            """What is kept was multiplied by 1 - p, so the mean shrinks twice: by what is lost, and
            by this. What is kept must make up for what is lost."""
            return x * (1 - p)

        def grow__times_p(x, p):
            """What is kept was multiplied by p, and gets smaller. It must grow, to make up for what
            is lost: by how much, if a share of 1 - p is left?"""
            return x * p

        def grow__by_p(x, p):
            """What is kept was divided by p, the share that is lost. Which share is left, to carry
            the whole?"""
            return x / p

        def grow__by_p_first(x, p):
            """What is kept was divided by p, the share that is lost. Which share is left, to carry
            the whole?"""
            return x * (1 / p)

        def dropout__brackets(x, p, generator=None):
            """p was taken from every number: / binds more tightly than -. Brackets around 1 - p are
            missing."""
            return x * (torch.rand(x.shape, generator=generator) >= p) / 1 - p

        class p_of_keeping:
            """Here p is the chance that a number is kept, and all is right for that. In this book, as
            in PyTorch, p is the chance that it is lost."""

            def keep(thrown, p):
                return thrown < p

            def grow(x, p):
                return x / p

        class all_shrunk:
            """Nothing is lost: all of x was multiplied by 1 - p. That is done after training, if
            nothing grew in training. Here it does: some numbers become 0, and the rest grow."""

            def keep(thrown, p):
                return 1 - p

            def grow(x, p):
                return x

        def give__32_bits(grown, kept):
            """The numbers are right, but have become floats of 32 bits. The result should have the
            type of x."""
            return (grown * kept).float()

        def give__only_the_kept(grown, kept):
            """What is lost was taken out, so fewer numbers come back. The others must stay in their
            places: a lost one becomes 0."""
            return grown[kept]

        def give__never(grown, kept):
            """What is lost became -inf. That is for scores, before a softmax; in a stream the number
            that says nothing is 0."""
            return grown.masked_fill(~kept, -torch.inf)
