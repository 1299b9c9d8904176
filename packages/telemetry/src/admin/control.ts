/** What an operator may do to a lane over HTTP. Each is idempotent, and says what the lane does afterwards. */
import { DeadlineError, type LaneSnapshot, within } from '@inator/runtime';
import type { TextReply } from './route.ts';

export interface ControlledLane {
  readonly name: string;
  snapshot(): LaneSnapshot;
  pause(): Promise<void>;
  resume(): Promise<void>;
  releaseBrake(): void;
}

export type Control = (type: string) => Promise<TextReply>;

/** Under the two seconds that callers are promised; the broker may take longer to cancel or to begin again. */
const answerMs = 1_500;

export function createControls(lanes: () => readonly ControlledLane[]): {
  readonly pause: Control;
  readonly resume: Control;
  readonly releaseBrake: Control;
} {
  const on =
    (act: (lane: ControlledLane) => Promise<TextReply>): Control =>
    async (type) => {
      const lane = lanes().find(({ name }) => name === type);
      if (lane === undefined) {
        return {
          status: 404,
          body: { error: 'this process has no such lane', lanes: lanes().map(({ name }) => name) },
        };
      }
      const { state } = lane.snapshot();
      if (state === 'draining' || state === 'stopped') {
        return { status: 409, body: { error: 'the service is stopping', lane: type, state } };
      }
      return act(lane);
    };
  /** 202 when the broker has not answered yet: the word stands, and holds for every later session too. */
  const settled = async (lane: ControlledLane, doing: Promise<void>): Promise<TextReply> => {
    try {
      await within(doing, answerMs, 'the broker');
      return { status: 200, body: after(lane) };
    } catch (error) {
      if (error instanceof DeadlineError) return { status: 202, body: { ...after(lane), pending: true } };
      throw error;
    }
  };
  return {
    pause: on((lane) => settled(lane, lane.pause())),
    resume: on((lane) => settled(lane, lane.resume())),
    releaseBrake: on(async (lane) => {
      // A lane that is not braked must not be pardoned its next thousand refusals.
      if (lane.snapshot().state !== 'braked') {
        return { status: 409, body: { error: 'the lane is not braked', ...after(lane) } };
      }
      lane.releaseBrake();
      return { status: 200, body: after(lane) };
    }),
  };
}

function after(lane: ControlledLane) {
  const { state, paused, reason, pendingRecords } = lane.snapshot();
  return { lane: lane.name, state, paused, pendingRecords, ...(reason === undefined ? {} : { reason }) };
}
