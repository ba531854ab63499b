"""Run a learner's code; whatever it does wrong becomes one sentence."""

import io
import sys
import traceback

import numpy as np

from study.naming import copied

PRINTED = 1_000_000  # characters that a learner's file may print


class Stop(Exception):
    """The judgement ends here, with a sentence."""

    def __init__(self, message, status="wrong", trace=None):
        super().__init__(message)
        self.status, self.trace = status, trace


class Flood(BaseException):
    """More was printed than anybody reads."""


class Prints(io.TextIOBase):
    """Keeps the beginning of what is printed, and refuses a flood."""

    def __init__(self):
        self.kept, self.size = "", 0

    def write(self, text):
        self.kept += text[: max(0, 2000 - len(self.kept))]
        self.size += len(text)
        if self.size > PRINTED:
            raise Flood
        return len(text)


def guarded(run, mine):
    """Run the learner's code; whatever it does wrong becomes a Stop with one sentence."""
    try:
        return run()
    except KeyboardInterrupt:
        raise
    except NotImplementedError as error:
        raise Stop(f"{where(error, mine)}still blank.", "blank") from None
    except BaseException as error:  # noqa: BLE001  a learner's file may raise anything
        raise Stop(told(error, mine), trace=traceback.format_exc()) from None


def told(error, mine):
    """The sentence on what a learner's code raised."""
    if isinstance(error, Flood):
        much = f"More than {PRINTED:,} characters were printed, and the check was stopped."
        return f"{much} Is a print left inside a loop?"
    if isinstance(error, SystemExit):
        return "The file calls exit(): remove it, or the check cannot go on."
    if isinstance(error, MemoryError):
        much = "It asked for more memory than the check allows (4 GiB)."
        return f"{much} Which array grows? Print its shape."
    if isinstance(error, ModuleNotFoundError):
        if error.name in sys.modules:  # blocked there: the book's own answer
            return copied_answer(error.name)
        return f"{where(error, mine)}there is no module named {error.name}."
    return raised(error, mine)


def copied_answer(name):
    return (
        f"This takes the answer from the book's own {name}.py. Write yours: importing it does not "
        "count."
    )


def raised(error, mine):
    """`KeyError: 'q' at line 31: scores = ...`."""
    text = " ".join(str(error).split())
    return f"{where(error, mine)}{type(error).__name__}{': ' if text else ''}{text[:200]}"


def where(error, mine):
    """The last line of the learner's file that an error came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(mine)]
    return f"Line {frames[-1].lineno}, `{frames[-1].line}`: " if frames else ""


def tried(functions, call, mine):
    """One call: its outcome, an error with its sentence and its traceback.

    What is no answer at all (exit, a flood, a blank) is a Stop.
    """

    def run():
        try:
            with np.errstate(all="ignore"):  # a copy: later calls may write to the same arrays
                return "value", copied(functions[call[0]](*call[1:]))
        except (NotImplementedError, MemoryError, ModuleNotFoundError):
            raise
        except Exception as error:  # noqa: BLE001  compared with the slips' own errors
            trace = traceback.format_exc()
            return "error", type(error).__name__, str(error), raised(error, mine), trace

    return guarded(run, mine)
