#!/usr/bin/env python3
"""Root-mean-square errors of a Deep Potential against the teacher's labels: errors.py MODEL FRAMES [--part held-out].

Run it with the Python of deepmd-kit's environment. FRAMES is a file of frames (DIR/data/held-out.npz of a loop) or packed data
(data.tar.xz), of which --part is taken. Errors by temperature of the thermostat, by kind of frame, and of forces by element.
"""

import argparse
from pathlib import Path

import numpy as np
from deepmd.infer import DeepPot

import dataset
import frames

TEMPERATURES = (0, 400, 700, 1000, 1300, 1700, 10000)  # K, edges of the bins
BINS = tuple(zip(TEMPERATURES, TEMPERATURES[1:]))


def residuals(model, frame):
    """Errors of energy (eV/atom), of forces [n_atoms, 3] (eV/A) and of stress [3, 3] (GPa)."""
    energy, forces, virial = model.eval(frame.positions.reshape(1, -1), frame.cell.reshape(1, 9), frame.types)
    stress = (virial.reshape(3, 3) - frame.virial) / frame.volume * frames.GPA
    return (energy.item() - frame.energy) / len(frame), forces.reshape(-1, 3) - frame.forces, stress


def rms(values):
    """Root mean square of the numbers in a list of arrays."""
    return np.sqrt(np.mean(np.concatenate([np.ravel(v) for v in values]) ** 2))


def row(title, chosen, sample):
    """A line of the table, or nothing where no frame was chosen."""
    picked = [(f, r) for f, r in sample if chosen(f)]
    if not picked:
        return
    elements = ""
    for number in range(len(frames.ELEMENTS)):
        of = [r[1][f.types == number] for f, r in picked if (f.types == number).any()]
        elements += f"{1000 * rms(of):8.0f}" if of else f"{'':8}"
    energy, force, stress = (rms([r[i] for _, r in picked]) for i in range(3))
    size = rms([f.forces for f, _ in picked])
    print(f"{title:18}{len(picked):7d}{1000 * energy:11.2f}{1000 * force:10.1f}{elements}{1000 * size:10.0f}{stress:10.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("frames", type=Path)
    parser.add_argument("--part", default="held-out", help="part of packed data")
    options = parser.parse_args()
    if options.frames.suffix == ".npz":
        content = frames.load(options.frames)
    else:
        content = dict(dataset.parts(options.frames))[options.part]
    model = DeepPot(options.model)
    sample = [(frame, residuals(model, frame)) for frame in content]
    print("root-mean-square errors; forces in meV/A, of all atoms and by element, beside the size of the forces themselves")
    heads = "".join(f"{element:>8}" for element in frames.ELEMENTS)
    print(f"{'':18}{'frames':>7}{'meV/atom':>11}{'meV/A':>10}{heads}{'forces':>10}{'GPa':>10}")
    for low, high in BINS:
        row(f"{low} to {high} K" if high < 10000 else f"above {low} K", lambda f: low < f.temperature <= high, sample)
    for kind in sorted({f.kind for f in content}):
        row(kind, lambda f: f.kind == kind, sample)
    row("all", lambda f: True, sample)


if __name__ == "__main__":
    main()
