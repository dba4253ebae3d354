"""Messages: bytes on the wire, sentences in HTML and text, nobody can inject anything."""

import email
import re
from dataclasses import replace
from email import policy

import example_results
import mail_world
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.delivery import mime
from helpers.presentation import messages
from helpers.tables import store

RESULTS = [example_results.rich, example_results.poor, example_results.empty, example_results.national]


def letter(**change):
    values = {
        "identity": ("real/2024-H1", "RU-CHE", "a@b.example", "ru", "preliminary"),
        "date": "Thu, 15 Jan 2026 02:00:00 +0300", "subject": "Тема", "recipient_name": "Иванова Анна",
        "recipient_address": "a@b.example", "html": "<p>Привет</p>", "text": "Привет\n", "lang": "ru",
    } | change  # fmt: skip
    return mime.Letter(**values)


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("make", RESULTS, ids=lambda f: f.__name__)
def test_headers_of_all_regions_survive_the_wire(make, lang):
    result = make(lang)
    regions = store.reference("regions").to_dict("records") if result.kind == "regional" else [None]
    for row in regions:
        one = mail_world.with_region(result, row) if row else result
        for is_correction in (False, True):
            subject = messages.subject(one, is_correction)
            name = row["name_ru"] if row else "Россия"
            data = mime.build(letter(subject=subject, recipient_name=name), mail_world.SENDER)
            assert mail_world.wire_faults(data) == [], subject
            headers = mail_world.headers_of(data)
            assert mail_world.decode_header(headers["subject"][0]) == subject
            assert mail_world.decode_header(headers["to"][0]) == f"{name} <a@b.example>"
            assert (
                mail_world.decode_header(headers["from"][0]) == "Клиентоцентричность: отчёты <reports@ministry.example>"
            )
            assert len(subject) <= 120 and messages.place_name(one) in subject


@given(
    st.text(
        st.characters(blacklist_categories=("Cc", "Cs", "Co", "Cn"), blacklist_characters=list(mime.BIDIRECTIONAL)),
        min_size=1,
        max_size=110,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_printable_subject_round_trips(subject):
    data = mime.build(letter(subject=subject), mail_world.SENDER)
    assert mail_world.wire_faults(data) == []
    assert (
        mail_world.decode_header(mail_world.headers_of(data)["subject"][0]) == subject.strip()
        or subject != subject.strip()
    )


@pytest.mark.parametrize(
    "subject",
    ["=?utf-8?B?0YQ=?=", "plain =?utf-8?q?=41?= text", "x" * 110, "?= =?", "(a) =?x?b?y?= z", "тема =?utf-8?B?0YQ=?="],
)
def test_a_subject_that_looks_encoded_already_arrives_literally(subject):
    data = mime.build(letter(subject=subject), mail_world.SENDER)
    assert mail_world.wire_faults(data) == []
    assert mail_world.decode_header(mail_world.headers_of(data)["subject"][0]) == subject


@pytest.mark.parametrize(
    "change",
    [
        {"address": "a@b.example>\r\nBcc: <x@y.example"}, {"reply_address": "not"}, {"list_id": "x>\r\nBcc: <a@b.example"},
        {"list_id": "не.список"}, {"unsubscribe": "a@b.example?cc=x@y.example"}, {"name": "Отчёты <boss@gov.example>"},
        {"reply_name": "\r\nBcc: x@y.example"}, {"list_name": "a\nb"},
    ],
)  # fmt: skip
def test_a_hostile_sender_is_refused(change):
    with pytest.raises(mime.MessageError):
        mime.build(letter(), replace(mail_world.SENDER, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Тема\r\nBcc: x@y.example"},
        {"subject": "ascii\nBcc: x@y.example"},
        {"recipient_name": "Имя\r\nBcc: x@y.example"},
        {"recipient_name": "boss@kremlin.example"},
        {"recipient_name": "Имя <boss@kremlin.example>"},
        {"recipient_name": "Имя \u202e"},
        {"recipient_address": "a@b.example\r\nBcc: c@d.example"},
        {"recipient_address": "a@b.example, c@d.example"},
        {"recipient_address": "не-адрес"},
        {"recipient_address": "a" * 65 + "@b.example"},
        {"recipient_address": "a@" + "b" * 250 + ".example"},
        {"recipient_address": '"a b"@c.example'},
        {"recipient_address": ".a@c.example"},
        {"recipient_name": "Имя\u2028Bcc: x@y.example"},
        {"recipient_name": "boss\uff20kremlin.example"},
        {"recipient_name": "Имя\u200d"},
        {"recipient_name": "\ud800"},
        {"subject": "Тема \u2029"},
        {"subject": "Тема \x00"},
        {"lang": "ru\r\nBcc: x@y.example"},
        {"recipient_address": "a..b@c.example"},
        {"date": "Thu, 15 Jan 2026\r\nBcc: x@y.example"},
        {"attachments": (mime.Attachment("отчёт.pdf", b"x", "pdf"),)},
        {"attachments": (mime.Attachment('a".pdf', b"x", "pdf"),)},
        {"subject": "я" * 121},
        {"html": "я" * 30_001},
        {"attachments": (mime.Attachment("a.pdf", b"x" * 4_000_000, "pdf"),)},
    ],
)
def test_injection_spoofing_and_oversize_are_refused_before_building(change):
    with pytest.raises(mime.MessageError):
        mime.build(letter(**change), mail_world.SENDER)


def test_structure_and_reproducible_bytes():
    picture = mime.Picture("comparison", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "alt")
    page = mime.Attachment("otchet_74_2024-H1.html", "<p>Отчёт</p>".encode(), "html")
    one = letter(pictures=(picture,), attachments=(page, mime.Attachment("a.pdf", b"%PDF \r\n\n.\r\n", "pdf")))
    cid = mime.content_id(one, picture)
    one = letter(pictures=(picture,), attachments=one.attachments, html=f'<img src="cid:{cid}" alt="alt">')
    data = mime.build(one, mail_world.SENDER)
    assert data == mime.build(one, mail_world.SENDER)
    parsed = email.message_from_bytes(data, policy=policy.default)
    kinds = [part.get_content_type() for part in parsed.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "text/html", "application/pdf",
    ]  # fmt: skip
    plain, body = (
        p.get_payload(decode=True)
        for p in parsed.walk()
        if p.get_content_type() in ("text/plain", "text/html") and not p.get_filename()
    )
    assert plain == "Привет\r\n".encode() and not re.search(rb"(?<!\r)\n|\r(?!\n)", plain + body)
    image = next(p for p in parsed.walk() if p.get_content_type() == "image/png")
    assert image["Content-ID"] == f"<{cid}>" and image.get_payload(decode=True) == picture.png
    attached = [p for p in parsed.walk() if p.get_content_disposition() == "attachment"]
    assert attached[0].get_filename() == "otchet_74_2024-H1.html" and attached[0].get_content_charset() == "utf-8"
    assert attached[1].get_payload(decode=True) == b"%PDF \r\n\n.\r\n"
    assert parsed["Auto-Submitted"] == "auto-generated" and "mailto:" in parsed["List-Unsubscribe"]
    assert parsed["Message-ID"] == mime.message_id(one.identity, "ministry.example")


def test_message_id_depends_on_run_region_recipient_language_and_edition():
    base = ("real/2024-H1", "RU-CHE", "a@b.example", "ru", "preliminary")
    ids = {mime.message_id(base, "d.example")}
    for position in range(5):
        other = (*base[:position], "x", *base[position + 1 :])
        ids.add(mime.message_id(other, "d.example"))
    assert len(ids) == 6


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("make", RESULTS, ids=lambda f: f.__name__)
def test_body_is_small_escaped_and_says_the_same_as_the_text(make, lang):
    result = make(lang)
    body = messages.body(result, "chart.1", "График: 61,3 % и другие")
    assert len(body.html.encode()) <= mime.MAX_HTML_BYTES
    assert "<script" not in body.html and "data:" not in body.html and "http" not in body.html
    visible = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body.html)).replace("\u00a0", " ")
    text = re.sub(r"\s+", " ", body.text)
    for sentence in (result.headline.sentence, *result.lead, *result.main_points):
        plain = re.sub(r"\s+", " ", sentence.replace("\u00a0", " "))
        assert plain in text
        assert re.sub(r"\s+", " ", plain).replace("&", "&amp;") in visible or plain in visible
    for kpi in result.kpis:
        assert kpi.value.replace("\u00a0", " ") in text and kpi.value.replace("\u00a0", " ") in visible
    assert max(map(len, body.text.splitlines())) <= 72
    assert not re.search(r"\d\n\s*(%|п\.|услуг|дн)", body.text), "a number is parted from its unit"
    if result.is_synthetic:
        assert result.banner in body.html and result.banner in body.subject and result.banner.upper() in body.text


def test_hostile_names_stand_literally_in_the_body():
    body = messages.body(example_results.rich("ru"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body.html and "<script>alert(1)</script>" in body.text


def test_a_picture_without_words_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        messages.body(example_results.rich("ru"), "cid", "  ")


def test_every_number_of_the_picture_stands_in_the_text():
    result = example_results.rich("ru")
    body = messages.body(result, "chart.1", "alt")
    for row in result.comparison.rows:
        if row.kind != "peer":
            assert row.label in body.text


def test_the_first_screen_says_what_to_fix_next():
    body = messages.body(example_results.rich("ru"))
    assert body.html.index("Оптимизировать дальше") < body.html.index("Медианный срок")
    assert body.text.index("Оптимизировать дальше") < body.text.index("Медианный срок")
    assert "Оптимизировать дальше" not in messages.body(example_results.poor("ru")).html


def test_what_to_fix_next_is_beyond_noise_or_says_that_it_is_not():
    result = example_results.rich("ru")
    first, second = result.next_services.rows
    unsure = replace(first, gain=replace(first.gain, low=-1.0))
    block = replace(result.next_services, rows=(unsure, second))
    assert messages.first_service(replace(result, next_services=block)) is second
    block = replace(block, rows=(unsure,))
    text = messages.first_next(replace(result, next_services=block))
    assert text.endswith("выигрыш в пределах погрешности.") and first.name in text


def test_subjects_keep_the_edition_and_the_printed_precision():
    result = example_results.rich("ru")
    name = "Республика Северная Осетия — Алания"
    long = replace(result, region=replace(result.region, name=name))
    subject = messages.subject(long)
    assert len(subject) <= 120 and subject.endswith("; предв.") and "61,3\u00a0% (57,9–64,7)" in subject
    printed = replace(
        result.kpis[0], value="64,54\u00a0%", estimate=example_results.pct(64.54, 64.535, 64.545, "rounding")
    )
    assert "64,54\u00a0% (64,535–64,545)" in messages.subject(replace(result, kpis=(printed,)))
    assert "индекса нет" in messages.subject(example_results.poor("ru"))
    assert "нет данных" in messages.subject(example_results.empty("ru"))
