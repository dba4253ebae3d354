"""A tiny SMTP server on loopback that misbehaves by a script, at any stage of the dialogue."""

import contextlib
import re
import socket
import threading
import time


class Server:
    """A tiny SMTP server on loopback whose answers are scripted by stage; what it accepts it keeps."""

    def __init__(self, script=None, banner_delay=0.0, size=10_000_000):
        self.script, self.banner_delay, self.size = script or {}, banner_delay, size
        self.accepted, self.seen, self.connections = [], {}, 0
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
        with contextlib.suppress(OSError), connection:
            self._talk(connection)

    def _answer(self, stage, default):
        """The n-th time a stage is reached, the n-th scripted answer; afterwards the default."""
        count = self.seen[stage] = self.seen.get(stage, 0) + 1
        answers = self.script.get(stage, [])
        return answers[count - 1] if count <= len(answers) else default

    def _talk(self, connection):
        time.sleep(self.banner_delay)
        stream = connection.makefile("rb")

        def say(stage, default):
            answer = self._answer(stage, default)
            if answer == "drop":
                raise OSError("scripted drop")
            if answer == "silence":
                time.sleep(3)
                raise OSError("scripted silence")
            connection.sendall(answer.encode() + b"\r\n")
            return answer

        say("connect", "220 test")
        recipient = ""
        while line := stream.readline():
            verb = line.split(None, 1)[0].upper().decode("latin-1")
            if verb in ("EHLO", "HELO"):
                say("ehlo", f"250-test\r\n250 SIZE {self.size}")
            elif verb == "MAIL":
                say("mail", "250 ok")
            elif verb == "RCPT":
                recipient = re.search(r"<(.*?)>", line.decode())[1]
                say("rcpt", "250 ok")
            elif verb == "DATA":
                if not say("data", "354 go").startswith("354"):
                    continue
                if self._answer("body", "") == "drop":
                    connection.recv(100)
                    raise OSError("scripted drop inside the body")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    piece = stream.readline()
                    if not piece:
                        return
                    body += piece
                answer = self._answer("dot", "250 queued")
                if answer == "drop-accepted":
                    self.accepted.append((recipient, body))
                    raise OSError("scripted drop after acceptance")
                if answer == "drop":
                    raise OSError("scripted drop after the dot")
                if answer.startswith("250"):
                    self.accepted.append((recipient, re.sub(rb"(?m)^\.\.", b".", body[:-3])))
                connection.sendall(answer.encode() + b"\r\n")
            elif verb == "RSET":
                say("rset", "250 ok")
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # closing alone leaves a thread inside accept() one more connection
        self.socket.close()
