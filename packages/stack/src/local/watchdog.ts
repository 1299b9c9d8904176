/**
 * Ends a server when the process that started it ends, however it ends.
 *
 * A small shell is told which process to watch over and waits for its standard input to close, which the kernel does when
 * this process is gone, even by SIGKILL. It then kills the server with its children, and deletes the data when that is
 * worth nothing any more. It ignores the signals of the terminal: Ctrl-C reaches only those who stop things in order.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { startToken } from './processes.ts';

// Reads `watch PID START`, `nothing`, `dismissed`. START is as /proc tells it, so that a later process with the same id
// is left alone. The arguments are the folders to delete.
const script = `
trap '' INT TERM HUP QUIT TSTP
pid=
while read -r word one two; do
  case "$word" in
    watch) pid=$one; start=$two ;;
    nothing) pid= ;;
    dismissed) exit 0 ;;
  esac
done
started() { sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20; }
if [ -n "$pid" ] && { [ -z "$start" ] || [ "$(started)" = "$start" ]; }; then
  kill -STOP "$pid" 2>/dev/null
  below=$(cat /proc/"$pid"/task/*/children 2>/dev/null)
  [ -z "$below" ] || kill -KILL $below 2>/dev/null
  kill -KILL "$pid" 2>/dev/null
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
fi
for dir in "$@"; do rm -rf -- "$dir"; rmdir -- "$(dirname -- "$dir")" 2>/dev/null; done
exit 0
`;

export interface Watchdog {
  /** From now on this process is the one to end. */
  watch(pid: number): void;
  /** The process has ended; the data is still watched over. */
  forget(): void;
  /** Nothing is left to watch. */
  dismiss(): void;
}

/** Starts watching. `deleteDirs` go when this process dies; their parent folders too, where they are empty then. */
export function startWatchdog(deleteDirs: readonly string[]): Watchdog {
  const shell = spawn('sh', ['-c', script, 'sh', ...deleteDirs], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const input = shell.stdin as Socket;
  // Neither the shell nor the pipe may keep this process alive; and a shell that is gone already is no error of ours.
  shell.on('error', () => {});
  input.on('error', () => {});
  shell.unref();
  input.unref();
  const tell = (line: string): void => {
    input.write(`${line}\n`);
  };
  return {
    watch(pid) {
      tell(`watch ${pid} ${process.platform === 'linux' ? (startToken(pid) ?? '') : ''}`);
    },
    forget() {
      tell('nothing');
    },
    dismiss() {
      input.end('dismissed\n');
    },
  };
}
