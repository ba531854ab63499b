"""The grammar plays: endless scenes in blank verse, drawn from a grammar whose entropy is known.

Where tiny Shakespeare cannot be had, `train.py` learns from these. A line is ten syllables, da-DUM
five times; who enters is announced, and only those speak; verbs agree with subjects that may stand
a line above; a speech may open by quoting the line before it; who leaves, leaves in rhyme. Because
we wrote the rules, the best loss that any model can reach is a number, not a hope.

One grammar, three readings: *draw* takes one way through the rules at random, *measure* takes all
ways at once (entropy), *parse* finds the only way that gives a text (its exact probability).

The words and rules stand in lexicon.py; critic.py judges what a model writes.

    python day3/grammar.py [seed]
"""

# ruff: noqa: B019 - a grammar lives as long as the program does, and so may its caches

import argparse
import math
import random
import re
from bisect import bisect
from collections.abc import Callable
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from lexicon import IRREGULAR, LEXICON, PERSONS, RHYMES, RULES, VERBS

# ---- the rules, from words to scenes

Symbols = tuple  # words, names of rules (both str), and moments of a scene (Stage)
Alternatives = list[tuple[float, Symbols]]  # (probability, symbols)
State = tuple[int, Symbols]  # (syllables of the line so far, symbols still to be read)
STRESS = {"@": "10", "@you": "10", "@third": "10", "@echo": "?" * 10}  # word -> its stress
LEMMA: dict[str, str] = {}  # each form of a verb -> its first form
RHYME: dict[str, str] = {}  # each word of a rhyme class -> the first of its class


def expand() -> dict[str, Alternatives]:
    """Turn the tables above into rule -> alternatives; fills STRESS, LEMMA and RHYME on the way."""
    rules: dict[str, Alternatives] = {}

    def add(rule, *symbols, weight=1.0):
        rules.setdefault(rule, []).append((weight, symbols))

    def stressed(word, stress):
        if STRESS.setdefault(word, stress) != stress:
            raise ValueError(f"{word} is stressed {STRESS[word]} and {stress}: give it one stress")

    def conjugate(group, verb, thou, he, they):
        for person, form in zip(PERSONS, [verb, thou, he, he, they, they, he], strict=True):
            LEMMA[form] = verb
            stressed(form, STRESS.get(verb, "?"))
            add(f"{group}.{person}", f"{form}/{person}")

    group = stress = ""
    for word in (LEXICON + VERBS).split():
        if word.isupper() and len(word) > 1:
            group = word
        elif not word.strip("01?"):
            stress = word
        else:
            stressed(word, stress)
            add(group, word)
            # "honest" and "honour" begin with a vowel, whatever their first letter says
            add(group + (".an" if word[0] in "aeiou" or word.startswith("hon") else ".a"), word)
            if group.endswith("TRANSITIVE"):
                conjugate(group, word, word.removesuffix("e") + "'st", word + "s", word)
    for entry in IRREGULAR.split("|"):
        conjugate(*entry.split())
    for entry in RHYMES.split("|"):
        first, second = (side.split() for side in entry.split(":"))
        for word in first + second:
            stressed(word, "1")
            RHYME[word] = first[0]
        for word in first:
            add("RHYMED", word, ",\n", f"SECOND.{first[0]}")
        for word in second:
            add(f"FINAL.{first[0]}", word)
    features = {".x": PERSONS, ".r": sorted(set(RHYME.values())), ".a": ["a", "an"]}
    for rule in re.split(r"\n(?=\w)", RULES.strip()):
        feature = rule.split()[0][-2:]
        for value in features.get(feature, [feature[1:]]):
            name, body = rule.replace(feature, feature[0] + value).split(" = ")
            for alternative in body.split("|"):
                symbols, _, weight = alternative.partition("*")
                filled = [s.replace("~", "\n") for s in symbols.split() if s != "-"]
                add(name.strip(), *filled, weight=float(weight or 1))
    totals = {rule: sum(w for w, _ in alternatives) for rule, alternatives in rules.items()}
    return {rule: [(w / totals[rule], s) for w, s in rules[rule]] for rule in rules}


LINES = expand()
NAMES = [word for _, (word,) in LINES["NAME"]]


class Stage(NamedTuple):
    """A moment between two lines: what is to come, who is where. People are numbered as they enter."""

    step: str = "enter"
    cast: int = 0  # how many have been announced
    present: tuple[int, ...] = ()
    last: int = -1  # who spoke before and is still here, else -1
    speaker: int = -1
    you: int = -1  # the one spoken to: who spoke before
    third: int = -1  # the one spoken about, here or gone
    turns: int = 0  # speeches since somebody entered or left
    lines: int = 0  # sentences of this speech


def scene(now: Stage) -> Alternatives:
    """The rules above the line: three or four enter; speeches of one to four sentences; exits."""
    to, n = now._replace, now.cast
    if now.step == "enter":
        more: Symbols = ("Enter " if n == 0 else ", ", f"+{n}", to(cast=n + 1))
        full = to(step="turn", cast=n + 1, present=tuple(range(n + 1)))
        done: Symbols = (" and ", f"+{n}", ".\n\n", full)
        return [(1.0, more)] if n < 2 else [(1.0, done)] if n > 2 else [(0.5, more), (0.5, done)]
    if now.step == "turn":
        turns: Alternatives = []
        speakers = [person for person in now.present if person != now.last]
        for speaker in speakers:
            you = now.last if now.last >= 0 else min(set(now.present) - {speaker})
            third = min(set(range(n)) - {speaker, you})
            speech = to(step="open", speaker=speaker, you=you, third=third, lines=0)
            turns.append((1 / len(speakers), (f"={speaker}", ":\n", speech)))
        return turns
    if now.step == "exit":
        if len(now.present) == 2:
            return [(1.0, ("\nExeunt.\n\n",))]
        left = tuple(person for person in now.present if person != now.speaker)
        rest = to(step="turn", present=left, last=-1, turns=0)
        return [(1.0, ("\nExit ", f"={now.speaker}", ".\n\n", rest))]
    after = to(step="more", lines=now.lines + 1)
    # the kinds of sentence are told apart up here, so that each has its share, however it scans
    sentences: Alternatives = [(p, (*kind, after)) for p, kind in LINES["VERSE"]]
    if now.step == "open" and now.last >= 0:
        retort: Symbols = ("'", "@echo", "'?\n", "REPLY", to(step="open", last=-1))
        return [(0.8 * p, kind) for p, kind in sentences] + [(0.2, retort)]
    if now.step == "open":
        return sentences
    answer: Symbols = ("\n", to(step="turn", last=now.speaker, turns=now.turns + 1))
    goodbye: Symbols = ("COUPLET", to(step="exit"))
    go_on, pass_on, leave = 0.45 * (now.lines < 4), 0.4 * (now.turns < 6), 0.15 * (now.turns > 1)
    weighted = [(go_on * p, kind) for p, kind in sentences] + [(pass_on, answer), (leave, goodbye)]
    total = sum(w for w, _ in weighted)
    return [(w / total, symbols) for w, symbols in weighted if w]


def rules(symbol) -> Alternatives | None:
    """The alternatives of a symbol, None where it is a word."""
    return scene(symbol) if isinstance(symbol, Stage) else LINES.get(symbol)


# ---- the machine


def step(syllable: int, word: str) -> int | None:
    """The syllable after a word that begins at `syllable`, None where the stress falls wrong.

    Even syllables (from 0) are weak, odd ones strong; a line ends after ten, or is no verse at all.
    """
    if word.endswith("\n"):
        return 0 if syllable in (0, 10) else None
    stress = STRESS.get(word.split("/")[0], "")
    if any(mark != "?" and int(mark) != i % 2 for i, mark in enumerate(stress, syllable)):
        return None
    return syllable + len(stress) if syllable + len(stress) <= 10 else None


def spell(syllable: int, token: str) -> str:
    """A token as it is printed: a space before a word, a capital at the head of a line."""
    word = token.split("/")[0]
    if word not in STRESS:
        return word
    return " " + word if syllable else word[0].upper() + word[1:]


def cut(symbols: Symbols) -> tuple[Symbols, Symbols]:
    """Split before the next Stage: a line knows nothing of what follows it."""
    for i in range(1, len(symbols)):
        if isinstance(symbols[i], Stage):
            return symbols[:i], symbols[i:]
    return symbols, ()


class Table(NamedTuple):
    """What may come next in one state."""

    tokens: list[str]
    shares: list[float]  # probabilities
    upto: list[float]  # their running sum
    after: list[tuple[int, Symbols, Symbols]]  # syllable, rest of the line, what follows the line
    texts: list[str]  # empty where the text depends on who is on stage
    place: dict[str, int]  # text -> its place in these lists


class Grammar:
    """Rules under a metre, and what is known of every state.

    A line has the probability that the rules give it, given that it scans: every choice is weighted
    by the probability that what follows still can. No state loops, so plain recursion is exact.
    """

    def __init__(self, rules: Callable[..., Alternatives | None], start: Symbols):
        self.rules, self.start = rules, start

    @cache
    def scans(self, syllable: int, symbols: Symbols) -> float:
        """The probability that the rules, left to themselves, finish this line in metre."""
        if not symbols or isinstance(symbols[0], Stage):
            return float(syllable in (0, 10))
        alternatives = self.rules(symbols[0])
        if alternatives is not None:
            return sum(p * self.scans(syllable, cut(s + symbols[1:])[0]) for p, s in alternatives)
        after = step(syllable, symbols[0])
        return 0.0 if after is None else self.scans(after, symbols[1:])

    def choices(self, syllable: int, symbols: Symbols) -> Alternatives:
        """The alternatives of the first symbol, each with its probability in metre."""
        alternatives = [(p, s + symbols[1:]) for p, s in self.rules(symbols[0]) or ()]
        if isinstance(symbols[0], Stage):  # what happens on stage does not depend on the metre
            return alternatives
        weights = [p * self.scans(syllable, cut(s)[0]) for p, s in alternatives]
        total = sum(weights)
        return [(w / total, s) for w, (_, s) in zip(weights, alternatives, strict=True) if w]

    @cache
    def measure(self, syllable: int, symbols: Symbols) -> tuple[float, float]:
        """The entropy in nats and the expected number of characters of what is still to come."""
        if not symbols:
            return 0.0, 0.0
        line, rest = cut(symbols)
        if rest:
            (nats, length), (more, longer) = self.measure(syllable, line), self.measure(0, rest)
            return nats + more, length + longer
        if self.rules(symbols[0]) is None:
            nats, length = self.surprise(syllable, symbols[0])
            more, longer = self.measure(step(syllable, symbols[0]) or 0, symbols[1:])
            return nats + more, length + longer
        parts = [(p, *self.measure(syllable, s)) for p, s in self.choices(syllable, symbols)]
        return sum(p * (n - math.log(p)) for p, n, _ in parts), sum(p * c for p, _, c in parts)

    def surprise(self, syllable: int, token: str) -> tuple[float, float]:
        """Entropy and expected length of one token. A name costs something only when announced."""
        name = sum(map(len, NAMES)) / len(NAMES)
        if token[0] == "+":
            return math.log(len(NAMES) - int(token[1:])), name
        if token == "@echo":
            kinds = self.rules("VERSE") or []
            length = sum(p * self.last_line(0, kind)[1] for p, kind in kinds)
            return 0.0, length - 2  # without its sign and its line break
        if token[0] in "=@":
            return 0.0, name + (token[0] == "@")
        return 0.0, float(len(spell(syllable, token)))

    @cache
    def last_line(self, syllable: int, symbols: Symbols) -> tuple[float, float]:
        """P(no line break before the end), and the expected characters after the last one."""
        if not symbols:
            return 1.0, 0.0
        if self.rules(symbols[0]) is None:
            unbroken, length = self.last_line(step(syllable, symbols[0]) or 0, symbols[1:])
            if symbols[0].endswith("\n") and symbols[1:]:
                return 0.0, length
            return unbroken, length + unbroken * self.surprise(syllable, symbols[0])[1]
        parts = [(p, *self.last_line(syllable, s)) for p, s in self.choices(syllable, symbols)]
        return sum(p * u for p, u, _ in parts), sum(p * c for p, _, c in parts)

    @cache
    def table(self, syllable: int, symbols: Symbols) -> Table:
        """The tokens that may come next: every rule is followed down to its first word."""
        found: list[tuple[float, str, tuple[int, Symbols, Symbols]]] = []

        def follow(share, symbols):
            if self.rules(symbols[0]) is None:
                after = step(syllable, symbols[0])
                found.append((share, symbols[0], (after or 0, *cut(symbols[1:]))))
                return
            for p, longer in self.choices(syllable, symbols):
                follow(share * p, longer)

        follow(1.0, symbols)
        shares, tokens, after = (list(column) for column in zip(*found, strict=True))
        texts = ["" if t[0] in "+=@" else spell(syllable, t) for t in tokens]
        place = {text: k for k, text in enumerate(texts) if text}
        return Table(tokens, shares, list(accumulate(shares)), after, texts, place)


PLAYS = Grammar(rules, (Stage(),))


class Walk:
    """A way through a grammar, one token at a time; remembers who is on stage and what was said."""

    def __init__(self, grammar: Grammar):
        self.grammar = grammar
        self.begin()

    def begin(self) -> None:
        """The head of a new scene."""
        self.state: State = (0, self.grammar.start)
        self.rest: Symbols = ()  # what follows the line
        self.cast: list[str] = []
        self.line = self.said = ""

    def texts(self, token: str) -> list[str]:
        """What the token may be printed as, here; all are equally likely."""
        if token[0] == "+":
            return [name.upper() for name in NAMES if name not in self.cast]
        if token[0] == "=":
            return [self.cast[int(token[1:])].upper()]
        if token == "@echo":
            return [self.said]
        if token[0] == "@":
            return [" " + self.cast[getattr(self.rest[0], token[1:])]]
        return [spell(self.state[0], token)]

    def take(self, table: Table, k: int, text: str):
        """Go on to the state after token k, printed as text."""
        token = table.tokens[k]
        if token[0] == "+":
            self.cast.append(text.title())
        elif token[0] == "=":
            self.said = self.line[:-2]  # without its sign and its line break
        elif not self.line.endswith("\n"):
            self.line += text
        elif text != "\n":  # the blank line before a speaker does not wipe out what was said
            self.line = text
        syllable, line, rest = table.after[k]
        self.rest = rest + self.rest
        if not line:
            line, self.rest = cut(self.rest)
        self.state = (syllable, line)


def draw(grammar: Grammar, length: int, seed: int) -> tuple[str, float]:
    """First reading: whole scenes of at least `length` characters, and the ln P of each choice."""
    chance, walk = random.Random(seed), Walk(grammar)
    pieces, size, log = [], 0, 0.0
    while size < length:
        walk.begin()
        while walk.state[1]:
            table = grammar.table(*walk.state)
            k = bisect(table.upto, chance.random() * table.upto[-1])
            text = table.texts[k]
            log += math.log(table.shares[k])
            if not text:
                texts = walk.texts(table.tokens[k])
                text = chance.choice(texts)
                log -= math.log(len(texts))
            walk.take(table, k, text)
            pieces.append(text)
            size += len(text)
    return "".join(pieces), log


def plays(length: int, seed: int) -> str:
    """Whole scenes, at least `length` characters of them; the same for the same seed."""
    return draw(PLAYS, length, seed)[0]


def scene_length(grammar: Grammar = PLAYS) -> float:
    """Second reading: the expected length of a scene in characters, exact."""
    return grammar.measure(0, grammar.start)[1]


def entropy(grammar: Grammar = PLAYS) -> float:
    """Second reading: nats per character, exact: the loss that no model can beat in the long run.

    Scenes are independent and show where they end, so it is nats per scene / characters per scene.
    """
    nats, length = grammar.measure(0, grammar.start)
    return nats / length


TOKEN = re.compile(r" ?[A-Za-z]+(?:'[a-z]+)?|[^A-Za-z\n]\n?|\n")


def token_at(text: str, i: int) -> str:
    """A word with the space before it, or a sign with the line break after it."""
    match = TOKEN.match(text, i)
    return match.group() if match else ""


def log_probability(text: str, start: int = 0, grammar: Grammar = PLAYS) -> float:
    """Third reading: ln P of the characters from `start` on, given all before them, exact.

    The text begins at the head of a scene and may end anywhere, even inside a word: a beginning has
    the probability of all texts that begin so. For a validation split, which begins in the middle
    of a scene, give the whole text and where the split begins. -inf where no derivation exists.
    """
    if start:
        return log_probability(text, 0, grammar) - log_probability(text[:start], 0, grammar)
    walk, log, i = Walk(grammar), 0.0, 0
    while i < len(text):
        if not walk.state[1]:
            walk.begin()
        table = grammar.table(*walk.state)
        found = token_at(text, i)
        k = table.place.get(found, -1)
        share = table.shares[k]
        if k < 0 or i + len(found) == len(text):
            # A name, a quotation or the end of the text: look at all that may stand here.
            options = []
            for j, token in enumerate(table.tokens):
                spellings = walk.texts(token)
                options += [(t, j, table.shares[j] / len(spellings)) for t in spellings]
            if i + max(len(t) for t, _, _ in options) >= len(text):
                cut_short = sum(p for t, _, p in options if t.startswith(text[i:]))
                if cut_short:
                    return log + math.log(cut_short)
            fitting = [option for option in options if text.startswith(option[0], i)]
            if not fitting:
                return -math.inf
            found, k, share = max(fitting, key=lambda option: len(option[0]))
        log += math.log(share)
        walk.take(table, k, found)
        i += len(found)
    return log


def main():
    """Print a scene, and what a model would lose that knew everything."""
    words = argparse.ArgumentParser(description="A scene drawn from the grammar, and its entropy.")
    words.add_argument("seed", nargs="?", type=int, default=1)
    seed = words.parse_args().seed
    text = plays(100_000, seed)
    print(plays(1, seed))
    print(f"{entropy():.4f} nats per character: the entropy of the grammar")
    print(f"{-log_probability(text) / len(text):.4f} = -ln P / characters of {len(text):,} drawn")


if __name__ == "__main__":
    main()
