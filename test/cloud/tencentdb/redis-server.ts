import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "iovalkey";
import type { Certificates } from "./certificates.ts";
import { DEFAULT_ACCOUNT } from "./instances.ts";
import { ensureRedisServer } from "./redis-package.ts";

export interface RedisServerOptions {
  /** The default account's password. */
  readonly password: string;
  /** Custom accounts: each authenticates with the one argument `account@password`, as on TencentDB. */
  readonly accounts?: readonly { readonly name: string; readonly password: string }[];
  /** Serves TLS, and nothing but TLS. */
  readonly tls?: Certificates;
}

export interface RedisServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Changes an account's password, or makes the account. Connections that are open stay open. */
  setPassword(password: string, account?: string): Promise<void>;
  stop(): Promise<void>;
}

const ADMIN = "local-cloud";
const START_ATTEMPTS = 5;

/**
 * Runs a real redis-server (or valkey-server) on a free port of 127.0.0.1, without persistence. Passwords reach it
 * through stdin and through a connection, never as arguments. It does not outlive this process, however that ends.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const program = await ensureRedisServer();
  const adminPassword = randomBytes(24).toString("hex");
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    const directory = await mkdtemp(join(tmpdir(), "local-cloud-redis-"));
    try {
      const configuration = await configure(options, { port, directory, adminPassword });
      const running = await launch(program, directory, configuration);
      const server = serve(port, options, adminPassword, running);
      for (const { name, password } of options.accounts ?? []) await server.setPassword(password, name);
      return server;
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      // Somebody else may have taken the port since it was found free.
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

function serve(
  port: number,
  options: RedisServerOptions,
  adminPassword: string,
  running: { stop(): Promise<void> },
): RedisServer {
  const host = "127.0.0.1";
  const admin = new Redis({
    host,
    port,
    username: ADMIN,
    password: adminPassword,
    lazyConnect: true,
    retryStrategy: () => null,
    ...(options.tls === undefined ? {} : { tls: { ca: options.tls.ca } }),
  });
  // Whoever sends a command hears of a failure; an idle connection that ends is no failure.
  admin.on("error", () => {});
  const digests = new Map([[DEFAULT_ACCOUNT, digestOf(DEFAULT_ACCOUNT, options.password)]]);
  return {
    host,
    port,
    async setPassword(password, account = DEFAULT_ACCOUNT) {
      const digest = digestOf(account, password);
      const old = digests.get(account);
      try {
        await admin.acl("SETUSER", "default", ...(old === undefined ? [] : [`!${old}`]), `#${digest}`);
      } catch {
        // The client's error quotes the command.
        throw new Error("The Redis server did not take the new password");
      }
      digests.set(account, digest);
    },
    async stop() {
      admin.disconnect();
      await running.stop();
    },
  };
}

async function configure(
  options: RedisServerOptions,
  place: { readonly port: number; readonly directory: string; readonly adminPassword: string },
): Promise<string> {
  const { port, directory, adminPassword } = place;
  const lines = [
    "bind 127.0.0.1",
    `dir ${quote(directory)}`,
    'save ""',
    "appendonly no",
    `requirepass ${quote(options.password)}`,
    `user ${ADMIN} on >${adminPassword} +@all`,
  ];
  if (options.tls === undefined) return [...lines, `port ${port}`, ""].join("\n");
  for (const part of ["ca", "key", "cert"] as const) {
    await writeFile(join(directory, part), options.tls[part], { mode: 0o600 });
  }
  return [
    ...lines,
    "port 0",
    `tls-port ${port}`,
    `tls-ca-cert-file ${quote(join(directory, "ca"))}`,
    `tls-key-file ${quote(join(directory, "key"))}`,
    `tls-cert-file ${quote(join(directory, "cert"))}`,
    "tls-auth-clients no",
    "",
  ].join("\n");
}

/**
 * The shell holds the other end of a pipe (3) that closes when this process ends in any way, and then takes the
 * server and its directory along. The server's configuration comes through 4.
 */
const KEEPER = `
"$1" - <&4 3<&- 4<&- &
server=$!
exec 4<&- >/dev/null 2>&1
cat <&3
kill -9 $server
wait $server
rm -rf "$2"
`;

async function launch(
  program: string,
  directory: string,
  configuration: string,
): Promise<{ stop(): Promise<void> }> {
  // Detached: Ctrl-C in a terminal reaches this process alone, which may still need its server.
  const keeper = spawn("sh", ["-c", KEEPER, "sh", program, directory], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore", "pipe", "pipe"],
  });
  // Not "close", which waits for the pipes as well: a process with nothing else to do would end before they do.
  const ended = new Promise<void>((resolve) => keeper.once("exit", () => resolve()));
  const [, output, , lifeline, input] = keeper.stdio as unknown as [null, Socket, null, Socket, Socket];
  const stop = async () => {
    keeper.ref();
    lifeline.end();
    await ended;
  };
  input.on("error", () => {});
  input.end(configuration);
  const ready = await sawLine(output, "Ready to accept connections");
  output.resume();
  if (!ready) {
    await stop();
    throw new Error(`${program} ended before it was ready`);
  }
  // A caller that forgets to stop it can end all the same.
  for (const handle of [keeper, output, lifeline]) handle.unref();
  return { stop };
}

async function sawLine(output: Socket, text: string): Promise<boolean> {
  for await (const line of createInterface({ input: output })) {
    if (line.includes(text)) return true;
  }
  return false;
}

/** By the digest of what AUTH is given, a server adds and removes one of its default user's passwords. */
function digestOf(account: string, password: string): string {
  const argument = account === DEFAULT_ACCOUNT ? password : `${account}@${password}`;
  return createHash("sha256").update(argument).digest("hex");
}

/** As the configuration file quotes a text. */
function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port);
        else reject(new Error("There is no free port"));
      });
    });
  });
}
