"""Run every experiment of translation.md, write down what was found, and draw it.

    python day4-5/translation_experiments.py            record what is missing, then draw
    python day4-5/translation_experiments.py figures    draw again from the record

A row that stands in results/translation.json is not repeated: delete it to record it anew.
Three quarters of an hour on two cores; the captions are downloaded, where they are not there yet.
"""

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

import captions
import memory_use
import paper_sizes
import pictures
import recording
import reverse
import three_designs
import word_by_word
from pairs import file_data, number_data, tokens
from recording import spread
from sequences import batches, wasted
from translate import Settings, new_model, scores, train, translate

RECORD = Path(__file__).parent / "results" / "translation.json"
FIGURES = Path(__file__).parent / "figures"
SEEDS = (1, 2, 3)
CURVE = (25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 700, 1000)  # steps at which it is measured
SEARCHED = (200, 300, 500, 1000)  # steps at which beams are tried beside greedy
LENGTHS = list(range(1, 21))


def spreads(rows):
    """Dictionaries with the same names, maybe nested -> one, with the spread of each number."""
    if isinstance(rows[0], dict):
        return {name: spreads([row[name] for row in rows]) for name in rows[0]}
    return spread(rows)


def searched(model, data):
    """-> the share of 200 translations that are exact, by greedy decoding and by four beams."""
    sources, references = (list(side) for side in zip(*data.test[:200], strict=True))
    return {
        name: scores(translate(model, data, sources, K), references)["exact"]
        for name, K in (("greedy", 1), ("4 beams", 4))
    }


def learn(data, settings):
    """-> a trained model, and what was measured on its way.

    Forced and free at each of CURVE, greedy and beams at each of SEARCHED; seconds of training.
    """
    model, some, curve, beams = new_model(data, settings, 32), data.test[:300], {}, {}
    ids = memory_use.ids_of(data, some)
    start, apart = time.perf_counter(), 0.0  # seconds of measuring are not seconds of training
    for step, _, _ in train(
        model, data.draw, settings.steps, settings.batch, settings.rate, settings.seed
    ):
        if step in CURVE:
            before = time.perf_counter()
            model.eval()
            loss, forced = memory_use.forced(model, *ids)
            symbols, exact = memory_use.free(model, *ids)
            found = {"loss": loss, "forced": forced, "free": symbols, "exact": exact}
            curve = {name: [*curve.get(name, []), value] for name, value in found.items()}
            if step in SEARCHED:
                beams[str(step)] = searched(model, data)
            model.train()
            apart += time.perf_counter() - before
    seconds = time.perf_counter() - start - apart
    return model.eval(), {"curve": curve, "beams": beams, "seconds of training": seconds}


def record_translation(back=False, seeds=SEEDS):
    """The main row: unseen numbers, what baselines make of them, and what the memory is for."""
    data, settings = number_data(back), Settings()
    sources, references = (list(side) for side in zip(*data.test, strict=True))
    runs = []
    for seed in seeds:
        model, run = learn(data, replace(settings, seed=seed))
        first = seed == seeds[0]
        run |= scores(translate(model, data, sources), references)
        run["ablations"] = memory_use.measure(model, data, data.test[:500])
        layers = memory_use.use_by_layer(model, data, data.test[:500])
        run["layers"] = {f"layer {n}": row for n, row in enumerate(layers, start=1)}
        runs.append(run)
        if first and not back:
            weights, rows, columns = memory_use.cross_maps(model, data, tokens(memory_use.SENTENCE))
            shares = [
                [[[round(w, 4) for w in row] for row in h] for h in la] for la in weights.tolist()
            ]
            item = {"weights": shares, "rows": rows, "columns": columns}
        print(
            f"seed {seed}: exact {run['exact']:.2%}, {run['seconds of training']:.0f} s", flush=True
        )
    known = word_by_word.lexicon_of(data)
    by_word = [word_by_word.translate(words, known) for words in sources]
    pairs = data.draw(torch.Generator().manual_seed(0), 6400)
    padding = {
        name: wasted(batches(pairs, settings.batch, torch.Generator().manual_seed(0), bucket))
        for name, bucket in (("at random", False), ("by length", True))
    }
    return {
        "seeds": list(seeds),
        "unseen sentences": len(sources),
        "symbols": [len(data.source), len(data.target)],
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": settings.steps,
        "batch": settings.batch,
        "steps of the curve": list(CURVE),
        "baselines": {"copy": scores(sources, references),
                      "word by word": scores(by_word, references)},
        "padding": padding,
    } | spreads(runs) | ({} if back else {"item": item})  # fmt: skip


def record_back():
    return record_translation(back=True, seeds=SEEDS[:1])


def record_captions():
    """Real sentences, from the file that captions.py downloads: one model, its baselines."""
    if not captions.PATH.exists():
        captions.write()
    settings = Settings(data=captions.PATH, steps=1500, n_embd=128, dropout=0.2)
    data = file_data(settings.data)
    sources, references = (list(side) for side in zip(*data.test, strict=True))
    model = new_model(data, settings, 32)
    losses = [
        loss
        for _, loss, _ in train(
            model, data.draw, settings.steps, settings.batch, settings.rate, settings.seed
        )
    ]
    known = word_by_word.lexicon_of(data)
    by_word = [word_by_word.translate(words, known) for words in sources]
    return {
        "seeds": [settings.seed],
        "steps": settings.steps,
        "unseen sentences": len(sources),
        "symbols": [len(data.source), len(data.target)],
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss of the last 100 batches": statistics.mean(losses[-100:]),
        "copy": scores(sources, references),
        "word by word": scores(by_word, references),
        "this model": scores(translate(model, data, sources), references),
        "this model, 4 beams": scores(translate(model, data, sources, beams=4), references),
    }


def record_reverse():
    """Reverse a string, with both kinds of positions: unseen strings, lengths, the map."""
    kinds, item = {}, None
    for positions, steps in (("sinusoidal", 1500), ("relative", 1500), ("relative", 3000)):
        runs = []
        for seed in SEEDS:
            start = time.perf_counter()
            model = reverse.learn(seed, steps, positions)
            seconds = time.perf_counter() - start
            runs.append(
                {
                    "exact": reverse.exact(model, reverse.unseen()),
                    "seconds of training": seconds,
                    "on the anti-diagonal": reverse.on_anti_diagonal(model, reverse.unseen(200)),
                    "by length": reverse.by_length(model, LENGTHS),
                }
            )
            if item is None:
                letters = [3, 4, 5, 6, 7, 8, 9, 10]
                weights = [
                    [round(w, 4) for w in row] for row in reverse.cross_map(model, letters).tolist()
                ]
                item = {"letters": letters, "weights": weights}
            print(f"{positions}, seed {seed}: {runs[-1]['exact']:.2%}, {seconds:.0f} s", flush=True)
        kinds[f"{positions}, {steps} steps"] = spreads(runs)
    parameters = sum(p.numel() for p in model.parameters())
    told = {
        "seeds": list(SEEDS),
        "lengths": LENGTHS,
        "learned from": [reverse.SHORTEST, reverse.LONGEST],
    }
    return told | {"parameters": parameters, "kinds": kinds, "item": item}


def record_designs(steps=600):
    """Encoder-only, decoder-only and encoder-decoder: the same steps on the same pairs."""
    data, rows = number_data(tests=1000), {}
    for name in three_designs.designs(4, 4):
        runs = [three_designs.run(name, seed, steps, data) for seed in SEEDS]
        rows[name] = spreads(runs) | {"parameters": runs[0]["parameters"]}
        print(f"{name}: {rows[name]['exact']}", flush=True)
    return {"seeds": list(SEEDS), "steps": steps, "unseen sentences": 1000, "designs": rows}


def record_sizes():
    """The models of the paper, counted; its base model, run once."""
    torch.manual_seed(0)
    models = [
        [name, c.n_layer, c.n_embd, c.hidden, c.n_head, c.dropout, paper_sizes.parameters(c),
         paper, paper_sizes.parameters(replace(c, tied="none"))]
        for name, (c, paper) in paper_sizes.TABLE_3.items()
    ]  # fmt: skip
    seconds, weights, most = paper_sizes.one_pass(paper_sizes.BASE)
    return {"seconds of a pass": round(seconds, 3), "MiB of weights": round(weights),
            "MiB at the most": most and round(most), "symbols": 32, "models": models}  # fmt: skip


EXPERIMENTS = {
    "sizes": record_sizes,
    "translation": record_translation,
    "back": record_back,
    "reverse": record_reverse,
    "designs": record_designs,
    "captions": record_captions,
}


def draw(rows):
    """The figures of the page, from the record."""
    row = rows["translation"]
    title = "Right so far, or all by itself: while it learns, unseen numbers"
    figure, axes = pictures.panels(title)
    steps, curve = row["steps of the curve"], row["curve"]
    pictures.line(axes, steps, curve["forced"], 0, "words, reading the right ones")
    pictures.line(axes, steps, curve["free"], 1, "words, reading its own")
    pictures.line(axes, steps, curve["exact"], 2, "whole translations")
    axes.set(xlabel="steps", ylabel="share that is right", xscale="log", ylim=(0, 1.03))
    axes.set_xticks(steps, [str(s) if s not in (75, 150, 250, 400, 700) else "" for s in steps])
    axes.minorticks_off()
    axes.legend()
    pictures.save(figure, "forced_and_free", FIGURES)

    item = row["item"]
    L = len(item["weights"])
    title = "Where the decoder looks while it writes: the mean of the heads of each layer"
    figure, panels = pictures.panels(title, columns=L, height=4.6, sharey=True)
    for n, (axes, weights) in enumerate(zip(panels, item["weights"], strict=True), start=1):
        mean = torch.tensor(weights).mean(dim=0)
        pictures.heatmap(axes, mean, item["rows"], item["columns"], numbers=False)
        slanted = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(item["columns"])), item["columns"], **slanted)
        axes.set(title=f"decoder layer {n}", xlabel="read")
    panels[0].set_ylabel("written")
    pictures.save(figure, "translation_map", FIGURES)

    row = rows["reverse"]
    letters, weights = row["item"]["letters"], row["item"]["weights"]
    path = FIGURES / "reverse_map.png"
    reverse.draw_map(weights, letters, path)
    figure, axes = pictures.panels("Reversed without a mistake, by length", height=3.4)
    for n, (name, kind) in enumerate(row["kinds"].items()):
        pictures.line(axes, row["lengths"], kind["by length"], n, name)
    low, high = row["learned from"]
    axes.axvspan(low, high, color="gray", alpha=0.15, linewidth=0)
    axes.annotate("lengths it learned from", ((low + high) / 2, 0.05), ha="center", color="dimgray")
    axes.set(xlabel="letters", ylabel="share of unseen strings", ylim=(0, 1.05))
    axes.set_xticks(row["lengths"])
    axes.legend(loc="center right")
    pictures.save(figure, "reverse_lengths", FIGURES)


def main(arguments):
    """Record unless told only to draw; 2 for a call that is neither."""
    if arguments and (arguments[0] != "figures" and arguments[0] not in EXPERIMENTS):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments != ["figures"]:
        rows = recording.read(RECORD) if RECORD.exists() else {}
        for name in [n for n in EXPERIMENTS if n not in rows and (not arguments or n in arguments)]:
            start = time.perf_counter()
            found = EXPERIMENTS[name]()
            told = {"torch": torch.__version__, "torch threads": torch.get_num_threads()}
            seconds = {"seconds": round(time.perf_counter() - start, 1)}
            recording.write(name, found | told | seconds, RECORD)
            print(f"{name}: {seconds['seconds']} s", flush=True)
    rows = recording.read(RECORD)
    if rows.keys() >= EXPERIMENTS.keys():
        draw(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
