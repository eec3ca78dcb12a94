# ruff: noqa: E501  # rows as they stand in files
"""Times in parts and in the words of many countries: a day and an hour, year, month and day, halves of the day."""

from datetime import datetime

import pytest

from recsys.ingest.cells.any_time import any_time
from tests.ingest.test_cases import EVENTS, PLAIN, START, run, taken, text

HALVES = {
    "03.01.2024 10:30 vorm.": "10:30", "03.01.2024 04:36 nachm.": "16:36", "03/01/2024 04:36 p.\u00a0m.": "16:36",
    "3/1/2024 4:36\u202fp.\u202fm.": "16:36", "3/1/2024 12:05 a. m.": "00:05", "2024/1/3 下午 4:36": "16:36",
    "2024/1/3 上午4:36": "04:36", "2024年1月3日 星期三 下午4:36": "16:36", "2024. 1. 3. 오후 4:36": "16:36",
    "2024년 1월 3일 오전 4시 36분": "04:36", "2024/01/03 午後4:36": "16:36", "3/1/2024 4:36 μ.μ.": "16:36",
    "03.01.2024 ÖS 4:36": "16:36", "2024. 01. 03. du. 4:36": "16:36", "2024-01-03 4 PM": "16:00", "2024-01-03 16 Uhr": "16:00",
    "2024-01-03 16時36分": "16:36", "20240103 16:36": "16:36", "03/01/2024 em 16:36": "16:36", "2024-01-03 1636": None,
    "03/01/2024 04:36 अपराह्न": None,
}  # fmt: skip


@pytest.mark.parametrize("written", HALVES)
def test_halves_of_the_day_in_many_languages(written):
    found = any_time(written, day_first=True)
    wanted = HALVES[written]
    assert (found and f"{found:%Y-%m-%d %H:%M}") == (wanted and f"2024-01-03 {wanted}")


H, M = START.replace(minute=0, second=0), START.replace(second=0)
PARTS = {
    "date and hour": ("order_date,order_hour", lambda t: f"{t:%Y-%m-%d},{t.hour}", H),
    "hour with a point": ("order_date,order_hour_of_day", lambda t: f"{t:%Y-%m-%d},{t.hour}.0", H),
    "German": ("Datum,Uhrzeit", lambda t: f"{t:%d.%m.%Y},{t:%H:%M} Uhr", M),
    "German halves": ("Datum,Uhrzeit", lambda t: f"{t:%d.%m.%Y},{t:%I:%M} {'nachm.' if t.hour > 11 else 'vorm.'}", M),
    "a day at midnight": ("date,time", lambda t: f"{t:%Y-%m-%d} 00:00:00,{t:%H:%M:%S}", START),
    "SAP": ("ERDAT,ERZET_TIME", lambda t: f"{t:%Y%m%d},{int(f'{t:%H%M%S}')}", START),
    "a till": ("date,trans_time", lambda t: f"{t:%m/%d/%Y},{int(f'{t:%H%M}')}", M),
    "twelve hours": ("date,time", lambda t: f"{t:%m/%d/%Y},{t:%I:%M %p}", M),
    "another clock beside": ("order_date,delivery_time,order_time", lambda t: f"{t:%Y-%m-%d},08:00,{t:%H:%M}", M),
    "year month day": ("year,month,day", lambda t: f"{t.year},{t.month},{t.day}", datetime(2024, 1, 3)),
    "with the hour": ("order_year,order_month,order_day,order_hour", lambda t: f"{t.year},{t.month},{t.day},{t.hour}", H),
    "names of months": ("Jahr,Monat,Tag", lambda t: f"{t.year},{('Januar', 'Februar', 'März', 'April', 'Mai', 'Juni')[t.month - 1]},{t.day}", datetime(2024, 1, 3)),
    "year and month": ("year,month", lambda t: f"{t.year},{t.month}", datetime(2024, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_times_in_several_columns(tmp_path, name):
    header, written, first = PARTS[name]
    content = text(*(f"{u},{i},{written(t)}" for u, i, t in EVENTS), header=f"user_id,item_id,{header}")
    report, dataset = run(tmp_path, {"events.csv": content})
    assert report["rows"]["used"] == 80, report["rejected"]
    assert dataset.events["timestamp"].min() == first, taken(report)
    assert [x for x, y in taken(report).items() if y != "timestamp"][2:] == (
        ["delivery_time"] if "delivery" in header else []
    )


def test_a_year_of_publication_is_no_time_and_a_date_goes_before_its_parts(tmp_path):
    lines = [f"{x},{x[-8:]},1999,{1 + n % 12},{1 + n % 28}" for n, x in enumerate(PLAIN)]
    report, dataset = run(
        tmp_path,
        {"events.csv": text(*lines, header="user_id,item_id,timestamp,shift_time,release_year,month,day")},
    )
    assert dataset.events["timestamp"].min() == START
    assert taken(report)["release_year"] is None and taken(report)["day"] is None


@pytest.mark.parametrize(
    ("header", "more"),
    [("order_date,opening_hour", "8"), ("order_date,hours_since_last", "1"), ("order_date,ship_date,ship_time", "2024-07-01,10:00"), ("order_date,model_year,month", "2020,5")],
)  # fmt: skip
def test_hours_and_clocks_of_something_else_complete_no_day(tmp_path, header, more):
    content = text(*(f"{u},{i},{t:%Y-%m-%d},{more}" for u, i, t in EVENTS), header=f"user_id,item_id,{header}")
    report, dataset = run(tmp_path, {"events.csv": content})
    assert dataset.events["timestamp"].min() == datetime(2024, 1, 3), taken(report)
