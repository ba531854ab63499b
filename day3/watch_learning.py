"""Watch the default model learn: look inside it again and again while it trains, three seeds.

    python day3/watch_learning.py            train, measure, write results/inside.json, draw
    python day3/watch_learning.py figures    draw again from the record

The weights at every snapshot are kept in out/snapshots. What is there is not trained again, and a
seed that stands in the record is not measured again: delete both to begin anew. About five minutes
a seed on a core that does nothing else.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

import ablation
import checkpoint
import copying
import corpus
import evaluate
import firing
import heads
import inside
import inside_figures
import lens
import recording
import symbols
from embedding_space import principal_components
from run import Run
from settings import Settings, with_size

HERE = Path(__file__).parent
RECORD, SNAPSHOTS = HERE / "results" / "inside.json", HERE / "out" / "snapshots"
SEEDS, STEPS = (1, 2, 3), 1500
# equally far apart on a scale of doublings: what is learned first is learned fast
WHEN = (0, *(round(10 * 1.25**n) for n in range(23)), STEPS)
LENGTH, TEXTS = 1000, 3  # characters of a text that is written, texts of a seed and a way


def trained(seed, text):
    """The run of the default small model, and the paths of its weights at every snapshot."""
    folder = SNAPSHOTS / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {step: folder / f"step-{step}.pt" for step in WHEN}
    settings = Settings(steps=STEPS, seed=seed, precision="float32", out=folder)
    module = checkpoint.load_module(HERE / "model.py")
    run = Run(with_size(settings, "small"), module, text, "cpu")
    if not all(path.exists() for path in paths.values()):
        for step in WHEN:
            while run.step < step:
                run.take_step()
            checkpoint.save(paths[step], run.model.state_dict())
            print(f"seed {seed}: step {step}", flush=True)
        run.save()
    return run, paths


def loaded(run, path):
    run.model.load_state_dict(torch.load(path, weights_only=True))
    return run.model.eval()


def repeats(ids, T):
    """Natural text, T // 2 characters, then the same again: x (B, T - 1), y (B, T - 1)."""
    half = T // 2
    first, _ = inside.windows(ids, half, inside.JUDGED // 2)
    twice = torch.cat((first, first), dim=1)
    return twice[:, :-1], twice[:, 1:]


def halves(model, x, y):
    """The loss of the first half of a repeated text and of the second, in nats."""
    second = ablation.second_half(y)
    first = torch.where(second == -100, y, -100)
    return [ablation.mean_loss(model, x, each) for each in (first, second)]


def snapshot(model, table_at_birth, x, y, random, natural, alphabet):
    """Everything that is followed through the training: measure -> number, or a list."""
    found, _ = heads.scores(model, x, alphabet.symbols)
    weights, _ = heads.attention_weights(model, x)
    nats, shares = heads.entropy(weights)
    table = model.embedding.weight.detach().double().numpy()
    lengths = np.linalg.norm(table, axis=1) * np.linalg.norm(table_at_birth, axis=1)
    losses, agree = lens.by_layer(model, x, y)
    row = {
        "loss": losses[-1],
        "entropy": nats,
        "entropy, share": shares,
        "difference of heads": heads.difference(weights),
        "lens, loss": losses,
        "lens, agrees": agree,
        "repeated at random": halves(model, *random),
        "repeated text": halves(model, *natural),
        "cosine with birth": ((table * table_at_birth).sum(axis=1) / lengths).mean(),
        "same kind": symbols.same_kind(table, alphabet.symbols)[0],
        "own case": symbols.own_case(table, alphabet.symbols)[0],
    }
    for question in symbols.possible(alphabet.symbols):
        row[question] = symbols.probed(table, alphabet.symbols, question)[0]
    return {name: recording.rounded(value) for name, value in (row | found).items()}


def probes(before, after, alphabet, counts):
    """The probes at the end, with interval and controls."""
    rows, often = {}, np.log(counts + 1.0)[:, None]
    for question in symbols.possible(alphabet.symbols):
        deals = symbols.shuffled(after, alphabet.symbols, question, np.random.default_rng(0), 100)
        rows[question] = {
            "trained": symbols.probed(after, alphabet.symbols, question),
            "untrained": symbols.probed(before, alphabet.symbols, question),
            "how often": symbols.probed(often, alphabet.symbols, question),
            "shuffled": np.percentile(deals, [50, 2.5, 97.5]),
        }
        rows[question] = {name: recording.rounded(v) for name, v in rows[question].items()}
    return rows


def written(model, alphabet, source, unseen, seed):
    """Texts in every way and their measures, beside real text: way -> a list of measures."""
    vocabulary = set(copying.words(source))
    starts = [len(unseen) * n // (TEXTS + 1) for n in range(1, TEXTS + 1)]
    texts = {"real text": [(unseen[s : s + LENGTH], None) for s in starts]}
    texts["real text, words shuffled"] = [
        (copying.shuffled(text, seed), None) for text, _ in texts["real text"]
    ]
    for way in copying.WAYS:
        texts[way] = [
            copying.written(model, alphabet, unseen[s - 32 : s], LENGTH, 10 * seed + n, way)
            for n, s in enumerate(starts)
        ]
    rows: dict[str, list] = {}
    for way, drawn in texts.items():
        for text, seconds in drawn:
            row = copying.measures(text, source, vocabulary)
            row["loss"] = evaluate.loss(model, alphabet.encode(text), model.config.context)
            if seconds is not None:
                row["seconds for 1000"] = seconds * 1000 / LENGTH
            row = {k: v if k == "copy" else recording.rounded(v) for k, v in row.items()}
            rows.setdefault(way, []).append(row)
    return rows


def at_the_end(run, model, birth, x, y, random, natural, text):
    """What is measured once, of the trained model."""
    alphabet, validation = run.alphabet, run.validation
    tables = [m.embedding.weight.detach().double().numpy() for m in (birth, model)]
    points = [principal_components(table) for table in tables]
    counts = np.bincount(run.training.numpy(), minlength=len(alphabet))
    every = inside.windows(validation, model.config.context, len(validation))
    line = inside.a_line(text[len(run.training) :])[: model.config.context]
    weights, _ = heads.attention_weights(model, alphabet.encode(line[: inside.LINE])[None])
    rows = firing.statistics(model, x)
    second = (random[0], ablation.second_half(random[1]))
    natural_second = (natural[0], ablation.second_half(natural[1]))
    near = symbols.cosines(tables[1]).argsort(axis=1)[:, ::-1][:, :3]
    found = {
        "without head": ablation.heads_missed(model, lambda m: ablation.mean_loss(m, x, y)),
        "without head, repeated at random": ablation.heads_missed(
            model, lambda m: ablation.mean_loss(m, *second)
        ),
        "without head, repeated text": ablation.heads_missed(
            model, lambda m: ablation.mean_loss(m, *natural_second)
        ),
        "without feed-forward": ablation.feed_forwards_missed(
            model, lambda m: ablation.mean_loss(m, x, y)
        ),
        "weights on the line": weights[:, 0],
        "points": [p for p, _ in points],
        "explained": [shares[:4] for _, shares in points],
    }
    bends = [rows[f"blocks.{n}.feed_forward.bent"] for n in range(model.config.n_layer)]
    return {name: recording.rounded(value) for name, value in found.items()} | {
        "validation": round(run.loss(validation), 4),
        "by position": lens.binned(lens.by_position(model, *every)),
        "active": recording.rounded([row["active"] for row in bends]),
        "silent": [len(row["silent"]) for row in bends],
        "units": bends[0]["units"],
        "line": line,
        "lens": lens.table(model, line, alphabet),
        "probes": probes(*tables, alphabet, counts),
        "near": {s: "".join(alphabet.symbols[i] for i in near[n]) for s, n in alphabet.ids.items()},
    }


def watched(seed, text):
    """One seed: what was found at every snapshot, and at the end."""
    run, paths = trained(seed, text)
    alphabet, T = run.alphabet, run.settings.context
    x, y = inside.windows(run.validation, T, inside.JUDGED)
    random = heads.repeated_text(len(alphabet), T // 2)
    natural = repeats(run.validation, T)
    table = loaded(run, paths[0]).embedding.weight.detach().double().numpy().copy()
    rows = [
        snapshot(loaded(run, paths[step]), table, x, y, random, natural, alphabet) for step in WHEN
    ]
    birth = inside.newborn(run.model.config, seed)
    model = loaded(run, paths[STEPS])
    _, even = heads.scores(model, x, alphabet.symbols)
    cut = len(run.training)
    return {
        "seed": seed,
        "steps": list(WHEN),
        "snapshots": {name: [row[name] for row in rows] for name in rows[0]},
        "equal weights": {kind: recording.rounded(value) for kind, value in even.items()},
        "most entropy": recording.rounded(heads.most_entropy(T)),
        "chance of the same kind": recording.rounded(symbols.same_kind(table, alphabet.symbols)[1]),
        "chance of the own case": recording.rounded(symbols.own_case(table, alphabet.symbols)[1]),
        "end": at_the_end(run, model, birth, x, y, random, natural, text),
        "written": written(model, alphabet, text[:cut], text[cut:], seed),
    }


def in_few_lines(path):
    """One line for each row of the record: there are thousands of numbers in it."""
    rows = (f'"{name}": {json.dumps(row)}' for name, row in recording.read(path).items())
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def main(arguments):
    """Record unless told only to draw; 2 for a call that is neither."""
    if arguments not in ([], ["figures"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        text = corpus.find()[1]
        done = recording.read(RECORD) if RECORD.exists() else {}
        for seed in SEEDS:
            if f"seed {seed}" not in done:
                found = watched(seed, text)
                recording.write(f"seed {seed}", found | {"torch": torch.__version__}, RECORD)
                in_few_lines(RECORD)
                print(f"seed {seed}: {found['end']['validation']} nats", flush=True)
    inside_figures.draw(list(recording.read(RECORD).values()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
