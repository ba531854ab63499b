"""The plan is complete, in an order that can be followed, and its times add up."""

import ast
import re
import textwrap

from study import pages, work
from study.book import Book

from learner import ROOT


def test_the_plan_is_complete_and_has_no_circle():
    book = Book(ROOT)
    needs = book.plan["needs"] | {name: day["needs"] for name, day in book.days.items()}
    exercises = {task.id for task in book.tasks.values() if task.lesson and not task.planted}
    assert exercises <= needs.keys() | {"1.1"}
    known = exercises | set(book.days)
    assert all(need in known for wanted in needs.values() for need in wanted)

    def above(name, path=()):
        assert name not in path, f"a circle: {path}"
        for need in needs.get(name, ()):
            above(need, (*path, name))

    for name in needs:
        above(name)
    order = [*book.tasks]
    for name in exercises:
        assert all(order.index(need) < order.index(name) for need in needs.get(name, ()))
    for way in book.plan["ways"]:
        words = book.plan["ways"][way]["takes"]
        assert all(word in book.days or word in book.tasks or word == "further" for word in words)
        taken = {task.id for task in book.way(way)}
        assert taken
        missing = {need for name in taken for need in needs.get(name, ())} - taken
        assert not missing, f"{way} leaves out what it builds on: {missing}"


def test_what_an_exercise_needs_is_what_its_lesson_calls():
    """A reference that calls the function of another exercise of its day says so in the plan."""
    book = Book(ROOT)
    given = {"3.6": {"3.9"}}  # which is further: what draws a symbol is the book's there
    for day in book.days:
        owner, calls = {}, {}
        for lesson in book.lessons(day):
            text = lesson.read_text("utf-8")
            for exercise in work.find(text):
                owner[exercise.name] = exercise.id
                tree = ast.parse(textwrap.dedent(work.body(text, exercise.name)))
                called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
                names = {f.id for f in called if isinstance(f, ast.Name)}
                calls.setdefault(exercise.id, set()).update(names)
        for exercise, names in calls.items():
            used = {owner[name] for name in names if name in owner} - {exercise}
            said = set(book.plan["needs"].get(exercise, ())) | given.get(exercise, set())
            assert used <= said, exercise


def test_times_add_up():
    rows = [
        [float(cell.split()[0]) if cell.strip() else 0 for cell in line.split("|")[2:-1]]
        for line in pages.times().splitlines()[2:]
    ]
    for column in zip(*rows, strict=True):
        assert abs(sum(column[:-1]) - column[-1]) < 0.05 * len(column)


def test_the_core_of_a_day_fits_a_day():
    """Eight hours, eight and a half for the two of the deep dive; a part may be further, too."""
    book = Book(ROOT)
    for name in book.days:
        minutes = sum(task.minutes for task in book.core(name))
        assert minutes <= (2 * 8.5 * 60 if name == "4-5" else 8 * 60), name
    part = book.tasks["4.e"]
    assert part.further and part not in book.core("4-5") and part in book.way("everything")
    core, further = pages.boxes().split("**Day 4-5")[1].split("Further, and blocking nothing")
    assert pages.box(part) in further and pages.box(part) not in core


def test_each_way_to_lose_a_day_points_at_what_shows_it():
    """Five lines of the plan, each with a page or a command that there is."""
    page = (ROOT / "README.md").read_text("utf-8")
    told = page.split("Five ways to lose a day")[1].split("The pages:")[0]
    lines = re.findall(r"^- \*\*(.+?)\.\*\* ((?:.+\n(?:  .+\n)*))", told, re.MULTILINE)
    assert len(lines) == 5
    for name, text in lines:
        links = re.findall(r"\]\(([^)]+)\)", text)
        programs = re.findall(r"`python ([\w/.]+)", text)
        commands = re.findall(r"`study (.+?)`", text)
        assert links or programs or commands, name
        assert all((ROOT / path).exists() for path in (*links, *programs)), name
        known = {"reset": Book(ROOT).tasks, "--way": Book(ROOT).plan["ways"]}
        assert all(word in known[verb] for verb, word in map(str.split, commands)), name
