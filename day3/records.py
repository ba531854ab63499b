"""What a run wrote down: one line of JSON for each evaluation, in metrics.jsonl."""

import json

METRICS = "metrics.jsonl"


def make_room(out, step):
    """The records of the run so far. A new run first moves an older one aside, never over it."""
    out.mkdir(parents=True, exist_ok=True)
    if step > 0:
        records = [json.loads(line) for line in (out / METRICS).read_text("utf-8").splitlines()]
        records = [record for record in records if record["step"] <= step]
        write_records(out, records)
        return records
    older = [out / name for name in ("gpt.pt", METRICS, "loss.png", "sample.txt", "skills.png")]
    if any(path.exists() for path in older):
        number = 1
        while (aside := out / f"earlier-{number}").exists():
            number += 1
        aside.mkdir()
        for path in older:
            if path.exists():
                path.rename(aside / path.name)
    write_records(out, [])
    return []


def write_records(out, records):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (out / METRICS).write_text(lines, encoding="utf-8")


def append_record(out, record):
    with open(out / METRICS, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
