"""The command `study`. The judge is started first, and loads NumPy while tyro is loaded here."""

import os
import sys
from contextlib import closing

from study.asking import Judge
from study.book import Book


def main():
    """The program: exit code 0, 1 where a check is not passed, 2 for a wrong call."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    words = sys.argv[1:]
    try:
        book = Book()
        with closing(Judge(book)) as judge:
            if words[:1] in (["check"], ["watch"]):
                judge.start()
            from study.commands import chosen

            return chosen(words, book, judge)()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError) as error:
        print(f"study: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130
