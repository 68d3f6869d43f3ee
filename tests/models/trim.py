"""Take the tables for debuggers, a third of the file, out of the TorchScript files of this folder.

    python tests/models/trim.py [FILE ...]

Run after any script that writes .pth files. Nothing that is read or run is touched: every other member keeps its bytes,
and stored ones keep their alignment to 64 bytes.
"""

import io
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALIGNMENT = 64
LOCAL_HEADER = 30


def trim(path):
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            if member.filename.endswith(".debug_pkl"):
                continue
            fresh = zipfile.ZipInfo(member.filename)
            fresh.compress_type = member.compress_type
            start = out.tell() + LOCAL_HEADER + len(member.filename.encode()) + 4
            padding = -start % ALIGNMENT
            fresh.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            target.writestr(fresh, source.read(member))
    path.write_bytes(out.getvalue())


def main(names):
    for path in [HERE / name for name in names] or sorted(HERE.glob("*.pth")):
        before = path.stat().st_size
        trim(path)
        print(f"{path.name}: {before} -> {path.stat().st_size}")


if __name__ == "__main__":
    main(sys.argv[1:])
