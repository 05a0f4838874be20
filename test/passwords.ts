import { createCipheriv } from "node:crypto";
import { RotationError } from "../lib/errors.ts";
import { type EffectivePolicy, type PolicyOptions, passwordPolicy, violations } from "../lib/password.ts";
import type { InstancePasswordPolicy, PasswordApi, RandomBytes } from "../lib/ports.ts";

export const APIS = [
  "ResetPassword",
  "ModifyInstancePassword",
  "ModifyInstanceAccount",
  "ModfiyRedisPassword",
] as const satisfies PasswordApi[];
export const EDITIONS = ["redis", "ckv"] as const;

export const LOWER = "abcdefghijklmnopqrstuvwxyz";
export const UPPER = LOWER.toUpperCase();
export const DIGITS = "0123456789";
export const SPECIALS_3 = "()~!@#$%^&*-+=_|{}[]:;<>,.?/";

export function own(
  minLength: number,
  minLetters: number,
  minDigits: number,
  minSpecials: number,
): InstancePasswordPolicy {
  return { minLength, minLetters, minDigits, minSpecials };
}

export function policyOf(
  api: PasswordApi,
  instancePolicy?: InstancePasswordPolicy,
  length?: number,
): EffectivePolicy {
  return passwordPolicy({
    api,
    edition: "redis",
    ...(instancePolicy && { instancePolicy }),
    ...(length !== undefined && { length }),
  });
}

export function namesOf(policy: EffectivePolicy, password: string): string[] {
  return violations(policy, password).map(({ name }) => name);
}

/** A deterministic source of good random bytes: a key stream. */
export function seeded(seed: number): RandomBytes {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  return (size) => stream.update(Buffer.alloc(size));
}

export function contradictionOf(options: PolicyOptions): RotationError | undefined {
  try {
    passwordPolicy(options);
    return undefined;
  } catch (error) {
    if (error instanceof RotationError) return error;
    throw error;
  }
}

/** 25 passwords of two characters out of `abA`, `1` and `.`, in this order: 5 random bits a candidate. */
export const TINY: EffectivePolicy = {
  minLength: 1,
  maxLength: 8,
  length: 2,
  classes: ["ab", "A", "1", "."],
  forbiddenFirst: "",
  minimums: { letters: 0, digits: 0, specials: 0 },
  generated: { letters: "abA", digits: "1", specials: "." },
};

/** Gives each candidate in turn, followed by healthy spare bytes, and counts the calls. */
export function scripted(...candidates: number[][]): {
  readonly randomBytes: RandomBytes;
  readonly sizes: number[];
} {
  const sizes: number[] = [];
  const randomBytes = (size: number) => {
    const candidate = candidates[sizes.length];
    sizes.push(size);
    if (candidate === undefined) throw new RangeError("the script is over");
    return Uint8Array.from([...candidate, ...Array.from({ length: size - candidate.length }, (_, i) => i)]);
  };
  return { randomBytes, sizes };
}

/** All words of that length out of the characters. */
export function words(characters: string, length: number): string[] {
  if (length === 0) return [""];
  return words(characters, length - 1).flatMap((word) =>
    [...characters].map((character) => word + character),
  );
}
