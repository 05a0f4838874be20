import { syncBuiltinESMExports } from "node:module";
import tls from "node:tls";
import { Redis } from "iovalkey";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import type { ProbeTarget } from "../../lib/ports.ts";
import { createCertificates } from "../cloud/tencentdb/certificates.ts";
import { type RedisServerOptions, startRedisServer } from "../cloud/tencentdb/redis-server.ts";
import { describeProbeContract } from "../contracts/probe.contract.ts";
import { createFakeRedis } from "../fakes/probe.ts";

const HOST = "127.0.0.1";
const PASSWORD = "cUrrent-Pass!2026";
const OTHER = "0ther-Pass!2026";

const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});

// Nothing listens on port 1.
const nowhere = { host: HOST, port: 1 };
const target = (port: number, more: Partial<ProbeTarget> = {}): ProbeTarget => ({
  host: HOST,
  port,
  ssl: false,
  username: "default",
  password: PASSWORD,
  ...more,
});

describeProbeContract("redisProbe on the default account", async () => {
  const { port, setPassword } = await start({ password: PASSWORD });
  return { probe: redisProbe(), target: target(port), changePassword: setPassword, nowhere };
});

describeProbeContract("redisProbe on an account of the server's own", async () => {
  const { port, order } = await start({ password: OTHER });
  const changePassword = (password: string) =>
    order("ACL", "SETUSER", "app_1", "on", "resetpass", `>${password}`, "+@all");
  await changePassword(PASSWORD);
  return { probe: redisProbe(), target: target(port, { username: "app_1" }), changePassword, nowhere };
});

describeProbeContract("redisProbe on an account that is named inside the one argument", async () => {
  const accounts = [
    { name: "app_1", password: PASSWORD },
    { name: "app_2", password: OTHER },
  ];
  const { port, setPassword } = await start({ password: OTHER, accounts });
  return {
    probe: redisProbe(),
    target: target(port, { username: "app_1" }),
    changePassword: (password) => setPassword(password, "app_1"),
    nowhere,
  };
});

describeProbeContract("redisProbe over TLS", async () => {
  const tls = await createCertificates();
  const { port, setPassword } = await start({ password: PASSWORD, tls });
  return {
    probe: redisProbe({ ca: tls.ca }),
    target: target(port, { ssl: true }),
    changePassword: setPassword,
    nowhere,
  };
});

describeProbeContract("the fake on the default account", async () => {
  const redis = createFakeRedis([{ instanceId: "crs-1", wanIp: HOST, port: 6379, password: PASSWORD }]);
  return {
    probe: redis.probe,
    target: target(6379),
    changePassword: (password) => redis.setPassword("crs-1", "default", password),
    nowhere,
  };
});

describeProbeContract("the fake on a custom account", async () => {
  const accounts = [{ name: "app_1", password: PASSWORD }];
  const redis = createFakeRedis([
    { instanceId: "crs-1", wanIp: HOST, port: 6379, password: OTHER, accounts },
  ]);
  return {
    probe: redis.probe,
    target: target(6379, { username: "app_1" }),
    changePassword: (password) => redis.setPassword("crs-1", "app_1", password),
    nowhere,
  };
});

describe("redisProbe over TLS", () => {
  let port = 0;
  let ca = "";
  beforeAll(async () => {
    const tls = await createCertificates();
    ca = tls.ca;
    ({ port } = await start({ password: PASSWORD, tls }));
  });

  it("knows the server by its name, too", async () => {
    const probe = redisProbe({ ca });
    expect(await probe(target(port, { host: "localhost", ssl: true }))).toEqual({ answer: "accepted" });
  });

  it("trusts the given authority besides the system's own, not instead of them, and reads them once", async () => {
    const create = vi.spyOn(tls, "createSecureContext");
    syncBuiltinESMExports();
    const probe = redisProbe({ ca });
    await probe(target(port, { ssl: true }));
    await probe(target(port, { ssl: true }));
    expect(create.mock.calls).toEqual([[{ ca: [...tls.rootCertificates, ca] }]]);
    create.mockRestore();
    syncBuiltinESMExports();
  });

  it("says unknown where the authority is not trusted, whatever the environment allows", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const warning = vi.spyOn(process, "emitWarning").mockReturnValue();
    const verdict = await redisProbe()(target(port, { ssl: true }));
    warning.mockRestore();
    vi.unstubAllEnvs();
    expect(verdict).toEqual({ answer: "unknown", reason: expect.stringContaining("SELF_SIGNED_CERT") });
  });

  it("says unknown where the certificate is for another name", async () => {
    // Another name of 127.0.0.1.
    expect(await redisProbe({ ca })(target(port, { host: "127.1", ssl: true }))).toEqual({
      answer: "unknown",
      reason: expect.stringContaining("ERR_TLS_CERT_ALTNAME_INVALID"),
    });
  });

  it("says unknown where only one of the two speaks TLS", async () => {
    const plain = await start({ password: PASSWORD });
    const probe = redisProbe({ ca, connectTimeoutMs: 200, commandTimeoutMs: 200 });
    expect(await probe(target(port))).toMatchObject({ answer: "unknown" });
    expect(await probe(target(plain.port, { ssl: true }))).toMatchObject({ answer: "unknown" });
  });
});

describe("redisProbe on a real server", () => {
  it("rejects any password where the default account has none", async () => {
    const { port, order } = await start({ password: PASSWORD });
    await order("ACL", "SETUSER", "default", "nopass");
    expect(await redisProbe()(target(port))).toEqual({ answer: "rejected" });
  });

  it.each([
    ["accepts an account that may not PING", ["on", "-@all", "+get"], "accepted"],
    ["rejects an account that is switched off", ["off", "+@all"], "rejected"],
  ])("%s", async (_, rules, answer) => {
    const { port, order } = await start({ password: OTHER });
    await order("ACL", "SETUSER", "app_1", `>${PASSWORD}`, ...rules);
    expect(await redisProbe()(target(port, { username: "app_1" }))).toEqual({ answer });
  });

  it("says unknown where the server has no connection left", async () => {
    const { port, order } = await start({ password: PASSWORD });
    await order("CONFIG", "SET", "maxclients", "1");
    expect(await redisProbe()(target(port))).toEqual({
      answer: "unknown",
      reason: expect.stringMatching(/no more connections|reset/),
    });
  });
});

/** A real server, and a connection that holds its default account. */
async function start(options: RedisServerOptions) {
  const server = await startRedisServer(options);
  const admin = new Redis({
    host: HOST,
    port: server.port,
    password: options.password,
    lazyConnect: true,
    retryStrategy: () => null,
    ...(options.tls !== undefined && { tls: { ca: options.tls.ca } }),
  });
  admin.on("error", () => {});
  stops.push(async () => {
    admin.disconnect();
    await server.stop();
  });
  return {
    port: server.port,
    setPassword: server.setPassword,
    order: async (command: string, ...args: string[]): Promise<void> => {
      await admin.call(command, ...args);
    },
  };
}
