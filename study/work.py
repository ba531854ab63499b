"""The learner's files in my/: made once, never written over, every judged version kept."""

import ast
import contextlib
import hashlib
from datetime import datetime

from study.boxes import locked, write
from study.exercises import blank, find, first_line, functions


def make(book, day):
    """Write the files of a day that are not there yet, blank or with a bug. Returns their paths."""
    made = []
    for task in book.tasks.values():
        if task.day == day and task.lesson and not (mine := book.mine(task)).exists():
            mine.parent.mkdir(parents=True, exist_ok=True)
            text = task.start().encode("utf-8")
            with contextlib.suppress(FileExistsError), mine.open("xb") as file:
                file.write(text)
                made.append(mine)
    return made


def keep(book, mine):
    """Keep this version of a learner's file in .study/history/, once."""
    data = mine.read_bytes()
    folder = book.root / ".study" / "history" / mine.parent.name
    path = folder / f"{mine.stem}-{hashlib.sha256(data).hexdigest()[:12]}{mine.suffix}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write(path, data)
    return path


def reset(book, tasks):
    """Blank these exercises again; a dated copy of each file goes to my/kept/. Returns the copies.

    A file whose exercises are all meant, or that is not Python, becomes the blank file.
    """
    copies, ids = [], {task.id for task in tasks}
    with locked(book):
        for mine, task in {book.mine(task): task for task in tasks if task.lesson}.items():
            if not mine.exists():
                continue
            copies.append(dated(book, mine))
            text, source = task.start(), task.lesson.read_text("utf-8")
            if not task.planted and {e.id for e in find(source)} - ids:
                text = without(text_of(mine), source, ids)
            if b"\r\n" in mine.read_bytes():
                text = text.replace("\n", "\r\n")
            write(mine, text.encode("utf-8"))
    return copies


def text_of(mine):
    """The text of a learner's file. SyntaxError where it is not UTF-8."""
    try:
        return mine.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise SyntaxError("not UTF-8 text") from None


def dated(book, mine):
    """A copy of a file in my/kept/, with the date in its name."""
    stamp = f"{datetime.now():%Y-%m-%d-%H%M%S-%f}"
    path = book.root / "my" / "kept" / mine.parent.name / f"{mine.stem}.{stamp}{mine.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, mine.read_bytes())
    return path


def without(text, source, ids):
    """A learner's text with the functions of some exercises blank; what is missing is put back.

    ValueError where the text is not Python.
    """
    try:
        written = dict(located(text))
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"line {getattr(error, 'lineno', '?')} is not Python, so one function cannot be told from the next: "
            "mend that line first, or reset the whole day"
        ) from None
    empty, lines = blank(source), text.rstrip("\n").split("\n")
    chosen = [e.name for e in find(source) if e.id in ids]
    for name in sorted(chosen, key=lambda name: -written.get(name, (0, 0))[0]):
        new = body(empty, name).split("\n")
        if name in written:
            lines[written[name][0] - 1 : written[name][1]] = new
        elif "." not in name:
            lines += ["", "", *new]
    return "\n".join(lines) + "\n"


def located(text):
    """name -> (first, last) line of every function and method of a text, decorators included."""
    for prefix, node in functions(ast.parse(text)):
        yield prefix + node.name, (first_line(node), node.end_lineno)


def signatures(text):
    """name -> signature, of every function and method of a text."""
    found = functions(ast.parse(text))
    return {prefix + f.name: f"{f.name}({ast.unparse(plain(f.args))})" for prefix, f in found}


def plain(arguments):
    """The arguments of a function without annotations, which change no call."""
    for node in ast.walk(arguments):
        if isinstance(node, ast.arg):
            node.annotation = None
    return arguments


def renamed(lesson, mine, ids):
    """Sentences on functions whose signature in the learner's file is not the book's."""
    source = lesson.read_text("utf-8")
    try:
        yours = signatures(text_of(mine))
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return []
    books = signatures(source)
    names = [e.name for e in find(source) if e.id in ids and e.name in yours]
    changed = [(yours[name], books[name]) for name in names if yours[name] != books[name]]
    return [f"Your file has {own}, the book now has {new}." for own, new in changed]


def line_of(mine, ids, lesson):
    """The line of the first function of an exercise in the learner's file, or 1."""
    names = {e.name for e in find(lesson.read_text("utf-8")) if e.id in ids}
    try:
        lines = [line for name, (line, _) in located(text_of(mine)) if name in names]
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return 1
    return min(lines, default=1)


def body(text, name):
    """The source of one function of a text, or an empty string."""
    first, last = dict(located(text)).get(name, (1, 0))
    return "\n".join(text.split("\n")[first - 1 : last]).rstrip()
