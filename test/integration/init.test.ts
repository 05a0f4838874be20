import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseSecretValue } from "../../lib/secret-value.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { BUNDLES_NODE } from "../cloud/function-process.ts";
import { type CommandOptions, type Outcome, runCommand } from "./command.ts";
import { built, QUIET, without } from "./world.ts";

const PLAIN = "crs-plain001";
const TLS = "crs-withtls1";
const GONE = "crs-isolated";
const PASSWORD = "Pr0tected-password.1";
const region = "ap-guangzhou";

let cloud: LocalCloud;
let environment: Readonly<Record<string, string>>;
let directory: string;

beforeAll(async () => {
  cloud = await startCloud({
    instances: [
      { instanceId: PLAIN, region, password: PASSWORD, accounts: [{ name: "app_a", password: PASSWORD }] },
      { instanceId: TLS, region, password: PASSWORD, tls: true },
      { instanceId: GONE, region, status: -2 },
    ],
  });
  // All that it needs is Tencent Cloud.
  environment = without(
    cloud.environment,
    ...["SECRET_STORE", "ROTATION_SECRETS", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  );
});
afterAll(() => cloud?.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "init-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function init(args: readonly string[], options: Partial<CommandOptions> = {}): Promise<Outcome> {
  const stdin = ["--region", region, "--password-stdin"];
  return runCommand(["init", ...args, ...stdin], {
    file: built("cli.js"),
    environment,
    input: `${PASSWORD}\n`,
    cwd: directory,
    ...options,
  });
}

const written = (file: string) => JSON.parse(readFileSync(join(directory, file), "utf8"));

function addressOf(instanceId: string) {
  const { host = "", port = 0 } = cloud.redis.get(instanceId) ?? {};
  return { host, port };
}

describe("redis-rotation init", () => {
  it("writes a secret that a rotation takes, for its owner alone, and says what comes next", async () => {
    const { exit, stdout, stderr } = await init([PLAIN]);
    expect([exit, stderr]).toEqual([0, ""]);
    const file = join(directory, `${PLAIN}.json`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(written(`${PLAIN}.json`)).toEqual({
      engine: "tencentdb-redis",
      region,
      instanceId: PLAIN,
      ...addressOf(PLAIN),
      ssl: false,
      username: "default",
      password: PASSWORD,
    });
    expect(stdout).toContain(
      `aws secretsmanager create-secret --name redis/${PLAIN} --secret-string file://${file}`,
    );
    expect(stdout).toContain(`rm ${file}`);
    expect(stdout).not.toContain(PASSWORD);
    expect(readdirSync(directory)).toEqual([`${PLAIN}.json`]);
  });

  it("makes a secret that doctor finds nothing wrong with", async () => {
    await init([PLAIN]);
    cloud.secretsManager.call("CreateSecret", {
      Name: "redis/made-by-init",
      ClientRequestToken: "0123456789abcdef0123456789abcdef",
      SecretString: readFileSync(join(directory, `${PLAIN}.json`), "utf8"),
    });
    const args = ["doctor", "redis/made-by-init"];
    const checked = await runCommand(args, { file: built("cli.js"), environment: cloud.environment });
    expect([checked.exit, checked.stdout]).toEqual([0, expect.stringContaining("opens Redis")]);
  });

  it("finds out whether Redis speaks TLS", async () => {
    const { exit, stdout } = await init([TLS, "--json"]);
    expect([exit, JSON.parse(stdout)]).toEqual([
      0,
      {
        file: join(directory, `${TLS}.json`),
        secretName: `redis/${TLS}`,
        store: "aws",
        instanceId: TLS,
        region,
        ...addressOf(TLS),
        ssl: true,
        username: "default",
        api: "ResetPassword",
        proven: true,
      },
    ]);
    expect(written(`${TLS}.json`)).toMatchObject({ ssl: true, password: PASSWORD });
  });

  it("writes what SSM's command reads where the secret is for SSM", async () => {
    const { stdout } = await init([PLAIN, "--store", "ssm", "--out", "for-ssm.json"], {
      // As a file of Windows ends its line.
      input: `${PASSWORD}\r\n`,
    });
    expect(stdout).toContain(
      `tccli ssm CreateSecret --region ${region} --cli-input-json file://${join(directory, "for-ssm.json")}`,
    );
    const { SecretName, SecretString } = written("for-ssm.json");
    expect(SecretName).toBe(`redis-${PLAIN}`);
    expect(parseSecretValue(SecretString, SecretName)).toMatchObject({
      instanceId: PLAIN,
      password: PASSWORD,
    });
  });

  it("takes alternating users, with an account that is there", async () => {
    const { exit } = await init([PLAIN, "--username", "app_a", "--usernames", "app_a,app_b"]);
    expect(exit).toBe(0);
    expect(written(`${PLAIN}.json`)).toMatchObject({ username: "app_a", usernames: ["app_a", "app_b"] });
  });

  it("writes to standard output where that is asked for", async () => {
    const { exit, stdout } = await init([PLAIN, "--out", "-"]);
    expect([exit, JSON.parse(stdout).password]).toEqual([0, PASSWORD]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("asks nothing of Redis where it is told so, and says that nothing is proven", async () => {
    const { exit, stdout, stderr } = await init([PLAIN, "--no-probe", "--host", "10.9.9.9", "--json"]);
    expect([exit, JSON.parse(stdout)]).toMatchObject([0, { host: "10.9.9.9", proven: false }]);
    expect(stderr).toMatch(/neither the password nor ssl is proven/);
  });

  it.each<[string, string[], string, number, RegExp]>([
    ["the password is wrong", [PLAIN], "wrong-password-1", 1, /rejects the password of account default/],
    ["the account is not there", [PLAIN, "--username", "app_z"], PASSWORD, 1, /has no account app_z/],
    ["the instance is not there", ["crs-nowhere1"], PASSWORD, 1, /InstanceNotFound: .*Correct instanceId/],
    ["the instance is isolated", [GONE], PASSWORD, 1, /InstanceGone: /],
    [
      "nothing listens there",
      [PLAIN, "--port", "1"],
      PASSWORD,
      1,
      /cannot be asked: the connection was refused/,
    ],
    [
      "the api is for another account",
      [PLAIN, "--username", "app_a", "--api", "ResetPassword"],
      PASSWORD,
      2,
      /api: /,
    ],
    ["the port is no number", [PLAIN, "--port", "x"], PASSWORD, 2, /port: /],
    ["there is no password", [PLAIN], "", 2, /password is empty/],
    ["SSM does not take the name", [PLAIN, "--store", "ssm", "--name", "a/b"], PASSWORD, 2, /--name: /],
    [
      "two things are for standard output",
      [PLAIN, "--out", "-", "--json"],
      PASSWORD,
      2,
      /--json and --out -/,
    ],
  ])("writes nothing where %s, and says so", async (_, args, password, code, says) => {
    const { exit, stdout, stderr } = await init(args, { input: `${password}\n` });
    expect(exit).toBe(code);
    expect(stderr).toMatch(says);
    expect(password === "" || `${stdout}${stderr}`.includes(password)).toBe(password === "");
    expect(readdirSync(directory)).toEqual([]);
  });

  it("says that a certificate is not trusted", async () => {
    const { exit, stderr } = await init([TLS], { environment: without(environment, "REDIS_CA_BUNDLE") });
    expect([exit, stderr]).toEqual([1, expect.stringContaining("the certificate is not accepted")]);
  });

  it("overwrites no file, and asks nobody before it says so", async () => {
    writeFileSync(join(directory, `${PLAIN}.json`), "mine");
    const { exit, stderr } = await init([PLAIN], { environment: {} });
    expect([exit, stderr]).toEqual([2, expect.stringContaining("is there already")]);
    expect(readFileSync(join(directory, `${PLAIN}.json`), "utf8")).toBe("mine");
  });

  it("asks nobody where there is no terminal", async () => {
    const args = ["init", PLAIN, "--region", region];
    const { exit, stderr } = await runCommand(args, { file: built("cli.js"), environment, cwd: directory });
    expect([exit, stderr]).toEqual([2, expect.stringContaining("--password-stdin")]);
  });
});

describe.runIf(existsSync("/usr/bin/script"))("on a terminal", () => {
  it("asks for the password, and shows nothing of it", async () => {
    // A terminal without a width has room for nothing.
    const command = `stty cols 100 rows 24; '${BUNDLES_NODE}' '${built("cli.js")}' init ${PLAIN} --region ${region}`;
    const env = { PATH: process.env.PATH, TERM: "xterm", ...QUIET, ...environment };
    const terminal = spawn("script", ["-qec", command, "/dev/null"], { env, cwd: directory });
    let screen = "";
    let isTyped = false;
    terminal.stdout.on("data", (chunk: Buffer) => {
      screen += chunk;
      if (isTyped || !screen.includes("Current password of default")) return;
      isTyped = true;
      terminal.stdin.write(`${PASSWORD}\r`);
    });
    const exit = await new Promise((resolve) => terminal.on("close", resolve));
    expect([exit, screen]).toEqual([0, expect.stringContaining("create-secret")]);
    expect(screen).not.toContain(PASSWORD);
    expect(screen).not.toMatch(/[▪•*]/);
    expect(written(`${PLAIN}.json`)).toMatchObject({ password: PASSWORD });
  });
});
