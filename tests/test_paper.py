"""Tables and charts of the analysis notebooks, and what a study found on one page."""

import numpy as np
import pandas as pd
import pytest

from helpers.analysis.effects import study, study_summary
from helpers.presentation import figures, paper
from helpers.presentation.figures import alternatives as figures_alternatives
from helpers.presentation.figures import analysis as figures_analysis
from helpers.presentation.figures.analysis import Words
from helpers.synthetic import simulate, situations, world
from helpers.tables import schemas, store

pytestmark = pytest.mark.filterwarnings("ignore::helpers.analysis.effects.FewClustersWarning")
WORDS = Words("Days", "change in per cent", "optimisation", "months")


# ------------------------------------------------------------------ tables
def test_an_interval_stands_in_one_cell_and_nothing_is_lost():
    frame = pd.DataFrame(
        {
            "outcome": ["days", "in_term_share"], "estimate": [-28.5, 9.0], "ci_low": [-31.7, np.nan],
            "ci_high": [-25.2, np.nan], "n_services": [593, 2141], "p_value": [0.00001, 0.0312], "passed": [True, False],
            "is_synthetic": True, "unit": ["percent_change", "percentage_point"],
        }
    )  # fmt: skip
    shown = paper.table(frame, "Table 1. Estimates")
    assert shown.head == ("outcome", "estimate", "95 % interval", "services", "p", "passed", "unit")
    assert shown.cells == (
        ("days", "−28.5", "−31.7 to −25.2", "593", "< 0.001", "yes", "%"),
        ("in term share", "9.0", "–", "2,141", "0.031", "no", "pp"),
    )
    assert shown.numeric == (False, True, True, True, True, False, False)
    assert "Table 1" in repr(shown) and "< 0.001" in repr(shown)


def test_html_is_escaped_and_folds():
    frame = pd.DataFrame({"name": ["<script>"], "x_se": [0.01234]})
    page = paper.table(frame, "A & B", fold=True)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "0.012" in page
    assert page.startswith("<details><summary>A &amp; B</summary>")
    empty = paper.table(frame.head(0), "Table 9. Checks that failed")
    assert empty._repr_html_() == "<p>Table 9. Checks that failed: no rows.</p>" == f"<p>{empty!r}</p>"
    assert paper.table(pd.DataFrame(), "Nothing").cells == ()


def test_a_column_of_unlike_things_keeps_whole_numbers_whole():
    frame = pd.DataFrame({"value": [2141.0, 0.906, np.nan], "other": [1.0, 2.5, 3.0]})
    shown = paper.table(frame, "Overview", 3)
    assert [row[0] for row in shown.cells] == ["2,141", "0.906", "–"] and shown.cells[0][1] == "1.000"


def test_further_pairs_are_shown_as_ranges():
    frame = pd.DataFrame({"situation": ["birth"], "low": [8.9], "n": [3], "high": [21.6]})
    shown = paper.table(frame, "Days", 1, {"days": ("low", "high")})
    assert shown.head == ("situation", "days", "n") and shown.cells[0][1] == "8.9 to 21.6"


# ------------------------------------------------------------------ charts
def event_rows():
    time = np.arange(-4, 8)
    value = np.where(time < 0, 0.5, -20.0 - time)
    return pd.DataFrame(
        {
            "event_time": time, "estimate": value, "ci_low": value - 4, "ci_high": value + 4,
            "simultaneous_low": value - 6, "simultaneous_high": value + 6, "n": 100,
        }
    )  # fmt: skip


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_charts_are_small_and_say_what_they_show(lang):
    rows = event_rows()
    chart = figures_analysis.events(rows, WORDS, "own estimates", lang)
    data, width, _ = figures.encode(chart)
    assert len(data) < figures.MOST_BYTES and width <= 592
    texts = [text.get_text() for text in chart.texts]
    assert any("20" in text and "27" in text for text in texts[:2])
    for alt in (
        figures_analysis.events_alt(rows, WORDS, lang),
        figures_analysis.regions_alt(region_rows(), -28.5, "Days, per cent", lang),
    ):
        assert figures_alternatives.SHORTEST <= len(alt) <= figures_alternatives.LONGEST
    funnel = figures_analysis.regions(region_rows(), -28.5, "Days, per cent", "own estimates", lang)
    assert len(figures.encode(funnel)[0]) < figures.MOST_BYTES
    assert "1" in funnel.texts[0].get_text() and "12" in funnel.texts[0].get_text()


def region_rows():
    n = np.arange(1, 13)
    shrunk = np.full(12, -28.0)
    shrunk[-1] = -50.0
    return pd.DataFrame(
        {
            "shrunk": shrunk, "raw": np.where(n < 5, np.nan, shrunk - 3), "ci_low": shrunk - 20 / np.sqrt(n),
            "ci_high": shrunk + 20 / np.sqrt(n), "n_services_optimised": n,
        }
    )  # fmt: skip


def test_nothing_is_drawn_from_nothing(capsys):
    figures_analysis.show_events(event_rows().head(0), WORDS, "", "en")
    figures_analysis.show_regions(region_rows().head(0), 0.0, "Days", "", "en")
    assert capsys.readouterr().out == ""


# ------------------------------------------------------------------ findings
@pytest.fixture(scope="module")
def tables():
    frame = simulate.panel("rtm_wave_audit", 1, n_regions=24).frame
    panel = frame[list(schemas.TABLES["service_panel"].columns)]
    panel = panel.assign(region_iso=panel["region_iso"].str.replace("R", "RU-"))
    return study.run(panel, outcomes=["in_term_share", "visits"], reps=19)


def test_every_outcome_has_one_line_that_says_what_may_be_said(tables):
    found = study_summary.headline(tables).set_index("outcome")
    assert set(found.index) == {"in_term_share", "visits"}
    for outcome, row in found.iterrows():
        checks = tables["diagnostics"][tables["diagnostics"]["outcome"] == outcome]
        assert row["checks"] == f"{int(checks['passed'].sum())} of {len(checks)}"
        assert (row["reading"] == study_summary.CAUSAL) == bool(checks["passed"].all())
    assert found.loc["in_term_share", "not_an_effect"] > found.loc["in_term_share", "estimate"]
    worse = {**tables, "diagnostics": tables["diagnostics"].assign(passed=False)}
    assert set(study_summary.headline(worse)["reading"]) == {study_summary.ASSOCIATION}
    wide = {**tables, "effects": tables["effects"].assign(ci_low=-100.0, ci_high=100.0)}
    assert set(study_summary.headline(wide)["reading"]) == {study_summary.UNKNOWN}


def test_contrasts_stand_beside_the_estimate(tables):
    found = study_summary.contrasts(tables).set_index(["outcome", "contrast"])
    row = found.loc[("in_term_share", "audit_against_last_3_months")]
    assert row["overstates_by"] == pytest.approx(abs(row["change"]) - abs(row["estimate"]), abs=0.051)
    assert row["overstates_by"] > 0


def test_empty_tables_stay_empty():
    none = study.run(store.empty("service_panel"))
    assert study_summary.headline(none).empty and study_summary.contrasts(none).empty
    described = study_summary.situations(none["situation_totals"])
    assert described.empty and {"situation", "n_regions", "days_low_before", "n_missing"} <= set(described)


def test_situations_are_described_over_their_regions():
    truth = world.draw(5)
    drawn = situations.draw(truth.regions, truth.situation_documents, 5)
    found = study.run(drawn.panel.frame, outcomes=["in_term_share"], situations=drawn.composition, reps=19)
    totals = found["situation_totals"]
    table = study_summary.situations(totals).set_index("situation_id")
    birth = totals[totals["situation_id"] == "ЖС-01"]
    both = birth[(birth["n_before"] > 0) & (birth["n_after"] > 0)]
    row = table.loc["ЖС-01"]
    assert (row["n_regions"], row["n_launched"], row["n_both"]) == (
        len(birth),
        (birth["launched"] != "").sum(),
        len(both),
    )
    assert row["days_high_before"] == pytest.approx(both["days_high_before"].mean())
    assert row["days_low_before"] < row["days_high_before"] and row["n_refused"] == 0
    launches = study_summary.headline(found, "situation_")
    assert set(launches["outcome"]) == {
        "situation_days_high", "situation_days_low", "situation_documents", "situation_visits",
    }  # fmt: skip
