import { defineConfig } from "vitest/config";

/** The redaction proof: its own run, since it takes the machine for itself for minutes. */
export default defineConfig({
  test: {
    include: ["test/redaction/*.proof.ts"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
