import { RotationError } from "../../lib/errors.ts";
import type { ControlPlane, SecretResult } from "../../lib/ports.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { type FleetOptions, rotateFleet } from "../../lib/rotation/fleet.ts";
import type { FleetWorld } from "../fakes/fleet-world.ts";

/** One run over the whole fleet. */
export const rotate = (world: FleetWorld, context: Context, options: Partial<FleetOptions> = {}) =>
  rotateFleet(context, world.names, optionsOf(world, options));

/** One canary, and a breaker at five. */
export function optionsOf(world: FleetWorld, options: Partial<FleetOptions> = {}): FleetOptions {
  return {
    intervalDays: 30,
    force: false,
    canary: 1,
    breaker: 5,
    concurrency: 300,
    perSecond: world.perSecond,
    apart: world.apart,
    onResult: () => {},
    ...options,
  };
}

/** How many ended how: `failed AccessDenied`. */
export function tally(results: readonly SecretResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, error } of results) {
    const ended = error ? `${status} ${error.code}` : status;
    counts[ended] = (counts[ended] ?? 0) + 1;
  }
  return counts;
}

/** The instances whose password was to be reset, in order. */
export const sent = ({ tencentDb }: FleetWorld) =>
  tencentDb.calls
    .filter(({ action }) => action === "ResetPassword")
    .map(({ instanceId }) => instanceId ?? "");

/** The API refuses, for these instances, to change a password. */
export function refusing(
  controlPlane: ControlPlane,
  isRefused: (instanceId: string) => boolean,
): ControlPlane {
  return {
    ...controlPlane,
    async changePassword(account, change) {
      if (!isRefused(account.instanceId)) return controlPlane.changePassword(account, change);
      throw new RotationError("AccessDenied", "ResetPassword: not authorised", { effect: "none" });
    },
  };
}
