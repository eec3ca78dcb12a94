"""What a merchandiser relies on in a real browser: lists, charts, buttons and words mean what they say."""

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from recsys.projection.projection import item_map
from recsys.recommend.rules import Rules
from recsys.services.quality_assessment import assess
from recsys.services.training_service import train_and_store
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workbench.target_user import known
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from recsys.utils import formatting as fmt
from recsys.views import quality
from recsys.views.explanation import item_influences, why
from recsys.views.rule_cost import priced
from tests.accessibility import settled
from tests.conftest import SMALL_RECIPE
from tests.ingest.test_import import GOOD
from tests.serving import page_of, running_app
from tests.shops import planted_shop

WAIT = 120_000
"""Milliseconds: a busy machine is no fault of the page."""

PICTURES = "https://pictures.example/"
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
SHELVES = {"Dairy shelf 0": "Cheese", "Dairy shelf 1": "Cheeses", "Bakery shelf 0": "Coffee shop sweet goods"}
FIVE = "Five pins"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A shop with categories of nearly the same name, long titles that end alike, and pictures; two models."""
    shop = planted_shop("trust", n_users=60, n_items=60)
    items = shop.items.assign(
        shelf=[SHELVES.get(str(shelf), str(shelf)) for shelf in shop.items["shelf"]],
        title=[f"One product line with a name that is far too long for any chart, no. {i}" for i in range(60)],
        image_url=[f"{PICTURES}{i}.png" if i % 2 else None for i in range(60)],
    )
    made = Workspace(Settings.from_environment(tmp_path_factory.mktemp("trust")))
    made.store.save_dataset(dataclasses.replace(shop, items=items))
    live = train_and_store(made, "trust", SMALL_RECIPE, seed=1, promote=True)
    train_and_store(made, "trust", SMALL_RECIPE.with_settings({"epochs": "2"}), seed=2)
    new = [item.item_id for item in live.recommend("u001", 15).items]
    RuleSets(made.database).save(FIVE, Rules(pins=tuple(new[-5:])))
    ids = [str(item) for item in live.items["item_id"]]
    made.store.save_map(live.model.id, item_map(ids, live.item_embeddings, reduce=lambda rows, _: rows[:, :2]))
    return made


@pytest.fixture(scope="module")
def url(home: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(home.settings.home, tmp_path_factory.mktemp("trust-app") / "log") as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_of(browser, height=1400) as opened:
        opened.set_default_timeout(WAIT)
        opened.route(f"{PICTURES}**", lambda route: route.fulfill(body=PIXEL, content_type="image/gif"))
        yield opened


@pytest.mark.browser
def test_more_pins_than_places(page: Page, url: str, home: Workspace) -> None:
    page.goto(f"{url}/shopper?shopper=u001&k=3&rules={FIVE.replace(' ', '+')}")
    rows = page.get_by_role("list", name="Recommendations for u001").get_by_role("listitem")
    expect(rows).to_have_count(3)
    settled(page)
    shown = rows.locator("a.first").evaluate_all("links => links.map(link => link.href.split('item=')[1])")
    assert shown == list(RuleSets(home.database).get(FIVE).pins[:3])


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
def test_before_a_promotion_one_sentence_says_what_will_change(page: Page, url: str, home: Workspace) -> None:
    (other,) = [model for model in home.store.models() if model != home.live_id()]
    page.goto(f"{url}/models?model={other}")
    page.get_by_role("button", name="Promote").click()
    sentence = page.get_by_role("dialog").locator("strong").first
    for words in ("ccuracy", "NDCG", "catalogue coverage", "of shoppers get another list"):
        expect(sentence).to_contain_text(words)
    assert home.live_id() != other


@pytest.mark.browser
def test_trainings_are_called_by_their_numbers(page: Page, url: str, home: Workspace) -> None:
    numbers = [training.id for training in home.training_runs.all()]
    page.goto(f"{url}/runs?trainings=Training+{numbers[0]}&trainings=Training+{numbers[1]}")
    expect(page.get_by_text("Only what differs.")).to_be_visible()
    settled(page)
    expect(page.get_by_text(f"Training {numbers[1]} against Training {numbers[0]}", exact=False)).to_be_visible()


@pytest.mark.browser
def test_what_was_not_learned_is_said_and_filters_show(page: Page, url: str, home: Workspace) -> None:
    page.goto(f"{url}/shopper?shopper=u001&by_age=45%2B")
    expect(page.get_by_text("the model has learned from this")).to_be_visible()
    settled(page)
    page.get_by_text("What they bought since").click()
    expect(page.get_by_text("It has not seen what is marked")).to_be_visible()
    expect(page.get_by_text("the model has learned from this")).to_have_count(0)
    settled(page)
    page.get_by_role("button", name="Age: 45+").click()
    expect(page.get_by_role("button", name="Age: 45+")).to_have_count(0)
    settled(page)
    row = page.get_by_role("list", name="Recommendations for u001").get_by_role("listitem").first
    title = home.load().recommend("u001").items[0].title
    row.locator("a.first").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(title[-6:])


@pytest.mark.browser
def test_a_shopper_stands_out_on_the_map_and_the_pointer_shows_pictures(page: Page, url: str) -> None:
    page.goto(f"{url}/map?colour=department&shopper=u001")
    page.locator(".js-plotly-plot .legend").first.wait_for()
    settled(page)
    traces = page.evaluate(
        "() => document.querySelector('.js-plotly-plot')._fullData.map("
        "t => ({name: t.name, colour: t.marker?.color, faint: t.marker?.opacity < 0.2}))"
    )
    own = [trace for trace in traces if "u001" in trace["name"] or "Recommended" in trace["name"]]
    rest = [trace for trace in traces if "(" in trace["name"]]
    assert own
    assert rest
    assert all(trace["faint"] for trace in rest)
    assert not {trace["colour"] for trace in own} & {trace["colour"] for trace in rest}
    page.goto(f"{url}/map?colour=department&item=00007")
    page.locator(".js-plotly-plot .legend").first.wait_for()
    settled(page)
    x, y = page.evaluate(
        """() => {
          const plot = document.querySelector('.js-plotly-plot'), at = plot.getBoundingClientRect();
          const { xaxis, yaxis } = plot._fullLayout, star = plot._fullData.find(t => t.name === 'Looked at');
          return [at.left + xaxis._offset + xaxis.l2p(star.x[0]), at.top + yaxis._offset + yaxis.l2p(star.y[0])];
        }"""
    )
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y, steps=4)
    thumbnail = page.locator("#insider-thumbnail")
    expect(thumbnail).to_be_visible()
    item = int(str(thumbnail.get_attribute("data-item")))
    if item % 2:
        expect(thumbnail.locator("img")).to_have_attribute("src", f"{PICTURES}{item}.png")
    else:
        assert len(thumbnail.inner_text()) == 1
    page.mouse.move(5, 5)
    expect(thumbnail).to_be_hidden()


@pytest.mark.browser
def test_a_change_in_one_section_computes_that_section_alone(page: Page, url: str) -> None:
    ends: list[int] = []

    def read(payload: bytes | str) -> None:
        message = ForwardMsg.FromString(payload) if isinstance(payload, bytes) else ForwardMsg()
        if message.WhichOneof("type") == "script_finished":
            ends.append(message.script_finished)

    page.on("websocket", lambda socket: socket.on("framereceived", read))
    page.goto(f"{url}/shopper?shopper=u001&section=What+if")
    expect(page.get_by_text("You have not changed anything yet.")).to_be_visible()
    settled(page)
    assert ends, "the messages of the page are read"
    assert ends[-1] == ForwardMsg.FINISHED_SUCCESSFULLY
    before = len(ends)
    page.get_by_text("Start from nobody").click()
    expect(page.get_by_text("The lists share")).to_be_visible()
    settled(page)
    after = ends[before:]
    assert after
    assert set(after) <= {ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN}, after


@pytest.mark.browser
def test_no_table_offers_a_file_with_live_formulas(page: Page, url: str) -> None:
    page.goto(f"{url}/shopper?shopper=u001")
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    settled(page)
    table.hover()
    expect(page.get_by_role("button", name="Fullscreen").first).to_be_visible()
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)


@pytest.mark.browser
def test_buy_again_on_quality_changes_the_whole_page(page: Page, url: str, home: Workspace) -> None:
    assess(home, str(home.live_id()))
    words = quality.view(home)
    assert words is not None
    page.goto(f"{url}/quality")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(words.verdict["discover"])
    expect(page.get_by_role("heading", name="For whom it works")).to_be_visible()
    settled(page)
    page.get_by_text("Buy again", exact=True).click()
    expect(heading).to_have_text(words.verdict["again"])
    expect(page.get_by_text("choose Discover above to see them")).to_be_visible()
    expect(page.get_by_role("heading", name="For whom it works")).to_have_count(0)


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
