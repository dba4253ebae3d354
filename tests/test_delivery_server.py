"""A server that misbehaves at every stage: greeting, EHLO, STARTTLS, login, MAIL, RCPT, DATA, the dot, RSET."""

import shutil
import ssl
import subprocess
import time

import conftest
import mail_world
import pytest
from smtp_script import Server
from test_delivery import a_release

from helpers.delivery import command, ledger, letters, sending, transport
from helpers.delivery import release as releases
from helpers.delivery.server import Settings

NAMES = ("a@b.example", "b@b.example", "c@b.example", "d@b.example")


@pytest.fixture
def serve():
    servers = []

    def start(*args, **kwargs):
        servers.append(Server(*args, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """Letters of a few recipients, made once."""
    release = a_release(tmp_path_factory.mktemp("release"))
    people = [mail_world.recipient(name) for name in NAMES] + [
        mail_world.recipient(f"p{i}@b.example") for i in range(20)
    ]
    planned, refused = letters.plan(release, people, mail_world.SENDER)
    assert not refused
    return release, planned


def go(tmp_path, server, plans, count=2, **change):
    release, planned = plans
    waits = []
    clock = sending.Clock(lambda: "2026-01-15T00:00:00+00:00", time.monotonic, waits.append)
    values = {"security": "none", "envelope_from": "b@m.example", "per_minute": 0, "timeout": 1.0, "final_timeout": 1.0}
    book = ledger.Ledger(tmp_path / "ledger.sqlite")
    report = sending.run(
        release, planned[:count], [], book, Settings("127.0.0.1", server.port, **(values | change)), clock, 5.0
    )
    return report, book, [wait for wait in waits if wait > 1]


def states(report):
    return [entry.state for entry in report.entries]


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "rset"])
@pytest.mark.parametrize("word", ["drop", "silence", "garbage", "endless", "trickle", "451 later", "421 later"])
def test_nothing_before_the_dot_loses_or_doubles_a_letter(tmp_path, serve, plans, stage, word):
    script = {stage: [word]} if stage != "rset" else {"rcpt": ["451 later"], "rset": [word]}
    server = serve(script)
    report, _, _ = go(tmp_path, server, plans)
    assert states(report) == ["sent", "sent"], report
    assert sorted(name for name, _ in server.accepted) == ["a@b.example", "b@b.example"]


@pytest.mark.parametrize(
    ("word", "state", "accepted"),
    [
        ("drop-accepted", "unknown", 2), ("silence-accepted", "unknown", 2), ("garbage-accepted", "unknown", 2),
        ("endless-accepted", "unknown", 2), ("354 what-accepted", "unknown", 2), ("drop", "unknown", 1),
        ("250 ok", "sent", 2), ("251 ok", "sent", 2), ("trickle", "sent", 2),
        ("451 later", "sent", 2), ("421 later", "sent", 2), ("452 full", "sent", 2),
        ("550 spam", "refused", 1), ("552 too big", "refused", 1), ("554 no", "refused", 1),
    ],
)  # fmt: skip
def test_every_answer_to_the_dot(tmp_path, serve, plans, word, state, accepted):
    server = serve({"dot": [word]})
    report, _, _ = go(tmp_path, server, plans)
    assert states(report) == [state, "sent"]
    assert len(server.accepted) == accepted
    again, _, _ = go(tmp_path, server, plans)
    assert states(again) == [state, "sent"] and len(server.accepted) == accepted, "a second run sent again"


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("code", ["552 too big", "550 no", "554 no"])
def test_a_refusal_for_good_costs_one_letter(tmp_path, serve, plans, stage, code):
    if stage == "mail" and code != "552 too big":
        return
    server = serve({stage: [code]})
    report, _, waits = go(tmp_path, server, plans, 3)
    assert states(report) == ["refused", "sent", "sent"] and not waits
    assert report.entries[0].reply.startswith(code[:3])


def test_a_refusal_and_a_hang_up_is_still_a_refusal(tmp_path, serve, plans):
    server = serve({"rcpt": ["550 no such user"], "rset": ["drop"]})
    report, _, waits = go(tmp_path, server, plans)
    assert states(report) == ["refused", "sent"] and not waits


def test_pauses_double_and_are_bounded(tmp_path, serve, plans):
    server = serve({"rcpt": ["451 later"] * 99})
    report, _, waits = go(tmp_path, server, plans, 1)
    assert states(report) == ["deferred"] and waits == [5.0, 10.0, 20.0]
    assert server.seen["rcpt"] == sending.MAX_ATTEMPTS


def test_a_server_that_closes_after_a_few_letters_gets_them_all(tmp_path, serve, plans):
    """Many servers end a conversation with 421 after some letters; no letter waits for that."""
    server = serve({"mail": ["250 ok", "250 ok", "421 enough"] * 9})
    report, _, waits = go(tmp_path, server, plans, 12)
    assert states(report) == ["sent"] * 12 and not waits
    assert len({name for name, _ in server.accepted}) == len(server.accepted) == 12


def test_a_server_that_hangs_up_on_everybody_is_left_alone_for_a_while(tmp_path, serve, plans):
    server = serve({"mail": ["drop"] * 99})
    report, _, waits = go(tmp_path, server, plans, 20)
    assert waits == [5.0, 10.0, 20.0] and server.connections <= sending.MAX_ATTEMPTS * sending.MAX_LOST_IN_A_ROW
    assert set(states(report)) <= {"planned", "deferred"} and report.exit_code == 1


def test_one_letter_that_makes_the_server_hang_up_does_not_starve_the_others(tmp_path, serve, plans):
    server = serve()
    plain = server._say

    def hang_up(connection, stage, default):
        if stage == "mail" and server.connections % 2:
            raise OSError("always on odd conversations")
        return plain(connection, stage, default)

    server._say = hang_up
    report, _, _ = go(tmp_path, server, plans, 4)
    assert states(report) == ["sent"] * 4


def test_a_server_away_for_the_whole_run_stops_it_with_the_reason(tmp_path, serve, plans):
    server = serve({"connect": ["421 closed for repair"] * 99})
    report, _, waits = go(tmp_path, server, plans)
    assert "421 closed for repair" in report.stopped and waits == [5.0, 10.0, 20.0]
    assert states(report) == ["planned", "planned"] and report.exit_code == 1
    report, _, _ = go(tmp_path, serve(), plans)
    assert states(report) == ["sent", "sent"]


# ---- TLS -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A certificate for 127.0.0.1, one for another name, and one that ended yesterday."""
    if not shutil.which("openssl"):
        if conftest.on_ci():
            pytest.fail("openssl is missing in CI")
        pytest.skip("openssl is not installed: it makes the certificates of the test server")
    folder = tmp_path_factory.mktemp("tls")
    made = {}
    for kind, name in (("good", "IP:127.0.0.1"), ("other", "DNS:mail.elsewhere.example"), ("ended", "IP:127.0.0.1")):
        key, certificate = folder / f"{kind}.key", folder / f"{kind}.pem"
        if kind == "ended":
            end_early(folder, key, certificate)
        else:
            openssl(
                "req",
                "-x509",
                *NEW_KEY,
                "-days",
                "2",
                "-addext",
                f"subjectAltName={name}",
                "-keyout",
                key,
                "-out",
                certificate,
            )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        made[kind] = (context, str(certificate))
    return made


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


def end_early(folder, key, certificate):
    """A certificate that was good for one day of 2020."""
    (folder / "index").write_text("", encoding="ascii")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\nnew_certs_dir={folder}\ndatabase={folder}/index\nrand_serial=yes\ndefault_md=sha256\n"
        "policy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=CA:TRUE\n",
        encoding="ascii",
    )
    openssl("req", "-new", *NEW_KEY, "-keyout", key, "-out", folder / "ended.csr")
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    openssl(
        "ca",
        "-batch",
        "-selfsign",
        "-config",
        folder / "ca.cnf",
        "-keyfile",
        key,
        "-in",
        folder / "ended.csr",
        *dates,
        "-out",
        certificate,
    )


LOGIN = {"security": "starttls", "user": "me", "password": "s3cret-word"}


def test_login_and_letters_go_over_tls_only(tmp_path, serve, plans, tls):
    context, file = tls["good"]
    server = serve(context=context)
    report, _, _ = go(tmp_path, server, plans, ca_file=file, **LOGIN)
    assert states(report) == ["sent", "sent"]
    assert server.login_words() == [[b"me", b"s3cret-word"]]
    assert {is_safe for verb, is_safe in server.words if verb not in ("EHLO", "STARTTLS")} == {True}
    assert all(is_safe for _, is_safe in server.logins)


@pytest.mark.parametrize(("kind", "ca"), [("good", ""), ("other", "own"), ("ended", "own"), ("good", "other")])
def test_a_certificate_that_proves_nothing_stops_the_run(tmp_path, serve, plans, tls, kind, ca):
    context, own = tls[kind]
    server = serve(context=context)
    report, _, waits = go(tmp_path, server, plans, ca_file={"": "", "own": own, "other": tls["other"][1]}[ca], **LOGIN)
    assert "no safe conversation" in report.stopped and not waits
    assert not server.logins and not server.accepted and states(report) == ["planned", "planned"]


def test_a_man_in_the_middle_who_hides_starttls_gets_no_word_of_ours(tmp_path, serve, plans):
    server = serve()
    report, _, _ = go(tmp_path, server, plans, **LOGIN)
    assert "STARTTLS" in report.stopped
    assert {verb for verb, _ in server.words} <= {"EHLO", "QUIT"} and not server.logins


def test_a_refused_starttls_is_no_reason_to_go_on_in_the_clear(tmp_path, serve, plans, tls):
    server = serve({"starttls": ["454 not now"] * 9}, context=tls["good"][0])
    report, _, waits = go(tmp_path, server, plans, ca_file=tls["good"][1], **LOGIN)
    assert "454" in report.stopped and waits and not server.logins and not server.accepted
    server = serve({"starttls": ["502 no"] * 9}, context=tls["good"][0])
    report, _, waits = go(tmp_path, server, plans, ca_file=tls["good"][1], **LOGIN)
    assert "502" in report.stopped and not waits and not server.logins and not server.accepted


def test_words_slipped_in_before_tls_are_not_believed(tmp_path, serve, plans, tls):
    """STARTTLS response injection: what follows 220 in the clear must not be read as an answer inside TLS."""
    context, file = tls["good"]
    server = serve(context=context, injected=b"250-test\r\n250 AUTH LOGIN\r\n535 no\r\n")
    report, _, _ = go(tmp_path, server, plans, ca_file=file, **LOGIN)
    assert not server.accepted or states(report) == ["sent", "sent"]
    assert "535" not in report.stopped


@pytest.mark.parametrize(("word", "is_tried_again"), [("535 no", False), ("454 later", True), ("drop", True)])
def test_login_troubles_name_the_variables_and_not_the_password(tmp_path, serve, plans, tls, word, is_tried_again):
    context, file = tls["good"]
    server = serve({"auth": [f"{word} s3cret-word" if word[0].isdigit() else word] * 9}, context=context)
    report, book, waits = go(tmp_path, server, plans, ca_file=file, **LOGIN)
    assert bool(waits) == is_tried_again and not server.accepted
    assert "SMTP_USER" in report.stopped or word == "drop"
    assert "s3cret" not in repr(report) + str(book.entries())


def test_a_server_that_repeats_the_password_does_not_get_it_into_the_ledger(tmp_path, serve, plans, tls):
    context, file = tls["good"]
    server = serve({"rcpt": ["550 s3cret-word AG1lAHMzY3JldC13b3Jk czNjcmV0LXdvcmQ="]}, context=context)
    report, _, _ = go(tmp_path, server, plans, ca_file=file, **LOGIN)
    assert states(report) == ["refused", "sent"] and report.entries[0].reply == "550 *** *** ***"
    server = serve({"mail": ["550 s3cret-word"] * 9}, context=context)
    report, _, _ = go(tmp_path / "other", server, plans, ca_file=file, **LOGIN)
    assert "***" in report.stopped and "s3cret" not in report.stopped


def test_a_missing_file_of_certificates_is_a_clear_stop(tmp_path, serve, plans):
    report, _, waits = go(tmp_path, serve(), plans, ca_file=str(tmp_path / "none.pem"), **LOGIN)
    assert "No such file" in report.stopped and not waits


# ---- the ledger ----------------------------------------------------------------------------------------------


def test_another_domain_of_the_sender_does_not_send_again(tmp_path, serve, plans):
    server = serve()
    release, planned = plans
    go(tmp_path, server, plans, 1)
    from dataclasses import replace

    moved = replace(mail_world.SENDER, address="reports@new.example")
    people = [letter.recipient for letter in planned[:2]]
    anew, _ = letters.plan(release, people, moved)
    assert anew[0].message_id != planned[0].message_id
    report, book, _ = go(tmp_path, server, (release, anew))
    assert states(report) == ["sent", "sent"] and [name for name, _ in server.accepted] == list(NAMES[:2])
    assert [entry.message_id for entry in book.entries()] == [planned[0].message_id, anew[1].message_id]


def test_an_unknown_letter_is_told_of_until_it_is_resolved_even_without_its_recipient(tmp_path, serve, plans):
    release, planned = plans
    server = serve({"dot": ["drop"]})
    go(tmp_path, server, plans, 1)
    report, _, _ = go(tmp_path, server, (release, planned[1:]), 1)
    assert sorted(states(report)) == ["sent", "unknown"] and report.exit_code == 1


def test_the_ledger_is_private_and_on_disk_when_it_says_so(tmp_path):
    book = ledger.Ledger(tmp_path / "new" / "ledger.sqlite")
    assert (tmp_path / "new" / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
    assert book._db.execute("PRAGMA synchronous").fetchone()[0] >= 2
    (tmp_path / "file").write_text("x")
    with pytest.raises(ledger.LedgerError, match="cannot be written"):
        ledger.Ledger(tmp_path / "file" / "ledger.sqlite")


def test_digest_counts_and_advises(tmp_path, serve, plans):
    release, planned = plans
    server = serve(
        {"rcpt": ["550 no such user", "250 ok", "451 later", "250 ok", *["451 later"] * 9], "dot": ["250 ok", "drop"]}
    )
    report, _, _ = go(tmp_path, server, (release, planned[:4]), 4)
    report = sending.Report(
        report.entries,
        (releases.Refusal("<x>@y.example", "RU-AD.ru", "<why>"), releases.Refusal("d@e.example", "all", "other", True)),
        report.stopped, report.sent_now,
    )  # fmt: skip
    data = command.digest_of(report, release, "https://reports.example")
    assert dict(data.counts) == {"sent": 1, "unknown": 1, "refused": 1, "deferred": 1, "skipped": 2}
    told = command.messages_digest.digest(data)
    assert told.subject.startswith("Delivery of real 2024-H1: sent 1, unknown 1") and len(told.subject) <= 120
    assert "&lt;x&gt;@y.example" in told.html and "&lt;why&gt;" in told.html and "<pre" not in told.html
    for text in (told.text, told.html):
        assert "550 no such user" in text and "reports build --check" in text
        assert "https://reports.example/real/2024-H1/index.html" in text
        assert text.index("sent 1") < text.index("no such user")
    assert max(map(len, told.text.splitlines())) <= 72 or "https" in told.text


def test_a_digest_of_thousands_of_refusals_still_goes(tmp_path, plans):
    many = tuple(releases.Refusal(f"a{i}@b.example", "RU-AD.ru", "no " * 400) for i in range(3000))
    data = command.digest_of(sending.Report((), many), plans[0])
    told = command.messages_digest.digest(data)
    assert len(told.html.encode()) < 60_000 and "and 2960 more" in told.html and "and 2960 more" in told.text


def test_transport_never_falls_over_an_odd_answer(serve):
    for script in ({"mail": ["garbage"]}, {"rcpt": ["999 what"]}, {"data": ["250 ok"]}, {"data": ["200"]}):
        server = serve(script)
        smtp = transport.connect(Settings("127.0.0.1", server.port, "none", timeout=1))
        outcome = transport.send(smtp, "a@b.example", "c@d.example", b"x\r\n", lambda: None, 1)
        assert outcome.state in ("deferred", "refused") and not server.accepted
        transport.close(smtp)
