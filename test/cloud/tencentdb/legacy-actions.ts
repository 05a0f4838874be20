import { ApiError } from "./api-error.ts";
import { type ActionContext, type Actions, defineAction } from "./define-action.ts";
import { accountOf, DEFAULT_ACCOUNT } from "./instances.ts";
import { startChange } from "./password-actions.ts";
import { statusWord } from "./task-answers.ts";

/** DescribeTaskInfo's numbers; a word that is none of these is told as it is. */
const STATUS_NUMBERS: Readonly<Record<string, number>> = {
  preparing: 0,
  running: 1,
  succeed: 2,
  failed: 3,
  error: -1,
};

/** API 2.0: the actions and their `data`. What is refused has the codes of API 3.0; the front has the numbers. */
export function createLegacyActions(context: ActionContext): Actions {
  const { clock, instances, tasks } = context;
  return {
    ModfiyRedisPassword: defineAction(
      { redisId: "string!", oldPassword: "string!", password: "string!" },
      (region, { redisId, oldPassword, password }) => {
        const instance = instances.find(region, redisId);
        const account = accountOf(instance, DEFAULT_ACCOUNT);
        const change = { action: "ModfiyRedisPassword", oldPassword, password } as const;
        return { requestId: startChange(context, instance, account, change).taskId };
      },
    ),

    DescribeTaskInfo: defineAction({ requestId: "integer!" }, (region, { requestId }) => {
      const task = tasks.find(requestId);
      if (task === undefined || task.region !== region) {
        throw new ApiError("InvalidParameter.InvalidParameter", "Business parameter error.");
      }
      const word = statusWord(task, clock.now());
      return { status: STATUS_NUMBERS[word] ?? word };
    }),
  };
}
