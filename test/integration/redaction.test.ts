import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalCloud, rotateSecretNow, startCloud } from "../cloud/cloud.ts";
import { secretName } from "../cloud/secrets.ts";
import { built, passwordAt, QUIET, SCHEDULE } from "./world.ts";

const HOST = fileURLToPath(new URL("../cloud/function-host.mjs", import.meta.url));
const REGION = "ap-guangzhou";

let cloud: LocalCloud;
const children: ChildProcess[] = [];
/** All that the functions wrote, answered and threw. */
let heard = "";

/** A function all of whose words are heard, on both of its outputs and in its replies. */
async function listenTo(bundle: string, exported: string, variables: Record<string, string> = {}) {
  const child = fork(HOST, [built(bundle), exported], {
    env: { PATH: process.env.PATH, ...QUIET, ...cloud.environment, LOG_LEVEL: "trace", ...variables },
    execArgv: [],
    silent: true,
  });
  children.push(child);
  for (const output of [child.stdout, child.stderr]) {
    output?.on("data", (data) => {
      heard += data;
    });
  }
  await once(child, "message");
  return async (event: unknown) => {
    child.send({ id: randomUUID(), event, timeoutMs: 60_000 });
    const [reply] = await once(child, "message");
    heard += JSON.stringify(reply);
    if (reply.error) throw new Error(reply.error.message);
    return reply.answer;
  };
}

/** The text as it is, as in a URL, and in base64 wherever in a longer text it may have started. */
function disguises(secret: string): string[] {
  const base64 = [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    const [from, to] = [Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3)];
    return bytes.toString("base64").slice(from, to);
  });
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), ...base64];
}

const isIn = (text: string, secret: string) => disguises(secret).some((disguise) => text.includes(disguise));

beforeAll(async () => {
  cloud = await startCloud({
    instances: [
      { instanceId: "crs-steps", region: REGION },
      { instanceId: "crs-fleet", region: REGION },
      { instanceId: "crs-quoted", region: REGION },
      { instanceId: "crs-broken", region: REGION, secretFields: { port: "0x" } },
    ],
    taskDurationMs: 600,
    taskTailMs: 200,
  });
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.kill() && once(child, "exit")));
  await cloud?.close();
});

describe("what the functions write, answer and throw", () => {
  const rotationTokens: string[] = [];

  beforeAll(async () => {
    const [first, second] = ["crs-steps", "crs-fleet"].map(secretName);
    const lambda = await listenTo("lambda/index.js", "handler");
    const engine = cloud.connectFunction(
      async (event) => {
        rotationTokens.push(event.RotationToken);
        await lambda(event);
      },
      [50],
    );

    // The first attempt fails: at the store with the request, at the API with a hang-up.
    cloud.secretsManager.failNext("PutSecretValue", { kind: "error", name: "InvalidRequestException" });
    cloud.tencentDb.failNext("ResetPassword", { kind: "not-json", carriedOut: true });
    rotateSecretNow(cloud, first ?? "");
    expect((await engine.ended(first ?? "")).result).toBe("complete");

    const scf = await listenTo("scf/index.js", "main_handler", {
      ROTATION_SECRETS: `${second},redis/missing`,
    });
    await expect(scf({ Type: "Timer", Message: "" })).rejects.toThrow(/^1 of 2 secrets /);
    await expect(
      scf({ Type: "Timer", Message: `{"password":"${passwordAt(cloud, "crs-fleet", "AWSCURRENT")}"` }),
    ).rejects.toThrow();
    const stray = { action: "rotate", secrets: [], password: passwordAt(cloud, "crs-fleet", "AWSCURRENT") };
    await expect(scf(stray)).rejects.toThrow("password");

    // A cloud that quotes what it was sent.
    const quoted = passwordAt(cloud, "crs-quoted", "AWSCURRENT");
    await lambda({ action: "rotate", secrets: [secretName("crs-quoted")] });
    cloud.tencentDb.failNext("ResetPassword", {
      kind: "error",
      code: "InvalidParameterValue.PasswordRuleError",
      message: `The password ${quoted} (${encodeURIComponent(quoted)}) breaks the rule.`,
    });
    const refused = await lambda({ action: "rollback", secrets: [secretName("crs-quoted")] });
    expect(refused).toMatchObject({ results: [{ error: { code: "PasswordRefused" } }] });

    const broken = await lambda({ action: "verify", secrets: [secretName("crs-broken")] });
    expect(broken).toMatchObject({ results: [{ error: { code: "SecretInvalid" } }] });
    await cloud.redis.get("crs-fleet")?.setPassword("changed-by-hand-1");
    expect(await lambda({ action: "verify", secrets: [second] })).toMatchObject({ summary: { drift: 1 } });
    await expect(lambda(SCHEDULE)).rejects.toThrow(/^\d+ of \d+ secrets /);

    const stranger = {
      TENCENTCLOUD_SECRET_KEY: "another-secret-key-1",
      AWS_SECRET_ACCESS_KEY: "another-aws-key-1",
    };
    const refusedLambda = await listenTo("lambda/index.js", "handler", stranger);
    await refusedLambda({ action: "plan", secrets: [second] });
    const { AWS_SECRET_ACCESS_KEY: _, ...onlyTencent } = stranger;
    const refusedByTencent = await listenTo("lambda/index.js", "handler", onlyTencent);
    await refusedByTencent({ action: "plan", secrets: [secretName("crs-steps")] });
  });

  it("tells what was done and what failed", () => {
    for (const told of [
      "createSecret",
      "sent",
      "refused",
      "PasswordRefused",
      "AccessDenied",
      "Drift",
      "SecretInvalid",
    ]) {
      expect(heard).toContain(told);
    }
    expect(rotationTokens.length).toBeGreaterThan(4);
  });

  it("holds no password, no key and no token, in no disguise", () => {
    const passwords = ["crs-steps", "crs-fleet", "crs-quoted", "crs-broken"].flatMap((instanceId) =>
      cloud.secretsManager
        .inspect(secretName(instanceId))
        .versions.flatMap(({ content }) =>
          content?.SecretString ? [JSON.parse(content.SecretString).password] : [],
        ),
    );
    expect(new Set(passwords).size).toBeGreaterThanOrEqual(7);
    const secrets = {
      passwords,
      rotationTokens,
      keys: [cloud.environment.TENCENTCLOUD_SECRET_KEY ?? "", cloud.environment.AWS_SECRET_ACCESS_KEY ?? ""],
      strangers: ["another-secret-key-1", "another-aws-key-1", "changed-by-hand-1"],
    };
    // Counted, so that a failure does not show them.
    const found = Object.entries(secrets).map(([kind, list]) => [
      kind,
      list.filter((each) => isIn(heard, each)).length,
    ]);
    expect(Object.fromEntries(found)).toEqual({ passwords: 0, rotationTokens: 0, keys: 0, strangers: 0 });
  });

  it.each([
    ["as it is", (text: string) => text],
    ["in a URL", encodeURIComponent],
    ["in base64", (text: string) => Buffer.from(text).toString("base64")],
    ["in base64, one byte later", (text: string) => Buffer.from(`x${text}yz`).toString("base64")],
    ["in base64, two bytes later", (text: string) => Buffer.from(`xy${text}z`).toString("base64")],
  ])("would be found out: a password %s", (_, disguise) => {
    const password = "p/Q7~+;=&%$#@!x9";
    expect(isIn(`{"msg":"${disguise(password)}"}`, password)).toBe(true);
    expect(isIn(`{"msg":"${disguise("another/one")}"}`, password)).toBe(false);
  });
});
