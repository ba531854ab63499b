"""Where a learner stands: the way taken, what is done, what comes next, what a word means."""

import difflib

from study import boxes
from study.book import Task


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


def next_task(book, exercise=False, day=None):
    """The first task of the way that is not ticked, or None: core first, of this day first."""
    ticks = done(book)
    left = [t for t in path_taken(book) if t.id not in ticks and (t.lesson or not exercise)]
    return min(left, key=lambda task: (task.further, day and task.day != day), default=None)


def all_ticked(book):
    """What to say where no exercise of the way is left: its parts, or what the book has beyond it."""
    ticks = done(book)
    for where, tasks in (("Left on it", path_taken(book)), ("Beyond it", book.tasks.values())):
        if task := next((task for task in tasks if task.id not in ticks), None):
            return f"Your way has no exercise left. {where}: {task.id} {task.title}."
    return "Every box of the book is ticked."


def found(book, word) -> list[Task]:
    """The tasks that a word means: an id, a day, or nothing for the next exercise. ValueError."""
    if not word:
        task = next_task(book, exercise=True)
        if task is None:
            raise ValueError("every exercise is ticked: name one, such as 1.2")
        return [task]
    if word in book.tasks:
        return [book.tasks[word]]
    day = word.removeprefix("day")
    if tasks := [task for task in book.tasks.values() if task.day == day and task.lesson]:
        return tasks
    near = difflib.get_close_matches(word, [*book.tasks, *(f"day{d}" for d in book.days)], n=3)
    also = f" Do you mean {' or '.join(near)}?" if near else " `study progress` lists them."
    raise ValueError(f"there is no exercise {word!r}.{also}")


def single(book, word):
    """The one exercise that a word means. ValueError for a day or a part."""
    tasks = found(book, word)
    if len(tasks) != 1 or tasks[0].lesson is None:
        raise ValueError(f"name one exercise, such as 1.2, not {word!r}")
    return tasks[0]


def hours(minutes):
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h".replace(".0 h", " h")
