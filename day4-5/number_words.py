"""Numbers up to a million in English and in French words: two small grammars.

English is British: "two hundred and five". French is that of France, with the traditional spelling:
hyphens only below a hundred and not around "et", so "soixante et onze", "quatre-vingt-un"; "vingt"
and "cent" take an s where they are multiplied and nothing follows, and "mille" never has "un" or s.
(Since 1990 all parts may be hyphened.) Grevisse & Goosse, Le bon usage, on cardinal numerals.

    python day4-5/number_words.py     the numbers where the two languages part
"""

ENGLISH = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
ENGLISH_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
FRENCH = [
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze",
    "douze", "treize", "quatorze", "quinze", "seize",
]  # fmt: skip
FRENCH_TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante"}
END = 1_000_000


def english(n):
    """71205 -> "seventy-one thousand two hundred and five". ValueError outside 0..999,999."""
    check(n)
    if n < 20:
        return ENGLISH[n]
    if n < 100:
        ten, one = ENGLISH_TENS[n // 10 - 2], n % 10
        return f"{ten}-{ENGLISH[one]}" if one else ten
    if n < 1000:
        hundreds, rest = divmod(n, 100)
        words, link = f"{ENGLISH[hundreds]} hundred", " and "
    else:
        thousands, rest = divmod(n, 1000)
        words, link = f"{english(thousands)} thousand", " and " if rest < 100 else " "
    return words + link + english(rest) if rest else words


def french(n, last=True):
    """71205 -> "soixante et onze mille deux cent cinq". ValueError outside 0..999,999.

    last=False where "mille" follows: then "vingt" and "cent" have no s.
    """
    check(n)
    if n < 17:
        return FRENCH[n]
    if n < 20:
        return f"dix-{FRENCH[n - 10]}"
    if n < 100:
        return french_below_100(n, last)
    if n < 1000:
        hundreds, rest = divmod(n, 100)
        words = "cent" if hundreds == 1 else f"{FRENCH[hundreds]} cent"
        if not rest:
            return words + "s" * (hundreds > 1 and last)
        return f"{words} {french(rest, last)}"
    thousands, rest = divmod(n, 1000)
    words = "mille" if thousands == 1 else f"{french(thousands, last=False)} mille"
    return f"{words} {french(rest)}" if rest else words


def french_below_100(n, last):
    """20 to 99. From 60 on it counts by twenties: 77 is 60 and 17, 96 is four twenties and 16."""
    if n >= 80:
        return f"quatre-vingt-{french(n - 80)}" if n > 80 else "quatre-vingt" + "s" * last
    ten = n // 10 * 10 if n < 60 else 60
    rest = n - ten
    if not rest:
        return FRENCH_TENS[ten]
    link = " et " if rest in (1, 11) else "-"
    return FRENCH_TENS[ten] + link + french(rest)


def check(n):
    if not 0 <= n < END:
        raise ValueError(f"numbers go from 0 to {END - 1:,} here, not {n}")


def main():
    for n in (17, 21, 70, 71, 77, 80, 81, 91, 99, 100, 101, 200, 205, 1000, 1001, 80_000, 71_205):
        print(f"{n:7,}  {english(n):42} {french(n)}")
    print(f"{END - 1:7,}  {english(END - 1)}\n{french(END - 1):>109}")


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("number_words.py", main))
