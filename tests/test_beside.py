"""A model of one's own is compared with the book's over its first steps."""

import dataclasses
from pathlib import Path

import pytest

import beside
import checkpoint
import grammar
from settings import Settings, with_size

DAY3 = Path(beside.__file__).parent
SOURCE = (DAY3 / "model.py").read_text("utf-8")


@pytest.fixture(scope="module")
def text():
    return grammar.plays(20_000, seed=3)


def sentence(source, folder, text):
    path = folder / "model.py"
    path.write_text(source, encoding="utf-8")
    settings = with_size(Settings(steps=12, precision="float32"), "tiny")
    settings = dataclasses.replace(settings, batch=4, n_layer=2)
    return beside.beside(settings, checkpoint.load_module(path), text, "cpu", steps=8)


def test_the_same_model_has_the_same_losses_to_the_bit(tmp_path, text):
    said = sentence(SOURCE, tmp_path, text)
    assert "the same losses to 0; after 8 steps" in said


def test_another_order_of_the_same_sums_is_the_same_model(tmp_path, text):
    old = "return F.layer_norm(x, self.gain.shape, self.gain, self.bias, eps=1e-5)"
    new = (
        "c = x - x.mean(-1, keepdim=True); "
        "return c / (c.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * self.gain + self.bias"
    )
    assert SOURCE.count(old) == 1
    assert "the same losses to" in sentence(SOURCE.replace(old, new), tmp_path, text)


def test_a_model_that_computes_something_else_parts(tmp_path, text):
    old = "x = x + self.dropout(self.attention(self.norm_1(x), cache))"
    assert SOURCE.count(old) == 1
    other = SOURCE.replace(old, "x = x + 0.01 * x.mean(dim=1, keepdim=True)")
    assert "the losses part" in sentence(other, tmp_path, text)


def test_a_model_that_goes_another_way_is_told_at_which_step(tmp_path, text, monkeypatch):
    def pretended(settings, module, *_):
        return [4.0, 3.0, 2.5 if module.__file__ == str(beside.BOOKS) else 2.0]

    monkeypatch.setattr(beside, "first_losses", pretended)
    said = "2.000 and 2.500 at step 2; after 3 steps yours has 2.000, the book's 2.500"
    assert sentence(SOURCE, tmp_path, text).endswith(said)
