"""Checks of day2/bigram.py. What each part is for stands in study/naming.py."""

import numpy as np
import torch
import torch.nn.functional as F


def fresh(seed):
    return torch.Generator().manual_seed(seed)


def after_seed(seed, throw):
    """What is thrown when the numbers that all of PyTorch shares start here."""
    torch.default_generator.manual_seed(seed)  # torch.manual_seed looks for other devices, too
    return throw()


def either(flag):
    return torch.tensor(bool(flag))


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


class exercise_2_3:
    title = "a batch of windows"
    minutes = 20
    returns = (
        "inputs from each start",
        "targets from each start",
        "shares of the starts",
        "rows start apart",
        "batches differ",
        "generator obeyed",
    )
    hints = (
        (
            "Take a text of six different symbols and print a few batches of two windows. Does "
            "every place where a window fits occur as a start, and the last symbol as a target?"
        ),
        (
            "A window holds one symbol more than it has positions: without the last symbol it is "
            "the input, without the first it is the target. How many starts leave room for that?"
        ),
        (
            "One torch.randint gives B starts, with the generator passed on; its upper end is left "
            "out. A column of starts plus a row of offsets 0 to T is a table of places."
        ),
        (
            "starts = torch.randint(len(ids) - T, (B,), generator=generator). windows = "
            "ids[starts[:, None] + torch.arange(T + 1)]. Return windows[:, :-1], windows[:, 1:]."
        ),
    )
    advice = (
        (
            r"out of bounds|equal size|expanded size",
            "A window may reach beyond the end of the text: which start is the last that fits?",
        ),
    )

    def calls(rng):
        yield "batch", np.array([3, 1, 4, 2]), 2, 3  # one start alone leaves room
        yield "batch", np.array([5, 2, 7, 1, 6]), 2, 2
        yield "batch", np.array([4, 9, 0, 7, 2]), 3, 2
        yield "batch", np.array([6, 1, 8, 3]), 1, 1
        yield "batch", rng.permutation(30)[:6], 2, 3
        # few starts and many rows: how often each of them comes is seen
        yield "batch", np.array([2, 0, 3, 1]), 1000, 1

    def random_call(rng):
        B, T = (int(n) for n in rng.integers(1, 5, size=2))
        return "batch", rng.permutation(50)[: T + rng.integers(1, 4)], B, T

    def refusals(rng):
        yield "batch", np.arange(4), 2, 4
        yield "batch", np.arange(4), 0, 2
        yield "batch", np.arange(4), 2, 0

    drawn = True

    def reading(f, result, ids, B, T, generator=None):
        """What is certain of batches from a text of different symbols: the windows by their starts
        (-1 where none or several were seen), and whether chance came in where it should.
        """
        if result is None:
            return None
        N, many = len(ids), B >= 1000
        # so many that three starts are all seen: 3 (2 / 3)^72 is nothing
        draws = 1 if many else max(40, 72 // B)
        batches = [result, *(f.batch(ids, B, T) for _ in range(draws))]
        for pair in batches:
            tensors = isinstance(pair, (tuple, list)) and [torch.is_tensor(part) for part in pair]
            if tensors != [True, True]:
                raise TypeError("batch must return two tensors: the inputs, then the targets")
        shapes = {(tuple(x.shape), tuple(y.shape)) for x, y in batches}
        if wrong := shapes - {((B, T), (B, T))}:
            x, y = min(wrong)
            raise ValueError(f"batch gives inputs {x} and targets {y}, not (B, T) = {(B, T)}")
        if any(part.is_floating_point() for part in result):
            raise TypeError("the ids of a batch must be whole numbers, not floats")
        windows = torch.stack([torch.stack(tuple(pair)) for pair in batches], dim=1)
        starts = (windows[0, :, :, :1] == ids).int().argmax(dim=-1)  # (., B)
        differ, gaps = (windows != windows[:, :1]).any(), starts.diff(dim=1)
        apart = differ and B > 1 and (gaps != gaps[0, 0]).any()
        known, shares = torch.full((2, N, T), -1), torch.zeros(N, dtype=torch.float64)
        if N == T + 1 or (differ and (B == 1 or gaps.any())):
            for start in range(N):
                for part, found in enumerate(windows[:, starts == start]):
                    if len(found) and (found == found[0]).all():
                        known[part, start] = found[0]
            if many:
                shares = torch.bincount(starts.flatten(), minlength=N) / starts.numel()
                even = (torch.arange(N) < N - T) / (N - T)
                shares = even if (shares - even).abs().max() < 0.09 else (shares * 4).round() / 4
        text = torch.arange(500)
        a, b, c = (
            after_seed(n, lambda seed=seed: f.batch(text, 4, T, fresh(seed))[0])
            for n, seed in ((1, 7), (2, 7), (3, 8))
        )
        obeyed = torch.equal(a, b) and not (differ and torch.equal(a, c))
        return *known, shares, either(apart), either(differ), either(obeyed)

    class steps:
        def room(N, B, T):
            return N - T

        def starts(room, B, T, generator):
            return torch.randint(room, (B,), generator=generator)

        def windows(ids, starts, T):
            return ids[starts[:, None] + torch.arange(T + 1)]

        def inputs(windows):
            return windows[:, :-1]

        def targets(windows):
            return windows[:, 1:]

        def give(inputs, targets):
            return inputs, targets

    def whole(steps):
        def batch(ids, B, T, generator=None):
            starts = steps.starts(steps.room(len(ids), B, T), B, T, generator)
            windows = steps.windows(ids, starts, T)
            return steps.give(steps.inputs(windows), steps.targets(windows))

        return {"batch": batch}

    class properties:
        def the_generator_is_obeyed(f, result, ids, B, T, generator=None):
            if not result[5]:
                return (
                    "Equal generators do not give equal batches, or different ones give the same: "
                    "the starts are thrown by something else than the generator that is given."
                )

        def chance_comes_in(f, result, ids, B, T, generator=None):
            if len(ids) > T + 1 and not result[4]:
                return "Without a generator, one call after the other gives the same batch."

        def rows_start_apart(f, result, ids, B, T, generator=None):
            if len(ids) > T + 1 and B > 1 and not result[3]:
                return (
                    "Where one row starts says where the next one does. Each needs its own throw."
                )

        def every_window_is_cut(f, result, ids, B, T, generator=None):
            for start, inputs in enumerate(result[0]):
                fits = start < len(ids) - T
                if fits and (inputs != ids[start : start + T]).any():
                    return f"A window fits at place {start}, and none is cut there as it stands."
                if not fits and (inputs >= 0).any():
                    return f"A window starts at place {start}, where the text is too short for it."

        def targets_stand_one_later(f, result, ids, B, T, generator=None):
            for start in range(len(ids) - T):
                if (result[1][start] != ids[start + 1 : start + 1 + T]).any():
                    return (
                        f"The targets of the window at place {start} are not the symbols that stand "
                        "one place later."
                    )

        def starts_come_equally_often(f, result, ids, B, T, generator=None):
            shares = result[2][: len(ids) - T]
            if np.ptp(shares) > 0.1:
                return f"Of {len(shares)} starts, one comes far more often than another."

    class variants:
        def windows__slices(ids, starts, T):
            return torch.stack([ids[s : s + T + 1] for s in starts])

        class two_slices:
            def windows(ids, starts, T):
                return ids, starts, T

            def inputs(windows):
                ids, starts, T = windows
                return torch.stack([ids[s : s + T] for s in starts])

            def targets(windows):
                ids, starts, T = windows
                return torch.stack([ids[s + 1 : s + T + 1] for s in starts])

        def starts__scaled(room, B, T, generator):
            return (torch.rand(B, generator=generator) * room).long()

    class slips:
        def room__one_more(N, B, T):
            """Some windows reach beyond the end of the text. A window takes T + 1 symbols, the last
            target too: which is the last start that leaves room for them?"""
            return N - T + 1

        @like(room__one_more)
        def room__everywhere(N, B, T):
            return N

        def room__one_less(N, B, T):
            """No window reaches the last symbol of the text, and a text of T + 1 symbols has no
            window at all. The upper end of torch.randint is left out already."""
            return N - T - 1

        def starts__not_the_first(room, B, T, generator):
            """No window starts at the first symbol of the text. Places are counted from 0."""
            return torch.randint(1, room, (B,), generator=generator)

        def starts__same(room, B, T, generator):
            """All rows of a batch are the same window: one start was thrown for all of them. Throw
            one for each row."""
            return torch.randint(room, (1,), generator=generator).expand(B)

        def starts__neighbours(room, B, T, generator):
            """The rows of a batch are neighbours in the text: one start was thrown, and the others
            follow from it. Rows that resemble each other teach less: throw a start for each."""
            first = torch.randint(room - (B - 1) * T, (1,), generator=generator)
            return first + T * torch.arange(B)

        def starts__multiples(room, B, T, generator):
            """The starts are multiples of T: the text is cut into the same pieces every time. A
            window may start at any place that leaves room for it."""
            return torch.randint((room + T - 1) // T, (B,), generator=generator) * T

        def starts__seeded(room, B, T, generator):
            """Every call gives the same batch. Is a seed set, or a start fixed, inside the
            function? Training would see these few windows and nothing else."""
            torch.default_generator.manual_seed(1337)
            return torch.randint(room, (B,), generator=generator)

        def starts__moved_back(room, B, T, generator):
            """The last start comes far too often: starts that lie beyond it were moved back to it.
            Throw only among the starts that fit."""
            return torch.randint(room + T, (B,), generator=generator).clamp(max=room - 1)

        def starts__rounded(room, B, T, generator):
            """The first and the last start come half as often as the others, as when a number is
            rounded to the nearest place. Every start should be as likely."""
            return (torch.rand(B, generator=generator) * (room - 1)).round().long()

        def starts__without_generator(room, B, T, generator):
            """The generator that is given changes nothing: two calls with the same seed give two
            batches. Whoever throws the starts needs it, or a run cannot be repeated."""
            return torch.randint(room, (B,))

        def starts__once_each(room, B, T, generator):
            """No start comes twice in a batch, so a short text gives fewer than B rows. Each row
            throws its start anew."""
            return torch.randperm(room, generator=generator)[:B]

        def windows__short(ids, starts, T):
            """The windows hold T symbols, and without the last or the first one T - 1 are left. How
            many symbols are needed for T inputs with a target each?"""
            return ids[starts[:, None] + torch.arange(T)]

        def windows__places(ids, starts, T):
            """These are places in the text, not the symbols that stand there: look them up in
            ids."""
            return starts[:, None] + torch.arange(T + 1)

        def targets__unshifted(windows):
            """The targets are the inputs themselves. To say again what was just read is easy: which
            symbol should be foretold at each position?"""
            return windows[:, :-1]

        def targets__rolled(windows):
            """The last target of a row is its first input: the row was rolled round. What comes
            after the last input stands in the text, one place further on."""
            return windows[:, :-1].roll(-1, dims=1)

        def targets__last_alone(windows):
            """There is one target for a whole row, the last. Every position is asked for its next
            symbol: T inputs have T targets."""
            return windows[:, -1]

        class two_ahead:
            """The targets stand two places later than the inputs. Which symbol comes right after
            the one that was read?"""

            def room(N, B, T):
                return N - T - 1

            def windows(ids, starts, T):
                return ids[starts[:, None] + torch.arange(T + 2)]

            def inputs(windows):
                return windows[:, :-2]

            def targets(windows):
                return windows[:, 2:]

        def give__turned_round(inputs, targets):
            """The targets come first here. Return the inputs, then the targets."""
            return targets, inputs

        def give__rows_as_columns(inputs, targets):
            """A window stands in a column here. A row is a sequence: the shape is (B, T)."""
            return inputs.mT, targets.mT

        def give__floats(inputs, targets):
            """These ids are floats. An id is a number of a symbol, and a table is looked up by
            whole numbers: keep the type that the text has."""
            return inputs.float(), targets.float()


def capped(least):
    """A slip: the logarithm of shares that are never below a least one."""

    def slip(logits, counted):
        """No loss exceeds a ceiling here: a small number keeps the shares away from 0 before the
        logarithm. A target that is all but ruled out must cost more than that."""
        return (logits.softmax(dim=-1) + least).log()

    return slip


def filled(rows, counted):
    """The table that these rows were picked from, 0 elsewhere."""
    table = torch.zeros(*counted.shape, *rows.shape[1:], dtype=rows.dtype)
    return table.masked_scatter(counted.view(*counted.shape, *(1 for _ in rows.shape[1:])), rows)


class exercise_2_5:
    title = "cross-entropy"
    minutes = 30
    returns = ("loss", "gradient of the loss")
    shows = "loss"
    hints = (
        (
            "Take one row of equal logits for V symbols. Each share is 1 / V: what is the loss, "
            "whatever the target? Then raise the logit of the target, and see which way it goes."
        ),
        (
            "The logarithm of a share is its logit minus the logarithm of the sum of the "
            "exponentials of its row. Only the target's counts, and rows to be ignored are left "
            "out before the mean. Large logits overflow, unless the row's largest goes first."
        ),
        (
            "A boolean index picks the rows that count, and makes a table (N, V) of them. Subtract "
            "its amax, keepdim=True; then the log of the sum of exp. gather takes each target's."
        ),
        (
            "counted = targets != ignore_index; logits, targets = logits[counted], "
            "targets[counted]; shifted = logits - logits.amax(-1, keepdim=True); log_p = shifted - "
            "shifted.exp().sum(-1, keepdim=True).log(). -log_p.gather(-1, targets[:, None]).mean()."
        ),
    )
    advice = (
        (
            r"numpy\(\) on Tensor that requires grad",
            "NumPy remembers no gradients, and without them nothing is learned: stay with torch.",
        ),
        (
            r"index -\d+ is out of bounds|must be non-negative",
            "A target to be ignored is the number of no symbol: leave its row out before.",
        ),
        (
            r"shape mismatch: indexing",
            "logits may have more axes in front: a boolean index first makes a table (N, V) of them.",
        ),
        (
            r"must match the size of tensor",
            "Has a maximum or a sum lost its axis? keepdim=True leaves it in its place.",
        ),
        (
            r"backward|in-?place|leaf",
            "The gradient cannot be taken: was a tensor changed in place? Make new ones instead.",
        ),
    )

    def calls(rng):
        yield "cross_entropy", np.array([[1.0, 2, 0], [0, 0, 3]]), np.array([1, 2])
        yield "cross_entropy", rng.normal(size=(3, 4)), np.array([2, 0, 3])
        yield "cross_entropy", rng.normal(size=(2, 3, 5)), np.array([[1, 4, 0], [0, 2, 2]])
        # rows to be ignored, by a number that no symbol has, and by that of a symbol
        yield "cross_entropy", rng.normal(size=(4, 3)), np.array([2, -100, 0, 1])
        yield "cross_entropy", rng.normal(size=(4, 3)), np.array([-1, 0, 1, -1]), -1
        targets = np.array([[2, 1, 1], [0, 3, 1]])
        yield "cross_entropy", rng.normal(size=(2, 3, 4)), targets, 1
        # a target that is all but ruled out
        yield "cross_entropy", np.array([[1e4, 0, 0], [0, -1e4, 1e4]]), np.array([1, 0])
        yield "cross_entropy", np.array([[1e4, 1e4 + 1], [0, 1]]), np.array([1, 0])
        # all sizes equal: what fits nowhere else runs here
        yield "cross_entropy", rng.normal(size=(3, 3, 3)), rng.integers(3, size=(3, 3))

    def random_call(rng):
        *lead, V = (int(n) for n in rng.integers(1, 5, size=rng.integers(2, 5)))
        logits = rng.normal(size=(*lead, V + 1)) * rng.choice([1, 1, 1000])
        targets = rng.integers(V + 1, size=lead)
        ignored = int(rng.choice([-100, -1, rng.integers(V + 1)]))
        targets[rng.random(lead) < 0.3] = ignored
        targets.flat[0] = (ignored + 1) % (V + 1) if ignored >= 0 else 0
        return "cross_entropy", logits, targets, *(() if ignored == -100 else (ignored,))

    def refusals(rng):
        logits = rng.normal(size=(3, 4))
        yield "cross_entropy", logits, np.array([1, 0])
        yield "cross_entropy", logits, np.array([1, 0, 4])
        yield "cross_entropy", logits, np.array([-100, -100, -100])

    def reading(f, result, logits, targets, ignore_index=-100):
        """The loss, and its gradient with respect to the logits: 0 where there is no way back, and
        not a number where the loss is none.
        """
        if result is None:
            return None
        if isinstance(result, (int, float, np.number)):
            result = torch.tensor(float(result), dtype=logits.dtype)
        if not torch.is_tensor(result):
            raise TypeError("cross_entropy must return one number, in a tensor")
        x = logits.clone().requires_grad_()
        if not result.isfinite().all():
            return result, torch.full_like(logits, torch.nan)
        loss = f.cross_entropy(x * 1, targets, ignore_index)
        if not torch.is_tensor(loss) or not loss.requires_grad:
            return result, torch.zeros_like(logits)
        return result, *torch.autograd.grad(loss.sum(), x, materialize_grads=True)

    class steps:
        def counted(targets, ignore_index):
            return targets != ignore_index

        def log_p(logits, counted):
            return logits.log_softmax(dim=-1)

        def own(log_p, targets, counted):
            return log_p[counted].gather(-1, targets[counted][:, None])[:, 0]

        def surprise(own):
            return -own

        def mean(losses, counted):
            return losses.mean()

        def give(loss):
            return loss

    def whole(steps):
        def cross_entropy(logits, targets, ignore_index=-100):
            counted = steps.counted(targets, ignore_index)
            own = steps.own(steps.log_p(logits, counted), targets, counted)
            return steps.give(steps.mean(steps.surprise(own), counted))

        return {"cross_entropy": cross_entropy}

    class properties:
        def something_can_be_learned(f, result, logits, targets, ignore_index=-100):
            if not result[1].any():
                return "No gradient comes back to the logits: nothing can be learned by this loss."

        def no_loss_is_below_zero(f, result, logits, targets, ignore_index=-100):
            if result[0] < -1e-9:
                return f"The loss is {result[0]:.3g}. A share is at most 1: no loss is below 0."

        def a_constant_cancels(f, result, logits, targets, ignore_index=-100):
            if np.abs(f.cross_entropy(logits + 1, targets, ignore_index)[0] - result[0]) > 1e-9:
                return "Adding 1 to all the logits changes the loss. Softmax sees differences only."

        def what_is_ignored_changes_nothing(f, result, logits, targets, ignore_index=-100):
            if result[1][targets == ignore_index].any():
                return "The loss depends on the logits of a target that is to be ignored."

        def slopes_of_a_row_add_up_to_zero(f, result, logits, targets, ignore_index=-100):
            if np.abs(result[1].sum(axis=-1)).max() > 1e-9:
                return "The gradients of a row do not add up to 0, as those of a softmax do."

        def only_the_own_logit_should_rise(f, result, logits, targets, ignore_index=-100):
            if ((result[1] < -1e-9) & (np.arange(logits.shape[-1]) != targets[..., None])).any():
                return "The loss falls when a logit rises that is not the target's."

        def equal_logits_lose_ln_v(f, result, logits, targets, ignore_index=-100):
            V = logits.shape[-1]
            loss = f.cross_entropy(np.zeros_like(logits), targets, ignore_index)[0]
            if abs(loss - np.log(V)) > 1e-9:
                return (
                    f"Equal logits for {V} symbols lose {loss:.3g}, not ln {V} = {np.log(V):.3g}."
                )

    class variants:
        def own__by_index(log_p, targets, counted):
            log_p, targets = log_p[counted], targets[counted]
            return log_p[torch.arange(len(log_p)), targets]

    class slips:
        log_p__capped_6, log_p__capped_7, log_p__capped_8 = map(capped, (1e-6, 1e-7, 1e-8))
        log_p__capped_9, log_p__capped_10, log_p__capped_12 = map(capped, (1e-9, 1e-10, 1e-12))

        def log_p__over_axis_0(logits, counted):
            """The shares of a row do not add up to 1: the softmax runs along another axis. The
            symbols stand on the last one."""
            return logits.log_softmax(dim=0)

        @like(log_p__over_axis_0)
        def log_p__over_axis_1(logits, counted):
            return logits.log_softmax(dim=1)

        @like(log_p__over_axis_0)
        def log_p__over_rows(logits, counted):
            return filled(logits[counted].log_softmax(dim=0), counted)

        def log_p__of_shares(logits, counted):
            """The softmax was taken twice: shares were given where logits are expected. All shares
            lie between 0 and 1, so the loss can hardly fall."""
            return logits.softmax(dim=-1).log_softmax(dim=-1)

        def log_p__overflow(logits, counted):
            """Right on paper, but exp(10000) is infinite here. What may be subtracted from every
            logit of a row without changing its shares?"""
            return logits - logits.exp().sum(dim=-1, keepdim=True).log()

        @like(log_p__overflow)
        def log_p__overflow_of_what_counts(logits, counted):
            rows = logits[counted]
            return filled(rows - rows.exp().sum(dim=-1, keepdim=True).log(), counted)

        @like(log_p__overflow)
        def log_p__overflow_of_shares(logits, counted):
            return (logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()

        def log_p__underflow(logits, counted):
            """The logarithm comes after the share was made, and a very small share has become 0:
            its logarithm is infinite. Take logit minus logarithm of the sum, without the share."""
            return logits.softmax(dim=-1).log()

        @like(log_p__overflow)
        class overflow_before_choosing:
            def log_p(logits, counted):
                return logits.exp() / logits.exp().sum(dim=-1, keepdim=True)

            def own(p, targets, counted):
                return p[counted].gather(-1, targets[counted][:, None])[:, 0].log()

        @like(log_p__underflow)
        class underflow_before_choosing:
            def log_p(logits, counted):
                return logits.softmax(dim=-1)

            def own(p, targets, counted):
                return p[counted].gather(-1, targets[counted][:, None])[:, 0].log()

        def log_p__max_lost_its_axis(logits, counted):
            """A maximum or a sum has lost its axis, and now meets the wrong logits, or none that
            fit. keepdim=True leaves an axis of length 1 in its place."""
            rows = logits[counted]
            return filled((rows - rows.amax(dim=-1)).log_softmax(dim=-1), counted)

        @like(log_p__max_lost_its_axis)
        def log_p__sum_lost_its_axis(logits, counted):
            return filled(logits[counted] - logits[counted].logsumexp(dim=-1), counted)

        def log_p__one_total(logits, counted):
            """The shares of the whole table add up to 1. Each row is a question of its own, with a
            1 to share out: give the sum an axis."""
            return logits - logits[counted].flatten().logsumexp(dim=0)

        def log_p__shifted_by_all(logits, counted):
            """The largest logit of the whole table was subtracted. In a row that lies 10000 below
            it all exponentials are 0. Each row has a largest logit of its own."""
            shifted = logits - logits.max()
            return shifted - shifted.exp().sum(dim=-1, keepdim=True).log()

        def log_p__none(logits, counted):
            """These are the logits of the targets, with the sign turned. How likely a target is
            depends on the others of its row, too: where is the sum of the exponentials?"""
            return logits

        def log_p__sigmoid(logits, counted):
            """This behaves like a sigmoid: each logit is judged alone. Symbols compete for a total
            of 1: when one share grows, the others shrink."""
            return F.logsigmoid(logits)

        def log_p__reshaped(logits, counted):
            """The rows are scrambled: a new shape with V elsewhere reads the same numbers in another
            order. To move an axis, transpose."""
            *lead, T, V = logits.shape
            return logits.reshape(*lead, V, T).mT.log_softmax(dim=-1)

        @like(log_p__reshaped)
        def log_p__reshaped_flat(logits, counted):
            return logits.reshape(logits.shape[-1], -1).mT.log_softmax(-1).reshape(logits.shape)

        def log_p__in_numpy(logits, counted):
            """NumPy has no record of how a number came about, so no gradient finds its way back to
            the logits, and nothing can be learned. torch has the same functions."""
            return torch.from_numpy(logits.numpy()).log_softmax(dim=-1)

        def counted__all(targets, ignore_index):
            """The targets to be ignored are counted like the others. Their rows have to be left out,
            from the sum and from the number of rows."""
            return torch.ones_like(targets, dtype=torch.bool)

        @like(counted__all)
        def own__of_all(log_p, targets, counted):
            return log_p.gather(-1, targets[..., None])[..., 0]

        def counted__minus_hundred(targets, ignore_index):
            """This behaves as if ignore_index were always -100. It is an argument: a caller may
            give padding another number."""
            return targets != -100

        def own__every_row_with_every_target(log_p, targets, counted):
            """Every row meets every target here. Each row has one target of its own: pair them."""
            return log_p[counted][:, targets[counted]]

        def own__rows_by_target(log_p, targets, counted):
            """The targets choose rows here. A target is the number of a symbol: it chooses within
            its own row, on the last axis."""
            return log_p[counted][targets[counted]]

        def own__all_symbols(log_p, targets, counted):
            """The logarithms of all V shares are in this mean, and the targets are not looked at.
            Only the target's share of a row counts."""
            return log_p[counted]

        @like(own__all_symbols)
        def own__sum_of_symbols(log_p, targets, counted):
            return log_p[counted].sum(dim=-1)

        def own__zeros_in_the_mean(log_p, targets, counted):
            """The mean runs over all V numbers of a row, and all but the target's are 0: the loss is
            V times too small. Add up each row first."""
            return log_p[counted] * F.one_hot(targets[counted], log_p.shape[-1])

        def surprise__sign(own):
            """The sign is missing: the likelier the targets are, the larger this number gets.
            Training makes the loss smaller, and would make a model worse."""
            return own

        def surprise__no_logarithm(own):
            """This is the mean share with a minus, without a logarithm. A target ruled out would
            cost no more than 0; it should cost without limit."""
            return -own.exp()

        def surprise__one_minus_share(own):
            """This is the mean of 1 minus the share, without a logarithm. A target ruled out would
            cost no more than 1; it should cost without limit."""
            return 1 - own.exp()

        def surprise__bits(own):
            """These are bits: the logarithm to base 2. Here the unit is nats, the natural
            logarithm."""
            return -own / np.log(2)

        def surprise__base_ten(own):
            """This is the logarithm to base 10. Here the unit is nats, the natural logarithm."""
            return -own / np.log(10)

        def mean__sum(losses, counted):
            """This is the sum over all targets: twice the batch, twice the loss. The mean stays
            comparable."""
            return losses.sum()

        def mean__over_batch(losses, counted):
            """The sum was divided by the number of sequences. Each of them has many targets: divide
            by the number of targets that count."""
            return losses.sum() / len(counted)

        def mean__over_all(losses, counted):
            """The targets to be ignored add nothing to the sum, but are counted when it is divided:
            more padding, smaller loss. Divide by the number of targets that count."""
            return losses.sum() / counted.numel()

        def mean__of_means(losses, counted):
            """This is the mean of the means of the sequences. A target in a short sequence weighs
            more than one in a long: every target that counts should weigh the same."""
            return (filled(losses, counted).sum(dim=-1) / counted.sum(dim=-1)).mean()

        def mean__none(losses, counted):
            """There is one number for every target. A loss is one number: their mean."""
            return losses

        def mean__before_logarithm(losses, counted):
            """The shares were averaged first, then came the logarithm. Each target has a surprise
            of its own: logarithms first, then the mean."""
            return -(-losses).exp().mean().log()

        def give__detached(loss):
            """The value is right, and no gradient comes back: the loss was cut off from the logits,
            as by item, detach or no_grad. Nothing can be learned by it."""
            return loss.detach()

        def cross_entropy__squares(logits, targets, ignore_index=-100):
            """This is the mean of the squared distances between the shares and a 1 at the target.
            Its slope dies where the model is surely wrong; that of the logarithm does not."""
            counted = targets != ignore_index
            logits, targets = logits[counted], targets[counted]
            hot = (targets[:, None] == torch.arange(logits.shape[-1])).to(logits.dtype)
            return (logits.softmax(dim=-1) - hot).square().mean()


class exercise_2_7:
    title = "a throw of the dice"
    minutes = 20
    returns = (
        "shares of the symbols",
        "ids below V",
        "rows thrown apart",
        "throws differ",
        "generator obeyed",
    )
    hints = (
        (
            "Give a row in which one symbol has by far the largest logit, then a row of equal "
            "logits, and throw a hundred times each. What should come out, in which shape?"
        ),
        (
            "Three things in a row: the temperature acts on the logits, the softmax makes shares "
            "of them, the shares load the dice. A high temperature makes all sides more alike."
        ),
        (
            "Divide the logits by the temperature and take the softmax of each row. "
            "torch.multinomial throws by such rows; it gives a column, and takes the generator."
        ),
        (
            "p = (logits / temperature).softmax(dim=-1). Return torch.multinomial(p, 1, "
            "generator=generator)[:, 0]."
        ),
    )
    advice = (
        (
            r"probability tensor|probability distribution",
            "torch.multinomial wants shares: none below 0, none infinite, in every row one above 0.",
        ),
    )

    def calls(rng):
        yield "draw", np.array([[0.0, 1]])  # this die is looked at closely
        yield "draw", np.array([[0.0, 2, 0]])
        yield "draw", np.array([[1.0, 1, 5]]), 2.0
        yield "draw", np.array([[2.0, 0, 0]]), 0.5
        yield "draw", np.array([[1.0, 0, 0, 3], [3, 0, 0, 0]])
        yield "draw", np.array([[-1.0, -5, -5], [-5, -5, -1]]), 2.0
        # far apart: each row has one side that comes up, a small temperature makes more of it
        yield "draw", np.array([[0.0, 1e4, 0], [1e4, 0, 0], [0, 0, 1e4]])
        yield "draw", np.array([[1e4, 5e3], [5e3, 1e4]]), 0.01

    def random_call(rng):
        """One side of each die is likelier, by so much that chance does not hide a mistake."""
        kinds = [(2, 1.0), (4, 2.0), (2, 0.5), (1e4, 2.0), (100, 0.05)]
        height, temperature = kinds[rng.integers(len(kinds))]
        B, V = rng.integers([1, 3], [3, 5])
        logits = height * np.eye(V)[rng.integers(V, size=B)] + rng.normal(size=(B, 1))
        return "draw", logits, temperature

    def refusals(rng):
        yield "draw", np.ones((2, 3)), 0.0
        yield "draw", np.ones((2, 3)), -1.0
        yield "draw", np.array([[1.0, np.nan]])

    drawn = True

    def reading(f, result, logits, temperature=1.0, generator=None):
        """What is certain of throws: how often each symbol comes, as the book says it where that is
        within chance; and whether chance came in where it should.
        """
        if result is None:
            return None

        def thrown(logits, *arguments):
            return formed(f.draw(logits, *arguments), len(logits))

        def formed(ids, B):
            if not torch.is_tensor(ids):
                raise TypeError("draw must return a tensor of ids")
            if ids.is_floating_point():
                raise TypeError("the ids of draw must be whole numbers, not floats")
            if ids.shape != (B,):
                raise ValueError(f"draw gives the shape {tuple(ids.shape)}, not (B,) = ({B},)")
            return ids

        (B, V), even = logits.shape, torch.ones(8, 50, dtype=logits.dtype)
        formed(result, B)
        throws = torch.stack([thrown(even) for _ in range(8)])
        a, b, c = (
            after_seed(n, lambda seed=seed: thrown(even, 1.0, fresh(seed)))
            for n, seed in ((1, 7), (2, 7), (3, 8))
        )
        differ, apart = (throws != throws[0]).any(), (throws != throws[:, :1]).any()
        obeyed = torch.equal(a, b) and not (differ and torch.equal(a, c))
        hot = logits / temperature
        dice = [scores.softmax(dim=-1) for scores in (hot, logits, logits * temperature, -hot)]
        dice += [dice[0][:1].expand(B, V), hot.softmax(dim=0), torch.ones_like(logits)]
        p = torch.stack([die / die.sum(dim=-1, keepdim=True) for die in dice])  # the book's first
        N, parts = (8000, 20) if logits.numel() == 2 else (1000, 4)
        ids = thrown(logits.repeat_interleave(N, dim=0), temperature).view(B, N, 1)
        seen = (ids == torch.arange(V)).to(logits.dtype).mean(dim=1)  # (B, V)
        # eight standard deviations, and a few throws more where one is rare
        near = (seen - p).abs() * N <= 8 * (N * p * (1 - p)).sqrt() + 5 * (p > 1e-12)
        near = near.all(dim=-1)  # (number of dice, B)
        best = (seen - p).abs().sum(dim=-1).where(near, 9).argmin(dim=0).where(~near[0], 0)
        known = p[best, torch.arange(B)].where(
            near.any(dim=0)[:, None], (seen * parts).round() / parts
        )
        if differ != apart:  # one throw for all, or the same at every call
            known = known.where(p[0].amax(dim=-1, keepdim=True) > 1 - 1e-12, 0)
        fit = 0 <= ids.min() and ids.max() < V
        return known, either(fit), either(apart), either(differ), either(obeyed)

    class steps:
        def scale(logits, temperature):
            return logits / temperature

        def share(scores):
            return scores.softmax(dim=-1)

        def throw(shares, generator):
            return torch.multinomial(shares, 1, generator=generator)

        def give(ids):
            return ids[:, 0]

    def whole(steps):
        def draw(logits, temperature=1.0, generator=None):
            shares = steps.share(steps.scale(logits, temperature))
            return steps.give(steps.throw(shares, generator))

        return {"draw": draw}

    class properties:
        def the_generator_is_obeyed(f, result, logits, temperature=1.0, generator=None):
            if not result[4]:
                return (
                    "Equal generators do not give equal throws, or different ones give the same: "
                    "something else than the generator that is given throws the dice."
                )

        def throws_differ(f, result, logits, temperature=1.0, generator=None):
            if not result[3]:
                return "Of fifty symbols with equal logits, the same come up at every call."

        def rows_are_thrown_apart(f, result, logits, temperature=1.0, generator=None):
            if not result[2]:
                return "Rows with equal logits always show the same symbol. Each is thrown anew."

        def ids_are_symbols(f, result, logits, temperature=1.0, generator=None):
            if not result[1]:
                return f"Some ids are no symbol: with {logits.shape[-1]} symbols the last is {logits.shape[-1] - 1}."

        def the_largest_logit_comes_most(f, result, logits, temperature=1.0, generator=None):
            for row, shares in zip(logits, result[0], strict=True):
                if shares[row.argmax()] < shares.max() - 0.1:
                    return f"Symbol {row.argmax()} has the largest logit, and another comes more."

        def equal_logits_come_as_often(f, result, logits, temperature=1.0, generator=None):
            for row, shares in zip(logits, result[0], strict=True):
                if any(np.ptp(shares[row == logit]) > 0.2 for logit in row):
                    return "Of two symbols with equal logits, one comes more often."

        def shares_are_those_of_the_softmax(f, result, logits, temperature=1.0, generator=None):
            right = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
            right /= right.sum(axis=-1, keepdims=True)
            if (far := np.abs(result[0] - right)).max() > 0.01:
                b, v = np.unravel_index(far.argmax(), far.shape)
                return (
                    f"In row {b} symbol {v} comes with a share of about {result[0][b, v]:.2g}; the "
                    f"softmax of the logits over the temperature is {right[b, v]:.2g}."
                )

    class variants:
        def throw__exponential_race(shares, generator):
            times = torch.empty_like(shares).exponential_(generator=generator) / shares
            return times.argmin(dim=-1, keepdim=True)

    class slips:
        def scale__none(logits, temperature):
            """This behaves as if the temperature were always 1. Shares that are divided after the
            softmax load the dice as before, for only their ratios count: it acts on the logits."""
            return logits

        def scale__multiplied(logits, temperature):
            """Hotter makes tamer here: the logits are multiplied by the temperature, or the shares
            raised to it. A high temperature should bring the logits nearer to each other."""
            return logits * temperature

        def scale__negated(logits, temperature):
            """The smallest logit comes most often: the sign is turned round."""
            return -logits / temperature

        def share__over_rows(scores):
            """The softmax runs over the rows of the batch (axis 0). Each row is a die of its own:
            its shares lie along the last axis."""
            return scores.softmax(dim=0)

        def share__none(scores):
            """The logits themselves load the dice. A logit may be below 0, and a share may not:
            softmax makes shares of them."""
            return scores

        def share__logarithms(scores):
            """These are logarithms of shares, none above 0. torch.multinomial wants the shares
            themselves."""
            return scores.log_softmax(dim=-1)

        def share__overflow(scores):
            """Right on paper, but exp(10000) is infinite here. softmax subtracts the largest logit
            of each row first."""
            return scores.exp()

        def share__of_first_row(scores):
            """The first row loads the dice of all rows. Every row of logits is a die of its own."""
            return scores[:1].softmax(dim=-1).expand_as(scores)

        def throw__largest(shares, generator):
            """The symbol with the largest logit comes every time. It should come most often, and
            the others as often as their shares say."""
            return shares.argmax(dim=-1, keepdim=True)

        def throw__evenly(shares, generator):
            """All symbols come equally often, whatever the logits. Their shares should load the
            dice."""
            return torch.randint(shares.shape[-1], (len(shares), 1), generator=generator)

        def throw__once(shares, generator):
            """Rows with equal logits show the same symbol: one number was thrown for the whole
            batch. Every row needs a throw of its own."""
            u = torch.rand(1, generator=generator)
            return (shares.cumsum(dim=-1) < u)[:, :-1].sum(dim=-1, keepdim=True)

        def throw__first_row_only(shares, generator):
            """One symbol was thrown, from the first row, and stands for all rows. Every row of
            logits is a die of its own, with its own throw."""
            return torch.multinomial(shares[:1], 1, generator=generator).expand(len(shares), 1)

        def throw__seeded(shares, generator):
            """Every call throws the same symbols. Is a seed set inside the function? A generated
            text would go round in a circle."""
            torch.default_generator.manual_seed(1337)
            return torch.multinomial(shares, 1, generator=generator)

        def throw__without_generator(shares, generator):
            """The generator that is given changes nothing: two calls with the same seed give other
            symbols. Whoever throws needs it, or a text cannot be had twice."""
            return torch.multinomial(shares, 1)

        def throw__turned_round(shares, generator):
            """The shares go to the wrong symbols, the first one's to the last: the search among the
            running sums runs the other way. Count the sums that lie below the throw."""
            u = torch.rand(len(shares), 1, dtype=shares.dtype, generator=generator)
            return (u < shares.cumsum(dim=-1)).sum(dim=-1, keepdim=True) - 1

        @like(throw__turned_round)
        def throw__sums_above(shares, generator):
            u = torch.rand(len(shares), 1, dtype=shares.dtype, generator=generator)
            return (u < shares.cumsum(dim=-1)).sum(dim=-1, keepdim=True)

        def give__column(ids):
            """The symbols stand in a column, (B, 1). One id a row is asked for: the shape is
            (B,)."""
            return ids

        def give__first_throw(ids):
            """Only the throw of the first row is returned. The table of throws has a row for each
            row of logits, and one column: which index takes the column?"""
            return ids[0]

        def give__share(ids):
            """These are floats, and an id is a whole number: that of the symbol which came up."""
            return ids[:, 0].double()
