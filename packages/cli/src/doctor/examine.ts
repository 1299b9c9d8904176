/** The examinations, one after the other; none of them changes anything, and none stops the next. */
import { faultLine, graphinator, readConfig, type ServiceName, tableinator, warningLine } from '@inator/config';
import { messageOf } from '../exit.ts';
import type { Environment } from '../io.ts';
import { domainOf, type PublishDomain } from '../publish/domain.ts';
import { narrowed } from '../servers/domain.ts';
import { examineBroker } from './broker.ts';
import type { Finding, Findings } from './finding.ts';
import { examineTlsSwitch } from './judgements.ts';
import { examineNeo4j } from './neo4j.ts';
import { examinePostgres } from './postgres.ts';
import { examineVersion } from './versions.ts';

function* examineConfiguration(env: Environment, service: ServiceName | undefined): Generator<Finding> {
  for (const [name, result] of [
    ['tableinator', readConfig(tableinator, env)],
    ['graphinator', readConfig(graphinator, env)],
  ] as const) {
    if (service !== undefined && service !== name) continue;
    const what = `configuration of ${name}`;
    if ('ok' in result) yield { is: 'ok', what, says: 'no fault' };
    else
      for (const fault of result.faults)
        yield { is: 'fail', what, says: faultLine(fault), next: 'inator config --check' };
    for (const warning of result.warnings) {
      yield { is: 'warn', what, says: warningLine(warning), next: `inator config ${name} shows what is in force` };
    }
  }
}

/** An examination that could not even begin, or that ended half-way, is a finding too. */
async function* guarded(what: string, examine: () => Findings): Findings {
  try {
    yield* examine();
  } catch (error) {
    yield { is: 'fail', what, says: messageOf(error), next: 'inator config --check' };
  }
}

export interface ExamineOptions {
  /** What the services would see. */
  readonly env: Environment;
  /** How to reach the servers from here. */
  readonly reaching: Environment;
  readonly replicas?: number | undefined;
  /** Only what this service needs, where the environment is that of one alone. */
  readonly service?: ServiceName | undefined;
}

export async function* examineAll({ env, reaching, replicas, service }: ExamineOptions): Findings {
  yield examineVersion('node', process.version);
  yield* examineConfiguration(env, service);
  yield* examineTlsSwitch(env);
  const domain = (): PublishDomain => {
    const all = domainOf(reaching.DOMAIN?.trim());
    return service === undefined ? all : narrowed(all, reaching, service);
  };
  yield* guarded('RabbitMQ', () => examineBroker(reaching, service));
  if (service !== 'graphinator')
    yield* guarded('PostgreSQL', () => examinePostgres(reaching, { domain: domain(), replicas }));
  if (service !== 'tableinator') yield* guarded('Neo4j', () => examineNeo4j(reaching, domain()));
}
