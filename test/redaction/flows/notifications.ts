import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import { startEventBuses } from "../../cloud/notifications/event-bus.ts";
import { startSns } from "../../cloud/notifications/sns.ts";
import { SCHEDULE } from "../../integration/world.ts";
import { ERRORS, QUOTATIONS } from "../quotations.ts";
import { startRelay } from "../relay.ts";
import { inScene, type Proof } from "../scene.ts";
import { FLEET } from "./lambda.ts";

const REGION = "eu-west-1";
const TOPIC = `arn:aws:sns:${REGION}:123456789012:redis-rotation`;
const FORMATS = ["generic", "wecom", "dingtalk", "feishu", "slack"];
const instances = FLEET.slice(0, 1);

/** A topic and a bus, which refuse in every way and quote what they were sent. */
export const awsChannels = (proof: Proof) =>
  inScene(proof, { instances }, async ({ cloud, startFunction }) => {
    const {
      AWS_ACCESS_KEY_ID: id = "",
      AWS_SECRET_ACCESS_KEY: secretAccessKey = "",
      AWS_SESSION_TOKEN: sessionToken = "",
    } = cloud.environment;
    const front = {
      clock: systemClock,
      newId: randomUUID,
      keys: { [id]: { secretAccessKey, sessionToken } },
      region: REGION,
    };
    const sns = await startSns({ ...front, topicArns: [TOPIC] });
    const buses = await startEventBuses({ ...front, buses: ["ops"] });
    const relays = await Promise.all([startRelay(sns.url, proof.marks), startRelay(buses.url, proof.marks)]);
    const [topic, bus] = relays as [(typeof relays)[0], (typeof relays)[0]];
    try {
      const lambda = await startFunction("lambda", "notifications over SNS and EventBridge", {
        ROTATION_SECRETS: "redis/missing",
        NOTIFY_SNS_TOPIC_ARN: TOPIC,
        AWS_ENDPOINT_URL_SNS: topic.url,
        NOTIFY_EVENT_BUS: "ops",
        AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
      });
      for (const [index, quote] of Object.values(QUOTATIONS).entries()) {
        const name =
          ["AccessDeniedException", "InvalidSignatureException", "AuthorizationError"][index % 3] ?? "";
        const planned = [
          topic.plan({ action: "*", answer: (all) => ERRORS["AWS STS"](name, quote(all)) }),
          bus.plan({ action: "*", answer: (all) => ERRORS.AWS(name, quote(all)) }),
        ];
        await lambda.invoke(SCHEDULE);
        expect(planned.map(({ met }) => met)).toEqual([1, 1]);
      }
      await lambda.invoke(SCHEDULE);
      expect([sns.published.length, buses.events.length]).toEqual([1, 1]);
    } finally {
      await Promise.all([topic, bus, sns, buses].map((server) => server.close()));
    }
  });

/** Webhooks of each format, whose address and key come from a secret or the environment, and whose receiver quotes all of it. */
export const webhooks = (proof: Proof) =>
  inScene(proof, { instances }, async ({ cloud, startFunction }) => {
    const quotations = Object.values(QUOTATIONS);
    let posts = 0;
    const receiver = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, text]) => [name, String(text)]),
      );
      const url = `http://${headers.host}${request.url}`;
      const signature =
        headers["webhook-signature"]?.replace(/^v1,/, "") ?? new URL(url).searchParams.get("sign");
      const secrets = [url, ...(signature ? [signature] : [])];
      proof.marks.add("signatures", signature ?? undefined);
      const quote = quotations[posts % quotations.length] ?? String;
      const errmsg = quote({
        action: "POST",
        headers,
        body,
        secrets: [...secrets, ...new URL(url).pathname.split("/")],
      });
      const status = [200, 400, 403, 500][posts % 4] ?? 200;
      posts += 1;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ errcode: 1, code: 1, errmsg, msg: errmsg }));
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const { port } = receiver.address() as AddressInfo;
    try {
      for (const [index, format] of FORMATS.entries()) {
        const part = () => randomUUID().replaceAll("-", "X");
        const tokens = [part(), part()];
        const url = `http://127.0.0.1:${port}/hooks/${tokens[0]}?key=${tokens[1]}`;
        const random = Buffer.from(part()).toString("base64");
        const key =
          format === "generic"
            ? `whsec_${random}`
            : format === "slack" || format === "wecom"
              ? undefined
              : `SEC${part()}`;
        proof.marks.add("webhook addresses and keys", ...tokens, key);
        const Name = `ops/webhook-${format}`;
        const SecretString = JSON.stringify({ url, key });
        cloud.secretsManager.call("CreateSecret", { Name, SecretString, ClientRequestToken: randomUUID() });
        const lambda = await startFunction("lambda", `notifications by a webhook: ${format}`, {
          ROTATION_SECRETS: "redis/missing",
          NOTIFY_WEBHOOK_FORMAT: format,
          ...(index % 2 === 0
            ? { NOTIFY_WEBHOOK_SECRET_ID: Name }
            : { NOTIFY_WEBHOOK_URL: url, ...(key && { NOTIFY_WEBHOOK_KEY: key }) }),
        });
        for (const _ of quotations) await lambda.invoke(SCHEDULE);
        const broken = await startFunction("lambda", `notifications: a webhook that is none: ${format}`, {
          ROTATION_SECRETS: "redis/missing",
          NOTIFY_WEBHOOK_FORMAT: format,
          NOTIFY_WEBHOOK_URL: `ftp://${tokens[0]}:${tokens[1]}@example.com/${tokens[0]}`,
          NOTIFY_WEBHOOK_KEY: `${tokens[0]} ${tokens[1]}`,
        });
        await broken.invoke(SCHEDULE);
      }
      expect(posts).toBe(FORMATS.length * quotations.length);
    } finally {
      receiver.closeAllConnections();
      receiver.close();
    }
  });
