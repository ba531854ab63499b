"""Checks of day3/text.py. What each part is for stands in study/naming.py."""

import numpy as np
import torch

from text import Alphabet, Batches  # noqa: F401  methods are called on these

ENCODE, DECODE, BATCH = "Alphabet.encode", "Alphabet.decode", "Batches.__getitem__"


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


class exercise_3_7:
    title = "encode and decode"
    minutes = 15
    advice = (
        (
            r"KeyError: (tensor|np\.int)",
            "A tensor is never the key of a dictionary. The alphabet holds its symbols in order, too.",
        ),
        (
            r"^.*KeyError: '",
            "A character is looked for that the alphabet does not hold: is the text changed first?",
        ),
        (
            r"ValueError: too many dimensions 'str'",
            "torch.tensor takes numbers: a character has to become its id first.",
        ),
        (
            r"KeyError: \d+$",
            "self.ids leads from a symbol to its id. What leads back, from an id to its symbol?",
        ),
        (
            r"only integer tensors of a single element",
            "A text is asked for one place at a time: go through the ids.",
        ),
        (
            r"sequence item 0: expected str",
            "A text is joined from characters: which one has this id?",
        ),
    )
    hints = (
        (
            "Take the alphabet of one word, encode another word of the same letters, and decode the ids. "
            "Does the word come back? Which id has the first symbol of the alphabet?"
        ),
        (
            "A symbol's id is its place among the sorted symbols. The object holds them in order, and a "
            "dictionary from symbol to id: one serves for the way there, the other for the way back."
        ),
        (
            "self.ids[symbol] for each symbol of the text, in a list, then torch.tensor with its dtype. "
            "Back: self.symbols at the place int(i), for each i, joined without anything between them."
        ),
        (
            "return torch.tensor([self.ids[symbol] for symbol in text], dtype=torch.long), after a look "
            "for unknown ones. decode: return ''.join(self.symbols[int(i)] for i in ids)."
        ),
    )

    def calls(rng):
        yield ENCODE, ("banana!",), "nab"
        yield DECODE, ("banana!",), np.array([3, 1, 2])
        yield ENCODE, ("hello\n",), "\nhole\n"
        yield DECODE, ("hello\n",), np.array([0, 2, 4, 3, 1, 0])
        yield ENCODE, ("zéA →!",), " A→ é! "
        yield DECODE, ("zéA →!",), np.array([0, 2, 5, 5, 4, 1, 0])
        yield ENCODE, ("cab",), "abc"
        yield ENCODE, ("b",), "bbbbb"
        yield DECODE, ("b",), np.array([0, 0, 0, 0])
        yield ENCODE, ("ab",), ""
        yield DECODE, ("ab",), np.array([], dtype=int)
        yield DECODE, ("0123456789abc",), np.array([12, 10, 1, 0])

    def random_call(rng):
        symbols = "".join(rng.permutation(list("ab\n Zéñ→.0"))[: rng.integers(1, 10)])
        ids = rng.integers(len(symbols), size=rng.integers(12))
        if rng.random() < 0.5:
            return DECODE, (symbols,), ids
        return ENCODE, (symbols,), "".join(symbols[i] for i in ids)

    def refusals(rng):
        yield ENCODE, ("abc",), "abcd"

    def reading(f, result, self, given):
        """Ids are compared by their numbers: their type is looked at here."""
        if isinstance(given, str) and result is not None:
            if not torch.is_tensor(result):
                raise TypeError(f"encode must return a tensor, not a {type(result).__name__}")
            if result.dtype != torch.long:
                raise TypeError(f"encode must return ids of type torch.long, not {result.dtype}")
        return result

    class steps:
        def number(self, symbol, text):
            return self.ids[symbol]

        def taken(text):
            return text

        def give(numbers, V):
            return torch.tensor(numbers, dtype=torch.long)

        def symbol(self, i):
            return self.symbols[i]

        def read(ids):
            return ids.tolist()

        def join(symbols):
            return "".join(symbols)

    def whole(steps):
        def encode(self, text):
            numbers = [steps.number(self, symbol, text) for symbol in steps.taken(text)]
            return steps.give(numbers, len(self.symbols))

        def decode(self, ids):
            return steps.join([steps.symbol(self, i) for i in steps.read(ids)])

        return {ENCODE: encode, DECODE: decode}

    class properties:
        def decoding_undoes_encoding(f, result, made, given):
            if isinstance(given, str):
                back = getattr(f, DECODE)(made, result)
                if back != given:
                    return f"{given!r} is encoded, then decoded, and {back!r} comes back."

        def as_many_ids_as_characters(f, result, made, given):
            if isinstance(given, str) and result.shape != (len(given),):
                return f"A text of {len(given)} characters got ids of shape {result.shape}."

        def ids_are_below_V(f, result, made, given):
            V = len(set(made[0]))
            if isinstance(given, str) and given and not 0 <= result.min() <= result.max() < V:
                return f"An alphabet of {V} symbols has the ids 0 to {V - 1}; others came."

        def as_many_characters_as_ids(f, result, made, given):
            if not isinstance(given, str) and len(result) != len(given):
                return f"{len(given)} ids were decoded to {len(result)} characters."

    class slips:
        def number__code_point(self, symbol, text):
            """These are the numbers that Unicode gives the characters, 97 for an a. A model has one row
            for each symbol of its alphabet, and the first of them has the id 0."""
            return ord(symbol)

        def number__from_one(self, symbol, text):
            """All ids are one too large: the first symbol of the alphabet has the id 0."""
            return self.ids[symbol] + 1

        def number__anew(self, symbol, text):
            """The symbols of this text were numbered anew, as if it were its own alphabet: the same
            letter gets another id in another text. Whose order counts?"""
            return sorted(set(text)).index(symbol)

        @like(number__anew)
        def number__as_they_come(self, symbol, text):
            return list(dict.fromkeys(text)).index(symbol)

        def number__place_in_text(self, symbol, text):
            """Each character got the place in this text where it first stands. Its id is its place in
            the alphabet."""
            return text.index(symbol)

        def number__turned_round(self, symbol, text):
            """The ids run backwards: the last symbol of the alphabet has 0 here."""
            return len(self.symbols) - 1 - self.ids[symbol]

        def taken__once_each(text):
            """Each symbol of the text was encoded only once. The ids are a text too: every character in
            its place, as often as it occurs."""
            return sorted(set(text))

        @like(taken__once_each)
        def taken__first_ones(text):
            return dict.fromkeys(text)

        def taken__backwards(text):
            """The ids stand in the opposite order: the last character came first."""
            return text[::-1]

        def taken__stripped(text):
            """Spaces or line ends at the beginning and the end are lost. A space is a symbol like any
            other: was the text stripped?"""
            return text.strip()

        def taken__words(text):
            """Spaces and line ends are lost, as when a text is split into words. A space is a symbol
            like any other."""
            return "".join(text.split())

        class bytes_of_the_text:
            """These are the bytes of the text: an é makes two of them. A model has one row for each symbol
            of its alphabet: self.ids holds their numbers."""

            def taken(text):
                return text.encode()

            def number(self, symbol, text):
                return symbol

        def give__type_open(numbers, V):
            """Right but for an empty text: torch.tensor makes floats of an empty list, and no table is
            looked up by floats. Say the type."""
            return torch.tensor(numbers)

        def give__floats(numbers, V):
            """These ids are floats. An id is the number of a row, and a table is looked up by whole
            numbers: which type has the docstring?"""
            return torch.tensor(numbers, dtype=torch.float32)

        @like(give__floats)
        def give__double(numbers, V):
            return torch.tensor(numbers, dtype=torch.float64)

        def give__small(numbers, V):
            """The ids are whole numbers, but of 32 bits. Cross-entropy takes its targets as torch.long
            alone, and they come from here."""
            return torch.tensor(numbers, dtype=torch.int32)

        def give__list(numbers, V):
            """The ids are in a list. A tensor of them is asked for: what follows cuts windows out of
            it."""
            return numbers

        def give__column(numbers, V):
            """The ids stand in a column, (T, 1). One axis is asked for: (T,)."""
            return torch.tensor(numbers, dtype=torch.long)[:, None]

        def give__row(numbers, V):
            """The ids have an axis too many, as if they were a batch: (1, T). One is asked for: (T,)."""
            return torch.tensor(numbers, dtype=torch.long)[None]

        def give__one_hot(numbers, V):
            """Each character became a row of 0 and 1. That is a one-hot table; asked for is the number
            of the column that holds the 1."""
            return torch.nn.functional.one_hot(torch.tensor(numbers, dtype=torch.long), V)

        def symbol__code_point(self, i):
            """The ids were read as Unicode's numbers. They are places in the alphabet."""
            return chr(i)

        def symbol__one_before(self, i):
            """Every character is the one before the right one: the ids count from 0, as Python does."""
            return self.symbols[i - 1]

        def symbol__turned_round(self, i):
            """The alphabet was read from its end: id 0 gave the last symbol."""
            return self.symbols[-1 - i]

        def symbol__number(self, i):
            """The ids were written down as numbers. Which symbol stands at that place of the
            alphabet?"""
            return str(i)

        def read__backwards(ids):
            """The text came back from its end to its beginning."""
            return ids.tolist()[::-1]

        def read__once_each(ids):
            """Each id was decoded once. A text repeats its letters: every id in its place."""
            return sorted(set(ids.tolist()))

        def join__spaces(symbols):
            """There is something between the characters. The spaces and commas of a text have ids of
            their own: nothing is added."""
            return " ".join(symbols)

        @like(join__spaces)
        def join__commas(symbols):
            return ",".join(symbols)

        def join__list(symbols):
            """The characters came in a list. One text is asked for: how is a list of texts joined to
            one?"""
            return symbols

        def join__list_as_text(symbols):
            """The text of a list came, with its brackets and quotes. How are the characters of a list
            joined to one text?"""
            return str(symbols)

        def join__first_alone(symbols):
            """Only the first character came, and of no ids nothing at all. Does the `return` stand inside
            of the loop?"""
            return symbols[0] if symbols else None

        def join__stripped(symbols):
            """Spaces or line ends at the beginning and the end are lost: was the text stripped?"""
            return "".join(symbols).strip()


class exercise_3_8:
    title = "split, and batches with targets"
    minutes = 25
    returns = ("first part", "second part")
    advice = (
        (
            r"out of bounds|equal size|expanded size|same size",
            "A window begins too late, or is too long: from self.start of its number on, T + 1 places are there.",
        ),
        (
            r"indices must be integers|only integer tensors",
            "A place is a whole number: // divides without a remainder, / makes a float.",
        ),
        (
            r"too many indices|shape mismatch|must match the size",
            "A column of starts plus a row of offsets is a table of places, and ids takes it.",
        ),
    )
    hints = (
        (
            "Take a text of numbers that grow by one. Which windows has batch 0, which batch 1? Go on "
            "through batches.windows windows, an epoch: was any number a target twice?"
        ),
        (
            "The numbers of the windows run through all batches: how many are gone before this one? A "
            "window holds one symbol more than it has positions; input and target each leave one out."
        ),
        (
            "split: len(ids) * 9 // 10, and two slices. Batch: numbers from step * B on, self.start for "
            "each, torch.tensor of them as a column, plus torch.arange(self.T + 1)."
        ),
        (
            "starts = torch.tensor([self.start(step * self.B + b) for b in range(self.B)]); windows = "
            "self.ids[starts[:, None] + torch.arange(self.T + 1)]; windows[:, :-1], windows[:, 1:]."
        ),
    )

    def calls(rng):
        yield "split", np.arange(10)
        yield "split", np.array([3, 1, 2])
        yield "split", rng.permutation(29)
        yield BATCH, (np.arange(9), 2, 3, 0), 0
        yield BATCH, (np.array([4, 1, 7, 3, 8, 2, 0, 5]), 1, 2, 1), 2
        yield BATCH, (rng.permutation(31), 3, 4, 2), 0
        yield BATCH, (rng.permutation(31), 3, 4, 2), 1
        yield BATCH, (rng.permutation(43), 2, 5, 3), 11
        yield BATCH, (rng.integers(7, size=38), 4, 3, 5), 2
        yield BATCH, (rng.permutation(17), 2, 1, 4), 3
        yield "split", np.array([], dtype=int)

    def random_call(rng):
        if rng.random() < 0.3:
            return "split", rng.permutation(rng.integers(60))
        B, T = rng.integers(1, 6, size=2).tolist()
        ids = rng.permutation(2 * T + rng.integers(30))
        return BATCH, (ids, B, T, int(rng.integers(9))), int(rng.integers(20))

    class steps:
        def cut(N):
            return N * 9 // 10

        def parts(ids, cut):
            return ids[:cut], ids[cut:]

        def first(self, step):
            return step * self.B

        def starts(self, first):
            return torch.tensor([self.start(first + b) for b in range(self.B)])

        def windows(self, starts):
            return self.ids[starts[:, None] + torch.arange(self.T + 1)]

        def inputs(windows):
            return windows[:, :-1]

        def targets(windows):
            return windows[:, 1:]

        def give(inputs, targets):
            return inputs, targets

    def whole(steps):
        def split(ids):
            return steps.parts(ids, steps.cut(len(ids)))

        def batch(self, step):
            windows = steps.windows(self, steps.starts(self, steps.first(self, step)))
            return steps.give(steps.inputs(windows), steps.targets(windows))

        return {"split": split, BATCH: batch}

    class properties:
        def split__parts_make_the_whole(f, result, ids):
            both = np.concatenate(result)
            if both.shape != ids.shape or (both != ids).any():
                return (
                    f"One part after the other should be the text again; of {len(ids)} symbols they hold "
                    f"{len(result[0])} and {len(result[1])}."
                )

        def split__nine_tenths(f, result, ids):
            if len(result[0]) != len(ids) * 9 // 10:
                return f"Of {len(ids)} symbols {len(result[0])} are to train on."

        def rows_are_pieces_of_the_text(f, result, made, step=None):
            if step is None:
                return None
            ids, T = made[0], made[2]
            known = {tuple(ids[n : n + T]) for n in range(len(ids) - T)}
            for row in result[0]:
                if tuple(row) not in known:
                    return f"The row {row} of the inputs stands nowhere in the text."

        def targets_stand_one_later(f, result, made, step=None):
            if step is None or len(set(made[0])) < len(made[0]):
                return None
            after = {a: b for a, b in zip(made[0], [*made[0][1:], None], strict=True)}
            for a, b in zip(result[0].flat, result[1].flat, strict=True):
                if after[a] != b:
                    return f"After {a} comes {after[a]} in the text, and its target is {b}."

        def windows_begin_where_start_says(f, result, made, step=None):
            if step is None:
                return None
            ids, B, T, _ = made
            book = Batches(*made)
            for b, row in enumerate(result[0]):
                place = book.start(step * B + b)
                if (row != ids[place : place + T]).any():
                    return (
                        f"Row {b} of batch {step} should hold the window number {step * B + b}, which "
                        f"begins at place {place}."
                    )

        def no_target_twice_in_an_epoch(f, result, made, step=None):
            if step is None or len(set(made[0])) < len(made[0]):
                return None
            ids, B, T, _ = made
            windows = (len(ids) - T) // T
            batches = [getattr(f, BATCH)(made, n)[1] for n in range(-(-windows // B))]
            targets = np.concatenate(batches)[:windows]
            values, counts = np.unique(targets, return_counts=True)
            if counts.max() > 1:
                return (
                    f"In the first {windows} windows, an epoch, the symbol {values[counts.argmax()]} is a "
                    f"target {counts.max()} times. Each should be one once, but for the ends."
                )

    class variants:
        def windows__slices(self, starts):
            return torch.stack([self.ids[s : s + self.T + 1] for s in starts])

    class slips:
        def cut__rounded_up(N):
            """Right but for the rounding: where N does not divide by 10, the first part is one symbol
            longer than asked for."""
            return N - N // 10

        def cut__to_the_nearest(N):
            """Right but for the rounding: the first part holds 9 N / 10 symbols rounded down, and here
            they are rounded to the nearest number."""
            return round(0.9 * N)

        def cut__a_fifth(N):
            """A fifth of the text was kept back. A tenth is asked for: what is kept back is not
            learned."""
            return N * 8 // 10

        def cut__half(N):
            """The text was cut in the middle. Nine tenths are for training."""
            return N // 2

        def parts__turned_round(ids, cut):
            """The parts come in the other order. Return what is to be learned first, then what is to
            judge by."""
            return ids[cut:], ids[:cut]

        def parts__the_first_tenth(ids, cut):
            """The first tenth was kept back. The last is: a text grows at its end, and all numbers of
            this book are of the last tenth."""
            return ids[len(ids) - cut :], ids[: len(ids) - cut]

        def parts__all_to_train_on(ids, cut):
            """The part to train on holds the part to judge by. A model that has read the answers is
            judged too well: where does the first part end?"""
            return ids, ids[cut:]

        def parts__one_lost(ids, cut):
            """The symbol at the cut is in neither part. A slice leaves out its end, and begins with its
            beginning."""
            return ids[:cut], ids[cut + 1 :]

        def parts__one_lost_before(ids, cut):
            """The last symbol before the cut is in neither part. A slice leaves out its end already."""
            return ids[: max(0, cut - 1)], ids[cut:]

        def parts__one_in_both(ids, cut):
            """The symbol at the cut is in both parts. A slice begins with its beginning, and leaves out
            its end."""
            return ids[: cut + 1], ids[cut:]

        def parts__shuffled(ids, cut):
            """The symbols were shuffled before the cut: what is left is a heap of letters. A text is cut
            in one place."""
            mixed = ids[torch.randperm(len(ids))]
            return mixed[:cut], mixed[cut:]

        def parts__every_tenth(ids, cut):
            """Every tenth symbol was taken out to judge by. Its neighbours stay in the training part, and
            tell most of it. Keep back one piece, at the end."""
            tenth = torch.arange(len(ids)) % 10 == 9
            return ids[~tenth], ids[tenth]

        def parts__one_tenth_alone(ids, cut):
            """The first part is a copy of the second: both are the last tenth. Where does the text to
            train on begin?"""
            return ids[cut:], ids[cut:]

        def first__one_further(self, step):
            """Batch number n begins with window n: neighbouring batches share all rows but one, and an
            epoch takes B times as long. How many windows are gone before batch n?"""
            return step

        def first__by_T(self, step):
            """The windows before this batch were counted by T, the length of a window. Each batch takes
            B of them."""
            return step * self.T

        def first__from_one(self, step):
            """This is the batch that comes next: batch 0 begins with window 0."""
            return (step + 1) * self.B

        def first__the_first(self, step):
            """Every batch is batch 0: `step` changes nothing. Training would see these few windows and
            nothing else."""
            return 0

        def starts__numbers(self, first):
            """The number of a window was taken for its place in the text. self.start says where a window
            begins."""
            return first + torch.arange(self.B)

        def starts__in_order(self, first):
            """Window n begins at n times T here: the text is read in order, always by the same cuts.
            self.start deals the windows in a random order."""
            return (first + torch.arange(self.B)) % self.windows * self.T

        @like(starts__in_order)
        def starts__in_order_beyond_the_end(self, first):
            return (first + torch.arange(self.B)) * self.T

        def starts__same(self, first):
            """All rows of a batch are the same window. Each row has a number of its own."""
            return torch.full((self.B,), self.start(first))

        def starts__neighbours(self, first):
            """The first row begins where it should; the others go on from there in the text, T places
            further each. Every row has a window number, and a start, of its own."""
            return self.start(first) + self.T * torch.arange(self.B)

        def starts__strided(self, first):
            """The rows are neighbours in the text, one place apart. Ask self.start for each row's own
            window."""
            return self.start(first) + torch.arange(self.B)

        def starts__thrown(self, first):
            """The starts are thrown anew, as on Day 2. Here a batch depends on the seed and its number
            alone, so that a run can go on where it stopped: self.start has the places."""
            return torch.randint(len(self.ids) - self.T, (self.B,))

        def starts__thrown_by_the_seed(self, first):
            """The starts are thrown by a generator of your own: some symbols come often, others never.
            self.start deals out all windows of an epoch, each once: ask it for every number."""
            generator = torch.Generator().manual_seed(self.seed)
            return torch.randint(len(self.ids) - self.T, (self.B,), generator=generator)

        @like(starts__thrown_by_the_seed)
        def starts__thrown_by_the_step(self, first):
            generator = torch.Generator().manual_seed(self.seed + first // self.B)
            return torch.randint(len(self.ids) - self.T, (self.B,), generator=generator)

        def windows__short(self, starts):
            """The windows hold T symbols, so T - 1 are left without the first or the last one. How many
            does it take for T inputs with a target each?"""
            return self.ids[starts[:, None] + torch.arange(self.T)]

        def windows__strided(self, starts):
            """A window takes every T-th symbol of the text here. It is a piece of T + 1 neighbours."""
            places = starts[:, None] + torch.arange(self.T + 1) * self.T
            return self.ids[places % len(self.ids)]

        def inputs__last_column_left(windows):
            """The inputs hold one symbol too many: T are asked for, and the last of the window is a
            target alone."""
            return windows

        def targets__unshifted(windows):
            """The targets are the inputs themselves: the model is asked for what it has just read. Which
            symbol of the text should it foretell at each position?"""
            return windows[:, :-1]

        def targets__rolled(windows):
            """The last target of a row is its first input: the row was rolled round. What comes after
            the last input stands in the text, one place further on."""
            return windows[:, :-1].roll(-1, dims=1)

        def targets__raised(windows):
            """The ids themselves were raised by one. The target stands one place later in the text; its
            id is whatever it is."""
            return windows[:, :-1] + 1

        def targets__last_alone(windows):
            """There is one target for a whole row, the last. Every position is asked for its next
            symbol: T inputs have T targets."""
            return windows[:, -1]

        def targets__to_the_left(windows):
            """Each target is the symbol before its input: the shift goes the wrong way. The model should
            learn what comes next."""
            return torch.cat((windows[:, :1], windows[:, :-2]), dim=1)

        class two_ahead:
            """The targets stand two places later than the inputs. Which symbol comes right after the one
            that was read?"""

            def windows(self, starts):
                places = starts[:, None] + torch.arange(self.T + 2)
                return self.ids[places.clamp(max=len(self.ids) - 1)]

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

        def give__flat(inputs, targets):
            """All windows stand in one long row. The model reads (B, T): each window is a row of its
            own."""
            return inputs.flatten(), targets.flatten()

        def give__stacked(inputs, targets):
            """Both parts came as one tensor. Return two of them: the inputs, then the targets."""
            return torch.stack((inputs, targets))
