"""sample.py and the file it reads: the same seed, wrong calls, spoilt checkpoints."""

import os

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
