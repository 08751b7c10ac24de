"""docs/performance.md from the results of the benchmarks."""


def draw() -> None:
    """Draw."""
