"""What share of a text is right? A grammar can judge, line by line, what no loss tells.

The text may be wrong anywhere: a model wrote it. Every skill is judged on what it is about alone.
"""

import re
from functools import cache
from itertools import pairwise

from grammar import LEMMA, LINES, NAMES, PLAYS, RHYME, STRESS, State, step, token_at

SENTENCES: list[State] = [(0, kind) for _, kind in LINES["VERSE"]]
SENTENCES += [(0, ("REPLY",)), (0, ("COUPLET",))]
SKILLS = ["spelling", "words", "metre", "agreement", "speakers", "names", "quotation", "rhyme"]


def plain(token: str) -> str:
    """A token as the lexicon has it, any verb in its first form, any name as "@"; "" if unknown."""
    word = token.split("/")[0].strip()
    if word in NAMES or word[:1] == "@":
        return "@"
    word = word if word in STRESS else word[:1].lower() + word[1:]
    return LEMMA.get(word, word) if word in STRESS or not word[:1].isalpha() else ""


@cache
def survey() -> tuple[list[State], set[tuple[str, str]]]:
    """Every state in which a line may begin, and every pair of neighbours within a line."""
    heads = list(SENTENCES)
    pairs: set[tuple[str, str]] = set()
    waiting = [(head, "") for head in heads]
    seen = set(waiting)
    while waiting:
        state, before = waiting.pop()
        table = PLAYS.table(*state)
        for token, (syllable, line, _) in zip(table.tokens, table.after, strict=True):
            word = plain(token)
            pairs.add((before, word))
            new = ((syllable, line), "" if token.endswith("\n") else word)
            if line and new not in seen:
                seen.add(new)
                waiting.append(new)
                if token.endswith("\n"):
                    heads.append(new[0])
    return heads, pairs


def read(line: str, head: State) -> tuple[int, list[bool], State]:
    """Read a line, line break and all, from a state as far as the grammar goes.

    -> characters read; for every verb that has a subject, whether they agree; the state after
    """
    state, agree, i = head, [], 0
    while state[1] and i < len(line):
        table, text = PLAYS.table(*state), token_at(line, i)
        k = table.place.get(text)
        if k is None and (word := plain(text)):  # a name, or a verb that does not fit its subject
            loose = [j for j, token in enumerate(table.tokens) if "/" in token or token[0] == "@"]
            k = next((j for j in loose if plain(table.tokens[j]) == word), None)
        if k is None:
            break
        if "/" in table.tokens[k]:
            agree.append(text == table.texts[k])
        i += len(text)
        state = table.after[k][:2]
    return i, agree, state


def grammatical(line: str) -> bool:
    """Whether the grammar can derive this line of verse, whatever stands above it."""
    readings = (read(line + "\n", head) for head in survey()[0])
    return any(i > len(line) and all(agree) for i, agree, _ in readings)


def scans(words: list[str]) -> bool:
    """Whether words of the lexicon are one line of ten syllables, da-DUM five times."""
    syllable: int | None = 0
    for word in words:
        syllable = None if syllable is None else step(syllable, word)
    return syllable == 10


def judge(text: str) -> tuple[dict[str, list[bool]], list[str]]:
    """Every verdict on a text, by skill, and its lines of verse; an unfinished last line is left."""
    verdicts: dict[str, list[bool]] = {skill: [] for skill in SKILLS}
    cast: set[str] = set()  # all who were announced, empty while the scene's head is not known
    here: set[str] = set()
    verse: list[str] = []
    last = said = ""  # who spoke before, and how that speech ended
    state: State = (0, ())  # inside a sentence that goes on in the next line
    for line in text.split("\n")[:-1]:
        people = {name.title() for name in re.findall(r"\b[A-Z]{2,}\b", line)}
        if line.startswith("Enter "):
            cast, here, last = people, set(people), ""
        elif line.startswith(("Exit ", "Exeunt")):
            ends = [(re.findall(r"\w+", above) or [""])[-1] for above in verse[-2:]]
            rhyme = {RHYME.get(word, word) for word in ends}
            verdicts["rhyme"].append(len(set(ends)) == 2 and len(rhyme) == 1)
            here, last = here - people, ""
        elif re.fullmatch("[A-Z]+:", line):
            if cast:
                verdicts["speakers"].append(bool(people & here) and last not in people)
            last, said = line[:-1].title(), verse[-1] if verse else ""
        elif line.startswith("'"):
            if said:
                verdicts["quotation"].append(line == f"'{said[:-1]}'?")
        elif line:
            verse.append(line)
            words = [plain(word) for word in re.findall(r"[A-Za-z]+(?:'[a-z]+)?|[,;.?!]", line)]
            verdicts["spelling"] += [bool(word) for word in words if word not in set(",;.?!")]
            verdicts["words"] += [pair in survey()[1] for pair in pairwise(words) if all(pair)]
            if all(words):
                verdicts["metre"].append(scans(words))
            if cast:
                called = re.findall(r"\w+", line)
                verdicts["names"] += [name in cast for name in called if name in NAMES]
            heads = [state] if state[1] else SENTENCES
            readings = [read(line + "\n", head) for head in heads]
            i, agree, state = max(readings, key=lambda reading: reading[0])
            verdicts["agreement"] += agree
            state = state if i > len(line) else (0, ())
    return verdicts, verse


def skills(text: str) -> dict[str, float | None]:
    """The share of right cases for each skill, 0 to 1, None where the text offers no case.

    spelling    words that are in the lexicon
    words       pairs of neighbours that the grammar can put side by side (any form of a verb)
    metre       lines of ten syllables, da-DUM five times, among those without a misspelling
    agreement   verbs that fit their subject, in each line up to where it stops making sense
    speakers    speakers who are on stage and did not speak last, once the scene's head is seen
    names       people named in the verse who were announced, once the scene's head is seen
    quotation   quoted lines that are, word for word, what the last speaker ended with
    rhyme       exits that follow two lines that rhyme
    """
    return shares(judge(text)[0])


def shares(verdicts: dict[str, list[bool]]) -> dict[str, float | None]:
    """The share of right verdicts, None where there is none."""
    return {skill: sum(v) / len(v) if v else None for skill, v in verdicts.items()}


def report(text: str, training_text: str) -> dict[str, float | None]:
    """How much of a text is good, and how much of the good is new, in lines; then its skills.

    `lines` of verse without the quoted ones; `grammatical`, those that the grammar derives, each
    taken alone; `new`, those of the grammatical that never occur in the training text.
    """
    verdicts, verse = judge(text)
    known = set(training_text.split("\n"))
    good = [line for line in verse if grammatical(line)]
    new = [line for line in good if line not in known]
    return {"lines": len(verse), "grammatical": len(good), "new": len(new)} | shares(verdicts)
