/**
 * What a failure of the graph store means. The store's class of an error is not enough: an over-long key is a
 * `DatabaseError`, a terminated transaction a `ClientError`, a record nested too deep a `ServiceUnavailable`. So there
 * is one table, read top down; what it does not know is suspect.
 */
import { DeadlineError, type FaultCode, fault, SinkError, type SinkErrorKind } from '@inator/runtime';

export interface FaultRow {
  /** The whole of the store's code, or its beginning when it ends in `.*`. */
  readonly native: string;
  /** Narrows the row to messages that match. */
  readonly message?: RegExp;
  readonly is: SinkErrorKind;
  readonly code: FaultCode;
  /** A sentence without payload: the store's own messages quote values. */
  readonly reason: string;
  /** A smaller batch may pass. */
  readonly halve?: true;
  /** A time limit was passed. */
  readonly slow?: true;
}

const busy = (native: string, reason: string): FaultRow => ({ native, is: 'unavailable', code: 'store-busy', reason });
const smaller = (native: string, reason: string): FaultRow => ({ ...busy(native, reason), halve: true });
/** Waiting for somebody's lock counts towards the limit, so no record is ever to blame, not even one alone. */
const late = (native: string, reason: string): FaultRow => ({ ...busy(native, reason), slow: true });
const away = (native: string, reason: string): FaultRow => ({
  native,
  is: 'unavailable',
  code: 'store-unreachable',
  reason,
});
const refused = (native: string, code: FaultCode, reason: string): FaultRow => ({
  native,
  is: 'refused',
  code,
  reason,
});
const operator = (native: string, reason: string): FaultRow => ({
  native,
  is: 'misconfigured',
  code: 'store-misconfigured',
  reason,
});
const suspect = (native: string, reason: string): FaultRow => ({ native, is: 'suspect', code: 'defect', reason });

const client = 'Neo.ClientError';

/** The table. Order matters only where a `.*` row follows its exceptions. */
export const faultTable: readonly FaultRow[] = [
  away('ServiceUnavailable', 'Neo4j does not answer'),
  away('SessionExpired', 'the Neo4j server no longer serves this session'),
  { ...away('N/A', 'no Neo4j connection became free in time'), message: /acquisition|pool/i },

  busy('Neo.TransientError.Transaction.DeadlockDetected', 'Neo4j broke a deadlock by ending this transaction'),
  smaller('Neo.TransientError.General.MemoryPoolOutOfMemoryError', 'the batch passes the memory Neo4j allows'),
  smaller('Neo.TransientError.General.OutOfMemoryError', 'Neo4j is out of memory'),
  smaller('Neo.TransientError.General.StackOverFlowError', 'Neo4j ran out of stack'),
  smaller('Neo.TransientError.General.TransactionMemoryLimit', 'the batch passes the memory Neo4j allows'),
  smaller('Neo.TransientError.General.TransactionOutOfMemoryError', 'the batch passes the memory Neo4j allows'),
  away('Neo.TransientError.General.DatabaseUnavailable', 'the Neo4j database is not available yet'),
  busy('Neo.TransientError.*', 'Neo4j asks to try again'),

  busy(`${client}.Transaction.LockClientStopped`, 'Neo4j ended the transaction while it waited for a lock'),
  busy(`${client}.Transaction.Terminated`, 'Neo4j ended the transaction'),
  busy(`${client}.Transaction.TransactionMarkedAsFailed`, 'Neo4j had already given up the transaction'),
  late(`${client}.Transaction.TransactionTimedOut`, 'the transaction took longer than Neo4j allows'),
  late(
    `${client}.Transaction.TransactionTimedOutClientConfiguration`,
    'the transaction took longer than the configured timeout',
  ),
  busy(`${client}.Transaction.TransactionNotFound`, 'Neo4j does not know the transaction any more'),
  away(`${client}.Cluster.NotALeader`, 'the Neo4j server is not the leader of its cluster'),
  away(`${client}.General.ForbiddenOnReadOnlyDatabase`, 'the Neo4j database is read-only at the moment'),
  smaller(`${client}.General.TransactionOutOfMemoryError`, 'the batch passes the memory Neo4j allows'),
  busy(`${client}.Statement.EntityNotFound`, 'another writer deleted what this transaction was about to change'),

  away(`${client}.Security.AuthorizationExpired`, "the Neo4j connection's authorization expired"),
  away(`${client}.Security.TokenExpired`, "the Neo4j connection's token expired"),
  operator(`${client}.Security.Unauthorized`, 'Neo4j refuses user name or password'),
  operator(`${client}.Security.*`, 'Neo4j denies what the service needs to do'),
  operator(`${client}.Database.DatabaseNotFound`, 'the Neo4j database does not exist'),
  operator(`${client}.Procedure.ProcedureNotFound`, 'Neo4j lacks a procedure that the service needs'),
  operator(`${client}.Schema.ConstraintCreationFailed`, 'Neo4j cannot create a constraint'),
  operator('Neo.DatabaseError.Schema.ConstraintCreationFailed', 'Neo4j cannot create a constraint'),
  operator(`${client}.Schema.IndexAlreadyExists`, 'an index without uniqueness stands where a constraint must be'),
  operator(`${client}.Schema.IndexNotFound`, 'an index that a constraint brings is missing'),

  refused(`${client}.Statement.TypeError`, 'value-refused', 'Neo4j cannot store a value of this type'),
  refused(`${client}.Statement.SemanticError`, 'value-refused', 'Neo4j cannot use a value as a key'),
  refused(`${client}.Statement.ArithmeticError`, 'value-refused', 'a number is outside what Neo4j can compute with'),
  refused(`${client}.Statement.ArgumentError`, 'value-refused', 'Neo4j does not accept a value'),
  refused(`${client}.Statement.ConstraintVerificationFailed`, 'constraint-refused', 'a constraint forbids the record'),
  refused(`${client}.Schema.ConstraintValidationFailed`, 'constraint-refused', 'a constraint forbids the record'),
  refused(`${client}.Schema.TokenNameError`, 'value-refused', 'Neo4j does not accept a property name'),
  {
    ...refused(
      'Neo.DatabaseError.Statement.ExecutionFailed',
      'limit-refused',
      'a text is too long for the index on its property',
    ),
    message: /too large to index/i,
  },

  suspect(`${client}.Statement.SyntaxError`, 'Neo4j could not read a value or a statement'),
  suspect(`${client}.Statement.ParameterMissing`, 'a statement lacks a parameter'),
  suspect('ProtocolError', 'the talk with Neo4j went out of step'),
  suspect('Neo.DatabaseError.*', 'Neo4j failed for a reason of its own'),
];

/** Certificates that do not hold, as Node names them: nothing heals but a change of configuration. */
const tlsTrouble = /certificate|self[- ]signed|CERT_|ERR_TLS|unable to verify|alert handshake|wrong version number/i;

/** What is wrong with it, by what Node.js or OpenSSL call it. The driver buries that in advice on how to check less. */
const tlsReasons: readonly (readonly [RegExp, string])[] = [
  [/CERT_HAS_EXPIRED|certificate has expired/, 'the certificate has expired (CERT_HAS_EXPIRED)'],
  [/CERT_NOT_YET_VALID/, 'the certificate is not valid yet (CERT_NOT_YET_VALID)'],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/,
    'the certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)',
  ],
  [/DEPTH_ZERO_SELF_SIGNED_CERT/, 'the certificate is signed by itself (DEPTH_ZERO_SELF_SIGNED_CERT)'],
  [
    /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE/,
    'the certificate is signed by an authority that is not trusted',
  ],
  [/wrong version number/i, 'the server does not speak TLS'],
];

function tlsReason(message: string): string {
  const known = tlsReasons.find(([pattern]) => pattern.test(message));
  return known?.[1] ?? 'certificate, authority or scheme do not fit';
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function rowFor(code: string, message: string): FaultRow | undefined {
  return faultTable.find(
    ({ native, message: pattern }) =>
      (native.endsWith('.*') ? code.startsWith(native.slice(0, -1)) : code === native) &&
      (pattern === undefined || pattern.test(message)),
  );
}

/** Whatever was thrown while talking to Neo4j, as a `SinkError`; one that is already classified passes. */
export function classify(thrown: unknown): SinkError {
  if (thrown instanceof SinkError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error instanceof DeadlineError) {
    return new SinkError('unavailable', fault('store-unreachable', 'graph', error.message), { cause: error });
  }
  const code = codeOf(error);
  if (code === 'ServiceUnavailable' && tlsTrouble.test(error.message)) {
    const reason = `TLS with Neo4j cannot be set up: ${tlsReason(error.message)}`;
    return new SinkError('misconfigured', fault('store-misconfigured', 'graph', reason, { native: code }), {
      cause: error,
    });
  }
  const row = code === undefined ? undefined : rowFor(code, error.message);
  if (row === undefined) {
    const reason = `Neo4j or its driver failed with ${code ?? error.name}, which no rule knows`;
    return new SinkError('suspect', fault('defect', 'graph', reason, { native: code }), { cause: error });
  }
  return new SinkError(row.is, fault(row.code, 'graph', row.reason, { native: code }), {
    halve: row.halve ?? false,
    slow: row.slow ?? false,
    cause: error,
  });
}
