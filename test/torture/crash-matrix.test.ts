import { describe, expect, it } from "vitest";
import { crashMatrix, record, survivals } from "./crash-matrix.ts";
import { FLOWS, type Flow, SSM_FLOWS } from "./flows.ts";

const flow = (name: string): Flow =>
  FLOWS.find((each) => each.name === name) ?? expect.fail(`no flow ${name}`);
const ACTIONS = [
  ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"],
  ["DescribeInstances", "DescribeInstancePasswordPolicy", "ResetPassword", "DescribeTaskInfo", "AUTH"],
].flat();

describe("the calls of a run at which it may die", () => {
  it.each([
    // What a driven run stages becomes pending by a call of its own.
    ["driven", ACTIONS, 3],
    ["managed", [...ACTIONS, "DescribeTaskList"], 2],
  ])("are all that a %s rotation makes, both halves of the promotion among them", async (...given) => {
    const [name, expected, moves] = given;
    const actions = (await record(flow(name), await flow(name).begin())).map(({ action }) => action);
    expect(new Set(actions)).toEqual(new Set(expected));
    expect(actions.filter((action) => action === "UpdateSecretVersionStage")).toHaveLength(moves);
    expect(actions.filter((action) => action === "ResetPassword")).toHaveLength(1);
  });
});

describe("a process that dies at any call, once or twice", () => {
  it("leaves a rotation that the next runs bring to its end with the one password", async () => {
    const { failures, runs } = await crashMatrix({ each: 9, eachPair: 43 });
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(400);
  }, 60_000);

  it("leaves the same where the secret is in SSM", async () => {
    const { failures, runs } = await crashMatrix({ flows: SSM_FLOWS, each: 23, eachPair: 811 });
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(100);
  }, 60_000);

  it.each(FLOWS.slice(0, 5).map(({ name }) => name))(
    "in no port call of %s is taken for an error to carry on from",
    async (name) => {
      expect(await survivals(flow(name))).toEqual([]);
    },
  );
});
