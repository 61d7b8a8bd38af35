"""Real receivers of messages on loopback: an SMTP server that asks for a password, and a web hook."""

import base64
import email
import email.policy
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "robot", "S3cret-Winter"


@dataclass
class Receiver:
    """A receiver: its URL for apprise, and the messages (subject, text) in the order of their arrival."""

    url: str
    messages: list[tuple[str, str]] = field(default_factory=list)
    whole: list[Any] = field(default_factory=list)
    status: int = 200
    most_seconds: float = 0


@contextmanager
def web_hook() -> Iterator[Receiver]:
    """A web hook that answers with the `status` of its receiver, after up to `most_seconds`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            status = receiver.status if self.headers["Authorization"] == wanted else 401
            if status == 200:
                receiver.whole.append(content)
                receiver.messages.append((content["title"], content["message"]))
            time.sleep(random.uniform(0, receiver.most_seconds))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"json://{USER}:{PASSWORD}@127.0.0.1:{server.server_port}/{PASSWORD}/hook")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@contextmanager
def mail_server() -> Iterator[Receiver]:
    """An SMTP server that takes mail from `USER` only."""

    class Handler:
        async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (of aiosmtpd)
            if not session.authenticated:
                return "530 who are you?"
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            receiver.whole.append(message)
            receiver.messages.append((str(message["Subject"]), message.get_content().rstrip()))
            return "250 OK"

    def known(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, given: LoginPassword) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()))

    port = free_port()
    controller = Controller(Handler(), "127.0.0.1", port, authenticator=known, auth_require_tls=False)
    receiver = Receiver(mail_to(port, PASSWORD))
    controller.start()
    yield receiver
    controller.stop()


def mail_to(port: int, password: str) -> str:
    """The URL of a mail server without TLS on this machine."""
    who = f"{USER}:{password}@127.0.0.1:{port}"
    return f"mailto://{who}?smtp=127.0.0.1&mode=insecure&from=robot@town.example&to=ops@town.example"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
