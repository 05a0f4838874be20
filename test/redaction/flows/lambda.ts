import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import type { Answer } from "../../../lib/ports.ts";
import { rotateSecretNow } from "../../cloud/cloud.ts";
import { secretName } from "../../cloud/secrets.ts";
import { createEventSource } from "../../cloud/sqs/event-source.ts";
import { createSqs } from "../../cloud/sqs/model.ts";
import { startSqs } from "../../cloud/sqs/server.ts";
import { SCHEDULE } from "../../integration/world.ts";
import { ERRORS, http, QUOTATIONS } from "../quotations.ts";
import { startRelay } from "../relay.ts";
import { inScene, type Proof, trickyPassword } from "../scene.ts";

const region = "ap-guangzhou";
export const summaryOf = (heard: { readonly answer?: unknown }) => (heard.answer as Answer).summary;

/** Every sort of instance, account and API, and one that cannot be rotated. */
export const FLEET = [
  { instanceId: "crs-reset", region, secretFields: { api: "ResetPassword" } },
  { instanceId: "crs-modify", region, secretFields: { api: "ModifyInstancePassword" } },
  { instanceId: "crs-legacy", region, secretFields: { api: "ModfiyRedisPassword" } },
  { instanceId: "crs-custom", region, accounts: [{ name: "app" }], secretFields: { username: "app" } },
  {
    instanceId: "crs-turns",
    region,
    accounts: [{ name: "app_a" }, { name: "app_b" }],
    secretFields: { username: "app_a", usernames: ["app_a", "app_b"] },
  },
  { instanceId: "crs-tls", region, tls: true },
  { instanceId: "crs-quoted", region, password: trickyPassword() },
  { instanceId: "crs-broken", region, secretFields: { port: "0x" } },
];

/** Secrets Manager's four steps, with an attempt that fails; and its check of the configuration. */
export const managedSteps = (proof: Proof) =>
  inScene(proof, { instances: FLEET.slice(0, 2) }, async ({ cloud, tencent, aws, startFunction }) => {
    const lambda = await startFunction("lambda", "managed steps");
    const engine = cloud.connectFunction(
      async (event) => {
        proof.marks.add("rotation tokens", event.RotationToken);
        const { error } = await lambda.invoke(event);
        if (error !== undefined) throw new Error(error.name);
      },
      [50, 50, 50],
    );
    const names = FLEET.slice(0, 2).map(({ instanceId }) => secretName(instanceId));
    const [first = "", second = ""] = names;
    const quoting = QUOTATIONS["as AWS does where a signature is wrong"] ?? String;
    const planned = [
      aws.plan({
        action: "PutSecretValue",
        about: first,
        answer: (all) => ERRORS.AWS("InvalidSignatureException", quoting(all)),
      }),
      tencent.plan({ action: "ResetPassword", answer: (all) => http(quoting(all)), carriedOut: true }),
    ];
    rotateSecretNow(cloud, first);
    expect((await engine.ended(first)).result).toBe("complete");
    expect(planned.map(({ met }) => met)).toEqual([1, 1]);
    rotateSecretNow(cloud, second, { immediately: false });
    await engine.ended(second);
    const stray = { Step: "createSecret", SecretId: first, ClientRequestToken: randomUUID() };
    expect((await lambda.invoke(stray)).error).toBeDefined();
  });

/** A scheduled fleet, each manual action, drift, tasks that fail and say why, replies that are lost. */
export const fleet = (proof: Proof) =>
  inScene(proof, { instances: FLEET }, async ({ cloud, tencent, startFunction }) => {
    const lambda = await startFunction("lambda", "fleet", { ROTATION_CANARY: "2", ROTATION_BREAKER: "0" });
    for (const action of ["DescribeInstances", "DescribeTaskList"]) {
      tencent.plan({
        action,
        answer: (all) => ERRORS["API 3.0"]("InternalError", JSON.stringify(all)),
        times: 2,
      });
    }
    expect((await lambda.invoke(SCHEDULE)).error?.message).toMatch(/^1 of 8 secrets /);
    for (const action of ["plan", "status", "verify", "rotate", "abandon", "rollback"]) {
      const { answer } = await lambda.invoke({ action, force: action !== "rollback" });
      expect((answer as Answer).results).toHaveLength(FLEET.length);
    }
    const byHand = trickyPassword();
    await cloud.tencentDb.changeByHand("crs-reset", byHand);
    proof.marks.add("Redis passwords", byHand);
    expect(summaryOf(await lambda.invoke({ action: "verify" })).drift).toBe(1);

    // A task that fails, and quotes the password with which a run has started it that is gone by then.
    const event = { action: "rotate", secrets: [secretName("crs-tls")], force: true };
    cloud.tencentDb.planNextTask({ durationMs: 20_000, ending: "failed" }, "crs-tls");
    const cut = tencent.plan({
      action: "ResetPassword",
      about: "crs-tls",
      answer: () => "hang",
      carriedOut: true,
    });
    void lambda.invoke(event);
    for (let looks = 0; cut.met === 0 && looks < 1_000; looks += 1) await systemClock.sleep(20);
    expect(cut.met).toBe(1);
    await lambda.close();
    const other = await startFunction("lambda", "a run that joins");
    const [sent = ""] = versionsOf(cloud, "crs-tls", "AWSPENDING");
    const failed = (TaskMessage: string) =>
      http(
        JSON.stringify({
          Response: {
            Status: "failed",
            StartTime: "",
            TaskType: "",
            InstanceId: "crs-tls",
            TaskMessage,
            RequestId: randomUUID(),
          },
        }),
      );
    const quoted = tencent.plan({
      action: "DescribeTaskInfo",
      about: "crs-tls",
      answer: () => failed(`It was ${sent}`),
      times: 9,
    });
    await other.invoke(event);
    expect(quoted.met).toBeGreaterThan(0);
  });

function versionsOf(
  cloud: Parameters<Parameters<typeof inScene>[2]>[0]["cloud"],
  instanceId: string,
  stage: string,
): string[] {
  const { versions } = cloud.secretsManager.inspect(secretName(instanceId));
  return versions
    .filter(({ stages }) => (stages as readonly string[]).includes(stage))
    .map(({ content }) => JSON.parse(content?.SecretString ?? "{}").password);
}

/** A fleet that is handed over to a queue, whose messages come back as a batch, one of them malformed. */
export const queue = (proof: Proof) =>
  inScene(proof, { instances: FLEET.slice(0, 4) }, async ({ cloud, startFunction }) => {
    const {
      AWS_ACCESS_KEY_ID: id = "",
      AWS_SECRET_ACCESS_KEY: secretAccessKey = "",
      AWS_SESSION_TOKEN: sessionToken = "",
    } = cloud.environment;
    const queues = [{ name: "fleet", visibilityTimeoutMs: 900_000 }];
    const sqs = createSqs({ clock: systemClock, newId: randomUUID, region: "eu-west-1", queues });
    const keys = { [id]: { secretAccessKey, sessionToken } };
    const server = await startSqs({ clock: systemClock, newId: randomUUID, keys, sqs });
    const relay = await startRelay(server.url, proof.marks);
    try {
      const lambda = await startFunction("lambda", "queue", {
        ROTATION_QUEUE_URL: sqs.url("fleet"),
        AWS_ENDPOINT_URL_SQS: relay.url,
      });
      const quoting = QUOTATIONS["as AWS does where a signature is wrong"] ?? String;
      for (const name of ["AccessDenied", "InvalidSignatureException", "ThrottlingException"]) {
        relay.plan({ action: "SendMessageBatch", answer: (all) => ERRORS.AWS(name, quoting(all)), times: 4 });
        await lambda.invoke(SCHEDULE);
      }
      await lambda.invoke(SCHEDULE);
      const MessageBody = `{"action":"rotate","password":"${trickyMark(proof)}"`;
      sqs.sendMessageBatch({ QueueUrl: sqs.url("fleet"), Entries: [{ Id: "0", MessageBody }] });
      const source = createEventSource({
        sqs,
        queue: "fleet",
        clock: systemClock,
        invoke: async (event) => (await lambda.invoke(event)).answer,
        batchSize: 5,
        maximumConcurrency: 2,
        reportBatchItemFailures: true,
      });
      await source.idle();
      await source.close();
      expect(sqs.bodies("fleet")).toEqual([MessageBody]);
    } finally {
      await relay.close();
      await server.close();
    }
  });

function trickyMark({ marks }: Proof): string {
  const secret = `str4y-Passw0rd-${Math.random().toString(36).slice(2)}`;
  marks.add("Redis passwords", secret);
  return secret;
}
