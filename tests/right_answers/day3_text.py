"""Right answers to the exercises of day3/text.py, each written in another way."""

import bisect
import itertools

import numpy as np
import torch


class exercise_3_7__loops:
    class Alphabet:
        def encode(self, text):
            ids = torch.zeros(len(text), dtype=torch.long)
            for t, symbol in enumerate(text):
                if symbol not in self.ids:
                    raise ValueError(f"unknown: {symbol!r}")
                ids[t] = self.ids[symbol]
            return ids

        def decode(self, ids):
            text = ""
            for i in ids:
                text += self.symbols[i]
            return text


class exercise_3_7__map:
    class Alphabet:
        def encode(self, text):
            if not set(text) <= self.ids.keys():
                raise ValueError("the text has symbols that the alphabet has not")
            return torch.LongTensor(list(map(self.ids.get, text)))

        def decode(self, ids):
            back = {i: symbol for symbol, i in self.ids.items()}
            return "".join(map(back.get, ids.tolist()))


class exercise_3_7__find:
    class Alphabet:
        def encode(self, text):
            ids = torch.tensor([self.symbols.find(symbol) for symbol in text]).long()
            if (ids < 0).any():
                raise ValueError("unknown characters")
            return ids

        def decode(self, ids):
            return "".join([list(self.symbols)[i] for i in ids.numpy()])


class exercise_3_7__bisect:
    class Alphabet:
        def encode(self, text):
            if strange := set(text).difference(self.symbols):
                raise ValueError(f"not in the alphabet: {sorted(strange)}")
            found = (bisect.bisect_left(self.symbols, symbol) for symbol in text)
            return torch.from_numpy(np.fromiter(found, dtype=np.int64))

        def decode(self, ids):
            table = np.array(list(self.symbols))
            return "".join(table[ids.numpy()].tolist())


class exercise_3_7__translate:
    class Alphabet:
        def encode(self, text):
            if set(text) - set(self.symbols):
                raise ValueError("unknown")
            table = {ord(symbol): chr(i) for i, symbol in enumerate(self.symbols)}
            return torch.tensor(list(map(ord, text.translate(table))), dtype=torch.int64)

        def decode(self, ids):
            return "".join(chr(i) for i in ids.tolist()).translate(dict(enumerate(self.symbols)))


class exercise_3_8__slices:
    def split(ids):
        n = int(0.9 * len(ids))
        return ids[:n], ids[n:]

    class Batches:
        def __getitem__(self, step):
            numbers = range(step * self.B, (step + 1) * self.B)
            starts = [self.start(number) for number in numbers]
            x = torch.stack([self.ids[s : s + self.T] for s in starts])
            y = torch.stack([self.ids[s + 1 : s + 1 + self.T] for s in starts])
            return x, y


class exercise_3_8__loops:
    def split(ids):
        training = [i for n, i in enumerate(ids.tolist()) if 10 * (n + 1) <= 9 * len(ids)]
        rest = ids.tolist()[len(training) :]
        return torch.tensor(training, dtype=torch.long), torch.tensor(rest, dtype=torch.long)

    class Batches:
        def __getitem__(self, step):
            B, T = self.B, self.T
            x = torch.zeros(B, T, dtype=torch.long)
            y = torch.zeros(B, T, dtype=torch.long)
            for b in range(B):
                place = self.start(b + B * step)
                for t in range(T):
                    x[b, t] = self.ids[place + t]
                    y[b, t] = self.ids[place + t + 1]
            return x, y


class exercise_3_8__unfold:
    def split(ids):
        N = len(ids)
        return torch.split(ids, [N - -(-N // 10), -(-N // 10)])

    class Batches:
        def __getitem__(self, step):
            windows = self.ids.unfold(0, self.T + 1, 1)
            rows = windows[[self.start(step * self.B + b) for b in range(self.B)]]
            return rows[:, : self.T], rows[:, -self.T :]


class exercise_3_8__narrow:
    def split(ids):
        n = 9 * ids.numel() // 10
        return ids.narrow(0, 0, n), ids.narrow(0, n, ids.numel() - n)

    class Batches:
        def __getitem__(self, step):
            counted = itertools.islice(itertools.count(step * self.B), self.B)
            places = torch.tensor(list(map(self.start, counted))).unsqueeze(1)
            places = places + torch.arange(self.T)
            return self.ids.take(places), self.ids.take(places + 1)


class exercise_3_8__gather:
    def split(ids):
        n = len(ids) * 9 // 10
        return tuple(ids.tensor_split([n]))

    class Batches:
        def __getitem__(self, step):
            starts = [self.start(self.B * step + b) for b in range(self.B)]
            offsets = torch.arange(self.T + 1).repeat(self.B, 1)
            places = offsets.add(torch.tensor(starts).view(-1, 1))
            windows = torch.gather(self.ids.expand(self.B, -1), 1, places)
            x, y = windows[:, :-1], windows.roll(-1, dims=1)[:, :-1]
            return x.contiguous(), y.contiguous()
