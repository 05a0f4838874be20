import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { Answer } from "../../lib/ports.ts";
import { type CloudOptions, type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { type Execution, startScfFunction } from "../cloud/scf/harness.ts";
import { createScfApi } from "../cloud/scf/model.ts";
import { createEventSource } from "../cloud/sqs/event-source.ts";
import { createSqs } from "../cloud/sqs/model.ts";
import { startSqs } from "../cloud/sqs/server.ts";
import { startTencentServer } from "../cloud/tencentdb/server.ts";
import { built, startBuilt } from "./world.ts";

const REGION = "ap-guangzhou";
const IDS = Array.from({ length: 5 }, (_, index) => `crs-fan${index}`);
const KEY = { secretId: "AKIDrotation", secretKey: "the-role's-key" };

const cloudOf = (store: CloudOptions["store"] & string) =>
  startCloud({
    store,
    instances: IDS.map((instanceId) => ({ instanceId, region: REGION })),
    taskDurationMs: 300,
    taskTailMs: 100,
  });

const sent = (cloud: LocalCloud) => IDS.map((id) => cloud.tencentDb.passwordsSent(id).calls);

describe("a schedule on Lambda with a queue", () => {
  it("rotates a canary, and hands the rest of the fleet that it has found to the queue", async () => {
    const cloud = await cloudOf("aws");
    const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = cloud.environment;
    const queues = [{ name: "fleet", visibilityTimeoutMs: 900_000 }];
    const sqs = createSqs({ clock: systemClock, newId: randomUUID, region: "eu-west-1", queues });
    const keys = { [AWS_ACCESS_KEY_ID]: { secretAccessKey: AWS_SECRET_ACCESS_KEY } };
    const server = await startSqs({ clock: systemClock, newId: randomUUID, keys, sqs });
    const lambda = await startBuilt("lambda", {
      ...cloud.environment,
      ROTATION_SECRETS: "",
      ROTATION_PREFIX: "redis/",
      ROTATION_QUEUE_URL: sqs.url("fleet"),
      AWS_ENDPOINT_URL_SQS: server.url,
    });
    try {
      const schedule = { source: "aws.events", "detail-type": "Scheduled Event" };
      const { summary } = (await lambda.invoke(schedule)) as Answer;
      expect(summary).toMatchObject({ rotated: 1, planned: 4, failed: 0 });
      expect(sent(cloud).reduce((sum, count) => sum + count)).toBe(1);
      expect(sqs.bodies("fleet")).toHaveLength(4);

      const source = createEventSource({
        sqs,
        queue: "fleet",
        clock: systemClock,
        invoke: (event) => lambda.invoke(event),
        batchSize: 2,
        maximumConcurrency: 2,
        reportBatchItemFailures: true,
      });
      await source.idle();
      await source.close();
      expect(sqs.bodies("fleet")).toEqual([]);
      expect(sent(cloud)).toEqual(IDS.map(() => 1));
      expect(await lambda.invoke(schedule)).toMatchObject({ summary: { notDue: 5 } });
    } finally {
      await lambda.close();
      await server.close();
      await cloud.close();
    }
  }, 60_000);
});

describe("a timer on SCF with a fan-out", () => {
  it("rotates a canary, and invokes the function itself for the rest", async () => {
    const cloud = await cloudOf("ssm");
    const runs: Promise<readonly Execution[]>[] = [];
    const events: unknown[] = [];
    const api = createScfApi({
      clock: systemClock,
      changeMs: 0,
      onInvoke({ event }) {
        events.push(event);
        runs.push(scf.invokeLater(event));
      },
    });
    const code = readFileSync(built("scf/index.js"));
    const ZipFile = Buffer.from(zipSync({ "index.js": code })).toString("base64");
    const parameters = {
      FunctionName: "redis-rotation",
      Runtime: "Nodejs20.19",
      Handler: "index.main_handler",
      Code: { ZipFile },
    };
    const host = { host: "scf.tencentcloudapi.com", method: "POST", version: "2018-04-16", region: REGION };
    await api.dispatch({ ...host, requestId: "made", action: "CreateFunction", parameters });
    const services = { redis: cloud.tencentDb, ssm: cloud.ssm, scf: api };
    const tencent = await startTencentServer({ clock: systemClock, services, credentials: [KEY] });
    const scf = await startScfFunction({
      code: dirname(built("scf/index.js")),
      variables: {
        TENCENT_ENDPOINT_URL: tencent.url,
        ROTATION_PREFIX: "redis-",
        ROTATION_FAN_OUT_SIZE: "2",
      },
      role: () => KEY,
      retryAfterMs: 0,
    });
    try {
      const [execution] = await scf.ring();
      expect(execution).toMatchObject({ statusCode: 200, answer: { summary: { rotated: 1, planned: 4 } } });
      expect(events).toHaveLength(2);
      const statuses = (await Promise.all(runs)).flat().map(({ statusCode }) => statusCode);
      expect(statuses).toEqual([200, 200]);
      expect(sent(cloud)).toEqual(IDS.map(() => 1));
    } finally {
      await scf.close();
      await tencent.close();
      await cloud.close();
    }
  }, 60_000);
});
