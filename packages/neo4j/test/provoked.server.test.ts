/** The table of errors against errors that a real server makes, not such as we imagine. */
import { type FaultCode, SinkError, type SinkErrorKind } from '@inator/runtime';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Neo4j } from '../src/index.ts';
import { connect, drop, query, unique } from './support/server.ts';

const label = `Provoked${unique()}`;
let neo4j: Neo4j;
beforeAll(async () => {
  neo4j = connect({ transactionTimeoutMs: 2_000 });
  await query(neo4j, `CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  await query(neo4j, 'CALL db.awaitIndexes(60)');
  await query(neo4j, `CREATE (:${label} {id: 'taken'})`);
});
afterAll(async () => {
  await drop(neo4j, [label]);
  await neo4j.close();
});

const client = 'Neo.ClientError';
it.each<readonly [string, Record<string, unknown>, string, SinkErrorKind, FaultCode]>([
  ['CREATE (n:%l {a: $a})', { a: { b: 1n } }, `${client}.Statement.TypeError`, 'refused', 'value-refused'],
  ['CREATE (n:%l {a: $a})', { a: [[1n]] }, `${client}.Statement.TypeError`, 'refused', 'value-refused'],
  ['MERGE (n:%l {id: $id})', { id: null }, `${client}.Statement.SemanticError`, 'refused', 'value-refused'],
  ['RETURN $a / 0', { a: 1n }, `${client}.Statement.ArithmeticError`, 'refused', 'value-refused'],
  [
    'CREATE (n:%l {id: $id})',
    { id: 'taken' },
    `${client}.Schema.ConstraintValidationFailed`,
    'refused',
    'constraint-refused',
  ],
  [
    'CREATE (n:%l {`id`: $id})',
    { id: 'x'.repeat(9_000) },
    'Neo.DatabaseError.Statement.ExecutionFailed',
    'refused',
    'limit-refused',
  ],
  ['CREATE (n:%l) SET n = $map', { map: { '': 1n } }, `${client}.Schema.TokenNameError`, 'refused', 'value-refused'],
  ['RETURN datetime($a)', { a: 'soon' }, `${client}.Statement.SyntaxError`, 'suspect', 'defect'],
  ['RETURN $missing', {}, `${client}.Statement.ParameterMissing`, 'suspect', 'defect'],
  ['CALL no.such.procedure()', {}, `${client}.Procedure.ProcedureNotFound`, 'misconfigured', 'store-misconfigured'],
  [
    'UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(a + b)',
    {},
    `${client}.Transaction.TransactionTimedOutClientConfiguration`,
    'unavailable',
    'store-busy',
  ],
])('%s (%#) is %s', async (text, parameters, native, is, code) => {
  const error = await query(neo4j, text.replaceAll('%l', label), parameters).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SinkError);
  expect(error).toMatchObject({ is, fault: { native, code } });
});

it('a password that is wrong, and a database that is not there, are for the operator', async () => {
  const wrong = connect({ password: () => 'wrong wrong wrong' });
  await expect(wrong.check()).rejects.toMatchObject({
    is: 'misconfigured',
    fault: { native: `${client}.Security.Unauthorized` },
  });
  await wrong.close();
  const nowhere = connect({ database: 'nowhere' });
  await expect(nowhere.check()).rejects.toMatchObject({
    is: 'misconfigured',
    fault: { native: `${client}.Database.DatabaseNotFound` },
  });
  await nowhere.close();
});

it('two transactions that wait for each other: one is told of the deadlock, and may try again', async () => {
  await query(neo4j, `CREATE (:${label} {id: 'left'}), (:${label} {id: 'right'})`);
  const take = (id: string): string => `MATCH (n:${label} {id: '${id}'}) SET n.taken = true`;
  const [one, two] = await Promise.all([neo4j.begin(), neo4j.begin()]);
  await one.run(take('left'));
  await two.run(take('right'));
  const both = await Promise.allSettled([one.run(take('right')), two.run(take('left'))]);
  await Promise.all([one.rollback(), two.rollback()]);
  const told = both.flatMap((each) => (each.status === 'rejected' ? [each.reason as SinkError] : []));
  expect(told.map(({ is, fault }) => [is, fault.native])).toContainEqual([
    'unavailable',
    'Neo.TransientError.Transaction.DeadlockDetected',
  ]);
});
