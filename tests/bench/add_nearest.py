"""Add the smallest distance of atoms to a frozen model, which `dp compress` wants where training did not leave it there.

    python tests/bench/add_nearest.py frozen.pb out.pb 2.1

It sets the range of deepmd-kit's tables. Runs with the Python of deepmd-kit; a file that has the distance is copied.
"""

import sys
from pathlib import Path

from deepmd.tf.env import GLOBAL_ENER_FLOAT_PRECISION, tf

NAME = "train_attr/min_nbor_dist"


def main():
    source, target, nearest = sys.argv[1:]
    graph = tf.GraphDef()
    graph.ParseFromString(Path(source).read_bytes())
    names = {node.name for node in graph.node}
    if "train_attr/training_script" not in names:
        sys.exit("it holds no training script")
    if NAME not in names:
        with tf.Graph().as_default() as extra:
            tf.constant(float(nearest), name=NAME, dtype=GLOBAL_ENER_FLOAT_PRECISION)
        graph.node.extend(extra.as_graph_def().node)
    Path(target).write_bytes(graph.SerializeToString())


if __name__ == "__main__":
    main()
