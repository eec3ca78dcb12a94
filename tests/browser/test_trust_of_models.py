"""What a merchandiser relies on in a real browser where models are compared, chosen and drawn, and on the map."""

import pytest
from playwright.sync_api import Page, expect

from recsys.item_map.figure import DIMMED
from recsys.services.quality_assessment import assess
from recsys.services.workbench.expectations import Expectation, Expectations
from recsys.services.workspace import Workspace
from recsys.utils import palette
from recsys.views import quality
from tests.accessibility import settled
from tests.browser.conftest import N_ITEMS, PICTURES, Trust
from tests.conftest import SMALL_RECIPE


@pytest.mark.browser
def test_before_a_promotion_one_sentence_says_what_will_change(page: Page, trust: Trust) -> None:
    Expectations(trust.home.database).save(Expectation("Nobody", user="u003", must_show=("no such product",)))
    page.goto(f"{trust.url}/models?model={trust.other}")
    page.get_by_role("button", name="Promote").click()
    dialog = page.get_by_role("dialog")
    sentence = dialog.locator("strong").first
    for words in ("ccuracy", "NDCG", "catalogue coverage", "of shoppers get another list", "no expectation is newly"):
        expect(sentence).to_contain_text(words)
    expect(dialog.get_by_text("The live model fails here as well").first).to_be_attached()
    expect(dialog.get_by_test_id("stAlert").filter(has_text="Nobody")).to_have_count(0)

    page.goto(f"{trust.url}/models?model={trust.twin}")
    page.get_by_role("button", name="Promote").click()
    expect(dialog.get_by_test_id("stAlert").filter(has_text="Nothing will change")).to_be_visible()
    expect(dialog.get_by_role("button", name="Make it live")).to_be_disabled()
    expect(dialog.get_by_test_id("stDataFrame")).to_have_count(0)
    assert trust.home.live_id() not in (trust.other, trust.twin)


@pytest.mark.browser
def test_trainings_are_called_by_their_numbers(page: Page, url: str, home: Workspace) -> None:
    one, other = (f"Training {training.id}" for training in home.training_runs.all()[-2:])
    page.goto(f"{url}/runs?trainings={one.replace(' ', '+')}&trainings={other.replace(' ', '+')}")
    expect(page.get_by_text("Only what differs.")).to_be_visible()
    settled(page)
    expect(page.get_by_text(f"{other} against {one}", exact=False)).to_be_visible()
    expect(page.get_by_role("region", name=f"{one} and {other}, by metric")).to_be_visible()
    expect(page.get_by_role("region", name="Live and This")).to_have_count(0)

    # Another table does not choose another training.
    page.get_by_label("Find").fill(one.split()[1])
    page.get_by_label("Find").press("Enter")
    settled(page)
    chosen = page.get_by_test_id("stMultiSelect").filter(has_text="Look at, or compare").locator("span[title]")
    assert chosen.evaluate_all("tags => tags.map(tag => tag.title)") == [one, other]


@pytest.mark.browser
def test_a_running_training_is_said_to_run(page: Page, url: str, home: Workspace) -> None:
    data = home.dataset("trust")
    with home.training_runs.recording("trust", data.fingerprint, SMALL_RECIPE, seed=3, source="page") as record:
        page.goto(f"{url}/runs?trainings=Training+{record.id}")
        expect(page.get_by_text("It is running; its first pass is not measured yet.")).to_be_visible()
        settled(page)
        expect(page.get_by_text("ended before")).to_have_count(0)
        record.ended("cancelled", "")


@pytest.mark.browser
def test_a_shopper_stands_out_on_the_map_and_the_pointer_shows_pictures(page: Page, url: str) -> None:
    page.goto(f"{url}/map?colour=department&shopper=u001")
    page.locator(".js-plotly-plot .legend").first.wait_for()
    settled(page)
    traces = page.evaluate(
        "() => document.querySelector('.js-plotly-plot')._fullData.map(t => ({name: t.name, colour: t.marker?.color}))"
    )
    own = [trace for trace in traces if "u001" in trace["name"] or "Recommended" in trace["name"]]
    rest = [trace for trace in traces if "(" in trace["name"]]
    assert own
    assert rest
    dimmed = {palette.towards(colour, "#FFFFFF", DIMMED) for colour in palette.CATEGORIES}
    assert {trace["colour"] for trace in rest} <= dimmed
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
def test_the_map_of_an_identical_model_has_not_moved_and_what_is_unchanged_is_quiet(page: Page, trust: Trust) -> None:
    page.goto(f"{trust.url}/map?below=compare&other={trust.twin}")
    expect(page.get_by_text("The two models are identical", exact=False).first).to_be_visible()
    expect(page.get_by_text("no product has moved", exact=False).first).to_be_visible()
    page.goto(f"{trust.url}/map?colour=trend")
    page.locator(".js-plotly-plot").first.wait_for()
    settled(page)
    scale = page.evaluate(
        "() => document.querySelector('.js-plotly-plot')._fullData.find(t => t.marker?.showscale).marker.colorscale"
    )
    loud = [max(rgb) - min(rgb) for rgb in ([int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in scale)]
    assert loud.index(min(loud)) == len(loud) // 2


@pytest.mark.browser
def test_a_rule_of_too_many_products_is_refused_before_it_is_pressed(page: Page, url: str) -> None:
    page.goto(f"{url}/map?area=-2,-2+2,-2+2,2+-2,2")
    page.get_by_role("button", name="Make a rule").click()
    expect(page.get_by_text(f"and {N_ITEMS} are selected; select fewer.")).to_be_visible()
    expect(page.get_by_role("button", name="Store the rule set")).to_be_disabled()


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
