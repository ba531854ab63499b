"""Render what pages say in numbers from records and plan: `study pages`.

A block between `<!-- begin: NAME -->` and `<!-- end -->` is replaced, and a link to a name in the code
gets its line (study/lines.py); all else stays as it is.
"""

import re
import runpy
import sys
from functools import cache
from pathlib import Path

from study.book import Book
from study.boxes import ticked, with_ticks
from study.exercises import find
from study.lines import with_lines

ROOT = Path(__file__).parent.parent
PAGES = [p for name in ("*.md", "day*/*.md", "resources/**/*.md") for p in ROOT.glob(name)]
BLOCK = re.compile(r"(<!-- begin: ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def boxes():
    """A box for every task and every day, empty."""
    book, lines = Book(ROOT), []
    for name, day in book.days.items():
        lines += ["", f"**Day {name}: {day['title']}**", ""]
        lines += [*map(box, book.core(name)), f"- [ ] day {name}"]
        further = [task for task in book.tasks.values() if task.day == name and task.further]
        if further:
            lines += ["", "Further, and blocking nothing:", "", *map(box, further)]
    return "\n".join([*lines[1:], ""])


def box(task):
    return f"- [ ] {task.id} {task.title} ({task.minutes} min)"


def times():
    """Hours of each day: its parts, its core exercises, what is further; and their sum."""
    book = Book(ROOT)
    table = ["| day | reading and watching | writing | in all | further |", "|---|---|---|---|---|"]
    sums = [0, 0, 0, 0]
    for name in book.days:
        core = book.core(name)
        parts = sum(task.minutes for task in core if task.lesson is None)
        writing = sum(task.minutes for task in core if task.lesson)
        further = sum(t.minutes for t in book.tasks.values() if t.day == name and t.further)
        row = [parts, writing, parts + writing, further]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        table.append(f"| {name} | {' | '.join(map(hours, row))} |")
    return "\n".join([*table, f"| all | {' | '.join(map(hours, sums))} |"])


def hours(minutes):
    return f"{minutes / 60:.1f} h" if minutes else ""


def ways():
    """The ways through the book, and their hours."""
    book = Book(ROOT)
    table = ["| way | for whom | hours | choose it by |", "|---|---|---|---|"]
    for name, way in book.plan["ways"].items():
        minutes = sum(task.minutes for task in book.way(name))
        table.append(f"| {name} | {way['for']} | {minutes / 60:.0f} | `study --way {name}` |")
    return "\n".join(table)


def exercises():
    """Every exercise: its functions, the lesson's file that solves it, the file to write."""
    book = Book(ROOT)
    rows = ["| exercise | functions | the book's | yours | minutes |", "|---|---|---|---|---|"]
    for task in book.tasks.values():
        if task.lesson and not task.planted:
            names = [e.name for e in find(task.lesson.read_text("utf-8")) if e.id == task.id]
            functions = ", ".join(f"`{name}`" for name in names)
            path, further = book.short(task.lesson), ", further" if task.further else ""
            rows.append(
                f"| {task.id} {task.title}{further} | {functions} | [{path}](../{path}) "
                f"| `my/{path}` | {task.minutes} |"
            )
    return "\n".join(rows)


@cache
def blocks():
    """name -> the function that makes a block. ValueError where a list or a record is broken."""
    found = {"boxes": boxes, "times": times, "exercises": exercises, "ways": ways}
    for path in sorted([*ROOT.glob("day*/*_tables.py"), *ROOT.glob("resources/*_tables.py")]):
        try:
            found |= runpy.run_path(str(path))["TABLES"]
        except ValueError as error:
            raise ValueError(f"{path.name} reads a file that is broken: {error}") from None
    return found


def block(name):
    """The text of a block. ValueError: there is none, or its list or record lacks what it shows."""
    if name not in blocks():
        raise ValueError(f"there is no block {name!r}: see TABLES in the files *_tables.py")
    try:
        return blocks()[name]()
    except KeyError as missing:
        raise ValueError(f"the block {name!r} needs {missing}, and finds none") from missing


def rendered(text, folder):
    """The text of a folder's page, its blocks and lines made anew, every tick kept.

    ValueError: no such block, or no such name in the code.
    """
    new = BLOCK.sub(lambda m: m[1] + block(m[2]) + "\n" + m[3], text)
    return with_ticks(with_lines(new, folder), ticked(text))


def main():
    blocks()  # what is broken here is no page's fault
    for path in PAGES:
        text = path.read_text("utf-8")
        try:
            new = rendered(text, path.parent)
        except ValueError as error:
            raise ValueError(f"{path.relative_to(ROOT)}: {error}") from error
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"study: {error}")
