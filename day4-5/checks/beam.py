"""Checks of day4-5/beam.py. What each part is for stands in study/naming.py."""

import contextlib
import functools
import json
import math

import numpy as np
import torch

from beam import Told
from encoder_decoder import Config, EncoderDecoder, check_ids
from sequences import END, PAD, START, padded, real_lengths

CONTEXT = 12  # of a table, as of the models: an endless loop ends with a sentence


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


class Table(Told):
    """Told, with logits at every place, a table for each first word of the source, and a count.

    rows: {first word of the source, or None for any: {what was written: {next symbol: p}}}; other:
    {next symbol: p} after what stands in no table.
    """

    def __init__(self, rows, V, other):
        super().__init__(rows, V)
        self.other, self.encoded = other, 0
        self.made = {}  # rows of logits, made once
        self.eval()

    def forward(self, source, reads):
        return self.decode(reads, *self.encode(source))

    def encode(self, source):
        check_ids(source, "source", self.V, CONTEXT)
        real_lengths(source)
        self.encoded += 1
        return source[..., None].double(), (source != PAD)[:, None, None]

    def decode(self, reads, memory, memory_mask):
        check_ids(reads, "target", self.V, CONTEXT)
        real_lengths(reads)
        if memory.dim() != 3 or len(memory) != len(reads):
            raise ValueError(
                f"reads {tuple(reads.shape)} and memory {tuple(memory.shape)} differ in B or C"
            )
        words = memory[:, 0, 0].tolist()
        return torch.stack([self.places(w, ids) for w, ids in zip(words, reads.tolist())])

    def places(self, word, ids):
        """The logits of a row at all its places: (T, V)."""
        key = word, tuple(ids)
        if key not in self.made:
            rows = self.rows.get(word, self.rows.get(None, {}))
            row = (ids[0] == START and rows.get(tuple(ids[1:]))) or self.other
            logits = torch.full((1, self.V), -torch.inf, dtype=torch.float64)
            for symbol, p in row.items():
                logits[0, symbol] = math.log(p) + 2  # logits are no ln p yet
            before = [self.places(word, ids[:-1])] if len(ids) > 1 else []
            self.made[key] = torch.cat((*before, logits))
        return self.made[key]


class Says(Table):
    """The likeliest of each text is given: {first word of the source: ids}. Then it babbles on."""

    def __init__(self, texts, V=7):
        rows = {}
        for word, ids in texts.items():
            rest = {i: 0.4 / (V - 2) for i in range(START, V)}  # 0.6 for the one that is told
            rows[word] = {tuple(ids[:t]): rest | {i: 0.6} for t, i in enumerate(ids)}
        super().__init__(rows, V, {V - 1: 0.7, END: 0.3})
        self.texts = texts

    def __repr__(self):
        said = ", ".join(f"{word}: {ids}" for word, ids in self.texts.items())
        return f"a table by first word: {{{said}}}"


class Shares(Table):
    """For any source: {what was written: {next symbol: p}}. END follows what is not told."""

    def __init__(self, rows, V=7):
        super().__init__({None: rows}, V, {END: 1.0})

    def __repr__(self):
        told = "; ".join(
            f"{list(ids)}: {', '.join(f'{i} {p:.2g}'.replace(' 0.', ' .') for i, p in row.items())}"
            for ids, row in self.rows[None].items()
        )
        return f"p after {told}"


class Drawn(EncoderDecoder):
    """A small one with random weights, the same for the same seed; END comes sooner or later."""

    def __init__(self, seed, V=6, context=CONTEXT, std=0.6):
        torch.default_generator.manual_seed(seed)
        super().__init__(Config(V, V, context, 1, 2, 8, 16))
        self.seed = seed
        self.double().eval().requires_grad_(False)
        for p in self.parameters():
            p += std * torch.randn(p.shape, dtype=p.dtype)
        self.source.weight[PAD] = self.target.weight[PAD] = 0

    def __repr__(self):
        V, context = self.config.target_size, self.config.context
        return f"an EncoderDecoder, V {V}, context {context}, weights of seed {self.seed}"


def sources(rng, B, V=6, longest=5):
    """Rows of unequal length, PAD on the right: (B, S)."""
    rows = [rng.integers(END, V, size=rng.integers(1, longest + 1)).tolist() for _ in range(B)]
    return padded(rows).numpy()


def encoded_once(model, run):
    """Whether a run encodes the source once, where the model counts it."""
    if model.training:
        model.eval()
        raise ValueError(
            "the model came in evaluation mode, and is left in training: dropout is on"
        )
    if not isinstance(model, Table):
        return torch.tensor(True)
    model.encoded = 0
    run()
    return torch.tensor(model.encoded == 1)


def ln_shares(model, source, ids):
    """ln p of every symbol at every place of a text, source (S,): (T, V)."""
    with torch.no_grad():
        memory, mask = model.encode(torch.as_tensor(source)[None])
        reads = torch.tensor([[START, *ids[:-1]]])
        return model.decode(reads, memory, mask)[0].log_softmax(dim=-1)


@functools.cache
def ln_p(model, source, ids):
    """ln p of a text; NaN of what is none: an empty one, PAD within, symbols that do not exist."""
    with contextlib.suppress(ValueError, IndexError, RuntimeError):
        shares = ln_shares(model, source, ids)
        return shares[torch.arange(len(ids)), torch.tensor(ids)].sum().item()
    return math.nan


def text_of(row):
    """A row as far as its END, or as far as it goes."""
    return row[: row.index(END) + 1] if END in row else row


def unlikely(model, source, ids):
    """A sentence on the first symbol of a text that is not the likeliest, or None."""
    best = ln_shares(model, source, ids).argmax(dim=-1).tolist()
    for t, (chosen, likeliest) in enumerate(zip(ids, best, strict=True)):
        if chosen != likeliest:
            return f"After {ids[:t]} the likeliest symbol is {likeliest}; {chosen} comes here."
    return None


class exercise_5_5:
    title = "greedy: the likeliest, again and again"
    minutes = 25
    returns = ("encoded once", "result")
    advice = (
        (
            r"target has the shape",
            "The decoder reads one row for each source, and START stands first in it.",
        ),
        (
            r"symbols, but this model reads",
            "More is read than `longest` allows. Does the loop end, even where END never comes?",
        ),
        (
            r"begins with PAD|PAD stands before",
            "PAD fills rows that have ended, at all later steps; nowhere else is it read or chosen.",
        ),
        (
            r"differ in B or C",
            "The decoder wants reads (B, T) and the memory (B, S, C): as many rows in both.",
        ),
        (
            r"target ids are in",
            "An id outside the vocabulary is read. Of which axis is the largest taken?",
        ),
        (
            r"number of dimensions|Sizes of tensors must match",
            "To join what was written, the ids of one step need an axis of length 1: (B, 1).",
        ),
        (
            r"memory_mask|object has no attribute",
            "encode gives two things, the memory and its mask, and decode wants both, after reads.",
        ),
        (
            r"Boolean value of Tensor",
            "Each row ends in its own time: whether all have ended is a question to a whole tensor.",
        ),
    )
    hints = (
        (
            "Take a batch of sources whose translations differ in length, and print what the decoder "
            "reads at each step. What stands there once a row has ended? And when do you stop?"
        ),
        (
            "The source is read once. At each step the decoder reads all that was written, START "
            "first, and only its last place tells what comes next. Remember which rows have ended."
        ),
        (
            "torch.full_like(source[:, :1], START) begins; argmax(dim=-1) of the last place chooses; "
            "masked_fill(done, PAD) for rows that have ended; torch.cat joins; done |= chosen == END."
        ),
        (
            "memory, mask = model.encode(source). Then at most `longest` times: chosen = "
            "model.decode(reads, memory, mask)[:, -1].argmax(-1); join it to reads, PAD where done; "
            "update done; break when done.all(). Give reads[:, 1:]."
        ),
    )

    def calls(rng):
        three = Says({3: [5, END], 4: [3, 6, 4, END], 5: [END]})
        yield "greedy", Says({3: [4, 5, END]}), np.array([[3, 4]]), 5
        yield "greedy", three, np.array([[3, 6], [4, 6], [5, 6]]), 6
        yield "greedy", three, np.array([[4, 5, 6], [5, 3, 0], [3, 0, 0], [5, 0, 0]]), 5
        yield "greedy", Says({3: [4, 5, 6, 4, END]}), np.array([[3]]), 2
        yield "greedy", Says({3: [4, 5, END]}), np.array([[3], [4]]), 3
        yield "greedy", three, np.array([[5, 4], [5, 3]]), 4
        yield "greedy", three, np.array([[4, 4, 4, 4], [5, 4, 4, 4]]), 1
        for seed, B, longest in ((0, 4, 6), (1, 3, 5), (3, 5, 7), (5, 2, 4), (8, 6, 8)):
            yield "greedy", Drawn(seed), sources(rng, B), longest
        yield "greedy", Drawn(2, context=4, std=0.3), sources(rng, 3, longest=4), 4

    def random_call(rng):
        B, V, longest = (int(rng.integers(a, b)) for a, b in ((1, 5), (5, 8), (1, 8)))
        if rng.random() < 0.3:
            texts = {
                word: [*rng.integers(END + 1, V, size=rng.integers(6)).tolist(), END]
                for word in range(END, V)
            }
            return "greedy", Says(texts, V), sources(rng, B, V), longest
        std = float(rng.choice([0.3, 0.6, 1]))
        return "greedy", Drawn(int(rng.integers(99)), V, std=std), sources(rng, B, V), longest

    def refusals(rng):
        yield "greedy", Says({3: [END]}), np.array([[3]]), 0

    def reading(f, result, model, source, longest):
        """Whether the source was encoded once, and the ids as text, for a row may be of any length."""
        if result is None:
            return None
        if not torch.is_tensor(result):
            raise TypeError(f"greedy must return a tensor of ids, not a {type(result).__name__}")
        if result.is_floating_point() or result.dtype == torch.bool:
            raise TypeError("the ids of greedy must be whole numbers")
        if result.dim() != 2 or len(result) != len(source):
            raise ValueError(
                f"greedy gives the shape {tuple(result.shape)}, not (B, T), where B = {len(source)}"
            )
        once = encoded_once(model, lambda: f.greedy(model, source, longest))
        return once, str(result.tolist())

    class steps:
        def read(model, source):
            memory_and_mask = model.encode(source)
            return lambda: memory_and_mask

        def begin(source):
            return torch.full_like(source[:, :1], START)

        def count(longest):
            return longest

        def feed(reads):
            return reads

        def last(logits):
            return logits[:, -1]

        def choose(logits):
            return logits.argmax(dim=-1)

        def fill(chosen, done):
            return chosen.masked_fill(done, PAD)

        def ended(done, chosen):
            return done | (chosen == END)

        def over(done):
            return done.all()

        def give(reads, source):
            return reads[:, 1:]

    def whole(steps):
        @torch.no_grad()
        def greedy(model, source, longest):
            read = steps.read(model, source)
            reads = steps.begin(source)
            done = torch.zeros(len(source), dtype=torch.bool)
            for _ in range(steps.count(longest)):
                logits = steps.last(model.decode(steps.feed(reads), *read()))
                chosen = steps.choose(logits)
                reads = torch.cat((reads, steps.fill(chosen, done)[:, None]), dim=1)
                done = steps.ended(done, chosen)
                if steps.over(done):
                    break
            return steps.give(reads, source)

        return {"greedy": greedy}

    class properties:
        def each_symbol_is_the_likeliest(f, result, model, source, longest):
            for row, ids in zip(source, json.loads(result[1]), strict=True):
                told = ids and unlikely(model, row[row != PAD], text_of(ids))
                if told:
                    return f"{told} The source is {row[row != PAD].tolist()}."

        def after_END_comes_PAD(f, result, model, source, longest):
            for ids in json.loads(result[1]):
                if set(ids[len(text_of(ids)) :]) - {PAD}:
                    return f"After END only PAD may come, and a row is {ids}."

        def it_stops_in_time(f, result, model, source, longest):
            rows = json.loads(result[1])
            T, written = len(rows[0]), [text_of(ids) for ids in rows]
            if T > longest:
                return f"{T} symbols come, where at most {longest} are asked for."
            if all(END in ids and len(ids) < T for ids in written):
                return "All rows have written END, and more columns come."
            if T < longest and not all(END in ids for ids in written):
                return f"It stops after {T} of {longest} symbols, and a row has not written END."

        def a_row_stands_alone(f, result, model, source, longest):
            alone = json.loads(f.greedy(model, source[:1], longest)[1])[0]
            if text_of(alone) != text_of(json.loads(result[1])[0]):
                return "The first row gets another text when the other rows are left out."

        def the_source_is_encoded_once(f, result, model, source, longest):
            if not result[0]:
                return "model.encode is called more than once. Once is enough: the source stays as it is."

    class slips:
        def read__every_step(model, source):
            """The ids are right, but the source is encoded anew for each symbol. Does it change while
            the translation grows?"""
            return lambda: model.encode(source)

        def read__all_places(model, source):
            """The padding of a shorter source is looked at, too. encode gives two things: what is the
            second for, and does it reach the decoder as it is?"""
            memory, mask = model.encode(source)
            return lambda: (memory, torch.ones_like(mask))

        def begin__END(source):
            """The decoder begins with END here. Which symbol did it read first in all of its
            training?"""
            return torch.full_like(source[:, :1], END)

        def begin__first_word(source):
            """The decoder begins with the first word of the source here. Which symbol did it read
            first in all of its training?"""
            return source[:, :1]

        class begin__source:
            """The decoder reads the source as if that were a prompt. It should find it in the memory;
            what it reads itself is what was written so far, after which symbol?"""

            def begin(source):
                return source

            def give(reads, source):
                return reads[:, source.shape[1] :]

        @like(begin__source)
        def begin__source_as_reads(source):
            return source

        @like(begin__source)
        class begin__source_then_START:
            def begin(source):
                return torch.cat((source, torch.full_like(source[:, :1], START)), dim=1)

            def give(reads, source):
                return reads[:, source.shape[1] + 1 :]

        def begin__one_row(source):
            """START stands in one row only, whatever the size of the batch. How many sources are
            translated side by side?"""
            return torch.full_like(source[:1, :1], START)

        def count__one_less(longest):
            """One symbol too few comes where a text is cut off: `longest` counts what is written, and
            START is not."""
            return longest - 1

        def count__one_more(longest):
            """One symbol too many comes where a text is cut off. How often is a symbol chosen at
            most?"""
            return longest + 1

        def count__endless(longest):
            """It goes on until END comes, whatever `longest` says. Nobody promises that END comes: an
            untrained model may never write it."""
            return 99

        def feed__newest_alone(reads):
            """The decoder is given the newest symbol alone, so it forgets all the others. It keeps no
            cache: what has to be read at each step?"""
            return reads[:, -1:]

        def feed__START_left_out(reads):
            """START is read in the first step only. Then every symbol stands one place too early.
            What did the decoder read in training, at all times?"""
            return reads[:, 1:] if reads.shape[1] > 1 else reads

        def last__first(logits):
            """The symbol is chosen by the first place of the logits. Which place has read all that
            was written?"""
            return logits[:, 0]

        def last__mean(logits):
            """The logits of all places are averaged. Each place tells of what comes next after it:
            which of them tells of the end?"""
            return logits[:, :].exp().mean(dim=1).log()

        class choose__among_places:
            """The largest is looked for among the places, not among the symbols: what comes is the
            number of a place. On which axis does a place hold one number for each symbol?"""

            def last(logits):
                return logits

            def choose(logits):
                return logits.argmax(dim=1)[:, -1]

        def choose__drawn(logits):
            """The symbols are drawn by their shares, so another one than the likeliest may come.
            Greedy leaves nothing to chance."""
            return torch.multinomial(logits.softmax(dim=-1), 1)[:, 0]

        def choose__least_likely(logits):
            """The least likely symbol is taken. Which end of the logits is wanted?"""
            return logits.masked_fill(logits == -torch.inf, torch.inf).argmin(dim=-1)

        def choose__one_for_all(logits):
            """The symbol of the first row goes to all rows. Each row has a source of its own."""
            return logits[:1].argmax(dim=-1).expand(len(logits))

        def choose__flattened(logits):
            """The largest logit of the whole batch is looked for, and its number is no id as soon as
            there are two rows. Over which axis should each row look?"""
            return logits.argmax().expand(len(logits))

        def choose__second(logits):
            """The second likeliest symbol is taken. Is the rank counted from 0?"""
            return logits.topk(2, dim=-1).indices[:, 1]

        def choose__never_END(logits):
            """END is never written: it is left out where the likeliest is looked for. It is a symbol
            like the others, and the only one that ends a text."""
            return logits.index_fill(-1, torch.tensor([END]), -torch.inf).argmax(dim=-1)

        class ended__never:
            """END ends nothing here: all rows go on writing to the full length. What should stand
            in a row after its END, and when is everything said?"""

            def fill(chosen, done):
                return chosen

            def over(done):
                return False

        def fill__never(chosen, done):
            """A row that has written END goes on with other symbols until the last row is done.
            Nobody should read those: what stands there instead?"""
            return chosen

        def fill__END(chosen, done):
            """A row that has ended repeats END until the last row is done. END ends a text once; what
            fills the rest of the batch, so that nobody counts it?"""
            return chosen.masked_fill(done, END)

        def fill__START(chosen, done):
            """A row that has ended goes on with START. What fills the places of a batch that hold no
            symbol?"""
            return chosen.masked_fill(done, START)

        def fill__END_lost(chosen, done):
            """END itself is missing: PAD stands there, or nothing. END belongs to the text; only what
            comes after it does not. Is a row marked as done before its END is written?"""
            return chosen.masked_fill(done | (chosen == END), PAD)

        def ended__only_now(done, chosen):
            """Which rows have ended is forgotten at the next step: only those that write END right
            now count. Once done, a row stays done."""
            return chosen == END

        class over__pads_to_the_end:
            """All rows have ended, and still columns of PAD come, up to the full length. When is
            everything said?"""

            def over(done):
                return False

        def over__any(done):
            """All rows stop as soon as one of them has written END. The others are not done yet."""
            return done.any()

        def over__first_row(done):
            """All rows stop when the first row has written END. The others may need more, or less."""
            return done[0]

        def give__with_START(reads, source):
            """START is still there, at the head of each row. It was read, and never written."""
            return reads

        def give__newest(reads, source):
            """Only the newest symbol of each row is handed out. The whole text is asked for."""
            return reads[:, -1:]

        def give__without_the_last(reads, source):
            """The last column is missing. With it goes the END of the longest row, or its last
            word."""
            return reads[:, 1:-1]

        def give__stopped_too_soon(reads, source):
            """The last END is missing: once all rows are done, the loop ends before what was chosen
            is written. Write first, then ask whether to stop."""
            return reads[:, 1:-1] if (reads == END).any(dim=1).all() else reads[:, 1:]

        def give__list(reads, source):
            """The ids come as lists. A tensor (B, T) is asked for: PAD is there to make its rows
            equally long."""
            return reads[:, 1:].tolist()

        @like(fill__END_lost)
        def give__cut_at_END(reads, source):
            ids = reads[:, 1:]
            ids = ids.masked_fill(ids == END, PAD)
            return ids[:, : max(1, int((ids != PAD).sum(dim=1).max()))]


class exercise_5_6:
    title = "length penalty, and beam search"
    minutes = 60
    returns = ("encoded once", "scores", "texts")
    advice = (
        (
            r"target has the shape",
            "The decoder reads a row for each beam that goes on, and START stands first in it.",
        ),
        (
            r"symbols, but this model reads",
            "More is read than `longest` allows. Does a beam grow by one symbol at each step?",
        ),
        (
            r"begins with PAD|PAD stands before",
            "PAD was written within a beam, and read again. Was it done, or was PAD chosen, whose p is 0?",
        ),
        (
            r"differ in B or C",
            "The decoder wants as many rows of the memory as there are beams: expand repeats a row.",
        ),
        (
            r"selected index k out of range|out of range",
            "K may be larger than the number of symbols: there are only so many to choose from.",
        ),
        (
            r"target ids are in",
            "An id outside the vocabulary is read: of a flat number, which part is the symbol?",
        ),
        (
            r"memory_mask|object has no attribute",
            "encode gives two things, the memory and its mask, and decode wants both, after reads.",
        ),
        (
            r"source has the shape",
            "encode wants a batch, (B, S): one source is a batch of one row.",
        ),
        (
            r"Boolean value of Tensor",
            "Scores are compared as plain numbers: tolist or item makes them so.",
        ),
    )
    hints = (
        (
            "Take a table of six shares on paper, and two beams. Write down all that could be kept "
            "after each step, and cross out. Where does your program keep something else?"
        ),
        (
            "A beam is a sum and its ids. At each step: those that have ended, and all others made "
            "longer by every symbol, in one heap; sort it by what counts, keep the best K."
        ),
        (
            "log_softmax of the last place, one row for each beam that goes on; memory.expand gives "
            "each its row. A list of pairs, sorted with key, then [:K]. Divide to compare, not to "
            "add up."
        ),
        (
            "beams = [(0.0, [])]. Step: kept = those with END; of the others reads = [START, *ids]; kept "
            "+= [(ln_p + m, [*ids, i])] for each symbol i whose ln p m is above -inf; beams = sorted(kept, "
            "key=ln_p / length_penalty(len(ids), alpha), best first)[:K]; stop when all have END."
        ),
    )

    def calls(rng):
        for T, alpha in ((7, 1.0), (1, 0.6), (5, 0.0), (19, 0.5), (13, 2.0), (4, 0.6)):
            yield "length_penalty", T, alpha
        un = Shares(
            {
                (): {3: 0.4, 4: 0.6},
                (3,): {5: 0.9, 6: 0.1},
                (4,): {5: 0.5, 6: 0.4, END: 0.1},
            }
        )
        ends = Shares(
            {
                (): {END: 0.4, 3: 0.6},
                (3,): {3: 0.55, 4: 0.45},
                (3, 3): {5: 0.9, END: 0.1},
                (3, 4): {END: 0.8, 6: 0.2},
            }
        )
        late = Shares(
            {
                (): {END: 0.35, 3: 0.55, 4: 0.1},
                (3,): {5: 0.52, 6: 0.45, 4: 0.03},
                (3, 5): {6: 0.6, END: 0.4},
            }
        )
        back = Shares(
            {
                (): {END: 0.5, 3: 0.3, 4: 0.2},
                (3,): {5: 0.6, 6: 0.4},
                (3, 5): {3: 0.27, 4: 0.26, 5: 0.25, 6: 0.22},
            }
        )
        source = np.array([3, 4])
        for K in (1, 2, 3):
            yield "beam_search", un, source, K, 4
        yield "beam_search", ends, source, 2, 5
        yield "beam_search", ends, source, 3, 5, 2.0
        yield "beam_search", ends, source, 2, 2, 1.0
        yield "beam_search", late, source, 2, 4, 2.0
        yield "beam_search", back, source, 2, 4, 2.0
        yield "beam_search", Shares({(): {3: 1.0}, (3,): {END: 1.0}}), source, 5, 4
        yield "beam_search", un, np.array([5]), 4, 1
        for seed, K, longest, alpha in (
            (0, 2, 4, 0.0),
            (1, 3, 5, 0.6),
            (2, 4, 6, 1.0),
            (4, 3, 6, 2.0),
            (5, 1, 5, 0.6),
            (7, 5, 4, 0.3),
        ):
            yield "beam_search", Drawn(seed), sources(rng, 1)[0], K, longest, alpha
        yield "beam_search", Drawn(3, V=5), sources(rng, 1, 5)[0], 60, 3, 0.6
        yield "beam_search", Drawn(6, context=4, std=0.3), sources(rng, 1, longest=4)[0], 3, 4

    def random_call(rng):
        alpha = float(rng.choice([0, 0, 0.3, 0.6, 1, 2]))
        if rng.random() < 0.2:
            return "length_penalty", int(rng.integers(1, 40)), alpha
        V, K, longest = (int(rng.integers(a, b)) for a, b in ((5, 8), (1, 6), (1, 7)))
        if rng.random() < 0.4:
            rows, texts = {}, [()]
            for _ in range(6):
                ids = texts.pop(0)
                some = rng.choice(np.arange(END, V), size=rng.integers(2, 4), replace=False)
                p = rng.dirichlet(np.ones(len(some)))
                rows[ids] = dict(zip(some.tolist(), p.tolist(), strict=True))
                texts += [(*ids, i) for i in rows[ids] if i != END]
                if not texts:
                    break
            return "beam_search", Shares(rows, V), np.array([3]), K, longest, alpha
        std = float(rng.choice([0.3, 0.6, 1]))
        model = Drawn(int(rng.integers(99)), V, std=std)
        return "beam_search", model, sources(rng, 1, V)[0], K, longest, alpha

    def refusals(rng):
        model = Shares({})
        yield "beam_search", model, np.array([3]), 0, 4
        yield "beam_search", model, np.array([3]), 2, 0

    def reading(f, result, model, *given):
        """Whether the source was encoded once; the scores, a beam that is missing as -inf; the ids.

        A score that is right as far as float32 goes is read as the exact one.
        """
        if result is None or not isinstance(model, torch.nn.Module):
            return result
        if not isinstance(result, list):
            raise TypeError(f"beam_search must return a list, not a {type(result).__name__}")
        source, K, _, alpha = (*given, 0.0)[:4]
        once = encoded_once(model, lambda: f.beam_search(model, *given))
        scores, texts = [], []
        for pair in result:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise TypeError("each of the list must be a pair: (score, list of ids)")
            score, ids = pair
            if torch.is_tensor(score) and score.numel() == 1:
                score = score.item()
            if not isinstance(score, (int, float)):
                raise TypeError(f"a score must be a number, not a {type(score).__name__}")
            if not isinstance(ids, (list, tuple)):
                raise TypeError(f"the ids of a pair must be a list, not a {type(ids).__name__}")
            if wrong := {type(i).__name__ for i in ids if type(i) is not int}:
                raise TypeError(f"each id must be an int, not a {min(wrong)}: tolist makes them so")
            exact = ln_p(model, tuple(source.tolist()), tuple(ids)) / ((5 + len(ids)) / 6) ** alpha
            scores.append(exact if abs(score - exact) < 1e-5 else score)
            texts.append(list(ids))
        scores = [*scores, *[-math.inf] * K][:K]  # more than K show in the texts
        return once, torch.tensor(scores, dtype=torch.float64), str(texts)

    class steps:
        def penalty(T, alpha):
            return ((5 + T) / 6) ** alpha

        def read(model, source):
            memory, mask = model.encode(source[None])
            return lambda n: (memory.expand(n, -1, -1), mask.expand(n, -1, -1, -1))

        def first(K):
            return [(0.0, [])]

        def count(longest):
            return longest

        def part(beams):
            alive = [beam for beam in beams if END not in beam[1]]
            return [beam for beam in beams if END in beam[1]], alive

        def over(beams, alive):
            return not alive

        def feed(ids):
            return [START, *ids]

        def last(logits):
            return logits[:, -1]

        def shares(logits):
            return logits.log_softmax(dim=-1)

        def symbols(row, n):
            return [(m, i) for i, m in enumerate(row)]

        def possible(m):
            return m > -math.inf

        def add(ln_p, more):
            return ln_p + more

        def length(ids):
            return len(ids)

        def divide(ln_p, penalty):
            return ln_p / penalty

        def keep(kept, found, K, score):
            return sorted(kept + found, key=lambda beam: -score(*beam))[:K]

        def give(beams, K, score):
            best = sorted(beams, key=lambda beam: -score(*beam))[:K]
            return [(score(*beam), beam[1]) for beam in best]

    def whole(steps):
        def length_penalty(T, alpha):
            return steps.penalty(T, alpha)

        @torch.no_grad()
        def beam_search(model, source, K, longest, alpha=0.0):
            def score(ln_p, ids):
                return steps.divide(ln_p, steps.penalty(steps.length(ids), alpha))

            read = steps.read(model, source)
            beams = steps.first(K)
            for _ in range(steps.count(longest)):
                kept, alive = steps.part(beams)
                if steps.over(beams, alive):
                    break
                reads = torch.tensor([steps.feed(ids) for _, ids in alive])
                logits = steps.last(model.decode(reads, *read(len(alive))))
                found = []
                for (ln_p, ids), row in zip(alive, steps.shares(logits).tolist(), strict=True):
                    for m, i in steps.symbols(row, len(alive)):
                        if steps.possible(m):
                            found.append((steps.add(ln_p, m), [*ids, i]))
                beams = steps.keep(kept, found, K, score)
            return steps.give(beams, K, score)

        return {"length_penalty": length_penalty, "beam_search": beam_search}

    class properties:
        def length_penalty__is_1_for_one_symbol(f, result, T, alpha):
            if (T == 1 or alpha == 0) and not math.isclose(result, 1):
                return "With T = 1, and with alpha = 0, it has to be 1: nothing changes."

        def length_penalty__grows_with_T(f, result, T, alpha):
            if alpha > 0 and not f.length_penalty(T + 1, alpha) > result:
                return "A longer text has to be divided by more, where alpha is above 0."

        def beam_search__at_most_K(f, result, model, source, K, *settings):
            n = len(json.loads(result[2]))
            if n > K:
                return f"{n} pairs come, where K is {K}."

        def beam_search__ids_end_with_END(f, result, model, source, K, longest, *alpha):
            for ids in json.loads(result[2]):
                if END in ids[:-1]:
                    return f"A text ends with its END, and {ids} goes on."
                if len(ids) > longest:
                    return f"{ids} has {len(ids)} symbols, where at most {longest} are asked for."
                if len(ids) < longest and END not in ids:
                    return f"{ids} has not ended, and {longest} symbols are allowed."

        def beam_search__no_two_alike(f, result, model, source, *settings):
            texts = json.loads(result[2])
            for ids in texts:
                if texts.count(ids) > 1:
                    return f"{ids} comes more than once. No two beams may be alike."

        def beam_search__a_score_is_that_of_its_ids(
            f, result, model, source, K, longest, alpha=0.0
        ):
            for ids, score in zip(json.loads(result[2]), result[1], strict=False):
                total = ln_p(model, tuple(source.tolist()), tuple(ids))
                penalty = ((5 + len(ids)) / 6) ** alpha
                if abs(total / penalty - score) > 1e-6:
                    divided = f", divided by {penalty:.4g} that is {total / penalty:.4g}"
                    return (
                        f"{ids} has ln p {total:.4g}{divided if alpha else ''}; its score here is "
                        f"{score:.4g}."
                    )

        def beam_search__best_first(f, result, *given):
            scores = result[1][np.isfinite(result[1])]
            if (np.diff(scores) > 1e-9).any():
                return "The scores are not in order, the best first."

        def beam_search__one_beam_is_greedy(f, result, model, source, K, *settings):
            (best, *_) = json.loads(result[2])
            told = K == 1 and unlikely(model, source, best)
            if told:
                return f"With K = 1 it is greedy. {told}"

        def beam_search__the_source_is_encoded_once(f, result, *given):
            if not result[0]:
                return "model.encode is called more than once. Once is enough: the source stays as it is."

    class slips:
        def penalty__upside_down(T, alpha):
            """The penalty is upside down: it falls as a text grows. What is divided by it should shrink
            more, the longer the text is. Or is it multiplied somewhere?"""
            return (6 / (5 + T)) ** alpha

        def penalty__over_5(T, alpha):
            """The 6 below the line is 5 + 1, so that one symbol has the penalty 1. What do you divide
            by?"""
            return ((5 + T) / 5) ** alpha

        def penalty__without_5(T, alpha):
            """This is the length itself to the power alpha. Equation 14 adds 5 to it, and divides, so
            that short texts differ less."""
            return T**alpha

        def penalty__T_over_6(T, alpha):
            """The 5 is missing above the line. What is the penalty of one symbol?"""
            return (T / 6) ** alpha

        def penalty__5_plus_a_sixth(T, alpha):
            """Only T is divided by 6 here. Which of / and + does Python do first?"""
            return (5 + T / 6) ** alpha

        def penalty__power_first(T, alpha):
            """The power is taken above the line only, so the 6 stays as it is. Which of ** and /
            does Python do first? With alpha = 0 the penalty is 1."""
            return (5 + T) ** alpha / 6

        def penalty__no_power(T, alpha):
            """The penalty does not depend on alpha. With alpha = 0 it should be 1: what does the power
            do?"""
            return (5 + T) / 6

        def penalty__times_alpha(T, alpha):
            """Alpha multiplies here. It is a power: with 0 the penalty is 1, not 0, and nothing is
            divided by 0."""
            return alpha * (5 + T) / 6

        def penalty__floor(T, alpha):
            """The division drops what is behind the point, so many lengths share one penalty. Is
            it / or //?"""
            return ((5 + T) // 6) ** alpha

        def penalty__log(T, alpha):
            """This is the ln of the penalty. A sum of ln p is divided by the penalty itself."""
            return alpha * math.log((5 + T) / 6)

        def penalty__one_more(T, alpha):
            """The penalty is that of one symbol more. Is START counted, or the 1 added twice? With
            T = 1 it is 1."""
            return ((6 + T) / 6) ** alpha

        def read__every_step(model, source):
            """The beams are right, but the source is encoded anew at each step. Does it change while
            the translations grow?"""

            def read(n):
                memory, mask = model.encode(source[None])
                return memory.expand(n, -1, -1), mask.expand(n, -1, -1, -1)

            return read

        def read__one_row(model, source):
            """The memory has one row, and several beams are read. Each of them looks at a memory: what
            repeats a row without copying it?"""
            memory, mask = model.encode(source[None])
            return lambda n: (memory, mask)

        def first__K_copies(K):
            """The search begins with K equal beams, so that every best text comes K times, and the
            others are pushed out. How many beginnings are there before the first word?"""
            return [(0.0, [])] * K

        def count__one_less(longest):
            """One symbol too few comes where texts are cut off: `longest` counts what is written, and
            START is not."""
            return longest - 1

        def count__one_more(longest):
            """One symbol too many comes where texts are cut off. How many steps are there at most?"""
            return longest + 1

        def part__finished_forgotten(beams):
            """Beams that have written END disappear. A short text may be the best of all: it stays
            until K better ones are there."""
            return [], [beam for beam in beams if END not in beam[1]]

        def part__finished_go_on(beams):
            """Beams go on after their END, and lose by each symbol more. What has ended stays as it
            is."""
            return [], beams

        def over__never(beams, alive):
            """All beams have written END, and yet the decoder is called once more, with nothing to
            read. When is the search over?"""
            return False

        def over__first_END(beams, alive):
            """The search stops as soon as one beam has written END. Another one may still overtake it,
            or is only half written. When has nobody anything more to write?"""
            return not alive or any(END in ids for _, ids in beams)

        def over__best_has_END(beams, alive):
            """The search stops when the best beam has written END. The others are handed out too: are
            they all at their end?"""
            return not alive or END in beams[0][1]

        def feed__newest_alone(ids):
            """The decoder is given the newest symbol of each beam alone. It keeps no cache: what has to
            be read at each step?"""
            return [START, *ids][-1:]

        def feed__START_left_out(ids):
            """START is read in the first step only. Then every symbol stands one place too early.
            What did the decoder read in training, at all times?"""
            return ids or [START]

        def feed__END_first(ids):
            """The beams begin with END for the decoder. Which symbol did it read first in all of its
            training?"""
            return [END, *ids]

        def last__first(logits):
            """The symbols are judged by the first place of the logits. Which place has read all that
            was written?"""
            return logits[:, 0]

        def shares__logits(logits):
            """Raw logits are added up. They are no ln p: add 2 to all of them, and nothing should
            change. What makes them shares that sum to 1?"""
            return logits

        def shares__softmax(logits):
            """Shares are added up. Probabilities of one symbol after another multiply: of which
            numbers is that a sum?"""
            return logits.softmax(dim=-1)

        class shares__product:
            """The scores are probabilities, a product. Their order may be right, but they vanish in
            long texts, and dividing them does not do what dividing ln p does."""

            def first(K):
                return [(1.0, [])]

            def shares(logits):
                return logits.softmax(dim=-1)

            def possible(p):
                return p > 0

            def add(p, more):
                return p * more

        def shares__over_beams(logits):
            """The softmax runs over the beams. Each beam must share out 1 among the symbols that may
            follow it."""
            return logits.log_softmax(dim=0)

        def shares__over_all(logits):
            """One softmax runs over all beams and symbols together. Each beam must share out 1 among
            the symbols that may follow it."""
            return logits.flatten().log_softmax(dim=0).view_as(logits)

        def shares__log2(logits):
            """These are logarithms of another base. The natural one is asked for: ln p, in nats."""
            return logits.log_softmax(dim=-1) / math.log(2)

        @like(shares__log2)
        def shares__log10(logits):
            return logits.log_softmax(dim=-1) / math.log(10)

        def shares__negative(logits):
            """A score of -ln p is small for good texts, and the largest are kept: the search looks for
            the worst. Which sign has ln p?"""
            return -logits.log_softmax(dim=-1)

        def symbols__best_alone(row, n):
            """Each beam is made longer by its best symbol alone, so that all but one are never tried.
            Every symbol has its chance; the cut comes afterwards, among all."""
            return [max((m, i) for i, m in enumerate(row))]

        @like(symbols__best_alone)
        def symbols__best_after_the_first_step(row, n):
            every = [(m, i) for i, m in enumerate(row)]
            return every if n == 1 else [max(every)]

        def symbols__no_END(row, n):
            """No beam ever writes END. It is a symbol like the others, and the only one that ends a
            text."""
            return [(m, i) for i, m in enumerate(row) if i != END]

        def possible__all(m):
            """Symbols that cannot follow, with ln p = -inf, are written where few others are there. PAD
            is among them. Better fewer than K texts than impossible ones."""
            return True

        def add__newest_alone(ln_p, more):
            """A beam's score is that of its newest symbol alone. All of its history has to count: the
            chances multiply, so what do their logarithms do?"""
            return more

        def add__the_less_likely(ln_p, more):
            """A beam has the ln p of its least likely symbol alone. All of its history has to count:
            the chances multiply, so what do their logarithms do?"""
            return min(ln_p, more)

        def add__product_of_logarithms(ln_p, more):
            """The logarithms are multiplied. The chances multiply, so what do their logarithms do?"""
            return ln_p * more if ln_p else more

        def length__without_END(ids):
            """The penalty is that of a text without its END. END is a symbol that had to be written
            too: it counts."""
            return len(ids) - (END in ids)

        def length__with_START(ids):
            """The penalty counts one symbol too many. Is START among them? It is read, and never
            written."""
            return len(ids) + 1

        def length__without_the_newest(ids):
            """The penalty counts one symbol too few, whether a text has ended or not. Is it taken
            before the newest symbol has joined?"""
            return len(ids) - 1

        def divide__multiplied(ln_p, penalty):
            """The sum of ln p is multiplied by the penalty: a long text, negative anyway, gets still
            worse. Which way should it help?"""
            return ln_p * penalty

        def divide__never(ln_p, penalty):
            """Alpha changes nothing in the search: a score is the bare sum of ln p. What is it divided
            by?"""
            return ln_p

        def divide__subtracted(ln_p, penalty):
            """The penalty is subtracted. What does equation 14 do with it? With alpha = 0, when it is
            1, nothing may change."""
            return ln_p - penalty

        class divide__mean:
            """A score is the mean of ln p, whatever alpha is. With alpha = 0 it is the sum; and the
            penalty is another function of the length."""

            def divide(ln_p, penalty):
                return ln_p

            def give(beams, K, score):
                best = sorted(beams, key=lambda beam: -beam[0] / len(beam[1]))[:K]
                return [(ln_p / len(ids), ids) for ln_p, ids in best]

            def keep(kept, found, K, score):
                return sorted(kept + found, key=lambda beam: -beam[0] / len(beam[1]))[:K]

        def keep__worst(kept, found, K, score):
            """The K worst are kept. ln p is negative: is the best the largest, or the smallest?"""
            return sorted(kept + found, key=lambda beam: score(*beam))[:K]

        def keep__by_the_sum(kept, found, K, score):
            """The beams are pruned by the bare sum of ln p, and the penalty comes at the very end, when
            long texts are lost already. What decides who is kept?"""
            return sorted(kept + found, key=lambda beam: -beam[0])[:K]

        def keep__penalised(kept, found, K, score):
            """What was divided by the penalty is added up further, and divided again. Divide to
            compare; the bare sum goes on."""
            fresh = [(score(*beam), beam[1]) for beam in found]
            return sorted(kept + fresh, key=lambda beam: -beam[0])[:K]

        @like(keep__penalised)
        class keep__penalised_once:
            def keep(kept, found, K, score):
                fresh = [(score(*beam), beam[1]) for beam in found]
                return sorted(kept + fresh, key=lambda beam: -beam[0])[:K]

            def give(beams, K, score):
                return list(beams)

        def keep__K_go_on(kept, found, K, score):
            """Finished beams are put aside and no longer compete with those made longer: that is another
            search. Here all share the K places, at each step, and the best of all stay."""
            ended = [beam for beam in found if END in beam[1]]
            going = [beam for beam in found if END not in beam[1]]
            return kept + ended + sorted(going, key=lambda beam: -score(*beam))[:K]

        @like(keep__by_the_sum)
        class keep__by_the_sum_and_in_its_order:
            def keep(kept, found, K, score):
                return sorted(kept + found, key=lambda beam: -beam[0])[:K]

            def give(beams, K, score):
                return [(score(*beam), beam[1]) for beam in beams]

        @like(keep__K_go_on)
        class keep__K_go_on_and_only_ended_come:
            def keep(kept, found, K, score):
                return exercise_5_6.slips.keep__K_go_on(kept, found, K, score)

            def give(beams, K, score):
                ended = [beam for beam in beams if END in beam[1]]
                return exercise_5_6.steps.give(ended or beams, K, score)

        @like(keep__K_go_on)
        class keep__K_go_on_until_K_have_ended:
            def keep(kept, found, K, score):
                return exercise_5_6.slips.keep__K_go_on(kept, found, K, score)

            def over(beams, alive):
                return len(beams) >= 2 * len(alive)  # as many have ended as go on

        @like(keep__K_go_on)
        def keep__finished_aside(kept, found, K, score):
            best = sorted(found, key=lambda beam: -score(*beam))[:K]
            return kept + best

        def keep__finished_keep_their_place(kept, found, K, score):
            """A beam that has ended keeps its place for ever, even when better ones come. It has to
            compete with them at each step: the K best of all are kept."""
            return kept + sorted(found, key=lambda beam: -score(*beam))[: K - len(kept)]

        def keep__all(kept, found, K, score):
            """Nothing is dropped on the way, and K only counts at the end. The beams grow by a factor
            of V at each step: when should the K best be taken?"""
            return kept + found

        def keep__one_more(kept, found, K, score):
            """One beam more than K is kept at each step."""
            return sorted(kept + found, key=lambda beam: -score(*beam))[: K + 1]

        def keep__K_each(kept, found, K, score):
            """Each beam keeps K of its own, so that there are K times as many after each step. The K
            best of all together are kept."""
            of = {}
            for beam in sorted(found, key=lambda beam: -score(*beam)):
                of.setdefault(tuple(beam[1][:-1]), []).append(beam)
            return kept + [beam for best in of.values() for beam in best[:K]]

        class give__all:
            """More than K texts come. Those that have ended and those that go on share the K places, at
            each step and at the end."""

            def keep(kept, found, K, score):
                return kept + sorted(found, key=lambda beam: -score(*beam))[:K]

            def give(beams, K, score):
                return exercise_5_6.steps.give(beams, len(beams), score)

        def give__worst_first(beams, K, score):
            """The texts come in the wrong order. The best one comes first."""
            return exercise_5_6.steps.give(beams, K, score)[::-1]

        def give__by_the_sum(beams, K, score):
            """The texts are sorted by the bare sum of ln p at the end. Which number says who is
            best?"""
            best = sorted(beams, key=lambda beam: -beam[0])
            return [(score(*beam), beam[1]) for beam in best][:K]

        def give__bare_sums(beams, K, score):
            """The texts are right, and so is their order; but the score handed out is the bare sum of
            ln p. It should be what they were compared by."""
            best = sorted(beams, key=lambda beam: -score(*beam))[:K]
            return list(best)

        def give__probabilities(beams, K, score):
            """The scores handed out are probabilities. The logarithm is asked for, divided by the
            penalty."""
            return [(math.exp(s), ids) for s, ids in exercise_5_6.steps.give(beams, K, score)]

        def give__with_START(beams, K, score):
            """START is still there, at the head of each text. It was read, and never written."""
            return [(s, [START, *ids]) for s, ids in exercise_5_6.steps.give(beams, K, score)]

        def give__without_END(beams, K, score):
            """END is missing from the texts. It says that a text has ended, and was not cut off: it
            belongs to the ids."""
            best = exercise_5_6.steps.give(beams, K, score)
            return [(s, [i for i in ids if i != END]) for s, ids in best]

        @like(give__with_START)
        class give__with_START_counted:
            def length(ids):
                return len(ids) + 1

            def give(beams, K, score):
                return exercise_5_6.slips.give__with_START(beams, K, score)

        @like(give__without_END)
        def give__words_alone(beams, K, score):
            best = exercise_5_6.steps.give(beams, K, score)
            return [(s, [i for i in ids if i > END]) for s, ids in best]

        def give__padded(beams, K, score):
            """The texts are filled with PAD to equal length. They are lists of ids, each as long as it
            is."""
            best = exercise_5_6.steps.give(beams, K, score)
            T = max((len(ids) for _, ids in best), default=0)
            return [(s, [*ids, *[PAD] * (T - len(ids))]) for s, ids in best]

        def give__END_added(beams, K, score):
            """A text that was cut off gets an END that was never written, nor paid for. Without END it
            says that it is not finished."""
            best = exercise_5_6.steps.give(beams, K, score)
            return [(s, ids if END in ids else [*ids, END]) for s, ids in best]

        def give__ended_alone(beams, K, score):
            """Texts that were cut off are left out. They belong to the K best, without END."""
            best = exercise_5_6.steps.give(beams, K, score)
            return [(s, ids) for s, ids in best if END in ids]

        def give__best_alone(beams, K, score):
            """Only the best text comes. All K that were kept are asked for, the best first."""
            return exercise_5_6.steps.give(beams, K, score)[:1]

        def give__no_scores(beams, K, score):
            """Texts come without their scores. Pairs are asked for: (score, ids)."""
            return [ids for _, ids in exercise_5_6.steps.give(beams, K, score)]

        def give__one_pair(beams, K, score):
            """The best text comes alone, outside of a list. All K that were kept are asked for, the
            best first."""
            return exercise_5_6.steps.give(beams, K, score)[0]

        def give__swapped(beams, K, score):
            """Each pair is the wrong way round. The score comes first, then the ids."""
            return [(ids, s) for s, ids in exercise_5_6.steps.give(beams, K, score)]

        def give__tensors(beams, K, score):
            """The ids come as tensors. A plain list of numbers is asked for, since texts differ in
            length."""
            return [(s, torch.tensor(ids)) for s, ids in exercise_5_6.steps.give(beams, K, score)]
