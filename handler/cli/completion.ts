import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/** Adds `completion <shell>`, which prints the shell's script: commands, options, their values, and names of secrets. */
export function addCompletion(
  program: Command,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const completion = tab(program, { completionCommandName: "completion" });
  const names = (environment.ROTATION_SECRETS ?? "").split(",").map((name) => name.trim());
  for (const command of completion.commands.values()) {
    const argument = command.arguments.get("secret");
    if (argument === undefined) continue;
    argument.handler = (complete) => {
      for (const name of names) if (name !== "") complete(name, "");
    };
  }
}
