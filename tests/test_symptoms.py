"""The bug lab shows what is to be seen: symptoms that cost nothing are computed again.

And two tests of the book that such faults turn red: the encoder against torch's, and an alphabet that
gives a part of a text the numbers of the whole.
"""

import re
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from study.book import Book

import attention_numpy
import block_numpy
from block_numpy import encoder, random_params
from positions_numpy import sinusoidal
from text import Alphabet

BUGS = {task.id: task for task in Book(Path(__file__).parent.parent).tasks.values() if task.planted}
TEXT = "to be or not to be\nROMEO: that is the question, & what's $3!"


def planted(name):
    """The module that a learner begins with."""
    module = types.ModuleType(name)
    exec(BUGS[name].start(), vars(module))  # noqa: S102
    return module


def symptom(name):
    path = BUGS[name].lesson.parent / "bugs" / f"{name}.toml"
    return " ".join(
        re.search(r'symptom = """\n(.*?)"""', path.read_text("utf-8"), re.DOTALL)[1].split()
    )


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


def test_bug4_the_masks_do_not_join():
    module = planted("bug4")
    with pytest.raises(TypeError, match="ufunc 'bitwise_and' not supported for the input types"):
        module.causal_mask(3) & module.padding_mask([2, 3], 3)
    with pytest.raises(ValueError) as error:
        attention_numpy.attention(*np.ones((3, 3, 2)), module.causal_mask(3))
    assert str(error.value) in symptom("bug4")


def test_bug8_rows_do_not_add_up():
    torch.manual_seed(0)
    x, matrices = torch.randn(1, 4, 6), [torch.randn(6, 3) for _ in range(3)]
    head, sums = planted("bug8").head, []
    for _ in range(4):
        sums.append([f"{total:.2f}" for total in head(x, *matrices)[1].sum(dim=-1)[0]])
    quoted = symptom("bug8")
    assert f"{', '.join(sums[0][:3])} and {sums[0][3]}" in quoted
    other = next(found for found in sums if found != sums[0])
    assert f"its sum is {other[1]}." in quoted


def test_bug11_the_last_norm_moves_nothing(monkeypatch):
    bug, quoted = planted("bug11"), symptom("bug11")
    for L in (1, 16):
        for module in (bug, block_numpy):
            rng, seen, norm = np.random.default_rng(0), [], module.layer_norm
            params = random_params(rng, 9, 16, 64, L, 3)
            for name, p in params.items():
                p[:] = 1 if name.endswith("gain") else 0 if name.endswith("bias") else p

            def watched(x, *more, norm=norm, seen=seen):
                seen.append((x, norm(x, *more)))
                return seen[-1][1]

            with monkeypatch.context() as patch:
                patch.setattr(module, "layer_norm", watched)
                module.encoder(rng.integers(9, size=(4, 7)), params, 4, [7, 7, 5, 3])
            x, y = seen[-1]
            if module is bug:
                assert np.abs(x - y).max() < float(re.search(r"more than ([\d.]+\d)", quoted)[1])
            else:
                assert np.abs(x - y).max() > 1 and f"{x.var(axis=-1).mean():.1f}" in quoted


def test_bug12_a_prompt_is_read_in_another_alphabet():
    import corpus

    name, text = corpus.find()
    alphabet = planted("bug12").Alphabet(text)
    assert alphabet.decode(alphabet.encode(text)) == text
    if name == corpus.SHAKESPEARE:
        read = alphabet.decode(alphabet.encode("ROMEO:"))
        names = {
            "'": "an apostrophe",
            "&": "an ampersand",
            "$": "a dollar",
            "!": "an exclamation mark",
        }
        names |= {" ": "a blank", "\n": "a new line"}
        print(repr(read))
        places = [symptom("bug12").index(names[symbol]) for symbol in dict.fromkeys(read)]
        assert places == sorted(places)
