import { randomUUID } from "node:crypto";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { awsQueue } from "../../lib/drivers/aws-queue.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess, LogLine } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import { createEventSource, type EventSource } from "../cloud/sqs/event-source.ts";
import { createSqs, type Sqs } from "../cloud/sqs/model.ts";
import { type SqsServer, startSqs } from "../cloud/sqs/server.ts";
import { answersOf, passwordAt, startBuilt } from "./world.ts";

const REGION = "eu-west-1";
const DUE = Array.from({ length: 5 }, (_, index) => `crs-due${index}`);
const YOUNG = Array.from({ length: 18 }, (_, index) => `redis/young-${index}`);
const MISSING = "redis/missing";
const BROKEN = "redis/broken";
const FLEET = [...DUE.map(secretName), ...YOUNG, MISSING, BROKEN];
const VISIBILITY_MS = 900_000;
const MAX_RECEIVE_COUNT = 3;
/** The queue's: what waits for the visibility timeout is not waited for. */
const clock = { shiftMs: 0, now: () => systemClock.now() + clock.shiftMs, sleep: systemClock.sleep };

let cloud: LocalCloud;
let sqs: Sqs;
let server: SqsServer;
let lambda: FunctionProcess;
let source: EventSource;
const lines: LogLine[] = [];

beforeAll(async () => {
  cloud = await startCloud({
    instances: DUE.map((instanceId) => ({ instanceId, region: "ap-guangzhou" })),
    taskDurationMs: 300,
    taskTailMs: 100,
  });
  const create = (Name: string, SecretString: string) =>
    cloud.secretsManager.call("CreateSecret", { Name, SecretString, ClientRequestToken: randomUUID() });
  for (const name of YOUNG) create(name, cloud.secrets.currentText(DUE[0] ?? ""));
  create(BROKEN, "not JSON");
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = cloud.environment;
  sqs = createSqs({
    clock,
    newId: randomUUID,
    region: REGION,
    queues: [
      {
        name: "fleet",
        visibilityTimeoutMs: VISIBILITY_MS,
        redrive: { deadLetterQueue: "dead", maxReceiveCount: MAX_RECEIVE_COUNT },
      },
      { name: "dead" },
    ],
  });
  server = await startSqs({
    clock: systemClock,
    newId: randomUUID,
    keys: { [AWS_ACCESS_KEY_ID]: { secretAccessKey: AWS_SECRET_ACCESS_KEY } },
    sqs,
  });
  lambda = await startBuilt("lambda", cloud.environment, { onLog: (line) => lines.push(line) });
  source = createEventSource({
    sqs,
    queue: "fleet",
    clock,
    invoke: (event) => lambda.invoke(event),
    batchSize: 5,
    maximumConcurrency: 2,
    reportBatchItemFailures: true,
  });
});
afterAll(async () => {
  await source?.close();
  await lambda?.close();
  await server?.close();
  await cloud?.close();
});

async function handOver(secretIds: readonly string[]): Promise<void> {
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } =
    cloud.environment;
  const client = new SecretsManagerClient({ region: REGION, credentials: { accessKeyId, secretAccessKey } });
  const signal = new AbortController().signal;
  const options = { client, queueUrl: sqs.url("fleet"), endpointUrl: server.url, clock: systemClock, signal };
  await awsQueue(options)(secretIds);
}

const sent = () => DUE.map((instanceId) => cloud.tencentDb.passwordsSent(instanceId).calls);
const bodyOf = (secret: string) => `{"action":"rotate","secrets":["${secret}"]}`;

describe("a fleet that is handed over through a queue", () => {
  it("is rotated while two of its messages fail, which end in the dead-letter queue", async () => {
    const old = DUE.map((instanceId) => passwordAt(cloud, instanceId, "AWSCURRENT"));
    await handOver(FLEET);
    await source.idle();
    expect(sqs.bodies("fleet").sort()).toEqual([MISSING, BROKEN].map(bodyOf).sort());
    for (const [index, instanceId] of DUE.entries()) {
      expect(await answersOf(cloud, instanceId, old[index] ?? "")).toEqual(["rejected", "accepted"]);
    }
    for (let receipt = 1; receipt <= MAX_RECEIVE_COUNT; receipt += 1) {
      clock.shiftMs += VISIBILITY_MS;
      await source.idle();
    }
    expect(sqs.bodies("fleet")).toEqual([]);
    expect(sqs.bodies("dead").sort()).toEqual([MISSING, BROKEN].map(bodyOf).sort());
    const deliveries = source.deliveries.flatMap(({ messageIds }) => messageIds);
    expect(deliveries).toHaveLength(FLEET.length - 2 + 2 * MAX_RECEIVE_COUNT);
    expect(sent()).toEqual(DUE.map(() => 1));
  }, 60_000);

  it("is not rotated twice where its messages come twice", async () => {
    await handOver([...DUE, ...DUE].map(secretName));
    await source.idle();
    expect(sqs.bodies("fleet")).toEqual([]);
    expect(sent()).toEqual(DUE.map(() => 1));
  });

  it("has a message in the dead-letter queue that is no payload, and tells of it without quoting it", async () => {
    const MessageBody = "a text with a tOp-Secret!2026";
    sqs.sendMessageBatch({ QueueUrl: sqs.url("fleet"), Entries: [{ Id: "0", MessageBody }] });
    for (let receipt = 0; receipt <= MAX_RECEIVE_COUNT; receipt += 1) {
      await source.idle();
      clock.shiftMs += VISIBILITY_MS;
    }
    expect(sqs.bodies("dead")).toContain(MessageBody);
    // A pipe brings the lines, and brings them when it will. No other test here has an invocation fail.
    const failures = () => lines.filter(({ msg }) => msg === "failed");
    await expect
      .poll(() => failures().map(({ code }) => code))
      .toEqual(Array(MAX_RECEIVE_COUNT).fill("EventInvalid"));
    expect(failures()[0]?.message).toMatch(/^Event: message [\w-]{36}: body: it is not JSON$/);
    expect(JSON.stringify(lines)).not.toContain("tOp-Secret");
  });

  it("has all its messages come back from a function that cannot start", async () => {
    const broken = await startBuilt("lambda", { ...cloud.environment, VERIFY: "no" });
    const Records = [{ messageId: "m-1", eventSource: "aws:sqs", body: bodyOf(MISSING) }];
    try {
      await expect(broken.invoke({ Records })).rejects.toMatchObject({ name: "ConfigurationInvalid" });
    } finally {
      await broken.close();
    }
  });
});
