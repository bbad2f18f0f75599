"""What test runners say at their end, for when the exit status is that of another command. Pure.

Only lines that cannot be mistaken are read. Whoever sums up a package at a time and not the whole (`cargo`, `go`) is
believed to have passed only where its last lines are all there.
"""

import re
from collections.abc import Callable, Mapping

_READ = 100_000  # characters from the end
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_COUNT = r"\d+ (?:subtests? )?(?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun)"
_PYTEST = re.compile(rf"^=* ?({_COUNT}(?:, {_COUNT})*) in \d+(?:\.\d+)?s(?: \([\d:]+\))? ?=*$", re.MULTILINE)
_JEST = re.compile(
    r"^[ \t]*(?P<of>Test Suites:|Tests:|Test Files|Tests)[ \t]+(?P<counts>\d+ [a-z]+(?:(?:,| \|) \d+ [a-z]+)*)"
    r"(?:, \d+ total| \(\d+\))?$",
    re.MULTILINE,
)
_OF_FILES = frozenset(("Test Suites:", "Test Files"))
_JEST_FAULT = re.compile(r"^[ \t]*Errors[ \t]+\d+ error", re.MULTILINE)
_CARGO = re.compile(r"^test result: (?P<verdict>ok|FAILED)\. (?P<passed>\d+) passed;", re.MULTILINE)
_CARGO_FAULT = re.compile(r"^error(?:\[\w+\])?:", re.MULTILINE)
_GO = re.compile(r"^(?P<verdict>ok  |FAIL)(?:\t|$)", re.MULTILINE)
_UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in [\d.]+s$", re.MULTILINE)
_UNITTEST = re.compile(r"^(?P<verdict>OK|FAILED)(?: \((?P<counts>[a-z ]+=\d+(?:, [a-z ]+=\d+)*)\))?$", re.MULTILINE)
_MAVEN = re.compile(r"^\[(?:INFO|ERROR)\] BUILD (SUCCESS|FAILURE)$", re.MULTILINE)
_MAVEN_TESTS = re.compile(r"Tests run: ([1-9]\d*), Failures: (\d+), Errors: (\d+)")
_GRADLE = re.compile(r"^BUILD (SUCCESSFUL|FAILED) in \d", re.MULTILINE)


def tests_passed(runner: str, output: str, *, to_the_end: bool) -> bool | None:
    """Whether the tests of a runner passed by what it said; None where that is not sure.

    `to_the_end` says that nothing behind what is left of the output can have been cut away.
    """
    read = _READERS.get(runner)
    return read(_COLOUR.sub("", output[-_READ:]).replace("\r\n", "\n"), to_the_end) if read else None


def _pytest(text: str, _to_the_end: bool) -> bool | None:
    summaries = _PYTEST.findall(text)
    if not summaries:
        return None
    words = {count.split()[-1] for count in summaries[-1].split(", ")}
    if "failed" in words:
        return False
    return True if "passed" in words and words.isdisjoint(("error", "errors")) else None


def _jest(text: str, _to_the_end: bool) -> bool | None:
    """Also vitest. A file whose tests could not be loaded is told among the files alone."""
    said = [(found["of"], found["counts"]) for found in _JEST.finditer(text)]
    if any(re.search(r"\bfailed\b", counts) for _, counts in said):
        return False
    files, tests = ([counts for of, counts in said if (of in _OF_FILES) == wanted] for wanted in (True, False))
    passed = bool(files) and any(re.search(r"\bpassed\b", counts) for counts in tests)
    return True if passed and not _JEST_FAULT.search(text) else None


def _cargo(text: str, to_the_end: bool) -> bool | None:
    results = list(_CARGO.finditer(text))
    if any(found["verdict"] == "FAILED" for found in results):
        return False
    passed = any(int(found["passed"]) for found in results)
    return True if passed and to_the_end and not _CARGO_FAULT.search(text) else None


def _go(text: str, to_the_end: bool) -> bool | None:
    verdicts = {found["verdict"] for found in _GO.finditer(text)}
    if "FAIL" in verdicts:
        return False
    return True if verdicts and to_the_end else None


def _unittest(text: str, _to_the_end: bool) -> bool | None:
    verdicts = list(_UNITTEST.finditer(text))
    if not verdicts:
        return None
    if verdicts[-1]["verdict"] == "FAILED":
        return False if verdicts[-1]["counts"] else None
    ran = [int(number) for number in _UNITTEST_RAN.findall(text, 0, verdicts[-1].start())]
    skipped = re.search(r"skipped=(\d+)", verdicts[-1]["counts"] or "")
    return True if ran and ran[-1] > (int(skipped[1]) if skipped else 0) else None


def _maven(text: str, _to_the_end: bool) -> bool | None:
    verdicts = _MAVEN.findall(text)
    tests = [(int(failures), int(errors)) for _, failures, errors in _MAVEN_TESTS.findall(text)]
    if verdicts[-1:] == ["SUCCESS"] and tests:
        return True if tests[-1] == (0, 0) else None
    return False if verdicts[-1:] == ["FAILURE"] and any(sum(counts) for counts in tests) else None


def _gradle(text: str, _to_the_end: bool) -> bool | None:
    verdicts = _GRADLE.findall(text)
    if verdicts[-1:] == ["SUCCESSFUL"]:
        return None if "NO-SOURCE" in text else True
    return False if verdicts[-1:] == ["FAILED"] and "There were failing tests" in text else None


_READERS: Mapping[str, Callable[[str, bool], bool | None]] = {
    **dict.fromkeys(("pytest", "py.test"), _pytest),
    **dict.fromkeys(("jest", "vitest", "npm", "pnpm", "yarn", "bun"), _jest),
    **dict.fromkeys(("unittest", "python", "python3"), _unittest),
    "cargo": _cargo,
    "go": _go,
    "mvn": _maven,
    "gradle": _gradle,
}
