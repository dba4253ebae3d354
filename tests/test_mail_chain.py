"""Acceptance: a real mail chain on loopback. 89 messages through Postfix, read back from Dovecot by IMAP.

The servers are Debian packages installed by ``tools/install_system.sh``; this test starts its own instances with
its own folders and ports and stops them. The messages are parsed by a parser other than the writer.
"""

import imaplib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import conftest
import example_results
import mail_world
import pytest

from helpers.delivery import ledger, letters, sending, transport
from helpers.delivery import release as releases
from helpers.delivery.server import Settings
from helpers.tables import store

pytestmark = pytest.mark.mail_server

POSTFIX, DOVECOT = (
    shutil.which("postfix", path="/usr/sbin:/usr/bin"),
    shutil.which("dovecot", path="/usr/sbin:/usr/bin"),
)
MAIN_CF = """
compatibility_level=3.6
queue_directory={p}/queue
data_directory={p}/data
command_directory=/usr/sbin
daemon_directory=/usr/lib/postfix/sbin
mail_owner=postfix
inet_interfaces=127.0.0.1
inet_protocols=ipv4
myhostname=chain.example
mydestination=
mynetworks=127.0.0.0/8
smtpd_relay_restrictions=reject_unauth_destination
smtpd_tls_security_level=may
smtpd_tls_cert_file={p}/cert.pem
smtpd_tls_key_file={p}/key.pem
smtpd_tls_auth_only=yes
smtpd_sasl_auth_enable=yes
smtpd_sasl_type=dovecot
smtpd_sasl_path=private/auth
smtpd_sender_restrictions=permit_sasl_authenticated,reject
smtpd_client_connection_rate_limit=0
relayhost=[127.0.0.1]:9
virtual_mailbox_domains=region.example
virtual_mailbox_base={p}/vmail
virtual_mailbox_maps=static:inbox/Maildir/
virtual_uid_maps=static:1000
virtual_gid_maps=static:1000
virtual_minimum_uid=100
default_transport=error:no-outside-mail
message_size_limit=26214400
virtual_mailbox_limit=0
mailbox_size_limit=0
maillog_file={p}/maillog
maillog_file_prefixes={p}
"""
DOVECOT_CONF = """
base_dir={p}/dovecot
state_dir={p}/dovecot
log_path={p}/dovecot.log
protocols=imap
listen=127.0.0.1
ssl=no
disable_plaintext_auth=no
mail_location=maildir:{p}/vmail/inbox/Maildir
first_valid_uid=1000
passdb {{
  driver=static
  args=password={password}
}}
userdb {{
  driver=static
  args=uid=1000 gid=1000 home={p}/vmail/inbox
}}
service auth {{
  unix_listener {p}/queue/private/auth {{
    mode=0660
    user=postfix
    group=postfix
  }}
}}
service imap-login {{
  inet_listener imap {{
    port={imap}
  }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


PASSWORD = "s3cret-of-the-chain"
TRIES = 4
QUIET: dict = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 120}


@pytest.fixture(scope="module")
def chain():
    """Postfix and Dovecot of our own in a short folder; refuses to hide their absence in CI.

    A port that somebody takes between the choice and the start is no failure: the chain is started again with others.
    """
    programs = (("postfix", POSTFIX), ("dovecot", DOVECOT), ("openssl", shutil.which("openssl")))
    missing = [name for name, found in programs if not found]
    if missing or os.geteuid() != 0:
        reason = f"needs {' and '.join(missing) or 'root'}: run tools/install_system.sh as root"
        if conftest.on_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="chain-"))  # short: sockets have paths of 100 bytes at most
    try:
        prepare(folder)
        for _ in range(TRIES):
            ports = start(folder)
            if ports is not None:
                break
            stop(folder)
        else:
            pytest.fail(f"the mail servers did not start in {TRIES} tries: {words_of(folder)}")
        yield {"smtp": ports[0], "imap": ports[1], "folder": folder, "ca": str(folder / "cert.pem")}
    finally:
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def prepare(folder):
    """Folders with their owners, and a certificate for 127.0.0.1."""
    folder.chmod(0o755)
    for name in ("queue/private", "data", "vmail/inbox", "conf", "dovecot"):
        (folder / name).mkdir(parents=True)
    postfix = pwd.getpwnam("postfix")
    for name in ("data", "queue/private"):
        os.chown(folder / name, postfix.pw_uid, -1)
    for path in (folder / "vmail", folder / "vmail" / "inbox"):
        os.chown(path, 1000, 1000)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"),
         "-out", str(folder / "cert.pem")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def start(folder):
    """Ports of SMTP and IMAP, or nothing if one of the servers did not come up."""
    smtp_port, imap_port = free_port(), free_port()
    (folder / "conf" / "main.cf").write_text(MAIN_CF.format(p=folder), encoding="ascii")
    (folder / "conf" / "master.cf").write_text(master(smtp_port), encoding="ascii")
    (folder / "dovecot.conf").write_text(
        DOVECOT_CONF.format(p=folder, imap=imap_port, password=PASSWORD), encoding="ascii"
    )
    for words in ([DOVECOT, "-c", str(folder / "dovecot.conf")], [POSTFIX, "-c", str(folder / "conf"), "start"]):
        if subprocess.run(words, check=False, **QUIET).returncode:
            return None
    try:
        greeted(smtp_port, b"220 chain.example")
        greeted(imap_port, b"* OK")
    except OSError:
        return None
    return smtp_port, imap_port


def stop(folder):
    subprocess.run([POSTFIX, "-c", str(folder / "conf"), "stop"], check=False, **QUIET)
    subprocess.run(["doveadm", "-c", str(folder / "dovecot.conf"), "stop"], check=False, **QUIET)


def words_of(folder):
    """Last lines of both logs."""
    logs = [folder / "maillog", folder / "dovecot.log"]
    return "\n".join(log.read_text(encoding="utf-8", errors="replace")[-1500:] for log in logs if log.exists())


def master(smtp_port):
    """The packaged services without chroot, SMTP on our port."""
    packaged = Path("/usr/share/postfix/master.cf.dist")
    packaged = packaged if packaged.exists() else Path("/etc/postfix/master.cf")
    out = []
    for line in packaged.read_text(encoding="ascii").splitlines():
        fields = line.split()
        if re.match(r"smtp\s+inet", line):
            line = f"127.0.0.1:{smtp_port} inet n - n - - smtpd"
        elif line and line[0] not in "# \t" and len(fields) >= 8:
            fields[4] = "n"
            line = " ".join(fields)
        out.append(line)
    return "\n".join(out) + "\n"


def greeted(port, expected, seconds=60):
    """Wait until our own server greets on the port; another program there is an error."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                word = connection.recv(200)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            continue
        if not word.startswith(expected):
            raise OSError(f"{word!r} answers on the port")
        return


def server(chain, **change):
    """How `reports send` would be told of this server: STARTTLS verified, with a login."""
    values = {
        "security": "starttls", "user": "inbox", "password": PASSWORD, "ca_file": chain["ca"], "per_minute": 0,
        "envelope_from": "bounce@ministry.example",
    } | change  # fmt: skip
    return Settings("127.0.0.1", chain["smtp"], **values)


def fetch(port, expected, seconds=180):
    """All messages of the mailbox as the IMAP server gives them."""
    deadline = time.monotonic() + seconds
    while True:
        with imaplib.IMAP4("127.0.0.1", port) as box:
            box.login("inbox", PASSWORD)
            count = int(box.select("INBOX", readonly=True)[1][0])
            if count >= expected or time.monotonic() > deadline:
                return [box.fetch(str(n), "(RFC822)")[1][0][1] for n in range(1, count + 1)]
        time.sleep(0.3)


def split_parts(data):
    """MIME parts by their boundaries, parsed from RFC 2046 and not by the library that wrote them."""
    import base64

    head, _, body = data.partition(b"\r\n\r\n")
    boundary = re.search(rb'boundary="?([^";\r\n]+)', head)
    if not boundary:
        name = re.search(rb"(?i)content-type:\s*([\w/.-]+)", head)[1].decode()
        return [(name, re.sub(rb"\r\n[ \t]+", b" ", head).decode("ascii"), base64.b64decode(body))]
    pieces = body.split(b"--" + boundary[1])[1:-1]
    return [part for piece in pieces for part in split_parts(piece.removeprefix(b"\r\n").removesuffix(b"\r\n"))]


def test_89_messages_go_through_a_real_chain_intact(chain, tmp_path):
    base = mail_world.real(example_results.rich("ru"))
    regions = store.reference("regions").to_dict("records")
    release = releases.read_release(
        mail_world.release(tmp_path, [mail_world.with_region(base, row) for row in regions])
    )
    people = [
        mail_world.recipient(f"official{row['code']}@region.example", (row["iso_3166_2"],), name=row["name_ru"])
        for row in regions
    ]
    planned, refused = letters.plan(release, people, mail_world.SENDER)
    assert len(planned) == 89 and not refused
    book = ledger.Ledger(tmp_path / "ledger.sqlite")
    settings = server(chain)
    clock = sending.Clock(lambda: "now", time.monotonic, time.sleep)
    report = sending.run(release, planned, refused, book, settings, clock, 0.1)
    assert report.exit_code == 0, [entry.reply for entry in report.entries if entry.state != "sent"]
    received = fetch(chain["imap"], 89)
    assert len(received) == 89
    by_id = {letter.message_id: letter for letter in planned}
    for data in received:
        headers = mail_world.headers_of(data)
        letter = by_id.pop(headers["message-id"][0])
        (sent_head, _, sent_body), (got_head, _, got_body) = (
            message.partition(b"\r\n\r\n") for message in (letter.data, data)
        )
        assert got_body.rstrip() == sent_body.rstrip() and sent_head in got_head
        assert mail_world.decode_header(headers["subject"][0]) == letter.subject
        sent_parts, got_parts = split_parts(letter.data), split_parts(data)
        assert [(name, content) for name, _, content in got_parts] == [(n, c) for n, _, c in sent_parts]
        kinds = [name for name, _, _ in got_parts]
        assert kinds == ["text/plain", "text/html", "image/png", "text/html"]
        page = got_parts[1][2].decode("utf-8")
        cid = re.search(r"Content-ID: <([^>]+)>", got_parts[2][1])[1]
        assert f"cid:{cid}" in page and got_parts[2][2].startswith(b"\x89PNG")
        assert letter.recipient.name in got_parts[0][2].decode("utf-8")
    assert not by_id


def test_oversize_and_outside_recipients_are_refused_and_nothing_leaves(chain, tmp_path):
    smtp = transport.connect(server(chain))
    huge = b"Subject: x\r\n\r\n" + b"x" * 27_000_000
    outcome = transport.send(smtp, "bounce@ministry.example", "a@region.example", huge, lambda: None)
    assert outcome.state == "refused" and outcome.reply.startswith("552")
    small = b"Subject: x\r\n\r\nx\r\n"
    outcome = transport.send(smtp, "bounce@ministry.example", "someone@elsewhere.example", small, lambda: None)
    assert outcome.state == "refused" and outcome.reply.startswith(("550", "554"))
    transport.close(smtp)


def test_without_login_or_with_a_wrong_one_nothing_is_sent(chain):
    with pytest.raises(transport.RunStoppedError, match="refuses the login"):
        transport.connect(server(chain, password="wrong"))
    with pytest.raises(transport.RunStoppedError, match="no safe conversation"):
        transport.connect(server(chain, ca_file=""))
    smtp = transport.connect(server(chain, user="", password=""))
    outcome = transport.send(smtp, "bounce@ministry.example", "a@region.example", b"x\r\n", lambda: None)
    assert outcome.state == "refused"
    transport.close(smtp)
    assert PASSWORD not in words_of(chain["folder"])
