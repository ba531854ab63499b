"""What a learner reads: a verdict in at most 12 lines, the mistake first."""

import shutil
import textwrap

LINES = 12


def width():
    return min(100, shutil.get_terminal_size().columns)


def report(verdict, verbose=False):
    """The lines for one verdict. The first names the exercise and the file that was judged."""
    right = verdict["status"] == "right"
    head = f"{verdict['exercise']} {verdict['title']}: {'right' if right else 'not yet'}"
    lines = [f"{head}  ({verdict['file']})"]
    if right:
        return lines + wrapped(verdict.get("note", ""))
    if verbose:
        told = wrapped(verdict["message"]) + wrapped(verdict.get("way", ""))
        return [*lines, "", *told, *details(verdict)]
    lines += ["", *wrapped(verdict["message"])[:5]]
    way = wrapped(verdict.get("way", ""))[:3]
    room = LINES - len(lines) - 2
    if len(way) == 3 and len(laid_out(verdict["example"])) > room - 6:  # 3 beside the arguments
        way[1:] = [f"{way[1]} …"]
    lines += [short(line) for line in way]
    lines += example(verdict, room - len(way))
    prints = verdict.get("prints", "").splitlines()[: max(0, LINES - len(lines) - 2)][:2]
    lines += [short(f"    you printed: {line}") for line in prints]
    last = f"study hint {verdict['exercise']}   study check {verdict['exercise']} --verbose"
    return [*lines, "", last]


def wrapped(text):
    return textwrap.wrap(text, width()) if text else []


def example(verdict, room):
    """The smallest example in so many lines: the arguments, your numbers, the expected ones."""
    if not verdict.get("example"):
        return []
    numbers = compared(verdict)
    told, room = dict(verdict["example"]), max(0, room - len(numbers) - 1)
    large = [name for name, shape in verdict["shapes"].items() if len(told[name]) > len(shape)]
    large.sort(key=lambda name: -len(told[name]))
    # the largest arguments are told by their shapes, until all of them fit
    while len(whole := [part for line in laid_out(told) for part in broken(line)]) > room and large:
        largest = large.pop(0)
        told[largest] = verdict["shapes"][largest]
    given = whole if len(whole) <= room else laid_out(told)
    return ["", *(short(line) for line in given[:room] + numbers)]


def laid_out(told):
    """Names and values, as many to a line as fit."""
    lines = [""]
    for name, value in told.items():
        part = f"{name} = {value}"
        if lines[-1] and len(lines[-1]) + len(part) + 7 > width():
            lines.append("")
        lines[-1] += ("   " if lines[-1] else "") + part
    return [f"    {line}" for line in lines]


def broken(line):
    """A line that is longer than the terminal is wide, on several."""
    return textwrap.wrap(line, width(), subsequent_indent=" " * 8, break_on_hyphens=False)


def compared(verdict):
    """Two lines: what the learner's function gives, what the book's gives."""
    if "yours" not in verdict:
        return []
    wide = len(verdict["part"]) + 10
    return [
        f"    {verdict['part']}, {who}".ljust(wide + 6) + verdict[who]
        for who in ("yours", "expected")
    ]


def details(verdict):
    """All that is known of a wrong answer, the traceback last."""
    lines = []
    if verdict.get("slips"):
        lines += ["", f"This slip is called {' and '.join(verdict['slips'])}."]
    if verdict.get("example"):
        lines += ["", f"  {verdict['function']}, for example:"]
        lines += [f"    {name} = {value}" for name, value in verdict["example"].items()]
        lines += compared(verdict)
    for title in ("prints", "traceback"):
        if verdict.get(title):
            lines += ["", f"{title}:", *verdict[title].rstrip().splitlines()]
    return lines


def short(text):
    """A line cut to the width of the terminal."""
    return text if len(text) <= width() else text[: width() - 2] + " …"
