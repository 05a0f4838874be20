import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { moreAlarms } from "../../deploy/aws/by-value.cjs";
import { parseLambdaEvent } from "../../handler/events.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { type LocalCloud, rotateSecretNow, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess, LogLine } from "../cloud/function-process.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../cloud/notifications/webhook-receiver.ts";
import { secretName } from "../cloud/secrets.ts";
import { matches, valuesOf } from "../deploy/filter-pattern.ts";
import { resourcesOf } from "../deploy/osls.ts";
import { startBuilt, valueAt } from "../integration/world.ts";

const page = await readFile("docs/operations.md", "utf8");
const alarms = parse(await readFile("deploy/aws/alarms.yml", "utf8"), { merge: true });
const filters = resourcesOf(alarms, "AWS::Logs::MetricFilter");
const nameOf = (filter: (typeof filters)[number]) => filter.Properties.MetricTransformations[0].MetricName;

/** The rows of the table with these headings, each cell as the names in it, or as its text. */
function rowsUnder(...headings: readonly string[]): string[][] {
  const head = `| ${headings.join(" | ")} |\n`;
  const table = page.slice(page.indexOf(head) + head.length).split("\n\n")[0] ?? "";
  return table
    .split("\n")
    .slice(1)
    .map((row) =>
      row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}
const codesIn = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

const region = "ap-guangzhou";
let cloud: LocalCloud;
let lambda: FunctionProcess;
let hook: WebhookReceiver;
const lines: LogLine[] = [];

beforeAll(async () => {
  const names = ["driven", "managed", "drifted", "refused", "pending", "denied"];
  cloud = await startCloud({
    instances: names.map((name) => ({ instanceId: `crs-${name}`, region })),
    taskDurationMs: 120,
    taskTailMs: 40,
  });
  hook = await startWebhookReceiver("slack", systemClock);
  const told = { NOTIFY_WEBHOOK_URL: hook.url, NOTIFY_WEBHOOK_FORMAT: "slack" };
  lambda = await startBuilt(
    "lambda",
    { ...cloud.environment, ...told },
    { onLog: (line) => lines.push(line) },
  );
  const ask = (action: string, ...secrets: string[]) => lambda.invoke({ action, secrets });

  cloud.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" });
  await ask("rotate", secretName("crs-driven"));
  cloud.tencentDb.failNext("ResetPassword", {
    kind: "error",
    code: "InvalidParameterValue.PasswordRuleError",
  });
  await ask("rotate", secretName("crs-refused"));

  const managed = secretName("crs-managed");
  const engine = cloud.connectFunction(async (event) => void (await lambda.invoke(event)), []);
  rotateSecretNow(cloud, managed);
  await engine.ended(managed);

  await cloud.redis.get("crs-drifted")?.setPassword("changed-by-hand-1");
  await ask("verify", secretName("crs-drifted"), "redis/missing");
  const drifted = secretName("crs-drifted");
  rotateSecretNow(cloud, drifted, { immediately: false });
  await engine.ended(drifted);
  hook.fault = "reset";
  cloud.tencentDb.failNext("ResetPassword", { kind: "error", code: "UnauthorizedOperation" });
  rotateSecretNow(cloud, secretName("crs-denied"));
  await engine.ended(secretName("crs-denied"));
  cloud.secretsManager.failNext("DescribeSecret", { kind: "error", name: "AccessDeniedException" });
  await lambda
    .invoke({ Step: "createSecret", SecretId: drifted, ClientRequestToken: randomUUID() })
    .catch(() => {});

  cloud.secretsManager.call("PutSecretValue", {
    SecretId: secretName("crs-pending"),
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify({ ...valueAt(cloud, "crs-pending", "AWSCURRENT"), password: "pending-1" }),
    VersionStages: ["AWSPENDING"],
  });
  await ask("plan", secretName("crs-pending"));
  await ask("rotate", secretName("crs-pending"));
}, 60_000);
afterAll(async () => {
  await lambda?.close();
  await hook?.close();
  await cloud?.close();
});

describe("the log, as docs/operations.md has it", () => {
  const kinds = rowsUnder("`msg`", "level", "when").map(([name, levels = ""]) => ({
    name: codesIn(name)[0] ?? "",
    levels: levels.split(", ").map(Number),
  }));
  const fields = rowsUnder("field", "on", "meaning").flatMap(([names, on]) =>
    codesIn(names).map((name) => ({
      name,
      on: on === "all" ? kinds.map((kind) => kind.name) : codesIn(on),
    })),
  );

  it("has these lines, at these levels", () => {
    const seen = new Map<string, Set<unknown>>();
    for (const { msg = "", level } of lines) seen.set(msg, (seen.get(msg) ?? new Set()).add(level));
    expect([...seen.keys()].sort()).toEqual(kinds.map(({ name }) => name).sort());
    for (const { name, levels } of kinds) expect([...(seen.get(name) ?? [])].sort()).toEqual(levels);
  });

  it("has these fields, on these lines and on no others", () => {
    const seen = new Map<string, Set<string>>();
    for (const { msg = "", ...line } of lines) {
      for (const name of ["msg", ...Object.keys(line)])
        seen.set(name, (seen.get(name) ?? new Set()).add(msg));
    }
    const sorted = (on: Iterable<string> = []) => [...on].sort();
    expect(sorted(seen.keys())).toEqual(fields.map(({ name }) => name).sort());
    for (const { name, on } of fields) {
      // Which of its lines a cloud's answer comes before is a matter of time.
      if (name.endsWith("RequestIds"))
        expect(on, name).toEqual(expect.arrayContaining(sorted(seen.get(name))));
      else expect(sorted(seen.get(name)), name).toEqual(sorted(on));
    }
  });

  it("has texts and numbers on one level", () => {
    const kindsOfValue = new Set(lines.flatMap((line) => Object.values(line).map((value) => typeof value)));
    expect([...kindsOfValue].sort()).toEqual(["number", "string"]);
  });

  const queries = [...page.matchAll(/```(insights|cls)\n([\s\S]*?)```/g)].map(([, language, query]) => ({
    language: language ?? "",
    query: query?.trim() ?? "",
  }));

  it("has the fields that the queries ask for", () => {
    const words =
      /^(fields|filter|sort|limit|stats|display|desc|asc|by|as|and|or|not|count|pct|max|latest|bin|1d|select|group|order|interval|hour|histogram|approx_percentile)$/i;
    expect(queries.filter(({ language }) => language === "insights").length).toBeGreaterThan(5);
    expect(queries.filter(({ language }) => language === "cls").length).toBeGreaterThan(5);
    for (const { query } of queries) {
      const bare = query.replace(/"[^"]*"/g, "");
      const aliases = [...bare.matchAll(/\bas (\w+)/gi)].map(([, alias]) => alias);
      const asked = (bare.match(/[@\w]+/g) ?? []).filter(
        (word) =>
          !words.test(word) && !aliases.includes(word) && !/^(\d+|@timestamp|__TIMESTAMP__)$/.test(word),
      );
      const known = fields.map(({ name }) => name);
      expect(
        asked.filter((word) => !known.includes(word)),
        query,
      ).toEqual([]);
    }
  });

  it("has the values that the queries and commands look for", () => {
    const asked = [...page.matchAll(/\b(msg|step|status|state)(?: = |:)"([\w-]+)"/g)];
    expect(asked.length).toBeGreaterThan(10);
    for (const [, name = "", value] of asked) {
      expect(
        lines.some((line) => line[name] === value),
        `${name}: ${value}`,
      ).toBe(true);
    }
  });
});

describe("the metrics, as docs/operations.md has them", () => {
  const metrics = rowsUnder("metric", "unit", "of which lines").map(([name, unit]) => [
    codesIn(name)[0],
    unit,
  ]);

  it("are the template's, with its units", () => {
    const made = filters.map((filter) => [nameOf(filter), filter.Properties.MetricTransformations[0].Unit]);
    expect(metrics).toEqual(made);
  });

  it("count what happened", () => {
    const counted = filters.map((filter) => [nameOf(filter), valuesOf(filter, lines).length]);
    expect(Object.fromEntries(counted)).toEqual({
      Results: lines.filter(({ msg }) => msg === "result").length,
      // Two driven, one managed.
      Rotations: 3,
      // The refused password, the missing secret, the test of a drifted secret, two denied steps.
      Failures: 5,
      InProgress: 1,
      Drift: 1,
      Exposure: 2,
      TaskTime: 3,
    });
  });

  it("have numbers for values", () => {
    const values = filters.flatMap((filter) => valuesOf(filter, lines));
    expect(new Set(values.map((value) => typeof value))).toEqual(new Set(["number"]));
  });

  it("count a managed step that ran out of time as in progress, and as a failure", () => {
    const line = { msg: "failed", code: "InProgress" };
    const raised = filters.filter(({ Properties }) => matches(Properties.FilterPattern, line)).map(nameOf);
    expect(raised).toEqual(["Failures", "InProgress"]);
  });
});

describe("the runbook", () => {
  it("has a row and a section, with what to look at and what to do, for each alarm", async () => {
    const parameters = new Map([
      ["alarms", "true"],
      ["schedule", "true"],
      ["rotationSecrets", "redis/orders"],
      ["deadLetters", "true"],
      ["queue", "true"],
    ]);
    const more = await moreAlarms({
      resolveVariable: async (address: string) =>
        parameters.get(/^param:(\w+)/.exec(address)?.[1] ?? "") ??
        (address.startsWith("param:") ? null : "x"),
    });
    const made = [alarms, more].flatMap((template) => resourcesOf(template, "AWS::CloudWatch::Alarm"));
    const anchors = made.map(
      ({ Properties }) => /docs\/operations\.md#([\w-]+)$/.exec(Properties.AlarmDescription)?.[1],
    );
    expect(rowsUnder("alarm", "rings when").map(([cell]) => /#([\w-]+)/.exec(cell ?? "")?.[1])).toEqual(
      anchors,
    );
    for (const anchor of anchors) {
      const section = page.split(`\n### ${anchor}\n`)[1]?.split("\n### ")[0];
      for (const part of ["**Means**", "**Look**", "**Do**"]) expect(section, anchor).toContain(part);
    }
  });

  it("sends payloads that the function knows", () => {
    const payloads = [...page.matchAll(/rotation '(\{[^']+\})'/g)].map(([, payload]) => payload ?? "");
    expect(payloads.length).toBeGreaterThan(8);
    for (const payload of payloads) expect(() => parseLambdaEvent(JSON.parse(payload))).not.toThrow();
  });

  it("looks for lines by patterns that CloudWatch understands", () => {
    const patterns = [...page.matchAll(/lines '(\{[^']+\})'/g)].map(([, pattern]) => pattern ?? "");
    expect(patterns.length).toBeGreaterThan(1);
    for (const pattern of patterns) expect(lines.some((line) => matches(pattern, line))).toBe(true);
  });
});
