import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { BUNDLES_NODE } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import { problemsOf } from "../docs/answer-schema.ts";
import { runCommand } from "./command.ts";
import { answersOf, built, passwordAt, valueAt, without } from "./world.ts";

const DUE = "crs-due";
const WAITING = "crs-waiting";
const SUMMARY = { rotated: 0, inProgress: 0, notDue: 0, planned: 0, ok: 0, drift: 0, failed: 0 };

let cloud: LocalCloud;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  const region = "ap-guangzhou";
  cloud = await startCloud({
    instances: [
      { instanceId: DUE, region },
      { instanceId: WAITING, region },
    ],
    taskDurationMs: 600,
    taskTailMs: 200,
  });
  environment = without(cloud.environment, "ROTATION_SECRETS", "SECRET_STORE");
  cloud.secretsManager.call("PutSecretValue", {
    SecretId: secretName(WAITING),
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify({ ...valueAt(cloud, WAITING, "AWSCURRENT"), password: "not-sent-yet-1" }),
    VersionStages: ["AWSPENDING"],
  });
});
afterAll(() => cloud?.close());

function run(args: readonly string[], variables = environment) {
  return runCommand(args, { file: built("cli.js"), environment: variables });
}

describe("redis-rotation exits with", () => {
  it("0 when the secret is rotated, and Redis has the new password", async () => {
    const old = passwordAt(cloud, DUE, "AWSCURRENT");
    const { exit, stdout, stderr } = await run(["rotate", secretName(DUE)]);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^redis\/crs-due {2}rotated {6}crs-due {2}ap-guangzhou {2}task \d+ {2}exposed \d+ ms {2}\d+\.\d s\n$/,
    );
    expect(await answersOf(cloud, DUE, old)).toEqual(["rejected", "accepted"]);
  });

  it("1 when a secret fails, and says what to do", async () => {
    const { exit, stdout } = await run(["status", secretName(WAITING), "redis/missing"]);
    expect(exit).toBe(1);
    expect(stdout).toMatch(/^redis\/crs-waiting {2}in-progress /);
    expect(stdout).toMatch(
      /^redis\/missing {6}failed .*\n {2}SecretNotFound: .*Create the secret, or correct/m,
    );
  });

  it("1 when the current password does not open Redis", async () => {
    await cloud.redis.get(WAITING)?.setPassword("changed-by-hand-1");
    const { exit, stdout } = await run(["verify", secretName(WAITING)]);
    expect([exit, stdout]).toEqual([1, expect.stringMatching(/^redis\/crs-waiting {2}drift /)]);
  });

  it("3 when a rotation is not finished yet", async () => {
    expect((await run(["status", secretName(WAITING)])).exit).toBe(3);
  });

  it.each<[string, string[], RegExp]>([
    ["nothing is asked for", [], /Usage: redis-rotation/],
    ["the action is unknown", ["rotat"], /unknown command 'rotat'/],
    ["the option is unknown", ["rotate", "--all"], /unknown option '--all'/],
    ["the secret manager is unknown", ["rotate", "--store", "vault"], /Allowed choices are aws, ssm/],
    ["SSM's region is not known", ["rotate", "--store", "ssm"], /SECRET_STORE_REGION/],
    ["no secret is named", ["status"], /set ROTATION_SECRETS/],
  ])("2 when %s, and says what to do", async (_, args, says) => {
    const { exit, stdout, stderr } = await run(args);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["variables are wrong", { VERIFY: "maybe", PASSWORD_LENGTH: "7" }, /PASSWORD_LENGTH: .*VERIFY: /],
    ["the authorities cannot be read", { REDIS_CA_BUNDLE: "/missing/ca.pem" }, /REDIS_CA_BUNDLE: \/missing/],
    ["Tencent's credentials are missing", { TENCENTCLOUD_SECRET_KEY: "" }, /set TENCENTCLOUD_SECRET_ID and/],
    ["the region is missing", { AWS_REGION: "" }, /set AWS_REGION or SECRET_STORE_REGION/],
  ])("2 when %s, and says what to do", async (_, variables, says) => {
    const { exit, stdout, stderr } = await run(["status", "x"], { ...environment, ...variables });
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe("redis-rotation --json", () => {
  it("writes as a document, too, what the call itself has wrong", async () => {
    const { exit, stdout } = await run(["verify", "--json", "--nope"]);
    expect([exit, problemsOf(JSON.parse(stdout))]).toEqual([2, []]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "UsageError" } });
  });

  it("writes its own errors as a document, too", async () => {
    const { exit, stdout, stderr } = await run(["verify", "--json"]);
    expect([exit, problemsOf(JSON.parse(stdout))]).toEqual([2, []]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "ConfigurationInvalid", effect: "none" } });
    expect(stderr).toMatch(/^ConfigurationInvalid: /);
  });

  it.each(["plan", "status", "verify", "rotate"])("keeps to the published schema with %s", async (action) => {
    const { stdout } = await run(
      [action, "--json", "--yes", secretName(DUE), "redis/missing"].filter(
        (word) => action === "rotate" || word !== "--yes",
      ),
    );
    expect(problemsOf(JSON.parse(stdout))).toEqual([]);
    expect(JSON.parse(stdout).results).toHaveLength(2);
  });

  it("writes one JSON document and nothing else, whatever is logged", async () => {
    const { exit, stdout, stderr } = await run(["status", "--json", secretName(WAITING)], {
      ...environment,
      LOG_LEVEL: "trace",
    });
    expect(JSON.parse(stdout)).toEqual({
      action: "status",
      results: [
        {
          secretId: secretName(WAITING),
          instanceId: WAITING,
          region: "ap-guangzhou",
          status: "in-progress",
          versionId: expect.any(String),
          durationMs: expect.any(Number),
        },
      ],
      summary: { ...SUMMARY, inProgress: 1 },
    });
    expect(exit).toBe(3);
    expect(JSON.parse(stderr)).toMatchObject({ msg: "result" });
  });
});

describe("several secrets", () => {
  const both = [secretName(DUE), secretName(WAITING)];

  it.each(["rotate", "rollback", "abandon"])(
    "are not changed by %s where nobody can be asked",
    async (action) => {
      const sends = () => cloud.tencentDb.calls.length;
      const before = sends();
      expect(await run([action, "--force", ...both])).toEqual({
        exit: 2,
        stdout: "",
        stderr: `UsageError: ${action} may change 2 secrets, and nobody can be asked here: add --yes, or name one secret\n`,
      });
      expect(sends()).toBe(before);
    },
  );

  it("are changed with --yes", async () => {
    const { stdout, stderr } = await run(["rotate", "--yes", ...both]);
    expect(stdout).toMatch(/2 secrets: .*1 not-due/);
    expect(stderr).toBe("");
  });

  it("are looked at without a question", async () => {
    expect((await run(["status", ...both])).stdout).toMatch(/2 secrets: /);
  });
});

describe("redis-rotation --report", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "report-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("writes what was done, with its times, besides the answer", async () => {
    const file = join(folder, "rotation.html");
    const { exit, stdout } = await run(["rotate", "--force", "--report", file, secretName(DUE)]);
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/ rotated /)]);
    const page = await readFile(file, "utf8");
    expect(page).toMatch(/^<!doctype html>/);
    const [, data = ""] = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(page) ?? [];
    expect(JSON.parse(data).secrets).toMatchObject([
      { secretId: secretName(DUE), status: "rotated", timeline: expect.anything() },
    ]);
    expect(page).not.toContain(passwordAt(cloud, DUE, "AWSCURRENT"));
  });

  it.each([
    ["a folder that is not there", "missing/report.html", /cannot be written \(ENOENT\)/],
    ["a folder", "folder.html", /cannot be written \(EISDIR\)/],
    ["a file that is no report", "notes.html", /is there already and is no report/],
    ["the name of a secret", "redis-orders", /must be the path of an \.html file/],
  ])("to %s does nothing at all", async (_, name, says) => {
    await mkdir(join(folder, "folder.html"), { recursive: true });
    await writeFile(join(folder, "notes.html"), "<p>mine");
    const before = cloud.tencentDb.calls.length;
    const { exit, stdout, stderr } = await run([
      "rotate",
      "--force",
      "--report",
      join(folder, name),
      secretName(DUE),
    ]);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(says);
    expect(cloud.tencentDb.calls.length).toBe(before);
    expect(await readFile(join(folder, "notes.html"), "utf8")).toBe("<p>mine");
  });

  it("writes over a report of before, and leaves no empty one behind", async () => {
    const file = join(folder, "again.html");
    await run(["status", "--report", file, "redis/missing"]);
    await run(["status", "--report", file, secretName(DUE)]);
    expect(await readFile(file, "utf8")).toMatch(/^<!doctype html>(?!.*redis\/missing)/s);
    const unused = join(folder, "unused.html");
    expect((await run(["status", "--report", unused])).exit).toBe(2);
    await expect(readFile(unused)).rejects.toThrow("ENOENT");
  });
});

describe("whoever reads the output may go", () => {
  it("and the work goes on to its end", async () => {
    const old = passwordAt(cloud, DUE, "AWSCURRENT");
    const command = `'${BUNDLES_NODE}' '${built("cli.js")}' rotate --force ${secretName(DUE)}`;
    const env = { PATH: process.env.PATH, ...environment };
    await promisify(execFile)("sh", ["-c", `${command} 2>&1 | true; ${command} 2>&- >&- `], { env }).catch(
      () => {},
    );
    expect(await answersOf(cloud, DUE, old)).toEqual(["rejected", "accepted"]);
  });

  it("without a word where it was enough of it", async () => {
    const names = Array.from({ length: 400 }, (_, index) => `redis/missing-${index}`).join(" ");
    const command = `'${BUNDLES_NODE}' '${built("cli.js")}' status --json ${names} | head -1`;
    const env = { PATH: process.env.PATH, ...environment };
    expect(await promisify(execFile)("sh", ["-c", command], { env })).toEqual({ stdout: "{\n", stderr: "" });
  });
});

describe("redis-rotation helps", () => {
  it.each(["rotate", "plan", "status", "verify", "rollback", "abandon"])(
    "with an example of %s",
    async (action) => {
      const { exit, stdout } = await run([action, "--help"]);
      expect(exit).toBe(0);
      expect(stdout).toMatch(new RegExp(`Example:\n {2}\\$ redis-rotation ${action}`));
    },
  );

  it.each(["bash", "zsh", "fish", "powershell"])("a %s to complete what is typed", async (shell) => {
    const { exit, stdout } = await run(["completion", shell]);
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/redis-rotation complete '?--/)]);
  });

  it("with actions, options, their values, and the names of the configured secrets", async () => {
    const complete = async (...typed: string[]) =>
      (await run(["complete", "--", ...typed], { ...environment, ROTATION_SECRETS: "redis/a, redis/b" }))
        .stdout;
    expect(await complete("ro")).toMatch(/^rotate\trotate what is due.*\nrollback\t/);
    expect(await complete("rotate", "--y")).toMatch(/^--yes\t/);
    expect(await complete("status", "--store", "")).toMatch(/^aws\t\nssm\t/);
    expect(await complete("verify", "redis/a", "")).toMatch(/^redis\/a\t\nredis\/b\t/);
  });
});
