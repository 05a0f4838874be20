import { createRequire } from "node:module";
import { build } from "esbuild";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEFT_OUT, leaveOut } from "../build/left-out.ts";

/** What it takes the place of, as `importer` would have it. */
function original(name: string, importer: string) {
  return createRequire(createRequire(import.meta.url).resolve(importer))(name);
}

/** As it is bundled in the module's place. */
async function standIn(name: string) {
  const { outputFiles } = await build({
    stdin: { contents: `export { default } from "${name}";` },
    bundle: true,
    format: "esm",
    write: false,
    plugins: [leaveOut(LEFT_OUT)],
  });
  return (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`)).default;
}

describe("a stand-in does as what it stands in for", () => {
  it("denque, in all that the Redis client does with a queue", async () => {
    const Queue = await standIn("denque");
    const Denque = original("denque", "iovalkey");
    const index = fc.nat({ max: 5 });
    const step = fc.oneof(
      fc.tuple(fc.constant("push" as const), fc.nat()),
      fc.tuple(fc.constant("unshift" as const), fc.nat()),
      fc.tuple(fc.constant("shift" as const), fc.nat()),
      fc.tuple(fc.constant("peekAt" as const), index),
      fc.tuple(fc.constant("remove" as const), index),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const real = new Denque();
        const queue = new Queue();
        for (const [name, value] of steps) {
          if (name === "remove") {
            // The client never removes what it has not looked at.
            if (real.length > value) expect(queue.remove(value, 1)).toEqual(real.remove(value, 1));
          } else expect(queue[name](value)).toEqual(real[name](value));
          expect([...queue]).toEqual(real.toArray());
          expect(queue.length).toBe(real.length);
        }
      }),
    );
  });

  it("lodash.defaults, for what is set, undefined, null or missing", async () => {
    const defaults = await standIn("lodash.defaults");
    const real = original("lodash.defaults", "iovalkey");
    const value = fc.option(fc.oneof(fc.string(), fc.constant(undefined)), { nil: null });
    const options = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), value);
    fc.assert(
      fc.property(options, options, fc.option(options), (target, first, second) => {
        expect(defaults({ ...target }, first, second)).toEqual(real({ ...target }, first, second));
      }),
    );
  });

  it("json-bigint, for what a request can hold", async () => {
    const { stringify } = (await standIn("json-bigint"))();
    const real = original("json-bigint", "tencentcloud-sdk-nodejs")({ useNativeBigInt: true });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (request) => {
        expect(JSON.parse(stringify(request))).toEqual(JSON.parse(real.stringify(request)));
      }),
    );
  });
});
