import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The matrices last: they take seconds, and most mutants are dead before. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification) => Number(/\/torture\/|password-draw/.test(moduleId));
    return files.toSorted((a, b) => isSlow(a) - isSlow(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

/** For Stryker: the tests that judge lib/rotation, the passwords and the errors in memory. No redis-server, no bundles, no fleet of a thousand. */
export default defineConfig({
  test: {
    include: [
      "test/*password*.test.ts",
      "test/errors.test.ts",
      "test/rotation/*.test.ts",
      "test/drivers/*-errors.test.ts",
      "test/docs/errors.test.ts",
      "test/handler/invoke.test.ts",
    ],
    exclude: ["test/rotation/fleet.test.ts"],
    testTimeout: 4_000,
    isolate: false,
    sequence: { sequencer: QuickFirst },
  },
});
