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


@given(st.text(), st.none() | st.integers(-1, 300), st.text())
def test_whatever_was_run_the_answer_is_one_of_four_or_none(command, status, output):
    kinds = (None, "tests-passed", "tests-failed", "command-failed", "reverted")
    assert implied(command, Ended(status=status, output=output)) in kinds


# What an assistant says of the end

RESPONSE = {"stdout": "1 passed", "stderr": "", "interrupted": False, "isImage": False}


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        ({"tool_response": RESPONSE}, Ended(status=0, output="1 passed\n")),
        ({"tool_response": {**RESPONSE, "exit_code": 3}}, Ended(status=3, output="1 passed\n")),
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
