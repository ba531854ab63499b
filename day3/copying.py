"""Ways of drawing a text from one model, compared: how varied, how repetitive, how much copied.

No single number says which text is best. A low loss under the model is what a loop has, too; many
different words are what noise has, too; so the same is measured for real text.
"Distinct" is Li et al. 2016, section 5; loops: Holtzman et al. 2020.

    python day3/copying.py     the measures on four texts whose answers are plain
"""

import re
import time

import torch

WAYS: dict[str, dict] = {
    "greedy": {"temperature": 0},
    "temperature 0.5": {"temperature": 0.5},
    "temperature 0.8": {"temperature": 0.8},
    "temperature 1.0": {"temperature": 1.0},
    "temperature 1.3": {"temperature": 1.3},
    "top-k 10": {"top_k": 10},
    "top-p 0.9": {"top_p": 0.9},
}
WINDOW = 8  # characters: a piece of this length that came before counts as repeated


def words(text):
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower())


def distinct(items, n):
    """Share of the n-grams of a sequence that differ: 1 if none comes twice."""
    grams = [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def repeated(text, n=WINDOW):
    """Share of the pieces of n characters that stood in the same text before."""
    return 1 - distinct(text, n)


def longest_copy(text, source):
    """The longest piece of a text that stands in the source, as it is."""
    best = ""
    for start in range(len(text)):
        # only what is longer than the best so far is looked for
        while (
            start + len(best) < len(text)
            and (longer := text[start : start + len(best) + 1]) in source
        ):
            best = longer
    return best


def known(text, vocabulary):
    """Share of the words that stand in a vocabulary."""
    found = words(text)
    return sum(word in vocabulary for word in found) / len(found) if found else float("nan")


def shuffled(text, seed=0):
    """The same words in a random order: what a text shares with others by its words alone."""
    pieces = text.split(" ")
    order = torch.randperm(len(pieces), generator=torch.Generator().manual_seed(seed))
    return " ".join(pieces[i] for i in order)


def measures(text, source, vocabulary):
    """All that can be said of a text without a model."""
    found = {f"distinct {n}": distinct(words(text), n) for n in (1, 2, 3, 4)}
    copy = longest_copy(text, source)
    return found | {
        "repeated": repeated(text),
        "known words": known(text, vocabulary),
        "copied": len(copy),
        "copy": copy,
    }


def written(model, alphabet, prompt, length, seed, way):
    """A text after a prompt, drawn in one of the ways -> text without the prompt, seconds."""
    generator = torch.Generator().manual_seed(seed)
    before = time.perf_counter()
    ids = alphabet.encode(prompt)[None]
    drawn = list(model.generate(ids, length, generator=generator, **WAYS[way]))
    seconds = time.perf_counter() - before
    return alphabet.decode(torch.cat(drawn)), seconds


def main():
    """Real verse, itself once more, one word over and over, and letters from nowhere."""
    verse = "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:"
    texts = {
        "verse": verse,
        "twice the same": f"{verse}\n{verse}",
        "a loop": "the the " * 10,
        "noise": "".join(chr(97 + i * i * 7 % 26) for i in range(80)),
    }
    for name, text in texts.items():
        found = measures(text, "I compare thee to a rose", set(words(verse)))
        parts = (f"{key} {value:.2f}" for key, value in found.items() if key != "copy")
        print(f"{name:15} {', '.join(parts)}: {found['copy']!r}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
