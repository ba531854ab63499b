"""Check a task: keep the version, ask the judge, let the box follow, print the verdict."""

import os
import subprocess
import sys

from study import boxes, message, work
from study.asking import stopped


def checked(book, judge, task):
    """The verdict on a task; the version is kept, the box follows."""
    work.make(book, task.day)
    mine = book.mine(task)
    work.keep(book, mine)
    verdict = {"exercise": task.id, "title": task.title, "file": book.short(mine)}
    if edited(book, task.lesson):
        work.keep(book, task.lesson)
        name = book.short(task.lesson)
        verdict |= stopped(
            f"{name} is the book's own file, and it was edited. Yours is {book.short(mine)}. "
            f"`git restore {name}` puts the book's back; your edit is kept in .study/history/."
        )
    elif task.planted and untouched(task, mine):
        still = f"One fault is in {book.short(mine)}; nothing was changed there yet."
        verdict |= {"status": "blank", "message": f"{task.symptom} {still}", "untouched": True}
    else:
        verdict |= judge.verdict(task)
    changed = work.renamed(task.lesson, mine, {task.exercise})
    if changed and verdict["status"] != "right":
        verdict["message"] += " " + " ".join(changed)
    right, missed = verdict["status"] == "right", verdict["status"] in ("wrong", "blank")
    try:
        boxes.tick(book, [task.id] if right else [], [task.id] if missed else [])
    except FileNotFoundError:
        verdict["note"] = "No box was ticked: README.md is missing. `git restore README.md`"
    return verdict


def untouched(task, mine):
    """Whether a file is still as the bug lab gave it: then it is for the learner to find the fault."""
    return mine.read_bytes().replace(b"\r\n", b"\n") == task.start().encode("utf-8")


def edited(book, lesson):
    """Whether a file of the book differs from the commit that is checked out, where git can say."""
    command = ["git", "diff", "--quiet", "HEAD", "--", str(lesson)]
    try:
        run = subprocess.run(command, cwd=book.root, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 1 and (book.root / ".git").exists()


def show(verdict, verbose=False):
    """Print a report, its first line in colour on a terminal that has it."""
    lines = message.report(verdict, verbose)
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        colour = 32 if verdict["status"] == "right" else 31
        lines[0] = f"\033[1;{colour}m{lines[0]}\033[0m"
    print("\n".join(lines))


def summary(verdicts, verbose):
    """A line for each verdict, and the whole of the first that is wrong."""
    for verdict in verdicts:
        word = {"right": "right", "blank": "blank"}.get(verdict["status"], "not yet")
        word = "not begun" if verdict.get("untouched") else word
        print(f"{verdict['exercise']:5} {word:9} {verdict['title']}")
    wrong = [v for v in verdicts if v["status"] not in ("right", "blank")]
    if wrong:
        print()
        show(wrong[0], verbose)
