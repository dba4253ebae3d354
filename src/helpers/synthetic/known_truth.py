"""What an estimator should find in a simulated panel."""

from dataclasses import dataclass

import pandas as pd

from helpers.synthetic.scenarios import Scenario


@dataclass(frozen=True)
class SimulatedTruth:
    """What an estimator should find.

    Attributes
    ----------
    att, att_population
        Mean effect on log days over optimised service-months (log points): of this sample, and with the regions'
        own deviations taken away, that is of the population which the regions were drawn from.
    att_percent
        Σ Y / Σ Y(0) − 1 over optimised service-months for ``documents`` and ``visits`` (per cent, of means).
    att_percent_population
        The same without the regions' deviations.
    att_share
        Mean effect on ``in_term_share`` and on the indicators ``grade_ge_<grade>`` (percentage points).
    by_event, by_region, by_grade, by_cohort
        Mean effect on log days over the optimised service-months of that event time, region, grade or wave.
    services
        One row per service: grade, wave and potential effect after the ramp for each outcome (log points), expected
        level without optimisation and applications over the last twelve months; also for services never optimised.
    scenario
        The parameters used.
    """

    att: float
    att_population: float
    att_percent: dict[str, float]
    att_percent_population: dict[str, float]
    att_share: dict[str, float]
    by_event: pd.Series
    by_region: pd.Series
    by_grade: pd.Series
    by_cohort: pd.Series
    services: pd.DataFrame
    scenario: Scenario
