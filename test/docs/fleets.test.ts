import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../lib/config.ts";
import { CHANGES } from "../../lib/drivers/aws-call.ts";
import { ERRORS } from "../../lib/errors.ts";
import { fleetVariables } from "../../lib/fleet-config.ts";
import { callsPerSecond } from "../../lib/pace.ts";
import { ROTATION_MS } from "../../lib/rotation/fleet.ts";

const page = readFileSync("docs/fleets.md", "utf8");
const oneLine = page.replace(/\s+/g, " ");
const { params } = parse(readFileSync("serverless.yml", "utf8"));
const { RotationQueue, FleetQueueSource } = parse(readFileSync("deploy/aws/queue.yml", "utf8"), {
  merge: true,
}).resources.Resources;

describe("docs/fleets.md", () => {
  it("names every variable of a fleet", () => {
    for (const name of Object.keys(fleetVariables)) expect(page).toContain(`\`${name}`);
  });

  it("says the defaults that the code has", () => {
    const defaults = parseConfig({}, "aws");
    const said = Object.fromEntries(
      [...page.matchAll(/`((?:ROTATION|API)_\w+)` \((\d+)\)/g)].map(([, name, value]) => [
        name,
        Number(value),
      ]),
    );
    expect(said).toEqual({
      ROTATION_INTERVAL_DAYS: defaults.intervalDays,
      ROTATION_CANARY: defaults.canary,
      ROTATION_BREAKER: defaults.breaker,
      ROTATION_CONCURRENCY: defaults.concurrency,
    });
    expect(oneLine).toContain(`The variable's default is ${defaults.staggerDays}.`);
    expect(oneLine).toContain(`A rotation may need ${ROTATION_MS / 1_000} s.`);
  });

  it("says the stagger that both templates set", () => {
    const scf = parse(readFileSync("deploy/scf/serverless.yml", "utf8")).inputs.environment.variables;
    const { rotationStaggerDays } = params.default;
    expect(scf.ROTATION_STAGGER_DAYS).toBe(rotationStaggerDays);
    expect(oneLine).toContain(`Both templates set ${rotationStaggerDays},`);
  });

  it.each([
    ["each action of TencentDB", "redis/ResetPassword"],
    ["PutSecretValue and UpdateSecretVersionStage of Secrets Manager", CHANGES],
    ["DescribeSecret, and ListSecretVersionIds, of SSM", "ap-guangzhou/DescribeSecret"],
    ["DescribeSecret, and ListSecretVersionIds, of SSM", "ap-guangzhou/ListSecretVersionIds"],
    ["GetSecretValue of SSM", "ap-guangzhou/GetSecretValue"],
    ["each other action of SSM", "ap-guangzhou/UpdateSecret"],
  ])("says at which pace %s is called", (row, key) => {
    const cell = page.split(`| ${row}`)[1]?.split("\n")[0]?.split("|")[1];
    expect(Number.parseInt(cell ?? "", 10)).toBe(callsPerSecond(undefined)(key));
    expect(cell?.includes("API_CALLS_PER_SECOND")).toBe(callsPerSecond(7)(key) === 7);
  });

  it("names codes that the product has", () => {
    const named = [...page.matchAll(/code `(\w+)`|with `([A-Z][a-z]+[A-Z]\w+)`|as `(\w+)` and/g)];
    const codes = named.map(([, ...groups]) => groups.find(Boolean) ?? "");
    expect(new Set(codes)).toContain("FleetStopped");
    for (const code of codes) expect(Object.keys(ERRORS)).toContain(code);
  });

  it("says of the queue what its template has", () => {
    const { VisibilityTimeout, RedrivePolicy } = RotationQueue.Properties;
    expect(oneLine).toContain(`comes back after ${VisibilityTimeout / 60} minutes, five times in all`);
    expect(RedrivePolicy.maxReceiveCount).toBe(5);
    const { BatchSize } = FleetQueueSource.Properties;
    const { queueConcurrency } = params.default;
    expect(oneLine).toContain(
      `\`queueConcurrency\` (${queueConcurrency}) invocations of ${BatchSize} messages`,
    );
  });
});
