"""What a run wrote down: one line of JSON for each evaluation, in metrics.jsonl."""

import json
import os

METRICS = "metrics.jsonl"
WRITTEN = ("gpt.pt", "gpt.html", METRICS, "loss.png", "sample.txt", "skills.png")


def make_room(out, step=None):
    """Prepare the folder -> the records so far, and where an older run was moved to, or None.

    A new run moves what an older one wrote aside, never over it. A run resumed at `step` keeps the
    records up to there.
    """
    out.mkdir(parents=True, exist_ok=True)
    if step is not None:
        records = [record for record in read_records(out) if record["step"] <= step]
        records = [record for record in records if "final" not in record]
        write_records(out, records)
        return records, None
    aside = None
    if any((out / name).exists() for name in WRITTEN):
        number = 1
        while (aside := out / f"earlier-{number}").exists():
            number += 1
        aside.mkdir()
        for name in WRITTEN:
            if (out / name).exists():
                (out / name).rename(aside / name)
    write_records(out, [])
    return [], aside


def read_records(out):
    """The records of a folder; none where there are none, without a line that was cut off."""
    if not (out / METRICS).exists():
        return []
    records = []
    for line in (out / METRICS).read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:  # the disk was full, or the process was ended here
            continue
    return records


def write_records(out, records):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    beside = out / f"{METRICS}.part"
    try:
        beside.write_text(lines, encoding="utf-8")
        os.replace(beside, out / METRICS)
    finally:
        beside.unlink(missing_ok=True)


def append_record(out, record):
    with open(out / METRICS, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
