"""Lines that survive a pipe, and a bar of progress where there is a terminal."""

import os
import sys

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn


class Terminal:
    """What a program shows while it works; `quiet` shows nothing."""

    def __init__(self, quiet=False):
        self.quiet = quiet
        self.bar = Progress(
            BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            transient=True, disable=quiet or not sys.stdout.isatty(),
        )  # fmt: skip
        self.task = self.bar.add_task("steps", total=None, visible=False)

    def __enter__(self):
        self.bar.start()
        return self

    def __exit__(self, *_):
        self.bar.stop()

    def say(self, text):
        if not self.quiet:
            self.bar.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def progress(self, step, steps):
        self.bar.update(self.task, completed=step, total=steps, visible=True)


def utf8_output():
    """Print any character, also where the terminal's own encoding is older than UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def exit_code(program, run):
    """Call run(): 0 where it ends; 2 after one sentence where it refuses; 130 after Ctrl-C."""
    utf8_output()
    try:
        run()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, NotImplementedError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130
    return 0
