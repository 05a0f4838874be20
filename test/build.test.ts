import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { LEFT_OUT, LEFT_OUT_OF_FUNCTIONS, type LeftOut, leaveOut } from "../build/left-out.ts";
import { type Bundles, buildAll } from "../build.ts";
import type { Answer } from "../lib/ports.ts";
import { type LocalCloud, startCloud } from "./cloud/cloud.ts";
import { BUNDLES_NODE } from "./cloud/function-process.ts";
import { secretName } from "./cloud/secrets.ts";
import { apiError, type Reply, reset, serve, text } from "./drivers/loopback-api.ts";
import { certificateFor, tlsBefore } from "./drivers/loopback-tls.ts";
import { ask, built, onlyResult, QUIET, startBuilt, valueAt, without } from "./integration/world.ts";

const FUNCTIONS = ["lambda", "scf"] as const;
const KEY_NAMES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const;
const INSTANCE = "crs-5a4py64p";
const run = promisify(execFile);

let folder: string;
let bundles: Bundles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundles-"));
  bundles = await buildAll(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The paths of what has bytes in the bundle, and what it takes from outside. */
function contentsOf(bundle: keyof Bundles): { inside: readonly string[]; outside: readonly string[] } {
  const [output] = Object.values(bundles[bundle].outputs);
  const inside = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const outside = (output?.imports ?? []).map(({ path }) => path.replace(/^node:/, ""));
  return { inside: inside.map(([path]) => path), outside };
}

describe("what is in the bundles", () => {
  it.each(FUNCTIONS)("a function's code is less than 450 000 bytes: %s", async (name) => {
    const { size } = await stat(join(folder, name, "index.js"));
    expect(size).toBeLessThan(450_000);
  });

  it.each(FUNCTIONS)("each CommonJS module of %s stands in parentheses, to be parsed once", async (name) => {
    const code = await readFile(join(folder, name, "index.js"), "utf8");
    const [, wrap] = /([\w$]+)=\(\w,\w\)=>\(\)=>\{try\{return \w\|\|/.exec(code) ?? [];
    const modules = code.split(`=${wrap}(`).slice(1);
    expect(modules.length).toBeGreaterThan(50);
    expect(modules.filter((text) => !text.startsWith("(function(")).map((text) => text.slice(0, 80))).toEqual(
      [],
    );
  });

  const ANYWHERE = [
    ...[
      "tr46",
      "whatwg-url",
      "mime-db",
      "mime-types",
      "form-data",
      "json-bigint",
      "bignumber.js",
      "uuid",
      "debug",
    ],
    ...["thread-stream", "https-proxy-agent", "get-stream", "@pinojs/redact", "safe-stable-stringify"],
    ...["pino-std-serializers", "on-exit-leak-free", "pino/lib/multistream.js", "pino/lib/redaction.js"],
    ...["@iovalkey/commands", "cluster-key-slot", "denque", "lodash.defaults", "redis-errors/lib/old.js"],
    ...[
      "cluster",
      "connectors/SentinelConnector",
      "Pipeline.js",
      "ScanStream.js",
      "Script.js",
      "transaction.js",
    ].map((path) => `iovalkey/built/${path}`),
    "iovalkey/built/autoPipelining.js",
    "jsonc-parser/lib/esm/impl/format.js",
    "tencentcloud-sdk-nodejs/node_modules/tslib",
    "tencentcloud-sdk-nodejs/tencentcloud/common/sse_response_model.js",
    ...["event-streams", "checksum/sha256/Sha256Js.js", "serde/uuid/v4.js"].map(
      (path) => `@smithy/core/dist-es/submodules/${path}`,
    ),
    ...["sdk-stream-mixin.browser.js", "stream-collector.browser.js"].map(
      (path) => `@smithy/core/dist-es/submodules/serde/util-stream/${path}`,
    ),
  ];
  const CONFIG = "@smithy/core/dist-es/submodules/config";
  const FILES = [
    "shared-ini-file-loader/readFile.js",
    "config-resolver/regionConfig/getInstanceMetadataRegion.js",
  ];
  const IN_FUNCTIONS = ["ini", "sso", "process", "web-identity", "login", "node"].map(
    (kind) => `@aws-sdk/credential-provider-${kind}`,
  );
  it.each([
    ...ANYWHERE.map((name) => ["cli" as const, name] as const),
    ...FUNCTIONS.flatMap((bundle) =>
      [
        ...ANYWHERE,
        ...IN_FUNCTIONS,
        "@aws-sdk/nested-clients",
        ...FILES.map((path) => `${CONFIG}/${path}`),
      ].map((name) => [bundle, name] as const),
    ),
  ])("%s is without %s", (bundle, name) => {
    expect(existsSync(join("node_modules", name))).toBe(true);
    const { inside } = contentsOf(bundle);
    expect(inside.filter((path) => `${path}/`.includes(`node_modules/${name}/`))).toEqual([]);
  });

  it.each([...FUNCTIONS, "cli"] as const)("%s takes from outside only what Node brings along", (bundle) => {
    const { builtinModules } = process.getBuiltinModule("module");
    expect(contentsOf(bundle).outside.filter((name) => !builtinModules.includes(name))).toEqual([]);
  });

  it.each(FUNCTIONS)("nothing is listed as left out that %s would not have", (bundle) => {
    const paths = Object.keys(bundles[bundle].inputs);
    const unmet = LEFT_OUT_OF_FUNCTIONS.filter(
      ({ name, by }) => !paths.includes(by === undefined ? `left-out:${name}` : `build/stand-ins/${by}`),
    );
    expect(unmet).toEqual([]);
  });
});

describe("the bundles by themselves", () => {
  it.each([
    ["lambda", "handler"],
    ["scf", "main_handler"],
  ])("%s loads in silence with an empty environment, and exports %s alone", async (bundle, exported) => {
    const code = `console.log(Object.keys(require(${JSON.stringify(built(`${bundle}/index.js`))})).join())`;
    const { stdout, stderr } = await run(BUNDLES_NODE, ["-e", code], { env: {}, cwd: tmpdir() });
    expect({ stdout, stderr }).toEqual({ stdout: `${exported}\n`, stderr: "" });
  });

  it.each(FUNCTIONS)("%s loads none of Node's modules that only rare calls need", async (bundle) => {
    const code = `require(${JSON.stringify(built(`${bundle}/index.js`))}); console.log(process.moduleLoadList.join())`;
    const { stdout } = await run(BUNDLES_NODE, ["-e", code], { env: {} });
    expect(stdout.split(",")).toContain("NativeModule https");
    expect(stdout).not.toMatch(/NativeModule (internal\/crypto\/webcrypto|fs\/promises|zlib|assert)\b/);
  });

  it("the command shows its help with an empty environment", async () => {
    const { stdout } = await run(BUNDLES_NODE, [built("cli.js"), "--help"], { env: {}, cwd: tmpdir() });
    expect(stdout).toContain("redis-rotation");
  });
});

describe("a module that is left out", () => {
  const use = LEFT_OUT.filter(({ by }) => by === undefined).flatMap(
    ({ name, names = ["default"] }: LeftOut) => names.map((taken) => ({ name, names, taken })),
  );

  it.each(use)("$name throws when its $taken is used", async ({ name, names, taken }) => {
    const { outputFiles } = await build({
      stdin: { contents: `import { ${taken} as taken } from "${name}"; export default () => new taken();` },
      bundle: true,
      format: "esm",
      write: false,
      plugins: [leaveOut([{ name, names }])],
    });
    const url = `data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`;
    const { default: useIt } = await import(url);
    expect(useIt).toThrow(`${name} is left out of this bundle`);
  });
});

describe("the bundles in a cloud", () => {
  let cloud: LocalCloud;

  beforeAll(async () => {
    const instances = [{ instanceId: INSTANCE, region: "ap-guangzhou", tls: true }];
    cloud = await startCloud({ instances, taskDurationMs: 300, taskTailMs: 50 });
  });
  afterAll(() => cloud.close());

  /** What becomes of a rotation. */
  async function rotateAt(platform: (typeof FUNCTIONS)[number], variables: Record<string, string>) {
    const bundle = await startBuilt(platform, { ...cloud.environment, ...variables });
    try {
      const event = { action: "rotate", secrets: [secretName(INSTANCE)], force: true };
      return onlyResult((await bundle.invoke(event)) as Answer);
    } finally {
      await bundle.close();
    }
  }

  it.each(FUNCTIONS)("%s rotates with nothing but what it carries", async (platform) => {
    expect(await rotateAt(platform, {})).toMatchObject({ status: "rotated" });
  });

  it("a function takes its credentials from the endpoint that its platform names", async () => {
    const { AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey } = cloud.environment;
    const asked: unknown[] = [];
    const endpoint = createServer(({ headers }, response) => {
      asked.push(headers.authorization);
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token: "", Expiration }));
    });
    await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
    const tokenFile = join(folder, "token");
    await writeFile(tokenFile, "token-of-the-endpoint");
    const lambda = await startBuilt("lambda", {
      ...without(cloud.environment, ...KEY_NAMES),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
    });
    try {
      expect(onlyResult(await ask(lambda, "verify", INSTANCE)).status).toBe("ok");
      expect(asked).toEqual(["token-of-the-endpoint"]);
    } finally {
      await lambda.close();
      endpoint.close();
    }
  });

  it("a function without credentials says so", async () => {
    const lambda = await startBuilt("lambda", without(cloud.environment, ...KEY_NAMES));
    try {
      expect(onlyResult(await ask(lambda, "verify", INSTANCE)).error?.code).toBe("StoreCredentialsMissing");
    } finally {
      await lambda.close();
    }
  });

  it("the command takes its credentials from a profile", async () => {
    const file = join(folder, "credentials");
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = cloud.environment;
    const lines = [
      "[team]",
      `aws_access_key_id=${AWS_ACCESS_KEY_ID}`,
      `aws_secret_access_key=${AWS_SECRET_ACCESS_KEY}`,
    ];
    await writeFile(file, lines.join("\n"), { mode: 0o600 });
    const env = {
      ...without(cloud.environment, ...KEY_NAMES),
      ...QUIET,
      AWS_PROFILE: "team",
      AWS_SHARED_CREDENTIALS_FILE: file,
    };
    const { stdout } = await run(BUNDLES_NODE, [built("cli.js"), "verify", "--json"], { env });
    expect(onlyResult(JSON.parse(stdout)).status).toBe("ok");
  });

  it.each(FUNCTIONS)("%s speaks TLS with the API, on a connection that it keeps", async (platform) => {
    const pem = await certificateFor("localhost");
    const trusted = join(folder, "front.pem");
    await writeFile(trusted, pem.cert);
    const front = await tlsBefore(cloud.environment.TENCENTCLOUD_ENDPOINT_URL, pem);
    const before = cloud.tencentDb.calls.length;
    const variables = { TENCENTCLOUD_ENDPOINT_URL: front.url, NODE_EXTRA_CA_CERTS: trusted };
    expect(await rotateAt(platform, variables)).toMatchObject({ status: "rotated" });
    expect(cloud.tencentDb.calls.length - before).toBeGreaterThan(3);
    expect(front.connections()).toBeLessThan(3);
  });

  it.each(FUNCTIONS)("%s sends nothing to an API whose certificate it does not trust", async (platform) => {
    const pem = await certificateFor("localhost");
    const front = await tlsBefore(cloud.environment.TENCENTCLOUD_ENDPOINT_URL, pem);
    const before = cloud.tencentDb.calls.length;
    const { error } = await rotateAt(platform, { TENCENTCLOUD_ENDPOINT_URL: front.url });
    expect(error).toMatchObject({ code: "CloudUnreachable", effect: "none" });
    expect(error?.message).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
    expect(cloud.tencentDb.calls).toHaveLength(before);
  });

  const refusal = apiError("UnauthorizedOperation", "You may not do that.");
  const compressed: Reply = (response) => {
    const refused = { Code: "UnauthorizedOperation", Message: "You may not do that." };
    const body = gzipSync(JSON.stringify({ Response: { RequestId: "request-1", Error: refused } }));
    response.writeHead(200, { "Content-Encoding": "gzip" }).end(body);
  };
  it.each([
    ["an error of the API", refusal, "AccessDenied", "UnauthorizedOperation: You may not do that."],
    [
      "an error that is compressed",
      compressed,
      "AccessDenied",
      "UnauthorizedOperation: You may not do that.",
    ],
    ["an answer that is no JSON", text("<html>"), "NoAnswer", "cannot be read"],
    ["a connection that breaks", reset, "NoAnswer", "ECONNRESET"],
    ["a server that is busy", text("{}", 503), "CloudUnavailable", "HTTP 503"],
  ])("both tell %s for what it is", async (_name, reply, code, says) => {
    const api = await serve(reply);
    const told = FUNCTIONS.map((platform) => rotateAt(platform, { TENCENTCLOUD_ENDPOINT_URL: api.url }));
    for (const { error } of await Promise.all(told)) {
      expect(error).toMatchObject({ code, effect: "none" });
      expect(error?.message).toContain(says);
    }
  });

  it("both give up a request that has no answer for ten seconds, and send it again", async () => {
    const times: number[] = [];
    const asked: Reply = (response) => {
      times.push(Date.now());
      if (times.length > FUNCTIONS.length) refusal(response);
    };
    const api = await serve(asked);
    const told = FUNCTIONS.map((platform) => rotateAt(platform, { TENCENTCLOUD_ENDPOINT_URL: api.url }));
    for (const { error } of await Promise.all(told)) expect(error).toMatchObject({ code: "AccessDenied" });
    const [first = 0, , again = 0] = times;
    expect(again - first).toBeGreaterThan(9_000);
    expect(again - first).toBeLessThan(15_000);
  });

  it("both give up a Redis that accepts a connection and says nothing", async () => {
    const mute = createNetServer();
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void mute.close());
    const value = valueAt(cloud, INSTANCE, "AWSCURRENT");
    const name = "redis/mute";
    const port = (mute.address() as AddressInfo).port;
    cloud.secretsManager.call("CreateSecret", {
      Name: name,
      SecretString: JSON.stringify({ ...value, ssl: false, port }),
      ClientRequestToken: randomUUID(),
    });
    for (const platform of FUNCTIONS) {
      const bundle = await startBuilt(platform, cloud.environment);
      const answer = (await bundle.invoke({ action: "verify", secrets: [name] })) as Answer;
      await bundle.close();
      expect(onlyResult(answer).error).toMatchObject({ code: "RedisUnreachable" });
      expect(onlyResult(answer).error?.message).toContain("no answer in time");
    }
  });
});
