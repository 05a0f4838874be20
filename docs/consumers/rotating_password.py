import random
import threading
import time


class RotatingPassword:
    """The password that a secret has. It is kept, and read again once Redis has refused it: by one thread
    at a time, and with longer pauses while the secret has nothing new. Pauses are in seconds."""

    def __init__(self, read_secret, first_pause=0.1, longest_pause=5.0):
        self._read_secret = read_secret
        self._first_pause = self._pause = first_pause
        self._longest_pause = longest_pause
        self._lock = threading.Lock()
        self._password = None
        self._refused = False
        self._not_before = 0.0

    def get(self):
        with self._lock:
            due = self._refused and time.monotonic() >= self._not_before
            if self._password is None or due:
                self._read()
            return self._password

    def refused(self):
        self._refused = True

    def _read(self):
        known = self._password
        try:
            self._password = auth_argument(self._read_secret())
            self._refused = False
        except Exception:
            # The password at hand may still be good.
            if known is None:
                raise
        finally:
            nothing_new = self._password == known
            self._pause = min(2 * self._pause, self._longest_pause) if nothing_new else self._first_pause
            self._not_before = time.monotonic() + self._pause * random.uniform(0.5, 1.5)


def auth_argument(secret):
    """A custom account of TencentDB gives its name and its password as one argument."""
    username, password = secret.get("username", "default"), secret["password"]
    return password if username in ("default", "root") else f"{username}@{password}"
