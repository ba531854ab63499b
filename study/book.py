"""Where the book is and what it asks: days, parts, exercises, ways. Imports nothing heavy."""

import ast
import textwrap
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from study.exercises import blank, find


@dataclass(frozen=True)
class Task:
    """One box of the plan: an exercise to write, or a part that is ticked on the learner's word."""

    id: str
    title: str
    minutes: int
    day: str
    further: bool = False
    lesson: Path | None = None  # the reference; None for a part
    hints: tuple = ()
    exercise: str = ""  # whose check judges it: its own, or the one that a bug is planted in
    planted: tuple = ()  # pairs: lines of the reference, the lines of the bug in their place
    symptom: str = ""  # of a bug

    def start(self):
        """The text that a learner begins with: the blank file, or the reference with the bug; above
        it stands whose answers it holds, and the symptom.
        """
        text = self.lesson.read_text("utf-8")
        if not self.planted:
            return blank(text)
        for right, wrong in self.planted:
            if text.count(right) != 1:
                raise ValueError(f"{self.id}: {right!r} is not once in {self.lesson.name}")
            text = text.replace(right, wrong)
        answers = ", ".join(sorted({exercise.id for exercise in find(text)}, key=number))
        told = (
            f"{self.id}, {self.title}. This file holds the answers of {answers}: write yours first. "
            f"{self.symptom} One fault is in this file: mend it here."
        )
        return "\n".join([f"# {line}" for line in textwrap.wrap(told, 98)] + [text])


def home():
    """The root of the book: the folder above the current one that holds one, else the installed."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "study" / "plan.toml").exists() and (folder / "day1").is_dir():
            return folder
    return Path(__file__).resolve().parent.parent


class Book:
    """The workbook in a folder."""

    def __init__(self, root=None):
        self.root = Path(root or home())

    @cached_property
    def plan(self):
        return tomllib.loads((self.root / "study" / "plan.toml").read_text("utf-8"))

    @cached_property
    def days(self):
        return {day["id"]: day for day in self.plan["day"]}

    @cached_property
    def tasks(self):
        """id -> Task, in the order of the book."""
        tasks = {}
        for name, day in self.days.items():
            own = [task for lesson in self.lessons(name) for task in exercises(lesson, name)]
            own.sort(key=lambda task: number(task.id))
            told = day["parts"]
            parts = [
                Task(p["id"], p["title"], p["minutes"], name, p.get("further", False)) for p in told
            ]
            late = {p["id"] for p in told if "last" in p}
            order = sorted([*parts, *own, *self.bugs(name)], key=lambda task: task.id in late)
            tasks |= {task.id: task for task in order}
        return tasks

    def lessons(self, day):
        """The lesson files of a day that have checks."""
        paths = [p for p in sorted(self.folder(day).glob("*.py")) if self.check(p).exists()]
        return [path for path in paths if "# exercise " in path.read_text("utf-8")]

    def bugs(self, day):
        """The bug lab of a day: dayN/bugs/*.toml, each a task that is further."""
        paths = (self.folder(day) / "bugs").glob("*.toml")
        for path in sorted(paths, key=lambda path: int(path.stem.removeprefix("bug"))):
            told = tomllib.loads(path.read_text("utf-8"))
            planted = tuple((change["right"], change["wrong"]) for change in told["planted"])
            lesson, hints = self.folder(day) / told["file"], tuple(told["hints"])
            symptom = " ".join(told["symptom"].split())
            yield Task(path.stem, told["title"], told["minutes"], day, True, lesson, hints,
                       told["exercise"], planted, symptom)  # fmt: skip

    def folder(self, day):
        return self.root / f"day{day}"

    @staticmethod
    def check(lesson):
        """The file of checks that belongs to a lesson file."""
        return lesson.parent / "checks" / lesson.name

    def mine(self, task):
        """The learner's file of a task: named as the lesson's, or as the bug."""
        name = f"{task.id}.py" if task.planted else task.lesson.name
        return self.root / "my" / self.folder(task.day).name / name

    def core(self, day):
        """What the box of a day asks for: its parts and its exercises that are not further."""
        return [task for task in self.tasks.values() if task.day == day and not task.further]

    def way(self, name):
        """The tasks of a way, in the order of the book. KeyError for a way that is not in the plan."""
        takes = {*self.plan["ways"][name]["takes"]}
        tasks = self.tasks.values()
        return [t for t in tasks if takes & {t.id, "further" if t.further else t.day}]

    def short(self, path):
        """A path as it is shown: from the root of the book."""
        return path.relative_to(self.root).as_posix()


def number(name):
    """1.10 comes after 1.9."""
    return [int(part) if part.isdigit() else 0 for part in name.split(".")]


def exercises(lesson, day):
    """The exercises of a lesson file, with what their checks say of them."""
    found = {e.id: e for e in find(lesson.read_text("utf-8"))}
    for id, told in described(Book.check(lesson)).items():
        if id in found:
            more = found[id].further, lesson, told["hints"], id
            yield Task(id, told["title"], told["minutes"], day, *more)


def described(path):
    """title, minutes and hints of every exercise of a file of checks, read without running it."""
    found = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("exercise_"):
            lines = [line for line in node.body if isinstance(line, ast.Assign)]
            held = {getattr(line.targets[0], "id", ""): line.value for line in lines}
            told = {name: ast.literal_eval(held[name]) for name in ("title", "minutes", "hints")}
            found[node.name.removeprefix("exercise_").replace("_", ".")] = told
    return found
