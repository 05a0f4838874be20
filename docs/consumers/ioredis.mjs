import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";
import { isRefusal } from "./rotating_password.mjs";

/** A client that takes the password anew each time it connects. `password` is a rotatingPassword. */
export async function connect(password, { host, port, ssl = false }) {
  const redis = new Redis({
    host,
    port,
    ...(ssl && { tls: {} }),
    protocol: 2, // AUTH with one argument
    password: await password.get(),
    retryStrategy(attempt) {
      const waitMs = Math.min(50 * 2 ** attempt, 2_000) * (0.5 + Math.random());
      password.get().then((latest) => {
        redis.options.password = latest;
      });
      return waitMs;
    },
  });
  redis.on("error", (error) => {
    if (isRefusal(error)) password.refused();
  });
  return redis;
}

/** ioredis fails the commands that wait for a connection that is refused. None of them was carried out: try again. */
export async function whileRefused(command, withinMs = 30_000) {
  const deadline = Date.now() + withinMs;
  for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 2_000)) {
    try {
      return await command();
    } catch (error) {
      if (!isRefusal(error) || Date.now() + pauseMs > deadline) throw error;
      await setTimeout(pauseMs * (0.5 + Math.random()));
    }
  }
}
