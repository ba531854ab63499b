"""What a program without options does with its command line. Standard library only."""

import argparse


def no_arguments(meaning):
    """Print `meaning` as it stands for --help; refuse every other word."""
    shown = argparse.RawDescriptionHelpFormatter  # the example keeps its line
    argparse.ArgumentParser(description=meaning, formatter_class=shown).parse_args()
