"""Looking inside: every measure on planted cases whose answer is known, and the program itself."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

import ablation
import checkpoint
import copying
import firing
import heads
import inside
import inside_figures
import inside_pictures
import inside_tables
import lens
import pictures
import symbols
import watch_learning
from model import GPT, Config
from run import Run
from settings import Settings, with_size
from text import Alphabet

TEXT = "To be, or\nnot to be:\nthat is it"
SYMBOLS = "".join(sorted(set(TEXT)))


def shaken(positions="rotary", **sizes):
    """A small model none of whose weights is zero: at birth the blocks add nothing."""
    sizes = {"vocab_size": 11, "context": 16, "n_layer": 3, "n_head": 2, "n_embd": 12} | sizes
    torch.manual_seed(0)
    model = GPT(Config(positions=positions, **sizes)).eval()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.4 * torch.randn_like(p)
    return model


def ids_of(model, B=3, T=None):
    generator = torch.Generator().manual_seed(1)
    c = model.config
    return torch.randint(c.vocab_size, (B, T or c.context), generator=generator)


def planted(V=12, half=12):
    """An induction circuit by hand: layer 1, head 2 copies the symbol before into a free place,
    and layer 2, head 1 looks there for the present symbol and says what stands at that position.

    Channels: the symbol (V), the position (T), the symbol before (V), each with a single one.
    """
    T = 2 * half
    C = 2 * V + T
    D = C // 2
    assert max(V, T) <= D
    config = Config(V, T, n_layer=2, n_head=2, n_embd=C, positions="learned")
    model = GPT(config).eval()
    symbol, place, before = slice(0, V), slice(V, V + T), slice(V + T, C)
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 2:
                p.zero_()
        model.embedding.weight[:, symbol] = torch.eye(V)
        model.position.weight[:, place] = torch.eye(T)

        def circuit(layer, head, query, key, shift, out, sharp):
            attention = model.blocks[layer].attention
            q, k, v = (slice(n * C + head * D, n * C + (head + 1) * D) for n in range(3))
            n = query.stop - query.start
            # rows are what comes out: place p asks for p - shift
            attention.query_key_value.weight[q][:n, query] = sharp * torch.eye(n).roll(-shift, 0)
            attention.query_key_value.weight[k][:n, key] = torch.eye(n)
            attention.query_key_value.weight[v][:V, symbol] = torch.eye(V)
            attention.project.weight[out, head * D : head * D + V] = torch.eye(V)

        circuit(0, 1, place, place, 1, before, sharp=100)
        circuit(1, 0, symbol, before, 0, symbol, sharp=100)
        model.norm.gain.fill_(3)
    return model


# what a head does


def test_a_head_built_for_a_kind_scores_1_and_an_even_one_what_counting_says():
    ids = torch.tensor([[SYMBOLS.index(c) for c in TEXT]])
    T = len(TEXT)
    even = heads.uniform(1, T)
    torch.testing.assert_close(even.sum(-1), torch.ones(1, 1, T))
    for kind, pattern in heads.patterns(ids, SYMBOLS).items():
        asked = pattern.any(-1, keepdim=True)
        weights = torch.where(asked, pattern / pattern.sum(-1, keepdim=True), even[:, 0])[:, None]
        assert heads.score(weights, pattern).item() == pytest.approx(1), kind
        counted = [row.sum().item() / (t + 1) for t, row in enumerate(pattern[0]) if row.any()]
        assert heads.score(even, pattern).item() == pytest.approx(np.mean(counted)), kind


def test_patterns_are_what_a_loop_over_the_text_finds():
    ids = torch.tensor([[SYMBOLS.index(c) for c in TEXT]])
    found = {kind: pattern[0].tolist() for kind, pattern in heads.patterns(ids, SYMBOLS).items()}
    for t, c in enumerate(TEXT):
        for s in range(len(TEXT)):
            past, between = s < t, TEXT[s:t]
            assert found["previous character"][t][s] == (s == t - 1)
            assert found["first position"][t][s] == (past and s == 0)
            assert found["same character"][t][s] == (past and TEXT[s] == c)
            word = past and c.isalpha() and between.isalpha()
            # the first word began before the window, for all one knows
            broken = any(not b.isalpha() for b in TEXT[:s])
            assert found["present word"][t][s] == (word and broken)
            for kind, breaks in (
                ("word start", lambda b: not b.isalpha()),
                ("line start", "\n".__eq__),
            ):
                last = max((i for i in range(t) if breaks(TEXT[i])), default=None)
                right = last is not None and t >= last + 3 and s in (last, last + 1)
                right &= kind == "line start" or c.isalpha()
                assert found[kind][t][s] == right, (kind, t, s)


def test_a_planted_induction_circuit_is_found_where_it_is_and_nowhere_else():
    model = planted()
    x, y = heads.repeated_text(12, 12, B=16)
    found, even = heads.scores(model, torch.randint(12, (16, 24)), "abcdefghijkl")
    assert found["previous character"][0, 1] > 0.99
    assert found["induction"][1, 0] > 0.95
    found["induction"][1, 0] = 0
    assert found["induction"].max() < even["induction"] + 0.15
    # what is lost: each half of the circuit, and nothing with any other head
    second = ablation.second_half(y)
    rises = ablation.heads_missed(model, lambda m: ablation.mean_loss(m, x, second))
    assert rises[0, 1] > 0.5 and rises[1, 0] > 0.5
    assert rises[0, 0] == 0 and rises[1, 1] == 0
    first, later = watch_learning.halves(model, x, y)
    assert later < first - 0.5


def test_induction_asks_only_about_the_second_half_and_halves_do_not_overlap():
    x, y = heads.repeated_text(3, 10, B=2)
    assert x.shape == (2, 19) and torch.equal(x[:, 1:], y[:, :-1])
    asked = heads.induction_pattern(x).any(-1)
    assert not asked[:, :10].any() and asked[:, 10:].all()
    second = ablation.second_half(y)
    # the first symbol of the second half cannot be foretold, all the others can
    assert (second[:, :10] == -100).all() and torch.equal(second[:, 10:], y[:, :9])


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_weights_are_those_of_the_forward_pass(positions):
    model, kept = shaken(positions), {}
    ids = ids_of(model)
    for n, block in enumerate(model.blocks):
        block.attention.register_forward_hook(
            lambda module, inputs, out, n=n: kept.update({n: (inputs[0], out)})
        )
    weights, logits = heads.attention_weights(model, ids)
    torch.testing.assert_close(logits, model(ids)[0])
    B, T, C, H = 3, 16, 12, 2
    for layer, block in enumerate(model.blocks):
        x, out = kept[layer]
        v = block.attention.query_key_value(x)[..., 2 * C :].view(B, T, H, C // H).transpose(1, 2)
        mixed = (weights[layer] @ v).transpose(1, 2).reshape(B, T, C)
        torch.testing.assert_close(block.attention.project(mixed), out)
    assert not any(b.attention.watch or b.attention.weights is not None for b in model.blocks)


def test_entropy_of_even_weights_is_ln_n_and_of_a_single_key_0():
    even = heads.uniform(2, 9)
    one = torch.eye(9).expand(2, 1, 9, 9)
    nats, shares = heads.entropy(torch.stack([even, one]))
    assert shares.flatten().tolist() == pytest.approx([1, 0])
    most = np.mean([math.log(n) for n in range(2, 10)])
    assert nats.flatten().tolist() == pytest.approx([most, 0])
    assert heads.most_entropy(9) == pytest.approx(most)
    nats, shares = heads.entropy(heads.attention_weights(shaken(), ids_of(shaken()))[0])
    assert (shares > 0).all() and (shares < 1).all() and nats.shape == (3, 2)


def test_heads_that_agree_differ_by_0_and_heads_that_share_no_key_by_1():
    first = torch.zeros(4, 4)
    first[:, 0] = 1
    same, apart = torch.stack([first, first, first]), torch.stack([first, first.roll(1, 1)])
    assert heads.difference(same[None, None]).item() == 0
    assert heads.difference(apart[None, None]).item() == 1
    assert heads.difference(apart[None, None, :1]).item() == 0  # one head has no other


# what is lost without a part


def test_without_a_head_is_the_model_with_its_columns_at_zero():
    model, ids = shaken(), ids_of(shaken())
    with torch.no_grad():
        before = model(ids)[0]
        with ablation.without_head(model, 1, 1):
            found = model(ids)[0]
        columns = model.blocks[1].attention.project.weight[:, 6:]
        kept = columns.clone()
        columns.zero_()
        torch.testing.assert_close(found, model(ids)[0])
        columns.copy_(kept)
        assert (found - before).abs().max() > 0.01
        torch.testing.assert_close(model(ids)[0], before)


def test_without_a_feed_forward_is_the_model_with_its_output_at_zero():
    model, ids = shaken(), ids_of(shaken())
    with torch.no_grad():
        with ablation.without_feed_forward(model, 2):
            found = model(ids)[0]
        model.blocks[2].feed_forward.project.weight.zero_()
        model.blocks[2].feed_forward.project.bias.zero_()
        torch.testing.assert_close(found, model(ids)[0])


def test_a_part_is_back_after_an_error():
    model, ids = shaken(), ids_of(shaken())
    before = model(ids)[0]
    for without in (
        ablation.without_head(model, 0, 0),
        ablation.without_feed_forward(model, 0),
        heads.watched(model),
    ):
        with pytest.raises(KeyError), without:
            raise KeyError
    torch.testing.assert_close(model(ids)[0], before)
    assert not any(block.attention.watch for block in model.blocks)


def test_at_birth_no_part_is_missed():
    torch.manual_seed(0)
    model = GPT(Config(11, 16, 2, 2, 12)).eval()
    x = ids_of(model)
    loss = lambda m: ablation.mean_loss(m, x, x.roll(-1, 1))
    assert ablation.heads_missed(model, loss).eq(0).all()
    assert ablation.feed_forwards_missed(model, loss).eq(0).all()


# the loss, taken apart


def test_a_layers_answer_is_that_of_the_model_cut_off_there():
    model, ids = shaken("learned"), ids_of(shaken())
    found = lens.lens(model, ids)
    whole, blocks = model(ids)[0], model.blocks
    torch.testing.assert_close(found[-1], whole)
    for n in range(len(blocks) + 1):
        model.blocks = blocks[:n]
        torch.testing.assert_close(found[n], model(ids)[0])
    model.blocks = blocks
    y = ids.roll(-1, 1)
    losses, shares = lens.by_layer(model, ids, y)
    assert losses[-1].item() == pytest.approx(model(ids, y)[1].item(), abs=1e-5)
    assert shares[-1] == 1 and (shares[:-1] < 1).all()


def test_loss_by_position_is_that_of_the_windows_cut_off_there():
    model = shaken()
    x = ids_of(model, B=4)
    y = x.roll(-1, 1)
    found = lens.by_position(model, x, y)
    for t in (0, 5, 15):
        logits = model(x[:, : t + 1])[0][:, -1]
        assert found[t].item() == pytest.approx(F.cross_entropy(logits, y[:, t]).item(), abs=1e-5)
    bins = lens.binned(found)
    assert [b[:2] for b in bins] == [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16)]
    whole = sum((last - first + 1) * loss for first, last, loss in bins) / 16
    assert whole == pytest.approx(found.mean().item(), abs=1e-5)
    assert [b[:2] for b in lens.binned(found[:6])][-1] == (5, 6)


def test_the_star_stands_where_the_answer_settles():
    model, alphabet, text = planted(), Alphabet("abcdefghijkl"), "abcdefabcdef"
    lines = lens.table(model, text, alphabet).splitlines()
    assert lines[0].split()[:2] == ["after", "in"] and len(lines) == 13
    answers = lens.lens(model, alphabet.encode(text)[None])[:, 0].argmax(dim=-1).T
    for line, after, said in zip(lines[1:], text, map(alphabet.decode, answers), strict=True):
        settled = len(said.rstrip(said[-1]))
        cells = [symbol + "*" * (n == settled) for n, symbol in enumerate(said)]
        assert line.split()[0] == after and line.split()[-3:] == cells
    # the circuit's answer is only there after layer 2
    assert [line.split()[-1] for line in lines[8:]] == ["c*", "d*", "e*", "f*", "a*"]


# the symbols


def explicit(x, answers, names):
    """The same probe written out: weighted ridge regression on the channels, fitted N times."""
    x = x - x.mean(axis=0)
    x = x / np.sqrt((x**2).sum(axis=1).mean())
    x = np.column_stack([x, np.ones(len(x))])
    right = []
    for i in range(len(x)):
        rest = [j for j in range(len(x)) if names[j] != names[i]]
        w = np.array([1 / sum(answers[k] == answers[j] for k in rest) for j in rest])
        a = (x[rest].T * w) @ x[rest] + symbols.RIDGE * np.eye(x.shape[1])
        fitted = np.linalg.solve(a, (x[rest].T * w) @ np.where(answers[rest], 1.0, -1.0))
        right.append((x[i] @ fitted > 0) == answers[i])
    return np.array(right)


def test_the_probe_is_the_one_written_out():
    rng = np.random.default_rng(0)
    answers = np.arange(30) % 5 == 0
    for scale, names in ((0, np.arange(30)), (1.0, np.arange(30)), (1.0, np.arange(30) // 2)):
        x = rng.normal(size=(30, 9)) + scale * answers[:, None]
        found = symbols.left_out(x, answers, names)
        assert np.array_equal(found, explicit(x, answers, names))


def test_the_other_case_of_a_letter_does_not_give_its_answer_away():
    rng = np.random.default_rng(0)
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    shares = []
    for _ in range(20):
        letters = rng.normal(size=(26, 128))
        table = np.concatenate([letters, letters]) + 0.01 * rng.normal(size=(52, 128))
        shares.append(symbols.probed(table, alphabet, "vowel or consonant")[0])
    assert 0.35 < np.mean(shares) < 0.6


def test_planted_clusters_are_found_and_shuffled_answers_are_chance():
    rng = np.random.default_rng(0)
    alphabet = "\n !,.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    middle = 8 * rng.normal(size=(4, 128))
    table = rng.normal(size=(len(alphabet), 128)) + middle[symbols.kinds(alphabet)]
    for question in ("capital or lower case", "letter or punctuation"):
        share, low, high = symbols.probed(table, alphabet, question)
        assert share == 1 and 0.75 < low < 0.99 and high == pytest.approx(1)
        # without equal weights for both answers, leaving one out would push this below a half
        deals = symbols.shuffled(table, alphabet, question, rng, times=100)
        assert abs(np.mean(deals) - 0.5) < 0.06, question
    assert symbols.same_kind(table, alphabet)[0] == 1
    noise = rng.normal(size=table.shape)
    found, chance = symbols.same_kind(noise, alphabet)
    assert abs(found - chance) < 0.25


def test_intervals_are_those_of_the_papers():
    # Newcombe 1998, "Interval estimation for the single proportion", table I, method 3
    assert symbols.wilson(81 / 263, 263)[1:] == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert symbols.wilson(0 / 20, 20)[1:] == pytest.approx((0, 0.1611), abs=1e-4)
    answers = np.array([True] * 10 + [False] * 40)
    right = np.array([True] * 9 + [False] + [True] * 30 + [False] * 10)
    share, low, high = symbols.balanced(right, answers)
    assert share == pytest.approx((0.9 + 0.75) / 2)
    (p, a, b), (q, c, d) = symbols.wilson(0.9, 10), symbols.wilson(0.75, 40)
    assert low == pytest.approx(share - math.hypot(p - a, q - c) / 2)
    assert high == pytest.approx(share + math.hypot(b - p, d - q) / 2)


def test_neighbours_are_never_the_symbol_itself_and_pairs_are_found():
    rng = np.random.default_rng(1)
    alphabet = "\nABCDEFabcdef"
    table = rng.normal(size=(13, 20))
    cosines = symbols.cosines(table)
    assert (cosines.argmax(axis=1) != np.arange(13)).all() and abs(cosines).max() <= 1
    a, b = table[3], table[5]
    assert cosines[3, 5] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    table[1:7] = table[7:] + 0.1 * rng.normal(size=(6, 20))
    assert symbols.own_case(table, alphabet) == (1, 1 / 6)
    table[1:7] = np.roll(table[1:7], 1, axis=0)
    assert symbols.own_case(table, alphabet)[0] == 0
    kinds = [symbols.KINDS[k] for k in symbols.kinds("\n Aae b3Z?")]
    assert kinds == ["punctuation", "punctuation", "capital", "vowel", "vowel", "punctuation",
                     "consonant", "punctuation", "capital", "punctuation"]  # fmt: skip


def test_a_small_alphabet_is_asked_only_what_it_can_answer():
    assert symbols.possible("bcd1") == []
    assert symbols.possible("abcdeABCDE.,") == list(symbols.QUESTIONS)
    assert math.isnan(symbols.own_case(np.eye(3), "abc")[0])
    with pytest.raises(ValueError, match="at least two symbols"):
        symbols.left_out(np.eye(3), np.array([True, False, False]), np.array(list("abc")))


# what is written


def test_the_longest_copy_is_that_of_a_search_through_all_pieces():
    rng = np.random.default_rng(0)
    for _ in range(50):
        text, source = ("".join(rng.choice(list("ab"), size=n)) for n in (14, 20))
        pieces = {text[i:j] for i in range(15) for j in range(i, 15)}
        longest = max(len(piece) for piece in pieces if piece in source)
        found = copying.longest_copy(text, source)
        assert len(found) == longest and found in source and found in text
    assert copying.longest_copy("xyz", "abc") == "" and copying.longest_copy("", "abc") == ""


def test_measures_of_texts_that_can_be_counted_by_hand():
    assert copying.distinct(["the", "cat", "the", "dog"], 1) == 3 / 4
    assert copying.distinct(["the", "cat", "the", "cat"], 2) == 2 / 3
    assert copying.repeated("abcdefgh" * 2, 8) == 1 - 8 / 9
    assert copying.repeated("a" * 20) == 1 - 1 / 13 and math.isnan(copying.repeated("short"))
    assert copying.words("Thou'rt, 3 lords_o' I") == ["thou'rt", "3", "lords", "o", "i"]
    assert copying.known("the zyx", {"the"}) == 0.5
    mixed = copying.shuffled(TEXT * 3)
    assert mixed != TEXT * 3 and sorted(mixed) == sorted(TEXT * 3)


def test_ways_differ_and_a_seed_repeats():
    model, alphabet = shaken(), Alphabet("abcdefghijk")
    texts = {way: copying.written(model, alphabet, "abc", 40, 1, way)[0] for way in copying.WAYS}
    assert all(len(text) == 40 for text in texts.values()) and len(set(texts.values())) > 4
    again = copying.written(model, alphabet, "abc", 40, 1, "temperature 1.0")[0]
    assert again == texts["temperature 1.0"]
    other = [copying.written(model, alphabet, "abc", 40, 2, way)[0] for way in copying.WAYS]
    assert other[0] == texts["greedy"] and other[3] != texts["temperature 1.0"]


# what the layers put out


def test_planted_dead_units_are_found_in_any_model():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 8), nn.GELU())
    net[0].bias.data[[4, 17]] = -50
    net[2].bias.data[3] = -50
    x = torch.randn(200, 6)
    rows = firing.statistics(net, x)
    assert rows["1"]["silent"] == [4, 17] and rows["3"]["silent"] == [3]
    hidden = net[0](x).relu()
    assert rows["1"]["mean"] == pytest.approx(hidden.mean().item(), abs=1e-6)
    assert rows["1"]["deviation"] == pytest.approx(hidden.std().item(), abs=1e-6)
    assert rows["1"]["active"] == pytest.approx((hidden > 0.01).float().mean().item())
    assert rows["0"]["mean"] == pytest.approx(net[0](x).mean().item(), abs=1e-6)
    assert "silent" not in rows["0"] and not net[0]._forward_hooks


@pytest.mark.parametrize("gelu", ["tanh", "none"])
def test_planted_silent_units_of_a_gpt_are_found(gelu):
    model = shaken(gelu=gelu)
    model.blocks[1].feed_forward.widen.bias.data[7] = -50
    ids = ids_of(model)
    rows, kept = firing.statistics(model, ids), []
    model.blocks[1].feed_forward.project.register_forward_hook(lambda m, i, o: kept.append(i[0]))
    model(ids)
    hidden, found = kept[0].flatten(0, 1), rows["blocks.1.feed_forward.bent"]
    assert found["mean"] == pytest.approx(hidden.mean().item(), abs=1e-5)
    # weights as large as these silence some units by themselves
    silent = [unit for unit in range(48) if hidden[:, unit].max() <= firing.THRESHOLD]
    assert found["silent"] == silent and 7 in silent and len(silent) < 30
    assert found["units"] == 48


# the program


@pytest.fixture(scope="module", params=["rotary", "learned"])
def run(request, small_text, tmp_path_factory):
    """A checkpoint of a run of a few steps."""
    out = tmp_path_factory.mktemp(request.param)
    settings = Settings(
        steps=3, data=str(small_text), out=out, precision="float32", positions=request.param,
        n_layer=2, n_head=2, n_embd=12, context=32, batch=4,
    )  # fmt: skip
    module = checkpoint.load_module(settings.model)
    run = Run(with_size(settings, "tiny"), module, small_text.read_text("utf-8"), "cpu")
    for _ in range(3):
        run.take_step()
    run.save()
    return run


def test_a_character_is_written_by_the_weights_of_a_whole_forward_pass(run):
    model, _ = inside.opened(run.settings.out / "gpt.pt")
    prompt = run.alphabet.decode(run.validation[:5])
    drawn = list(inside.writing(model, run.alphabet, prompt, 12))
    text = prompt + "".join(character for character, _ in drawn)
    whole, _ = heads.attention_weights(model, run.alphabet.encode(text)[None])
    for n, (_, weights) in enumerate(drawn):
        t = len(prompt) - 1 + n
        torch.testing.assert_close(weights, whole[:, 0, :, t, : t + 1])


def test_the_program_shows_a_run_of_any_size(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(inside.report, "LENGTH", 60)
    path = run.settings.out / "gpt.pt"
    assert inside.main(["--checkpoint", str(path), "--out", str(tmp_path / "pictures")]) == 0
    shown = capsys.readouterr().out
    for row in ("1.1 ", "2.2 ", "equal ", "layer 2", "embedding", "17-32", "greedy", "top-p 0.9"):
        assert re.search(f"^{re.escape(row)}| {re.escape(row)}", shown, re.MULTILINE), row
    assert not re.search(r"\bnan\b", shown)
    for name in ("attention", "symbols", "spread"):
        assert (tmp_path / "pictures" / f"inside_{name}.png").stat().st_size > 5000
    assert (
        max(map(len, shown.split("While it writes")[1].split("\n\nIn ")[0].splitlines()[1:])) <= 80
    )


def test_what_is_written_while_it_is_watched_goes_on_from_the_prompt(run, capsys):
    start = run.alphabet.decode(run.validation[:40])
    for prompt in (start[:1], start):
        path = str(run.settings.out / "gpt.pt")
        assert inside.main(["--checkpoint", path, "--write", prompt]) == 0
        shown = capsys.readouterr().out
        text = shown.split("While it writes: ")[1].split("\nRows")[0]
        assert repr(prompt[-8:])[1:-1] in text
        assert shown.count("\nlayer ") == 2


def test_the_map_has_each_weight_under_its_character(monkeypatch):
    model, alphabet = shaken(context=32), Alphabet("abcdefghijk")

    def pretended(model, alphabet, prompt, length):
        for n in range(length):  # each is written by the third character of the prompt alone
            yield (
                "defgh"[n % 5],
                F.one_hot(torch.tensor(2), len(prompt) + n).float().expand(3, 2, -1),
            )

    monkeypatch.setattr(inside, "writing", pretended)
    lines = inside.while_writing(model, alphabet, "abcab").splitlines()
    head = lines[lines.index("layer 2") + 1]
    rows = lines[lines.index("layer 2") + 2 : lines.index("layer 3") - 1]
    assert head.split()[:7] == list("abcabde") and [row[0] for row in rows[:6]] == list("defghd")
    assert len(rows) == inside.GOES_ON and all(row[2:].rstrip() == "    @" for row in rows)


def test_the_drawn_weights_are_those_of_the_forward_pass(monkeypatch, tmp_path):
    model, drawn = shaken(), []
    monkeypatch.setattr(pictures, "save", lambda figure, *_: drawn.append(figure))
    ids = ids_of(model, B=1, T=8)
    weights, _ = heads.attention_weights(model, ids)
    inside_pictures.attention(weights[:, 0], "abcdefgh", tmp_path)
    images = [panel.images[0] for panel in drawn[0].axes if panel.images][: 3 * 2]
    panels = iter(images)
    for layer in range(3):
        for head in range(2):
            image = next(panels)
            np.testing.assert_array_equal(image.get_array(), weights[layer, 0, head])
            assert image.get_clim() == (0, 1)


def test_bad_calls_get_a_sentence(run, tmp_path, capsys):
    path = str(run.settings.out / "gpt.pt")
    other = tmp_path / "other.txt"
    other.write_text("another text, which no run has seen\n" * 100, encoding="utf-8")
    for words, said in (
        (["--checkpoint", str(tmp_path / "none.pt")], "run python day3/train.py first"),
        (["--checkpoint", str(other)], "not a whole checkpoint"),
        (["--checkpoint", path, "--data", str(other)], "not the text of that run"),
        (["--checkpoint", path, "--text", "☃☃☃"], "never seen"),
        (["--checkpoint", path, "--write", "☃"], "never seen"),
        (["--checkpoint", path, "--write", ""], "at least one character"),
        (["--checkpoint", path, "--text", "a"], "at least two characters"),
    ):
        assert inside.main(words) == 2
        error = capsys.readouterr().err
        assert error.startswith("inside.py: ") and said in error and "Traceback" not in error


def test_a_model_file_that_computes_something_else_is_refused(run, tmp_path, capsys):
    source = run.settings.model.read_text("utf-8")
    other = tmp_path / "model.py"
    other.write_text(source.replace("x = x + self.dropout(", "x = x - self.dropout("), "utf-8")
    path = str(run.settings.out / "gpt.pt")
    assert inside.main(["--checkpoint", path, "--model", str(other)]) == 2
    assert "its logits differ by" in capsys.readouterr().err
    # the learner's own, written otherwise: the same function is looked into
    other.write_text(source.replace("if self.watch:", "if False:"), "utf-8")
    start = run.alphabet.decode(run.validation[:9])
    assert inside.main(["--checkpoint", path, "--model", str(other), "--write", start]) == 0
    assert "layer 2" in capsys.readouterr().out


def test_windows_are_of_the_text_and_reach_its_end():
    ids = torch.arange(1000)
    x, y = inside.windows(ids, 64, 500)
    assert x.shape == (7, 64) and torch.equal(y, x + 1)
    assert x[0, 0] == 0 and y[-1, -1] == 999
    x, y = inside.windows(ids[:20], 64, 500)
    assert x.shape == (1, 19) and y[0, -1] == 19


# the record


@pytest.mark.slow
def test_a_recording_of_a_few_steps_has_what_the_figures_need(monkeypatch, tmp_path, small_text):
    settings = Settings(
        steps=4, precision="float32", n_layer=2, n_head=2, n_embd=12, context=32, batch=4
    )
    monkeypatch.setattr(watch_learning, "SNAPSHOTS", tmp_path / "snapshots")
    monkeypatch.setattr(watch_learning, "WHEN", (0, 2, 4))
    monkeypatch.setattr(watch_learning, "STEPS", 4)
    monkeypatch.setattr(watch_learning, "LENGTH", 40)
    small = lambda s, _: with_size(dataclasses.replace(settings, seed=s.seed, out=s.out), "tiny")
    monkeypatch.setattr(watch_learning, "with_size", small)
    monkeypatch.setattr(inside_figures, "FIGURES", tmp_path / "figures")
    text = small_text.read_text("utf-8")
    rows = [json.loads(json.dumps(watch_learning.watched(seed, text))) for seed in (1, 2)]
    again = json.loads(json.dumps(watch_learning.watched(1, text)))  # from the snapshots
    assert again["snapshots"] == rows[0]["snapshots"] and again["end"] == rows[0]["end"]
    assert rows[0]["snapshots"]["cosine with birth"][0] == 1
    inside_figures.draw(rows)
    assert len(list((tmp_path / "figures").glob("inside_*.png"))) == 7


def test_the_steepest_rise_is_counted_by_doublings():
    steps = [0, 10, 20, 40, 80]
    assert inside_tables.steepest(steps, [0, 5, 5.5, 7, 8]) == (20, 40)
    assert inside_tables.steepest([0, 10, 12, 40], [0, 0, 1, 3]) == (10, 12)
    assert inside_tables.half_way(steps, [1, 1, 2, 4, 5]) == 40
    row = {"steps": steps[:3], "snapshots": {"x": [[[0.1, 0.1]], [[0.1, 0.2]], [[0.3, 0]]]}}
    row["equal weights"] = {"x": 0.1}
    assert inside_tables.appears(row, "x") == "20"
    assert inside_tables.appears(row | {"equal weights": {"x": 0.2}}, "x") == "--"
    curve, layer, head = inside_tables.best_head(row, "x")
    assert (curve.tolist(), layer, head) == ([0.1, 0.1, 0.3], 1, 1)


@pytest.fixture(scope="module")
def rows():
    return inside_tables.record()


def test_the_record_says_what_the_page_says_of_heads(rows):
    for row in rows:
        even, found = row["equal weights"], row["snapshots"]
        assert row["steps"] == list(watch_learning.WHEN)
        late = {kind: np.array(found[kind])[row["steps"].index(31)].max() for kind in heads.KINDS}
        for kind in ("previous character", "present word", "word start", "line start"):
            assert late[kind] < 2 * even[kind], kind  # nothing yet
            assert inside_tables.best_head(row, kind)[0][-1] > 4 * even[kind], kind
        for kind in ("first position", "induction"):
            assert inside_tables.best_head(row, kind)[0][-1] < 1.2 * even[kind], kind
        assert inside_tables.best_head(row, "previous character")[1] == 1
        assert inside_tables.best_head(row, "line start")[1] in (2, 3)
        lines = np.sort(np.array(found["line start"][-1]).flatten())
        assert lines[-2] < 0.5 * lines[-1]
        first = {kind: float(inside_tables.appears(row, kind)) for kind in ("previous character",
                 "present word", "word start", "line start")}  # fmt: skip
        assert first["previous character"] == min(first.values())
        assert found["loss"][row["steps"].index(48)] < 2.4835 + 0.03  # where counting pairs ends
        assert np.min(found["entropy, share"][0]) > 0.99
        assert np.max(np.mean(found["entropy, share"][-1], axis=1)) < 0.75


def test_the_record_says_what_the_page_says_of_parts(rows):
    for row in rows:
        end = row["end"]
        assert sum(end["silent"]) <= 2
        feed = end["without feed-forward"]
        assert feed[0] > 1 and feed[0] > 3 * max(*feed[1:], np.max(end["without head"]))
        assert np.max(end["without head"]) == np.max(end["without head"][0])
        assert np.max(end["without head"][1:]) < 0.15
        _, layer, head = inside_tables.best_head(row, "previous character")
        assert np.max(end["without head"]) == end["without head"][layer - 1][head - 1]
        for name in ("repeated at random", "repeated text"):
            first, second = row["snapshots"][name][-1]
            assert second > first - 0.1, name  # nothing is gained
        assert row["snapshots"]["repeated at random"][-1][1] > 2 * math.log(65)


def test_the_record_says_what_the_page_says_of_symbols_and_layers(rows):
    for row in rows:
        found, step = row["snapshots"], row["steps"].index
        for question, probe in row["end"]["probes"].items():
            assert probe["trained"][1] > max(probe["untrained"][2], probe["shuffled"][2]), question
            assert probe["trained"][0] > probe["how often"][0]
        assert found["own case"][step(48)] < 0.3 < found["own case"][-1] < 0.9
        assert found["same kind"][step(48)] > 0.7
        lens_losses = np.array(found["lens, loss"])
        assert lens_losses[-1, 1] > lens_losses[:, 1].min() + 0.1
        assert all(90 < row["steps"][n] < 190 for n in lens_losses[:, 1:3].argmin(axis=0))
        assert lens_losses[-1, 0] > 2 * math.log(65)
        late = {(a, b): loss for a, b, loss in row["end"]["by position"]}
        assert abs(late[9, 16] - late[65, 128]) < 0.06 < late[3, 4] - late[9, 16]


def test_the_record_says_what_the_page_says_of_writing(rows):
    def middle(way, key):
        return np.median([text[key] for row in rows for text in row["written"][way]])

    assert middle("greedy", "repeated") > 0.8
    assert middle("temperature 0.8", "repeated") < 0.1
    assert middle("greedy", "loss") < middle("real text", "loss") - 0.2
    assert abs(middle("temperature 1.0", "loss") - middle("real text", "loss")) < 0.15
    for way in ("temperature 0.5", "temperature 0.8", "temperature 1.0", "top-k 10", "top-p 0.9"):
        assert middle(way, "copied") < middle("real text", "copied") + 15, way
    losses = [middle(f"temperature {t}", "loss") for t in (0.5, 0.8, 1.0, 1.3)]
    assert losses == sorted(losses)
