import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEFT_OUT, LEFT_OUT_OF_FUNCTIONS, type LeftOut, leaveOut } from "../build/left-out.ts";
import { type Bundles, buildAll } from "../build.ts";
import type { Answer } from "../lib/ports.ts";
import { type LocalCloud, startCloud } from "./cloud/cloud.ts";
import { BUNDLES_NODE } from "./cloud/function-process.ts";
import { secretName } from "./cloud/secrets.ts";
import { ask, built, onlyResult, QUIET, startBuilt, without } from "./integration/world.ts";

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
  it.each(FUNCTIONS)("a function's code is less than 450 000 bytes: %s", (name) => {
    const [output] = Object.values(bundles[name].outputs);
    expect(output?.bytes).toBeLessThan(450_000);
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
  const IN_FUNCTIONS = ["ini", "sso", "process", "web-identity", "login", "node"].map(
    (kind) => `@aws-sdk/credential-provider-${kind}`,
  );
  it.each([
    ...ANYWHERE.map((name) => ["cli" as const, name] as const),
    ...FUNCTIONS.flatMap((bundle) =>
      [...ANYWHERE, ...IN_FUNCTIONS, "@aws-sdk/nested-clients"].map((name) => [bundle, name] as const),
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

  it.each(FUNCTIONS)("%s rotates with nothing but what it carries", async (platform) => {
    const bundle = await startBuilt(platform, cloud.environment);
    try {
      const event = { action: "rotate", secrets: [secretName(INSTANCE)], force: true };
      const answer = (await bundle.invoke(event)) as Answer;
      expect(onlyResult(answer)).toMatchObject({ status: "rotated" });
    } finally {
      await bundle.close();
    }
  });

  it("a function takes its credentials from the endpoint that its platform names", async () => {
    const { AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey } = cloud.environment;
    let asked = 0;
    const endpoint = createServer((_request, response) => {
      asked += 1;
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token: "", Expiration }));
    });
    await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
    const lambda = await startBuilt("lambda", {
      ...without(cloud.environment, ...KEY_NAMES),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/`,
    });
    try {
      expect(onlyResult(await ask(lambda, "verify", INSTANCE)).status).toBe("ok");
      expect(asked).toBe(1);
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
});
