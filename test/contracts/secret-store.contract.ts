import { randomUUID } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SecretStore, Stage } from "../../lib/ports.ts";

export interface SecretStoreUnderTest {
  readonly store: SecretStore;
  /** Makes a secret with this current value. */
  readonly create: (text: string) => Promise<{ readonly secretId: string; readonly currentId: string }>;
  /**
   * What a secret manager does that itself starts a rotation: the version is pending and has no value yet. Left out with
   * {@link ContractOptions.rotates} only.
   */
  readonly startRotation?: (secretId: string, versionId: string) => Promise<void>;
  /** What a run does that dies in the middle of a promotion: the version is current and still pending. */
  readonly promoteByHalf: (secretId: string, versionId: string, from: string) => Promise<void>;
}

export interface ContractOptions {
  /** Whether the secret manager can itself start a rotation. Default true. */
  readonly rotates?: boolean;
  /** In bytes. Default 60 000. */
  readonly longestText?: number;
}

const TEXTS = [
  '{"engine":"tencentdb-redis","region":"ap-guangzhou","password":"a\\"b\\\\c","note":{"kept":[1,2.50,null]}}',
  ' {"password" : "x" ,\r\n\t"order": 1, "order2": 2}\n',
  "ключ 密码 🔑 e\u0301 \u00e9 \u2028 \ufeff",
  "<>&'\"`~!@#$%^*()-+=_|{}[]:;,.?/\\",
];

/** What every secret store promises. `setup` is called once. */
export function describeSecretStoreContract(
  name: string,
  setup: () => Promise<SecretStoreUnderTest>,
  { rotates = true, longestText = 60_000 }: ContractOptions = {},
): void {
  const itWhereItRotates = (what: string, test: () => Promise<void>): void => {
    if (rotates) it(what, test);
  };
  const texts = [...TEXTS, "x".repeat(longestText)];

  describe(`${name} keeps the secret store's contract`, () => {
    let given: SecretStoreUnderTest;
    let store: SecretStore;
    let secretId = "";
    let oldId = "";
    let newId = "";

    beforeAll(async () => {
      given = await setup();
      store = given.store;
    });
    beforeEach(async () => {
      ({ secretId, currentId: oldId } = await given.create("old"));
      newId = randomUUID();
    });

    const stages = async (): Promise<Readonly<Record<string, readonly Stage[]>>> => {
      const { versions } = await store.describe(secretId);
      return Object.fromEntries(versions.map((version) => [version.versionId, [...version.stages].sort()]));
    };
    const stage = (versionId: string, text: string) => store.stage(secretId, { versionId, text });
    const startRotation = async (versionId: string) => {
      if (given.startRotation === undefined) throw new Error("It does not start rotations");
      await given.startRotation(secretId, versionId);
    };

    describe("describe", () => {
      it("tells the secret's names and its versions, and takes either name", async () => {
        const description = await store.describe(secretId);
        expect(description).toMatchObject({
          name: secretId,
          rotationEnabled: false,
          versions: [{ versionId: oldId, stages: ["current"] }],
        });
        expect(await store.describe(description.secretId)).toEqual(description);
      });

      itWhereItRotates("tells whether the secret manager itself rotates the secret", async () => {
        await startRotation(newId);
        expect(await store.describe(secretId)).toMatchObject({ rotationEnabled: true });
        expect(await stages()).toEqual({ [oldId]: ["current"], [newId]: ["pending"] });
      });

      it("names only versions that carry a stage", async () => {
        await stage(newId, "new");
        await store.release(secretId, newId);
        expect(await stages()).toEqual({ [oldId]: ["current"] });
      });
    });

    describe("read", () => {
      it("gives the value of a version with its stages and its age", async () => {
        const version = await store.read(secretId, oldId);
        expect(version).toEqual({
          versionId: oldId,
          text: "old",
          stages: ["current"],
          createdAt: expect.any(Date),
        });
        expect(version?.createdAt.getTime()).toBeGreaterThan(Date.UTC(2020));
      });

      itWhereItRotates("gives nothing for a version that has no value yet", async () => {
        await startRotation(newId);
        expect(await store.read(secretId, newId)).toBeUndefined();
      });

      it("gives nothing for a version that does not exist", async () => {
        expect(await store.read(secretId, newId)).toBeUndefined();
      });

      it("gives a released version", async () => {
        await stage(newId, "new");
        await store.release(secretId, newId);
        expect(await store.read(secretId, newId)).toMatchObject({ text: "new", stages: [] });
      });
    });

    describe("stage", () => {
      it("stores the value, labels it pending, and leaves the current one alone", async () => {
        expect(await stage(newId, "new")).toMatchObject({
          versionId: newId,
          text: "new",
          stages: ["pending"],
        });
        expect(await stages()).toEqual({ [oldId]: ["current"], [newId]: ["pending"] });
        expect(await store.read(secretId, oldId)).toMatchObject({ text: "old" });
      });

      it.each(texts.map((text) => [text.slice(0, 20), text]))("keeps %j… byte for byte", async (_, text) => {
        expect((await stage(newId, text)).text).toBe(text);
        expect((await store.read(secretId, newId))?.text).toBe(text);
      });

      itWhereItRotates("gives a value to the version that the secret manager made", async () => {
        await startRotation(newId);
        const version = { versionId: newId, text: "new", isPending: true, rotationToken: randomUUID() };
        expect(await store.stage(secretId, version)).toMatchObject({ text: "new", stages: ["pending"] });
        expect(await store.read(secretId, newId)).toMatchObject({ text: "new" });
      });

      it("returns the value that is there and never replaces it", async () => {
        await stage(newId, "first");
        expect(await stage(newId, "second")).toMatchObject({ text: "first", stages: ["pending"] });
        expect(await store.read(secretId, newId)).toMatchObject({ text: "first" });
      });

      it("can be repeated with the same value", async () => {
        await stage(newId, "new");
        expect(await stage(newId, "new")).toMatchObject({ text: "new", stages: ["pending"] });
        expect(await stages()).toEqual({ [oldId]: ["current"], [newId]: ["pending"] });
      });

      it.each(["new", "another"])("returns a released version as it is when %j is staged", async (text) => {
        await stage(newId, "new");
        await store.release(secretId, newId);
        expect(await stage(newId, text)).toMatchObject({ text: "new", stages: [] });
        expect(await stages()).toEqual({ [oldId]: ["current"] });
      });

      it.each(["new", "another"])("returns a current version as it is when %j is staged", async (text) => {
        await stage(newId, "new");
        await store.promote(secretId, newId, oldId);
        expect(await stage(newId, text)).toMatchObject({ text: "new", stages: ["current"] });
        expect(await stages()).toEqual({ [oldId]: ["previous"], [newId]: ["current"] });
      });

      it("is a conflict where another version is pending, and leaves that one alone", async () => {
        const other = randomUUID();
        await stage(other, "other");
        await expect(stage(newId, "new")).rejects.toMatchObject({ code: "StoreConflict", passing: true });
        expect(await stages()).toEqual({ [oldId]: ["current"], [other]: ["pending"] });
      });

      it("takes up, once nothing is pending, what was stored and could not become pending", async () => {
        const other = randomUUID();
        await stage(other, "other");
        await stage(newId, "new").catch(() => {});
        await store.release(secretId, other);
        const stored = await stage(newId, "newer");
        expect(stored.stages).toEqual(["pending"]);
        expect(await store.read(secretId, newId)).toMatchObject({ text: stored.text });
        expect(await stages()).toEqual({ [oldId]: ["current"], [newId]: ["pending"] });
      });

      it("gives the same value to all of several runs that start together", async () => {
        const answers = await Promise.all(["a", "b", "c"].map((text) => stage(newId, text)));
        const [first] = answers;
        expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
        expect(await store.read(secretId, newId)).toMatchObject({ text: first?.text });
      });
    });

    describe("promote", () => {
      beforeEach(async () => {
        await stage(newId, "new");
      });
      const promoted = () => ({ [oldId]: ["previous"], [newId]: ["current"] });

      it("makes the version current, the one before it previous, and none pending", async () => {
        await store.promote(secretId, newId, oldId);
        expect(await stages()).toEqual(promoted());
      });

      it("can be repeated", async () => {
        await store.promote(secretId, newId, oldId);
        await store.promote(secretId, newId, oldId);
        expect(await stages()).toEqual(promoted());
      });

      it("finishes what another run left half-way", async () => {
        await given.promoteByHalf(secretId, newId, oldId);
        expect(await stages()).toEqual({ [oldId]: ["previous"], [newId]: ["current", "pending"] });
        await store.promote(secretId, newId, oldId);
        expect(await stages()).toEqual(promoted());
      });

      it("promotes a version that is no longer pending", async () => {
        await store.release(secretId, newId);
        await store.promote(secretId, newId, oldId);
        expect(await stages()).toEqual(promoted());
      });

      it("leaves another pending version alone", async () => {
        const other = randomUUID();
        await given.promoteByHalf(secretId, newId, oldId);
        await stage(other, "other");
        await store.promote(secretId, newId, oldId);
        expect(await stages()).toEqual({ ...promoted(), [other]: ["pending"] });
      });

      it("is a conflict where neither version is current", async () => {
        const other = randomUUID();
        await store.promote(secretId, newId, oldId);
        await stage(other, "other");
        await expect(store.promote(secretId, other, oldId)).rejects.toMatchObject({
          code: "StoreConflict",
          effect: "none",
          passing: true,
        });
        expect(await stages()).toEqual({ ...promoted(), [other]: ["pending"] });
      });

      it("refuses a version that does not exist", async () => {
        await expect(store.promote(secretId, randomUUID(), oldId)).rejects.toMatchObject({ effect: "none" });
        expect(await stages()).toEqual({ [oldId]: ["current"], [newId]: ["pending"] });
      });

      it("can go back to the previous version", async () => {
        await store.promote(secretId, newId, oldId);
        await store.promote(secretId, oldId, newId);
        expect(await stages()).toEqual({ [newId]: ["previous"], [oldId]: ["current"] });
      });
    });

    describe("release", () => {
      it("takes the label pending off and leaves the value", async () => {
        await stage(newId, "new");
        await store.release(secretId, newId);
        expect(await stages()).toEqual({ [oldId]: ["current"] });
        expect(await store.read(secretId, newId)).toMatchObject({ text: "new" });
      });

      itWhereItRotates("takes it off a version without a value, too", async () => {
        await startRotation(newId);
        await store.release(secretId, newId);
        expect(await stages()).toEqual({ [oldId]: ["current"] });
      });

      it("can be repeated, and takes nothing from a current or an unknown version", async () => {
        await stage(newId, "new");
        await store.release(secretId, newId);
        for (const versionId of [newId, oldId, randomUUID()]) await store.release(secretId, versionId);
        expect(await stages()).toEqual({ [oldId]: ["current"] });
      });

      it("leaves another pending version alone", async () => {
        await stage(newId, "new");
        await store.release(secretId, oldId);
        expect(await stages()).toEqual({ [oldId]: ["current"], [newId]: ["pending"] });
      });
    });

    it.each<[keyof SecretStore, (unknown: string) => Promise<unknown>]>([
      ["describe", (unknown) => store.describe(unknown)],
      ["read", (unknown) => store.read(unknown, newId)],
      ["stage", (unknown) => store.stage(unknown, { versionId: newId, text: "new" })],
      ["promote", (unknown) => store.promote(unknown, newId, oldId)],
      ["release", (unknown) => store.release(unknown, newId)],
    ])("%s says SecretNotFound where there is no such secret", async (_, call) => {
      await expect(call(`no-such-${randomUUID()}`)).rejects.toMatchObject({
        name: "RotationError",
        code: "SecretNotFound",
        effect: "none",
      });
    });
  });
}
