/** Every command there is, in the order of `--help` and of the reference. */
import { benchCommand } from './bench.ts';
import { bulkLoadCommand } from './bulk-load.ts';
import { configCommand } from './config.ts';
import type { CommandFactory } from './context.ts';
import { dlqCommand } from './dlq.ts';
import { doctorCommand } from './doctor.ts';
import { modelCommand } from './model.ts';
import { pauseCommand, releaseBrakeCommand, resumeCommand } from './operate.ts';
import { publishCommand } from './publish.ts';
import { stackCommand } from './stack.ts';
import { startCommand } from './start.ts';
import { statusCommand, topCommand } from './status.ts';

export const commands: readonly CommandFactory[] = [
  startCommand,
  publishCommand,
  modelCommand,
  statusCommand,
  topCommand,
  pauseCommand,
  resumeCommand,
  releaseBrakeCommand,
  dlqCommand,
  doctorCommand,
  configCommand,
  stackCommand,
  bulkLoadCommand,
  benchCommand,
];
