"""The Data page: from a file to a stored dataset, and what it says before, during and after."""

import gzip
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from streamlit.testing.v1 import AppTest

from recsys.errors import InvalidInput
from recsys.ingest.config import ImportPlan
from recsys.services import datasets
from recsys.services.jobs import cancel_job
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.views import data as data_view
from tests.accessibility import settled
from tests.homes import copy_home
from tests.ingest.test_import import BAD_FILES, GOOD, lines
from tests.serving import ROOT, page_of, running_app, wait_until
from tests.shops import planted_shop

MAIN, PAGE = (str(ROOT / "pages" / name) for name in ("main.py", "data.py"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INSIDER_IMPORT_FOLDER", str(tmp_path / "inbox"))
    monkeypatch.setenv("INSIDER_OPEN_DASHBOARD", "1")
    monkeypatch.delenv("INSIDER_DATABASE_URL", raising=False)
    (tmp_path / "inbox").mkdir()
    return Workspace(Settings.from_environment())


def page() -> AppTest:
    return AppTest.from_file(MAIN, default_timeout=60).switch_page(PAGE).run()


def words_of(at: AppTest) -> str:
    parts = [*at.markdown, *at.caption, *at.error, *at.warning, *at.success, *at.info, *at.title, *at.header]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_uploads_over_the_limit_are_refused_by_their_length(tmp_path):
    environment = {"INSIDER_HOME": str(tmp_path), "INSIDER_UPLOAD_LIMIT": "3"}
    code = "import app, streamlit.config as config; print(config.get_option('server.maxUploadSize'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["3"]


def test_the_message_of_an_import_goes_with_its_dataset(home):
    home.store.save_dataset(planted_shop("shop", n_users=20, n_items=20))
    job = home.job_store.create("import", "shop", {}, seed=0, promote=False)
    home.job_store.finish(job, "done")
    at = AppTest.from_file(MAIN, default_timeout=60)
    at.session_state["import_run"] = job
    at.switch_page(PAGE).run()
    assert any("is stored and ready" in text.value for text in at.success)
    datasets.delete_dataset(home, "shop")
    at.run()
    assert not at.exception and not at.success


def test_an_empty_home_says_what_to_do(home):
    at = page()
    assert not at.exception
    assert "No dataset is stored yet" in words_of(at)


def test_files_of_the_server_are_tried_mapped_and_imported(home, tmp_path):
    lines(tmp_path / "inbox" / "old shop.txt", *(x.replace(",", ";") for x in GOOD), header="visitorid;sku;stamp")
    at = page()
    at.segmented_control(key="way").set_value("Files of the server").run()
    at.multiselect(key="server_events").set_value(["old shop.txt"]).run()
    assert not at.exception, at.exception
    box = next(x for x in at.selectbox if x.label == "stamp")
    assert box.value == "timestamp" and {"Not used", "User id", "Timestamp", "Category"} <= set(box.options)
    box.select_index(0).run()
    assert "No times" in words_of(at)
    next(x for x in at.selectbox if x.label == "stamp").set_value("timestamp").run()
    assert "16 rows tried: 4 shoppers, 4 products" in words_of(at)
    at.text_input(key="new_name").set_value("Mein alter Laden").run()
    assert "It will be stored as “Mein-alter-Laden”" in words_of(at)
    at.text_input(key="new_name").set_value("old").run()
    next(x for x in at.button if x.label == "Import").click().run()
    assert not at.exception, at.exception
    assert home.job_store.newest(), words_of(at)
    wait_until(lambda: not home.job_store.newest()[0].active, "the import ends", seconds=60)
    assert home.job_store.newest()[0].state == "done", home.job_store.newest()[0].message
    at.run()
    assert not at.exception, at.exception
    said = words_of(at)
    assert "“old” is stored and ready to train on" in said
    assert home.dataset("old").n_users == 4


def test_exports_that_overlap_are_said_and_their_equal_rows_counted_once_where_it_is_ticked(home, tmp_path):
    rows = [f"u{n % 9},i{n % 7},2024-01-{1 + n % 28:02d}T{n % 24:02d}:00:00" for n in range(200)]
    lines(tmp_path / "inbox" / "spring.csv", *rows)
    lines(tmp_path / "inbox" / "summer.csv", *rows[100:], "u1,i1,2024-01-15T00:30:00")
    for ticked, stored in ((False, 301), (True, 201)):
        at = page()
        at.segmented_control(key="way").set_value("Files of the server").run()
        at.multiselect(key="server_events").set_value(["spring.csv", "summer.csv"]).run()
        at.checkbox(key="once").set_value(ticked).run()
        next(x for x in at.button if x.label == "Import").click().run()
        wait_until(lambda: not home.job_store.newest()[0].active, "the import ends", seconds=60)
        assert home.job_store.newest()[0].state == "done", home.job_store.newest()[0].message
        assert len(home.dataset("shop").events) == stored
        told = " ".join(table.value.to_csv() for table in at.run().table)
        assert "“Count equal rows once” counts them once" in told.replace("\\", "")


def test_day_or_month_is_asked(home, tmp_path):
    rows = [f"u{n % 3},i{n % 2},0{1 + n % 9}/0{1 + n % 7}/2024" for n in range(20)]
    lines(tmp_path / "inbox" / "e.csv", *rows)
    at = page()
    at.segmented_control(key="way").set_value("Files of the server").run()
    at.multiselect(key="server_events").set_value(["e.csv"]).run()
    assert next(x for x in at.button if x.label == "Import").disabled
    ask = at.radio[0]
    assert ask.label == "Which is it?"
    ask.set_value("%m/%d/%Y").run()
    assert not next(x for x in at.button if x.label == "Import").disabled
    assert "as stated" in words_of(at)


def test_a_bad_file_and_a_path_outside_are_told(home, tmp_path):
    (tmp_path / "inbox" / "bad.csv").write_bytes(b"PK\x03\x04junk")
    at = page()
    at.segmented_control(key="way").set_value("Files of the server").run()
    at.multiselect(key="server_events").set_value(["bad.csv"]).run()
    assert "ZIP archive" in words_of(at)
    at.multiselect(key="server_events").set_value(["../../../etc/passwd"]).run()
    assert "lies outside" in words_of(at)
    assert not at.exception


def test_bad_files_are_told_on_the_page_in_words(home, tmp_path):
    at = page()
    at.segmented_control(key="way").set_value("Files of the server").run()
    for case, (content, message) in BAD_FILES.items():
        if case in ("header only", "one user", "one item", "one each"):
            continue  # the first rows are in order: the import says what is amiss
        (tmp_path / "inbox" / f"{case}.csv").write_bytes(content)
        at.multiselect(key="server_events").set_value([f"{case}.csv"]).run()
        assert not at.exception, case
        said = words_of(at)
        assert re.search(message, said) or "None of the first rows can be used" in said, (case, said)
        assert not [x for x in at.button if x.label == "Import" and not x.disabled], case


@pytest.mark.parametrize("path", ["../x.csv", "/etc/passwd", "link.csv", "sub/../../x.csv", "../*.csv", "", "/etc/*"])
def test_paths_outside_the_folder_are_refused(home, tmp_path, path):
    (tmp_path / "x.csv").write_text("user_id,item_id\n")
    (tmp_path / "inbox" / "link.csv").symlink_to(tmp_path / "x.csv")
    with pytest.raises(InvalidInput, match=r"outside|Name a file"):
        datasets.allowed_path(path)


@pytest.mark.parametrize(
    "path", ["s3://bucket/x.csv", "https://user:pw@shop.example/x.csv", "simplecache::s3://b/x.csv"]
)
def test_the_page_reads_no_addresses(home, path):
    with pytest.raises(InvalidInput, match="addresses are read by the command line alone") as told:
        datasets.allowed_path(path)
    assert "pw" not in str(told.value)
    job = datasets.start_import(home, ImportPlan("x", events=(path,)))
    wait_until(lambda: not home.job_store.get(job.id).active, "the end of the import", seconds=60)
    ended = home.job_store.get(job.id)
    assert ended.state == "failed" and "Addresses are read by the command line alone" in ended.message


def test_a_folder_is_taken_with_all_files_in_it_unless_a_link_leads_out(home, tmp_path):
    folder = tmp_path / "inbox" / "events" / "date=2024-01-01"
    folder.mkdir(parents=True)
    lines(folder / "a.csv", *GOOD)
    assert datasets.files_of_server() == ["events"]
    for path in ("events", "events/*", "events/date=*"):
        datasets.allowed_path(path)
    (tmp_path / "x.csv").write_text("user_id,item_id\n")
    (folder / "link.csv").symlink_to(tmp_path / "x.csv")
    for path in ("events", "events/*", "events/date=*"):
        with pytest.raises(InvalidInput, match="outside"):
            datasets.allowed_path(path)


def test_paths_below_the_folder_are_taken(home, tmp_path):
    lines(tmp_path / "inbox" / "a.csv", *GOOD)
    assert datasets.allowed_path("a.csv") == str((tmp_path / "inbox" / "a.csv").resolve())
    assert datasets.allowed_path("*.csv") == str(tmp_path.resolve() / "inbox" / "*.csv")
    assert datasets.files_of_server() == ["a.csv"]


def test_uploads_keep_their_name_and_go_when_they_are_imported(home, tmp_path):
    source = lines(tmp_path / "a.csv", *GOOD)
    with source.open("rb") as stream:
        path = datasets.keep_upload(home, "../../evil/../my events.csv", stream)
    assert path.name == "my events.csv"
    assert path.parent.parent == home.store.home / "uploads"
    run = datasets.start_import(home, data_view.plan_of("up", {"events": [str(path)]}, {}))
    wait_until(lambda: not home.job_store.get(run.id).active, "the import ends", seconds=60)
    assert home.job_store.get(run.id).state == "done"
    assert not path.exists()


def test_an_import_can_be_cancelled_and_leaves_nothing(home, tmp_path):
    rows = [f"u{n % 5000},i{n % 900},2024-01-{1 + n % 28:02d}" for n in range(400_000)]
    path = lines(tmp_path / "many.csv", *rows)
    run = datasets.start_import(home, data_view.plan_of("many", {"events": [str(path)]}, {}))
    wait_until(lambda: home.job_store.get(run.id).state == "running", "the import runs", seconds=60)
    cancel_job(home, run.id)
    wait_until(lambda: not home.job_store.get(run.id).active, "the import ends", seconds=60)
    assert home.job_store.get(run.id).state == "cancelled"
    assert home.datasets() == []


def test_the_dataset_of_the_live_model_is_not_deleted(trained_home, tmp_path):
    copy_home(trained_home, tmp_path / "home")
    home = Workspace(Settings.from_environment(tmp_path / "home"))
    with pytest.raises(InvalidInput, match="live model was trained on dataset 'small'"):
        datasets.delete_dataset(home, "small")
    assert not datasets.stored(home, "small").may_go
    assert datasets.delete_dataset(home, "small", force=True) == [home.live_id()]
    assert home.datasets() == []


def take(tab: Page, column: str, field: str) -> None:
    """Say on the page what a column is; a run of the page that comes late closes the list of options."""
    box = tab.get_by_role("combobox", name=column).filter(visible=True)

    def taken() -> bool:
        settled(tab)
        box.click()
        with suppress(PlaywrightTimeout):
            tab.get_by_role("option", name=field, exact=True).click(timeout=5000)
        settled(tab)
        return box.input_value() == field

    wait_until(taken, f"{column} is taken as {field}", seconds=120)


def choose_file(tab: Page, number: int, path: Path) -> None:
    """Give an uploader a file, as a person does who sees whether it is there.

    Streamlit loses one that is chosen in the very moment in which a run of the page begins: its answer with the address
    to send the file to is then removed from what waits to be sent to the page (`ForwardMsgQueue.clear`).
    """
    uploader = tab.get_by_test_id("stFileUploader").nth(number)

    def there() -> bool:
        uploader.locator("input[type=file]").set_input_files(str(path))
        with suppress(PlaywrightTimeout):
            uploader.get_by_text(path.name).wait_for(timeout=10_000)
        return uploader.get_by_text(path.name).count() == 1

    wait_until(there, f"{path.name} is chosen", seconds=60)


@pytest.mark.browser
def test_foreign_headers_of_all_three_files_are_mapped_on_a_phone(browser, trained_home, tmp_path):
    copy_home(trained_home, tmp_path / "home")
    events = [f"7{n % 9};P{n % 11};{1 + n % 27:02d}.{1 + n % 12:02d}.2024 10:{n % 60:02d}" for n in range(120)]
    items = [f"P{n};Tea number {n};{('Black', 'Green')[n % 2]}" for n in range(11)]
    users = [f"7{n};{('old', 'young')[n % 2]}" for n in range(9)]
    files = {"e.csv": ("aa;bb;cc", events), "i.csv": ("dd;ee;ff", items), "u.csv": ("gg;hh", users)}
    for name, (header, rows) in files.items():
        (tmp_path / name).write_text("\n".join([header, *rows]) + "\n")
    settings = {"INSIDER_OPEN_DASHBOARD": "1"}
    with running_app(tmp_path / "home", tmp_path / "log", settings) as url, page_of(browser, width=390) as tab:
        tab.goto(f"{url}/data")
        for number, name in enumerate(files):
            choose_file(tab, number, tmp_path / name)
        tab.get_by_text("No column of e.csv looks like the user id").wait_for()
        take(tab, "aa", "User id")
        take(tab, "bb", "Item id")
        tab.get_by_role("tab", name="Products").click()
        take(tab, "dd", "Item id")
        tab.get_by_role("tab", name="Shoppers").click()
        take(tab, "gg", "User id")
        tab.get_by_text("120 rows tried: 9 shoppers, 11 products").wait_for()
        if folder := os.environ.get("INSIDER_SHOTS"):
            tab.screenshot(path=f"{folder}/mapping.png", full_page=True)
        tab.get_by_label("Name of the dataset").fill("Mein Laden")
        tab.get_by_label("Name of the dataset").press("Enter")
        tab.get_by_text("It will be stored as “Mein-Laden”").wait_for()
        tab.get_by_role("button", name="Import", exact=True).click()
        tab.get_by_text("“Mein-Laden” is stored and ready to train on").wait_for(timeout=60_000)
    found = Workspace(Settings.from_environment(tmp_path / "home")).dataset("Mein-Laden")
    assert (found.n_users, found.n_items, len(found.events), found.timed) == (9, 11, 120, True)
    assert found.items.set_index("item_id").loc["P1", "title"] == "Tea number 1"
    assert set(found.items[found.category_levels[0]]) == {"Black", "Green"}
    assert found.user_attributes == ("hh",)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Mein Laden", "Mein-Laden"),
        ("  Läden & Söhne! ", "Laden-Sohne"),
        ("shop_2.1", "shop_2.1"),
        ("../x", "x"),
        ("日本", ""),
    ],
)
def test_a_typed_name_becomes_one_for_a_folder(typed, name):
    assert data_view.folder_name(typed) == name


@pytest.mark.browser
def test_a_file_in_another_dialect_becomes_a_dataset(browser, trained_home, tmp_path):
    copy_home(trained_home, tmp_path / "home")
    path = tmp_path / "Verkäufe 2024.csv.gz"
    rows = ["Kunde;Artikel;Datum;Anzahl;visitorid"] + [
        f"x;{i};{1 + n % 27}.{1 + n % 12}.2024 10:{n % 60:02d};{1 + n % 2};0{u}"
        for n, (u, i) in enumerate((u, f"Käse <b>{i}</b>") for u in range(12) for i in range(6))
    ]
    rows += ["x;=HYPERLINK(1);31.12.2024 10:00;-1;03", "x;kaputt;99.99.2024;1;03"]
    path.write_bytes(gzip.compress("\r\n".join(rows).encode("latin-1")))
    inbox = {"INSIDER_IMPORT_FOLDER": str(tmp_path)}
    with running_app(tmp_path / "home", tmp_path / "log", inbox) as url, page_of(browser) as tab:
        tab.goto(f"{url}/data")
        tab.locator("input[type=file]").first.set_input_files(str(path))
        tab.get_by_text("Read as semicolon-separated, Latin-1, gzip").wait_for(timeout=30_000)
        for column, field in (("Kunde", "Not used"), ("visitorid", "User id")):
            take(tab, column, field)
        tab.get_by_text("74 rows tried: 12 shoppers").wait_for(timeout=30_000)
        tab.get_by_text("1 row would be rejected: timestamp cannot be read").wait_for()
        tab.get_by_label("Name of the dataset").fill("verkauf")
        tab.get_by_label("Name of the dataset").press("Enter")
        tab.get_by_role("button", name="Import").click()
        tab.get_by_text("“verkauf” is stored and ready to train on").wait_for(timeout=60_000)
        tab.get_by_text("72 of 74 rows").wait_for()
        if folder := os.environ.get("INSIDER_SHOTS"):
            tab.wait_for_timeout(3000)
            tab.screenshot(path=f"{folder}/data.png", full_page=True)
    home = Workspace(Settings.from_environment(tmp_path / "home"))
    assert set(home.dataset("verkauf").items["item_id"]) == {f"Käse <b>{i}</b>" for i in range(6)}


@pytest.mark.browser
def test_an_import_is_seen_and_cancelled_where_its_button_is(browser, trained_home, tmp_path):
    copy_home(trained_home, tmp_path / "home")
    rows = (f"customer-{n * 7919 % 90_000},item-{n * 31 % 20_000},2024-01-{1 + n % 28:02d}" for n in range(1_500_000))
    (tmp_path / "inbox").mkdir()
    lines(tmp_path / "inbox" / "many.csv", *rows)
    settings = {"INSIDER_IMPORT_FOLDER": str(tmp_path / "inbox"), "INSIDER_OPEN_DASHBOARD": "1"}
    with running_app(tmp_path / "home", tmp_path / "log", settings) as url, page_of(browser, width=390) as tab:
        tab.goto(f"{url}/data")
        tab.get_by_text("Files of the server").click()
        tab.get_by_role("combobox", name="Events").fill("many.csv")
        tab.keyboard.press("Enter")
        tab.get_by_text("20,000 rows tried").wait_for()
        tab.keyboard.press("Escape")
        button = tab.get_by_role("button", name="Import")
        button.scroll_into_view_if_needed()
        button.click()
        cancel = tab.get_by_role("button", name="Cancel")
        expect(cancel).to_be_in_viewport(timeout=20_000)
        expect(tab.get_by_text("“shop”: ")).to_be_in_viewport()
        if folder := os.environ.get("INSIDER_SHOTS"):
            tab.screenshot(path=f"{folder}/importing.png")
        cancel.click()
        expect(tab.get_by_text("The import was cancelled; nothing was stored.")).to_be_in_viewport(timeout=30_000)
        if folder := os.environ.get("INSIDER_SHOTS"):
            tab.screenshot(path=f"{folder}/cancelled.png")
        expect(button).to_be_enabled()
    home = Workspace(Settings.from_environment(tmp_path / "home"))
    assert home.datasets() == ["small"]
    assert not list(home.store.home.glob("importing/*"))
