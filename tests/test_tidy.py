"""House rules that no linter knows: sizes, module openings, names, locks, promises in prose.

Each rule is a plain function from text to complaints, and each is shown to complain once.
"""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
# What is longer, with its length: it may shrink, not grow, and leaves the list once it is short.
LONGER = {
    "src/tocsin/edge/stream.py": 434,
    "tests/access/test_matrix.py": 432,
    "tests/apps/test_api.py": 419,
    "tests/record/test_handle.py": 449,
    "src/tocsin/sim/demo.py:run": 61,
    "tests/record/random_history.py:_any": 65,
}
FORBIDDEN_MODULE_WORDS = {
    "manager",
    "handler",
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "base",
}
UNKEPT = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|coming soon", re.IGNORECASE)
CLOCK_OR_DICE = re.compile(r"\b(datetime\.now|utcnow|today|uuid4|uuid1|urandom)\b")
REGISTRY_HOSTS = re.compile(
    r"(pypi|pythonhosted|npmjs|npmmirror|yarnpkg|unpkg|jsdelivr)\.(org|com|net)"
)


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def lengths(name: str, text: str) -> dict[str, int]:
    """Lines of a module and of its functions that are over their limit, by name."""
    functions = {
        f"{name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    found = {one: lines for one, lines in functions.items() if lines > FUNCTION_LINES_MAX}
    if len(text.splitlines()) > MODULE_LINES_MAX:
        found[name] = len(text.splitlines())
    return found


def module_complaints(name: str, text: str) -> list[str]:
    tree = ast.parse(text)
    complaints = []
    if not ast.get_docstring(tree):
        complaints.append("opens without a docstring that says what it is for")
    if FORBIDDEN_MODULE_WORDS & set(Path(name).stem.split("_")):
        complaints.append("has a name that says nothing about its subject")
    complaints.extend(
        f"{one} has {lines} lines: make the subject a folder, or two functions of it"
        for one, lines in lengths(name, text).items()
        if lines > LONGER.get(one, 0)
    )
    return complaints


def unkept_promises(text: str) -> list[str]:
    return [match.group(0) for match in UNKEPT.finditer(text)]


def lock_complaints(text: str) -> list[str]:
    complaints = []
    if "://" in text or "--index-url" in text or "--extra-index-url" in text:
        complaints.append("names an address")
    for block in re.split(r"\n(?=[a-z0-9])", text):
        head = block.strip().splitlines()[0] if block.strip() else ""
        if head and not head.startswith("#") and "--hash=sha256:" not in block:
            complaints.append(f"{head} has no hash")
    return complaints


def npm_lock_complaints(text: str) -> list[str]:
    lock = json.loads(text)
    complaints = []
    for name, package in lock.get("packages", {}).items():
        if "resolved" in package:
            complaints.append(f"{name} has a download address")
        if name and not package.get("link") and "integrity" not in package:
            complaints.append(f"{name} has no integrity hash")
    return complaints


PYTHON = tracked("src/**/*.py", "tests/**/*.py", "bench/**/*.py", "web/*.py")
PROSE_AND_CODE = tracked(
    "src", "tests", "bench", "web", "docs", "deploy", "verify", "*.md", "*.toml", "Makefile", ".ci"
)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_tidy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if not text.strip() and path.name == "__init__.py":
        return
    if "migrations" in path.parts:
        return
    assert module_complaints(str(path.relative_to(ROOT)), text) == []


def test_what_may_be_longer_is_still_long() -> None:
    found: dict[str, int] = {}
    for path in PYTHON:
        found |= lengths(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    assert LONGER.keys() - found.keys() == set()


def test_the_module_rules_complain() -> None:
    long_function = '"""x"""\ndef f():\n' + "    x = 1\n" * FUNCTION_LINES_MAX
    assert module_complaints("ok.py", "x = 1")
    assert module_complaints("queue_manager.py", '"""x"""')
    assert module_complaints("ok.py", long_function)
    assert module_complaints("ok.py", '"""x"""\n' + "x = 1\n" * MODULE_LINES_MAX)
    assert module_complaints("ok.py", '"""x"""\n') == []
    name, lines = next(iter(LONGER.items()))
    assert module_complaints(name, '"""x"""\n' + "x = 1\n" * (lines - 1)) == []
    assert module_complaints(name, '"""x"""\n' + "x = 1\n" * lines)


def test_nothing_promises_work_not_done() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in PROSE_AND_CODE
        if path.name != "test_tidy.py" and path.suffix not in {".mo", ".png", ".lock", ".pbf"}
        for word in unkept_promises(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
    assert unkept_promises("# " + "TO" + "DO later")


def clock_or_dice(text: str) -> list[str]:
    return [match.group(0) for match in CLOCK_OR_DICE.finditer(text)]


def test_the_pure_packages_ask_neither_clock_nor_dice() -> None:
    """`datetime` and `uuid` may be imported there for their types, so no import rule sees this."""
    pure = tracked("src/tocsin/core/**/*.py", "src/tocsin/wire/**/*.py")
    assert pure
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in pure
        for word in clock_or_dice(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    for call in ("datetime.now(UTC)", "datetime.utcnow()", "date.today()", "uuid4()", "uuid.uuid1"):
        assert clock_or_dice(f"at = {call}")
    assert clock_or_dice("salt = os.urandom(16)")
    assert clock_or_dice("def judge(now: datetime) -> UUID: ...") == []


def test_python_lock_is_pinned_and_names_no_address() -> None:
    for name in ("requirements.lock", "requirements-setup.lock"):
        assert lock_complaints((ROOT / name).read_text(encoding="utf-8")) == []
    assert lock_complaints("six==1.16.0\n")
    assert not (ROOT / "uv.lock").exists()


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    locked = set(
        re.findall(r"^([a-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    names = {re.split(r"[\[<>=; ]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names - locked == set()


def test_npm_locks_are_pinned_and_name_no_address() -> None:
    locks = tracked("**/package-lock.json")
    assert locks
    for path in locks:
        assert npm_lock_complaints(path.read_text(encoding="utf-8")) == []
    assert npm_lock_complaints('{"packages": {"a": {"resolved": "x"}}}')


def test_no_file_names_a_registry() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in PROSE_AND_CODE
        if path.name != "test_tidy.py"
        and REGISTRY_HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_decision_records_have_their_four_parts() -> None:
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert records
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    for record in records:
        text = record.read_text(encoding="utf-8")
        for part in ("## Context", "## Decision", "## Consequences", "## Alternatives"):
            assert part in text, f"{record.name} lacks {part}"
        assert record.name in index, f"{record.name} is not in the index"


def test_architecture_page_names_every_package() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = {
        f"{path.parent.parent.name}/{path.parent.name}"
        for path in (ROOT / "src/tocsin").glob("*/__init__.py")
    }
    missing = {name for name in packages if f"`{name.removeprefix('tocsin/')}`" not in page}
    assert missing == set()


def test_readme_commands_exist_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md"):
        used = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8")))
        assert used
        assert used <= targets


def commands_of(page: str) -> list[str]:
    return re.findall(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_both_readmes_name_the_same_commands() -> None:
    english, chinese = (
        commands_of((ROOT / name).read_text(encoding="utf-8"))
        for name in ("README.md", "README.zh-CN.md")
    )
    assert len(english) >= 4
    assert chinese == english
    assert commands_of("text\n```\nmake demo\n```\n") == ["make demo\n"]
