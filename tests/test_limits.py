"""The floor, learning by heart, the two minutes, a task of one's own: the tools, then the record."""

import ast
import contextlib
import dataclasses
import json
import math
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

import critic
import evaluate
import floor
import grammar
import limits
import minute
import model
import ngram
import overfitting
import own_task
from settings import SIZES
from text import Batches, split

ROOT = Path(__file__).parent.parent
SMALL = {"n_layer": 1, "n_head": 2, "n_embd": 48, "context": 32, "steps": 240}


@pytest.fixture(scope="module")
def plays():
    return grammar.plays(60_000, seed=5)


@pytest.fixture(scope="module")
def runs(plays):
    """A run that is planted, and a healthy one: (run, records, best weights) of each."""
    found = {}
    for name, characters in (("planted", 1500), ("healthy", None)):
        run = overfitting.start(plays, characters=characters, **SMALL)
        found[name] = (run, *overfitting.follow(run, every=20))
    return found


# ---- floor.py


def test_plays_of_the_grammar_keep_every_rule():
    texts = [grammar.plays(3000, seed) for seed in range(8)]
    verdicts = floor.judged(texts)
    assert list(verdicts) == critic.SKILLS
    assert all(right == cases > floor.ENOUGH for right, cases in verdicts.values()), verdicts
    spoilt = floor.judged([text.replace("the", "teh") for text in texts])
    assert spoilt["spelling"][0] < 0.99 * spoilt["spelling"][1]


def test_verdicts_of_several_texts_add_up():
    texts = [grammar.plays(2000, seed) for seed in (1, 2)]
    both, alone = floor.judged(texts), [floor.judged([text]) for text in texts]
    for skill in critic.SKILLS:
        assert both[skill] == [alone[0][skill][i] + alone[1][skill][i] for i in (0, 1)]


def test_the_surprise_of_a_split_is_the_sum_over_its_characters():
    text = grammar.plays(1500, seed=3)[:1500]
    cut = len(split(text)[0])
    each = [
        grammar.log_probability(text[:i]) - grammar.log_probability(text[: i + 1])
        for i in range(cut + 1, len(text))
    ]
    assert floor.surprise(text) == pytest.approx(sum(each) / len(each), abs=1e-9)


def test_the_loss_by_place_is_that_of_its_windows(runs):
    run = runs["healthy"][0]
    T = run.settings.context
    places = floor.loss_by_place(run)
    windows = run.validation[: len(run.validation) // T * T].view(-1, T)
    alone = [evaluate.loss(run.model, window, T) for window in windows]
    assert places.mean().item() == pytest.approx(sum(alone) / len(alone), abs=1e-4)
    with torch.no_grad():
        first = F.cross_entropy(run.model(windows[:, :1])[0][:, 0], windows[:, 1]).item()
    assert places[0].item() == pytest.approx(first, abs=1e-4)


def test_scenes_are_as_the_model_draws_them(runs):
    run = runs["healthy"][0]
    texts = floor.scenes(run, 40, rows=3)
    assert [len(text) for text in texts] == [40] * 3
    assert len(set(texts)) == 3
    assert texts == floor.scenes(run, 40, rows=3)


def test_a_skill_counts_from_where_it_stays():
    shares = [0.0, 0.6, 0.4, 0.5, None, 0.95, 0.9]
    found = {10 * i: {"metre": (share, 99)} for i, share in enumerate(shares)}
    assert floor.first_step(found, "metre", 0.5) == 50
    assert floor.first_step(found, "metre", 0.9) == 50
    assert floor.first_step(found, "metre", 0.92) is None


def test_few_cases_are_no_share():
    curve = [{"step": 5, "skills": {s: [4, floor.ENOUGH // 2] for s in critic.SKILLS}}]
    assert floor.pooled([{"curve": curve}])[5]["rhyme"] == (None, floor.ENOUGH // 2)
    both = floor.pooled([{"curve": curve}, {"curve": curve}])
    assert both[5]["rhyme"] == (8 / floor.ENOUGH, floor.ENOUGH)


# ---- overfitting.py


def test_the_rule_fires_on_the_planted_run_and_not_on_the_healthy_one(runs):
    assert overfitting.fires(runs["planted"][1]) is not None
    assert overfitting.fires(runs["healthy"][1]) is None


def test_the_rule_fires_at_the_first_evaluation_that_tells():
    falls = [{"step": s, "train": 3 - s / 10, "validation": v} for s, v in enumerate((3, 2, 2.1))]
    assert overfitting.fires(falls) is None
    more = [{"step": s, "train": 3 - s / 10, "validation": 2.2} for s in (3, 4, 5)]
    assert overfitting.fires(falls + more) == 3


def test_early_stopping_goes_back_to_the_best(runs):
    """The weights that are kept are those of the best evaluation, not of the last."""
    run, records, best = runs["planted"]
    last = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.model.load_state_dict(best)
    restored = run.loss(run.validation[: overfitting.PART + 1])
    run.model.load_state_dict(last)
    assert restored == pytest.approx(min(r["validation"] for r in records), abs=1e-3)
    assert restored < records[-1]["validation"] - 0.1


def test_the_loss_falls_below_counting(runs):
    """A shrug at birth; then below what counting letters and pairs of letters scores."""
    run, records, _ = runs["healthy"]
    V = len(run.alphabet)
    assert records[0]["validation"] == pytest.approx(math.log(V), rel=0.05)
    judge = run.validation[: overfitting.PART + 1].numpy()
    counted = ngram.baselines(run.training.numpy(), judge, V, orders=(1, 2))
    assert records[-1]["validation"] < counted["bigram"] - 0.1 < counted["unigram"]


def test_a_shorter_text_is_all_that_is_read(plays):
    """No window of training reaches into what is judged, nor past the planted text."""
    run = overfitting.start(plays, characters=1500, **SMALL)
    cut = len(run.training)
    assert cut == 1500
    learned, judge = split(run.alphabet.encode(plays))
    assert torch.equal(run.training, learned[:1500])
    assert torch.equal(run.validation, judge)
    T = run.settings.context
    starts = [run.batches.start(number) for number in range(5 * run.batches.windows)]
    assert 0 <= min(starts)
    assert cut - 2 * T <= max(starts) < cut - T
    assert isinstance(run.batches, Batches)


def test_accuracy_is_that_of_a_slow_loop(runs):
    run = runs["healthy"][0]
    T = run.settings.context
    ids = run.validation[: 4 * T + 1]
    right = 0
    for start in range(0, 4 * T, T):
        logits = run.model.eval()(ids[None, start : start + T])[0][0]
        right += sum(int(logits[t].argmax() == ids[start + t + 1]) for t in range(T))
    assert overfitting.accuracy(run, ids) == pytest.approx(right / (4 * T))
    assert overfitting.accuracy(runs["planted"][0], runs["planted"][0].training) > 0.8


# ---- minute.py


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_formulas_count_what_is_there(size):
    sizes = model.Config(65, size.context, size.n_layer, size.n_head, size.n_embd)
    gpt = model.GPT(sizes)
    assert minute.parameters(size) == sum(p.numel() for p in gpt.parameters())
    assert minute.cache_bytes(size) == minute.cached(gpt)


def test_the_screen_of_a_run_is_read():
    screen = [
        (0.7, "tiny Shakespeare: 1,115,394 characters, 65 symbols"),
        (4.4, "step     0/1840  train 4.171  validation 4.174"),
        (4.5, "    xx"),
        (4.5, "    longer line"),
        (4.5, "    short"),
        (13.0, "step   153/1840  train 2.811  validation 2.148  36,000 chars/s  99 s left"),
        (116.0, "step  1840/1840  train 1.311  validation 1.448  36,000 chars/s  0 s left"),
        (117.0, ""),
        (117.0, "Boy!"),
        (117.0, "To be or not"),
        (118.0, "                                     nats   bits  perplexity"),
        (118.0, "uniform guess                      4.1744  6.022    65.00"),
    ]
    birth, then, last = minute.evaluations(screen)
    assert (last["step"], last["sample"]) == (1840, "To be or not")
    assert birth == {
        "second": 4.4, "step": 0, "train": 4.171, "loss": 4.174, "sample": "longer line",
    }  # fmt: skip
    assert (then["second"], then["step"], then["loss"], then["sample"]) == (13.0, 153, 2.148, "")


# ---- own_task.py

ANSWERS = {
    "reversed": lambda question: question[::-1],
    "sorted": lambda question: "".join(sorted(question)),
    "added": lambda question: f"{sum(map(int, question.split('+'))):03}"[::-1],
}


@pytest.mark.parametrize("name", own_task.TASKS)
def test_every_item_stands_on_one_side_once_and_is_right(name):
    """What is graded was never trained on."""
    text = own_task.write(own_task.TASKS[name]())
    learned, unseen = own_task.parts(text)
    assert "".join(learned + unseen) == text
    assert not set(learned) & set(unseen)
    assert (len(set(learned)), len(set(unseen))) == (len(learned), len(unseen)) == (9000, 1000)
    for line in learned + unseen:
        question, answer = line.removesuffix("\n").split("=")
        assert answer == ANSWERS[name](question)


def test_the_training_never_reads_an_unseen_line():
    text = own_task.write(own_task.reversed_words())
    run = own_task.train(text, steps=0)
    _, unseen = own_task.parts(text)
    read = run.alphabet.decode(run.training)
    assert not any(line in read for line in unseen)
    starts = {run.batches.start(number) % len(unseen[0]) for number in range(200)}
    assert len(starts) == len(unseen[0])  # windows of a batch begin at every place of a line


@pytest.mark.parametrize("lines", ["a=b a=b", "a=b aa=b", "a=bb aa=b", "ab cd"])
def test_items_that_would_spoil_the_split_are_refused(lines):
    with pytest.raises(ValueError, match="every item once"):
        own_task.write((line, "") for line in lines.split())


class Answers:
    """A model that knows the answers to the questions that begin with a letter of `known`."""

    def __init__(self, alphabet, known):
        self.alphabet, self.known = alphabet, known

    def eval(self):
        return self

    def generate(self, ids, length, temperature):
        assert temperature == 0
        rows = []
        for row in ids:
            start, question = self.alphabet.decode(row[:1]), self.alphabet.decode(row[1:-1])
            assert start == "\n"
            answer = question[::-1] if question[0] in self.known else question[:0:-1] + "j"
            rows.append(self.alphabet.encode(f"{answer}\n"[:length]))
        yield from torch.stack(rows, dim=1)


def test_only_whole_answers_count():
    text = own_task.write(own_task.reversed_words())
    alphabet = own_task.train(text, steps=0).alphabet
    lines = [f"{word}={word[::-1]}\n" for word in ("abcd", "abce", "bcde", "ccba", "dddd")]
    run = SimpleNamespace(alphabet=alphabet, model=Answers(alphabet, "a"))
    right, wrong = own_task.grade(run, lines)
    assert right == pytest.approx(2 / 5)
    assert [line for _, line in wrong] == lines[2:]
    assert wrong[0][0] == "bcde=edcj\n"  # all but its last character is right


def test_the_floor_of_a_task_is_the_entropy_of_its_questions():
    text = own_task.write(own_task.added_numbers())
    assert own_task.floor(text) == pytest.approx(4 * math.log(10) / len("12+34=640\n"))
    few = own_task.write((f"{n:02}=", f"{n:02}") for n in range(20))
    assert own_task.floor(few) == pytest.approx(math.log(20) / len("07=07\n"))


@pytest.mark.slow
def test_words_never_seen_are_turned_round():
    """Guessing would be right once in 10,000."""
    text = own_task.write(own_task.reversed_words())
    run = own_task.train(text, steps=150, context=31)
    assert own_task.grade(run, own_task.parts(text)[1])[0] > 0.8


# ---- what the page says is what the record says


@pytest.fixture(scope="module")
def record():
    return {name: limits.rows(name) for name in limits.EXPERIMENTS}


def test_every_row_says_what_made_it(record):
    for rows in record.values():
        for row in rows:
            made = {"command", "date", "machine", "versions", "seed", "seconds", "precision"}
            assert made <= row.keys()


def test_no_run_went_below_the_floor_and_all_below_counting(record):
    """The floor is the bound that a leak would break."""
    for row in [*record["floor"], *record["longer"]]:
        assert row["entropy"] == pytest.approx(grammar.entropy(), abs=1e-4)
        assert row["surprise of the split"] == pytest.approx(row["entropy"], rel=0.02)
        assert row["curve"][0]["loss"] == pytest.approx(row["ln V"], rel=0.05)
        assert row["surprise of the split"] < row["final"] < min(row["counted"].values())
        assert row["surprise of the split"] < row["places 65 to 127"] < row["places 1 to 16"]
        losses = [r["loss"] for r in row["curve"]]
        assert losses == sorted(losses, reverse=True)


def test_what_stands_side_by_side_comes_before_what_stands_apart(record):
    near, far = ("spelling", "words", "agreement"), ("speakers", "names", "quotation", "rhyme")
    for runs, stops in ((record["floor"], floor.STOPS), (record["longer"], floor.LONGER)):
        found = floor.pooled(runs)
        last = {skill: share for skill, (share, _) in found[stops[-1]].items()}
        assert min(last[skill] for skill in near) > 0.85
        assert 0.2 < last["metre"] < 0.8
        assert max(last[skill] or 0 for skill in far) < 0.25
        assert all(found[stops[-1]][skill][1] > 0 for skill in far)


def test_nearly_all_of_the_way_is_gone_while_half_of_the_rules_are_unknown(record):
    (row,) = record["longer"]
    losses = [r["loss"] for r in row["curve"]]
    assert (losses[0] - losses[-1]) / (losses[0] - row["surprise of the split"]) > 0.9


def runs_of(rows, name, what):
    return [row["runs"][name][what] for row in rows]


def test_the_rule_fires_on_every_planted_run_and_on_no_healthy_one(record):
    rows = record["overfitting"]
    for name in overfitting.CHANGES:
        fires = runs_of(rows, name, "fires")
        fired = [step is not None for step in fires]
        assert fired == [name in ("planted", "weight decay 0.1")] * len(rows), name
    for fires, best in zip(*(runs_of(rows, "planted", w) for w in ("fires", "best step"))):
        assert 2 <= (fires - best) / overfitting.EVERY <= 3


def test_what_the_cures_are_worth(record):
    rows = record["overfitting"]
    planted, healthy = (runs_of(rows, n, "final") for n in ("planted", overfitting.HEALTHY))
    stopped = runs_of(rows, "planted", "best")
    assert max(stopped) < min(planted) - 0.15
    assert max(runs_of(rows, "weight decay 2", "final")) < min(stopped)
    assert max(runs_of(rows, "half the steps", "final")) < min(stopped)
    assert min(runs_of(rows, "dropout 0.3", "final")) > max(stopped)
    assert min(runs_of(rows, "weight decay 0.1", "final")) > max(stopped)
    others = [n for n in overfitting.CHANGES if n != overfitting.HEALTHY]
    best = min(min(runs_of(rows, n, what)) for n in others for what in ("final", "best"))
    assert max(healthy) < best - 0.4
    for seen, unseen in runs_of(rows, "planted", "accuracy"):
        assert seen > 1.9 * unseen
    for seen, unseen in runs_of(rows, overfitting.HEALTHY, "accuracy"):
        assert seen < 1.05 * unseen


def test_what_was_learned_by_heart_is_recited(record):
    for name, more in (("planted", True), (overfitting.HEALTHY, False)):
        for row in record["overfitting"]:
            run = row["runs"][name]
            assert run["copied"]
            assert (len(run["copied"]) > 1.4 * len(run["copied by Shakespeare"])) == more


def test_the_tasks_are_learned_or_not_as_the_page_says(record):
    for row in record["own task"]:
        ends = {name: task["curve"][-1] for name, task in row["tasks"].items()}
        assert min(ends[name]["right"] for name in ("reversed", "sorted")) > 0.9
        assert ends["added"]["right"] < 0.05
        trapped = [r["right"] for r in row["tasks"][own_task.WHOLE]["curve"]]
        assert trapped[-1] < max(trapped) - 0.2
        assert all(row["tasks"][name]["floor"] < end["loss"] for name, end in ends.items())


def test_what_was_predicted_came(record):
    (row,) = record["minute"]
    size = SIZES["small"]
    assert row["parameters"] == minute.parameters(size)
    assert row["cache MiB"] * 2**20 == minute.cache_bytes(size)
    assert row["at birth"] == pytest.approx(math.log(65), rel=0.05)
    assert len(row["evaluations"]) == 13
    losses = [r["loss"] for r in row["evaluations"]]
    assert losses[0] - losses[3] > 0.85 * (losses[0] - losses[-1])  # a quarter of the steps
    assert losses[1] < 2.4835  # pairs of letters, counted
    assert all(row["evaluations"][i]["sample"] for i in (0, 1, 3, 6, 12))


def test_the_figures_are_drawn_from_the_record(record, tmp_path):
    floor.draw(record["floor"], record["longer"][0], tmp_path)
    overfitting.draw(record["overfitting"], tmp_path)
    minute.draw(record["minute"][0], tmp_path)
    for name in ("floor", "skills", "overfitting", "minute"):
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (ROOT / "day3" / "figures" / f"{name}.png").exists()


# ---- as programs


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("minute", r"801,664 parameters(.|\n)*4\.1744"),
        pytest.param("floor", "every rule", marks=pytest.mark.slow),
        pytest.param("overfitting", "restored", marks=pytest.mark.slow),
        pytest.param("own_task", "right  ", marks=pytest.mark.slow),
    ],
)
def test_the_programs_run_from_any_folder(name, says, tmp_path, small_text, monkeypatch, capsys):
    """Each to its last line, with a smaller model."""
    smaller = dataclasses.replace(SIZES["tiny"], n_layer=1, n_head=1, n_embd=8)
    monkeypatch.setitem(SIZES, "tiny", smaller)
    monkeypatch.setenv("TINY_SHAKESPEARE", str(small_text))
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(SystemExit):
        runpy.run_path(str(ROOT / "day3" / f"{name}.py"), run_name="__main__")
    assert re.search(says, capsys.readouterr().out)


def test_a_wrong_word_is_answered_with_what_there_is(capsys):
    assert own_task.main(["divided"]) == 2
    assert "reversed, sorted, added" in capsys.readouterr().err
    assert limits.main(["all"]) == 2


# ---- a table that names what reproduces each row


def test_every_symptom_names_what_reproduces_and_what_finds_it():
    """A test that is named exists, and so does a function of a program."""
    page = (ROOT / "day3" / "troubleshooting.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    named = [re.findall(r"`(\w+/[\w/.]+\.py)(?:::(\w+))?`", line) for line in rows]
    with_proof = [names for names in named if names]
    assert len(with_proof) > 25
    assert all(names for line, names in zip(rows, named) if not line.startswith("| symptom"))
    for path, name in {pair for names in with_proof for pair in names}:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not name or name in functions, (path, name)


def test_in_two_minutes_the_small_sizes_are_ahead_and_in_ten_medium_is():
    rows = json.loads((Path(limits.__file__).parent / "results" / "bench.json").read_text("utf-8"))
    loss = {name: rows[f"size {name}"]["loss"] for name in SIZES}
    assert max(loss[n]["high"] for n in ("tiny", "small")) < loss["medium"]["low"]
    assert loss["medium"]["high"] < loss["large"]["low"]
    (run,) = rows["minutes 10"]["runs"]
    assert "--size medium" in run["repeat"]
    assert run["loss"] < min(found["low"] for found in loss.values())
    for name, size in SIZES.items():
        row = rows[f"size {name}"]
        assert row["seeds"] == [1, 2, 3]
        for run in row["runs"]:
            assert run["seconds"] == pytest.approx(120, rel=0.25)
            steps = int(re.search(r"--steps (\d+)", run["repeat"])[1])
            taken = steps * size.batch * size.context / run["characters_per_second"]
            assert taken < run["seconds"]
