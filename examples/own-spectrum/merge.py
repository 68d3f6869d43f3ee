#!/usr/bin/env python3
"""Merge the replicas of a spectrum: weighted means of E' and E'' at each temperature and period, with their errors.

    python merge.py point-*.json

Files are those that in.point calls point-<T>K-<period>ps-<replica>.json. A replica counts by its cycles, which decide its variance;
its own error, from a few blocks, may be small by chance. The error is that of the mean, or, where it is larger, that by the
scatter between replicas: samples of a glass differ by more than the noise in each.
"""

import json
import math
import re
import sys
from collections import defaultdict
from pathlib import Path


def merged(values):
    """Mean and error of (weight, value, error) triples."""
    total = sum(weight for weight, _, _ in values)
    mean = sum(weight * value for weight, value, _ in values) / total
    error = math.sqrt(sum((weight * error) ** 2 for weight, _, error in values)) / total
    if len(values) < 2:
        return mean, error
    scatter = sum(weight * (value - mean) ** 2 for weight, value, _ in values) / total / (len(values) - 1)
    return mean, max(error, math.sqrt(scatter))


def main(files):
    points = defaultdict(list)
    for file in files:
        name = re.fullmatch(r"point-(.+)K-(.+)ps-(.+)", Path(file).stem)
        if not name:
            sys.exit(f"{file} is not called point-<T>K-<period>ps-<replica>.json")
        results = json.loads(Path(file).read_text())["results"]
        moduli = [(results["cycles"], results[key]["value"], results[key]["error"]) for key in ("storage", "loss")]
        if not all(error for _, _, error in moduli):
            print(f"# {file} has no error yet: it needs two blocks")
            continue
        points[float(name[1]), float(name[2])].append(moduli)
    print("# T (K), period (ps), replicas, E', error, E'', error (GPa), tan delta")
    for (kelvin, period), replicas in sorted(points.items()):
        (storage, storage_error), (loss, loss_error) = (merged(values) for values in zip(*replicas))
        print(
            f"{kelvin:g} {period:g} {len(replicas)} {storage:.4g} {storage_error:.2g} {loss:.4g} {loss_error:.2g} "
            f"{loss / storage:.4g}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
