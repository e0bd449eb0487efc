// What ends a command with a message of one line on stderr and an exit code: 1 for what went wrong, 2 for how it was called.

export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
