#!/usr/bin/env python3
"""The labelled data as one file, and out of it.

    dataset.py pack STATE data.tar.xz       # the labelled frames of a loop so far, also of one that runs
    dataset.py unpack data.tar.xz FOLDER    # FOLDER/<part>/<composition>: systems in deepmd-kit's npy format
    dataset.py list data.tar.xz             # what is in it

The archive has a file of frames (see frames.py) for each part: seed.npz, round-01.npz and so on, and held-out.npz, which no training
has seen. Any environment with numpy will do.
"""

import io
import sys
import tarfile
from collections import Counter
from pathlib import Path

import frames
import training


def parts(path):
    """Name and frames of each part of a packed file."""
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            yield Path(member.name).stem, frames.read(archive.extractfile(member).read())


def pack(state, out):
    """Write the labelled frames of the state folder `state` to `out`, those of labelling in progress too."""
    contents = {file.stem: frames.load(file) for file in (state / "data").glob("*.npz")}
    for folder in (state / "data").glob("*.parts"):
        contents.setdefault(folder.stem, [f for part in sorted(folder.glob("*.npz")) for f in frames.load(part)])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", preset=9) as archive:
        for name, content in sorted(contents.items()):
            data = frames.pack(content)
            member = tarfile.TarInfo(f"{name}.npz")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    frames.replace(out, buffer.getvalue())
    print(f"{out}: {len(buffer.getvalue()) / 1e6:.2f} MB")


def extract(path, folder):
    """The parts of a packed file as files of frames in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts(path):
        frames.save(folder / f"{name}.npz", content)


def main():
    command, source, *out = sys.argv[1:]
    if command == "pack":
        pack(Path(source), Path(out[0]))
    elif command == "unpack":
        for name, content in parts(source):
            training.write_systems(Path(out[0]) / name, content)
    elif command == "list":
        for name, content in parts(source):
            kinds = Counter(f.kind.split()[0] for f in content)
            print(f"{name:12}{len(content):6d} frames: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
