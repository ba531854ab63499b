"""Ask the judging process for verdicts, and survive whatever a learner's code does to it."""

import json
import os
import sys
import threading
from subprocess import DEVNULL, PIPE, Popen

SECONDS = 10  # of the processor, where the system counts them
LONGEST = 60  # seconds of the clock, on a machine that is busy with something else
FORKS = hasattr(os, "fork")


class Judge:
    """A judging process; `verdict` asks it about one task, and starts it where it does not run."""

    def __init__(self, book):
        self.book, self.process = book, None

    def start(self):
        """Start it before it is needed."""
        folders = [str(self.book.root), *map(str, map(self.book.folder, self.book.days))]
        # before what is installed, and behind Python's own modules: a json.py hides nothing
        start = (
            "import sys; n = [*('site-packages' in p for p in sys.path), True].index(True); "
            f"sys.path[n:n] = {folders!r}; from study.server import main; main()"
        )
        # one thread is enough for small arrays, and starts sooner
        alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = os.environ | alone | {"PYTHONIOENCODING": "utf-8"}
        self.process = Popen(
            [sys.executable, "-P", "-c", start], cwd=self.book.root, env=environment,
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, encoding="utf-8",
        )  # fmt: skip

    def verdict(self, task):
        """The verdict on one exercise, a dictionary (study/judge.py)."""
        mine, check = self.book.mine(task), self.book.check(task.lesson)
        request = [task.exercise, *map(str, (mine, task.lesson, check))]
        if self.process is None:
            self.start()
        # the process has a limit of its own where it can fork
        timer = threading.Timer(LONGEST + 10 if FORKS else SECONDS, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        if not line or not FORKS:
            self.close()
        if line:
            return json.loads(line)
        return stopped(
            f"The check ended without an answer, or took more than {SECONDS} s. Is there a loop "
            "that never ends? If not, `study doctor` says what is wrong here."
        )

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


def stopped(message):
    """The verdict where nothing could be judged."""
    return {"status": "stopped", "message": message}
