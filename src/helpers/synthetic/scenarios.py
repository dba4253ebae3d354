"""Named worlds in which an estimator is put to the test: what differs between them, and nothing else."""

from dataclasses import dataclass, field, replace

GRADES = ("Г", "В", "Б", "Б+", "А")
"""Grades of a service, worst first."""

PRE_GRADE_SHARES = {"Г": 0.18, "В": 0.28, "Б": 0.44, "Б+": 0.10}
"""Grades at the first audit: 54 % comply (10 % Б+ and 44 % Б); how the low ones split is invented."""


@dataclass(frozen=True)
class Scenario:
    """Parameters of one simulated world; the defaults are the baseline.

    Effects are log points after the ramp, by grade at the audit; a region adds its own deviation. ``selection`` is
    the probability of being optimised given the grade. ``audit`` says whether all services are audited in the same
    months or each three months before the start of its own wave; ``rtm`` whether the audit sees (and the grade is
    given on) the same shocks that move the measured days.
    """

    name: str
    waves: tuple[int, ...] = (9, 12, 15, 18)
    audit: str = "common"
    audit_length: int = 3
    rtm: bool = False
    selection: dict[str, float] = field(default_factory=lambda: {"Г": 0.85, "В": 0.70, "Б": 0.20, "Б+": 0.0, "А": 0.0})
    effect_days: dict[str, float] = field(
        default_factory=lambda: {"Г": -0.45, "В": -0.32, "Б": -0.18, "Б+": -0.10, "А": -0.05}
    )
    effect_documents: dict[str, float] = field(
        default_factory=lambda: {"Г": -0.45, "В": -0.33, "Б": -0.18, "Б+": -0.08, "А": -0.04}
    )
    effect_visits: dict[str, float] = field(
        default_factory=lambda: {"Г": -0.80, "В": -0.66, "Б": -0.35, "Б+": -0.15, "А": -0.08}
    )
    grade_gain: float = 0.45
    effect_size: float = 1.0
    region_sd: float = 0.12
    ramp: tuple[float, ...] = (1 / 3, 2 / 3, 1.0)
    cohort_scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    growth: float = 0.0
    anticipation: tuple[float, ...] = ()
    hidden_trend: float = 0.0
    missing_share: float = 0.0
    documents_sample: int = 1
    n_regions: int = 89
    services_per_region: float = 19.1
    size_spread: float = 0.6


_BASE = Scenario("baseline")
_NO_EFFECT = replace(_BASE, effect_size=0.0, region_sd=0.0)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        _BASE,
        # every low-graded service is optimised in the end, so only better ones are left for comparison, and the
        # first wave gains more and more: what a static two-way regression cannot bear
        replace(
            _BASE,
            name="cohort_heterogeneity",
            selection={"Г": 1.0, "В": 1.0, "Б": 0.9, "Б+": 0.0, "А": 0.0},
            cohort_scale=(0.25, 0.12, 0.0, 0.0),
            growth=0.145,
        ),
        replace(_BASE, name="rtm_common_audit", rtm=True),
        replace(_BASE, name="rtm_wave_audit", rtm=True, audit="wave"),
        replace(_BASE, name="anticipation", anticipation=(0.4, 0.4)),
        replace(_BASE, name="trend_violation", hidden_trend=-0.01),
        replace(_BASE, name="few_regions", n_regions=6),
        replace(_BASE, name="missing_months", missing_share=0.10),
        replace(_NO_EFFECT, name="no_effect"),
        replace(_NO_EFFECT, name="no_effect_rtm", rtm=True),
        replace(_NO_EFFECT, name="no_effect_rtm_wave", rtm=True, audit="wave"),
    )
}
"""Every scenario by name."""
