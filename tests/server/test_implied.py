"""What the end of a shell command implies of the task."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetlore.server.hooks.implied import Ended, implied
from fleetlore.server.hooks.payload import payload_of

PASSED = [
    "pytest",
    "pytest -q tests/test_keys.py::test_rotate",
    "cd service && pytest -x",
    "cd service; pytest -x",
    "cd service\npytest",
    "source .venv/bin/activate && python -m pytest -n 4 2>&1",
    "PYTHONPATH=src; pytest",
    "PYTHONPATH=src .venv/bin/python3.12 -m unittest discover > out.txt 2>&1",
    "uv run pytest",
    "poetry run pytest && git commit -m 'Rotate the keys'",
    "coverage run -m pytest",
    "timeout 60 pytest",
    "env CI=1 tox -e py311",
    "nox -s tests",
    "npm test",
    "npm run test:unit -- --reporter dot",
    "pnpm -r test",
    "yarn test",
    "npx vitest run",
    "npx jest --ci",
    "go test ./...",
    "cargo test --workspace",
    "cargo nextest run",
    "make test",
    "make -j4 check VERBOSE=1",
    "mvn -q verify",
    "./mvnw test",
    "./gradlew :app:test",
    "ctest --output-on-failure -V",
    "bundle exec rspec",
    "vendor/bin/phpunit",
    "dotnet test",
    "python manage.py test",
    "pytest && npm test",
    'pytest -k "rotate and not slow"',
    "pytest tests/ \\\n  -q",
]
TELL_NOTHING = [
    "",
    "pytest | tail -5",
    "pytest || true",
    "pytest & echo started",
    "pytest; echo done",
    "pytest\ngit status",
    "pytest; npm test",
    "if true; then pytest; fi",
    "for f in a b; do pytest $f; done",
    "(pytest)",
    "echo $(pytest)",
    "echo `pytest`",
    "! pytest",
    "pytest <<EOF\nEOF",
    "pytest 'tests",
    "pytest --collect-only",
    "pytest --help",
    "pytest -V",
    "cargo test --no-run",
    "make -n test",
    "ctest -N",
    "npx jest --listTests",
    "npm run test --if-present",
    "./mvnw verify -DskipTests",
    "./gradlew build -x test",
    "pytest || > failed",
    "make ||\n pytest",
    "echo pytest",
    "which pytest",
    "cat pytest.ini",
    "pip install pytest",
    "git add tests && git commit -m 'Test it'",
    "make",
    "make test install",
    "npm run build",
    "go build ./...",
    "docker compose exec web pytest",
]
REVERTED = [
    "git revert HEAD",
    "git revert --no-edit abc1234",
    "git reset --hard",
    "git reset --hard HEAD~1",
    "git checkout -- server/app.py",
    "git checkout .",
    "git checkout HEAD -- server/app.py",
    "git restore server/app.py",
    "git restore --staged --worktree server/app.py",
    "cd service && git restore .",
    "git checkout -- keys.py && pytest",
]
STILL_THERE = [
    "git revert --abort",
    "git revert --no-commit HEAD",
    "git reset HEAD~1",
    "git reset --soft HEAD~1",
    "git reset --hard origin/main",
    "git checkout main",
    "git checkout -b rotate",
    "git restore --staged server/app.py",
    "git",
]
WORK = [
    "make",
    "npm run build",
    "cargo build",
    "terraform apply",
    "cd web && npx tsc --noEmit",
    "npm run build && npm test",
    "pytest && git commit",
]
LOOKING = [
    "grep -r needle .",
    "ls nowhere",
    "test -f key.pem",
    "git diff --exit-code",
    "diff a b",
    "command -v jq",
    "cat x",
]


@pytest.mark.parametrize("command", PASSED)
def test_tests_that_end_well_passed(command):
    assert implied(command, Ended(status=0)) == "tests-passed"


@pytest.mark.parametrize("command", [command for command in PASSED if "git commit" not in command])
def test_tests_that_end_badly_failed(command):
    assert implied(command, Ended(status=1)) == "tests-failed"


@pytest.mark.parametrize("command", [*TELL_NOTHING, *STILL_THERE, *WORK[:-2], *LOOKING])
def test_success_of_anything_else_implies_nothing(command):
    assert implied(command, Ended(status=0)) is None


@pytest.mark.parametrize("command", REVERTED)
def test_work_thrown_away_is_a_failure(command):
    assert implied(command, Ended(status=0)) == "reverted"


@pytest.mark.parametrize("command", WORK)
def test_work_that_fails_is_a_command_that_failed(command):
    assert implied(command, Ended(status=2)) == "command-failed"


@pytest.mark.parametrize("command", [*LOOKING, "pytest --help", "git status && pytest", "pytest | tail"])
def test_looking_that_finds_nothing_is_no_failure_nor_is_what_cannot_be_traced(command):
    assert implied(command, Ended(status=1)) is None


@pytest.mark.parametrize("status", [None, 124, 126, 127, 130, 137, 143])
@pytest.mark.parametrize("command", ["pytest", "npm test", "make"])
def test_what_was_interrupted_killed_or_not_there_implies_nothing(command, status):
    assert implied(command, Ended(status=status)) is None


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_pytest_that_could_not_run_its_tests_implies_nothing(status):
    assert implied("pytest", Ended(status=status)) is None


@pytest.mark.parametrize(
    ("command", "status", "output"),
    [
        ("npm test", 1, "Error: no test specified"),
        ("npm test", 1, 'npm error Missing script: "test"'),
        ("make test", 2, "make: *** No rule to make target 'test'.  Stop."),
        ("make test", 0, "make: Nothing to be done for 'test'."),
        ("npx jest", 1, "No tests found, exiting with code 1"),
        ("python -m pytest", 1, "/usr/bin/python: No module named pytest"),
        ("go test ./...", 0, "?   \tacme/keys\t[no test files]"),
    ],
)
def test_a_runner_that_had_nothing_to_run_implies_nothing(command, status, output):
    assert implied(command, Ended(status=status, output=output)) is None


def test_packages_without_tests_beside_others_that_have_some_are_no_matter():
    output = "?   \tacme/keys\t[no test files]\nok  \tacme/rotate\t0.01s"
    assert implied("go test ./...", Ended(status=0, output=output)) == "tests-passed"


PIECES = st.lists(st.sampled_from(["pytest", "tail", "A=1", "|", "||", "&&", ";", "\n", ">", "&", "cd", "git", "("]))


@given(st.text() | PIECES.map(" ".join), st.none() | st.integers(-1, 300), st.text())
def test_whatever_was_run_the_answer_is_one_of_four_or_none(command, status, output):
    kinds = (None, "tests-passed", "tests-failed", "command-failed", "reverted")
    assert implied(command, Ended(status=status, output=output)) in kinds


# What a runner says at its end, where the status is another command's

PYTEST = "FAILED tests/test_keys.py::test_rotate - assert 1 == 2\n{}"
JEST = (
    "Test Suites: {}, 3 total\nTests:       {}, 7 total\nSnapshots:   0 total\nTime:        1.2 s\nRan all test suites."
)
VITEST = " Test Files  {} (3)\n      Tests  {} (7)\n   Start at  01:02:03\n   Duration  1.20s"
CARGO = "running 3 tests\n\ntest result: {}; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n"
UNITTEST = "----------------------------------------------------------------------\nRan {} in 0.003s\n\n{}\n"
MAVEN = "[INFO] Tests run: 7, Failures: {}, Errors: {}, Skipped: 0\n[INFO] {}\n[INFO] Total time:  2.1 s"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("pytest -q 2>&1 | tail -20", "....\n4 passed in 0.12s"),
        (
            "cd service && python -m pytest |& tail -n 3",
            "===== 4 passed, 1 skipped, 2 warnings in 61.02s (0:01:01) =====",
        ),
        ("pytest --color=yes | cat", "\x1b[32m\x1b[32m\x1b[1m4 passed\x1b[0m\x1b[32m in 0.12s\x1b[0m\x1b[0m"),
        ("pytest -q | grep -E 'passed|failed'", "4 passed, 1 xfailed in 0.12s\r\n"),
        ("set -o pipefail; uv run pytest 2>&1 | tee log.txt | head -50", "4 passed in 0.12s"),
        ("pytest -q || true", "4 passed in 0.12s"),
        ('pytest -q; echo "exit: $?"', "4 passed in 0.12s\nexit: 0"),
        ("npm test 2>&1 | tail -20", JEST.format("3 passed", "1 skipped, 6 passed")),
        ("npx vitest run | tail", VITEST.format("3 passed", "1 skipped | 6 passed")),
        ("cargo test 2>&1 | tail -5", CARGO.format("ok. 3 passed; 0 failed")),
        (
            "go test ./... | tail -3",
            "ok  \tacme/keys\t0.01s\n?   \tacme/web\t[no test files]\nok  \tacme/rotate\t(cached)",
        ),
        ("python -m unittest 2>&1 | tail -4", UNITTEST.format("3 tests", "OK (skipped=1)")),
        ("python manage.py test | tail -4", UNITTEST.format("1 test", "OK")),
        ("mvn test | tail -30", MAVEN.format(0, 0, "BUILD SUCCESS")),
        ("./gradlew test | tail", "BUILD SUCCESSFUL in 2s\n3 actionable tasks: 1 executed"),
    ],
)
def test_tests_passed_by_what_they_say_at_their_end(command, output):
    assert implied(command, Ended(status=0, output=output)) == "tests-passed"
    assert implied(command, Ended(status=1, output=output)) is None  # what else failed is not known


@pytest.mark.parametrize("status", [0, 1])
@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("pytest -q 2>&1 | tail -20", PYTEST.format("1 failed, 4 passed in 0.12s")),
        ("pytest | head -50", PYTEST.format("==== 1 failed, 1 error in 0.12s ====")),
        ("pytest | tail -1", "2 subtests failed, 1 passed in 0.12s"),
        ("npm test | head", JEST.format("1 failed, 2 passed", "7 passed")),
        ("npx jest 2>&1 | grep Tests:", "Tests:       1 failed, 6 passed, 7 total"),
        ("npx vitest run | tail", VITEST.format("1 failed | 2 passed", "1 failed | 6 passed")),
        ("cargo test | head -40", CARGO.format("ok. 3 passed; 0 failed") + CARGO.format("FAILED. 2 passed; 1 failed")),
        ("go test ./... | grep -v 'no test files'", "FAIL\tacme/keys\t0.01s\nok  \tacme/rotate\t0.01s\nFAIL"),
        ("python -m unittest 2>&1 | tail -1", "FAILED (failures=1, errors=2)"),
        ("mvn test | tail -30", MAVEN.format(1, 0, "BUILD FAILURE")),
        ("./gradlew test | tail", "> There were failing tests. See the report\nBUILD FAILED in 2s"),
    ],
)
def test_tests_failed_by_what_they_say_at_their_end(command, status, output):
    assert implied(command, Ended(status=status, output=output)) == "tests-failed"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("pytest -q | tail -1", "1 error in 0.12s"),
        ("pytest -q | tail -1", "4 skipped in 0.12s"),
        ("pytest -q | tail -1", "no tests ran in 0.01s"),
        ("pytest -q | tail -1", "the build: 4 passed in 0.12s, it seems"),
        ("pytest -q | tail -1", "4 passed"),
        ("pytest -q | tail -1; pytest -q web | tail -1", "4 passed in 0.12s\n1 failed in 0.12s"),
        ("cat old.txt; pytest -q | tail -1", "4 passed in 0.12s"),
        ("cat old.txt | tail -1", "4 passed in 0.12s"),
        ("pytest -q | tail -1 && git commit -m 'Rotate'", "4 passed in 0.12s"),
        ("pytest -q | sed s/failed/passed/", "4 passed in 0.12s"),
        ("pytest -q | tail -1 &", "4 passed in 0.12s"),
        ("pytest -q | xargs pytest", "4 passed in 0.12s"),
        ("pytest -q |", "4 passed in 0.12s"),
        ("OLD=1 | tail -1", "4 passed in 0.12s"),
        ("| pytest -q && || tail -1", "1 failed"),
        ("tox | tail", "4 passed in 0.12s"),
        ("npx jest | tail -3", "Tests:       7 passed, 7 total"),
        ("npx vitest run | tail", VITEST.format("3 passed", "7 passed") + "\n     Errors  1 error"),
        ("cargo test | head -40", CARGO.format("ok. 3 passed; 0 failed")),
        ("cargo test --no-fail-fast | tail -4", CARGO.format("ok. 3 passed; 0 failed")),
        ("cargo test | tail -4", CARGO.format("ok. 0 passed; 0 failed")),
        ("cargo test 2>&1 | tail", CARGO.format("ok. 3 passed; 0 failed") + "error: could not compile `keys`"),
        ("go test ./... | head", "ok  \tacme/keys\t0.01s"),
        ("python -m unittest 2>&1 | tail -1", "OK"),
        ("python -m unittest 2>&1 | tail -4", UNITTEST.format("2 tests", "OK (skipped=2)")),
        ("mvn test | tail", "[INFO] BUILD SUCCESS"),
        ("mvn test | tail", "[ERROR] COMPILATION ERROR :\n[INFO] BUILD FAILURE"),
        ("./gradlew test | tail", "> Task :test NO-SOURCE\nBUILD SUCCESSFUL in 2s"),
        ("./gradlew test | tail", "> Compilation failed\nBUILD FAILED in 2s"),
    ],
)
def test_an_end_that_can_be_mistaken_implies_nothing(command, output):
    assert implied(command, Ended(status=0, output=output)) is None


def test_of_packages_whose_last_lines_may_be_missing_nothing_is_implied_unless_one_failed():
    for output, seen in (("ok  \tacme/keys\t0.01s", None), ("FAIL\tacme/keys\t0.01s", "tests-failed")):
        assert implied("go test ./... | cat", Ended(status=0, output=output, whole=False)) == seen


# What an assistant says of the end

RESPONSE = {"stdout": "1 passed", "stderr": "", "interrupted": False, "isImage": False}


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        ({"tool_response": RESPONSE}, Ended(status=0, output="1 passed\n")),
        ({"tool_response": {**RESPONSE, "exit_code": 3}}, Ended(status=3, output="1 passed\n")),
        (
            {"tool_response": {**RESPONSE, "persistedOutputPath": "/tmp/out"}},
            Ended(status=0, output="1 passed\n", whole=False),
        ),
        (
            {"tool_response": {**RESPONSE, "stdout": "... [8 lines truncated] ..."}},
            Ended(status=0, output="... [8 lines truncated] ...\n", whole=False),
        ),
        ({"tool_response": {**RESPONSE, "interrupted": True}}, Ended(status=None)),
        ({"tool_response": {**RESPONSE, "backgroundTaskId": "b1"}}, Ended(status=None)),
        ({"tool_response": {**RESPONSE, "returnCodeInterpretation": "No matches found"}}, Ended(status=None)),
        ({"tool_response": "1 passed"}, Ended(status=None)),
        ({"tool_response": {"output": "1 passed"}}, Ended(status=None)),
        ({}, Ended(status=None)),
        (
            {"hook_event_name": "PostToolUseFailure", "error": "Exit code 1\nboom"},
            Ended(status=1, output="Exit code 1\nboom"),
        ),
        (
            {"hook_event_name": "PostToolUseFailure", "error": "Command exited with non-zero status code 2"},
            Ended(status=2, output="Command exited with non-zero status code 2"),
        ),
        ({"hook_event_name": "PostToolUseFailure", "error": "Exit code 1", "is_interrupt": True}, Ended(status=None)),
        ({"hook_event_name": "PostToolUseFailure", "error": "Permission denied"}, Ended(status=None)),
        ({"hook_event_name": "PostToolUseFailure", "error": 7}, Ended(status=None)),
    ],
)
def test_the_end_of_a_command_is_taken_from_what_the_assistant_says(said, ended):
    assert payload_of(json.dumps(said).encode()).ended == ended


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ({"tool_name": "Bash", "tool_input": {"command": "make"}}, "make"),
        ({"tool_name": "Write", "tool_input": {"command": "make"}}, ""),
        ({"tool_name": "Bash", "tool_input": "make"}, ""),
        ({"tool_name": ["Bash"], "tool_input": {"command": 1}}, ""),
    ],
)
def test_only_what_a_shell_ran_is_a_command(said, command):
    assert payload_of(json.dumps(said).encode()).command == command
