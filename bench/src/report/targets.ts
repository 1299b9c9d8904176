/** What a scenario is expected to reach, judged by the medians of its rounds. */
import type { Target } from '../scenario.ts';
import type { ContestantResult, RatioResult } from './result.ts';

export interface TargetResult extends Target {
  /** Undefined where it could not be measured. */
  readonly figure: number | undefined;
  /** Undefined where it cannot be judged. */
  readonly met: boolean | undefined;
}

interface Figures {
  readonly ratios: readonly RatioResult[];
  readonly contestants: Readonly<Record<string, ContestantResult>>;
}

export function judged(target: Target, figures: Figures): TargetResult {
  const figure = figureOf(target, figures);
  const { least, most } = target;
  const met =
    figure === undefined
      ? undefined
      : (least === undefined || figure >= least) && (most === undefined || figure <= most);
  return { ...target, figure, met };
}

function figureOf({ of, over, what }: Target, { ratios, contestants }: Figures): number | undefined {
  if (over !== undefined) {
    const ratio = ratios.find((one) => one.of === of && one.over === over);
    return what === 'cpu' ? ratio?.cpu : what === 'rate' ? ratio?.median : undefined;
  }
  const one = contestants[of];
  return what === 'peak MiB' ? one?.peakMemoryMiB : one?.figures?.[what];
}

/** `tableinator / naive, CPU a record, at most 0.5`. */
export function targetName({ of, over, what, least, most }: Target): string {
  const name = over === undefined ? `${of}, ${what}` : `${of} / ${over}${what === 'cpu' ? ', CPU a record' : ''}`;
  return `${name}, ${least === undefined ? `at most ${most}` : `at least ${least}`}`;
}

/** `target tableinator / naive, at least 1.2: met (1.37)`; one line a target, or one that says that there is none. */
export function targetLines(targets: readonly TargetResult[]): string[] {
  if (targets.length === 0) return ['target none is set for this scenario'];
  return targets.map((target) => `target ${targetName(target)}: ${verdict(target)}`);
}

export function verdict({ figure, met }: TargetResult): string {
  if (figure === undefined) return 'not measured';
  return `${met === undefined ? 'not judged' : met ? 'met' : 'missed'} (${figure})`;
}
