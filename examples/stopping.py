"""One signal ends a script with all that it has started; started again, it goes on where it was."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 5.0  # seconds between the request to end and the order


class Stopped(BaseException):
    """A signal asks this script to end."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Catcher:
    """Turns the first signal into Stopped, but not while a program is being started, whose number would be lost."""

    def __init__(self):
        self.busy, self.pending = False, None

    def __call__(self, number, _frame):
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        if self.busy:
            self.pending = number
        else:
            raise Stopped(number)

    def start(self, command, options):
        self.busy = True
        try:
            return subprocess.Popen(command, start_new_session=True, **options)
        finally:
            self.busy = False

    def settle(self):
        if self.pending is not None:
            raise Stopped(self.pending)


CATCHER = Catcher()


def script(main, again):
    """Run `main` to its end. A signal ends it earlier, with all that it has started, and with the line `again`, which says
    how to go on."""
    for one in SIGNALS:
        signal.signal(one, CATCHER)
    try:
        main()
    except Stopped as stopped:
        name = signal.Signals(stopped.number).name
        print(f"\n{Path(sys.argv[0]).name}: stopped by {name}, and everything that it had started. {again}", file=sys.stderr)
        sys.exit(128 + stopped.number)


@contextlib.contextmanager
def started(command, **options):
    """`command` under way, with the options of Popen. It has ended when the block is over; where an exception or a signal
    ends the block early, so has everything that it started."""
    process = CATCHER.start(command, options)
    try:
        CATCHER.settle()
        yield process
        process.wait()
    except BaseException:
        end(process)
        raise
    finally:
        if process.stdout:
            process.stdout.close()


def end(process):
    """End `process` and all that it has started; mpiexec puts its ranks into process groups of their own."""
    family = [process.pid, *descendants(process.pid)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit and (process.poll() is None or any(map(alive, family))):
            time.sleep(0.02)


def alive(pid):
    """Whether the process `pid` runs; one that only waits to be buried does not."""
    return pid in parents()


def descendants(pid):
    """Processes that `pid` has started, and those that they have started."""
    found, above = [pid], parents()
    for parent in found:
        found += [child for child, its_parent in above.items() if its_parent == parent]
    return found[1:]


def parents():
    """The parent of every process that runs."""
    if Path("/proc/self/stat").exists():
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
                if state not in "ZX":
                    found[int(stat.parent.name)] = int(parent)
        return found
    lines = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [line.split() for line in lines]
    return {int(pid): int(parent) for pid, parent, state, *_ in rows if not state.startswith("Z")}


class Progress:
    """What is finished of a series of runs in a folder: kept from a start that was stopped to the next, and forgotten once
    the series is complete, so that it can be run anew."""

    def __init__(self, folder):
        self.file = folder / "unfinished.json"
        try:
            self.finished = json.loads(self.file.read_text())
        except (OSError, ValueError):
            self.finished = {}
        self.goes_on = self.file.exists()
        self.write()

    def has(self, name, settings):
        """Whether the run `name` with these settings was finished before this start."""
        return self.finished.get(name) == settings

    def add(self, name, settings):
        """Note that the run `name` is finished."""
        self.finished[name] = settings
        self.write()

    def write(self):
        partial = self.file.with_suffix(".tmp")
        partial.write_text(json.dumps(self.finished))
        partial.replace(self.file)

    def complete(self):
        """The series is complete."""
        self.file.unlink(missing_ok=True)


def is_whole(restart):
    """Whether LAMMPS has finished the restart file: one that was being written lacks the word at its end."""
    return b"LammpS RestartT" in restart.read_bytes()[-16:]
