"""What a merchandiser relies on in a real browser on the Shopper and Data pages: everything means what it says."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workbench.target_user import known
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt
from recsys.views.explanation import item_influences, why
from recsys.views.rule_cost import priced
from tests.accessibility import settled
from tests.browser.conftest import FIVE
from tests.ingest.test_import import GOOD


@pytest.mark.browser
def test_more_pins_than_places(page: Page, url: str, home: Workspace) -> None:
    page.goto(f"{url}/shopper?shopper=u001&k=3&rules={FIVE.replace(' ', '+')}")
    rows = page.get_by_role("list", name="Recommendations for u001").get_by_role("listitem")
    expect(rows).to_have_count(3)
    settled(page)
    shown = rows.locator("a.first").evaluate_all("links => links.map(link => link.href.split('item=')[1])")
    assert shown == list(RuleSets(home.database).get(FIVE).pins[:3])
    answer = httpx.get(f"{url}/v1/users/u001/recommendations", params={"k": 3, "rules": FIVE}).json()
    assert [item["item_id"] for item in answer["items"]] == shown


@pytest.mark.browser
def test_rules_are_judged_once(page: Page, url: str, home: Workspace) -> None:
    found = priced(home, "live", RuleSets(home.database).get(FIVE)).price
    page.goto(f"{url}/shopper?shopper=u001&section=Rules&edit_rules={FIVE.replace(' ', '+')}")
    metric = page.get_by_test_id("stMetric").filter(has_text="NDCG")
    expect(metric).to_contain_text(fmt.measured(found.ruled["ndcg"], is_share=False))
    page.locator(".js-plotly-plot").first.wait_for()
    drawn = page.evaluate(
        "() => Object.fromEntries(document.querySelector('.js-plotly-plot')._fullData.map(t => [t.name, t.y[0]]))"
    )
    assert drawn["These rules"] == pytest.approx(found.ruled["ndcg"])
    assert drawn["Without rules"] == pytest.approx(found.without["ndcg"])
    for axis in ("xtick", "ytick"):
        ticks = page.locator(f".js-plotly-plot .{axis} text").all_text_contents()
        assert len(ticks) == len(set(ticks)), ticks


@pytest.mark.browser
def test_every_product_of_a_chart_has_a_row(page: Page, url: str, home: Workspace) -> None:
    live = home.load()
    first = live.recommend("u001").items[0]
    expected = item_influences(live, known(live, "u001"), first.item_id)
    page.goto(f"{url}/shopper?shopper=u001&section=Why")
    expect(page.get_by_text(why(live, known(live, "u001"), first).sentence[:40])).to_be_visible()
    chart = page.locator(".js-plotly-plot").nth(1)
    chart.wait_for()
    names = chart.locator(".ytick text").all_text_contents()
    assert len(names) == len(set(names)) == len(expected.table)
    for fall in expected.table["fall"]:
        said = f"{fall:+.2f}".replace("-", "−") if f"{abs(fall):.2f}" != "0.00" else "0.00"
        expect(chart.get_by_text(said, exact=True).first).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("label", "section"), [("Only these categories", "Recommended"), ("Must not show", "Expectations")]
)
def test_enter_takes_the_highlighted_name_alone(page: Page, url: str, label: str, section: str) -> None:
    page.goto(f"{url}/shopper?shopper=u001&section={section}")
    page.get_by_role("heading", level=1).wait_for()
    settled(page)
    chosen = page.get_by_test_id("stMultiSelect").filter(has_text=label)
    chosen.locator("input").first.click()
    page.keyboard.type("cheese")
    expect(page.get_by_role("option")).to_have_text(["Cheese", "Cheeses"])
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    settled(page)
    assert chosen.locator("span[title]").evaluate_all("tags => tags.map(tag => tag.title)") == ["Cheese"]


@pytest.mark.browser
def test_what_was_not_learned_is_said_and_filters_show(page: Page, url: str, home: Workspace) -> None:
    page.goto(f"{url}/shopper?shopper=u001&by_age=45%2B")
    expect(page.get_by_text("the model has learned from this")).to_be_visible()
    settled(page)
    page.get_by_text("What they bought since").click()
    expect(page.get_by_text("It has not seen what is marked")).to_be_visible()
    expect(page.get_by_text("the model has learned from this")).to_have_count(0)
    expect(page.get_by_text("Not seen", exact=True).first).to_be_attached()
    expect(page.get_by_text("New", exact=True)).to_have_count(0)
    settled(page)
    page.get_by_role("button", name="Age: 45+").click()
    expect(page.get_by_role("button", name="Age: 45+")).to_have_count(0)
    settled(page)
    row = page.get_by_role("list", name="Recommendations for u001").get_by_role("listitem").first
    first = home.load().recommend("u001").items[0]
    row.get_by_role("button", name="Why is this recommended").click()
    expect(page.get_by_text(why(home.load(), known(home.load(), "u001"), first).sentence[:40])).to_be_visible()
    settled(page)
    page.get_by_role("tab", name="Recommended").click()
    row.locator("a.first").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(first.title[-6:])


@pytest.mark.browser
def test_no_table_offers_a_file_with_live_formulas(page: Page, url: str) -> None:
    page.goto(f"{url}/shopper?shopper=u001")
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    settled(page)
    table.hover()
    expect(page.get_by_role("button", name="Fullscreen").first).to_be_visible()
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)


DRAWN = """() => Object.fromEntries([...document.querySelectorAll('.js-plotly-plot')][0]._fullData
  .filter(trace => trace.type === 'bar').map(trace => [trace.name, trace.marker.color]))"""


@pytest.mark.browser
def test_a_department_has_one_colour_for_every_shopper(page: Page, url: str) -> None:
    seen: list[dict[str, str]] = []
    for user in ("u001", "u002"):
        page.goto(f"{url}/shopper?shopper={user}")
        page.locator(".js-plotly-plot").first.wait_for()
        settled(page)
        seen.append(page.evaluate(DRAWN))
    one, other = seen
    both = set(one) & set(other)
    assert len(both) > 1
    assert list(one) != list(other), "their departments come in another order"
    assert {name: one[name] for name in both} == {name: other[name] for name in both}
    assert len(set(one.values())) == len(one)


SECTIONS = {
    "Why": (lambda page: choose_next(page, "Product"), "What the score is made of"),
    "What if": (lambda page: page.get_by_text("Start from nobody").click(), "The lists share"),
    "Rules": (lambda page: page.get_by_role("button", name="Pin to the top").nth(4).click(), "pinned"),
    "Compare": (lambda page: choose_next(page, "Compare the live model with"), "This shopper"),
    "Expectations": (lambda page: choose_next(page, "Share of a category"), "Share of the list"),
}
"""What is changed in a section, and what shows then."""


def choose_next(page: Page, label: str) -> None:
    """Choose the next option of a list, with the keyboard."""
    page.get_by_role("combobox", name=label).last.click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")


@pytest.mark.browser
def test_a_change_in_one_section_computes_that_section_alone(page: Page, url: str) -> None:
    ends: list[int] = []

    def read(payload: bytes | str) -> None:
        message = ForwardMsg.FromString(payload) if isinstance(payload, bytes) else ForwardMsg()
        if message.WhichOneof("type") == "script_finished":
            ends.append(message.script_finished)

    page.on("websocket", lambda socket: socket.on("framereceived", read))
    page.goto(f"{url}/shopper?shopper=u001")
    for section, (change, shown) in SECTIONS.items():
        page.get_by_role("tab", name=section).click()
        expect(page.get_by_role("tab", name=section)).to_have_attribute("aria-selected", "true")
        settled(page)
        assert ends[-1] == ForwardMsg.FINISHED_SUCCESSFULLY, "the messages of the page are read"
        before = len(ends)
        change(page)
        expect(page.get_by_text(shown).first).to_be_visible()
        settled(page)
        after = set(ends[before:])
        assert after, section
        own = {ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN}
        assert after <= own, (section, after)


@pytest.mark.browser
def test_after_a_dataset_is_deleted_nothing_says_that_it_is_stored(
    page: Page, url: str, home: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "short.csv").write_text("\n".join(["user_id,item_id,timestamp", *GOOD]) + "\n")
    page.goto(f"{url}/data")
    page.locator("input[type=file]").first.set_input_files(str(tmp_path / "short.csv"))
    name = page.get_by_label("Name of the dataset")
    name.fill("short")
    name.press("Enter")
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    stored = page.get_by_text("“short” is stored and ready to train on")
    expect(stored).to_be_visible()
    settled(page)
    page.get_by_test_id("stPopover").filter(has_text="Delete").get_by_role("button").click()
    typed = page.get_by_label("Type its name to delete it")
    typed.fill("short")
    typed.press("Enter")
    settled(page)
    page.get_by_role("button", name="Delete for good").click()
    expect(stored).to_have_count(0)
    assert home.datasets() == ["trust"]
