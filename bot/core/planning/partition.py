"""Splits files over several builders so that what changes together stays together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, pstdev

IMPORT_WEIGHT = 1.0
TOGETHER_WEIGHT = 1.0
ROOM = 1.25  # a part may be so much larger than an even share
SWEEPS = 10
MOST_BUILDERS = 6
FILES_A_BUILDER = 8
SEED = 0
_HOT_NAME = re.compile(
    r"(?:.*/)?(?:__init__\.py|index\.[jt]sx?|mod\.rs|.*\.lock|package-lock\.json|go\.sum"
    r"|.*registry\.\w+|pyproject\.toml|package\.json|go\.mod|Cargo\.toml)"
)

Weights = Mapping[tuple[str, str], float]  # (one, other) in sorted order: how close they are


@dataclass(frozen=True)
class Partition:
    """Groups of files, and the hot files that everybody touches and none of the groups owns."""

    parts: tuple[tuple[str, ...], ...]
    hot: tuple[str, ...] = ()
    cut: float = 0.0  # share of the closeness that lies between parts, 0 to 1


def closeness(
    files: Collection[str],
    imports: Iterable[tuple[str, str]],
    together: Weights,
) -> dict[tuple[str, str], float]:
    """Weigh pairs of files by imports and by how often they changed together, degree-normalised.

    Each kind is divided by the square root of both files' degrees, so that one that is imported
    everywhere does not pull all others to itself.
    """
    inside = set(files)
    linked = {(min(pair), max(pair)): 1.0 for pair in imports if inside.issuperset(pair)}
    changed = {pair: weight for pair, weight in together.items() if inside.issuperset(pair)}
    total: defaultdict[tuple[str, str], float] = defaultdict(float)
    for factor, weights in ((IMPORT_WEIGHT, linked), (TOGETHER_WEIGHT, changed)):
        degree = _degrees(weights)
        for (one, other), weight in weights.items():
            total[one, other] += factor * weight / (degree[one] * degree[other]) ** 0.5
    return dict(sorted(total.items()))


def coupling(files: Collection[str], weights: Weights, parts: int) -> float:
    """Say how tightly files hang together: what share of their closeness a split would cut, 0 to 1.

    Hot files are left out of it: what everybody imports ties nobody to anybody else.
    """
    return partition(files, weights, parts).cut if weights else 0.0


def builders_for(files: int) -> int:
    """Say over how many builders so many files would be split."""
    return min(MOST_BUILDERS, max(2, -(-files // FILES_A_BUILDER)))


def partition(files: Collection[str], weights: Weights, parts: int) -> Partition:
    """Group files into at most `parts` groups with little closeness between them.

    The same input gives the same groups. Without any closeness folders decide.
    """
    hot = _hot(files, weights) if parts > 1 else frozenset()
    left = sorted(set(files) - hot)
    if parts < 2 or len(left) < 2:
        whole = tuple(sorted(set(files)))
        return Partition((whole,) if whole else ())
    known = {pair: weight for pair, weight in weights.items() if hot.isdisjoint(pair)}
    cap = max(1, int(ROOM * len(left) / parts + 0.999))
    groups = _packed(_communities(left, known), parts, cap)
    groups = _refined(groups, known, cap)
    where = {path: at for at, group in enumerate(groups) for path in group}
    total = sum(known.values())
    between = sum(w for (one, other), w in known.items() if where[one] != where[other])
    return Partition(
        tuple(sorted(tuple(sorted(group)) for group in groups if group)),
        tuple(sorted(hot)),
        between / total if total else 0.0,
    )


def _hot(files: Collection[str], weights: Weights) -> frozenset[str]:
    """Find registries, locks and the like, and files far more linked than the others."""
    named = {path for path in files if _HOT_NAME.fullmatch(path)}
    degree = _degrees(weights)
    if len(degree) >= 8:
        limit = fmean(degree.values()) + 3 * pstdev(degree.values())
        named |= {path for path, total in degree.items() if total > limit}
    return frozenset(named) if len(named) * 2 < len(set(files)) else frozenset()


def _communities(files: list[str], weights: Weights) -> list[list[str]]:
    """Find groups that hang together; a file without links goes with its folder."""
    import networkx as nx  # here, since it takes longer to load than most commands take to run

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(files)
    graph.add_weighted_edges_from((one, other, w) for (one, other), w in sorted(weights.items()))
    alone = {path for path in files if not graph.degree(path)}
    linked = graph.subgraph([path for path in files if path not in alone])
    found = [
        sorted(group)
        for group in (nx.community.louvain_communities(linked, seed=SEED) if len(linked) else ())
    ]
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(alone):
        by_folder[path.rpartition("/")[0]].append(path)
    return [*found, *by_folder.values()]


def _packed(groups: list[list[str]], parts: int, cap: int) -> list[list[str]]:
    """Put the largest group first into the emptiest part; cut those that fit into none."""
    packed: list[list[str]] = [[] for _ in range(parts)]
    pieces = [group[at : at + cap] for group in groups for at in range(0, len(group), cap)]
    for piece in sorted(pieces, key=lambda piece: (-len(piece), piece)):
        rest = piece
        while rest:
            part = min(packed, key=lambda part: (len(part), packed.index(part)))
            room = cap - len(part)
            part += rest[:room]
            rest = rest[room:]
    return packed


def _refined(groups: list[list[str]], weights: Weights, cap: int) -> list[list[str]]:
    """Move single files to the part that they are closest to, while that makes the cut smaller."""
    near: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for (one, other), weight in weights.items():
        near[one][other] = near[other][one] = weight
    where = {path: at for at, group in enumerate(groups) for path in group}
    sizes = [len(group) for group in groups]
    for _ in range(SWEEPS):
        moved = False
        for path in sorted(near):
            pull = [0.0] * len(groups)
            for other, weight in near[path].items():
                pull[where[other]] += weight
            open_parts = [at for at in range(len(groups)) if sizes[at] < cap or at == where[path]]
            best = max(open_parts, key=lambda at: (pull[at], at == where[path], -at))
            if pull[best] > pull[where[path]] and sizes[where[path]] > 1:
                sizes[where[path]] -= 1
                sizes[best] += 1
                where[path] = best
                moved = True
        if not moved:
            break
    return [[path for path in sorted(where) if where[path] == at] for at in range(len(groups))]


def _degrees(weights: Weights) -> dict[str, float]:
    degree: defaultdict[str, float] = defaultdict(float)
    for (one, other), weight in weights.items():
        degree[one] += weight
        degree[other] += weight
    return dict(degree)
