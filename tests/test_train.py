"""The commands as a person calls them: whole runs, stopped runs, wrong calls."""

import dataclasses
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from study.exercises import blank

import checkpoint
import model
import optim
import plan
import train
from run import Run
from settings import Settings, bytes_to_train, with_size

DAY3 = Path(train.__file__).parent
# on Windows there is no SIGKILL, no limit on a file's size, and another /dev
posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")
SIZES = ["--n-layer", "2", "--n-head", "2", "--n-embd", "16", "--context", "32", "--batch", "8"]
TINY = ["--size", "tiny", *SIZES, "--precision", "float32", "--device", "cpu"]


def run(*words, program="train.py", **more):
    """A program in a process of its own; any traceback fails the test."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | more.pop("env", {})
    done = subprocess.run(
        [sys.executable, str(DAY3 / program), *map(str, words)],
        check=False, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=170, **more,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def weights(out):
    return torch.load(out / "gpt.pt", weights_only=True)


def same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


def test_a_run_from_any_folder_leaves_all_that_it_promises(tmp_path, small_text):
    out = tmp_path / "out"
    done = run(*TINY, "--steps", 60, "--data", small_text, "--out", out, cwd=tmp_path)
    assert done.returncode == 0
    written = {"gpt.pt", "gpt.html", "loss.png", "metrics.jsonl", "sample.txt"}
    assert {p.name for p in out.iterdir()} == written
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert records[-1]["final"] < records[-1]["baselines"]["unigram"]
    assert records[-2]["validation"] < records[0]["validation"] - 0.5
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert len((out / "sample.txt").read_text()) == 600
    for name in ("uniform guess", "bigram", "Kneser-Ney 7-gram", "this GPT"):
        assert name in done.stdout
    command = re.search(r"to repeat it: python day3/train.py (.*)", done.stdout)[1]
    assert f"--out {out}" in command
    again = run(*command.split(), "--out", tmp_path / "again", cwd=tmp_path)
    assert again.returncode == 0
    same(weights(out)["model"], weights(tmp_path / "again")["model"])


def test_a_new_run_moves_an_older_one_aside(tmp_path, small_text):
    for seed in (1, 2, 3):
        words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path)]
        assert train.main([*words, "--seed", str(seed)]) == 0
    seeds = [weights(tmp_path / n)["settings"]["seed"] for n in ("earlier-1", "earlier-2", "")]
    assert seeds == [1, 2, 3]


@pytest.mark.slow
def test_minutes_are_wall_time(tmp_path, shakespeare):
    """Very generous: machines are shared, and half a minute of a slow one is few steps."""
    before = time.perf_counter()
    done = run("--minutes", 0.5, "--out", tmp_path, env={"TINY_SHAKESPEARE": shakespeare})
    assert done.returncode == 0
    assert 15 < time.perf_counter() - before < 75
    rows = re.findall(r"(bigram|this GPT).*? (\d\.\d+)", done.stdout)
    assert float(dict(rows)["this GPT"]) < float(dict(rows)["bigram"]), rows


def test_the_plan_leaves_time_for_every_look(tmp_path, small_text, monkeypatch):
    """What a run judges and writes is what the plan counted, and the steps get the rest."""
    judged, written, loss, write = [], [], Run.loss, Run.write

    def counted_loss(run, ids):
        judged.append(len(ids))
        return loss(run, ids)

    def counted_write(run, length, **more):
        written.append(length)
        return write(run, length, **more)

    monkeypatch.setattr(Run, "loss", counted_loss)
    monkeypatch.setattr(Run, "write", counted_write)
    monkeypatch.setattr(plan, "PART", 500)
    monkeypatch.setattr(train, "PART", 500)
    words = [*TINY, "--data", str(small_text), "--out", str(tmp_path), "--no-preflight"]
    assert train.main([*words, "--steps", "24"]) == 0
    batch, line = judged[0], written[0]  # the plan's own look
    all_judged, all_written = sum(judged[1:]), sum(written[1:])
    monkeypatch.setattr(plan, "seconds_for", lambda work: 1.0)
    settings = train.Settings(precision="float32", out=tmp_path, data=str(small_text))
    small = plan.with_size(settings, "tiny")
    small = dataclasses.replace(small, n_layer=2, n_head=2, n_embd=16, context=32, batch=8)
    module, text = checkpoint.load_module(settings.model), small_text.read_text("utf-8")
    looks = plan.seconds_of_looks(plan.throw_away(small, module, text, "cpu"))
    assert (looks - plan.WRITTEN / line) * batch == pytest.approx(all_judged, rel=0.01)
    assert pytest.approx(all_written, rel=0.1) == plan.WRITTEN
    monkeypatch.setattr(plan, "seconds_per_step", lambda run, seconds: 0.5)
    monkeypatch.setattr(plan, "seconds_of_looks", lambda run: 40)
    until = time.perf_counter() + 100
    planned, seconds = plan.plan(small, module, text, "cpu", until, world=1)
    assert 110 <= planned.steps <= 120
    assert seconds == planned.steps * 0.5 + 40


@posix
@pytest.mark.slow
def test_killed_six_times_and_resumed_is_as_if_nothing_had_happened(tmp_path, small_text):
    words = [*TINY, "--steps", "600", "--dropout", "0.1", "--data", str(small_text)]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run(*words, "--out", whole).returncode == 0
    chance = random.Random(4)
    words += ["--out", str(broken)]
    evaluations = [0, 1] * 3  # how many each process reaches before it is killed
    chance.shuffle(evaluations)
    reached = set()
    for wanted in evaluations:
        process = subprocess.Popen(
            [sys.executable, "-u", str(DAY3 / "train.py"), *words],
            stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        seen = -1  # the line of step 0, or that of the resumed run, is only the beginning
        for line in process.stdout:
            if line.startswith("resumed at step"):
                reached.add(line.split(";")[0])
            seen += line.startswith(("step", "resumed"))
            if seen == wanted:
                break
        time.sleep(chance.uniform(0, 0.1))
        assert process.poll() is None, "the run ended before it was killed: give it more steps"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        words = ["--resume", "--out", str(broken)]
    assert len(reached) > 1, "always the same checkpoint: the kills came too early"
    assert run(*words).returncode == 0
    same(weights(whole)["model"], weights(broken)["model"])
    curves = []
    for out in (whole, broken):
        lines = (out / "metrics.jsonl").read_text().splitlines()
        curves.append([(r["step"], r.get("validation")) for r in map(json.loads, lines)])
    assert curves[0] == curves[1]


@posix
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, small_text):
    mine = tmp_path / "mine.py"
    mine.write_text((DAY3 / "model.py").read_text())
    words = [*TINY, "--steps", "6000", "--data", small_text, "--out", tmp_path, "--model", mine]
    process = subprocess.Popen(
        [sys.executable, "-u", str(DAY3 / "train.py"), *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    evaluations = 0
    for line in process.stdout:
        evaluations += line.startswith("step")
        if evaluations == 2:  # the first comes before any step
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"python day3/train.py --resume --out {tmp_path} --model {mine}\n" in out
    assert err == ""
    assert weights(tmp_path)["step"] > 0


@pytest.mark.slow
def test_two_processes_follow_the_curve_of_one(tmp_path, small_text):
    words = [*TINY, "--steps", "20", "--data", str(small_text)]
    assert run(*words, "--out", tmp_path / "one").returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
         str(DAY3 / "train.py"), *words, "--out", str(tmp_path / "two")],
        check=False, capture_output=True, text=True, timeout=170,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    curves = []
    for name in ("one", "two"):
        lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        curves.append([json.loads(line) for line in lines])
    assert len(curves[0]) == len(curves[1]) == 14
    for one, two in zip(*curves):
        for key in ("train", "validation", "final"):
            assert one.get(key, 0) == pytest.approx(two.get(key, 0), abs=1e-5)


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path, small_text):
    """Parts of unequal size count by their rows: 8 rows in 3 parts are 3, 3 and 2."""
    module = checkpoint.load_module(DAY3 / "model.py")
    words = {"n_layer": 2, "n_head": 2, "n_embd": 16, "context": 32, "batch": 8, "steps": 10}
    settings = with_size(Settings(precision="float32", out=tmp_path, **words), "tiny")
    grads = []
    for accumulate in (1, 3):
        chosen = dataclasses.replace(settings, accumulate=accumulate)
        one = Run(chosen, module, small_text.read_text(), "cpu")
        for p in one.model.parameters():
            p.data += 0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1))
        one.gradients(*one.batches[0])
        grads.append([p.grad.clone() for p in one.model.parameters()])
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_bfloat16_ends_near_float32(tmp_path, small_text):
    """The loss within 1 %."""
    ends = []
    for precision in ("float32", "bfloat16"):
        out = tmp_path / precision
        words = [*TINY, "--steps", "60", "--data", str(small_text), "--out", str(out)]
        assert train.main([*words, "--precision", precision]) == 0
        ends.append(json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])["final"])
    assert ends[1] == pytest.approx(ends[0], rel=0.01)


def test_learning_by_heart_is_noticed_and_healthy_learning_is_not(tmp_path, small_text):
    """1,500 characters are learned by heart; 30,000 are not, in as many steps."""
    short = tmp_path / "short.txt"
    short.write_text(small_text.read_text()[:1500])
    words = ["--size", "tiny", "--n-layer", "1", "--context", "32", "--batch", "16"]
    words += ["--precision", "float32", "--steps", "240"]
    found = {}
    for text in (short, small_text):
        out = tmp_path / text.stem
        assert train.main([*words, "--data", str(text), "--out", str(out)]) == 0
        records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        found[text.stem] = any("overfits" in record for record in records)
    assert found == {"short": True, small_text.stem: False}


def test_nothing_is_known_by_heart_before_it_was_read_once(tmp_path, small_text, monkeypatch):
    monkeypatch.setattr(train.evaluate, "overfits", lambda records: True)
    words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path)]
    assert train.main([*words, "--batch", "256"]) == 0
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    settings = weights(tmp_path)["settings"]
    length = len(small_text.read_text()) * 0.9
    told = [record["step"] for record in records if "overfits" in record]
    each = settings["batch"] * settings["context"]
    assert told == [n for n in range(13) if n * each >= length] and 0 < len(told) < 13, told


def test_bytes_to_train_are_those_of_the_tensors():
    gpt = model.GPT(model.Config(65, 64, 4, 4, 128))
    n = sum(p.numel() for p in gpt.parameters())
    for kind in ("muon", "adamw"):
        both = optim.optimizers(gpt, kind, 0.01, 0.01, 0.1)
        averages = [t for o in both for v in o.state().values() if isinstance(v, list) for t in v]
        held = 4 * (2 * n + sum(t.numel() for t in averages))
        assert bytes_to_train(n, kind) == pytest.approx(held, rel=0.02)


WRONG_CALLS = {
    "no such text": (["--data", "nowhere.txt"], "no file"),
    "a folder as text": (["--data", "."], "folder"),
    "an empty text": (["--data", "empty.txt"], "empty"),
    "a text in another encoding": (["--data", "latin.txt"], "UTF-8"),
    "a text shorter than the context": (["--data", "short.txt"], "--context"),
    "no such model": (["--model", "nowhere.py"], "no model file"),
    "a model without a GPT": (["--model", "other.py"], "needs both"),
    "a model that does not parse": (["--model", "broken.py"], "cannot be read"),
    "heads that do not divide": (["--n-head", "3"], "divide"),
    "endless minutes": (["--minutes", "inf"], "a number above 0"),
    "a page as a model": (["--model", "short.txt"], "no model file"),
    "zero steps": (["--steps", "0"], "above 0"),
    "a dropout of one": (["--dropout", "1"], "dropout"),
    "nothing to resume": (["--resume"], "no checkpoint"),
    "one symbol alone": (["--data", "aaaa.txt"], "one symbol"),
    "out is a file": (["--out", "short.txt"], "choose a folder with --out"),
    "a seed too large": (["--seed", "99999999999999"], "--seed"),
    "a decay that is no number": (["--weight-decay", "nan"], "--weight-decay"),
    "a Config without sizes": (["--model", "bare.py"], "contract"),
    "out cannot be written": (["--out", "/proc/out"], "/proc/out"),
    "out is a device": (["--out", "/dev/full"], "/dev/full"),
}


@posix
@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_call_gets_one_sentence(case, tmp_path, monkeypatch, capsys, small_text):
    words, expected = WRONG_CALLS[case]
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("")
    Path("aaaa.txt").write_text("a" * 1000)
    Path("short.txt").write_text("to be or not to be")
    Path("latin.txt").write_bytes("caf\xe9".encode("latin-1") * 100)
    Path("other.py").write_text("x = 1\n")
    Path("bare.py").write_text("class Config:\n    pass\n\n\nclass GPT:\n    pass\n")
    Path("broken.py").write_text("def forward(:\n")
    sizes = [*TINY, "--steps", "12", "--data", str(small_text), "--out", "out"]
    try:
        code = train.main([*sizes, *words])
    except SystemExit as stop:
        code = stop.code
    message = capsys.readouterr().err
    assert code == 2
    assert expected in message
    assert len(message.strip().splitlines()) == 1


def test_a_misspelt_flag_is_answered_with_the_right_one(capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(["--setps", "3"])
    assert stop.value.code == 2
    assert "--steps" in capsys.readouterr().err


def test_a_loss_that_is_not_a_number_keeps_the_last_good_weights(tmp_path, small_text, capsys):
    words = [*TINY, "--steps", "60", "--data", str(small_text), "--out", str(tmp_path)]
    assert train.main([*words, "--matrix-lr", "1e30"]) == 1
    assert "not a number" in capsys.readouterr().err
    assert all(w.isfinite().all() for w in weights(tmp_path)["model"].values())


def test_the_preflight_comes_before_any_step(tmp_path, small_text, capsys):
    """A hidden diagonal gives logits that are no numbers: the preflight has to say so first."""
    text = (DAY3 / "model.py").read_text().replace(".tril(S - T)", ".tril(S - T - 1)")
    (tmp_path / "blind.py").write_text(text)
    words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path / "out")]
    assert train.main([*words, "--model", str(tmp_path / "blind.py")]) == 1
    assert "a row of the mask hide every position" in capsys.readouterr().out


def test_a_failed_preflight_stops_before_anything_is_written(tmp_path, small_text, capsys):
    text = (DAY3 / "model.py").read_text().replace(".tril(S - T)", "")
    (tmp_path / "leaky.py").write_text(text)
    words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path / "out")]
    words += ["--model", str(tmp_path / "leaky.py")]
    assert train.main(words) == 1
    assert "reads the answer" in capsys.readouterr().out
    assert not (tmp_path / "out" / "gpt.pt").exists()
    assert train.main([*words, "--no-preflight"]) == 0


def limited(code, limit):
    """Python code in a process that cannot write a file beyond so many bytes."""
    start = f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
    start += f"sys.path.insert(0, {str(DAY3)!r}); "
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        check=False, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


@posix
def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path):
    """The limit on a file's size stands for the disk."""
    path = tmp_path / "gpt.pt"
    checkpoint.save(path, {"weights": torch.ones(3)})
    kept = path.read_bytes()
    code = "import checkpoint, pathlib, torch\n"
    code += f"try: checkpoint.save(pathlib.Path({str(path)!r}), {{'weights': torch.ones(10**6)}})\n"
    code += "except OSError as error: print(error)\n"
    done = limited("\n" + code, 100_000)
    assert "the last good one is still there" in done.stdout
    assert path.read_bytes() == kept
    assert [p.name for p in tmp_path.iterdir()] == ["gpt.pt"]


@posix
@pytest.mark.parametrize("limit", [700, 60_000, 400_000])
def test_a_run_on_a_full_disk_says_what_to_do(tmp_path, small_text, limit):
    """The limits hit the record, the checkpoint, and (a small model's) picture of the curve."""
    words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path / "out")]
    done = limited(f"import train; sys.exit(train.main({words!r}))", limit)
    if limit == 400_000:
        assert done.returncode == 0
    else:
        assert done.returncode == 2
        assert "make room" in done.stderr
    assert not list((tmp_path / "out").glob("*.part"))


def test_resume_refuses_another_text_and_other_settings(tmp_path, small_text, capsys):
    out = tmp_path / "out"
    assert train.main([*TINY, "--steps", "12", "--data", str(small_text), "--out", str(out)]) == 0
    resume = ["--resume", "--out", str(out)]
    assert train.main(resume) == 2
    assert "complete" in capsys.readouterr().err
    state = weights(out)
    state["step"] = 6
    checkpoint.save(out / "gpt.pt", state)
    assert train.main([*resume, "--seed", "9"]) == 2
    assert "leave out --seed" in capsys.readouterr().err
    small_copy = tmp_path / "changed.txt"
    small_copy.write_text(small_text.read_text() + "One line more.\n")
    state["settings"]["data"] = str(small_copy)
    checkpoint.save(out / "gpt.pt", state)
    assert train.main(resume) == 2
    assert "not the text" in capsys.readouterr().err
    state["settings"]["model"] = "/elsewhere/mine.py"
    checkpoint.save(out / "gpt.pt", state)
    assert train.main(resume) == 2
    assert "/elsewhere/mine.py, outside this book: give it with --model" in capsys.readouterr().err


def test_a_run_stopped_at_its_end_is_finished_by_resume(tmp_path, small_text):
    """All steps are done but the last lines are missing, and one line of the record is cut off."""
    out = tmp_path / "out"
    assert train.main([*TINY, "--steps", "12", "--data", str(small_text), "--out", str(out)]) == 0
    lines = (out / "metrics.jsonl").read_text().splitlines()
    (out / "metrics.jsonl").write_text("\n".join([*lines[:-1], lines[-1][:20]]))
    assert train.main(["--resume", "--out", str(out)]) == 0
    assert (out / "metrics.jsonl").read_text().splitlines() == lines


def test_a_run_stopped_before_its_first_step_is_resumed(tmp_path, small_text):
    out = tmp_path / "out"
    out.mkdir()
    words = {"n_layer": 2, "n_head": 2, "n_embd": 16, "context": 32, "batch": 8, "steps": 12}
    start = Settings(precision="float32", device="cpu", out=out, data=str(small_text), **words)
    module = checkpoint.load_module(DAY3 / "model.py")
    Run(with_size(start, "tiny"), module, small_text.read_text(), "cpu").save()
    assert train.main(["--resume", "--out", str(out)]) == 0
    assert not (out / "earlier-1").exists()
    whole = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path / "whole")]
    assert train.main(whole) == 0
    same(weights(out)["model"], weights(tmp_path / "whole")["model"])


def test_minutes_that_are_too_short_still_train_a_little(tmp_path, small_text):
    words = ["--minutes", "0.01", "--data", str(small_text), "--out", str(tmp_path)]
    assert train.main([*words, "--precision", "float32"]) == 0


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("B, T, C = x.shape\n", "B, T = x.shape\n"),
        ("return weights @ v\n", "return weights @ k.mT\n"),
        ("import math\n", "import math; mathe.pi\n"),
    ],
    ids=["ValueError", "RuntimeError", "NameError"],
)
def test_an_error_in_the_learners_file_is_told_with_its_line(
    line, wrong, tmp_path, small_text, capsys, monkeypatch
):
    text = (DAY3 / "model.py").read_text()
    monkeypatch.chdir(tmp_path)
    assert text.count(line) == 1
    Path("mine.py").write_text(text.replace(line, wrong))
    number = text[: text.index(line)].count("\n") + 1
    words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path / "out")]
    assert train.main([*words, "--model", "mine.py"]) == 2
    assert f"mine.py, line {number}" in capsys.readouterr().err


def test_an_error_in_the_learners_file_is_told_with_its_line_when_a_run_goes_on(
    tmp_path, small_text, capsys, monkeypatch
):
    mine, text = tmp_path / "mine.py", (DAY3 / "model.py").read_text()
    mine.write_text(text)
    start = Settings(
        precision="float32", device="cpu", steps=12, out=tmp_path, data=str(small_text), model=mine
    )
    module = checkpoint.load_module(mine)
    Run(with_size(start, "tiny"), module, small_text.read_text(), "cpu").save()
    mine.write_text(text.replace("return weights @ v\n", "return weights @ k.mT\n"))
    monkeypatch.setattr(checkpoint, "of_this_book", lambda path: True)  # as in my/
    assert train.main(["--resume", "--out", str(tmp_path)]) == 2
    assert re.search(
        r"train\.py: RuntimeError: .* \(.*mine\.py, line \d+\)", capsys.readouterr().err
    )


def test_a_blank_of_the_model_says_what_is_to_be_written(tmp_path, small_text, capsys):
    mine = tmp_path / "model.py"
    mine.write_text(blank((DAY3 / "model.py").read_text()))
    words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path / "out")]
    assert train.main([*words, "--model", str(mine)]) == 1
    assert f"exercise 3.5 is still to be written in {mine}" in capsys.readouterr().err


def test_the_learners_model_file_is_trained(tmp_path, small_text, capsys):
    """A copy of the reference in another folder, trained by path, ends at the same weights."""
    mine = tmp_path / "mine.py"
    mine.write_text((DAY3 / "model.py").read_text())
    words = [*TINY, "--steps", "12", "--data", str(small_text)]
    assert train.main([*words, "--out", str(tmp_path / "a")]) == 0
    assert train.main([*words, "--out", str(tmp_path / "b"), "--model", str(mine)]) == 0
    found_by = f"--checkpoint {tmp_path / 'b' / 'gpt.pt'} --model {mine}"
    assert f"sample.py {found_by} --temperature" in capsys.readouterr().out
    same(weights(tmp_path / "a")["model"], weights(tmp_path / "b")["model"])
