"""The service panel of the demonstration world: a simulated panel with real region codes and service names."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.synthetic.names import FEDERAL_PROVIDERS, LIFE_SITUATIONS, SERVICES
from helpers.synthetic.scenarios import SCENARIOS
from helpers.synthetic.simulate import SimulatedTruth, panel
from helpers.tables import schemas

# audits by wave and selection on a bad draw: the world in which comparing before with after misleads most
SCENARIO = replace(
    SCENARIOS["rtm_wave_audit"], name="demonstration", missing_share=0.01, size_spread=0.8, documents_sample=10
)
PRINTED_DECIMALS = {
    "documents": 1, "median_days": 1, "q25_days": 1, "q75_days": 1,
    "in_term_share": 3, "online_share": 3, "refusal_share": 3,
}  # fmt: skip


@dataclass(frozen=True)
class ServicePanel:
    """Panel as printed (columns of the table ``service_panel``) and the truth behind it (regions under their codes)."""

    frame: pd.DataFrame
    truth: SimulatedTruth


def draw(region_codes: list[str], seed: int) -> ServicePanel:
    """About 1,700 services of the given regions by month, 2023-07 to 2025-06.

    Parameters
    ----------
    region_codes
        Codes in the order in which the simulated regions take them.
    seed
        Same seed, same panel.
    """
    simulated = panel(SCENARIO, seed, n_regions=len(region_codes))
    codes = dict(zip([f"R{number:02d}" for number in range(1, len(region_codes) + 1)], region_codes, strict=True))
    services = _named(simulated.truth.services.assign(region_iso=lambda f: f["region_iso"].map(codes)), seed)
    frame = simulated.frame.drop(
        columns=["region_iso", "service_name", "agency", "level", "life_situation", "day_unit"]
    )
    labels = [
        "simulated_id",
        "region_iso",
        "service_code",
        "service_name",
        "agency",
        "level",
        "life_situation",
        "day_unit",
    ]
    frame = frame.merge(
        services[labels].rename(columns={"simulated_id": "service_id"}), on="service_id", validate="many_to_one"
    )
    frame["service_id"] = frame.pop("service_code")
    for column, decimals in PRINTED_DECIMALS.items():
        frame[column] = frame[column].round(decimals)
    truth = replace(
        simulated.truth,
        services=services.assign(service_id=services["service_code"]).drop(columns=["service_code", "simulated_id"]),
        by_region=simulated.truth.by_region.rename(index=codes),
    )
    columns = list(schemas.TABLES["service_panel"].columns)
    return ServicePanel(frame[columns].sort_values(["region_iso", "service_id", "month"], ignore_index=True), truth)


def _named(services: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Services with a code, a name, a body, a life situation and a unit of days."""
    rng = np.random.default_rng([seed, 20])
    bundle = {service: situation for situation, members in LIFE_SITUATIONS for service in members}
    picked: list[int] = []
    for _, group in services.groupby("region_iso", sort=False):
        order = np.concatenate([rng.permutation(len(SERVICES)) for _ in range(1 + len(group) // len(SERVICES))])
        picked += order[: len(group)].tolist()
    number = services.groupby("region_iso").cumcount() + 1
    region_number = services["region_iso"].factorize()[0] + 1
    copy = services.assign(pick=picked).groupby(["region_iso", "pick"]).cumcount()
    names = [SERVICES[pick][0] for pick in picked]
    bodies = [SERVICES[pick][1] for pick in picked]
    return services.assign(
        simulated_id=services["service_id"],
        service_code=[f"РУ-{r:02d}-{n:03d}" for r, n in zip(region_number, number, strict=True)],
        service_name=[name if not times else f"{name} ({times + 1})" for name, times in zip(names, copy, strict=True)],
        agency=bodies,
        level=["federal" if body in FEDERAL_PROVIDERS else "regional" for body in bodies],
        life_situation=[bundle.get(name, "") for name in names],
        day_unit=np.where(rng.random(len(services)) < 0.8, "working_day", "calendar_day"),
    )
