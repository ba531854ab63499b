"""The process that runs learners' code: it imports NumPy and the references once, then forks.

It reads one request a line, as JSON: exercise, mine, reference, check; and answers with a verdict.
Where the system cannot fork, the process judges one exercise and ends.

    python -m study.server
"""

import importlib
import json
import os
import select
import signal
import sys
import time
from functools import partial
from pathlib import Path

from study import judge
from study.asking import FORKS, LONGEST, SECONDS, stopped

MEMORY = 4 * 2**30  # bytes of address space


def main():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
        if not FORKS:
            break


def answer(request):
    """The verdict on one request, whatever the learner's code does."""
    exercise, *paths = request
    mine, reference, check = map(Path, paths)
    try:
        lesson = importlib.import_module(reference.stem)
        chosen = judge.load_check(check, exercise)
    except Exception as error:  # noqa: BLE001  the book has what is wrong here, not the learner
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            return stopped("torch is not installed: pip install -r requirements.txt")
        return stopped(
            f"The book's own {reference.name} or its check does not work ({error!r}). "
            f"`git restore {reference.parent.name}` brings it back."
        )

    judged = partial(judge.verdict, exercise, mine, lesson, chosen)
    told = forked(judged) if FORKS else judged()
    return stopped(told) if isinstance(told, str) else told


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
            limit()
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
    limit = LONGEST if sys.platform == "linux" else SECONDS
    data, end = b"", time.monotonic() + limit
    while select.select([pipe], [], [], max(0, end - time.monotonic()))[0]:
        if not (part := os.read(pipe.fileno(), 65536)):
            return data
        data += part
    return None


if __name__ == "__main__":
    main()
