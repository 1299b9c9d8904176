import { describeTableSinks } from './support/contract.ts';

describeTableSinks('the table sink');
