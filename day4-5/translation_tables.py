"""Tables for translation.md, made from results/translation.json: see study/pages.py."""

import json
from pathlib import Path

from recording import span, table

RECORD = Path(__file__).parent / "results" / "translation.json"


def record(name):
    return json.loads(RECORD.read_text("utf-8"))[name]


def percent(found):
    return span(found, "{:.1%}")


def sizes():
    """The models of the paper: what they have, by formula and as the paper counts."""
    row = record("sizes")
    rows = [
        [name, *sizes, f"{tied:,}", f"{paper} M", f"{untied:,}"]
        for name, *sizes, tied, paper, untied in row["models"]
    ]
    head = ["", "L", "C", "M", "H", "dropout", "one table", "the paper says", "three tables"]
    told = (
        f"One forward pass of the base model, {row['symbols']} symbols to {row['symbols']}: "
        f"{row['seconds of a pass']} s; its weights {row['MiB of weights']} MiB, the process "
        f"{row['MiB at the most']} MiB at the most."
    )
    return f"{table(head, rows)}\n\n{told}"


def machine(row):
    seeds = ", ".join(map(str, row["seeds"]))
    seeds = f"seeds {seeds}, median and range" if len(row["seeds"]) > 1 else f"seed {seeds}"
    return (
        f"{row['steps']} steps, {seeds}; "
        f"{row['machine']}, torch {row['torch']}, {row['torch threads']} threads."
    )


def translation():
    """The main row, its baselines, and the other direction."""
    row, back = record("translation"), record("back")
    rows = []
    for direction, found in (("English to French", row), ("French to English", back)):
        for name, base in found["baselines"].items():
            rows.append([direction, name, "", "", *scored(base)])
        seconds = span(found["seconds of training"], "{:.0f}")
        rows.append([direction, "this model", f"{found['parameters']:,}", seconds, *scored(found)])
        direction = ""
    head = ["", "", "parameters", "seconds", "exact", "BLEU", "F1"]
    told = f"{row['unseen sentences']} numbers that training has never seen. {machine(row)}"
    return f"{table(head, rows)}\n\n{told}"


def scored(found):
    exact, score, f1 = found["exact"], found["BLEU"], found["F1"]
    return [span(exact, "{:.2%}"), span(score, "{:.2f}"), span(f1, "{:.3f}")]


def forced():
    """Words and translations that are right, at some steps of the training."""
    row = record("translation")
    rows = []
    for n, step in enumerate(row["steps of the curve"]):
        if step in (50, 100, 150, 200, 300, 500, 1000):
            found = {name: curve["median"][n] for name, curve in row["curve"].items()}
            shares = [f"{found[name]:.1%}" for name in ("forced", "free", "exact")]
            rows.append([step, f"{found['loss']:.3f}", *shares])
    head = ["step", "loss", "words, forced", "words, free", "translations"]
    return table(head, rows)


def beams():
    """Greedy decoding and four beams, at some steps of the training."""
    rows = [
        [step, *(percent(found[name]) for name in ("greedy", "4 beams"))]
        for step, found in record("translation")["beams"].items()
    ]
    return table(["step", "greedy", "4 beams"], rows)


def ablations():
    """What is left without a part of the memory."""
    rows = [
        [
            name,
            *(span(found["loss"], "{:.3f}"), percent(found["forced"]), percent(found["exact"])),
        ]
        for name, found in record("translation")["ablations"].items()
    ]
    return table(["without", "loss, forced", "words, forced", "translations, free"], rows)


def layers():
    """How much each decoder layer takes from the memory."""
    rows = [
        [
            name,
            percent(found["share"]),
            *(span(found[n], "{:.2f}") for n in ("entropy", "uniform")),
        ]
        for name, found in record("translation")["layers"].items()
    ]
    head = ["decoder", "added over the stream", "spread of the weights, nats", "if all were alike"]
    return table(head, rows)


def padding():
    """The share of padding with and without buckets."""
    row = record("translation")
    rows = [[name, f"{share:.1%}"] for name, share in row["padding"].items()]
    return table([f"batches of {row['batch']}", "padding"], rows)


def reverse():
    """Reversed strings, by the kind of positions."""
    row = record("reverse")
    low, high = row["learned from"]
    beyond = [high + 1, high + 2, high + 4]
    rows = []
    for name, found in row["kinds"].items():
        lengths = {
            part: dict(zip(row["lengths"], found["by length"][part], strict=True))
            for part in ("median", "low", "high")
        }
        at = [{part: lengths[part][n] for part in lengths} for n in (1, *beyond)]
        seconds = span(found["seconds of training"], "{:.0f}")
        looks = percent(found["on the anti-diagonal"])
        rows.append([name, seconds, span(found["exact"], "{:.1%}"), looks, *map(percent, at)])
    head = ["positions", "seconds", f"lengths {low} to {high}", "looks at the letter it writes"]
    head += [f"length {n}" for n in (1, *beyond)]
    told = (
        f"{row['parameters']:,} parameters with relative positions; unseen strings, of one letter "
        f"all ten; seeds {', '.join(map(str, row['seeds']))}, median and range; torch threads: "
        f"{row['torch threads']}."
    )
    return f"{table(head, rows)}\n\n{told}"


def designs():
    """Three designs on the same pairs."""
    row = record("designs")
    rows = [
        [name, f"{found['parameters']:,}", span(found["loss"], "{:.4f}"), percent(found["exact"]),
         span(found["BLEU"], "{:.1f}"), span(found["seconds"], "{:.0f}")]
        for name, found in row["designs"].items()
    ]  # fmt: skip
    head = ["", "parameters", "last loss", "exact", "BLEU", "seconds"]
    return f"{table(head, rows)}\n\n{row['unseen sentences']} unseen numbers. {machine(row)}"


def captions():
    """Captions in English and French: one model beside two baselines."""
    row = record("captions")
    names = ("copy", "word by word", "this model", "this model, 4 beams")
    rows = [[name, *scored(row[name])] for name in names]
    told = (
        f"{row['unseen sentences']} captions that training has never seen. "
        f"{row['parameters']:,} parameters. {machine(row)}"
    )
    return f"{table(['', 'exact', 'BLEU', 'F1'], rows)}\n\n{told}"


TABLES = {
    "paper sizes": sizes,
    "translation": translation,
    "forced": forced,
    "beams": beams,
    "memory": ablations,
    "memory by layer": layers,
    "padding": padding,
    "reverse": reverse,
    "designs": designs,
    "captions": captions,
}
