/** One queue, one session at a time, its writers. (Interface; the making of it is below.) */
import type { Events, LaneSnapshot } from './events.ts';

export interface Lane {
  readonly name: string;
  readonly events: Events;
  /** Opens the sink, then the source, each retried until it succeeds; resolves when the lane first consumes. */
  start(): void;
  snapshot(): LaneSnapshot;
  /** Messages waiting in the lane's queue at the broker; undefined where it cannot be told. */
  depth(): Promise<number | undefined>;
  /** Stops and starts intake on an operator's word. What is in hand is still written. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Lets what the brake holds go to the dead letters, on an operator's word. */
  releaseBrake(): void;
  /**
   * Drains: stops intake, seals, writes, settles, closes. Resolves with what was left unsettled when `signal` aborted
   * (0 when fully drained). Never rejects.
   */
  stop(signal: AbortSignal): Promise<number>;
}
