import { beforeAll, describe, expect, it } from "vitest";
import type { Probe, ProbeTarget } from "../../lib/ports.ts";

export interface ProbeUnderTest {
  readonly probe: Probe;
  /** A server that is there, an account of it, and the password that opens it. */
  readonly target: ProbeTarget;
  /** Changes the password of the target's account at the server. */
  readonly changePassword: (password: string) => Promise<void>;
  /** Where nothing answers. */
  readonly nowhere: { readonly host: string; readonly port: number };
}

/** What every probe promises of one kind of account. `setup` is called once. */
export function describeProbeContract(name: string, setup: () => Promise<ProbeUnderTest>): void {
  describe(`${name} keeps the probe's contract`, () => {
    let given: ProbeUnderTest;
    beforeAll(async () => {
      given = await setup();
    });

    it("accepts the password that opens the server", async () => {
      expect(await given.probe(given.target)).toEqual({ answer: "accepted" });
    });

    it.each(["", "wrong", "Zq7 ~{}[]|:;<>,.?/é漢"])("rejects the password %j", async (password) => {
      expect(await given.probe({ ...given.target, password })).toEqual({ answer: "rejected" });
    });

    it("rejects a longer and a shorter form of the password", async () => {
      const { probe, target } = given;
      const near = [`${target.password}x`, target.password.slice(0, -1)];
      const verdicts = await Promise.all(near.map((password) => probe({ ...target, password })));
      expect(verdicts).toEqual([{ answer: "rejected" }, { answer: "rejected" }]);
    });

    it("says unknown, and why, where nothing answers", async () => {
      const verdict = await given.probe({ ...given.target, ...given.nowhere });
      expect(verdict).toEqual({ answer: "unknown", reason: expect.stringMatching(/\w+ \w+/) });
      expect(JSON.stringify(verdict)).not.toContain(given.target.password);
    });

    it("answers many at once", async () => {
      const { probe, target } = given;
      const passwords = [target.password, "wrong", target.password, "wrong", target.password];
      const verdicts = await Promise.all(passwords.map((password) => probe({ ...target, password })));
      expect(verdicts.map(({ answer }) => answer)).toEqual(
        passwords.map((password) => (password === "wrong" ? "rejected" : "accepted")),
      );
    });

    it("follows a change of the password at once", async () => {
      const { probe, target, changePassword } = given;
      const password = "nEw-pAss!@#$%^&*()_+=|{}:;<>,.?/";
      await changePassword(password);
      try {
        expect(await probe({ ...target, password })).toEqual({ answer: "accepted" });
        expect(await probe(target)).toEqual({ answer: "rejected" });
      } finally {
        await changePassword(target.password);
      }
      expect(await probe(target)).toEqual({ answer: "accepted" });
    });
  });
}
