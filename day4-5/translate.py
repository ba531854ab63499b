"""Train an encoder-decoder to translate, from nothing, and judge it on sentences it has never seen.

For example:

    python day4-5/translate.py                         English to French number words, two minutes
    python day4-5/translate.py --back                  French to English
    python day4-5/translate.py --data FILE             your own pairs, a tab between the sentences
    python day4-5/translate.py --say "seventy-one"     with the model that was trained last

Ctrl-C saves what was learned so far, beside the last model that was trained to its end.
"""

import dataclasses
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import bleu
import checkpoint
import word_by_word
from beam import beam_search, greedy
from encoder_decoder import Config, EncoderDecoder
from pairs import LONGEST, Data, Vocabulary, file_data, joined, number_data, tokens
from sequences import batches, padded, sequence_loss, shift_right

OUT = Path(__file__).parent / "out"


@dataclass
class Settings:
    """What to learn, and how."""

    data: Path | None = None
    """A file of pairs, at most 20 words a side; without it, number words."""
    back: bool = False
    """The other direction: French to English, or the second side of the file to its first."""
    steps: int = 1000
    """How many batches to learn from."""
    batch: int = 128
    """Pairs in a batch."""
    rate: float = 2e-3
    """The highest learning rate, reached after a tenth of the steps."""
    seed: int = 1
    """Same seed, same model, on the same machine."""
    n_embd: int = 64
    """Channels; 4 heads share them."""
    n_layer: int = 2
    """Layers of the encoder, and of the decoder."""
    dropout: float = 0.0
    """The share of numbers that each step leaves out; against learning a small file by heart."""
    beams: int = 1
    """Beginnings that the search keeps while it writes; 1 is greedy."""
    say: str | None = None
    """Translate this with the model that was trained last, and do not train."""


def train(model, draw, steps, B, rate, seed):
    """Teach a model by pairs: yields (step, loss of the batch, seconds so far) after each step.

    The decoder reads the right words, whatever it would have written itself: teacher forcing. Adam
    with the betas of the paper; the rate rises for a tenth of the steps, then falls to 0.
    ValueError where the loss is no longer a number.
    """
    generator, start = torch.Generator().manual_seed(seed), time.perf_counter()
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98), eps=1e-9)
    dealt, warm_up = iter(()), max(1, steps // 10)
    model.train()
    for step in range(1, steps + 1):
        pair = next(dealt, None)
        if pair is None:  # fifty batches at a time, sorted by length
            dealt = batches(draw(generator, 50 * B), B, generator)
            pair = next(dealt)
        source, target = pair
        for group in optimizer.param_groups:
            group["lr"] = rate * min(step / warm_up, (steps - step + 1) / (steps - warm_up + 1))
        loss = sequence_loss(model(source, shift_right(target)), target)
        if not loss.isfinite():
            raise ValueError(f"the loss of step {step} is {loss:.3g}: lower the rate")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield step, loss.item(), time.perf_counter() - start


def new_model(data, settings, context):
    config = Config(
        len(data.source), len(data.target), context, settings.n_layer, 4, settings.n_embd,
        4 * settings.n_embd, settings.dropout,
    )  # fmt: skip
    torch.manual_seed(settings.seed)
    return EncoderDecoder(config)


def translate(model, data, sentences, beams=1, B=500):
    """Lists of words -> lists of words, by greedy decoding, or the best of some beams.

    ValueError for an empty sentence, an unknown word, and more words than the model reads.
    """
    model.eval()
    ids, longest = [data.source.encode(words) for words in sentences], model.config.context
    if beams != 1:
        best = (beam_search(model, torch.tensor(row), beams, longest)[0][1] for row in ids)
        return [data.target.decode(row) for row in best]
    written = []
    for n in range(0, len(ids), B):
        written += greedy(model, padded(ids[n : n + B]), longest).tolist()
    return [data.target.decode(row) for row in written]


def scores(found, references):
    """Exact match and F1 in 0..1, BLEU in 0..100."""
    return {
        "exact": bleu.exact_match(found, references),
        "BLEU": bleu.bleu(found, references),
        "F1": bleu.f1(found, references),
    }


def shown(name, figures):
    return (
        f"{name:28} exact {figures['exact']:7.2%}   BLEU {figures['BLEU']:6.2f}   "
        f"F1 {figures['F1']:.3f}"
    )


def save(model, data, path):
    """All that `load` needs. OSError, in one sentence, where it cannot be written; the last one stays."""
    path.parent.mkdir(exist_ok=True)
    words = {"source": data.source.words, "target": data.target.words}
    config = dataclasses.asdict(model.config)
    contents = {"config": config, "state": model.state_dict(), "name": data.name} | words
    checkpoint.save(path, contents, advice="make room, and train again")


def last():
    """The file of the model that was trained last, be its run finished or stopped."""
    files = (OUT / "translate.pt", OUT / "stopped.pt")
    return max(files, key=lambda path: path.stat().st_mtime if path.exists() else 0)


def load(path):
    """The model that `save` wrote, and its data without pairs.

    ValueError, in one sentence, for a file that is missing, cut or foreign.
    """
    if not path.exists():
        raise ValueError(f"there is no {path}: train first, with python day4-5/translate.py")
    try:
        saved = torch.load(path, weights_only=True)
        model = EncoderDecoder(Config(**saved["config"]))
        model.load_state_dict(saved["state"])
        vocabularies = []
        for side in ("source", "target"):
            vocabulary = Vocabulary([])
            vocabulary.words = saved[side]
            vocabulary.ids = {word: n for n, word in enumerate(saved[side]) if word}
            vocabularies.append(vocabulary)
        return model.eval(), Data(saved["name"], *vocabularies, None, [])
    except Exception:  # noqa: BLE001 - there are many ways to be another file
        raise ValueError(
            f"{path} is not a whole model (cut short, or not of this program): train again, with "
            "python day4-5/translate.py"
        ) from None


def check(settings):
    for name in ("steps", "batch", "beams"):
        if getattr(settings, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(settings, name)}")
    if not 0 < settings.rate <= 1:
        raise ValueError(f"--rate must be above 0 and at most 1, not {settings.rate}")
    if not 0 <= settings.dropout < 1:
        raise ValueError(f"--dropout must be at least 0 and below 1, not {settings.dropout}")
    if not 0 <= settings.seed < 2**40:
        raise ValueError(f"--seed must be from 0 to {2**40 - 1}, not {settings.seed}")
    chosen = [f"--{name}" for name in ("back", "data") if getattr(settings, name)]
    if settings.say is not None and chosen:
        raise ValueError(
            f"--say asks the model that was trained last: leave out {' and '.join(chosen)}"
        )


def say(text, beams):
    """Translate one sentence with the model that was trained last, and tell which that is."""
    model, data = load(last())
    print(f"{data.name}:", flush=True)
    found = translate(model, data, [tokens(text)], beams)[0]
    print(joined(filter(None, found)) or "(no word)")  # START is none, and can be written


def learn(model, data, settings):
    """Train, with a line now and then, and save: at the end, or where Ctrl-C comes before it.

    What was stopped has a file of its own: it never takes the place of a model that is finished.
    """
    step = 0
    try:
        for step, loss, seconds in train(
            model, data.draw, settings.steps, settings.batch, settings.rate, settings.seed
        ):
            if step % 100 == 0 or step == settings.steps:
                some = data.test[:200]
                found = translate(model, data, [s for s, _ in some])
                exact = bleu.exact_match(found, [t for _, t in some])
                model.train()
                line = f"step {step:5}  loss {loss:.4f}  exact {exact:7.2%}  {seconds:4.0f} s"
                print(line, flush=True)
    except KeyboardInterrupt:
        if step:
            told, path = f"stopped after {step} of {settings.steps} steps", OUT / "stopped.pt"
            save(model, data._replace(name=f"{data.name}, {told}"), path)
            print(f"\n{told}: saved in {path}, for --say until the next run")
        raise
    save(model, data, OUT / "translate.pt")


def judge(model, data, beams):
    """Five translations of unseen sentences, then the scores of all, beside two baselines."""
    sources, references = (list(side) for side in zip(*data.test, strict=True))
    found = translate(model, data, sources, beams)
    for source, words, reference in list(zip(sources, found, references, strict=True))[:5]:
        print(f"\n{joined(source)}\n  model      {joined(words)}\n  reference  {joined(reference)}")
    known = word_by_word.lexicon_of(data)
    by_word = [word_by_word.translate(words, known) for words in sources]
    print(f"\n{len(sources)} unseen sentences")
    for name, written in {"copy": sources, "word by word": by_word, "this model": found}.items():
        print(shown(name, scores(written, references)))


def main(arguments=None):
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    check(settings)
    if settings.say is not None:
        say(settings.say, settings.beams)
        return
    made = file_data(settings.data, settings.back) if settings.data else number_data(settings.back)
    longest = max(len(words) for pair in made.test for words in pair)
    model = new_model(made, settings, context=max(32, longest + 4))
    count = sum(p.numel() for p in model.parameters())
    print(f"{made.name}: {len(made.source)} and {len(made.target)} symbols, {count:,} parameters, "
          f"{len(made.test):,} pairs to judge by")  # fmt: skip
    if made.left_out:
        print(f"left out, with more than {LONGEST} words on a side: {made.left_out:,} pairs")
    if (OUT / "translate.pt").exists():
        print(f"at the end this model takes the place of the last one, {OUT / 'translate.pt'}")
    learn(model, made, settings)
    judge(model, made, settings.beams)


if __name__ == "__main__":
    from terminal import exit_code

    sys.exit(exit_code("translate.py", main))
