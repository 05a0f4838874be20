import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { createCertificates } from "./certificates.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

const running: RedisServer[] = [];

async function start(options: Parameters<typeof startRedisServer>[0]) {
  const server = await startRedisServer(options);
  running.push(server);
  return server;
}

/** The first line that the server answers to AUTH. */
function authenticate(socket: Socket, password: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (data) => {
      resolve(data.toString().split(" ")[0]?.trim() ?? "");
      socket.destroy();
    });
    socket.write(`*2\r\n$4\r\nAUTH\r\n$${password.length}\r\n${password}\r\n`);
  });
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

describe("startRedisServer", () => {
  it.each(["zy456987", `a"b\\c'd #1`])("opens to its password alone: %s", async (password) => {
    const { port } = await start({ password });
    expect(await authenticate(connect(port, "127.0.0.1"), password)).toBe("+OK");
    expect(await authenticate(connect(port, "127.0.0.1"), `${password}x`)).toBe("-WRONGPASS");
  });

  it("changes its password as often as asked", async () => {
    const server = await start({ password: "first-1" });
    for (const password of ["second-2", "third-3"]) {
      await server.setPassword(password);
      expect(await authenticate(connect(server.port, server.host), password)).toBe("+OK");
    }
    expect(await authenticate(connect(server.port, server.host), "second-2")).toBe("-WRONGPASS");
  });

  it("opens to each account's own password, as the one argument account@password", async () => {
    const accounts = [
      { name: "app_a", password: "first@a-1" },
      { name: "app_b", password: "first-b-1" },
    ];
    const server = await start({ password: "first-1", accounts });
    const verdicts = async (...given: string[]) =>
      Promise.all(given.map((each) => authenticate(connect(server.port, server.host), each)));
    const [ok, no] = ["+OK", "-WRONGPASS"];
    expect(await verdicts("first-1", "app_a@first@a-1", "app_b@first-b-1")).toEqual([ok, ok, ok]);
    expect(await verdicts("app_a@first-b-1", "first@a-1", "app_c@first-1")).toEqual([no, no, no]);

    await server.setPassword("second-a-2", "app_a");
    expect(await verdicts("app_a@second-a-2", "app_a@first@a-1")).toEqual([ok, no]);
    await server.setPassword("second-2");
    expect(await verdicts("second-2", "first-1")).toEqual([ok, no]);
    await server.setPassword("first-c-1", "app_c");
    expect(await verdicts("app_a@second-a-2", "app_b@first-b-1", "app_c@first-c-1")).toEqual([ok, ok, ok]);
  });

  it("takes the password that an account has already", async () => {
    const server = await start({ password: "first-1" });
    await server.setPassword("first-1");
    expect(await authenticate(connect(server.port, server.host), "first-1")).toBe("+OK");
  });

  it("serves TLS that the throw-away authority vouches for, and nothing else", async () => {
    const tls = await createCertificates();
    const server = await start({ password: "first-1", tls });
    await server.setPassword("second-2");
    for (const host of ["127.0.0.1", "localhost"]) {
      const socket = connectTls({
        host: "127.0.0.1",
        servername: host === "localhost" ? host : "",
        port: server.port,
        ca: tls.ca,
      });
      expect(await authenticate(socket, "second-2")).toBe("+OK");
    }
    const unknownAuthority = connectTls({ host: "127.0.0.1", port: server.port });
    await expect(authenticate(unknownAuthority, "second-2")).rejects.toThrow(/certificate/);
  });

  it("says that a password was not taken without quoting it", async () => {
    const server = await start({ password: "first-1" });
    await server.stop();
    const failure = await server.setPassword("never-shown-1").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(JSON.stringify([failure, String(failure), (failure as Error).cause])).not.toContain("never-shown");
  });

  it("leaves neither a process nor a file behind where its owner is killed", async () => {
    const directory = await mkdtemp(join(tmpdir(), "local-cloud-test-"));
    const program = `
      import { startRedisServer } from ${JSON.stringify(new URL("redis-server.ts", import.meta.url).href)};
      const { port } = await startRedisServer({ password: crypto.randomUUID() });
      console.log(port);
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: directory },
    });
    const port = await new Promise<number>((resolve) =>
      owner.stdout.once("data", (data) => resolve(Number(data))),
    );
    expect(await authenticate(connect(port, "127.0.0.1"), "no-password-1")).toBe("-WRONGPASS");
    owner.kill("SIGKILL");
    await expect
      .poll(() => authenticate(connect(port, "127.0.0.1"), "no-password-1").catch(() => "gone"))
      .toBe("gone");
    await expect
      .poll(async () => (await readdir(directory)).filter((name) => name.includes("redis")))
      .toEqual([]);
    await rm(directory, { recursive: true });
  });

  // A process that waits for nothing but an unreferenced handle ends with the status 13 in the middle of its work.
  it("is waited for by a process that has nothing else to do", async () => {
    const program = `
      import { startRedisServer } from ${JSON.stringify(new URL("redis-server.ts", import.meta.url).href)};
      const start = () => startRedisServer({ password: crypto.randomUUID() });
      const servers = await Promise.all(Array.from({ length: 10 }, start));
      await Promise.all(servers.map((server) => server.stop()));
      console.log("stopped");`;
    const argv = ["--import", "tsx", "--input-type=module", "-e", program];
    const { stdout } = await promisify(execFile)(process.execPath, argv);
    expect(stdout).toBe("stopped\n");
  });
});
