import { ApiError } from "./api-error.ts";
import { type ActionContext, type Actions, defineAction, type Fields, readPage } from "./define-action.ts";
import { type Account, DEFAULT_ACCOUNT, type Instance, ROOT } from "./instances.ts";
import { refuseEncrypted, refusePasswordFree, startChange } from "./password-actions.ts";
import { formatTime } from "./task-answers.ts";

/** Redis 2.8 and CKV have the default account alone. */
const TYPES_WITHOUT_ACCOUNTS = [2, 3, 4, 5];

/** API 3.0: the accounts of an instance. */
export function createAccountActions(context: ActionContext): Actions {
  const { instances, tasks } = context;

  function describeAccount(instance: Instance, account: Account): Fields {
    const changing = tasks.isBusy(instance.instanceId, account.name);
    return {
      InstanceId: instance.instanceId,
      AccountName: account.name === DEFAULT_ACCOUNT ? ROOT : account.name,
      Remark: "",
      Privilege: account.privilege,
      ReadonlyPolicy: account.readonlyPolicy,
      Status: changing && account.status === 2 ? 1 : account.status,
      CreateTime: "",
      PasswordLastModifiedTime:
        account.passwordChangedAtMs === undefined ? "" : formatTime(account.passwordChangedAtMs),
    };
  }

  return {
    DescribeInstanceAccount: defineAction(
      { InstanceId: "string!", Limit: "integer!", Offset: "integer!" },
      (region, { InstanceId, Limit, Offset }) => {
        const instance = instances.find(region, InstanceId);
        const accounts = [...instance.accounts.values()];
        const page = readPage(Limit, Offset, 100)(accounts);
        return {
          Accounts: page.map((account) => describeAccount(instance, account)),
          TotalCount: accounts.length,
        };
      },
    ),

    ModifyInstanceAccount: defineAction(
      {
        InstanceId: "string!",
        AccountName: "string!",
        AccountPassword: "string",
        Remark: "string",
        ReadonlyPolicy: "strings",
        Privilege: "string",
        NoAuth: "boolean",
        EncryptPassword: "boolean",
      },
      (region, values) => {
        const { AccountName, AccountPassword, ReadonlyPolicy, Privilege, NoAuth, EncryptPassword } = values;
        const instance = instances.find(region, values.InstanceId);
        const name = AccountName === ROOT ? DEFAULT_ACCOUNT : AccountName;
        const account = AccountName === DEFAULT_ACCOUNT ? undefined : instance.accounts.get(name);
        if (account === undefined || account.status === 4) {
          throw new ApiError("ResourceNotFound.AccountDoesNotExists", "The account does not exist.");
        }
        refusePasswordFree(NoAuth);
        refuseEncrypted(EncryptPassword);
        requireRights(Privilege, ReadonlyPolicy, ["r", "w", "rw"]);
        if (AccountName === ROOT && Privilege !== undefined) {
          throw new ApiError("InvalidParameter.NotSupported", "The default account's privilege is fixed.");
        }
        const task = startChange(context, instance, account, {
          action: "ModifyInstanceAccount",
          password: AccountPassword,
          besides: () => {
            account.privilege = Privilege ?? account.privilege;
            account.readonlyPolicy = ReadonlyPolicy ?? account.readonlyPolicy;
          },
        });
        return { TaskId: task.taskId };
      },
    ),

    CreateInstanceAccount: defineAction(
      {
        InstanceId: "string!",
        AccountName: "string!",
        AccountPassword: "string!",
        ReadonlyPolicy: "strings!",
        Privilege: "string!",
        Remark: "string",
        EncryptPassword: "boolean",
      },
      (region, { InstanceId, AccountName, AccountPassword, ReadonlyPolicy, Privilege, EncryptPassword }) => {
        const instance = instances.find(region, InstanceId);
        if (TYPES_WITHOUT_ACCOUNTS.includes(instance.type)) {
          throw new ApiError("FailedOperation.UnSupportError", "The instance does not support the API.");
        }
        refuseEncrypted(EncryptPassword);
        requireRights(Privilege, ReadonlyPolicy, ["r", "rw"]);
        const known =
          [ROOT, DEFAULT_ACCOUNT].includes(AccountName) || instance.accounts.get(AccountName)?.status === 2;
        // No document says with which code an account that is there already is refused.
        if (known || !/^[\w-]{1,32}$/.test(AccountName)) {
          throw new ApiError("InvalidParameter.IllegalParameterError", "AccountName is not valid, or taken.");
        }
        const account: Account = {
          name: AccountName,
          privilege: Privilege,
          readonlyPolicy: ReadonlyPolicy,
          status: 2,
          passwordChangedAtMs: undefined,
          passwordDigest: undefined,
        };
        const task = startChange(context, instance, account, {
          action: "CreateInstanceAccount",
          password: AccountPassword,
          besides: () => instance.accounts.set(AccountName, account),
        });
        return { TaskId: task.taskId };
      },
    ),
  };
}

function requireRights(
  privilege: string | undefined,
  readonlyPolicy: readonly string[] | undefined,
  privileges: readonly string[],
): void {
  if (privilege !== undefined && !privileges.includes(privilege)) {
    throw new ApiError("InvalidParameterValue", "Privilege is not valid.");
  }
  if (readonlyPolicy?.every((target) => ["master", "replication"].includes(target)) === false) {
    throw new ApiError("InvalidParameterValue", "ReadonlyPolicy is not valid.");
  }
}
