# SPDX-License-Identifier: BSD-2-Clause
# Compares weir's classifiers with scikit-learn's: check.py PROGRAM FOLDER
import subprocess
import sys

import numpy
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

program, folder = sys.argv[1:3]


def say(name, good, detail=""):
    print(f"{'ok' if good else 'not ok'} - sklearn: {name}")
    if not good:
        print(f"#   {detail}")


def ours(kind, x, y, probe, command):
    x = numpy.ascontiguousarray(x, dtype=numpy.float64)
    x.tofile(folder + "/x")
    y.astype(numpy.uint32).tofile(folder + "/y")
    numpy.ascontiguousarray(probe, dtype=numpy.float64).tofile(folder + "/probe")
    out = subprocess.run([program, kind, str(x.shape[1]), str(int(y.max()) + 1), folder + "/x",
                          folder + "/y", folder + "/probe", command], check=True,
                         capture_output=True, text=True).stdout
    return numpy.array([line.split() for line in out.splitlines()], dtype=numpy.float64)


def samples(seed):
    """Rows of many looks: counters, large numbers, values closer than 1e-7, equal rows."""
    draw = numpy.random.RandomState(seed)
    rows, features = draw.randint(2, 600), draw.randint(1, 4)
    classes = draw.randint(2, 40)
    y = draw.randint(0, classes, rows)
    look = seed % 5
    if look == 0:
        x = draw.randint(0, 50, (rows, features)).astype(float)
    elif look == 1:
        x = y[:, None] * 1000003.0 + draw.normal(0, 700000, (rows, features)) + 5e6
    elif look == 2:
        x = draw.randint(0, 3000, (rows, features)) * 3e-8
    elif look == 3:
        x = 4e7 + draw.randint(-500, 500, (rows, features)) * y[:, None]
    else:
        x = draw.uniform(-1, 1, (rows, features))
    missing = numpy.setdiff1d(numpy.arange(y.max() + 1), y)
    for number in missing[::-1]:
        y[y > number] -= 1
    return x, y, numpy.vstack([x, x + draw.normal(0, x.std() + 1e-9, x.shape)])


def their_nodes(model):
    """Preorder, as scikit-learn numbers them: feature, threshold, right child, samples."""
    t = model.tree_
    leaf = t.children_left < 0
    return numpy.column_stack([numpy.where(leaf, -1, t.feature), numpy.where(leaf, 0, t.threshold),
                               numpy.where(leaf, 0, t.children_right), t.n_node_samples])


# One feature: no split of another can be as good, so the trees must be the same.
same = trees = nodes = 0
named = compared = 0
for seed in range(120):
    x, y, probe = samples(seed)
    x, probe = x[:, :1], probe[:, :1]
    model = DecisionTreeClassifier(random_state=seed).fit(x, y)
    theirs, mine = their_nodes(model), ours("tree,float32", x, y, probe, "nodes")
    trees += 1
    nodes += len(theirs)
    same += theirs.shape == mine.shape and bool((theirs == mine).all())
    got = ours("tree,float32", x, y, probe, "classes")[:, 0]
    named += int((got == model.predict(probe)).sum())
    compared += len(got)
say(f"one feature: all {trees} trees ({nodes} nodes) are the same to the last bit", same == trees,
    f"{same} of {trees}")
say(f"one feature: all {compared} rows are named alike", named == compared, f"{named} of {compared}")

# Several features: where scikit-learn's own tree does not change with its random_state,
# no split that mattered was tied, and the trees must be the same.
same = untied = tied = 0
for seed in range(120):
    x, y, probe = samples(1000 + seed)
    theirs = [their_nodes(DecisionTreeClassifier(random_state=s).fit(x, y)) for s in range(8)]
    if any(t.shape != theirs[0].shape or (t != theirs[0]).any() for t in theirs):
        tied += 1
        continue
    untied += 1
    mine = ours("tree,float32", x, y, probe, "nodes")
    same += theirs[0].shape == mine.shape and bool((theirs[0] == mine).all())
print(f"# {tied} of {tied + untied} sets of rows have ties between features")
say(f"several features: all {untied} trees without ties are the same", same == untied and untied > 20,
    f"{same} of {untied}")

# Tied: the root at least must be one of the roots that scikit-learn draws.
roots = good = 0
for seed in range(60):
    x, y, probe = samples(3000 + seed)
    drawn = {tuple(their_nodes(DecisionTreeClassifier(random_state=s).fit(x, y))[0, :2]) for s in range(24)}
    good += tuple(ours("tree,float32", x, y, probe, "nodes")[0, :2]) in drawn
    roots += 1
say("the first split is one that scikit-learn takes too", good == roots, f"{good} of {roots}")


def clouds(seed, rows):
    draw = numpy.random.RandomState(seed)
    y = draw.randint(0, 12, rows)
    centre = numpy.random.RandomState(99).uniform(0, 100, (12, 3))
    return centre[y] + draw.normal(0, 14, (rows, 3)), y


def interval(right, n):
    """95 % by Wilson."""
    z, p = 1.96, right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((p * (1 - p) + z * z / (4 * n)) / n) ** 0.5 / (1 + z * z / n)
    return middle - half, middle + half


x, y = clouds(1, 1500)
probe, truth = clouds(2, 4000)
theirs = RandomForestClassifier(random_state=1).fit(x, y)
mine = ours("forest,float32", x, y, probe, "classes")[:, 0]
low, high = interval(int((theirs.predict(probe) == truth).sum()), len(truth))
share = (mine == truth).mean()
say("a forest is as right as scikit-learn's", low <= share <= high, f"{share}, not in {low} .. {high}")
p = ours("forest,float32", x, y, probe[:500], "probabilities")
apart = abs(p - theirs.predict_proba(probe[:500])).mean()
print(f"# forest: {share:.4f} right, scikit-learn's interval {low:.4f} .. {high:.4f}; "
      f"probabilities differ by {apart:.4f} on average")
again = RandomForestClassifier(random_state=2).fit(x, y).predict_proba(probe[:500])
drawn = abs(again - theirs.predict_proba(probe[:500])).mean()
say("its probabilities differ from scikit-learn's no more than two of those do", apart < 1.15 * drawn,
    f"{apart}, {drawn} between two of scikit-learn's")

# Neighbours: distances of random reals are never tied.
for neighbours in (1, 5, 12):
    model = KNeighborsClassifier(neighbours).fit(x, y)
    p = ours(f"knn,neighbours={neighbours}", x, y, probe, "probabilities")
    say(f"{neighbours} neighbours: the same probabilities for all {len(probe)} rows",
        bool((abs(p - model.predict_proba(probe)) < 1e-12).all()))
    say(f"{neighbours} neighbours: the same names",
        bool((ours(f"knn,neighbours={neighbours}", x, y, probe, "classes")[:, 0] == model.predict(probe)).all()))
