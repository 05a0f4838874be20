import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { awsSecretList } from "../../lib/drivers/aws-secret-list.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { Fault } from "../cloud/secrets-manager/faults.ts";
import { type LocalService, startLocalService } from "../cloud/secrets-manager/local-service.ts";
import { describeSecretListContract } from "../contracts/secret-list.contract.ts";
import { failed } from "./local-secret.ts";

let service: LocalService;
beforeAll(async () => {
  service = await startLocalService(systemClock);
});
afterAll(() => service.server.close());

function create(name: string, tags: Readonly<Record<string, string>> = {}): void {
  service.europe.call("CreateSecret", {
    Name: name,
    ClientRequestToken: randomUUID(),
    SecretString: "{}",
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  });
}

describeSecretListContract("awsSecretList", async () => ({
  find: awsSecretList({ client: service.client() }),
  create,
  remove: (name) => void service.europe.call("DeleteSecret", { SecretId: name, RecoveryWindowInDays: 7 }),
}));

describe("awsSecretList", () => {
  it("tells the ids of its requests", async () => {
    create("dated/one");
    const ids: string[] = [];
    const find = awsSecretList({ client: service.client(), onAnswer: (id) => ids.push(id) });
    expect(await find({ prefix: "dated/" })).toEqual(["dated/one"]);
    expect(ids).toEqual([service.europe.calls.at(-1)?.requestId]);
  });

  it.each<[string, Fault, string, RegExp]>([
    [
      "a missing permission",
      {
        kind: "error",
        name: "AccessDeniedException",
        message: "User: x is not authorized to perform: secretsmanager:ListSecrets",
        status: 400,
      },
      "StoreDenied",
      /names begin with redis\/: .*; grant secretsmanager:ListSecrets on the resource \*/,
    ],
    ["an expired token", { kind: "error", name: "ExpiredTokenException" }, "StoreDenied", /^((?!grant).)*$/],
    ["too many calls", { kind: "error", name: "ThrottlingException" }, "StoreThrottled", /ListSecrets of/],
    ["a server error", { kind: "status", status: 503 }, "StoreUnavailable", /HTTP 503/],
    ["a broken connection", { kind: "reset" }, "StoreUnavailable", /ListSecrets of/],
  ])("tells of %s, which has no effect", async (_, fault, code, says) => {
    service.europe.failNext("ListSecrets", fault);
    const error = await failed(awsSecretList({ client: service.client() })({ prefix: "redis/" }));
    expect(error).toMatchObject({ code, effect: "none", message: expect.stringMatching(says) });
  });

  it("lists nothing where a later page fails", async () => {
    for (let n = 0; n < 101; n += 1) create(`pages/${n}`);
    const denied = { kind: "error", name: "AccessDeniedException" } as const;
    const onAnswer = () => service.europe.failNext("ListSecrets", denied);
    const find = awsSecretList({ client: service.client(), onAnswer });
    expect(await failed(find({ prefix: "pages/" }))).toMatchObject({ code: "StoreDenied" });
  });

  it("asks nobody once the time is used up", async () => {
    const find = awsSecretList({ client: service.client(), signal: AbortSignal.abort() });
    const before = service.europe.calls.length;
    expect(await failed(find({ prefix: "" }))).toMatchObject({ code: "InProgress", effect: "none" });
    expect(service.europe.calls).toHaveLength(before);
  });
});
