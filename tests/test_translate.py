"""day4-5's translator: its data, its training, what it does with its memory, and its record."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import unicodedata
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import torch

import beam
import captions
import checkpoint
import memory_use
import pairs
import reverse
import three_designs
import translate
import word_by_word
from encoder_decoder import Config, EncoderDecoder
from pairs import Vocabulary, file_data, for_test, joined, number_data, read, tokens
from sequences import END, PAD, START, batches, padded, sequence_loss, shift_right
from test_programs import called
from three_designs import DecoderOnly, EncoderOnly, designs
from translators import small_model

DAY = Path(__file__).parent.parent / "day4-5"


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def words_of(data, drawn):
    return [(data.source.decode(s), data.target.decode(t)) for s, t in drawn]


# ---- sentences and pairs


def test_number_words_come_back_from_their_tokens():
    for n in range(0, 1_000_000, 991):
        for text in pairs.number_pair(n):
            assert joined(tokens(text)) == text
    assert tokens("L'eau, SVP!") == ["l", "'", "eau", ",", "svp", "!"]
    assert joined(tokens("C'est l'eau, oui!")) == "c'est l'eau, oui!"
    assert joined(tokens('A "yes", and a "no, no".')) == 'a "yes", and a "no, no".'
    assert joined(tokens('One " alone')) == 'one " alone'
    apart = unicodedata.normalize("NFD", "un café à Orléans")
    assert tokens(apart) == ["un", "café", "à", "orléans"]


def test_a_vocabulary_there_and_back():
    vocabulary = Vocabulary([["b", "a"], ["b"]])
    assert vocabulary.words == ["", "", "", "a", "b"]
    assert vocabulary.encode(["b", "a"]) == [4, 3, END]
    assert vocabulary.decode([4, 3, END, PAD]) == ["b", "a"]
    with pytest.raises(ValueError, match="'c' is no word of this vocabulary, which has a, b"):
        vocabulary.encode(["a", "c"])
    with pytest.raises(ValueError, match="the source is empty"):
        vocabulary.encode([])
    rare = Vocabulary([["b", "a"], ["b"]], least=2)
    assert rare.decode(rare.encode(["b", "a", "never"])) == ["b", "<?>", "<?>"]


@pytest.mark.parametrize("back", [False, True])
def test_no_number_stands_on_both_sides(back):
    data = number_data(back, tests=300)
    small = {pairs.number_pair(n, back)[0] for n in range(100)}
    assert any(map(for_test, small))
    learned = {joined(s) for s, _ in words_of(data, data.draw(generator(), 5000))}
    tested = {joined(s) for s, _ in data.test}
    assert small <= learned
    assert not any(map(for_test, learned - small))
    assert len(tested) == 300, "none twice"
    assert all(map(for_test, tested))
    assert not tested & small
    for s, t in data.test:
        english, french = (t, s) if back else (s, t)
        assert ("mille" in french) == ("thousand" in english)


def test_all_lengths_are_learned_from_and_any_number_can_be_said():
    data = number_data(tests=1)
    drawn = data.draw(generator(), 3000)
    assert drawn == data.draw(generator(), 3000)
    short = sum(len(s) == 2 for s, _ in drawn)  # one word and END
    assert 500 < short < 1500
    for n in range(0, 1_000_000, 1009):
        for vocabulary, text in zip((data.source, data.target), pairs.number_pair(n), strict=True):
            assert vocabulary.decode(vocabulary.encode(tokens(text))) == tokens(text)


FILE = [f"{a} {b}.\tle {b} {a} !\tCC-BY" for a in ["red", "blue", "green"] for b in "abcdefghijkl"]


def test_a_file_of_pairs_is_split_by_its_sources(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("\ufeff" + "\r\n".join([*FILE, "", *FILE[:3]]) + "\n", encoding="utf-8")
    assert read(path)[0] == ("red a.", "le a red !")
    assert len(read(path)) == 39
    data = file_data(path)
    learned = {tuple(s) for s, _ in words_of(data, data.draw(generator(), 500))}
    assert learned
    assert not learned & {tuple(s) for s, _ in data.test}
    assert all(
        for_test(" ".join(tokens(s))) == (tokens(s) in [s for s, _ in data.test])
        for s, _ in read(path)
    )
    back = file_data(path, back=True)
    assert back.test[0][0][0] == "le"
    assert (data.name, back.name) == ("pairs.txt", "pairs.txt, back")
    with pytest.raises(ValueError, match="both are needed"):
        file_data(path, longest=2)


def test_words_of_a_file_that_come_once_are_one_word(tmp_path):
    path, rows = tmp_path / "pairs.txt", [*FILE, *(f"once{n}\tfois{n}" for n in range(5))]
    path.write_text("\n".join(rows), encoding="utf-8")
    learned = [[tokens(side) for side in row.split("\t")[:2]] for row in rows]
    learned = [pair for pair in learned if not for_test(" ".join(pair[0]))]
    data = file_data(path)
    for side, vocabulary in zip(
        zip(*learned, strict=True), (data.source, data.target), strict=True
    ):
        counts = Counter(itertools.chain(*side))
        assert {1, 2, 3} < set(counts.values())
        assert set(vocabulary.ids) == {pairs.UNKNOWN} | {w for w, n in counts.items() if n > 1}


def test_of_a_large_file_the_first_thousand_unseen_pairs_are_judged(tmp_path):
    path, rows = tmp_path / "pairs.txt", [f"a {n}\tb {n}" for n in range(12_000)]
    path.write_text("\n".join(rows), encoding="utf-8")
    data = file_data(path)
    assert (
        data.test
        == [(["a", f"{n}"], ["b", f"{n}"]) for n in range(12_000) if for_test(f"a {n}")][:1000]
    )
    assert len(data.test) == 1000
    assert file_data(path, tests=3).test == data.test[:3]


def test_a_sentence_written_in_two_ways_stands_on_one_side(tmp_path):
    """Spaces and accents apart from their letters make other texts, but not other sentences."""
    rows = [line.replace(".", " é.") for line in FILE]
    other = [unicodedata.normalize("NFD", row.replace(" é", "  é")) for row in rows]
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join([*rows, *other]), "utf-8")
    data = file_data(path)
    learned = {tuple(s) for s, _ in words_of(data, data.draw(generator(), 500))}
    assert not learned & {tuple(s) for s, _ in data.test}


def test_pairs_that_are_too_long_are_counted(tmp_path):
    path, words = tmp_path / "pairs.txt", " ".join(20 * ["word"])
    rows = [*FILE, f"{words}\t{words}", f"{words} more\tshort", f"short\t{words} more"]
    path.write_text("\n".join(rows), "utf-8")
    assert file_data(path).left_out == 2
    assert file_data(path, longest=4).left_out == 3
    assert number_data(tests=1).left_out == 0


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([*FILE, "no tab here"], "line 37: 'no tab here' is no pair"),
        ([FILE[0], "\tonly one side", *FILE], "line 2"),
        ([*FILE[:5], "one side\t  ", *FILE], "line 6"),
        (FILE[:19], "has 19 pairs: give at least 20"),
        ([], "has 0 pairs"),
    ],
)
def test_a_malformed_file_is_told_with_its_line(lines, told, tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        read(path)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "latin.txt").write_bytes("été\tsummer".encode("latin-1"))
    with pytest.raises(ValueError, match=r"not UTF-8 \(byte 0\)"):
        read(tmp_path / "latin.txt")
    with pytest.raises(ValueError, match="No such file"):
        read(tmp_path / "none.txt")
    with pytest.raises(ValueError, match="Is a directory|Permission"):
        read(tmp_path)


# ---- word by word


def test_alignment_finds_the_words_that_belong_together():
    known = dict(zip("abcdef", "uvwxyz", strict=True))
    draw = generator()
    some = []
    for _ in range(200):
        source = ["abcdef"[i] for i in torch.randperm(6, generator=draw)[:3]]
        some.append((source, [known[s] for s in reversed(source)]))
    assert word_by_word.lexicon(word_by_word.learn(some)) == known
    assert word_by_word.translate(["c", "?", "a"], known) == ["w", "u"]


def test_believing_and_counting_again_tells_words_apart_that_always_meet():
    """In every sentence "the" and "le" stand beside; counting once cannot tell which is whose."""
    some = [(["the", a], ["le", b]) for a, b in ("ax", "by", "cz") for _ in range(5)]
    once, often = (word_by_word.learn(some, rounds)["a"] for rounds in (1, 20))
    assert once["x"] == once["le"]
    assert often["x"] > 0.9


# ---- training


class Watched(EncoderDecoder):
    """Keeps what it was given to read."""

    def forward(self, source, reads, *lengths):
        self.seen.append((source, reads))
        return super().forward(source, reads, *lengths)


def test_training_reads_the_right_words_shifted_and_lowers_the_loss():
    data = number_data(tests=1)
    torch.manual_seed(0)
    model = Watched(Config(len(data.source), len(data.target), 32, 1, 2, 16, 32))
    model.seen = []
    losses = [loss for _, loss, _ in translate.train(model, data.draw, 40, 16, 5e-3, seed=1)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    for source, reads in model.seen:
        assert (reads[:, 0] == START).all()
        words = data.target.decode(reads[0, 1:].tolist())
        english = joined(data.source.decode(source[0]))
        french = dict(pairs.number_pair(n) for n in range(1000)).get(english)
        if french:
            assert [w for w in words if w] == tokens(french)[: len(reads[0]) - 1]


def test_a_step_follows_the_slope_of_its_own_batch_alone():
    data = number_data(tests=1)
    torch.manual_seed(0)
    model = EncoderDecoder(Config(len(data.source), len(data.target), 32, 1, 2, 16, 32))
    for _ in translate.train(model, data.draw, 3, 16, 0.0, seed=1):  # a rate of 0: no weight moves
        pass
    slopes = {name: p.grad.clone() for name, p in model.named_parameters()}
    draw = generator(1)
    dealt = list(batches(data.draw(draw, 50 * 16), 16, draw))
    source, target = dealt[2]
    model.zero_grad()
    sequence_loss(model(source, shift_right(target)), target).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for name, p in model.named_parameters():
        torch.testing.assert_close(slopes[name], p.grad)


def test_the_optimizer_is_the_papers_and_its_rate_rises_and_falls(monkeypatch):
    """Vaswani et al. 2017, section 5.3, but for the shape of the rate."""
    made, rates = [], []

    class Kept(torch.optim.Adam):
        def __init__(self, *arguments, **more):
            super().__init__(*arguments, **more)
            made.append(self)

    monkeypatch.setattr(torch.optim, "Adam", Kept)
    data = number_data(tests=1)
    model = EncoderDecoder(Config(len(data.source), len(data.target), 32, 1, 2, 16, 32))
    for _ in translate.train(model, data.draw, 20, 4, 0.1, seed=1):
        (group,) = made[0].param_groups
        assert (group["betas"], group["eps"]) == ((0.9, 0.98), 1e-9)
        rates.append(group["lr"])
    assert rates == pytest.approx([0.05, *(0.1 * n / 19 for n in range(19, 0, -1))])


def test_a_saved_model_says_the_same(tmp_path):
    model, data = small_model()
    translate.save(model, data, tmp_path / "out" / "m.pt")
    other, loaded = translate.load(tmp_path / "out" / "m.pt")
    sentences = [s for s, _ in data.test]
    assert translate.translate(other, loaded, sentences) == translate.translate(
        model, data, sentences
    )
    with pytest.raises(ValueError, match="train first"):
        translate.load(tmp_path / "none.pt")


def test_a_translation_of_a_batch_is_that_of_each_sentence():
    model, data = small_model()
    sentences = [s for s, _ in data.test] + [["two"]]
    each = [translate.translate(model, data, [s])[0] for s in sentences]
    assert translate.translate(model, data, sentences, B=4) == each
    best = [
        beam.beam_search(model, torch.tensor(data.source.encode(s)), 3, model.config.context)[0][1]
        for s in sentences
    ]
    found = translate.translate(model, data, sentences, beams=3)
    assert found == [data.target.decode(ids) for ids in best]
    assert found != each
    for bad, told in (([[]], "empty"), ([["deux"]], "no word"), ([["two"] * 32], "33 symbols")):
        with pytest.raises(ValueError, match=told):
            translate.translate(model, data, bad)


FOUND, WANTED = [list("abcde"), ["x"]], [list("abcde"), ["x", "y"]]


def test_the_scores_are_those_of_their_names():
    """Half the sentences are right; all that is said is, and it is six words for seven."""
    assert translate.scores(FOUND, WANTED) == {
        "exact": 0.5,
        "BLEU": pytest.approx(100 * math.exp(1 - 7 / 6)),
        "F1": pytest.approx((1 + 2 / 3) / 2),
    }


def test_a_model_is_judged_beside_a_copy_and_a_lexicon(monkeypatch, capsys):
    """Every word has one that belongs to it, a sentence in three turns its words around."""
    sides = [list("abcdef!"), list("ABCDEF!")]
    belongs = dict(zip(*sides, strict=True))
    source, target = (Vocabulary([side]) for side in sides)

    def draw(generator, n):
        some = [[sides[0][i] for i in torch.randperm(7, generator=generator)[:3]] for _ in range(n)]
        return [(source.encode(s), target.encode([belongs[w] for w in s])) for s in some]

    test = [(list("abcd"), list("ABCD")), (list("efab"), list("FEAB")), (["!"], ["!"])]
    data = pairs.Data("letters", source, target, draw, test)
    found = [["A"], ["F"], ["!"]]
    monkeypatch.setattr(translate, "translate", lambda *arguments: found)
    translate.judge(None, data, 1)
    bleu = 100 * (9 / 9 * 4 / 6 * 2 / 4 * 1 / 2) ** (1 / 4)  # n-grams, n = 1 to 4
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[-4:]]
    assert [" ".join(row) for row in rows] == [
        "3 unseen sentences",
        "copy exact 33.33% BLEU 0.00 F1 0.333",
        f"word by word exact 66.67% BLEU {bleu:.2f} F1 1.000",
        f"this model exact 33.33% BLEU 0.00 F1 {(0.4 + 0.4 + 1) / 3:.3f}",
    ]


SMALL = ["--batch", "8", "--n-embd", "16", "--n-layer", "1", "--steps"]


@pytest.fixture
def out(tmp_path, monkeypatch):
    """Where the program keeps its models, and only a few sentences to judge by."""
    monkeypatch.setattr(translate, "OUT", tmp_path / "out")
    monkeypatch.setattr(translate, "number_data", partial(number_data, tests=20))
    return tmp_path / "out"


def test_the_program_trains_saves_and_says(tmp_path, out, capsys):
    translate.main([*SMALL, "12"])
    told = capsys.readouterr().out
    assert "copy" in told
    assert "word by word" in told
    assert told.count("\n  model      ") == told.count("\n  reference  ") == 5
    for english, french in number_data(tests=20).test[:5]:
        assert f"\n{joined(english)}\n  model " in told
        assert f"\n  reference  {joined(french)}\n" in told
    assert "takes the place" not in told
    translate.main(["--say", "seventy-one"])
    assert capsys.readouterr().out.startswith("English to French number words:\n")
    with pytest.raises(ValueError, match="'soixante' is no word"):
        translate.main(["--say", "soixante"])
    with pytest.raises(ValueError, match="empty"):
        translate.main(["--say", " "])
    assert capsys.readouterr().out.splitlines() == 2 * ["English to French number words:"]
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join([*FILE, f"{'word ' * 21}\tmot"]), encoding="utf-8")
    translate.main(["--data", str(path), "--back", *SMALL, "3"])
    told = capsys.readouterr().out
    assert "left out, with more than 20 words on a side: 1 pairs\n" in told
    assert f"takes the place of the last one, {out / 'translate.pt'}" in told
    translate.main(["--say", "le"])
    assert capsys.readouterr().out.startswith("pairs.txt, back:\n")


@pytest.mark.parametrize(
    ("written", "told"),
    [([END], "(no word)"), ([START] * 31, "(no word)"), ([START, 4, START, 4, END], "cent cent")],
)
def test_an_answer_without_a_word_is_told(written, told, out, monkeypatch, capsys):
    translate.save(*small_model(), out / "translate.pt")
    monkeypatch.setattr(translate, "greedy", lambda *_: torch.tensor([written]))
    translate.main(["--say", "two"])
    assert capsys.readouterr().out == f"English to French number words:\n{told}\n"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--back"], "leave out --back$"),
        (["--data", "x.txt"], "leave out --data$"),
        (["--data", "x.txt", "--back"], "leave out --back and --data$"),
    ],
)
def test_what_say_cannot_follow_is_told(more, told, out):
    translate.save(*small_model(), out / "translate.pt")
    with pytest.raises(ValueError, match=f"^--say asks the model that was trained last: {told}"):
        translate.main(["--say", "two", *more])


def test_a_spoiled_model_file_is_told(out):
    path = out / "translate.pt"
    translate.save(*small_model(), path)
    whole, saved = path.read_bytes(), torch.load(path, weights_only=True)
    spoiled = {
        "empty": b"",
        "random": torch.randint(256, (5000,), dtype=torch.uint8).numpy().tobytes(),
        "cut": whole[: len(whole) // 2],
        "foreign": {"model": {}, "alphabet": "abc"},
        "no dictionary": [1, 2],
        "other sizes": saved | {"config": saved["config"] | {"n_embd": 32}},
        "other config": saved | {"config": {"vocab_size": 65}},
    }
    for name, contents in spoiled.items():
        if isinstance(contents, bytes):
            path.write_bytes(contents)
        else:
            torch.save(contents, path)
        for program in (lambda: translate.main(["--say", "two"]), memory_use.main):
            with pytest.raises(
                ValueError, match="is not a whole model .*: train again, with"
            ) as told:
                program()
            assert str(path) in str(told.value), name


def test_a_save_that_fails_leaves_the_last_good_model(out, monkeypatch):
    path = out / "translate.pt"
    translate.save(*small_model(), path)
    kept = path.read_bytes()

    def full(contents, file):
        file.write(kept[:1000])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(
        OSError, match="the last good one is still there.*: make room, and train again$"
    ):
        translate.save(*small_model(1), path)
    assert path.read_bytes() == kept
    assert [p.name for p in out.iterdir()] == ["translate.pt"]


@pytest.mark.parametrize("name", ["steps", "batch", "beams"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_setting_that_cannot_be_is_told_before_anything_else(name, value, out):
    for more in ([], ["--say", "two"]):
        with pytest.raises(ValueError, match=f"--{name} must be at least 1, not {value}"):
            translate.main([f"--{name}", str(value), *more])
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("rate", ("0", "-1", "nan", "inf", "1e9"), "must be above 0 and at most 1, not "),
        ("dropout", ("-0.1", "1", "2", "nan"), "must be at least 0 and below 1, not "),
        ("seed", ("-1", "99999999999999999999"), "must be from 0 to 1099511627775, not "),
    ],
)
def test_a_number_that_cannot_be_is_told(name, values, told, out):
    for value in values:
        with pytest.raises(ValueError, match=f"--{name} {told}"):
            translate.main([f"--{name}", value])
    assert not out.exists()


def test_a_loss_that_is_no_number_ends_the_run_and_saves_nothing(out, monkeypatch):
    monkeypatch.setattr(translate, "sequence_loss", lambda *_: torch.tensor(math.nan))
    with pytest.raises(ValueError, match="the loss of step 1 is nan: lower the rate"):
        translate.main([*SMALL, "5"])
    assert not out.exists()


def interrupted(n):
    """Training that is stopped by Ctrl-C after n steps."""

    def steps(*arguments):
        yield from itertools.islice(translated(*arguments), n)
        raise KeyboardInterrupt

    translated = translate.train
    return steps


def test_what_was_stopped_is_saved_and_takes_no_finished_model_s_place(out, monkeypatch, capsys):
    translate.main([*SMALL, "2"])
    finished = (out / "translate.pt").read_bytes()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(translate, "train", interrupted(3))
        translate.main([*SMALL, "5"])
    told = capsys.readouterr().out.splitlines()[-1]
    assert (
        told
        == f"stopped after 3 of 5 steps: saved in {out / 'stopped.pt'}, for --say until the next run"
    )
    assert (out / "translate.pt").read_bytes() == finished
    translate.main(["--say", "two"])
    name = "English to French number words, stopped after 3 of 5 steps:"
    assert capsys.readouterr().out.splitlines()[0] == name
    model, data = translate.load(out / "stopped.pt")
    torch.manual_seed(1)
    same = translate.new_model(data, translate.Settings(n_embd=16, n_layer=1), 32)
    for step, *_ in translate.train(same, number_data(tests=1).draw, 5, 8, 2e-3, 1):
        if step == 3:
            break
    for name, weights in model.state_dict().items():
        torch.testing.assert_close(weights, same.state_dict()[name])
    translate.main([*SMALL, "2"])
    capsys.readouterr()
    translate.main(["--say", "two"])
    assert capsys.readouterr().out.startswith("English to French number words:\n")


def test_before_the_first_step_there_is_nothing_to_save(out, monkeypatch, capsys):
    monkeypatch.setattr(translate, "train", interrupted(0))
    with pytest.raises(KeyboardInterrupt):
        translate.main([*SMALL, "5"])
    assert "stopped" not in capsys.readouterr().out
    assert not out.exists()


RUN = """
import sys, translate
from pathlib import Path
from terminal import exit_code
translate.OUT = Path(sys.argv.pop(1))
sys.exit(exit_code("translate.py", translate.main))
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_run_without_a_traceback(tmp_path):
    words = [sys.executable, "-c", RUN, tmp_path / "out", *SMALL, "100000"]
    with subprocess.Popen(words, cwd=DAY, stdout=-1, stderr=-1, text=True) as run:
        while not run.stdout.readline().startswith("step"):
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        told, wrong = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "of 100000 steps: saved in" in told
    assert wrong == ""
    assert (tmp_path / "out" / "stopped.pt").exists()


PROGRAMS = ["beam", "encoder_decoder", "number_words", "relative_bias", "translate", "word_by_word"]


class Closed(io.StringIO):
    """Where nobody reads any more."""

    def write(self, text):
        raise BrokenPipeError

    def fileno(self):
        return self.file.fileno()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_reader_who_has_seen_enough_is_no_error(name, monkeypatch, tmp_path):
    with (tmp_path / "pipe").open("w") as file:
        Closed.file = file
        monkeypatch.setattr(sys, "stdout", Closed())
        assert called(DAY / f"{name}.py", monkeypatch=monkeypatch) == 0


def test_every_setting_and_every_example_is_explained(capsys):
    with pytest.raises(SystemExit):
        translate.main(["--help"])
    told = capsys.readouterr().out
    examples = [line for line in translate.__doc__.splitlines() if line.startswith("    python")]
    assert len(examples) == 4
    assert all(f"{line}\n" in told for line in examples)
    source = (DAY / "translate.py").read_text("utf-8").split("class Settings")[1].split("\ndef")[0]
    assert len(re.findall(r'^    \w+: .*\n    """', source, re.MULTILINE)) == len(
        dataclasses.fields(translate.Settings)
    )


def test_a_wrong_call_of_the_program_is_one_sentence(tmp_path):
    words = [sys.executable, DAY / "translate.py", "--data", tmp_path / "none"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("translate.py: ")
    assert len(done.stderr.splitlines()) == 1


# ---- what the memory does


def test_the_program_on_memory_names_its_model_and_what_to_do_without(out, capsys, monkeypatch):
    with pytest.raises(ValueError, match="train first, with python day4-5/translate.py$"):
        memory_use.main()
    model, data = small_model()
    translate.save(model, data._replace(name="captions.tsv"), out / "translate.pt")
    with pytest.raises(ValueError, match="trained on captions.tsv.*python day4-5/translate.py$"):
        memory_use.main()
    translate.save(model, data, out / "translate.pt")
    monkeypatch.setattr(memory_use, "number_data", partial(number_data, tests=5))
    memory_use.main()
    told = capsys.readouterr().out
    assert told.startswith("English to French number words: 5 unseen numbers\n")
    row = memory_use.use_by_layer(model, data, number_data(tests=5).test)[0]
    assert f"layer 1: added over the stream {row['share']:.1%}, spread of the weights" in told
    assert f"{row['entropy']:.2f} nats, {row['uniform']:.2f} if all were alike" in told


def test_ablations_take_away_what_they_say_and_give_it_back():
    model, data = small_model()
    source, target = memory_use.ids_of(data, data.test)
    whole = model(source, target)
    gone = {}
    for name, without in memory_use.ablations(model).items():
        with without:
            gone[name] = model(source, target)
        assert torch.equal(model(source, target), whole)
    assert torch.equal(gone["nothing"], whole)
    names = list(gone)[1:]
    assert len(names) == 2 + 1 + 2
    assert all(not torch.allclose(gone[n][..., 1:], whole[..., 1:]) for n in names)
    other = source.roll(3, 0)
    with memory_use.without_cross(model, range(2)):
        assert torch.equal(model(other, target), model(source, target))
    moved = gone["the source: the memory of another sentence"]
    torch.testing.assert_close(moved, model(source.roll(1, 0), target))


def test_forced_and_free_on_a_model_that_is_known():
    """One wrong word at the second place: forced it costs one symbol, free all that follow."""

    class Stuck(torch.nn.Module):
        config = Config(9, 9, context=6)

        def encode(self, source):
            return source, None

        def decode(self, reads, source, _):
            follow = {START: 3, 3: 5, 4: 5, 5: 7, 6: END, 7: 7}
            logits = torch.zeros(*reads.shape, 9)
            for place in torch.cartesian_prod(*map(torch.arange, reads.shape)).tolist():
                logits[*place, follow.get(int(reads[*place]), PAD)] = 9
            return logits

        def forward(self, source, reads):
            return self.decode(reads, source, None)

    target = torch.tensor([[3, 4, 5, 6, END], [3, 5, 7, PAD, PAD]])
    loss, right = memory_use.forced(Stuck(), target, target)
    assert right == pytest.approx((3 + 3) / 8)  # 4 and 6 are wrong
    assert loss > 1
    symbols, exact = memory_use.free(Stuck(), target, target)
    assert (symbols, exact) == (pytest.approx((1 + 3) / 8), 0)


def test_use_by_layer_and_maps_are_what_torch_gives():
    model, data = small_model()
    rows = memory_use.use_by_layer(model, data, data.test)
    for row in rows:
        assert 0 < row["entropy"] < row["uniform"] < math.log(20)
        assert row["share"] > 0
    with torch.no_grad():
        for p in model.decoder[1].cross.project.parameters():
            p.mul_(2)
    assert memory_use.use_by_layer(model, data, data.test)[1]["share"] == pytest.approx(
        2 * rows[1]["share"]
    )
    weights, written, read_words = memory_use.cross_maps(model, data, data.test[0][0])
    assert weights.shape == (2, 2, len(written), len(read_words))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:3]))


@pytest.mark.parametrize(
    ("ids", "rows"),
    [([END], ["END"]), ([START, 4, END], ["START", "cent", "END"]), ([4, 4], ["cent", "cent"])],
)
def test_a_map_of_a_translation_that_is_empty_odd_or_without_an_end(ids, rows, monkeypatch):
    model, data = small_model()
    monkeypatch.setattr(memory_use, "greedy", lambda *_: torch.tensor([ids]))
    weights, written, _ = memory_use.cross_maps(model, data, ["two"])
    assert (weights.shape, written) == ((2, 2, len(ids), 2), rows)


# ---- reverse a string


def test_strings_are_reversed_and_split():
    for source, target in reverse.draw(generator(), 200):
        assert source[-1] == target[-1] == END
        assert target[:-1] == source[-2::-1]
        assert not reverse.for_test(source[:-1])
        assert 2 <= len(source) - 1 <= 12
    assert all(reverse.for_test(source[:-1]) for source, _ in reverse.unseen(50))


def test_the_program_says_where_it_drew(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(reverse, "__file__", str(tmp_path / "reverse.py"))
    few = {"learn": reverse.new_model, "by_length": lambda *_: [0.5], "exact": lambda *_: 0.5}
    for name, function in few.items():
        monkeypatch.setattr(reverse, name, function)
    reverse.main()
    told = capsys.readouterr().out
    for positions in ("sinusoidal", "relative"):
        path = tmp_path / "out" / f"reverse_{positions}.png"
        assert f"where it looks: {path}\n" in told
        assert path.exists()
        assert f"out/{path.name}" in reverse.__doc__


def test_every_letter_is_asked_alone(monkeypatch):
    monkeypatch.setattr(reverse, "exact", lambda model, pairs: pairs)
    one, two = reverse.by_length(None, [1, 2])
    assert one == [([letter, END], [letter, END]) for letter in range(3, reverse.V)]
    assert len(two) == 200 and all(reverse.for_test(source[:2]) for source, _ in two)


def test_a_string_with_one_letter_wrong_is_not_reversed(monkeypatch):
    written = torch.tensor([[5, 4, 3, END, PAD], [7, 8, END, PAD, PAD]])
    monkeypatch.setattr(reverse, "greedy", lambda model, source, longest: written[:, :longest])
    assert reverse.exact(None, [reverse.pair([3, 4, 5]), reverse.pair([6, 7])]) == 0.5
    assert reverse.exact(None, [reverse.pair([3, 4, 5]), reverse.pair([8, 7])]) == 1


@pytest.mark.slow
def test_a_small_model_reverses_strings_and_looks_at_the_other_end():
    model = reverse.learn(seed=1)
    assert reverse.exact(model, reverse.unseen()) > 0.99
    assert reverse.on_anti_diagonal(model, reverse.unseen(100)) > 0.9
    weights = reverse.cross_map(model, [3, 4, 5, 6, 7, 8, 9])[:7, :7]
    assert weights.flip(1).diagonal().mean() > 0.5
    assert weights.diagonal().mean() < 0.3


# ---- three designs


def test_three_designs_have_equal_parameters_and_no_future():
    made = designs(35, 31)
    counts = {}
    for name, make in made.items():
        torch.manual_seed(0)
        model = make()
        counts[name] = sum(p.numel() for p in model.parameters())
        source, reads = (
            padded([[3, 4, END], [5, END]]),
            torch.tensor([[START, 3, 4], [START, 5, 6]]),
        )
        logits = model(source, reads)
        assert logits.shape == (2, 3, 31)
        other = reads.clone()
        other[:, 2] = 7
        changed = (model(source, other) != logits)[..., 1:].any(dim=-1)
        assert not changed[:, :2].any()
        assert changed[:, 2].all() == (name != "encoder-only")  # which does not read what it wrote
        alone = model(source[1:, :2], reads[1:])
        torch.testing.assert_close(alone[0], logits[1], atol=1e-5, rtol=1e-4)
        assert not torch.allclose(model(padded([[3, 4, END], [6, END]]), reads)[1], logits[1])
    assert max(counts.values()) / min(counts.values()) < 1.01
    assert isinstance(made["decoder-only"](), DecoderOnly)


def test_a_single_stack_joins_source_and_target():
    model = DecoderOnly(6, 5, three_designs.SIZES)
    ids, places = model.joined(
        padded([[3, 4, END], [5, END]]), torch.tensor([[START, 3], [START, 4]])
    )
    assert ids.tolist() == [[3, 4, END, START, 6], [5, END, START, 7, PAD]]
    assert places.tolist() == [[3, 4], [2, 3]]
    source, reads = padded([[3, 4, END]]), torch.tensor([[START, 3]])
    before = model(source, reads)
    with torch.no_grad():
        model.embedding.weight[4 + 3] += 1  # the row of the target's 4, behind the source's six
    changed = (model(source, reads) != before)[0].any(dim=0)
    assert changed.tolist() == [False, False, False, False, True]


def test_the_encoder_writes_all_at_once():
    torch.manual_seed(0)
    model = EncoderOnly(6, 5, three_designs.SIZES).eval()
    source = padded([[3, 4, END]])
    first = model(source, torch.zeros(1, 4, dtype=torch.long)).argmax(dim=-1)
    assert torch.equal(model.write(source)[:, :4], first)


class Long(torch.nn.Module):
    """Writes as many words as the page allows, then END."""

    def encode(self, source):
        return source, None

    def decode(self, reads, source, _):
        T = reads.shape[1]
        ids = torch.full(reads.shape, END if T == three_designs.LONGEST else 4)
        return torch.nn.functional.one_hot(ids, 31).double()


def test_a_design_is_judged_by_all_that_it_writes():
    data = number_data(tests=3)
    words = [data.target.words[4]] * (three_designs.LONGEST - 1)
    assert three_designs.written(Long(), data, [s for s, _ in data.test]) == [words] * 3


def test_the_program_is_the_row_of_the_page_in_its_units(monkeypatch, capsys):
    asked = []

    def run(name, seed, steps, data):
        asked.append((seed, steps, len(data.test)))
        return {"parameters": 237_508, "loss": 0.7442, "exact": 0.968, "BLEU": 10.3, "seconds": 39}

    monkeypatch.setattr(three_designs, "run", run)
    three_designs.main()
    row = json.loads((DAY / "results" / "translation.json").read_text("utf-8"))["designs"]
    assert asked == 3 * [(1, row["steps"], row["unseen sentences"])]
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "seed 1, 600 steps, 1000 unseen numbers"
    assert told[2].split() == ["encoder-only", "237,508", "0.7442", "96.8%", "10.3", "39"]
    assert len({len(line) for line in told[1:]}) == 1


# ---- real sentences


def test_captions_are_checked_before_they_are_written(tmp_path):
    sides = {"train.en.gz": "A dog.\nTwo  men\tsing.\n", "train.fr.gz": "Un chien.\nDeux hommes.\n"}
    sums = {}
    for name, text in sides.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode(), mtime=0))
        sums[name] = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    where, path = {"address": tmp_path.as_uri(), "sha256": sums}, tmp_path / "out" / "pairs.tsv"
    assert captions.write(path, **where) == 2
    assert path.read_text("utf-8") == "A dog.\tUn chien.\nTwo men sing.\tDeux hommes.\n"
    assert captions.write(path, n=1, **where) == 1
    path.unlink()
    with pytest.raises(ValueError, match="train.en.gz is not the file that we know"):
        captions.write(path, address=where["address"])
    with pytest.raises(ValueError, match="are you online"):
        captions.write(path, address=(tmp_path / "none").as_uri())
    assert not path.exists()


class HangsUp(http.server.BaseHTTPRequestHandler):
    """Promises a hundred bytes and sends ten; or says nothing at all."""

    def do_GET(self):
        if "train" in self.path:
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"0123456789")

    def log_message(self, *_):
        pass


def test_a_server_that_hangs_up_is_told():
    with http.server.HTTPServer(("127.0.0.1", 0), HangsUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            for name in ("train.en.gz", "nothing"):
                with pytest.raises(ValueError, match=f"{name} cannot be read .*: are you online"):
                    captions.lines(name, address)
        finally:
            server.shutdown()
