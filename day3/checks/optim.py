"""Checks of day3/optim.py. What each part is for stands in study/naming.py."""

import math

import numpy as np
import torch

from optim import AdamW  # noqa: F401  its step is called on it

LINEAR, COSINE, STEP = "warmup_linear", "warmup_cosine", "AdamW.step"


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


def both(known, **steps):
    """The slip of a sentence that two functions share, made in both."""
    return type("both", (), {"__doc__": known.__doc__} | steps)


class exercise_3_10:
    title = "warm-up, and two ways down"
    minutes = 20
    advice = (
        (
            r"ZeroDivisionError",
            "In a short run 2 % of the steps round to none, or one step alone is left: never divide by 0.",
        ),
        (r"math domain|must be real number", "math.cos takes one number, in radians."),
    )
    hints = (
        (
            "Write down the shares of a run of fifty steps by hand: the first, the last of the way up, the "
            "middle, the last of all. Then a run of three steps. Is anything above 1, or 0 at the start?"
        ),
        (
            "Each way is a fraction of what is to be gone. On the way up, the first step is one part already. "
            "For the cosine, count from the end of the way up, so that the last step has gone all of it."
        ),
        (
            "ahead = max(1, round(warmup * steps)). Up: (step + 1) / ahead. Straight down: what is left, over "
            "decay * steps; min joins them. Cosine: math.cos runs from 1 at 0 to -1 at math.pi."
        ),
        (
            "min(1.0, up, (steps - step) / (decay * steps)). Cosine: done = (step - ahead) / max(1, steps - 1 "
            "- ahead), then floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2."
        ),
    )

    def calls(rng):
        for step in (0, 1, 2, 9, 10, 49, 59, 75, 98, 99):
            yield LINEAR, step, 100
            yield COSINE, step, 100
        for step in (0, 4, 7, 8, 15, 16, 29, 39):
            yield LINEAR, step, 40, 0.2, 0.5
            yield COSINE, step, 40, 0.2, 0.0
        for step in (0, 1, 2):
            yield LINEAR, step, 3
            yield COSINE, step, 3
        for warmup in (0.04, 0.035):  # 2.8 and 2.45 steps
            yield LINEAR, 1, 70, warmup
            yield COSINE, 1, 70, warmup
        yield LINEAR, 0, 1
        yield COSINE, 0, 1
        yield COSINE, 1, 2
        yield LINEAR, 30, 70, 0.5, 0.9  # up and down meet below 1
        yield COSINE, 30, 70, 0.5, 0.3

    def random_call(rng):
        steps = int(rng.integers(1, 200))
        step = int(rng.integers(steps))
        warmup = float(rng.choice([0.0, 0.02, 0.1, 0.3]))
        if abs(warmup * steps % 1 - 0.5) < 1e-6:  # rounded either way
            steps += 1
        if rng.random() < 0.5:
            return LINEAR, step, steps, warmup, float(rng.uniform(0.1, 1))
        return COSINE, step, steps, warmup, float(rng.uniform(0, 1))

    class steps:
        def parts(warmup, steps):
            return max(1, round(warmup * steps))

        def up(step, parts, steps):
            return (step + 1) / parts

        def down(step, steps, decay):
            return (steps - step) / (decay * steps)

        def join(up, down):
            return min(1.0, up, down)

        def climb(step, parts, steps):
            return (step + 1) / parts

        def climbs(step, parts):
            return step < parts

        def done(step, parts, steps):
            return (step - parts) / max(1, steps - 1 - parts)

        def wave(done):
            return (1 + math.cos(math.pi * done)) / 2

        def lift(wave, floor):
            return floor + (1 - floor) * wave

        def finish(share):
            return share

    def whole(steps):
        def warmup_linear(step, steps_, warmup=0.02, decay=0.8):
            parts = steps.parts(warmup, steps_)
            up, down = steps.up(step, parts, steps_), steps.down(step, steps_, decay)
            return steps.finish(steps.join(up, down))

        def warmup_cosine(step, steps_, warmup=0.02, floor=0.1):
            parts = steps.parts(warmup, steps_)
            if steps.climbs(step, parts):
                return steps.finish(steps.climb(step, parts, steps_))
            return steps.finish(steps.lift(steps.wave(steps.done(step, parts, steps_)), floor))

        return {LINEAR: warmup_linear, COSINE: warmup_cosine}

    class properties:
        def shares_are_between_0_and_1(f, result, step, steps, *settings):
            if not 0 <= result <= 1 + 1e-12:
                return f"At step {step} of {steps} the share is {result:.4g}: from 0 to 1 it should be."

        def the_first_step_is_one_part(f, result, step, steps, warmup=0.02, *settings):
            parts = max(1, round(warmup * steps))
            if step == 0 and parts > 1 and abs(result - 1 / parts) > 1e-9:
                return f"The way up has {parts} parts, and the first step has {result:.4g}, not 1 / {parts}."

        def warmup_cosine__the_last_step_has_the_floor(
            f, result, step, steps, warmup=0.02, floor=0.1
        ):
            left = steps - 1 - max(1, round(warmup * steps))
            if step == steps - 1 and left > 0 and abs(result - floor) > 1e-9:
                return f"The last step has the share {result:.4g}, not the floor, {floor:.4g}."

        def warmup_cosine__in_the_middle_half(f, result, step, steps, warmup=0.02, floor=0.1):
            parts = max(1, round(warmup * steps))
            middle, half = (parts + steps - 1) / 2, (1 + floor) / 2
            found = f.warmup_cosine(int(middle), steps, warmup, floor)
            if middle == int(middle) and parts < middle and abs(found - half) > 1e-9:
                return (
                    f"In the middle of the way down, at step {int(middle)} of {steps}, the share is "
                    f"{found:.4g}, not {half:.4g}."
                )

        def warmup_linear__the_last_step_has_one_part(
            f, result, step, steps, warmup=0.02, decay=0.8
        ):
            last = min(1, 1 / (decay * steps))
            if step == steps - 1 and steps > 3 and abs(result - last) > 1e-9:
                return f"The last step has the share {result:.4g}; one part of the way down is {last:.4g}."

        def warmup_linear__then_it_never_rises(f, result, step, steps, warmup=0.02, decay=0.8):
            after = max(1, round(warmup * steps)) <= step < steps - 1
            if after and (then := f.warmup_linear(step + 1, steps, warmup, decay)) > result + 1e-9:
                return (
                    f"After the way up, it rises: from {result:.4g} at step {step} to {then:.4g}."
                )

        def warmup_cosine__then_it_never_rises(f, result, step, steps, warmup=0.02, floor=0.1):
            after = max(1, round(warmup * steps)) <= step < steps - 1
            if after and (then := f.warmup_cosine(step + 1, steps, warmup, floor)) > result + 1e-9:
                return (
                    f"After the way up, it rises: from {result:.4g} at step {step} to {then:.4g}."
                )

    class accepts:
        def finish__in_32_bits(share):
            """Right to seven digits, as after floats of 32 bits. That is enough for a learning rate; math.cos
            works in 64."""
            return torch.tensor(share, dtype=torch.float32)

    class slips:
        def parts__a_number_of_steps(warmup, steps):
            """`warmup` was taken for a number of steps. It is a share of the run: 0.02 of 100 steps are
            two."""
            return max(1, warmup)

        def parts__maybe_none(warmup, steps):
            """Right until the run is short: 2 % of three steps round to none, and then there is no way
            up. At least one step it should have."""
            return round(warmup * steps)

        def parts__rounded_down(warmup, steps):
            """Right but for the rounding: the way up takes the nearest whole number of steps, not the one
            below."""
            return max(1, int(warmup * steps))

        def parts__rounded_up(warmup, steps):
            """Right but for the rounding: the way up takes the nearest whole number of steps, not the one
            above."""
            return max(1, math.ceil(warmup * steps))

        def parts__not_rounded(warmup, steps):
            """Right but for the rounding: 4 % of 70 steps are 2.8. The way up takes a whole number of
            steps, the nearest one."""
            return max(1, warmup * steps)

        def up__from_zero(step, parts, steps):
            """The first step has the share 0: it costs as much as any other, and moves nothing. Steps
            count from 0, shares from one part."""
            return step / parts

        @like(up__from_zero)
        def climb__from_zero(step, parts, steps):
            return step / parts

        from_zero = both(up__from_zero, up=up__from_zero, climb=climb__from_zero)

        def up__over_the_run(step, parts, steps):
            """The way up takes the whole run: it is divided by all steps. How many are for warming
            up?"""
            return (step + 1) / steps

        @like(up__over_the_run)
        def climb__over_the_run(step, parts, steps):
            return (step + 1) / steps

        over_the_run = both(up__over_the_run, up=up__over_the_run, climb=climb__over_the_run)

        def up__none(step, parts, steps):
            """There is no way up: the first step has the full share. The averages of the optimiser know
            nothing then, and a full step goes anywhere."""
            return 1.0

        @like(up__none)
        def climb__none(step, parts, steps):
            return 1.0

        def climbs__never(step, parts):
            """The cosine is used on the way up as well: a share near 1, where the first step should have
            one part. Which steps belong to the warm-up?"""
            return False

        no_way_up = both(up__none, up=up__none, climb=climb__none)

        def down__over_the_run(step, steps, decay):
            """The straight line goes down over the whole run, whatever `decay` says. Over which share of
            it should it fall?"""
            return (steps - step) / steps

        def down__from_decay_on(step, steps, decay):
            """`decay` was taken for where the fall begins. It is how long it takes: the last 80 % of the
            run, not the last 20 %."""
            return (steps - step) / ((1 - decay) * steps) if decay < 1 else 1.0

        def down__to_zero(step, steps, decay):
            """The last step has the share 0: it costs as much as any other, and moves nothing. 0 is where
            the step after the last would be."""
            return (steps - 1 - step) / (decay * steps)

        def down__none(step, steps, decay):
            """The share stays at 1 after the way up. Towards the end it should go down in a straight
            line."""
            return 1.0

        def down__rising(step, steps, decay):
            """What is gone was counted, not what is left: the line rises towards the end."""
            return (step + 1) / (decay * steps)

        def join__no_ceiling(up, down):
            """Between the way up and the way down the share goes above 1. It is at most 1."""
            return min(up, down)

        def join__largest(up, down):
            """The larger of the two ways counts here, so the share is 1 or more at the start. The smaller
            one should."""
            return max(1.0, up, down)

        def join__product(up, down):
            """Both ways were multiplied. Where they meet, the smaller one counts."""
            return min(1.0, up) * min(1.0, down)

        def join__up_alone_at_first(up, down):
            """On the way up, the way down is not looked at. Where the two overlap, after a long warm-up,
            the smaller counts."""
            return up if up <= 1 else min(1.0, down)

        def climbs__one_more(step, parts):
            """The way up takes one step too many, and the share goes above 1. Steps count from 0: which
            is the last of so many?"""
            return step <= parts

        def done__of_the_whole_run(step, parts, steps):
            """The cosine began with step 0, so it is on its way when the way up ends, and the share jumps.
            Count its steps from the end of the way up."""
            return step / max(1, steps - 1)

        def done__never_all(step, parts, steps):
            """The floor comes one step too late, as in nanoGPT: after the last step. The last step itself
            should have gone the whole way."""
            return (step - parts) / max(1, steps - parts)

        def done__over_all_steps(step, parts, steps):
            """The way down was divided by all steps, so the floor is never reached. How many steps are
            left after the way up?"""
            return (step - parts) / max(1, steps - 1)

        def done__one_further(step, parts, steps):
            """The step after the way up is on its way down already. It has gone nothing yet, and the last
            has gone all."""
            return (step - parts + 1) / max(1, steps - parts)

        def done__by_zero(step, parts, steps):
            """Right, but where one step alone is left after the way up, nothing is left to divide by. That
            step has 1."""
            return (step - parts) / (steps - 1 - parts)

        def wave__whole(done):
            """A whole cosine comes here: down in the first half, and up again. Half of it is asked for,
            from 0 to pi."""
            return (1 + math.cos(2 * math.pi * done)) / 2

        def wave__quarter(done):
            """A quarter of a cosine comes here, from 1 to 0, and falls fastest at the end. Half a cosine
            falls from 1 to -1: raise it and halve it."""
            return math.cos(math.pi * done / 2)

        def wave__not_raised(done):
            """The cosine goes down to -1 here, and the share below the floor. Raise it by 1, halve
            it."""
            return math.cos(math.pi * done)

        def wave__not_halved(done):
            """1 + cos begins at 2, so the share begins near 2. What makes it run from 1 to 0?"""
            return 1 + math.cos(math.pi * done)

        def wave__rising(done):
            """The way down goes up: 1 - cos is 0 at the start."""
            return (1 - math.cos(math.pi * done)) / 2

        def wave__straight(done):
            """This is a straight line down to the floor. Half a cosine is asked for, which leaves slowly
            and arrives slowly."""
            return 1 - done

        def wave__degrees(done):
            """The cosine was asked in degrees, and takes radians: half a turn is pi."""
            return (1 + math.cos(180 * done)) / 2

        def lift__no_floor(wave, floor):
            """The way down ends at 0. It should end at the floor, a tenth if nothing else is said."""
            return wave

        def lift__added(wave, floor):
            """The floor was added to a way from 1 to 0, so the share begins above 1. The way goes from 1
            to the floor: how long is it?"""
            return floor + wave

        def lift__cut(wave, floor):
            """The way goes to 0, and is cut off at the floor: the last steps are all alike. The cosine
            itself should end there."""
            return max(floor, wave)

        def lift__times(wave, floor):
            """The way down was multiplied by the floor. It goes from 1 to the floor."""
            return floor * wave


class Once:
    """Parameters that can be gone through once, as those of a model."""

    def __init__(self, parameters):
        self.all, self.left = parameters, iter(parameters)

    def __iter__(self):
        return self.left


def joined(tensors):
    """All numbers of several tensors in a row."""
    return torch.cat([t.detach().flatten() for t in tensors])


class exercise_3_11:
    title = "a ceiling for the gradient"
    minutes = 20
    returns = ("weights", "gradients afterwards", "norm")
    advice = (
        (
            r"NoneType",
            "Some parameters have no gradient, and None cannot be measured: pass them over.",
        ),
        (
            r"has no len|not subscriptable|not reversible",
            "model.parameters() can only be gone through: make a list of it first.",
        ),
        (
            r"non-empty|non-zero number of",
            "A second way through the parameters finds none: make a list of them first.",
        ),
    )
    hints = (
        (
            "Take two gradients, 3 and 4, of two parameters, and ceilings of 10, 5 and 1. What is their norm, and "
            "what should be left of each? Does the ratio of the two stay?"
        ),
        (
            "All gradients are one long vector, and only its length is looked at. If it is too long, one factor "
            "shrinks them all, so that the direction stays. If not, nothing is touched."
        ),
        (
            "A list of p.grad, where it is not None. The norm: the root of the sum of all squares, or the norm of "
            "the norms. mul_ changes a gradient in place. .item() makes a float of a tensor."
        ),
        (
            "norm = torch.stack([g.norm() for g in gradients]).norm(); if norm > ceiling: for g in gradients: "
            "g.mul_(ceiling / (norm + 1e-6)); return norm.item()."
        ),
    )

    def calls(rng):
        """The gradients of several parameters; None for one that has none."""
        name = "clip_gradients"
        yield name, (np.array([3.0]), np.array([4.0])), 1.0
        yield name, (np.array([3.0]), np.array([4.0])), 10.0
        yield name, (np.array([[1.0, 2], [4, 2]]), None, np.array([-6.0, 4, 2])), 3.0
        yield name, (np.array([[0.1, -0.2, 0.3]]), np.array([0.4, 0.2])), 2.0
        yield name, (rng.normal(size=(3, 4)), rng.normal(size=5), rng.normal(size=(2, 3))), 1.5
        yield name, (1000 * rng.normal(size=(3, 2)), 0.01 * rng.normal(size=7)), 0.5
        yield name, (np.array([[0.0, 0], [0, 0]]), np.array([0.0])), 1.0
        yield name, (np.array([0.5, -0.5, 0.1]),), 0.6
        yield name, (np.array([0.9, -0.5]), np.array([0.8]), np.array([0.7])), 1.0

    def random_call(rng):
        shapes = [
            tuple(rng.integers(1, 4, size=rng.integers(1, 3))) for _ in range(rng.integers(1, 5))
        ]
        scale = rng.choice([0.01, 1, 100])
        gradients = tuple(scale * rng.normal(size=shape) for shape in shapes)
        if rng.random() < 0.3:
            gradients = (*gradients, None)
        return "clip_gradients", gradients, float(scale * rng.uniform(0.3, 4))

    def making(gradients, ceiling):
        parameters = []
        for n, gradient in enumerate(gradients):
            shape = (2,) if gradient is None else gradient.shape
            p = torch.nn.Parameter(torch.full(shape, n + 2.0, dtype=torch.float64))
            p.grad = None if gradient is None else gradient.clone()
            parameters.append(p)
        return Once(parameters), ceiling

    def reading(f, result, parameters, ceiling):
        """The weights, their gradients, and the norm."""
        if result is None:
            return None
        held = parameters.all
        gradients = [p.grad for p in held if p.grad is not None]
        return joined(held), joined(gradients), result

    class steps:
        def collect(parameters):
            return [p.grad for p in parameters if p.grad is not None]

        def size(gradient):
            return gradient.norm()

        def total(sizes):
            return torch.stack(sizes).norm()

        def above(norm, ceiling):
            return norm > ceiling

        def factor(norm, ceiling):
            return ceiling / (norm + 1e-6)

        def shrink(gradients, factor, held, ceiling):
            for gradient in gradients:
                gradient.mul_(factor)

        def give(norm, gradients, ceiling):
            return norm.item()

    def whole(steps):
        @torch.no_grad()
        def clip_gradients(parameters, ceiling):
            gradients = steps.collect(parameters)
            norm = steps.total([steps.size(gradient) for gradient in gradients])
            if steps.above(norm, ceiling):
                steps.shrink(gradients, steps.factor(norm, ceiling), parameters.all, ceiling)
            return steps.give(norm, gradients, ceiling)

        return {"clip_gradients": clip_gradients}

    class properties:
        def weights_stay(f, result, gradients, ceiling):
            start = np.concatenate(
                [np.full(2 if g is None else g.size, n + 2.0) for n, g in enumerate(gradients)]
            )
            if np.abs(result[0] - start).max() > 1e-12:
                return "The weights were changed. It is their gradients that are clipped."

        def small_gradients_stay(f, result, gradients, ceiling):
            before = np.concatenate([g.ravel() for g in gradients if g is not None])
            norm = np.sqrt((before**2).sum())
            if norm < ceiling and np.abs(result[1] - before).max() > 1e-12:
                return f"The norm is {norm:.4g}, below the ceiling of {ceiling:.4g}: nothing is to change."

        def large_ones_end_at_the_ceiling(f, result, gradients, ceiling):
            before = np.concatenate([g.ravel() for g in gradients if g is not None])
            norm, after = np.sqrt((before**2).sum()), np.sqrt((result[1] ** 2).sum())
            if norm > ceiling and abs(after / ceiling - 1) > 1e-3:
                return f"Above the ceiling of {ceiling:.4g}, a norm of {after:.4g} is left."

        def the_direction_stays(f, result, gradients, ceiling):
            before = np.concatenate([g.ravel() for g in gradients if g is not None])
            a, b = np.sqrt((before**2).sum()), np.sqrt((result[1] ** 2).sum())
            if a and b and np.abs(before / a - result[1] / b).max() > 1e-6:
                return "The gradients have another direction than before: one factor is for all of them."

        def the_norm_before_is_returned(f, result, gradients, ceiling):
            norm = np.sqrt(sum((g**2).sum() for g in gradients if g is not None))
            if np.ndim(result[2]) == 0 and abs(result[2] - norm) > 1e-6 * (1 + norm):
                return f"The norm of all gradients before is {norm:.4g}; {result[2]:.4g} came back."

    class accepts:
        def factor__exact(norm, ceiling):
            """Right to six digits: without the 1e-6, the norm ends at the ceiling exactly. The small number
            stands there against a norm of 0, which is never above a ceiling."""
            return ceiling / norm

    class slips:
        def collect__first_alone(parameters):
            """Only the first parameter counts, and only its gradient is clipped. All of them are one
            vector."""
            return [next(iter(parameters)).grad]

        def size__squared(gradient):
            """The norm of each gradient was squared, or its root forgotten. The norm is the root of the sum of
            all squares."""
            return gradient.norm() ** 2

        def total__sum_of_norms(sizes):
            """The norms of the gradients were added up. Joined to one vector their squares add up, and the
            root comes last: 3 and 4 make 5."""
            return torch.stack(sizes).sum()

        def total__largest(sizes):
            """Only the largest gradient was measured. All of them are one vector: 3 and 4 make 5."""
            return torch.stack(sizes).max()

        def total__last(sizes):
            """Only the last gradient was measured. All of them are one vector: 3 and 4 make 5."""
            return sizes[-1]

        def total__mean(sizes):
            """The mean of the norms was measured. All gradients are one vector, and its squares add up."""
            return torch.stack(sizes).mean()

        def total__squared(sizes):
            """This is the sum of all squares. The norm is its root."""
            return torch.stack(sizes).norm() ** 2

        class by_absolute_values:
            """The absolute values were added up. The norm is the root of the sum of the squares."""

            def size(gradient):
                return gradient.abs().sum()

            def total(sizes):
                return torch.stack(sizes).sum()

        class by_the_largest_number:
            """The largest single number was measured. The norm is the root of the sum of all squares."""

            def size(gradient):
                return gradient.abs().max()

            def total(sizes):
                return torch.stack(sizes).max()

        class root_of_the_mean:
            """The squares were averaged before the root, so a larger model has a smaller norm. Add them
            up."""

            def size(gradient):
                return torch.stack([(gradient**2).sum(), torch.ones_like(gradient).sum()])

            def total(sizes):
                squares, count = torch.stack(sizes).sum(dim=0)
                return (squares / count).sqrt()

        def above__always(norm, ceiling):
            """Small gradients are blown up to the ceiling. It is a ceiling, not a target: what is below stays
            as it is."""
            return True

        def above__never(norm, ceiling):
            """Nothing is clipped, however large. Did a new tensor get the smaller numbers, and .grad not? Or
            did a second way through the parameters find none? They can be gone through once."""
            return False

        def above__turned_round(norm, ceiling):
            """Small gradients are blown up, and large ones left: the comparison is turned round."""
            return norm < ceiling

        def factor__inverse(norm, ceiling):
            """Large gradients become larger still: the factor is upside down."""
            return norm / ceiling

        def factor__ceiling_alone(norm, ceiling):
            """The gradients were multiplied by the ceiling. Their norm should become the ceiling: which
            factor does that?"""
            return ceiling

        def factor__one(norm, ceiling):
            """Above the ceiling, the norm becomes 1, whatever the ceiling is."""
            return 1 / (norm + 1e-6)

        def shrink__weights(gradients, factor, held, ceiling):
            """The weights were shrunk, not their gradients."""
            for p in held:
                p.mul_(factor)

        def shrink__each_alone(gradients, factor, held, ceiling):
            """Each gradient was brought below the ceiling by its own norm, so the direction of the whole
            changes, and the whole may still be above. One factor is for all."""
            for gradient in gradients:
                gradient.mul_(min(1.0, ceiling / (gradient.norm() + 1e-6)))

        def shrink__each_to_the_ceiling(gradients, factor, held, ceiling):
            """Each gradient was given the norm of the ceiling. Together they should have it: one factor is
            for all."""
            for gradient in gradients:
                gradient.mul_(ceiling / (gradient.norm() + 1e-6))

        def shrink__numbers(gradients, factor, held, ceiling):
            """Each number was cut off at the ceiling, so the direction changes. Clipping by norm has one
            factor for all."""
            for gradient in gradients:
                gradient.clamp_(-ceiling, ceiling)

        def shrink__first_alone(gradients, factor, held, ceiling):
            """Only the first gradient shrinks. One factor is for all: does something end the loop?"""
            gradients[0].mul_(factor)

        def shrink__taken_away(gradients, factor, held, ceiling):
            """Something was taken away from the gradients, where a factor should multiply them."""
            for gradient in gradients:
                gradient.sub_(gradient * factor)

        def give__after(norm, gradients, ceiling):
            """The norm afterwards came back. The norm before tells how wild a step would have been: keep
            it."""
            return torch.stack([gradient.norm() for gradient in gradients]).norm().item()

        def give__flag(norm, gradients, ceiling):
            """Whether something was clipped came back. The norm itself is asked for."""
            return float(norm > ceiling)


class exercise_3_12:
    title = "a step of AdamW"
    minutes = 45
    returns = ("after two more steps, with other gradients", "after one step")
    advice = (
        (
            r"NoneType",
            "Some parameters have no gradient, and None has no square: pass them over.",
        ),
        (
            r"a leaf Variable|requires grad is being used in an in-place",
            "A weight moves outside of autograd: does @torch.no_grad() still stand above step?",
        ),
        (
            r"ZeroDivisionError|float division by zero",
            "1 - beta to the power of 0 is 0: the first step has the number 1.",
        ),
    )
    hints = (
        (
            "One weight, one gradient of any size, no decay: the first step has the length lr, and goes against the "
            "sign of the gradient. Is it so? Then the same gradient again: the second step is as long."
        ),
        (
            "Two running means: of the gradient, and of its square. Both begin at 0 and are too small at first, by "
            "one minus the share to the power of the steps. Decay shrinks the weight itself, apart from them."
        ),
        (
            "self.steps counts once a call, not once a parameter. lerp_ or mul_ and add_ change a mean in place. "
            "beta1**self.steps. Decay: a factor of 1 - lr * weight_decay. lr is self.lr * scale, everywhere."
        ),
        (
            "mean.lerp_(p.grad, 1 - beta1); square.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2); p.mul_(1 "
            "- lr * decay); p.sub_(lr * mean / c1 / ((square / c2).sqrt() + eps)), with c = 1 - beta**steps."
        ),
    )

    def calls(rng):
        """Each row of values is a parameter; one more row than gradients has none."""
        betas = (0.9, 0.99)
        yield STEP, 0.1, betas, 1e-8, 0.0, np.array([[1.0, 2]]), np.array([[3.0, -0.5]])
        yield STEP, 0.1, betas, 1e-8, 0.5, np.array([[1.0, 2]]), np.array([[3.0, -0.5]])
        yield STEP, 0.1, (0.5, 0.8), 0.1, 0.0, np.array([[1.0, -2]]), np.array([[0.3, 0.1]]), 0.5
        values, gradients = rng.normal(size=(2, 3, 4))
        yield STEP, 0.05, (0.9, 0.95), 1e-8, 0.2, values, gradients
        yield STEP, 0.05, (0.9, 0.95), 1e-8, 0.2, values, gradients[:2], 0.3
        yield STEP, 0.2, (0.7, 0.9), 1e-3, 0.1, values[:, :3], gradients[:, :3] * 1e-3, 2.0
        yield STEP, 0.01, (0.9, 0.999), 1e-8, 1.0, 5 * values, 1000 * gradients
        yield STEP, 0.1, (0.0, 0.5), 1e-8, 0.0, np.array([[1.0], [2]]), np.array([[2.0], [-1]])

    def random_call(rng):
        P, N = rng.integers(1, 5, size=2)
        scale = () if rng.random() < 0.4 else (float(rng.uniform(0.1, 2)),)
        betas = (float(rng.choice([0.5, 0.9])), float(rng.choice([0.7, 0.95, 0.99])))
        lr, eps = float(rng.choice([0.3, 0.01])), float(rng.choice([1e-8, 1e-2]))
        decay = float(rng.choice([0, 0.1, 0.5]))
        gradients = rng.normal(size=(P, N)) * rng.choice([0.01, 1, 100])
        if P > 1 and rng.random() < 0.3:
            gradients = gradients[:-1]
        return STEP, lr, betas, eps, decay, rng.normal(size=(P, N)), gradients, *scale

    def making(lr, betas, eps, weight_decay, values, gradients, scale=1.0):
        parameters = [torch.nn.Parameter(row.clone()) for row in values]
        for p, gradient in zip(parameters, gradients):
            p.grad = gradient.clone()
        return (parameters, lr, betas, eps, weight_decay), scale

    def reading(f, result, self, scale=1.0):
        """The weights after this step, and after two more with other gradients."""
        first = torch.stack([p.detach().clone() for p in self.parameters])
        if result is not None:
            raise TypeError(
                f"step changes weights and returns nothing, not a {type(result).__name__}"
            )
        with_gradient = [p for p in self.parameters if p.grad is not None]
        for factor in (-0.5, 3.0):
            for n, p in enumerate(with_gradient):
                p.grad = factor * p.grad.flip(0) + 0.1 * n
            self.step(scale)
        return torch.stack([p.detach() for p in self.parameters]), first

    class steps:
        def count(self):
            self.steps += 1

        def rate(self, scale):
            return self.lr * scale

        def clock(self, n):
            return self.steps

        def gradient(p, weight_decay):
            return p.grad

        def shares(self):
            return self.betas

        def mean(old, g, beta1):
            return beta1 * old + (1 - beta1) * g

        def square(old, g, beta2, mean):
            return beta2 * old + (1 - beta2) * g * g

        def keep_mean(held, n, new):
            held[n] = new

        def keep_square(held, n, new):
            held[n] = new

        def decay(p, lr, weight_decay, self):
            p.mul_(1 - lr * weight_decay)

        def whole_mean(mean, beta1, t):
            return mean / (1 - beta1**t)

        def whole_square(square, beta2, t):
            return square / (1 - beta2**t)

        def root(square, eps):
            return square.sqrt() + eps

        def direction(mean, root, g):
            return mean / root

        def move(p, lr, direction, self):
            p.sub_(lr * direction)

        def idle(p, lr, weight_decay):
            pass

        def after(p, lr, weight_decay):
            pass

    def whole(steps):
        @torch.no_grad()
        def step(self, scale=1.0):
            steps.count(self)
            lr, (beta1, beta2) = steps.rate(self, scale), steps.shares(self)
            for n, p in enumerate(self.parameters):
                if p.grad is None:
                    steps.idle(p, lr, self.weight_decay)
                    continue
                t, g = steps.clock(self, n), steps.gradient(p, self.weight_decay)
                mean = steps.mean(self.means[n], g, beta1)
                square = steps.square(self.squares[n], g, beta2, mean)
                steps.keep_mean(self.means, n, mean)
                steps.keep_square(self.squares, n, square)
                steps.decay(p, lr, self.weight_decay, self)
                mean, square = (
                    steps.whole_mean(mean, beta1, t),
                    steps.whole_square(square, beta2, t),
                )
                steps.move(p, lr, steps.direction(mean, steps.root(square, self.eps), g), self)
                steps.after(p, lr, self.weight_decay)

        return {STEP: step}

    class properties:
        def without_decay_the_first_step_is_lr_long(
            f, result, lr, betas, eps, weight_decay, values, gradients, scale=1.0
        ):
            moved = np.abs(result[1] - values)[: len(gradients)]
            if weight_decay or eps > 1e-6 or np.abs(gradients).min() < 1e-3:
                return None
            if np.abs(moved / (lr * scale) - 1).max() > 1e-3:
                off = moved.flat[np.abs(moved - lr * scale).argmax()]
                return (
                    f"Without decay, the first step of each weight is lr times scale long, {lr * scale:.4g}; "
                    f"here one is {off:.4g}."
                )

        def weights_go_against_the_gradient(
            f, result, lr, betas, eps, weight_decay, values, gradients, scale=1.0
        ):
            moved = (result[1] - values)[: len(gradients)]
            if not weight_decay and (np.sign(moved) == np.sign(gradients)).any():
                return "A weight goes the way of its gradient, up. Loss falls the other way."

        def who_has_no_gradient_stays(
            f, result, lr, betas, eps, weight_decay, values, gradients, scale=1.0
        ):
            rest = slice(len(gradients), None)
            if np.abs(result[0] - values)[rest].max(initial=0) > 1e-12:
                return "A parameter without a gradient has moved. It is to be left alone."

        def decay_shrinks_by_lr_times_decay(
            f, result, lr, betas, eps, weight_decay, values, gradients, scale=1.0
        ):
            given = lr, betas, eps
            without = getattr(f, STEP)(*given, 0.0, values, gradients, scale)[1]
            shrunk = (without - result[1])[: len(gradients)] / values[: len(gradients)]
            wanted = lr * scale * weight_decay
            if np.abs(shrunk - wanted).max() > 1e-6:
                off = shrunk.flat[np.abs(shrunk - wanted).argmax()]
                return (
                    f"Decay takes {off:.4g} of a weight away; lr times scale times weight_decay is "
                    f"{wanted:.4g}."
                )

        def parameters_do_not_hear_of_each_other(
            f, result, lr, betas, eps, weight_decay, values, gradients, scale=1.0
        ):
            alone = getattr(f, STEP)(lr, betas, eps, weight_decay, values[:1], gradients[:1], scale)
            if np.abs(alone[0] - result[0][:1]).max() > 1e-9:
                return "The first parameter moves otherwise when it is alone."

    class accepts:
        class eps_before_the_correction:
            """Right, in another convention: eps is added before the root is corrected, as in TensorFlow and at
            the end of section 2 of Adam's paper. Ours, torch's, comes last; only tiny gradients notice."""

            def whole_square(square, beta2, t):
                return square, 1 - beta2**t

            def root(square, eps):
                square, correction = square
                return (square.sqrt() + eps) / math.sqrt(correction)

    class slips:
        def clock__from_zero(self, n):
            """The number of the first step was 0 here: one minus beta to the power of 0 is 0, and something is
            divided by it. Which step is this, the 0th or the first?"""
            return self.steps - 1

        def clock__one_ahead(self, n):
            """The number of the step is one too large: the first one is corrected as if it were the
            second."""
            return self.steps + 1

        def clock__a_tick_for_each_parameter(self, n):
            """The clock ticks once for each parameter: the second is corrected by the wrong step. One call is
            one step for all."""
            own = sum(p.grad is not None for p in self.parameters)
            return (self.steps - 1) * own + n + 1

        def rate__no_scale(self, scale):
            """`scale` changes nothing: the schedule would be ignored. The rate of this step is lr times
            scale."""
            return self.lr

        def rate__scale_alone(self, scale):
            """The step is `scale` long: where has the learning rate gone?"""
            return scale

        def shares__exchanged(self):
            """The two betas have changed places: the first is for the mean of the gradients, the second for
            that of their squares."""
            return self.betas[::-1]

        def mean__turned_round(old, g, beta1):
            """The shares of old and new have changed places in the mean of the gradient: beta1 is the share of
            the old one."""
            return (1 - beta1) * old + beta1 * g

        def square__turned_round(old, g, beta2, mean):
            """The shares of old and new have changed places in the mean of the squares: beta2 is the share of
            the old one."""
            return (1 - beta2) * old + beta2 * g * g

        def mean__summed(old, g, beta1):
            """The new gradient comes into the mean whole, as in momentum. A mean gives it what beta1 leaves of
            1."""
            return beta1 * old + g

        def square__summed(old, g, beta2, mean):
            """The new square comes into the mean whole. A mean gives it what beta2 leaves of 1."""
            return beta2 * old + g * g

        def square__not_squared(old, g, beta2, mean):
            """The gradient was not squared: a root of what may be below 0 is taken."""
            return beta2 * old + (1 - beta2) * g

        def square__absolute(old, g, beta2, mean):
            """The gradient was not squared, its absolute value was taken. The root wants squares under
            it."""
            return beta2 * old + (1 - beta2) * g.abs()

        def square__of_the_mean(old, g, beta2, mean):
            """The running mean was squared, not the gradient. How wild a gradient is, its own square tells."""
            return beta2 * old + (1 - beta2) * mean * mean

        def keep_mean__forgotten(held, n, new):
            """The mean of the gradient is not kept: every step begins at 0 again. self.means has to hold it
            for the next."""

        def keep_square__forgotten(held, n, new):
            """The mean of the squares is not kept: every step begins at 0 again. self.squares has to hold it
            for the next."""

        class neither_kept:
            """Neither mean is kept: every step begins at 0 again. self.means and self.squares have to hold
            them for the next."""

            def keep_mean(held, n, new):
                pass

            def keep_square(held, n, new):
                pass

        def whole_mean__uncorrected(mean, beta1, t):
            """The mean of the gradient is not corrected: it begins at 0, so the first steps are far too short.
            By what is it too small?"""
            return mean

        def whole_square__uncorrected(square, beta2, t):
            """The mean of the squares is not corrected: it begins at 0, so the first steps are too long. By
            what is it too small?"""
            return square

        class uncorrected:
            """Neither mean is corrected for having begun at 0. By what are they too small after the first
            step?"""

            def whole_mean(mean, beta1, t):
                return mean

            def whole_square(square, beta2, t):
                return square

        class corrected_for_good:
            """The corrected means were kept, and are corrected again at the next step. Correct what is used,
            and keep what it was made of."""

            def keep_mean(held, n, new):
                pass

            def keep_square(held, n, new):
                pass

            def move(p, lr, direction, self):
                n = next(i for i, q in enumerate(self.parameters) if q is p)
                (beta1, beta2), g = self.betas, p.grad
                mean = beta1 * self.means[n] + (1 - beta1) * g
                square = beta2 * self.squares[n] + (1 - beta2) * g * g
                self.means[n] = mean / (1 - beta1**self.steps)
                self.squares[n] = square / (1 - beta2**self.steps)
                p.sub_(lr * direction)

        class corrected_by_the_share:
            """Every step is corrected like the first, by one minus beta. Later the means lack less: beta to
            the power of the steps. Does self.steps grow, and is it the power?"""

            def whole_mean(mean, beta1, t):
                return mean / (1 - beta1)

            def whole_square(square, beta2, t):
                return square / (1 - beta2)

        class corrected_the_other_way:
            """The means were multiplied by the correction, and are smaller still. They are too small: divide
            by it."""

            def whole_mean(mean, beta1, t):
                return mean * (1 - beta1**t)

            def whole_square(square, beta2, t):
                return square * (1 - beta2**t)

        def root__none(square, eps):
            """The step is divided by the mean square itself. Its root has the unit of a gradient: only so the
            units cancel."""
            return square + eps

        def root__eps_inside(square, eps):
            """eps stands under the root. Nearly the same for large gradients; for tiny ones 1e-8 becomes 1e-4
            there. It is added to the root."""
            return (square + eps).sqrt()

        def root__no_eps(square, eps):
            """Right until the gradients are tiny: eps is missing beside the root. A weight whose gradient is 0
            would give 0 / 0."""
            return square.sqrt()

        def direction__of_the_gradient(mean, root, g):
            """The gradient of this step alone moves the weights, as in RMSprop. Adam takes its running
            mean."""
            return g / root

        def direction__of_the_mean(mean, root, g):
            """The mean moves the weights as it is, not divided by the root: that is momentum. What makes every
            weight move by about lr?"""
            return mean

        def move__up(p, lr, direction, self):
            """The weights go the way of the gradient, so the loss rises. The sign is turned round."""
            p.add_(lr * direction)

        def move__lost(p, lr, direction, self):
            """The weights do not move by their gradients: was a new tensor made, and the weight left as it
            was?"""

        def decay__none(p, lr, weight_decay, self):
            """weight_decay changes nothing. Each weight should lose a share of itself, lr times
            weight_decay."""

        def decay__without_lr(p, lr, weight_decay, self):
            """Decay takes weight_decay itself of every weight away, without the learning rate: at 0.1 a tenth
            at each step, and soon all."""
            p.mul_(1 - weight_decay)

        def decay__without_scale(p, lr, weight_decay, self):
            """Decay ignores `scale`. When the schedule goes down, the pull to zero should go down, too."""
            p.mul_(1 - self.lr * weight_decay)

        def decay__growing(p, lr, weight_decay, self):
            """Decay makes the weights larger: the sign is turned round."""
            p.mul_(1 + lr * weight_decay)

        class decay_through_the_gradient:
            """Decay went through the gradient, so it is averaged and divided by the root like any other: L2, as
            in Adam. AdamW takes it from the weight itself."""

            def gradient(p, weight_decay):
                return p.grad + weight_decay * p

            def decay(p, lr, weight_decay, self):
                pass

        class decay_last:
            """Nearly right: decay comes after the step, and shrinks that, too. First the weight shrinks, then it
            moves."""

            def decay(p, lr, weight_decay, self):
                pass

            def after(p, lr, weight_decay):
                p.mul_(1 - lr * weight_decay)

        def idle__decayed(p, lr, weight_decay):
            """A parameter without a gradient decays. It took no part in this step, and is left alone."""
            p.mul_(1 - lr * weight_decay)
