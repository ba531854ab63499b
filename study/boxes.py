"""The boxes of the plan in README.md: the only record of what is done."""

import contextlib
import os
import re
import threading
import time

BOX = re.compile(r"^(- \[)([ xX])(\] )(day \S+|\S+)", re.MULTILINE)
PLAN = re.compile(r"(?<=<!-- begin: boxes -->).*?(?=<!-- end -->)", re.DOTALL)


def ticked(text):
    """The ids whose boxes are ticked."""
    plan = PLAN.search(text)
    return {m[4] for m in BOX.finditer(plan[0] if plan else "") if m[2] != " "}


def with_ticks(text, done, undone=()):
    """The text with these boxes ticked, those empty, and every other character as it was."""

    def mark(m):
        state = "x" if m[4] in done else " " if m[4] in undone else m[2]
        return m[1] + state + m[3] + m[4]

    return PLAN.sub(lambda plan: BOX.sub(mark, plan[0]), text)


def tick(book, done=(), undone=()):
    """Tick and untick boxes; the box of a day follows its core. Returns the ids ticked now."""
    with locked(book):
        before = (book.root / "README.md").read_bytes().decode("utf-8")
        text = with_ticks(before, set(done), set(undone))
        for day in book.days:
            whole = {task.id for task in book.core(day)} <= ticked(text)
            box = {f"day {day}"}
            text = with_ticks(text, box if whole else (), () if whole else box)
        if text != before:
            write(book.root / "README.md", text.encode("utf-8"))
    return ticked(text)


def write(path, data):
    """Write a file beside its place and move it there: a reader sees the old one or the new one."""
    path = path.resolve()  # a link stays a link
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        beside.write_bytes(data)
        if path.exists():
            os.chmod(beside, path.stat().st_mode)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(book, seconds=10):
    """One `study` at a time; a lock older than that was left behind by one that is gone."""
    lock, end = book.root / ".study" / "lock", time.monotonic() + 2 * seconds
    mine = f"{os.getpid()} {threading.get_ident()} {time.monotonic_ns()}".encode()
    lock.parent.mkdir(exist_ok=True)
    while True:
        try:
            with lock.open("xb") as file:
                file.write(mine)
            break
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > seconds or time.monotonic() > end:
                    lock.unlink()
            time.sleep(0.02)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            if lock.read_bytes() == mine:  # not one that took its place
                lock.unlink()
