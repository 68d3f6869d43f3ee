"""Tables of an eam/fs potential with every n-th point only, which a processor keeps in its cache."""


def thin(source, target, n):
    """Write the eam/fs file `source` (setfl) to `target` with every `n`-th point of each table.

    LAMMPS interpolates with cubic splines, so a table of 10000 points is finer than it need be.
    """
    lines = source.read_text().splitlines()
    n_rho, d_rho, n_r, d_r, cutoff = lines[4].split()
    n_rho, n_r, elements = int(n_rho), int(n_r), int(lines[3].split()[0])
    words = iter(" ".join(lines[5:]).split())

    def table(length):
        return [next(words) for _ in range(length)][::n]

    body = []
    for _ in range(elements):
        body.append(" ".join(next(words) for _ in range(4)))  # atomic number, mass, lattice
        body += table(n_rho)  # embedding energy
        for _ in range(elements):
            body += table(n_r)  # density at each element
    for _ in range(elements * (elements + 1) // 2):
        body += table(n_r)  # pair energy times distance
    head = f"{-(-n_rho // n)} {n * float(d_rho):.17g} {-(-n_r // n)} {n * float(d_r):.17g} {cutoff}"
    target.write_text("\n".join(lines[:4] + [head] + body) + "\n")
