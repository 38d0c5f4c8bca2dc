# SPDX-License-Identifier: BSD-2-Clause
# Trains scikit-learn's classifiers on labelled records and names others by them, as the article
# did. Called by weir lab table:
#   classify.py TRAIN METHOD=KIND:FEATURES,... ROWS=PREFIX...
# TRAIN has the columns name, version and the features; ROWS start, end, client, client_port
# and the features. Each method's names go to PREFIX.METHOD.tsv.
import sys

from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

# scikit-learn's own defaults; the seed is fixed so that a run can be repeated.
KINDS = {
    "tree": lambda: DecisionTreeClassifier(random_state=0),
    "forest": lambda: RandomForestClassifier(random_state=0, n_jobs=1),
    "knn": lambda: KNeighborsClassifier(),
}
KEPT = ["start", "end", "client", "client_port", "bytes"]


def read(path):
    with open(path, encoding="utf-8") as file:
        columns = file.readline().rstrip("\n").split("\t")
        return [dict(zip(columns, line.rstrip("\n").split("\t"))) for line in file]


def matrix(rows, features):
    return [[float(row[feature]) for feature in features] for row in rows]


def write(path, rows, classes, probabilities):
    best = probabilities.argmax(axis=1) if len(rows) else []
    with open(path, "w", encoding="utf-8") as out:
        print(*KEPT, "name", "version", "probability", sep="\t", file=out)
        for row, shares, first in zip(rows, probabilities, best):
            name, version = classes[first].split("\t")
            print(*(row[column] for column in KEPT), name, version, f"{shares[first]:.6f}",
                  sep="\t", file=out)


def main(train_path, methods, jobs):
    train = read(train_path)
    labels = [row["name"] + "\t" + row["version"] for row in train]
    tables = [(read(rows), prefix) for rows, prefix in jobs]
    for method, kind, features in methods:
        model = KINDS[kind]().fit(matrix(train, features), labels)
        for rows, prefix in tables:
            shares = model.predict_proba(matrix(rows, features)) if rows else []
            write(f"{prefix}.{method}.tsv", rows, model.classes_, shares)


def parse(words):
    methods, jobs = [], []
    for word in words:
        left, right = word.split("=", 1)
        if ":" in right and right.split(":")[0] in KINDS:
            kind, features = right.split(":")
            methods.append((left, kind, features.split(",")))
        else:
            jobs.append((left, right))
    return methods, jobs


main(sys.argv[1], *parse(sys.argv[2:]))
