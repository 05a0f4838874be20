import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { listing, notifications } from "../../deploy/aws/by-value.cjs";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { Answer } from "../../lib/ports.ts";
import { type CloudInstance, type LocalCloud, rotateSecretNow, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess } from "../cloud/function-process.ts";
import { startEventBuses } from "../cloud/notifications/event-bus.ts";
import { startSns } from "../cloud/notifications/sns.ts";
import { startWebhookReceiver } from "../cloud/notifications/webhook-receiver.ts";
import { secretName } from "../cloud/secrets.ts";
import { createEventSource } from "../cloud/sqs/event-source.ts";
import { createSqs } from "../cloud/sqs/model.ts";
import { startSqs } from "../cloud/sqs/server.ts";
import { actionsOf, type Document, type Statement } from "../deploy/osls.ts";
import { ask, onlyResult, passwordAt, SCHEDULE, startBuilt, valueAt, versionAt, without } from "./world.ts";

const region = "ap-guangzhou";
const CREDENTIALS = "tencentcloud/redis-rotation";
const INSTANCES: readonly CloudInstance[] = [
  { instanceId: "crs-driven01", region, secretFields: { host: undefined, port: undefined } },
  { instanceId: "crs-managed1", region },
  { instanceId: "crs-rolled01", region },
  { instanceId: "crs-givenup1", region },
];

const service = parse(await readFile("serverless.yml", "utf8"), { merge: true });
const queue: Document = parse(await readFile("deploy/aws/queue.yml", "utf8"), { merge: true });

let cloud: LocalCloud;
let lambda: FunctionProcess;
beforeAll(async () => {
  cloud = await startCloud({ instances: INSTANCES, taskDurationMs: 120, taskTailMs: 40 });
  const { TENCENTCLOUD_SECRET_ID: secretId, TENCENTCLOUD_SECRET_KEY: secretKey } = cloud.environment;
  cloud.secretsManager.call("CreateSecret", {
    Name: CREDENTIALS,
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify({ secretId, secretKey }),
  });
  // A rotation to give up, and a password to go back to.
  put("crs-givenup1", "AWSPENDING", "never-sent-001");
  const first = passwordAt(cloud, "crs-rolled01", "AWSCURRENT");
  put("crs-rolled01", "AWSCURRENT", "older-password-1");
  put("crs-rolled01", "AWSCURRENT", first);
  lambda = await startBuilt("lambda", {
    ...without(cloud.environment, "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
    TENCENTCLOUD_CREDENTIALS_SECRET_ID: CREDENTIALS,
  });
});
afterAll(async () => {
  await lambda?.close();
  await cloud?.close();
});

function put(instanceId: string, label: "AWSCURRENT" | "AWSPENDING", password: string): void {
  cloud.secretsManager.call("PutSecretValue", {
    SecretId: secretName(instanceId),
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify({ ...valueAt(cloud, instanceId, "AWSCURRENT"), password }),
    VersionStages: [label],
  });
}

/** Everything that an operator, a schedule or Secrets Manager can have the function do with a secret. */
async function doEverything(): Promise<void> {
  const driven = secretName("crs-driven01");
  const rotated = (await lambda.invoke({ action: "rotate", secrets: [driven] })) as Answer;
  expect(rotated.summary).toMatchObject({ rotated: 1, failed: 0 });
  for (const action of ["verify", "plan", "status", "abandon"] as const) {
    expect((await ask(lambda, action, "crs-driven01")).summary).toMatchObject({ failed: 0 });
  }
  expect(onlyResult(await ask(lambda, "rollback", "crs-rolled01")).status).toBe("rotated");

  const managed = secretName("crs-managed1");
  const engine = cloud.connectFunction(async (event) => void (await lambda.invoke(event)), []);
  rotateSecretNow(cloud, managed, { immediately: false });
  expect((await engine.ended(managed)).result).toBe("complete");
  rotateSecretNow(cloud, managed);
  expect((await engine.ended(managed)).result).toBe("complete");

  expect(onlyResult(await ask(lambda, "abandon", "crs-givenup1")).status).toBe("ok");
  expect(versionAt(cloud, "crs-givenup1", "AWSPENDING")).toBeUndefined();
}

it("what the function does on AWS takes the actions that serverless.yml grants, and no others", async () => {
  const before = cloud.secretsManager.calls.length;
  await doEverything();
  // RotateSecret is the operator's.
  const calls = cloud.secretsManager.calls.slice(before).filter(({ action }) => action !== "RotateSecret");
  const usedOn = (isMeant: (secretId: string) => boolean) =>
    [...new Set(calls.filter((call) => isMeant(`${call.secretId}`)).map(({ action }) => action))]
      .map((action) => `secretsmanager:${action}`)
      .sort();

  const { custom, provider } = service;
  const granted = (statement: Statement) => [...actionsOf(statement)].sort();
  expect(provider.iam.role.statements).toHaveLength(2);
  const isCredentials = (secretId: string) => secretId.includes(CREDENTIALS);
  expect(usedOn((secretId) => !isCredentials(secretId))).toEqual(granted(custom.rotatedSecrets.false));
  expect(usedOn(isCredentials)).toEqual(granted(custom.credentials.secret.statement));
  expect(granted(custom.rotatedSecrets.true)).toEqual(granted(custom.rotatedSecrets.false));
}, 60_000);

it("an identity token is had with the grant of serverless.yml, and takes the place of the credentials' secret", async () => {
  const { statement }: { statement: Statement } = service.custom.credentials.webIdentity;
  const { StringEquals, NumericLessThanEquals } = statement.Condition ?? {};
  const { aws, environment } = cloud.federation;
  aws.grant = {
    audiences: [service.params.default.tokenAudience],
    algorithm: String(StringEquals?.["sts:SigningAlgorithm"]),
    maxSeconds: Number(NumericLessThanEquals?.["sts:DurationSeconds"]),
  };
  const before = cloud.secretsManager.calls.length;
  const federated = await startBuilt("lambda", {
    ...without(cloud.environment, "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
    ...environment,
  });
  try {
    expect(onlyResult(await ask(federated, "plan", "crs-managed1")).error).toBeUndefined();
  } finally {
    await federated.close();
  }
  expect(actionsOf(statement)).toEqual(["sts:GetWebIdentityToken"]);
  expect(aws.issued).toHaveLength(1);
  const secrets = cloud.secretsManager.calls.slice(before).map(({ secretId }) => secretId);
  expect(new Set(secrets)).toEqual(new Set([secretName("crs-managed1")]));
});

it("a fleet is found and handed over with the grants that its parameters add, and with no others", async () => {
  const { Statement: ofQueue } = queue.resources.Resources.FleetQueuePolicy.Properties.PolicyDocument;
  const handOver: Statement = ofQueue.find(({ Sid }: Statement) => Sid === "HandOver");
  const { AWS_ACCESS_KEY_ID: id = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = cloud.environment;
  const sqs = createSqs({
    clock: systemClock,
    newId: randomUUID,
    region: "eu-west-1",
    queues: [{ name: "fleet", visibilityTimeoutMs: 900_000 }],
  });
  const server = await startSqs({
    clock: systemClock,
    newId: randomUUID,
    keys: { [id]: { secretAccessKey, maySend: actionsOf(handOver).includes("sqs:SendMessage") } },
    sqs,
  });
  const before = cloud.secretsManager.calls.length;
  const fleet = await startBuilt("lambda", {
    ...without(cloud.environment, "ROTATION_SECRETS"),
    ROTATION_PREFIX: service.params.default.secretPrefix,
    ROTATION_INTERVAL_DAYS: "0",
    ROTATION_QUEUE_URL: sqs.url("fleet"),
    AWS_ENDPOINT_URL_SQS: server.url,
  });
  const source = createEventSource({
    sqs,
    queue: "fleet",
    clock: systemClock,
    invoke: (event) => fleet.invoke(event),
    reportBatchItemFailures: true,
  });
  try {
    const { summary } = (await fleet.invoke(SCHEDULE)) as Answer;
    expect(summary).toMatchObject({ rotated: 1, planned: INSTANCES.length - 1, failed: 0 });
    await source.idle();
    expect(source.deliveries.flatMap(({ messageIds }) => messageIds)).toHaveLength(INSTANCES.length - 1);
    expect(sqs.bodies("fleet")).toEqual([]);
  } finally {
    await source.close();
    await fleet.close();
    await server.close();
  }
  const { Resources } = await listing({
    resolveVariable: async (address) => (address === "param:rotationPrefix, null" ? "redis/" : null),
  });
  const [list]: Statement[] = Object.values<Document>(Resources ?? {}).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
  const used = cloud.secretsManager.calls.slice(before).map(({ action }) => `secretsmanager:${action}`);
  const granted = [service.custom.rotatedSecrets.false, list].flatMap((each: Statement) => actionsOf(each));
  expect([...new Set(used)].sort()).toEqual(granted.sort());
}, 60_000);

it("a failure is told with the grants that the parameters of notifications add, and with no others", async () => {
  const topic = "arn:aws:sns:eu-west-1:123456789012:ops";
  const given: Record<string, string> = {
    notifyTopic: topic,
    notifyEventBus: "ops",
    notifyWebhookSecret: "ops/webhook",
  };
  const { Resources } = await notifications({
    resolveVariable: async (address) => given[/^param:(\w+)/.exec(address)?.[1] ?? ""] ?? null,
  });
  const policy = Object.values<Document>(Resources ?? {})[0];
  const statements: Statement[] = policy.Properties.PolicyDocument.Statement;
  const granted = statements.flatMap(actionsOf);

  const { AWS_ACCESS_KEY_ID: id = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = cloud.environment;
  const keys = { [id]: { secretAccessKey, allows: granted } };
  const front = { clock: systemClock, newId: randomUUID, keys, region: "eu-west-1" };
  const sns = await startSns({ ...front, topicArns: [topic] });
  const buses = await startEventBuses({ ...front, buses: ["ops"] });
  const hook = await startWebhookReceiver("slack", systemClock);
  cloud.secretsManager.call("CreateSecret", {
    Name: given.notifyWebhookSecret ?? "",
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify({ url: hook.url }),
  });
  const before = cloud.secretsManager.calls.length;
  const told = await startBuilt("lambda", {
    ...cloud.environment,
    ROTATION_SECRETS: "redis/missing",
    NOTIFY_SNS_TOPIC_ARN: topic,
    AWS_ENDPOINT_URL_SNS: sns.url,
    NOTIFY_EVENT_BUS: "ops",
    AWS_ENDPOINT_URL_EVENTBRIDGE: buses.url,
    NOTIFY_WEBHOOK_SECRET_ID: given.notifyWebhookSecret ?? "",
    NOTIFY_WEBHOOK_FORMAT: "slack",
  });
  try {
    await expect(told.invoke(SCHEDULE)).rejects.toThrow("redis/missing");
  } finally {
    await told.close();
    await Promise.all([sns, buses, hook].map((server) => server.close()));
  }
  expect([sns.published.length, buses.events.length, hook.messages.length]).toEqual([1, 1, 1]);
  const { Condition } = statements.find(({ Sid }) => Sid === "NotifyEventBus") ?? {};
  expect(Condition?.StringEquals?.["events:source"]).toBe(buses.events[0]?.source);
  const used = cloud.secretsManager.calls
    .slice(before)
    .filter(({ secretId }) => secretId?.includes("ops/webhook"))
    .map(({ action }) => `secretsmanager:${action}`);
  expect([...new Set(used), "sns:Publish", "events:PutEvents"].sort()).toEqual([...granted].sort());
});
