"""What `study` can do: every public method of Commands is a command, and its docstring the help."""

import difflib
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from inspect import signature
from json import dumps
from shutil import rmtree

import tyro
from tyro.conf import Positional

from study import boxes, message, work
from study.asking import Judge
from study.book import Book
from study.checking import checked, show, summary
from study.standing import all_ticked, done, found, hours, next_task, path_taken, single


@dataclass
class Commands:
    """The commands, in the order of the help. Each returns the exit code."""

    book: Book
    judge: Judge

    def check(self, what: Positional[str] = "", json: bool = False, verbose: bool = False):
        """Judge your file, and tick or untick the box in README.md.

        Args:
            what: an exercise (1.2), a part (1.a) or a day (day1); without it, what is next.
            json: print the verdicts as JSON, for editors and assistants.
            verbose: print all that is known, the traceback last.
        """
        book, tasks = self.book, found(self.book, what)
        if tasks[0].lesson is None:
            boxes.tick(book, done=[what])
            told = f"{what} {tasks[0].title}: ticked, on your word."
            print(dumps([{"exercise": what, "status": "right"}]) if json else told)
            return 0
        verdicts = [checked(book, self.judge, task) for task in tasks]
        missed = [verdict for verdict in verdicts if verdict["status"] != "right"]
        if json:
            print(dumps(verdicts, indent=1))
        elif len(tasks) > 1:
            summary(verdicts, verbose)
        else:
            show(verdicts[0], verbose)
            if not missed:
                task = next_task(book, exercise=True, day=tasks[0].day)
                print(f"Next: {task.id} {task.title}" if task else all_ticked(book))
        if len(tasks) > 1:  # what is further may stay blank
            further = {task.id for task in tasks if task.further}
            missed = [v for v in missed if v["status"] != "blank" or v["exercise"] not in further]
        return 1 if missed else 0

    def watch(self, what: Positional[str] = ""):
        """Judge again at every save. Ctrl-C ends it."""
        import watchfiles

        book, task = self.book, single(self.book, what)
        mine = book.mine(task)
        while True:
            before = mine.read_bytes() if mine.exists() else b""
            verdict = checked(book, self.judge, task)
            show(verdict)
            right = verdict["status"] == "right"
            after = next_task(book, True, task.day) if right and not what else None
            if right and after is None:
                print("" if what else all_ticked(book))
                return 0
            if after is not None and after != task:
                task, mine = after, book.mine(after)
                print(f"\nNext: {task.id} {task.title}")
            elif mine.read_bytes() != before:
                continue  # it was saved again meanwhile
            print(f"waiting for a save of {book.short(mine)} …\n", flush=True)
            changes = watchfiles.watch(mine.parent, debounce=100, step=20, raise_interrupt=True)
            next(c for c in changes if str(mine) in {path for _, path in c})

    def hint(self, what: Positional[str] = ""):
        """One more of the four hints: symptom, idea, where to look, nearly the answer."""
        book, task = self.book, single(self.book, what)
        file = book.root / ".study" / "hints" / task.id  # as long as hints were asked for
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as asked:
            asked.write(".")
        shown = min(file.stat().st_size, len(task.hints))
        print(f"{task.id} {task.title}")
        for number, text in enumerate(task.hints[:shown], 1):
            print("\n".join(message.wrapped(f"{number}. {text}")))
        left = len(task.hints) - shown
        answer = f"study diff {task.id}{'' if task.id in done(book) else ' --reveal'}"
        print(f"\n{left} more: study hint {task.id}" if left else f"\nThe answer: {answer}")
        return 0

    def diff(self, what: Positional[str] = "", reveal: bool = False):
        """Your functions beside the book's, once they are right.

        Args:
            what: an exercise; without it, the last one that is ticked.
            reveal: show them although yours are not right yet.
        """
        book, ticks = self.book, done(self.book)
        if not what:
            own = [task.id for task in book.tasks.values() if task.lesson and task.id in ticks]
            if not own:
                raise ValueError("no exercise is ticked yet: name one, such as 1.2")
            what = own[-1]
        task = single(book, what)
        if task.id not in ticks and not reveal:
            also = f"study check {task.id}, or study diff {task.id} --reveal"
            print(f"{task.id} is not ticked yet: {also}")
            return 1
        mine, source = book.mine(task), task.lesson.read_text("utf-8")
        names = [e.name for e in work.find(source) if e.id == task.exercise]
        try:
            text = work.text_of(mine) if mine.exists() else ""
            yours = "\n\n\n".join(filter(None, (work.body(text, name) for name in names)))
        except (SyntaxError, RecursionError, MemoryError):
            yours = "(the file is not Python yet)"
        theirs = "\n\n\n".join(work.body(source, name) for name in names)
        for path, code in ((mine, yours), (task.lesson, theirs)):
            print(f"--- {book.short(path)}\n\n{code}\n")
        return 0

    def reset(self, what: Positional[str] = ""):
        """Blank again, and untick. A dated copy of your file goes to my/kept/.

        Args:
            what: an exercise (1.2), a part (1.a) or a day (day1); all: the whole book.
        """
        if not what:
            raise ValueError("name an exercise; `study reset all` blanks the whole book")
        book, whole = self.book, what == "all"
        tasks = [t for t in book.tasks.values() if t.lesson] if whole else found(book, what)
        for copy in work.reset(book, tasks):
            print(f"kept {book.short(copy)}")
        if whole:  # hints begin anew, too
            rmtree(book.root / ".study" / "hints", ignore_errors=True)
        boxes.tick(book, undone=book.tasks if whole else [task.id for task in tasks])
        print(f"Begin anew: {', '.join(task.id for task in tasks)}.")
        return 0

    def status(self, way: str = ""):
        """Where you are, what is next, the minutes left today.

        Args:
            way: from now on, of the ways through the book (README), take this one.
        """
        book, tasks, ticks = self.book, path_taken(self.book, way), done(self.book)
        for day in book.days:
            if made := work.make(book, day):
                print(
                    f"made {book.short(made[0].parent)}/: {len(made)} file{'s' * (len(made) > 1)}"
                )
        if way:
            print(f"Your way is now {way}: {book.plan['ways'][way]['for']}.")
        task = next_task(book)
        if task is None:
            print(all_ticked(book))
            return 0
        today = [t for t in tasks if t.day == task.day and t.further == task.further]
        left = hours(sum(t.minutes for t in today if t.id not in ticks))
        count = f"{sum(t.id in ticks for t in today)} of {len(today)}"
        print(f"Day {task.day}, {book.days[task.day]['title']}: {count} done, {left} left")
        print(f"Next: {task.id} {task.title}, {hours(task.minutes)}")
        if task.lesson is None:
            print(f"When it is done: study check {task.id}")
            part, task = task, next_task(book, exercise=True)
            if task is None or task.day != part.day:
                return 0
            print(f"The next exercise is {task.id} {task.title}.")
        mine, ids = book.mine(task), {task.exercise}
        for page in sorted(book.folder(task.day).glob("*.md")):
            if f"`study check {task.id}`" in page.read_text("utf-8"):
                print(f"  lesson     {book.short(page)}")
        if task.planted:  # where its fault stands is for the learner to find
            print(f"  your file  {book.short(mine)}", *message.wrapped(task.symptom), sep="\n")
        else:
            print(f"  your file  {book.short(mine)}, line {work.line_of(mine, ids, task.lesson)}")
        print(f"  then       study check {task.id}   (study hint {task.id}, study watch)")
        return 0

    def progress(self):
        """A bar for each day, and the minutes that are left."""
        book, tasks, ticks = self.book, path_taken(self.book), done(self.book)
        for name, day in book.days.items():
            own = [task for task in tasks if task.day == name and not task.further]
            if not own:
                continue
            count = sum(task.id in ticks for task in own)
            left = hours(sum(task.minutes for task in own if task.id not in ticks))
            bar = "#" * round(20 * count / len(own))
            told = f"[{bar:.<20}] {count:2} of {len(own):2}  {left:>7} left"
            print(f"day {name:4}{told}  {day['title']}")
        for name in book.days:
            own = [task for task in tasks if task.day == name and task.id not in ticks]
            if any(task.lesson for task in own):
                print(f"\nopen in day {name}")
                for task in own:
                    mark = ", further" if task.further else ""
                    print(f"  {task.id:5} {task.title} ({hours(task.minutes)}{mark})")
        return 0

    def doctor(self):
        """Is everything here that the book needs? How to mend what is not."""
        from study.doctor import examine

        return examine(self.book)

    def pages(self):
        """For maintainers: render the tables of the pages from the records."""
        from study.pages import main

        return main()

    def record(self, day: Positional[str]):
        """For maintainers: run a day's experiments again and record them."""
        programs = self.book.days.get(day.removeprefix("day"), {}).get("record", [])
        if not programs:
            raise ValueError(f"there is nothing to record for {day!r}")
        for program in programs:
            subprocess.run([sys.executable, *program.split()], cwd=self.book.root, check=True)
        return self.pages()


def chosen(words, book, judge):
    """The command that a command line asks for, ready to be called. ValueError: there is none."""
    names = [name for name in vars(Commands) if not name.startswith("_")]
    if not words or words[0] == "--way":
        words = ["status", *words]
    if not words[0].startswith("-") and words[0] not in names:
        tasks = (*book.tasks, *(f"day{day}" for day in book.days))
        near = difflib.get_close_matches(words[0], names, n=1)
        near = [f"study check {words[0]}"] if words[0] in tasks else near
        also = f"Do you mean {near[0]}?" if near else f"There are {', '.join(names)}."
        raise ValueError(f"there is no command {words[0]!r}. {also}")
    commands = Commands(book, judge)
    return tyro.extras.subcommand_cli_from_dict(
        {name: deferred(getattr(commands, name)) for name in names},
        prog="study",
        description="Without a word: where you are, and what is next.",
        args=words,
    )


def deferred(command):
    """A function of the command's arguments that does nothing yet, for tyro to call.

    A ValueError of the command itself would be told by tyro, as an argument that it cannot read.
    """

    def ready(**arguments):
        return partial(command, **arguments)

    ready.__doc__, ready.__annotations__ = command.__doc__, command.__annotations__
    ready.__signature__ = signature(command)
    return ready
