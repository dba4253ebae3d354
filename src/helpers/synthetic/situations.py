"""Life situations of the demonstration world: launched region by region, with a known effect on their total time.

Each region has one or two situations whose services are measured by month; the months of launch are dealt out at
random, some regions have not launched yet. One situation was launched everywhere at once: of its launch nothing can be
estimated. Documents are asked anew by each service before the launch and once, abolished ones gone, after it.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from helpers.synthetic.names import FEDERAL_PROVIDERS, LIFE_SITUATIONS, SERVICES
from helpers.synthetic.panels import PRINTED_DECIMALS, ServicePanel
from helpers.synthetic.scenarios import SCENARIOS
from helpers.synthetic.simulate import DURATION_SPREAD, panel
from helpers.tables import schemas

# few services are optimised on their own: a second treatment that the study has to leave out
SCENARIO = replace(
    SCENARIOS["rtm_wave_audit"], name="life_situations", services_per_region=6, size_spread=0.0, missing_share=0.01,
    documents_sample=10, selection={"Г": 0.12, "В": 0.08, "Б": 0.03, "Б+": 0.0, "А": 0.0},
)  # fmt: skip
LAUNCHES = ("2024-02", "2024-05", "2024-09", "2025-01")
NOT_YET = 0.35
TOGETHER = "ЖС-10"
"""Launched in all its regions in one month, ``TOGETHER_FROM``."""
TOGETHER_FROM = "2024-09"
# no more than six services a region: those that the simulated panel has
BY_REGION = (
    ("ЖС-01", "ЖС-03"), ("ЖС-04",), ("ЖС-05", "ЖС-03"), ("ЖС-01",), ("ЖС-04", "ЖС-05"), ("ЖС-04", TOGETHER),
    ("ЖС-01", TOGETHER),
)  # fmt: skip
EFFECT_DAYS = {"ЖС-01": -0.38, "ЖС-03": -0.22, "ЖС-04": -0.30, "ЖС-05": -0.26, TOGETHER: -0.25}
"""Log points of the total time once the launch is complete."""
EFFECT_VISITS = -0.60
REGION_SD = 0.06
RAMP = (0.5, 1.0)
STEPS = {"ЖС-04": (1, 1, 2)}
"""Order of the services where the ministry names it."""


@dataclass(frozen=True)
class Situations:
    """What the two files about life situations are printed from.

    Attributes
    ----------
    panel
        Services of the situations by month, columns of ``service_panel``.
    composition
        Rows of ``life_situations`` (all complete).
    effects
        region_iso, situation_id, launched, effect_log_days (its own, after the ramp).
    """

    panel: ServicePanel
    composition: pd.DataFrame
    effects: pd.DataFrame


def draw(regions: pd.DataFrame, documents: pd.DataFrame, seed: int) -> Situations:
    """Situations of every region.

    Parameters
    ----------
    regions
        ``region_iso`` in the order in which the simulated regions take them.
    documents
        ``world.situation_documents``: what each service of a situation asks for.
    seed
        Same seed, same situations.
    """
    rng = np.random.default_rng([seed, 30])
    simulated = panel(SCENARIO, int(rng.integers(2**31)), n_regions=len(regions))
    members = _members(list(regions["region_iso"]), rng)
    services = _services(members, simulated.frame)
    frame = _launched(simulated.frame.merge(services, on="service_id"), documents, rng)
    columns = list(schemas.TABLES["service_panel"].columns)
    frame = frame[columns].sort_values(["region_iso", "service_id", "month"], ignore_index=True)
    effects = members[["region_iso", "situation_id", "launched", "effect_log_days"]]
    return Situations(ServicePanel(frame, simulated.truth), _composition(services, documents), effects)


def _members(codes: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """One row a region and situation: month of launch and own effect."""
    rows = []
    for number, code in enumerate(codes):
        deviation = rng.normal(0, REGION_SD)
        for situation in BY_REGION[number % len(BY_REGION)]:
            month = "" if rng.random() < NOT_YET else LAUNCHES[int(rng.integers(len(LAUNCHES)))]
            launched = TOGETHER_FROM if situation == TOGETHER else month
            rows.append((number + 1, code, situation, launched, EFFECT_DAYS[situation] + deviation))
    return pd.DataFrame(rows, columns=["number", "region_iso", "situation_id", "launched", "effect_log_days"])


def _services(members: pd.DataFrame, simulated: pd.DataFrame) -> pd.DataFrame:
    """One row a service: its code in the simulated panel, and everything that is fixed about it."""
    names = {f"ЖС-{number:02d}": situation for number, situation in enumerate(LIFE_SITUATIONS, 1)}
    bodies = dict(SERVICES)
    rows = []
    for _, region in members.groupby("number", sort=True):
        place = 0
        for row in region.itertuples():
            situation, services = names[str(row.situation_id)]
            steps = STEPS.get(str(row.situation_id), (np.nan,) * len(services))
            for name, step in zip(services, steps, strict=True):
                place += 1
                level = "federal" if bodies[name] in FEDERAL_PROVIDERS else "regional"
                code = f"РУ-{row.number:02d}-{900 + place}"
                fixed = (row.region_iso, row.situation_id, situation, row.launched, row.effect_log_days)
                rows.append((row.number, place, *fixed, code, name, bodies[name], level, step))
    columns = [
        "number", "place", "region_iso", "situation_id", "life_situation", "launched", "effect_log_days",
        "service_code", "service_name", "agency", "level", "step",
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    own = simulated.drop_duplicates("service_id")[["region_iso", "service_id"]]
    own = own.assign(number=own["region_iso"].str[1:].astype(int), place=own.groupby("region_iso").cumcount() + 1)
    return found.merge(own[["number", "place", "service_id"]], on=["number", "place"]).drop(columns=["number", "place"])


def _launched(frame: pd.DataFrame, documents: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Panel of the situations' services with the launch in it."""
    out = frame.drop(columns=[f"{name}_x" for name in _NAMED]).rename(columns={f"{name}_y": name for name in _NAMED})
    since = _since(out)
    reached = np.where(since >= 0, np.array(RAMP)[np.clip(since, 0, len(RAMP) - 1)], 0.0)
    factor = np.exp(out["effect_log_days"].to_numpy() * reached)
    for name in ("median_days", "q25_days", "q75_days"):
        out[name] = out[name] * factor
    on_time = stats.norm.cdf(np.log(out["statutory_days"] / out["median_days"]) / DURATION_SPREAD)
    out["in_term_share"] = np.where(
        since >= 0, rng.binomial(out["applications"], on_time) / out["applications"], out["in_term_share"]
    )
    out["visits"] = rng.binomial(out["visits"], np.exp(EFFECT_VISITS * reached))
    asked = _asked(documents).reindex(pd.MultiIndex.from_frame(out[["situation_id", "service_name"]]))
    number = np.where(since >= 0, asked["after"], asked["before"])
    own = (out["documents_mean_1"] / out["documents_mean_0"]).to_numpy()
    out["documents"] = rng.poisson(10 * number * own) / 10
    out["service_id"], out["day_unit"], out["is_synthetic"] = out["service_code"], "working_day", True
    for column, decimals in PRINTED_DECIMALS.items():
        out[column] = out[column].round(decimals)
    return out


_NAMED = ("region_iso", "service_name", "agency", "level", "life_situation")


def _since(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Months since the launch; far below zero where there is none."""
    month = pd.PeriodIndex(frame["month"], freq="M")
    start = pd.PeriodIndex(frame["launched"].replace("", "2999-01"), freq="M")
    return np.asarray((month.year - start.year) * 12 + month.month - start.month, dtype=np.int64)


def _asked(documents: pd.DataFrame) -> pd.DataFrame:
    """Documents that a service asks for before, and those that the first service to ask still brings after."""
    before = documents.groupby(["code", "service"], sort=False).size()
    kept = documents[documents["is_kept"]].drop_duplicates(["code", "document_code"])
    after = kept.groupby(["code", "service"]).size().reindex(before.index, fill_value=0)
    return pd.DataFrame({"before": before, "after": after})


def _composition(services: pd.DataFrame, documents: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table ``life_situations``."""
    lists = documents.rename(
        columns={"code": "situation_id", "service": "service_name", "document_code": "document_id"}
    )
    rows = services.merge(lists, on=["situation_id", "service_name"])
    rows = rows.assign(
        service_id=rows["service_code"], situation=rows["life_situation"], is_abolished=~rows["is_kept"],
        bundle_service="", is_complete=True, is_synthetic=True,
    )  # fmt: skip
    columns = list(schemas.TABLES["life_situations"].columns)
    return rows[columns].sort_values(["region_iso", "situation_id", "service_id", "document_id"], ignore_index=True)


def averages(situations: Situations) -> pd.DataFrame:
    """What an estimator should find over the launched months of situations that have a comparison.

    Returns
    -------
    DataFrame
        ``outcome, value, unit``: log points of the total time, per cent of documents and of visits.
    """
    rows = situations.effects[situations.effects["situation_id"] != TOGETHER]
    rows = rows[rows["launched"] != ""]
    months = sorted(set(situations.panel.frame["month"]))
    since = [np.arange(len([m for m in months if m >= start])) for start in rows["launched"]]
    reached = [np.array(RAMP)[np.clip(part, 0, len(RAMP) - 1)] for part in since]
    days = np.concatenate([part * effect for part, effect in zip(reached, rows["effect_log_days"], strict=True)])
    visits = 100 * (np.exp(EFFECT_VISITS * np.concatenate(reached)).mean() - 1)
    documents = situations.composition
    asked = documents.groupby(["situation_id", "region_iso"]).size()
    kept = documents[~documents["is_abolished"]].groupby(["situation_id", "region_iso"])["document_id"].nunique()
    length = pd.Series(
        [len(part) for part in since], index=pd.MultiIndex.from_frame(rows[["situation_id", "region_iso"]])
    )
    ratio = (kept.reindex(length.index) * length).sum() / (asked.reindex(length.index) * length).sum()
    return pd.DataFrame(
        [
            ("situation_days", float(days.mean()), "log_point"),
            ("situation_documents", float(100 * (ratio - 1)), "percent_change"),
            ("situation_visits", float(visits), "percent_change"),
        ],
        columns=["outcome", "value", "unit"],
    )
