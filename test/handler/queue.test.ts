import { describe, expect, it } from "vitest";
import type { DrivenRequest } from "../../handler/events.ts";
import { workOff } from "../../handler/queue.ts";
import type { RotationError } from "../../lib/errors.ts";
import type { Answer, Status } from "../../lib/ports.ts";
import { summarize } from "../../lib/rotation/answer.ts";

const message = (messageId: string) => ({
  messageId,
  request: { action: "rotate", secretIds: [messageId], force: false, scheduled: true } as const,
});
const answerWith = (...statuses: Status[]): Answer =>
  summarize(
    "rotate",
    statuses.map((status) => ({ secretId: "redis/orders", status, durationMs: 1 })),
  );

describe("workOff", () => {
  it.each<[readonly Status[], boolean]>([
    [["rotated"], false],
    [["not-due"], false],
    [["ok", "planned"], false],
    [["failed"], true],
    [["drift"], true],
    [["in-progress"], true],
    [["rotated", "in-progress", "rotated"], true],
  ])("of a message whose secrets are %j: it comes back: %s", async (statuses, comesBack) => {
    const work = { drive: async () => answerWith(...statuses), onError: () => {} };
    expect(await workOff([message("m")], work)).toEqual({
      batchItemFailures: comesBack ? [{ itemIdentifier: "m" }] : [],
    });
  });

  it("has a message come back whose work throws, tells why, and goes on with the others", async () => {
    const told: RotationError[] = [];
    const drive = async ({ secretIds }: DrivenRequest) => {
      if (secretIds?.includes("b")) throw new TypeError("a defect that quotes a password");
      return answerWith("rotated");
    };
    const answer = await workOff([message("a"), message("b"), message("c")], {
      drive,
      onError: (error) => told.push(error),
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "b" }] });
    expect(told).toMatchObject([{ code: "Internal" }]);
    expect(told[0]?.message).not.toContain("password");
  });

  it("works on all messages at the same time", async () => {
    let begun = 0;
    let begin = (): void => {};
    const allBegun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const drive = async () => {
      begun += 1;
      if (begun === 10) begin();
      await allBegun;
      return answerWith("rotated");
    };
    const messages = Array.from({ length: 10 }, (_, index) => message(`${index}`));
    expect(await workOff(messages, { drive, onError: () => {} })).toEqual({ batchItemFailures: [] });
  });
});
