"""Write a trained model as one page that a browser opens from disk: to look inside, or to send.

    python day3/share.py                                  day3/out/gpt.pt -> day3/out/gpt.html
    python day3/share.py /tmp/gpt.pt --out /tmp/mine.html

The page holds the weights in base64 of float32. Base64 of float16 would be half as long, but it
moves the logits by more than the 1e-4 that the page promises (tests/test_share.py measures it).
"""

import base64
import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import torch
import tyro

import checkpoint
import corpus
import model as book
from gpt_numpy import logits, unpack
from records import read_records
from settings import Settings as RunSettings
from settings import command
from terminal import exit_code

HERE = Path(__file__).parent
PAGE = HERE / "page" / "gpt.html"
TOLERANCE = 1e-4  # of a logit


@dataclasses.dataclass
class Settings:
    """Flags of share.py."""

    checkpoint: tyro.conf.Positional[Path] = HERE / "out" / "gpt.pt"
    """A file that day3/train.py wrote."""
    out: Path | None = None
    """Where the page goes; else gpt.html beside the checkpoint."""
    model: Path | None = None
    """The file with Config and GPT of the run; has to be given where it lies outside this book."""


def main(arguments=None):
    """The command: exit code 0, 2 for a wrong call or a model that the page cannot compute."""

    def run():
        settings = tyro.cli(Settings, args=arguments, description=__doc__)
        out = settings.out or settings.checkpoint.parent / "gpt.html"
        write(settings.checkpoint, out, settings.model)
        size = out.stat().st_size / 1e6
        print(f"{out}: {size:.1f} MB; open it in a browser, or send it to a friend")

    return exit_code("share.py", run)


def write(path, out, model_file=None):
    """From a checkpoint to a page. ValueError for one that holds another model than the page's."""
    state = checkpoint.load(path)
    model_file = model_file or checkpoint.model_of(state)
    model = checkpoint.restore(state, checkpoint.load_module(model_file)).eval()
    config = config_of(model, state)
    same_parameters(state["model"], config, model_file)
    # the head is the embedding: what is tied is written once
    names = [name for name in state["model"] if name != "head.weight"]
    data = b"".join(state["model"][name].float().numpy().astype("<f4").tobytes() for name in names)
    parameters = [(name, list(state["model"][name].shape)) for name in names]
    agrees(model, unpack(data, parameters), config, model_file)
    ids = torch.arange(min(config["context"], 32)) * 7 % config["vocab_size"]
    with torch.no_grad():
        check = {"ids": ids.tolist(), "logits": model(ids[None])[0].flatten().tolist()}
    about = {
        "run": the_run(state, read_records(Path(path).parent), len(data) // 4),
        "config": config,
        "alphabet": state["alphabet"],
        "parameters": parameters,
        "check": check,
    }
    page = fill(PAGE, json.dumps(about, allow_nan=False), base64.b64encode(data).decode())
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f"{out.name}.part")
    try:
        beside.write_text(page, encoding="utf-8")
        checkpoint.replace(beside, out)
    finally:
        beside.unlink(missing_ok=True)


def config_of(model, state):
    """Every field of day3/model.py's Config, also where the model's own Config lacks it."""
    own = getattr(model, "config", None)
    given = {name: getattr(own, name, None) for name in ("positions", "gelu")}
    try:
        config = vars(book.Config(**state["config"]))
    except TypeError as error:
        raise ValueError(f"the page computes as day3/model.py does: {error}") from None
    return config | {name: value for name, value in given.items() if value}


def same_parameters(weights, config, model_file):
    """ValueError where the parameters are not those of day3/model.py, by name and by shape."""
    ours = {k: list(v.shape) for k, v in book.GPT(book.Config(**config)).state_dict().items()}
    theirs = {name: list(value.shape) for name, value in weights.items()}
    different = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))
    if different:
        some = ", ".join(different[:3]) + (" ..." if len(different) > 3 else "")
        raise ValueError(
            f"the page computes as day3/model.py does, and {model_file} has other parameters: {some}"
        )


def agrees(model, weights, config, model_file):
    """ValueError where the model's logits are not those of the weights in the page.

    The page runs in a browser, which may be missing here. What runs instead is Day 1's NumPy, on
    the bytes of the page; the tests show that the page's JavaScript agrees with it, and every page
    compares itself with PyTorch when it is opened.
    """
    V, context = config["vocab_size"], config["context"]
    generator = torch.Generator().manual_seed(1)
    for T in {1, (context + 1) // 2, context}:
        ids = torch.randint(V, (2, T), generator=generator)
        with torch.no_grad():
            theirs = model(ids)[0].double().numpy()
        if not np.isfinite(theirs).all():
            raise ValueError("the logits are not finite: this model has diverged, train it again")
        difference = np.abs(theirs - logits(weights, ids.numpy(), config)).max()
        if difference > TOLERANCE:
            raise ValueError(
                f"the page computes as day3/model.py does, and {model_file} computes something "
                f"else: its logits differ by {difference:.2g}"
            )


def the_run(state, records, parameters):
    """What part 4 of the page shows: curve, baselines, samples, and the command that repeats it."""
    saved = {k: v for k, v in state["settings"].items() if hasattr(RunSettings, k)}
    saved |= {name: Path(saved[name]) for name in ("out", "model")}
    text = Path(saved["data"] or "a text of its owner").name
    if state["text_sha256"] == corpus.SHA256 or text == "grammar":
        text = corpus.GRAMMAR if text == "grammar" else corpus.SHAKESPEARE
    # a page that is sent to a friend need not tell where its owner keeps the files
    own = {"data": saved["data"] and Path(saved["data"]).name, "model": HERE / "model.py"}
    own["out"] = RunSettings().out
    if not checkpoint.the_books(saved["model"]):
        mine = saved["model"].parts[-3:]
        own["model"] = Path(*mine) if mine[0] == "my" else saved["model"].name
    records = [record for record in records if record["step"] <= state["step"]]
    last = next((record for record in records if "final" in record), {})
    s = RunSettings(**saved)
    return {
        "title": f"A GPT of {parameters / 1e6:.2f} M parameters, trained on {text}",
        "line": f"{s.n_layer} layers, {s.n_head} heads, {s.n_embd} channels, a context of "
        f"{s.context} characters. Step {state['step']} of {s.steps}, {state['seconds']:.0f} s.",
        "command": command(dataclasses.replace(s, **own)),
        "records": [r for r in records if "validation" in r],
        "baselines": last.get("baselines", {}),
        "final": last.get("final"),
        "samples": [{"step": r["step"], "text": r["sample"]} for r in records if "sample" in r],
    }


def fill(template, about, weights):
    """The page with its style and scripts in it, and nothing left to fetch."""

    def text(match):
        return (template.parent / match[1]).read_text("utf-8")

    page = template.read_text("utf-8")
    page = re.sub(
        r'<link rel="stylesheet" href="(.+?)">', lambda m: f"<style>\n{text(m)}</style>", page
    )
    page = re.sub(r'<script src="(.+?)">', lambda m: f"<script>\n{text(m)}", page)
    # inside a script element, a text could end it: "<" can be written otherwise in JSON
    about = about.replace("<", "\\u003c")
    page = page.replace('type="application/json">', f'type="application/json">{about}', 1)
    return page.replace('type="text/plain">', f'type="text/plain">{weights}', 1)


if __name__ == "__main__":
    sys.exit(main())
