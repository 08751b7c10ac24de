"""Reading a large WARC: memory must not grow with the file; speed beside fastwarc's own iterator.

Run: python -m tests.bench.collect [GIGABYTES]   (decompressed size of the large file, default 1)
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType

from config.settings import CollectSettings, Source
from tasks.collect import find_inputs, read_captures
from tests.collect.build import http, members, record

RECORDS = 400
"""Different records; the file repeats them, each a gzip member of its own as crawlers write them."""


def _records() -> list[bytes]:
    draw = random.Random(7)
    common = [chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(2500)]
    parts = []
    for number in range(RECORDS):
        words = "".join(draw.choices(common, k=draw.randrange(4000, 60_000)))
        page = f"<html><head><title>{words[:20]}</title></head><body><p>{words}</p></body></html>"
        parts.append(record("request", b"GET / HTTP/1.1\r\n\r\n", f"http://shan.example/{number}"))
        parts.append(record("response", http(page.encode()), f"http://shan.example/{number}"))
    return parts


def _ours(path: Path) -> tuple[int, int]:
    source, settings = Source(name="bench", paths=[str(path)]), CollectSettings()
    count = size = 0
    for file in find_inputs(source, path.parent):
        for capture in read_captures(file, source, settings):
            if capture.error:
                raise SystemExit(capture.error)
            count += 1
            size += len(capture.payload)
    return count, size


def _fastwarc(path: Path) -> tuple[int, int]:
    count = size = 0
    with path.open("rb") as stream:
        for entry in ArchiveIterator(stream, record_types=WarcRecordType.response, auto_decode="all"):
            count += 1
            size += len(entry.reader.read())
    return count, size


READERS: dict[str, Callable[[Path], tuple[int, int]]] = {"qingyuan": _ours, "fastwarc": _fastwarc}


def _measure(reader: str, path: Path) -> tuple[int, int, float, int]:
    """Captures, payload bytes, CPU seconds and peak memory (MiB) of a process that reads the file."""
    command = [sys.executable, "-m", "tests.bench.collect", "--read", reader, str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(answer[0]), int(answer[1]), float(answer[2]), int(answer[3])


def _peak() -> int:
    """Peak memory of this process in MiB."""
    status = Path("/proc/self/status")  # ru_maxrss of a child counts what its parent held before the start
    if status.exists():
        line = next(
            line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")
        )
        return int(line.split()[1]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20


def _files(folder: Path, size: int) -> Iterator[tuple[str, Path]]:
    parts = _records()
    plain = sum(map(len, parts))
    for words, packed in (("gzip", members(parts)), ("zstd", b"".join(map(zstandard.compress, parts)))):
        for times in (1, max(size // plain, 2)):
            path = folder / f"{words}-{times}.warc"
            with path.open("wb") as stream:
                for _ in range(times):
                    stream.write(packed)
            yield f"{words}, {times * plain / 1e6:,.0f} MB decompressed", path
            path.unlink()


def main() -> None:
    """Print captures, MB/s of CPU time and peak memory for small and large files, beside fastwarc."""
    if "--read" in sys.argv:
        start = time.process_time()
        count, size = READERS[sys.argv[2]](Path(sys.argv[3]))
        peak = _peak()
        sys.stdout.write(f"{count} {size} {time.process_time() - start} {peak}\n")
        return
    size = int(float(sys.argv[1]) * 1e9) if len(sys.argv) > 1 else 1_000_000_000
    with tempfile.TemporaryDirectory() as folder:
        for words, path in _files(Path(folder), size):
            seconds: dict[str, float] = {}
            for reader in READERS:
                count, payload, seconds[reader], peak = _measure(reader, path)
                sys.stdout.write(
                    f"{words}: {reader} {count:,} captures, {payload / seconds[reader] / 1e6:,.0f} MB/s "
                    f"of CPU time, peak {peak} MiB\n"
                )
            sys.stdout.write(
                f"{words}: qingyuan / fastwarc CPU {seconds['qingyuan'] / seconds['fastwarc']:.2f}\n"
            )


if __name__ == "__main__":
    main()
