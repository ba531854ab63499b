"""The command `study`: where am I, judge, watch, hint, diff, reset; progress, doctor.

Heavy imports stand inside the commands that need them, so that a check starts at once.
"""

import difflib
import json
import os
import subprocess
import sys
from contextlib import closing

from study import boxes, message, work
from study.asking import Judge
from study.book import Book, Task

COMMANDS = (
    *("check", "watch", "hint", "diff", "reset", "status", "progress", "doctor"),
    *("pages", "record"),
)


def main():
    """The program: exit code 0, 1 where a check is not passed, 2 for a wrong call."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    words = sys.argv[1:]
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        near = difflib.get_close_matches(words[0], COMMANDS, n=1)
        also = f"Do you mean {near[0]}?" if near else f"There are {', '.join(COMMANDS)}."
        print(f"study: there is no command {words[0]!r}. {also}", file=sys.stderr)
        return 2
    try:
        book = Book()
        ready = Judge(book) if words[:1] in (["check"], ["watch"]) else None
        return chosen(words)(book, ready)
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError) as error:
        print(f"study: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130


def chosen(words):
    """What a command line asks for: a function of the book and of a judge that stands ready."""
    import tyro
    from tyro.conf import Positional

    def status(way: str = ""):
        """Where you are, what is next, the minutes left today.

        Args:
            way: from now on, of the ways through the book (README), take this one.
        """
        return lambda book, ready: where(book, way)

    def check(what: Positional[str] = "", json: bool = False, verbose: bool = False):
        """Judge your file, and tick or untick the box in README.md.

        Args:
            what: an exercise (1.2), a part (1.a) or a day (day1); without it, what is next.
            json: print the verdicts as JSON, for editors and assistants.
            verbose: print all that is known, the traceback last.
        """
        return lambda book, ready: judge(book, ready, what, json, verbose)

    def watch(what: Positional[str] = ""):
        """Judge again at every save. Ctrl-C ends it."""
        return lambda book, ready: watching(book, ready, what)

    def hint(what: Positional[str] = ""):
        """One more of the four hints: symptom, idea, where to look, nearly the answer."""
        return lambda book, ready: hinted(book, what)

    def diff(what: Positional[str] = "", reveal: bool = False):
        """Your functions beside the book's, once they are right.

        Args:
            what: an exercise; without it, the last one that is ticked.
            reveal: show them although yours are not right yet.
        """
        return lambda book, ready: beside(book, what, reveal)

    def reset(what: Positional[str] = ""):
        """Blank again, and untick. A dated copy of your file goes to my/kept/.

        Args:
            what: an exercise (1.2), a part (1.a) or a day (day1); all, or nothing: the whole book.
        """
        return lambda book, ready: blanked(book, what)

    def progress():
        """A bar for each day, and the minutes that are left."""
        return lambda book, ready: bars(book)

    def doctor():
        """Is everything here that the book needs? How to mend what is not."""
        from study.doctor import examine

        return lambda book, ready: examine(book)

    def pages():
        """For maintainers: render the tables of the pages from the records."""
        from study.pages import main

        return lambda book, ready: main()

    def record(day: Positional[str]):
        """For maintainers: run a day's experiments again and record them."""
        return lambda book, ready: recorded(book, day)

    commands = (check, watch, hint, diff, reset, status, progress, doctor, pages, record)
    if not words or words[0] == "--way":
        words = ["status", *words]
    return tyro.extras.subcommand_cli_from_dict(
        {command.__name__: command for command in commands},
        prog="study",
        description="Without a word: where you are, and what is next.",
        args=words,
    )


def path_taken(book, way=""):
    """The tasks of the way that the learner has chosen. ValueError for a way that there is not."""
    file = book.root / ".study" / "way"
    if way:
        if way not in book.plan["ways"]:
            raise ValueError(f"there is no way {way!r}; there are {', '.join(book.plan['ways'])}")
        file.parent.mkdir(exist_ok=True)
        boxes.write(file, way.encode())
    name = file.read_text("utf-8", "replace").strip() if file.exists() else "everything"
    return book.way(name if name in book.plan["ways"] else "everything")


def done(book):
    """The ids whose boxes are ticked; none where there is no README.md."""
    page = book.root / "README.md"
    return boxes.ticked(page.read_text("utf-8")) if page.exists() else set()


def next_task(book, exercise=False):
    """The first task of the way that is not ticked, or None: core first, then further."""
    ticks = done(book)
    left = [task for task in path_taken(book) if task.id not in ticks]
    left = [task for task in left if task.lesson or not exercise]
    return min(left, key=lambda task: task.further, default=None)


def found(book, word) -> list[Task]:
    """The tasks that a word means: an id, a day, or nothing for the next exercise. ValueError."""
    if not word:
        task = next_task(book, exercise=True)
        if task is None:
            raise ValueError("every exercise is ticked: name one, such as 1.2")
        return [task]
    day = word.removeprefix("day")
    if word in book.tasks:
        return [book.tasks[word]]
    if day in book.days:
        tasks = [task for task in book.tasks.values() if task.day == day and task.lesson]
        if tasks:
            return tasks
        raise ValueError(f"day {day} has no exercises yet")
    near = difflib.get_close_matches(word, [*book.tasks, *(f"day{d}" for d in book.days)], n=3)
    also = f" Do you mean {' or '.join(near)}?" if near else " `study progress` lists them."
    raise ValueError(f"there is no exercise {word!r}.{also}")


def single(book, word):
    """The one exercise that a word means. ValueError for a day or a part."""
    tasks = found(book, word)
    if len(tasks) != 1 or tasks[0].lesson is None:
        raise ValueError(f"name one exercise, such as 1.2, not {word!r}")
    return tasks[0]


def where(book, way=""):
    """Print where the learner is, and what is next."""
    tasks, ticks = path_taken(book, way), done(book)
    for made in [path for day in book.days for path in work.make(book, day)]:
        print(f"made {book.short(made)}")
    if way:
        print(f"Your way is now {way}: {book.plan['ways'][way]['for']}.")
    task = next_task(book)
    if task is None:
        print(all_ticked(book))
        return 0
    today = [t for t in tasks if t.day == task.day and t.further == task.further]
    left = sum(t.minutes for t in today if t.id not in ticks)
    count = sum(t.id in ticks for t in today)
    day = book.days[task.day]
    print(f"Day {task.day}, {day['title']}: {count} of {len(today)} done, {hours(left)} left")
    print(f"Next: {task.id} {task.title}, {hours(task.minutes)}")
    if task.lesson is None:
        print(f"When it is done: study check {task.id}")
        task = next_task(book, exercise=True)
        if task is None or task.day != day["id"]:
            return 0
        print(f"The next exercise is {task.id} {task.title}.")
    mine = book.mine(task.lesson)
    for page in sorted(book.folder(task.day).glob("*.md")):
        if f"`study check {task.id}`" in page.read_text("utf-8"):
            print(f"  lesson     {book.short(page)}")
    print(f"  your file  {book.short(mine)}, line {work.line_of(mine, {task.id}, task.lesson)}")
    print(f"  then       study check {task.id}   (study hint {task.id}, study watch)")
    return 0


def all_ticked(book):
    """What to say where no exercise of the way is left."""
    ticks = done(book)
    left = [task for task in book.tasks.values() if task.id not in ticks]
    if not left:
        return "Every box of the book is ticked."
    return f"Your way has no exercise left. Beyond it: {left[0].id} {left[0].title}."


def hours(minutes):
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h".replace(".0 h", " h")


def judge(book, ready, what, as_json, verbose):
    """Judge what a word means, print it, tick it."""
    with closing(ready):
        tasks = found(book, what)
        if tasks[0].lesson is None:
            boxes.tick(book, done=[tasks[0].id])
            print(f"{tasks[0].id} {tasks[0].title}: ticked, on your word.")
            return 0
        verdicts = [verdict for task in tasks for verdict in [judged(book, ready, task)]]
    if as_json:
        print(json.dumps(verdicts, indent=1))
    elif len(verdicts) == 1:
        show(message.report(verdicts[0], verbose), verdicts[0]["status"] == "right")
    else:
        summary(verdicts, verbose)
    if len(verdicts) == 1 and verdicts[0]["status"] == "right" and not as_json:
        task = next_task(book, exercise=True)
        print(f"Next: {task.id} {task.title}" if task else all_ticked(book))
    missing = [v for v in verdicts if v["status"] != "right"]
    asked = [v for v in missing if v["status"] != "blank" or not book.tasks[v["exercise"]].further]
    return 1 if asked or (missing and len(verdicts) == 1) else 0


def judged(book, ready, task):
    """The verdict on a task; the version is kept, the box follows."""
    work.make(book, task.day)
    mine = book.mine(task.lesson)
    work.keep(book, mine)
    if edited(book, task.lesson):
        work.keep(book, task.lesson)
        name = book.short(task.lesson)
        verdict = {
            "exercise": task.id,
            "title": task.title,
            "file": book.short(mine),
            "status": "stopped",
            "message": (
                f"{name} is the book's own file, and it was edited. Yours is {book.short(mine)}. "
                f"`git restore {name}` puts the book's back; your edit is kept in .study/history/."
            ),
        }
    else:
        verdict = ready.verdict(task)
    changed = work.renamed(task.lesson, mine, {task.id})
    if changed and verdict["status"] != "right":
        verdict["message"] += " " + " ".join(changed)
    done_now = [task.id] if verdict["status"] == "right" else []
    undone = [task.id] if verdict["status"] in ("wrong", "blank") else []
    try:
        boxes.tick(book, done_now, undone)
    except FileNotFoundError:
        verdict["note"] = "No box was ticked: README.md is missing. `git restore README.md`"
    return verdict


def edited(book, lesson):
    """Whether a file of the book differs from the commit that is checked out, where git can say."""
    command = ["git", "diff", "--quiet", "HEAD", "--", str(lesson)]
    try:
        run = subprocess.run(command, cwd=book.root, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 1 and (book.root / ".git").exists()


def show(lines, right):
    """Print a report, its first line in colour on a terminal that has it."""
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        lines = [f"\033[1;{32 if right else 31}m{lines[0]}\033[0m", *lines[1:]]
    print("\n".join(lines))


def summary(verdicts, verbose):
    """A line for each verdict, and the whole of the first that is wrong."""
    for verdict in verdicts:
        word = {"right": "right", "blank": "blank"}.get(verdict["status"], "not yet")
        print(f"{verdict['exercise']:5} {word:8} {verdict['title']}")
    wrong = [v for v in verdicts if v["status"] not in ("right", "blank")]
    if wrong:
        print()
        show(message.report(wrong[0], verbose), right=False)


def watching(book, ready, what):
    """Judge at every save until Ctrl-C; move on when an exercise is right."""
    import watchfiles

    task = single(book, what)
    mine = book.mine(task.lesson)
    with closing(ready):
        while True:
            before = mine.read_bytes() if mine.exists() else b""
            verdict = judged(book, ready, task)
            right = verdict["status"] == "right"
            show(message.report(verdict), right)
            after = next_task(book, exercise=True) if right and not what else None
            if right and after is None:
                print("" if what else all_ticked(book))
                return 0
            if after is not None and after != task:
                task, mine = after, book.mine(after.lesson)
                print(f"\nNext: {task.id} {task.title}")
            elif mine.read_bytes() != before:
                continue  # it was saved again meanwhile
            print(f"waiting for a save of {book.short(mine)} …\n", flush=True)
            changes = watchfiles.watch(mine.parent, debounce=100, step=20, raise_interrupt=True)
            next(c for c in changes if str(mine) in {path for _, path in c})


def hinted(book, what):
    """Print the hints of an exercise up to the next rung."""
    task = single(book, what)
    file = book.root / ".study" / "hints.json"
    try:
        rungs = {name: max(0, int(rung)) for name, rung in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        rungs = {}
    rungs[task.id] = min(rungs.get(task.id, 0) + 1, len(task.hints))
    file.parent.mkdir(exist_ok=True)
    boxes.write(file, json.dumps(rungs).encode())
    print(f"{task.id} {task.title}")
    for number, text in enumerate(task.hints[: rungs[task.id]], 1):
        print("\n".join(message.wrapped(f"{number}. {text}")))
    left = len(task.hints) - rungs[task.id]
    print(
        f"\n{left} more: study hint {task.id}"
        if left
        else f"\nThe answer: study diff {task.id}{'' if task.id in done(book) else ' --reveal'}"
    )
    return 0


def beside(book, what, reveal):
    """Print the learner's functions and the book's, where they are right or on request."""
    ticks = done(book)
    if not what:
        own = [task.id for task in book.tasks.values() if task.lesson and task.id in ticks]
        if not own:
            raise ValueError("no exercise is ticked yet: name one, such as 1.2")
        what = own[-1]
    task = single(book, what)
    if task.id not in ticks and not reveal:
        print(
            f"{task.id} is not ticked yet: study check {task.id}, or study diff {task.id} --reveal"
        )
        return 1
    mine, source = book.mine(task.lesson), task.lesson.read_text("utf-8")
    names = [e.name for e in work.find(source) if e.id == task.id]
    try:
        text = work.text_of(mine) if mine.exists() else ""
        yours = "\n\n\n".join(filter(None, (work.body(text, name) for name in names)))
    except (SyntaxError, RecursionError, MemoryError):
        yours = "(the file is not Python yet)"
    theirs = "\n\n\n".join(work.body(source, name) for name in names)
    for title, code in ((book.short(mine), yours), (book.short(task.lesson), theirs)):
        print(f"--- {title}\n\n{code}\n")
    return 0


def blanked(book, what):
    """Blank exercises again, keep copies, untick their boxes."""
    if not what and not agreed("This blanks every exercise of the book; copies go to my/kept/."):
        raise ValueError("nothing was changed: `study reset all` does it without asking")
    what = "" if what == "all" else what
    tasks = found(book, what) if what else [t for t in book.tasks.values() if t.lesson]
    if what and tasks[0].lesson is None:
        boxes.tick(book, undone=[what])
        print(f"{what}: unticked.")
        return 0
    for copy in work.reset(book, tasks):
        print(f"kept {book.short(copy)}")
    if not what:  # hints begin anew, too
        (book.root / ".study" / "hints.json").unlink(missing_ok=True)
    ids = [task.id for task in tasks] if what else list(book.tasks)
    boxes.tick(book, undone=ids)
    print(f"Blank again: {', '.join(task.id for task in tasks)}.")
    return 0


def agreed(question):
    """Whether somebody at a keyboard says yes."""
    if not sys.stdin.isatty():
        return False
    print(f"{question} Go on? (yes) ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


def bars(book):
    """Print a bar for each day of the way, then its tasks that are not ticked."""
    ticks, tasks = done(book), path_taken(book)
    for name, day in book.days.items():
        own = [task for task in tasks if task.day == name and not task.further]
        if not own:
            continue
        count = sum(task.id in ticks for task in own)
        left = sum(task.minutes for task in own if task.id not in ticks)
        bar = "#" * round(20 * count / len(own))
        print(
            f"day {name:4}[{bar:.<20}] {count:2} of {len(own):2}  {hours(left):>7} left  {day['title']}"
        )
    for name in book.days:
        own = [task for task in tasks if task.day == name and task.id not in ticks]
        if own and any(task.lesson for task in own):
            print(f"\nopen in day {name}")
            for task in own:
                mark = ", further" if task.further else ""
                print(f"  {task.id:5} {task.title} ({hours(task.minutes)}{mark})")
    return 0


def recorded(book, day):
    """Run the programs that record a day's results, then render the pages."""
    name = day.removeprefix("day")
    programs = book.days.get(name, {}).get("record", [])
    if not programs:
        raise ValueError(f"there is nothing to record for {day!r}")
    for program in programs:
        subprocess.run([sys.executable, *program.split()], cwd=book.root, check=True)
    from study.pages import main as render

    render()
    return 0
