"""`tocsin block` as a user meets it: a rule is tried, put in force, made longer, listed, ended;
what needs another person is not approved by its author, whatever the environment says."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from tocsin.record.database import Urls
from tocsin.site.command import main, schema

Block = Callable[..., tuple[int, str, str]]
CRITERIA = {
    "district": "huangpu",
    "protocol": "*",
    "network": "198.51.100.7",
    "account": "*",
    "code": "*",
    "zone": "*",
    "why": "Gateway sends without end",
    "minutes": "60",
}


@pytest.fixture
def block(
    urls: Urls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Block:
    """Runs `tocsin block` on this module's database; exit code, output, complaints."""
    # The database is one that was brought up to date already.
    monkeypatch.setattr(schema, "bring_up_to_date", lambda *_: None)
    monkeypatch.setenv("TOCSIN_DATABASE_URL", urls.application)

    def run(*words: str, LC_ALL: str = "C.UTF-8") -> tuple[int, str, str]:  # noqa: N803
        monkeypatch.setenv("LC_ALL", LC_ALL)
        code = main(["block", *words, "--data", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def options(**fields: str) -> list[str]:
    return [word for name, value in (CRITERIA | fields).items() for word in (f"--{name}", value)]


def rule_of(out: str) -> str:
    return out.rsplit(maxsplit=1)[-1]


def test_a_rule_is_tried_put_in_force_made_longer_listed_and_ended(block: Block) -> None:
    code, out, err = block("dry-run", *options())
    assert (code, err) == (0, "")
    assert "it would have muted 0 signals of 0 of 0 active sources" in out
    assert "tocsin block add" in out
    rule = rule_of(out)
    assert "tried, not in force" in block("list")[1]
    code, out, _ = block("add", rule)
    assert code == 0
    assert "in force" in out
    assert "network=198.51.100.7/32" in out
    assert pwd.getpwuid(os.getuid()).pw_name in out
    code, out, _ = block("list", LC_ALL="zh_CN.UTF-8")
    assert (code, "生效中" in out, "已屏蔽信号 0 条" in out) == (0, True, True)
    assert block("extend", rule, "--minutes", "120")[0] == 0
    code, out, _ = block("end", rule)
    assert (code, "ended by hand" in out) == (0, True)
    assert rule not in block("list")[1]
    assert rule in block("list", "--all")[1]
    assert block("add", rule)[0] == 2


def test_its_author_is_no_second_person_whatever_the_environment_says(
    block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"network": "*", "account": "C0DE", "protocol": "dc09"}
    code, out, _ = block("dry-run", *options(**fields), "--grave")
    assert code == 0
    assert "tocsin block approve" in out
    rule = rule_of(out)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    for act in ("add", "approve"):
        code, _, err = block(act, rule)
        assert code == 2
        assert "Another person than its author" in err
    assert "须由起草人以外的另一人批准" in block("approve", rule, LC_ALL="zh_CN.UTF-8")[2]
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(["li", *[""] * 6]))
    assert block("approve", rule)[0] == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"network": "0.0.0.0/0"}, "too wide"),
        ({"network": "*"}, "none mutes everything"),
        ({"minutes": "1500"}, "at most 24 h"),
        ({"minutes": "0"}, "--minutes"),
        ({"account": "1*"}, "account is not valid"),
    ],
)
def test_what_no_rule_may_say(block: Block, fields: dict[str, str], said: str) -> None:
    code, _, err = block("dry-run", *options(**fields))
    assert code == 2
    assert said in err


def test_every_criterion_is_said(block: Block) -> None:
    for missing in ("network", "account", "code", "zone", "protocol", "district"):
        at = options().index(f"--{missing}")
        words = options()[:at] + options()[at + 2 :]
        with pytest.raises(SystemExit) as refused:
            block("dry-run", *words)
        assert refused.value.code == 2


def test_a_rule_that_is_not_there(block: Block) -> None:
    code, _, err = block("end", "00000000-0000-7000-8000-000000000005")
    assert (code, "there is no block rule" in err) == (2, True)
