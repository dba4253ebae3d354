"""Truth of the demonstration world: seeded ratings of 89 regions and the federal bodies.

Only means, spreads and counts of groups resemble what was published; no region or body is given its own value.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.synthetic.names import DOCUMENTS, LIFE_SITUATIONS, PROCESSES, REGIONAL_BODIES
from helpers.tables import store

INDEX_PERIODS = ("2023", "2024-H1", "2024", "2025-H1")
QUESTIONNAIRE_PERIODS = ("2024-H1", "2025-H1")
# mean and spread of the regional index: 47 % was about the tenth place of 2023, leaders near 57
INDEX_MEAN = {"2023": 40.0, "2024-H1": 50.0, "2024": 54.5, "2025-H1": 60.5}
INDEX_SPREAD = 7.5
FEDERAL_MEAN = {"2023": 49.5, "2024": 56.0, "2025-H1": 60.0}
FEDERAL_SPREAD = 11.0
STAGES = ((25.0, "начальный"), (45.0, "базовый"), (70.0, "продвинутый"), (101.0, "лидирующий"))
MFC_PARTS = {"access": 25.0, "quality": 25.0, "client": 20.0, "digital": 20.0, "support": 10.0}
MFC_HIGH, MFC_MEDIUM = 80.0, 60.0
# regions in the high, medium and low group; four more take part from 2025
MFC_GROUPS = {
    "2023-Q1": (47, 33, 5),
    "2023-Q2": (49, 32, 4),
    "2023-Q3": (51, 32, 2),
    "2023-Q4": (63, 22, 0),
    "2024-Q1": (60, 24, 1),
    "2024-Q2": (62, 22, 1),
    "2024-Q3": (61, 24, 0),
    "2024-Q4": (65, 20, 0),
    "2025-Q1": (62, 22, 5),
    "2025-Q2": (64, 22, 3),
}
MFC_SHIFT = {"high": (80.6, 97.5), "medium": (60.6, 79.4), "low": (46.0, 59.4)}
FEEDBACK_SHARES = {5: 0.76, 4: 0.18, 3: 0.03, 2: 0.015, 1: 0.015}
FEEDBACK_THEMES = {9: 41, 10: 46, 11: 51, 12: 56, 13: 61}


@dataclass(frozen=True)
class World:
    """Everything that the raw files are printed from.

    Attributes
    ----------
    regions
        region_iso, name, genitive, district, okato, in_2023 (took part in 2023), ability (standard normal).
    questionnaires
        region_iso, body, period, process, question, points, max_points, answer; ``не применимо`` has no points.
    index
        region_iso, period, index (per cent, two decimals), stage; the half-years are the mean of the bodies.
    bodies
        short_name and full_name of every federal body.
    federal
        body, period, index (per cent, one decimal).
    mfc
        region_iso, period, level and, from 2024, the five parts and ``total`` (points, one decimal).
    roadmap
        body, point, plan, fact (date or None), status.
    curators
        region_iso, period, services, with_curator.
    situations
        code, name, launched, n_services, documents and visits before and after, days before and after.
    situation_documents
        code (of the situation), service, document_code, document, is_kept (asked for after the launch too).
    feedback
        order, region_iso, okato, received, and one score 1–5 per indicator id.
    """

    regions: pd.DataFrame
    questionnaires: pd.DataFrame
    index: pd.DataFrame
    bodies: pd.DataFrame
    federal: pd.DataFrame
    mfc: pd.DataFrame
    roadmap: pd.DataFrame
    curators: pd.DataFrame
    situations: pd.DataFrame
    situation_documents: pd.DataFrame
    feedback: pd.DataFrame


def draw(seed: int) -> World:
    """The world of a seed."""
    regions = _regions(np.random.default_rng([seed, 1]))
    bodies = store.reference("agencies")[["short_name", "full_name"]]
    documents = _situation_documents(np.random.default_rng([seed, 10]))
    questionnaires = _questionnaires(regions, np.random.default_rng([seed, 2]))
    return World(
        regions=regions,
        questionnaires=questionnaires,
        index=_index(regions, questionnaires, np.random.default_rng([seed, 3])),
        bodies=bodies,
        federal=_federal(bodies, np.random.default_rng([seed, 4])),
        mfc=_mfc(regions, np.random.default_rng([seed, 5])),
        roadmap=_roadmap(bodies, np.random.default_rng([seed, 6])),
        curators=_curators(regions, np.random.default_rng([seed, 7])),
        situations=_situations(documents, np.random.default_rng([seed, 8])),
        situation_documents=documents,
        feedback=_feedback(regions, np.random.default_rng([seed, 9])),
    )


def _regions(rng: np.random.Generator) -> pd.DataFrame:
    table = store.reference("regions")
    return pd.DataFrame(
        {
            "region_iso": table["iso_3166_2"],
            "name": table["name_ru_official"],
            "genitive": table["genitive_ru"],
            "short": table["name_ru_short"],
            "district": table["federal_district"],
            "okato": table["okato"],
            "in_2023": table["in_mfc_rating_2023"].eq("1"),
            "ability": rng.standard_normal(len(table)),
        }
    )


def _questionnaires(regions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Answers of every body: points follow the body's level, a few questions do not apply."""
    rows = []
    for region in regions.itertuples():
        for body in REGIONAL_BODIES:
            offset = rng.normal(0, 6)
            for period in QUESTIONNAIRE_PERIODS:
                level = INDEX_MEAN[period] + INDEX_SPREAD * region.ability + offset + rng.normal(0, 2.5)
                rows += [
                    (region.region_iso, body, period, process, question, *_answer(level, rng))
                    for process, questions in enumerate(PROCESSES.values(), 1)
                    for question in range(1, len(questions) + 1)
                ]
    columns = ["region_iso", "body", "period", "process", "question", "points", "max_points", "answer"]
    return pd.DataFrame(rows, columns=columns)


def _answer(level: float, rng: np.random.Generator) -> tuple[float | None, int, str]:
    maximum = int(rng.choice([5, 10, 10]))
    if rng.random() < 0.03:
        return None, maximum, "не применимо"
    score = int(np.clip(round(maximum * (level / 100 + rng.normal(0, 0.18))), 0, maximum))
    return float(score), maximum, "да" if score == maximum else "нет" if score == 0 else "частично"


def body_index(questionnaires: pd.DataFrame) -> pd.DataFrame:
    """Index of every body and period (per cent): mean over processes of 100 · points / maxima of what applies."""
    applicable = questionnaires[questionnaires["points"].notna()]
    sums = applicable.groupby(["region_iso", "body", "period", "process"])[["points", "max_points"]].sum()
    process = (100 * sums["points"] / sums["max_points"]).rename("index")
    return process.groupby(["region_iso", "body", "period"]).mean().reset_index()


def stage(index: float) -> str:
    """Stage by bounds that are invented: the official ones are not public."""
    return next(name for bound, name in STAGES if index < bound)


def _index(regions: pd.DataFrame, questionnaires: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Index by region and period; 2023 only for the 85 regions that took part."""
    halves = body_index(questionnaires).groupby(["region_iso", "period"])["index"].mean()
    rows = []
    for region in regions.itertuples():
        first, last = (float(halves[region.region_iso, period]) for period in QUESTIONNAIRE_PERIODS)
        if region.in_2023:
            before = INDEX_MEAN["2023"] + 0.9 * (first - INDEX_MEAN["2024-H1"]) + rng.normal(0, 4)
            rows.append((region.region_iso, "2023", before))
        rows.append((region.region_iso, "2024-H1", first))
        rows.append((region.region_iso, "2024", 0.6 * first + 0.4 * last + rng.normal(0, 1)))
        rows.append((region.region_iso, "2025-H1", last))
    frame = pd.DataFrame(rows, columns=["region_iso", "period", "index"])
    frame["index"] = frame["index"].clip(12, 96).round(2)
    frame["stage"] = frame["index"].map(stage)
    return frame


def _federal(bodies: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    ability = rng.standard_normal(len(bodies))
    ability = (ability - ability.mean()) / ability.std()
    frames = [
        pd.DataFrame(
            {
                "body": bodies["short_name"],
                "period": period,
                "index": np.round(mean + FEDERAL_SPREAD * ability + rng.normal(0, 2.5, ability.size), 1),
            }
        )
        for period, mean in FEDERAL_MEAN.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _mfc(regions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Points and level: a slowly moving quality, cut so that the counts of groups come out."""
    quality = rng.standard_normal(len(regions))
    frames = []
    for period, groups in MFC_GROUPS.items():
        quality = 0.85 * quality + np.sqrt(1 - 0.85**2) * rng.standard_normal(quality.size)
        part = (regions["in_2023"] | (period >= "2025")).to_numpy()
        order = np.argsort(-quality[part], kind="stable")
        level = np.empty(order.size, dtype=object)
        level[order] = np.repeat(["high", "medium", "low"], groups)
        frame = pd.DataFrame({"region_iso": regions.loc[part, "region_iso"], "period": period, "level": level})
        frame["latent"] = quality[part]
        frames.append(frame)
    frame = pd.concat(frames, ignore_index=True)
    with_points = frame["period"] >= "2024"
    scored = _mfc_points(frame[with_points], rng)
    return pd.concat([frame, scored], axis=1).drop(columns="latent")


def _mfc_points(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Five parts to one decimal whose sum stays inside its level."""
    groups = frame.groupby(["period", "level"], sort=False)["latent"]
    place = (groups.rank(method="first") - 0.5) / groups.transform("size")
    bounds = np.array([MFC_SHIFT[level] for level in frame["level"]])
    wanted = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) * place.to_numpy()
    maxima = np.array(list(MFC_PARTS.values()))
    tenths = np.empty((len(frame), maxima.size), dtype=int)
    for row, total in enumerate(np.round(10 * wanted).astype(int)):
        raw = 10 * maxima * np.clip(total / 1000 + rng.normal(0, 0.06, maxima.size), 0.1, 1)
        split = np.minimum(np.round(raw * total / raw.sum()), 10 * maxima).astype(int)
        while gap := total - split.sum():  # rounding and maxima leave a few tenths: to where there is room
            step = int(np.sign(gap))
            room = (10 * maxima - split) if step > 0 else split
            split[int(np.argmax(room))] += step
        tenths[row] = split
    parts = pd.DataFrame(tenths / 10, columns=list(MFC_PARTS), index=frame.index)
    return parts.assign(total=tenths.sum(axis=1) / 10)


def _roadmap(bodies: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Control points of 2024 and 2025: most done in time, a few late or not done."""
    rows = []
    for number, body in enumerate(bodies["short_name"], 1):
        for year in (2024, 2025):
            for item in range(1, int(rng.integers(5, 9))):
                plan = pd.Timestamp(year, 1, 10) + pd.Timedelta(days=int(rng.integers(0, 345)))
                due = plan < pd.Timestamp(2025, 7, 1)
                draw_ = rng.random()
                status = (
                    "not_due" if not due else "done" if draw_ < 0.84 else "done_late" if draw_ < 0.93 else "not_done"
                )
                shift = -int(rng.integers(0, 20)) if status == "done" else int(rng.integers(3, 40))
                fact = (plan + pd.Timedelta(days=shift)).date() if status.startswith("done") else None
                rows.append((body, year, f"{number}.{item}", plan.date(), fact, status))
    return pd.DataFrame(rows, columns=["body", "year", "point", "plan", "fact", "status"])


def _curators(regions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    services = rng.integers(45, 140, len(regions))
    frames = []
    for period, share in (("2024", 0.35), ("2025-H1", 0.56)):
        chance = np.clip(share + 0.12 * regions["ability"] + rng.normal(0, 0.08, len(regions)), 0.05, 1)
        frames.append(
            pd.DataFrame(
                {
                    "region_iso": regions["region_iso"],
                    "period": period,
                    "services": services,
                    "with_curator": rng.binomial(services, chance),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _situation_documents(rng: np.random.Generator) -> pd.DataFrame:
    """Documents that each service of a life situation asks for, before, and those that are left, after."""
    rows = []
    for number, (_, services) in enumerate(LIFE_SITUATIONS, 1):
        abolished = set(rng.choice(len(DOCUMENTS), 3, replace=False).tolist())
        for service in services:
            asked = {0, *rng.choice(len(DOCUMENTS), int(rng.integers(2, 6)), replace=False).tolist()}
            rows += [
                (f"ЖС-{number:02d}", service, f"Д{document + 1:02d}", DOCUMENTS[document], document not in abolished)
                for document in sorted(asked)
            ]
    return pd.DataFrame(rows, columns=["code", "service", "document_code", "document", "is_kept"])


def _situations(documents: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Life situations: each service asked anew before, distinct documents are asked once after."""
    rows = []
    for number, (name, services) in enumerate(LIFE_SITUATIONS, 1):
        code = f"ЖС-{number:02d}"
        asked = documents[documents["code"] == code]
        days = int(rng.integers(5, 15)) * len(services)
        rows.append(
            {
                "code": code,
                "name": name,
                "launched": (pd.Timestamp(2023, 9, 1) + pd.DateOffset(months=2 * number)).date(),
                "n_services": len(services),
                "documents_before": len(asked),
                "documents_after": asked.loc[asked["is_kept"], "document_code"].nunique(),
                "visits_before": int(rng.integers(1, 3)) * len(services),
                "visits_after": int(rng.integers(0, 2)),
                "days_before": days,
                "days_after": round(days * rng.uniform(0.4, 0.8)),
            }
        )
    return pd.DataFrame(rows)


def _feedback(regions: pd.DataFrame, rng: np.random.Generator, per_region: int = 12) -> pd.DataFrame:
    """Marks of applicants with the strong ceiling that was published (about 75, 18, 3, 1.5 and 1.5 %)."""
    n = len(regions) * per_region
    received = pd.Timestamp(2025, 1, 9, 8) + pd.to_timedelta(rng.integers(0, 170 * 24 * 60, n), unit="min")
    frame = pd.DataFrame(
        {
            "order": [f"{7_000_000 + i}" for i in range(n)],
            "region_iso": np.repeat(regions["region_iso"].to_numpy(), per_region),
            "okato": np.repeat(regions["okato"].to_numpy(), per_region),
            "received": received.strftime("%Y-%m-%dT%H:%M:00Z"),
        }
    )
    for theme in FEEDBACK_THEMES:
        frame[str(theme)] = rng.choice(list(FEEDBACK_SHARES), n, p=list(FEEDBACK_SHARES.values()))
    return frame
