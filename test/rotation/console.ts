import { INSTANCE, type Rig } from "./rig.ts";

/** Somebody starts a password task without this function: in the console, say. Returns the task's id. */
export async function changeInConsole(rig: Rig, password: string): Promise<number> {
  const { region, instanceId } = INSTANCE;
  const { TaskId } = await rig.tencentDb.dispatch({
    host: "redis.tencentcloudapi.com",
    method: "POST",
    action: "ResetPassword",
    version: "2018-04-12",
    region,
    parameters: { InstanceId: instanceId, Password: password },
    requestId: "from-the-console",
  });
  return Number(TaskId);
}
