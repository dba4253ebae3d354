"""What labels mean: roles of columns, indicators of ratings, words of closed lists. All of it is rows of
``data/reference``.

``ratings`` (how a table is recognised), ``column_roles`` (entity, period, number, place, remark …),
``indicators`` (label pattern →
indicator, kind, unit, bounds), ``words`` (levels, stages, statuses). A further rating or indicator is a row
there, never code.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from helpers import paths
from helpers.intake.periods import Mention, find_mentions
from helpers.intake.text import key_text
from helpers.tables import store

ENTITY_ROLES = (
    "region", "federal_agency", "regional_agency", "service_code", "service_name", "point_number", "point_name",
    "life_situation",
)  # fmt: skip
PERIOD_ROLES = ("period", "year", "half", "quarter", "month", "received")
UNKEPT_ROLES = ("number", "place", "growth", "remark", "answer", "federal_district", "question", "unit", "okato")
MAX_LABEL = 160
_STATE = re.compile(
    r"(?:^|[\s(,:/])(до|после)(?: (?:проведения )?(?:оптимизации|реинжиниринга|изменений))?\)?$|^(до"
    r"|после)(?: оптимизации)?\s*[:,-]?\s+|^(было|стало)$"
)
_FLUFF = re.compile(r"^(?:за|по|в|на|итоги|по итогам|данные за)$|[\s,.:;()*]+$|^[\s,.:;()*]+")


@dataclass(frozen=True)
class Indicator:
    """One row of ``indicators.csv``: what a column measures and how its cells are read."""

    rating: str
    name: str
    kind: str
    unit: str
    pattern: re.Pattern[str]
    minimum: float | None
    maximum: float | None
    part_of: str
    default_order: int


@dataclass(frozen=True)
class Rating:
    """One row of ``ratings.csv``."""

    code: str
    entity_types: tuple[str, ...]
    title_pattern: re.Pattern[str]
    file_pattern: re.Pattern[str]


@dataclass(frozen=True)
class Label:
    """Label of a column, taken apart: texts from parent to child without periods, the period mentions, before or
    after.
    """

    texts: tuple[str, ...]
    mentions: tuple[Mention, ...] = ()
    state: str = ""
    raw: str = ""

    def candidates(self) -> tuple[str, ...]:
        """What patterns are tried on: the child, then parent and child together, then parents."""
        if not self.texts:
            return ()
        joined = " / ".join(self.texts)
        return tuple(dict.fromkeys((self.texts[-1], joined, *reversed(self.texts[:-1]))))


@dataclass(frozen=True)
class Vocabulary:
    """All lists, compiled."""

    ratings: tuple[Rating, ...]
    early_roles: tuple[tuple[str, re.Pattern[str]], ...]
    late_roles: tuple[tuple[str, re.Pattern[str]], ...]
    indicators: dict[str, tuple[Indicator, ...]]
    words: dict[str, dict[str, str]]
    known: dict[str, bool] = field(default_factory=dict)

    def role(self, label: Label, stage: str) -> str:
        """Role of a label among those tried before (``early``) or after (``late``) the indicators; empty for none."""
        rules = self.early_roles if stage == "early" else self.late_roles
        for candidate in label.candidates():
            for role, pattern in rules:
                if pattern.search(candidate):
                    return role
        return ""

    def indicator(self, label: Label, rating: str) -> Indicator | None:
        """Indicator of a rating that a label names, ``None`` for none."""
        for candidate in label.candidates():
            for rule in self.indicators.get(rating, ()):
                if rule.pattern.search(candidate):
                    return rule
        return None

    def is_label(self, text: str) -> bool:
        """Could this text be a label of a column: a role, an indicator of any rating, «до», «после»?"""
        if text not in self.known:
            self.known[text] = self._is_label(text)
        return self.known[text]

    def _is_label(self, text: str) -> bool:
        plain = text.strip()
        if not plain or len(plain) > MAX_LABEL or not re.search(r"[^\W\d_]|№|#|%", plain):
            return False
        label = split_label((plain,))
        if label.state and not label.texts:
            return True
        if not label.texts or re.search(r"\d{2}", label.texts[-1]):
            return False
        one = Label(label.texts[-1:])
        return bool(
            self.role(one, "early")
            or self.role(one, "late")
            or any(self.indicator(one, rating.code) for rating in self.ratings)
        )


def split_label(path: tuple[str, ...]) -> Label:
    """Take the texts of a header path (parent to child) apart."""
    texts, mentions, state = [], [], ""
    for text in path:
        found, rest = find_mentions(text)
        mentions += [mention for mention in found if mention not in mentions]
        rest = _FLUFF.sub("", _FLUFF.sub("", rest)).strip()
        match = _STATE.search(rest)
        if match:
            word = next(group for group in match.groups() if group)
            state = {"до": "before", "было": "before", "после": "after", "стало": "after"}[word]
            rest = _FLUFF.sub("", (rest[: match.start()] + " " + rest[match.end() :]).strip()).strip()
        if rest:
            texts.append(rest)
    return Label(tuple(texts), tuple(mentions), state, " / ".join(path))


def load() -> Vocabulary:
    """Vocabulary of the reference folder in use."""
    return _load(str(paths.root()))


@lru_cache(maxsize=8)
def _load(folder: str) -> Vocabulary:
    ratings = tuple(
        Rating(
            row["rating"],
            tuple(row["entity_types"].split(";")),
            re.compile(row["title_pattern"]),
            re.compile(row["file_pattern"]),
        )
        for row in store.reference("ratings").to_dict("records")
    )
    roles = store.reference("column_roles").to_dict("records")
    staged = {
        stage: tuple((row["role"], re.compile(row["pattern"])) for row in roles if row["stage"] == stage)
        for stage in ("early", "late")
    }
    indicators: dict[str, list[Indicator]] = {}
    for row in store.reference("indicators").to_dict("records"):
        rule = Indicator(
            row["rating"], row["indicator"], row["kind"], row["unit"], re.compile(row["pattern"]),
            _number(row["minimum"]),
            _number(row["maximum"]), row["part_of"], int(row["default_order"] or 0),
        )  # fmt: skip
        indicators.setdefault(rule.rating, []).append(rule)
    words: dict[str, dict[str, str]] = {}
    for row in store.reference("words").to_dict("records"):
        words.setdefault(row["kind"], {})[key_text(row["word"])] = row["value"]
    return Vocabulary(ratings, staged["early"], staged["late"], {k: tuple(v) for k, v in indicators.items()}, words)


def _number(text: str) -> float | None:
    return float(text) if text else None
