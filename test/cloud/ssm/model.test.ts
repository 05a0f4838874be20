import { beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../tencentdb/api-error.ts";
import { createSsm, type Ssm } from "./model.ts";

const START = Date.UTC(2026, 0, 1);
const HOST = "ssm.tencentcloudapi.com";
const SecretName = "redis-orders";
const named = (VersionId: string) => ({ SecretName, VersionId });

let nowMs: number;
let ssm: Ssm;
beforeEach(() => {
  nowMs = START;
  ssm = createSsm({ clock: { now: () => nowMs, sleep: async () => {} } });
  ssm.call("CreateSecret", { SecretName, SecretString: "old" });
});

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
  return "none";
}

const request = (action: string, parameters: Record<string, unknown>, changes: object = {}) => ({
  host: HOST,
  method: "POST",
  version: "2019-09-23",
  region: "ap-guangzhou",
  requestId: "request-1",
  action,
  parameters,
  ...changes,
});

describe("the local SSM", () => {
  it("makes a secret under SSM_Current where no version is named", () => {
    expect(ssm.call("GetSecretValue", named("SSM_Current"))).toEqual({
      ...named("SSM_Current"),
      SecretString: "old",
    });
    ssm.call("CreateSecret", { SecretName: "named", VersionId: "v1.0", SecretString: "x" });
    expect(ssm.inspect("named").versions.map(({ versionId }) => versionId)).toEqual(["v1.0"]);
  });

  it("replaces a version's content with UpdateSecret alone, and tells times in seconds", () => {
    nowMs += 1_999;
    ssm.call("PutSecretValue", { ...named("v2"), SecretString: "first" });
    expect(refusal(() => ssm.call("PutSecretValue", { ...named("v2"), SecretString: "second" }))).toBe(
      "ResourceInUse.VersionIdExists",
    );
    expect(ssm.call("GetSecretValue", named("v2"))).toMatchObject({ SecretString: "first" });
    nowMs += 60_000;
    ssm.call("UpdateSecret", { ...named("v2"), SecretString: "second" });
    expect(ssm.call("GetSecretValue", named("v2"))).toMatchObject({ SecretString: "second" });
    expect(ssm.call("ListSecretVersionIds", { SecretName })).toEqual({
      SecretName,
      Versions: [
        { VersionId: "v2", CreateTime: START / 1_000 + 1 },
        { VersionId: "SSM_Current", CreateTime: START / 1_000 },
      ],
    });
  });

  it("renews the time of an updated version where it is told to", () => {
    ssm = createSsm({ clock: { now: () => nowMs, sleep: async () => {} }, updateRenewsTime: true });
    ssm.call("CreateSecret", { SecretName, SecretString: "old" });
    nowMs += 60_000;
    ssm.call("UpdateSecret", { ...named("SSM_Current"), SecretString: "new" });
    expect(ssm.inspect(SecretName).versions).toMatchObject([{ createdAtMs: START + 60_000 }]);
  });

  it("keeps ten versions and no more, until one is deleted", () => {
    for (let n = 2; n <= 10; n += 1) ssm.call("PutSecretValue", { ...named(`v${n}`), SecretString: "x" });
    const put = () => ssm.call("PutSecretValue", { ...named("v11"), SecretString: "x" });
    expect(refusal(put)).toBe("LimitExceeded");
    ssm.call("DeleteSecretVersion", named("v5"));
    expect(refusal(put)).toBe("none");
    expect(refusal(() => ssm.call("GetSecretValue", named("v5")))).toBe("ResourceNotFound");
  });

  it.each<[string, string, Record<string, unknown>]>([
    ["an unknown secret", "ResourceNotFound.SecretNotExist", { SecretName: "nowhere" }],
    ["a name with a slash", "InvalidParameterValue", { SecretName: "redis/orders" }],
    ["a name of 129 characters", "InvalidParameterValue", { SecretName: "x".repeat(129) }],
    ["a version id that begins with a dot", "InvalidParameterValue", { VersionId: ".v2" }],
    ["a version id of 65 characters", "InvalidParameterValue", { VersionId: "x".repeat(65) }],
    ["no version id", "MissingParameter", { VersionId: undefined }],
    ["no content", "InvalidParameter", { SecretString: undefined }],
    ["two contents", "InvalidParameter", { SecretBinary: "eA==" }],
    ["more than 32 KB", "InvalidParameterValue", { SecretString: "x".repeat(32_769) }],
    ["a parameter that it does not know", "UnknownParameter", { ClientToken: "x" }],
    ["a number for a text", "InvalidParameter", { SecretString: 5 }],
  ])("refuses to put %s: %s", (_, code, changes) => {
    const parameters = { ...named("v2"), SecretString: "x", ...changes };
    expect(refusal(() => ssm.call("PutSecretValue", parameters))).toBe(code);
    expect(ssm.inspect(SecretName).versions).toHaveLength(1);
  });

  it("shows no value of a disabled secret, lets one be put, and deletes only a disabled one", () => {
    expect(refusal(() => ssm.call("DeleteSecret", { SecretName }))).toBe(
      "ResourceUnavailable.ResourceDisabled",
    );
    ssm.call("DisableSecret", { SecretName });
    const read = () => ssm.call("GetSecretValue", named("SSM_Current"));
    expect(refusal(read)).toBe("ResourceUnavailable.ResourceDisabled");
    ssm.call("PutSecretValue", { ...named("v2"), SecretString: "x" });
    ssm.call("DeleteSecret", { SecretName, RecoveryWindowInDays: 7 });
    expect(refusal(read)).toBe("ResourceUnavailable.ResourcePendingDeleted");
    expect(ssm.call("DescribeSecret", { SecretName })).toMatchObject({ Status: "PendingDelete" });
    ssm.call("RestoreSecret", { SecretName });
    ssm.call("EnableSecret", { SecretName });
    expect(refusal(read)).toBe("none");
  });

  it("forgets a secret when its time has come", () => {
    ssm.call("DisableSecret", { SecretName });
    ssm.call("DeleteSecret", { SecretName, RecoveryWindowInDays: 7 });
    nowMs += 7 * 86_400_000;
    expect(refusal(() => ssm.inspect(SecretName))).toBe("ResourceNotFound.SecretNotExist");
    ssm.call("CreateSecret", { SecretName, SecretString: "anew" });
  });

  it.each(["PutSecretValue", "UpdateSecret", "DeleteSecretVersion"])(
    "lets nobody but itself %s a secret of a product",
    (action) => {
      ssm.call("CreateSecret", { SecretName: "product", SecretType: 1, SecretString: "x" });
      const content = action === "DeleteSecretVersion" ? {} : { SecretString: "y" };
      const parameters = { SecretName: "product", VersionId: "SSM_Current", ...content };
      expect(refusal(() => ssm.call(action, parameters))).toBe("OperationDenied.AutoRotatedResource");
    },
  );

  it("has its own secrets in each region", () => {
    expect(refusal(() => ssm.inspect(SecretName, "ap-singapore"))).toBe("ResourceNotFound.SecretNotExist");
    ssm.call("CreateSecret", { SecretName, SecretString: "another" }, "ap-singapore");
    expect(ssm.inspect(SecretName).versions).toMatchObject([{ content: { SecretString: "old" } }]);
  });

  describe("through its front door", () => {
    it.each([
      ["another API version", "NoSuchVersion", { version: "2018-04-12" }],
      ["an action that it does not know", "InvalidAction", { action: "ResetPassword" }],
      ["no region", "MissingParameter", { region: undefined }],
      ["a finance region on the common host", "UnsupportedRegion", { region: "ap-shanghai-fsi" }],
    ])("refuses %s: %s", async (_, code, changes) => {
      await expect(ssm.dispatch(request("DescribeSecret", { SecretName }, changes))).rejects.toMatchObject({
        code,
      });
    });

    it("takes as many calls a second as are documented, for each action and region", async () => {
      const describeSecret = () => ssm.dispatch(request("DescribeSecret", { SecretName }));
      for (let n = 0; n < 40; n += 1) await describeSecret();
      await expect(describeSecret()).rejects.toMatchObject({ code: "RequestLimitExceeded" });
      await ssm.dispatch(request("GetSecretValue", named("SSM_Current")));
      nowMs += 1_000;
      await describeSecret();
    });

    it("notes every call, never a value, and asks for the signature first", async () => {
      const denied = () => {
        throw new ApiError("AuthFailure.SignatureFailure", "No.");
      };
      const put = request("PutSecretValue", { ...named("v2"), SecretString: "the value" });
      await expect(ssm.dispatch(put, denied)).rejects.toMatchObject({ code: "AuthFailure.SignatureFailure" });
      expect(ssm.calls).toEqual([
        {
          action: "PutSecretValue",
          region: "ap-guangzhou",
          host: HOST,
          secretName: SecretName,
          versionId: "v2",
          at: START,
          requestId: "request-1",
        },
      ]);
      expect(ssm.inspect(SecretName).versions).toHaveLength(1);
    });

    it("fails as it is told to, before or after the effect, for one secret", async () => {
      ssm.failNext("PutSecretValue", { kind: "error", code: "InternalError" }, { secretName: "another" });
      ssm.failNext("PutSecretValue", { kind: "reset", carriedOut: true }, { secretName: SecretName });
      const put = request("PutSecretValue", { ...named("v2"), SecretString: "x" });
      await expect(ssm.dispatch(put)).rejects.toMatchObject({ name: "BrokenReply" });
      await expect(ssm.dispatch(put)).rejects.toMatchObject({ code: "ResourceInUse.VersionIdExists" });
    });
  });
});

describe("ListSecrets", () => {
  const list = (parameters: object = {}) =>
    ssm.call("ListSecrets", { ...parameters }) as {
      TotalCount: number;
      SecretMetadatas: { SecretName: string }[];
    };
  const names = (parameters: object = {}) =>
    list(parameters).SecretMetadatas.map((metadata) => metadata.SecretName);
  const tagged = (key: string, ...values: string[]) => ({ TagFilters: [{ TagKey: key, TagValue: values }] });

  beforeEach(() => {
    for (let n = 0; n < 30; n += 1) {
      nowMs += 1_000;
      const Tags = [{ TagKey: "parity", TagValue: n % 2 === 0 ? "even" : "odd" }];
      ssm.call("CreateSecret", { SecretName: `Many-${n}`, SecretString: "x", Tags });
    }
    ssm.call("DisableSecret", { SecretName: "Many-5" });
    ssm.call("CreateSecret", { SecretName: "product", SecretType: 1, SecretString: "x" });
  });

  it.each<[object, number, string | undefined, number]>([
    [{}, 20, "Many-29", 31],
    [{ Limit: 0 }, 20, "Many-29", 31],
    [{ OrderType: 1 }, 20, SecretName, 31],
    [{ Offset: 30 }, 1, SecretName, 31],
    [{ Offset: 40 }, 0, undefined, 31],
    [{ Limit: 200, State: 1 }, 30, "Many-29", 30],
    [{ State: 2 }, 1, "Many-5", 1],
    [{ SearchSecretName: "any-1" }, 11, "Many-19", 11],
    [{ SearchSecretName: "many-2" }, 11, "Many-29", 11],
    [{ SecretType: 1 }, 1, "product", 1],
    [tagged("parity", "odd"), 15, "Many-29", 15],
    [tagged("parity", "odd", "even"), 20, "Many-29", 30],
    [{ TagFilters: [{ TagKey: "parity" }], State: 2 }, 1, "Many-5", 1],
    [tagged("other", "odd"), 0, undefined, 0],
  ])("with %j tells of %i at once, %s first, of %i in all", (parameters, count, first, total) => {
    expect(names(parameters)).toHaveLength(count);
    expect(names(parameters)[0]).toBe(first);
    expect(list(parameters).TotalCount).toBe(total);
  });

  it("tells no tags, and no secret whose time has come", () => {
    expect(list({ SearchSecretName: "Many-1" }).SecretMetadatas[0]).not.toHaveProperty("Tags");
    ssm.call("DeleteSecret", { SecretName: "Many-5" });
    expect(list({ SearchSecretName: "Many-5" }).TotalCount).toBe(0);
  });

  it.each([{ Limit: 201 }, { Limit: -1 }, { Offset: -1 }, { State: 9 }])("refuses %j", (parameters) => {
    expect(refusal(() => list(parameters))).toBe("InvalidParameterValue");
  });
});
