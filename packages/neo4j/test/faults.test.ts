import { DeadlineError, faultKinds, SinkError } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { classify, faultTable } from '../src/index.ts';

const neo4jError = (code: string, message = 'x'): Error =>
  Object.assign(new Error(message), { name: 'Neo4jError', code });

describe('what a failure of Neo4j means', () => {
  const rows: readonly [code: string, message: string, is: string, fault: string, halve?: boolean][] = [
    ['ServiceUnavailable', 'Connection was closed by server', 'unavailable', 'store-unreachable'],
    ['SessionExpired', 'x', 'unavailable', 'store-unreachable'],
    ['N/A', 'Connection acquisition timed out in 60000 ms.', 'unavailable', 'store-unreachable'],
    ['Neo.TransientError.Transaction.DeadlockDetected', 'x', 'unavailable', 'store-busy'],
    ['Neo.TransientError.Transaction.LeaderSwitch', 'x', 'unavailable', 'store-busy'],
    ['Neo.TransientError.General.DatabaseUnavailable', 'x', 'unavailable', 'store-unreachable'],
    ['Neo.TransientError.General.MemoryPoolOutOfMemoryError', 'x', 'unavailable', 'store-busy', true],
    ['Neo.ClientError.Transaction.LockClientStopped', 'x', 'unavailable', 'store-busy'],
    ['Neo.ClientError.Transaction.Terminated', 'x', 'unavailable', 'store-busy'],
    ['Neo.ClientError.Transaction.TransactionMarkedAsFailed', 'x', 'unavailable', 'store-busy'],
    ['Neo.ClientError.Transaction.TransactionTimedOut', 'x', 'unavailable', 'store-busy'],
    ['Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration', 'x', 'unavailable', 'store-busy'],
    ['Neo.ClientError.Cluster.NotALeader', 'x', 'unavailable', 'store-unreachable'],
    ['Neo.ClientError.General.ForbiddenOnReadOnlyDatabase', 'x', 'unavailable', 'store-unreachable'],
    ['Neo.ClientError.General.TransactionOutOfMemoryError', 'x', 'unavailable', 'store-busy', true],
    ['Neo.ClientError.Security.AuthorizationExpired', 'x', 'unavailable', 'store-unreachable'],
    ['Neo.ClientError.Security.TokenExpired', 'x', 'unavailable', 'store-unreachable'],
    ['Neo.ClientError.Security.Unauthorized', 'x', 'misconfigured', 'store-misconfigured'],
    ['Neo.ClientError.Security.Forbidden', 'x', 'misconfigured', 'store-misconfigured'],
    ['Neo.ClientError.Database.DatabaseNotFound', 'x', 'misconfigured', 'store-misconfigured'],
    ['Neo.ClientError.Procedure.ProcedureNotFound', 'x', 'misconfigured', 'store-misconfigured'],
    ['Neo.ClientError.Statement.TypeError', 'x', 'refused', 'value-refused'],
    ['Neo.ClientError.Statement.SemanticError', 'x', 'refused', 'value-refused'],
    ['Neo.ClientError.Statement.ArithmeticError', 'x', 'refused', 'value-refused'],
    ['Neo.ClientError.Statement.ArgumentError', 'x', 'refused', 'value-refused'],
    ['Neo.ClientError.Schema.ConstraintValidationFailed', 'x', 'refused', 'constraint-refused'],
    ['Neo.ClientError.Schema.TokenNameError', 'x', 'refused', 'value-refused'],
    ['Neo.DatabaseError.Statement.ExecutionFailed', 'Property value is too large to index', 'refused', 'limit-refused'],
    ['Neo.DatabaseError.Statement.ExecutionFailed', 'something else', 'suspect', 'defect'],
    ['Neo.DatabaseError.General.UnknownError', 'x', 'suspect', 'defect'],
    ['Neo.ClientError.Statement.SyntaxError', 'x', 'suspect', 'defect'],
    ['Neo.ClientError.Statement.ParameterMissing', 'x', 'suspect', 'defect'],
    ['ProtocolError', 'Unable to pack the given value', 'suspect', 'defect'],
    ['N/A', 'Cannot pack given iterable', 'suspect', 'defect'],
    ['Neo.ClientError.Some.NewThing', 'x', 'suspect', 'defect'],
  ];

  it.each(rows)('%s (%s) is %s, %s', (code, message, is, fault, halve = false) => {
    const error = classify(neo4jError(code, message));
    expect(error).toMatchObject({
      is,
      halve,
      culprit: undefined,
      fault: { code: fault, stage: 'graph', native: code },
    });
  });

  it('a transaction that took too long is compared with others, not simply halved; nothing else is', () => {
    const slow = rows.flatMap(([code, message]) => (classify(neo4jError(code, message)).slow ? [code] : []));
    expect(slow).toEqual([
      'Neo.ClientError.Transaction.TransactionTimedOut',
      'Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration',
    ]);
  });

  it('what JavaScript throws by itself is suspect', () => {
    for (const thrown of [new TypeError('x'), new RangeError('Maximum call stack size exceeded'), 'text', undefined]) {
      expect(classify(thrown).is).toBe('suspect');
    }
  });

  it('our own deadline is unavailable', () => {
    expect(classify(new DeadlineError('a statement', 5))).toMatchObject({
      is: 'unavailable',
      fault: { code: 'store-unreachable' },
    });
  });

  it('a certificate that does not hold is for the operator', () => {
    const error = neo4jError('ServiceUnavailable', 'Failed to connect to server: self-signed certificate');
    expect(classify(error).is).toBe('misconfigured');
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'has expired'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'for another host'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'signed by itself'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'an authority that is not trusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'an authority that is not trusted'],
  ])('a certificate that fails with %s is said to be one that is "%s"', (code, words) => {
    const said = `Server certificate is not trusted. If you trust the database, add it. Socket responded with: ${code}`;
    expect(classify(neo4jError('ServiceUnavailable', said)).fault.reason).toContain(words);
  });

  it('no reason quotes what the store said, which may quote the payload', () => {
    for (const { native } of faultTable) {
      const error = classify(
        neo4jError(native.replace('.*', '.Canary'), 'payload-canary too large to index acquisition'),
      );
      expect(error.fault.reason).not.toContain('payload-canary');
    }
  });

  it('every row names a fault that exists, and is reached before a wider one', () => {
    for (const [i, { native, code }] of faultTable.entries()) {
      expect(Object.keys(faultKinds)).toContain(code);
      const wider = faultTable
        .slice(0, i)
        .filter((row) => row.native.endsWith('.*') && native.startsWith(row.native.slice(0, -1)));
      expect(wider).toEqual([]);
    }
  });

  it('what is classified already passes as it is', () => {
    const error = classify(neo4jError('ProtocolError'));
    expect(classify(error)).toBe(error);
    expect(error).toBeInstanceOf(SinkError);
  });
});
