"""Simulated panels of services by month with known effects, for judging estimators.

Grain of a panel: region x service x month. Every row keeps what would have happened without optimisation, so that
bias, coverage and the regret of a choice can be measured. Nothing here says anything about a real region.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from helpers.synthetic.known_truth import SimulatedTruth
from helpers.synthetic.scenarios import GRADES, PRE_GRADE_SHARES, SCENARIOS, Scenario

SHOCK_SD = 0.30
SHOCK_RHO = 0.5
REGION_MONTH_SD = 0.06
LEVEL_SD = 0.55
GRADE_LEVEL_WEIGHT = 0.20
DRIFT = -0.007
VISIT_DISPERSION = 0.10
DURATION_SPREAD = 0.5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SimulatedPanel:
    """A panel (``frame``: region x service x month, potential outcomes included) and its ``truth``."""

    frame: pd.DataFrame
    truth: SimulatedTruth


@dataclass(frozen=True)
class _Services:
    """One entry per service."""

    region: Ints
    level: Floats
    wave: Ints
    audit_start: Ints
    cohort: Ints
    pre_grade: Ints
    effect: dict[str, Floats]
    effect_population: dict[str, Floats]


def panel(scenario: str | Scenario, seed: int, n_regions: int | None = None, **changes: Any) -> SimulatedPanel:
    """Draw one panel.

    Parameters
    ----------
    scenario
        Name in :data:`helpers.synthetic.scenarios.SCENARIOS`, or parameters of one's own.
    seed
        Same seed, same panel.
    n_regions
        Number of regions; 89 unless the scenario says otherwise.
    **changes
        Any further field of :class:`Scenario`, for example ``hidden_trend=-0.02`` or ``n_months=36``
        (number of months, 24 by default; the first is 2023-07).

    Returns
    -------
    SimulatedPanel
        About ``19 * n_regions`` services by month.

    Raises
    ------
    KeyError
        Unknown name of a scenario.
    ValueError
        Fewer than one region, or too few months for the last wave.
    """
    n_months = int(changes.pop("n_months", 24))
    chosen = _scenario(scenario, n_regions, changes)
    if chosen.n_regions < 1:
        raise ValueError("a panel needs at least one region")
    if n_months <= max(chosen.waves) + 2:
        raise ValueError(f"the last wave starts in month {max(chosen.waves)}: {n_months} months are too few")
    rng = np.random.default_rng(seed)
    region = _regions(chosen, rng)
    shocks = _ar1(rng, region.size, n_months)
    audited = shocks if chosen.rtm else _ar1(rng, region.size, n_months)
    services = _services(chosen, region, audited, rng)
    ramp = _ramp(chosen, services.cohort, n_months)
    columns = _outcomes(chosen, services, ramp, shocks, audited, rng)
    frame = _frame(chosen, services, columns, n_months)
    if chosen.missing_share > 0:
        frame = _with_gaps(frame, chosen, rng)
    return SimulatedPanel(frame, _truth(frame, chosen, services, columns, n_months))


def _scenario(scenario: str | Scenario, n_regions: int | None, changes: dict[str, Any]) -> Scenario:
    """Parameters with the caller's changes."""
    if isinstance(scenario, str):
        if scenario not in SCENARIOS:
            raise KeyError(f"unknown scenario {scenario!r}; known: {', '.join(SCENARIOS)}")
        scenario = SCENARIOS[scenario]
    if n_regions is not None:
        changes = {**changes, "n_regions": n_regions}
    return replace(scenario, **changes)


def _regions(scenario: Scenario, rng: np.random.Generator) -> Ints:
    """Region number of every service: unequal sizes, at least six services each."""
    weights = np.exp(scenario.size_spread * rng.standard_normal(scenario.n_regions))
    mean_extra = scenario.services_per_region - 6
    sizes = 6 + np.floor(weights / weights.mean() * mean_extra + rng.random(scenario.n_regions)).astype(int)
    return np.repeat(np.arange(scenario.n_regions), sizes)


def _ar1(rng: np.random.Generator, n_services: int, n_months: int) -> Floats:
    """Stationary first-order autoregressive shocks, services x months."""
    innovations = rng.standard_normal((n_services, n_months)) * SHOCK_SD * np.sqrt(1 - SHOCK_RHO**2)
    shocks = np.empty((n_services, n_months))
    shocks[:, 0] = rng.standard_normal(n_services) * SHOCK_SD
    for month in range(1, n_months):
        shocks[:, month] = SHOCK_RHO * shocks[:, month - 1] + innovations[:, month]
    return shocks


def _score_sd(length: int) -> float:
    """Standard deviation of an audit score: a part of the service's level and the mean shock of the audit months."""
    covariances = sum((length - lag) * SHOCK_RHO**lag for lag in range(1, length))
    mean_variance = SHOCK_SD**2 * (length + 2 * covariances) / length**2
    return float(np.sqrt(GRADE_LEVEL_WEIGHT**2 + mean_variance))


def _grade_of(score: Floats, length: int) -> Ints:
    """Grade number (0 worst) of a score (large = slow = bad), cut so that the shares of the first audit come out."""
    shares = np.cumsum([PRE_GRADE_SHARES[grade] for grade in GRADES[:-1]])
    # an А needs a score that the first audit practically never sees: it opens above the best grade by one more step
    cuts = np.append(stats.norm.isf(shares[:-1]), stats.norm.isf(0.995)) * _score_sd(length)
    return (score[..., None] < cuts).sum(axis=-1)


def _services(scenario: Scenario, region: Ints, audited: Floats, rng: np.random.Generator) -> _Services:
    """Audit, grade, selection and potential effects of every service."""
    n, waves = region.size, np.array(scenario.waves)
    level = rng.standard_normal(n)
    wave = rng.integers(0, waves.size, n)
    first = waves[wave] if scenario.audit == "wave" else np.full(n, waves.min())
    audit_start = first - scenario.audit_length
    months = audit_start[:, None] - 1 + np.arange(scenario.audit_length)
    score = GRADE_LEVEL_WEIGHT * level + np.take_along_axis(audited, months, axis=1).mean(axis=1)
    pre_grade = _grade_of(score, scenario.audit_length)
    chance = np.array([scenario.selection[grade] for grade in GRADES])
    cohort = np.where(rng.random(n) < chance[pre_grade], waves[wave], 0)
    effect, effect_population = {}, {}
    for outcome in ("days", "documents", "visits"):
        by_grade = getattr(scenario, f"effect_{outcome}")
        base = np.array([by_grade[grade] for grade in GRADES])[pre_grade] * scenario.effect_size
        deviation = rng.standard_normal(scenario.n_regions) * scenario.region_sd
        effect_population[outcome] = base
        effect[outcome] = base + deviation[region]
    return _Services(region, level, wave, audit_start, cohort, pre_grade, effect, effect_population)


def _ramp(scenario: Scenario, cohort: Ints, n_months: int) -> Floats:
    """Share of the full effect that is reached, services x months (0 = not yet, negative months = anticipation)."""
    event = np.arange(1, n_months + 1) - cohort[:, None]
    steps = np.array(scenario.ramp)
    reached = np.where(event >= 0, steps[np.clip(event, 0, steps.size - 1)], 0.0)
    waves = np.array(scenario.waves)
    scale = np.array(scenario.cohort_scale)[np.searchsorted(waves, cohort).clip(0, waves.size - 1)]
    growth = np.where(cohort == waves[0], scenario.growth, 0.0)
    reached = reached * (scale[:, None] + growth[:, None] * np.clip(event, 0, None))
    if scenario.anticipation:
        early = np.array(scenario.anticipation)
        ahead = (event < 0) & (event >= -early.size)
        reached = np.where(ahead, early[np.clip(event + early.size, 0, early.size - 1)], reached)
        reached = np.where(event == 0, np.maximum(reached, early[-1]), reached)
    return np.where(cohort[:, None] > 0, reached, 0.0)


def _outcomes(
    scenario: Scenario,
    services: _Services,
    ramp: Floats,
    shocks: Floats,
    audited: Floats,
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    """Every outcome as services x months, with its value or mean without optimisation."""
    n, n_months = shocks.shape
    month = np.arange(n_months)
    season = 0.05 * np.sin(2 * np.pi * (month + 6) / 12)
    region_month = rng.standard_normal((scenario.n_regions, n_months)) * REGION_MONTH_SD
    trend = DRIFT * month + season
    hidden = np.where(services.cohort > 0, scenario.hidden_trend, 0.0)[:, None] * month
    base = 2.1 + LEVEL_SD * services.level
    untreated = base[:, None] + trend + hidden + region_month[services.region] + shocks
    days = untreated + services.effect["days"][:, None] * ramp
    out: dict[str, NDArray[Any]] = {
        "log_days": days,
        "log_days_0": untreated,
        "log_days_population": services.effect_population["days"][:, None] * ramp,
    }
    size: Floats = rng.lognormal(4.6, 1.0, size=(n, 1))
    out["applications"] = 1 + rng.poisson(size * np.exp(0.15 * np.cos(2 * np.pi * month / 12)))
    out |= _counts(scenario, services, ramp, trend + hidden, out["applications"], rng)
    out |= _durations(base, days, untreated, out["applications"], rng)
    out |= _grades(scenario, services, ramp, audited)
    online = rng.uniform(0.25, 0.75, size=(n, 1)) + 0.004 * month
    out["online_share"] = np.clip(online + 0.03 * rng.standard_normal((n, n_months)), 0, 1)
    refused = rng.binomial(out["applications"], rng.beta(2, 38, size=(n, 1)))
    out["refusal_share"] = refused / out["applications"]  # nothing moves it: a placebo outcome
    return out


def _counts(
    scenario: Scenario,
    services: _Services,
    ramp: Floats,
    trend: Floats,
    applications: Ints,
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    """Documents (Poisson) and visits (negative binomial, exposure = applications)."""
    n = services.region.size
    documents_0 = np.exp(1.25 + 0.35 * rng.standard_normal(n))[:, None] * np.exp(0.4 * trend)
    visits_0 = applications * np.exp(0.1 + 0.30 * rng.standard_normal(n))[:, None] * np.exp(0.8 * trend)
    documents_1 = documents_0 * np.exp(services.effect["documents"][:, None] * ramp)
    visits_1 = visits_0 * np.exp(services.effect["visits"][:, None] * ramp)
    documents = rng.poisson(scenario.documents_sample * documents_1)
    mixing = rng.gamma(1 / VISIT_DISPERSION, VISIT_DISPERSION, visits_1.shape)
    return {
        "documents": documents if scenario.documents_sample == 1 else documents / scenario.documents_sample,
        "documents_mean_0": documents_0,
        "documents_mean_1": documents_1,
        "documents_mean_population": documents_0 * np.exp(services.effect_population["documents"][:, None] * ramp),
        "visits": rng.poisson(visits_1 * mixing),
        "visits_mean_0": visits_0,
        "visits_mean_1": visits_1,
        "visits_mean_population": visits_0 * np.exp(services.effect_population["visits"][:, None] * ramp),
    }


def _durations(
    base: Floats, days: Floats, untreated: Floats, applications: Ints, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Share within the statutory term, quartiles, and applications still open at the end of the month (censored)."""
    statutory = np.maximum(1, np.round(np.exp(base + 0.5)))[:, None]
    within_1 = stats.norm.cdf((np.log(statutory) - days) / DURATION_SPREAD)
    within_0 = stats.norm.cdf((np.log(statutory) - untreated) / DURATION_SPREAD)
    half_month = 15.0
    still_open = 0.25 * stats.norm.sf((np.log(half_month) - days) / DURATION_SPREAD)
    return {
        "statutory_days": np.broadcast_to(statutory, days.shape),
        "in_term_share": rng.binomial(applications, within_1) / applications,
        "in_term_mean_0": within_0,
        "in_term_mean_1": within_1,
        "open_count": rng.binomial(applications, still_open),
        "q25_days": np.exp(days - 0.6745 * DURATION_SPREAD),
        "median_days": np.exp(days),
        "q75_days": np.exp(days + 0.6745 * DURATION_SPREAD),
    }


def _grades(scenario: Scenario, services: _Services, ramp: Floats, audited: Floats) -> dict[str, NDArray[Any]]:
    """Grade of every month: the audit's rule on the last months' mean; optimisation lowers the score."""
    length = scenario.audit_length
    padded = np.pad(audited, ((0, 0), (length - 1, 0)), mode="edge")
    rolling = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1).mean(axis=2)
    score = GRADE_LEVEL_WEIGHT * services.level[:, None] + rolling
    gain = scenario.grade_gain * scenario.effect_size * np.clip(ramp, 0, 1)
    return {"grade": _grade_of(score - gain, length), "grade_0": _grade_of(score, length)}


def _region_codes(scenario: Scenario) -> NDArray[np.str_]:
    """Codes that no real region has."""
    return np.array([f"R{number:02d}" for number in range(1, scenario.n_regions + 1)])


def _frame(scenario: Scenario, services: _Services, columns: dict[str, NDArray[Any]], n_months: int) -> pd.DataFrame:
    """Long table: one row per service and month, sorted."""
    n = services.region.size
    months = np.array([str(month) for month in pd.period_range("2023-07", periods=n_months, freq="M")])
    never = np.array(["", *months])
    names = np.array(GRADES)

    def by_service(values: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(values, n_months)

    time = np.tile(np.arange(1, n_months + 1), n)
    start = by_service(services.audit_start)
    cohort = by_service(services.cohort)
    integers = {"grade", "grade_0"}
    number = np.arange(1, n + 1)
    codes = _region_codes(scenario)
    return pd.DataFrame(
        {
            "region_iso": by_service(codes[services.region]),
            "service_id": by_service(np.array([f"S{i:05d}" for i in number])),
            "month": np.tile(months, n),
            "service_name": by_service(np.array([f"service {i}" for i in number])),
            "agency": by_service(np.array([f"agency {i % 12}" for i in number])),
            "level": by_service(np.where(number % 4 == 0, "federal", "regional")),
            "life_situation": "",
            "grade": names[columns["grade"].ravel()],
            "pre_grade": by_service(names[services.pre_grade]),
            "audit_month": by_service(months[services.audit_start - 1]),
            "is_audit_window": (time >= start) & (time < start + scenario.audit_length),
            "optimised_month": never[cohort],
            "day_unit": "working_day",
            "time": time,
            "cohort": cohort,
            "event_time": np.where(cohort > 0, time - cohort, np.iinfo(np.int64).min),
            "is_treated": (cohort > 0) & (time >= cohort),
            "grade_0": names[columns["grade_0"].ravel()],
            "tau_log_days": (columns["log_days"] - columns["log_days_0"]).ravel(),
            **{name: values.ravel() for name, values in columns.items() if name not in integers},
            "is_synthetic": True,
        }
    )


def _with_gaps(frame: pd.DataFrame, scenario: Scenario, rng: np.random.Generator) -> pd.DataFrame:
    """Lose service-months at random: single months, the first months of late joiners, whole region-months."""
    lost = rng.random(len(frame)) < scenario.missing_share
    service = frame["service_id"].factorize()[0]
    late = np.where(rng.random(service.max() + 1) < 0.10, rng.integers(1, 5, service.max() + 1), 0)
    lost |= frame["time"].to_numpy() <= late[service]
    region = frame["region_iso"].factorize()[0]
    silent = rng.random((region.max() + 1, int(frame["time"].max()))) < scenario.missing_share / 5
    lost |= silent[region, frame["time"].to_numpy() - 1]
    return frame.loc[~lost].reset_index(drop=True)


def _truth(
    frame: pd.DataFrame,
    scenario: Scenario,
    services: _Services,
    columns: dict[str, NDArray[Any]],
    n_months: int,
) -> SimulatedTruth:
    """Averages of the known effects over the optimised service-months that are in the panel."""
    treated = frame[frame["is_treated"]]
    tau = treated["tau_log_days"]
    level = pd.Index(GRADES)
    now, without = level.get_indexer(treated["grade"]), level.get_indexer(treated["grade_0"])
    shares = {
        f"grade_ge_{grade}": 100 * float(np.mean((now >= cut).astype(float) - (without >= cut)))
        for cut, grade in enumerate(GRADES)
        if cut
    }
    shares["in_term_share"] = 100 * float((treated["in_term_mean_1"] - treated["in_term_mean_0"]).mean())

    def percent(outcome: str, which: str) -> float:
        return 100 * float(treated[f"{outcome}_mean_{which}"].sum() / treated[f"{outcome}_mean_0"].sum() - 1)

    return SimulatedTruth(
        att=float(tau.mean()),
        att_population=float(treated["log_days_population"].mean()),
        att_percent={outcome: percent(outcome, "1") for outcome in ("documents", "visits")},
        att_percent_population={outcome: percent(outcome, "population") for outcome in ("documents", "visits")},
        att_share=shares,
        by_event=tau.groupby(treated["event_time"]).mean(),
        by_region=tau.groupby(treated["region_iso"]).mean(),
        by_grade=tau.groupby(treated["pre_grade"]).mean(),
        by_cohort=tau.groupby(treated["cohort"]).mean(),
        services=_service_truth(scenario, services, columns, n_months),
        scenario=scenario,
    )


def _service_truth(
    scenario: Scenario, services: _Services, columns: dict[str, NDArray[Any]], n_months: int
) -> pd.DataFrame:
    """Potential effects and expected yearly load of every service, optimised or not."""
    last = slice(max(0, n_months - 12), n_months)
    expected = 2.1 + LEVEL_SD * services.level + DRIFT * (n_months - 6.5)
    number = np.arange(1, services.region.size + 1)
    return pd.DataFrame(
        {
            "region_iso": _region_codes(scenario)[services.region],
            "service_id": np.array([f"S{i:05d}" for i in number]),
            "pre_grade": np.array(GRADES)[services.pre_grade],
            "cohort": services.cohort,
            "effect_log_days": services.effect["days"],
            "effect_log_documents": services.effect["documents"],
            "effect_log_visits": services.effect["visits"],
            # median of the log-normal month times the mean of its shock
            "level_days": np.exp(expected + 0.5 * (SHOCK_SD**2 + REGION_MONTH_SD**2)),
            "level_documents": columns["documents_mean_0"][:, last].mean(axis=1),
            "level_visits": (columns["visits_mean_0"] / columns["applications"])[:, last].mean(axis=1),
            "applications_year": columns["applications"][:, last].sum(axis=1) * 12 / (last.stop - last.start),
        }
    )
