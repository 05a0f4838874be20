import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "./api-error.ts";
import type { Account, Instance, InstanceList } from "./instances.ts";
import { type ParameterSpec, type ParameterValues, readParameters } from "./parameters.ts";
import type { TaskList } from "./tasks.ts";

/** The fields of an answer, without its RequestId. */
export type Fields = Readonly<Record<string, unknown>>;

export type Action = (region: string, parameters: Fields, fromQuery: boolean) => Fields;

export type Actions = Readonly<Record<string, Action>>;

export interface ActionContext {
  readonly clock: Clock;
  readonly instances: InstanceList;
  readonly tasks: TaskList;
  /** Whether it is the account's password now. */
  readonly isPassword: (account: Account, password: string) => boolean;
  readonly changePassword: (instance: Instance, account: Account, password: string) => Promise<void>;
}

/** An action that knows its parameters and refuses any other. */
export function defineAction<const S extends ParameterSpec>(
  spec: S,
  run: (region: string, values: ParameterValues<S>) => Fields,
): Action {
  return (region, parameters, fromQuery) => run(region, readParameters(spec, parameters, fromQuery));
}

/** @throws ApiError */
export function readPage(
  limit: number,
  offset: number,
  maximum: number,
): <T>(all: readonly T[]) => readonly T[] {
  if (limit < 1 || limit > maximum || offset < 0 || offset % limit !== 0) {
    throw new ApiError("InvalidParameterValue", "Limit or Offset is out of range.");
  }
  return (all) => all.slice(offset, offset + limit);
}
