"""What redaction finds and what it leaves, what it costs, and whether a secret is anywhere in a memory afterwards."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from command_line import parser, run_async
from connection import Transport
from leftovers import whole_memory
from lookalikes import lookalikes
from planted import Planted, planted
from report import print_table, write_json

from fleetlore.storage.redaction import Redacted, redact

EPILOG = """\
examples:
  python benchmarks/redaction.py                          the corpus of seed 11; seeds 1 to 5 were looked at
  python benchmarks/redaction.py --each 5 --sample 0      a short look, without servers
  python benchmarks/redaction.py --material cases.jsonl   also other people's test cases

Each line of --material is {"text": …, "secret": the part that must go, or "" where nothing may}.
Recall: the share of texts with a secret of which nothing is left. Precision: of all that was taken out, the share that
was a secret.
"""
PATTERNS = ("a", "=", '"', "' ", "password=", "://a:", "token ", "Bearer ", "_key", "-----BEGIN PRIVATE KEY-----")
_PART = 12
_LONG = 200_000


@dataclass(kw_only=True, slots=True)
class Counts:
    """What became of the texts of one kind; `seconds` of this thread's CPU."""

    texts: int = 0
    found: int = 0
    right: int = 0
    wrong: int = 0
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)

    def row(self, kind: str) -> list[str]:
        recall = f"{self.found / self.texts:.3f}" if self.texts else "-"
        taken = self.right + self.wrong
        precision = f"{self.right / taken:.4f}" if taken else "-"
        return [kind, str(self.texts), recall, precision, f"{1000 * self.seconds / max(self.texts, 1):.2f}"]


def is_gone(secret: str, text: str) -> bool:
    """Whether no part of the secret of more than a few characters is left."""
    if len(secret) <= _PART:
        return secret not in text
    return not any(secret[at : at + _PART] in text for at in range(len(secret) - _PART + 1))


def judge(counts: Counts, text: str, secret: str) -> None:
    """Redacts a text, and counts whether that was right; `secret` is empty where nothing may go."""
    began = time.thread_time()
    redacted: Redacted = redact(text)
    counts.seconds += time.thread_time() - began
    right = sum(1 for taken in redacted.secrets if secret and (taken in secret or secret in taken))
    counts.texts += 1
    counts.right += right
    counts.wrong += len(redacted.secrets) - right
    found = bool(secret) and right > 0 and is_gone(secret, redacted.text)
    counts.found += found
    if found != bool(secret) or len(redacted.secrets) > right:
        counts.failed.append(text)


def measured(cases: Iterable[tuple[str, str, str]]) -> dict[str, Counts]:
    """The counts of each kind; a case is its kind, text and secret."""
    found: dict[str, Counts] = {}
    for kind, text, secret in cases:
        judge(found.setdefault(kind, Counts()), text, secret)
    return found


def summed(counts: Iterable[Counts]) -> Counts:
    total = Counts()
    for one in counts:
        for name in ("texts", "found", "right", "wrong", "seconds"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


def material(path: Path) -> Iterator[tuple[str, str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            yield "with a secret" if case["secret"] else "without", case["text"], case["secret"]


def table(title: str, counts: dict[str, Counts]) -> None:
    header = ["kind", "texts", "recall", "precision", "ms a text"]
    print_table(title, header, [one.row(kind) for kind, one in sorted(counts.items())])


def result(with_secret: Counts, without: Counts) -> dict[str, float]:
    taken = with_secret.right + with_secret.wrong + without.wrong
    return {
        "positives": with_secret.texts,
        "negatives": without.texts,
        "recall": round(with_secret.found / max(with_secret.texts, 1), 4),
        "precision": round(with_secret.right / max(taken, 1), 4),
        "wrongly_taken": with_secret.wrong + without.wrong,
        "ms_with_secret": round(1000 * with_secret.seconds / max(with_secret.texts, 1), 3),
        "ms_without": round(1000 * without.seconds / max(without.texts, 1), 3),
    }


def long_texts() -> dict[str, float]:
    """Seconds of CPU for texts of 200,000 characters: an ordinary log, and patterns that are to take long."""
    lines = (f"2026-03-14T09:26:53Z INFO worker[{n}] handled /v1/items/{n} in {n % 900}ms\n" for n in range(3_300))
    texts = {"a log": "".join(lines)[:_LONG]} | {repr(one): (one * _LONG)[:_LONG] for one in PATTERNS}
    return {name: round(_seconds(text), 3) for name, text in texts.items()}


def _seconds(text: str) -> float:
    began = time.thread_time()
    redact(text)
    return time.thread_time() - began


async def main(options: argparse.Namespace) -> None:
    began = time.monotonic()
    draw = random.Random(options.seed)
    texts = list(planted(draw, options.each))
    redact("the rules are loaded before anything is measured")
    kinds = measured((one.kind, one.text, one.secret) for one in texts)
    table("texts with a secret", kinds)
    harmless = measured((one.kind, one.text, "") for one in lookalikes(draw, options.lookalikes))
    taken = Counter({kind: one.wrong for kind, one in harmless.items() if one.wrong})
    results: dict[str, object] = {"kinds": len(kinds), **result(summed(kinds.values()), summed(harmless.values()))}
    results["wrongly_taken_of"] = dict(taken)
    if options.material:
        others = measured(material(options.material))
        results["material"] = result(others.get("with a secret", Counts()), others.get("without", Counts()))
        if options.failed:
            print("\n".join(repr(text) for one in others.values() for text in one.failed))
    if options.failed:
        print("\n".join(repr(text[:300]) for one in (*kinds.values(), *harmless.values()) for text in one.failed))
    results["seconds_for_200000_characters"] = long_texts()
    sample = draw.sample(texts, min(options.sample, len(texts)))
    if sample:
        results["memory"] = await searched(sample)
    print(json.dumps(results, indent=1))
    settings = {name: getattr(options, name) for name in ("seed", "each", "lookalikes", "sample")}
    write_json(
        options.json, benchmark="redaction", settings=settings, results=results, seconds=time.monotonic() - began
    )


async def searched(sample: Sequence[Planted]) -> dict[str, object]:
    """Sends a sample through real servers and commands, and looks for every secret in all that is left behind."""
    found: dict[str, object] = {"sample": len(sample)}
    for transport in (Transport.HTTP, Transport.STDIO):
        with TemporaryDirectory() as folder:
            left, redacted = await whole_memory(transport, Path(folder), sample)
        leaked = [one.kind for one in sample if not is_gone(one.secret, left)]
        found[transport.value] = {"redacted": redacted, "characters_searched": len(left), "found_again": leaked}
    return found


if __name__ == "__main__":
    arguments = parser(__doc__ or "", EPILOG)
    arguments.add_argument("--seed", type=int, default=11, help="of the corpus (default: %(default)s)")
    arguments.add_argument("--each", type=int, default=20, help="texts of each kind (default: %(default)s)")
    arguments.add_argument("--lookalikes", type=int, default=10_000, help="texts without (default: %(default)s)")
    arguments.add_argument("--sample", type=int, default=130, help="texts sent to servers (default: %(default)s)")
    arguments.add_argument("--material", type=Path, metavar="FILE", help="other people's test cases")
    arguments.add_argument("--failed", action="store_true", help="print the texts that were judged wrongly")
    run_async(main, arguments.parse_args())
