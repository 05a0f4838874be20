import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { expect, inject, it } from "vitest";
import { parse } from "yaml";
import {
  HANDLER,
  MEMORY_MEGABYTES,
  RETRY_POLICY,
  RUNTIME,
  SCHEDULE,
  TIMEOUT_SECONDS,
  TIMER,
} from "../../deploy/scf/deployment.ts";
import { checkVariables } from "../../deploy/scf/variables.ts";

const FILE = "deploy/scf/serverless.yml";
const text = await readFile(FILE, "utf8");
const { component, inputs } = parse(text);
const [{ timer }] = inputs.events;

it("is a function of Serverless Cloud Framework", () => {
  expect(component).toBe("scf");
  expect(inputs).toMatchObject({ type: "event", name: "redis-rotation", installDependency: false });
});

it("takes the built bundle, and names its handler", () => {
  expect(resolve("deploy/scf", inputs.src)).toBe(resolve("dist/scf"));
  const [file = "", exported = ""] = inputs.handler.split(".");
  const bundle = join(inject("bundles"), "scf", `${file}.js`);
  expect(existsSync(bundle)).toBe(true);
  expect(createRequire(import.meta.url)(bundle)[exported]).toBeTypeOf("function");
});

it("says what the script says of runtime, limits, retries and timer", () => {
  expect(inputs).toMatchObject({
    runtime: RUNTIME,
    handler: HANDLER,
    memorySize: MEMORY_MEGABYTES,
    timeout: TIMEOUT_SECONDS,
    retryNum: RETRY_POLICY.RetryConfig[0].RetryNum,
    msgTTL: RETRY_POLICY.MsgTTL,
  });
  expect(timer.parameters).toEqual({
    name: TIMER,
    qualifier: "$DEFAULT",
    cronExpression: SCHEDULE,
    enable: true,
  });
});

it("runs on a Node.js that the product supports", async () => {
  const { engines } = JSON.parse(await readFile("package.json", "utf8"));
  expect(`>=${inputs.runtime.replace("Nodejs", "")}`).toBe(engines.node);
});

it("has a role, the VPC for AUTH and the public network for the APIs", () => {
  expect(inputs.role).toBe("redis-rotation");
  expect(Object.keys(inputs.vpcConfig)).toEqual(["vpcId", "subnetId"]);
  expect(inputs.publicAccess).toBe(true);
});

it("is not an asynchronous function, which would run for hours and side by side with itself", () => {
  expect(inputs.asyncRunEnable).toBeUndefined();
});

it("rings each hour, by seven fields", () => {
  expect(timer.parameters.cronExpression.split(" ")).toHaveLength(7);
});

it("sets variables that SCF takes and the product reads, and no key", async () => {
  const { variables } = inputs.environment;
  expect(() => checkVariables(variables)).not.toThrow();
  const files = ["lib/config.ts", "lib/fleet-config.ts", "lib/notify-config.ts"].map((file) =>
    readFile(file, "utf8"),
  );
  const config = (await Promise.all(files)).join();
  const optional = [...text.matchAll(/^ +# ([A-Z][A-Z_]+): /gm)].map(([, name]) => name);
  expect(optional).toContain("TENCENT_SITE");
  for (const name of [...Object.keys(variables), ...optional]) {
    expect(config).toContain(`${name}:`);
    expect(name).not.toMatch(/^(SCF|QCLOUD|TENCENTCLOUD)_/);
  }
  expect(Object.values(variables)).not.toContain("");
  expect(text).not.toMatch(/AKID|SECRETKEY|SECRET_KEY/);
});

it("has for an example nothing that the product would refuse", () => {
  const examples: Record<string, string> = parse(text.replace(/^( +)# ([A-Z][A-Z_]+: )/gm, "$1$2")).inputs
    .environment.variables;
  const { ROTATION_SECRETS, ROTATION_TAG, ROTATION_PREFIX, ...others } = examples;
  const ways = { ROTATION_SECRETS, ROTATION_TAG, ROTATION_PREFIX };
  for (const [name, value = ""] of Object.entries(ways)) {
    expect(value).not.toBe("");
    expect(() => checkVariables({ ...others, [name]: value })).not.toThrow();
  }
});
