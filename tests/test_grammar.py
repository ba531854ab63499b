"""The grammar plays: is the entropy exact, is the derivation unique, do the judges judge?"""

import itertools
import math
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import critic
import grammar
from grammar import LINES, NAMES, PLAYS, STRESS, Grammar, Stage

TEXT, LOG = grammar.draw(PLAYS, 60_000, seed=7)
ALPHABET = sorted(set(TEXT))


def verse(text):
    """(number of the line, line) of every line of verse, quotations left out."""
    for i, line in enumerate(text.split("\n")):
        if line and not re.match(r"'|Enter |Exit |Exeunt|[A-Z]+:$", line):
            yield i, line


def stress(line):
    """The stress of a line, looked up word by word: 01?1..."""
    words = re.findall(r"[A-Za-z]+(?:'[a-z]+)?", line)
    words[0] = words[0] if words[0] == "I" else words[0].lower()
    return "".join("10" if word in NAMES else STRESS[word] for word in words)


# ---- draw


def test_the_same_seed_gives_the_same_plays():
    assert grammar.plays(5000, 3) == grammar.plays(5000, 3)
    assert grammar.plays(5000, 3) != grammar.plays(5000, 4)
    assert 5000 <= len(grammar.plays(5000, 3)) < 20_000
    assert grammar.plays(5000, 3).endswith("Exeunt.\n\n")


def test_every_line_has_ten_syllables_da_dum():
    for _, line in verse(TEXT):
        pattern = stress(line)
        assert len(pattern) == 10, line
        assert all(mark in (beat, "?") for mark, beat in zip(pattern, "01" * 5, strict=True)), line


def test_only_those_on_stage_speak_and_only_the_announced_are_named():
    here, cast, last = set(), set(), ""
    for line in TEXT.split("\n"):
        capitals = re.findall(r"\b[A-Z]{2,}\b", line)
        if line.startswith("Enter "):
            assert 3 <= len(set(capitals)) == len(capitals) <= 4
            here, cast, last = set(capitals), set(capitals), ""
        elif line.startswith("Exit "):
            assert capitals == [last]
            here.remove(last)
            last = ""
        elif line.endswith(":"):
            assert set(capitals) <= here - {last}
            last = capitals[0]
        else:
            assert {name.upper() for name in re.findall(r"\w+", line) if name in NAMES} <= cast


def test_quotations_are_word_for_word():
    lines = TEXT.split("\n")
    quotes = [i for i, line in enumerate(lines) if line.startswith("'")]
    assert len(quotes) > 50
    for i in quotes:  # above it: the speaker, a blank line, what is quoted
        assert lines[i] == f"'{lines[i - 3][:-1]}'?"


def test_exits_rhyme():
    exits = re.findall(r"(\w+),\n.* (\w+)[.!]\n\n(?:Exit|Exeunt)", TEXT)
    assert len(exits) == len(re.findall("Exit|Exeunt", TEXT))
    classes = [re.findall(r"\w+", entry) for entry in grammar.RHYMES.split("|")]
    for first, second in exits:
        assert first != second
        assert any(first in words and second in words for words in classes)


# ---- parse


def test_the_parse_finds_what_the_draw_chose():
    assert math.isfinite(LOG)
    assert grammar.log_probability(TEXT) == pytest.approx(LOG, rel=1e-9)
    for seed in range(20):
        text, log = grammar.draw(PLAYS, 1, seed)
        assert grammar.log_probability(text) == pytest.approx(log, rel=1e-9)


def test_a_prefix_has_the_probability_of_all_that_may_follow_it():
    chance = random.Random(0)
    for _ in range(30):
        prefix = TEXT[: chance.randrange(3000)]
        log = grammar.log_probability(prefix)
        following = [grammar.log_probability(prefix + c) - log for c in ALPHABET]
        assert sum(map(math.exp, following)) == pytest.approx(1, abs=1e-9), prefix[-60:]


def test_a_split_anywhere_adds_up():
    for start in (1, 4000, 4001, 4002, 4003, 20_000):
        parts = grammar.log_probability(TEXT[:start]), grammar.log_probability(TEXT, start)
        assert sum(parts) == pytest.approx(LOG, rel=1e-9)
        assert parts[1] <= 0


def test_what_the_grammar_cannot_say_is_impossible():
    assert grammar.log_probability(TEXT.replace("\n", "\n\n", 1)) == -math.inf
    assert grammar.log_probability("Hark!") == -math.inf
    assert grammar.log_probability("") == 0


def reachable():
    """Every state of a line, and every moment of a scene."""
    seen = set(critic.SENTENCES) | {(0, (Stage(),))}
    waiting = list(seen)
    while waiting:
        state = waiting.pop()
        yield state
        stage = isinstance(state[1][0], Stage)
        for syllable, line, rest in PLAYS.table(*state).after:
            # a sentence of the scene is one of those that are walked on their own
            symbols = [rest[:1]] if stage and rest else [line, rest[:1]]
            for new in [(syllable if s is line else 0, s) for s in symbols if s]:
                if new not in seen:
                    seen.add(new)
                    waiting.append(new)


def test_no_two_ways_begin_alike():
    states = 0
    for state in reachable():
        table = PLAYS.table(*state)
        texts = [text or token for text, token in zip(table.texts, table.tokens, strict=True)]
        assert len(set(texts)) == len(texts), (state, sorted(texts))
        assert sum(table.shares) == pytest.approx(1)
        states += 1
    assert states > 5000


def test_every_symbol_is_a_rule_or_a_word():
    signs = set(" ,.;?!'\n")
    for rule, alternatives in LINES.items():
        assert sum(p for p, _ in alternatives) == pytest.approx(1), rule
        for symbol in itertools.chain(*(symbols for _, symbols in alternatives)):
            known = symbol in LINES or symbol.split("/")[0] in STRESS
            assert known or set(symbol) <= signs, (rule, symbol)


# ---- measure


def toy(symbol):
    """Words until the rules stop; the metre then keeps few of them."""
    words = [(0.2, ("the",)), (0.3, ("baker",)), (0.1, ("tonight",)), (0.4, ("goose",))]
    return {"LINE": [(0.7, ("WORD", "LINE")), (0.3, (".\n",))], "WORD": words}.get(symbol)


def test_the_entropy_of_a_toy_grammar_is_the_sum_over_all_its_texts():
    stresses = {"the": "0", "baker": "10", "tonight": "01", "goose": "1"}
    shares = {"the": 0.2, "baker": 0.3, "tonight": 0.1, "goose": 0.4}
    probabilities, lines = {}, [()]
    for words in lines:  # grows while it is read: every line that may still become verse
        pattern = "".join(stresses[word] for word in words)
        if pattern in ("", "01" * 5):
            text = " ".join(words).capitalize() + ".\n"
            probabilities[text] = 0.3 * math.prod(0.7 * shares[word] for word in words)
        lines += [(*words, w) for w in stresses if ("01" * 5).startswith(pattern + stresses[w])]
    total = sum(probabilities.values())
    assert len(probabilities) > 50
    nats = -sum(p / total * math.log(p / total) for p in probabilities.values())
    length = sum(p / total * len(text) for text, p in probabilities.items())
    small = Grammar(toy, ("LINE",))
    assert small.measure(0, ("LINE",)) == pytest.approx((nats, length), rel=1e-12)
    assert grammar.entropy(small) == pytest.approx(nats / length, rel=1e-12)
    for text, p in probabilities.items():
        # the empty line may follow anything, so a text here is one line and what begins the next
        assert grammar.log_probability(text, grammar=small) == pytest.approx(math.log(p / total))


def test_the_entropy_of_the_names_by_hand():
    def heads(symbol):  # nothing but "Enter A, B and C.", and then A is named once more
        if isinstance(symbol, Stage) and symbol.step == "turn":
            return [(1.0, ("=0", ".\n"))]
        return grammar.rules(symbol)

    nats, length = Grammar(heads, (Stage(),)).measure(0, (Stage(),))
    # three or four names, and one bit that says which
    assert nats == pytest.approx(math.log(24 * 23 * 22) + math.log(21) / 2 + math.log(2))
    name = sum(map(len, NAMES)) / len(NAMES)
    three, four = len("Enter ,  and .\n\n.\n"), len("Enter , ,  and .\n\n.\n")
    assert length == pytest.approx((three + 4 * name + four + 5 * name) / 2)


def test_entropy_and_length_agree_with_many_drawn_scenes():
    chance = random.Random(5)
    scenes = [grammar.draw(PLAYS, 1, chance.getrandbits(64)) for _ in range(1000)]
    h, expected = grammar.entropy(), grammar.scene_length()
    for values in (
        [-log - h * len(text) for text, log in scenes],
        [len(text) - expected for text, _ in scenes],
        [-log - h * expected for _, log in scenes],
    ):
        mean = sum(values) / len(values)
        error = math.sqrt(sum((v - mean) ** 2 for v in values)) / len(values)
        assert abs(mean) < 4 * error
    assert 0.3 < h < 1


def test_the_expected_length_of_a_quotation():
    lengths = [len(line) - 3 for line in TEXT.split("\n") if line.startswith("'")]
    mean = sum(lengths) / len(lengths)
    error = math.sqrt(sum((n - mean) ** 2 for n in lengths)) / len(lengths)
    assert abs(mean - PLAYS.surprise(0, "@echo")[1]) < 4 * error


# ---- judge


def test_the_training_text_is_perfect_and_nothing_in_it_is_new():
    result = critic.report(TEXT, TEXT)
    assert result["lines"] == result["grammatical"] == len(list(verse(TEXT)))
    assert result["new"] == 0
    assert all(result[skill] == 1 for skill in critic.SKILLS)


def test_other_plays_are_as_good_and_mostly_new():
    result = critic.report(grammar.plays(20_000, 8), TEXT)
    assert result["grammatical"] == result["lines"]
    assert result["new"] > 0.9 * result["lines"]


def change(pattern, replacement):
    """TEXT with one change, in a line of verse that nobody quotes."""
    lines = TEXT.split("\n")
    for i, line in verse(TEXT):
        new = re.sub(pattern, replacement, line, count=1)
        if new != line and not any(other.startswith("'" + line[:-1]) for other in lines):
            return "\n".join([*lines[:i], new, *lines[i + 1 :]])
    raise AssertionError(f"no line of verse has {pattern}")


def stranger(match):
    """Somebody who is not in this scene."""
    start = TEXT.rindex("Enter ", 0, match.start())
    present = TEXT[start : TEXT.index("\n", start)]
    return next(name for name in NAMES if name.upper() not in present)


def of_another_rhyme(match):
    word = match[1]
    other = next(w for w in grammar.RHYME if grammar.RHYME[w] != grammar.RHYME[word])
    last = grammar.LINES[f"FINAL.{grammar.RHYME[other]}"][0][1][0]
    return match[0].replace(f" {word}", f" {last}")


def replace_once(pattern, replacement):
    match = next(m for m in re.finditer(pattern, TEXT) if m.start() > 500)
    return TEXT[: match.start()] + replacement(match) + TEXT[match.end() :]


THOU = {"Hath": "Hast", "Have": "Hast", "Will": "Wilt", "Shall": "Shalt", "Can": "Canst"}
THOU["May"] = "Mayst"
CORRUPTIONS = {
    "he hast": ("agreement", lambda: change(r"(?<= )hath\b", "hast")),
    "thou finds": (
        "agreement",
        lambda: change(r"\b([Tt]hou) (find|steal|sell|keep|seek|hear|boil|heal)'st", r"\1 \2s"),
    ),
    "hast, a line below its subject": (
        "agreement",
        lambda: replace_once(
            r"(\w\n)(Hath|Have|Will|Shall|Can|May)\b", lambda m: m[1] + THOU[m[2]]
        ),
    ),
    "spelling": ("spelling", lambda: change(r"\bgolden\b", "goldne")),
    "a foot less": (
        "metre",
        lambda: change(r"\b(my|thy) (golden|rotten|humble|empty|silver|wicked) (?=\w+\W$)", r"\1 "),
    ),
    "words": ("words", lambda: change(r"\bmy (?=goose|pie|hat)", "us ")),
    "speaker": ("speakers", lambda: replace_once("[A-Z]+:", lambda m: stranger(m).upper() + ":")),
    "name": ("names", lambda: change(r"(?<=, )[A-Z][a-z]+(?=, and)", NAMES[0])),
    "quotation": ("quotation", lambda: replace_once(r"\n'.* ", lambda m: m[0] + "very ")),
    "rhyme": ("rhyme", lambda: replace_once(r" (\w+)[.!]\n\nEx", of_another_rhyme)),
}


@pytest.mark.parametrize(("skill", "corrupt"), CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corruption_lowers_its_skill_alone(skill, corrupt):
    text = corrupt()
    assert text != TEXT
    result = critic.report(text, TEXT)
    assert [name for name in critic.SKILLS if result[name] != 1] == [skill]
    assert 0.8 < result[skill] < 1
    if skill not in ("speakers", "names", "quotation", "rhyme"):
        assert result["grammatical"] == result["lines"] - 1
    assert grammar.log_probability(text) == -math.inf


def test_nothing_to_judge():
    for text in ("", "\n\n", "no line is finished"):
        assert all(share is None for share in critic.skills(text).values())
        assert critic.report(text, TEXT)["lines"] == 0
    assert critic.skills("xyzzy plugh\n")["spelling"] == 0


PIECES = [
    "Enter ",
    "Exit ",
    "Exeunt.",
    "ROWAN",
    "ROWAN:\n",
    "\n",
    "'",
    "'?\n",
    "thou",
    " hast",
    ",",
]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("".join))
def test_junk_is_judged_without_a_crash(text):
    result = critic.report(text, TEXT[:1000])
    assert 0 <= result["new"] <= result["grammatical"] <= result["lines"]
    for skill in critic.SKILLS:
        assert result[skill] is None or 0 <= result[skill] <= 1
    assert grammar.log_probability(text) <= 0
    assert grammar.log_probability("Enter " + text) <= 0
