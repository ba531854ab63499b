"""day4-5/number_words.py against forms written by hand, and against parsers that know no grammar.

Once, by hand, all numbers to 20,000 and every 37th after them were also compared with the package
num2words (en_GB without its commas, and fr): no difference.
"""

import re

import pytest

from number_words import END, english, french

ENGLISH = """
0 zero | 1 one | 2 two | 3 three | 4 four | 5 five | 6 six | 7 seven | 8 eight | 9 nine | 10 ten
11 eleven | 12 twelve | 13 thirteen | 14 fourteen | 15 fifteen | 16 sixteen | 17 seventeen
18 eighteen | 19 nineteen | 20 twenty | 21 twenty-one | 22 twenty-two | 29 twenty-nine | 30 thirty
33 thirty-three | 40 forty | 44 forty-four | 50 fifty | 55 fifty-five | 60 sixty | 66 sixty-six
70 seventy | 71 seventy-one | 77 seventy-seven | 80 eighty | 81 eighty-one | 88 eighty-eight
90 ninety | 91 ninety-one | 99 ninety-nine | 100 one hundred | 101 one hundred and one
110 one hundred and ten | 121 one hundred and twenty-one | 199 one hundred and ninety-nine
200 two hundred | 201 two hundred and one | 315 three hundred and fifteen | 400 four hundred
512 five hundred and twelve | 680 six hundred and eighty | 999 nine hundred and ninety-nine
1000 one thousand | 1001 one thousand and one | 1010 one thousand and ten
1099 one thousand and ninety-nine | 1100 one thousand one hundred
1101 one thousand one hundred and one | 2000 two thousand
2024 two thousand and twenty-four | 9999 nine thousand nine hundred and ninety-nine
10000 ten thousand | 21000 twenty-one thousand | 80000 eighty thousand
71205 seventy-one thousand two hundred and five | 100000 one hundred thousand
100001 one hundred thousand and one | 200000 two hundred thousand
101101 one hundred and one thousand one hundred and one | 500050 five hundred thousand and fifty
999999 nine hundred and ninety-nine thousand nine hundred and ninety-nine
"""
FRENCH = """
0 zéro | 1 un | 2 deux | 3 trois | 4 quatre | 5 cinq | 6 six | 7 sept | 8 huit | 9 neuf | 10 dix
11 onze | 12 douze | 13 treize | 14 quatorze | 15 quinze | 16 seize | 17 dix-sept | 18 dix-huit
19 dix-neuf | 20 vingt | 21 vingt et un | 22 vingt-deux | 29 vingt-neuf | 30 trente
31 trente et un | 40 quarante | 41 quarante et un | 45 quarante-cinq | 50 cinquante
51 cinquante et un | 60 soixante | 61 soixante et un | 62 soixante-deux | 69 soixante-neuf
70 soixante-dix | 71 soixante et onze | 72 soixante-douze | 76 soixante-seize
77 soixante-dix-sept | 79 soixante-dix-neuf | 80 quatre-vingts | 81 quatre-vingt-un
82 quatre-vingt-deux | 89 quatre-vingt-neuf | 90 quatre-vingt-dix | 91 quatre-vingt-onze
92 quatre-vingt-douze | 96 quatre-vingt-seize | 97 quatre-vingt-dix-sept
99 quatre-vingt-dix-neuf | 100 cent | 101 cent un | 102 cent deux | 111 cent onze
121 cent vingt et un | 171 cent soixante et onze | 180 cent quatre-vingts
181 cent quatre-vingt-un | 200 deux cents | 201 deux cent un | 280 deux cent quatre-vingts
300 trois cents | 480 quatre cent quatre-vingts | 999 neuf cent quatre-vingt-dix-neuf
1000 mille | 1001 mille un | 1080 mille quatre-vingts | 1100 mille cent
1200 mille deux cents | 1999 mille neuf cent quatre-vingt-dix-neuf | 2000 deux mille
2001 deux mille un | 4080 quatre mille quatre-vingts | 10000 dix mille
21000 vingt et un mille | 71205 soixante et onze mille deux cent cinq
80000 quatre-vingt mille | 80080 quatre-vingt mille quatre-vingts | 81000 quatre-vingt-un mille
100000 cent mille | 101000 cent un mille | 180000 cent quatre-vingt mille
200000 deux cent mille | 200200 deux cent mille deux cents | 280000 deux cent quatre-vingt mille
999999 neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf
"""


def forms(text):
    entries = [entry.split(maxsplit=1) for line in text.split("\n") for entry in line.split("|")]
    return [(int(n), words.strip()) for n, words in filter(None, entries)]


@pytest.mark.parametrize(("say", "text"), [(english, ENGLISH), (french, FRENCH)])
def test_known_forms(say, text):
    known = forms(text)
    assert len(known) >= 60
    for n, words in known:
        assert say(n) == words


# What each word does to a number that is read from left to right: add, or multiply.
ADDED = {
    english: "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen",
    french: "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
    "seize",
}
TENS = {
    english: {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
              "eighty": 80, "ninety": 90},
    french: {"vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60},
}  # fmt: skip
HUNDRED = {english: ("hundred",), french: ("cent", "cents")}
THOUSAND = {english: "thousand", french: "mille"}


def value(say, words):
    """The number that words mean, by what stands before what."""
    ones = {word: n for n, word in enumerate(ADDED[say].split())}
    total = part = last = 0
    for word in words.replace("-", " ").split():
        if word in ("and", "et"):
            continue
        if word == THOUSAND[say]:
            total, part, last = total + 1000 * (part or 1), 0, 0
        elif word in HUNDRED[say]:
            part, last = 100 * (part or 1), 0
        elif word in ("vingt", "vingts") and last == 4:  # four twenties
            part, last = part - 4 + 80, 80
        else:
            last = ones.get(word, TENS[say].get(word))
            part += last
    return total + part


def test_a_parser_reads_the_number_back():
    for say in (english, french):
        for n in (*range(2000), *range(2000, END, 331)):
            assert value(say, say(n)) == n


@pytest.mark.slow
@pytest.mark.parametrize("say", [english, french])
def test_no_two_of_a_million_numbers_are_alike(say):
    assert len({say(n) for n in range(END)}) == END


def test_hyphens_and_plurals_everywhere():
    """The rules of the docstring as patterns, on what the grammar says."""
    for n in range(0, END, 97):
        words = french(n)
        assert words.startswith("mille") == (1000 <= n < 2000)
        assert not re.search("milles|-et|et-|cents .|vingts .|cents-|vingts-", words)
        assert words.endswith("cents") == (n % 100 == 0 and n % 1000 > 100)
        assert words.endswith("vingts") == (n % 100 == 80)


def test_bounds():
    for say in (english, french):
        for n in (-1, END):
            with pytest.raises(ValueError, match="0 to 999,999"):
                say(n)
