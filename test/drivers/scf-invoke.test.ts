import { strToU8, zipSync } from "fflate";
import { afterEach, describe, expect, it } from "vitest";
import { parseScfEvent } from "../../handler/events.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { type ScfInvokeOptions, scfInvoke } from "../../lib/drivers/scf-invoke.ts";
import type { Invocation } from "../cloud/scf/actions.ts";
import { createScfApi } from "../cloud/scf/model.ts";
import type { Fault } from "../cloud/tencentdb/faults.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";
import { createVirtualClock } from "../fakes/clock.ts";
import { failed } from "./local-secret.ts";

const REGION = "ap-guangzhou";
const KEY = { secretId: "AKIDexample", secretKey: "the-secret-key-of-the-account" };
const NAME = "redis-rotation";

let server: TencentServer | undefined;
afterEach(() => server?.close());

async function local(differs: Partial<ScfInvokeOptions> = {}) {
  const clock = createVirtualClock({ startMs: systemClock.now(), autoAdvance: true });
  const invocations: Invocation[] = [];
  const api = createScfApi({
    clock,
    changeMs: 0,
    onInvoke: (invocation) => void invocations.push(invocation),
  });
  const ZipFile = Buffer.from(zipSync({ "index.js": strToU8("") })).toString("base64");
  const made = {
    FunctionName: NAME,
    Runtime: "Nodejs20.19",
    Handler: "index.main_handler",
    Code: { ZipFile },
  };
  const call = { host: "scf.tencentcloudapi.com", method: "POST", version: "2018-04-16", region: REGION };
  await api.dispatch({ ...call, action: "CreateFunction", requestId: "made", parameters: made });
  server = await startTencentServer({ clock: systemClock, services: { scf: api }, credentials: [KEY] });
  const limited: string[] = [];
  const handOver = scfInvoke({
    credentials: async () => KEY,
    endpointUrl: server.url,
    signal: new AbortController().signal,
    clock,
    limiter: async (key) => void limited.push(key),
    timeoutMs: 2_000,
    region: REGION,
    functionName: NAME,
    namespace: "default",
    size: 10,
    ...differs,
  });
  const sent = () => api.calls.filter(({ action }) => action === "Invoke").length;
  return { api, handOver, invocations, limited, sent };
}

const secrets = (count: number) => Array.from({ length: count }, (_, index) => `redis-fleet-${index}`);
const secretsOf = ({ event }: Invocation) => {
  const request = parseScfEvent(event);
  if (request.kind !== "driven") throw new Error(`It is ${request.kind}`);
  return request.secretIds ?? [];
};

describe("scfInvoke", () => {
  it.each([
    [0, []],
    [1, [1]],
    [10, [10]],
    [25, [10, 10, 5]],
  ])("hands %i secrets over, at most as many an invocation as it is told", async (count, sizes) => {
    const { handOver, invocations, limited } = await local();
    await handOver(secrets(count));
    expect(invocations.map((each) => secretsOf(each).length).sort()).toEqual([...sizes].sort());
    expect(invocations.flatMap(secretsOf).sort()).toEqual(secrets(count).sort());
    expect(limited).toEqual(sizes.map(() => `${REGION}/Invoke`));
  });

  it("asks for what a timer asks for: to rotate, and to throw for what fails", async () => {
    const { api, handOver, invocations } = await local({ qualifier: "$DEFAULT" });
    await handOver(["redis-orders"]);
    expect(invocations).toMatchObject([{ region: REGION, functionName: NAME, qualifier: "$DEFAULT" }]);
    const event = invocations[0]?.event;
    expect(event).toEqual({
      Type: "Timer",
      TriggerName: "fan-out",
      Time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      Message: '{"action":"rotate","secrets":["redis-orders"]}',
    });
    expect(parseScfEvent(event)).toMatchObject({ action: "rotate", force: false, scheduled: true });
    expect(api.calls.at(-1)?.parameters).toMatchObject({ InvocationType: "Event", Namespace: "default" });
  });

  it.each<[string, Fault]>([
    ["a server error", { kind: "status", status: 503 }],
    ["too many calls", { kind: "error", code: "RequestLimitExceeded" }],
    ["a failure of the cloud", { kind: "error", code: "InternalError" }],
    ["a function that is being changed", { kind: "error", code: "FailedOperation.FunctionStatusError" }],
    ["a lost answer", { kind: "reset", carriedOut: true }],
  ])("sends again after %s: twice is harmless", async (_, fault) => {
    const { api, handOver, sent } = await local();
    api.failNext("Invoke", fault);
    await handOver(secrets(3));
    expect(sent()).toBe(2);
  });

  it.each<[string, Fault, string, RegExp]>([
    [
      "a missing permission",
      { kind: "error", code: "UnauthorizedOperation.CAM" },
      "AccessDenied",
      /^5 of 25 .*; grant the role scf:InvokeFunction and scf:Invoke on the function redis-rotation$/,
    ],
    [
      "an expired token",
      { kind: "error", code: "AuthFailure.TokenFailure" },
      "CredentialsRejected",
      /^5 of 25/,
    ],
    [
      "a refusal",
      { kind: "error", code: "ResourceUnavailable.InsufficientBalance" },
      "RequestRefused",
      /^5 of 25 secrets were not handed over: Invoke: ResourceUnavailable/,
    ],
  ])("says once how many were not taken for %s, and hands the others over", async (...row) => {
    const [, fault, code, message] = row;
    const { api, handOver, invocations, sent } = await local({ size: 5, concurrency: 1 });
    api.failNext("Invoke", fault);
    const error = await failed(handOver(secrets(25)));
    expect(error).toMatchObject({ code, effect: "none", requestId: expect.any(String) });
    expect(error.message).toMatch(message);
    expect([sent(), invocations.flatMap(secretsOf)]).toEqual([5, secrets(25).slice(5)]);
  });

  it("says which function is not there", async () => {
    const { handOver } = await local({ functionName: "another" });
    const error = await failed(handOver(["a"]));
    expect(error).toMatchObject({ code: "RequestRefused", effect: "none" });
    expect(error.message).toMatch(/ResourceNotFound\.Function/);
  });

  it("has no more than the service takes in an event of 900 secrets with the longest names", async () => {
    const { handOver, invocations } = await local({ size: 900 });
    const names = Array.from({ length: 900 }, (_, index) => `${index}`.padEnd(128, "x"));
    await handOver(names);
    expect(invocations.map((each) => secretsOf(each).length)).toEqual([900]);
  });

  it("stops at the deadline", async () => {
    const { handOver, sent } = await local({ signal: AbortSignal.abort() });
    expect(await failed(handOver(["a"]))).toMatchObject({ code: "InProgress", effect: "none" });
    expect(sent()).toBe(0);
  });
});
