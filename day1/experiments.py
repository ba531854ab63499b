"""Run every experiment of Day 1, write down what was found, and draw it.

    python day1/experiments.py            record and draw: results/experiments.json, figures/*.png
    python day1/experiments.py figures    draw again from the record

A minute and a half on one core. The seconds in the record are those of a machine that did nothing
else.
"""

import sys
import time

import embedding_space
import look_up
import recall
import recording
import rnn_or_attention
import similarities
import sinusoids
import what_masks_do
import why_heads
import why_layer_norm
import why_positions
import why_residuals
import why_scale

SEEDS = (1, 2, 3)
EXPERIMENTS = {
    "lookup": look_up,
    "scale": why_scale,
    "similarity": similarities,
    "recall": recall,
    "order": why_positions,
    "heads": why_heads,
    "residuals": why_residuals,
    "norms": why_layer_norm,
    "masks": what_masks_do,
    "positions": sinusoids,
    "rnn": rnn_or_attention,
    "embedding": embedding_space,
}


def main(arguments):
    """Record unless told only to draw; 2 for a call that is neither."""
    if arguments not in ([], ["figures"]):
        print(__doc__, file=sys.stderr)
        return 2
    for name, experiment in EXPERIMENTS.items():
        if not arguments:
            before = time.perf_counter()
            figures = experiment.record(SEEDS)
            recording.write(name, figures | {"seconds": round(time.perf_counter() - before, 1)})
        row = recording.read()[name]
        experiment.draw(row)
        print(f"{name} ({row['seconds']} s): {experiment.line(row)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
