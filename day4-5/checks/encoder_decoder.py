"""Checks of day4-5/encoder_decoder.py. What each part is for stands in study/naming.py."""

import math

import numpy as np
import torch

from encoder_decoder import (  # noqa: F401  methods are called on these
    Attention,
    Config,
    DecoderLayer,
)

ATTENTION, LAYER = "Attention.forward", "DecoderLayer.forward"


def like(known):
    """Marks a slip that deserves the sentence of another."""

    def told(slip):
        slip.__doc__ = known.__doc__
        return slip

    return told


def differ(a, b):
    return np.shape(a) != np.shape(b) or not np.allclose(a, b, 1e-9, 1e-9, equal_nan=True)


def biased(H):
    """A bias for H heads: each likes near keys in its own measure, and later ones a little more."""

    def by_distance(T, S):
        distance = torch.arange(S, dtype=torch.float64) - torch.arange(T)[:, None]
        return distance / 7 - distance.abs() * torch.arange(1, H + 1)[:, None, None] / 3

    return by_distance


def real(lengths, S):
    """The mask of padding, (B, 1, 1, S)."""
    return np.arange(S) < np.reshape(lengths, (-1, 1, 1, 1))


def past(T):
    return np.tri(T, dtype=bool)


def spotted(rng, *shape):
    """Any mask in which every query may see a key."""
    mask = rng.random(shape) < 0.5
    mask[..., rng.integers(shape[-1])] = True
    return mask


def is_mix(self, out, weights, memory):
    """Whether an attention's output is what its weights make of its values; True where they are not
    (B, H, T, S).
    """
    shape = (len(out), self.H, out.shape[1], memory.shape[1])
    if weights is None or weights.shape != shape:
        return True
    values = self.value(memory).unflatten(-1, (self.H, -1)).transpose(1, 2)
    wanted = self.project((weights @ values).transpose(1, 2).flatten(2))
    return out.shape == wanted.shape and torch.allclose(out, wanted)


class exercise_5_3:
    title = "cross-attention, with heads"
    minutes = 40
    returns = (
        "(kept unwatched, kept with its past, mixed, moved by watching)",
        "slope of x",
        "output",
        "weights",
    )
    advice = (
        (
            r"Expected size for|The size of tensor|must match",
            "Write the axes beside each step: queries (B, H, T, D), keys and values (B, H, S, D).",
        ),
        (
            r"shapes cannot be multiplied",
            "A linear layer takes C channels on the last axis: are the heads together, or cut, there?",
        ),
        (
            r"view size is not compatible",
            "A view wants numbers that lie side by side: cut the channels first, transpose after.",
        ),
        (
            r"'NoneType' object is not callable",
            "Most layers have no bias: there self.bias is None. Ask first.",
        ),
        (
            r"scalar type|same dtype",
            "Numbers of two sizes meet: a step in between made float32 of what had another type.",
        ),
    )
    hints = (
        (
            "Watch the weights of five queries and seven keys: which shape have they, and does each row "
            "add up to 1, with nothing where the mask says no? Then change a row of the memory."
        ),
        (
            "The stream asks, the memory answers. Whose are the keys, and whose the values? Every head "
            "takes a run of channels of its own. The mask comes while scores are scores."
        ),
        (
            "unflatten(-1, (H, -1)) cuts the channels, transpose(1, 2) puts the heads in front. "
            "q @ k.mT / math.sqrt(D), plus self.bias(T, S) if there is one; masked_fill(~mask, -torch.inf)."
        ),
        (
            "q from self.query(x), k and v from self.key(memory) and self.value(memory). After "
            "softmax(dim=-1): (weights @ v).transpose(1, 2).flatten(2), then self.project. Watched: "
            "weights.detach()."
        ),
    )

    def calls(rng):
        B, H, T, D, S = 2, 3, 5, 4, 7
        C = H * D
        x, memory = np.array([[[1.0, 0], [0, 2]]]), np.array([[[1.0, 0], [0, 1], [2, 1]]])
        yield ATTENTION, (2, 1, None), x, memory, np.array([[[[True, True, False]]]])
        x, memory = rng.normal(size=(B, T, C)), rng.normal(size=(B, S, C))
        yield ATTENTION, (C, H, None), x, memory, real([7, 4], S)
        yield ATTENTION, (C, H, biased(H)), x, memory, real([5, 6], S)
        yield ATTENTION, (C, H, biased(H)), x, memory, spotted(rng, B, H, T, S)
        # self-attention, and another memory as long as x
        x, memory = rng.normal(size=(2, B, T, C))
        yield ATTENTION, (C, H, None), x, x.copy(), real([5, 3], T) & past(T)
        yield ATTENTION, (C, H, None), x, memory, real([5, 3], T) & past(T)
        yield ATTENTION, (C, H, biased(H)), x, memory, spotted(rng, T, T)
        yield ATTENTION, (C, H, None), 100 * x, memory, real([5, 3], T)  # one key takes all
        yield (
            ATTENTION,
            (6, 2, None),
            rng.normal(size=(3, 1, 6)),
            rng.normal(size=(3, 4, 6)),
            real([1, 4, 2], 4),
        )
        yield (
            ATTENTION,
            (4, 2, None),
            rng.normal(size=(1, 3, 4)),
            rng.normal(size=(1, 1, 4)),
            real([1], 1),
        )
        # all sizes equal: what fits nowhere else runs here
        x, memory = rng.normal(size=(2, 2, 2, 4))
        yield ATTENTION, (4, 2, None), x, memory, real([2, 1], 2)
        yield ATTENTION, (4, 2, biased(2)), x, memory, spotted(rng, 2, 2, 2, 2)

    def random_call(rng):
        B, H, T, D, S = rng.integers(1, [4, 4, 6, 4, 6]).tolist()
        shape = [(B, 1, 1, S), (B, 1, T, S), (B, H, T, S), (T, S)][rng.integers(4)]
        bias = biased(H) if rng.random() < 0.3 else None
        x, memory = rng.normal(size=(B, T, H * D)), rng.normal(size=(B, S, H * D))
        return ATTENTION, (H * D, H, bias), x, memory, spotted(rng, *shape)

    def refusals(rng):
        x, memory = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))
        yield ATTENTION, (4, 2, None), x, memory, real([5, 2], 5).astype(float)
        yield ATTENTION, (4, 2, None), x, memory, real([3, 2], 3)
        yield ATTENTION, (4, 2, None), x, memory[:1], real([5, 2], 5)

    def reading(f, result, self, x, memory, mask):
        """Whether weights were kept when nobody watched, whether with their past, whether what comes out
        is what they make of the values, and whether it is another where nobody watches; how x moves
        it; what comes out; the weights.
        """
        if result is None:
            return None
        if not torch.is_tensor(result):
            kind = type(result).__name__
            raise TypeError(f"one tensor should be returned, and here it is a {kind}")
        kept, self.watch = self.weights is not None, True
        asks = x.clone().requires_grad_()
        watched, weights = self(asks * 1, memory, mask), self.weights
        moved = watched.shape != result.shape or not torch.allclose(watched, result, equal_nan=True)
        past = getattr(weights, "requires_grad", False)
        marks = torch.tensor([kept, past, is_mix(self, watched, weights, memory), moved])
        pull = torch.linspace(-1, 1, watched.numel(), dtype=watched.dtype).view(watched.shape)
        (slope,) = torch.autograd.grad(watched, asks, pull, allow_unused=True)
        return marks, torch.zeros_like(x) if slope is None else slope, result, weights

    class steps:
        def query(self, x, memory):
            return self.query(x)

        def key(self, x, memory):
            return self.key(memory)

        def value(self, x, memory):
            return self.value(memory)

        def split(y, H):
            return y.unflatten(-1, (H, -1)).transpose(1, 2)

        def scale(scores, q, H):
            return scores / math.sqrt(q.shape[-1])

        def bias(self, scores, bias, D):
            return scores + bias

        def hide(scores, mask):
            return scores.masked_fill(~mask, -torch.inf)

        def share(scores):
            return scores.softmax(dim=-1)

        def after(weights, mask, bias):
            return weights

        def watch(self, weights, scores):
            if self.watch:
                self.weights = weights.detach()

        def mix(weights, k, v):
            return weights @ v

        def merge(out):
            return out.transpose(1, 2).flatten(2)

        def project(self, out, x):
            return self.project(out)

    def whole(steps):
        def forward(self, x, memory, mask):
            layers = steps.query, steps.key, steps.value
            q, k, v = (steps.split(layer(self, x, memory), self.H) for layer in layers)
            scores, bias = steps.scale(q @ k.mT, q, self.H), None
            if self.bias is not None:
                bias = self.bias(x.shape[1], memory.shape[1])
                scores = steps.bias(self, scores, bias, q.shape[-1])
            weights = steps.share(steps.hide(scores, mask))
            weights = steps.after(weights, mask, bias)
            steps.watch(self, weights, scores)
            return steps.project(self, steps.merge(steps.mix(weights, k, v)), x)

        return {ATTENTION: forward}

    class properties:
        def an_output_for_each_query(f, result, made, x, memory, mask):
            if result[2].shape != x.shape:
                return f"{x.shape[1]} queries asked, and an output of shape {result[2].shape} came."

        def rows_add_up_to_one(f, result, made, x, memory, mask):
            total = result[3].sum(axis=-1)
            if np.abs(total - 1).max() > 1e-9:
                worst = np.unravel_index(np.abs(total - 1).argmax(), total.shape)
                return f"Row {worst[-1]} of the weights adds up to {total[worst]:.10g}, not to 1."

        def no_weight_where_nothing_is_seen(f, result, made, x, memory, mask):
            hidden = np.argwhere(np.abs(result[3] * ~mask) > 1e-12)
            if len(hidden):
                return f"The query at {hidden[0][-2]} gives weight to key {hidden[0][-1]}, which is hidden."

        def watching_changes_nothing(f, result, made, x, memory, mask):
            if result[0][3]:
                return (
                    "What comes out is another when the weights are watched: two ways of computing one "
                    "thing, and they differ. Which of them leaves out the bias, or the mask?"
                )

        def what_comes_out_is_the_mix(f, result, made, x, memory, mask):
            if not result[0][2]:
                return (
                    "The output is not what these weights make of the values, each head of its own, "
                    "once `project` has read it: look behind the softmax."
                )

        def hidden_memory_changes_nothing(f, result, made, x, memory, mask):
            seen = np.broadcast_to(mask, (len(x), made[1], x.shape[1], memory.shape[1]))
            other = memory + ~seen.any(axis=(1, 2))[..., None]
            if differ(getattr(f, ATTENTION)(made, x, other, mask)[2], result[2]):
                return "What stands in the memory where nobody may look changes the output."

        def the_memory_has_no_order(f, result, made, x, memory, mask):
            if made[2] is not None:
                return None
            turned = getattr(f, ATTENTION)(made, x, memory[:, ::-1].copy(), mask[..., ::-1].copy())
            if differ(turned[2], result[2]):
                return "The memory and its mask from back to front give another output, without a bias."

        def a_query_stands_alone(f, result, made, x, memory, mask):
            if made[2] is None:
                alone = getattr(f, ATTENTION)(made, x[:, -1:], memory, mask[..., -1:, :])[2]
                if differ(alone, result[2][:, -1:]):
                    return "The last query gets another output when the other queries are left out."

        def a_sequence_stands_alone(f, result, made, x, memory, mask):
            own = mask[:1] if mask.ndim == 4 else mask
            alone = getattr(f, ATTENTION)(made, x[:1], memory[:1], own)[2]
            if differ(alone, result[2][:1]):
                return (
                    "The first sequence gets another output when the rest of the batch is left out."
                )

        def x_learns(f, result, made, x, memory, mask):
            several = (mask.sum(axis=-1) > 1).all() and np.abs(x).max() < 10
            if several and not result[1].any():
                return "No slope comes back to x: what asks could never learn to ask."

    class slips:
        def query__of_memory(self, x, memory):
            """The queries come from the memory: it would ask, and the stream would answer. How many rows
            should come out, T or S, and who asks?"""
            return self.query(memory)

        def key__of_x(self, x, memory):
            """The keys come from x. Then the decoder looks for a fitting word among its own, and takes
            what stands at that number in the memory. Who answers?"""
            return self.key(x)

        def value__of_x(self, x, memory):
            """The values come from x: the query looks at the memory, and takes what the stream had
            already. Nothing of the source would arrive."""
            return self.value(x)

        class x_alone:
            """Keys and values both come from x: this is self-attention, and the memory is never looked
            at. Who asks, and who answers?"""

            def key(self, x, memory):
                return self.key(x)

            def value(self, x, memory):
                return self.value(x)

        class exchanged:
            """x and memory have changed places: the memory asks, and x answers. The output has a row for
            each of the T positions of x."""

            def query(self, x, memory):
                return self.query(memory)

            def key(self, x, memory):
                return self.key(x)

            def value(self, x, memory):
                return self.value(x)

        class layers_exchanged:
            """The layers of queries and keys have changed places: x goes through the one for keys. With
            fresh weights nobody would notice; with given ones it is another model."""

            def query(self, x, memory):
                return self.key(x)

            def key(self, x, memory):
                return self.query(memory)

        class keys_and_values_exchanged:
            """The layers of keys and values have changed places. Which of them makes what is compared
            with the query, and which what is handed over?"""

            def key(self, x, memory):
                return self.value(memory)

            def value(self, x, memory):
                return self.key(memory)

        def key__by_query(self, x, memory):
            """The keys are made by the layer of the queries, and the layer for keys is never used. Each
            of the three has its own."""
            return self.query(memory)

        def value__by_key(self, x, memory):
            """The keys are what is mixed, and the layer for values is never used. What is compared is one
            thing, and what is handed over another."""
            return self.key(memory)

        def value__bare(self, x, memory):
            """The memory itself is mixed, without the layer for values. What is `value` for?"""
            return memory

        def query__bare(self, x, memory):
            """x asks as it is, without the layer for queries. What is `query` for?"""
            return x

        def key__bare(self, x, memory):
            """The memory is compared as it is, without the layer for keys. What is `key` for?"""
            return memory

        def split__by_view_alone(y, H):
            """A view alone never moves a number: head 0 got whole positions from the beginning of the
            text. Cut the channels first, as the last two axes, and then turn."""
            B, T, C = y.shape
            return y.reshape(B, H, T, C // H)

        class never_turned:
            """The heads of a position look at each other here, and positions never meet: heads and
            positions stand on each other's axes. Which two axes should change places?"""

            def split(y, H):
                return y.unflatten(-1, (H, -1))

            def merge(out):
                return out.flatten(2)

        class heads_take_turns:
            """The heads take turns in the channels: head 0 has the channels 0, H, 2 H and so on. Here
            each has a run of its own. Fresh weights would not mind; given ones do."""

            def split(y, H):
                return y.unflatten(-1, (-1, H)).permute(0, 3, 1, 2)

            def merge(out):
                return out.permute(0, 2, 3, 1).flatten(2)

        class one_head:
            """All channels are one head: H is not used. Each head compares D of them, and has weights of
            its own."""

            def split(y, H):
                return y[:, None]

            def merge(out):
                return out.mean(dim=1)

        def merge__by_view_alone(out):
            """The heads were glued without turning back: an output position is made of several positions
            of one head. Whose numbers should stand side by side?"""
            B, H, T, D = out.shape
            return out.reshape(B, T, H * D)

        def merge__turns(out):
            """The heads' channels were mixed when they were put together: head h has the channels from
            h D to (h + 1) D - 1, as when they were cut."""
            return out.permute(0, 2, 3, 1).flatten(2)

        def project__none(self, out, x):
            """The heads stand side by side and never talk to each other: the last layer is missing. What
            is `project` for?"""
            return out

        def project__residual(self, out, x):
            """x was added in here, too. The residual is the layer's affair, around this one: it would be
            counted twice."""
            return self.project(out) + x

        @like(project__residual)
        def project__residual_before(self, out, x):
            return self.project(out + x)

        def scale__none(scores, q, H):
            """These are the weights without a scale. Products of D channels grow with the root of D:
            divide the scores by it before the softmax."""
            return scores

        def scale__by_D(scores, q, H):
            """These are the weights with the scores divided by D itself. It is the deviation of the
            product that grows, and a deviation is a root."""
            return scores / q.shape[-1]

        def scale__by_C(scores, q, H):
            """Your scale is the root of C, of all channels. One product of a query and a key sums over
            the channels of a single head."""
            return scores / math.sqrt(q.shape[-1] * H)

        def scale__by_S(scores, q, H):
            """Your scale hangs on how long a sequence is. Which length is summed over inside of one product
            of a query and a key?"""
            return scores / math.sqrt(scores.shape[-1])

        @like(scale__by_S)
        def scale__by_T(scores, q, H):
            return scores / math.sqrt(scores.shape[-2])

        def scale__by_H(scores, q, H):
            """Your scale is the root of the number of heads. What grows is the product of a query and a
            key: how many channels does it sum over?"""
            return scores / math.sqrt(H)

        def scale__multiplied(scores, q, H):
            """The scores were multiplied by the root of D. Longer vectors should make scores calmer, not
            louder."""
            return scores * math.sqrt(q.shape[-1])

        class scaled_after:
            """The weights were divided, after the softmax: a row adds up to 1 over the root of D. The
            scale acts on scores, before they become shares."""

            def scale(scores, q, H):
                return scores * 1

            def mix(weights, k, v):
                return weights @ v / math.sqrt(v.shape[-1])

            def watch(self, weights, scores):
                if self.watch:
                    D = self.query.out_features // self.H
                    self.weights = weights.detach() / math.sqrt(D)

        def bias__none(self, scores, bias, D):
            """The bias is left out. Where there is one, `self.bias` gives each head a number for each
            distance: what is it added to?"""
            return scores

        def bias__when_watched(self, scores, bias, D):
            """The bias is added where the weights are watched, and left out where nobody watches. Watching
            should change nothing: is there one way for both?"""
            return scores + bias if self.watch else scores

        def bias__first_head(self, scores, bias, D):
            """All heads got the bias of the first. Each has numbers of its own: (H, T, S)."""
            return scores + bias[:1]

        def bias__multiplied(self, scores, bias, D):
            """The bias multiplies the scores. It is to be added to them: a near key may then win even
            where nothing else speaks for it."""
            return scores * bias

        def bias__subtracted(self, scores, bias, D):
            """The bias was taken away from the scores. It is to be added: a large number is good for a
            key."""
            return scores - bias

        def bias__scaled(self, scores, bias, D):
            """The bias was divided by the root of D, with the scores. It has its size already: it comes
            after the scale."""
            return scores + bias / math.sqrt(D)

        class bias_after:
            """The bias was added to the weights, and a row no longer adds up to 1. It belongs to the
            scores, before the softmax."""

            def bias(self, scores, bias, D):
                return scores

            def after(weights, mask, bias):
                return weights if bias is None else weights + bias

        def hide__none(scores, mask):
            """Nothing is hidden: the mask changes nothing, and padding is looked at like words.
            masked_fill gives a new tensor; is it kept?"""
            return scores

        def hide__turned(scores, mask):
            """Just what may be seen is hidden, and the padding is looked at. In this book a mask is True
            where a position may be seen: which places are to be filled?"""
            return scores.masked_fill(mask, -torch.inf)

        def hide__zero(scores, mask):
            """A hidden key has the score 0 here, and exp(0) is 1: it still gets weight. 0 is neutral, not
            never. Which score means never?"""
            return scores.masked_fill(~mask, 0)

        def hide__little(scores, mask):
            """A hidden key still gets a little weight: its score is low, but not as low as never. What is
            exp of it? There is a number whose exp is 0."""
            return scores.masked_fill(~mask, -10)

        @like(hide__little)
        def hide__twenty(scores, mask):
            return scores.masked_fill(~mask, -20)

        @like(hide__little)
        def hide__hundred(scores, mask):
            return scores.masked_fill(~mask, -100)

        def hide__added(scores, mask):
            """The mask was added to the scores: True counts as 1 there, and 1 more is not a permission.
            What would have to be added to a hidden score?"""
            return scores + mask

        def hide__future_too(scores, mask):
            """The future was hidden besides what the mask hides. Between two sentences there is none:
            this layer hides what its mask says, and that alone."""
            ones = torch.ones(scores.shape[-2:], dtype=torch.bool)
            return scores.masked_fill(~(mask & ones.tril()), -torch.inf)

        class hidden_after:
            """The mask came after the softmax: the weights of hidden keys were set to 0, and a row no
            longer adds up to 1. What they took is lost. Mask scores, not weights."""

            def hide(scores, mask):
                return scores

            def after(weights, mask, bias):
                return weights * mask

        def share__over_queries(scores):
            """The softmax runs over the queries (axis -2). Each query must share out 1 among the keys:
            add up one row."""
            return scores.softmax(dim=-2)

        def share__over_heads(scores):
            """The softmax runs over the heads (axis 1): they compete for a key. The keys should compete
            for a query."""
            return scores.softmax(dim=1)

        def share__over_batch(scores):
            """The softmax runs over the batch (axis 0): sentences that know nothing of each other share
            out 1. The keys of one query should."""
            return scores.softmax(dim=0)

        def share__twice(scores):
            """The weights went through the softmax once more, and are nearly alike. What does it do to
            numbers that all lie between 0 and 1?"""
            return scores.softmax(dim=-1).softmax(dim=-1)

        def share__none(scores):
            """There is no softmax: scores are mixed as they are. A row of weights should share out 1, and
            none may be below 0."""
            return scores

        @like(value__by_key)
        def mix__keys(weights, k, v):
            return weights @ k

        def mix__cut_off(weights, k, v):
            """No slope passes through the weights: queries and keys could never learn. What is detached is
            for looking at; who goes on with it?"""
            return weights.detach() @ v

        def watch__never(self, weights, scores):
            """Nobody can watch: where `watch` is set, the weights of the last call should stay in
            `weights`."""

        def watch__attached(self, weights, scores):
            """The weights that stay hold on to everything they were made of, for a slope that nobody asks
            for. Which method cuts a tensor off from its past?"""
            if self.watch:
                self.weights = weights

        def watch__scores(self, weights, scores):
            """What stays in `weights` are the scores, before mask and softmax. How does each query share
            out its attention?"""
            if self.watch:
                self.weights = scores.detach()

        def watch__mean(self, weights, scores):
            """What stays in `weights` is the mean of the heads: each has its own, (B, H, T, S)."""
            if self.watch:
                self.weights = weights.detach().mean(dim=1)

        def watch__first(self, weights, scores):
            """Only the first sequence's weights stay: those of all are asked for, (B, H, T, S)."""
            if self.watch:
                self.weights = weights.detach()[0]

    class accepts:
        def watch__always(self, weights, scores):
            """Right, and more than is asked for: weights stay even where `watch` is not set. The book keeps
            them only then, for they are large: H T S numbers for each sequence."""
            self.weights = weights.detach()


def output(result):
    """What the layer gave, without the slope that is read beside it where there is a memory."""
    return result[-1] if isinstance(result, tuple) else result


class Shown(Config):
    """A Config that shows what counts for a layer."""

    def __repr__(self):
        return f"Config(n_head={self.n_head}, n_embd={self.n_embd}, order={self.order!r})"


def sizes(C, H, order):
    return Shown(4, 4, n_head=H, n_embd=C, hidden=C + 1, order=order)


class exercise_5_4:
    title = "the decoder layer"
    minutes = 20
    returns = ("slope of the memory", "result")
    advice = (
        (
            r"'Tensor' object is not callable",
            "A residual wants the stream and a function, which it calls itself: lambda h: ... makes one.",
        ),
        (
            r"'NoneType' object is not callable",
            "In a layer without cross-attention self.cross and self.looked are None: ask first.",
        ),
        (
            r"The size of tensor",
            "What a branch says is as long as the stream: who asks stands first in attention.",
        ),
        (
            r"does not broadcast to",
            "Two masks: one is of the target, (B, 1, T, T), the other of the memory, (B, 1, 1, S).",
        ),
        (
            r"missing \d required positional argument|takes \d positional argument",
            "A residual wants stream and function; attention, who asks, who answers, and the mask.",
        ),
    )
    hints = (
        (
            "Change the memory: does the output move? Change a later position of the target: may an "
            "earlier output move? Then a layer without cross-attention: does it still run?"
        ),
        (
            "Three things happen to the stream, one after the other, and each goes on from what the one "
            "before left: look back, look at the memory, think. The encoder's layer does two of them."
        ),
        (
            "self.gathered(x, branch) calls branch with what it may read, and norms and adds by itself. "
            "Attention takes who asks, who answers, and a mask. The middle one only if there is a cross."
        ),
        (
            "x = self.gathered(x, lambda h: self.attention(h, h, mask)); then self.looked, alike, with "
            "self.cross(h, memory, memory_mask); at last self.thought(x, self.feed_forward)."
        ),
    )

    def calls(rng):
        for order in ("post", "pre"):
            x, memory = np.array([[[1.0, 0, 2, 0], [0, 2, 1, 1]]]), np.array([[[1.0, 3, 0, 2]] * 3])
            memory[0, 1:] += np.array([[0, 1, 2, 0], [3, 0, 0, 1]])
            made = (sizes(4, 2, order), None, True)
            yield LAYER, made, x, past(2)[None, None], memory, real([2], 3)
        B, T, S, C = 2, 5, 7, 6
        for order in ("post", "pre"):
            x, memory = rng.normal(size=(B, T, C)), rng.normal(size=(B, S, C))
            mask = real([5, 3], T) & past(T)
            yield LAYER, (sizes(C, 3, order), None, True), x, mask, memory, real([4, 7], S)
            yield LAYER, (sizes(C, 2, order), biased(2), True), x, mask, memory, real([4, 7], S)
            yield LAYER, (sizes(C, 3, order), None, False), x, mask
            yield LAYER, (sizes(C, 3, order), None, False), x, mask, memory, real([4, 7], S)
            # as many keys as queries: what fits nowhere else runs here
            x, memory = rng.normal(size=(2, 1, 3, 4))
            mask = real([3], 3) & past(3)
            yield LAYER, (sizes(4, 2, order), None, True), x, mask, memory, real([2], 3)
            x, memory = 9 * rng.normal(size=(2, B, 1, 4))
            ones = real([1, 1], 1)
            yield LAYER, (sizes(4, 2, order), None, True), x, ones, memory, ones.copy()

    def random_call(rng):
        # a norm of one or two channels leaves hardly anything to see
        B, T, S, H, D = rng.integers([1, 1, 1, 1, 3], [4, 6, 6, 4, 5]).tolist()
        order, cross = str(rng.choice(["post", "pre"])), bool(rng.random() < 0.8)
        bias = biased(H) if rng.random() < 0.2 else None
        x = rng.normal(size=(B, T, H * D))
        mask = real(rng.integers(1, T + 1, size=B), T) & past(T)
        given = rng.normal(size=(B, S, H * D)), real(rng.integers(1, S + 1, size=B), S)
        given = given if cross or rng.random() < 0.5 else ()
        return LAYER, (sizes(H * D, H, order), bias, cross), x, mask, *given

    def reading(f, result, self, x, mask, memory=None, memory_mask=None):
        """How the memory moves what comes out, 0 where it does not; what comes out."""
        if not torch.is_tensor(result) or self.cross is None:
            return result
        answers = memory.clone().requires_grad_()
        again = self(x, mask, answers, memory_mask)
        pull = torch.linspace(-1, 1, again.numel(), dtype=again.dtype).view(again.shape)
        (slope,) = torch.autograd.grad(again, answers, pull, allow_unused=True)
        return torch.zeros_like(memory) if slope is None else slope, result

    class steps:
        def gathered(self):
            return self.gathered

        def looked(self):
            return self.looked

        def thought(self):
            return self.thought

        def gather(self, h, x, mask, memory, memory_mask):
            return self.attention(h, h, mask)

        def look(self, h, x, start, mask, memory, memory_mask):
            return self.cross(h, memory, memory_mask)

        def think(self, h, x):
            return self.feed_forward(h)

        def add(residual, x, branch):
            return residual(x, branch)

        def there(self, memory):
            return self.cross is not None

        def order(gather, look, think, cross):
            return gather, look, think

        def end(x, start):
            return x

    def whole(steps):
        def forward(self, x, mask, memory=None, memory_mask=None):
            start, masks = x, (mask, memory, memory_mask)

            def gather(x):
                branch = lambda h: steps.gather(self, h, x, *masks)
                return steps.add(steps.gathered(self), x, branch)

            def look(x):
                if not steps.there(self, memory):
                    return x
                branch = lambda h: steps.look(self, h, x, start, *masks)
                return steps.add(steps.looked(self), x, branch)

            def think(x):
                return steps.add(steps.thought(self), x, lambda h: steps.think(self, h, x))

            for part in steps.order(gather, look, think, self.cross):
                x = part(x)
            return steps.end(x, start)

        return {LAYER: forward}

    class properties:
        def the_past_is_blind_to_the_future(f, result, made, x, mask, *memory):
            other = x.copy()
            other[:, -1] += 1
            again = output(getattr(f, LAYER)(made, other, mask, *memory))
            if differ(again[:, :-1], output(result)[:, :-1]):
                return "Adding 1 to the last position changes the output of one before it."

        def the_past_counts(f, result, made, x, mask, *memory):
            other = x + np.arange(x.shape[2])
            other[:, -1] = x[:, -1]
            if x.shape[1] > 1 and mask[:, 0, -1, 0].all():
                again = output(getattr(f, LAYER)(made, other, mask, *memory))
                if not differ(again[:, -1], output(result)[:, -1]):
                    return "The last position comes out the same, whatever stands before it."

        def the_memory_counts(f, result, made, x, mask, memory=None, memory_mask=None):
            if made[2]:
                other = memory + np.arange(memory.shape[2])
                again = getattr(f, LAYER)(made, x, mask, other, memory_mask)
                if not differ(output(again), output(result)):
                    return "Another memory, and the same output: nobody looks at it."

        def hidden_memory_changes_nothing(f, result, made, x, mask, memory=None, memory_mask=None):
            if made[2]:
                other = memory + ~memory_mask[:, 0, 0, :, None]
                again = getattr(f, LAYER)(made, x, mask, other, memory_mask)
                if differ(output(again), output(result)):
                    return "What stands in the memory where it is padding changes the output."

        def the_memory_learns(f, result, made, x, mask, memory=None, memory_mask=None):
            if made[2] and np.abs(x).max() < 9 and not result[0].any():
                return "No slope comes back to the memory: the encoder could never learn."

    class slips:
        def look__detached(self, h, x, start, mask, memory, memory_mask):
            """No slope comes back to the memory, so the encoder would never learn what the decoder looks
            for. Is something detached, or another tensor read than the memory of this call?"""
            return self.cross(h, memory.detach(), memory_mask)

        def gather__of_memory(self, h, x, mask, memory, memory_mask):
            """Self-attention looks at the memory, as cross-attention does after it. Nobody looks back at
            what was written."""
            return self.attention(h, memory, memory_mask)

        def gather__by_cross(self, h, x, mask, memory, memory_mask):
            """The own past was gathered by `cross`, and `attention` is not used for it. Each of the two
            has weights of its own."""
            return self.cross(h, h, mask)

        def gather__looks_twice(self, h, x, mask, memory, memory_mask):
            """Where there is a memory, both attentions look at it, and nobody looks back. Functions that
            are made in a loop all see its last values: is one of yours?"""
            if self.cross is None:
                return self.attention(h, h, mask)
            return self.cross(h, memory, memory_mask)

        def gather__everything(self, h, x, mask, memory, memory_mask):
            """The own future is seen: the mask does not arrive at self-attention. It would read the words
            that it has to write."""
            return self.attention(h, h, torch.ones_like(mask))

        def gather__turned(self, h, x, mask, memory, memory_mask):
            """The mask of the own past was turned round. It is True where a position may be seen, and
            attention takes it so."""
            return self.attention(h, h, ~mask)

        def gather__keys_bare(self, h, x, mask, memory, memory_mask):
            """Pre-norm alone shows it: what asks went through the norm, and what answers did not. Both are
            what the function is given."""
            return self.attention(h, x, mask)

        def gather__bare(self, h, x, mask, memory, memory_mask):
            """Pre-norm alone shows it: self-attention reads the stream as it is, and the norm is
            for nothing: use what the function is given."""
            return self.attention(x, x, mask)

        def look__bare(self, h, x, start, mask, memory, memory_mask):
            """Pre-norm alone shows it: the stream asks the memory as it is, and the norm is for
            nothing: use what the function is given."""
            return self.cross(x, memory, memory_mask)

        def think__bare(self, h, x):
            """Pre-norm alone shows it: the feed-forward reads the stream as it is, and the norm is
            for nothing: use what the function is given."""
            return self.feed_forward(x)

        class all_bare:
            """Pre-norm alone shows it: all branches read the stream as it is, and the norms are
            for nothing: use what the functions are given."""

            def gather(self, h, x, mask, memory, memory_mask):
                return self.attention(x, x, mask)

            def look(self, h, x, start, mask, memory, memory_mask):
                return self.cross(x, memory, memory_mask)

            def think(self, h, x):
                return self.feed_forward(x)

        def gather__nothing(self, h, x, mask, memory, memory_mask):
            """Self-attention says nothing, but its residual is there. What does a word know of the words
            before it?"""
            return torch.zeros_like(h)

        def look__with_own_mask(self, h, x, start, mask, memory, memory_mask):
            """Cross-attention got the mask of the target. The memory has one of its own: its padding is
            hidden, and there is no future in it."""
            return self.cross(h, memory, mask)

        class masks_exchanged:
            """The two masks have changed places. `mask` is of the target, and of self-attention;
            `memory_mask` hides the padding of the source."""

            def gather(self, h, x, mask, memory, memory_mask):
                return self.attention(h, h, memory_mask)

            def look(self, h, x, start, mask, memory, memory_mask):
                return self.cross(h, memory, mask)

        def gather__with_its_mask(self, h, x, mask, memory, memory_mask):
            """Self-attention got the mask of the memory. The target has one of its own, which hides its
            future, too."""
            return self.attention(h, h, memory_mask)

        def look__everywhere(self, h, x, start, mask, memory, memory_mask):
            """The padding of the memory is looked at: its mask does not arrive at cross-attention."""
            return self.cross(h, memory, torch.ones_like(memory_mask))

        def look__memory_asks(self, h, x, start, mask, memory, memory_mask):
            """The memory asks, and the stream answers. How many positions should come out: as many as the
            source has, or the target?"""
            return self.cross(memory, h, mask)

        @like(look__memory_asks)
        def look__memory_asks_with_its_mask(self, h, x, start, mask, memory, memory_mask):
            return self.cross(memory, h, memory_mask)

        def look__at_itself(self, h, x, start, mask, memory, memory_mask):
            """The second sub-layer looks at the stream once more: `cross` got h twice. Nothing of the
            source arrives."""
            return self.cross(h, h, mask)

        def look__by_attention(self, h, x, start, mask, memory, memory_mask):
            """The memory was looked at by `attention`, once more, and `cross` is not used. Each of the two
            has weights of its own."""
            return self.attention(h, memory, memory_mask)

        class attentions_exchanged:
            """The two attentions have changed places: `cross` looks back, and `attention` looks at the
            memory. Fresh weights would not mind; trained ones do."""

            def gather(self, h, x, mask, memory, memory_mask):
                return self.cross(h, h, mask)

            def look(self, h, x, start, mask, memory, memory_mask):
                return self.attention(h, memory, memory_mask)

        def look__memory_normed(self, h, x, start, mask, memory, memory_mask):
            """The memory went through this layer's norm. The norm is for the stream; the memory comes as
            the encoder left it."""
            return self.cross(h, self.looked.norm(memory), memory_mask)

        def look__start(self, h, x, start, mask, memory, memory_mask):
            """The memory is asked by the x of the beginning, which has not heard what self-attention
            said. The sub-layers stand one behind the other."""
            return self.cross(start, memory, memory_mask)

        def looked__gathered(self):
            """self.gathered serves twice, and self.looked is not used. Each sub-layer has a residual of
            its own, for it has a norm of its own."""
            return self.gathered

        def thought__gathered(self):
            """The feed-forward has the residual of self-attention. Each sub-layer has its own:
            self.thought stands last."""
            return self.gathered

        def thought__looked(self):
            """The feed-forward has the residual of cross-attention. Each sub-layer has its own:
            self.thought stands last."""
            return self.looked

        def gathered__sum(self):
            """What self-attention says is added, and nothing is normed around it: that is what
            self.gathered is for."""
            return lambda x, branch: x + branch(x)

        def looked__sum(self):
            """What cross-attention says is added, and nothing is normed around it: that is what
            self.looked is for."""
            return lambda x, branch: x + branch(x)

        def thought__sum(self):
            """What the feed-forward says is added, and nothing is normed around it: that is what
            self.thought is for."""
            return lambda x, branch: x + branch(x)

        def gathered__none(self):
            """What self-attention says takes the place of the stream. It should be added: what is
            self.gathered for?"""
            return lambda x, branch: branch(x)

        def looked__none(self):
            """What cross-attention says takes the place of the stream, and what was written is lost. It
            should be added: what is self.looked for?"""
            return lambda x, branch: branch(x)

        def thought__none(self):
            """What the feed-forward says takes the place of the stream. It should be added: what is
            self.thought for?"""
            return lambda x, branch: branch(x)

        class gathered_for_all:
            """One residual serves all three sub-layers, so the other norms are not used. Each has its
            own."""

            def looked(self):
                return self.gathered

            def thought(self):
                return self.gathered

        class residuals_exchanged:
            """The residuals of the two attentions have changed places. Each has a norm with weights of its
            own: which was gathered from the past, and which looked at the memory?"""

            def gathered(self):
                return self.looked if self.looked is not None else self.gathered

            def looked(self):
                return self.gathered

        class last_residuals_exchanged:
            """The residuals of cross-attention and feed-forward have changed places. Each has a norm with
            weights of its own."""

            def looked(self):
                return self.thought

            def thought(self):
                return self.looked if self.looked is not None else self.thought

        def add__none(residual, x, branch):
            """Each branch's word takes the place of the stream, and no residual is called: what was there
            is lost. What do self.gathered, self.looked and self.thought do?"""
            return branch(x)

        def add__no_norm(residual, x, branch):
            """The words are added, but nothing is normed: self.gathered, self.looked and self.thought do
            both, each with its norm."""
            return x + branch(x)

        def add__always_post(residual, x, branch):
            """The norm stands after the sum, whatever the order is: that is post-norm, always. The
            residuals know which it is: self.gathered(x, branch) and its sisters."""
            return residual.norm(x + branch(x))

        def add__always_pre(residual, x, branch):
            """The norm stands before the branch, whatever the order is: that is pre-norm, always. The
            residuals know which it is: self.gathered(x, branch) and its sisters."""
            return x + branch(residual.norm(x))

        def add__twice(residual, x, branch):
            """The stream is added twice at each step: the residual adds it already."""
            return x + residual(x, branch)

        @like(add__twice)
        def add__twice_inside(residual, x, branch):
            return residual(x, lambda h: h + branch(h))

        def there__by_memory(self, memory):
            """Whether there is a memory does not say whether this layer can look at it: in one without
            cross-attention, self.cross is None. Ask that."""
            return memory is not None

        def there__always(self, memory):
            """A layer may be without cross-attention: then self.cross is None, and it has two sub-layers.
            Who asks?"""
            return True

        def order__cross_first(gather, look, think, cross):
            """The memory is looked at first, then the own past. In the paper's figure 1 a decoder layer
            looks back first: it asks better, once it knows what was written."""
            return look, gather, think

        def order__thinks_too_early(gather, look, think, cross):
            """The feed-forward comes before cross-attention. Thinking is last: what the memory says is to
            be thought about, too."""
            return gather, think, look

        def order__thinks_first(gather, look, think, cross):
            """The feed-forward comes first. Gather, look, then think: there has to be something to think
            about."""
            return think, gather, look

        def order__no_memory(gather, look, think, cross):
            """The memory changes nothing: there is no cross-attention, or what comes out of it is lost.
            Which stream goes on to the feed-forward?"""
            return gather, think

        def order__past_lost(gather, look, think, cross):
            """What self-attention said is lost: cross-attention reads the stream as it was before. Which
            stream goes on to it?"""
            return (gather, think) if cross is None else (look, think)

        def order__ends_early(gather, look, think, cross):
            """In a layer without cross-attention the feed-forward is left out: there, too, thinking
            follows."""
            return (gather,) if cross is None else (gather, look, think)

        def order__no_past(gather, look, think, cross):
            """The own past changes nothing: there is no self-attention, or what comes out of it is lost.
            Which stream goes on to cross-attention?"""
            return look, think

        def order__no_thought(gather, look, think, cross):
            """The last sub-layer is missing, or what comes out of it is lost: who calls
            self.thought?"""
            return gather, look

        def order__thinks_alone(gather, look, think, cross):
            """Neither the past nor the memory changes anything: only the feed-forward is left. Which
            stream goes on from step to step?"""
            return (think,)

        def end__residual(x, start):
            """x was added once more at the end. The residuals did that already, each for its
            sub-layer."""
            return x + start
