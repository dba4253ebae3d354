"""Every sentence × 89 regions × extreme values: nothing broken, nothing forbidden, the right sentence chosen."""

import itertools

import pytest

from helpers.presentation import formats, wording
from helpers.presentation.results.estimates import Estimate
from helpers.presentation.results.regions import register
from helpers.presentation.wording import effects as wording_effects
from helpers.presentation.wording import lint as wording_lint
from helpers.presentation.wording import ranks as wording_ranks
from helpers.presentation.wording.sentences import SENTENCES
from helpers.presentation.wording.terms import english
from helpers.tables import store

N, M = "\u00a0", "\u2212"
VALUES = (0, 1, 2, 5, 11, 21, 101, 1.0, 1.5, -0.04, 99.95, 100, None, -17.5, 1234.5)
REGIONS = register(store.reference("regions"))


def est(value, low=None, high=None, unit="percent", kind="sampling_95", n=None):
    if value is not None and low is None:
        low, high = value - 3.2, value + 3.2
    return Estimate(value, low, high, unit, kind if low is not None else "none", n)


def sentences(region, value, lang):
    """All sentences that can be said about one region and one value."""
    of = wording.region_of(region, lang)
    found = []
    e, pp = est(value), est(value, unit="pp")
    for estimate in (e, est(value, kind="rounding"), est(value, kind="method"), Estimate(value, unit="percent")):
        if value is not None:
            found.append(wording.index_sentence(of, estimate, lang)[1])
            found += wording.index_sentence(of, estimate, lang, pp)[1:]
            found += wording.index_sentence(
                of, estimate, lang, previous=formats.period("2023", lang), reason="изменён состав показателей"
            )[1:]
            found.append(wording.country_headline(estimate, lang))
    found += [
        wording.no_data(of, p, lang, partial) for p in ("2024", "2024-H1", "2024-Q3") for partial in (True, False)
    ]
    district = region.district_genitive if lang == "ru" else region.district_en
    for difference in (
        pp,
        Estimate(
            value, None if value is None else value - 0.1, None if value is None else value + 0.1, "pp", "sampling_95"
        ),
    ):
        for scope in ("country", "district"):
            found.append(wording.compared(est(55.6), difference, lang, 2.0, scope, district or "—")[1])
    n = int(abs(value or 0))
    for kind in ("sampling_95", "method", "rounding"):
        found += wording_ranks.rank(n + 1, max(1, n - 3), n + 3, 89, kind, lang, n)[1]
    found += [
        wording_ranks.rank(n + 1, n + 1, n + 1, 89, "method", lang)[1][0],
        wording.counts(101, n, 9, lang),
        wording.suppressed(3, lang),
    ]
    found += [wording.change_point(pp, lang), wording.difference_point(pp, lang), wording.gap_point("Имя", pp, lang)]
    found += [
        wording.gain_point("Услуга", est(value, unit=u), lang) for u in ("day", "working_day", "document", "visit")
    ]
    found += [wording.target_point("Имя", 2030, verdict, lang) for verdict in ("reachable", "behind", "cannot_tell")]
    found += [wording_ranks.district_rank(n + 1, "2023", lang), wording.standing("group", "2023-Q4", "high", lang)]
    found += [wording.moved(k, ("2023-Q3", "low"), ("2023-Q4", "high"), lang) for k in ("group", "stage")]
    for outcome, unit in itertools.product(
        ("log_days", "documents", "visits", "online_share", "in_term_share", "grade_at_least_Б+"),
        ("working_day", "document", "percent_change", "pp"),
    ):
        for passed in (True, False):
            found += wording_effects.effect(outcome, est(value, unit=unit), n, passed, lang)[1:]
            narrow = Estimate(
                value, value and value * 0.9, value and value * 1.1, unit, "sampling_95" if value else "none"
            )
            found += wording_effects.effect(outcome, narrow, n, passed, lang)[1:]
        found.append(wording_effects.not_an_effect(*[est(value, unit=unit)] * 4, lang))
        found.append(wording_effects.region_effect(outcome, est(value, unit=unit), n, lang))
    return [text for text in found if text]


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_no_broken_sentence_over_all_regions(lang):
    assert len(REGIONS) == 89
    # Sentences with a region's name × all regions; those without one × one region would repeat, so values rotate.
    for number, region in enumerate(REGIONS.values()):
        for value in VALUES if number % 30 == 0 else VALUES[number % 5 :: 5]:
            for text in sentences(region, value, lang):
                assert not wording_lint.broken(text), (text, wording_lint.broken(text))
                assert not wording_lint.forbidden(text, lang, block="effect"), text
                assert text[0].isupper() or text[0].isdigit(), text
                assert text.endswith("."), text


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_headlines_fit_for_every_region(lang):
    for region in REGIONS.values():
        of = wording.region_of(region, lang)
        for estimate in (est(61.3, 57.9, 64.7), Estimate(64.54, 64.535, 64.545, "percent", "rounding")):
            for options in (
                {},
                {"change": est(2.4, 0.3, 4.5, "pp")},
                {"previous": formats.period("2023", lang), "reason": "изменён состав показателей"},
            ):
                sentence = wording.index_sentence(of, estimate, lang, **options)[1]
                assert len(sentence) <= wording.MAX_HEADLINE, sentence
                assert wording_lint.words(sentence) <= 25, sentence


def test_headline_examples():
    che = REGIONS["RU-CHE"]
    of = wording.region_of(che, "ru")
    assert wording.index_sentence(of, est(61.3, 57.9, 64.7), "ru", est(2.4, 0.3, 4.5, "pp"))[:2] == (
        "H1",
        f"Индекс клиентоцентричности Челябинской области — 61,3{N}% (95{N}% интервал 57,9–64,7); "
        f"за год +2,4{N}п.{N}п. (от{N}0,3 до{N}4,5).",
    )
    assert wording.index_sentence("Chelyabinsk Oblast", est(61.3, 57.9, 64.7), "en", est(2.4, 0.3, 4.5, "pp"))[1] == (
        "The client-centricity index of Chelyabinsk Oblast is 61.3% (95% interval 57.9–64.7), "
        f"up 2.4{N}pp in a year (0.3 to 4.5)."
    )
    assert "95" not in wording.index_sentence(of, Estimate(61, 60.5, 61.5, "percent", "rounding"), "ru")[1]
    assert (
        f"61{N}% (опубликовано с округлением: от{N}60,5 до{N}61,5{N}%)."
        in (wording.index_sentence(of, Estimate(61, 60.5, 61.5, "percent", "rounding"), "ru")[1])
    )
    sentence_id, text, spill = wording.index_sentence(
        of, Estimate(64.54, 64.535, 64.545, "percent", "rounding"), "ru", previous=formats.period("2023", "ru"), reason="изменён состав показателей"
    )  # fmt: skip
    assert sentence_id == "H3" and "64,54" in text
    assert "изменён состав показателей" in text + spill
    assert wording.no_data(of, "2024", "ru").startswith(
        f"Для Челябинской области опубликованных данных за 2024{N}год нет."
    )


def test_bounds_are_worded_as_bounds():
    assert wording.level(Estimate(70, 70, 100, "percent", "published_bound"), "ru") == f"более{N}70{N}%"
    assert wording.level(Estimate(None, 85, None, "point", "published_bound"), "en") == f"more than 85{N}points"
    assert wording.level(Estimate(None, None, 55, "point", "published_bound"), "ru") == f"менее{N}55{N}баллов"
    assert wording.level(Estimate(97, 96, 98, "percent", "published_bound"), "ru") == f"97{N}%"
    assert wording.interval(Estimate(70, 70, 100, "percent", "published_bound"), "ru") == "опубликована граница"


def test_softening_uses_the_interval_of_the_difference():
    assert wording.compared(est(55.6), est(5.7, 2.1, 9.3, "pp"), "ru", 2.0) == (
        "L1", f"Это выше среднего по России (55,6{N}%) на 5,7{N}п.{N}п. (от{N}2,1 до{N}9,3).",
    )  # fmt: skip
    name = REGIONS["RU-CHE"].district_genitive
    assert wording.compared(est(60.9), est(0.4, -1.0, 1.8, "pp"), "ru", 2.0, "district", name) == (
        "L2", f"Это примерно на уровне Уральского федерального округа (60,9{N}%).",
    )  # fmt: skip
    assert wording.compared(est(58.0), est(3.3, -0.6, 7.2, "pp"), "ru", 2.0, "district", name) == (
        "L3",
        f"Выше или ниже среднего по округу (58,0{N}%), данные сказать не позволяют: разница от{N}{M}0,6 до{N}7,2{N}п.{N}п.",
    )  # fmt: skip
    assert wording.compared(est(58.0), Estimate(3.3, unit="pp"), "ru", 2.0) == ("", "")
    assert wording.compared(est(55.6), est(-5.7, -9.3, -2.1, "pp"), "en", 2.0)[1] == (
        f"This is 5.7{N}pp below the Russian mean of 55.6% (2.1 to 9.3)."
    )


def test_ranks_never_stand_alone():
    assert wording_ranks.rank(31, 18, 47, 85, "sampling_95", "ru", 29) == (
        "R1",
        (f"Место в стране — 31\u2011е из 85 (95{N}% интервал 18–47).", "Регион нельзя уверенно отличить от 29 других участников."),
    )  # fmt: skip
    assert wording_ranks.rank(31, 22, 40, 85, "method", "ru")[1] == (
        "31\u2011е место из 85; при других способах расчёта — от 22\u2011го до 40\u2011го.",
    )
    assert wording_ranks.rank(31, 22, 40, 85, "rounding", "en")[1] == ("Rank 31 of 85; 22 to 40 given the rounding.",)
    assert wording_ranks.rank(31, 5, 60, 85, "sampling_95", "en", 60) == (
        "R3",
        ("The region cannot be told apart from 60 other participants.",),
    )
    assert wording_ranks.cannot_tell_apart(1, "ru").endswith("от 1 другого участника.")
    assert wording_ranks.cannot_tell_apart(21, "ru").endswith("от 21 другого участника.")
    assert wording_ranks.cannot_tell_apart(0, "en") == "The region can be told apart from all other participants."


def test_effect_sentences():
    days = est(-1.4, -2.3, -0.5, "day")
    sentence_id, text, assumption = wording_effects.effect("days", days, 37, True, "ru")
    assert sentence_id == "E1"
    assert text == (
        f"Оптимизированные услуги, по оценке, оказываются на 1,4{N}дня быстрее, чем оказывались бы без оптимизации "
        f"(95{N}% интервал 0,5–2,3; 37{N}услуг)."
    )
    assert assumption == "Оценка верна, если без оптимизации их сроки менялись бы так же, как у сопоставимых услуг."
    assert wording_effects.effect("days", days, 37, False, "ru") == (
        "E2",
        f"Оптимизированные услуги оказываются на 1,4{N}дня быстрее сопоставимых (95{N}% интервал 0,5–2,3; 37{N}услуг).",
        "Это сравнение не доказывает, что причина — оптимизация.",
    )
    assert wording_effects.effect("days", est(0.5, -0.8, 1.9, "day"), 37, True, "ru")[:2] == (
        "E3", f"Данные не позволяют утверждать, что срок изменился: от{N}{M}0,8 до{N}1,9{N}дня.",
    )  # fmt: skip
    assert wording_effects.effect("days", days, 37, True, "en")[1] == (
        f"Optimised services are estimated to take 1.4{N}days less than they would have without optimisation "
        f"(95% interval 0.5–2.3; 37{N}services)."
    )
    assert wording_effects.effect("days", Estimate(None), 0, True, "en") == ("", "", "")
    # The counterfactual belongs to E1 alone.
    for lang, mark in (("ru", "бы без оптимизации"), ("en", "without optimisation")):
        assert mark in wording_effects.effect("days", days, 37, True, lang)[1]
        assert mark not in wording_effects.effect("days", days, 37, False, lang)[1]


def test_parts_of_the_naive_difference_add_up_or_say_so():
    def parts(naive, trend, rtm, effect, unit="day"):
        return wording_effects.not_an_effect(*(Estimate(v, unit=unit) for v in (naive, trend, rtm, effect)), "ru")

    assert parts(-2.6, -0.6, -0.6, -1.4) == (
        f"Простое сравнение «до и после» даёт {M}2,6{N}дня. Это не эффект: {M}0,6 — общий тренд, {M}0,6 — возврат "
        f"к среднему, {M}1,4 — оценка."
    )
    assert "части округлены" in parts(-2.65, -0.64, -0.64, -1.37)
    assert "доли перемножаются" in parts(-20, -5, -5, -11, "percent_change")
    assert wording_effects.not_an_effect(None, None, None, None, "ru") == ""


def test_outcome_families():
    codes = {
        "log_days": "days",
        "median_days": "days",
        "documents": "documents",
        "visits": "visits",
        "online_share": "online_share",
        "in_term_share": "in_term_share",
        "grade_at_least_Б": "grade",
        "satisfaction": "other",
    }
    assert {code: wording_effects.outcome_key(code) for code in codes} == codes


def test_counts_before_shares():
    assert wording.counts(96, 41, 9, "ru") == f"Сроки сократились у 41{N}услуги из 96, выросли у 9."
    assert wording.share(7, 12, "ru") == f"7 из 12 (58{N}%)"
    assert wording.share(2, 4, "en") == "2 of 4"


def test_value_that_would_print_as_zero_gets_more_decimals():
    assert "0,04" in wording.change_point(est(0.04, 0.01, 0.07, "pp"), "ru")
    assert wording.visible_decimals(0) == 1


def test_forms_of_names():
    for region in REGIONS.values():
        assert region.name and region.genitive and region.prepositional and region.label and region.name_en
        assert region.prepositional.startswith("во " if region.code == "RU-VLA" else "в ")
        assert len(region.label) <= 6
        assert not wording_lint.broken(region.genitive) and not wording_lint.broken(region.prepositional)
    assert english("Altai Republic") == "the Altai Republic"
    assert english("Chelyabinsk Oblast") == "Chelyabinsk Oblast"


@pytest.mark.parametrize(
    ("text", "lang", "count"),
    [
        ("Индекс вырос благодаря оптимизации.", "ru", 1),
        ("Рост за счёт онлайн-услуг, и это успех.", "ru", 2),
        ("Это привело к снижению.", "ru", 1),
        ("Это сравнение не доказывает, что причина — оптимизация.", "ru", 0),
        ("Группа эффективности высокая.", "ru", 0),
        ("Эффект равен 2.", "ru", 1),
        ("Регион — лучший в стране.", "ru", 1),
        ("Разница статистически значима, но значимо ли это?", "ru", 1),
        ("Премия «Лидер года» и статья «Из-за очередей».", "ru", 0),
        ("The index rose thanks to optimisation, which led to gains.", "en", 2),
        ("The misled totals are redrawn.", "en", 0),
        ("The best region is the leader.", "en", 2),
    ],
)  # fmt: skip
def test_forbidden_words(text, lang, count):
    assert len(wording_lint.forbidden(text, lang)) == count


def test_lint_options():
    assert wording_lint.forbidden("Оценка эффекта.", "ru", block="effect") == []
    assert wording_lint.forbidden("Регион — лучший.", "ru", may_be_best=True) == []
    assert wording_lint.forbidden("Услуга Успех семьи.", "ru", names=("Успех семьи",)) == []


@pytest.mark.parametrize(
    "text",
    ["61,3 %", "5 услуг", "два  пробела", "{value}", "nan дней", "разница -2,4", "рейтинг Aльфа", "так ,", "конец..", "равно \u22120,0 %"],
)  # fmt: skip
def test_broken_sentences_are_found(text):
    assert wording_lint.broken(text)


def test_templates_have_the_same_fields_in_both_languages():
    import string

    for sentence_id, pair in SENTENCES.items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} - {"NBSP"} for text in pair]
        if sentence_id not in ("H1_change", "H_base"):
            assert fields[0] - {"others"} == fields[1] - {"others"}, sentence_id
