"""The process that runs learners' code: it imports NumPy and the references once, then forks.

It reads one request a line, as JSON: exercise, mine, reference, check; and answers with a verdict.
Where the system cannot fork, the process judges one exercise and ends.

    python -m study.server
"""

import importlib
import json
import linecache
import os
import select
import signal
import sys
from pathlib import Path

SECONDS = 10  # of the processor, where the system counts them
LONGEST = 60  # seconds of the clock, on a machine that is busy with something else
MEMORY = 4 * 2**30  # bytes of address space
FORKS = hasattr(os, "fork")


def main():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
        if not FORKS:
            break


def answer(request):
    """The verdict on one request, whatever the learner's code does."""
    from study import judge, running

    exercise = request["exercise"]
    mine, reference, check = (Path(request[key]) for key in ("mine", "reference", "check"))
    try:
        lesson = importlib.import_module(reference.stem)
        chosen = judge.load_check(check, exercise)
    except Exception as error:  # noqa: BLE001  the book's own file was changed
        return stopped(
            exercise,
            f"The book's own {reference.name} or its check does not work ({error!r}). "
            f"`git restore {reference.parent.name}` brings it back.",
        )
    for path in (reference, check):
        linecache.getlines(str(path))  # a traceback must not open the reference later

    def judged():
        limit()
        sys.addaudithook(guard(reference, running.Reading))
        return judge.verdict(exercise, mine, lesson, chosen)

    told = forked(judged) if FORKS else judged()
    return stopped(exercise, told, chosen.title) if isinstance(told, str) else told


def stopped(exercise, message, title=""):
    return {"exercise": exercise, "title": title, "status": "stopped", "message": message}


def guard(reference, error):
    """An audit hook that refuses to open the reference of the exercise under judgement."""

    def hook(event, arguments):
        if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
            path = Path(os.path.abspath(arguments[0]))
            compiled = path.parent.name == "__pycache__" and path.name.split(".")[0]
            if path == reference or (
                compiled == reference.stem and path.parent.parent == reference.parent
            ):
                raise error

    return hook


def limit():
    """No more memory than MEMORY, and no more of the processor than SECONDS, on Linux."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def forked(run):
    """The result of run() in a process of its own, or a sentence on why there is none."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            signal.alarm(LONGEST + 5)  # where nobody is left to stop it
            nowhere = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nowhere, number)
            data = json.dumps(run())
        except BaseException as error:  # noqa: BLE001  an error of ours is told, too
            data = json.dumps(f"The check itself failed ({error!r}). Please report it.")
        try:
            with os.fdopen(writer, "w") as pipe:
                pipe.write(data)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = received(pipe)
    if data is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if data is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return f"It did not finish within {SECONDS} s. Is there a loop that never ends?"
    if not data:
        killed = f", killed by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else ""
        return f"Your code ended the process of the check before it could answer{killed}."
    return json.loads(data)


def received(pipe):
    """All that a pipe carries until it is closed, or None where that takes too long."""
    import time

    limit = LONGEST if sys.platform == "linux" else SECONDS
    data, end = b"", time.monotonic() + limit
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return None
        part = os.read(pipe.fileno(), 65536)
        if not part:
            return data
        data += part


if __name__ == "__main__":
    main()
