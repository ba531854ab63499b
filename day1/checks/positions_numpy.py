"""Checks of day1/positions_numpy.py. What each part is for stands in study/naming.py."""

import numpy as np

from positions_numpy import embed, one_hot


class exercise_1_6:
    title = "sinusoidal positions"
    minutes = 30
    hints = (
        (
            "Print three positions of four numbers each. What must position 0 be, whatever the size? "
            "Which columns change much from one row to the next, and which hardly at all?"
        ),
        (
            "Two neighbouring columns are one hand of a clock: its height and its width. All hands start "
            "together; the first is the fastest, and each later one is slower by the same factor."
        ),
        (
            "A column of positions, np.arange(T)[:, None], divided by a row of C numbers gives (T, C). "
            "channels // 2 * 2 gives both channels of a pair the same 2 i. np.where picks sine or "
            "cosine."
        ),
        (
            "channels = np.arange(C); angles = np.arange(T)[:, None] / 10000.0 ** (channels // 2 * 2 / "
            "C); np.where(channels % 2 == 0, np.sin(angles), np.cos(angles))."
        ),
    )
    advice = (
        (r"bitwise_xor|for \^", "^ is no power in Python: ** is."),
        (
            r"shapes \(4,\) \(3,2\)",
            "An angle for each pair, and two channels in a pair: each angle is needed twice.",
        ),
    )

    def calls(rng):
        for T, C in ((3, 4), (5, 6), (5, 7), (1, 6), (2, 1), (7, 2), (4, 3), (9, 12), (5, 16)):
            yield "sinusoidal", T, C

    def random_call(rng):
        T, C = rng.integers(1, 9, size=2)
        return "sinusoidal", int(T), int(C)

    class steps:
        def places(T):
            return np.arange(T)

        def pairs(C):
            return np.arange(C) // 2 * 2

        def exponent(pairs, C, T):
            return pairs / C

        def wavelengths(exponent, C):
            return 10000.0**exponent

        def angles(places, wavelengths):
            return places[:, None] / wavelengths

        def waves(angles):
            return np.where(np.arange(angles.shape[1]) % 2 == 0, np.sin(angles), np.cos(angles))

    def whole(steps):
        def sinusoidal(T, C):
            exponent = steps.exponent(steps.pairs(C), C, T)
            angles = steps.angles(steps.places(T), steps.wavelengths(exponent, C))
            return steps.waves(angles)

        return {"sinusoidal": sinusoidal}

    class properties:
        def position_0_is_0_and_1(f, result, T, C):
            wanted = np.arange(C) % 2
            off = np.abs(result[0] - wanted)
            if off.max() > 1e-9:
                c = off.argmax()
                return (
                    f"At position 0 every angle is 0, yet channel {c} is {result[0, c]:.3g}, "
                    f"not {wanted[c]}."
                )

        def a_pair_lies_on_a_circle(f, result, T, C):
            long = result[:, 0 : C // 2 * 2 : 2] ** 2 + result[:, 1::2] ** 2
            if C > 1 and np.abs(long - 1).max() > 1e-9:
                t, i = np.unravel_index(np.abs(long - 1).argmax(), long.shape)
                return (
                    f"Channels {2 * i} and {2 * i + 1} are sine and cosine of one angle. At position "
                    f"{t} their squares add up to {long[t, i]:.10g}, not to 1."
                )

        def channel_0_turns_by_1(f, result, T, C):
            if T > 1 and abs(result[1, 0] - np.sin(1)) > 1e-9:
                return f"Channel 0 of position 1 is sin(1) = 0.841. Here it is {result[1, 0]:.3g}."

        def pair_1_turns_slower(f, result, T, C):
            wanted = np.sin(10000 ** (-2 / C))
            if T > 1 and C > 2 and abs(result[1, 2] - wanted) > 0.01 * wanted:
                return (
                    f"From one position to the next the second pair turns by 10000^(-2 / {C}) = "
                    f"{10000 ** (-2 / C):.3g}. Channel 2 of position 1 is the sine of that, "
                    f"not {result[1, 2]:.3g}."
                )

        def only_the_distance_counts(f, result, T, C):
            if T > 2 and C % 2 == 0:
                near = (result[1:] * result[:-1]).sum(axis=1)
                if np.abs(near - near[0]).max() > 1e-9:
                    t = np.abs(near - near[0]).argmax()
                    return (
                        f"Positions 0 and 1 have the product {near[0]:.3g}, positions {t} and "
                        f"{t + 1} have {near[t]:.3g}. It should depend on the distance alone."
                    )

    class slips:
        def sinusoidal__flat(T, C):
            """Positions and channels were paired one by one. Every position meets every channel: the
            positions must stand upright."""
            channels = np.arange(C)
            angles = np.arange(T) / 10000.0 ** (channels // 2 * 2 / C)
            return np.where(channels % 2 == 0, np.sin(angles), np.cos(angles))

        def places__from_one(T):
            """These are the vectors of positions 1, 2, 3, ... The first position is 0: all its
            angles are 0."""
            return np.arange(1, T + 1)

        def places__shares(T):
            """The positions were divided by the length: the same place gets another vector in a
            longer text. A position is a whole number, whatever follows it."""
            return np.arange(T) / T

        def places__zero_to_one(T):
            """The positions were divided by the length: the same place gets another vector in a
            longer text. A position is a whole number, whatever follows it."""
            return np.arange(T) / (T - 1)

        def pairs__each_channel(C):
            """Every channel has a wavelength of its own here. Two neighbours, a sine and a cosine,
            should share one: what do channels 2 i and 2 i + 1 have in common?"""
            return np.arange(C)

        def pairs__late(C):
            """The pairs are shifted by one: channels 1 and 2 share a wavelength here. The pairs are
            0 and 1, 2 and 3, ..."""
            return (np.arange(C) + 1) // 2 * 2

        def exponent__doubled(pairs, C, T):
            """The wavelengths grow twice as fast as they should: the exponent was doubled twice.
            Does your i count pairs, or is it already the even channel 2 i?"""
            return 2 * pairs / C

        def exponent__half_of_C(pairs, C, T):
            """The wavelengths grow twice as fast as they should: the exponent was doubled twice.
            Does your i count pairs, or is it already the even channel 2 i?"""
            return pairs / (C // 2)

        def exponent__number_of_the_pair(pairs, C, T):
            """The wavelengths grow half as fast as they should: these are the numbers with i / C in
            the exponent. The formula has 2 i / C."""
            return pairs / 2 / C

        def exponent__whole(pairs, C, T):
            """All pairs turn equally fast here: every exponent is 0. Is it missing, or was it
            rounded down by a // where a / should stand?"""
            return pairs // C

        def exponent__up_to_one(pairs, C, T):
            """Your slowest wavelength is exactly 2 pi 10000: the exponents end at 1. In the formula
            they are divided by C, and end just below 1."""
            return pairs / max(2 * (C // 2) - 2, 1)

        def exponent__linspace(pairs, C, T):
            """Your slowest wavelength is exactly 2 pi 10000: the exponents end at 1. In the formula
            they are divided by C, and end just below 1."""
            return pairs / max(pairs[-1], 1)

        def exponent__by_C_less_one(pairs, C, T):
            """These are the numbers with C - 1 under the exponent. The formula divides 2 i by C
            itself."""
            return pairs / (C - 1)

        def exponent__by_T(pairs, C, T):
            """The wavelengths change with the number of positions here. The exponent is 2 i divided
            by the number of channels."""
            return pairs / T

        def wavelengths__1000(exponent, C):
            """These are the numbers with 1000 as the base. Count the zeros: it is 10000."""
            return 1000.0**exponent

        def wavelengths__100000(exponent, C):
            """These are the numbers with 100000 as the base. Count the zeros: it is 10000."""
            return 100000.0**exponent

        def wavelengths__e(exponent, C):
            """These are the numbers with e as the base: exp without a logarithm. 10000 to the power
            of a is exp(a log(10000))."""
            return np.exp(exponent)

        def wavelengths__log_10(exponent, C):
            """These are the numbers with log10 in the place of the natural logarithm. exp undoes
            log, and log10 is undone by 10 to the power of it."""
            return np.exp(exponent * np.log10(10000))

        def wavelengths__product(exponent, C):
            """10000 was multiplied by 2 i / C here. The formula raises it to that power: each pair
            is slower by the same factor."""
            return 10000.0 * exponent

        class power_first:
            """The power was taken before the division here: (10000 ** 2 i) / C. ** binds more
            tightly than /. Where do brackets have to go?"""

            def exponent(pairs, C, T):
                return pairs

            def wavelengths(exponent, C):
                return 10000.0**exponent / C

        class power_first_of_integers:
            """The power was taken before the division here: (10000 ** 2 i) / C. ** binds more
            tightly than /. Where do brackets have to go?"""

            def exponent(pairs, C, T):
                return pairs

            def wavelengths(exponent, C):
                return np.power(10000, exponent) / C

        class floored_factor:
            """Nearly all pairs stand still or turn alike here. Python's // rounds down, below 0 away
            from 0, and it divides last: -9.21 / C // 2 is a whole number. Use / and brackets."""

            def exponent(pairs, C, T):
                return pairs

            def wavelengths(exponent, C):
                return np.exp(exponent * (np.log(10000) / -C // 2)) ** -1.0

        class floored_factor_of_the_pair:
            """Nearly all pairs stand still or turn alike here. Python's // rounds down, below 0 away
            from 0, and it divides last: -9.21 / C // 2 is a whole number. Use / and brackets."""

            def exponent(pairs, C, T):
                return pairs / 2

            def wavelengths(exponent, C):
                return np.exp(exponent * (np.log(10000) / -C // 2)) ** -1.0

        class floored_product:
            """Nearly all pairs stand still or turn alike here. Python's // rounds down, below 0 away
            from 0, and it divides last: -9.21 / C // 2 is a whole number. Use / and brackets."""

            def exponent(pairs, C, T):
                return pairs

            def wavelengths(exponent, C):
                return np.exp(exponent * -np.log(10000) / C // 2) ** -1.0

        class floored_product_of_the_pair:
            """Nearly all pairs stand still or turn alike here. Python's // rounds down, below 0 away
            from 0, and it divides last: -9.21 / C // 2 is a whole number. Use / and brackets."""

            def exponent(pairs, C, T):
                return pairs / 2

            def wavelengths(exponent, C):
                return np.exp(exponent * -np.log(10000) / C // 2) ** -1.0

        def angles__multiplied(places, wavelengths):
            """The later pairs turn faster here: positions were multiplied by the power of 10000. A
            longer wave turns more slowly: divide, or take a negative exponent."""
            return places[:, None] * wavelengths

        def angles__whole(places, wavelengths):
            """Every angle is a whole number here: it was rounded down by //. A slow pair should move
            a little with each position: divide by /."""
            return places[:, None] // wavelengths

        def angles__over_two_pi(places, wavelengths):
            """All angles are 2 pi times too small. A wavelength is the way of one full turn, and a full
            turn is an angle of 2 pi: the two cancel."""
            return places[:, None] / (2 * np.pi * wavelengths)

        def angles__two_pi(places, wavelengths):
            """All angles are 2 pi times too large. The wavelength already has that 2 pi: the angle is
            the position divided by 10000^(2 i / C)."""
            return 2 * np.pi * places[:, None] / wavelengths

        def angles__degrees(places, wavelengths):
            """The angles were turned from degrees into radians here. They are radians from the
            start: sin and cos take them as they are."""
            return np.deg2rad(places[:, None] / wavelengths)

        def angles__turned(places, wavelengths):
            """Here the positions run along the columns. The result has a row for each position:
            which of the two needs the new axis?"""
            return places / wavelengths[:, None]

        def waves__turned(angles):
            """Here the positions run along the columns. The result has a row for each position: the
            right numbers stand in the right order, but turned."""
            return np.where(np.arange(angles.shape[1]) % 2 == 0, np.sin(angles), np.cos(angles)).T

        def waves__swapped(angles):
            """Sine and cosine are exchanged. The even channels are sines, the odd ones cosines: at
            the angle 0 that is 0, 1, 0, 1."""
            return np.where(np.arange(angles.shape[1]) % 2 == 0, np.cos(angles), np.sin(angles))

        def waves__sines(angles):
            """All channels are sines here. An angle and its mirror image have the same sine: it
            takes the cosine, in the odd channels, to tell them apart."""
            return np.sin(angles)

        def waves__cosines(angles):
            """All channels are cosines here. An angle and its negative have the same cosine: it
            takes the sine, in the even channels, to tell them apart."""
            return np.cos(angles)

        def waves__none(angles):
            """These are the angles themselves: they grow with the length of the text. Take their
            sine in even channels, their cosine in odd ones."""
            return angles

        def waves__by_position(angles):
            """Here even positions are sines and odd positions cosines: rows where it should be
            columns. It is the channel that decides."""
            even = np.arange(angles.shape[0])[:, None] % 2 == 0
            return np.where(even, np.sin(angles), np.cos(angles))

        def waves__one_half(angles):
            """The first half of the channels are sines, the second cosines, and each angle has only
            one of the two. Every angle needs both, side by side."""
            C = angles.shape[1]
            return np.where(np.arange(C) < C / 2, np.sin(angles), np.cos(angles))

        def waves__odd_slices(angles):
            """Right for an even C. An odd C ends on a sine: there is one sine more than there are
            cosines. How many angles does each of the two get?"""
            table = np.zeros(angles.shape)
            table[:, 0::2] = np.sin(angles[:, 0::2])
            table[:, 1::2] = np.cos(angles[:, 0::2])
            return table

        def waves__odd_short_slices(angles):
            """Right for an even C. An odd C ends on a sine: there is one sine more than there are
            cosines. How many angles does each of the two get?"""
            table = np.zeros(angles.shape)
            table[:, 0::2] = np.sin(angles[:, 0::2][:, : angles.shape[1] // 2])
            table[:, 1::2] = np.cos(angles[:, 0::2][:, : angles.shape[1] // 2])
            return table

        def waves__odd_loop(angles):
            """Right for an even C. An odd C ends on a sine: there is one sine more than there are
            cosines. Does channel i + 1 always exist?"""
            table = np.zeros(angles.shape)
            for i in range(0, angles.shape[1], 2):
                table[:, i] = np.sin(angles[:, i])
                table[:, i + 1] = np.cos(angles[:, i])
            return table

        def waves__odd_last_is_zero(angles):
            """Right for an even C. With an odd C the last channel stays 0: it is a sine, alone in
            its pair. How many pairs does a loop over C // 2 meet?"""
            table = np.zeros(angles.shape)
            for i in range(angles.shape[1] // 2):
                table[:, 2 * i] = np.sin(angles[:, 2 * i])
                table[:, 2 * i + 1] = np.cos(angles[:, 2 * i])
            return table

        def waves__odd_stack(angles):
            """Right for an even C. Sines and cosines laid together in pairs make an even number of
            channels: an odd C needs one sine more than cosines."""
            return np.stack([np.sin(angles[:, ::2]), np.cos(angles[:, ::2])], 2).reshape(
                angles.shape
            )

        def waves__odd_short_stack(angles):
            """Right for an even C. Sines and cosines laid together in pairs make an even number of
            channels: an odd C needs one sine more than cosines."""
            pairs = angles[:, ::2][:, : angles.shape[1] // 2]
            return np.stack([np.sin(pairs), np.cos(pairs)], 2).reshape(angles.shape)

        def waves__odd_longer(angles):
            """Right for an even C; an odd one gets a channel too many. It ends on a sine, and the
            cosine beside it is left out."""
            pairs = angles[:, ::2]
            return np.stack([np.sin(pairs), np.cos(pairs)], 2).reshape(len(angles), -1)

        def waves__odd_shorter(angles):
            """Right for an even C; an odd one gets a channel too few. It ends on a sine without its
            cosine: C // 2 leaves that one out."""
            pairs = angles[:, ::2][:, : angles.shape[1] // 2]
            return np.stack([np.sin(pairs), np.cos(pairs)], 2).reshape(len(angles), -1)

        def waves__halves_longer(angles):
            """Sines first and cosines after them: another order of the same numbers. But an odd C
            gets a channel too many here: leave out the last cosine."""
            return np.hstack([np.sin(angles[:, ::2]), np.cos(angles[:, ::2])])

        def waves__halves_shorter(angles):
            """Sines first and cosines after them: another order of the same numbers. But an odd C
            gets a channel too few here: it has one sine more than cosines."""
            pairs = angles[:, ::2][:, : angles.shape[1] // 2]
            return np.hstack([np.sin(pairs), np.cos(pairs)])

    class accepts:
        def waves__halves(angles):
            """Right, in another convention: all sines in the first half, all cosines in the second,
            as in tensor2tensor. The book lays each sine beside its cosine; it matters only where
            weights are carried across."""
            return np.hstack([np.sin(angles[:, 0::2]), np.cos(angles[:, 1::2])])


class exercise_1_8:
    title = "one-hot and embedding"
    minutes = 20
    hints = (
        (
            "Take one word of a language that has three. How many numbers stand for it, and how many of "
            "them are not 0? And what is the shape for a whole page of words?"
        ),
        (
            "Compare the number of a word with all possible numbers, side by side: one comparison is "
            "true. To look a word up, nothing is computed at all: a row is taken as it is."
        ),
        (
            "ids[..., None] has one more axis; == np.arange(V) then compares each id with each symbol. "
            "An array of any shape may stand in the brackets of table[...]. Look at min and max first."
        ),
        (
            'if ids.min() < 0 or ids.max() >= V: raise ValueError("..."). one_hot: (ids[..., None] == '
            "np.arange(V)).astype(float). embed, with V = len(table): table[ids]."
        ),
    )

    def calls(rng):
        yield "one_hot", np.array([2, 0]), 3
        yield "embed", np.array([2, 0]), np.array([[1.0, 2], [3, 4], [5, 6]])
        B, H, T, C, V = 2, 3, 5, 4, 7
        table = rng.normal(size=(V, C))
        for shape in ((T,), (B, T), (H, T), (1, 1), (B, H, T)):
            ids = rng.integers(V - 1, size=shape)  # the last symbol is never asked for
            ids.flat[-1] = 0
            yield "one_hot", ids, V
            yield "embed", ids, table
        everything = np.array([[6, 5, 4, 3], [2, 1, 0, 6]])
        yield "one_hot", everything, V
        yield "embed", everything, table
        # as many channels as symbols, and as many ids: a wrong product fits here
        yield "embed", rng.integers(4, size=(3, 4)), rng.normal(size=(4, 4))
        yield "one_hot", np.zeros((2, 3), dtype=int), 1
        yield "embed", np.zeros((2, 3), dtype=int), table[:1]

    def random_call(rng):
        V, C, *shape = rng.integers(1, 6, size=rng.integers(3, 6))
        ids = rng.integers(V, size=shape)
        return (
            ("one_hot", ids, int(V))
            if rng.random() < 0.5
            else ("embed", ids, rng.normal(size=(V, C)))
        )

    def refusals(rng):
        table = rng.normal(size=(5, 3))
        for ids in (np.array([[0, -1]]), np.array([4, 5])):
            yield "one_hot", ids, 5
            yield "embed", ids, table

    class steps:
        """None: each of the two is one line, and every slip a whole function."""

    def whole(steps):
        return {"one_hot": one_hot, "embed": embed}

    class properties:
        def one_hot__a_single_1(f, result, ids, V):
            total = result.sum(axis=-1)
            if np.abs(total - 1).max() > 1e-9:
                worst = np.unravel_index(np.abs(total - 1).argmax(), ids.shape)
                return (
                    f"The row of id {ids[worst]} adds up to {total[worst]:.3g}. It has a single 1."
                )

        def one_hot__in_the_place_of_the_id(f, result, ids, V):
            place = result.argmax(axis=-1)
            if (place != ids).any():
                worst = np.unravel_index((place != ids).argmax(), ids.shape)
                return f"The 1 of id {ids[worst]} stands in place {place[worst]}."

        def one_hot__0_and_1(f, result, ids, V):
            strange = result[(result != 0) & (result != 1)]
            if strange.size:
                return f"There is a {strange[0]:.3g} in it. One-hot rows hold 0 and 1 alone."

        def embed__rows_of_the_table(f, result, ids, table):
            off = np.abs(result - table[ids]).max(axis=-1)
            if off.max() > 1e-9:
                worst = ids[np.unravel_index(off.argmax(), ids.shape)]
                return f"The vector of id {worst} is not row {worst} of the table."

    class slips:
        def one_hot__ranks(ids, V):
            """The 1 stands in the place of the id's rank among the ids that occur. It belongs in
            the place of the id itself, whichever others there are."""
            ids = np.asarray(ids)
            return np.eye(V)[np.unique(ids, return_inverse=True)[1].reshape(ids.shape)]

        def one_hot__bools(ids, V):
            """The places are right, but these are True and False. Make numbers of them, 1 and 0, with
            astype(float)."""
            return ids[..., None] == np.arange(V)

        def one_hot__from_one(ids, V):
            """Symbol 1 has its 1 in place 0 here. Ids are counted from 0, as everything in
            Python."""
            return (ids[..., None] - 1 == np.arange(V)).astype(float)

        def one_hot__largest_decides(ids, V):
            """The rows are as long as the largest id that happens to occur. Every row has V places,
            whether its symbols occur or not."""
            return np.eye(ids.max() + 1)[ids]

        def one_hot__symbols_first(ids, V):
            """The symbols run along the first axis here. They belong on a new last one: each id
            becomes a row of V numbers."""
            return np.moveaxis((ids[..., None] == np.arange(V)).astype(float), -1, 0)

        def one_hot__symbols_before_last(ids, V):
            """The symbols stand on the last axis but one: the None is in the wrong place. They
            belong on a new last one: each id becomes a row of V numbers."""
            return (ids[..., None, :] == np.arange(V)[:, None]).astype(float)

        def one_hot__no_axis(ids, V):
            """This compares the ids with the symbols one to one, as lists of the same length. Each
            id has to meet every symbol: it needs a new last axis."""
            return (ids == np.arange(V)).astype(float)

        def one_hot__flat(ids, V):
            """The sentences are glued together: one long list of rows. The shape of the ids should
            stay in front: (..., V)."""
            return np.eye(V)[ids.ravel()]

        def one_hot__counts(ids, V):
            """These are counts: how often each symbol occurs in a sentence. One-hot keeps a row for
            every position; nothing is added up."""
            return (ids[..., None] == np.arange(V)).sum(axis=-2).astype(float)

        def one_hot__bag(ids, V):
            """One row for everything, with a 1 for each symbol that occurs. Every id needs a row of
            its own, or the order is lost."""
            row = np.zeros(V)
            row[ids] = 1
            return row

        def one_hot__all_columns(ids, V):
            """Every row has a 1 for every id that occurs: an assignment to [..., ids] fills whole
            columns. Each row has one place of its own to fill."""
            rows = np.zeros((*ids.shape, V))
            rows[..., ids] = 1
            return rows

        def one_hot__colon_columns(ids, V):
            """An assignment to [:, ids] fills whole columns, and only fits one axis of ids. Each row
            has one place of its own to fill, whatever the shape in front."""
            rows = np.zeros((*ids.shape, V))
            rows[:, ids] = 1
            return rows

        def one_hot__rows(ids, V):
            """An assignment to [ids] picks rows by the id. The id names a column; which row it is,
            its position says."""
            rows = np.zeros((*ids.shape, V))
            rows[ids] = 1
            return rows

        def one_hot__one_axis(ids, V):
            """Right for a single list of ids. They may have any shape, such as sentences in a batch:
            what in your line counts on one axis?"""
            rows = np.zeros((len(ids), V))
            rows[np.arange(len(ids)), ids] = 1
            return rows

        def one_hot__one_axis_of_many(ids, V):
            """Right for a single list of ids. They may have any shape, such as sentences in a batch:
            what in your line counts on one axis?"""
            rows = np.zeros((*ids.shape, V))
            rows[np.arange(len(ids)), ids] = 1
            return rows

        def one_hot__one_axis_by_length(ids, V):
            """Right for a single list of ids. They may have any shape, such as sentences in a batch:
            what in your line counts on one axis?"""
            rows = np.zeros((ids.size, V))
            rows[np.arange(ids.size), ids] = 1
            return rows

        def one_hot__one_axis_in_a_column(ids, V):
            """Right for a single list of ids. They may have any shape, such as sentences in a batch:
            what in your line counts on one axis?"""
            return (ids[:, None] == np.arange(V)).astype(float)

        def one_hot__inverted(ids, V):
            """0 stands where 1 belongs, and 1 everywhere else. One is hot, the rest are cold."""
            return (ids[..., None] != np.arange(V)).astype(float)

        def one_hot__up_to(ids, V):
            """All places up to the id are 1 here, like a thermometer. Only the place of the id
            itself is: == and not >=."""
            return (ids[..., None] >= np.arange(V)).astype(float)

        def one_hot__the_id_itself(ids, V):
            """The id itself stands in its place. It should be a 1: a symbol with a larger number is
            not more."""
            return np.where(ids[..., None] == np.arange(V), ids[..., None], 0).astype(float)

        def embed__columns(ids, table):
            """This takes columns of the table. A symbol has a row: the ids belong on its first
            axis."""
            return table[:, ids]

        def embed__turned(ids, table):
            """This takes rows of the table turned round. The table already has a row for each
            symbol."""
            return table.T[ids]

        def embed__numbers(ids, table):
            """One number came for each id, not a vector: this reads the table as one long row, as
            np.take does without an axis. Take whole rows."""
            return np.take(table, ids)

        def embed__product(ids, table):
            """The ids themselves were multiplied by the table. An id is a name, not an amount: look
            its row up, or multiply the one-hot rows."""
            return ids @ table

        def embed__product_with_the_turned(ids, table):
            """Two shapes do not meet. One-hot rows have V numbers, and the table has V rows: their
            product fits as it is. Or take the rows at once, without any product."""
            return np.eye(len(table))[ids] @ table.T

        def embed__from_one(ids, table):
            """Each symbol gets the row of the one before it. Ids are counted from 0, as everything
            in Python."""
            return table[ids - 1]

        def embed__flat(ids, table):
            """The sentences are glued together: one long list of vectors. The shape of the ids
            should stay in front: (..., C)."""
            return table[ids.ravel()]

        def embed__sum(ids, table):
            """The vectors of a sentence were added up. Each symbol keeps a vector of its own:
            nothing is added here."""
            return table[ids].sum(axis=-2)

        def embed__mean(ids, table):
            """The vectors of a sentence were averaged. Each symbol keeps a vector of its own:
            nothing is added here."""
            return table[ids].mean(axis=-2)

        def embed__by_position(ids, table):
            """This takes row 0 for the first symbol, row 1 for the second, and so on. It is the id
            that names the row, not the position."""
            return table[np.broadcast_to(np.arange(ids.shape[-1]), ids.shape)]

        def embed__scaled(ids, table):
            """These vectors are larger by the root of C. Vaswani et al. do that in section 3.4, but
            not here: the rows come as they stand in the table."""
            return table[ids] * np.sqrt(table.shape[1])

        def embed__one_hot_turned(ids, table):
            """The product is right, but the channels stand before the positions. The last axis holds
            the channels: (..., C)."""
            return np.swapaxes(table[ids], -1, -2)
