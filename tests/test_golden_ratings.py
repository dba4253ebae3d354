"""Every published value of the ratings methods, within its tolerance, through the public functions."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from helpers import paths
from helpers.analysis import composite, ranks
from helpers.analysis.composite import checks as composite_checks
from helpers.analysis.composite import uncertainty as composite_uncertainty
from helpers.analysis.composite import whatif as composite_whatif
from helpers.analysis.groups import markov as groups_markov
from helpers.analysis.targets_models import fit_ordered, fit_shares

FOLDER = paths.shared() / "data" / "golden"
GOLDEN = FOLDER / "golden_ratings.csv"
ROWS = pd.read_csv(GOLDEN, dtype=str).to_dict("records") if GOLDEN.exists() else []
LEVELS = {
    "Infl": ["Low", "Medium", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
    "Cont": ["Low", "High"],
}


@cache
def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name, dtype={"batch": str})


@cache
def asem_tree() -> pd.DataFrame:
    names = {"Level": "level", "iCode": "code", "Parent": "parent", "Weight": "weight", "Direction": "direction"}
    meta = read("asem_imeta.csv").dropna(subset="Level").rename(columns=names)
    return meta[[*names.values(), "Denominator"]].astype({"level": int})


@cache
def asem_normalised() -> pd.DataFrame:
    data = read("asem_idata.csv").set_index("uCode")
    indicators = asem_tree().query("level == 1").set_index("code")
    values = data[list(indicators.index)].astype(float)
    divided = values.assign(
        **{code: values[code] / data[by] for code, by in indicators["Denominator"].dropna().items()}
    )
    filled = divided.fillna(divided.groupby(data["EurAsia_group"]).transform("mean"))
    return pd.DataFrame(
        {
            code: composite.normalise(composite.treat_outliers(filled[code]).values, "min_max", int(direction))
            for code, direction in indicators["direction"].items()
        }
    )


@cache
def asem_scores() -> pd.DataFrame:
    return composite.aggregate(asem_normalised(), asem_tree())


def asem(quantity: str) -> float:
    unit, _, rest = quantity.partition(".")
    node = rest.removesuffix(".score")
    if rest == "Rank":
        return composite.rank(asem_scores()["Index"])[unit]
    if rest.endswith(".rank"):
        return composite.rank(asem_scores()[rest.removesuffix(".rank")])[unit]
    return asem_scores().loc[unit, node]


def asem_correlation(quantity: str) -> float:
    if "equal" in quantity:
        scores = asem_scores()
    else:
        new = {"Conn": 0.3902439, "Sust": 0.6097561}
        tree = asem_tree()
        scores = composite.aggregate(
            asem_normalised(), tree.assign(weight=tree["code"].map(new).fillna(tree["weight"]))
        )
    return scores["Index"].corr(scores["Sust"])


def asem_loading(quantity: str) -> float:
    pillar = quantity.removeprefix("first PC loading of ").removesuffix(" (sign free)")
    tree = asem_tree()
    sub_index = tree.loc[tree["code"] == pillar, "parent"].iloc[0]
    parts = tree.loc[tree["parent"] == sub_index, "code"]
    return composite_checks.first_component(asem_scores()[list(parts)]).loadings[pillar]


@cache
def asem_removed() -> pd.Series:
    return composite_whatif.remove_one(asem_normalised(), asem_tree(), 2).set_index("removed")["mean_rank_change"]


def asem_statistic(quantity: str) -> float:
    code, statistic = quantity.removesuffix(" (3 significant digits)").split(".")
    table = composite.describe(read("asem_idata.csv")[[code]].astype(float))
    return table.loc[code, {"sd": "std", "kurt": "kurtosis"}.get(statistic, statistic)]


@cache
def pisa() -> tuple[pd.Series, pd.Series]:
    table = read("pisa2018_math.csv").set_index("jurisdiction")
    return table["math_score"], table["math_se"]


def pisa_value(quantity: str) -> object:
    marginal = ranks.confidence_sets(*pisa(), seed=1)
    if quantity.startswith("integer rank"):
        return marginal.loc["United Kingdom", "rank"]
    if quantity.startswith("rank "):
        return marginal.index[marginal["rank"] == int(quantity.split()[1])].item()
    if "upper" in quantity:
        return marginal.loc["United Kingdom", "rank_high"]
    if "disjoint" in quantity:
        together = ranks.confidence_sets(*pisa(), kind="simultaneous", seed=1)
        bottom = ["Chile", "Mexico", "Costa Rica", "Colombia"]
        return str(together.loc[bottom, "rank_low"].min() > together.drop(bottom)["rank_high"].max())
    at_90 = ranks.tau_best(*pisa(), tau=5, level=0.90, seed=1)
    if quantity.startswith("size"):
        return len(at_90)
    return ", ".join(ranks.tau_best(*pisa(), tau=5, seed=1).index.difference(at_90.index))


def acs_interval(quantity: str) -> str:
    table = read("acs2011_travel_1dec.csv").set_index("Abbreviation")
    joint = ranks.joint_intervals(table["Estimate.1dec"], table["MOE.1dec"] / 1.645, level=0.90, best="low", decimals=1)
    row = joint.loc[quantity.split()[-1]]
    return f"[{row['rank_low']:.0f},{row['rank_high']:.0f}]"


def hdi(quantity: str) -> float:
    table = read("hdi2019_inputs.csv").set_index("iso3")
    names = {"Russia": "RUS", "Germany": "DEU", "Kazakhstan": "KAZ", "Belarus": "BLR", "China": "CHN", "Brazil": "BRA"}
    names |= {"Qatar": "QAT", "Singapore": "SGP", "Niger": "NER", "Estonia": "EST", "Georgia": "GEO"}

    def scaled(values: pd.Series, low: float, high: float) -> pd.Series:
        return composite.normalise(values, "goalposts", low=low, high=high)

    education = composite.weighted_mean(
        pd.DataFrame({"e": scaled(table["eys_2019"], 0, 18), "m": scaled(table["mys_2019"], 0, 15)}),
        pd.Series({"e": 1, "m": 1}),
    )
    parts = pd.DataFrame(
        {
            "health": scaled(table["le_2019"], 20, 85),
            "education": education,
            "income": scaled(np.log(table["gnipc_2019"]), np.log(100), np.log(75_000)),
        }
    )
    country = names[quantity.split()[-1]]
    return composite.weighted_mean(parts.loc[[country]], pd.Series(1, parts.columns), "geometric").iloc[0] / 100


@cache
def food():
    table = read("food_expenditure.csv")
    return fit_shares(table.assign(share=table["food"] / table["income"]), "share ~ income + persons")


@cache
def gasoline():
    table = read("gasoline_yield.csv").rename(columns={"yield": "share"})
    return fit_shares(table, 'share ~ C(batch, Treatment("10")) + temp')


def beta_value(fit, quantity: str) -> float:
    kind, _, term = quantity.partition(" ")
    if kind == "coef":
        return fit.coefficients.loc[term, "estimate"]
    if kind == "se":
        return fit.coefficients.loc[term, "std_error"]
    return fit.precision if kind == "precision" else fit.log_likelihood


@cache
def housing():
    return fit_ordered(read("mass_housing.csv"), "Sat", list(LEVELS), ["Low", "Medium", "High"], LEVELS, "Freq")


def housing_value(quantity: str) -> float:
    kind, _, term = quantity.partition(" ")
    if kind == "coef":
        return housing().coefficients[term]
    return housing().thresholds[term] if kind == "threshold" else housing().deviance


def chain_value(counts: pd.DataFrame, quantity: str) -> float:
    kind, _, cell = quantity.rpartition(" ")
    if kind == "steady state":
        return groups_markov.steady_state(groups_markov.row_shares(counts), 80)[cell.removeprefix("q")]
    start, end = (part.removeprefix("q") for part in cell.split("->"))
    return counts.loc[start, end]


@cache
def income_counts() -> pd.DataFrame:
    income = read("usjoin.csv").set_index("Name").drop(columns="STATE_FIPS")
    classes = groups_markov.quantile_classes(income).astype(str)
    return groups_markov.transition_counts(classes, list("12345"))


@cache
def cav_counts() -> pd.DataFrame:
    table = read("msm_cav.csv").astype({"state": str})
    return groups_markov.counts_of_long(table, "PTNUM", "years", "state", list("1234"))


def alpha_value(quantity: str) -> float:
    items = read("cronbach_wide_missing.csv")
    if "listwise" in quantity:
        return composite_checks.cronbach_alpha(items, "listwise").alpha
    return composite_checks.cronbach_alpha(items).low


@cache
def ishigami() -> pd.DataFrame:
    table = composite_uncertainty.sobol_indices(
        lambda x: np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0]),
        [(-np.pi, np.pi)] * 3,
        base=4_096,
        seed=1,
    )
    return table.set_index("factor")


CASES: dict[str, Callable[[str], object]] = {
    "ASEM": asem,
    "ASEM_unit_IND": asem,
    "ASEM_corr": asem_correlation,
    "ASEM_optweights": asem_correlation,
    "ASEM_effweights": lambda _: composite.effective_weights(asem_tree())[1, "Renew"],
    "ASEM_PCA": asem_loading,
    "ASEM_remove": lambda q: asem_removed()[q.split()[-1]],
    "ASEM_stats": asem_statistic,
    "PISA2018_math": pisa_value,
    "ACS2011_travel": lambda _: ranks.joint_multiplier(51, 0.90, "bonferroni"),
    "ACS2011_travel_joint": acs_interval,
    "HDI2019": hdi,
    "betareg_food": lambda q: beta_value(food(), q),
    "betareg_gasoline": lambda q: beta_value(gasoline(), q),
    "polr_housing": housing_value,
    "msm_cav_transitions": lambda q: chain_value(cav_counts(), q),
    "giddy_usincome": lambda q: chain_value(income_counts(), q),
    "giddy_toy": lambda q: chain_value(groups_markov.transition_counts(read("toy_chain.csv"), list("abc")), q),
    "Ishigami": lambda q: ishigami().loc[q.split()[1], q.split()[0]],
    "cronbach": alpha_value,
}


def test_golden_values_are_there() -> None:
    if not ROWS:
        pytest.skip(f"the published values are not beside the repository: {GOLDEN}")
    assert len(ROWS) >= 141
    assert {row["case"] for row in ROWS} <= set(CASES)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['id']}-{row['case']}" for row in ROWS])
def test_published_value(row: dict[str, str]) -> None:
    found = CASES[row["case"]](row["quantity"])
    if isinstance(found, str):
        assert found == row["published_value"]
    else:
        assert float(found) == pytest.approx(float(row["published_value"]), abs=float(row["tolerance"]) + 1e-12)
