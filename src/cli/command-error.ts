// What ends a command with a message of one line on stderr and an exit code: 1 for what went wrong, 2 for how it was called; where
// istioctl has a code of its own (64 usage, 65 a file that cannot be parsed, 79 findings), that one.

type ExitCode = 1 | 2 | 64 | 65 | 79;

export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
