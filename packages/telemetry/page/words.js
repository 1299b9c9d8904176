// Numbers, times and states as people read them.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

export const none = '–';

/** 1234567 → "1,234,567"; below ten with a fraction, because 0.4 a second is not nothing. */
export function number(value) {
  if (value === undefined || value === null) return none;
  return value > 0 && value < 10 ? fine.format(value) : whole.format(value);
}

export const percent = (share) => `${share > 0 && share < 0.01 ? '<1' : Math.round(share * 100)} %`;

/** Milliseconds as a latency. */
export function latency(ms) {
  if (ms === undefined || ms === null) return none;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${fine.format(ms / 1_000)} s`;
}

/** Seconds as a span of time, in its two largest units. */
export function span(seconds) {
  if (seconds === undefined || seconds === null) return none;
  if (seconds > 0 && seconds < 1) return '< 1 s';
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return joined(Math.floor(s / 60), 'min', s < 600 ? s % 60 : 0, 's');
  if (s < 86_400) return joined(Math.floor(s / 3_600), 'h', Math.floor((s % 3_600) / 60), 'min');
  return joined(Math.floor(s / 86_400), 'd', Math.floor((s % 86_400) / 3_600), 'h');
}

const joined = (large, unit, small, lesser) =>
  `${whole.format(large)} ${unit}${small === 0 ? '' : ` ${small} ${lesser}`}`;

/** Each state with its tone and what it means where the service gives no reason. */
export const states = {
  starting: { word: 'Starting', tone: 'warn', means: 'The queue or the store is not open yet.' },
  consuming: { word: 'Consuming', tone: 'ok', means: '' },
  holding: { word: 'Holding', tone: 'bad', means: 'The store does not take the batch; what is in hand waits for it.' },
  braked: { word: 'Braked', tone: 'bad', means: 'Too many records are refused; nothing more is dead-lettered.' },
  paused: { word: 'Paused', tone: 'quiet', means: 'An operator paused the lane.' },
  draining: { word: 'Draining', tone: 'quiet', means: 'The service is stopping and writes what it holds.' },
  stopped: { word: 'Stopped', tone: 'quiet', means: 'The service has stopped.' },
};

/** The states of a writer's time, as the bar draws them from the left. */
export const spending = {
  writing: 'Writing',
  settling: 'Settling',
  decoding: 'Decoding',
  waiting: 'Waiting for a connection',
  holding: 'Holding',
  idle: 'Idle',
};

/** A sentence, capitalised and ended. */
export function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  return `${trimmed[0].toUpperCase()}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}
