"""What translation.md says holds: its worked numbers, its answers, its record."""

import functools
import json
import math
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
import torch
from study import work
from study.asking import Judge
from study.book import Book

import memory_use
import pairs
import translation_experiments
import word_by_word
from beam import EXAMPLE, WORDS, length_penalty
from bleu import f1_of_one
from encoder_decoder import Attention, Config, EncoderDecoder
from learner import assert_one_slip
from paper_sizes import TABLE_3, parameters
from sequences import END, decoder_mask, sequence_loss, shift_right

DAY = Path(__file__).parent.parent / "day4-5"
PAGE = (DAY / "translation.md").read_text("utf-8")
RECORD = json.loads((DAY / "results" / "translation.json").read_text("utf-8"))
PROGRAMS = ("number_words", "sequences", "encoder_decoder", "beam", "bleu", "word_by_word")


@functools.cache
def printed():
    return "\n".join(
        subprocess.run(
            [sys.executable, DAY / f"{name}.py"], capture_output=True, text=True, check=True
        ).stdout
        for name in PROGRAMS
    )


def test_worked_numbers_are_printed_by_a_program():
    blocks = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert len(blocks) > 8
    for text in blocks:
        assert text in printed(), text


def test_the_page_shows_every_figure_and_every_exercise(tmp_path, monkeypatch):
    monkeypatch.setattr(translation_experiments, "FIGURES", tmp_path)
    assert translation_experiments.main(["figures"]) == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == set(re.findall(r"\]\(figures/(\w+\.png)\)", PAGE))
    assert len(drawn) == 4 and all((DAY / "figures" / name).exists() for name in drawn)
    for n in range(1, 7):
        assert f"**Exercise 5.{n}**" in PAGE
        assert f"`study check 5.{n}`" in PAGE
        assert any(f"# exercise 5.{n}\n" in path.read_text("utf-8") for path in DAY.glob("*.py"))
    for part in ("## Before", "## Summary", "## Ask yourself", "## Pitfalls", "## Reading"):
        assert part in PAGE


def test_minutes_add_up():
    sections = [int(n) for n in re.findall(r"^## .*\((\d+) min\)$", PAGE, re.MULTILINE)]
    assert len(sections) == 12  # all but summary, pitfalls and what is read beside
    tasks = Book(DAY.parent).tasks
    reading = tasks["4.d"].minutes
    assert sum(sections) == reading == 120
    assert "Reading and running take two hours" in PAGE
    writing = sum(tasks[f"5.{n}"].minutes for n in range(1, 7))
    topics = tomllib.loads((DAY / "topics.toml").read_text("utf-8"))["topic"]
    whole = next(topic["minutes"] for topic in topics if topic["page"] == "translation.md")
    assert writing == 3.25 * 60 and "exercises three and a quarter;" in PAGE
    assert whole == reading + writing
    for name in ("sequences", "encoder_decoder", "beam"):
        assert f"`my/day4-5/{name}.py`" in PAGE.split("## Before")[0]


TEXT = " ".join(PAGE.split())  # without its line breaks


def test_what_the_page_says_of_its_tables_is_in_them():
    curve = RECORD["translation"]["curve"]
    n = RECORD["translation"]["steps of the curve"].index(150)
    forced, free, exact = (curve[name]["median"][n] for name in ("forced", "free", "exact"))
    assert forced > 0.7 and free < 0.5 and exact < 0.05
    assert "At step 150, most words are right as long" in TEXT
    assert "free, fewer than half; and hardly a translation" in TEXT
    below = {name: paper - tied / 1e6 for name, *_, tied, paper, _ in RECORD["sizes"]["models"]}
    assert below.pop("big") < 0
    assert {round(n) for n in below.values()} >= {1, 4}
    assert all(1 <= round(n) <= 4 for n in below.values())
    assert "ours are 1 to 4 million below all of them but that of *big*" in TEXT
    kinds = RECORD["reverse"]["kinds"]
    at_14 = {
        name: [kind["by length"][part][13] for part in ("low", "high")]
        for name, kind in kinds.items()
    }
    assert at_14["sinusoidal, 1500 steps"] == [0, 0]
    assert all(high < 0.05 for _, high in at_14.values())
    assert at_14["relative, 1500 steps"][0] > 0
    assert "With sinusoids, fourteen letters it never does" in TEXT
    assert "hardly better at fourteen" in TEXT
    alone = {
        name: [kind["by length"][part][0] for part in ("low", "median", "high")]
        for name, kind in kinds.items()
    }
    assert alone.pop("sinusoidal, 1500 steps") == [0, 0, 0.1]
    assert "of the ten single letters one model has one" in TEXT
    assert [share for shares in alone.values() for share in shares].count(1) == 3
    assert "Three of six such models manage every single letter" in TEXT
    by_step = RECORD["translation"]["beams"]
    medians = {step: [way["median"] for way in row.values()] for step, row in by_step.items()}
    most = max(abs(greedy - beams) for greedy, beams in medians.values())
    assert f"the medians differ by {100 * most:.1f} points at the most" in TEXT
    assert min(greedy for greedy, _ in medians.values()) < 0.5, "wrong about most numbers"
    bases = [RECORD[name]["baselines"]["word by word"] for name in ("translation", "back")]
    assert all(0.4 < row["BLEU"] / 100 < 0.6 and row["exact"] < 0.001 for row in bases)
    assert all(f"(prediction {letter}" in TEXT for letter in "abc")
    assert f"more than {pairs.LONGEST} words on a side" in TEXT


def test_the_table_of_the_told_model_is_what_it_is_told():
    rows = re.findall(r"^\| (START|le|un|two words) \|(.*)\|$", PAGE, re.MULTILINE)
    shown = {name: [cell.strip() for cell in row.split("|")] for name, row in rows}
    begun = {"START": (), "le": (3,), "un": (4,), "two words": (3, 5)}
    for name, ids in begun.items():
        told = EXAMPLE.rows.get(ids, {END: 1.0})
        cells = [str(told.get(symbol, "")) for symbol in (3, 4, 5, 6, END)]
        assert [cell or "" for cell in shown[name]] == cells, name
    assert WORDS[3:] == ("le", "un", "chat", "chien")
    first, after_un, after_le = (EXAMPLE.rows[begun[name]] for name in ("START", "un", "le"))
    assert f"{first[4]} · {after_un[5]} = {first[4] * after_un[5]:.2f}" in TEXT
    assert f"{first[3]} · {after_le[5]} = {first[3] * after_le[5]:.2f}" in TEXT


def test_words_that_are_learned_and_f1_are_computed():
    known = word_by_word.lexicon_of(pairs.number_data(tests=1))
    assert (known["and"], known["ninety"]) == ("cent", "vingt")
    assert "learns that *and* is *cent* and *ninety* is *vingt*." in TEXT
    lines = re.search(r"candidate: (.*)\nreference: (.*)\n", PAGE)
    candidate, reference = (line.split() for line in lines.groups())
    told = f"{len(candidate)} + {len(reference)} in both, 2 · 5 / 12 = "
    assert told + f"{f1_of_one(candidate, reference):.3f}" in TEXT


def answers(heading):
    section = PAGE.split(heading)[1].split("\n## ")[0]
    found = re.findall(r"<summary>answer</summary>(.*?)</details>", section, re.DOTALL)
    return [" ".join(text.split()) for text in found]


def test_the_answers_are_right():
    before = answers("## Before")
    assert len(before) == 5
    assert before[2].startswith(f"{-math.log(0.5):.3f}")
    assert before[4] == f"{64 * 64 + 64} = 64 · 64 + 64."
    asked = answers("## Ask yourself")
    cross = Attention(4, 1)
    cross.watch = True
    cross(torch.randn(1, 5, 4), torch.randn(1, 7, 4), decoder_mask(torch.tensor([7]), 7)[:, :, -1:])
    assert str(tuple(cross.weights[0, 0].shape)) in asked[0]
    for ln_p, T in ((-1.2, 2), (-1.5, 8)):
        value = f"{ln_p / length_penalty(T, 1):.3f}".replace("-", "−")
        assert f"{ln_p} / {length_penalty(T, 1):.3f}".replace("-", "−") in asked[4]
        assert value in asked[4]


# a row of the table: the exercise, and what to write into a right answer to see it
PITFALLS = {
    "`return target`": (
        "5.2",
        "return torch.cat((start, target[:, :-1]), dim=1)",
        "return target",
    ),
    "`target[:, 1:]`, then START,": ("5.2", "(start, target[:, :-1])", "(target[:, 1:], start)"),
    "`ignore_index`": ("5.2", ", ignore_index=PAD", ""),
    "`masked_fill(mask, ...)`": ("5.3", "masked_fill(~mask", "masked_fill(mask"),
    "`self.value(x)`": ("5.3", "self.value(memory)", "self.value(x)"),
    "append `chosen` as it is": (
        "5.5",
        "chosen.masked_fill(done, PAD)[:, None]",
        "chosen[:, None]",
    ),
}


def pitfalls():
    section = PAGE.split("## Pitfalls")[1].split("## Reading")[0]
    return [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]


def test_the_pitfalls_are_named_by_the_checks(book):
    """All rows but the two that have a command."""
    rows = pitfalls()
    assert len(rows) == len(PITFALLS) + 2
    assert all("`python " in tried for _, tried, _ in rows[len(PITFALLS) :])
    shutil.copytree(DAY, book.root / DAY.name, dirs_exist_ok=True)
    book = Book(book.root)
    work.make(book, "4-5")
    with closing(Judge(book)) as judge:
        for (code, (exercise, right, wrong)), row in zip(PITFALLS.items(), rows):
            assert code in row[1] and row[1].endswith(f" in {exercise}"), row
            assert_one_slip(book, judge, exercise, right, wrong)


def test_without_the_encoders_layers_nothing_is_right_and_they_learn_nothing():
    assert pitfalls()[-2][1].startswith(
        "`python day4-5/memory_use.py` after `translate.py`: the last"
    )
    *_, (name, found) = RECORD["translation"]["ablations"].items()
    assert name == "the encoder's layers: the memory is the embeddings"
    assert found["exact"]["high"] == 0
    torch.manual_seed(0)
    model = EncoderDecoder(Config(9, 9, n_embd=8, n_head=2, n_layer=1, context=6))
    source, target = torch.tensor([[3, 4, 5]]), torch.tensor([[6, 7, END]])
    for taken, learns in (("nothing", True), (name, False)):
        with memory_use.ablations(model)[taken]:
            model.zero_grad()
            sequence_loss(model(source, shift_right(target)), target).backward()
        assert all((p.grad is not None) == learns for p in model.encoder.parameters()), taken


def test_a_large_number_for_infinity_is_an_error_in_float16(book):
    """The command of the page ends with that error, and the check of 5.3 cannot see the difference."""
    command = re.search(r'`python -c "(.+)"`', pitfalls()[-1][1])[1]
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "RuntimeError" in done.stderr and "overflow" in done.stderr
    assert torch.finfo(torch.float16).max == 65504
    shutil.copytree(DAY, book.root / DAY.name, dirs_exist_ok=True)
    book = Book(book.root)
    work.make(book, "4-5")
    task = book.tasks["5.3"]
    text = task.lesson.read_text("utf-8")
    assert text.count("(~mask, -torch.inf)") == 1
    book.mine(task).write_text(text.replace("(~mask, -torch.inf)", "(~mask, -1e9)"), "utf-8")
    with closing(Judge(book)) as judge:
        assert judge.verdict(task)["status"] == "right"


def test_the_main_row_is_what_was_promised():
    row = RECORD["translation"]
    assert len(row["seeds"]) == 3
    assert row["unseen sentences"] == 2000
    assert row["exact"]["low"] > 0.97
    assert row["seconds of training"]["high"] < 240
    assert RECORD["back"]["exact"]["low"] > 0.97
    assert row["baselines"]["copy"]["exact"] == 0
    assert row["ablations"]["nothing"]["exact"]["low"] > 0.97
    for name, found in row["ablations"].items():
        if name != "nothing":
            assert found["exact"]["high"] < row["ablations"]["nothing"]["exact"]["low"], name
    assert row["padding"]["by length"] < row["padding"]["at random"] / 3


def test_the_reverse_row_is_what_was_promised():
    row = RECORD["reverse"]
    assert len(row["seeds"]) == 3
    for name in ("sinusoidal, 1500 steps", "relative, 3000 steps"):
        found = row["kinds"][name]
        assert found["exact"]["median"] > 0.99, name
        assert found["seconds of training"]["median"] < 120  # other programs ran beside
        assert found["on the anti-diagonal"]["low"] > 0.8
    weights = torch.tensor(row["item"]["weights"])
    assert (weights[:-1].argmax(dim=-1) == torch.arange(8).flip(0)).double().mean() > 0.8


def test_the_designs_are_equal_in_size_and_measured_with_three_seeds():
    row = RECORD["designs"]
    counts = [found["parameters"] for found in row["designs"].values()]
    assert len(counts) == 3
    assert max(counts) / min(counts) < 1.01
    assert len(row["seeds"]) == 3


def test_the_recorded_counts_are_those_of_the_models():
    for name, *_, tied, paper, _ in RECORD["sizes"]["models"]:
        assert (parameters(TABLE_3[name][0]), TABLE_3[name][1]) == (tied, paper)
    row = RECORD["translation"]
    model = EncoderDecoder(Config(*row["symbols"], context=32))
    assert sum(p.numel() for p in model.parameters()) == row["parameters"]


@pytest.mark.parametrize("name", ["translation", "back", "reverse", "designs", "sizes"])
def test_a_row_says_how_it_was_made(name):
    row = RECORD[name]
    assert {"command", "date", "machine", "versions", "torch", "seconds"} <= row.keys()
    if name == "translation":
        weights = torch.tensor(row["item"]["weights"])
        torch.testing.assert_close(
            weights.sum(dim=-1), torch.ones(weights.shape[:-1]), atol=2e-3, rtol=0
        )


def test_what_is_said_of_the_memory_is_in_its_tables():
    gone, layers = RECORD["translation"]["ablations"], RECORD["translation"]["layers"]
    first, second = (gone[f"cross-attention of layer {n}"] for n in (1, 2))
    assert second["exact"]["high"] < 0.0005 and 0 < first["exact"]["low"]
    assert first["exact"]["high"] < 0.6
    assert "Without what the second layer sees nothing is right; without the first, some" in TEXT
    bare = gone["the encoder's layers: the memory is the embeddings"]
    assert bare["exact"]["high"] < 0.0005
    assert "words that do not know their neighbours, and that is not enough either" in TEXT
    other, none = gone["the source: the memory of another sentence"], gone["all cross-attention"]
    assert other["loss"]["low"] > none["loss"]["high"]
    assert "is worse, measured by the loss, than no memory at all" in TEXT
    assert 0.45 < other["forced"]["low"] and other["forced"]["high"] < 0.5
    assert "with a wrong source, nearly half" in TEXT
    one, two = layers["layer 1"], layers["layer 2"]
    assert two["share"]["low"] > 1 and two["entropy"]["high"] < one["entropy"]["low"]
    assert "The second layer adds more than there was, and looks at fewer places." in TEXT


def test_what_is_said_of_one_stack_and_two_is_in_their_table():
    rows = RECORD["designs"]["designs"]
    one, two = rows["decoder-only"], rows["encoder-decoder"]
    assert abs(one["exact"]["median"] - two["exact"]["median"]) < 0.01
    assert one["seconds"]["median"] > two["seconds"]["median"]
    assert "One stack is as good as two here, and a little slower" in TEXT
    assert rows["encoder-only"]["exact"]["high"] < 0.05
    assert "What fails is to write all words at once." in TEXT


def test_what_is_said_of_the_captions_is_in_their_table():
    row = RECORD["captions"]
    mine, beams = row["this model"], row["this model, 4 beams"]
    assert mine["BLEU"] > 2 * max(row[name]["BLEU"] for name in ("copy", "word by word"))
    assert round(1 / mine["exact"]) == 11 and "one caption in eleven is right" in TEXT
    assert 0.2 < beams["BLEU"] - mine["BLEU"] < 0.3 and "win a quarter of a point" in TEXT
    assert f"took {row['seconds'] / 60:.0f} minutes" in TEXT
    flags = f"--steps {row['steps']} --n-embd 128 --dropout 0.2"
    assert flags in (DAY / "captions.py").read_text("utf-8")
