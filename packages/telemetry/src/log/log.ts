/** The log: one typed event a line, as JSON for collectors or as key=value for people. */
import { pino } from 'pino';
import { createRedact, type Redact, redactAll } from '../redact.ts';
import { type LogEventName, type LogFields, type LogLevel, logKinds } from './kinds.ts';
import { textLine } from './text.ts';

export interface Log {
  write<N extends LogEventName>(event: N, fields: LogFields<N>): void;
  /** Lines that were dropped because nobody read standard output and the buffer was full. */
  readonly dropped: number;
  /** Writes what is buffered, synchronously: before `process.exit`. */
  flush(): void;
}

export interface LogOptions {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  readonly redact?: Redact;
  /** Standard output when left out. */
  readonly destination?: { write(line: string): void };
}

/** Beyond this, lines are dropped rather than memory filled or the event loop blocked by a reader that has stopped. */
const bufferBytes = 16 * 1024 * 1024;

export function createLog(options: LogOptions): Log {
  const { service, version, instance, level, format } = options;
  const redact = options.redact ?? createRedact();
  let dropped = 0;
  let flush = (): void => {};
  let out = options.destination;
  if (out === undefined) {
    // Not synchronous: a stalled reader of the log must not stall heartbeats. pino flushes it when the process exits.
    const stdout = pino.destination({ dest: 1, sync: false, maxLength: bufferBytes });
    stdout.on('drop', () => {
      dropped += 1;
    });
    flush = () => {
      try {
        stdout.flushSync();
      } catch {
        // Standard output is closed, or not open yet: there is nobody to tell.
      }
    };
    out = stdout;
  }
  const lines = out;
  const logger = pino(
    {
      level,
      base: { service, version, instance },
      messageKey: 'msg',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? lines : { write: (line: string) => lines.write(textLine(line)) },
  );
  return {
    write(event, fields) {
      const kind = logKinds[event];
      if (!logger.isLevelEnabled(kind.level)) return;
      logger[kind.level]({ event, ...(redactAll(fields, redact) as object) }, kind.msg);
    },
    get dropped() {
      return dropped;
    },
    flush: () => flush(),
  };
}
