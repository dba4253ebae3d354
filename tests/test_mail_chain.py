"""Acceptance: a real mail chain on loopback. 89 messages through Postfix, read back from Dovecot by IMAP.

The servers are Debian packages installed by ``tools/install_system.sh``; this test starts its own instances with
its own folders and ports and stops them. The messages are parsed by a parser other than the writer.
"""

import imaplib
import os
import pwd
import re
import shutil
import smtplib
import socket
import subprocess
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
  args=password=secret
}}
userdb {{
  driver=static
  args=uid=1000 gid=1000 home={p}/vmail/inbox
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


@pytest.fixture(scope="module")
def chain():
    """Postfix and Dovecot of our own in a short folder; refuses to hide their absence in CI."""
    missing = [name for name, found in (("postfix", POSTFIX), ("dovecot", DOVECOT)) if not found]
    if missing or os.geteuid() != 0:
        reason = f"needs {' and '.join(missing) or 'root'}: run tools/install_system.sh as root"
        if conftest.on_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="chain-"))
    folder.chmod(0o755)
    for name in ("queue", "data", "vmail/inbox", "conf", "dovecot"):
        (folder / name).mkdir(parents=True)
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
    for path in (folder / "vmail", folder / "vmail" / "inbox"):
        os.chown(path, 1000, 1000)
    smtp_port, imap_port = free_port(), free_port()
    (folder / "conf" / "main.cf").write_text(MAIN_CF.format(p=folder), encoding="ascii")
    master = Path("/usr/share/postfix/master.cf.dist")
    lines = (master if master.exists() else Path("/etc/postfix/master.cf")).read_text(encoding="ascii").splitlines()
    out = []
    for line in lines:
        fields = line.split()
        if re.match(r"smtp\s+inet", line):
            line = f"127.0.0.1:{smtp_port} inet n - n - - smtpd"
        elif line and line[0] not in "# \t" and len(fields) >= 8:
            fields[4] = "n"
            line = " ".join(fields)
        out.append(line)
    (folder / "conf" / "master.cf").write_text("\n".join(out) + "\n", encoding="ascii")
    (folder / "dovecot.conf").write_text(DOVECOT_CONF.format(p=folder, imap=imap_port), encoding="ascii")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60}
    subprocess.run([POSTFIX, "-c", str(folder / "conf"), "start"], check=True, **quiet)
    subprocess.run([DOVECOT, "-c", str(folder / "dovecot.conf")], check=True, **quiet)
    try:
        for port in (smtp_port, imap_port):
            wait_for(port)
        yield {"smtp": smtp_port, "imap": imap_port, "folder": folder}
    finally:
        subprocess.run([POSTFIX, "-c", str(folder / "conf"), "stop"], check=False, **quiet)
        subprocess.run(["doveadm", "-c", str(folder / "dovecot.conf"), "stop"], check=False, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(port, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")


def fetch(port, expected, seconds=60):
    """All messages of the mailbox as the IMAP server gives them."""
    deadline = time.monotonic() + seconds
    while True:
        with imaplib.IMAP4("127.0.0.1", port) as box:
            box.login("inbox", "secret")
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
    settings = Settings("127.0.0.1", chain["smtp"], "none", envelope_from="bounce@ministry.example", per_minute=0)
    clock = sending.Clock(lambda: "now", time.monotonic, time.sleep)
    report = sending.run(release, planned, refused, book, settings, clock, 0.1)
    assert report.exit_code == 0, [entry.reply for entry in report.entries if entry.state != "sent"]
    received = fetch(chain["imap"], 89)
    assert len(received) == 89
    by_id = {letter.message_id: letter for letter in planned}
    for data in received:
        headers = mail_world.headers_of(data)
        letter = by_id.pop(headers["message-id"][0])
        assert data.endswith(letter.data.split(b"\r\n\r\n", 1)[1]) or data.rstrip().endswith(
            letter.data.rstrip()[-2000:]
        )
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
    smtp = smtplib.SMTP("127.0.0.1", chain["smtp"], timeout=20)
    smtp.ehlo()
    huge = b"Subject: x\r\n\r\n" + b"x" * 27_000_000
    outcome = transport.send(smtp, "bounce@ministry.example", "a@region.example", huge, lambda: None)
    assert outcome.state == "refused" and outcome.reply.startswith("552")
    small = b"Subject: x\r\n\r\nx\r\n"
    outcome = transport.send(smtp, "bounce@ministry.example", "someone@elsewhere.example", small, lambda: None)
    assert outcome.state == "refused" and outcome.reply.startswith(("550", "554"))
    smtp.quit()
