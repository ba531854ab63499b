"""What the bug lab shows is what was measured: every number of a symptom stands in a phrase that is
made from a record (dayN/results/bugs.json), or from a quick look that is taken here anew.

And two tests of the book that such faults turn red: the encoder against torch's, and an alphabet that
gives a part of a text the numbers of the whole.
"""

import json
import re
import sys
import types

import numpy as np
import pytest
import torch
from study.book import Book

import bug_looks
import corpus
import evaluate
import measure_bugs
from block_numpy import encoder, random_params
from positions_numpy import sinusoidal
from preflight import preflight
from text import Alphabet

BUGS = {task.id: (task, told) for task, told in measure_bugs.bugs(Book(measure_bugs.ROOT))}
TEXT = "to be or not to be\nROMEO: that is the question, & what's $3!"


def test_the_encoder_is_torchs():
    """Pre-norm, and one norm behind the last block."""
    V, C, M, L, H, T = 9, 12, 20, 3, 2, 5
    params = random_params(np.random.default_rng(0), V, C, M, L, classes=4)
    layer = torch.nn.TransformerEncoderLayer(
        C, H, M, 0.0, "gelu", batch_first=True, norm_first=True, dtype=torch.float64
    )
    theirs = torch.nn.TransformerEncoder(
        layer, L, torch.nn.LayerNorm(C, dtype=torch.float64), enable_nested_tensor=False
    )
    names = {"norm_1": "norm1", "norm_2": "norm2", "feed_forward": "linear"}
    state = {"norm.weight": params["norm.gain"], "norm.bias": params["norm.bias"]}
    for n in range(L):
        own, prefix = f"blocks.{n}.", f"layers.{n}."
        packed = [params[f"{own}attention.w_{name}"].T for name in "qkv"]
        state[f"{prefix}self_attn.in_proj_weight"] = np.concatenate(packed)
        state[f"{prefix}self_attn.in_proj_bias"] = np.zeros(3 * C)
        state[f"{prefix}self_attn.out_proj.weight"] = params[f"{own}attention.w_o"].T
        state[f"{prefix}self_attn.out_proj.bias"] = np.zeros(C)
        for k in (1, 2):
            state[f"{prefix}linear{k}.weight"] = params[f"{own}feed_forward.w{k}"].T
            state[f"{prefix}linear{k}.bias"] = params[f"{own}feed_forward.b{k}"]
            state[f"{prefix}{names[f'norm_{k}']}.weight"] = params[f"{own}norm_{k}.gain"]
            state[f"{prefix}{names[f'norm_{k}']}.bias"] = params[f"{own}norm_{k}.bias"]
    theirs.load_state_dict({n: torch.tensor(p) for n, p in state.items()})
    ids, lengths = np.array([[1, 2, 3, 4, 5], [8, 7, 6, 0, 0]]), [5, 3]
    x = torch.tensor(params["embedding"][ids] + sinusoidal(T, C))
    hidden = torch.arange(T) >= torch.tensor(lengths)[:, None]
    out = theirs(x, src_key_padding_mask=hidden).detach().numpy()[:, 0]
    expected = out @ params["head.w"] + params["head.b"]
    np.testing.assert_allclose(encoder(ids, params, H, lengths, "first"), expected, atol=1e-10)


def test_a_part_of_a_text_has_the_numbers_of_the_whole():
    alphabet = Alphabet(TEXT)
    whole = alphabet.encode(TEXT)
    for start in range(len(TEXT) - 6):
        assert torch.equal(alphabet.encode(TEXT[start : start + 6]), whole[start : start + 6])


# ---- symptoms


def planted(task):
    """The module that a learner begins with."""
    module = types.ModuleType(task.lesson.stem)
    exec(task.start(), vars(module))  # noqa: S102
    return module


def record(name):
    """What was measured of a bug, as --record wrote it, or as it is seen now where that is quick."""
    task, told = BUGS[name]
    if not told.get("quick"):
        rows = json.loads((task.lesson.parent / "results" / "bugs.json").read_text("utf-8"))
        assert rows[name].get("run", "").endswith(told.get("run", "")), (
            "recorded by another command"
        )
        assert rows[name].get("look", told["look"]) == told["look"]
        return rows[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, task.lesson.stem, planted(task))
        figures = getattr(bug_looks, name)()
    return figures | {"the book": getattr(bug_looks, name)()}


def curve(figures):
    """step -> training loss, validation loss."""
    return {step: losses for step, *losses in figures["curve"]}


def in_words(text):
    """The symbols of a text by name."""
    names = {"'": "an apostrophe", "&": "an ampersand", "$": "a dollar", " ": "a blank"}
    names |= {"!": "an exclamation mark", "\n": "a new line"}
    *first, last = [names[symbol] for symbol in text]
    return f"{', '.join(first)} and {last}"


def said_of_bug1(r):
    task, _ = BUGS["bug1"]
    gpt = planted(task).GPT(planted(task).Config(65, 16, 2, 2, 8))
    [finding] = preflight(gpt, 65, 16)
    assert r["sample"].count("I") > 0.7 * len(r["sample"])
    yield f"The preflight stops it: {finding.split(': ')[1].split('. ')[0]}."
    yield f"stands at {curve(r)[100][1]:.3f} after 100 steps and at {curve(r)[240][1]:.3f} after 240"
    yield f"the same weights have a loss of {r['as the book counts']:.4f}"


def said_of_bug2(r):
    rows = [{"train": train, "validation": loss} for train, loss in curve(r).values()]
    assert evaluate.overfits(rows[:4]), "the program says so"
    assert set(r["sample"]) == {"\n"}
    losses = curve(r)
    yield f"After 20 steps the training loss is {losses[20][0]:.3f}, after 40 it is {losses[40][0]:.3f}"
    yield f"Validation has risen to {losses[40][1]:.3f}"


def said_of_bug3(r):
    yield "Trained with --dropout 0.2," if r["run"].endswith("--dropout 0.2") else "without"
    yield f"said to have {r['whole validation split']:.4f} nats on the validation split"
    yield "the same weights have {:.4f}, then {:.4f}".format(*r["asked again"])
    yield f"The book counts {r['as the book counts']:.4f} for them"


def said_of_bug4(r):
    assert r["the book"] == {"joined": "no error", "alone": "no error"}
    error, told = r["joined"].split(", and")[0].split(": ")
    told = told.replace("'", "").replace("_", " ")  # a symptom has no underscores
    yield f"{error}, {told}."
    yield r["alone"].removeprefix("ValueError: ")


def said_of_bug5(r):
    loss, book = r["loss"], r["the book"]
    assert book["loss"]["1"] == loss["1"]
    yield f"from {loss['1']:.2f} nats to {loss['300']:.2f} in 300 steps"
    assert abs(book["loss"]["300"] - loss["300"]) < 0.1, "as with right gradients"
    yield f"{loss['1500']:.2f} after 1500 steps, where {book['loss']['1500']:.2f} is usual"
    yield f"{r['right']} of {r['unseen']} unseen sums are right instead of {book['right']}"


def said_of_bug6(r):
    own, book = curve(r), curve(r["the book"])
    assert abs(own[0][0] - np.log(65)) < 0.05
    yield "is ln 65, as it should be"
    yield f"{own[100][0]:.2f} nats after 100 steps of size tiny, {own[200][0]:.2f} after 200"
    yield f"a healthy run has {book[100][0]:.2f} and {book[200][0]:.2f}"
    yield f"climbs to {own[300][1]:.1f}"
    rows = [{"train": train, "validation": loss} for train, loss in own.values()]
    assert any(evaluate.overfits(rows[:n]) for n in range(len(rows) + 1))
    assert set(r["sample"]) == {"\n"}


def said_of_bug7(r):
    whole, table = "whole validation split", "Kneser-Ney 7-gram"
    yield "300 steps, size tiny, seed 1:"
    yield f"is {r[whole]:.4f} nats, and with the same model it was {r['the book'][whole]:.4f}"
    yield f"the 7-gram, which is counted in a second, has {r['baselines'][table]:.4f}"
    yield f"It had {r['the book']['baselines'][table]:.4f}"


def said_of_bug8(r):
    sums, again = ([f"{total:.2f}" for total in r[key]] for key in ("sums of rows", "asked again"))
    assert r["the book"]["asked again"] == pytest.approx([1] * 4, abs=1e-6)
    yield f"its rows add up to {', '.join(sums[:3])} and {sums[3]}"
    yield f"row 1 is empty, and its sum is {again[1]}."


def said_of_bug9(r):
    yield f"stops before its first sample: {r['one letter']}"
    yield "size tiny, 300 steps, written with by this file at temperature 0"
    assert r["run"].split("train.py ")[1].startswith("--size tiny --steps 300 ")
    for prompt, text in r["written"].items():
        quoted = re.search(rf"\b{prompt} (?:stands|gives) (\w+:+)", BUGS["bug9"][0].symptom)[1]
        assert text.startswith(quoted), prompt
        yield quoted


def said_of_bug10(r):
    loss, book = r["loss"], r["the book"]
    yield "600 steps of four micro-batches each"
    yield f"falls as usual for 100 steps, to {loss['100']:.2f} nats"
    assert abs(book["loss"]["100"] - loss["100"]) < 0.1
    yield f"It has {loss['150']:.2f} after 150 and {loss['600']:.2f} after 600"
    yield f"where a healthy run ends at {book['loss']['600']:.2f}"
    yield f"{r['right'][0]} of {r['unseen']} answers are right instead of {book['right'][0]}"
    assert max(r["right"]) < 0.7 * r["unseen"] < 0.9 * r["unseen"] < min(book["right"])


def said_of_bug11(r):
    book = r["the book"]
    yield "with gains of 1 and biases of 0"
    yield "no number by more than 0.00001, after 1 layer as after 16"
    assert max(r["moved"].values()) < 0.00001
    assert min(book["moved"].values()) > 1
    one, many = (f"{book['variance'][L]:.1f}" for L in ("1", "16"))
    yield f"a variance of {one} after 1 layer, and of {many} after 16"


def said_of_bug12(r):
    if r["text"] != corpus.SHAKESPEARE:
        pytest.skip("needs the real text: set TINY_SHAKESPEARE to a copy of tiny Shakespeare")
    assert r["comes back"] and r["the book"]["ROMEO:"] == "ROMEO:"
    yield f"the prompt ROMEO: comes back as {in_words(r['ROMEO:'])}"


def unproved(symptom, phrases):
    """The words with a number that are left of a symptom without its phrases. AssertionError for a
    phrase that does not stand in it.
    """
    for phrase in phrases:
        assert phrase in symptom, f"measured: {phrase!r}"
        symptom = symptom.replace(phrase, " ... ")
    return [word for word in symptom.split() if re.search(r"\d", word)]


@pytest.mark.parametrize("name", BUGS)
def test_every_number_of_a_symptom_is_measured(name):
    phrases = list(globals()[f"said_of_{name}"](record(name)))
    assert unproved(BUGS[name][0].symptom, phrases) == []


def test_a_number_that_was_typed_is_noticed():
    assert unproved("2.5 nats after 40 steps", ["2.5 nats"]) == ["40"]
    with pytest.raises(AssertionError, match="measured: '2.4 nats'"):
        unproved("2.5 nats after 40 steps", ["2.4 nats"])


def test_every_bug_says_what_is_looked_at():
    for name, (_, told) in BUGS.items():
        assert told["look"]
        assert "run" in told or hasattr(bug_looks, name)


def test_a_symptom_is_seen_again_and_is_gone_when_mended(capsys):
    task, told = BUGS["bug4"]
    now = measure_bugs.seen(task, told, task.start())
    assert {"joined": now["joined"], "alone": now["alone"]}.items() <= record("bug4").items()
    mended = measure_bugs.seen(task, told, task.lesson.read_text("utf-8"))
    assert (mended["joined"], mended["alone"]) == ("no error", "no error")
    for words in ([], ["bug99"]):
        assert measure_bugs.main(words) == 2
        assert "bug9, bug10, bug11" in capsys.readouterr().err
