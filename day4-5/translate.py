"""Train an encoder-decoder to translate, from nothing, and judge it on sentences it has never seen.

For example:

    python day4-5/translate.py                           English to French number words, three minutes
    python day4-5/translate.py --back                    French to English
    python day4-5/translate.py --data FILE               your own pairs, a tab between the sentences
    python day4-5/translate.py --say "seventy-one"       with the model that was trained last
"""

import dataclasses
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import bleu
import word_by_word
from beam import beam_search, greedy
from encoder_decoder import Config, EncoderDecoder
from pairs import Data, Vocabulary, file_data, joined, number_data, tokens
from sequences import batches, padded, sequence_loss, shift_right

OUT = Path(__file__).parent / "out"


@dataclass
class Settings:
    """What to learn, and how."""

    data: Path | None = None  # a file of pairs; without it, number words
    back: bool = False  # the other direction
    steps: int = 1000
    batch: int = 128
    rate: float = 2e-3
    seed: int = 1
    n_embd: int = 64
    n_layer: int = 2
    dropout: float = 0.0
    beams: int = 1
    say: str | None = None  # translate this with the last model, and do not train


def train(model, draw, steps, B, rate, seed):
    """Teach a model by pairs: yields (step, loss of the batch, seconds so far) after each step.

    The decoder reads the right words, whatever it would have written itself: teacher forcing. Adam
    with the betas of the paper; the rate rises for a tenth of the steps, then falls to 0.
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
    path.parent.mkdir(exist_ok=True)
    words = {"source": data.source.words, "target": data.target.words}
    config = dataclasses.asdict(model.config)
    torch.save({"config": config, "state": model.state_dict(), "name": data.name} | words, path)


def load(path):
    """The model that `save` wrote, and its data without pairs. ValueError where there is none."""
    if not path.exists():
        raise ValueError(f"there is no {path}: train first, by the same command without --say")
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


def main(arguments=None):
    import tyro

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    path = OUT / "translate.pt"
    if settings.say is not None:
        model, data = load(path)
        found = translate(model, data, [tokens(settings.say)], settings.beams)[0]
        print(joined(found))
        return
    made = file_data(settings.data, settings.back) if settings.data else number_data(settings.back)
    longest = max(len(words) for pair in made.test for words in pair)
    model = new_model(made, settings, context=max(32, longest + 4))
    count = sum(p.numel() for p in model.parameters())
    print(f"{made.name}: {len(made.source)} and {len(made.target)} symbols, {count:,} parameters")
    for step, loss, seconds in train(
        model, made.draw, settings.steps, settings.batch, settings.rate, settings.seed
    ):
        if step % 100 == 0 or step == settings.steps:
            some = made.test[:200]
            found = translate(model, made, [s for s, _ in some])
            exact = bleu.exact_match(found, [t for _, t in some])
            model.train()
            print(
                f"step {step:5}  loss {loss:.4f}  exact {exact:7.2%}  {seconds:4.0f} s", flush=True
            )
    save(model, made, path)
    sources, references = (list(side) for side in zip(*made.test, strict=True))
    found = translate(model, made, sources, settings.beams)
    known = word_by_word.lexicon_of(made)
    print(f"\n{len(sources)} unseen sentences")
    print(shown("copy", scores(sources, references)))
    by_word = [word_by_word.translate(words, known) for words in sources]
    print(shown("word by word", scores(by_word, references)))
    print(shown("this model", scores(found, references)))


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        print(f"translate.py: {error}", file=sys.stderr)
        sys.exit(2)
