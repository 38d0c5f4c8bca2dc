# SPDX-License-Identifier: BSD-2-Clause
# Times weir's classifiers beside scikit-learn's on the same rows, made from a fixed seed: CPU
# seconds, the best of several. Called by bench/identify.sh, whose rows it prints:
#   classify.py PROGRAM FOLDER quick|full     quick: the large fit has a tenth of its rows
import subprocess
import sys
import time

import numpy
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

program, folder, size = sys.argv[1:4]
draw = numpy.random.RandomState(7)


def downloads(rows, files, features):
    """Octets and packets of downloads of files of log-normal size, a heavy tail sent again."""
    sizes = numpy.exp(draw.normal(15.4, 1.2, files)).astype(numpy.int64) + 10000
    classes = draw.randint(0, files, rows).astype(numpy.uint32)
    segments = sizes[classes] // 1448 + 1
    again = draw.poisson(0.002 * segments * draw.pareto(2.0, rows))
    octets = sizes[classes] + 260 + 1448 * again + 52 * (segments + again) + 8
    packets = segments + again + 3 + draw.poisson(0.3, rows)
    x = numpy.column_stack([octets, packets])[:, :features].astype(numpy.float64)
    return numpy.ascontiguousarray(x), classes


def best(times, work):
    took = 1e9
    for _ in range(times):
        start = time.process_time()
        result = work()
        took = min(took, time.process_time() - start)
    return took, result


def weir(kind, x, classes, files, probe):
    x.tofile(folder + "/x")
    classes.tofile(folder + "/y")
    probe.tofile(folder + "/probe")
    out = subprocess.run([program, kind, str(x.shape[1]), str(files), folder + "/x", folder + "/y",
                          folder + "/probe", "time"], check=True, capture_output=True, text=True)
    return [float(word) for word in out.stdout.split()]


def row(name, unit, theirs, ours, goal):
    print(f"{name}|{unit}|scikit-learn|{theirs:.4g}|{ours:.4g}|"
          f"{'more' if unit.endswith('/s') else 'less'}|{goal}", flush=True)


def compare(name, kind, model, rows, files, features, probes, their_probes, times, goals=("", "")):
    x, classes = downloads(rows, files, features)
    probe, _ = downloads(probes, files, features)
    # In 0 .. files - 1 all classes occur here, so numbers mean the same on both sides.
    fit, model = best(times, lambda: model.fit(x, classes))
    few = probe[:their_probes]
    predict, _ = best(3, lambda: model.predict(few))
    mine = weir(kind, x, classes, files, probe)
    shape = f"{rows:,} x {features}, {files:,} classes"
    row(f"{name}: fit {shape}", "ms", fit * 1e3, mine[0] * 1e3, goals[0])
    row(f"{name}: name, {shape}", "Mrows/s", len(few) / predict / 1e6, len(probe) / mine[1] / 1e6, goals[1])


full = size == "full"
compare("tree", "tree,float32", DecisionTreeClassifier(random_state=0), 1250, 50, 1, 10000000, 1000000, 5,
        (0.5, 100))
compare("tree", "tree,float32", DecisionTreeClassifier(random_state=0), 1250, 50, 2, 10000000, 1000000, 5,
        (0.5, 100))
compare("tree, no rounding", "tree", DecisionTreeClassifier(random_state=0), 1250, 50, 1, 10000000, 1000000, 5)
compare("forest of 100", "forest,float32", RandomForestClassifier(random_state=0), 1250, 50, 2, 200000, 20000, 2)
compare("5 neighbours", "knn", KNeighborsClassifier(), 1250, 50, 2, 1000000, 20000, 3)
rows = 1000000 if full else 100000
compare("tree", "tree,float32", DecisionTreeClassifier(random_state=0), rows, 1000, 2, 2000000,
        1000000 if full else 100000, 1,
        (2000 if full else "", ""))
