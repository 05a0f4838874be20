import { describe, expect, it } from "vitest";
import { ApiRefusal } from "../../lib/drivers/tencent-errors.ts";
import { sharedReads } from "../../lib/drivers/tencent-redis-shared.ts";
import { type ErrorCode, RotationError } from "../../lib/errors.ts";
import type { Instance, InstanceRef, Task } from "../../lib/ports.ts";
import { createVirtualClock } from "../fakes/clock.ts";

const REGION = "ap-guangzhou";
const RUNNING: Instance = { state: "running", passwordFree: false, edition: "redis" };
const ref = (instanceId: string, region = REGION): InstanceRef => ({ region, instanceId });

/** Task n is of instance n. What is not in `listed` is not in any list. */
function world(
  options: { readonly listed?: (taskId: number) => Task | undefined; readonly refusal?: ErrorCode } = {},
) {
  const clock = createVirtualClock();
  const calls: string[] = [];
  const refuse = () => {
    if (options.refusal === undefined) return;
    throw new ApiRefusal("Some.Code", new RotationError(options.refusal, "no", { effect: "none" }));
  };
  const { listed = (taskId) => ({ taskId, state: "running" as const }) } = options;
  const reads = sharedReads(
    {
      async instance({ region, instanceId }) {
        calls.push(`${region} ${instanceId}`);
        if (instanceId === "gone")
          throw new RotationError("InstanceNotFound", "It is gone", { effect: "none" });
        return RUNNING;
      },
      async instances(region, instanceIds) {
        calls.push(`${region} all ${instanceIds.length}`);
        refuse();
        return new Map(instanceIds.filter((id) => id !== "gone").map((id) => [id, RUNNING]));
      },
      async task(_, taskId) {
        calls.push(`task ${taskId}`);
        return { taskId, state: "failed", message: "why" };
      },
      async tasks(_, taskIds, since) {
        calls.push(`tasks ${taskIds.join()} since ${since.getTime() - startedAt}`);
        refuse();
        return new Map(taskIds.flatMap((id) => (listed(id) ? [[id, listed(id) as Task]] : [])));
      },
    },
    clock,
  );
  const startedAt = clock.now();
  return { clock, calls, reads };
}

/** The first goes alone; those that come right after it go together. */
async function askForTasks({ clock, reads }: ReturnType<typeof world>, taskIds: readonly number[]) {
  for (const taskId of taskIds) reads.started(taskId);
  const first = reads.task(ref("crs-0"), 0);
  await clock.advance(0);
  const others = Promise.all(taskIds.map((taskId) => reads.task(ref(`crs-${taskId}`), taskId)));
  await clock.advance(200);
  await first;
  return others;
}

describe("instances", () => {
  it("are asked for at once where one asks alone, and together where many ask after it", async () => {
    const { clock, calls, reads } = world();
    const first = reads.instance(ref("crs-1"));
    await clock.advance(0);
    const others = ["crs-2", "crs-3"].map((id) => reads.instance(ref(id)));
    await clock.advance(200);
    expect(await Promise.all([first, ...others])).toEqual([RUNNING, RUNNING, RUNNING]);
    expect(calls).toEqual([`${REGION} crs-1`, `${REGION} all 2`]);
  });

  it("are a hundred a call at most, each region's by themselves", async () => {
    const { clock, calls, reads } = world();
    const ids = Array.from({ length: 250 }, (_, index) => `crs-${index}`);
    const asked = [...ids.map((id) => reads.instance(ref(id))), reads.instance(ref("crs-1", "eu-frankfurt"))];
    await clock.advance(1_000);
    await Promise.all(asked);
    expect(calls).toEqual([
      `${REGION} all 100`,
      "eu-frankfurt crs-1",
      `${REGION} all 100`,
      `${REGION} all 50`,
    ]);
  });

  it("that are not told of with the others are asked for by themselves, and only theirs fails", async () => {
    const { clock, calls, reads } = world();
    const asked = Promise.allSettled(["crs-1", "gone"].map((id) => reads.instance(ref(id))));
    await clock.advance(0);
    expect((await asked).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(calls).toEqual([`${REGION} all 2`, `${REGION} gone`]);
  });

  it.each([
    ["AccessDenied", 1],
    ["RequestRefused", 2],
  ] as const)(
    "are asked for one by one where the API says %s, and together %i times in all",
    async (refusal, times) => {
      const { clock, calls, reads } = world({ refusal });
      for (const _ of [1, 2]) {
        const asked = Promise.all(["crs-1", "crs-2"].map((id) => reads.instance(ref(id))));
        await clock.advance(500);
        expect(await asked).toEqual([RUNNING, RUNNING]);
      }
      expect(calls.filter((call) => call.includes("all"))).toHaveLength(times);
    },
  );

  it("are not asked for one by one where the cloud is only busy", async () => {
    const { clock, calls, reads } = world({ refusal: "Throttled" });
    const asked = Promise.allSettled(["crs-1", "crs-2"].map((id) => reads.instance(ref(id))));
    await clock.advance(0);
    expect((await asked).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(calls).toHaveLength(1);
  });
});

describe("tasks", () => {
  it("are looked for in one list since the oldest of them was started", async () => {
    const asking = world();
    asking.reads.started(1);
    await asking.clock.advance(5_000);
    expect(await askForTasks(asking, [2, 3])).toEqual([
      { taskId: 2, state: "running" },
      { taskId: 3, state: "running" },
    ]);
    expect(asking.calls).toEqual(["task 0", "tasks 2,3 since 5000"]);
  });

  it("that have failed are asked for once more, since a list does not say why", async () => {
    const asking = world({ listed: (taskId) => ({ taskId, state: taskId === 2 ? "failed" : "succeeded" }) });
    expect(await askForTasks(asking, [1, 2])).toEqual([
      { taskId: 1, state: "succeeded" },
      { taskId: 2, state: "failed", message: "why" },
    ]);
    expect(asking.calls).toEqual(["task 0", "tasks 1,2 since 0", "task 2"]);
  });

  it("that this run has not started are asked for by themselves: nobody knows how far back the list must go", async () => {
    const { clock, calls, reads } = world();
    const asked = Promise.all([7, 8].map((taskId) => reads.task(ref("crs-1"), taskId)));
    await clock.advance(0);
    await asked;
    expect(calls).toEqual(["task 7", "task 8"]);
  });

  it("are no longer looked for in lists that have told of none of them twice", async () => {
    const asking = world({ listed: () => undefined });
    for (const _ of [1, 2, 3]) {
      await askForTasks(asking, [1, 2]);
      await asking.clock.advance(1_000);
    }
    expect(asking.calls.filter((call) => call.startsWith("tasks"))).toHaveLength(2);
  });
});
