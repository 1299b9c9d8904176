/**
 * Looks for the batch size at which a lane stores most records a second, while it has more to do than it can.
 *
 * A ladder of sizes lies between the bounds. On each step the lane's rate is measured over a while; then the lane moves
 * to a neighbour that is known to be clearly faster, or tries one that is not known, or stays. Rates are looked at anew
 * from time to time, because stores change. What must stay true:
 * - Only a lane at its limit tells anything: a while in which some batch was not sealed by its size is thrown away.
 * - Standing still is the rule: a difference below `margin` is noise, and looking around takes a small share of the time.
 */
import type { SealedBy } from './batch.ts';

export interface SizerSettings {
  readonly start: number;
  /** Bounds, both included. */
  readonly min: number;
  readonly max: number;
}

export interface Sizer {
  /** Records that seal a batch now. */
  readonly size: number;
  /** A batch was stored: its records, what sealed it, and when, in milliseconds of any steady clock. */
  stored(records: number, sealedBy: SealedBy, at: number): void;
}

export interface Resized {
  readonly from: number;
  readonly to: number;
  /** Records a second at the size that is left. */
  readonly rate: number;
}

/** Neighbouring sizes differ by this factor: less is lost in the noise of single batches. */
const step = Math.SQRT2;
/** A while: at least so long, and so many batches. Those sealed under another size, and the first after them, do not count. */
const whileMs = 1_000;
const whileBatches = 8;
/** A neighbour must be faster by this share before the lane moves: throughput wanders by a few per cent by itself. */
const margin = 0.04;
/** Whiles at a size before its neighbours are looked at anew: two in twenty-four are a twelfth of the time. */
const patience = 24;

export function createSizer({ start, min, max }: SizerSettings, onResized: (resized: Resized) => void): Sizer {
  const ladder = ladderOf(start, min, max);
  const rates: (number | undefined)[] = ladder.map(() => undefined);
  let at = ladder.indexOf(start);
  /** The size the lane returns to when the one it tries is no better. */
  let home = at;
  let still = 0;
  let began: number | undefined;
  let batches = 0;
  let records = 0;

  const sizeAt = (index: number): number => ladder[index] ?? start;

  const restart = (from: number | undefined): void => {
    began = from;
    batches = 0;
    records = 0;
  };

  const moveTo = (next: number, rate: number): void => {
    if (next === at) return;
    onResized({ from: sizeAt(at), to: sizeAt(next), rate: Math.round(rate) });
    at = next;
    restart(undefined);
  };

  const decide = (rate: number): void => {
    rates[at] = rate;
    if (at !== home) {
      const before = rates[home] ?? 0;
      if (rate <= before * (1 + margin)) {
        moveTo(home, rate);
        return;
      }
      home = at;
      still = 0;
    }
    still += 1;
    // Larger first: what a batch costs beyond its records is shared by more of them.
    const unknown = [at + 1, at - 1].find((index) => index in ladder && rates[index] === undefined);
    if (unknown !== undefined) {
      moveTo(unknown, rate);
      return;
    }
    if (still < patience) return;
    still = 0;
    for (const index of [at + 1, at - 1]) if (index in ladder) rates[index] = undefined;
  };

  return {
    get size() {
      return sizeAt(at);
    },
    stored(count, sealedBy, now) {
      if (sealedBy !== 'records') {
        restart(undefined);
        return;
      }
      // Sealed before the last move.
      if (count !== sizeAt(at)) return;
      if (began === undefined) {
        restart(now);
        return;
      }
      batches += 1;
      records += count;
      const elapsed = now - began;
      if (batches < whileBatches || elapsed < whileMs) return;
      const rate = (records / elapsed) * 1_000;
      restart(now);
      decide(rate);
    },
  };
}

/** Sizes from min to max by `step`, with `start` among them. */
function ladderOf(start: number, min: number, max: number): readonly number[] {
  const sizes = [start];
  for (let size = start * step; size < max; size *= step) sizes.push(Math.round(size));
  if (max > start) sizes.push(max);
  for (let size = start / step; size > min; size /= step) sizes.unshift(Math.round(size));
  if (min < start) sizes.unshift(min);
  return [...new Set(sizes)];
}
