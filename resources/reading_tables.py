"""Tables of the reading list and of the map of Days 4-5: see study/pages.py."""

import tomllib
from functools import cache, partial
from pathlib import Path

from study.book import Book, number
from study.exercises import find

from recording import table

ROOT = Path(__file__).parent.parent
KINDS = ("paper", "post", "video", "repository", "documentation")


def listed(path):
    """A list as it stands in a file. ValueError, with the file's name, where it is broken."""
    try:
        return tomllib.loads((ROOT / path).read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None


READING, MAP = listed("resources/reading.toml"), listed("day4-5/topics.toml")


def code(references, up="../"):
    """Links to "file: name"; study/lines.py adds the line. A topic not yet written is left out."""
    links = [reference.split(": ") for reference in references]
    here = [(path, name) for path, name in links if (ROOT / path).exists() or "day4-5" not in path]
    return ", ".join(f"[`{name}`]({up}{path}#L)" for path, name in here)


@cache
def marked():
    """(file, function) -> the id of the exercise that stands above it."""
    book = Book(ROOT)
    files = [path for day in book.days for path in book.lessons(day)]
    return {
        (book.short(path), exercise.name): exercise.id
        for path in files
        for exercise in find(path.read_text("utf-8"))
    }


def exercises(references):
    """The exercises of which these lines are the answer; of a class, those of its methods."""
    found = set()
    for reference in references:
        file, name = reference.split(": ")
        for (path, function), exercise in marked().items():
            if path == file and name in (function, function.split(".")[0]):
                found.add(exercise)
    return ", ".join(sorted(found, key=number))


def reading(kind):
    """What to read of a kind, and what for."""
    rows = []
    for entry in READING[kind]:
        lines = code(entry["code"]) or "not built in this book yet"
        minutes, days = str(entry.get("minutes", "")), ", ".join(entry["days"])
        what = f"[{entry['title']}]({entry['link']}), {entry['by']}"
        rows.append([minutes, what, entry["read"], days, exercises(entry["code"]), lines])
    return table(["minutes", "what", "read it for", "day", "exercise", "our line"], rows)


def two_stacks():
    """Where the two stacks of the paper of 2017 are built, or that they are not yet."""
    parts = {
        "encoder layer, two sub-layers, section 3.1": "EncoderLayer",
        "decoder layer, three of them, the second reading the encoder": "DecoderLayer",
        "both stacks, embeddings and head, figure 1": "EncoderDecoder",
    }
    rows = [
        [part, code([f"day4-5/encoder_decoder.py: {name}"], up="../../")]
        for part, name in parts.items()
    ]
    if not all(link for _, link in rows):
        return "The paper's decoder, with its third sub-layer, is not built in this book yet."
    return table(["the paper", "our line"], rows)


def known(title):
    """The link of a title of the reading list. KeyError where it is not in the list."""
    links = {entry["title"]: entry["link"] for kind in KINDS for entry in READING[kind]}
    return f"[{title}]({links[title]})"


def topics():
    """The topics of Days 4-5: a heading each, a link where the page exists."""
    parts = []
    for topic in MAP["topic"]:
        written = (ROOT / "day4-5" / topic["page"]).exists()
        name = f"[{topic['name']}]({topic['page']})" if written else topic["name"]
        about = "" if written else "; no page yet"
        lines = [f"### {name}", "", topic["asks"], ""]
        lines += [f"- time: {topic['minutes']} minutes{about}"]
        lines += [f"- needs: {', '.join(map(needed, topic['needs']))}"]
        if topic["first"]:
            lines += [f"- read first: {', '.join(map(known, topic['first']))}"]
        lines += [f"- in the book: {code(topic['here']) or 'nothing yet'}"]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def needed(name):
    return f"exercise {name}" if "." in name else f"Day {name}"


def steps():
    """What to do next, by level, with a measure of success."""
    rows = [[s["level"], s["task"], s["done"], code([s["begin"]])] for s in MAP["step"]]
    return table(["level", "do", "done when", "begin at"], rows)


TABLES = {f"reading: {kind}": partial(reading, kind) for kind in KINDS}
TABLES |= {"topics": topics, "steps": steps, "two stacks": two_stacks}
