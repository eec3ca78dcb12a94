"""Names of months and abbreviations of time zones as they stand in exports, and what they mean."""

_MONTH_NAMES: tuple[tuple[str, ...], ...] = (
    ("january", "jan", "januar", "jänner", "janvier", "janv", "enero", "ene", "gennaio", "gen", "januari", "janeiro",
     "stycznia", "styczeń", "sty"),
    ("february", "feb", "februar", "feber", "février", "févr", "fév", "fevrier", "fevr", "febrero", "febbraio",
     "februari", "fevereiro", "fev", "lutego", "luty", "lut"),
    ("march", "mar", "märz", "mrz", "mär", "maerz", "mars", "marzo", "maart", "mrt", "março", "marco", "marca",
     "marzec"),
    ("april", "apr", "avril", "avr", "abril", "abr", "aprile", "kwietnia", "kwiecień", "kwi"),
    ("may", "mai", "mayo", "maggio", "mag", "mei", "maio", "maja", "maj"),
    ("june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho", "czerwca", "czerwiec", "cze"),
    ("july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho", "lipca", "lipiec", "lip"),
    ("august", "aug", "août", "aout", "agosto", "ago", "augustus", "sierpnia", "sierpień", "sie"),
    ("september", "sep", "sept", "septembre", "septiembre", "settembre", "set", "setembro", "września", "wrzesień",
     "wrz"),
    ("october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out", "października",
     "październik", "paź"),
    ("november", "nov", "novembre", "noviembre", "novembro", "listopada", "listopad", "lis"),
    ("december", "dec", "dezember", "dez", "décembre", "déc", "decembre", "diciembre", "dic", "dicembre", "dezembro",
     "grudnia", "grudzień", "gru"),
)  # fmt: skip

MONTHS: dict[str, int] = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names}
"""Name or abbreviation, in lower case, to the number of the month."""

HALVES: dict[str, str] = {
    **dict.fromkeys((
        "vorm", "vormittags", "morgens", "fm", "öö", "de.", "π.μ", "πμ", "ص", "dop", "上午", "午前", "凌晨", "早上",
        "오전",
    ), "am"),
    **dict.fromkeys((
        "nachm", "nachmittags", "abends", "em", "ös", "du.", "μ.μ", "μμ", "م", "下午", "午後", "晚上", "오후", "odp",
    ), "pm"),
}  # fmt: skip
"""Word for a half of the day beside a clock of 12 hours, in lower case, to "am" or "pm"."""

AFTER_ALONE = ("fm", "em")
"""Of these, the words that mean something else before a clock."""

WEEKDAYS_OF_EAST_ASIA = r"星期.|周.|週.|[日月火水木金土]曜日?|[일월화수목금토]요일"
"""Names of weekdays that may stand between a day and a clock: a pattern."""

ZONES: dict[str, int] = {
    "z": 0, "utc": 0, "gmt": 0, "ut": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120, "mez": 60,
    "mesz": 120, "met": 60, "mest": 120, "eet": 120, "eest": 180, "msk": 180, "trt": 180, "sast": 120, "wat": 60,
    "cat": 120, "eat": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480,
    "pdt": -420, "akst": -540, "akdt": -480, "hst": -600, "hdt": -540, "ast": -240, "adt": -180, "nst": -210,
    "ndt": -150, "brt": -180, "brst": -120, "art": -180, "clt": -240, "clst": -180, "pet": -300, "cot": -300,
    "ist": 330, "pkt": 300, "gst": 240, "ict": 420, "wib": 420, "sgt": 480, "hkt": 480, "pht": 480, "awst": 480,
    "kst": 540, "jst": 540, "acst": 570, "acdt": 630, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
}  # fmt: skip
"""Abbreviation of a time zone, in lower case, to minutes ahead of UTC; summer time has names of its own."""

AMBIGUOUS_ZONES: dict[str, str] = {
    "bst": "British Summer Time, an hour ahead of UTC (not Bangladesh)",
    "ist": "Indian Standard Time, 5:30 ahead of UTC (not Israel or Ireland)",
    "cst": "Central Standard Time of North America, 6 hours behind UTC (not China or Cuba)",
    "cdt": "Central Daylight Time of North America, 5 hours behind UTC (not Cuba)",
    "ast": "Atlantic Standard Time, 4 hours behind UTC (not Arabia)",
    "gst": "Gulf Standard Time, 4 hours ahead of UTC (not South Georgia)",
    "mst": "Mountain Standard Time, 7 hours behind UTC (not Malaysia)",
    "pst": "Pacific Standard Time, 8 hours behind UTC (not the Philippines)",
    "est": "Eastern Standard Time of North America, 5 hours behind UTC (not Australia)",
    "edt": "Eastern Daylight Time of North America, 4 hours behind UTC (not Australia)",
    "sst": "Samoa Standard Time",
}
"""Abbreviations that two parts of the world use, to how they are taken here."""
