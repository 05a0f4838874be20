import { describe, expect, it } from "vitest";
import { createTallies, permissionChecks } from "../../../../handler/cli/doctor/permissions.ts";
import { readSettings } from "../../../../handler/settings.ts";
import { type ErrorCode, RotationError } from "../../../../lib/errors.ts";
import { parseSecretValue } from "../../../../lib/secret-value.ts";

const environment = {
  TENCENTCLOUD_SECRET_ID: "id",
  TENCENTCLOUD_SECRET_KEY: "key",
  SECRET_STORE: "ssm",
  SECRET_STORE_REGION: "ap-guangzhou",
};
const settings = readSettings({ environment, remainingMs: 1, defaultStore: "ssm", log: { bindings: {} } });
const VALUE = {
  engine: "tencentdb-redis",
  region: "ap-guangzhou",
  instanceId: "crs-5a4py64p",
  username: "app_a",
  usernames: ["app_a", "app_b"],
  password: "x",
};
const values = [parseSecretValue(JSON.stringify(VALUE), "redis-orders")];

const error = (code: ErrorCode, message: string) => new RotationError(code, message, { effect: "none" });
const DENIED = error("AccessDenied", "DescribeX: UnauthorizedOperation: no");

function judged(action: string, ...outcomes: readonly (RotationError | undefined)[]) {
  const tallies = createTallies();
  for (const outcome of outcomes) tallies.note(action, outcome);
  return permissionChecks(settings, values, true, tallies).find(({ subject }) => subject === action);
}

describe("a permission", () => {
  it.each<[string, string, (RotationError | undefined)[], string]>([
    ["was answered", "redis:DescribeTaskList", [undefined], "good"],
    ["was refused", "redis:DescribeTaskList", [DENIED], "bad"],
    ["was refused for one of two", "redis:DescribeTaskList", [undefined, DENIED], "bad"],
    // Many at once need a policy for all: by itself each was granted.
    ["was refused for many at once", "redis:DescribeInstances", [DENIED, undefined], "good"],
    ["found no such secret", "ssm:GetSecretValue", [error("SecretNotFound", "x")], "good"],
    [
      "is not known there",
      "redis:DescribeInstancePasswordPolicy",
      [error("RequestRefused", "x: InvalidAction: x")],
      "unknown",
    ],
    ["was lost", "redis:DescribeTaskList", [error("NoAnswer", "x")], "unknown"],
    [
      "came with a refused key",
      "redis:DescribeTaskList",
      [error("AccessDenied", "x: AuthFailure.SignatureFailure: x")],
      "unknown",
    ],
    ["was not asked for", "redis:DescribeTaskList", [], "skipped"],
  ])("that %s (%s) is judged", (_, action, outcomes, status) => {
    expect(judged(action, ...outcomes)?.status).toBe(status);
  });

  it("that changes something is not known, and the policy that has it is named", () => {
    const changes = permissionChecks(settings, values, true, createTallies()).slice(-2);
    expect(changes).toMatchObject([
      { subject: "ssm:PutSecretValue, ssm:UpdateSecret, ssm:DeleteSecretVersion", status: "unknown" },
      {
        subject: "redis:ModifyInstanceAccount, redis:CreateInstanceAccount",
        status: "unknown",
        fix: "Compare the policy of the credentials with deploy/scf/policies/function.json.",
      },
    ]);
  });
});

describe("every permission", () => {
  it("is one that the policies of deploy/scf grant", async () => {
    const { actionsGranted, readPolicy } = await import("../../../deploy/cam-policy.ts");
    const granted = (await Promise.all(["function", "function-fleet"].map(readPolicy))).flatMap(
      actionsGranted,
    );
    const subjects = permissionChecks(settings, values, true, createTallies()).flatMap(({ subject = "" }) =>
      subject.split(", "),
    );
    expect(subjects.length).toBeGreaterThan(10);
    expect(subjects.filter((action) => !granted.includes(action))).toEqual([]);
  });
});
