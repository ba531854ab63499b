"""Checks of day4-5/optim_numpy.py. What each part is for stands in study/naming.py."""

import math

import numpy as np

from optim_numpy import warmup_cosine


def far(a, b):
    return np.abs(np.subtract(a, b)).max() > 1e-9 * (1 + np.abs(b).max())


class exercise_4_9:
    title = "gradient descent, with momentum"
    minutes = 15
    returns = ("weight", "velocity")
    hints = (
        (
            "Give a slope of 1 again and again, and write down how far the weight moves each time. "
            "In plain descent all steps are equal. A ball that rolls takes longer ones: up to which?"
        ),
        (
            "A ball keeps a share of the speed that it had, and the slope adds to it. It is the speed, "
            "not the slope, that moves the weight; and downhill is against the slope."
        ),
        (
            "Two lines: the new velocity is a share beta of the old one plus the whole gradient; the "
            "new weight is the old one less lr times the new velocity. Assign no part of an argument."
        ),
        (
            "sgd: return weight - lr * gradient. momentum: velocity = beta * velocity + gradient; "
            "return weight - lr * velocity, velocity. The first line makes a new array."
        ),
    )

    def calls(rng):
        yield "sgd", np.array([1.0, 2]), np.array([10.0, -20]), 0.1
        start = np.array([1.0, 2]), np.array([10.0, -20])
        yield "momentum", *start, np.array([0.0, 0]), 0.1, 0.9
        yield "momentum", *start, np.array([100.0, 300]), 0.1, 0.9
        yield "momentum", *start, np.array([-7.0, 3]), 0.5, 0.0
        yield "sgd", rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), 3.0
        yield "momentum", *rng.normal(size=(3, 2, 5)), 0.03, 0.99
        yield "momentum", *rng.normal(size=(3, 4, 2, 3)), 2.0, 0.3
        yield "momentum", np.array(5.0), np.array(-3.0), np.array(2.0), 0.25, 0.5

    def random_call(rng):
        shape, lr = rng.integers(1, 5, size=rng.integers(0, 4)), float(rng.choice([1e-3, 0.1, 2]))
        weight, gradient, velocity = (np.asarray(rng.normal(size=shape)) for _ in range(3))
        if rng.random() < 0.3:
            return "sgd", weight, gradient, lr
        return "momentum", weight, gradient, velocity, lr, float(rng.choice([0, 0.5, 0.9]))

    class steps:
        def walk(weight, gradient, lr):
            return weight - lr * gradient

        def keep(velocity, beta):
            return beta * velocity

        def gain(gradient, beta, lr):
            return gradient

        def roll(weight, velocity, gradient, old, lr, beta):
            return weight - lr * velocity

        def give(weight, velocity, old):
            return weight, velocity

    def whole(steps):
        def sgd(weight, gradient, lr):
            return steps.walk(weight, gradient, lr)

        def momentum(weight, gradient, velocity, lr, beta):
            new = steps.keep(velocity, beta) + steps.gain(gradient, beta, lr)
            weight = steps.roll(weight, new, gradient, velocity, lr, beta)
            return steps.give(weight, new, velocity)

        return {"sgd": sgd, "momentum": momentum}

    class properties:
        def sgd__a_slope_of_0_moves_nothing(f, result, weight, gradient, lr):
            if far(f.sgd(weight, 0 * gradient, lr), weight):
                return "The weight moves where the gradient is 0."

        def sgd__downhill(f, result, weight, gradient, lr):
            if ((result - weight) * gradient).sum() > 0:
                return "The weight moves along the gradient, which points uphill."

        def momentum__without_a_past_it_is_sgd(f, result, weight, gradient, velocity, lr, beta):
            if far(f.momentum(weight, gradient, 0 * velocity, lr, beta)[0], weight - lr * gradient):
                return "From a velocity of 0 the first step is not that of plain descent."

        def momentum__it_rolls_on(f, result, weight, gradient, velocity, lr, beta):
            after = f.momentum(weight, 0 * gradient, velocity, lr, beta)[0]
            if far(after, weight - lr * beta * velocity):
                return "Where the gradient is 0 the weight should roll on by lr times beta of its velocity."

        def momentum__the_velocity_knows_no_rate(f, result, weight, gradient, velocity, lr, beta):
            if far(f.momentum(weight, gradient, velocity, 2 * lr, beta)[1], result[1]):
                return (
                    "Another learning rate gives another velocity. It should only move the weight."
                )

    class slips:
        class uphill:
            """The weight moves along the gradient, and the loss grows. The gradient points uphill:
            which way is down?"""

            def walk(weight, gradient, lr):
                return weight + lr * gradient

            def roll(weight, velocity, gradient, old, lr, beta):
                return weight + lr * velocity

        def walk__uphill(weight, gradient, lr):
            """Plain descent climbs here: it moves along the gradient, which points uphill."""
            return weight + lr * gradient

        def roll__uphill(weight, velocity, gradient, old, lr, beta):
            """With momentum the weight moves along its velocity, which is made of slopes and so
            points uphill. Which way is down?"""
            return weight + lr * velocity

        def walk__no_rate(weight, gradient, lr):
            """Plain descent takes the whole gradient as its step. What is the learning rate for?"""
            return weight - gradient

        def roll__no_rate(weight, velocity, gradient, old, lr, beta):
            """The whole velocity is the step. What is the learning rate for?"""
            return weight - velocity

        def walk__sign(weight, gradient, lr):
            """Every number moves by lr, however steep it is there: only the sign of the gradient is
            used. A steeper place should move farther."""
            return weight - lr * np.sign(gradient)

        def walk__length_1(weight, gradient, lr):
            """The gradient was made as long as 1 first. Descent slows down where it gets flat,
            because the gradient is short there: leave it its length."""
            return weight - lr * gradient / np.sqrt((gradient**2).sum())

        def walk__step_alone(weight, gradient, lr):
            """This is the step, not the weight after it. Where does the weight stand when the step
            is taken?"""
            return -lr * gradient

        def roll__step_alone(weight, velocity, gradient, old, lr, beta):
            """This is the step that momentum takes, not the weight after it. Where does the weight
            stand then?"""
            return -lr * velocity

        def roll__by_the_gradient(weight, velocity, gradient, old, lr, beta):
            """The velocity is kept, and then the weight moves by the gradient all the same: nothing
            rolls. What should move it?"""
            return weight - lr * gradient

        def roll__by_the_old_velocity(weight, velocity, gradient, old, lr, beta):
            """The weight moves by the velocity from before this step, so that every gradient comes
            one step late. Which of the two velocities should move it?"""
            return weight - lr * old

        def roll__nesterov(weight, velocity, gradient, old, lr, beta):
            """This looks one step ahead: the gradient plus beta of the new velocity. It is Nesterov's
            momentum, a good one, and another. Here the new velocity itself moves the weight."""
            return weight - lr * (gradient + beta * velocity)

        def roll__rate_by_1_less_beta(weight, velocity, gradient, old, lr, beta):
            """The step is multiplied by 1 - beta, as if the velocity were an average. It is a sum
            here, which makes momentum's steps longer: how long is the velocity for a slope of 1?"""
            return weight - lr * (1 - beta) * velocity

        def gain__average(gradient, beta, lr):
            """Only the share 1 - beta of the gradient comes in: that is a running average, as Adam
            keeps one. Momentum here gains the whole gradient."""
            return (1 - beta) * gradient

        def gain__times_beta(gradient, beta, lr):
            """The new gradient, too, is multiplied by beta. Friction is for the speed that the ball
            had; what does the slope of now lose?"""
            return beta * gradient

        class beta_at_the_gradient:
            """beta stands at the wrong one of the two: the old velocity stays whole for ever, and
            the gradient is cut. Which of them should fade?"""

            def keep(velocity, beta):
                return velocity

            def gain(gradient, beta, lr):
                return beta * gradient

        class shares_swapped:
            """The velocity keeps 1 - beta, and beta of the gradient comes in: the shares are
            swapped, and the gradient should come in whole besides."""

            def keep(velocity, beta):
                return (1 - beta) * velocity

            def gain(gradient, beta, lr):
                return beta * gradient

        def keep__all(velocity, beta):
            """Nothing of the old velocity is lost, so the ball only ever gets faster on a slope.
            What is beta for?"""
            return velocity

        def keep__nothing(velocity, beta):
            """The old velocity is forgotten: this is plain descent under another name. How much of
            it should be kept?"""
            return 0 * velocity

        def keep__complement(velocity, beta):
            """The velocity keeps 1 - beta of itself. At beta = 0.9 that is a tenth: is the ball meant
            to forget, or to keep?"""
            return (1 - beta) * velocity

        class rate_in_the_velocity:
            """The learning rate stands inside the velocity. Other books do so; but then a schedule
            cannot slow what already rolls. Here it multiplies the velocity when the weight moves."""

            def gain(gradient, beta, lr):
                return lr * gradient

            def roll(weight, velocity, gradient, old, lr, beta):
                return weight - velocity

        class rate_and_sign_in_the_velocity:
            """Learning rate and minus stand inside the velocity. Other books do so; but then a
            schedule cannot slow what already rolls. Here the velocity is made of gradients alone."""

            def gain(gradient, beta, lr):
                return -lr * gradient

            def roll(weight, velocity, gradient, old, lr, beta):
                return weight + velocity

        def gain__rate_twice(gradient, beta, lr):
            """The learning rate is used twice, once in the velocity and once on the weight: a rate of
            0.1 moves by 0.01. Where does it belong?"""
            return lr * gradient

        class sign_in_the_velocity:
            """The gradient is taken away from the velocity. On its own that is a fair convention, yet
            the velocity that comes in was made with plus: the two work against each other."""

            def gain(gradient, beta, lr):
                return -gradient

            def roll(weight, velocity, gradient, old, lr, beta):
                return weight + lr * velocity

        def gain__minus(gradient, beta, lr):
            """The gradient is taken away from the velocity, and the velocity from the weight: two
            times minus goes uphill."""
            return -gradient

        def give__old_velocity(weight, velocity, old):
            """The weight is right. The velocity that comes back is the one from before the step, so
            the next step knows nothing of this one."""
            return weight, old

        def give__swapped(weight, velocity, old):
            """Both are right and come back in the other order. The weight comes first."""
            return velocity, weight

        def give__weight_alone(weight, velocity, old):
            """The weight comes back alone. Who tells the next step how fast the ball rolls?"""
            return weight


class exercise_4_10:
    title = "Adam, and AdamW"
    minutes = 30
    returns = ("weight", "mean", "square")
    hints = (
        (
            "At the first step, from averages of 0, every number that has a gradient should move by "
            "the learning rate, be the gradient 0.001 or 1000. By how much does yours?"
        ),
        (
            "Two running averages: one of the gradients, one of their squares. Both begin at 0 and so "
            "are too small at first; what has come in after t steps is known exactly. Undo that."
        ),
        (
            "An average keeps beta and gains 1 - beta. For the step alone divide each by 1 less the "
            "t-th power of beta. Root the squares, then add eps. For the second function shrink, then "
            "step."
        ),
        (
            "mean = beta_1 * mean + (1 - beta_1) * gradient, the square alike; size = np.sqrt(square / "
            "(1 - beta_2**t)) + eps; weight - lr * mean / (1 - beta_1**t) / size. The averages "
            "come back uncorrected."
        ),
    )
    advice = (
        (
            r"divide by zero|ZeroDivision",
            "Something is divided by 0: is t counted from 1 in your powers?",
        ),
    )

    def calls(rng):
        start = np.array([1.0, 2, -3]), np.array([0.001, -5, 1000])
        none = np.zeros(3), np.zeros(3)
        yield "adam", *start, *none, 1, 0.1
        yield "adam", *start, np.array([1.0, 2, -3]), np.array([4.0, 9, 25]), 2, 0.1
        yield "adamw", *start, *none, 1, 0.1, 0.5
        yield "adamw", *start, np.array([1.0, 2, -3]), np.array([4.0, 9, 25]), 3, 0.1, 0.5
        # gradients that eps is not small for
        yield "adam", np.array([1.0, 2]), np.array([1e-6, -1e-9]), *np.zeros((2, 2)), 1, 0.1
        yield "adam", np.array([[1.0, 2]]), np.array([[1e-6, -1.0]]), *np.zeros((2, 1, 2)), 5, 0.5
        # other betas and eps, by place
        yield "adam", *rng.normal(size=(3, 2, 3)), rng.random((2, 3)), 4, 0.3, 0.5, 0.7, 0.2
        tail = 7, 0.3, 0.9, 0.6, 0.8, 0.05
        yield "adamw", *rng.normal(size=(3, 4, 2)), rng.random((4, 2)), *tail
        yield "adam", *rng.normal(size=(3, 5)), rng.random(5), 1000, 0.01
        yield "adamw", *rng.normal(size=(3, 2, 2, 3)), rng.random((2, 2, 3)), 40, 0.02, 3.0

    def random_call(rng):
        shape = rng.integers(1, 5, size=rng.integers(1, 4))
        kept = *rng.normal(size=(3, *shape)), rng.random(shape), int(rng.integers(1, 30))
        lr, more = float(rng.choice([1e-3, 0.1, 2])), (0.8, 0.95, 1e-3)
        more = more[: rng.integers(4)]
        if rng.random() < 0.5:
            return "adam", *kept, lr, *more
        return "adamw", *kept, lr, float(rng.choice([0, 0.01, 0.5])), *more

    def refusals(rng):
        kept = *rng.normal(size=(3, 4)), rng.random(4)
        yield "adam", *kept, 0, 0.1
        yield "adamw", *kept, 0, 0.1, 0.5

    class steps:
        def pull(weight, lr, weight_decay):
            return weight * (1 - lr * weight_decay)

        def join(gradient, weight, weight_decay):
            return gradient

        def mean(mean, gradient, beta):
            return beta * mean + (1 - beta) * gradient

        def square(square, gradient, beta, mean):
            return beta * square + (1 - beta) * gradient**2

        def correct_mean(mean, beta, t):
            return mean / (1 - beta**t)

        def correct_square(square, beta, t):
            return square / (1 - beta**t)

        def root(square, eps, beta, t):
            return np.sqrt(square) + eps

        def along(mean, gradient):
            return mean

        def move(weight, along, size, lr, eps):
            return weight - lr * along / size

        def after(moved, weight, lr, weight_decay):
            return moved

        def give(weight, new, corrected, old):
            return weight, *new

        def order(beta_1, beta_2):
            return beta_1, beta_2

        def hand_on(beta_1, beta_2, eps):
            return (beta_1, beta_2), eps

    def whole(steps):
        def step(weight, gradient, mean, square, t, lr, betas, eps):
            if t < 1:
                raise ValueError
            (beta_1, beta_2), old = steps.order(*betas), (mean, square)
            mean = steps.mean(mean, gradient, beta_1)
            square = steps.square(square, gradient, beta_2, mean)
            corrected = (
                steps.correct_mean(mean, beta_1, t),
                steps.correct_square(square, beta_2, t),
            )
            size = steps.root(corrected[1], eps, beta_2, t)
            moved = steps.move(weight, steps.along(corrected[0], gradient), size, lr, eps)
            return steps.give(moved, (mean, square), corrected, old)

        def adam(weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8):
            return step(weight, gradient, mean, square, t, lr, (beta_1, beta_2), eps)

        def adamw(
            weight, gradient, mean, square, t, lr, weight_decay, beta_1=0.9, beta_2=0.999, eps=1e-8
        ):
            pulled = steps.pull(weight, lr, weight_decay)
            gradient = steps.join(gradient, weight, weight_decay)
            more = steps.hand_on(beta_1, beta_2, eps)
            moved, *kept = step(pulled, gradient, mean, square, t, lr, *more)
            return steps.after(moved, weight, lr, weight_decay), *kept

        return {"adam": adam, "adamw": adamw}

    class properties:
        def adam__the_first_step_is_lr(
            f, result, weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8
        ):
            first = f.adam(weight, gradient, 0 * mean, 0 * square, 1, lr, beta_1, beta_2, 0.0)[0]
            steps = np.abs(first - weight)
            if np.abs(steps / lr - 1).max() > 1e-6:
                moved = steps.flat[np.abs(steps / lr - 1).argmax()]
                return (
                    f"The first step should be lr = {lr:.3g} long in every number, not {moved:.3g}."
                )

        def adam__a_gradient_twice_as_large_makes_the_same_step(
            f, result, weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8
        ):
            given = t, lr, beta_1, beta_2, 0.0
            one = f.adam(weight, gradient, mean, square, *given)[0]
            two = f.adam(weight, 2 * gradient, 2 * mean, 4 * square, *given)[0]
            if far(one, two):
                return "Gradients twice as large, before and now, should make the same step."

        def adam__downhill_at_first(
            f, result, weight, gradient, mean, square, t, lr, beta_1=0.9, beta_2=0.999, eps=1e-8
        ):
            first = f.adam(weight, gradient, 0 * mean, 0 * square, 1, lr, beta_1, beta_2, eps)[0]
            if ((first - weight) * gradient).sum() > 0:
                return "The first step goes along the gradient, which points uphill."

        def adamw__averages_know_no_decay(
            f, result, weight, gradient, mean, square, t, lr, weight_decay, *more
        ):
            without = f.adam(weight, gradient, mean, square, t, lr, *more)
            if far(result[1], without[1]) or far(result[2], without[2]):
                return "The averages of adamw should be those of adam: decay is no gradient."

        def adamw__no_decay_is_adam(
            f, result, weight, gradient, mean, square, t, lr, weight_decay, *more
        ):
            free = f.adamw(weight, gradient, mean, square, t, lr, 0.0, *more)
            if far(free[0], f.adam(weight, gradient, mean, square, t, lr, *more)[0]):
                return "At a weight_decay of 0, adamw should take the step of adam."

        def adamw__decay_is_a_share_of_the_weight(
            f, result, weight, gradient, mean, square, t, lr, weight_decay, *more
        ):
            free = f.adamw(weight, gradient, mean, square, t, lr, 0.0, *more)[0]
            if far(result[0], free - lr * weight_decay * weight):
                return "The decay should take the share lr * weight_decay of the weight, no more."

    class slips:
        class no_correction:
            """The averages begin at 0, and nothing makes up for it: the first steps are of the wrong
            length. What share of an average has come in after t steps?"""

            def correct_mean(mean, beta, t):
                return mean

            def correct_square(square, beta, t):
                return square

        def correct_mean__none(mean, beta, t):
            """The average of the squares is corrected, that of the gradients is not: the first step is
            a tenth of what it should be. Both began at 0."""
            return mean

        def correct_square__none(square, beta, t):
            """The average of the gradients is corrected, that of the squares is not: the first step is
            about thirty times too long. Both began at 0."""
            return square

        class t_from_0:
            """The powers are one too small: the t that comes in counts from 1 already. Which step is
            this, the 0th or the 1st?"""

            def correct_mean(mean, beta, t):
                return mean / np.float64(1 - beta ** (t - 1))

            def correct_square(square, beta, t):
                return square / np.float64(1 - beta ** (t - 1))

        class t_plus_1:
            """The powers are one too large: the t that comes in counts from 1 already. At the first
            step it is 1."""

            def correct_mean(mean, beta, t):
                return mean / (1 - beta ** (t + 1))

            def correct_square(square, beta, t):
                return square / (1 - beta ** (t + 1))

        class no_power:
            """The averages are always divided by 1 - beta, which is right at the first step alone.
            After a thousand steps nothing is missing any more: where does t come in?"""

            def correct_mean(mean, beta, t):
                return mean / (1 - beta)

            def correct_square(square, beta, t):
                return square / (1 - beta)

        class times_t:
            """beta is multiplied by t. After t steps the start has been cut by beta t times over: is
            that a product, or a power?"""

            def correct_mean(mean, beta, t):
                return mean / (1 - beta * t)

            def correct_square(square, beta, t):
                return square / (1 - beta * t)

        class power_of_the_rest:
            """The whole of 1 - beta is taken to the power t. After t steps the start is cut to beta to
            the power t: take that power first. What share has come in then?"""

            def correct_mean(mean, beta, t):
                return mean / np.float64((1 - beta) ** t)

            def correct_square(square, beta, t):
                return square / np.float64((1 - beta) ** t)

        class corrected_the_wrong_way:
            """The averages are multiplied by what they should be divided by: they were too small, and
            are now smaller."""

            def correct_mean(mean, beta, t):
                return mean * (1 - beta**t)

            def correct_square(square, beta, t):
                return square * (1 - beta**t)

        def give__corrected(weight, new, corrected, old):
            """The weight is right. The averages come back corrected, and the next step will correct
            them again. For what alone is the correction?"""
            return weight, *corrected

        def give__old(weight, new, corrected, old):
            """The weight is right. The averages that come back are those from before the step, so
            nothing is ever remembered."""
            return weight, *old

        def give__square_first(weight, new, corrected, old):
            """All three are right; mean and square come back in the other order."""
            return weight, new[1], new[0]

        def give__weight_last(weight, new, corrected, old):
            """All three are right, and the weight comes back last. It should come first."""
            return *new, weight

        def root__eps_inside(square, eps, beta, t):
            """eps stands under the root. There 1e-8 becomes 1e-4, which is not small for a gradient
            of 1e-6. When is it to be added?"""
            return np.sqrt(square + eps)

        def root__eps_before_the_correction(square, eps, beta, t):
            """eps is added before the correction, and then corrected with the rest: at the first step
            it counts thirty times. Add it to the corrected root."""
            return np.sqrt(square) + eps / np.sqrt(1 - beta**t)

        def root__no_eps(square, eps, beta, t):
            """eps is missing. Where a gradient was always 0 this divides 0 by 0; and for tiny ones it
            shows already."""
            return np.sqrt(square)

        def root__none(square, eps, beta, t):
            """The mean is divided by the squares, without a root: the step is in one over the unit of
            the gradient. Which size has the unit of a gradient?"""
            return square + eps

        def root__maximum(square, eps, beta, t):
            """eps is a floor here, not a summand. That is a fair guard against 0, and differs where
            gradients are near eps: add it to the root."""
            return np.maximum(np.sqrt(square), eps)

        def square__of_the_mean(square, gradient, beta, mean):
            """The square of the running mean is averaged. What is wanted is the mean of the squares:
            gradients that take turns in their sign are large, though their mean is small."""
            return beta * square + (1 - beta) * mean**2

        def square__size(square, gradient, beta, mean):
            """The size of the gradient is averaged, not its square. The root comes later, of the
            average."""
            return beta * square + (1 - beta) * np.abs(gradient)

        def square__not_squared(square, gradient, beta, mean):
            """The gradient goes into the average of the squares as it is, negative where it is
            negative: roots of that are NaN. What should be averaged?"""
            return beta * square + (1 - beta) * gradient

        def square__one_for_the_array(square, gradient, beta, mean):
            """All numbers of the array share one size, the mean of their squares. Adam gives every
            number a step of its own."""
            return beta * square + (1 - beta) * (gradient**2).mean()

        def square__sum(square, gradient, beta, mean):
            """The whole new square comes in, and this is a fading sum, about 1000 times too large at
            the end. An average that keeps beta gains how much?"""
            return beta * square + gradient**2

        def mean__sum(mean, gradient, beta):
            """The whole new gradient comes in, and this is a fading sum, ten times too large, as
            momentum keeps it. An average that keeps beta gains how much?"""
            return beta * mean + gradient

        def mean__complement(mean, gradient, beta):
            """The shares of the mean are swapped: it keeps 1 - beta, a tenth, and forgets almost at
            once. Which share is for what was?"""
            return (1 - beta) * mean + beta * gradient

        def square__complement(square, gradient, beta, mean):
            """The shares of the squares are swapped: a thousandth is kept. Which share is for what
            was?"""
            return (1 - beta) * square + beta * gradient**2

        def order__swapped(beta_1, beta_2):
            """The two betas are swapped: the mean is slow, and the squares are quick. beta_1 is for
            the mean."""
            return beta_2, beta_1

        def order__one_for_both(beta_1, beta_2):
            """Both averages fade with beta_1. The squares have a slower one of their own."""
            return beta_1, beta_1

        def along__the_gradient(mean, gradient):
            """The gradient of now is divided by its running size; the mean is kept and not used. That
            is RMSProp. Which of the two should move the weight?"""
            return gradient

        def move__by_the_mean(weight, along, size, lr, eps):
            """The mean moves the weight as it is, and the average of the squares is kept for nothing.
            What makes a step of about lr of it, whatever the gradient's size?"""
            return weight - lr * along

        def move__uphill(weight, along, size, lr, eps):
            """The weight moves along the gradient, and the loss grows. The gradient points uphill:
            which way is down?"""
            return weight + lr * along / size

        def move__no_rate(weight, along, size, lr, eps):
            """Every number moves by about 1. How long should a step of Adam be?"""
            return weight - along / size

        def move__times_the_size(weight, along, size, lr, eps):
            """The mean is multiplied by its size, not divided: the larger a gradient, the larger the
            step, by its square."""
            return weight - lr * along * size

        class eps_on_the_weight:
            """eps is added to the finished weight: brackets are missing. It keeps a division by 0
            away, so it belongs to what is divided by."""

            def root(square, eps, beta, t):
                return np.sqrt(square)

            def move(weight, along, size, lr, eps):
                return weight - lr * along / size + eps

        class decay_in_the_gradient:
            """The decay went into the gradient, and so through both averages: weights with large
            gradients hardly shrink. Decoupled means beside them, on the weight alone."""

            def join(gradient, weight, weight_decay):
                return gradient + weight_decay * weight

            def pull(weight, lr, weight_decay):
                return weight

        class decayed_twice:
            """The weight is pulled to zero, and the decay is in the gradient, too. Once is enough:
            which of the two is decoupled?"""

            def join(gradient, weight, weight_decay):
                return gradient + weight_decay * weight

        def hand_on__nothing(beta_1, beta_2, eps):
            """adamw is right as long as betas and eps are the usual ones. Others that come in are not
            handed on."""
            return (0.9, 0.999), 1e-8

        def pull__no_rate(weight, lr, weight_decay):
            """The decay takes its whole share at every step, whatever the learning rate. At lr = 0.001
            and a decay of 0.01, how much should a step take?"""
            return weight * (1 - weight_decay)

        def pull__none(weight, lr, weight_decay):
            """Nothing is pulled to zero: this is adam. Where does weight_decay come in?"""
            return weight

        def pull__away(weight, lr, weight_decay):
            """The decay makes the weights larger: they are pushed away from zero."""
            return weight * (1 + lr * weight_decay)

        def pull__to_a_share(weight, lr, weight_decay):
            """What should be taken away is all that is left: the weight is multiplied by lr times
            weight_decay. How much of it should remain?"""
            return weight * (lr * weight_decay)

        def pull__constant(weight, lr, weight_decay):
            """Every weight loses the same amount, however large it is. Decay takes a share: from a
            larger weight it takes more."""
            return weight - lr * weight_decay

        def pull__by_sign(weight, lr, weight_decay):
            """Every weight moves to zero by the same amount, as an absolute penalty would have it.
            Decay takes a share: from a larger weight it takes more."""
            return weight - lr * weight_decay * np.sign(weight)

        class pulled_after_the_step:
            """The weight is pulled after its step, so that the step shrinks, too. Little differs;
            torch and the docstring pull first."""

            def pull(weight, lr, weight_decay):
                return weight

            def after(moved, weight, lr, weight_decay):
                return moved * (1 - lr * weight_decay)


class exercise_4_11:
    title = "a schedule, and a ceiling"
    minutes = 25
    returns = ("factor", "norm")
    advice = (
        (
            r"norm.*division by zero",
            "Something is divided by 0. May a norm be 0?",
        ),
        (
            r"^(?!.*norm).*division by zero",
            "Something is divided by 0. May warm-up last for all steps, or for none?",
        ),
        (
            r"can't convert|only .* can be converted|ambiguous",
            "A whole array stands where one number should: has it been summed?",
        ),
    )
    hints = (
        (
            "Draw the rate over the steps by hand: where is it 1, where is it lowest, what comes after "
            "the last step? For the ceiling: what must happen to gradients that are short already?"
        ),
        (
            "Up is a line from nothing to 1. Down is half a cosine, from 1 to -1, moved up and cut in "
            "half, over what is left of the steps. The paper's rate is the lower one of two curves."
        ),
        (
            "done = share of the way down, at most 1; math.cos(math.pi * done) falls from 1 to -1. "
            "Micro-batches: divide by parts, round up. The norm: all squares of all arrays in one sum, "
            "then the root. The factor is at most 1."
        ),
        (
            "floor + (1 - floor) * (1 + cos(pi * done)) / 2; C**-0.5 * min(step**-0.5, step * "
            "warmup**-1.5); min(1, ceiling / (norm + 1e-6)), norm. Refuse a step or a warmup below 1."
        ),
    )

    def calls(rng):
        for step in (1, 3, 4, 5, 7, 10, 13):
            yield "warmup_cosine", step, 10, 4, 0.2
        yield "warmup_cosine", 7, 10, 4
        yield "warmup_cosine", 25, 41, 7, 0.05
        yield "warmup_cosine", 1, 6, 0
        yield "warmup_cosine", 6, 6, 6, 0.3
        yield "warmup_cosine", 7, 6, 6, 0.3
        for micro_batch in (1, 3, 4, 5, 12, 13, 16, 17, 40, 41):
            yield "warmup_cosine_of", micro_batch, 4, 10, 3, 0.2
        yield "warmup_cosine_of", 7, 1, 10, 3
        for step in (1, 3, 5, 7, 19, 20):
            yield "inverse_square_root", step, 16, 5
        yield "inverse_square_root", 1, 16, 1
        yield "inverse_square_root", 16_000, 512, 4000
        three_four = {"a": np.array([3.0]), "b": np.array([4.0])}
        yield "clip_factor", three_four, 1.0
        yield "clip_factor", three_four, 10.0
        yield "clip_factor", {"w": rng.normal(size=(2, 3)), "b": rng.normal(size=4)}, 0.3
        yield "clip_factor", {"w": rng.normal(size=(2, 3)), "b": rng.normal(size=4)}, 300.0
        # one array far longer than the others, and one that is short altogether
        yield "clip_factor", {"a": np.full((2, 2), 300.0), "b": np.array([0.1, -0.2])}, 2.0
        yield "clip_factor", {"a": np.array([2e-6, -1e-6])}, 1e-6
        yield "clip_factor", {"a": np.zeros((2, 3))}, 1.0

    def random_call(rng):
        if rng.random() < 0.4:
            warmup = int(rng.integers(0, 9))
            steps = warmup + int(rng.integers(1, 20))
            floor = float(rng.choice([0, 0.1, 0.5]))
            if rng.random() < 0.5:
                parts = int(rng.integers(1, 6))
                micro_batch = int(rng.integers(1, parts * (steps + 4)))
                return "warmup_cosine_of", micro_batch, parts, steps, warmup, floor
            return "warmup_cosine", int(rng.integers(1, steps + 4)), steps, warmup, floor
        if rng.random() < 0.4:
            return "inverse_square_root", *(int(n) for n in rng.integers(1, [40, 65, 20]))
        names = "abc"[: rng.integers(1, 4)]
        gradients = {n: rng.normal(size=rng.integers(1, 4, size=rng.integers(1, 4))) for n in names}
        return "clip_factor", gradients, float(rng.choice([0.1, 1.0, 3.0, 100.0]))

    def refusals(rng):
        yield "warmup_cosine", 0, 10, 4
        yield "inverse_square_root", 0, 16, 4
        yield "inverse_square_root", 1, 16, 0

    class steps:
        def up(step, warmup, floor):
            return step / warmup

        def rising(step, warmup):
            return step <= warmup

        def done(step, steps, warmup):
            return (step - warmup) / max(1, steps - warmup)

        def ended(done):
            return min(1, done)

        def wave(done):
            return (1 + math.cos(math.pi * done)) / 2

        def raised(wave, floor):
            return floor + (1 - floor) * wave

        def step_of(micro_batch, parts):
            return -(-micro_batch // parts)

        def planned(steps, warmup, parts):
            return steps, warmup

        def width(C):
            return C**-0.5

        def falls(step):
            return step**-0.5

        def climbs(step, warmup):
            return step * warmup**-1.5

        choose = min

        def norm(gradients):
            return math.sqrt(sum(float((d**2).sum()) for d in gradients.values()))

        def factor(norm, ceiling):
            return ceiling / (norm + 1e-6)

        def limit(factor):
            return min(1.0, factor)

        def give(factor, norm):
            return factor, norm

    def whole(steps):
        def warmup_cosine(step, steps_, warmup, floor=0.0):
            if step < 1:
                raise ValueError
            if steps.rising(step, warmup):
                return steps.up(step, warmup, floor)
            done = steps.ended(steps.done(step, steps_, warmup))
            return steps.raised(steps.wave(done), floor)

        def warmup_cosine_of(micro_batch, parts, steps_, warmup, floor=0.0):
            step = steps.step_of(micro_batch, parts)
            return warmup_cosine(step, *steps.planned(steps_, warmup, parts), floor)

        def inverse_square_root(step, C, warmup):
            if min(step, warmup) < 1:
                raise ValueError
            lower = steps.choose(steps.falls(step), steps.climbs(step, warmup))
            return steps.width(C) * lower

        def clip_factor(gradients, ceiling):
            norm = steps.norm(gradients)
            return steps.give(steps.limit(steps.factor(norm, ceiling)), norm)

        return {
            "warmup_cosine": warmup_cosine,
            "warmup_cosine_of": warmup_cosine_of,
            "inverse_square_root": inverse_square_root,
            "clip_factor": clip_factor,
        }

    class properties:
        def warmup_cosine__from_0_to_1(f, result, step, steps, warmup, floor=0.0):
            if not 0 <= result <= 1 + 1e-12:
                return f"Step {step} of {steps} has the share {result:.3g}. Shares are from 0 to 1."

        def warmup_cosine__the_top(f, result, step, steps, warmup, floor=0.0):
            if step == warmup and abs(result - 1) > 1e-9:
                return f"Step {warmup}, the last of the warm-up, should have the whole rate."

        def warmup_cosine__the_end(f, result, step, steps, warmup, floor=0.0):
            if step == steps > warmup and abs(result - floor) > 1e-9:
                return f"Step {steps} of {steps} has the share {result:.3g}, not the floor {floor:.3g}."

        def warmup_cosine__stays_at_the_floor(f, result, step, steps, warmup, floor=0.0):
            if step > steps and abs(result - floor) > 1e-9:
                return f"Step {step} of {steps} has the share {result:.3g}. It should stay low."

        def warmup_cosine_of__the_parts_of_a_step_agree(
            f, result, micro_batch, parts, steps, warmup, floor=0.0
        ):
            first = (micro_batch - 1) // parts * parts
            given = parts, steps, warmup, floor
            shares = [f.warmup_cosine_of(first + n, *given) for n in range(1, parts + 1)]
            if max(shares) - min(shares) > 1e-9:
                return (
                    f"Micro-batches {first + 1} to {first + parts} make one step, and have different "
                    "shares. Which numbers count steps here, and which micro-batches?"
                )

        def warmup_cosine_of__the_end(f, result, micro_batch, parts, steps, warmup, floor=0.0):
            if micro_batch == parts * steps > parts * warmup and abs(result - floor) > 1e-9:
                return (
                    f"Micro-batch {micro_batch}, the last of all, has {result:.3g}, not the floor."
                )

        def inverse_square_root__peak(f, result, step, C, warmup):
            if step == warmup and abs(result * math.sqrt(C * warmup) - 1) > 1e-9:
                return (
                    f"At the end of the warm-up the rate is {result:.3g}, not 1 / sqrt(C * warmup)."
                )

        def inverse_square_root__a_quarter(f, result, step, C, warmup):
            if step == 4 * warmup and abs(2 * result * math.sqrt(C * warmup) - 1) > 1e-9:
                return "Four times as many steps as the warm-up has should leave half of the peak."

        def clip_factor__short_gradients_stay(f, result, gradients, ceiling):
            factor = f.clip_factor(gradients, 1e9)[0]
            if abs(factor - 1) > 1e-9:
                return f"Under a ceiling far above them gradients are multiplied by {factor:.3g}."

        def clip_factor__never_longer_than_the_ceiling(f, result, gradients, ceiling):
            squares = sum(((result[0] * d) ** 2).sum() for d in gradients.values())
            if math.sqrt(squares) > ceiling * (1 + 1e-9):
                return f"After clipping the gradients are {math.sqrt(squares):.3g} long, above {ceiling}."

        def clip_factor__norm_of_all(f, result, gradients, ceiling):
            numbers = np.concatenate([d.ravel() for d in gradients.values()])
            if abs(result[1] - np.linalg.norm(numbers)) > 1e-9:
                return "The norm is not the length of all numbers, laid behind each other."

    class slips:
        def up__from_0(step, warmup, floor):
            """Warm-up begins at 0: the first step moves nothing. Steps count from 1 here, and step 1
            has a rate already."""
            return (step - 1) / warmup

        def up__never_full(step, warmup, floor):
            """Warm-up ends just below the full rate: it is divided by one step too many."""
            return step / (warmup + 1)

        def up__root(step, warmup, floor):
            """Warm-up climbs as a root. It should be a line: half-way through, half of the rate."""
            return math.sqrt(step / warmup)

        def up__from_the_floor(step, warmup, floor):
            """Warm-up climbs from the floor. The docstring has step 1 at 1 / warmup: the floor is for
            the way down alone."""
            return floor + (1 - floor) * step / warmup

        def rising__never(step, warmup):
            """Before step `warmup` the cosine is drawn as well, backwards: the rate climbs along it,
            from too high up. On which line should it climb?"""
            return False

        class no_warm_up:
            """There is no warm-up: the first steps have the whole rate. Weights that are still random
            take the longest steps. What should step 1 of the warm-up have?"""

            def rising(step, warmup):
                return False

            def ended(done):
                return max(0, min(1, done))

        class falls_from_0:
            """There is no warm-up: the rate falls from step 0 on, and the first steps have nearly all
            of it. Over which steps should it climb first?"""

            def rising(step, warmup):
                return False

            def done(step, steps, warmup):
                return step / steps

        def done__of_all_steps(step, steps, warmup):
            """The cosine counts from step 0, so that the rate jumps down where the warm-up ends. The
            way down begins at the top."""
            return step / steps

        def done__shifted_only(step, steps, warmup):
            """The way down begins at the right step and is divided by all of them, so it never arrives
            at the floor. How many steps are left after the warm-up?"""
            return (step - warmup) / steps

        def done__one_late(step, steps, warmup):
            """The way down is one step behind: the top lasts for two steps, and the floor is not
            reached in time."""
            return (step - warmup - 1) / max(1, steps - warmup)

        def done__one_late_and_short(step, steps, warmup):
            """The way down begins one step late: the top lasts for two steps. Which share of the way
            has passed at the first step after the warm-up?"""
            return (step - warmup - 1) / max(1, steps - warmup - 1)

        def done__one_short(step, steps, warmup):
            """The way down is one step too short: the floor is reached before the last step."""
            return (step - warmup) / max(1, steps - warmup - 1)

        def ended__never(done):
            """After the last step the cosine climbs again, and with it the rate. What should a step
            beyond the plan have?"""
            return done

        def wave__whole(done):
            """A whole cosine is drawn: down and up again, so that the last step has the full rate.
            Which part of it falls only?"""
            return (1 + math.cos(2 * math.pi * done)) / 2

        def wave__quarter(done):
            """A quarter of a cosine is drawn: it begins flat and ends steep. Half a cosine is flat at
            both ends."""
            return math.cos(math.pi * done / 2)

        def wave__upwards(done):
            """The cosine climbs after the warm-up: lowest where it should be highest. Which sign
            stands before it?"""
            return (1 - math.cos(math.pi * done)) / 2

        def wave__line(done):
            """The rate falls along a line. That is a good schedule, too; this one is half a cosine,
            flat at both ends."""
            return 1 - done

        def wave__not_halved(done):
            """1 plus a cosine goes from 2 to 0: at the top the rate is twice what was asked for."""
            return 1 + math.cos(math.pi * done)

        def wave__not_moved(done):
            """The cosine falls to -1, and with it the rate: below 0 training climbs uphill. It has to
            be moved up and cut in half."""
            return math.cos(math.pi * done)

        def wave__no_pi(done):
            """The cosine ends at an angle of 1, not of pi: it has hardly begun to fall. How far does
            half a wave reach?"""
            return (1 + math.cos(done)) / 2

        def wave__degrees(done):
            """The angle goes to 180, as degrees would. math.cos takes radians: how many are half a
            turn?"""
            return (1 + math.cos(180 * done)) / 2

        def raised__none(wave, floor):
            """The rate falls to 0, and the floor is not used. Where should the last step stand?"""
            return wave

        def raised__added(wave, floor):
            """The floor is added to a wave that already reaches 1: the top is too high by the floor.
            How much room is left above it?"""
            return floor + wave

        def raised__cut(wave, floor):
            """The wave is cut off at the floor: it falls too fast and then lies flat. It should be
            squeezed into the room between floor and 1."""
            return max(floor, wave)

        def step_of__micro_batches(micro_batch, parts):
            """The schedule is moved on by every micro-batch: with four to a step it is over after a
            quarter of the run. What does one step of the optimiser count as?"""
            return micro_batch

        def step_of__one_late(micro_batch, parts):
            """The last micro-batch of a step has the share of the next step already. Which step is
            micro-batch 4, where four make one?"""
            return micro_batch // parts + 1

        def step_of__from_0(micro_batch, parts):
            """Micro-batch 1 became step 0, which there is not: steps count from 1. How does one divide
            and round up?"""
            return micro_batch // parts

        def step_of__a_quarter(micro_batch, parts):
            """Micro-batch 1 became a quarter of a step, where four make one. All micro-batches of a
            step have its share: divide, and then?"""
            return micro_batch / parts

        def step_of__not_whole(micro_batch, parts):
            """The share moves within a step: a quarter of a step is no step. All micro-batches of a
            step have the same share."""
            return max(1, micro_batch / parts)

        def step_of__times(micro_batch, parts):
            """The number of the micro-batch is multiplied by how many make a step. Are there more
            steps than micro-batches, or fewer?"""
            return micro_batch * parts

        def warmup_cosine_of__no_floor(micro_batch, parts, steps, warmup, floor=0.0):
            """The floor stays at 0 here: warmup_cosine_of does not hand on the one that it is
            given."""
            return warmup_cosine(-(-micro_batch // parts), steps, warmup)

        class planned_in_micro_batches:
            """Everything counts micro-batches here, so that the share moves within a step. What comes
            in as steps and warmup counts steps; which of the three has to be converted?"""

            def step_of(micro_batch, parts):
                return micro_batch

            def planned(steps, warmup, parts):
                return steps * parts, warmup * parts

        def planned__steps_alone(steps, warmup, parts):
            """steps was multiplied by the parts, as if it counted micro-batches. What comes in as
            steps and warmup counts steps; which number has to be converted?"""
            return steps * parts, warmup

        class planned_half_in_micro_batches:
            """steps was multiplied by the parts, and micro_batch is used as it came: both count
            micro-batches then, and warmup counts steps. Which number has to be converted?"""

            def step_of(micro_batch, parts):
                return micro_batch

            def planned(steps, warmup, parts):
                return steps * parts, warmup

        def done__unguarded(step, steps, warmup):
            """Where the warm-up lasts for all steps, this divides by 0. How many steps are left then,
            and what may one divide by?"""
            return (step - warmup) / (steps - warmup)

        class never_ended_and_unguarded:
            """After the last step the cosine climbs again, and with it the rate: what should step 13
            of 10 have? And where the warm-up lasts for all steps, this divides by 0."""

            def done(step, steps, warmup):
                return (step - warmup) / (steps - warmup)

            def ended(done):
                return done

        def choose__higher(falls, climbs):
            """Of the two curves the higher one is taken: the rate begins enormous, and then climbs
            for ever. Which one should hold it down?"""
            return max(falls, climbs)

        def choose__no_warm_up(falls, climbs):
            """The rate falls from the first step on, and that one has the highest of all. What
            should hold it down before step `warmup`?"""
            return falls

        def choose__no_fall(falls, climbs):
            """The rate climbs for ever: the curve that should take over after the warm-up is
            missing."""
            return climbs

        def choose__product(falls, climbs):
            """The two curves are multiplied. At every step only one of them holds, the lower one."""
            return falls * climbs

        def width__none(C):
            """The width of the model is left out. A model of 512 channels should have a rate about 23
            times lower."""
            return 1

        def width__root(C):
            """The root of C multiplies: a wider model gets a higher rate. In equation 3 the exponent
            of the width is negative."""
            return C**0.5

        def width__whole(C):
            """This divides by C itself. In equation 3 the exponent of the width is one half."""
            return 1 / C

        def falls__as_1_over_step(step):
            """The rate falls as 1 / step: after 16 times the warm-up a sixteenth is left, and a
            quarter should be."""
            return 1 / step

        def climbs__exponent_half(step, warmup):
            """The two curves do not meet at the end of the warm-up. What must step be multiplied by,
            so that at `warmup` both give 1 over its root?"""
            return step * warmup**-0.5

        def climbs__whole_share(step, warmup):
            """The line would reach 1 at the end of the warm-up. It meets the falling curve long before,
            so the peak comes too early and too high. At `warmup` both should be equal."""
            return step / warmup

        def norm__sum_of_norms(gradients):
            """The lengths of the arrays are added. 3 and 4 at right angles are 5 long together, not
            7: what is added before the root?"""
            return sum(math.sqrt((d**2).sum()) for d in gradients.values())

        def norm__root_of_the_norms(gradients):
            """The lengths of the arrays are added, and then comes one more root. np.linalg.norm has
            taken a root already: what is added before it?"""
            return math.sqrt(sum(np.linalg.norm(d) for d in gradients.values()))

        def norm__longest(gradients):
            """This is the length of the longest array. All arrays together are one vector: how long
            is that?"""
            return max(math.sqrt((d**2).sum()) for d in gradients.values())

        def norm__no_root(gradients):
            """The sum of the squares is no length yet: 3 and 4 are 5 long, not 25."""
            return sum(float((d**2).sum()) for d in gradients.values())

        def norm__absolute(gradients):
            """The sizes of all numbers are added. The length of a vector is another: 3 and 4 make 5."""
            return sum(float(np.abs(d).sum()) for d in gradients.values())

        def norm__largest(gradients):
            """This is the largest number of all, not the length of them as one vector."""
            return max(float(np.abs(d).max()) for d in gradients.values())

        def norm__mean(gradients):
            """The squares are averaged, not added: the more numbers a model has, the longer its
            gradient may be. A length adds."""
            numbers = np.concatenate([d.ravel() for d in gradients.values()])
            return float(np.sqrt((numbers**2).mean()))

        def norm__last(gradients):
            """Only the last array is measured: in the loop each one takes the place of the one
            before. What has to be added up?"""
            return float(np.sqrt((list(gradients.values())[-1] ** 2).sum()))

        def limit__none(factor):
            """Short gradients are made longer, up to the ceiling. It is a ceiling, not a target: what
            should happen below it?"""
            return factor

        def limit__wrong_way(factor):
            """Long gradients stay, and short ones are stretched to the ceiling: the comparison is
            turned round."""
            return max(1.0, factor)

        def factor__inverse(norm, ceiling):
            """The norm is divided by the ceiling: gradients that are far too long stay as they are,
            and short ones shrink."""
            return norm / ceiling

        def factor__ceiling_alone(norm, ceiling):
            """The ceiling is used as the factor. Gradients twice as long as the ceiling should be
            halved: what is it divided by?"""
            return ceiling

        def factor__one_over_norm(norm, ceiling):
            """Gradients longer than 1 come out 1 long, whatever the ceiling is. What should stand above
            the norm?"""
            return 1 / (norm + 1e-6)

        def give__norm_after(factor, norm):
            """The norm that comes back is the one after clipping, which hardly ever says anything.
            Which one would you want to see in a log?"""
            return factor, factor * norm

        def give__swapped(factor, norm):
            """Both are right and come back in the other order. The factor comes first."""
            return norm, factor

        def give__factor_alone(factor, norm):
            """The factor comes back alone. The norm should come with it: it is what one plots."""
            return factor

    class variants:
        def rising__below(step, warmup):
            return step < warmup

    class accepts:
        def factor__no_eps(norm, ceiling):
            """Without the 1e-6 of torch, and right: the ceiling is met exactly."""
            return ceiling / norm if norm else math.inf
