import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../fakes/clock.ts";
import { createScfApi } from "./model.ts";

const HOST = "scf.tencentcloudapi.com";
const CHANGE_MS = 2_000;

async function account() {
  const clock = createVirtualClock();
  const events: unknown[] = [];
  const onInvoke = ({ event }: { readonly event: unknown }) => void events.push(event);
  const api = createScfApi({ clock, changeMs: CHANGE_MS, onInvoke });
  const call = (action: string, parameters: Readonly<Record<string, unknown>>) =>
    api.dispatch({
      host: HOST,
      method: "POST",
      version: "2018-04-16",
      region: "ap-guangzhou",
      requestId: "request-1",
      action,
      parameters: { FunctionName: "rotation", ...parameters },
    });
  const ZipFile = Buffer.from(zipSync({ "index.js": strToU8("") })).toString("base64");
  await call("CreateFunction", { Runtime: "Nodejs20.19", Handler: "index.main", Code: { ZipFile } });
  const invoke = (parameters: object = {}) => call("Invoke", { InvocationType: "Event", ...parameters });
  return { clock, events, invoke };
}

describe("the local SCF", () => {
  it("takes an asynchronous invocation, and answers without the function's result", async () => {
    const { clock, events, invoke } = await account();
    await clock.advance(CHANGE_MS);
    expect(await invoke({ ClientContext: '{"a":1}', Namespace: "default" })).toEqual({
      Result: {
        FunctionRequestId: expect.stringMatching(/^[\w-]{36}$/),
        Log: "",
        RetMsg: "",
        ErrMsg: "",
        MemUsage: 0,
        Duration: 0,
        BillDuration: 0,
        InvokeResult: 0,
      },
    });
    await invoke();
    await invoke({ ClientContext: JSON.stringify("x".repeat(131_070)) });
    expect(events).toEqual([{ a: 1 }, {}, "x".repeat(131_070)]);
  });

  it.each([
    ["InvalidParameter.Payload", { ClientContext: "{" }],
    ["InvalidParameter.Payload", { ClientContext: JSON.stringify("x".repeat(131_071)) }],
    ["UnsupportedOperation", { InvocationType: "RequestResponse" }],
    ["InvalidParameterValue.InvocationType", { InvocationType: "Later" }],
    ["ResourceNotFound.Function", { FunctionName: "another" }],
    ["ResourceNotFound.Namespace", { Namespace: "another" }],
    ["UnknownParameter", { Event: "{}" }],
  ])("refuses with %s what it does not take", async (code, parameters) => {
    const { clock, events, invoke } = await account();
    await clock.advance(CHANGE_MS);
    await expect(invoke(parameters)).rejects.toMatchObject({ code });
    expect(events).toEqual([]);
  });

  it("runs no function that is being made", async () => {
    const { events, invoke } = await account();
    await expect(invoke()).rejects.toMatchObject({ code: "FailedOperation.FunctionStatusError" });
    expect(events).toEqual([]);
  });
});
