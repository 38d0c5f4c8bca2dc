# SPDX-License-Identifier: BSD-2-Clause
# scikit-learn's nearest neighbour on the records of bench/identify.sh whole: learns from the first
# half with its labels, names the second. whole.py NAME: NAME.tsv and NAME.truth. Prints
# records a CPU second, fit and naming together, and per cent right.
import sys
import time

import numpy
from sklearn.neighbors import KNeighborsClassifier

name = sys.argv[1]


def table(path):
    with open(path) as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    return rows[0], rows[1:]


head, flows = table(name + ".tsv")
_, truth = table(name + ".truth")
wanted = ("span", "reverse_span") if "span" in head else ("reverse_bytes", "reverse_packets")
columns = [head.index(column) for column in wanted]
x = numpy.array([[float(row[i]) for i in columns] for row in flows])
number = {}
y = numpy.array([number.setdefault(tuple(row[3:5]), len(number)) for row in truth])
half = len(x) // 2
before = time.process_time()
model = KNeighborsClassifier(n_neighbors=1, n_jobs=1).fit(x[:half], y[:half])
named = model.predict(x[half:])
took = time.process_time() - before
print(f"{len(x) / took:.0f} {100 * numpy.mean(named == y[half:]):.1f}")
