"""Names of columns of categories in eight languages, and which of them is wider where their content does not tell."""

import re

_CATEGORY = re.compile(
    r"(?:product|item|main|sub|top|google|googleproduct|parent|root|default|primary|first|second|third|level\d?|l\d|haupt|unter|"
    r"produkt|artikel|sous|produit)*(?:category|categories|categorie|kategorie|kategorien|categoria|categorias|kategoria|"
    r"categoryname|categoryid|cat)(?:name|path|code|id|level|lvl|l|english|nameenglish|tree|title|slug)?\d*(?:name|code|id)?"
)
CATEGORY_WORDS = (
    "department", "departmentname", "dept", "deptname", "division", "section", "sectionname", "aisle", "commodity",
    "commoditydesc", "subcommodity", "subcommoditydesc", "departmentdesc", "productgroup", "productgroupname",
    "itemgroup", "group", "groupname", "family", "familyname", "class", "classname", "subclass", "subclassname",
    "productsubclass", "producttype", "producttypename", "itemtype", "type", "genre", "genres", "collection",
    "segmentname", "theme", "line", "productline", "assortment", "indexname", "indexgroupname", "garmentgroupname",
    "categorycode", "subcategory", "warengruppe", "artikelgruppe", "produktgruppe", "rubrik", "abteilung", "sortiment",
    "rayon", "famille", "sousfamille", "gamme", "departamento", "seccion", "familia", "subfamilia", "tipo", "reparto",
    "famiglia", "gruppo", "afdeling", "productgroep", "groep", "soort", "secao", "grupo", "dzial", "grupa", "rodzaj",
    "typ", "gatunek",
)  # fmt: skip
NO_CATEGORIES = frozenset((
    "simple", "variable", "variation", "configurable", "bundle", "grouped", "virtual", "downloadable", "track",
    "identify", "page", "screen", "event", "product", "default", "physical", "digital",
))  # fmt: skip
"""Words for the make of a record, in a column named like one of categories."""

WIDTHS = (
    ("department", "departmentname", "maincategory", "productgroupname", "division", "abteilung", "topcategory"),
    ("category", "categories", "categoryname", "productcategory", "categorycode", "categoryid", "class", "aisle"),
    ("subcategory", "type", "producttype", "producttypename", "subclass", "productsubclass"),
)  # fmt: skip
"""Order of category columns where their content does not tell it, widest first."""


def is_category(name: str) -> bool:
    """Whether a `simple` name is one of categories."""
    stem = re.sub(r"(id|name|code|no)$", "", name)
    return name in CATEGORY_WORDS or stem in CATEGORY_WORDS or bool(_CATEGORY.fullmatch(name))
