"""Run a learner's code; whatever it does wrong becomes one sentence."""

import io
import sys
import traceback

import numpy as np

PRINTED = 1_000_000  # characters that a learner's file may print


class Stop(Exception):
    """The judgement ends here, with a sentence."""

    def __init__(self, message, status="wrong", trace=None):
        super().__init__(message)
        self.status, self.trace = status, trace


class Reading(Exception):
    """The learner's code opened the reference of its own exercise."""


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
    except NotImplementedError as error:
        raise Stop(f"{where(error, mine)}still blank.", "blank") from None
    except Reading:
        raise Stop("The answer was read from the book's own file. Write yours.") from None
    except Flood:
        raise Stop(
            f"More than {PRINTED:,} characters were printed, and the check was stopped. Is a print "
            "left inside a loop?",
            trace=traceback.format_exc(),
        ) from None
    except SystemExit:
        raise Stop("The file calls exit(): remove it, or the check cannot go on.") from None
    except KeyboardInterrupt:
        raise
    except MemoryError:
        raise Stop(
            "It asked for more memory than the check allows (4 GiB). Which array grows? Print its shape.",
            trace=traceback.format_exc(),
        ) from None
    except ModuleNotFoundError as error:
        if error.name in sys.modules:  # blocked there: the book's own answer
            raise Stop(copied_answer(error.name)) from None
        raise Stop(f"{where(error, mine)}there is no module named {error.name}.") from None
    except BaseException as error:  # noqa: BLE001  a learner's file may raise anything
        raise Stop(raised(error, mine), trace=traceback.format_exc()) from None


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
    """One call: its outcome. What is no answer at all (exit, a flood, a blank) is a Stop."""

    def run():
        try:
            with np.errstate(all="ignore"):
                return "value", kept(functions[call[0]](*call[1:]))
        except (NotImplementedError, MemoryError, ModuleNotFoundError, Reading):
            raise
        except Exception as error:  # noqa: BLE001  compared with the slips' own errors
            return "error", type(error).__name__, str(error), raised(error, mine), trace()

    trace = traceback.format_exc
    seen = guarded(run, mine)
    return Told(seen[:3], *seen[3:]) if seen[0] == "error" else seen


class Told(tuple):
    """An error's outcome that also knows the sentence and the traceback of it."""

    def __new__(cls, seen, told, trace):
        self = super().__new__(cls, seen)
        self.told, self.trace = told, trace
        return self


def kept(result):
    """The result, safe from later changes to the arrays that it may share."""
    if isinstance(result, np.ndarray):
        return result.copy()
    return tuple(map(kept, result)) if isinstance(result, tuple) else result
