import { setTimeout } from "node:timers/promises";

/**
 * What every client of these tests does until its standard input ends: a write and a read on a connection that stays, a
 * PING on a new one. It says in words, one a line, what happens to it.
 */
export async function work({ client, connect, close, whileRefused = (command) => command() }) {
  let open = true;
  process.stdin.on("end", () => {
    open = false;
  });
  process.stdin.resume();
  for (let turn = 0; open; turn++) {
    await attempt(async () => {
      await whileRefused(() => client.set("turn", `${turn}`));
      await whileRefused(() => client.get("turn"));
    });
    await attempt(async () => {
      const fresh = await connect();
      try {
        await whileRefused(() => fresh.ping());
      } finally {
        close(fresh);
      }
    });
    await setTimeout(20);
  }
  // A client that was closed just while it connected again may still hold a connection, and with it this process.
  process.exit();
}

async function attempt(commands) {
  try {
    await commands();
    say("done");
  } catch (error) {
    // A connection that is lost may leave a command half done: these here may be repeated.
    say(/clos|ECONNRESET|EPIPE/i.test(error.message) ? "lost" : `failed: ${error.message.slice(0, 60)}`);
  }
}

export function say(word) {
  process.stdout.write(`${word}\n`);
}

/** Says when the secret is read. */
export function told(readSecret) {
  return async () => {
    say("read");
    return readSecret();
  };
}

/** Says when Redis has refused a password. */
export function tellingRefusals(password) {
  return {
    get: () => password.get(),
    refused() {
      say("refused");
      password.refused();
    },
  };
}
