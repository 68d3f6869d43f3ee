"""The complex modulus of a harmonic glass from its normal modes (Damart, Tanguy and Rodney, Phys. Rev. B 95, 054203).

The displacement u beside the affine one obeys m u'' = -H u + X strain - m gamma u', with X the force that a unit of affine strain
makes; the stress is C strain - X u/V. With mode m, X_m = X.e_m/sqrt(mass):

    G*(omega) = C - (1/V) sum_m X_m^2/(omega_m^2 - omega^2 + i gamma omega)

Masses are 1.
"""

from pathlib import Path

import numpy as np


class Modes:
    """Frequencies squared, coupling to the strain, affine modulus and volume of one inherent structure."""

    def __init__(self, prefix, stresses, volume, change=1e-5):
        """Reads what in.matrix wrote under `prefix`; `stresses` are those at strain +`change` and -`change`."""
        plus, minus = (dump(f"{prefix}.{sign}") for sign in ("plus", "minus"))
        coupling = (plus - minus).ravel() / (2 * change)
        matrix = np.array(Path(f"{prefix}.matrix").read_text().split(), dtype=float).reshape(len(coupling), -1)
        self.asymmetry = abs(matrix - matrix.T).max() / abs(matrix).max()
        self.squares, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        self.couplings = vectors.T @ coupling
        self.affine = (stresses[0] - stresses[1]) / (2 * change)
        self.volume = volume

    def modulus(self, omega, gamma):
        """G*(omega)."""
        return self._sum(-(omega**2) + 1j * gamma * omega)

    def modulus_in_steps(self, omega, gamma, timestep):
        """G*(omega) for the velocity Verlet algorithm with the friction force of the half step before: it replaces
        omega^2 by (2 - 2 cos omega dt)/dt^2 and i omega by (1 - exp(-i omega dt))/dt."""
        angle = omega * timestep
        return self._sum((2 * np.cos(angle) - 2) / timestep**2 + gamma * (1 - np.exp(-1j * angle)) / timestep)

    def _sum(self, shift):
        moving = self.squares > 1e-3  # without the three translations
        return self.affine - np.sum(self.couplings[moving] ** 2 / (self.squares[moving] + shift)) / self.volume


def dump(file):
    """Columns after the id of a dump of one frame, [n_atoms, 3]."""
    rows = [line.split() for line in Path(file).read_text().splitlines()[9:]]
    return np.array(rows, dtype=float)[:, 1:]
