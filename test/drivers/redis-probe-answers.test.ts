import { spawn } from "node:child_process";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import type { ProbeTarget } from "../../lib/ports.ts";

const HOST = "127.0.0.1";
const PASSWORD = "cUrrent-Pass!2026";

const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});

const target = (port: number, more: Partial<ProbeTarget> = {}): ProbeTarget => ({
  host: HOST,
  port,
  ssl: false,
  username: "default",
  password: PASSWORD,
  ...more,
});

describe("redisProbe on what a server may answer", () => {
  const answered = async (replies: readonly string[], more: Partial<ProbeTarget> = {}) => {
    const server = await startScripted(replies);
    const probe = redisProbe({ connectTimeoutMs: 300, commandTimeoutMs: 300 });
    return { verdict: await probe(target(server.port, more)), received: server.received };
  };
  const unknown = (reason: RegExp) => ({ answer: "unknown", reason: expect.stringMatching(reason) });

  it.each([
    ["PONG", ["+OK\r\n", "+PONG\r\n"], { answer: "accepted" }],
    ["NOPERM to PING", ["+OK\r\n", "-NOPERM this user has no permissions\r\n"], { answer: "accepted" }],
    ["LOADING to PING", ["+OK\r\n", "-LOADING Redis is loading the dataset\r\n"], { answer: "accepted" }],
    ["NOAUTH to PING", ["+OK\r\n", "-NOAUTH Authentication required.\r\n"], { answer: "rejected" }],
    ["WRONGPASS to PING", ["+OK\r\n", "-WRONGPASS invalid password\r\n"], { answer: "rejected" }],
    ["WRONGPASS", ["-WRONGPASS invalid username-password pair\r\n"], { answer: "rejected" }],
    ["the refusal of Redis 5", ["-ERR invalid password\r\n"], { answer: "rejected" }],
    ["no password of Redis 5", ["-ERR Client sent AUTH, but no password is set\r\n"], { answer: "rejected" }],
    [
      "no password of Redis 6",
      ["-ERR AUTH <password> called without any password configured for the default user.\r\n"],
      { answer: "rejected" },
    ],
    ["LOADING to AUTH", ["-LOADING Redis is loading the dataset\r\n"], unknown(/loading/)],
    ["protected mode", ["-DENIED Redis is running in protected mode\r\n"], unknown(/protected mode/)],
    ["too many clients", ["-ERR max number of clients reached\r\n"], unknown(/no more connections/)],
    ["NOPERM to AUTH", ["-NOPERM no permissions\r\n"], unknown(/permit/)],
    ["another error", [`-ERR unknown command 'AUTH', with args: '${PASSWORD}'\r\n`], unknown(/an error/)],
    ["wrong arity for one argument", ["-ERR wrong number of arguments for 'auth'\r\n"], unknown(/an error/)],
    ["a number", [":1\r\n"], unknown(/neither OK nor/)],
    ["nothing", [], unknown(/no answer in time/)],
    ["nothing to PING", ["+OK\r\n"], unknown(/no answer in time/)],
    ["HTTP", ["HTTP/1.1 400 Bad Request\r\n\r\n"], unknown(/protocol/)],
    ["its end", ["close"], unknown(/closed without an answer|reset/)],
    ["its end after AUTH", ["+OK\r\n", "close"], unknown(/closed without an answer|reset/)],
    ["a reset", ["reset"], unknown(/reset/)],
    ["two answers at once", ["+OK\r\n-NOAUTH Authentication required.\r\n"], unknown(/./)],
  ])("makes of %s the right verdict", async (_, replies, expected) => {
    const { verdict } = await answered(replies);
    expect(verdict).toEqual(expected);
    expect(JSON.stringify(verdict)).not.toContain(PASSWORD);
  });

  it("sends AUTH and PING and nothing else", async () => {
    const { received } = await answered(["+OK\r\n", "+PONG\r\n"]);
    expect(received()).toEqual([
      `*2\r\n$4\r\nAUTH\r\n$${PASSWORD.length}\r\n${PASSWORD}\r\n*1\r\n$4\r\nPING\r\n`,
    ]);
  });

  it("asks for a custom account with one argument first, then with two on a fresh connection", async () => {
    const { received } = await answered(["-WRONGPASS no\r\n"], { username: "app_1" });
    expect(received()).toEqual([
      `*2\r\n$4\r\nAUTH\r\n$${PASSWORD.length + 6}\r\napp_1@${PASSWORD}\r\n`,
      `*3\r\n$4\r\nAUTH\r\n$5\r\napp_1\r\n$${PASSWORD.length}\r\n${PASSWORD}\r\n`,
    ]);
  });

  it("does not ask a second time where the first answer says nothing", async () => {
    const { verdict, received } = await answered(["-LOADING\r\n"], { username: "app_1" });
    expect(verdict).toMatchObject({ answer: "unknown" });
    expect(received()).toHaveLength(1);
  });

  it("keeps the first rejection where the server knows no account names", async () => {
    const server = await startScripted((command) =>
      command.startsWith("*3")
        ? "-ERR wrong number of arguments for 'auth' command\r\n"
        : "-ERR invalid password\r\n",
    );
    expect(await redisProbe()(target(server.port, { username: "app_1" }))).toEqual({ answer: "rejected" });
  });

  it("says unknown where the first form is rejected and the second has no answer", async () => {
    const server = await startScripted((command) =>
      command.startsWith("*3") ? "" : "-ERR invalid password\r\n",
    );
    const probe = redisProbe({ commandTimeoutMs: 200 });
    expect(await probe(target(server.port, { username: "app_1" }))).toMatchObject({ answer: "unknown" });
  });
});

describe("redisProbe keeps to itself", () => {
  const printed: unknown[] = [];
  beforeEach(() => {
    printed.length = 0;
    for (const method of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, method).mockImplementation((...words) => void printed.push(words));
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
    expect(printed).toEqual([]);
  });

  it.each([
    ["no password is set", "-ERR Client sent AUTH, but no password is set\r\n"],
    ["no password is configured", "-ERR AUTH <password> called without any password configured\r\n"],
    ["the arity is wrong", "-ERR wrong number of arguments for 'auth' command\r\n"],
    ["the answer is garbage", "garbage\r\n"],
    ["the server hangs up", "close"],
    ["the server resets", "reset"],
  ])("prints nothing where %s", async (_, answer) => {
    const server = await startScripted(() => answer);
    await redisProbe()(target(server.port));
    await vi.waitFor(() => expect(server.connections()).toBe(0));
    expect(server.received()).toHaveLength(1);
  });

  it("prints no warning where many are asked under one limit", async () => {
    const warning = vi.spyOn(process, "emitWarning").mockReturnValue();
    const server = await startScripted(() => "-WRONGPASS no\r\n");
    const probe = redisProbe({ signal: new AbortController().signal });
    await Promise.all(Array.from({ length: 20 }, () => probe(target(server.port))));
    expect(warning).not.toHaveBeenCalled();
  });

  it("gives up a TLS handshake that is not answered in time", async () => {
    const { port } = await startScripted(() => "");
    const verdict = await redisProbe({ connectTimeoutMs: 150 })(target(port, { ssl: true }));
    expect(verdict).toEqual({ answer: "unknown", reason: "no connection in time" });
  });

  it("says unknown for a host name that does not exist", async () => {
    const verdict = await redisProbe({ connectTimeoutMs: 1_000 })(
      target(6379, { host: "no-such-host.invalid" }),
    );
    expect(verdict).toMatchObject({ answer: "unknown" });
  });

  it("says unknown where the given authorities are no PEM", async () => {
    const verdict = await redisProbe({ ca: "-----BEGIN CERTIFICATE-----\nnonsense\n" })(
      target(1, { ssl: true }),
    );
    expect(verdict).toMatchObject({ answer: "unknown" });
  });

  it("ends at once when the run's time is used up", async () => {
    const server = await startScripted(() => "");
    const controller = new AbortController();
    const running = redisProbe({ signal: controller.signal })(target(server.port, { username: "app_1" }));
    await vi.waitFor(() => expect(server.received()).toHaveLength(1));
    const startedAt = performance.now();
    controller.abort();
    expect(await running).toEqual({ answer: "unknown", reason: "the time of this run is used up" });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await redisProbe({ signal: controller.signal })(target(server.port))).toMatchObject({
      answer: "unknown",
    });
    expect(server.received()).toHaveLength(1);
  });

  it("leaves no socket and no timer open, and shows no password in the client's debug output", async () => {
    const answers = ["-WRONGPASS no\r\n", "garbage\r\n", "close", "reset", ""];
    const servers = await Promise.all(answers.map((answer) => startScripted(() => answer)));
    const { stdout, stderr } = await probeInProcess(servers.map(({ port }) => target(port)));
    expect(stdout.map(({ answer }) => answer)).toEqual(["rejected", ...Array(4).fill("unknown")]);
    expect(stdout.map(({ open }) => open)).toEqual(Array(5).fill([]));
    expect(stderr).toContain("write command");
    expect(stderr).not.toContain(PASSWORD);
    expect(stderr).not.toContain(Buffer.from(PASSWORD).toString("hex").slice(0, 8));
  });
});

/** A server that answers each command as told: `close` and `reset` end the connection, an empty answer is silence. */
async function startScripted(replies: readonly string[] | ((command: string) => string)) {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const index = received.push("") - 1;
    let asked = 0;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (data) => {
      received[index] += String(data);
      const answer = typeof replies === "function" ? replies(String(data)) : (replies[asked++] ?? "");
      if (answer === "close") socket.end();
      else if (answer === "reset") socket.resetAndDestroy();
      else if (answer !== "") socket.write(answer);
    });
  }).listen(0, HOST);
  await new Promise((resolve) => server.once("listening", resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    return close(server);
  });
  return { port: portOf(server), received: () => received, connections: () => sockets.size };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Probes in a process of its own, where nothing else is open and the client's debug output is switched on. */
async function probeInProcess(targets: readonly ProbeTarget[]) {
  const script = `
    import { readFileSync } from "node:fs";
    import { redisProbe } from "./lib/drivers/redis-probe.ts";
    const probe = redisProbe({ commandTimeoutMs: 100 });
    const results = [];
    for (const target of JSON.parse(readFileSync(0))) {
      const verdict = await probe(target);
      // Two turns: a socket that was destroyed in one is closed in the next.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
      const open = process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Timeout/.test(kind));
      results.push({ ...verdict, open });
    }
    console.log(JSON.stringify(results));
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    env: { ...process.env, DEBUG: "ioredis:*" },
  });
  child.stdin.end(JSON.stringify(targets));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout: JSON.parse(stdout) as { answer: string; open: string[] }[], stderr };
}
