"""Published values reproduced through the public API: imputation, two-way fixed effects, decomposition, jackknife."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.analysis.effects import CallawaySantAnna, Imputation, Panel, TwoWayFE, cluster_jackknife

Values = dict[str, tuple[float, float | None]]


def imputation(folder: Path) -> Values:
    """Minimum wage and teen employment, analytic variance."""
    panel = Panel(pd.read_csv(folder / "mpdta.csv"), unit="countyreal", time="year", cohort="first.treat")
    fit = Imputation(vcov="analytic").fit(panel, "lemp")
    return {"ATT": (fit.att, fit.se)}


def medicaid(folder: Path) -> Values:
    """Share insured after the Medicaid expansion: one dummy, state and year effects."""
    data = pd.read_csv(folder / "ehec_data.csv")
    found: Values = {}
    for name, part in (("all states", data), ("treated states only", data[data["yexp2"].notna()])):
        fit = TwoWayFE(vcov="crv1").fit(Panel(part, unit="stfips", time="year", cohort="yexp2"), "dins")
        found[name] = (fit.att, fit.se)
    return found


def two_by_two(folder: Path) -> Values:
    """Effect of 2014 on the states that expanded in 2014."""
    panel = Panel(pd.read_csv(folder / "ehec_data.csv"), unit="stfips", time="year", cohort="yexp2")
    table = CallawaySantAnna(base="g-1", vcov="analytic").fit(panel, "dins").cells
    line = table[(table["cohort"].astype(str) == "2014") & (table["month"].astype(str) == "2014")]
    return {"ATT(2014,2014)": (float(line["att"].iloc[0]), None)}


def castle(folder: Path) -> Values:
    """Homicide after castle doctrine laws: one dummy, state and year effects."""
    panel = Panel(pd.read_csv(folder / "castle_bacon.csv"), unit="state", time="year", treatment="post")
    return {"log homicide": (TwoWayFE().fit(panel, "l_homicide").att, None)}


def castle_weights(folder: Path) -> Values:
    """What that dummy compares."""
    panel = Panel(pd.read_csv(folder / "castle_bacon.csv"), unit="state", time="year", treatment="post")
    weights = TwoWayFE().fit(panel, "l_homicide").decompose().groupby("kind")["weight"].sum()
    return {f"weight {kind}": (float(weight), None) for kind, weight in weights.items()}


def gardner(_: Path) -> Values:
    """Two-stage estimate: state and year effects on untreated rows, then the residual on treatment; GMM by state."""
    spec = importlib.util.find_spec("pyfixest")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("pyfixest is not installed", name="pyfixest")
    data = pd.read_csv(Path(spec.submodule_search_locations[0]) / "did" / "data" / "df_het.csv")
    effects = pd.get_dummies(data[["state", "year"]].astype(str), dtype=float)
    x = effects.drop(columns=effects.columns[0]).to_numpy()
    y, treated = data["dep_var"].to_numpy(dtype=float), data["treat"].to_numpy(dtype=float)
    untreated = x * (1 - treated)[:, None]
    bread = np.linalg.pinv(untreated.T @ untreated)
    gamma = bread @ untreated.T @ y
    residual = y - x @ gamma
    att = float(treated @ residual / treated.sum())
    # influence: second-stage score minus what the first stage's error carries into it
    first = untreated * residual[:, None]
    score = treated * (residual - att * treated) - first @ bread @ (x.T @ treated)
    by_state = np.bincount(pd.factorize(data["state"])[0], weights=score)
    return {"ATT": (att, float(np.sqrt((by_state**2).sum()) / treated.sum()))}


def industries(folder: Path) -> Values:
    """Wages of young women, 12 industries as clusters; C(grade) + C(age) + C(birth_yr) + union + race + msp."""
    columns = ["ln_wage", "grade", "age", "birth_yr", "union", "race", "msp", "ind_code"]
    data = pd.read_csv(folder / "nlswork.csv", usecols=columns).dropna()
    dummies = [pd.get_dummies(data[c], prefix=c, drop_first=True, dtype=float) for c in ("grade", "age", "birth_yr")]
    design = pd.concat([*dummies, data[["union", "race", "msp"]].astype(float)], axis=1).assign(const=1.0)
    found = cluster_jackknife(data["ln_wage"], design, data["ind_code"])
    estimate, error = float(found.estimate["msp"]), float(found.se["msp"])
    return {"msp": (estimate, error), "se(msp)": (error, None)}


CASES = {
    ("mpdta", "BJS imputation"): imputation,
    ("ehec Medicaid", "TWFE static"): medicaid,
    ("ehec Medicaid", "2x2 by hand"): two_by_two,
    ("castle doctrine", "TWFE static"): castle,
    ("castle doctrine", "Goodman-Bacon decomposition"): castle_weights,
    ("df_het", "did2s (Gardner)"): gardner,
    ("nlswork", "OLS, CRV3 by industry (12 clusters)"): industries,
}
