"""A tiny SMTP server on loopback that misbehaves by a script, at any stage of the dialogue."""

import base64
import contextlib
import re
import socket
import threading
import time


class Server:
    """Answers are scripted by stage; what is accepted is kept.

    Stages: connect, ehlo, starttls, auth, mail, rcpt, data, body, dot, rset. An answer is a reply line, or ``drop``,
    ``silence``, ``hold`` (tell ``held`` and wait), ``garbage``, ``endless`` (a line without end), ``trickle`` (a byte at a time). At ``dot`` the words
    ending in ``-accepted`` keep the message first. With a ``context`` STARTTLS is offered. Like Postfix, a second MAIL
    without RSET is answered with 503.
    """

    def __init__(self, script=None, banner_delay=0.0, size=10_000_000, context=None, injected=b""):
        self.script, self.banner_delay, self.size = script or {}, banner_delay, size
        self.context, self.injected = context, injected
        self.accepted, self.seen, self.connections = [], {}, 0
        self.words, self.logins = [], []
        self.held, self.go_on = threading.Event(), threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self._guarded, args=(connection,), daemon=True).start()

    def _guarded(self, connection):
        with contextlib.suppress(OSError, ValueError):
            try:
                self._talk(connection)
            finally:
                connection.close()

    def _answer(self, stage, default):
        """The n-th time a stage is reached, the n-th scripted answer; afterwards the default."""
        count = self.seen[stage] = self.seen.get(stage, 0) + 1
        answers = self.script.get(stage, [])
        return answers[count - 1] if count <= len(answers) else default

    def _say(self, connection, stage, default):
        answer = self._answer(stage, default)
        kind = answer.removesuffix("-accepted")
        if kind == "drop":
            raise OSError("scripted drop")
        if kind == "silence":
            time.sleep(3)
            raise OSError("scripted silence")
        if kind == "hold":
            self.held.set()
            self.go_on.wait(30)
            connection.sendall(default.encode() + b"\r\n")
            return default
        if kind == "garbage":
            connection.sendall(b"\x00\xff what?\r\n")
        elif kind == "endless":
            connection.sendall(b"250-" + b"x" * 100_000)
            time.sleep(3)
            raise OSError("scripted end")
        elif kind == "trickle":
            for byte in default.encode() + b"\r\n":
                connection.sendall(bytes([byte]))
                time.sleep(0.01)
            return default
        else:
            connection.sendall(answer.encode() + b"\r\n")
        return answer

    def _talk(self, connection):
        time.sleep(self.banner_delay)
        stream = connection.makefile("rb")
        self._say(connection, "connect", "220 test")
        recipient, is_open, is_safe = "", False, False
        while line := stream.readline():
            verb = line.split(None, 1)[0].upper().decode("latin-1")
            self.words.append((verb, is_safe))
            if verb in ("EHLO", "HELO"):
                offers = [f"SIZE {self.size}", *(["STARTTLS"] if self.context and not is_safe else []), "AUTH PLAIN"]
                lines = ["test", *offers]
                marks = ["-"] * (len(lines) - 1) + [" "]
                text = "\r\n".join(f"250{mark}{word}" for mark, word in zip(marks, lines, strict=True))
                self._say(connection, "ehlo", text)
            elif verb == "STARTTLS":
                answer = self._answer("starttls", "220 go")
                if answer == "drop":
                    raise OSError("scripted drop")
                connection.sendall(answer.encode() + b"\r\n" + self.injected)
                if answer.startswith("220"):
                    stream.close()
                    connection = self.context.wrap_socket(connection, server_side=True)
                    stream, is_safe = connection.makefile("rb"), True
            elif verb == "AUTH":
                self.logins.append((line.split()[-1], is_safe))
                self._say(connection, "auth", "235 welcome")
            elif verb == "MAIL":
                if is_open:
                    connection.sendall(b"503 5.5.1 Error: nested MAIL command\r\n")
                    continue
                is_open = self._say(connection, "mail", "250 ok").startswith("250")
            elif verb == "RCPT":
                recipient = re.search(r"<(.*?)>", line.decode())[1]
                self._say(connection, "rcpt", "250 ok")
            elif verb == "DATA":
                is_open = self._data(connection, stream, recipient)
            elif verb == "RSET":
                is_open = False
                self._say(connection, "rset", "250 ok")
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return

    def _data(self, connection, stream, recipient):
        """One message; returns whether the transaction is still open."""
        if not self._say(connection, "data", "354 go").startswith("354"):
            return True
        word = self._answer("body", "")
        if word == "drop":
            connection.recv(100)
            raise OSError("scripted drop inside the body")
        if word == "hold":
            connection.recv(100)
            self.held.set()
            self.go_on.wait(30)
            raise OSError("held inside the body")
        body = b""
        while not body.endswith(b"\r\n.\r\n"):
            piece = stream.readline()
            if not piece:
                raise OSError("the client went away")
            body += piece
        count = self.seen.get("dot", 0)
        planned = self.script.get("dot", [])
        answer = planned[count] if count < len(planned) else "250 queued"
        if answer.startswith("2") or answer.endswith("-accepted") or answer == "trickle":
            self.accepted.append((recipient, re.sub(rb"(?m)^\.\.", b".", body[:-3])))
        self._say(connection, "dot", "250 queued")
        return False

    def login_words(self):
        """What the clients gave as user and password, decoded."""
        return [base64.b64decode(word).split(b"\0")[1:] for word, _ in self.logins]

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # closing alone leaves a thread inside accept() one more connection
        self.socket.close()
