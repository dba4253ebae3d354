"""Delivery: right person, right report, once – against a server that misbehaves at every stage of the dialogue."""

import base64
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import conftest
import example_results
import mail_world
import pytest
from smtp_script import Server

from helpers.delivery import command, ledger, letters, outbox, recipients, sending, transport
from helpers.delivery import release as releases
from helpers.delivery.server import Settings, SettingsError, settings_from
from helpers.presentation.messages import digest as messages_digest
from helpers.tables import store

HEAD = "address,name,scope,lang,format,active,demonstration\n"


# ---- recipients ----------------------------------------------------------------------------------------------


def write(tmp_path, rows):
    file = tmp_path / "recipients.csv"
    file.write_text(HEAD + rows, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def register():
    return store.reference("regions")


def test_scopes_are_regions_by_code_or_name_districts_everything(tmp_path, register):
    rows = (
        "a@b.example,А,RU-CHE,ru,html,yes,no\nb@b.example,Б,Челябинская область,ru,pdf,да,no\n"
        "c@b.example,В,Уральский федеральный округ,en,html,1,no\nd@b.example,Г,all,ru,html,yes,no\n"
        "e@b.example,Д,national,ru,html,yes,no\nf@b.example,Е,RU-CHE,ru,html,no,no\n"
    )
    people = recipients.read(write(tmp_path, rows), register)
    assert [len(p.scope.regions) for p in people] == [1, 1, 6, 90, 1]
    assert people[0].scope.regions == people[1].scope.regions == ("RU-CHE",) and people[4].scope.regions == (
        "national",
    )


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("no-address,А,RU-CHE,ru,html,yes,no\n", "line 2: 'no-address' is not an e-mail address"),
        ("a@b.example,А,RU-XXX,ru,html,yes,no\n", "unknown region"),
        ("a@b.example,А,Челябинск,ru,html,yes,no\n", "did you mean"),
        ("a@b.example,А <b@c.example>,RU-CHE,ru,html,yes,no\n", "forge"),
        ("a@b.example,А,RU-CHE,de,html,yes,no\n", "language 'de'"),
        ("a@b.example,А,RU-CHE,ru,doc,yes,no\n", "format 'doc'"),
        ("a@b.example,А,RU-CHE,ru,html,maybe,no\n", "write yes or no"),
        ("a@b.example,А,RU-CHE,ru,html,yes,no\nA@b.example,А,all,ru,pdf,yes,no\n", "twice (line 2 too)"),
    ],
)
def test_mistakes_are_listed_before_anything_is_sent(tmp_path, register, rows, says):
    with pytest.raises(recipients.RecipientsError) as error:
        recipients.read(write(tmp_path, rows), register)
    assert says in str(error.value)


def test_missing_misencoded_and_columnless_lists(tmp_path, register):
    with pytest.raises(recipients.RecipientsError, match="recipients.example.csv"):
        recipients.read(tmp_path / "none.csv", register)
    (tmp_path / "cp.csv").write_bytes((HEAD + "a@b.example,Имя,RU-CHE,ru,html,yes,no\n").encode("cp1251"))
    with pytest.raises(recipients.RecipientsError, match="UTF-8"):
        recipients.read(tmp_path / "cp.csv", register)
    (tmp_path / "c.csv").write_text("address\na@b.example\n", encoding="utf-8")
    with pytest.raises(recipients.RecipientsError, match="columns"):
        recipients.read(tmp_path / "c.csv", register)


def test_the_example_list_is_valid(register):
    file = Path(__file__).resolve().parents[1] / "recipients.example.csv"
    assert len(recipients.read(file, register)) == 3


# ---- what may leave ------------------------------------------------------------------------------------------


def a_release(tmp_path, collection="real", lang="ru", **change):
    result = example_results.rich(lang)
    made = [mail_world.real(result) if collection == "real" else result]
    return releases.read_release(mail_world.release(tmp_path, made, collection, **change))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "failed", "error": "cell 3"}, "not built (status: failed): cell 3"),
        ({"checked": "failed"}, "not validated by nbval"),
        ({"checked": ""}, "not validated by nbval"),
        ({"html_sha256": "0" * 64}, "not the file that was built"),
        ({"result_sha256": ""}, "not the file that was built"),
        ({"is_synthetic": "True"}, "demonstration data never go"),
    ],
)
def test_reports_that_may_not_leave_are_refused_with_the_reason(tmp_path, change, says):
    release = a_release(tmp_path, **change)
    planned, refused = letters.plan(release, [mail_world.recipient()], mail_world.SENDER)
    assert not planned and says in refused[0].reason


def test_missing_files_missing_reports_and_missing_pdf(tmp_path):
    release = a_release(tmp_path)
    (release.folder / "RU-CHE.ru.pdf").unlink()
    who = [mail_world.recipient(format="pdf"), mail_world.recipient("b@c.example", ("RU-AD",))]
    _, refused = letters.plan(release, who, mail_world.SENDER)
    assert "build with --pdf" in refused[0].reason and "no such report" in refused[1].reason


def test_collections_and_recipients_never_mix(tmp_path):
    demo = a_release(tmp_path, "demo")
    planned, refused = letters.plan(
        demo, [mail_world.recipient(), mail_world.recipient(demonstration=True)], mail_world.SENDER
    )
    assert len(planned) == 1 and planned[0].recipient.is_demonstration and "never go" in refused[0].reason
    assert "ДЕМОНСТРАЦИОННЫЕ" in planned[0].subject
    _, refused = letters.plan(a_release(tmp_path), [mail_world.recipient(demonstration=True)], mail_world.SENDER)
    assert "demonstration reports only" in refused[0].reason


def test_an_unfinished_release_is_a_clear_error(tmp_path):
    with pytest.raises(releases.ReleaseError, match="reports build --check"):
        releases.read_release(tmp_path / "reports" / "real" / "2024-H1")
    release = a_release(tmp_path)
    (release.folder / "run.json").write_text('{"started": "yesterday"}', encoding="utf-8")
    with pytest.raises(releases.ReleaseError, match="when the release was made"):
        releases.read_release(release.folder)


def test_letters_are_reproducible_and_the_outbox_shows_them(tmp_path):
    release = a_release(tmp_path)
    who = [mail_world.recipient(), mail_world.recipient("b@c.example", format="pdf")]
    planned, refused = letters.plan(release, who, mail_world.SENDER)
    again, _ = letters.plan(release, who, mail_world.SENDER)
    assert [p.data for p in planned] == [p.data for p in again] and not refused
    for letter in planned:
        assert mail_world.wire_faults(letter.data) == []
    assert b"otchet_74_2024-H1.html" in planned[0].data and b"otchet_74_2024-H1.pdf" in planned[1].data
    page = outbox.write(
        release, planned, [releases.Refusal("<x>", "RU-AD.ru", "<why>")], {planned[0].message_id: "sent"}
    )
    text = page.read_text(encoding="utf-8")
    assert "&lt;why&gt;" in text and "отправлено" in text and "не отправлялось" in text
    assert (page.parent.stat().st_mode & 0o777) == 0o700
    assert (page.parent / f"{planned[0].message_id[1:33]}.eml").read_bytes() == planned[0].data
    preview = (page.parent / f"{planned[0].message_id[1:33]}.html").read_text(encoding="utf-8")
    assert "cid:" not in preview


def test_one_region_with_a_broken_name_costs_one_letter(tmp_path):
    result = mail_world.real(example_results.rich())
    broken = replace(result, region=replace(result.region, code="RU-AD", name="Адыгея\r\nBcc: x@y.example"))
    release = releases.read_release(mail_world.release(tmp_path, [result, broken]))
    who = [mail_world.recipient(), mail_world.recipient("b@c.example", ("RU-AD",))]
    planned, refused = letters.plan(release, who, mail_world.SENDER)
    assert len(planned) == 1 and "control characters" in refused[0].reason


# ---- a server that misbehaves --------------------------------------------------------------------------------


@pytest.fixture
def serve():
    servers = []

    def start(*args, **kwargs):
        servers.append(Server(*args, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def clock():
    return sending.Clock(
        lambda: "2026-01-15T00:00:00+00:00", time.monotonic, lambda seconds: time.sleep(min(seconds, 0.02))
    )


def go(tmp_path, server, addresses=("a@b.example",), book=None, timeout=2.0):
    home = tmp_path / "reports" / "real" / "2024-H1"
    release = releases.read_release(home) if home.exists() else a_release(tmp_path)
    planned, refused = letters.plan(
        release, [mail_world.recipient(address) for address in addresses], mail_world.SENDER
    )
    book = book or ledger.Ledger(tmp_path / "ledger.sqlite")
    settings = Settings(
        "127.0.0.1", server.port, "none", envelope_from="bounce@ministry.example", per_minute=0, timeout=timeout
    )
    return sending.run(release, planned, refused, book, settings, clock(), 0.01), planned, book


def test_the_very_bytes_arrive_once_and_never_again(tmp_path, serve):
    server = serve()
    report, planned, book = go(tmp_path, server, ("a@b.example", "b@b.example"))
    assert report.exit_code == 0 and [e.state for e in report.entries] == ["sent", "sent"]
    assert [body for _, body in server.accepted] == [p.data for p in planned]
    again, _, _ = go(tmp_path, server, ("a@b.example", "b@b.example"), book)
    assert len(server.accepted) == 2 and again.exit_code == 0


@pytest.mark.parametrize(
    ("script", "state", "accepted", "tries"),
    [
        ({"rcpt": ["451 later"]}, "sent", 1, 1),
        ({"mail": ["451 later"]}, "sent", 1, 1),
        ({"data": ["451 later"]}, "sent", 1, 2),
        ({"dot": ["451 later"]}, "sent", 1, 2),
        ({"dot": ["421 closing"]}, "sent", 1, 2),
        ({"rcpt": ["421 closing"]}, "sent", 1, 1),
        ({"rcpt": ["drop"]}, "sent", 1, 1),
        ({"mail": ["drop"]}, "sent", 1, 1),
        ({"data": ["drop"]}, "sent", 1, 2),
        ({"rcpt": ["550 no such user"]}, "refused", 0, 0),
        ({"data": ["554 no"]}, "refused", 0, 1),
        ({"dot": ["552 too big"]}, "refused", 0, 1),
        ({"mail": ["552 too big"]}, "refused", 0, 0),
        ({"rcpt": ["451 later"] * 9}, "deferred", 0, 0),
        ({"dot": ["drop-accepted"]}, "unknown", 1, 1),
        ({"dot": ["drop"]}, "unknown", 0, 1),
        ({"rcpt": ["silence"]}, "sent", 1, 1),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_stage_of_the_dialogue(tmp_path, serve, script, state, accepted, tries):
    server = serve(script)
    report, _, _ = go(tmp_path, server, timeout=1.0)
    assert report.entries[0].state == state, report.entries[0].reply
    assert len(server.accepted) == accepted and report.entries[0].attempts == tries
    assert report.exit_code == (0 if state == "sent" else 1)


def test_a_connection_lost_inside_the_body_never_sends_twice(tmp_path, serve):
    server = serve({"body": ["drop"]})
    report, _, book = go(tmp_path, server)
    assert report.entries[0].state in ("sent", "unknown") and len(server.accepted) <= 1
    go(tmp_path, server, book=book)
    assert len(server.accepted) <= 1


def test_one_refused_recipient_does_not_stop_the_rest(tmp_path, serve):
    server = serve({"rcpt": ["250 ok", "550 no such user"]})
    report, _, _ = go(tmp_path, server, ("a@b.example", "b@b.example", "c@b.example"))
    assert [e.state for e in report.entries] == ["sent", "refused", "sent"] and report.exit_code == 1


@pytest.mark.parametrize(
    "script",
    [{"ehlo": ["554 no", "554 no"] * 9, "connect": []}, {"mail": ["550 sender"] * 9}, {"connect": ["554 go away"] * 9}],
)
def test_a_server_that_refuses_everybody_stops_the_run_and_marks_nobody(tmp_path, serve, script):
    server = serve(script)
    report, _, book = go(tmp_path, server, ("a@b.example", "b@b.example"))
    assert report.stopped and report.exit_code == 1
    assert {e.state for e in report.entries} == {"planned"}
    good = serve()
    report, _, _ = go(tmp_path, good, ("a@b.example", "b@b.example"), book)
    assert report.exit_code == 0 and len(good.accepted) == 2


def test_a_slow_banner_is_waited_for_and_no_server_is_a_clear_stop(tmp_path, serve):
    report, _, book = go(tmp_path, serve(banner_delay=0.5))
    assert report.exit_code == 0
    closed = serve()
    closed.close()
    time.sleep(0.05)
    report, _, _ = go(tmp_path, closed, ("z@b.example",), book)
    assert "no safe conversation" in report.stopped


def test_a_run_that_died_after_acceptance_is_unknown_until_a_person_speaks(tmp_path, serve):
    server = serve({"dot": ["drop-accepted"]})
    report, planned, book = go(tmp_path, server)
    told = messages_digest.digest(command.digest_of(report, releases.read_release(tmp_path / "reports/real/2024-H1")))
    for text in (told.text, told.html.replace("&lt;", "<").replace("&gt;", ">")):
        assert planned[0].message_id in text and "=resend" in text and "unknown 1" in text
    again, _, _ = go(tmp_path, server, book=book)
    assert again.entries[0].state == "unknown" and len(server.accepted) == 1
    with pytest.raises(ledger.LedgerError, match="=sent or =resend"):
        book.resolve(planned[0].message_id, "maybe", "now")
    book.resolve(planned[0].message_id, "resend", "now")
    final, _, _ = go(tmp_path, server, book=book)
    assert final.entries[0].state == "sent" and len(server.accepted) == 2
    with pytest.raises(ledger.LedgerError, match="nothing to resolve"):
        book.resolve(planned[0].message_id, "sent", "now")
    with pytest.raises(ledger.LedgerError, match="no message"):
        book.resolve("<none@x>", "sent", "now")


KILLED = """
import sys, time
sys.path[:0] = {path!r}
import test_delivery as t
from pathlib import Path
folder, port = Path(sys.argv[1]), int(sys.argv[2])
server = type("S", (), {{"port": port}})()
t.go(folder, server, tuple(f"a{{i}}@b.example" for i in range(12)), timeout=10)
"""


@pytest.mark.parametrize("moment", [0.15, 0.4, 0.7])
def test_kill_9_at_any_moment_then_run_again_nobody_gets_two_nobody_is_forgotten(tmp_path, serve, moment):
    server = serve()
    a_release(tmp_path)
    code = KILLED.format(path=[str(Path(__file__).parent), *sys.path])
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(server.port)])
    deadline = time.monotonic() + 30
    while not server.accepted and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    time.sleep(moment * 0.05)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    report, _, _ = go(tmp_path, server, tuple(f"a{i}@b.example" for i in range(12)))
    delivered = [address for address, _ in server.accepted]
    assert len(delivered) == len(set(delivered))
    unknown = {entry.recipient for entry in report.entries if entry.state == "unknown"}
    assert set(delivered) | unknown == {f"a{i}@b.example" for i in range(12)} and len(unknown) <= 1


def test_two_runs_at_once_are_kept_apart(tmp_path):
    first = ledger.Ledger(tmp_path / "l.sqlite")
    first.lock()
    with pytest.raises(ledger.LedgerError, match="another run"):
        ledger.Ledger(tmp_path / "l.sqlite").lock()
    first.close()
    (tmp_path / "broken.sqlite").write_bytes(b"not a database, not at all" * 50)
    with pytest.raises(ledger.LedgerError, match="backup"):
        ledger.Ledger(tmp_path / "broken.sqlite")
    with pytest.raises(ledger.LedgerError, match="unknown state"):
        ledger.Ledger(tmp_path / "l.sqlite").set_state("<x>", "gone", "now")


# ---- settings and the whole command --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "SMTP_HOST is not set"),
        ({"SMTP_HOST": "mail.example", "SMTP_SECURITY": "none"}, "on this machine only"),
        ({"SMTP_HOST": "mail.example", "SMTP_SECURITY": "ssl3"}, "choose one of"),
        ({"SMTP_HOST": "mail.example", "SMTP_PORT": "smtp"}, "SMTP_PORT='smtp'"),
        ({"SMTP_HOST": "mail.example", "SMTP_PORT": "70000"}, "from 1 to 65535"),
        ({"SMTP_HOST": "mail.example", "SMTP_TIMEOUT": "nan"}, "SMTP_TIMEOUT"),
        ({"SMTP_HOST": "mail.example", "MAIL_PER_MINUTE": "-1"}, "MAIL_PER_MINUTE"),
        ({"SMTP_HOST": "mail.example", "SMTP_FINAL_TIMEOUT": "inf"}, "SMTP_FINAL_TIMEOUT"),
        ({"SMTP_HOST": "mail.example\r\nQUIT"}, "host name"),
        ({"SMTP_HOST": "x" * 70 + ".example"}, "host name"),
        ({"SMTP_HOST": "mail.example", "MAIL_ENVELOPE_FROM": "a@b.example> SIZE=1\r\nRCPT"}, "MAIL_ENVELOPE_FROM"),
        ({"SMTP_HOST": "mail.example", "SMTP_USER": "me"}, "set both or neither"),
    ],
)
def test_unsafe_or_missing_settings_are_refused(environment, says):
    with pytest.raises(SettingsError, match=says):
        settings_from(environment, "a@b.example")


def test_settings_hide_their_secrets():
    made = settings_from({"SMTP_HOST": "localhost", "SMTP_PASSWORD": "s3cret", "SMTP_USER": "me"}, "a@b.example")
    assert "s3cret" not in repr(made) and made.password == "s3cret"
    plain = base64.b64encode(b"\0me\0s3cret").decode()
    assert made.hide(f"550 {plain} s3cret {base64.b64encode(b's3cret').decode()}") == "550 *** *** ***"
    assert settings_from({"SMTP_HOST": "::1", "SMTP_SECURITY": "none"}, "a@b.example").security == "none"
    with pytest.raises(SettingsError, match="ASCII") as error:
        settings_from({"SMTP_HOST": "localhost", "SMTP_PASSWORD": "пароль", "SMTP_USER": "me"}, "a@b.example")
    assert "пароль" not in str(error.value)


def test_starttls_that_is_not_offered_or_not_verified_never_falls_back(tmp_path, serve):
    server = serve()
    for security in ("starttls", "tls"):
        with pytest.raises(transport.RunStoppedError, match="no safe conversation"):
            transport.connect(Settings("127.0.0.1", server.port, security, timeout=1))


@pytest.fixture
def mail():
    return {
        "from_name": "Отчёты", "from_address": "reports@ministry.example", "reply_name": "Аналитик",
        "reply_address": "analyst@ministry.example", "list_name": "Список", "list_id": "list.ministry.example",
        "unsubscribe": "analyst@ministry.example", "operator": "operator@ministry.example", "first_pause_seconds": 0.01,
    }  # fmt: skip


def test_the_command_writes_by_default_and_sends_only_when_asked(tmp_path, register, serve, mail, monkeypatch):
    release = a_release(tmp_path)
    people = write(tmp_path, "a@b.example,Анна,RU-CHE,ru,html,yes,no\nb@b.example,Борис,RU-AD,ru,html,yes,no\n")
    book = tmp_path / "reports" / "ledger.sqlite"
    dry = command.deliver(release.folder, book, people, register, mail)
    assert "nothing was sent" in dry.text and dry.exit_code == 1 and "RU-AD.ru" in dry.text
    server = serve()
    for name, value in {
        "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none", "MAIL_PER_MINUTE": "0",
        "SMTP_PASSWORD": "s3cret-word",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    sent = command.deliver(release.folder, book, people, register, mail, is_real_send=True)
    assert "sent 1" in sent.text and sent.exit_code == 1
    assert [to for to, _ in server.accepted] == ["a@b.example", "operator@ministry.example"]
    for file in [*release.folder.rglob("*"), book]:
        if file.is_file():
            assert b"s3cret-word" not in file.read_bytes(), file
    corrected = command.deliver(release.folder, book, people, register, mail, is_real_send=True, is_correction=True)
    assert "sent 1" in corrected.text
    subject = mail_world.decode_header(mail_world.headers_of(server.accepted[2][1])["subject"][0])
    assert subject.startswith("исправлено")
    same = command.deliver(release.folder, book, people, register, mail, is_real_send=True, is_correction=True)
    assert "sent 0, sent before 1" in same.text
    shutil.rmtree(release.folder)
    result = mail_world.real(example_results.rich())
    mail_world.release(tmp_path, [replace(result, lead=("Ещё одно исправление.",))])
    again = command.deliver(release.folder, book, people, register, mail, is_real_send=True, is_correction=True)
    assert "sent 1" in again.text, "a second correction is an edition of its own"


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda w: w["mail"].pop("list_id"), "list_id missing"),
        (lambda w: w["people"].write_text(HEAD + "x,,RU-CHE,ru,html,yes,no\n", encoding="utf-8"), "not an e-mail"),
        (lambda w: (w["folder"] / "status.csv").unlink(), "no finished release"),
    ],
)
def test_the_command_refuses_clearly(tmp_path, register, mail, break_it, says):
    release = a_release(tmp_path)
    people = write(tmp_path, "a@b.example,Анна,RU-CHE,ru,html,yes,no\n")
    break_it({"mail": mail, "people": people, "folder": release.folder})
    with pytest.raises(command.DeliveryError, match=says):
        command.deliver(release.folder, tmp_path / "l.sqlite", people, register, mail)


def test_the_command_resolves_unknown_messages(tmp_path, register, mail, serve):
    _, planned, book = go(tmp_path, serve({"dot": ["drop"]}))
    book.close()
    people = write(tmp_path, "a@b.example,Иванова Анна,RU-CHE,ru,html,yes,no\n")
    folder = tmp_path / "reports" / "real" / "2024-H1"
    word = f"{planned[0].message_id}=sent"
    outcome = command.deliver(folder, tmp_path / "ledger.sqlite", people, register, mail, resolutions=[word])
    assert outcome.exit_code == 0
    assert ledger.Ledger(tmp_path / "ledger.sqlite").find(planned[0].message_id).state == "sent"


# ---- a real server library with TLS and login ----------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1, made by openssl for this run."""
    if not shutil.which("openssl"):
        if conftest.on_ci():
            pytest.fail("openssl is missing in CI")
        pytest.skip("openssl is not installed: it makes the certificate of the test server")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return folder


class Inbox:
    """Keeps what aiosmtpd accepts."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((session.ssl is not None, envelope.rcpt_tos, envelope.original_content))
        return "250 OK"


@pytest.fixture
def tls_server(certificate):
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    inbox = Inbox()

    def check(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"me", b"s3cret"), handled=False)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        inbox, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True, auth_required=True,
        authenticator=check, data_size_limit=5_000_000,
    )  # fmt: skip
    controller.start()
    yield inbox, port
    controller.stop()


def settings(port, certificate, **change):
    values = {
        "user": "me",
        "password": "s3cret",
        "ca_file": str(certificate / "cert.pem"),
        "envelope_from": "b@m.example",
    }
    return Settings("127.0.0.1", port, "starttls", **(values | change), per_minute=0, timeout=5)


def test_starttls_verified_and_login_deliver_the_very_bytes(tmp_path, tls_server, certificate):
    inbox, port = tls_server
    release = a_release(tmp_path)
    planned, _ = letters.plan(release, [mail_world.recipient()], mail_world.SENDER)
    book = ledger.Ledger(tmp_path / "l.sqlite")
    report = sending.run(release, planned, [], book, settings(port, certificate), clock(), 0.01)
    assert report.exit_code == 0
    assert inbox.messages == [(True, ["official@region.example"], planned[0].data)]


@pytest.mark.parametrize(
    ("change", "says"), [({"ca_file": ""}, "no safe conversation"), ({"password": "wrong"}, "refuses the login")]
)
def test_an_unverified_certificate_and_a_wrong_password_stop_the_run(tls_server, certificate, change, says):
    inbox, port = tls_server
    with pytest.raises(transport.RunStoppedError, match=says) as error:
        transport.connect(settings(port, certificate, **change))
    assert "s3cret" not in str(error.value) and "wrong" not in str(error.value) and not inbox.messages


def test_the_rate_limit_spaces_messages(tmp_path, serve):
    server = serve()
    release = a_release(tmp_path)
    who = [mail_world.recipient(f"a{i}@b.example") for i in range(4)]
    planned, _ = letters.plan(release, who, mail_world.SENDER)
    waits = []
    ticking = sending.Clock(lambda: "now", lambda: sum(waits), waits.append)
    limited = Settings("127.0.0.1", server.port, "none", envelope_from="b@m.example", per_minute=30, timeout=5)
    sending.run(release, planned, [], ledger.Ledger(tmp_path / "l.sqlite"), limited, ticking, 0.01)
    assert [round(wait, 6) for wait in waits] == [0, 2, 2, 2] and len(server.accepted) == 4


def test_a_letter_that_cannot_be_written_costs_only_itself(tmp_path, monkeypatch):
    release = a_release(tmp_path)
    plain = letters.messages.body

    def odd(result, *more):
        if more[0] == "x":
            raise KeyError(more)
        return plain(result, *more)

    monkeypatch.setattr(letters.messages, "body", odd)
    monkeypatch.setattr(letters, "_picture", lambda result, person, identity: ((), "x" * (person.name == "X"), "alt"))
    who = [mail_world.recipient(name="X"), mail_world.recipient("b@c.example")]
    planned, refused = letters.plan(release, who, mail_world.SENDER)
    assert len(planned) == 1 and "the letter cannot be written (KeyError" in refused[0].reason


def test_a_digest_that_cannot_be_sent_never_hides_the_run(tmp_path, register, serve, mail, monkeypatch):
    release = a_release(tmp_path)
    people = write(tmp_path, "a@b.example,Анна,RU-CHE,ru,html,yes,no\n")
    for script in ({"mail": ["250 ok", "550 no"]}, {"rcpt": ["250 ok", "550 no"]}, {"connect": ["220 hi", "421 no"]}):
        server = serve(script)
        for name, value in {
            "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none", "MAIL_PER_MINUTE": "0",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        book = tmp_path / f"{server.port}.sqlite"
        sent = command.deliver(release.folder, book, people, register, mail, is_real_send=True)
        assert sent.exit_code == 0 and "sent 1" in sent.text
        assert "the digest was not sent to operator@ministry.example" in sent.text
    quiet = command.deliver(release.folder, book, people, register, mail | {"operator": ""}, is_real_send=True)
    assert "digest" not in quiet.text and (release.folder / "outbox" / "digest.eml").exists()
