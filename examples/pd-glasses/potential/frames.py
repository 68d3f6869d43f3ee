"""Frames of Pd-Cu-Ni-P: one structure each, with or without the teacher's labels, many to a file.

A file is an npz archive; frames may differ in their number of atoms, so what belongs to atoms lies end to end:

    sizes        [n_frames]     uint8    atoms of each frame
    types        [n_atoms]      uint8    index into ELEMENTS
    positions    [n_atoms, 3]   float32  A
    cells        [n_frames, 3, 3]        A, lattice vectors as rows
    kinds        [n_frames]              where the frame comes from, such as "quench" or "crystal Ni2P"
    temperatures [n_frames]              K, of the thermostat; 0 for frames that no thermostat made
    energies     [n_frames]     float64  eV                                        (labelled files only)
    forces       [n_atoms, 3]   float32  eV/A                                      (labelled files only)
    virials      [n_frames, 3, 3] float32  eV, W = -dE/d(strain)                   (labelled files only)
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ELEMENTS = ("Pd", "Cu", "Ni", "P")
MASSES = (106.42, 63.546, 58.693, 30.974)
GPA = 160.21766  # GPa in 1 eV/A^3


@dataclass
class Frame:
    """One structure; `energy`, `forces` and `virial` are None until the teacher has seen it."""

    types: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    kind: str
    temperature: float = 0.0
    energy: float | None = None
    forces: np.ndarray | None = None
    virial: np.ndarray | None = None

    def __len__(self):
        return len(self.types)

    @property
    def volume(self):
        """A^3"""
        return abs(np.linalg.det(self.cell))

    def by_type(self):
        """The same frame with its atoms ordered by type, so that equal compositions have equal type lists."""
        order = np.argsort(self.types, kind="stable")
        forces = None if self.forces is None else self.forces[order]
        return Frame(
            self.types[order], self.positions[order], self.cell, self.kind, self.temperature, self.energy, forces, self.virial
        )


def replace(path, data):
    """Write `data` to `path` as a whole: whoever reads it, after a kill too, finds the old file or the new one."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def columns(frames):
    """The arrays of a file that holds `frames`."""
    arrays = {
        "sizes": np.array([len(f) for f in frames], np.uint8),
        "types": np.concatenate([f.types for f in frames]).astype(np.uint8),
        "positions": np.concatenate([f.positions for f in frames]).astype(np.float32),
        "cells": np.array([f.cell for f in frames]),
        "kinds": np.array([f.kind for f in frames]),
        "temperatures": np.array([f.temperature for f in frames], np.float32),
    }
    if all(f.energy is not None for f in frames):
        arrays["energies"] = np.array([f.energy for f in frames])
        arrays["forces"] = np.concatenate([f.forces for f in frames]).astype(np.float32)
        arrays["virials"] = np.array([f.virial for f in frames], np.float32)
    return arrays


def pack(frames):
    """The bytes of a file that holds `frames`."""
    buffer = io.BytesIO()
    np.savez(buffer, **columns(frames))
    return buffer.getvalue()


def save(path, frames):
    """Write frames to `path`."""
    replace(path, pack(frames))


def load(path):
    """The list of frames in `path`."""
    return read(Path(path).read_bytes())


def read(data):
    """The list of frames in the bytes of a file."""
    arrays = np.load(io.BytesIO(data))
    ends = np.cumsum(arrays["sizes"].astype(int))
    labelled = "energies" in arrays
    whole = {name: arrays[name] for name in arrays.files}
    frames = []
    for i, (end, size) in enumerate(zip(ends, whole["sizes"])):
        atoms = slice(end - size, end)
        frame = Frame(
            whole["types"][atoms].astype(int),
            whole["positions"][atoms].astype(float),
            whole["cells"][i],
            str(whole["kinds"][i]),
            float(whole["temperatures"][i]),
        )
        if labelled:
            frame.energy = float(whole["energies"][i])
            frame.forces = whole["forces"][atoms].astype(float)
            frame.virial = whole["virials"][i].astype(float)
        frames.append(frame)
    return frames
