"""day4-5/beam.py against slow loops and against looking at every translation that there is."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import torch

import beam
from beam import EXAMPLE, Told, beam_search, greedy, length_penalty
from encoder_decoder import Config, EncoderDecoder
from sequences import END, PAD, START, padded, sequence_loss, shift_right

V, LONGEST = 6, 4
A, B = 3, 4


def model(seed, std=1.0):
    """A small model that is sure of nothing and END comes at different times."""
    torch.manual_seed(seed)
    made = EncoderDecoder(Config(V, V, 12, 1, 2, 8, 16)).eval()
    with torch.no_grad():
        for p in made.parameters():
            p.add_(std * torch.randn(p.shape))
        made.source.weight[PAD] = made.target.weight[PAD] = 0
    return made


def sources(B, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randint(END, V, (n % 4 + 1,), generator=generator).tolist() for n in range(B)]
    return padded(rows), rows


def ln_p(made, source, ids):
    """ln of the probability that a source is translated so, in one teacher-forced pass."""
    target = torch.tensor([ids])
    logits = made(torch.tensor([source]), shift_right(target))
    return -sequence_loss(logits, target).item() * len(ids)


def test_greedy_is_a_loop_over_the_rows():
    lengths = set()
    for seed in range(12):
        made, (batch, rows) = model(seed, std=0.6), sources(8, seed)
        written = greedy(made, batch, LONGEST + 3)
        for row, found in zip(rows, written.tolist(), strict=True):
            ids = []
            while len(ids) < LONGEST + 3 and END not in ids:
                logits = made(torch.tensor([row]), torch.tensor([[START, *ids]]))[0, -1]
                ids.append(int(logits.argmax()))
            assert found == [*ids, *[PAD] * (written.shape[1] - len(ids))]
            lengths.add(len(ids))
        assert written.shape[1] == max((row != PAD).sum() for row in written)
    assert len(lengths) > 2  # some stopped early, some never


class Counted(Told):
    """Row b, known by its first source symbol, writes so many A before END."""

    def __init__(self):
        super().__init__({}, V)
        self.calls = 0

    def encode(self, source):
        return source[:, :1, None].double(), torch.ones(len(source), 1, 1, 1, dtype=torch.bool)

    def decode(self, reads, memory, memory_mask):
        self.calls += 1
        logits = torch.zeros(*reads.shape, V)
        ends = reads.shape[1] > memory[:, 0, 0]
        logits[:, -1, A] = 1
        logits[:, -1, END] = 2 * ends
        return logits


def test_greedy_pads_finished_rows_and_stops_when_all_are_done():
    counted = Counted()
    written = greedy(counted, torch.tensor([[3], [1], [2]]), 50)
    assert written.tolist() == [[A, A, A, END], [A, END, PAD, PAD], [A, A, END, PAD]]
    assert counted.calls == 4
    assert greedy(counted, torch.tensor([[3], [1]]), 2).tolist() == [[A, A], [A, END]]


@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_one_beam_is_greedy(alpha):
    for seed in range(10):
        made, (batch, rows) = model(seed), sources(4, seed)
        for row, found in zip(rows, greedy(made, batch, LONGEST).tolist(), strict=True):
            ((score, ids),) = beam_search(made, torch.tensor(row), 1, LONGEST, alpha)
            assert ids == [i for i in found if i != PAD]
            wanted = ln_p(made, row, ids) / ((5 + len(ids)) / 6) ** alpha
            assert score == pytest.approx(wanted, abs=1e-5)


def every_translation():
    """All that can be written: END at the end, or LONGEST symbols without it."""
    going_on = [START, *range(END + 1, V)]
    for T in range(1, LONGEST + 1):
        for ids in product(going_on, repeat=T - 1):
            yield [*ids, END]
    yield from map(list, product(going_on, repeat=LONGEST))


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_with_beams_enough_it_is_an_exhaustive_search(alpha):
    everything = list(every_translation())
    for seed in range(4):
        made, row = model(seed, std=0.5), [A, END]
        wanted = sorted(
            ((ln_p(made, row, ids) / ((5 + len(ids)) / 6) ** alpha, ids) for ids in everything),
            reverse=True,
        )
        found = beam_search(made, torch.tensor(row), V**LONGEST, LONGEST, alpha)
        assert len(found) == len(everything)
        for (score, ids), (best, ids_wanted) in zip(found, wanted, strict=True):
            assert score == pytest.approx(best, abs=1e-5)
            assert ids == ids_wanted or score == pytest.approx(best, abs=1e-6)


def test_beams_are_sorted_different_and_never_padded():
    for seed in range(5):
        found = beam_search(model(seed), torch.tensor([A, B, END]), 7, LONGEST)
        assert len(found) == 7
        assert len({tuple(ids) for _, ids in found}) == 7
        assert [s for s, _ in found] == sorted((s for s, _ in found), reverse=True)
        assert not any(PAD in ids or END in ids[:-1] for _, ids in found)


def test_more_beams_find_what_greedy_misses():
    (batch,), two = greedy(EXAMPLE, torch.tensor([[3]]), 4), torch.tensor([3])
    assert batch.tolist() == [beam.UN, beam.CHAT, END]
    score, ids = beam_search(EXAMPLE, two, 2, 4)[0]
    assert ids == [beam.LE, beam.CHAT, END]
    assert score == pytest.approx(torch.tensor(0.4 * 0.9).log().item())


def test_a_finished_beam_is_kept_and_may_still_win():
    rows = {(): {END: 0.4, A: 0.6}, (A,): {A: 0.5, B: 0.5}, (A, A): {END: 1.0}, (A, B): {END: 1.0}}
    found = beam_search(Told(rows, V), torch.tensor([3]), 2, 5)
    assert found[0][1] == [END]
    assert found[1][1] in ([A, A, END], [A, B, END])
    longer = beam_search(Told(rows, V), torch.tensor([3]), 3, 5, alpha=2.0)
    assert longer[-1][1] == [END]  # with a penalty long ones win
    assert len(longer) == 3


def test_impossible_symbols_are_no_beams():
    found = beam_search(Told({(): {A: 1.0}, (A,): {END: 1.0}}, V), torch.tensor([3]), 5, 4)
    assert found == [(0.0, [A, END])]


def test_the_length_penalty():
    assert [length_penalty(T, 0.0) for T in (1, 5, 9)] == [1, 1, 1]
    assert length_penalty(1, 0.7) == 1
    assert length_penalty(7, 1.0) == 2
    assert length_penalty(19, 0.5) == 2


def test_a_wrong_call_is_told():
    made, row = model(0), torch.tensor([A, END])
    with pytest.raises(ValueError, match="at least 1 beam, not 0"):
        beam_search(made, row, 0, 3)
    with pytest.raises(ValueError, match="at least 1 symbol, not 0"):
        beam_search(made, row, 2, 0)
    with pytest.raises(ValueError, match="at least 1 symbol, not 0"):
        greedy(made, row[None], 0)
    with pytest.raises(ValueError, match="at least 1 of each"):
        beam_search(made, row[:0], 2, 3)
    with pytest.raises(ValueError, match="this model reads 12"):
        greedy(made, torch.full((1, 13), A), 3)
    with pytest.raises(ValueError, match="has 13 symbols"):
        greedy(Endless(), row[None], 20)


class Endless(EncoderDecoder):
    """A model that never writes END."""

    def __init__(self):
        super().__init__(Config(V, V, 12, 1, 2, 8, 16))
        self.eval()

    def decode(self, *given):
        logits = super().decode(*given)
        logits[..., END] = -torch.inf
        return logits


def test_the_program_shows_the_example():
    path = Path(beam.__file__)
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    assert "le chat END" in done.stdout
