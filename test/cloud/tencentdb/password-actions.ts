import { ApiError } from "./api-error.ts";
import { type ActionContext, type Actions, defineAction } from "./define-action.ts";
import { type Account, accountOf, DEFAULT_ACCOUNT, type Instance } from "./instances.ts";
import { acceptsPassword, type PasswordAction } from "./password-rules.ts";
import { ACCOUNT_CHANGE, FLOW_SETPWD } from "./task-answers.ts";
import type { Task } from "./tasks.ts";

interface Change {
  readonly action: PasswordAction;
  readonly password: string | undefined;
  /** Checked where it is asked for. */
  readonly oldPassword?: string;
  /** What the task does besides. */
  readonly besides?: () => unknown;
}

/**
 * Starts the task that changes the account's password, or with no password only what it changes besides.
 * @throws ApiError with the codes of API 3.0 where the change is refused
 */
export function startChange(
  context: ActionContext,
  instance: Instance,
  account: Account,
  change: Change,
): Task {
  const { action, password, oldPassword, besides } = change;
  const { instanceId, region, type, passwordPolicy } = instance;
  if (password === "" || oldPassword === "") {
    throw new ApiError("InvalidParameterValue.PasswordEmpty", "The password is empty.");
  }
  if (password !== undefined && !acceptsPassword(password, type, passwordPolicy, action)) {
    throw new ApiError("InvalidParameterValue.PasswordRuleError", "The password breaks the password rule.");
  }
  requireRunning(context.tasks.isBusy(instanceId) && instance.status === 2 ? 1 : instance.status);
  if (oldPassword !== undefined && !context.isPassword(account, oldPassword)) {
    throw new ApiError("InvalidParameterValue.PasswordError", "The old password is incorrect.");
  }
  return context.tasks.start({
    instanceId,
    region,
    taskType: action.endsWith("Account") ? ACCOUNT_CHANGE : FLOW_SETPWD,
    account: account.name,
    change: async () => {
      if (password !== undefined) await context.changePassword(instance, account, password);
      besides?.();
    },
  });
}

/** API 3.0: the password of the default account. */
export function createPasswordActions(context: ActionContext): Actions {
  const { instances } = context;

  const withOldPassword = (action: "ModifyInstancePassword" | "ModfiyInstancePassword") =>
    defineAction(
      {
        InstanceId: "string!",
        OldPassword: "string!",
        Password: "string!",
        ...(action === "ModfiyInstancePassword" && ({ EncryptPassword: "boolean" } as const)),
      },
      (region, { InstanceId, OldPassword, Password, EncryptPassword }) => {
        const instance = instances.find(region, InstanceId);
        refuseEncrypted(EncryptPassword);
        const account = accountOf(instance, DEFAULT_ACCOUNT);
        const change = { action, password: Password, oldPassword: OldPassword };
        return { TaskId: startChange(context, instance, account, change).taskId };
      },
    );

  return {
    ResetPassword: defineAction(
      { InstanceId: "string!", Password: "string", NoAuth: "boolean", EncryptPassword: "boolean" },
      (region, { InstanceId, Password, NoAuth, EncryptPassword }) => {
        const instance = instances.find(region, InstanceId);
        refusePasswordFree(NoAuth);
        refuseEncrypted(EncryptPassword);
        if (Password === undefined) {
          throw new ApiError("MissingParameter", "The request is missing a required parameter `Password`.");
        }
        const account = accountOf(instance, DEFAULT_ACCOUNT);
        const change = { action: "ResetPassword", password: Password } as const;
        return { TaskId: startChange(context, instance, account, change).taskId };
      },
    ),
    ModifyInstancePassword: withOldPassword("ModifyInstancePassword"),
    ModfiyInstancePassword: withOldPassword("ModfiyInstancePassword"),
  };
}

/** @throws ApiError */
export function refusePasswordFree(noAuth: boolean | undefined): void {
  if (noAuth !== true) return;
  throw new ApiError("InvalidParameterValue.PasswordFreeDenied", "Password-free access is denied.");
}

/** @throws ApiError */
export function refuseEncrypted(encryptPassword: boolean | undefined): void {
  if (encryptPassword !== true) return;
  throw new ApiError("UnsupportedOperation", "Encrypted passwords are not supported.");
}

function requireRunning(status: Instance["status"]): void {
  if (status === 2) return;
  const kind =
    status === -2 ? "InstanceIsolated" : status === -3 ? "InstanceDeleted" : "InstanceStatusAbnormal";
  throw new ApiError(
    `ResourceUnavailable.${kind}`,
    "The Redis status is exceptional, and the corresponding process cannot be executed.",
  );
}
