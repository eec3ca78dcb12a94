"""Data: which datasets there are and what is in them; bring another one, from a file to a dataset ready to train on."""

import streamlit as st

from pages import choosing, shared, tables
from recsys.charts import data as charts_data
from recsys.errors import InsiderError
from recsys.services import datasets
from recsys.services.jobs import cancel_job
from recsys.storage.jobs import Job
from recsys.utils import formatting as fmt
from recsys.views import data as data_view
from recsys.views import glossary
from recsys.views.home import overview
from recsys.views.page_words import PART_TITLES, report_label, report_value

PARTS = {
    "events": (
        PART_TITLES["events"],
        "Who did what: one row per purchase, view or rating. The only part that is needed.",
    ),
    "items": (PART_TITLES["items"], "Titles, categories, brands, prices. Optional."),
    "users": (PART_TITLES["users"], "What is known of them: age group, region. Optional."),
}
UPLOAD, SERVER = "Upload files", "Files of the server"
SEPARATORS = {None: "Found out", ",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe", " ": "Blank"}

home = shared.workspace()
state = st.session_state


def uploaded(part: str) -> list[str]:
    """Paths of the files in an uploader; each is written to disk once, and again when an import has used it up."""
    kept = state.setdefault("kept_uploads", {})
    title, meaning = PARTS[part]
    key = f"files_{part}_{state.get('stored_here', 0)}"
    files = st.file_uploader(title, accept_multiple_files=True, key=key, help=meaning) or []
    for file in files:
        kept[file.file_id] = str(datasets.keep_upload(home, file.name, file, kept.get(file.file_id)))
    return [kept[file.file_id] for file in files]


def of_server(part: str) -> list[str]:
    """Paths chosen among the files below the allowed folder, or typed."""
    title, meaning = PARTS[part]
    chosen = st.multiselect(
        title, datasets.files_of_server(), accept_new_options=True, key=f"server_{part}", help=meaning,
        placeholder="Choose, or type a folder or *.csv",
            filter_mode="contains", select_all=False,
        )  # fmt: skip
    return [datasets.allowed_path(path) for path in chosen]


def choose_files() -> dict[str, list[str]]:
    """The files of each part, from one of the two ways in."""
    way = st.segmented_control("From", [UPLOAD, SERVER], default=UPLOAD, required=True, key="way")
    if way == SERVER:
        shared.describe(f"Files below {datasets.allowed_folder()} on the machine that runs Insider.")
    with st.grid(3, min_column_width=240, gap="small") as grid:
        found = {}
        for part in PARTS:
            with grid.cell():
                found[part] = uploaded(part) if way == UPLOAD else of_server(part)
    return found


def reading_panel() -> dict:
    """What the program finds out by itself about how files are written, for where it does not."""
    with st.expander("How the files are written", icon=":material/description:"):
        shared.describe("Found out from the files. Say it here only where the preview below is wrong.")
        with st.grid(4, min_column_width=170, gap="small") as grid:
            with grid.cell():
                encoding = st.text_input(
                    "Encoding",
                    key="encoding",
                    placeholder="Found out",
                    help="UTF-8, Latin-1, cp1252, cp437 ...",
                )
            with grid.cell():
                separator = st.selectbox("Separator", list(SEPARATORS), format_func=SEPARATORS.get, key="separator")
            with grid.cell():
                skip = st.number_input(
                    "Lines above the header", 0, 1000, None, key="skip", placeholder="Found out",
                    help="Titles and comments above the line that names the columns.",
                )  # fmt: skip
            with grid.cell():
                sheet = st.text_input("Sheet", key="sheet", placeholder="The first with a table", help="Of a workbook.")
    return {"encoding": encoding.strip(), "separator": separator, "skip": skip, "sheet": sheet.strip()}


def files_panel(look: data_view.Inspection) -> dict[tuple[str, str], str | None]:
    """Each part with its files as they are written, and for every column what it is to be taken for."""
    chosen: dict[tuple[str, str], str | None] = {}
    parts = [part for part in PARTS if any(file.part == part for file in look.files)]
    for tab, part in zip(st.tabs([PARTS[part][0] for part in parts]), parts, strict=True):
        with tab:
            for file in look.files:
                if file.part == part:
                    preview(file)
            chosen |= mapping_panel(look, part)
    return chosen


def mapping_panel(look: data_view.Inspection, part: str) -> dict[tuple[str, str], str | None]:
    """A box for every column of a part, set to what it was recognised as."""
    columns, meanings = data_view.columns_of(look, part), data_view.fields(part)
    unused = [column.name for column in columns if column.taken_as is None]
    st.markdown("**What each column is**")
    if unused:
        shared.describe(f"Not used unless you say what they are: {', '.join(unused)}.")
    chosen: dict[tuple[str, str], str | None] = {}
    options = [None, *meanings]
    all_meanings = "; ".join(f"{fmt.label(field)}: {meaning}" for field, meaning in meanings.items())
    mark = hash(tuple(column.name for column in columns))
    with st.grid(4, min_column_width=220, gap="small") as grid:
        for column in columns:
            with grid.cell():
                taken = st.selectbox(
                    shared.plain(column.name), options, index=options.index(column.taken_as),
                    format_func=lambda field: "Not used" if field is None else fmt.label(field),
                    key=f"as_{part}_{column.name}_{column.taken_as}_{mark}", help=all_meanings,
                )  # fmt: skip
                chosen[part, column.name] = taken
                values = ", ".join(fmt.shortened(value, 24) for value in column.values[:3])
                why = column.because if taken == column.taken_as else "as you said"
                st.caption(shared.plain(f"{values} ({why})" if values else f"Empty ({why})"))
    return chosen


def options_panel(look: data_view.Inspection) -> dict:
    """Weights and filters."""
    found: dict = {}
    with st.expander("Weights and filters", icon=":material/tune:"):
        if look.kinds:
            shared.describe("How much an event of each kind counts; 0 leaves the kind out.")
            with st.grid(4, min_column_width=150, gap="small") as grid:
                for kind, weight in look.kinds.items():
                    with grid.cell():
                        found.setdefault("weights", {})[kind] = st.number_input(
                            shared.plain(kind), 0.0, 1000.0, weight, step=1.0, key=f"weight_{kind}"
                        )
        with st.grid(3, min_column_width=220, gap="small") as grid:
            with grid.cell():
                found["min_users"] = st.number_input(
                    "Leave out products with fewer shoppers than", 1, 1000, 1, key="min_users"
                )
            with grid.cell():
                found["min_items"] = st.number_input(
                    "Leave out shoppers with fewer products than", 1, 1000, 1, key="min_items"
                )
            with grid.cell():
                found["drop_duplicates"] = st.checkbox(
                    "Count equal rows once", key="once",
                    help="Rows that are equal in everything: for exports that overlap. Without it each is an event.",
                )  # fmt: skip
                found["anyway"] = st.checkbox(
                    "Store it although files do not fit together", key="anyway",
                    help="Otherwise an import ends before anything is stored when the catalogue, or the customers, "
                    "share no ids with the events.",
                )  # fmt: skip
    return found


def preview(file: data_view.FileInspection) -> None:
    """The first rows of a file, as they are written."""
    shared.describe(f"{file.name}: read as {file.written}. The first rows:")
    for note in file.notes:
        st.warning(shared.said(note[:1].upper() + note[1:]), icon=":material/info:")
    tables.show(file.rows, height=220, placeholder="", alt=f"First rows of {file.name}")


def question(look: data_view.Inspection) -> str | None:
    """Asks what no row settles: day or month first; the form of the times, once it is answered."""
    shared.describe("No row of the file tells whether the day or the month comes first.")
    return st.radio(
        "Which is it?", list(look.question), format_func=lambda form: shared.plain(look.question[form]), index=None,
        key=f"form_{'|'.join(look.question)}",
    )  # fmt: skip


def verdict(look: data_view.Inspection) -> None:
    """What the first rows tell."""
    if look.problem:
        st.error(shared.said(look.problem), icon=":material/error:")
    else:
        st.success(shared.plain(". ".join(look.facts) + "."), icon=":material/check_circle:")
    if look.warnings:
        st.warning(shared.said("; ".join(look.warnings)), title="Of the first rows", icon=":material/warning:")


def bring(*, busy: bool) -> None:
    """The way from files to the button."""
    files = choose_files()
    if not files["events"]:
        st.caption("Nothing is stored until you press Import.")
        return
    reading = reading_panel()
    look = data_view.look(data_view.plan_of("new", files, {}, **reading))
    mapping = data_view.stated(look, files_panel(look))
    reading["timestamp_format"] = st.text_input(
        "Form of the times", key="times", width=260, placeholder="Found out",
        help="Only where they are not read right: %d/%m/%Y %H:%M for 31/12/2024 18:30; s or ms for seconds or "
        "milliseconds since 1970.",
    ).strip()  # fmt: skip
    tried = data_view.look(data_view.plan_of("new", files, mapping, **reading))
    if tried.question:
        reading["timestamp_format"] = question(tried)
        if reading["timestamp_format"]:
            tried = data_view.look(data_view.plan_of("new", files, mapping, **reading))
    if not tried.question:
        verdict(tried)
    options = options_panel(tried)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typed = st.text_input("Name of the dataset", "shop", key="new_name", width=260, max_chars=60)
        name = data_view.folder_name(typed)
        ready = not tried.problem and bool(name) and not busy
        if st.button("Import", type="primary", icon=":material/download:", disabled=not ready):
            plan = data_view.plan_of(name, files, mapping, **reading, **options)
            state.import_run = datasets.start_import(home, plan).id
            state.wanted_dataset = plan.name
            st.rerun()
    if name and name != typed.strip():
        st.caption(shared.plain(f"It will be stored as “{name}”."))
    if name in home.datasets() and not busy:
        st.caption(shared.plain(f"A dataset “{name}” is stored already; it will be replaced when all went well."))


@st.fragment(run_every=shared.REFRESH_SECONDS)
def follow(run_id: int) -> None:
    """How far an import is, until it ends."""
    run = home.job_store.get(run_id)
    if not run.active:
        if run.state == "done" and run_id == state.get("import_run"):
            state.stored_here = state.get("stored_here", 0) + 1
            state.just_stored = True
        st.rerun()
    st.progress(run.fraction, text=shared.plain(f"“{run.dataset}”: {run.step}"))
    shared.describe(overview.progress_words(run) or "Starting up")
    if st.button("Cancel", icon=":material/cancel:", key="cancel_import"):
        cancel_job(home, run_id)


def ended(run: Job) -> None:
    """How an import ended."""
    if run.state == "done":
        st.success(shared.plain(f"“{run.dataset}” is stored and ready to train on."), icon=":material/check_circle:")
        st.page_link("train.py", label="Train a model on it", icon=":material/tune:")
    elif run.state == "failed":
        st.error(shared.said(run.message), title="Nothing was imported", icon=":material/error:")
    else:
        st.info("The import was cancelled; nothing was stored.", icon=":material/cancel:")


def show(name: str) -> None:
    """One dataset: its report in words and charts, its rejects, and the way to be rid of it."""
    found = datasets.stored(home, name)
    st.header(shared.plain(name), anchor=False)
    if found.report:
        with st.grid(2 if found.report["tree"] else 1, min_column_width=330, gap="small") as grid:
            with grid.cell(), st.container(border=True, height="stretch"):
                shared.describe("How demand is spread over the products; the dotted line would be evenly.")
                st.plotly_chart(charts_data.long_tail(found.report["long_tail"]), config=shared.STILL, key="tail",
                                alt="Share of the pairs that bestsellers make")  # fmt: skip
                if not found.report["tree"]:
                    shared.describe(
                        "No categories: every product stands for itself. Add a file of products to recommend new ones."
                    )
            if found.report["tree"]:
                with grid.cell(), st.container(border=True, height="stretch"):
                    shared.describe("Categories by pairs of shopper and product.")
                    st.plotly_chart(charts_data.category_tree(found.report["tree"]), config=shared.STILL, key="tree",
                                    alt="Categories, sized by pairs of shopper and product")  # fmt: skip
    with st.grid(min(len(found.sections), 2), min_column_width=330, gap="small") as grid:
        for section in found.sections:
            with grid.cell(), st.container(border=True, height="stretch"):
                st.markdown(f"**{shared.plain(report_label(section.title))}**")
                facts = {report_label(key): report_value(value, section.title) for key, value in section.facts}
                st.table({shared.plain(key): shared.plain(value) for key, value in facts.items()}, border="horizontal")
    if found.report and found.report["rejected"]["first"]:
        with st.expander("Rejected rows", icon=":material/block:"):
            tables.show(
                found.report["rejected"]["first"], alt="The first rejected rows",
                column_config={
                    "file": st.column_config.TextColumn("File"),
                    "line": st.column_config.NumberColumn("Line", format="localized"),
                    "reason": st.column_config.TextColumn("Reason"),
                    "value": st.column_config.TextColumn("Value", width="large"),
                },
            )  # fmt: skip
            if found.rejects:
                st.download_button(
                    "All of them (CSV)", found.read_rejects, file_name=f"{name}-rejects.csv", key="rejects",
                    icon=":material/download:", mime="text/csv", on_click="ignore",
                )  # fmt: skip
    with st.popover("Delete", icon=":material/delete:"):
        shared.describe(found.warning)
        typed = st.text_input("Type its name to delete it", key=f"delete_{name}", disabled=not found.may_go)
        if st.button("Delete for good", disabled=typed != name, type="primary"):
            datasets.delete_dataset(home, name)
            st.rerun()


st.title("Data", anchor=False)
shared.describe(
    "What models learn from. Bring a shop's own events as they were exported; they are checked and explained."
)

under_way = datasets.import_under_way(home)
stored = datasets.datasets(home)
mine = home.job_store.get(state.import_run) if "import_run" in state else None
if under_way and (mine is None or mine.id != under_way.id):
    mine = under_way
done = mine is not None and mine.state == "done" and mine.dataset in home.datasets()
with st.expander("Bring your own data", icon=":material/upload:", expanded=not stored or not done):
    try:
        bring(busy=under_way is not None)
    except InsiderError as error:
        st.error(shared.said(error), icon=":material/error:")
    if mine and mine.active:  # below the button: there they are looking
        follow(mine.id)
    elif mine and mine.state != "done":
        ended(mine)
if done:
    ended(mine)
    if state.pop("just_stored", False):  # in view wherever they have scrolled to
        st.toast(shared.plain(f"“{mine.dataset}” is stored"), icon=":material/check_circle:")

if stored:
    names = [entry["name"] for entry in stored]
    if state.get("wanted_dataset") in names:
        state.dataset_shown = state.pop("wanted_dataset")
    (shown,) = choosing.chosen(
        datasets.table(stored), names, key="dataset_shown", label="Look at",
        alt="Stored datasets, newest first; select one to see what is in it",
        column_config={
            "name": st.column_config.TextColumn("Dataset", pinned=True, width=160),
            "events": st.column_config.NumberColumn("Events", format="localized", help=glossary.meaning("event")),
            "users": st.column_config.NumberColumn("Shoppers", format="localized", help=glossary.meaning("shopper")),
            "items": st.column_config.NumberColumn("Products", format="localized", help=glossary.meaning("product")),
            "period": st.column_config.TextColumn("Period"),
            "size": st.column_config.NumberColumn("Size", format="%.2f MB"),
            "models": st.column_config.NumberColumn("Models", help="How many stored models were trained on it."),
            "live": st.column_config.CheckboxColumn("Live", help="The live model was trained on it."),
        },
    )  # fmt: skip
    show(shown)
else:
    st.info("No dataset is stored yet.", icon=":material/database:")
