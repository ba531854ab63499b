"""Read what a trained model writes, one character at a time.

For example:

    python day3/sample.py
    python day3/sample.py --prompt "ROMEO:" --temperature 0.7 --top-k 20
    python day3/sample.py --interactive       it asks for one prompt after another
"""

import dataclasses
import sys
from pathlib import Path

import torch
import tyro

import checkpoint
from terminal import exit_code
from text import Alphabet

HERE = Path(__file__).parent


@dataclasses.dataclass
class Settings:
    """Flags of sample.py."""

    checkpoint: Path = HERE / "out" / "gpt.pt"
    """A file that day3/train.py wrote."""
    prompt: str = "\n"
    """The text to go on from."""
    length: int = 500
    """Characters to write after the prompt."""
    count: int = 1
    """How many texts."""
    interactive: bool = False
    """Ask for prompts until an empty line."""
    temperature: float = 0.8
    """Below 1 the likely gets likelier; 0 takes the likeliest every time."""
    top_k: int | None = None
    """Draw among the k likeliest characters."""
    top_p: float | None = None
    """Draw among the likeliest characters that together reach this probability."""
    seed: int = 1
    """Same seed, same text."""
    model: Path | None = None
    """The file with Config and GPT of the run; has to be given where it lies outside this book."""


def main(arguments=None):
    """The command: exit code 0, 2 for a wrong call, 130 for Ctrl-C."""

    def run():
        settings = tyro.cli(Settings, args=arguments, description=__doc__)
        if settings.interactive:
            converse(settings)
        else:
            show(stream_text(settings))

    return exit_code("sample.py", run)


def show(characters):
    for character in characters:
        print(character, end="", flush=True)


def stream_text(settings):
    """Yield the prompt and then character after character; ValueError for settings out of range."""
    model, alphabet = trained(settings)
    yield from texts(settings, model, alphabet, settings.prompt)


def converse(settings):
    """Read a prompt a line until an empty one or the end of the input, and write on from each.

    A prompt that cannot be read costs one sentence. Ctrl-C ends a text, and while it waits, all.
    """
    if settings.prompt != Settings().prompt:
        raise ValueError("--interactive asks for its prompts: leave out --prompt")
    model, alphabet = trained(settings)
    while prompt := asked("prompt> "):
        try:
            show(texts(settings, model, alphabet, prompt))
        except ValueError as error:
            print(f"sample.py: {error}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            print()


def asked(question):
    """The next line of the input without its end, "" where there is none; asks at a terminal only."""
    print(question if sys.stdin.isatty() else "", end="", flush=True)
    return sys.stdin.readline().rstrip("\r\n")


def trained(settings):
    """The model and the alphabet of a checkpoint; ValueError where it or a setting is no good."""
    if settings.length < 0 or settings.count < 1:
        raise ValueError("--length must be 0 or more, and --count at least 1")
    state = checkpoint.load(settings.checkpoint)
    path = settings.model or checkpoint.model_of(state)
    model = checkpoint.restore(state, checkpoint.load_module(path)).eval()
    return model, Alphabet(state["alphabet"])


def texts(settings, model, alphabet, prompt):
    """Yield, as often as asked for, the prompt and what follows it; ValueError for unknown symbols."""
    # a text may have no line break: then start from its first symbol
    prompt = prompt if prompt != "\n" or "\n" in alphabet.symbols else alphabet.symbols[0]
    if not prompt:
        raise ValueError("the prompt is empty: give --prompt at least one character")
    generator = torch.Generator().manual_seed(settings.seed)
    ids = alphabet.encode(prompt)[None]
    for number in range(settings.count):
        if number:
            yield "\n" + "-" * 40 + "\n"
        yield prompt.lstrip("\n")
        for chosen in model.generate(
            ids,
            settings.length,
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            generator=generator,
        ):
            yield alphabet.decode(chosen)
        yield "\n"


if __name__ == "__main__":
    sys.exit(main())
