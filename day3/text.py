# exercises 3.7, 3.8, further: Alphabet.encode and .decode, split and Batches.__getitem__
"""From characters to numbers and back, a split, and batches whose targets are shifted by one."""

import torch


class Alphabet:
    """The symbols of a text, sorted; the id of a symbol is its place."""

    def __init__(self, symbols):
        self.symbols = "".join(sorted(set(symbols)))
        self.ids = {symbol: i for i, symbol in enumerate(self.symbols)}

    def __len__(self):
        return len(self.symbols)

    # exercise 3.7, further
    def encode(self, text):
        """The id of each character. Text of T characters -> ids (T,), of type torch.long.

        A text of no characters has no ids, of that type too. ValueError names the characters that
        the alphabet does not know.
        """
        unknown = "".join(sorted(set(text) - set(self.symbols)))
        if unknown:
            raise ValueError(
                f"the model has never seen {unknown!r}: its alphabet is {self.symbols!r}"
            )
        return torch.tensor([self.ids[symbol] for symbol in text], dtype=torch.long)

    # exercise 3.7, further
    def decode(self, ids):
        """The text that these are the ids of. ids (T,) -> text of T characters."""
        return "".join(self.symbols[int(i)] for i in ids)


# exercise 3.8, further
def split(ids):
    """The first nine tenths to train on, the last tenth to judge by: ids (N,) -> two views.

    The first part holds 9 N / 10 symbols, rounded down.
    """
    cut = len(ids) * 9 // 10
    return ids[:cut], ids[cut:]


class Batches:
    """Batch number `step` of a seed: a function of both, so there is no place to remember.

    batches[step] -> x (B, T), y (B, T) with y[:, t] == x[:, t + 1]: the target of a symbol is the
    one that follows it. An epoch cuts the text into windows from a random start and deals them in
    a random order, so that every symbol is a target equally often.
    ValueError where the text is shorter than two windows.
    """

    def __init__(self, ids, B, T, seed):
        if len(ids) < 2 * T:
            raise ValueError(
                f"context {T} is too long for a training text of {len(ids)} characters: "
                f"give more text with --data, or --context {max(1, len(ids) // 4)}"
            )
        self.ids, self.B, self.T, self.seed = ids, B, T, seed
        self.windows = (len(ids) - T) // T  # of an epoch, whatever its start
        self.epoch, self.starts = -1, None

    # exercise 3.8, further
    def __getitem__(self, step):
        """Batch number `step`, from 0 on -> x (B, T), y (B, T).

        Windows are numbered without end; a batch holds the next B of them, a row each, and batch 0
        begins with window 0. self.start(number) is the place in the text where a window begins.
        """
        first = step * self.B
        starts = [self.start(number) for number in range(first, first + self.B)]
        window = self.ids[torch.tensor(starts)[:, None] + torch.arange(self.T + 1)]  # (B, T + 1)
        return window[:, :-1], window[:, 1:]

    def start(self, number):
        """Where window `number` of the endless sequence of epochs begins."""
        epoch, place = divmod(number, self.windows)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            offset = torch.randint(self.T, (1,), generator=generator)
            order = torch.randperm(self.windows, generator=generator)
            self.epoch, self.starts = epoch, (offset + order * self.T).tolist()
        return self.starts[place]


def main():
    """A text as ids, its two parts, and an epoch of windows of the first."""
    text = "to be, or not to be: that is the question"
    alphabet = Alphabet(text)
    ids = alphabet.encode(text)
    print(f"{len(text)} characters, {len(alphabet)} symbols: {alphabet.symbols!r}")
    print(f"{text[:5]!r} is {ids[:5].tolist()}, and back {alphabet.decode(ids[:5])!r}")
    training, validation = split(ids)
    print(f"to train on {alphabet.decode(training)!r}, to judge by {alphabet.decode(validation)!r}")
    dealt = Batches(training, B=3, T=5, seed=1)
    for step in range(dealt.windows // dealt.B):
        print(f"batch {step}")
        for x, y in zip(*dealt[step]):
            print(f"  reads {alphabet.decode(x)!r}, is asked for {alphabet.decode(y)!r}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("text.py", main))
