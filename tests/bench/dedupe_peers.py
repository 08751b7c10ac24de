"""Near-duplicates as other programs find them; run by the interpreter of the program's own environment.

`python dedupe_peers.py NAME CORPUS.jsonl` prints a line of JSON: the cluster of each document, and the CPU
seconds from reading the texts to the clusters, without imports. Each program signs and buckets with its own
code, in the settings its documents give for Chinese or as its default:

datatrove          FineWeb-2: word 5-grams by its Chinese tokeniser, 14 buckets of 8 hashes
text-dedup         default: word 5-grams split at non-word characters, 250 permutations, threshold .7
text-dedup-spaced  the same with a space behind every character, so that a character is a word
data-juicer        `character` tokens, windows of 5, 256 permutations, threshold .7
"""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any


def cpu() -> float:
    """CPU seconds of this process and its children so far."""
    return sum(os.times()[:4])


class Clusters:
    """Documents joined by shared buckets, each by its smallest member."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def root(self, one: int) -> int:
        """The smallest member."""
        while self.parent[one] != one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def join(self, members: Iterable[int]) -> None:
        """Make these one cluster."""
        roots = sorted({self.root(one) for one in members})
        for one in roots[1:]:
            self.parent[one] = roots[0]

    def join_buckets(self, signatures: Iterable[Sequence[bytes]]) -> None:
        """Join documents that share a hash of a band."""
        tables: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for number, bands in enumerate(signatures):
            for band, value in enumerate(bands):
                tables[band, bytes(value)].append(number)
        for members in tables.values():
            self.join(members)


def datatrove(texts: list[str]) -> Callable[[], Clusters]:
    """The four steps of datatrove's MinHash, without its executor."""
    minhash = import_module("datatrove.pipeline.dedup.minhash")
    document = import_module("datatrove.data").Document
    language = import_module("datatrove.utils.typeshelper").Languages.mandarin_chinese

    def work() -> Clusters:
        config = minhash.MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
        clusters = Clusters(len(texts))
        with tempfile.TemporaryDirectory() as folder:
            signatures, buckets = f"{folder}/signatures", f"{folder}/buckets"
            documents = (document(text=text, id=str(number)) for number, text in enumerate(texts))
            minhash.MinhashDedupSignature(signatures, config=config, language=language).run(documents, 0, 1)
            for bucket in range(config.num_buckets):
                step = minhash.MinhashDedupBuckets(signatures, buckets, config=config)
                step.run(None, bucket, config.num_buckets)
            for file in Path(buckets).rglob("*.dups"):
                for _, one, _, other in struct.iter_unpack("<4I", file.read_bytes()):
                    clusters.join((one, other))
        return clusters

    return work


def text_dedup(texts: list[str]) -> Callable[[], Clusters]:
    """The function of text-dedup that signs a text, and the buckets of its `main`."""
    sys.argv = sys.argv[:1]
    np = import_module("numpy")
    module = import_module("text_dedup.minhash")

    def work() -> Clusters:
        bands, rows = module.optimal_param(0.7, 250, false_positive_weight=0.5, false_negative_weight=0.5)
        prime = np.uint64((1 << 61) - 1)
        permutations = (
            module.RNG.randint(1, prime, size=(250,), dtype=np.uint64),
            module.RNG.randint(0, prime, size=(250,), dtype=np.uint64),
        )
        clusters = Clusters(len(texts))
        signatures = [
            module.embed_func(
                text,
                number,
                num_perm=250,
                ngram_size=5,
                min_length=5,
                hashranges=[(band * rows, (band + 1) * rows) for band in range(bands)],
                permutations=permutations,
                hash_func=lambda data: module.sha1_hash(data, d=32),
                dtype=np.uint64,
                max_hash=np.uint32((1 << 32) - 1),
                modulo_prime=prime,
            )[module.SIGNATURE_COLUMN]
            # It drops shorter texts before it signs.
            if len(module.NON_ALPHA.split(text.lower())) >= 5
            else ()
            for number, text in enumerate(texts)
        ]
        clusters.join_buckets(signatures)
        return clusters

    return work


def data_juicer(texts: list[str]) -> Callable[[], Clusters]:
    """The operator of data-juicer signs; documents that share a band are one cluster, as it does it."""
    module = import_module("data_juicer.ops.deduplicator.document_minhash_deduplicator")
    key = import_module("data_juicer.utils.constant").HashKeys.minhash
    operator = module.DocumentMinhashDeduplicator(tokenization="character")

    def work() -> Clusters:
        clusters = Clusters(len(texts))
        clusters.join_buckets([operator.compute_hash({"text": text})[key] for text in texts])
        return clusters

    return work


def main() -> None:
    """See above."""
    name, file = sys.argv[1:3]
    rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows]
    if name == "text-dedup-spaced":
        texts = [" ".join(text) for text in texts]
    programs: dict[str, Callable[[list[str]], Callable[[], Clusters]]] = {
        "datatrove": datatrove,
        "text-dedup": text_dedup,
        "text-dedup-spaced": text_dedup,
        "data-juicer": data_juicer,
    }
    work = programs[name](texts)
    before, started = cpu(), perf_counter()
    clusters = work()
    result: dict[str, Any] = {
        "clusters": [clusters.root(number) for number in range(len(texts))],
        "cpu_seconds": cpu() - before,
        "seconds": perf_counter() - started,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
