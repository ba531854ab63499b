"""Look inside the model that you trained: what its heads read, what each part is worth, how it writes.

    python day3/inside.py                               day3/out/gpt.pt, half a minute
    python day3/inside.py --text "To be, or not to be"  a line of yours, in the map and in the lens
    python day3/inside.py --write "ROMEO:"              only its attention, while it writes

It looks at day3/model.py with the weights of the run, after a test that the run's own model file
says the same. Pictures go beside the checkpoint, or to --out.
"""

import dataclasses
import hashlib
import sys
from pathlib import Path

import torch
import tyro

import checkpoint
import corpus
import heads
import inside_pictures
import inside_report as report
import lens
import model as book
import share
from ascii_map import ascii_map
from embedding_space import principal_components
from lens import visible
from terminal import exit_code
from text import Alphabet, split

HERE = Path(__file__).parent
JUDGED = 8192  # characters of the validation split
LINE = 16  # characters of a map of attention
PROMPT, GOES_ON = 16, 24  # characters before and of the writing that is watched


@dataclasses.dataclass
class Settings:
    """Flags of inside.py."""

    checkpoint: Path = HERE / "out" / "gpt.pt"
    """A file that day3/train.py wrote."""
    text: str | None = None
    """A line to look at; else one of the validation split."""
    write: str | None = None
    """Only write on from this, and show what each character was written by."""
    data: str | None = None
    """The text of the run, where it is no longer where it was."""
    model: Path | None = None
    """The file with Config and GPT of the run; has to be given where it lies outside this book."""
    out: Path | None = None
    """Folder for the pictures; else that of the checkpoint."""


def main(arguments=None):
    """The command: exit code 0, 2 for a wrong call, 130 for Ctrl-C."""

    def run():
        settings = tyro.cli(Settings, args=arguments, description=__doc__)
        model, state = opened(settings.checkpoint, settings.model)
        alphabet = Alphabet(state["alphabet"])
        if settings.write is not None:
            print(while_writing(model, alphabet, settings.write))
            return
        for part in look(model, state, alphabet, settings):
            print(part, end="\n\n", flush=True)

    return exit_code("inside.py", run)


def opened(path, model_file=None):
    """day3/model.py with the weights of a checkpoint, and the checkpoint.

    ValueError where the model file of the run computes something else: its parts are unknown then.
    """
    state = checkpoint.load(path)
    model_file = model_file or checkpoint.model_of(state)
    own = checkpoint.restore(state, checkpoint.load_module(model_file)).eval()
    config = share.config_of(own, state)
    share.same_parameters(state["model"], config, model_file)
    model = book.GPT(book.Config(**config)).eval()
    model.load_state_dict(state["model"])
    ids = torch.arange(config["context"])[None] * 7 % config["vocab_size"]
    with torch.no_grad():
        apart = (model(ids)[0] - own(ids)[0]).abs().max().item()
    if not apart < 1e-4:
        raise ValueError(
            f"inside.py knows the parts of day3/model.py, and {model_file} computes something "
            f"else: its logits differ by {apart:.2g}"
        )
    return model, state


def the_text(state, data=None):
    """The text that a run was trained on. ValueError where it cannot be found any more."""
    _, text = corpus.find(data or state["settings"]["data"])
    if hashlib.sha256(text.encode()).hexdigest() != state["text_sha256"]:
        raise ValueError("this is not the text of that run: give its own with --data")
    return text


def look(model, state, alphabet, settings):
    """Yield the tables, one after the other, and write the pictures."""
    text = the_text(state, settings.data)
    training, validation = split(alphabet.encode(text))
    source, unseen = text[: len(training)], text[len(training) :]
    x, y = windows(validation, model.config.context, JUDGED)
    line = settings.text or a_line(unseen)
    if len(line) < 2:
        raise ValueError("a line to look at needs at least two characters: give more with --text")
    line = line[: model.config.context]
    untrained = newborn(model.config, state["settings"]["seed"])
    yield report.the_model(model, state, settings.checkpoint, x, y)
    yield report.heads_seen(model, x, y, alphabet)
    yield report.feed_forwards(model, x, y)
    yield report.layers(model, x, y)
    yield f"What each layer would say comes next:\n\n{lens.table(model, line, alphabet)}"
    yield report.positions(model, x, y)
    yield report.embeddings(untrained, model, alphabet.symbols)
    yield report.ways_of_writing(model, alphabet, source, unseen)
    yield while_writing(model, alphabet, line[:12])
    yield pictures(model, untrained, alphabet, line, x, settings.out or settings.checkpoint.parent)


def windows(ids, T, characters):
    """Windows evenly spaced over a text, about so many characters: x (B, T), y (B, T)."""
    T = min(T, len(ids) - 1)
    B = max(1, min(characters // T, (len(ids) - 1) // T))
    starts = torch.linspace(0, len(ids) - 1 - T, B).long()
    piece = ids[starts[:, None] + torch.arange(T + 1)]
    return piece[:, :-1], piece[:, 1:]


def a_line(text):
    """The first line that is long enough for a picture and fits it, else the beginning."""
    return next((s for s in text.split("\n")[1:] if LINE <= len(s) <= 40), text[: 2 * LINE])


def newborn(config, seed):
    """The model as it was before the first step of a run."""
    torch.manual_seed(seed)
    return book.GPT(config).eval()


def pictures(model, untrained, alphabet, line, x, out):
    """Draw the attention on a line, the symbols before and after, the spread of the heads."""
    out.mkdir(parents=True, exist_ok=True)
    weights, _ = heads.attention_weights(model, alphabet.encode(line[:LINE])[None])
    inside_pictures.attention(weights[:, 0], line[:LINE], out)
    tables = (m.embedding.weight.detach().numpy() for m in (untrained, model))
    inside_pictures.symbols(*map(principal_components, tables), alphabet.symbols, out)
    spreads = [heads.entropy(heads.attention_weights(m, x)[0])[0] for m in (untrained, model)]
    inside_pictures.spread([[s.tolist()] for s in spreads], heads.most_entropy(x.shape[1]), out)
    return f"In {out}: inside_attention.png, inside_symbols.png, inside_spread.png"


def while_writing(model, alphabet, prompt):
    """What each character was written by, from the cache: a map for each layer, mean of its heads.

    A row is a character that was drawn, its columns the characters that stood before it. It goes
    on from the end of the prompt, so that a map fits 80 columns and nothing leaves the context.
    """
    if not prompt:
        raise ValueError("there is nothing to go on from: give --write at least one character")
    length = max(1, min(GOES_ON, model.config.context - 1))
    prompt = prompt[-max(1, min(PROMPT, model.config.context - length)) :]
    drawn, seen = zip(*writing(model, alphabet, prompt, length))
    text = prompt + "".join(drawn)
    parts = [f"While it writes: {text!r}\nRows: what it wrote. Columns: what it read for that."]
    for layer in range(model.config.n_layer):
        rows = torch.zeros(len(drawn), len(text) - 1)
        for row, weights in zip(rows, seen):
            row[: weights.shape[-1]] = weights[layer].mean(dim=0)
        rows_and_columns = ([visible(c) for c in part] for part in (drawn, text[:-1]))
        parts.append(f"layer {layer + 1}\n{ascii_map(rows, *rows_and_columns)}")
    return "\n\n".join(parts)


def writing(model, alphabet, prompt, length, seed=1):
    """Yield each character that the model writes and the weights (L, H, S) that it was written by.

    With a cache only the last query is computed; its weights are those of a whole forward pass.
    """
    ids, generator = alphabet.encode(prompt)[None], torch.Generator().manual_seed(seed)
    with heads.watched(model) as layers:
        for drawn in model.generate(ids, length, temperature=0.8, generator=generator):
            weights = torch.stack([attention.weights[0, :, -1] for attention in layers])
            yield alphabet.decode(drawn), weights


if __name__ == "__main__":
    sys.exit(main())
