import { beforeAll, describe, expect, it } from "vitest";
import { type Flavour, meetErrors } from "./error-cases.ts";
import { commands, init, terminal } from "./flows/command.ts";
import { federation, fromSecret, proxy } from "./flows/credentials.ts";
import { fleet, managedSteps, queue } from "./flows/lambda.ts";
import { configuration, redisEnds, unreadable } from "./flows/mistakes.ts";
import { awsChannels, webhooks } from "./flows/notifications.ts";
import { handOver, timers } from "./flows/scf.ts";
import { createMarks, KINDS } from "./marks.ts";
import { createPlaces, PLACES } from "./places.ts";
import { type ProcessTable, watchProcessTable } from "./process-table.ts";
import { watchedProcesses } from "./processes.ts";
import type { Proof } from "./scene.ts";

const marks = createMarks();
const places = createPlaces();
const processes = watchedProcesses(places);
const proof: Proof = { marks, places, processes };
let table: ProcessTable;
let cases = 0;

beforeAll(() => {
  table = watchProcessTable(places, processes);
});

describe("every flow", () => {
  it.concurrent.each<[string, (proof: Proof) => Promise<void>]>([
    ["Secrets Manager's steps on Lambda", managedSteps],
    ["a fleet on Lambda, each action, drift, tasks that fail", fleet],
    ["a queue", queue],
    ["timers on SCF, with SSM", timers],
    ["a hand-over to further invocations on SCF", handOver],
    ["credentials from a secret", fromSecret],
    ["federation", federation],
    ["notifications over SNS and EventBridge", awsChannels],
    ["notifications by webhooks", webhooks],
    ["a proxy with a password", proxy],
    ["mistakes in the configuration", configuration],
    ["secrets that cannot be read", unreadable],
    ["something else in Redis's place", redisEnds],
    ["every command", commands],
    ["init, with the password typed and piped", init],
    ["commands on a terminal", terminal],
  ])("goes through: %s", (_, flow) => flow(proof));
});

describe("every error of every action, with the request quoted in it", () => {
  const flavours: Flavour[] = [
    { store: "aws", platform: "lambda", api: "ResetPassword", size: 48, tries: /./ },
    { store: "ssm", platform: "scf", api: "ResetPassword", size: 24, tries: /Secret/ },
    { store: "aws", platform: "lambda", api: "ModifyInstancePassword", size: 24, tries: /^ModifyInstanceP/ },
    { store: "aws", platform: "lambda", api: "ModifyInstanceAccount", size: 24, tries: /^Modify|Account/ },
    { store: "aws", platform: "lambda", api: "ModfiyRedisPassword", size: 24, tries: /API 2\.0/ },
  ];
  it.concurrent.each(flavours)("is met by a rotation by $api with the store $store", async (flavour) => {
    const outcome = await meetErrors(flavour, processes, marks);
    cases += outcome.cases;
    expect(outcome.unmet).toEqual([]);
    expect(outcome.codes.size).toBeGreaterThan(3);
  });
});

describe("of all that", () => {
  it("no function and no command has started a process", () => {
    table.close();
    expect(table.strangers).toEqual([]);
  });

  it("holds no secret in any place", () => {
    const found = places.search(marks);
    console.log(`${places.table(marks, found)}\n${cases} error cases`);
    const told = found.map(({ secrets, place, label }) => `${secrets} in ${place} of ${label}`);
    expect([...new Set(told)]).toEqual([]);
  });

  it.each(PLACES)("there are places to search: %s", (kind) => {
    expect(places.count(kind)).toBeGreaterThan(0);
  });

  it.each(KINDS)("there are secrets to search for: %s", (kind) => {
    expect(marks.count(kind)).toBeGreaterThan(0);
  });
});
