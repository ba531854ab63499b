"""What the checks catch, and what they name: dayN/results/slips.json.

    python tests/measure_slips.py            judge every wrong answer again and write the record
    python tests/measure_slips.py --open     print the answers whose message nobody has judged yet

tests/unseen/dayN.jsonl holds wrong answers by writers who had not seen the bank: exercise, writer,
label (the mistake in the writer's words, before any judgement), code; and afterwards the message
and the judgement on it: "named" (the message tells the mistake that the label tells), "true" (what
it says holds, but it is not the mistake), "wrong" (it tells another mistake), "missed" (the first
time it passed; the check has been mended since). A message that has changed since the judgement has
to be judged again.
"""

import ast
import collections
import json
import re
import sys
import tempfile
from contextlib import closing

from study.asking import Judge
from study.book import Book
from study.exercises import blank
from study.judge import load_check
from study.naming import members

from learner import ROOT, copied

UNSEEN = ROOT / "tests" / "unseen"
sys.path.append(str(ROOT / "day4-5"))  # a leaf that is not on the path of the install
DAYS = sorted(path.stem.removeprefix("day") for path in UNSEEN.glob("day*.jsonl"))


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answers(day):
    return lines(UNSEEN / f"day{day}.jsonl")


def record(day):
    return ROOT / f"day{day}" / "results" / "slips.json"


def verdicts(wrong):
    """The verdict on each wrong answer, written into the blank file of its lesson."""
    with tempfile.TemporaryDirectory() as folder:
        book = copied(folder)
        with closing(Judge(book)) as judge:
            for answer in wrong:
                task = book.tasks[answer["exercise"]]
                mine = book.mine(task)
                mine.parent.mkdir(parents=True, exist_ok=True)
                text = blank(task.lesson.read_text("utf-8"))
                mine.write_text(filled_in(text, answer["code"]), encoding="utf-8")
                yield judge.verdict(task)


def filled_in(text, code):
    """A blank file with an answer at its end; methods go into the classes that they are for."""
    answer, classes = ast.parse(code), {}
    for node in answer.body.copy():
        if isinstance(node, ast.ClassDef):
            classes[node.name] = node
            answer.body.remove(node)
    if not classes:
        return text + "\n\n" + code + "\n"
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in classes:
            written = {part.name: part for part in classes.pop(node.name).body}
            node.body = [written.pop(getattr(part, "name", ""), part) for part in node.body]
            node.body += written.values()
    tree.body += [*answer.body, *classes.values()]
    return ast.unparse(tree) + "\n"


def message(verdict):
    """What a verdict says of a mistake, whatever the number of the line."""
    return re.sub(r"\bLine \d+", "Line …", verdict.get("message", verdict["status"]))


def counts(wrong, told):
    """Over some wrong answers: how many were caught, and what became of the rest."""
    row = collections.Counter(answer["judgement"] for answer in wrong)
    now = sum(v["status"] != "right" for v in told)
    return {"answers": len(wrong), "caught": len(wrong) - row["missed"], "caught now": now, **row}


def bank(day):
    """exercise -> number of slips and of answers that are accepted in another convention."""
    book, row = Book(ROOT), {}
    for task in book.tasks.values():
        if task.lesson and not task.planted and task.day == day:
            check = load_check(book.check(task.lesson), task.id)
            kinds = {kind: len(members(check, kind)) for kind in ("slips", "accepts")}
            row[task.id] = {"title": task.title, **kinds}
    return row


def repairs(day):
    """arm -> how many wrong answers were mended within one try and within two."""
    rows = collections.defaultdict(lambda: {"answers": 0, "within one": 0, "within two": 0})
    tasks = Book(ROOT).tasks
    for case in lines(UNSEEN / "repairs.jsonl"):
        if tasks[case["exercise"]].day == day:
            row = rows[case["arm"]]
            row["answers"] += 1
            row["within one"] += case["tries"] == 1
            row["within two"] += case["tries"] in (1, 2)
    return dict(rows)


def main():
    return max(measure(day) for day in DAYS)


def measure(day):
    """Judge the answers of a day again, and write its record; 1 where a message is not judged."""
    wrong = answers(day)
    told = list(verdicts(wrong))
    stale = [
        (number, a, v)
        for number, (a, v) in enumerate(zip(wrong, told, strict=True))
        if a.get("message") != message(v) or not a.get("judgement")
    ]
    if stale or "--open" in sys.argv:
        for number, answer, verdict in stale:
            print(json.dumps({"number": number, **answer, "now": message(verdict)}))
        print(f"day {day}: {len(stale)} messages to judge", file=sys.stderr)
        return 1
    exercises = sorted({a["exercise"] for a in wrong}, key=lambda e: [int(n) for n in e.split(".")])
    row = {
        "command": "python tests/measure_slips.py",
        "all": counts(wrong, told),
        "exercises": {
            exercise: counts(
                [a for a in wrong if a["exercise"] == exercise],
                [v for a, v in zip(wrong, told, strict=True) if a["exercise"] == exercise],
            )
            for exercise in exercises
        },
        "bank": bank(day),
        "repairs": repairs(day),
    }
    record(day).write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    print(f"day {day}: {json.dumps(row['all'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
