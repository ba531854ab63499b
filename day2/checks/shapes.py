"""Checks of day2/shapes.py. What each part is for stands in study/naming.py."""

from dataclasses import replace

import model


class Config(model.Config):
    """A Config that shows, in brief, the sizes that its parameters depend on."""

    def __repr__(self):
        names = ("vocab_size", "context", "n_layer", "n_head", "n_embd")
        return ", ".join([*(f"{n} {getattr(self, n)}" for n in names), self.positions])


class exercise_2_11:
    title = "how many parameters"
    minutes = 25
    hints = (
        (
            "Draw the model as boxes, and write the shape of every table, matrix and vector into its "
            "box. Which of them stand in each block, and which only once?"
        ),
        (
            "A matrix from A to B channels holds A times B numbers, and its bias B. Add up a block: two "
            "norms, two matrices in attention, two in the feed-forward part. How often is it there?"
        ),
        (
            "With C = n_embd: query_key_value goes from C to 3 C, widen from C to 4 C, and both come "
            "back to C by a project. Four biases and two norms make a multiple of C. n_head splits."
        ),
        (
            "A block holds 3 C C + C C + 4 C C + 4 C C in matrices, (3 + 1 + 4 + 1) C in biases and "
            "2 * 2 C in norms. Outside: V C, the last norm's 2 C, and what positions and tied ask for."
        ),
    )

    def calls(rng):
        yield "parameters", Config(5, 3, 2, 2, 4)
        yield "parameters", Config(5, 3, 2, 2, 4, positions="learned")
        yield "parameters", Config(5, 3, 2, 2, 4), False
        yield "parameters", Config(7, 5, 1, 3, 6, positions="learned"), False
        yield "parameters", Config(11, 9, 3, 1, 10, positions="learned"), True
        yield "parameters", Config(13, 8, 4, 3, 12)
        yield "parameters", Config(65, 64, 6, 4, 16), False

    def random_call(rng):
        V, context, L, H, D = (int(n) for n in rng.integers(1, (30, 30, 5, 5, 5)))
        positions = str(rng.choice(["rotary", "learned"]))
        tied = ((), (True,), (False,), (False,))[rng.integers(4)]
        return "parameters", Config(V, context, L, H, 2 * H * D, positions=positions), *tied

    class steps:
        def table(V, C):
            return V * C

        def places(config, C):
            return config.context * C if config.positions == "learned" else 0

        def attention(C, H):
            return C * 3 * C + C * C

        def feed_forward(C):
            return C * 4 * C + 4 * C * C

        def vectors(C):
            biases, norms = 3 * C + C + 4 * C + C, 2 * 2 * C
            return biases + norms

        def blocks(block, L):
            return L * block

        def last(C):
            return 2 * C

        def head(V, C, tied):
            return 0 if tied else V * C

    def whole(steps):
        def parameters(config, tied=True):
            V, C, L = config.vocab_size, config.n_embd, config.n_layer
            block = steps.attention(C, config.n_head) + steps.feed_forward(C) + steps.vectors(C)
            around = steps.table(V, C) + steps.places(config, C) + steps.last(C)
            return around + steps.blocks(block, L) + steps.head(V, C, tied)

        return {"parameters": parameters}

    class properties:
        def heads_share_the_channels(f, result, config, tied=True):
            other = replace(config, n_head=config.n_head + 1)
            if f.parameters(other, tied) != result:
                return "Another n_head changes the number. Heads share out what is there."

        def untied_there_is_a_head(f, result, config, tied=True):
            V, C = config.vocab_size, config.n_embd
            more = f.parameters(config, False) - f.parameters(config)
            if more != V * C:
                return f"Untied, the head adds {V * C} numbers. Here it adds {more:g}."

        def a_place_needs_a_row_if_learned(f, result, config, tied=True):
            more = f.parameters(replace(config, context=config.context + 1), tied) - result
            wanted = config.n_embd if config.positions == "learned" else 0
            if more != wanted:
                return f"One place more, {config.positions}, brings {more:g} numbers, not {wanted}."

        def a_symbol_needs_a_row(f, result, config, tied=True):
            larger = replace(config, vocab_size=config.vocab_size + 1)
            more = f.parameters(larger) - f.parameters(config)
            if more != config.n_embd:
                return f"Tied, one symbol more brings {more:g} numbers, not {config.n_embd}."

        def a_block_more_is_counted(f, result, config, tied=True):
            more = f.parameters(replace(config, n_layer=config.n_layer + 1), tied) - result
            wanted, C = config.n_embd * (12 * config.n_embd + 13), config.n_embd
            if more != wanted:
                return f"One block more brings {more:g} numbers, not {wanted}, with n_embd {C}."

    class slips:
        def table__none(V, C):
            """The table of symbols is missing. The tied head is this table: it must be counted
            once."""
            return 0

        def head__never_tied(V, C, tied):
            """The table of symbols is counted twice where it is tied, once more as the head. Tied
            means that both are one and the same."""
            return V * C

        def head__always_tied(V, C, tied):
            """This is the number of a tied model, whatever `tied` says. A head that is not tied is
            a matrix of its own."""
            return 0

        def places__none(config, C):
            """The table of places is missing where positions are learned. How many rows does it
            have, and how long is one?"""
            return 0

        def places__always(config, C):
            """A table of places is counted for rotary positions, too. They turn by fixed angles, and
            learn nothing."""
            return config.context * C

        def attention__no_project(C, H):
            """Each block counts C C too few (C = n_embd), as if attention ended with its heads. What
            they found goes through a `project`."""
            return 3 * C * C

        def attention__of_each_head(C, H):
            """q, k and v count as often as there are heads, as if each head were as wide as the
            stream. The heads share out its channels."""
            return H * 3 * C * C + C * C

        def attention__of_one_head(C, H):
            """q, k and v count as if they were as wide as one head. Together, the heads are as wide
            as the stream."""
            return 3 * C * (C // H) + C * C

        def feed_forward__narrow(C):
            """Each block counts 6 C C too few (C = n_embd), as if the feed-forward part were no wider
            than the stream. How wide is its middle?"""
            return 2 * C * C

        def feed_forward__one_matrix(C):
            """Each block counts 4 C C too few (C = n_embd), as if one of the matrices in the
            feed-forward part were missing. It widens, and it comes back."""
            return 4 * C * C

        def vectors__1_too_few(C):
            """Each block counts C too few (C = n_embd). So long is the bias of a `project`: there
            are two of these."""
            return 12 * C

        def vectors__2_too_few(C):
            """Each block counts 2 C too few (C = n_embd). So much is a norm, of which a block has
            two; or does the bias of q, k and v count as C?"""
            return 11 * C

        def vectors__3_too_few(C):
            """Each block counts 3 C too few (C = n_embd). So long is the bias of q, k and v; or does
            the bias of `widen` count as C?"""
            return 10 * C

        def vectors__4_too_few(C):
            """Each block counts 4 C too few (C = n_embd). So much are both norms, or attention's two
            biases, or the bias of `widen`. Which of them is missing?"""
            return 9 * C

        def vectors__5_too_few(C):
            """Each block counts 5 C too few (C = n_embd), as if the feed-forward part had no biases.
            How long is each of its two?"""
            return 8 * C

        def vectors__norms_alone(C):
            """Each block counts 9 C too few (C = n_embd), as if its four matrices had no biases. A
            bias is as long as what its matrix gives."""
            return 4 * C

        def vectors__none(C):
            """Each block counts 13 C too few (C = n_embd), as if it had matrices alone. What do norms
            learn, and how long is the bias of each matrix?"""
            return 0

        class gains_alone:
            """Every norm counts C too few (C = n_embd), as if it had one number for a channel. It
            has a gain, and what else?"""

            def vectors(C):
                return 11 * C

            def last(C):
                return C

        def last__none(C):
            """2 C are missing (C = n_embd), however many blocks there are: so much is a norm. After
            the last block stands one more."""
            return 0

        def blocks__one(block, L):
            """A single block counts, whatever n_layer says. Each block has matrices of its own."""
            return block
