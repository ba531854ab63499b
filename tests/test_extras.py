"""The variants are what they say: sound models that differ from the book's."""

import pytest
import torch

import extras
from preflight import preflight


@pytest.mark.parametrize("name", extras.VARIANTS)
def test_a_variant_is_sound_and_differs(name):
    replacements, words = extras.VARIANTS[name]
    more = {"positions": words["positions"]} if "positions" in words else {}
    logits = []
    for lines, words_of in (({}, {}), (replacements, more)):
        module = extras.variant(lines)
        torch.manual_seed(1)
        model = module.GPT(module.Config(11, 16, 2, 2, 32, 0.0, **words_of))
        assert preflight(model, 11, 16) == []
        torch.manual_seed(2)
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(
                    0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel()))
                )
        logits.append(model(torch.arange(10)[None])[0])
    assert torch.equal(*logits) == (not replacements and not more)


def test_a_line_that_is_gone_from_the_model_is_an_error():
    with pytest.raises(ValueError, match="0 times"):
        extras.variant({"no such line": "x"})
