"""Rule sets and expectations from the command line."""

import json
from pathlib import Path

import pandas as pd
import pytest

from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.commands import run
from tests.homes import copy_home


@pytest.fixture
def own(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    home = copy_home(trained_home, tmp_path / "home")
    monkeypatch.setenv("INSIDER_HOME", str(home))
    return Workspace(Settings.from_environment(home))


def test_a_rule_set_from_its_file_to_being_served(own: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"never_categories": ["Garden"], "diversity": 0.25}))
    saved = run("rules", "save", "No garden", str(file), "--json")
    assert json.loads(saved.stdout) == {"name": "No garden", "version": 1}
    shown = json.loads(run("rules", "show", "No garden").stdout)
    assert shown["rules"] == {"never_categories": ["Garden"], "diversity": 0.25}
    file.write_text(json.dumps(shown))
    assert json.loads(run("rules", "save", "No garden", str(file), "--json").stdout)["version"] == 2
    assert json.loads(run("rules", "serve", "No garden", "--json").stdout) == {"served": ["No garden"]}
    assert json.loads(run("rules", "--json").stdout)["rules"][0]["served"] is True
    told = json.loads(run("recommend", "u001", "--json").stdout)
    assert told["rules"] == "No garden, version 2"
    assert json.loads(run("recommend", "u001", "--rules", "off", "--json").stdout)["rules"] is None
    out = tmp_path / "all.parquet"
    assert json.loads(run("batch", "--out", str(out), "--json").stdout)["rules"] == "No garden, version 2"
    lines = pd.read_parquet(out)
    assert lines["item_id"][lines["user_id"] == "u001"].tolist() == [item["item_id"] for item in told["items"]]
    assert "under the rules No garden" in run("batch", "--out", str(out)).stdout
    assert json.loads(run("batch", "--out", str(out), "--rules", "off", "--json").stdout)["rules"] is None
    assert "Garden" in set(own.load().items.set_index("item_id")["department"][pd.read_parquet(out)["item_id"]])
    priced = json.loads(run("rules", "price", "No garden", "--json").stdout)
    assert priced["users"] > 0
    assert priced["change"][0] == pytest.approx(priced["ruled"]["ndcg"] - priced["without"]["ndcg"])
    refused = run("rules", "delete", "No garden")
    assert refused.exit_code == 2
    assert "being served" in refused.stderr
    file.write_text(json.dumps({"diversity": 0.5, "when": {"placements": ["basket"]}}))
    run("rules", "save", "Basket", str(file))
    assert "Basket, No garden" in run("rules", "serve", "Basket", "No garden").stdout
    listed = json.loads(run("rules", "--json").stdout)["rules"]
    assert [(each["name"], each["place"]) for each in listed] == [("Basket", 1), ("No garden", 2)]
    assert json.loads(run("recommend", "u001", "--json").stdout)["rules"] == "No garden, version 2"
    assert json.loads(run("rules", "undo", "--json").stdout) == {"served": ["No garden"]}
    assert run("rules", "serve", "off", "Basket").exit_code == 2
    run("rules", "serve", "off")
    run("rules", "delete", "Basket")
    assert run("rules", "delete", "No garden").exit_code == 0
    assert json.loads(run("rules", "--json").stdout) == {"rules": []}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no json", "cannot be read as JSON"),
        ("[]", "must hold one object"),
        ('{"never_categories": ["Cars"]}', "category 'Cars'"),
        ('{"divers": 1}', "No rule 'divers'"),
    ],
)
def test_rules_that_cannot_be_stored(own: Workspace, tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "rules.json"
    file.write_text(content)
    result = run("rules", "save", "X", str(file))
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_expectations_are_checked(own: Workspace) -> None:
    assert run("expectations").exit_code == 0
    first = own.load().recommend("u001").items[0]
    expectations = Expectations(own.database)
    expectations.save(Expectation("Fine", user="u001", must_show=(first.item_id,)))
    assert json.loads(run("expectations", "--json").stdout)["expectations"][0]["ok"] is True
    expectations.save(Expectation("Strict", user="u001", must_not=(first.item_id,)))
    result = run("expectations")
    assert result.exit_code == 1
    assert "is shown, in place 1" in result.stdout
