/** Any error met while writing, as the `SinkError` that tells the runtime what to do. */
import { DeadlineError, type Fault, type FaultCode, fault, SinkError, type Stage } from '@inator/runtime';
import pg from 'pg';
import { byErrno, byMessage, bySqlstate, tlsPrefixes, unknownSqlstate, type Verdict } from './table.ts';

/** The stage's name; COPY names the line at fault behind it. */
export const stageName = 'inator_stage';

export interface ClassifyOptions {
  /** Where it happened, when COPY does not say so itself. Default `merge`. */
  readonly stage?: Stage;
  /** Index of the record that was being written alone. */
  readonly culprit?: number;
}

/**
 * The fault's reason never holds the server's `detail` (it quotes the row), and holds the server's message only where
 * that speaks of the server: messages about values quote them. The cause is stripped likewise, because causes get logged.
 */
export function classify(error: unknown, options: ClassifyOptions = {}): SinkError {
  if (error instanceof SinkError) return error;
  const verdict = verdictOf(error);
  if (verdict === undefined) {
    const name = error instanceof Error ? error.name : typeof error;
    const unknown = fault('defect', options.stage ?? 'merge', `an unexpected ${name} was thrown while writing`);
    return new SinkError('suspect', unknown, { culprit: options.culprit, cause: error });
  }
  const place = copyPlace(error);
  const found = new SinkError(verdict.is, faultOf(error, verdict, place, options.stage ?? 'merge'), {
    culprit: place === undefined ? options.culprit : place.line - 1,
    halve: verdict.halve ?? false,
    slow: verdict.slow ?? false,
    cause: stripped(error),
  });
  return sessionIsGone(error) ? endingSession(found) : found;
}

/** Errors that left their session of no use: most are classified before the lease that holds the session sees them. */
const ended = new WeakSet<SinkError>();

/** Marks the error: the lease that meets it gives its session up. */
export function endingSession(error: SinkError): SinkError {
  ended.add(error);
  return error;
}

/** True when the session must be destroyed: it is gone, of no more use, or its state is unknown. */
export function sessionIsGone(error: unknown): boolean {
  if (error instanceof SinkError) return ended.has(error);
  if (error instanceof pg.DatabaseError && /^(FATAL|PANIC)$/.test(error.severity ?? '')) return true;
  return verdictOf(error)?.gone ?? !(error instanceof pg.DatabaseError);
}

/** The row of the table for an error; undefined for what is no error of the server, the socket or the driver. */
export function verdictOf(error: unknown): Verdict | undefined {
  if (error instanceof DeadlineError) return { ...byErrnoOf('ETIMEDOUT'), name: 'deadline passed' };
  const message = messageOf(error);
  const code = nativeOf(error);
  const worded = byMessage.find(({ words, under }) => under.includes(code) && words.test(message));
  if (worded !== undefined && !isRaised(error)) return worded.verdict;
  if (code === undefined) return undefined;
  if (byErrno[code] !== undefined) return byErrno[code];
  if (tlsPrefixes.some((prefix) => code.startsWith(prefix))) {
    return { is: 'misconfigured', code: 'store-misconfigured', name: code };
  }
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const verdict = bySqlstate[code] ?? bySqlstate[code.slice(0, 2)] ?? unknownSqlstate;
  return specific(error, code, verdict);
}

function byErrnoOf(code: string): Verdict {
  return byErrno[code] ?? unknownSqlstate;
}

/** Where one SQLSTATE stands for several faults, its words tell them apart; they are the server's own, not the data's. */
function specific(error: unknown, code: string, verdict: Verdict): Verdict {
  const detail = error instanceof pg.DatabaseError ? (error.detail ?? '') : '';
  const as = (fault: FaultCode): Verdict => ({ ...verdict, code: fault });
  if (code === '22021' && messageOf(error).endsWith(': 0x00')) return as('text-nul');
  if (code === '22P05' && detail.includes('\\u0000')) return as('text-nul');
  if (code === '22P02' && /^Unicode (high|low) surrogate/.test(detail)) return as('text-surrogate');
  if (code === '22P02' && messageOf(error).includes('type json')) return as('json-invalid');
  return verdict;
}

interface CopyPlace {
  readonly line: number;
  readonly column: string | undefined;
}

/**
 * Where COPY met the error, lines from 1. Only the last line of the context is read: the ones before it may quote the
 * data. The words around the number depend on the server's language, the stage's name and the number do not.
 */
function copyPlace(error: unknown): CopyPlace | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined;
  const last = error.where?.split('\n').at(-1) ?? '';
  const match = new RegExp(`${stageName}\\D{0,20}(\\d+)(?:, \\p{L}+ ([^:]{1,63}))?`, 'u').exec(last);
  if (match === null) return undefined;
  return { line: Number(match[1]), column: match[2] };
}

/** As the server's own refusal of a row would be classified, for a demand of the table that a statement of ours found broken. */
export function demandFault(native: '23502' | '23514', named: string): Fault {
  const { code, name } = bySqlstate[native] ?? unknownSqlstate;
  return fault(code, 'copy', `PostgreSQL: ${name} (${native}), ${named}`, { native });
}

function faultOf(error: unknown, verdict: Verdict, place: CopyPlace | undefined, stage: Stage): Fault {
  const native = nativeOf(error);
  const parts = [native === undefined || native === verdict.name ? verdict.name : `${verdict.name} (${native})`];
  if (error instanceof pg.DatabaseError) {
    const column = place?.column ?? error.column;
    if (column !== undefined) parts.push(`column "${column}"`);
    if (error.constraint !== undefined) parts.push(`constraint "${error.constraint}"`);
  }
  const speaksOfServer = (verdict.is === 'unavailable' || verdict.is === 'misconfigured') && !isRaised(error);
  const message = messageOf(error);
  const said = speaksOfServer && message !== '' ? `: ${message}` : '';
  const reason = `PostgreSQL: ${parts.join(', ')}${said}`;
  return fault(verdict.code, place === undefined ? stage : 'copy', reason, { native });
}

/** A trigger may raise any SQLSTATE with words of its own, and those may quote the row. P0001 is raised by nothing else. */
function isRaised(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.routine === 'exec_stmt_raise' || error.code === 'P0001');
}

/** Read by their shape: an error of Node's own may come from another realm, where `instanceof` says no. */
function nativeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return '';
  return typeof error.message === 'string' ? error.message : '';
}

/** The cause without what quotes data: `detail`, `where`, `internalQuery` and messages about values. */
function stripped(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const { code, severity, schema, table, column, constraint, routine, position } = error;
  const cause = new Error(`${severity ?? 'ERROR'} ${code ?? ''} in ${routine ?? 'an unknown routine'}`);
  cause.name = 'DatabaseError';
  return Object.assign(cause, { code, schema, table, column, constraint, position });
}
