# SPDX-License-Identifier: BSD-2-Clause
# scikit-learn on the article's downloads, as tests/golden/classifiers.sh lets weir do it:
# lines "trained kind features path percent".  classifiers.py DOWNLOADS.csv
import csv
import sys

import numpy
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

rows = [row for row in csv.DictReader(open(sys.argv[1])) if row["complete"] == "1"]
rows.sort(key=lambda row: float(row["first"]))
paths = {path: [row for row in rows if row["scenario"] == path] for path in "abc"}
half = len(paths["a"]) // 2
kinds = {"tree": lambda: DecisionTreeClassifier(random_state=0),
         "forest": lambda: RandomForestClassifier(random_state=0),
         "knn": lambda: KNeighborsClassifier()}


def table(some, features):
    return (numpy.array([[float(row[name]) for name in features] for row in some]),
            numpy.array([int(row["file"]) for row in some]))


for trained, train, tests in (("half", paths["a"][:half], {"a": paths["a"][half:], "b": paths["b"], "c": paths["c"]}),
                              ("all", paths["a"], {"b": paths["b"], "c": paths["c"]})):
    for kind, make in kinds.items():
        for name, features in (("bytes", ["sc_bytes"]), ("bytes,packets", ["sc_bytes", "sc_pkts"])):
            model = make().fit(*table(train, features))
            for path, test in tests.items():
                x, y = table(test, features)
                print(trained, kind, name, path, f"{100 * (model.predict(x) == y).mean():.1f}")
# What the lot that scikit-learn draws between equally good features makes of a tree.
train, features = table(paths["a"], ["sc_bytes", "sc_pkts"]), ["sc_bytes", "sc_pkts"]
for path in "bc":
    x, y = table(paths[path], features)
    got = [100 * (DecisionTreeClassifier(random_state=seed).fit(*train).predict(x) == y).mean() for seed in range(40)]
    print("lots", path, f"{min(got):.1f} {max(got):.1f}")
