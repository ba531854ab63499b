"""sample.py and the file it reads: the same seed, wrong calls, spoilt checkpoints."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import sample
import train
from test_train import TINY


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_text):
    out = tmp_path_factory.mktemp("trained")
    words = [*TINY, "--steps", "60", "--data", str(small_text), "--out", str(out)]
    assert train.main(words) == 0
    return out / "gpt.pt"


def read(trained, capsys, *words):
    code = sample.main(["--checkpoint", str(trained), *words])
    return code, capsys.readouterr()


def test_sample_same_seed_same_text_and_greedy_needs_no_seed(trained, capsys):
    code, first = read(trained, capsys, "--prompt", "The", "--length", "100")
    assert code == 0
    assert first.out.startswith("The")
    assert len(first.out) == 3 + 100 + 1
    assert read(trained, capsys, "--prompt", "The", "--length", "100")[1].out == first.out
    other = read(trained, capsys, "--prompt", "The", "--length", "100", "--seed", "2")[1].out
    assert other != first.out
    greedy = [
        read(trained, capsys, "--temperature", "0", "--seed", seed)[1].out for seed in ("1", "2")
    ]
    assert greedy[0] == greedy[1]
    assert read(trained, capsys, "--top-k", "1")[1].out == greedy[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--prompt", "\u00e9"], "never seen '\u00e9'"),
        (["--prompt", ""], "empty"),
        (["--temperature", "-1"], "temperature"),
        (["--top-p", "1.5"], "top_p"),
        (["--top-k", "0"], "top_k"),
        (["--length", "-1"], "--length"),
        (["--checkpoint", "nowhere.pt"], "train.py first"),
    ],
)
def test_sample_answers_a_wrong_call_with_one_sentence(trained, capsys, words, expected):
    code, printed = read(trained, capsys, *words)
    assert code == 2
    assert expected in printed.err
    assert len(printed.err.strip().splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "cut", "foreign"])
def test_a_spoilt_checkpoint_is_named(trained, tmp_path, capsys, content):
    path = tmp_path / "gpt.pt"
    if content == "foreign":
        torch.save({"weights": torch.zeros(3)}, path)
    else:
        path.write_bytes(trained.read_bytes()[:5000] if content == "cut" else content)
    code = sample.main(["--checkpoint", str(path)])
    assert code == 2
    assert "checkpoint" in capsys.readouterr().err


def test_a_checkpoint_cannot_run_a_program(tmp_path, capsys):
    import pickle

    class Trap:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'sprung'}",))

    (tmp_path / "gpt.pt").write_bytes(pickle.dumps({"model": Trap(), "config": 1, "alphabet": ""}))
    assert sample.main(["--checkpoint", str(tmp_path / "gpt.pt")]) == 2
    torch.save({"model": Trap(), "config": 1, "alphabet": ""}, tmp_path / "gpt.pt")
    assert sample.main(["--checkpoint", str(tmp_path / "gpt.pt")]) == 2
    assert not (tmp_path / "sprung").exists()


def test_a_model_from_elsewhere_has_to_be_given(trained, tmp_path, capsys):
    """The parameters of both have the same names: nothing else would tell them apart."""
    state = torch.load(trained, weights_only=True)
    state["settings"]["model"] = "/elsewhere/mine.py"
    torch.save(state, tmp_path / "gpt.pt")
    code, printed = read(tmp_path / "gpt.pt", capsys)
    assert code == 2 and "give it with --model" in printed.err
    model = str(Path(sample.__file__).with_name("model.py"))
    assert read(tmp_path / "gpt.pt", capsys, "--model", model)[0] == 0


# ---- prompts from the keyboard


def converse(trained, capsys, monkeypatch, typed, *words):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return read(trained, capsys, "--interactive", "--length", "40", *words)


def test_each_prompt_is_answered_as_if_it_had_been_given_alone(trained, capsys, monkeypatch):
    alone = [
        read(trained, capsys, "--length", "40", "--prompt", prompt)[1].out
        for prompt in ("The", "Thou a")
    ]
    code, printed = converse(trained, capsys, monkeypatch, "The\nThou a\n\nnever read\n")
    assert code == 0
    assert printed.out == "".join(alone)
    assert printed.err == ""


@pytest.mark.parametrize("typed", ["", "\n", "The", "The\n"])
def test_the_end_of_the_input_ends_it(trained, capsys, monkeypatch, typed):
    code, printed = converse(trained, capsys, monkeypatch, typed)
    assert (code, printed.err) == (0, "")
    assert len(printed.out) == (3 + 40 + 1 if typed.strip() else 0)


def test_an_unknown_character_costs_a_sentence_and_no_more(trained, capsys, monkeypatch):
    code, printed = converse(trained, capsys, monkeypatch, "\u00e9\nThe\n")
    assert code == 0
    assert "never seen '\u00e9'" in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.out.startswith("The")


def test_ctrl_c_ends_a_text_and_the_next_prompt_is_read(trained, capsys, monkeypatch):
    whole, stopped = sample.texts, []

    def interrupted(settings, model, alphabet, prompt):
        yield from whole(settings, model, alphabet, prompt)
        if not stopped:
            stopped.append(True)
            raise KeyboardInterrupt

    monkeypatch.setattr(sample, "texts", interrupted)
    code, printed = converse(trained, capsys, monkeypatch, "The\nThou\n")
    assert code == 0
    assert "\nThou" in printed.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--interactive", "--prompt", "The"], "leave out --prompt"),
        (["--interactive", "--checkpoint", "nowhere.pt"], "train.py first"),
        (["--interactive", "--length", "-1"], "--length"),
    ],
)
def test_an_interactive_call_that_is_wrong_is_told_before_the_first_prompt(
    trained, capsys, monkeypatch, words, expected
):
    monkeypatch.setattr("sys.stdin", io.StringIO("The\n"))
    code, printed = read(trained, capsys, *words)
    assert code == 2
    assert expected in printed.err
    assert printed.out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is a Unix device")
def test_at_a_terminal_it_asks(trained):
    import pty

    ours, theirs = pty.openpty()
    program = Path(sample.__file__)
    words = ["--interactive", "--length", "10", "--checkpoint", str(trained)]
    os.write(ours, b"The\n\n")
    done = subprocess.run(
        [sys.executable, program, *words],
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    first, rest = done.stdout.split("The", 1)
    assert first == "prompt> "
    assert rest.endswith("\nprompt> ")
