"""docs/performance.md and its charts, drawn from the results of the benchmarks (tests/bench/results)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
PROCESSES = ("flow", "server", "workers")
COLOURS = {
    "start": "#b0b7bf", "read": "#4e79a7", "clean": "#59a14f", "match": "#f28e2b", "settle": "#edc948",
    "commit": "#e15759", "finish": "#d7dbe0",
}  # fmt: skip
NOTES = ROOT / "tests" / "bench" / "performance-notes.md"
"""What figures alone do not say; put at the end of the page."""

Result = Mapping[str, Any]


def results(prefix: str) -> list[Result]:
    """Results whose file names begin with the prefix, smallest first."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in RESULTS.glob(f"{prefix}*.json")]
    return sorted(found, key=lambda result: (result.get("captures", 0), result.get("old", 0)))


def cpu(stage: Mapping[str, float]) -> float:
    """CPU seconds of a stage, all processes."""
    return sum(stage[name] for name in PROCESSES)


def orchestration(result: Result) -> float:
    """Share of the CPU seconds that the flow's process and the server took while shards were worked on."""
    stages = [result["stages"][name] for name in ("read", "clean") if name in result["stages"]]
    spent = sum(stage["flow"] + stage["server"] for stage in stages)
    return float(spent / sum(map(cpu, stages)))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table; all columns but the first are figures."""
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    return lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]


def bars(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], unit: str) -> str:
    """Horizontal bars, each divided into stages, as SVG."""
    width, left, height = 760, 150, 34
    top = max((sum(parts.values()) for _, parts in rows), default=1.0)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {90 + height * len(rows)}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{90 + height * len(rows)}" fill="white"/>',
        f'<text x="16" y="24" font-size="14" font-weight="bold">{title}</text>',
    ]
    names = [name for name in COLOURS if any(name in parts for _, parts in rows)]
    for number, name in enumerate(names):
        x = 16 + number * 90
        lines.append(f'<rect x="{x}" y="38" width="12" height="12" fill="{COLOURS[name]}"/>')
        lines.append(f'<text x="{x + 17}" y="48">{name}</text>')
    for row, (label, parts) in enumerate(rows):
        y = 66 + row * height
        x = float(left)
        lines.append(f'<text x="{left - 10}" y="{y + 16}" text-anchor="end">{label}</text>')
        for name in names:
            size = (width - left - 120) * parts.get(name, 0.0) / top
            lines.append(
                f'<rect x="{x:.1f}" y="{y}" width="{size:.1f}" height="22" fill="{COLOURS[name]}">'
                f"<title>{name}: {parts.get(name, 0.0):,.2f} {unit}</title></rect>"
            )
            x += size
        lines.append(f'<text x="{x + 8:.1f}" y="{y + 16}">{sum(parts.values()):,.2f} {unit}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _sizes(found: Sequence[Result]) -> list[str]:
    per_million = [
        (
            f"{result['captures']:,}",
            {name: cpu(stage) * 1000 / result["captures"] for name, stage in result["stages"].items()},
        )
        for result in found
    ]
    chart = bars("CPU milliseconds a capture, by stage", per_million, "ms")
    (IMAGES / "cost-by-size.svg").write_text(chart, encoding="utf-8")
    lines = ["![CPU seconds a capture by stage](images/cost-by-size.svg)", ""]
    lines += table(
        [
            "captures",
            "wall s",
            "CPU s",
            "captures a CPU s",
            "peak MB, whole tree",
            "stored MB",
            "orchestration",
        ],
        [
            [
                f"{result['captures']:,}",
                f"{result['seconds']:,.0f}",
                f"{result['cpu_seconds']:,.0f}",
                f"{result['captures'] / result['cpu_seconds']:,.0f}",
                f"{result['peak_mb']:,.0f}",
                f"{result['stored_mb']:,.0f}",
                f"{orchestration(result):.1%}",
            ]
            for result in found
        ],
    )
    lines += ["", "By stage: CPU seconds, wall seconds, peak memory of the process tree in MB."]
    stages = [name for name in COLOURS if any(name in result["stages"] for result in found)]
    rows = []
    for name in stages:
        row: list[object] = [name]
        for result in found:
            stage = result["stages"].get(name)
            row.append(
                f"{cpu(stage):,.1f} / {stage['seconds']:,.0f} / {stage['peak_mb']:,.0f}" if stage else ""
            )
        rows.append(row)
    return [*lines, "", *table(["stage", *(f"{result['captures']:,}" for result in found)], rows), ""]


def _history(found: Sequence[Result]) -> list[str]:
    rows = [
        (f"{result['old']:,} stored", {name: cpu(stage) for name, stage in result["stages"].items()})
        for result in found
    ]
    chart = bars(f"{found[0]['captures']:,} new captures onto a stored corpus: CPU seconds", rows, "s")
    (IMAGES / "cost-by-history.svg").write_text(chart, encoding="utf-8")
    return [
        "![CPU seconds by size of the stored corpus](images/cost-by-history.svg)",
        "",
        *table(
            ["stored documents", "new captures", "wall s", "CPU s", "peak MB, whole tree"],
            [
                [
                    f"{result['old']:,}",
                    f"{result['captures']:,}",
                    f"{result['seconds']:,.0f}",
                    f"{result['cpu_seconds']:,.0f}",
                    f"{result['peak_mb']:,.0f}",
                ]
                for result in found
            ],
        ),
        "",
    ]


def _workers(found: Sequence[Result]) -> list[str]:
    rows = []
    for result in found:
        stage = result["stages"]["clean"]
        ratio = found[0]["stages"]["clean"]["seconds"] / stage["seconds"]
        rows.append([result["workers"], f"{stage['seconds']:,.1f}", f"{cpu(stage):,.1f}", f"{ratio:.2f}"])
    header = ["workers", "clean stage, wall s", "CPU s", "times as fast"]
    return [f"{found[0]['captures']:,} captures.", "", *table(header, rows), ""]


def _peers(found: Sequence[Result]) -> list[str]:
    lines: list[str] = []
    for result in found:
        own, peer = result["own_cpu_seconds"], result["peer_cpu_seconds"]
        lines += [
            f"**{result['peer']}**: {peer:,.1f} CPU s, Qingyuan {own:,.1f} CPU s: {peer / own:.1f} times. "
            f"{result['told']}",
            "",
        ]
    return lines


def draw() -> None:
    """Write docs/performance.md from the results that are there."""
    IMAGES.mkdir(exist_ok=True)
    parts = [
        "# Performance",
        "",
        "Drawn by `make bench` (`python -m tests.bench.scale --draw`) from `tests/bench/results`; not edited by hand.",
        "Each result file names its command. Times are of whole runs, from the start of `qingyuan run` to the",
        "published version, with every process counted; `start` is the start of program and temporary server.",
        "",
    ]
    sizes = results("scale-")
    if sizes:
        machine = sizes[-1]["machine"]
        parts += [f"Machine: {machine['cores']} cores, {machine['memory_gb']} GB.", ""]
        parts += ["## By size", "", *_sizes(sizes)]
    if workers := sorted(results("workers-"), key=lambda result: int(result["workers"])):
        parts += ["## By workers", "", *_workers(workers)]
    if history := results("history-"):
        parts += ["## By history", "", *_history(history)]
    if incremental := results("incremental-"):
        parts += ["## Few new captures onto a large corpus", ""]
        parts += table(
            ["stored documents", "new captures", "wall s", "CPU s", "peak MB, whole tree"],
            [
                [
                    f"{result['old']:,}",
                    f"{result['captures']:,}",
                    f"{result['seconds']:,.0f}",
                    f"{result['cpu_seconds']:,.0f}",
                    f"{result['peak_mb']:,.0f}",
                ]
                for result in incremental
            ],
        )
        parts.append("")
    if peers := results("peer-"):
        parts += ["## Beside other pipelines", "", *_peers(peers)]
    if NOTES.exists():
        parts.append(NOTES.read_text(encoding="utf-8"))
    PAGE.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


__all__ = ["draw"]
