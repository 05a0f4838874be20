import random
import time

import redis


def connect(password, host, port, ssl=False):
    """A client whose connections each take the password anew. `password` is a RotatingPassword."""

    def authenticate(connection):
        connection.password = password.get()
        try:
            connection.on_connect()
        except redis.RedisError as error:
            if is_refusal(error):
                password.refused()
            raise

    return redis.Redis(host=host, port=port, ssl=ssl, redis_connect_func=authenticate)


def while_refused(command, within=30.0):
    """A command for which no connection was accepted has not been carried out: try again, for `within` seconds."""
    deadline = time.monotonic() + within
    pause = 0.05
    while True:
        try:
            return command()
        except redis.RedisError as error:
            if not is_refusal(error) or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(2 * pause, 2.0)


def is_refusal(error):
    """Up to redis-py 4, WRONGPASS is no AuthenticationError."""
    return isinstance(error, redis.AuthenticationError) or str(error).startswith("WRONGPASS")
