import { zipSync } from "fflate";
import { expect } from "vitest";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import type { Answer } from "../../../lib/ports.ts";
import { createScfApi } from "../../cloud/scf/model.ts";
import { startTencentServer } from "../../cloud/tencentdb/server.ts";
import { ERRORS, QUOTATIONS } from "../quotations.ts";
import { startRelay } from "../relay.ts";
import { inScene, type Proof } from "../scene.ts";
import { FLEET, summaryOf } from "./lambda.ts";

const timer = (Message: string) => ({
  Type: "Timer",
  TriggerName: "t",
  Time: "2026-02-21T11:49:00Z",
  Message,
});

/** Timers, manual payloads and messages that are none, with SSM as the store. */
export const timers = (proof: Proof) =>
  inScene(proof, { store: "ssm", instances: FLEET }, async ({ cloud, environment, startFunction }) => {
    const scf = await startFunction("scf", "timer", {
      TENCENTCLOUD_SECRETID: environment.TENCENTCLOUD_SECRET_ID ?? "",
      TENCENTCLOUD_SECRETKEY: environment.TENCENTCLOUD_SECRET_KEY ?? "",
      TENCENTCLOUD_SESSIONTOKEN: environment.TENCENTCLOUD_SESSION_TOKEN ?? "",
    });
    expect((await scf.invoke(timer(""))).error?.message).toMatch(/^1 of 8 secrets /);
    for (const action of ["plan", "status", "verify", "rollback", "abandon"]) {
      expect((await scf.invoke({ action })).error).toBeUndefined();
    }
    const { password } = JSON.parse(cloud.secrets.currentText("crs-reset"));
    const secrets = [cloud.secrets.name("crs-reset")];
    expect((await scf.invoke(timer(JSON.stringify({ action: "verify", secrets })))).answer).toBeDefined();
    const strays = [
      timer(`{"action":"rotate","password":"${password}"`),
      timer(JSON.stringify({ action: "rotate", password })),
      timer(password),
      { action: "rotate", secrets, password },
      { action: password },
      { action: "rotate", secrets: [{ [password]: password }] },
      { [password]: password },
      password,
      { ...timer(""), Message: { password } },
    ];
    for (const stray of strays) expect((await scf.invoke(stray)).error?.name).toBe("EventInvalid");
    // A name that is a password is told, as every name is: so it is none that opens anything.
    expect(summaryOf(await scf.invoke({ action: "status", secrets: ["redis-missing"] })).failed).toBe(1);
  });

/** A fleet that is handed over to further invocations, some of which the cloud refuses with what it was sent. */
export const handOver = (proof: Proof) =>
  inScene(proof, { store: "ssm", instances: FLEET.slice(0, 5) }, async ({ cloud, startFunction }) => {
    const {
      TENCENTCLOUD_SECRET_ID: secretId = "",
      TENCENTCLOUD_SECRET_KEY: secretKey = "",
      TENCENTCLOUD_SESSION_TOKEN: token = "",
    } = cloud.environment;
    const handed: unknown[] = [];
    const api = createScfApi({
      clock: systemClock,
      changeMs: 0,
      onInvoke: ({ event }) => void handed.push(event),
    });
    const host = {
      host: "scf.tencentcloudapi.com",
      method: "POST",
      version: "2018-04-16",
      region: "ap-guangzhou",
    };
    const parameters = {
      FunctionName: "redis-rotation",
      Runtime: "Nodejs20.19",
      Handler: "index.main_handler",
      Code: { ZipFile: Buffer.from(zipSync({ "index.js": new Uint8Array() })).toString("base64") },
    };
    await api.dispatch({ ...host, requestId: "made", action: "CreateFunction", parameters });
    const services = { redis: cloud.tencentDb, ssm: cloud.ssm, scf: api };
    const server = await startTencentServer({
      clock: systemClock,
      services,
      credentials: [{ secretId, secretKey, token }],
    });
    const relay = await startRelay(server.url, proof.marks);
    try {
      const scf = await startFunction("scf", "hand-over", {
        TENCENTCLOUD_ENDPOINT_URL: relay.url,
        ROTATION_SECRETS: "",
        ROTATION_PREFIX: "redis-",
        ROTATION_FAN_OUT_SIZE: "2",
      });
      const quoting = QUOTATIONS["its secrets alone"] ?? String;
      const refused = relay.plan({
        action: "Invoke",
        answer: (all) => ERRORS["API 3.0"]("UnauthorizedOperation", quoting(all)),
      });
      await scf.invoke(timer(""));
      expect(refused.met).toBe(1);
      for (const event of handed) {
        const { answer } = await scf.invoke(event);
        expect((answer as Answer).summary.failed).toBe(0);
      }
      expect(handed.length).toBeGreaterThan(0);
    } finally {
      await relay.close();
      await server.close();
    }
  });
