import { beforeAll, describe, expect, it } from "vitest";
import type { FindSecrets, Selection } from "../../lib/ports.ts";

type Tags = Readonly<Record<string, string>>;

export interface SecretListUnderTest {
  readonly find: FindSecrets;
  readonly create: (name: string, tags: Tags) => void;
  /** Marks it for deletion in a week. */
  readonly remove: (name: string) => void;
  /** Left out where the secret manager cannot. */
  readonly disable?: (name: string) => void;
}

/** More than two of the largest pages. */
const MANY = 250;
const FLEET: Tags = { fleet: "orders", team: "payments" };

/** What every list of secrets promises. `setup` is called once, and gives one that is empty. */
export function describeSecretListContract(name: string, setup: () => Promise<SecretListUnderTest>): void {
  describe(`${name} keeps the secret list's contract`, () => {
    const numbered = Array.from({ length: MANY }, (_, index) => `many-${index}`);
    let given: SecretListUnderTest;

    beforeAll(async () => {
      given = await setup();
      for (const secret of numbered) given.create(secret, FLEET);
      given.create("Many-0", {});
      given.create("another-many-0", {});
      given.create("mine", { fleet: "stock", team: "orders" });
      given.create("longer", { fleet: "orders-2", "fleet-2": "orders" });
      given.create("shouted", { Fleet: "orders" });
      given.create("loud", { fleet: "Orders" });
      given.create("few-kept", { "redis-rotation": "on" });
      given.create("few-off", { "redis-rotation": "off" });
      given.create("few-not-off", { "redis-rotation": "offline", state: "off" });
      given.create("few-gone", {});
      given.remove("few-gone");
      given.create("tagged-off", { pair: "x", "redis-rotation": "off" });
      given.create("tagged-gone", { pair: "x" });
      given.remove("tagged-gone");
      given.create("tagged", { pair: "x" });
      given.create("empty", { blank: "" });
      if (given.disable === undefined) return;
      given.create("few-disabled", {});
      given.disable("few-disabled");
      given.create("tagged-disabled", { pair: "x" });
      given.disable("tagged-disabled");
    });

    const names = async (selection: Selection): Promise<string[]> =>
      [...(await given.find(selection))].sort();
    const tag = (key: string, value: string): Selection => ({ tag: { key, value } });

    it.each<[string, Selection, readonly string[]]>([
      ["many of one prefix, on all pages", { prefix: "many-" }, numbered],
      ["many of one tag, on all pages", tag("fleet", "orders"), numbered],
      ["a prefix that differs in case alone", { prefix: "Many-" }, ["Many-0"]],
      ["a whole name", { prefix: "mine" }, ["mine"]],
      ["a tag whose key and value are two tags' elsewhere", tag("team", "orders"), ["mine"]],
      ["a tag whose key is longer elsewhere", tag("fleet-2", "orders"), ["longer"]],
      ["a tag whose key differs in case elsewhere", tag("Fleet", "orders"), ["shouted"]],
      ["a tag whose value differs in case elsewhere", tag("fleet", "Orders"), ["loud"]],
      ["a tag that has no value", tag("blank", ""), ["empty"]],
      ["a prefix, without what is off, disabled or gone", { prefix: "few-" }, ["few-kept", "few-not-off"]],
      ["a tag, without what is off, disabled or gone", tag("pair", "x"), ["tagged"]],
      ["a prefix that no name has", { prefix: "none-" }, []],
      ["a part of a name that is not its beginning", { prefix: "ny-0" }, []],
      ["a prefix that begins with an exclamation mark", { prefix: "!many-" }, []],
      ["a tag that no secret has", tag("fleet", "none"), []],
      ["a tag whose key and value are two tags' only", tag("team", "stock"), []],
      ["a tag whose value begins with an exclamation mark", tag("fleet", "!orders"), []],
      ["a tag in another script", tag("系统", "订单"), []],
    ])("finds %s", async (_, selection, expected) => {
      expect(await names(selection)).toEqual([...expected].sort());
    });
  });
}
