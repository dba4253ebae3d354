"""One message per recipient: a district and the whole country in one letter each; recipients' lists people send."""

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path

import example_results
import mail_world
import pytest
from test_delivery import HEAD, write

from helpers.delivery import command, letters, mime, recipients
from helpers.delivery import release as releases
from helpers.presentation import messages
from helpers.presentation.messages import group as messages_group
from helpers.presentation.wording import lint as wording_lint
from helpers.tables import store

KINDS = (example_results.rich, example_results.poor, example_results.empty)


@pytest.fixture(scope="module")
def register():
    return store.reference("regions")


def regional(row, number, lang="ru"):
    """Every third region is rich, poor or empty; names and districts as in the register."""
    result = mail_world.with_region(KINDS[number % 3](lang), row)
    region = replace(
        result.region, district=row["federal_district"], district_en=row["federal_district"] and "Ural Federal District"
    )
    return mail_world.real(replace(result, region=region))


@pytest.fixture(scope="module")
def world(tmp_path_factory, register):
    made = [regional(row, number) for number, row in enumerate(register.to_dict("records"))]
    made.append(mail_world.real(example_results.national("ru")))
    return releases.read_release(mail_world.release(tmp_path_factory.mktemp("all"), made))


def one(world, register, scope, **more):
    who = mail_world.recipient(scope=recipients.scopes_of(register)[scope.casefold()])
    planned, refused = letters.plan(world, [who], mail_world.SENDER, **more)
    assert not refused, refused
    assert len(planned) == 1
    return planned[0]


def test_a_district_is_one_letter_with_all_its_reports(world, register):
    letter = one(world, register, "Уральский федеральный округ")
    assert mail_world.wire_faults(letter.data) == [] and letter.scope == "Уральский федеральный округ"
    assert len(mail_world.attachments(letter.data)) == 6
    text, page = mail_world.bodies(letter.data)
    ural = register[register["federal_district"] == "Уральский федеральный округ"]
    for name in ural["name_ru"]:
        assert name in page and name in text.replace("\n  ", " ").replace("\n", " ")
    assert "Полные отчёты всех регионов — во вложениях" in text.replace("\n", " ")
    assert letter.subject.startswith("Уральский федеральный округ, ") and len(letter.subject) <= 120


def test_everything_is_one_letter_with_the_national_report(world, register):
    letter = one(world, register, "all")
    assert mail_world.attachments(letter.data) == ["otchet_national_2024-H1.html"]
    text, page = mail_world.bodies(letter.data)
    assert len(page.encode()) <= mime.MAX_HTML_BYTES and len(letter.data) < mime.MAX_MESSAGE_BYTES
    flat = " ".join(text.split())
    for name in register["name_ru"]:
        assert " ".join(name.split()) in flat and name in page
    assert "в ответ на это письмо" in flat and "http" not in page
    assert page.index("Уральский") < page.index("Вне округов")
    linked = one(world, register, "all", reports_address="https://reports.example/x/")
    _, page = mail_world.bodies(linked.data)
    assert page.count('href="https://reports.example/x/real/2024-H1/') == 89
    assert len(page.encode()) <= mime.MAX_HTML_BYTES and mail_world.wire_faults(linked.data) == []


def test_headers_of_every_scope_survive_the_wire(world, register):
    scopes = {scope.key: scope for scope in recipients.scopes_of(register).values()}
    people = [
        mail_world.recipient(f"a{n}@b.example", scope=scope, name=key) for n, (key, scope) in enumerate(scopes.items())
    ]
    assert len(people) == 89 + 8 + 2
    planned, refused = letters.plan(world, people, mail_world.SENDER)
    assert not refused and len({letter.message_id for letter in planned}) == len(people)
    for letter in planned:
        assert mail_world.wire_faults(letter.data) == [] and len(letter.subject) <= 120
        headers = mail_world.headers_of(letter.data)
        assert mail_world.decode_header(headers["subject"][0]) == letter.subject
        assert mail_world.decode_header(headers["to"][0]) == f"{letter.recipient.name} <{letter.recipient.address}>"


def test_reports_that_do_not_fit_are_not_attached_by_halves(tmp_path, register):
    rows = register[register["federal_district"] == "Уральский федеральный округ"].to_dict("records")
    made = [regional(row, number) for number, row in enumerate(rows)]
    big = releases.read_release(mail_world.release(tmp_path, made, page=b"<p>" + b"x" * 700_000))
    letter = one(big, register, "Уральский федеральный округ")
    assert mail_world.attachments(letter.data) == []
    assert "в ответ на это письмо" in " ".join(mail_world.bodies(letter.data)[0].split())


def test_a_letter_about_several_regions_waits_for_all_of_them(tmp_path, register):
    rows = register[register["federal_district"] == "Уральский федеральный округ"].to_dict("records")
    made = [regional(row, number) for number, row in enumerate(rows)]
    release = releases.read_release(mail_world.release(tmp_path, made))
    release.rows["RU-CHE.ru"]["checked"] = "failed"
    release.rows["RU-SVE.ru"]["status"] = "failed"
    who = mail_world.recipient(scope=recipients.scopes_of(register)["уральский федеральный округ"])
    planned, refused = letters.plan(release, [who], mail_world.SENDER)
    assert not planned and refused[0].reason.startswith("2 of its 6 reports may not leave: ")
    assert "RU-CHE.ru – the report is not validated by nbval" in refused[0].reason


def test_a_district_is_known_by_its_own_index_when_its_regions_agree(register):
    made = tuple(example_results.rich("ru") for _ in range(2))
    group = messages_group.Group(made, "Уральский федеральный округ", frozenset())
    body = messages_group.body(group)
    assert "по округу — 60,9\u00a0% (95\u00a0% интервал 58,1–63,7)" in body.html
    other = replace(made[0].comparison.rows[1], estimate=example_results.pct(50.0, 49.0, 51.0))
    odd = replace(made[1], comparison=replace(made[1].comparison, rows=(other,)))
    body = messages_group.body(replace(group, results=(made[0], odd)))
    assert "Индекс есть у 2 из 2\u00a0регионов" in body.html


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_letters_about_several_regions_escape_lint_and_wrap(lang):
    made = [kind(lang) for kind in KINDS]
    for country, district in ((), "Уральский федеральный округ"), ((example_results.national(lang),), ""):
        results = tuple(replace(r, is_synthetic=False, banner="") for r in (*country, *made))
        body = messages_group.body(
            messages_group.Group(results, district, frozenset(), {"RU-CHE.ru": "https://a.example/x"})
        )
        assert "<script>" not in body.html and len(body.subject) <= 120
        assert all(len(line) <= messages.WIDTH for line in body.text.splitlines())
        names = (example_results.HOSTILE_SERVICE, example_results.HOSTILE_AGENCY, *(r.region.name for r in made))
        for fixed in (body.subject, " ".join(body.text.split())):
            for name in names:
                fixed = fixed.replace(" ".join(name.split()), "Имя")
            assert "nan" not in fixed and "None" not in fixed and "{" not in fixed
            assert not wording_lint.forbidden(body.subject, lang, names)


def test_a_letter_about_nobody_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        messages_group.body(messages_group.Group((example_results.national("ru"),)))
    with pytest.raises(ValueError, match="alternative text"):
        messages_group.body(messages_group.Group((example_results.rich("ru"),)), "cid", " ")


def test_a_result_of_another_region_or_a_broken_one_costs_one_letter(tmp_path):
    result = mail_world.real(example_results.rich())
    folder = mail_world.release(tmp_path, [result])
    text = (folder / "results" / "RU-CHE.ru.json").read_text(encoding="utf-8")
    for change in (
        text.replace('"RU-CHE"', '"RU-AD"'),
        text.replace('"period":"2024-H1"', '"period":"2020"', 1),
        "[]",
        "{}",
    ):
        release = releases.read_release(folder)
        (folder / "results" / "RU-CHE.ru.json").write_text(change, encoding="utf-8")
        release.rows["RU-CHE.ru"]["result_sha256"] = hashlib.sha256(change.encode()).hexdigest()
        planned, refused = letters.plan(release, [mail_world.recipient()], mail_world.SENDER)
        assert not planned and "build it again" in refused[0].reason, refused


# ---- lists that people really send ---------------------------------------------------------------------------


def test_a_list_from_a_russian_spreadsheet(tmp_path, register):
    file = tmp_path / "r.csv"
    rows = "﻿Address;Name;Scope;Lang;Format;Active;Demonstration\r\n\r\na@b.example;Иванова, Анна;RU-CHE;ru;html;да;нет\r\n;;;;;;\r\n"
    file.write_bytes(rows.encode("utf-8"))
    assert [person.name for person in recipients.read(file, register)] == ["Иванова, Анна"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("иван@почта.рф,А,RU-CHE,ru,html,yes,no\n", "is not an e-mail address"),
        ("ivan@почта.рф,А,RU-CHE,ru,html,yes,no\n", "write it as ivan@xn--80a1acny.xn--p1ai"),
        ("a@10.0.0.1,А,RU-CHE,ru,html,yes,no\n", "is not an e-mail address"),
        ("a@b.example,Иванова, Анна,RU-CHE,ru,html,yes,no\n", "line 2: not as many cells"),
        ("a@b.example,А\u202e,RU-CHE,ru,html,yes,no\n", "control characters U+202E"),
        ("a@b.example,А\u200b,RU-CHE,ru,html,yes,no\n", "invisible"),
        ("a@b.example,\x00,RU-CHE,ru,html,yes,no\n", "U+0000"),
        ("a@b.example,boss＠gov.example,RU-CHE,ru,html,yes,no\n", "could forge an address"),
        ("a@b.example,﹤boss﹥,RU-CHE,ru,html,yes,no\n", "could forge an address"),
        ('a@b.example,"=HYPERLINK(""x"")",RU-CHE,ru,html,yes,no\n', "formula"),
        ("a@b.example," + "я" * 121 + ",RU-CHE,ru,html,yes,no\n", "over 120"),
        ('a@b.example,"А\nBcc: x@y.example",RU-CHE,ru,html,yes,no\n', "control characters U+000A"),
        ("a@b.example,А,../../etc,ru,html,yes,no\n", "unknown region"),
        ("a@b.example,А,Уральский,ru,html,yes,no\n", "did you mean"),
        ("a@b.example,А,RU-CHE,ru,html,yes,no\na@b.example,А,Уральский федеральный округ,ru,html,yes,no\n", "twice"),
        ('a@b.example,"' + "x" * 200_000 + '",RU-CHE,ru,html,yes,no\n', "line 2"),
    ],
)  # fmt: skip
def test_what_a_list_may_not_hold(tmp_path, register, rows, says):
    with pytest.raises(recipients.RecipientsError) as error:
        recipients.read(write(tmp_path, rows), register)
    assert says in str(error.value)


def test_inactive_rows_get_nothing_and_are_no_duplicates(tmp_path, register):
    rows = "a@b.example,А,RU-CHE,ru,html,no,no\na@b.example,А,RU-CHE,ru,html,yes,no\n"
    assert len(recipients.read(write(tmp_path, rows), register)) == 1
    with pytest.raises(recipients.RecipientsError, match="not an e-mail"):
        recipients.read(write(tmp_path, "nobody,А,RU-CHE,ru,html,no,no\n"), register)


def test_odd_files_are_one_clear_line(tmp_path, register):
    (tmp_path / "folder").mkdir()
    with pytest.raises(recipients.RecipientsError, match="cannot be read"):
        recipients.read(tmp_path / "folder", register)
    (tmp_path / "big.csv").write_bytes(b"x" * 5_000_001)
    with pytest.raises(recipients.RecipientsError, match="not a list"):
        recipients.read(tmp_path / "big.csv", register)
    with pytest.raises(recipients.RecipientsError, match="not a list"):
        recipients.read(Path("/dev/zero"), register)
    (tmp_path / "twice.csv").write_text(HEAD.replace("name", "address") + "a,b,c,d,e,f,g\n", encoding="utf-8")
    with pytest.raises(recipients.RecipientsError, match="columns"):
        recipients.read(tmp_path / "twice.csv", register)


def test_a_list_for_both_collections_is_no_fault_of_the_real_one(tmp_path):
    release = releases.read_release(mail_world.release(tmp_path, [mail_world.real(example_results.rich())]))
    who = [mail_world.recipient(), mail_world.recipient("demo@b.example", demonstration=True)]
    planned, refused = letters.plan(release, who, mail_world.SENDER)
    assert len(planned) == 1 and [r.is_expected for r in refused] == [True]


def test_the_example_list_refuses_nobody_and_an_absent_release_says_no_error_number(tmp_path, register):
    folder = mail_world.release(tmp_path, [mail_world.real(example_results.rich())])
    lines = (Path(__file__).resolve().parents[1] / "recipients.example.csv").read_text(encoding="utf-8").splitlines()
    own = tmp_path / "own.csv"
    own.write_text("\n".join(line for line in lines if "Уральский" not in line) + "\n", encoding="utf-8")
    mail = tomllib.loads((Path(__file__).resolve().parents[1] / "params.toml").read_text(encoding="utf-8"))["mail"]
    told = command.deliver(folder, tmp_path / "ledger.sqlite", own, register, mail)
    assert told.exit_code == 0 and "1 letters written, 0 refused" in told.text
    assert "not addressed: visitor@demo.example" in told.text
    with pytest.raises(command.DeliveryError, match=r"holds no finished release \(No such file") as caught:
        command.deliver(folder.with_name("2020"), tmp_path / "ledger.sqlite", own, register, mail)
    assert "Errno" not in str(caught.value)
