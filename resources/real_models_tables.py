"""Our default model beside published ones, counted by one formula: see study/pages.py."""

import json
import tomllib
from pathlib import Path

from recording import table
from settings import SIZES

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "day3" / "results" / "bench.json"
SYMBOLS = 65  # of tiny Shakespeare
MODELS = tomllib.loads((ROOT / "resources" / "real_models.toml").read_text("utf-8"))["model"]


def parameters(V, C, L, H, G, M, T, matrices, tied, biases, positions, norm, **_):
    """Numbers that a decoder learns: attention with G heads of keys and values, a dense feed-forward.

    An RMS norm has a gain, a layer norm a bias, too; biases stand in all matrices or in none.
    """
    D, vectors = C // H, 2 if norm.startswith("layer norm") else 1
    attention = 2 * C * C + 2 * C * G * D
    bias = 2 * C + 2 * G * D + M + C if biases else 0
    block = attention + matrices * C * M + bias + 2 * vectors * C
    rows = V * (1 if tied else 2) + (T if positions == "learned" else 0)
    return rows * C + L * block + vectors * C


def ours():
    """The model of `python day3/train.py` as its settings and its record say."""
    size, row = SIZES["small"], json.loads(RECORD.read_text("utf-8"))["minutes 2"]
    run = next(run for run in row["runs"] if run["loss"] == row["loss"]["median"])
    steps = int(run["repeat"].split("--steps ")[1].split()[0])
    sizes = {"L": size.n_layer, "C": size.n_embd, "H": size.n_head, "G": size.n_head}
    sizes |= {"M": 4 * size.n_embd, "V": SYMBOLS, "T": size.context}
    kinds = {"matrices": 2, "tied": True, "biases": True, "positions": "rotary"}
    kinds |= {"norm": "layer norm, before", "bend": "GELU"}
    symbols = steps * size.batch * size.context
    return {"name": "ours, 2 minutes", "year": "", "symbols": symbols, **sizes, **kinds}


def counted(model):
    """The parameters of a model by the formula; None where its feed-forward is not one but many."""
    return parameters(**model) if "matrices" in model else None


def training_flop(model):
    """Six operations a parameter at work and symbol. Kaplan et al. 2020, section 2.1."""
    working = model.get("active") or counted(model)
    return 6 * working * model["symbols"] if "symbols" in model else None


def cached_bytes(model):
    """Bytes that one position leaves in the cache, at two a number."""
    each = model.get("cached") or 2 * model["G"] * model["C"] // model["H"]
    return 2 * model["L"] * each


def short(number):
    """1234567 -> "1.23 M", and with its power of ten from a quadrillion on; "" for None."""
    if number is None:
        return ""
    if number >= 1e15:
        digits, power = f"{number:.1e}".split("e+")
        return f"{digits} · 10^{power}"
    for power, unit in ((12, " T"), (9, " B"), (6, " M"), (3, " k")):
        if number >= 10**power:
            return f"{number / 10**power:.3g}{unit}"
    return f"{number:.3g}"


def read_each(model):
    """How many symbols it was trained on for each parameter that works on one."""
    working = model.get("active") or counted(model)
    return short(model["symbols"] / working) if "symbols" in model else ""


def real_models():
    """Our default model beside published ones: sizes, parameters, cost."""
    models = [ours(), *MODELS]

    def row(name, value):
        return [name, *(str(value(model)) for model in models)]

    def given(letter):
        return lambda model: f"{model[letter]:,}" if letter in model else ""

    words = ("blocks", "channels", "heads", "heads of keys and values", "hidden", "symbols")
    sizes = [row(f"{letter}, {word}", given(letter)) for letter, word in zip("LCHGMV", words)]
    rows = [
        row("year", lambda m: m["year"]),
        *sizes,
        row("D, channels of a head", lambda m: m.get("D", m["C"] // m["H"])),
        row("context of training", given("T")),
        *(row(name, lambda m, name=name: m[name]) for name in ("positions", "norm", "bend")),
        row("experts at work", lambda m: m.get("experts", "")),
        row("parameters, by the formula", lambda m: short(counted(m))),
        row("parameters, as published", lambda m: short(m.get("published"))),
        row("at work for one symbol", lambda m: short(m.get("active") or counted(m))),
        row("symbols in training", lambda m: short(m.get("symbols"))),
        row("symbols a parameter at work", read_each),
        row("operations of training", lambda m: short(training_flop(m))),
        row("cache of one position, bytes", lambda m: short(cached_bytes(m))),
    ]
    sources = "\n".join(f"- {model['name']}: {model['source']}" for model in MODELS)
    return table(["", *(model["name"] for model in models)], rows) + "\n\nSources:\n\n" + sources


TABLES = {"real models": real_models}
