"""Does in Python what loop.mjs does in Node."""

import os
import sys
import threading
import time

import boto3
import redis

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../docs/consumers"))

from read_secret_aws import read_secret  # noqa: E402
from redis_py import connect, while_refused  # noqa: E402
from rotating_password import RotatingPassword  # noqa: E402


def say(word):
    print(word, flush=True)


# Older versions of boto3 do not read these variables by themselves.
REGION = os.environ["AWS_REGION"]
ENDPOINT = os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
CLIENT = boto3.client("secretsmanager", region_name=REGION, endpoint_url=ENDPOINT)


def read():
    say("read")
    return read_secret(CLIENT, os.environ["SECRET_NAME"])


class TellingRefusals(RotatingPassword):
    def refused(self):
        say("refused")
        super().refused()


def attempt(commands):
    try:
        commands()
        say("done")
    except redis.ConnectionError:
        # A connection that is lost may leave a command half done: these here may be repeated.
        say("lost")
    except Exception as error:
        say(f"failed: {error}"[:60])


def on_a_connection_that_stays():
    while_refused(lambda: client.set("turn", "1"))
    while_refused(lambda: client.get("turn"))


def on_a_new_connection():
    fresh = new_client()
    try:
        while_refused(fresh.ping)
    finally:
        fresh.connection_pool.disconnect()


password = TellingRefusals(read)
address = read_secret(CLIENT, os.environ["SECRET_NAME"])


def new_client():
    return connect(password, address["host"], address["port"], address["ssl"])


client = new_client()
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while not ended.is_set():
    attempt(on_a_connection_that_stays)
    attempt(on_a_new_connection)
    time.sleep(0.02)
