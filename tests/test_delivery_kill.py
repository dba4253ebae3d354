"""A real process killed by -9 at every stage of the dialogue; two at once; exit codes of the command itself."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import example_results
import mail_world
import pytest
from smtp_script import Server
from typer.testing import CliRunner

from helpers import cli, paths
from helpers.delivery import ledger

ROOT = Path(__file__).resolve().parents[1]
HEAD = "address,name,scope,lang,format,active,demonstration\n"
PEOPLE = ("a@b.example", "b@b.example", "c@b.example")


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A repository folder with one finished release and three recipients."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reference").symlink_to(ROOT / "data" / "reference")
    shutil.copy(ROOT / "params.toml", tmp_path / "params.toml")
    mail_world.release(tmp_path, [mail_world.real(example_results.rich())])
    rows = "".join(f"{name},Имя,RU-CHE,ru,html,yes,no\n" for name in PEOPLE)
    (tmp_path / "recipients.csv").write_text(HEAD + rows, encoding="utf-8")
    monkeypatch.setenv(paths.ROOT_VARIABLE, str(tmp_path))
    return tmp_path


def surroundings(server):
    """The mail server as the environment describes it."""
    return {
        "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none", "MAIL_PER_MINUTE": "0",
        "SMTP_TIMEOUT": "20", "SMTP_FINAL_TIMEOUT": "20",
    }  # fmt: skip


def send(server, *more, **change):
    """Exit code and words of ``reports send --send`` in this process."""
    done = CliRunner().invoke(cli.app, ["send", "--send", *more], env=surroundings(server) | change)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def start(server):
    """The same in a process of its own, forked because starting Python takes longer than sending."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code, _ = send(server)
        finally:
            os._exit(code)
    return child


def letters_to(server):
    return sorted(name for name, _ in server.accepted if name != "operator@example.org")


@pytest.fixture
def serve():
    servers = []

    def begin(script=None):
        servers.append(Server(script))
        return servers[-1]

    yield begin
    for server in servers:
        server.go_on.set()
        server.close()


STAGES = {
    "connect": ({"connect": ["hold"]}, "", 0), "ehlo": ({"ehlo": ["hold"]}, "", 0),
    "mail": ({"mail": ["250 ok", "hold"]}, "", 1), "rcpt": ({"rcpt": ["250 ok", "hold"]}, "", 1),
    "data": ({"data": ["354 go", "hold"]}, "b@b.example", 1), "body": ({"body": ["", "hold"]}, "b@b.example", 1),
    "dot": ({"dot": ["250 ok", "hold-accepted"]}, "b@b.example", 2),
}  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_kill_9_at_every_stage_then_run_again(world, serve, stage):
    script, unknown, accepted = STAGES[stage]
    server = serve(script)
    child = start(server)
    is_held = server.held.wait(60)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert is_held and os.WTERMSIG(status) == signal.SIGKILL
    assert len(server.accepted) == accepted
    server.go_on.set()
    code, text = send(server)
    entries = {entry.recipient: entry for entry in ledger.Ledger(world / "reports" / "ledger.sqlite").entries()}
    assert set(entries) == set(PEOPLE), "somebody is forgotten"
    assert len(letters_to(server)) == len(set(letters_to(server))), "somebody got two"
    if not unknown:
        assert code == 0 and letters_to(server) == list(PEOPLE), text
        return
    assert code == 1 and entries[unknown].state == "unknown" and entries[unknown].message_id in text
    has_it = accepted == 2
    word = f"{entries[unknown].message_id}={'sent' if has_it else 'resend'}"
    code, text = send(server, "--resolve", word)
    assert code == 0 and letters_to(server) == list(PEOPLE), text


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_while_the_server_thinks_ends_at_once(world, serve, word):
    server = serve({"dot": ["hold-accepted"]})
    child = start(server)
    assert server.held.wait(60)
    began = time.monotonic()
    os.kill(child, word)
    _, status = os.waitpid(child, 0)
    assert time.monotonic() - began < 15 and os.waitstatus_to_exitcode(status) != 0
    server.go_on.set()
    code, text = send(server)
    assert code == 1 and "unknown 1" in text and letters_to(server) == list(PEOPLE)


def test_two_at_once_one_sends_the_other_says_so(world, serve):
    server = serve({"mail": ["hold"]})
    child = start(server)
    assert server.held.wait(60)
    code, text = send(server)
    assert code == 2 and "another run is sending" in text
    server.go_on.set()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0 and letters_to(server) == list(PEOPLE)


def test_the_command_as_it_is_typed(world, serve):
    server = serve({"rcpt": ["550 no such user"]})
    environment = os.environ | surroundings(server) | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [sys.executable, "-m", "helpers.cli", "send", "--send"]
    done = subprocess.run(words, cwd=world, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "sent 2" in done.stdout and "550 no such user" in done.stdout and letters_to(server) == list(PEOPLE[1:])


def test_a_ledger_that_cannot_be_written_stops_before_the_letter(world, serve):
    server = serve()
    send(server)
    book = sqlite3.connect(world / "reports" / "ledger.sqlite")
    book.execute("UPDATE messages SET state = 'planned'")
    book.execute("CREATE TRIGGER full BEFORE UPDATE ON messages BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    book.commit()
    book.close()
    server.accepted.clear()
    code, text = send(server)
    assert code == 2 and "disk is full" in text and not server.accepted


@pytest.mark.parametrize(
    ("words", "change", "says"),
    [
        ((), {"SMTP_HOST": ""}, "SMTP_HOST is not set"),
        (("--collection", "../../etc", "--period", "2024-H1"), {}, "choose one of real, demo"),
        (("--collection", "<b>"), {}, "choose one of real, demo"),
        (("--period", "../../../etc"), {}, "no release is called"),
        (("--recipients", "nobody.csv"), {}, "does not exist"),
        (("--resolve", "<x@y>=sent"), {}, "no message <x@y>"),
        (("--resolve", "nonsense"), {}, "no message"),
    ],
)
def test_orders_that_make_no_sense_are_one_line_and_exit_code_2(world, serve, words, change, says):
    server = serve()
    code, text = send(server, *words, **change)
    assert code == 2 and says in " ".join(text.split()) and not server.accepted


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('from_address = "reports@example.org"', 'from_address = "x\\r\\nBcc: a@b.example"', "from_address"),
        ('list_id = "reports.example.org"', 'list_id = "x> <y"', "list_id"),
        ('operator = "operator@example.org"', 'operator = "nobody"', "operator"),
        ('reports_address = ""', 'reports_address = "javascript:alert(1)"', "reports_address"),
        ('from_name = "', 'first_pause_seconds = "soon"\nfrom_name = "', "first_pause_seconds"),
        ("[mail]", "[letters]", "missing"),
        ("[mail]", "[mail", "params.toml cannot be read"),
        ('period = "2024-H1"', 'period = "../../.."', "no release is called"),
    ],
)
def test_hostile_parameters_stop_before_anything_is_written(world, serve, old, new, says):
    server = serve()
    file = world / "params.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    code, words = send(server)
    assert code == 2 and says in " ".join(words.split()) and not server.accepted
    assert not list(world.rglob("*.eml"))
