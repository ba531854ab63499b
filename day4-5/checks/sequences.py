"""Checks of day4-5/sequences.py. What each part is for stands in study/naming.py."""

import math

import numpy as np
import torch

from sequences import END, PAD, START


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


def differ(a, b):
    return np.shape(a) != np.shape(b) or not np.allclose(a, b, 1e-9, 1e-9, equal_nan=True)


class exercise_5_1:
    title = "masks for padding and for the future"
    minutes = 25
    advice = (
        (
            r"The size of tensor|expanded size",
            "Write the four axes beside each mask: sequence, head, query, key. An axis of 1 fits all.",
        ),
        (
            r"Boolean value of Tensor",
            "A comparison of tensors gives one answer for each number: no `if`, no `and` between them.",
        ),
    )
    hints = (
        (
            "Take lengths 3 and 2 in 4 places, and print the masks as 0 and 1. How many keys may each row "
            "of the page's picture see? Which of the four axes are the keys?"
        ),
        (
            "A place is real if its number is below the length of its sequence. For the decoder two "
            "things must be true of a key at once: it is real, and it is not later than the query."
        ),
        (
            "torch.arange(S) beside lengths[:, None] makes a table (B, S); None between its axes makes "
            "four of them. torch.ones(T, T, dtype=torch.bool).tril() is the past; & joins two masks."
        ),
        (
            "(torch.arange(S) < lengths[:, None])[:, None, None, :] after a look at lengths.min() and "
            "lengths.max(); and padding_mask(lengths, T) & torch.ones(T, T, dtype=torch.bool).tril()."
        ),
    )

    def calls(rng):
        yield "padding_mask", np.array([3, 2]), 4
        yield "decoder_mask", np.array([3, 2]), 4
        yield "padding_mask", np.array([4, 1, 7]), 7
        yield "decoder_mask", np.array([2, 5]), 5
        yield "padding_mask", np.array([5, 3]), 6  # a place that nobody fills
        yield "decoder_mask", np.array([1, 3, 2]), 5
        # as many sequences as places: what fits nowhere else runs here
        yield "padding_mask", np.array([1, 3, 2]), 3
        yield "decoder_mask", np.array([2, 3, 1]), 3
        for name in ("padding_mask", "decoder_mask"):
            yield name, np.array([1]), 1
            yield name, np.array([2]), 3

    def random_call(rng):
        B, S = rng.integers(1, [5, 8]).tolist()
        name = str(rng.choice(["padding_mask", "decoder_mask"]))
        return name, rng.integers(1, S + 1, size=B), S

    def refusals(rng):
        for name in ("padding_mask", "decoder_mask"):
            yield name, np.array([2, 0]), 3
            yield name, np.array([2, 4]), 3

    class steps:
        def real(places, lengths):
            return places < lengths[:, None]

        def turn(real):
            return real

        def axes(real):
            return real[:, None, None, :]

        def own(padding, lengths, T):
            """What decoder_mask hides as padding."""
            return padding

        def past(T):
            return torch.ones(T, T, dtype=torch.bool).tril()

        def both(padding, past):
            return padding & past

        def form(mask):
            return mask

        def give(mask):
            return mask

    def whole(steps):
        def padding(lengths, S):
            return steps.axes(steps.turn(steps.real(torch.arange(S), lengths)))

        def padding_mask(lengths, S):
            return steps.give(padding(lengths, S))

        def decoder_mask(lengths, T):
            own = steps.own(padding(lengths, T), lengths, T)
            return steps.give(steps.form(steps.both(own, steps.past(T))))

        return {"padding_mask": padding_mask, "decoder_mask": decoder_mask}

    class variants:
        def own__right(padding, lengths, T):
            return torch.arange(T) < lengths[:, None, None, None]

    class properties:
        def padding_mask__as_many_keys_as_the_length(f, result, lengths, S):
            seen = result[:, 0, 0].sum(axis=-1)
            if result.shape == (len(lengths), 1, 1, S) and differ(seen, lengths):
                b = np.flatnonzero(seen != lengths)[0]
                return f"Of a sequence of length {lengths[b]}, {seen[b]} keys of {S} may be seen."

        def padding_mask__padding_is_on_the_right(f, result, lengths, S):
            if (result[..., 1:] > result[..., :-1]).any():
                return "A key may be seen, and one before it may not. Padding stands on the right."

        def decoder_mask__no_future(f, result, lengths, T):
            ahead = np.argwhere(np.triu(result, 1))
            if len(ahead):
                return (
                    f"The query at place {ahead[0][-2]} may see the key at {ahead[0][-1]}, later."
                )

        def decoder_mask__no_padding(f, result, lengths, T):
            hidden = np.arange(T) >= lengths[:, None, None, None]
            if (result & hidden).any():
                return "A query may see a key that is padding."

        def decoder_mask__no_row_is_empty(f, result, lengths, T):
            if not result.any(axis=-1).all():
                t = np.argwhere(~result.any(axis=-1))[0][-1]
                return f"The query at place {t} may see nothing: its weights would be 0 / 0."

        def decoder_mask__a_real_query_sees_itself(f, result, lengths, T):
            real = np.arange(T) < lengths[:, None]
            if (real & ~result[:, 0].diagonal(axis1=-2, axis2=-1)).any():
                return "A query that is real may not see its own place."

    class slips:
        def real__at_most(places, lengths):
            """One padding too many is seen in every sequence. Places count from 0: which number has the
            last real place of a sequence of length 3?"""
            return places <= lengths[:, None]

        def real__one_short(places, lengths):
            """The last real symbol of every sequence is hidden. Places count from 0: which numbers have
            the places of a sequence of length 3?"""
            return places < lengths[:, None] - 1

        def real__last_alone(places, lengths):
            """Of each sequence a single place may be seen, its last. All places before the length are
            real: is it a comparison by ==?"""
            return places == lengths[:, None] - 1

        def real__left(places, lengths):
            """The beginning is hidden, as if padding stood on the left. In this book it stands on the
            right."""
            return places >= len(places) - lengths[:, None]

        def real__longest(places, lengths):
            """All sequences are taken to be as long as the longest: the padding of the others may be
            seen. Each row of the batch has a length of its own."""
            return (places < lengths.max()).expand(len(lengths), -1)

        def real__first(places, lengths):
            """The length of the first sequence serves for all. Each row of the batch has its own."""
            return (places < lengths[0]).expand(len(lengths), -1)

        def real__all(places, lengths):
            """No padding is hidden at all. What does the answer of a short sentence depend on, when a
            longer one stands beside it in the batch?"""
            return places.expand(len(lengths), -1) >= 0

        def turn__hidden(real):
            """Here True says: padding. In this book True says that a position may be seen; some of torch's
            own layers have it the other way round."""
            return ~real

        class hidden_everywhere:
            """Both masks are turned round: they are True where a key is hidden. That is how some of
            torch's own layers have it; in this book True says that a position may be seen."""

            def give(mask):
                return ~mask

        @like(turn__hidden)
        class hidden_by_either:
            """The padding's mask is True at padding, and decoder_mask takes it as it is, for padding."""

            def turn(real):
                return ~real

            def own(padding, lengths, T):
                return ~padding

        def axes__queries(real):
            """The padding is hidden as queries: the rows are silenced, and everybody still listens to the
            padding. Which of the four axes counts the keys?"""
            return real[:, None, :, None]

        def axes__no_head(real):
            """One axis is missing, that of the heads: sequence, head, query, key. With three axes the
            sequences would meet the heads of the scores."""
            return real[:, None, :]

        def axes__flat(real):
            """The padding's mask is (B, S), as it was made. Scores are (B, H, T, S): between sequence
            and key there are two axes more, of length 1."""
            return real

        def axes__as_heads(real):
            """The places stand on the axis of the heads. Four axes: sequence, head, query, key. Which of
            them is the last?"""
            return real[:, :, None, None]

        def axes__batch_as_heads(real):
            """The sequences stand on the axis of the heads. Four axes: sequence, head, query, key. Which
            of them is the first?"""
            return real[None, :, None, :]

        def axes__square(real):
            """The padding's mask was spread over as many queries as there are keys. In cross-attention
            their numbers differ: an axis of length 1 fits any number of queries."""
            return real[:, None, None, :].expand(-1, -1, real.shape[1], -1)

        def axes__square_both(real):
            """The rows of padding are emptied, too: their weights would be 0 / 0. A query that is padding
            does no harm, for nobody reads it. Hide the keys alone."""
            return real[:, None, None, :] & real[:, None, :, None]

        def own__none(padding, lengths, T):
            """The decoder's mask hides the future, and no padding. A key has to be real, too."""
            return torch.ones_like(padding)

        def own__hidden(padding, lengths, T):
            """In the decoder's mask the padding is turned round: the real keys are hidden, and the
            padding is not. True says that a key may be seen."""
            return ~padding

        def own__both(padding, lengths, T):
            """In the decoder's mask, the rows of padding are empty: their weights would be 0 / 0. A query
            that is padding still sees the real keys before it. Hide the keys alone."""
            return padding & padding.transpose(-1, -2)

        def own__one_more(padding, lengths, T):
            """In the decoder's mask every sequence is one longer than its length. Is START counted
            twice? The lengths are those of what the decoder reads."""
            return torch.arange(T) < lengths[:, None, None, None] + 1

        def own__one_less(padding, lengths, T):
            """In the decoder's mask every sequence is one shorter than its length. Was the last symbol
            taken away? The lengths are those of what the decoder reads."""
            return torch.arange(T) < lengths[:, None, None, None] - 1

        def own__one_for_all(padding, lengths, T):
            """In the decoder's mask, one length serves for all rows of the batch. Each has its own."""
            return torch.arange(T) < lengths.max().expand(len(lengths))[:, None, None, None]

        @like(own__none)
        def both__past_alone(padding, past):
            return past

        @like(own__none)
        def both__past_of_four_axes(padding, past):
            return past[None, None]

        def past__turned(T):
            """Every query sees itself and what comes after it. Rows ask, columns answer: on which side of
            the diagonal does the past lie?"""
            return torch.ones(T, T, dtype=torch.bool).triu()

        def past__later_alone(T):
            """Every query sees the future, and nothing else: that part of the mask is turned round. True
            says that a key may be seen."""
            return torch.ones(T, T, dtype=torch.bool).triu(1)

        def past__not_itself(T):
            """No query sees its own place, and the first one sees nothing at all. What it reads at its
            place stands before what it writes: may it look?"""
            return torch.ones(T, T, dtype=torch.bool).tril(-1)

        def past__one_ahead(T):
            """Every query sees one place too far. What stands there is the very word that it has to
            write: which diagonal is the last that may be seen?"""
            return torch.ones(T, T, dtype=torch.bool).tril(1)

        def past__none(T):
            """The decoder sees its whole future: what it has to write, it may read. Only the keys up to
            the query's own place may be seen."""
            return torch.ones(T, T, dtype=torch.bool)

        def past__itself_alone(T):
            """Each query sees its own place alone. What came before it is the past, too."""
            return torch.eye(T, dtype=torch.bool)

        def both__or(padding, past):
            """A key may be seen here if it is real, or if it is not later. It has to be both at
            once."""
            return padding | past

        def both__turned_over(padding, past):
            """The decoder's mask is turned over: its rows are the keys. Rows ask, columns answer, and
            the first row sees one key."""
            return (padding & past).transpose(-1, -2)

        def form__no_head(mask):
            """In the decoder's mask one axis is missing, that of the heads: (B, 1, T, T) is sequence,
            head, query, key."""
            return mask[:, 0]

        def form__hidden(mask):
            """The decoder's mask is turned round: it is True where a key is hidden. In this book True
            says that a position may be seen."""
            return ~mask

        def give__int(mask):
            """The result holds numbers, 0 and 1. A mask is of type bool here: ~ of the whole number 1 is
            -2, and no mask."""
            return mask.int()

        @like(give__int)
        def give__long(mask):
            return mask.long()

        @like(give__int)
        def give__float(mask):
            return mask.float()

        def give__to_be_added(mask):
            """These masks are made to be added to scores: 0, and minus infinity. Here a mask is of type
            bool, and says what may be seen; what is done with it is the layer's affair."""
            return torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)


class exercise_5_2:
    title = "the target moved by one, and the loss"
    minutes = 25
    returns = ("slope", "loss")
    advice = (
        (
            r"Sizes of tensors must match|same number of dimensions|Dimension out of range|expanded size",
            "START is a column, (B, 1), to be put beside target without its last column, (B, T - 1).",
        ),
        (
            r"Expected target|Expected input batch_size|only batches of spatial",
            "F.cross_entropy wants rows: logits (B T, V) and target (B T).",
        ),
    )
    hints = (
        (
            "Take the page's target, 3 4 2 0. What does the decoder know before it writes its first word, "
            "and what before the second? Then a target of one word and much padding: its loss?"
        ),
        (
            "What is read is as long as what is written: one joins at the front, one is left out at the "
            "end. In the loss every real symbol has one vote, whichever sentence it stands in."
        ),
        (
            "torch.full_like(target[:, :1], START) makes a column; torch.cat along dim=1. F.cross_entropy "
            "takes rows of logits, one target each, and has ignore_index; flatten makes rows."
        ),
        (
            "torch.cat((start, target[:, :-1]), dim=1). And F.cross_entropy(logits.flatten(0, 1), "
            "target.flatten(), ignore_index=PAD), which divides by the number of those that count."
        ),
    )

    def calls(rng):
        def loss(B, T, V, lengths, scale=1.0, never=False):
            target = rng.integers(END + 1, V, size=(B, T))
            for row, length in zip(target, lengths, strict=True):
                row[length - 1], row[length:] = END, PAD
            logits = np.round(rng.normal(size=(B, T, V)) * scale, 3)
            if never:  # as the models of this book give them
                logits[..., PAD] = -np.inf
            return "sequence_loss", logits, target

        yield "shift_right", np.array([[3, 4, END, PAD]])
        yield "sequence_loss", np.array([[[0, 0, 0, 2.0], [0, 1, 1, 0]]]), np.array([[3, END]])
        logits = np.array([[[0, 0, 0, 2.0], [0, 1, 1, 0], [1, 2, 0, 0]]])
        yield "sequence_loss", logits, np.array([[3, END, PAD]])
        yield "shift_right", np.array([[5, 3, 4, 6, END], [7, END, PAD, PAD, PAD]])
        yield "shift_right", np.array([[4, END, PAD], [3, 5, END], [END, PAD, PAD]])
        yield "shift_right", np.array([[END]])
        yield "shift_right", np.array([[6, 5, 4], [3, 8, 7]])
        yield loss(2, 5, 7, (5, 3))
        yield loss(3, 4, 6, (4, 1, 2))
        yield loss(2, 5, 7, (2, 5), never=True)
        yield loss(1, 1, 4, (1,))
        yield loss(2, 3, 5, (3, 3), scale=1000)
        # all sizes equal: what fits nowhere else runs here
        yield loss(4, 4, 4, (4, 2, 1, 3))

    def random_call(rng):
        B, T, V = rng.integers([1, 1, 4], [5, 6, 9]).tolist()
        lengths = rng.integers(1, T + 1, size=B)
        target = rng.integers(END + 1, V, size=(B, T))
        target[np.arange(B), lengths - 1] = END
        target[np.arange(T) >= lengths[:, None]] = PAD
        if rng.random() < 0.4:
            return "shift_right", target
        logits = rng.normal(size=(B, T, V)) * rng.choice([0.1, 1, 10])
        if rng.random() < 0.5:
            logits[..., PAD] = -np.inf
        return "sequence_loss", logits, target

    def reading(f, result, *given):
        """The loss, and how each logit would move it; ids are looked at for their type."""
        if result is None or isinstance(result, tuple):
            return result
        if len(given) == 1:
            if torch.is_tensor(result) and result.dtype != torch.long:
                raise TypeError(f"shift_right gives {result.dtype}; ids are torch.int64")
            return result
        logits, target = given
        logits = logits.clone().requires_grad_()
        loss = f.sequence_loss(logits * 1, target)
        if not torch.is_tensor(loss) or loss.dim() or not loss.requires_grad:
            return torch.zeros_like(logits), result
        return torch.autograd.grad(loss, logits)[0], result

    class steps:
        def start(target):
            return torch.full_like(target[:, :1], START)

        def kept(target):
            return target[:, :-1]

        def join(start, kept, target):
            return torch.cat((start, kept), dim=1)

        def rows(logits):
            return logits

        def shares(logits):
            return logits.log_softmax(dim=-1)

        def wanted(target):
            return target

        def cost(log_p, wanted):
            return -log_p.gather(-1, wanted[..., None])[..., 0]

        def real(target):
            return target != PAD

        def mean(cost, real):
            return cost[real].mean()

        def end(loss):
            return loss

    def whole(steps):
        def shift_right(target):
            return steps.join(steps.start(target), steps.kept(target), target)

        def sequence_loss(logits, target):
            wanted = steps.wanted(target)
            cost = steps.cost(steps.shares(steps.rows(logits)), wanted)
            return steps.end(steps.mean(cost, steps.real(wanted)))

        return {"shift_right": shift_right, "sequence_loss": sequence_loss}

    class properties:
        def shift_right__as_long_as_target(f, result, target):
            if result.shape != target.shape:
                return f"What is read has the shape {result.shape}, and what is written {target.shape}."

        def shift_right__begins_with_start(f, result, target):
            if (result[:, 0] != START).any():
                return f"A row begins with {result[result[:, 0] != START][0, 0]}, not with START, {START}."

        def shift_right__reads_what_stands_before(f, result, target):
            wrong = np.argwhere(result[:, 1:] != target[:, :-1])
            if len(wrong):
                b, t = wrong[0]
                return (
                    f"Place {t + 1} reads {result[b, t + 1]}; before it is written {target[b, t]}."
                )

        def shift_right__blind_to_the_last(f, result, target):
            other = target.copy()
            other[:, -1] += 1
            if differ(f.shift_right(other), result):
                return "Another last symbol of target changes what is read: it is read by nobody."

        def sequence_loss__of_equal_logits_is_ln_V(f, result, logits, target):
            V, loss = logits.shape[-1], f.sequence_loss(0 * np.nan_to_num(logits), target)[1]
            if differ(loss, math.log(V)):
                return f"With {V} equal logits everywhere the loss is {loss:.3g}, not ln {V}."

        def sequence_loss__padding_is_nobodys(f, result, logits, target):
            changed = logits + (target == PAD)[..., None] * np.arange(logits.shape[-1])
            if differ(f.sequence_loss(changed, target)[1], result[1]):
                return "Other logits where target is PAD give another loss."

        def sequence_loss__more_padding_changes_nothing(f, result, logits, target):
            logits = np.concatenate([logits, logits[:, :1]], axis=1)
            target = np.concatenate([target, np.full((len(target), 1), PAD)], axis=1)
            if differ(f.sequence_loss(logits, target)[1], result[1]):
                return "One PAD more at the end of every row gives another loss."

        def sequence_loss__a_batch_twice_costs_the_same(f, result, logits, target):
            both = f.sequence_loss(np.concatenate([logits] * 2), np.concatenate([target] * 2))[1]
            if differ(both, result[1]):
                return f"Every sequence twice in the batch: the loss goes from {result[1]:.3g} to {both:.3g}."

        def sequence_loss__a_slope_comes_back(f, result, logits, target):
            if not np.any(result[0]) and np.any(np.abs(result[1]) > 1e-9):
                return "No slope comes back through the loss to the logits: nothing could learn."

    class slips:
        def join__left(start, kept, target):
            """The target was moved to the left: every place reads what comes *after* what it has to
            write. It should read what stands before."""
            return torch.cat((target[:, 1:], target[:, :1] * 0 + PAD), dim=1)

        @like(join__left)
        def join__left_short(start, kept, target):
            return target[:, 1:]

        @like(join__left)
        def join__left_end(start, kept, target):
            return torch.cat((target[:, 1:], target[:, :1] * 0 + END), dim=1)

        @like(join__left)
        def join__left_rolled(start, kept, target):
            return target.roll(-1, dims=1)

        @like(join__left)
        def join__left_start_last(start, kept, target):
            return torch.cat((target[:, 1:], start), dim=1)

        def join__no_start(start, kept, target):
            """START is missing: one symbol too few is read. What does the decoder read before there is
            any word?"""
            return kept

        def join__start_last(start, kept, target):
            """START stands at the end of each row. It is what the decoder reads before it writes its
            first word."""
            return torch.cat((kept, start), dim=1)

        def join__none(start, kept, target):
            """The decoder gets the target as it is: each place reads the very word that it has to write.
            It would learn to copy, and the loss would fall to 0 for nothing."""
            return target * 1

        def join__rolled(start, kept, target):
            """The last symbol of each row came round to the front. Nothing moves in a circle here: what
            should stand in the first place?"""
            return target.roll(1, dims=1)

        def join__rolled_flat(start, kept, target):
            """Each row begins with the last symbol of the row above: without dims, roll moves the batch
            as one long row. What should stand in the first place?"""
            return target.roll(1)

        def join__by_batch(start, kept, target):
            """Every sentence got what belongs to the one above it: the rows were moved, not the places.
            Axis 0 counts sequences; which one counts places?"""
            return torch.cat((torch.full_like(target[:1], START), target[:-1]), dim=0)

        def join__flat(start, kept, target):
            """Only the first row begins with START; the others begin with the last symbol of the row
            above. Was the batch moved as one long row?"""
            flat = target.flatten()
            return torch.cat((start[0], flat[:-1])).view(target.shape)

        def join__floats(start, kept, target):
            """What is read came out as floats, because the column of START is: torch.ones and torch.zeros
            give floats. An id is looked up in a table: which type has target?"""
            return torch.cat((start, kept), dim=1).float()

        @like(join__floats)
        def join__doubles(start, kept, target):
            return torch.cat((start, kept), dim=1).double()

        def start__pad(target):
            """The rows begin with PAD. It means that nothing is there, and is hidden; which symbol says
            that a sentence begins?"""
            return torch.full_like(target[:, :1], PAD)

        def start__end(target):
            """The rows begin with END. Which of PAD, START and END says that a sentence begins?"""
            return torch.full_like(target[:, :1], END)

        def start__first(target):
            """The first word stands twice at the beginning: there the decoder reads the word that it has
            to write. What does it read before there is any word?"""
            return target[:, :1]

        def start__twice(target):
            """START stands twice at the beginning, so that every word is read one place too late."""
            return torch.full_like(target[:, :2], START)

        class moved_by_two:
            """The target was moved by two: every word is read one place too late. Before the second word
            stands the first."""

            def start(target):
                return torch.full_like(target[:, :2], START)

            def kept(target):
                return target[:, :-2]

        def kept__all(target):
            """One symbol too many is read: START joined, and none was left out. What would the last one
            be read for?"""
            return target

        def kept__not_the_first(target):
            """START took the place of the first word, and all others stayed where they are: they read
            themselves. Every word moves on by one."""
            return target[:, 1:]

        def kept__no_end(target):
            """In the shorter rows END is gone. The same for all rows is asked: START in front, the last
            place left out. What follows END is padding, and nobody counts it."""
            return target[:, :-1] * (target[:, :-1] != END)

        def rows__time_first(logits):
            """Logits and targets are not of the same places: one of the two was turned, time before
            batch, before it became one long row."""
            B, T, V = logits.shape
            return logits.transpose(0, 1).reshape(B, T, V)

        def rows__by_view(logits):
            """The logits were cut up anew: a view to (B, V, T) moves no axis, and mixes numbers of all
            symbols. Flatten to (B T, V), or transpose."""
            B, T, V = logits.shape
            return logits.reshape(B, V, T).transpose(1, 2)

        def rows__no_pad(logits):
            """PAD was taken out of the shares before the softmax. The logits are shared out over all V
            symbols as they come; it is the padded *places* that do not count."""
            return logits.index_fill(2, torch.tensor([PAD]), -torch.inf)

        def shares__softmax_first(logits):
            """The softmax was taken twice: cross-entropy takes logits as they are, and does it itself.
            The loss can hardly fall this way."""
            return logits.softmax(dim=-1).log_softmax(dim=-1)

        def shares__by_log(logits):
            """Where a share is too small for a float, softmax gives 0, and its logarithm is minus infinity.
            Which function takes both in one step?"""
            return logits.softmax(dim=-1).log()

        def shares__no_zero(logits):
            """A tiny number was added before the logarithm: no share can cost more than that allows, and
            no loss is quite right. log_softmax needs no such help."""
            return (logits.softmax(dim=-1) + 1e-9).log()

        def shares__no_logarithm(logits):
            """This is the mean of -p. The logarithm is missing: what does the right symbol cost with
            p = 1?"""
            return logits.softmax(dim=-1)

        def shares__none(logits):
            """The logit of the right symbol was taken as it is. A logit means something beside the others
            only: the softmax is missing."""
            return logits

        def shares__over_time(logits):
            """The softmax runs over the places of a sequence. At each place the V symbols share out 1:
            which axis counts them?"""
            return logits.log_softmax(dim=1)

        def shares__over_batch(logits):
            """The softmax runs over the batch. At each place the V symbols share out 1: which axis
            counts them?"""
            return logits.log_softmax(dim=0)

        def wanted__reads(target):
            """Each place is asked for what it has read, not for what it is to write: the target was moved
            in here once more. Which of the two is given to the loss?"""
            return torch.cat((torch.full_like(target[:, :1], START), target[:, :-1]), dim=1)

        class moved_again:
            """Each place is asked for the word after the one that it is to write: the target was moved
            once more. The logits at place t are for target t already."""

            def rows(logits):
                return logits[:, :-1]

            def wanted(target):
                return target[:, 1:]

        class moved_back:
            """Each place is asked for the word before the one that it is to write. The logits at place
            t are for target t already."""

            def rows(logits):
                return logits[:, 1:]

            def wanted(target):
                return target[:, :-1]

        def cost__sign(log_p, wanted):
            """The sign is turned round: better models would have a higher loss."""
            return log_p.gather(-1, wanted[..., None])[..., 0]

        def cost__base_2(log_p, wanted):
            """This loss is in bits. In this book it is in nats: the natural logarithm."""
            return -log_p.gather(-1, wanted[..., None])[..., 0] / math.log(2)

        def cost__smoothed(log_p, wanted):
            """This is the loss with label smoothing, a tenth of it for all symbols alike, as the paper
            had. In this book the right symbol counts alone."""
            return 0.9 * exercise_5_2.steps.cost(log_p, wanted) - 0.1 * log_p.mean(dim=-1)

        def cost__all_symbols(log_p, wanted):
            """All symbols of the vocabulary are averaged at each place. Which one of them counts?"""
            return -log_p.mean(dim=-1)

        def real__all(target):
            """Padding is counted, too. A model would be paid for guessing blanks; and where PAD is never
            predicted, the loss is infinite. Which places should it leave out?"""
            return torch.ones_like(target, dtype=torch.bool)

        def real__without_end(target):
            """END is not counted. To know when a sentence is over has to be learned, too: only PAD is
            left out."""
            return (target != PAD) & (target != END)

        def real__end_for_pad(target):
            """END is left out, and PAD is counted: which of the two is it that nobody has to write?"""
            return target != END

        def real__padding_alone(target):
            """The places of padding are counted, and the others are not: the condition is turned
            round."""
            return target == PAD

        def mean__by_sequence(cost, real):
            """Each sequence was averaged first, and then the batch: a word of a short sentence weighs
            more. Every real symbol should count alike: what is the sum divided by?"""
            return ((cost.masked_fill(~real, 0)).sum(dim=1) / real.sum(dim=1)).mean()

        def mean__sum(cost, real):
            """The costs were added up, and not divided: twice the batch, twice the loss. How many symbols
            count?"""
            return cost[real].sum()

        def mean__by_all_places(cost, real):
            """Padding costs nothing, but it is counted when the sum is divided: the more padding, the
            smaller the loss. How many symbols are real?"""
            return cost[real].sum() / cost.numel()

        def mean__by_batch(cost, real):
            """The sum was divided by the number of sequences: a loss for each sentence, and long ones
            cost more. Asked for is a loss for each real symbol."""
            return cost[real].sum() / len(cost)

        def mean__by_time(cost, real):
            """The sum was divided by T alone. How many real symbols has the whole batch?"""
            return cost[real].sum() / cost.shape[1]

        def mean__times_zero(cost, real):
            """Where PAD is never predicted, as in this book, its cost is infinite, and infinity times 0
            is not a number. What must not count has to be left out, not multiplied by 0."""
            return (cost * real).sum() / real.sum()

        @like(mean__times_zero)
        def mean__times_zero_by_all_places(cost, real):
            return (cost * real).mean()

        def mean__of_shares(cost, real):
            """The shares p were averaged, and then came the logarithm. Each symbol has a cost of its own:
            the mean of -ln p is asked for."""
            return -((-cost[real]).exp().mean().log())

        def mean__each(cost, real):
            """Every place has its cost here, and no mean was taken. One number is asked for."""
            return cost.masked_fill(~real, 0)

        def mean__largest(cost, real):
            """This is the cost of the worst symbol. Asked for is the mean of all that are real."""
            return cost[real].max()

        def end__perplexity(loss):
            """This is the perplexity, e to the power of the loss. The loss itself is asked for, in
            nats."""
            return loss.exp()

        def end__no_slope(loss):
            """No gradient comes back through the loss: nothing could learn. Is it .item, .detach, no_grad or
            another way out of torch?"""
            return loss.detach()
