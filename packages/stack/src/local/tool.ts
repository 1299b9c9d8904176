/** Running a program to its end, with a deadline. */
import { spawn } from 'node:child_process';
import { StackError, type ToolResult } from '../server.ts';

export interface ToolOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly input?: string;
  /** Milliseconds, after which it is killed. Default 120,000. */
  readonly timeoutMs?: number;
  /** Receives every line of both outputs as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Resolves with both outputs when it exits with 0, else rejects with the end of what it said. */
export function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const { env = process.env, cwd, uid, gid, input, timeoutMs = 120_000, onLine } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    let stdout = '';
    let stderr = '';
    const failed = (how: string): StackError => {
      const said = tail(`${stdout}\n${stderr}`, 15);
      return new StackError('tool-failed', 'server', `${command} ${args.join(' ')} ${how}${said && `:\n${said}`}`);
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // Not when the outputs close: a process that the tool left behind may hold them open for ever.
      reject(failed(`did not end within ${timeoutMs} ms`));
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, timeoutMs);
    const listen = (stream: NodeJS.ReadableStream | null, add: (text: string) => void): void => {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        add(text);
        if (onLine !== undefined) for (const line of text.split('\n')) if (line.trim() !== '') onLine(line);
      });
    };
    listen(child.stdout, (text) => {
      stdout += text;
    });
    listen(child.stderr, (text) => {
      stderr += text;
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new StackError('tool-failed', 'operator', `${command} cannot be run: ${cause.message}`, { cause }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve({ stdout, stderr });
      else reject(failed(`ended with ${code ?? signal}`));
    });
  });
}

/** The last lines of a text that say something. */
export function tail(text: string, lines: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n');
}
