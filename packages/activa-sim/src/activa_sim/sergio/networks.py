"""Gene regulatory networks: who regulates whom, from a name, a file, edges or a graph."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from activa_sim.errors import InputError, check_names

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

SHIPPED = Path(__file__).with_name("data")
FILES = {  # name of the file, its sum, number of genes
    "yeast": (
        "yeast_transcriptional_network_Balaji2006.tsv",
        "1d0f592441b5b35b37c90613f72669d6c22754994188cdb4ac7df69c049d7c3d",
        4441,
    ),
    "ecoli": (
        "ecoli_transcriptional_network_regulonDB_6_7.tsv",
        "284a74edd33c1a5e6be00d2d4a868fbe8898b535f40393411fc19f12d2c1d3e8",
        1565,
    ),
}


@dataclass(frozen=True, eq=False)
class Network:
    """A directed graph of genes; make one with `load`, `load_tsv`, `from_edges`, `from_networkx`.

    Parameters
    ----------
    name : str
        What labels and provenance call it.
    genes : tuple of str
        Names of the n genes, sorted.
    edges : ndarray of int64, shape (E, 2)
        Regulator and target by place in `genes`; sorted, distinct, without self-loops.
    """

    name: str
    genes: tuple[str, ...]
    edges: IntArray

    def __eq__(self, other: object) -> bool:
        """Compare names, genes and edges."""
        if not isinstance(other, Network):
            return NotImplemented
        return (self.name, self.genes) == (other.name, other.genes) and np.array_equal(
            self.edges, other.edges
        )

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((self.name, self.genes, len(self.edges)))

    @cached_property
    def edge_numbers(self) -> IntArray:
        """Regulator * n + target of every edge, rising, shape (E,)."""
        return np.asarray(self.edges[:, 0] * len(self.genes) + self.edges[:, 1])

    @cached_property
    def neighbours(self) -> tuple[IntArray, IntArray]:
        """Offsets (n + 1,) and genes of the skeleton: those of i are at offsets[i : i + 2]."""
        n = len(self.genes)
        tail, head = self.edges.T
        first, second = np.divmod(np.unique(np.r_[tail * n + head, head * n + tail]), n)
        return np.r_[0, np.bincount(first, minlength=n).cumsum()], second

    @cached_property
    def ranked_neighbours(self) -> IntArray:
        """Genes of the skeleton as in `neighbours`, of each gene those of low degree first."""
        offsets, genes = self.neighbours
        degree = np.diff(offsets)
        of = np.repeat(np.arange(len(degree)), degree)
        return np.asarray(genes[np.lexsort((genes, degree[genes], of))])

    @cached_property
    def targets(self) -> tuple[IntArray, IntArray]:
        """Offsets (n + 1,) and genes: the targets of i are at offsets[i : i + 2], rising."""
        tail, head = self.edges.T
        offsets = np.searchsorted(tail, np.arange(len(self.genes) + 1))
        return offsets.astype(np.int64), np.ascontiguousarray(head)

    @cached_property
    def regulators(self) -> IntArray:
        """Genes that regulate another, rising."""
        return np.unique(self.edges[:, 0])

    def adjacency(self, genes: IntArray) -> NDArray[np.bool_]:
        """Whether the first regulates the second, of chosen genes (..., d): (..., d, d)."""
        asked = genes[..., :, None] * len(self.genes) + genes[..., None, :]
        place = np.searchsorted(self.edge_numbers, asked)
        return np.asarray(np.append(self.edge_numbers, -1)[place] == asked)

    def describe(self) -> dict[str, Any]:
        """Give what identifies the network, for JSON."""
        text = "".join(f"{self.genes[i]}\t{self.genes[j]}\n" for i, j in self.edges)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {"name": self.name, "genes": len(self.genes), "edges_sha256": digest}


@lru_cache(maxsize=8)
def load(name: str, path: str | Path | None = None) -> Network:
    """Load a known network: "yeast", which is shipped, or "ecoli", which is not.

    Parameters
    ----------
    name : {"yeast", "ecoli"}
        Balaji et al. (2006), 4441 genes and 12,873 edges, or RegulonDB 6.7, 1565 genes and 3758
        edges, whose licence does not allow to ship it.
    path : str or Path, optional
        The file, where avici is not installed.

    Raises
    ------
    InputError
        If the name is unknown, or the file is missing or another.

    Examples
    --------
    >>> len(load("yeast").genes), len(load("yeast").edges)
    (4441, 12873)
    """
    check_names("network", [name], FILES)
    file, sha256, _ = FILES[name]
    found = Path(path) if path is not None else _avici(file) if name == "ecoli" else SHIPPED / file
    text = _read(found)
    if hashlib.sha256(text.encode()).hexdigest() != sha256:
        raise InputError(
            f'{found} is not the "{name}" network of avici 1.0.7 (its sha256 differs); '
            "use load_tsv for a network of your own"
        )
    return from_edges(_rows(text, found), name=name)


def load_tsv(path: str | Path, *, name: str | None = None) -> Network:
    """Read a table without header: regulator, tab, target; further columns do not matter.

    Raises
    ------
    InputError
        If the file cannot be read or a line has fewer than two columns.
    """
    return from_edges(_rows(_read(Path(path)), Path(path)), name=name or Path(path).stem)


def from_edges(
    edges: Iterable[tuple[Hashable, Hashable]],
    *,
    genes: Iterable[Hashable] = (),
    name: str = "edges",
) -> Network:
    """Make a network of (regulator, target) pairs and, on request, genes without any.

    Genes are sorted, numbers by size and names by alphabet; self-loops and repetitions go.

    Raises
    ------
    InputError
        If there is no gene, or something that is no pair.

    Examples
    --------
    >>> from_edges([("b", "a"), ("a", "c")]).genes
    ('a', 'b', 'c')
    """
    try:
        pairs = [(tail, head) for tail, head in edges]
    except (TypeError, ValueError) as error:
        raise InputError("edges are pairs of genes; give [(regulator, target), ...]") from error
    known = {gene for pair in pairs for gene in pair} | set(genes)
    if not known:
        raise InputError(f'the network "{name}" has no genes; give at least one edge')
    numbers = all(isinstance(gene, int) for gene in known)
    ordered = sorted(known, key=None if numbers else str)  # type: ignore[type-var, arg-type]
    place = {gene: i for i, gene in enumerate(ordered)}
    distinct = sorted({(place[tail], place[head]) for tail, head in pairs if tail != head})
    array = np.array(distinct, dtype=np.int64).reshape(-1, 2)
    return Network(name, tuple(str(gene) for gene in ordered), array)


def from_networkx(graph: Any, *, name: str | None = None) -> Network:
    """Make a network of a directed networkx graph (or what has its `nodes` and `edges`).

    Raises
    ------
    InputError
        If the graph is undirected.
    """
    if not graph.is_directed():
        raise InputError("the graph is undirected; give a networkx.DiGraph, regulator to target")
    edges = [(tail, head) for tail, head, *_ in graph.edges]
    return from_edges(edges, genes=graph.nodes, name=name or getattr(graph, "name", "") or "graph")


def _avici(file: str) -> Path:
    """Find a file of an installed avici, which is not imported."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return Path(str(distribution("avici").locate_file(f"avici/assets/{file}")))
    except PackageNotFoundError as error:
        raise InputError(
            "the E. coli network may not be shipped and avici, which has it, is not installed; "
            'run "pip install --no-deps avici==1.0.7" or give the file as load("ecoli", path)'
        ) from error


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"cannot read {path} ({reason}); check the file") from error


def _rows(text: str, path: Path) -> list[tuple[str, str]]:
    """Regulator and target of every line that is not empty."""
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        regulator, _, rest = line.strip().partition("\t")
        target = rest.partition("\t")[0].strip()
        if regulator and not target:
            raise InputError(
                f"line {number} of {path} has one column; give a regulator, a tab and a target"
            )
        if regulator:
            rows.append((regulator.strip(), target))
    return rows
